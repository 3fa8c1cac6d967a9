/*
 * delete(): the collector. Input: instances (or the rows of a query); output: fast deletes of what has no dependents of
 * its own, updates of keys that are set to NULL, and the instances. write_delete_send.c sends them.
 *
 * Invariants: rows that are not known are taken to be there (and are never protected or restricted); one level of a
 * model that refers to itself is looked up. A set of unknown rows is one instance whose values stand for those of all.
 *
 * Example: author.delete() → SELECT … FROM "book" WHERE "book"."author_id" IN (?); DELETE FROM "book_tags" WHERE …;
 * DELETE FROM "book" WHERE "book"."id" IN (…); DELETE FROM "author" WHERE "author"."id" IN (?)
 */
#include "compiler/django/query_state.h"
#include "compiler/django/queryset.h"
#include "compiler/django/write_delete.h"

enum { COLLECT_DEPTH = 24 };

/* ---- what can go at once ---- */

static bool rel_is_candidate(const DjRel *rel) {
    const DjField *field = rel->field;
    return !rel->many_to_many && field->kind != FIELD_GENERIC_RELATION && !field->many_to_many;
}

static int model_candidates(Collector *collector, DjModel *model, DjRel ***rels) {
    return model_related_objects(collector->ev, model, true, rels);
}

/* Nothing depends on the model's rows, nor do they on a parent's; `from`: the field by which they are reached. */
static bool model_can_fast_delete(Collector *collector, DjModel *model, const DjField *from) {
    DjRel **rels;
    if (from && from->rel->on_delete != ON_DELETE_CASCADE) return false;
    for (int i = 0; i < model->concrete->parent_count; i++)
        if (model->concrete->parents[i].link != from) return false;
    int count = model_candidates(collector, model, &rels);
    for (int i = 0; i < count; i++)
        if (rel_is_candidate(rels[i]) && rels[i]->on_delete != ON_DELETE_DO_NOTHING) return false;
    for (int i = 0; i < model->private_fields.count; i++)
        if (model->private_fields.items[i]->kind == FIELD_GENERIC_RELATION) return false;
    return true;
}

/* ---- collecting ---- */

static CollectedModel *collector_model(Collector *collector, DjModel *model) {
    for (int i = 0; i < collector->model_count; i++)
        if (collector->models[i].model == model) return &collector->models[i];
    CollectedModel *made =
        &ARENA_PUSH(collector_arena(collector), collector->models, collector->model_count, collector->model_capacity);
    *made = (CollectedModel){.model = model};
    return made;
}

static void objects_add(Collector *collector, Objects *objects, Value *object) {
    for (int i = 0; i < objects->count; i++)
        if (objects->items[i] == object || value_equals(collector->ev, objects->items[i], object)) return;
    ARENA_PUSH(collector_arena(collector), objects->items, objects->count, objects->capacity) = object;
}

static void collector_depend(Collector *collector, DjModel *model, DjModel *dependency) {
    collector_model(collector, dependency);
    CollectedModel *entry = collector_model(collector, model->concrete);
    for (int i = 0; i < entry->depends.count; i++)
        if (entry->depends.items[i] == dependency->concrete) return;
    ARENA_PUSH(collector_arena(collector), entry->depends.items, entry->depends.count, entry->depends.capacity) =
        dependency->concrete;
}

static bool collect(Collector *collector, DjModel *model, const Objects *objects, DjModel *source, bool nullable,
                    bool collect_related, bool reverse, int depth);

Value *objects_list(Collector *collector, const Objects *objects) {
    ListValue *list = value_list(collector->ev);
    for (int i = 0; i < objects->count; i++) list_append(collector->ev, list, objects->items[i]);
    return (Value *)list;
}

/* Names of the keys that further relations need; the others are not fetched. */
static int referenced_names(Collector *collector, DjModel *model, Value ***names) {
    DjRel **rels;
    int count = model_candidates(collector, model, &rels), kept = 0;
    *names = ARENA_ARRAY(collector_arena(collector), Value *, 8 * count + 8);
    for (int i = 0; i < count; i++) {
        if (!rel_is_candidate(rels[i]) || !field_resolve(collector->ev, rels[i]->field)) continue;
        const Fields *targets = &rels[i]->field->foreign_fields;
        for (int t = 0; t < targets->count && kept < 8 * count; t++) {
            bool known = false;
            for (int k = 0; k < kept; k++)
                known = known || value_as_atom(collector->ev, (*names)[k]) == targets->items[t]->attname;
            if (!known) (*names)[kept++] = value_atom(collector->ev, targets->items[t]->attname);
        }
    }
    return kept;
}

/* The rows of a query as objects; unknown rows as one that stands for all. False: raised. */
static bool rows_to_objects(Collector *collector, Value *rows, DjModel *model, Objects *out) {
    Value **items;
    int count = value_items(rows, &items);
    for (int i = 0; i < count; i++) objects_add(collector, out, items[i]);
    if (count >= 0) return true;
    Value *element = value_is_unknown(rows) ? ((UnknownValue *)rows)->element : NULL;
    DjInstance *row = element ? value_as_model_instance(element) : NULL;
    DjOrigin *origin = ARENA_NEW(collector_arena(collector), DjOrigin);
    if (row && row->origin) {
        *origin = *row->origin;
    } else {
        origin->execution = evaluator_execution_count(collector->ev) - 1;
    }
    origin->list = true;
    DjInstance *all = instance_unknown(collector->ev, model, SLICE("rows"), collector->site, origin);
    ARENA_PUSH(collector_arena(collector), out->items, out->count, out->capacity) = (Value *)all;
    return true;
}

static bool related_objects(Collector *collector, DjModel *model, DjField *field, const Objects *objects,
                            Objects *out) {
    Evaluator *ev = collector->ev;
    Keyword filter = {django_atom_format(ev, "%.*s__in", SLICE_ARGS(field->name->text)),
                      objects_list(collector, objects), collector->site};
    Value *rows = call_with_keywords(ev, model->base_manager, "filter", &filter, 1, collector->site);
    Value **names;
    int count = referenced_names(collector, model, &names);
    if (rows) rows = value_call_method(ev, rows, "only", names, count, collector->site);
    if (rows) rows = value_iterate(ev, rows, collector->site);
    return rows && rows_to_objects(collector, rows, model, out);
}

static void statement_add_group(Collector *collector, CollectedStatement *statement, const Objects *objects) {
    ARENA_PUSH(collector_arena(collector), statement->groups, statement->group_count, statement->group_capacity) =
        *objects;
}

static void statement_add_field(Collector *collector, CollectedStatement *statement, DjField *field) {
    ARENA_PUSH(collector_arena(collector), statement->fields.items, statement->fields.count,
               statement->fields.capacity) = field;
}

/* One UPDATE a field and value; `by_key`: the objects are its rows, else what its rows refer to. */
static void collector_update(Collector *collector, DjField *field, const Objects *objects, Value *value, bool by_key) {
    CollectedStatement *update = NULL;
    for (int i = 0; i < collector->update_count && !update; i++)
        if (collector->updates[i].set == field && collector->updates[i].by_key == by_key &&
            value_equals(collector->ev, collector->updates[i].value, value))
            update = &collector->updates[i];
    if (!update) {
        update = &ARENA_PUSH(collector_arena(collector), collector->updates, collector->update_count,
                             collector->update_capacity);
        *update = (CollectedStatement){.model = field->model, .set = field, .value = value, .by_key = by_key};
        statement_add_field(collector, update, field);
    }
    if (!by_key || !update->group_count) {
        statement_add_group(collector, update, &(Objects){0});
    }
    for (int i = 0; i < objects->count; i++)
        objects_add(collector, &update->groups[update->group_count - 1], objects->items[i]);
}

/* The argument of SET(…) */
static Value *set_argument(const DjRel *rel) {
    const Value *given = rel->on_delete_value;
    return given->type->kind == VALUE_NATIVE_FUNCTION ? ((const NativeFunctionValue *)given)->data : NULL;
}

static Value *set_value(Collector *collector, DjField *field) {
    Evaluator *ev = collector->ev;
    if (field->rel->on_delete == ON_DELETE_SET_NULL) return value_none(ev);
    if (field->rel->on_delete == ON_DELETE_SET_DEFAULT) return field_default(ev, field, collector->site);
    Value *value = set_argument(field->rel);
    if (!value) return value_none(ev);
    return value_is_callable(value) ? value_call_with(ev, value, NULL, 0, collector->site) : value;
}

/* SET_NULL and SET(value) change the rows unseen; what must be asked for its value, only rows that are there. */
static bool collect_update(Collector *collector, DjRel *rel, const Objects *objects) {
    DjField *field = rel->field;
    const Value *given = rel->on_delete == ON_DELETE_SET ? set_argument(rel) : NULL;
    bool constant = given && !value_is_callable(given);
    bool asked = rel->on_delete != ON_DELETE_SET_NULL && !constant;
    Objects found = {0};
    if (asked && !related_objects(collector, field->model, field, objects, &found)) return false;
    if (asked && !found.count) return true;
    Value *value = set_value(collector, field);
    if (value) collector_update(collector, field, asked ? &found : objects, value, asked);
    return value != NULL;
}

/* The keys by which rows that stay hold those that go: 'Book.author', 'Song.singer' */
typedef struct Keys {
    Buffer text;
    int count;
} Keys;

static void keys_add(Collector *collector, Keys *keys, const DjField *field) {
    if (!keys->count++) buffer_init(&keys->text, collector_arena(collector));
    buffer_format(&keys->text, "%s'%.*s.%.*s'", keys->count > 1 ? ", " : "", SLICE_ARGS(field->model->name->text),
                  SLICE_ARGS(field->name->text));
}

static bool raise_referenced(Collector *collector, const DjModel *model, const Keys *keys, bool restricted) {
    const DjState *state = django_state(collector->ev);
    Slice names = buffer_view(&keys->text);
    evaluator_raise(collector->ev, restricted ? state->restricted_error : state->protected_error,
                    evaluator_span(collector->ev, collector->site),
                    "Cannot delete some instances of model '%.*s' because they are referenced through %s foreign "
                    "keys: %.*s.",
                    SLICE_ARGS(model->name->text), restricted ? "restricted" : "protected", SLICE_ARGS(names));
    return false;
}

static void collector_restrict(Collector *collector, DjRel *rel, const Objects *objects) {
    Restricted *restricted = NULL;
    for (int i = 0; i < collector->restricted_count && !restricted; i++)
        if (collector->restricted[i].field == rel->field) restricted = &collector->restricted[i];
    if (!restricted) {
        restricted = &ARENA_PUSH(collector_arena(collector), collector->restricted, collector->restricted_count,
                                 collector->restricted_capacity);
        *restricted = (Restricted){.field = rel->field};
    }
    for (int i = 0; i < objects->count; i++) objects_add(collector, &restricted->objects, objects->items[i]);
    collector_depend(collector, rel->model, rel->field->model);
}

/* Databases that check keys at once need the key of a row that goes gone first. */
static void cascade_clears_key(Collector *collector, DjField *field, const Objects *found) {
    if (field->null && field->column && evaluator_dialect(collector->ev)->is_mysql)
        collector_update(collector, field, found, value_none(collector->ev), true);
}

static bool collect_relation(Collector *collector, DjRel *rel, const Objects *objects, Keys *protected, int depth) {
    DjField *field = rel->field;
    DjModel *model = field->model;
    Objects found = {0};
    bool known = evaluator_has_rows(collector->ev);
    switch (rel->on_delete) {
    case ON_DELETE_DO_NOTHING: return true;
    case ON_DELETE_SET_NULL:
    case ON_DELETE_SET_DEFAULT:
    case ON_DELETE_SET: return collect_update(collector, rel, objects);
    case ON_DELETE_CASCADE:
    case ON_DELETE_CUSTOM:
        /* A tree's children's children are looked up by the same statement again. */
        if (rel->model == model && depth > 1 && !known) return true;
        if (!related_objects(collector, model, field, objects, &found)) return false;
        if (!found.count) return true;
        if (!collect(collector, model, &found, rel->model, field->null, true, false, depth + 1)) return false;
        cascade_clears_key(collector, field, &found);
        return true;
    case ON_DELETE_PROTECT:
    case ON_DELETE_RESTRICT:
        if (!related_objects(collector, model, field, objects, &found)) return false;
        if (!known || !found.count) return true;
        if (rel->on_delete == ON_DELETE_RESTRICT) collector_restrict(collector, rel, &found);
        else keys_add(collector, protected, field);
        return true;
    }
    return true;
}

/* Rows of generic relations: by content type and object ids. */
static bool collect_generic(Collector *collector, DjModel *model, const Objects *objects, int depth) {
    Evaluator *ev = collector->ev;
    for (int i = 0; i < model->private_fields.count; i++) {
        DjField *field = model->private_fields.items[i];
        if (field->kind != FIELD_GENERIC_RELATION || !field_resolve(ev, field)) continue;
        Value *type = content_type_id(ev, field->for_concrete_model ? model->concrete : model, collector->site);
        DjModel *target = field->rel->model;
        if (!type) return false;
        if (model_can_fast_delete(collector, target, NULL)) {
            CollectedStatement *fast = &ARENA_PUSH(collector_arena(collector), collector->fast, collector->fast_count,
                                                   collector->fast_capacity);
            *fast = (CollectedStatement){
                .model = target, .type = model_field(ev, target, field->ct_field), .type_id = type};
            statement_add_group(collector, fast, objects);
            statement_add_field(collector, fast, field->local_fields.items[0]);
            continue;
        }
        ListValue *keys = value_list(ev);
        for (int k = 0; k < objects->count; k++)
            list_append(ev, keys, instance_pk(ev, (DjInstance *)objects->items[k], collector->site));
        Keyword filters[2] = {
            {django_atom_format(ev, "%.*s__pk", SLICE_ARGS(field->ct_field->text)), type, collector->site},
            {django_atom_format(ev, "%.*s__in", SLICE_ARGS(field->fk_field->text)), (Value *)keys, collector->site}};
        Objects found = {0};
        Value *rows = call_with_keywords(ev, target->base_manager, "filter", filters, 2, collector->site);
        if (!rows) return false;
        rows = value_iterate(ev, rows, collector->site);
        if (!rows || !rows_to_objects(collector, rows, target, &found)) return false;
        if (found.count && !collect(collector, target, &found, model, true, true, false, depth + 1)) return false;
    }
    return true;
}

/* The row was read without columns of its parent's table: that is read again. */
static bool parent_is_deferred(const Collector *collector, DjModel *parent, DjInstance *child) {
    if (!child->deferred_known || !evaluator_has_rows(collector->ev)) return false;
    model_prepare(collector->ev, parent);
    for (int i = 0; i < parent->concrete_fields.count; i++)
        if (atom_map_get(&child->deferred, parent->concrete_fields.items[i]->attname)) return true;
    return false;
}

static bool parent_read(Collector *collector, DjModel *parent, Value *key) {
    Keyword filter = {parent->pk->name, key, collector->site};
    return call_with_keywords(collector->ev, parent->base_manager, "get", &filter, 1, collector->site) != NULL;
}

static bool collect_parents(Collector *collector, DjModel *model, const Objects *objects, int depth) {
    for (int p = 0; p < model->concrete->parent_count; p++) {
        DjModel *parent = model->concrete->parents[p].model;
        Objects above = {0};
        if (!model->concrete->parents[p].link) continue;
        for (int i = 0; i < objects->count; i++) {
            DjInstance *child = (DjInstance *)objects->items[i];
            Value *key = instance_field_value(collector->ev, child, model->concrete->parents[p].link, collector->site);
            if (parent_is_deferred(collector, parent, child) && !parent_read(collector, parent, key)) return false;
            DjInstance *row = instance_unknown(collector->ev, parent, child->text, collector->site, child->origin);
            instance_set(collector->ev, (Value *)row, parent->pk->attname, key);
            objects_add(collector, &above, (Value *)row);
        }
        if (!collect(collector, parent, &above, model, false, false, true, depth + 1)) return false;
    }
    return true;
}

/* Objects in the portions in which one statement can name them. */
static Objects objects_portion(const Collector *collector, const Objects *objects, int from, int fields) {
    enum { SQLITE_VALUES = 500, SQLITE_PARAMETERS = 999 };
    int size = fields > 1 ? SQLITE_PARAMETERS / fields : SQLITE_VALUES, left = objects->count - from;
    if (evaluator_dialect(collector->ev)->id != DIALECT_SQLITE || left < size) size = left;
    return (Objects){objects->items + from, size, size};
}

/* Rows of one model that can go at once, by all the fields that lead to it. */
static void collect_fast(Collector *collector, DjRel *const *rels, int count, const Objects *objects) {
    for (int i = 0; i < count; i++) {
        DjModel *model = rels[i]->field->model;
        Fields fields = {0};
        bool first = true;
        for (int j = 0; j < count; j++) {
            if (rels[j]->field->model != model) continue;
            first = first && j >= i;
            ARENA_PUSH(collector_arena(collector), fields.items, fields.count, fields.capacity) = rels[j]->field;
        }
        for (int from = 0; first && from < objects->count;) {
            Objects portion = objects_portion(collector, objects, from, fields.count);
            CollectedStatement *fast = &ARENA_PUSH(collector_arena(collector), collector->fast, collector->fast_count,
                                                   collector->fast_capacity);
            *fast = (CollectedStatement){.model = model, .fields = fields};
            statement_add_group(collector, fast, &portion);
            from += portion.count;
        }
    }
}

/* What refers to these rows, by the on_delete of each key. */
static bool collect_dependents(Collector *collector, DjModel *model, const Objects *objects, bool keep, int depth) {
    DjRel **rels;
    int count = model_candidates(collector, model, &rels), fast_count = 0;
    DjRel **fast = ARENA_ARRAY(collector_arena(collector), DjRel *, count + 1);
    Keys protected = {0};
    for (int i = 0; i < count; i++) {
        DjRel *rel = rels[i];
        if (!rel_is_candidate(rel) || rel->on_delete == ON_DELETE_DO_NOTHING) continue;
        if (keep && rel->model != model->concrete) continue;
        if (model_can_fast_delete(collector, rel->field->model, rel->field)) {
            fast[fast_count++] = rel;
            continue;
        }
        for (int from = 0; from < objects->count;) {
            Objects portion = objects_portion(collector, objects, from, 1);
            if (!collect_relation(collector, rel, &portion, &protected, depth)) return false;
            from += portion.count;
        }
    }
    if (protected.count) return raise_referenced(collector, model, &protected, false);
    collect_fast(collector, fast, fast_count, objects);
    return true;
}

static bool collect(Collector *collector, DjModel *model, const Objects *objects, DjModel *source, bool nullable,
                    bool collect_related, bool reverse, int depth) {
    if (depth > COLLECT_DEPTH || !objects->count) return true;
    model_prepare(collector->ev, model);
    CollectedModel *entry = collector_model(collector, model);
    Objects fresh = {0};
    for (int i = 0; i < objects->count; i++) {
        int before = entry->objects.count;
        objects_add(collector, &entry->objects, objects->items[i]);
        if (entry->objects.count > before) objects_add(collector, &fresh, objects->items[i]);
    }
    if (!fresh.count) return true;
    if (source && !nullable) {
        if (reverse) {
            collector_depend(collector, model, source);
        } else {
            collector_depend(collector, source, model);
        }
    }
    bool keep = collector->keep_parents && depth == 0;
    if (!keep && !collect_parents(collector, model, &fresh, depth)) return false;
    if (!collect_related) return true;
    return collect_dependents(collector, model, &fresh, keep, depth) &&
           collect_generic(collector, model, &fresh, depth);
}

/* ---- rows that may only go along ---- */

static void objects_remove(Collector *collector, Objects *objects, const Objects *gone) {
    int kept = 0;
    for (int i = 0; i < objects->count; i++) {
        bool found = false;
        for (int j = 0; j < gone->count && !found; j++)
            found = value_equals(collector->ev, objects->items[i], gone->items[j]);
        if (!found) objects->items[kept++] = objects->items[i];
    }
    objects->count = kept;
}

/* field IN (…) for each of the fields of a fast delete, joined by OR */
static DjExpr *fast_condition(Collector *collector, const CollectedStatement *fast) {
    Evaluator *ev = collector->ev;
    DjExpr *any = dj_q_new(ev, collector->site);
    any->as.node.connector = DJ_OR;
    for (int f = 0; f < fast->fields.count; f++) {
        Slice name =
            slice_format(collector_arena(collector), "%.*s__in", SLICE_ARGS(fast->fields.items[f]->name->text));
        Value *rows = objects_list(collector, &fast->groups[0]);
        dj_q_push(ev, any, dj_condition_new(ev, name, rows, collector->site));
    }
    return any;
}

/* Those of the restricted rows that a fast delete takes: the database is asked. */
static bool restricted_in_fast(Collector *collector, const CollectedStatement *fast) {
    Evaluator *ev = collector->ev;
    ListValue *keys = value_list(ev);
    bool any = false;
    for (int r = 0; r < collector->restricted_count; r++) {
        const Restricted *restricted = &collector->restricted[r];
        if (restricted->field->model != fast->model) continue;
        any = true;
        for (int i = 0; i < restricted->objects.count; i++)
            list_append(ev, keys, instance_pk(ev, (DjInstance *)restricted->objects.items[i], collector->site));
    }
    if (!any || fast->type) return true;
    Keyword filter = {django_atom(ev, "pk__in"), (Value *)keys, collector->site};
    Objects found = {0};
    Value *rows = value_call_method(ev, fast->model->base_manager, "all", NULL, 0, collector->site);
    if (rows)
        rows =
            (Value *)dj_queryset_filter(ev, value_as_queryset(rows), fast_condition(collector, fast), collector->site);
    if (rows) rows = call_with_keywords(ev, rows, "filter", &filter, 1, collector->site);
    if (rows) rows = value_iterate(ev, rows, collector->site);
    if (!rows || !rows_to_objects(collector, rows, fast->model, &found)) return false;
    for (int r = 0; r < collector->restricted_count; r++)
        if (collector->restricted[r].field->model == fast->model)
            objects_remove(collector, &collector->restricted[r].objects, &found);
    return true;
}

static bool check_restricted(Collector *collector, const DjModel *model) {
    Keys keys = {0};
    for (int m = 0; m < collector->model_count; m++)
        for (int r = 0; r < collector->restricted_count; r++)
            if (collector->models[m].model == collector->restricted[r].field->model)
                objects_remove(collector, &collector->restricted[r].objects, &collector->models[m].objects);
    for (int f = 0; f < collector->fast_count; f++)
        if (!restricted_in_fast(collector, &collector->fast[f])) return false;
    for (int r = 0; r < collector->restricted_count; r++)
        if (collector->restricted[r].objects.count) keys_add(collector, &keys, collector->restricted[r].field);
    return !keys.count || raise_referenced(collector, model, &keys, true);
}

/* ---- what the other files call ---- */

static Value *objects_delete(Collector *collector, DjModel *model, const Objects *objects, bool keep_parents) {
    collector->keep_parents = keep_parents;
    collector->by_label = value_dict(collector->ev);
    if (!collect(collector, model, objects, NULL, false, true, false, 0) || !check_restricted(collector, model))
        return NULL;
    bool single = collector->model_count == 1 && collector->models[0].objects.count == 1 &&
                  model_can_fast_delete(collector, model, NULL);
    return collector_send(collector, single) ? collector_answer(collector) : NULL;
}

bool model_deletes_at_once(Evaluator *ev, DjModel *model) {
    Collector collector = {.ev = ev};
    model_prepare(ev, model);
    return model_can_fast_delete(&collector, model, NULL);
}

Value *rows_delete(Evaluator *ev, DjModel *model, Value *rows, const Node *site) {
    Collector collector = {.ev = ev, .site = site};
    Objects objects = {0};
    if (!rows_to_objects(&collector, rows, model, &objects)) return NULL;
    return objects_delete(&collector, model, &objects, false);
}

Value *instance_delete(Evaluator *ev, Value *self, const Arguments *arguments) {
    DjInstance *instance = value_as_model_instance(self);
    if (!instance) return value_none(ev);
    model_prepare(ev, instance->model);
    if (!instance_has_key(ev, instance, instance->model, arguments->site))
        return evaluator_raise_id(ev, EXCEPTION_VALUE, arguments->site,
                                  "%.*s object can't be deleted because its %.*s attribute is set to None.",
                                  SLICE_ARGS(instance->model->name->text),
                                  SLICE_ARGS(instance->model->pk->attname->text));
    Value *keep = arguments_keyword(arguments, django_atom(ev, "keep_parents"));
    Collector collector = {.ev = ev, .site = arguments->site};
    Objects objects = {&self, 1, 1};
    return objects_delete(&collector, instance->model, &objects, keep && value_truthy(ev, keep));
}
