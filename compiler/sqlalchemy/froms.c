/*
 * FROM clauses: their columns, which of them an expression needs, and the condition that foreign keys give a join.
 *
 * Input: tables, aliases, subqueries, joins. Output: columns in order (made once), lists of FROM clauses, ON clauses.
 * Invariants: a column of an alias or subquery knows what it stands for (`proxies`), down to the table's column; a
 * copy of a FROM clause counts as the same one.
 * Example: users.alias().c.id has proxies [users.c.id]; join(users, addresses) gives users.id = addresses.user_id.
 */
#include "compiler/sqlalchemy/lower.h"

/* ---- columns ---- */

static Element *proxy_column(Evaluator *ev, Element *from, Element *column, Name name, Name key) {
    Element *made = element_column(ev, name, column->type, from);
    ColumnElement *proxy = COLUMN(made);
    proxy->key = key;
    proxy->proxies = ARENA_ARRAY(evaluator_arena(ev), Element *, 1);
    proxy->proxies[proxy->proxy_count++] = column;
    made->node = column->node;
    Element *inner = column;
    while (inner->kind == EL_LABEL) inner = inner->children[0];
    if (inner->kind == EL_COLUMN) { /* a label's column keeps its foreign keys */
        proxy->schema = COLUMN(inner)->schema;
        proxy->primary_key = COLUMN(inner)->primary_key;
        proxy->is_literal = inner == column && COLUMN(column)->is_literal && name_equals(name, column->name);
    }
    return made;
}

static void select_from_columns(Evaluator *ev, Element *from, Element *select, ElementList *out) {
    if (select->kind == EL_SELECT_GROUPING) {
        select_from_columns(ev, from, select->children[0], out);
        return;
    }
    if (select->kind == EL_COMPOUND) {
        Element *first = ((Compound *)select)->parts.items[0];
        select_from_columns(ev, from, first, out);
        return;
    }
    ElementList columns = {0};
    PlusNames names = {0};
    select_columns(ev, select, &columns);
    LabelStyle style = select->kind == EL_SELECT ? SELECTABLE(select)->label_style : LABEL_DISAMBIGUATE_ONLY;
    columns_plus_names(ev, &columns, style, false, &names);
    for (int i = 0; i < names.count; i++) {
        PlusName *plus = &names.items[i];
        if (plus->column->kind == EL_TEXT) continue;
        Name name = plus->required, key = plus->key;
        if (plus->has_required && plus->column->kind == EL_LABEL && !name_equals(plus->required, plus->column->name) &&
            !name_is_anonymous(plus->column->name))
            sa_raise(ev, SA_INVALID_REQUEST_ERROR, plus->column->node,
                     "Label name %.*s is being renamed to an anonymous label due to disambiguation which is not "
                     "supported right "
                     "now.  Please use unique names for explicit labels.",
                     SLICE_ARGS(plus->column->name.text));
        if (!plus->has_required) {
            Name own;
            name = column_own_label(ev, plus->column, &own) ? own : column_anonymous_label(ev, plus->column);
        }
        element_list_push(ev, out, proxy_column(ev, from, plus->column, name, key));
    }
}

static void join_columns(Evaluator *ev, Element *join, ElementList *out) {
    for (int side = 0; side < 2; side++) {
        const ElementList *columns = from_columns(ev, join->children[side]);
        for (int i = 0; i < columns->count; i++) element_list_push(ev, out, columns->items[i]);
    }
}

static void alias_columns(Evaluator *ev, Element *alias, Element *inner, ElementList *out) {
    if (element_is_select(inner)) {
        select_from_columns(ev, alias, inner, out);
        return;
    }
    if (inner->kind == EL_INSERT || inner->kind == EL_UPDATE || inner->kind == EL_DELETE) {
        ElementList columns = {0};
        returning_expand(ev, &DML(inner)->returning, RETURN_TABLE, &columns);
        for (int i = 0; i < columns.count; i++) {
            Name name, key;
            if (!column_own_label(ev, columns.items[i], &name)) name = column_anonymous_label(ev, columns.items[i]);
            if (!column_proxy_key(ev, columns.items[i], &key)) key = name;
            element_list_push(ev, out, proxy_column(ev, alias, columns.items[i], name, key));
        }
        return;
    }
    if (!element_is_from(inner)) return;
    const ElementList *columns = from_columns(ev, inner);
    for (int i = 0; i < columns->count; i++) {
        Element *column = columns->items[i];
        element_list_push(ev, out, proxy_column(ev, alias, column, column->name, COLUMN(column)->key));
    }
}

const ElementList *from_columns(Evaluator *ev, Element *element) {
    FromElement *from = FROM(element);
    if (element->kind == EL_FROM_GROUPING) return from_columns(ev, element->children[0]);
    if (element->kind == EL_TABLE || element->kind == EL_VALUES || from->columns_ready) return &from->columns;
    ElementList made = {0};
    if (element->kind == EL_JOIN) join_columns(ev, element, &made);
    else if (element->count) alias_columns(ev, element, element->children[0], &made);
    evaluator_touch(ev, &from->columns, sizeof from->columns);
    evaluator_touch(ev, &from->columns_ready, sizeof from->columns_ready);
    from->columns = made;
    from->columns_ready = true;
    return &from->columns;
}

Element *from_column(Evaluator *ev, Element *from, Slice key) {
    const ElementList *columns = from_columns(ev, from);
    for (int i = 0; i < columns->count; i++)
        if (slice_equals(COLUMN(columns->items[i])->key.text, key)) return columns->items[i];
    return NULL;
}

void sa_suggest_column(Evaluator *ev, const Element *from, Slice key) {
    if (!from || !element_is_from(from)) return;
    Suggestion near = suggestion_start(key);
    const ElementList *columns = from_columns(ev, (Element *)(uintptr_t)from);
    for (int i = 0; i < columns->count; i++) suggestion_offer(&near, COLUMN(columns->items[i])->key.text);
    if (suggestion_found(&near)) evaluator_raise_help(ev, "did you mean '%.*s'?", SLICE_ARGS(near.best));
}

bool column_descends(const Element *column, const Element *target, int depth) {
    if (element_same(column, target)) return true;
    if (column->kind == EL_LABEL) return column_descends(column->children[0], target, depth + 1);
    if (column->kind != EL_COLUMN || depth > 40) return false;
    for (int i = 0; i < COLUMN(column)->proxy_count; i++)
        if (column_descends(COLUMN(column)->proxies[i], target, depth + 1)) return true;
    return false;
}

bool column_shares_lineage(const Element *a, const Element *b) {
    if (column_descends(a, b, 0) || column_descends(b, a, 0)) return true;
    if (a->kind == EL_LABEL) return column_shares_lineage(a->children[0], b);
    if (b->kind == EL_LABEL) return column_shares_lineage(a, b->children[0]);
    if (a->kind == EL_COLUMN)
        for (int i = 0; i < COLUMN(a)->proxy_count; i++)
            if (column_shares_lineage(COLUMN(a)->proxies[i], b)) return true;
    return false;
}

/* The column of `from` that is this one or was made from it. */
Element *from_embedded(Evaluator *ev, Element *from, Element *column) {
    const ElementList *columns = from_columns(ev, from);
    for (int i = 0; i < columns->count; i++)
        if (element_same(columns->items[i], column)) return columns->items[i];
    for (int i = 0; i < columns->count; i++)
        if (column_descends(columns->items[i], column, 0)) return columns->items[i];
    return NULL;
}

/* … or that stands for the same column further down. */
Element *from_corresponding(Evaluator *ev, Element *from, Element *column) {
    Element *embedded = from_embedded(ev, from, column);
    if (embedded) return embedded;
    const ElementList *columns = from_columns(ev, from);
    while (column->kind == EL_COLUMN && COLUMN(column)->proxy_count) {
        column = COLUMN(column)->proxies[0];
        for (int i = 0; i < columns->count; i++)
            if (column_descends(columns->items[i], column, 0)) return columns->items[i];
    }
    return NULL;
}

/* ---- which FROM clauses an expression needs ---- */

void froms_push(Evaluator *ev, ElementList *list, Element *from) {
    for (int i = 0; i < list->count; i++)
        if (list->items[i] == from) return;
    element_list_push(ev, list, from);
}

void element_froms(Evaluator *ev, Element *element, ElementList *out) {
    if (!element) return;
    switch ((int)element->kind) {
    case EL_COLUMN:
        if (COLUMN(element)->table) froms_push(ev, out, COLUMN(element)->table);
        return;
    case EL_SCALAR_SELECT:
    case EL_BIND:
    case EL_SELECT:
    case EL_COMPOUND:
    case EL_TEXTUAL_SELECT: return;
    case EL_ENTITY: {
        Element *from = orm_entity_selectable(ev, element->entity);
        if (from) element_froms(ev, from, out);
        return;
    }
    case EL_JOIN:
        froms_push(ev, out, element);
        element_froms(ev, element->children[0], out);
        element_froms(ev, element->children[1], out);
        return;
    case EL_FROM_GROUPING: element_froms(ev, element->children[0], out); return;
    default: break;
    }
    if (element_is_from(element)) {
        froms_push(ev, out, element);
        return;
    }
    for (int i = 0; i < element->count; i++) element_froms(ev, element->children[i], out);
}

/* FROM clauses that a join contains and therefore hides. */
void from_hidden(Evaluator *ev, Element *from, ElementList *out) {
    if (from->kind == EL_FROM_GROUPING) {
        from_hidden(ev, from->children[0], out);
        return;
    }
    if (from->kind != EL_JOIN) return;
    for (int side = 0; side < 2; side++) {
        element_froms(ev, from->children[side], out);
        from_hidden(ev, from->children[side], out);
    }
}

bool from_contains(const Element *outer, const Element *inner) {
    if (element_same(outer, inner)) return true;
    if (outer->kind == EL_JOIN)
        return from_contains(outer->children[0], inner) || from_contains(outer->children[1], inner);
    if (outer->kind == EL_FROM_GROUPING) return from_contains(outer->children[0], inner);
    return false;
}

/* Columns of a list in which FROM clauses and entities stand for all of theirs. */
void froms_expand(Evaluator *ev, const ElementList *list, ElementList *out) {
    for (int i = 0; i < list->count; i++) {
        Element *element = list->items[i];
        if (element_is_from(element) && !(element->kind == EL_TABLE_VALUED && FROM(element)->table_valued_column)) {
            const ElementList *columns = from_columns(ev, element);
            for (int k = 0; k < columns->count; k++) element_list_push(ev, out, columns->items[k]);
        } else if (element_is_from(element)) {
            element_list_push(ev, out, FROM(element)->columns.items[0]);
        } else if (element->kind == EL_ENTITY) {
            Element **columns = NULL;
            Atom *keys = NULL;
            int count = 0;
            if (!orm_entity_columns(ev, element->entity, &columns, &keys, &count)) return;
            for (int k = 0; k < count; k++) element_list_push(ev, out, columns[k]);
        } else if (element->kind == EL_ORM || element->kind == EL_CLAUSE_LIST) {
            ElementList inner = {.items = element->children, .count = element->count};
            froms_expand(ev, &inner, out);
        } else {
            element_list_push(ev, out, element);
        }
    }
}

static void columns_of_list(Evaluator *ev, const ElementList *list, ElementList *out, int depth);

static void columns_mentioned_below(Evaluator *ev, Element *element, ElementList *out, int depth) {
    if (!element || depth > 60 || element->kind == EL_TABLE || element->kind == EL_ENTITY) return;
    if (element->kind == EL_COLUMN) {
        for (int i = 0; i < out->count; i++)
            if (element_same(out->items[i], element)) return;
        element_list_push(ev, out, element);
        return;
    }
    if (element->kind == EL_SELECT) {
        const Select *select = SELECT(element);
        columns_of_list(ev, &select->columns, out, depth);
        columns_of_list(ev, &select->from, out, depth);
        columns_of_list(ev, &select->where, out, depth);
        columns_of_list(ev, &select->having, out, depth);
        columns_of_list(ev, &select->head.group_by, out, depth);
        columns_of_list(ev, &select->head.order_by, out, depth);
        for (int i = 0; i < select->join_count; i++) columns_mentioned_below(ev, select->joins[i].on, out, depth + 1);
    }
    if (element->kind == EL_COMPOUND) columns_of_list(ev, &((Compound *)element)->parts, out, depth);
    for (int i = 0; i < element->count; i++) columns_mentioned_below(ev, element->children[i], out, depth + 1);
}

static void columns_of_list(Evaluator *ev, const ElementList *list, ElementList *out, int depth) {
    for (int i = 0; i < list->count; i++) columns_mentioned_below(ev, list->items[i], out, depth + 1);
}

void columns_mentioned(Evaluator *ev, Element *element, ElementList *out) {
    columns_mentioned_below(ev, element, out, 0);
}

void returning_expand(Evaluator *ev, const ElementList *list, ReturnedColumns which, ElementList *out) {
    ElementList plain = {0};
    for (int i = 0; i < list->count; i++) {
        Element *element = list->items[i], **columns = NULL;
        Atom *keys = NULL;
        int count = 0;
        if (element->kind == EL_ENTITY && which != RETURN_TABLE) {
            if (!orm_entity_returned(ev, element->entity, which == RETURN_OWN, &columns, &keys, &count)) return;
            for (int k = 0; k < count; k++) element_list_push(ev, &plain, columns[k]);
        } else {
            element_list_push(ev, &plain,
                              element->kind == EL_ENTITY ? orm_entity_selectable(ev, element->entity) : element);
        }
    }
    froms_expand(ev, &plain, out);
}

void select_columns(Evaluator *ev, Element *select, ElementList *out) {
    switch ((int)select->kind) {
    case EL_SELECT: froms_expand(ev, &SELECT(select)->columns, out); return;
    case EL_COMPOUND: select_columns(ev, ((Compound *)select)->parts.items[0], out); return;
    case EL_TEXTUAL_SELECT: froms_expand(ev, &((TextualSelect *)select)->columns, out); return;
    case EL_SELECT_GROUPING: select_columns(ev, select->children[0], out); return;
    case EL_INSERT:
    case EL_UPDATE:
    case EL_DELETE: froms_expand(ev, &DML(select)->returning, out); return;
    case EL_VALUES: {
        const ElementList *columns = from_columns(ev, select);
        for (int i = 0; i < columns->count; i++) element_list_push(ev, out, columns->items[i]);
        return;
    }
    default: return;
    }
}

/* ---- ON clauses from foreign keys ---- */

typedef struct JoinPairs {
    Constraint *constraint;
    ElementList left, right; /* left[i] = right[i] */
} JoinPairs;
typedef struct JoinScan {
    JoinPairs *items;
    int count, capacity;
} JoinScan;

static void scan_push(Evaluator *ev, JoinScan *scan, Constraint *constraint, Element *referred, Element *parent) {
    JoinPairs *pairs = NULL;
    for (int i = 0; i < scan->count; i++)
        if (scan->items[i].constraint == constraint) pairs = &scan->items[i];
    if (!pairs) {
        ARENA_PUSH(evaluator_arena(ev), scan->items, scan->count, scan->capacity) =
            (JoinPairs){.constraint = constraint};
        pairs = &scan->items[scan->count - 1];
    }
    element_list_push(ev, &pairs->left, referred);
    element_list_push(ev, &pairs->right, parent);
}

static bool from_holds_table(Evaluator *ev, Element *from, Slice table) {
    ElementList froms = {0};
    element_froms(ev, from, &froms);
    for (int i = 0; i < froms.count; i++)
        if (froms.items[i]->kind == EL_TABLE && slice_equals(froms.items[i]->name.text, table)) return true;
    return false;
}

/* Foreign keys of the columns of `owner` that refer to a column of `target`. */
static bool scan_keys(Evaluator *ev, Element *owner, Element *target, JoinScan *scan) {
    const ElementList *columns = from_columns(ev, owner);
    for (int i = 0; i < columns->count; i++) {
        const SchemaColumn *schema = COLUMN(columns->items[i])->schema;
        for (int k = 0; schema && k < schema->foreign_key_count; k++) {
            Element *referred = foreign_key_target(ev, schema->foreign_keys[k]);
            if (!referred) {
                Slice wanted = value_is(schema->foreign_keys[k]->target, VALUE_STRING)
                                   ? value_text(schema->foreign_keys[k]->target)
                                   : (Slice){"", 0};
                size_t dot = slice_find(wanted, '.');
                if (from_holds_table(ev, target, slice_sub(wanted, 0, dot))) return false;
                evaluator_clear_error(ev);
                continue;
            }
            Element *found = from_corresponding(ev, target, referred);
            if (found) scan_push(ev, scan, schema->foreign_keys[k]->constraint, found, columns->items[i]);
        }
    }
    return true;
}

static bool scan_sides(Evaluator *ev, Element *left, Element *left_subset, Element *right, JoinScan *scan) {
    Element *sides[2] = {left_subset, left};
    for (int i = 0; i < 2 && !scan->count; i++) {
        if (!sides[i]) continue;
        if (!scan_keys(ev, right, sides[i], scan)) return false;
        if (sides[i] != right && !scan_keys(ev, sides[i], right, scan)) return false;
    }
    return true;
}

bool from_can_join(Evaluator *ev, Element *left, Element *right) {
    JoinScan scan = {0};
    Element *subset = left->kind == EL_JOIN ? left->children[1] : NULL;
    if (!scan_sides(ev, left, subset, right, &scan)) evaluator_clear_error(ev);
    return scan.count > 0;
}

static bool same_pairs(const JoinPairs *a, const JoinPairs *b) {
    if (a->left.count != b->left.count) return false;
    for (int i = 0; i < a->left.count; i++)
        if (a->left.items[i] != b->left.items[i] || a->right.items[i] != b->right.items[i]) return false;
    return true;
}

static Slice from_description(Evaluator *ev, Element *from) {
    if (from->kind == EL_JOIN) {
        Slice left = from_description(ev, from->children[0]), right = from_description(ev, from->children[1]);
        return slice_format(evaluator_arena(ev), "Join object on %.*s(%u) and %.*s(%u)", SLICE_ARGS(left),
                            from->children[0]->id, SLICE_ARGS(right), from->children[1]->id);
    }
    return name_plain(ev, from->name);
}

Element *join_condition(Evaluator *ev, Element *left, Element *right, Element *left_subset, const Node *site) {
    JoinScan scan = {0};
    if (!left_subset && left->kind == EL_JOIN) left_subset = left->children[1];
    if (!scan_sides(ev, left, left_subset, right, &scan)) return NULL;
    if (scan.count > 1) {
        bool same = true;
        for (int i = 1; i < scan.count; i++) same &= same_pairs(&scan.items[0], &scan.items[i]);
        if (!same) {
            Slice a = from_description(ev, left), b = from_description(ev, right);
            return sa_raise(
                ev, SA_AMBIGUOUS_FOREIGN_KEYS_ERROR, site,
                "Can't determine join between '%.*s' and '%.*s'; tables have more than one foreign key "
                "constraint relationship between them. Please specify the 'onclause' of this join explicitly.",
                SLICE_ARGS(a), SLICE_ARGS(b));
        }
    }
    if (!scan.count) {
        Slice a = from_description(ev, left), b = from_description(ev, right);
        return sa_raise(ev, SA_NO_FOREIGN_KEYS_ERROR, site,
                        "Can't find any foreign key relationships between '%.*s' and '%.*s'.%s", SLICE_ARGS(a),
                        SLICE_ARGS(b),
                        right->kind == EL_FROM_GROUPING
                            ? " Perhaps you meant to convert the right side to a subquery using alias()?"
                            : "");
    }
    const JoinPairs *pairs = &scan.items[0];
    ElementList criteria = {0};
    for (int i = 0; i < pairs->left.count; i++)
        element_list_push(
            ev, &criteria,
            element_operate(ev, SA_EQ, pairs->left.items[i], &pairs->right.items[i]->head.head, false, site));
    return criteria.count == 1 ? criteria.items[0] : element_and(ev, criteria.items, criteria.count);
}

/* ---- ClauseAdapter ---- */

static Element *adapt_column(Evaluator *ev, Element *element, void *data) {
    Element *to = data;
    if (element->kind == EL_COLUMN) {
        Element *found = COLUMN(element)->table == to ? NULL : from_corresponding(ev, to, element);
        return found ? found : element;
    }
    if (element_is_from(element) && element->kind != EL_JOIN && to->count && element_same(element, to->children[0]))
        return to;
    return NULL;
}

Element *element_adapt(Evaluator *ev, Element *element, Element *to) {
    return element_rewrite(ev, element, adapt_column, to);
}
