/*
 * Filters on window functions. SQL has no place for them in one query: the query with its windows becomes a subquery
 * `qualify`, and the filter stands outside of it; columns that only the filter needed are dropped by one more query.
 *
 *     .annotate(rank=Window(Rank(), order_by="age")).filter(rank=1)
 *     SELECT * FROM (SELECT …, RANK() OVER (…) AS "rank" FROM …) "qualify" WHERE "rank" = 1
 */
#include "compiler/django/compile.h"

#include "compiler/django/queryset.h"

typedef struct Qualify {
    DjCompiler *compiler;
    DjExprs from, to;
    int added;
} Qualify;

static void replacement(Qualify *qualify, DjExpr *expr, Slice alias) {
    Evaluator *ev = qualify->compiler->ev;
    ARENA_PUSH(evaluator_arena(ev), qualify->from.items, qualify->from.count, qualify->from.capacity) = expr;
    ARENA_PUSH(evaluator_arena(ev), qualify->to.items, qualify->to.count, qualify->to.capacity) =
        dj_ref(ev, alias, expr);
}

static bool known(const Qualify *qualify, const DjExpr *expr) {
    for (int i = 0; i < qualify->from.count; i++)
        if (dj_equal(qualify->from.items[i], expr)) return true;
    return false;
}

/* Of what is selected twice, the last name. */
static bool alias_of(const DjCompiler *compiler, const DjExpr *expr, Slice *alias) {
    for (int i = compiler->select_count - 1; i >= 0; i--)
        if (dj_equal(compiler->select[i].expr, expr)) {
            *alias = compiler->select[i].alias;
            return true;
        }
    return false;
}

static bool alias_selected(const DjCompiler *compiler, Slice alias) {
    for (int i = 0; i < compiler->select_count; i++)
        if (slice_equals(compiler->select[i].alias, alias)) return true;
    return false;
}

/* Every expression that the outer query needs gets a name: the select item's, or a new one (qual0, qual1 …). */
static bool collect(Qualify *qualify, DjExpr *expr) {
    DjCompiler *compiler = qualify->compiler;
    Slice alias;
    if (known(qualify, expr)) return true;
    if (alias_of(compiler, expr, &alias)) {
        replacement(qualify, expr, alias);
        return true;
    }
    bool inside = expr->kind == DJ_WHERE || expr->kind == DJ_LOOKUP || expr->kind == DJ_POSITION ||
                  (expr->kind == DJ_REF && !alias_selected(compiler, expr->as.ref.name));
    if (expr->kind == DJ_REF && !inside) return true;
    if (inside) {
        for (int i = expr->count - 1; i >= 0; i--)
            if (expr->args[i] && !collect(qualify, expr->args[i])) return false;
        return true;
    }
    alias = slice_format(compiler_arena(compiler), "qual%d", qualify->added++);
    replacement(qualify, expr, alias);
    dj_put_annotation(compiler->query, alias, dj_resolve_again(compiler->ev, expr), true);
    return true;
}

static Relation *around(DjCompiler *compiler, Query *inner, Slice alias, Query **outer) {
    Arena *arena = compiler_arena(compiler);
    Relation *relation = ARENA_NEW(arena, Relation);
    relation->kind = RELATION_SUBQUERY;
    relation->query = inner;
    relation->alias = alias;
    *outer = query_new(arena, QUERY_SELECT);
    query_add_from(arena, *outer, from_relation(arena, relation));
    return relation;
}

static Expr *quoted(DjCompiler *compiler, Slice name) {
    Expr *alias = expr_new(compiler_arena(compiler), EXPR_ALIAS, SQL_UNKNOWN);
    alias->as.alias.name = name;
    alias->as.alias.quoted = true;
    return alias;
}

/* ORDER BY stands on the outermost query too; its expressions are those of the subquery, by name or position. */
static DjOutcome outer_ordering(Qualify *qualify, DjOrders *orders) {
    DjCompiler *compiler = qualify->compiler;
    for (int i = 0; i < orders->count; i++) {
        DjExpr *order = dj_copy(compiler->ev, orders->items[i].expr);
        if (!collect(qualify, order->args[0])) return DJ_ERROR;
        if (order->args[0]->kind != DJ_POSITION)
            order->args[0] = dj_replace(compiler->ev, order->args[0], &qualify->from, &qualify->to);
        DjOutcome outcome = dj_compile(compiler, order, &orders->items[i].sql);
        if (outcome != DJ_SQL) return outcome;
        orders->items[i].expr = order;
    }
    return DJ_SQL;
}

DjOutcome dj_compile_qualify(DjCompiler *compiler, DjOrders *orders, Query **out) {
    DjQuery *query = compiler->query;
    Evaluator *ev = compiler->ev;
    Qualify qualify = {.compiler = compiler};
    DjOutcome outcome = dj_compile_select(compiler, true);
    if (outcome != DJ_SQL) return outcome;
    DjSelectColumn *select = compiler->select;
    int select_count = compiler->select_count;
    if (!collect(&qualify, compiler->qualify)) return DJ_ERROR;
    DjExpr *filter = dj_replace(ev, compiler->qualify, &qualify.from, &qualify.to);
    outcome = outer_ordering(&qualify, orders);
    if (outcome != DJ_SQL) return outcome;
    DjExpr *where = dj_where(ev, DJ_AND, false);
    if (compiler->where) dj_where_push(ev, where, compiler->where);
    if (compiler->having) dj_where_push(ev, where, compiler->having);
    bool subquery = query->subquery;
    query->where = where;
    query->subquery = true;
    Query *inner, *outer;
    outcome = dj_query_compile(query, compiler->outer, false, true, &inner);
    query->subquery = subquery;
    if (outcome != DJ_SQL) return outcome;
    around(compiler, inner, SLICE("qualify"), &outer);
    query_add_item(compiler_arena(compiler), outer, expr_new(compiler_arena(compiler), EXPR_STAR, SQL_UNKNOWN),
                   (Slice){0});
    outcome = dj_compile(compiler, filter, &outer->where);
    if (outcome != DJ_SQL) return outcome;
    if (qualify.added) {
        Query *mask;
        around(compiler, outer, SLICE("qualify_mask"), &mask);
        for (int i = 0; i < select_count; i++) {
            Slice alias = select[i].alias;
            int same = 0;
            while (same < i && !dj_equal(select[same].expr, select[i].expr)) same++;
            if (same == i && alias_of(compiler, select[i].expr, &alias))
                query_add_item(compiler_arena(compiler), mask, quoted(compiler, alias), (Slice){0});
        }
        outer = mask;
    }
    *out = outer;
    return DJ_SQL;
}
