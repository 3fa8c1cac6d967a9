/* Emission: trees built by hand, and the text of each dialect and style. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "compiler/query/datetime.h"
#include "compiler/query/print.h"
#include "compiler/query/verify.h"

typedef struct Fixture {
    Arena arena;
    DiagnosticList diagnostics;
    Relation *book, *author;
} Fixture;

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

static int setup(void **state) {
    static const Allocator allocator = {allocate, release, NULL};
    Fixture *f = calloc(1, sizeof *f);
    arena_init(&f->arena, &allocator, exhausted, NULL);
    diagnostics_init(&f->diagnostics, &f->arena);
    f->book = relation_table(&f->arena, (Slice){0}, SLICE("book"), (Slice){0});
    f->author = relation_table(&f->arena, (Slice){0}, SLICE("order"), SLICE("T3"));
    f->author->alias_unquoted = true;
    *state = f;
    return 0;
}

static int teardown(void **state) {
    Fixture *f = *state;
    arena_destroy(&f->arena);
    free(f);
    return 0;
}

/* ---- small builders ---- */

static Expr *column(Fixture *f, const char *name) {
    return expr_column(&f->arena, f->book, slice_from(name), SQL_TEXT);
}

static Param *text_value(Fixture *f, const char *text) {
    Param *param = ARENA_NEW(&f->arena, Param);
    param->type = SQL_TEXT;
    param->value = (Literal){.kind = LITERAL_TEXT, .text = slice_from(text)};
    return param;
}

static Query *select_one(Fixture *f, Expr *item) {
    Query *query = query_new(&f->arena, QUERY_SELECT);
    query_add_item(&f->arena, query, item, (Slice){0});
    query_add_from(&f->arena, query, from_relation(&f->arena, f->book));
    return query;
}

static Statement emitted(Fixture *f, DialectId id, EmitStyle style, Query *query) {
    Statement statement;
    EmitOptions options = {.style = style, .inline_literals = true};
    bool good = query_emit(&f->arena, dialect_get(id), &options, query, STATEMENT_SELECT, &f->diagnostics, &statement);
    assert_true(good);
    return statement;
}

static void check(Slice text, const char *expected) {
    Fixture *none = NULL;
    (void)none;
    char copy[4096];
    assert_true(text.length < sizeof copy);
    if (text.length) memcpy(copy, text.start, text.length);
    copy[text.length] = '\0';
    assert_string_equal(copy, expected);
}

static void check_sql(Fixture *f, DialectId id, EmitStyle style, Query *query, const char *expected) {
    check(emitted(f, id, style, query).sql, expected);
}

static void check_expr(Fixture *f, DialectId id, Expr *expr, const char *expected) {
    Query *query = query_new(&f->arena, QUERY_EXPRESSION);
    query->raw = expr;
    check_sql(f, id, STYLE_DJANGO, query, expected);
}

/* ---- tests ---- */

static void test_select(void **state) {
    Fixture *f = *state;
    Query *query = select_one(f, column(f, "Title"));
    query->where = expr_binary(&f->arena, OPERATOR_EQ, column(f, "title"), expr_param(&f->arena, text_value(f, "a'b")),
                               SQL_BOOLEAN);
    query->limit = expr_integer(&f->arena, 3);
    check_sql(f, DIALECT_POSTGRESQL, STYLE_DJANGO, query,
              "SELECT \"book\".\"Title\" FROM \"book\" WHERE \"book\".\"title\" = $1 LIMIT 3");
    check_sql(f, DIALECT_MARIADB, STYLE_SQLALCHEMY, query,
              "SELECT book.`Title` FROM book WHERE book.title = ? LIMIT 3");
    check(emitted(f, DIALECT_SQLITE, STYLE_DJANGO, query).inlined,
          "SELECT \"book\".\"Title\" FROM \"book\" WHERE \"book\".\"title\" = 'a''b' LIMIT 3");
}

static void test_join_and_alias(void **state) {
    Fixture *f = *state;
    Query *query = query_new(&f->arena, QUERY_SELECT);
    Expr *id = expr_column(&f->arena, f->author, SLICE("id"), SQL_INTEGER);
    query_add_item(&f->arena, query, id, SLICE("x"));
    Expr *on = expr_group(&f->arena, expr_binary(&f->arena, OPERATOR_EQ, column(f, "author_id"), id, SQL_BOOLEAN));
    query_add_from(
        &f->arena, query,
        from_join(&f->arena, from_relation(&f->arena, f->book), from_relation(&f->arena, f->author), JOIN_LEFT, on));
    check_sql(f, DIALECT_POSTGRESQL, STYLE_DJANGO, query,
              "SELECT T3.\"id\" AS \"x\" FROM \"book\" LEFT OUTER JOIN \"order\" T3 ON (\"book\".\"author_id\" = "
              "T3.\"id\")");
    check_sql(f, DIALECT_POSTGRESQL, STYLE_SQLALCHEMY, query,
              "SELECT T3.id AS x FROM book LEFT OUTER JOIN \"order\" AS T3 ON (book.author_id = T3.id)");
}

static void test_repeated_parameter(void **state) {
    Fixture *f = *state;
    Param *param = text_value(f, "x");
    Expr *expr =
        expr_function(&f->arena, FUNCTION_COALESCE, SQL_TEXT, 2, column(f, "title"), expr_param(&f->arena, param));
    Query *query = select_one(f, expr);
    expr_list_push(&f->arena, &query->group_by, expr);
    expr_list_push(&f->arena, &query->order_by, expr_param(&f->arena, text_value(f, "x")));
    Statement statement = emitted(f, DIALECT_POSTGRESQL, STYLE_SQLALCHEMY, query);
    check(statement.sql, "SELECT COALESCE(book.title, $1) FROM book GROUP BY COALESCE(book.title, $1) ORDER BY $2");
    assert_int_equal(statement.param_count, 2);
    check(statement.inlined,
          "SELECT COALESCE(book.title, 'x') FROM book GROUP BY COALESCE(book.title, 'x') ORDER BY 'x'");
    assert_int_equal(emitted(f, DIALECT_SQLITE, STYLE_SQLALCHEMY, query).param_count, 3);
}

static void test_many_parameters(void **state) {
    Fixture *f = *state;
    Expr *in = expr_new(&f->arena, EXPR_IN, SQL_BOOLEAN);
    expr_list_push(&f->arena, &in->args, column(f, "title"));
    for (int i = 0; i < 1000; i++) expr_list_push(&f->arena, &in->args, expr_param(&f->arena, text_value(f, "x")));
    Query *query = select_one(f, in->args.items[0]);
    query->where = in;
    query->having = in;
    Statement statement = emitted(f, DIALECT_POSTGRESQL, STYLE_DJANGO, query);
    assert_int_equal(statement.param_count, 1000);
    assert_true(slice_ends_with(statement.sql, ", $999, $1000)"));
}

static void test_lookups(void **state) {
    Fixture *f = *state;
    Expr *contains = expr_binary(&f->arena, OPERATOR_ICONTAINS, column(f, "title"),
                                 expr_param(&f->arena, text_value(f, "%x%")), SQL_BOOLEAN);
    check_expr(f, DIALECT_POSTGRESQL, contains, "UPPER(\"book\".\"title\"::text) LIKE UPPER($1)");
    check_expr(f, DIALECT_SQLITE, contains, "\"book\".\"title\" LIKE ? ESCAPE '\\'");
    check_expr(f, DIALECT_MARIADB, contains, "`book`.`title` LIKE ?");
    contains->as.op.text = SLICE("inet");
    check_expr(f, DIALECT_POSTGRESQL, contains, "UPPER(HOST(\"book\".\"title\")) LIKE UPPER($1)");
    Expr *starts = expr_binary(&f->arena, OPERATOR_STARTSWITH_EXPR, column(f, "title"),
                               expr_group(&f->arena, column(f, "name")), SQL_BOOLEAN);
    check_expr(f, DIALECT_SQLITE, starts,
               "\"book\".\"title\" LIKE REPLACE(REPLACE(REPLACE((\"book\".\"name\"), '\\', '\\\\'), '%', '\\%'), '_', "
               "'\\_') || '%' ESCAPE '\\'");
    check_expr(f, DIALECT_MARIADB, starts,
               "`book`.`title` LIKE BINARY CONCAT(REPLACE(REPLACE(REPLACE((`book`.`name`), '\\\\', '\\\\\\\\'), '%', "
               "'\\%'), '_', '\\_'), '%')");
}

static void test_dates(void **state) {
    Fixture *f = *state;
    Expr *at = expr_column(&f->arena, f->book, SLICE("at"), SQL_DATETIME);
    const Dialect *postgresql = dialect_get(DIALECT_POSTGRESQL), *mariadb = dialect_get(DIALECT_MARIADB);
    const Dialect *sqlite = dialect_get(DIALECT_SQLITE);
    check_expr(f, DIALECT_POSTGRESQL,
               expr_extract(&f->arena, postgresql, SLICE("second"), SQL_DATETIME, at, SLICE("UTC")),
               "EXTRACT(SECOND FROM DATE_TRUNC($1, \"book\".\"at\" AT TIME ZONE $2))");
    check_expr(f, DIALECT_MARIADB,
               expr_truncate(&f->arena, mariadb, SLICE("hour"), SQL_DATETIME, SQL_DATETIME, at, SLICE("UTC-05:30")),
               "CAST(DATE_FORMAT(CONVERT_TZ(`book`.`at`, ?, ?), ?) AS DATETIME)");
    check_expr(f, DIALECT_SQLITE, expr_extract(&f->arena, sqlite, SLICE("year"), SQL_DATETIME, at, SLICE("UTC")),
               "CAST(SUBSTR(\"book\".\"at\", 1, 4) AS INTEGER)");
    check_expr(f, DIALECT_SQLITE, expr_extract(&f->arena, sqlite, SLICE("year"), SQL_DATETIME, at, SLICE("Asia/Tokyo")),
               "django_datetime_extract(?, \"book\".\"at\", ?, ?)");
}

static void test_aggregate_filter(void **state) {
    Fixture *f = *state;
    Expr *count = expr_call(&f->arena, SLICE("COUNT"), SQL_INTEGER, 1, column(f, "id"));
    count->as.call.distinct = true;
    count->as.call.filter = expr_unary(&f->arena, OPERATOR_IS_NULL, column(f, "title"), SQL_BOOLEAN);
    check_expr(f, DIALECT_SQLITE, count, "COUNT(DISTINCT \"book\".\"id\") FILTER (WHERE \"book\".\"title\" IS NULL)");
    check_expr(f, DIALECT_MARIADB, count,
               "COUNT(DISTINCT CASE WHEN `book`.`title` IS NULL THEN `book`.`id` ELSE NULL END)");
}

static void test_template_parameter(void **state) {
    Fixture *f = *state;
    Expr *pair = expr_function(&f->arena, FUNCTION_CONCAT_PAIR, SQL_TEXT, 2, column(f, "a"), column(f, "b"));
    Query *query = select_one(f, pair);
    expr_list_push(&f->arena, &query->group_by, pair);
    check_sql(f, DIALECT_POSTGRESQL, STYLE_SQLALCHEMY, query,
              "SELECT (COALESCE(book.a, $1) || COALESCE(book.b, $2)) FROM book GROUP BY (COALESCE(book.a, $1) || "
              "COALESCE(book.b, $2))");
}

static void test_json_parameter(void **state) {
    Fixture *f = *state;
    Param *param = text_value(f, "{}");
    param->type = SQL_JSON;
    Expr *contains =
        expr_binary(&f->arena, OPERATOR_CONTAINS_VALUE, column(f, "data"), expr_param(&f->arena, param), SQL_BOOLEAN);
    check_expr(f, DIALECT_POSTGRESQL, contains, "\"book\".\"data\" @> $1::jsonb");
}

/* An argument used twice is repeated while small, and computed in a subquery when large. */
static void test_shared_argument(void **state) {
    Fixture *f = *state;
    Expr *large = column(f, "at");
    for (int i = 0; i < 20; i++) large = expr_group(&f->arena, large);
    Expr *small = expr_function(&f->arena, FUNCTION_DATE_TRUNC_QUARTER, SQL_DATE, 1, column(f, "at"));
    check_expr(
        f, DIALECT_SQLITE, small,
        "(SUBSTR(\"book\".\"at\", 1, 5) || PRINTF('%02d', (CAST(SUBSTR(\"book\".\"at\", 6, 2) AS INTEGER) - 1) / "
        "3 * 3 + 1) || '-01')");
    Expr *shared = expr_function(&f->arena, FUNCTION_DATE_TRUNC_QUARTER, SQL_DATE, 1, large);
    check_expr(f, DIALECT_SQLITE, shared,
               "(SELECT (SUBSTR(v0, 1, 5) || PRINTF('%02d', (CAST(SUBSTR(v0, 6, 2) AS INTEGER) - 1) / 3 * 3 + 1) || "
               "'-01') FROM (SELECT ((((((((((((((((((((\"book\".\"at\")))))))))))))))))))) AS v0))");
}

static void test_limits(void **state) {
    Fixture *f = *state;
    Query *query = select_one(f, column(f, "id"));
    query->offset = expr_integer(&f->arena, 5);
    check_sql(f, DIALECT_POSTGRESQL, STYLE_DJANGO, query, "SELECT \"book\".\"id\" FROM \"book\" OFFSET 5");
    check_sql(f, DIALECT_SQLITE, STYLE_DJANGO, query, "SELECT \"book\".\"id\" FROM \"book\" LIMIT -1 OFFSET 5");
    check_sql(f, DIALECT_MYSQL, STYLE_DJANGO, query,
              "SELECT `book`.`id` FROM `book` LIMIT 18446744073709551615 OFFSET 5");
    check_sql(f, DIALECT_POSTGRESQL, STYLE_SQLALCHEMY, query, "SELECT book.id FROM book LIMIT ALL OFFSET 5");
    check_sql(f, DIALECT_SQLITE, STYLE_SQLALCHEMY, query, "SELECT book.id FROM book LIMIT ? OFFSET 5");
    check_sql(f, DIALECT_MYSQL, STYLE_SQLALCHEMY, query, "SELECT book.id FROM book LIMIT 5, 18446744073709551615");
}

/* No name leaves its quotes; a minus never makes a comment. */
static void test_quoting(void **state) {
    Fixture *f = *state;
    check_expr(f, DIALECT_POSTGRESQL, column(f, "a\"b"), "\"book\".\"a\"\"b\"");
    check_expr(f, DIALECT_MYSQL, column(f, "a`b"), "`book`.`a``b`");
    check_expr(f, DIALECT_POSTGRESQL, column(f, "\"x\"; --\""), "\"book\".\"\"\"x\"\"; --\"\"\"");
    Expr *minus = expr_unary(&f->arena, OPERATOR_NEGATE, expr_integer(&f->arena, -5), SQL_INTEGER);
    check_expr(f, DIALECT_SQLITE, minus, "- -5");
}

static void test_refusal(void **state) {
    Fixture *f = *state;
    Query *query = select_one(f, column(f, "id"));
    expr_list_push(&f->arena, &query->distinct_on, column(f, "id"));
    Statement statement;
    EmitOptions options = {.style = STYLE_DJANGO};
    assert_false(query_emit(&f->arena, dialect_get(DIALECT_SQLITE), &options, query, STATEMENT_SELECT, &f->diagnostics,
                            &statement));
    assert_int_equal(f->diagnostics.error_count, 1);
    assert_int_equal(f->diagnostics.items[0].code, CODE_NOT_SUPPORTED);
}

/* A tree that is too deep is a diagnostic, not a crash. */
static void test_depth(void **state) {
    Fixture *f = *state;
    Expr *deep = column(f, "id");
    for (int i = 0; i < 100000; i++) deep = expr_group(&f->arena, deep);
    Statement statement;
    EmitOptions options = {.style = STYLE_DJANGO};
    assert_false(query_emit(&f->arena, dialect_get(DIALECT_SQLITE), &options, select_one(f, deep), STATEMENT_SELECT,
                            &f->diagnostics, &statement));
    assert_int_equal(f->diagnostics.items[0].code, CODE_LIMIT);
    Query *inner = select_one(f, column(f, "id"));
    for (int i = 0; i < 100000; i++) {
        Query *outer = query_new(&f->arena, QUERY_SET_OPERATION);
        outer->parts = ARENA_ARRAY(&f->arena, Query *, 1);
        outer->parts[0] = inner;
        outer->part_count = 1;
        inner = outer;
    }
    assert_false(query_emit(&f->arena, dialect_get(DIALECT_SQLITE), &options, inner, STATEMENT_SELECT, &f->diagnostics,
                            &statement));
    assert_false(expr_equals(deep, expr_group(&f->arena, column(f, "id"))));
}

static void test_verify(void **state) {
    Fixture *f = *state;
    Query *query = select_one(f, column(f, "id"));
    assert_null(query_verify(query));
    f->author->owner = f;
    query->where = expr_column(&f->arena, f->author, SLICE("id"), SQL_INTEGER);
    assert_string_equal(query_verify(query), "a column of a relation that is not in FROM");
    query->where = expr_new(&f->arena, EXPR_BINARY, SQL_BOOLEAN);
    assert_string_equal(query_verify(query), "an expression with too few arguments");
}

static void test_print(void **state) {
    Fixture *f = *state;
    Query *query = select_one(f, column(f, "id"));
    query->where =
        expr_binary(&f->arena, OPERATOR_EQ, column(f, "title"), expr_param(&f->arena, text_value(f, "x")), SQL_BOOLEAN);
    Buffer text;
    buffer_init(&text, &f->arena);
    query_print(&text, query);
    check(buffer_view(&text), "select\n"
                              "  item (column \"book\" id):text\n"
                              "  from table book\n"
                              "  where (EQ (column \"book\" title):text (param 'x'):text):boolean\n");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_select, setup, teardown),
        cmocka_unit_test_setup_teardown(test_join_and_alias, setup, teardown),
        cmocka_unit_test_setup_teardown(test_repeated_parameter, setup, teardown),
        cmocka_unit_test_setup_teardown(test_many_parameters, setup, teardown),
        cmocka_unit_test_setup_teardown(test_lookups, setup, teardown),
        cmocka_unit_test_setup_teardown(test_dates, setup, teardown),
        cmocka_unit_test_setup_teardown(test_aggregate_filter, setup, teardown),
        cmocka_unit_test_setup_teardown(test_template_parameter, setup, teardown),
        cmocka_unit_test_setup_teardown(test_json_parameter, setup, teardown),
        cmocka_unit_test_setup_teardown(test_shared_argument, setup, teardown),
        cmocka_unit_test_setup_teardown(test_limits, setup, teardown),
        cmocka_unit_test_setup_teardown(test_quoting, setup, teardown),
        cmocka_unit_test_setup_teardown(test_refusal, setup, teardown),
        cmocka_unit_test_setup_teardown(test_depth, setup, teardown),
        cmocka_unit_test_setup_teardown(test_verify, setup, teardown),
        cmocka_unit_test_setup_teardown(test_print, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
