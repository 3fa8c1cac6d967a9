/*
 * Names to fields: `author__country__code__lower` → the hops over relations, the final field, and how many of the
 * names were fields (the rest are transforms and a lookup).
 *
 *     Book, ["author", "name", "icontains"]  →  path [book → author], final field Author.name, used 2
 *
 * Annotations and FilteredRelations count as names of the query's own model.
 */
#include "compiler/django/query.h"

#include "compiler/django/django.h"
#include "compiler/django/lookup.h"

#include <stdlib.h>

static int compare_names(const void *left, const void *right) {
    return slice_compare(*(const Slice *)left, *(const Slice *)right);
}

/* Raises "Cannot resolve keyword … Choices are: …", with the nearest choice as help. */
static bool raise_unresolved(DjQuery *query, Slice name, DjModel *model, bool with_extra, Span span) {
    Arena *arena = evaluator_arena(query->ev);
    Atom *fields = NULL;
    int count = model ? model_field_names_for_error(query->ev, model, &fields) : 0;
    int capacity = count + query->annotation_count + query->filtered_count + query->extra_count;
    Slice *names = ARENA_ARRAY(arena, Slice, capacity + 1);
    for (int i = 0; i < count; i++) names[i] = fields[i]->text;
    for (int i = 0; i < query->annotation_count; i++)
        if (dj_annotation_is_selected(query, &query->annotations[i])) names[count++] = query->annotations[i].name;
    for (int i = 0; i < query->filtered_count; i++) names[count++] = query->filtered_relations[i]->as.filtered.alias;
    for (int i = 0; with_extra && i < query->extra_count; i++) names[count++] = query->extra[i].name;
    qsort(names, (size_t)count, sizeof *names, compare_names);
    Buffer choices;
    buffer_init(&choices, arena);
    Suggestion suggestion = suggestion_start(name);
    for (int i = 0; i < count; i++) {
        if (i) buffer_text(&choices, ", ");
        buffer_slice(&choices, names[i]);
        suggestion_offer(&suggestion, names[i]);
    }
    /* an alias or an extra select item may be meant, though Django doesn't count it among the choices */
    for (int i = 0; i < query->annotation_count; i++)
        if (!slice_equals(query->annotations[i].name, name)) suggestion_offer(&suggestion, query->annotations[i].name);
    for (int i = 0; i < query->extra_count; i++) suggestion_offer(&suggestion, query->extra[i].name);
    evaluator_raise(query->ev, django_state(query->ev)->field_error, span,
                    "Cannot resolve keyword '%.*s' into field. Choices are: %.*s", SLICE_ARGS(name),
                    (int)choices.length, choices.length ? choices.data : "");
    if (suggestion_found(&suggestion))
        evaluator_raise_help(query->ev, "did you mean '%.*s'?", SLICE_ARGS(suggestion.best));
    return false;
}

/* Raises "Cannot resolve keyword …"; always false. */
static bool dj_raise_unresolved(DjQuery *query, Slice name, DjModel *model, Span span) {
    return raise_unresolved(query, name, model, false, span);
}

bool dj_raise_unselectable(DjQuery *query, Slice name, Span span) {
    return raise_unresolved(query, name, query->model, true, span);
}

int dj_split_names(Slice path, Slice *names) {
    int count = 0;
    size_t start = 0;
    for (size_t i = 0; i + 1 < path.length && count < DJ_MAX_NAMES - 1; i++) {
        if (path.start[i] != '_' || path.start[i + 1] != '_') continue;
        names[count++] = slice_sub(path, start, i);
        start = i + 2;
        i++;
    }
    names[count++] = slice_sub(path, start, path.length);
    return count;
}

static DjExpr *find_filtered(const DjQuery *query, Slice name) {
    for (int i = 0; i < query->filtered_count; i++)
        if (slice_equals(query->filtered_relations[i]->as.filtered.alias, name)) return query->filtered_relations[i];
    return NULL;
}

static void add_hops(DjQuery *query, DjResolvedNames *out, const DjPath *hops, int count, DjExpr *filtered) {
    for (int i = 0; i < count; i++)
        ARENA_PUSH(evaluator_arena(query->ev), out->path.items, out->path.count, out->path.capacity) =
            (DjStep){.hop = hops[i], .filtered = i + 1 == count ? filtered : NULL};
}

/* What one name stands for; `filtered` is set for a FilteredRelation, whose leading hops are added to the path. */
static bool find_name(DjQuery *query, Slice name, int position, DjModel *model, DjResolvedNames *out, DjFound *found,
                      DjExpr **filtered) {
    *found = (DjFound){0};
    *filtered = NULL;
    if (model) {
        if (slice_equals_text(name, "pk")) {
            found->field = model->pk;
            return true;
        }
        Atom atom = atom_lookup(evaluator_atoms(query->ev), name);
        if (atom) *found = model_find_field(query->ev, model, atom);
        if (found->field || found->rel) return true;
    }
    DjAnnotation *annotation = dj_annotation_find(query, name);
    if (annotation && dj_annotation_is_selected(query, annotation)) {
        found->field = dj_output_field(query->ev, annotation->expr, true);
        return found->field != NULL;
    }
    if (position || !(*filtered = find_filtered(query, name))) return true;
    Slice parts[DJ_MAX_NAMES];
    int count = dj_split_names((*filtered)->as.filtered.relation, parts);
    Atom relation = count == 1 && model ? atom_lookup(evaluator_atoms(query->ev), parts[0]) : NULL;
    if (relation) *found = model_find_field(query->ev, model, relation);
    if (found->field || found->rel) return true;
    DjResolvedNames inner;
    Span nowhere = {0};
    if (!dj_names_to_path(query, parts, count, model, true, false, nowhere, &inner)) return false;
    *found = inner.final_field;
    for (int i = 0; i + 1 < inner.path.count; i++)
        ARENA_PUSH(evaluator_arena(query->ev), out->path.items, out->path.count, out->path.capacity) =
            inner.path.items[i];
    return true;
}

static DjModel *found_model(DjFound found) { return found.rel ? found.rel->model : found.field->model; }
static bool found_is_relation(DjFound found) { return found.rel || found.field->is_relation; }

/* Hops to the table of a parent model that declares the field. Returns the model to go on from. */
static DjModel *step_to_parent(DjQuery *query, DjFound found, DjModel *model, DjResolvedNames *out) {
    DjModel *declaring = found_model(found);
    if (!model || !declaring || declaring->concrete == model) return model;
    DjPath *hops;
    int count = model_path_to_parent(query->ev, model, declaring->concrete, &hops);
    if (!count) return model;
    add_hops(query, out, hops, count, NULL);
    return hops[count - 1].to;
}

/* Hops over a relation. Returns false where a multi-valued one is met and not allowed (`multi_at` is set). */
static bool step_over_relation(DjQuery *query, DjFound found, DjExpr *filtered, int position, bool allow_many,
                               DjResolvedNames *out) {
    DjPath *hops;
    int count = found_path(query->ev, found, &hops);
    if (!count) return true;
    for (int i = 0; !allow_many && i < count; i++) {
        if (!hops[i].m2m) continue;
        add_hops(query, out, hops, i + 1, NULL);
        out->multi_at = position + 1;
        return false;
    }
    add_hops(query, out, hops, count, filtered);
    const DjPath *last = &hops[count - 1];
    out->final_field = last->join;
    out->model = last->to;
    out->targets = ARENA_ARRAY(evaluator_arena(query->ev), DjField *, last->target_count + 1);
    out->target_count = last->target_count;
    memcpy(out->targets, last->targets, sizeof(DjField *) * (size_t)last->target_count);
    return true;
}

static Slice related_text(Evaluator *ev, const DjField *field) {
    const Value *target = field->rel->target;
    if (!target) return SLICE("?");
    if (value_is(target, VALUE_STRING)) return value_text(target);
    return value_is_unknown(target) ? ((const UnknownValue *)target)->text : value_repr(ev, (Value *)target);
}

bool dj_raise_unknown_model(Evaluator *ev, const DjField *field, Span span) {
    evaluator_raise(ev, evaluator_exception(ev, EXCEPTION_NAME), span, "Related model '%.*s' cannot be resolved",
                    SLICE_ARGS(related_text(ev, field)));
    evaluator_raise_help(ev, "no given file defines this model; give its file with --models");
    return false;
}

/*
 * A relation to a model that no given file defines: its column stands as a plain one that takes any value, with a
 * lookup or without (`author_id=1`, `author__isnull=True`). Other paths go on into the model and are refused, and so
 * is a relation without a column.
 */
static bool step_to_unknown_model(DjQuery *query, DjField *field, const Slice *rest, int rest_count, Span span,
                                  DjResolvedNames *out) {
    Evaluator *ev = query->ev;
    DjField *plain = ARENA_NEW(evaluator_arena(ev), DjField);
    *plain = *field;
    plain->kind = plain->internal = FIELD_FIELD;
    plain->is_relation = plain->many_to_one = plain->one_to_one = false;
    plain->rel = NULL;
    bool ends = rest_count == 0 || (rest_count == 1 && dj_lookup_find(ev, dj_col(ev, NULL, plain, NULL), rest[0]));
    if (!ends || !field->concrete) return dj_raise_unknown_model(ev, field, span);
    out->final_field = (DjFound){.field = plain};
    out->targets = ARENA_ARRAY(evaluator_arena(ev), DjField *, 1);
    out->targets[0] = plain;
    out->target_count = 1;
    return true;
}

static bool raise_no_join(DjQuery *query, Slice wanted, Slice field, Span span) {
    return evaluator_raise(query->ev, django_state(query->ev)->field_error, span,
                           "Cannot resolve keyword '%.*s' into field. Join on '%.*s' not permitted.",
                           SLICE_ARGS(wanted), SLICE_ARGS(field)) != NULL;
}

bool dj_names_to_path(DjQuery *query, const Slice *names, int count, DjModel *model, bool allow_many,
                      bool fail_on_missing, Span span, DjResolvedNames *out) {
    *out = (DjResolvedNames){.model = model};
    for (int position = 0; position < count; position++) {
        DjFound found;
        DjExpr *filtered;
        int steps = out->path.count;
        if (!find_name(query, names[position], position, out->model, out, &found, &filtered)) return false;
        if (!found.field && !found.rel) {
            if (position == 0 || fail_on_missing) return dj_raise_unresolved(query, names[position], out->model, span);
            return true;
        }
        if (found.field && found.field->kind == FIELD_GENERIC_FOREIGN_KEY)
            return evaluator_raise(query->ev, django_state(query->ev)->field_error, span,
                                   "Field '%.*s' does not generate an automatic reverse relation and therefore cannot "
                                   "be used for reverse querying. If it is a GenericForeignKey, consider adding a "
                                   "GenericRelation.",
                                   SLICE_ARGS(names[position])) != NULL;
        out->model = step_to_parent(query, found, out->model, out);
        out->used = position + 1;
        out->final_field = found;
        if (!found_is_relation(found)) {
            out->targets = ARENA_ARRAY(evaluator_arena(query->ev), DjField *, 1);
            out->targets[0] = found.field;
            out->target_count = 1;
            out->steps_per_name[position] = out->path.count - steps;
            if (fail_on_missing && position + 1 != count)
                return raise_no_join(query, names[position + 1], names[position], span);
            return true;
        }
        DjField *forward = found.field ? found.field : found.rel->field;
        if (!field_resolve(query->ev, forward)) {
            out->steps_per_name[position] = out->path.count - steps;
            return step_to_unknown_model(query, forward, names + position + 1, count - position - 1, span, out);
        }
        bool single = step_over_relation(query, found, filtered, position, allow_many, out);
        out->steps_per_name[position] = out->path.count - steps;
        if (!single) return false;
    }
    return true;
}
