/*
 * Joins: allocation and reuse, promotion to LEFT and demotion to INNER, trimming.
 *
 * Rules, all Django's:
 *   - A hop is joined again only if no join may be reused: single-valued hops are always shared, multi-valued ones
 *     only within one filter() call (the reuse set).
 *   - A join below a LEFT join is LEFT; a nullable hop starts as LEFT and is demoted by conditions that need a row.
 *   - The second join of a table is named T3, T4, … by its position; the first carries the table's name.
 */
#include "compiler/django/query.h"

#include "compiler/django/lookup.h"

bool dj_join_set_has(const DjJoinSet *set, const DjJoin *join) {
    for (int i = 0; i < set->count; i++)
        if (set->items[i] == join) return true;
    return false;
}

void dj_join_set_add(Evaluator *ev, DjJoinSet *set, DjJoin *join) {
    if (!dj_join_set_has(set, join)) ARENA_PUSH(evaluator_arena(ev), set->items, set->count, set->capacity) = join;
}

static bool query_has_table(const DjQuery *query, Slice table) {
    for (int i = 0; i < query->join_count; i++)
        if (slice_equals(query->joins[i]->relation.name, table)) return true;
    return false;
}

static void join_name(DjQuery *query, DjJoin *join, Slice table, Slice filtered_alias) {
    join->relation.name = table;
    if (query_has_table(query, table))
        join->relation.alias = slice_format(evaluator_arena(query->ev), "%s%d", query->prefix, query->join_count + 1);
    else if (filtered_alias.length) join->relation.alias = filtered_alias;
    join->relation.alias_unquoted = join->relation.alias.length > 0;
}

static void query_append_join(DjQuery *query, DjJoin *join) {
    join->query = query;
    join->references = 1;
    join->relation.owner = join;
    ARENA_PUSH(evaluator_arena(query->ev), query->joins, query->join_count, query->join_capacity) = join;
}

DjJoin *dj_query_base(DjQuery *query) {
    if (query->join_count) {
        query->joins[0]->references++;
        return query->joins[0];
    }
    if (!query->model) return NULL;
    DjJoin *join = ARENA_NEW(evaluator_arena(query->ev), DjJoin);
    join->base = true;
    join->model = query->model;
    join_name(query, join, query->model->db_table->text, (Slice){0});
    query_append_join(query, join);
    return join;
}

static bool same_found(DjFound a, DjFound b) { return a.field == b.field && a.rel == b.rel; }

static DjJoin *find_reusable(const DjQuery *query, const DjJoin *parent, const DjStep *step, const DjJoinSet *reuse) {
    DjJoin *last = NULL;
    for (int i = 0; i < query->join_count; i++) {
        DjJoin *join = query->joins[i];
        if (join->parent != parent || join->base || !same_found(join->join, step->hop.join)) continue;
        if (join->filtered_source != step->filtered || (reuse && !dj_join_set_has(reuse, join))) continue;
        if (slice_equals(join->relation.name, step->hop.to->db_table->text)) last = join;
    }
    return last;
}

static void join_columns(DjQuery *query, DjJoin *join) {
    DjField **left, **right;
    join->column_count = found_join_fields(query->ev, join->join, &left, &right);
    join->columns = ARENA_ARRAY(evaluator_arena(query->ev), DjJoinColumn, join->column_count);
    for (int i = 0; i < join->column_count; i++)
        join->columns[i] = (DjJoinColumn){.near = left[i],
                                          .far = right[i],
                                          .near_column = left[i]->column ? left[i]->column->text : (Slice){0},
                                          .far_column = right[i]->column ? right[i]->column->text : (Slice){0}};
}

/* The condition of a FilteredRelation is resolved with its own join; joins that it makes stand before that join. */
static bool join_filtered(DjQuery *query, DjJoin *join, DjExpr *filtered, DjJoinSet *reuse) {
    int index = query->join_count - 1;
    DjJoinSet own = {0};
    if (reuse) {
        for (int i = 0; i < reuse->count; i++) dj_join_set_add(query->ev, &own, reuse->items[i]);
        dj_join_set_add(query->ev, &own, join);
    }
    DjResolve how = {.allow_joins = true, .reuse = reuse ? &own : NULL};
    if (filtered->as.filtered.condition) {
        join->filtered = dj_build_filtered(query, filtered->as.filtered.condition, &how);
        if (!join->filtered) return false;
    }
    if (query->join_count - 1 > index) {
        memmove(&query->joins[index], &query->joins[index + 1],
                sizeof *query->joins * (size_t)(query->join_count - 1 - index));
        query->joins[query->join_count - 1] = join;
    }
    return true;
}

DjJoin *dj_join(DjQuery *query, DjJoin *parent, const DjStep *step, DjJoinSet *reuse) {
    DjJoin *known = find_reusable(query, parent, step, reuse);
    if (known) {
        known->references++;
        return known;
    }
    DjJoin *join = ARENA_NEW(evaluator_arena(query->ev), DjJoin);
    join->parent = parent;
    join->join = step->hop.join;
    join->model = step->hop.to;
    join->nullable = !step->hop.direct || (join->join.field && join->join.field->null);
    join->louter = parent->louter || join->nullable;
    join->filtered_source = step->filtered;
    join_name(query, join, step->hop.to->db_table->text,
              step->filtered ? step->filtered->as.filtered.alias : (Slice){0});
    join_columns(query, join);
    query_append_join(query, join);
    if (step->filtered && !join_filtered(query, join, step->filtered, reuse)) return NULL;
    return join;
}

void dj_promote(DjQuery *query, DjJoinSet *joins) {
    DjJoinSet work = {0};
    for (int i = 0; i < joins->count; i++) dj_join_set_add(query->ev, &work, joins->items[i]);
    for (int i = 0; i < work.count; i++) {
        DjJoin *join = work.items[i];
        if (join->base || join->louter || !(join->nullable || (join->parent && join->parent->louter))) continue;
        join->louter = true;
        for (int j = 0; j < query->join_count; j++) {
            DjJoin *child = query->joins[j];
            if (child->parent != join) continue;
            /* again, even if it was looked at before */
            ARENA_PUSH(evaluator_arena(query->ev), work.items, work.count, work.capacity) = child;
        }
    }
}

void dj_demote(DjQuery *query, DjJoinSet *joins) {
    (void)query;
    for (int i = 0; i < joins->count; i++)
        if (!joins->items[i]->base) joins->items[i]->louter = false;
}

static bool setup_path(DjQuery *query, DjJoined *out, DjJoin *start, DjJoinSet *reuse) {
    out->joins = out->names.path.count < DJ_MAX_NAMES
                     ? out->buffer
                     : ARENA_ARRAY(evaluator_arena(query->ev), DjJoin *, out->names.path.count + 1);
    out->joins[0] = start;
    out->join_count = 1;
    for (int i = 0; i < out->names.path.count; i++) {
        const DjStep *step = &out->names.path.items[i];
        DjJoin *join = dj_join(query, out->joins[i], step, step->hop.m2m ? reuse : NULL);
        if (!join) return false;
        out->joins[out->join_count++] = join;
        if (step->filtered && reuse) dj_join_set_add(query->ev, reuse, join);
    }
    return true;
}

bool dj_setup_joins(DjQuery *query, const Slice *names, int count, DjModel *model, DjJoin *start, DjJoinSet *reuse,
                    bool allow_many, Span span, DjJoined *out) {
    *out = (DjJoined){0};
    /* all names as fields first; names at the end that are none may be transforms of what stands before them */
    for (int pivot = count; pivot > 0; pivot--) {
        if (dj_names_to_path(query, names, pivot, model, allow_many, true, span, &out->names)) {
            out->transforms = names + pivot;
            out->transform_count = count - pivot;
            return setup_path(query, out, start, reuse);
        }
        if (out->names.multi_at || pivot == 1) return false;
        evaluator_clear_error(query->ev);
    }
    return false;
}

DjJoin *dj_trim_joins(DjQuery *query, DjJoined *joined) {
    DjResolvedNames *names = &joined->names;
    for (int i = names->path.count - 1; i >= 0 && joined->join_count > 1; i--) {
        const DjStep *step = &names->path.items[i];
        if (!step->hop.direct || step->filtered) break;
        DjField **left, **right;
        int count = found_join_fields(query->ev, step->hop.join, &left, &right);
        DjField *trimmed[8];
        int found = 0;
        for (int t = 0; t < names->target_count && t < 8; t++)
            for (int c = 0; c < count; c++)
                if (right[c]->column == names->targets[t]->column) {
                    trimmed[found++] = left[c];
                    break;
                }
        if (found != names->target_count) break;
        names->targets = ARENA_ARRAY(evaluator_arena(query->ev), DjField *, found);
        memcpy(names->targets, trimmed, sizeof(DjField *) * (size_t)found);
        joined->joins[--joined->join_count]->references--;
    }
    return joined->joins[joined->join_count - 1];
}

static DjExpr *column_pairs(DjQuery *query, DjJoin *join, DjField **targets, DjField **sources, int count,
                            DjFound relation, DjField *field) {
    DjExpr *expr = dj_expr_new(query->ev, DJ_COL_PAIRS, query->site, count);
    expr->as.pairs.join = query->no_alias_columns ? NULL : join;
    expr->as.pairs.relation = relation;
    expr->as.pairs.field = field;
    expr->output_field = field;
    expr->output_decided = true;
    expr->flags |= DJ_RESOLVED | DJ_HAS_COLUMNS;
    for (int i = 0; i < count; i++) expr->args[i] = dj_col(query->ev, expr->as.pairs.join, targets[i], sources[i]);
    return expr;
}

static DjExpr *composite_column(DjQuery *query, DjJoin *join, DjField *key, DjFound relation) {
    DjField **fields;
    int count = model_pk_fields(query->ev, key->model, &fields);
    return column_pairs(query, join, fields, fields, count, relation, key);
}

DjExpr *dj_lookup_column(DjQuery *query, const DjJoined *joined, DjJoin *join) {
    const DjResolvedNames *names = &joined->names;
    DjJoin *table = query->no_alias_columns ? NULL : join;
    DjFound final = names->final_field;
    if (final.field && final.field->kind == FIELD_COMPOSITE_KEY)
        return composite_column(query, join, final.field, final);
    if (names->targets[0]->kind == FIELD_COMPOSITE_KEY) return composite_column(query, join, names->targets[0], final);
    bool relation = final.rel || (final.field && final.field->is_relation);
    DjField *output = final.field ? final.field : names->path.items[names->path.count - 1].hop.targets[0];
    if (relation && names->target_count > 1)
        return column_pairs(query, join, names->targets, names->path.items[names->path.count - 1].hop.targets,
                            names->target_count, final, output);
    if (relation && names->targets[0]->kind == FIELD_COMPOSITE_KEY) {
        DjField **keys;
        int count = model_pk_fields(query->ev, names->targets[0]->model, &keys);
        return column_pairs(query, join, keys, keys, count, final, output);
    }
    DjExpr *column = dj_col(query->ev, table, names->targets[0], output);
    if (relation) column->as.col.relation = final;
    return column;
}

/* A transform that doesn't exist on a field means that the name was meant as a field. */
static DjExpr *value_transform(DjQuery *query, const DjJoined *joined, DjExpr *column, int at, Span span) {
    DjExpr *result = dj_try_transform(query->ev, column, joined->transforms[at], joined->transforms[at], span);
    if (result || !joined->names.final_field.field) return result;
    evaluator_clear_error(query->ev);
    DjResolvedNames again;
    dj_names_to_path(query, joined->transforms - joined->names.used, joined->names.used + 1, query->model, true, true,
                     span, &again);
    return NULL;
}

DjExpr *dj_value_column(DjQuery *query, const DjJoined *joined, DjJoin *join, Span span) {
    DjField *target = joined->names.targets[0];
    DjExpr *column;
    if (joined->names.target_count > 1)
        column = column_pairs(query, join, joined->names.targets, joined->names.targets, joined->names.target_count,
                              joined->names.final_field, target);
    else if (target->kind == FIELD_COMPOSITE_KEY)
        column = composite_column(query, join, target, (DjFound){.field = target});
    else column = dj_col(query->ev, query->no_alias_columns ? NULL : join, target, NULL);
    for (int i = 0; column && i < joined->transform_count; i++)
        column = value_transform(query, joined, column, i, span);
    return column;
}
