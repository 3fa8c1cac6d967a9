/* Parts of the functions that the executor registers in SQLite: digests, regular expressions, time zones. */
#ifndef ORMC_SQLITE_PARTS_H
#define ORMC_SQLITE_PARTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "backends/sqlite/library.h"

/* ---- digests */

typedef enum DigestKind {
    DIGEST_MD5,
    DIGEST_SHA1,
    DIGEST_SHA224,
    DIGEST_SHA256,
    DIGEST_SHA384,
    DIGEST_SHA512
} DigestKind;

/* Lower-case hexadecimal digest; `hex` has room for 129 bytes. */
void sqlite_digest_hex(DigestKind kind, const void *data, size_t length, char *hex);

/* ---- regular expressions, in Python's syntax */

typedef struct Regex Regex;
/* NULL: `*why` says what is wrong with the pattern (or that there is no memory). */
Regex *regex_compile(const char *pattern, size_t length, const char **why);
void regex_free(void *regex);
/* Found anywhere in the text: 1, not: 0, given up (too much work, no memory): -1. */
int regex_search(const Regex *regex, const char *text, size_t length);

/* ---- dates, times and zones */

typedef struct DateTime {
    int year, month, day, hour, minute, second, microsecond;
} DateTime;

int64_t days_from_civil(int year, int month, int day); /* since 1970-01-01 */
void civil_from_days(int64_t days, DateTime *out);     /* sets year, month, day */
/* A wall-clock time in the one zone as it reads in the other. False: there is no such zone. */
bool zone_convert(DateTime *time, const char *from, const char *to);

/* django_datetime_trunc and its kin. An SQLite result code. */
int sqlite_time_functions_register(const Sqlite *sqlite, sqlite3 *db);

#endif
