/*
 * Dates and times by dialect. See datetime.h.
 *
 *     expr_extract(…, "second", DATETIME, x, "UTC")
 *         PostgreSQL   EXTRACT(SECOND FROM DATE_TRUNC($1, x AT TIME ZONE $2))
 *         SQLite       CAST(SUBSTR(x, 18, 2) AS INTEGER)
 *         MySQL        EXTRACT(SECOND FROM x)
 */
#include "compiler/query/datetime.h"

#include <ctype.h>

/* ---- parameters ---- */

static Expr *text_param(Arena *arena, Slice text) {
    Param *param = ARENA_NEW(arena, Param);
    param->type = SQL_TEXT;
    param->value = (Literal){.kind = LITERAL_TEXT, .text = text};
    return expr_param(arena, param);
}

/* ---- zones ---- */

/* "UTC-05:30" → sign '-' and "05:30"; no offset: sign 0. A bare hour gets its minutes. */
typedef struct ZoneOffset {
    Slice name, offset;
    char sign;
} ZoneOffset;

static bool is_time_text(Slice text) {
    if (text.length < 2 || !isdigit((unsigned char)text.start[0]) || !isdigit((unsigned char)text.start[1]))
        return false;
    return text.length == 2 || text.start[2] == ':';
}

static ZoneOffset zone_split(Arena *arena, Slice zone) {
    for (const char *sign = "+-"; *sign; sign++) {
        size_t at = zone.length;
        while (at > 0 && zone.start[at - 1] != *sign) at--;
        if (!at) continue;
        Slice offset = slice_sub(zone, at, zone.length);
        if (!is_time_text(offset)) continue;
        if (slice_find(offset, ':') == offset.length) offset = slice_format(arena, "%.*s:00", SLICE_ARGS(offset));
        return (ZoneOffset){slice_sub(zone, 0, at - 1), offset, *sign};
    }
    return (ZoneOffset){.name = zone};
}

/* PostgreSQL counts POSIX offsets westwards: the sign turns round. */
static Slice zone_postgresql(Arena *arena, Slice zone) {
    ZoneOffset split = zone_split(arena, zone);
    if (!split.sign) return zone;
    return slice_format(arena, "%.*s%c%.*s", SLICE_ARGS(split.name), split.sign == '+' ? '-' : '+',
                        SLICE_ARGS(split.offset));
}

static Slice zone_mysql(Arena *arena, Slice zone) {
    ZoneOffset split = zone_split(arena, zone);
    return split.sign ? slice_format(arena, "%c%.*s", split.sign, SLICE_ARGS(split.offset)) : zone;
}

/* "-10", "+0530": a zone that is nothing but an offset, as minutes for SQLite's modifiers; empty: no such zone. */
static Slice zone_minutes(Arena *arena, Slice zone) {
    if (zone.length < 3 || (zone.start[0] != '+' && zone.start[0] != '-')) return (Slice){0};
    int digits[4] = {0};
    for (size_t i = 1, at = 0; i < zone.length; i++) {
        if (zone.start[i] == ':') continue;
        if (!isdigit((unsigned char)zone.start[i]) || at == 4) return (Slice){0};
        digits[at++] = zone.start[i] - '0';
    }
    int minutes = (digits[0] * 10 + digits[1]) * 60 + digits[2] * 10 + digits[3];
    return slice_format(arena, "%c%d minutes", zone.start[0], minutes);
}

/* The operand in the wanted zone, where the database itself converts. */
static Expr *in_zone(Arena *arena, const Dialect *dialect, Expr *operand, Slice zone) {
    if (!zone.length) return operand;
    if (dialect->is_mysql) {
        if (slice_equals_text(zone, "UTC")) return operand;
        return expr_function(arena, FUNCTION_AT_ZONE, operand->type, 3, operand, text_param(arena, SLICE("UTC")),
                             text_param(arena, zone_mysql(arena, zone)));
    }
    if (dialect->id == DIALECT_POSTGRESQL)
        return expr_function(arena, FUNCTION_AT_ZONE, operand->type, 2, operand,
                             text_param(arena, zone_postgresql(arena, zone)));
    Slice minutes = zone_minutes(arena, zone);
    if (!minutes.length) return operand;
    Expr *shifted = expr_function(arena, FUNCTION_SHIFTED, operand->type, 1, operand);
    shifted->as.function.extra = minutes;
    return shifted;
}

/* Does plain SQL not suffice on this database? */
static bool needs_registered(Arena *arena, const Dialect *dialect, Slice zone) {
    return dialect->id == DIALECT_SQLITE && zone.length && !slice_equals_text(zone, "UTC") &&
           !zone_minutes(arena, zone).length;
}

static Expr *null_param(Arena *arena) {
    Param *param = ARENA_NEW(arena, Param);
    param->type = SQL_TEXT;
    return expr_param(arena, param);
}

/*
 * On SQLite: how Django itself would write the function, for statements that need one of its registered functions
 * anyway. `name` stands in the node's extra text, further arguments behind those that the template uses: the unit
 * (unless there is none), the zone and the connection's zone.
 */
static Expr *with_registered(Arena *arena, const Dialect *dialect, Expr *plain, const char *name, Slice unit,
                             bool zones, Slice zone) {
    if (dialect->id != DIALECT_SQLITE) return plain;
    plain->as.function.extra = slice_from(name);
    if (unit.length) expr_list_push(arena, &plain->args, text_param(arena, unit));
    for (int i = 0; i < 2 && zones; i++)
        expr_list_push(arena, &plain->args,
                       zone.length ? text_param(arena, i ? SLICE("UTC") : zone) : null_param(arena));
    return plain;
}

/* django_…(unit?, operand, zone, 'UTC'), Django's own function on SQLite. */
static Expr *registered_call(Arena *arena, const char *name, Slice unit, Expr *operand, Slice zone, SqlType type) {
    Expr *call = expr_call(arena, slice_from(name), type, 0);
    if (unit.length) expr_list_push(arena, &call->args, text_param(arena, unit));
    expr_list_push(arena, &call->args, operand);
    expr_list_push(arena, &call->args, text_param(arena, zone));
    expr_list_push(arena, &call->args, text_param(arena, SLICE("UTC")));
    return call;
}

/* ---- extract ---- */

static const struct {
    const char *unit;
    FunctionId id;
} extracts[] = {
    {"year", FUNCTION_EXTRACT_YEAR},         {"iso_year", FUNCTION_EXTRACT_ISO_YEAR},
    {"quarter", FUNCTION_EXTRACT_QUARTER},   {"month", FUNCTION_EXTRACT_MONTH},
    {"day", FUNCTION_EXTRACT_DAY},           {"week", FUNCTION_EXTRACT_WEEK},
    {"week_day", FUNCTION_EXTRACT_WEEK_DAY}, {"iso_week_day", FUNCTION_EXTRACT_ISO_WEEK_DAY},
    {"hour", FUNCTION_EXTRACT_HOUR},         {"minute", FUNCTION_EXTRACT_MINUTE},
    {"second", FUNCTION_EXTRACT_SECOND},     {"microsecond", FUNCTION_EXTRACT_MICROSECOND},
};

static FunctionId extract_id(Slice unit, SqlType source) {
    if (source == SQL_TIME) {
        if (slice_equals_text(unit, "hour")) return FUNCTION_TIME_HOUR;
        if (slice_equals_text(unit, "minute")) return FUNCTION_TIME_MINUTE;
        if (slice_equals_text(unit, "second")) return FUNCTION_TIME_SECOND;
    }
    for (size_t i = 0; i < sizeof extracts / sizeof *extracts; i++)
        if (slice_equals_text(unit, extracts[i].unit)) return extracts[i].id;
    return FUNCTION_EXTRACT_OTHER;
}

static Slice upper_case(Arena *arena, Slice text) {
    char *copy = arena_allocate(arena, text.length + 1);
    for (size_t i = 0; i < text.length; i++) copy[i] = (char)toupper((unsigned char)text.start[i]);
    return (Slice){copy, text.length};
}

static const char *registered_extract(SqlType source) {
    if (source == SQL_DATE) return "django_date_extract";
    return source == SQL_TIME ? "django_time_extract" : "django_datetime_extract";
}

/* A part that plain SQL does not know: Django's function is asked, whatever it says. */
static Expr *unknown_extract(Arena *arena, Slice unit, SqlType source, Expr *operand) {
    Expr *call =
        expr_call(arena, slice_from(registered_extract(source)), SQL_INTEGER, 2, text_param(arena, unit), operand);
    for (int i = 0; i < 2 && source == SQL_DATETIME; i++) expr_list_push(arena, &call->args, null_param(arena));
    return call;
}

Expr *expr_extract(Arena *arena, const Dialect *dialect, Slice unit, SqlType source, Expr *operand, Slice zone) {
    if (needs_registered(arena, dialect, zone))
        return registered_call(arena, "django_datetime_extract", unit, operand, zone, SQL_INTEGER);
    FunctionId id = extract_id(unit, source);
    if (id == FUNCTION_EXTRACT_OTHER && dialect->id == DIALECT_SQLITE)
        return unknown_extract(arena, unit, source, operand);
    operand = in_zone(arena, dialect, operand, zone);
    bool second = id == FUNCTION_EXTRACT_SECOND || id == FUNCTION_TIME_SECOND;
    if (second && dialect->id == DIALECT_POSTGRESQL && source != SQL_DATE)
        operand = expr_function(arena, FUNCTION_DATETIME_TRUNC_SECOND, operand->type, 2, operand,
                                text_param(arena, SLICE("second")));
    Expr *extract = expr_function(arena, id, SQL_INTEGER, 1, operand);
    extract->as.function.extra = upper_case(arena, unit);
    return with_registered(arena, dialect, extract, registered_extract(source), unit, source == SQL_DATETIME, zone);
}

/* ---- truncate ---- */

/* A row for each unit: the function by type of the output, and MySQL's formats of date and time. */
static const struct {
    const char *unit;
    FunctionId date, datetime, time;
    const char *mysql_date, *mysql_datetime, *mysql_time;
} truncations[] = {
    {"year", FUNCTION_DATE_TRUNC_YEAR, FUNCTION_DATETIME_TRUNC_YEAR, FUNCTION_TIME_TRUNC_DAY, "%Y-01-01",
     "%Y-01-01 00:00:00", NULL},
    {"quarter", FUNCTION_DATE_TRUNC_QUARTER, FUNCTION_DATETIME_TRUNC_QUARTER, FUNCTION_TIME_TRUNC_DAY, NULL,
     "%Y-%m-01 00:00:00", NULL},
    {"month", FUNCTION_DATE_TRUNC_MONTH, FUNCTION_DATETIME_TRUNC_MONTH, FUNCTION_TIME_TRUNC_DAY, "%Y-%m-01",
     "%Y-%m-01 00:00:00", NULL},
    {"week", FUNCTION_DATE_TRUNC_WEEK, FUNCTION_DATETIME_TRUNC_WEEK, FUNCTION_TIME_TRUNC_DAY, NULL, "%Y-%m-%d 00:00:00",
     NULL},
    {"day", FUNCTION_DATE_TRUNC_DAY, FUNCTION_DATETIME_TRUNC_DAY, FUNCTION_TIME_TRUNC_DAY, NULL, "%Y-%m-%d 00:00:00",
     NULL},
    {"hour", FUNCTION_DATE_TRUNC_DAY, FUNCTION_DATETIME_TRUNC_HOUR, FUNCTION_TIME_TRUNC_HOUR, NULL, "%Y-%m-%d %H:00:00",
     "%H:00:00"},
    {"minute", FUNCTION_DATE_TRUNC_DAY, FUNCTION_DATETIME_TRUNC_MINUTE, FUNCTION_TIME_TRUNC_MINUTE, NULL,
     "%Y-%m-%d %H:%i:00", "%H:%i:00"},
    {"second", FUNCTION_DATE_TRUNC_DAY, FUNCTION_DATETIME_TRUNC_SECOND, FUNCTION_TIME_TRUNC_SECOND, NULL,
     "%Y-%m-%d %H:%i:%s", "%H:%i:%s"},
};

static size_t truncation_find(Slice unit) {
    size_t count = sizeof truncations / sizeof *truncations;
    for (size_t i = 0; i < count; i++)
        if (slice_equals_text(unit, truncations[i].unit)) return i;
    return count;
}

static const char *registered_truncation(SqlType output) {
    if (output == SQL_DATE) return "django_date_trunc";
    return output == SQL_TIME ? "django_time_trunc" : "django_datetime_trunc";
}

/* The template's {1}: the unit, or a format on MySQL. */
static Expr *truncation_argument(Arena *arena, const Dialect *dialect, size_t row, SqlType output) {
    if (!dialect->is_mysql) return text_param(arena, slice_from(truncations[row].unit));
    const char *format = truncations[row].mysql_datetime;
    if (output == SQL_DATE) format = truncations[row].mysql_date;
    if (output == SQL_TIME) format = truncations[row].mysql_time;
    return format ? text_param(arena, slice_from(format)) : NULL;
}

/* A unit that PostgreSQL alone may know: MySQL gets the value, or what of it the type keeps. */
static Expr *truncate_unknown(Arena *arena, const Dialect *dialect, Slice unit, SqlType output, Expr *operand) {
    if (!dialect->is_mysql)
        return expr_function(arena, FUNCTION_DATETIME_TRUNC_OTHER, output, 2, operand, text_param(arena, unit));
    if (output == SQL_DATETIME) return operand;
    return expr_function(arena, output == SQL_DATE ? FUNCTION_CAST_DATE : FUNCTION_CAST_TIME, output, 1, operand);
}

Expr *expr_truncate(Arena *arena, const Dialect *dialect, Slice unit, SqlType source, SqlType output, Expr *operand,
                    Slice zone) {
    if (needs_registered(arena, dialect, zone))
        return registered_call(arena, registered_truncation(output), unit, operand, zone, output);
    size_t row = truncation_find(unit);
    bool known = row < sizeof truncations / sizeof *truncations;
    if (!known && dialect->id == DIALECT_SQLITE)
        return registered_call(arena, registered_truncation(output), unit, operand, zone, output);
    operand = in_zone(arena, dialect, operand, zone);
    if (!known) return truncate_unknown(arena, dialect, unit, output, operand);
    FunctionId id = truncations[row].datetime;
    if (output == SQL_DATE) id = truncations[row].date;
    if (output == SQL_TIME) id = truncations[row].time;
    if (output == SQL_TIME && source == SQL_DATETIME && dialect->id == DIALECT_SQLITE)
        operand = expr_function(arena, FUNCTION_CAST_TIME, SQL_TIME, 1, operand);
    Expr *truncated = expr_function(arena, id, output, 1, operand);
    Expr *argument = truncation_argument(arena, dialect, row, output);
    if (argument) expr_list_push(arena, &truncated->args, argument);
    return with_registered(arena, dialect, truncated, registered_truncation(output), (Slice){0}, true, zone);
}

/* ---- parts, differences, durations ---- */

Expr *expr_datetime_part(Arena *arena, const Dialect *dialect, SqlType output, Expr *operand, Slice zone) {
    bool date = output == SQL_DATE;
    if (needs_registered(arena, dialect, zone)) {
        const char *name = date ? "django_datetime_cast_date" : "django_datetime_cast_time";
        return registered_call(arena, name, (Slice){0}, operand, zone, output);
    }
    Expr *part = expr_function(arena, date ? FUNCTION_CAST_DATE : FUNCTION_CAST_TIME, output, 1,
                               in_zone(arena, dialect, operand, zone));
    return with_registered(arena, dialect, part, date ? "django_datetime_cast_date" : "django_datetime_cast_time",
                           (Slice){0}, true, zone);
}

Expr *expr_temporal_difference(Arena *arena, const Dialect *dialect, SqlType type, Expr *left, Expr *right) {
    FunctionId id = FUNCTION_DATETIME_DIFF;
    if (type == SQL_DATE) id = FUNCTION_DATE_DIFF;
    if (type == SQL_TIME) id = FUNCTION_TIME_DIFF;
    Expr *difference = expr_function(arena, id, SQL_INTERVAL, 2, left, right);
    return with_registered(arena, dialect, difference, type == SQL_TIME ? "django_time_diff" : "django_timestamp_diff",
                           (Slice){0}, false, (Slice){0});
}

static Expr *as_interval(Arena *arena, const Dialect *dialect, Expr *side) {
    if (side->type != SQL_INTERVAL || !dialect->is_mysql) return side;
    return expr_function(arena, FUNCTION_AS_INTERVAL, SQL_INTERVAL, 1, side);
}

static OperatorId duration_operator(char op) {
    switch (op) {
    case '+': return OPERATOR_DURATION_ADD;
    case '-': return OPERATOR_DURATION_SUBTRACT;
    case '*': return OPERATOR_DURATION_MULTIPLY;
    }
    return OPERATOR_DURATION_DIVIDE;
}

Expr *expr_duration_operation(Arena *arena, const Dialect *dialect, char op, Expr *left, Expr *right, SqlType output) {
    if (dialect->id != DIALECT_SQLITE || op == '*' || op == '/')
        return expr_binary(arena, duration_operator(op), as_interval(arena, dialect, left),
                           as_interval(arena, dialect, right), output);
    /* on SQLite the moment comes first, whatever the order was; a time of day and a duration give NULL, as in Django */
    Expr *moment = left->type == SQL_INTERVAL ? right : left;
    Expr *duration = left->type == SQL_INTERVAL ? left : right;
    if (moment->type == SQL_TIME) return expr_new(arena, EXPR_NULL, output);
    FunctionId id = op == '+' ? FUNCTION_DATETIME_PLUS : FUNCTION_DATETIME_MINUS;
    if (moment->type == SQL_DATE) id = op == '+' ? FUNCTION_DATE_PLUS : FUNCTION_DATE_MINUS;
    return expr_function(arena, id, output, 2, moment, duration);
}
