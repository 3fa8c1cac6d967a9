/*
 * The verifier: walks the whole tree with the stack of visible relations and says the first rule that is broken.
 * Rules: no missing child, each kind has the number of arguments that it needs, each column's relation stands in the
 * FROM of its own query or of one around it (or is the target of a write), what a query needs is there.
 *
 *     WHERE (EQ (column "author" id) …) with FROM book  →  "a column of \"author\", which is not in FROM"
 */
#include "compiler/query/verify.h"

enum { VERIFY_DEPTH_LIMIT = 2000 };

typedef struct Scope {
    const struct Scope *outer;
    const Query *query;
} Scope;

static const char *verify_query(const Query *query, const Scope *outer, int depth);
static const char *verify_expr(const Expr *expr, const Scope *scope, int depth);

/* ---- scopes ---- */

static bool from_holds(const From *from, const Relation *relation, int depth) {
    if (depth > VERIFY_DEPTH_LIMIT) return true;
    while (!from->relation) {
        if (from->right && from_holds(from->right, relation, depth + 1)) return true;
        from = from->left;
        if (!from) return false;
    }
    return from->relation == relation;
}

static bool query_holds(const Query *query, const Relation *relation) {
    if (query->target == relation) return true;
    for (int i = 0; i < query->from_count; i++)
        if (from_holds(query->from[i], relation, 0)) return true;
    for (int i = 0; i < query->cte_count; i++)
        if (query->ctes[i].relation == relation) return true;
    return false;
}

static bool scope_holds(const Scope *scope, const Relation *relation) {
    for (; scope; scope = scope->outer) {
        /* RAW queries and lone expressions name relations that the text itself brings in */
        if (scope->query->kind == QUERY_RAW || scope->query->kind == QUERY_EXPRESSION) return true;
        if (query_holds(scope->query, relation)) return true;
    }
    return false;
}

/* Only what an ORM made for a join: EXCLUDED, an upsert's row alias and functions' rows belong to no FROM. */
static bool relation_needs_from(const Relation *relation) {
    return relation->kind == RELATION_TABLE && relation->owner != NULL;
}

/* ---- expressions ---- */

static int fewest_arguments(const Expr *expr) {
    switch (expr->kind) {
    case EXPR_BINARY: return 2;
    case EXPR_BETWEEN: return 3;
    case EXPR_UNARY:
    case EXPR_AND:
    case EXPR_OR:
    case EXPR_XOR:
    case EXPR_NOT:
    case EXPR_GROUP:
    case EXPR_CAST:
    case EXPR_COLLATE:
    case EXPR_IN:
    case EXPR_WINDOW:
    case EXPR_ORDER:
    case EXPR_EXTRACT:
    case EXPR_INTERVAL: return 1;
    case EXPR_CASE: return 2 + expr->as.cased.has_operand + expr->as.cased.has_else;
    case EXPR_COLUMN:
    case EXPR_STAR:
    case EXPR_PARAM:
    case EXPR_LITERAL:
    case EXPR_NULL:
    case EXPR_BOOLEAN:
    case EXPR_RAW:
    case EXPR_FUNCTION:
    case EXPR_CALL:
    case EXPR_EXISTS:
    case EXPR_SUBQUERY:
    case EXPR_TUPLE:
    case EXPR_LIST:
    case EXPR_ALIAS:
    case EXPR_POSITION:
    case EXPR_ARRAY: return 0;
    }
    return 0;
}

static const char *verify_list(const ExprList *list, const Scope *scope, int depth) {
    for (int i = 0; i < list->count; i++) {
        const char *wrong = verify_expr(list->items[i], scope, depth);
        if (wrong) return wrong;
    }
    return NULL;
}

static const char *verify_parts(const Expr *expr, const Scope *scope, int depth) {
    const char *wrong = NULL;
    if (expr->kind == EXPR_COLUMN) {
        const Relation *relation = expr->as.column.relation;
        if (!expr->as.column.name.length) return "a column without a name";
        if (relation && !expr->as.column.bare && relation_needs_from(relation) && !scope_holds(scope, relation))
            return "a column of a relation that is not in FROM";
    }
    if (expr->kind == EXPR_PARAM && !expr->as.param) return "a parameter without its object";
    if (expr->kind == EXPR_RAW && !expr->as.raw.texts) return "raw text without text";
    if (expr->kind == EXPR_WINDOW) {
        if (!expr->as.window) return "OVER without a window";
        wrong = verify_list(&expr->as.window->partition_by, scope, depth);
        if (!wrong) wrong = verify_list(&expr->as.window->order_by, scope, depth);
    }
    if (expr->kind == EXPR_CALL) {
        wrong = verify_list(&expr->as.call.order_by, scope, depth);
        if (!wrong && expr->as.call.filter) wrong = verify_expr(expr->as.call.filter, scope, depth);
    }
    bool nests = expr->kind == EXPR_IN || expr->kind == EXPR_EXISTS || expr->kind == EXPR_SUBQUERY;
    if (expr->kind == EXPR_SUBQUERY && !expr->as.query.query) return "a subquery without its query";
    if (!wrong && nests && expr->as.query.query) wrong = verify_query(expr->as.query.query, scope, depth);
    return wrong;
}

static const char *verify_expr(const Expr *expr, const Scope *scope, int depth) {
    if (!expr) return "a missing expression";
    if (depth > VERIFY_DEPTH_LIMIT) return NULL;
    if (expr->args.count < fewest_arguments(expr)) return "an expression with too few arguments";
    const char *wrong = verify_parts(expr, scope, depth + 1);
    return wrong ? wrong : verify_list(&expr->args, scope, depth + 1);
}

/* ---- queries ---- */

static const char *verify_relation(const Relation *relation, const Scope *scope, int depth) {
    if (relation->query) return verify_query(relation->query, scope, depth);
    if (relation->kind == RELATION_SUBQUERY) return "a derived table without its query";
    return relation->expression ? verify_expr(relation->expression, scope, depth) : NULL;
}

static const char *verify_from(const From *from, const Scope *scope, int depth) {
    for (; from && !from->relation; from = from->left) {
        if (!from->left || !from->right) return "a join without both sides";
        const char *wrong = verify_from(from->right, scope, depth + 1);
        if (!wrong && from->on) wrong = verify_expr(from->on, scope, depth + 1);
        if (wrong || depth > VERIFY_DEPTH_LIMIT) return wrong;
    }
    return from ? verify_relation(from->relation, scope, depth + 1) : "an empty item of FROM";
}

static const char *verify_items(const SelectItem *items, int count, const Scope *scope, int depth) {
    for (int i = 0; i < count; i++) {
        const char *wrong = verify_expr(items[i].expr, scope, depth);
        if (wrong) return wrong;
    }
    return NULL;
}

static const char *verify_write(const Query *query, const Scope *scope, int depth) {
    bool writes = query->kind == QUERY_INSERT || query->kind == QUERY_UPDATE || query->kind == QUERY_DELETE;
    if (writes && !query->target && !query->target_from) return "a write without a target";
    for (int i = 0; i < query->row_count; i++) {
        if (query->kind == QUERY_INSERT && query->column_count && query->rows[i].count != query->column_count)
            return "a row of another length than the columns";
        const char *wrong = verify_list(&query->rows[i], scope, depth);
        if (wrong) return wrong;
    }
    for (int i = 0; i < query->assignment_count; i++) {
        const char *wrong = verify_expr(query->assignments[i].target, scope, depth);
        if (!wrong) wrong = verify_expr(query->assignments[i].value, scope, depth);
        if (wrong) return wrong;
    }
    if (query->kind == QUERY_UPDATE && !query->assignment_count) return "an update of nothing";
    return query->source ? verify_query(query->source, scope, depth) : NULL;
}

static const char *verify_clauses(const Query *query, const Scope *scope, int depth) {
    const char *wrong = verify_items(query->items, query->item_count, scope, depth);
    for (int i = 0; !wrong && i < query->from_count; i++) wrong = verify_from(query->from[i], scope, depth);
    if (!wrong && query->where) wrong = verify_expr(query->where, scope, depth);
    if (!wrong) wrong = verify_list(&query->group_by, scope, depth);
    if (!wrong && query->having) wrong = verify_expr(query->having, scope, depth);
    if (!wrong) wrong = verify_list(&query->distinct_on, scope, depth);
    if (!wrong) wrong = verify_list(&query->order_by, scope, depth);
    if (!wrong && query->limit) wrong = verify_expr(query->limit, scope, depth);
    if (!wrong && query->offset) wrong = verify_expr(query->offset, scope, depth);
    if (!wrong) wrong = verify_items(query->returning, query->returning_count, scope, depth);
    return wrong;
}

static const char *verify_query(const Query *query, const Scope *outer, int depth) {
    if (!query) return "a missing query";
    if (depth > VERIFY_DEPTH_LIMIT) return NULL;
    Scope scope = {.outer = outer, .query = query};
    for (int i = 0; i < query->cte_count; i++) {
        const char *wrong = verify_query(query->ctes[i].query, &scope, depth + 1);
        if (wrong) return wrong;
    }
    if (query->kind == QUERY_SET_OPERATION && query->part_count < 1) return "a set operation without parts";
    for (int i = 0; i < query->part_count; i++) {
        const char *wrong = verify_query(query->parts[i], &scope, depth + 1);
        if (wrong) return wrong;
    }
    if ((query->kind == QUERY_RAW || query->kind == QUERY_EXPRESSION) && !query->raw) return "raw text without text";
    const char *wrong = verify_write(query, &scope, depth + 1);
    return wrong ? wrong : verify_clauses(query, &scope, depth + 1);
}

const char *query_verify(const Query *query) { return verify_query(query, NULL, 0); }
