/*
 * Names in DDL: quoting, and the names that Django makes up for indexes and constraints.
 *
 * Invariant: a made-up name is at most as long as the dialect allows and ends in a digest of what it stands for.
 *
 * Example: table "shop_order", column "customer_id": shop_order_customer_id_1a2b3c4d
 */
#include "compiler/django/schema_internal.h"

Slice schema_quote(SchemaEditor *editor, Slice name) { return name_quote(editor->ev, name); }

Slice schema_column_list(SchemaEditor *editor, const Slice *columns, int count) {
    Buffer out;
    buffer_init(&out, evaluator_arena(editor->ev));
    for (int i = 0; i < count; i++) {
        if (i) buffer_text(&out, ", ");
        buffer_slice(&out, schema_quote(editor, columns[i]));
    }
    return buffer_view(&out);
}

Slice schema_literal(SchemaEditor *editor, Slice text) {
    Buffer out;
    const char *why = NULL;
    Literal literal = {.kind = LITERAL_TEXT, .text = text};
    buffer_init(&out, evaluator_arena(editor->ev));
    editor->dialect->write_literal(&out, &literal, SQL_TEXT, &why);
    return buffer_view(&out);
}

/* `"schema"."table"` → table */
static Slice name_without_schema(Slice name) {
    for (size_t i = 0; i + 2 < name.length; i++) {
        if (memcmp(name.start + i, "\".\"", 3) == 0) {
            name = slice_sub(name, i + 2, name.length);
            break;
        }
    }
    while (name.length && (name.start[0] == '"' || name.start[0] == '`')) name = slice_sub(name, 1, name.length);
    while (name.length && (name.start[name.length - 1] == '"' || name.start[name.length - 1] == '`')) name.length--;
    return name;
}

static Slice slice_first(Slice text, int limit) {
    return text.length > (size_t)limit ? slice_sub(text, 0, (size_t)limit) : text;
}

Slice schema_index_name(SchemaEditor *editor, Slice table, const Slice *columns, int count, Slice suffix) {
    Arena *arena = evaluator_arena(editor->ev);
    Slice *parts = ARENA_ARRAY(arena, Slice, count + 1);
    Buffer joined;
    buffer_init(&joined, arena);
    table = name_without_schema(table);
    parts[0] = table;
    for (int i = 0; i < count; i++) {
        parts[i + 1] = columns[i];
        if (i) buffer_put(&joined, '_');
        buffer_slice(&joined, columns[i]);
    }
    Slice names = buffer_view(&joined), digest = name_digest(arena, parts, count + 1, 8);
    Slice ending = slice_format(arena, "%.*s%.*s", SLICE_ARGS(digest), SLICE_ARGS(suffix));
    Slice name = slice_format(arena, "%.*s_%.*s_%.*s", SLICE_ARGS(table), SLICE_ARGS(names), SLICE_ARGS(ending));
    int limit = editor->dialect->max_name_length > 0 ? editor->dialect->max_name_length : 200;
    if (name.length <= (size_t)limit) return name;
    if ((int)ending.length * 3 > limit) ending = slice_first(ending, limit / 3);
    int other = (limit - (int)ending.length) / 2 - 1;
    name = slice_format(arena, "%.*s_%.*s_%.*s", SLICE_ARGS(slice_first(table, other)),
                        SLICE_ARGS(slice_first(names, other)), SLICE_ARGS(ending));
    if (name.start[0] == '_' || (name.start[0] >= '0' && name.start[0] <= '9'))
        name = slice_format(arena, "D%.*s", (int)name.length - 1, name.start);
    return name;
}
