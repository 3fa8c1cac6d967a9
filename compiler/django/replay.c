/*
 * Replaying a queryset's operations into a fresh query, in the order in which they were called. Joins made by earlier
 * operations may be shared by later ones only as Django's clones would allow it (`used_joins`, sticky filters).
 */
#include "compiler/django/queryset.h"

#include <assert.h>

#include "compiler/django/django.h"
#include "compiler/django/function.h"
#include "compiler/django/query_state.h"

static bool replay_annotate(DjQuery *query, const DjOp *op) {
    for (int i = 0; i < op->count; i++) {
        DjExpr *expr = op->exprs[i];
        if (expr->kind == DJ_FILTERED_RELATION) {
            if (!dj_add_filtered_relation(query, expr, op->names[i], op->spans[i])) return false;
        } else if (!dj_add_annotation(query, op->names[i], expr, op->flag, op->spans[i])) {
            return false;
        }
    }
    /* one aggregate among them groups the rows, by what values() selected or by the model's columns */
    for (int i = 0; i < op->count; i++) {
        DjAnnotation *annotation = dj_annotation_find(query, op->names[i]);
        if (!annotation || !(annotation->expr->flags & DJ_HAS_AGGREGATE)) continue;
        if (op->all) dj_set_group_by(query, true);
        else query->grouping = DJ_GROUP_ALL;
        break;
    }
    return true;
}

/* ---- defer, only, select_related: sets of dotted names ---- */

static DjNames *names_put(DjQuery *query, DjNames **list, Slice name, Span span) {
    DjNames **end = list;
    for (; *end; end = &(*end)->next)
        if (slice_equals((*end)->name, name)) return *end;
    *end = ARENA_NEW(evaluator_arena(query->ev), DjNames);
    (*end)->name = name;
    (*end)->span = span;
    return *end;
}

static void names_add_path(DjQuery *query, DjNames **list, Slice path, Span span) {
    Slice parts[DJ_MAX_NAMES];
    int count = dj_split_names(path, parts);
    for (int i = 0; i < count; i++) list = &names_put(query, list, parts[i], span)->children;
}

static DjNames *names_copy(DjQuery *query, const DjNames *from) {
    DjNames *copy = NULL, **end = &copy;
    for (; from; from = from->next, end = &(*end)->next) {
        *end = ARENA_NEW(evaluator_arena(query->ev), DjNames);
        **end = *from;
        (*end)->next = NULL;
        (*end)->children = names_copy(query, from->children);
    }
    return copy;
}

/* Paths of defer() and only() as Django keeps them: a flat set. */
typedef struct NameSet {
    Slice *items;
    Span *spans;
    int count, capacity, span_count, span_capacity;
} NameSet;

static void set_put(DjQuery *query, NameSet *set, Slice name, Span span) {
    for (int i = 0; i < set->count; i++)
        if (slice_equals(set->items[i], name)) return;
    ARENA_PUSH(evaluator_arena(query->ev), set->items, set->count, set->capacity) = name;
    ARENA_PUSH(evaluator_arena(query->ev), set->spans, set->span_count, set->span_capacity) = span;
}

static void set_of_names(DjQuery *query, NameSet *set, const DjNames *names, Slice prefix) {
    for (; names; names = names->next) {
        Slice path = prefix.length ? slice_format(evaluator_arena(query->ev), "%.*s__%.*s", SLICE_ARGS(prefix),
                                                  SLICE_ARGS(names->name))
                                   : names->name;
        if (names->children) set_of_names(query, set, names->children, path);
        if (names->leaf) set_put(query, set, path, names->span);
    }
}

static bool set_has(const NameSet *set, Slice name) {
    for (int i = 0; i < set->count; i++)
        if (slice_equals(set->items[i], name)) return true;
    return false;
}

static void deferred_from(DjQuery *query, const NameSet *set, bool is_only) {
    query->deferred = NULL;
    query->deferred_is_only = is_only && set->count;
    for (int i = 0; i < set->count; i++) {
        Slice parts[DJ_MAX_NAMES];
        int count = dj_split_names(set->items[i], parts);
        DjNames **list = &query->deferred;
        DjNames *last = NULL;
        for (int p = 0; p < count; p++) {
            last = names_put(query, list, parts[p], set->spans[i]);
            list = &last->children;
        }
        assert(last); /* a name has a part */
        last->leaf = true;
    }
}

/* defer() after only() takes names out of the set; only() after defer() leaves deferred names deferred. */
static void replay_deferred(DjQuery *query, const DjOp *op, bool only) {
    NameSet existing = {0}, given = {0}, result = {0};
    bool was_only = query->deferred_is_only;
    set_of_names(query, &existing, query->deferred, (Slice){0});
    for (int i = 0; i < op->count; i++) {
        bool pk = only && slice_equals_text(op->names[i], "pk");
        set_put(query, &given, pk ? query->model->pk->name->text : op->names[i], op->spans[i]);
    }
    if (!only && op->flag) {
        query->deferred = NULL;
        query->deferred_is_only = false;
        return;
    }
    bool add = only ? was_only : !was_only;
    if (!only && add)
        for (int i = 0; i < existing.count; i++) set_put(query, &result, existing.items[i], existing.spans[i]);
    if (only || add) {
        for (int i = 0; i < given.count; i++)
            if (!only || was_only || !set_has(&existing, given.items[i]))
                set_put(query, &result, given.items[i], given.spans[i]);
        deferred_from(query, &result, only);
        return;
    }
    for (int i = 0; i < existing.count; i++)
        if (!set_has(&given, existing.items[i])) set_put(query, &result, existing.items[i], existing.spans[i]);
    if (result.count) {
        deferred_from(query, &result, true);
        return;
    }
    for (int i = 0; i < given.count; i++)
        if (!set_has(&existing, given.items[i])) set_put(query, &result, given.items[i], given.spans[i]);
    deferred_from(query, &result, false);
}

static void replay_select_related(DjQuery *query, const DjOp *op) {
    query->related_all = !op->flag && !op->count;
    if (!op->count) {
        query->related = NULL;
        return;
    }
    query->related = names_copy(query, query->related);
    for (int i = 0; i < op->count; i++) names_add_path(query, &query->related, op->names[i], op->spans[i]);
}

/* ---- slices ---- */

static void replay_slice(DjQuery *query, const DjOp *op) {
    int64_t low = 0, high = 0;
    bool low_known = !op->low || value_as_integer(op->low, &low),
         high_known = !op->high || value_as_integer(op->high, &high);
    bool one = op->flag, has_high = one || op->high;
    if (one) high = low + 1;
    if (low_known && high_known) {
        dj_set_limits(query, low, has_high, high);
        if (!has_high && !low) return;
        query->sliced_high |= has_high;
        return;
    }
    Evaluator *ev = query->ev;
    if (!low_known) query->low_value = op->low;
    query->low = low_known ? low : 0;
    query->sliced_low = true;
    if (one) {
        query->high = 1;
        query->sliced_high = true;
    } else if (op->high) {
        query->sliced_high = true;
        if (high_known && low_known) query->high = high;
        else if (!op->low) query->high_value = op->high;
        else query->high_value = value_binary(ev, OP_Sub, op->high, op->low, op->site);
    }
    evaluator_clear_error(ev);
}

/* ---- the rest ---- */

static bool dj_replay(DjQuery *query, const DjOp *op);

static bool replay_parts(DjQuery *query, const DjOp *op) {
    Evaluator *ev = query->ev;
    DjQuery *first = dj_query_new(ev, query->model);
    DjQueryState *state = dj_state(ev);
    first->site = op->site;
    if (state->resolve_depth >= DJ_MAX_DEPTH)
        return evaluator_raise_id(ev, EXCEPTION_LIMIT, op->site, "the query is nested too deeply") != NULL;
    state->resolve_depth++;
    bool replayed = dj_replay(first, op->previous);
    state->resolve_depth--;
    if (!replayed) return false;
    query->combined = ARENA_ARRAY(evaluator_arena(ev), DjQuery *, op->queryset_count + 1);
    query->combined_count = 0;
    query->combined[query->combined_count++] = first;
    for (int i = 0; i < op->queryset_count; i++) {
        DjQuery *part = dj_queryset_query(ev, op->querysets[i]);
        if (!part) return false;
        query->combined[query->combined_count++] = part;
    }
    return true;
}

/*
 * The whole keeps the first part's columns and annotations, which ORDER BY and values() of the whole refer to; the part
 * itself is replayed once more. Where the whole is combined again, it is the parts of the last time that count.
 */
static bool replay_combine(DjQuery *query, const DjOp *op, bool last) {
    if (last && !replay_parts(query, op)) return false;
    dj_clear_ordering(query, true, true);
    query->sliced_low = query->sliced_high = false;
    query->low = query->high = 0;
    query->low_value = query->high_value = NULL;
    query->combinator = op->combinator;
    query->combinator_all = op->all;
    return true;
}

static bool replay_extra(DjQuery *query, const DjOp *op) {
    const DjExtraArguments *extra = op->extra;
    Arena *arena = evaluator_arena(query->ev);
    for (int i = 0; i < extra->select_count; i++) {
        if (!dj_check_alias(query, extra->select[i].name, op->spans ? op->spans[0] : (Span){0})) return false;
        DjExtra added = extra->select[i];
        int at = 0;
        while (at < query->extra_count && !slice_equals(query->extra[at].name, added.name)) at++;
        added.selected = at < query->extra_count ? query->extra[at].selected : true;
        if (at < query->extra_count) query->extra[at] = added;
        else ARENA_PUSH(arena, query->extra, query->extra_count, query->extra_capacity) = added;
    }
    int used = 0;
    for (int i = 0; i < extra->where_count; i++) {
        DjExpr *condition = dj_expr_new(query->ev, DJ_EXTRA_WHERE, op->site, 0);
        int holes = 0;
        for (size_t c = 0; c + 1 < extra->where[i].length; c++)
            if (extra->where[i].start[c] == '%' && extra->where[i].start[c + 1] == 's') holes++;
        if (used + holes > extra->param_count) holes = extra->param_count - used;
        condition->as.raw.sql = slice_format(arena, "(%.*s)", SLICE_ARGS(extra->where[i]));
        condition->as.raw.params = extra->params + used;
        condition->as.raw.count = holes;
        condition->flags = DJ_RESOLVED;
        used += holes;
        dj_where_push(query->ev, query->where, condition);
    }
    for (int i = 0; i < extra->table_count; i++)
        ARENA_PUSH(arena, query->extra_tables, query->extra_table_count, query->extra_table_capacity) =
            extra->tables[i];
    if (extra->order_count) {
        query->extra_order_by = extra->order_by;
        query->extra_order_count = extra->order_count;
    }
    return true;
}

static void replay_lock(DjQuery *query, const DjOp *op) {
    query->lock = true;
    query->lock_nowait = op->lock->nowait;
    query->lock_skip_locked = op->lock->skip_locked;
    query->lock_no_key = op->lock->no_key;
    query->lock_of = op->lock->of;
    query->lock_of_spans = op->lock->of_spans;
    query->lock_of_count = op->lock->of_count;
}

static bool replay_order_by(DjQuery *query, const DjOp *op) {
    dj_clear_ordering(query, true, false);
    return dj_add_ordering(query, op->orderings, op->count);
}

static bool replay_values(DjQuery *query, const DjOp *op) {
    if (!dj_set_values(query, op->names, op->spans, op->count) || !op->flag) return !evaluator_error_pending(query->ev);
    query->select = (DjExprs){0};
    query->has_selected = query->default_columns = false;
    query->selected_count = query->values_count = 0;
    return dj_add_fields(query, op->names, op->spans, op->count, false);
}

static bool replay_op(DjQuery *query, const DjOp *op, const DjOp *last_combine) {
    switch (op->kind) {
    case DJ_OP_FILTER: return dj_add_q(query, op->expr, false);
    case DJ_OP_ANNOTATE: return replay_annotate(query, op);
    case DJ_OP_ORDER_BY: return replay_order_by(query, op);
    case DJ_OP_CLEAR_ORDER: dj_clear_ordering(query, true, true); return true;
    case DJ_OP_REVERSE: query->standard_ordering = !query->standard_ordering; return true;
    case DJ_OP_DISTINCT:
        query->distinct = true;
        query->distinct_fields = op->names;
        query->distinct_spans = op->spans;
        query->distinct_count = op->count;
        return true;
    case DJ_OP_VALUES: return replay_values(query, op);
    case DJ_OP_ONLY: replay_deferred(query, op, true); return true;
    case DJ_OP_DEFER: replay_deferred(query, op, false); return true;
    case DJ_OP_SELECT_RELATED: replay_select_related(query, op); return true;
    case DJ_OP_SLICE: replay_slice(query, op); return true;
    case DJ_OP_COMBINE: return replay_combine(query, op, op == last_combine);
    case DJ_OP_MERGE: return dj_merge(query, op);
    case DJ_OP_NONE: dj_set_empty(query); return true;
    case DJ_OP_EXTRA: return replay_extra(query, op);
    case DJ_OP_LOCK: replay_lock(query, op); return true;
    case DJ_OP_EXPLAIN: query->explain = op->text; return true;
    }
    return true;
}

static bool dj_replay(DjQuery *query, const DjOp *op) {
    if (!op) return true;
    /* oldest first: the list runs from the newest */
    int count = 0;
    for (const DjOp *at = op; at; at = at->previous) count++;
    const DjOp **ops = ARENA_ARRAY(evaluator_arena(query->ev), const DjOp *, count);
    const DjOp *last_combine = NULL;
    for (const DjOp *at = op; at; at = at->previous) {
        ops[--count] = at;
        if (at->kind == DJ_OP_COMBINE && !last_combine) last_combine = at;
    }
    for (const DjOp **at = ops;; at++) {
        if (!query->sticky) query->used_joins.count = 0;
        query->sticky = (*at)->sticky;
        query->site = (*at)->site;
        if (!replay_op(query, *at, last_combine)) return false;
        if (*at == op) return true;
    }
}

DjQuery *dj_queryset_query(Evaluator *ev, DjQuerySet *queryset) {
    DjQuery *query = dj_query_new(ev, queryset->model);
    query->site = queryset->site;
    if (!dj_replay(query, queryset->last)) return NULL;
    query->site = queryset->site;
    return query;
}
