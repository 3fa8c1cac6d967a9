/*
 * Methods of QuerySet that give another queryset: filter, annotate, order_by, values, union, … Each checks what Django
 * checks at the call and adds one operation; everything else is decided when the query is needed.
 */
#include "compiler/django/django.h"
#include "compiler/django/expression_classes.h"
#include "compiler/django/fetch.h"
#include "compiler/django/function.h"
#include "compiler/django/prefetch.h"
#include "compiler/django/raw.h"
#include "compiler/django/query_state.h"

static Arena *arena_of(Evaluator *ev) { return evaluator_arena(ev); }

/* ---- checks ---- */

static const char *combined_by(const DjQuerySet *queryset) { return dj_combinator_method(queryset->combinator); }

bool dj_mistaken_before(Evaluator *ev, DjQuerySet *queryset) { return !dj_queryset_query(ev, queryset); }

bool dj_refuse_combined(Evaluator *ev, DjQuerySet *queryset, const char *method, const Node *site) {
    if (!queryset->combined) return true;
    if (dj_mistaken_before(ev, queryset)) return false;
    return evaluator_raise(ev, django_state(ev)->not_supported_error, evaluator_mistake_span(ev, site),
                           "Calling QuerySet.%s() after %s() is not supported.", method, combined_by(queryset)) != NULL;
}

bool dj_refuse_sliced(Evaluator *ev, DjQuerySet *queryset, const char *what, const Node *site) {
    if (!queryset->sliced) return true;
    if (dj_mistaken_before(ev, queryset)) return false;
    return evaluator_raise_id(ev, EXCEPTION_TYPE, site, "Cannot %s once a slice has been taken.", what) != NULL;
}

/* ---- reading arguments ---- */

/* Positional strings with the places where they were written. -1: an error is pending. */
static int read_names(Evaluator *ev, const Arguments *arguments, const char *method, Slice **names, Span **spans) {
    *names = ARENA_ARRAY(arena_of(ev), Slice, arguments->count + 1);
    *spans = ARENA_ARRAY(arena_of(ev), Span, arguments->count + 1);
    int count = 0;
    for (int i = 0; i < arguments->count; i++) {
        Value *value = arguments->items[i];
        const Node *node = arguments->nodes ? arguments->nodes[i] : arguments->site;
        if (value_is_unknown(value)) {
            evaluator_warn(ev, CODE_UNSUPPORTED, evaluator_span(ev, node), "%s() with a name that is not known here",
                           method);
            continue;
        }
        if (!value_is(value, VALUE_STRING)) {
            evaluator_raise_id(ev, EXCEPTION_TYPE, node, "%s() takes names of fields, not %s", method,
                               value->type->name);
            return -1;
        }
        (*names)[count] = value_text(value);
        (*spans)[count++] = evaluator_span(ev, node);
    }
    return count;
}

static DjExpr *keyword_condition(Evaluator *ev, const Keyword *keyword) {
    DjExpr *condition = dj_condition_new(ev, keyword->name->text, keyword->value, keyword->node);
    condition->as.condition.span = evaluator_keyword_span(ev, keyword);
    return condition;
}

static DjExpr *positional_condition(Evaluator *ev, Value *value, const Node *node) {
    if (value_is_expr(value)) return value_expr(value);
    const ListValue *pair = (const ListValue *)value;
    if (value_is(value, VALUE_TUPLE) && pair->count == 2 && value_is(pair->items[0], VALUE_STRING))
        return dj_condition_new(ev, value_text(pair->items[0]), pair->items[1], node);
    if (value_is(value, VALUE_DICT))
        return evaluator_raise(ev, django_state(ev)->field_error, evaluator_mistake_span(ev, node),
                               "Cannot parse keyword query as dict");
    if (value_is(value, VALUE_STRING) && value_text(value).length != 2)
        return evaluator_raise_id(ev, EXCEPTION_VALUE, node,
                                  value_text(value).length < 2 ? "not enough values to unpack (expected 2, got %d)"
                                                               : "too many values to unpack (expected 2)",
                                  (int)value_text(value).length);
    return evaluator_raise_id(ev, EXCEPTION_TYPE, node, "Cannot filter against a non-conditional expression.");
}

/* filter(name == 'x') compares a name of the program, where a keyword was probably meant. */
static void warn_condition(Evaluator *ev, const Value *unknown, const Node *node) {
    Diagnostic *warning = evaluator_warn_left_out(ev, unknown, evaluator_span(ev, node), "a condition");
    const NodeCompare *compare = node->kind == NODE_Compare ? NODE_AS(Compare, node) : NULL;
    if (warning && compare && compare->left->kind == NODE_Name && compare->ops.items[0] == COMPARE_Eq)
        warning->help = slice_format(arena_of(ev), "fields are compared by keywords: %.*s=…",
                                     SLICE_ARGS(NODE_AS(Name, compare->left)->id->text));
}

DjExpr *dj_q_from_arguments(Evaluator *ev, const Arguments *arguments) {
    DjExpr *q = dj_q_new(ev, arguments->site);
    for (int i = 0; i < arguments->count; i++) {
        const Node *node = arguments->nodes ? arguments->nodes[i] : arguments->site;
        if (value_is_unknown(arguments->items[i])) {
            warn_condition(ev, arguments->items[i], node);
            if (evaluator_error_pending(ev)) return NULL;
            continue;
        }
        DjExpr *condition = positional_condition(ev, arguments->items[i], node);
        if (!condition) return NULL;
        dj_q_push(ev, q, condition);
    }
    Keyword *sorted = ARENA_ARRAY(arena_of(ev), Keyword, arguments->keyword_count + 1);
    for (int i = 0; i < arguments->keyword_count; i++) {
        int at = i;
        for (; at > 0 && slice_compare(arguments->keywords[i].name->text, sorted[at - 1].name->text) < 0; at--)
            sorted[at] = sorted[at - 1];
        sorted[at] = arguments->keywords[i];
    }
    for (int i = 0; i < arguments->keyword_count; i++) dj_q_push(ev, q, keyword_condition(ev, &sorted[i]));
    if (arguments->unknown_keywords) evaluator_warn_open(ev, arguments, "keywords");
    return evaluator_error_pending(ev) ? NULL : q;
}

/* ---- filter, exclude ---- */

DjQuerySet *dj_queryset_filter(Evaluator *ev, DjQuerySet *queryset, DjExpr *q, const Node *site) {
    DjOp *op;
    DjQuerySet *next = dj_queryset_push(ev, queryset, DJ_OP_FILTER, site, &op);
    op->expr = q;
    return next;
}

static Value *filter_or_exclude(Evaluator *ev, Value *self, const Arguments *arguments, bool negate) {
    DjQuerySet *queryset = value_as_queryset(self);
    if (!dj_refuse_combined(ev, queryset, negate ? "exclude" : "filter", arguments->site)) return NULL;
    if ((arguments->count || arguments->keyword_count) &&
        !dj_refuse_sliced(ev, queryset, "filter a query", arguments->site))
        return NULL;
    for (int i = 0; i < arguments->keyword_count; i++) {
        Slice name = arguments->keywords[i].name->text;
        if (slice_equals_text(name, "_connector") || slice_equals_text(name, "_negated"))
            return evaluator_raise(ev, evaluator_exception(ev, EXCEPTION_TYPE),
                                   evaluator_keyword_span(ev, &arguments->keywords[i]),
                                   "The following kwargs are invalid: '%.*s'", SLICE_ARGS(name));
    }
    DjExpr *q = dj_q_from_arguments(ev, arguments);
    if (!q) return NULL;
    q->as.node.negated = negate;
    return (Value *)dj_queryset_filter(ev, queryset, q, arguments->site);
}

static Value *method_filter(Evaluator *ev, Value *self, const Arguments *arguments) {
    return filter_or_exclude(ev, self, arguments, false);
}
static Value *method_exclude(Evaluator *ev, Value *self, const Arguments *arguments) {
    return filter_or_exclude(ev, self, arguments, true);
}

static Value *method_complex_filter(Evaluator *ev, Value *self, const Arguments *arguments) {
    if (arguments->count == 1 && value_is(arguments->items[0], VALUE_DICT)) {
        const DictValue *dict = (const DictValue *)arguments->items[0];
        Arguments spread = {.site = arguments->site};
        spread.keywords = ARENA_ARRAY(arena_of(ev), Keyword, dict->count + 1);
        for (int i = 0; i < dict->count; i++) {
            Value *key = dict->entries[i].key;
            const Node *node = dict->entries[i].node ? dict->entries[i].node : arguments->site;
            if (value_is_unknown(key)) spread.unknown_keywords = true;
            else
                spread.keywords[spread.keyword_count++] =
                    (Keyword){value_as_atom(ev, key), dict->entries[i].value, node};
        }
        return filter_or_exclude(ev, self, &spread, false);
    }
    return filter_or_exclude(ev, self, arguments, false);
}

static Value *method_all(Evaluator *ev, Value *self, const Arguments *arguments) {
    return (Value *)dj_queryset_copy(ev, value_as_queryset(self), arguments->site);
}

static Value *method_none(Evaluator *ev, Value *self, const Arguments *arguments) {
    DjOp *op;
    return (Value *)dj_queryset_push(ev, value_as_queryset(self), DJ_OP_NONE, arguments->site, &op);
}

/* ---- annotate, alias ---- */

/* The `name` of an aggregate class; those of contrib.postgres have none. */
static Slice aggregate_name(Evaluator *ev, const DjExpr *expr) {
    static const char *const named[] = {"Avg", "Count", "Max", "Min", "StdDev", "Sum", "Variance"};
    Atom attribute = atom_lookup(evaluator_atoms(ev), SLICE("name"));
    Value *own = attribute && expr->instance.head.cls ? class_find(expr->instance.head.cls, attribute) : NULL;
    if (own && value_is(own, VALUE_STRING)) return value_text(own);
    for (size_t i = 0; i < sizeof named / sizeof *named; i++)
        if (strcmp(named[i], expr->as.func.spec->name) == 0) return slice_from(named[i]);
    return (Slice){0};
}

/* What gives an aggregate its name is one field and nothing else. */
static bool is_complex_aggregate(const DjExpr *expr) {
    return expr->count != 1 || expr->as.func.filter || expr->as.func.order_by || expr->args[0]->kind != DJ_F;
}

static bool is_aggregate(const DjExpr *expr) {
    return expr->kind == DJ_FUNC && expr->as.func.spec->flags & DJF_AGGREGATE;
}

/* The name of an aggregate without one: price__avg. Empty: it needs a name. */
Slice dj_default_alias(Evaluator *ev, const DjExpr *expr) {
    if (!is_aggregate(expr) || is_complex_aggregate(expr)) return (Slice){0};
    Slice name = aggregate_name(ev, expr);
    if (!name.length) return (Slice){0};
    return slice_format(arena_of(ev), "%.*s__%.*s", SLICE_ARGS(expr->args[0]->as.f.name),
                        SLICE_ARGS(slice_lower(arena_of(ev), name)));
}

static bool name_is_taken(Evaluator *ev, const DjQuerySet *queryset, Slice name) {
    if (queryset->has_fields) {
        for (int i = 0; i < queryset->field_count; i++)
            if (slice_equals(queryset->fields[i], name)) return true;
        return false;
    }
    Atom atom = atom_lookup(evaluator_atoms(ev), name);
    DjFound found = atom ? model_find_field(ev, queryset->model, atom) : (DjFound){0};
    return found.field || (found.rel && !found.rel->hidden);
}

static bool annotation_put(Evaluator *ev, const DjQuerySet *queryset, DjOp *op, Slice name, Value *value, Span span,
                           const Node *node) {
    if (!value_is_expr(value) && !value_is_queryset(value)) {
        if (value_is_unknown(value)) {
            evaluator_warn_left_out(ev, value, span, "an annotation");
            return !evaluator_error_pending(ev);
        }
        Slice shown = value_is(value, VALUE_STRING) ? value_text(value) : value_repr(ev, value);
        return evaluator_raise_id(ev, EXCEPTION_TYPE, node, "QuerySet.annotate() received non-expression(s): %.*s.",
                                  SLICE_ARGS(shown)) != NULL;
    }
    if (name_is_taken(ev, queryset, name))
        return evaluator_raise(ev, evaluator_exception(ev, EXCEPTION_VALUE), span,
                               "The annotation '%.*s' conflicts with a field on the model.", SLICE_ARGS(name)) != NULL;
    op->names[op->count] = name;
    op->spans[op->count] = span;
    op->exprs[op->count++] = dj_parse(ev, value, false, node);
    return true;
}

static Value *annotate(Evaluator *ev, Value *self, const Arguments *arguments, bool select) {
    DjQuerySet *queryset = value_as_queryset(self);
    if (!dj_refuse_combined(ev, queryset, select ? "annotate" : "alias", arguments->site)) return NULL;
    DjOp *op;
    DjQuerySet *next = dj_queryset_push(ev, queryset, DJ_OP_ANNOTATE, arguments->site, &op);
    int most = arguments->count + arguments->keyword_count + 1;
    op->names = ARENA_ARRAY(arena_of(ev), Slice, most);
    op->spans = ARENA_ARRAY(arena_of(ev), Span, most);
    op->exprs = ARENA_ARRAY(arena_of(ev), DjExpr *, most);
    op->flag = select;
    op->all = queryset->has_fields;
    for (int i = 0; i < arguments->count; i++) {
        const Node *node = arguments->nodes ? arguments->nodes[i] : arguments->site;
        Value *value = arguments->items[i];
        Slice name = value_is_expr(value) ? dj_default_alias(ev, value_expr(value)) : (Slice){0};
        if (!name.length && value_is_expr(value))
            return evaluator_raise_id(ev, EXCEPTION_TYPE, node, "Complex annotations require an alias");
        for (int k = 0; k < arguments->keyword_count; k++)
            if (slice_equals(arguments->keywords[k].name->text, name))
                return evaluator_raise_id(ev, EXCEPTION_VALUE, node,
                                          "The named annotation '%.*s' conflicts with the default name for another "
                                          "annotation.",
                                          SLICE_ARGS(name));
        if (!annotation_put(ev, queryset, op, name, value, evaluator_span(ev, node), node)) return NULL;
    }
    for (int i = 0; i < arguments->keyword_count; i++) {
        const Keyword *keyword = &arguments->keywords[i];
        if (!annotation_put(ev, queryset, op, keyword->name->text, keyword->value, evaluator_keyword_span(ev, keyword),
                            keyword->node))
            return NULL;
    }
    return (Value *)next;
}

static Value *method_annotate(Evaluator *ev, Value *self, const Arguments *arguments) {
    return annotate(ev, self, arguments, true);
}
static Value *method_alias(Evaluator *ev, Value *self, const Arguments *arguments) {
    return annotate(ev, self, arguments, false);
}

/* ---- ordering ---- */

/* Names and expressions of order_by(). false: an error is pending. */
bool dj_read_orderings(Evaluator *ev, const Arguments *arguments, DjOrdering **out, int *count) {
    *out = ARENA_ARRAY(arena_of(ev), DjOrdering, arguments->count + 1);
    *count = 0;
    for (int i = 0; i < arguments->count; i++) {
        Value *value = value_usual(arguments->items[i]);
        const Node *node = arguments->nodes ? arguments->nodes[i] : arguments->site;
        DjOrdering *item = &(*out)[*count];
        item->span = evaluator_span(ev, node);
        if (value_is(value, VALUE_STRING)) {
            item->name = value_text(value);
        } else if (value_is_expr(value) || value_is_queryset(value)) {
            /* count() and exists() drop the ordering: its mistakes would go with it */
            if (!value_settle(ev, value)) return false;
            item->expr = dj_parse(ev, value, false, node);
        } else if (value_is_unknown(value)) {
            evaluator_warn_left_out(ev, value, item->span, "an ordering");
            if (evaluator_error_pending(ev)) return false;
            continue;
        } else {
            return evaluator_raise(ev, django_state(ev)->field_error, item->span, "Invalid order_by arguments: [%.*s]",
                                   SLICE_ARGS(value_repr(ev, value))) != NULL;
        }
        (*count)++;
    }
    return true;
}

static Value *method_order_by(Evaluator *ev, Value *self, const Arguments *arguments) {
    DjQuerySet *queryset = value_as_queryset(self);
    if (!dj_refuse_sliced(ev, queryset, "reorder a query", arguments->site)) return NULL;
    DjOp *op;
    DjQuerySet *next = dj_queryset_push(ev, queryset, DJ_OP_ORDER_BY, arguments->site, &op);
    return dj_read_orderings(ev, arguments, &op->orderings, &op->count) ? (Value *)next : NULL;
}

static Value *method_reverse(Evaluator *ev, Value *self, const Arguments *arguments) {
    DjQuerySet *queryset = value_as_queryset(self);
    if (!dj_refuse_sliced(ev, queryset, "reverse a query", arguments->site)) return NULL;
    DjOp *op;
    return (Value *)dj_queryset_push(ev, queryset, DJ_OP_REVERSE, arguments->site, &op);
}

/* An operation whose arguments are names only. */
static DjQuerySet *push_names(Evaluator *ev, DjQuerySet *queryset, DjOpKind kind, const char *method,
                              const Arguments *arguments, DjOp **op) {
    DjQuerySet *next = dj_queryset_push(ev, queryset, kind, arguments->site, op);
    (*op)->count = read_names(ev, arguments, method, &(*op)->names, &(*op)->spans);
    return (*op)->count < 0 ? NULL : next;
}

static Value *method_distinct(Evaluator *ev, Value *self, const Arguments *arguments) {
    DjQuerySet *queryset = value_as_queryset(self);
    DjOp *op;
    if (!dj_refuse_combined(ev, queryset, "distinct", arguments->site) ||
        !dj_refuse_sliced(ev, queryset, "create distinct fields", arguments->site))
        return NULL;
    DjQuerySet *next = push_names(ev, queryset, DJ_OP_DISTINCT, "distinct", arguments, &op);
    if (next) next->distinct_fields = op->count > 0;
    return (Value *)next;
}

static bool is_single_none(const Arguments *arguments) {
    return arguments->count == 1 && value_is_none(arguments->items[0]);
}

static Value *method_defer(Evaluator *ev, Value *self, const Arguments *arguments) {
    DjQuerySet *queryset = value_as_queryset(self);
    DjOp *op;
    if (!dj_refuse_combined(ev, queryset, "defer", arguments->site)) return NULL;
    if (queryset->has_fields)
        return evaluator_raise_id(ev, EXCEPTION_TYPE, arguments->site,
                                  "Cannot call defer() after .values() or .values_list()");
    if (is_single_none(arguments)) {
        DjQuerySet *next = dj_queryset_push(ev, queryset, DJ_OP_DEFER, arguments->site, &op);
        op->flag = true;
        return (Value *)next;
    }
    return (Value *)push_names(ev, queryset, DJ_OP_DEFER, "defer", arguments, &op);
}

static Value *method_only(Evaluator *ev, Value *self, const Arguments *arguments) {
    DjQuerySet *queryset = value_as_queryset(self);
    DjOp *op;
    if (!dj_refuse_combined(ev, queryset, "only", arguments->site)) return NULL;
    if (queryset->has_fields)
        return evaluator_raise_id(ev, EXCEPTION_TYPE, arguments->site,
                                  "Cannot call only() after .values() or .values_list()");
    if (is_single_none(arguments))
        return evaluator_raise_id(ev, EXCEPTION_TYPE, arguments->site, "Cannot pass None as an argument to only().");
    return (Value *)push_names(ev, queryset, DJ_OP_ONLY, "only", arguments, &op);
}

static Value *method_select_related(Evaluator *ev, Value *self, const Arguments *arguments) {
    DjQuerySet *queryset = value_as_queryset(self);
    DjOp *op;
    if (!dj_refuse_combined(ev, queryset, "select_related", arguments->site)) return NULL;
    if (queryset->has_fields)
        return evaluator_raise_id(ev, EXCEPTION_TYPE, arguments->site,
                                  "Cannot call select_related() after .values() or .values_list()");
    if (is_single_none(arguments)) {
        DjQuerySet *next = dj_queryset_push(ev, queryset, DJ_OP_SELECT_RELATED, arguments->site, &op);
        op->flag = true;
        return (Value *)next;
    }
    return (Value *)push_names(ev, queryset, DJ_OP_SELECT_RELATED, "select_related", arguments, &op);
}

/* ---- values, values_list ---- */

typedef struct ValueNames {
    Slice *names;
    Span *spans;
    int count;
    Arguments annotations; /* expressions among the fields, under their names */
} ValueNames;

static bool is_given_name(const Arguments *arguments, const ValueNames *out, Slice name) {
    for (int i = 0; i < arguments->count; i++)
        if (value_is(arguments->items[i], VALUE_STRING) && slice_equals(value_text(arguments->items[i]), name))
            return true;
    for (int i = 0; i < out->count; i++)
        if (slice_equals(out->names[i], name)) return true;
    return false;
}

/* A number is put behind the name of an expression, or of a field that was named before. */
static Slice numbered_name(Evaluator *ev, const Arguments *arguments, const ValueNames *out, Slice prefix,
                           int *counter) {
    for (;; (*counter)++) {
        Slice name = slice_format(arena_of(ev), "%.*s%d", SLICE_ARGS(prefix), *counter);
        if (!is_given_name(arguments, out, name)) return name;
    }
}

static bool named_before(const ValueNames *out, Slice name) {
    for (int i = 0; i < out->count; i++)
        if (slice_equals(out->names[i], name)) return true;
    return false;
}

/* `queryset.query` is a Query. */
static Slice queryset_class_name(const DjQuerySet *queryset) {
    return queryset->is_query ? SLICE("query") : (Slice){0};
}

static bool read_value_names(Evaluator *ev, const Arguments *arguments, bool expressions_allowed, ValueNames *out) {
    int most = arguments->count + arguments->keyword_count + 1, counter = 1;
    out->names = ARENA_ARRAY(arena_of(ev), Slice, most);
    out->spans = ARENA_ARRAY(arena_of(ev), Span, most);
    out->annotations = (Arguments){.site = arguments->site};
    out->annotations.keywords = ARENA_ARRAY(arena_of(ev), Keyword, most);
    for (int i = 0; i < arguments->count; i++) {
        Value *value = value_usual(arguments->items[i]);
        const Node *node = arguments->nodes ? arguments->nodes[i] : arguments->site;
        bool expression = expressions_allowed && (value_is_expr(value) || value_is_queryset(value));
        if (value_is_unknown(value)) {
            evaluator_warn_left_out(ev, value, evaluator_span(ev, node), "a name");
            if (evaluator_error_pending(ev)) return false;
            continue;
        }
        if (!expression && !value_is(value, VALUE_STRING))
            return evaluator_raise_id(ev, EXCEPTION_TYPE, node, "values() takes names of fields, not %s",
                                      value->type->name) != NULL;
        Slice name;
        if (expression) {
            DjExpr *given = value_is_expr(value) ? value_expr(value) : NULL;
            if (given && is_aggregate(given) && is_complex_aggregate(given))
                return evaluator_raise_id(ev, EXCEPTION_TYPE, node, "Complex expressions require an alias") != NULL;
            name = given ? dj_default_alias(ev, given) : queryset_class_name(value_as_queryset(value));
            if (!name.length) name = slice_lower(arena_of(ev), given ? dj_class_name(given) : SLICE("queryset"));
        } else {
            name = value_text(value);
            if (expressions_allowed && named_before(out, name)) {
                value = (Value *)dj_f(ev, name, node);
                expression = true;
            }
        }
        if (expression) {
            name = numbered_name(ev, arguments, out, name, &counter);
            out->annotations.keywords[out->annotations.keyword_count++] =
                (Keyword){atom_intern(evaluator_atoms(ev), name), value, node};
        }
        out->names[out->count] = name;
        out->spans[out->count++] = evaluator_span(ev, node);
    }
    return true;
}

static Value *push_values(Evaluator *ev, DjQuerySet *queryset, const ValueNames *names, DjRows rows, const Node *site) {
    if (names->annotations.keyword_count) {
        Value *annotated = annotate(ev, (Value *)queryset, &names->annotations, true);
        if (!annotated) return NULL;
        queryset = value_as_queryset(annotated);
    }
    DjOp *op;
    DjQuerySet *next = dj_queryset_push(ev, queryset, DJ_OP_VALUES, site, &op);
    op->names = next->fields = names->names;
    op->spans = names->spans;
    op->count = next->field_count = names->count;
    next->has_fields = true;
    next->rows = rows;
    return (Value *)next;
}

static Value *method_values(Evaluator *ev, Value *self, const Arguments *arguments) {
    ValueNames names = {0};
    if (!read_value_names(ev, arguments, false, &names)) return NULL;
    for (int i = 0; i < arguments->keyword_count; i++) {
        names.annotations.keywords[names.annotations.keyword_count++] = arguments->keywords[i];
        names.names[names.count] = arguments->keywords[i].name->text;
        names.spans[names.count++] = evaluator_keyword_span(ev, &arguments->keywords[i]);
    }
    return push_values(ev, value_as_queryset(self), &names, DJ_ROWS_DICT, arguments->site);
}

static Value *method_values_list(Evaluator *ev, Value *self, const Arguments *arguments) {
    ValueNames names = {0};
    bool flat = false, named = false;
    for (int i = 0; i < arguments->keyword_count; i++) {
        Slice name = arguments->keywords[i].name->text;
        bool set = value_is_true(arguments->keywords[i].value);
        if (slice_equals_text(name, "flat")) flat = set;
        else if (slice_equals_text(name, "named")) named = set;
        else
            return evaluator_raise(
                ev, evaluator_exception(ev, EXCEPTION_TYPE), evaluator_keyword_span(ev, &arguments->keywords[i]),
                "QuerySet.values_list() got an unexpected keyword argument '%.*s'", SLICE_ARGS(name));
    }
    if (flat && named)
        return evaluator_raise_id(ev, EXCEPTION_TYPE, arguments->site, "'flat' and 'named' can't be used together.");
    if (flat && arguments->count > 1)
        return evaluator_raise_id(ev, EXCEPTION_TYPE, arguments->site,
                                  "'flat' is not valid when values_list is called with more than one field.");
    if (!read_value_names(ev, arguments, true, &names)) return NULL;
    DjRows rows = named ? DJ_ROWS_NAMED : flat ? DJ_ROWS_FLAT : DJ_ROWS_TUPLE;
    return push_values(ev, value_as_queryset(self), &names, rows, arguments->site);
}

/* ---- union, intersection, difference ---- */

static bool ends_in_none(const DjQuerySet *queryset) {
    for (const DjOp *op = queryset->last; op; op = op->previous)
        if (op->kind == DJ_OP_NONE) return true;
    return false;
}

static Value *combine(Evaluator *ev, Value *self, const Arguments *arguments, DjCombinator combinator) {
    DjQuerySet *queryset = value_as_queryset(self);
    bool all = arguments->keyword_count && value_is_true(arguments->keywords[0].value);
    for (int i = 0; i < arguments->count; i++)
        if (!value_is_queryset(arguments->items[i])) return value_unknown_at(ev, arguments->site);
    /* empty parts of a union are dropped at once; an empty first part gives way to the first that is not */
    DjQuerySet **others = ARENA_ARRAY(arena_of(ev), DjQuerySet *, arguments->count + 1);
    int count = 0;
    for (int i = 0; i < arguments->count; i++) others[count++] = value_as_queryset(arguments->items[i]);
    if (combinator == DJ_COMBINE_UNION && ends_in_none(queryset)) {
        int kept = 0;
        for (int i = 0; i < count; i++)
            if (!ends_in_none(others[i])) others[kept++] = others[i];
        if (!kept) return (Value *)queryset;
        if (kept == 1) return (Value *)others[0];
        queryset = others[0];
        memmove(others, others + 1, sizeof *others * (size_t)(kept - 1));
        count = kept - 1;
    } else if (combinator == DJ_COMBINE_INTERSECTION) {
        if (ends_in_none(queryset)) return (Value *)queryset;
        for (int i = 0; i < count; i++)
            if (ends_in_none(others[i])) return (Value *)others[i];
    } else if (combinator == DJ_COMBINE_DIFFERENCE && ends_in_none(queryset)) {
        return (Value *)queryset;
    }
    DjOp *op;
    DjQuerySet *next = dj_queryset_push(ev, queryset, DJ_OP_COMBINE, arguments->site, &op);
    op->combinator = next->combinator = combinator;
    op->all = all;
    op->querysets = others;
    op->queryset_count = count;
    next->combined = true;
    next->sliced = false;
    return (Value *)next;
}

static Value *method_union(Evaluator *ev, Value *self, const Arguments *arguments) {
    return combine(ev, self, arguments, DJ_COMBINE_UNION);
}
static Value *method_intersection(Evaluator *ev, Value *self, const Arguments *arguments) {
    return combine(ev, self, arguments, DJ_COMBINE_INTERSECTION);
}
static Value *method_difference(Evaluator *ev, Value *self, const Arguments *arguments) {
    return combine(ev, self, arguments, DJ_COMBINE_DIFFERENCE);
}

/* ---- locks, databases ---- */

static Value *method_select_for_update(Evaluator *ev, Value *self, const Arguments *arguments) {
    Value *nowait = NULL, *skip = NULL, *of = NULL, *no_key = NULL;
    if (!arguments_bind(ev, arguments, "select_for_update", "| nowait skip_locked of no_key", &nowait, &skip, &of,
                        &no_key))
        return NULL;
    DjOp *op;
    DjQuerySet *next = dj_queryset_push(ev, value_as_queryset(self), DJ_OP_LOCK, arguments->site, &op);
    op->lock = ARENA_NEW(arena_of(ev), DjLockArguments);
    op->lock->nowait = nowait && value_is_true(nowait);
    op->lock->skip_locked = skip && value_is_true(skip);
    op->lock->no_key = no_key && value_is_true(no_key);
    if (op->lock->nowait && op->lock->skip_locked)
        return evaluator_raise_id(ev, EXCEPTION_VALUE, arguments->site,
                                  "The nowait option cannot be used with skip_locked.");
    if (of && (value_is(of, VALUE_TUPLE) || value_is(of, VALUE_LIST))) {
        const ListValue *list = (const ListValue *)of;
        const Node *node = arguments_keyword_node(arguments, atom_intern_text(evaluator_atoms(ev), "of"));
        op->lock->of = ARENA_ARRAY(arena_of(ev), Slice, list->count + 1);
        op->lock->of_spans = ARENA_ARRAY(arena_of(ev), Span, list->count + 1);
        for (int i = 0; i < list->count; i++) {
            if (!value_is(list->items[i], VALUE_STRING)) continue;
            op->lock->of_spans[op->lock->of_count] = evaluator_span(ev, node ? node : arguments->site);
            op->lock->of[op->lock->of_count++] = value_text(list->items[i]);
        }
    }
    next->locked = true;
    return (Value *)next;
}

static Value *method_using(Evaluator *ev, Value *self, const Arguments *arguments) {
    DjQuerySet *next = dj_queryset_copy(ev, value_as_queryset(self), arguments->site);
    next->using_alias = arguments->count ? arguments->items[0] : NULL;
    return (Value *)next;
}

static Value *method_iterator(Evaluator *ev, Value *self, const Arguments *arguments) {
    return (Value *)dj_queryset_copy(ev, value_as_queryset(self), arguments->site);
}

static Value *method_prefetch_related(Evaluator *ev, Value *self, const Arguments *arguments) {
    DjQuerySet *queryset = value_as_queryset(self);
    if (!dj_refuse_combined(ev, queryset, "prefetch_related", arguments->site)) return NULL;
    DjQuerySet *next = dj_queryset_copy(ev, queryset, arguments->site);
    return dj_prefetch_add(ev, next, arguments) ? (Value *)next : NULL;
}

const NativeMethod dj_queryset_methods[] = {
    {"all", method_all, NATIVE_METHOD, NULL},
    {"filter", method_filter, NATIVE_METHOD, NULL},
    {"exclude", method_exclude, NATIVE_METHOD, NULL},
    {"complex_filter", method_complex_filter, NATIVE_METHOD, NULL},
    {"none", method_none, NATIVE_METHOD, NULL},
    {"annotate", method_annotate, NATIVE_METHOD, NULL},
    {"alias", method_alias, NATIVE_METHOD, NULL},
    {"order_by", method_order_by, NATIVE_METHOD, NULL},
    {"reverse", method_reverse, NATIVE_METHOD, NULL},
    {"distinct", method_distinct, NATIVE_METHOD, NULL},
    {"defer", method_defer, NATIVE_METHOD, NULL},
    {"only", method_only, NATIVE_METHOD, NULL},
    {"select_related", method_select_related, NATIVE_METHOD, NULL},
    {"prefetch_related", method_prefetch_related, NATIVE_METHOD, NULL},
    {"values", method_values, NATIVE_METHOD, NULL},
    {"values_list", method_values_list, NATIVE_METHOD, NULL},
    {"union", method_union, NATIVE_METHOD, NULL},
    {"intersection", method_intersection, NATIVE_METHOD, NULL},
    {"difference", method_difference, NATIVE_METHOD, NULL},
    {"select_for_update", method_select_for_update, NATIVE_METHOD, NULL},
    {"extra", dj_method_extra, NATIVE_METHOD, NULL},
    {"raw", dj_method_raw, NATIVE_METHOD, NULL},
    {"using", method_using, NATIVE_METHOD, NULL},
    {"iterator", method_iterator, NATIVE_METHOD, NULL},
    {"aiterator", method_iterator, NATIVE_METHOD, NULL},
    {NULL, NULL, NATIVE_METHOD, NULL},
};
