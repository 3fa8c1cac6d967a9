/*
 * The query trees of writes, and sending them. Input: a model, fields, Python values; output: statements.
 *
 * Invariant: values become parameters through field_prepare_save, conditions through field_prepare.
 *
 * Example: INSERT INTO "shop_order" ("total") VALUES ($1) RETURNING "shop_order"."id"
 */
#include "compiler/django/column_type.h"
#include "compiler/django/field_prepare.h"
#include "compiler/django/write_internal.h"

Relation *write_table(Evaluator *ev, const DjModel *model) {
    return relation_table(evaluator_arena(ev), (Slice){"", 0}, model->db_table->text, (Slice){"", 0});
}

Expr *write_column(Evaluator *ev, Relation *table, const DjField *field) {
    return expr_column(evaluator_arena(ev), table, field->column->text, field->sql_type);
}

static Expr *write_bare_column(Evaluator *ev, Relation *table, const DjField *field) {
    Expr *column = write_column(ev, table, field);
    column->as.column.bare = true;
    return column;
}

/* ---- conditions ---- */

Expr *write_equals(Evaluator *ev, Relation *table, DjField *field, Value *value, const Node *site) {
    Param param;
    Arena *arena = evaluator_arena(ev);
    if (!field_prepare(ev, field, value, site, &param)) return NULL;
    return expr_binary(arena, OPERATOR_EQ, write_column(ev, table, field), expr_param(arena, &param), SQL_BOOLEAN);
}

Expr *write_in(Evaluator *ev, Relation *table, DjField *field, Value *const *values, int count, const Node *site) {
    Arena *arena = evaluator_arena(ev);
    Expr *in = expr_new(arena, EXPR_IN, SQL_BOOLEAN);
    expr_list_push(arena, &in->args, write_column(ev, table, field));
    for (int i = 0; i < count; i++) {
        Param param;
        if (!field_prepare(ev, field, values[i], site, &param)) return NULL;
        expr_list_push(arena, &in->args, expr_param(arena, &param));
    }
    return in;
}

Expr *write_and(Evaluator *ev, Expr *left, Expr *right) {
    Arena *arena = evaluator_arena(ev);
    if (!left || !right) return left ? left : right;
    Expr *both = expr_new(arena, EXPR_AND, SQL_BOOLEAN);
    expr_list_push(arena, &both->args, left);
    expr_list_push(arena, &both->args, right);
    return expr_group(arena, both);
}

static Expr *tuple_of(Evaluator *ev, ExprList parts) {
    Expr *tuple = expr_new(evaluator_arena(ev), EXPR_TUPLE, SQL_UNKNOWN);
    tuple->args = parts;
    return tuple;
}

static Expr *composite_condition(Evaluator *ev, Relation *table, DjField *const *keys, int key_count,
                                 Value *const *instances, int count, const Node *site) {
    Arena *arena = evaluator_arena(ev);
    Expr *in = expr_new(arena, EXPR_IN, SQL_BOOLEAN);
    ExprList columns = {0};
    for (int k = 0; k < key_count; k++) expr_list_push(arena, &columns, write_column(ev, table, keys[k]));
    expr_list_push(arena, &in->args, tuple_of(ev, columns));
    for (int i = 0; i < count; i++) {
        ExprList values = {0};
        for (int k = 0; k < key_count; k++) {
            Param param;
            Value *value = instance_field_value(ev, (DjInstance *)instances[i], keys[k], site);
            if (!field_prepare(ev, keys[k], value, site, &param)) return NULL;
            expr_list_push(arena, &values, expr_param(arena, &param));
        }
        expr_list_push(arena, &in->args, tuple_of(ev, values));
    }
    return in;
}

Expr *keys_condition(Evaluator *ev, DjModel *model, Relation *table, Value *const *instances, int count,
                     const Node *site) {
    DjField **keys;
    int key_count = model_pk_fields(ev, model, &keys);
    if (key_count != 1) return composite_condition(ev, table, keys, key_count, instances, count, site);
    Value **values = ARENA_ARRAY(evaluator_arena(ev), Value *, count + 1);
    for (int i = 0; i < count; i++) values[i] = instance_field_value(ev, (DjInstance *)instances[i], keys[0], site);
    return write_in(ev, table, keys[0], values, count, site);
}

/* ---- values ---- */

static Expr *write_expression(Evaluator *ev, DjModel *model, DjField *field, DjExpr *given, bool update,
                              const Node *site) {
    DjQuery *query = dj_query_new(ev, model);
    DjResolve how = {.allow_joins = update, .for_save = true};
    if (update) dj_query_base(query);
    DjExpr *expr = dj_resolve(query, given, &how);
    if (!expr) return NULL;
    if (update) expr = dj_resolve_again(ev, expr);
    Slice shown = value_repr(ev, (Value *)given);
    if (!update && (expr->flags & DJ_HAS_COLUMNS))
        return evaluator_raise_id(ev, EXCEPTION_VALUE, site,
                                  "Failed to insert expression \"%.*s\" on %.*s. F() expressions can only be used to "
                                  "update, not to insert.",
                                  SLICE_ARGS(shown), SLICE_ARGS(field_label(ev, field)));
    const char *what = expr->flags & DJ_HAS_AGGREGATE ? "Aggregate functions" : "Window expressions";
    if (expr->flags & (DJ_HAS_AGGREGATE | DJ_HAS_OVER))
        return evaluator_raise(ev, django_state(ev)->field_error, evaluator_span(ev, site),
                               "%s are not allowed in this query (%.*s=%.*s).", what, SLICE_ARGS(field->name->text),
                               SLICE_ARGS(shown));
    DjCompiler compiler = {.ev = ev, .dialect = evaluator_dialect(ev), .query = query};
    Expr *out = NULL;
    if (dj_compile(&compiler, expr, &out) == DJ_ERROR) return NULL;
    return out ? out : expr_new(evaluator_arena(ev), EXPR_NULL, SQL_UNKNOWN);
}

Expr *write_value(Evaluator *ev, DjModel *model, DjField *field, Value *value, bool update, const Node *site) {
    Arena *arena = evaluator_arena(ev);
    if (value_is_database_default(value)) {
        if (evaluator_dialect(ev)->id != DIALECT_SQLITE) return expr_raw(arena, SLICE("DEFAULT"));
        value = field->db_default;
    }
    if (value_is_expr(value)) return write_expression(ev, model, field, value_expr(value), update, site);
    if (update && value_is_none(value)) return expr_new(arena, EXPR_NULL, field->sql_type);
    Param param;
    if (!field_prepare_save(ev, field, value, site, &param)) return NULL;
    return expr_param(arena, &param);
}

/* ---- sending ---- */

bool write_send(Evaluator *ev, Query *tree, StatementKind kind, const Node *site, ExecutionResult **result) {
    StatementList statements = {0};
    if (!dj_emit(ev, tree, kind, site, &statements)) return false;
    ExecutionResult *rows = evaluator_execute(ev, &statements, site);
    if (result) *result = rows;
    return rows || !evaluator_error_pending(ev);
}

bool write_can_return(Evaluator *ev) { return evaluator_dialect(ev)->id != DIALECT_MYSQL; }

Fields write_returning(Evaluator *ev, DjModel *model) {
    Fields fields = {0};
    if (!write_can_return(ev)) return fields;
    for (int i = 0; i < model->local_fields.count; i++) {
        DjField *field = model->local_fields.items[i];
        bool returned =
            (field_kind_info(field->kind)->flags & FIELD_FLAG_A) || field->kind == FIELD_GENERATED || field->db_default;
        if (returned && field->column)
            ARENA_PUSH(evaluator_arena(ev), fields.items, fields.count, fields.capacity) = field;
    }
    return fields;
}

/* PostgreSQL takes several rows as one array a column. */
static bool insert_can_unnest(Evaluator *ev, const WriteRows *rows) {
    if (evaluator_dialect(ev)->id != DIALECT_POSTGRESQL || rows->count <= 1 || !rows->fields.count) return false;
    for (int i = 0; i < rows->fields.count; i++) {
        DjField *field = rows->fields.items[i];
        DjField *typed = field->rel ? field_final_target(ev, field) : field;
        if (!typed || !field_kind_info(typed->internal)->class_name || typed->internal == FIELD_ARRAY) return false;
        if (field_kind_is(typed->internal, FIELD_RANGE) || typed->internal == FIELD_HSTORE ||
            field_override(ev, field, "get_placeholder") || typed->internal == FIELD_FIELD)
            return false;
        for (int r = 0; r < rows->count; r++)
            if (value_is_expr(rows->values[r][i]) || value_is_database_default(rows->values[r][i])) return false;
    }
    return true;
}

static Query *insert_unnest(Evaluator *ev, const WriteRows *rows, const Node *site) {
    Arena *arena = evaluator_arena(ev);
    Query *source = query_new(arena, QUERY_RAW);
    int count = rows->fields.count;
    Expr *raw = expr_new(arena, EXPR_RAW, SQL_UNKNOWN);
    raw->as.raw.texts = ARENA_ARRAY(arena, Slice, count + 1);
    Slice before = SLICE("SELECT * FROM UNNEST((");
    for (int i = 0; i < count; i++) {
        DjField *field = rows->fields.items[i];
        Literal *items = ARENA_ARRAY(arena, Literal, rows->count);
        Param item;
        for (int r = 0; r < rows->count; r++) {
            if (!field_prepare_save(ev, field, rows->values[r][i], site, &item)) return NULL;
            if (item.source != PARAM_KNOWN) return NULL;
            items[r] = item.value;
        }
        Param array = {.source = PARAM_KNOWN,
                       .type = SQL_ARRAY,
                       .item_type = field->sql_type,
                       .value = {.kind = LITERAL_ARRAY, .items = items, .count = rows->count},
                       .execution = -1};
        raw->as.raw.texts[i] = before;
        expr_list_push(arena, &raw->args, expr_param(arena, &array));
        Slice type = field_column_type(ev, field);
        type = slice_sub(type, 0, slice_find(type, '('));
        before = slice_format(arena, ")::%.*s[]%s", SLICE_ARGS(type), i + 1 < count ? ", (" : ")");
    }
    raw->as.raw.texts[count] = before;
    source->raw = raw;
    return source;
}

static bool rows_are_known(const WriteRows *rows) {
    for (int r = 0; r < rows->count; r++)
        for (int i = 0; i < rows->fields.count; i++)
            if (value_is_unknown(rows->values[r][i])) return false;
    return true;
}

static bool insert_fill_rows(Evaluator *ev, const WriteRows *rows, Query *tree, const Node *site) {
    Arena *arena = evaluator_arena(ev);
    bool sqlite_or_mysql = evaluator_dialect(ev)->id != DIALECT_POSTGRESQL;
    tree->rows = ARENA_ARRAY(arena, ExprList, rows->count);
    tree->row_count = rows->count;
    for (int r = 0; r < rows->count; r++) {
        if (!rows->fields.count)
            expr_list_push(arena, &tree->rows[r], expr_raw(arena, sqlite_or_mysql ? SLICE("NULL") : SLICE("DEFAULT")));
        for (int i = 0; i < rows->fields.count; i++) {
            Expr *value = write_value(ev, rows->model, rows->fields.items[i], rows->values[r][i], false, site);
            if (!value) return false;
            expr_list_push(arena, &tree->rows[r], value);
        }
    }
    return true;
}

bool write_insert(Evaluator *ev, const WriteRows *rows, const Node *site, ExecutionResult **result) {
    Arena *arena = evaluator_arena(ev);
    Query *tree = query_new(arena, QUERY_INSERT);
    tree->target = write_table(ev, rows->model);
    tree->columns = ARENA_ARRAY(arena, Slice, rows->fields.count + 1);
    for (int i = 0; i < rows->fields.count; i++) tree->columns[i] = rows->fields.items[i]->column->text;
    tree->column_count = rows->fields.count;
    if (!rows->fields.count) tree->columns[tree->column_count++] = rows->model->pk->column->text;
    if (insert_can_unnest(ev, rows) && rows_are_known(rows)) {
        tree->source = insert_unnest(ev, rows, site);
        if (!tree->source) return false;
    } else if (!insert_fill_rows(ev, rows, tree, site)) {
        return false;
    }
    tree->on_conflict = rows->on_conflict;
    tree->returning = ARENA_ARRAY(arena, SelectItem, rows->returning.count + 1);
    for (int i = 0; i < rows->returning.count; i++)
        tree->returning[tree->returning_count++] =
            (SelectItem){.expr = write_column(ev, tree->target, rows->returning.items[i])};
    return write_send(ev, tree, STATEMENT_INSERT, site, result);
}

bool write_update(Evaluator *ev, DjModel *model, const Fields *fields, Value *const *values, Expr *where,
                  Relation *table, const Node *site, ExecutionResult **result) {
    Arena *arena = evaluator_arena(ev);
    Query *tree = query_new(arena, QUERY_UPDATE);
    tree->target = table;
    tree->assignments = ARENA_ARRAY(arena, Assignment, fields->count + 1);
    for (int i = 0; i < fields->count; i++) {
        Expr *value = write_value(ev, model, fields->items[i], values[i], true, site);
        if (!value) return false;
        tree->assignments[tree->assignment_count++] =
            (Assignment){write_bare_column(ev, table, fields->items[i]), value};
    }
    tree->where = where;
    return write_send(ev, tree, STATEMENT_UPDATE, site, result);
}

bool write_delete(Evaluator *ev, DjModel *model, Expr *where, Relation *table, const Node *site) {
    (void)model;
    Query *tree = query_new(evaluator_arena(ev), QUERY_DELETE);
    tree->target = table;
    tree->where = where;
    return write_send(ev, tree, STATEMENT_DELETE, site, NULL);
}
