/* The public interface of the compiler: contexts, translations, refusals, blocks. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "include/ormc.h"

static const char models[] = "from django.db import models\n"
                             "class Author(models.Model):\n"
                             "    name = models.CharField(max_length=50)\n";

static OrmcContext *context_with_models(const char *dialect) {
    OrmcOptions options = {.size = sizeof options, .dialect = dialect};
    OrmcContext *context = ormc_context_create(&options);
    assert_non_null(context);
    assert_int_equal(ormc_context_add_models_text(context, "shop", "shop/models.py", models, strlen(models)), ORMC_OK);
    return context;
}

static const OrmcTranslation *translate(OrmcContext *context, const char *text, OrmcStatus wanted) {
    const OrmcTranslation *translation;
    assert_int_equal(ormc_context_translate_text(context, NULL, text, strlen(text), &translation), wanted);
    assert_non_null(translation);
    return translation;
}

static void test_query(void **state) {
    (void)state;
    OrmcContext *context = context_with_models("sqlite");
    const OrmcTranslation *translation = translate(context, "Author.objects.filter(name='x')", ORMC_OK);
    assert_int_equal(ormc_translation_query_count(translation), 1);
    const OrmcQuery *query = ormc_translation_query(translation, 0);
    assert_string_equal(query->dialect, "sqlite");
    assert_int_equal(query->line, 1);
    assert_int_equal(query->statement_count, 1);
    const OrmcStatement *statement = &query->statements[0];
    assert_int_equal(statement->kind, ORMC_STATEMENT_SELECT);
    assert_string_equal(statement->sql.data, "SELECT \"shop_author\".\"id\", \"shop_author\".\"name\" FROM "
                                             "\"shop_author\" WHERE \"shop_author\".\"name\" = ?");
    assert_int_equal(statement->param_count, 1);
    assert_int_equal(statement->params[0].source, ORMC_PARAM_KNOWN);
    assert_string_equal(statement->params[0].value.text, "x");
    assert_null(ormc_translation_query(translation, 1));
    ormc_context_destroy(context);
}

static void test_dialects_of_one_context(void **state) {
    (void)state;
    OrmcContext *context = context_with_models(NULL);
    static const char *const dialects[] = {"mysql", "postgresql", "mariadb", "sqlite"};
    for (int i = 0; i < 4; i++) {
        assert_int_equal(ormc_context_set_dialect(context, dialects[i]), ORMC_OK);
        const OrmcTranslation *translation = translate(context, "Author.objects.filter(pk=1)", ORMC_OK);
        assert_string_equal(ormc_translation_query(translation, 0)->dialect, dialects[i]);
    }
    assert_int_equal(ormc_context_set_dialect(context, "oracle"), ORMC_USAGE);
    assert_true(strlen(ormc_context_message(context)) > 0);
    ormc_context_destroy(context);
}

static void test_refusal(void **state) {
    (void)state;
    OrmcContext *context = context_with_models("sqlite");
    const OrmcTranslation *translation = translate(context, "Author.objects.filter(nam='x')", ORMC_REFUSED);
    assert_int_equal(ormc_translation_diagnostic_count(translation), 1);
    const OrmcDiagnostic *diagnostic = ormc_translation_diagnostic(translation, 0);
    assert_string_equal(diagnostic->code, "field-error");
    assert_false(diagnostic->is_warning);
    assert_int_equal(diagnostic->line, 1);
    assert_int_equal(diagnostic->column, 23);
    assert_non_null(strstr(diagnostic->help.data, "name"));
    translate(context, "Author.objects.filter(name='x')", ORMC_OK);
    ormc_context_destroy(context);
}

/* What a translation shows of a text does not need the caller's copy of it. */
static void test_text_is_copied(void **state) {
    (void)state;
    OrmcContext *context = context_with_models("sqlite");
    static const char texts[][40] = {"Author.objects.filter(nam='x')", "Author.objects.filter(name='x')"};
    const OrmcTranslation *translation;
    for (int i = 0; i < 2; i++) {
        char *text = malloc(sizeof texts[i]), *name = malloc(10);
        memcpy(text, texts[i], sizeof texts[i]);
        strcpy(name, "views.py");
        ormc_context_translate_text(context, name, text, strlen(text), &translation);
        free(text);
        free(name);
        OrmcText shown = ormc_translation_render_diagnostics(translation, false);
        if (i == 0) assert_non_null(strstr(shown.data, "views.py:1:23\n  |\n1 | Author.objects.filter(nam='x')"));
    }
    const OrmcQuery *query = ormc_translation_query(translation, 0);
    assert_memory_equal(query->source.data, texts[1], strlen(texts[1]));
    ormc_context_destroy(context);
}

static void test_batch_lines(void **state) {
    (void)state;
    OrmcContext *context = context_with_models("sqlite");
    static const struct {
        const char *line, *part;
    } cases[] = {
        {"{\"id\": \"a\", \"expr\": \"Author.objects.count()\"}",
         "{\"id\": \"a\", \"ok\": true, \"statements\": [{\"kind\": \"select\""},
        {"{\"id\": 7, \"expr\": \"Author.objects.get(\"}",
         "{\"id\": 7, \"ok\": false, \"error\": {\"code\": \"syntax-error\""},
        {"{\"id\": \"b\", \"expr\": \"Author.objects.filter(id__in=[])\"}", "\"ok\": true, \"statements\": []"},
        {"nothing", "\"id\": null, \"ok\": false"},
        {"{\"id\": \"c\"}", "{\"id\": \"c\", \"ok\": false"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        OrmcText answer = ormc_context_answer_line(context, cases[i].line, strlen(cases[i].line));
        assert_non_null(answer.data);
        if (!strstr(answer.data, cases[i].part)) fail_msg("%s", answer.data);
    }
    ormc_context_destroy(context);
}

static void test_usage(void **state) {
    (void)state;
    OrmcContext *context = context_with_models("sqlite");
    assert_int_equal(ormc_context_add_file(context, "/nowhere/at/all.py"), ORMC_USAGE);
    assert_non_null(strstr(ormc_context_message(context), "/nowhere/at/all.py"));
    translate(context, "Author.objects.all()", ORMC_OK);
    assert_int_equal(ormc_context_set_setting(context, "USE_TZ", "True"), ORMC_USAGE);
    ormc_context_destroy(context);
    OrmcOptions options = {.size = sizeof options, .dialect = "nonsense"};
    assert_null(ormc_context_create(&options));
    ormc_context_destroy(NULL);
}

static void test_blocks(void **state) {
    (void)state;
    static const char text[] =
        "# Title\n\n## One\n\n```python\na\n```\n\n```sql sqlite\nSELECT 1;\n```\n## Two #\n~~~\nx\n~~~\n";
    OrmcContext *context = ormc_context_create(NULL);
    const OrmcBlock *blocks;
    int count;
    assert_int_equal(ormc_context_read_blocks(context, text, strlen(text), &blocks, &count), ORMC_OK);
    assert_int_equal(count, 3);
    assert_memory_equal(blocks[0].heading.data, "One", 3);
    assert_int_equal(blocks[0].line, 6);
    assert_memory_equal(blocks[1].info.data, "sql sqlite", 10);
    assert_memory_equal(blocks[1].content.data, "SELECT 1;\n", 10);
    assert_int_equal(blocks[2].heading.length, 3);
    ormc_context_destroy(context);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_query),   cmocka_unit_test(test_dialects_of_one_context),
                                       cmocka_unit_test(test_refusal), cmocka_unit_test(test_batch_lines),
                                       cmocka_unit_test(test_usage),   cmocka_unit_test(test_text_is_copied),
                                       cmocka_unit_test(test_blocks)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
