/*
 * The query under construction: annotations, values(), ordering, slicing, GROUP BY, references to annotations.
 */
#include "compiler/django/query.h"

#include "compiler/django/django.h"
#include "compiler/django/function.h"
#include "compiler/django/lookup.h"
#include "compiler/django/query_state.h"

DjQuery *dj_query_new(Evaluator *ev, DjModel *model) {
    DjQuery *query = ARENA_NEW(evaluator_arena(ev), DjQuery);
    query->ev = ev;
    query->model = model;
    query->prefix[0] = 'T';
    query->where = dj_where(ev, DJ_AND, false);
    query->default_columns = query->default_ordering = query->standard_ordering = true;
    query->elide_empty = true;
    if (model) model_prepare(ev, model);
    return query;
}

/* ---- annotations ---- */

DjAnnotation *dj_annotation_find(DjQuery *query, Slice name) {
    for (int i = 0; i < query->annotation_count; i++)
        if (slice_equals(query->annotations[i].name, name)) return &query->annotations[i];
    return NULL;
}

bool dj_annotation_is_selected(const DjQuery *query, const DjAnnotation *annotation) {
    return !query->annotation_masked || annotation->selected;
}

/* Whitespace, quotes, semicolons, hashes, control characters and comments can't be part of an alias. */
bool dj_check_alias(DjQuery *query, Slice alias, Span span) {
    bool bad = false;
    for (size_t i = 0; i < alias.length; i++) {
        unsigned char byte = (unsigned char)alias.start[i];
        unsigned char next = i + 1 < alias.length ? (unsigned char)alias.start[i + 1] : 0;
        bad |= byte <= ' ' || byte == 127 || strchr("'`\"];[#", byte) != NULL;
        bad |= (byte == '-' && next == '-') || (byte == '/' && next == '*') || (byte == '*' && next == '/');
        /* C1 controls, no-break space, and the spaces of U+2000–U+200A, U+2028, U+2029, U+202F, U+205F, U+3000 */
        bad |= byte == 0xC2 && next >= 0x80 && next <= 0xA0;
        if (i + 2 < alias.length) {
            unsigned char third = (unsigned char)alias.start[i + 2];
            bad |= byte == 0xE2 && next == 0x80 && (third <= 0x8A || third == 0xA8 || third == 0xA9 || third == 0xAF);
            bad |= (byte == 0xE2 && next == 0x81 && third == 0x9F) || (byte == 0xE3 && next == 0x80 && third == 0x80);
            bad |= byte == 0xE1 && next == 0x9A && third == 0x80;
        }
    }
    if (!bad) return true;
    evaluator_raise(query->ev, evaluator_exception(query->ev, EXCEPTION_VALUE), span,
                    "Column aliases cannot contain whitespace characters, hashes, control characters, quotation marks, "
                    "semicolons, or SQL comments.");
    return false;
}

static DjSelected *selected_find(DjQuery *query, Slice name) {
    for (int i = 0; i < query->selected_count; i++)
        if (slice_equals(query->selected[i].name, name)) return &query->selected[i];
    return NULL;
}

static void selected_add(DjQuery *query, Slice name, DjSelectedKind kind, int column) {
    DjSelected *known = selected_find(query, name);
    DjSelected added = {name, kind, column};
    if (known) *known = added;
    else
        ARENA_PUSH(evaluator_arena(query->ev), query->selected, query->selected_count, query->selected_capacity) =
            added;
}

/* After a change of the mask: names of values() that are masked annotations go, unmasked ones come. */
static void selected_follow_mask(DjQuery *query) {
    if (!query->has_selected || !query->selected_count) return;
    int kept = 0;
    for (int i = 0; i < query->selected_count; i++) {
        DjSelected *item = &query->selected[i];
        DjAnnotation *annotation = item->kind == DJ_SELECTED_ANNOTATION ? dj_annotation_find(query, item->name) : NULL;
        if (item->kind == DJ_SELECTED_ANNOTATION && !(annotation && annotation->selected)) continue;
        query->selected[kept++] = *item;
    }
    query->selected_count = kept;
    for (int i = 0; i < query->annotation_count; i++)
        if (query->annotations[i].selected) selected_add(query, query->annotations[i].name, DJ_SELECTED_ANNOTATION, 0);
}

static void annotations_start_mask(DjQuery *query) {
    if (query->annotation_masked) return;
    query->annotation_masked = true;
    for (int i = 0; i < query->annotation_count; i++) query->annotations[i].selected = true;
}

void dj_mask_annotations(DjQuery *query, const Slice *names, int count) {
    query->annotation_masked = true;
    for (int i = 0; i < query->annotation_count; i++) {
        query->annotations[i].selected = false;
        for (int j = 0; j < count; j++)
            if (slice_equals(names[j], query->annotations[i].name)) query->annotations[i].selected = true;
    }
    selected_follow_mask(query);
}

void dj_put_annotation(DjQuery *query, Slice name, DjExpr *expr, bool selected) {
    DjAnnotation *known = dj_annotation_find(query, name);
    if (!selected) annotations_start_mask(query);
    if (known) {
        known->expr = expr;
        known->selected = selected;
    } else {
        ARENA_PUSH(evaluator_arena(query->ev), query->annotations, query->annotation_count,
                   query->annotation_capacity) = (DjAnnotation){.name = name, .expr = expr, .selected = selected};
    }
    if (!selected) selected_follow_mask(query);
    else if (query->has_selected && query->selected_count) selected_add(query, name, DJ_SELECTED_ANNOTATION, 0);
}

bool dj_add_annotation(DjQuery *query, Slice name, DjExpr *expr, bool selected, Span span) {
    if (!dj_check_alias(query, name, span)) return false;
    DjResolve how = {.allow_joins = true};
    DjExpr *resolved = dj_resolve(query, expr, &how);
    if (!resolved) return false;
    dj_put_annotation(query, name, resolved, selected);
    return true;
}

/* ---- references by name: F("x") ---- */

static bool joined_annotation(DjQuery *query, DjExpr *annotation) {
    DjExprs columns = {0};
    dj_columns(query->ev, annotation, true, &columns);
    for (int i = 0; i < columns.count; i++)
        if (columns.items[i]->as.col.join && !columns.items[i]->as.col.join->base) return true;
    return false;
}

static DjExpr *raise_joined(DjQuery *query, const Node *site) {
    return evaluator_raise(query->ev, django_state(query->ev)->field_error, evaluator_span(query->ev, site),
                           "Joined field references are not permitted in this query");
}

static DjExpr *resolve_annotation(DjQuery *query, DjAnnotation *annotation, const DjResolve *how, const Node *site) {
    if (!how->allow_joins && joined_annotation(query, annotation->expr)) return raise_joined(query, site);
    if (!how->summarize) return annotation->expr;
    if (!dj_annotation_is_selected(query, annotation))
        return evaluator_raise(query->ev, django_state(query->ev)->field_error, evaluator_span(query->ev, site),
                               "Cannot aggregate over the '%.*s' alias. Use annotate() to promote it.",
                               SLICE_ARGS(annotation->name));
    return dj_ref(query->ev, annotation->name, annotation->expr);
}

DjExpr *dj_resolve_ref(DjQuery *query, Slice name, const DjResolve *how, const Node *site) {
    DjAnnotation *annotation = dj_annotation_find(query, name);
    if (annotation) return resolve_annotation(query, annotation, how, site);
    Slice names[DJ_MAX_NAMES];
    int count = dj_split_names(name, names);
    Span span = evaluator_span(query->ev, site);
    annotation = count > 1 ? dj_annotation_find(query, names[0]) : NULL;
    if (annotation) {
        DjExpr *expr = annotation->expr;
        for (int i = 1; expr && i < count; i++) expr = dj_try_transform(query->ev, expr, names[i], names[i], span);
        return expr;
    }
    DjJoined joined;
    if (!dj_setup_joins(query, names, count, query->model, dj_query_base(query), how->reuse, true, span, &joined))
        return NULL;
    DjJoin *join = dj_trim_joins(query, &joined);
    if (!how->allow_joins && joined.join_count > 1) return raise_joined(query, site);
    if (joined.names.target_count > 1)
        return evaluator_raise(query->ev, django_state(query->ev)->field_error, span,
                               "Referencing multicolumn fields with F() objects isn't supported");
    DjExpr *column = dj_value_column(query, &joined, join, span);
    if (column && how->reuse)
        for (int i = 0; i < joined.join_count; i++) dj_join_set_add(query->ev, how->reuse, joined.joins[i]);
    return column;
}

/* ---- values() ---- */

bool dj_add_fields(DjQuery *query, const Slice *names, const Span *spans, int count, bool allow_many) {
    DjJoin *base = dj_query_base(query);
    if (!count) return true;
    DjExprs columns = {0};
    for (int i = 0; i < count; i++) {
        Slice parts[DJ_MAX_NAMES];
        int part_count = dj_split_names(names[i], parts);
        DjJoined joined = {0};
        Span span = spans ? spans[i] : (Span){0};
        if (!dj_setup_joins(query, parts, part_count, query->model, base, NULL, allow_many, span, &joined)) {
            if (joined.names.multi_at && !evaluator_error_pending(query->ev))
                return evaluator_raise(query->ev, django_state(query->ev)->field_error, span,
                                       "Invalid field name: '%.*s'", SLICE_ARGS(names[i])) != NULL;
            if (part_count > 1 || !query->extra_count || joined.names.used) return false;
            evaluator_clear_error(query->ev);
            return dj_raise_unselectable(query, names[i], span);
        }
        /* what an annotation gives is no field of a model */
        const DjField *target = joined.names.target_count ? joined.names.targets[0] : NULL;
        if (target && !target->model)
            return evaluator_raise(query->ev, evaluator_exception(query->ev, EXCEPTION_ATTRIBUTE), span,
                                   "'%.*s' object has no attribute 'model'",
                                   SLICE_ARGS(target->head.head.cls->name->text)) != NULL;
        DjJoin *join = dj_trim_joins(query, &joined);
        DjExpr *column = dj_value_column(query, &joined, join, span);
        if (!column) return false;
        ARENA_PUSH(evaluator_arena(query->ev), columns.items, columns.count, columns.capacity) = column;
    }
    query->select = columns;
    query->default_columns = false;
    return true;
}

static DjExtra *extra_find(DjQuery *query, Slice name) {
    for (int i = 0; i < query->extra_count; i++)
        if (slice_equals(query->extra[i].name, name) && (!query->extra_masked || query->extra[i].selected))
            return &query->extra[i];
    return NULL;
}

/* Which of the names of values() are columns, annotations, extra select items. */
static bool sort_names(DjQuery *query, const Slice *names, const Span *spans, int count, Slice *columns,
                       Span *column_spans, int *column_count) {
    DjSelected *selected = ARENA_ARRAY(evaluator_arena(query->ev), DjSelected, count + 1);
    for (int i = 0; i < count; i++) {
        DjAnnotation *annotation = dj_annotation_find(query, names[i]);
        if (extra_find(query, names[i])) {
            selected[i] = (DjSelected){names[i], DJ_SELECTED_EXTRA, 0};
        } else if (annotation && dj_annotation_is_selected(query, annotation)) {
            selected[i] = (DjSelected){names[i], DJ_SELECTED_ANNOTATION, 0};
        } else if (annotation) {
            return evaluator_raise(query->ev, django_state(query->ev)->field_error, spans ? spans[i] : (Span){0},
                                   "Cannot select the '%.*s' alias. Use annotate() to promote it.",
                                   SLICE_ARGS(names[i])) != NULL;
        } else {
            Slice parts[DJ_MAX_NAMES];
            int part_count = dj_split_names(names[i], parts);
            DjResolvedNames checked;
            if (query->annotation_count && !dj_names_to_path(query, parts, part_count, query->model, true, false,
                                                             spans ? spans[i] : (Span){0}, &checked))
                return false;
            selected[i] = (DjSelected){names[i], DJ_SELECTED_COLUMN, *column_count};
            if (column_spans && spans) column_spans[*column_count] = spans[i];
            columns[(*column_count)++] = names[i];
        }
    }
    query->selected_count = 0;
    for (int i = 0; i < count; i++) selected_add(query, selected[i].name, selected[i].kind, selected[i].column);
    return true;
}

static void mask_extra(DjQuery *query, const Slice *names, int count) {
    query->extra_masked = true;
    for (int i = 0; i < query->extra_count; i++) {
        query->extra[i].selected = false;
        for (int j = 0; j < count; j++)
            if (slice_equals(names[j], query->extra[i].name)) query->extra[i].selected = true;
    }
}

static int all_column_names(DjQuery *query, Slice **names) {
    Fields *fields = &query->model->concrete_fields;
    *names = ARENA_ARRAY(evaluator_arena(query->ev), Slice, fields->count + 1);
    for (int i = 0; i < fields->count; i++) (*names)[i] = fields->items[i]->attname->text;
    return fields->count;
}

/* GROUP BY by select alias: aliases that are no longer selected stand for their expressions again. */
static void dissolve_group_refs(DjQuery *query) {
    for (int i = 0; i < query->group_by.count; i++) {
        DjExpr *expr = query->group_by.items[i];
        if (expr->kind != DJ_REF || selected_find(query, expr->as.ref.name)) continue;
        DjAnnotation *annotation = dj_annotation_find(query, expr->as.ref.name);
        query->group_by.items[i] = annotation ? annotation->expr : expr->args[0];
    }
}

static bool regroup_for_values(DjQuery *query) {
    if (query->grouping == DJ_GROUP_ALL) {
        Slice *names;
        int count = all_column_names(query, &names);
        if (!dj_add_fields(query, names, NULL, count, false)) return false;
        dj_set_group_by(query, false);
        query->select = (DjExprs){0};
        query->values_count = 0;
    } else if (query->grouping == DJ_GROUP_LIST) {
        dissolve_group_refs(query);
    }
    return true;
}

bool dj_set_values(DjQuery *query, const Slice *names, const Span *spans, int count) {
    Arena *arena = evaluator_arena(query->ev);
    query->related_all = false;
    query->related = NULL;
    query->deferred = NULL;
    query->deferred_is_only = false;
    query->select = (DjExprs){0};
    query->values_count = 0;
    query->has_selected = false;
    Slice *columns = ARENA_ARRAY(arena, Slice, count + 1);
    Span *column_spans = spans ? ARENA_ARRAY(arena, Span, count + 1) : NULL;
    int column_count = 0;
    if (count) {
        for (int i = 0; i < count; i++)
            if (!dj_check_alias(query, names[i], spans ? spans[i] : (Span){0})) return false;
        if (query->extra_count || query->annotation_count) query->default_columns = false;
        if (!sort_names(query, names, spans, count, columns, column_spans, &column_count)) return false;
        if (query->extra_count) mask_extra(query, names, count);
        if (query->annotation_count || query->annotation_masked) dj_mask_annotations(query, names, count);
    } else {
        column_count = all_column_names(query, &columns);
        column_spans = NULL;
        query->selected_count = 0;
        for (int i = 0; i < column_count; i++) selected_add(query, columns[i], DJ_SELECTED_COLUMN, i);
    }
    if (!regroup_for_values(query)) return false;
    for (int i = 0; i < column_count; i++)
        ARENA_PUSH(arena, query->values_select, query->values_count, query->values_capacity) = columns[i];
    if (!dj_add_fields(query, columns, column_spans, column_count, true)) return false;
    if (!column_count) query->select = (DjExprs){0};
    query->has_selected = count > 0;
    if (!query->has_selected) query->selected_count = 0;
    return true;
}

/* ---- GROUP BY ---- */

/* values() with expressions that are no columns: those become annotations, so that they can be grouped by alias. */
static void move_selected_to_annotations(DjQuery *query) {
    DjExprs columns = {0};
    int kept = 0, moved = 0;
    Arena *arena = evaluator_arena(query->ev);
    DjAnnotation *front = ARENA_ARRAY(arena, DjAnnotation, query->values_count + query->annotation_count + 1);
    for (int i = 0; i < query->values_count && i < query->select.count; i++) {
        DjExpr *expr = query->select.items[i];
        if (expr->kind == DJ_COL) {
            query->values_select[kept++] = query->values_select[i];
            ARENA_PUSH(arena, columns.items, columns.count, columns.capacity) = expr;
        } else {
            front[moved++] = (DjAnnotation){.name = query->values_select[i], .expr = expr, .selected = true};
        }
    }
    if (moved) {
        memcpy(front + moved, query->annotations, sizeof *front * (size_t)query->annotation_count);
        query->annotations = front;
        query->annotation_count += moved;
        query->annotation_capacity = query->annotation_count;
        for (int i = 0; i < moved; i++)
            if (query->has_selected) selected_add(query, front[i].name, DJ_SELECTED_ANNOTATION, 0);
    }
    query->select = columns;
    query->values_count = kept;
    for (int i = 0; query->has_selected && i < kept; i++) {
        DjSelected *item = selected_find(query, query->values_select[i]);
        if (item) item->column = i;
    }
}

void dj_set_group_by(DjQuery *query, bool allow_aliases) {
    Arena *arena = evaluator_arena(query->ev);
    if (allow_aliases && query->values_count) move_selected_to_annotations(query);
    DjExprs group = {0};
    for (int i = 0; i < query->select.count; i++)
        ARENA_PUSH(arena, group.items, group.count, group.capacity) = query->select.items[i];
    for (int i = 0; i < query->annotation_count; i++) {
        DjAnnotation *annotation = &query->annotations[i];
        if (!dj_annotation_is_selected(query, annotation)) continue;
        DjExprs columns = {0};
        dj_group_by_columns(query->ev, annotation->expr, &columns);
        if (!columns.count) continue;
        if (allow_aliases && !(annotation->expr->flags & DJ_HAS_AGGREGATE)) {
            ARENA_PUSH(arena, group.items, group.count, group.capacity) =
                dj_ref(query->ev, annotation->name, annotation->expr);
            continue;
        }
        for (int j = 0; j < columns.count; j++)
            ARENA_PUSH(arena, group.items, group.count, group.capacity) = columns.items[j];
    }
    query->group_by = group;
    query->grouping = DJ_GROUP_LIST;
}

/* ---- ordering and limits ---- */

static bool check_ordering_name(DjQuery *query, const DjOrdering *item) {
    Slice name = item->name;
    if (slice_equals_text(name, "?")) return true;
    if (name.length && name.start[0] == '-') name = slice_sub(name, 1, name.length);
    if (dj_annotation_find(query, name)) return true;
    for (int i = 0; i < query->extra_count; i++)
        if (slice_equals(query->extra[i].name, name)) return true;
    Slice parts[DJ_MAX_NAMES];
    int count = dj_split_names(name, parts);
    DjResolvedNames ignored;
    return dj_names_to_path(query, parts, count, query->model, true, false, item->span, &ignored);
}

/* An expression of the program that holds an aggregate outside of windows and subqueries. */
static bool dj_mentions_aggregate(const DjExpr *expr) {
    if (expr->kind == DJ_FUNC && expr->as.func.spec->flags & DJF_AGGREGATE) return true;
    if (expr->kind == DJ_WINDOW || expr->kind == DJ_SUBQUERY || expr->kind == DJ_EXISTS) return false;
    for (int i = 0; i < expr->count; i++)
        if (expr->args[i] && dj_mentions_aggregate(expr->args[i])) return true;
    return false;
}

bool dj_add_ordering(DjQuery *query, const DjOrdering *items, int count) {
    for (int i = 0; i < count; i++) {
        if (!items[i].expr && !check_ordering_name(query, &items[i])) return false;
        if (items[i].expr && dj_mentions_aggregate(items[i].expr))
            return evaluator_raise(query->ev, django_state(query->ev)->field_error, items[i].span,
                                   "Using an aggregate in order_by() without also including it in annotate() is not "
                                   "allowed: %.*s",
                                   SLICE_ARGS(value_repr(query->ev, (Value *)items[i].expr))) != NULL;
    }
    for (int i = 0; i < count; i++)
        ARENA_PUSH(evaluator_arena(query->ev), query->order_by, query->order_count, query->order_capacity) = items[i];
    if (!count) query->default_ordering = false;
    return true;
}

bool dj_is_sliced(const DjQuery *query) { return query->sliced_low || query->sliced_high; }

void dj_clear_ordering(DjQuery *query, bool force, bool clear_default) {
    if (!force && (dj_is_sliced(query) || query->distinct_count || query->lock)) return;
    query->order_count = 0;
    query->extra_order_count = 0;
    if (clear_default) query->default_ordering = false;
}

void dj_set_limits(DjQuery *query, int64_t low, bool has_high, int64_t high) {
    if (has_high) {
        int64_t wanted = query->low + high;
        query->high = query->sliced_high && query->high < wanted ? query->high : wanted;
        query->sliced_high = true;
    }
    if (low) {
        int64_t wanted = query->low + low;
        query->low = query->sliced_high && query->high < wanted ? query->high : wanted;
    }
    query->sliced_low = query->low != 0 || query->low_value;
    if (query->sliced_high && query->low == query->high && !query->high_value && !query->low_value) dj_set_empty(query);
}

void dj_set_empty(DjQuery *query) {
    DjExpr *nothing = dj_expr_new(query->ev, DJ_NOTHING, query->site, 0);
    nothing->flags = DJ_RESOLVED;
    dj_where_add(query->ev, query->where, nothing, DJ_AND);
    for (int i = 0; i < query->combined_count; i++) dj_set_empty(query->combined[i]);
}
