/*
 * What happens because time has passed: deadlines of statements, connections that don't come about or don't answer,
 * idle connections, signs of life. One timer serves all; it is armed for the earliest of them.
 */
#include "backends/executor/executor.h"

/* Ticks are at least this far apart, so that many deadlines close together are one look at the lists. */
enum { TICK_MS = 5 };

typedef struct Tick {
    uint64_t now, next; /* next: 0 = nothing more to come */
} Tick;

/* Due already? Otherwise the next tick is not later than it. */
static bool tick_due(Tick *tick, uint64_t at) {
    if (!at) return false;
    if (at <= tick->now) return true;
    if (!tick->next || at < tick->next) tick->next = at;
    return false;
}

static void tick_waiting(Tick *tick, RequestQueue *queue) {
    for (OrmcRequest *request = queue->first, *next; request; request = next) {
        next = request->next;
        bool due = tick_due(tick, request->deadline);
        if (due | (!request->lease && tick_due(tick, request->wait_deadline)))
            request_cancel_for(request, ORMC_ERROR_TIMEOUT);
    }
}

static unsigned pool_living(const OrmcPool *pool) {
    unsigned count = 0;
    for (const Connection *c = pool->connections; c; c = c->next) count += c->state != CONNECTION_CLOSING;
    return count;
}

static void tick_idle(Tick *tick, Connection *connection) {
    OrmcPool *pool = connection->pool;
    if (pool_living(pool) > pool->options.min_connections &&
        tick_due(tick, connection->idle_since + pool->options.idle_timeout_ms)) {
        connection_close(connection);
        return;
    }
    uint64_t seen = connection->checked_at > connection->idle_since ? connection->checked_at : connection->idle_since;
    if (!tick_due(tick, seen + pool->options.health_interval_ms)) return;
    if (!connection_send_internal(connection, pool->driver->ping, INTERNAL_PING)) connection->checked_at = tick->now;
}

static void tick_connection(Tick *tick, Connection *connection) {
    OrmcPool *pool = connection->pool;
    switch (connection->state) {
    case CONNECTION_CONNECTING:
    case CONNECTION_SETUP:
        if (!pool->driver->droppable && connection->flight.count) return;
        if (tick_due(tick, connection->started_at + pool->options.connect_timeout_ms))
            connection_lost(connection, "", 0, "the server did not answer in time");
        return;
    case CONNECTION_CLOSING: return;
    case CONNECTION_READY: break;
    }
    if (tick_due(tick, connection->give_up_at)) {
        connection_lost(connection, "", 0, "the server did not end a cancelled statement");
        return;
    }
    for (OrmcRequest *request = connection->flight.first, *next; request; request = next) {
        next = request->next;
        if (request->cancel_reason == ORMC_ERROR_NONE && tick_due(tick, request->deadline))
            request_cancel_for(request, ORMC_ERROR_TIMEOUT);
    }
    if (tick_due(tick, connection->give_up_at)) return; /* armed by what was just cancelled */
    if (connection->lease) tick_waiting(tick, &connection->lease->waiting);
    else if (!connection->flight.count && !pool->waiting.count && !pool->closing) tick_idle(tick, connection);
}

void pool_tick(OrmcPool *pool) {
    Tick tick = {.now = pool_now(pool)};
    tick_waiting(&tick, &pool->waiting);
    for (Connection *c = pool->connections, *next; c; c = next) {
        next = c->next;
        tick_connection(&tick, c);
    }
    tick_due(&tick, pool->retry_at);
    if (tick.next) pool_arm(pool, tick.next < tick.now + TICK_MS ? tick.now + TICK_MS : tick.next);
}
