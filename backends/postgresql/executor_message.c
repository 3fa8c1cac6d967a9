/*
 * A statement as it is sent to PostgreSQL: whether it is worth preparing, its parameters as libpq takes them, and the
 * key under which the prepared statement is kept: another type of a parameter makes another statement. And what the
 * server says once it is done.
 *
 *     "SELECT … WHERE id = $1" with 7 → types {int4}, a binary parameter, key "SELECT … WHERE id = $1" int4
 */
#include <string.h>

#include "backends/postgresql/executor_parts.h"

bool pg_is_kept(const char *sql) {
    static const char *const verbs[] = {"select", "insert", "update", "delete", "with", "values", NULL};
    return sql_begins_with(sql, verbs);
}

bool pg_has_open_params(const OrmcRequest *request) {
    for (size_t i = 0; i < request->param_count; i++)
        if (!pg_param_type(&request->params[i], false)) return true;
    return false;
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

/* ---- what comes back */

/* The server ends a transaction in which something has failed without complaint, whatever it was told. */
static void pg_check_commit(OrmcRequest *request, const char *tag) {
    static const char *const commits[] = {"commit", "end", "prepare", NULL};
    if (strcmp(tag, "ROLLBACK") != 0 || !sql_begins_with(request->sql, commits)) return;
    request_state(request, "25P02");
    request_fail(request, ORMC_ERROR_DATABASE, "the transaction was rolled back, because a statement in it had failed");
}

static void pg_affected(OrmcRequest *request, const char *text) {
    if (!*text) return;
    int64_t count = 0;
    for (; *text >= '0' && *text <= '9'; text++) count = count * 10 + (*text - '0');
    request->result.affected = count;
}

bool pg_is_stale(const char *state, bool open) {
    return strncmp(state, "42", 2) == 0 || strcmp(state, "26000") == 0 || strcmp(state, "0A000") == 0 ||
           (strcmp(state, "22P02") == 0 && open);
}

void pg_done(OrmcRequest *request, const char *tag, const char *count) {
    pg_affected(request, count);
    pg_check_commit(request, tag);
}
