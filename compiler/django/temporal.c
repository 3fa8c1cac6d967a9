/*
 * What Trunc and Extract take: looked at when they are resolved, even where nothing selects them.
 *
 *     TruncMonth("name")    TypeError: 'name' isn't a DateField, TimeField, or DateTimeField.
 *     ExtractHour("day")    ValueError: Cannot extract time component 'hour' from DateField 'day'.
 */
#include "compiler/django/django.h"
#include "compiler/django/function_table.h"
#include "compiler/django/query.h"

static bool temporal(SqlType type) { return type == SQL_DATE || type == SQL_TIME || type == SQL_DATETIME; }

static bool unit_is(Slice unit, const char *const *names) {
    for (; *names; names++)
        if (slice_equals_text(unit, *names)) return true;
    return false;
}

static const char *name_of(const DjField *field) { return field->name ? field->name->text.start : "None"; }

static const char *type_class(SqlType type) {
    return type == SQL_DATE ? "DateField" : type == SQL_TIME ? "TimeField" : "DateTimeField";
}

/* A parameter of the program may be of any type. */
static bool takes_unknown(const DjExpr *source) {
    return source->kind == DJ_VALUE && value_is_unknown(value_resolve(source->as.value.value));
}

bool dj_check_extract(Evaluator *ev, DjExpr *expr) {
    static const char *const times[] = {"hour", "minute", "second", NULL};
    static const char *const calendar[] = {"year",     "iso_year",     "month",   "week",
                                           "week_day", "iso_week_day", "quarter", NULL};
    DjExpr *source = expr->args[0];
    Slice unit = expr->as.func.unit;
    if (source->kind == DJ_RESOLVED_OUTER_REF || takes_unknown(source)) return true;
    DjField *field = dj_output_field(ev, source, true);
    if (!field) return false;
    if (!temporal(field->sql_type) && field->sql_type != SQL_INTERVAL)
        return evaluator_raise_id(
                   ev, EXCEPTION_VALUE, expr->site,
                   "Extract input expression must be DateField, DateTimeField, TimeField, or DurationField.") != NULL;
    if (field->sql_type == SQL_DATE && unit_is(unit, times))
        return evaluator_raise_id(ev, EXCEPTION_VALUE, expr->site,
                                  "Cannot extract time component '%.*s' from DateField '%s'.", SLICE_ARGS(unit),
                                  name_of(field)) != NULL;
    if (field->sql_type == SQL_INTERVAL && unit_is(unit, calendar))
        return evaluator_raise_id(ev, EXCEPTION_VALUE, expr->site,
                                  "Cannot extract component '%.*s' from DurationField '%s'.", SLICE_ARGS(unit),
                                  name_of(field)) != NULL;
    return true;
}

DjExpr *resolve_extract(DjQuery *query, DjExpr *expr, const DjResolve *how) {
    (void)how;
    return dj_check_extract(query->ev, expr) ? expr : NULL;
}

/* Dates have no hours, times no days; and nothing becomes a datetime that was none. */
DjExpr *resolve_trunc(DjQuery *query, DjExpr *expr, const DjResolve *how) {
    static const char *const finer[] = {"hour", "minute", "second", "time", NULL};
    static const char *const coarser[] = {"year", "quarter", "month", "week", "day", "date", NULL};
    Evaluator *ev = query->ev;
    DjExpr *source = expr->args[0];
    (void)how;
    if (source->kind == DJ_RESOLVED_OUTER_REF)
        return evaluator_raise_id(ev, EXCEPTION_ATTRIBUTE, expr->site,
                                  "'ResolvedOuterRef' object has no attribute 'output_field'");
    if (takes_unknown(source)) return expr;
    DjField *field = dj_output_field(ev, source, true);
    if (!field) return NULL;
    SqlType from = field->sql_type;
    if (!temporal(from))
        return evaluator_raise_id(ev, EXCEPTION_TYPE, expr->site,
                                  "'%s' isn't a DateField, TimeField, or DateTimeField.", name_of(field));
    DjField *output = dj_output_field(ev, expr, false);
    if (!output || !temporal(output->sql_type))
        return evaluator_raise_id(ev, EXCEPTION_VALUE, expr->site,
                                  "output_field must be either DateField, TimeField, or DateTimeField");
    SqlType to = output->sql_type;
    Slice unit = expr->as.func.unit;
    bool bad = from == SQL_DATE   ? to == SQL_DATETIME || unit_is(unit, finer)
               : from == SQL_TIME ? to == SQL_DATETIME || unit_is(unit, coarser)
                                  : false;
    if (!bad) return expr;
    return evaluator_raise_id(ev, EXCEPTION_VALUE, expr->site, "Cannot truncate %s '%s' to %s.", type_class(from),
                              name_of(field), to != from ? type_class(to) : "DateTimeField");
}
