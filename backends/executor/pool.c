/*
 * Pool: opening and closing, steps, delivery of finished requests, and what drivers report of their connections.
 *
 * Input: requests from connection.c and pool_execute; reports of drivers. Output: callbacks, from the loop only.
 * Invariant: a request is in exactly one of: pool->waiting, lease->waiting, connection->flight, pool->finished; the
 * pool's open_request before it is answered.
 */
#include "backends/executor/executor.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { POOL_TURNS = 4 };

bool pool_is_foreign(const OrmcPool *pool) { return !process_is_marked(&pool->process); }

uint64_t pool_now(OrmcPool *pool) {
    /* between runs of the loop its clock stands still */
    if (pool->depth == 0) pool->uv->uv_update_time(pool->loop->loop);
    return pool->uv->uv_now(pool->loop->loop);
}

/* A step ends with delivering and scheduling: what comes up in it before needs no turn of the loop of its own. */
void pool_wake(OrmcPool *pool) {
    pool->stirred = true;
    if (pool->depth || pool->awake || pool->closed) return;
    pool->awake = true;
    pool->uv->uv_async_send(&pool->async);
}

void signals_block(sigset_t *before) {
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, before);
}

void signals_restore(const sigset_t *before) { pthread_sigmask(SIG_SETMASK, before, NULL); }

int pool_queue_work(OrmcPool *pool, uv_work_t *work, uv_work_cb call, uv_after_work_cb done) {
    sigset_t before;
    signals_block(&before);
    int code = pool->uv->uv_queue_work(pool->loop->loop, work, call, done);
    signals_restore(&before);
    return code;
}

/* ---- steps */

void pool_enter(OrmcPool *pool) { pool->depth++; }

static void pool_count_answer(OrmcPool *pool, const OrmcResult *result) {
    switch (result->error) {
    case ORMC_ERROR_NONE: count_up(&pool->counters.succeeded); return;
    case ORMC_ERROR_CANCELLED: count_up(&pool->counters.cancelled); return;
    case ORMC_ERROR_TIMEOUT: count_up(&pool->counters.timed_out); return;
    case ORMC_ERROR_MEMORY:
    case ORMC_ERROR_LIBRARY:
    case ORMC_ERROR_URL:
    case ORMC_ERROR_CONNECT:
    case ORMC_ERROR_LOST:
    case ORMC_ERROR_DATABASE:
    case ORMC_ERROR_VALUE:
    case ORMC_ERROR_LIMIT:
    case ORMC_ERROR_CLOSED:
    case ORMC_ERROR_FORKED: count_up(&pool->counters.failed); return;
    }
}

static void pool_deliver_one(OrmcPool *pool, OrmcRequest *request) {
    pool->loop->delivered++;
    if (request->on_acquired) {
        pool->outstanding--;
        request->on_acquired(request->user, request->lease, &request->result);
    } else {
        if (request->sql) {
            pool->outstanding--;
            pool_count_answer(pool, &request->result);
        }
        if (request->on_done) request->on_done(request->user, &request->result);
    }
    request_recycle(request);
}

/* What is finished now, not what its callbacks finish: a caller who only sends refused statements can't hold the loop.
 */
static void pool_deliver(OrmcPool *pool) {
    for (size_t left = pool->finished.count; left; left--) pool_deliver_one(pool, queue_pop(&pool->finished));
}

static void count_set(_Atomic uint64_t *counter, uint64_t value) {
    atomic_store_explicit(counter, value, memory_order_relaxed);
}

static void pool_count_now(OrmcPool *pool) {
    uint64_t idle = 0, leased = 0, flight = 0;
    for (const Connection *c = pool->connections; c; c = c->next) {
        idle += c->state == CONNECTION_READY && !c->lease && !c->flight.count;
        leased += c->lease != NULL;
        flight += c->flight.count;
    }
    PoolCounters *counters = &pool->counters;
    count_set(&counters->open, pool->connection_count - pool->connecting);
    count_set(&counters->idle, idle);
    count_set(&counters->leased, leased);
    count_set(&counters->in_flight, flight);
    count_set(&counters->waiting, pool->waiting.count);
}

static void pool_release(OrmcPool *pool) {
    for (OrmcRequest *spare = pool->spare, *next; spare; spare = next) {
        next = spare->next;
        free(spare);
    }
    store_release(&pool->store);
    process_unmark(&pool->process);
    pool->loop->pools--;
    void (*on_closed)(void *) = pool->on_closed;
    void *user = pool->closed_user;
    pool->loop->delivered++;
    free(pool);
    if (on_closed) on_closed(user);
}

static void pool_on_handle_closed(uv_handle_t *handle) {
    OrmcPool *pool = handle->data;
    if (--pool->handles == 0) pool_release(pool);
}

static void pool_finish_closing(OrmcPool *pool) {
    if (!pool->closing || pool->closed || pool->connection_count || pool->leases || pool->finished.count) return;
    pool->closed = true;
    pool->uv->uv_close((uv_handle_t *)&pool->timer, pool_on_handle_closed);
    pool->uv->uv_close((uv_handle_t *)&pool->async, pool_on_handle_closed);
}

void pool_leave(OrmcPool *pool) {
    bool again = false;
    if (pool->depth == 1) {
        again = true;
        /* what an answer that is there already brings up is done at once, but not for ever: others have their turn */
        for (int turn = 0; again && turn < POOL_TURNS; turn++) {
            pool_deliver(pool);
            pool->stirred = false;
            pool_schedule(pool);
            again = pool->stirred || pool->finished.count;
        }
        pool_count_now(pool);
        pool_finish_closing(pool);
    }
    pool->depth--;
    if (again) pool_wake(pool);
}

static void pool_cancel_all(OrmcPool *pool) {
    for (OrmcRequest *request = pool->waiting.first, *next; request; request = next) {
        next = request->next;
        request_cancel_for(request, ORMC_ERROR_CANCELLED);
    }
    for (Connection *c = pool->connections; c; c = c->next) {
        for (OrmcRequest *request = c->lease ? c->lease->waiting.first : NULL, *next; request; request = next) {
            next = request->next;
            if (request->internal == INTERNAL_NONE) request_cancel_for(request, ORMC_ERROR_CANCELLED);
        }
        for (OrmcRequest *request = c->flight.first, *next; request; request = next) {
            next = request->next;
            if (request->internal == INTERNAL_NONE) request_cancel_for(request, ORMC_ERROR_CANCELLED);
        }
    }
}

static void pool_on_async(uv_async_t *async) {
    OrmcPool *pool = async->data;
    pool_enter(pool);
    pool->awake = false;
    if (atomic_exchange(&pool->interrupted, false)) pool_cancel_all(pool);
    pool_leave(pool);
}

void ormc_pool_interrupt(OrmcPool *pool) {
    atomic_store(&pool->interrupted, true);
    pool->uv->uv_async_send(&pool->async);
}

/* ---- requests */

void request_end(OrmcRequest *request) {
    queue_remove(request);
    request->connection = NULL;
    request->state = REQUEST_FINISHED;
    queue_push(&request->pool->finished, request);
    pool_wake(request->pool);
}

static bool request_check_params(OrmcRequest *request) {
    const Driver *driver = request->pool->driver;
    for (size_t i = 0; i < request->param_count; i++) {
        const char *why = NULL;
        const OrmcValue *value = &request->params[i];
        if (value->is_null || (value_check(value, &why) && (!driver->accepts || driver->accepts(value, &why))))
            continue;
        request_fail(request, ORMC_ERROR_VALUE, "parameter %zu (%s): %s", i + 1, ormc_type_name(value->type), why);
        return false;
    }
    return true;
}

void pool_submit(OrmcPool *pool, OrmcRequest *request) {
    pool->outstanding++;
    if (!request->on_acquired) count_up(&pool->counters.submitted);
    if (pool->closing && !request->lease) request_fail(request, ORMC_ERROR_CLOSED, "the pool is closing");
    else if (!pool->driver) request_fail(request, pool->load_error, "%s", pool->last_error);
    else if (pool->outstanding > pool->options.max_queue)
        request_fail(request, ORMC_ERROR_LIMIT, "more than %zu statements are waiting or in flight",
                     pool->options.max_queue);
    else if (request->sql_length > INT32_MAX - 64)
        request_fail(request, ORMC_ERROR_VALUE, "a statement can't be longer than two gigabytes");
    else if (request->sql && memchr(request->sql, '\0', request->sql_length))
        request_fail(request, ORMC_ERROR_VALUE, "a statement can't hold a NUL character");
    else if (request->lease && !request->lease->connection && !request->on_acquired)
        request_fail(request, ORMC_ERROR_LOST, "the connection is lost");
    if (request->result.error != ORMC_ERROR_NONE || !request_check_params(request)) {
        request_end(request);
        return;
    }
    queue_push(request->lease ? &request->lease->waiting : &pool->waiting, request);
    uint64_t due = request->wait_deadline;
    if (request->deadline && request->deadline < due) due = request->deadline;
    pool_arm(pool, due);
    pool_wake(pool);
}

OrmcRequest *ormc_pool_execute(OrmcPool *pool, const OrmcCommand *command) {
    OrmcRequest *request = pool_is_foreign(pool) ? NULL : request_create(pool);
    if (!request) return NULL;
    if (!request_fill(request, command)) {
        request_recycle(request);
        return NULL;
    }
    pool_submit(pool, request);
    return request;
}

/* A cancelled statement has this long to end before its connection is dropped. */
static uint64_t request_grace(const OrmcRequest *request) {
    return request->cancel_reason == ORMC_ERROR_TIMEOUT ? 500 : 2000;
}

static void request_fail_cancelled(OrmcRequest *request, OrmcError reason) {
    const OrmcPool *pool = request->pool;
    if (reason == ORMC_ERROR_CANCELLED) request_fail(request, reason, "the statement was cancelled");
    else if (request->state == REQUEST_IN_FLIGHT)
        request_fail(request, reason, "the statement took longer than its timeout");
    else if (pool->last_error[0]) request_fail(request, reason, "no connection in time: %s", pool->last_error);
    else request_fail(request, reason, "no connection was free in time");
}

void request_cancel_for(OrmcRequest *request, OrmcError reason) {
    if (request->state == REQUEST_FINISHED || request->cancel_reason != ORMC_ERROR_NONE) return;
    request->cancel_reason = reason;
    if (request->state == REQUEST_WAITING) {
        request_fail_cancelled(request, reason);
        request_end(request);
        return;
    }
    Connection *connection = request->connection;
    OrmcPool *pool = request->pool;
    if (pool->driver->droppable) {
        connection->give_up_at = pool_now(pool) + request_grace(request);
        pool_arm(pool, connection->give_up_at);
    }
    pool->driver->cancel(connection, request);
}

void ormc_request_cancel(OrmcRequest *request) {
    if (!pool_is_foreign(request->pool)) request_cancel_for(request, ORMC_ERROR_CANCELLED);
}

void ormc_request_resume(OrmcRequest *request) {
    if (!request->paused || pool_is_foreign(request->pool)) return;
    request->paused = false;
    if (!request->connection) return;
    request->connection->wants_fetch = true;
    pool_wake(request->pool);
}

/* Nothing to do for now: idleness and signs of life have their times. */
static void connection_rests(Connection *connection) {
    OrmcPool *pool = connection->pool;
    const OrmcPoolOptions *options = &pool->options;
    uint64_t now = pool_now(pool), idle = connection->idle_since + options->idle_timeout_ms;
    uint64_t next = now + options->health_interval_ms;
    pool_arm(pool, idle > now && idle < next ? idle : next);
}

static void connection_finish_internal(Connection *connection, OrmcRequest *request) {
    OrmcError error = request->result.error;
    switch (request->internal) {
    case INTERNAL_NONE:
    case INTERNAL_TYPES: break;
    case INTERNAL_SETUP:
        if (error != ORMC_ERROR_NONE && error != ORMC_ERROR_LOST)
            connection_lost(connection, request->result.state, request->result.native_code,
                            ormc_result_message(&request->result));
        else if (error == ORMC_ERROR_NONE) connection_ready(connection);
        break;
    case INTERNAL_PING:
        connection->checked_at = pool_now(connection->pool);
        if (error != ORMC_ERROR_NONE && error != ORMC_ERROR_LOST)
            connection_lost(connection, "", 0, "the connection gave no sign of life");
        break;
    case INTERNAL_RELEASE:
        if (error == ORMC_ERROR_LOST || !connection->in_transaction) break;
        connection_lost(connection, "", 0, "the transaction could not be rolled back");
        break;
    }
    request_recycle(request);
}

void lease_free(OrmcConnection *lease) {
    lease->pool->leases--;
    if (lease->connection) {
        lease->connection->lease = NULL;
        lease->connection->idle_since = pool_now(lease->pool);
        connection_rests(lease->connection);
    }
    free(lease);
}

void request_finish(OrmcRequest *request) {
    Connection *connection = request->connection;
    OrmcError error = request->result.error;
    if (request->cancel_reason != ORMC_ERROR_NONE) {
        connection->give_up_at = 0;
        if (error == ORMC_ERROR_DATABASE || error == ORMC_ERROR_LOST) {
            request->result.error = ORMC_ERROR_NONE;
            request_fail_cancelled(request, request->cancel_reason);
        }
    }
    if (request->stopped) request_fail_cancelled(request, ORMC_ERROR_CANCELLED);
    queue_remove(request);
    if (request->on_row) connection->streams--;
    bool counts = request->internal != INTERNAL_PING; /* a sign of life is no use of the connection */
    if (!connection->flight.count) {
        if (counts) connection->idle_since = pool_now(connection->pool);
        connection_rests(connection);
    }
    OrmcConnection *ended = request->internal == INTERNAL_RELEASE ? request->lease : NULL;
    if (request->internal != INTERNAL_NONE) {
        connection_finish_internal(connection, request);
        if (ended) lease_free(ended);
        return;
    }
    request_end(request);
}

void request_again(OrmcRequest *request) {
    OrmcPool *pool = request->pool;
    request_reset_result(request);
    queue_remove(request);
    if (request->on_row) request->connection->streams--;
    request->connection = NULL;
    request->state = REQUEST_WAITING;
    request->step = 0;
    request->flags = 0;
    request->data = NULL;
    queue_push_front(request->lease ? &request->lease->waiting : &pool->waiting, request);
    pool_wake(pool);
}

/* ---- what drivers report */

static void pool_answer_open(OrmcPool *pool, OrmcError error, const char *state, int code, const char *message) {
    OrmcRequest *request = pool->open_request;
    if (!request) return;
    pool->open_request = NULL;
    if (error != ORMC_ERROR_NONE) {
        request_fail(request, error, "%s", message);
        request_state(request, state);
        request->result.native_code = code;
    }
    request_end(request);
}

void connection_ready(Connection *connection) {
    OrmcPool *pool = connection->pool;
    if (pool->options.setup && pool->options.setup[connection->setup_done]) {
        connection->state = CONNECTION_SETUP;
        const char *next = pool->options.setup[connection->setup_done++];
        if (!connection_send_internal(connection, next, INTERNAL_SETUP))
            connection_lost(connection, "", 0, "out of memory");
        return;
    }
    connection->state = CONNECTION_READY;
    connection->idle_since = pool_now(pool);
    connection_rests(connection);
    pool->connecting--;
    pool->retry_at = 0;
    pool->retry_delay = pool->options.retry_ms;
    pool->opened = true;
    pool->last_error[0] = '\0';
    count_up(&pool->counters.connects);
    pool_answer_open(pool, ORMC_ERROR_NONE, "", 0, "");
}

void pool_connect_failed(OrmcPool *pool, const char *state, int code, const char *message) {
    count_up(&pool->counters.connect_failures);
    snprintf(pool->last_error, sizeof pool->last_error, "%s", message);
    uint64_t now = pool_now(pool), longest = (uint64_t)pool->options.retry_ms * 100;
    /* a little randomness, so that many clients of a restarted server don't return together */
    pool->retry_at = now + pool->retry_delay + pool->uv->uv_hrtime() % (pool->retry_delay / 4 + 1);
    pool->retry_delay = pool->retry_delay * 2 < longest ? pool->retry_delay * 2 : longest;
    pool_arm(pool, pool->retry_at);
    bool final = pool->driver->connect_is_final && pool->driver->connect_is_final(state, code);
    pool_answer_open(pool, ORMC_ERROR_CONNECT, state, code, message);
    if (pool->opened && !final) return; /* it was there before: what waits keeps waiting for it */
    for (const Connection *c = pool->connections; c; c = c->next)
        if (c->state != CONNECTION_CLOSING) return; /* one that works, or may yet */
    while (pool->waiting.first) {
        OrmcRequest *request = pool->waiting.first;
        request_fail(request, ORMC_ERROR_CONNECT, "%s", message);
        request_state(request, state);
        request->result.native_code = code;
        request_end(request);
    }
}

void connection_lost(Connection *connection, const char *state, int native_code, const char *message) {
    if (connection->state == CONNECTION_CLOSING) return;
    OrmcPool *pool = connection->pool;
    char text[512], kept_state[6]; /* they may lie in memory of the connection or of a request that ends here */
    snprintf(text, sizeof text, "%s", message);
    url_hide_password(&pool->url, text);
    snprintf(kept_state, sizeof kept_state, "%.5s", state ? state : "");
    for (size_t end = strlen(text); end && (text[end - 1] == '\n' || text[end - 1] == ' '); end--) text[end - 1] = '\0';
    bool connecting = connection->state != CONNECTION_READY;
    connection->state = CONNECTION_CLOSING;
    if (connecting) {
        pool->connecting--;
    } else {
        count_up(&pool->counters.lost);
    }
    connection->in_transaction = false;
    for (OrmcRequest *request; (request = connection->flight.first);) {
        if (pool->driver->drop) pool->driver->drop(connection, request);
        if (request->result.error == ORMC_ERROR_NONE) { /* else the server has said why, and that is better */
            request_reset_result(request);
            request_fail(request, ORMC_ERROR_LOST, "%s", text);
            request_state(request, kept_state);
            request->result.native_code = native_code;
        }
        request_finish(request);
    }
    OrmcConnection *lease = connection->lease;
    if (lease) {
        lease->connection = NULL;
        connection->lease = NULL;
        for (OrmcRequest *request; (request = queue_pop(&lease->waiting));) {
            if (request->internal != INTERNAL_NONE) {
                request_recycle(request);
                lease_free(lease);
                break;
            }
            request_fail(request, ORMC_ERROR_LOST, "%s", text);
            request_end(request);
        }
    }
    connection_close(connection);
    if (connecting) pool_connect_failed(pool, kept_state, native_code, text);
}

void connection_close(Connection *connection) {
    if (connection->state == CONNECTION_CONNECTING || connection->state == CONNECTION_SETUP)
        connection->pool->connecting--;
    connection->state = CONNECTION_CLOSING;
    connection->pool->driver->close(connection);
    pool_wake(connection->pool);
}

void connection_closed(Connection *connection) {
    OrmcPool *pool = connection->pool;
    if (connection->previous) connection->previous->next = connection->next;
    else pool->connections = connection->next;
    if (connection->next) connection->next->previous = connection->previous;
    pool->connection_count--;
    free(connection);
    pool_wake(pool);
}

/* ---- open and close */

static unsigned or_default(unsigned given, unsigned fallback) { return given ? given : fallback; }

static void pool_set_options(OrmcPool *pool, const OrmcPoolOptions *given) {
    OrmcPoolOptions *options = &pool->options;
    if (given) memcpy(options, given, given->size && given->size < sizeof *options ? given->size : sizeof *options);
    options->max_connections = or_default(options->max_connections, 8);
    options->min_connections = or_default(options->min_connections, 1);
    if (options->min_connections > options->max_connections) options->min_connections = options->max_connections;
    options->connect_timeout_ms = or_default(options->connect_timeout_ms, 10000);
    options->wait_timeout_ms = or_default(options->wait_timeout_ms, 30000);
    options->idle_timeout_ms = or_default(options->idle_timeout_ms, 60000);
    options->health_interval_ms = or_default(options->health_interval_ms, 30000);
    options->retry_ms = or_default(options->retry_ms, 50);
    options->statement_cache = or_default(options->statement_cache, 256);
    options->busy_timeout_ms = or_default(options->busy_timeout_ms, 5000);
    if (!options->max_queue) options->max_queue = 1000000;
    if (!options->max_result_bytes) options->max_result_bytes = (size_t)1 << 30;
    pool->retry_delay = options->retry_ms;
}

/* The caller's array may go when the call returns. */
static bool pool_copy_setup(OrmcPool *pool) {
    const char *const *given = pool->options.setup;
    if (!given) return true;
    size_t count = 0;
    while (given[count]) count++;
    const char **copies = store_allocate(&pool->store, (count + 1) * sizeof *copies);
    if (!copies) return false;
    for (size_t i = 0; i < count; i++)
        if (!(copies[i] = store_copy(&pool->store, given[i], strlen(given[i])))) return false;
    copies[count] = NULL;
    pool->options.setup = copies;
    return true;
}

static void pool_on_timer(uv_timer_t *timer) {
    OrmcPool *pool = timer->data;
    pool_enter(pool);
    pool->timer_at = 0;
    pool_tick(pool);
    pool_leave(pool);
}

void pool_arm(OrmcPool *pool, uint64_t at) {
    if (pool->closed || (pool->timer_at && pool->timer_at <= at)) return;
    uint64_t now = pool_now(pool);
    pool->timer_at = at;
    pool->uv->uv_timer_start(&pool->timer, pool_on_timer, at > now ? at - now : 0, 0);
}

/* Finds the backend of the URL and loads its client library. */
static OrmcError pool_load(OrmcPool *pool, const char *url, char *message, size_t capacity) {
    const char *why = NULL;
    if (!url_parse(&pool->store, url, &pool->url, &why)) {
        snprintf(message, capacity, "%s", why);
        return ORMC_ERROR_URL;
    }
    pool->backend = backend_find(pool->url.scheme);
    if (!pool->backend) {
        snprintf(message, capacity, "no database is called %s: postgresql, sqlite, mysql or mariadb", pool->url.scheme);
        return ORMC_ERROR_URL;
    }
    pool->load_error = ORMC_ERROR_LIBRARY; /* if the backend says nothing else */
    pool->driver = pool->backend->load(pool, message, capacity);
    return pool->driver ? ORMC_ERROR_NONE : pool->load_error;
}

OrmcPool *ormc_pool_open(OrmcLoop *loop, const char *url, const OrmcPoolOptions *options, OrmcDoneCallback on_open,
                         void *user) {
    OrmcPool *pool = calloc(1, sizeof *pool);
    if (!pool) return NULL;
    *pool = (OrmcPool){.loop = loop, .uv = &loop->uv};
    process_mark(&pool->process);
    pool_set_options(pool, options);
    pool->open_request = request_create(pool);
    if (!pool->open_request || !pool_copy_setup(pool) ||
        pool->uv->uv_async_init(loop->loop, &pool->async, pool_on_async) != 0) {
        free(pool->open_request);
        process_unmark(&pool->process);
        store_release(&pool->store);
        free(pool);
        return NULL;
    }
    pool->uv->uv_timer_init(loop->loop, &pool->timer);
    pool->async.data = pool->timer.data = pool;
    pool->handles = 2;
    loop->pools++;
    pool->open_request->on_done = on_open;
    pool->open_request->user = user;
    char message[256] = "";
    OrmcError error = pool_load(pool, url, message, sizeof message);
    if (error != ORMC_ERROR_NONE) {
        pool->driver = NULL;
        snprintf(pool->last_error, sizeof pool->last_error, "%s", message);
        pool->load_error = error;
        pool_answer_open(pool, error, "", 0, message);
    }
    pool_wake(pool);
    return pool;
}

void ormc_pool_close(OrmcPool *pool, void (*on_closed)(void *user), void *user) {
    if (pool_is_foreign(pool)) return;
    pool->on_closed = on_closed;
    pool->closed_user = user;
    pool->closing = true;
    pool_answer_open(pool, ORMC_ERROR_CLOSED, "", 0, "the pool is closing");
    pool_wake(pool);
}

const char *ormc_pool_backend(const OrmcPool *pool) { return pool->backend ? pool->backend->name : ""; }

void ormc_pool_counters(const OrmcPool *pool, OrmcPoolCounters *counters) {
    const PoolCounters *c = &pool->counters;
    *counters = (OrmcPoolCounters){.submitted = c->submitted,
                                   .succeeded = c->succeeded,
                                   .failed = c->failed,
                                   .cancelled = c->cancelled,
                                   .timed_out = c->timed_out,
                                   .rows = c->rows,
                                   .connects = c->connects,
                                   .connect_failures = c->connect_failures,
                                   .lost = c->lost,
                                   .prepared = c->prepared,
                                   .cache_hits = c->cache_hits,
                                   .open = c->open,
                                   .idle = c->idle,
                                   .leased = c->leased,
                                   .waiting = c->waiting,
                                   .in_flight = c->in_flight};
}
