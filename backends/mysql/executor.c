/*
 * MariaDB's and MySQL's driver: libmariadb's non-blocking calls, one statement at a time on a connection.
 *
 * Each thing the server is asked for is an operation with a _start and a _cont call; my_advance() runs operations until
 * one has to wait for the socket, and my_complete() says which comes next:
 *
 *     PREPARE → EXECUTE → FETCH … FETCH → FREE → NEXT → request_finish()   QUERY (transactions, DDL) → request_finish()
 *
 * Rows are read one by one, also those that are collected, so no result is held twice.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "backends/executor/cache.h"
#include "backends/executor/socket.h"
#include "backends/mysql/executor_parts.h"

#include <errmsg.h>

enum { MY_ROWS_A_TURN = 2048 }; /* then others have their turn */

typedef enum MyOperation {
    MY_IDLE,
    MY_CONNECT,
    MY_CLOSE_STATEMENT,
    MY_PREPARE,
    MY_EXECUTE,
    MY_FETCH,
    MY_FREE,
    MY_NEXT, /* the results of CALL after the first */
    MY_QUERY,
    MY_STORE
} MyOperation;

typedef struct MyConnection {
    Connection base;
    const Mysql *mysql;
    MYSQL *handle;
    Socket socket;       /* its timer: waits with a limit, and the next turn of a long result */
    Addresses addresses; /* of the host, where its name was looked up */
    size_t address;      /* that is tried, or tried next */
    MyOperation operation;
    int status; /* what the operation waits for; 0: it runs */
    int answer; /* of the operation */
    my_bool failed;
    MYSQL *connected;
    MYSQL_RES *stored;
    OrmcRequest *request;
    MyStatement *statement, *closing;
    const char *text; /* of the statement that is prepared */
    StatementCache cache;
    unsigned killing; /* kills on their way: nothing new is sent, they might hit it */
    unsigned rows_this_turn;
    bool discard;
    bool as_text;    /* the server can't prepare it */
    uv_work_t aside; /* connects on another thread */
    bool is_aside;
    _Atomic bool abandoned; /* … and need not go on */
} MyConnection;

/* KILL QUERY goes over a connection of its own and blocks: on a thread of libuv's. */
typedef struct MyKill {
    uv_work_t work;
    MyConnection *connection;
    const Mysql *mysql;
    const Url *url;
    unsigned long thread;
} MyKill;

static void my_advance(MyConnection *c);

/* ---- killing */

static void my_kill_work(uv_work_t *work) {
    MyKill *kill = work->data;
    const Mysql *mysql = kill->mysql;
    MYSQL *handle = mysql->mysql_init(NULL);
    if (!handle) return;
    my_set_options(mysql, handle, kill->url, 2000);
    const Url *url = kill->url;
    char sql[64];
    int length = snprintf(sql, sizeof sql, "KILL QUERY %lu", kill->thread);
    if (mysql->mysql_real_connect(handle, url->host, url->user, url->password, NULL, my_port(url), my_socket_path(url),
                                  0))
        mysql->mysql_real_query(handle, sql, (unsigned long)length);
    mysql->mysql_close(handle);
}

/* The server shall end what it runs, and has not answered yet. */
static bool my_is_cancelled(const MyConnection *c) {
    return !c->socket.closed && c->request && c->request->cancel_reason != ORMC_ERROR_NONE && c->status &&
           !(c->status & MYSQL_WAIT_TIMEOUT);
}

static void my_kill_done(uv_work_t *work, int status) {
    (void)status;
    MyKill *kill = work->data;
    MyConnection *c = kill->connection;
    OrmcPool *pool = c->base.pool;
    pool_enter(pool);
    free(kill);
    c->killing--;
    bool next = !c->killing && c->operation == MY_IDLE && c->base.flight.first && !c->socket.closed;
    if (next) c->base.wants_fetch = true;
    /* it comes to nothing where the server had not begun the statement: once more, if that is so */
    if (!c->killing && my_is_cancelled(c)) socket_after(&c->socket, 100);
    socket_release(&c->socket);
    pool_leave(pool);
}

static void my_kill(MyConnection *c) {
    OrmcPool *pool = c->base.pool;
    MyKill *kill = malloc(sizeof *kill);
    if (!kill) return;
    *kill =
        (MyKill){.connection = c, .mysql = c->mysql, .url = &pool->url, .thread = c->mysql->mysql_thread_id(c->handle)};
    kill->work.data = kill;
    if (socket_work(&c->socket, &kill->work, my_kill_work, my_kill_done)) c->killing++;
    else free(kill);
}

static void my_cancel(Connection *connection, OrmcRequest *request) {
    MyConnection *c = (MyConnection *)connection;
    if (c->request != request) { /* not sent yet: a kill is on its way */
        request_fail(request, ORMC_ERROR_DATABASE, "cancelled");
        request_finish(request);
        return;
    }
    bool paused = request->paused;
    request->paused = false;
    my_kill(c);
    if (paused) {
        connection->wants_fetch = true;
        pool_wake(connection->pool);
    }
}

/* ---- the socket */

static bool my_watch(MyConnection *c, int events) {
    return socket_watch(&c->socket, (int)c->mysql->mysql_get_socket(c->handle), events);
}

static void my_wait(MyConnection *c) {
    int events = (c->status & MYSQL_WAIT_READ ? UV_READABLE : 0) | (c->status & MYSQL_WAIT_WRITE ? UV_WRITABLE : 0);
    if (c->status & MYSQL_WAIT_TIMEOUT) socket_after(&c->socket, c->mysql->mysql_get_timeout_value_ms(c->handle));
    my_watch(c, events);
}

/* ---- operations */

/* The client and the server have lost each other. */
static bool my_is_lost(unsigned code) {
    return code == CR_SERVER_GONE_ERROR || code == CR_SERVER_LOST || code == 1053 || code == 1927 || code == 1152 ||
           code == CR_CONNECTION_ERROR || code == CR_CONN_HOST_ERROR || code == CR_COMMANDS_OUT_OF_SYNC;
}

static const char *my_host(const MyConnection *c) {
    return c->addresses.count ? c->addresses.texts[c->address] : c->base.pool->url.host;
}

static int my_start(MyConnection *c) {
    const Mysql *mysql = c->mysql;
    const Url *url = &c->base.pool->url;
    switch (c->operation) {
    case MY_IDLE: return 0;
    case MY_CONNECT:
        return mysql->mysql_real_connect_start(&c->connected, c->handle, my_host(c), url->user, url->password,
                                               url->database, my_port(url), my_socket_path(url), CLIENT_FOUND_ROWS);
    case MY_CLOSE_STATEMENT: return mysql->mysql_stmt_close_start(&c->failed, c->closing->handle);
    case MY_PREPARE:
        return mysql->mysql_stmt_prepare_start(&c->answer, c->statement->handle, c->text,
                                               (unsigned long)c->request->sql_length);
    case MY_EXECUTE: return mysql->mysql_stmt_execute_start(&c->answer, c->statement->handle);
    case MY_FETCH: return mysql->mysql_stmt_fetch_start(&c->answer, c->statement->handle);
    case MY_FREE: return mysql->mysql_stmt_free_result_start(&c->failed, c->statement->handle);
    case MY_NEXT: return mysql->mysql_stmt_next_result_start(&c->answer, c->statement->handle);
    case MY_QUERY:
        return mysql->mysql_real_query_start(&c->answer, c->handle, c->request->sql,
                                             (unsigned long)c->request->sql_length);
    case MY_STORE: return mysql->mysql_store_result_start(&c->stored, c->handle);
    }
    return 0;
}

static int my_continue(MyConnection *c, int ready) {
    const Mysql *mysql = c->mysql;
    switch (c->operation) {
    case MY_IDLE: return 0;
    case MY_CONNECT: return mysql->mysql_real_connect_cont(&c->connected, c->handle, ready);
    case MY_CLOSE_STATEMENT: return mysql->mysql_stmt_close_cont(&c->failed, c->closing->handle, ready);
    case MY_PREPARE: return mysql->mysql_stmt_prepare_cont(&c->answer, c->statement->handle, ready);
    case MY_EXECUTE: return mysql->mysql_stmt_execute_cont(&c->answer, c->statement->handle, ready);
    case MY_FETCH: return mysql->mysql_stmt_fetch_cont(&c->answer, c->statement->handle, ready);
    case MY_FREE: return mysql->mysql_stmt_free_result_cont(&c->failed, c->statement->handle, ready);
    case MY_NEXT: return mysql->mysql_stmt_next_result_cont(&c->answer, c->statement->handle, ready);
    case MY_QUERY: return mysql->mysql_real_query_cont(&c->answer, c->handle, ready);
    case MY_STORE: return mysql->mysql_store_result_cont(&c->stored, c->handle, ready);
    }
    return 0;
}

/* ---- a statement */

static void my_forget(MyConnection *c) {
    OrmcRequest *request = c->request;
    cache_remove(&c->cache, request->sql, request->sql_length, request->sql_hash);
    c->closing = c->statement;
    c->statement = NULL;
}

/* The server may end a killed statement as if it were complete: SLEEP() then gives 1. What it gave can't be trusted,
 * unless it says that rows were changed. */
static void my_note_cancelled(OrmcRequest *request) {
    OrmcResult *result = &request->result;
    if (result->error != ORMC_ERROR_NONE || (!result->column_count && result->affected > 0)) return;
    request_reset_result(request);
    request_fail(request, ORMC_ERROR_DATABASE, "ended before it was complete");
}

/* The request is over; true: an operation still has to run. */
static bool my_finish(MyConnection *c) {
    unsigned long status = 0;
    c->mysql->mariadb_get_infov(c->handle, MARIADB_CONNECTION_SERVER_STATUS, &status);
    c->base.in_transaction = (unsigned)status & SERVER_STATUS_IN_TRANS;
    OrmcRequest *request = c->request;
    if (request->cancel_reason != ORMC_ERROR_NONE) my_note_cancelled(request);
    c->request = NULL;
    c->statement = NULL;
    c->discard = false;
    c->operation = c->closing ? MY_CLOSE_STATEMENT : MY_IDLE;
    request_finish(request);
    if (c->base.state == CONNECTION_CLOSING) return false;
    if (c->operation == MY_IDLE) my_watch(c, UV_READABLE); /* to see the server go */
    return c->operation != MY_IDLE;
}

static size_t my_size(const OrmcRequest *request) {
    size_t size = request->sql_length;
    for (size_t i = 0; i < request->param_count; i++) size += request->params[i].text ? request->params[i].length : 0;
    return size;
}

/* A server that is sent more than its max_allowed_packet closes the connection, and what it says is not read. */
static void my_lost(MyConnection *c, const char *state, unsigned code, const char *text) {
    enum { LARGE = 1 << 20 };
    size_t size = my_size(c->request);
    if (size > LARGE)
        request_fail(c->request, ORMC_ERROR_LOST,
                     "%s (the statement has %zu bytes, which may be more than the server's max_allowed_packet)", text,
                     size);
    connection_lost(&c->base, state, (int)code, text);
}

/* The statement failed with the error of its handle, or of the connection. */
static bool my_fail(MyConnection *c, MYSQL_STMT *handle) {
    const Mysql *mysql = c->mysql;
    /* libmariadb leaves an error that comes in the place of rows with the connection */
    if (handle && !mysql->mysql_stmt_errno(handle)) handle = NULL;
    unsigned code = handle ? mysql->mysql_stmt_errno(handle) : mysql->mysql_errno(c->handle);
    const char *text = handle ? mysql->mysql_stmt_error(handle) : mysql->mysql_error(c->handle);
    const char *state = handle ? mysql->mysql_stmt_sqlstate(handle) : mysql->mysql_sqlstate(c->handle);
    if (my_is_lost(code)) {
        my_lost(c, state, code, text);
        return false;
    }
    c->request->result.native_code = (int)code;
    request_state(c->request, state);
    request_fail(c->request, ORMC_ERROR_DATABASE, "%s", text);
    return true;
}

static bool my_columns(MyConnection *c) {
    OrmcRequest *request = c->request;
    MyStatement *statement = c->statement;
    if (!my_statement_describe(c->mysql, statement) || !request_columns(request, statement->column_count)) {
        request_out_of_memory(request);
        return false;
    }
    for (size_t i = 0; i < statement->column_count; i++) {
        const MYSQL_FIELD *field = &statement->handle->fields[i];
        ResultColumn *column = &request->result.columns[i];
        column->name = store_copy(&request->result.store, field->name, strlen(field->name));
        column->type = statement->columns[i].means;
        if (i < request->column_type_count && request->column_types[i] != ORMC_TYPE_UNKNOWN)
            column->type = request->column_types[i];
        if (!column->name) request_out_of_memory(request);
        if (!column->name) return false;
    }
    return true;
}

static bool my_execute(MyConnection *c) {
    OrmcRequest *request = c->request;
    unsigned long wanted = c->mysql->mysql_stmt_param_count(c->statement->handle);
    if (wanted != request->param_count) {
        request_fail(request, ORMC_ERROR_VALUE, "the statement takes %lu parameters, %zu are given", wanted,
                     request->param_count);
        return my_finish(c);
    }
    MYSQL_BIND *binds = my_params(&request->result.store, request->params, request->param_count);
    if (!binds || (request->param_count && c->mysql->mysql_stmt_bind_param(c->statement->handle, binds))) {
        request_out_of_memory(request);
        return my_finish(c);
    }
    c->operation = MY_EXECUTE;
    return true;
}

/* This server does not prepare such a statement. */
static bool my_goes_as_text(const MyConnection *c) {
    enum { UNSUPPORTED = 1295 };
    return c->mysql->mysql_stmt_errno(c->statement->handle) == UNSUPPORTED && !c->request->param_count &&
           !c->request->prepare_only;
}

static bool my_prepared(MyConnection *c) {
    OrmcRequest *request = c->request;
    if (c->answer && my_goes_as_text(c)) {
        my_forget(c);
        c->as_text = true;
        c->operation = MY_CLOSE_STATEMENT;
        return true;
    }
    if (c->answer) {
        bool kept = my_fail(c, c->statement->handle);
        if (!kept) return false;
        my_forget(c);
        return my_finish(c);
    }
    count_up(&c->base.pool->counters.prepared);
    if (!request->prepare_only) return my_execute(c);
    my_columns(c);
    return my_finish(c);
}

static bool my_executed(MyConnection *c) {
    OrmcRequest *request = c->request;
    MYSQL_STMT *handle = c->statement->handle;
    if (c->answer) {
        if (!my_fail(c, handle)) return false;
        /* a statement that the server has forgotten is prepared again next time */
        if (request->result.native_code == 1243 || request->result.native_code == 1615) my_forget(c);
        return my_finish(c);
    }
    request->result.affected = (int64_t)c->mysql->mysql_stmt_affected_rows(handle);
    request->result.inserted_id = (int64_t)c->mysql->mysql_stmt_insert_id(handle);
    if (!c->mysql->mysql_stmt_field_count(handle)) return request_columns(request, 0), my_finish(c);
    request->result.affected = 0;
    request->result.inserted_id = 0; /* is that of a statement before */
    c->discard = !my_columns(c);
    if (!c->discard && !c->statement->bound) {
        c->discard = c->mysql->mysql_stmt_bind_result(handle, c->statement->binds);
        c->statement->bound = !c->discard;
    }
    c->operation = c->discard ? MY_FREE : MY_FETCH;
    return true;
}

static bool my_read_row(MyConnection *c) {
    OrmcRequest *request = c->request;
    OrmcValue *cells = request_row(request);
    if (!cells) return false;
    for (unsigned i = 0; i < c->statement->column_count; i++) {
        if (my_cell(c->mysql, c->statement, i, &request->result.store, &cells[i])) continue;
        request_out_of_memory(request);
        return false;
    }
    request->result.affected++;
    return request_row_done(request, cells) || request->paused;
}

/* All rows are read, or thrown away. A procedure's results end with one that has none. */
static bool my_end_rows(MyConnection *c) {
    if (!c->mysql->mysql_stmt_more_results(c->statement->handle)) return my_finish(c);
    c->operation = MY_NEXT;
    return true;
}

static bool my_next(MyConnection *c) {
    c->statement->bound = false; /* libmariadb has made other binds */
    if (c->answer > 0) return my_fail(c, c->statement->handle) && my_finish(c);
    if (!c->mysql->mysql_stmt_field_count(c->statement->handle)) return my_end_rows(c);
    request_fail(c->request, ORMC_ERROR_DATABASE, "the statement gave rows more than once: only the first can be read");
    c->operation = MY_FREE;
    return true;
}

static bool my_fetched(MyConnection *c) {
    OrmcRequest *request = c->request;
    if (c->answer == MYSQL_NO_DATA) {
        if (c->mysql->mysql_stmt_more_results(c->statement->handle)) return my_end_rows(c);
        c->mysql->mysql_stmt_free_result(c->statement->handle); /* nothing is left to be read from the server */
        return my_finish(c);
    }
    if (c->answer && c->answer != MYSQL_DATA_TRUNCATED) {
        if (!my_fail(c, c->statement->handle)) return false;
        c->operation = MY_FREE;
        return true;
    }
    if (request->cancel_reason == ORMC_ERROR_NONE && !my_read_row(c)) {
        if (c->base.state == CONNECTION_CLOSING) return false;
        if (!c->discard) my_kill(c); /* the rest need not be sent */
        c->discard = true;
        c->operation = MY_FREE;
        return true;
    }
    if (request->paused) {
        my_watch(c, 0);
        return false;
    }
    if (++c->rows_this_turn < MY_ROWS_A_TURN) return true;
    socket_after(&c->socket, 0);
    return false;
}

static bool my_new_handle(MyConnection *c) {
    const OrmcPool *pool = c->base.pool;
    c->handle = c->mysql->mysql_init(NULL);
    if (!c->handle) return false;
    c->mysql->mysql_optionsv(c->handle, MYSQL_OPT_NONBLOCK, 0);
    my_set_options(c->mysql, c->handle, &pool->url, pool->options.connect_timeout_ms);
    return true;
}

/* Nobody answers at this address of the host: true if there is another to try. */
static bool my_next_address(MyConnection *c) {
    unsigned code = c->mysql->mysql_errno(c->handle);
    if (c->address + 1 >= c->addresses.count || (code != CR_CONN_HOST_ERROR && code != CR_CONNECTION_ERROR))
        return false;
    socket_watch(&c->socket, -1, 0);
    c->mysql->mysql_close(c->handle);
    c->address++;
    return my_new_handle(c);
}

/* True: the next address is to be tried. */
static bool my_connected(MyConnection *c) {
    if (!c->connected) {
        if (my_next_address(c)) return true;
        MYSQL *handle = c->handle;
        connection_lost(&c->base, handle ? c->mysql->mysql_sqlstate(handle) : "",
                        handle ? (int)c->mysql->mysql_errno(handle) : 0,
                        handle ? c->mysql->mysql_error(handle) : "out of memory");
        return false;
    }
    c->operation = MY_IDLE;
    if (my_watch(c, UV_READABLE)) connection_ready(&c->base);
    return false;
}

/* The operation has its answer. True: c->operation says what to start next. */
static bool my_complete(MyConnection *c) {
    switch (c->operation) {
    case MY_IDLE: return false;
    case MY_CONNECT: return my_connected(c);
    case MY_CLOSE_STATEMENT:
        c->closing->handle = NULL;
        my_statement_free(c->closing);
        c->closing = NULL;
        if (!c->request) {
            c->operation = MY_IDLE;
            my_watch(c, UV_READABLE);
            if (c->base.flight.first) c->base.wants_fetch = true, pool_wake(c->base.pool);
            return false;
        }
        c->operation = c->as_text ? MY_QUERY : MY_PREPARE;
        return true;
    case MY_PREPARE: return my_prepared(c);
    case MY_EXECUTE: return my_executed(c);
    case MY_FETCH: return my_fetched(c);
    case MY_FREE: return my_end_rows(c);
    case MY_NEXT: return my_next(c);
    case MY_QUERY:
        if (c->answer && !my_fail(c, NULL)) return false;
        if (!c->answer) c->request->result.affected = (int64_t)c->mysql->mysql_affected_rows(c->handle);
        if (c->answer || !c->mysql->mysql_field_count(c->handle)) return my_finish(c);
        c->operation = MY_STORE;
        return true;
    case MY_STORE:
        if (c->stored) {
            c->mysql->mysql_free_result(c->stored);
            request_fail(c->request, ORMC_ERROR_DATABASE,
                         "the rows of a statement that can't be prepared can't be read");
        }
        c->stored = NULL;
        return my_finish(c);
    }
    return false;
}

/* Runs what comes next until it has to wait. */
static void my_run(MyConnection *c) {
    while (c->base.state != CONNECTION_CLOSING) {
        c->status = my_start(c);
        if (c->status) {
            my_wait(c);
            return;
        }
        if (!my_complete(c)) return;
    }
}

static void my_advance(MyConnection *c) {
    if (my_complete(c)) my_run(c);
}

/* ---- events */

static void my_go_on(MyConnection *c, int ready) {
    c->status = my_continue(c, ready);
    if (c->status) my_wait(c);
    else my_advance(c);
}

static void my_on_ready(Connection *connection, int status, int events) {
    MyConnection *c = (MyConnection *)connection;
    if (c->operation == MY_IDLE) {
        connection_lost(connection, "08S01", CR_SERVER_GONE_ERROR, "the server closed the connection");
    } else if (c->status) {
        if (c->status & MYSQL_WAIT_TIMEOUT) socket_no_timer(&c->socket);
        c->rows_this_turn = 0;
        int ready = (events & UV_READABLE ? MYSQL_WAIT_READ : 0) | (events & UV_WRITABLE ? MYSQL_WAIT_WRITE : 0);
        my_go_on(c, status < 0 ? c->status & (MYSQL_WAIT_READ | MYSQL_WAIT_WRITE) : ready);
    } else {
        my_watch(c, 0); /* rows wait for their turn */
    }
}

static void my_on_found(Connection *connection, const Addresses *found, const char *why) {
    MyConnection *c = (MyConnection *)connection;
    c->addresses = *found;
    if (found->count) {
        my_run(c);
        return;
    }
    char message[256];
    snprintf(message, sizeof message, "the host '%s' is not known: %s", connection->pool->url.host, why);
    connection_lost(connection, "HY000", CR_UNKNOWN_HOST, message);
}

/* ---- connecting from another thread */

static void my_connect_work(uv_work_t *work) {
    MyConnection *c = work->data;
    for (int status = my_start(c), ready; status; status = my_continue(c, ready))
        if (!(ready = my_poll(c->mysql, c->handle, status, &c->abandoned))) return;
}

static void my_disconnect(MyConnection *c);

static void my_connect_done(uv_work_t *work, int status) {
    (void)status;
    MyConnection *c = work->data;
    OrmcPool *pool = c->base.pool;
    pool_enter(pool);
    c->is_aside = false;
    if (c->socket.closed) my_disconnect(c);
    else my_advance(c);
    socket_release(&c->socket);
    pool_leave(pool);
}

static void my_connect_first(MyConnection *c) {
    const Url *url = &c->base.pool->url;
    bool good = true;
    if (my_connects_aside(url)) {
        c->aside.data = c;
        c->is_aside = good = socket_work(&c->socket, &c->aside, my_connect_work, my_connect_done);
    } else if (my_looks_up(url)) {
        good = socket_look_up(&c->socket, url->host, my_on_found);
    } else {
        my_run(c);
    }
    if (!good) connection_lost(&c->base, "", 0, "out of memory");
}

static void my_on_time(Connection *connection) {
    MyConnection *c = (MyConnection *)connection;
    if (c->status & MYSQL_WAIT_TIMEOUT) {
        my_go_on(c, MYSQL_WAIT_TIMEOUT);
    } else if (my_is_cancelled(c)) {
        if (!c->killing) my_kill(c);
    } else if (c->operation == MY_CONNECT && !c->status) {
        my_connect_first(c);
    } else if (c->operation == MY_FETCH && !c->status) {
        c->rows_this_turn = 0;
        my_run(c);
    }
}

/* ---- the driver's table */

/* Transaction statements, DDL and settings go as text: not every server prepares them, and once is enough. */
static bool my_is_prepared(const OrmcRequest *request) {
    static const char *const plain[] = {"begin", "start",  "commit",   "rollback", "savepoint", "release", "set",
                                        "use",   "lock",   "unlock",   "create",   "alter",     "drop",    "rename",
                                        "grant", "revoke", "truncate", "flush",    "kill",      "load",    NULL};
    if (request->param_count || request->prepare_only) return true;
    return *sql_first_word(request->sql) && !sql_begins_with(request->sql, plain);
}

/* A new prepared statement in the cache; an evicted one is closed first. False: no memory. */
static bool my_add_statement(MyConnection *c, OrmcRequest *request) {
    c->text = my_prepared_text(&request->result.store, request->sql, request->sql_length);
    MyStatement *statement = c->text ? calloc(1, sizeof *statement) : NULL;
    if (statement) statement->handle = c->mysql->mysql_stmt_init(c->handle);
    if (!statement || !statement->handle) {
        free(statement);
        return false;
    }
    c->closing = cache_make_room(&c->cache);
    if (!cache_insert(&c->cache, request->sql, request->sql_length, request->sql_hash, statement)) {
        c->mysql->mysql_stmt_close(statement->handle);
        statement->handle = NULL;
        my_statement_free(statement);
        return false;
    }
    c->statement = statement;
    return true;
}

static void my_begin(MyConnection *c, OrmcRequest *request) {
    c->request = request;
    c->rows_this_turn = 0;
    c->as_text = false;
    bool ready = true;
    if (!my_is_prepared(request)) {
        c->operation = MY_QUERY;
    } else if ((c->statement = cache_find(&c->cache, request->sql, request->sql_length, request->sql_hash))) {
        count_up(&c->base.pool->counters.cache_hits);
        if (request->prepare_only) my_columns(c), ready = my_finish(c);
        else ready = my_execute(c);
    } else if (my_add_statement(c, request)) {
        c->operation = c->closing ? MY_CLOSE_STATEMENT : MY_PREPARE;
    } else {
        request_out_of_memory(request);
        ready = my_finish(c);
    }
    if (ready) my_run(c);
}

static void my_send(Connection *connection, OrmcRequest *request) {
    (void)connection; /* begun by fetch */
    (void)request;
}

static void my_fetch(Connection *connection) {
    MyConnection *c = (MyConnection *)connection;
    if (c->request) {
        if (c->operation == MY_FETCH && !c->status && !c->request->paused) my_run(c);
        return;
    }
    if (c->operation == MY_IDLE && !c->killing && connection->flight.first) my_begin(c, connection->flight.first);
}

static bool my_connect(Connection *connection) {
    MyConnection *c = (MyConnection *)connection;
    OrmcPool *pool = connection->pool;
    c->mysql = pool->library;
    if (!my_new_handle(c)) return false;
    if (!cache_init(&c->cache, pool->options.statement_cache)) {
        c->mysql->mysql_close(c->handle);
        return false;
    }
    socket_open(&c->socket, connection, my_on_ready, my_on_time);
    c->operation = MY_CONNECT;
    socket_after(&c->socket, 0); /* begun from the loop, where it may also fail */
    return true;
}

/* Closing the connection first makes closing its statements a matter of memory alone. */
static void my_disconnect(MyConnection *c) {
    const Mysql *mysql = c->mysql;
    int socket = c->operation == MY_IDLE || !c->handle ? -1 : (int)mysql->mysql_get_socket(c->handle);
    if (socket >= 0) shutdown(socket, SHUT_RDWR); /* in the middle of something: saying goodbye must not wait */
    if (c->handle) mysql->mysql_close(c->handle);
    c->handle = NULL;
    for (MyStatement *statement; (statement = c->closing ? c->closing : cache_take_any(&c->cache));) {
        c->closing = NULL;
        mysql->mysql_stmt_close(statement->handle);
        my_statement_free(statement);
    }
    cache_destroy(&c->cache);
}

static void my_close(Connection *connection) {
    MyConnection *c = (MyConnection *)connection;
    if (c->socket.closed) return;
    socket_close(&c->socket);
    c->request = NULL;
    c->statement = NULL;
    atomic_store(&c->abandoned, true);
    if (!c->is_aside) my_disconnect(c);
}

/* An unknown user or database, a wrong password: another try gives the same. */
static bool my_connect_is_final(const char *state, int code) {
    (void)state;
    return code == 1044 || code == 1045 || code == 1049 || code == 1698;
}

const Driver *mysql_driver_load(OrmcPool *pool, char *message, size_t capacity) {
    static const Driver driver = {.name = "mysql",
                                  .pipeline = 1,
                                  .droppable = true,
                                  .connection_size = sizeof(MyConnection),
                                  .connect = my_connect,
                                  .send = my_send,
                                  .fetch = my_fetch,
                                  .cancel = my_cancel,
                                  .close = my_close,
                                  .accepts = my_accepts,
                                  .begin = "BEGIN",
                                  .rollback = "ROLLBACK",
                                  .ping = "SELECT 1",
                                  .connect_is_final = my_connect_is_final};
    static const char *const names[] = {MYSQL_FUNCTIONS(LIBRARY_NAME)};
    static const char *const sonames[] = {"libmariadb.so.3", NULL};
    if (!my_port_is_good(&pool->url)) {
        snprintf(message, capacity, "\"%s\" is no port", pool->url.port);
        pool->load_error = ORMC_ERROR_URL;
        return NULL;
    }
    pool->library = store_allocate(&pool->store, sizeof(Mysql));
    if (!pool->library) return NULL;
    return library_load(pool->library, names, sizeof names / sizeof *names, sonames, message, capacity) ? &driver
                                                                                                        : NULL;
}
