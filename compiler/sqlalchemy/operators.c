/*
 * Operators: precedence and parentheses, negation, conjunctions, and the result type of `left op right`.
 *
 * Input: coerced elements. Output: a new element whose operands carry the GROUPING that their precedence asks for.
 * Invariants: grouping is decided when an expression is made, never when it is written; and_ and or_ drop what has no
 * effect (true in AND, false in OR), collapse to the one that decides, and splice lists of their own kind.
 * Example: not (a = 1 or b = 2) is NOT (a = 1 OR b = 2); not (a = 1) is a != 1.
 */
#include "compiler/sqlalchemy/sqlalchemy.h"

#include <assert.h>

const OperatorRow operator_rows[SA_OPERATOR_COUNT] = {
#define P(name, python, precedence, spelling, negation, flags)                                                         \
    [SA_##name] = {python, precedence, spelling, SA_##negation, flags},
#include "compiler/sqlalchemy/operators.def"
#undef P
};

#define SMALLEST_PRECEDENCE (-100)
#define LARGEST_PRECEDENCE 100

Op op_of(SaOperator id) { return (Op){.id = id}; }

static bool op_same(Op a, Op b) {
    if (a.id != b.id) return false;
    return a.id != SA_CUSTOM || a.custom == b.custom || slice_equals(a.custom->text, b.custom->text);
}

bool op_is_comparison(Op op) {
    return op.id == SA_CUSTOM ? op.custom->comparison : (operator_rows[op.id].flags & OP_COMPARISON) != 0;
}

static bool op_is_self_precedent(Op op) {
    return op.id == SA_CUSTOM ? op.custom->self_precedent : (operator_rows[op.id].flags & OP_SELF) != 0;
}

static bool op_is_associative(Op op) { return op.id != SA_CUSTOM && (operator_rows[op.id].flags & OP_ASSOCIATIVE); }

static bool op_is_boolean(Op op) {
    return op_is_comparison(op) || op.id == SA_INV || op.id == SA_IS_TRUE || op.id == SA_IS_FALSE || op.id == SA_AND ||
           op.id == SA_OR;
}

static int op_precedence(Op op, int loose) {
    if (op.id == SA_CUSTOM) return op.custom->precedence;
    return operator_rows[op.id].flags & OP_LOOSE ? loose : operator_rows[op.id].precedence;
}

/* Does `op` bind no tighter than `against`, so that parentheses are needed inside it? NONE asks for them always. */
static bool op_is_precedent(Op op, Op against) {
    if (op_same(op, against) && op_is_self_precedent(op)) return false;
    if (against.id == SA_NONE) return true;
    return op_precedence(op, SMALLEST_PRECEDENCE) <= op_precedence(against, LARGEST_PRECEDENCE);
}

static Element *element_grouping(Evaluator *ev, Element *element) {
    Element *grouping = element_with_children(ev, EL_GROUPING, element->type, &element, 1);
    grouping->node = element->node;
    return grouping;
}

static bool element_is_boolean_type(const Element *element) { return element->type->affinity == TYPE_BOOLEAN; }

static Element *element_as_boolean(Evaluator *ev, Element *element, SaOperator op, SaOperator negate) {
    Element *as = element_with_children(ev, EL_AS_BOOLEAN, type_of_kind(ev, TYPE_BOOLEAN), &element, 1);
    OPERATOR(as)->op.id = op;
    OPERATOR(as)->negate.id = negate;
    return as;
}

/* How column expressions without an operator of their own are grouped. */
static Element *group_plain(Evaluator *ev, Element *element, Op against) {
    if ((against.id == SA_AND || against.id == SA_OR || against.id == SA_ASBOOL) && element_is_boolean_type(element))
        return element_as_boolean(ev, element, SA_IS_TRUE, SA_IS_FALSE);
    if (against.id == SA_ANY || against.id == SA_ALL) return element_grouping(ev, element);
    return element;
}

static Element *group_operator(Evaluator *ev, Element *element, Op against) {
    const OperatorElement *e = OPERATOR(element);
    if (element->kind == EL_OPERATOR_LIST && !element->count) return element;
    if ((e->group && op_is_precedent(e->op, against)) || (against.id == SA_INV && !op_is_boolean(e->op)))
        return element_grouping(ev, element);
    return element;
}

/* Column expressions that have no operator of their own. */
static bool element_groups_plainly(ElementKind kind) {
    static const ElementKind kinds[] = {
        EL_COLUMN, EL_BIND,    EL_NULL, EL_TRUE,         EL_FALSE,           EL_CASE,
        EL_CAST,   EL_EXTRACT, EL_OVER, EL_WITHIN_GROUP, EL_FUNCTION_COLUMN, EL_SEQUENCE};
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (kinds[i] == kind) return true;
    return false;
}

Element *element_group_op(Evaluator *ev, Element *element, Op against) {
    switch ((int)element->kind) {
    case EL_BINARY:
    case EL_MATCH:
    case EL_OPERATOR_LIST: return group_operator(ev, element, against);
    case EL_CLAUSE_LIST:
        return OPERATOR(element)->group && op_is_precedent(OPERATOR(element)->op, against)
                   ? element_grouping(ev, element)
                   : element;
    case EL_UNARY:
    case EL_COLLECTION_AGGREGATE:
        return OPERATOR(element)->op.id != SA_NONE && op_is_precedent(OPERATOR(element)->op, against)
                   ? element_grouping(ev, element)
                   : element;
    case EL_TEXT: return against.id == SA_IN || against.id == SA_NOT_IN ? element_grouping(ev, element) : element;
    case EL_TYPE_COERCE:
    case EL_LABEL: {
        Element *inner = element_group_op(ev, element->children[0], against);
        if (inner == element->children[0]) return element;
        Element *copy = element_copy(ev, element);
        copy->children[0] = inner;
        return copy;
    }
    case EL_FUNCTION_FILTER:
        return op_is_precedent(op_of(SA_FILTER), against) ? element_grouping(ev, element) : element;
    case EL_ARRAY:
        return against.id == SA_ANY || against.id == SA_ALL || against.id == SA_GETITEM ? element_grouping(ev, element)
                                                                                        : element;
    case EL_FUNCTION:
        if (against.id == SA_GETITEM && type_is(element->type, TYPE_ARRAY)) return element_grouping(ev, element);
        return group_plain(ev, element, against);
    case EL_SELECT:
    case EL_COMPOUND:
    case EL_TEXTUAL_SELECT: {
        Element *grouping = element_with_children(ev, EL_SELECT_GROUPING, element->type, &element, 1);
        grouping->node = element->node;
        return grouping;
    }
    case EL_JOIN: return element_with_children(ev, EL_FROM_GROUPING, NULL, &element, 1);
    default: return element_groups_plainly(element->kind) ? group_plain(ev, element, against) : element;
    }
}

Element *element_group(Evaluator *ev, Element *element, SaOperator against) {
    return element_group_op(ev, element, op_of(against));
}

/* Whether a dialect without booleans may write the expression as a condition as it is. */
bool element_is_implicitly_boolean(const Element *element) {
    switch ((int)element->kind) {
    case EL_BINARY:
    case EL_MATCH:
    case EL_OPERATOR_LIST: return op_is_boolean(OPERATOR(element)->op);
    case EL_GROUPING:
    case EL_LABEL:
    case EL_AS_BOOLEAN:
    case EL_TYPE_COERCE: return element_is_implicitly_boolean(element->children[0]);
    default: return false;
    }
}

/* ---- making ---- */

Element *element_unary(Evaluator *ev, SaOperator op, Element *operand, SaType *type) {
    Element *inner = element_group(ev, operand, op);
    Element *unary = element_with_children(ev, EL_UNARY, type, &inner, 1);
    OPERATOR(unary)->op.id = op;
    unary->node = operand->node;
    return unary;
}

Element *element_modified(Evaluator *ev, Element *operand, SaOperator modifier) {
    Element *inner = element_group(ev, operand, modifier);
    Element *unary = element_with_children(ev, EL_UNARY, operand->type, &inner, 1);
    OPERATOR(unary)->modifier.id = modifier;
    unary->node = operand->node;
    return unary;
}

Element *element_binary_op(Evaluator *ev, Element *left, Element *right, Op op, Op negate, SaType *type) {
    Element *parts[2] = {element_group_op(ev, left, op), element_group_op(ev, right, op)};
    Element *binary = element_with_children(ev, EL_BINARY, type, parts, 2);
    OPERATOR(binary)->op = op;
    OPERATOR(binary)->negate = right->kind == EL_COLLECTION_AGGREGATE ? op_of(SA_NONE) : negate;
    OPERATOR(binary)->group = true;
    binary->node = left->node ? left->node : right->node;
    return binary;
}

Element *element_binary(Evaluator *ev, Element *left, Element *right, SaOperator op, SaType *type) {
    return element_binary_op(ev, left, right, op_of(op), op_of(operator_rows[op].negation), type);
}

static bool element_joins(const Element *element, Op op, const SaType *type) {
    if (element->kind != EL_BINARY && element->kind != EL_OPERATOR_LIST) return false;
    return op_same(OPERATOR(element)->op, op) && element->type->affinity == type->affinity;
}

static void push_parts(Evaluator *ev, ElementList *list, Element *element, bool spread) {
    if (!spread) {
        element_list_push(ev, list, element);
        return;
    }
    for (int i = 0; i < element->count; i++) element_list_push(ev, list, element->children[i]);
}

Element *element_operator_list(Evaluator *ev, Op op, Element *const *items, int count, bool group, SaType *type) {
    Element *list = element_with_children(ev, EL_OPERATOR_LIST, type, items, count);
    for (int i = 0; group && i < count; i++) list->children[i] = element_group_op(ev, items[i], op);
    OPERATOR(list)->op = op;
    OPERATOR(list)->group = group;
    return list;
}

/* BINARY, or one list where either side is a chain of the same associative operator already. */
Element *element_for_op(Evaluator *ev, Element *left, Element *right, Op op, Op negate, SaType *type) {
    if (op_is_associative(op)) {
        bool left_joins = element_joins(left, op, type), right_joins = element_joins(right, op, type);
        if (left_joins || right_joins) {
            ElementList parts = {0};
            push_parts(ev, &parts, left, left_joins);
            push_parts(ev, &parts, right, right_joins);
            return element_operator_list(ev, op, parts.items, parts.count, true, type);
        }
    }
    return element_binary_op(ev, left, right, op, negate, type);
}

Element *element_clause_list(Evaluator *ev, Element *const *items, int count, bool group) {
    Element *list = element_with_children(ev, EL_CLAUSE_LIST, NULL, items, count);
    for (int i = 0; group && i < count; i++) list->children[i] = element_group(ev, items[i], SA_COMMA);
    OPERATOR(list)->op.id = SA_COMMA;
    OPERATOR(list)->group = true;
    return list;
}

/* ---- and_, or_ ---- */

/* Groups what is left after constants have done their work; `*several` says whether an operator stands between. */
static ElementList conjunction_parts(Evaluator *ev, SaOperator op, Element *const *items, int count, bool *several) {
    ElementKind skip = op == SA_AND ? EL_TRUE : EL_FALSE, decides = op == SA_AND ? EL_FALSE : EL_TRUE;
    ElementList kept = {0}, out = {0};
    Element *skipped = NULL;
    SaOperator against = SA_ASBOOL;
    for (int i = 0; i < count; i++) {
        if (items[i]->kind == skip) {
            skipped = items[i];
        } else if (items[i]->kind == decides) {
            kept = (ElementList){0};
            element_list_push(ev, &kept, items[i]);
            break;
        } else {
            if (kept.count) against = op;
            element_list_push(ev, &kept, items[i]);
        }
    }
    if (!kept.count && skipped) element_list_push(ev, &kept, skipped);
    *several = kept.count > 1;
    for (int i = 0; i < kept.count; i++) element_list_push(ev, &out, element_group(ev, kept.items[i], against));
    return out;
}

static Element *conjunction_new(Evaluator *ev, SaOperator op, const ElementList *parts) {
    Element *list =
        element_with_children(ev, EL_OPERATOR_LIST, type_of_kind(ev, TYPE_BOOLEAN), parts->items, parts->count);
    OPERATOR(list)->op.id = op;
    OPERATOR(list)->group = true;
    OPERATOR(list)->boolean_list = true;
    return list;
}

/* and_() of nothing says nothing. */
static bool is_empty_conjunction(const Element *element) {
    return element->kind == EL_OPERATOR_LIST && !element->count && ((const OperatorElement *)element)->boolean_list;
}

static ElementList without_empty(Evaluator *ev, Element *const *items, int count) {
    ElementList kept = {0};
    for (int i = 0; i < count; i++)
        if (!is_empty_conjunction(items[i])) element_list_push(ev, &kept, items[i]);
    return kept;
}

static Element *element_conjunction(Evaluator *ev, SaOperator op, Element *const *items, int count) {
    bool several;
    ElementList kept = without_empty(ev, items, count);
    items = kept.items;
    count = kept.count;
    ElementList parts = conjunction_parts(ev, op, items, count, &several);
    if (!several && parts.count) return parts.items[0];
    ElementList flat = {0};
    for (int i = 0; i < parts.count; i++) {
        Element *part = parts.items[i];
        bool same = part->kind == EL_OPERATOR_LIST && OPERATOR(part)->op.id == op;
        push_parts(ev, &flat, part, same);
    }
    return conjunction_new(ev, op, &flat);
}

Element *element_and(Evaluator *ev, Element *const *items, int count) {
    return element_conjunction(ev, SA_AND, items, count);
}

Element *element_or(Evaluator *ev, Element *const *items, int count) {
    return element_conjunction(ev, SA_OR, items, count);
}

Element *element_where(Evaluator *ev, const ElementList *criteria) {
    ElementList kept = without_empty(ev, criteria->items, criteria->count);
    if (!kept.count) return NULL;
    bool several;
    ElementList parts = conjunction_parts(ev, SA_AND, kept.items, kept.count, &several);
    assert(parts.count);
    if (!several) return parts.items[0];
    return conjunction_new(ev, SA_AND, &parts);
}

/* ---- negation ---- */

static Element *negate_plain(Evaluator *ev, Element *element) {
    if (element_is_boolean_type(element)) return element_as_boolean(ev, element, SA_IS_FALSE, SA_IS_TRUE);
    return element_unary(ev, SA_INV, element_group(ev, element, SA_INV), NULL);
}

static Element *negate_binary(Evaluator *ev, Element *element) {
    const OperatorElement *binary = OPERATOR(element);
    if (binary->negate.id == SA_NONE) return negate_plain(ev, element_grouping(ev, element));
    Element *copy = element_copy(ev, element);
    OPERATOR(copy)->op = binary->negate;
    OPERATOR(copy)->negate = binary->op;
    copy->original = NULL;
    Element *right = copy->children[1];
    if (right->kind == EL_BIND && BIND(right)->expanding && BIND(right)->expand_op == binary->op.id) {
        copy->children[1] = element_copy(ev, right);
        BIND(copy->children[1])->expand_op = binary->negate.id;
    }
    return copy;
}

Element *element_not(Evaluator *ev, Element *element) {
    SaState *state = sa_state(ev);
    switch ((int)element->kind) {
    case EL_TRUE: return state->false_element;
    case EL_FALSE: return state->true_element;
    case EL_BINARY:
    case EL_MATCH: return negate_binary(ev, element);
    case EL_OPERATOR_LIST: return element_unary(ev, SA_INV, element_group(ev, element, SA_INV), NULL);
    case EL_UNARY:
    case EL_COLLECTION_AGGREGATE:
        if (element_is_boolean_type(element))
            return element_unary(ev, SA_INV, element_group(ev, element, SA_INV), type_of_kind(ev, TYPE_BOOLEAN));
        return element_unary(ev, SA_INV, element_group(ev, element, SA_INV), NULL);
    case EL_AS_BOOLEAN:
        if (element->children[0]->kind == EL_TRUE || element->children[0]->kind == EL_FALSE)
            return element_not(ev, element->children[0]);
        return element_as_boolean(ev, element->children[0], OPERATOR(element)->negate.id, OPERATOR(element)->op.id);
    case EL_LABEL: {
        Element *copy = element_copy(ev, element);
        copy->children[0] = element_not(ev, element->children[0]);
        return copy;
    }
    default: return negate_plain(ev, element);
    }
}

/* ---- the type of `left op right` ---- */

/* A(operator, left, right, result): arithmetic between different kinds of types. */
typedef struct Adaptation {
    SaOperator op;
    TypeKind left, right, result;
} Adaptation;
static const Adaptation adaptations[] = {
    {SA_ADD, TYPE_INTEGER, TYPE_DATE, TYPE_DATE},
    {SA_ADD, TYPE_INTEGER, TYPE_NUMERIC, TYPE_NUMERIC},
    {SA_MUL, TYPE_INTEGER, TYPE_INTERVAL, TYPE_INTERVAL},
    {SA_MUL, TYPE_INTEGER, TYPE_NUMERIC, TYPE_NUMERIC},
    {SA_TRUEDIV, TYPE_INTEGER, TYPE_INTEGER, TYPE_NUMERIC},
    {SA_TRUEDIV, TYPE_INTEGER, TYPE_NUMERIC, TYPE_NUMERIC},
    {SA_FLOORDIV, TYPE_INTEGER, TYPE_NUMERIC, TYPE_NUMERIC},
    {SA_SUB, TYPE_INTEGER, TYPE_NUMERIC, TYPE_NUMERIC},
    {SA_MUL, TYPE_NUMERIC, TYPE_INTERVAL, TYPE_INTERVAL},
    {SA_SUB, TYPE_DATETIME, TYPE_DATETIME, TYPE_INTERVAL},
    {SA_ADD, TYPE_DATE, TYPE_INTERVAL, TYPE_DATETIME},
    {SA_ADD, TYPE_DATE, TYPE_TIME, TYPE_DATETIME},
    {SA_SUB, TYPE_DATE, TYPE_DATE, TYPE_INTEGER},
    {SA_SUB, TYPE_DATE, TYPE_INTERVAL, TYPE_DATETIME},
    {SA_SUB, TYPE_DATE, TYPE_DATETIME, TYPE_INTERVAL},
    {SA_ADD, TYPE_TIME, TYPE_DATE, TYPE_DATETIME},
    {SA_SUB, TYPE_TIME, TYPE_TIME, TYPE_INTERVAL},
    {SA_ADD, TYPE_INTERVAL, TYPE_DATE, TYPE_DATETIME},
    {SA_ADD, TYPE_INTERVAL, TYPE_DATETIME, TYPE_DATETIME},
    {SA_ADD, TYPE_INTERVAL, TYPE_TIME, TYPE_TIME},
};

static bool type_concatenates(const SaType *type) {
    return type->affinity == TYPE_STRING || type->affinity == TYPE_ARRAY || type->affinity == TYPE_JSON ||
           type->affinity == TYPE_HSTORE;
}

SaType *type_adapt(Evaluator *ev, Op *op, SaType *left, SaType *right) {
    bool commutative = op->id == SA_ADD || op->id == SA_MUL || op->id == SA_EQ || op->id == SA_NE;
    if (left->affinity == TYPE_NULL) {
        if (right->affinity == TYPE_NULL || !commutative) return left;
        SaType *type = right;
        right = left;
        left = type;
    }
    if (op->id == SA_ADD && type_concatenates(left) && (type_concatenates(right) || right->affinity == TYPE_NULL)) {
        op->id = SA_CONCAT;
        return left;
    }
    for (size_t i = 0; i < sizeof adaptations / sizeof *adaptations; i++) {
        const Adaptation *a = &adaptations[i];
        if (a->op != op->id || a->left != left->affinity || a->right != right->affinity) continue;
        if (a->result == right->affinity) return right;
        if (a->result == left->affinity) return left;
        return type_of_kind(ev, a->result);
    }
    return left;
}
