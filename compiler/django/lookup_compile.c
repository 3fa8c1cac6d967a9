/*
 * Lookups as they are written: left side, operator, value as bind parameter.
 *
 *     name__icontains="a%"   →  UPPER("name"::text) LIKE UPPER($1), parameter %a\%%
 *     id__in=[3, None, 3]    →  "id" IN ($1)
 *     age__gt=9999999999     →  nothing can match on a 32-bit column: DJ_EMPTY
 */
#include "compiler/django/lookup_compile.h"

#include <assert.h>

#include "compiler/django/django.h"
#include "compiler/django/field_prepare.h"
#include "compiler/django/query.h"
#include "compiler/django/tuple_lookups.h"
#include "compiler/query/templates.h"

static Arena *arena_of(DjCompiler *compiler) { return evaluator_arena(compiler->ev); }

DjOutcome dj_lookup_left(DjCompiler *compiler, DjExpr *lookup, Expr **out) {
    DjOutcome outcome = dj_compile(compiler, lookup->args[0], out);
    if (outcome == DJ_SQL && compiler->dialect->id == DIALECT_MARIADB) {
        /* JSON is text there: compared without the quotes of a string */
        DjField *field = dj_output_field(compiler->ev, lookup->args[0], false);
        evaluator_clear_error(compiler->ev);
        if (field && field->internal == FIELD_JSON)
            *out = expr_function(arena_of(compiler), FUNCTION_JSON_UNQUOTE, SQL_JSON, 1, *out);
    }
    if (outcome == DJ_SQL && lookup->args[0]->kind == DJ_LOOKUP) *out = expr_group(arena_of(compiler), *out);
    return outcome;
}

static bool starts_with_parenthesis(const Dialect *dialect, const Expr *expr);

static bool function_starts_with_parenthesis(const Dialect *dialect, const Expr *expr) {
    const char *text = template_of_function(dialect, expr->as.function.id);
    if (text[0] == TEMPLATE_SHARED) text++;
    if (strncmp(text, "{0}", 3) == 0) return expr->args.count && starts_with_parenthesis(dialect, expr->args.items[0]);
    return text[0] == '(';
}

/* Does its text start with an opening parenthesis? */
static bool starts_with_parenthesis(const Dialect *dialect, const Expr *expr) {
    switch ((int)expr->kind) {
    case EXPR_GROUP:
    case EXPR_SUBQUERY:
    case EXPR_TUPLE: return true;
    case EXPR_BINARY:
    case EXPR_AND:
    case EXPR_OR:
    case EXPR_IN:
    case EXPR_BETWEEN:
    case EXPR_ORDER:
    case EXPR_COLLATE: return expr->args.count && starts_with_parenthesis(dialect, expr->args.items[0]);
    case EXPR_RAW:
        if (expr->as.raw.texts[0].length) return expr->as.raw.texts[0].start[0] == '(';
        return expr->args.count && starts_with_parenthesis(dialect, expr->args.items[0]);
    case EXPR_FUNCTION: return function_starts_with_parenthesis(dialect, expr);
    case EXPR_CAST: return dialect->id == DIALECT_POSTGRESQL || (dialect->is_mysql && expr->type == SQL_FLOAT);
    default: return false;
    }
}

DjOutcome dj_lookup_right(DjCompiler *compiler, DjExpr *right, Expr **out) {
    DjOutcome outcome = dj_compile(compiler, right, out);
    if (outcome == DJ_SQL && right->kind == DJ_COL_PAIRS) {
        evaluator_raise_id(compiler->ev, EXCEPTION_VALUE, right->site,
                           "CompositePrimaryKey cannot be used as a lookup value.");
        return DJ_ERROR;
    }
    if (outcome == DJ_SQL && right->kind != DJ_VALUE && !starts_with_parenthesis(compiler->dialect, *out))
        *out = expr_group(arena_of(compiler), *out);
    return outcome;
}

/* The right side: an expression, or the value prepared by the field (raw: as the driver takes its Python type). */
static DjOutcome compile_right(DjCompiler *compiler, DjExpr *lookup, bool prepared, Expr **out) {
    if (lookup->args[1]) return dj_lookup_right(compiler, lookup->args[1], out);
    DjField *field = prepared ? dj_lookup_field(compiler->ev, lookup->args[0]) : NULL;
    return dj_compile_value(compiler, lookup->as.lookup.rhs, field, lookup->site, out);
}

DjOutcome dj_lookup_value(DjCompiler *compiler, DjExpr *lookup, Expr **out) {
    Value *rhs = lookup->args[1] ? NULL : lookup->as.lookup.rhs;
    bool prepared = (lookup->as.lookup.spec->flags & DJL_PREPARE) != 0;
    if (!rhs || (!value_is(rhs, VALUE_LIST) && !value_is(rhs, VALUE_TUPLE)) ||
        !(lookup->as.lookup.spec->flags & DJL_LIST))
        return compile_right(compiler, lookup, prepared, out);
    *out = expr_new(arena_of(compiler), EXPR_TUPLE, SQL_UNKNOWN);
    DjField *field = prepared ? dj_lookup_field(compiler->ev, lookup->args[0]) : NULL;
    const ListValue *list = (const ListValue *)rhs;
    for (int i = 0; i < list->count; i++) {
        Expr *item;
        DjOutcome outcome = value_is_expr(list->items[i])
                                ? dj_compile(compiler, value_expr(list->items[i]), &item)
                                : dj_compile_value(compiler, list->items[i], field, lookup->site, &item);
        if (outcome != DJ_SQL) return outcome;
        expr_list_push(arena_of(compiler), &(*out)->args, item);
    }
    return list->count ? DJ_SQL : DJ_EMPTY;
}

DjOutcome lookup_compile_with(DjCompiler *compiler, DjExpr *lookup, OperatorId op, Expr *left, Expr *right,
                              Expr **out) {
    *out = expr_binary(arena_of(compiler), op, left, right, SQL_BOOLEAN);
    (*out)->span = lookup->as.lookup.span;
    DjField *field = dj_output_field(compiler->ev, lookup->args[0], false);
    evaluator_clear_error(compiler->ev);
    if (field && (field->internal == FIELD_IP_ADDRESS || field->internal == FIELD_GENERIC_IP_ADDRESS))
        (*out)->as.op.text = SLICE("inet");
    return DJ_SQL;
}

static DjOutcome compile_sides(DjCompiler *compiler, DjExpr *lookup, bool prepared, OperatorId op, Expr **out) {
    Expr *left, *right;
    DjOutcome outcome = dj_lookup_left(compiler, lookup, &left);
    if (outcome != DJ_SQL) return outcome;
    outcome = compile_right(compiler, lookup, prepared, &right);
    return outcome == DJ_SQL ? lookup_compile_with(compiler, lookup, op, left, right, out) : outcome;
}

/* ---- numbers outside of a column's range ---- */

typedef struct IntegerRange {
    FieldKind kind;
    int64_t low, high, mysql_high;
} IntegerRange;
static const IntegerRange integer_ranges[] = {
    {FIELD_POSITIVE_SMALL_INTEGER, 0, 32767, 65535},
    {FIELD_POSITIVE_BIG_INTEGER, 0, INT64_MAX, INT64_MAX},
    {FIELD_POSITIVE_INTEGER, 0, 2147483647, 4294967295},
    {FIELD_SMALL_INTEGER, -32768, 32767, 32767},
    {FIELD_SMALL_AUTO, -32768, 32767, 32767},
    {FIELD_BIG_INTEGER, INT64_MIN, INT64_MAX, INT64_MAX},
    {FIELD_BIG_AUTO, INT64_MIN, INT64_MAX, INT64_MAX},
    {FIELD_INTEGER, -2147483648, 2147483647, 2147483647},
    {FIELD_AUTO, -2147483648, 2147483647, 2147483647},
};

static const IntegerRange *range_of(const DjField *field) {
    for (size_t i = 0; i < sizeof integer_ranges / sizeof *integer_ranges; i++)
        if (field->internal == integer_ranges[i].kind) return &integer_ranges[i];
    return NULL;
}

/* Numbers beyond 64 bits fit in MySQL's unsigned bigint only. */
static int big_outside(const DjCompiler *compiler, const IntegerRange *range, Slice digits) {
    if (digits.start[0] == '-') return -1;
    static const char limit[] = "18446744073709551615";
    size_t length = sizeof limit - 1;
    bool unsigned_column = compiler->dialect->is_mysql && range->kind == FIELD_POSITIVE_BIG_INTEGER;
    bool fits = digits.length < length || (digits.length == length && memcmp(digits.start, limit, length) <= 0);
    return unsigned_column && fits ? 0 : 1;
}

/* -1: below what the column can hold, 1: above, 0: fits, or not known. */
static int value_outside(DjCompiler *compiler, DjExpr *lookup) {
    Value *rhs = lookup->args[1] ? NULL : lookup->as.lookup.rhs;
    if (!rhs || !value_is(rhs, VALUE_INTEGER)) return 0;
    /* a relation compares with what it points to, and has lookups of its own */
    if (lookup->args[0]->kind == DJ_COL && dj_is_relation(lookup->args[0])) return 0;
    DjField *field = dj_lookup_field(compiler->ev, lookup->args[0]);
    if (field && field->kind == FIELD_GENERATED && field->output_field) field = field->output_field;
    const IntegerRange *range = field && field_kind_is(field->kind, FIELD_INTEGER) ? range_of(field) : NULL;
    if (!range) return 0;
    const IntegerValue *integer = (const IntegerValue *)rhs;
    if (integer->big.length) return big_outside(compiler, range, integer->big);
    bool sqlite = compiler->dialect->id == DIALECT_SQLITE;
    int64_t low = sqlite && range->low ? INT64_MIN : range->low;
    int64_t high = sqlite ? INT64_MAX : compiler->dialect->is_mysql ? range->mysql_high : range->high;
    return integer->number < low ? -1 : integer->number > high ? 1 : 0;
}

/* ---- one function a kind of lookup ---- */

bool dj_condition_stands_alone(DjCompiler *compiler, const DjExpr *expr) {
    if (!compiler->dialect->is_mysql) return true;
    /* MySQL uses indexes of boolean columns only where they are compared with a value */
    while (expr->kind == DJ_WRAPPER || expr->kind == DJ_NEGATED) expr = expr->args[0];
    return expr->kind == DJ_EXISTS || expr->kind == DJ_LOOKUP;
}

/* Whether the value is True or False to the field ("1" is True to a BooleanField), and which. */
static bool boolean_right(DjCompiler *compiler, DjExpr *lookup, bool *truth) {
    Value *rhs = lookup->args[1] ? NULL : lookup->as.lookup.rhs;
    if (!rhs) return false;
    if (value_is(rhs, VALUE_BOOL)) {
        *truth = value_is_true(rhs);
        return true;
    }
    DjField *field = dj_lookup_field(compiler->ev, lookup->args[0]);
    Param param;
    if (!field || field->kind != FIELD_BOOLEAN || value_is_unknown(rhs) ||
        !field_prepare(compiler->ev, field, rhs, lookup->site, &param) || param.source != PARAM_KNOWN ||
        (param.value.kind != LITERAL_BOOL && param.value.kind != LITERAL_INTEGER))
        return false;
    *truth = param.value.integer != 0;
    return true;
}

DjOutcome lookup_compile_exact(DjCompiler *compiler, DjExpr *lookup, Expr **out) {
    if (lookup->args[0]->kind == DJ_COL_PAIRS) return dj_compile_tuple_exact(compiler, lookup, out);
    bool truth;
    if (dj_is_conditional(compiler->ev, lookup->args[0]) && dj_condition_stands_alone(compiler, lookup->args[0]) &&
        boolean_right(compiler, lookup, &truth)) {
        DjOutcome outcome = dj_lookup_left(compiler, lookup, out);
        if (truth) return outcome;
        if (outcome == DJ_SQL) *out = expr_not(arena_of(compiler), *out);
        return outcome;
    }
    if (value_outside(compiler, lookup)) return DJ_EMPTY;
    return compile_sides(compiler, lookup, true, OPERATOR_EQ, out);
}

/* gte and lt of a fraction on an integer column compare with the next integer. */
static void round_up(DjCompiler *compiler, DjExpr *lookup) {
    Value *rhs = lookup->args[1] ? NULL : lookup->as.lookup.rhs;
    OperatorId op = lookup->as.lookup.spec->op;
    if (!rhs || !value_is(rhs, VALUE_FLOAT) || (op != OPERATOR_GE && op != OPERATOR_LT)) return;
    DjField *field = dj_lookup_field(compiler->ev, lookup->args[0]);
    if (!field || !field_kind_is(field->kind, FIELD_INTEGER)) return;
    double number = ((FloatValue *)rhs)->number;
    if (!(number > -9e18 && number < 9e18)) return;
    int64_t whole = (int64_t)number;
    lookup->as.lookup.rhs = value_integer(compiler->ev, whole + ((double)whole < number));
}

DjOutcome lookup_compile_compare(DjCompiler *compiler, DjExpr *lookup, Expr **out) {
    if (lookup->args[0]->kind == DJ_COL_PAIRS) return dj_compile_tuple_compare(compiler, lookup, out);
    int outside = value_outside(compiler, lookup);
    OperatorId op = lookup->as.lookup.spec->op;
    if (outside) return (outside > 0) == (op == OPERATOR_LT || op == OPERATOR_LE) ? DJ_FULL : DJ_EMPTY;
    round_up(compiler, lookup);
    return compile_sides(compiler, lookup, true, op, out);
}

DjOutcome lookup_compile_iexact(DjCompiler *compiler, DjExpr *lookup, Expr **out) {
    if (!lookup->args[1] && value_is(lookup->as.lookup.rhs, VALUE_STRING)) {
        DjExpr *escaped = dj_copy(compiler->ev, lookup);
        if (compiler->dialect->id != DIALECT_POSTGRESQL)
            escaped->as.lookup.rhs = dj_like_pattern(compiler->ev, lookup->as.lookup.rhs, "", "", lookup->site);
        return compile_sides(compiler, escaped, false, OPERATOR_IEXACT, out);
    }
    return compile_sides(compiler, lookup, false, OPERATOR_IEXACT, out);
}

/* str(value) with its wildcards escaped, between the lookup's own. */
Value *dj_like_pattern(Evaluator *ev, Value *value, const char *before, const char *after, const Node *site) {
    Value *text = value_is(value, VALUE_STRING) ? value : value_str(ev, value, site);
    if (!text || !value_is(text, VALUE_STRING)) return text;
    Buffer out;
    buffer_init(&out, evaluator_arena(ev));
    buffer_text(&out, before);
    Slice raw = value_text(text);
    for (size_t i = 0; i < raw.length; i++) {
        if (strchr("\\%_", raw.start[i]) && raw.start[i]) buffer_put(&out, '\\');
        buffer_put(&out, raw.start[i]);
    }
    buffer_text(&out, after);
    return value_string(ev, buffer_view(&out));
}

DjOutcome lookup_compile_pattern(DjCompiler *compiler, DjExpr *lookup, Expr **out) {
    const DjLookup *spec = lookup->as.lookup.spec;
    if (lookup->args[1]) {
        Expr *left, *right;
        DjOutcome outcome = dj_lookup_left(compiler, lookup, &left);
        if (outcome != DJ_SQL) return outcome;
        outcome = dj_lookup_right(compiler, lookup->args[1], &right);
        return outcome == DJ_SQL ? lookup_compile_with(compiler, lookup, spec->expr_op, left, right, out) : outcome;
    }
    DjExpr *escaped = lookup;
    if (!value_is_unknown(lookup->as.lookup.rhs)) {
        bool starts = strstr(spec->name, "startswith") != NULL, ends = strstr(spec->name, "endswith") != NULL;
        escaped = dj_copy(compiler->ev, lookup);
        escaped->as.lookup.rhs =
            dj_like_pattern(compiler->ev, lookup->as.lookup.rhs, starts ? "" : "%", ends ? "" : "%", lookup->site);
        if (!escaped->as.lookup.rhs) return DJ_ERROR;
    }
    return compile_sides(compiler, escaped, false, spec->op, out);
}

DjOutcome lookup_compile_plain(DjCompiler *compiler, DjExpr *lookup, Expr **out) {
    const DjLookup *spec = lookup->as.lookup.spec;
    return compile_sides(compiler, lookup, spec->flags & DJL_PREPARE, spec->op, out);
}

DjOutcome lookup_compile_isnull(DjCompiler *compiler, DjExpr *lookup, Expr **out) {
    if (lookup->args[0]->kind == DJ_COL_PAIRS) return dj_compile_tuple_isnull(compiler, lookup, out);
    if (!lookup_prepare_isnull(compiler->ev, lookup)) return DJ_ERROR; /* made by hand: IsNull(F("x"), F("y")) */
    bool wanted = value_is_true(lookup->as.lookup.rhs);
    DjExpr *lhs = lookup->args[0];
    if (lhs->kind == DJ_VALUE && value_is_none(lhs->as.value.value)) return wanted ? DJ_FULL : DJ_EMPTY;
    if (lhs->kind == DJ_VALUE && !value_is_unknown(lhs->as.value.value)) return wanted ? DJ_EMPTY : DJ_FULL;
    Expr *left;
    DjOutcome outcome = dj_lookup_left(compiler, lookup, &left);
    if (outcome != DJ_SQL) return outcome;
    *out = expr_unary(arena_of(compiler), wanted ? OPERATOR_IS_NULL : OPERATOR_IS_NOT_NULL, left, SQL_BOOLEAN);
    return DJ_SQL;
}

/* The values of a list so far, by what they are. */
typedef struct SeenValues {
    SliceMap of_kind[LITERAL_MAP + 1];
} SeenValues;

/* The bytes that tell a known value from others of its kind. False: it is unlike all others. */
static bool literal_key(const Literal *value, Slice *key) {
    static const double zero = 0;
    switch (value->kind) {
    case LITERAL_NULL: *key = (Slice){"", 0}; return true;
    case LITERAL_BOOL:
    case LITERAL_INTEGER: *key = (Slice){(const char *)&value->integer, sizeof value->integer}; return true;
    case LITERAL_FLOAT: /* -0.0 == 0.0, and NaN is not equal to itself */
        *key = (Slice){(const char *)(value->number == 0 ? &zero : &value->number), sizeof value->number};
        return value->number == value->number;
    case LITERAL_TEXT:
    case LITERAL_BYTES: *key = value->text; return true;
    case LITERAL_ARRAY:
    case LITERAL_MAP: return false;
    }
    return false;
}

/* Whether the list holds the value already; else it is noted. */
static bool seen_before(SeenValues *seen, Arena *arena, const Expr *item) {
    Slice key;
    const Param *param = item->kind == EXPR_PARAM ? item->as.param : NULL;
    if (!param || param->source != PARAM_KNOWN || !literal_key(&param->value, &key)) return false;
    SliceMap *map = &seen->of_kind[param->value.kind];
    if (slice_map_get(map, key)) return true;
    slice_map_add(map, arena, key, (void *)(uintptr_t)item);
    return false;
}

static DjOutcome compile_list_item(DjCompiler *compiler, DjExpr *lookup, Value *item, Expr **out) {
    if (value_is_expr(item)) return dj_compile(compiler, value_expr(item), out);
    return dj_compile_value(compiler, item, dj_lookup_field(compiler->ev, lookup->args[0]), lookup->site, out);
}

/* The list of IN: each value once, None left out. */
static DjOutcome compile_list(DjCompiler *compiler, DjExpr *lookup, const ListValue *list, Expr *in) {
    Arena *arena = arena_of(compiler);
    SeenValues seen = {0};
    for (int i = 0; i < list->count; i++) {
        if (value_is_none(list->items[i])) continue;
        Expr *item;
        DjOutcome outcome = compile_list_item(compiler, lookup, list->items[i], &item);
        if (outcome != DJ_SQL) return outcome;
        if (!seen_before(&seen, arena, item)) expr_list_push(arena, &in->args, item);
    }
    return in->args.count > 1 ? DJ_SQL : DJ_EMPTY;
}

DjOutcome lookup_compile_in(DjCompiler *compiler, DjExpr *lookup, Expr **out) {
    if (lookup->args[0]->kind == DJ_COL_PAIRS) return dj_compile_tuple_in(compiler, lookup, out);
    Arena *arena = arena_of(compiler);
    Expr *in = expr_new(arena, EXPR_IN, SQL_BOOLEAN), *left;
    DjExpr *right = lookup->args[1];
    DjOutcome outcome = dj_lookup_left(compiler, lookup, &left);
    if (outcome != DJ_SQL) return outcome;
    expr_list_push(arena, &in->args, left);
    in->span = lookup->as.lookup.span;
    *out = in;
    if (right) {
        Expr *inner;
        outcome = dj_compile(compiler, right, &inner);
        if (outcome != DJ_SQL) return outcome;
        for (int i = 0; right->kind == DJ_LIST && i < inner->args.count; i++)
            expr_list_push(arena, &in->args, inner->args.items[i]);
        if (right->kind == DJ_LIST) return DJ_SQL;
        if (inner->kind == EXPR_SUBQUERY) in->as.query.query = inner->as.query.query;
        else expr_list_push(arena, &in->args, inner->kind == EXPR_GROUP ? inner->args.items[0] : inner);
        return DJ_SQL;
    }
    Value *rhs = lookup->as.lookup.rhs;
    if (!value_is(rhs, VALUE_LIST) && !value_is(rhs, VALUE_TUPLE)) {
        Expr *param;
        outcome = dj_compile_value(compiler, rhs, dj_lookup_field(compiler->ev, lookup->args[0]), lookup->site, &param);
        if (outcome != DJ_SQL) return outcome;
        if (param->kind == EXPR_PARAM) param->as.param->expand = true;
        expr_list_push(arena, &in->args, param);
        return DJ_SQL;
    }
    return compile_list(compiler, lookup, (const ListValue *)rhs, in);
}

DjOutcome lookup_compile_range(DjCompiler *compiler, DjExpr *lookup, Expr **out) {
    Arena *arena = arena_of(compiler);
    Value *rhs = lookup->args[1] ? NULL : lookup->as.lookup.rhs;
    Expr *between = expr_new(arena, EXPR_BETWEEN, SQL_BOOLEAN), *left;
    DjOutcome outcome = dj_lookup_left(compiler, lookup, &left);
    if (outcome != DJ_SQL) return outcome;
    expr_list_push(arena, &between->args, left);
    const ListValue *list = rhs && (value_is(rhs, VALUE_LIST) || value_is(rhs, VALUE_TUPLE)) ? (ListValue *)rhs : NULL;
    assert(rhs || lookup->args[1]);
    if (list && list->count != 2) {
        evaluator_raise_id(compiler->ev, EXCEPTION_INDEX, lookup->site, "range takes two values");
        return DJ_ERROR;
    }
    DjExpr *bounds = lookup->args[1];
    for (int i = 0; bounds && i < 2; i++) {
        Expr *bound;
        if (bounds->kind != DJ_LIST || bounds->count != 2)
            return dj_compile(compiler, bounds, out) == DJ_SQL ? DJ_EMPTY : DJ_ERROR;
        outcome = dj_compile(compiler, bounds->args[i], &bound);
        if (outcome != DJ_SQL) return outcome;
        expr_list_push(arena, &between->args, bound);
    }
    for (int i = 0; !bounds && i < 2; i++) {
        Value *item = list ? list->items[i]
                           : value_unknown(compiler->ev,
                                           slice_format(arena, "%.*s[%d]", SLICE_ARGS(((UnknownValue *)rhs)->text), i),
                                           lookup->site, NULL);
        Expr *bound;
        outcome = compile_list_item(compiler, lookup, item, &bound);
        if (outcome != DJ_SQL) return outcome;
        expr_list_push(arena, &between->args, bound);
    }
    *out = between;
    return DJ_SQL;
}
