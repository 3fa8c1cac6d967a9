/*
 * Lookups on several columns at once: composite primary keys and relations over more than one column.
 *
 *     pk=(1, 2)        ("a" = 1 AND "b" = 2)
 *     pk__in=[(1, 2)]  ("a", "b") IN ((1, 2));   SQLite: (("a" = 1 AND "b" = 2))
 */
#include "compiler/django/tuple_lookups.h"

#include "compiler/django/django.h"
#include "compiler/django/lookup.h"
#include "compiler/django/lookup_compile.h"

static Arena *arena_of(DjCompiler *compiler) { return evaluator_arena(compiler->ev); }

/* ---- what may stand on the right ---- */

static bool is_row(const Value *value) { return value_is(value, VALUE_TUPLE) || value_is(value, VALUE_LIST); }

static bool refuse_value(Evaluator *ev, const DjLookup *spec, DjExpr *lhs, const char *what, const Node *site) {
    return evaluator_raise_id(ev, EXCEPTION_VALUE, site, "'%s' lookup of %.*s must %s", spec->name,
                              SLICE_ARGS(value_repr(ev, value_atom(ev, lhs->as.pairs.field->name))), what) != NULL;
}

/* Other rows, or a name of a query outside. */
static bool check_tuple_expression(Evaluator *ev, const DjLookup *spec, DjExpr *lhs, DjExpr *rhs, const Node *site) {
    bool in = (spec->flags & DJL_LIST) != 0;
    if (rhs->kind == DJ_QUERY || rhs->kind == (in ? DJ_SUBQUERY : DJ_RESOLVED_OUTER_REF)) return true;
    Slice name = value_repr(ev, value_atom(ev, lhs->as.pairs.field->name));
    const char *type = rhs->instance.head.cls ? rhs->instance.head.cls->name->text.start : "expression";
    return evaluator_raise_id(ev, EXCEPTION_VALUE, site,
                              in ? "'%s' subquery lookup of %.*s must be a Query object (received '%s')"
                                 : "'%s' subquery lookup of %.*s only supports OuterRef and QuerySet objects "
                                   "(received '%s')",
                              spec->name, SLICE_ARGS(name), type) != NULL;
}

bool dj_check_tuple_value(Evaluator *ev, const DjLookup *spec, DjExpr *lhs, Value *rhs, const Node *site) {
    if (value_is_unknown(rhs) || strcmp(spec->name, "isnull") == 0) return true;
    if (value_is_expr(rhs)) return check_tuple_expression(ev, spec, lhs, value_expr(rhs), site);
    if (!is_row(rhs)) return refuse_value(ev, spec, lhs, "be a tuple or a list", site);
    if (!(spec->flags & DJL_LIST)) return true;
    const ListValue *rows = (const ListValue *)rhs;
    for (int i = 0; i < rows->count; i++)
        if (!is_row(rows->items[i]) && !value_is_unknown(rows->items[i]))
            return refuse_value(ev, spec, lhs, "be a collection of tuples or lists", site);
    return true;
}

/* ---- writing them ---- */

/* The values of one row, one a column. NULL: an error is pending. */
static Value **row_values(DjCompiler *compiler, DjExpr *lookup, Value *row) {
    DjExpr *lhs = lookup->args[0];
    if (is_row(row) && ((ListValue *)row)->count == lhs->count) return ((ListValue *)row)->items;
    bool in = (lookup->as.lookup.spec->flags & DJL_LIST) != 0;
    Slice what = slice_format(arena_of(compiler), "have %d elements%s", lhs->count, in ? " each" : "");
    refuse_value(compiler->ev, lookup->as.lookup.spec, lhs, slice_terminated(arena_of(compiler), what), lookup->site);
    return NULL;
}

static DjOutcome column_value(DjCompiler *compiler, DjExpr *lookup, int at, Value *value, Expr **column, Expr **param) {
    DjExpr *col = lookup->args[0]->args[at];
    DjOutcome outcome = dj_compile(compiler, col, column);
    if (outcome != DJ_SQL) return outcome;
    if (value_is_expr(value)) return dj_compile(compiler, value_expr(value), param);
    if (value_is_none(value) && compiler->dialect->id != DIALECT_SQLITE) {
        *param = expr_new(arena_of(compiler), EXPR_NULL, col->as.col.target->sql_type);
        return DJ_SQL;
    }
    return dj_compile_value(compiler, value, col->as.col.target, lookup->site, param);
}

static DjOutcome row_equals(DjCompiler *compiler, DjExpr *lookup, Value *row, Expr **out) {
    Value **values = row_values(compiler, lookup, row);
    if (!values) return DJ_ERROR;
    Expr *all = expr_new(arena_of(compiler), EXPR_AND, SQL_BOOLEAN);
    for (int i = 0; i < lookup->args[0]->count; i++) {
        if (value_is_none(values[i]) && lookup->as.lookup.spec->flags & DJL_LIST) return DJ_EMPTY;
        Expr *column, *param;
        DjOutcome outcome = column_value(compiler, lookup, i, values[i], &column, &param);
        if (outcome != DJ_SQL) return outcome;
        expr_list_push(arena_of(compiler), &all->args,
                       expr_binary(arena_of(compiler), OPERATOR_EQ, column, param, SQL_BOOLEAN));
    }
    *out = expr_group(arena_of(compiler), all);
    return DJ_SQL;
}

/* An unknown in the place of a row: one unknown a column. */
static Value *spread_unknown(DjCompiler *compiler, DjExpr *lookup, Value *row) {
    if (!value_is_unknown(row)) return row;
    int count = lookup->args[0]->count;
    Value **items = ARENA_ARRAY(arena_of(compiler), Value *, count);
    for (int i = 0; i < count; i++)
        items[i] = value_unknown(
            compiler->ev, slice_format(arena_of(compiler), "%.*s[%d]", SLICE_ARGS(((UnknownValue *)row)->text), i),
            lookup->site, NULL);
    return value_tuple(compiler->ev, items, count);
}

static bool has_tuples(const DjCompiler *compiler) { return compiler->dialect->id != DIALECT_SQLITE; }

/* (a, b): the columns of the left side. */
static DjOutcome left_tuple(DjCompiler *compiler, DjExpr *lookup, Expr **out) {
    *out = expr_new(arena_of(compiler), EXPR_TUPLE, SQL_UNKNOWN);
    for (int i = 0; i < lookup->args[0]->count; i++) {
        Expr *column;
        DjOutcome outcome = dj_compile(compiler, lookup->args[0]->args[i], &column);
        if (outcome != DJ_SQL) return outcome;
        expr_list_push(arena_of(compiler), &(*out)->args, column);
    }
    return DJ_SQL;
}

static DjOutcome compile_subquery_lookup(DjCompiler *compiler, DjExpr *lookup, OperatorId op, Expr **out) {
    Expr *left, *right;
    DjFound relation = lookup->args[0]->kind == DJ_COL_PAIRS ? lookup->args[0]->as.pairs.relation : (DjFound){0};
    if (relation.rel || (relation.field && relation.field->is_relation)) {
        evaluator_raise(compiler->ev, evaluator_exception(compiler->ev, EXCEPTION_VALUE), lookup->as.lookup.span,
                        "'%s' doesn't support multi-column subqueries.", lookup->as.lookup.spec->name);
        return DJ_ERROR;
    }
    DjExpr *given = lookup->args[1];
    if (given->kind != DJ_QUERY && given->kind != DJ_COL_PAIRS && given->kind != DJ_RESOLVED_OUTER_REF) {
        evaluator_raise(compiler->ev, evaluator_exception(compiler->ev, EXCEPTION_VALUE), lookup->as.lookup.span,
                        "Composite field lookups only work with composite expressions.");
        return DJ_ERROR;
    }
    DjOutcome outcome = left_tuple(compiler, lookup, &left);
    if (outcome == DJ_SQL) outcome = dj_compile(compiler, given, &right);
    if (outcome != DJ_SQL) return outcome;
    if (given->kind == DJ_COL_PAIRS) {
        if (!has_tuples(compiler)) {
            Expr *all = expr_new(arena_of(compiler), EXPR_AND, SQL_BOOLEAN);
            for (int i = 0; i < left->args.count && i < right->args.count; i++)
                expr_list_push(arena_of(compiler), &all->args,
                               expr_binary(arena_of(compiler), op, left->args.items[i],
                                           expr_group(arena_of(compiler), right->args.items[i]), SQL_BOOLEAN));
            *out = expr_group(arena_of(compiler), all);
            return DJ_SQL;
        }
        right = expr_group(arena_of(compiler), right);
    }
    *out = expr_binary(arena_of(compiler), op, left, right, SQL_BOOLEAN);
    return DJ_SQL;
}

/* (a, b) op (?, ?) */
static DjOutcome compare_tuples(DjCompiler *compiler, DjExpr *lookup, OperatorId op, Value *row, Expr **out) {
    Value **values = row_values(compiler, lookup, row);
    Expr *left, *right = expr_new(arena_of(compiler), EXPR_TUPLE, SQL_UNKNOWN);
    if (!values) return DJ_ERROR;
    DjOutcome outcome = left_tuple(compiler, lookup, &left);
    for (int i = 0; outcome == DJ_SQL && i < lookup->args[0]->count; i++) {
        Expr *column, *param;
        outcome = column_value(compiler, lookup, i, values[i], &column, &param);
        if (outcome == DJ_SQL) expr_list_push(arena_of(compiler), &right->args, param);
    }
    if (outcome == DJ_SQL) *out = expr_binary(arena_of(compiler), op, left, right, SQL_BOOLEAN);
    return outcome;
}

DjOutcome dj_compile_tuple_exact(DjCompiler *compiler, DjExpr *lookup, Expr **out) {
    if (lookup->args[1]) return compile_subquery_lookup(compiler, lookup, OPERATOR_EQ, out);
    Value *row = spread_unknown(compiler, lookup, lookup->as.lookup.rhs);
    return has_tuples(compiler) ? compare_tuples(compiler, lookup, OPERATOR_EQ, row, out)
                                : row_equals(compiler, lookup, row, out);
}

/* (a, b) > (1, 2) as a > 1 OR (a = 1 AND b > 2); >= ends in (b > 2 OR b = 2). */
DjOutcome dj_compile_tuple_compare(DjCompiler *compiler, DjExpr *lookup, Expr **out) {
    OperatorId op = lookup->as.lookup.spec->op;
    if (lookup->args[1]) return compile_subquery_lookup(compiler, lookup, op, out);
    Arena *arena = arena_of(compiler);
    if (has_tuples(compiler))
        return compare_tuples(compiler, lookup, op, spread_unknown(compiler, lookup, lookup->as.lookup.rhs), out);
    Value **values = row_values(compiler, lookup, spread_unknown(compiler, lookup, lookup->as.lookup.rhs));
    if (!values) return DJ_ERROR;
    OperatorId strict = op == OPERATOR_GE ? OPERATOR_GT : op == OPERATOR_LE ? OPERATOR_LT : op;
    int count = lookup->args[0]->count;
    Expr *result = NULL;
    for (int i = count - 1; i >= 0; i--) {
        Expr *column, *param;
        DjOutcome outcome = column_value(compiler, lookup, i, values[i], &column, &param);
        if (outcome != DJ_SQL) return outcome;
        Expr *here = expr_binary(arena, strict, column, param, SQL_BOOLEAN);
        if (!result && op == strict) {
            result = here;
            continue;
        }
        if (!result) {
            Expr *last = expr_new(arena, EXPR_OR, SQL_BOOLEAN);
            expr_list_push(arena, &last->args, here);
            expr_list_push(arena, &last->args, expr_binary(arena, OPERATOR_EQ, column, param, SQL_BOOLEAN));
            result = expr_group(arena, last);
            continue;
        }
        Expr *both = expr_new(arena, EXPR_AND, SQL_BOOLEAN), *either = expr_new(arena, EXPR_OR, SQL_BOOLEAN);
        expr_list_push(arena, &both->args, expr_binary(arena, OPERATOR_EQ, column, param, SQL_BOOLEAN));
        expr_list_push(arena, &both->args, result);
        expr_list_push(arena, &either->args, here);
        expr_list_push(arena, &either->args, expr_group(arena, both));
        result = expr_group(arena, either);
    }
    *out = result;
    return DJ_SQL;
}

static bool holds_unknown(const Value *row) {
    for (int i = 0; is_row(row) && i < ((const ListValue *)row)->count; i++)
        if (value_is_unknown(((const ListValue *)row)->items[i])) return true;
    return false;
}

static DjOutcome tuple_in_rows(DjCompiler *compiler, DjExpr *lookup, const ListValue *rows, Expr **out) {
    Arena *arena = arena_of(compiler);
    Expr *in = expr_new(arena, EXPR_IN, SQL_BOOLEAN), *any = expr_new(arena, EXPR_OR, SQL_BOOLEAN);
    Expr *left;
    DjOutcome made = left_tuple(compiler, lookup, &left);
    if (made != DJ_SQL) return made;
    expr_list_push(arena, &in->args, left);
    for (int r = 0; r < rows->count; r++) {
        Expr *row;
        DjOutcome outcome = row_equals(compiler, lookup, spread_unknown(compiler, lookup, rows->items[r]), &row);
        if (outcome == DJ_EMPTY) continue;
        if (outcome != DJ_SQL) return outcome;
        Expr *tuple = expr_new(arena, EXPR_TUPLE, SQL_UNKNOWN), *all = row->args.items[0];
        bool bare = all->args.count == 1 && rows->count > 1; /* one column: the whole is in parentheses already */
        expr_list_push(arena, &any->args, bare ? all->args.items[0] : row);
        for (int i = 0; i < all->args.count; i++)
            expr_list_push(arena, &tuple->args, all->args.items[i]->args.items[1]);
        expr_list_push(arena, &in->args, tuple);
    }
    if (!any->args.count) return DJ_EMPTY;
    Expr *only = any->args.count == 1 ? any->args.items[0] : NULL;
    /* one row of one column that is known needs no parentheses */
    if (only && only->kind == EXPR_GROUP && only->args.items[0]->args.count == 1 && !value_is_unknown(rows->items[0]) &&
        !holds_unknown(rows->items[0]))
        only = only->args.items[0]->args.items[0];
    *out = has_tuples(compiler) ? in : only ? only : expr_group(arena, any);
    return DJ_SQL;
}

/* Without tuples: EXISTS over the same rows, each column compared. */
static DjOutcome in_as_exists(DjCompiler *compiler, DjExpr *lookup, Expr **out) {
    Evaluator *ev = compiler->ev;
    DjQuery *inner = lookup->args[1]->as.subquery.query;
    DjExprs columns = {0};
    for (int i = 0; i < inner->select.count; i++) {
        DjExpr *item = inner->select.items[i];
        for (int c = 0; c < (item->kind == DJ_COL_PAIRS ? item->count : 1); c++)
            ARENA_PUSH(arena_of(compiler), columns.items, columns.count, columns.capacity) =
                item->kind == DJ_COL_PAIRS ? item->args[c] : item;
    }
    for (int i = 0; i < lookup->args[0]->count && i < columns.count; i++) {
        DjExpr *tie = dj_build_lookup(inner, NULL, 0, lookup->args[0]->args[i], (Value *)columns.items[i],
                                      lookup->as.lookup.span, lookup->site);
        if (!tie) return DJ_ERROR;
        dj_where_add(ev, inner->where, tie, DJ_AND);
    }
    if (!dj_exists_query(inner, true)) return DJ_ERROR;
    DjExpr *exists = dj_expr_new(ev, DJ_EXISTS, lookup->site, 0);
    exists->as.subquery.query = inner;
    exists->flags |= DJ_RESOLVED;
    return dj_compile(compiler, exists, out);
}

DjOutcome dj_compile_tuple_in(DjCompiler *compiler, DjExpr *lookup, Expr **out) {
    if (lookup->args[1] && lookup->args[1]->kind == DJ_QUERY && !has_tuples(compiler))
        return in_as_exists(compiler, lookup, out);
    if (lookup->args[1]) {
        Expr *in = expr_new(arena_of(compiler), EXPR_IN, SQL_BOOLEAN), *left, *right;
        DjOutcome outcome = left_tuple(compiler, lookup, &left);
        if (outcome == DJ_SQL) outcome = dj_compile(compiler, lookup->args[1], &right);
        if (outcome != DJ_SQL) return outcome;
        expr_list_push(arena_of(compiler), &in->args, left);
        if (right->kind == EXPR_SUBQUERY) in->as.query.query = right->as.query.query;
        else expr_list_push(arena_of(compiler), &in->args, right);
        *out = in;
        return DJ_SQL;
    }
    Value *rhs = lookup->as.lookup.rhs;
    if (value_is(rhs, VALUE_LIST) || value_is(rhs, VALUE_TUPLE))
        return tuple_in_rows(compiler, lookup, (ListValue *)rhs, out);
    ListValue one = {.count = 1, .items = &rhs};
    DjOutcome outcome = tuple_in_rows(compiler, lookup, &one, out);
    return outcome;
}

DjOutcome dj_compile_tuple_isnull(DjCompiler *compiler, DjExpr *lookup, Expr **out) {
    bool wanted = value_is_true(lookup->as.lookup.rhs);
    Arena *arena = arena_of(compiler);
    Expr *joined = expr_new(arena, wanted ? EXPR_OR : EXPR_AND, SQL_BOOLEAN);
    for (int i = 0; i < lookup->args[0]->count; i++) {
        Expr *column;
        if (dj_compile(compiler, lookup->args[0]->args[i], &column) != DJ_SQL) return DJ_ERROR;
        expr_list_push(arena, &joined->args,
                       expr_unary(arena, wanted ? OPERATOR_IS_NULL : OPERATOR_IS_NOT_NULL, column, SQL_BOOLEAN));
    }
    *out = expr_group(arena, joined);
    return DJ_SQL;
}
