/*
 * Lookups and transforms of contrib.postgres: arrays (items, slices, length), hstore (keys), ranges (bounds), and
 * contained_by of plain columns in ranges.
 *
 *     tags__0_2=["a", "b"]        ("tags")[$1:$2] = (ARRAY[$3, $4])::varchar(10)[]
 *     data__key__startswith="x"   ("data" -> $1)::text LIKE $2
 *     span__contains=8            "span" @> ($1)::integer
 */
#include "compiler/django/column_type.h"
#include "compiler/django/compile.h"
#include "compiler/django/django.h"
#include "compiler/django/field_prepare.h"
#include "compiler/django/function_compile.h"
#include "compiler/django/function_table.h"
#include "compiler/django/lookup_compile.h"
#include "compiler/django/query_state.h"
#include "compiler/django/range.h"
#include "compiler/django/type_lookups.h"

/* ---- pieces of text around expressions ---- */

/* before + a + between + b + after; b may be NULL. */
static Expr *raw_around(DjCompiler *compiler, const char *before, Expr *a, const char *between, Expr *b,
                        const char *after) {
    Arena *arena = compiler_arena(compiler);
    Expr *raw = expr_new(arena, EXPR_RAW, SQL_UNKNOWN);
    raw->as.raw.texts = ARENA_ARRAY(arena, Slice, 3);
    raw->as.raw.texts[0] = slice_from(before);
    raw->as.raw.texts[1] = slice_from(b ? between : after);
    raw->as.raw.texts[2] = slice_from(after);
    expr_list_push(arena, &raw->args, a);
    if (b) expr_list_push(arena, &raw->args, b);
    return raw;
}

static Expr *with_type(DjCompiler *compiler, Expr *inner, Slice type) {
    return raw_around(
        compiler, "", inner, "", NULL,
        slice_terminated(compiler_arena(compiler), slice_format(compiler_arena(compiler), "::%.*s", SLICE_ARGS(type))));
}

static DjOutcome binary(DjCompiler *compiler, DjExpr *lookup, Expr *left, Expr *right, Expr **out) {
    *out = expr_binary(compiler_arena(compiler), lookup->as.lookup.spec->op, left, right, SQL_BOOLEAN);
    (*out)->span = lookup->as.lookup.span;
    return DJ_SQL;
}

static bool is_list(const Value *value) { return value_is(value, VALUE_LIST) || value_is(value, VALUE_TUPLE); }

static DjOutcome texts_param(DjCompiler *compiler, DjExpr *lookup, Expr **out) {
    Value *rhs = lookup->as.lookup.rhs;
    ListValue *texts = value_list(compiler->ev);
    for (int i = 0; is_list(rhs) && i < ((const ListValue *)rhs)->count; i++) {
        Value *text = value_str(compiler->ev, ((const ListValue *)rhs)->items[i], lookup->site);
        if (!text) return DJ_ERROR;
        list_append(compiler->ev, texts, text);
    }
    return dj_compile_value(compiler, is_list(rhs) ? (Value *)texts : rhs, NULL, lookup->site, out);
}

/* ---- transforms ---- */

static DjOutcome compile_len(DjCompiler *compiler, DjExpr *expr, Expr **out) {
    Expr *inner;
    DjOutcome outcome = dj_compile_or_value(compiler, expr->args[0], &inner);
    if (outcome == DJ_SQL)
        *out = raw_around(compiler, "CASE WHEN ", inner, " IS NULL THEN NULL ELSE coalesce(array_length(", inner,
                          ", 1), 0) END");
    return outcome;
}

static Expr *number(DjCompiler *compiler, int64_t value) {
    Expr *out = NULL;
    dj_compile_value(compiler, value_integer(compiler->ev, value), NULL, NULL, &out);
    return out;
}

static int64_t option_number(const DjExpr *expr, int which) {
    const Value *value = expr->as.func.option[which];
    return value && value_is(value, VALUE_INTEGER) ? ((const IntegerValue *)value)->number : -1;
}

static DjOutcome compile_index(DjCompiler *compiler, DjExpr *expr, Expr **out) {
    Expr *inner;
    DjOutcome outcome = dj_compile_or_value(compiler, expr->args[0], &inner);
    if (outcome != DJ_SQL) return outcome;
    const DjExpr *source = expr->args[0];
    bool indexed = source->kind == DJ_FUNC && strcmp(source->as.func.spec->name, "IndexTransform") == 0;
    *out = raw_around(compiler, indexed ? "" : "(", inner, indexed ? "[" : ")[",
                      number(compiler, option_number(expr, 0)), "]");
    return DJ_SQL;
}

static DjOutcome compile_slice(DjCompiler *compiler, DjExpr *expr, Expr **out) {
    Expr *inner;
    DjOutcome outcome = dj_compile_or_value(compiler, expr->args[0], &inner);
    if (outcome != DJ_SQL) return outcome;
    int64_t end = option_number(expr, 1);
    Expr *start = raw_around(compiler, "(", inner, ")[", number(compiler, option_number(expr, 0)), ":");
    *out = end < 0 ? raw_around(compiler, "", start, "", NULL, "]")
                   : raw_around(compiler, "", start, "", number(compiler, end), "]");
    return DJ_SQL;
}

static DjOutcome compile_hstore_key(DjCompiler *compiler, DjExpr *expr, Expr **out) {
    Expr *inner, *key;
    DjOutcome outcome = dj_compile_or_value(compiler, expr->args[0], &inner);
    if (outcome == DJ_SQL)
        outcome = dj_compile_value(compiler, value_string(compiler->ev, expr->as.func.unit), NULL, expr->site, &key);
    if (outcome == DJ_SQL) *out = expr_function(compiler_arena(compiler), FUNCTION_JSON_KEY, SQL_TEXT, 2, inner, key);
    return outcome;
}

/* The type of an array's items or a range's bounds. */
static DjField *item_field(Evaluator *ev, const DjField *field) {
    static const FieldKind bounds[][2] = {{FIELD_INTEGER_RANGE, FIELD_INTEGER},
                                          {FIELD_BIG_INTEGER_RANGE, FIELD_BIG_INTEGER},
                                          {FIELD_DECIMAL_RANGE, FIELD_DECIMAL},
                                          {FIELD_DATETIME_RANGE, FIELD_DATETIME},
                                          {FIELD_DATE_RANGE, FIELD_DATE}};
    if (field->base_field) return field->base_field;
    for (size_t i = 0; i < sizeof bounds / sizeof *bounds; i++)
        if (field_kind_is(field->kind, bounds[i][0])) return dj_plain_field(ev, bounds[i][1]);
    return NULL;
}

static DjField *base_of(Evaluator *ev, DjExpr *expr, bool required) {
    DjField *field = dj_output_field(ev, expr->args[0], required);
    return field ? item_field(ev, field) : NULL;
}

static DjField *array_of_texts(Evaluator *ev, DjExpr *expr, bool required) {
    (void)expr;
    (void)required;
    DjField *array = field_new(ev, FIELD_ARRAY);
    array->base_field = dj_plain_field(ev, FIELD_TEXT);
    array->sql_type = SQL_ARRAY;
    return array;
}

static DjOutcome compile_call(DjCompiler *compiler, DjExpr *expr, Expr **out) {
    Expr *inner;
    DjOutcome outcome = dj_compile_or_value(compiler, expr->args[0], &inner);
    DjField *field = dj_output_field(compiler->ev, expr, false);
    if (outcome == DJ_SQL)
        *out = expr_call(compiler_arena(compiler), slice_from(expr->as.func.spec->sql),
                         field ? field->sql_type : SQL_UNKNOWN, 1, inner);
    return outcome;
}

/* SliceTransform(start, end, expression), IndexTransform(index, base_field, expression) */
static bool construct_slice(Evaluator *ev, DjExpr *expr, const Arguments *arguments) {
    if (arguments->count != 3)
        return evaluator_raise_id(ev, EXCEPTION_TYPE, arguments->site, "%s takes three arguments",
                                  expr->as.func.spec->name) != NULL;
    expr->as.func.option[0] = arguments->items[0];
    bool slice = strcmp(expr->as.func.spec->name, "SliceTransform") == 0;
    if (slice) expr->as.func.option[1] = arguments->items[1];
    else if ((expr->output_field = value_as_field(arguments->items[1]))) expr->output_decided = true;
    return dj_function_sources(ev, expr, arguments->items + 2, 1, arguments->nodes ? arguments->nodes + 2 : NULL);
}

#define TRANSFORM(title, lookup, text, kind, custom, write)                                                            \
    {                                                                                                                  \
        .name = title, .transform = lookup, .sql = text, .min_args = 1, .max_args = 1, .output = kind,                 \
        .decide = custom, .compile = write                                                                             \
    }
static const DjFunction len_transform = TRANSFORM("ArrayLenTransform", "len", "", DJO_INTEGER, NULL, compile_len);
static const DjFunction index_transform = {.name = "IndexTransform",
                                           .transform = "NULL",
                                           .min_args = 3,
                                           .max_args = 3,
                                           .output = DJO_CUSTOM,
                                           .decide = base_of,
                                           .construct = construct_slice,
                                           .compile = compile_index};
static const DjFunction slice_transform = {.name = "SliceTransform",
                                           .transform = "NULL",
                                           .min_args = 3,
                                           .max_args = 3,
                                           .output = DJO_FIRST,
                                           .construct = construct_slice,
                                           .compile = compile_slice};
static const DjFunction hstore_key = TRANSFORM("HStoreKeyTransform", "NULL", "", DJO_TEXT, NULL, compile_hstore_key);
static const DjFunction hstore_parts[] = {
    TRANSFORM("KeysTransform", "keys", "akeys", DJO_CUSTOM, array_of_texts, compile_call),
    TRANSFORM("ValuesTransform", "values", "avals", DJO_CUSTOM, array_of_texts, compile_call),
};
static const DjFunction range_parts[] = {
    TRANSFORM("RangeStartsWith", "startswith", "lower", DJO_CUSTOM, base_of, compile_call),
    TRANSFORM("RangeEndsWith", "endswith", "upper", DJO_CUSTOM, base_of, compile_call),
    TRANSFORM("IsEmpty", "isempty", "isempty", DJO_BOOLEAN, NULL, compile_call),
    TRANSFORM("LowerInclusive", "lower_inc", "LOWER_INC", DJO_BOOLEAN, NULL, compile_call),
    TRANSFORM("LowerInfinite", "lower_inf", "LOWER_INF", DJO_BOOLEAN, NULL, compile_call),
    TRANSFORM("UpperInclusive", "upper_inc", "UPPER_INC", DJO_BOOLEAN, NULL, compile_call),
    TRANSFORM("UpperInfinite", "upper_inf", "UPPER_INF", DJO_BOOLEAN, NULL, compile_call),
};
#undef TRANSFORM

void dj_postgres_transforms_define(Evaluator *ev, ModuleValue *module) {
    dj_function_class(ev, module, &index_transform, dj_state(ev)->transform_class);
    dj_function_class(ev, module, &slice_transform, dj_state(ev)->transform_class);
}

static DjExpr *transform_of(Evaluator *ev, const DjFunction *spec, DjExpr *lhs, const Node *site) {
    DjExpr *made = dj_function_new(ev, spec, &lhs, 1, site);
    made->flags |= lhs->flags & DJ_RESOLVED;
    return made;
}

static bool digits(Slice text, int64_t *number) {
    if (!text.length || text.length > 18) return false;
    *number = 0;
    for (size_t i = 0; i < text.length; i++) {
        if (text.start[i] < '0' || text.start[i] > '9') return false;
        *number = *number * 10 + (text.start[i] - '0');
    }
    return true;
}

/* array[start:end], counted from 1; end < 0: to its end. */
static DjExpr *dj_array_slice(Evaluator *ev, DjExpr *lhs, int64_t start, int64_t end, const Node *site) {
    DjExpr *made = transform_of(ev, &slice_transform, lhs, site);
    made->as.func.option[0] = value_integer(ev, start);
    if (end >= 0) made->as.func.option[1] = value_integer(ev, end);
    return made;
}

static DjExpr *resolve_slice(DjQuery *query, DjExpr *expr, const DjResolve *how) {
    DjExpr *source = expr->args[0];
    /* the type of what an outer reference names is looked for, with its joins, in the query that it stands in */
    if (source->kind == DJ_RESOLVED_OUTER_REF && !(source = dj_resolve_ref(query, source->as.f.name, how, expr->site)))
        return NULL;
    DjField *field = dj_output_field(query->ev, source, false);
    evaluator_clear_error(query->ev);
    if (!field || field_kind_is(field->kind, FIELD_CHAR) || field_kind_is(field->kind, FIELD_TEXT)) return expr;
    if (!field_kind_is(field->kind, FIELD_ARRAY))
        return evaluator_raise(query->ev, django_state(query->ev)->not_supported_error,
                               evaluator_span(query->ev, expr->site), "This field does not support slicing.");
    int64_t start = ((const IntegerValue *)expr->args[1]->as.value.value)->number;
    int64_t length = expr->count > 2 ? ((const IntegerValue *)expr->args[2]->as.value.value)->number : 0;
    DjExpr *slice =
        dj_array_slice(query->ev, expr->args[0], start, expr->count > 2 ? start + length - 1 : -1, expr->site);
    slice->flags |= DJ_RESOLVED;
    return slice;
}

const DjFunction dj_sliced_function = {.name = "Substr",
                                       .transform = "NULL",
                                       .id = FUNCTION_SUBSTR,
                                       .min_args = 2,
                                       .max_args = 3,
                                       .output = DJO_CHAR,
                                       .resolved = resolve_slice};

/* field__0 counts from 0 and PostgreSQL from 1; field__0_2 is the slice [0:2]. */
static DjExpr *array_transform(Evaluator *ev, DjExpr *lhs, Slice name, const Node *site) {
    if (slice_equals_text(name, "len")) return transform_of(ev, &len_transform, lhs, site);
    int64_t start, end;
    size_t cut = slice_find(name, '_');
    if (cut == name.length) {
        if (!digits(name, &start)) return NULL;
        DjExpr *made = transform_of(ev, &index_transform, lhs, site);
        made->as.func.option[0] = value_integer(ev, start + 1);
        return made;
    }
    if (!digits(slice_sub(name, 0, cut), &start) || !digits(slice_sub(name, cut + 1, name.length), &end)) return NULL;
    return dj_array_slice(ev, lhs, start + 1, end, site);
}

DjExpr *dj_postgres_transform(Evaluator *ev, DjExpr *lhs, DjField *field, Slice name, const Node *site) {
    if (field_kind_is(field->kind, FIELD_ARRAY)) return array_transform(ev, lhs, name, site);
    if (field_kind_is(field->kind, FIELD_HSTORE)) {
        for (size_t i = 0; i < sizeof hstore_parts / sizeof *hstore_parts; i++)
            if (slice_equals_text(name, hstore_parts[i].transform))
                return transform_of(ev, &hstore_parts[i], lhs, site);
        DjExpr *made = transform_of(ev, &hstore_key, lhs, site);
        made->as.func.unit = name;
        return made;
    }
    bool text = field_kind_is(field->kind, FIELD_CHAR) || field_kind_is(field->kind, FIELD_TEXT);
    if (text && dj_state(ev)->postgres && slice_equals_text(name, "unaccent"))
        return transform_of(ev, dj_function_find("Unaccent"), lhs, site);
    for (size_t i = 0; field_kind_is(field->kind, FIELD_RANGE) && i < sizeof range_parts / sizeof *range_parts; i++)
        if (slice_equals_text(name, range_parts[i].transform)) return transform_of(ev, &range_parts[i], lhs, site);
    return NULL;
}

/* ---- arrays ---- */

/* psycopg can't type an array of nothing but None: such a list is one parameter. */
static bool holds_a_value(const Value *value) {
    if (!is_list(value)) return !value_is_none(value);
    const ListValue *list = (const ListValue *)value;
    for (int i = 0; i < list->count; i++)
        if (holds_a_value(list->items[i])) return true;
    return false;
}

static DjOutcome compile_array_literal(DjCompiler *compiler, DjExpr *expr, Expr **out) {
    *out = expr_new(compiler_arena(compiler), EXPR_ARRAY, SQL_ARRAY);
    for (int i = 0; i < expr->count; i++) {
        Expr *item;
        DjOutcome outcome = dj_compile(compiler, expr->args[i], &item);
        if (outcome != DJ_SQL) return outcome;
        expr_list_push(compiler_arena(compiler), &(*out)->args, item);
    }
    return DJ_SQL;
}

static const DjFunction array_literal = {
    .name = "Func", .transform = "NULL", .max_args = -1, .output = DJO_ARRAY, .compile = compile_array_literal};

/* A list becomes ARRAY[…], an expression as Django sees it: a grouped query has it in GROUP BY, too. */
static bool prepare_array(Evaluator *ev, DjExpr *lookup) {
    Value *rhs = lookup->as.lookup.rhs;
    DjField *field = lookup->args[1] ? NULL : dj_output_field(ev, lookup->args[0], true);
    if (lookup->args[1] || !is_list(rhs) || !holds_a_value(rhs)) return !evaluator_error_pending(ev);
    if (!field) return false;
    const ListValue *list = (const ListValue *)rhs;
    DjExpr *array = dj_expr_new(ev, DJ_FUNC, lookup->site, list->count);
    array->as.func.spec = &array_literal;
    array->output_field = field;
    array->output_decided = true;
    array->flags |= DJ_RESOLVED;
    for (int i = 0; i < list->count; i++) {
        Value *item = list->items[i];
        array->args[i] = value_is_expr(item) ? value_expr(item) : dj_value(ev, item, field->base_field, lookup->site);
        array->flags |= array->args[i]->flags & DJ_INHERITED_FLAGS;
    }
    lookup->args[1] = array;
    return true;
}

/* The right side that is no list of plain values: a query, a list that holds expressions, any other expression. */
static DjOutcome compile_array_expression(DjCompiler *compiler, DjExpr *lookup, DjField *field, Expr **out) {
    Arena *arena = compiler_arena(compiler);
    DjExpr *right = lookup->args[1];
    if (right->kind == DJ_LIST) {
        Expr *array = expr_new(arena, EXPR_ARRAY, SQL_ARRAY);
        for (int i = 0; i < right->count; i++) {
            Expr *item;
            bool plain = right->args[i]->kind == DJ_VALUE;
            DjOutcome outcome = plain ? dj_compile_value(compiler, right->args[i]->as.value.value, field->base_field,
                                                         lookup->site, &item)
                                      : dj_compile(compiler, right->args[i], &item);
            if (outcome != DJ_SQL) return outcome;
            expr_list_push(arena, &array->args, item);
        }
        *out = expr_group(arena, array);
        return DJ_SQL;
    }
    DjOutcome outcome = dj_lookup_right(compiler, right, out);
    if (outcome == DJ_SQL && (*out)->kind == EXPR_SUBQUERY)
        *out = expr_group(arena, raw_around(compiler, "ARRAY", *out, "", NULL, ""));
    return outcome;
}

static DjOutcome compile_array_lookup(DjCompiler *compiler, DjExpr *lookup, Expr **out) {
    Expr *left, *right;
    DjField *field = dj_output_field(compiler->ev, lookup->args[0], true);
    DjOutcome outcome = field ? dj_lookup_left(compiler, lookup, &left) : DJ_ERROR;
    if (outcome != DJ_SQL) return outcome;
    outcome = lookup->args[1] ? compile_array_expression(compiler, lookup, field, &right)
                              : dj_compile_value(compiler, lookup->as.lookup.rhs, field, lookup->site, &right);
    if (outcome != DJ_SQL) return outcome;
    Slice type = field_cast_type(compiler->ev, field);
    return binary(compiler, lookup, left, type.length ? with_type(compiler, right, type) : right, out);
}

/* ---- hstore ---- */

static DjOutcome compile_keys(DjCompiler *compiler, DjExpr *lookup, Expr **out) {
    Expr *left, *right;
    DjOutcome outcome = dj_lookup_left(compiler, lookup, &left);
    if (outcome != DJ_SQL) return outcome;
    if (lookup->args[1]) {
        outcome = dj_lookup_right(compiler, lookup->args[1], &right);
    } else if (lookup->as.lookup.spec->op == OPERATOR_HAS_KEY) {
        Value *text = value_str(compiler->ev, lookup->as.lookup.rhs, lookup->site);
        outcome = text ? dj_compile_value(compiler, text, NULL, lookup->site, &right) : DJ_ERROR;
    } else {
        outcome = texts_param(compiler, lookup, &right);
    }
    return outcome == DJ_SQL ? binary(compiler, lookup, left, right, out) : outcome;
}

static DjOutcome compile_plain(DjCompiler *compiler, DjExpr *lookup, Expr **out) {
    Expr *left, *right;
    DjOutcome outcome = dj_lookup_left(compiler, lookup, &left);
    if (outcome != DJ_SQL) return outcome;
    outcome = lookup->args[1] ? dj_lookup_right(compiler, lookup->args[1], &right)
                              : dj_compile_value(compiler, lookup->as.lookup.rhs,
                                                 dj_lookup_field(compiler->ev, lookup->args[0]), lookup->site, &right);
    return outcome == DJ_SQL ? binary(compiler, lookup, left, right, out) : outcome;
}

/* ---- ranges ---- */

/* An expression that is no range like the left side: Django casts it to the type of the bounds, of dates only. */
static DjOutcome compile_range_expression(DjCompiler *compiler, DjExpr *lookup, const DjField *field, DjField *item,
                                          Expr **out) {
    DjField *right_field = dj_output_field(compiler->ev, lookup->args[1], false);
    evaluator_clear_error(compiler->ev);
    bool dates = field_kind_is(field->kind, FIELD_DATE_RANGE) || field_kind_is(field->kind, FIELD_DATETIME_RANGE);
    if (!dates || !right_field || field_kind_is(right_field->kind, field->kind))
        return compile_plain(compiler, lookup, out);
    Expr *left, *right;
    DjOutcome outcome = dj_lookup_left(compiler, lookup, &left);
    if (outcome == DJ_SQL) outcome = dj_lookup_right(compiler, lookup->args[1], &right);
    if (outcome != DJ_SQL) return outcome;
    return binary(compiler, lookup, left, with_type(compiler, right, field_cast_type(compiler->ev, item)), out);
}

/* A range contains a range, or one value of the type of its bounds. */
static DjOutcome compile_range_contains(DjCompiler *compiler, DjExpr *lookup, Expr **out) {
    Value *rhs = lookup->as.lookup.rhs;
    DjField *field = dj_output_field(compiler->ev, lookup->args[0], true);
    if (!field) return DJ_ERROR;
    DjField *item = item_field(compiler->ev, field);
    if (lookup->args[1]) return compile_range_expression(compiler, lookup, field, item, out);
    bool element = item && !is_list(rhs) && rhs->type != &django_range_type && !value_is_unknown(rhs);
    if (!element) return compile_plain(compiler, lookup, out);
    Expr *left, *right;
    DjOutcome outcome = dj_lookup_left(compiler, lookup, &left);
    if (outcome == DJ_SQL) outcome = dj_compile_value(compiler, rhs, NULL, lookup->site, &right);
    if (outcome != DJ_SQL) return outcome;
    bool dates = field_kind_is(item->kind, FIELD_DATE);
    if (!dates) right = expr_group(compiler_arena(compiler), right);
    return binary(compiler, lookup, left, with_type(compiler, right, field_cast_type(compiler->ev, item)), out);
}

static const struct {
    FieldKind kind;
    const char *range, *column;
} range_types[] = {
    {FIELD_SMALL_INTEGER, "int4range", "integer"},
    {FIELD_SMALL_AUTO, "int4range", "integer"},
    {FIELD_POSITIVE_SMALL_INTEGER, "int4range", "integer"},
    {FIELD_BIG_INTEGER, "int8range", NULL},
    {FIELD_INTEGER, "int4range", NULL},
    {FIELD_FLOAT, "numrange", "numeric"},
    {FIELD_DECIMAL, "numrange", NULL},
    {FIELD_DATETIME, "tstzrange", NULL},
    {FIELD_DATE, "daterange", NULL},
};

static int range_type_of(const DjField *field) {
    for (size_t i = 0; i < sizeof range_types / sizeof *range_types; i++)
        if (field_kind_is(field->kind, range_types[i].kind)) return (int)i;
    return -1;
}

/* column__contained_by=range: both sides get types that have the operator. */
static DjOutcome compile_contained_by(DjCompiler *compiler, DjExpr *lookup, Expr **out) {
    Expr *left, *right;
    DjField *field = dj_output_field(compiler->ev, lookup->args[0], true);
    int row = field ? range_type_of(field) : -1;
    if (row < 0) return DJ_ERROR;
    DjOutcome outcome = dj_lookup_left(compiler, lookup, &left);
    if (outcome != DJ_SQL) return outcome;
    DjField *range = dj_plain_field(compiler->ev, FIELD_RANGE);
    outcome = lookup->args[1] ? dj_lookup_right(compiler, lookup->args[1], &right)
                              : dj_compile_value(compiler, lookup->as.lookup.rhs, range, lookup->site, &right);
    if (outcome != DJ_SQL) return outcome;
    if (range_types[row].column) left = with_type(compiler, left, slice_from(range_types[row].column));
    return binary(compiler, lookup, left, with_type(compiler, right, slice_from(range_types[row].range)), out);
}

/* ---- full text search ---- */

static bool is_vector(const DjExpr *expr) {
    return expr->kind == DJ_FUNC && strcmp(expr->as.func.spec->name, "SearchVector") == 0;
}

/* The configuration of a SearchVector, or of the leftmost of combined ones. */
static DjExpr *config_of(const DjExpr *vector) {
    while (vector->kind == DJ_COMBINED) vector = vector->args[0];
    if (!is_vector(vector) || !vector->as.func.option[0]) return NULL;
    return vector->args[vector->count - (vector->as.func.option[1] ? 2 : 1)];
}

/* The same of a SearchQuery: its text stands last. */
static DjExpr *config_of_query(const DjExpr *query) {
    while (query->kind == DJ_COMBINED) query = query->args[0];
    bool search = query->kind == DJ_FUNC && strcmp(query->as.func.spec->name, "SearchQuery") == 0;
    return search && query->count > 1 ? query->args[0] : NULL;
}

static DjExpr *query_of(Evaluator *ev, DjExpr *lookup) {
    DjExpr *args[2] = {config_of(lookup->args[0]), NULL};
    int count = args[0] ? 1 : 0;
    args[count++] = dj_value(ev, lookup->as.lookup.rhs, NULL, lookup->site);
    DjExpr *query = dj_function_new(ev, dj_function_find("SearchQuery"), args, count, lookup->site);
    query->as.func.unit = SLICE("plainto_tsquery");
    query->flags |= DJ_RESOLVED;
    return query;
}

/* vector @@ query; a column of plain text becomes a vector first. */
static DjOutcome compile_search(DjCompiler *compiler, DjExpr *lookup, Expr **out) {
    Evaluator *ev = compiler->ev;
    DjExpr *lhs = lookup->args[0], *query = lookup->args[1] ? lookup->args[1] : query_of(ev, lookup);
    DjField *field = dj_output_field(ev, lhs, true);
    if (!field) return DJ_ERROR;
    if (!field_kind_is(field->kind, FIELD_SEARCH_VECTOR)) {
        DjExpr *config = config_of_query(query), *args[2] = {lhs, config};
        lhs = dj_function_new(ev, dj_function_find("SearchVector"), args, config ? 2 : 1, lookup->site);
        lhs->as.func.option[0] = (Value *)config;
        lhs->flags |= DJ_RESOLVED;
    }
    Expr *left, *right;
    DjOutcome outcome = dj_compile(compiler, lhs, &left);
    if (outcome == DJ_SQL) outcome = dj_lookup_right(compiler, query, &right);
    return outcome == DJ_SQL ? binary(compiler, lookup, left, right, out) : outcome;
}

bool dj_transform_hides_lookup(Evaluator *ev, DjExpr *lhs, Slice name) {
    if (!slice_equals_text(name, "startswith") && !slice_equals_text(name, "endswith")) return false;
    DjField *field = dj_output_field(ev, lhs, false);
    evaluator_clear_error(ev);
    return field && field_kind_is(field->kind, FIELD_RANGE);
}

/* Django writes the class's operator, None where a subclass says no other. */
static DjOutcome compile_operator(DjCompiler *compiler, DjExpr *lookup, Expr **out) {
    DjOutcome outcome = compile_plain(compiler, lookup, out);
    if (outcome == DJ_SQL) (*out)->as.op.text = SLICE("None");
    return outcome;
}

const DjLookup *dj_postgres_operator(void) {
    static const DjLookup lookup = {"postgres operator", OPERATOR_CUSTOM,  OPERATOR_CUSTOM,
                                    DJL_POSTGRESQL,      compile_operator, NULL};
    return &lookup;
}

/* ---- the tables ---- */

static const DjLookup *find(const DjLookup *rows, size_t count, Slice name) {
    for (size_t i = 0; i < count; i++)
        if (slice_equals_text(name, rows[i].name)) return &rows[i];
    return NULL;
}

#define ROW(name, op, compile)                                                                                         \
    { name, OPERATOR_##op, OPERATOR_##op, DJL_POSTGRESQL, compile, NULL }
const DjLookup *dj_postgres_lookup(Evaluator *ev, DjExpr *lhs, DjField *field, Slice name) {
    static const DjLookup of_arrays[] = {
        {"exact", OPERATOR_EQ, OPERATOR_EQ, DJL_POSTGRESQL, compile_array_lookup, prepare_array},
        {"contains", OPERATOR_CONTAINS_VALUE, OPERATOR_CONTAINS_VALUE, DJL_POSTGRESQL, compile_array_lookup,
         prepare_array},
        {"contained_by", OPERATOR_CONTAINED_BY, OPERATOR_CONTAINED_BY, DJL_POSTGRESQL, compile_array_lookup,
         prepare_array},
        {"overlap", OPERATOR_OVERLAP, OPERATOR_OVERLAP, DJL_POSTGRESQL, compile_array_lookup, prepare_array},
    };
    static const DjLookup of_hstores[] = {
        ROW("contains", CONTAINS_VALUE, compile_plain),  ROW("contained_by", CONTAINED_BY, compile_plain),
        ROW("has_key", HAS_KEY, compile_keys),           ROW("has_keys", HAS_KEYS, compile_keys),
        ROW("has_any_keys", HAS_ANY_KEYS, compile_keys),
    };
    static const DjLookup of_ranges[] = {
        ROW("contains", CONTAINS_VALUE, compile_range_contains),
        ROW("contained_by", CONTAINED_BY, compile_plain),
        ROW("overlap", OVERLAP, compile_plain),
        ROW("fully_lt", RANGE_FULLY_LT, compile_plain),
        ROW("fully_gt", RANGE_FULLY_GT, compile_plain),
        ROW("not_lt", RANGE_NOT_LT, compile_plain),
        ROW("not_gt", RANGE_NOT_GT, compile_plain),
        ROW("adjacent_to", RANGE_ADJACENT, compile_plain),
    };
    static const DjLookup of_texts[] = {
        ROW("search", SEARCH, compile_search),
        ROW("trigram_similar", TRIGRAM_SIMILAR, compile_plain),
        ROW("trigram_word_similar", TRIGRAM_WORD_SIMILAR, compile_plain),
        ROW("trigram_strict_word_similar", TRIGRAM_STRICT_WORD_SIMILAR, compile_plain),
    };
    static const DjLookup of_vectors[] = {ROW("exact", SEARCH, compile_search), ROW("search", SEARCH, compile_search)};
    static const DjLookup contained_by = ROW("contained_by", CONTAINED_BY, compile_contained_by);
    (void)lhs;
    if (field_kind_is(field->kind, FIELD_ARRAY)) return find(of_arrays, sizeof of_arrays / sizeof *of_arrays, name);
    if (field_kind_is(field->kind, FIELD_HSTORE)) return find(of_hstores, sizeof of_hstores / sizeof *of_hstores, name);
    if (field_kind_is(field->kind, FIELD_RANGE)) return find(of_ranges, sizeof of_ranges / sizeof *of_ranges, name);
    if (field_kind_is(field->kind, FIELD_SEARCH_VECTOR))
        return find(of_vectors, sizeof of_vectors / sizeof *of_vectors, name);
    bool text = field_kind_is(field->kind, FIELD_CHAR) || field_kind_is(field->kind, FIELD_TEXT);
    if (text && dj_state(ev)->postgres) return find(of_texts, sizeof of_texts / sizeof *of_texts, name);
    return slice_equals_text(name, "contained_by") && range_type_of(field) >= 0 ? &contained_by : NULL;
}
#undef ROW
