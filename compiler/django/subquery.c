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

/* How many names are tried; more nesting than they allow is refused. */
enum { MOST_PREFIXES = 64 };

/* The names that are tried after `first`: itself, once more itself up to Z, then AA, AB … */
static void prefix_at(char first, int position, char *name) {
    int single = first <= 'Z' ? 'Z' - first + 2 : 0;
    memset(name, 0, 3);
    if (position < single) {
        name[0] = (char)(first + (position ? position - 1 : 0));
        return;
    }
    name[0] = (char)('A' + (position - single) / 26);
    name[1] = (char)('A' + (position - single) % 26);
}

/* The next that neither this query nor one below it uses. */
static bool next_prefix(DjQuery *query) {
    char first = query->prefix[1] ? 'Z' + 1 : (char)(query->prefix[0] + 1);
    for (int position = 0; position < MOST_PREFIXES; position++) {
        char name[8] = {0};
        prefix_at(first, position, name);
        if (prefix_used(query, slice_from(name))) continue;
        memcpy(query->prefix, name, sizeof name);
        prefix_use(query, slice_copy(evaluator_arena(query->ev), slice_from(name)));
        return true;
    }
    evaluator_raise_id(query->ev, EXCEPTION_RECURSION, query->site,
                       "Maximum recursion depth exceeded: too many subqueries.");
    return false;
}

/* A name that tables had, and the one they get. */
typedef struct Renaming {
    Slice from, to;
} Renaming;
typedef struct Renamings {
    Renaming *items;
    int count;
} Renamings;

static Slice relation_name(const Relation *relation) {
    return relation->alias.length ? relation->alias : relation->name;
}

static void relation_rename(Relation *relation, Slice alias) {
    relation->alias = alias;
    relation->alias_unquoted = true;
}

static void rename_inside(DjQuery *query, const Renamings *renamings, int depth);

static void rename_in(Evaluator *ev, DjExpr *expr, const Renamings *renamings, int depth) {
    DjExprs inner = {0};
    if (expr && expr->flags & DJ_HAS_SUBQUERY) dj_subqueries(ev, expr, &inner);
    for (int i = 0; i < inner.count; i++) {
        DjQuery *query = inner.items[i]->as.subquery.query;
        for (int j = 0; j < query->join_count; j++)
            for (int r = 0; r < renamings->count; r++)
                if (slice_equals(relation_name(&query->joins[j]->relation), renamings->items[r].from)) {
                    relation_rename(&query->joins[j]->relation, renamings->items[r].to);
                    break;
                }
        rename_inside(query, renamings, depth + 1);
    }
}

/* Django renames by name: a table of a query further inside that has the same name still is renamed with it. */
static void rename_inside(DjQuery *query, const Renamings *renamings, int depth) {
    if (depth > MOST_PREFIXES) return;
    rename_in(query->ev, query->where, renamings, depth);
    for (int i = 0; i < query->annotation_count; i++)
        rename_in(query->ev, query->annotations[i].expr, renamings, depth);
}

void dj_share_prefixes(DjQuery *query, const DjQuery *other) {
    for (int i = 0; i < other->used_prefix_count; i++) prefix_use(query, other->used_prefixes[i]);
}

void dj_bump_prefix(DjQuery *query, DjQuery *outer) {
    if (strcmp(query->prefix, outer->prefix) != 0 || !next_prefix(query)) return;
    for (int i = 0; i < query->used_prefix_count; i++) prefix_use(outer, query->used_prefixes[i]);
    Renamings renamings = {ARENA_ARRAY(evaluator_arena(query->ev), Renaming, query->join_count + 1), 0};
    for (int i = 0; i < query->join_count; i++) {
        Relation *relation = &query->joins[i]->relation;
        Renaming *one = &renamings.items[renamings.count++];
        *one = (Renaming){relation_name(relation), slice_format(evaluator_arena(query->ev), "%s%d", query->prefix, i)};
        relation_rename(relation, one->to);
    }
    rename_inside(query, &renamings, 0);
}

/* What a lookup compares, seen once more. A list of expressions is none itself. */
static DjExpr *lookup_again(Evaluator *ev, DjExpr *lookup) {
    if (!(lookup->flags & DJ_HAS_WHERE)) return lookup;
    DjExpr *copy = dj_copy(ev, lookup);
    for (int i = 0; i < copy->count; i++)
        if (copy->args[i] && copy->args[i]->kind != DJ_LIST) copy->args[i] = dj_resolve_again(ev, copy->args[i]);
    return copy;
}

static bool resolve_tree(DjExpr *node, DjQuery *outer, const DjResolve *how) {
    for (int i = 0; i < node->count; i++) {
        DjExpr *child = node->args[i];
        if (child->kind == DJ_LOOKUP) node->args[i] = child = lookup_again(outer->ev, child);
        if (!(child->flags & (DJ_HAS_OUTER | DJ_HAS_WHERE))) continue;
        if (child->kind == DJ_WHERE) {
            if (!resolve_tree(child, outer, how)) return false;
        } else if (child->flags & DJ_HAS_OUTER && !(node->args[i] = dj_resolve(outer, child, how))) {
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
static void dj_clear_select(DjQuery *query) {
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
static bool dj_group_by_model(DjQuery *query) {
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
