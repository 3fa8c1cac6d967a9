/*
 * Time zones from the system's tz database (TZif files, RFC 8536): a wall-clock time of one zone as it reads in
 * another.
 *
 *     zone_convert(2024-01-01 05:00, "UTC", "Australia/Melbourne") → 2024-01-01 16:00
 *
 * A time that a zone has twice is its first; one that it skips is read with the offset before the jump.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backends/sqlite/executor_parts.h"

enum { ZONE_FILE = 256 * 1024, ZONE_NAME = 100 };

int64_t days_from_civil(int year, int month, int day) {
    int64_t y = year - (month <= 2);
    int64_t era = (y >= 0 ? y : y - 399) / 400;
    int64_t year_of_era = y - era * 400;
    int64_t day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    return era * 146097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719468;
}

void civil_from_days(int64_t days, DateTime *out) {
    days += 719468;
    int64_t era = (days >= 0 ? days : days - 146096) / 146097;
    int64_t day_of_era = days - era * 146097;
    int64_t year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int64_t shifted = (5 * day_of_year + 2) / 153;
    out->day = (int)(day_of_year - (153 * shifted + 2) / 5 + 1);
    out->month = (int)(shifted < 10 ? shifted + 3 : shifted - 9);
    out->year = (int)(year_of_era + era * 400 + (out->month <= 2));
}

static int64_t seconds_of(const DateTime *t) {
    return days_from_civil(t->year, t->month, t->day) * 86400 + t->hour * 3600 + t->minute * 60 + t->second;
}

static void set_seconds(DateTime *t, int64_t seconds) {
    int64_t days = seconds >= 0 ? seconds / 86400 : -((86399 - seconds) / 86400);
    int rest = (int)(seconds - days * 86400);
    civil_from_days(days, t);
    t->hour = rest / 3600;
    t->minute = rest / 60 % 60;
    t->second = rest % 60;
}

/* ---- a zone's file */

typedef struct Zone {
    unsigned char *file;
    size_t size;
    const unsigned char *times, *indexes, *types; /* of the 64-bit part */
    uint32_t time_count, type_count;
    const char *footer; /* rules for the time after the last transition, terminated; "" */
} Zone;

static uint32_t big32(const unsigned char *p) {
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static int64_t big64(const unsigned char *p) { return (int64_t)((uint64_t)big32(p) << 32 | big32(p + 4)); }

static size_t zone_part_size(const unsigned char *header, unsigned time_size) {
    uint32_t utc = big32(header + 20), standard = big32(header + 24), leaps = big32(header + 28);
    uint32_t times = big32(header + 32), types = big32(header + 36), letters = big32(header + 40);
    return (size_t)times * (time_size + 1) + (size_t)types * 6 + letters + (size_t)leaps * (time_size + 4) + standard +
           utc;
}

static bool zone_parse(Zone *zone) {
    enum { HEADER = 44 };
    const unsigned char *file = zone->file;
    if (zone->size < HEADER || memcmp(file, "TZif", 4) != 0 || file[4] < '2') return false;
    size_t first = zone_part_size(file, 4);
    if (first > ZONE_FILE || zone->size < first + 2 * HEADER) return false;
    const unsigned char *header = file + HEADER + first;
    size_t second = zone_part_size(header, 8);
    if (second > ZONE_FILE || zone->size < first + 2 * HEADER + second) return false;
    zone->time_count = big32(header + 32);
    zone->type_count = big32(header + 36);
    zone->times = header + HEADER;
    zone->indexes = zone->times + (size_t)zone->time_count * 8;
    zone->types = zone->indexes + zone->time_count;
    char *footer = (char *)zone->types - (zone->types - (header + HEADER)) + second;
    char *end = (char *)file + zone->size;
    zone->footer = "";
    if (footer < end && *footer == '\n') {
        zone->footer = footer + 1;
        char *newline = memchr(footer + 1, '\n', (size_t)(end - footer - 1));
        if (newline) *newline = '\0';
        else zone->footer = "";
    }
    return zone->type_count > 0;
}

static bool zone_name_is_safe(const char *name) {
    if (!*name || *name == '/' || strlen(name) > ZONE_NAME || strstr(name, "..")) return false;
    return name[strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_+-/")] == '\0';
}

static bool zone_open(Zone *zone, const char *name) {
    *zone = (Zone){0};
    if (!zone_name_is_safe(name)) return false;
    const char *folder = "/usr/share/zoneinfo";
    char path[256];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *stream = fopen(path, "rb");
    if (!stream) return false;
    zone->file = malloc(ZONE_FILE);
    if (zone->file) zone->size = fread(zone->file, 1, ZONE_FILE - 1, stream);
    fclose(stream);
    if (zone->file && zone_parse(zone)) return true;
    free(zone->file);
    return false;
}

/* ---- the footer: "CET-1CEST,M3.5.0,M10.5.0/3" */

static const char *footer_name(const char *p) {
    if (*p == '<') {
        p += strcspn(p, ">");
        return *p ? p + 1 : p;
    }
    while ((*p >= 'A' && *p <= 'Z') || (*p >= 'a' && *p <= 'z')) p++;
    return p;
}

static const char *footer_time(const char *p, int *seconds) {
    int sign = 1, parts[3] = {0, 0, 0};
    if (*p == '-') sign = -1;
    if (*p == '-' || *p == '+') p++;
    for (int i = 0; i < 3; i++) {
        char *end;
        parts[i] = (int)strtol(p, &end, 10);
        p = end;
        if (*p != ':') break;
        p++;
    }
    *seconds = sign * (parts[0] * 3600 + parts[1] * 60 + parts[2]);
    return p;
}

/* A rule's moment in `year`, as wall-clock seconds since 1970. */
static const char *footer_rule(const char *p, int year, int64_t *moment) {
    int64_t days = days_from_civil(year, 1, 1);
    char *end = (char *)p;
    if (*p == 'M') {
        int month = (int)strtol(p + 1, &end, 10), week = (int)strtol(*end ? end + 1 : end, &end, 10);
        int weekday = (int)strtol(*end ? end + 1 : end, &end, 10);
        int64_t first = days_from_civil(year, month, 1);
        int64_t next = month == 12 ? days_from_civil(year + 1, 1, 1) : days_from_civil(year, month + 1, 1);
        days = first + (weekday - (first + 4) % 7 + 14) % 7 + (week - 1) * 7;
        while (days >= next) days -= 7;
    } else {
        bool julian = *p == 'J';
        int day = (int)strtol(p + julian, &end, 10);
        bool leap = days_from_civil(year + 1, 1, 1) - days == 366;
        days += julian ? day - 1 + (leap && day >= 60) : day;
    }
    int time = 7200;
    p = end;
    if (*p == '/') p = footer_time(p + 1, &time);
    *moment = days * 86400 + time;
    return p;
}

/* Seconds east of UTC at a moment after the last transition. */
static int footer_offset(const char *footer, int64_t utc) {
    int standard, summer;
    const char *p = footer_time(footer_name(footer), &standard);
    standard = -standard;
    if (!*p) return standard;
    p = footer_name(p);
    summer = standard + 3600;
    if (*p && *p != ',') {
        p = footer_time(p, &summer);
        summer = -summer;
    }
    if (*p != ',') return standard;
    DateTime local = {0};
    set_seconds(&local, utc + standard);
    int64_t start, stop;
    p = footer_rule(p + 1, local.year, &start);
    if (*p != ',') return standard;
    footer_rule(p + 1, local.year, &stop);
    start -= standard;
    stop -= summer;
    bool in_summer = start < stop ? utc >= start && utc < stop : utc >= start || utc < stop;
    return in_summer ? summer : standard;
}

/* ---- offsets */

static int zone_type_offset(const Zone *zone, unsigned index) {
    return index < zone->type_count ? (int)(int32_t)big32(zone->types + (size_t)index * 6) : 0;
}

static int zone_offset_at(const Zone *zone, int64_t utc) {
    uint32_t low = 0, high = zone->time_count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (big64(zone->times + (size_t)middle * 8) <= utc) low = middle + 1;
        else high = middle;
    }
    if (low == zone->time_count && *zone->footer) return footer_offset(zone->footer, utc);
    if (low) return zone_type_offset(zone, zone->indexes[low - 1]);
    for (unsigned i = 0; i < zone->type_count; i++) /* before all transitions: the first standard time */
        if (!zone->types[(size_t)i * 6 + 4]) return zone_type_offset(zone, i);
    return zone_type_offset(zone, 0);
}

/* The offset of a wall-clock time: of the two around it the earlier moment's, unless only the later one fits. */
static int zone_offset_of_wall(const Zone *zone, int64_t wall) {
    int before = zone_offset_at(zone, wall - 86400), after = zone_offset_at(zone, wall + 86400);
    bool before_fits = zone_offset_at(zone, wall - before) == before;
    bool after_fits = zone_offset_at(zone, wall - after) == after;
    if (before_fits && after_fits) return before > after ? before : after;
    return before_fits || !after_fits ? before : after;
}

bool zone_convert(DateTime *time, const char *from, const char *to) {
    Zone source, target;
    if (!zone_open(&source, from)) return false;
    if (!zone_open(&target, to)) {
        free(source.file);
        return false;
    }
    int64_t wall = seconds_of(time), utc = wall - zone_offset_of_wall(&source, wall);
    set_seconds(time, utc + zone_offset_at(&target, utc));
    free(source.file);
    free(target.file);
    return true;
}
