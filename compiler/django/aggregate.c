/*
 * aggregate() and count(): the aggregates alone in the select list, or over a subquery where the rows that they run
 * over are themselves sliced, distinct, combined, grouped or filtered by window functions.
 *
 *     Book.objects.annotate(n=Count("authors")).aggregate(Avg("n"))
 *     SELECT AVG("n") FROM (SELECT COUNT(…) AS "n" FROM … GROUP BY …) subquery
 */
#include "compiler/django/query.h"

#include "compiler/django/django.h"
#include "compiler/django/function_compile.h"

typedef struct Aggregates {
    const Slice *names;
    DjExpr **exprs;
    int count;
    bool refs_subquery, refs_window;
} Aggregates;

static void push(DjQuery *query, DjExprs *list, DjExpr *expr) {
    ARENA_PUSH(evaluator_arena(query->ev), list->items, list->count, list->capacity) = expr;
}

static void drop_last_annotations(DjQuery *query, int count) { query->annotation_count -= count; }

/* Resolved one after the other: each may refer to those before it, whose text then stands in its place. */
static bool resolve_all(DjQuery *query, Aggregates *aggregates, DjExpr *const *given) {
    DjExprs from = {0}, to = {0};
    DjResolve how = {.allow_joins = true, .summarize = true};
    for (int i = 0; i < aggregates->count; i++) {
        if (!dj_check_alias(query, aggregates->names[i], evaluator_span(query->ev, given[i]->site))) return false;
        DjExpr *expr = dj_resolve(query, given[i], &how);
        if (!expr) return false;
        if (!(expr->flags & DJ_HAS_AGGREGATE))
            return evaluator_raise_id(query->ev, EXCEPTION_TYPE, given[i]->site, "%.*s is not an aggregate expression",
                                      SLICE_ARGS(aggregates->names[i])) != NULL;
        DjExprs refs = {0};
        dj_refs(query->ev, expr, &refs);
        for (int r = 0; r < refs.count; r++) {
            DjAnnotation *annotation = dj_annotation_find(query, refs.items[r]->as.ref.name);
            unsigned flags = annotation ? annotation->expr->flags : 0;
            aggregates->refs_subquery |= (flags & DJ_HAS_SUBQUERY) != 0;
            aggregates->refs_window |= (flags & DJ_HAS_OVER) != 0;
        }
        expr = dj_replace(query->ev, expr, &from, &to);
        dj_put_annotation(query, aggregates->names[i], expr, true);
        push(query, &from, dj_ref(query->ev, aggregates->names[i], expr));
        push(query, &to, expr);
        aggregates->exprs[i] = expr;
    }
    return true;
}

static bool has_aggregation(DjQuery *query, DjExpr *having) {
    for (int i = 0; i < query->annotation_count; i++)
        if (query->annotations[i].expr->flags & DJ_HAS_AGGREGATE) return true;
    return having != NULL;
}

static bool returns_sets(const DjQuery *query) {
    for (int i = 0; i < query->annotation_count; i++)
        if (dj_annotation_is_selected(query, &query->annotations[i]) &&
            query->annotations[i].expr->flags & DJ_SET_RETURNING)
            return true;
    return false;
}

static void keep_name(DjQuery *query, Slice **names, int *count, int *capacity, Slice name) {
    ARENA_PUSH(evaluator_arena(query->ev), *names, *count, *capacity) = name;
}

static void keep_refs(DjQuery *query, Slice **names, int *count, int *capacity, DjExpr *expr) {
    DjExprs refs = {0};
    dj_refs(query->ev, expr, &refs);
    for (int i = 0; i < refs.count; i++) keep_name(query, names, count, capacity, refs.items[i]->as.ref.name);
}

/* Annotations that nothing refers to are left out of the subquery, unless they take part in grouping. */
static void mask_unused(DjQuery *inner, const Aggregates *aggregates) {
    Slice *names = NULL;
    int count = 0, capacity = 0;
    for (int i = 0; inner->grouping == DJ_GROUP_LIST && i < inner->group_by.count; i++)
        keep_refs(inner, &names, &count, &capacity, inner->group_by.items[i]);
    for (int i = 0; i < aggregates->count; i++) keep_refs(inner, &names, &count, &capacity, aggregates->exprs[i]);
    for (int i = 0; i < inner->annotation_count; i++) {
        DjAnnotation *annotation = &inner->annotations[i];
        if (!dj_annotation_is_selected(inner, annotation)) continue;
        DjExprs columns = {0};
        dj_group_by_columns(inner->ev, annotation->expr, &columns);
        if (columns.count || annotation->expr->flags & DJ_SET_RETURNING)
            keep_name(inner, &names, &count, &capacity, annotation->name);
    }
    dj_mask_annotations(inner, names, count);
}

/* The primary key's column, or its columns. */
static DjExpr *key_column(DjQuery *query) {
    DjJoin *base = dj_query_base(query);
    if (query->model->pk->kind != FIELD_COMPOSITE_KEY) return dj_col(query->ev, base, query->model->pk, NULL);
    DjJoined joined;
    Slice name = SLICE("pk");
    if (!dj_setup_joins(query, &name, 1, query->model, base, NULL, true, (Span){0}, &joined)) return NULL;
    return dj_value_column(query, &joined, dj_trim_joins(query, &joined), (Span){0});
}

static void shrink_inner(DjQuery *inner, const Aggregates *aggregates, bool existing, bool qualify) {
    if (inner->distinct) return;
    if (inner->default_columns && existing) {
        inner->group_by = (DjExprs){0};
        push(inner, &inner->group_by, key_column(inner));
        inner->grouping = DJ_GROUP_LIST;
    }
    inner->default_columns = false;
    if (!qualify && inner->combinator == DJ_COMBINE_NONE) mask_unused(inner, aggregates);
}

/* Columns that the aggregates use are selected by the subquery as __col1, __col2 …, and referred to by that name. */
static void refer_to_columns(DjQuery *inner, DjQuery *outer, const Aggregates *aggregates) {
    DjExprs columns = {0}, refs = {0};
    for (int i = 0; i < aggregates->count; i++) {
        DjExprs used = {0};
        dj_columns(inner->ev, aggregates->exprs[i], false, &used);
        for (int c = 0; c < used.count; c++) {
            bool known = false;
            for (int k = 0; k < columns.count; k++) known |= dj_equal(columns.items[k], used.items[c]);
            if (known) continue;
            Slice name = slice_format(evaluator_arena(inner->ev), "__col%d", columns.count + 1);
            push(inner, &columns, used.items[c]);
            push(inner, &refs, dj_ref(inner->ev, name, used.items[c]));
            dj_put_annotation(inner, name, used.items[c], true);
        }
        dj_put_annotation(outer, aggregates->names[i], dj_replace(inner->ev, aggregates->exprs[i], &columns, &refs),
                          true);
    }
}

static DjQuery *over_subquery(DjQuery *inner, const Aggregates *aggregates, bool existing, bool qualify) {
    inner->subquery = true;
    inner->lock = false;
    inner->related_all = false;
    inner->related = NULL;
    DjQuery *outer = dj_query_new(inner->ev, inner->model);
    outer->site = inner->site;
    outer->inner = inner;
    dj_clear_ordering(inner, false, true);
    if (!inner->annotation_masked) {
        inner->annotation_masked = true;
        for (int i = 0; i < inner->annotation_count; i++) inner->annotations[i].selected = true;
    }
    shrink_inner(inner, aggregates, existing, qualify);
    refer_to_columns(inner, outer, aggregates);
    bool selects = inner->select.count || inner->default_columns || inner->has_selected;
    for (int i = 0; i < inner->annotation_count; i++) selects |= inner->annotations[i].selected;
    if (!selects) push(inner, &inner->select, key_column(inner));
    return outer;
}

static DjQuery *in_place(DjQuery *query, const Aggregates *aggregates) {
    query->select = (DjExprs){0};
    query->values_count = 0;
    query->has_selected = false;
    query->selected_count = 0;
    query->default_columns = false;
    query->extra_count = 0;
    DjExprs from = {0}, to = {0};
    for (int i = 0; i < query->annotation_count; i++) {
        push(query, &from, dj_ref(query->ev, query->annotations[i].name, query->annotations[i].expr));
        push(query, &to, query->annotations[i].expr);
    }
    query->annotation_count = 0;
    query->annotation_masked = false;
    for (int i = 0; i < aggregates->count; i++)
        dj_put_annotation(query, aggregates->names[i], dj_replace(query->ev, aggregates->exprs[i], &from, &to), true);
    return query;
}

/* Where every aggregate's value without rows is known (Count is 0), no query is needed when the condition can't hold.
 */
static bool empty_results_known(Evaluator *ev, const Aggregates *aggregates) {
    for (int i = 0; i < aggregates->count; i++)
        if (!dj_empty_value(ev, aggregates->exprs[i])) return false;
    return true;
}

DjQuery *dj_get_aggregation(DjQuery *query, const Slice *names, DjExpr *const *expressions, int count) {
    Aggregates aggregates = {
        .names = names, .exprs = ARENA_ARRAY(evaluator_arena(query->ev), DjExpr *, count + 1), .count = count};
    bool masked = query->annotation_masked;
    if (!resolve_all(query, &aggregates, expressions)) return NULL;
    drop_last_annotations(query, count);
    query->annotation_masked = masked;
    DjExpr *where, *having, *qualify;
    if (!dj_split_where(query->ev, query->where, false, false, &where, &having, &qualify)) return NULL;
    bool existing = has_aggregation(query, having);
    bool wrap = query->grouping == DJ_GROUP_LIST || dj_is_sliced(query) || existing || aggregates.refs_subquery ||
                aggregates.refs_window || qualify || query->distinct || query->combinator != DJ_COMBINE_NONE ||
                returns_sets(query);
    DjQuery *result =
        wrap ? over_subquery(query, &aggregates, existing, qualify != NULL) : in_place(query, &aggregates);
    dj_clear_ordering(result, true, true);
    if (!result->inner) {
        result->sliced_low = result->sliced_high = false;
        result->low = result->high = 0;
    }
    result->lock = false;
    result->related_all = false;
    result->related = NULL;
    result->elide_empty = empty_results_known(query->ev, &aggregates);
    return result;
}
