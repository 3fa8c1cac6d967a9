/*
 * Operators: value_binary, value_unary, value_compare and equality. Slots of the left, then of the right operand are
 * asked, then methods of the program's classes (__add__ …), as Python does; an unknown operand gives an unknown.
 */
#include "compiler/evaluate/internal.h"

static const struct {
    const char *symbol, *method, *reflected;
} operator_facts[] = {
    [OP_Add] = {"+", "__add__", "__radd__"},
    [OP_Sub] = {"-", "__sub__", "__rsub__"},
    [OP_Mult] = {"*", "__mul__", "__rmul__"},
    [OP_MatMult] = {"@", "__matmul__", "__rmatmul__"},
    [OP_Div] = {"/", "__truediv__", "__rtruediv__"},
    [OP_Mod] = {"%", "__mod__", "__rmod__"},
    [OP_Pow] = {"** or pow()", "__pow__", "__rpow__"},
    [OP_LShift] = {"<<", "__lshift__", "__rlshift__"},
    [OP_RShift] = {">>", "__rshift__", "__rrshift__"},
    [OP_BitOr] = {"|", "__or__", "__ror__"},
    [OP_BitXor] = {"^", "__xor__", "__rxor__"},
    [OP_BitAnd] = {"&", "__and__", "__rand__"},
    [OP_FloorDiv] = {"//", "__floordiv__", "__rfloordiv__"},
};

static const struct {
    const char *symbol, *method, *reflected;
} compare_facts[] = {
    [COMPARE_Eq] = {"==", "__eq__", "__eq__"}, [COMPARE_NotEq] = {"!=", "__ne__", "__ne__"},
    [COMPARE_Lt] = {"<", "__lt__", "__gt__"},  [COMPARE_LtE] = {"<=", "__le__", "__ge__"},
    [COMPARE_Gt] = {">", "__gt__", "__lt__"},  [COMPARE_GtE] = {">=", "__ge__", "__le__"},
};

/* A method of a class of the program; native classes use slots. */
static Value *user_method(Evaluator *ev, Value *self, const char *name) {
    if (!value_is(self, VALUE_INSTANCE) && !self->type->has_attributes) return NULL;
    Atom atom = atom_lookup(ev->atoms, slice_from(name));
    return atom ? class_find(self->cls, atom) : NULL;
}

static Value *user_operator(Evaluator *ev, Value *self, Value *other, const char *name, const Node *site) {
    Value *method = user_method(ev, self, name);
    if (!method) return NULL;
    Value *bound = class_bind(ev, method, self, self->cls, site);
    Value *result = bound ? value_call_with(ev, bound, &other, 1, site) : NULL;
    return result == ev->builtins.not_implemented ? NULL : result;
}

static Value *operand(Value *value) {
    value = value_resolve(value);
    while (value_is_unknown(value) && ((UnknownValue *)value)->present)
        value = value_resolve(((UnknownValue *)value)->present);
    return value;
}

Value *value_binary(Evaluator *ev, Operator op, Value *left, Value *right, const Node *site) {
    left = operand(left);
    right = operand(right);
    Value *result = NULL;
    if (left->type->binary) result = left->type->binary(ev, op, left, right, false, site);
    if (!result && !ev->error.pending) result = user_operator(ev, left, right, operator_facts[op].method, site);
    if (!result && !ev->error.pending && right->type->binary)
        result = right->type->binary(ev, op, right, left, true, site);
    if (!result && !ev->error.pending) result = user_operator(ev, right, left, operator_facts[op].reflected, site);
    if (result || ev->error.pending) return result;
    if (value_is(left, VALUE_STRING) && op == OP_Mod) return string_percent(ev, left, right, site);
    if (value_is_unknown(left) || value_is_unknown(right)) return unknown_binary(ev, op, left, right, site);
    result = builtin_binary(ev, op, left, right, site);
    if (result || ev->error.pending) return result;
    if (left->cls->open || right->cls->open) return unknown_result(ev, site, NULL);
    evaluator_raise_id(ev, EXCEPTION_TYPE, site, "unsupported operand type(s) for %s: '%s' and '%s'",
                       operator_facts[op].symbol, type_label(left), type_label(right));
    error_doubt(ev, value_is(right, VALUE_NATIVE) ? right : left);
    return NULL;
}

Value *value_unary(Evaluator *ev, UnaryOperator op, Value *value, const Node *site) {
    value = operand(value);
    if (op == UNARY_Not) {
        Truth truth = value_truth(ev, value, site);
        if (truth == TRUTH_ERROR) return NULL;
        if (truth == TRUTH_UNKNOWN) return unknown_result(ev, site, ev->builtins.kinds[VALUE_BOOL]);
        return value_bool(ev, truth == TRUTH_FALSE);
    }
    if (value->type->unary) {
        Value *result = value->type->unary(ev, op, value, site);
        if (result || ev->error.pending) return result;
    }
    static const char *const methods[] = {
        [UNARY_Invert] = "__invert__", [UNARY_UAdd] = "__pos__", [UNARY_USub] = "__neg__"};
    Value *method = user_method(ev, value, methods[op]);
    if (method) {
        Value *bound = class_bind(ev, method, value, value->cls, site);
        return bound ? value_call_with(ev, bound, NULL, 0, site) : NULL;
    }
    if (value_is_unknown(value)) return unknown_result(ev, site, unknown_class(value));
    return evaluator_raise_id(ev, EXCEPTION_TYPE, site, "bad operand type for unary %s: '%s'",
                              op == UNARY_Invert ? "~"
                              : op == UNARY_USub ? "-"
                                                 : "+",
                              type_label(value));
}

/* ---- comparison ---- */

static Value *compare_identity(Evaluator *ev, bool negated, Value *left, Value *right, const Node *site) {
    left = value_resolve(left);
    right = value_resolve(right);
    bool unknown = (value_is_unknown(left) || value_is_unknown(right)) && left != right;
    if (unknown) return unknown_compare(ev, negated ? COMPARE_IsNot : COMPARE_Is, left, right, site);
    bool same = left == right || (value_is(left, VALUE_NONE) && value_is(right, VALUE_NONE));
    if (!same && left->type == right->type &&
        (value_is(left, VALUE_BOOL) || value_is(left, VALUE_INTEGER) || value_is(left, VALUE_STRING)))
        same = value_equals(ev, left, right);
    return value_bool(ev, same != negated);
}

/* What an ORM makes of == may be no plain bool: then its truth counts, as Python asks for it. */
static bool contains_equal(Evaluator *ev, Value *member, Value *item, const Node *site, bool *same) {
    if (!value_is(item, VALUE_NATIVE) || !item->type->compare) {
        *same = value_equals(ev, member, item);
        return true;
    }
    Value *result = value_compare(ev, COMPARE_Eq, item, member, site);
    Truth truth = result ? value_truth(ev, result, site) : TRUTH_ERROR;
    *same = truth == TRUTH_TRUE;
    return truth != TRUTH_ERROR;
}

static Value *compare_contains(Evaluator *ev, bool negated, Value *item, Value *container, const Node *site) {
    container = operand(container);
    item = value_resolve(item);
    if (container->type->contains) {
        Value *result = container->type->contains(ev, container, item, site);
        if (!result) return NULL;
        if (!negated || value_is_unknown(result)) return result;
        return value_bool(ev, value_truth(ev, result, site) == TRUTH_FALSE);
    }
    Value *method = user_method(ev, container, "__contains__");
    if (method) {
        Value *bound = class_bind(ev, method, container, container->cls, site);
        Value *result = bound ? value_call_with(ev, bound, &item, 1, site) : NULL;
        return result && negated ? value_unary(ev, UNARY_Not, result, site) : result;
    }
    if (value_is_unknown(container) || value_is_unknown(item))
        return unknown_contains(ev, container, item, negated, site);
    Value *items = value_iterate(ev, container, site);
    if (!items) return NULL;
    if (value_is_unknown(items)) return unknown_contains(ev, items, item, negated, site);
    const ListValue *list = (const ListValue *)items;
    for (int i = 0; i < list->count; i++) {
        bool same = list->items[i] == item;
        if (!same && !contains_equal(ev, list->items[i], item, site, &same)) return NULL;
        if (same) return value_bool(ev, !negated);
    }
    if (list->open) return unknown_result(ev, site, ev->builtins.kinds[VALUE_BOOL]);
    return value_bool(ev, negated);
}

static Value *compare_order(Evaluator *ev, CompareOperator op, Value *left, Value *right, const Node *site) {
    bool comparable = true;
    int order = value_order(ev, left, right, &comparable);
    if (!comparable) {
        if (ev->error.pending) return NULL;
        evaluator_raise_id(ev, EXCEPTION_TYPE, site, "'%s' not supported between instances of '%s' and '%s'",
                           compare_facts[op].symbol, type_label(left), type_label(right));
        error_doubt(ev, value_is(right, VALUE_NATIVE) ? right : left);
        return NULL;
    }
    bool holds = op == COMPARE_Lt    ? order < 0
                 : op == COMPARE_LtE ? order <= 0
                 : op == COMPARE_Gt  ? order > 0
                                     : order >= 0;
    return value_bool(ev, holds);
}

/* (3, x) < (3, 9): not known where an item is not. */
static bool sequence_is_unknown(const Value *value) {
    if (!value_is(value, VALUE_LIST) && !value_is(value, VALUE_TUPLE)) return false;
    const ListValue *list = (const ListValue *)value;
    for (int i = 0; i < list->count; i++)
        if (value_is_unknown(value_resolve(list->items[i])) || sequence_is_unknown(list->items[i])) return true;
    return list->open;
}

static CompareOperator compare_mirror(CompareOperator op) {
    static const CompareOperator mirror[] = {
        [COMPARE_Eq] = COMPARE_Eq,      [COMPARE_NotEq] = COMPARE_NotEq, [COMPARE_Lt] = COMPARE_Gt,
        [COMPARE_LtE] = COMPARE_GtE,    [COMPARE_Gt] = COMPARE_Lt,       [COMPARE_GtE] = COMPARE_LtE,
        [COMPARE_Is] = COMPARE_Is,      [COMPARE_IsNot] = COMPARE_IsNot, [COMPARE_In] = COMPARE_In,
        [COMPARE_NotIn] = COMPARE_NotIn};
    return mirror[op];
}

Value *value_compare(Evaluator *ev, CompareOperator op, Value *left, Value *right, const Node *site) {
    if (op == COMPARE_Is || op == COMPARE_IsNot) return compare_identity(ev, op == COMPARE_IsNot, left, right, site);
    if (op == COMPARE_In || op == COMPARE_NotIn) return compare_contains(ev, op == COMPARE_NotIn, left, right, site);
    left = value_resolve(left);
    right = value_resolve(right);
    Value *result = NULL;
    if (left->type->compare) result = left->type->compare(ev, op, left, right, false, site);
    if (!result && !ev->error.pending) result = user_operator(ev, left, right, compare_facts[op].method, site);
    /* reflected: the operator is given as seen from self */
    if (!result && !ev->error.pending && right->type->compare)
        result = right->type->compare(ev, compare_mirror(op), right, left, true, site);
    if (!result && !ev->error.pending) result = user_operator(ev, right, left, compare_facts[op].reflected, site);
    if (result || ev->error.pending) return result;
    if (value_is_unknown(left) || value_is_unknown(right)) return unknown_compare(ev, op, left, right, site);
    if (left->type == right->type && (sequence_is_unknown(left) || sequence_is_unknown(right)) &&
        !value_equals(ev, left, right))
        return unknown_compare(ev, op, left, right, site);
    if (op == COMPARE_Eq || op == COMPARE_NotEq)
        return value_bool(ev, value_equals(ev, left, right) == (op == COMPARE_Eq));
    return compare_order(ev, op, left, right, site);
}

/* ---- equality ---- */

static bool lists_equal(Evaluator *ev, const ListValue *a, const ListValue *b) {
    if (a->count != b->count) return false;
    for (int i = 0; i < a->count; i++)
        if (!value_equals(ev, a->items[i], b->items[i])) return false;
    return true;
}

static bool dicts_equal(Evaluator *ev, const DictValue *a, const DictValue *b, bool values) {
    if (a->count != b->count) return false;
    for (int i = 0; i < a->count; i++) {
        Value *other = dict_get(ev, b, a->entries[i].key);
        if (!other || (values && !value_equals(ev, a->entries[i].value, other))) return false;
    }
    return true;
}

bool value_equals(Evaluator *ev, Value *left, Value *right) {
    left = value_resolve(left);
    right = value_resolve(right);
    if (left == right) return true;
    if (left->type->equals) return left->type->equals(ev, left, right);
    if (right->type->equals) return right->type->equals(ev, right, left);
    if (value_is(left, VALUE_LIST) || value_is(left, VALUE_TUPLE))
        return right->type->kind == left->type->kind && lists_equal(ev, (ListValue *)left, (ListValue *)right);
    if (value_is(left, VALUE_DICT))
        return value_is(right, VALUE_DICT) && dicts_equal(ev, (DictValue *)left, (DictValue *)right, true);
    if (value_is(left, VALUE_SET))
        return value_is(right, VALUE_SET) && dicts_equal(ev, (DictValue *)left, (DictValue *)right, false);
    if (value_is(left, VALUE_NONE) || value_is(right, VALUE_NONE)) return left->type == right->type;
    if (value_is(left, VALUE_STRING) || value_is(left, VALUE_BYTES))
        return right->type->kind == left->type->kind && slice_equals(value_text(left), value_text(right));
    if (value_is_unknown(left) || value_is_unknown(right)) return false;
    if (value_is(left, VALUE_INSTANCE)) {
        Value *method = user_method(ev, left, "__eq__");
        if (!method || value_is(method, VALUE_NATIVE_FUNCTION)) return false;
        Value *result = value_call_with(ev, method, (Value *[]){left, right}, 2, NULL);
        if (!result) evaluator_clear_error(ev);
        return result && value_is_true(result);
    }
    bool comparable = true;
    int order = value_order(ev, left, right, &comparable);
    if (ev->error.pending) evaluator_clear_error(ev);
    return comparable && order == 0;
}

uint32_t value_hash(Evaluator *ev, Value *self) {
    self = value_resolve(self);
    if (self->type->hash) return self->type->hash(ev, self);
    if (value_is(self, VALUE_STRING) || value_is(self, VALUE_BYTES)) {
        uint32_t hash = 2166136261u;
        Slice text = value_text(self);
        for (size_t i = 0; i < text.length; i++) hash = (hash ^ (unsigned char)text.start[i]) * 16777619u;
        return hash;
    }
    int64_t number;
    if (value_as_integer(self, &number)) return (uint32_t)(number * 2654435761u);
    return (uint32_t)((uintptr_t)self >> 4);
}
