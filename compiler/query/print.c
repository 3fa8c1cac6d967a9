/*
 * The query tree as text. Input: a tree, shaped or not; output: lines that name each node by its kind, so that what a
 * pass did can be read off. The format is for reading and for golden tests, not for parsing.
 *
 *     select
 *       item (column "book" id):integer
 *       from table book
 *       where (EQ (column "book" title):text (param 'x'):text)
 */
#include "compiler/query/print.h"
#include "compiler/query/templates.h"

enum { PRINT_DEPTH_LIMIT = 500 };

static const char *const kind_names[] = {
    [EXPR_COLUMN] = "column",
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
    [EXPR_ARRAY] = "array",
    [EXPR_POSITION] = "position",
    [EXPR_EXTRACT] = "extract",
    [EXPR_INTERVAL] = "interval",
};

static const char *const type_names[] = {
#define X(name, text) [SQL_##name] = text,
    SQL_TYPES(X)
#undef X
};

typedef struct Printer {
    Buffer *out;
    int indent, depth;
} Printer;

static void print_query(Printer *p, const Query *query);
static void print_expr(Printer *p, const Expr *expr);

static void print_line(Printer *p, const char *word) {
    for (int i = 0; i < p->indent; i++) buffer_text(p->out, "  ");
    buffer_text(p->out, word);
}

static void print_word(Printer *p, Slice text) {
    buffer_put(p->out, ' ');
    buffer_slice(p->out, text);
}

static void print_literal(Printer *p, const Literal *literal) {
    switch (literal->kind) {
    case LITERAL_NULL: buffer_text(p->out, " null"); break;
    case LITERAL_BOOL: buffer_text(p->out, literal->integer ? " true" : " false"); break;
    case LITERAL_INTEGER: buffer_format(p->out, " %lld", (long long)literal->integer); break;
    case LITERAL_FLOAT: buffer_format(p->out, " %.17g", literal->number); break;
    case LITERAL_TEXT:
    case LITERAL_BYTES: buffer_format(p->out, " '%.*s'", SLICE_ARGS(literal->text)); break;
    case LITERAL_ARRAY:
    case LITERAL_MAP:
        buffer_text(p->out, " [");
        for (int i = 0; i < literal->count; i++) print_literal(p, &literal->items[i]);
        buffer_text(p->out, " ]");
        break;
    }
}

static void print_param(Printer *p, const Param *param) {
    switch (param->source) {
    case PARAM_KNOWN: print_literal(p, &param->value); break;
    case PARAM_NAMED: buffer_format(p->out, " :%.*s", SLICE_ARGS(param->name)); break;
    case PARAM_FROM_ROWS:
        buffer_format(p->out, " rows %d.%d.%.*s", param->execution, param->statement, SLICE_ARGS(param->column));
        break;
    }
    if (param->expand) buffer_text(p->out, " …");
}

static Slice relation_label(const Relation *relation) {
    return relation->alias.length ? relation->alias : relation->name;
}

static void print_list(Printer *p, const char *word, const ExprList *list) {
    if (!list->count) return;
    buffer_format(p->out, " %s", word);
    for (int i = 0; i < list->count; i++) {
        buffer_put(p->out, ' ');
        print_expr(p, list->items[i]);
    }
}

static void print_window(Printer *p, const Window *window) {
    print_list(p, "partition", &window->partition_by);
    print_list(p, "by", &window->order_by);
    if (window->frame.length) print_word(p, window->frame);
    if (window->name.length) print_word(p, window->name);
}

static void print_call(Printer *p, const Expr *expr) {
    print_word(p, expr->as.call.name);
    if (expr->as.call.distinct) buffer_text(p->out, " distinct");
    print_list(p, "by", &expr->as.call.order_by);
    print_list(p, "within", &expr->as.call.within_group);
    if (expr->as.call.filter) {
        buffer_text(p->out, " filter ");
        print_expr(p, expr->as.call.filter);
    }
}

static void print_nested(Printer *p, const Expr *expr) {
    if (expr->as.query.negated) buffer_text(p->out, " not");
    if (!expr->as.query.query) return;
    buffer_put(p->out, '\n');
    p->indent += 2;
    print_query(p, expr->as.query.query);
    p->indent -= 2;
    print_line(p, "  ");
}

/* What belongs to the node itself. */
static void print_head(Printer *p, const Expr *expr) {
    switch (expr->kind) {
    case EXPR_COLUMN:
    case EXPR_STAR:
        if (expr->as.column.relation)
            buffer_format(p->out, " \"%.*s\"", SLICE_ARGS(relation_label(expr->as.column.relation)));
        if (expr->kind == EXPR_COLUMN) print_word(p, expr->as.column.name);
        break;
    case EXPR_PARAM: print_param(p, expr->as.param); break;
    case EXPR_LITERAL: print_literal(p, &expr->as.literal); break;
    case EXPR_BOOLEAN:
    case EXPR_POSITION: buffer_format(p->out, " %lld", (long long)expr->as.number); break;
    case EXPR_RAW:
        for (int i = 0; i <= expr->args.count; i++) buffer_format(p->out, " `%.*s`", SLICE_ARGS(expr->as.raw.texts[i]));
        break;
    case EXPR_FUNCTION:
        if (expr->as.function.extra.length) print_word(p, expr->as.function.extra);
        break;
    case EXPR_CALL: print_call(p, expr); break;
    case EXPR_UNARY:
    case EXPR_BINARY:
        if (expr->as.op.text.length) print_word(p, expr->as.op.text);
        break;
    case EXPR_CAST: print_word(p, expr->as.cast.type_name); break;
    case EXPR_COLLATE: print_word(p, expr->as.collate.name); break;
    case EXPR_IN:
    case EXPR_BETWEEN:
    case EXPR_EXISTS:
    case EXPR_SUBQUERY: print_nested(p, expr); break;
    case EXPR_WINDOW: print_window(p, expr->as.window); break;
    case EXPR_ORDER:
        if (expr->as.order.descending) buffer_text(p->out, " desc");
        if (expr->as.order.nulls != NULLS_DEFAULT)
            buffer_text(p->out, expr->as.order.nulls == NULLS_FIRST ? " nulls first" : " nulls last");
        break;
    case EXPR_ALIAS: print_word(p, expr->as.alias.name); break;
    case EXPR_EXTRACT:
    case EXPR_INTERVAL: print_word(p, expr->as.unit.unit); break;
    case EXPR_CASE:
        if (expr->as.cased.has_operand) buffer_text(p->out, " of");
        if (expr->as.cased.has_else) buffer_text(p->out, " else");
        break;
    case EXPR_NULL:
    case EXPR_AND:
    case EXPR_OR:
    case EXPR_XOR:
    case EXPR_NOT:
    case EXPR_GROUP:
    case EXPR_TUPLE:
    case EXPR_LIST:
    case EXPR_ARRAY: break;
    }
}

static const char *expr_label(const Expr *expr) {
    if (expr->kind == EXPR_FUNCTION) return function_name(expr->as.function.id);
    if (expr->kind == EXPR_UNARY || expr->kind == EXPR_BINARY) return operator_name(expr->as.op.op);
    return kind_names[expr->kind];
}

static void print_expr(Printer *p, const Expr *expr) {
    if (!expr || p->depth > PRINT_DEPTH_LIMIT) {
        buffer_text(p->out, expr ? "(…)" : "(missing)");
        return;
    }
    p->depth++;
    buffer_put(p->out, '(');
    buffer_text(p->out, expr_label(expr));
    print_head(p, expr);
    for (int i = 0; i < expr->args.count; i++) {
        buffer_put(p->out, ' ');
        print_expr(p, expr->args.items[i]);
    }
    buffer_put(p->out, ')');
    if (expr->type != SQL_UNKNOWN) buffer_format(p->out, ":%s", type_names[expr->type]);
    p->depth--;
}

/* ---- clauses ---- */

static void print_clause(Printer *p, const char *word, const Expr *expr) {
    if (!expr) return;
    print_line(p, word);
    buffer_put(p->out, ' ');
    print_expr(p, expr);
    buffer_put(p->out, '\n');
}

static void print_clause_list(Printer *p, const char *word, const ExprList *list) {
    for (int i = 0; i < list->count; i++) print_clause(p, word, list->items[i]);
}

static void print_items(Printer *p, const char *word, const SelectItem *items, int count) {
    for (int i = 0; i < count; i++) {
        print_line(p, word);
        buffer_put(p->out, ' ');
        print_expr(p, items[i].expr);
        if (items[i].alias.length) buffer_format(p->out, " as %.*s", SLICE_ARGS(items[i].alias));
        buffer_put(p->out, '\n');
    }
}

static void print_relation(Printer *p, const char *word, const Relation *relation) {
    static const char *const names[] = {
        [RELATION_TABLE] = "table",   [RELATION_SUBQUERY] = "subquery", [RELATION_CTE] = "cte",
        [RELATION_VALUES] = "values", [RELATION_FUNCTION] = "function", [RELATION_RAW] = "raw",
    };
    print_line(p, word);
    buffer_format(p->out, "%s%s", relation->lateral ? " lateral " : " ", names[relation->kind]);
    if (relation->name.length) print_word(p, relation->name);
    if (relation->alias.length) buffer_format(p->out, " as %.*s", SLICE_ARGS(relation->alias));
    buffer_put(p->out, '\n');
    p->indent++;
    if (relation->query) print_query(p, relation->query);
    print_clause(p, "expression", relation->expression);
    p->indent--;
}

static void print_from(Printer *p, const From *from, int depth) {
    static const char *const names[] = {
        [JOIN_INNER] = "inner join", [JOIN_LEFT] = "left join", [JOIN_FULL] = "full join", [JOIN_CROSS] = "cross join"};
    if (from->relation) {
        print_relation(p, "from", from->relation);
        return;
    }
    if (depth > PRINT_DEPTH_LIMIT) return;
    print_line(p, names[from->join]);
    if (from->on) {
        buffer_text(p->out, " on ");
        print_expr(p, from->on);
    }
    buffer_put(p->out, '\n');
    p->indent++;
    print_from(p, from->left, depth + 1);
    print_from(p, from->right, depth + 1);
    p->indent--;
}

static void print_assignments(Printer *p, const Assignment *assignments, int count) {
    for (int i = 0; i < count; i++) {
        print_clause(p, "set", assignments[i].target);
        print_clause(p, "  to", assignments[i].value);
    }
}

static void print_write(Printer *p, const Query *query) {
    if (query->target) print_relation(p, "target", query->target);
    for (int i = 0; i < query->column_count; i++) {
        print_line(p, "column");
        print_word(p, query->columns[i]);
        buffer_put(p->out, '\n');
    }
    for (int i = 0; i < query->row_count; i++) {
        print_line(p, "row");
        for (int k = 0; k < query->rows[i].count; k++) {
            buffer_put(p->out, ' ');
            print_expr(p, query->rows[i].items[k]);
        }
        buffer_put(p->out, '\n');
    }
    if (query->source) print_query(p, query->source);
    print_assignments(p, query->assignments, query->assignment_count);
    if (query->on_conflict) {
        print_line(p, query->on_conflict->update ? "on conflict update\n" : "on conflict ignore\n");
        p->indent++;
        print_clause_list(p, "target", &query->on_conflict->target);
        print_assignments(p, query->on_conflict->assignments, query->on_conflict->assignment_count);
        print_clause(p, "where", query->on_conflict->update_where);
        p->indent--;
    }
}

static void print_clauses(Printer *p, const Query *query) {
    for (int i = 0; i < query->cte_count; i++) {
        print_line(p, query->ctes[i].recursive ? "with recursive" : "with");
        print_word(p, query->ctes[i].relation->name);
        buffer_put(p->out, '\n');
        p->indent++;
        print_query(p, query->ctes[i].query);
        p->indent--;
    }
    if (query->distinct) print_line(p, "distinct\n");
    print_clause_list(p, "distinct on", &query->distinct_on);
    print_items(p, "item", query->items, query->item_count);
    for (int i = 0; i < query->part_count; i++) print_query(p, query->parts[i]);
    print_write(p, query);
    for (int i = 0; i < query->from_count; i++) print_from(p, query->from[i], 0);
    print_clause(p, "where", query->where);
    print_clause_list(p, "group by", &query->group_by);
    print_clause(p, "having", query->having);
    print_clause_list(p, "order by", &query->order_by);
    print_clause(p, "limit", query->limit);
    print_clause(p, "offset", query->offset);
    if (query->lock.mode != LOCK_NONE) print_line(p, "lock\n");
    print_items(p, "returning", query->returning, query->returning_count);
    print_clause(p, "text", query->raw);
}

static const char *query_label(const Query *query) {
    static const char *const sets[] = {
        [SET_UNION] = "union",   [SET_UNION_ALL] = "union all",         [SET_INTERSECT] = "intersect",
        [SET_EXCEPT] = "except", [SET_INTERSECT_ALL] = "intersect all", [SET_EXCEPT_ALL] = "except all"};
    switch (query->kind) {
    case QUERY_SELECT: return "select";
    case QUERY_SET_OPERATION: return sets[query->set_operator];
    case QUERY_VALUES: return "values";
    case QUERY_INSERT: return "insert";
    case QUERY_UPDATE: return "update";
    case QUERY_DELETE: return "delete";
    case QUERY_RAW: return "raw";
    case QUERY_EXPRESSION: return "expression";
    }
    return "query";
}

static void print_query(Printer *p, const Query *query) {
    print_line(p, query_label(query));
    buffer_put(p->out, '\n');
    if (p->depth > PRINT_DEPTH_LIMIT) return;
    p->depth++;
    p->indent++;
    print_clauses(p, query);
    p->indent--;
    p->depth--;
}

void query_print(Buffer *out, const Query *query) {
    Printer printer = {.out = out};
    print_query(&printer, query);
}
