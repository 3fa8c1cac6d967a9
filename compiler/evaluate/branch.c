/* Decisions and paths. See branch.h for what they are, and evaluator_decide in native.h. */
#include "compiler/evaluate/internal.h"

/* `barren` paths in a row: neither a new statement nor a new turn, so that what follows will hardly tell more. */
enum { DECISIONS_MOST = 200, BARREN_MOST = 48, MEMORY_EASY = 32 * 1024 * 1024 };

typedef struct PathPrefix {
    int *taken;
    int count;
    const Node *site; /* of the decision that was turned; NULL: the first path */
    struct PathPrefix *next;
} PathPrefix;

typedef struct Exploration {
    PairMap met; /* (decision's site, outcome) that some path has taken */
    PathPrefix first, *tail;
    int queued, visited;
    int executed; /* executions before it began */
    int barren;   /* the last paths that have told nothing new */
    JournalMark mark;
} Exploration;

bool evaluator_symbolic(const Evaluator *ev) { return ev->path.exploring; }

int evaluator_decide(Evaluator *ev, const Node *site, int alternatives) {
    PathState *path = &ev->path;
    ev->decision_total++;
    if (!path->exploring || alternatives < 2 || path->count >= DECISIONS_MOST) return 0;
    int taken = path->count < path->forced_count ? path->forced[path->count] : 0;
    if (taken >= alternatives) taken = 0;
    ARENA_PUSH(ev->arena, path->items, path->count, path->capacity) = (Decision){site, alternatives, taken};
    return taken;
}

/* ---- visiting ---- */

/* The decisions of the path that has just ended, each turned to its other outcomes: paths still to visit. */
static void path_turns(Evaluator *ev, Exploration *all, int fixed) {
    const PathState *path = &ev->path;
    for (int i = 0; i < path->count; i++)
        pair_place(&all->met, &ev->keep, path->items[i].site, (uintptr_t)path->items[i].taken);
    for (int i = fixed; i < path->count; i++)
        for (int other = path->items[i].taken + 1; other < path->items[i].alternatives; other++) {
            if (all->queued >= ev->limits.paths * 4) return;
            PathPrefix *prefix = ARENA_NEW(&ev->keep, PathPrefix);
            prefix->count = i + 1;
            prefix->site = path->items[i].site;
            prefix->taken = arena_allocate(&ev->keep, sizeof(int) * (size_t)(i + 1));
            for (int j = 0; j < i; j++) prefix->taken[j] = path->items[j].taken;
            prefix->taken[i] = other;
            all->tail->next = prefix;
            all->tail = prefix;
            all->queued++;
        }
}

/* Where nothing is executed, combinations say nothing: each outcome of each decision is visited once. */
static bool prefix_is_idle(const Evaluator *ev, const Exploration *all, const PathPrefix *prefix) {
    return prefix->site && ev->execution_count == all->executed &&
           pair_find(&all->met, prefix->site, (uintptr_t)prefix->taken[prefix->count - 1]);
}

static void path_visit(Evaluator *ev, Exploration *all, const PathPrefix *prefix, PathRun run, void *data) {
    ev->path = (PathState){.exploring = true, .forced = prefix->taken, .forced_count = prefix->count};
    ev->limit_quiet = all->visited > 1;
    trace_begin_path(ev);
    ArenaMark memory = arena_mark(ev->arena);
    int reported = ev->trace_count, diagnosed = ev->diagnostics.count, sources = ev->source_count;
    int met = all->met.count;
    run(ev, data);
    if (ev->error.pending) evaluator_report_error(ev);
    path_turns(ev, all, prefix->count);
    journal_undo(ev, all->mark);
    all->barren = reported == ev->trace_count && met == all->met.count ? all->barren + 1 : 0;
    /* a long exploration gives back the memory of paths that have told nothing new */
    bool nothing = reported == ev->trace_count && diagnosed == ev->diagnostics.count;
    if (nothing && ev->arena == &ev->scratch && ev->scratch.used > MEMORY_EASY) {
        ev->source_count = sources;
        arena_reset_to(&ev->scratch, memory);
        ev->class_names_of = (PairMap){0}; /* a module to come may take the place of one that is gone */
    }
}

void evaluator_explore(Evaluator *ev, PathRun run, void *data, const Node *entry) {
    PathState outer = ev->path;
    Exploration all = {.executed = ev->execution_count, .mark = journal_mark(ev)};
    all.tail = &all.first;
    evaluator_begin_steps(ev, entry->kind == NODE_Module ? ev->program_size : entry->end - entry->start);
    ev->limit_reported = false;
    for (PathPrefix *prefix = &all.first; prefix; prefix = prefix->next) {
        if (prefix_is_idle(ev, &all, prefix)) continue;
        /* the steps of all paths count together: what the first of them have used up, the rarer ones do not get */
        if ((all.visited && ev->steps > ev->step_limit) || all.barren >= BARREN_MOST) break;
        if (all.visited++ >= ev->limits.paths) {
            if (ev->execution_count > all.executed)
                evaluator_warn(ev, CODE_LIMIT, evaluator_span(ev, entry),
                               "more than %d combinations of branches: the rarer ones are left out", ev->limits.paths);
            break;
        }
        path_visit(ev, &all, prefix, run, data);
    }
    ev->path = outer;
}

/* ---- facts ---- */

static Fact *fact_find(Evaluator *ev, const Value *unknown, int op, Value *other) {
    for (int i = 0; i < ev->path.fact_count; i++) {
        Fact *fact = &ev->path.facts[i];
        if (fact->unknown == unknown && fact->op == op &&
            (fact->other == other || value_equals(ev, fact->other, other)))
            return fact;
    }
    return NULL;
}

static void fact_add(Evaluator *ev, const Value *unknown, int op, Value *other, bool outcome) {
    enum { FACTS_MOST = 2000 }; /* a loop that only the limit of steps ends asks anew each round */
    PathState *path = &ev->path;
    if (path->fact_count >= FACTS_MOST) return;
    ARENA_PUSH(ev->arena, path->facts, path->fact_count, path->fact_capacity) = (Fact){unknown, other, op, outcome};
}

static void unknown_settle(Evaluator *ev, UnknownValue *unknown, Value *value) {
    if (!ev->path.exploring) return;
    evaluator_touch(ev, &unknown->resolved, sizeof unknown->resolved);
    unknown->resolved = value;
}

/* `key in {"name", "-name"}`: which of them, or none. */
static bool decide_member(Evaluator *ev, UnknownValue *left, const ListValue *items, const Node *site) {
    int texts = 0;
    for (int i = 0; i < items->count; i++) texts += value_is(items->items[i], VALUE_STRING);
    if (texts != items->count || texts == 0 || texts > 12) return evaluator_decide(ev, site, 2) == 0;
    int taken = evaluator_decide(ev, site, texts + 1);
    if (taken == texts) return false;
    unknown_settle(ev, left, items->items[taken]);
    return true;
}

static bool decide_comparison(Evaluator *ev, const Comparison *comparison, const Node *site) {
    int op = comparison->op;
    bool negated = op == COMPARE_NotEq || op == COMPARE_IsNot || op == COMPARE_NotIn;
    if (negated) op = op == COMPARE_NotEq ? COMPARE_Eq : op == COMPARE_IsNot ? COMPARE_Is : COMPARE_In;
    if (op == COMPARE_Is) op = COMPARE_Eq;
    Value *left = value_resolve(comparison->left);
    if (!value_is_unknown(left)) {
        Value *again = value_compare(ev, (CompareOperator)op, left, comparison->right, site);
        if (again && !value_is_unknown(again)) return value_is_true(again) != negated;
    }
    const Fact *known = fact_find(ev, left, op, comparison->right);
    if (known) return known->outcome != negated;
    bool outcome;
    UnknownValue *unknown = value_is_unknown(left) ? (UnknownValue *)left : NULL;
    bool list = value_is(comparison->right, VALUE_LIST) || value_is(comparison->right, VALUE_TUPLE);
    if (unknown && op == COMPARE_In && list) outcome = decide_member(ev, unknown, (ListValue *)comparison->right, site);
    else {
        /* the arm written first is the ordinary one, whichever way the condition is worded */
        outcome = (evaluator_decide(ev, site, 2) == 0) != negated;
        if (unknown && outcome && op == COMPARE_Eq && value_is(comparison->right, VALUE_STRING))
            unknown_settle(ev, unknown, comparison->right);
    }
    fact_add(ev, left, op, comparison->right, outcome);
    return outcome != negated;
}

bool evaluator_decide_truth(Evaluator *ev, Value *value, const Node *site) {
    value = value_resolve(value);
    if (!value_is_unknown(value)) {
        Truth truth = value_truth(ev, value, site);
        if (truth != TRUTH_UNKNOWN) return truth == TRUTH_TRUE;
    } else {
        UnknownValue *unknown = (UnknownValue *)value;
        if (unknown->present) {
            bool there = evaluator_decide(ev, site, 2) == 0;
            unknown_settle(ev, unknown, there ? unknown->present : value_none(ev));
            /* what is there counts as true: an empty string or a zero would be one more path that says nothing new */
            if (there) fact_add(ev, unknown->present, -1, unknown->present, true);
            return there;
        }
        if (unknown->origin_type == &comparison_origin && !ev->host.has_rows)
            return decide_comparison(ev, unknown->origin, site);
    }
    if (ev->host.has_rows && value_is_unknown(value)) {
        evaluator_refuse_unknown(ev, ((UnknownValue *)value)->text, evaluator_span(ev, site));
        return false;
    }
    const Fact *known = fact_find(ev, value, -1, value);
    if (known) return known->outcome;
    bool outcome = evaluator_decide(ev, site, 2) == 0;
    fact_add(ev, value, -1, value, outcome);
    return outcome;
}
