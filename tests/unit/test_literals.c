/* Literals: what numbers and strings mean. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "grammar/syntax.h"
#include "tests/unit/arena_helpers.h"

static Node *read_expression(Arena *arena, const char *text, DiagnosticList *diagnostics) {
    AtomTable atoms;
    atom_table_init(&atoms, arena, NULL);
    diagnostics_init(diagnostics, arena);
    Source *source = source_from_text(arena, SLICE("test.py"), slice_from(text));
    NodeModule *module = parse_module(arena, &atoms, source, -1, NULL, diagnostics);
    assert_int_equal(module->body.count, 1);
    return NODE_AS(Expr, module->body.items[0])->value;
}

static Constant read_constant(Arena *arena, const char *text) {
    DiagnosticList diagnostics;
    Node *node = read_expression(arena, text, &diagnostics);
    assert_int_equal(diagnostics.count, 0);
    return NODE_AS(Constant, node)->value;
}

static void assert_integer(Arena *arena, const char *text, int64_t wanted) {
    Constant constant = read_constant(arena, text);
    assert_int_equal(constant.kind, CONSTANT_INTEGER);
    assert_false(constant.big);
    assert_true(constant.integer == wanted);
}

static void assert_big(Arena *arena, const char *text, const char *wanted) {
    Constant constant = read_constant(arena, text);
    assert_true(constant.big);
    assert_string_equal(slice_terminated(arena, constant.text), wanted);
}

static void assert_float(Arena *arena, const char *text, double wanted) {
    Constant constant = read_constant(arena, text);
    assert_int_equal(constant.kind, CONSTANT_FLOAT);
    assert_true(constant.number == wanted);
    assert_string_equal(slice_terminated(arena, constant.text), text);
}

static void assert_text(Arena *arena, const char *text, const char *wanted, size_t length) {
    Constant constant = read_constant(arena, text);
    assert_int_equal(constant.kind, CONSTANT_STRING);
    assert_int_equal(constant.text.length, length);
    assert_memory_equal(constant.text.start, wanted, length);
}

#define ASSERT_TEXT(arena, text, wanted) assert_text((arena), (text), (wanted), sizeof(wanted) - 1)

static void assert_refused(Arena *arena, const char *text, const char *message) {
    DiagnosticList diagnostics;
    read_expression(arena, text, &diagnostics);
    assert_int_equal(diagnostics.count, 1);
    assert_string_equal(slice_terminated(arena, diagnostics.items[0].message), message);
}

static void test_integers(void **state) {
    assert_integer(*state, "0", 0);
    assert_integer(*state, "000_0", 0);
    assert_integer(*state, "1_000", 1000);
    assert_integer(*state, "0xFf", 255);
    assert_integer(*state, "0o_17", 15);
    assert_integer(*state, "0B101", 5);
    assert_integer(*state, "9223372036854775807", INT64_MAX);
    assert_integer(*state, "0x7fffffffffffffff", INT64_MAX);
    assert_big(*state, "9223372036854775808", "9223372036854775808");
    assert_big(*state, "0x8000_0000_0000_0000", "9223372036854775808");
    assert_big(*state, "0xffffffffffffffffffffffffffffffff", "340282366920938463463374607431768211455");
    assert_big(*state,
               "0b1"
               "0000000000000000000000000000000000000000000000000000000000000000",
               "18446744073709551616");
}

static void test_floats(void **state) {
    assert_float(*state, "1.5", 1.5);
    assert_float(*state, "1.", 1.0);
    assert_float(*state, ".5", 0.5);
    assert_float(*state, "1e3", 1000.0);
    assert_float(*state, "1_0.2_5E-1_0", 10.25e-10);
    assert_float(*state, "0.1", 0.1);
    assert_float(*state, "1e-320", 1e-320);
    assert_float(*state, "123456789012345678901234567890.5", 123456789012345678901234567890.5);
    assert_float(*state, "1e309", 1e308 * 10);
    Constant imaginary = read_constant(*state, "1.5J");
    assert_int_equal(imaginary.kind, CONSTANT_IMAGINARY);
    assert_true(imaginary.number == 1.5);
}

static void test_strings(void **state) {
    ASSERT_TEXT(*state, "'a'", "a");
    ASSERT_TEXT(*state, "\"\"", "");
    ASSERT_TEXT(*state, "'''a'b''c'''", "a'b''c");
    ASSERT_TEXT(*state, "'''a\r\nb\rc\n'''", "a\nb\nc\n");
    ASSERT_TEXT(*state, "'a\\\nb'", "ab");
    ASSERT_TEXT(*state, "r'\\n\\''", "\\n\\'");
    ASSERT_TEXT(*state, "'\\a\\b\\f\\n\\r\\t\\v\\\\\\'\\\"'", "\a\b\f\n\r\t\v\\'\"");
    ASSERT_TEXT(*state, "'\\q\\8'", "\\q\\8");
    ASSERT_TEXT(*state, "'\\0\\12\\1234\\777'", "\0\nS4\xC7\xBF");
    ASSERT_TEXT(*state, "'\\x41\\xe9\\u20ac\\U0001F600'", "A\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80");
    ASSERT_TEXT(*state, "'\\ud83d'", "\xED\xA0\xBD");
    ASSERT_TEXT(*state, "'\\N{EURO SIGN}\\N{euro sign}\\N{HANGUL SYLLABLE HAN}'",
                "\xE2\x82\xAC\xE2\x82\xAC\xED\x95\x9C");
    ASSERT_TEXT(*state, "'\\N{CJK UNIFIED IDEOGRAPH-4E00}\\N{NULL}\\N{BOM}'", "\xE4\xB8\x80\0\xEF\xBB\xBF");
    ASSERT_TEXT(*state, "'a' \"b\" '''c'''", "abc");
    assert_true(read_constant(*state, "u'a' 'b'").unicode_kind);
    assert_false(read_constant(*state, "'a' u'b'").unicode_kind);
}

static void test_bytes(void **state) {
    Constant bytes = read_constant(*state, "b'a\\xff\\u1234' Rb'\\n'");
    assert_int_equal(bytes.kind, CONSTANT_BYTES);
    assert_int_equal(bytes.text.length, 10);
    assert_memory_equal(bytes.text.start, "a\xff\\u1234\\n", 10);
}

static void test_refused(void **state) {
    assert_refused(*state, "'\\x4'", "truncated escape sequence: hexadecimal digits are missing");
    assert_refused(*state, "'\\U00110000'", "no such Unicode character");
    assert_refused(*state, "'\\N{NOT A NAME}'", "unknown Unicode character name");
    assert_refused(*state, "'\\N'", "malformed \\N{\xE2\x80\xA6} escape");
    assert_refused(*state, "b'\xC3\xA9'", "bytes can only contain ASCII literal characters");
    assert_refused(*state, "'a' b'b'", "cannot mix bytes and nonbytes literals");
}

static void test_identifiers(void **state) {
    DiagnosticList diagnostics;
    Node *node = read_expression(*state, "\xEF\xBD\x97\xEF\xBD\x89\xC2\xB5", &diagnostics); /* ｗｉµ */
    assert_string_equal(NODE_AS(Name, node)->id->text.start, "wi\xCE\xBC");
    node = read_expression(*state, "e\xCC\x81", &diagnostics); /* e and a combining accent */
    assert_string_equal(NODE_AS(Name, node)->id->text.start, "\xC3\xA9");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_integers, setup, teardown),
        cmocka_unit_test_setup_teardown(test_floats, setup, teardown),
        cmocka_unit_test_setup_teardown(test_strings, setup, teardown),
        cmocka_unit_test_setup_teardown(test_bytes, setup, teardown),
        cmocka_unit_test_setup_teardown(test_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(test_identifiers, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
