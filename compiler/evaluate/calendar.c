/* Calendar arithmetic and time zones. See calendar.h. */
#include "compiler/evaluate/calendar.h"

#include <stdio.h>
#include <stdlib.h>

#include "compiler/evaluate/internal.h"

enum { ZONE_FILE_MOST = 64 * 1024 };
#define SECOND INT64_C(1000000)
#define DAY (86400 * SECOND)

int64_t calendar_days(int64_t year, int month, int day) {
    year -= month <= 2;
    int64_t era = (year >= 0 ? year : year - 399) / 400;
    int64_t of_era = year - era * 400, of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

void calendar_date(int64_t days, int *year, int *month, int *day) {
    days += 719468;
    int64_t era = (days >= 0 ? days : days - 146096) / 146097, of_era = days - era * 146097;
    int64_t years = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
    int64_t of_year = of_era - (365 * years + years / 4 - years / 100), shifted = (5 * of_year + 2) / 153;
    *day = (int)(of_year - (153 * shifted + 2) / 5 + 1);
    *month = (int)(shifted < 10 ? shifted + 3 : shifted - 9);
    *year = (int)(years + era * 400 + (*month <= 2));
}

static int calendar_month_days(int year, int month) {
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    return month == 2 && leap ? 29 : days[month - 1];
}

bool calendar_valid(int64_t year, int64_t month, int64_t day) {
    return year >= 1 && year <= 9999 && month >= 1 && month <= 12 && day >= 1 &&
           day <= calendar_month_days((int)year, (int)month);
}

int64_t datetime_ticks(const DateTimeValue *value) {
    int64_t seconds = (value->hour * 60 + value->minute) * 60 + value->second;
    return calendar_days(value->year, value->month, value->day) * DAY + seconds * SECOND + value->microsecond;
}

void datetime_from_ticks(int64_t ticks, DateTimeValue *parts) {
    int64_t days = ticks / DAY, rest = ticks % DAY;
    if (rest < 0) days--, rest += DAY;
    calendar_date(days, &parts->year, &parts->month, &parts->day);
    parts->microsecond = (int)(rest % SECOND);
    int seconds = (int)(rest / SECOND);
    parts->hour = seconds / 3600;
    parts->minute = seconds / 60 % 60;
    parts->second = seconds % 60;
}

/* ---- the tz database ---- */

typedef struct ZoneFile {
    const unsigned char *times, *kinds, *types;
    int64_t time_count, type_count;
    const char *rule; /* the POSIX rule behind the last transition */
    size_t rule_length;
} ZoneFile;

static int64_t big_endian(const unsigned char *bytes, int size) {
    uint64_t value = bytes[0] & 0x80 ? UINT64_MAX : 0;
    for (int i = 0; i < size; i++) value = value << 8 | bytes[i];
    return (int64_t)value;
}

static bool zone_name_is_safe(Slice name) {
    if (!name.length || name.length > 64 || name.start[0] == '/') return false;
    for (size_t i = 0; i < name.length; i++) {
        char c = name.start[i];
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        if (!letter && c != '/' && c != '_' && c != '-' && c != '+') return false;
    }
    return true;
}

static unsigned char *zone_read(Evaluator *ev, Slice name, size_t *length) {
    static const char *const roots[] = {"/usr/share/zoneinfo", "/usr/lib/zoneinfo", "/usr/share/lib/zoneinfo"};
    for (size_t i = 0; zone_name_is_safe(name) && i < sizeof roots / sizeof *roots; i++) {
        Slice path = slice_format(ev->arena, "%s/%.*s", roots[i], SLICE_ARGS(name));
        FILE *file = fopen(slice_terminated(ev->arena, path), "rb");
        if (!file) continue;
        unsigned char *bytes = arena_allocate(ev->arena, ZONE_FILE_MOST);
        *length = fread(bytes, 1, ZONE_FILE_MOST, file);
        fclose(file);
        if (*length > 44 && memcmp(bytes, "TZif", 4) == 0) return bytes;
    }
    return NULL;
}

/* The 64-bit part of a TZif file (RFC 9636). */
static bool zone_open(Evaluator *ev, Slice name, ZoneFile *zone) {
    size_t length;
    const unsigned char *bytes = zone_read(ev, name, &length);
    if (!bytes) return false;
    size_t at = 0;
    for (int part = 0; part < 2; part++) {
        if (at + 44 > length) return false;
        int64_t isut = big_endian(bytes + at + 20, 4), isstd = big_endian(bytes + at + 24, 4),
                leap = big_endian(bytes + at + 28, 4);
        zone->time_count = big_endian(bytes + at + 32, 4);
        zone->type_count = big_endian(bytes + at + 36, 4);
        int64_t chars = big_endian(bytes + at + 40, 4);
        int size = part ? 8 : 4;
        zone->times = bytes + at + 44;
        zone->kinds = zone->times + zone->time_count * size;
        zone->types = zone->kinds + zone->time_count;
        at = (size_t)(zone->types - bytes) + (size_t)(zone->type_count * 6 + chars + leap * (size + 4) + isstd + isut);
    }
    if (at + 1 > length) return false;
    zone->rule = (const char *)bytes + at + 1;
    zone->rule_length = length - at - 1;
    size_t end = slice_find((Slice){zone->rule, zone->rule_length}, '\n');
    zone->rule_length = end;
    return zone->type_count > 0;
}

static int zone_type_offset(const ZoneFile *zone, int type) { return (int)big_endian(zone->types + type * 6, 4); }

/* "3", "-2:30", "<+03>-3" */
static const char *rule_number(const char *at, int *seconds) {
    int sign = *at == '-' ? -1 : 1, parts[3] = {0};
    if (*at == '-' || *at == '+') at++;
    for (int i = 0; i < 3; i++) {
        while (*at >= '0' && *at <= '9') parts[i] = parts[i] * 10 + *at++ - '0';
        if (*at != ':') break;
        at++;
    }
    *seconds = sign * (parts[0] * 3600 + parts[1] * 60 + parts[2]);
    return at;
}

static const char *rule_name(const char *at) {
    if (*at == '<') {
        while (*at && *at != '>') at++;
        return *at ? at + 1 : at;
    }
    while ((*at >= 'A' && *at <= 'Z') || (*at >= 'a' && *at <= 'z')) at++;
    return at;
}

/* M3.2.0/2 in a year: seconds of the local clock from the epoch. */
static const char *rule_moment(const char *at, int year, int64_t *moment) {
    int numbers[3] = {0}, time = 7200;
    if (*at == ',') at++;
    if (*at != 'M') return at;
    at++;
    for (int i = 0; i < 3; i++) {
        while (*at >= '0' && *at <= '9') numbers[i] = numbers[i] * 10 + *at++ - '0';
        if (*at == '.') at++;
    }
    if (*at == '/') at = rule_number(at + 1, &time);
    if (numbers[0] < 1 || numbers[0] > 12) return at;
    int64_t first = calendar_days(year, numbers[0], 1);
    int weekday = (int)(((first + 4) % 7 + 7) % 7);
    int day = 1 + (numbers[2] - weekday + 7) % 7 + (numbers[1] - 1) * 7;
    while (day > calendar_month_days(year, numbers[0])) day -= 7;
    *moment = (first + day - 1) * 86400 + time;
    return at;
}

static int rule_offset(Evaluator *ev, const ZoneFile *zone, int64_t utc) {
    const char *at = slice_terminated(ev->arena, (Slice){zone->rule, zone->rule_length});
    int standard = 0, summer;
    at = rule_number(rule_name(at), &standard);
    standard = -standard;
    if (!*at) return standard;
    at = rule_name(at);
    summer = standard + 3600;
    if (*at && *at != ',') {
        at = rule_number(at, &summer);
        summer = -summer;
    }
    DateTimeValue parts;
    datetime_from_ticks((utc + standard) * SECOND, &parts);
    int64_t start = 0, end = 0;
    at = rule_moment(at, parts.year, &start);
    rule_moment(at, parts.year, &end);
    start -= standard;
    end -= summer;
    bool is_summer = start < end ? utc >= start && utc < end : utc >= start || utc < end;
    return is_summer ? summer : standard;
}

static int zone_file_offset(Evaluator *ev, const ZoneFile *zone, int64_t utc) {
    int64_t low = 0, high = zone->time_count;
    while (low < high) {
        int64_t middle = (low + high) / 2;
        if (big_endian(zone->times + middle * 8, 8) <= utc) low = middle + 1;
        else high = middle;
    }
    if (low == zone->time_count && zone->rule_length) return rule_offset(ev, zone, utc);
    return zone_type_offset(zone, low ? zone->kinds[low - 1] : 0);
}

/* A zone that never changes has one abbreviation, which names it. */
Slice zone_title(Evaluator *ev, const Value *zone) {
    const TimeZoneValue *value = (const TimeZoneValue *)zone;
    ZoneFile file;
    if (value->fixed || !zone_open(ev, value->name, &file) || file.time_count || file.type_count != 1)
        return value->name;
    const char *text = (const char *)file.types + 6 + file.types[5];
    return slice_copy(ev->arena, slice_from(text));
}

/* … at this instant (ticks in UTC). */
static bool zone_offset_utc(Evaluator *ev, const Value *zone, int64_t utc_ticks, int *seconds) {
    const TimeZoneValue *value = (const TimeZoneValue *)zone;
    if (value->fixed) {
        *seconds = value->offset;
        return true;
    }
    ZoneFile file;
    if (!zone_open(ev, value->name, &file)) return false;
    int64_t utc = utc_ticks / SECOND;
    if (utc_ticks % SECOND < 0) utc--;
    *seconds = zone_file_offset(ev, &file, utc);
    return true;
}

bool zone_offset_local(Evaluator *ev, const Value *zone, int64_t local_ticks, int fold, int *seconds) {
    const TimeZoneValue *value = (const TimeZoneValue *)zone;
    if (value->fixed) {
        *seconds = value->offset;
        return true;
    }
    ZoneFile file;
    if (!zone_open(ev, value->name, &file)) return false;
    int64_t local = local_ticks / SECOND;
    if (local_ticks % SECOND < 0) local--;
    /* The offsets a day before and after: the one that gives this wall time. `fold` decides where both do, and where
     * neither does (a time that the clock skips). */
    int before = zone_file_offset(ev, &file, local - 86400), after = zone_file_offset(ev, &file, local + 86400);
    bool early = zone_file_offset(ev, &file, local - before) == before;
    bool late = zone_file_offset(ev, &file, local - after) == after;
    if (early == late) *seconds = fold ? after : before;
    else *seconds = early ? before : after;
    return true;
}

Value *datetime_in_zone(Evaluator *ev, const DateTimeValue *value, Value *zone, const Node *site) {
    int seconds = 0;
    if (value->zone && !zone_offset_local(ev, value->zone, datetime_ticks(value), value->fold, &seconds))
        return evaluator_raise_id(ev, EXCEPTION_KEY, site, "'No time zone found with key %.*s'",
                                  SLICE_ARGS(((const TimeZoneValue *)value->zone)->name));
    int64_t utc = datetime_ticks(value) - seconds * SECOND;
    seconds = 0;
    if (zone && !zone_offset_utc(ev, zone, utc, &seconds))
        return evaluator_raise_id(ev, EXCEPTION_KEY, site, "'No time zone found with key %.*s'",
                                  SLICE_ARGS(((const TimeZoneValue *)zone)->name));
    DateTimeValue parts = {.zone = zone};
    datetime_from_ticks(utc + seconds * SECOND, &parts);
    return value_datetime(ev, &parts);
}

/* ---- text ---- */

static void put_clock(Buffer *out, int hour, int minute, int second, int microsecond) {
    buffer_format(out, "%02d:%02d:%02d", hour, minute, second);
    if (microsecond) buffer_format(out, ".%06d", microsecond);
}

static void put_offset(Buffer *out, int seconds) {
    int size = seconds < 0 ? -seconds : seconds;
    buffer_format(out, "%c%02d:%02d", seconds < 0 ? '-' : '+', size / 3600, size / 60 % 60);
    if (size % 60) buffer_format(out, ":%02d", size % 60);
}

Slice date_isoformat(Evaluator *ev, const DateValue *value) {
    return slice_format(ev->arena, "%04d-%02d-%02d", value->year, value->month, value->day);
}

Slice time_isoformat(Evaluator *ev, const TimeValue *value) {
    Buffer out;
    buffer_init(&out, ev->arena);
    put_clock(&out, value->hour, value->minute, value->second, value->microsecond);
    int seconds;
    if (value->zone && ((TimeZoneValue *)value->zone)->fixed && zone_offset_utc(ev, value->zone, 0, &seconds))
        put_offset(&out, seconds);
    return buffer_view(&out);
}

Slice datetime_isoformat(Evaluator *ev, const DateTimeValue *value, char separator) {
    Buffer out;
    buffer_init(&out, ev->arena);
    buffer_format(&out, "%04d-%02d-%02d%c", value->year, value->month, value->day, separator);
    put_clock(&out, value->hour, value->minute, value->second, value->microsecond);
    int seconds = 0;
    if (value->zone && zone_offset_local(ev, value->zone, datetime_ticks(value), value->fold, &seconds))
        put_offset(&out, seconds);
    return buffer_view(&out);
}
