/*
 * Column expressions as Python sees them: operators of the language and the methods of ColumnOperators.
 *
 * Input: calls from the evaluated program. Output: new elements; the element a method is called on never changes.
 * Invariants: a method is one row of a table; what several methods share is one function that reads the row's `data`.
 * Example: users.name.ilike("a%") → row {"ilike", method_like, &like_rows[1]}.
 */
#include "compiler/sqlalchemy/sqlalchemy.h"
#include "compiler/sqlalchemy/face.h"

static Element *column_self(Evaluator *ev, Value *self, const Node *site) {
    Element *element = (Element *)self;
    if (!element_is_select(element)) return element;
    return element_coerce(ev, self, COERCE_EXPRESSION, site);
}

/* ---- operators of the language ---- */

static const SaOperator binary_operators[] = {
    [OP_Add] = SA_ADD,    [OP_Sub] = SA_SUB,           [OP_Mult] = SA_MUL,           [OP_Div] = SA_TRUEDIV,
    [OP_Mod] = SA_MOD,    [OP_LShift] = SA_SHIFT_LEFT, [OP_RShift] = SA_SHIFT_RIGHT, [OP_FloorDiv] = SA_FLOORDIV,
    [OP_BitAnd] = SA_AND, [OP_BitOr] = SA_OR,
};

static Value *element_conjoin(Evaluator *ev, Operator op, Value *self, Value *other, const Node *site) {
    Element *left = element_coerce(ev, self, COERCE_WHERE, site);
    Element *right = left ? element_coerce(ev, other, COERCE_WHERE, site) : NULL;
    if (!right) return NULL;
    Element *items[2] = {left, right};
    Element *made = op == OP_BitAnd ? element_and(ev, items, 2) : element_or(ev, items, 2);
    return &made->head.head;
}

static Value *element_slot_binary(Evaluator *ev, Operator op, Value *self, Value *other, bool reflected,
                                  const Node *site) {
    if (op == OP_BitAnd || op == OP_BitOr) return reflected ? NULL : element_conjoin(ev, op, self, other, site);
    if (op == OP_Pow || op == OP_MatMult || op == OP_BitXor) return NULL;
    Element *left = column_self(ev, self, site);
    if (!left) return NULL;
    SaOperator id = binary_operators[op];
    if (id == SA_SHIFT_LEFT || id == SA_SHIFT_RIGHT) {
        Element *special = element_shift(ev, left, op == OP_LShift, other, site);
        if (special || evaluator_error_pending(ev)) return special ? &special->head.head : NULL;
        return sa_raise_not_implemented(ev, site, op == OP_LShift ? "lshift" : "rshift");
    }
    Element *made = element_operate(ev, id, left, other, reflected, site);
    return made ? &made->head.head : NULL;
}

/* Python asks the right operand first where its class derives from the left one's: column() == Table.c.x. A mapped
 * attribute is of another class. */
static bool compares_reversed(const Element *left, const Value *right) {
    if (!value_is_element(right)) return false;
    const Element *other = (const Element *)right;
    if (left->kind == EL_FUNCTION && other->kind == EL_FUNCTION)
        return !((const FunctionElement *)left)->generic && ((const FunctionElement *)other)->generic;
    if (left->kind != EL_COLUMN || left->entity_key || COLUMN(left)->schema) return false;
    return other->kind == EL_COLUMN && !other->entity_key && COLUMN((Element *)(uintptr_t)other)->schema;
}

static Value *element_slot_compare(Evaluator *ev, CompareOperator op, Value *self, Value *other, bool reflected,
                                   const Node *site) {
    static const SaOperator ids[] = {[COMPARE_Eq] = SA_EQ,  [COMPARE_NotEq] = SA_NE, [COMPARE_Lt] = SA_LT,
                                     [COMPARE_LtE] = SA_LE, [COMPARE_Gt] = SA_GT,    [COMPARE_GtE] = SA_GE};
    if (op > COMPARE_GtE) return NULL;
    Element *element = (Element *)self;
    if (element_is_from(element) || (element_is_statement(element) && !element_is_select(element))) return NULL;
    Element *left = column_self(ev, self, site);
    if (!left) return NULL;
    if (!reflected && compares_reversed(element, other)) {
        static const SaOperator turned[] = {[COMPARE_Eq] = SA_EQ,  [COMPARE_NotEq] = SA_NE, [COMPARE_Lt] = SA_GT,
                                            [COMPARE_LtE] = SA_GE, [COMPARE_Gt] = SA_LT,    [COMPARE_GtE] = SA_LE};
        Element *made = element_operate(ev, turned[op], (Element *)other, self, false, site);
        return made ? &made->head.head : NULL;
    }
    Element *made = element_operate(ev, ids[op], left, other, reflected, site);
    return made ? &made->head.head : NULL;
}

static Value *element_slot_unary(Evaluator *ev, UnaryOperator op, Value *self, const Node *site) {
    Element *element = column_self(ev, self, site);
    if (!element) return NULL;
    if (op == UNARY_Invert) return &element_not(ev, element)->head.head;
    if (op == UNARY_USub) return &element_unary(ev, SA_NEG, element, element->type)->head.head;
    return NULL;
}

/* `a == 1 and b == 2`, `a in [1, 2]`: Python asks for a bool, and the condition is lost. */
static void warn_python_truth(Evaluator *ev, const Node *site) {
    Diagnostic *warning = evaluator_warn(ev, CODE_ARGUMENT_ERROR, evaluator_span(ev, site),
                                         "the truth of this condition is taken by Python, not by the database");
    warning->help = SLICE("combine conditions by & and |, or by and_() and or_(); for a list use .in_()");
}

static Truth element_slot_truth(Evaluator *ev, Value *self, const Node *site) {
    Element *element = (Element *)self;
    if (element->kind == EL_BINARY && (OPERATOR(element)->op.id == SA_EQ || OPERATOR(element)->op.id == SA_NE)) {
        bool same = element_same(element->children[0], element->children[1]);
        bool against_value = element->children[0]->kind == EL_BIND || element->children[1]->kind == EL_BIND;
        if (against_value && site) warn_python_truth(ev, site);
        return same == (OPERATOR(element)->op.id == SA_EQ) ? TRUTH_TRUE : TRUTH_FALSE;
    }
    if (element_is_from(element) && element->kind != EL_JOIN) return TRUTH_TRUE;
    evaluator_raise_id(ev, EXCEPTION_TYPE, site, "Boolean value of this clause is not defined");
    return TRUTH_ERROR;
}

static Value *element_slot_get_item(Evaluator *ev, Value *self, Value *key, const Node *site) {
    Element *element = (Element *)self;
    if (element_is_statement(element)) return statement_get_item(ev, element, key, site);
    Element *made = element_index(ev, element, key, site);
    return made ? &made->head.head : NULL;
}

static Value *element_slot_iterate(Evaluator *ev, Value *self, const Node *site) {
    Element *element = (Element *)self;
    if (element->kind == EL_CLAUSE_LIST || element->kind == EL_TUPLE || element->kind == EL_OPERATOR_LIST ||
        element->kind == EL_ARRAY)
        return value_tuple(ev, (Value *const *)element->children, element->count);
    return evaluator_raise_id(ev, EXCEPTION_TYPE, site, "'%s' object is not iterable", sa_element_type.name);
}

static bool element_slot_equals(Evaluator *ev, Value *left, Value *right) {
    (void)ev;
    return value_is_element(right) && element_same((Element *)left, (Element *)right);
}

static uint32_t element_slot_hash(Evaluator *ev, Value *self) {
    (void)ev;
    return ((Element *)self)->id * 2654435761u;
}

static void element_slot_describe(Evaluator *ev, Value *self, Buffer *out) {
    Element *element = (Element *)self;
    Slice name = name_plain(ev, element->name);
    if (element->kind == EL_TABLE) {
        buffer_format(out, "Table('%.*s')", SLICE_ARGS(name));
    } else if (element->kind == EL_COLUMN) {
        buffer_format(out, "Column('%.*s')", SLICE_ARGS(name));
    } else {
        buffer_format(out, "<sqlalchemy %.*s>", SLICE_ARGS(self->cls->name->text));
    }
}

const Type sa_element_type = {
    .name = "ClauseElement",
    .kind = VALUE_NATIVE,
    .get_attribute = element_get_attribute,
    .get_item = element_slot_get_item,
    .binary = element_slot_binary,
    .unary = element_slot_unary,
    .compare = element_slot_compare,
    .truth = element_slot_truth,
    .iterate = element_slot_iterate,
    .equals = element_slot_equals,
    .hash = element_slot_hash,
    .describe = element_slot_describe,
    .has_attributes = true,
};

/* ---- methods ---- */

Value *element_value(Element *element) { return element ? &element->head.head : NULL; }

typedef struct OperatorMethod {
    SaOperator op;
    bool negated;
} OperatorMethod;

#define M(id, flag) (&(OperatorMethod){SA_##id, flag})
static const OperatorMethod method_rows[] = {
    {SA_LIKE, false},
    {SA_NOT_LIKE, false},
    {SA_ILIKE, false},
    {SA_NOT_ILIKE, false},
    {SA_IN, false},
    {SA_NOT_IN, true},
    {SA_IS, false},
    {SA_IS_NOT, false},
    {SA_DISTINCT_FROM, false},
    {SA_NOT_DISTINCT_FROM, false},
    {SA_STARTSWITH, false},
    {SA_ISTARTSWITH, false},
    {SA_ENDSWITH, false},
    {SA_IENDSWITH, false},
    {SA_CONTAINS, false},
    {SA_ICONTAINS, false},
    {SA_DESC, false},
    {SA_ASC, false},
    {SA_NULLS_FIRST, false},
    {SA_NULLS_LAST, false},
    {SA_CONCAT, false},
    {SA_BIT_AND, false},
    {SA_BIT_OR, false},
    {SA_BIT_XOR, false},
    {SA_SHIFT_LEFT, false},
    {SA_SHIFT_RIGHT, false},
    {SA_ANY, false},
    {SA_ALL, false},
    {SA_EQ, false},
    {SA_NE, false},
};
enum {
    ROW_LIKE,
    ROW_NOT_LIKE,
    ROW_ILIKE,
    ROW_NOT_ILIKE,
    ROW_IN,
    ROW_NOT_IN,
    ROW_IS,
    ROW_IS_NOT,
    ROW_DISTINCT,
    ROW_NOT_DISTINCT,
    ROW_STARTSWITH,
    ROW_ISTARTSWITH,
    ROW_ENDSWITH,
    ROW_IENDSWITH,
    ROW_CONTAINS,
    ROW_ICONTAINS,
    ROW_DESC,
    ROW_ASC,
    ROW_NULLS_FIRST,
    ROW_NULLS_LAST,
    ROW_CONCAT,
    ROW_BIT_AND,
    ROW_BIT_OR,
    ROW_BIT_XOR,
    ROW_SHIFT_LEFT,
    ROW_SHIFT_RIGHT,
    ROW_ANY,
    ROW_ALL,
    ROW_EQ,
    ROW_NE
};
#undef M
#define ROW(name) ((void *)(uintptr_t)&method_rows[ROW_##name])

static const OperatorMethod *method_row(Evaluator *ev) { return evaluator_native_data(ev); }

static Value *method_operate(Evaluator *ev, Value *self, const Arguments *a) {
    SaOperator op = method_row(ev)->op;
    Value *other = NULL;
    if (!arguments_bind(ev, a, operator_rows[op].python, "other", &other)) return NULL;
    Element *left = column_self(ev, self, a->site);
    if (!left) return NULL;
    if (op == SA_CONCAT || op == SA_BIT_AND || op == SA_BIT_OR || op == SA_BIT_XOR || op == SA_SHIFT_LEFT ||
        op == SA_SHIFT_RIGHT) {
        Op made = op_of(op);
        return element_value(element_operate_op(ev, made, left, other, false, NULL, a->site));
    }
    return element_value(element_operate(ev, op, left, other, false, a->site));
}

static Value *method_like(Evaluator *ev, Value *self, const Arguments *a) {
    SaOperator op = method_row(ev)->op;
    Value *other = NULL, *escape = NULL, *autoescape = NULL;
    if (!arguments_bind(ev, a, operator_rows[op].python, "other | escape autoescape", &other, &escape, &autoescape))
        return NULL;
    Element *left = column_self(ev, self, a->site);
    if (!left) return NULL;
    return element_value(element_like(ev, left, op, other, escape,
                                      autoescape && value_truth(ev, autoescape, a->site) == TRUTH_TRUE, a->site));
}

static Value *method_contains(Evaluator *ev, Value *self, const Arguments *a) {
    Element *element = column_self(ev, self, a->site);
    if (!element) return NULL;
    if (a->count == 1 || a->keyword_count) {
        Element *special = element_type_contains(ev, element, a);
        if (special || evaluator_error_pending(ev)) return element_value(special);
    }
    return method_like(ev, self, a);
}

static Value *method_in(Evaluator *ev, Value *self, const Arguments *a) {
    bool negated = method_row(ev)->negated;
    Value *other = NULL;
    if (!arguments_bind(ev, a, negated ? "not_in" : "in_", "other", &other)) return NULL;
    Element *left = column_self(ev, self, a->site);
    return left ? element_value(element_in(ev, left, other, negated, a->site)) : NULL;
}

static Value *method_modifier(Evaluator *ev, Value *self, const Arguments *a) {
    SaOperator op = method_row(ev)->op;
    if (!arguments_bind(ev, a, operator_rows[op].python, "")) return NULL;
    Element *element = column_self(ev, self, a->site);
    return element ? element_value(element_modified(ev, element, op)) : NULL;
}

static Value *method_aggregate(Evaluator *ev, Value *self, const Arguments *a) {
    Element *element = column_self(ev, self, a->site);
    return element ? element_value(element_collection_aggregate(ev, element, method_row(ev)->op)) : NULL;
}

static bool text_argument(Evaluator *ev, Value *value, Slice *out, const Node *site, const char *what) {
    if (!value || value_is_none(value)) return true;
    if (!value_is(value, VALUE_STRING)) {
        evaluator_raise_id(ev, EXCEPTION_TYPE, site, "%s must be a string", what);
        return false;
    }
    *out = value_text(value);
    return true;
}

static Value *method_op(Evaluator *ev, Value *self, const Arguments *a) {
    bool boolean = method_row(ev)->op == SA_EQ;
    Value *text = NULL, *precedence = NULL, *comparison = NULL, *type = NULL, *python = NULL;
    if (!arguments_bind(ev, a, "op", "opstring | precedence is_comparison return_type python_impl", &text, &precedence,
                        &comparison, &type, &python))
        return NULL;
    Slice spelled = {"", 0};
    if (!text_argument(ev, text, &spelled, a->site, "operator")) return NULL;
    CustomOp *op = ARENA_NEW(evaluator_arena(ev), CustomOp);
    int64_t number = 0;
    op->text = spelled;
    if (precedence && value_as_integer(precedence, &number)) op->precedence = (int)number;
    op->comparison = boolean || (comparison && value_is_true(comparison));
    if (type && !(op->return_type = type_from_value(ev, type, a->site))) return NULL;
    return custom_operator_value(ev, (Element *)self, op);
}

static Value *method_between(Evaluator *ev, Value *self, const Arguments *a) {
    Value *low = NULL, *high = NULL, *symmetric = NULL;
    if (!arguments_bind(ev, a, "between", "cleft cright | symmetric", &low, &high, &symmetric)) return NULL;
    Element *element = column_self(ev, self, a->site);
    if (!element) return NULL;
    return element_value(
        element_between(ev, element, low, high, symmetric && value_is_true(symmetric), false, a->site));
}

static Value *method_distinct(Evaluator *ev, Value *self, const Arguments *a) {
    Element *element = column_self(ev, self, a->site);
    return element ? element_value(element_unary(ev, SA_DISTINCT, element, element->type)) : NULL;
}

static Value *method_bitwise_not(Evaluator *ev, Value *self, const Arguments *a) {
    Element *element = column_self(ev, self, a->site);
    return element ? element_value(element_unary(ev, SA_BIT_NOT, element, element->type)) : NULL;
}

static Value *method_collate(Evaluator *ev, Value *self, const Arguments *a) {
    Value *collation = NULL;
    if (!arguments_bind(ev, a, "collate", "collation", &collation)) return NULL;
    Element *element = column_self(ev, self, a->site);
    return element ? element_value(element_collate(ev, element, collation, a->site)) : NULL;
}

static Value *method_label(Evaluator *ev, Value *self, const Arguments *a) {
    Value *name = NULL;
    if (!arguments_bind(ev, a, "label", "| name", &name)) return NULL;
    Element *element = column_self(ev, self, a->site);
    if (!element) return NULL;
    Name label = {0};
    if (name && value_is(name, VALUE_STRING)) label = name_from_value(ev, name);
    return element_value(element_label(ev, element, label));
}

static Value *method_cast(Evaluator *ev, Value *self, const Arguments *a) {
    Value *type = NULL;
    if (!arguments_bind(ev, a, "cast", "type_", &type)) return NULL;
    Element *element = column_self(ev, self, a->site);
    return element ? element_value(element_cast(ev, element, type, a->site)) : NULL;
}

static Value *method_match(Evaluator *ev, Value *self, const Arguments *a) {
    Element *element = column_self(ev, self, a->site);
    return element ? element_value(element_match(ev, element, a)) : NULL;
}

static Value *method_regexp_match(Evaluator *ev, Value *self, const Arguments *a) {
    Value *pattern = NULL, *flags = NULL;
    if (!arguments_bind(ev, a, "regexp_match", "pattern | flags", &pattern, &flags)) return NULL;
    Element *element = column_self(ev, self, a->site);
    return element ? element_value(element_regexp(ev, element, pattern, NULL, flags, a->site)) : NULL;
}

static Value *method_regexp_replace(Evaluator *ev, Value *self, const Arguments *a) {
    Value *pattern = NULL, *replacement = NULL, *flags = NULL;
    if (!arguments_bind(ev, a, "regexp_replace", "pattern replacement | flags", &pattern, &replacement, &flags))
        return NULL;
    Element *element = column_self(ev, self, a->site);
    return element ? element_value(element_regexp(ev, element, pattern, replacement, flags, a->site)) : NULL;
}

static Value *method_self_group(Evaluator *ev, Value *self, const Arguments *a) {
    (void)a;
    return element_value(element_group_op(ev, (Element *)self, op_of(SA_NONE)));
}

static Value *method_type_operator(Evaluator *ev, Value *self, const Arguments *a) {
    Element *element = column_self(ev, self, a->site);
    return element ? element_value(element_type_operator(ev, element, evaluator_native_data(ev), a)) : NULL;
}

static Value *method_any_all(Evaluator *ev, Value *self, const Arguments *a) {
    Element *element = column_self(ev, self, a->site);
    return element ? element_value(element_array_any(ev, element, method_row(ev)->op, a)) : NULL;
}

static Value *method_params(Evaluator *ev, Value *self, const Arguments *a) {
    return element_value(element_with_params(ev, (Element *)self, a));
}

static Value *method_compare(Evaluator *ev, Value *self, const Arguments *a) {
    Value *other = NULL;
    if (!arguments_bind(ev, a, "compare", "other", &other)) return NULL;
    return value_bool(ev, value_is_element(other) && element_same((Element *)self, (Element *)other));
}

#define TYPED(name)                                                                                                    \
    { #name, method_type_operator, NATIVE_METHOD, (void *)(uintptr_t) #name }
const NativeMethod column_methods[] = {
    {"like", method_like, NATIVE_METHOD, ROW(LIKE)},
    {"not_like", method_like, NATIVE_METHOD, ROW(NOT_LIKE)},
    {"notlike", method_like, NATIVE_METHOD, ROW(NOT_LIKE)},
    {"ilike", method_like, NATIVE_METHOD, ROW(ILIKE)},
    {"not_ilike", method_like, NATIVE_METHOD, ROW(NOT_ILIKE)},
    {"notilike", method_like, NATIVE_METHOD, ROW(NOT_ILIKE)},
    {"in_", method_in, NATIVE_METHOD, ROW(IN)},
    {"not_in", method_in, NATIVE_METHOD, ROW(NOT_IN)},
    {"notin_", method_in, NATIVE_METHOD, ROW(NOT_IN)},
    {"is_", method_operate, NATIVE_METHOD, ROW(IS)},
    {"is_not", method_operate, NATIVE_METHOD, ROW(IS_NOT)},
    {"isnot", method_operate, NATIVE_METHOD, ROW(IS_NOT)},
    {"is_distinct_from", method_operate, NATIVE_METHOD, ROW(DISTINCT)},
    {"is_not_distinct_from", method_operate, NATIVE_METHOD, ROW(NOT_DISTINCT)},
    {"isnot_distinct_from", method_operate, NATIVE_METHOD, ROW(NOT_DISTINCT)},
    {"startswith", method_like, NATIVE_METHOD, ROW(STARTSWITH)},
    {"istartswith", method_like, NATIVE_METHOD, ROW(ISTARTSWITH)},
    {"endswith", method_like, NATIVE_METHOD, ROW(ENDSWITH)},
    {"iendswith", method_like, NATIVE_METHOD, ROW(IENDSWITH)},
    {"contains", method_contains, NATIVE_METHOD, ROW(CONTAINS)},
    {"icontains", method_like, NATIVE_METHOD, ROW(ICONTAINS)},
    {"desc", method_modifier, NATIVE_METHOD, ROW(DESC)},
    {"asc", method_modifier, NATIVE_METHOD, ROW(ASC)},
    {"nulls_first", method_modifier, NATIVE_METHOD, ROW(NULLS_FIRST)},
    {"nullsfirst", method_modifier, NATIVE_METHOD, ROW(NULLS_FIRST)},
    {"nulls_last", method_modifier, NATIVE_METHOD, ROW(NULLS_LAST)},
    {"nullslast", method_modifier, NATIVE_METHOD, ROW(NULLS_LAST)},
    {"concat", method_operate, NATIVE_METHOD, ROW(CONCAT)},
    {"bitwise_and", method_operate, NATIVE_METHOD, ROW(BIT_AND)},
    {"bitwise_or", method_operate, NATIVE_METHOD, ROW(BIT_OR)},
    {"bitwise_xor", method_operate, NATIVE_METHOD, ROW(BIT_XOR)},
    {"bitwise_lshift", method_operate, NATIVE_METHOD, ROW(SHIFT_LEFT)},
    {"bitwise_rshift", method_operate, NATIVE_METHOD, ROW(SHIFT_RIGHT)},
    {"bitwise_not", method_bitwise_not, NATIVE_METHOD, NULL},
    {"any_", method_aggregate, NATIVE_METHOD, ROW(ANY)},
    {"all_", method_aggregate, NATIVE_METHOD, ROW(ALL)},
    {"any", method_any_all, NATIVE_METHOD, ROW(ANY)},
    {"all", method_any_all, NATIVE_METHOD, ROW(ALL)},
    {"op", method_op, NATIVE_METHOD, ROW(NE)},
    {"bool_op", method_op, NATIVE_METHOD, ROW(EQ)},
    {"between", method_between, NATIVE_METHOD, NULL},
    {"distinct", method_distinct, NATIVE_METHOD, NULL},
    {"collate", method_collate, NATIVE_METHOD, NULL},
    {"label", method_label, NATIVE_METHOD, NULL},
    {"cast", method_cast, NATIVE_METHOD, NULL},
    {"match", method_match, NATIVE_METHOD, NULL},
    {"regexp_match", method_regexp_match, NATIVE_METHOD, NULL},
    {"regexp_replace", method_regexp_replace, NATIVE_METHOD, NULL},
    {"self_group", method_self_group, NATIVE_METHOD, NULL},
    {"params", method_params, NATIVE_METHOD, NULL},
    {"unique_params", method_params, NATIVE_METHOD, NULL},
    {"compare", method_compare, NATIVE_METHOD, NULL},
    TYPED(contained_by),
    TYPED(has_key),
    TYPED(has_any),
    TYPED(has_all),
    TYPED(overlap),
    TYPED(overlaps),
    TYPED(delete_path),
    TYPED(path_exists),
    TYPED(path_match),
    TYPED(adjacent_to),
    TYPED(strictly_left_of),
    TYPED(strictly_right_of),
    TYPED(not_extend_left_of),
    TYPED(not_extend_right_of),
    TYPED(as_string),
    TYPED(as_integer),
    TYPED(as_float),
    TYPED(as_numeric),
    TYPED(as_boolean),
    TYPED(as_json),
    TYPED(keys),
    TYPED(vals),
    TYPED(defined),
    TYPED(delete),
    TYPED(slice),
    TYPED(array),
    TYPED(matrix),
    TYPED(overlap_with),
    TYPED(union),
    TYPED(intersection),
    TYPED(difference),
    {NULL, NULL, NATIVE_METHOD, NULL},
};
