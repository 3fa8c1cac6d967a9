/*
 * insert(), update(), delete() as Python sees them, with what PostgreSQL, SQLite and MySQL add to insert().
 *
 * Input: calls from the evaluated program. Output: Dml elements.
 * Invariants: values are kept in the order in which they were given; which columns they mean is decided when the
 * statement is lowered, against the table.
 * Example: insert(t).values(a=1).on_conflict_do_nothing(index_elements=["a"]).
 */
#include "compiler/sqlalchemy/face.h"

Dml *dml_new(Evaluator *ev, ElementKind kind, Element *table) {
    Dml *dml = DML(element_new(ev, kind, NULL));
    dml->table = table;
    dml->flavour = DIALECT_COUNT;
    dml->label_style = LABEL_DISAMBIGUATE_ONLY;
    return dml;
}

static Dml *dml_self(Evaluator *ev, Value *self) {
    Element *copy = element_copy(ev, (Element *)self);
    copy->original = NULL;
    return DML(copy);
}

static Value *dml_value(Dml *dml) { return element_value(&dml->head.base); }

void pairs_push(Evaluator *ev, ValuePairs *pairs, ValuePair pair) {
    ValuePair *items = ARENA_ARRAY(evaluator_arena(ev), ValuePair, pairs->count + 1);
    for (int i = 0; i < pairs->count; i++) items[i] = pairs->items[i];
    items[pairs->count] = pair;
    pairs->items = items;
    pairs->capacity = ++pairs->count;
}

/* values() again for the same column replaces what it was. */
static void pairs_set(Evaluator *ev, ValuePairs *pairs, ValuePair pair) {
    for (int i = 0; i < pairs->count; i++) {
        const ValuePair *old = &pairs->items[i];
        bool same = pair.key.length ? slice_equals(old->key, pair.key) : pair.target && old->target == pair.target;
        if (!same) continue;
        ValuePairs copy = {0};
        for (int k = 0; k < pairs->count; k++) pairs_push(ev, &copy, k == i ? pair : pairs->items[k]);
        *pairs = copy;
        return;
    }
    pairs_push(ev, pairs, pair);
}

static bool pair_value(Evaluator *ev, Value *value, ValuePair *pair, const Node *site) {
    Element *element = element_of(ev, value);
    if (evaluator_error_pending(ev)) return false;
    if (!element && value_is(value, VALUE_NATIVE)) element = orm_coerce_expression(ev, value, site);
    if (evaluator_error_pending(ev)) return false;
    if (element && element_is_select(element)) element = element_scalar_select(ev, element);
    pair->element = element;
    pair->value = element ? NULL : value;
    pair->node = site;
    return true;
}

static bool pair_target(Evaluator *ev, Element *table, Value *key, ValuePair *pair, const Node *site) {
    if (value_is(key, VALUE_STRING)) {
        pair->key = value_text(key);
        if (table && table->kind == EL_ENTITY) {
            Element *column = orm_entity_attribute(ev, table->entity, value_as_atom(ev, key), site);
            if (evaluator_error_pending(ev)) return false;
            if (column && column->kind == EL_COLUMN) {
                Element *plain = column->original ? column->original : column;
                if (COLUMN(plain)->table == orm_entity_table(ev, table->entity)) pair->key = COLUMN(plain)->key.text;
                else pair->target = plain, pair->key = (Slice){0}; /* of a parent's table */
            }
        }
        return true;
    }
    pair->target = element_of(ev, key);
    if (!pair->target && !evaluator_error_pending(ev)) pair->target = orm_coerce_expression(ev, key, site);
    if (evaluator_error_pending(ev)) return false;
    if (!pair->target) {
        sa_raise(ev, SA_ARGUMENT_ERROR, site, "SET/VALUES column expression or string key expected, got %.*s.",
                 SLICE_ARGS(value_repr(ev, key)));
        return false;
    }
    return true;
}

/* values(), set_: pairs from a dict, keywords, a list of pairs. False: raised. */
static bool pairs_read(Evaluator *ev, Element *table, Value *mapping, ValuePairs *out, const Node *site) {
    if (value_is(mapping, VALUE_DICT)) {
        const DictValue *dict = (const DictValue *)mapping;
        for (int i = 0; i < dict->count; i++) {
            ValuePair pair = {0};
            const Node *node = dict->entries[i].node ? dict->entries[i].node : site;
            if (!pair_target(ev, table, dict->entries[i].key, &pair, node)) return false;
            if (!pair_value(ev, dict->entries[i].value, &pair, node)) return false;
            pairs_set(ev, out, pair);
        }
        return true;
    }
    if (!value_is(mapping, VALUE_LIST) && !value_is(mapping, VALUE_TUPLE)) {
        sa_raise(ev, SA_ARGUMENT_ERROR, site, "mapping or sequence of pairs expected, got %.*s",
                 SLICE_ARGS(value_repr(ev, mapping)));
        return false;
    }
    const ListValue *list = (const ListValue *)mapping;
    for (int i = 0; i < list->count; i++) {
        ValuePair pair = {0};
        bool tuple = value_is(list->items[i], VALUE_TUPLE) || value_is(list->items[i], VALUE_LIST);
        if (!tuple || ((const ListValue *)list->items[i])->count != 2) {
            sa_raise(ev, SA_ARGUMENT_ERROR, site, "pairs of column and value expected");
            return false;
        }
        Value *const *two = ((const ListValue *)list->items[i])->items;
        if (!pair_target(ev, table, two[0], &pair, site) || !pair_value(ev, two[1], &pair, site)) return false;
        pairs_set(ev, out, pair);
    }
    return true;
}

/* A row given by position: columns in the table's order. */
static bool row_by_position(Evaluator *ev, Element *table, const ListValue *row, ValuePairs *out, const Node *site) {
    Element *from = table->kind == EL_ENTITY ? orm_entity_table(ev, table->entity) : table;
    const ElementList *columns = from_columns(ev, from);
    for (int i = 0; i < row->count && i < columns->count; i++) {
        ValuePair pair = {.key = COLUMN(columns->items[i])->key.text};
        if (!pair_value(ev, row->items[i], &pair, site)) return false;
        pairs_push(ev, out, pair);
    }
    return true;
}

static bool dml_add_rows(Evaluator *ev, Dml *dml, const ListValue *list, const Node *site) {
    ValuePairs *rows = ARENA_ARRAY(evaluator_arena(ev), ValuePairs, dml->row_count + list->count + 1);
    for (int i = 0; i < dml->row_count; i++) rows[i] = dml->rows[i];
    for (int i = 0; i < list->count; i++) {
        Value *row = list->items[i];
        ValuePairs *pairs = &rows[dml->row_count + i];
        bool ok = value_is(row, VALUE_DICT) ? pairs_read(ev, dml->table, row, pairs, site)
                                            : row_by_position(ev, dml->table, (const ListValue *)row, pairs, site);
        if (!ok) return false;
    }
    dml->rows = rows;
    dml->row_count += list->count;
    return true;
}

static bool dml_positional_values(Evaluator *ev, Dml *dml, Value *given, const Node *site) {
    if (value_is(given, VALUE_DICT)) return pairs_read(ev, dml->table, given, &dml->values, site);
    if (!value_is(given, VALUE_LIST) && !value_is(given, VALUE_TUPLE)) {
        sa_raise(ev, SA_ARGUMENT_ERROR, site, "dictionary or sequence expected in values()");
        return false;
    }
    const ListValue *list = (const ListValue *)given;
    Value *first = list->count ? list->items[0] : NULL;
    bool rows = first && (value_is(first, VALUE_DICT) || value_is(first, VALUE_LIST) || value_is(first, VALUE_TUPLE));
    if (rows && value_is(given, VALUE_LIST)) {
        if (dml->head.base.kind == EL_UPDATE) {
            sa_raise(ev, SA_INVALID_REQUEST_ERROR, site, "UPDATE construct does not support multiple parameter sets.");
            return false;
        }
        return dml_add_rows(ev, dml, list, site);
    }
    if (rows && value_is(first, VALUE_DICT)) return dml_add_rows(ev, dml, list, site);
    return row_by_position(ev, dml->table, list, &dml->values, site);
}

static Value *dml_values(Evaluator *ev, Value *self, const Arguments *a) {
    Dml *dml = dml_self(ev, self);
    if (dml->select)
        return sa_raise(ev, SA_INVALID_REQUEST_ERROR, a->site, "This construct already inserts from a SELECT");
    if (dml->ordered)
        return sa_raise(ev, SA_ARGUMENT_ERROR, a->site, "This statement already has ordered values present");
    dml->has_values = true;
    bool nothing = a->count ? value_is_unknown(value_resolve(a->items[0])) : a->unknown_keywords && !a->keyword_count;
    if (nothing) {
        evaluator_leave_out(ev, a->site, "values are not known here");
        return evaluator_error_pending(ev) ? NULL : value_unknown_at(ev, a->site);
    }
    if (a->count > 1)
        return sa_raise(ev, SA_ARGUMENT_ERROR, a->site,
                        "Only a single dictionary/tuple or list of dictionaries/tuples is accepted positionally.");
    if (a->count && a->keyword_count)
        return sa_raise(ev, SA_ARGUMENT_ERROR, a->site, "Can't pass positional and kwargs to values() simultaneously");
    if (a->count && !dml_positional_values(ev, dml, a->items[0], a->site)) return NULL;
    for (int i = 0; i < a->keyword_count; i++) {
        ValuePair pair = {0};
        const Node *node = a->keywords[i].node ? a->keywords[i].node : a->site;
        if (!pair_target(ev, dml->table, value_atom(ev, a->keywords[i].name), &pair, node)) return NULL;
        if (!pair_value(ev, a->keywords[i].value, &pair, node)) return NULL;
        pairs_set(ev, &dml->values, pair);
    }
    return coerce_warn_open(ev, a, "values") ? dml_value(dml) : NULL;
}

static Value *dml_ordered_values(Evaluator *ev, Value *self, const Arguments *a) {
    Dml *dml = dml_self(ev, self);
    if (dml->has_values && dml->values.count)
        return sa_raise(ev, SA_ARGUMENT_ERROR, a->site, "This statement already has values present");
    dml->ordered = dml->has_values = true;
    for (int i = 0; i < a->count; i++) {
        if (value_is(a->items[i], VALUE_TUPLE) && ((const ListValue *)a->items[i])->count == 2) {
            Value *const *two = ((const ListValue *)a->items[i])->items;
            ValuePair pair = {0};
            if (!pair_target(ev, dml->table, two[0], &pair, a->site) || !pair_value(ev, two[1], &pair, a->site))
                return NULL;
            pairs_push(ev, &dml->values, pair);
        }
    }
    return dml_value(dml);
}

static Value *dml_where(Evaluator *ev, Value *self, const Arguments *a) {
    if (!coerce_refuse_keywords(ev, a, self->cls->name->text.start, "where")) return NULL;
    Dml *dml = dml_self(ev, self);
    dml->where = element_list_copy(ev, &dml->where);
    for (int i = 0; i < a->count; i++) {
        const Node *node = a->nodes ? a->nodes[i] : a->site;
        if (coerce_leaves_out(ev, a->items[i], COERCE_WHERE, "a condition", node)) continue;
        Element *criterion = element_coerce(ev, a->items[i], COERCE_WHERE, node);
        if (!criterion) return NULL;
        element_list_push(ev, &dml->where, criterion);
    }
    if (!coerce_warn_open(ev, a, "conditions")) return NULL;
    return dml_value(dml);
}

static Value *dml_filter_by(Evaluator *ev, Value *self, const Arguments *a) {
    Dml *dml = dml_self(ev, self);
    dml->where = element_list_copy(ev, &dml->where);
    for (int i = 0; i < a->keyword_count; i++) {
        Element *criterion = filter_by_criterion(ev, dml->table, &a->keywords[i], a->site);
        if (!criterion) return NULL;
        element_list_push(ev, &dml->where, criterion);
    }
    if (!coerce_warn_open(ev, a, "keywords")) return NULL;
    return dml_value(dml);
}

static Value *dml_returning(Evaluator *ev, Value *self, const Arguments *a) {
    Dml *dml = dml_self(ev, self);
    dml->returning = element_list_copy(ev, &dml->returning);
    dml->has_returning = true;
    return elements_read(ev, a, 0, COERCE_COLUMNS, &dml->returning) ? dml_value(dml) : NULL;
}

static Value *dml_return_defaults(Evaluator *ev, Value *self, const Arguments *a) {
    (void)a;
    return dml_value(dml_self(ev, self));
}

static Value *dml_inline(Evaluator *ev, Value *self, const Arguments *a) {
    (void)a;
    Dml *dml = dml_self(ev, self);
    dml->inline_ = true;
    return dml_value(dml);
}

static Value *insert_from_select(Evaluator *ev, Value *self, const Arguments *a) {
    Value *names = NULL, *select = NULL, *defaults = NULL;
    if (!arguments_bind(ev, a, "from_select", "names select | include_defaults", &names, &select, &defaults))
        return NULL;
    Dml *dml = dml_self(ev, self);
    if (dml->values.count || dml->row_count)
        return sa_raise(ev, SA_INVALID_REQUEST_ERROR, a->site, "This construct already has value expressions");
    Value *items = value_iterate(ev, names, a->site);
    if (!items || value_is_unknown(items)) return NULL;
    const ListValue *list = (const ListValue *)items;
    dml->select_names = ARENA_ARRAY(evaluator_arena(ev), Slice, list->count + 1);
    for (int i = 0; i < list->count; i++) {
        ValuePair pair = {0};
        if (!pair_target(ev, dml->table, list->items[i], &pair, a->site)) return NULL;
        if (pair.target && pair.target->kind == EL_COLUMN) pair.key = COLUMN(pair.target)->key.text;
        dml->select_names[dml->select_name_count++] = pair.key;
    }
    dml->select_defaults = !defaults || value_is_true(defaults);
    dml->inline_ = true;
    dml->select = element_of(ev, select);
    if (!dml->select && !evaluator_error_pending(ev))
        return sa_raise(ev, SA_ARGUMENT_ERROR, a->site,
                        "SELECT construct for inclusion in a UNION or other set construct expected");
    return dml->select ? dml_value(dml) : NULL;
}

/* ---- conflicts ---- */

/* Columns or expressions of index_elements; names become columns of the table. */
static bool conflict_targets(Evaluator *ev, Dml *dml, Value *given, const Node *site) {
    Value *items = value_iterate(ev, given, site);
    if (!items) return false;
    if (value_is_unknown(items)) return true;
    const ListValue *list = (const ListValue *)items;
    for (int i = 0; i < list->count; i++) {
        Element *element;
        if (value_is(list->items[i], VALUE_STRING)) {
            element = element_column(ev, name_from_value(ev, list->items[i]), NULL, NULL);
        } else if (!(element = element_coerce(ev, list->items[i], COERCE_EXPRESSION, site))) {
            return false;
        }
        element_list_push(ev, &dml->conflict_targets, element);
    }
    return true;
}

static bool conflict_constraint(Evaluator *ev, Dml *dml, Value *given, const Node *site) {
    if (value_is(given, VALUE_STRING)) {
        dml->conflict_constraint = name_from_value(ev, given);
        return true;
    }
    Index *index = value_as_index(ev, given);
    if (index && !index->name.text.length) {
        for (int i = 0; i < index->expressions.count; i++)
            element_list_push(ev, &dml->conflict_targets, index->expressions.items[i]);
        Value *where = index->dialect_options ? dict_get_text(ev, index->dialect_options, "postgresql_where") : NULL;
        if (!where && index->dialect_options) where = dict_get_text(ev, index->dialect_options, "sqlite_where");
        if (where) dml->conflict_target_where = element_coerce(ev, where, COERCE_WHERE, site);
        return !evaluator_error_pending(ev);
    }
    Constraint *constraint = value_as_constraint(ev, given);
    if (index) dml->conflict_constraint = index->name;
    else if (constraint && constraint->name.text.length) dml->conflict_constraint = constraint->name;
    else if (constraint)
        for (int i = 0; i < constraint->columns.count; i++)
            element_list_push(ev, &dml->conflict_targets, constraint->columns.items[i]);
    return true;
}

static bool conflict_read(Evaluator *ev, Dml *dml, Value *constraint, Value *elements, Value *where, const Node *site) {
    dml->conflict_targets = (ElementList){0};
    if (constraint && !value_is_none(constraint)) {
        if (elements && !value_is_none(elements)) {
            evaluator_raise_id(ev, EXCEPTION_VALUE, site, "'constraint' and 'index_elements' are mutually exclusive");
            return false;
        }
        if (!conflict_constraint(ev, dml, constraint, site)) return false;
    }
    if (elements && !value_is_none(elements) && !conflict_targets(ev, dml, elements, site)) return false;
    if (where && !value_is_none(where)) {
        dml->conflict_target_where = element_coerce(ev, where, COERCE_WHERE, site);
        if (!dml->conflict_target_where) return false;
    }
    return true;
}

static Value *insert_conflict_nothing(Evaluator *ev, Value *self, const Arguments *a) {
    Value *constraint = NULL, *elements = NULL, *where = NULL;
    bool lite = DML((Element *)self)->flavour == DIALECT_SQLITE;
    bool ok = lite ? arguments_bind(ev, a, "on_conflict_do_nothing", "| index_elements index_where", &elements, &where)
                   : arguments_bind(ev, a, "on_conflict_do_nothing", "| constraint index_elements index_where",
                                    &constraint, &elements, &where);
    if (!ok) return NULL;
    Dml *dml = dml_self(ev, self);
    dml->conflict = CONFLICT_NOTHING;
    return conflict_read(ev, dml, constraint, elements, where, a->site) ? dml_value(dml) : NULL;
}

/* What .set_ names are the table's columns, also where a mapped class is written to. */
static Element *conflict_table(Evaluator *ev, const Dml *dml) {
    return dml->table->kind == EL_ENTITY ? orm_entity_table(ev, dml->table->entity) : dml->table;
}

static Value *insert_conflict_update(Evaluator *ev, Value *self, const Arguments *a) {
    Value *constraint = NULL, *elements = NULL, *where = NULL, *set = NULL, *condition = NULL;
    bool lite = DML((Element *)self)->flavour == DIALECT_SQLITE;
    bool ok = lite
                  ? arguments_bind(ev, a, "on_conflict_do_update", "| index_elements index_where set_ where", &elements,
                                   &where, &set, &condition)
                  : arguments_bind(ev, a, "on_conflict_do_update", "| constraint index_elements index_where set_ where",
                                   &constraint, &elements, &where, &set, &condition);
    if (!ok) return NULL;
    Dml *dml = dml_self(ev, self);
    dml->conflict = CONFLICT_UPDATE;
    dml->conflict_set = (ValuePairs){0};
    if (!conflict_read(ev, dml, constraint, elements, where, a->site)) return NULL;
    if (!dml->conflict_targets.count && !dml->conflict_constraint.text.length)
        return evaluator_raise_id(
            ev, EXCEPTION_VALUE, a->site,
            "Either constraint or index_elements, but not both, must be specified unless DO NOTHING");
    if (!set || (value_is(set, VALUE_DICT) && !((const DictValue *)set)->count))
        return evaluator_raise_id(ev, EXCEPTION_VALUE, a->site, "set parameter dictionary must not be empty");
    if (!value_is(set, VALUE_DICT) && !value_is(set, VALUE_LIST) && !value_is_unknown(set)) {
        Value *items = value_call_method(ev, set, "items", NULL, 0, a->site);
        if (!items) return NULL;
        set = items;
    }
    if (!pairs_read(ev, conflict_table(ev, dml), set, &dml->conflict_set, a->site)) return NULL;
    if (condition && !value_is_none(condition) &&
        !(dml->conflict_where = element_coerce(ev, condition, COERCE_WHERE, a->site)))
        return NULL;
    return dml_value(dml);
}

static Value *insert_duplicate_key(Evaluator *ev, Value *self, const Arguments *a) {
    Dml *dml = dml_self(ev, self);
    dml->conflict = CONFLICT_DUPLICATE_KEY;
    dml->conflict_set = (ValuePairs){0};
    if (a->count && a->keyword_count)
        return sa_raise(ev, SA_ARGUMENT_ERROR, a->site, "Can't pass kwargs and positional arguments simultaneously");
    if (a->count == 1 && (value_is(a->items[0], VALUE_LIST))) dml->conflict_ordered = true;
    if (a->count > 1) dml->conflict_ordered = true;
    if (a->count == 1 && !pairs_read(ev, conflict_table(ev, dml), a->items[0], &dml->conflict_set, a->site))
        return NULL;
    if (a->count > 1) {
        Value *all = value_tuple(ev, a->items, a->count);
        if (!pairs_read(ev, conflict_table(ev, dml), all, &dml->conflict_set, a->site)) return NULL;
    }
    for (int i = 0; i < a->keyword_count; i++) {
        ValuePair pair = {.key = a->keywords[i].name->text};
        if (!pair_value(ev, a->keywords[i].value, &pair, a->site)) return NULL;
        pairs_set(ev, &dml->conflict_set, pair);
    }
    if (!dml->conflict_set.count)
        return evaluator_raise_id(ev, EXCEPTION_VALUE, a->site, "update parameter dictionary must not be empty");
    return dml_value(dml);
}

/* ---- texts and CTEs, as selects have them ---- */

static Value *dml_through_select(Evaluator *ev, Value *self, const Arguments *a) {
    const char *const *name = evaluator_native_data(ev);
    for (const NativeMethod *method = select_methods; method->name; method++)
        if (strcmp(method->name, *name) == 0) {
            Value *bound = value_native_function(ev, method->name, method->call, method->data);
            ((NativeFunctionValue *)bound)->self = self;
            return value_call(ev, bound, a);
        }
    return NULL;
}

static const char *const shared[] = {"prefix_with", "suffix_with", "with_hint",         "with_statement_hint",
                                     "add_cte",     "options",     "execution_options", "with_dialect_options",
                                     "params",      "cte"};
#define DML_METHODS                                                                                                    \
    {"returning", dml_returning, NATIVE_METHOD, NULL}, {"return_defaults", dml_return_defaults, NATIVE_METHOD, NULL},  \
        {"prefix_with", dml_through_select, NATIVE_METHOD, (void *)(uintptr_t)&shared[0]},                             \
        {"suffix_with", dml_through_select, NATIVE_METHOD, (void *)(uintptr_t)&shared[1]},                             \
        {"with_hint", dml_through_select, NATIVE_METHOD, (void *)(uintptr_t)&shared[2]},                               \
        {"with_statement_hint", dml_through_select, NATIVE_METHOD, (void *)(uintptr_t)&shared[3]},                     \
        {"add_cte", dml_through_select, NATIVE_METHOD, (void *)(uintptr_t)&shared[4]},                                 \
        {"options", dml_through_select, NATIVE_METHOD, (void *)(uintptr_t)&shared[5]},                                 \
        {"execution_options", dml_through_select, NATIVE_METHOD, (void *)(uintptr_t)&shared[6]},                       \
        {"with_dialect_options", dml_through_select, NATIVE_METHOD, (void *)(uintptr_t)&shared[7]},                    \
        {"params", dml_through_select, NATIVE_METHOD, (void *)(uintptr_t)&shared[8]}, {                                \
        "cte", dml_through_select, NATIVE_METHOD, (void *)(uintptr_t)&shared[9]                                        \
    }

const NativeMethod insert_methods[] = {
    DML_METHODS,
    {"values", dml_values, NATIVE_METHOD, NULL},
    {"inline", dml_inline, NATIVE_METHOD, NULL},
    {"from_select", insert_from_select, NATIVE_METHOD, NULL},
    {"on_conflict_do_nothing", insert_conflict_nothing, NATIVE_METHOD, NULL},
    {"on_conflict_do_update", insert_conflict_update, NATIVE_METHOD, NULL},
    {"on_duplicate_key_update", insert_duplicate_key, NATIVE_METHOD, NULL},
    {NULL, NULL, NATIVE_METHOD, NULL},
};
const NativeMethod update_methods[] = {
    DML_METHODS,
    {"values", dml_values, NATIVE_METHOD, NULL},
    {"ordered_values", dml_ordered_values, NATIVE_METHOD, NULL},
    {"inline", dml_inline, NATIVE_METHOD, NULL},
    {"where", dml_where, NATIVE_METHOD, NULL},
    {"filter", dml_where, NATIVE_METHOD, NULL},
    {"filter_by", dml_filter_by, NATIVE_METHOD, NULL},
    {NULL, NULL, NATIVE_METHOD, NULL},
};
const NativeMethod delete_methods[] = {
    DML_METHODS,
    {"where", dml_where, NATIVE_METHOD, NULL},
    {"filter", dml_where, NATIVE_METHOD, NULL},
    {"filter_by", dml_filter_by, NATIVE_METHOD, NULL},
    {NULL, NULL, NATIVE_METHOD, NULL},
};

/* ---- insert(), update(), delete() ---- */

typedef struct DmlCall {
    const char *name;
    ElementKind kind;
    DialectId flavour;
} DmlCall;
static const DmlCall dml_calls[] = {
    {"insert", EL_INSERT, DIALECT_COUNT},  {"update", EL_UPDATE, DIALECT_COUNT},
    {"delete", EL_DELETE, DIALECT_COUNT},  {"insert", EL_INSERT, DIALECT_POSTGRESQL},
    {"insert", EL_INSERT, DIALECT_SQLITE}, {"insert", EL_INSERT, DIALECT_MYSQL},
};

/* insert.excluded, insert.inserted: the table under the name that the dialect gives it. */
static FromElement *excluded_alias(Evaluator *ev, Element *table, DialectId flavour) {
    Element *from = table->kind == EL_ENTITY ? orm_entity_table(ev, table->entity) : table;
    if (!from) return NULL;
    Name name = name_from(flavour == DIALECT_MYSQL ? SLICE("inserted") : SLICE("excluded"));
    Element *alias = element_alias(ev, from, name);
    FROM(alias)->dml_table = from;
    return FROM(alias);
}

static Value *call_dml(Evaluator *ev, Value *self, const Arguments *a) {
    (void)self;
    const DmlCall *call = evaluator_native_data(ev);
    if (!a->count && !a->keyword_count)
        return evaluator_raise_id(ev, EXCEPTION_TYPE, a->site, "%s() missing 1 required positional argument: 'table'",
                                  call->name);
    Value *given = a->count ? a->items[0] : a->keywords[0].value;
    Element *table = element_of(ev, given);
    if (evaluator_error_pending(ev)) return NULL;
    if (!table || (!element_is_from(table) && table->kind != EL_ENTITY))
        return sa_raise(ev, SA_ARGUMENT_ERROR, a->site,
                        "subject table for an INSERT, UPDATE or DELETE expected, got %.*s.",
                        SLICE_ARGS(value_repr(ev, given)));
    Dml *dml = dml_new(ev, call->kind, table);
    dml->flavour = call->flavour;
    dml->head.base.node = a->site;
    if (call->flavour != DIALECT_COUNT && !(dml->excluded = excluded_alias(ev, table, call->flavour))) return NULL;
    return dml_value(dml);
}

void dml_define(Evaluator *ev, ModuleValue *module, DialectId flavour) {
    for (size_t i = 0; i < sizeof dml_calls / sizeof *dml_calls; i++)
        if (dml_calls[i].flavour == flavour)
            module_define(ev, module, dml_calls[i].name,
                          value_native_function(ev, dml_calls[i].name, call_dml, (void *)(uintptr_t)&dml_calls[i]));
}
