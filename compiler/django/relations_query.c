/*
 * Parts of queries that follow relations in a special way: the content type of generic relations, FilteredRelation,
 * the tables of FOR UPDATE OF.
 */
#include "compiler/django/compile.h"
#include "compiler/django/django.h"
#include "compiler/django/write.h"
#include "compiler/django/lookup.h"

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

/* The condition's names start with the relation; inside, they are those of the alias. */
static DjExpr *rename_condition(DjQuery *query, DjExpr *node, Slice relation, Slice alias, Span span) {
    DjExpr *copy = dj_copy(query->ev, node);
    if (node->kind == DJ_CONDITION) {
        Slice name = node->as.condition.name;
        Slice prefix = slice_sub(name, 0, relation.length);
        bool starts =
            slice_equals(prefix, relation) &&
            (name.length == relation.length || slice_starts_with(slice_sub(name, relation.length, name.length), "__"));
        if (starts)
            copy->as.condition.name = slice_format(evaluator_arena(query->ev), "%.*s%.*s", SLICE_ARGS(alias),
                                                   (int)(name.length - relation.length), name.start + relation.length);
        return copy;
    }
    for (int i = 0; i < copy->count; i++)
        if (copy->args[i] && (copy->args[i]->kind == DJ_Q || copy->args[i]->kind == DJ_CONDITION))
            copy->args[i] = rename_condition(query, copy->args[i], relation, alias, span);
    return copy;
}

static bool check_condition(DjQuery *query, const DjExpr *node, const Slice *relation, int relation_count,
                            Slice relation_name, Span span) {
    if (node->kind == DJ_CONDITION) {
        Slice parts[DJ_MAX_NAMES];
        int count = dj_split_names(node->as.condition.name, parts);
        DjResolvedNames resolved;
        if (!dj_names_to_path(query, parts, count, query->model, true, false, node->as.condition.span, &resolved))
            return false;
        int fields = resolved.used, path = fields - (count > fields ? 1 : 2);
        for (int i = 0; i < path && i < relation_count; i++)
            if (!slice_equals(parts[i], relation[i]))
                return refuse_filtered(
                    query, span,
                    slice_terminated(
                        evaluator_arena(query->ev),
                        slice_format(evaluator_arena(query->ev),
                                     "FilteredRelation's condition doesn't support relations outside the '%.*s'",
                                     SLICE_ARGS(relation_name))),
                    node->as.condition.name, (Slice){"", 0});
        if (fields > relation_count + 1)
            return refuse_filtered(
                query, span,
                "FilteredRelation's condition doesn't support nested relations deeper than the relation_name",
                node->as.condition.name, relation_name);
        return true;
    }
    for (int i = 0; i < node->count; i++)
        if (node->args[i] && (node->args[i]->kind == DJ_Q || node->args[i]->kind == DJ_CONDITION) &&
            !check_condition(query, node->args[i], relation, relation_count, relation_name, span))
            return false;
    return true;
}

bool dj_add_filtered_relation(DjQuery *query, DjExpr *relation, Slice alias, Span span) {
    if (slice_find(alias, '.') < alias.length)
        return refuse_filtered(query, span, "FilteredRelation doesn't support aliases with periods", alias,
                               (Slice){"", 0});
    if (!dj_check_alias(query, alias, span)) return false;
    Slice parts[DJ_MAX_NAMES];
    int count = dj_split_names(relation->as.filtered.relation, parts);
    DjResolvedNames resolved;
    if (!dj_names_to_path(query, parts, count, query->model, true, false, evaluator_span(query->ev, relation->site),
                          &resolved))
        return false;
    if (resolved.used < count)
        return refuse_filtered(query, span, "FilteredRelation's relation_name cannot contain lookups",
                               relation->as.filtered.relation, (Slice){"", 0});
    DjExpr *added = dj_copy(query->ev, relation);
    added->as.filtered.alias = alias;
    if (relation->as.filtered.condition) {
        if (!check_condition(query, relation->as.filtered.condition, parts, count, relation->as.filtered.relation,
                             span))
            return false;
        added->as.filtered.condition =
            rename_condition(query, relation->as.filtered.condition, relation->as.filtered.relation, alias, span);
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
