/*
 * The trace: every executed query, at its place, once per variant. Input: evaluator_execute from the ORMs. Output: a
 * list in program order. Invariants: what a path has found before is not reported again (same place, same SQL); a new
 * variant stands behind what was executed before it on its path. A loop's rounds within one activation are separate
 * executions.
 */
#include "compiler/evaluate/internal.h"

enum { REPEATS_MOST = 64, BUCKETS_FIRST = 64 };

void trace_begin_path(Evaluator *ev) {
    ev->path_number++;
    ev->path_anchor = NULL;
    ev->pending_count = 0;
}

/* ---- which def holds a place ---- */

static const Node *body_function_at(const Nodes *body, uint32_t offset);

static const Node *handlers_function_at(const Nodes *handlers, uint32_t offset) {
    for (int i = 0; i < handlers->count; i++) {
        const Node *found = body_function_at(&NODE_AS(ExceptHandler, handlers->items[i])->body, offset);
        if (found) return found;
    }
    return NULL;
}

static const Node *statement_function_at(const Node *node, uint32_t offset) {
    const Node *found = NULL;
    switch (node->kind) {
    case NODE_FunctionDef:
        found = body_function_at(&NODE_AS(FunctionDef, node)->body, offset);
        return found ? found : node;
    case NODE_AsyncFunctionDef:
        found = body_function_at(&NODE_AS(AsyncFunctionDef, node)->body, offset);
        return found ? found : node;
    case NODE_ClassDef: return body_function_at(&NODE_AS(ClassDef, node)->body, offset);
    case NODE_If:
        found = body_function_at(&NODE_AS(If, node)->body, offset);
        return found ? found : body_function_at(&NODE_AS(If, node)->orelse, offset);
    case NODE_For: return body_function_at(&NODE_AS(For, node)->body, offset);
    case NODE_AsyncFor: return body_function_at(&NODE_AS(AsyncFor, node)->body, offset);
    case NODE_While: return body_function_at(&NODE_AS(While, node)->body, offset);
    case NODE_With: return body_function_at(&NODE_AS(With, node)->body, offset);
    case NODE_AsyncWith: return body_function_at(&NODE_AS(AsyncWith, node)->body, offset);
    case NODE_Unreadable: return body_function_at(&NODE_AS(Unreadable, node)->body, offset);
    case NODE_Try: {
        const NodeTry *try = NODE_AS(Try, node);
        found = body_function_at(&try->body, offset);
        if (!found) found = handlers_function_at(&try->handlers, offset);
        if (!found) found = body_function_at(&try->orelse, offset);
        return found ? found : body_function_at(&try->finalbody, offset);
    }
    default: return NULL;
    }
}

static const Node *body_function_at(const Nodes *body, uint32_t offset) {
    int low = 0, high = body->count; /* the last statement that begins at or before the place */
    while (low < high) {
        int middle = low + (high - low) / 2;
        if (body->items[middle]->start <= offset) low = middle + 1;
        else high = middle;
    }
    const Node *node = low ? body->items[low - 1] : NULL;
    return node && offset < node->end ? statement_function_at(node, offset) : NULL;
}

static const Node *function_at(Evaluator *ev, const Node *site) {
    if (!site) return NULL;
    for (int i = 0; i < ev->program_count; i++)
        if (ev->programs[i]->tree && ev->programs[i]->source->number == site->source)
            return body_function_at(&ev->programs[i]->tree->body, site->start);
    return NULL;
}

static Atom definition_name(const Node *node) {
    if (!node) return NULL;
    return node->kind == NODE_FunctionDef ? NODE_AS(FunctionDef, node)->name : NODE_AS(AsyncFunctionDef, node)->name;
}

/* ---- comparing ---- */

/* Equal but for the length of lists of placeholders: "IN (?, ?)" and "IN (?)". */
static bool sql_same_shape(Slice a, Slice b) {
    size_t i = 0, j = 0;
    while (i < a.length && j < b.length) {
        if (a.start[i] != b.start[j]) {
            /* one side goes on with ", ?" where the other ends its list */
            Slice *longer = a.start[i] == ',' ? &a : b.start[j] == ',' ? &b : NULL;
            size_t *at = longer == &a ? &i : &j;
            if (!longer || !*at || longer->start[*at - 1] != '?') return false;
            while (*at + 2 < longer->length && longer->start[*at] == ',' && longer->start[*at + 1] == ' ' &&
                   longer->start[*at + 2] == '?')
                *at += 3;
            if (i >= a.length || j >= b.length || a.start[i] != b.start[j]) return false;
        }
        i++;
        j++;
    }
    return i == a.length && j == b.length;
}

static bool execution_same(const Execution *a, const StatementList *statements, const Node *site) {
    if (a->site->source != site->source || a->site->start != site->start || a->site->end != site->end) return false;
    if (a->statements.count != statements->count) return false;
    for (int i = 0; i < statements->count; i++)
        if (!sql_same_shape(a->statements.items[i].sql, statements->items[i].sql)) return false;
    return true;
}

static bool statements_named(const StatementList *statements) {
    for (int i = 0; i < statements->count; i++)
        for (int j = 0; j < statements->items[i].param_count; j++)
            if (statements->items[i].params[j].source == PARAM_NAMED) return true;
    return false;
}

static Execution **bucket_of(Evaluator *ev, const Node *site) {
    if (!ev->bucket_count) {
        ev->bucket_count = BUCKETS_FIRST;
        ev->buckets = ARENA_ARRAY(&ev->keep, Execution *, ev->bucket_count);
    }
    uint32_t hash = (site->start * 31u + site->source) * 0x9E3779B1u;
    return &ev->buckets[(hash >> 8) & (uint32_t)(ev->bucket_count - 1)];
}

static void bucket_append(Evaluator *ev, Execution *made) {
    Execution **end = bucket_of(ev, made->site);
    while (*end) end = &(*end)->bucket;
    made->bucket = NULL;
    *end = made;
}

/* Executions of one place stay in their order. */
static void buckets_grow(Evaluator *ev) {
    Execution **old = ev->buckets;
    int count = ev->bucket_count;
    ev->bucket_count *= 4;
    ev->buckets = ARENA_ARRAY(&ev->keep, Execution *, ev->bucket_count);
    for (int i = 0; i < count; i++)
        for (Execution *next, *known = old[i]; known; known = next) {
            next = known->bucket;
            bucket_append(ev, known);
        }
}

/* The reported execution that this one repeats; NULL: it is new. */
static Execution *trace_find(Evaluator *ev, const StatementList *statements, const Node *site, const void *activation) {
    int repeats = 0;
    Execution *last = NULL;
    for (Execution *known = *bucket_of(ev, site); known; known = known->bucket) {
        if (!execution_same(known, statements, site)) continue;
        repeats++;
        last = known;
        if (known->path != ev->path_number) return known;
        /* a module body is a program that runs: each of its calls counts. An entry point shows what can happen, once.
         */
        if ((known->activation != activation && ev->entry_node) || ev->loop_unknown) return known;
    }
    return repeats >= REPEATS_MOST ? last : NULL;
}

static StatementList statements_copy(Evaluator *ev, const StatementList *statements) {
    StatementList copy = {.count = statements->count, .capacity = statements->count};
    copy.items = ARENA_ARRAY(ev->arena, Statement, statements->count);
    if (copy.count) memcpy(copy.items, statements->items, sizeof *copy.items * (size_t)copy.count);
    return copy;
}

/* A query that is only built stands where the text builds it, not where the path ended. */
static Execution *trace_place(Evaluator *ev, const Execution *execution) {
    Execution *before = NULL, *last = ev->path_anchor ? ev->path_anchor : ev->trace_tail;
    for (Execution *known = ev->trace_first; execution->lazy && known; before = known, known = known->next)
        if (known->entry == execution->entry && known->span.source == execution->span.source &&
            known->span.start > execution->span.start)
            return before;
    return last;
}

static void trace_insert(Evaluator *ev, Execution *execution) {
    Execution *after = trace_place(ev, execution);
    if (after) {
        execution->next = after->next;
        after->next = execution;
    } else {
        execution->next = ev->trace_first;
        ev->trace_first = execution;
    }
    if (!execution->next) ev->trace_tail = execution;
    if (!execution->lazy) ev->path_anchor = execution;
}

static Execution *execution_new(Evaluator *ev, const StatementList *statements, const Node *site,
                                const void *activation) {
    Execution *made = ARENA_NEW(ev->arena, Execution);
    const Node *function = function_at(ev, site);
    *made = (Execution){.span = evaluator_span(ev, site),
                        .function = definition_name(function),
                        .statements = statements_copy(ev, statements),
                        .lazy = ev->recording_lazy,
                        .site = site,
                        .entry = ev->entry_node,
                        .entry_class = ev->entry_class,
                        .activation = activation,
                        .path = ev->path_number,
                        .order = -1};
    made->source = span_text(made->span);
    return made;
}

static const Node unknown_site = {.kind = NODE_Pass};

ExecutionResult *evaluator_execute(Evaluator *ev, const StatementList *statements, const Node *site) {
    if (!site) site = &unknown_site;
    const void *activation = ev->frame ? (const void *)ev->frame->scope : NULL;
    Execution *known = evaluator_symbolic(ev) ? trace_find(ev, statements, site, activation) : NULL;
    int number = ev->execution_count;
    Execution *made = known;
    if (known) {
        known->path = ev->path_number;
        if (!ev->recording_lazy) known->lazy = false;
        if (!statements_named(&known->statements) && statements_named(statements))
            known->statements = statements_copy(ev, statements), ev->trace_count++;
        ev->path_anchor = known;
    } else {
        made = execution_new(ev, statements, site, activation);
        made->number = number;
        made->bucket = NULL;
        /* what the ORM would not send at all is only an answer to who asked for it */
        if (statements->count || !evaluator_symbolic(ev)) {
            if (ev->bucket_count && ev->trace_count > ev->bucket_count) buckets_grow(ev);
            bucket_append(ev, made);
            trace_insert(ev, made);
            ev->trace_count++;
        }
    }
    ARENA_PUSH(&ev->keep, ev->canonical, ev->execution_count, ev->execution_capacity) = made;
    ev->trace_ready = false;
    if (!ev->host.execute) return NULL;
    return ev->host.execute(ev->host.user, ev, made);
}

int evaluator_execution_count(const Evaluator *ev) { return ev->execution_count; }

/* ---- queries that the text only builds ---- */

bool evaluator_is_lazy(const Evaluator *ev) { return ev->recording_lazy; }

bool execute_lazy(Evaluator *ev, Value *value, const Node *site, bool lazy) {
    bool before = ev->recording_lazy, done = false;
    ev->recording_lazy = lazy;
    for (int i = 0; i < ev->family_count && !done; i++) {
        const NativeFamily *family = ev->families[i].family;
        if (ev->host.has_rows && lazy && !family->is_lazy) continue;
        done = family->execute_value && family->execute_value(ev, value, site);
        if (ev->error.pending) break;
    }
    /* a half-built query (a subquery that waits for its outer one) is no mistake */
    if (lazy && ev->error.pending && ev->error.exception->code == CODE_VALUE_ERROR) evaluator_clear_error(ev);
    ev->recording_lazy = before;
    return done;
}

/* A value goes where evaluation can't follow (a template, a serializer): queries in it are executed there. */
void execute_escaping(Evaluator *ev, Value *value, const Node *site, int depth) {
    if (ev->host.has_rows || depth > 3 || ev->error.pending || ev->loading) return;
    value = value_resolve(value);
    if (value_is(value, VALUE_NATIVE) || value->type->kind == VALUE_NATIVE) {
        execute_lazy(ev, value, site, true);
    } else if (value_is(value, VALUE_LIST) || value_is(value, VALUE_TUPLE)) {
        const ListValue *list = (const ListValue *)value;
        for (int i = 0; i < list->count && i < 32; i++) execute_escaping(ev, list->items[i], site, depth + 1);
    } else if (value_is(value, VALUE_DICT)) {
        const DictValue *dict = (const DictValue *)value;
        for (int i = 0; i < dict->count; i++) {
            const Node *node = dict->entries[i].node ? dict->entries[i].node : site;
            execute_escaping(ev, dict->entries[i].value, node, depth + 1);
        }
    }
}

void trace_note_assign(Evaluator *ev, Scope *scope, Atom name, Value *value, const Node *site) {
    if (!value_is(value, VALUE_NATIVE) || ev->loading) return;
    if (ev->host.has_rows && (scope->kind != SCOPE_MODULE || ev->frame->caller)) return;
    if (scope->kind != SCOPE_FUNCTION && scope->kind != SCOPE_MODULE) return;
    if (ev->frame->caller && ev->entry_node && ev->frame->caller->function) return;
    ARENA_PUSH(&ev->keep, ev->pending, ev->pending_count, ev->pending_capacity) = (PendingValue){name, value, site};
}

void trace_note_load(Evaluator *ev, Scope *scope, Atom name) {
    (void)scope;
    for (int i = ev->pending_count - 1; i >= 0; i--)
        if (ev->pending[i].name == name) {
            ev->pending[i] = ev->pending[--ev->pending_count];
            return;
        }
}

/* At the end of a path: what was assigned and never read. */
void trace_flush_pending(Evaluator *ev) {
    for (int i = 0; i < ev->pending_count; i++) {
        execute_lazy(ev, ev->pending[i].value, ev->pending[i].site, true);
        if (ev->error.pending) evaluator_report_error(ev);
    }
    ev->pending_count = 0;
}

/* A definition that other code of the program calls; a method: through which class. */
static bool is_called(const Evaluator *ev, const Node *definition, const Class *cls) {
    return pair_find(&ev->called, definition, (uintptr_t)cls) != NULL;
}

void trace_note_call(Evaluator *ev, const FunctionValue *function, const Value *self) {
    if (!ev->path.exploring) return;
    const Class *cls = !function->owner || !self ? NULL : value_is(self, VALUE_CLASS) ? (const Class *)self : self->cls;
    pair_place(&ev->called, &ev->keep, function->node, (uintptr_t)cls);
    if (!ev->entry_node && !ev->limit_reported) pair_place(&ev->covered, &ev->keep, function->node, 0);
}

bool trace_is_covered(const Evaluator *ev, const Node *definition) {
    return pair_find(&ev->covered, definition, 0) != NULL;
}

static bool execution_is_shown(const Evaluator *ev, const Execution *execution) {
    if (!execution->lazy || !execution->entry) return true;
    return !is_called(ev, execution->entry, execution->entry_class);
}

Trace evaluator_trace(Evaluator *ev) {
    if (ev->trace_ready) return ev->trace;
    Trace trace = {0};
    int capacity = 0;
    for (Execution *execution = ev->trace_first; execution; execution = execution->next) {
        execution->order = -1;
        if (!execution_is_shown(ev, execution)) continue;
        execution->order = trace.count;
        ARENA_PUSH(ev->arena, trace.items, trace.count, capacity) = execution;
    }
    for (int i = 0; i < trace.count; i++)
        for (int j = 0; j < trace.items[i]->statements.count; j++) {
            Statement *statement = &trace.items[i]->statements.items[j];
            for (int k = 0; k < statement->param_count; k++) {
                Param *param = &statement->params[k];
                if (param->source != PARAM_FROM_ROWS || param->execution < 0) continue;
                const Execution *from = param->execution < ev->execution_count ? ev->canonical[param->execution] : NULL;
                param->execution = from == trace.items[i] ? -1 : from ? from->order : -1;
            }
        }
    ev->trace_ready = true;
    ev->trace = trace;
    return trace;
}
