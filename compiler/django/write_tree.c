/*
 * The query trees of writes, and sending them. Input: a model, fields, Python values; output: statements.
 *
 * Invariant: values become parameters through field_prepare_save, conditions through field_prepare.
 *
 * Example: INSERT INTO "shop_order" ("total") VALUES ($1) RETURNING "shop_order"."id"
 */
#include "compiler/django/column_type.h"
#include "compiler/django/compile.h"
#include "compiler/django/field_prepare.h"
#include "compiler/django/query_state.h"
#include "compiler/django/write_internal.h"

/* The relation of a query's base, so that expressions of the program can refer to it. */
Relation *write_table(Evaluator *ev, DjModel *model) { return &dj_query_base(dj_query_new(ev, model))->relation; }

static DjQuery *table_query(Relation *table) { return ((DjJoin *)table)->query; }

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

Expr *write_lookup(Evaluator *ev, Relation *table, Slice name, Value *value, const Node *site) {
    DjQuery *query = table_query(table);
    query->where = dj_where(ev, DJ_AND, false);
    DjCompiler compiler = {.ev = ev, .dialect = evaluator_dialect(ev), .query = query};
    Expr *where = NULL;
    if (!dj_add_q(query, dj_q_condition(ev, name, value, site), false)) return NULL;
    return dj_compile(&compiler, query->where, &where) == DJ_ERROR ? NULL : where;
}

Expr *keys_condition(Evaluator *ev, DjModel *model, Relation *table, Value *const *instances, int count,
                     const Node *site) {
    DjField **keys;
    int key_count = model_pk_fields(ev, model, &keys);
    if (key_count != 1) {
        ListValue *tuples = value_list(ev);
        for (int i = 0; i < count; i++) list_append(ev, tuples, instance_pk(ev, (DjInstance *)instances[i], site));
        return write_lookup(ev, table, SLICE("pk__in"), (Value *)tuples, site);
    }
    Value **values = ARENA_ARRAY(evaluator_arena(ev), Value *, count + 1);
    for (int i = 0; i < count; i++) values[i] = instance_field_value(ev, (DjInstance *)instances[i], keys[0], site);
    return write_in(ev, table, keys[0], values, count, site);
}

/* ---- values ---- */

static Expr *write_expression(Evaluator *ev, DjModel *model, DjField *field, DjExpr *given, Relation *table,
                              const Node *site) {
    bool update = table != NULL;
    DjQuery *query = update ? table_query(table) : dj_query_new(ev, model);
    DjResolve how = {.allow_joins = false, .for_save = true};
    DjExpr *expr = dj_resolve(query, given, &how);
    if (!expr) return NULL;
    if (update) expr = dj_resolve_again(ev, expr);
    Slice shown = value_repr(ev, (Value *)expr);
    if (!update && (expr->flags & DJ_HAS_COLUMNS) && !(expr->flags & DJ_HAS_SUBQUERY))
        return evaluator_raise_id(ev, EXCEPTION_VALUE, site,
                                  "Failed to insert expression \"%.*s\" on %.*s. F() expressions can only be used to "
                                  "update, not to insert.",
                                  SLICE_ARGS(shown), SLICE_ARGS(field_label(ev, field)));
    const char *what = expr->flags & DJ_HAS_AGGREGATE ? "Aggregate functions" : "Window expressions";
    if (expr->flags & (DJ_HAS_AGGREGATE | DJ_HAS_OVER))
        return evaluator_raise(ev, django_state(ev)->field_error, evaluator_mistake_span(ev, site),
                               "%s are not allowed in this query (%.*s=%.*s).", what, SLICE_ARGS(field->name->text),
                               SLICE_ARGS(shown));
    DjCompiler compiler = {.ev = ev, .dialect = evaluator_dialect(ev), .query = query};
    Expr *out = NULL;
    if (dj_compile(&compiler, expr, &out) == DJ_ERROR) return NULL;
    return out ? out : expr_new(evaluator_arena(ev), EXPR_NULL, SQL_UNKNOWN);
}

Expr *write_placed(Evaluator *ev, DjField *field, Expr *value) {
    Arena *arena = evaluator_arena(ev);
    if (!value || evaluator_dialect(ev)->id != DIALECT_POSTGRESQL || !field_has_placeholder(field)) return value;
    Expr *placed = expr_new(arena, EXPR_RAW, field->sql_type);
    placed->as.raw.texts = ARENA_ARRAY(arena, Slice, 2);
    placed->as.raw.texts[0] = SLICE("");
    placed->as.raw.texts[1] = slice_format(arena, "::%.*s", SLICE_ARGS(field_column_type(ev, field)));
    expr_list_push(arena, &placed->args, value);
    return placed;
}

Expr *write_value(Evaluator *ev, DjModel *model, DjField *field, Value *value, Relation *table, const Node *site) {
    Arena *arena = evaluator_arena(ev);
    bool given = value_is_expr(value) && value_expr(value)->kind == DJ_DB_DEFAULT;
    if (value_is_database_default(value) || given) {
        if (evaluator_dialect(ev)->id != DIALECT_SQLITE) return expr_raw(arena, SLICE("DEFAULT"));
        value = field->db_default ? field->db_default : value_none(ev);
        if (field->internal == FIELD_DECIMAL && !value_is_expr(value))
            value = (Value *)dj_value(ev, value, field, site);
    }
    if (value_is_expr(value)) {
        Expr *expression = write_expression(ev, model, field, value_expr(value), table, site);
        return table ? write_placed(ev, field, expression) : expression;
    }
    if (table && value_is_none(value)) return expr_new(arena, EXPR_NULL, field->sql_type);
    Param param;
    if (!field_prepare_save(ev, field, value, site, &param)) return NULL;
    if (table && param.source == PARAM_KNOWN && param.value.kind == LITERAL_NULL)
        return expr_new(arena, EXPR_NULL, field->sql_type);
    if (field_has_placeholder(field) && evaluator_dialect(ev)->id == DIALECT_POSTGRESQL)
        param.cast = slice_format(arena, "::%.*s", SLICE_ARGS(field_column_type(ev, field)));
    Expr *placeholder = expr_param(arena, &param);
    bool null = param.source == PARAM_KNOWN && param.value.kind == LITERAL_NULL;
    if (field->internal != FIELD_BINARY || !evaluator_dialect(ev)->is_mysql || null) return placeholder;
    Expr *binary = expr_new(arena, EXPR_RAW, SQL_BYTES);
    binary->as.raw.texts = ARENA_ARRAY(arena, Slice, 2);
    binary->as.raw.texts[0] = SLICE("_binary ");
    expr_list_push(arena, &binary->args, placeholder);
    return binary;
}

/* ---- sending ---- */

bool write_send(Evaluator *ev, Query *tree, StatementKind kind, const Node *site, ExecutionResult **result) {
    StatementList statements = {0};
    if (!dj_emit(ev, tree, kind, site, &statements)) return false;
    ExecutionResult *rows = evaluator_execute(ev, &statements, site);
    if (result) *result = rows;
    return rows || !evaluator_error_pending(ev);
}

static bool write_can_return(Evaluator *ev) { return evaluator_dialect(ev)->id != DIALECT_MYSQL; }

Fields write_returning(Evaluator *ev, DjModel *model) {
    Fields fields = {0};
    if (!write_can_return(ev)) return fields;
    for (int i = 0; i < model->local_fields.count; i++) {
        DjField *field = model->local_fields.items[i];
        bool returned = (field_kind_info(field->kind)->flags & FIELD_FLAG_AUTO) || field->kind == FIELD_GENERATED ||
                        field->db_default;
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

/* One column of all rows. */
static bool insert_array(Evaluator *ev, const WriteRows *rows, int column, const Node *site, Param *out) {
    DjField *field = rows->fields.items[column];
    Literal *items = ARENA_ARRAY(evaluator_arena(ev), Literal, rows->count);
    *out = (Param){.source = PARAM_KNOWN,
                   .type = SQL_ARRAY,
                   .item_type = field->sql_type,
                   .value = {.kind = LITERAL_ARRAY, .items = items, .count = rows->count},
                   .execution = -1};
    for (int r = 0; r < rows->count; r++) {
        Param item;
        if (!field_prepare_save(ev, field, rows->values[r][column], site, &item)) return false;
        items[r] = item.value;
        if (item.source == PARAM_KNOWN) continue;
        out->source = PARAM_NAMED;
        out->name = item.name.length ? item.name : field->attname->text;
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
        Param array;
        if (!insert_array(ev, rows, i, site, &array)) return NULL;
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

static bool insert_fill_rows(Evaluator *ev, const WriteRows *rows, Query *tree, const Node *site) {
    Arena *arena = evaluator_arena(ev);
    bool sqlite_or_mysql = evaluator_dialect(ev)->id != DIALECT_POSTGRESQL;
    tree->rows = ARENA_ARRAY(arena, ExprList, rows->count);
    tree->row_count = rows->count;
    for (int r = 0; r < rows->count; r++) {
        if (!rows->fields.count)
            expr_list_push(arena, &tree->rows[r], expr_raw(arena, sqlite_or_mysql ? SLICE("NULL") : SLICE("DEFAULT")));
        for (int i = 0; i < rows->fields.count; i++) {
            Expr *value = write_value(ev, rows->model, rows->fields.items[i], rows->values[r][i], NULL, site);
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
    if (insert_can_unnest(ev, rows)) {
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
        Expr *value = write_value(ev, model, fields->items[i], values[i], table, site);
        if (!value) return false;
        tree->assignments[tree->assignment_count++] =
            (Assignment){write_bare_column(ev, table, fields->items[i]), value};
    }
    tree->where = where;
    return write_send(ev, tree, STATEMENT_UPDATE, site, result);
}

bool write_delete(Evaluator *ev, Expr *where, Relation *table, const Node *site, ExecutionResult **result) {
    Query *tree = query_new(evaluator_arena(ev), QUERY_DELETE);
    tree->target = table;
    tree->where = where;
    return write_send(ev, tree, STATEMENT_DELETE, site, result);
}
