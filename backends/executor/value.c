/*
 * Values: parameters checked before they are sent, cells converted to what the caller knows of their columns, and both
 * written as JSON.
 *
 *     value_convert(INTEGER 1, BOOLEAN) → true            value_convert(TEXT "00…ff", UUID) → dashes put in
 *     JSON: DECIMAL 1.50 → "1.50"   DATETIME 2024-01-02 03:04:05 → "2024-01-02T03:04:05"   BYTES → base64
 */
#include "backends/executor/value.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ARRAY_DEPTH = 6, LONGEST = INT32_MAX - 64 }; /* client libraries count bytes in an int */

static bool digit(char c) { return c >= '0' && c <= '9'; }

void value_set_null(OrmcValue *value) { *value = (OrmcValue){.type = ORMC_TYPE_UNKNOWN, .is_null = true}; }

void value_set_integer(OrmcValue *value, OrmcType type, int64_t integer) {
    *value = (OrmcValue){.type = type, .integer = integer};
}

void value_set_number(OrmcValue *value, double number) {
    *value = (OrmcValue){.type = ORMC_TYPE_FLOAT, .number = number};
}

bool value_set_text(Store *store, OrmcValue *value, OrmcType type, const char *text, size_t length) {
    *value = (OrmcValue){.type = type, .length = length, .text = store_copy(store, text, length)};
    return value->text != NULL;
}

/* Of "2024-05-17" in "2024-05-17 10:00:00" (years may be longer); 0 where a text has another shape. */
static size_t date_length(const char *text, size_t length) {
    size_t i = 0;
    while (i < length && digit(text[i])) i++;
    if (i < 4 || length - i < 8 || text[i] != '-' || text[i + 3] != '-') return 0;
    i += 6;
    return (text[i] == ' ' || text[i] == 'T') && digit(text[i + 1]) ? i : 0;
}

/* Microseconds in six digits, or none at all. Gives where the text goes on. */
static size_t copy_fraction(const char *text, size_t i, size_t end, char *out, size_t *at) {
    size_t start = *at, digits = 0, zeros = 0;
    out[(*at)++] = text[i++];
    for (; i < end && digit(text[i]); i++) {
        if (digits == 6) continue;
        out[(*at)++] = text[i];
        zeros += text[i] == '0';
        digits++;
    }
    bool none = zeros == digits;
    for (; digits < 6; digits++) out[(*at)++] = '0';
    if (none) *at = start;
    return i;
}

bool value_set_moment(Store *store, OrmcValue *value, OrmcType type, const char *text, size_t length) {
    size_t date = type == ORMC_TYPE_DATETIME ? date_length(text, length) : 0, at = 0, i = 0;
    if (type == ORMC_TYPE_DATETIME && !date) return value_set_text(store, value, type, text, length);
    char *out = store_allocate(store, length + 12);
    if (!out) return false;
    size_t end = length > 3 && memcmp(text + length - 3, " BC", 3) == 0 ? length - 3 : length;
    for (; i < end && text[i] != '.' && !(i > date && (text[i] == '+' || text[i] == '-')); i++) out[at++] = text[i];
    if (date) out[date] = 'T';
    if (i < end && text[i] == '.') i = copy_fraction(text, i, end, out, &at);
    bool short_offset = end - i == 3 && (text[i] == '+' || text[i] == '-');
    for (; i < end; i++) out[at++] = text[i];
    if (short_offset) {
        memcpy(out + at, ":00", 3);
        at += 3;
    }
    for (; i < length; i++) out[at++] = text[i];
    out[at] = '\0';
    *value = (OrmcValue){.type = type, .text = out, .length = at};
    return true;
}

size_t number_write(double number, char *text, size_t capacity) {
    int length = 0;
    if (isnan(number)) {
        length = snprintf(text, capacity, "nan");
    } else if (isinf(number)) {
        length = snprintf(text, capacity, "%s", number < 0 ? "-inf" : "inf");
    } else {
        for (int digits = 15; digits <= 17; digits++) {
            length = snprintf(text, capacity, "%.*g", digits, number);
            if (digits == 17 || strtod(text, NULL) == number) break;
        }
        if (!strpbrk(text, ".e") && (size_t)length + 2 < capacity) {
            memcpy(text + length, ".0", 3);
            length += 2;
        }
    }
    return (size_t)length;
}

/* Bytes of the character at `text`, 0 where it is not valid UTF-8 (overlong forms and surrogates are not). */
static size_t utf8_character(const unsigned char *text, size_t length) {
    unsigned char first = text[0];
    if (first < 0x80) return 1;
    size_t size = first >= 0xC2 && first < 0xE0   ? 2
                  : first >= 0xE0 && first < 0xF0 ? 3
                  : first >= 0xF0 && first < 0xF5 ? 4
                                                  : 0;
    if (!size || length < size) return 0;
    for (size_t i = 1; i < size; i++)
        if ((text[i] & 0xC0) != 0x80) return 0;
    if (first == 0xE0 && text[1] < 0xA0) return 0;
    if (first == 0xED && text[1] > 0x9F) return 0;
    if (first == 0xF0 && text[1] < 0x90) return 0;
    if (first == 0xF4 && text[1] > 0x8F) return 0;
    return size;
}

/* length of the longest valid prefix */
static size_t utf8_check(const char *text, size_t length) {
    size_t done = 0;
    while (done < length) {
        size_t size = utf8_character((const unsigned char *)text + done, length - done);
        if (!size) break;
        done += size;
    }
    return done;
}

/* ---- checks: `9` in a pattern is a digit; everything else stands for itself */

static bool hex(char c) { return digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'); }

static bool matches(const char *pattern, const char *text, size_t length) {
    size_t i = 0;
    for (; pattern[i]; i++) {
        if (i >= length) return false;
        if (pattern[i] == '9'   ? !digit(text[i])
            : pattern[i] == 'T' ? text[i] != 'T' && text[i] != ' '
                                : text[i] != pattern[i])
            return false;
    }
    return true;
}

static bool is_integer(const char *text, size_t length) {
    size_t i = length && (text[0] == '-' || text[0] == '+');
    if (i == length) return false;
    for (; i < length; i++)
        if (!digit(text[i])) return false;
    return true;
}

static bool text_is(const char *wanted, const char *text, size_t length) {
    return strlen(wanted) == length && memcmp(wanted, text, length) == 0;
}

static bool is_decimal(const char *text, size_t length) {
    if (text_is("inf", text, length) || text_is("-inf", text, length) || text_is("nan", text, length)) return true;
    size_t i = length && (text[0] == '-' || text[0] == '+'), digits = 0;
    for (; i < length && digit(text[i]); i++) digits++;
    if (i < length && text[i] == '.')
        for (i++; i < length && digit(text[i]); i++) digits++;
    if (!digits) return false;
    if (i == length) return true;
    return (text[i] == 'e' || text[i] == 'E') && is_integer(text + i + 1, length - i - 1);
}

/* What may follow hh:mm: seconds, a fraction, an offset. */
static bool is_time(const char *text, size_t length) {
    if (!matches("99:99", text, length)) return false;
    size_t i = 5;
    if (matches(":99", text + i, length - i)) i += 3;
    if (i < length && text[i] == '.')
        for (i++; i < length && digit(text[i]);) i++;
    if (i < length && text[i] == 'Z') return i + 1 == length;
    if (i < length && (text[i] == '+' || text[i] == '-')) {
        i++;
        while (i < length && (digit(text[i]) || text[i] == ':')) i++;
    }
    return i == length;
}

static bool is_uuid(const char *text, size_t length) {
    size_t digits = 0;
    for (size_t i = 0; i < length; i++) {
        if (hex(text[i])) digits++;
        else if (text[i] != '-') return false;
    }
    return digits == 32;
}

static bool value_check_array(const OrmcValue *value, unsigned depth, const char **why);

static bool value_check_map(const OrmcValue *value, const char **why) {
    *why = "a map is made of texts, each key before its value";
    if (value->length % 2) return false;
    for (size_t i = 0; i < value->length; i++) {
        const OrmcValue *item = &value->items[i];
        if (item->is_null && i % 2) continue;
        if (item->is_null || item->type != ORMC_TYPE_TEXT || !item->text || item->length > LONGEST ||
            utf8_check(item->text, item->length) != item->length)
            return false;
    }
    return true;
}

static bool value_check_scalar(const OrmcValue *value, const char **why) {
    const char *text = value->text;
    size_t length = value->length;
    *why = "longer than two gigabytes";
    if (value->type != ORMC_TYPE_FLOAT && text && length > LONGEST) return false;
    switch (value->type) {
    case ORMC_TYPE_BOOLEAN:
    case ORMC_TYPE_FLOAT:
    case ORMC_TYPE_INTERVAL: return true;
    case ORMC_TYPE_INTEGER:
    case ORMC_TYPE_BIGINT: *why = "not an integer"; return !text || is_integer(text, length);
    case ORMC_TYPE_DECIMAL: *why = "not a decimal number"; return text && is_decimal(text, length);
    case ORMC_TYPE_DATE: *why = "not a date"; return text && length == 10 && matches("9999-99-99", text, length);
    case ORMC_TYPE_TIME: *why = "not a time"; return text && is_time(text, length);
    case ORMC_TYPE_DATETIME:
        *why = "not a date and time";
        return text && matches("9999-99-99", text, length) &&
               (length == 10 || (matches("9999-99-99T", text, length) && is_time(text + 11, length - 11)));
    case ORMC_TYPE_UUID: *why = "not a UUID"; return text && is_uuid(text, length);
    case ORMC_TYPE_BYTES: *why = "no bytes given"; return text || !length;
    case ORMC_TYPE_TEXT:
    case ORMC_TYPE_JSON:
    case ORMC_TYPE_UNKNOWN: *why = "not valid UTF-8"; return text && utf8_check(text, length) == length;
    case ORMC_TYPE_ARRAY: return value_check_array(value, 0, why);
    case ORMC_TYPE_MAP: return value_check_map(value, why);
    }
    *why = "of no known type";
    return false;
}

static bool value_check_array(const OrmcValue *value, unsigned depth, const char **why) {
    *why = "an array nested too deep";
    if (depth == ARRAY_DEPTH) return false;
    for (size_t i = 0; i < value->length; i++) {
        const OrmcValue *item = &value->items[i];
        if (item->is_null) continue;
        if (item->type == ORMC_TYPE_ARRAY ? !value_check_array(item, depth + 1, why) : !value_check_scalar(item, why))
            return false;
    }
    return true;
}

bool value_check(const OrmcValue *value, const char **why) { return value->is_null || value_check_scalar(value, why); }

/* ---- conversions */

void value_shrink(OrmcValue *value) {
    if (value->length > 20 || !is_integer(value->text, value->length)) return;
    char text[24];
    memcpy(text, value->text, value->length);
    text[value->length] = '\0';
    errno = 0;
    long long number = strtoll(text, NULL, 10);
    if (errno == 0) value_set_integer(value, value->type, number);
}

static bool value_to_integer(const OrmcValue *value, int64_t *integer) {
    if (value->type == ORMC_TYPE_FLOAT) {
        if (!(value->number >= -9e18 && value->number <= 9e18) || value->number != floor(value->number)) return false;
        *integer = (int64_t)value->number;
        return true;
    }
    if ((value->type != ORMC_TYPE_DECIMAL && value->type != ORMC_TYPE_TEXT) || value->length > 30) return false;
    char text[32], *end;
    memcpy(text, value->text, value->length);
    text[value->length] = '\0';
    long long number = strtoll(text, &end, 10);
    if (end == text || number == INT64_MAX || number == INT64_MIN) return false;
    if (*end == '.') end += 1 + strspn(end + 1, "0");
    *integer = number;
    return *end == '\0';
}

static bool is_whole(OrmcType type) {
    return type == ORMC_TYPE_BOOLEAN || type == ORMC_TYPE_INTEGER || type == ORMC_TYPE_BIGINT;
}

static void value_to_decimal(Store *store, OrmcValue *value) {
    char text[40];
    size_t length = value->length;
    if (value->type == ORMC_TYPE_FLOAT) {
        length = number_write(value->number, text, sizeof text);
        if (length > 2 && memcmp(text + length - 2, ".0", 2) == 0) length -= 2;
    } else if (is_whole(value->type) && !value->text) {
        length = (size_t)snprintf(text, sizeof text, "%" PRId64, value->integer);
    } else {
        if (is_whole(value->type) || (value->type == ORMC_TYPE_TEXT && is_decimal(value->text, length)))
            value->type = ORMC_TYPE_DECIMAL;
        return;
    }
    OrmcValue decimal;
    if (value_set_text(store, &decimal, ORMC_TYPE_DECIMAL, text, length)) *value = decimal;
}

static void value_to_float(OrmcValue *value) {
    if (is_whole(value->type) && !value->text) {
        value_set_number(value, (double)value->integer);
    } else if (value->type == ORMC_TYPE_DECIMAL && value->length < 64) {
        char text[64];
        memcpy(text, value->text, value->length);
        text[value->length] = '\0';
        value_set_number(value, strtod(text, NULL));
    }
}

static void value_to_uuid(Store *store, OrmcValue *value) {
    if (value->type != ORMC_TYPE_TEXT || !is_uuid(value->text, value->length)) return;
    char text[36];
    size_t out = 0;
    for (size_t i = 0; i < value->length; i++) {
        char c = value->text[i];
        if (c == '-') continue;
        if (out == 8 || out == 13 || out == 18 || out == 23) text[out++] = '-';
        text[out++] = c >= 'A' && c <= 'F' ? (char)(c + 'a' - 'A') : c;
    }
    OrmcValue uuid;
    if (value_set_text(store, &uuid, ORMC_TYPE_UUID, text, out)) *value = uuid;
}

void value_convert(Store *store, OrmcValue *value, OrmcType wanted) {
    if (value->is_null || value->type == wanted) return;
    int64_t integer;
    bool is_text = value->type == ORMC_TYPE_TEXT;
    switch (wanted) {
    case ORMC_TYPE_BOOLEAN:
        if (is_whole(value->type) && !value->text && (value->integer == 0 || value->integer == 1)) value->type = wanted;
        return;
    case ORMC_TYPE_INTEGER:
    case ORMC_TYPE_BIGINT:
        if (is_whole(value->type)) value->type = wanted;
        else if (value_to_integer(value, &integer)) value_set_integer(value, wanted, integer);
        return;
    case ORMC_TYPE_INTERVAL:
        if (is_whole(value->type) && !value->text) value->type = wanted;
        else if (value_to_integer(value, &integer)) value_set_integer(value, wanted, integer);
        return;
    case ORMC_TYPE_FLOAT: value_to_float(value); return;
    case ORMC_TYPE_DECIMAL: value_to_decimal(store, value); return;
    case ORMC_TYPE_UUID: value_to_uuid(store, value); return;
    case ORMC_TYPE_DATE:
        if (is_text && value->length == 10 && matches("9999-99-99", value->text, 10)) value->type = wanted;
        return;
    case ORMC_TYPE_TIME:
        if (is_text && is_time(value->text, value->length))
            value_set_moment(store, value, wanted, value->text, value->length);
        return;
    case ORMC_TYPE_DATETIME:
        if (is_text && matches("9999-99-99T99:99", value->text, value->length))
            value_set_moment(store, value, wanted, value->text, value->length);
        return;
    case ORMC_TYPE_TEXT:
    case ORMC_TYPE_JSON:
        if (is_text || value->type == ORMC_TYPE_JSON) value->type = wanted;
        return;
    case ORMC_TYPE_BYTES:
        if (is_text) value->type = wanted;
        return;
    case ORMC_TYPE_ARRAY:
    case ORMC_TYPE_MAP:
    case ORMC_TYPE_UNKNOWN: return;
    }
}

/* ---- JSON */

const char *ormc_type_name(OrmcType type) {
    static const char *const names[] = {"boolean",  "integer", "bigint", "float", "decimal",
                                        "text",     "bytes",   "date",   "time",  "datetime",
                                        "interval", "uuid",    "json",   "array", "unknown"};
    return (unsigned)type < ORMC_TYPE_UNKNOWN ? names[type] : "unknown";
}

const char *ormc_error_name(OrmcError error) {
    static const char *const names[] = {"none",  "memory",  "library",   "url",   "connect", "lost",  "database",
                                        "value", "timeout", "cancelled", "limit", "closed",  "forked"};
    return (unsigned)error <= ORMC_ERROR_FORKED ? names[error] : "unknown";
}

/* Output that counts what it can't hold, as snprintf does. */
typedef struct JsonOut {
    char *text;
    size_t capacity, length;
} JsonOut;

static void json_put(JsonOut *out, char byte) {
    if (out->length + 1 < out->capacity) out->text[out->length] = byte;
    out->length++;
}

static void json_raw(JsonOut *out, const char *text, size_t length) {
    for (size_t i = 0; i < length; i++) json_put(out, text[i]);
}

static void json_string(JsonOut *out, const char *text, size_t length) {
    json_put(out, '"');
    for (size_t i = 0; i < length;) {
        unsigned char c = (unsigned char)text[i];
        size_t size = utf8_character((const unsigned char *)text + i, length - i);
        if (c == '"' || c == '\\') {
            json_put(out, '\\');
            json_put(out, (char)c);
        } else if (c < 0x20 || c == 0x7F) {
            char escape[8];
            const char *found = strchr("\bb\ff\nn\rr\tt", c);
            if (c && c != 0x7F && found) snprintf(escape, sizeof escape, "\\%c", found[1]);
            else snprintf(escape, sizeof escape, "\\u%04x", c);
            json_raw(out, escape, strlen(escape));
        } else if (size) {
            json_raw(out, text + i, size);
        } else {
            json_raw(out, "\xEF\xBF\xBD", 3);
        }
        i += size ? size : 1;
    }
    json_put(out, '"');
}

static void json_base64(JsonOut *out, const unsigned char *bytes, size_t length) {
    static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    json_put(out, '"');
    for (size_t i = 0; i < length; i += 3) {
        size_t left = length - i;
        unsigned long group = (unsigned long)bytes[i] << 16;
        if (left > 1) group |= (unsigned long)bytes[i + 1] << 8;
        if (left > 2) group |= bytes[i + 2];
        json_put(out, alphabet[group >> 18 & 63]);
        json_put(out, alphabet[group >> 12 & 63]);
        json_put(out, left > 1 ? alphabet[group >> 6 & 63] : '=');
        json_put(out, left > 2 ? alphabet[group & 63] : '=');
    }
    json_put(out, '"');
}

static void json_number(JsonOut *out, double number) {
    char text[40];
    size_t length = number_write(number, text, sizeof text);
    if (isfinite(number)) json_raw(out, text, length);
    else json_string(out, text, length);
}

static void json_integer(JsonOut *out, int64_t integer) {
    char text[24];
    json_raw(out, text, (size_t)snprintf(text, sizeof text, "%" PRId64, integer));
}

static void json_datetime(JsonOut *out, const OrmcValue *value) {
    json_put(out, '"');
    for (size_t i = 0; i < value->length; i++) json_put(out, i == 10 && value->text[i] == ' ' ? 'T' : value->text[i]);
    json_put(out, '"');
}

static void json_value(JsonOut *out, const OrmcValue *value, unsigned depth) {
    if (value->is_null) {
        json_raw(out, "null", 4);
        return;
    }
    switch (value->type) {
    case ORMC_TYPE_BOOLEAN: json_raw(out, value->integer ? "true" : "false", value->integer ? 4 : 5); return;
    case ORMC_TYPE_INTEGER:
    case ORMC_TYPE_BIGINT:
        if (value->text) json_raw(out, value->text, value->length);
        else json_integer(out, value->integer);
        return;
    case ORMC_TYPE_INTERVAL: json_integer(out, value->integer); return;
    case ORMC_TYPE_FLOAT: json_number(out, value->number); return;
    case ORMC_TYPE_BYTES: json_base64(out, (const unsigned char *)value->text, value->length); return;
    case ORMC_TYPE_DATETIME:
        if (value->text) json_datetime(out, value);
        else json_integer(out, value->integer);
        return;
    case ORMC_TYPE_DECIMAL:
    case ORMC_TYPE_TEXT:
    case ORMC_TYPE_DATE:
    case ORMC_TYPE_TIME:
    case ORMC_TYPE_UUID:
    case ORMC_TYPE_JSON:
    case ORMC_TYPE_UNKNOWN:
        if (value->text) json_string(out, value->text, value->length);
        else json_integer(out, value->integer);
        return;
    case ORMC_TYPE_ARRAY:
        json_put(out, '[');
        for (size_t i = 0; depth < ARRAY_DEPTH && i < value->length; i++) {
            if (i) json_raw(out, ", ", 2);
            json_value(out, &value->items[i], depth + 1);
        }
        json_put(out, ']');
        return;
    case ORMC_TYPE_MAP:
        json_put(out, '{');
        for (size_t i = 0; i < value->length; i++) {
            if (i) json_raw(out, i % 2 ? ": " : ", ", 2);
            json_value(out, &value->items[i], depth + 1);
        }
        json_put(out, '}');
        return;
    }
}

size_t ormc_value_write_json(const OrmcValue *value, char *text, size_t capacity) {
    JsonOut out = {.text = text, .capacity = capacity};
    json_value(&out, value, 0);
    if (capacity) text[out.length < capacity ? out.length : capacity - 1] = '\0';
    return out.length;
}
