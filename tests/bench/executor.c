/*
 * Point SELECTs a second through the executor, beside a loop written by hand on the same client library in the same
 * process; the ratio is printed for each database that the environment names (ORMC_TEST_POSTGRESQL, ORMC_TEST_MARIADB;
 * SQLite always). Build with CMAKE_BUILD_TYPE=Release.
 *
 *     executor [STATEMENTS]
 */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <libpq-fe.h>
#include <mysql.h>
#include <sqlite3.h>

#include "include/ormc.h"

enum { ROWS = 10000, WINDOW = 512, GROUP = 32, MARIADB_CONNECTIONS = 10, ROUNDS = 3 };

static long statements = 200000;

static double seconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void die(const char *what, const char *why) {
    fprintf(stderr, "%s: %s\n", what, why);
    exit(1);
}

/* ---- through the executor */

typedef struct Run {
    OrmcPool *pool;
    OrmcPrepared *prepared;
    long sent, done;
    int64_t sum;
    bool closed;
} Run;

static void run_send(Run *run);

static void on_done(void *user, OrmcResult *result) {
    Run *run = user;
    if (ormc_result_error(result) != ORMC_ERROR_NONE) die("executor", ormc_result_message(result));
    run->sum += ormc_result_row(result, 0)[2].integer;
    run->done++;
    run_send(run);
}

static void run_send(Run *run) {
    if (run->sent == statements) return;
    OrmcValue id = {.type = ORMC_TYPE_INTEGER, .integer = run->sent++ * 7919 % ROWS};
    OrmcCommand command = {.size = sizeof command,
                           .prepared = run->prepared,
                           .params = &id,
                           .param_count = 1,
                           .read_only = true,
                           .on_done = on_done,
                           .user = run};
    ormc_pool_execute(run->pool, &command);
}

static void on_closed(void *user) { ((Run *)user)->closed = true; }

static double with_executor(const char *url, const char *sql, unsigned connections, int64_t *sum) {
    OrmcLoop *loop = ormc_loop_create(NULL);
    OrmcPoolOptions options = {.size = sizeof options, .min_connections = connections, .max_connections = connections};
    Run run = {.pool = ormc_pool_open(loop, url, &options, NULL, NULL)};
    run.prepared = ormc_pool_prepare(run.pool, sql);
    OrmcPoolCounters counters = {0};
    while (counters.open < connections) {
        ormc_loop_run_once(loop);
        ormc_pool_counters(run.pool, &counters);
        if (counters.connect_failures) die(url, "no connection");
        if (counters.open < connections) run_send(&run);
    }
    double start = seconds();
    long before = run.done;
    for (int i = 0; i < WINDOW; i++) run_send(&run);
    while (run.done < statements) ormc_loop_run_once(loop);
    double rate = (double)(run.done - before) / (seconds() - start);
    *sum = run.sum;
    ormc_prepared_free(run.prepared);
    ormc_pool_close(run.pool, on_closed, &run);
    ormc_loop_run(loop);
    ormc_loop_destroy(loop);
    return rate;
}

/* ---- by hand: SQLite */

static double sqlite_by_hand(const char *path, const char *sql, int64_t *sum) {
    sqlite3 *db;
    sqlite3_stmt *statement;
    if (sqlite3_open(path, &db) != SQLITE_OK || sqlite3_prepare_v2(db, sql, -1, &statement, NULL) != SQLITE_OK)
        die(path, sqlite3_errmsg(db));
    double start = seconds();
    for (long i = 0; i < statements; i++) {
        sqlite3_bind_int64(statement, 1, i * 7919 % ROWS);
        char name[64];
        if (sqlite3_step(statement) != SQLITE_ROW) die(path, sqlite3_errmsg(db));
        snprintf(name, sizeof name, "%s", (const char *)sqlite3_column_text(statement, 1));
        *sum += sqlite3_column_int64(statement, 2);
        sqlite3_step(statement);
        sqlite3_reset(statement);
    }
    double rate = (double)statements / (seconds() - start);
    sqlite3_finalize(statement);
    sqlite3_close(db);
    return rate;
}

/* ---- by hand: PostgreSQL, a pipeline on one connection with a Sync after each group */

static void pg_wait(PGconn *conn) {
    while (PQisBusy(conn)) {
        struct pollfd wait = {.fd = PQsocket(conn), .events = POLLIN};
        int unsent = PQflush(conn);
        if (unsent > 0) wait.events |= POLLOUT;
        poll(&wait, 1, -1);
        if (wait.revents & POLLIN && !PQconsumeInput(conn)) die("libpq", PQerrorMessage(conn));
    }
}

static double pg_by_hand(const char *url, const char *sql, int64_t *sum, int group) {
    PGconn *conn = PQconnectdb(url);
    if (PQstatus(conn) != CONNECTION_OK) die(url, PQerrorMessage(conn));
    const Oid type = 23;
    PQclear(PQprepare(conn, "point", sql, 1, &type));
    PQsetnonblocking(conn, 1);
    PQenterPipelineMode(conn);
    long sent = 0, done = 0;
    double start = seconds();
    while (done < statements) {
        while (sent < statements && sent - done < WINDOW) {
            char id[16];
            snprintf(id, sizeof id, "%ld", sent++ * 7919 % ROWS);
            const char *values[] = {id};
            PQsendQueryPrepared(conn, "point", 1, values, NULL, NULL, 1);
            if (sent % group == 0 || sent == statements) PQpipelineSync(conn);
        }
        do {
            pg_wait(conn);
            PGresult *result = PQgetResult(conn);
            if (PQresultStatus(result) == PGRES_TUPLES_OK) {
                const unsigned char *bytes = (const unsigned char *)PQgetvalue(result, 0, 2);
                *sum += (int64_t)bytes[0] << 24 | bytes[1] << 16 | bytes[2] << 8 | bytes[3];
                done++;
            } else if (result && PQresultStatus(result) != PGRES_PIPELINE_SYNC) {
                die("libpq", PQresultErrorMessage(result));
            }
            PQclear(result);
        } while (done < sent && (sent == statements || sent - done > WINDOW - group));
    }
    double rate = (double)statements / (seconds() - start);
    PQfinish(conn);
    return rate;
}

/* ---- by hand: MariaDB, non-blocking prepared statements on several connections */

typedef struct Hand {
    MYSQL *handle;
    MYSQL_STMT *statement;
    MYSQL_BIND param, columns[3];
    long long id, number;
    int value, status, answer, step; /* step: 0 executes, 1 fetches, 2 fetches the end */
    char name[64];
    unsigned long name_length;
} Hand;

/* False: it waits. */
static bool hand_step(Hand *hand, long *sent, long *done, int64_t *sum) {
    if (hand->answer && hand->answer != MYSQL_NO_DATA) die("libmariadb", mysql_stmt_error(hand->statement));
    if (hand->step == 2) {
        *sum += hand->value;
        ++*done;
        mysql_stmt_free_result(hand->statement);
        if (*sent == statements) {
            hand->step = 3;
            return false;
        }
        hand->id = (*sent)++ * 7919 % ROWS;
        hand->step = 0;
        hand->status = mysql_stmt_execute_start(&hand->answer, hand->statement);
        return !hand->status;
    }
    hand->step++;
    hand->status = mysql_stmt_fetch_start(&hand->answer, hand->statement);
    return !hand->status;
}

static void hand_go_on(Hand *hand, long *sent, long *done, int64_t *sum) {
    hand->status = hand->step == 0 ? mysql_stmt_execute_cont(&hand->answer, hand->statement, MYSQL_WAIT_READ)
                                   : mysql_stmt_fetch_cont(&hand->answer, hand->statement, MYSQL_WAIT_READ);
    if (hand->status) return;
    while (hand_step(hand, sent, done, sum)) {
    }
}

static void hand_open(Hand *hand, const char *socket, const char *sql) {
    hand->handle = mysql_init(NULL);
    mysql_options(hand->handle, MYSQL_OPT_NONBLOCK, 0);
    if (!mysql_real_connect(hand->handle, NULL, "ormc", NULL, "ormc", 0, socket, 0))
        die(socket, mysql_error(hand->handle));
    hand->statement = mysql_stmt_init(hand->handle);
    mysql_stmt_prepare(hand->statement, sql, (unsigned long)strlen(sql));
    hand->param = (MYSQL_BIND){.buffer_type = MYSQL_TYPE_LONGLONG, .buffer = &hand->id};
    mysql_stmt_bind_param(hand->statement, &hand->param);
    hand->columns[0] = (MYSQL_BIND){.buffer_type = MYSQL_TYPE_LONGLONG, .buffer = &hand->number};
    hand->columns[1] = (MYSQL_BIND){
        .buffer_type = MYSQL_TYPE_STRING, .buffer = hand->name, .buffer_length = 64, .length = &hand->name_length};
    hand->columns[2] = (MYSQL_BIND){.buffer_type = MYSQL_TYPE_LONG, .buffer = &hand->value};
    mysql_stmt_bind_result(hand->statement, hand->columns);
}

static double mariadb_by_hand(const char *url, const char *sql, int64_t *sum) {
    const char *socket = strstr(url, "unix_socket=");
    if (!socket) return 0;
    Hand hands[MARIADB_CONNECTIONS];
    memset(hands, 0, sizeof hands);
    struct pollfd waits[MARIADB_CONNECTIONS];
    for (int i = 0; i < MARIADB_CONNECTIONS; i++) hand_open(&hands[i], socket + strlen("unix_socket="), sql);
    long sent = 0, done = 0;
    double start = seconds();
    for (int i = 0; i < MARIADB_CONNECTIONS; i++) {
        hands[i].id = sent++ * 7919 % ROWS;
        hands[i].status = mysql_stmt_execute_start(&hands[i].answer, hands[i].statement);
        while (!hands[i].status && hand_step(&hands[i], &sent, &done, sum)) {
        }
        waits[i] = (struct pollfd){.fd = (int)mysql_get_socket(hands[i].handle), .events = POLLIN};
    }
    while (done < statements) {
        poll(waits, MARIADB_CONNECTIONS, -1);
        for (int i = 0; i < MARIADB_CONNECTIONS; i++)
            if (waits[i].revents && hands[i].status) hand_go_on(&hands[i], &sent, &done, sum);
    }
    double rate = (double)statements / (seconds() - start);
    for (int i = 0; i < MARIADB_CONNECTIONS; i++) {
        mysql_stmt_close(hands[i].statement);
        mysql_close(hands[i].handle);
    }
    return rate;
}

/* ---- the table, and the report */

static void fill(const char *url, const char *numbers) {
    OrmcDatabase *database = ormc_database_open(url, NULL);
    if (ormc_database_error(database) != ORMC_ERROR_NONE) die(url, ormc_database_message(database));
    char insert[300];
    snprintf(insert, sizeof insert, "INSERT INTO ormc_bench SELECT n - 1, CONCAT('name ', n), (n * 3) %% 1000 FROM %s",
             numbers);
    const char *sql[] = {"DROP TABLE IF EXISTS ormc_bench",
                         "CREATE TABLE ormc_bench (id INTEGER PRIMARY KEY, name VARCHAR(40), value INTEGER)", insert};
    if (strncmp(url, "sqlite", 6) == 0)
        sql[2] = "WITH RECURSIVE s(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s WHERE n < 10000) "
                 "INSERT INTO ormc_bench SELECT n - 1, 'name ' || n, (n * 3) % 1000 FROM s";
    for (size_t i = 0; i < 3; i++) {
        OrmcCommand command = {.size = sizeof command, .sql = sql[i]};
        OrmcResult *result = ormc_database_execute(database, &command);
        if (ormc_result_error(result) != ORMC_ERROR_NONE) die(sql[i], ormc_result_message(result));
        ormc_result_free(result);
    }
    ormc_database_close(database);
}

/* Other work on the machine only ever makes a run slower: the best of three counts. */
static double best(double a, double b) { return a > b ? a : b; }

static void report(const char *name, double ours, double by_hand, int64_t our_sum, int64_t their_sum) {
    printf("%-34s %9.0f /s   by hand %9.0f /s   ratio %.2f%s\n", name, ours, by_hand, ours / by_hand,
           our_sum == their_sum ? "" : "   (the rows differ)");
    fflush(stdout);
}

int main(int count, char **arguments) {
    if (count > 1) statements = atol(arguments[1]);
    const char *question = "SELECT id, name, value FROM ormc_bench WHERE id = ?";
    const char *dollar = "SELECT id, name, value FROM ormc_bench WHERE id = $1";
    const char *path = "/tmp/ormc-bench.db", *url = "sqlite:////tmp/ormc-bench.db";
    int64_t sums[2] = {0, 0};
    double hand = 0, ours = 0, ours_on_two = 0;
    fill(url, "");
    for (int round = 0; round < ROUNDS; round++) {
        sums[1] = 0;
        hand = best(hand, sqlite_by_hand(path, question, &sums[1]));
        ours = best(ours, with_executor(url, question, 1, &sums[0]));
    }
    report("SQLite, 1 worker", ours, hand, sums[0], sums[1]);
    remove(path);
    if ((url = getenv("ORMC_TEST_POSTGRESQL"))) {
        fill(url, "generate_series(1, 10000) AS s(n)");
        hand = ours = 0;
        for (int round = 0; round < ROUNDS; round++) {
            sums[1] = 0;
            hand = best(hand, pg_by_hand(url, dollar, &sums[1], GROUP));
            ours = best(ours, with_executor(url, dollar, 1, &sums[0]));
            ours_on_two = best(ours_on_two, with_executor(url, dollar, 2, &sums[0]));
        }
        report("PostgreSQL, 1 connection", ours, hand, sums[0], sums[1]);
        report("PostgreSQL, 2 connections", ours_on_two, hand, sums[0], sums[1]);
    }
    if ((url = getenv("ORMC_TEST_MARIADB"))) {
        fill(url, "(SELECT seq AS n FROM seq_1_to_10000) AS s");
        hand = ours = 0;
        for (int round = 0; round < ROUNDS; round++) {
            sums[1] = 0;
            hand = best(hand, mariadb_by_hand(url, question, &sums[1]));
            ours = best(ours, with_executor(url, question, MARIADB_CONNECTIONS, &sums[0]));
        }
        report("MariaDB, 10 connections", ours, hand, sums[0], sums[1]);
    }
    return 0;
}
