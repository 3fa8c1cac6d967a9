/*
 * The executor when things go wrong: servers killed and restarted in the middle, servers that hang, no server at all,
 * forks, signals, and a loop of the caller's.
 */
#include <pthread.h>
#include <signal.h>
#include <sys/time.h>
#include <sys/wait.h>

#include "backends/executor/executor.h"
#include "tests/unit/executor_helpers.h"

/* ---- killed and restarted */

typedef struct Storm {
    OrmcPool *pool;
    const char *sql;
    size_t submitted, answered, rows, errors;
    size_t twice; /* answers to statements that had theirs */
    size_t wanted, in_flight;
} Storm;

typedef struct Drop {
    Storm *storm;
    bool answered;
} Drop;

static void storm_fill(Storm *storm);

static void on_drop(void *user, OrmcResult *result) {
    Drop *drop = user;
    Storm *storm = drop->storm;
    storm->twice += drop->answered;
    drop->answered = true;
    storm->answered++;
    storm->in_flight--;
    if (ormc_result_error(result) == ORMC_ERROR_NONE) {
        assert_int_equal(ormc_result_row_count(result), 1);
        storm->rows++;
    } else {
        assert_string_not_equal(ormc_result_message(result), "");
        storm->errors++;
    }
    free(drop);
    storm_fill(storm);
}

static void storm_fill(Storm *storm) {
    while (storm->submitted < storm->wanted && storm->in_flight < 200) {
        Drop *drop = calloc(1, sizeof *drop);
        drop->storm = storm;
        OrmcCommand command = {.size = sizeof command, .sql = storm->sql, .on_done = on_drop, .user = drop};
        storm->submitted++;
        storm->in_flight++;
        assert_non_null(ormc_pool_execute(storm->pool, &command));
    }
}

static void servers(const char *what) {
    char command[512];
    snprintf(command, sizeof command, "%s/tests/servers/servers.sh %s %s %s", ORMC_SOURCE_DIR, what, database.name,
             getenv("ORMC_TEST_SERVERS"));
    assert_int_equal(system(command), 0);
}

static void test_killed_and_restarted(void **state) {
    (void)state;
    if (test_is("sqlite") || !getenv("ORMC_TEST_SERVERS")) skip();
    const int times = test_is_long() ? 100 : 5;
    TestPool test;
    OrmcPoolOptions options = {
        .size = sizeof options, .min_connections = 4, .max_connections = 4, .wait_timeout_ms = 60000};
    test_open(&test, database.url, &options);
    test_must(&test, "SELECT 1");
    Storm storm = {.pool = test.pool, .sql = "SELECT 1"};
    for (int i = 0; i < times; i++) {
        storm.wanted = storm.submitted + 3000;
        storm_fill(&storm);
        size_t half = storm.answered + 1000;
        while (storm.answered < half) assert_true(ormc_loop_run_once(test.loop));
        servers("kill");
        servers("up");
        while (storm.answered < storm.submitted) assert_true(ormc_loop_run_once(test.loop));
        test_must(&test, "SELECT 1"); /* the pool has recovered */
    }
    assert_int_equal(storm.twice, 0);
    assert_int_equal(storm.rows + storm.errors, storm.submitted);
    assert_true(storm.errors >= 1);
    OrmcPoolCounters counters;
    ormc_pool_counters(test.pool, &counters);
    assert_true(counters.lost >= (uint64_t)times);
    test_close(&test);
}

/* A lease whose connection broke says so, and can be given back. */
static void keep_lease(void *user, OrmcConnection *connection, const OrmcResult *result) {
    (void)result;
    *(OrmcConnection **)user = connection;
}

static void test_lease_survives_its_connection(void **state) {
    (void)state;
    if (test_is("sqlite") || !getenv("ORMC_TEST_SERVERS")) skip();
    TestPool test;
    test_open(&test, database.url, NULL);
    OrmcConnection *connection = NULL;
    ormc_pool_acquire(test.pool, keep_lease, &connection);
    while (!connection) assert_true(ormc_loop_run_once(test.loop));
    OrmcResult *result = NULL;
    assert_non_null(ormc_connection_begin(connection, test_keep, &result));
    test_wait(&test, &result);
    ormc_result_free(result);
    servers("kill");
    servers("up");
    result = NULL;
    OrmcCommand command = {.size = sizeof command, .sql = "SELECT 1", .on_done = test_keep, .user = &result};
    assert_non_null(ormc_connection_execute(connection, &command));
    test_wait(&test, &result);
    if (ormc_result_error(result) != ORMC_ERROR_LOST)
        fail_msg("%s: %s", ormc_error_name(ormc_result_error(result)), ormc_result_message(result));
    ormc_result_free(result);
    assert_false(ormc_connection_in_transaction(connection));
    ormc_connection_release(connection);
    test_must(&test, "SELECT 1");
    test_close(&test);
}

/* ---- a server that hangs */

static void test_hung_server(void **state) {
    (void)state;
    if (!test_is("postgresql") || getuid() != 0) skip();
    TestPool test;
    OrmcPoolOptions options = {.size = sizeof options, .max_connections = 1, .statement_timeout_ms = 500};
    test_open(&test, database.url, &options);
    pid_t server = (pid_t)test_number(&test, "SELECT pg_backend_pid()");
    assert_int_equal(kill(server, SIGSTOP), 0);
    uint64_t start = test_now_ms();
    const OrmcResult *result = test_execute(&test, "SELECT 1");
    assert_int_equal(ormc_result_error(result), ORMC_ERROR_TIMEOUT);
    assert_true(test_within(start, 3000));
    kill(server, SIGCONT);
    test_must(&test, "SELECT 1"); /* on a new connection */
    test_close(&test);
}

/* ---- nobody there */

static void test_no_server(void **state) {
    (void)state;
    static const char *const urls[] = {"postgresql://ormc@/ormc?host=/nowhere",
                                       "mariadb://u@localhost/x?unix_socket=/nowhere",
                                       "sqlite:////nowhere/at/all.db",
                                       "oracle://x",
                                       "no url",
                                       "mariadb://u@localhost:33o6/x",
                                       "sqlite://slash.db",
                                       "sqlite:////etc/passwd"};
    for (size_t i = 0; i < sizeof urls / sizeof *urls; i++) {
        uint64_t start = test_now_ms();
        OrmcDatabase *blocking = ormc_database_open(urls[i], NULL);
        assert_int_not_equal(ormc_database_error(blocking), ORMC_ERROR_NONE);
        assert_string_not_equal(ormc_database_message(blocking), "");
        OrmcCommand command = {.size = sizeof command, .sql = "SELECT 1"};
        OrmcResult *result = ormc_database_execute(blocking, &command);
        assert_int_not_equal(ormc_result_error(result), ORMC_ERROR_NONE);
        ormc_result_free(result);
        ormc_database_close(blocking);
        assert_true(test_within(start, 3000));
    }
}

/* ---- fork, signals, another's loop */

/* ThreadSanitizer can't follow threads that a child of a program with threads starts. */
#if defined(__SANITIZE_THREAD__)
enum { CHILD_MAY_START_THREADS = 0 };
#else
enum { CHILD_MAY_START_THREADS = 1 };
#endif

/* In the child; true: nothing of the parent's can be used, and a database of its own can. */
static bool child_works(OrmcPool *pool, OrmcDatabase *blocking) {
    OrmcCommand command = {.size = sizeof command, .sql = "SELECT 1"};
    bool refused = !ormc_pool_execute(pool, &command);
    OrmcResult *result = ormc_database_execute(blocking, &command);
    refused = refused && ormc_result_error(result) == ORMC_ERROR_FORKED;
    ormc_result_free(result);
    ormc_database_close(blocking); /* the parent's session must not end by it */
    if (!CHILD_MAY_START_THREADS) return refused;
    OrmcDatabase *own = ormc_database_open(database.url, NULL);
    result = ormc_database_execute(own, &command);
    bool works = result && ormc_result_error(result) == ORMC_ERROR_NONE;
    ormc_result_free(result);
    ormc_database_close(own);
    return refused && works;
}

static void test_fork(void **state) {
    (void)state;
    TestPool test;
    test_open(&test, database.url, NULL);
    test_must(&test, "SELECT 1");
    OrmcDatabase *blocking = ormc_database_open(database.url, NULL);
    OrmcCommand command = {.size = sizeof command, .sql = "SELECT 1"};
    pid_t child = fork();
    if (child == 0) {
        const char *end = child_works(test.pool, blocking) ? "true" : "false";
        execlp(end, end, (char *)NULL); /* a tool that looks for leaks has no business in here */
        _exit(2);
    }
    int status = 1;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    test_must(&test, "SELECT 1"); /* the parent's goes on */
    OrmcResult *result = ormc_database_execute(blocking, &command);
    assert_int_equal(ormc_result_error(result), ORMC_ERROR_NONE);
    ormc_result_free(result);
    ormc_database_close(blocking);
    test_close(&test);
}

static volatile sig_atomic_t alarms, strays; /* strays: on a thread that is not the program's own */
static const pthread_t *program_thread;
static void on_alarm(int number) {
    (void)number;
    if (pthread_equal(pthread_self(), *program_thread)) alarms++;
    else strays++;
}

static void test_signals(void **state) {
    (void)state;
    struct sigaction action = {.sa_handler = on_alarm}, before;
    sigaction(SIGALRM, &action, &before);
    const pthread_t here = pthread_self();
    program_thread = &here;
    struct itimerval often = {{0, 1000}, {0, 1000}}, never = {{0, 0}, {0, 0}};
    TestPool test;
    test_open(&test, database.url, NULL);
    setitimer(ITIMER_REAL, &often, NULL);
    for (int i = 0; i < 2000; i++) test_must(&test, "SELECT 1");
    test_close(&test);
    setitimer(ITIMER_REAL, &never, NULL);
    signal(SIGALRM, SIG_IGN); /* one may be on its way */
    sigaction(SIGALRM, &before, NULL);
    assert_true(alarms > 0);
    assert_int_equal(strays, 0);
}

static OrmcDatabase *to_interrupt;
static void on_interrupt(int number) {
    (void)number;
    ormc_database_interrupt(to_interrupt);
}

static void test_interrupt_from_a_handler(void **state) {
    (void)state;
    to_interrupt = ormc_database_open(database.url, NULL);
    assert_int_equal(ormc_database_error(to_interrupt), ORMC_ERROR_NONE);
    struct sigaction action = {.sa_handler = on_interrupt}, before;
    sigaction(SIGALRM, &action, &before);
    struct itimerval once = {{0, 0}, {0, 300000}};
    setitimer(ITIMER_REAL, &once, NULL);
    uint64_t start = test_now_ms();
    OrmcCommand command = {.size = sizeof command, .sql = database.sleep};
    OrmcResult *result = ormc_database_execute(to_interrupt, &command);
    assert_true(test_within(start, 10000));
    assert_int_equal(ormc_result_error(result), ORMC_ERROR_CANCELLED);
    ormc_result_free(result);
    signal(SIGALRM, SIG_IGN);
    sigaction(SIGALRM, &before, NULL);
    ormc_database_close(to_interrupt);
}

static void test_a_loop_of_the_callers(void **state) {
    (void)state;
    char message[200];
    Uv uv;
    uv_loop_t mine;
    assert_true(uv_library_load(&uv, message, sizeof message));
    assert_int_equal(uv.uv_loop_init(&mine), 0);
    OrmcLoop *loop = ormc_loop_create(&mine);
    assert_ptr_equal(ormc_loop_uv(loop), &mine);
    OrmcPool *pool = ormc_pool_open(loop, database.url, NULL, NULL, NULL);
    OrmcResult *result = NULL;
    OrmcCommand command = {.size = sizeof command, .sql = "SELECT 5", .on_done = test_keep, .user = &result};
    ormc_pool_execute(pool, &command);
    while (!result) uv.uv_run(&mine, UV_RUN_ONCE);
    assert_int_equal(ormc_result_row(result, 0)[0].integer, 5);
    ormc_result_free(result);
    assert_false(ormc_loop_destroy(loop)); /* a pool is open */
    ormc_pool_close(pool, NULL, NULL);
    uv.uv_run(&mine, UV_RUN_DEFAULT);
    assert_true(ormc_loop_destroy(loop));
    assert_int_equal(uv.uv_loop_close(&mine), 0);
}

static void test_idle_connections_go(void **state) {
    (void)state;
    TestPool test;
    OrmcPoolOptions options = {
        .size = sizeof options, .max_connections = 4, .idle_timeout_ms = 200, .health_interval_ms = 60};
    test_open(&test, database.url, &options);
    OrmcConnection *connections[3] = {NULL};
    for (int i = 0; i < 3; i++) ormc_pool_acquire(test.pool, keep_lease, &connections[i]);
    for (int i = 0; i < 3; i++)
        while (!connections[i]) assert_true(ormc_loop_run_once(test.loop));
    OrmcPoolCounters counters;
    ormc_pool_counters(test.pool, &counters);
    assert_true(counters.open >= 3);
    for (int i = 0; i < 3; i++) ormc_connection_release(connections[i]);
    uint64_t start = test_now_ms();
    while (test_now_ms() - start < 1500) {
        test.pool->uv->uv_run(test.loop->loop, UV_RUN_NOWAIT);
        nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL);
    }
    ormc_pool_counters(test.pool, &counters);
    assert_int_equal(counters.open, 1);
    assert_int_equal(counters.lost, 0);
    test_must(&test, "SELECT 1");
    test_close(&test);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_killed_and_restarted),
                                       cmocka_unit_test(test_lease_survives_its_connection),
                                       cmocka_unit_test(test_hung_server),
                                       cmocka_unit_test(test_fork),
                                       cmocka_unit_test(test_signals),
                                       cmocka_unit_test(test_interrupt_from_a_handler),
                                       cmocka_unit_test(test_a_loop_of_the_callers),
                                       cmocka_unit_test(test_idle_connections_go),
                                       cmocka_unit_test(test_no_server)};
    return test_run(tests, sizeof tests / sizeof *tests);
}
