/*
 * Tokens and trees as text, for --dump, for golden files and for the comparison with CPython.
 *
 * A line a node: the field that holds it, its kind, its place (line:column-line:column, from 1, in
 * characters), then its names, numbers and constants; below it, deeper by two blanks, its children in
 * the order of nodes.def. An absent optional node is left out; an absent item of a list is `None`.
 *
 *     Module
 *       body: Expr 1:1-1:4
 *         value: Call 1:1-1:4
 *           func: Name 1:1-1:2 id=f
 *           args: Constant 1:3-1:4 value=1
 */
#include "grammar/parser.h"
#include "python.tab.h"

#include <assert.h>
#include <math.h>

enum { DUMP_DEPTH_LIMIT = 2000 };

typedef struct Dump {
    Buffer *out;
    const Source *source;
    int depth;
} Dump;

static const char *const kind_names[NODE_KIND_COUNT] = {
#define NODE(kind, category, fields) [NODE_##kind] = #kind,
#include "grammar/nodes.def"
#undef NODE
};

static const char *const operator_names[] = {"Add",    "Sub",    "Mult",  "MatMult", "Div",    "Mod",     "Pow",
                                             "LShift", "RShift", "BitOr", "BitXor",  "BitAnd", "FloorDiv"};
static const char *const unary_names[] = {"Invert", "Not", "UAdd", "USub"};
static const char *const bool_names[] = {"And", "Or"};
static const char *const compare_names[] = {"Eq", "NotEq", "Lt", "LtE", "Gt", "GtE", "Is", "IsNot", "In", "NotIn"};

static bool kind_has_place(NodeKind kind) {
    return kind != NODE_Module && kind != NODE_comprehension && kind != NODE_arguments && kind != NODE_withitem &&
           kind != NODE_match_case;
}

static void dump_text(Buffer *out, Slice text) {
    buffer_put(out, '"');
    for (size_t i = 0; i < text.length; i++) {
        unsigned char byte = (unsigned char)text.start[i];
        if (byte == '"' || byte == '\\') buffer_format(out, "\\%c", byte);
        else if (byte < 0x20 || byte == 0x7f) buffer_format(out, "\\x%02x", byte);
        else buffer_put(out, (char)byte);
    }
    buffer_put(out, '"');
}

static void dump_bytes(Buffer *out, Slice text) {
    buffer_text(out, "b\"");
    for (size_t i = 0; i < text.length; i++) {
        unsigned char byte = (unsigned char)text.start[i];
        if (byte == '"' || byte == '\\') buffer_format(out, "\\%c", byte);
        else if (byte < 0x20 || byte >= 0x7f) buffer_format(out, "\\x%02x", byte);
        else buffer_put(out, (char)byte);
    }
    buffer_put(out, '"');
}

/* The shortest digits that %.17g has; the point is a point in every locale. */
static void dump_number(Buffer *out, double number) {
    Slice text = slice_format(out->arena, "%.17g", number);
    for (size_t i = 0; i < text.length; i++) buffer_put(out, text.start[i] == ',' ? '.' : text.start[i]);
}

static void dump_constant(Buffer *out, const Constant *constant) {
    switch (constant->kind) {
    case CONSTANT_NONE: buffer_text(out, "None"); break;
    case CONSTANT_TRUE: buffer_text(out, "True"); break;
    case CONSTANT_FALSE: buffer_text(out, "False"); break;
    case CONSTANT_ELLIPSIS: buffer_text(out, "..."); break;
    case CONSTANT_INTEGER:
        if (constant->big) buffer_slice(out, constant->text);
        else buffer_format(out, "%lld", (long long)constant->integer);
        break;
    case CONSTANT_FLOAT:
        buffer_text(out, "float ");
        dump_number(out, constant->number);
        break;
    case CONSTANT_IMAGINARY:
        buffer_text(out, "imaginary ");
        dump_number(out, constant->number);
        break;
    case CONSTANT_STRING:
        if (constant->unicode_kind) buffer_put(out, 'u');
        dump_text(out, constant->text);
        break;
    case CONSTANT_BYTES: dump_bytes(out, constant->text); break;
    }
}

/* An operator by its name in `ast`, any other number as digits. */
static void dump_small_number(Buffer *out, NodeKind kind, const char *field, int number) {
    bool is_operator = strcmp(field, "op") == 0;
    if (is_operator && (kind == NODE_BinOp || kind == NODE_AugAssign)) buffer_text(out, operator_names[number]);
    else if (is_operator && kind == NODE_UnaryOp) buffer_text(out, unary_names[number]);
    else if (is_operator && kind == NODE_BoolOp) buffer_text(out, bool_names[number]);
    else buffer_format(out, "%d", number);
}

/* First pass over the fields: what stands on the node's own line. */
#define CHILD(name)
#define OPTIONAL(name)
#define LIST(name)
#define ATOM(name)                                                                                                     \
    if (node->name) buffer_format(out, " %s=%.*s", #name, SLICE_ARGS(node->name->text));
#define ATOMS(name)                                                                                                    \
    for (int i = 0; i < node->name.count; i++)                                                                         \
        buffer_format(out, " %s=%.*s", #name, node->name.items[i] ? (int)node->name.items[i]->text.length : 0,         \
                      node->name.items[i] ? node->name.items[i]->text.start : "");
#define NUMBER(name)                                                                                                   \
    if (strcmp(#name, "attr_start") != 0) {                                                                            \
        buffer_text(out, " " #name "=");                                                                               \
        dump_small_number(out, (NodeKind)node->node.kind, #name, node->name);                                          \
    }
#define NUMBERS(name)                                                                                                  \
    for (int i = 0; i < node->name.count; i++) buffer_format(out, " %s=%s", #name, compare_names[node->name.items[i]]);
#define CONSTANT(name)                                                                                                 \
    buffer_text(out, " " #name "=");                                                                                   \
    dump_constant(out, &node->name);
#define NODE(kind, category, fields)                                                                                   \
    static void dump_line_##kind(Buffer *out, const Node##kind *node) {                                                \
        (void)out;                                                                                                     \
        (void)node;                                                                                                    \
        fields                                                                                                         \
    }
#include "grammar/nodes.def"
#undef CHILD
#undef OPTIONAL
#undef LIST
#undef ATOM
#undef ATOMS
#undef NUMBER
#undef NUMBERS
#undef CONSTANT
#undef NODE

static void dump_node(Dump *dump, const char *field, const Node *node);

static void dump_list(Dump *dump, const char *field, Nodes nodes) {
    for (int i = 0; i < nodes.count; i++) dump_node(dump, field, nodes.items[i]);
}

/* Second pass: the children. */
#define CHILD(name) dump_node(dump, #name, node->name);
#define OPTIONAL(name)                                                                                                 \
    if (node->name) dump_node(dump, #name, node->name);
#define LIST(name) dump_list(dump, #name, node->name);
#define ATOM(name)
#define ATOMS(name)
#define NUMBER(name)
#define NUMBERS(name)
#define CONSTANT(name)
#define NODE(kind, category, fields)                                                                                   \
    static void dump_children_##kind(Dump *dump, const Node##kind *node) {                                             \
        (void)dump;                                                                                                    \
        (void)node;                                                                                                    \
        fields                                                                                                         \
    }
#include "grammar/nodes.def"
#undef CHILD
#undef OPTIONAL
#undef LIST
#undef ATOM
#undef ATOMS
#undef NUMBER
#undef NUMBERS
#undef CONSTANT
#undef NODE

static void dump_own_line(Buffer *out, const Node *node) {
    switch ((NodeKind)node->kind) {
#define NODE(kind, category, fields)                                                                                   \
    case NODE_##kind:                                                                                                  \
        dump_line_##kind(out, (const Node##kind *)(const void *)node);                                                 \
        break;
#include "grammar/nodes.def"
#undef NODE
    case NODE_KIND_COUNT: break;
    }
}

static void dump_children(Dump *dump, const Node *node) {
    switch ((NodeKind)node->kind) {
#define NODE(kind, category, fields)                                                                                   \
    case NODE_##kind:                                                                                                  \
        dump_children_##kind(dump, (const Node##kind *)(const void *)node);                                            \
        break;
#include "grammar/nodes.def"
#undef NODE
    case NODE_KIND_COUNT: break;
    }
}

static void dump_node(Dump *dump, const char *field, const Node *node) {
    Buffer *out = dump->out;
    for (int i = 0; i < dump->depth; i++) buffer_text(out, "  ");
    if (field) buffer_format(out, "%s: ", field);
    if (!node) {
        buffer_text(out, "None\n");
        return;
    }
    buffer_text(out, kind_names[node->kind]);
    if (kind_has_place((NodeKind)node->kind)) {
        Position start = source_position(dump->source, node->start), end = source_position(dump->source, node->end);
        buffer_format(out, " %d:%d-%d:%d", start.line, start.column, end.line, end.column);
    }
    dump_own_line(out, node);
    buffer_put(out, '\n');
    if (dump->depth == DUMP_DEPTH_LIMIT) return;
    dump->depth++;
    dump_children(dump, node);
    dump->depth--;
}

void dump_syntax(Buffer *out, const Source *source, const Node *node) {
    Dump dump = {.out = out, .source = source};
    dump_node(&dump, NULL, node);
}

static void dump_tokens_of_range(Buffer *out, const Source *source, uint32_t start, uint32_t end, uint32_t indent,
                                 DiagnosticList *diagnostics) {
    Layout layout;
    layout_init(&layout, out->arena, source, start, end, indent, NULL, diagnostics);
    while (!layout.finished) {
        layout_fill(&layout);
        for (int i = 0; i < layout.count; i++) {
            const Token *token = &layout.tokens[i];
            Position from = source_position(source, token->start), to = source_position(source, token->end);
            buffer_format(out, "%d:%d-%d:%d\t%s", from.line, from.column, to.line, to.column,
                          python_token_name(token->kind));
            if (token->end > token->start) {
                buffer_put(out, '\t');
                dump_text(out, layout_text(&layout, (Extent){token->start, token->end}));
            }
            buffer_put(out, '\n');
        }
    }
}

void dump_tokens(Buffer *out, AtomTable *atoms, const Source *source, DiagnosticList *diagnostics) {
    (void)atoms;
    if (!source->blocks) dump_tokens_of_range(out, source, 0, (uint32_t)source->text.length, 0, diagnostics);
    assert(source->blocks || !source->block_count);
    for (int i = 0; i < source->block_count; i++) {
        const SourceBlock *block = &source->blocks[i];
        if (source_block_is_python(block))
            dump_tokens_of_range(out, source, block->start, block->end, block->indent, diagnostics);
    }
}
