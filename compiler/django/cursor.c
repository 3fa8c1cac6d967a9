/*
 * connection.cursor(): statements that the program writes itself.
 *
 *     with connection.cursor() as cursor:
 *         cursor.execute("SELECT name FROM author WHERE age > %s", [n])      SELECT name FROM author WHERE age > $1
 */
#include "compiler/django/compile.h"
#include "compiler/django/django.h"
#include "compiler/django/function_compile.h"
#include "compiler/django/raw.h"

typedef struct CursorValue {
    Value head;
    RowSet *rows; /* of the statement before; NULL: none, or not known */
    int next;
} CursorValue;

static Value *cursor_attribute(Evaluator *ev, Value *self, Atom name, const Node *site);

static Value *cursor_enter(Evaluator *ev, Value *self, const Node *site) {
    (void)ev, (void)site;
    return self;
}

static bool cursor_leave(Evaluator *ev, Value *self, bool failed, const Node *site) {
    (void)ev, (void)self, (void)failed, (void)site;
    return false;
}

static const Type cursor_type = {.name = "CursorWrapper",
                                 .kind = VALUE_NATIVE,
                                 .get_attribute = cursor_attribute,
                                 .enter = cursor_enter,
                                 .leave = cursor_leave};

static StatementKind kind_of(Slice sql) {
    static const struct {
        const char *word;
        StatementKind kind;
    } kinds[] = {{"select", STATEMENT_SELECT},  {"with", STATEMENT_SELECT},   {"insert", STATEMENT_INSERT},
                 {"update", STATEMENT_UPDATE},  {"delete", STATEMENT_DELETE}, {"create", STATEMENT_DDL},
                 {"alter", STATEMENT_DDL},      {"drop", STATEMENT_DDL},      {"truncate", STATEMENT_DDL},
                 {"explain", STATEMENT_EXPLAIN}};
    while (sql.length && (sql.start[0] == ' ' || sql.start[0] == '\n' || sql.start[0] == '\t' || sql.start[0] == '('))
        sql = slice_sub(sql, 1, sql.length);
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (slice_starts_ignoring_case(sql, kinds[i].word)) return kinds[i].kind;
    return STATEMENT_SELECT;
}

static Value *cursor_execute(Evaluator *ev, Value *self, const Arguments *arguments) {
    Value *sql = NULL, *params = NULL;
    if (!arguments_bind(ev, arguments, "execute", "sql | params", &sql, &params)) return NULL;
    if (!value_is(sql, VALUE_STRING)) {
        evaluator_leave_out(ev, arguments->site, "text is not known here");
        return evaluator_error_pending(ev) ? NULL : value_none(ev);
    }
    DjRaw raw = {.sql = value_text(sql)};
    bool given = params && !value_is_none(params);
    if (!dj_read_raw_values(ev, &raw, params, arguments->site)) return NULL;
    DjCompiler compiler = {.ev = ev, .dialect = evaluator_dialect(ev)};
    Query *tree = query_new(evaluator_arena(ev), QUERY_RAW);
    if (!given) tree->raw = expr_raw(evaluator_arena(ev), raw.sql);
    else if (dj_compile_raw(&compiler, raw.sql, raw.params, raw.count, arguments->site, &tree->raw) != DJ_SQL)
        return NULL;
    StatementList statements = {0};
    if (!dj_emit(ev, tree, kind_of(raw.sql), arguments->site, &statements)) return NULL;
    ExecutionResult *result = evaluator_execute(ev, &statements, arguments->site);
    if (evaluator_error_pending(ev)) return NULL;
    CursorValue *cursor = (CursorValue *)self;
    evaluator_touch(ev, &cursor->rows, sizeof *cursor - offsetof(CursorValue, rows));
    cursor->rows = result ? &result->sets[0] : NULL;
    cursor->next = 0;
    return value_none(ev);
}

static Value *next_row(Evaluator *ev, CursorValue *cursor) {
    if (!cursor->rows || cursor->next >= cursor->rows->row_count) return NULL;
    evaluator_touch(ev, &cursor->next, sizeof cursor->next);
    return value_tuple(ev, cursor->rows->rows[cursor->next++], cursor->rows->column_count);
}

static Value *cursor_fetch_one(Evaluator *ev, Value *self, const Arguments *arguments) {
    CursorValue *cursor = (CursorValue *)self;
    if (!evaluator_has_rows(ev)) return value_unknown_at(ev, arguments->site);
    Value *row = next_row(ev, cursor);
    return row ? row : value_none(ev);
}

static Value *cursor_fetch_all(Evaluator *ev, Value *self, const Arguments *arguments) {
    if (!evaluator_has_rows(ev)) return value_unknown_of(ev, value_unknown_at(ev, arguments->site), arguments->site);
    ListValue *list = value_list(ev);
    for (Value *row = next_row(ev, (CursorValue *)self); row; row = next_row(ev, (CursorValue *)self))
        list_append(ev, list, row);
    return (Value *)list;
}

static Value *cursor_close(Evaluator *ev, Value *self, const Arguments *arguments) {
    (void)self, (void)arguments;
    return value_none(ev);
}

static Value *bound(Evaluator *ev, Value *self, const char *name, NativeCall call) {
    Value *function = value_native_function(ev, name, call, NULL);
    ((NativeFunctionValue *)function)->self = self;
    return function;
}

static Value *cursor_attribute(Evaluator *ev, Value *self, Atom name, const Node *site) {
    if (slice_equals_text(name->text, "execute")) return bound(ev, self, "execute", cursor_execute);
    if (slice_equals_text(name->text, "fetchone")) return bound(ev, self, "fetchone", cursor_fetch_one);
    if (slice_equals_text(name->text, "fetchall")) return bound(ev, self, "fetchall", cursor_fetch_all);
    if (slice_equals_text(name->text, "close")) return bound(ev, self, "close", cursor_close);
    const RowSet *rows = ((CursorValue *)self)->rows;
    if (slice_equals_text(name->text, "rowcount") && rows)
        return value_integer(ev, rows->row_count ? rows->row_count : rows->affected);
    return value_unknown_at(ev, site);
}

static Value *connection_cursor(Evaluator *ev, Value *self, const Arguments *arguments) {
    (void)self, (void)arguments;
    CursorValue *cursor = arena_allocate_zeroed(evaluator_arena(ev), sizeof *cursor);
    cursor->head = (Value){&cursor_type, evaluator_object_class(ev)};
    return (Value *)cursor;
}

static Value *connection_attribute(Evaluator *ev, Value *self, Atom name, const Node *site) {
    if (slice_equals_text(name->text, "cursor")) return bound(ev, self, "cursor", connection_cursor);
    if (slice_equals_text(name->text, "vendor")) {
        const Dialect *dialect = evaluator_dialect(ev);
        return value_string(ev, dialect->is_mysql ? SLICE("mysql") : slice_from(dialect->name));
    }
    return value_unknown_at(ev, site);
}

static const Type connection_type = {
    .name = "ConnectionProxy", .kind = VALUE_NATIVE, .get_attribute = connection_attribute};

Value *dj_connection(Evaluator *ev) {
    Value *connection = arena_allocate_zeroed(evaluator_arena(ev), sizeof *connection);
    *connection = (Value){&connection_type, evaluator_object_class(ev)};
    return connection;
}
