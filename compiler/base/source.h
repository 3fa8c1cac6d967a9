/*
 * Source: the text of one input (a Python file, the fenced blocks of a Markdown file, standard
 * input, a command-line expression) and spans in it. A span is a pair of byte offsets; lines and
 * columns are computed only when a place is shown.
 */
#ifndef ORMC_BASE_SOURCE_H
#define ORMC_BASE_SOURCE_H

#include "compiler/base/slice.h"

typedef struct Source {
    Slice name; /* as the user wrote it; "<expr>" for -e, "-" for standard input */
    /* The text that is parsed. For Markdown everything outside the python fences is blanked (spaces;
     * newlines kept), so offsets and lines are those of the file itself. */
    Slice text;
    Slice original;             /* the text as read, for showing source lines */
    struct SourceBlock *blocks; /* Markdown: the fenced blocks, in order; each is a unit of its own for the grammar */
    int block_count;
    Arena *arena;          /* that it was made in; holds the line table */
    uint32_t *line_starts; /* computed at first use */
    int line_count;
    int number; /* position in the program's list of sources */
} Source;

typedef struct SourceBlock {
    uint32_t start, end; /* of the block's content */
    Slice info;          /* the fence's info string, trimmed: "python models", "sql postgresql" */
    uint32_t indent;     /* of the fence; that much is stripped from the content's lines */
} SourceBlock;

typedef struct Span {
    const Source *source; /* NULL: no place */
    uint32_t start, end;  /* byte offsets in source->text, end exclusive */
} Span;

typedef struct Position {
    int line;   /* from 1 */
    int column; /* from 1, in Unicode code points */
} Position;

/* A source over text that outlives it. Strips nothing: a BOM is skipped by the lexer. */
Source *source_from_text(Arena *arena, Slice name, Slice text);
/* All fenced blocks of a Markdown text with their info strings (also those that are not python). */
/* Python text as UTF-8, where a comment of its first lines names another encoding. */
Slice source_decode(Arena *arena, Slice text);
Source *source_from_markdown(Arena *arena, Slice name, Slice text);
bool source_is_markdown_name(Slice name, Slice text);
/* Whether the block's info string begins with python, python3 or py. */
bool source_block_is_python(const SourceBlock *block);
Position source_position(const Source *source, uint32_t offset);
/* The line that holds `offset`, without its newline. */
Slice source_line(const Source *source, uint32_t offset);
static inline Slice span_text(Span span) {
    return span.source ? (Slice){span.source->text.start + span.start, span.end - span.start} : (Slice){"", 0};
}

#endif
