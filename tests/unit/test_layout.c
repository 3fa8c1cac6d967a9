/* Layout: where lines, blocks and brackets begin and end, and which words are keywords. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "grammar/parser.h"
#include "python.tab.h"
#include "tests/unit/arena_helpers.h"

/* One letter for a token that matters to layout; names and everything else are `x`. */
static char token_letter(const Token *token) {
    switch (token->kind) {
    case TOKEN_NEWLINE: return 'n';
    case TOKEN_INDENT: return '>';
    case TOKEN_DEDENT: return '<';
    case TOKEN_ENDMARKER: return '.';
    case TOKEN_INVALID: return '?';
    case TOKEN_MATCH: return 'M';
    case TOKEN_CASE: return 'C';
    case TOKEN_TYPE: return 'T';
    case TOKEN_WITH_PAREN: return 'W';
    case TOKEN_LPAREN: return '(';
    case TOKEN_COLON: return ':';
    }
    return 'x';
}

static const char *letters(Arena *arena, Slice text, DiagnosticList *diagnostics) {
    Source *source = source_from_text(arena, SLICE("test.py"), text);
    diagnostics_init(diagnostics, arena);
    Layout layout;
    layout_init(&layout, arena, source, 0, (uint32_t)text.length, 0, NULL, diagnostics);
    Buffer out;
    buffer_init(&out, arena);
    while (!layout.finished) {
        layout_fill(&layout);
        for (int i = 0; i < layout.count; i++) buffer_put(&out, token_letter(&layout.tokens[i]));
    }
    return slice_terminated(arena, buffer_view(&out));
}

static void assert_layout(Arena *arena, const char *text, const char *wanted) {
    DiagnosticList diagnostics;
    assert_string_equal(letters(arena, slice_from(text), &diagnostics), wanted);
    assert_int_equal(diagnostics.count, 0);
}

static void assert_refused(Arena *arena, const char *text, const char *wanted, const char *message) {
    DiagnosticList diagnostics;
    assert_string_equal(letters(arena, slice_from(text), &diagnostics), wanted);
    assert_int_equal(diagnostics.count, 1);
    assert_string_equal(slice_terminated(arena, diagnostics.items[0].message), message);
}

static void test_lines(void **state) {
    assert_layout(*state, "", ".");
    assert_layout(*state, "\n\n  # only a comment\n\f\n", ".");
    assert_layout(*state, "x", "xn.");
    assert_layout(*state, "x\r\nx\rx\n", "xnxnxn.");
    assert_layout(*state, "x \\\n  x\n", "xxn.");
    assert_layout(*state, "\xEF\xBB\xBFx\n", "xn.");
    assert_layout(*state, "\fx\n", "xn.");
    assert_layout(*state, "(x\n\n  # c\nx)\n", "(xxxn.");
}

static void test_blocks(void **state) {
    assert_layout(*state, "x:\n  x\nx\n", "x:n>xn<xn.");
    assert_layout(*state, "x:\n  x:\n    x", "x:n>x:n>xn<<.");
    assert_layout(*state, "x:\n\tx\n\tx\n", "x:n>xnxn<.");
    assert_layout(*state, "x:\n  x\n# c\n  x\n", "x:n>xnxn<.");
    assert_layout(*state, "x:\n  x\n  \\\nx\n", "x:n>xnxn<.");
}

static void test_soft_keywords(void **state) {
    assert_layout(*state, "match x:\n  case x: x\n", "Mx:n>Cx:xn<.");
    assert_layout(*state, "match(x)\nmatch = x\nmatch: x\n", "x(xxnxxxnx:xn.");
    assert_layout(*state, "match (x):\n  case x:\n    case = x\n", "M(xx:n>Cx:n>xxxn<<.");
    assert_layout(*state, "case(x)\n", "x(xxn.");
    assert_layout(*state, "type x = x\ntype = x\ntype(x)\nx; type x = x\nx: type\n", "Txxxnxxxnx(xxnxxTxxxnx:xn.");
}

static void test_with(void **state) {
    assert_layout(*state, "with (x as x, x): x\n", "xWxxxxxx:xn.");
    assert_layout(*state, "with (x).x: x\n", "x(xxxx:xn.");
    assert_layout(*state, "with (): x\n", "x(x:xn.");
    assert_layout(*state, "with (x) as x: x\n", "x(xxxx:xn.");
}

static void test_unclosed(void **state) {
    assert_refused(*state, "x(x\ndef x(): x\n", "x(x?nxx(x:xn.", "'(' was never closed");
    assert_refused(*state, "x(x\nx = x\n", "x(x?nxxxn.", "'(' was never closed");
    assert_refused(*state, "x(x,\n  x\n", "x(xxx?n.", "'(' was never closed");
    assert_refused(*state, "x)\n", "x?n.", "unmatched ')'");
    assert_refused(*state, "(x]\n", "(x?n.", "closing ']' does not match opening '(' on line 1");
}

static void test_refused(void **state) {
    assert_refused(*state, "x:\n    x\n  x\n", "x:n>xn<x?xn.", "unindent does not match any outer indentation level");
    assert_refused(*state, "x:\n        x\n\tx\n", "x:n>xnxn<.", "inconsistent use of tabs and spaces in indentation");
    assert_refused(*state, "x\n.x\n", "xnx?xxn.", "a statement can't begin with '.'");
    assert_refused(*state, "\xE2\x82\xAC\n", "x?n.", "invalid character U+20AC");
    assert_refused(*state, "x = \xFF\n", "xx?n.", "the text is not UTF-8");
}

static void test_nesting(void **state) {
    Buffer text;
    buffer_init(&text, *state);
    for (int i = 0; i < 300; i++) buffer_put(&text, '(');
    DiagnosticList diagnostics;
    letters(*state, buffer_view(&text), &diagnostics);
    assert_int_equal(diagnostics.count, 1);
    assert_int_equal(diagnostics.items[0].code, CODE_LIMIT);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_lines, setup, teardown),
        cmocka_unit_test_setup_teardown(test_blocks, setup, teardown),
        cmocka_unit_test_setup_teardown(test_soft_keywords, setup, teardown),
        cmocka_unit_test_setup_teardown(test_with, setup, teardown),
        cmocka_unit_test_setup_teardown(test_unclosed, setup, teardown),
        cmocka_unit_test_setup_teardown(test_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(test_nesting, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
