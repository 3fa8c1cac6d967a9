/*
 * Exhausted memory in the executor: the n-th of its allocations fails, alone or with all after it, for every n. Each
 * statement is answered once all the same, nothing leaks, the loop can be closed, and the same pool works once there is
 * memory again.
 *
 * The linker puts __wrap_malloc() … in the place of malloc() … for the executor's objects (not for client libraries).
 */
#include <stdatomic.h>

#include "backends/executor/executor.h"
#include "tests/unit/executor_helpers.h"

/* ---- memory that runs out */

static _Atomic long allowed = -1; /* allocations until one fails; below 0: none fails */
static _Atomic long blocks;       /* handed out and not given back */
static _Atomic bool missed;       /* one has failed */
static bool for_good;             /* all after it fail too */

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *block, size_t size);
void __real_free(void *block);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *block, size_t size);
void __wrap_free(void *block);

static bool fails(void) {
    long left = atomic_load(&allowed);
    while (left > 0 && !atomic_compare_exchange_weak(&allowed, &left, left - 1)) {
    }
    if (left != 0) return false;
    if (!for_good) atomic_store(&allowed, -1);
    atomic_store(&missed, true);
    return true;
}

static void *counted(void *block) {
    if (block) atomic_fetch_add(&blocks, 1);
    return block;
}

void *__wrap_malloc(size_t size) { return fails() ? NULL : counted(__real_malloc(size)); }
void *__wrap_calloc(size_t count, size_t size) { return fails() ? NULL : counted(__real_calloc(count, size)); }

void *__wrap_realloc(void *block, size_t size) {
    if (fails()) return NULL;
    return block ? __real_realloc(block, size) : counted(__real_realloc(NULL, size));
}

void __wrap_free(void *block) {
    if (block) atomic_fetch_sub(&blocks, 1);
    __real_free(block);
}

/* Without memory a statement waits in vain for a connection: for this long. */
static unsigned patience(void) { return test_is_slow() ? 20000 : 400; }

/* ---- a program that uses everything */

typedef struct Program {
    OrmcLoop *loop;
    OrmcPool *pool;
    OrmcConnection *connection;
    int asked, answered, wrong; /* wrong: failed though there was memory */
    bool closed, opened;
} Program;

static void on_answer(void *user, OrmcResult *result) {
    Program *program = user;
    program->answered++;
    OrmcError error = ormc_result_error(result);
    if (error == ORMC_ERROR_NONE) return;
    assert_string_not_equal(ormc_error_name(error), "");
    if (!atomic_load(&missed)) {
        print_message("%s: %s\n", database.name, ormc_result_message(result));
        program->wrong++;
    }
}

static void on_refused(void *user, OrmcResult *result) {
    Program *program = user;
    program->answered++;
    assert_int_not_equal(ormc_result_error(result), ORMC_ERROR_NONE);
}

static OrmcFlow on_row(void *user, OrmcRequest *request, const OrmcResult *result, const OrmcValue *cells) {
    (void)user, (void)request, (void)result, (void)cells;
    return ORMC_FLOW_CONTINUE;
}

static void on_acquired(void *user, OrmcConnection *connection, const OrmcResult *result) {
    Program *program = user;
    program->connection = connection;
    program->answered++;
    if (!connection) assert_int_not_equal(ormc_result_error(result), ORMC_ERROR_NONE);
}

static void on_closed(void *user) { ((Program *)user)->closed = true; }

static void wait_for_answers(Program *program) {
    uint64_t start = test_now_ms();
    while (program->answered < program->asked) {
        assert_true(ormc_loop_run_once(program->loop));
        assert_true(test_within(start, 30000));
    }
}

static void ask(Program *program, OrmcCommand command) {
    command.size = sizeof command;
    command.on_done = command.on_done ? command.on_done : on_answer;
    command.user = program;
    OrmcRequest *request = program->connection ? ormc_connection_execute(program->connection, &command)
                                               : ormc_pool_execute(program->pool, &command);
    assert_true(request || atomic_load(&missed));
    program->asked += request != NULL;
}

static void statements(Program *program) {
    char series[256], param[64];
    snprintf(series, sizeof series, database.series, 3000L);
    snprintf(param, sizeof param, "SELECT %s", database.placeholder);
    const OrmcValue items[] = {{.type = ORMC_TYPE_TEXT, .text = "some text", .length = 9}};
    ask(program, (OrmcCommand){.sql = "SELECT 1"});
    ask(program, (OrmcCommand){.sql = series});
    ask(program, (OrmcCommand){.sql = series, .on_row = on_row});
    ask(program, (OrmcCommand){.sql = param, .params = items, .param_count = 1});
    ask(program, (OrmcCommand){.sql = param, .params = items, .param_count = 1, .prepare_only = true});
    ask(program, (OrmcCommand){.sql = "SELECT no_such_column", .on_done = on_refused});
    if (test_is("postgresql")) {
        ask(program, (OrmcCommand){.sql = "SELECT CONCAT('a', $1)", .params = items, .param_count = 1});
        const OrmcValue array = {.type = ORMC_TYPE_ARRAY, .items = items, .length = 1};
        ask(program, (OrmcCommand){.sql = "SELECT $1::text[]", .params = &array, .param_count = 1});
    }
    OrmcPrepared *prepared = ormc_pool_prepare(program->pool, "SELECT 2");
    if (prepared) ask(program, (OrmcCommand){.prepared = prepared});
    ormc_prepared_free(prepared);
    wait_for_answers(program);
}

static void transaction(Program *program) {
    if (ormc_pool_acquire(program->pool, on_acquired, program)) program->asked++;
    wait_for_answers(program);
    OrmcConnection *connection = program->connection;
    if (!connection) return;
    program->asked += ormc_connection_begin(connection, on_answer, program) != NULL;
    program->asked += ormc_connection_savepoint(connection, "s", on_answer, program) != NULL;
    wait_for_answers(program);
    ormc_connection_release(connection); /* rolls back */
    program->connection = NULL;
}

/* A server may need longer than a statement waits here. */
static void wait_for_a_connection(Program *program) {
    uint64_t start = test_now_ms();
    OrmcPoolCounters counters = {0};
    while (!counters.open) {
        assert_true(test_within(start, 30000));
        program->pool->uv->uv_run(program->loop->loop, UV_RUN_ONCE);
        ormc_pool_counters(program->pool, &counters);
    }
}

static void run_program(void) {
    Program program = {0};
    OrmcPoolOptions options = {.size = sizeof options,
                               .max_connections = 2,
                               .wait_timeout_ms = patience(),
                               .connect_timeout_ms = 10 * patience(),
                               .retry_ms = 1,
                               .setup = (const char *const[]){"SELECT 3", NULL}};
    program.loop = ormc_loop_create(NULL);
    assert_true(program.loop || atomic_load(&missed));
    if (!program.loop) return;
    program.pool = ormc_pool_open(program.loop, database.url, &options, NULL, NULL);
    assert_true(program.pool || atomic_load(&missed));
    if (program.pool) {
        statements(&program);
        transaction(&program);
        assert_int_equal(program.wrong, 0);
        bool had_enough = !atomic_load(&missed);
        atomic_store(&allowed, -1);
        atomic_store(&missed, false);
        wait_for_a_connection(&program); /* there is memory again */
        ask(&program, (OrmcCommand){.sql = "SELECT 1"});
        wait_for_answers(&program);
        assert_int_equal(program.wrong, 0);
        atomic_store(&missed, !had_enough);
        ormc_pool_close(program.pool, on_closed, &program);
        ormc_loop_run(program.loop);
        assert_true(program.closed);
        assert_int_equal(program.answered, program.asked);
    }
    assert_true(ormc_loop_destroy(program.loop));
}

static void run_blocking(void) {
    OrmcPoolOptions options = {.size = sizeof options, .wait_timeout_ms = patience(), .retry_ms = 1};
    OrmcDatabase *blocking = ormc_database_open(database.url, &options);
    assert_true(blocking || atomic_load(&missed));
    if (!blocking) return;
    OrmcCommand command = {.size = sizeof command, .sql = "SELECT 1"};
    OrmcResult *result = ormc_database_execute(blocking, &command);
    bool good = result && ormc_result_error(result) == ORMC_ERROR_NONE;
    assert_true(good || atomic_load(&missed));
    ormc_result_free(result);
    ormc_database_close(blocking);
}

static void try_every_allocation(void (*work)(void)) {
    for (int kept = 0; kept < (test_is_slow() ? 1 : 2); kept++) {
        bool enough = false;
        long n = 0;
        for (; !enough; n++) {
            assert_true(n < 10000);
            for_good = kept;
            atomic_store(&missed, false);
            atomic_store(&blocks, 0);
            atomic_store(&allowed, n);
            work();
            enough = !atomic_load(&missed);
            atomic_store(&allowed, -1);
            if (atomic_load(&blocks)) fail_msg("%s, %ld: %ld blocks are left", database.name, n, atomic_load(&blocks));
        }
        assert_true(n > 5); /* else it is not the executor's memory that is counted */
    }
}

static void test_pool(void **state) {
    (void)state;
    try_every_allocation(run_program);
}

static void test_blocking(void **state) {
    (void)state;
    try_every_allocation(run_blocking);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_pool), cmocka_unit_test(test_blocking)};
    return test_run(tests, sizeof tests / sizeof *tests);
}
