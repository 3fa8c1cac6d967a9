/*
 * Sources: plain text, and the fenced blocks of Markdown.
 *
 * In: the bytes of an input. Out: a Source whose `text` has the very length of the input, so that an
 * offset means the same place in both. In Markdown all that stands outside python fences becomes
 * spaces; line ends stay. Fences follow CommonMark (``` or ~~~, at least three, closed by as many or
 * more of the same), but may be indented by any number of blanks, as in list items. Example:
 *
 *     # Title                         (blank)
 *     ```python models                (blank)       blocks[0] = { info "python models" }
 *     class A(Model): …       ->      class A(Model): …
 *     ```                             (blank)
 */
#include "compiler/base/source.h"

#include <assert.h>

typedef struct Fence {
    char mark; /* '`' or '~' */
    size_t length;
    size_t indent;
    Slice info;
} Fence;

static Slice slice_trim(Slice text) {
    while (text.length && strchr(" \t\r\n", text.start[0])) text = (Slice){text.start + 1, text.length - 1};
    while (text.length && strchr(" \t\r\n", text.start[text.length - 1])) text.length--;
    return text;
}

/* Reads `line` as a fence: an opening one, or a closing one where `info` is empty. */
static bool fence_read(Slice line, Fence *fence) {
    size_t at = 0;
    while (at < line.length && (line.start[at] == ' ' || line.start[at] == '\t')) at++;
    fence->indent = at;
    if (at == line.length || (line.start[at] != '`' && line.start[at] != '~')) return false;
    fence->mark = line.start[at];
    while (at < line.length && line.start[at] == fence->mark) at++;
    fence->length = at - fence->indent;
    fence->info = slice_trim(slice_sub(line, at, line.length));
    if (fence->length < 3) return false;
    return fence->mark == '~' || slice_find(fence->info, '`') == fence->info.length;
}

static bool fence_closes(const Fence *open, const Fence *line) {
    return line->mark == open->mark && line->length >= open->length && line->info.length == 0;
}

/* End of the line that starts at `at`, past its newline. */
static size_t line_end(Slice text, size_t at) {
    size_t end = at + slice_find(slice_sub(text, at, text.length), '\n');
    return end < text.length ? end + 1 : end;
}

bool source_block_is_python(const SourceBlock *block) {
    static const char *const names[] = {"python", "python3", "py", "py3"};
    Slice word = block->info;
    for (size_t i = 0; i < word.length; i++)
        if (strchr(" \t,{:", word.start[i])) word.length = i;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (slice_equals_text(word, names[i])) return true;
    return false;
}

Source *source_from_text(Arena *arena, Slice name, Slice text) {
    Source *source = ARENA_NEW(arena, Source);
    source->name = name;
    source->text = source->original = text;
    source->arena = arena;
    return source;
}

static void source_find_blocks(Source *source) {
    Slice text = source->original;
    int capacity = 0;
    Fence open = {0};
    SourceBlock *block = NULL;
    for (size_t at = 0, end; at < text.length; at = end) {
        end = line_end(text, at);
        Fence fence;
        bool is_fence = fence_read(slice_sub(text, at, end), &fence);
        if (block && is_fence && fence_closes(&open, &fence)) {
            block->end = (uint32_t)at;
            block = NULL;
        } else if (!block && is_fence) {
            open = fence;
            block = &ARENA_PUSH(source->arena, source->blocks, source->block_count, capacity);
            *block = (SourceBlock){.start = (uint32_t)end,
                                   .end = (uint32_t)text.length,
                                   .info = fence.info,
                                   .indent = (uint32_t)fence.indent};
        }
    }
}

Source *source_from_markdown(Arena *arena, Slice name, Slice text) {
    Source *source = source_from_text(arena, name, text);
    source_find_blocks(source);
    char *blanked = arena_allocate(arena, text.length + 1);
    for (size_t i = 0; i < text.length; i++)
        blanked[i] = text.start[i] == '\n' || text.start[i] == '\r' ? text.start[i] : ' ';
    blanked[text.length] = '\0';
    for (int i = 0; i < source->block_count; i++) {
        SourceBlock *block = &source->blocks[i];
        if (source_block_is_python(block) && block->end > block->start)
            memcpy(blanked + block->start, text.start + block->start, block->end - block->start);
    }
    source->text = (Slice){blanked, text.length};
    return source;
}

static bool text_holds_fences(Slice text) {
    Fence fence;
    for (size_t at = 0, end; at < text.length; at = end) {
        end = line_end(text, at);
        if (fence_read(slice_sub(text, at, end), &fence)) return true;
    }
    return false;
}

bool source_is_markdown_name(Slice name, Slice text) {
    if (slice_ends_with(name, ".md") || slice_ends_with(name, ".markdown")) return true;
    return slice_ends_with(name, ".txt") && text_holds_fences(text);
}

/* The table is a cache: a source stays what it is while it is filled. */
static void source_index_lines(Source *source) {
    Slice text = source->text;
    int capacity = 0;
    assert(!source->line_count);
    ARENA_PUSH(source->arena, source->line_starts, source->line_count, capacity) = 0;
    for (size_t i = 0; i < text.length; i++) {
        bool ends =
            text.start[i] == '\n' || (text.start[i] == '\r' && (i + 1 == text.length || text.start[i + 1] != '\n'));
        if (ends) ARENA_PUSH(source->arena, source->line_starts, source->line_count, capacity) = (uint32_t)i + 1;
    }
}

/* Index of the line that holds `offset`. */
static int source_find_line(const Source *source, uint32_t offset) {
    if (!source->line_starts) source_index_lines((Source *)source);
    int low = 0, high = source->line_count - 1;
    while (low < high) {
        int middle = (low + high + 1) / 2;
        if (source->line_starts[middle] <= offset) low = middle;
        else high = middle - 1;
    }
    return low;
}

/* Code points of UTF-8: the bytes that do not continue one, eight at a time. */
static int count_code_points(const char *text, size_t length) {
    const uint64_t low_bits = UINT64_C(0x0101010101010101);
    size_t continuing = 0, at = 0;
    for (; at + 8 <= length; at += 8) {
        uint64_t word;
        memcpy(&word, text + at, sizeof word);
        uint64_t flags = word >> 7 & ~(word >> 6) & low_bits;
        continuing += (flags * low_bits) >> 56;
    }
    for (; at < length; at++) continuing += ((unsigned char)text[at] & 0xC0) == 0x80;
    return (int)(length - continuing);
}

Position source_position(const Source *source, uint32_t offset) {
    if (offset > source->text.length) offset = (uint32_t)source->text.length;
    int line = source_find_line(source, offset);
    uint32_t start = source->line_starts[line];
    return (Position){.line = line + 1,
                      .column = 1 + count_code_points(source->original.start + start, offset - start)};
}

Slice source_line(const Source *source, uint32_t offset) {
    int line = source_find_line(source, offset);
    size_t end = line + 1 < source->line_count ? source->line_starts[line + 1] : source->text.length;
    Slice text = slice_sub(source->original, source->line_starts[line], end);
    while (text.length && (text.start[text.length - 1] == '\n' || text.start[text.length - 1] == '\r')) text.length--;
    return text;
}
