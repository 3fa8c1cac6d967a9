/*
 * A statement as it is sent to PostgreSQL: whether it is worth preparing, its parameters as libpq takes them, and the
 * key under which the prepared statement is kept: another type of a parameter makes another statement.
 *
 *     "SELECT … WHERE id = $1" with 7 → types {int4}, a binary parameter, key "SELECT … WHERE id = $1" int4
 */
#include <string.h>

#include "backends/postgresql/executor_parts.h"

bool pg_is_kept(const char *sql) {
    static const char *const verbs[] = {"select", "insert", "update", "delete", "with", "values", NULL};
    return sql_begins_with(sql, verbs);
}

bool pg_message(OrmcRequest *request, bool certain, PgMessage *message) {
    Store *store = &request->result.store;
    size_t count = request->param_count;
    *message = (PgMessage){.count = (int)count};
    if (!count) return true;
    message->types = store_allocate(store, count * sizeof *message->types);
    message->texts = store_allocate(store, count * sizeof *message->texts);
    message->lengths = store_allocate(store, count * sizeof *message->lengths);
    message->formats = store_allocate(store, count * sizeof *message->formats);
    if (!message->types || !message->texts || !message->lengths || !message->formats) return false;
    for (size_t i = 0; i < count; i++) {
        PgParam param;
        if (!pg_param(store, &request->params[i], certain, &param)) return false;
        message->types[i] = param.type;
        message->texts[i] = param.text;
        message->lengths[i] = (int)param.length; /* of a text libpq takes it to its end */
        message->formats[i] = param.format;
        message->size += param.length;
    }
    return true;
}

const char *pg_key(OrmcRequest *request, const PgMessage *message, size_t *length, uint64_t *hash) {
    size_t types = (size_t)message->count * sizeof *message->types;
    *length = request->sql_length + types;
    *hash = types ? request->sql_hash ^ sql_hash((const char *)message->types, types) * 31 : request->sql_hash;
    if (!types) return request->sql;
    char *key = store_allocate(&request->result.store, *length);
    if (!key) return NULL;
    memcpy(key, request->sql, request->sql_length);
    memcpy(key + request->sql_length, message->types, types);
    return key;
}
