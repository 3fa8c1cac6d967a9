/*
 * f-strings, t-strings and implicit concatenation.
 *
 * In: the decoded parts of adjacent string literals. Out: one Constant where all are plain, else one
 * JoinedStr (or TemplateStr) whose neighbouring texts are merged and whose empty texts are dropped, as
 * in `ast`. Example: "a" f"b{c}" -> JoinedStr([Constant("ab"), FormattedValue(c)]).
 */
#include "grammar/parser.h"

/* Source text as it stands, but with \n for every line end. */
static Constant constant_of_source(Parser *parser, Extent at) {
    return (Constant){.kind = CONSTANT_STRING, .text = parser_decode(parser, at, (DecodeOptions){.raw = true})};
}

/* A FormattedValue remembers the text of its expression, for the case that it is a t-string's. */
typedef struct FieldNode {
    NodeFormattedValue value;
    Extent text;
} FieldNode;

Field *parser_field_value(Parser *parser, Node *value, uint32_t text_end, bool is_debug) {
    Field *field = arena_allocate(parser->arena, sizeof *field);
    *field = (Field){.value = value, .text = {0, text_end}, .is_debug = is_debug};
    return field;
}

static int conversion_read(Parser *parser, Atom conversion, Extent at) {
    if (!conversion) return -1;
    Slice text = conversion->text;
    if (text.length == 1 && strchr("sra", text.start[0])) return text.start[0];
    parser_report(parser, at, "invalid conversion '%.*s': expected 's', 'r' or 'a'", SLICE_ARGS(text));
    return -1;
}

Field *parser_field(Parser *parser, Extent at, Field *value, uint32_t next, Atom conversion, Node *spec) {
    FieldNode made = {.value = {.node = parser_header(parser, NODE_FormattedValue, at), .value = value->value}};
    made.value.conversion = conversion_read(parser, conversion, at);
    if (value->is_debug && !conversion && !spec) made.value.conversion = 'r';
    made.value.format_spec = spec;
    made.text = (Extent){at.start + 1, value->text.end};
    value->text = value->is_debug ? (Extent){at.start + 1, next} : made.text;
    value->value = parser_keep(parser, &made, sizeof made);
    return value;
}

List parser_push_field(Parser *parser, List values, Field *field) {
    if (field->is_debug) {
        Constant text = constant_of_source(parser, field->text);
        values = parser_push(parser, values, MAKE_NODE(parser, Constant, field->text, .value = text));
    }
    return parser_push(parser, values, field->value);
}

Node *parser_fstring_text(Parser *parser, Extent at, bool raw) {
    Slice text = layout_text(&parser->layout, at);
    Constant constant = {.kind = CONSTANT_STRING,
                         .text = parser_decode(parser, at, (DecodeOptions){.raw = raw, .braces = true})};
    /* CPython's token ends before the second of two braces */
    char last = text.start[text.length - 1];
    bool doubled = (last == '{' || last == '}') && text.length > 1 && text.start[text.length - 2] == last;
    if (doubled) at.end--;
    return MAKE_NODE(parser, Constant, at, .value = constant);
}

/* Merging */

static Slice constants_text(Arena *arena, Node *const *items, int count) {
    if (count == 1) return NODE_AS(Constant, items[0])->value.text;
    size_t length = 0;
    for (int i = 0; i < count; i++) length += NODE_AS(Constant, items[i])->value.text.length;
    char *text = arena_allocate(arena, length + 1);
    length = 0;
    for (int i = 0; i < count; i++) {
        Slice part = NODE_AS(Constant, items[i])->value.text;
        if (part.length) memcpy(text + length, part.start, part.length);
        length += part.length;
    }
    return (Slice){text, length};
}

static Node *constants_merge(Parser *parser, Node *const *items, int count, Extent at) {
    if (count == 1) return items[0];
    Constant constant = NODE_AS(Constant, items[0])->value;
    constant.text = constants_text(parser->arena, items, count);
    return MAKE_NODE(parser, Constant, at, .value = constant);
}

/* Runs of texts become one each; in place. */
static Nodes values_merge(Parser *parser, Nodes values) {
    int kept = 0;
    for (int i = 0, end; i < values.count; i = end) {
        end = i + 1;
        if (values.items[i]->kind != NODE_Constant) {
            values.items[kept++] = values.items[i];
            continue;
        }
        while (end < values.count && values.items[end]->kind == NODE_Constant) end++;
        Extent at = {values.items[i]->start, values.items[end - 1]->end};
        Node *merged = constants_merge(parser, values.items + i, end - i, at);
        if (NODE_AS(Constant, merged)->value.text.length) values.items[kept++] = merged;
    }
    values.count = kept;
    return values;
}

Node *parser_format_spec(Parser *parser, Extent at, List values) {
    return MAKE_NODE(parser, JoinedStr, at, .values = values_merge(parser, parser_take(parser, values)));
}

Node *parser_template(Parser *parser, Extent at, List values) {
    Nodes items = parser_take(parser, values);
    for (int i = 0; i < items.count; i++) {
        if (items.items[i]->kind != NODE_FormattedValue) continue;
        const FieldNode *field = (const FieldNode *)(const void *)items.items[i];
        Constant text = constant_of_source(parser, field->text);
        items.items[i] =
            MAKE_NODE(parser, Interpolation, node_extent(items.items[i]), .value = field->value.value, .str = text,
                      .conversion = field->value.conversion, .format_spec = field->value.format_spec);
    }
    return MAKE_NODE(parser, TemplateStr, at, .values = items);
}

typedef struct PartCounts {
    int plain, bytes, formatted, templates;
} PartCounts;

static PartCounts parts_count(Nodes parts) {
    PartCounts counts = {0};
    for (int i = 0; i < parts.count; i++) {
        const Node *part = parts.items[i];
        if (part->kind == NODE_JoinedStr) counts.formatted++;
        else if (part->kind == NODE_TemplateStr) counts.templates++;
        else if (NODE_AS(Constant, part)->value.kind == CONSTANT_BYTES) counts.bytes++;
        else counts.plain++;
    }
    return counts;
}

static void parser_check_parts(Parser *parser, Extent at, PartCounts counts) {
    if (counts.bytes && counts.bytes < counts.plain + counts.bytes + counts.formatted + counts.templates)
        parser_report(parser, at, "cannot mix bytes and nonbytes literals");
    if (counts.templates && counts.plain + counts.formatted)
        parser_report(parser, at, "cannot mix t-string literals with string literals");
}

static Nodes *part_values(Node *part) {
    if (part->kind == NODE_JoinedStr) return &NODE_AS(JoinedStr, part)->values;
    return part->kind == NODE_TemplateStr ? &NODE_AS(TemplateStr, part)->values : NULL;
}

static Nodes parts_flatten(Parser *parser, Nodes parts) {
    List all = parser_list(parser);
    for (int i = 0; i < parts.count; i++) {
        const Nodes *values = part_values(parts.items[i]);
        if (!values) all = parser_push(parser, all, parts.items[i]);
        for (int k = 0; values && k < values->count; k++) all = parser_push(parser, all, values->items[k]);
    }
    return values_merge(parser, parser_take(parser, all));
}

Node *parser_strings(Parser *parser, Extent at, List list) {
    Node *first = parser->scratch[list.mark];
    if (list.count == 1 && first->kind == NODE_Constant) {
        parser->scratch_top = list.mark;
        return first;
    }
    Nodes parts = parser_take(parser, list);
    PartCounts counts = parts_count(parts);
    parser_check_parts(parser, at, counts);
    if (!counts.formatted && !counts.templates) return constants_merge(parser, parts.items, parts.count, at);
    Nodes values = parts_flatten(parser, parts);
    if (counts.templates) return MAKE_NODE(parser, TemplateStr, at, .values = values);
    return MAKE_NODE(parser, JoinedStr, at, .values = values);
}

Node *parser_string_pattern(Parser *parser, Extent at, Node *value) {
    if (value->kind != NODE_Constant)
        parser_report(parser, at, "patterns may only match literals and attribute lookups");
    return MAKE_NODE(parser, MatchValue, at, .value = value);
}
