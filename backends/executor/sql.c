/* The first word of a statement, and its hash. See sql.h. */
#include "backends/executor/sql.h"

#include <string.h>

/* Behind the comment that begins here; `sql` itself where none does. */
static const char *comment_skip(const char *sql) {
    if ((sql[0] == '-' && sql[1] == '-') || sql[0] == '#') return sql + strcspn(sql, "\n");
    if (sql[0] != '/' || sql[1] != '*' || sql[2] == '!' || (sql[2] == 'M' && sql[3] == '!')) return sql;
    const char *end = strstr(sql + 2, "*/");
    return end ? end + 2 : sql + strlen(sql);
}

const char *sql_first_word(const char *sql) {
    for (;;) {
        const char *start = sql;
        sql = comment_skip(sql + strspn(sql, " \t\r\n\f\v("));
        if (sql == start) return sql;
    }
}

static bool in_word(char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

bool sql_begins_with(const char *sql, const char *const *words) {
    const char *first = sql_first_word(sql);
    for (; *words; words++) {
        size_t k = 0;
        while ((*words)[k] && (first[k] | 0x20) == (*words)[k]) k++;
        if (!(*words)[k] && !in_word(first[k])) return true;
    }
    return false;
}

/* FNV-1a over words: statements differ in their tails, so every byte counts. */
uint64_t sql_hash(const char *sql, size_t length) {
    uint64_t hash = 14695981039346656037u;
    while (length >= 8) {
        uint64_t word;
        memcpy(&word, sql, 8);
        hash = (hash ^ word) * 1099511628211u;
        hash ^= hash >> 32;
        sql += 8;
        length -= 8;
    }
    for (; length; length--) hash = (hash ^ (unsigned char)*sql++) * 1099511628211u;
    return hash ^ (hash >> 29);
}
