/*
 * filter() and exclude(): conditions of the program to resolved WHERE trees.
 *
 * Each condition resolves its path to joins and a column, makes the lookup, and votes for the joins it needs; after
 * the children of a Q, the votes promote joins to LEFT or demote them to INNER (see JoinVotes). A negated condition
 * over a multi-valued relation becomes NOT EXISTS (subquery) (exclude.c); a negated condition on a nullable column gets
 * AND column IS NOT NULL, so that NULL compares as in Python.
 *
 *     Book.objects.exclude(publisher__name="x")
 *     NOT (publisher.name = 'x' AND publisher.name IS NOT NULL), publisher joined LEFT when the FK is nullable
 */
#include "compiler/django/where.h"

#include "compiler/django/django.h"
#include "compiler/django/instance.h"
#include "compiler/django/lookup.h"
#include "compiler/django/queryset.h"

/* How often each join was needed by the children of one connector. */
typedef struct JoinVotes {
    DjJoin **joins;
    int *votes;
    int count, capacity, vote_capacity, vote_count;
} JoinVotes;

static void votes_add(Evaluator *ev, JoinVotes *votes, const DjJoinSet *needed) {
    for (int i = 0; i < needed->count; i++) {
        int at = 0;
        while (at < votes->count && votes->joins[at] != needed->items[i]) at++;
        if (at == votes->count) {
            ARENA_PUSH(evaluator_arena(ev), votes->joins, votes->count, votes->capacity) = needed->items[i];
            ARENA_PUSH(evaluator_arena(ev), votes->votes, votes->vote_count, votes->vote_capacity) = 0;
        }
        votes->votes[at]++;
    }
}

/*
 * OR: a join that not every child needs must be LEFT, or it would remove rows that another child matches; one that
 * all need may be INNER. AND: one child that needs it is enough for INNER. NOT swaps the two.
 */
static void votes_apply(DjQuery *query, const JoinVotes *votes, bool or_like, int children, DjJoinSet *inner) {
    DjJoinSet promote = {0};
    for (int i = 0; i < votes->count; i++) {
        if (or_like && votes->votes[i] < children) dj_join_set_add(query->ev, &promote, votes->joins[i]);
        if (!or_like || votes->votes[i] == children) dj_join_set_add(query->ev, inner, votes->joins[i]);
    }
    dj_promote(query, &promote);
    dj_demote(query, inner);
}

static DjExpr *where_of(Evaluator *ev, DjExpr *condition) {
    DjExpr *where = dj_where(ev, DJ_AND, false);
    dj_where_add(ev, where, condition, DJ_AND);
    return where;
}

/* An expression as a condition: filter(Exists(…)), filter(F("active")). */
static DjExpr *build_expression(DjQuery *query, DjExpr *expr, const DjFilter *filter) {
    Evaluator *ev = query->ev;
    if (!dj_is_conditional(ev, expr)) {
        if (!dj_output_field(ev, expr, false) && evaluator_error_pending(ev)) return NULL;
        return evaluator_raise_id(ev, EXCEPTION_TYPE, expr->site,
                                  "Cannot filter against a non-conditional expression.");
    }
    DjResolve how = {.allow_joins = filter->allow_joins, .reuse = filter->reuse, .summarize = filter->summarize};
    DjExpr *condition = dj_resolve(query, expr, &how);
    if (!condition) return NULL;
    if (condition->kind != DJ_LOOKUP)
        condition = dj_build_lookup(query, NULL, 0, condition, value_bool(ev, true), evaluator_span(ev, expr->site),
                                    expr->site);
    return condition ? where_of(ev, condition) : NULL;
}

/* A relation that is its model's primary key (Restaurant.place) is compared with objects of that model, too. */
static bool is_comparable(const DjJoined *joined, const DjModel *with) {
    const DjModel *model = joined->names.model;
    const DjField *key = joined->names.final_field.field;
    if (model_is_subclass(with, model) || model_is_subclass(model, with)) return true;
    return key && key->primary_key && (model_is_subclass(with, key->model) || model_is_subclass(key->model, with));
}

/* "Cannot query "x": Must be "Author" instance." for instances and querysets of another model. */
static bool check_related_value(DjQuery *query, const DjJoined *joined, Value *value, const Node *site) {
    DjInstance *instance = value_as_model_instance(value);
    const DjModel *model = joined->names.model;
    if (!instance || !model || !instance->model || is_comparable(joined, instance->model)) return true;
    Value *text = value_str(query->ev, value, site);
    evaluator_clear_error(query->ev);
    Slice shown = text && value_is(text, VALUE_STRING) ? value_text(text) : instance->text;
    return evaluator_raise_id(query->ev, EXCEPTION_VALUE, site, "Cannot query \"%.*s\": Must be \"%.*s\" instance.",
                              SLICE_ARGS(shown), SLICE_ARGS(model->name->text)) != NULL;
}

static bool check_related_objects(DjQuery *query, const DjJoined *joined, Value *value, const Node *site) {
    DjFound final = joined->names.final_field;
    if (!final.rel && !final.field->is_relation) return true;
    DjModel *model = joined->names.model;
    if (value_is_expr(value)) {
        DjExpr *expr = value_expr(value);
        if (expr->kind != DJ_QUERY) return true;
        DjQuery *inner = expr->as.subquery.query;
        if (inner->has_selected || !inner->model || is_comparable(joined, inner->model)) return true;
        return evaluator_raise_id(query->ev, EXCEPTION_VALUE, site,
                                  "Cannot use QuerySet for \"%.*s\": Use a QuerySet for \"%.*s\".",
                                  SLICE_ARGS(inner->model->name->text), SLICE_ARGS(model->name->text)) != NULL;
    }
    if (value_is(value, VALUE_LIST) || value_is(value, VALUE_TUPLE)) {
        ListValue *list = (ListValue *)value;
        for (int i = 0; i < list->count; i++)
            if (!check_related_value(query, joined, list->items[i], site)) return false;
        return true;
    }
    return check_related_value(query, joined, value, site);
}

Value *dj_resolve_lookup_value(DjQuery *query, Value *value, const DjResolve *how, const Node *site) {
    Evaluator *ev = query->ev;
    if (value_is_queryset(value)) {
        DjExpr *expr = dj_queryset_as_value(query, value, how, site);
        return expr ? (Value *)expr : NULL;
    }
    if (value_is_expr(value)) return (Value *)dj_resolve(query, value_expr(value), how);
    if (!value_is(value, VALUE_LIST) && !value_is(value, VALUE_TUPLE)) return value;
    ListValue *list = (ListValue *)value;
    bool any = false;
    for (int i = 0; i < list->count; i++)
        any |=
            value_is_expr(list->items[i]) || value_is_queryset(list->items[i]) || value_is(list->items[i], VALUE_TUPLE);
    if (!any) return value;
    Value **items = ARENA_ARRAY(evaluator_arena(ev), Value *, list->count + 1);
    for (int i = 0; i < list->count; i++)
        if (!(items[i] = dj_resolve_lookup_value(query, list->items[i], how, site))) return NULL;
    return value_tuple(ev, items, list->count);
}

/* Joins that got further references since `before` was taken: an F() in the value used them. */
static void joins_used_since(DjQuery *query, const int *before, int count, DjJoinSet *used) {
    for (int i = 0; i < query->join_count; i++)
        if (query->joins[i]->references > (i < count ? before[i] : 0))
            dj_join_set_add(query->ev, used, query->joins[i]);
}

/* NOT (col = x) must not drop rows where col is NULL: AND col IS NOT NULL inside the NOT. */
static bool add_null_guards(DjQuery *query, DjExpr *clause, const DjJoined *joined, DjJoin *join, Value *value,
                            const DjExpr *condition) {
    Evaluator *ev = query->ev;
    DjField *target = joined->names.targets[0];
    Span span = condition->as.lookup.span;
    Slice isnull = SLICE("isnull");
    if (target->null || join->louter) {
        DjExpr *column = dj_col(ev, query->no_alias_columns ? NULL : join, target, NULL);
        DjExpr *guard = dj_build_lookup(query, &isnull, 1, column, value_bool(ev, false), span, condition->site);
        if (!guard) return false;
        dj_where_add(ev, clause, guard, DJ_AND);
    }
    if (value_is_expr(value) && value_expr(value)->kind == DJ_COL && value_expr(value)->as.col.target->null) {
        DjExpr *guard =
            dj_build_lookup(query, &isnull, 1, value_expr(value), value_bool(ev, false), span, condition->site);
        if (!guard) return false;
        dj_where_add(ev, clause, guard, DJ_AND);
    }
    return true;
}

/* Does the condition keep rows for which the joins found nothing? Then they must not become INNER for its sake. */
static bool condition_requires_outer(const DjExpr *condition, bool negated) {
    const Value *rhs = condition->count > 1 && condition->args[1] ? NULL : condition->as.lookup.rhs;
    bool isnull = strcmp(condition->as.lookup.spec->name, "isnull") == 0;
    if (isnull && rhs && value_is_true(rhs) && !negated) return true;
    bool rhs_false = rhs && value_is(rhs, VALUE_BOOL) && !value_is_true(rhs);
    bool rhs_none = rhs && value_is_none(rhs);
    return negated && (!isnull || rhs_false) && !rhs_none;
}

static DjExpr *build_joined(DjQuery *query, DjJoined *joined, const Slice *lookups, int lookup_count, Value *value,
                            DjExpr *keyword, const DjFilter *filter, DjJoinSet *used, DjJoinSet *needed) {
    Evaluator *ev = query->ev;
    const Node *site = keyword->as.condition.value_node;
    if (!check_related_objects(query, joined, value, site)) return NULL;
    query->lookup_joins = ARENA_ARRAY(evaluator_arena(ev), DjJoin *, joined->join_count + 1);
    query->lookup_join_count = joined->join_count;
    for (int i = 0; i < joined->join_count; i++) query->lookup_joins[i] = joined->joins[i];
    for (int i = 0; i < joined->join_count; i++) dj_join_set_add(ev, used, joined->joins[i]);
    DjJoin *join = dj_trim_joins(query, joined);
    if (filter->reuse)
        for (int i = 0; i < joined->join_count; i++) dj_join_set_add(ev, filter->reuse, joined->joins[i]);
    DjExpr *condition = dj_build_lookup(query, lookups, lookup_count, dj_lookup_column(query, joined, join), value,
                                        keyword->as.condition.span, site);
    if (!condition) return NULL;
    condition->as.lookup.span = keyword->as.condition.span;
    DjExpr *clause = where_of(ev, condition);
    bool outer = condition_requires_outer(condition, filter->current_negated);
    bool isnull = strcmp(condition->as.lookup.spec->name, "isnull") == 0;
    if (outer && filter->current_negated && !isnull && !add_null_guards(query, clause, joined, join, value, condition))
        return NULL;
    if (!outer)
        for (int i = 0; i < used->count; i++) dj_join_set_add(ev, needed, used->items[i]);
    return clause;
}

static DjExpr *build_annotation(DjQuery *query, DjAnnotation *annotation, const Slice *lookups, int count, Value *value,
                                DjExpr *keyword, const DjFilter *filter) {
    DjExpr *lhs = filter->summarize ? dj_ref(query->ev, annotation->name, annotation->expr) : annotation->expr;
    DjExpr *condition = dj_build_lookup(query, lookups, count, lhs, value, keyword->as.condition.span,
                                        keyword->as.condition.value_node);
    if (!condition) return NULL;
    condition->as.lookup.span = keyword->as.condition.span;
    return where_of(query->ev, condition);
}

/* The annotation that the longest … first matching prefix of the names is, and how many names it took. */
static DjAnnotation *find_annotation(DjQuery *query, Slice path, const Slice *names, int count, int *used) {
    for (int i = 0; query->annotation_count && i < count; i++) {
        size_t end = (size_t)(names[i].start + names[i].length - path.start);
        DjAnnotation *annotation = dj_annotation_find(query, slice_sub(path, 0, end));
        *used = i + 1;
        if (annotation) return annotation;
    }
    return NULL;
}

static DjExpr *build_condition(DjQuery *query, DjExpr *keyword, const DjFilter *filter, DjJoinSet *needed) {
    Evaluator *ev = query->ev;
    Slice names[DJ_MAX_NAMES];
    Slice path = keyword->as.condition.name;
    Span span = keyword->as.condition.span;
    const Node *site = keyword->as.condition.value_node;
    if (!path.length) return evaluator_raise(ev, django_state(ev)->field_error, span, "Cannot parse keyword query ''");
    int count = dj_split_names(path, names), parts = 0;
    DjAnnotation *annotation = find_annotation(query, path, names, count, &parts);
    DjResolvedNames resolved = {0};
    if (!annotation) {
        if (!dj_names_to_path(query, names, count, query->model, true, false, span, &resolved)) return NULL;
        parts = resolved.used;
        if (!filter->allow_joins && parts > 1)
            return evaluator_raise(ev, django_state(ev)->field_error, span,
                                   "Joined field references are not permitted in this query");
    }
    int *before = ARENA_ARRAY(evaluator_arena(ev), int, query->join_count + 1), joins_before = query->join_count;
    for (int i = 0; i < joins_before; i++) before[i] = query->joins[i]->references;
    DjResolve how = {.allow_joins = filter->allow_joins, .reuse = filter->reuse, .summarize = filter->summarize};
    Value *value = dj_resolve_lookup_value(query, keyword->as.condition.value, &how, site);
    if (!value) return NULL;
    DjJoinSet used = {0};
    joins_used_since(query, before, joins_before, &used);
    if (annotation) return build_annotation(query, annotation, names + parts, count - parts, value, keyword, filter);
    DjJoined joined;
    bool allow_many = !filter->branch_negated || !filter->split_subquery;
    if (!dj_setup_joins(query, names, parts, query->model, dj_query_base(query), filter->reuse, allow_many, span,
                        &joined))
        return joined.names.multi_at && !evaluator_error_pending(ev)
                   ? dj_split_exclude(query, keyword, filter, &joined.names, names, needed)
                   : NULL;
    return build_joined(query, &joined, names + parts, count - parts, value, keyword, filter, &used, needed);
}

static DjExpr *build_q(DjQuery *query, DjExpr *q, const DjFilter *outer, DjJoinSet *needed) {
    Evaluator *ev = query->ev;
    DjFilter filter = *outer;
    filter.current_negated ^= q->as.node.negated;
    filter.branch_negated |= q->as.node.negated;
    DjExpr *target = dj_where(ev, q->as.node.connector, q->as.node.negated);
    JoinVotes votes = {0};
    for (int i = 0; i < q->count; i++) {
        DjJoinSet child_needs = {0};
        DjExpr *clause = dj_build_filter(query, q->args[i], &filter, &child_needs);
        if (!clause) return NULL;
        votes_add(ev, &votes, &child_needs);
        if (clause->count) dj_where_add(ev, target, clause, q->as.node.connector);
    }
    if (filter.keep_join_types) return target;
    /* NOT swaps AND and OR; an XOR that is not negated decides nothing about joins */
    DjConnector connector = q->as.node.connector;
    if (filter.current_negated) connector = connector == DJ_AND ? DJ_OR : DJ_AND;
    if (connector != DJ_XOR) votes_apply(query, &votes, connector == DJ_OR, q->count, needed);
    return target;
}

DjExpr *dj_build_filter(DjQuery *query, DjExpr *condition, const DjFilter *filter, DjJoinSet *needed) {
    if (condition->kind == DJ_Q) return build_q(query, condition, filter, needed);
    if (condition->kind == DJ_CONDITION) return build_condition(query, condition, filter, needed);
    return build_expression(query, condition, filter);
}

bool dj_add_q(DjQuery *query, DjExpr *q, bool reuse_all) {
    DjJoinSet inner = {0}, all = {0}, needed = {0};
    for (int i = 0; i < query->join_count; i++) {
        DjJoin *join = query->joins[i];
        if (!join->base && !join->louter) dj_join_set_add(query->ev, &inner, join);
        if (reuse_all) dj_join_set_add(query->ev, &all, join);
    }
    DjFilter filter = {.allow_joins = true, .split_subquery = true, .reuse = reuse_all ? &all : &query->used_joins};
    DjExpr *clause = dj_build_filter(query, q, &filter, &needed);
    if (!clause) return false;
    if (clause->count) dj_where_add(query->ev, query->where, clause, DJ_AND);
    dj_demote(query, &inner);
    return true;
}

DjExpr *dj_build_where(DjQuery *query, DjExpr *q, const DjResolve *how) {
    DjJoinSet needed = {0};
    DjFilter filter = {.allow_joins = how->allow_joins, .reuse = how->reuse, .summarize = how->summarize};
    DjExpr *clause = dj_build_filter(query, q, &filter, &needed);
    /* a condition inside an expression must not remove rows */
    if (clause) dj_promote(query, &needed);
    return clause;
}

DjExpr *dj_build_filtered(DjQuery *query, DjExpr *condition, const DjResolve *how) {
    DjJoinSet needed = {0};
    DjFilter filter = {.allow_joins = true, .reuse = how->reuse, .keep_join_types = true};
    return dj_build_filter(query, condition, &filter, &needed);
}
