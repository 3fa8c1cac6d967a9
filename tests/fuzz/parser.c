/*
 * Fuzz target: the whole grammar.
 *
 * Any bytes, as Python and as Markdown, give a tree whose every node stands in the source and which can
 * be dumped; diagnostics can be rendered. The first byte chooses Python or Markdown.
 */
#include "tests/fuzz/fuzz.h"

#include "grammar/syntax.h"

#include <string.h>

static void read_tree(Arena *arena, const Source *source) {
    AtomTable atoms;
    atom_table_init(&atoms, arena, NULL);
    DiagnosticList diagnostics;
    diagnostics_init(&diagnostics, arena);
    NodeModule *module = parse_module(arena, &atoms, source, -1, NULL, &diagnostics);
    Buffer out;
    buffer_init(&out, arena);
    dump_syntax(&out, source, &module->node);
    diagnostics_render(&out, &diagnostics, true);
    for (int i = 0; i < diagnostics.count; i++) {
        Span span = diagnostics.items[i].span;
        if (span.start > span.end || span.end > source->text.length) abort();
        diagnostic_render_line(&out, &diagnostics.items[i]);
    }
    for (int i = 0; i < module->body.count; i++) {
        const Node *node = module->body.items[i];
        if (node->start > node->end || node->end > source->text.length) abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (!size) return 0;
    bool markdown = data[0] == '\0';
    data++, size--;
    Arena arena;
    fuzz_arena_init(&arena);
    char *copy = malloc(size ? size : 1);
    if (copy && size) memcpy(copy, data, size);
    if (copy && !setjmp(fuzz_exhausted_point)) {
        Slice text = {copy, size};
        read_tree(&arena, markdown ? source_from_markdown(&arena, SLICE("fuzz.md"), text)
                                   : source_from_text(&arena, SLICE("fuzz.py"), text));
    }
    free(copy);
    arena_destroy(&arena);
    return 0;
}
