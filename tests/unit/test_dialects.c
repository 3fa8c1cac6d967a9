/* Dialects: every function and operator is written or refused in each, templates are well formed, literals are exact.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "compiler/query/templates.h"

static void *allocate(void *user, size_t size) {
    (void)user;
    return malloc(size);
}
static void release(void *user, void *block) {
    (void)user;
    free(block);
}
static void exhausted(void *user) {
    (void)user;
    abort();
}
static const Allocator allocator = {allocate, release, NULL};

/* Holes that the emitter knows, and balanced parentheses outside quotes. */
static void check_template(const char *name, const char *text) {
    if (!text || !*text) fail_msg("%s has no template", name);
    if (text[0] == TEMPLATE_REFUSED) {
        if (!text[1]) fail_msg("%s is refused without a word", name);
        return;
    }
    int depth = 0;
    bool quoted = false;
    for (const char *at = text; *at; at++) {
        if (*at == '\'') quoted = !quoted;
        if (!quoted && *at == '(') depth++;
        if (!quoted && *at == ')' && --depth < 0) fail_msg("%s closes more than it opens: %s", name, text);
        if (*at != '{') continue;
        bool digit = at[1] >= '0' && at[1] <= '9';
        bool hole = at[1] && strchr("*xte", at[1]) && at[2] == '}';
        hole = hole || at[1] == '#' || at[1] == '\'';
        if (!hole && !(digit && (at[2] == '}' || (at[2] == '*' && at[3] == '}'))))
            fail_msg("%s has a hole that nothing fills: %s", name, text);
    }
    if (depth || quoted) fail_msg("%s is not balanced: %s", name, text);
}

static void test_templates_complete(void **state) {
    (void)state;
    const Dialect *dialect;
    for (int d = 0; (dialect = dialect_at(d)); d++) {
        assert_ptr_equal(dialect_find(slice_from(dialect->name)), dialect);
        for (int i = FUNCTION_NONE + 1; i < FUNCTION_COUNT_OF_IDS; i++)
            check_template(function_name((FunctionId)i), template_of_function(dialect, (FunctionId)i));
        for (int i = 0; i < OPERATOR_COUNT_OF_IDS; i++)
            check_template(operator_name((OperatorId)i), template_of_operator(dialect, (OperatorId)i));
    }
}

static void test_find(void **state) {
    (void)state;
    assert_ptr_equal(dialect_find(SLICE("mariadb")), dialect_get(DIALECT_MARIADB));
    assert_null(dialect_find(SLICE("oracle")));
    for (int id = 0; id < DIALECT_COUNT; id++) assert_int_equal(dialect_get((DialectId)id)->id, id);
}

static void test_names(void **state) {
    (void)state;
    static const char *const plain[] = {"id", "_a", "a$", "users"}, *const quoted[] = {"A",     "1a", "$a", "a b",
                                                                                       "order", "é",  ""};
    const Dialect *dialect;
    for (int d = 0; (dialect = dialect_at(d)); d++) {
        for (size_t i = 0; i < sizeof plain / sizeof *plain; i++)
            if (dialect->name_needs_quotes(slice_from(plain[i]))) fail_msg("%s quotes %s", dialect->name, plain[i]);
        for (size_t i = 0; i < sizeof quoted / sizeof *quoted; i++)
            if (!dialect->name_needs_quotes(slice_from(quoted[i])))
                fail_msg("%s does not quote %s", dialect->name, quoted[i]);
    }
    assert_true(dialect_get(DIALECT_POSTGRESQL)->name_needs_quotes(SLICE("user")));
    assert_false(dialect_get(DIALECT_SQLITE)->name_needs_quotes(SLICE("user")));
}

/* ---- literals ---- */

static void check_literal(DialectId id, Literal literal, SqlType type, const char *expected) {
    Arena arena;
    arena_init(&arena, &allocator, exhausted, NULL);
    Buffer text;
    buffer_init(&text, &arena);
    const char *why = NULL;
    bool good = dialect_get(id)->write_literal(&text, &literal, type, &why);
    buffer_put(&text, '\0');
    if (expected) {
        assert_true(good);
        assert_string_equal(text.data, expected);
    } else {
        assert_false(good);
        assert_non_null(why);
    }
    arena_destroy(&arena);
}

static Literal text_of(Slice text) { return (Literal){.kind = LITERAL_TEXT, .text = text}; }

static void test_text_literals(void **state) {
    (void)state;
    Literal quote = text_of(SLICE("a'b")), slash = text_of(SLICE("a\\'b")), nul = text_of(SLICE("a\0b"));
    Literal surrogate = text_of(SLICE("\xed\xa0\x80"));
    check_literal(DIALECT_POSTGRESQL, quote, SQL_TEXT, "'a''b'");
    check_literal(DIALECT_POSTGRESQL, slash, SQL_TEXT, "E'a\\\\''b'");
    check_literal(DIALECT_POSTGRESQL, nul, SQL_TEXT, NULL);
    check_literal(DIALECT_SQLITE, slash, SQL_TEXT, "'a\\''b'");
    check_literal(DIALECT_SQLITE, nul, SQL_TEXT, "('a'||char(0)||'b')");
    check_literal(DIALECT_MARIADB, slash, SQL_TEXT, "'a\\\\''b'");
    check_literal(DIALECT_MYSQL, nul, SQL_TEXT, "'a\\0b'");
    for (int d = 0; d < DIALECT_COUNT; d++) check_literal((DialectId)d, surrogate, SQL_TEXT, NULL);
}

static void test_typed_literals(void **state) {
    (void)state;
    Literal number = {.kind = LITERAL_FLOAT, .number = 0.1}, infinite = {.kind = LITERAL_FLOAT, .number = -INFINITY};
    Literal span = {.kind = LITERAL_INTEGER, .integer = -90000000},
            least = {.kind = LITERAL_INTEGER, .integer = INT64_MIN};
    Literal bytes = {.kind = LITERAL_BYTES, .text = SLICE("\0\xff'")};
    check_literal(DIALECT_POSTGRESQL, number, SQL_FLOAT, "0.1");
    check_literal(DIALECT_MARIADB, number, SQL_FLOAT, "0.1e0");
    check_literal(DIALECT_POSTGRESQL, infinite, SQL_FLOAT, "'-Infinity'::float8");
    check_literal(DIALECT_SQLITE, infinite, SQL_FLOAT, "(-9e999)");
    check_literal(DIALECT_MYSQL, infinite, SQL_FLOAT, NULL);
    check_literal(DIALECT_POSTGRESQL, span, SQL_INTERVAL, "'-90000000 microseconds'::interval");
    check_literal(DIALECT_SQLITE, span, SQL_INTERVAL, "-90000000");
    check_literal(DIALECT_POSTGRESQL, least, SQL_BIGINT, "'-9223372036854775808'::bigint");
    check_literal(DIALECT_SQLITE, least, SQL_BIGINT, "-9223372036854775808");
    check_literal(DIALECT_POSTGRESQL, bytes, SQL_BYTES, "'\\x00ff27'::bytea");
    check_literal(DIALECT_SQLITE, bytes, SQL_BYTES, "X'00ff27'");
    check_literal(DIALECT_POSTGRESQL, text_of(SLICE("2024-01-31T10:00:00+00:00")), SQL_DATETIME,
                  "'2024-01-31T10:00:00+00:00'::timestamptz");
    check_literal(DIALECT_POSTGRESQL, text_of(SLICE("1.50")), SQL_DECIMAL, "1.50");
    check_literal(DIALECT_POSTGRESQL, text_of(SLICE("1); DROP")), SQL_DECIMAL, "'1); DROP'::numeric");
}

static void test_array_literals(void **state) {
    (void)state;
    Literal items[] = {text_of(SLICE("a\"b\\")), {.kind = LITERAL_NULL}, {.kind = LITERAL_INTEGER, .integer = 3}};
    Literal array = {.kind = LITERAL_ARRAY, .items = items, .count = 3};
    check_literal(DIALECT_POSTGRESQL, array, SQL_TEXT, "E'{\"a\\\\\"b\\\\\\\\\",NULL,3}'");
    check_literal(DIALECT_SQLITE, array, SQL_TEXT, NULL);
    Literal map = {.kind = LITERAL_MAP, .items = items, .count = 2};
    check_literal(DIALECT_POSTGRESQL, map, SQL_TEXT, "E'\"a\\\\\"b\\\\\\\\\"=>NULL'::hstore");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_templates_complete),
        cmocka_unit_test(test_find),
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_text_literals),
        cmocka_unit_test(test_typed_literals),
        cmocka_unit_test(test_array_literals),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
