/*
 * Lowering of SELECT, compound and textual selects: correlation, columns with their labels, clauses in the order in
 * which SQLAlchemy's compiler visits them (so that anonymous names get the same numbers).
 *
 * Input: a statement and where it stands. Output: a Query.
 * Example: a subquery in WHERE that names a table of the outer FROM leaves it out of its own (auto-correlation).
 */
#include "compiler/sqlalchemy/lower.h"

/* ---- correlation ---- */

static bool list_has(const ElementList *list, const Element *element) {
    for (int i = 0; i < list->count; i++)
        if (element_same(list->items[i], element)) return true;
    return false;
}

static ElementList without(Evaluator *ev, const ElementList *list, const ElementList *removed) {
    ElementList out = {0};
    for (int i = 0; i < list->count; i++)
        if (!list_has(removed, list->items[i])) element_list_push(ev, &out, list->items[i]);
    return out;
}

static ElementList both(Evaluator *ev, const ElementList *a, const ElementList *b) {
    ElementList out = {0};
    for (int i = 0; i < a->count; i++)
        if (list_has(b, a->items[i])) element_list_push(ev, &out, a->items[i]);
    return out;
}

static bool display_froms(Lowering *lo, const SelectState *state, const ElementList *explicit_froms,
                          const ElementList *implicit_froms, ElementList *out) {
    const Select *select = state->select;
    ElementList froms = state->froms, removed;
    if (select->correlate_set && select->correlate.count) {
        removed = both(lo->ev, &froms, explicit_froms);
        removed = both(lo->ev, &removed, &select->correlate);
        froms = without(lo->ev, &froms, &removed);
    }
    if (select->correlate_except_set) {
        removed = both(lo->ev, &froms, explicit_froms);
        removed = without(lo->ev, &removed, &select->correlate_except);
        froms = without(lo->ev, &froms, &removed);
    }
    if (select->auto_correlate && implicit_froms->count && froms.count > 1) {
        removed = both(lo->ev, &froms, implicit_froms);
        froms = without(lo->ev, &froms, &removed);
        if (!froms.count) {
            sa_raise(
                lo->ev, SA_INVALID_REQUEST_ERROR, select->head.head.base.node,
                "Select statement returned no FROM clauses due to auto-correlation; specify correlate(<tables>) to "
                "control correlation manually.");
            return false;
        }
    }
    *out = froms;
    return true;
}

/* FROM clauses of a select that stands here; and the level that it opens. */
static bool open_level(Lowering *lo, const SelectState *state, bool as_from, bool lateral, Level *level,
                       ElementList *froms) {
    static const ElementList none = {0};
    const Level *outer = lo->level;
    const ElementList *correlate = outer ? &outer->correlate : &none, *asfrom = outer ? &outer->asfrom : &none;
    bool ok;
    if (as_from && !lateral) {
        ElementList explicit_froms = without(lo->ev, correlate, asfrom);
        ok = display_froms(lo, state, &explicit_froms, &none, froms);
    } else {
        ok = display_froms(lo, state, correlate, asfrom, froms);
    }
    if (!ok) return false;
    *level = (Level){.outer = lo->level, .statement = &state->select->head.head.base, .state = state};
    level->depth = outer ? outer->depth + 1 : 1;
    for (int i = 0; i < froms->count; i++) element_froms(lo->ev, froms->items[i], &level->asfrom);
    level->correlate = element_list_copy(lo->ev, &level->asfrom);
    for (int i = 0; i < correlate->count; i++) froms_push(lo->ev, &level->correlate, correlate->items[i]);
    lo->level = level;
    return true;
}

/* ---- columns ---- */

/* A modifier around something that has no name of its own. */
static bool wraps_unnamed(const Element *unary) {
    const Element *inner = unary->children[0];
    while (inner->kind == EL_GROUPING) inner = inner->children[0];
    return inner->kind != EL_COLUMN && inner->kind != EL_LABEL && inner->kind != EL_FUNCTION_COLUMN;
}

static bool needs_label(const Lowering *lo, const Element *column, bool as_from) {
    switch ((int)column->kind) {
    case EL_COLUMN:
        return as_from && !COLUMN(column)->is_literal && !COLUMN(column)->is_whole_row && COLUMN(column)->table;
    case EL_TEXT: return false;
    case EL_UNARY:
    case EL_AS_BOOLEAN:
    case EL_COLLECTION_AGGREGATE: {
        SaOperator op = OPERATOR(column)->op.id;
        if ((op == SA_IS_TRUE || op == SA_IS_FALSE) && !lo_is(lo, DIALECT_POSTGRESQL)) return true;
        return wraps_unnamed(column) || as_from;
    }
    case EL_FUNCTION_COLUMN: return false;
    default: return true;
    }
}

static bool lower_item(Lowering *lo, const PlusName *plus, bool as_from, Flags flags, SelectItem *item) {
    Element *column = plus->column;
    Name label = {0};
    Element *inner = column;
    bool labelled = true;
    if (column->type->kind == TYPE_TUPLE && column->kind == EL_TUPLE && !lo->level->outer) {
        sa_raise(
            lo->ev, SA_COMPILE_ERROR, column->node,
            "Most backends don't support SELECTing from a tuple() object.  If this is an ORM query, consider using the "
            "Bundle object.");
        return false;
    }
    if (column->kind == EL_LABEL) {
        label = column->name;
        inner = element_group(lo->ev, column->children[0], SA_AS);
    } else if (plus->has_required) {
        label = plus->required;
    } else if (needs_label(lo, column, as_from)) {
        label = plus->has_fallback ? plus->fallback : column_anonymous_label(lo->ev, column);
        label.truncatable = true;
    } else {
        labelled = false;
    }
    if (labelled) {
        item->alias = lower_name(lo, label);
        item->alias_quoting = name_quoting(label);
    }
    flags.label_clause = labelled;
    item->expr = lower_expr(lo, inner, flags);
    if (!item->expr) return false;
    if (!labelled && column->kind == EL_COLUMN) item->result_name = lower_name(lo, column->name);
    return true;
}

bool lower_items(Lowering *lo, const PlusNames *names, bool as_from, Flags flags, Query *query, bool returning) {
    flags.columns_clause = true;
    SelectItem *items = ARENA_ARRAY(lo->arena, SelectItem, names->count + 1);
    for (int i = 0; i < names->count; i++)
        if (!lower_item(lo, &names->items[i], as_from, flags, &items[i])) return false;
    if (returning) {
        query->returning = items;
        query->returning_count = names->count;
    } else {
        query->items = items;
        query->item_count = query->item_capacity = names->count;
    }
    return true;
}

/* ---- texts ---- */

static bool part_applies(const Lowering *lo, const TextPart *part) {
    return !part->dialect.length || slice_equals_text(part->dialect, "*") ||
           slice_equals_text(part->dialect, lo->dialect->name);
}

Slice lower_prefixes(Lowering *lo, const TextParts *parts) {
    Buffer out;
    buffer_init(&out, lo->arena);
    for (int i = 0; i < parts->count; i++) {
        if (!part_applies(lo, &parts->items[i])) continue;
        if (out.length) buffer_put(&out, ' ');
        const Element *element = parts->items[i].element;
        if (!element) buffer_slice(&out, parts->items[i].text);
        else if (element->kind == EL_TEXT) buffer_slice(&out, ((const TextElement *)element)->text);
        else buffer_slice(&out, name_plain(lo->ev, element->name));
    }
    return buffer_view(&out);
}

static void lower_suffixes(Lowering *lo, const Executable *head, Query *query) {
    Slice hints = lower_prefixes(lo, &head->statement_hints), suffixes = lower_prefixes(lo, &head->suffixes);
    if (hints.length && suffixes.length)
        query->suffix = slice_format(lo->arena, "%.*s %.*s", SLICE_ARGS(hints), SLICE_ARGS(suffixes));
    else query->suffix = hints.length ? hints : suffixes;
}

bool lower_independent_ctes(Lowering *lo, Executable *head) {
    for (int i = 0; i < head->ctes.count; i++) {
        Relation *ignored;
        if (!lower_cte(lo, head->ctes.items[i], false, &ignored)) return false;
    }
    return true;
}

/* ---- clauses that select and compound share ---- */

static Slice lock_name(Lowering *lo, Element *element) {
    Buffer out;
    buffer_init(&out, lo->arena);
    if (element->kind == EL_TEXT) {
        buffer_slice(&out, ((const TextElement *)element)->text);
    } else if (element->kind == EL_COLUMN) {
        buffer_slice(&out, element->name.text);
    } else {
        const Relation *relation = lower_relation(lo, element);
        Name name = {.text = relation->alias.length ? relation->alias : relation->name};
        sa_write_name(&out, lo->dialect, name);
    }
    return buffer_view(&out);
}

static void lock_targets(Evaluator *ev, Element *element, ElementList *out) {
    if (element->kind == EL_COLUMN && COLUMN(element)->table) {
        froms_push(ev, out, COLUMN(element)->table);
    } else if (element->kind == EL_JOIN) {
        lock_targets(ev, element->children[1], out);
        lock_targets(ev, element->children[0], out);
    } else if (element->kind == EL_FROM_GROUPING) {
        lock_targets(ev, element->children[0], out);
    } else {
        froms_push(ev, out, element);
    }
}

static void lower_lock(Lowering *lo, const ForUpdate *given, Query *query) {
    if (!given->active) return;
    Lock *lock = &query->lock;
    lock->mode = given->read        ? (given->key_share ? LOCK_KEY_SHARE : LOCK_SHARE)
                 : given->key_share ? LOCK_NO_KEY_UPDATE
                                    : LOCK_UPDATE;
    lock->nowait = given->nowait;
    lock->skip_locked = given->skip_locked;
    ElementList targets = {0};
    for (int i = 0; i < given->of.count; i++) lock_targets(lo->ev, given->of.items[i], &targets);
    if (lo_mysql(lo)) return;
    lock->of_columns = ARENA_ARRAY(lo->arena, Slice, targets.count + 1);
    for (int i = 0; i < targets.count; i++) lock->of_columns[lock->of_count++] = lock_name(lo, targets.items[i]);
}

static bool lower_tail(Lowering *lo, const Selectable *head, Flags flags, Query *query) {
    if (head->fetch) {
        query->fetch_syntax = true;
        query->fetch_percent = head->fetch_percent;
        query->fetch_with_ties = head->fetch_with_ties;
    }
    Element *limit = head->fetch ? head->fetch : head->limit;
    bool offset_first = head->fetch || (lo_mysql(lo) && head->offset);
    if (offset_first && head->offset && !(query->offset = lower_expr(lo, head->offset, flags))) return false;
    if (limit && !(query->limit = lower_expr(lo, limit, flags))) return false;
    if (!offset_first && head->offset && !(query->offset = lower_expr(lo, head->offset, flags))) return false;
    return true;
}

static bool lower_order(Lowering *lo, const ElementList *list, Flags flags, ExprList *out) {
    return lower_list(lo, list->items, list->count, flags, out);
}

/* Several criteria are written one by one: an operator that groups itself inside others stands alone here. */
bool lower_criteria(Lowering *lo, const ElementList *criteria, Expr **out) {
    Element *where = element_where(lo->ev, criteria);
    if (!where) return true;
    bool several = where->kind == EL_OPERATOR_LIST && criteria->count > 1 && OPERATOR(where)->boolean_list;
    for (int i = 0; several && i < criteria->count; i++) several = criteria->items[i] != where;
    if (!several) return (*out = lower_expr(lo, where, (Flags){0})) != NULL;
    *out = expr_new(lo->arena, EXPR_AND, SQL_BOOLEAN);
    return lower_list(lo, where->children, where->count, (Flags){0}, &(*out)->args);
}

/* ---- SELECT ---- */

static bool lower_body(Lowering *lo, const SelectState *state, const ElementList *froms, bool as_from, Query *query) {
    const Select *select = state->select;
    Flags flags = {0};
    if (select->distinct) {
        query->distinct = true;
        if (lo_is(lo, DIALECT_POSTGRESQL) &&
            !lower_list(lo, select->distinct_on.items, select->distinct_on.count, flags, &query->distinct_on))
            return false;
    }
    if (!lower_items(lo, &state->names, as_from, flags, query, false)) return false;
    for (int i = 0; i < froms->count; i++) {
        From *from = lower_from(lo, froms->items[i], &select->head.head.hints);
        if (!from) return false;
        query_add_from(lo->arena, query, from);
    }
    if (!lower_criteria(lo, &select->where, &query->where)) return false;
    if (!lower_order(lo, &select->head.group_by, flags, &query->group_by)) return false;
    if (!lower_criteria(lo, &select->having, &query->having)) return false;
    if (!lower_order(lo, &select->head.order_by, flags, &query->order_by)) return false;
    if (!lower_tail(lo, &select->head, flags, query)) return false;
    lower_lock(lo, &select->head.for_update, query);
    return true;
}

/* Does a select, or one around it, stand in this very criterion? */
static bool part_of_criterion(const Lowering *lo, const Select *select, const Value *option) {
    if (select->criterion_of == option) return true;
    for (const Level *level = lo->level; level; level = level->outer)
        if (level->statement && level->statement->kind == EL_SELECT && SELECT(level->statement)->criterion_of == option)
            return true;
    return false;
}

/* A select of the ORM with the criteria of the selects around it. */
static Select *inherit_criteria(Lowering *lo, Select *select) {
    if (!lo->criteria_count) return select;
    Select *copy = select_copy(lo->ev, select);
    Executable *head = &copy->head.head;
    Value **items = ARENA_ARRAY(lo->arena, Value *, lo->criteria_count + head->option_count + 1);
    int count = 0;
    for (int i = 0; i < lo->criteria_count; i++)
        if (!part_of_criterion(lo, select, lo->criteria[i])) items[count++] = lo->criteria[i];
    for (int i = 0; i < head->option_count; i++) items[count++] = head->options[i];
    head->options = items;
    head->option_count = head->option_capacity = count;
    return copy;
}

static void note_criteria(Lowering *lo, const Executable *head) {
    for (int i = 0; i < head->option_count; i++) {
        bool known = !orm_option_is_criteria(head->options[i]);
        for (int j = 0; j < lo->criteria_count; j++) known |= lo->criteria[j] == head->options[i];
        if (!known) ARENA_PUSH(lo->arena, lo->criteria, lo->criteria_count, lo->criteria_capacity) = head->options[i];
    }
}

Query *lower_select(Lowering *lo, Select *select, bool as_from, bool lateral, int compound_index) {
    if (select->head.head.orm_state) note_criteria(lo, &select->head.head);
    if (orm_select_is_orm(lo->ev, select)) {
        select = inherit_criteria(lo, select);
        note_criteria(lo, &select->head.head);
        select = orm_lower_select(lo->ev, select, lo->level != NULL || as_from);
        if (!select) return NULL;
    }
    SelectState *state = ARENA_NEW(lo->arena, SelectState);
    if (!select_state(lo->ev, select, state) || evaluator_error_pending(lo->ev)) return NULL;
    bool top = !lo->level;
    Level *level = ARENA_NEW(lo->arena, Level);
    ElementList froms = {0};
    if (!open_level(lo, state, as_from, lateral, level, &froms)) return NULL;
    Query *query = query_new(lo->arena, QUERY_SELECT);
    bool ok = lower_independent_ctes(lo, &select->head.head);
    query->hint = lower_prefixes(lo, &select->head.head.prefixes);
    ok = ok && lower_body(lo, state, &froms, as_from, query);
    if (ok && (compound_index < 0 || top)) lower_ctes_into(lo, query, top, false);
    lower_suffixes(lo, &select->head.head, query);
    lo->level = level->outer;
    return ok ? query : NULL;
}

/* ---- UNION and the like ---- */

static bool lower_part(Lowering *lo, Compound *compound, int index, bool as_from, Query *query) {
    Element *part = compound->parts.items[index];
    while (part->kind == EL_SELECT_GROUPING) {
        query->part_grouped[index] = true;
        part = part->children[0];
    }
    ElementList first = {0}, own = {0};
    select_columns(lo->ev, compound->parts.items[0], &first);
    select_columns(lo->ev, part, &own);
    if (first.count != own.count) {
        sa_raise(lo->ev, SA_COMPILE_ERROR, part->node,
                 "All selectables passed to CompoundSelect must have identical numbers of columns; select #1 has %d "
                 "columns, "
                 "select #%d has %d",
                 first.count, index + 1, own.count);
        return false;
    }
    query->parts[index] = part->kind == EL_SELECT ? lower_select(lo, SELECT(part), as_from, false, index)
                                                  : lower_statement(lo, part, as_from, false);
    return query->parts[index] != NULL;
}

static Query *lower_compound(Lowering *lo, Compound *compound, bool as_from) {
    bool top = !lo->level;
    Level level = {.outer = lo->level, .statement = &compound->head.head.base};
    level.depth = lo->level ? lo->level->depth + 1 : 1;
    if (lo->level) level.correlate = lo->level->correlate, level.asfrom = lo->level->asfrom;
    lo->level = &level;
    Query *query = query_new(lo->arena, QUERY_SET_OPERATION);
    query->set_operator = compound->op;
    query->part_count = compound->parts.count;
    query->parts = ARENA_ARRAY(lo->arena, Query *, compound->parts.count + 1);
    query->part_grouped = ARENA_ARRAY(lo->arena, bool, compound->parts.count + 1);
    bool ok = lower_independent_ctes(lo, &compound->head.head);
    for (int i = 0; ok && i < compound->parts.count; i++) ok = lower_part(lo, compound, i, as_from, query);
    Flags flags = {.no_table = true};
    ok = ok && lower_order(lo, &compound->head.group_by, flags, &query->group_by) &&
         lower_order(lo, &compound->head.order_by, flags, &query->order_by) &&
         lower_tail(lo, &compound->head, flags, query);
    if (ok) {
        lower_lock(lo, &compound->head.for_update, query);
        lower_ctes_into(lo, query, top, true);
    }
    lower_suffixes(lo, &compound->head.head, query);
    lo->level = level.outer;
    return ok ? query : NULL;
}

static Query *lower_textual(Lowering *lo, TextualSelect *textual) {
    bool top = !lo->level;
    Level level = {.outer = lo->level, .statement = &textual->head.head.base};
    level.depth = lo->level ? lo->level->depth + 1 : 1;
    lo->level = &level;
    Query *query = query_new(lo->arena, QUERY_RAW);
    bool ok = lower_independent_ctes(lo, &textual->head.head);
    if (ok) query->raw = lower_expr(lo, textual->text, (Flags){0});
    if (query->raw) lower_ctes_into(lo, query, top, false);
    lo->level = level.outer;
    return query->raw ? query : NULL;
}

Query *lower_statement(Lowering *lo, Element *statement, bool as_from, bool lateral) {
    switch ((int)statement->kind) {
    case EL_SELECT: return lower_select(lo, SELECT(statement), as_from, lateral, -1);
    case EL_COMPOUND: return lower_compound(lo, (Compound *)statement, as_from);
    case EL_TEXTUAL_SELECT: return lower_textual(lo, (TextualSelect *)statement);
    case EL_SELECT_GROUPING:
    case EL_SCALAR_SELECT: return lower_statement(lo, statement->children[0], as_from, lateral);
    case EL_INSERT: return lower_insert(lo, DML(statement));
    case EL_UPDATE: return lower_update(lo, DML(statement));
    case EL_DELETE: return lower_delete(lo, DML(statement));
    default: {
        Query *query = query_new(lo->arena, QUERY_RAW);
        query->raw = lower_expr(lo, statement, (Flags){0});
        return query->raw ? query : NULL;
    }
    }
}

/* ---- entry ---- */

static StatementKind statement_kind(const Element *element) {
    switch ((int)element->kind) {
    case EL_INSERT: return STATEMENT_INSERT;
    case EL_UPDATE: return STATEMENT_UPDATE;
    case EL_DELETE: return STATEMENT_DELETE;
    case EL_SELECT:
    case EL_COMPOUND:
    case EL_TEXTUAL_SELECT:
    case EL_TEXT: return STATEMENT_SELECT;
    default: return STATEMENT_EXPRESSION;
    }
}

bool text_begins(Slice text, const char *word) {
    size_t i = 0;
    while (i < text.length && (text.start[i] == ' ' || text.start[i] == '\n' || text.start[i] == '\t')) i++;
    return slice_starts_ignoring_case(slice_sub(text, i, text.length), word);
}

static StatementKind text_kind(const Element *element) {
    Slice text = ((const TextElement *)element)->text;
    if (text_begins(text, "insert")) return STATEMENT_INSERT;
    if (text_begins(text, "update")) return STATEMENT_UPDATE;
    if (text_begins(text, "delete")) return STATEMENT_DELETE;
    if (text_begins(text, "create") || text_begins(text, "drop") || text_begins(text, "alter")) return STATEMENT_DDL;
    return STATEMENT_SELECT;
}

Query *element_lower(Evaluator *ev, Element *element, StatementKind *kind) {
    Lowering lo;
    lowering_init(&lo, ev);
    *kind = element->kind == EL_TEXT ? text_kind(element) : statement_kind(element);
    if (element_is_statement(element) && element->kind != EL_SELECT_GROUPING)
        return lower_statement(&lo, element, false, false);
    Query *query = query_new(lo.arena, element->kind == EL_TEXT ? QUERY_RAW : QUERY_EXPRESSION);
    /* alone, an alias is what it stands for */
    bool lateral = element->kind == EL_LATERAL;
    Element *inner = element;
    while (inner->kind == EL_ALIAS || inner->kind == EL_SUBQUERY || inner->kind == EL_CTE ||
           inner->kind == EL_LATERAL || inner->kind == EL_TABLE_VALUED || inner->kind == EL_SELECT_GROUPING)
        inner = inner->children[0];
    if (inner != element && (element_is_select(inner) || inner->kind == EL_FUNCTION) &&
        element->kind != EL_SELECT_GROUPING) {
        if (inner->kind == EL_FUNCTION) return (query->raw = lower_expr(&lo, inner, (Flags){0})) ? query : NULL;
        Query *whole = lower_statement(&lo, inner, false, lateral);
        if (!whole || !lateral) return *kind = lateral ? *kind : STATEMENT_SELECT, whole;
        query->raw = lower_format(&lo, "LATERAL %e", expr_subquery(lo.arena, whole, SQL_UNKNOWN));
        return query;
    }
    if (element_is_from(element)) {
        From *from = lower_from(&lo, element, NULL);
        if (!from) return NULL;
        Query *bare = query_new(lo.arena, QUERY_SELECT);
        bare->from_only = true;
        query_add_from(lo.arena, bare, from);
        return bare;
    }
    query->raw = lower_expr(&lo, element, (Flags){0});
    return query->raw ? query : NULL;
}
