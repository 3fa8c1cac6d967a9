/*
 * Which request goes to which connection, and when connections are opened.
 *
 * First come, first served: statements go to an idle connection, to a new one while there may be more, then to the
 * least busy, as many on one as its driver pipelines; never behind a streamed result, whose reader may take its time. A
 * request for a connection of one's own (acquire) takes an idle one; where none is idle the least busy is reserved,
 * gets nothing new and is leased once it has drained, so that a stream of statements can't starve a transaction.
 */
#include "backends/executor/executor.h"

#include <stdlib.h>

static void connection_send(Connection *connection, OrmcRequest *request) {
    OrmcPool *pool = connection->pool;
    queue_remove(request);
    request->state = REQUEST_IN_FLIGHT;
    request->connection = connection;
    queue_push(&connection->flight, request);
    if (request->on_row) connection->streams++;
    connection->wants_fetch = true;
    if (request->deadline) pool_arm(pool, request->deadline);
    pool->driver->send(connection, request);
}

bool connection_send_internal(Connection *connection, const char *sql, InternalUse use) {
    OrmcPool *pool = connection->pool;
    OrmcRequest *request = request_create(pool);
    if (!request) return false;
    OrmcCommand command = {.size = sizeof command, .sql = sql, .timeout_ms = pool->options.connect_timeout_ms};
    if (!request_fill(request, &command)) {
        request_recycle(request);
        return false;
    }
    request->internal = use;
    connection_send(connection, request);
    pool_wake(pool); /* the step may have passed this connection already */
    return true;
}

/* Another connection is started; false: there are enough, it is too early after a failure, or there is no memory. */
static bool pool_connect(OrmcPool *pool) {
    if (pool->connection_count >= pool->options.max_connections) return false;
    uint64_t now = pool_now(pool);
    if (pool->retry_at > now) {
        pool_arm(pool, pool->retry_at);
        return false;
    }
    Connection *connection = calloc(1, pool->driver->connection_size);
    if (!connection) {
        pool_connect_failed(pool, "", 0, "out of memory");
        return false;
    }
    *connection = (Connection){.pool = pool, .next = pool->connections, .started_at = now};
    if (connection->next) connection->next->previous = connection;
    pool->connections = connection;
    pool->connection_count++;
    pool->connecting++;
    if (!pool->driver->connect(connection)) {
        pool->connecting--;
        connection_closed(connection);
        pool_connect_failed(pool, "", 0, "out of memory");
        return false;
    }
    pool_arm(pool, now + pool->options.connect_timeout_ms);
    return true;
}

static bool connection_is_free(const Connection *connection) {
    return connection->state == CONNECTION_READY && !connection->lease && !connection->reserved && !connection->streams;
}

static Connection *pool_least_busy(OrmcPool *pool) {
    Connection *best = NULL;
    for (Connection *c = pool->connections; c && (!best || best->flight.count); c = c->next)
        if (connection_is_free(c) && (!best || c->flight.count < best->flight.count)) best = c;
    return best;
}

static void pool_lease(OrmcPool *pool, Connection *connection, OrmcRequest *request) {
    OrmcConnection *lease = calloc(1, sizeof *lease);
    if (!lease) {
        request_out_of_memory(request);
    } else {
        *lease = (OrmcConnection){.pool = pool, .connection = connection};
        connection->lease = lease;
        pool->leases++;
    }
    connection->reserved = false;
    request->lease = lease;
    request_end(request);
}

typedef enum Placed { PLACED, PLACED_LATER, PLACED_NOWHERE } Placed;

/* LATER: a connection is reserved for it. NOWHERE: there is none to reserve, so none for those behind it either. */
static Placed pool_schedule_acquire(OrmcPool *pool, OrmcRequest *request, unsigned *reserved) {
    for (Connection *c = pool->connections; c; c = c->next) {
        if (c->state != CONNECTION_READY || c->lease || c->flight.count) continue;
        if (c->reserved && *reserved) --*reserved;
        pool_lease(pool, c, request);
        return PLACED;
    }
    if (*reserved) {
        --*reserved; /* one of the draining connections is for this request */
        return PLACED_LATER;
    }
    Connection *best = pool_least_busy(pool);
    if (best) best->reserved = true;
    return best ? PLACED_LATER : PLACED_NOWHERE;
}

/* There is, or will be, a connection with nothing to do: better than to wait behind a statement that may take long. */
static bool pool_grows(OrmcPool *pool) {
    return pool->connecting > 0 ||
           (pool->connection_count < pool->options.max_connections && pool->retry_at <= pool_now(pool));
}

static void pool_schedule_waiting(OrmcPool *pool) {
    if (!pool->waiting.first) return;
    unsigned reserved = 0;
    for (Connection *c = pool->connections; c; c = c->next) reserved += c->reserved;
    unsigned unplaced = 0;
    bool growing = pool_grows(pool);
    for (OrmcRequest *request = pool->waiting.first, *next; request; request = next) {
        next = request->next;
        if (request->on_acquired) {
            Placed placed = pool_schedule_acquire(pool, request, &reserved);
            unplaced += placed != PLACED;
            if (placed != PLACED_NOWHERE) continue;
            unplaced += (unsigned)pool->waiting.count;
            break;
        }
        Connection *connection = pool_least_busy(pool);
        size_t limit = growing ? 1 : pool->driver->pipeline;
        if (!connection || connection->flight.count >= limit) {
            unplaced += (unsigned)pool->waiting.count;
            break;
        }
        connection_send(connection, request);
    }
    while (unplaced > pool->connecting && pool_connect(pool)) {
    }
}

static void connection_schedule_lease(Connection *connection) {
    OrmcConnection *lease = connection->lease;
    const Driver *driver = connection->pool->driver;
    while (connection->lease == lease && lease->waiting.first && connection->state == CONNECTION_READY &&
           connection->flight.count < driver->pipeline) {
        if (connection->alone && connection->flight.count) return;
        connection->alone = driver->alone && driver->alone(connection, lease->waiting.first);
        if (connection->alone && connection->flight.count) {
            connection->alone = false;
            return;
        }
        connection_send(connection, lease->waiting.first);
    }
}

static void pool_schedule_close(OrmcPool *pool) {
    for (OrmcRequest *request; (request = pool->waiting.first);) {
        request_fail(request, ORMC_ERROR_CLOSED, "the pool is closing");
        request_end(request);
    }
    for (Connection *c = pool->connections, *next; c; c = next) {
        next = c->next;
        if (c->state != CONNECTION_CLOSING && !c->lease && !c->flight.count) connection_close(c);
    }
}

void pool_schedule(OrmcPool *pool) {
    if (!pool->driver) return;
    if (pool->closing) {
        pool_schedule_close(pool);
    } else {
        pool_schedule_waiting(pool);
        while (pool->connection_count < pool->options.min_connections && pool_connect(pool)) {
        }
    }
    for (Connection *c = pool->connections, *next; c; c = next) {
        next = c->next;
        if (c->lease && c->state == CONNECTION_READY) connection_schedule_lease(c);
        if (!c->wants_fetch || c->state == CONNECTION_CLOSING) continue;
        c->wants_fetch = false;
        pool->driver->fetch(c);
    }
}
