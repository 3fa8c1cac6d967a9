/*
 * Inside of the executor: what the core (pool.c, request.c …) and the drivers (backends/<db>/executor.c) share.
 *
 * A request waits in its pool (or in its lease, a connection that the caller holds), is sent on a connection, and ends
 * in the list of finished requests, from which its callback is called. All of it happens in a step: every callback of
 * libuv opens one with pool_enter() and ends it with pool_leave(), which delivers what is finished and sends what
 * waits. Calls from outside only queue and wake the loop. So a driver is never entered twice, and no callback is called
 * from inside a call of the caller's.
 */
#ifndef ORMC_EXECUTOR_H
#define ORMC_EXECUTOR_H

#include <signal.h>
#include <stdatomic.h>
#include <sys/types.h>

#include "backends/executor/library.h"
#include "backends/executor/sql.h"
#include "backends/executor/store.h"
#include "backends/executor/value.h"
#include "include/ormc.h"

typedef struct Connection Connection;
typedef struct Driver Driver;

/* ---- URL */

typedef struct UrlOption {
    const char *name, *value;
} UrlOption;

/* scheme[+driver]://[user[:password]@][host][:port][/database][?name=value&…], percent-decoded. */
typedef struct Url {
    const char *scheme; /* without the driver suffix */
    const char *user, *password, *host, *port, *database;
    const char *secret; /* the password as it stands in the text */
    UrlOption *options;
    size_t option_count;
    const char *whole; /* as given, without the driver suffix */
} Url;

bool url_parse(Store *store, const char *text, Url *url, const char **why);
/* The password in a message, where a client library has repeated the URL in it, becomes ***. */
void url_hide_password(const Url *url, char *message);
/* NULL where the URL doesn't have it. */
const char *url_option(const Url *url, const char *name);

/* ---- results and requests */

typedef struct ResultColumn {
    const char *name;
    OrmcType type;
} ResultColumn;

typedef struct Notice {
    struct Notice *next;
    const char *text;
} Notice;

struct OrmcResult {
    OrmcError error;
    int native_code;
    char state[6];
    bool kept;
    const char *message; /* NULL: none */
    ResultColumn *columns;
    size_t column_count;
    OrmcValue **rows;
    size_t row_count, row_capacity;
    int64_t affected, inserted_id;
    Notice *notices, *last_notice;
    Store store;
};

typedef enum RequestState { REQUEST_WAITING, REQUEST_IN_FLIGHT, REQUEST_FINISHED } RequestState;

typedef struct RequestQueue {
    OrmcRequest *first, *last;
    size_t count;
} RequestQueue;

/* Statements that the pool itself sends; they are not counted and have no callback of the caller's. */
typedef enum InternalUse {
    INTERNAL_NONE,
    INTERNAL_SETUP,
    INTERNAL_PING,
    INTERNAL_RELEASE,
    INTERNAL_TYPES /* of the driver's: nothing hangs on it */
} InternalUse;

struct OrmcRequest {
    OrmcResult result; /* first: a kept result is the request */
    OrmcRequest *next, *previous;
    RequestQueue *queue; /* that it is in */
    OrmcPool *pool;
    OrmcConnection *lease;
    Connection *connection; /* while in flight */
    RequestState state;
    const char *sql; /* terminated */
    size_t sql_length;
    uint64_t sql_hash;
    OrmcPrepared *prepared;
    OrmcValue *params;
    size_t param_count;
    OrmcType *column_types;
    size_t column_type_count;
    uint64_t deadline;      /* of the statement, ms of the loop; 0: none */
    uint64_t wait_deadline; /* while it waits */
    OrmcRowCallback on_row;
    OrmcDoneCallback on_done;
    OrmcAcquireCallback on_acquired; /* a request for a connection, not a statement */
    void *user;
    void *row_user;     /* of the row callback */
    StoreMark row_mark; /* streaming: where the memory of a row begins */
    OrmcError cancel_reason;
    InternalUse internal;
    bool read_only, prepare_only;
    bool paused, described;
    bool stopped;                /* by its row callback: not a success, even if it had ended already */
    int step;                    /* the driver's: how far it has come */
    unsigned flags, retry_flags; /* the driver's; the latter for when it is sent again */
    void *data;                  /* the driver's, while in flight */
};

struct OrmcPrepared {
    size_t references;
    size_t sql_length;
    uint64_t hash;
    char sql[];
};

void queue_push(RequestQueue *queue, OrmcRequest *request);
void queue_push_front(RequestQueue *queue, OrmcRequest *request);
void queue_remove(OrmcRequest *request);
OrmcRequest *queue_pop(RequestQueue *queue);

OrmcRequest *request_create(OrmcPool *pool);
/* Copies the command. False: no memory. */
bool request_fill(OrmcRequest *request, const OrmcCommand *command);
void request_recycle(OrmcRequest *request);
void request_fail(OrmcRequest *request, OrmcError error, const char *format, ...) __attribute__((format(printf, 3, 4)));
void request_out_of_memory(OrmcRequest *request);
void request_state(OrmcRequest *request, const char *state);
void request_notice(OrmcRequest *request, const char *text);
/* Columns of the result; cleared names and types UNKNOWN, to be filled by the driver. False: no memory (failed). */
bool request_columns(OrmcRequest *request, size_t count);
/* Cells of a new row, or NULL: no memory (failed). */
OrmcValue *request_row(OrmcRequest *request);
/* The row is complete: converted, then collected or given to the row callback. False: the driver shall give no more
 * rows; the request is failed, or paused. */
bool request_row_done(OrmcRequest *request, OrmcValue *cells);
/* Forgets columns and rows, before the statement is sent again. */
void request_reset_result(OrmcRequest *request);

/* ---- connections and drivers */

typedef enum ConnectionState {
    CONNECTION_CONNECTING,
    CONNECTION_SETUP, /* connected, the setup statements run */
    CONNECTION_READY,
    CONNECTION_CLOSING
} ConnectionState;

/* Drivers embed it as their first member. */
struct Connection {
    OrmcPool *pool;
    Connection *next, *previous;
    ConnectionState state;
    RequestQueue flight;   /* sent, oldest first */
    OrmcConnection *lease; /* who holds it */
    unsigned streams;      /* in flight: the reader may take its time, so nothing is sent behind them */
    bool alone;            /* nothing is sent behind what is in flight, which decides how it has to be sent */
    bool reserved;         /* drains for the acquire request at the head of the queue */
    bool in_transaction;   /* after the last finished statement */
    bool wants_fetch;
    size_t setup_done;
    uint64_t started_at, idle_since, checked_at;
    uint64_t give_up_at; /* a cancel has not been answered until then: dropped; 0: none */
};

struct Driver {
    const char *name;
    unsigned pipeline; /* statements in flight at once on one connection */
    bool droppable;    /* a connection that doesn't answer can be dropped */
    size_t connection_size;
    /* Starts connecting; ends in connection_ready() or connection_lost(), never inside this call. False: no memory. */
    bool (*connect)(Connection *connection);
    /* On a lease: nothing may be sent before it is answered, and it waits until all before it is. May be NULL. */
    bool (*alone)(Connection *connection, OrmcRequest *request);
    /* Takes a request: it is in connection->flight already. May end in request_finish(). */
    void (*send)(Connection *connection, OrmcRequest *request);
    /* What was sent is on its way now; rows of a resumed request are wanted. */
    void (*fetch)(Connection *connection);
    /* The statement shall end early. */
    void (*cancel)(Connection *connection, OrmcRequest *request);
    /* Ends in connection_closed(). */
    void (*close)(Connection *connection);
    /* The request ends with the connection: what it holds of the driver's goes. May be NULL. */
    void (*drop)(Connection *connection, OrmcRequest *request);
    /* Before anything is sent: is this a value the database can take? */
    bool (*accepts)(const OrmcValue *value, const char **why);
    const char *begin, *rollback, *ping;
    /* An error of connecting that another try won't mend: wrong password, no such database. */
    bool (*connect_is_final)(const char *state, int native_code);
};

/* What opening needs of a backend: loads the client library into memory of the pool, checks the URL. */
typedef struct Backend {
    const char *scheme;
    const char *name;
    const Driver *(*load)(OrmcPool *pool, char *message, size_t capacity); /* NULL: can't, see message */
} Backend;

const Backend *backend_find(const char *scheme);

const Driver *sqlite_driver_load(OrmcPool *pool, char *message, size_t capacity);
const Driver *postgresql_driver_load(OrmcPool *pool, char *message, size_t capacity);
const Driver *mysql_driver_load(OrmcPool *pool, char *message, size_t capacity);

/* Connected, or the last setup statement has run: the next of them, or ready for use. */
void connection_ready(Connection *connection);
/* The connection broke or could not be made. Everything in flight fails with the message; the core closes it. */
void connection_lost(Connection *connection, const char *state, int native_code, const char *message);
/* Answer to Driver.close: frees it. */
void connection_closed(Connection *connection);
/* The request has its result (or its error). */
void request_finish(OrmcRequest *request);
/* Back to the head of the queue: it had no effect through no fault of its own. */
void request_again(OrmcRequest *request);

/* ---- pool */

typedef struct ProcessMark {
    pid_t process;
    char *wiped; /* memory that is cleared by fork(); NULL: the kernel can't */
} ProcessMark;

void process_mark(ProcessMark *mark);
bool process_is_marked(const ProcessMark *mark);
void process_unmark(ProcessMark *mark);

struct OrmcLoop {
    Uv uv;
    uv_loop_t *loop;
    uv_loop_t own;
    bool owns;
    size_t pools;
    uint64_t delivered;
};

struct OrmcConnection {
    OrmcPool *pool;
    Connection *connection; /* NULL: it broke */
    RequestQueue waiting;
    bool released;
};

typedef struct PoolCounters {
    _Atomic uint64_t submitted, succeeded, failed, cancelled, timed_out, rows, connects, connect_failures, lost,
        prepared, cache_hits, open, idle, leased, waiting, in_flight;
} PoolCounters;

struct OrmcPool {
    OrmcLoop *loop;
    Uv *uv;
    const Backend *backend;
    const Driver *driver;
    void *library; /* the driver's table of functions */
    OrmcPoolOptions options;
    Url url;
    Store store;
    ProcessMark process; /* that opened it */
    Connection *connections;
    unsigned connection_count, connecting;
    RequestQueue waiting, finished;
    size_t outstanding; /* statements not answered yet */
    size_t leases;
    OrmcRequest *spare;
    size_t spare_count;
    uv_async_t async;
    uv_timer_t timer;
    uint64_t timer_at; /* 0: not running */
    unsigned depth;    /* of steps */
    bool stirred;      /* something came up since the last time that was scheduled */
    bool awake, closing, closed, opened;
    _Atomic bool interrupted;
    uint64_t retry_at, retry_delay;
    unsigned handles;          /* of libuv, still open */
    OrmcRequest *open_request; /* answered by the first connection */
    char last_error[512];      /* why the last connection could not be made */
    OrmcError load_error;      /* no driver: every statement gets this and last_error */
    void (*on_closed)(void *user);
    void *closed_user;
    PoolCounters counters;
};

/* Threads that are started in between have all signals blocked: handlers are the program's, and run on its threads. */
void signals_block(sigset_t *before);
void signals_restore(const sigset_t *before);
/* uv_queue_work(), whose first call starts libuv's threads. */
int pool_queue_work(OrmcPool *pool, uv_work_t *work, uv_work_cb call, uv_after_work_cb done);

void pool_enter(OrmcPool *pool);
void pool_leave(OrmcPool *pool);
void pool_wake(OrmcPool *pool);
uint64_t pool_now(OrmcPool *pool);
/* The timer will run at `at` or before. */
void pool_arm(OrmcPool *pool, uint64_t at);
/* Deadlines, idle connections, signs of life, reconnecting; arms the timer for the next of them. In tick.c. */
void pool_tick(OrmcPool *pool);
/* In a step: sends what waits, opens and closes connections. In schedule.c. */
void pool_schedule(OrmcPool *pool);
/* None came about: when to try again, and who is told. */
void pool_connect_failed(OrmcPool *pool, const char *state, int code, const char *message);
void pool_submit(OrmcPool *pool, OrmcRequest *request);
/* The pool's own statement on this connection. False: no memory. */
bool connection_send_internal(Connection *connection, const char *sql, InternalUse use);
void connection_close(Connection *connection);
/* Ends a request that was not sent (or no more): its callback comes in this step or the next. */
void request_end(OrmcRequest *request);
void request_cancel_for(OrmcRequest *request, OrmcError reason);
void lease_free(OrmcConnection *lease);
/* In another process than the one that opened it. */
bool pool_is_foreign(const OrmcPool *pool);

/* Only the loop's thread counts; others read. */
static inline void count_up(_Atomic uint64_t *counter) {
    atomic_store_explicit(counter, atomic_load_explicit(counter, memory_order_relaxed) + 1, memory_order_relaxed);
}

#endif
