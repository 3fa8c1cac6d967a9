/*
 * The syntax tree (or the tokens) of files, for the grammar oracle.
 *
 *     ormc-dump-tree [--tokens | --time N] FILE…
 *
 * Prints each file's tree as dump.c writes it; diagnostics, one a line, go to standard error. With more
 * than one file each tree is followed by a line "\f". --time N reads each file N times and prints MB/s.
 */
#include "grammar/syntax.h"

#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

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
    fputs("out of memory\n", stderr);
    exit(2);
}

static Slice read_file(Arena *arena, const char *path) {
    FILE *file = strcmp(path, "-") == 0 ? stdin : fopen(path, "rb");
    if (!file) {
        perror(path);
        exit(2);
    }
    Buffer text;
    buffer_init(&text, arena);
    for (;;) {
        buffer_reserve(&text, 1 << 16);
        size_t count = fread(text.data + text.length, 1, text.capacity - text.length, file);
        if (!count) break;
        text.length += count;
    }
    if (file != stdin) fclose(file);
    return buffer_view(&text);
}

static Source *make_source(Arena *arena, const char *path, Slice text) {
    Slice name = slice_from(path);
    return source_is_markdown_name(name, text) ? source_from_markdown(arena, name, text)
                                               : source_from_text(arena, name, text);
}

static void dump_file(Arena *arena, const char *path, bool tokens) {
    Source *source = make_source(arena, path, read_file(arena, path));
    AtomTable atoms;
    atom_table_init(&atoms, arena, NULL);
    DiagnosticList diagnostics;
    diagnostics_init(&diagnostics, arena);
    Buffer out;
    buffer_init(&out, arena);
    if (tokens) {
        dump_tokens(&out, &atoms, source, &diagnostics);
    } else {
        NodeModule *module = parse_module(arena, &atoms, source, -1, NULL, &diagnostics);
        dump_syntax(&out, source, &module->node);
    }
    fwrite(out.data, 1, out.length, stdout);
    out.length = 0;
    for (int i = 0; i < diagnostics.count; i++) diagnostic_render_line(&out, &diagnostics.items[i]);
    fwrite(out.data, 1, out.length, stderr);
}

static double seconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

static void time_files(Arena *arena, int times, char **paths, int count) {
    Source **sources = ARENA_ARRAY(arena, Source *, count);
    double bytes = 0;
    for (int i = 0; i < count; i++) {
        sources[i] = make_source(arena, paths[i], read_file(arena, paths[i]));
        bytes += (double)sources[i]->text.length;
    }
    ArenaMark mark = arena_mark(arena);
    double start = seconds();
    for (int round = 0; round < times; round++) {
        for (int i = 0; i < count; i++) {
            arena_reset_to(arena, mark);
            AtomTable atoms;
            atom_table_init(&atoms, arena, NULL);
            DiagnosticList diagnostics;
            diagnostics_init(&diagnostics, arena);
            parse_module(arena, &atoms, sources[i], -1, NULL, &diagnostics);
        }
    }
    double taken = seconds() - start;
    printf("%d files, %.1f MB: %.2f ms a round, %.1f MB/s\n", count, bytes / 1e6, taken * 1e3 / times,
           bytes * times / taken / 1e6);
}

int main(int argc, char **argv) {
    Allocator allocator = {.allocate = allocate, .release = release};
    Arena arena;
    arena_init(&arena, &allocator, exhausted, NULL);
    int first = 1;
    bool tokens = argc > 1 && strcmp(argv[1], "--tokens") == 0;
    if (tokens) first = 2;
    if (argc > 2 && strcmp(argv[1], "--time") == 0) {
        time_files(&arena, atoi(argv[2]), argv + 3, argc - 3);
        first = argc;
    }
    for (int i = first; i < argc; i++) {
        dump_file(&arena, argv[i], tokens);
        if (argc - first > 1) puts("\f");
        arena_reset(&arena);
    }
    arena_destroy(&arena);
    return 0;
}
