/*
 * Functions that ORM queries call and plain SQLite lacks: regular expressions, digests, padding, statistics.
 *
 *     'Peter' REGEXP '^P.*r$' → 1     LPAD('7', 3, '0') → '007'     STDDEV_POP(x)     BITXOR(5, 3) → 6
 *
 * NULL in, NULL out; the aggregates leave NULL rows out.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "backends/sqlite/executor_parts.h"

static _Thread_local const Sqlite *worker_library;

const Sqlite *sqlite_of_worker(void) { return worker_library; }
void sqlite_worker_starts(const Sqlite *sqlite) { worker_library = sqlite; }

enum { LONGEST_TEXT = 100000000 };

static bool any_null(int count, sqlite3_value **values, sqlite3_context *context) {
    for (int i = 0; i < count; i++) {
        if (worker_library->sqlite3_value_type(values[i]) != SQLITE_NULL) continue;
        worker_library->sqlite3_result_null(context);
        return true;
    }
    return false;
}

static const char *text_of(sqlite3_value *value, size_t *length) {
    const char *text = (const char *)worker_library->sqlite3_value_text(value);
    *length = text ? (size_t)worker_library->sqlite3_value_bytes(value) : 0;
    return text ? text : "";
}

/* Calls fill a buffer of malloc() that SQLite frees when it is done. */
static void result_owned(sqlite3_context *context, char *text, size_t length) {
    worker_library->sqlite3_result_text(context, text, (int)length, free);
}

/* ---- REGEXP */

static void regexp(sqlite3_context *context, int count, sqlite3_value **values) {
    if (any_null(count, values, context)) return;
    size_t length;
    Regex *regex = worker_library->sqlite3_get_auxdata(context, 0), *made = NULL;
    if (!regex) {
        const char *pattern = text_of(values[0], &length), *why;
        regex = made = regex_compile(pattern, length, &why);
        if (!regex) {
            worker_library->sqlite3_result_error(context, why, -1);
            return;
        }
    }
    const char *text = text_of(values[1], &length);
    int found = regex_search(regex, text, length);
    if (found < 0) worker_library->sqlite3_result_error(context, "the regular expression takes too much work", -1);
    else worker_library->sqlite3_result_int64(context, found);
    /* SQLite may free it at once: not to be used after */
    if (made) worker_library->sqlite3_set_auxdata(context, 0, made, regex_free);
}

/* ---- digests */

static void digest(sqlite3_context *context, int count, sqlite3_value **values) {
    if (any_null(count, values, context)) return;
    const DigestKind *kind = worker_library->sqlite3_user_data(context);
    char hex[129];
    size_t length;
    const char *text = text_of(values[0], &length);
    sqlite_digest_hex(*kind, text, length, hex);
    worker_library->sqlite3_result_text(context, hex, -1, SQLITE_TRANSIENT);
}

/* ---- texts, counted in characters */

static size_t characters(const char *text, size_t length) {
    size_t count = 0;
    for (size_t i = 0; i < length; i++) count += ((unsigned char)text[i] & 0xC0) != 0x80;
    return count;
}

/* Bytes of the first `count` characters. */
static size_t bytes_of(const char *text, size_t length, size_t count) {
    size_t i = 0;
    for (; i < length; i++) {
        if (((unsigned char)text[i] & 0xC0) == 0x80) continue;
        if (!count--) break;
    }
    return i;
}

/* Appends `count` characters of `fill` repeated; returns the new length. */
static size_t put_fill(char *out, size_t length, const char *fill, size_t fill_length, size_t count) {
    size_t each = characters(fill, fill_length);
    for (; each && count; count -= count < each ? count : each) {
        size_t bytes = count < each ? bytes_of(fill, fill_length, count) : fill_length;
        memcpy(out + length, fill, bytes);
        length += bytes;
    }
    return length;
}

static void pad(sqlite3_context *context, int count, sqlite3_value **values) {
    if (any_null(count, values, context)) return;
    bool left = worker_library->sqlite3_user_data(context) != NULL;
    size_t length, fill_length;
    const char *text = text_of(values[0], &length), *fill = text_of(values[2], &fill_length);
    int64_t wanted = worker_library->sqlite3_value_int64(values[1]);
    size_t have = characters(text, length);
    if (wanted < 0) wanted = (int64_t)have + wanted > 0 ? (int64_t)have + wanted : 0;
    if (wanted > LONGEST_TEXT) {
        worker_library->sqlite3_result_error(context, "string or blob too big", -1);
        return;
    }
    size_t missing = (size_t)wanted > have && fill_length ? (size_t)wanted - have : 0;
    size_t kept = bytes_of(text, length, (size_t)wanted);
    char *out = malloc(kept + missing * 4 + 1);
    if (!out) {
        worker_library->sqlite3_result_error_nomem(context);
        return;
    }
    size_t at = left ? put_fill(out, 0, fill, fill_length, missing) : 0;
    memcpy(out + at, text, kept);
    at += kept;
    if (!left) at = put_fill(out, at, fill, fill_length, missing);
    result_owned(context, out, at);
}

static void repeat(sqlite3_context *context, int count, sqlite3_value **values) {
    if (any_null(count, values, context)) return;
    size_t length;
    const char *text = text_of(values[0], &length);
    int64_t times = worker_library->sqlite3_value_int64(values[1]);
    if (times < 0 || !length) times = 0;
    if (times && length > (size_t)(LONGEST_TEXT / times)) {
        worker_library->sqlite3_result_error(context, "string or blob too big", -1);
        return;
    }
    char *out = malloc(length * (size_t)times + 1);
    if (!out) {
        worker_library->sqlite3_result_error_nomem(context);
        return;
    }
    for (int64_t i = 0; i < times; i++) memcpy(out + (size_t)i * length, text, length);
    result_owned(context, out, length * (size_t)times);
}

static void reverse(sqlite3_context *context, int count, sqlite3_value **values) {
    if (any_null(count, values, context)) return;
    size_t length;
    const char *text = text_of(values[0], &length);
    char *out = malloc(length + 1);
    if (!out) {
        worker_library->sqlite3_result_error_nomem(context);
        return;
    }
    for (size_t end = length, at = 0; end;) {
        size_t start = end - 1;
        while (start && ((unsigned char)text[start] & 0xC0) == 0x80) start--;
        memcpy(out + at, text + start, end - start);
        at += end - start;
        end = start;
    }
    result_owned(context, out, length);
}

/* ---- numbers */

static void bit_xor(sqlite3_context *context, int count, sqlite3_value **values) {
    if (any_null(count, values, context)) return;
    worker_library->sqlite3_result_int64(context, worker_library->sqlite3_value_int64(values[0]) ^
                                                      worker_library->sqlite3_value_int64(values[1]));
}

static void cotangent(sqlite3_context *context, int count, sqlite3_value **values) {
    if (any_null(count, values, context)) return;
    double tangent = tan(worker_library->sqlite3_value_double(values[0]));
    if (tangent == 0) worker_library->sqlite3_result_error(context, "division by zero", -1);
    else worker_library->sqlite3_result_double(context, 1 / tangent);
}

/* Welford's running mean and sum of squared distances from it. */
typedef struct Moments {
    int64_t count;
    long double mean, squares;
} Moments;

typedef enum Spread { SPREAD_VAR_POP, SPREAD_VAR_SAMP, SPREAD_STDDEV_POP, SPREAD_STDDEV_SAMP } Spread;

static void spread_step(sqlite3_context *context, int count, sqlite3_value **values) {
    (void)count;
    if (worker_library->sqlite3_value_type(values[0]) == SQLITE_NULL) return;
    void *kept = worker_library->sqlite3_aggregate_context(context, sizeof(Moments));
    if (!kept) return;
    Moments moments; /* SQLite's memory is not aligned for it */
    memcpy(&moments, kept, sizeof moments);
    long double x = worker_library->sqlite3_value_double(values[0]), distance = x - moments.mean;
    moments.count++;
    moments.mean += distance / (long double)moments.count;
    moments.squares += distance * (x - moments.mean);
    memcpy(kept, &moments, sizeof moments);
}

static void spread_final(sqlite3_context *context) {
    const Spread *spread = worker_library->sqlite3_user_data(context);
    const void *kept = worker_library->sqlite3_aggregate_context(context, 0);
    Moments moments = {0};
    if (kept) memcpy(&moments, kept, sizeof moments);
    bool sample = *spread == SPREAD_VAR_SAMP || *spread == SPREAD_STDDEV_SAMP;
    int64_t divisor = moments.count - sample;
    if (divisor <= 0) {
        worker_library->sqlite3_result_null(context);
        return;
    }
    long double variance = moments.squares / (long double)divisor;
    bool root = *spread == SPREAD_STDDEV_POP || *spread == SPREAD_STDDEV_SAMP;
    worker_library->sqlite3_result_double(context, (double)(root ? sqrtl(variance) : variance));
}

/* ---- registration */

int sqlite_functions_register(const Sqlite *sqlite, sqlite3 *db) {
    static const DigestKind kinds[] = {DIGEST_MD5,    DIGEST_SHA1,   DIGEST_SHA224,
                                       DIGEST_SHA256, DIGEST_SHA384, DIGEST_SHA512};
    static const Spread spreads[] = {SPREAD_VAR_POP, SPREAD_VAR_SAMP, SPREAD_STDDEV_POP, SPREAD_STDDEV_SAMP};
    static const char left[] = "left";
    static const struct {
        const char *name;
        int arguments;
        void (*call)(sqlite3_context *, int, sqlite3_value **);
        const void *user;
    } functions[] = {
        {"regexp", 2, regexp, NULL},      {"MD5", 1, digest, &kinds[0]},    {"SHA1", 1, digest, &kinds[1]},
        {"SHA224", 1, digest, &kinds[2]}, {"SHA256", 1, digest, &kinds[3]}, {"SHA384", 1, digest, &kinds[4]},
        {"SHA512", 1, digest, &kinds[5]}, {"LPAD", 3, pad, left},           {"RPAD", 3, pad, NULL},
        {"REPEAT", 2, repeat, NULL},      {"REVERSE", 1, reverse, NULL},    {"BITXOR", 2, bit_xor, NULL},
        {"COT", 1, cotangent, NULL}};
    static const char *const aggregates[] = {"VAR_POP", "VAR_SAMP", "STDDEV_POP", "STDDEV_SAMP"};
    int code = sqlite_time_functions_register(sqlite, db);
    for (size_t i = 0; i < sizeof functions / sizeof *functions && code == SQLITE_OK; i++)
        code = sqlite->sqlite3_create_function_v2(db, functions[i].name, functions[i].arguments,
                                                  SQLITE_UTF8 | SQLITE_DETERMINISTIC, (void *)functions[i].user,
                                                  functions[i].call, NULL, NULL, NULL);
    for (size_t i = 0; i < sizeof aggregates / sizeof *aggregates && code == SQLITE_OK; i++)
        code = sqlite->sqlite3_create_function_v2(db, aggregates[i], 1, SQLITE_UTF8, (void *)&spreads[i], NULL,
                                                  spread_step, spread_final, NULL);
    return code;
}
