/*
 * select_related: which relations are followed and the columns that they add, depth first in the order of the fields,
 * then one-to-one relations that point here.
 */
#include "compiler/django/compile.h"

#include "compiler/django/django.h"

enum { RELATED_MAX_DEPTH = 5 };

typedef struct Related {
    DjCompiler *compiler;
    DjExprs *columns;
    bool restricted;
    int parent; /* whose relations are followed: index in DjQuery.joined, -1 for the row's own object */
} Related;

static DjNames *names_find(DjNames *names, Slice name) {
    for (; names; names = names->next)
        if (slice_equals(names->name, name)) return names;
    return NULL;
}

static bool refuse_deferred(Related *related, const DjNames *wanted, const DjModel *model, Atom name) {
    Evaluator *ev = related->compiler->ev;
    return evaluator_raise(
               ev, django_state(ev)->field_error, wanted->span,
               "Field %.*s.%.*s cannot be both deferred and traversed using select_related at the same time.",
               SLICE_ARGS(model->name->text), SLICE_ARGS(name->text)) != NULL;
}

/* Without names: forward relations that can't be NULL; else those named. */
static int descend(Related *related, DjModel *model, DjField *field, DjNames *requested, const DjNames *mask) {
    DjQuery *query = related->compiler->query;
    if (!field->rel || field->private_only || field->many_to_many) return 0;
    if (field->rel->parent_link) return 0; /* its columns are the model's own */
    if (!related->restricted) return !field->null;
    DjNames *wanted = names_find(requested, field->name->text);
    if (!wanted) return 0;
    if (mask && !dj_mask_allows(query->ev, mask, query->deferred_is_only, model, field)) {
        refuse_deferred(related, wanted, field->model, field->name);
        return -1;
    }
    return 1;
}

static bool follow(Related *related, DjModel *model, DjJoin *start, int depth, DjNames *requested, const DjNames *mask);

/* What starts at `first` among the columns is an object that `parent` holds under a name. */
static int note_row(Related *related, DjModel *model, DjFound via, Atom name, int first) {
    DjQuery *query = related->compiler->query;
    DjJoinedRow row = {.model = model, .name = name, .via = via, .parent = related->parent, .first = first};
    row.count = related->columns->count - first;
    ARENA_PUSH(evaluator_arena(query->ev), query->joined, query->joined_count, query->joined_capacity) = row;
    return query->joined_count - 1;
}

static bool follow_below(Related *related, DjModel *model, DjJoin *start, int depth, DjNames *requested,
                         const DjNames *mask, int row) {
    int parent = related->parent;
    related->parent = row;
    bool done = follow(related, model, start, depth, requested, mask);
    related->parent = parent;
    return done;
}

static bool follow_one(Related *related, DjModel *model, DjModel *other, DjFound via, DjJoin *start, int depth,
                       DjNames *children, const DjNames *mask, DjModel *from_parent) {
    DjQuery *query = related->compiler->query;
    DjJoined joined;
    Slice name = via.field ? via.field->name->text : via.rel->name->text;
    if (!dj_setup_joins(query, &name, 1, model, start, NULL, true, (Span){0}, &joined)) return false;
    DjJoin *join = joined.joins[joined.join_count - 1];
    const DjNames *below = mask ? mask->children : NULL;
    int first = related->columns->count;
    if (!dj_default_columns(query, other, join, below, query->deferred_is_only, from_parent, related->columns))
        return false;
    int row = note_row(related, other, via, via.field ? via.field->name : via.rel->accessor, first);
    return follow_below(related, other, join, depth + 1, children, below, row);
}

static bool raise_invalid(Related *related, DjModel *model, DjNames *item, bool plain_field) {
    DjQuery *query = related->compiler->query;
    Evaluator *ev = query->ev;
    Buffer choices;
    buffer_init(&choices, evaluator_arena(ev));
    Suggestion suggestion = suggestion_start(item->name);
    for (int i = 0; i < model->fields.count; i++) {
        if (!model->fields.items[i]->is_relation) continue;
        buffer_format(&choices, "%s%.*s", choices.length ? ", " : "", SLICE_ARGS(model->fields.items[i]->name->text));
        suggestion_offer(&suggestion, model->fields.items[i]->name->text);
    }
    DjRel **rels;
    int count = model_related_objects(ev, model, false, &rels);
    for (int i = 0; i < count; i++) {
        if (!rels[i]->field->unique) continue;
        buffer_format(&choices, "%s%.*s", choices.length ? ", " : "", SLICE_ARGS(rels[i]->name->text));
        suggestion_offer(&suggestion, rels[i]->name->text);
    }
    for (int i = 0; i < query->filtered_count; i++)
        buffer_format(&choices, "%s%.*s", choices.length ? ", " : "",
                      SLICE_ARGS(query->filtered_relations[i]->as.filtered.alias));
    Slice list = choices.length ? buffer_view(&choices) : SLICE("(none)");
    evaluator_raise(ev, django_state(ev)->field_error, item->span,
                    plain_field ? "Non-relational field given in select_related: '%.*s'. Choices are: %.*s"
                                : "Invalid field name(s) given in select_related: '%.*s'. Choices are: %.*s",
                    SLICE_ARGS(item->name), SLICE_ARGS(list));
    if (suggestion_found(&suggestion)) evaluator_raise_help(ev, "did you mean '%.*s'?", SLICE_ARGS(suggestion.best));
    return false;
}

static bool follow_forward(Related *related, DjModel *model, DjJoin *start, int depth, DjNames *requested,
                           const DjNames *mask) {
    for (int i = 0; i < model->fields.count; i++) {
        DjField *field = model->fields.items[i];
        DjNames *wanted = related->restricted ? names_find(requested, field->name->text) : NULL;
        if (wanted && !field->is_relation) return raise_invalid(related, model, wanted, true);
        int go = descend(related, model, field, requested, mask);
        if (go < 0) return false;
        DjModel *other = go ? field_related_model(related->compiler->ev, field) : NULL;
        if (!other) continue;
        if (!follow_one(related, model, other, (DjFound){field, NULL}, start, depth, wanted ? wanted->children : NULL,
                        mask ? dj_mask_of(mask, field) : NULL, NULL))
            return false;
    }
    return true;
}

static const DjNames *mask_by_name(const DjNames *mask, Slice name) {
    return mask ? names_find((DjNames *)mask, name) : NULL;
}

static bool follow_reverse(Related *related, DjModel *model, DjJoin *start, int depth, DjNames *requested,
                           const DjNames *mask) {
    DjRel **rels;
    int count = model_related_objects(related->compiler->ev, model, false, &rels);
    for (int i = 0; i < count; i++) {
        if (!rels[i]->field->unique || rels[i]->many_to_many || !rels[i]->name) continue;
        DjNames *wanted = names_find(requested, rels[i]->name->text);
        if (!wanted) continue;
        const DjNames *named = mask_by_name(mask, rels[i]->name->text);
        bool only = related->compiler->query->deferred_is_only;
        if (only ? mask && !named : named && !named->children)
            return refuse_deferred(related, wanted, model, rels[i]->name);
        DjModel *other = rels[i]->field->model;
        if (!follow_one(related, model, other, (DjFound){NULL, rels[i]}, start, depth, wanted->children, named, model))
            return false;
    }
    return true;
}

static bool follow_filtered(Related *related, DjModel *model, DjJoin *start, DjNames *requested, const DjNames *mask) {
    DjQuery *query = related->compiler->query;
    for (DjNames *item = requested; item; item = item->next)
        for (int i = 0; i < query->filtered_count; i++) {
            if (!slice_equals(query->filtered_relations[i]->as.filtered.alias, item->name)) continue;
            DjJoined joined;
            if (!dj_setup_joins(query, &item->name, 1, model, start, NULL, true, item->span, &joined)) return false;
            DjJoin *join = joined.joins[joined.join_count - 1];
            const DjNames *below = mask_by_name(mask, item->name);
            below = below ? below->children : NULL;
            int first = related->columns->count;
            if (!dj_default_columns(query, joined.names.model, join, below, query->deferred_is_only, model,
                                    related->columns))
                return false;
            int row = note_row(related, joined.names.model, (DjFound){0},
                               atom_intern(evaluator_atoms(query->ev), item->name), first);
            if (!follow_below(related, joined.names.model, join, 2, item->children, below, row)) return false;
        }
    return true;
}

static bool check_all_found(Related *related, DjModel *model, int depth, DjNames *requested) {
    DjQuery *query = related->compiler->query;
    for (DjNames *item = requested; item; item = item->next) {
        bool found = false;
        for (int i = 0; i < model->fields.count; i++)
            found |= slice_equals(model->fields.items[i]->name->text, item->name);
        DjRel **rels;
        int count = model_related_objects(query->ev, model, false, &rels);
        for (int i = 0; i < count; i++)
            found |= rels[i]->field->unique && !rels[i]->many_to_many && rels[i]->name &&
                     slice_equals(rels[i]->name->text, item->name);
        for (int i = 0; depth == 1 && i < query->filtered_count; i++)
            found |= slice_equals(query->filtered_relations[i]->as.filtered.alias, item->name);
        if (!found) return raise_invalid(related, model, item, false);
    }
    return true;
}

static bool follow(Related *related, DjModel *model, DjJoin *start, int depth, DjNames *requested,
                   const DjNames *mask) {
    if (!related->restricted && depth > RELATED_MAX_DEPTH) return true;
    if (related->restricted && !requested) return true;
    model_prepare(related->compiler->ev, model);
    if (!follow_forward(related, model, start, depth, requested, mask)) return false;
    if (!related->restricted) return true;
    if (!follow_reverse(related, model, start, depth, requested, mask)) return false;
    if (depth == 1 && !follow_filtered(related, model, start, requested, mask)) return false;
    return check_all_found(related, model, depth, requested);
}

bool dj_select_related(DjCompiler *compiler, DjExprs *columns) {
    DjQuery *query = compiler->query;
    Related related = {compiler, columns, query->related != NULL, -1};
    query->joined_count = 0;
    return follow(&related, query->model, dj_query_base(query), 1, query->related, query->deferred);
}
