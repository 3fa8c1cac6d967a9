/*
 * What only PostgreSQL's and MySQL's dialect modules have: array(), aggregate_order_by(), hstore(), match().
 *
 * Input: calls from the evaluated program. Output: elements.
 * Example: func.array_agg(aggregate_order_by(t.c.a, t.c.b.desc())).
 */
#include "compiler/sqlalchemy/face.h"

static Value *call_array(Evaluator *ev, Value *self, const Arguments *a) {
    (void)self;
    Value *clauses = NULL, *type = NULL;
    if (!arguments_bind(ev, a, "array", "clauses | type_", &clauses, &type)) return NULL;
    Value *items = value_iterate(ev, clauses, a->site);
    if (!items) return NULL;
    ElementList parts = {0};
    const ListValue *list = (const ListValue *)items;
    for (int i = 0; !value_is_unknown(items) && i < list->count; i++) {
        Element *part = element_coerce(ev, list->items[i], COERCE_EXPRESSION, a->site);
        if (!part) return NULL;
        element_list_push(ev, &parts, part);
    }
    SaType *made = type_new(ev, TYPE_PG_ARRAY);
    if (type && !value_is_none(type)) {
        if (!(made->item = type_from_value(ev, type, a->site))) return NULL;
    } else {
        made->item = parts.count ? parts.items[0]->type : type_of_kind(ev, TYPE_NULL);
    }
    made->dimensions = 1;
    if (type_is(made->item, TYPE_ARRAY)) {
        made->dimensions = made->item->dimensions > 0 ? made->item->dimensions + 1 : 2;
        made->item = made->item->item;
    }
    Element *array = element_with_children(ev, EL_ARRAY, made, parts.items, parts.count);
    array->node = a->site;
    return element_value(array);
}

static Value *call_aggregate_order_by(Evaluator *ev, Value *self, const Arguments *a) {
    (void)self;
    ElementList parts = {0};
    if (!a->count)
        return evaluator_raise_id(ev, EXCEPTION_TYPE, a->site, "aggregate_order_by() missing 1 required argument");
    Element *target = element_coerce(ev, a->items[0], COERCE_EXPRESSION, a->site);
    if (!target) return NULL;
    element_list_push(ev, &parts, target);
    if (!elements_read(ev, a, 1, COERCE_ORDER_BY, &parts)) return NULL;
    Element *made = element_with_children(ev, EL_AGGREGATE_ORDER_BY, target->type, parts.items, parts.count);
    made->node = a->site;
    return element_value(made);
}

static Value *call_array_agg(Evaluator *ev, Value *self, const Arguments *a) {
    (void)self;
    Element *made = element_call(ev, name_from(SLICE("array_agg")), a->items, a->count, NULL, a->site);
    if (!made || made->type->kind != TYPE_ARRAY) return (Value *)made;
    SaType *type = type_new(ev, TYPE_PG_ARRAY);
    type->item = made->type->item;
    type->dimensions = made->type->dimensions;
    made->type = type;
    return element_value(made);
}

static Value *call_hstore(Evaluator *ev, Value *self, const Arguments *a) {
    (void)self;
    Element *made = element_call(ev, name_from(SLICE("hstore")), a->items, a->count, NULL, a->site);
    if (made) made->type = type_of_kind(ev, TYPE_PG_HSTORE);
    return element_value(made);
}

/* Any(4, column): the older form of column.any(4). */
static Value *call_any(Evaluator *ev, Value *self, const Arguments *a) {
    (void)self;
    const SaOperator *op = evaluator_native_data(ev);
    Value *other = NULL, *array = NULL, *operator_given = NULL;
    if (!arguments_bind(ev, a, *op == SA_ANY ? "Any" : "All", "other arrexpr | operator", &other, &array,
                        &operator_given))
        return NULL;
    Element *element = element_coerce(ev, array, COERCE_EXPRESSION, a->site);
    if (!element) return NULL;
    Value *items[2] = {other, operator_given};
    const Node *nodes[2] = {a->site, a->site};
    Arguments inner = {.items = items, .nodes = nodes, .count = operator_given ? 2 : 1, .site = a->site};
    return element_value(element_array_any(ev, element, *op, &inner));
}

static Value *call_text_search(Evaluator *ev, Value *self, const Arguments *a) {
    (void)self;
    const char *const *name = evaluator_native_data(ev);
    return element_value(element_call(ev, name_from(slice_from(*name)), a->items, a->count, NULL, a->site));
}

static void range_describe(Evaluator *ev, Value *self, Buffer *out) {
    (void)ev;
    buffer_format(out, "Range(%.*s)", SLICE_ARGS(((RangeValue *)self)->text));
}

const Type sa_range_type = {.name = "Range", .kind = VALUE_NATIVE, .describe = range_describe};

static bool range_bound(Evaluator *ev, Buffer *out, Value *bound, const Node *site) {
    if (!bound || value_is_none(bound)) return true;
    Value *text = value_str(ev, bound, site);
    if (text) buffer_slice(out, value_text(text));
    return text != NULL;
}

/* Range(lower=None, upper=None, *, bounds="[)", empty=False) */
static Value *range_create(Evaluator *ev, Class *cls, const Arguments *a) {
    Value *lower = NULL, *upper = NULL, *bounds = NULL, *empty = NULL;
    if (!arguments_bind(ev, a, "Range", "| lower upper * bounds empty", &lower, &upper, &bounds, &empty)) return NULL;
    Slice marks = bounds && value_is(bounds, VALUE_STRING) ? value_text(bounds) : SLICE("[)");
    if (marks.length != 2) return evaluator_raise_id(ev, EXCEPTION_VALUE, a->site, "invalid bounds of a Range");
    Buffer out;
    buffer_init(&out, evaluator_arena(ev));
    buffer_put(&out, marks.start[0]);
    if (!range_bound(ev, &out, lower, a->site)) return NULL;
    buffer_put(&out, ',');
    if (!range_bound(ev, &out, upper, a->site)) return NULL;
    buffer_put(&out, marks.start[1]);
    RangeValue *made = instance_allocate(ev, cls, sizeof *made);
    made->head.head.type = &sa_range_type;
    made->text = empty && value_is_true(empty) ? SLICE("empty") : buffer_view(&out);
    return &made->head.head;
}

void postgresql_define(Evaluator *ev, ModuleValue *module) {
    static const SaOperator any = SA_ANY, all = SA_ALL;
    static const char *const search[] = {"to_tsvector",      "to_tsquery",           "plainto_tsquery",
                                         "phraseto_tsquery", "websearch_to_tsquery", "ts_headline"};
    SaState *state = sa_state(ev);
    NativeClass range = {.name = "Range", .instance_type = &sa_range_type, .create = range_create};
    module_define_class(ev, module, &range, NULL);
    module_define_function(ev, module, "array", call_array);
    module_define_function(ev, module, "aggregate_order_by", call_aggregate_order_by);
    module_define_function(ev, module, "array_agg", call_array_agg);
    module_define_function(ev, module, "hstore", call_hstore);
    module_define(ev, module, "Any", value_native_function(ev, "Any", call_any, (void *)(uintptr_t)&any));
    module_define(ev, module, "All", value_native_function(ev, "All", call_any, (void *)(uintptr_t)&all));
    module_define(ev, module, "ExcludeConstraint", &state->constraints[CONSTRAINT_EXCLUDE]->head);
    for (size_t i = 0; i < sizeof search / sizeof *search; i++)
        module_define(ev, module, search[i],
                      value_native_function(ev, search[i], call_text_search, (void *)(uintptr_t)&search[i]));
}

/* ---- MySQL ---- */

static Value *call_match(Evaluator *ev, Value *self, const Arguments *a) {
    (void)self;
    ElementList columns = {0};
    Value *against = NULL;
    int modes = 0;
    if (!elements_read(ev, a, 0, COERCE_EXPRESSION, &columns)) return NULL;
    if (!columns.count) return sa_raise(ev, SA_ARGUMENT_ERROR, a->site, "columns are required");
    for (int i = 0; i < a->keyword_count; i++) {
        Slice name = a->keywords[i].name->text;
        bool on = value_is_true(a->keywords[i].value);
        if (slice_equals_text(name, "against")) against = a->keywords[i].value;
        if (slice_equals_text(name, "in_boolean_mode") && on) modes |= 1;
        if (slice_equals_text(name, "in_natural_language_mode") && on) modes |= 2;
        if (slice_equals_text(name, "with_query_expansion") && on) modes |= 4;
    }
    if (!against) return sa_raise(ev, SA_ARGUMENT_ERROR, a->site, "against is required");
    Element *right = element_coerce(ev, against, COERCE_EXPRESSION, a->site);
    if (!right) return NULL;
    Element *left = element_clause_list(ev, columns.items, columns.count, true);
    OPERATOR(left)->group = false;
    Element *parts[2] = {left, right};
    Element *made = element_with_children(ev, EL_MATCH, type_of_kind(ev, TYPE_BOOLEAN), parts, 2);
    OPERATOR(made)->op.id = SA_MATCH;
    OPERATOR(made)->group = true;
    OPERATOR(made)->match_modes = modes;
    made->node = a->site;
    return element_value(made);
}

static Value *match_mode(Evaluator *ev, Value *self, const Arguments *a) {
    (void)a;
    const int *mode = evaluator_native_data(ev);
    Element *copy = element_copy(ev, (Element *)self);
    OPERATOR(copy)->match_modes |= *mode;
    return element_value(copy);
}

static const int modes[3] = {1, 2, 4};
const NativeMethod match_methods[] = {
    {"in_boolean_mode", match_mode, NATIVE_METHOD, (void *)(uintptr_t)&modes[0]},
    {"in_natural_language_mode", match_mode, NATIVE_METHOD, (void *)(uintptr_t)&modes[1]},
    {"with_query_expansion", match_mode, NATIVE_METHOD, (void *)(uintptr_t)&modes[2]},
    {NULL, NULL, NATIVE_METHOD, NULL},
};

void mysql_define(Evaluator *ev, ModuleValue *module) { module_define_function(ev, module, "match", call_match); }

/* ---- text() ---- */

static Value *text_bindparams(Evaluator *ev, Value *self, const Arguments *a) {
    Element *copy = element_copy(ev, (Element *)self);
    TextElement *text = (TextElement *)copy;
    text->binds = element_list_copy(ev, &text->binds);
    for (int i = 0; i < a->count; i++) {
        Element *bind = element_of(ev, a->items[i]);
        if (bind && bind->kind == EL_BIND) element_list_push(ev, &text->binds, bind);
    }
    for (int i = 0; i < a->keyword_count; i++) {
        Slice key = a->keywords[i].name->text;
        Value *value = a->keywords[i].value;
        Element *old = NULL;
        for (int k = 0; k < text->binds.count; k++)
            if (slice_equals(text->binds.items[k]->name.text, key)) old = text->binds.items[k];
        Element *bind = old ? element_copy(ev, old) : element_bind(ev, key, value, type_of_literal(ev, value));
        BIND(bind)->value = value;
        bind->node = a->keywords[i].node;
        element_list_push(ev, &text->binds, bind);
    }
    return element_value(copy);
}

static Value *text_columns(Evaluator *ev, Value *self, const Arguments *a) {
    TextualSelect *made = (TextualSelect *)element_new(ev, EL_TEXTUAL_SELECT, NULL);
    made->text = (Element *)self;
    made->head.head.base.node = a->site;
    made->positional = a->count > 0;
    for (int i = 0; i < a->count; i++) {
        Element *column = element_of(ev, a->items[i]);
        if (column) element_list_push(ev, &made->columns, column);
    }
    for (int i = 0; i < a->keyword_count; i++) {
        SaType *type = type_from_value(ev, a->keywords[i].value, a->site);
        if (!type) return NULL;
        element_list_push(ev, &made->columns, element_column(ev, name_from(a->keywords[i].name->text), type, NULL));
    }
    return element_value(&made->head.head.base);
}

/* text(…).columns(…).bindparams(…): the text gets the binds. */
static Value *textual_bindparams(Evaluator *ev, Value *self, const Arguments *a) {
    Element *copy = element_copy(ev, (Element *)self);
    Value *text = text_bindparams(ev, element_value(((TextualSelect *)copy)->text), a);
    if (!text) return NULL;
    ((TextualSelect *)copy)->text = (Element *)text;
    return element_value(copy);
}

const NativeMethod textual_methods[] = {
    {"bindparams", textual_bindparams, NATIVE_METHOD, NULL},
    {NULL, NULL, NATIVE_METHOD, NULL},
};

static Value *text_self_group(Evaluator *ev, Value *self, const Arguments *a) {
    (void)a;
    return element_value(element_group_op(ev, (Element *)self, op_of(SA_NONE)));
}

const NativeMethod text_methods[] = {
    {"bindparams", text_bindparams, NATIVE_METHOD, NULL},
    {"columns", text_columns, NATIVE_METHOD, NULL},
    {"self_group", text_self_group, NATIVE_METHOD, NULL},
    {NULL, NULL, NATIVE_METHOD, NULL},
};
