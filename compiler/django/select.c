/*
 * The select list: extra(select=…), the model's columns or those of values(), annotations, then the columns of
 * select_related. Deferred fields are left out; columns of parent models come from the parents' tables.
 */
#include "compiler/django/compile.h"

#include "compiler/django/django.h"
#include "compiler/django/function_compile.h"

static const DjNames *mask_find(const DjNames *mask, Atom name) {
    for (; mask; mask = mask->next)
        if (name && slice_equals(mask->name, name->text)) return mask;
    return NULL;
}

const DjNames *dj_mask_of(const DjNames *mask, const DjField *field) {
    const DjNames *found = mask_find(mask, field->name);
    return found ? found : mask_find(mask, field->attname);
}

/* The model's own key is always read; a parent's key need not be. */
static bool is_own_key(Evaluator *ev, DjModel *model, const DjField *field) {
    DjField **keys;
    int count = model_pk_fields(ev, model, &keys);
    for (int i = 0; i < count; i++)
        if (keys[i] == field) return true;
    return field == model->pk || field == model->concrete->pk;
}

bool dj_mask_allows(Evaluator *ev, const DjNames *mask, bool is_only, DjModel *model, DjField *field) {
    if (!mask || is_own_key(ev, model, field)) return true;
    const DjNames *found = dj_mask_of(mask, field);
    return is_only ? found != NULL : !found || found->children;
}

typedef struct SeenParent {
    DjModel *model;
    DjJoin *join;
} SeenParent;

/* The join of the table that declares a field; parents on the way are joined once. */
static DjJoin *dj_join_parent(DjQuery *query, DjModel *model, DjModel *parent, DjJoin *start) {
    DjModel **chain;
    int count = model_base_chain(query->ev, model, parent, &chain);
    DjModel *current = model;
    DjJoin *join = start;
    for (int i = 0; i < count; i++) {
        DjField *link = model_ancestor_link(query->ev, current, chain[i]);
        if (!link) {
            current = chain[i];
            continue;
        }
        /* a proxy's table is its concrete model's: nothing to join */
        if (link->rel->model && link->rel->model->concrete != chain[i]->concrete) continue;
        DjJoined joined;
        if (!dj_setup_joins(query, &link->name->text, 1, current, join, NULL, true, (Span){0}, &joined)) return NULL;
        current = chain[i];
        join = joined.joins[joined.join_count - 1];
    }
    return join;
}

bool dj_default_columns(DjQuery *query, DjModel *model, DjJoin *start, const DjNames *mask, bool mask_is_only,
                        DjModel *from_parent, DjExprs *columns) {
    SeenParent seen[16];
    int seen_count = 0;
    model_prepare(query->ev, model);
    for (int i = 0; i < model->concrete_fields.count; i++) {
        DjField *field = model->concrete_fields.items[i];
        DjModel *owner = field->model->concrete;
        bool inherited = owner != model->concrete && owner != model;
        if (from_parent && inherited && model_is_subclass(from_parent->concrete, owner)) continue;
        if (!dj_mask_allows(query->ev, mask, mask_is_only, model, field)) continue;
        DjJoin *join = start;
        if (inherited) {
            join = NULL;
            for (int s = 0; s < seen_count; s++)
                if (seen[s].model == owner) join = seen[s].join;
            if (!join && !(join = dj_join_parent(query, model, owner, start))) return false;
            if (seen_count < 16) seen[seen_count++] = (SeenParent){owner, join};
        }
        DjExpr *column = dj_col(query->ev, query->no_alias_columns ? NULL : join, field, NULL);
        ARENA_PUSH(evaluator_arena(query->ev), columns->items, columns->count, columns->capacity) = column;
    }
    return true;
}

/* defer("nam") and only("nam"): names that no field carries are refused. "pk" is a name to only() alone. */
static bool check_mask(DjQuery *query, DjModel *model, const DjNames *mask, bool pk_allowed) {
    for (const DjNames *item = mask; item; item = item->next) {
        if (pk_allowed && slice_equals_text(item->name, "pk")) continue;
        Atom atom = atom_lookup(evaluator_atoms(query->ev), item->name);
        DjFound found = atom ? model_find_field(query->ev, model, atom) : (DjFound){0};
        bool filtered = false;
        for (int i = 0; i < query->filtered_count; i++)
            filtered |= slice_equals(query->filtered_relations[i]->as.filtered.alias, item->name);
        if (!found.field && !found.rel && !filtered) {
            evaluator_raise(query->ev, django_state(query->ev)->field_does_not_exist, item->span,
                            "%.*s has no field named '%.*s'", SLICE_ARGS(model->name->text), SLICE_ARGS(item->name));
            Suggestion suggestion = suggestion_start(item->name);
            Atom *names = NULL;
            int count = model_field_names_for_error(query->ev, model, &names);
            for (int i = 0; i < count; i++) suggestion_offer(&suggestion, names[i]->text);
            if (suggestion_found(&suggestion))
                evaluator_raise_help(query->ev, "did you mean '%.*s'?", SLICE_ARGS(suggestion.best));
            return false;
        }
        if (!item->children) continue;
        bool relation = found.rel || (found.field && found.field->is_relation);
        if (!relation && !filtered)
            return evaluator_raise(query->ev, django_state(query->ev)->field_error, item->span, "%.*s",
                                   SLICE_ARGS(item->children->name)) != NULL;
        DjModel *other = found.rel     ? found.rel->field->model
                         : found.field ? field_related_model(query->ev, found.field)
                                       : NULL;
        if (other && !check_mask(query, other->concrete, item->children, false)) return false;
    }
    return true;
}

typedef struct Entry {
    DjExpr *expr;
    Slice alias;
} Entry;
typedef struct Entries {
    Entry *items;
    int count, capacity;
} Entries;

static void entry_add(DjCompiler *compiler, Entries *entries, DjExpr *expr, Slice alias) {
    ARENA_PUSH(compiler_arena(compiler), entries->items, entries->count, entries->capacity) = (Entry){expr, alias};
}

static DjExpr *extra_expression(DjCompiler *compiler, const DjExtra *extra) {
    DjExpr *raw = dj_expr_new(compiler->ev, DJ_RAW, compiler->query->site, 0);
    raw->as.raw.sql = extra->sql;
    raw->as.raw.params = extra->params;
    raw->as.raw.count = extra->count;
    raw->flags = DJ_RESOLVED;
    return raw;
}

static bool model_entries(DjCompiler *compiler, Entries *entries) {
    DjQuery *query = compiler->query;
    for (int i = 0; i < query->extra_count; i++)
        if (!query->extra_masked || query->extra[i].selected)
            entry_add(compiler, entries, extra_expression(compiler, &query->extra[i]), query->extra[i].name);
    query->row_extra = entries->count;
    DjExprs columns = query->select;
    if (query->default_columns) {
        columns = (DjExprs){0};
        if (query->deferred && !check_mask(query, query->model, query->deferred, query->deferred_is_only)) return false;
        if (query->model && !dj_default_columns(query, query->model, dj_query_base(query), query->deferred,
                                                query->deferred_is_only, NULL, &columns))
            return false;
    }
    for (int i = 0; i < columns.count; i++) entry_add(compiler, entries, columns.items[i], (Slice){0});
    query->row_columns = columns.count;
    for (int i = 0; i < query->annotation_count; i++)
        if (dj_annotation_is_selected(query, &query->annotations[i]))
            entry_add(compiler, entries, query->annotations[i].expr, query->annotations[i].name);
    query->row_annotations = entries->count - query->row_extra - query->row_columns;
    query->joined_count = 0;
    if (!query->related_all && !query->related) return true;
    DjExprs related = {0};
    if (!dj_select_related(compiler, &related)) return false;
    for (int i = 0; i < related.count; i++) entry_add(compiler, entries, related.items[i], (Slice){0});
    return true;
}

static bool values_entries(DjCompiler *compiler, Entries *entries) {
    DjQuery *query = compiler->query;
    for (int i = 0; i < query->selected_count; i++) {
        const DjSelected *item = &query->selected[i];
        DjExpr *expr = NULL;
        if (item->kind == DJ_SELECTED_COLUMN && item->column < query->select.count) {
            expr = query->select.items[item->column];
        } else if (item->kind == DJ_SELECTED_ANNOTATION) {
            DjAnnotation *annotation = dj_annotation_find(query, item->name);
            expr = annotation ? annotation->expr : NULL;
        } else {
            for (int e = 0; e < query->extra_count; e++)
                if (slice_equals(query->extra[e].name, item->name)) expr = extra_expression(compiler, &query->extra[e]);
        }
        if (expr) entry_add(compiler, entries, expr, expr->kind == DJ_COL_PAIRS ? (Slice){0} : item->name);
    }
    return true;
}

bool dj_has_type(DjCompiler *compiler, DjExpr *expr) {
    return expr->kind == DJ_COL || expr->kind == DJ_COL_PAIRS || dj_output_field(compiler->ev, expr, true);
}

/* What is selected where the expression can't have rows: its value without rows, or a predicate that is false. */
static DjOutcome compile_entry(DjCompiler *compiler, DjExpr *expr, Expr **out) {
    DjOutcome outcome = dj_compile(compiler, expr, out);
    if (outcome == DJ_SQL && !dj_has_type(compiler, expr)) return DJ_ERROR;
    if (outcome == DJ_FULL)
        return dj_compile(compiler, dj_value(compiler->ev, value_bool(compiler->ev, true), NULL, expr->site), out);
    if (outcome != DJ_EMPTY) return outcome;
    Value *value = dj_empty_value(compiler->ev, expr);
    if (value) return dj_compile(compiler, dj_value(compiler->ev, value, NULL, expr->site), out);
    *out = expr_raw(compiler_arena(compiler), SLICE("0"));
    return DJ_SQL;
}

DjOutcome dj_compile_select(DjCompiler *compiler, bool with_col_aliases) {
    Entries entries = {0};
    compiler->query->row_extra = compiler->query->row_columns = compiler->query->row_annotations = 0;
    compiler->query->joined_count = 0;
    bool listed =
        compiler->query->has_selected ? values_entries(compiler, &entries) : model_entries(compiler, &entries);
    if (!listed) return DJ_ERROR;
    Arena *arena = compiler_arena(compiler);
    compiler->select = ARENA_ARRAY(arena, DjSelectColumn, entries.count + 1);
    int unnamed = 0;
    for (int i = 0; i < entries.count; i++) {
        DjSelectColumn *column = &compiler->select[i];
        *column = (DjSelectColumn){.expr = entries.items[i].expr, .alias = entries.items[i].alias};
        DjOutcome outcome = compile_entry(compiler, column->expr, &column->sql);
        if (outcome != DJ_SQL) return outcome;
        if (!column->alias.length && with_col_aliases) column->alias = slice_format(arena, "col%d", ++unnamed);
    }
    compiler->select_count = entries.count;
    compiler->query->row.count = 0;
    for (int i = 0; i < entries.count; i++) {
        DjExprs *row = &compiler->query->row;
        ARENA_PUSH(arena, row->items, row->count, row->capacity) = entries.items[i].expr;
    }
    return DJ_SQL;
}
