/* Formatted text beside the C library's, and maps keyed by texts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "compiler/base/diagnostic.h"
#include "compiler/base/slice.h"
#include "tests/unit/arena_helpers.h"

#define assert_formats(...)                                                                                            \
    do {                                                                                                               \
        char wanted[200];                                                                                              \
        snprintf(wanted, sizeof wanted, __VA_ARGS__);                                                                  \
        Slice made = slice_format(*state, __VA_ARGS__);                                                                \
        assert_string_equal(made.start, wanted);                                                                       \
        assert_int_equal(made.length, strlen(wanted));                                                                 \
    } while (0)

/* What is formatted here and what is left to the C library, alone and mixed. */
static void test_format(void **state) {
    assert_formats("plain");
    assert_formats("%s%s|%c|%%", "", "text", 'x');
    assert_formats("%d %d %d %u %u", 0, INT32_MIN, INT32_MAX, 0u, UINT32_MAX);
    assert_formats("%.*s|%.*s|%.*s", 0, "none", 3, "short", 20, "all of it");
    assert_formats("%.*s", 5, "ab\0cd");
    assert_formats("%s %04d %x %.3f %s", "first", 7, 255, 1.5, "last");
    assert_formats("%lld %.3s", -5LL, "abcdef");
}

static void test_slice_map(void **state) {
    SliceMap map = {0};
    static int values[1000];
    assert_null(slice_map_get(&map, SLICE("a")));
    for (int i = 0; i < 1000; i++) slice_map_add(&map, *state, slice_format(*state, "key %d", i), &values[i]);
    for (int i = 0; i < 1000; i++) assert_ptr_equal(slice_map_get(&map, slice_format(*state, "key %d", i)), &values[i]);
    assert_null(slice_map_get(&map, SLICE("key")));
    assert_int_equal(map.count, 1000);
}

/* However they come, diagnostics stand by place too, and the same one stands once. */
static void test_diagnostics_by_place(void **state) {
    DiagnosticList list;
    Source *source = source_from_text(*state, SLICE("a.py"), SLICE("text"));
    diagnostics_init(&list, *state);
    for (uint32_t i = 0; i < 1000; i++) {
        uint32_t start = i * 7 % 100;
        diagnostics_add(&list, CODE_VALUE_ERROR, SEVERITY_ERROR, (Span){source, start, start + 1}, "%u", i % 3);
    }
    assert_int_equal(list.count, 300);
    for (int i = 1; i < list.count; i++)
        assert_true(list.items[list.by_place[i - 1]].span.start <= list.items[list.by_place[i]].span.start);
    for (uint32_t i = 0; i < 100; i++) assert_int_equal(diagnostics_from(&list, source, i), i * 3);
    assert_int_equal(diagnostics_from(&list, source, 100), 300);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_format), cmocka_unit_test(test_slice_map),
                                       cmocka_unit_test(test_diagnostics_by_place)};
    return cmocka_run_group_tests(tests, setup, teardown);
}
