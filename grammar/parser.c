/*
 * The parser around bison's tables: reading a source, feeding tokens, lists under construction.
 *
 * In: a source (a file, or the python blocks of a Markdown text, each on its own). Out: a Module.
 * Tokens come from layout.c a logical line at a time and names are interned as they are read.
 */
#include "grammar/parser.h"
#include "python.tab.h"

#include <assert.h>

/* `op` of an augmented assignment: that of the text before its `=`. */
static int operator_from_text(Slice text) {
    switch (text.start[0]) {
    case '+': return OP_Add;
    case '-': return OP_Sub;
    case '*': return text.length == 3 ? OP_Pow : OP_Mult;
    case '/': return text.length == 3 ? OP_FloorDiv : OP_Div;
    case '%': return OP_Mod;
    case '@': return OP_MatMult;
    case '&': return OP_BitAnd;
    case '|': return OP_BitOr;
    case '^': return OP_BitXor;
    case '<': return OP_LShift;
    }
    return OP_RShift;
}

static bool token_is_of_blocks(int kind) {
    return kind == TOKEN_INDENT || kind == TOKEN_DEDENT || kind == TOKEN_ENDMARKER;
}

/*
 * While the parser recovers from a syntax error it looks for the end of the line; a block token that
 * comes first stays for later, so that blocks keep their balance.
 */
int python_lex(PYTHON_STYPE *value, PYTHON_LTYPE *at, Parser *parser) {
    Layout *layout = &parser->layout;
    if (parser->next == layout->count) {
        if (layout->finished) return TOKEN_YYEOF;
        layout_fill(layout);
        parser->next = 0;
        parser->pushed_back = -1;
    }
    const Token *token = &layout->tokens[parser->next];
    *at = (Extent){token->start, token->end};
    if (token->kind == TOKEN_NAME) {
        Slice text = layout_text(layout, *at);
        value->TOKEN_NAME =
            atom_intern(parser->atoms, token->is_wide ? unicode_normal_form(parser->arena, text) : text);
    } else if (token->kind == TOKEN_AUGMENTED) {
        value->TOKEN_AUGMENTED = operator_from_text(layout_text(layout, *at));
    } else if (parser->recovering && token_is_of_blocks(token->kind)) {
        at->end = at->start;
        return TOKEN_NEWLINE;
    }
    parser->next++;
    return token->kind;
}

/* Lists */

void parser_grow_scratch(Parser *parser) {
    uint32_t larger = parser->scratch_capacity * 2;
    void **scratch = arena_allocate(parser->arena, larger * sizeof *scratch);
    memcpy(scratch, parser->scratch, parser->scratch_capacity * sizeof *scratch);
    parser->scratch = scratch;
    parser->scratch_capacity = larger;
}

List parser_begin_statements(Parser *parser) {
    List list = parser_list(parser);
    if (list.mark == 0) parser->scratch_top = 1;
    return list;
}

List parser_statements(Parser *parser, List list) {
    if (list.mark == 0) parser->top_count = list.count;
    return list;
}

/* `more` stands above `list`, with nothing of use between them. */
List parser_concat(Parser *parser, List list, List more) {
    uint32_t end = list.mark + list.count;
    if (end != more.mark)
        memmove(&parser->scratch[end], &parser->scratch[more.mark], more.count * sizeof *parser->scratch);
    list.count += more.count;
    parser->scratch_top = list.mark + list.count;
    return list;
}

List parser_prepend(Parser *parser, Node *first, List rest) {
    rest = parser_push(parser, rest, NULL);
    void **items = &parser->scratch[rest.mark];
    memmove(items + 1, items, (rest.count - 1) * sizeof *items);
    items[0] = first;
    return rest;
}

static void **parser_take_items(Parser *parser, List list) {
    if (!list.count) return NULL;
    void **items = arena_allocate(parser->arena, list.count * sizeof *items);
    memcpy(items, &parser->scratch[list.mark], list.count * sizeof *items);
    parser->scratch_top = list.mark;
    return items;
}

Nodes parser_take(Parser *parser, List list) {
    return (Nodes){(Node **)parser_take_items(parser, list), (int)list.count};
}

Atoms parser_take_atoms(Parser *parser, List list) {
    return (Atoms){(Atom *)parser_take_items(parser, list), (int)list.count};
}

void *parser_grow_stack(Parser *parser, const void *stack, long used, size_t size) {
    return memcpy(arena_allocate(parser->arena, size), stack, (size_t)used);
}

/* Reading a source */

enum { PARSER_SCRATCH = 64 };

/* Past all ASCII from `at` on; eight bytes are looked at together. */
static size_t skip_ascii(Slice text, size_t at) {
    for (; at + 8 <= text.length; at += 8) {
        uint64_t word;
        memcpy(&word, text.start + at, sizeof word);
        if (word & UINT64_C(0x8080808080808080)) break;
    }
    while (at < text.length && (unsigned char)text.start[at] < 0x80) at++;
    return at;
}

/* True for text in UTF-8. */
static bool parser_check_encoding(Parser *parser, uint32_t start, uint32_t end) {
    Slice text = slice_sub(parser->source->text, 0, end);
    for (size_t at = skip_ascii(text, start), length; at < end; at = skip_ascii(text, at + length)) {
        unicode_read(slice_sub(text, at, end), &length);
        if (length) continue;
        Span place = {parser->source, (uint32_t)at, (uint32_t)at + 1};
        diagnostics_add(parser->diagnostics, CODE_SYNTAX_ERROR, SEVERITY_ERROR, place, "the text is not UTF-8");
        return false;
    }
    return true;
}

/* The statements of one range of the source, each range as if it were a file. */
static Nodes parser_read(Parser *parser, uint32_t start, uint32_t end, uint32_t indent, const ParseOptions *options) {
    if (!parser_check_encoding(parser, start, end)) return (Nodes){0};
    layout_init(&parser->layout, parser->arena, parser->source, start, end, indent, options, parser->diagnostics);
    parser->next = 0;
    parser->recovering = false;
    parser->pushed_back = -1;
    parser->scratch_top = 0;
    parser->body = (Nodes){0};
    parser->top_count = 0;
    if (python_parse(parser) == 0) return parser->body;
    parser_report_limit(parser, (Extent){parser->layout.previous_end, parser->layout.previous_end});
    return parser_take(parser, (List){0, parser->top_count});
}

static void parser_init(Parser *parser, Arena *arena, AtomTable *atoms, const Source *source,
                        DiagnosticList *diagnostics) {
    *parser = (Parser){.arena = arena,
                       .atoms = atoms,
                       .source = source,
                       .diagnostics = diagnostics,
                       .scratch = arena_allocate(arena, PARSER_SCRATCH * sizeof(void *)),
                       .scratch_capacity = PARSER_SCRATCH};
}

static bool source_is_too_long(const Source *source, DiagnosticList *diagnostics) {
    if (source->text.length < INT32_MAX) return false;
    diagnostics_add(diagnostics, CODE_LIMIT, SEVERITY_ERROR, (Span){source, 0, 0}, "the source is too long");
    return true;
}

static Nodes nodes_join(Arena *arena, Nodes a, Nodes b) {
    if (!a.count) return b;
    if (!b.count) return a;
    Node **items = arena_allocate(arena, (size_t)(a.count + b.count) * sizeof *items);
    memcpy(items, a.items, (size_t)a.count * sizeof *items);
    memcpy(items + a.count, b.items, (size_t)b.count * sizeof *items);
    return (Nodes){items, a.count + b.count};
}

NodeModule *parse_module(Arena *arena, AtomTable *atoms, const Source *source, int block, const ParseOptions *options,
                         DiagnosticList *diagnostics) {
    uint32_t length = (uint32_t)source->text.length;
    NodeModule module = {.node = {NODE_Module, (uint16_t)source->number, 0, length}};
    Parser parser;
    parser_init(&parser, arena, atoms, source, diagnostics);
    bool whole = !source->blocks && block < 0;
    if (source_is_too_long(source, diagnostics)) length = 0;
    else if (whole) module.body = parser_read(&parser, 0, length, 0, options);
    assert(source->blocks || !source->block_count);
    for (int i = 0; i < source->block_count && length; i++) {
        const SourceBlock *range = &source->blocks[i];
        if (block >= 0 ? i != block : !source_block_is_python(range)) continue;
        Nodes body = parser_read(&parser, range->start, range->end, range->indent, options);
        module.body = nodes_join(arena, module.body, body);
    }
    return memcpy(arena_allocate(arena, sizeof module), &module, sizeof module);
}
