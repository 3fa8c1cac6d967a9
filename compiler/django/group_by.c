/*
 * GROUP BY: what values() or annotate() decided, and every other expression of SELECT, ORDER BY and HAVING; reduced to
 * the primary keys where the database knows that all else follows from them; select items by position.
 */
#include "compiler/django/compile.h"

static void add_expression(DjCompiler *compiler, DjExprs *list, DjExpr *expr) {
    ARENA_PUSH(compiler_arena(compiler), list->items, list->count, list->capacity) = expr;
}

static bool has_ref(const DjExprs *refs, Slice name) {
    for (int i = 0; i < refs->count; i++)
        if (slice_equals(refs->items[i]->as.ref.name, name)) return true;
    return false;
}

static void collect(DjCompiler *compiler, const DjOrders *order_by, const DjSelectColumn *extra, int extra_count,
                    DjExprs *out, DjExprs *having) {
    DjQuery *query = compiler->query;
    DjExprs refs = {0};
    for (int i = 0; query->grouping == DJ_GROUP_LIST && i < query->group_by.count; i++) {
        DjExpr *expr = query->group_by.items[i];
        if (expr->kind != DJ_REF) {
            add_expression(compiler, out, expr);
        } else if (!has_ref(&refs, expr->as.ref.name)) {
            add_expression(compiler, &refs, expr);
            add_expression(compiler, out, expr->args[0]);
        }
    }
    for (int i = 0; i < compiler->select_count; i++)
        if (!compiler->select[i].alias.length || !has_ref(&refs, compiler->select[i].alias))
            dj_group_by_columns(compiler->ev, compiler->select[i].expr, out);
    for (int i = 0; i < extra_count; i++) dj_group_by_columns(compiler->ev, extra[i].expr, out);
    for (int i = 0; !compiler->meta_ordering && i < order_by->count; i++)
        if (!order_by->items[i].is_ref) dj_group_by_columns(compiler->ev, order_by->items[i].expr, out);
    if (compiler->having) dj_group_by_columns(compiler->ev, compiler->having, having);
    for (int i = 0; i < having->count; i++) add_expression(compiler, out, having->items[i]);
}

static bool in_list(const DjExprs *list, const DjExpr *expr) {
    for (int i = 0; i < list->count; i++)
        if (dj_equal(list->items[i], expr)) return true;
    return false;
}

static bool is_key(const DjExpr *expr) {
    return expr->kind == DJ_COL && expr->as.col.target->primary_key && expr->as.col.target->model->managed;
}

/* Columns of tables whose primary key is grouped by follow from it. Views (unmanaged models) have no such keys. */
static DjExprs collapse(DjCompiler *compiler, DjExprs all, const DjExprs *having) {
    if (!compiler->dialect->group_by_primary_key) return all;
    DjExprs kept = {0};
    for (int i = 0; i < all.count; i++) {
        DjExpr *expr = all.items[i];
        bool follows = false;
        for (int k = 0; expr->kind == DJ_COL && k < all.count; k++)
            follows |= is_key(all.items[k]) && all.items[k]->as.col.join == expr->as.col.join;
        if (!follows || is_key(expr) || in_list(having, expr)) add_expression(compiler, &kept, expr);
    }
    return kept;
}

static int select_position(const DjCompiler *compiler, const DjExpr *expr) {
    int position = 0;
    for (int i = 0; i < compiler->select_count; i++)
        if (compiler->select[i].alias.length && dj_equal(compiler->select[i].expr, expr)) position = i + 1;
    return position;
}

DjOutcome dj_compile_group_by(DjCompiler *compiler, const DjOrders *order_by, const DjSelectColumn *extra,
                              int extra_count, ExprList *out) {
    if (compiler->query->grouping == DJ_GROUP_NONE) return DJ_SQL;
    Arena *arena = compiler_arena(compiler);
    DjExprs expressions = {0}, having = {0};
    collect(compiler, order_by, extra, extra_count, &expressions, &having);
    expressions = collapse(compiler, expressions, &having);
    for (int i = 0; i < expressions.count; i++) {
        Expr *sql;
        DjOutcome outcome = dj_compile(compiler, expressions.items[i], &sql);
        if (outcome == DJ_ERROR) return DJ_ERROR;
        if (outcome != DJ_SQL) continue;
        if (!dj_has_type(compiler, expressions.items[i])) return DJ_ERROR;
        int position = select_position(compiler, expressions.items[i]);
        if (position) {
            sql = expr_new(arena, EXPR_POSITION, SQL_UNKNOWN);
            sql->as.number = position;
        }
        bool seen = false;
        for (int j = 0; j < out->count; j++) seen |= dj_same_sql(out->items[j], sql);
        if (!seen) expr_list_push(arena, out, sql);
    }
    return DJ_SQL;
}
