/*
 * Coercion: what a Python value stands for where SQLAlchemy expects a piece of SQL.
 *
 * Input: any value and the role of its place. Output: an element, or an ArgumentError as SQLAlchemy words it.
 * Invariants: elements pass unchanged but for a select, which becomes a scalar subquery where a column is wanted;
 * literals become binds; text is refused where it could be SQL by accident.
 * Example: select("x") is refused, order_by("x") refers to a label, column + "x" binds 'x'.
 */
#include "compiler/sqlalchemy/sqlalchemy.h"

bool value_is_element(const Value *value) { return value->type == &sa_element_type; }

static Element *entity_element(Evaluator *ev, Entity *entity) {
    Element *element = element_new(ev, EL_ENTITY, NULL);
    element->entity = entity;
    return element;
}

Element *element_of(Evaluator *ev, Value *value) {
    if (!value) return NULL;
    if (value_is_element(value)) return (Element *)value;
    if (value_is(value, VALUE_NONE) || value_is(value, VALUE_STRING) || value_is(value, VALUE_INTEGER)) return NULL;
    const ElementList *columns = collection_columns(value);
    if (columns) return element_clause_list(ev, columns->items, columns->count, false);
    Entity *entity = orm_entity(ev, value);
    if (entity) return entity_element(ev, entity);
    if (value_is_unknown(value)) return NULL;
    Value *hook = value_find_attribute(ev, value, atom_intern_text(evaluator_atoms(ev), "__clause_element__"), NULL);
    if (!hook) return NULL;
    Value *made = value_call_with(ev, hook, NULL, 0, NULL);
    return made && made != value ? element_of(ev, made) : NULL;
}

/* Literals that stand for themselves: no element and no ORM value. */
bool value_is_literal(Evaluator *ev, Value *value) { return !element_of(ev, value) && !evaluator_error_pending(ev); }

static Element *element_at(Evaluator *ev, Element *element, const Node *site) {
    (void)ev;
    if (!element->node) element->node = site;
    return element;
}

static Element *coerce_constant(Evaluator *ev, const Value *value) {
    SaState *state = sa_state(ev);
    if (value_is_none(value)) return state->null_element;
    if (value_is(value, VALUE_BOOL)) return value_is_true(value) ? state->true_element : state->false_element;
    return NULL;
}

static Element *element_literal(Evaluator *ev, Value *value, const Node *site) {
    return element_at(ev, element_bind(ev, (Slice){"", 0}, value, type_of_literal(ev, value)), site);
}

static Element *refuse_text(Evaluator *ev, Value *value, CoerceRole role, const Node *site) {
    Slice text = value_text(value);
    if (role == COERCE_COLUMNS)
        return sa_raise(ev, SA_ARGUMENT_ERROR, site,
                        "Textual column expression '%.*s' should be explicitly declared with text('%.*s'), or use "
                        "column('%.*s') for more specificity",
                        SLICE_ARGS(text), SLICE_ARGS(text), SLICE_ARGS(text));
    return sa_raise(ev, SA_ARGUMENT_ERROR, site,
                    "Textual SQL expression '%.*s' should be explicitly declared as text('%.*s')", SLICE_ARGS(text),
                    SLICE_ARGS(text));
}

static const char *const role_names[] = {
    [COERCE_EXPRESSION] = "SQL expression element or literal value",
    [COERCE_COLUMNS] = "Column expression, FROM clause, or other columns clause element",
    [COERCE_WHERE] = "SQL expression for WHERE/HAVING role",
    [COERCE_ORDER_BY] = "ORDER BY expression",
    [COERCE_FROM] = "FROM expression, such as a Table or alias() object",
    [COERCE_JOIN_TARGET] = "Join target, typically a FROM expression, or ORM relationship attribute",
    [COERCE_ON] = "ON clause, typically a SQL expression or ORM relationship attribute",
    [COERCE_STATEMENT] = "Executable SQL or text() construct",
    [COERCE_DML_TABLE] = "subject table for an INSERT, UPDATE or DELETE",
    [COERCE_DDL_EXPRESSION] = "SQL expression element for DDL constraint",
};

static Element *refuse(Evaluator *ev, Value *value, CoerceRole role, const Node *site) {
    return sa_raise(ev, SA_ARGUMENT_ERROR, site, "%s expected, got %.*s.", role_names[role],
                    SLICE_ARGS(value_repr(ev, value)));
}

/* An element that stands where its kind doesn't fit as it is. */
static Element *adjust(Evaluator *ev, Element *element, CoerceRole role, const Node *site) {
    switch (role) {
    case COERCE_EXPRESSION:
    case COERCE_WHERE:
    case COERCE_ON:
    case COERCE_DDL_EXPRESSION:
        if (element_is_select(element)) return element_scalar_select(ev, element);
        if (element->kind == EL_VALUES) return element_with_children(ev, EL_SCALAR_SELECT, NULL, &element, 1);
        if (element->kind == EL_SUBQUERY) return element_scalar_select(ev, element->children[0]);
        if (element->kind == EL_TABLE_VALUED && FROM(element)->columns.count) return FROM(element)->columns.items[0];
        if (element_is_from(element) || element->kind == EL_ENTITY) {
            Value *value = &element->head.head;
            return element->kind == EL_ENTITY ? element : refuse(ev, value, role, site);
        }
        return element;
    case COERCE_COLUMNS:
        if (element_is_select(element)) return element_scalar_select(ev, element);
        if (element->kind == EL_INSERT || element->kind == EL_UPDATE || element->kind == EL_DELETE)
            return refuse(ev, &element->head.head, role, site);
        return element;
    case COERCE_ORDER_BY:
        if (element_is_select(element)) return element_scalar_select(ev, element);
        return element;
    case COERCE_FROM:
    case COERCE_JOIN_TARGET:
        if (element->kind == EL_ENTITY && role == COERCE_FROM) return orm_entity_selectable(ev, element->entity);
        if (element->kind == EL_SELECT_GROUPING) return element_subquery(ev, element->children[0], (Name){0});
        if (element_is_select(element)) return element_subquery(ev, element, (Name){0});
        if (element_is_from(element) || element->kind == EL_FUNCTION || element->kind == EL_TEXT ||
            element->kind == EL_ENTITY)
            return element;
        if (element->kind == EL_COLUMN && COLUMN(element)->table && COLUMN(element)->table->kind == EL_TABLE_VALUED &&
            FROM(COLUMN(element)->table)->table_valued_column)
            return COLUMN(element)->table;
        return refuse(ev, &element->head.head, role, site);
    case COERCE_STATEMENT:
    case COERCE_DML_TABLE: return element;
    }
    return element;
}

static Element *coerce_text(Evaluator *ev, Value *value, CoerceRole role, const Node *site) {
    switch (role) {
    case COERCE_EXPRESSION: return element_literal(ev, value, site);
    case COERCE_COLUMNS:
        if (slice_equals_text(value_text(value), "*")) return element_literal_column(ev, SLICE("*"), NULL);
        return refuse_text(ev, value, role, site);
    case COERCE_ORDER_BY: {
        Element *reference = element_new(ev, EL_TEXT_LABEL_REFERENCE, NULL);
        reference->name = name_from_value(ev, value);
        return element_at(ev, reference, site);
    }
    case COERCE_DDL_EXPRESSION: {
        Element *text = element_new(ev, EL_TEXT, NULL);
        ((TextElement *)text)->text = value_text(value);
        return element_at(ev, text, site);
    }
    case COERCE_FROM:
    case COERCE_JOIN_TARGET:
    case COERCE_DML_TABLE: return refuse(ev, value, role, site);
    case COERCE_WHERE:
    case COERCE_ON:
    case COERCE_STATEMENT: return refuse_text(ev, value, role, site);
    }
    return NULL;
}

/* select(lambda: …), where(lambda: …): what the function gives; several columns are a list. */
static Value *lambda_value(Evaluator *ev, Value *value, CoerceRole role, const Node *site) {
    bool takes = role == COERCE_COLUMNS || role == COERCE_WHERE || role == COERCE_ON || role == COERCE_FROM ||
                 role == COERCE_JOIN_TARGET;
    if (!takes || !value_is(value, VALUE_FUNCTION)) return value;
    Value *made = value_call_with(ev, value, NULL, 0, site);
    if (!made || role != COERCE_COLUMNS || !(value_is(made, VALUE_TUPLE) || value_is(made, VALUE_LIST))) return made;
    ElementList columns = {0};
    const ListValue *list = (const ListValue *)made;
    for (int i = 0; i < list->count; i++) {
        Element *column = element_coerce(ev, list->items[i], role, site);
        if (!column) return NULL;
        element_list_push(ev, &columns, column);
    }
    return &element_clause_list(ev, columns.items, columns.count, false)->head.head;
}

/* `flag` that is a bool is a parameter; a comparison of Python values is not. */
static bool stands_as_flag(const Value *value, CoerceRole role) {
    const UnknownValue *unknown = (const UnknownValue *)value;
    const Value *known = unknown->known_class;
    bool is_bool =
        known && value_is(known, VALUE_CLASS) && slice_equals_text(((const Class *)known)->name->text, "bool");
    return role == COERCE_WHERE && is_bool && unknown->node && unknown->node->kind != NODE_Compare;
}

bool coerce_leaves_out(Evaluator *ev, Value *value, CoerceRole role, const char *what, const Node *site) {
    value = value_resolve(value);
    if (!value_is_unknown(value) || element_of(ev, value) || evaluator_error_pending(ev)) return false;
    if (stands_as_flag(value, role)) return false;
    evaluator_warn_left_out(ev, value, evaluator_span(ev, site), what);
    return true;
}

bool coerce_refuse_keywords(Evaluator *ev, const Arguments *arguments, const char *owner, const char *method) {
    if (!arguments->keyword_count) return true;
    const Keyword *first = &arguments->keywords[0];
    evaluator_raise(ev, evaluator_exception(ev, EXCEPTION_TYPE), evaluator_keyword_span(ev, first),
                    "%s.%s() got an unexpected keyword argument '%.*s'", owner, method, SLICE_ARGS(first->name->text));
    evaluator_raise_help(ev, "columns are compared by ==, or filter_by(%.*s=…)", SLICE_ARGS(first->name->text));
    return false;
}

bool coerce_warn_open(Evaluator *ev, const Arguments *arguments, const char *what) {
    if (arguments->unknown_items || arguments->unknown_keywords) evaluator_warn_open(ev, arguments, what);
    return !evaluator_error_pending(ev);
}

Element *element_coerce(Evaluator *ev, Value *value, CoerceRole role, const Node *site) {
    value = lambda_value(ev, value, role, site);
    if (!value) return NULL;
    Element *element = element_of(ev, value);
    if (!element && !evaluator_error_pending(ev) && !value_is(value, VALUE_NONE) && !value_is(value, VALUE_STRING) &&
        !value_is(value, VALUE_INTEGER))
        element = orm_coerce_expression(ev, value, site);
    if (evaluator_error_pending(ev)) return NULL;
    if (element) return adjust(ev, element, role, site);
    if (value_is(value, VALUE_STRING)) return coerce_text(ev, value, role, site);
    if (role == COERCE_WHERE || role == COERCE_ON || role == COERCE_COLUMNS || role == COERCE_ORDER_BY) {
        Element *constant = coerce_constant(ev, value);
        if (constant) return constant;
    }
    if (role == COERCE_COLUMNS &&
        (value_is(value, VALUE_INTEGER) || value_is(value, VALUE_FLOAT) || value_is(value, VALUE_DECIMAL))) {
        Value *text = value_str(ev, value, site);
        return text ? element_at(ev, element_literal_column(ev, value_text(text), type_of_literal(ev, value)), site)
                    : NULL;
    }
    if (role == COERCE_EXPRESSION) {
        if (value_is_none(value)) return sa_state(ev)->null_element;
        if (value_is(value, VALUE_CLASS) || value_is(value, VALUE_FUNCTION)) return refuse(ev, value, role, site);
        return element_literal(ev, value, site);
    }
    if (value_is_unknown(value)) {
        if (role == COERCE_WHERE || role == COERCE_ON || role == COERCE_ORDER_BY || role == COERCE_COLUMNS)
            return element_literal(ev, value, site);
        return evaluator_raise_id(ev, EXCEPTION_UNSUPPORTED, site, "what %.*s stands for is not known",
                                  SLICE_ARGS(((const UnknownValue *)value)->text));
    }
    return refuse(ev, value, role, site);
}
