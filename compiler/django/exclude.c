/*
 * exclude() over a multi-valued relation: a subquery of its own.
 *
 *     Author.objects.exclude(book__title="x")
 *     WHERE NOT (EXISTS(SELECT 1 AS "a" FROM book U1 WHERE (U1.title = 'x' AND U1.author_id = (author.id)) LIMIT 1))
 *
 * The inner query starts from the same model; the joins up to the first multi-valued relation are dropped from it, and
 * what is left is tied to the outer query by the column where the two meet.
 */
#include "compiler/django/where.h"

#include "compiler/django/django.h"
#include "compiler/django/lookup.h"

typedef struct TrimmedStart {
    Slice prefix; /* the path to the meeting point: outer.filter(prefix=…) */
    bool contains_louter;
} TrimmedStart;

/* The names whose hops are all dropped, and the field where the queries meet. */
static Slice trimmed_prefix(DjQuery *query, const DjResolvedNames *path, const Slice *names, int trimmed,
                            DjField *meeting) {
    Buffer text;
    buffer_init(&text, evaluator_arena(query->ev));
    for (int i = 0, left = trimmed; i < path->multi_at && left - path->steps_per_name[i] >= 0; i++) {
        left -= path->steps_per_name[i];
        buffer_slice(&text, names[i]);
        buffer_text(&text, "__");
    }
    buffer_slice(&text, meeting->name->text);
    return buffer_view(&text);
}

static bool in_lookup(const DjQuery *query, const DjJoin *join) {
    if (join == query->joins[0]) return true;
    for (int i = 0; i < query->lookup_join_count; i++)
        if (query->lookup_joins[i] == join) return true;
    return false;
}

/* The first join that is still used becomes the FROM entry. */
static void restart_from(DjQuery *query) {
    for (int i = 0; i < query->join_count; i++) {
        DjJoin *join = query->joins[i];
        if (join->references <= 0) continue;
        join->base = true;
        join->louter = false;
        join->parent = NULL;
        return;
    }
}

static bool trim_start(DjQuery *query, const DjResolvedNames *path, const Slice *names, TrimmedStart *out) {
    Evaluator *ev = query->ev;
    DjJoin **tables = ARENA_ARRAY(evaluator_arena(ev), DjJoin *, query->join_count + 1);
    int table_count = 0, trimmed = 0;
    for (int i = 0; i < query->join_count; i++)
        if (in_lookup(query, query->joins[i])) tables[table_count++] = query->joins[i];
    while (trimmed < path->path.count && !path->path.items[trimmed].hop.m2m && trimmed + 1 < table_count) {
        if (tables[trimmed + 1]->louter) out->contains_louter = true;
        tables[trimmed]->references--;
        trimmed++;
    }
    DjFound join = path->path.items[trimmed].hop.join;
    DjField **left, **right;
    /* seen from the far side's forward field: left is the far table's column, right the near one's */
    DjFound forward = {.field = join.rel ? join.rel->field : join.field};
    int count = found_join_fields(ev, forward, &left, &right);
    if (!count || trimmed + 1 >= table_count) return false;
    out->prefix = trimmed_prefix(query, path, names, trimmed, right[0]);
    DjJoin *first = tables[trimmed + 1];
    bool drop = !first->louter && !first->filtered_source;
    if (drop) tables[trimmed]->references--;
    query->select.count = 0;
    query->default_columns = false;
    for (int i = 0; i < count; i++)
        ARENA_PUSH(evaluator_arena(ev), query->select.items, query->select.count, query->select.capacity) =
            dj_col(ev, drop ? first : tables[trimmed], drop ? left[i] : right[i], NULL);
    if (drop) {
        DjExpr *restriction = dj_join_restriction(query, join, first);
        if (restriction) dj_where_add(ev, query->where, restriction, DJ_AND);
    }
    restart_from(query);
    return true;
}

/* The same condition for the inner query: what referred to the outer query's own columns refers outwards now. */
static DjExpr *inner_condition(Evaluator *ev, DjExpr *keyword) {
    DjExpr *inner = dj_copy(ev, keyword);
    Value *value = keyword->as.condition.value;
    if (!value_is_expr(value)) return inner;
    DjExpr *expr = value_expr(value);
    if (expr->kind != DJ_F && expr->kind != DJ_OUTER_REF) return inner;
    DjExpr *outer = dj_expr_new(ev, DJ_OUTER_REF, expr->site, expr->kind == DJ_OUTER_REF ? 1 : 0);
    outer->flags = DJ_HAS_OUTER;
    if (expr->kind == DJ_OUTER_REF) outer->args[0] = expr;
    else outer->as.f.name = expr->as.f.name;
    inner->as.condition.value = (Value *)outer;
    return inner;
}

static Slice join_alias(const DjJoin *join) {
    return join->relation.alias.length ? join->relation.alias : join->relation.name;
}

/* The outer join that carries the name of the inner select's table, where the outer query may share it. */
static DjJoin *shared_outer(const DjJoinSet *reuse, const DjJoin *inner) {
    for (int i = 0; reuse && i < reuse->count; i++)
        if (slice_equals(join_alias(reuse->items[i]), join_alias(inner))) return reuse->items[i];
    return NULL;
}

static bool tie_to_outer(DjQuery *query, DjQuery *inner, DjJoin *shared, Slice prefix, const Node *site) {
    Evaluator *ev = query->ev;
    DjExpr *column = inner->select.items[0], *left = column;
    Value *right;
    if (shared) {
        DjField *key = column->as.col.target->model->pk;
        dj_bump_prefix(inner, query);
        left = dj_col(ev, column->as.col.join, key, NULL);
        right = (Value *)dj_col(ev, shared, key, NULL);
    } else {
        DjExpr *outer = dj_expr_new(ev, DJ_RESOLVED_OUTER_REF, site, 0);
        outer->as.f.name = prefix;
        outer->flags = DJ_RESOLVED | DJ_HAS_OUTER;
        right = (Value *)outer;
    }
    DjExpr *tie = dj_build_lookup(inner, NULL, 0, left, right, evaluator_span(ev, site), site);
    if (!tie) return false;
    dj_where_add(ev, inner->where, tie, DJ_AND);
    return true;
}

DjExpr *dj_split_exclude(DjQuery *query, DjExpr *keyword, const DjFilter *filter, const DjResolvedNames *path,
                         const Slice *names, DjJoinSet *needed) {
    Evaluator *ev = query->ev;
    const Node *site = keyword->as.condition.value_node;
    DjQuery *inner = dj_query_new(ev, query->model);
    inner->site = site;
    inner->filtered_relations = query->filtered_relations;
    inner->filtered_count = query->filtered_count;
    DjExpr *condition = inner_condition(ev, keyword);
    DjExpr *q = dj_expr_new(ev, DJ_Q, site, 1);
    q->args[0] = condition;
    if (!dj_add_q(inner, q, false)) return NULL;
    dj_clear_ordering(inner, true, true);
    TrimmedStart start = {0};
    if (!trim_start(inner, path, names, &start))
        return evaluator_raise(ev, django_state(ev)->field_error, keyword->as.condition.span,
                               "Cannot exclude by '%.*s'", SLICE_ARGS(keyword->as.condition.name));
    DjJoin *shared = shared_outer(filter->reuse, inner->select.items[0]->as.col.join);
    if (!tie_to_outer(query, inner, shared, start.prefix, site)) return NULL;
    DjExpr *exists = dj_expr_new(ev, DJ_EXISTS, site, 0);
    exists->as.subquery.query = inner;
    DjFilter plain = {.allow_joins = true, .split_subquery = true};
    DjExpr *clause = dj_build_filter(query, exists, &plain, needed);
    if (!clause || !start.contains_louter) return clause;
    Slice is_null = slice_format(evaluator_arena(ev), "%.*s__isnull", SLICE_ARGS(start.prefix));
    DjExpr *null = dj_condition_new(ev, is_null, value_bool(ev, true), site);
    null->as.condition.span = keyword->as.condition.span;
    DjFilter negated = {.allow_joins = true,
                        .split_subquery = true,
                        .current_negated = true,
                        .branch_negated = true,
                        .reuse = filter->reuse};
    DjJoinSet ignored = {0};
    DjExpr *or_null = dj_build_filter(query, null, &negated, &ignored);
    if (!or_null) return NULL;
    dj_where_add(ev, clause, or_null, DJ_OR);
    return clause;
}
