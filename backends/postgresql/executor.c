/*
 * PostgreSQL's driver: libpq without blocking, in pipeline mode.
 *
 * Statements are sent as they come, each with a Sync behind it, so that a failure is its own; those promised read_only
 * share one Sync, and what a failure among them keeps from running is sent again. Answers come in the order of sending:
 * connection->flight is also the order of answers. Texts that may come again are prepared once, the least recently used
 * is forgotten; results come in binary form once a statement's columns are known to have one that is read here.
 *
 *     send  → [Prepare] Query Sync         answers → (Prepare's) NULL (Query's) NULL SYNC → request_finish()
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backends/executor/cache.h"
#include "backends/executor/socket.h"
#include "backends/postgresql/executor_parts.h"

enum { PG_PIPELINE = 512, PG_GROUP = 32, PG_MOST_PARAMS = 65535 };

/* A result is small that has no more rows and memory than these. One that was expected to be small is read as a whole
 * up to PG_WHOLE_MOST bytes, or to its limit and PG_UNSTOPPED where the server doesn't end it. */
enum {
    PG_SMALL_ROWS = 64,
    PG_SMALL_BYTES = 65536,
    PG_READ_AT_ONCE = 65536,
    PG_WHOLE_MOST = 1 << 20,
    PG_UNSTOPPED = 64 << 20
};

/* In request->flags. */
enum {
    PG_PREPARES = 1,    /* its first command prepares the statement */
    PG_SYNCED = 2,      /* a Sync follows */
    PG_ABORTED = 4,     /* not run, because another of its group failed */
    PG_SINGLE = 8,      /* its rows come one by one */
    PG_DISCARD = 16,    /* its rows are not wanted any more */
    PG_CERTAIN = 32,    /* texts are sent as type text: the server could not find out */
    PG_CANCEL = 64,     /* to be cancelled as soon as the server runs it */
    PG_DELIVERED = 128, /* rows have gone to the caller: it can't be sent again */
    PG_GUARDED = 256,   /* prepared behind a savepoint, so that the transaction survives if the server can't */
    PG_UNDO = 512,      /* sent again: back to that savepoint first */
    PG_WHOLE = 1024,    /* its result is expected to be small, and read as a whole */
    PG_LARGE = 2048     /* it is not small: cancelled, to be sent again and read row by row */
};

/* A prepared statement of the server. */
typedef struct PgStatement {
    char name[24];
    unsigned uses; /* by the cache and by requests in flight */
    bool certain;  /* only known to need PG_CERTAIN; not prepared */
    bool binary;   /* its columns can be read in binary form */
    bool zoned;    /* … while the session is in UTC */
    bool small;    /* its last result was */
    bool large;    /* a result once was, though none was expected */
    PgColumns columns;
} PgStatement;

typedef struct PgConnection {
    Connection base;
    const Pq *pq;
    PGconn *conn;
    Socket socket; /* its timer begins to connect, and cancels once more */
    const PgHosts *hosts;
    PgTypes *types; /* the pool's */
    size_t host;    /* to be looked up next */
    PgRoute route;
    StatementCache cache;
    unsigned long long names;
    OrmcRequest *reading; /* whose answers come next */
    OrmcRequest *group;   /* the last one sent, if its Sync is still to come */
    unsigned group_size;
    unsigned left;         /* commands of `reading` that are not answered */
    size_t incoming;       /* bytes read since it is `reading`, about */
    uint64_t cancelled_at; /* a cancel may hit the next statement instead */
    bool working;
    bool send_failed; /* sending failed: reported by fetch, not from inside send */
    char failure[256];
} PgConnection;

/* A cancel is a connection of its own and blocks: it runs on a thread of libuv's. */
typedef struct PgCancel {
    uv_work_t work;
    PgConnection *connection;
    const Pq *pq;
    PGcancel *cancel;
} PgCancel;

static void pg_lost(PgConnection *c) {
    if (c->base.state != CONNECTION_CLOSING) connection_lost(&c->base, "", 0, c->pq->PQerrorMessage(c->conn));
}

static void statement_release(PgStatement *statement) {
    if (!statement || --statement->uses) return;
    pg_columns_free(&statement->columns);
    free(statement);
}

/* ---- sending */

/* The statement leaves the cache; the server forgets it when it is read next. */
static void pg_forget(PgConnection *c, OrmcRequest *request) {
    PgMessage message;
    size_t length;
    uint64_t hash;
    if (!request->data || !pg_message(request, request->flags & PG_CERTAIN, &message)) return;
    const char *key = pg_key(request, &message, &length, &hash);
    PgStatement *statement = key ? cache_find(&c->cache, key, length, hash) : NULL;
    if (!statement || statement != request->data) return;
    cache_remove(&c->cache, key, length, hash);
    statement_release(statement);
}

/* A command of the connection's own goes with the request whose text is sent next: its answer is read there. */
static bool pg_say(PgConnection *c, OrmcRequest *request, const char *sql) {
    request->step++;
    return c->pq->PQsendQueryParams(c->conn, sql, 0, NULL, NULL, NULL, NULL, 0);
}

static bool pg_deallocate(PgConnection *c, OrmcRequest *request, PgStatement *statement) {
    char sql[48];
    snprintf(sql, sizeof sql, "DEALLOCATE %s", statement->name);
    bool prepared = !statement->certain;
    statement_release(statement);
    return !prepared || pg_say(c, request, sql);
}

static bool pg_is_open(const OrmcRequest *request) {
    return !(request->flags & PG_CERTAIN) && pg_has_open_params(request);
}

/* A failure to find out must not cost the transaction: behind a savepoint it can be taken back, and the statement sent
 * again with its texts as texts. */
static bool pg_guard(PgConnection *c, OrmcRequest *request) {
    if (!request->lease || !c->base.in_transaction || !pg_is_open(request)) return true;
    request->flags |= PG_GUARDED;
    return pg_say(c, request, "SAVEPOINT ormc_guard");
}

static bool pg_unguard(PgConnection *c, OrmcRequest *request) {
    return !(request->flags & PG_GUARDED) || pg_say(c, request, "RELEASE SAVEPOINT ormc_guard");
}

static bool pg_undo(PgConnection *c, OrmcRequest *request) {
    return !(request->flags & PG_UNDO) || (pg_say(c, request, "ROLLBACK TO SAVEPOINT ormc_guard") &&
                                           pg_say(c, request, "RELEASE SAVEPOINT ormc_guard"));
}

static PgStatement *pg_add_statement(PgConnection *c, const char *key, size_t length, uint64_t hash) {
    PgStatement *statement = calloc(1, sizeof *statement);
    if (!statement) return NULL;
    statement->uses = 1;
    snprintf(statement->name, sizeof statement->name, "ormc_%llu", ++c->names);
    if (cache_insert(&c->cache, key, length, hash, statement)) return statement;
    free(statement);
    return NULL;
}

static bool pg_in_utc(const PgConnection *c) {
    const char *zone = c->pq->PQparameterStatus(c->conn, "TimeZone");
    return zone && (strcmp(zone, "UTC") == 0 || strcmp(zone, "Etc/UTC") == 0);
}

static bool pg_send_kept(PgConnection *c, OrmcRequest *request, PgMessage *message) {
    size_t length;
    uint64_t hash;
    const char *key = pg_key(request, message, &length, &hash);
    PgStatement *statement = key ? cache_find(&c->cache, key, length, hash) : NULL;
    if (statement && statement->certain && !(request->flags & PG_CERTAIN)) {
        request->flags |= PG_CERTAIN;
        return pg_message(request, true, message) && pg_send_kept(c, request, message);
    }
    bool sent = key != NULL;
    if (sent && !statement) {
        PgStatement *evicted = cache_make_room(&c->cache);
        if (evicted) sent = pg_deallocate(c, request, evicted);
        statement = pg_add_statement(c, key, length, hash);
        if (!statement) return false;
        request->flags |= PG_PREPARES;
        count_up(&c->base.pool->counters.prepared);
        sent = sent && pg_guard(c, request);
        request->step++;
        sent = sent && c->pq->PQsendPrepare(c->conn, statement->name, request->sql, message->count, message->types) &&
               pg_unguard(c, request);
    } else {
        count_up(&c->base.pool->counters.cache_hits);
    }
    if (!sent) return false;
    request->data = statement;
    statement->uses++;
    request->step++;
    bool binary = statement->binary && (!statement->zoned || pg_in_utc(c));
    return c->pq->PQsendQueryPrepared(c->conn, statement->name, message->count, message->texts, message->lengths,
                                      message->formats, binary);
}

static bool pg_send_described(PgConnection *c, OrmcRequest *request, const PgMessage *message) {
    bool sent = pg_guard(c, request);
    request->step += 2;
    return sent && c->pq->PQsendPrepare(c->conn, "", request->sql, message->count, message->types) &&
           c->pq->PQsendDescribePrepared(c->conn, "") && pg_unguard(c, request);
}

static bool pg_send_once(PgConnection *c, OrmcRequest *request, const PgMessage *message) {
    request->step++;
    return c->pq->PQsendQueryParams(c->conn, request->sql, message->count, message->types, message->texts,
                                    message->lengths, message->formats, 0);
}

/* How its preparation goes decides how it has to be sent, and what is behind it must not come first. */
static bool pg_alone(Connection *connection, OrmcRequest *request) {
    PgConnection *c = (PgConnection *)connection;
    if (!pg_is_open(request)) return false;
    Store *store = &request->result.store;
    StoreMark mark = store_mark(store);
    PgMessage message;
    size_t length;
    uint64_t hash;
    const char *key = pg_message(request, false, &message) ? pg_key(request, &message, &length, &hash) : NULL;
    bool known = key && cache_find(&c->cache, key, length, hash);
    store_reset_to(store, mark);
    return !known;
}

static bool pg_sync(PgConnection *c) {
    c->group->flags |= PG_SYNCED;
    c->group = NULL;
    c->group_size = 0;
    return c->pq->PQpipelineSync(c->conn);
}

/* False: it can't be sent, and the request says why. */
static bool pg_compose(OrmcRequest *request, PgMessage *message) {
    if (request->param_count > PG_MOST_PARAMS)
        request_fail(request, ORMC_ERROR_VALUE, "PostgreSQL takes at most 65535 parameters");
    else if (!pg_message(request, request->flags & PG_CERTAIN, message)) request_out_of_memory(request);
    else if (message->size + request->sql_length > PG_MESSAGE_MOST)
        request_fail(request, ORMC_ERROR_VALUE, "PostgreSQL takes at most a gigabyte of parameters");
    return request->result.error == ORMC_ERROR_NONE;
}

static void pg_send(Connection *connection, OrmcRequest *request) {
    PgConnection *c = (PgConnection *)connection;
    PgMessage message = {0};
    bool sent = true;
    if (c->group && !request->read_only) sent = pg_sync(c);
    request->step = 0;
    if (!pg_compose(request, &message)) {
        request_finish(request);
        return;
    }
    bool once = request->internal == INTERNAL_SETUP || request->internal == INTERNAL_TYPES;
    bool kept = !once && (pg_is_kept(request->sql) || (request->lease && pg_is_open(request)));
    sent = sent && pg_undo(c, request);
    if (sent && request->prepare_only) sent = pg_send_described(c, request, &message);
    else if (sent && kept) sent = pg_send_kept(c, request, &message);
    else if (sent) sent = pg_send_once(c, request, &message);
    c->group = request;
    if (!c->reading) c->reading = request, c->left = (unsigned)request->step;
    if (sent && (!request->read_only || ++c->group_size >= PG_GROUP)) sent = pg_sync(c);
    if (sent) return;
    snprintf(c->failure, sizeof c->failure, "%s", c->pq->PQerrorMessage(c->conn));
    c->send_failed = true;
}

/* ---- cancelling */

static void pg_cancel_work(uv_work_t *work) {
    PgCancel *cancel = work->data;
    char message[256];
    cancel->pq->PQcancel(cancel->cancel, message, sizeof message);
}

static void pg_cancel_done(uv_work_t *work, int status) {
    (void)status;
    PgCancel *cancel = work->data;
    PgConnection *c = cancel->connection;
    OrmcPool *pool = c->base.pool;
    pool_enter(pool);
    c->cancelled_at = pool_now(pool);
    cancel->pq->PQfreeCancel(cancel->cancel);
    free(cancel);
    /* it comes to nothing where the server had not begun the statement: once more, if that is so */
    if (!c->socket.closed && c->reading && c->reading->flags & PG_CANCEL) socket_after(&c->socket, 100);
    socket_release(&c->socket);
    pool_leave(pool);
}

static void pg_cancel_running(PgConnection *c) {
    PgCancel *cancel = malloc(sizeof *cancel);
    if (!cancel) return;
    *cancel = (PgCancel){.connection = c, .pq = c->pq, .cancel = c->pq->PQgetCancel(c->conn)};
    cancel->work.data = cancel;
    if (!cancel->cancel || !socket_work(&c->socket, &cancel->work, pg_cancel_work, pg_cancel_done)) {
        if (cancel->cancel) c->pq->PQfreeCancel(cancel->cancel);
        free(cancel);
        return;
    }
    c->cancelled_at = pool_now(c->base.pool);
}

static void pg_cancel(Connection *connection, OrmcRequest *request) {
    PgConnection *c = (PgConnection *)connection;
    request->flags |= PG_CANCEL;
    if (request->paused) { /* its rows are read to their end, unseen */
        request->paused = false;
        connection->wants_fetch = true;
        pool_wake(connection->pool);
    }
    if (c->reading == request) pg_cancel_running(c);
}

/* ---- reading */

static void pg_events(PgConnection *c);

static void pg_fail(OrmcRequest *request, const Pq *pq, const PGresult *result) {
    const char *state = pq->PQresultErrorField(result, PG_DIAG_SQLSTATE);
    const char *text = pq->PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
    const char *detail = pq->PQresultErrorField(result, PG_DIAG_MESSAGE_DETAIL);
    const char *hint = pq->PQresultErrorField(result, PG_DIAG_MESSAGE_HINT);
    /* without a state it is not the server that speaks, but libpq about the connection */
    bool gone =
        !state || strncmp(state, "57P0", 4) == 0 || (strncmp(state, "08", 2) == 0 && strcmp(state, "08P01") != 0);
    request_state(request, state);
    request_fail(request, gone ? ORMC_ERROR_LOST : ORMC_ERROR_DATABASE, "%s%s%s%s%s",
                 text ? text : pq->PQresultErrorMessage(result), detail ? "\nDETAIL: " : "", detail ? detail : "",
                 hint ? "\nHINT: " : "", hint ? hint : "");
}

static bool pg_columns(PgConnection *c, OrmcRequest *request, const PGresult *result) {
    if (request->described) return true;
    PgStatement *statement = request->prepare_only ? NULL : request->data;
    PgColumns own = {0}, *columns = statement ? &statement->columns : &own;
    size_t count = (size_t)c->pq->PQnfields(result);
    bool good = request_columns(request, 0) && pg_columns_read(c->pq, c->types, result, columns) &&
                pg_columns_copy(columns, &request->result.store, &request->result.columns);
    if (good && statement) statement->binary = columns->binary, statement->zoned = columns->zoned;
    pg_columns_free(&own);
    if (!good) request_out_of_memory(request);
    if (!good) return false;
    request->result.column_count = count;
    for (size_t i = 0; i < count && i < request->column_type_count; i++) {
        ResultColumn *column = &request->result.columns[i];
        if (column->type == ORMC_TYPE_UNKNOWN) column->type = request->column_types[i];
    }
    return true;
}

/* False: no more rows are wanted now. */
static bool pg_row(PgConnection *c, OrmcRequest *request, const PGresult *result, int row) {
    const Pq *pq = c->pq;
    OrmcValue *cells = request_row(request);
    if (!cells) return false;
    for (int i = 0; i < (int)request->result.column_count; i++) {
        if (pq->PQgetisnull(result, row, i)) {
            value_set_null(&cells[i]);
        } else if (!pg_cell(&request->result.store, &cells[i], pg_types_settle(c->types, pq->PQftype(result, i)),
                            pq->PQfformat(result, i), pq->PQgetvalue(result, row, i),
                            (size_t)pq->PQgetlength(result, row, i))) {
            request_out_of_memory(request);
            return false;
        }
    }
    request->flags |= request->on_row ? PG_DELIVERED : 0;
    return request_row_done(request, cells);
}

static void pg_rows(PgConnection *c, OrmcRequest *request, const PGresult *result) {
    if (!(request->flags & PG_DISCARD) && request->cancel_reason == ORMC_ERROR_NONE && pg_columns(c, request, result)) {
        int count = c->pq->PQntuples(result);
        for (int row = 0; row < count; row++)
            if (!pg_row(c, request, result, row)) break;
    }
    if (request->result.error == ORMC_ERROR_NONE || request->flags & PG_DISCARD) return;
    request->flags |= PG_DISCARD; /* its error stands; the rest is read and thrown away */
    if (request->flags & PG_SINGLE && c->reading == request) pg_cancel_running(c);
}

/* Libpq makes two results of a row that is read by itself: too dear where there is but one. */
static void pg_learn_size(OrmcRequest *request) {
    PgStatement *statement = request->data;
    const OrmcResult *result = &request->result;
    if (!statement || request->on_row) return;
    statement->small = !statement->large && result->row_count <= PG_SMALL_ROWS && result->store.total <= PG_SMALL_BYTES;
}

/* What was to be deallocated is gone already. What stands behind it was not run, and is sent again. */
static bool pg_is_forgotten(const PgConnection *c, const OrmcRequest *request, const PGresult *result) {
    const char *state = c->pq->PQresultErrorField(result, PG_DIAG_SQLSTATE);
    return request->flags & PG_PREPARES && c->left > 1 && state && strcmp(state, "26000") == 0;
}

/* One result of the command that `request` waits for. */
static void pg_result(PgConnection *c, OrmcRequest *request, PGresult *result) {
    const Pq *pq = c->pq;
    switch (pq->PQresultStatus(result)) {
    case PGRES_EMPTY_QUERY: break;
    case PGRES_COMMAND_OK:
        if (request->prepare_only && pq->PQnfields(result)) pg_columns(c, request, result);
        else if (c->left == 1) pg_done(request, pq->PQcmdStatus(result), pq->PQcmdTuples(result));
        break;
    case PGRES_TUPLES_OK:
        pg_rows(c, request, result);
        pg_done(request, pq->PQcmdStatus(result), pq->PQcmdTuples(result));
        pg_learn_size(request);
        break;
    case PGRES_SINGLE_TUPLE: pg_rows(c, request, result); break;
    case PGRES_PIPELINE_ABORTED: request->flags |= PG_ABORTED; break;
    case PGRES_BAD_RESPONSE:
    case PGRES_NONFATAL_ERROR:
    case PGRES_FATAL_ERROR:
        if (!pg_is_forgotten(c, request, result)) pg_fail(request, pq, result);
        break;
    case PGRES_COPY_OUT:
    case PGRES_COPY_IN:
    case PGRES_COPY_BOTH:
        request_fail(request, ORMC_ERROR_DATABASE, "COPY from or to the client can't be used here");
        connection_lost(&c->base, "", 0, "a COPY before it ended the connection");
        break;
    case PGRES_PIPELINE_SYNC: break;
    }
}

static void pg_drop_data(OrmcRequest *request) {
    statement_release(request->data);
    request->data = NULL;
}

/* True: it can be sent again, because it had no effect and its failure was not its own. */
static bool pg_retry(PgConnection *c, OrmcRequest *request) {
    const OrmcResult *result = &request->result;
    if (request->cancel_reason != ORMC_ERROR_NONE || request->flags & PG_DELIVERED) return false;
    if (request->flags & PG_LARGE && strcmp(result->state, "57014") == 0) return true;
    if (request->flags & PG_ABORTED && result->error == ORMC_ERROR_NONE) {
        if (request->flags & PG_PREPARES) pg_forget(c, request);
        return true;
    }
    if (result->error != ORMC_ERROR_DATABASE) return false;
    bool stale = request->data && !(request->flags & PG_PREPARES) && pg_is_stale(result->state, pg_is_open(request));
    if (stale || request->flags & PG_PREPARES) pg_forget(c, request);
    bool undone = !c->base.in_transaction || request->flags & PG_GUARDED;
    if (strcmp(result->state, "42P18") == 0 && undone && !(request->flags & PG_CERTAIN)) {
        request->retry_flags = PG_CERTAIN | (c->base.in_transaction ? PG_UNDO : 0);
        return true;
    }
    if (c->base.in_transaction) return false;
    if (stale) return true;
    bool stray = c->cancelled_at && pool_now(c->base.pool) - c->cancelled_at < 1000;
    return strcmp(result->state, "57014") == 0 && stray;
}

/* What the server could not find out once it need not be asked again. */
static void pg_remember_certain(PgConnection *c, OrmcRequest *request) {
    PgMessage message;
    size_t length;
    uint64_t hash;
    if (!pg_is_kept(request->sql) || request->prepare_only || !pg_message(request, false, &message)) return;
    const char *key = pg_key(request, &message, &length, &hash);
    if (!key || cache_find(&c->cache, key, length, hash) || c->cache.count >= c->cache.limit) return;
    PgStatement *statement = pg_add_statement(c, key, length, hash);
    if (statement) statement->certain = true;
}

static void pg_end(PgConnection *c, OrmcRequest *request) {
    if (pg_retry(c, request)) {
        unsigned flags = request->retry_flags;
        if (flags) pg_remember_certain(c, request);
        pg_drop_data(request);
        request_again(request);
        request->flags = flags;
        return;
    }
    if (request->flags & PG_ABORTED && request->result.error == ORMC_ERROR_NONE)
        request_fail(request, ORMC_ERROR_DATABASE, "not run, because a statement before it failed");
    bool good = request->result.error == ORMC_ERROR_NONE, own = request->internal != INTERNAL_NONE;
    bool makes_types = good && !own && !request->data && pg_types_may_change(request->sql);
    if (good && own && pg_types_are_asked(request->sql))
        c->types->known = pg_types_read(c->types, &c->base.pool->store, &request->result);
    pg_drop_data(request);
    request_finish(request);
    /* without memory, or if the transaction fails first, what is new stays text */
    if (makes_types && c->base.state == CONNECTION_READY)
        connection_send_internal(&c->base, pg_types_query, INTERNAL_TYPES);
}

static void pg_next(PgConnection *c, OrmcRequest *next) {
    c->reading = next;
    c->incoming = 0;
    c->left = next ? (unsigned)next->step : 0;
    if (next && next->flags & PG_CANCEL) pg_cancel_running(c);
}

/* All commands of `request` are answered. In a group the good ones end here, the others at the Sync. */
static void pg_answered(PgConnection *c, OrmcRequest *request) {
    if (request->flags & PG_SYNCED) return; /* its Sync comes next */
    if (request == c->group) return;        /* its Sync is not even sent */
    OrmcRequest *next = request->next;
    pg_next(c, next);
    if (!(request->flags & PG_ABORTED) && request->result.error == ORMC_ERROR_NONE) pg_end(c, request);
}

/* The group that ends with `last` is over. */
static void pg_synced(PgConnection *c, OrmcRequest *last) {
    PGTransactionStatusType status = c->pq->PQtransactionStatus(c->conn);
    c->base.in_transaction = status == PQTRANS_INTRANS || status == PQTRANS_INERROR;
    c->reading = NULL;
    for (OrmcRequest *request = last, *previous; request; request = previous) {
        previous = request->previous;
        pg_end(c, request);
        if (c->base.state == CONNECTION_CLOSING) return;
    }
    pg_next(c, c->base.flight.first); /* which may have been sent just now */
}

/* It can be taken back if its result is not small after all. */
static bool pg_is_small(const PgConnection *c, const OrmcRequest *request) {
    const PgStatement *statement = request->data;
    return statement && statement->small && request->read_only && !request->on_row && !c->base.in_transaction;
}

/* Rows come one by one, so that no more of them than a buffer's worth is in libpq's memory: a callback's are gone then,
 * and collected ones are counted against their limit as they come. */
static void pg_want_single(PgConnection *c) {
    OrmcRequest *request = c->reading;
    if (c->left != 1 || request->flags & (PG_SINGLE | PG_WHOLE) || request->prepare_only) return;
    if (pg_is_small(c, request)) request->flags |= PG_WHOLE;
    else if (c->pq->PQsetSingleRowMode(c->conn)) request->flags |= PG_SINGLE;
}

/* How much comes is known before libpq reads it, so that a result that is read as a whole stays small: otherwise it is
 * cancelled, and comes row by row when it is sent again. False: nothing ends it, and the connection is lost. */
static bool pg_count_incoming(PgConnection *c) {
    OrmcRequest *request = c->reading;
    if (!request || !(request->flags & PG_WHOLE)) return true;
    size_t limit = c->base.pool->options.max_result_bytes;
    size_t waits = socket_waiting(&c->socket);
    c->incoming += waits < PG_READ_AT_ONCE ? waits : PG_READ_AT_ONCE;
    if (c->incoming <= (limit < PG_WHOLE_MOST ? limit : PG_WHOLE_MOST)) return true;
    PgStatement *statement = request->data;
    if (!(request->flags & PG_CANCEL)) {
        statement->small = false;
        statement->large = true;
        request->flags |= PG_LARGE | PG_CANCEL;
        pg_cancel_running(c);
    } else if (request->flags & PG_LARGE && c->incoming > PG_UNSTOPPED && c->incoming - PG_UNSTOPPED > limit) {
        request_fail(request, ORMC_ERROR_LIMIT, "the result is larger than %zu bytes, and the server does not end it",
                     limit);
        connection_lost(&c->base, "", 0, "the server did not end a statement whose result is too large");
        return false;
    }
    return true;
}

/* True: there may be more to read. */
static bool pg_read_one(PgConnection *c) {
    OrmcRequest *request = c->reading;
    if (!c->left && !(request->flags & PG_SYNCED)) {
        pg_answered(c, request);
        return c->reading != request;
    }
    pg_want_single(c);
    if (c->pq->PQisBusy(c->conn)) return false;
    PGresult *result = c->pq->PQgetResult(c->conn);
    if (!result) {
        if (c->pq->PQstatus(c->conn) == CONNECTION_BAD) return false;
        if (!c->left) return false; /* nothing until the Sync's answer */
        if (--c->left == 0) pg_answered(c, request);
        return true;
    }
    if (c->pq->PQresultStatus(result) == PGRES_PIPELINE_SYNC) {
        c->pq->PQclear(result);
        pg_synced(c, request);
        return true;
    }
    if (!c->left) c->left = 1; /* a failure of the Sync itself, as of a deferred constraint: a NULL ends it, too */
    pg_result(c, request, result);
    c->pq->PQclear(result);
    return true;
}

/* What LISTEN brings is nobody's here, and libpq would keep it for ever. */
static void pg_drop_notifications(PgConnection *c) {
    for (PGnotify *one; (one = c->pq->PQnotifies(c->conn));) c->pq->PQfreemem(one);
}

static void pg_read(PgConnection *c) {
    while (c->base.state != CONNECTION_CLOSING && c->reading && !c->reading->paused && pg_read_one(c)) {
    }
    if (c->base.state == CONNECTION_CLOSING) return;
    if (!c->reading) c->pq->PQisBusy(c->conn); /* notices are read by it */
    pg_drop_notifications(c);
    if (c->pq->PQstatus(c->conn) == CONNECTION_BAD) pg_lost(c);
}

static void pg_notice(void *user, const PGresult *result) {
    PgConnection *c = user;
    if (c->reading) request_notice(c->reading, c->pq->PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY));
}

/* ---- the socket */

static bool pg_watch(PgConnection *c, int events) { return socket_watch(&c->socket, c->pq->PQsocket(c->conn), events); }

/* Writes what can be written, and watches for what has to be waited for. */
static void pg_events(PgConnection *c) {
    if (c->base.state == CONNECTION_CLOSING) return;
    int unsent = c->pq->PQflush(c->conn);
    if (unsent < 0) {
        c->pq->PQconsumeInput(c->conn); /* why the server has gone, if it said so */
        pg_read(c);
        pg_lost(c);
        return;
    }
    bool paused = c->reading && c->reading->paused;
    int events = (paused ? 0 : UV_READABLE) | (unsent ? UV_WRITABLE : 0);
    pg_watch(c, events);
}

static void pg_fetch(Connection *connection) {
    PgConnection *c = (PgConnection *)connection;
    if (c->send_failed) {
        c->send_failed = false;
        connection_lost(connection, "", 0, c->failure);
        return;
    }
    if (c->group && !pg_sync(c)) {
        pg_lost(c);
        return;
    }
    pg_read(c); /* what lies in libpq's buffer, after a pause */
    pg_events(c);
}

/* ---- connecting */

static void pg_connected(PgConnection *c) {
    const Pq *pq = c->pq;
    pq->PQsetnonblocking(c->conn, 1);
    pq->PQsetNoticeReceiver(c->conn, pg_notice, c);
    if (!pq->PQenterPipelineMode(c->conn)) {
        pg_lost(c);
        return;
    }
    c->working = true;
    if (!pg_watch(c, UV_READABLE)) return;
    const char *dates = pq->PQparameterStatus(c->conn, "DateStyle");
    const char *intervals = pq->PQparameterStatus(c->conn, "IntervalStyle");
    bool styled = (!dates || strncmp(dates, "ISO", 3) == 0) && (!intervals || strcmp(intervals, "postgres") == 0);
    if (styled && c->types->known) {
        connection_ready(&c->base);
        return;
    }
    c->base.state = CONNECTION_SETUP;
    if (!connection_send_internal(&c->base, styled ? pg_types_query : pg_types_and_styles_query, INTERNAL_SETUP))
        connection_lost(&c->base, "", 0, "out of memory");
}

static void pg_connect_step(PgConnection *c) {
    socket_unwatch(&c->socket); /* libpq may close it and open another, with the same number even */
    switch (c->pq->PQconnectPoll(c->conn)) {
    case PGRES_POLLING_READING: pg_watch(c, UV_READABLE); return;
    case PGRES_POLLING_WRITING: pg_watch(c, UV_WRITABLE); return;
    case PGRES_POLLING_OK: pg_connected(c); return;
    case PGRES_POLLING_ACTIVE: return;
    case PGRES_POLLING_FAILED: pg_lost(c); return;
    }
}

static void pg_on_ready(Connection *connection, int status, int events) {
    PgConnection *c = (PgConnection *)connection;
    if (!c->working) {
        pg_connect_step(c);
        return;
    }
    if (!pg_count_incoming(c)) return;
    if ((status < 0 || events & UV_READABLE) && !c->pq->PQconsumeInput(c->conn)) {
        pg_read(c); /* what came before the end */
        pg_lost(c);
    } else {
        pg_read(c);
        pg_events(c);
    }
}

/* ---- the way there */

static void pg_connect_on(PgConnection *c) {
    const PgRoute *route = &c->route;
    /* the whole URL is libpq's to read: service files, PG* variables, TLS, several hosts are its business */
    const char *names[8] = {"dbname", "client_encoding", "fallback_application_name"};
    const char *values[8] = {c->base.pool->url.whole, "UTF8", "ormc"};
    size_t count = 3;
    if (route->count) {
        names[count] = "host", values[count++] = route->hosts;
        names[count] = "hostaddr", values[count++] = route->addresses;
        if (c->hosts->with_ports) names[count] = "port", values[count++] = route->ports;
    }
    c->conn = c->pq->PQconnectStartParams(names, values, 1);
    if (!c->conn) connection_lost(&c->base, "", 0, "out of memory");
    else if (c->pq->PQstatus(c->conn) == CONNECTION_BAD) pg_lost(c);
    else pg_watch(c, UV_WRITABLE);
}

static void pg_find_hosts(PgConnection *c);

static void pg_on_found(Connection *connection, const Addresses *found, const char *why) {
    PgConnection *c = (PgConnection *)connection;
    const PgHost *host = &c->hosts->items[c->host++];
    size_t count = c->hosts->with_ports || found->count < 1 ? found->count : 1;
    for (size_t i = 0; i < count; i++)
        if (!pg_route_add(&c->route, host, found->texts[i])) {
            connection_lost(connection, "", 0, "out of memory");
            return;
        }
    if (!count) snprintf(c->failure, sizeof c->failure, "the host \"%s\" is not known: %s", host->name, why);
    pg_find_hosts(c);
}

/* Looks up one name after the other, then connects. */
static void pg_find_hosts(PgConnection *c) {
    for (; c->host < c->hosts->count; c->host++) {
        const PgHost *host = &c->hosts->items[c->host];
        bool good = host_is_name(host->name) ? socket_look_up(&c->socket, host->name, pg_on_found)
                                             : pg_route_add(&c->route, host, "");
        if (!good) connection_lost(&c->base, "", 0, "out of memory");
        if (!good || host_is_name(host->name)) return;
    }
    if (c->hosts->count && !c->route.count) connection_lost(&c->base, "", 0, c->failure);
    else pg_connect_on(c);
}

static void pg_on_time(Connection *connection) {
    PgConnection *c = (PgConnection *)connection;
    if (!c->working) pg_find_hosts(c);
    else if (c->reading && c->reading->flags & PG_CANCEL) pg_cancel_running(c);
}

static bool pg_connect(Connection *connection) {
    PgConnection *c = (PgConnection *)connection;
    OrmcPool *pool = connection->pool;
    PgLibrary *library = pool->library;
    c->pq = &library->pq;
    c->hosts = &library->hosts;
    c->types = &library->types;
    if (!cache_init(&c->cache, pool->options.statement_cache)) return false;
    socket_open(&c->socket, connection, pg_on_ready, pg_on_time);
    socket_after(&c->socket, 0); /* begun from the loop, where it may also fail */
    return true;
}

static void pg_drop(Connection *connection, OrmcRequest *request) {
    (void)connection;
    pg_drop_data(request);
}

static void pg_close(Connection *connection) {
    PgConnection *c = (PgConnection *)connection;
    if (c->socket.closed) return;
    c->reading = c->group = NULL;
    socket_close(&c->socket);
    pg_route_free(&c->route);
    for (PgStatement *statement; (statement = cache_take_any(&c->cache));) statement_release(statement);
    cache_destroy(&c->cache);
    PGconn *conn = c->conn;
    c->conn = NULL;
    if (conn) c->pq->PQfinish(conn);
}

/* Wrong password, no such role or database: another try gives the same. */
static bool pg_connect_is_final(const char *state, int code) {
    (void)code;
    return strncmp(state, "28", 2) == 0 || strncmp(state, "3D", 2) == 0;
}

const Driver *postgresql_driver_load(OrmcPool *pool, char *message, size_t capacity) {
    static const Driver driver = {.name = "postgresql",
                                  .pipeline = PG_PIPELINE,
                                  .droppable = true,
                                  .connection_size = sizeof(PgConnection),
                                  .connect = pg_connect,
                                  .send = pg_send,
                                  .alone = pg_alone,
                                  .fetch = pg_fetch,
                                  .cancel = pg_cancel,
                                  .close = pg_close,
                                  .drop = pg_drop,
                                  .accepts = pg_accepts,
                                  .begin = "BEGIN",
                                  .rollback = "ROLLBACK",
                                  .ping = "SELECT 1",
                                  .connect_is_final = pg_connect_is_final};
    static const char *const names[] = {PQ_FUNCTIONS(LIBRARY_NAME)};
    static const char *const sonames[] = {"libpq.so.5", NULL};
    PgLibrary *library = pool->library = store_allocate(&pool->store, sizeof *library);
    if (library) *library = (PgLibrary){0};
    if (library && !library_load(&library->pq, names, sizeof names / sizeof *names, sonames, message, capacity))
        return NULL;
    if (library && pg_hosts_read(&library->pq, &pool->store, pool->url.whole, &library->hosts)) return &driver;
    snprintf(message, capacity, "out of memory");
    return NULL;
}
