/*
 * SQLAlchemy's functions that make column expressions: and_, case, cast, literal, bindparam, text, tuple_, …
 *
 * Input: calls from the evaluated program. Output: elements. Each function is one row of the table at the end.
 * Example: case((a == 1, "x"), else_="y") → CASE element [a = 1, 'x', 'y'].
 */
#include "compiler/sqlalchemy/face.h"

static Element *coerce_first(Evaluator *ev, Value *value, const Node *site) {
    return value ? element_coerce(ev, value, COERCE_EXPRESSION, site) : NULL;
}

bool elements_read(Evaluator *ev, const Arguments *a, int from, CoerceRole role, ElementList *out) {
    for (int i = from; i < a->count; i++) {
        Element *element = element_coerce(ev, a->items[i], role, a->nodes ? a->nodes[i] : a->site);
        if (!element) return false;
        element_list_push(ev, out, element);
    }
    return true;
}

/* ---- conjunctions ---- */

/* What is known of a conjunction stays; a disjunction with something unknown says nothing. */
static Value *conjoin(Evaluator *ev, const Arguments *a, bool conjunction) {
    ElementList items = {0};
    Value *const *given = a->items;
    int count = a->count;
    bool open = a->unknown_items;
    bool is_list = count == 1 && !value_is_element(given[0]) && !element_of(ev, given[0]) &&
                   (value_is(given[0], VALUE_LIST) || value_is(given[0], VALUE_TUPLE));
    if (is_list) {
        const ListValue *list = (const ListValue *)given[0];
        given = list->items, count = list->count, open = list->open;
    }
    for (int i = 0; i < count; i++) {
        const Node *node = is_list || !a->nodes ? a->site : a->nodes[i];
        bool unknown = value_is_unknown(value_resolve(given[i]));
        if (unknown && !conjunction && !element_of(ev, given[i])) return value_unknown_at(ev, a->site);
        if (unknown && coerce_leaves_out(ev, given[i], COERCE_WHERE, "a condition", node)) continue;
        Element *item = element_coerce(ev, given[i], COERCE_WHERE, node);
        if (!item) return NULL;
        element_list_push(ev, &items, item);
    }
    if (open && (!items.count || !conjunction)) return value_unknown_at(ev, a->site);
    if (evaluator_error_pending(ev) || (open && !coerce_warn_open(ev, a, "conditions"))) return NULL;
    return element_value(conjunction ? element_and(ev, items.items, items.count)
                                     : element_or(ev, items.items, items.count));
}

static Value *call_and(Evaluator *ev, Value *self, const Arguments *a) {
    (void)self;
    return conjoin(ev, a, true);
}

static Value *call_or(Evaluator *ev, Value *self, const Arguments *a) {
    (void)self;
    return conjoin(ev, a, false);
}

static Value *call_not(Evaluator *ev, Value *self, const Arguments *a) {
    (void)self;
    Value *clause = NULL;
    if (!arguments_bind(ev, a, "not_", "clause", &clause)) return NULL;
    Element *element = element_coerce(ev, clause, COERCE_EXPRESSION, a->site);
    return element ? element_value(element_not(ev, element)) : NULL;
}

static Value *call_true(Evaluator *ev, Value *self, const Arguments *a) {
    (void)self, (void)a;
    return element_value(sa_state(ev)->true_element);
}

static Value *call_false(Evaluator *ev, Value *self, const Arguments *a) {
    (void)self, (void)a;
    return element_value(sa_state(ev)->false_element);
}

static Value *call_null(Evaluator *ev, Value *self, const Arguments *a) {
    (void)self, (void)a;
    return element_value(sa_state(ev)->null_element);
}

/* ---- values and names ---- */

static bool optional_type(Evaluator *ev, Value *type, SaType **out, const Node *site) {
    if (!type || value_is_none(type)) return true;
    *out = type_from_value(ev, type, site);
    return *out != NULL;
}

static Value *call_literal(Evaluator *ev, Value *self, const Arguments *a) {
    (void)self;
    Value *value = NULL, *type = NULL, *execute = NULL;
    if (!arguments_bind(ev, a, "literal", "value | type_ literal_execute", &value, &type, &execute)) return NULL;
    if (value_is_element(value))
        return sa_raise(ev, SA_ARGUMENT_ERROR, a->site, "Literal Python value expected, got %.*s.",
                        SLICE_ARGS(value_repr(ev, value)));
    SaType *given = NULL;
    if (!optional_type(ev, type, &given, a->site)) return NULL;
    Element *bind = element_bind(ev, (Slice){"", 0}, value, given ? given : type_of_literal(ev, value));
    BIND(bind)->literal_execute = execute && value_is_true(execute);
    BIND(bind)->typed = given != NULL;
    bind->node = a->site;
    return element_value(bind);
}

static Value *call_column(Evaluator *ev, Value *self, const Arguments *a) {
    (void)self;
    Value *text = NULL, *type = NULL, *is_literal = NULL, *selectable = NULL;
    if (!arguments_bind(ev, a, "column", "text | type_ is_literal _selectable", &text, &type, &is_literal, &selectable))
        return NULL;
    if (!value_is(text, VALUE_STRING))
        return sa_raise(ev, SA_ARGUMENT_ERROR, a->site, "String column name expected, got %.*s.",
                        SLICE_ARGS(value_repr(ev, text)));
    SaType *given = NULL;
    if (!optional_type(ev, type, &given, a->site)) return NULL;
    Element *column = element_column(ev, name_from_value(ev, text), given, NULL);
    COLUMN(column)->is_literal = is_literal && value_is_true(is_literal);
    if (selectable && value_is_element(selectable)) COLUMN(column)->table = (Element *)selectable;
    column->node = a->site;
    return element_value(column);
}

static Value *call_literal_column(Evaluator *ev, Value *self, const Arguments *a) {
    (void)self;
    Value *text = NULL, *type = NULL;
    if (!arguments_bind(ev, a, "literal_column", "text | type_", &text, &type)) return NULL;
    SaType *given = NULL;
    if (!optional_type(ev, type, &given, a->site)) return NULL;
    Value *spelled = value_is(text, VALUE_STRING) ? text : value_str(ev, text, a->site);
    if (!spelled) return NULL;
    Element *column = element_literal_column(ev, value_text(spelled), given);
    column->name = name_from_value(ev, spelled);
    column->node = a->site;
    return element_value(column);
}

static bool truth_argument(Value *value) { return value && value_is_true(value); }

static Value *call_bindparam(Evaluator *ev, Value *self, const Arguments *a) {
    (void)self;
    Value *key = NULL, *value = NULL, *type = NULL, *unique = NULL, *required = NULL, *quote = NULL, *callable = NULL;
    Value *expanding = NULL, *out = NULL, *execute = NULL;
    if (!arguments_bind(ev, a, "bindparam",
                        "key | value type_ unique required quote callable_ expanding isoutparam literal_execute", &key,
                        &value, &type, &unique, &required, &quote, &callable, &expanding, &out, &execute))
        return NULL;
    SaType *given = NULL;
    if (!optional_type(ev, type, &given, a->site)) return NULL;
    if (callable && !value_is_none(callable) && !value) {
        value = value_call_with(ev, callable, NULL, 0, a->site);
        if (!value) return NULL;
    }
    bool expands = truth_argument(expanding);
    SaType *inferred = type_of_kind(ev, TYPE_NULL);
    if (value && !given && expands && (value_is(value, VALUE_LIST) || value_is(value, VALUE_TUPLE))) {
        const ListValue *list = (const ListValue *)value;
        if (list->count) inferred = type_of_literal(ev, list->items[0]);
    } else if (value && !given) {
        inferred = type_of_literal(ev, value);
    }
    Slice name = key && value_is(key, VALUE_STRING) ? value_text(key) : (Slice){"", 0};
    Element *bind = element_bind(ev, name, value, given ? given : inferred);
    BIND(bind)->typed = given != NULL;
    BIND(bind)->unique |= truth_argument(unique);
    BIND(bind)->expanding = expands;
    BIND(bind)->literal_execute = truth_argument(execute);
    bind->node = a->site;
    return element_value(bind);
}

Element *element_text(Evaluator *ev, Slice text, const Node *site) {
    Element *element = element_new(ev, EL_TEXT, NULL);
    ((TextElement *)element)->text = text;
    element->node = site;
    return element;
}

static Value *call_text(Evaluator *ev, Value *self, const Arguments *a) {
    (void)self;
    Value *text = NULL;
    if (!arguments_bind(ev, a, "text", "text", &text)) return NULL;
    if (value_is_unknown(text))
        return evaluator_raise_id(ev, EXCEPTION_UNSUPPORTED, a->site, "the SQL text is not known");
    if (!value_is(text, VALUE_STRING))
        return evaluator_raise_id(ev, EXCEPTION_TYPE, a->site, "expected string or bytes-like object");
    return element_value(element_text(ev, value_text(text), a->site));
}

/* ---- casts, CASE, EXTRACT ---- */

Element *element_cast_to(Evaluator *ev, Element *element, SaType *type) {
    Element *cast = element_with_children(ev, EL_CAST, type, &element, 1);
    cast->node = element->node;
    return cast;
}

static Element *cast_operand(Evaluator *ev, Value *value, SaType *type, const Node *site) {
    Element *element = element_of(ev, value);
    if (evaluator_error_pending(ev)) return NULL;
    if (element) return element_coerce(ev, &element->head.head, COERCE_EXPRESSION, site);
    if (value_is_none(value)) return sa_state(ev)->null_element;
    return element_bind_typed(ev, value, type, site);
}

Element *element_cast(Evaluator *ev, Element *element, Value *type, const Node *site) {
    SaType *to = type_from_value(ev, type, site);
    return to ? element_cast_to(ev, element, to) : NULL;
}

static Value *call_cast_kind(Evaluator *ev, const Arguments *a, ElementKind kind, const char *name) {
    Value *value = NULL, *type = NULL;
    if (!arguments_bind(ev, a, name, "expression type_", &value, &type)) return NULL;
    SaType *to = type_from_value(ev, type, a->site);
    Element *inner = to ? cast_operand(ev, value, to, a->site) : NULL;
    if (!inner) return NULL;
    if (kind == EL_TYPE_COERCE && inner->kind == EL_BIND) {
        inner = element_copy(ev, inner);
        inner->type = to;
    }
    Element *made = element_with_children(ev, kind, to, &inner, 1);
    made->node = a->site;
    return element_value(made);
}

static Value *call_cast(Evaluator *ev, Value *self, const Arguments *a) {
    (void)self;
    return call_cast_kind(ev, a, EL_CAST, "cast");
}

static Value *call_try_cast(Evaluator *ev, Value *self, const Arguments *a) {
    (void)self;
    Value *made = call_cast_kind(ev, a, EL_CAST, "try_cast");
    if (made) ((Element *)made)->name = name_from(SLICE("TRY_CAST"));
    return made;
}

static Value *call_type_coerce(Evaluator *ev, Value *self, const Arguments *a) {
    (void)self;
    return call_cast_kind(ev, a, EL_TYPE_COERCE, "type_coerce");
}

/* The pairs of case(): (condition, result) tuples, or one dict of value → result. */
static bool case_whens(Evaluator *ev, const Arguments *a, ElementList *out, bool shorthand) {
    for (int i = 0; i < a->count; i++) {
        Value *pair = a->items[i];
        if (value_is(pair, VALUE_DICT)) {
            const DictValue *dict = (const DictValue *)pair;
            for (int k = 0; k < dict->count; k++) {
                Element *when = element_coerce(ev, dict->entries[k].key, COERCE_EXPRESSION, a->site);
                Element *then = when ? element_coerce(ev, dict->entries[k].value, COERCE_EXPRESSION, a->site) : NULL;
                if (!then) return false;
                element_list_push(ev, out, element_group_op(ev, when, op_of(SA_NONE)));
                element_list_push(ev, out, then);
            }
            continue;
        }
        if ((!value_is(pair, VALUE_TUPLE) && !value_is(pair, VALUE_LIST)) || ((const ListValue *)pair)->count != 2) {
            sa_raise(
                ev, SA_ARGUMENT_ERROR, a->site,
                "The \"whens\" argument to case(), when referring to a sequence of items, is now passed as a series of "
                "positional elements, rather than as a list.");
            return false;
        }
        const ListValue *list = (const ListValue *)pair;
        (void)shorthand;
        Element *when = element_coerce(ev, list->items[0], COERCE_EXPRESSION, a->site);
        Element *then = when ? element_coerce(ev, list->items[1], COERCE_EXPRESSION, a->site) : NULL;
        if (!then) return false;
        element_list_push(ev, out, element_group_op(ev, when, op_of(SA_NONE)));
        element_list_push(ev, out, then);
    }
    return true;
}

static Value *call_case(Evaluator *ev, Value *self, const Arguments *a) {
    (void)self;
    Value *whens = NULL, *value = NULL, *otherwise = NULL;
    if (!arguments_bind(ev, a, "case", "*whens | value else_", &whens, &value, &otherwise)) return NULL;
    ElementList parts = {0};
    bool has_value = value && !value_is_none(value), has_else = otherwise && !value_is_none(otherwise);
    if (has_value) {
        Element *operand = coerce_first(ev, value, a->site);
        if (!operand) return NULL;
        element_list_push(ev, &parts, operand);
    }
    int first = parts.count;
    Arguments pairs = *a;
    if (whens && a->count == 1 && value_is(a->items[0], VALUE_LIST))
        return sa_raise(
            ev, SA_ARGUMENT_ERROR, a->site,
            "The \"whens\" argument to case(), when referring to a sequence of items, is now passed as a series "
            "of positional elements, rather than as a list. ");
    if (!case_whens(ev, &pairs, &parts, has_value)) return NULL;
    SaType *type = NULL;
    for (int i = parts.count - 1; i > first && !type; i -= 2)
        if (parts.items[i]->type->kind != TYPE_NULL) type = parts.items[i]->type;
    if (has_else) {
        Element *last = coerce_first(ev, otherwise, a->site);
        if (!last) return NULL;
        element_list_push(ev, &parts, last);
        if (!type) type = last->type;
    }
    Element *made = element_with_children(ev, EL_CASE, type, parts.items, parts.count);
    ((CaseElement *)made)->has_value = has_value;
    ((CaseElement *)made)->has_else = has_else;
    made->node = a->site;
    return element_value(made);
}

static Value *call_extract(Evaluator *ev, Value *self, const Arguments *a) {
    (void)self;
    Value *field = NULL, *expr = NULL;
    if (!arguments_bind(ev, a, "extract", "field expr", &field, &expr)) return NULL;
    Element *inner = coerce_first(ev, expr, a->site);
    if (!inner) return NULL;
    Element *made = element_with_children(ev, EL_EXTRACT, type_of_kind(ev, TYPE_INTEGER), &inner, 1);
    if (!value_is(field, VALUE_STRING))
        return evaluator_raise_id(ev, EXCEPTION_TYPE, a->site, "field must be a string");
    ((ExtractElement *)made)->field = value_text(field);
    made->node = a->site;
    return element_value(made);
}

static Value *call_tuple(Evaluator *ev, Value *self, const Arguments *a) {
    (void)self;
    ElementList items = {0};
    Value *types = NULL;
    for (int i = 0; i < a->keyword_count; i++) types = a->keywords[i].value;
    const ListValue *given =
        types && (value_is(types, VALUE_LIST) || value_is(types, VALUE_TUPLE)) ? (const ListValue *)types : NULL;
    SaType *type = type_new(ev, TYPE_TUPLE);
    type->items = ARENA_ARRAY(evaluator_arena(ev), SaType *, a->count + 1);
    for (int i = 0; i < a->count; i++) {
        SaType *item = given && i < given->count ? type_from_value(ev, given->items[i], a->site) : NULL;
        if (evaluator_error_pending(ev)) return NULL;
        Element *element = element_coerce(ev, a->items[i], COERCE_EXPRESSION, a->site);
        if (!element) return NULL;
        if (item && element->kind == EL_BIND) element->type = item;
        type->items[type->item_count++] = item ? item : element->type;
        element_list_push(ev, &items, element_group(ev, element, SA_COMMA));
    }
    Element *tuple = element_with_children(ev, EL_TUPLE, type, items.items, items.count);
    tuple->node = a->site;
    return element_value(tuple);
}

/* ---- modifiers ---- */

static Value *call_modifier(Evaluator *ev, Value *self, const Arguments *a) {
    (void)self;
    const SaOperator *op = evaluator_native_data(ev);
    Value *column = NULL;
    if (!arguments_bind(ev, a, operator_rows[*op].python, "column", &column)) return NULL;
    Element *element = element_coerce(ev, column, COERCE_ORDER_BY, a->site);
    return element ? element_value(element_modified(ev, element, *op)) : NULL;
}

static Value *call_distinct(Evaluator *ev, Value *self, const Arguments *a) {
    (void)self;
    Value *column = NULL;
    if (!arguments_bind(ev, a, "distinct", "expr", &column)) return NULL;
    Element *element = coerce_first(ev, column, a->site);
    return element ? element_value(element_unary(ev, SA_DISTINCT, element, element->type)) : NULL;
}

static Value *call_bitwise_not(Evaluator *ev, Value *self, const Arguments *a) {
    (void)self;
    Value *column = NULL;
    if (!arguments_bind(ev, a, "bitwise_not", "expr", &column)) return NULL;
    Element *element = coerce_first(ev, column, a->site);
    return element ? element_value(element_unary(ev, SA_BIT_NOT, element, element->type)) : NULL;
}

Element *element_collection_aggregate(Evaluator *ev, Element *element, SaOperator op) {
    Element *inner = element_group(ev, element, op);
    if (inner == element && (element->kind == EL_COLUMN || element->kind == EL_FUNCTION || element->kind == EL_BIND ||
                             element->kind == EL_CAST || element->kind == EL_ARRAY))
        inner = element_with_children(ev, EL_GROUPING, element->type, &element, 1);
    Element *made = element_with_children(ev, EL_COLLECTION_AGGREGATE, type_of_kind(ev, TYPE_BOOLEAN), &inner, 1);
    OPERATOR(made)->op.id = op;
    made->node = element->node;
    return made;
}

static Value *call_aggregate(Evaluator *ev, Value *self, const Arguments *a) {
    (void)self;
    const SaOperator *op = evaluator_native_data(ev);
    Value *expr = NULL;
    if (!arguments_bind(ev, a, *op == SA_ANY ? "any_" : "all_", "expr", &expr)) return NULL;
    Element *element = coerce_first(ev, expr, a->site);
    return element ? element_value(element_collection_aggregate(ev, element, *op)) : NULL;
}

static Value *call_between(Evaluator *ev, Value *self, const Arguments *a) {
    (void)self;
    Value *expr = NULL, *low = NULL, *high = NULL, *symmetric = NULL;
    if (!arguments_bind(ev, a, "between", "expr lower_bound upper_bound | symmetric", &expr, &low, &high, &symmetric))
        return NULL;
    Element *element = coerce_first(ev, expr, a->site);
    return element ? element_value(element_between(ev, element, low, high, truth_argument(symmetric), false, a->site))
                   : NULL;
}

Element *element_collate(Evaluator *ev, Element *element, Value *collation, const Node *site) {
    if (!value_is(collation, VALUE_STRING))
        return evaluator_raise_id(ev, EXCEPTION_TYPE, site, "collation must be a string");
    Element *name = element_new(ev, EL_COLLATION, type_of_kind(ev, TYPE_STRING));
    name->name = name_from_value(ev, collation);
    SaType *type = element->type;
    if (type->affinity == TYPE_STRING) {
        type = type_copy(ev, type);
        type->collation = value_text(collation);
    }
    return element_binary_op(ev, element, name, op_of(SA_COLLATE), op_of(SA_NONE), type);
}

static Value *call_collate(Evaluator *ev, Value *self, const Arguments *a) {
    (void)self;
    Value *expr = NULL, *collation = NULL;
    if (!arguments_bind(ev, a, "collate", "expression collation", &expr, &collation)) return NULL;
    Element *element = coerce_first(ev, expr, a->site);
    return element ? element_value(element_collate(ev, element, collation, a->site)) : NULL;
}

static Value *call_label(Evaluator *ev, Value *self, const Arguments *a) {
    (void)self;
    Value *name = NULL, *expr = NULL, *type = NULL;
    if (!arguments_bind(ev, a, "label", "name element | type_", &name, &expr, &type)) return NULL;
    Element *element = coerce_first(ev, expr, a->site);
    if (!element) return NULL;
    Name label = value_is(name, VALUE_STRING) ? name_from_value(ev, name) : (Name){0};
    SaType *given = NULL;
    if (!optional_type(ev, type, &given, a->site)) return NULL;
    Element *made = element_label(ev, element, label);
    if (given) made->type = given;
    return element_value(made);
}

/* ---- functions about functions ---- */

static Value *call_over(Evaluator *ev, Value *self, const Arguments *a) {
    (void)self;
    Element *element = a->count ? coerce_first(ev, a->items[0], a->site) : NULL;
    return element ? element_value(function_over(ev, element, a, 1)) : NULL;
}

static Value *call_within_group(Evaluator *ev, Value *self, const Arguments *a) {
    (void)self;
    Element *element = a->count ? coerce_first(ev, a->items[0], a->site) : NULL;
    return element ? element_value(function_within_group(ev, element, a->items + 1, a->count - 1, a->site)) : NULL;
}

static Value *call_funcfilter(Evaluator *ev, Value *self, const Arguments *a) {
    (void)self;
    Element *element = a->count ? coerce_first(ev, a->items[0], a->site) : NULL;
    return element ? element_value(function_filter(ev, element, a->items + 1, a->count - 1, a->site)) : NULL;
}

/* ---- .op("…") and operators.eq ---- */

typedef struct OperatorCall {
    Element *left;
    const CustomOp *op;
} OperatorCall;

static Value *custom_operator_call(Evaluator *ev, Value *self, const Arguments *a) {
    (void)self;
    const OperatorCall *call = evaluator_native_data(ev);
    Value *other = NULL;
    if (!arguments_bind(ev, a, "op", "other", &other)) return NULL;
    Element *left = element_coerce(ev, &call->left->head.head, COERCE_EXPRESSION, a->site);
    if (!left) return NULL;
    Op op = {.id = SA_CUSTOM, .custom = call->op};
    return element_value(element_operate_op(ev, op, left, other, false, NULL, a->site));
}

Value *custom_operator_value(Evaluator *ev, Element *left, const CustomOp *op) {
    OperatorCall *call = ARENA_NEW(evaluator_arena(ev), OperatorCall);
    call->left = left;
    call->op = op;
    return value_native_function(ev, "op", custom_operator_call, call);
}

/* operators.desc_op(x) and the like. */
static Element *operate_alone(Evaluator *ev, SaOperator op, Element *element) {
    if (op == SA_INV) return element_not(ev, element);
    if (op == SA_ANY || op == SA_ALL) return element_collection_aggregate(ev, element, op);
    if (operator_rows[op].flags & OP_MODIFIER) return element_modified(ev, element, op);
    return element_unary(ev, op, element, element->type);
}

static Value *operator_call(Evaluator *ev, Value *self, const Arguments *a) {
    (void)self;
    const SaOperator *op = evaluator_native_data(ev);
    Value *left = NULL, *right = NULL;
    if (a->count == 1 && !a->keyword_count) {
        Element *only = coerce_first(ev, a->items[0], a->site);
        return only ? element_value(operate_alone(ev, *op, only)) : NULL;
    }
    if (!arguments_bind(ev, a, operator_rows[*op].python, "a b", &left, &right)) return NULL;
    Element *element = coerce_first(ev, left, a->site);
    return element ? element_value(element_operate(ev, *op, element, right, false, a->site)) : NULL;
}

static const SaOperator operator_ids[SA_OPERATOR_COUNT] = {
#define P(name, python, precedence, spelling, negation, flags) [SA_##name] = SA_##name,
#include "compiler/sqlalchemy/operators.def"
#undef P
};

Value *operator_value(Evaluator *ev, SaOperator op) {
    return value_native_function(ev, operator_rows[op].python, operator_call, (void *)(uintptr_t)&operator_ids[op]);
}

bool value_as_operator(Value *value, SaOperator *op) {
    if (!value_is(value, VALUE_NATIVE_FUNCTION)) return false;
    const NativeFunctionValue *function = (const NativeFunctionValue *)value;
    if (function->call == operator_call) {
        *op = *(const SaOperator *)function->data;
        return true;
    }
    for (int i = 0; i < SA_OPERATOR_COUNT; i++)
        if (operator_rows[i].python[0] && strcmp(function->name, operator_rows[i].python) == 0) {
            *op = (SaOperator)i;
            return true;
        }
    return false;
}

void operators_define(Evaluator *ev, ModuleValue *module) {
    for (int i = SA_AND; i < SA_OPERATOR_COUNT; i++)
        module_define(ev, module, operator_rows[i].python, operator_value(ev, (SaOperator)i));
}

/* ---- .params() ---- */

typedef struct ParamsGiven {
    AtomMap names;
    AtomTable *atoms;
} ParamsGiven;

static Element *replace_param(Evaluator *ev, Element *element, void *data) {
    ParamsGiven *given = data;
    if (element->kind == EL_TEXT) {
        TextElement *text = (TextElement *)element;
        Element *copy = element_copy(ev, element);
        ElementList binds = {0};
        for (int i = 0; i < text->binds.count; i++) {
            Element *bind = replace_param(ev, text->binds.items[i], data);
            element_list_push(ev, &binds, bind ? bind : text->binds.items[i]);
        }
        ((TextElement *)copy)->binds = binds;
        for (int i = 0; i < given->names.count; i++)
            if (given->names.entries[i].key)
                element_list_push(ev, &((TextElement *)copy)->binds,
                                  element_bind(ev, given->names.entries[i].key->text, given->names.entries[i].value,
                                               type_of_literal(ev, given->names.entries[i].value)));
        return copy;
    }
    if (element->kind != EL_BIND) return NULL;
    Value *value = atom_map_get(&given->names, atom_intern(given->atoms, element->name.text));
    if (!value) return NULL;
    Element *copy = element_copy(ev, element);
    BIND(copy)->value = value;
    if (copy->type->kind == TYPE_NULL) copy->type = type_of_literal(ev, value);
    return copy;
}

Element *element_with_params(Evaluator *ev, Element *element, const Arguments *a) {
    ParamsGiven given = {.atoms = evaluator_atoms(ev)};
    atom_map_init(&given.names, evaluator_arena(ev));
    if (a->count && value_is(a->items[0], VALUE_DICT)) {
        const DictValue *dict = (const DictValue *)a->items[0];
        for (int i = 0; i < dict->count; i++)
            if (value_is(dict->entries[i].key, VALUE_STRING))
                atom_map_set(&given.names, value_as_atom(ev, dict->entries[i].key), dict->entries[i].value);
    }
    for (int i = 0; i < a->keyword_count; i++) atom_map_set(&given.names, a->keywords[i].name, a->keywords[i].value);
    return element_rewrite(ev, element, replace_param, &given);
}

/* ---- the table ---- */

typedef struct ConstructorRow {
    const char *name;
    NativeCall call;
    SaOperator op;
} ConstructorRow;
static const ConstructorRow constructors[] = {
    {"and_", call_and, SA_NONE},
    {"or_", call_or, SA_NONE},
    {"not_", call_not, SA_NONE},
    {"true", call_true, SA_NONE},
    {"false", call_false, SA_NONE},
    {"null", call_null, SA_NONE},
    {"literal", call_literal, SA_NONE},
    {"column", call_column, SA_NONE},
    {"literal_column", call_literal_column, SA_NONE},
    {"bindparam", call_bindparam, SA_NONE},
    {"text", call_text, SA_NONE},
    {"cast", call_cast, SA_NONE},
    {"try_cast", call_try_cast, SA_NONE},
    {"type_coerce", call_type_coerce, SA_NONE},
    {"case", call_case, SA_NONE},
    {"extract", call_extract, SA_NONE},
    {"tuple_", call_tuple, SA_NONE},
    {"distinct", call_distinct, SA_NONE},
    {"bitwise_not", call_bitwise_not, SA_NONE},
    {"between", call_between, SA_NONE},
    {"collate", call_collate, SA_NONE},
    {"label", call_label, SA_NONE},
    {"over", call_over, SA_NONE},
    {"within_group", call_within_group, SA_NONE},
    {"funcfilter", call_funcfilter, SA_NONE},
    {"desc", call_modifier, SA_DESC},
    {"asc", call_modifier, SA_ASC},
    {"nulls_first", call_modifier, SA_NULLS_FIRST},
    {"nullsfirst", call_modifier, SA_NULLS_FIRST},
    {"nulls_last", call_modifier, SA_NULLS_LAST},
    {"nullslast", call_modifier, SA_NULLS_LAST},
    {"any_", call_aggregate, SA_ANY},
    {"all_", call_aggregate, SA_ALL},
};

void constructors_define(Evaluator *ev, ModuleValue *module) {
    for (size_t i = 0; i < sizeof constructors / sizeof *constructors; i++) {
        const ConstructorRow *row = &constructors[i];
        void *data = (void *)(uintptr_t)&operator_ids[row->op];
        module_define(ev, module, row->name, value_native_function(ev, row->name, row->call, data));
    }
}
