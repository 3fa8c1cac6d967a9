/*
 * qs1 & qs2, qs1 | qs2, qs1 ^ qs2: the second query's joins are made again in the first (shared where the connector
 * allows it), its conditions are pointed at them and added.
 */
#include "compiler/django/django.h"
#include "compiler/django/queryset.h"

typedef struct JoinMap {
    DjJoin **from, **to;
    int count;
} JoinMap;

static DjJoin *mapped(const JoinMap *map, DjJoin *join) {
    for (int i = 0; i < map->count; i++)
        if (map->from[i] == join) return map->to[i];
    return join;
}

static DjExpr *remap(Evaluator *ev, const JoinMap *map, DjExpr *expr);

static Slice relation_name(const Relation *relation) {
    return relation->alias.length ? relation->alias : relation->name;
}

/*
 * Django renames by name: what a subquery's table shares with a join of the query around it, it shares with the join
 * that takes its place.
 */
static void rename_tables(const JoinMap *map, DjQuery *query) {
    for (int i = 0; i < query->join_count; i++) {
        Relation *own = &query->joins[i]->relation;
        int at = 0;
        while (at < map->count && !slice_equals(relation_name(&map->from[at]->relation), relation_name(own))) at++;
        if (at == map->count) continue;
        const Relation *to = &map->to[at]->relation;
        bool plain = slice_equals(relation_name(to), own->name);
        own->alias = plain ? (Slice){0} : relation_name(to);
        own->alias_unquoted = !plain;
    }
}

/* A subquery's references to the query that it stood in. */
static void remap_query(Evaluator *ev, const JoinMap *map, DjQuery *query) {
    rename_tables(map, query);
    query->where = remap(ev, map, query->where);
    for (int i = 0; i < query->annotation_count; i++)
        query->annotations[i].expr = remap(ev, map, query->annotations[i].expr);
    for (int i = 0; i < query->combined_count; i++) remap_query(ev, map, query->combined[i]);
}

static DjExpr *remap(Evaluator *ev, const JoinMap *map, DjExpr *expr) {
    if (!expr) return NULL;
    DjExpr *copy = dj_copy(ev, expr);
    bool query = expr->kind == DJ_SUBQUERY || expr->kind == DJ_EXISTS || expr->kind == DJ_QUERY;
    if (query && expr->as.subquery.query) remap_query(ev, map, expr->as.subquery.query);
    if (expr->kind == DJ_COL) copy->as.col.join = mapped(map, expr->as.col.join);
    if (expr->kind == DJ_COL_PAIRS) copy->as.pairs.join = mapped(map, expr->as.pairs.join);
    for (int i = 0; i < copy->count; i++) copy->args[i] = remap(ev, map, expr->args[i]);
    if (expr->kind == DJ_FUNC) {
        copy->as.func.filter = remap(ev, map, expr->as.func.filter);
        copy->as.func.order_by = remap(ev, map, expr->as.func.order_by);
    }
    if (expr->kind == DJ_WINDOW) {
        copy->as.window.partition_by = remap(ev, map, expr->as.window.partition_by);
        copy->as.window.order_by = remap(ev, map, expr->as.window.order_by);
    }
    return copy;
}

/* OR keeps INNER only what both sides need; AND what either needs. */
static void promote_by_votes(DjQuery *query, const DjJoinSet *left, const DjJoinSet *right, DjConnector connector) {
    DjJoinSet promote = {0}, demote = {0};
    if (connector == DJ_XOR) return;
    for (int i = 0; i < query->join_count; i++) {
        DjJoin *join = query->joins[i];
        int votes = dj_join_set_has(left, join) + dj_join_set_has(right, join);
        if (!votes) continue;
        if (connector == DJ_OR && votes < 2) dj_join_set_add(query->ev, &promote, join);
        else dj_join_set_add(query->ev, &demote, join);
    }
    dj_promote(query, &promote);
    dj_demote(query, &demote);
}

static bool same_distinct_fields(const DjQuery *query, const DjQuery *other) {
    if (query->distinct_count != other->distinct_count) return false;
    for (int i = 0; i < query->distinct_count; i++)
        if (!slice_equals(query->distinct_fields[i], other->distinct_fields[i])) return false;
    return true;
}

/* Whether the query selects that, under the name, for values(). */
static bool selects(const DjQuery *query, const DjSelected *item) {
    for (int i = 0; query->has_selected && i < query->selected_count; i++)
        if (query->selected[i].kind == item->kind && slice_equals(query->selected[i].name, item->name)) return true;
    for (int i = 0; !query->has_selected && item->kind == DJ_SELECTED_ANNOTATION && i < query->annotation_count; i++)
        if (query->annotations[i].selected && slice_equals(query->annotations[i].name, item->name)) return true;
    for (int i = 0; !query->has_selected && item->kind == DJ_SELECTED_EXTRA && i < query->extra_count; i++)
        if (slice_equals(query->extra[i].name, item->name)) return true;
    return false;
}

static int selects_count(const DjQuery *query) {
    if (query->has_selected) return query->selected_count;
    int count = query->extra_count;
    for (int i = 0; i < query->annotation_count; i++) count += query->annotations[i].selected;
    return count;
}

/* After values() the other query has to select the same. */
static bool same_values(const DjQuery *query, const DjQuery *other) {
    if (!query->has_selected) return true;
    for (int i = 0; i < query->selected_count; i++)
        if (!selects(other, &query->selected[i])) return false;
    return query->selected_count == selects_count(other);
}

static bool check_mergeable(DjQuery *query, DjQuery *other, const Node *site) {
    const char *problem = NULL;
    if (dj_is_sliced(query) || dj_is_sliced(other)) problem = "Cannot combine queries once a slice has been taken.";
    else if (query->distinct != other->distinct) problem = "Cannot combine a unique query with a non-unique query.";
    else if (!same_distinct_fields(query, other)) problem = "Cannot combine queries with different distinct fields.";
    if (!problem) return true;
    return evaluator_raise_id(query->ev, EXCEPTION_TYPE, site, "%s", problem) != NULL;
}

static bool is_nothing(const DjQuery *query) {
    for (int i = 0; i < query->where->count; i++)
        if (query->where->args[i]->kind == DJ_NOTHING) return true;
    return false;
}

/* false: an error is pending, as where a filtered relation of the other query is no name here. */
static bool map_joins(DjQuery *query, DjQuery *other, JoinMap *map, bool conjunction, DjJoinSet *needed) {
    DjJoinSet reuse = {0};
    for (int i = 0; i < query->join_count && !conjunction; i++) dj_join_set_add(query->ev, &reuse, query->joins[i]);
    map->from = ARENA_ARRAY(evaluator_arena(query->ev), DjJoin *, other->join_count + 1);
    map->to = ARENA_ARRAY(evaluator_arena(query->ev), DjJoin *, other->join_count + 1);
    DjJoin *base = dj_query_base(query);
    for (int i = 0; i < other->join_count; i++) {
        DjJoin *join = other->joins[i], *target = base;
        if (!join->base && join->parent) {
            DjPath *hops;
            int count = found_path(query->ev, join->join, &hops);
            DjStep step = {.filtered = join->filtered_source};
            for (int h = 0; h < count; h++)
                if (hops[h].join.field == join->join.field && hops[h].join.rel == join->join.rel) step.hop = hops[h];
            if (!step.hop.to) {
                step.hop = (DjPath){.from = join->parent->model,
                                    .to = join->model,
                                    .join = join->join,
                                    .m2m = true,
                                    .direct = !join->nullable};
            }
            int before = query->join_count;
            target = dj_join(query, mapped(map, join->parent), &step, &reuse);
            if (!target) return false;
            bool fresh = query->join_count > before;
            if (fresh ? !target->louter : !join->louter) dj_join_set_add(query->ev, needed, target);
            /* a table of this side serves at most one of the other */
            for (int r = 0; r < reuse.count; r++)
                if (reuse.items[r] == target) reuse.items[r] = reuse.items[--reuse.count];
            if (join->references <= 0) target->references--;
        }
        map->from[map->count] = join;
        map->to[map->count++] = target;
    }
    return true;
}

static void take_rest(DjQuery *query, DjQuery *other, const JoinMap *map) {
    if (other->select.count) {
        query->default_columns = false;
        query->select = (DjExprs){0};
        for (int i = 0; i < other->select.count; i++)
            ARENA_PUSH(evaluator_arena(query->ev), query->select.items, query->select.count, query->select.capacity) =
                remap(query->ev, map, other->select.items[i]);
    } else {
        query->select = (DjExprs){0};
    }
    for (int i = 0; i < other->extra_count; i++)
        ARENA_PUSH(evaluator_arena(query->ev), query->extra, query->extra_count, query->extra_capacity) =
            other->extra[i];
    for (int i = 0; i < other->extra_table_count; i++)
        ARENA_PUSH(evaluator_arena(query->ev), query->extra_tables, query->extra_table_count,
                   query->extra_table_capacity) = other->extra_tables[i];
    if (other->order_count) {
        query->order_by = other->order_by;
        query->order_count = query->order_capacity = other->order_count;
    }
    if (other->extra_order_count) {
        query->extra_order_by = other->extra_order_by;
        query->extra_order_count = other->extra_order_count;
    }
}

/* What values() selects, in any order. */
static bool same_selection(const DjQuery *query, const DjQuery *other) {
    int count = other->has_selected ? other->selected_count : 0;
    if (query->selected_count != count) return false;
    for (int i = 0; i < count; i++) {
        int at = 0;
        while (at < query->selected_count && (query->selected[at].kind != other->selected[i].kind ||
                                              !slice_equals(query->selected[at].name, other->selected[i].name)))
            at++;
        if (at == query->selected_count) return false;
    }
    return true;
}

bool dj_merge(DjQuery *query, const DjOp *op) {
    DjQuery *other = dj_queryset_query(query->ev, op->querysets[0]);
    if (!other) return false;
    if (query->has_selected && !same_selection(query, other))
        return evaluator_raise_id(query->ev, EXCEPTION_TYPE, op->site,
                                  "Merging 'QuerySet' classes must involve the same values in each case.") != NULL;
    if (!same_values(query, other))
        return evaluator_raise_id(query->ev, EXCEPTION_TYPE, op->site,
                                  "Merging 'QuerySet' classes must involve the same values in each case.") != NULL;
    bool conjunction = op->connector == DJ_AND;
    /* nothing & x is nothing; nothing | x is x */
    if (is_nothing(query) || is_nothing(other)) {
        bool keep_other = conjunction ? is_nothing(other) : is_nothing(query);
        if (keep_other) *query = *other;
        return true;
    }
    if (!check_mergeable(query, other, op->site)) return false;
    dj_bump_prefix(other, query);
    JoinMap map = {0};
    DjJoinSet left = {0}, right = {0};
    for (int i = 0; i < query->join_count; i++)
        if (!query->joins[i]->base && !query->joins[i]->louter) dj_join_set_add(query->ev, &left, query->joins[i]);
    if (!map_joins(query, other, &map, conjunction, &right)) return false;
    promote_by_votes(query, &left, &right, op->connector);
    DjExpr *where = remap(query->ev, &map, other->where);
    dj_where_add(query->ev, query->where, where, op->connector);
    take_rest(query, other, &map);
    return true;
}
