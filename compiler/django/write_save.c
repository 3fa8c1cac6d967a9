/*
 * save(): UPDATE where the key is set, INSERT else; parents' tables first. Input: an instance and save()'s arguments;
 * output: the statements, and the instance with its key.
 *
 * Invariant: where the outcome of the UPDATE is not known, the ordinary path takes it to have found its row, the other
 * one inserts.
 *
 * Example: Author(name="x").save() → INSERT INTO "author" ("name") VALUES (?) RETURNING "author"."id"
 */
#include "compiler/django/write_internal.h"

/* ---- values ---- */

static Value *now_value(Evaluator *ev, const char *module, const char *name, FieldKind kind, const Node *site) {
    ModuleValue *home = evaluator_import(ev, module);
    Value *function = home ? atom_map_get(&home->names, django_atom(ev, name)) : NULL;
    static const char *const shown[] = {"timezone.now()", "date.today()", "timezone.now().time()"};
    bool date = kind == FIELD_DATE, time = kind == FIELD_TIME;
    ValueKind result = date ? VALUE_DATE : time ? VALUE_TIME : VALUE_DATETIME;
    if (!evaluator_has_rows(ev) || !function)
        return value_unknown(ev,
                             slice_from(shown[date   ? 1
                                              : time ? 2
                                                     : 0]),
                             site, (Value *)evaluator_builtin_class(ev, result));
    return value_call_with(ev, function, NULL, 0, site);
}

Value *write_field_value(Evaluator *ev, DjInstance *instance, DjField *field, bool add, const Node *site) {
    Value *own = field_override(ev, field, "pre_save");
    if (own) {
        Value *items[3] = {(Value *)field, (Value *)instance, value_bool(ev, add)};
        return value_call_with(ev, own, items, 3, site);
    }
    bool date = field_kind_is(field->kind, FIELD_DATE), time = field->kind == FIELD_TIME;
    if ((date || time) && (field->auto_now || (field->auto_now_add && add))) {
        FieldKind kind = field_kind_is(field->kind, FIELD_DATETIME) ? FIELD_DATETIME : time ? FIELD_TIME : FIELD_DATE;
        Value *now = now_value(ev, "django.utils.timezone", "now", kind, site);
        if (!now) return NULL;
        instance_set(ev, (Value *)instance, field->attname, now);
        return now;
    }
    Value *value = instance_field_value(ev, instance, field, site);
    /* a file field holds a file object, whose text is its name or nothing */
    bool no_file = field_kind_is(field->kind, FIELD_FILE) && value_is_none(value);
    return no_file ? value_string(ev, SLICE("")) : value;
}

bool instance_has_key(Evaluator *ev, DjInstance *instance, DjModel *model, const Node *site) {
    DjField **fields;
    int count = model_pk_fields(ev, model, &fields);
    for (int i = 0; i < count; i++) {
        Value *value = instance_field_value(ev, instance, fields[i], site);
        if (value_is_none(value) || value_is_database_default(value)) return value_is_database_default(value);
    }
    return count > 0;
}

bool write_default_key(Evaluator *ev, DjInstance *instance, DjModel *model, const Node *site) {
    if (!model->pk || !model->pk->default_value || model->pk->kind == FIELD_COMPOSITE_KEY) return true;
    Value *value = field_default(ev, model->pk, site);
    if (!value) return false;
    instance_set(ev, (Value *)instance, model->pk->attname, value);
    return true;
}

bool write_check_related(Evaluator *ev, DjInstance *instance, const char *operation, const Node *site) {
    const Fields *fields = &instance->model->concrete_fields;
    for (int i = 0; i < fields->count; i++) {
        DjField *field = fields->items[i];
        Value *cached = field->rel ? atom_map_get(&instance->related, field->name) : NULL;
        DjInstance *object = cached ? value_as_model_instance(cached) : NULL;
        DjField *target = object ? field_target(ev, field) : NULL;
        if (!target) continue;
        if (!instance_has_key(ev, object, object->model, site)) {
            evaluator_raise_id(ev, EXCEPTION_VALUE, site,
                               "%s() prohibited to prevent data loss due to unsaved related object '%.*s'.", operation,
                               SLICE_ARGS(field->name->text));
            return false;
        }
        if (value_is_none(instance_field_value(ev, instance, field, site)))
            instance_set(ev, (Value *)instance, field->attname, instance_field_value(ev, object, target, site));
    }
    return true;
}

bool field_is_key(Evaluator *ev, DjModel *model, const DjField *field) {
    DjField **keys;
    int count = model_pk_fields(ev, model, &keys);
    for (int i = 0; i < count; i++)
        if (keys[i] == field) return true;
    if (field->model && field->model != model && field->model->pk && field->model->pk->kind == FIELD_COMPOSITE_KEY)
        return field_is_key(ev, field->model, field);
    return field->primary_key;
}

/* ---- what comes back ---- */

static Value *returned_unknown(Evaluator *ev, const DjInstance *instance, const DjField *field, int execution,
                               const Node *site) {
    Slice text = slice_format(evaluator_arena(ev), "%.*s.%.*s", SLICE_ARGS(instance->model->model_name->text),
                              SLICE_ARGS(field->attname->text));
    UnknownValue *unknown = (UnknownValue *)value_unknown(ev, text, site, NULL);
    DjOrigin *origin = ARENA_NEW(evaluator_arena(ev), DjOrigin);
    *origin = (DjOrigin){.execution = execution, .statement = 0, .column = field->column->text};
    unknown->origin = origin;
    unknown->origin_type = &django_origin_type;
    return (Value *)unknown;
}

void write_store_returned(Evaluator *ev, DjInstance *instance, const Fields *returning, const ExecutionResult *result,
                          int row, int execution, const Node *site) {
    const RowSet *set = result && result->count ? &result->sets[0] : NULL;
    for (int i = 0; i < returning->count; i++) {
        DjField *field = returning->items[i];
        Value *value = set && row < set->row_count && i < set->column_count
                           ? set->rows[row][i]
                           : returned_unknown(ev, instance, field, execution, site);
        instance_set(ev, (Value *)instance, field->attname, value);
    }
    DjField *pk = instance->model->pk;
    if (returning->count || !pk || !(field_kind_info(pk->kind)->flags & FIELD_FLAG_AUTO)) return;
    if (!value_is_none(instance_field_value(ev, instance, pk, site))) return;
    Value *id =
        set ? value_integer(ev, set->last_insert_id + row) : returned_unknown(ev, instance, pk, execution, site);
    instance_set(ev, (Value *)instance, pk->attname, id);
}

/* ---- one table ---- */

static bool options_name(const SaveOptions *options, const DjField *field) {
    for (int i = 0; i < options->update_count; i++)
        if (options->update_fields[i] == field->name || options->update_fields[i] == field->attname) return true;
    return false;
}

static bool field_in_key(DjField *const *keys, int count, const DjField *field) {
    for (int i = 0; i < count; i++)
        if (keys[i] == field) return true;
    return false;
}

static Expr *table_key_condition(Evaluator *ev, DjInstance *instance, DjModel *model, Relation *table,
                                 const Node *site) {
    DjField **keys;
    if (model_pk_fields(ev, model, &keys) != 1)
        return write_lookup(ev, table, SLICE("pk"), instance_pk(ev, instance, site), site);
    return write_equals(ev, table, keys[0], instance_field_value(ev, instance, keys[0], site), site);
}

/* SELECT 1 … LIMIT 1, where there is nothing to set. */
static bool table_exists(Evaluator *ev, DjModel *model, DjInstance *instance, const Node *site, bool *found) {
    DjField **keys;
    Value *pk = model_pk_fields(ev, model, &keys) == 1 ? instance_field_value(ev, instance, keys[0], site)
                                                       : instance_pk(ev, instance, site);
    Value *manager = model->base_manager;
    Value *method = value_get_attribute(ev, manager, django_atom(ev, "filter"), site);
    Keyword keyword = {django_atom(ev, "pk"), pk, site};
    Arguments arguments = {.keywords = &keyword, .keyword_count = 1, .site = site};
    Value *rows = method ? value_call(ev, method, &arguments) : NULL;
    Value *answer = rows ? value_call_method(ev, rows, "exists", NULL, 0, site) : NULL;
    if (!answer) return false;
    *found = value_is_unknown(answer) ? evaluator_decide(ev, site, 2) == 0 : value_is_true(answer);
    return true;
}

static bool table_update(Evaluator *ev, DjInstance *instance, DjModel *model, const SaveOptions *options,
                         bool *updated) {
    DjField **keys;
    int key_count = model_pk_fields(ev, model, &keys);
    Fields fields = {0};
    Value **values = ARENA_ARRAY(evaluator_arena(ev), Value *, model->local_concrete_fields.count + 1);
    for (int i = 0; i < model->local_concrete_fields.count; i++) {
        DjField *field = model->local_concrete_fields.items[i];
        if (field_in_key(keys, key_count, field) || field->kind == FIELD_GENERATED) continue;
        if (options->has_update_fields && !options_name(options, field)) continue;
        Value *value = write_field_value(ev, instance, field, false, options->site);
        DjInstance *object = value && field->rel ? value_as_model_instance(value) : NULL;
        if (object) value = instance_field_value(ev, object, field_target(ev, field), options->site);
        if (!value) return false;
        values[fields.count] = value;
        ARENA_PUSH(evaluator_arena(ev), fields.items, fields.count, fields.capacity) = field;
    }
    if (!fields.count) {
        *updated = true;
        return options->has_update_fields || table_exists(ev, model, instance, options->site, updated);
    }
    if (instance->model->select_on_save && !options->has_update_fields && !options->force_update) {
        if (!table_exists(ev, model, instance, options->site, updated)) return false;
        if (!*updated) return true;
    }
    Relation *table = write_table(ev, model);
    Expr *where = table_key_condition(ev, instance, model, table, options->site);
    ExecutionResult *result = NULL;
    if (!where || !write_update(ev, model, &fields, values, where, table, options->site, &result)) return false;
    *updated = result ? result->sets[0].affected > 0
                      : options->has_update_fields || options->force_update || !instance->adding ||
                            evaluator_decide(ev, options->site, 2) == 0;
    if (*updated || !(options->has_update_fields || options->force_update)) return true;
    evaluator_raise(ev, django_state(ev)->database_error, evaluator_mistake_span(ev, options->site),
                    options->force_update ? "Forced update did not affect any rows."
                                          : "Save with update_fields did not affect any rows.");
    return false;
}

/* The next number among the siblings: aggregate(Max("_order") + 1). */
static bool table_set_order(Evaluator *ev, DjInstance *instance, DjModel *model, const Node *site) {
    DjField *owner = model->order_with_respect_to;
    if (!owner) return true;
    Value *order = order_next_value(ev, instance, model, owner, site);
    if (!order) return false;
    instance_set(ev, (Value *)instance, django_atom(ev, "_order"), order);
    return true;
}

static bool table_insert(Evaluator *ev, DjInstance *instance, DjModel *model, bool key_set, const Node *site) {
    WriteRows rows = {.model = model, .count = 1, .returning = write_returning(ev, model)};
    Value **values = ARENA_ARRAY(evaluator_arena(ev), Value *, model->local_concrete_fields.count + 1);
    if (!table_set_order(ev, instance, model, site)) return false;
    for (int i = 0; i < model->local_concrete_fields.count; i++) {
        DjField *field = model->local_concrete_fields.items[i];
        bool automatic = (field_kind_info(field->kind)->flags & FIELD_FLAG_AUTO) != 0;
        if (field->kind == FIELD_GENERATED || (automatic && !key_set)) continue;
        Value *value = write_field_value(ev, instance, field, true, site);
        if (!value) return false;
        values[rows.fields.count] = value;
        ARENA_PUSH(evaluator_arena(ev), rows.fields.items, rows.fields.count, rows.fields.capacity) = field;
    }
    rows.values = &values;
    int execution = evaluator_execution_count(ev);
    ExecutionResult *result = NULL;
    if (!write_insert(ev, &rows, site, &result)) return false;
    write_store_returned(ev, instance, &rows.returning, result, 0, execution, site);
    return true;
}

static bool key_has_default(Evaluator *ev, DjModel *model) {
    DjField **keys;
    int count = model_pk_fields(ev, model, &keys);
    for (int i = 0; i < count; i++)
        if (!keys[i]->default_value && !keys[i]->db_default) return false;
    return count > 0;
}

static bool table_save(Evaluator *ev, DjInstance *instance, DjModel *model, bool force_insert,
                       const SaveOptions *options, bool *inserted) {
    const Node *site = options->site;
    bool key_set = instance_has_key(ev, instance, model, site);
    if (!key_set && !write_default_key(ev, instance, model, site)) return false;
    key_set = instance_has_key(ev, instance, model, site);
    if (!key_set && (options->force_update || options->has_update_fields))
        return evaluator_raise_id(ev, EXCEPTION_VALUE, site, "Cannot force an update in save() with no primary key.");
    bool defaulted = key_has_default(ev, model);
    if (!force_insert && !options->force_update && instance->adding && defaulted) force_insert = true;
    bool updated = false;
    if (key_set && !force_insert && !table_update(ev, instance, model, options, &updated)) return false;
    *inserted = !updated;
    return updated || table_insert(ev, instance, model, key_set, site);
}

static bool options_force(const SaveOptions *options, const DjModel *model) {
    Value **classes;
    int count = options->force_classes ? value_items(options->force_classes, &classes) : 0;
    for (int i = 0; i < count; i++)
        if (classes[i]->type->kind == VALUE_CLASS && class_is_subclass(model->cls, (Class *)classes[i])) return true;
    return false;
}

/* Parents that were saved already: one that is reached twice is saved once. */
typedef struct SavedParents {
    struct SavedParent {
        const DjModel *model;
        bool updated;
    } * items;
    int count, capacity;
} SavedParents;

static bool parents_save(Evaluator *ev, DjInstance *instance, DjModel *model, const SaveOptions *options,
                         SavedParents *saved, bool *inserted);

static bool parent_save(Evaluator *ev, DjInstance *instance, DjModel *parent, const SaveOptions *options,
                        SavedParents *saved, bool *inserted) {
    bool above = false, own = false;
    for (int i = 0; i < saved->count; i++) {
        if (saved->items[i].model != parent) continue;
        *inserted = *inserted || !saved->items[i].updated;
        return true;
    }
    if (!parents_save(ev, instance, parent, options, saved, &above) ||
        !table_save(ev, instance, parent, above || options_force(options, parent), options, &own))
        return false;
    *inserted = *inserted || own;
    ARENA_PUSH(evaluator_arena(ev), saved->items, saved->count, saved->capacity) = (struct SavedParent){parent, !own};
    return true;
}

static bool parents_save(Evaluator *ev, DjInstance *instance, DjModel *model, const SaveOptions *options,
                         SavedParents *saved, bool *inserted) {
    for (int i = 0; i < model->parent_count; i++) {
        DjModel *parent = model->parents[i].model;
        DjField *link = model->parents[i].link;
        model_prepare(ev, parent);
        if (link && link->column && value_is_none(instance_field_value(ev, instance, parent->pk, options->site)))
            instance_set(ev, (Value *)instance, parent->pk->attname,
                         instance_field_value(ev, instance, link, options->site));
        if (!parent_save(ev, instance, parent, options, saved, inserted)) return false;
        if (link)
            instance_set(ev, (Value *)instance, link->attname,
                         instance_field_value(ev, instance, parent->pk, options->site));
    }
    return true;
}

static bool instance_save_with(Evaluator *ev, DjInstance *instance, const SaveOptions *options) {
    DjModel *model = instance->model->concrete;
    bool parent_inserted = false, inserted = false;
    SavedParents saved = {0};
    model_prepare(ev, model);
    if (!write_check_related(ev, instance, "save", options->site)) return false;
    if (model->parent_count) transaction_enter(ev, false, options->site);
    bool fine = parents_save(ev, instance, model, options, &saved, &parent_inserted) &&
                table_save(ev, instance, model, options->force_insert || parent_inserted, options, &inserted);
    if (model->parent_count) transaction_leave(ev, false, !fine, options->site);
    if (!fine) return false;
    evaluator_touch(ev, &instance->adding, sizeof instance->adding);
    instance->adding = false;
    return true;
}

/* ---- save() ---- */

static bool save_read_update_fields(Evaluator *ev, DjInstance *instance, Value *given, SaveOptions *options) {
    if (!given || value_is_none(given)) return true;
    Value *list = value_iterate(ev, given, options->site), **items;
    int count = list ? value_items(list, &items) : -1;
    if (!list) return false;
    if (count < 0) return true;
    options->has_update_fields = true;
    options->update_fields = ARENA_ARRAY(evaluator_arena(ev), Atom, count + 1);
    for (int i = 0; i < count; i++) {
        if (!value_is_text(items[i])) continue;
        Atom name = value_as_atom(ev, items[i]);
        DjField *field = model_field(ev, instance->model, name);
        if (!field || !field->concrete || field_is_key(ev, instance->model, field)) {
            evaluator_raise_id(ev, EXCEPTION_VALUE, options->site,
                               "The following fields do not exist in this model, are m2m fields, primary keys, or are "
                               "non-concrete fields: %.*s",
                               SLICE_ARGS(name->text));
            return false;
        }
        options->update_fields[options->update_count++] = name;
    }
    return true;
}

/* Fields that were not fetched are not written. */
static void save_skip_deferred(Evaluator *ev, const DjInstance *instance, SaveOptions *options) {
    if (options->has_update_fields || options->force_insert || !instance->deferred.count) return;
    const Fields *fields = &instance->model->concrete_fields;
    options->update_fields = ARENA_ARRAY(evaluator_arena(ev), Atom, fields->count + 1);
    for (int i = 0; i < fields->count; i++) {
        DjField *field = fields->items[i];
        bool loaded =
            !atom_map_get(&instance->deferred, field->attname) || instance_get((const Value *)instance, field->attname);
        if (loaded && !field->primary_key) options->update_fields[options->update_count++] = field->name;
    }
    options->has_update_fields = true;
}

/* force_insert is a truth value or a tuple of the model's own bases. */
static bool save_check_force(Evaluator *ev, const DjInstance *instance, Value *given, const Node *site) {
    ValueKind kind = given->type->kind;
    Value **items;
    if (kind == VALUE_BOOL || value_is_unknown(given)) return true;
    if (kind != VALUE_TUPLE)
        return evaluator_raise_id(ev, EXCEPTION_TYPE, site, "force_insert must be a bool or tuple.");
    int count = value_items(given, &items);
    for (int i = 0; i < count; i++) {
        bool base = items[i]->type->kind == VALUE_CLASS && class_is_subclass(instance->model->cls, (Class *)items[i]);
        if (base) continue;
        Slice shown = items[i]->type->kind == VALUE_CLASS ? ((Class *)items[i])->name->text : value_repr(ev, items[i]);
        return evaluator_raise_id(ev, EXCEPTION_TYPE, site, "Invalid force_insert member. %.*s must be a base of %.*s.",
                                  SLICE_ARGS(shown), SLICE_ARGS(instance->model->name->text));
    }
    return true;
}

Value *instance_save(Evaluator *ev, Value *self, const Arguments *arguments) {
    DjInstance *instance = value_as_model_instance(self);
    Value *force_insert = NULL, *force_update = NULL, *using = NULL, *update_fields = NULL;
    if (!instance) return value_none(ev);
    if (!arguments_bind(ev, arguments, "save", "| force_insert force_update using update_fields", &force_insert,
                        &force_update, &using, &update_fields))
        return NULL;
    if (force_insert && !save_check_force(ev, instance, force_insert, arguments->site)) return NULL;
    SaveOptions options = {.site = arguments->site,
                           .force_classes = force_insert,
                           .force_insert = force_insert && value_truthy(ev, force_insert),
                           .force_update = force_update && value_truthy(ev, force_update)};
    if (!save_read_update_fields(ev, instance, update_fields, &options)) return NULL;
    if (options.has_update_fields && !options.update_count) return value_none(ev);
    if (options.force_insert && (options.force_update || options.has_update_fields))
        return evaluator_raise_id(ev, EXCEPTION_VALUE, arguments->site,
                                  "Cannot force both insert and updating in model saving.");
    save_skip_deferred(ev, instance, &options);
    return instance_save_with(ev, instance, &options) ? value_none(ev) : NULL;
}

/* ---- refresh_from_db() ---- */

Value *instance_refresh(Evaluator *ev, Value *self, const Arguments *arguments) {
    DjInstance *instance = value_as_model_instance(self);
    Value *using = NULL, *fields = NULL, *from = NULL;
    if (!instance) return value_none(ev);
    if (!arguments_bind(ev, arguments, "refresh_from_db", "| using fields from_queryset", &using, &fields, &from))
        return NULL;
    Value *rows = from && !value_is_none(from) ? from : instance->model->base_manager;
    Keyword keyword = {django_atom(ev, "pk"), instance_pk(ev, instance, arguments->site), arguments->site};
    Arguments filter = {.keywords = &keyword, .keyword_count = 1, .site = arguments->site};
    Value *method = value_get_attribute(ev, rows, django_atom(ev, "filter"), arguments->site);
    rows = method ? value_call(ev, method, &filter) : NULL;
    Value **names;
    int count = fields ? value_items(fields, &names) : 0;
    if (rows && count > 0) rows = value_call_method(ev, rows, "only", names, count, arguments->site);
    Value *fresh = rows ? value_call_method(ev, rows, "get", NULL, 0, arguments->site) : NULL;
    if (!fresh) return NULL;
    DjInstance *row = value_as_model_instance(fresh);
    const Fields *all = &instance->model->concrete_fields;
    for (int i = 0; row && i < all->count; i++) {
        bool wanted = count <= 0;
        for (int n = 0; n < count; n++)
            wanted = wanted || (value_is_text(names[n]) && (value_as_atom(ev, names[n]) == all->items[i]->name ||
                                                            value_as_atom(ev, names[n]) == all->items[i]->attname));
        if (wanted)
            instance_set(ev, self, all->items[i]->attname,
                         instance_field_value(ev, row, all->items[i], arguments->site));
    }
    evaluator_touch(ev, &instance->related, sizeof instance->related);
    atom_map_init(&instance->related, evaluator_arena(ev));
    return value_none(ev);
}
