/*
 * date, time, datetime, timedelta, timezone, ZoneInfo: constructors, methods, arithmetic, order. Input: known parts; an
 * unknown part makes the result unknown, of the same class.
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "compiler/evaluate/calendar.h"
#include "compiler/evaluate/datetime_parts.h"
#include "compiler/evaluate/internal.h"
#include "compiler/evaluate/number.h"
#include "compiler/evaluate/standard.h"
#include "compiler/evaluate/types.h"

#define SECOND INT64_C(1000000)
#define DAY (86400 * SECOND)

static const char *const part_names[PART_COUNT] = {"year",   "month",       "day",    "hour", "minute",
                                                   "second", "microsecond", "tzinfo", "fold"};

static bool part_set(Evaluator *ev, Parts *parts, Part part, Value *value, const Node *site) {
    if (part == ZONE) {
        parts->zone = value_is_none(value) ? NULL : value;
        if (value_is_unknown(value)) parts->unknown = true;
        else if (!value_is_none(value) && !value_is(value, VALUE_TIMEZONE))
            return evaluator_raise_id(ev, EXCEPTION_TYPE, site,
                                      "tzinfo argument must be None or of a tzinfo subclass, not type '%s'",
                                      type_label(value)) != NULL;
        return true;
    }
    if (value_is_unknown(value)) {
        parts->unknown = true;
        return true;
    }
    if (value_is_enum_member(value)) value = enum_member_value(value);
    if (!value_as_integer(value, &parts->numbers[part]))
        return evaluator_raise_id(ev, EXCEPTION_TYPE, site, "'%s' object cannot be interpreted as an integer",
                                  type_label(value)) != NULL;
    return true;
}

static bool parts_read(Evaluator *ev, const Arguments *arguments, Part first, Part last, Parts *parts) {
    for (int i = 0; i < arguments->count; i++) {
        if ((int)first + i > (int)last)
            return evaluator_raise_id(ev, EXCEPTION_TYPE, arguments->site,
                                      "function takes at most %d arguments (%d given)", (int)last - (int)first + 1,
                                      arguments->count) != NULL;
        if (!part_set(ev, parts, (Part)((int)first + i), arguments->items[i], arguments->site)) return false;
    }
    for (int i = 0; i < arguments->keyword_count; i++) {
        int part = (int)first;
        while (part <= (int)last && !slice_equals_text(arguments->keywords[i].name->text, part_names[part])) part++;
        if (part > (int)last)
            return evaluator_raise(ev, ev->builtins.exceptions[EXCEPTION_TYPE],
                                   evaluator_keyword_span(ev, &arguments->keywords[i]),
                                   "'%.*s' is an invalid keyword argument for this function",
                                   SLICE_ARGS(arguments->keywords[i].name->text)) != NULL;
        if (!part_set(ev, parts, (Part)part, arguments->keywords[i].value, arguments->site)) return false;
    }
    if (arguments->unknown_items || arguments->unknown_keywords) parts->unknown = true;
    return true;
}

static bool date_parts_valid(Evaluator *ev, const Parts *parts, const Node *site) {
    const int64_t *n = parts->numbers;
    if (n[YEAR] < 1 || n[YEAR] > 9999)
        return evaluator_raise_id(ev, EXCEPTION_VALUE, site, "year %lld is out of range", (long long)n[YEAR]) != NULL;
    if (n[MONTH] < 1 || n[MONTH] > 12)
        return evaluator_raise_id(ev, EXCEPTION_VALUE, site, "month must be in 1..12") != NULL;
    if (!calendar_valid(n[YEAR], n[MONTH], n[DAY_OF_MONTH]))
        return evaluator_raise_id(ev, EXCEPTION_VALUE, site, "day is out of range for month") != NULL;
    return true;
}

static bool time_parts_valid(Evaluator *ev, const Parts *parts, const Node *site) {
    static const struct {
        Part part;
        int64_t most;
        const char *message;
    } limits[] = {{HOUR, 23, "hour must be in 0..23"},
                  {MINUTE, 59, "minute must be in 0..59"},
                  {SECONDS, 59, "second must be in 0..59"},
                  {MICROSECOND, 999999, "microsecond must be in 0..999999"}};
    for (size_t i = 0; i < sizeof limits / sizeof *limits; i++)
        if (parts->numbers[limits[i].part] < 0 || parts->numbers[limits[i].part] > limits[i].most)
            return evaluator_raise_id(ev, EXCEPTION_VALUE, site, "%s", limits[i].message) != NULL;
    return true;
}

Value *parts_date(Evaluator *ev, const Parts *parts, const Node *site) {
    if (parts->unknown) return unknown_result(ev, site, ev->builtins.kinds[VALUE_DATE]);
    if (!date_parts_valid(ev, parts, site)) return NULL;
    return value_date(ev, (int)parts->numbers[YEAR], (int)parts->numbers[MONTH], (int)parts->numbers[DAY_OF_MONTH]);
}

Value *parts_time(Evaluator *ev, const Parts *parts, const Node *site) {
    const int64_t *n = parts->numbers;
    if (parts->unknown) return unknown_result(ev, site, ev->builtins.kinds[VALUE_TIME]);
    if (!time_parts_valid(ev, parts, site)) return NULL;
    TimeValue *value =
        (TimeValue *)value_time(ev, (int)n[HOUR], (int)n[MINUTE], (int)n[SECONDS], (int)n[MICROSECOND], parts->zone);
    value->fold = (int)n[FOLD];
    return &value->head;
}

Value *parts_datetime(Evaluator *ev, const Parts *parts, const Node *site) {
    const int64_t *n = parts->numbers;
    if (parts->unknown) return unknown_result(ev, site, ev->builtins.kinds[VALUE_DATETIME]);
    if (!date_parts_valid(ev, parts, site) || !time_parts_valid(ev, parts, site)) return NULL;
    DateTimeValue made = {.year = (int)n[YEAR],
                          .month = (int)n[MONTH],
                          .day = (int)n[DAY_OF_MONTH],
                          .hour = (int)n[HOUR],
                          .minute = (int)n[MINUTE],
                          .second = (int)n[SECONDS],
                          .microsecond = (int)n[MICROSECOND],
                          .zone = parts->zone,
                          .fold = (int)n[FOLD]};
    return value_datetime(ev, &made);
}

Parts parts_of(const Value *value) {
    Parts parts = {0};
    if (value_is(value, VALUE_TIME)) {
        const TimeValue *time = (const TimeValue *)value;
        parts = (Parts){.numbers = {0, 0, 0, time->hour, time->minute, time->second, time->microsecond, 0, time->fold},
                        .zone = time->zone};
    } else if (value_is(value, VALUE_DATE)) {
        const DateValue *date = (const DateValue *)value;
        parts = (Parts){.numbers = {date->year, date->month, date->day}};
    } else {
        const DateTimeValue *both = (const DateTimeValue *)value;
        parts = (Parts){.numbers = {both->year, both->month, both->day, both->hour, both->minute, both->second,
                                    both->microsecond, 0, both->fold},
                        .zone = both->zone};
    }
    return parts;
}

static Value *date_create(Evaluator *ev, Class *cls, const Arguments *arguments) {
    (void)cls;
    Parts parts = {0};
    return parts_read(ev, arguments, YEAR, DAY_OF_MONTH, &parts) ? parts_date(ev, &parts, arguments->site) : NULL;
}

static Value *time_create(Evaluator *ev, Class *cls, const Arguments *arguments) {
    (void)cls;
    Parts parts = {0};
    return parts_read(ev, arguments, HOUR, FOLD, &parts) ? parts_time(ev, &parts, arguments->site) : NULL;
}

static Value *datetime_create(Evaluator *ev, Class *cls, const Arguments *arguments) {
    (void)cls;
    Parts parts = {0};
    return parts_read(ev, arguments, YEAR, FOLD, &parts) ? parts_datetime(ev, &parts, arguments->site) : NULL;
}

static Value *timedelta_create(Evaluator *ev, Class *cls, const Arguments *arguments) {
    (void)cls;
    Value *given[7] = {0};
    static const int64_t units[7] = {DAY, SECOND, 1, 1000, 60 * SECOND, 3600 * SECOND, 7 * DAY};
    if (!arguments_bind(ev, arguments, "timedelta", "| days seconds microseconds milliseconds minutes hours weeks",
                        &given[0], &given[1], &given[2], &given[3], &given[4], &given[5], &given[6]))
        return NULL;
    int64_t total = 0;
    for (int i = 0; i < 7; i++) {
        int64_t whole;
        if (!given[i]) continue;
        if (value_is_unknown(given[i])) return unknown_result(ev, arguments->site, ev->builtins.kinds[VALUE_TIMEDELTA]);
        if (value_as_integer(given[i], &whole)) {
            if (whole > INT64_MAX / units[i] / 8 || whole < INT64_MIN / units[i] / 8)
                return evaluator_raise_id(ev, EXCEPTION_OVERFLOW, arguments->site,
                                          "days=%lld; must have magnitude <= 999999999", (long long)whole);
            total += whole * units[i];
        } else if (value_is(given[i], VALUE_FLOAT)) {
            double exact = ((FloatValue *)given[i])->number * (double)units[i];
            total += (int64_t)(exact < 0 ? exact - 0.5 : exact + 0.5);
        } else
            return evaluator_raise_id(ev, EXCEPTION_TYPE, arguments->site,
                                      "unsupported type for timedelta %s component: %s", i ? "time" : "days",
                                      type_label(given[i]));
    }
    return value_timedelta(ev, total);
}

static Value *timezone_create(Evaluator *ev, Class *cls, const Arguments *arguments) {
    (void)cls;
    if (!arguments->count || !value_is(arguments->items[0], VALUE_TIMEDELTA))
        return unknown_result(ev, arguments->site, ev->builtins.kinds[VALUE_TIMEZONE]);
    return value_fixed_zone(ev, (int)(((TimeDeltaValue *)arguments->items[0])->microseconds / SECOND));
}

static Value *zoneinfo_create(Evaluator *ev, Class *cls, const Arguments *arguments) {
    (void)cls;
    if (!arguments->count || !value_is(arguments->items[0], VALUE_STRING))
        return unknown_result(ev, arguments->site, ev->builtins.kinds[VALUE_TIMEZONE]);
    return value_zone(ev, value_text(arguments->items[0]));
}

/* ---- now ---- */

static Value *now_unknown(Evaluator *ev, const Arguments *arguments, ValueKind kind) {
    return unknown_result(ev, arguments->site, ev->builtins.kinds[kind]);
}

/* Where the program really runs, the clock is really read. */
static Value *now_real(Evaluator *ev, Value *zone, const Node *site) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    DateTimeValue parts = {.zone = ev->builtins.utc};
    datetime_from_ticks((int64_t)now.tv_sec * SECOND + now.tv_nsec / 1000, &parts);
    return datetime_in_zone(ev, &parts, zone, site);
}

static Value *datetime_now(Evaluator *ev, Value *self, const Arguments *arguments) {
    (void)self;
    if (!ev->host.has_rows) return now_unknown(ev, arguments, VALUE_DATETIME);
    Value *zone = arguments->count ? arguments->items[0] : arguments_keyword(arguments, evaluator_atom(ev, "tz"));
    return now_real(ev, zone && value_is(zone, VALUE_TIMEZONE) ? zone : NULL, arguments->site);
}

static Value *date_today(Evaluator *ev, Value *self, const Arguments *arguments) {
    (void)self;
    if (!ev->host.has_rows) return now_unknown(ev, arguments, VALUE_DATE);
    const DateTimeValue *now = (DateTimeValue *)now_real(ev, NULL, arguments->site);
    return value_date(ev, now->year, now->month, now->day);
}

/* ---- methods ---- */

static Value *any_replace(Evaluator *ev, Value *self, const Arguments *arguments) {
    Parts parts = parts_of(self);
    ValueKind kind = self->type->kind;
    if (!parts_read(ev, arguments, kind == VALUE_TIME ? HOUR : YEAR, kind == VALUE_DATE ? DAY_OF_MONTH : FOLD, &parts))
        return NULL;
    if (kind == VALUE_TIME) return parts_time(ev, &parts, arguments->site);
    return kind == VALUE_DATE ? parts_date(ev, &parts, arguments->site) : parts_datetime(ev, &parts, arguments->site);
}

static Value *any_isoformat(Evaluator *ev, Value *self, const Arguments *arguments) {
    char separator = 'T';
    if (arguments->count && value_is(arguments->items[0], VALUE_STRING) && value_text(arguments->items[0]).length)
        separator = value_text(arguments->items[0]).start[0];
    if (value_is(self, VALUE_DATE)) return value_string(ev, date_isoformat(ev, (DateValue *)self));
    if (value_is(self, VALUE_TIME)) return value_string(ev, time_isoformat(ev, (TimeValue *)self));
    return value_string(ev, datetime_isoformat(ev, (DateTimeValue *)self, separator));
}

static Value *any_str(Evaluator *ev, Value *self, const Arguments *arguments) {
    (void)arguments;
    if (value_is(self, VALUE_DATETIME)) return value_string(ev, datetime_isoformat(ev, (DateTimeValue *)self, ' '));
    Arguments none = {0};
    return any_isoformat(ev, self, &none);
}

int64_t date_days_of(const Value *self) {
    Parts parts = parts_of(self);
    return calendar_days(parts.numbers[YEAR], (int)parts.numbers[MONTH], (int)parts.numbers[DAY_OF_MONTH]);
}

int date_weekday_of(const Value *self) { return (int)(((date_days_of(self) + 3) % 7 + 7) % 7); }

static Value *date_weekday(Evaluator *ev, Value *self, const Arguments *a) {
    return (void)a, value_integer(ev, date_weekday_of(self));
}
static Value *date_isoweekday(Evaluator *ev, Value *self, const Arguments *a) {
    return (void)a, value_integer(ev, date_weekday_of(self) + 1);
}
static Value *date_toordinal(Evaluator *ev, Value *self, const Arguments *a) {
    return (void)a, value_integer(ev, date_days_of(self) + 719163);
}

static Value *date_isocalendar(Evaluator *ev, Value *self, const Arguments *arguments) {
    (void)arguments;
    int64_t days = date_days_of(self), thursday = days - date_weekday_of(self) + 3;
    int year, month, day;
    calendar_date(thursday, &year, &month, &day);
    Value *items[3] = {value_integer(ev, year), value_integer(ev, (thursday - calendar_days(year, 1, 1)) / 7 + 1),
                       value_integer(ev, date_weekday_of(self) + 1)};
    return value_tuple(ev, items, 3);
}

static Value *datetime_date(Evaluator *ev, Value *self, const Arguments *arguments) {
    (void)arguments;
    const DateTimeValue *value = (DateTimeValue *)self;
    return value_date(ev, value->year, value->month, value->day);
}

static Value *datetime_time(Evaluator *ev, Value *self, const Arguments *arguments) {
    (void)arguments;
    const DateTimeValue *value = (DateTimeValue *)self;
    return value_time(ev, value->hour, value->minute, value->second, value->microsecond, NULL);
}

static Value *datetime_astimezone(Evaluator *ev, Value *self, const Arguments *arguments) {
    if (!arguments->count || !value_is(arguments->items[0], VALUE_TIMEZONE))
        return now_unknown(ev, arguments, VALUE_DATETIME);
    return datetime_in_zone(ev, (DateTimeValue *)self, arguments->items[0], arguments->site);
}

static Value *datetime_timestamp(Evaluator *ev, Value *self, const Arguments *arguments) {
    int seconds = 0;
    const DateTimeValue *value = (DateTimeValue *)self;
    if (value->zone && !zone_offset_local(ev, value->zone, datetime_ticks(value), value->fold, &seconds))
        return now_unknown(ev, arguments, VALUE_FLOAT);
    return value_float(ev, (double)(datetime_ticks(value) - seconds * SECOND) / 1e6);
}

static Value *datetime_utcoffset(Evaluator *ev, Value *self, const Arguments *arguments) {
    int seconds = 0;
    const DateTimeValue *value = (DateTimeValue *)self;
    if (!value->zone) return value_none(ev);
    if (!zone_offset_local(ev, value->zone, datetime_ticks(value), value->fold, &seconds))
        return now_unknown(ev, arguments, VALUE_TIMEDELTA);
    return value_timedelta(ev, seconds * SECOND);
}

static Value *datetime_combine(Evaluator *ev, Value *self, const Arguments *arguments) {
    (void)self;
    Value *date = NULL, *time = NULL, *zone = NULL;
    if (!arguments_bind(ev, arguments, "combine", "date time | tzinfo", &date, &time, &zone)) return NULL;
    if (value_is_unknown(date) || value_is_unknown(time)) return now_unknown(ev, arguments, VALUE_DATETIME);
    if (!value_is(time, VALUE_TIME) || value_is(date, VALUE_TIME))
        return evaluator_raise_id(ev, EXCEPTION_TYPE, arguments->site, "combine() argument 2 must be datetime.time");
    Parts day = parts_of(date), parts = parts_of(time);
    for (int i = YEAR; i <= DAY_OF_MONTH; i++) parts.numbers[i] = day.numbers[i];
    if (zone && value_is(zone, VALUE_TIMEZONE)) parts.zone = zone;
    return parts_datetime(ev, &parts, arguments->site);
}

static Value *datetime_fromtimestamp(Evaluator *ev, Value *self, const Arguments *arguments) {
    (void)self;
    Value *stamp = NULL, *zone = NULL;
    if (!arguments_bind(ev, arguments, "fromtimestamp", "timestamp | tz", &stamp, &zone)) return NULL;
    int64_t whole;
    if (!zone || !value_is(zone, VALUE_TIMEZONE)) return now_unknown(ev, arguments, VALUE_DATETIME);
    if (!value_as_integer(stamp, &whole)) {
        if (!value_is(stamp, VALUE_FLOAT)) return now_unknown(ev, arguments, VALUE_DATETIME);
        whole = (int64_t)((FloatValue *)stamp)->number;
    }
    DateTimeValue parts = {.zone = ev->builtins.utc};
    datetime_from_ticks(whole * SECOND, &parts);
    return datetime_in_zone(ev, &parts, zone, arguments->site);
}

static Value *timedelta_total_seconds(Evaluator *ev, Value *self, const Arguments *a) {
    return (void)a, value_float(ev, (double)((TimeDeltaValue *)self)->microseconds / 1e6);
}

static Value *any_get_attribute(Evaluator *ev, Value *self, Atom name, const Node *site) {
    (void)site;
    if (value_is(self, VALUE_TIMEDELTA)) {
        int64_t total = ((TimeDeltaValue *)self)->microseconds, days = total / DAY, rest = total % DAY;
        if (rest < 0) days--, rest += DAY;
        if (slice_equals_text(name->text, "days")) return value_integer(ev, days);
        if (slice_equals_text(name->text, "seconds")) return value_integer(ev, rest / SECOND);
        if (slice_equals_text(name->text, "microseconds")) return value_integer(ev, rest % SECOND);
        return NULL;
    }
    if (value_is(self, VALUE_TIMEZONE))
        return slice_equals_text(name->text, "key") ? value_string(ev, ((TimeZoneValue *)self)->name) : NULL;
    Parts parts = parts_of(self);
    int first = value_is(self, VALUE_TIME) ? HOUR : YEAR, last = value_is(self, VALUE_DATE) ? DAY_OF_MONTH : FOLD;
    for (int part = first; part <= last; part++) {
        if (!slice_equals_text(name->text, part_names[part])) continue;
        if (part == ZONE) return parts.zone ? parts.zone : value_none(ev);
        return value_integer(ev, parts.numbers[part]);
    }
    return NULL;
}

/* ---- arithmetic and order ---- */

static Value *date_shift(Evaluator *ev, const Value *self, int64_t microseconds, const Node *site) {
    DateTimeValue parts = {0};
    int64_t ticks;
    if (value_is(self, VALUE_DATE))
        ticks = date_days_of(self) * DAY +
                (microseconds >= 0 ? microseconds / DAY : -((-microseconds + DAY - 1) / DAY)) * DAY;
    else {
        ticks = datetime_ticks((const DateTimeValue *)self) + microseconds;
        parts.zone = ((const DateTimeValue *)self)->zone;
    }
    datetime_from_ticks(ticks, &parts);
    if (parts.year < 1 || parts.year > 9999)
        return evaluator_raise_id(ev, EXCEPTION_OVERFLOW, site, "date value out of range");
    return value_is(self, VALUE_DATE) ? value_date(ev, parts.year, parts.month, parts.day) : value_datetime(ev, &parts);
}

static int64_t ticks_utc(Evaluator *ev, const Value *self) {
    if (value_is(self, VALUE_DATE)) return date_days_of(self) * DAY;
    const DateTimeValue *value = (const DateTimeValue *)self;
    int seconds = 0;
    if (value->zone) zone_offset_local(ev, value->zone, datetime_ticks(value), value->fold, &seconds);
    return datetime_ticks(value) - seconds * SECOND;
}

static Value *date_binary(Evaluator *ev, Operator op, Value *self, Value *other, bool reflected, const Node *site) {
    if (value_is(other, VALUE_TIMEDELTA) && (op == OP_Add || (op == OP_Sub && !reflected))) {
        int64_t by = ((TimeDeltaValue *)other)->microseconds;
        return date_shift(ev, self, op == OP_Add ? by : -by, site);
    }
    if (op != OP_Sub || reflected || other->type != self->type) return NULL;
    if (value_is(self, VALUE_DATETIME) && !((DateTimeValue *)self)->zone != !((DateTimeValue *)other)->zone)
        return evaluator_raise_id(ev, EXCEPTION_TYPE, site, "can't subtract offset-naive and offset-aware datetimes");
    return value_timedelta(ev, ticks_utc(ev, self) - ticks_utc(ev, other));
}

static Value *timedelta_binary(Evaluator *ev, Operator op, Value *self, Value *other, bool reflected,
                               const Node *site) {
    int64_t mine = ((TimeDeltaValue *)self)->microseconds, number;
    if (value_is(other, VALUE_TIMEDELTA)) {
        int64_t theirs = ((TimeDeltaValue *)other)->microseconds, left = reflected ? theirs : mine,
                right = reflected ? mine : theirs;
        if (op == OP_Add) return value_timedelta(ev, left + right);
        if (op == OP_Sub) return value_timedelta(ev, left - right);
        if (right == 0 && (op == OP_Div || op == OP_FloorDiv || op == OP_Mod))
            return evaluator_raise_id(ev, EXCEPTION_ZERO_DIVISION, site, "division by zero");
        if (op == OP_Div) return value_float(ev, (double)left / (double)right);
        if (op == OP_FloorDiv) return value_integer(ev, left / right);
        if (op == OP_Mod) return value_timedelta(ev, left % right);
        return NULL;
    }
    if (value_as_integer(other, &number)) {
        if (op == OP_Mult) return value_timedelta(ev, mine * number);
        if (reflected || (op != OP_Div && op != OP_FloorDiv)) return NULL;
        if (!number) return evaluator_raise_id(ev, EXCEPTION_ZERO_DIVISION, site, "division by zero");
        return value_timedelta(ev, mine / number);
    }
    if (!value_is(other, VALUE_FLOAT)) return NULL;
    double factor = ((FloatValue *)other)->number;
    if (op == OP_Mult) return value_timedelta(ev, (int64_t)((double)mine * factor));
    return op == OP_Div && !reflected && factor != 0 ? value_timedelta(ev, (int64_t)((double)mine / factor)) : NULL;
}

static Value *timedelta_unary(Evaluator *ev, UnaryOperator op, Value *self, const Node *site) {
    (void)site;
    if (op == UNARY_Invert) return NULL;
    int64_t mine = ((TimeDeltaValue *)self)->microseconds;
    return value_timedelta(ev, op == UNARY_USub ? -mine : mine);
}

static int64_t order_key(Evaluator *ev, const Value *self) {
    if (value_is(self, VALUE_TIMEDELTA)) return ((const TimeDeltaValue *)self)->microseconds;
    if (value_is(self, VALUE_TIME)) {
        const TimeValue *time = (const TimeValue *)self;
        return ((time->hour * 60 + time->minute) * 60 + time->second) * SECOND + time->microsecond;
    }
    return ticks_utc(ev, self);
}

static Value *any_compare(Evaluator *ev, CompareOperator op, Value *self, Value *other, bool reflected,
                          const Node *site) {
    (void)reflected; /* the operator is given as seen from self */
    if (value_is_unknown(other)) return NULL;
    if (other->type != self->type && other->type->compare) return NULL; /* the other operand is asked first */
    if (other->type != self->type)
        return op == COMPARE_Eq || op == COMPARE_NotEq ? value_bool(ev, op == COMPARE_NotEq) : NULL;
    if (value_is(self, VALUE_DATETIME) && !((DateTimeValue *)self)->zone != !((DateTimeValue *)other)->zone) {
        if (op == COMPARE_Eq || op == COMPARE_NotEq) return value_bool(ev, op == COMPARE_NotEq);
        return evaluator_raise_id(ev, EXCEPTION_TYPE, site, "can't compare offset-naive and offset-aware datetimes");
    }
    int64_t left = order_key(ev, self), right = order_key(ev, other);
    switch (op) {
    case COMPARE_Eq: return value_bool(ev, left == right);
    case COMPARE_NotEq: return value_bool(ev, left != right);
    case COMPARE_Lt: return value_bool(ev, left < right);
    case COMPARE_LtE: return value_bool(ev, left <= right);
    case COMPARE_Gt: return value_bool(ev, left > right);
    case COMPARE_GtE: return value_bool(ev, left >= right);
    case COMPARE_Is:
    case COMPARE_IsNot:
    case COMPARE_In:
    case COMPARE_NotIn: return NULL;
    }
    return NULL;
}

static bool any_equals(Evaluator *ev, Value *self, Value *other) {
    Value *same = any_compare(ev, COMPARE_Eq, self, other, false, NULL);
    return same && value_is_true(same);
}

static bool zone_equals(Evaluator *ev, Value *self, Value *other) {
    (void)ev;
    return value_is(other, VALUE_TIMEZONE) &&
           slice_equals(((TimeZoneValue *)self)->name, ((TimeZoneValue *)other)->name);
}

static uint32_t any_hash(Evaluator *ev, Value *self) { return (uint32_t)(order_key(ev, self) * 2654435761u); }

static Truth timedelta_truth(Evaluator *ev, Value *self, const Node *site) {
    (void)ev;
    (void)site;
    return ((TimeDeltaValue *)self)->microseconds ? TRUTH_TRUE : TRUTH_FALSE;
}

/* ---- repr ---- */

static void any_describe(Evaluator *ev, Value *self, Buffer *out) {
    Parts parts = parts_of(self);
    int first = value_is(self, VALUE_TIME) ? HOUR : YEAR,
        last = value_is(self, VALUE_DATE) ? DAY_OF_MONTH : MICROSECOND;
    while (last > (first == HOUR ? MINUTE : value_is(self, VALUE_DATE) ? DAY_OF_MONTH : MINUTE) && !parts.numbers[last])
        last--;
    buffer_format(out, "datetime.%s(", self->type->name);
    for (int part = first; part <= last; part++)
        buffer_format(out, "%s%d", part > first ? ", " : "", (int)parts.numbers[part]);
    if (parts.zone) {
        buffer_text(out, ", tzinfo=");
        buffer_slice(out, value_repr(ev, parts.zone));
    }
    buffer_put(out, ')');
}

static void timedelta_describe(Evaluator *ev, Value *self, Buffer *out) {
    (void)ev;
    int64_t total = ((TimeDeltaValue *)self)->microseconds, days = total / DAY, rest = total % DAY;
    if (rest < 0) days--, rest += DAY;
    buffer_text(out, "datetime.timedelta(");
    const char *between = "";
    int64_t numbers[3] = {days, rest / SECOND, rest % SECOND};
    static const char *const names[3] = {"days", "seconds", "microseconds"};
    for (int i = 0; i < 3; i++)
        if (numbers[i]) {
            buffer_format(out, "%s%s=%lld", between, names[i], (long long)numbers[i]);
            between = ", ";
        }
    buffer_text(out, total ? ")" : "0)");
}

static Value *timedelta_str(Evaluator *ev, Value *self, const Arguments *arguments) {
    (void)arguments;
    int64_t total = ((TimeDeltaValue *)self)->microseconds, days = total / DAY, rest = total % DAY;
    if (rest < 0) days--, rest += DAY;
    Buffer out;
    buffer_init(&out, ev->arena);
    if (days) buffer_format(&out, "%lld day%s, ", (long long)days, days == 1 || days == -1 ? "" : "s");
    int seconds = (int)(rest / SECOND);
    buffer_format(&out, "%d:%02d:%02d", seconds / 3600, seconds / 60 % 60, seconds % 60);
    if (rest % SECOND) buffer_format(&out, ".%06d", (int)(rest % SECOND));
    return value_string(ev, buffer_view(&out));
}

static void zone_describe(Evaluator *ev, Value *self, Buffer *out) {
    (void)ev;
    const TimeZoneValue *zone = (TimeZoneValue *)self;
    if (zone->fixed && zone->offset)
        buffer_format(out, "datetime.timezone(datetime.timedelta(seconds=%d))", zone->offset);
    else if (zone->fixed) buffer_text(out, "datetime.timezone.utc");
    else buffer_format(out, "zoneinfo.ZoneInfo(key='%.*s')", SLICE_ARGS(zone->name));
}

static Value *zone_str(Evaluator *ev, Value *self, const Arguments *a) {
    return (void)a, value_string(ev, ((TimeZoneValue *)self)->name);
}

const Type date_type = {.name = "date",
                        .kind = VALUE_DATE,
                        .get_attribute = any_get_attribute,
                        .binary = date_binary,
                        .compare = any_compare,
                        .equals = any_equals,
                        .hash = any_hash,
                        .describe = any_describe};
const Type time_type = {.name = "time",
                        .kind = VALUE_TIME,
                        .get_attribute = any_get_attribute,
                        .compare = any_compare,
                        .equals = any_equals,
                        .hash = any_hash,
                        .describe = any_describe};
const Type datetime_type = {.name = "datetime",
                            .kind = VALUE_DATETIME,
                            .get_attribute = any_get_attribute,
                            .binary = date_binary,
                            .compare = any_compare,
                            .equals = any_equals,
                            .hash = any_hash,
                            .describe = any_describe};
const Type timedelta_type = {.name = "timedelta",
                             .kind = VALUE_TIMEDELTA,
                             .get_attribute = any_get_attribute,
                             .binary = timedelta_binary,
                             .unary = timedelta_unary,
                             .compare = any_compare,
                             .truth = timedelta_truth,
                             .equals = any_equals,
                             .hash = any_hash,
                             .describe = timedelta_describe};
const Type timezone_type = {.name = "timezone",
                            .kind = VALUE_TIMEZONE,
                            .get_attribute = any_get_attribute,
                            .equals = zone_equals,
                            .describe = zone_describe};

#define COMMON                                                                                                         \
    {"replace", any_replace, NATIVE_METHOD, NULL}, {"isoformat", any_isoformat, NATIVE_METHOD, NULL},                  \
        {"strftime", any_strftime, NATIVE_METHOD, NULL}, {                                                             \
        "__str__", any_str, NATIVE_METHOD, NULL                                                                        \
    }
#define DATED                                                                                                          \
    {"weekday", date_weekday, NATIVE_METHOD, NULL}, {"isoweekday", date_isoweekday, NATIVE_METHOD, NULL},              \
        {"toordinal", date_toordinal, NATIVE_METHOD, NULL}, {                                                          \
        "isocalendar", date_isocalendar, NATIVE_METHOD, NULL                                                           \
    }
static const NativeMethod date_methods[] = {COMMON,
                                            DATED,
                                            {"today", date_today, NATIVE_CLASSMETHOD, NULL},
                                            {"fromisoformat", date_fromisoformat, NATIVE_CLASSMETHOD, NULL},
                                            {0}};
static const NativeMethod time_methods[] = {
    COMMON, {"fromisoformat", time_fromisoformat, NATIVE_CLASSMETHOD, NULL}, {0}};
static const NativeMethod datetime_methods[] = {COMMON,
                                                DATED,
                                                {"now", datetime_now, NATIVE_CLASSMETHOD, NULL},
                                                {"utcnow", datetime_now, NATIVE_CLASSMETHOD, NULL},
                                                {"today", datetime_now, NATIVE_CLASSMETHOD, NULL},
                                                {"fromisoformat", datetime_fromisoformat, NATIVE_CLASSMETHOD, NULL},
                                                {"date", datetime_date, NATIVE_METHOD, NULL},
                                                {"time", datetime_time, NATIVE_METHOD, NULL},
                                                {"astimezone", datetime_astimezone, NATIVE_METHOD, NULL},
                                                {"timestamp", datetime_timestamp, NATIVE_METHOD, NULL},
                                                {"utcoffset", datetime_utcoffset, NATIVE_METHOD, NULL},
                                                {"combine", datetime_combine, NATIVE_CLASSMETHOD, NULL},
                                                {"strptime", datetime_strptime, NATIVE_CLASSMETHOD, NULL},
                                                {"fromtimestamp", datetime_fromtimestamp, NATIVE_CLASSMETHOD, NULL},
                                                {0}};
static const NativeMethod timedelta_methods[] = {{"total_seconds", timedelta_total_seconds, NATIVE_METHOD, NULL},
                                                 {"__str__", timedelta_str, NATIVE_METHOD, NULL},
                                                 {0}};
static const NativeMethod timezone_methods[] = {{"__str__", zone_str, NATIVE_METHOD, NULL}, {0}};

/* The classes exist from the start, for values that natives make; the module binds them to their names. */
void datetimes_setup(Evaluator *ev) {
    static const struct {
        const Type *type;
        const NativeMethod *methods;
        Value *(*create)(Evaluator *, Class *, const Arguments *);
    } classes[] = {{&date_type, date_methods, date_create},
                   {&time_type, time_methods, time_create},
                   {&datetime_type, datetime_methods, datetime_create},
                   {&timedelta_type, timedelta_methods, timedelta_create},
                   {&timezone_type, timezone_methods, timezone_create}};
    for (size_t i = 0; i < sizeof classes / sizeof *classes; i++) {
        Class *base = classes[i].type == &datetime_type ? ev->builtins.kinds[VALUE_DATE] : ev->builtins.object;
        Class *cls = class_new(ev, evaluator_atom(ev, classes[i].type->name), evaluator_atom(ev, "datetime"), &base, 1);
        cls->instance_type = classes[i].type;
        cls->create = classes[i].create;
        class_define_methods(ev, cls, classes[i].methods);
        ev->builtins.kinds[classes[i].type->kind] = cls;
    }
    ev->builtins.utc = value_fixed_zone(ev, 0);
}

void datetime_setup(Evaluator *ev, ModuleValue *module) {
    static const ValueKind kinds[] = {VALUE_DATE, VALUE_TIME, VALUE_DATETIME, VALUE_TIMEDELTA, VALUE_TIMEZONE};
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        module_define(ev, module, builtin_types[kinds[i]]->name, &ev->builtins.kinds[kinds[i]]->head);
    module_define(ev, module, "tzinfo", &ev->builtins.kinds[VALUE_TIMEZONE]->head);
    module_define(ev, module, "UTC", ev->builtins.utc);
    module_define(ev, module, "MINYEAR", value_integer(ev, 1));
    module_define(ev, module, "MAXYEAR", value_integer(ev, 9999));
    atom_map_set(&ev->builtins.kinds[VALUE_TIMEZONE]->names, evaluator_atom(ev, "utc"), ev->builtins.utc);
    Value *zero = value_time(ev, 0, 0, 0, 0, NULL), *last = value_time(ev, 23, 59, 59, 999999, NULL);
    atom_map_set(&ev->builtins.kinds[VALUE_TIME]->names, evaluator_atom(ev, "min"), zero);
    atom_map_set(&ev->builtins.kinds[VALUE_TIME]->names, evaluator_atom(ev, "max"), last);
    AtomMap *both = &ev->builtins.kinds[VALUE_DATETIME]->names, *dates = &ev->builtins.kinds[VALUE_DATE]->names;
    DateTimeValue first = {.year = 1, .month = 1, .day = 1}, end = {.year = 9999,
                                                                    .month = 12,
                                                                    .day = 31,
                                                                    .hour = 23,
                                                                    .minute = 59,
                                                                    .second = 59,
                                                                    .microsecond = 999999};
    atom_map_set(both, evaluator_atom(ev, "min"), value_datetime(ev, &first));
    atom_map_set(both, evaluator_atom(ev, "max"), value_datetime(ev, &end));
    atom_map_set(dates, evaluator_atom(ev, "min"), value_date(ev, 1, 1, 1));
    atom_map_set(dates, evaluator_atom(ev, "max"), value_date(ev, 9999, 12, 31));
}

void zoneinfo_setup(Evaluator *ev, ModuleValue *module) {
    NativeClass spec = {
        .name = "ZoneInfo", .instance_type = &timezone_type, .methods = timezone_methods, .create = zoneinfo_create};
    module_define_class(ev, module, &spec, ev->builtins.kinds[VALUE_TIMEZONE]);
    module_define_exception(ev, module, "ZoneInfoNotFoundError", ev->builtins.exceptions[EXCEPTION_KEY],
                            CODE_VALUE_ERROR);
}
