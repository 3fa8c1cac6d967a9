/* Sources: fences of Markdown, places, and how a diagnostic is shown. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "grammar/syntax.h"
#include "tests/unit/arena_helpers.h"

static const char markdown[] = "# T\xC3\xA9xt\n"
                               "```python models\n"
                               "a = 1\n"
                               "```\n"
                               "- item\n"
                               "   ~~~~ py\n"
                               "   b = \"\"\"c\n"
                               "   d\"\"\"\n"
                               "   ~~~\n"
                               "   ~~~~\n"
                               "``` sql\n"
                               "select\n"
                               "```\n"
                               "~~~python\n"
                               "e = (\n";

static void test_blocks(void **state) {
    Slice text = slice_from(markdown);
    Source *source = source_from_markdown(*state, SLICE("a.md"), text);
    assert_int_equal(source->text.length, text.length);
    assert_int_equal(source->block_count, 4);
    assert_string_equal(slice_terminated(*state, source->blocks[0].info), "python models");
    assert_string_equal(slice_terminated(*state, source->blocks[1].info), "py");
    assert_int_equal(source->blocks[1].indent, 3);
    assert_true(source_block_is_python(&source->blocks[1]));
    assert_false(source_block_is_python(&source->blocks[2]));
    assert_int_equal(source->blocks[3].end, text.length);
    for (size_t i = 0; i < text.length; i++) {
        char byte = source->text.start[i];
        assert_true(byte == text.start[i] || byte == ' ');
    }
}

static void test_reading_blocks(void **state) {
    Source *source = source_from_markdown(*state, SLICE("a.md"), slice_from(markdown));
    AtomTable atoms;
    atom_table_init(&atoms, *state, NULL);
    DiagnosticList diagnostics;
    diagnostics_init(&diagnostics, *state);
    NodeModule *module = parse_module(*state, &atoms, source, -1, NULL, &diagnostics);
    assert_int_equal(module->body.count, 4); /* the shorter fence is content, which can't be read */
    const NodeConstant *text = NODE_AS(Constant, NODE_AS(Assign, module->body.items[1])->value);
    assert_string_equal(slice_terminated(*state, text->value.text), "c\nd");
    assert_int_equal(diagnostics.count, 2);
    module = parse_module(*state, &atoms, source, 0, NULL, &diagnostics);
    assert_int_equal(module->body.count, 1);
}

static void test_names(void **state) {
    (void)state;
    assert_true(source_is_markdown_name(SLICE("a.md"), SLICE("")));
    assert_true(source_is_markdown_name(SLICE("a.txt"), SLICE("x\n```python\n")));
    assert_false(source_is_markdown_name(SLICE("a.txt"), SLICE("x = 1\n")));
    assert_false(source_is_markdown_name(SLICE("a.py"), SLICE("```python\n")));
}

static void test_positions(void **state) {
    Source *source = source_from_text(*state, SLICE("a.py"), SLICE("\xC3\xA9 = 1\r\nb\rc\n"));
    Position position = source_position(source, 3);
    assert_int_equal(position.line, 1);
    assert_int_equal(position.column, 3);
    position = source_position(source, 8);
    assert_int_equal(position.line, 2);
    assert_int_equal(position.column, 1);
    assert_int_equal(source_position(source, 10).line, 3);
    assert_int_equal(source_position(source, 4000).line, 4);
    assert_string_equal(slice_terminated(*state, source_line(source, 8)), "b");
}

static void test_rendering(void **state) {
    Source *source = source_from_text(*state, SLICE("a.py"), SLICE("x\n\t\xC3\xA9 = nam\n"));
    DiagnosticList diagnostics;
    diagnostics_init(&diagnostics, *state);
    Diagnostic *diagnostic =
        diagnostics_add(&diagnostics, CODE_FIELD_ERROR, SEVERITY_ERROR, (Span){source, 8, 11}, "no '%s'", "nam");
    diagnostic->help = SLICE("did you mean 'name'?");
    Buffer out;
    buffer_init(&out, *state);
    diagnostics_render(&out, &diagnostics, false);
    assert_string_equal(slice_terminated(*state, buffer_view(&out)), "error[field-error]: no 'nam'\n"
                                                                     " --> a.py:2:6\n"
                                                                     "  |\n"
                                                                     "2 | \t\xC3\xA9 = nam\n"
                                                                     "  | \t    ^^^\n"
                                                                     "help: did you mean 'name'?\n");
    out.length = 0;
    diagnostic_render_line(&out, diagnostic);
    assert_string_equal(slice_terminated(*state, buffer_view(&out)), "a.py:2:6: error[field-error]: no 'nam'\n");
    assert_true(diagnostics_add(&diagnostics, CODE_FIELD_ERROR, SEVERITY_ERROR, (Span){source, 8, 11}, "no 'nam'") ==
                diagnostic);
}

/* Files that say so in their first two lines are read in the encoding that they name. */
static void test_encodings(void **state) {
    static const struct {
        const char *bytes, *wanted;
    } cases[] = {
        {"# coding: latin-1\nx = '\xE9'", "# coding: latin-1\nx = '\xC3\xA9'"},
        {"#!/bin/x\n# -*- coding: ISO_8859_15 -*-\n\xA4", "#!/bin/x\n# -*- coding: ISO_8859_15 -*-\n\xE2\x82\xAC"},
        {"\n# vim: set fileencoding=cp1252 :\n\x80\x99",
         "\n# vim: set fileencoding=cp1252 :\n\xE2\x82\xAC\xE2\x84\xA2"},
        {"x = 1\n# coding: latin-1\n\xE9", "x = 1\n# coding: latin-1\n\xE9"},
        {"\n\n# coding: latin-1\n\xE9", "\n\n# coding: latin-1\n\xE9"},
        {"# coding: utf-8\n\xC3\xA9", "# coding: utf-8\n\xC3\xA9"},
        {"# coding", "# coding"},
        {"", ""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        Slice text = source_decode(*state, slice_from(cases[i].bytes));
        assert_int_equal(text.length, strlen(cases[i].wanted));
        assert_memory_equal(text.start, cases[i].wanted, text.length);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_blocks, setup, teardown),
        cmocka_unit_test_setup_teardown(test_reading_blocks, setup, teardown),
        cmocka_unit_test_setup_teardown(test_names, setup, teardown),
        cmocka_unit_test_setup_teardown(test_positions, setup, teardown),
        cmocka_unit_test_setup_teardown(test_rendering, setup, teardown),
        cmocka_unit_test_setup_teardown(test_encodings, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
