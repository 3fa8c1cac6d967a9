/*
 * Relations between models: from what a ForeignKey, ManyToManyField or GenericRelation was given to the models, fields
 * and names at both ends. A field whose other end does not exist yet waits in the state's `pending` list.
 *
 * Invariant: after relation_resolve gave true, field->rel->model, the names of the reverse relation, the pairs of
 * fields and (many-to-many) the through model's two foreign keys are set.
 *
 * Example: `authors = ManyToManyField("Author")` in Book makes the model Book_authors with foreign keys book and
 * author.
 */
#include "compiler/django/model_build.h"

OnDelete on_delete_of_value(Value *value) {
    static const struct {
        const char *name;
        OnDelete on_delete;
    } known[] = {{"CASCADE", ON_DELETE_CASCADE},
                 {"PROTECT", ON_DELETE_PROTECT},
                 {"RESTRICT", ON_DELETE_RESTRICT},
                 {"SET_NULL", ON_DELETE_SET_NULL},
                 {"SET_DEFAULT", ON_DELETE_SET_DEFAULT},
                 {"DO_NOTHING", ON_DELETE_DO_NOTHING},
                 {"SET", ON_DELETE_SET}};
    if (value->type->kind != VALUE_NATIVE_FUNCTION) return ON_DELETE_CUSTOM;
    const char *name = ((NativeFunctionValue *)value)->name;
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        if (strcmp(name, known[i].name) == 0) return known[i].on_delete;
    }
    return ON_DELETE_CUSTOM;
}

/* ---- names ---- */

/* `%(class)s`, `%(model_name)s`, `%(app_label)s` in a related name. */
static Atom related_name_format(Evaluator *ev, const DjModel *model, Atom name) {
    static const char *const keys[] = {"%(class)s", "%(model_name)s", "%(app_label)s"};
    if (!name || slice_find(name->text, '%') == name->text.length) return name;
    Slice values[3] = {model->model_name->text, model->model_name->text,
                       slice_lower(evaluator_arena(ev), model->app_label->text)};
    Buffer out;
    buffer_init(&out, evaluator_arena(ev));
    for (size_t i = 0; i < name->text.length;) {
        Slice rest = slice_sub(name->text, i, name->text.length);
        size_t k = 0;
        while (k < 3 && !slice_starts_with(rest, keys[k])) k++;
        if (k < 3) {
            buffer_slice(&out, values[k]);
            i += strlen(keys[k]);
        } else {
            buffer_put(&out, name->text.start[i++]);
        }
    }
    return atom_intern(evaluator_atoms(ev), buffer_view(&out));
}

static bool rel_target_is_own(const DjField *field) {
    if (!value_is_text(field->rel->target)) return false;
    Slice target = value_text(field->rel->target);
    return slice_equals_text(target, "self") || slice_equals(target, field->model->name->text);
}

static bool atom_ends_with_plus(Atom name) { return name && slice_ends_with(name->text, "+"); }

static void many_to_many_name_rel(Evaluator *ev, DjField *field) {
    DjRel *rel = field->rel;
    if (rel->symmetrical && rel_target_is_own(field)) {
        rel->related_name = django_atom_format(ev, "%.*s_rel_+", SLICE_ARGS(field->name->text));
    } else if (atom_ends_with_plus(rel->related_name)) {
        rel->related_name =
            django_atom_format(ev, "_%.*s_%.*s_%.*s_+", SLICE_ARGS(field->model->app_label->text),
                               SLICE_ARGS(field->model->model_name->text), SLICE_ARGS(field->name->text));
    }
}

static void rel_set_names(Evaluator *ev, DjField *field) {
    DjRel *rel = field->rel;
    DjModel *model = field->model;
    if (field->of_parent && rel->name) {
        /* the way back leads to the parent's field alone; Django's FieldError still lists this one, as "+" */
        rel->related_query_name = NULL;
        rel->related_name = rel->name = django_atom(ev, "+");
        return;
    }
    rel->hidden = atom_ends_with_plus(rel->related_name);
    rel->name = rel->related_query_name ? rel->related_query_name
                : rel->related_name     ? rel->related_name
                                        : model->model_name;
    rel->accessor = NULL;
    if (rel->hidden) return;
    if (rel->multiple && rel->symmetrical && rel->model == model) return;
    if (rel->related_name) {
        rel->accessor = rel->related_name;
    } else if (rel->multiple) {
        rel->accessor = django_atom_format(ev, "%.*s_set", SLICE_ARGS(model->model_name->text));
    } else {
        rel->accessor = model->model_name;
    }
}

bool relation_contribute(Evaluator *ev, DjField *field) {
    DjRel *rel = field->rel;
    DjModel *model = field->model;
    if (!rel || model->abstract) return true;
    if (field->kind == FIELD_MANY_TO_MANY) many_to_many_name_rel(ev, field);
    if (!rel->related_name) rel->related_name = model->default_related_name;
    rel->related_name = related_name_format(ev, model, rel->related_name);
    rel->related_query_name = related_name_format(ev, model, rel->related_query_name);
    /* A generic relation has no reverse name of its own unless one is given. */
    if (field->kind == FIELD_GENERIC_RELATION)
        rel->related_name = rel->related_query_name ? rel->related_query_name : django_atom(ev, "+");
    if (field->kind == FIELD_MANY_TO_MANY && !rel->through_ref && !rel->through && !model->swapped) {
        rel->through = model_create_automatic(ev, field, model);
    }
    rel_set_names(ev, field);
    DjState *state = django_state(ev);
    evaluator_touch(ev, &state->pending, sizeof state->pending);
    ARENA_PUSH(evaluator_arena(ev), state->pending.items, state->pending.count, state->pending.capacity) = field;
    return true;
}

/* ---- resolution ---- */

static DjModel *reference_model(Evaluator *ev, Value *reference, DjModel *from) {
    if (!reference) return NULL;
    if (!value_is_text(reference)) return django_model_of_value(reference);
    if (slice_equals_text(value_text(reference), "self")) return from;
    return django_model_by_label(ev, value_text(reference), from->app_label);
}

static void fields_push(Evaluator *ev, Fields *list, DjField *field) {
    ARENA_PUSH(evaluator_arena(ev), list->items, list->count, list->capacity) = field;
}

static bool resolve_foreign_key(Evaluator *ev, DjField *field) {
    DjRel *rel = field->rel;
    DjField *target = rel->field_name ? model_field(ev, rel->model, rel->field_name) : rel->model->pk;
    if (!target) return false;
    rel->field_name = target->name;
    field->local_fields = field->foreign_fields = (Fields){0};
    fields_push(ev, &field->local_fields, field);
    fields_push(ev, &field->foreign_fields, target);
    DjField *final = field_final_target(ev, target);
    if (final) field->sql_type = final->sql_type;
    return true;
}

static bool resolve_foreign_object(Evaluator *ev, DjField *field) {
    field->local_fields = field->foreign_fields = (Fields){0};
    for (int i = 0; i < field->from_field_count; i++) {
        Atom from = field->from_field_names[i], to = field->to_field_names ? field->to_field_names[i] : NULL;
        bool own = from && slice_equals_text(from->text, "self");
        DjField *local = own ? field : model_field(ev, field->model, from);
        DjField *foreign = to ? model_field(ev, field->rel->model, to) : field->rel->model->pk;
        if (!local || !foreign) return false;
        fields_push(ev, &field->local_fields, local);
        fields_push(ev, &field->foreign_fields, foreign);
    }
    return true;
}

/* The object id on the far side joins with this model's primary key. */
static bool resolve_generic_relation(Evaluator *ev, DjField *field) {
    DjField *object_id = model_field(ev, field->rel->model, field->fk_field);
    if (!object_id || !field->model->pk) return false;
    field->local_fields = field->foreign_fields = (Fields){0};
    fields_push(ev, &field->local_fields, object_id);
    fields_push(ev, &field->foreign_fields, field->model->pk);
    return true;
}

static DjField *through_key(DjField *field, DjModel *target, Atom wanted, bool second) {
    const Fields *fields = &field->rel->through->fields;
    bool own = field->model == field->rel->model;
    bool found = false;
    for (int i = 0; i < fields->count; i++) {
        DjField *key = fields->items[i];
        if (!key->is_relation || !key->rel || key->rel->model != target) continue;
        if (wanted) {
            if (key->name == wanted) return key;
        } else if (second && own && !found) {
            found = true;
        } else {
            return key;
        }
    }
    return NULL;
}

static bool resolve_many_to_many(Evaluator *ev, DjField *field) {
    DjRel *rel = field->rel;
    if (!rel->through) rel->through = reference_model(ev, rel->through_ref, field->model);
    if (!rel->through || rel->through->building) return false;
    if (rel->through->auto_created && rel->through->auto_created_for == field)
        rel->through->managed = field->model->managed || rel->model->managed;
    model_prepare(ev, rel->through);
    field->m2m_field = through_key(field, field->model, rel->through_fields[0], false);
    field->m2m_reverse_field = through_key(field, rel->model, rel->through_fields[1], true);
    return field->m2m_field && field->m2m_reverse_field;
}

bool relation_resolve(Evaluator *ev, DjField *field) {
    if (field->resolved) return true;
    DjRel *rel = field->rel;
    if (!rel || !field->model || field->model->building) return false;
    evaluator_touch(ev, field, sizeof *field);
    evaluator_touch(ev, rel, sizeof *rel);
    if (!rel->model) {
        rel->model = reference_model(ev, rel->target, field->model);
        if (!rel->model) return false;
        rel_set_names(ev, field);
    }
    if (rel->model->building) return false;
    bool done = false;
    switch ((int)field->kind) {
    case FIELD_FOREIGN_KEY:
    case FIELD_ONE_TO_ONE: done = resolve_foreign_key(ev, field); break;
    case FIELD_FOREIGN_OBJECT: done = resolve_foreign_object(ev, field); break;
    case FIELD_GENERIC_RELATION: done = resolve_generic_relation(ev, field); break;
    case FIELD_MANY_TO_MANY: done = resolve_many_to_many(ev, field); break;
    default: break;
    }
    field->resolved = done;
    return done;
}

bool field_resolve(Evaluator *ev, DjField *field) {
    if (field->resolved || !field->rel) return true;
    relations_resolve_pending(ev);
    return field->resolved || relation_resolve(ev, field);
}

/* Tries all that wait, again as long as something was found: a many-to-many needs its through model's keys. */
void relations_resolve_pending(Evaluator *ev) {
    DjState *state = django_state(ev);
    bool progress =
        state->pending.count > 0 && !state->resolving && state->pending_generation != django_generation(state);
    if (!progress) return;
    evaluator_touch(ev, state, sizeof *state);
    state->resolving = true;
    while (progress) {
        progress = false;
        Fields rest = {0};
        int count = state->pending.count;
        DjField **items = state->pending.items;
        for (int i = 0; i < count; i++) {
            if (relation_resolve(ev, items[i])) {
                progress = true;
            } else {
                ARENA_PUSH(evaluator_arena(ev), rest.items, rest.count, rest.capacity) = items[i];
            }
        }
        /* What resolving itself added stands behind the ones that were tried. */
        for (int i = count; i < state->pending.count; i++)
            ARENA_PUSH(evaluator_arena(ev), rest.items, rest.count, rest.capacity) = state->pending.items[i];
        if (progress) state->generation++;
        state->pending = rest;
        progress = progress && rest.count > 0;
    }
    state->pending_generation = django_generation(state);
    state->resolving = false;
}

/* ---- ends of a relation ---- */

DjModel *field_related_model(Evaluator *ev, DjField *field) {
    if (!field->rel) return NULL;
    if (!field->rel->model) relations_resolve_pending(ev);
    return field->rel->model;
}

DjField *field_target(Evaluator *ev, DjField *field) {
    if (!field->rel || !field_resolve(ev, field)) return NULL;
    if (field->kind == FIELD_MANY_TO_MANY)
        return field->m2m_reverse_field ? field_target(ev, field->m2m_reverse_field) : NULL;
    if (field->kind == FIELD_GENERIC_RELATION) return field->rel->model->pk;
    return field->foreign_fields.count ? field->foreign_fields.items[0] : NULL;
}

DjField *field_final_target(Evaluator *ev, DjField *field) {
    enum { HOPS = 32 };
    for (int i = 0; i < HOPS && field && field->rel; i++) field = field_target(ev, field);
    return field && !field->rel ? field : NULL;
}
