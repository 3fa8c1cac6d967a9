/*
 * Resolved expressions to the query tree, for the dialect of the compiler. Parentheses stand where Django puts them.
 * A condition that can't match, or always does, is told by the outcome instead of SQL.
 */
#include "compiler/django/compile.h"

#include "compiler/django/column_type.h"
#include "compiler/django/django.h"
#include "compiler/django/field_prepare.h"
#include "compiler/django/function.h"
#include "compiler/django/function_compile.h"
#include "compiler/django/lookup.h"
#include "compiler/django/registered.h"
#include "compiler/django/lookup_compile.h"
#include "compiler/query/datetime.h"

static SqlType field_sql_type(const DjField *field) { return field ? field->sql_type : SQL_UNKNOWN; }

DjOutcome dj_compile_value(DjCompiler *compiler, Value *value, DjField *field, const Node *site, Expr **out) {
    Param *param = ARENA_NEW(compiler_arena(compiler), Param);
    bool prepared = field && field->kind != FIELD_FIELD ? field_prepare(compiler->ev, field, value, site, param)
                                                        : value_prepare(compiler->ev, value, site, param);
    if (!prepared) return DJ_ERROR;
    if (site) param->span = evaluator_span(compiler->ev, site);
    *out = expr_param(compiler_arena(compiler), param);
    return DJ_SQL;
}

/* Decimals come out of SQLite's arithmetic as floats: Django casts them. */
static Expr *numeric_on_sqlite(DjCompiler *compiler, DjExpr *expr, Expr *sql) {
    if (compiler->dialect->id != DIALECT_SQLITE) return sql;
    DjField *field = dj_output_field(compiler->ev, expr, false);
    evaluator_clear_error(compiler->ev);
    if (!field || field->internal != FIELD_DECIMAL) return sql;
    return expr_function(compiler_arena(compiler), FUNCTION_AS_DECIMAL, SQL_DECIMAL, 1, sql);
}

static Expr *param_with_cast(DjCompiler *compiler, const Expr *param, Slice type) {
    Param copy = *param->as.param;
    copy.cast = slice_format(compiler_arena(compiler), "::%.*s", SLICE_ARGS(type));
    return expr_param(compiler_arena(compiler), &copy);
}

/* Fields that write their own placeholder keep the parameter, even for None. */
static bool none_is_param(const DjCompiler *compiler, const DjExpr *expr, const DjField *field) {
    if (!field) return false;
    if (field->internal == FIELD_JSON) return !expr->as.value.for_save;
    return compiler->dialect->id == DIALECT_POSTGRESQL && field_has_placeholder(field);
}

static DjOutcome compile_plain_value(DjCompiler *compiler, DjExpr *expr, Expr **out) {
    Value *value = expr->as.value.value;
    DjField *field = dj_output_field(compiler->ev, expr, false);
    if (evaluator_error_pending(compiler->ev)) return DJ_ERROR;
    if (value_is_none(value) && !none_is_param(compiler, expr, field)) {
        *out = expr_new(compiler_arena(compiler), EXPR_NULL, field_sql_type(field));
        return DJ_SQL;
    }
    if (value_is_none(value) && field->internal == FIELD_JSON) { /* JSON's own null */
        Param *null = ARENA_NEW(compiler_arena(compiler), Param);
        *null =
            (Param){.type = SQL_JSON, .source = PARAM_KNOWN, .value = {.kind = LITERAL_TEXT, .text = SLICE("null")}};
        *out = expr_param(compiler_arena(compiler), null);
        return DJ_SQL;
    }
    if (field && !expr->as.value.prepared && !field_accepts_key(compiler->ev, field, value, expr->site))
        return DJ_ERROR;
    DjOutcome outcome = dj_compile_value(compiler, value, field, expr->site, out);
    if (outcome != DJ_SQL) return outcome;
    if (field && field_has_placeholder(field) && compiler->dialect->id == DIALECT_POSTGRESQL &&
        (*out)->kind == EXPR_PARAM)
        *out = param_with_cast(compiler, *out, field_column_type(compiler->ev, field));
    *out = numeric_on_sqlite(compiler, expr, *out);
    return DJ_SQL;
}

static DjOutcome compile_column(DjCompiler *compiler, DjExpr *expr, Expr **out) {
    DjField *target = expr->as.col.target;
    if (!target->column) {
        evaluator_raise(compiler->ev, django_state(compiler->ev)->field_error, evaluator_span(compiler->ev, expr->site),
                        "Field '%.*s' has no column", SLICE_ARGS(target->name->text));
        return DJ_ERROR;
    }
    Relation *relation = expr->as.col.join ? &expr->as.col.join->relation : NULL;
    *out = expr_column(compiler_arena(compiler), relation, target->column->text, field_sql_type(expr->output_field));
    if (!relation) (*out)->as.column.bare = true;
    return DJ_SQL;
}

/* Items of a list, separated by commas. */
static DjOutcome compile_list(DjCompiler *compiler, DjExpr *expr, ExprKind kind, Expr **out) {
    *out = expr_new(compiler_arena(compiler), kind, SQL_UNKNOWN);
    for (int i = 0; i < expr->count; i++) {
        Expr *item;
        DjOutcome outcome = dj_compile(compiler, expr->args[i], &item);
        if (outcome != DJ_SQL) return outcome;
        expr_list_push(compiler_arena(compiler), &(*out)->args, item);
    }
    return DJ_SQL;
}

/* ---- conditions ---- */

/* a XOR b … where the database has none: (a OR b …) AND an odd number of them holds. */
static DjOutcome compile_xor(DjCompiler *compiler, DjExpr *expr, Expr **out) {
    Evaluator *ev = compiler->ev;
    DjExpr *any = dj_where(ev, DJ_OR, false), *both = dj_where(ev, DJ_AND, expr->as.node.negated), *sum = NULL;
    any->args = expr->args;
    any->count = expr->count;
    for (int i = 0; i < expr->count; i++) {
        DjExpr *when = dj_expr_new(ev, DJ_WHEN, expr->site, 2);
        when->args[0] = expr->args[i];
        when->args[1] = dj_value(ev, value_integer(ev, 1), NULL, expr->site);
        DjExpr *one = dj_expr_new(ev, DJ_CASE, expr->site, 2);
        one->args[0] = when;
        one->args[1] = dj_value(ev, value_integer(ev, 0), NULL, expr->site);
        one->flags = when->flags = DJ_RESOLVED;
        sum = sum ? dj_combined(ev, SLICE("+"), sum, one, expr->site) : one;
        sum->flags |= DJ_RESOLVED;
    }
    if (expr->count > 2) {
        DjExpr *args[2] = {sum, dj_value(ev, value_integer(ev, 2), NULL, expr->site)};
        sum = dj_function_new(ev, dj_function_find("Mod"), args, 2, expr->site);
        sum->flags |= DJ_RESOLVED;
    }
    DjExpr *one = dj_value(ev, value_integer(ev, 1), NULL, expr->site);
    DjExpr *odd = dj_lookup_new(ev, dj_lookup_find(ev, one, SLICE("exact")), one, (Value *)sum, expr->site);
    if (!odd) return DJ_ERROR;
    /* each part is a node of its own, whatever it holds */
    DjExpr *parts[2] = {any, odd};
    both->args = ARENA_ARRAY(compiler_arena(compiler), DjExpr *, 4);
    both->count = 2;
    memcpy(both->args, parts, sizeof parts);
    return dj_compile(compiler, both, out);
}

static DjOutcome compile_where(DjCompiler *compiler, DjExpr *expr, Expr **out) {
    DjConnector connector = expr->as.node.connector;
    if (connector == DJ_XOR && !compiler->dialect->is_mysql) return compile_xor(compiler, expr, out);
    bool negated = expr->as.node.negated;
    int full_needed = connector == DJ_AND ? expr->count : 1, empty_needed = connector == DJ_AND ? 1 : expr->count;
    Expr *joined = expr_new(compiler_arena(compiler),
                            connector == DJ_AND  ? EXPR_AND
                            : connector == DJ_OR ? EXPR_OR
                                                 : EXPR_XOR,
                            SQL_BOOLEAN);
    for (int i = 0; i < expr->count; i++) {
        Expr *part;
        DjOutcome outcome = dj_compile(compiler, expr->args[i], &part);
        if (outcome == DJ_ERROR) return DJ_ERROR;
        if (outcome == DJ_EMPTY) empty_needed--;
        else if (outcome == DJ_FULL) full_needed--;
        else expr_list_push(compiler_arena(compiler), &joined->args, part);
        if (!empty_needed) return negated ? DJ_FULL : DJ_EMPTY;
        if (!full_needed) return negated ? DJ_EMPTY : DJ_FULL;
    }
    int count = joined->args.count;
    if (!count) return DJ_FULL;
    *out = count == 1 ? joined->args.items[0] : joined;
    if (negated) *out = expr_not(compiler_arena(compiler), expr_group(compiler_arena(compiler), *out));
    else if (count > 1 || expr->as.node.resolved) *out = expr_group(compiler_arena(compiler), *out);
    return DJ_SQL;
}

/* CASE WHEN x = 0 THEN 1 ELSE 0 END */
static Expr *expr_zero_as_one(Arena *arena, Expr *inner) {
    Expr *raw = expr_new(arena, EXPR_RAW, SQL_BOOLEAN);
    raw->as.raw.texts = ARENA_ARRAY(arena, Slice, 2);
    raw->as.raw.texts[0] = SLICE("CASE WHEN ");
    raw->as.raw.texts[1] = SLICE(" = 0 THEN 1 ELSE 0 END");
    expr_list_push(arena, &raw->args, inner);
    return raw;
}

static DjOutcome compile_negated(DjCompiler *compiler, DjExpr *expr, Expr **out) {
    DjOutcome outcome = dj_compile(compiler, expr->args[0], out);
    if (outcome == DJ_EMPTY) return DJ_FULL;
    if (outcome == DJ_FULL) return DJ_EMPTY;
    if (outcome == DJ_SQL)
        *out = dj_condition_stands_alone(compiler, expr->args[0]) ? expr_not(compiler_arena(compiler), *out)
                                                                  : expr_zero_as_one(compiler_arena(compiler), *out);
    return outcome;
}

static DjOutcome compile_lookup(DjCompiler *compiler, DjExpr *expr, Expr **out) {
    DjExpr *lookup = expr, *lhs = dj_resolve_again(compiler->ev, expr->args[0]);
    if (lhs != expr->args[0]) {
        lookup = dj_copy(compiler->ev, expr);
        lookup->args[0] = lhs;
    }
    const DjLookup *spec = lookup->as.lookup.spec;
    return spec->compile ? spec->compile(compiler, lookup, out) : lookup_compile_plain(compiler, lookup, out);
}

static DjOutcome compile_wrapper(DjCompiler *compiler, DjExpr *expr, Expr **out) {
    DjOutcome outcome = dj_compile(compiler, expr->args[0], out);
    if (outcome == DJ_SQL) *out = numeric_on_sqlite(compiler, expr, *out);
    return outcome;
}

/* ---- CASE ---- */

static DjOutcome compile_when(DjCompiler *compiler, DjExpr *when, Expr *out, Expr **always) {
    Expr *condition = NULL, *result;
    DjOutcome outcome = dj_compile(compiler, when->args[0], &condition);
    if (outcome == DJ_ERROR || outcome == DJ_EMPTY) return outcome;
    bool full = outcome == DJ_FULL;
    outcome = dj_compile_or_value(compiler, when->args[1], &result);
    if (outcome != DJ_SQL) return outcome;
    if (full) {
        *always = result;
        return DJ_SQL;
    }
    expr_list_push(compiler_arena(compiler), &out->args, condition);
    expr_list_push(compiler_arena(compiler), &out->args, result);
    return DJ_SQL;
}

/* PostgreSQL can't unify the branches' parameters of some types by itself. */
static Expr *unification_cast(DjCompiler *compiler, DjExpr *expr, Expr *sql) {
    DjField *field = dj_output_field(compiler->ev, expr, false);
    if (compiler->dialect->id != DIALECT_POSTGRESQL || !field) return sql;
    const char *type = field->internal == FIELD_GENERIC_IP_ADDRESS || field->internal == FIELD_IP_ADDRESS ? "inet"
                       : field->internal == FIELD_TIME                                                    ? "time"
                       : field->internal == FIELD_UUID                                                    ? "uuid"
                                                                                                          : NULL;
    if (!type) return sql;
    Expr *cast = expr_new(compiler_arena(compiler), EXPR_RAW, field->sql_type);
    cast->as.raw.texts = ARENA_ARRAY(compiler_arena(compiler), Slice, 2);
    cast->as.raw.texts[0] = SLICE("CAST(");
    cast->as.raw.texts[1] = slice_format(compiler_arena(compiler), " AS %s)", type);
    expr_list_push(compiler_arena(compiler), &cast->args, sql);
    return cast;
}

static DjOutcome compile_case(DjCompiler *compiler, DjExpr *expr, Expr **out) {
    Expr *cased = expr_new(compiler_arena(compiler), EXPR_CASE, SQL_UNKNOWN), *always = NULL;
    DjExpr *fallback = expr->args[expr->count - 1];
    for (int i = 0; i + 1 < expr->count && !always; i++)
        if (compile_when(compiler, expr->args[i], cased, &always) == DJ_ERROR) return DJ_ERROR;
    if (!always) {
        DjOutcome outcome = dj_compile_or_value(compiler, fallback, &always);
        if (outcome != DJ_SQL) return outcome;
    }
    *out = always;
    if (!cased->args.count) return DJ_SQL;
    expr_list_push(compiler_arena(compiler), &cased->args, always);
    cased->as.cased.has_else = true;
    Expr *sql = unification_cast(compiler, expr, cased);
    if (evaluator_error_pending(compiler->ev)) return DJ_ERROR; /* the branches are of different types */
    *out = numeric_on_sqlite(compiler, expr, sql);
    return DJ_SQL;
}

/* ---- arithmetic ---- */

typedef struct CombinedOperator {
    const char *text;
    OperatorId op;
} CombinedOperator;
static const CombinedOperator combined_operators[] = {
    {"+", OPERATOR_ADD},
    {"-", OPERATOR_SUBTRACT},
    {"*", OPERATOR_MULTIPLY},
    {"/", OPERATOR_DIVIDE},
    {"%%", OPERATOR_MODULO},
    {"^", OPERATOR_POWER},
    {"&", OPERATOR_SIGNED_BIT_AND},
    {"|", OPERATOR_SIGNED_BIT_OR},
    {"#", OPERATOR_SIGNED_BIT_XOR},
    {"<<", OPERATOR_SIGNED_SHIFT_LEFT},
    {">>", OPERATOR_SIGNED_SHIFT_RIGHT},
    {"||", OPERATOR_CONCAT},
    {"&&", OPERATOR_OVERLAP},
};

static FieldKind internal_kind(DjCompiler *compiler, DjExpr *expr) {
    DjField *field = dj_output_field(compiler->ev, expr, false);
    evaluator_clear_error(compiler->ev);
    return field ? field->internal : FIELD_OBJECT;
}

/* SQLite multiplies and divides durations by numbers only. */
static bool scales_duration(DjCompiler *compiler, const DjExpr *expr, const FieldKind *kinds) {
    Slice op = expr->as.combined.op;
    if (compiler->dialect->id != DIALECT_SQLITE || (op.start[0] != '*' && op.start[0] != '/')) return true;
    for (int i = 0; i < 2; i++)
        if (kinds[i] != FIELD_DURATION && kinds[i] != FIELD_DECIMAL && kinds[i] != FIELD_FLOAT &&
            kinds[i] != FIELD_INTEGER && kinds[i] != FIELD_OBJECT)
            return evaluator_raise(compiler->ev, django_state(compiler->ev)->database_error,
                                   evaluator_span(compiler->ev, expr->site), "Invalid arguments for operator %.*s.",
                                   SLICE_ARGS(op)) != NULL;
    return true;
}

/* date - date, datetime - datetime, time - time; a duration beside something else. */
static Expr *temporal_arithmetic(DjCompiler *compiler, DjExpr *expr, Expr *left, Expr *right) {
    FieldKind kinds[2] = {internal_kind(compiler, expr->args[0]), internal_kind(compiler, expr->args[1])};
    Arena *arena = compiler_arena(compiler);
    bool minus = slice_equals_text(expr->as.combined.op, "-");
    if (minus && kinds[0] == kinds[1] &&
        (kinds[0] == FIELD_DATE || kinds[0] == FIELD_DATETIME || kinds[0] == FIELD_TIME))
        return expr_temporal_difference(arena, compiler->dialect, field_kind_info(kinds[0])->sql_type, left, right);
    if ((kinds[0] == FIELD_DURATION) == (kinds[1] == FIELD_DURATION)) return NULL;
    if (!scales_duration(compiler, expr, kinds)) return NULL;
    left->type = field_kind_info(kinds[0])->sql_type;
    right->type = field_kind_info(kinds[1])->sql_type;
    DjField *field = dj_output_field(compiler->ev, expr, false);
    evaluator_clear_error(compiler->ev);
    return expr_group(arena, expr_duration_operation(arena, compiler->dialect, expr->as.combined.op.start[0], left,
                                                     right, field_sql_type(field)));
}

static DjOutcome compile_combined(DjCompiler *compiler, DjExpr *expr, Expr **out) {
    Expr *left, *right;
    DjOutcome outcome = dj_compile_or_value(compiler, expr->args[0], &left);
    if (outcome == DJ_SQL) outcome = dj_compile_or_value(compiler, expr->args[1], &right);
    if (outcome != DJ_SQL) return outcome;
    if ((*out = temporal_arithmetic(compiler, expr, left, right))) return DJ_SQL;
    if (evaluator_error_pending(compiler->ev)) return DJ_ERROR;
    const CombinedOperator *row = combined_operators;
    while (!slice_equals_text(expr->as.combined.op, row->text)) row++;
    Expr *binary = expr_binary(compiler_arena(compiler), row->op, left, right,
                               field_sql_type(dj_output_field(compiler->ev, expr, false)));
    evaluator_clear_error(compiler->ev);
    if (expr->site) binary->span = evaluator_span(compiler->ev, expr->site);
    *out = numeric_on_sqlite(compiler, expr, expr_group(compiler_arena(compiler), binary));
    return DJ_SQL;
}

/* ---- subqueries ---- */

/* "(SELECT COUNT(*) FROM (\x01) _count)": parentheses at the mark are the subquery's own. */
static Expr *in_template(DjCompiler *compiler, const DjExpr *expr, Expr *subquery) {
    Arena *arena = compiler_arena(compiler);
    Slice text = expr->as.subquery.template;
    const char *mark = text.length ? memchr(text.start, '\x01', text.length) : NULL;
    if (!mark) return subquery;
    size_t at = (size_t)(mark - text.start), after = at + 1;
    bool enclosed = at && text.start[at - 1] == '(' && after < text.length && text.start[after] == ')';
    Expr *raw = expr_new(arena, EXPR_RAW, subquery->type);
    raw->as.raw.texts = ARENA_ARRAY(arena, Slice, 2);
    raw->as.raw.texts[0] = slice_sub(text, 0, enclosed ? at - 1 : at);
    raw->as.raw.texts[1] = slice_sub(text, enclosed ? after + 1 : after, text.length);
    expr_list_push(arena, &raw->args, subquery);
    return raw;
}

static DjOutcome compile_subquery(DjCompiler *compiler, DjExpr *expr, Expr **out) {
    Query *inner;
    DjOutcome outcome = dj_query_compile(expr->as.subquery.query, compiler, true, false, &inner);
    if (outcome != DJ_SQL) return outcome;
    DjField *field = dj_output_field(compiler->ev, expr, false);
    evaluator_clear_error(compiler->ev);
    *out = expr_subquery(compiler_arena(compiler), inner, field_sql_type(field));
    if (expr->kind == DJ_SUBQUERY) *out = in_template(compiler, expr, *out);
    return DJ_SQL;
}

static DjOutcome compile_exists(DjCompiler *compiler, DjExpr *expr, Expr **out) {
    Query *inner;
    DjOutcome outcome = dj_query_compile(expr->as.subquery.query, compiler, true, false, &inner);
    if (outcome == DJ_EMPTY)
        return dj_compile(compiler, dj_value(compiler->ev, value_bool(compiler->ev, false), NULL, expr->site), out);
    if (outcome != DJ_SQL) return outcome;
    *out = expr_new(compiler_arena(compiler), EXPR_EXISTS, SQL_BOOLEAN);
    (*out)->as.query.query = inner;
    return DJ_SQL;
}

/* ---- text of the program ---- */

/* "lower(x) = %s" with its values: the text between the holes stays as it is. */
DjOutcome dj_compile_raw(DjCompiler *compiler, Slice sql, Value *const *params, int count, const Node *site,
                         Expr **out) {
    Arena *arena = compiler_arena(compiler);
    Expr *raw = expr_new(arena, EXPR_RAW, SQL_UNKNOWN);
    Slice *texts = ARENA_ARRAY(arena, Slice, count + 2);
    Buffer text;
    buffer_init(&text, arena);
    int used = 0;
    for (size_t i = 0; i < sql.length; i++) {
        bool percent = sql.start[i] == '%' && i + 1 < sql.length;
        if (percent && sql.start[i + 1] == 's' && used < count) {
            texts[used] = slice_copy(arena, buffer_view(&text));
            text.length = 0;
            Expr *param;
            DjOutcome outcome = dj_compile_value(compiler, params[used++], NULL, site, &param);
            if (outcome != DJ_SQL) return outcome;
            expr_list_push(arena, &raw->args, param);
            i++;
        } else {
            if (percent && sql.start[i + 1] == '%') i++;
            buffer_put(&text, sql.start[i]);
        }
    }
    texts[used] = buffer_view(&text);
    raw->as.raw.texts = texts;
    *out = raw;
    return DJ_SQL;
}

static DjOutcome compile_raw(DjCompiler *compiler, DjExpr *expr, Expr **out) {
    DjOutcome outcome =
        dj_compile_raw(compiler, expr->as.raw.sql, expr->as.raw.params, expr->as.raw.count, expr->site, out);
    if (outcome == DJ_SQL) *out = expr_group(compiler_arena(compiler), *out);
    return outcome;
}

/* ---- ordering ---- */

static DjOutcome compile_order(DjCompiler *compiler, DjExpr *expr, Expr **out) {
    Arena *arena = compiler_arena(compiler);
    Expr *inner, *order = expr_new(arena, EXPR_ORDER, SQL_UNKNOWN);
    DjOutcome outcome = dj_compile_or_value(compiler, expr->args[0], &inner);
    if (outcome != DJ_SQL) return outcome;
    expr_list_push(arena, &order->args, inner);
    order->as.order.descending = expr->as.order.descending;
    order->as.order.explicit_asc = true;
    order->as.order.nulls = expr->as.order.nulls;
    *out = order;
    NullsOrder nulls = expr->as.order.nulls;
    if (nulls == NULLS_DEFAULT || compiler->dialect->has_nulls_order) return DJ_SQL;
    order->as.order.nulls = NULLS_DEFAULT;
    /* NULLs sort lowest there: one of the two directions needs nothing */
    if ((nulls == NULLS_LAST) == expr->as.order.descending) return DJ_SQL;
    *out = expr_new(arena, EXPR_LIST, SQL_UNKNOWN);
    expr_list_push(
        arena, &(*out)->args,
        expr_unary(arena, nulls == NULLS_LAST ? OPERATOR_IS_NULL : OPERATOR_IS_NOT_NULL, inner, SQL_BOOLEAN));
    expr_list_push(arena, &(*out)->args, order);
    return DJ_SQL;
}

static Expr *alias_expr(DjCompiler *compiler, Slice name) {
    Expr *alias = expr_new(compiler_arena(compiler), EXPR_ALIAS, SQL_UNKNOWN);
    alias->as.alias.name = name;
    alias->as.alias.quoted = true;
    return alias;
}

static DjOutcome raise_outer(DjCompiler *compiler, DjExpr *expr) {
    evaluator_raise_id(compiler->ev, EXCEPTION_VALUE, expr->site,
                       "This queryset contains a reference to an outer query and may only be used in a subquery.");
    return DJ_ERROR;
}

static DjOutcome compile_kind(DjCompiler *compiler, DjExpr *expr, Expr **out) {
    Arena *arena = compiler_arena(compiler);
    switch (expr->kind) {
    case DJ_VALUE: return compile_plain_value(compiler, expr, out);
    case DJ_COL: return compile_column(compiler, expr, out);
    case DJ_COL_PAIRS:
    case DJ_LIST: return compile_list(compiler, expr, EXPR_LIST, out);
    case DJ_TUPLE: return compile_list(compiler, expr, EXPR_TUPLE, out);
    case DJ_REF: *out = alias_expr(compiler, expr->as.ref.name); return DJ_SQL;
    case DJ_POSITION:
        *out = expr_new(arena, EXPR_POSITION, SQL_UNKNOWN);
        (*out)->as.number = expr->as.position.ordinal;
        return DJ_SQL;
    case DJ_STAR: *out = expr_new(arena, EXPR_STAR, SQL_UNKNOWN); return DJ_SQL;
    case DJ_RAW: return compile_raw(compiler, expr, out);
    case DJ_FUNC: return dj_compile_function(compiler, expr, out);
    case DJ_COMBINED: return compile_combined(compiler, expr, out);
    case DJ_NEGATED: return compile_negated(compiler, expr, out);
    case DJ_CASE: return compile_case(compiler, expr, out);
    case DJ_WRAPPER: return compile_wrapper(compiler, expr, out);
    case DJ_SUBQUERY:
    case DJ_QUERY: return compile_subquery(compiler, expr, out);
    case DJ_EXISTS: return compile_exists(compiler, expr, out);
    case DJ_WINDOW: return dj_compile_window(compiler, expr, out);
    case DJ_ORDER_BY: return compile_order(compiler, expr, out);
    case DJ_LOOKUP: return compile_lookup(compiler, expr, out);
    case DJ_WHERE: return compile_where(compiler, expr, out);
    case DJ_NOTHING: return DJ_EMPTY;
    case DJ_EXTRA_WHERE:
        return dj_compile_raw(compiler, expr->as.raw.sql, expr->as.raw.params, expr->as.raw.count, expr->site, out);
    case DJ_DB_DEFAULT:
        if (compiler->dialect->id == DIALECT_SQLITE) return dj_compile(compiler, expr->args[0], out);
        *out = expr_raw(arena, SLICE("DEFAULT"));
        return DJ_SQL;
    case DJ_OUTER_REF:
    case DJ_RESOLVED_OUTER_REF: return raise_outer(compiler, expr);
    case DJ_F:
    case DJ_WHEN:
    case DJ_FRAME:
    case DJ_Q:
    case DJ_CONDITION:
    case DJ_FILTERED_RELATION: break;
    }
    evaluator_raise_id(compiler->ev, EXCEPTION_TYPE, expr->site, "This expression can't stand alone in a query.");
    return DJ_ERROR;
}

DjOutcome dj_compile(DjCompiler *compiler, DjExpr *expr, Expr **out) {
    if (expr->compiled && expr->compiled_by == compiler) {
        *out = expr->compiled;
        return DJ_SQL;
    }
    if (++compiler->depth > DJ_MAX_DEPTH) {
        evaluator_raise_id(compiler->ev, EXCEPTION_LIMIT, expr->site, "the expression is nested too deeply");
        return DJ_ERROR;
    }
    DjOutcome outcome;
    bool written = expr->kind != DJ_LOOKUP && dj_compile_program(compiler, expr, out, &outcome);
    if (!written) outcome = compile_kind(compiler, expr, out);
    compiler->depth--;
    if (outcome == DJ_SQL) {
        expr->compiled = *out;
        expr->compiled_by = compiler;
    }
    return outcome;
}

/* What stands for an expression whose rows can't exist: NULL for a subquery, false for EXISTS. */
static Value *empty_value(Evaluator *ev, const DjExpr *expr) {
    switch ((int)expr->kind) {
    case DJ_SUBQUERY: return value_none(ev);
    case DJ_EXISTS: return value_bool(ev, false);
    case DJ_FUNC: {
        const char *name = expr->as.func.spec->name;
        if (strcmp(name, "Count") == 0) return value_integer(ev, 0);
        if (strcmp(name, "Coalesce") == 0) {
            for (int i = 0; i < expr->count; i++) {
                Value *value = empty_value(ev, expr->args[i]);
                if (!value || !value_is_none(value)) return value;
            }
            return value_none(ev);
        }
        return expr->as.func.spec->flags & DJF_AGGREGATE ? value_none(ev) : NULL;
    }
    case DJ_VALUE: return expr->as.value.value;
    case DJ_REF: return empty_value(ev, expr->args[0]);
    default: return NULL;
    }
}

Value *dj_empty_value(Evaluator *ev, const DjExpr *expr) { return empty_value(ev, expr); }

DjOutcome dj_compile_or_value(DjCompiler *compiler, DjExpr *expr, Expr **out) {
    DjOutcome outcome = dj_compile(compiler, expr, out);
    if (outcome == DJ_FULL)
        return dj_compile(compiler, dj_value(compiler->ev, value_bool(compiler->ev, true), NULL, expr->site), out);
    if (outcome != DJ_EMPTY) return outcome;
    Value *value = empty_value(compiler->ev, expr);
    if (!value) return DJ_EMPTY;
    return dj_compile(compiler, dj_value(compiler->ev, value, NULL, expr->site), out);
}
