/*
 * `column op value`: SQLAlchemy's operators on column expressions, with the coercion of the other operand.
 *
 * Input: an element, an operator, any Python value. Output: an element, or the error that SQLAlchemy raises.
 * Invariants: a literal is bound with the type that the column's type says it has in such a comparison; None, True and
 * False are constants; a list in IN is one expanding bind unless SQL expressions stand in it.
 * Example: users.name == None is users.name IS NULL; users.id.in_([1, 2]) is users.id IN (?, ?).
 */
#include "compiler/sqlalchemy/sqlalchemy.h"

/* The type that a literal gets beside an expression of type `type`. */
static SaType *type_coerce_compared(Evaluator *ev, SaType *type, Value *value) {
    if (type->kind == TYPE_DECORATOR || type->kind == TYPE_USER_DEFINED) return type;
    if (value_is_unknown(value)) return type;
    SaType *literal = type_of_literal(ev, value);
    if (literal->kind == TYPE_NULL || literal->affinity == type->affinity) return type;
    if (type->affinity == TYPE_USER_DEFINED) return type;
    return literal;
}

Element *element_bind_typed(Evaluator *ev, Value *value, SaType *type, const Node *site) {
    Element *bind = element_bind(ev, (Slice){"", 0}, value, type);
    bind->node = site;
    return bind;
}

/* Binds are named after the column or function they are compared to; these names count together with labels. */
static void bind_name_after(Evaluator *ev, Element *bind, const Element *expr) {
    Slice key = {"", 0};
    if (expr->kind == EL_COLUMN) key = COLUMN(expr)->key.text;
    if (expr->kind == EL_FUNCTION) key = expr->name.text;
    if (!key.length || slice_find(key, '\1') < key.length) return;
    Buffer out;
    buffer_init(&out, evaluator_arena(ev));
    for (size_t i = 0; i < key.length; i++) {
        char c = key.start[i];
        bool odd = c == '%' || c == '(' || c == ')' || c == ' ' || c == '$';
        if (!odd) buffer_put(&out, c);
        else if (out.length && out.data[out.length - 1] != '_') buffer_put(&out, '_');
    }
    while (out.length && out.data[out.length - 1] == '_') out.length--;
    bind->name = name_anonymous(ev, bind->id, buffer_view(&out));
}

static Element *bind_array(Evaluator *ev, Element *expr, Value *value, const Node *site) {
    Value *items = value_iterate(ev, value, site);
    if (!items) return NULL;
    const ListValue *list = (const ListValue *)items;
    SaType *item = expr->type->item ? expr->type->item : expr->type;
    SaType *type = type_copy(ev, expr->type);
    if (!list->count) type->item = type_of_kind(ev, TYPE_NULL);
    Element *array = element_with_children(ev, EL_ARRAY, type, NULL, 0);
    array->children = ARENA_ARRAY(evaluator_arena(ev), Element *, list->count + 1);
    for (int i = 0; i < list->count; i++)
        array->children[array->count++] =
            element_bind_typed(ev, list->items[i], type_coerce_compared(ev, item, list->items[i]), site);
    return array;
}

static Element *bind_tuple(Evaluator *ev, Element *expr, Value *value, const Node *site) {
    const ListValue *list = (const ListValue *)value;
    Element *tuple = element_with_children(ev, EL_TUPLE, expr->type, NULL, 0);
    tuple->children = ARENA_ARRAY(evaluator_arena(ev), Element *, list->count + 1);
    for (int i = 0; i < list->count; i++) {
        SaType *type = i < expr->type->item_count ? expr->type->items[i] : type_of_kind(ev, TYPE_NULL);
        tuple->children[tuple->count++] =
            element_bind_typed(ev, list->items[i], type_coerce_compared(ev, type, list->items[i]), site);
    }
    return tuple;
}

static bool value_is_sequence(const Value *value) {
    return value_is(value, VALUE_LIST) || value_is(value, VALUE_TUPLE);
}

/* The bind that a literal becomes beside `expr`. */
Element *element_bind_compared(Evaluator *ev, Element *expr, Op op, Value *value, SaType *forced, const Node *site) {
    if (expr->kind == EL_ARRAY && op.id != SA_GETITEM && value_is_sequence(value))
        return bind_array(ev, expr, value, site);
    if (expr->kind == EL_TUPLE && value_is_sequence(value)) return bind_tuple(ev, expr, value, site);
    SaType *against = expr->type;
    if (expr->kind == EL_COLLECTION_AGGREGATE) {
        against = expr->children[0]->type;
        if (expr->children[0]->kind == EL_GROUPING) against = expr->children[0]->children[0]->type;
        if (type_is(against, TYPE_ARRAY) && against->item) against = against->item;
    }
    Element *bind = element_bind_typed(ev, value, forced ? forced : type_coerce_compared(ev, against, value), site);
    bind_name_after(ev, bind, expr);
    return bind;
}

/* The other operand of a binary operator. */
Element *element_coerce_operand(Evaluator *ev, Element *expr, Op op, Value *value, SaType *forced, const Node *site) {
    Element *element = element_of(ev, value);
    if (evaluator_error_pending(ev)) return NULL;
    if (!element && value_is(value, VALUE_NATIVE)) element = orm_coerce_expression(ev, value, site);
    if (evaluator_error_pending(ev)) return NULL;
    if (!element && orm_is_instance(value))
        return sa_raise(ev, SA_ARGUMENT_ERROR, site, "SQL expression element or literal value expected, got %.*s.",
                        SLICE_ARGS(value_repr(ev, value)));
    if (!element) return element_bind_compared(ev, expr, op, value, forced, site);
    Value *same = &element->head.head;
    element = element_coerce(ev, same, COERCE_EXPRESSION, site);
    if (element && element->kind == EL_BIND && element->type->kind == TYPE_NULL && expr->type->kind != TYPE_NULL) {
        element = element_copy(ev, element);
        element->type = forced ? forced : expr->type;
    }
    return element;
}

static Element *constant_of(Evaluator *ev, Value *value) {
    SaState *state = sa_state(ev);
    if (value_is_none(value)) return state->null_element;
    if (value_is(value, VALUE_BOOL)) return value_is_true(value) ? state->true_element : state->false_element;
    if (!value_is_element(value)) return NULL;
    Element *element = (Element *)value;
    return element->kind == EL_NULL || element->kind == EL_TRUE || element->kind == EL_FALSE ? element : NULL;
}

/* None, True and False on the right of a comparison. */
static Element *compare_constant(Evaluator *ev, Element *left, Op op, Element *constant, bool literal_bool,
                                 const Node *site) {
    SaType *boolean = type_of_kind(ev, TYPE_BOOLEAN);
    bool equality = op.id == SA_EQ || op.id == SA_NE;
    if ((equality && (literal_bool || constant->kind != EL_NULL)) || op.id == SA_DISTINCT_FROM ||
        op.id == SA_NOT_DISTINCT_FROM)
        return element_binary(ev, left, constant, op.id, boolean);
    if (op.id == SA_EQ || op.id == SA_IS) return element_binary(ev, left, constant, SA_IS, boolean);
    if (op.id == SA_NE || op.id == SA_IS_NOT) return element_binary(ev, left, constant, SA_IS_NOT, boolean);
    return sa_raise(
        ev, SA_ARGUMENT_ERROR, site,
        "Only '=', '!=', 'is_()', 'is_not()', 'is_distinct_from()', 'is_not_distinct_from()' operators can be "
        "used with None/True/False");
}

static Element *compare(Evaluator *ev, Element *left, Op op, Value *right, bool reverse, const Node *site) {
    Element *constant = constant_of(ev, right);
    if (constant && left->kind != EL_COLLECTION_AGGREGATE)
        return compare_constant(ev, left, op, constant, value_is(right, VALUE_BOOL), site);
    Element *other = constant ? constant : element_coerce_operand(ev, left, op, right, NULL, site);
    if (!other) return NULL;
    SaType *boolean = type_of_kind(ev, TYPE_BOOLEAN);
    Op negate = op_of(operator_rows[op.id].negation);
    Element *made = reverse ? element_for_op(ev, other, left, op, negate, boolean)
                            : element_for_op(ev, left, other, op, negate, boolean);
    if (reverse) OPERATOR(made)->negate = left->kind == EL_COLLECTION_AGGREGATE ? op_of(SA_NONE) : negate;
    return made;
}

static SaOperator op_mirror(SaOperator op) {
    switch ((int)op) {
    case SA_GT: return SA_LT;
    case SA_GE: return SA_LE;
    case SA_LT: return SA_GT;
    case SA_LE: return SA_GE;
    default: return op;
    }
}

Element *element_operate_op(Evaluator *ev, Op op, Element *left, Value *right, bool reflected, SaType *result,
                            const Node *site) {
    /* a reflected comparison comes with its operator turned round already */
    if (op_is_comparison(op)) reflected = false;
    if (left->kind == EL_COLLECTION_AGGREGATE) {
        if (!op_is_comparison(op) || reflected)
            return sa_raise(ev, SA_ARGUMENT_ERROR, site, "Only comparison operators may be used with ANY/ALL");
        if (op.id != SA_CUSTOM) return compare(ev, left, op_of(op_mirror(op.id)), right, true, site);
    }
    if (op.id != SA_CUSTOM && op_is_comparison(op)) return compare(ev, left, op, right, false, site);
    Element *other = element_coerce_operand(ev, left, op, right, NULL, site);
    if (!other) return NULL;
    Element *a = reflected ? other : left, *b = reflected ? left : other;
    if (!result && op.id == SA_CUSTOM) {
        result = op.custom->return_type;
        if (!result && op.custom->comparison) result = type_of_kind(ev, TYPE_BOOLEAN);
    }
    if (!result) result = type_adapt(ev, &op, a->type, b->type);
    return element_for_op(ev, a, b, op, op_of(SA_NONE), result);
}

Element *element_operate(Evaluator *ev, SaOperator op, Element *left, Value *right, bool reflected, const Node *site) {
    if ((left->kind == EL_SCALAR_SELECT || left->kind == EL_TEXT) && site && !left->node) left->node = site;
    return element_operate_op(ev, op_of(op), left, right, reflected, NULL, site);
}

/* ---- IN ---- */

static Element *in_list(Evaluator *ev, Element *expr, Op op, Value *items, const Node *site) {
    const ListValue *list = (const ListValue *)items;
    bool expressions = false;
    for (int i = 0; i < list->count && !expressions; i++)
        expressions = value_is_element(list->items[i]) || !value_is_literal(ev, list->items[i]);
    if (evaluator_error_pending(ev)) return NULL;
    if (!expressions) {
        SaType *type = expr->type;
        if (list->count && expr->kind != EL_TUPLE) type = type_coerce_compared(ev, expr->type, list->items[0]);
        Element *bind = element_bind_typed(ev, items, type, site);
        bind_name_after(ev, bind, expr);
        BIND(bind)->expanding = true;
        BIND(bind)->expand_op = op.id;
        return bind;
    }
    ElementList parts = {0};
    for (int i = 0; i < list->count; i++) {
        Element *part = element_coerce_operand(ev, expr, op, list->items[i], NULL, site);
        if (!part) return NULL;
        element_list_push(ev, &parts, part);
    }
    return element_group_op(ev, element_clause_list(ev, parts.items, parts.count, true), op);
}

Element *element_in(Evaluator *ev, Element *expr, Value *right, bool negated, const Node *site) {
    Element *given =
        value_is(right, VALUE_NATIVE) && !value_is_element(right) ? orm_coerce_expression(ev, right, site) : NULL;
    if (evaluator_error_pending(ev)) return NULL;
    if (given && element_is_select(given)) right = (Value *)given;
    Op op = op_of(negated ? SA_NOT_IN : SA_IN), negate = op_of(negated ? SA_IN : SA_NOT_IN);
    SaType *boolean = type_of_kind(ev, TYPE_BOOLEAN);
    Element *element = element_of(ev, right), *other;
    if (evaluator_error_pending(ev)) return NULL;
    if (element && element->kind == EL_BIND) {
        other = element_copy(ev, element);
        BIND(other)->expanding = true;
        BIND(other)->expand_op = op.id;
        if (other->type->kind == TYPE_NULL) other->type = expr->type;
    } else if (element && (element_is_select(element) || element->kind == EL_VALUES)) {
        other = element_is_select(element) ? element_scalar_select(ev, element)
                                           : element_with_children(ev, EL_SCALAR_SELECT, NULL, &element, 1);
    } else if (element && element_is_from(element)) {
        Select *select = select_new(ev);
        select_add_column(ev, select, element);
        other = element_scalar_select(ev, &select->head.head.base);
    } else if (element) {
        other = element;
    } else if (value_is_unknown(right)) {
        other = element_bind_typed(ev, right, expr->type, site);
        BIND(other)->expanding = true;
        BIND(other)->expand_op = op.id;
    } else if (value_is(right, VALUE_STRING) || value_is_none(right) || value_is(right, VALUE_INTEGER) ||
               value_is(right, VALUE_BOOL) || value_is(right, VALUE_FLOAT)) {
        return sa_raise(ev, SA_ARGUMENT_ERROR, site,
                        "IN expression list, SELECT construct, or bound parameter object expected, got %.*s.",
                        SLICE_ARGS(value_repr(ev, right)));
    } else {
        Value *items = value_iterate(ev, right, site);
        if (!items) return NULL;
        if (value_is_unknown(items)) {
            other = element_bind_typed(ev, items, expr->type, site);
            BIND(other)->expanding = true;
            BIND(other)->expand_op = op.id;
        } else if (!(other = in_list(ev, expr, op, items, site))) {
            return NULL;
        }
    }
    return element_binary_op(ev, expr, other, op, negate, boolean);
}

/* ---- LIKE and its kin ---- */

/* Escapes %, _ and the escape itself in a known text. */
static Value *like_escaped(Evaluator *ev, Value *value, Slice escape) {
    Buffer out;
    buffer_init(&out, evaluator_arena(ev));
    Slice text = value_text(value);
    char mark = escape.length ? escape.start[0] : '/';
    for (size_t i = 0; i < text.length; i++) {
        char c = text.start[i];
        if (c == '%' || c == '_' || c == mark) buffer_slice(&out, escape);
        buffer_put(&out, c);
    }
    return value_string(ev, buffer_view(&out));
}

Element *element_like(Evaluator *ev, Element *left, SaOperator op, Value *right, Value *escape, bool autoescape,
                      const Node *site) {
    Slice mark = {"", 0};
    bool escapes = autoescape || (escape && value_is(escape, VALUE_STRING));
    if (escape && value_is(escape, VALUE_STRING)) mark = value_text(escape);
    if (autoescape) {
        if (!mark.length) mark = SLICE("/");
        if (value_is(right, VALUE_STRING)) {
            right = like_escaped(ev, right, mark);
        } else if (!value_is_unknown(right)) {
            return evaluator_raise_id(ev, EXCEPTION_TYPE, site, "String value expected when autoescape=True");
        }
    }
    Element *made = element_operate(ev, op, left, right, false, site);
    if (made && escapes && made->kind == EL_BINARY) {
        OPERATOR(made)->has_escape = true;
        OPERATOR(made)->escape_text = mark;
    }
    return made;
}

Element *element_between(Evaluator *ev, Element *expr, Value *low, Value *high, bool symmetric, bool negated,
                         const Node *site) {
    Op and_op = op_of(SA_AND);
    Element *parts[2] = {element_coerce_operand(ev, expr, and_op, low, NULL, site), NULL};
    if (!parts[0]) return NULL;
    parts[1] = element_coerce_operand(ev, expr, and_op, high, NULL, site);
    if (!parts[1]) return NULL;
    Element *range = element_operator_list(ev, and_op, parts, 2, false, NULL);
    Element *made = element_binary_op(ev, expr, range, op_of(negated ? SA_NOT_BETWEEN : SA_BETWEEN),
                                      op_of(negated ? SA_BETWEEN : SA_NOT_BETWEEN), type_of_kind(ev, TYPE_NULL));
    OPERATOR(made)->symmetric = symmetric;
    return made;
}
