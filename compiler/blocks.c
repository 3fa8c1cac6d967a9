/*
 * The fenced blocks of a Markdown text, with the heading that each stands under.
 *
 * In: Markdown. Out: OrmcBlock array in the context's scratch arena, pointing into the given text. Example:
 * "## Get\n```sql sqlite\nSELECT 1\n```\n" gives {info "sql sqlite", heading "Get", content "SELECT 1\n", line 3}.
 */
#include "compiler/context.h"

typedef struct BlockRequest {
    Slice text;
    OrmcBlock *blocks;
    int count;
} BlockRequest;

static Slice heading_of_line(Slice line) {
    size_t marks = 0;
    while (marks < line.length && line.start[marks] == '#') marks++;
    if (marks == 0 || marks > 6 || marks == line.length || line.start[marks] != ' ') return (Slice){"", 0};
    while (marks < line.length && line.start[marks] == ' ') marks++;
    Slice heading = slice_sub(line, marks, line.length);
    while (heading.length && strchr(" #\r\n", heading.start[heading.length - 1])) heading.length--;
    return heading;
}

/* The last heading in text[from, to), else `heading`. */
static Slice heading_between(Slice text, size_t from, size_t to, Slice heading) {
    for (size_t at = from; at < to;) {
        size_t end = at + slice_find(slice_sub(text, at, to), '\n');
        Slice found = heading_of_line(slice_sub(text, at, end));
        if (found.length) heading = found;
        at = end + 1;
    }
    return heading;
}

static void read_blocks(OrmcContext *context, void *data) {
    BlockRequest *request = data;
    Source *source = source_from_markdown(&context->scratch, SLICE("<markdown>"), request->text);
    request->blocks = ARENA_ARRAY(&context->scratch, OrmcBlock, source->block_count + 1);
    request->count = source->block_count;
    Slice heading = {"", 0};
    size_t after = 0; /* end of the block before */
    for (int i = 0; i < source->block_count; i++) {
        const SourceBlock *block = &source->blocks[i];
        heading = heading_between(request->text, after, block->start, heading);
        after = block->end;
        Slice content = slice_sub(request->text, block->start, block->end);
        request->blocks[i] = (OrmcBlock){.info = text_from_slice(block->info),
                                         .heading = text_from_slice(heading),
                                         .content = text_from_slice(content),
                                         .start = block->start,
                                         .end = block->end,
                                         .line = source_position(source, block->start).line};
    }
}

OrmcStatus ormc_context_read_blocks(OrmcContext *context, const char *text, size_t length, const OrmcBlock **blocks,
                                    int *count) {
    BlockRequest request = {.text = {text, length}};
    *blocks = NULL;
    *count = 0;
    context->message = "";
    arena_reset(&context->scratch);
    if (!context_guard(context, read_blocks, &request)) return ORMC_NO_MEMORY;
    *blocks = request.blocks;
    *count = request.count;
    return ORMC_OK;
}
