/*
 * Expressions and conditions in DDL: checks, partial and functional indexes, generated columns, defaults. They are
 * resolved against the model alone and written with their values as literals.
 *
 * Invariant: columns stand without their table.
 *
 * Example: Q(price__gt=F("discounted_price")) → "price" > ("discounted_price")
 */
#include "compiler/django/query.h"
#include "compiler/django/schema_internal.h"

static DjQuery *expression_query(SchemaEditor *editor, DjModel *model) {
    DjQuery *query = dj_query_new(editor->ev, model);
    query->no_alias_columns = true;
    return query;
}

static void editor_report(SchemaEditor *editor, const DiagnosticList *list) {
    if (!list->count || evaluator_error_pending(editor->ev)) return;
    const Diagnostic *first = &list->items[0];
    evaluator_raise(editor->ev, django_state(editor->ev)->not_supported_error, first->span, "%.*s",
                    SLICE_ARGS(first->message));
}

/* A resolved expression as text with literals. */
static Slice expression_text(SchemaEditor *editor, DjQuery *query, DjExpr *expr, bool *has_params) {
    Arena *arena = evaluator_arena(editor->ev);
    DjCompiler compiler = {.ev = editor->ev, .dialect = editor->dialect, .query = query};
    Expr *sql;
    if (dj_compile(&compiler, expr, &sql) != DJ_SQL) return (Slice){"", 0};
    Query *tree = query_new(arena, QUERY_EXPRESSION);
    tree->raw = sql;
    EmitOptions options = {.style = STYLE_DJANGO, .inline_literals = true};
    DiagnosticList diagnostics;
    Statement statement = {0};
    diagnostics_init(&diagnostics, arena);
    bool fine = query_emit(arena, editor->dialect, &options, tree, STATEMENT_EXPRESSION, &diagnostics, &statement);
    if (!fine) {
        editor_report(editor, &diagnostics);
        return (Slice){"", 0};
    }
    if (has_params && statement.param_count) *has_params = true;
    return statement.inlined;
}

Slice schema_condition(SchemaEditor *editor, DjModel *model, Value *condition) {
    if (!value_is_expr(condition)) return (Slice){"", 0};
    DjQuery *query = expression_query(editor, model);
    DjResolve how = {.allow_joins = false};
    DjExpr *where = dj_build_where(query, value_expr(condition), &how);
    return where ? expression_text(editor, query, where, NULL) : (Slice){"", 0};
}

bool value_is_plain_default(const Value *value) {
    return !value_is_expr(value) || ((const DjExpr *)value)->kind == DJ_VALUE;
}

static DjExpr *expression_resolve(SchemaEditor *editor, DjQuery *query, Value *value, DjField *output) {
    DjExpr *expr = value_is_expr(value) ? value_expr(value) : dj_value(editor->ev, value, output, NULL);
    DjResolve how = {.allow_joins = false};
    return dj_resolve(query, expr, &how);
}

Slice schema_expression(SchemaEditor *editor, DjModel *model, Value *expression, DjField *output, bool *has_params) {
    DjQuery *query = expression_query(editor, model);
    DjExpr *expr = expression_resolve(editor, query, expression, output);
    return expr ? expression_text(editor, query, expr, has_params) : (Slice){"", 0};
}

Slice schema_index_expression(SchemaEditor *editor, DjModel *model, Value *expression) {
    DjQuery *query = expression_query(editor, model);
    Evaluator *ev = editor->ev;
    DjExpr *expr = value_is_expr(expression) ? value_expr(expression) : dj_parse(ev, expression, true, NULL);
    if (!expr) return (Slice){"", 0};
    bool ordered = expr->kind == DJ_ORDER_BY;
    bool descending = ordered && expr->as.order.descending;
    NullsOrder nulls = ordered ? expr->as.order.nulls : NULLS_DEFAULT;
    DjResolve how = {.allow_joins = false};
    DjExpr *resolved = dj_resolve(query, ordered ? expr->args[0] : expr, &how);
    if (!resolved) return (Slice){"", 0};
    Slice text = expression_text(editor, query, resolved, NULL);
    bool plain = resolved->kind == DJ_COL;
    return slice_format(evaluator_arena(ev), "%s%.*s%s%s%s", plain ? "" : "(", SLICE_ARGS(text), plain ? "" : ")",
                        !ordered     ? ""
                        : descending ? " DESC"
                                     : " ASC",
                        nulls == NULLS_FIRST  ? " NULLS FIRST"
                        : nulls == NULLS_LAST ? " NULLS LAST"
                                              : "");
}
