/*
 * year and iso_year compared with a number: a range of dates on the column itself, so that an index serves.
 *
 *     day__year=2024        →  "day" BETWEEN '2024-01-01' AND '2024-12-31'
 *     at__iso_year__lt=2021 →  "at" < '2021-01-04 00:00:00'
 */
#include "compiler/django/django.h"
#include "compiler/django/field_prepare.h"
#include "compiler/django/lookup_compile.h"
#include "compiler/django/query.h"
#include "compiler/django/query_state.h"
#include "compiler/django/type_lookups.h"
#include "compiler/evaluate/calendar.h"

/* The Monday of the first ISO week, as days of the calendar: the week that holds the fourth of January. */
static int64_t iso_year_start(int64_t year) {
    int64_t fourth = calendar_days(year, 1, 4), weekday = (fourth + 3) % 7; /* 1970-01-01 was a Thursday */
    return fourth - (weekday < 0 ? weekday + 7 : weekday);
}

/* The first or last moment of the day, in the current zone, or the day alone for a DateField. */
static Value *bound_value(DjCompiler *compiler, const DjField *field, int64_t days, bool last) {
    Evaluator *ev = compiler->ev;
    DateTimeValue parts = {0};
    calendar_date(days, &parts.year, &parts.month, &parts.day);
    if (!field_kind_is(field->kind, FIELD_DATETIME)) return value_date(ev, parts.year, parts.month, parts.day);
    if (last) parts.hour = 23, parts.minute = 59, parts.second = 59, parts.microsecond = 999999;
    if (django_use_tz(ev)) parts.zone = django_current_zone(ev);
    return value_datetime(ev, &parts);
}

/* A year that the program does not say becomes a parameter that says what would be computed from it. */
static Value *unknown_bound(DjCompiler *compiler, const DjExpr *lookup, const DjField *field, bool iso, bool last) {
    Evaluator *ev = compiler->ev;
    Slice year = ((const UnknownValue *)lookup->as.lookup.rhs)->text;
    bool moment = field_kind_is(field->kind, FIELD_DATETIME);
    const char *format = last ? "%s(%.*s, 12, 31%s)" : "%s(%.*s, 1, 1%s)";
    if (iso) format = last ? "last %s of ISO year %.*s%s" : "first %s of ISO year %.*s%s";
    Slice text = slice_format(evaluator_arena(ev), format, moment ? "datetime" : "date", SLICE_ARGS(year),
                              moment && last && !iso ? ", 23, 59, 59, 999999" : "");
    return value_unknown(ev, text, lookup->site, NULL);
}

static bool year_bounds(DjCompiler *compiler, DjExpr *lookup, DjField *field, Value *bounds[2]) {
    Evaluator *ev = compiler->ev;
    bool iso = slice_equals_text(lookup->args[0]->as.func.unit, "iso_year");
    Value *rhs = field_get_prep_value(ev, dj_plain_field(ev, FIELD_INTEGER), lookup->as.lookup.rhs, lookup->site);
    if (!rhs) return false;
    if (!value_is(rhs, VALUE_INTEGER)) {
        for (int i = 0; i < 2; i++) bounds[i] = unknown_bound(compiler, lookup, field, iso, i == 1);
        return true;
    }
    int64_t year = ((const IntegerValue *)rhs)->number;
    if (((const IntegerValue *)rhs)->big.length || year < 1 || year > 9999 - iso) {
        evaluator_raise_id(ev, EXCEPTION_VALUE, lookup->site, "year %lld is out of range", (long long)year);
        return false;
    }
    int64_t first = iso ? iso_year_start(year) : calendar_days(year, 1, 1);
    int64_t last = iso ? iso_year_start(year + 1) - 1 : calendar_days(year, 12, 31);
    bounds[0] = bound_value(compiler, field, first, false);
    bounds[1] = bound_value(compiler, field, last, true);
    return true;
}

static DjOutcome compile_year(DjCompiler *compiler, DjExpr *lookup, Expr **out) {
    const DjLookup *spec = lookup->as.lookup.spec;
    if (lookup->args[1])
        return spec->op == OPERATOR_EQ ? lookup_compile_exact(compiler, lookup, out)
                                       : lookup_compile_compare(compiler, lookup, out);
    DjExpr *source = lookup->args[0]->args[0];
    DjField *field = dj_output_field(compiler->ev, source, true);
    Value *bounds[2];
    Expr *left, *params[2];
    if (!field || !year_bounds(compiler, lookup, field, bounds)) return DJ_ERROR;
    DjOutcome outcome = dj_compile(compiler, source, &left);
    for (int i = 0; i < 2 && outcome == DJ_SQL; i++)
        outcome = dj_compile_value(compiler, bounds[i], field, lookup->site, &params[i]);
    if (outcome != DJ_SQL) return outcome;
    Arena *arena = evaluator_arena(compiler->ev);
    if (spec->op == OPERATOR_EQ) {
        *out = expr_new(arena, EXPR_BETWEEN, SQL_BOOLEAN);
        expr_list_push(arena, &(*out)->args, left);
        for (int i = 0; i < 2; i++) expr_list_push(arena, &(*out)->args, params[i]);
    } else {
        bool end = spec->op == OPERATOR_GT || spec->op == OPERATOR_LE;
        *out = expr_binary(arena, spec->op, left, params[end], SQL_BOOLEAN);
    }
    (*out)->span = lookup->as.lookup.span;
    return DJ_SQL;
}

const DjLookup *dj_year_lookup(Evaluator *ev, DjExpr *lhs, Slice name) {
    static const DjLookup lookups[] = {
        {"exact", OPERATOR_EQ, OPERATOR_EQ, 0, compile_year, lookup_prepare_exact},
        {"gt", OPERATOR_GT, OPERATOR_GT, 0, compile_year, NULL},
        {"gte", OPERATOR_GE, OPERATOR_GE, 0, compile_year, NULL},
        {"lt", OPERATOR_LT, OPERATOR_LT, 0, compile_year, NULL},
        {"lte", OPERATOR_LE, OPERATOR_LE, 0, compile_year, NULL},
    };
    (void)ev;
    if (lhs->kind != DJ_FUNC || !lhs->as.func.spec) return NULL;
    const char *function = lhs->as.func.spec->name;
    if (strcmp(function, "ExtractYear") != 0 && strcmp(function, "ExtractIsoYear") != 0) return NULL;
    for (size_t i = 0; i < sizeof lookups / sizeof *lookups; i++)
        if (slice_equals_text(name, lookups[i].name)) return &lookups[i];
    return NULL;
}
