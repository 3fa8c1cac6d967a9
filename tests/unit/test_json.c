/* JSON: whatever bytes come in, what goes out is valid, and what is read comes back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "compiler/json.h"
#include "tests/unit/arena_helpers.h"

static void assert_written(Arena *arena, Slice text, const char *wanted) {
    Buffer out;
    buffer_init(&out, arena);
    json_write_string(&out, text);
    assert_string_equal(slice_terminated(arena, buffer_view(&out)), wanted);
}

static void test_strings_are_escaped(void **state) {
    assert_written(*state, SLICE("a\"b\\c\n\t\r"), "\"a\\\"b\\\\c\\n\\t\\r\"");
    assert_written(*state, SLICE("\0\x01\x1f\x7f"), "\"\\u0000\\u0001\\u001f\\u007f\"");
    assert_written(*state, SLICE("é€😀"), "\"é€😀\"");
}

static void test_what_is_no_text_is_marked(void **state) {
    assert_written(*state, SLICE("\xed\xa0\x80"), "\"\\ud800\"");
    assert_written(*state, SLICE("a\xff\xc3"), "\"a\\ufffd\\ufffd\"");
    assert_written(*state, SLICE("\xc0\xaf"), "\"\\ufffd\\ufffd\"");
}

static void test_numbers_read_back(void **state) {
    static const double numbers[] = {0, 1, -1.5, 0.1, 1e300, 5e-324, 1.0 / 3};
    Arena *arena = *state;
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        Buffer out;
        buffer_init(&out, arena);
        json_write_number(&out, numbers[i]);
        assert_true(strtod(slice_terminated(arena, buffer_view(&out)), NULL) == numbers[i]);
    }
}

static const Json *read_text(Arena *arena, const char *text) {
    const char *error;
    size_t at;
    return json_read(arena, slice_from(text), &error, &at);
}

static void test_values_are_read(void **state) {
    const Json *value = read_text(*state, " {\"a\": [1, -2.5e3, true, null], \"b\": \"x\\u00e9\\ud83d\\ude00\\n\"} ");
    assert_non_null(value);
    const Json *list = json_member(value, "a"), *text = json_member(value, "b");
    assert_int_equal(list->count, 4);
    assert_int_equal(list->items[2].kind, JSON_TRUE);
    assert_true(slice_equals_text(list->items[1].text, "-2.5e3"));
    assert_true(slice_equals_text(text->text, "xé😀\n"));
    assert_null(json_member(value, "c"));
}

static void test_lone_surrogates_are_kept(void **state) {
    const Json *value = read_text(*state, "\"\\ud800x\"");
    assert_non_null(value);
    assert_true(slice_equals_text(value->text, "\xed\xa0\x80x"));
}

static void test_what_is_wrong_is_refused(void **state) {
    static const char *const wrong[] = {"",        "{",         "[1,", "\"a",    "{\"a\" 1}", "{a: 1}",  "nul",
                                        "\"\\x\"", "\"\\u12\"", "1 2", "\"\n\"", "[1]]",      "{\"a\":}"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) assert_null(read_text(*state, wrong[i]));
    char deep[4000];
    memset(deep, '[', sizeof deep - 1);
    deep[sizeof deep - 1] = '\0';
    assert_null(read_text(*state, deep));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_strings_are_escaped),      cmocka_unit_test(test_what_is_no_text_is_marked),
        cmocka_unit_test(test_numbers_read_back),        cmocka_unit_test(test_values_are_read),
        cmocka_unit_test(test_lone_surrogates_are_kept), cmocka_unit_test(test_what_is_wrong_is_refused)};
    return cmocka_run_group_tests(tests, setup, teardown);
}
