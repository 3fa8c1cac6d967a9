/*
 * FROM clauses as Python sees them: table(), alias, join, cte, lateral, values, tablesample and their methods.
 *
 * Input: calls from the evaluated program. Output: FROM elements.
 * Example: users.join(addresses).select() is SELECT … FROM users JOIN addresses ON users.id = addresses.user_id.
 */
#include "compiler/sqlalchemy/lower.h"

#include <assert.h>

static Name name_argument(Evaluator *ev, Value *name) {
    return name && value_is(name, VALUE_STRING) ? name_from_value(ev, name) : (Name){0};
}

static bool truth(Value *value) { return value && value_is_true(value); }

static Element *from_argument(Evaluator *ev, Value *value, const Node *site) {
    return element_coerce(ev, value, COERCE_FROM, site);
}

/* ---- the lightweight table() ---- */

static Value *call_table(Evaluator *ev, Value *self, const Arguments *a) {
    (void)self;
    if (!a->count || !value_is(a->items[0], VALUE_STRING))
        return evaluator_raise_id(ev, EXCEPTION_TYPE, a->site,
                                  "table() missing 1 required positional argument: 'name'");
    Element *table = element_new(ev, EL_TABLE, NULL);
    table->name = name_from_value(ev, a->items[0]);
    table->node = a->site;
    FROM(table)->columns_ready = true;
    for (int i = 0; i < a->keyword_count; i++) {
        if (slice_equals_text(a->keywords[i].name->text, "schema")) {
            if (value_is(a->keywords[i].value, VALUE_STRING))
                FROM(table)->schema = name_from_value(ev, a->keywords[i].value);
        } else {
            return sa_raise(ev, SA_ARGUMENT_ERROR, a->site, "Unsupported argument(s): ['%.*s']",
                            SLICE_ARGS(a->keywords[i].name->text));
        }
    }
    for (int i = 1; i < a->count; i++) {
        Element *column = element_of(ev, a->items[i]);
        if (!column || column->kind != EL_COLUMN)
            return sa_raise(ev, SA_ARGUMENT_ERROR, a->site, "Column expression expected, got %.*s.",
                            SLICE_ARGS(value_repr(ev, a->items[i])));
        evaluator_touch(ev, &COLUMN(column)->table, sizeof(Element *));
        COLUMN(column)->table = table;
        element_list_push(ev, &FROM(table)->columns, column);
    }
    return element_value(table);
}

/* ---- alias ---- */

static Value *make_alias(Evaluator *ev, Element *from, Value *name) {
    Name given = name_argument(ev, name);
    return element_value(element_alias(ev, from, given));
}

static Value *call_alias(Evaluator *ev, Value *self, const Arguments *a) {
    (void)self;
    Value *selectable = NULL, *name = NULL, *flat = NULL;
    if (!arguments_bind(ev, a, "alias", "selectable | name flat", &selectable, &name, &flat)) return NULL;
    Element *from = element_of(ev, selectable);
    if (from && element_is_select(from)) return element_value(element_subquery(ev, from, name_argument(ev, name)));
    if (!(from = from_argument(ev, selectable, a->site))) return NULL;
    return make_alias(ev, from, name);
}

/* A join flattened: its parts aliased, its condition put onto the aliases. */
static Element *alias_flat(Evaluator *ev, Element *from, Name name) {
    if (from->kind == EL_FROM_GROUPING) {
        Element *inner = alias_flat(ev, from->children[0], name);
        return element_with_children(ev, EL_FROM_GROUPING, NULL, &inner, 1);
    }
    if (from->kind != EL_JOIN) {
        Name own = name;
        if (name.text.length)
            own.text =
                slice_format(evaluator_arena(ev), "%.*s_%.*s", SLICE_ARGS(name.text), SLICE_ARGS(from->name.text));
        return element_alias(ev, from, own);
    }
    Element *left = alias_flat(ev, from->children[0], name), *right = alias_flat(ev, from->children[1], name);
    Element *on = element_adapt(ev, element_adapt(ev, from->children[2], left), right);
    Element *join = element_copy(ev, from);
    join->original = NULL;
    join->children[0] = left;
    join->children[1] = right;
    join->children[2] = on;
    FROM(join)->columns_ready = false;
    return join;
}

/* A table-valued alias under another name, its columns with it. */
static Element *valued_copy(Evaluator *ev, Element *from, Name name) {
    Element *copy = element_copy(ev, from);
    copy->original = NULL;
    copy->id = sa_next_id(ev);
    copy->name = name.text.length ? name : name_anonymous(ev, copy->id, SLICE("anon"));
    ElementList columns = {0};
    for (int i = 0; i < FROM(from)->columns.count; i++) {
        Element *column = element_copy(ev, FROM(from)->columns.items[i]);
        column->original = NULL;
        COLUMN(column)->table = copy;
        if (COLUMN(column)->is_whole_row) column->name = copy->name;
        element_list_push(ev, &columns, column);
    }
    FROM(copy)->columns = columns;
    return copy;
}

static Value *method_alias(Evaluator *ev, Value *self, const Arguments *a) {
    Value *name = NULL, *flat = NULL;
    if (!arguments_bind(ev, a, "alias", "| name flat", &name, &flat)) return NULL;
    Element *from = (Element *)self;
    if (from->kind == EL_TABLE_VALUED) return element_value(valued_copy(ev, from, name_argument(ev, name)));
    if (truth(flat) && from->kind == EL_JOIN) return element_value(alias_flat(ev, from, name_argument(ev, name)));
    return make_alias(ev, from, name);
}

static Value *method_lateral(Evaluator *ev, Value *self, const Arguments *a) {
    Value *name = NULL;
    if (!arguments_bind(ev, a, "lateral", "| name", &name)) return NULL;
    Element *from = (Element *)self;
    if (from->kind == EL_TABLE_VALUED || from->kind == EL_VALUES) {
        Element *copy = element_copy(ev, from);
        copy->original = NULL;
        FROM(copy)->lateral = true;
        if (name && value_is(name, VALUE_STRING)) copy->name = name_argument(ev, name);
        ElementList columns = {0};
        for (int i = 0; i < FROM(from)->columns.count; i++) {
            Element *column = element_copy(ev, FROM(from)->columns.items[i]);
            COLUMN(column)->table = copy;
            element_list_push(ev, &columns, column);
        }
        FROM(copy)->columns = columns;
        return element_value(copy);
    }
    return element_value(element_from_of_kind(ev, EL_LATERAL, from, name_argument(ev, name)));
}

static Value *call_lateral(Evaluator *ev, Value *self, const Arguments *a) {
    (void)self;
    Value *selectable = NULL, *name = NULL;
    if (!arguments_bind(ev, a, "lateral", "selectable | name", &selectable, &name)) return NULL;
    Element *from = element_of(ev, selectable);
    if (!from) return NULL;
    return element_value(element_from_of_kind(ev, EL_LATERAL, from, name_argument(ev, name)));
}

static Value *make_tablesample(Evaluator *ev, Element *from, Value *sampling, Value *name, Value *seed,
                               const Node *site) {
    Element *sample = element_from_of_kind(ev, EL_TABLESAMPLE, from, name_argument(ev, name));
    Element *method = element_of(ev, sampling);
    if (!method || method->kind != EL_FUNCTION) {
        Element *rate = element_coerce(ev, sampling, COERCE_EXPRESSION, site);
        if (!rate) return NULL;
        method = element_function(ev, SLICE("system"), NULL, &rate, 1);
    }
    FROM(sample)->sampling = method;
    if (seed && !value_is_none(seed) && !(FROM(sample)->seed = element_coerce(ev, seed, COERCE_EXPRESSION, site)))
        return NULL;
    return element_value(sample);
}

static Value *method_tablesample(Evaluator *ev, Value *self, const Arguments *a) {
    Value *sampling = NULL, *name = NULL, *seed = NULL;
    if (!arguments_bind(ev, a, "tablesample", "sampling | name seed", &sampling, &name, &seed)) return NULL;
    return make_tablesample(ev, (Element *)self, sampling, name, seed, a->site);
}

static Value *call_tablesample(Evaluator *ev, Value *self, const Arguments *a) {
    (void)self;
    Value *selectable = NULL, *sampling = NULL, *name = NULL, *seed = NULL;
    if (!arguments_bind(ev, a, "tablesample", "selectable sampling | name seed", &selectable, &sampling, &name, &seed))
        return NULL;
    Element *from = from_argument(ev, selectable, a->site);
    return from ? make_tablesample(ev, from, sampling, name, seed, a->site) : NULL;
}

/* ---- joins ---- */

static Value *make_join(Evaluator *ev, Element *left, Value *target, Value *on, bool outer, bool full,
                        const Node *site) {
    Element *along = orm_join_elements(ev, left, target, on, outer, full, site);
    if (along || evaluator_error_pending(ev)) return (Value *)along;
    Element *right = element_of(ev, target);
    if (!right || right->kind != EL_ENTITY) right = from_argument(ev, target, site);
    if (right && right->kind == EL_ENTITY) right = orm_entity_selectable(ev, right->entity);
    if (!right) return NULL;
    Element *condition = NULL;
    if (on && !value_is_none(on) && !(condition = element_coerce(ev, on, COERCE_ON, site))) return NULL;
    return element_value(element_join_on(ev, left, right, condition, outer, full, site));
}

static Value *method_join(Evaluator *ev, Value *self, const Arguments *a) {
    bool outer = evaluator_native_data(ev) != NULL;
    Value *right = NULL, *on = NULL, *isouter = NULL, *full = NULL;
    bool ok = outer ? arguments_bind(ev, a, "outerjoin", "right | onclause full", &right, &on, &full)
                    : arguments_bind(ev, a, "join", "right | onclause isouter full", &right, &on, &isouter, &full);
    if (!ok) return NULL;
    return make_join(ev, (Element *)self, right, on, outer || truth(isouter), truth(full), a->site);
}

static Value *call_join(Evaluator *ev, Value *self, const Arguments *a) {
    (void)self;
    bool outer = evaluator_native_data(ev) != NULL;
    Value *left = NULL, *right = NULL, *on = NULL, *isouter = NULL, *full = NULL;
    bool ok = outer ? arguments_bind(ev, a, "outerjoin", "left right | onclause full", &left, &right, &on, &full)
                    : arguments_bind(ev, a, "join", "left right | onclause isouter full", &left, &right, &on, &isouter,
                                     &full);
    if (!ok) return NULL;
    Element *from = from_argument(ev, left, a->site);
    return from ? make_join(ev, from, right, on, outer || truth(isouter), truth(full), a->site) : NULL;
}

/* ---- CTE ---- */

static Value *call_cte(Evaluator *ev, Value *self, const Arguments *a) {
    (void)self;
    Value *selectable = NULL, *name = NULL, *recursive = NULL;
    if (!arguments_bind(ev, a, "cte", "selectable | name recursive", &selectable, &name, &recursive)) return NULL;
    Element *inner = element_of(ev, selectable);
    if (!inner) return NULL;
    Element *cte = element_from_of_kind(ev, EL_CTE, inner, name_argument(ev, name));
    FROM(cte)->recursive = truth(recursive);
    return element_value(cte);
}

static const char *const compound_names[] = {"union", "union_all"};

/* cte.union(…): the same CTE with more in it. */
/* An alias of a CTE that grows by a union is a CTE of that name; what it selects from itself by is the alias. */
static Value *alias_union(Evaluator *ev, Value *self, const Arguments *a) {
    const char *const *method = evaluator_native_data(ev);
    Element *alias = (Element *)self, *cte = alias->children ? alias->children[0] : NULL;
    if (alias->kind != EL_ALIAS || !cte || cte->kind != EL_CTE)
        return evaluator_raise_id(ev, EXCEPTION_ATTRIBUTE, a->site, "'%s' object has no attribute '%s'",
                                  self->cls->name->text.start, *method);
    Value *compound = value_call_method(ev, element_value(cte->children[0]), *method, a->items, a->count, a->site);
    if (!compound) return NULL;
    Element *made = element_copy(ev, cte);
    made->original = NULL;
    made->id = alias->id;
    made->name = alias->name;
    made->children[0] = (Element *)compound;
    FROM(made)->restates = alias;
    FROM(made)->columns_ready = false;
    FROM(made)->columns = (ElementList){0};
    return element_value(made);
}

static Value *cte_union(Evaluator *ev, Value *self, const Arguments *a) {
    const char *const *method = evaluator_native_data(ev);
    Element *cte = (Element *)self;
    Value *inner = element_value(cte->children[0]);
    Value *compound = value_call_method(ev, inner, *method, a->items, a->count, a->site);
    if (!compound) return NULL;
    Element *made = element_copy(ev, cte);
    made->original = NULL;
    made->children[0] = (Element *)compound;
    FROM(made)->restates = cte;
    FROM(made)->columns_ready = false;
    FROM(made)->columns = (ElementList){0};
    return element_value(made);
}

static Value *cte_texts(Evaluator *ev, Value *self, const Arguments *a) {
    bool suffix = evaluator_native_data(ev) != NULL;
    Element *copy = element_copy(ev, (Element *)self);
    Value *dialect = NULL;
    for (int i = 0; i < a->keyword_count; i++) dialect = a->keywords[i].value;
    for (int i = 0; i < a->count; i++) {
        TextPart part = {0};
        if (dialect && value_is(dialect, VALUE_STRING)) part.dialect = value_text(dialect);
        if (value_is(a->items[i], VALUE_STRING)) part.text = value_text(a->items[i]);
        else part.element = element_of(ev, a->items[i]);
        parts_push(ev, suffix ? &FROM(copy)->suffixes : &FROM(copy)->prefixes, part);
    }
    return element_value(copy);
}

/* ---- VALUES ---- */

static Value *call_values(Evaluator *ev, Value *self, const Arguments *a) {
    (void)self;
    Element *values = element_new(ev, EL_VALUES, NULL);
    FROM(values)->columns_ready = true;
    values->node = a->site;
    for (int i = 0; i < a->keyword_count; i++) {
        Slice name = a->keywords[i].name->text;
        if (slice_equals_text(name, "name")) values->name = name_argument(ev, a->keywords[i].value);
        if (slice_equals_text(name, "literal_binds")) FROM(values)->literal_binds = value_is_true(a->keywords[i].value);
    }
    for (int i = 0; i < a->count; i++) {
        Element *column = element_of(ev, a->items[i]);
        if (!column || column->kind != EL_COLUMN) return NULL;
        column = element_copy(ev, column);
        COLUMN(column)->table = values;
        element_list_push(ev, &FROM(values)->columns, column);
    }
    FROM(values)->row_width = a->count;
    return element_value(values);
}

/* One row of data(); the cells of an unknown one are unknown. */
static bool values_add_row(Evaluator *ev, Element *values, Value *row, const Node *site) {
    Value *items = value_iterate(ev, row, site);
    if (!items) return false;
    const ListValue *cells = value_is_unknown(items) ? NULL : (const ListValue *)items;
    if (cells && !cells->open && cells->count != FROM(values)->row_width) {
        sa_raise(ev, SA_ARGUMENT_ERROR, site, "Wrong number of elements for %d-tuple: %.*s", FROM(values)->row_width,
                 SLICE_ARGS(value_repr(ev, row)));
        return false;
    }
    const ElementList *columns = &FROM(values)->columns;
    assert(columns->count == FROM(values)->row_width);
    for (int k = 0; k < columns->count; k++) {
        Value *given =
            cells && k < cells->count ? cells->items[k] : value_get_item(ev, row, value_integer(ev, k), site);
        if (!given) return false;
        SaType *type = columns->items[k]->type;
        if (type->kind == TYPE_NULL) type = type_of_literal(ev, given);
        Element *cell = element_of(ev, given);
        element_list_push(ev, &FROM(values)->row_items, cell ? cell : element_bind_typed(ev, given, type, site));
    }
    return true;
}

static Value *values_data(Evaluator *ev, Value *self, const Arguments *a) {
    Value *rows = NULL;
    if (!arguments_bind(ev, a, "data", "values", &rows)) return NULL;
    Element *copy = element_copy(ev, (Element *)self);
    ElementList columns = {0};
    for (int i = 0; i < FROM(copy)->columns.count; i++) {
        Element *column = element_copy(ev, FROM(copy)->columns.items[i]);
        COLUMN(column)->table = copy;
        element_list_push(ev, &columns, column);
    }
    FROM(copy)->columns = columns;
    FROM(copy)->row_items = element_list_copy(ev, &FROM(copy)->row_items);
    Value *items = value_iterate(ev, rows, a->site);
    if (!items || value_is_unknown(items)) return items ? element_value(copy) : NULL;
    const ListValue *list = (const ListValue *)items;
    for (int i = 0; i < list->count; i++)
        if (!values_add_row(ev, copy, list->items[i], a->site)) return NULL;
    return element_value(copy);
}

static Value *values_alias(Evaluator *ev, Value *self, const Arguments *a) {
    Value *name = NULL, *flat = NULL;
    if (!arguments_bind(ev, a, "alias", "| name flat", &name, &flat)) return NULL;
    Element *copy = element_copy(ev, (Element *)self);
    copy->original = NULL;
    copy->id = sa_next_id(ev);
    copy->name = name_argument(ev, name);
    if (!copy->name.text.length) copy->name = name_anonymous(ev, copy->id, SLICE("anon"));
    ElementList columns = {0};
    for (int i = 0; i < FROM(copy)->columns.count; i++) {
        Element *column = element_copy(ev, FROM(copy)->columns.items[i]);
        COLUMN(column)->table = copy;
        element_list_push(ev, &columns, column);
    }
    FROM(copy)->columns = columns;
    return element_value(copy);
}

static Value *method_cte(Evaluator *ev, Value *self, const Arguments *a) {
    Value *name = NULL, *recursive = NULL, *nesting = NULL;
    if (!arguments_bind(ev, a, "cte", "| name recursive nesting", &name, &recursive, &nesting)) return NULL;
    Element *cte = element_from_of_kind(ev, EL_CTE, (Element *)self, name_argument(ev, name));
    FROM(cte)->recursive = truth(recursive);
    FROM(cte)->nesting = truth(nesting);
    return element_value(cte);
}

/* ---- table-valued functions ---- */

static Value *valued_render_derived(Evaluator *ev, Value *self, const Arguments *a) {
    Value *name = NULL, *types = NULL;
    if (!arguments_bind(ev, a, "render_derived", "| name with_types", &name, &types)) return NULL;
    Element *from = (Element *)self;
    Name given = name_argument(ev, name);
    if (!given.text.length && !name_is_anonymous(from->name)) given = from->name;
    Element *copy = valued_copy(ev, from, given);
    FROM(copy)->derived = true;
    FROM(copy)->derived_types = truth(types);
    return element_value(copy);
}

/* table.table_valued(): its whole row as a column. */
static Value *table_valued_row(Evaluator *ev, Value *self, const Arguments *a) {
    (void)a;
    Element *from = (Element *)self;
    Element *column = element_column(ev, from->name, NULL, from);
    COLUMN(column)->is_whole_row = true;
    return element_value(column);
}

/* ---- the rest ---- */

static Value *method_select(Evaluator *ev, Value *self, const Arguments *a) {
    Select *select = select_new(ev);
    Element *from = (Element *)self;
    if (from->kind == EL_JOIN) {
        select_add_column(ev, select, from->children[0]);
        select_add_column(ev, select, from->children[1]);
        element_list_push(ev, &select->from, from);
    } else {
        select_add_column(ev, select, from);
    }
    select->head.head.base.node = a->site;
    return element_value(&select->head.head.base);
}

static Value *method_corresponding(Evaluator *ev, Value *self, const Arguments *a) {
    if (!a->count || !value_is_element(a->items[0])) return value_none(ev);
    Element *found = from_corresponding(ev, (Element *)self, (Element *)a->items[0]);
    return found ? element_value(found) : value_none(ev);
}

static Value *method_self_group(Evaluator *ev, Value *self, const Arguments *a) {
    (void)a;
    return element_value(element_group_op(ev, (Element *)self, op_of(SA_NONE)));
}

static Value *method_scalar_subquery(Evaluator *ev, Value *self, const Arguments *a) {
    (void)a;
    Element *from = (Element *)self;
    if (from->kind == EL_SUBQUERY) return element_value(element_scalar_select(ev, from->children[0]));
    if (from->kind == EL_VALUES) return element_value(element_with_children(ev, EL_SCALAR_SELECT, NULL, &from, 1));
    return sa_raise(ev, SA_ARGUMENT_ERROR, a->site, "no scalar subquery of this");
}

static Value *method_dml(Evaluator *ev, Value *self, const Arguments *a) {
    const ElementKind *kind = evaluator_native_data(ev);
    Dml *dml = dml_new(ev, *kind, (Element *)self);
    dml->head.base.node = a->site;
    return element_value(&dml->head.base);
}

static const ElementKind dml_kinds[] = {EL_INSERT, EL_UPDATE, EL_DELETE};
#define MARK ((void *)(uintptr_t)&dml_kinds)
const NativeMethod from_methods[] = {
    {"alias", method_alias, NATIVE_METHOD, NULL},
    {"lateral", method_lateral, NATIVE_METHOD, NULL},
    {"tablesample", method_tablesample, NATIVE_METHOD, NULL},
    {"join", method_join, NATIVE_METHOD, NULL},
    {"outerjoin", method_join, NATIVE_METHOD, MARK},
    {"select", method_select, NATIVE_METHOD, NULL},
    {"corresponding_column", method_corresponding, NATIVE_METHOD, NULL},
    {"self_group", method_self_group, NATIVE_METHOD, NULL},
    {"table_valued", table_valued_row, NATIVE_METHOD, NULL},
    {"insert", method_dml, NATIVE_METHOD, (void *)(uintptr_t)&dml_kinds[0]},
    {"update", method_dml, NATIVE_METHOD, (void *)(uintptr_t)&dml_kinds[1]},
    {"delete", method_dml, NATIVE_METHOD, (void *)(uintptr_t)&dml_kinds[2]},
    {"scalar_subquery", method_scalar_subquery, NATIVE_METHOD, NULL},
    {"as_scalar", method_scalar_subquery, NATIVE_METHOD, NULL},
    {"union", alias_union, NATIVE_METHOD, (void *)(uintptr_t)&compound_names[0]},
    {"union_all", alias_union, NATIVE_METHOD, (void *)(uintptr_t)&compound_names[1]},
    {NULL, NULL, NATIVE_METHOD, NULL},
};
const NativeMethod cte_methods[] = {
    {"union", cte_union, NATIVE_METHOD, (void *)(uintptr_t)&compound_names[0]},
    {"union_all", cte_union, NATIVE_METHOD, (void *)(uintptr_t)&compound_names[1]},
    {"prefix_with", cte_texts, NATIVE_METHOD, NULL},
    {"suffix_with", cte_texts, NATIVE_METHOD, MARK},
    {NULL, NULL, NATIVE_METHOD, NULL},
};
const NativeMethod table_valued_methods[] = {
    {"render_derived", valued_render_derived, NATIVE_METHOD, NULL},
    {NULL, NULL, NATIVE_METHOD, NULL},
};
static Value *values_add_cte(Evaluator *ev, Value *self, const Arguments *a) {
    Element *copy = element_copy(ev, (Element *)self);
    FROM(copy)->ctes = element_list_copy(ev, &FROM(copy)->ctes);
    for (int i = 0; i < a->count; i++) {
        Element *cte = element_of(ev, a->items[i]);
        if (!cte || cte->kind != EL_CTE) return sa_raise(ev, SA_ARGUMENT_ERROR, a->site, "CTE expected");
        element_list_push(ev, &FROM(copy)->ctes, cte);
    }
    return element_value(copy);
}

const NativeMethod values_methods[] = {
    {"add_cte", values_add_cte, NATIVE_METHOD, NULL},
    {"data", values_data, NATIVE_METHOD, NULL},
    {"alias", values_alias, NATIVE_METHOD, NULL},
    {"cte", method_cte, NATIVE_METHOD, NULL},
    {NULL, NULL, NATIVE_METHOD, NULL},
};

void froms_define(Evaluator *ev, ModuleValue *module) {
    module_define_function(ev, module, "table", call_table);
    module_define_function(ev, module, "alias", call_alias);
    module_define_function(ev, module, "subquery", call_alias);
    module_define_function(ev, module, "lateral", call_lateral);
    module_define_function(ev, module, "tablesample", call_tablesample);
    module_define_function(ev, module, "cte", call_cte);
    module_define_function(ev, module, "values", call_values);
    module_define(ev, module, "join", value_native_function(ev, "join", call_join, NULL));
    module_define(ev, module, "outerjoin", value_native_function(ev, "outerjoin", call_join, MARK));
}
