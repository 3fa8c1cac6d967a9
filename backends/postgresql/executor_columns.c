/*
 * Columns of results of PostgreSQL: names and types, read from libpq once for each prepared statement and then copied
 * as one block of memory, because names have to outlive the statement with a result that is kept.
 *
 *     block: ResultColumn[count]  Oid[count]  "id" NUL "name" NUL …
 */
#include <stdlib.h>
#include <string.h>

#include "backends/postgresql/executor_parts.h"

static Oid *columns_oids(const PgColumns *columns) { return (Oid *)(void *)(columns->block + columns->count); }

/* The server answers for the same columns; another statement's would be a mistake that must not be read as these. */
static bool columns_are_of(const PgColumns *columns, const Pq *pq, const PgTypes *types, const PGresult *result) {
    if (!columns->block || columns->count != (size_t)pq->PQnfields(result)) return false;
    const Oid *oids = columns_oids(columns);
    for (size_t i = 0; i < columns->count; i++)
        if (oids[i] != pg_types_settle(types, pq->PQftype(result, (int)i))) return false;
    return true;
}

bool pg_columns_read(const Pq *pq, const PgTypes *types, const PGresult *result, PgColumns *columns) {
    if (columns_are_of(columns, pq, types, result)) return true;
    pg_columns_free(columns);
    size_t count = (size_t)pq->PQnfields(result), size = count * (sizeof *columns->block + sizeof(Oid)) + 1;
    for (size_t i = 0; i < count; i++) size += strlen(pq->PQfname(result, (int)i)) + 1;
    columns->block = malloc(size);
    if (!columns->block) return false;
    columns->count = count;
    columns->size = size;
    columns->binary = count > 0;
    char *text = (char *)(columns_oids(columns) + count);
    for (size_t i = 0; i < count; i++) {
        Oid oid = pg_types_settle(types, pq->PQftype(result, (int)i));
        const char *name = pq->PQfname(result, (int)i);
        size_t length = strlen(name) + 1;
        memcpy(text, name, length);
        columns->block[i] = (ResultColumn){.name = text, .type = pg_type(oid)};
        columns_oids(columns)[i] = oid;
        columns->binary = columns->binary && pg_type_reads_binary(oid, true);
        columns->zoned = columns->zoned || !pg_type_reads_binary(oid, false);
        text += length;
    }
    return true;
}

bool pg_columns_copy(const PgColumns *columns, Store *store, ResultColumn **target) {
    ResultColumn *copy = store_allocate(store, columns->size);
    if (!copy) return false;
    memcpy(copy, columns->block, columns->size);
    for (size_t i = 0; i < columns->count; i++)
        copy[i].name = (char *)copy + (columns->block[i].name - (const char *)columns->block);
    *target = copy;
    return true;
}

void pg_columns_free(PgColumns *columns) {
    free(columns->block);
    *columns = (PgColumns){0};
}
