/*
 * add, remove, set, clear and create of the managers behind relations: reverse foreign keys, many-to-many, generic.
 *
 * Invariant: rows that set() compares with are not known: the ordinary path takes none of the objects to be there.
 *
 * Example: book.tags.add(t) → INSERT OR IGNORE INTO "book_tags" ("book_id", "tag_id") VALUES (?, ?)
 */
#include "compiler/django/field_prepare.h"
#include "compiler/django/manager.h"
#include "compiler/django/write_internal.h"

typedef enum RelatedKind { RELATED_REVERSE, RELATED_MANY, RELATED_GENERIC } RelatedKind;

typedef struct Related {
    Evaluator *ev;
    DjManager *manager;
    DjInstance *owner;
    RelatedKind kind;
    DjField *field;           /* the foreign key, the many-to-many field, the generic relation */
    DjField *source, *target; /* many-to-many: keys of the through model to this side and to the other */
    bool symmetrical;
    const Node *site;
} Related;

static bool related_open(Evaluator *ev, Value *self, const Node *site, Related *out) {
    DjManager *manager = (DjManager *)self;
    DjFound relation = manager->relation;
    *out = (Related){.ev = ev, .manager = manager, .owner = value_as_model_instance(manager->owner), .site = site};
    out->field = relation.field ? relation.field : relation.rel->field;
    field_resolve(ev, out->field);
    if (out->field->kind == FIELD_GENERIC_RELATION) {
        out->kind = RELATED_GENERIC;
    } else if (out->field->many_to_many) {
        out->kind = RELATED_MANY;
        out->source = relation.field ? out->field->m2m_field : out->field->m2m_reverse_field;
        out->target = relation.field ? out->field->m2m_reverse_field : out->field->m2m_field;
        out->symmetrical = out->field->rel->symmetrical && out->field->rel->model == out->field->model;
        if (!out->source || !out->target)
            return evaluator_raise_id(ev, EXCEPTION_UNSUPPORTED, site, "the through model of this relation is unknown");
    } else {
        out->kind = RELATED_REVERSE;
        DjField *target = field_target(ev, out->field);
        if (target && value_is_none(instance_field_value(ev, out->owner, target, site))) {
            Slice shown = value_repr(ev, manager->owner);
            return evaluator_raise_id(ev, EXCEPTION_VALUE, site,
                                      "\"%.*s\" needs to have a value for field \"%.*s\" before this relationship can "
                                      "be used.",
                                      SLICE_ARGS(shown), SLICE_ARGS(target->attname->text));
        }
    }
    return out->owner != NULL;
}

static Value *related_value(const Related *related, DjField *key) {
    DjField *target = field_target(related->ev, key);
    return target ? instance_field_value(related->ev, related->owner, target, related->site)
                  : instance_pk(related->ev, related->owner, related->site);
}

/* ---- many-to-many ---- */

/* Keys of the objects, each once, in the order of a Python set. */
static bool target_keys(const Related *related, DjField *key, Value *const *objects, int count, ListValue *out) {
    Evaluator *ev = related->ev;
    DjField *target = field_target(ev, key);
    for (int i = 0; i < count; i++) {
        DjInstance *object = value_as_model_instance(objects[i]);
        Value *value = object && target ? instance_field_value(ev, object, target, related->site) : objects[i];
        if (object && !class_is_subclass(object->model->cls, key->rel->model->concrete->cls)) {
            Slice shown = value_repr(ev, objects[i]);
            return evaluator_raise_id(ev, EXCEPTION_TYPE, related->site, "'%.*s' instance expected, got %.*s",
                                      SLICE_ARGS(key->rel->model->name->text), SLICE_ARGS(shown));
        }
        if (object && value_is_none(value)) {
            Slice shown = value_repr(ev, objects[i]);
            return evaluator_raise_id(ev, EXCEPTION_VALUE, related->site,
                                      "Cannot add \"%.*s\": the value for field \"%.*s\" is None", SLICE_ARGS(shown),
                                      SLICE_ARGS(key->name->text));
        }
        if (!object && target) value = field_get_prep_value(ev, target, value, related->site);
        if (!value) return false;
        bool known = false;
        for (int k = 0; k < out->count; k++) known = known || value_equals(ev, out->items[k], value);
        if (!known) list_append(ev, out, value);
    }
    value_set_order(ev, out->items, out->count);
    return true;
}

static DjModel *related_through(const Related *related) { return related->field->rel->through; }

/* Rows of the through model for these keys. */
static Value *through_objects(const Related *related, DjField *source, DjField *target, const ListValue *keys,
                              Value *defaults) {
    Evaluator *ev = related->ev;
    ListValue *rows = value_list(ev);
    for (int i = 0; i < keys->count; i++) {
        Arguments arguments = {.site = related->site};
        const DictValue *dict = defaults && defaults->type->kind == VALUE_DICT ? (const DictValue *)defaults : NULL;
        arguments.keywords = ARENA_ARRAY(evaluator_arena(ev), Keyword, 2 + (dict ? dict->count : 0));
        for (int d = 0; dict && d < dict->count; d++) {
            if (!dict->entries[d].key || !value_is_text(dict->entries[d].key)) continue;
            Value *value = dict->entries[d].value;
            if (value_is_callable(value)) value = value_call_with(ev, value, NULL, 0, related->site);
            if (!value) return NULL;
            arguments.keywords[arguments.keyword_count++] =
                (Keyword){value_as_atom(ev, dict->entries[d].key), value, related->site};
        }
        arguments.keywords[arguments.keyword_count++] =
            (Keyword){source->attname, related_value(related, source), related->site};
        arguments.keywords[arguments.keyword_count++] = (Keyword){target->attname, keys->items[i], related->site};
        Value *row = value_call(ev, (Value *)related_through(related)->cls, &arguments);
        if (!row) return NULL;
        list_append(ev, rows, row);
    }
    return (Value *)rows;
}

static bool many_add_items(const Related *related, DjField *source, DjField *target, Value *const *objects, int count,
                           Value *defaults) {
    Evaluator *ev = related->ev;
    DjModel *through = related_through(related);
    ListValue *keys = value_list(ev);
    if (!count) return true;
    if (!target_keys(related, target, objects, count, keys)) return false;
    bool fast = through->auto_created;
    if (!fast) {
        Value *name = value_atom(ev, target->name);
        Keyword filters[2] = {
            {source->name, related_value(related, source), related->site},
            {django_atom_format(ev, "%.*s__in", SLICE_ARGS(target->name->text)), (Value *)keys, related->site}};
        Keyword flat = {django_atom(ev, "flat"), value_bool(ev, true), related->site};
        Value *rows = call_with_both(ev, through->default_manager, "values_list", name, &flat, 1, related->site);
        rows = rows ? call_with_keywords(ev, rows, "filter", filters, 2, related->site) : NULL;
        rows = rows ? value_iterate(ev, rows, related->site) : NULL;
        if (!rows) return false;
        if (!list_without(ev, keys, rows)) return true;
    }
    Value *rows = through_objects(related, source, target, keys, defaults);
    Keyword ignore = {django_atom(ev, "ignore_conflicts"), value_bool(ev, true), related->site};
    return rows &&
           call_with_both(ev, through->default_manager, "bulk_create", rows, &ignore, fast ? 1 : 0, related->site);
}

static bool many_add(const Related *related, Value *const *objects, int count, Value *defaults) {
    transaction_enter(related->ev, false, related->site);
    bool fine = many_add_items(related, related->source, related->target, objects, count, defaults);
    if (fine && related->symmetrical)
        fine = many_add_items(related, related->target, related->source, objects, count, defaults);
    transaction_leave(related->ev, false, !fine, related->site);
    return fine;
}

static Value *q_of(const Related *related, Atom name, Value *value) {
    ModuleValue *models = evaluator_import(related->ev, "django.db.models");
    Value *q = atom_map_get(&models->names, django_atom(related->ev, "Q"));
    Keyword keyword = {name, value, related->site};
    Arguments arguments = {.keywords = &keyword, .keyword_count = 1, .site = related->site};
    return q ? value_call(related->ev, q, &arguments) : NULL;
}

/* source = this AND target IN (keys) */
static Value *remove_filter(const Related *related, DjField *source, DjField *target, Value *keys) {
    Value *own = q_of(related, source->name, related_value(related, source));
    if (!own || !keys) return own;
    Value *others = q_of(related, django_atom_format(related->ev, "%.*s__in", SLICE_ARGS(target->name->text)), keys);
    return others ? value_binary(related->ev, OP_BitAnd, own, others, related->site) : NULL;
}

static bool queryset_has_filters(const DjQuerySet *queryset) {
    for (const DjOp *op = queryset->last; op; op = op->previous)
        if (op->kind == DJ_OP_FILTER) return true;
    return false;
}

/* The other side's own queryset where its manager filters; NULL where it takes all rows. */
static Value *target_rows(const Related *related) {
    DjModel *model = related->target->rel->model;
    Value *rows = value_call_method(related->ev, model->default_manager, "all", NULL, 0, related->site);
    return rows && value_is_queryset(rows) && queryset_has_filters(value_as_queryset(rows)) ? rows : NULL;
}

static bool many_delete(const Related *related, ListValue *keys) {
    Evaluator *ev = related->ev;
    Value *values = (Value *)keys, *rows = target_rows(related);
    if (rows && keys) {
        DjField *key = field_target(ev, related->target);
        Keyword filter = {django_atom_format(ev, "%.*s__in", SLICE_ARGS(key->attname->text)), values, related->site};
        values = call_with_keywords(ev, rows, "filter", &filter, 1, related->site);
    } else if (rows) {
        values = rows;
    }
    Value *filter = remove_filter(related, related->source, related->target, values);
    if (filter && related->symmetrical) {
        Value *mirror = remove_filter(related, related->target, related->source, values);
        filter = mirror ? value_binary(ev, OP_BitOr, filter, mirror, related->site) : NULL;
    }
    if (!filter) return false;
    transaction_enter(ev, false, related->site);
    Value *links =
        value_call_method(ev, related_through(related)->default_manager, "filter", &filter, 1, related->site);
    Value *done = links ? value_call_method(ev, links, "delete", NULL, 0, related->site) : NULL;
    transaction_leave(ev, false, !done, related->site);
    return done != NULL;
}

/* ---- reverse foreign keys and generic relations ---- */

static DjModel *related_model(const Related *related) {
    return related->kind == RELATED_GENERIC ? related->field->rel->model : related->field->model;
}

static bool related_check_type(const Related *related, Value *object) {
    DjInstance *instance = value_as_model_instance(object);
    DjModel *model = related_model(related);
    if (instance && class_is_subclass(instance->model->cls, model->concrete->cls)) return true;
    Slice shown = value_repr(related->ev, object);
    return evaluator_raise_id(related->ev, EXCEPTION_TYPE, related->site, "'%.*s' instance expected, got %.*s",
                              SLICE_ARGS(model->name->text), SLICE_ARGS(shown));
}

static bool related_set_owner(const Related *related, Value *object) {
    Evaluator *ev = related->ev;
    DjModel *model = related_model(related);
    if (!related_check_type(related, object)) return false;
    if (related->kind == RELATED_REVERSE)
        return value_set_attribute(ev, object, related->field->name, related->manager->owner, related->site);
    DjField *type = model_field(ev, model, related->field->ct_field);
    Value *id = content_type_id(
        ev, related->field->for_concrete_model ? related->owner->model->concrete : related->owner->model,
        related->site);
    if (!id || !type) return false;
    instance_set(ev, object, type->attname, id);
    return value_set_attribute(ev, object, related->field->fk_field, instance_pk(ev, related->owner, related->site),
                               related->site);
}

/* What links an object to the owner, as keyword arguments. */
static int owner_keywords(const Related *related, Keyword *out) {
    Evaluator *ev = related->ev;
    if (related->kind == RELATED_REVERSE) {
        out[0] = (Keyword){related->field->name, related->manager->owner, related->site};
        return 1;
    }
    DjField *type = model_field(ev, related->field->rel->model, related->field->ct_field);
    Value *id = content_type_id(
        ev, related->field->for_concrete_model ? related->owner->model->concrete : related->owner->model,
        related->site);
    if (!id || !type) return 0;
    out[0] = (Keyword){type->attname, id, related->site};
    out[1] = (Keyword){related->field->fk_field, instance_pk(ev, related->owner, related->site), related->site};
    return 2;
}

static bool few_add_items(const Related *related, Value *const *objects, int count, bool bulk, ListValue *keys) {
    Evaluator *ev = related->ev;
    for (int i = 0; i < count; i++) {
        DjInstance *object = value_as_model_instance(objects[i]);
        if (!object || related->kind == RELATED_REVERSE)
            if (!related_set_owner(related, objects[i])) return false;
        if (bulk && object->adding) {
            Slice shown = value_repr(ev, objects[i]);
            return evaluator_raise_id(ev, EXCEPTION_VALUE, related->site,
                                      "%.*s instance isn't saved. Use bulk=False or save the object first.",
                                      SLICE_ARGS(shown));
        }
        if (related->kind == RELATED_GENERIC && !related_set_owner(related, objects[i])) return false;
        list_append(ev, keys, instance_pk(ev, object, related->site));
        if (!bulk && !value_call_method(ev, objects[i], "save", NULL, 0, related->site)) return false;
    }
    return true;
}

static bool few_add(const Related *related, Value *const *objects, int count, bool bulk) {
    Evaluator *ev = related->ev;
    ListValue *keys = value_list(ev);
    if (!bulk) {
        transaction_enter(ev, false, related->site);
        bool fine = few_add_items(related, objects, count, false, keys);
        transaction_leave(ev, false, !fine, related->site);
        return fine;
    }
    if (!few_add_items(related, objects, count, true, keys)) return false;
    if (!count) return true;
    Keyword filter = {django_atom(ev, "pk__in"), (Value *)keys, related->site}, set[2];
    Value *rows = call_with_keywords(ev, related_model(related)->base_manager, "filter", &filter, 1, related->site);
    int set_count = rows ? owner_keywords(related, set) : 0;
    return set_count && call_with_keywords(ev, rows, "update", set, set_count, related->site);
}

/* The items of what was iterated; of rows that are not known the one that stands for them. */
static int items_or_element(Evaluator *ev, Value *list, Value ***items) {
    int count = value_items(list, items);
    if (count >= 0) return count;
    Value *element = value_is_unknown(list) ? ((UnknownValue *)list)->element : NULL;
    *items = ARENA_ARRAY(evaluator_arena(ev), Value *, 1);
    (*items)[0] = element;
    return element != NULL;
}

/* Unlinks one object by its own save() or delete(). */
static bool few_clear_one(const Related *related, Value *object) {
    Evaluator *ev = related->ev;
    if (related->kind == RELATED_GENERIC)
        return value_call_method(ev, object, "delete", NULL, 0, related->site) != NULL;
    if (!value_set_attribute(ev, object, related->field->name, value_none(ev), related->site)) return false;
    ListValue *names = value_list(ev);
    list_append(ev, names, value_atom(ev, related->field->name));
    Keyword fields = {django_atom(ev, "update_fields"), (Value *)names, related->site};
    return call_with_keywords(ev, object, "save", &fields, 1, related->site) != NULL;
}

static bool few_clear_each(const Related *related, Value *rows) {
    Evaluator *ev = related->ev;
    transaction_enter(ev, false, related->site);
    Value *list = value_iterate(ev, rows, related->site), **items = NULL;
    int count = list ? items_or_element(ev, list, &items) : 0;
    bool fine = list != NULL;
    for (int i = 0; i < count && fine; i++) fine = few_clear_one(related, items[i]);
    transaction_leave(ev, false, !fine, related->site);
    return fine;
}

/* Unlinks the rows: the key becomes NULL, generic ones are deleted. */
static bool few_clear(const Related *related, Value *rows, bool bulk) {
    Evaluator *ev = related->ev;
    if (!rows) return false;
    if (!bulk) return few_clear_each(related, rows);
    if (related->kind == RELATED_GENERIC) return value_call_method(ev, rows, "delete", NULL, 0, related->site) != NULL;
    Keyword set = {related->field->name, value_none(ev), related->site};
    return call_with_keywords(ev, rows, "update", &set, 1, related->site) != NULL;
}

static Value *related_rows(const Related *related) {
    return dj_manager_queryset(related->ev, (Value *)related->manager, related->site);
}

/* A row that was read must be the owner's. */
static bool few_check_owner(const Related *related, DjInstance *object) {
    Evaluator *ev = related->ev;
    DjField *field = related->field, *target = field_target(ev, field);
    DjInstance *owner = related->owner;
    if (related->kind == RELATED_GENERIC || !evaluator_has_rows(ev) || object->adding || !owner || !target) return true;
    Value *own = instance_field_value(ev, object, field, related->site);
    Value *key = instance_field_value(ev, owner, target, related->site);
    if (!own || !key || value_is_unknown(own) || value_is_unknown(key) || value_equals(ev, own, key)) return true;
    Slice shown = value_repr(ev, (Value *)object), holder = value_repr(ev, (Value *)owner);
    evaluator_raise(ev, owner->model->does_not_exist, evaluator_mistake_span(ev, related->site),
                    "%.*s is not related to %.*s.", SLICE_ARGS(shown), SLICE_ARGS(holder));
    return false;
}

static bool few_remove(const Related *related, Value *const *objects, int count, bool bulk) {
    Evaluator *ev = related->ev;
    ListValue *keys = value_list(ev);
    for (int i = 0; i < count; i++) {
        DjInstance *object = value_as_model_instance(objects[i]);
        if (related->kind == RELATED_REVERSE && !value_is_unknown(objects[i]) &&
            !related_check_type(related, objects[i]))
            return false;
        if (!object) continue;
        if (!few_check_owner(related, object)) return false;
        Value *key = instance_pk(ev, object, related->site);
        list_append(ev, keys, key);
    }
    if (related->kind == RELATED_REVERSE) value_set_order(ev, keys->items, keys->count);
    Keyword filter = {django_atom(ev, "pk__in"), (Value *)keys, related->site};
    Value *rows = related_rows(related);
    return !keys->count ||
           few_clear(related, rows ? call_with_keywords(ev, rows, "filter", &filter, 1, related->site) : NULL, bulk);
}

/* ---- the methods ---- */

static bool truth_keyword(Evaluator *ev, const Arguments *arguments, const char *name, bool otherwise) {
    Value *value = arguments_keyword(arguments, django_atom(ev, name));
    return value ? value_truthy(ev, value) : otherwise;
}

static Value *related_add(Evaluator *ev, Value *self, const Arguments *arguments) {
    Related related;
    if (!related_open(ev, self, arguments->site, &related)) return NULL;
    Value *defaults = arguments_keyword(arguments, django_atom(ev, "through_defaults"));
    bool fine = related.kind == RELATED_MANY
                    ? many_add(&related, arguments->items, arguments->count, defaults)
                    : few_add(&related, arguments->items, arguments->count, truth_keyword(ev, arguments, "bulk", true));
    return fine ? value_none(ev) : NULL;
}

static Value *related_remove(Evaluator *ev, Value *self, const Arguments *arguments) {
    Related related;
    if (!related_open(ev, self, arguments->site, &related)) return NULL;
    if (!arguments->count) return value_none(ev);
    if (related.kind != RELATED_MANY)
        return few_remove(&related, arguments->items, arguments->count, truth_keyword(ev, arguments, "bulk", true))
                   ? value_none(ev)
                   : NULL;
    ListValue *keys = value_list(ev);
    if (!target_keys(&related, related.target, arguments->items, arguments->count, keys)) return NULL;
    return many_delete(&related, keys) ? value_none(ev) : NULL;
}

static Value *related_clear(Evaluator *ev, Value *self, const Arguments *arguments) {
    Related related;
    if (!related_open(ev, self, arguments->site, &related)) return NULL;
    bool fine = related.kind == RELATED_MANY
                    ? many_delete(&related, NULL)
                    : few_clear(&related, related_rows(&related), truth_keyword(ev, arguments, "bulk", true));
    return fine ? value_none(ev) : NULL;
}

/* How set() goes about it: `bulk` as given, which a generic relation heeds only where it adds. */
typedef struct SetOptions {
    Value *defaults;
    bool bulk, bulk_removal;
} SetOptions;

static bool set_by_clearing(const Related *related, Value **items, int count, const SetOptions *options) {
    if (related->kind == RELATED_MANY)
        return many_delete(related, NULL) && many_add(related, items, count, options->defaults);
    return few_clear(related, related_rows(related), options->bulk_removal) &&
           few_add(related, items, count, options->bulk);
}

/* What is linked now, as keys (many-to-many) or objects. */
static Value *set_present(const Related *related) {
    Evaluator *ev = related->ev;
    Value *rows = related_rows(related);
    if (rows && related->kind == RELATED_MANY) {
        DjField *key = field_target(ev, related->target);
        Value *name = value_atom(ev, key->attname);
        Keyword flat = {django_atom(ev, "flat"), value_bool(ev, true), related->site};
        rows = call_with_both(ev, rows, "values_list", name, &flat, 1, related->site);
    }
    return rows ? value_iterate(ev, rows, related->site) : NULL;
}

static bool set_by_difference(const Related *related, Value **items, int count, const SetOptions *options) {
    Evaluator *ev = related->ev;
    Value *present = set_present(related), **old;
    if (!present) return false;
    ListValue *fresh = value_list(ev), *gone = value_list(ev);
    int old_count = value_items(present, &old);
    bool *kept = ARENA_ARRAY(evaluator_arena(ev), bool, old_count > 0 ? old_count : 1);
    DjField *key = related->kind == RELATED_MANY ? field_target(ev, related->target) : NULL;
    for (int i = 0; i < count; i++) {
        DjInstance *object = value_as_model_instance(items[i]);
        Value *value = key && object ? instance_field_value(ev, object, key, related->site) : items[i];
        bool found = false;
        for (int o = 0; o < old_count && !found; o++)
            if (!kept[o] && value_equals(ev, old[o], value)) found = kept[o] = true;
        if (!found) list_append(ev, fresh, items[i]);
    }
    for (int o = 0; o < old_count; o++)
        if (!kept[o]) list_append(ev, gone, old[o]);
    if (old_count < 0 && evaluator_decide(ev, related->site, 2) == 1) {
        Value *element = value_is_unknown(present) ? ((UnknownValue *)present)->element : NULL;
        if (element) list_append(ev, gone, unknown_as_list(ev, element));
    }
    bool many = related->kind == RELATED_MANY;
    bool fine = !gone->count || (many ? many_delete(related, gone)
                                      : few_remove(related, gone->items, gone->count, options->bulk_removal));
    return fine && (many ? many_add(related, fresh->items, fresh->count, options->defaults)
                         : few_add(related, fresh->items, fresh->count, options->bulk));
}

static Value *related_set(Evaluator *ev, Value *self, const Arguments *arguments) {
    Related related;
    if (!related_open(ev, self, arguments->site, &related)) return NULL;
    Value *given = arguments->count ? arguments->items[0] : arguments_keyword(arguments, django_atom(ev, "objs"));
    SetOptions options = {.defaults = arguments_keyword(arguments, django_atom(ev, "through_defaults")),
                          .bulk = truth_keyword(ev, arguments, "bulk", true)};
    options.bulk_removal = options.bulk || related.kind == RELATED_GENERIC;
    Value **items;
    Value *list = given ? value_iterate(ev, given, arguments->site) : NULL;
    if (!list) return NULL;
    int count = value_items(list, &items);
    if (count < 0) {
        Value *element = value_is_unknown(list) ? ((UnknownValue *)list)->element : NULL;
        items = ARENA_ARRAY(evaluator_arena(ev), Value *, 1);
        items[0] = element ? unknown_as_list(ev, element) : list;
        count = 1;
    }
    if (related.kind == RELATED_REVERSE && !related.field->null)
        return few_add(&related, items, count, options.bulk) ? value_none(ev) : NULL;
    transaction_enter(ev, false, arguments->site);
    bool fine = truth_keyword(ev, arguments, "clear", false) ? set_by_clearing(&related, items, count, &options)
                                                             : set_by_difference(&related, items, count, &options);
    transaction_leave(ev, false, !fine, arguments->site);
    return fine ? value_none(ev) : NULL;
}

/* create(), get_or_create() and update_or_create(): `data` of the native function is the method's name. */
static Value *related_create(Evaluator *ev, Value *self, const Arguments *arguments) {
    Related related;
    const char *method = evaluator_native_data(ev);
    if (!related_open(ev, self, arguments->site, &related)) return NULL;
    Value *rows = related_rows(&related);
    if (!rows) return NULL;
    Arguments call = *arguments;
    Value *defaults = NULL;
    call.keywords = ARENA_ARRAY(evaluator_arena(ev), Keyword, arguments->keyword_count + 2);
    call.keyword_count = 0;
    for (int i = 0; i < arguments->keyword_count; i++) {
        if (slice_equals_text(arguments->keywords[i].name->text, "through_defaults")) {
            defaults = arguments->keywords[i].value;
        } else {
            call.keywords[call.keyword_count++] = arguments->keywords[i];
        }
    }
    if (related.kind != RELATED_MANY) {
        int added = owner_keywords(&related, call.keywords + call.keyword_count);
        if (!added) return NULL;
        call.keyword_count += added;
    }
    Value *function = value_get_attribute(ev, rows, django_atom(ev, method), arguments->site);
    Value *made = function ? value_call(ev, function, &call) : NULL;
    if (!made || related.kind != RELATED_MANY) return made;
    Value **pair;
    bool created = value_items(made, &pair) != 2 || value_is_true(pair[1]);
    Value *object = value_items(made, &pair) == 2 ? pair[0] : made;
    return !created || many_add(&related, &object, 1, defaults) ? made : NULL;
}

/* remove() and clear() are for what can be without an owner. */
static bool relation_can_unlink(const DjManager *manager) {
    const DjFound *relation = &manager->relation;
    const DjField *field = relation->field ? relation->field : relation->rel->field;
    return field->many_to_many || field->kind == FIELD_GENERIC_RELATION || field->null;
}

Value *dj_related_write(Evaluator *ev, Value *manager, Atom name, const Node *site) {
    static const struct {
        const char *name;
        NativeCall call;
        const char *data;
    } methods[] = {{"add", related_add, NULL},
                   {"remove", related_remove, NULL},
                   {"clear", related_clear, NULL},
                   {"set", related_set, NULL},
                   {"create", related_create, "create"},
                   {"get_or_create", related_create, "get_or_create"},
                   {"update_or_create", related_create, "update_or_create"}};
    (void)site;
    if (!((DjManager *)manager)->owner) return NULL;
    Slice wanted = name->text;
    for (size_t i = 0; i < sizeof methods / sizeof *methods; i++) {
        bool same = slice_equals_text(wanted, methods[i].name);
        bool async = wanted.length > 1 && wanted.start[0] == 'a' &&
                     slice_equals_text(slice_sub(wanted, 1, wanted.length), methods[i].name);
        if (!same && !async) continue;
        bool unlinks = methods[i].call == related_remove || methods[i].call == related_clear;
        if (unlinks && !relation_can_unlink((DjManager *)manager)) return NULL;
        Value *function =
            value_native_function(ev, methods[i].name, methods[i].call, (void *)(uintptr_t)methods[i].data);
        ((NativeFunctionValue *)function)->self = manager;
        return function;
    }
    return NULL;
}
