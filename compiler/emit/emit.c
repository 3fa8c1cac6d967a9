/*
 * query_emit: query tree → statement. Shapes the tree for the dialect, writes text and parameters in one walk, cuts
 * the inlined text together from the recorded slots, and names the result columns.
 *
 * Invariants: the text holds exactly one placeholder for each slot; `?` dialects have one parameter a slot, numbered
 * ones one a Param object, so that a repeated expression stays the same expression to the server.
 *
 *     SELECT "book"."id" FROM "book" WHERE "book"."title" = $1        params: 'x'
 */
#include "compiler/emit/emitter.h"
#include "compiler/query/shape.h"
#include "compiler/query/verify.h"

void emit_refuse(Emitter *e, Span span, const char *message) {
    e->failed = true;
    diagnostics_add(e->diagnostics, CODE_NOT_SUPPORTED, SEVERITY_ERROR, span, "%s", message);
}

/* ---- parameters ---- */

static size_t param_hash(const Param *param, int capacity) {
    uintptr_t bits = (uintptr_t)param >> 4;
    return (size_t)(bits * 2654435761u) & (size_t)(capacity - 1);
}

static void seen_grow(Emitter *e) {
    int old_capacity = e->seen_capacity;
    const Param **old_keys = e->seen_keys;
    int *old_numbers = e->seen_numbers;
    e->seen_capacity = old_capacity ? old_capacity * 2 : 64;
    e->seen_keys = ARENA_ARRAY(e->arena, const Param *, e->seen_capacity);
    e->seen_numbers = ARENA_ARRAY(e->arena, int, e->seen_capacity);
    for (int i = 0; i < old_capacity; i++) {
        if (!old_keys[i]) continue;
        size_t at = param_hash(old_keys[i], e->seen_capacity);
        while (e->seen_keys[at]) at = (at + 1) & (size_t)(e->seen_capacity - 1);
        e->seen_keys[at] = old_keys[i];
        e->seen_numbers[at] = old_numbers[i];
    }
}

static int param_add(Emitter *e, const Param *param) {
    ARENA_PUSH(e->arena, e->params, e->param_count, e->param_capacity) = *param;
    return e->param_count - 1;
}

/* The number of the parameter, the same for the same object; from 0. */
static int param_number(Emitter *e, const Param *param) {
    if (e->param_count * 2 >= e->seen_capacity) seen_grow(e);
    size_t at = param_hash(param, e->seen_capacity);
    while (e->seen_keys[at] && e->seen_keys[at] != param) at = (at + 1) & (size_t)(e->seen_capacity - 1);
    if (!e->seen_keys[at]) {
        e->seen_keys[at] = param;
        e->seen_numbers[at] = param_add(e, param);
    }
    return e->seen_numbers[at];
}

static void put_number(Buffer *out, unsigned number) {
    char digits[12];
    int count = 0;
    do digits[count++] = (char)('0' + number % 10);
    while (number /= 10);
    while (count) buffer_put(out, digits[--count]);
}

void emit_param(Emitter *e, const Param *param) {
    Slot *slot = &ARENA_PUSH(e->arena, e->slots, e->slot_count, e->slot_capacity);
    slot->start = e->sql.length;
    if (e->dialect->numbered_placeholders) {
        slot->param = param_number(e, param);
        buffer_put(&e->sql, '$');
        put_number(&e->sql, (unsigned)slot->param + 1);
    } else {
        slot->param = param_add(e, param);
        buffer_put(&e->sql, '?');
    }
    slot->length = e->sql.length - slot->start;
    if (param->cast.length) buffer_slice(&e->sql, param->cast);
    else if (param->type == SQL_JSON && emit_is_django(e) && e->dialect->id == DIALECT_POSTGRESQL)
        EMIT(e, "::jsonb"); /* a client that binds it as json or text finds the operators of jsonb all the same */
}

/* ---- the inlined text ---- */

/* Known parameters as literals; what is not known keeps its placeholder. */
static bool inline_text(Emitter *e, Statement *out) {
    Buffer text;
    buffer_init(&text, e->arena);
    buffer_reserve(&text, e->sql.length + 64);
    size_t copied = 0;
    for (int i = 0; i < e->slot_count; i++) {
        const Slot *slot = &e->slots[i];
        const Param *param = &e->params[slot->param];
        if (param->source != PARAM_KNOWN) continue;
        buffer_append(&text, e->sql.data + copied, slot->start - copied);
        const char *why = NULL;
        SqlType type = param->value.kind == LITERAL_ARRAY ? param->item_type : param->type;
        if (!e->dialect->write_literal(&text, &param->value, type, &why)) {
            emit_refuse(e, param->span, why);
            return false;
        }
        copied = slot->start + slot->length;
    }
    buffer_append(&text, e->sql.data + copied, e->sql.length - copied);
    out->inlined = buffer_view(&text);
    return true;
}

/* ---- result columns ---- */

static Slice item_name(const SelectItem *item) {
    if (item->result_name.length) return item->result_name;
    if (item->alias.length) return item->alias;
    if (item->expr->kind == EXPR_COLUMN) return item->expr->as.column.name;
    return (Slice){"", 0};
}

static void name_columns(Emitter *e, const Query *query, Statement *out) {
    while (query->kind == QUERY_SET_OPERATION && query->part_count && !query->item_count) query = query->parts[0];
    bool writes = query->kind == QUERY_INSERT || query->kind == QUERY_UPDATE || query->kind == QUERY_DELETE;
    const SelectItem *items = writes ? query->returning : query->items;
    int count = writes ? query->returning_count : query->item_count;
    if (!count) return;
    out->columns = ARENA_ARRAY(e->arena, ResultColumn, count);
    out->column_count = count;
    for (int i = 0; i < count; i++)
        out->columns[i] = (ResultColumn){.name = item_name(&items[i]), .type = items[i].expr->type};
}

bool query_emit(Arena *arena, const Dialect *dialect, const EmitOptions *options, Query *query, StatementKind kind,
                DiagnosticList *diagnostics, Statement *out) {
    Emitter e = {.arena = arena, .dialect = dialect, .style = options->style, .diagnostics = diagnostics};
    *out = (Statement){.kind = kind, .tree = query};
    if (!query_shape(arena, dialect, options, query, diagnostics)) return false;
#ifndef NDEBUG
    const char *wrong = query_verify(query);
    if (wrong) {
        diagnostics_add(diagnostics, CODE_UNSUPPORTED, SEVERITY_ERROR, (Span){0}, "inconsistent query tree: %s", wrong);
        return false;
    }
#endif
    buffer_init(&e.sql, arena);
    buffer_reserve(&e.sql, 1024);
    emit_query(&e, query);
    if (e.saw_registered && e.saw_replaced && !e.failed) {
        /* a statement that needs Django's own functions is Django's own throughout */
        e.write_registered = true;
        e.sql.length = 0;
        e.param_count = e.slot_count = 0;
        emit_query(&e, query);
    }
    if (e.failed) return false;
    out->sql = buffer_view(&e.sql);
    out->params = e.params;
    out->param_count = e.param_count;
    name_columns(&e, query, out);
    return !options->inline_literals || inline_text(&e, out);
}
