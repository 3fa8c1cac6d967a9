/*
 * Cells of two databases: the same value, in what types and forms they have for it?
 *
 * In: two cells. Out: whether they are the same, and the reason where it does not show: 1 and true, 2.50 and 2.5, a
 * datetime with a blank or a T, a UUID with or without dashes, JSON with other blanks or another order of its keys are
 * "types"; 0.3333 and 0.33333333 are "precision".
 */
#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cli/compare.h"

/* ---- numbers ---- */

static bool text_number(const char *text, size_t length, double *number) {
    char copy[64], *end;
    if (!text || !length || length >= sizeof copy || strspn(text, "0123456789+-.eEinfatyINFATY") < length) return false;
    memcpy(copy, text, length);
    copy[length] = '\0';
    *number = strtod(copy, &end);
    return *end == '\0';
}

static bool cell_number(const OrmcValue *value, double *number) {
    switch (value->type) {
    case ORMC_TYPE_BOOLEAN:
    case ORMC_TYPE_INTEGER:
    case ORMC_TYPE_BIGINT:
    case ORMC_TYPE_INTERVAL:
        *number = (double)value->integer;
        return !value->text || text_number(value->text, value->length, number);
    case ORMC_TYPE_FLOAT: *number = value->number; return true;
    case ORMC_TYPE_DECIMAL:
    case ORMC_TYPE_TEXT:
    case ORMC_TYPE_UNKNOWN: return text_number(value->text, value->length, number);
    case ORMC_TYPE_BYTES:
    case ORMC_TYPE_DATE:
    case ORMC_TYPE_TIME:
    case ORMC_TYPE_DATETIME:
    case ORMC_TYPE_UUID:
    case ORMC_TYPE_JSON:
    case ORMC_TYPE_ARRAY:
    case ORMC_TYPE_MAP: return false;
    }
    return false;
}

/* Digits behind the point; -1: as many as a float has. A float that was a decimal has that one's. */
static int cell_scale(const OrmcValue *value) {
    enum { ALL_DIGITS = 12 };
    char number[40];
    const char *text = value->text;
    size_t length = value->length;
    if (value->type == ORMC_TYPE_FLOAT) {
        length = (size_t)snprintf(number, sizeof number, "%.15g", value->number);
        text = number;
        if (strpbrk(number, "einEIN")) return -1;
    }
    const char *point = text ? memchr(text, '.', length) : NULL;
    int digits = point ? (int)(text + length - point - 1) : 0;
    return value->type == ORMC_TYPE_FLOAT && (!digits || digits >= ALL_DIGITS) ? -1 : digits;
}

static bool is_exact(const OrmcValue *value) { return value->type != ORMC_TYPE_FLOAT && !value->text; }

static bool numbers_compare(const OrmcValue *a, double x, const OrmcValue *b, double y, Reasons *reasons) {
    enum { FEWEST_DIGITS = 4 }; /* of a fraction that was cut: MariaDB's for a division */
    if (is_exact(a) && is_exact(b) && a->integer != b->integer) return false;
    if (x == y || (isnan(x) && isnan(y))) {
        if (a->type != b->type || cell_scale(a) != cell_scale(b)) *reasons |= REASON_BIT(REASON_TYPES);
        return true;
    }
    int digits = cell_scale(a), other = cell_scale(b);
    if (digits < 0 || (other >= 0 && other < digits)) digits = other;
    double apart = fabs(x - y), largest = fmax(fabs(x), fabs(y));
    bool rounded = digits >= FEWEST_DIGITS && apart <= 0.5000001 * pow(10, -digits);
    bool truncated = digits >= FEWEST_DIGITS && apart < pow(10, -digits);
    if (apart > largest * 1e-12 && !rounded && !truncated) return false;
    *reasons |= REASON_BIT(REASON_PRECISION);
    return true;
}

/* ---- JSON ---- */

typedef struct JsonReader {
    const char *at, *end;
    bool bad;
} JsonReader;

typedef struct Member {
    char *text;
} Member;

static int compare_members(const void *a, const void *b) {
    return strcmp(((const Member *)a)->text, ((const Member *)b)->text);
}

static void json_skip(JsonReader *in) {
    while (in->at < in->end && isspace((unsigned char)*in->at)) in->at++;
}

static void json_write(Text *out, JsonReader *in, int depth);

static void json_write_text(Text *out, JsonReader *in) {
    const char *start = in->at++;
    while (in->at < in->end && *in->at != '"') in->at += *in->at == '\\' ? 2 : 1;
    in->bad = in->bad || in->at >= in->end;
    if (in->bad) return;
    in->at++;
    text_append(out, start, (size_t)(in->at - start));
}

/* Members of an object in the order of their texts, items of an array in their own. */
static void json_write_list(Text *out, JsonReader *in, char close, int depth) {
    Member members[256];
    int count = 0;
    text_append(out, in->at++, 1);
    for (json_skip(in); !in->bad && in->at < in->end && *in->at != close; json_skip(in)) {
        Text member = {0};
        text_append(&member, "", 0);
        json_write(&member, in, depth + 1);
        json_skip(in);
        if (close == '}') {
            in->bad = in->bad || in->at >= in->end || *in->at++ != ':';
            text_add(&member, ":");
            if (!in->bad) json_write(&member, in, depth + 1);
            json_skip(in);
        }
        bool more = in->at < in->end && *in->at == ',';
        in->bad = in->bad || count == 256 || (!more && (in->at >= in->end || *in->at != close));
        if (more) in->at++;
        if (count < 256) members[count++].text = member.data;
        else free(member.data);
    }
    in->bad = in->bad || in->at++ >= in->end;
    if (close == '}' && count) qsort(members, (size_t)count, sizeof *members, compare_members);
    for (int i = 0; i < count; i++) {
        text_add(out, "%s%s", i ? "," : "", members[i].text);
        free(members[i].text);
    }
    text_append(out, &close, 1);
}

static void json_write(Text *out, JsonReader *in, int depth) {
    json_skip(in);
    in->bad = in->bad || in->at >= in->end || depth > 64;
    if (in->bad) return;
    if (*in->at == '{' || *in->at == '[') {
        json_write_list(out, in, *in->at == '{' ? '}' : ']', depth);
    } else if (*in->at == '"') {
        json_write_text(out, in);
    } else {
        const char *start = in->at;
        while (in->at < in->end && !strchr(",:]} \t\r\n", *in->at)) in->at++;
        double number;
        if (text_number(start, (size_t)(in->at - start), &number)) text_add(out, "%.15g", number);
        else text_append(out, start, (size_t)(in->at - start));
    }
}

/* False: it is no JSON. */
static bool json_canonical(Text *out, const OrmcValue *value) {
    size_t start = out->length;
    if (!value->text || value->type == ORMC_TYPE_ARRAY || !value->length) return false;
    JsonReader in = {value->text, value->text + value->length, false};
    json_write(out, &in, 0);
    json_skip(&in);
    if (!in.bad && in.at == in.end) return true;
    out->length = start;
    return false;
}

/* ---- texts ---- */

/* A datetime with a blank, without an offset of zero and zeros at the end of its fraction; a UUID without dashes. */
static void text_write_plain(Text *out, const OrmcValue *value) {
    size_t start = out->length;
    cell_write(out, value);
    text_append(out, "", 0);
    char *text = out->data + start;
    size_t length = out->length - start;
    bool dated = length >= 19 && text[4] == '-' && text[7] == '-' && (text[10] == 'T' || text[10] == ' ');
    bool timed = !dated && length >= 8 && text[2] == ':' && text[5] == ':' && isdigit((unsigned char)text[0]);
    if (dated) text[10] = ' ';
    if ((dated || timed) && length > 6 && strcmp(text + length - 6, "+00:00") == 0) length -= 6;
    if ((dated || timed) && memchr(text, '.', length)) {
        while (text[length - 1] == '0') length--;
        if (text[length - 1] == '.') length--;
    }
    if (dated && length == 19 && memcmp(text + 10, " 00:00:00", 9) == 0) length = 10;
    bool uuid = length == 36 && text[8] == '-' && text[13] == '-' && text[18] == '-' && text[23] == '-';
    if (uuid) {
        size_t to = 0;
        for (size_t i = 0; i < length; i++)
            if (text[i] != '-') text[to++] = (char)tolower((unsigned char)text[i]);
        length = to;
    }
    out->length = start + length;
    out->data[out->length] = '\0';
}

static bool is_bytes(const OrmcValue *value) { return value->type == ORMC_TYPE_BYTES; }

static bool plain_equal(const OrmcValue *a, const OrmcValue *b) {
    OrmcValue x = *a, y = *b; /* bytes beside a text are the text's */
    if (is_bytes(a) != is_bytes(b)) x.type = y.type = ORMC_TYPE_TEXT;
    bool texts = x.type != ORMC_TYPE_BYTES || !x.text || !y.text;
    Text left = {0}, right = {0};
    text_append(&left, "", 0);
    text_append(&right, "", 0);
    if (texts) text_write_plain(&left, &x), text_write_plain(&right, &y);
    else cell_write(&left, &x), cell_write(&right, &y);
    bool equal = left.length == right.length && memcmp(left.data, right.data, left.length) == 0;
    free(left.data);
    free(right.data);
    return equal;
}

static bool json_equal(const OrmcValue *a, const OrmcValue *b) {
    Text left = {0}, right = {0};
    text_append(&left, "", 0);
    text_append(&right, "", 0);
    bool equal = json_canonical(&left, a) && json_canonical(&right, b) && left.length == right.length &&
                 memcmp(left.data, right.data, left.length) == 0;
    free(left.data);
    free(right.data);
    return equal;
}

static bool cells_equal(const OrmcValue *a, const OrmcValue *b) {
    Text left = {0}, right = {0};
    text_append(&left, "", 0);
    text_append(&right, "", 0);
    cell_write(&left, a);
    cell_write(&right, b);
    bool equal = a->type == b->type && left.length == right.length && memcmp(left.data, right.data, left.length) == 0;
    free(left.data);
    free(right.data);
    return equal;
}

bool cells_compare(const OrmcValue *a, const OrmcValue *b, Reasons *reasons) {
    double x, y;
    if (a->is_null || b->is_null) return a->is_null == b->is_null;
    if (cells_equal(a, b)) return true;
    bool texts = a->type == ORMC_TYPE_TEXT && b->type == ORMC_TYPE_TEXT; /* '1' and '1.0' are two */
    if (!texts && cell_number(a, &x) && cell_number(b, &y)) return numbers_compare(a, x, b, y, reasons);
    if (!plain_equal(a, b) && !json_equal(a, b)) return false;
    *reasons |= REASON_BIT(REASON_TYPES);
    return true;
}

void cell_write_key(Text *out, const OrmcValue *value) {
    double number;
    if (value->is_null) text_add(out, "NULL");
    else if (cell_number(value, &number)) text_add(out, "%.9g", number);
    else if (!json_canonical(out, value)) text_write_plain(out, value);
}
