/*
 * SQLite's driver: one worker thread a connection, because SQLite blocks.
 *
 * The loop's thread puts requests into the inbox, as many as have come up in a step with one lock and at most one
 * signal; the worker takes all of them, runs one after the other, and puts each into the outbox; an async handle brings
 * the outbox to the loop. A collected result is written by the worker into the request's own memory (the loop doesn't
 * touch a request in flight); a streamed one travels in batches of rows, of which two may be on the way, so memory
 * stays bounded however slow the reader is.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "backends/executor/cache.h"
#include "backends/executor/executor.h"
#include "backends/sqlite/library.h"

enum { SQLITE_PIPELINE = 256, BATCH_ROWS = 512, BATCH_BYTES = 256 * 1024, BATCHES_AHEAD = 2 };

/* In request->flags, under the lock. */
enum { JOB_SKIP = 1 };

typedef struct Batch {
    struct Batch *next;
    OrmcRequest *request;
    size_t count, read; /* rows in it, and given to the callback */
    Store store;
    OrmcValue *rows[BATCH_ROWS];
} Batch;

/* Requests linked through request->data. */
typedef struct JobList {
    OrmcRequest *first, *last;
} JobList;

typedef struct SqliteConnection {
    Connection base;
    const Sqlite *sqlite;
    uv_async_t async;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t work; /* for the worker: inbox, stop, or a batch was read */
    /* under the lock */
    JobList inbox, outbox;
    Batch *batches, *last_batch;
    unsigned batches_ahead;
    OrmcRequest *current;
    bool stop, opened, stopped, current_in_transaction;
    /* the worker's */
    sqlite3 *db;
    StatementCache cache;
    _Atomic bool interrupting; /* the current statement shall end, also where it waits for a lock */
    unsigned untold;           /* results that the loop was not yet woken for */
    int open_code;
    char open_message[256];
    /* the loop's */
    JobList staged; /* for the inbox, handed over by fetch */
    JobList done;
    Batch *unread;
    bool reported_open, closing;
} SqliteConnection;

static void jobs_push(JobList *list, OrmcRequest *request) {
    request->data = NULL;
    if (list->last) list->last->data = request;
    else list->first = request;
    list->last = request;
}

static void jobs_append(JobList *list, JobList *more) {
    if (!more->first) return;
    if (list->last) list->last->data = more->first;
    else list->first = more->first;
    list->last = more->last;
    *more = (JobList){0};
}

static OrmcRequest *jobs_pop(JobList *list) {
    OrmcRequest *request = list->first;
    if (!request) return NULL;
    list->first = request->data;
    if (!list->first) list->last = NULL;
    return request;
}

/* ---- the worker: binding */

static bool sqlite_accepts(const OrmcValue *value, const char **why) {
    if (value->type == ORMC_TYPE_ARRAY || value->type == ORMC_TYPE_MAP) {
        *why = value->type == ORMC_TYPE_MAP ? "SQLite has no maps" : "SQLite has no arrays";
        return false;
    }
    if ((value->type == ORMC_TYPE_INTEGER || value->type == ORMC_TYPE_BIGINT) && value->text) {
        *why = "too large for an SQLite INTEGER";
        return false;
    }
    return true;
}

/* UUIDs are stored without dashes, datetimes with a blank between date and time. The text is the request's own. */
static const char *sqlite_spell(OrmcRequest *request, const OrmcValue *value, size_t *length) {
    *length = value->length;
    if (value->type != ORMC_TYPE_UUID && value->type != ORMC_TYPE_DATETIME) return value->text;
    char *text = store_copy(&request->result.store, value->text, value->length);
    if (!text) return NULL;
    if (value->type == ORMC_TYPE_DATETIME) {
        if (value->length > 10) text[10] = ' ';
        return text;
    }
    size_t out = 0;
    for (size_t i = 0; i < value->length; i++)
        if (text[i] != '-') text[out++] = text[i];
    *length = out;
    return text;
}

static int sqlite_bind(const SqliteConnection *c, sqlite3_stmt *statement, int index, OrmcRequest *request,
                       const OrmcValue *value) {
    const Sqlite *sqlite = c->sqlite;
    if (value->is_null) return sqlite->sqlite3_bind_null(statement, index);
    size_t length;
    const char *text;
    switch (value->type) {
    case ORMC_TYPE_BOOLEAN:
    case ORMC_TYPE_INTEGER:
    case ORMC_TYPE_BIGINT:
    case ORMC_TYPE_INTERVAL: return sqlite->sqlite3_bind_int64(statement, index, value->integer);
    case ORMC_TYPE_FLOAT: return sqlite->sqlite3_bind_double(statement, index, value->number);
    case ORMC_TYPE_BYTES:
        return sqlite->sqlite3_bind_blob(statement, index, value->length ? value->text : "", (int)value->length,
                                         SQLITE_STATIC);
    case ORMC_TYPE_DECIMAL:
    case ORMC_TYPE_TEXT:
    case ORMC_TYPE_DATE:
    case ORMC_TYPE_TIME:
    case ORMC_TYPE_DATETIME:
    case ORMC_TYPE_UUID:
    case ORMC_TYPE_JSON:
    case ORMC_TYPE_UNKNOWN:
        text = sqlite_spell(request, value, &length);
        return text ? sqlite->sqlite3_bind_text(statement, index, text, (int)length, SQLITE_STATIC) : SQLITE_NOMEM;
    case ORMC_TYPE_MAP:
    case ORMC_TYPE_ARRAY: return SQLITE_MISUSE;
    }
    return SQLITE_MISUSE;
}

static void sqlite_fail(const SqliteConnection *c, OrmcRequest *request) {
    request->result.native_code = c->sqlite->sqlite3_extended_errcode(c->db);
    request_fail(request, ORMC_ERROR_DATABASE, "%s", c->sqlite->sqlite3_errmsg(c->db));
}

/* ---- the worker: statements */

static bool blank(const char *text) { return text[strspn(text, " \t\r\n;")] == '\0'; }

static sqlite3_stmt *sqlite_prepare(SqliteConnection *c, OrmcRequest *request) {
    const Sqlite *sqlite = c->sqlite;
    sqlite3_stmt *statement = cache_find(&c->cache, request->sql, request->sql_length, request->sql_hash);
    if (statement) return statement;
    const char *tail = "";
    if (sqlite->sqlite3_prepare_v2(c->db, request->sql, (int)request->sql_length + 1, &statement, &tail) != SQLITE_OK) {
        sqlite_fail(c, request);
        return NULL;
    }
    if (!statement) return NULL; /* nothing but a comment */
    sqlite3_stmt *evicted = cache_make_room(&c->cache);
    if (evicted) sqlite->sqlite3_finalize(evicted);
    bool one = blank(tail);
    if (!one) request_fail(request, ORMC_ERROR_VALUE, "more than one statement: \"%.40s\" follows", tail);
    if (one && cache_insert(&c->cache, request->sql, request->sql_length, request->sql_hash, statement))
        return statement;
    if (one) request_out_of_memory(request);
    sqlite->sqlite3_finalize(statement);
    return NULL;
}

static bool sqlite_bind_all(SqliteConnection *c, OrmcRequest *request, sqlite3_stmt *statement) {
    int wanted = c->sqlite->sqlite3_bind_parameter_count(statement);
    if ((size_t)wanted != request->param_count) {
        request_fail(request, ORMC_ERROR_VALUE, "the statement takes %d parameters, %zu are given", wanted,
                     request->param_count);
        return false;
    }
    for (size_t i = 0; i < request->param_count; i++) {
        if (sqlite_bind(c, statement, (int)i + 1, request, &request->params[i]) == SQLITE_OK) continue;
        sqlite_fail(c, request);
        return false;
    }
    return true;
}

static bool word_is(const char *declared, const char *word) {
    size_t i = 0;
    for (; word[i]; i++)
        if ((declared[i] | 0x20) != word[i]) return false;
    return declared[i] == '\0' || declared[i] == '(' || declared[i] == ' ';
}

/* What the declared type of a column says about its cells; UNKNOWN: as the storage class is. */
static OrmcType sqlite_declared_type(const char *declared) {
    static const struct {
        const char *word;
        OrmcType type;
    } words[] = {{"bool", ORMC_TYPE_BOOLEAN},      {"boolean", ORMC_TYPE_BOOLEAN},    {"date", ORMC_TYPE_DATE},
                 {"datetime", ORMC_TYPE_DATETIME}, {"timestamp", ORMC_TYPE_DATETIME}, {"time", ORMC_TYPE_TIME},
                 {"decimal", ORMC_TYPE_DECIMAL},   {"numeric", ORMC_TYPE_DECIMAL},    {"integer", ORMC_TYPE_INTEGER},
                 {"bigint", ORMC_TYPE_BIGINT},     {"smallint", ORMC_TYPE_INTEGER},   {"real", ORMC_TYPE_FLOAT},
                 {"float", ORMC_TYPE_FLOAT},       {"json", ORMC_TYPE_JSON}};
    for (size_t i = 0; declared && i < sizeof words / sizeof *words; i++)
        if (word_is(declared, words[i].word)) return words[i].type;
    return ORMC_TYPE_UNKNOWN;
}

static bool sqlite_describe(SqliteConnection *c, OrmcRequest *request, sqlite3_stmt *statement) {
    int count = c->sqlite->sqlite3_column_count(statement);
    if (!request_columns(request, (size_t)count)) return false;
    for (int i = 0; i < count; i++) {
        ResultColumn *column = &request->result.columns[i];
        const char *name = c->sqlite->sqlite3_column_name(statement, i);
        column->name = name ? store_copy(&request->result.store, name, strlen(name)) : NULL;
        if (!column->name) {
            request_out_of_memory(request);
            return false;
        }
        column->type = sqlite_declared_type(c->sqlite->sqlite3_column_decltype(statement, i));
        if ((size_t)i < request->column_type_count && request->column_types[i] != ORMC_TYPE_UNKNOWN)
            column->type = request->column_types[i];
    }
    return true;
}

static bool sqlite_read_cell(const SqliteConnection *c, sqlite3_stmt *statement, int i, Store *store, OrmcValue *cell) {
    const Sqlite *sqlite = c->sqlite;
    switch (sqlite->sqlite3_column_type(statement, i)) {
    case SQLITE_INTEGER:
        value_set_integer(cell, ORMC_TYPE_BIGINT, sqlite->sqlite3_column_int64(statement, i));
        return true;
    case SQLITE_FLOAT: value_set_number(cell, sqlite->sqlite3_column_double(statement, i)); return true;
    case SQLITE_NULL: value_set_null(cell); return true;
    case SQLITE_TEXT: {
        const char *text = (const char *)sqlite->sqlite3_column_text(statement, i);
        return text &&
               value_set_text(store, cell, ORMC_TYPE_TEXT, text, (size_t)sqlite->sqlite3_column_bytes(statement, i));
    }
    default: {
        const void *bytes = sqlite->sqlite3_column_blob(statement, i);
        return value_set_text(store, cell, ORMC_TYPE_BYTES, bytes ? bytes : "",
                              (size_t)sqlite->sqlite3_column_bytes(statement, i));
    }
    }
}

/* Cells of the current row in `store`, converted to the declared types. */
static bool sqlite_read_row(SqliteConnection *c, OrmcRequest *request, sqlite3_stmt *statement, Store *store,
                            OrmcValue *cells) {
    for (size_t i = 0; i < request->result.column_count; i++) {
        if (!sqlite_read_cell(c, statement, (int)i, store, &cells[i])) {
            request_out_of_memory(request);
            return false;
        }
        OrmcType type = request->result.columns[i].type;
        if (type != ORMC_TYPE_UNKNOWN) value_convert(store, &cells[i], type);
    }
    return true;
}

/* ---- the worker: batches of a streamed result */

static void batch_free(Batch *batch) {
    store_release(&batch->store);
    free(batch);
}

static Batch *batch_create(OrmcRequest *request) {
    Batch *batch = malloc(sizeof *batch);
    if (!batch) {
        request_out_of_memory(request);
        return NULL;
    }
    batch->next = NULL;
    batch->request = request;
    batch->count = batch->read = 0;
    store_init(&batch->store, NULL, 0);
    return batch;
}

/* Waking the loop costs more than a short statement: results share it, unless the next one takes its time. */
enum { RESULTS_AT_ONCE = 64 };
static void sqlite_tell(SqliteConnection *c) {
    if (!c->untold) return;
    c->untold = 0;
    c->base.pool->uv->uv_async_send(&c->async);
}

/* Hands the batch to the loop; waits while it has enough. False: the reader wants no more. */
static bool sqlite_post_batch(SqliteConnection *c, Batch *batch) {
    pthread_mutex_lock(&c->lock);
    while (c->batches_ahead >= BATCHES_AHEAD && !(batch->request->flags & JOB_SKIP) && !c->stop)
        pthread_cond_wait(&c->work, &c->lock);
    bool wanted = !(batch->request->flags & JOB_SKIP) && !c->stop;
    if (wanted) {
        if (c->last_batch) c->last_batch->next = batch;
        else c->batches = batch;
        c->last_batch = batch;
        c->batches_ahead++;
    }
    pthread_mutex_unlock(&c->lock);
    if (!wanted) batch_free(batch);
    else c->base.pool->uv->uv_async_send(&c->async);
    return wanted;
}

static int sqlite_stream(SqliteConnection *c, OrmcRequest *request, sqlite3_stmt *statement, int code, int64_t *rows) {
    Batch *batch = NULL;
    while (code == SQLITE_ROW) {
        if (!batch && !(batch = batch_create(request))) break;
        OrmcValue *cells = store_allocate(&batch->store, request->result.column_count * sizeof *cells);
        if (!cells) request_out_of_memory(request);
        if (!cells || !sqlite_read_row(c, request, statement, &batch->store, cells)) break;
        batch->rows[batch->count++] = cells;
        ++*rows;
        if (batch->count == BATCH_ROWS || batch->store.total >= BATCH_BYTES) {
            bool wanted = sqlite_post_batch(c, batch);
            batch = NULL;
            if (!wanted) {
                request_fail(request, ORMC_ERROR_DATABASE, "the statement was cancelled");
                break;
            }
        }
        code = c->sqlite->sqlite3_step(statement);
    }
    if (batch) sqlite_post_batch(c, batch);
    return code;
}

static int sqlite_collect(SqliteConnection *c, OrmcRequest *request, sqlite3_stmt *statement, int code, int64_t *rows) {
    while (code == SQLITE_ROW) {
        OrmcValue *cells = request_row(request);
        if (!cells || !sqlite_read_row(c, request, statement, &request->result.store, cells) ||
            !request_row_done(request, cells))
            break;
        ++*rows;
        code = c->sqlite->sqlite3_step(statement);
    }
    return code;
}

static void sqlite_execute(SqliteConnection *c, OrmcRequest *request) {
    const Sqlite *sqlite = c->sqlite;
    sqlite3_stmt *statement = sqlite_prepare(c, request);
    if (!statement) return;
    if (request->prepare_only) {
        sqlite_describe(c, request, statement);
        return;
    }
    if (!sqlite_bind_all(c, request, statement)) return;
    int changes = sqlite->sqlite3_total_changes(c->db);
    int64_t rows = 0;
    int code = sqlite->sqlite3_step(statement);
    /* described after the first step: a changed schema makes SQLite prepare again there */
    if ((code == SQLITE_ROW || code == SQLITE_DONE) && sqlite_describe(c, request, statement) && code == SQLITE_ROW)
        code = request->on_row ? sqlite_stream(c, request, statement, code, &rows)
                               : sqlite_collect(c, request, statement, code, &rows);
    if (code != SQLITE_ROW && code != SQLITE_DONE) sqlite_fail(c, request);
    sqlite->sqlite3_reset(statement);
    static const char *const inserts[] = {"insert", "replace", "with", NULL};
    bool changed = sqlite->sqlite3_total_changes(c->db) != changes;
    request->result.affected = changed ? sqlite->sqlite3_changes(c->db) : rows;
    if (changed && sql_begins_with(request->sql, inserts))
        request->result.inserted_id = sqlite->sqlite3_last_insert_rowid(c->db);
}

/* ---- the worker: its thread */

static int sqlite_on_busy(void *user, int tries) {
    SqliteConnection *c = user;
    unsigned waited = tries < 10 ? (unsigned)tries * 1 : 10 + ((unsigned)tries - 10) * 5; /* ms, about */
    sqlite_tell(c);
    if (waited >= c->base.pool->options.busy_timeout_ms || atomic_load(&c->interrupting)) return 0;
    struct timespec pause = {.tv_nsec = (tries < 10 ? 1 : 5) * 1000000L};
    nanosleep(&pause, NULL);
    return 1;
}

/* sqlite3_interrupt() is lost where the statement has not begun yet: this sees it all the same. */
static int sqlite_on_progress(void *user) {
    SqliteConnection *c = user;
    sqlite_tell(c);
    return atomic_load_explicit(&c->interrupting, memory_order_relaxed);
}

static void sqlite_open(SqliteConnection *c) {
    const Url *url = &c->base.pool->url;
    const char *path = url->database ? url->database : ":memory:", *mode = url_option(url, "mode");
    int flags = SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_URI;
    if (mode && strcmp(mode, "ro") == 0) flags |= SQLITE_OPEN_READONLY;
    else flags |= SQLITE_OPEN_READWRITE | (mode && strcmp(mode, "rw") == 0 ? 0 : SQLITE_OPEN_CREATE);
    c->open_code = c->sqlite->sqlite3_open_v2(path, &c->db, flags, NULL);
    if (c->open_code == SQLITE_OK) {
        c->sqlite->sqlite3_extended_result_codes(c->db, 1);
        c->sqlite->sqlite3_busy_handler(c->db, sqlite_on_busy, c);
        c->sqlite->sqlite3_progress_handler(c->db, 50000, sqlite_on_progress, c);
        c->open_code = sqlite_functions_register(c->sqlite, c->db);
    }
    /* reading the schema shows whether it is a database at all */
    if (c->open_code == SQLITE_OK)
        c->open_code = c->sqlite->sqlite3_exec(c->db, "SELECT 1 FROM sqlite_master LIMIT 1", NULL, NULL, NULL);
    if (c->open_code == SQLITE_OK && !cache_init(&c->cache, c->base.pool->options.statement_cache))
        c->open_code = SQLITE_NOMEM;
    if (c->open_code != SQLITE_OK)
        snprintf(c->open_message, sizeof c->open_message, "%s: %s", path,
                 c->db ? c->sqlite->sqlite3_errmsg(c->db) : c->sqlite->sqlite3_errstr(c->open_code));
}

static void sqlite_shut(SqliteConnection *c) {
    for (sqlite3_stmt *statement; c->cache.buckets && (statement = cache_take_any(&c->cache));)
        c->sqlite->sqlite3_finalize(statement);
    cache_destroy(&c->cache);
    if (c->db) c->sqlite->sqlite3_close_v2(c->db);
    c->db = NULL;
}

/* `more`: another statement waits here already. */
static void sqlite_run(SqliteConnection *c, OrmcRequest *request, bool more) {
    pthread_mutex_lock(&c->lock);
    bool skip = request->flags & JOB_SKIP;
    c->current = request;
    atomic_store(&c->interrupting, false);
    pthread_mutex_unlock(&c->lock);
    if (skip) request_fail(request, ORMC_ERROR_DATABASE, "cancelled");
    else sqlite_execute(c, request);
    request->step = !c->sqlite->sqlite3_get_autocommit(c->db);
    pthread_mutex_lock(&c->lock);
    c->current = NULL;
    jobs_push(&c->outbox, request);
    pthread_mutex_unlock(&c->lock);
    if (++c->untold == RESULTS_AT_ONCE || !more) sqlite_tell(c);
}

static void *sqlite_worker(void *user) {
    SqliteConnection *c = user;
    sqlite_worker_starts(c->sqlite);
    sqlite_open(c);
    pthread_mutex_lock(&c->lock);
    c->opened = true;
    c->base.pool->uv->uv_async_send(&c->async);
    while (!c->stop) {
        if (!c->inbox.first) {
            pthread_cond_wait(&c->work, &c->lock);
            continue;
        }
        JobList jobs = c->inbox;
        c->inbox = (JobList){0};
        pthread_mutex_unlock(&c->lock);
        for (OrmcRequest *request; (request = jobs_pop(&jobs));) sqlite_run(c, request, jobs.first);
        pthread_mutex_lock(&c->lock);
    }
    pthread_mutex_unlock(&c->lock);
    sqlite_shut(c);
    pthread_mutex_lock(&c->lock);
    c->stopped = true;
    /* the last touch of the connection: once the lock is free, the loop may end it */
    c->base.pool->uv->uv_async_send(&c->async);
    pthread_mutex_unlock(&c->lock);
    return NULL;
}

/* ---- the loop's side */

static void sqlite_on_closed(uv_handle_t *handle) {
    SqliteConnection *c = handle->data;
    OrmcPool *pool = c->base.pool;
    pool_enter(pool);
    pthread_cond_destroy(&c->work);
    pthread_mutex_destroy(&c->lock);
    connection_closed(&c->base);
    pool_leave(pool);
}

/* Gives the rows of a batch to the callback. False: paused in the middle of it. */
static bool sqlite_read_batch(SqliteConnection *c, Batch *batch) {
    OrmcRequest *request = batch->request;
    bool wanted = request->cancel_reason == ORMC_ERROR_NONE;
    while (wanted && batch->read < batch->count) {
        OrmcValue *cells = batch->rows[batch->read++];
        OrmcFlow flow = request->on_row(request->row_user, request, &request->result, cells);
        count_up(&c->base.pool->counters.rows);
        c->base.pool->loop->delivered++;
        if (flow == ORMC_FLOW_STOP) {
            request->stopped = true;
            request_cancel_for(request, ORMC_ERROR_CANCELLED);
            wanted = false;
        } else if (flow == ORMC_FLOW_PAUSE) {
            request->paused = true;
            if (batch->read < batch->count) return false;
        }
        wanted = wanted && request->cancel_reason == ORMC_ERROR_NONE;
    }
    c->unread = batch->next;
    batch_free(batch);
    pthread_mutex_lock(&c->lock);
    c->batches_ahead--;
    pthread_cond_signal(&c->work);
    pthread_mutex_unlock(&c->lock);
    return !request->paused;
}

static void sqlite_take_results(SqliteConnection *c) {
    for (OrmcRequest *request; (request = c->base.flight.first);) {
        if (request->paused && request->cancel_reason == ORMC_ERROR_NONE) return;
        if (c->unread && c->unread->request == request) {
            if (!sqlite_read_batch(c, c->unread)) return;
        } else if (c->done.first == request) {
            jobs_pop(&c->done);
            c->base.in_transaction = request->step;
            request_finish(request);
        } else {
            return;
        }
    }
}

static void sqlite_on_async(uv_async_t *async) {
    SqliteConnection *c = async->data;
    OrmcPool *pool = c->base.pool;
    pool_enter(pool);
    pthread_mutex_lock(&c->lock);
    jobs_append(&c->done, &c->outbox);
    Batch **end = &c->unread;
    while (*end) end = &(*end)->next;
    *end = c->batches;
    c->batches = c->last_batch = NULL;
    bool opened = c->opened, stopped = c->stopped;
    pthread_mutex_unlock(&c->lock);
    if (opened && !c->reported_open && c->base.state != CONNECTION_CLOSING) {
        c->reported_open = true;
        if (c->open_code == SQLITE_OK) connection_ready(&c->base);
        else connection_lost(&c->base, "", c->open_code, c->open_message);
    }
    sqlite_take_results(c);
    if (stopped && !c->closing) {
        c->closing = true;
        pthread_join(c->thread, NULL);
        pool->uv->uv_close((uv_handle_t *)&c->async, sqlite_on_closed);
    }
    pool_leave(pool);
}

static bool sqlite_connect(Connection *connection) {
    SqliteConnection *c = (SqliteConnection *)connection;
    OrmcPool *pool = connection->pool;
    c->sqlite = pool->library;
    if (pool->uv->uv_async_init(pool->loop->loop, &c->async, sqlite_on_async) != 0) return false;
    c->async.data = c;
    pthread_mutex_init(&c->lock, NULL);
    pthread_cond_init(&c->work, NULL);
    sigset_t before;
    signals_block(&before);
    int code = pthread_create(&c->thread, NULL, sqlite_worker, c);
    signals_restore(&before);
    if (code == 0) return true;
    /* no thread: reported as a connection that could not be made */
    c->opened = c->stopped = true;
    c->open_code = SQLITE_NOMEM;
    c->thread = pthread_self();
    snprintf(c->open_message, sizeof c->open_message, "no thread could be started");
    pool->uv->uv_async_send(&c->async);
    return true;
}

static void sqlite_send(Connection *connection, OrmcRequest *request) {
    jobs_push(&((SqliteConnection *)connection)->staged, request);
}

static void sqlite_fetch(Connection *connection) {
    SqliteConnection *c = (SqliteConnection *)connection;
    if (c->staged.first) {
        pthread_mutex_lock(&c->lock);
        bool idle = !c->inbox.first;
        jobs_append(&c->inbox, &c->staged);
        if (idle) pthread_cond_signal(&c->work);
        pthread_mutex_unlock(&c->lock);
    }
    if (c->unread || c->done.first) sqlite_take_results(c);
}

static void sqlite_cancel(Connection *connection, OrmcRequest *request) {
    SqliteConnection *c = (SqliteConnection *)connection;
    pthread_mutex_lock(&c->lock);
    request->flags |= JOB_SKIP;
    if (c->current == request) {
        atomic_store(&c->interrupting, true);
        c->sqlite->sqlite3_interrupt(c->db);
        pthread_cond_signal(&c->work);
    }
    pthread_mutex_unlock(&c->lock);
    if (request->paused) { /* what was read ahead is thrown away */
        request->paused = false;
        connection->wants_fetch = true;
        pool_wake(connection->pool);
    }
}

static void sqlite_close(Connection *connection) {
    SqliteConnection *c = (SqliteConnection *)connection;
    pthread_mutex_lock(&c->lock);
    c->stop = true;
    pthread_cond_signal(&c->work);
    pthread_mutex_unlock(&c->lock);
}

const Driver *sqlite_driver_load(OrmcPool *pool, char *message, size_t capacity) {
    static const Driver driver = {.name = "sqlite",
                                  .pipeline = SQLITE_PIPELINE,
                                  .droppable = false,
                                  .connection_size = sizeof(SqliteConnection),
                                  .connect = sqlite_connect,
                                  .send = sqlite_send,
                                  .fetch = sqlite_fetch,
                                  .cancel = sqlite_cancel,
                                  .close = sqlite_close,
                                  .accepts = sqlite_accepts,
                                  .begin = "BEGIN",
                                  .rollback = "ROLLBACK",
                                  .ping = "SELECT 1"};
    static const char *const names[] = {SQLITE_FUNCTIONS(LIBRARY_NAME)};
    static const char *const sonames[] = {"libsqlite3.so.0", NULL};
    pool->library = store_allocate(&pool->store, sizeof(Sqlite));
    if (!pool->library) return NULL;
    if (!library_load(pool->library, names, sizeof names / sizeof *names, sonames, message, capacity)) return NULL;
    const char *path = pool->url.database;
    if (!path || strcmp(path, ":memory:") == 0) pool->options.max_connections = pool->options.min_connections = 1;
    return &driver;
}
