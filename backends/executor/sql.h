/*
 * What can be told of a statement's text without parsing it: its first word, and a hash for caches.
 *
 *     sql_begins_with("-- hint\n (SELECT 1)", {"insert", "select", NULL}) → true
 */
#ifndef ORMC_EXECUTOR_SQL_H
#define ORMC_EXECUTOR_SQL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Behind blanks, comments and opening brackets; MariaDB's executable comments count as text. `sql` is terminated. */
const char *sql_first_word(const char *sql);
/* Its first word is one of these, which are in lower case; the list ends with NULL. */
bool sql_begins_with(const char *sql, const char *const *words);
uint64_t sql_hash(const char *sql, size_t length);

#endif
