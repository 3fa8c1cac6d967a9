/* The registry of dialects: one line each. A new dialect is a folder with its dialect.c and a line here. */
#include "backends/dialects.h"

static const Dialect *const dialects[] = {
    [DIALECT_POSTGRESQL] = &postgresql_dialect,
    [DIALECT_SQLITE] = &sqlite_dialect,
    [DIALECT_MYSQL] = &mysql_dialect,
    [DIALECT_MARIADB] = &mariadb_dialect,
};

const Dialect *dialect_get(DialectId id) { return dialects[id]; }

const Dialect *dialect_find(Slice name) {
    for (size_t i = 0; i < sizeof dialects / sizeof *dialects; i++)
        if (slice_equals_text(name, dialects[i]->name)) return dialects[i];
    return NULL;
}
