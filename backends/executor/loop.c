/* Loops, backends by scheme, and the blocking convenience on top of the pool. */
#include "backends/executor/executor.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A backend whose client library had no header when ormc was built. */
#if !defined(ORMC_HAVE_SQLITE) || !defined(ORMC_HAVE_POSTGRESQL) || !defined(ORMC_HAVE_MYSQL)
static const Driver *missing_driver_load(OrmcPool *pool, char *message, size_t capacity) {
    snprintf(message, capacity, "this build of ormc can't open %s databases: the client library's header was missing",
             pool->backend->name);
    return NULL;
}
#endif
#ifndef ORMC_HAVE_SQLITE
#define sqlite_driver_load missing_driver_load
#endif
#ifndef ORMC_HAVE_POSTGRESQL
#define postgresql_driver_load missing_driver_load
#endif
#ifndef ORMC_HAVE_MYSQL
#define mysql_driver_load missing_driver_load
#endif

const Backend *backend_find(const char *scheme) {
    static const Backend backends[] = {{"postgresql", "postgresql", postgresql_driver_load},
                                       {"postgres", "postgresql", postgresql_driver_load},
                                       {"sqlite", "sqlite", sqlite_driver_load},
                                       {"mysql", "mysql", mysql_driver_load},
                                       {"mariadb", "mariadb", mysql_driver_load}};
    for (size_t i = 0; i < sizeof backends / sizeof *backends; i++)
        if (strcmp(backends[i].scheme, scheme) == 0) return &backends[i];
    return NULL;
}

static OrmcLoop *loop_create(struct uv_loop_s *given, char *message, size_t capacity) {
    OrmcLoop *loop = calloc(1, sizeof *loop);
    if (!loop) return NULL;
    if (!uv_library_load(&loop->uv, message, capacity) || (!given && loop->uv.uv_loop_init(&loop->own) != 0)) {
        free(loop);
        return NULL;
    }
    loop->owns = !given;
    loop->loop = given ? given : &loop->own;
    return loop;
}

OrmcLoop *ormc_loop_create(struct uv_loop_s *given) {
    char message[256];
    return loop_create(given, message, sizeof message);
}

void ormc_loop_run(OrmcLoop *loop) { loop->uv.uv_run(loop->loop, UV_RUN_DEFAULT); }

bool ormc_loop_run_once(OrmcLoop *loop) {
    uint64_t before = loop->delivered;
    while (loop->delivered == before)
        if (!loop->uv.uv_run(loop->loop, UV_RUN_ONCE)) return loop->delivered != before;
    return true;
}

struct uv_loop_s *ormc_loop_uv(OrmcLoop *loop) {
    return loop->loop;
}

bool ormc_loop_destroy(OrmcLoop *loop) {
    if (loop->pools) return false;
    if (loop->owns) {
        /* handles that are closing already need one more turn */
        loop->uv.uv_run(loop->loop, UV_RUN_NOWAIT);
        if (loop->uv.uv_loop_close(loop->loop) != 0) return false;
    }
    free(loop);
    return true;
}

/* ---- blocking */

struct OrmcDatabase {
    OrmcLoop *loop;
    OrmcPool *pool;
    OrmcConnection *connection;
    OrmcResult *result;
    bool waiting, pool_closed;
    OrmcError error;
    char message[512];
    char backend[16];
};

static void database_done(void *user, OrmcResult *result) {
    OrmcDatabase *database = user;
    database->result = ormc_result_keep(result);
    database->waiting = false;
}

static void database_fail(OrmcDatabase *database, const OrmcResult *result) {
    database->error = ormc_result_error(result);
    snprintf(database->message, sizeof database->message, "%s", ormc_result_message(result));
}

static void database_on_open(void *user, OrmcResult *result) {
    OrmcDatabase *database = user;
    database_fail(database, result);
    database->waiting = false;
}

static void database_on_acquired(void *user, OrmcConnection *connection, const OrmcResult *result) {
    OrmcDatabase *database = user;
    database->connection = connection;
    database_fail(database, result);
    database->waiting = false;
}

static void database_wait(OrmcDatabase *database) {
    while (database->waiting && ormc_loop_run_once(database->loop)) {
    }
}

static bool database_acquire(OrmcDatabase *database) {
    if (database->connection && database->connection->connection) return true;
    if (database->connection) ormc_connection_release(database->connection);
    database->connection = NULL;
    database->waiting = ormc_pool_acquire(database->pool, database_on_acquired, database);
    database_wait(database);
    return database->connection != NULL;
}

OrmcDatabase *ormc_database_open(const char *url, const OrmcPoolOptions *given) {
    OrmcDatabase *database = calloc(1, sizeof *database);
    if (!database) return NULL;
    database->loop = loop_create(NULL, database->message, sizeof database->message);
    database->error = ORMC_ERROR_LIBRARY;
    if (!database->loop) return database;
    OrmcPoolOptions options = {0};
    if (given) memcpy(&options, given, given->size && given->size < sizeof options ? given->size : sizeof options);
    options.size = sizeof options;
    options.min_connections = options.max_connections = 1;
    database->waiting = true;
    database->pool = ormc_pool_open(database->loop, url, &options, database_on_open, database);
    if (!database->pool) {
        database->error = ORMC_ERROR_MEMORY;
        snprintf(database->message, sizeof database->message, "out of memory");
        return database;
    }
    database_wait(database);
    snprintf(database->backend, sizeof database->backend, "%s", ormc_pool_backend(database->pool));
    if (database->error == ORMC_ERROR_NONE) database_acquire(database);
    return database;
}

OrmcError ormc_database_error(const OrmcDatabase *database) { return database->error; }
const char *ormc_database_message(const OrmcDatabase *database) { return database->message; }
const char *ormc_database_backend(const OrmcDatabase *database) { return database->backend; }

/* A result that carries nothing but an error. */
static OrmcResult *result_create_failed(OrmcError error, const char *message) {
    OrmcRequest *request = calloc(1, sizeof *request);
    if (!request) return NULL;
    store_init(&request->result.store, NULL, 0);
    request->result.affected = -1;
    request->result.kept = true;
    request_fail(request, error, "%s", message);
    return &request->result;
}

OrmcResult *ormc_database_execute(OrmcDatabase *database, const OrmcCommand *given) {
    if (!database->pool) return result_create_failed(database->error, database->message);
    if (pool_is_foreign(database->pool))
        return result_create_failed(ORMC_ERROR_FORKED, "the database was opened by another process");
    if (!database_acquire(database)) return result_create_failed(database->error, database->message);
    OrmcCommand command = {0};
    memcpy(&command, given, given->size && given->size < sizeof command ? given->size : sizeof command);
    command.size = sizeof command;
    void *row_user = command.user;
    command.on_done = database_done;
    command.user = database;
    OrmcRequest *request = ormc_connection_execute(database->connection, &command);
    if (!request) return NULL;
    request->row_user = row_user;
    database->result = NULL;
    database->waiting = true;
    database_wait(database);
    return database->result;
}

bool ormc_database_in_transaction(const OrmcDatabase *database) {
    return database->connection && ormc_connection_in_transaction(database->connection);
}

void ormc_database_interrupt(OrmcDatabase *database) {
    if (database->pool) ormc_pool_interrupt(database->pool);
}

static void database_on_closed(void *user) { ((OrmcDatabase *)user)->pool_closed = true; }

void ormc_database_close(OrmcDatabase *database) {
    if (!database) return;
    if (database->pool && !pool_is_foreign(database->pool)) {
        if (database->connection) ormc_connection_release(database->connection);
        ormc_pool_close(database->pool, database_on_closed, database);
        while (!database->pool_closed && ormc_loop_run_once(database->loop)) {
        }
    }
    if (database->loop) ormc_loop_destroy(database->loop);
    free(database);
}
