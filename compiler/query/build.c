/*
 * Construction of the query tree, and structural equality of expressions.
 * Everything lives in the arena; nothing here knows a dialect or an ORM.
 *
 *     Relation *books = relation_table(arena, (Slice){0}, SLICE("book"), (Slice){0});
 *     Query *query = query_new(arena, QUERY_SELECT);
 *     query_add_item(arena, query, expr_column(arena, books, SLICE("id"), SQL_INTEGER), (Slice){0});
 *     query_add_from(arena, query, from_relation(arena, books));          SELECT "book"."id" FROM "book"
 */
#include "compiler/query/query.h"

enum { EQUALS_DEPTH_LIMIT = 4000 };

Expr *expr_new(Arena *arena, ExprKind kind, SqlType type) {
    Expr *expr = ARENA_NEW(arena, Expr);
    expr->kind = kind;
    expr->type = type;
    return expr;
}

Expr *expr_column(Arena *arena, Relation *relation, Slice name, SqlType type) {
    Expr *expr = expr_new(arena, EXPR_COLUMN, type);
    expr->as.column.relation = relation;
    expr->as.column.name = name;
    expr->as.column.bare = relation == NULL;
    return expr;
}

Expr *expr_param(Arena *arena, const Param *param) {
    Expr *expr = expr_new(arena, EXPR_PARAM, param->type);
    expr->as.param = arena_allocate(arena, sizeof *param);
    *expr->as.param = *param; /* the caller's may be a local one */
    expr->span = param->span;
    return expr;
}

Expr *expr_integer(Arena *arena, int64_t number) {
    Expr *expr = expr_new(arena, EXPR_LITERAL, SQL_INTEGER);
    expr->as.literal.kind = LITERAL_INTEGER;
    expr->as.literal.integer = number;
    return expr;
}

Expr *expr_raw(Arena *arena, Slice text) {
    Expr *expr = expr_new(arena, EXPR_RAW, SQL_UNKNOWN);
    expr->as.raw.texts = ARENA_NEW(arena, Slice);
    expr->as.raw.texts[0] = text;
    return expr;
}

Expr *expr_unary(Arena *arena, OperatorId op, Expr *operand, SqlType type) {
    Expr *expr = expr_new(arena, EXPR_UNARY, type);
    expr->as.op.op = op;
    expr_list_push(arena, &expr->args, operand);
    return expr;
}

Expr *expr_binary(Arena *arena, OperatorId op, Expr *left, Expr *right, SqlType type) {
    Expr *expr = expr_new(arena, EXPR_BINARY, type);
    expr->as.op.op = op;
    expr->args.items = ARENA_ARRAY(arena, Expr *, 2);
    expr->args.items[0] = left;
    expr->args.items[1] = right;
    expr->args.count = expr->args.capacity = 2;
    return expr;
}

static void expr_push_all(Arena *arena, Expr *expr, int count, va_list arguments) {
    for (int i = 0; i < count; i++) expr_list_push(arena, &expr->args, va_arg(arguments, Expr *));
}

Expr *expr_function(Arena *arena, FunctionId id, SqlType type, int count, ...) {
    Expr *expr = expr_new(arena, EXPR_FUNCTION, type);
    expr->as.function.id = id;
    va_list arguments;
    va_start(arguments, count);
    expr_push_all(arena, expr, count, arguments);
    va_end(arguments);
    return expr;
}

Expr *expr_call(Arena *arena, Slice name, SqlType type, int count, ...) {
    Expr *expr = expr_new(arena, EXPR_CALL, type);
    expr->as.call.name = name;
    va_list arguments;
    va_start(arguments, count);
    expr_push_all(arena, expr, count, arguments);
    va_end(arguments);
    return expr;
}

static Expr *expr_wrap(Arena *arena, ExprKind kind, Expr *inner) {
    Expr *expr = expr_new(arena, kind, inner->type);
    expr->span = inner->span;
    expr_list_push(arena, &expr->args, inner);
    return expr;
}

Expr *expr_group(Arena *arena, Expr *inner) { return expr_wrap(arena, EXPR_GROUP, inner); }

Expr *expr_not(Arena *arena, Expr *inner) { return expr_wrap(arena, EXPR_NOT, inner); }

Expr *expr_subquery(Arena *arena, Query *query, SqlType type) {
    Expr *expr = expr_new(arena, EXPR_SUBQUERY, type);
    expr->as.query.query = query;
    return expr;
}

void expr_list_push(Arena *arena, ExprList *list, Expr *expr) {
    ARENA_PUSH(arena, list->items, list->count, list->capacity) = expr;
}

Query *query_new(Arena *arena, QueryKind kind) {
    Query *query = ARENA_NEW(arena, Query);
    query->kind = kind;
    return query;
}

SelectItem *query_add_item(Arena *arena, Query *query, Expr *expr, Slice alias) {
    SelectItem *item = &ARENA_PUSH(arena, query->items, query->item_count, query->item_capacity);
    *item = (SelectItem){.expr = expr, .alias = alias};
    return item;
}

From *from_relation(Arena *arena, Relation *relation) {
    From *from = ARENA_NEW(arena, From);
    from->relation = relation;
    return from;
}

From *from_join(Arena *arena, From *left, From *right, JoinKind kind, Expr *on) {
    From *from = ARENA_NEW(arena, From);
    from->left = left;
    from->right = right;
    from->join = kind;
    from->on = on;
    return from;
}

Relation *relation_table(Arena *arena, Slice schema, Slice name, Slice alias) {
    Relation *relation = ARENA_NEW(arena, Relation);
    relation->kind = RELATION_TABLE;
    relation->schema = schema;
    relation->name = name;
    relation->alias = alias;
    return relation;
}

void query_add_from(Arena *arena, Query *query, From *from) {
    ARENA_PUSH(arena, query->from, query->from_count, query->from_capacity) = from;
}

/* ---- equality ---- */

static bool literal_equals(const Literal *a, const Literal *b) {
    if (a->kind != b->kind) return false;
    switch (a->kind) {
    case LITERAL_NULL: return true;
    case LITERAL_BOOL:
    case LITERAL_INTEGER: return a->integer == b->integer;
    case LITERAL_FLOAT: return a->number == b->number;
    case LITERAL_TEXT:
    case LITERAL_BYTES: return slice_equals(a->text, b->text);
    case LITERAL_ARRAY:
    case LITERAL_MAP:
        if (a->count != b->count) return false;
        for (int i = 0; i < a->count; i++)
            if (!literal_equals(&a->items[i], &b->items[i])) return false;
        return true;
    }
    return false;
}

static bool param_equals(const Param *a, const Param *b) {
    if (a == b) return true;
    return a->source == PARAM_KNOWN && b->source == PARAM_KNOWN && a->type == b->type &&
           literal_equals(&a->value, &b->value);
}

static bool expr_equals_at(const Expr *a, const Expr *b, int depth);

static bool expr_list_equals(const ExprList *a, const ExprList *b, int depth) {
    if (a->count != b->count) return false;
    for (int i = 0; i < a->count; i++)
        if (!expr_equals_at(a->items[i], b->items[i], depth)) return false;
    return true;
}

static bool window_equals(const Window *a, const Window *b, int depth) {
    return a == b || (expr_list_equals(&a->partition_by, &b->partition_by, depth) &&
                      expr_list_equals(&a->order_by, &b->order_by, depth) && slice_equals(a->frame, b->frame) &&
                      slice_equals(a->name, b->name));
}

static bool call_equals(const Expr *a, const Expr *b, int depth) {
    return slice_equals(a->as.call.name, b->as.call.name) && a->as.call.distinct == b->as.call.distinct &&
           expr_list_equals(&a->as.call.order_by, &b->as.call.order_by, depth) &&
           expr_list_equals(&a->as.call.within_group, &b->as.call.within_group, depth) &&
           expr_equals_at(a->as.call.filter, b->as.call.filter, depth) &&
           slice_equals(a->as.call.separator, b->as.call.separator);
}

static bool raw_equals(const Expr *a, const Expr *b) {
    for (int i = 0; i <= a->args.count; i++)
        if (!slice_equals(a->as.raw.texts[i], b->as.raw.texts[i])) return false;
    return true;
}

/* What belongs to the node itself, its arguments aside; a and b are of one kind. */
static bool expr_same_head(const Expr *a, const Expr *b, int depth) {
    switch (a->kind) {
    case EXPR_COLUMN:
    case EXPR_STAR:
        return a->as.column.relation == b->as.column.relation && slice_equals(a->as.column.name, b->as.column.name);
    case EXPR_PARAM: return param_equals(a->as.param, b->as.param);
    case EXPR_LITERAL: return a->type == b->type && literal_equals(&a->as.literal, &b->as.literal);
    case EXPR_BOOLEAN:
    case EXPR_POSITION: return a->as.number == b->as.number;
    case EXPR_RAW: return raw_equals(a, b);
    case EXPR_FUNCTION:
        return a->as.function.id == b->as.function.id && slice_equals(a->as.function.extra, b->as.function.extra);
    case EXPR_CALL: return call_equals(a, b, depth);
    case EXPR_UNARY:
    case EXPR_BINARY: return a->as.op.op == b->as.op.op && slice_equals(a->as.op.text, b->as.op.text);
    case EXPR_NULL:
    case EXPR_AND:
    case EXPR_OR:
    case EXPR_XOR:
    case EXPR_NOT:
    case EXPR_GROUP:
    case EXPR_TUPLE:
    case EXPR_LIST:
    case EXPR_ARRAY: return true;
    case EXPR_CASE:
        return a->as.cased.has_operand == b->as.cased.has_operand && a->as.cased.has_else == b->as.cased.has_else;
    case EXPR_CAST: return slice_equals(a->as.cast.type_name, b->as.cast.type_name);
    case EXPR_COLLATE: return slice_equals(a->as.collate.name, b->as.collate.name);
    case EXPR_IN:
    case EXPR_BETWEEN:
    case EXPR_EXISTS:
    case EXPR_SUBQUERY: return a->as.query.query == b->as.query.query && a->as.query.negated == b->as.query.negated;
    case EXPR_WINDOW: return window_equals(a->as.window, b->as.window, depth);
    case EXPR_ORDER: return a->as.order.descending == b->as.order.descending && a->as.order.nulls == b->as.order.nulls;
    case EXPR_ALIAS: return slice_equals(a->as.alias.name, b->as.alias.name);
    case EXPR_EXTRACT:
    case EXPR_INTERVAL: return slice_equals(a->as.unit.unit, b->as.unit.unit);
    }
    return false;
}

static bool expr_equals_at(const Expr *a, const Expr *b, int depth) {
    if (a == b) return true;
    if (!a || !b || a->kind != b->kind || a->args.count != b->args.count || depth > EQUALS_DEPTH_LIMIT) return false;
    return expr_same_head(a, b, depth + 1) && expr_list_equals(&a->args, &b->args, depth + 1);
}

bool expr_equals(const Expr *a, const Expr *b) { return expr_equals_at(a, b, 0); }
