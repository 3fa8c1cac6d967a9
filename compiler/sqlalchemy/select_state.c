/*
 * What a select comes down to before it is written: joins put into FROM, the list of FROM clauses, names of columns.
 *
 * Input: a Select. Output: its SelectState; false where SQLAlchemy refuses it (raised).
 * Invariants: FROM holds each clause once, without those that a join contains already, in the order select_from(),
 * columns, WHERE.
 * Example: select(a.c.x).join(b) → FROM [a JOIN b ON …].
 */
#include "compiler/sqlalchemy/lower.h"

/* ---- joins ---- */

static bool list_has(const ElementList *list, const Element *element) {
    for (int i = 0; i < list->count; i++)
        if (element_same(list->items[i], element)) return true;
    return false;
}

static bool covers(Evaluator *ev, Element *a, Element *b, const ElementList *columns) {
    for (int i = 0; i < columns->count; i++) {
        Element *column = columns->items[i];
        Element *table = COLUMN(column)->table;
        if (!table || (!from_contains(a, table) && !from_contains(b, table))) return false;
    }
    (void)ev;
    return true;
}

/* Which of the clauses the target can be joined to. */
static int left_candidates(Evaluator *ev, const ElementList *clauses, Element *target, Element *on, bool *fits) {
    ElementList selectables = {0}, columns = {0};
    element_froms(ev, target, &selectables);
    if (on) columns_mentioned(ev, on, &columns);
    bool ambiguous = clauses->count > 1 && on && columns.count;
    int found = 0;
    for (int i = 0; i < clauses->count; i++) {
        Element *clause = clauses->items[i];
        fits[i] = false;
        for (int k = 0; k < selectables.count && !fits[i]; k++) {
            Element *selectable = selectables.items[k];
            if (selectable == clause) continue;
            fits[i] =
                ambiguous ? covers(ev, clause, selectable, &columns) : on || from_can_join(ev, clause, selectable);
        }
        found += fits[i];
    }
    if (found > 1) {
        ElementList hidden = {0};
        for (int i = 0; i < clauses->count; i++) from_hidden(ev, clauses->items[i], &hidden);
        for (int i = 0; i < clauses->count; i++)
            if (fits[i] && list_has(&hidden, clauses->items[i])) fits[i] = false, found--;
    }
    if (!found && on)
        for (int i = 0; i < clauses->count; i++) fits[i] = true, found++;
    return found;
}

static bool join_ambiguous(Evaluator *ev, const SetupJoin *join) {
    sa_raise(ev, SA_INVALID_REQUEST_ERROR, join->node,
             "Can't determine which FROM clause to join from, there are multiple FROMS which can join to this entity. "
             "Please "
             "use the .select_from() method to establish an explicit left side, as well as providing an explicit ON "
             "clause if "
             "not present already to help resolve the ambiguity.");
    return false;
}

static bool join_hopeless(Evaluator *ev, const SetupJoin *join) {
    sa_raise(ev, SA_INVALID_REQUEST_ERROR, join->node,
             "Don't know how to join to %.*s. Please use the .select_from() method to establish an explicit left side, "
             "as well "
             "as providing an explicit ON clause if not present already to help resolve the ambiguity.",
             SLICE_ARGS(value_repr(ev, &join->target->head.head)));
    return false;
}

static ElementList join_potential(Evaluator *ev, const Select *select) {
    ElementList out = {0};
    for (int i = 0; i < select->columns.count; i++) element_froms(ev, select->columns.items[i], &out);
    for (int i = 0; i < select->where.count; i++) element_froms(ev, select->where.items[i], &out);
    return out;
}

static bool join_find_left(Evaluator *ev, const SelectState *state, const SetupJoin *join, Element **left,
                           int *replace) {
    ElementList clauses = state->from_clauses.count ? state->from_clauses : join_potential(ev, state->select);
    bool *fits = ARENA_ARRAY(evaluator_arena(ev), bool, clauses.count + 1);
    int found = left_candidates(ev, &clauses, join->target, join->on, fits);
    if (found > 1) return join_ambiguous(ev, join);
    if (!found) return join_hopeless(ev, join);
    for (int i = 0; i < clauses.count; i++)
        if (fits[i]) {
            *left = clauses.items[i];
            *replace = state->from_clauses.count ? i : -1;
        }
    return true;
}

static bool join_place_left(Evaluator *ev, const SelectState *state, const SetupJoin *join, Element **left,
                            int *replace) {
    (void)ev;
    *left = join->from;
    *replace = -1;
    for (int i = 0; i < state->from_clauses.count; i++)
        if (from_contains(state->from_clauses.items[i], join->from)) {
            *left = state->from_clauses.items[i];
            *replace = i;
        }
    return true;
}

Element *element_join_on(Evaluator *ev, Element *left, Element *right, Element *on, bool outer, bool full,
                         const Node *site) {
    if (right->kind == EL_JOIN) right = element_with_children(ev, EL_FROM_GROUPING, NULL, &right, 1);
    if (!on && !(on = join_condition(ev, left, right, NULL, site))) return NULL;
    Element *join = element_join(ev, left, right, on, outer, full);
    join->node = site;
    return join;
}

static bool state_joins(Evaluator *ev, SelectState *state) {
    for (int i = 0; i < state->select->join_count; i++) {
        const SetupJoin *setup = &state->select->joins[i];
        Element *left = NULL;
        int replace = -1;
        if (!(setup->from ? join_place_left : join_find_left)(ev, state, setup, &left, &replace)) return false;
        Element *join = element_join_on(ev, left, setup->target, setup->on, setup->outer, setup->full, setup->node);
        if (!join) return false;
        ElementList clauses = element_list_copy(ev, &state->from_clauses);
        if (replace >= 0) clauses.items[replace] = join;
        else element_list_push(ev, &clauses, join);
        state->from_clauses = clauses;
    }
    return true;
}

/* ---- FROM ---- */

static bool refers_to_itself(Evaluator *ev, const Element *from, const Select *select) {
    if (from->kind != EL_SUBQUERY || from->children[0] != &select->head.head.base) return false;
    sa_raise(ev, SA_INVALID_REQUEST_ERROR, from->node, "select() construct refers to itself as a FROM");
    return true;
}

static bool state_froms(Evaluator *ev, SelectState *state) {
    ElementList all = {0}, kept = {0}, hidden = {0};
    for (int i = 0; i < state->from_clauses.count; i++) element_list_push(ev, &all, state->from_clauses.items[i]);
    for (int i = 0; i < state->select->columns.count; i++) element_froms(ev, state->select->columns.items[i], &all);
    for (int i = 0; i < state->select->where.count; i++) element_froms(ev, state->select->where.items[i], &all);
    for (int i = 0; i < all.count; i++) {
        if (refers_to_itself(ev, all.items[i], state->select)) return false;
        if (!list_has(&kept, all.items[i])) element_list_push(ev, &kept, all.items[i]);
    }
    for (int i = 0; i < kept.count; i++) from_hidden(ev, kept.items[i], &hidden);
    for (int i = 0; i < kept.count; i++)
        if (!list_has(&hidden, kept.items[i])) element_list_push(ev, &state->froms, kept.items[i]);
    return true;
}

bool select_state(Evaluator *ev, Select *select, SelectState *state) {
    *state = (SelectState){.select = select};
    state->from_clauses = element_list_copy(ev, &select->from);
    if (!state_joins(ev, state) || !state_froms(ev, state)) return false;
    ElementList columns = {0};
    froms_expand(ev, &select->columns, &columns);
    if (evaluator_error_pending(ev)) return false;
    columns_plus_names(ev, &columns, select->head.label_style, true, &state->names);
    return true;
}
