/*
 * Names: identifiers with the quotes that the style wants, and columns with their relation.
 *
 * Django quotes every name unless it is quoted already; SQLAlchemy only where the dialect needs it. A quote inside a
 * name is doubled, so that no name can leave its quotes.
 *
 *     order → "order"      id → "id" (Django) or id (SQLAlchemy)
 */
#include "compiler/emit/emitter.h"

static void emit_quoted(Emitter *e, Slice name) {
    char quote = e->dialect->quote;
    buffer_put(&e->sql, quote);
    size_t from = 0;
    for (;;) {
        Slice rest = slice_sub(name, from, name.length);
        size_t at = slice_find(rest, quote);
        buffer_append(&e->sql, rest.start, at);
        if (at == rest.length) break;
        buffer_put(&e->sql, quote);
        buffer_put(&e->sql, quote);
        from += at + 1;
    }
    buffer_put(&e->sql, quote);
}

/* "already quoted" as a whole: such names go through as they are in Django. */
static bool name_is_quoted(const Emitter *e, Slice name) {
    char quote = e->dialect->quote;
    if (name.length < 2 || name.start[0] != quote || name.start[name.length - 1] != quote) return false;
    size_t inner = 0;
    for (size_t i = 1; i + 1 < name.length; i++)
        if (name.start[i] == quote) inner++;
    /* "schema"."table" is the known trick to name a schema; an odd count would leave the quotes open */
    return inner % 2 == 0;
}

void emit_name(Emitter *e, Slice name, NameQuoting quoting) {
    bool plain = quoting == QUOTING_NEVER;
    if (quoting == QUOTING_BY_STYLE)
        plain = emit_is_django(e) ? name_is_quoted(e, name) : !e->dialect->name_needs_quotes(name);
    if (plain) buffer_slice(&e->sql, name);
    else emit_quoted(e, name);
}

void emit_identifier(Emitter *e, Slice name) { emit_name(e, name, QUOTING_BY_STYLE); }

void emit_relation_alias_name(Emitter *e, const Relation *relation) {
    emit_name(e, relation->alias, relation->alias_unquoted ? QUOTING_NEVER : relation->alias_quoting);
}

void emit_relation_name(Emitter *e, const Relation *relation) {
    if (relation->schema.length) {
        emit_name(e, relation->schema, relation->schema_quoting);
        buffer_put(&e->sql, '.');
    }
    emit_name(e, relation->name, relation->name_quoting);
}

void emit_relation_reference(Emitter *e, const Relation *relation) {
    if (relation->alias.length) emit_relation_alias_name(e, relation);
    else emit_relation_name(e, relation);
}

void emit_column(Emitter *e, const Expr *column) {
    if (column->as.column.relation && !column->as.column.bare) {
        emit_relation_reference(e, column->as.column.relation);
        buffer_put(&e->sql, '.');
    }
    if (column->kind == EXPR_STAR) buffer_put(&e->sql, '*');
    else emit_name(e, column->as.column.name, column->as.column.quoting);
}
