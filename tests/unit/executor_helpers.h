/*
 * What the tests of the executor share: the databases to test (SQLite always, servers where the environment names
 * them), and a run of one statement on a loop.
 */
#ifndef ORMC_TESTS_EXECUTOR_HELPERS_H
#define ORMC_TESTS_EXECUTOR_HELPERS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "include/ormc.h"

typedef struct TestDatabase {
    const char *name; /* of the server, as servers.sh calls it */
    const char *url;
    const char *sleep;  /* a statement that takes half a minute */
    const char *series; /* %ld rows, counted from 1 */
    const char *placeholder;
} TestDatabase;

/* Under a tool that makes everything slow, and memory another matter. */
static inline bool test_is_slow(void) { return getenv("ORMC_TEST_SLOW") != NULL; }

static inline bool test_is_long(void) { return getenv("ORMC_TEST_LONG") != NULL; }

static inline uint64_t test_now_ms(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* Whether less than `ms` have gone by. */
static inline bool test_within(uint64_t start, uint64_t ms) {
    return test_now_ms() - start < ms * (test_is_slow() ? 30 : 1);
}

/* Memory of this process that lies in RAM, in KiB. */
static inline long test_resident_kib(void) {
    long pages = 0;
    if (test_is_slow()) return 0;
    FILE *file = fopen("/proc/self/statm", "r");
    if (file && fscanf(file, "%*d %ld", &pages) != 1) pages = 0;
    if (file) fclose(file);
    return pages * 4;
}

static inline size_t test_databases(TestDatabase *databases) {
    static char sqlite[64];
    size_t count = 0;
    snprintf(sqlite, sizeof sqlite, "sqlite:////tmp/ormc-test-%ld.db", (long)getpid());
    databases[count++] = (TestDatabase){
        .name = "sqlite",
        .url = sqlite,
        .sleep =
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 3000000000) SELECT max(i) FROM n",
        .series = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < %ld) SELECT i, 'row ' || i "
                  "FROM n",
        .placeholder = "?"};
    if (getenv("ORMC_TEST_POSTGRESQL"))
        databases[count++] = (TestDatabase){.name = "postgresql",
                                            .url = getenv("ORMC_TEST_POSTGRESQL"),
                                            .sleep = "SELECT pg_sleep(30)",
                                            .series = "SELECT i, 'row ' || i FROM generate_series(1, %ld) AS i",
                                            .placeholder = "$1"};
    if (getenv("ORMC_TEST_MARIADB"))
        databases[count++] = (TestDatabase){.name = "mariadb",
                                            .url = getenv("ORMC_TEST_MARIADB"),
                                            .sleep = "SELECT SLEEP(30)",
                                            .series = "SELECT seq, CONCAT('row ', seq) FROM seq_1_to_%ld",
                                            .placeholder = "?"};
    return count;
}

static inline void test_remove_sqlite(void) {
    char path[64];
    snprintf(path, sizeof path, "/tmp/ormc-test-%ld.db", (long)getpid());
    unlink(path);
}

/* The one that the tests run on now. */
static TestDatabase database;

static inline bool test_is(const char *name) { return strcmp(database.name, name) == 0; }

/* The tests on each database, or on the one that ORMC_TEST_ONLY names. Gives how many failed. */
static inline int test_run(const struct CMUnitTest *tests, size_t count) {
    TestDatabase databases[3];
    size_t database_count = test_databases(databases);
    const char *only = getenv("ORMC_TEST_ONLY");
    int failed = 0;
    for (size_t i = 0; i < database_count; i++) {
        database = databases[i];
        if (only && !test_is(only)) continue;
        failed += _cmocka_run_group_tests(database.name, tests, count, NULL, NULL);
    }
    test_remove_sqlite();
    return failed;
}

/* ---- a pool on a loop of its own */

typedef struct TestPool {
    OrmcLoop *loop;
    OrmcPool *pool;
    bool closed;
    OrmcResult *result; /* of the last test_execute() */
} TestPool;

static inline void test_on_closed(void *user) { ((TestPool *)user)->closed = true; }

static inline void test_open(TestPool *test, const char *url, const OrmcPoolOptions *options) {
    *test = (TestPool){.loop = ormc_loop_create(NULL)};
    assert_non_null(test->loop);
    test->pool = ormc_pool_open(test->loop, url, options, NULL, NULL);
    assert_non_null(test->pool);
}

/* Everything must be gone: the loop can't be closed otherwise. */
static inline void test_close(TestPool *test) {
    if (test->result) ormc_result_free(test->result);
    test->result = NULL;
    ormc_pool_close(test->pool, test_on_closed, test);
    ormc_loop_run(test->loop);
    assert_true(test->closed);
    assert_true(ormc_loop_destroy(test->loop));
}

static inline void test_keep(void *user, OrmcResult *result) { *(OrmcResult **)user = ormc_result_keep(result); }

static inline OrmcResult *test_wait(TestPool *test, OrmcResult **slot) {
    while (!*slot) assert_true(ormc_loop_run_once(test->loop));
    return *slot;
}

/* The result is freed by the next call, or by test_close(). */
static inline const OrmcResult *test_execute_with(TestPool *test, const char *sql, const OrmcValue *params,
                                                  size_t count) {
    if (test->result) ormc_result_free(test->result);
    test->result = NULL;
    OrmcCommand command = {.size = sizeof command,
                           .sql = sql,
                           .params = params,
                           .param_count = count,
                           .on_done = test_keep,
                           .user = &test->result};
    assert_non_null(ormc_pool_execute(test->pool, &command));
    assert_null(test->result); /* never from inside the call */
    return test_wait(test, &test->result);
}

static inline const OrmcResult *test_execute(TestPool *test, const char *sql) {
    return test_execute_with(test, sql, NULL, 0);
}

static inline void test_must(TestPool *test, const char *sql) {
    const OrmcResult *result = test_execute(test, sql);
    if (ormc_result_error(result) != ORMC_ERROR_NONE) fail_msg("%s: %s", sql, ormc_result_message(result));
}

static inline int64_t test_number(TestPool *test, const char *sql) {
    test_must(test, sql);
    assert_int_equal(ormc_result_row_count(test->result), 1);
    return ormc_result_row(test->result, 0)[0].integer;
}

#endif
