/*
 * delete(): the collector. Input: instances (or the rows of a query); output: fast deletes of what has no dependents of
 * its own, updates of keys that are set to NULL, and the instances, dependents first.
 *
 * Invariants: rows that are not known are taken to be there; one level of a model that refers to itself is looked up.
 * A set of unknown rows is one instance whose values stand for those of all rows.
 *
 * Example: author.delete() → SELECT … FROM "book" WHERE "book"."author_id" IN (?); DELETE FROM "book_tags" WHERE …;
 * DELETE FROM "book" WHERE "book"."id" IN (…); DELETE FROM "author" WHERE "author"."id" IN (?)
 */
#include "compiler/django/write_internal.h"

enum { COLLECT_DEPTH = 24 };

typedef struct Objects {
    Value **items;
    int count, capacity;
} Objects;

typedef struct CollectedModel {
    DjModel *model;
    Objects objects;
    Models depends; /* models whose rows must be gone after this one's dependents */
} CollectedModel;

/* DELETE or UPDATE … SET NULL WHERE a IN (…) OR b IN (…) */
typedef struct CollectedStatement {
    DjModel *model;
    Fields fields;
    Objects objects;
    Value *value; /* of an update */
    DjField *set;
    DjField *type; /* of generic relations: the content type's column, and the id that it must have */
    Value *type_id;
} CollectedStatement;

typedef struct Collector {
    Evaluator *ev;
    const Node *site;
    bool keep_parents; /* delete(keep_parents=True) */
    CollectedModel *models;
    int model_count, model_capacity;
    CollectedStatement *fast;
    int fast_count, fast_capacity;
    CollectedStatement *updates;
    int update_count, update_capacity;
} Collector;

static Arena *collector_arena(const Collector *collector) { return evaluator_arena(collector->ev); }

/* ---- what can go at once ---- */

static bool rel_is_candidate(const DjRel *rel) {
    const DjField *field = rel->field;
    return !rel->many_to_many && field->kind != FIELD_GENERIC_RELATION && !field->many_to_many;
}

static int model_candidates(Collector *collector, DjModel *model, DjRel ***rels) {
    return model_related_objects(collector->ev, model, true, rels);
}

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

static Value *objects_list(Collector *collector, const Objects *objects) {
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

static void collector_update(Collector *collector, DjModel *model, DjField *field, const Objects *objects,
                             Value *value) {
    CollectedStatement *update = NULL;
    for (int i = 0; i < collector->update_count && !update; i++)
        if (collector->updates[i].set == field) update = &collector->updates[i];
    if (!update) {
        update = &ARENA_PUSH(collector_arena(collector), collector->updates, collector->update_count,
                             collector->update_capacity);
        *update = (CollectedStatement){.model = model, .set = field, .value = value};
        ARENA_PUSH(collector_arena(collector), update->fields.items, update->fields.count, update->fields.capacity) =
            field;
    }
    for (int i = 0; i < objects->count; i++) objects_add(collector, &update->objects, objects->items[i]);
}

static Value *set_value(Collector *collector, DjField *field) {
    Evaluator *ev = collector->ev;
    if (field->rel->on_delete == ON_DELETE_SET_NULL) return value_none(ev);
    if (field->rel->on_delete == ON_DELETE_SET_DEFAULT) return field_default(ev, field, collector->site);
    Value *given = field->rel->on_delete_value;
    Value *value = given->type->kind == VALUE_NATIVE_FUNCTION ? ((NativeFunctionValue *)given)->data : NULL;
    if (!value) return value_none(ev);
    return value_is_callable(value) ? value_call_with(ev, value, NULL, 0, collector->site) : value;
}

static bool raise_protected(Collector *collector, DjModel *model, DjField *field, bool restricted) {
    DjState *state = django_state(collector->ev);
    evaluator_raise(collector->ev, restricted ? state->restricted_error : state->protected_error,
                    evaluator_span(collector->ev, collector->site),
                    "Cannot delete some instances of model '%.*s' because they are referenced through %s foreign "
                    "keys: '%.*s.%.*s'.",
                    SLICE_ARGS(field->rel->model->name->text), restricted ? "restricted" : "protected",
                    SLICE_ARGS(model->name->text), SLICE_ARGS(field->name->text));
    return false;
}

static bool collect_relation(Collector *collector, DjRel *rel, const Objects *objects, int depth) {
    DjField *field = rel->field;
    DjModel *model = field->model;
    Objects found = {0};
    switch (rel->on_delete) {
    case ON_DELETE_DO_NOTHING: return true;
    case ON_DELETE_SET_NULL:
    case ON_DELETE_SET_DEFAULT:
    case ON_DELETE_SET: {
        Value *value = set_value(collector, field);
        if (!value) return false;
        collector_update(collector, model, field, objects, value);
        return true;
    }
    case ON_DELETE_CASCADE:
    case ON_DELETE_CUSTOM:
        /* A tree's children's children are looked up by the same statement again. */
        if (rel->model == model && depth > 1) return true;
        if (!related_objects(collector, model, field, objects, &found)) return false;
        if (!found.count) return true;
        return collect(collector, model, &found, rel->model, field->null, true, false, depth + 1);
    case ON_DELETE_PROTECT:
    case ON_DELETE_RESTRICT: {
        if (!related_objects(collector, model, field, objects, &found)) return false;
        bool known = evaluator_has_rows(collector->ev);
        if (known && found.count) return raise_protected(collector, model, field, rel->on_delete == ON_DELETE_RESTRICT);
        return true;
    }
    }
    return true;
}

static void collector_fast(Collector *collector, DjModel *model, DjField *field, const Objects *objects, int from) {
    CollectedStatement *fast = NULL;
    for (int i = from; i < collector->fast_count && !fast; i++)
        if (collector->fast[i].model == model) fast = &collector->fast[i];
    if (!fast) {
        fast =
            &ARENA_PUSH(collector_arena(collector), collector->fast, collector->fast_count, collector->fast_capacity);
        *fast = (CollectedStatement){.model = model, .objects = *objects};
    }
    ARENA_PUSH(collector_arena(collector), fast->fields.items, fast->fields.count, fast->fields.capacity) = field;
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
            *fast = (CollectedStatement){.model = target,
                                         .objects = *objects,
                                         .type = model_field(ev, target, field->ct_field),
                                         .type_id = type};
            ARENA_PUSH(collector_arena(collector), fast->fields.items, fast->fields.count, fast->fields.capacity) =
                field->local_fields.items[0];
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

static bool collect_parents(Collector *collector, DjModel *model, const Objects *objects, int depth) {
    for (int p = 0; p < model->concrete->parent_count; p++) {
        DjModel *parent = model->concrete->parents[p].model;
        Objects above = {0};
        if (!model->concrete->parents[p].link) continue;
        for (int i = 0; i < objects->count; i++) {
            DjInstance *child = (DjInstance *)objects->items[i];
            DjInstance *row = instance_unknown(collector->ev, parent, child->text, collector->site, child->origin);
            instance_set(collector->ev, (Value *)row, parent->pk->attname,
                         instance_field_value(collector->ev, child, model->concrete->parents[p].link, collector->site));
            objects_add(collector, &above, (Value *)row);
        }
        if (!collect(collector, parent, &above, model, false, false, true, depth + 1)) return false;
    }
    return true;
}

static bool collect(Collector *collector, DjModel *model, const Objects *objects, DjModel *source, bool nullable,
                    bool collect_related, bool reverse, int depth) {
    DjRel **rels;
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
    int fast_from = collector->fast_count, count = model_candidates(collector, model, &rels);
    for (int pass = 0; pass < 2; pass++) {
        for (int i = 0; i < count; i++) {
            DjRel *rel = rels[i];
            if (!rel_is_candidate(rel) || rel->on_delete == ON_DELETE_DO_NOTHING || !rel->field->column) continue;
            if (keep && rel->model != model->concrete) continue;
            bool fast = model_can_fast_delete(collector, rel->field->model, rel->field);
            if (fast != (pass == 1)) continue;
            if (fast) {
                if (fast_from > collector->fast_count) fast_from = collector->fast_count;
                collector_fast(collector, rel->field->model, rel->field, &fresh, fast_from);
            } else if (!collect_relation(collector, rel, &fresh, depth)) {
                return false;
            }
        }
        if (pass == 0) fast_from = collector->fast_count;
    }
    return collect_generic(collector, model, &fresh, depth);
}

/* ---- sending ---- */

/* a IN (…), several joined by OR in parentheses. */
static Expr *statement_condition(Collector *collector, const CollectedStatement *statement, Relation *table) {
    Evaluator *ev = collector->ev;
    Arena *arena = collector_arena(collector);
    Expr *any = NULL, *first = NULL;
    for (int f = 0; f < statement->fields.count; f++) {
        DjField *field = statement->fields.items[f];
        DjField *target = field_target(ev, field);
        Value **values = ARENA_ARRAY(arena, Value *, statement->objects.count + 1);
        for (int i = 0; i < statement->objects.count; i++)
            values[i] =
                target ? instance_field_value(ev, (DjInstance *)statement->objects.items[i], target, collector->site)
                       : instance_pk(ev, (DjInstance *)statement->objects.items[i], collector->site);
        Expr *part = write_in(ev, table, field, values, statement->objects.count, collector->site);
        if (!part) return NULL;
        if (!first) {
            first = part;
            continue;
        }
        if (!any) {
            any = expr_new(arena, EXPR_OR, SQL_BOOLEAN);
            expr_list_push(arena, &any->args, first);
        }
        expr_list_push(arena, &any->args, part);
    }
    Expr *where = any ? expr_group(arena, any) : first;
    if (!statement->type) return where;
    Expr *typed = write_equals(ev, table, statement->type, statement->type_id, collector->site);
    return typed ? write_and(ev, typed, where) : NULL;
}

static bool send_fast(Collector *collector) {
    for (int i = 0; i < collector->fast_count; i++) {
        const CollectedStatement *fast = &collector->fast[i];
        Relation *table = write_table(collector->ev, fast->model);
        Expr *where = statement_condition(collector, fast, table);
        if (!where || !write_delete(collector->ev, fast->model, where, table, collector->site)) return false;
    }
    return true;
}

static bool send_updates(Collector *collector) {
    for (int i = 0; i < collector->update_count; i++) {
        CollectedStatement *update = &collector->updates[i];
        Relation *table = write_table(collector->ev, update->model);
        Expr *where = statement_condition(collector, update, table);
        Fields set = {&update->set, 1, 1};
        if (!where ||
            !write_update(collector->ev, update->model, &set, &update->value, where, table, collector->site, NULL))
            return false;
    }
    return true;
}

static bool depends_done(const Collector *collector, const CollectedModel *entry, const bool *done) {
    const CollectedModel *concrete = entry;
    for (int i = 0; i < collector->model_count; i++)
        if (collector->models[i].model == entry->model->concrete) concrete = &collector->models[i];
    for (int d = 0; d < concrete->depends.count; d++) {
        bool found = false;
        for (int i = 0; i < collector->model_count; i++)
            found = found || (done[i] && collector->models[i].model->concrete == concrete->depends.items[d]);
        if (!found) return false;
    }
    return true;
}

/* Dependents before what they depend on; in the order of collection where there is a circle. */
static int *collector_sort(Collector *collector) {
    int *order = ARENA_ARRAY(collector_arena(collector), int, collector->model_count + 1);
    bool *done = ARENA_ARRAY(collector_arena(collector), bool, collector->model_count + 1);
    int count = 0;
    while (count < collector->model_count) {
        bool found = false;
        for (int i = 0; i < collector->model_count; i++) {
            if (done[i] || !depends_done(collector, &collector->models[i], done)) continue;
            order[count++] = i;
            done[i] = found = true;
        }
        if (!found) {
            for (int i = 0; i < collector->model_count; i++) order[i] = i;
            return order;
        }
    }
    return order;
}

static int key_order(Evaluator *ev, Value *a, Value *b) {
    int64_t left, right;
    Value *x = instance_pk(ev, (DjInstance *)a, NULL), *y = instance_pk(ev, (DjInstance *)b, NULL);
    if (value_as_integer(x, &left) && value_as_integer(y, &right)) return left < right ? -1 : left > right;
    return 0;
}

/* Highest key first, as Django sorts and then reverses them. */
static void objects_sort(Evaluator *ev, Objects *objects) {
    for (int i = 1; i < objects->count; i++) {
        Value *item = objects->items[i];
        int at = i;
        for (; at > 0 && key_order(ev, objects->items[at - 1], item) < 0; at--)
            objects->items[at] = objects->items[at - 1];
        objects->items[at] = item;
    }
}

static bool send_instances(Collector *collector) {
    enum { CHUNK = 100 };
    const int *order = collector_sort(collector);
    for (int m = 0; m < collector->model_count; m++) {
        CollectedModel *entry = &collector->models[order[m]];
        DjModel *model = entry->model;
        objects_sort(collector->ev, &entry->objects);
        for (int from = 0; from < entry->objects.count; from += CHUNK) {
            int count = entry->objects.count - from < CHUNK ? entry->objects.count - from : CHUNK;
            Relation *table = write_table(collector->ev, model);
            Expr *where =
                keys_condition(collector->ev, model, table, entry->objects.items + from, count, collector->site);
            if (!where || !write_delete(collector->ev, model, where, table, collector->site)) return false;
        }
    }
    return true;
}

bool instances_delete(Evaluator *ev, DjModel *model, Value *const *instances, int count, bool keep_parents,
                      const Node *site) {
    Collector collector = {.ev = ev, .site = site, .keep_parents = keep_parents};
    Objects objects = {0};
    for (int i = 0; i < count; i++) objects_add(&collector, &objects, instances[i]);
    if (!collect(&collector, model, &objects, NULL, false, true, false, 0)) return false;
    bool single = collector.model_count == 1 && count == 1 && !collector.fast_count && !collector.update_count &&
                  model_can_fast_delete(&collector, model, NULL);
    if (single) return send_instances(&collector);
    transaction_enter(ev, false, site);
    bool fine = send_fast(&collector) && send_updates(&collector) && send_instances(&collector);
    transaction_leave(ev, false, !fine, site);
    return fine;
}

bool model_deletes_at_once(Evaluator *ev, DjModel *model) {
    Collector collector = {.ev = ev};
    model_prepare(ev, model);
    return model_can_fast_delete(&collector, model, NULL);
}

bool rows_delete(Evaluator *ev, DjModel *model, Value *rows, const Node *site) {
    Collector collector = {.ev = ev, .site = site};
    Objects objects = {0};
    if (!rows_to_objects(&collector, rows, model, &objects)) return false;
    return !objects.count || instances_delete(ev, model, objects.items, objects.count, false, site);
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
    if (!instances_delete(ev, instance->model, &self, 1, keep && value_truthy(ev, keep), arguments->site)) return NULL;
    if (instance->model->pk->kind != FIELD_COMPOSITE_KEY)
        instance_set(ev, self, instance->model->pk->attname, value_none(ev));
    Value *parts[2] = {value_unknown_at(ev, arguments->site), (Value *)value_dict(ev)};
    return value_tuple(ev, parts, 2);
}
