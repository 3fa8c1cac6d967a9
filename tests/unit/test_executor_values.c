/*
 * Values there and back on each database, the functions that are registered in SQLite, URLs, and the JSON of cells.
 */
#include "backends/executor/executor.h"
#include "tests/unit/executor_helpers.h"

static const char *json_of(const OrmcValue *value) {
    static char text[4096];
    assert_true(ormc_value_write_json(value, text, sizeof text) < sizeof text);
    return text;
}

#define TEXT_VALUE(kind, literal) ((OrmcValue){.type = (kind), .text = (literal), .length = sizeof(literal) - 1})

/* Stores the value in a column of the type and reads it back; `wanted` is its JSON. */
static void round_trip(TestPool *test, const char *column, OrmcValue value, const char *wanted) {
    char sql[300];
    test_must(test, "DROP TABLE IF EXISTS ormc_v");
    snprintf(sql, sizeof sql, "CREATE TABLE ormc_v (v %s)", column);
    test_must(test, sql);
    snprintf(sql, sizeof sql, "INSERT INTO ormc_v VALUES (%s)", database.placeholder);
    const OrmcResult *result = test_execute_with(test, sql, &value, 1);
    if (ormc_result_error(result) != ORMC_ERROR_NONE)
        fail_msg("%s %s: %s", column, wanted, ormc_result_message(result));
    for (int round = 0; round < 2; round++) { /* the second time PostgreSQL answers in binary form */
        OrmcResult *got = NULL;
        OrmcType type = value.type == ORMC_TYPE_ARRAY ? ORMC_TYPE_UNKNOWN : value.type;
        OrmcCommand command = {.size = sizeof command,
                               .sql = "SELECT v FROM ormc_v",
                               .column_types = &type,
                               .column_type_count = 1,
                               .on_done = test_keep,
                               .user = &got};
        ormc_pool_execute(test->pool, &command);
        test_wait(test, &got);
        assert_int_equal(ormc_result_row_count(got), 1);
        assert_string_equal(json_of(&ormc_result_row(got, 0)[0]), wanted);
        ormc_result_free(got);
    }
    test_must(test, "DROP TABLE ormc_v");
}

static const char *column_for(const char *sqlite, const char *postgresql, const char *mariadb) {
    return test_is("sqlite") ? sqlite : test_is("postgresql") ? postgresql : mariadb;
}

static void test_round_trips(void **state) {
    (void)state;
    TestPool test;
    test_open(&test, database.url, NULL);
    round_trip(&test, column_for("bool", "boolean", "bool"), (OrmcValue){.type = ORMC_TYPE_BOOLEAN, .integer = 1},
               "true");
    round_trip(&test, "integer", (OrmcValue){.type = ORMC_TYPE_INTEGER, .integer = -7}, "-7");
    round_trip(&test, "bigint", (OrmcValue){.type = ORMC_TYPE_BIGINT, .integer = INT64_MIN}, "-9223372036854775808");
    round_trip(&test, "double precision", (OrmcValue){.type = ORMC_TYPE_FLOAT, .number = 0.1}, "0.1");
    round_trip(&test, "double precision", (OrmcValue){.type = ORMC_TYPE_FLOAT, .number = 1e300}, "1e+300");
    round_trip(&test, column_for("text", "numeric(40, 20)", "decimal(40, 20)"),
               TEXT_VALUE(ORMC_TYPE_DECIMAL, "12345678901234567890.12345678901234567890"),
               "\"12345678901234567890.12345678901234567890\"");
    round_trip(&test, "text", TEXT_VALUE(ORMC_TYPE_TEXT, "a'\"\\%é\xF0\x9F\x98\x80\n"),
               "\"a'\\\"\\\\%é\xF0\x9F\x98\x80\\n\"");
    round_trip(&test, column_for("blob", "bytea", "blob"), TEXT_VALUE(ORMC_TYPE_BYTES, "\0\xff'\\"), "\"AP8nXA==\"");
    round_trip(&test, "date", TEXT_VALUE(ORMC_TYPE_DATE, "2024-02-29"), "\"2024-02-29\"");
    round_trip(&test, column_for("time", "time", "time(6)"), TEXT_VALUE(ORMC_TYPE_TIME, "23:59:59.000001"),
               "\"23:59:59.000001\"");
    round_trip(&test, column_for("datetime", "timestamp", "datetime(6)"),
               TEXT_VALUE(ORMC_TYPE_DATETIME, "2024-05-17 12:30:45.123456"), "\"2024-05-17T12:30:45.123456\"");
    round_trip(&test, column_for("datetime", "timestamp", "datetime(6)"),
               TEXT_VALUE(ORMC_TYPE_DATETIME, "2024-05-17T00:00:00"), "\"2024-05-17T00:00:00\"");
    round_trip(&test, column_for("bigint", "interval", "bigint"),
               (OrmcValue){.type = ORMC_TYPE_INTERVAL, .integer = -90061000001}, "-90061000001");
    round_trip(&test, column_for("char(32)", "uuid", "uuid"),
               TEXT_VALUE(ORMC_TYPE_UUID, "6f2b2d34-8f1e-4c0b-9a55-0123456789ab"),
               "\"6f2b2d34-8f1e-4c0b-9a55-0123456789ab\"");
    round_trip(&test, column_for("text", "jsonb", "json"), TEXT_VALUE(ORMC_TYPE_JSON, "{\"a\": [1, null, \"x\"]}"),
               "\"{\\\"a\\\": [1, null, \\\"x\\\"]}\"");
    round_trip(&test, "integer", (OrmcValue){.type = ORMC_TYPE_INTEGER, .is_null = true}, "null");
    round_trip(&test, "integer", TEXT_VALUE(ORMC_TYPE_INTEGER, "12"), "12");
    round_trip(&test, column_for("text", "numeric", "decimal(5, 0)"),
               (OrmcValue){.type = ORMC_TYPE_DECIMAL, .integer = 5}, "\"5\"");
    test_close(&test);
}

static void test_round_trips_of_postgresql(void **state) {
    (void)state;
    if (!test_is("postgresql")) skip();
    TestPool test;
    test_open(&test, database.url, NULL);
    round_trip(&test, "timestamptz", TEXT_VALUE(ORMC_TYPE_DATETIME, "2024-05-17 12:30:45.5+02:00"),
               "\"2024-05-17T10:30:45.500000+00:00\"");
    round_trip(&test, "float8", (OrmcValue){.type = ORMC_TYPE_FLOAT, .number = -1.0 / 0.0}, "\"-inf\"");
    round_trip(&test, "float8", (OrmcValue){.type = ORMC_TYPE_FLOAT, .number = 0.0 / 0.0}, "\"nan\"");
    round_trip(&test, "numeric", TEXT_VALUE(ORMC_TYPE_DECIMAL, "nan"), "\"nan\"");
    const OrmcValue inner[] = {TEXT_VALUE(ORMC_TYPE_TEXT, "a\"b\\,{}"),
                               {.type = ORMC_TYPE_TEXT, .is_null = true},
                               TEXT_VALUE(ORMC_TYPE_TEXT, "NULL"),
                               TEXT_VALUE(ORMC_TYPE_TEXT, "")};
    round_trip(&test, "text[]", (OrmcValue){.type = ORMC_TYPE_ARRAY, .items = inner, .length = 4},
               "[\"a\\\"b\\\\,{}\", null, \"NULL\", \"\"]");
    const OrmcValue numbers[] = {{.type = ORMC_TYPE_INTEGER, .integer = 1},
                                 {.type = ORMC_TYPE_BIGINT, .integer = INT64_MAX}};
    const OrmcValue rows[] = {{.type = ORMC_TYPE_ARRAY, .items = numbers, .length = 2},
                              {.type = ORMC_TYPE_ARRAY, .items = numbers, .length = 2}};
    round_trip(&test, "bigint[]", (OrmcValue){.type = ORMC_TYPE_ARRAY, .items = rows, .length = 2},
               "[[1, 9223372036854775807], [1, 9223372036854775807]]");
    round_trip(&test, "integer[]", (OrmcValue){.type = ORMC_TYPE_ARRAY}, "[]");
    OrmcValue x = TEXT_VALUE(ORMC_TYPE_TEXT, "x");
    const OrmcResult *result =
        test_execute_with(&test, "SELECT CONCAT('a', $1), $1 IS NULL", &x, 1); /* no type to infer */
    assert_int_equal(ormc_result_error(result), ORMC_ERROR_NONE);
    assert_string_equal(json_of(&ormc_result_row(result, 0)[0]), "\"ax\"");
    test_close(&test);
}

static const char *only_cell(TestPool *test, const char *sql, const OrmcValue *params, size_t count) {
    const OrmcResult *result = test_execute_with(test, sql, params, count);
    assert_string_equal(ormc_result_message(result), "");
    return json_of(&ormc_result_row(result, 0)[0]);
}

static void test_arrays_of_postgresql(void **state) {
    (void)state;
    if (!test_is("postgresql")) skip();
    TestPool test;
    test_open(&test, database.url, NULL);
    assert_string_equal(only_cell(&test, "SELECT '{1.2.3.4,::1}'::inet[]", NULL, 0), "[\"1.2.3.4\", \"::1\"]");
    assert_string_equal(only_cell(&test, "SELECT ARRAY[int4range(1, 3), NULL]", NULL, 0), "[\"[1,3)\", null]");
    assert_string_equal(only_cell(&test, "SELECT ARRAY['[2024-05-01,)'::daterange]", NULL, 0), "[\"[2024-05-01,)\"]");
    test_close(&test);
}

/* Types of extensions and of CREATE TYPE have numbers of their own in each database. */
static void test_types_without_a_number(void **state) {
    (void)state;
    if (!test_is("postgresql")) skip();
    TestPool test;
    test_open(&test, database.url, NULL);
    test_must(&test, "DROP TYPE IF EXISTS ormc_mood");
    test_must(&test, "CREATE EXTENSION IF NOT EXISTS hstore");
    test_must(&test, "CREATE EXTENSION IF NOT EXISTS citext");
    test_must(&test, "CREATE TYPE ormc_mood AS ENUM ('sad', 'glad')");
    const OrmcValue items[] = {TEXT_VALUE(ORMC_TYPE_TEXT, "a"),
                               TEXT_VALUE(ORMC_TYPE_TEXT, "1"),
                               TEXT_VALUE(ORMC_TYPE_TEXT, "q\"\\, =>"),
                               {.is_null = true}};
    const OrmcValue map = {.type = ORMC_TYPE_MAP, .items = items, .length = 4};
    const OrmcValue maps = {.type = ORMC_TYPE_ARRAY, .items = &map, .length = 1};
    round_trip(&test, "hstore", map, "{\"a\": \"1\", \"q\\\"\\\\, =>\": null}");
    round_trip(&test, "hstore", (OrmcValue){.type = ORMC_TYPE_MAP}, "{}");
    round_trip(&test, "hstore[]", maps, "[{\"a\": \"1\", \"q\\\"\\\\, =>\": null}]");
    round_trip(&test, "citext", TEXT_VALUE(ORMC_TYPE_TEXT, "Ab"), "\"Ab\"");
    assert_string_equal(only_cell(&test, "SELECT ARRAY['x', 'Y']::citext[]", NULL, 0), "[\"x\", \"Y\"]");
    assert_string_equal(only_cell(&test, "SELECT ARRAY['sad', NULL]::ormc_mood[]", NULL, 0), "[\"sad\", null]");
    assert_int_equal(ormc_result_column_type(test.result, 0), ORMC_TYPE_ARRAY);
    test_must(&test, "DROP TYPE ormc_mood");
    const OrmcValue odd = {.type = ORMC_TYPE_MAP, .items = items, .length = 3};
    assert_int_equal(ormc_result_error(test_execute_with(&test, "SELECT $1::hstore", &odd, 1)), ORMC_ERROR_VALUE);
    test_close(&test);
}

/* Read from text the first time, from the binary form the second: it is the same. */
static void test_moments_of_postgresql(void **state) {
    (void)state;
    if (!test_is("postgresql")) skip();
    static const struct {
        const char *sql, *wanted;
    } cases[] = {
        {"SELECT timestamp '2024-05-17 10:00:00.120000'", "\"2024-05-17T10:00:00.120000\""},
        {"SELECT timestamp '12024-05-17 10:00:00'", "\"12024-05-17T10:00:00\""},
        {"SELECT timestamptz '12024-05-17 10:00:00.5+02'", "\"12024-05-17T08:00:00.500000+00:00\""},
        {"SELECT timestamp '0044-03-15 10:00:00.5 BC'", "\"0044-03-15T10:00:00.500000 BC\""},
        {"SELECT timestamptz '0044-03-15 10:00:00+00 BC'", "\"0044-03-15T10:00:00+00:00 BC\""},
        {"SELECT timestamp '-infinity'", "\"-infinity\""},
        {"SELECT date '0044-03-15 BC'", "\"0044-03-15 BC\""},
        {"SELECT interval '1 year 2 mons -3 days 04:05:06.789'", "36475506789000"},
        {"SELECT interval '-00:00:01.5'", "-1500000"},
        {"SELECT interval '106751991 days 04:00:54.775807'", "9223372036854775807"},
        {"SELECT interval '106751991 days 04:00:54.775808'", "\"0 mons 106751991 days 14454775808 us\""},
        {"SELECT interval '178000000 years'", "\"2136000000 mons 0 days 0 us\""},
        {"SELECT interval '-178000000 years'", "\"-2136000000 mons 0 days 0 us\""},
    };
    TestPool test;
    OrmcPoolOptions options = {.size = sizeof options, .max_connections = 1};
    test_open(&test, database.url, &options);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        for (int round = 0; round < 2; round++)
            assert_string_equal(only_cell(&test, cases[i].sql, NULL, 0), cases[i].wanted);
    OrmcValue zulu = TEXT_VALUE(ORMC_TYPE_DATETIME, "2024-05-17T10:00:00Z");
    assert_string_equal(only_cell(&test, "SELECT $1", &zulu, 1), "\"2024-05-17T10:00:00+00:00\"");
    test_must(&test, "SET IntervalStyle = 'iso_8601'"); /* not what is read: the server's text, and no wrong number */
    assert_string_equal(only_cell(&test, "SELECT interval '1 day 2 hours', 1.5", NULL, 0), "\"P1DT2H\"");
    test_close(&test);
}

/* MariaDB would make the largest number of it that it has. */
static void test_numbers_too_large(void **state) {
    (void)state;
    if (!test_is("mariadb")) skip();
    const OrmcValue bad[] = {TEXT_VALUE(ORMC_TYPE_DECIMAL, "1e400"), TEXT_VALUE(ORMC_TYPE_DECIMAL, "-1E65"),
                             TEXT_VALUE(ORMC_TYPE_BIGINT, "123456789012345678901234567890123456789012345678901234567"
                                                          "890123456")},
                    good[] = {TEXT_VALUE(ORMC_TYPE_DECIMAL, "1e64"), TEXT_VALUE(ORMC_TYPE_DECIMAL, "0e400"),
                              TEXT_VALUE(ORMC_TYPE_DECIMAL, "1e-400"),
                              TEXT_VALUE(ORMC_TYPE_BIGINT, "18446744073709551615")};
    TestPool test;
    test_open(&test, database.url, NULL);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_int_equal(ormc_result_error(test_execute_with(&test, "SELECT ?", &bad[i], 1)), ORMC_ERROR_VALUE);
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        assert_int_equal(ormc_result_error(test_execute_with(&test, "SELECT ?", &good[i], 1)), ORMC_ERROR_NONE);
    test_close(&test);
}

static void test_first_words(void **state) {
    (void)state;
    static const char *const words[] = {"insert", "select", NULL};
    assert_true(sql_begins_with("SELECT 1", words));
    assert_true(sql_begins_with(" \n((/* a */ Select(1))", words));
    assert_true(sql_begins_with("-- a\n# b\n/**/insert", words));
    assert_false(sql_begins_with("selection", words));
    assert_false(sql_begins_with("/*! SELECT */ 1", words));
    assert_false(sql_begins_with("/* SELECT", words));
    assert_false(sql_begins_with("-- SELECT", words));
    assert_string_equal(sql_first_word(" -- nothing"), "");
}

/* A driver that writes values into the text says _binary before bytes; a bound value says so itself. */
static void test_binary_introducer(void **state) {
    (void)state;
    if (!test_is("mariadb")) skip();
    TestPool test;
    test_open(&test, database.url, NULL);
    OrmcValue bytes = TEXT_VALUE(ORMC_TYPE_BYTES, "\xff\x01");
    for (int i = 0; i < 2; i++) /* prepared, and found again */
        assert_string_equal(only_cell(&test, "SELECT HEX(_binary ?)", &bytes, 1), "\"FF01\"");
    assert_string_equal(only_cell(&test, "SELECT CONCAT('it''s _binary ? \\'', LENGTH(_binary ?))", &bytes, 1),
                        "\"it's _binary ? '2\"");
    test_close(&test);
}

/* ---- SQLite's functions; the answers are those of Python and Django */

static void test_sqlite_functions(void **state) {
    (void)state;
    if (!test_is("sqlite")) skip();
    static const struct {
        const char *sql, *wanted;
    } cases[] = {
        {"'Peter' REGEXP '(?i)^p.*R$'", "1"},
        {"'abcabd' REGEXP '(ab[cd]){2}$'", "1"},
        {"'2024-01' REGEXP '^\\d{4}-\\d\\d$'", "1"},
        {"'foobar' REGEXP 'foo(?!bar)'", "0"},
        {"'bxbx' REGEXP 'b(.).*b\\1'", "1"},
        {"NULL REGEXP 'a'", "null"},
        {"MD5('abc')", "\"900150983cd24fb0d6963f7d28e17f72\""},
        {"SHA1('abc')", "\"a9993e364706816aba3e25717850c26c9cd0d89d\""},
        {"SHA224('')", "\"d14a028c2a3a2bc9476102bb288234c415a2b01f828ea62ac5b3e42f\""},
        {"SHA256('abc')", "\"ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad\""},
        {"SUBSTR(SHA384('abc'), 1, 16)", "\"cb00753f45a35e8b\""},
        {"SUBSTR(SHA512('abc'), 1, 16)", "\"ddaf35a193617aba\""},
        {"LPAD('7', 3, '0')", "\"007\""},
        {"LPAD('abcdef', 3, 'x')", "\"abc\""},
        {"RPAD('é', 4, 'xyz')", "\"éxyz\""},
        {"LPAD('a', 3, '')", "\"a\""},
        {"REPEAT('ab', 3)", "\"ababab\""},
        {"REPEAT('ab', -1)", "\"\""},
        {"REVERSE('aéb')", "\"béa\""},
        {"BITXOR(5, 3)", "6"},
        {"ROUND(COT(1.0), 6)", "0.642093"},
        {"(SELECT STDDEV_POP(x) FROM (SELECT 1 x UNION SELECT 3))", "1.0"},
        {"(SELECT VAR_SAMP(x) FROM (SELECT 1 x UNION SELECT 3 UNION SELECT NULL))", "2.0"},
        {"(SELECT STDDEV_SAMP(x) FROM (SELECT 1 x))", "null"},
        {"django_datetime_trunc('month', '2024-05-31 23:30:45.123', 'Australia/Melbourne', 'UTC')",
         "\"2024-06-01 00:00:00\""},
        {"django_datetime_trunc('quarter', '2024-05-31 23:30:45', 'UTC', 'UTC')", "\"2024-04-01 00:00:00\""},
        {"django_datetime_trunc('week', '2024-05-31 23:30:45', NULL, NULL)", "\"2024-05-27 00:00:00\""},
        {"django_datetime_extract('hour', '2026-01-01 00:00:00', 'UTC+05:00', 'UTC')", "5"},
        {"django_datetime_extract('hour', '2066-07-01 00:00:00', 'Europe/Berlin', 'UTC')", "2"},
        {"django_datetime_extract('hour', '1890-07-01 00:00:00', 'Europe/Berlin', 'UTC')", "0"},
        {"django_datetime_extract('week', '2021-01-03 00:00:00', NULL, NULL)", "53"},
        {"django_datetime_extract('iso_year', '2021-01-03 00:00:00', NULL, NULL)", "2020"},
        {"django_datetime_extract('week_day', '2021-01-03 00:00:00', NULL, NULL)", "1"},
        {"django_datetime_cast_date('2024-05-31 23:30:45', 'Asia/Tokyo', 'UTC')", "\"2024-06-01\""},
        {"django_datetime_cast_time('2024-03-31 01:30:00.5', 'Europe/Berlin', 'UTC')", "\"03:30:00.500000\""},
        {"django_datetime_cast_time('2024-10-27 01:30:00', 'UTC', 'Europe/Berlin')", "\"23:30:00\""},
        {"django_time_trunc('minute', '12:30:45', NULL, NULL)", "\"12:30:00\""},
        {"django_date_extract('quarter', '2024-11-05')", "4"},
        {"django_timestamp_diff('2024-01-02 00:00:00', '2024-01-01 00:00:00.5')", "86399500000"},
    };
    TestPool test;
    test_open(&test, "sqlite://", NULL);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char sql[300];
        snprintf(sql, sizeof sql, "SELECT %s", cases[i].sql);
        test_must(&test, sql);
        if (strcmp(json_of(&ormc_result_row(test.result, 0)[0]), cases[i].wanted) != 0)
            fail_msg("%s: %s, not %s", cases[i].sql, json_of(&ormc_result_row(test.result, 0)[0]), cases[i].wanted);
    }
    assert_int_equal(ormc_result_error(test_execute(&test, "SELECT 'a' REGEXP '('")), ORMC_ERROR_DATABASE);
    assert_int_equal(
        ormc_result_error(test_execute(&test, "SELECT django_date_trunc('day', '2024-01-01', 'No/Where', 'UTC')")),
        ORMC_ERROR_DATABASE);
    const OrmcResult *endless = test_execute(&test, "SELECT REPEAT('a', 40) || 'b' REGEXP '^(a|a)*$'");
    assert_string_equal(ormc_result_message(endless), "the regular expression takes too much work");
    test_close(&test);
}

/* ---- texts */

static void test_urls(void **state) {
    (void)state;
    Store store;
    Url url;
    const char *why;
    store_init(&store, NULL, 0);
    assert_true(url_parse(&store, "postgresql+asyncpg://me:se%40c%3Aret@[::1]:5433/app?host=%2Frun&x", &url, &why));
    assert_string_equal(url.scheme, "postgresql");
    assert_string_equal(url.user, "me");
    assert_string_equal(url.password, "se@c:ret");
    assert_string_equal(url.host, "::1");
    assert_string_equal(url.port, "5433");
    assert_string_equal(url.database, "app");
    assert_string_equal(url_option(&url, "host"), "/run");
    assert_string_equal(url_option(&url, "x"), "");
    assert_null(url_option(&url, "y"));
    assert_string_equal(url.whole, "postgresql://me:se%40c%3Aret@[::1]:5433/app?host=%2Frun&x");
    assert_true(url_parse(&store, "sqlite:////tmp/a.db", &url, &why));
    assert_string_equal(url.database, "/tmp/a.db");
    assert_true(url_parse(&store, "sqlite+aiosqlite:///a.db", &url, &why));
    assert_string_equal(url.database, "a.db");
    assert_true(url_parse(&store, "sqlite://", &url, &why));
    assert_null(url.database);
    assert_false(url_parse(&store, "a.db", &url, &why));
    assert_false(
        url_parse(&store, "sqlite://a.db", &url, &why)); /* a slash too few: no database in memory by mistake */
    store_release(&store);
}

/* A client library may repeat the URL; its password is nobody's business. */
static void test_hidden_passwords(void **state) {
    (void)state;
    Store store;
    Url url;
    const char *why;
    store_init(&store, NULL, 0);
    assert_true(url_parse(&store, "postgresql://me:s%40cret@host/app", &url, &why));
    char message[200];
    snprintf(message, sizeof message, "bad: \"postgresql://me:s%%40cret@host/app\", \"s%%40cret\" s%%40crets");
    url_hide_password(&url, message);
    assert_string_equal(message, "bad: \"postgresql://me:***@host/app\", \"***\" s%40crets");
    store_release(&store);
    if (!test_is("postgresql")) return;
    OrmcDatabase *blocking = ormc_database_open("postgresql://me:hunter2@[::1/app", NULL);
    assert_int_equal(ormc_database_error(blocking), ORMC_ERROR_CONNECT);
    assert_null(strstr(ormc_database_message(blocking), "hunter2"));
    ormc_database_close(blocking);
}

static void test_json(void **state) {
    (void)state;
    assert_string_equal(json_of(&(OrmcValue){.type = ORMC_TYPE_FLOAT, .number = 3}), "3.0");
    assert_string_equal(json_of(&(OrmcValue){.type = ORMC_TYPE_FLOAT, .number = 0.1 + 0.2}), "0.30000000000000004");
    assert_string_equal(json_of(&TEXT_VALUE(ORMC_TYPE_TEXT, "\x01\x7f\xff")), "\"\\u0001\\u007f\xEF\xBF\xBD\"");
    assert_string_equal(json_of(&TEXT_VALUE(ORMC_TYPE_BYTES, "")), "\"\"");
    assert_string_equal(json_of(&TEXT_VALUE(ORMC_TYPE_BIGINT, "18446744073709551615")), "18446744073709551615");
    char small[4];
    OrmcValue value = TEXT_VALUE(ORMC_TYPE_TEXT, "long");
    assert_int_equal(ormc_value_write_json(&value, small, sizeof small), 6);
    assert_string_equal(small, "\"lo");
    Store store;
    store_init(&store, NULL, 0);
    value = (OrmcValue){.type = ORMC_TYPE_FLOAT, .number = 2.5};
    value_convert(&store, &value, ORMC_TYPE_DECIMAL);
    assert_string_equal(json_of(&value), "\"2.5\"");
    value = TEXT_VALUE(ORMC_TYPE_DECIMAL, "42.000");
    value_convert(&store, &value, ORMC_TYPE_BIGINT);
    assert_string_equal(json_of(&value), "42");
    store_release(&store);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trips),           cmocka_unit_test(test_round_trips_of_postgresql),
        cmocka_unit_test(test_arrays_of_postgresql),  cmocka_unit_test(test_types_without_a_number),
        cmocka_unit_test(test_moments_of_postgresql), cmocka_unit_test(test_numbers_too_large),
        cmocka_unit_test(test_first_words),           cmocka_unit_test(test_binary_introducer),
        cmocka_unit_test(test_sqlite_functions),      cmocka_unit_test(test_urls),
        cmocka_unit_test(test_hidden_passwords),      cmocka_unit_test(test_json)};
    return test_run(tests, sizeof tests / sizeof *tests);
}
