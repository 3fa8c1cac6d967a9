/*
 * The queryset value: making one, adding an operation, its slots (slice, iteration, truth, len, &, |).
 */
#include "compiler/django/queryset.h"

#include "compiler/django/django.h"
#include "compiler/django/fetch.h"
#include "compiler/django/query_state.h"

DjQuerySet *dj_queryset_new(Evaluator *ev, Class *cls, DjModel *model, const Node *site) {
    DjQuerySet *queryset = instance_allocate(ev, cls ? cls : dj_state(ev)->queryset_class, sizeof *queryset);
    queryset->model = model;
    queryset->site = site;
    return queryset;
}

DjQuerySet *dj_queryset_copy(Evaluator *ev, DjQuerySet *queryset, const Node *site) {
    DjQuerySet *copy = ARENA_NEW(evaluator_arena(ev), DjQuerySet);
    *copy = *queryset;
    copy->instance.attributes = atom_map_copy(&queryset->instance.attributes, evaluator_arena(ev));
    copy->fetched = NULL;
    copy->is_query = false;
    if (site) copy->site = site;
    return copy;
}

DjQuerySet *dj_queryset_push(Evaluator *ev, DjQuerySet *queryset, DjOpKind kind, const Node *site, DjOp **op) {
    DjQuerySet *next = dj_queryset_copy(ev, queryset, site);
    *op = ARENA_NEW(evaluator_arena(ev), DjOp);
    (*op)->kind = kind;
    (*op)->previous = queryset->last;
    (*op)->site = site;
    (*op)->sticky = queryset->sticky_next;
    next->sticky_next = false;
    next->last = *op;
    return next;
}

/* ---- slots ---- */

static bool slice_bound(Evaluator *ev, Value *value, const Node *site, Value **out) {
    *out = NULL;
    if (!value || value_is_none(value)) return true;
    int64_t number;
    if (value_as_integer(value, &number) && number < 0)
        return evaluator_raise_id(ev, EXCEPTION_VALUE, site, "Negative indexing is not supported.") != NULL;
    if (!value_as_integer(value, &number) && !value_is_unknown(value))
        return evaluator_raise_id(ev, EXCEPTION_TYPE, site, "QuerySet indices must be integers or slices, not %s.",
                                  value->type->name) != NULL;
    *out = value;
    return true;
}

static Value *queryset_get_item(Evaluator *ev, Value *self, Value *key, const Node *site) {
    DjOp *op;
    DjQuerySet *queryset = value_as_queryset(self);
    if (value_is(key, VALUE_SLICE)) {
        SliceValue *bounds = (SliceValue *)key;
        DjQuerySet *sliced = dj_queryset_push(ev, queryset, DJ_OP_SLICE, site, &op);
        if (!slice_bound(ev, bounds->lower, site, &op->low) || !slice_bound(ev, bounds->upper, site, &op->high))
            return NULL;
        int64_t low;
        sliced->sliced |= op->high || (op->low && (!value_as_integer(op->low, &low) || low != 0));
        /* a step reads the rows at once */
        return bounds->step && !value_is_none(bounds->step) ? dj_queryset_rows(ev, sliced, site) : (Value *)sliced;
    }
    DjQuerySet *one = dj_queryset_push(ev, queryset, DJ_OP_SLICE, site, &op);
    if (!slice_bound(ev, key, site, &op->low)) return NULL;
    op->flag = true; /* one row from `low` on */
    one->sliced = true;
    return dj_queryset_item(ev, one, site);
}

static Value *queryset_iterate(Evaluator *ev, Value *self, const Node *site) {
    return dj_queryset_rows(ev, value_as_queryset(self), site);
}

static Truth queryset_truth(Evaluator *ev, Value *self, const Node *site) {
    Value *rows = dj_queryset_rows(ev, value_as_queryset(self), site);
    return rows ? value_truth(ev, rows, site) : TRUTH_ERROR;
}

static Value *queryset_length(Evaluator *ev, Value *self, const Node *site) {
    Value *rows = dj_queryset_rows(ev, value_as_queryset(self), site);
    if (!rows) return NULL;
    if (value_is(rows, VALUE_LIST) || value_is(rows, VALUE_TUPLE)) return value_integer(ev, ((ListValue *)rows)->count);
    return value_unknown_at(ev, site);
}

static Value *queryset_contains(Evaluator *ev, Value *self, Value *item, const Node *site) {
    (void)item;
    return dj_queryset_rows(ev, value_as_queryset(self), site) ? value_unknown_at(ev, site) : NULL;
}

/* A sliced side of | and ^ becomes a filter by its keys. */
static DjQuerySet *unsliced(Evaluator *ev, DjQuerySet *queryset, const Node *site) {
    if (!queryset->sliced) return queryset;
    DjOp *op;
    DjQuerySet *keys = dj_queryset_push(ev, queryset, DJ_OP_VALUES, site, &op);
    op->names = ARENA_ARRAY(evaluator_arena(ev), Slice, 1);
    op->spans = ARENA_ARRAY(evaluator_arena(ev), Span, 1);
    op->names[0] = SLICE("pk");
    op->count = 1;
    keys->has_fields = true;
    DjExpr *q = dj_q_condition(ev, SLICE("pk__in"), (Value *)keys, site);
    return dj_queryset_filter(ev, dj_queryset_new(ev, NULL, queryset->model, site), q, site);
}

/* qs & qs, qs | qs, qs ^ qs: one query with both conditions. */
static Value *queryset_binary(Evaluator *ev, Operator op, Value *self, Value *other, bool reflected, const Node *site) {
    if ((op != OP_BitAnd && op != OP_BitOr && op != OP_BitXor) || !value_is_queryset(other)) return NULL;
    DjQuerySet *left = value_as_queryset(reflected ? other : self),
               *right = value_as_queryset(reflected ? self : other);
    if (left->model != right->model && left->model->concrete != right->model->concrete)
        return evaluator_raise_id(ev, EXCEPTION_TYPE, site, "Cannot combine queries on two different base models.");
    if (left->combined || right->combined) {
        const char *symbol = op == OP_BitAnd ? "&" : op == OP_BitOr ? "|" : "^";
        return evaluator_raise_id(ev, EXCEPTION_TYPE, site, "Cannot use %s operator with combined queryset.", symbol);
    }
    if (op != OP_BitAnd) {
        left = unsliced(ev, left, site);
        right = unsliced(ev, right, site);
        if (!left || !right) return NULL;
    }
    DjOp *added;
    DjQuerySet *merged = dj_queryset_push(ev, left, DJ_OP_MERGE, site, &added);
    added->connector = op == OP_BitAnd ? DJ_AND : op == OP_BitOr ? DJ_OR : DJ_XOR;
    added->querysets = ARENA_ARRAY(evaluator_arena(ev), DjQuerySet *, 1);
    added->querysets[0] = right;
    added->queryset_count = 1;
    return (Value *)merged;
}

static void queryset_describe(Evaluator *ev, Value *self, Buffer *out) {
    enum { SHOWN = 20 };
    DjQuerySet *queryset = value_as_queryset(self);
    Value *rows = queryset->fetched;
    if (!rows && evaluator_has_rows(ev) && queryset->site) {
        Value *bounds = value_slice(ev, value_none(ev), value_integer(ev, SHOWN + 1), value_none(ev));
        Value *some = queryset_get_item(ev, self, bounds, queryset->site);
        rows = some ? dj_queryset_rows(ev, value_as_queryset(some), queryset->site) : NULL;
    }
    if (rows && value_is(rows, VALUE_LIST)) {
        const ListValue *list = (const ListValue *)rows;
        buffer_text(out, "<QuerySet [");
        for (int i = 0; i < list->count && i < SHOWN; i++)
            buffer_format(out, "%s%.*s", i ? ", " : "", SLICE_ARGS(value_repr(ev, list->items[i])));
        buffer_text(out, list->count > SHOWN ? ", '...(remaining elements truncated)...']>" : "]>");
        return;
    }
    buffer_format(out, "<QuerySet of %.*s>", SLICE_ARGS(queryset->model->name->text));
}

static Value *queryset_attribute(Evaluator *ev, Value *self, Atom name, const Node *site) {
    (void)site;
    DjQuerySet *queryset = value_as_queryset(self);
    if (slice_equals_text(name->text, "model")) return (Value *)queryset->model->cls;
    if (slice_equals_text(name->text, "db")) return value_string(ev, SLICE("default"));
    if (slice_equals_text(name->text, "ordered")) return value_bool(ev, true);
    if (slice_equals_text(name->text, "query")) {
        DjQuerySet *query = dj_queryset_copy(ev, queryset, queryset->site);
        query->is_query = true;
        return (Value *)query;
    }
    return NULL;
}

static bool queryset_settle(Evaluator *ev, Value *self) { return dj_queryset_query(ev, value_as_queryset(self)); }

const Type dj_queryset_type = {
    .name = "QuerySet",
    .kind = VALUE_NATIVE,
    .get_attribute = queryset_attribute,
    .get_item = queryset_get_item,
    .iterate = queryset_iterate,
    .truth = queryset_truth,
    .length = queryset_length,
    .contains = queryset_contains,
    .binary = queryset_binary,
    .describe = queryset_describe,
    .settle = queryset_settle,
    .has_attributes = true,
};

DjExpr *dj_queryset_as_value(DjQuery *outer, Value *value, const DjResolve *how, const Node *site) {
    DjQuerySet *queryset = value_as_queryset(value);
    DjExpr *expr = dj_expr_new(outer->ev, DJ_QUERY, site, 0);
    expr->as.subquery.queryset = queryset;
    return dj_resolve(outer, expr, how);
}
