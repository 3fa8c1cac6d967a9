/*
 * Reads the text of a type annotation into a TypeExpr.
 *
 * Input: text such as `Mapped["Optional[Address]"]`. Output: the tree; quoted parts are read as if they were not
 * quoted. Invariants: nesting is limited; what is no type expression becomes OTHER with its text, never an error.
 */
#include "compiler/sqlalchemy/orm_annotation.h"

enum { ANNOTATION_DEPTH = 40 };

typedef struct Reader {
    Arena *arena;
    const char *at, *end;
    int depth;
} Reader;

static TypeExpr *reader_union(Reader *reader);

static bool is_name_byte(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || (c & 0x80);
}

static void reader_skip_space(Reader *reader) {
    while (reader->at < reader->end) {
        char c = *reader->at;
        if (c == '#') {
            while (reader->at < reader->end && *reader->at != '\n') reader->at++;
        } else if (c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\\') {
            reader->at++;
        } else {
            return;
        }
    }
}

static bool reader_takes(Reader *reader, char c) {
    reader_skip_space(reader);
    if (reader->at >= reader->end || *reader->at != c) return false;
    reader->at++;
    return true;
}

/* Jumps over anything up to a comma or closing bracket of this level. */
static Slice reader_skip_other(Reader *reader) {
    const char *start = reader->at;
    int level = 0;
    char quote = 0;
    for (; reader->at < reader->end; reader->at++) {
        char c = *reader->at;
        if (quote) {
            if (c == quote) quote = 0;
            continue;
        }
        if (c == '"' || c == '\'') quote = c;
        else if (c == '(' || c == '[' || c == '{') level++;
        else if (c == ')' || c == ']' || c == '}') {
            if (level-- == 0) break;
        } else if (c == ',' && level == 0) break;
    }
    const char *stop = reader->at;
    while (stop > start && (stop[-1] == ' ' || stop[-1] == '\n' || stop[-1] == '\t')) stop--;
    return (Slice){start, (size_t)(stop - start)};
}

static TypeExpr *type_expr_new(Reader *reader, TypeExprKind kind, const char *start) {
    TypeExpr *expr = ARENA_NEW(reader->arena, TypeExpr);
    expr->kind = kind;
    expr->text = (Slice){start, (size_t)(reader->at - start)};
    return expr;
}

static TypeExpr *reader_quoted(Reader *reader) {
    char quote = *reader->at++;
    bool triple = reader->end - reader->at >= 2 && reader->at[0] == quote && reader->at[1] == quote;
    if (triple) reader->at += 2;
    const char *start = reader->at;
    while (reader->at < reader->end && *reader->at != quote) reader->at++;
    Slice inner = {start, (size_t)(reader->at - start)};
    reader->at += reader->at < reader->end ? (triple ? 3 : 1) : 0;
    if (reader->at > reader->end) reader->at = reader->end;
    Reader nested = {reader->arena, inner.start, inner.start + inner.length, reader->depth};
    TypeExpr *expr = reader_union(&nested);
    if (!expr) {
        expr = type_expr_new(reader, TYPE_EXPR_LITERAL, start);
        expr->name = inner;
    }
    expr->quoted = true;
    return expr;
}

static void reader_arguments(Reader *reader, TypeExpr *expr) {
    int capacity = 0;
    if (!reader_takes(reader, '[')) return;
    while (!reader_takes(reader, ']')) {
        if (reader->at >= reader->end) return;
        TypeExpr *arg = reader_union(reader);
        reader_skip_space(reader);
        bool stops = reader->at < reader->end && (*reader->at == ',' || *reader->at == ']');
        if (!arg || !stops) {
            if (!arg || reader->at >= reader->end) arg = NULL;
            const char *start = arg ? arg->text.start : reader->at;
            Slice rest = reader_skip_other(reader);
            arg = type_expr_new(reader, TYPE_EXPR_OTHER, start);
            arg->text = (Slice){start, (size_t)(rest.start + rest.length - start)};
        }
        ARENA_PUSH(reader->arena, expr->args, expr->count, capacity) = arg;
        if (!reader_takes(reader, ',')) {
            reader_takes(reader, ']');
            return;
        }
    }
}

static TypeExpr *reader_atom(Reader *reader) {
    reader_skip_space(reader);
    if (reader->at >= reader->end) return NULL;
    const char *start = reader->at;
    char c = *start;
    if (c == '"' || c == '\'') return reader_quoted(reader);
    if (c == '[') { /* Callable's list of parameters */
        TypeExpr *list = type_expr_new(reader, TYPE_EXPR_OTHER, start);
        reader_arguments(reader, list);
        list->text = (Slice){start, (size_t)(reader->at - start)};
        return list;
    }
    if (!is_name_byte(c)) return NULL;
    while (reader->at < reader->end && (is_name_byte(*reader->at) || *reader->at == '.')) reader->at++;
    Slice name = {start, (size_t)(reader->at - start)};
    if (slice_equals_text(name, "None")) return type_expr_new(reader, TYPE_EXPR_NONE, start);
    TypeExpr *expr = type_expr_new(reader, TYPE_EXPR_NAME, start);
    expr->name = name;
    size_t dot = name.length;
    while (dot > 0 && name.start[dot - 1] != '.') dot--;
    expr->last = slice_sub(name, dot, name.length);
    reader_arguments(reader, expr);
    expr->text = (Slice){start, (size_t)(reader->at - start)};
    return expr;
}

static TypeExpr *reader_union(Reader *reader) {
    if (++reader->depth > ANNOTATION_DEPTH) return NULL;
    TypeExpr *first = reader_atom(reader);
    TypeExpr *all = NULL;
    int capacity = 0;
    while (first && reader_takes(reader, '|')) {
        TypeExpr *next = reader_atom(reader);
        if (!next) return NULL;
        if (!all) {
            all = ARENA_NEW(reader->arena, TypeExpr);
            all->kind = TYPE_EXPR_UNION;
            ARENA_PUSH(reader->arena, all->args, all->count, capacity) = first;
        }
        ARENA_PUSH(reader->arena, all->args, all->count, capacity) = next;
    }
    reader->depth--;
    if (all) all->text = (Slice){first->text.start, (size_t)(reader->at - first->text.start)};
    return all ? all : first;
}

TypeExpr *type_expr_parse(Arena *arena, Slice text) {
    Reader reader = {arena, text.start, text.start + text.length, 0};
    return reader_union(&reader);
}

bool type_expr_is(const TypeExpr *expr, const char *last_name) {
    return expr && expr->kind == TYPE_EXPR_NAME && slice_equals_text(expr->last, last_name);
}

TypeExpr *type_expr_strip_none(Arena *arena, TypeExpr *expr, bool *optional) {
    if (type_expr_is(expr, "Optional") && expr->count == 1) {
        *optional = true;
        return type_expr_strip_none(arena, expr->args[0], optional);
    }
    bool is_union = expr && (expr->kind == TYPE_EXPR_UNION || type_expr_is(expr, "Union"));
    if (!is_union) return expr;
    TypeExpr *rest = ARENA_NEW(arena, TypeExpr);
    rest->kind = TYPE_EXPR_UNION;
    rest->text = expr->text;
    int capacity = 0;
    for (int i = 0; i < expr->count; i++) {
        if (expr->args[i]->kind == TYPE_EXPR_NONE) *optional = true;
        else ARENA_PUSH(arena, rest->args, rest->count, capacity) = expr->args[i];
    }
    return rest->count == 1 ? rest->args[0] : rest;
}
