/*
 * Making Django's expressions: constructors, operators (F("a") + 1, Q(x) | Q(y), ~Exists(…)), where trees.
 * Classes and their constructors as Python sees them stand in expression_classes.c.
 */
#include "compiler/django/expression.h"

#include "compiler/django/function.h"
#include "compiler/django/function_compile.h"
#include "compiler/django/query_state.h"
#include "compiler/django/queryset.h"
#include "compiler/django/types_query.h"

DjExpr *dj_expr_new(Evaluator *ev, DjKind kind, const Node *site, int count) {
    DjExpr *expr = ARENA_NEW(evaluator_arena(ev), DjExpr);
    expr->instance.head = (Value){&dj_expr_type, dj_state(ev)->expression_class};
    expr->kind = kind;
    expr->site = site;
    expr->count = count;
    if (count) expr->args = ARENA_ARRAY(evaluator_arena(ev), DjExpr *, count);
    return expr;
}

DjExpr *dj_copy(Evaluator *ev, const DjExpr *expr) {
    DjExpr *copy = ARENA_NEW(evaluator_arena(ev), DjExpr);
    *copy = *expr;
    copy->compiled = NULL;
    if (!expr->count) return copy;
    copy->args = ARENA_ARRAY(evaluator_arena(ev), DjExpr *, expr->count);
    memcpy(copy->args, expr->args, sizeof(DjExpr *) * (size_t)expr->count);
    return copy;
}

DjExpr *dj_f(Evaluator *ev, Slice name, const Node *site) {
    DjExpr *expr = dj_expr_new(ev, DJ_F, site, 0);
    expr->as.f.name = name;
    return expr;
}

DjExpr *dj_value(Evaluator *ev, Value *value, DjField *output_field, const Node *site) {
    DjExpr *expr = dj_expr_new(ev, DJ_VALUE, site, 0);
    expr->as.value.value = value;
    expr->output_field = output_field;
    expr->output_decided = output_field != NULL;
    return expr;
}

DjExpr *dj_col(Evaluator *ev, DjJoin *join, DjField *target, DjField *output_field) {
    DjExpr *expr = dj_expr_new(ev, DJ_COL, NULL, 0);
    expr->as.col.join = join;
    expr->as.col.target = target;
    if (!output_field) output_field = target->rel ? field_final_target(ev, target) : target;
    expr->output_field = output_field ? output_field : target;
    expr->output_decided = true;
    expr->flags = DJ_RESOLVED | DJ_HAS_COLUMNS;
    return expr;
}

DjExpr *dj_ref(Evaluator *ev, Slice name, DjExpr *source) {
    DjExpr *expr = dj_expr_new(ev, DJ_REF, source->site, 1);
    expr->as.ref.name = name;
    expr->args[0] = source;
    expr->flags = DJ_RESOLVED | (source->flags & DJ_INHERITED_FLAGS);
    return expr;
}

DjExpr *dj_star(Evaluator *ev) {
    DjExpr *expr = dj_expr_new(ev, DJ_STAR, NULL, 0);
    expr->flags = DJ_RESOLVED;
    return expr;
}

DjExpr *dj_order_by(Evaluator *ev, DjExpr *inner, bool descending, NullsOrder nulls, const Node *site) {
    DjExpr *expr = dj_expr_new(ev, DJ_ORDER_BY, site, 1);
    expr->args[0] = inner;
    expr->as.order.descending = descending;
    expr->as.order.nulls = nulls;
    expr->flags = inner->flags & (DJ_RESOLVED | DJ_INHERITED_FLAGS);
    return expr;
}

DjExpr *dj_list(Evaluator *ev, DjExpr *const *items, int count) {
    DjExpr *expr = dj_expr_new(ev, DJ_LIST, count ? items[0]->site : NULL, count);
    for (int i = 0; i < count; i++) {
        expr->args[i] = items[i];
        expr->flags |= items[i]->flags & DJ_INHERITED_FLAGS;
    }
    return expr;
}

DjExpr *dj_combined(Evaluator *ev, Slice op, DjExpr *left, DjExpr *right, const Node *site) {
    DjExpr *expr = dj_expr_new(ev, DJ_COMBINED, site, 2);
    expr->args[0] = left;
    expr->args[1] = right;
    expr->as.combined.op = op;
    return expr;
}

/* ---- where trees ---- */

DjExpr *dj_where(Evaluator *ev, DjConnector connector, bool negated) {
    DjExpr *where = dj_expr_new(ev, DJ_WHERE, NULL, 0);
    where->as.node.connector = connector;
    where->as.node.negated = negated;
    where->flags = DJ_RESOLVED | DJ_HAS_WHERE;
    return where;
}

static void node_push(Evaluator *ev, DjExpr *node, DjExpr *child) {
    int capacity = node->count < 4 ? 4 : node->count;
    /* capacity is a power of two at least as large as the count: grow when the count reaches one */
    if (node->count == 0 || (node->count >= 4 && (node->count & (node->count - 1)) == 0)) {
        DjExpr **larger = ARENA_ARRAY(evaluator_arena(ev), DjExpr *, node->count ? capacity * 2 : 4);
        if (node->count) memcpy(larger, node->args, sizeof(DjExpr *) * (size_t)node->count);
        node->args = larger;
    }
    node->args[node->count++] = child;
    node->flags |= child->flags & DJ_INHERITED_FLAGS;
}

void dj_where_push(Evaluator *ev, DjExpr *where, DjExpr *child) { node_push(ev, where, child); }

void dj_where_add(Evaluator *ev, DjExpr *where, DjExpr *child, DjConnector connector) {
    DjKind kind = where->kind;
    if (where->as.node.connector == connector) {
        bool same = child->kind == kind && !child->as.node.negated &&
                    (child->as.node.connector == connector || child->count == 1);
        for (int i = 0; same && i < child->count; i++) node_push(ev, where, child->args[i]);
        if (!same) node_push(ev, where, child);
        return;
    }
    DjExpr *old = dj_copy(ev, where);
    where->as.node.connector = connector;
    where->args = NULL;
    where->count = 0;
    node_push(ev, where, old);
    node_push(ev, where, child);
}

/* ---- arguments ---- */

const Node *dj_argument_site(const Arguments *arguments, const Value *value) {
    for (int i = 0; arguments->nodes && i < arguments->count; i++)
        if (arguments->items[i] == value) return arguments->nodes[i];
    for (int i = 0; i < arguments->keyword_count; i++)
        if (arguments->keywords[i].value == value) {
            const Node *node = arguments->keywords[i].node;
            return node && node->kind == NODE_keyword ? NODE_AS(keyword, node)->value : node;
        }
    return arguments->site;
}

DjExpr *dj_parse(Evaluator *ev, Value *value, bool strings_are_fields, const Node *site) {
    if (value_is_expr(value)) return value_expr(value);
    if (value_is_queryset(value)) {
        DjExpr *expr = dj_expr_new(ev, DJ_SUBQUERY, site, 0);
        expr->as.subquery.queryset = value_as_queryset(value);
        return expr;
    }
    if (strings_are_fields) value = value_usual(value);
    if (strings_are_fields && value_is(value, VALUE_STRING)) return dj_f(ev, value_text(value), site);
    return dj_value(ev, value, NULL, site);
}

/* ---- operators ---- */

static Slice operator_text(Operator op) {
    switch (op) {
    case OP_Add: return SLICE("+");
    case OP_Sub: return SLICE("-");
    case OP_Mult: return SLICE("*");
    case OP_Div: return SLICE("/");
    case OP_Mod: return SLICE("%%");
    case OP_Pow: return SLICE("^");
    case OP_MatMult:
    case OP_LShift:
    case OP_RShift:
    case OP_BitOr:
    case OP_BitXor:
    case OP_BitAnd:
    case OP_FloorDiv: break;
    }
    return (Slice){0};
}

/* An operand as Django's _combine takes it: a plain value becomes Value(…). */
static DjExpr *operand(Evaluator *ev, Value *value, const Node *site) {
    if (value_is_expr(value)) return value_expr(value);
    if (value_is_queryset(value)) return dj_parse(ev, value, false, site);
    return dj_value(ev, value, NULL, site);
}

static bool is_q_like(Evaluator *ev, Value *value) {
    return value_is_expr(value) && (value_expr(value)->kind == DJ_Q || dj_is_conditional(ev, value_expr(value)));
}

static DjExpr *as_q(Evaluator *ev, DjExpr *expr) {
    if (expr->kind == DJ_Q) return expr;
    DjExpr *q = dj_q_new(ev, expr->site);
    node_push(ev, q, expr);
    return q;
}

DjExpr *dj_q_new(Evaluator *ev, const Node *site) {
    DjExpr *q = dj_expr_new(ev, DJ_Q, site, 0);
    q->instance.head.cls = dj_state(ev)->q_class;
    return q;
}

void dj_q_push(Evaluator *ev, DjExpr *q, DjExpr *child) { node_push(ev, q, child); }

DjExpr *dj_condition_new(Evaluator *ev, Slice name, Value *value, const Node *site) {
    DjExpr *condition = dj_expr_new(ev, DJ_CONDITION, site, 0);
    condition->as.condition.name = name;
    condition->as.condition.value = value;
    condition->as.condition.value_node = site;
    condition->as.condition.span = evaluator_span(ev, site);
    return condition;
}

DjExpr *dj_q_condition(Evaluator *ev, Slice name, Value *value, const Node *site) {
    DjExpr *q = dj_q_new(ev, site);
    dj_q_push(ev, q, dj_condition_new(ev, name, value, site));
    return q;
}

/* Of `known & unknown` what is known stays; no other combination says anything. */
static Value *combine_unknown(Evaluator *ev, DjConnector connector, Value *left, Value *right, const Node *site) {
    Value *known = value_is_unknown(left) ? right : left, *unknown = known == left ? right : left;
    if (connector != DJ_AND || value_is_unknown(known)) return value_unknown_at(ev, site);
    evaluator_warn_left_out(ev, unknown, evaluator_span(ev, site), "a condition");
    return evaluator_error_pending(ev) ? NULL : known;
}

/* Q & Q, Q | Q, Q ^ Q: an empty side gives the other one. */
static Value *combine_q(Evaluator *ev, DjConnector connector, Value *self, Value *other, const Node *site) {
    if (value_is_unknown(self) || value_is_unknown(other)) return combine_unknown(ev, connector, self, other, site);
    if (!is_q_like(ev, self) || !is_q_like(ev, other))
        return evaluator_raise_id(ev, EXCEPTION_TYPE, site, "unsupported operand type(s) for %s: 'Q' and '%s'",
                                  connector == DJ_AND  ? "&"
                                  : connector == DJ_OR ? "|"
                                                       : "^",
                                  other->type->name);
    DjExpr *left = as_q(ev, value_expr(self)), *right = as_q(ev, value_expr(other));
    if (!left->count) return (Value *)right;
    if (!right->count) return (Value *)left;
    DjExpr *q = dj_q_new(ev, site);
    q->as.node.connector = connector;
    dj_where_add(ev, q, left, connector);
    dj_where_add(ev, q, right, connector);
    return (Value *)q;
}

static Value *combine_operator(Evaluator *ev, Operator op, Value *self, Value *other, bool reflected,
                               const Node *site) {
    Value *left = reflected ? other : self, *right = reflected ? self : other;
    DjExpr *search = dj_combine_search(ev, op, left, right, site);
    if (search) return (Value *)search;
    bool conditions = op == OP_BitAnd || op == OP_BitOr || op == OP_BitXor;
    if (conditions && (value_expr(self)->kind == DJ_Q || (is_q_like(ev, left) && is_q_like(ev, right))))
        return combine_q(ev, op == OP_BitAnd ? DJ_AND : op == OP_BitOr ? DJ_OR : DJ_XOR, left, right, site);
    if (conditions)
        return evaluator_raise_id(ev, EXCEPTION_NOT_IMPLEMENTED, site,
                                  "Use .bitand(), .bitor(), and .bitxor() for bitwise logical operations.");
    Slice text = operator_text(op);
    if (!text.length || value_expr(self)->kind == DJ_Q) return NULL;
    return (Value *)dj_combined(ev, text, operand(ev, left, site), operand(ev, right, site), site);
}

static Value *negate_condition(Evaluator *ev, DjExpr *expr, const Node *site) {
    DjExpr *search = dj_invert_search(ev, expr);
    if (search) return (Value *)search;
    if (expr->kind == DJ_Q) {
        DjExpr *copy = dj_copy(ev, expr);
        copy->as.node.negated = !copy->as.node.negated;
        return (Value *)copy;
    }
    if (expr->kind == DJ_NEGATED) return (Value *)expr->args[0];
    DjExpr *negated = dj_expr_new(ev, DJ_NEGATED, site, 1);
    negated->args[0] = expr;
    return (Value *)negated;
}

static Value *apply_unary(Evaluator *ev, UnaryOperator op, Value *self, const Node *site) {
    switch (op) {
    case UNARY_Invert: return negate_condition(ev, value_expr(self), site);
    case UNARY_USub:
        return (Value *)dj_combined(ev, SLICE("*"), value_expr(self), dj_value(ev, value_integer(ev, -1), NULL, site),
                                    site);
    case UNARY_UAdd:
    case UNARY_Not: break;
    }
    return evaluator_raise_id(ev, EXCEPTION_TYPE, site, "bad operand type for unary +: '%s'",
                              self->cls->name->text.start);
}

static bool expr_equals_value(Evaluator *ev, Value *self, Value *other) {
    (void)ev;
    return value_is_expr(other) && dj_equal(value_expr(self), value_expr(other));
}

static Truth expr_truth(Evaluator *ev, Value *self, const Node *site) {
    (void)ev;
    (void)site;
    return value_expr(self)->kind == DJ_Q && !value_expr(self)->count ? TRUTH_FALSE : TRUTH_TRUE;
}

static Value *expr_get_item(Evaluator *ev, Value *self, Value *key, const Node *site) {
    return dj_slice_expression(ev, value_expr(self), key, site);
}

static void expr_describe(Evaluator *ev, Value *self, Buffer *out) { dj_describe(ev, value_expr(self), out); }

/* The querysets in an expression, in the order in which they were made. */
static bool settle_expression(Evaluator *ev, DjExpr *expr, int depth) {
    if (!expr || depth > DJ_MAX_DEPTH) return true;
    bool query = expr->kind == DJ_SUBQUERY || expr->kind == DJ_EXISTS || expr->kind == DJ_QUERY;
    if (query && expr->as.subquery.queryset && !dj_queryset_query(ev, expr->as.subquery.queryset)) return false;
    if (expr->kind == DJ_CONDITION && expr->as.condition.value) {
        Value *value = value_resolve(expr->as.condition.value);
        if (value_is_queryset(value) && !dj_queryset_query(ev, value_as_queryset(value))) return false;
        if (value_is_expr(value) && !settle_expression(ev, value_expr(value), depth + 1)) return false;
    }
    for (int i = 0; i < expr->count; i++)
        if (!settle_expression(ev, expr->args[i], depth + 1)) return false;
    return expr->kind != DJ_FUNC || settle_expression(ev, expr->as.func.filter, depth + 1);
}

static bool expr_settle(Evaluator *ev, Value *self) { return settle_expression(ev, value_expr(self), 0); }

const Type dj_expr_type = {
    .name = "Expression",
    .kind = VALUE_NATIVE,
    .binary = combine_operator,
    .unary = apply_unary,
    .get_item = expr_get_item,
    .get_attribute = dj_expr_attribute,
    .truth = expr_truth,
    .equals = expr_equals_value,
    .describe = expr_describe,
    .settle = expr_settle,
    .has_attributes = true,
};
