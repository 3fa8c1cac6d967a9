/*
 * Printer of query trees. In: a tree. Out: one node a line, children indented by two blanks. Example:
 *
 *     select
 *       item
 *         column shop_author.id
 *       from
 *         table shop_author
 *       where
 *         binary EXACT
 *           column shop_author.name
 *           param 'x'
 */
#include "compiler/query/dump.h"
#include "compiler/query/templates.h"

enum { DUMP_DEPTH_LIMIT = 200 };

static const char *const expr_names[] = {[EXPR_COLUMN] = "column",
                                         [EXPR_STAR] = "star",
                                         [EXPR_PARAM] = "param",
                                         [EXPR_LITERAL] = "literal",
                                         [EXPR_NULL] = "null",
                                         [EXPR_BOOLEAN] = "boolean",
                                         [EXPR_RAW] = "raw",
                                         [EXPR_FUNCTION] = "function",
                                         [EXPR_CALL] = "call",
                                         [EXPR_UNARY] = "unary",
                                         [EXPR_BINARY] = "binary",
                                         [EXPR_AND] = "and",
                                         [EXPR_OR] = "or",
                                         [EXPR_XOR] = "xor",
                                         [EXPR_NOT] = "not",
                                         [EXPR_GROUP] = "group",
                                         [EXPR_CASE] = "case",
                                         [EXPR_CAST] = "cast",
                                         [EXPR_COLLATE] = "collate",
                                         [EXPR_IN] = "in",
                                         [EXPR_BETWEEN] = "between",
                                         [EXPR_EXISTS] = "exists",
                                         [EXPR_SUBQUERY] = "subquery",
                                         [EXPR_WINDOW] = "window",
                                         [EXPR_ORDER] = "order",
                                         [EXPR_TUPLE] = "tuple",
                                         [EXPR_LIST] = "list",
                                         [EXPR_ALIAS] = "alias",
                                         [EXPR_POSITION] = "position",
                                         [EXPR_ARRAY] = "array",
                                         [EXPR_EXTRACT] = "extract",
                                         [EXPR_INTERVAL] = "interval"};

static const char *const query_names[] = {[QUERY_SELECT] = "select", [QUERY_SET_OPERATION] = "set operation",
                                          [QUERY_VALUES] = "values", [QUERY_INSERT] = "insert",
                                          [QUERY_UPDATE] = "update", [QUERY_DELETE] = "delete",
                                          [QUERY_RAW] = "raw",       [QUERY_EXPRESSION] = "expression"};

static const char *const set_names[] = {"UNION", "UNION ALL", "INTERSECT", "INTERSECT ALL", "EXCEPT", "EXCEPT ALL"};

static void dump_query_at(Buffer *out, const Query *query, int depth);
static void dump_expr(Buffer *out, const Expr *expr, int depth);

static void dump_indent(Buffer *out, int depth) {
    for (int i = 0; i < depth; i++) buffer_text(out, "  ");
}

static void dump_line(Buffer *out, int depth, const char *text) {
    dump_indent(out, depth);
    buffer_text(out, text);
    buffer_put(out, '\n');
}

static void dump_relation_name(Buffer *out, const Relation *relation) {
    if (!relation) return;
    Slice name = relation->alias.length ? relation->alias : relation->name;
    buffer_slice(out, name);
}

static void dump_param(Buffer *out, const Param *param) {
    if (!param) return;
    switch (param->source) {
    case PARAM_NAMED: buffer_format(out, " name %.*s", SLICE_ARGS(param->name)); return;
    case PARAM_FROM_ROWS:
        buffer_format(out, " rows of statement %d: %.*s", param->statement, SLICE_ARGS(param->column));
        return;
    case PARAM_KNOWN: break;
    }
    switch (param->value.kind) {
    case LITERAL_NULL: buffer_text(out, " NULL"); return;
    case LITERAL_BOOL:
    case LITERAL_INTEGER: buffer_format(out, " %lld", (long long)param->value.integer); return;
    case LITERAL_FLOAT: buffer_format(out, " %.17g", param->value.number); return;
    case LITERAL_TEXT: buffer_format(out, " '%.*s'", SLICE_ARGS(param->value.text)); return;
    case LITERAL_BYTES: buffer_format(out, " %zu bytes", param->value.text.length); return;
    case LITERAL_ARRAY:
    case LITERAL_MAP: buffer_format(out, " %d items", param->value.count); return;
    }
}

/* What stands behind the kind's name. */
static void dump_detail(Buffer *out, const Expr *expr) {
    switch (expr->kind) {
    case EXPR_COLUMN:
        buffer_put(out, ' ');
        dump_relation_name(out, expr->as.column.relation);
        buffer_format(out, ".%.*s", SLICE_ARGS(expr->as.column.name));
        return;
    case EXPR_PARAM: dump_param(out, expr->as.param); return;
    case EXPR_BOOLEAN:
    case EXPR_POSITION: buffer_format(out, " %lld", (long long)expr->as.number); return;
    case EXPR_FUNCTION: buffer_format(out, " %s", function_name(expr->as.function.id)); return;
    case EXPR_CALL:
        buffer_format(out, " %.*s%s", SLICE_ARGS(expr->as.call.name), expr->as.call.distinct ? " distinct" : "");
        return;
    case EXPR_UNARY:
    case EXPR_BINARY:
        if (expr->as.op.text.length) buffer_format(out, " %.*s", SLICE_ARGS(expr->as.op.text));
        else buffer_format(out, " %s", operator_name(expr->as.op.op));
        return;
    case EXPR_CAST: buffer_format(out, " %.*s", SLICE_ARGS(expr->as.cast.type_name)); return;
    case EXPR_COLLATE: buffer_format(out, " %.*s", SLICE_ARGS(expr->as.collate.name)); return;
    case EXPR_ALIAS: buffer_format(out, " %.*s", SLICE_ARGS(expr->as.alias.name)); return;
    case EXPR_EXTRACT:
    case EXPR_INTERVAL: buffer_format(out, " %.*s", SLICE_ARGS(expr->as.unit.unit)); return;
    case EXPR_ORDER: buffer_text(out, expr->as.order.descending ? " descending" : ""); return;
    case EXPR_IN:
    case EXPR_EXISTS:
    case EXPR_SUBQUERY: buffer_text(out, expr->as.query.negated ? " not" : ""); return;
    case EXPR_STAR:
    case EXPR_LITERAL:
    case EXPR_NULL:
    case EXPR_RAW:
    case EXPR_AND:
    case EXPR_OR:
    case EXPR_XOR:
    case EXPR_NOT:
    case EXPR_GROUP:
    case EXPR_CASE:
    case EXPR_BETWEEN:
    case EXPR_WINDOW:
    case EXPR_TUPLE:
    case EXPR_LIST:
    case EXPR_ARRAY: return;
    }
}

static void dump_list(Buffer *out, const char *title, const ExprList *list, int depth) {
    if (!list->count) return;
    dump_line(out, depth, title);
    for (int i = 0; i < list->count; i++) dump_expr(out, list->items[i], depth + 1);
}

static void dump_one(Buffer *out, const char *title, const Expr *expr, int depth) {
    if (!expr) return;
    dump_line(out, depth, title);
    dump_expr(out, expr, depth + 1);
}

static void dump_expr(Buffer *out, const Expr *expr, int depth) {
    if (!expr || depth > DUMP_DEPTH_LIMIT) return;
    dump_indent(out, depth);
    buffer_text(out, expr_names[expr->kind]);
    dump_detail(out, expr);
    buffer_put(out, '\n');
    if (expr->kind == EXPR_RAW && expr->as.raw.texts)
        for (int i = 0; i <= expr->args.count; i++) {
            dump_indent(out, depth + 1);
            buffer_format(out, "text %.*s\n", SLICE_ARGS(expr->as.raw.texts[i]));
        }
    for (int i = 0; i < expr->args.count; i++) dump_expr(out, expr->args.items[i], depth + 1);
    if (expr->kind == EXPR_CALL) {
        dump_one(out, "filter", expr->as.call.filter, depth + 1);
        dump_list(out, "order by", &expr->as.call.order_by, depth + 1);
    }
    if (expr->kind == EXPR_WINDOW && expr->as.window) {
        dump_list(out, "partition by", &expr->as.window->partition_by, depth + 1);
        dump_list(out, "order by", &expr->as.window->order_by, depth + 1);
    }
    bool holds_query = expr->kind == EXPR_IN || expr->kind == EXPR_EXISTS || expr->kind == EXPR_SUBQUERY;
    if (holds_query && expr->as.query.query) dump_query_at(out, expr->as.query.query, depth + 1);
}

static void dump_relation(Buffer *out, const Relation *relation, int depth) {
    dump_indent(out, depth);
    buffer_format(out, "relation %.*s", SLICE_ARGS(relation->name));
    if (relation->alias.length) buffer_format(out, " as %.*s", SLICE_ARGS(relation->alias));
    buffer_put(out, '\n');
    if (relation->query && relation->kind != RELATION_CTE) dump_query_at(out, relation->query, depth + 1);
    if (relation->expression) dump_expr(out, relation->expression, depth + 1);
}

static void dump_from(Buffer *out, const From *from, int depth) {
    static const char *const names[] = {"inner join", "left join", "full join", "cross join"};
    if (depth > DUMP_DEPTH_LIMIT) return;
    if (from->relation) {
        dump_relation(out, from->relation, depth);
        return;
    }
    dump_line(out, depth, names[from->join]);
    dump_from(out, from->left, depth + 1);
    dump_from(out, from->right, depth + 1);
    dump_one(out, "on", from->on, depth + 1);
}

static void dump_items(Buffer *out, const char *title, const SelectItem *items, int count, int depth) {
    for (int i = 0; i < count; i++) {
        dump_indent(out, depth);
        buffer_text(out, title);
        if (items[i].alias.length) buffer_format(out, " as %.*s", SLICE_ARGS(items[i].alias));
        buffer_put(out, '\n');
        dump_expr(out, items[i].expr, depth + 1);
    }
}

static void dump_changes(Buffer *out, const Query *query, int depth) {
    if (query->target) dump_relation(out, query->target, depth);
    for (int i = 0; i < query->assignment_count; i++) {
        dump_line(out, depth, "set");
        dump_expr(out, query->assignments[i].target, depth + 1);
        dump_expr(out, query->assignments[i].value, depth + 1);
    }
    for (int i = 0; i < query->row_count; i++) dump_list(out, "row", &query->rows[i], depth);
    if (query->source) dump_query_at(out, query->source, depth);
    dump_items(out, "returning", query->returning, query->returning_count, depth);
}

static void dump_query_at(Buffer *out, const Query *query, int depth) {
    if (depth > DUMP_DEPTH_LIMIT) return;
    dump_indent(out, depth);
    buffer_text(out, query_names[query->kind]);
    if (query->kind == QUERY_SET_OPERATION) buffer_format(out, " %s", set_names[query->set_operator]);
    buffer_text(out, query->distinct ? " distinct\n" : "\n");
    for (int i = 0; i < query->cte_count; i++) {
        dump_line(out, depth + 1, query->ctes[i].recursive ? "with recursive" : "with");
        dump_query_at(out, query->ctes[i].query, depth + 2);
    }
    for (int i = 0; i < query->part_count; i++) dump_query_at(out, query->parts[i], depth + 1);
    dump_list(out, "distinct on", &query->distinct_on, depth + 1);
    dump_items(out, "item", query->items, query->item_count, depth + 1);
    dump_changes(out, query, depth + 1);
    if (query->from_count) dump_line(out, depth + 1, "from");
    for (int i = 0; i < query->from_count; i++) dump_from(out, query->from[i], depth + 2);
    dump_one(out, "where", query->where, depth + 1);
    dump_list(out, "group by", &query->group_by, depth + 1);
    dump_one(out, "having", query->having, depth + 1);
    dump_list(out, "order by", &query->order_by, depth + 1);
    dump_one(out, "limit", query->limit, depth + 1);
    dump_one(out, "offset", query->offset, depth + 1);
    if (query->raw) dump_expr(out, query->raw, depth + 1);
}

void query_dump(Buffer *out, const Query *query) { dump_query_at(out, query, 0); }
