/* The executor on each database: order, streaming, cancelling, deadlines, transactions, limits, fairness. */
#include <sys/resource.h>

#include "tests/unit/executor_helpers.h"

/* ---- order and completeness */

typedef struct Numbered {
    size_t number, *answered;
    size_t *expected; /* next in order; NULL where several connections answer */
} Numbered;

static void on_numbered(void *user, OrmcResult *result) {
    Numbered *numbered = user;
    assert_int_equal(ormc_result_error(result), ORMC_ERROR_NONE);
    assert_int_equal(ormc_result_row_count(result), 1);
    assert_int_equal(ormc_result_row(result, 0)[0].integer, numbered->number);
    if (numbered->expected) assert_int_equal((*numbered->expected)++, numbered->number);
    ++*numbered->answered;
}

static void many_in_flight(unsigned connections, bool read_only) {
    enum { COUNT = 10000 };
    TestPool test;
    OrmcPoolOptions options = {.size = sizeof options, .min_connections = connections, .max_connections = connections};
    test_open(&test, database.url, &options);
    Numbered *numbered = calloc(COUNT, sizeof *numbered);
    size_t answered = 0, expected = 0;
    char sql[64];
    snprintf(sql, sizeof sql, "SELECT %s + 0 AS n", database.placeholder);
    for (size_t i = 0; i < COUNT; i++) {
        numbered[i] = (Numbered){.number = i, .answered = &answered, .expected = connections == 1 ? &expected : NULL};
        OrmcValue param = {.type = ORMC_TYPE_INTEGER, .integer = (int64_t)i};
        OrmcCommand command = {.size = sizeof command,
                               .sql = sql,
                               .params = &param,
                               .param_count = 1,
                               .column_types = &(OrmcType){ORMC_TYPE_INTEGER},
                               .column_type_count = 1,
                               .read_only = read_only,
                               .on_done = on_numbered,
                               .user = &numbered[i]};
        assert_non_null(ormc_pool_execute(test.pool, &command));
    }
    assert_int_equal(answered, 0);
    while (answered < COUNT) assert_true(ormc_loop_run_once(test.loop));
    OrmcPoolCounters counters;
    ormc_pool_counters(test.pool, &counters);
    assert_int_equal(counters.submitted, COUNT);
    assert_int_equal(counters.succeeded, COUNT);
    assert_true(counters.prepared <= connections && counters.open <= connections);
    test_close(&test);
    free(numbered);
}

static void test_ten_thousand_in_order(void **state) {
    (void)state;
    many_in_flight(1, false);
}

static void test_ten_thousand_on_eight_connections(void **state) {
    (void)state;
    many_in_flight(8, false);
    many_in_flight(8, true);
}

/* A failure among statements that share a group is its own: the others are run all the same. */
static void on_mixed(void *user, OrmcResult *result) {
    int *counts = user;
    counts[ormc_result_error(result) == ORMC_ERROR_NONE ? 0 : 1]++;
}

static void test_failures_are_their_own(void **state) {
    (void)state;
    TestPool test;
    test_open(&test, database.url, NULL);
    int counts[2] = {0, 0};
    for (int i = 0; i < 300; i++) {
        OrmcCommand command = {.size = sizeof command,
                               .sql = i % 7 == 3 ? "SELECT no_such_column" : "SELECT 1",
                               .read_only = i % 50 < 40,
                               .on_done = on_mixed,
                               .user = counts};
        assert_non_null(ormc_pool_execute(test.pool, &command));
    }
    while (counts[0] + counts[1] < 300) assert_true(ormc_loop_run_once(test.loop));
    assert_int_equal(counts[1], 43);
    test_close(&test);
}

/* A constraint that is checked at the end of the transaction: the statement is its own transaction here, and what
 * follows runs. */
static void test_deferred_constraint(void **state) {
    (void)state;
    if (strcmp(database.name, "postgresql") != 0) return;
    TestPool test;
    OrmcPoolOptions options = {.size = sizeof options, .max_connections = 1};
    test_open(&test, database.url, &options);
    test_must(&test, "CREATE TEMPORARY TABLE owner (id integer PRIMARY KEY)");
    test_must(&test, "CREATE TEMPORARY TABLE pet (owner integer REFERENCES owner DEFERRABLE INITIALLY DEFERRED)");
    for (int i = 0; i < 3; i++) {
        const OrmcResult *result = test_execute(&test, "INSERT INTO pet VALUES (7)");
        assert_int_equal(ormc_result_error(result), ORMC_ERROR_DATABASE);
        test_must(&test, "INSERT INTO pet VALUES (NULL)");
    }
    test_close(&test);
}

/* The refusal comes where the rows would. */
static void test_refused_with_rows(void **state) {
    (void)state;
    TestPool test;
    OrmcPoolOptions options = {.size = sizeof options, .max_connections = 1};
    test_open(&test, database.url, &options);
    test_must(&test, "CREATE TEMPORARY TABLE single (id integer PRIMARY KEY)");
    test_must(&test, "INSERT INTO single VALUES (7) RETURNING id");
    const OrmcResult *result = test_execute(&test, "INSERT INTO single VALUES (7) RETURNING id");
    assert_int_equal(ormc_result_error(result), ORMC_ERROR_DATABASE);
    assert_true(ormc_result_message(result)[0]);
    bool known = strncmp(ormc_result_state(result), "23", 2) == 0 || (ormc_result_native_code(result) & 0xff) == 19;
    assert_true(known);
    test_must(&test, "INSERT INTO single VALUES (8) RETURNING id");
    test_close(&test);
}

/* ---- streams */

typedef struct Stream {
    int64_t rows, sum;
    long resident, most;
    int64_t pause_at, stop_at;
    OrmcRequest *request;
    OrmcResult *done;
} Stream;

static OrmcFlow on_row(void *user, OrmcRequest *request, const OrmcResult *result, const OrmcValue *cells) {
    Stream *stream = user;
    assert_int_equal(ormc_result_column_count(result), 2);
    assert_true(request == stream->request);
    stream->rows++;
    stream->sum += cells[0].integer;
    if (stream->rows % 10000 == 0 && test_resident_kib() > stream->most) stream->most = test_resident_kib();
    if (stream->rows == stream->pause_at) return ORMC_FLOW_PAUSE;
    return stream->rows == stream->stop_at ? ORMC_FLOW_STOP : ORMC_FLOW_CONTINUE;
}

static void on_stream_done(void *user, OrmcResult *result) { ((Stream *)user)->done = ormc_result_keep(result); }

static void stream_start(TestPool *test, Stream *stream, long rows) {
    char sql[200];
    snprintf(sql, sizeof sql, database.series, rows);
    OrmcCommand command = {
        .size = sizeof command, .sql = sql, .on_row = on_row, .on_done = on_stream_done, .user = stream};
    stream->resident = test_resident_kib();
    stream->request = ormc_pool_execute(test->pool, &command);
    assert_non_null(stream->request);
}

static void test_stream_in_bounded_memory(void **state) {
    (void)state;
    const long rows = test_is_long() ? 10000000 : 200000;
    TestPool test;
    Stream stream = {0};
    test_open(&test, database.url, NULL);
    stream_start(&test, &stream, rows);
    test_wait(&test, &stream.done);
    assert_string_equal(ormc_result_message(stream.done), "");
    assert_int_equal(stream.rows, rows);
    assert_int_equal(stream.sum, (int64_t)rows * (rows + 1) / 2);
    assert_int_equal(ormc_result_row_count(stream.done), 0);
    assert_true(stream.most - stream.resident < 64 * 1024);
    ormc_result_free(stream.done);
    test_close(&test);
}

static void test_pause_and_resume(void **state) {
    (void)state;
    TestPool test;
    Stream stream = {.pause_at = 700};
    test_open(&test, database.url, NULL);
    stream_start(&test, &stream, 20000);
    while (stream.rows < 700) assert_true(ormc_loop_run_once(test.loop));
    assert_int_equal(test_number(&test, "SELECT 41 + 1"), 42); /* the loop lives, other connections work */
    assert_int_equal(stream.rows, 700);
    stream.pause_at = 701;
    ormc_request_resume(stream.request);
    while (stream.rows < 701) assert_true(ormc_loop_run_once(test.loop));
    ormc_request_resume(stream.request);
    test_wait(&test, &stream.done);
    assert_int_equal(stream.rows, 20000);
    assert_int_equal(ormc_result_error(stream.done), ORMC_ERROR_NONE);
    ormc_result_free(stream.done);
    test_close(&test);
}

static void test_stop_a_stream(void **state) {
    (void)state;
    TestPool test;
    Stream stream = {.stop_at = 5};
    OrmcPoolOptions options = {.size = sizeof options, .max_connections = 1};
    test_open(&test, database.url, &options);
    stream_start(&test, &stream, 10000000);
    uint64_t start = test_now_ms();
    test_wait(&test, &stream.done);
    assert_int_equal(stream.rows, 5);
    assert_int_equal(ormc_result_error(stream.done), ORMC_ERROR_CANCELLED);
    ormc_result_free(stream.done);
    assert_int_equal(test_number(&test, "SELECT 41 + 1"), 42);
    assert_true(test_within(start, 20000));
    test_close(&test);
}

static void test_cancel_a_paused_stream(void **state) {
    (void)state;
    TestPool test;
    Stream stream = {.pause_at = 3};
    test_open(&test, database.url, NULL);
    stream_start(&test, &stream, 100000);
    while (stream.rows < 3) assert_true(ormc_loop_run_once(test.loop));
    ormc_request_cancel(stream.request);
    test_wait(&test, &stream.done);
    assert_int_equal(stream.rows, 3);
    ormc_result_free(stream.done);
    test_close(&test);
}

/* ---- cancel and time */

static OrmcResult *sleep_for(TestPool *test, unsigned timeout_ms, bool cancel) {
    OrmcResult *result = NULL;
    OrmcCommand command = {
        .size = sizeof command, .sql = database.sleep, .timeout_ms = timeout_ms, .on_done = test_keep, .user = &result};
    OrmcRequest *request = ormc_pool_execute(test->pool, &command);
    test_must(test, "SELECT 1"); /* by now the long one runs, on another connection */
    if (cancel) ormc_request_cancel(request);
    return test_wait(test, &result);
}

static void test_cancel(void **state) {
    (void)state;
    TestPool test;
    OrmcPoolOptions options = {.size = sizeof options, .min_connections = 2, .max_connections = 2};
    test_open(&test, database.url, &options);
    test_must(&test, "SELECT 1");
    uint64_t start = test_now_ms();
    OrmcResult *result = sleep_for(&test, 0, true);
    assert_int_equal(ormc_result_error(result), ORMC_ERROR_CANCELLED); /* also where SLEEP() ends with 1 */
    ormc_result_free(result);
    assert_true(test_within(start, 5000));
    test_must(&test, "SELECT 1");
    OrmcPoolCounters counters;
    ormc_pool_counters(test.pool, &counters);
    assert_int_equal(counters.lost, 0);
    test_close(&test);
}

static void test_timeout(void **state) {
    (void)state;
    TestPool test;
    OrmcPoolOptions options = {.size = sizeof options, .min_connections = 2, .max_connections = 2};
    test_open(&test, database.url, &options);
    test_must(&test, "SELECT 1");
    uint64_t start = test_now_ms();
    OrmcResult *result = sleep_for(&test, 300, false);
    assert_true(test_now_ms() - start >= 290 && test_within(start, 5000));
    assert_int_equal(ormc_result_error(result), ORMC_ERROR_TIMEOUT);
    ormc_result_free(result);
    test_must(&test, "SELECT 1");
    test_close(&test);
}

static void keep_connection(void *user, OrmcConnection *connection, const OrmcResult *result) {
    assert_int_equal(ormc_result_error(result), ORMC_ERROR_NONE);
    *(OrmcConnection **)user = connection;
}

static void test_wait_timeout(void **state) {
    (void)state;
    TestPool test;
    OrmcPoolOptions options = {.size = sizeof options, .max_connections = 1, .wait_timeout_ms = 200};
    test_open(&test, database.url, &options);
    OrmcConnection *connection = NULL;
    assert_true(ormc_pool_acquire(test.pool, keep_connection, &connection));
    while (!connection) assert_true(ormc_loop_run_once(test.loop));
    const OrmcResult *result = test_execute(&test, "SELECT 1"); /* the only connection is taken */
    assert_int_equal(ormc_result_error(result), ORMC_ERROR_TIMEOUT);
    ormc_connection_release(connection);
    test_must(&test, "SELECT 1");
    test_close(&test);
}

static void test_interrupt(void **state) {
    (void)state;
    TestPool test;
    test_open(&test, database.url, NULL);
    OrmcResult *result = NULL;
    OrmcCommand command = {.size = sizeof command, .sql = database.sleep, .on_done = test_keep, .user = &result};
    ormc_pool_execute(test.pool, &command);
    test_must(&test, "SELECT 1");
    ormc_pool_interrupt(test.pool);
    test_wait(&test, &result);
    ormc_result_free(result);
    test_close(&test);
}

/* ---- connections of one's own */

static OrmcConnection *acquire(TestPool *test) {
    OrmcConnection *connection = NULL;
    assert_true(ormc_pool_acquire(test->pool, keep_connection, &connection));
    assert_null(connection);
    while (!connection) assert_true(ormc_loop_run_once(test->loop));
    return connection;
}

static OrmcError say(TestPool *test, OrmcConnection *connection, const char *sql) {
    OrmcResult *result = NULL;
    OrmcCommand command = {.size = sizeof command, .sql = sql, .on_done = test_keep, .user = &result};
    assert_non_null(ormc_connection_execute(connection, &command));
    OrmcError error = ormc_result_error(test_wait(test, &result));
    ormc_result_free(result);
    return error;
}

static void must_end(TestPool *test, OrmcRequest *request, OrmcResult **slot) {
    assert_non_null(request);
    assert_int_equal(ormc_result_error(test_wait(test, slot)), ORMC_ERROR_NONE);
    ormc_result_free(*slot);
    *slot = NULL;
}

static void test_transactions(void **state) {
    (void)state;
    TestPool test;
    test_open(&test, database.url, NULL);
    test_must(&test, "DROP TABLE IF EXISTS ormc_t");
    test_must(&test, "CREATE TABLE ormc_t (n INTEGER)");
    OrmcConnection *connection = acquire(&test);
    OrmcResult *slot = NULL;
    must_end(&test, ormc_connection_begin(connection, test_keep, &slot), &slot);
    assert_true(ormc_connection_in_transaction(connection));
    assert_int_equal(say(&test, connection, "INSERT INTO ormc_t VALUES (1)"), ORMC_ERROR_NONE);
    must_end(&test, ormc_connection_savepoint(connection, "s1", test_keep, &slot), &slot);
    assert_int_equal(say(&test, connection, "INSERT INTO ormc_t VALUES (2)"), ORMC_ERROR_NONE);
    must_end(&test, ormc_connection_rollback_to(connection, "s1", test_keep, &slot), &slot);
    must_end(&test, ormc_connection_release_savepoint(connection, "s1", test_keep, &slot), &slot);
    must_end(&test, ormc_connection_commit(connection, test_keep, &slot), &slot);
    assert_false(ormc_connection_in_transaction(connection));
    must_end(&test, ormc_connection_begin(connection, test_keep, &slot), &slot);
    assert_int_equal(say(&test, connection, "INSERT INTO ormc_t VALUES (3)"), ORMC_ERROR_NONE);
    ormc_connection_release(connection); /* rolls back */
    assert_int_equal(test_number(&test, "SELECT COUNT(*) FROM ormc_t"), 1);
    assert_int_equal(test_number(&test, "SELECT MAX(n) FROM ormc_t"), 1);
    connection = acquire(&test);
    assert_false(ormc_connection_in_transaction(connection));
    assert_int_not_equal(say(&test, connection, "SAVEPOINT"), ORMC_ERROR_NONE);
    ormc_connection_release(connection);
    test_must(&test, "DROP TABLE ormc_t");
    test_close(&test);
}

/* PostgreSQL can't find out the type of a parameter that stands in CONCAT() or before IS NULL: it is a text then, in a
 * transaction too, and nothing that was sent behind it comes before it. */
typedef struct Untyped {
    int answered, order[4];
    bool good[4];
} Untyped;

typedef struct UntypedOne {
    Untyped *all;
    int number;
} UntypedOne;

static void on_untyped(void *user, OrmcResult *result) {
    UntypedOne *one = user;
    one->all->good[one->number] = ormc_result_error(result) == ORMC_ERROR_NONE;
    one->all->order[one->all->answered++] = one->number;
}

static void untyped_in_order(TestPool *test, OrmcConnection *connection) {
    const OrmcValue x = {.type = ORMC_TYPE_TEXT, .text = "x", .length = 1};
    static const char *const postgresql[] = {"SELECT CONCAT('a', $1), $1 IS NULL", "SELECT CONCAT($1, 'b')",
                                             "EXPLAIN SELECT CONCAT('c', $1)", "SELECT CONCAT('d', $1)"};
    static const char *const others[] = {"SELECT 'a', ?", "SELECT ?, 'b'", "SELECT 'c', ?", "SELECT 'd', ?"};
    Untyped all = {0};
    UntypedOne ones[4];
    for (int i = 0; i < 4; i++) {
        ones[i] = (UntypedOne){&all, i};
        OrmcCommand command = {.size = sizeof command,
                               .sql = test_is("postgresql") ? postgresql[i] : others[i],
                               .params = &x,
                               .param_count = 1,
                               .prepare_only = i == 3,
                               .on_done = on_untyped,
                               .user = &ones[i]};
        assert_non_null(ormc_connection_execute(connection, &command));
    }
    while (all.answered < 4) assert_true(ormc_loop_run_once(test->loop));
    for (int i = 0; i < 4; i++) {
        assert_true(all.good[i]);
        assert_int_equal(all.order[i], i);
    }
}

static void test_untyped_parameters_in_a_transaction(void **state) {
    (void)state;
    TestPool test;
    test_open(&test, database.url, NULL);
    OrmcConnection *connection = acquire(&test);
    untyped_in_order(&test, connection);
    ormc_connection_release(connection);
    test_close(&test);
    test_open(&test, database.url, NULL);
    connection = acquire(&test);
    OrmcResult *slot = NULL;
    must_end(&test, ormc_connection_begin(connection, test_keep, &slot), &slot);
    assert_int_equal(say(&test, connection, "CREATE TEMPORARY TABLE ormc_u (n INTEGER)"), ORMC_ERROR_NONE);
    assert_int_equal(say(&test, connection, "INSERT INTO ormc_u VALUES (7)"), ORMC_ERROR_NONE);
    untyped_in_order(&test, connection);
    untyped_in_order(&test, connection);
    assert_true(ormc_connection_in_transaction(connection));
    assert_int_equal(say(&test, connection, "SELECT n FROM ormc_u"), ORMC_ERROR_NONE); /* nothing was rolled back */
    must_end(&test, ormc_connection_commit(connection, test_keep, &slot), &slot);
    assert_int_equal(say(&test, connection, "DROP TABLE ormc_u"), ORMC_ERROR_NONE);
    ormc_connection_release(connection);
    test_close(&test);
}

/* A stream of statements can't keep a transaction from its connection. */
typedef struct Busy {
    TestPool *test;
    bool stop;
    int running;
} Busy;

static void on_busy(void *user, OrmcResult *result) {
    (void)result;
    Busy *busy = user;
    busy->running--;
    if (busy->stop) return;
    OrmcCommand command = {.size = sizeof command, .sql = "SELECT 1", .on_done = on_busy, .user = user};
    busy->running++;
    ormc_pool_execute(busy->test->pool, &command);
}

static void test_acquire_is_fair(void **state) {
    (void)state;
    TestPool test;
    OrmcPoolOptions options = {.size = sizeof options, .max_connections = 2};
    test_open(&test, database.url, &options);
    Busy busy = {.test = &test, .running = 20};
    for (int i = 0; i < 20; i++) on_busy(&busy, NULL), busy.running++;
    busy.running = 20;
    for (int i = 0; i < 5; i++) {
        OrmcConnection *connection = acquire(&test);
        assert_int_equal(say(&test, connection, "SELECT 1"), ORMC_ERROR_NONE);
        ormc_connection_release(connection);
    }
    busy.stop = true;
    while (busy.running) assert_true(ormc_loop_run_once(test.loop));
    test_close(&test);
}

/* ---- refusals and limits */

static void test_refused_before_sending(void **state) {
    (void)state;
    TestPool test;
    test_open(&test, database.url, NULL);
    const OrmcValue bad[] = {{.type = ORMC_TYPE_DATE, .text = "yesterday", .length = 9},
                             {.type = ORMC_TYPE_DECIMAL, .text = "1.2.3", .length = 5},
                             {.type = ORMC_TYPE_UUID, .text = "12", .length = 2},
                             {.type = ORMC_TYPE_TEXT, .text = "\xff", .length = 1},
                             {.type = ORMC_TYPE_TIME, .text = "25 o'clock", .length = 10},
                             {.type = (OrmcType)99}};
    char sql[64];
    snprintf(sql, sizeof sql, "SELECT %s", database.placeholder);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        const OrmcResult *result = test_execute_with(&test, sql, &bad[i], 1);
        assert_int_equal(ormc_result_error(result), ORMC_ERROR_VALUE);
    }
    OrmcValue nul = {.type = ORMC_TYPE_TEXT, .text = "a\0b", .length = 3};
    const OrmcResult *result = test_execute_with(&test, sql, &nul, 1);
    assert_int_equal(ormc_result_error(result), test_is("postgresql") ? ORMC_ERROR_VALUE : ORMC_ERROR_NONE);
    OrmcValue two[] = {{.type = ORMC_TYPE_INTEGER, .integer = 1}, {.type = ORMC_TYPE_INTEGER, .integer = 2}};
    if (!test_is("postgresql")) /* which takes parameters that the text doesn't use */
        assert_int_not_equal(ormc_result_error(test_execute_with(&test, sql, two, 2)), ORMC_ERROR_NONE);
    assert_int_not_equal(ormc_result_error(test_execute(&test, "SELECT 1; SELECT 2")), ORMC_ERROR_NONE);
    assert_int_not_equal(ormc_result_error(test_execute(&test, "not a statement")), ORMC_ERROR_NONE);
    test_must(&test, "SELECT 1");
    test_close(&test);
}

static void test_limits(void **state) {
    (void)state;
    TestPool test;
    OrmcPoolOptions options = {
        .size = sizeof options, .max_queue = 10, .max_result_bytes = 100000, .statement_cache = 4};
    test_open(&test, database.url, &options);
    int counts[2] = {0, 0};
    for (int i = 0; i < 15; i++) {
        OrmcCommand command = {.size = sizeof command, .sql = "SELECT 1", .on_done = on_mixed, .user = counts};
        ormc_pool_execute(test.pool, &command);
    }
    while (counts[0] + counts[1] < 15) assert_true(ormc_loop_run_once(test.loop));
    assert_int_equal(counts[1], 5);
    char sql[200];
    snprintf(sql, sizeof sql, database.series, 100000L);
    assert_int_equal(ormc_result_error(test_execute(&test, sql)), ORMC_ERROR_LIMIT);
    for (int i = 0; i < 20; i++) { /* more different texts than the cache holds */
        snprintf(sql, sizeof sql, "SELECT %d", i);
        assert_int_equal(test_number(&test, sql), i);
    }
    test_close(&test);
}

/* The limit holds while the result comes, not once all of it is there. */
static long most_resident_kib(void) {
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return test_is_slow() ? 0 : usage.ru_maxrss;
}

static void test_collecting_is_bounded(void **state) {
    (void)state;
    TestPool test;
    OrmcPoolOptions options = {.size = sizeof options, .max_result_bytes = 1000000};
    test_open(&test, database.url, &options);
    test_must(&test, "SELECT 1");
    long before = most_resident_kib();
    char sql[200];
    snprintf(sql, sizeof sql, database.series, 1000000L);
    assert_int_equal(ormc_result_error(test_execute(&test, sql)), ORMC_ERROR_LIMIT);
    assert_true(most_resident_kib() - before < 48 * 1024);
    test_must(&test, "SELECT 1");
    test_close(&test);
}

/* The rows of the numbers 1 to `count`, with a statement that was answered before. */
static OrmcResult *test_count_to(TestPool *test, const char *sql, int64_t count) {
    OrmcResult *result = NULL;
    OrmcValue param = {.type = ORMC_TYPE_INTEGER, .integer = count};
    OrmcCommand command = {.size = sizeof command,
                           .sql = sql,
                           .params = &param,
                           .param_count = 1,
                           .read_only = true,
                           .on_done = test_keep,
                           .user = &result};
    ormc_pool_execute(test->pool, &command);
    test_wait(test, &result);
    return result;
}

/* A result that was small each time before is read as a whole: when it no longer is, it is bounded as any other. */
static void test_small_results_that_grow(void **state) {
    (void)state;
    char sql[200];
    snprintf(sql, sizeof sql, "WITH RECURSIVE s(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s WHERE n < %s) SELECT %s",
             database.placeholder, "n, 'some text that takes a little room' AS t FROM s");
    for (int limited = 0; limited < 2; limited++) {
        TestPool test;
        OrmcPoolOptions options = {.size = sizeof options, .max_connections = 1};
        if (limited) options.max_result_bytes = 1000000;
        test_open(&test, database.url, &options);
        long before = most_resident_kib();
        int64_t many = limited ? 1000000 : 100000; /* MariaDB ends a recursion after 1000 steps */
        for (int64_t i = 0; i < 12; i++) {
            int64_t wanted = i == 5 || i == 9 ? many : i % 3 + 1;
            OrmcResult *result = test_count_to(&test, sql, wanted);
            if (limited && wanted > 3 && ormc_result_row_count(result) != 1001) {
                assert_int_equal(ormc_result_error(result), ORMC_ERROR_LIMIT);
            } else {
                assert_int_equal(ormc_result_error(result), ORMC_ERROR_NONE);
                size_t count = ormc_result_row_count(result);
                assert_true(count == (size_t)wanted || count == 1001);
                assert_int_equal(ormc_result_row(result, count - 1)[0].integer, (int64_t)count);
            }
            ormc_result_free(result);
        }
        if (limited) assert_true(most_resident_kib() - before < 48 * 1024);
        OrmcPoolCounters counters;
        ormc_pool_counters(test.pool, &counters);
        assert_int_equal(counters.lost, 0);
        test_close(&test);
    }
}

static void test_prepared_and_described(void **state) {
    (void)state;
    TestPool test;
    test_open(&test, database.url, NULL);
    char sql[64];
    snprintf(sql, sizeof sql, "SELECT %s + 1 AS n", database.placeholder);
    OrmcPrepared *prepared = ormc_pool_prepare(test.pool, sql);
    for (int i = 0; i < 3; i++) {
        OrmcResult *result = NULL;
        OrmcValue param = {.type = ORMC_TYPE_INTEGER, .integer = i};
        OrmcCommand command = {.size = sizeof command,
                               .prepared = prepared,
                               .params = &param,
                               .param_count = 1,
                               .on_done = test_keep,
                               .user = &result};
        ormc_pool_execute(test.pool, &command);
        test_wait(&test, &result);
        assert_int_equal(ormc_result_row(result, 0)[0].integer, i + 1);
        ormc_result_free(result);
    }
    ormc_prepared_free(prepared);
    OrmcResult *result = NULL;
    OrmcCommand command = {.size = sizeof command,
                           .sql = "SELECT 1 AS a, 'x' AS b",
                           .prepare_only = true,
                           .on_done = test_keep,
                           .user = &result};
    ormc_pool_execute(test.pool, &command);
    test_wait(&test, &result);
    assert_int_equal(ormc_result_column_count(result), 2);
    assert_string_equal(ormc_result_column_name(result, 1), "b");
    assert_int_equal(ormc_result_row_count(result), 0);
    ormc_result_free(result);
    test_close(&test);
}

/* A name that can't be one is refused here: sent, it would end PostgreSQL's transaction. */
static void test_names_of_savepoints(void **state) {
    (void)state;
    static const char *const bad[] = {"", "a b", "1a", "a; DROP TABLE x", "a\"b", "\xC3\xA9"};
    TestPool test;
    test_open(&test, database.url, NULL);
    OrmcConnection *connection = acquire(&test);
    OrmcResult *slot = NULL;
    must_end(&test, ormc_connection_begin(connection, test_keep, &slot), &slot);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_non_null(ormc_connection_savepoint(connection, bad[i], test_keep, &slot));
        assert_int_equal(ormc_result_error(test_wait(&test, &slot)), ORMC_ERROR_VALUE);
        ormc_result_free(slot);
        slot = NULL;
    }
    assert_int_equal(say(&test, connection, "SELECT 1"), ORMC_ERROR_NONE);
    assert_true(ormc_connection_in_transaction(connection));
    ormc_connection_release(connection);
    test_close(&test);
}

/* PostgreSQL answers COMMIT with a rollback then, and no complaint. */
static void test_commit_of_what_has_failed(void **state) {
    (void)state;
    TestPool test;
    test_open(&test, database.url, NULL);
    OrmcConnection *connection = acquire(&test);
    OrmcResult *slot = NULL;
    must_end(&test, ormc_connection_begin(connection, test_keep, &slot), &slot);
    assert_int_equal(say(&test, connection, "SELECT no_such_column"), ORMC_ERROR_DATABASE);
    assert_non_null(ormc_connection_commit(connection, test_keep, &slot));
    test_wait(&test, &slot);
    assert_int_equal(ormc_result_error(slot), test_is("postgresql") ? ORMC_ERROR_DATABASE : ORMC_ERROR_NONE);
    assert_string_equal(ormc_result_state(slot), test_is("postgresql") ? "25P02" : "");
    ormc_result_free(slot);
    assert_false(ormc_connection_in_transaction(connection));
    ormc_connection_release(connection);
    test_close(&test);
}

/* A program that ends can bring its transactions to their end. */
static void test_leases_work_while_the_pool_closes(void **state) {
    (void)state;
    TestPool test;
    test_open(&test, database.url, NULL);
    test_must(&test, "DROP TABLE IF EXISTS ormc_t");
    test_must(&test, "CREATE TABLE ormc_t (n INTEGER)");
    OrmcConnection *connection = acquire(&test);
    OrmcResult *slot = NULL;
    must_end(&test, ormc_connection_begin(connection, test_keep, &slot), &slot);
    ormc_pool_close(test.pool, test_on_closed, &test);
    OrmcCommand command = {.size = sizeof command, .sql = "SELECT 1", .on_done = test_keep, .user = &slot};
    assert_non_null(ormc_pool_execute(test.pool, &command));
    assert_int_equal(ormc_result_error(test_wait(&test, &slot)), ORMC_ERROR_CLOSED);
    ormc_result_free(slot);
    slot = NULL;
    assert_int_equal(say(&test, connection, "INSERT INTO ormc_t VALUES (1)"), ORMC_ERROR_NONE);
    must_end(&test, ormc_connection_commit(connection, test_keep, &slot), &slot);
    assert_false(test.closed);
    ormc_connection_release(connection);
    ormc_result_free(test.result);
    ormc_loop_run(test.loop);
    assert_true(test.closed);
    assert_true(ormc_loop_destroy(test.loop));
    test_open(&test, database.url, NULL);
    assert_int_equal(test_number(&test, "SELECT COUNT(*) FROM ormc_t"), 1);
    test_must(&test, "DROP TABLE ormc_t");
    test_close(&test);
}

static void release_at_once(void *user, OrmcConnection *connection, const OrmcResult *result) {
    int *counts = user;
    counts[ormc_result_error(result) == ORMC_ERROR_NONE ? 0 : 1]++;
    if (connection) ormc_connection_release(connection);
}

/* Who waits for a connection counts against the limit too; and that many wait does not make each wait longer. */
static void test_many_want_connections(void **state) {
    (void)state;
    enum { LIMIT = 30000, ASKED = LIMIT + 5 };
    TestPool test;
    OrmcPoolOptions options = {.size = sizeof options, .max_connections = 2, .max_queue = LIMIT};
    options.wait_timeout_ms = 600000;
    test_open(&test, database.url, &options);
    int counts[2] = {0, 0};
    uint64_t start = test_now_ms();
    for (int i = 0; i < ASKED; i++) assert_true(ormc_pool_acquire(test.pool, release_at_once, counts));
    while (counts[0] + counts[1] < ASKED) assert_true(ormc_loop_run_once(test.loop));
    assert_int_equal(counts[1], ASKED - LIMIT);
    assert_true(test_within(start, 10000));
    test_must(&test, "SELECT 1");
    test_close(&test);
}

/* Whatever stands before the first word, and whatever the word is: rows are not lost. */
static void test_rows_of_any_statement(void **state) {
    (void)state;
    TestPool test;
    test_open(&test, database.url, NULL);
    assert_int_equal(test_number(&test, "/* one */ -- two\n SELECT 4"), 4);
    if (!test_is("sqlite")) assert_int_equal(test_number(&test, "( /* three */ SELECT 4)"), 4);
    test_must(&test, "-- nothing at all");
    if (test_is("mariadb")) {
        OrmcConnection *connection = acquire(&test);
        test_must(&test, "CHECKSUM TABLE no_such_table");
        assert_int_equal(ormc_result_row_count(test.result), 1);
        test_must(&test, "DROP PROCEDURE IF EXISTS ormc_one");
        test_must(&test, "DROP PROCEDURE IF EXISTS ormc_two");
        test_must(&test, "CREATE PROCEDURE ormc_one() BEGIN SELECT 5; END");
        test_must(&test, "CREATE PROCEDURE ormc_two() BEGIN SELECT 5; SELECT 6; END");
        for (int i = 0; i < 3; i++) {
            assert_int_equal(test_number(&test, "CALL ormc_one()"), 5);
            assert_int_equal(ormc_result_error(test_execute(&test, "CALL ormc_two()")), ORMC_ERROR_DATABASE);
            assert_int_equal(test_number(&test, "SELECT 7"), 7);
        }
        const OrmcResult *result = test_execute(&test, "EXECUTE IMMEDIATE 'SELECT 8'"); /* can't be prepared */
        assert_int_equal(ormc_result_error(result), ORMC_ERROR_DATABASE);
        test_must(&test, "DROP PROCEDURE ormc_one");
        test_must(&test, "DROP PROCEDURE ormc_two");
        OrmcPoolCounters counters;
        ormc_pool_counters(test.pool, &counters);
        assert_int_equal(counters.lost, 0);
        ormc_connection_release(connection);
    }
    test_close(&test);
}

/* Of the statement itself, never of one before it. */
static void test_inserted_ids(void **state) {
    (void)state;
    TestPool test;
    OrmcPoolOptions options = {.size = sizeof options, .max_connections = 1, .statement_cache = UINT32_MAX};
    test_open(&test, database.url, &options);
    bool gives = !test_is("postgresql");
    test_must(&test, "DROP TABLE IF EXISTS ormc_t");
    test_must(&test, test_is("sqlite") ? "CREATE TABLE ormc_t (id INTEGER PRIMARY KEY, n INTEGER)"
                     : test_is("postgresql")
                         ? "CREATE TABLE ormc_t (id serial PRIMARY KEY, n INTEGER)"
                         : "CREATE TABLE ormc_t (id INTEGER PRIMARY KEY AUTO_INCREMENT, n INTEGER)");
    for (int i = 1; i < 3; i++) {
        test_must(&test, "INSERT INTO ormc_t (n) VALUES (5)");
        assert_int_equal(ormc_result_inserted_id(test.result), gives ? i : 0);
    }
    static const char *const others[] = {"UPDATE ormc_t SET n = 6", "SELECT n FROM ormc_t",
                                         "DELETE FROM ormc_t WHERE id = 1"};
    for (size_t i = 0; i < 3; i++) {
        test_must(&test, others[i]);
        assert_int_equal(ormc_result_inserted_id(test.result), 0);
    }
    test_must(&test, "DROP TABLE ormc_t");
    test_close(&test);
}

/* Nobody asks for what LISTEN brings, so it is not kept. */
static void test_notifications_are_not_kept(void **state) {
    (void)state;
    if (!test_is("postgresql")) skip();
    TestPool test;
    OrmcPoolOptions options = {.size = sizeof options, .max_connections = 1};
    test_open(&test, database.url, &options);
    test_must(&test, "LISTEN ormc_channel");
    long before = most_resident_kib();
    for (int i = 0; i < 10; i++)
        test_must(&test, "DO $$ BEGIN FOR i IN 1..1000 LOOP PERFORM pg_notify('ormc_channel', i || repeat('y', 7900)); "
                         "END LOOP; END $$");
    assert_true(most_resident_kib() - before < 32 * 1024);
    test_must(&test, "UNLISTEN ormc_channel");
    test_close(&test);
}

/* Its own error, though it costs the connection. */
static void test_copy_is_refused(void **state) {
    (void)state;
    if (!test_is("postgresql")) skip();
    TestPool test;
    test_open(&test, database.url, NULL);
    assert_int_equal(ormc_result_error(test_execute(&test, "COPY pg_class TO STDOUT")), ORMC_ERROR_DATABASE);
    test_must(&test, "SELECT 1");
    test_close(&test);
}

/* ---- opening and closing */

static void test_close_with_work_left(void **state) {
    (void)state;
    TestPool test;
    test_open(&test, database.url, NULL);
    int counts[2] = {0, 0};
    for (int i = 0; i < 100; i++) {
        OrmcCommand command = {.size = sizeof command, .sql = "SELECT 1", .on_done = on_mixed, .user = counts};
        ormc_pool_execute(test.pool, &command);
        if (i == 50) ormc_loop_run_once(test.loop);
    }
    test_close(&test);
    assert_int_equal(counts[0] + counts[1], 100);
}

static void test_setup_statements(void **state) {
    (void)state;
    TestPool test;
    const char *good[] = {"SELECT 1", "SELECT 2", NULL}, *bad[] = {"SELECT 1", "nonsense", NULL};
    OrmcPoolOptions options = {.size = sizeof options, .setup = good};
    test_open(&test, database.url, &options);
    test_must(&test, "SELECT 1");
    test_close(&test);
    options.setup = bad;
    test_open(&test, database.url, &options);
    assert_int_equal(ormc_result_error(test_execute(&test, "SELECT 1")), ORMC_ERROR_CONNECT);
    test_close(&test);
}

static void test_blocking(void **state) {
    (void)state;
    OrmcDatabase *blocking = ormc_database_open(database.url, NULL);
    assert_int_equal(ormc_database_error(blocking), ORMC_ERROR_NONE);
    OrmcCommand command = {.size = sizeof command, .sql = "SELECT 7 AS seven"};
    OrmcResult *result = ormc_database_execute(blocking, &command);
    assert_int_equal(ormc_result_row(result, 0)[0].integer, 7);
    assert_string_equal(ormc_result_column_name(result, 0), "seven");
    ormc_result_free(result);
    command.sql = "BEGIN";
    ormc_result_free(ormc_database_execute(blocking, &command));
    assert_true(ormc_database_in_transaction(blocking));
    ormc_database_close(blocking);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_ten_thousand_in_order),
                                       cmocka_unit_test(test_ten_thousand_on_eight_connections),
                                       cmocka_unit_test(test_failures_are_their_own),
                                       cmocka_unit_test(test_deferred_constraint),
                                       cmocka_unit_test(test_refused_with_rows),
                                       cmocka_unit_test(test_stream_in_bounded_memory),
                                       cmocka_unit_test(test_pause_and_resume),
                                       cmocka_unit_test(test_stop_a_stream),
                                       cmocka_unit_test(test_cancel_a_paused_stream),
                                       cmocka_unit_test(test_cancel),
                                       cmocka_unit_test(test_timeout),
                                       cmocka_unit_test(test_wait_timeout),
                                       cmocka_unit_test(test_interrupt),
                                       cmocka_unit_test(test_transactions),
                                       cmocka_unit_test(test_untyped_parameters_in_a_transaction),
                                       cmocka_unit_test(test_acquire_is_fair),
                                       cmocka_unit_test(test_refused_before_sending),
                                       cmocka_unit_test(test_limits),
                                       cmocka_unit_test(test_collecting_is_bounded),
                                       cmocka_unit_test(test_small_results_that_grow),
                                       cmocka_unit_test(test_prepared_and_described),
                                       cmocka_unit_test(test_names_of_savepoints),
                                       cmocka_unit_test(test_commit_of_what_has_failed),
                                       cmocka_unit_test(test_leases_work_while_the_pool_closes),
                                       cmocka_unit_test(test_many_want_connections),
                                       cmocka_unit_test(test_rows_of_any_statement),
                                       cmocka_unit_test(test_inserted_ids),
                                       cmocka_unit_test(test_notifications_are_not_kept),
                                       cmocka_unit_test(test_copy_is_refused),
                                       cmocka_unit_test(test_close_with_work_left),
                                       cmocka_unit_test(test_setup_statements),
                                       cmocka_unit_test(test_blocking)};
    return test_run(tests, sizeof tests / sizeof *tests);
}
