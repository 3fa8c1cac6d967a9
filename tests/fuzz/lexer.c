/*
 * Fuzz target: the scanner and the layout filter.
 *
 * Any bytes give tokens whose places stand in the source, in order, with INDENT and DEDENT balanced.
 * The input is copied to a block of its very size, so that a read beyond it is found.
 */
#include "tests/fuzz/fuzz.h"

#include "grammar/parser.h"
#include "python.tab.h"

#include <string.h>

static void check(bool holds) {
    if (!holds) abort();
}

static void read_tokens(Arena *arena, const Source *source) {
    DiagnosticList diagnostics;
    diagnostics_init(&diagnostics, arena);
    Layout layout;
    layout_init(&layout, arena, source, 0, (uint32_t)source->text.length, 0, NULL, &diagnostics);
    int depth = 0;
    while (!layout.finished) {
        layout_fill(&layout);
        uint32_t at = 0;
        for (int i = 0; i < layout.count; i++) {
            const Token *token = &layout.tokens[i];
            check(token->start <= token->end && token->end <= source->text.length && token->start >= at);
            at = token->start;
            depth += token->kind == TOKEN_INDENT;
            depth -= token->kind == TOKEN_DEDENT;
            check(depth >= 0);
        }
        int last = layout.tokens[layout.count - 1].kind;
        check(last == TOKEN_NEWLINE || last == TOKEN_ENDMARKER);
    }
    check(depth == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    Arena arena;
    fuzz_arena_init(&arena);
    char *copy = malloc(size ? size : 1);
    if (copy && size) memcpy(copy, data, size);
    if (copy && !setjmp(fuzz_exhausted_point))
        read_tokens(&arena, source_from_text(&arena, SLICE("fuzz.py"), (Slice){copy, size}));
    free(copy);
    arena_destroy(&arena);
    return 0;
}
