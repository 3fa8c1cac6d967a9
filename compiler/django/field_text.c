/*
 * Reading and writing texts of decimals, dates, times, UUIDs and IP addresses; see field_text.h.
 *
 * Example: moment_parse("2024-05-01 12:30Z") gives 2024-05-01 12:30:00 with offset 0.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "compiler/django/field_text.h"

/* ---- decimals ---- */

static bool is_digit(char c) { return c >= '0' && c <= '9'; }

bool decimal_parse(Slice text, DecimalParts *out) {
    size_t i = 0, length = 0;
    bool any = false;
    int exponent = 0;
    *out = (DecimalParts){0};
    if (i < text.length && (text.start[i] == '-' || text.start[i] == '+')) out->negative = text.start[i++] == '-';
    for (bool point = false; i < text.length; i++) {
        char c = text.start[i];
        if (c == '_') continue;
        if (c == '.' && !point) {
            point = true;
            continue;
        }
        if (!is_digit(c)) break;
        any = true;
        if (point) exponent--;
        if (length == 0 && c == '0') continue;
        if (length == sizeof out->storage) return false;
        out->storage[length++] = c;
    }
    if (!any) return false;
    if (i < text.length && (text.start[i] == 'e' || text.start[i] == 'E')) {
        bool minus = false;
        int value = 0;
        i++;
        if (i < text.length && (text.start[i] == '-' || text.start[i] == '+')) minus = text.start[i++] == '-';
        if (i == text.length) return false;
        for (; i < text.length && is_digit(text.start[i]); i++)
            value = value < 100000 ? value * 10 + (text.start[i] - '0') : value;
        exponent += minus ? -value : value;
    }
    if (i != text.length) return false;
    if (length == 0) out->storage[length++] = '0';
    out->digits = (Slice){out->storage, length};
    out->exponent = exponent;
    return true;
}

Slice decimal_text(Arena *arena, const DecimalParts *parts) {
    Buffer out;
    buffer_init(&out, arena);
    Slice digits = {parts->storage, parts->digits.length};
    int left = (int)digits.length + parts->exponent;
    bool plain = parts->exponent <= 0 && left > -6;
    int point = plain ? left : 1;
    if (parts->negative) buffer_put(&out, '-');
    if (point <= 0) {
        buffer_text(&out, "0.");
        for (int i = point; i < 0; i++) buffer_put(&out, '0');
        buffer_slice(&out, digits);
    } else if ((size_t)point >= digits.length) {
        buffer_slice(&out, digits);
    } else {
        buffer_append(&out, digits.start, (size_t)point);
        buffer_put(&out, '.');
        buffer_append(&out, digits.start + point, digits.length - (size_t)point);
    }
    if (!plain) buffer_format(&out, "E%+d", left - point);
    return buffer_view(&out);
}

Slice decimal_of_float(Arena *arena, double number, int digits) {
    if (isnan(number)) return SLICE("NaN");
    if (isinf(number)) return number < 0 ? SLICE("-Infinity") : SLICE("Infinity");
    char exact[1200], rounded[600];
    int prec = digits > 500 ? 500 : digits;
    snprintf(exact, sizeof exact, "%.1100e", number);
    snprintf(rounded, sizeof rounded, "%.*e", prec - 1, number);
    const char *power = strchr(exact, 'e');
    size_t mantissa = (size_t)(power - exact);
    while (mantissa > 0 && exact[mantissa - 1] == '0') mantissa--;
    if (mantissa > 0 && exact[mantissa - 1] == '.') mantissa--;
    size_t sign = exact[0] == '-';
    size_t count = mantissa - sign - (mantissa - sign > 1 ? 1 : 0);
    DecimalParts parts;
    Slice text = slice_from(rounded);
    if (count <= (size_t)prec) {
        /* Exact: as many digits as it has, an integer without exponent. */
        text = slice_format(arena, "%.*s%s", (int)mantissa, exact, power);
        if (!decimal_parse(text, &parts)) return SLICE("0");
        while (parts.exponent > 0 && parts.digits.length < (size_t)prec && parts.digits.length < 500) {
            parts.storage[parts.digits.length++] = '0';
            parts.exponent--;
        }
        return decimal_text(arena, &parts);
    }
    return decimal_parse(text, &parts) ? decimal_text(arena, &parts) : SLICE("0");
}

/* ---- dates and times ---- */

/* `width` digits, or up to `width` where `least` is smaller. */
static bool take_number(Slice *text, int least, int width, int *out) {
    int count = 0, value = 0;
    while (count < width && (size_t)count < text->length && is_digit(text->start[count]))
        value = value * 10 + (text->start[count++] - '0');
    if (count < least) return false;
    *text = slice_sub(*text, (size_t)count, text->length);
    *out = value;
    return true;
}

static bool take_byte(Slice *text, const char *any) {
    if (!text->length || !strchr(any, text->start[0])) return false;
    *text = slice_sub(*text, 1, text->length);
    return true;
}

static bool date_exists(const Moment *m) {
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    if (m->year < 1 || m->month < 1 || m->month > 12 || m->day < 1) return false;
    bool leap = (m->year % 4 == 0 && m->year % 100 != 0) || m->year % 400 == 0;
    return m->day <= days[m->month - 1] + (leap && m->month == 2);
}

static bool time_exists(const Moment *m) { return m->hour < 24 && m->minute < 60 && m->second < 60; }

static bool take_date(Slice *text, Moment *out) {
    if (!take_number(text, 4, 4, &out->year)) return false;
    if (take_byte(text, "-"))
        return take_number(text, 1, 2, &out->month) && take_byte(text, "-") && take_number(text, 1, 2, &out->day);
    return take_number(text, 2, 2, &out->month) && take_number(text, 2, 2, &out->day);
}

static bool take_time(Slice *text, Moment *out) {
    if (!take_number(text, 1, 2, &out->hour) || !take_byte(text, ":") || !take_number(text, 2, 2, &out->minute))
        return false;
    if (!take_byte(text, ":")) return true;
    if (!take_number(text, 2, 2, &out->second)) return false;
    if (!take_byte(text, ".,")) return true;
    int count = 0, value = 0;
    while (text->length && is_digit(text->start[0])) {
        if (count++ < 6) value = value * 10 + (text->start[0] - '0');
        *text = slice_sub(*text, 1, text->length);
    }
    for (int i = count; i < 6; i++) value *= 10;
    out->microsecond = value;
    return count > 0;
}

static bool take_offset(Slice *text, Moment *out) {
    while (take_byte(text, " ")) continue;
    if (take_byte(text, "Zz")) {
        out->has_offset = true;
        return true;
    }
    if (!text->length) return true;
    bool minus = text->start[0] == '-';
    int hours, minutes = 0;
    if (!take_byte(text, "+-") || !take_number(text, 2, 2, &hours)) return false;
    take_byte(text, ":");
    if (text->length && !take_number(text, 2, 2, &minutes)) return false;
    out->has_offset = true;
    out->offset = (hours * 3600 + minutes * 60) * (minus ? -1 : 1);
    return true;
}

TextForm moment_parse_date(Slice text, Moment *out) {
    *out = (Moment){0};
    if (!take_date(&text, out) || text.length) return TEXT_MALFORMED;
    return date_exists(out) ? TEXT_FINE : TEXT_OUT_OF_RANGE;
}

TextForm moment_parse_time(Slice text, Moment *out) {
    *out = (Moment){0};
    take_byte(&text, "T");
    if (!take_time(&text, out) || !take_offset(&text, out) || text.length) return TEXT_MALFORMED;
    return time_exists(out) ? TEXT_FINE : TEXT_OUT_OF_RANGE;
}

TextForm moment_parse(Slice text, Moment *out) {
    *out = (Moment){0};
    if (!take_date(&text, out)) return TEXT_MALFORMED;
    if (text.length && (!take_byte(&text, "T ") || !take_time(&text, out) || !take_offset(&text, out) || text.length))
        return TEXT_MALFORMED;
    return date_exists(out) && time_exists(out) ? TEXT_FINE : TEXT_OUT_OF_RANGE;
}

/* ---- UUIDs ---- */

static int hex_digit(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

bool uuid_parse(Slice text, uint8_t bytes[16]) {
    if (slice_starts_with(text, "urn:")) text = slice_sub(text, 4, text.length);
    if (slice_starts_with(text, "uuid:")) text = slice_sub(text, 5, text.length);
    while (text.length && strchr("{}", text.start[0])) text = slice_sub(text, 1, text.length);
    while (text.length && strchr("{}", text.start[text.length - 1])) text.length--;
    int count = 0;
    for (size_t i = 0; i < text.length; i++) {
        if (text.start[i] == '-') continue;
        int digit = hex_digit(text.start[i]);
        if (digit < 0 || count >= 32) return false;
        bytes[count / 2] = (uint8_t)(count % 2 ? bytes[count / 2] << 4 | digit : digit);
        count++;
    }
    return count == 32;
}

/* ---- IP addresses ---- */

static bool ipv4_parse(Slice text, uint8_t bytes[4]) {
    for (int i = 0; i < 4; i++) {
        int value;
        if (i > 0 && !take_byte(&text, ".")) return false;
        if (!take_number(&text, 1, 3, &value) || value > 255) return false;
        bytes[i] = (uint8_t)value;
    }
    return text.length == 0;
}

static int ipv6_groups(Slice text, unsigned groups[8]) {
    int count = 0;
    while (text.length) {
        uint8_t v4[4];
        if (count > 0 && !take_byte(&text, ":")) return -1;
        if (count <= 6 && ipv4_parse(text, v4)) {
            groups[count++] = (unsigned)v4[0] << 8 | v4[1];
            groups[count++] = (unsigned)v4[2] << 8 | v4[3];
            return count;
        }
        unsigned value = 0;
        int digits = 0;
        while (text.length && hex_digit(text.start[0]) >= 0 && digits < 4) {
            value = value << 4 | (unsigned)hex_digit(text.start[0]);
            text = slice_sub(text, 1, text.length);
            digits++;
        }
        if (!digits || count == 8) return -1;
        groups[count++] = value;
    }
    return count;
}

static bool ipv6_parse(Slice text, unsigned groups[8]) {
    memset(groups, 0, 8 * sizeof *groups);
    size_t gap = text.length;
    for (size_t i = 0; i + 1 < text.length; i++) {
        if (text.start[i] != ':' || text.start[i + 1] != ':') continue;
        if (gap != text.length) return false;
        gap = i++;
    }
    if (gap == text.length) return ipv6_groups(text, groups) == 8;
    unsigned tail[8];
    int before = ipv6_groups(slice_sub(text, 0, gap), groups);
    int after = ipv6_groups(slice_sub(text, gap + 2, text.length), tail);
    if (before < 0 || after < 0 || before + after > 7) return false;
    for (int i = 0; i < after; i++) groups[8 - after + i] = tail[i];
    for (int i = before; i < 8 - after; i++) groups[i] = 0;
    return true;
}

Slice ip_address_normalise(Arena *arena, Slice text) {
    unsigned groups[8];
    if (!ipv6_parse(text, groups)) return text;
    bool mapped = groups[5] == 0xffff;
    for (int i = 0; i < 5; i++) mapped = mapped && groups[i] == 0;
    if (mapped)
        return slice_format(arena, "::ffff:%u.%u.%u.%u", groups[6] >> 8, groups[6] & 255, groups[7] >> 8,
                            groups[7] & 255);
    int best = -1, best_length = 1;
    for (int i = 0; i < 8; i++) {
        int run = 0;
        while (i + run < 8 && groups[i + run] == 0) run++;
        if (run > best_length) best = i, best_length = run;
        if (run) i += run - 1;
    }
    Buffer out;
    buffer_init(&out, arena);
    for (int i = 0; i < 8; i++) {
        if (i == best) {
            buffer_text(&out, "::");
            i += best_length - 1;
            continue;
        }
        if (i > 0 && i != best + best_length) buffer_put(&out, ':');
        buffer_format(&out, "%x", groups[i]);
    }
    return buffer_view(&out);
}
