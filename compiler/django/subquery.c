/*
 * A query inside another: names of its own (U0, U1, …), references to the outer query resolved there, and the forms a
 * query takes for EXISTS.
 */
#include "compiler/django/query.h"

#include "compiler/django/django.h"

static bool prefix_used(const DjQuery *query, Slice prefix) {
    for (int i = 0; i < query->used_prefix_count; i++)
        if (slice_equals(query->used_prefixes[i], prefix)) return true;
    return slice_equals_text(prefix, "T");
}

static void prefix_use(DjQuery *query, Slice prefix) {
    if (!prefix_used(query, prefix))
        ARENA_PUSH(evaluator_arena(query->ev), query->used_prefixes, query->used_prefix_count,
                   query->used_prefix_capacity) = prefix;
}

/* T, U, V … Z, then AA, AB …: the next that neither this query nor one below it uses. */
static bool next_prefix(DjQuery *query) {
    char name[8] = {(char)(query->prefix[0] + 1)};
    if (query->prefix[1] || query->prefix[0] == 'Z') memcpy(name, "AA", 3);
    for (int tries = 0; tries < 64; tries++) {
        if (!prefix_used(query, slice_from(name))) {
            memcpy(query->prefix, name, sizeof name);
            prefix_use(query, slice_copy(evaluator_arena(query->ev), slice_from(name)));
            return true;
        }
        size_t last = strlen(name) - 1;
        if (name[last] < 'Z') name[last]++;
        else if (last == 0) memcpy(name, "AA", 3);
        else {
            name[0]++;
            name[last] = 'A';
        }
    }
    evaluator_raise_id(query->ev, EXCEPTION_RECURSION, query->site,
                       "Maximum recursion depth exceeded: too many subqueries.");
    return false;
}

void dj_bump_prefix(DjQuery *query, DjQuery *outer) {
    if (strcmp(query->prefix, outer->prefix) != 0 || !next_prefix(query)) return;
    for (int i = 0; i < query->used_prefix_count; i++) prefix_use(outer, query->used_prefixes[i]);
    for (int i = 0; i < query->join_count; i++) {
        Relation *relation = &query->joins[i]->relation;
        relation->alias = slice_format(evaluator_arena(query->ev), "%s%d", query->prefix, i);
        relation->alias_unquoted = true;
    }
}

static bool resolve_tree(DjExpr *node, DjQuery *outer, const DjResolve *how) {
    for (int i = 0; i < node->count; i++) {
        DjExpr *child = node->args[i];
        if (!(child->flags & DJ_HAS_OUTER)) continue;
        if (child->kind == DJ_WHERE) {
            if (!resolve_tree(child, outer, how)) return false;
        } else if (!(node->args[i] = dj_resolve(outer, child, how))) {
            return false;
        }
        node->flags |= node->args[i]->flags & DJ_INHERITED_FLAGS;
    }
    return true;
}

static bool resolve_annotations(DjQuery *inner, DjQuery *outer, const DjResolve *how) {
    for (int i = 0; i < inner->annotation_count; i++) {
        DjExpr *before = inner->annotations[i].expr;
        DjExpr *resolved = before->flags & DJ_HAS_OUTER ? dj_resolve(outer, before, how) : before;
        if (!resolved) return false;
        inner->annotations[i].expr = dj_resolve_again(inner->ev, resolved);
        for (int g = 0; g < inner->group_by.count; g++) {
            DjExpr *group = inner->group_by.items[g];
            if (group->kind != DJ_REF || group->args[0] != before) continue;
            inner->group_by.items[g] = dj_ref(inner->ev, group->as.ref.name, inner->annotations[i].expr);
        }
    }
    return true;
}

bool dj_query_resolve(DjQuery *inner, DjQuery *outer, const DjResolve *how) {
    dj_bump_prefix(inner, outer);
    if (evaluator_error_pending(inner->ev)) return false;
    inner->subquery = true;
    if (!resolve_tree(inner->where, outer, how)) return false;
    for (int i = 0; i < inner->combined_count; i++)
        if (!dj_query_resolve(inner->combined[i], outer, how)) return false;
    for (int i = 0; i < inner->join_count; i++)
        if (inner->joins[i]->filtered && inner->joins[i]->filtered->flags & DJ_HAS_OUTER &&
            !resolve_tree(inner->joins[i]->filtered, outer, how))
            return false;
    return resolve_annotations(inner, outer, how);
}

/* Nothing is selected any more: what the caller adds is all. */
void dj_clear_select(DjQuery *query) {
    query->select = (DjExprs){0};
    query->default_columns = false;
    query->related_all = false;
    query->related = NULL;
    query->extra_masked = true;
    for (int i = 0; i < query->extra_count; i++) query->extra[i].selected = false;
    dj_mask_annotations(query, NULL, 0);
    query->has_selected = false;
    query->selected_count = 0;
}

/* GROUP BY the model's columns, said as a list, before the select list goes. */
bool dj_group_by_model(DjQuery *query) {
    Fields *fields = &query->model->concrete_fields;
    Slice *names = ARENA_ARRAY(evaluator_arena(query->ev), Slice, fields->count + 1);
    for (int i = 0; i < fields->count; i++) names[i] = fields->items[i]->attname->text;
    if (!dj_add_fields(query, names, NULL, fields->count, false)) return false;
    dj_set_group_by(query, false);
    return true;
}

DjQuery *dj_exists_query(DjQuery *query, bool limit) {
    if (!(query->distinct && dj_is_sliced(query))) {
        if (query->grouping == DJ_GROUP_ALL && !dj_group_by_model(query)) return NULL;
        dj_clear_select(query);
    }
    if (query->combinator == DJ_COMBINE_UNION)
        for (int i = 0; i < query->combined_count; i++)
            if (!dj_exists_query(query->combined[i], false)) return NULL;
    dj_clear_ordering(query, true, true);
    if (limit) dj_set_limits(query, 0, true, 1);
    DjExpr *one = dj_value(query->ev, value_integer(query->ev, 1), NULL, query->site);
    return dj_add_annotation(query, SLICE("a"), one, true, (Span){0}) ? query : NULL;
}
