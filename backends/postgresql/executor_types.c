/*
 * Types of PostgreSQL that have no fixed number: those of extensions and of CREATE TYPE. The server is asked for them
 * when a pool's first connection is made, and again after a statement that may have made more.
 *
 *     hstore → PG_HSTORE      citext → text      hstore[] → PG_HSTORE_ARRAY      citext[], an enum's array → text[]
 *
 * Invariant: pg_types_settle() gives numbers of this table or of the server's fixed ones, so whoever reads cells needs
 * to know no others.
 */
#include <stdlib.h>
#include <string.h>

#include "backends/postgresql/executor_parts.h"

enum { OID_TEXT = 25, OID_TEXT_ARRAY = 1009 };

#define QUERY                                                                                                          \
    "SELECT oid::int8, typarray::int8, typname::text FROM pg_catalog.pg_type WHERE oid >= 16384 AND typarray <> 0 "    \
    "AND "                                                                                                             \
    "typtype IN ('b', 'd', 'e', 'r') ORDER BY 1 LIMIT 10000"

const char pg_types_query[] = QUERY;
/* The first row is of no type. */
const char pg_types_and_styles_query[] =
    "SELECT 0::int8, 0::int8, set_config('DateStyle', 'ISO', false) || set_config('IntervalStyle', 'postgres', false) "
    "UNION ALL (" QUERY ")";

bool pg_types_are_asked(const char *sql) {
    return strcmp(sql, pg_types_query) == 0 || strcmp(sql, pg_types_and_styles_query) == 0;
}

bool pg_types_may_change(const char *sql) {
    static const char *const words[] = {"create", "alter", NULL};
    if (!sql_begins_with(sql, words)) return false;
    static const char *const kinds[] = {"extension", "type", "domain", NULL};
    const char *second = sql_first_word(sql);
    return sql_begins_with(second + strcspn(second, " \t\r\n\f\v/-"), kinds);
}

static void types_add(PgTypes *types, Oid from, Oid to) { types->items[types->count++] = (PgTypeName){from, to}; }

bool pg_types_read(PgTypes *types, Store *store, const OrmcResult *result) {
    size_t rows = ormc_result_row_count(result);
    if (2 * rows > types->capacity) {
        PgTypeName *items = store_allocate(store, 4 * rows * sizeof *items);
        if (!items) return false;
        *types = (PgTypes){.items = items, .capacity = 4 * rows};
    }
    types->count = 0;
    for (size_t i = 0; i < rows; i++) {
        const OrmcValue *cells = ormc_result_row(result, i);
        const OrmcValue *name = &cells[2];
        bool hstore = name->length == 6 && memcmp(name->text, "hstore", 6) == 0;
        bool citext = name->length == 6 && memcmp(name->text, "citext", 6) == 0;
        if (hstore || citext) types_add(types, (Oid)cells[0].integer, hstore ? PG_HSTORE : OID_TEXT);
        types_add(types, (Oid)cells[1].integer, hstore ? PG_HSTORE_ARRAY : OID_TEXT_ARRAY);
    }
    return true;
}

Oid pg_types_find(const PgTypes *types, Oid oid) {
    for (size_t i = 0; i < types->count; i++)
        if (types->items[i].oid == oid) return types->items[i].settled;
    return oid;
}
