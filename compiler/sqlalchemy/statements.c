/*
 * SELECT and its kin as Python sees them: select(), its generative methods, compound selects, subqueries, CTEs,
 * values().
 *
 * Input: calls from the evaluated program. Output: new statements; the one a method is called on never changes.
 * Example: select(a).where(x).limit(5) is three Select structs, each a copy of the one before with one thing more.
 */
#include "compiler/sqlalchemy/lower.h"

/* ---- Select ---- */

Select *select_new(Evaluator *ev) {
    Select *select = (Select *)element_new(ev, EL_SELECT, NULL);
    select->head.label_style = LABEL_DISAMBIGUATE_ONLY;
    select->auto_correlate = true;
    return select;
}

Select *select_copy(Evaluator *ev, const Select *select) {
    const Element *base = &select->head.head.base;
    Select *copy = (Select *)element_copy(ev, base);
    copy->head.head.base.original = NULL;
    copy->head.head.base.id = sa_next_id(ev);
    return copy;
}

static void list_add(Evaluator *ev, ElementList *list, Element *element) {
    ElementList copy = element_list_copy(ev, list);
    element_list_push(ev, &copy, element);
    *list = copy;
}

void select_add_column(Evaluator *ev, Select *select, Element *column) { list_add(ev, &select->columns, column); }
void select_add_where(Evaluator *ev, Select *select, Element *criterion) { list_add(ev, &select->where, criterion); }

static Select *select_self(Evaluator *ev, Value *self) {
    Element *element = (Element *)self;
    if (element->kind == EL_SCALAR_SELECT) element = element->children[0];
    return select_copy(ev, SELECT(element));
}

/* The method was called on a scalar subquery: the answer is one too. */
static Value *select_result(Evaluator *ev, Value *self, Select *select) {
    Element *made = &select->head.head.base;
    if (((Element *)self)->kind == EL_SCALAR_SELECT) {
        Element *scalar = element_with_children(ev, EL_SCALAR_SELECT, ((Element *)self)->type, &made, 1);
        return element_value(scalar);
    }
    return element_value(made);
}

static bool select_columns_read(Evaluator *ev, Select *select, const Arguments *a) {
    for (int i = 0; i < a->count; i++) {
        const Node *node = a->nodes ? a->nodes[i] : a->site;
        if (value_is(a->items[i], VALUE_LIST)) {
            sa_raise(
                ev, SA_ARGUMENT_ERROR, node,
                "Column expression, FROM clause, or other columns clause element expected, got %.*s. Did you mean to "
                "say select(...)?",
                SLICE_ARGS(value_repr(ev, a->items[i])));
            return false;
        }
        Element *column = element_coerce(ev, a->items[i], COERCE_COLUMNS, node);
        if (!column) return false;
        select_add_column(ev, select, column);
    }
    return true;
}

/* `select(self.model)` of a model that is not known. */
static bool nothing_is_known(const Select *select, const Arguments *a) {
    if (!a->count) return false;
    for (int i = 0; i < a->count; i++)
        if (!value_is_unknown(value_resolve(a->items[i]))) return false;
    for (int i = 0; i < select->columns.count; i++)
        if (select->columns.items[i]->kind != EL_BIND) return false;
    return true;
}

static Value *call_select(Evaluator *ev, Value *self, const Arguments *a) {
    (void)self;
    Select *select = select_new(ev);
    select->head.head.base.node = a->site;
    if (a->keyword_count)
        return evaluator_raise_id(ev, EXCEPTION_TYPE, a->site, "select() got an unexpected keyword argument '%.*s'",
                                  SLICE_ARGS(a->keywords[0].name->text));
    if (!select_columns_read(ev, select, a)) return NULL;
    if (!nothing_is_known(select, a)) return element_value(&select->head.head.base);
    for (int i = 0; i < a->count; i++) evaluator_report_unresolved(ev, a->items[i], a->nodes ? a->nodes[i] : a->site);
    return value_unknown_at(ev, a->site);
}

static Value *select_where(Evaluator *ev, Value *self, const Arguments *a) {
    if (!coerce_refuse_keywords(ev, a, "Select", "where")) return NULL;
    Select *select = select_self(ev, self);
    for (int i = 0; i < a->count; i++) {
        const Node *node = a->nodes ? a->nodes[i] : a->site;
        if (coerce_leaves_out(ev, a->items[i], COERCE_WHERE, "a condition", node)) continue;
        Element *criterion = element_coerce(ev, a->items[i], COERCE_WHERE, node);
        if (!criterion) return NULL;
        select_add_where(ev, select, criterion);
    }
    if (!coerce_warn_open(ev, a, "conditions")) return NULL;
    return select_result(ev, self, select);
}

static Value *select_having(Evaluator *ev, Value *self, const Arguments *a) {
    if (!coerce_refuse_keywords(ev, a, "Select", "having")) return NULL;
    Select *select = select_self(ev, self);
    for (int i = 0; i < a->count; i++) {
        if (coerce_leaves_out(ev, a->items[i], COERCE_WHERE, "a condition", a->site)) continue;
        Element *criterion = element_coerce(ev, a->items[i], COERCE_WHERE, a->site);
        if (!criterion) return NULL;
        list_add(ev, &select->having, criterion);
    }
    if (!coerce_warn_open(ev, a, "conditions")) return NULL;
    return select_result(ev, self, select);
}

/* What filter_by's keywords belong to: the last join's target, else the first FROM, else what the first column is of.
 */
static Element *filter_by_target(Evaluator *ev, Select *select) {
    if (select->join_count) return select->joins[select->join_count - 1].target;
    ElementList froms = {0};
    for (int i = 0; i < select->from.count; i++) element_list_push(ev, &froms, select->from.items[i]);
    if (!froms.count && select->columns.count) {
        Element *column = select->columns.items[0];
        Element *entity = orm_column_entity(ev, column);
        if (entity) element_list_push(ev, &froms, entity);
        else if (column->kind == EL_ENTITY || element_is_from(column)) element_list_push(ev, &froms, column);
        else element_froms(ev, column, &froms);
    }
    Element *first = froms.count ? froms.items[0] : NULL;
    while (first && first->kind == EL_JOIN) first = first->children[0];
    return first;
}

Element *filter_by_criterion(Evaluator *ev, Element *target, const Keyword *keyword, const Node *site) {
    Element *column = NULL;
    if (target && target->entity) column = orm_entity_attribute(ev, target->entity, keyword->name, site);
    else if (target && element_is_from(target)) column = from_column(ev, target, keyword->name->text);
    if (evaluator_error_pending(ev)) return NULL;
    if (!column) {
        const Element *named = target && target->entity ? orm_entity_table(ev, target->entity) : target;
        Slice owner = named ? name_plain(ev, named->name) : SLICE("statement");
        sa_raise(ev, SA_INVALID_REQUEST_ERROR, keyword->node ? keyword->node : site,
                 "Entity namespace for \"%.*s\" has no property \"%.*s\"", SLICE_ARGS(owner),
                 SLICE_ARGS(keyword->name->text));
        sa_suggest_column(ev, named, keyword->name->text);
        return NULL;
    }
    return element_operate(ev, SA_EQ, column, keyword->value, false, site);
}

static Value *select_filter_by(Evaluator *ev, Value *self, const Arguments *a) {
    Select *select = select_self(ev, self);
    Element *target = filter_by_target(ev, select);
    for (int i = 0; i < a->keyword_count; i++) {
        Element *criterion = filter_by_criterion(ev, target, &a->keywords[i], a->site);
        if (!criterion) return NULL;
        select_add_where(ev, select, criterion);
    }
    if (!coerce_warn_open(ev, a, "keywords")) return NULL;
    return select_result(ev, self, select);
}

static Value *select_add_columns(Evaluator *ev, Value *self, const Arguments *a) {
    Select *select = select_self(ev, self);
    return select_columns_read(ev, select, a) ? select_result(ev, self, select) : NULL;
}

/* Does a column only repeat another one that stands here too: the same, or of the same name and linked to it? */
static bool column_repeats(Evaluator *ev, Element *column, const ElementList *all) {
    if (column->kind != EL_COLUMN || !COLUMN(column)->schema) return false;
    const SchemaColumn *schema = COLUMN(column)->schema;
    for (int i = 0; i < schema->foreign_key_count; i++) {
        Element *target = foreign_key_target(ev, schema->foreign_keys[i]);
        for (int j = 0; target && j < all->count; j++) {
            const Element *other = all->items[j];
            if (!element_same(other, column) && other->kind == EL_COLUMN && column_shares_lineage(target, other) &&
                slice_equals(other->name.text, column->name.text))
                return true;
        }
    }
    return false;
}

static Value *select_reduce_columns(Evaluator *ev, Value *self, const Arguments *a) {
    (void)a;
    Select *select = select_self(ev, self);
    ElementList all = {0}, once = {0}, kept = {0};
    froms_expand(ev, &select->columns, &all);
    for (int i = 0; i < all.count; i++) {
        bool known = false;
        for (int j = 0; j < once.count && !known; j++) known = element_same(once.items[j], all.items[i]);
        if (!known) element_list_push(ev, &once, all.items[i]);
    }
    for (int i = 0; i < once.count; i++)
        if (!column_repeats(ev, once.items[i], &once)) element_list_push(ev, &kept, once.items[i]);
    if (evaluator_error_pending(ev)) return NULL;
    select->columns = kept;
    return select_result(ev, self, select);
}

static Value *select_with_only_columns(Evaluator *ev, Value *self, const Arguments *a) {
    Select *select = select_self(ev, self);
    Arguments given = *a;
    bool keep = false;
    for (int i = 0; i < a->keyword_count; i++)
        if (slice_equals_text(a->keywords[i].name->text, "maintain_column_froms"))
            keep = value_is_true(a->keywords[i].value);
    if (keep) {
        ElementList froms = {0};
        for (int i = 0; i < select->columns.count; i++) element_froms(ev, select->columns.items[i], &froms);
        for (int i = 0; i < select->from.count; i++) froms_push(ev, &froms, select->from.items[i]);
        select->from = froms;
    }
    if (select->join_count && !orm_select_is_orm(ev, select)) {
        SelectState state;
        if (!select_state(ev, select, &state)) return NULL;
        select->from = state.from_clauses;
        select->join_count = 0;
    }
    select->columns = (ElementList){0};
    select->early_options = select->head.head.option_count;
    given.keyword_count = 0;
    return select_columns_read(ev, select, &given) ? select_result(ev, self, select) : NULL;
}

static Value *select_select_from(Evaluator *ev, Value *self, const Arguments *a) {
    Select *select = select_self(ev, self);
    for (int i = 0; i < a->count; i++) {
        Element *from = element_of(ev, a->items[i]);
        if (evaluator_error_pending(ev)) return NULL;
        if (!from || from->kind != EL_ENTITY) from = element_coerce(ev, a->items[i], COERCE_FROM, a->site);
        if (!from) return NULL;
        list_add(ev, &select->from, from);
    }
    return select_result(ev, self, select);
}

/* ---- join ---- */

static bool truth(Value *value) { return value && value_is_true(value); }

static bool join_add(Evaluator *ev, Select *select, Value *from, Value *target, Value *on, bool outer, bool full,
                     const Node *site) {
    SetupJoin join = {.outer = outer, .full = full, .node = site, .target_value = target, .on_value = on};
    join.target = orm_join_target(ev, target);
    if (!join.target && !evaluator_error_pending(ev))
        join.target = element_coerce(ev, target, COERCE_JOIN_TARGET, site);
    if (!join.target) return false;
    if (from && !value_is_none(from)) {
        join.from = element_of(ev, from);
        if (evaluator_error_pending(ev)) return false;
        if (!join.from || join.from->kind != EL_ENTITY) join.from = element_coerce(ev, from, COERCE_FROM, site);
        if (!join.from) return false;
    }
    if (on && !value_is_none(on) && !orm_join_target(ev, on) && !evaluator_error_pending(ev)) {
        join.on = element_coerce(ev, on, COERCE_ON, site);
        if (!join.on) return false;
    }
    SetupJoin *joins = ARENA_ARRAY(evaluator_arena(ev), SetupJoin, select->join_count + 1);
    for (int i = 0; i < select->join_count; i++) joins[i] = select->joins[i];
    joins[select->join_count] = join;
    select->joins = joins;
    select->join_capacity = ++select->join_count;
    return true;
}

static Value *select_join_kind(Evaluator *ev, Value *self, const Arguments *a, bool outer) {
    Value *target = NULL, *on = NULL, *isouter = NULL, *full = NULL;
    if (!arguments_bind(ev, a, outer ? "outerjoin" : "join",
                        outer ? "target | onclause * full" : "target | onclause * isouter full", &target, &on,
                        outer ? &full : &isouter, &full))
        return NULL;
    Select *select = select_self(ev, self);
    if (!join_add(ev, select, NULL, target, on, outer || truth(isouter), truth(full), a->site)) return NULL;
    return select_result(ev, self, select);
}

static Value *select_join(Evaluator *ev, Value *self, const Arguments *a) {
    return select_join_kind(ev, self, a, false);
}
static Value *select_outerjoin(Evaluator *ev, Value *self, const Arguments *a) {
    return select_join_kind(ev, self, a, true);
}

static Value *select_join_from(Evaluator *ev, Value *self, const Arguments *a) {
    bool outer = evaluator_native_data(ev) != NULL;
    Value *from = NULL, *target = NULL, *on = NULL, *isouter = NULL, *full = NULL;
    if (!arguments_bind(ev, a, "join_from", "from_ target | onclause * isouter full", &from, &target, &on, &isouter,
                        &full))
        return NULL;
    Select *select = select_self(ev, self);
    if (!join_add(ev, select, from, target, on, outer || truth(isouter), truth(full), a->site)) return NULL;
    return select_result(ev, self, select);
}

/* ---- distinct, correlation ---- */

static Value *select_distinct(Evaluator *ev, Value *self, const Arguments *a) {
    Select *select = select_self(ev, self);
    select->distinct = true;
    for (int i = 0; i < a->count; i++) {
        Element *element = element_coerce(ev, a->items[i], COERCE_ORDER_BY, a->site);
        if (!element) return NULL;
        list_add(ev, &select->distinct_on, element);
    }
    return select_result(ev, self, select);
}

static bool correlation_read(Evaluator *ev, const Arguments *a, ElementList *out) {
    for (int i = 0; i < a->count; i++) {
        if (value_is_none(a->items[i]) || value_is(a->items[i], VALUE_BOOL)) continue;
        Element *from = element_coerce(ev, a->items[i], COERCE_FROM, a->site);
        if (!from) return false;
        list_add(ev, out, from);
    }
    return true;
}

static Value *select_correlate(Evaluator *ev, Value *self, const Arguments *a) {
    Select *select = select_self(ev, self);
    select->auto_correlate = false;
    select->correlate_set = true;
    if (a->count == 1 && value_is_none(a->items[0])) select->correlate = (ElementList){0};
    if (!correlation_read(ev, a, &select->correlate)) return NULL;
    return select_result(ev, self, select);
}

static Value *select_correlate_except(Evaluator *ev, Value *self, const Arguments *a) {
    Select *select = select_self(ev, self);
    select->auto_correlate = false;
    select->correlate_except_set = !(a->count == 1 && value_is_none(a->items[0]));
    if (!correlation_read(ev, a, &select->correlate_except)) return NULL;
    return select_result(ev, self, select);
}

/* ---- GenerativeSelect: both SELECT and compound ---- */

static Selectable *selectable_self(Evaluator *ev, Value *self) {
    Element *element = (Element *)self;
    if (element->kind == EL_SCALAR_SELECT) element = element->children[0];
    Element *copy = element_copy(ev, element);
    copy->original = NULL;
    copy->id = sa_next_id(ev);
    return (Selectable *)copy;
}

static Value *selectable_result(Evaluator *ev, Value *self, Selectable *made) {
    Element *element = &made->head.base;
    if (((Element *)self)->kind == EL_SCALAR_SELECT)
        element = element_with_children(ev, EL_SCALAR_SELECT, ((Element *)self)->type, &element, 1);
    return element_value(element);
}

/* ORDER BY and GROUP BY: None alone takes back what was given. */
static bool clauses_add(Evaluator *ev, const Arguments *a, ElementList *out, bool order) {
    if (a->count == 1 && value_is_none(a->items[0])) {
        *out = (ElementList){0};
        return true;
    }
    for (int i = 0; i < a->count; i++) {
        Value *value = value_usual(a->items[i]);
        const Node *node = a->nodes ? a->nodes[i] : a->site;
        if (coerce_leaves_out(ev, value, COERCE_ORDER_BY, order ? "an ordering" : "a grouping", node)) continue;
        Element *element = element_coerce(ev, value, COERCE_ORDER_BY, node);
        if (!element) return false;
        if (element_is_from(element) && !order) {
            const ElementList *columns = from_columns(ev, element);
            element = element_clause_list(ev, columns->items, columns->count, true);
        }
        const Element *inner = element;
        while (inner->kind == EL_UNARY && OPERATOR(inner)->modifier.id != SA_NONE) inner = inner->children[0];
        if (order && inner->kind == EL_LABEL)
            element = element_with_children(ev, EL_LABEL_REFERENCE, element->type, &element, 1);
        list_add(ev, out, element);
    }
    if (!coerce_warn_open(ev, a, order ? "orderings" : "groupings")) return false;
    return true;
}

static Value *selectable_order_by(Evaluator *ev, Value *self, const Arguments *a) {
    Selectable *made = selectable_self(ev, self);
    return clauses_add(ev, a, &made->order_by, true) ? selectable_result(ev, self, made) : NULL;
}

static Value *selectable_group_by(Evaluator *ev, Value *self, const Arguments *a) {
    Selectable *made = selectable_self(ev, self);
    return clauses_add(ev, a, &made->group_by, false) ? selectable_result(ev, self, made) : NULL;
}

/* LIMIT and OFFSET: an integer, None, or an expression. */
static bool bound_read(Evaluator *ev, Value *value, Element **out, const Node *site) {
    *out = NULL;
    if (!value || value_is_none(value)) return true;
    Element *element = element_of(ev, value);
    if (evaluator_error_pending(ev)) return false;
    if (element) {
        *out = element_coerce(ev, value, COERCE_EXPRESSION, site);
        return *out != NULL;
    }
    int64_t number = 0;
    if (value_is(value, VALUE_STRING)) {
        evaluator_raise_id(ev, EXCEPTION_VALUE, site, "invalid literal for int() with base 10: %.*s",
                           SLICE_ARGS(value_repr(ev, value)));
        return false;
    }
    if (!value_is_unknown(value) && !value_as_integer(value, &number)) {
        evaluator_raise_id(ev, EXCEPTION_TYPE, site,
                           "int() argument must be a string, a bytes-like object or a real number");
        return false;
    }
    *out = element_bind_typed(ev, value, type_of_kind(ev, TYPE_INTEGER), site);
    return true;
}

static Value *selectable_limit(Evaluator *ev, Value *self, const Arguments *a) {
    Value *limit = NULL;
    if (!arguments_bind(ev, a, "limit", "limit", &limit)) return NULL;
    Selectable *made = selectable_self(ev, self);
    made->fetch = NULL;
    return bound_read(ev, limit, &made->limit, a->site) ? selectable_result(ev, self, made) : NULL;
}

static Value *selectable_offset(Evaluator *ev, Value *self, const Arguments *a) {
    Value *offset = NULL;
    if (!arguments_bind(ev, a, "offset", "offset", &offset)) return NULL;
    Selectable *made = selectable_self(ev, self);
    return bound_read(ev, offset, &made->offset, a->site) ? selectable_result(ev, self, made) : NULL;
}

static Value *selectable_fetch(Evaluator *ev, Value *self, const Arguments *a) {
    Value *count = NULL, *ties = NULL, *percent = NULL, *options = NULL;
    if (!arguments_bind(ev, a, "fetch", "count | with_ties percent **dialect_kw", &count, &ties, &percent, &options))
        return NULL;
    Selectable *made = selectable_self(ev, self);
    made->limit = NULL;
    made->fetch_with_ties = truth(ties);
    made->fetch_percent = truth(percent);
    return bound_read(ev, count, &made->fetch, a->site) ? selectable_result(ev, self, made) : NULL;
}

static Value *selectable_slice(Evaluator *ev, Value *self, Value *start, Value *stop, const Node *site) {
    Selectable *made = selectable_self(ev, self);
    made->fetch = NULL;
    Value *count = NULL;
    bool from = start && !value_is_none(start), to = stop && !value_is_none(stop);
    if (from && to) count = value_binary(ev, OP_Sub, stop, start, site);
    else if (to) count = stop;
    if (evaluator_error_pending(ev)) return NULL;
    int64_t number = 1;
    bool zero = from && value_as_integer(start, &number) && number == 0;
    if (!bound_read(ev, count, &made->limit, site)) return NULL;
    if (!bound_read(ev, from && !zero ? start : NULL, &made->offset, site)) return NULL;
    return selectable_result(ev, self, made);
}

static Value *selectable_slice_method(Evaluator *ev, Value *self, const Arguments *a) {
    Value *start = NULL, *stop = NULL;
    if (!arguments_bind(ev, a, "slice", "start stop", &start, &stop)) return NULL;
    return selectable_slice(ev, self, start, stop, a->site);
}

static Value *selectable_for_update(Evaluator *ev, Value *self, const Arguments *a) {
    Value *nowait = NULL, *read = NULL, *of = NULL, *skip = NULL, *key_share = NULL;
    if (!arguments_bind(ev, a, "with_for_update", "| nowait read of skip_locked key_share", &nowait, &read, &of, &skip,
                        &key_share))
        return NULL;
    Selectable *made = selectable_self(ev, self);
    made->for_update = (ForUpdate){.active = true,
                                   .nowait = truth(nowait),
                                   .read = truth(read),
                                   .skip_locked = truth(skip),
                                   .key_share = truth(key_share)};
    if (!of || value_is_none(of)) return selectable_result(ev, self, made);
    made->for_update.has_of = true;
    bool many = !value_is_element(of) && (value_is(of, VALUE_LIST) || value_is(of, VALUE_TUPLE));
    Value *const *items = many ? ((const ListValue *)of)->items : &of;
    for (int i = 0; i < (many ? ((const ListValue *)of)->count : 1); i++) {
        Element *element = element_coerce(ev, items[i], COERCE_COLUMNS, a->site);
        if (!element) return NULL;
        if (element->kind == EL_ENTITY) element = orm_entity_selectable(ev, element->entity);
        if (!element) return NULL;
        list_add(ev, &made->for_update.of, element);
    }
    return selectable_result(ev, self, made);
}

static Value *label_style_value(Evaluator *ev, LabelStyle style) { return value_integer(ev, 1000 + (int)style); }

static Value *selectable_label_style(Evaluator *ev, Value *self, const Arguments *a) {
    Value *style = NULL;
    if (!arguments_bind(ev, a, "set_label_style", "style", &style)) return NULL;
    Selectable *made = selectable_self(ev, self);
    int64_t number = 0;
    if (value_as_integer(style, &number) && number >= 1000) made->label_style = (LabelStyle)(number - 1000);
    if (made->head.base.kind == EL_COMPOUND) {
        Compound *compound = (Compound *)made;
        ElementList parts = element_list_copy(ev, &compound->parts);
        Element *first = parts.items[0];
        if (first->kind == EL_SELECT) {
            Select *copy = select_copy(ev, SELECT(first));
            copy->head.label_style = made->label_style;
            parts.items[0] = &copy->head.head.base;
        }
        compound->parts = parts;
    }
    return selectable_result(ev, self, made);
}

/* ---- what a select turns into ---- */

static Name name_argument(Evaluator *ev, Value *name) {
    return name && value_is(name, VALUE_STRING) ? name_from_value(ev, name) : (Name){0};
}

static Element *unwrapped(Value *self) {
    Element *element = (Element *)self;
    return element->kind == EL_SCALAR_SELECT ? element->children[0] : element;
}

/* select(User).from_statement(…): that statement, whose rows are read as users. */
static Value *select_from_statement(Evaluator *ev, Value *self, const Arguments *a) {
    (void)self;
    Value *statement = NULL;
    if (!arguments_bind(ev, a, "from_statement", "statement", &statement)) return NULL;
    if (value_is_element(statement) || value_is_unknown(statement)) return statement;
    return sa_raise(ev, SA_ARGUMENT_ERROR, a->site,
                    "SELECT construct or equivalent text() construct expected, got %.*s.",
                    SLICE_ARGS(value_repr(ev, statement)));
}

static Value *select_subquery(Evaluator *ev, Value *self, const Arguments *a) {
    Value *name = NULL, *flat = NULL;
    if (!arguments_bind(ev, a, "subquery", "| name flat", &name, &flat)) return NULL;
    return element_value(element_subquery(ev, unwrapped(self), name_argument(ev, name)));
}

static Value *select_lateral(Evaluator *ev, Value *self, const Arguments *a) {
    Value *name = NULL;
    if (!arguments_bind(ev, a, "lateral", "| name", &name)) return NULL;
    return element_value(element_from_of_kind(ev, EL_LATERAL, unwrapped(self), name_argument(ev, name)));
}

static Value *statement_cte(Evaluator *ev, Value *self, const Arguments *a) {
    Value *name = NULL, *recursive = NULL, *nesting = NULL;
    if (!arguments_bind(ev, a, "cte", "| name recursive nesting", &name, &recursive, &nesting)) return NULL;
    Element *cte = element_from_of_kind(ev, EL_CTE, unwrapped(self), name_argument(ev, name));
    FROM(cte)->recursive = truth(recursive);
    FROM(cte)->nesting = truth(nesting);
    return element_value(cte);
}

static Value *select_scalar(Evaluator *ev, Value *self, const Arguments *a) {
    (void)a;
    Element *scalar = element_scalar_select(ev, unwrapped(self));
    return element_value(scalar);
}

static Value *select_label(Evaluator *ev, Value *self, const Arguments *a) {
    Value *name = NULL;
    if (!arguments_bind(ev, a, "label", "| name", &name)) return NULL;
    return element_value(element_label(ev, element_scalar_select(ev, unwrapped(self)), name_argument(ev, name)));
}

static Value *select_exists(Evaluator *ev, Value *self, const Arguments *a) {
    (void)a;
    return element_value(element_exists(ev, unwrapped(self)));
}

static Value *select_self_group(Evaluator *ev, Value *self, const Arguments *a) {
    (void)a;
    return element_value(element_group_op(ev, (Element *)self, op_of(SA_NONE)));
}

static Value *select_get_final_froms(Evaluator *ev, Value *self, const Arguments *a) {
    return value_get_attribute(ev, self, atom_intern_text(evaluator_atoms(ev), "froms"), a->site);
}

static Value *select_select(Evaluator *ev, Value *self, const Arguments *a) {
    Select *select = select_new(ev);
    Element *element = (Element *)self;
    if (element_is_select(element)) element = element_subquery(ev, element, (Name){0});
    select_add_column(ev, select, element);
    select->head.head.base.node = a->site;
    return element_value(&select->head.head.base);
}

/* ---- compound ---- */

static Element *compound_new(Evaluator *ev, SetOperator op, Value *const *items, int count, const Node *site) {
    static const char *const names[] = {"UNION", "UNION ALL", "INTERSECT", "INTERSECT ALL", "EXCEPT", "EXCEPT ALL"};
    Compound *compound = (Compound *)element_new(ev, EL_COMPOUND, NULL);
    compound->op = op;
    compound->head.label_style = LABEL_DISAMBIGUATE_ONLY;
    compound->head.head.base.node = site;
    for (int i = 0; i < count; i++) {
        Element *part = element_of(ev, items[i]);
        if (evaluator_error_pending(ev)) return NULL;
        if (part && part->kind == EL_SCALAR_SELECT) part = part->children[0];
        if (!part || (!element_is_select(part) && part->kind != EL_SELECT_GROUPING)) {
            return sa_raise(ev, SA_ARGUMENT_ERROR, site,
                            "SELECT construct for inclusion in a UNION or other set construct "
                            "expected, got %.*s.",
                            SLICE_ARGS(value_repr(ev, items[i])));
        }
        bool limited = part->kind != EL_TEXTUAL_SELECT && part->kind != EL_SELECT_GROUPING &&
                       (SELECTABLE(part)->order_by.count || SELECTABLE(part)->limit || SELECTABLE(part)->offset ||
                        SELECTABLE(part)->fetch);
        if (part->kind == EL_COMPOUND || limited) part = element_with_children(ev, EL_SELECT_GROUPING, NULL, &part, 1);
        element_list_push(ev, &compound->parts, part);
    }
    if (!count) return sa_raise(ev, SA_ARGUMENT_ERROR, site, "%s requires at least one select", names[op]);
    return &compound->head.head.base;
}

static const SetOperator set_operators[] = {SET_UNION,         SET_UNION_ALL, SET_INTERSECT,
                                            SET_INTERSECT_ALL, SET_EXCEPT,    SET_EXCEPT_ALL};

static Value *call_compound(Evaluator *ev, Value *self, const Arguments *a) {
    (void)self;
    const SetOperator *op = evaluator_native_data(ev);
    return element_value(compound_new(ev, *op, a->items, a->count, a->site));
}

static Value *select_compound(Evaluator *ev, Value *self, const Arguments *a) {
    const SetOperator *op = evaluator_native_data(ev);
    Value **items = ARENA_ARRAY(evaluator_arena(ev), Value *, a->count + 1);
    items[0] = self;
    for (int i = 0; i < a->count; i++) items[i + 1] = a->items[i];
    return element_value(compound_new(ev, *op, items, a->count + 1, a->site));
}

#define SET(index) ((void *)(uintptr_t)&set_operators[index])
#define COMMON_METHODS                                                                                                 \
    {"order_by", selectable_order_by, NATIVE_METHOD, NULL}, {"group_by", selectable_group_by, NATIVE_METHOD, NULL},    \
        {"limit", selectable_limit, NATIVE_METHOD, NULL}, {"offset", selectable_offset, NATIVE_METHOD, NULL},          \
        {"fetch", selectable_fetch, NATIVE_METHOD, NULL}, {"slice", selectable_slice_method, NATIVE_METHOD, NULL},     \
        {"with_for_update", selectable_for_update, NATIVE_METHOD, NULL},                                               \
        {"set_label_style", selectable_label_style, NATIVE_METHOD, NULL},                                              \
        {"prefix_with", executable_texts, NATIVE_METHOD, NULL},                                                        \
        {"suffix_with", executable_texts, NATIVE_METHOD, (void *)(uintptr_t)&set_operators},                           \
        {"with_hint", executable_hint, NATIVE_METHOD, NULL},                                                           \
        {"with_statement_hint", executable_statement_hint, NATIVE_METHOD, NULL},                                       \
        {"add_cte", executable_add_cte, NATIVE_METHOD, NULL}, {"options", executable_options, NATIVE_METHOD, NULL},    \
        {"execution_options", executable_execution_options, NATIVE_METHOD, NULL},                                      \
        {"with_dialect_options", executable_dialect_options, NATIVE_METHOD, NULL},                                     \
        {"params", executable_params, NATIVE_METHOD, NULL}, {"subquery", select_subquery, NATIVE_METHOD, NULL},        \
        {"alias", select_subquery, NATIVE_METHOD, NULL}, {"lateral", select_lateral, NATIVE_METHOD, NULL},             \
        {"cte", statement_cte, NATIVE_METHOD, NULL}, {"scalar_subquery", select_scalar, NATIVE_METHOD, NULL},          \
        {"as_scalar", select_scalar, NATIVE_METHOD, NULL}, {"label", select_label, NATIVE_METHOD, NULL},               \
        {"exists", select_exists, NATIVE_METHOD, NULL}, {"self_group", select_self_group, NATIVE_METHOD, NULL},        \
        {"select", select_select, NATIVE_METHOD, NULL}, {"union", select_compound, NATIVE_METHOD, SET(0)},             \
        {"union_all", select_compound, NATIVE_METHOD, SET(1)}, {"intersect", select_compound, NATIVE_METHOD, SET(2)},  \
        {"intersect_all", select_compound, NATIVE_METHOD, SET(3)},                                                     \
        {"except_", select_compound, NATIVE_METHOD, SET(4)}, {                                                         \
        "except_all", select_compound, NATIVE_METHOD, SET(5)                                                           \
    }

const NativeMethod select_methods[] = {
    COMMON_METHODS,
    {"where", select_where, NATIVE_METHOD, NULL},
    {"filter", select_where, NATIVE_METHOD, NULL},
    {"filter_by", select_filter_by, NATIVE_METHOD, NULL},
    {"having", select_having, NATIVE_METHOD, NULL},
    {"add_columns", select_add_columns, NATIVE_METHOD, NULL},
    {"column", select_add_columns, NATIVE_METHOD, NULL},
    {"with_only_columns", select_with_only_columns, NATIVE_METHOD, NULL},
    {"reduce_columns", select_reduce_columns, NATIVE_METHOD, NULL},
    {"select_from", select_select_from, NATIVE_METHOD, NULL},
    {"join", select_join, NATIVE_METHOD, NULL},
    {"outerjoin", select_outerjoin, NATIVE_METHOD, NULL},
    {"join_from", select_join_from, NATIVE_METHOD, NULL},
    {"outerjoin_from", select_join_from, NATIVE_METHOD, (void *)(uintptr_t)&set_operators},
    {"distinct", select_distinct, NATIVE_METHOD, NULL},
    {"correlate", select_correlate, NATIVE_METHOD, NULL},
    {"correlate_except", select_correlate_except, NATIVE_METHOD, NULL},
    {"get_final_froms", select_get_final_froms, NATIVE_METHOD, NULL},
    {"from_statement", select_from_statement, NATIVE_METHOD, NULL},
    {NULL, NULL, NATIVE_METHOD, NULL},
};

const NativeMethod compound_methods[] = {COMMON_METHODS, {NULL, NULL, NATIVE_METHOD, NULL}};
const NativeMethod textual_select_methods[] = {COMMON_METHODS, {NULL, NULL, NATIVE_METHOD, NULL}};

/* The select that a scalar subquery holds, with other columns. */
static Value *scalar_with_only_columns(Evaluator *ev, Value *self, const Arguments *a) {
    Element *inner = ((Element *)self)->children[0];
    return inner->kind == EL_SELECT ? select_with_only_columns(ev, element_value(inner), a) : NULL;
}

const NativeMethod scalar_select_methods[] = {
    {"with_only_columns", scalar_with_only_columns, NATIVE_METHOD, NULL},
    {"where", select_where, NATIVE_METHOD, NULL},
    {"filter", select_where, NATIVE_METHOD, NULL},
    {"correlate", select_correlate, NATIVE_METHOD, NULL},
    {"correlate_except", select_correlate_except, NATIVE_METHOD, NULL},
    {NULL, NULL, NATIVE_METHOD, NULL},
};

/* ---- exists() ---- */

/* exists(…) or EXISTS of a select, with the select changed by one of its methods. */
static Value *exists_through(Evaluator *ev, Value *self, const Arguments *a, NativeCall method) {
    Element *exists = (Element *)self;
    if (exists->kind != EL_UNARY || OPERATOR(exists)->op.id != SA_EXISTS)
        return evaluator_raise_id(ev, EXCEPTION_ATTRIBUTE, a->site, "'UnaryExpression' object has no such attribute");
    Value *changed = method(ev, element_value(exists->children[0]->children[0]), a);
    return changed ? element_value(element_exists(ev, (Element *)changed)) : NULL;
}

static Value *exists_where(Evaluator *ev, Value *self, const Arguments *a) {
    return exists_through(ev, self, a, select_where);
}
static Value *exists_correlate(Evaluator *ev, Value *self, const Arguments *a) {
    return exists_through(ev, self, a, select_correlate);
}
static Value *exists_correlate_except(Evaluator *ev, Value *self, const Arguments *a) {
    return exists_through(ev, self, a, select_correlate_except);
}
static Value *exists_select_from(Evaluator *ev, Value *self, const Arguments *a) {
    return exists_through(ev, self, a, select_select_from);
}
static Value *exists_select(Evaluator *ev, Value *self, const Arguments *a) {
    (void)a;
    Select *select = select_new(ev);
    select_add_column(ev, select, (Element *)self);
    return element_value(&select->head.head.base);
}

const NativeMethod exists_methods[] = {
    {"where", exists_where, NATIVE_METHOD, NULL},
    {"filter", exists_where, NATIVE_METHOD, NULL},
    {"correlate", exists_correlate, NATIVE_METHOD, NULL},
    {"correlate_except", exists_correlate_except, NATIVE_METHOD, NULL},
    {"select_from", exists_select_from, NATIVE_METHOD, NULL},
    {"select", exists_select, NATIVE_METHOD, NULL},
    {NULL, NULL, NATIVE_METHOD, NULL},
};

static Value *call_exists(Evaluator *ev, Value *self, const Arguments *a) {
    (void)self;
    if (a->count == 1 && value_is_element(a->items[0])) {
        Element *given = (Element *)a->items[0];
        if (element_is_select(given) || given->kind == EL_SCALAR_SELECT)
            return element_value(element_exists(ev, given));
    }
    Select *select = select_new(ev);
    select->head.head.base.node = a->site;
    if (!a->count) select_add_column(ev, select, element_literal_column(ev, SLICE("*"), NULL));
    else if (!select_columns_read(ev, select, a)) return NULL;
    return element_value(element_exists(ev, &select->head.head.base));
}

Value *statement_get_item(Evaluator *ev, Element *statement, Value *key, const Node *site) {
    (void)statement, (void)key;
    return evaluator_raise_id(ev, EXCEPTION_TYPE, site, "'Select' object is not subscriptable");
}

void selects_define(Evaluator *ev, ModuleValue *module) {
    static const char *const names[] = {"union", "union_all", "intersect", "intersect_all", "except_", "except_all"};
    module_define_function(ev, module, "select", call_select);
    module_define_function(ev, module, "exists", call_exists);
    for (int i = 0; i < 6; i++)
        module_define(ev, module, names[i], value_native_function(ev, names[i], call_compound, SET(i)));
    module_define(ev, module, "LABEL_STYLE_NONE", label_style_value(ev, LABEL_NONE));
    module_define(ev, module, "LABEL_STYLE_TABLENAME_PLUS_COL", label_style_value(ev, LABEL_TABLENAME_PLUS_COL));
    module_define(ev, module, "LABEL_STYLE_DISAMBIGUATE_ONLY", label_style_value(ev, LABEL_DISAMBIGUATE_ONLY));
    module_define(ev, module, "LABEL_STYLE_DEFAULT", label_style_value(ev, LABEL_DISAMBIGUATE_ONLY));
}
