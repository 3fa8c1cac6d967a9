/*
 * Parts of queries that follow relations in a special way: the content type of generic relations, FilteredRelation,
 * the tables of FOR UPDATE OF.
 */
#include "compiler/django/compile.h"
#include "compiler/django/django.h"
#include "compiler/django/lookup.h"
#include "compiler/django/queryset.h"
#include "compiler/django/write.h"

/* content_type_id = <id of the model's content type>: the id is another query's row. */
DjExpr *dj_join_restriction(DjQuery *query, DjFound join, DjJoin *table) {
    DjRestriction restriction = found_restriction(query->ev, join);
    if (!restriction.field) return NULL;
    DjJoin *holder =
        restriction.field->model->concrete == table->model->concrete || !table->parent ? table : table->parent;
    DjExpr *column = dj_col(query->ev, holder, restriction.field, NULL);
    Value *id = content_type_id(query->ev, restriction.model, query->site);
    if (!id) return NULL;
    return dj_build_lookup(query, NULL, 0, column, id, (Span){0}, query->site);
}

static bool refuse_filtered(DjQuery *query, Span span, const char *message, Slice a, Slice b) {
    evaluator_raise(query->ev, evaluator_exception(query->ev, EXCEPTION_VALUE), span, "%s (got '%.*s'%s%.*s%s).",
                    message, SLICE_ARGS(a), b.length ? " for '" : "", SLICE_ARGS(b), b.length ? "'" : "");
    return false;
}

/* `name` below the relation, said through the alias: "book__title" → "good_book__title". */
static Slice rename_path(DjQuery *query, Slice name, Slice relation, Slice alias) {
    bool below = name.length > relation.length && slice_equals(slice_sub(name, 0, relation.length), relation) &&
                 slice_starts_with(slice_sub(name, relation.length, name.length), "__");
    if (!below) return name;
    return slice_format(evaluator_arena(query->ev), "%.*s%.*s", SLICE_ARGS(alias), (int)(name.length - relation.length),
                        name.start + relation.length);
}

static bool is_reference(const DjExpr *node) { return node->kind == DJ_F || node->kind == DJ_OUTER_REF; }

static DjExpr *rename_condition(DjQuery *query, DjExpr *node, Slice relation, Slice alias);

static bool rename_parts(DjQuery *query, DjExpr *copy, Slice relation, Slice alias) {
    for (int i = 0; i < copy->count; i++)
        if (copy->args[i] && !(copy->args[i] = rename_condition(query, copy->args[i], relation, alias))) return false;
    DjExpr **further[2] = {NULL, NULL};
    if (copy->kind == DJ_FUNC) {
        further[0] = &copy->as.func.filter;
        further[1] = &copy->as.func.order_by;
    } else if (copy->kind == DJ_WINDOW) {
        further[0] = &copy->as.window.partition_by;
        further[1] = &copy->as.window.order_by;
    }
    for (int i = 0; i < 2; i++)
        if (further[i] && *further[i] && !(*further[i] = rename_condition(query, *further[i], relation, alias)))
            return false;
    return true;
}

/* Inside the condition the names below the relation are those of the alias; F() as a keyword's value stays. */
static DjExpr *rename_condition(DjQuery *query, DjExpr *node, Slice relation, Slice alias) {
    DjExpr *copy = dj_copy(query->ev, node);
    if (is_reference(node)) {
        copy->as.f.name = rename_path(query, node->as.f.name, relation, alias);
        return copy;
    }
    if (node->kind != DJ_CONDITION) return rename_parts(query, copy, relation, alias) ? copy : NULL;
    copy->as.condition.name = rename_path(query, node->as.condition.name, relation, alias);
    Value *value = node->as.condition.value;
    if (value_is_queryset(value))
        return evaluator_raise_id(query->ev, EXCEPTION_VALUE, node->as.condition.value_node,
                                  "Passing a QuerySet within a FilteredRelation is not supported.");
    if (!value_is_expr(value) || is_reference(value_expr(value))) return copy;
    DjExpr *renamed = rename_condition(query, value_expr(value), relation, alias);
    copy->as.condition.value = (Value *)renamed;
    return renamed ? copy : NULL;
}

/* What the names of a condition are held against. */
typedef struct FilteredPath {
    Slice parts[DJ_MAX_NAMES];
    int count;
    Slice name;
    Span span; /* of the alias */
} FilteredPath;

static bool check_path(DjQuery *query, Slice name, Span span, const FilteredPath *relation) {
    Slice parts[DJ_MAX_NAMES];
    int count = dj_split_names(name, parts);
    DjResolvedNames resolved;
    if (!dj_names_to_path(query, parts, count, query->model, true, false, span, &resolved)) return false;
    int fields = resolved.used, path = fields - (count > fields ? 1 : 2);
    for (int i = 0; i < path && i < relation->count; i++)
        if (!slice_equals(parts[i], relation->parts[i]))
            return refuse_filtered(
                query, relation->span,
                slice_terminated(
                    evaluator_arena(query->ev),
                    slice_format(evaluator_arena(query->ev),
                                 "FilteredRelation's condition doesn't support relations outside the '%.*s'",
                                 SLICE_ARGS(relation->name))),
                name, (Slice){"", 0});
    if (fields > relation->count + 1)
        return refuse_filtered(
            query, relation->span,
            "FilteredRelation's condition doesn't support nested relations deeper than the relation_name", name,
            relation->name);
    return true;
}

/* Every name in the condition, those of F() included, stays inside the relation. */
static bool check_condition(DjQuery *query, const DjExpr *node, const FilteredPath *relation) {
    if (is_reference(node))
        return node->count || check_path(query, node->as.f.name, evaluator_span(query->ev, node->site), relation);
    if (node->kind == DJ_CONDITION) {
        if (!check_path(query, node->as.condition.name, node->as.condition.span, relation)) return false;
        Value *value = node->as.condition.value;
        return !value_is_expr(value) || check_condition(query, value_expr(value), relation);
    }
    for (int i = 0; i < node->count; i++)
        if (node->args[i] && !check_condition(query, node->args[i], relation)) return false;
    return node->kind != DJ_FUNC || !node->as.func.filter || check_condition(query, node->as.func.filter, relation);
}

bool dj_add_filtered_relation(DjQuery *query, DjExpr *relation, Slice alias, Span span) {
    if (slice_find(alias, '.') < alias.length)
        return refuse_filtered(query, span, "FilteredRelation doesn't support aliases with periods", alias,
                               (Slice){"", 0});
    if (!dj_check_alias(query, alias, span)) return false;
    FilteredPath path = {.name = relation->as.filtered.relation, .span = span};
    path.count = dj_split_names(path.name, path.parts);
    DjResolvedNames resolved;
    if (!dj_names_to_path(query, path.parts, path.count, query->model, true, false,
                          evaluator_span(query->ev, relation->site), &resolved))
        return false;
    if (resolved.used < path.count)
        return refuse_filtered(query, span, "FilteredRelation's relation_name cannot contain lookups", path.name,
                               (Slice){"", 0});
    DjExpr *added = dj_copy(query->ev, relation);
    added->as.filtered.alias = alias;
    if (relation->as.filtered.condition) {
        if (!check_condition(query, relation->as.filtered.condition, &path)) return false;
        added->as.filtered.condition = rename_condition(query, relation->as.filtered.condition, path.name, alias);
        if (!added->as.filtered.condition) return false;
    }
    ARENA_PUSH(evaluator_arena(query->ev), query->filtered_relations, query->filtered_count, query->filtered_capacity) =
        added;
    return true;
}

/* ---- FOR UPDATE OF ---- */

/* An object of the row: whose table may be locked, and the columns that are read of it. */
typedef struct RowPart {
    DjModel *model;
    int joined; /* index in DjQuery.joined, -1: the row's own object, -2: a parent model's share of one */
    int first, count;
} RowPart;

static bool is_of_model(const DjExpr *column, const DjModel *model) {
    return column->kind == DJ_COL && column->as.col.target->model == model;
}

/* The relation `name` of a part: what select_related followed, or a parent model. */
static bool part_below(DjQuery *query, RowPart *part, Slice name) {
    int base = query->row_extra + query->row_columns + query->row_annotations;
    for (int i = 0; i < query->joined_count; i++) {
        const DjJoinedRow *joined = &query->joined[i];
        if (joined->parent != part->joined) continue;
        Atom called = joined->via.field ? joined->via.field->name
                      : joined->via.rel ? joined->via.rel->name
                                        : joined->name;
        if (!called || !slice_equals(called->text, name)) continue;
        *part = (RowPart){joined->model, i, base + joined->first, joined->count};
        return true;
    }
    DjModel *concrete = part->model->concrete;
    for (int i = 0; i < concrete->parent_count; i++)
        if (concrete->parents[i].link && slice_equals(concrete->parents[i].link->name->text, name)) {
            part->model = concrete->parents[i].model;
            part->joined = -2;
            return true;
        }
    return false;
}

static void lock_add(DjCompiler *compiler, Lock *lock, const RowPart *part) {
    DjQuery *query = compiler->query;
    for (int c = part->first; c < part->first + part->count && c < query->row.count; c++) {
        DjExpr *column = query->row.items[c];
        if (!is_of_model(column, part->model->concrete) || !column->as.col.join) continue;
        Relation **items = ARENA_ARRAY(compiler_arena(compiler), Relation *, lock->of_count + 1);
        if (lock->of_count) memcpy(items, lock->of, sizeof *items * (size_t)lock->of_count);
        items[lock->of_count++] = &column->as.col.join->relation;
        lock->of = items;
        return;
    }
}

/* All names that may be locked, those nearer to the row first. */
static Slice lock_choices(DjCompiler *compiler) {
    DjQuery *query = compiler->query;
    typedef struct Choice {
        Slice path;
        RowPart part;
    } Choice;
    enum { MOST = 64 };
    Choice queue[MOST];
    int count = 0;
    Buffer out;
    buffer_init(&out, compiler_arena(compiler));
    queue[count++] = (Choice){{0}, {query->model, -1, 0, 0}};
    for (int at = 0; at < count; at++) {
        Choice here = queue[at];
        buffer_format(&out, "%s%.*s", at ? ", " : "", at ? (int)here.path.length : 4, at ? here.path.start : "self");
        DjModel *concrete = here.part.model->concrete;
        for (int i = 0; i < concrete->parent_count + query->joined_count && count < MOST; i++) {
            const DjJoinedRow *joined = i < concrete->parent_count ? NULL : &query->joined[i - concrete->parent_count];
            if (joined ? joined->parent != here.part.joined || !joined->name : !concrete->parents[i].link) continue;
            Atom name =
                joined ? joined->via.rel ? joined->via.rel->name : joined->name : concrete->parents[i].link->name;
            Slice path = here.path.length ? slice_format(compiler_arena(compiler), "%.*s__%.*s", SLICE_ARGS(here.path),
                                                         SLICE_ARGS(name->text))
                                          : name->text;
            queue[count++] = (Choice){
                path,
                {joined ? joined->model : concrete->parents[i].model, joined ? i - concrete->parent_count : -2, 0, 0}};
        }
    }
    return buffer_view(&out);
}

bool dj_lock_relations(DjCompiler *compiler, Lock *lock) {
    DjQuery *query = compiler->query;
    if (!query->default_columns && !query->select.count) return true;
    for (int i = 0; i < query->lock_of_count; i++) {
        Slice name = query->lock_of[i], parts[DJ_MAX_NAMES];
        RowPart part = {query->model, -1, query->row_extra,
                        query->default_columns ? query->row_columns : query->row.count};
        int count = slice_equals_text(name, "self") ? 0 : dj_split_names(name, parts);
        bool found = true;
        for (int p = 0; p < count && found; p++) found = part_below(query, &part, parts[p]);
        if (!found)
            return evaluator_raise(
                       compiler->ev, django_state(compiler->ev)->field_error, query->lock_of_spans[i],
                       "Invalid field name(s) given in select_for_update(of=(...)): %.*s. Only relational fields "
                       "followed in the query are allowed. Choices are: %.*s.",
                       SLICE_ARGS(name), SLICE_ARGS(lock_choices(compiler))) != NULL;
        lock_add(compiler, lock, &part);
    }
    return true;
}
