/*
 * django.db.transaction: atomic() as decorator and as block, and the statements that begin and end a block.
 *
 * Invariant: BEGIN and COMMIT stand at the outermost block only; blocks inside it are savepoints.
 *
 * Example: with transaction.atomic(): a.save() → BEGIN; INSERT …; COMMIT
 */
#include "compiler/django/settings.h"
#include "compiler/django/write_internal.h"

static void transaction_send(Evaluator *ev, StatementKind kind, Slice sql, const Node *site) {
    StatementList statements = {0};
    ARENA_PUSH(evaluator_arena(ev), statements.items, statements.count, statements.capacity) =
        (Statement){.kind = kind, .sql = sql, .inlined = sql};
    evaluator_execute(ev, &statements, site);
}

/* Savepoints of blocks go by their depth; those that the program sets itself are counted. */
static Slice savepoint_text(Evaluator *ev, const char *verb, Slice name) {
    char quote = evaluator_dialect(ev)->quote;
    return slice_format(evaluator_arena(ev), "%s %c%.*s%c", verb, quote, SLICE_ARGS(name), quote);
}

static Slice savepoint_of_block(Evaluator *ev, int depth) { return slice_format(evaluator_arena(ev), "s1_x%d", depth); }

void transaction_enter(Evaluator *ev, bool savepoint, const Node *site) {
    DjState *state = django_state(ev);
    evaluator_touch(ev, &state->transaction_depth, sizeof state->transaction_depth);
    int depth = state->transaction_depth++;
    Slice name = savepoint_of_block(ev, depth);
    if (depth == 0) transaction_send(ev, STATEMENT_BEGIN, SLICE("BEGIN"), site);
    else if (savepoint) transaction_send(ev, STATEMENT_SAVEPOINT, savepoint_text(ev, "SAVEPOINT", name), site);
}

void transaction_leave(Evaluator *ev, bool savepoint, bool failed, const Node *site) {
    DjState *state = django_state(ev);
    evaluator_touch(ev, &state->transaction_depth, sizeof state->transaction_depth);
    Slice name = savepoint_of_block(ev, --state->transaction_depth);
    if (state->transaction_depth == 0) {
        transaction_send(ev, failed ? STATEMENT_ROLLBACK : STATEMENT_COMMIT,
                         failed ? SLICE("ROLLBACK") : SLICE("COMMIT"), site);
    } else if (savepoint) {
        if (failed) transaction_send(ev, STATEMENT_ROLLBACK, savepoint_text(ev, "ROLLBACK TO SAVEPOINT", name), site);
        transaction_send(ev, STATEMENT_RELEASE, savepoint_text(ev, "RELEASE SAVEPOINT", name), site);
    }
}

/* ---- atomic ---- */

typedef struct AtomicValue {
    Value head;
    bool savepoint;
    Value *function; /* a decorated function; NULL: a block */
    Value *self;     /* that it is bound to */
} AtomicValue;

static Value *atomic_enter(Evaluator *ev, Value *self, const Node *site) {
    transaction_enter(ev, ((AtomicValue *)self)->savepoint, site);
    return value_none(ev);
}

static bool atomic_leave(Evaluator *ev, Value *self, bool failed, const Node *site) {
    transaction_leave(ev, ((AtomicValue *)self)->savepoint, failed, site);
    return true;
}

static Value *atomic_new(Evaluator *ev, bool savepoint, Value *function, Value *self);

static Value *atomic_call(Evaluator *ev, Value *self, const Arguments *arguments) {
    AtomicValue *atomic = (AtomicValue *)self;
    if (!atomic->function) {
        if (arguments->count != 1) return value_unknown_at(ev, arguments->site);
        return atomic_new(ev, atomic->savepoint, arguments->items[0], NULL);
    }
    Arguments bound = *arguments;
    if (atomic->self) {
        bound.items = ARENA_ARRAY(evaluator_arena(ev), Value *, arguments->count + 1);
        bound.nodes = ARENA_ARRAY(evaluator_arena(ev), const Node *, arguments->count + 1);
        bound.items[0] = atomic->self;
        bound.nodes[0] = arguments->site;
        for (int i = 0; i < arguments->count; i++) {
            bound.items[i + 1] = arguments->items[i];
            bound.nodes[i + 1] = arguments->nodes ? arguments->nodes[i] : arguments->site;
        }
        bound.count++;
    }
    transaction_enter(ev, atomic->savepoint, arguments->site);
    Value *result = value_call(ev, atomic->function, &bound);
    transaction_leave(ev, atomic->savepoint, result == NULL, arguments->site);
    return result;
}

/* A decorated method binds as the function would. */
static Value *atomic_bound(Evaluator *ev, Value *attribute, Value *self, Class *cls, const Node *site) {
    (void)cls, (void)site;
    AtomicValue *atomic = (AtomicValue *)attribute;
    return self && atomic->function ? atomic_new(ev, atomic->savepoint, atomic->function, self) : attribute;
}

static const Type atomic_type = {.name = "Atomic",
                                 .kind = VALUE_NATIVE,
                                 .call = atomic_call,
                                 .enter = atomic_enter,
                                 .leave = atomic_leave,
                                 .get_bound = atomic_bound};

static Value *atomic_new(Evaluator *ev, bool savepoint, Value *function, Value *self) {
    AtomicValue *atomic = arena_allocate_zeroed(evaluator_arena(ev), sizeof *atomic);
    *atomic = (AtomicValue){{&atomic_type, evaluator_object_class(ev)}, savepoint, function, self};
    return (Value *)atomic;
}

static Value *transaction_atomic(Evaluator *ev, Value *self, const Arguments *arguments) {
    Value *using = NULL, *savepoint = NULL, *durable = NULL;
    (void)self;
    if (!arguments_bind(ev, arguments, "atomic", "| using savepoint durable", &using, &savepoint, &durable))
        return NULL;
    bool callable = using && value_is_callable(using);
    return atomic_new(ev, !savepoint || value_truthy(ev, savepoint), callable ? using : NULL, NULL);
}

/* The function runs at commit: here, where no block is open, else as if the block ended at once. */
static Value *transaction_on_commit(Evaluator *ev, Value *self, const Arguments *arguments) {
    (void)self;
    if (arguments->count && value_is_callable(arguments->items[0]))
        return value_call_with(ev, arguments->items[0], NULL, 0, arguments->site);
    return value_none(ev);
}

/* Outside of a block Django sets none. */
static Value *transaction_savepoint(Evaluator *ev, Value *self, const Arguments *arguments) {
    (void)self;
    DjState *state = django_state(ev);
    if (!state->transaction_depth) return value_none(ev);
    evaluator_touch(ev, &state->savepoints, sizeof state->savepoints);
    Slice name = slice_format(evaluator_arena(ev), "s1_y%d", ++state->savepoints);
    transaction_send(ev, STATEMENT_SAVEPOINT, savepoint_text(ev, "SAVEPOINT", name), arguments->site);
    return value_string(ev, name);
}

static Value *savepoint_end(Evaluator *ev, const Arguments *arguments, StatementKind kind, const char *verb) {
    Value *name = NULL, *using = NULL;
    if (!arguments_bind(ev, arguments, "savepoint", "sid | using", &name, &using)) return NULL;
    bool known = django_state(ev)->transaction_depth && value_is(name, VALUE_STRING);
    if (known) transaction_send(ev, kind, savepoint_text(ev, verb, value_text(name)), arguments->site);
    return value_none(ev);
}

static Value *transaction_savepoint_rollback(Evaluator *ev, Value *self, const Arguments *arguments) {
    (void)self;
    return savepoint_end(ev, arguments, STATEMENT_ROLLBACK, "ROLLBACK TO SAVEPOINT");
}

static Value *transaction_savepoint_commit(Evaluator *ev, Value *self, const Arguments *arguments) {
    (void)self;
    return savepoint_end(ev, arguments, STATEMENT_RELEASE, "RELEASE SAVEPOINT");
}

void transaction_define(Evaluator *ev, ModuleValue *module) {
    static const char *const ignored[] = {"commit", "rollback", "set_autocommit", "set_rollback", "clean_savepoints"};
    module_define_function(ev, module, "atomic", transaction_atomic);
    module_define_function(ev, module, "on_commit", transaction_on_commit);
    module_define_function(ev, module, "savepoint", transaction_savepoint);
    module_define_function(ev, module, "savepoint_rollback", transaction_savepoint_rollback);
    module_define_function(ev, module, "savepoint_commit", transaction_savepoint_commit);
    for (size_t i = 0; i < sizeof ignored / sizeof *ignored; i++)
        module_define_function(ev, module, ignored[i], django_ignore);
}
