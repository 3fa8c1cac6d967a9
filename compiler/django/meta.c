/*
 * What Django computes lazily in Model._meta: the lists of fields with the parents' first, reverse relations, the map
 * of names, chains to ancestors, managers.
 *
 * Invariant: after model_prepare the computed members belong to the state's present generation; a model or relation
 * that is added later makes them stale and they are computed anew at the next use.
 *
 * Example: model Book(author = ForeignKey(Author)) gives Author the reverse relation "book" in by_name and `related`.
 */
#include "compiler/django/model_build.h"

const NativeKind model_native = {"DjModel"};

/* ---- models by class, value and label ---- */

DjModel *django_model_of_class(const Class *cls) { return cls ? class_native(cls, &model_native) : NULL; }

DjModel *django_model_of_value(const Value *value) {
    if (!value) return NULL;
    if (value->type->kind == VALUE_CLASS) return django_model_of_class((const Class *)value);
    return django_model_of_class(value->cls);
}

DjModel *django_model_by_label(Evaluator *ev, Slice label, Atom app_label) {
    const DjState *state = django_state(ev);
    size_t dot = slice_find(label, '.');
    bool dotted = dot < label.length;
    Slice app = dotted ? slice_sub(label, 0, dot) : app_label ? app_label->text : (Slice){"", 0};
    Slice name = slice_lower(evaluator_arena(ev), dotted ? slice_sub(label, dot + 1, label.length) : label);
    for (int list = 0; list < 2; list++) {
        const Models *models = list ? &state->contrib : &state->models;
        for (int i = models->count - 1; i >= 0; i--) {
            const DjModel *model = models->items[i];
            if (slice_equals(model->model_name->text, name) && slice_equals(model->app_label->text, app))
                return models->items[i];
        }
    }
    return contrib_model(ev, app, name);
}

bool model_is_subclass(const DjModel *model, const DjModel *other) {
    return class_is_subclass(model->cls, other->cls) || class_is_subclass(other->cls, model->cls) ||
           model->concrete == other->concrete;
}

/* ---- the computed members ---- */

static void fields_add(Evaluator *ev, Fields *list, DjField *field) {
    for (int i = 0; i < list->count; i++)
        if (list->items[i] == field) return;
    ARENA_PUSH(evaluator_arena(ev), list->items, list->count, list->capacity) = field;
}

static void rels_add(Evaluator *ev, Rels *list, DjRel *rel) {
    for (int i = 0; i < list->count; i++)
        if (list->items[i] == rel) return;
    ARENA_PUSH(evaluator_arena(ev), list->items, list->count, list->capacity) = rel;
}

static void relation_tree_add(Evaluator *ev, const Fields *fields, const DjModel *owner) {
    for (int i = 0; i < fields->count; i++) {
        DjRel *rel = fields->items[i]->rel;
        if (!rel || fields->items[i]->model != owner) continue;
        if (!rel->model) relation_resolve(ev, fields->items[i]);
        if (!rel->model) continue;
        rels_add(ev, &rel->model->concrete->own_related, rel);
    }
}

static void relation_tree_add_models(Evaluator *ev, const Models *models) {
    for (int i = 0; i < models->count; i++) {
        DjModel *model = models->items[i];
        if (model->proxy && !model->private_fields.count) continue;
        if (!model->proxy) {
            relation_tree_add(ev, &model->local_fields, model);
            relation_tree_add(ev, &model->local_many_to_many, model);
        }
        relation_tree_add(ev, &model->private_fields, model);
    }
}

static void relation_tree_clear(Evaluator *ev, const Models *models) {
    for (int i = 0; i < models->count; i++) {
        DjModel *model = models->items[i];
        evaluator_touch(ev, &model->own_related, sizeof model->own_related);
        model->own_related = (Rels){0};
    }
}

/* Contrib apps stand before the project's own in INSTALLED_APPS. */
static void relation_tree_build(Evaluator *ev) {
    DjState *state = django_state(ev);
    if (state->tree_generation == django_generation(state)) return;
    evaluator_touch(ev, &state->tree_generation, sizeof state->tree_generation);
    state->tree_generation = django_generation(state);
    relation_tree_clear(ev, &state->contrib);
    relation_tree_clear(ev, &state->models);
    relation_tree_add_models(ev, &state->contrib);
    relation_tree_add_models(ev, &state->models);
}

/* Forward fields and reverse relations of one model with those of its parents before them. */
static void model_collect(Evaluator *ev, DjModel *model, Fields *forward, Rels *reverse, int depth) {
    enum { DEPTH = 64 };
    if (depth > DEPTH) return;
    for (int p = 0; p < model->parent_count; p++) {
        Fields fields = {0};
        Rels rels = {0};
        model_collect(ev, model->parents[p].model, &fields, &rels, depth + 1);
        for (int i = 0; i < fields.count; i++) fields_add(ev, forward, fields.items[i]);
        for (int i = 0; i < rels.count; i++)
            if (!rels.items[i]->parent_link || rels.items[i]->model == model->concrete)
                rels_add(ev, reverse, rels.items[i]);
    }
    if (!model->proxy)
        for (int i = 0; i < model->own_related.count; i++) rels_add(ev, reverse, model->own_related.items[i]);
    for (int i = 0; i < model->local_fields.count; i++) fields_add(ev, forward, model->local_fields.items[i]);
    for (int i = 0; i < model->local_many_to_many.count; i++)
        fields_add(ev, forward, model->local_many_to_many.items[i]);
}

static void model_map_name(Evaluator *ev, DjModel *model, Atom name, DjFound found) {
    if (!name) return;
    DjFound *entry = ARENA_NEW(evaluator_arena(ev), DjFound);
    *entry = found;
    atom_map_set(&model->by_name, name, entry);
}

static void model_fill(Evaluator *ev, DjModel *model) {
    Fields forward = {0};
    model->fields = model->concrete_fields = model->local_concrete_fields = (Fields){0};
    model->many_to_many = model->all_private = (Fields){0};
    model->related = (Rels){0};
    model_collect(ev, model, &forward, &model->related, 0);
    atom_map_init(&model->by_name, evaluator_arena(ev));
    for (int i = 0; i < model->related.count; i++)
        model_map_name(ev, model, model->related.items[i]->name, (DjFound){NULL, model->related.items[i]});
    for (int i = 0; i < model->private_fields.count; i++) {
        fields_add(ev, &forward, model->private_fields.items[i]);
        fields_add(ev, &model->all_private, model->private_fields.items[i]);
    }
    for (int i = 0; i < forward.count; i++) {
        DjField *field = forward.items[i];
        model_map_name(ev, model, field->name, (DjFound){field, NULL});
        if (field->attname != field->name) model_map_name(ev, model, field->attname, (DjFound){field, NULL});
        if (field->private_only) continue;
        if (field->many_to_many) {
            fields_add(ev, &model->many_to_many, field);
            continue;
        }
        fields_add(ev, &model->fields, field);
        if (field->concrete) fields_add(ev, &model->concrete_fields, field);
    }
    for (int i = 0; i < model->local_fields.count; i++)
        if (model->local_fields.items[i]->concrete)
            fields_add(ev, &model->local_concrete_fields, model->local_fields.items[i]);
    model->order_with_respect_to = NULL;
    if (model->order_with_respect_to_name) {
        DjFound *found = atom_map_get(&model->by_name, model->order_with_respect_to_name);
        if (found) model->order_with_respect_to = found->field;
    }
}

void model_prepare(Evaluator *ev, DjModel *model) {
    DjState *state = django_state(ev);
    if (model->building) return;
    if (!state->resolving) relations_resolve_pending(ev);
    if (model->generation == django_generation(state)) return;
    relation_tree_build(ev);
    evaluator_touch(ev, model, sizeof *model);
    model->generation = django_generation(state);
    model_fill(ev, model);
}

/* ---- names ---- */

DjFound model_find_field(Evaluator *ev, DjModel *model, Atom name) {
    model_prepare(ev, model);
    const DjFound *found = model->by_name.arena ? atom_map_get(&model->by_name, name) : NULL;
    return found ? *found : (DjFound){NULL, NULL};
}

DjField *model_field(Evaluator *ev, DjModel *model, Atom name) { return model_find_field(ev, model, name).field; }

int model_field_names_for_error(Evaluator *ev, DjModel *model, Atom **names) {
    model_prepare(ev, model);
    AtomMap unique;
    atom_map_init(&unique, evaluator_arena(ev));
    for (int i = 0; i < model->by_name.count; i++) {
        Atom name = model->by_name.entries[i].key;
        const DjFound *found = model->by_name.entries[i].value;
        if (!name || !found) continue;
        if (found->rel && found->rel->hidden) continue;
        if (found->field && name == found->field->attname && name != found->field->name && !found->field->concrete)
            continue;
        atom_map_set(&unique, name, model);
    }
    *names = ARENA_ARRAY(evaluator_arena(ev), Atom, unique.count + 1);
    for (int i = 0; i < unique.count; i++) (*names)[i] = unique.entries[i].key;
    return unique.count;
}

int model_related_objects(Evaluator *ev, DjModel *model, bool include_hidden, DjRel ***rels) {
    model_prepare(ev, model);
    Rels list = {0};
    for (int i = 0; i < model->related.count; i++) {
        DjRel *rel = model->related.items[i];
        if (include_hidden || !rel->hidden) rels_add(ev, &list, rel);
    }
    *rels = list.items;
    return list.count;
}

int model_pk_fields(Evaluator *ev, DjModel *model, DjField ***fields) {
    model_prepare(ev, model);
    DjField *pk = model->pk;
    if (!pk) {
        *fields = NULL;
        return 0;
    }
    if (pk->kind != FIELD_COMPOSITE_KEY) {
        *fields = ARENA_ARRAY(evaluator_arena(ev), DjField *, 1);
        (*fields)[0] = pk;
        return 1;
    }
    int count = 0;
    *fields = ARENA_ARRAY(evaluator_arena(ev), DjField *, pk->key_count + 1);
    for (int i = 0; i < pk->key_count; i++) {
        DjField *part = model_field(ev, model, pk->key_names[i]);
        if (part) (*fields)[count++] = part;
    }
    return count;
}

int model_get_ordering(Evaluator *ev, DjModel *model, Value ***items) {
    (void)ev;
    *items = model->ordering;
    return model->ordering_count;
}

/* ---- ancestors ---- */

static bool base_chain(DjModel *model, const DjModel *ancestor, DjModel **chain, int *count, int depth) {
    enum { DEPTH = 64 };
    if (depth >= DEPTH) return false;
    int at = (*count)++;
    for (int i = 0; i < model->parent_count; i++) {
        if (model->parents[i].model != ancestor) continue;
        chain[at] = model->parents[i].model;
        return true;
    }
    for (int i = 0; i < model->parent_count; i++) {
        chain[at] = model->parents[i].model;
        if (base_chain(model->parents[i].model, ancestor, chain, count, depth + 1)) return true;
    }
    *count = at;
    return false;
}

int model_base_chain(Evaluator *ev, DjModel *model, DjModel *ancestor, DjModel ***chain) {
    enum { DEPTH = 65 };
    int count = 0;
    *chain = ARENA_ARRAY(evaluator_arena(ev), DjModel *, DEPTH);
    return base_chain(model, ancestor, *chain, &count, 0) ? count : 0;
}

static DjField *ancestor_link(DjModel *model, const DjModel *ancestor, int depth) {
    enum { DEPTH = 64 };
    if (depth > DEPTH) return NULL;
    for (int i = 0; i < model->parent_count; i++)
        if (model->parents[i].model == ancestor) return model->parents[i].link;
    for (int i = 0; i < model->parent_count; i++) {
        DjField *link = ancestor_link(model->parents[i].model, ancestor, depth + 1);
        if (link) return model->parents[i].link ? model->parents[i].link : link;
    }
    return NULL;
}

DjField *model_ancestor_link(Evaluator *ev, DjModel *model, DjModel *ancestor) {
    (void)ev;
    return ancestor_link(model, ancestor, 0);
}

/* ---- managers ---- */

static void managers_push(Evaluator *ev, DjModel *model, DjManagerEntry entry) {
    for (int i = 0; i < model->manager_count; i++)
        if (model->managers[i].name == entry.name) return;
    DjManagerEntry *grown = ARENA_ARRAY(evaluator_arena(ev), DjManagerEntry, model->manager_count + 1);
    int at = 0;
    while (at < model->manager_count &&
           (model->managers[at].depth < entry.depth ||
            (model->managers[at].depth == entry.depth && model->managers[at].creation <= entry.creation)))
        at++;
    for (int i = 0; i < at; i++) grown[i] = model->managers[i];
    grown[at] = entry;
    for (int i = at; i < model->manager_count; i++) grown[i + 1] = model->managers[i];
    model->managers = grown;
    model->manager_count++;
}

static void managers_collect(Evaluator *ev, DjModel *model) {
    Class *cls = model->cls;
    for (int i = 0; i < cls->names.count; i++) {
        Atom name = cls->names.entries[i].key;
        Value *value = cls->names.entries[i].value;
        if (!name || !value || !value_is_manager(value)) continue;
        managers_push(ev, model,
                      (DjManagerEntry){name, manager_bind(ev, value, model, name), manager_creation(value), false, 0});
    }
    int depth = 0;
    for (int m = 1; m < cls->mro_count; m++) {
        DjModel *base = django_model_of_class(cls->mro[m]);
        if (!base) continue;
        depth++;
        for (int i = 0; i < base->manager_count; i++) {
            DjManagerEntry entry = base->managers[i];
            if (entry.depth) continue;
            entry.manager = manager_bind(ev, entry.manager, model, entry.name);
            entry.inherited = true;
            entry.depth = depth;
            managers_push(ev, model, entry);
        }
    }
}

static Value *managers_find(const DjModel *model, Atom name) {
    for (int i = 0; i < model->manager_count; i++)
        if (model->managers[i].name == name) return model->managers[i].manager;
    return NULL;
}

static DjModel *model_first_base(const DjModel *model) {
    for (int i = 1; i < model->cls->mro_count; i++) {
        DjModel *base = django_model_of_class(model->cls->mro[i]);
        if (base) return base;
    }
    return NULL;
}

static Value *managers_named(Evaluator *ev, DjModel *model, Atom name) {
    Value *manager = managers_find(model, name);
    if (!manager)
        evaluator_raise_id(ev, EXCEPTION_VALUE, model->cls->node, "%.*s has no manager named '%.*s'",
                           SLICE_ARGS(model->name->text), SLICE_ARGS(name->text));
    return manager;
}

void managers_attach(Evaluator *ev, DjModel *model) {
    managers_collect(ev, model);
    const DjModel *base = model_first_base(model);
    if (!model->base_manager_name && base) model->base_manager_name = base->base_manager_name;
    bool local = model->manager_count > 0 && model->managers[0].depth == 0;
    if (!model->default_manager_name && !local && base) model->default_manager_name = base->default_manager_name;
    if (model->abstract) return;
    Atom objects = django_atom(ev, "objects");
    if (!model->manager_count)
        managers_push(ev, model, (DjManagerEntry){objects, manager_new(ev, model, objects), 0, false, 0});
    for (int i = 0; i < model->manager_count; i++) {
        Value *own = atom_map_get(&model->cls->names, model->managers[i].name);
        if (own && !value_is_manager(own)) continue;
        atom_map_set(&model->cls->names, model->managers[i].name, model->managers[i].manager);
    }
    model->default_manager = model->default_manager_name ? managers_named(ev, model, model->default_manager_name)
                                                         : model->managers[0].manager;
    model->base_manager = model->base_manager_name ? managers_named(ev, model, model->base_manager_name)
                                                   : manager_new(ev, model, django_atom(ev, "_base_manager"));
}
