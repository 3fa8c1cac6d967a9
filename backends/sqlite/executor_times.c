/*
 * The functions on dates and times that Django calls by name on SQLite: django_datetime_trunc and its kin.
 *
 *     django_datetime_trunc('month', '2024-05-17 12:30:45', 'Australia/Melbourne', 'UTC') → '2024-05-01 00:00:00'
 *
 * Arguments: what is wanted, the text, the zone it shall be read in (with an offset behind it: "UTC+05:00"), the zone
 * of the connection; NULL zones leave the time as it is. A text that is no date gives NULL.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backends/sqlite/executor_parts.h"

enum { ZONE_TEXT = 128 };

static const char *argument_text(sqlite3_value *value) {
    const Sqlite *sqlite = sqlite_of_worker();
    return sqlite->sqlite3_value_type(value) == SQLITE_NULL ? NULL : (const char *)sqlite->sqlite3_value_text(value);
}

static void result_text(sqlite3_context *context, const char *text) {
    sqlite_of_worker()->sqlite3_result_text(context, text, -1, SQLITE_TRANSIENT);
}

/* ---- reading */

/* Unsigned number up to a character that is no digit; false where there is none. */
static bool read_number(const char **text, int *number) {
    char *end;
    if (**text < '0' || **text > '9') return false;
    long value = strtol(*text, &end, 10);
    if (end - *text > 6) return false;
    *number = (int)value;
    *text = end;
    return true;
}

static bool skip(const char **text, char c) {
    if (**text != c) return false;
    ++*text;
    return true;
}

static bool read_date(const char **text, DateTime *out) {
    if (!read_number(text, &out->year) || !skip(text, '-') || !read_number(text, &out->month) || !skip(text, '-') ||
        !read_number(text, &out->day))
        return false;
    return out->year >= 1 && out->year <= 9999 && out->month >= 1 && out->month <= 12 && out->day >= 1 &&
           out->day <= 31;
}

/* hh:mm:ss with a fraction; an offset behind it is not looked at. */
static bool read_time(const char **text, DateTime *out) {
    if (!read_number(text, &out->hour) || !skip(text, ':') || !read_number(text, &out->minute) || !skip(text, ':') ||
        !read_number(text, &out->second))
        return false;
    if (skip(text, '.')) {
        int scale = 100000;
        for (; **text >= '0' && **text <= '9'; ++*text, scale /= 10) out->microsecond += (**text - '0') * scale;
    }
    return out->hour < 24 && out->minute < 60 && out->second < 60;
}

static bool read_datetime(const char *text, DateTime *out) {
    *out = (DateTime){0};
    if (!text || !read_date(&text, out)) return false;
    if (!*text) return true;
    return (skip(&text, ' ') || skip(&text, 'T')) && read_time(&text, out);
}

static void add_minutes(DateTime *time, int minutes) {
    int64_t total =
        days_from_civil(time->year, time->month, time->day) * 1440 + time->hour * 60 + time->minute + minutes;
    int64_t days = total >= 0 ? total / 1440 : -((1439 - total) / 1440);
    civil_from_days(days, time);
    time->hour = (int)(total - days * 1440) / 60;
    time->minute = (int)(total - days * 1440) % 60;
}

/* "Europe/Berlin" or "UTC+05:30": the name, and the minutes that are added to the time first. */
static void split_zone(const char *text, char *name, int *minutes) {
    snprintf(name, ZONE_TEXT, "%s", text);
    *minutes = 0;
    char *sign = strrchr(name, '+');
    if (!sign) sign = strrchr(name, '-');
    if (!sign || sign[1] < '0' || sign[1] > '9') return;
    char *end;
    long hours = strtol(sign + 1, &end, 10), rest = *end == ':' ? strtol(end + 1, NULL, 10) : 0;
    if (hours > 23 || rest > 59) return;
    *minutes = (int)(hours * 60 + rest) * (*sign == '-' ? -1 : 1);
    *sign = '\0';
}

/* Argument `first` is the text, the next two are zones. False: the answer is NULL or an error, and has been given. */
static bool read_local(sqlite3_context *context, int count, sqlite3_value **values, int first, DateTime *out) {
    const char *zone = count > first + 1 ? argument_text(values[first + 1]) : NULL;
    const char *own = count > first + 2 ? argument_text(values[first + 2]) : NULL;
    if (!read_datetime(argument_text(values[first]), out)) {
        sqlite_of_worker()->sqlite3_result_null(context);
        return false;
    }
    if (!zone || (own && strcmp(zone, own) == 0)) return true;
    char name[ZONE_TEXT];
    int minutes;
    split_zone(zone, name, &minutes);
    if (minutes) add_minutes(out, minutes);
    if (zone_convert(out, own ? own : "UTC", *name ? name : own ? own : "UTC")) return true;
    char message[ZONE_TEXT + 64];
    snprintf(message, sizeof message, "no time zone is called %s", zone);
    sqlite_of_worker()->sqlite3_result_error(context, message, -1);
    return false;
}

/* ---- truncating */

static void unsupported(sqlite3_context *context, const char *what) {
    char message[128];
    snprintf(message, sizeof message, "Unsupported lookup type: '%.60s'", what ? what : "");
    sqlite_of_worker()->sqlite3_result_error(context, message, -1);
}

static int weekday_of(const DateTime *t) { /* Monday is 0 */
    return (int)((days_from_civil(t->year, t->month, t->day) % 7 + 7 + 3) % 7);
}

/* False: not a unit of dates. */
static bool truncate_date(DateTime *t, const char *unit) {
    if (strcmp(unit, "year") == 0) t->month = t->day = 1;
    else if (strcmp(unit, "quarter") == 0) t->month -= (t->month - 1) % 3, t->day = 1;
    else if (strcmp(unit, "month") == 0) t->day = 1;
    else if (strcmp(unit, "week") == 0) civil_from_days(days_from_civil(t->year, t->month, t->day) - weekday_of(t), t);
    else if (strcmp(unit, "day") != 0) return false;
    t->hour = t->minute = t->second = 0;
    return true;
}

static bool truncate_time(DateTime *t, const char *unit) {
    if (strcmp(unit, "hour") == 0) t->minute = t->second = 0;
    else if (strcmp(unit, "minute") == 0) t->second = 0;
    else if (strcmp(unit, "second") != 0) return false;
    return true;
}

static void write_date(char *text, size_t size, const DateTime *t) {
    snprintf(text, size, "%04d-%02d-%02d", t->year, t->month, t->day);
}

static void date_trunc(sqlite3_context *context, int count, sqlite3_value **values) {
    DateTime t;
    const char *unit = argument_text(values[0]);
    if (!read_local(context, count, values, 1, &t)) return;
    if (!unit || !truncate_date(&t, unit)) {
        unsupported(context, unit);
        return;
    }
    char text[64];
    write_date(text, sizeof text, &t);
    result_text(context, text);
}

static void datetime_trunc(sqlite3_context *context, int count, sqlite3_value **values) {
    DateTime t;
    const char *unit = argument_text(values[0]);
    if (!read_local(context, count, values, 1, &t)) return;
    if (!unit || (!truncate_date(&t, unit) && !truncate_time(&t, unit))) {
        unsupported(context, unit);
        return;
    }
    char text[96];
    snprintf(text, sizeof text, "%04d-%02d-%02d %02d:%02d:%02d", t.year, t.month, t.day, t.hour, t.minute, t.second);
    result_text(context, text);
}

static void time_trunc(sqlite3_context *context, int count, sqlite3_value **values) {
    DateTime t = {0};
    const char *unit = argument_text(values[0]), *given = argument_text(values[1]);
    if (!given || !read_datetime(given, &t)) {
        t = (DateTime){0};
        if (!given || !read_time(&given, &t)) {
            sqlite_of_worker()->sqlite3_result_null(context);
            return;
        }
    } else if (!read_local(context, count, values, 1, &t)) {
        return;
    }
    if (!unit || !truncate_time(&t, unit)) {
        unsupported(context, unit);
        return;
    }
    char text[48];
    snprintf(text, sizeof text, "%02d:%02d:%02d", t.hour, t.minute, t.second);
    result_text(context, text);
}

static void cast_date(sqlite3_context *context, int count, sqlite3_value **values) {
    DateTime t;
    if (!read_local(context, count, values, 0, &t)) return;
    char text[64];
    write_date(text, sizeof text, &t);
    result_text(context, text);
}

static void cast_time(sqlite3_context *context, int count, sqlite3_value **values) {
    DateTime t;
    if (!read_local(context, count, values, 0, &t)) return;
    char text[64];
    int length = snprintf(text, sizeof text, "%02d:%02d:%02d", t.hour, t.minute, t.second);
    if (t.microsecond) snprintf(text + length, sizeof text - (size_t)length, ".%06d", t.microsecond);
    result_text(context, text);
}

/* ---- parts */

static void iso_week(const DateTime *t, int *year, int *week) {
    int64_t days = days_from_civil(t->year, t->month, t->day), thursday = days - weekday_of(t) + 3;
    DateTime middle = {0};
    civil_from_days(thursday, &middle);
    *year = middle.year;
    *week = (int)(thursday - days_from_civil(middle.year, 1, 1)) / 7 + 1;
}

static bool part_of(const DateTime *t, const char *part, int *number) {
    int iso_year, week;
    iso_week(t, &iso_year, &week);
    const struct {
        const char *name;
        int value;
    } parts[] = {{"year", t->year},
                 {"month", t->month},
                 {"day", t->day},
                 {"hour", t->hour},
                 {"minute", t->minute},
                 {"second", t->second},
                 {"microsecond", t->microsecond},
                 {"week_day", (weekday_of(t) + 1) % 7 + 1},
                 {"iso_week_day", weekday_of(t) + 1},
                 {"week", week},
                 {"quarter", (t->month + 2) / 3},
                 {"iso_year", iso_year}};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        if (strcmp(parts[i].name, part) != 0) continue;
        *number = parts[i].value;
        return true;
    }
    return false;
}

static void answer_part(sqlite3_context *context, const DateTime *t, const char *part) {
    int number;
    if (part && part_of(t, part, &number)) sqlite_of_worker()->sqlite3_result_int64(context, number);
    else unsupported(context, part);
}

static void datetime_extract(sqlite3_context *context, int count, sqlite3_value **values) {
    DateTime t;
    if (read_local(context, count, values, 1, &t)) answer_part(context, &t, argument_text(values[0]));
}

static void time_extract(sqlite3_context *context, int count, sqlite3_value **values) {
    (void)count;
    DateTime t = {.year = 1, .month = 1, .day = 1};
    const char *text = argument_text(values[1]);
    if (text && read_time(&text, &t)) answer_part(context, &t, argument_text(values[0]));
    else sqlite_of_worker()->sqlite3_result_null(context);
}

/* ---- differences, in microseconds */

static int64_t microseconds_of(const DateTime *t) {
    int64_t days = t->year ? days_from_civil(t->year, t->month, t->day) : 0;
    return ((days * 24 + t->hour) * 3600 + t->minute * 60 + t->second) * INT64_C(1000000) + t->microsecond;
}

static void time_diff(sqlite3_context *context, int count, sqlite3_value **values) {
    (void)count;
    DateTime left = {0}, right = {0};
    const char *a = argument_text(values[0]), *b = argument_text(values[1]);
    if (a && b && read_time(&a, &left) && read_time(&b, &right))
        sqlite_of_worker()->sqlite3_result_int64(context, microseconds_of(&left) - microseconds_of(&right));
    else sqlite_of_worker()->sqlite3_result_null(context);
}

static void timestamp_diff(sqlite3_context *context, int count, sqlite3_value **values) {
    (void)count;
    DateTime left, right;
    if (read_datetime(argument_text(values[0]), &left) && read_datetime(argument_text(values[1]), &right))
        sqlite_of_worker()->sqlite3_result_int64(context, microseconds_of(&left) - microseconds_of(&right));
    else sqlite_of_worker()->sqlite3_result_null(context);
}

int sqlite_time_functions_register(const Sqlite *sqlite, sqlite3 *db) {
    static const struct {
        const char *name;
        int arguments;
        void (*call)(sqlite3_context *, int, sqlite3_value **);
    } functions[] = {{"django_date_extract", 2, datetime_extract},
                     {"django_date_trunc", 4, date_trunc},
                     {"django_datetime_cast_date", 3, cast_date},
                     {"django_datetime_cast_time", 3, cast_time},
                     {"django_datetime_extract", 4, datetime_extract},
                     {"django_datetime_trunc", 4, datetime_trunc},
                     {"django_time_extract", 2, time_extract},
                     {"django_time_trunc", 4, time_trunc},
                     {"django_time_diff", 2, time_diff},
                     {"django_timestamp_diff", 2, timestamp_diff}};
    int code = SQLITE_OK;
    for (size_t i = 0; i < sizeof functions / sizeof *functions && code == SQLITE_OK; i++)
        code = sqlite->sqlite3_create_function_v2(db, functions[i].name, functions[i].arguments,
                                                  SQLITE_UTF8 | SQLITE_DETERMINISTIC, NULL, functions[i].call, NULL,
                                                  NULL, NULL);
    return code;
}
