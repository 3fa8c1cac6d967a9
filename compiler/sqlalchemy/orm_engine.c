/*
 * Engines and connections: create_engine(), engine.begin(), conn.execute(), run_sync(Base.metadata.create_all).
 *
 * Input: a database URL and the calls. Output: the dialect that the URL names, executed statements, BEGIN and COMMIT.
 * Invariant: an engine holds no connection; each `connect()` is its own transaction.
 * Example: async with engine.begin() as conn: await conn.execute(stmt) -> BEGIN, …, COMMIT.
 */
#include "compiler/evaluate/evaluator.h"
#include "compiler/sqlalchemy/orm_load.h"

typedef struct EngineValue {
    Instance head;
    bool is_async;
} EngineValue;

typedef struct ConnectionValue {
    Instance head;
    bool is_async, began, commits, autocommit;
} ConnectionValue;

static void note_dialect(Evaluator *ev, Value *url) {
    if (!url || !value_is(url, VALUE_STRING)) return;
    Slice text = value_text(url);
    size_t end = 0;
    while (end < text.length && text.start[end] != ':' && text.start[end] != '+') end++;
    Slice name = slice_sub(text, 0, end);
    if (slice_equals_text(name, "postgres")) name = SLICE("postgresql");
    if (dialect_find(name)) evaluator_set_engine_dialect(ev, name);
}

static const Type engine_type;

static Value *call_create_engine(Evaluator *ev, Value *self, const Arguments *arguments) {
    (void)self;
    EngineValue *made = instance_allocate(ev, orm_state(ev)->engine, sizeof *made);
    made->head.head.type = &engine_type;
    made->is_async = evaluator_native_data(ev) != NULL;
    note_dialect(ev, arguments->count ? arguments->items[0] : arguments_keyword(arguments, orm_atom(ev, "url")));
    return &made->head.head;
}

static bool connection_begin(Evaluator *ev, ConnectionValue *connection, const Node *site) {
    if (connection->began || connection->autocommit) return true;
    evaluator_touch(ev, connection, sizeof *connection);
    connection->began = true;
    return orm_emit_plain(ev, STATEMENT_BEGIN, "BEGIN", site);
}

static bool connection_end(Evaluator *ev, ConnectionValue *connection, bool commit, const Node *site) {
    if (!connection->began) return true;
    evaluator_touch(ev, connection, sizeof *connection);
    connection->began = false;
    return orm_emit_plain(ev, commit ? STATEMENT_COMMIT : STATEMENT_ROLLBACK, commit ? "COMMIT" : "ROLLBACK", site);
}

static Value *connection_enter(Evaluator *ev, Value *self, const Node *site) {
    ConnectionValue *connection = (ConnectionValue *)self;
    return !connection->commits || connection_begin(ev, connection, site) ? self : NULL;
}

static bool connection_leave(Evaluator *ev, Value *self, bool failed, const Node *site) {
    ConnectionValue *connection = (ConnectionValue *)self;
    return connection_end(ev, connection, connection->commits && !failed, site);
}

static const Type connection_type = {.name = "Connection",
                                     .kind = VALUE_NATIVE,
                                     .enter = connection_enter,
                                     .leave = connection_leave,
                                     .has_attributes = true};

static Value *connection_execute(Evaluator *ev, Value *self, const Arguments *arguments) {
    ConnectionValue *connection = (ConnectionValue *)self;
    if (!arguments->count) return NULL;
    if (!connection_begin(ev, connection, arguments->site)) return NULL;
    Value *parameters =
        arguments->count > 1 ? arguments->items[1] : arguments_keyword(arguments, orm_atom(ev, "parameters"));
    ResultValue *result =
        (ResultValue *)session_execute_statement(ev, NULL, arguments->items[0], parameters, NULL, arguments->site);
    if (!result || result->head.head.type != &orm_result_type) return (Value *)result;
    const char *mode = evaluator_native_data(ev);
    if (mode && *mode == 's') result->shape = RESULT_SCALARS;
    if (mode && *mode == '1') return result_first(ev, result, true);
    return &result->head.head;
}

static Value *connection_text(Evaluator *ev, Value *self, const Arguments *arguments) {
    (void)self;
    if (!arguments->count || !value_is(arguments->items[0], VALUE_STRING)) return value_unknown_at(ev, arguments->site);
    const char *text = slice_terminated(evaluator_arena(ev), value_text(arguments->items[0]));
    return orm_emit_plain(ev, STATEMENT_DDL, text, arguments->site) ? value_none(ev) : NULL;
}

static Value *connection_finish(Evaluator *ev, Value *self, const Arguments *arguments) {
    bool commit = evaluator_native_data(ev) != NULL;
    return connection_end(ev, (ConnectionValue *)self, commit, arguments->site) ? value_none(ev) : NULL;
}

static Value *connection_begin_call(Evaluator *ev, Value *self, const Arguments *arguments) {
    ConnectionValue *connection = (ConnectionValue *)self;
    ConnectionValue *copy = instance_allocate(ev, orm_state(ev)->connection, sizeof *copy);
    copy->head.head.type = &connection_type;
    copy->is_async = connection->is_async;
    copy->commits = true;
    (void)arguments;
    return &copy->head.head;
}

static Value *connection_run_sync(Evaluator *ev, Value *self, const Arguments *arguments) {
    if (!arguments->count) return NULL;
    Value **items = ARENA_ARRAY(evaluator_arena(ev), Value *, arguments->count + 1);
    for (int i = 1; i < arguments->count; i++) items[i] = arguments->items[i];
    items[0] = self;
    Arguments rest = *arguments;
    rest.items = items;
    return value_call(ev, arguments->items[0], &rest);
}

static Value *connection_self(Evaluator *ev, Value *self, const Arguments *arguments) {
    (void)ev;
    (void)arguments;
    return self;
}

static const NativeMethod connection_methods[] = {
    {"execute", connection_execute, NATIVE_METHOD, NULL},
    {"scalars", connection_execute, NATIVE_METHOD, "s"},
    {"scalar", connection_execute, NATIVE_METHOD, "1"},
    {"stream", connection_execute, NATIVE_METHOD, NULL},
    {"stream_scalars", connection_execute, NATIVE_METHOD, "s"},
    {"exec_driver_sql", connection_text, NATIVE_METHOD, NULL},
    {"commit", connection_finish, NATIVE_METHOD, "commit"},
    {"rollback", connection_finish, NATIVE_METHOD, NULL},
    {"close", connection_finish, NATIVE_METHOD, NULL},
    {"begin", connection_begin_call, NATIVE_METHOD, NULL},
    {"begin_nested", connection_begin_call, NATIVE_METHOD, NULL},
    {"run_sync", connection_run_sync, NATIVE_METHOD, NULL},
    {"execution_options", connection_self, NATIVE_METHOD, NULL},
    {0},
};

static Value *engine_connect(Evaluator *ev, Value *self, const Arguments *arguments) {
    (void)arguments;
    ConnectionValue *made = instance_allocate(ev, orm_state(ev)->connection, sizeof *made);
    made->head.head.type = &connection_type;
    made->is_async = ((EngineValue *)self)->is_async;
    made->commits = evaluator_native_data(ev) != NULL;
    return &made->head.head;
}

static Value *engine_nothing(Evaluator *ev, Value *self, const Arguments *arguments) {
    (void)self;
    (void)arguments;
    return value_none(ev);
}

static Value *engine_get_attribute(Evaluator *ev, Value *self, Atom name, const Node *site) {
    if (slice_equals_text(name->text, "sync_engine") || slice_equals_text(name->text, "engine")) return self;
    if (slice_equals_text(name->text, "dialect")) {
        ModuleValue *module = ARENA_NEW(evaluator_arena(ev), ModuleValue);
        *module = *evaluator_import(ev, "sqlalchemy.orm");
        atom_map_init(&module->names, evaluator_arena(ev));
        atom_map_set(&module->names, orm_atom(ev, "name"), value_string(ev, slice_from(evaluator_dialect(ev)->name)));
        return &module->head;
    }
    (void)site;
    return NULL;
}

static const Type engine_type = {
    .name = "Engine", .kind = VALUE_NATIVE, .get_attribute = engine_get_attribute, .has_attributes = true};

static const NativeMethod engine_methods[] = {{"connect", engine_connect, NATIVE_METHOD, NULL},
                                              {"begin", engine_connect, NATIVE_METHOD, "begin"},
                                              {"dispose", engine_nothing, NATIVE_METHOD, NULL},
                                              {"execution_options", connection_self, NATIVE_METHOD, NULL},
                                              {0}};

static Value *connection_unknown(Evaluator *ev, Class *cls, Slice text, const Node *node) {
    (void)text;
    (void)node;
    ConnectionValue *made = instance_allocate(ev, cls, sizeof *made);
    made->head.head.type = &connection_type;
    made->began = true;
    return &made->head.head;
}

static Value *engine_unknown(Evaluator *ev, Class *cls, Slice text, const Node *node) {
    (void)text;
    (void)node;
    EngineValue *made = instance_allocate(ev, cls, sizeof *made);
    made->head.head.type = &engine_type;
    return &made->head.head;
}

void engines_define(Evaluator *ev, ModuleValue *core, ModuleValue *async_module) {
    OrmState *state = orm_state(ev);
    NativeClass engine = {
        .name = "Engine", .instance_type = &engine_type, .methods = engine_methods, .unknown_instance = engine_unknown};
    state->engine = module_define_class(ev, core, &engine, NULL);
    NativeClass connection = {.name = "Connection",
                              .instance_type = &connection_type,
                              .methods = connection_methods,
                              .unknown_instance = connection_unknown};
    state->connection = module_define_class(ev, core, &connection, NULL);
    module_define(ev, async_module, "AsyncEngine", &state->engine->head);
    module_define(ev, async_module, "AsyncConnection", &state->connection->head);
    module_define_function(ev, core, "create_engine", call_create_engine);
    module_define(ev, async_module, "create_async_engine",
                  value_native_function(ev, "create_async_engine", call_create_engine, "async"));
    module_define(ev, async_module, "async_engine_from_config",
                  value_native_function(ev, "async_engine_from_config", call_create_engine, "async"));
}
