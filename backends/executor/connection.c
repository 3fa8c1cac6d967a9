/* Connections of the caller's own: acquired from a pool, used for transactions, released. */
#include "backends/executor/executor.h"

#include <stdio.h>
#include <string.h>

bool ormc_pool_acquire(OrmcPool *pool, OrmcAcquireCallback on_acquired, void *user) {
    OrmcRequest *request = pool_is_foreign(pool) ? NULL : request_create(pool);
    if (!request) return false;
    request->on_acquired = on_acquired;
    request->user = user;
    request->wait_deadline = pool_now(pool) + pool->options.wait_timeout_ms;
    pool_submit(pool, request);
    return true;
}

/* NULL: no memory, or another process's pool. */
static OrmcRequest *connection_request(OrmcConnection *connection, const OrmcCommand *command) {
    OrmcPool *pool = connection->pool;
    OrmcRequest *request = pool_is_foreign(pool) ? NULL : request_create(pool);
    if (!request) return NULL;
    if (!request_fill(request, command)) {
        request_recycle(request);
        return NULL;
    }
    request->lease = connection;
    return request;
}

OrmcRequest *ormc_connection_execute(OrmcConnection *connection, const OrmcCommand *command) {
    OrmcRequest *request = connection_request(connection, command);
    if (request) pool_submit(connection->pool, request);
    return request;
}

static OrmcRequest *connection_say(OrmcConnection *connection, const char *sql, OrmcDoneCallback on_done, void *user) {
    OrmcCommand command = {.size = sizeof command, .sql = sql, .on_done = on_done, .user = user};
    return ormc_connection_execute(connection, &command);
}

OrmcRequest *ormc_connection_begin(OrmcConnection *connection, OrmcDoneCallback on_done, void *user) {
    return connection_say(connection, connection->pool->driver->begin, on_done, user);
}

OrmcRequest *ormc_connection_commit(OrmcConnection *connection, OrmcDoneCallback on_done, void *user) {
    return connection_say(connection, "COMMIT", on_done, user);
}

OrmcRequest *ormc_connection_rollback(OrmcConnection *connection, OrmcDoneCallback on_done, void *user) {
    return connection_say(connection, "ROLLBACK", on_done, user);
}

/* Another name is refused before it is sent: a server's complaint would end PostgreSQL's transaction. */
static OrmcRequest *connection_say_name(OrmcConnection *connection, const char *verb, const char *name,
                                        OrmcDoneCallback on_done, void *user) {
    static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_0123456789";
    char sql[128];
    size_t length = strspn(name, letters);
    bool good = length && length < 64 && !name[length] && !(name[0] >= '0' && name[0] <= '9');
    snprintf(sql, sizeof sql, "%s %s", verb, good ? name : "");
    OrmcCommand command = {.size = sizeof command, .sql = sql, .on_done = on_done, .user = user};
    OrmcRequest *request = connection_request(connection, &command);
    if (!request) return NULL;
    if (!good)
        request_fail(request, ORMC_ERROR_VALUE,
                     "\"%.64s\" can't name a savepoint: letters, digits and underscores can, 63 at most", name);
    pool_submit(connection->pool, request);
    return request;
}

OrmcRequest *ormc_connection_savepoint(OrmcConnection *connection, const char *name, OrmcDoneCallback on_done,
                                       void *user) {
    return connection_say_name(connection, "SAVEPOINT", name, on_done, user);
}

OrmcRequest *ormc_connection_rollback_to(OrmcConnection *connection, const char *name, OrmcDoneCallback on_done,
                                         void *user) {
    return connection_say_name(connection, "ROLLBACK TO SAVEPOINT", name, on_done, user);
}

OrmcRequest *ormc_connection_release_savepoint(OrmcConnection *connection, const char *name, OrmcDoneCallback on_done,
                                               void *user) {
    return connection_say_name(connection, "RELEASE SAVEPOINT", name, on_done, user);
}

bool ormc_connection_in_transaction(const OrmcConnection *connection) {
    return connection->connection && connection->connection->in_transaction;
}

/* Behind what was asked before; the lease ends with it. False: no memory. */
static bool lease_roll_back(OrmcConnection *lease) {
    OrmcPool *pool = lease->pool;
    OrmcRequest *request = request_create(pool);
    if (!request) return false;
    OrmcCommand command = {.size = sizeof command, .sql = pool->driver->rollback};
    if (!request_fill(request, &command)) {
        request_recycle(request);
        return false;
    }
    request->internal = INTERNAL_RELEASE;
    request->lease = lease;
    queue_push(&lease->waiting, request);
    pool_wake(pool);
    return true;
}

void ormc_connection_release(OrmcConnection *lease) {
    OrmcPool *pool = lease->pool;
    if (pool_is_foreign(pool) || lease->released) return;
    lease->released = true;
    Connection *connection = lease->connection;
    bool busy = connection && (connection->in_transaction || connection->flight.count || lease->waiting.count);
    if (busy && lease_roll_back(lease)) return;
    if (busy) connection_lost(connection, "", 0, "out of memory");
    lease_free(lease);
    pool_wake(pool);
}
