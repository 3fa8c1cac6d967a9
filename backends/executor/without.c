/*
 * The executor of a build without executors: every function is there, so that programs link, and opening anything says
 * what is missing.
 */
#include <stdlib.h>

#include "include/ormc.h"

static const char why[] = "this build of ormc has no executors (ORMC_EXECUTORS=OFF, or libuv's header was missing)";

struct OrmcDatabase {
    OrmcError error;
};
struct OrmcResult {
    OrmcError error;
};

OrmcError ormc_result_error(const OrmcResult *result) { return result->error; }

const char *ormc_result_message(const OrmcResult *result) { return result->error == ORMC_ERROR_NONE ? "" : why; }

const char *ormc_result_state(const OrmcResult *result) {
    (void)result;
    return "";
}

int ormc_result_native_code(const OrmcResult *result) {
    (void)result;
    return 0;
}

size_t ormc_result_column_count(const OrmcResult *result) {
    (void)result;
    return 0;
}

const char *ormc_result_column_name(const OrmcResult *result, size_t column) {
    (void)result;
    (void)column;
    return "";
}

OrmcType ormc_result_column_type(const OrmcResult *result, size_t column) {
    (void)result;
    (void)column;
    return ORMC_TYPE_UNKNOWN;
}

size_t ormc_result_row_count(const OrmcResult *result) {
    (void)result;
    return 0;
}

const OrmcValue *ormc_result_row(const OrmcResult *result, size_t row) {
    (void)result;
    (void)row;
    return NULL;
}

int64_t ormc_result_affected(const OrmcResult *result) {
    (void)result;
    return 0;
}

int64_t ormc_result_inserted_id(const OrmcResult *result) {
    (void)result;
    return 0;
}

const char *ormc_result_notice(const OrmcResult *result, size_t index) {
    (void)result;
    (void)index;
    return "";
}

OrmcResult *ormc_result_keep(OrmcResult *result) { return result; }

void ormc_result_free(OrmcResult *result) { free(result); }

OrmcLoop *ormc_loop_create(struct uv_loop_s *loop) {
    (void)loop;
    return NULL;
}

void ormc_loop_run(OrmcLoop *loop) { (void)loop; }

bool ormc_loop_run_once(OrmcLoop *loop) {
    (void)loop;
    return false;
}

struct uv_loop_s *ormc_loop_uv(OrmcLoop *loop) {
    (void)loop;
    return NULL;
}

bool ormc_loop_destroy(OrmcLoop *loop) {
    (void)loop;
    return false;
}

OrmcPool *ormc_pool_open(OrmcLoop *loop, const char *url, const OrmcPoolOptions *options, OrmcDoneCallback on_open,
                         void *user) {
    (void)loop;
    (void)url;
    (void)options;
    (void)on_open;
    (void)user;
    return NULL;
}

void ormc_pool_close(OrmcPool *pool, void (*on_closed)(void *user), void *user) {
    (void)pool;
    (void)on_closed;
    (void)user;
}

void ormc_pool_interrupt(OrmcPool *pool) { (void)pool; }

const char *ormc_pool_backend(const OrmcPool *pool) {
    (void)pool;
    return "";
}

OrmcRequest *ormc_pool_execute(OrmcPool *pool, const OrmcCommand *command) {
    (void)pool;
    (void)command;
    return NULL;
}

void ormc_request_cancel(OrmcRequest *request) { (void)request; }

void ormc_request_resume(OrmcRequest *request) { (void)request; }

OrmcPrepared *ormc_pool_prepare(OrmcPool *pool, const char *sql) {
    (void)pool;
    (void)sql;
    return NULL;
}

void ormc_prepared_free(OrmcPrepared *prepared) { (void)prepared; }

void ormc_pool_counters(const OrmcPool *pool, OrmcPoolCounters *counters) {
    (void)pool;
    (void)counters;
}

bool ormc_pool_acquire(OrmcPool *pool, OrmcAcquireCallback on_acquired, void *user) {
    (void)pool;
    (void)on_acquired;
    (void)user;
    return false;
}

OrmcRequest *ormc_connection_execute(OrmcConnection *connection, const OrmcCommand *command) {
    (void)connection;
    (void)command;
    return NULL;
}

OrmcRequest *ormc_connection_begin(OrmcConnection *connection, OrmcDoneCallback on_done, void *user) {
    (void)connection;
    (void)on_done;
    (void)user;
    return NULL;
}

OrmcRequest *ormc_connection_commit(OrmcConnection *connection, OrmcDoneCallback on_done, void *user) {
    (void)connection;
    (void)on_done;
    (void)user;
    return NULL;
}

OrmcRequest *ormc_connection_rollback(OrmcConnection *connection, OrmcDoneCallback on_done, void *user) {
    (void)connection;
    (void)on_done;
    (void)user;
    return NULL;
}

OrmcRequest *ormc_connection_savepoint(OrmcConnection *connection, const char *name, OrmcDoneCallback on_done,
                                       void *user) {
    (void)connection;
    (void)name;
    (void)on_done;
    (void)user;
    return NULL;
}

OrmcRequest *ormc_connection_rollback_to(OrmcConnection *connection, const char *name, OrmcDoneCallback on_done,
                                         void *user) {
    (void)connection;
    (void)name;
    (void)on_done;
    (void)user;
    return NULL;
}

OrmcRequest *ormc_connection_release_savepoint(OrmcConnection *connection, const char *name, OrmcDoneCallback on_done,
                                               void *user) {
    (void)connection;
    (void)name;
    (void)on_done;
    (void)user;
    return NULL;
}

bool ormc_connection_in_transaction(const OrmcConnection *connection) {
    (void)connection;
    return false;
}

void ormc_connection_release(OrmcConnection *connection) { (void)connection; }

OrmcDatabase *ormc_database_open(const char *url, const OrmcPoolOptions *options) {
    (void)url;
    (void)options;
    OrmcDatabase *database = calloc(1, sizeof *database);
    if (database) database->error = ORMC_ERROR_LIBRARY;
    return database;
}

OrmcError ormc_database_error(const OrmcDatabase *database) { return database->error; }

const char *ormc_database_message(const OrmcDatabase *database) {
    (void)database;
    return why;
}

const char *ormc_database_backend(const OrmcDatabase *database) {
    (void)database;
    return "";
}

OrmcResult *ormc_database_execute(OrmcDatabase *database, const OrmcCommand *command) {
    (void)command;
    OrmcResult *result = calloc(1, sizeof *result);
    if (result) result->error = database->error;
    return result;
}

bool ormc_database_in_transaction(const OrmcDatabase *database) {
    (void)database;
    return false;
}

void ormc_database_interrupt(OrmcDatabase *database) { (void)database; }

void ormc_database_close(OrmcDatabase *database) { free(database); }
