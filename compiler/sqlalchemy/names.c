/*
 * Names that SQLAlchemy gives to columns of rows and to what has no name: labels, anonymous names, deduplication,
 * truncation.
 *
 * Input: columns of a select in order. Output: for each the label it must have, may have, and its key in .c.
 * Invariants: the same token always becomes the same name within one statement; numbers count per base name.
 * Example: select(a.c.id, b.c.id, func.count()) → id, id AS id_1, count(*) AS count_1.
 */
#include "compiler/sqlalchemy/lower.h"

NameQuoting name_quoting(Name name) {
    switch (name.quote) {
    case NAME_AT_NEED: return QUOTING_BY_STYLE;
    case NAME_QUOTED: return QUOTING_ALWAYS;
    case NAME_PLAIN: return QUOTING_NEVER;
    }
    return QUOTING_BY_STYLE;
}

void sa_write_name(Buffer *out, const Dialect *dialect, Name name) {
    bool quoted = name.quote == NAME_QUOTED || (name.quote == NAME_AT_NEED && dialect->name_needs_quotes(name.text));
    if (!quoted) {
        buffer_slice(out, name.text);
        return;
    }
    buffer_put(out, dialect->quote);
    for (size_t i = 0; i < name.text.length; i++) {
        if (name.text.start[i] == dialect->quote) buffer_put(out, dialect->quote);
        buffer_put(out, name.text.start[i]);
    }
    buffer_put(out, dialect->quote);
}

/* ---- numbers for anonymous names ---- */

static Slice *slice_boxed(Lowering *lo, Slice text) {
    Slice *box = ARENA_NEW(lo->arena, Slice);
    *box = text;
    return box;
}

static int counter_next(Lowering *lo, Slice base) {
    int *number = slice_map_get(&lo->counters, base);
    if (!number) slice_map_add(&lo->counters, lo->arena, base, number = ARENA_NEW(lo->arena, int));
    return ++*number;
}

static Slice token_name(Lowering *lo, Slice token) {
    const Slice *known = slice_map_get(&lo->names, token);
    if (known) return *known;
    size_t space = slice_find(token, ' ');
    Slice base = slice_sub(token, space + 1 > token.length ? token.length : space + 1, token.length);
    Slice made = slice_format(lo->arena, "%.*s_%d", SLICE_ARGS(base), counter_next(lo, base));
    slice_map_add(&lo->names, lo->arena, token, slice_boxed(lo, made));
    return made;
}

static Slice name_numbered(Lowering *lo, Slice text) {
    if (slice_find(text, '\1') == text.length) return text;
    Buffer out;
    buffer_init(&out, lo->arena);
    for (size_t i = 0; i < text.length; i++) {
        if (text.start[i] != '\1') {
            buffer_put(&out, text.start[i]);
            continue;
        }
        size_t end = i + 1;
        while (end < text.length && text.start[end] != '\2') end++;
        buffer_slice(&out, token_name(lo, slice_sub(text, i + 1, end)));
        i = end;
    }
    return buffer_view(&out);
}

static size_t label_limit(const Lowering *lo) {
    if (lo_is(lo, DIALECT_POSTGRESQL)) return 63;
    return lo_mysql(lo) ? 255 : 9999;
}

Slice lower_name(Lowering *lo, Name name) {
    Slice made = name_numbered(lo, name.text);
    size_t limit = label_limit(lo);
    if ((!name.truncatable && !name_is_anonymous(name)) || made.length <= limit - 6) return made;
    const Slice *known = slice_map_get(&lo->truncated, made);
    if (known) return *known;
    Slice cut = slice_format(lo->arena, "%.*s_%x", (int)(limit - 6), made.start, ++lo->truncated_number);
    slice_map_add(&lo->truncated, lo->arena, made, slice_boxed(lo, cut));
    return cut;
}

/* ---- labels of a column ---- */

static const Element *element_origin(const Element *element) {
    while (element->original) element = element->original;
    return element;
}

/* An anonymous name on a seed; a seed that is anonymous itself gets a number of its own after it. */
static Name anonymous_label(Evaluator *ev, const Element *element, Slice seed, int add) {
    Arena *arena = evaluator_arena(ev);
    if (slice_find(seed, '\1') == seed.length) seed = anonymous_seed(arena, seed);
    uint32_t id = element_origin(element)->id;
    Slice under = add ? SLICE("_") : SLICE("");
    Name name = {.truncatable = true};
    if (slice_find(seed, '\1') < seed.length) {
        name.text = slice_format(arena, "%.*s%.*s\1%u.%d \2", SLICE_ARGS(seed), SLICE_ARGS(under), id, add);
    } else if (add) {
        name.text = slice_format(arena, "\1%u.%d %.*s_\2", id, add, SLICE_ARGS(seed));
    } else {
        name.text = slice_format(arena, "\1%u %.*s\2", id, SLICE_ARGS(seed));
    }
    return name;
}

static bool element_wraps_column(const Element *element) {
    return element->kind == EL_CAST || element->kind == EL_TYPE_COERCE || element->kind == EL_AS_BOOLEAN;
}

static const Element *wrapped_column(const Element *element) { return element->children[0]; }

static bool element_is_named(const Element *element) {
    return element->kind == EL_COLUMN || element->kind == EL_LABEL || element->kind == EL_FUNCTION_COLUMN;
}

bool column_own_label(Evaluator *ev, const Element *column, Name *out) {
    (void)ev;
    if (!element_is_named(column)) return false;
    *out = column->name;
    return true;
}

Name column_anonymous_label(Evaluator *ev, const Element *column) {
    if (element_wraps_column(column) && column->kind != EL_TEXT && wrapped_column(column)->kind != EL_TEXT) {
        Name own;
        const Element *inner = wrapped_column(column);
        if (element_is_column(inner)) {
            if (column_own_label(ev, inner, &own) && own.text.length) return own;
            return column_anonymous_label(ev, inner);
        }
    }
    Slice seed = SLICE("anon");
    if (element_is_named(column) || column->kind == EL_FUNCTION) seed = column->name.text;
    return anonymous_label(ev, column, seed, 0);
}

static bool key_taken(Evaluator *ev, Element *table, Slice label) { return from_column(ev, table, label) != NULL; }

static bool table_label(Evaluator *ev, const Element *column, Name name, Name *out) {
    const ColumnElement *c = COLUMN(column);
    if (c->is_literal) return false;
    Element *table = c->table;
    if (!table || table->kind == EL_JOIN || table->kind == EL_FROM_GROUPING || !table->name.text.length) {
        *out = name;
        return true;
    }
    Arena *arena = evaluator_arena(ev);
    Buffer text;
    buffer_init(&text, arena);
    if (table->kind == EL_TABLE && FROM(table)->schema.text.length) {
        Slice schema = FROM(table)->schema.text;
        for (size_t i = 0; i < schema.length; i++) buffer_put(&text, schema.start[i] == '.' ? '_' : schema.start[i]);
        buffer_put(&text, '_');
    }
    buffer_format(&text, "%.*s_%.*s", SLICE_ARGS(table->name.text), SLICE_ARGS(name.text));
    Slice label = buffer_view(&text);
    if (key_taken(ev, table, label)) {
        int counter = 1;
        Slice base = label;
        do label = slice_format(arena, "%.*s_%d", SLICE_ARGS(base), counter++);
        while (key_taken(ev, table, label));
    }
    *out = (Name){.text = label, .truncatable = true};
    if (name.quote != NAME_AT_NEED) out->quote = name.quote;
    else if (table->name.quote != NAME_AT_NEED) out->quote = table->name.quote;
    return true;
}

bool column_table_label(Evaluator *ev, const Element *column, Name *out) {
    if (column->kind == EL_LABEL) {
        *out = column->name;
        return true;
    }
    if (column->kind == EL_COLUMN) return table_label(ev, column, column->name, out);
    if (column->kind == EL_FUNCTION_COLUMN) {
        *out = column->name;
        return true;
    }
    if (element_wraps_column(column) && element_is_column(wrapped_column(column)))
        return column_table_label(ev, wrapped_column(column), out);
    return false;
}

bool column_proxy_key(Evaluator *ev, const Element *column, Name *out) {
    if (column->entity_key && column->kind == EL_COLUMN) {
        *out = name_from(column->entity_key->text);
        return true;
    }
    if (column->kind == EL_COLUMN) {
        *out = COLUMN(column)->key;
        return true;
    }
    if (column->kind == EL_BIND || column->kind == EL_FUNCTION_COLUMN || column->kind == EL_LABEL) {
        *out = column->name;
        return true;
    }
    if (column->kind == EL_FUNCTION) {
        *out = column->name;
        return true;
    }
    if (element_wraps_column(column) && element_is_column(wrapped_column(column)) &&
        wrapped_column(column)->kind != EL_TEXT)
        return column_proxy_key(ev, wrapped_column(column), out);
    return false;
}

static Name dedupe_label(Evaluator *ev, const Element *column, bool table_qualified, int number) {
    Name label;
    if (element_wraps_column(column) && !table_qualified && column_own_label(ev, wrapped_column(column), &label))
        return anonymous_label(ev, column, slice_format(evaluator_arena(ev), "%.*s_", SLICE_ARGS(label.text)), 0);
    bool named = element_is_named(column) || column->kind == EL_FUNCTION;
    if (!table_qualified && named) return anonymous_label(ev, column, column->name.text, number);
    if (column_table_label(ev, column, &label)) return anonymous_label(ev, column, label.text, number);
    return anonymous_label(ev, column, SLICE("anon"), number);
}

static Name conflict_label(Evaluator *ev, const Element *column, bool table_qualified) {
    if (!table_qualified) return column_anonymous_label(ev, column);
    Name label;
    if (column_table_label(ev, column, &label)) return anonymous_label(ev, column, label.text, 0);
    return anonymous_label(ev, column, SLICE("anon"), 0);
}

/* ---- all columns of a select ---- */

/* The column that a name was given to last. */
typedef struct NameTaken {
    const Element *column;
} NameTaken;
typedef struct NameTable {
    Evaluator *ev;
    SliceMap taken; /* name → NameTaken */
    SliceMap keys;  /* key → Element */
    int dedupe;
    bool table_qualified, dedupe_anon;
    LabelStyle style;
} NameTable;

static NameTaken *taken_find(const NameTable *t, Slice name) { return slice_map_get(&t->taken, name); }

static void taken_set(NameTable *t, Slice name, const Element *column) {
    NameTaken *found = taken_find(t, name);
    if (!found)
        slice_map_add(&t->taken, evaluator_arena(t->ev), name, found = ARENA_NEW(evaluator_arena(t->ev), NameTaken));
    found->column = column;
}

static bool same_hash(const Element *a, const Element *b) { return a == b || a->id == b->id; }

static bool renders_label(const Element *column) {
    if (column->kind == EL_COLUMN) return COLUMN(column)->table != NULL;
    return column->kind != EL_TEXT && column->kind != EL_FUNCTION_COLUMN;
}

static void require(PlusName *plus, Name name) {
    plus->required = plus->fallback = name;
    plus->has_required = plus->has_fallback = true;
}

/* A name that another column has already. */
static void resolve_conflict(NameTable *t, PlusName *plus, const NameTaken *taken) {
    if (!same_hash(taken->column, plus->column)) {
        require(plus, conflict_label(t->ev, plus->column, t->table_qualified));
        if (t->dedupe_anon && taken_find(t, plus->required.text)) {
            require(plus, dedupe_label(t->ev, plus->column, t->table_qualified, ++t->dedupe));
            plus->repeated = true;
        } else {
            taken_set(t, plus->required.text, plus->column);
        }
    } else if (t->dedupe_anon) {
        require(plus, dedupe_label(t->ev, plus->column, t->table_qualified, ++t->dedupe));
        plus->repeated = true;
    }
}

static void name_unnamed(NameTable *t, PlusName *plus) {
    Name anonymous = column_anonymous_label(t->ev, plus->column);
    plus->repeated = taken_find(t, anonymous.text) != NULL;
    taken_set(t, anonymous.text, plus->column);
    plus->has_fallback = true;
    plus->fallback = plus->repeated ? dedupe_label(t->ev, plus->column, t->table_qualified, ++t->dedupe) : anonymous;
}

static void name_column(NameTable *t, PlusName *plus) {
    Name effective = {0};
    bool has = false;
    if (!renders_label(plus->column)) return;
    if (t->style == LABEL_NONE) {
        plus->has_fallback = true;
        if (!column_own_label(t->ev, plus->column, &plus->fallback))
            plus->fallback = column_anonymous_label(t->ev, plus->column);
        return;
    }
    if (t->table_qualified) {
        has = column_table_label(t->ev, plus->column, &effective);
        if (has) require(plus, effective);
    } else {
        has = column_own_label(t->ev, plus->column, &effective);
        plus->fallback = effective;
        plus->has_fallback = has;
    }
    if (!has) {
        name_unnamed(t, plus);
        return;
    }
    NameTaken *taken = taken_find(t, effective.text);
    if (taken) resolve_conflict(t, plus, taken);
    else taken_set(t, effective.text, plus->column);
}

static void key_column(NameTable *t, PlusName *plus) {
    if (plus->column->kind == EL_TEXT) return;
    bool has = t->table_qualified ? column_table_label(t->ev, plus->column, &plus->key)
                                  : column_proxy_key(t->ev, plus->column, &plus->key);
    if (!has) plus->key = name_from(SLICE("_no_label"));
    if (t->style != LABEL_NONE && slice_map_get(&t->keys, plus->key.text))
        plus->key = anonymous_label(t->ev, plus->column, plus->key.text, 0);
    plus->has_key = true;
    if (!slice_map_get(&t->keys, plus->key.text))
        slice_map_add(&t->keys, evaluator_arena(t->ev), plus->key.text, plus->column);
}

void columns_plus_names(Evaluator *ev, const ElementList *columns, LabelStyle style, bool dedupe_anon, PlusNames *out) {
    NameTable table = {.ev = ev, .dedupe_anon = dedupe_anon, .style = style};
    table.table_qualified = style == LABEL_TABLENAME_PLUS_COL;
    for (int i = 0; i < columns->count; i++) {
        PlusName plus = {.column = columns->items[i]};
        name_column(&table, &plus);
        key_column(&table, &plus);
        ARENA_PUSH(evaluator_arena(ev), out->items, out->count, out->capacity) = plus;
    }
}
