/*
 * The type of an expression: Django's output_field. Given by the program, fixed by the kind, or inferred: the one type
 * that all sources share; arithmetic by a table of combinations.
 *
 *     F("price") * F("quantity")   DecimalField * IntegerField → DecimalField
 *     F("day") - F("other_day")    DateField - DateField → DurationField
 */
#include "compiler/django/expression.h"

#include "compiler/django/django.h"
#include "compiler/django/function.h"
#include "compiler/django/function_compile.h"
#include "compiler/django/query.h"
#include "compiler/django/query_state.h"
#include "compiler/django/queryset.h"

typedef struct Combination {
    const char *operators; /* each character one: + - * / % ^ and & | # < > for bits */
    FieldKind left, right, result;
} Combination;

/* In this order; the first that fits decides. FIELD_OBJECT stands for None. */
static const Combination combinations[] = {
    {"+*/%^", FIELD_POSITIVE_INTEGER, FIELD_POSITIVE_INTEGER, FIELD_POSITIVE_INTEGER},
    {"+-*/%^", FIELD_INTEGER, FIELD_INTEGER, FIELD_INTEGER},
    {"+-*/%^", FIELD_FLOAT, FIELD_FLOAT, FIELD_FLOAT},
    {"+-*/%^", FIELD_DECIMAL, FIELD_DECIMAL, FIELD_DECIMAL},
    {"+-*/%", FIELD_INTEGER, FIELD_DECIMAL, FIELD_DECIMAL},
    {"+-*/%", FIELD_DECIMAL, FIELD_INTEGER, FIELD_DECIMAL},
    {"+-*/%", FIELD_INTEGER, FIELD_FLOAT, FIELD_FLOAT},
    {"+-*/%", FIELD_FLOAT, FIELD_INTEGER, FIELD_FLOAT},
    {"&|<>#", FIELD_INTEGER, FIELD_INTEGER, FIELD_INTEGER},
    {"+-*/%^", FIELD_INTEGER, FIELD_OBJECT, FIELD_INTEGER},
    {"+-*/%^", FIELD_OBJECT, FIELD_INTEGER, FIELD_INTEGER},
    {"+-*/%^", FIELD_DECIMAL, FIELD_OBJECT, FIELD_DECIMAL},
    {"+-*/%^", FIELD_OBJECT, FIELD_DECIMAL, FIELD_DECIMAL},
    {"+-*/%^", FIELD_FLOAT, FIELD_OBJECT, FIELD_FLOAT},
    {"+-*/%^", FIELD_OBJECT, FIELD_FLOAT, FIELD_FLOAT},
    {"+-", FIELD_DATE, FIELD_DURATION, FIELD_DATETIME},
    {"+-", FIELD_DATETIME, FIELD_DURATION, FIELD_DATETIME},
    {"+", FIELD_DURATION, FIELD_DATE, FIELD_DATETIME},
    {"+", FIELD_DURATION, FIELD_DATETIME, FIELD_DATETIME},
    {"-", FIELD_DATE, FIELD_DATE, FIELD_DURATION},
    {"+-", FIELD_DURATION, FIELD_DURATION, FIELD_DURATION},
    {"+-", FIELD_TIME, FIELD_DURATION, FIELD_TIME},
    {"+", FIELD_DURATION, FIELD_TIME, FIELD_TIME},
    {"-", FIELD_TIME, FIELD_TIME, FIELD_DURATION},
};

/* "%%" is modulo, "<<" and ">>" shifts, as Django names its connectors. */
static char operator_letter(Slice op) { return op.start[0]; }

static bool kind_fits(const DjField *field, FieldKind wanted) {
    if (wanted == FIELD_OBJECT) return field == NULL;
    return field && field_kind_is(field->kind, wanted);
}

static const char *field_class_name(const DjField *field) {
    return field ? field->head.head.cls->name->text.start : "NoneType";
}

static DjField *combined_field(Evaluator *ev, DjExpr *expr) {
    DjField *left = dj_output_field(ev, expr->args[0], false), *right = dj_output_field(ev, expr->args[1], false);
    if (evaluator_error_pending(ev)) return NULL;
    for (size_t i = 0; i < sizeof combinations / sizeof *combinations; i++) {
        const Combination *row = &combinations[i];
        if (strchr(row->operators, operator_letter(expr->as.combined.op)) && kind_fits(left, row->left) &&
            kind_fits(right, row->right))
            return dj_plain_field(ev, row->result);
    }
    return evaluator_raise(ev, django_state(ev)->field_error, evaluator_span(ev, expr->site),
                           "Cannot infer type of '%.*s' expression involving these types: %s, %s. You must set "
                           "output_field.",
                           SLICE_ARGS(expr->as.combined.op), field_class_name(left), field_class_name(right));
}

/* The first source's type; all others must be of it or of a base of it. */
static DjField *shared_field(Evaluator *ev, DjExpr *expr, DjExpr *const *sources, int count) {
    DjField *first = NULL;
    for (int i = 0; i < count; i++) {
        if (!sources[i]) continue;
        DjField *field = dj_output_field(ev, sources[i], false);
        if (evaluator_error_pending(ev)) return NULL;
        if (!field) continue;
        if (!first) first = field;
        else if (!class_is_subclass(first->head.head.cls, field->head.head.cls))
            return evaluator_raise(ev, django_state(ev)->field_error, evaluator_span(ev, expr->site),
                                   "Expression contains mixed types: %s, %s. You must set output_field.",
                                   field_class_name(first), field_class_name(field));
    }
    return first;
}

static FieldKind value_field_kind(const Value *value) {
    switch ((int)value->type->kind) {
    case VALUE_STRING: return FIELD_CHAR;
    case VALUE_BOOL: return FIELD_BOOLEAN;
    case VALUE_INTEGER: return FIELD_INTEGER;
    case VALUE_FLOAT: return FIELD_FLOAT;
    case VALUE_DATETIME: return FIELD_DATETIME;
    case VALUE_DATE: return FIELD_DATE;
    case VALUE_TIME: return FIELD_TIME;
    case VALUE_TIMEDELTA: return FIELD_DURATION;
    case VALUE_DECIMAL: return FIELD_DECIMAL;
    case VALUE_BYTES: return FIELD_BINARY;
    case VALUE_UUID: return FIELD_UUID;
    default: return FIELD_OBJECT;
    }
}

/* An unknown of known class has that class's field: `def f(age: int): … F("x") + age`. */
static FieldKind unknown_field_kind(Evaluator *ev, const Value *value) {
    static const ValueKind kinds[] = {VALUE_BOOL,     VALUE_INTEGER, VALUE_STRING, VALUE_FLOAT,     VALUE_DECIMAL,
                                      VALUE_DATETIME, VALUE_DATE,    VALUE_TIME,   VALUE_TIMEDELTA, VALUE_UUID};
    static const FieldKind fields[] = {FIELD_BOOLEAN,  FIELD_INTEGER, FIELD_CHAR, FIELD_FLOAT,    FIELD_DECIMAL,
                                       FIELD_DATETIME, FIELD_DATE,    FIELD_TIME, FIELD_DURATION, FIELD_UUID};
    const Value *known = ((const UnknownValue *)value)->known_class;
    for (size_t i = 0; known && i < sizeof kinds / sizeof *kinds; i++)
        if (known == (const Value *)evaluator_builtin_class(ev, kinds[i])) return fields[i];
    return FIELD_OBJECT;
}

static DjField *value_field(Evaluator *ev, const Value *value) {
    FieldKind kind = value_is_unknown(value) ? unknown_field_kind(ev, value) : value_field_kind(value);
    return kind == FIELD_OBJECT ? NULL : dj_plain_field(ev, kind);
}

static DjField *query_field(Evaluator *ev, DjQuery *query) {
    if (query->select.count == 1) {
        DjExpr *select = query->select.items[0];
        if (select->kind == DJ_COL) return select->as.col.target;
        return dj_output_field(ev, select, false);
    }
    DjExpr *only = NULL;
    for (int i = 0; i < query->annotation_count; i++) {
        if (!dj_annotation_is_selected(query, &query->annotations[i])) continue;
        if (only) return NULL;
        only = query->annotations[i].expr;
    }
    return only ? dj_output_field(ev, only, false) : NULL;
}

static DjField *subquery_field(Evaluator *ev, const DjExpr *expr) {
    DjQuery *query = expr->as.subquery.query;
    if (!query && expr->as.subquery.queryset) query = dj_queryset_query(ev, expr->as.subquery.queryset);
    return query ? query_field(ev, query) : NULL;
}

static DjField *case_field(Evaluator *ev, DjExpr *expr) {
    DjExpr **sources = ARENA_ARRAY(evaluator_arena(ev), DjExpr *, expr->count + 1);
    for (int i = 0; i < expr->count; i++)
        sources[i] = expr->args[i] && expr->args[i]->kind == DJ_WHEN ? expr->args[i]->args[1] : expr->args[i];
    return shared_field(ev, expr, sources, expr->count);
}

static const FieldKind output_kinds[] = {
    [DJO_BOOLEAN] = FIELD_BOOLEAN,   [DJO_INTEGER] = FIELD_INTEGER,   [DJO_BIGINT] = FIELD_BIG_INTEGER,
    [DJO_FLOAT] = FIELD_FLOAT,       [DJO_DECIMAL] = FIELD_DECIMAL,   [DJO_CHAR] = FIELD_CHAR,
    [DJO_TEXT] = FIELD_TEXT,         [DJO_DATE] = FIELD_DATE,         [DJO_TIME] = FIELD_TIME,
    [DJO_DATETIME] = FIELD_DATETIME, [DJO_DURATION] = FIELD_DURATION, [DJO_JSON] = FIELD_JSON,
    [DJO_UUID] = FIELD_UUID,         [DJO_ARRAY] = FIELD_ARRAY,
};

/* Sqrt, Log …: Decimal if a source is; Float for integers; else what the sources share. */
static DjField *numeric_field(Evaluator *ev, DjExpr *expr) {
    bool integer = false;
    for (int i = 0; i < expr->count; i++) {
        DjField *field = dj_output_field(ev, expr->args[i], false);
        if (field && field_kind_is(field->kind, FIELD_DECIMAL)) return dj_plain_field(ev, FIELD_DECIMAL);
        integer |= field && field_kind_is(field->kind, FIELD_INTEGER);
    }
    if (integer) return dj_plain_field(ev, FIELD_FLOAT);
    return expr->count ? dj_output_field(ev, expr->args[0], false) : NULL;
}

static DjField *function_field(Evaluator *ev, DjExpr *expr) {
    const DjFunction *spec = expr->as.func.spec;
    switch (spec->output) {
    case DJO_SOURCE: return shared_field(ev, expr, expr->args, expr->count);
    case DJO_FIRST: return expr->count ? dj_output_field(ev, expr->args[0], false) : NULL;
    case DJO_NUMERIC: return numeric_field(ev, expr);
    case DJO_FIX_DURATION: {
        /* Avg: integers give a float; everything else keeps its type */
        DjField *field = expr->count ? dj_output_field(ev, expr->args[0], false) : NULL;
        return field && field_kind_is(field->kind, FIELD_INTEGER) ? dj_plain_field(ev, FIELD_FLOAT) : field;
    }
    case DJO_CUSTOM: return spec->decide(ev, expr, false);
    case DJO_BOOLEAN:
    case DJO_INTEGER:
    case DJO_BIGINT:
    case DJO_FLOAT:
    case DJO_DECIMAL:
    case DJO_CHAR:
    case DJO_TEXT:
    case DJO_DATE:
    case DJO_TIME:
    case DJO_DATETIME:
    case DJO_DURATION:
    case DJO_JSON:
    case DJO_UUID:
    case DJO_ARRAY: return dj_plain_field(ev, output_kinds[spec->output]);
    }
    return NULL;
}

static DjField *decide(Evaluator *ev, DjExpr *expr) {
    switch (expr->kind) {
    case DJ_VALUE: return value_field(ev, expr->as.value.value);
    case DJ_FUNC: return function_field(ev, expr);
    case DJ_COMBINED: return combined_field(ev, expr);
    case DJ_CASE: return case_field(ev, expr);
    case DJ_WHEN: return dj_output_field(ev, expr->args[1], false);
    case DJ_REF:
    case DJ_POSITION:
    case DJ_WRAPPER:
    case DJ_WINDOW:
    case DJ_ORDER_BY:
    case DJ_DB_DEFAULT: return dj_output_field(ev, expr->args[0], false);
    case DJ_SUBQUERY:
    case DJ_QUERY: return subquery_field(ev, expr);
    case DJ_LOOKUP:
    case DJ_WHERE:
    case DJ_NOTHING:
    case DJ_NEGATED:
    case DJ_EXISTS:
    case DJ_Q: return dj_plain_field(ev, FIELD_BOOLEAN);
    case DJ_LIST:
    case DJ_TUPLE: return shared_field(ev, expr, expr->args, expr->count);
    case DJ_RAW: return dj_plain_field(ev, FIELD_FIELD);
    case DJ_F:
    case DJ_OUTER_REF:
    case DJ_RESOLVED_OUTER_REF:
    case DJ_COL:
    case DJ_COL_PAIRS:
    case DJ_STAR:
    case DJ_FRAME:
    case DJ_CONDITION:
    case DJ_EXTRA_WHERE:
    case DJ_FILTERED_RELATION: break;
    }
    return NULL;
}

DjField *dj_output_field(Evaluator *ev, DjExpr *expr, bool required) {
    if (!expr->output_decided) {
        DjField *field = decide(ev, expr);
        if (evaluator_error_pending(ev)) return NULL;
        expr->output_field = field;
        expr->output_decided = (expr->flags & DJ_RESOLVED) != 0;
    }
    if (expr->output_field || !required) return expr->output_field;
    return evaluator_raise(ev, django_state(ev)->field_error, evaluator_span(ev, expr->site),
                           "Cannot resolve expression type, unknown output_field");
}

/* Before it is resolved, no F() has a type: nor has what takes its type from one. */
static bool takes_type_of_name(const DjExpr *expr, int depth) {
    if (!expr || depth > DJ_MAX_DEPTH || expr->output_field) return false;
    if (expr->kind == DJ_F) return true;
    if (expr->kind == DJ_WHEN) return takes_type_of_name(expr->args[1], depth + 1);
    bool shared = expr->kind == DJ_CASE || (expr->kind == DJ_FUNC && expr->as.func.spec->output == DJO_SOURCE);
    for (int i = 0; shared && i < expr->count; i++)
        if (takes_type_of_name(expr->args[i], depth + 1)) return true;
    return false;
}

bool dj_is_conditional(Evaluator *ev, DjExpr *expr) {
    switch ((int)expr->kind) {
    case DJ_Q:
    case DJ_WHERE:
    case DJ_EXISTS:
    case DJ_LOOKUP:
    case DJ_NEGATED:
    case DJ_NOTHING:
    case DJ_CONDITION:
    case DJ_EXTRA_WHERE: return true;
    case DJ_F: return false;
    default: break;
    }
    if (takes_type_of_name(expr, 0)) return false;
    DjField *field = dj_output_field(ev, expr, false);
    evaluator_clear_error(ev);
    return field && field_kind_is(field->kind, FIELD_BOOLEAN);
}
