/*
 * bulk_create and bulk_update. Input: a list of objects; output: INSERTs of many rows, or UPDATEs with CASE.
 *
 * Invariant: objects with and without key go in separate statements; a statement holds as many rows as the database has
 * room for parameters.
 *
 * Example: bulk_create([A(x=1), A(x=2)]) → INSERT INTO "a" ("x") VALUES (?), (?) RETURNING "a"."id"
 */
#include "compiler/django/manager.h"
#include "compiler/django/write_internal.h"

typedef struct BulkCreate {
    DjModel *model;
    OnConflict *conflict;
    int batch_size;
    const Node *site;
} BulkCreate;

static bool list_of(Evaluator *ev, Value *given, const Node *site, Value ***items, int *count) {
    Value *list = value_iterate(ev, given, site);
    if (!list) return false;
    *count = value_items(list, items);
    if (*count >= 0) return true;
    Value *element = value_is_unknown(list) ? ((UnknownValue *)list)->element : NULL;
    *items = ARENA_ARRAY(evaluator_arena(ev), Value *, 1);
    (*items)[0] = element;
    *count = element && value_as_model_instance(element) ? 1 : 0;
    return true;
}

/* Values that may be anything are left out. */
static int known_instances(Evaluator *ev, Value ***items, int count) {
    Value **kept = ARENA_ARRAY(evaluator_arena(ev), Value *, count + 1);
    int kept_count = 0;
    for (int i = 0; i < count; i++) {
        Value *item = value_resolve((*items)[i]);
        if (!value_is_unknown(item)) kept[kept_count++] = item;
    }
    *items = kept;
    return kept_count;
}

/*
 * The fields named by an option of bulk_create(), where "pk" stands for the key, whatever its name is; or by
 * bulk_update() (option NULL). A relation of another model has that name, but no column here: NULL.
 */
static bool names_to_fields(Evaluator *ev, DjModel *model, Value *names, const char *option, const Node *site,
                            Fields *out) {
    Value **items;
    int count;
    if (!names || value_is_none(names)) return true;
    if (!list_of(ev, names, site, &items, &count)) return false;
    for (int i = 0; i < count; i++) {
        if (!value_is_text(items[i])) continue;
        bool key = option && slice_equals_text(value_text(items[i]), "pk");
        DjFound found = key ? (DjFound){.field = model->pk} : model_find_field(ev, model, value_as_atom(ev, items[i]));
        if (!found.field && !found.rel) {
            evaluator_raise(ev, django_state(ev)->field_does_not_exist, evaluator_mistake_span(ev, site),
                            "%.*s has no field named '%.*s'", SLICE_ARGS(model->name->text),
                            SLICE_ARGS(value_text(items[i])));
            return false;
        }
        ARENA_PUSH(evaluator_arena(ev), out->items, out->count, out->capacity) = found.field;
    }
    return true;
}

/* ---- conflicts ---- */

static Expr *conflict_new_value(Evaluator *ev, const DjField *field) {
    Arena *arena = evaluator_arena(ev);
    Slice name = field->column->text;
    char quote = evaluator_dialect(ev)->quote;
    switch (evaluator_dialect(ev)->id) {
    case DIALECT_MARIADB:
        return expr_raw(arena, slice_format(arena, "VALUES(%c%.*s%c)", quote, SLICE_ARGS(name), quote));
    case DIALECT_MYSQL:
        return expr_raw(arena, slice_format(arena, "%cnew%c.%c%.*s%c", quote, quote, quote, SLICE_ARGS(name), quote));
    case DIALECT_POSTGRESQL:
    case DIALECT_SQLITE:
    case DIALECT_COUNT: break;
    }
    return expr_raw(arena, slice_format(arena, "EXCLUDED.%c%.*s%c", quote, SLICE_ARGS(name), quote));
}

static OnConflict *conflict_update(Evaluator *ev, DjModel *model, const Fields *update, const Fields *unique) {
    Arena *arena = evaluator_arena(ev);
    OnConflict *conflict = ARENA_NEW(arena, OnConflict);
    Relation *table = write_table(ev, model);
    conflict->update = true;
    conflict->assignments = ARENA_ARRAY(arena, Assignment, update->count + 1);
    for (int i = 0; i < update->count; i++) {
        Expr *column = write_column(ev, table, update->items[i]);
        column->as.column.bare = true;
        conflict->assignments[conflict->assignment_count++] =
            (Assignment){column, conflict_new_value(ev, update->items[i])};
    }
    if (evaluator_dialect(ev)->id == DIALECT_MYSQL) conflict->row_alias = SLICE("new");
    for (int i = 0; i < unique->count && !evaluator_dialect(ev)->is_mysql; i++) {
        Expr *column = write_column(ev, table, unique->items[i]);
        column->as.column.bare = true;
        expr_list_push(arena, &conflict->target, column);
    }
    return conflict;
}

/* `option` as for names_to_fields. */
static bool field_is_concrete(Evaluator *ev, const DjField *field, const Node *site, const char *option) {
    if (field && field->concrete && !field->many_to_many) return true;
    return evaluator_raise_id(ev, EXCEPTION_VALUE, site, "%s() can only be used with concrete fields%s%s.",
                              option ? "bulk_create" : "bulk_update", option ? " in " : "",
                              option ? option : "") != NULL;
}

static bool fields_are_concrete(Evaluator *ev, const Fields *fields, const Node *site, const char *option) {
    for (int i = 0; i < fields->count; i++)
        if (!field_is_concrete(ev, fields->items[i], site, option)) return false;
    return true;
}

/* Raises what Django raises for options that don't go together. */
static bool bulk_read_conflict(Evaluator *ev, BulkCreate *bulk, Value *ignore, Value *update, Value *update_fields,
                               Value *unique_fields) {
    bool ignores = ignore && value_truthy(ev, ignore), updates = update && value_truthy(ev, update);
    Fields set = {0}, unique = {0};
    if (ignores && updates)
        return evaluator_raise_id(ev, EXCEPTION_VALUE, bulk->site,
                                  "ignore_conflicts and update_conflicts are mutually exclusive.");
    if (ignores) {
        bulk->conflict = ARENA_NEW(evaluator_arena(ev), OnConflict);
        bulk->conflict->ignore = true;
    }
    if (!updates) return true;
    if (!names_to_fields(ev, bulk->model, update_fields, "update_fields", bulk->site, &set) ||
        !names_to_fields(ev, bulk->model, unique_fields, "unique_fields", bulk->site, &unique))
        return false;
    if (!set.count)
        return evaluator_raise_id(ev, EXCEPTION_VALUE, bulk->site,
                                  "Fields that will be updated when a row insertion fails on conflicts must be "
                                  "provided.");
    if (unique.count && evaluator_dialect(ev)->is_mysql)
        return evaluator_raise(ev, django_state(ev)->not_supported_error, evaluator_mistake_span(ev, bulk->site),
                               "This database backend does not support updating conflicts with specifying unique "
                               "fields that can trigger the upsert.");
    if (!unique.count && !evaluator_dialect(ev)->is_mysql)
        return evaluator_raise_id(ev, EXCEPTION_VALUE, bulk->site,
                                  "Unique fields that can trigger the upsert must be provided.");
    if (!fields_are_concrete(ev, &set, bulk->site, "update_fields") ||
        !fields_are_concrete(ev, &unique, bulk->site, "unique_fields"))
        return false;
    for (int i = 0; i < set.count; i++)
        if (field_is_key(ev, bulk->model, set.items[i]))
            return evaluator_raise_id(ev, EXCEPTION_VALUE, bulk->site,
                                      "bulk_create() cannot be used with primary keys in update_fields.");
    bulk->conflict = conflict_update(ev, bulk->model, &set, &unique);
    return true;
}

/* ---- rows ---- */

static int bulk_limit(Evaluator *ev, int fields, int rows) {
    enum { SQLITE_PARAMETERS = 999, SQLITE_ROWS = 500 };
    if (evaluator_dialect(ev)->id != DIALECT_SQLITE || !fields) return rows > 0 ? rows : 1;
    return fields == 1 ? SQLITE_ROWS : SQLITE_PARAMETERS / fields;
}

static bool bulk_insert_batch(Evaluator *ev, const BulkCreate *bulk, const Fields *fields, Value **objects, int count) {
    WriteRows rows = {.model = bulk->model, .fields = *fields, .count = count, .on_conflict = bulk->conflict};
    rows.values = ARENA_ARRAY(evaluator_arena(ev), Value **, count);
    if (!bulk->conflict || bulk->conflict->update) rows.returning = write_returning(ev, bulk->model);
    for (int r = 0; r < count; r++) {
        rows.values[r] = ARENA_ARRAY(evaluator_arena(ev), Value *, fields->count + 1);
        for (int i = 0; i < fields->count; i++) {
            rows.values[r][i] = write_field_value(ev, (DjInstance *)objects[r], fields->items[i], true, bulk->site);
            if (!rows.values[r][i]) return false;
        }
    }
    int execution = evaluator_execution_count(ev);
    ExecutionResult *result = NULL;
    if (!write_insert(ev, &rows, bulk->site, &result)) return false;
    for (int r = 0; r < count; r++) {
        DjInstance *object = (DjInstance *)objects[r];
        if (!bulk->conflict || bulk->conflict->update)
            write_store_returned(ev, object, &rows.returning, result, r, execution, bulk->site);
        evaluator_touch(ev, &object->adding, sizeof object->adding);
        object->adding = false;
    }
    return true;
}

static bool bulk_insert(Evaluator *ev, const BulkCreate *bulk, Value **objects, int count, bool with_key) {
    Fields fields = {0};
    for (int i = 0; i < bulk->model->concrete_fields.count; i++) {
        DjField *field = bulk->model->concrete_fields.items[i];
        bool automatic = (field_kind_info(field->kind)->flags & FIELD_FLAG_AUTO) != 0;
        if (field->kind == FIELD_GENERATED || (automatic && !with_key)) continue;
        ARENA_PUSH(evaluator_arena(ev), fields.items, fields.count, fields.capacity) = field;
    }
    int limit = bulk_limit(ev, fields.count, count);
    if (bulk->batch_size > 0 && bulk->batch_size < limit) limit = bulk->batch_size;
    for (int from = 0; from < count; from += limit)
        if (!bulk_insert_batch(ev, bulk, &fields, objects + from, count - from < limit ? count - from : limit))
            return false;
    return true;
}

static bool bulk_prepare(Evaluator *ev, const BulkCreate *bulk, Value **objects, int count, Value **keyed,
                         int *keyed_count, Value **bare, int *bare_count) {
    for (int i = 0; i < count; i++) {
        DjInstance *object = value_as_model_instance(objects[i]);
        if (!object) continue;
        if (!instance_has_key(ev, object, bulk->model, bulk->site) &&
            !write_default_key(ev, object, bulk->model, bulk->site))
            return false;
        if (!write_check_related(ev, object, "bulk_create", bulk->site)) return false;
        bool automatic = bulk->model->pk && (field_kind_info(bulk->model->pk->kind)->flags & FIELD_FLAG_AUTO);
        if (!automatic || instance_has_key(ev, object, bulk->model, bulk->site)) {
            keyed[(*keyed_count)++] = objects[i];
        } else {
            bare[(*bare_count)++] = objects[i];
        }
    }
    return true;
}

Value *queryset_bulk_create(Evaluator *ev, Value *self, const Arguments *arguments) {
    Value *objects = NULL, *batch_size = NULL, *ignore = NULL, *update = NULL, *set = NULL, *unique = NULL, **items;
    if (!arguments_bind(ev, arguments, "bulk_create",
                        "objs | batch_size ignore_conflicts update_conflicts update_fields unique_fields", &objects,
                        &batch_size, &ignore, &update, &set, &unique))
        return NULL;
    BulkCreate bulk = {.model = value_as_queryset(self)->model, .site = arguments->site};
    int count, keyed_count = 0, bare_count = 0;
    int64_t size;
    model_prepare(ev, bulk.model);
    if (batch_size && value_as_integer(batch_size, &size)) {
        if (size <= 0)
            return evaluator_raise_id(ev, EXCEPTION_VALUE, arguments->site, "Batch size must be a positive integer.");
        bulk.batch_size = size > INT32_MAX ? INT32_MAX : (int)size;
    }
    if (bulk.model->concrete->parent_count)
        return evaluator_raise_id(ev, EXCEPTION_VALUE, arguments->site,
                                  "Can't bulk create a multi-table inherited model");
    if (!bulk_read_conflict(ev, &bulk, ignore, update, set, unique)) return NULL;
    if (!list_of(ev, objects, arguments->site, &items, &count)) return NULL;
    Value **keyed = ARENA_ARRAY(evaluator_arena(ev), Value *, 2 * count + 2), **bare = keyed + count + 1;
    if (!bulk_prepare(ev, &bulk, items, count, keyed, &keyed_count, bare, &bare_count)) return NULL;
    if (!keyed_count && !bare_count) return objects;
    transaction_enter(ev, false, arguments->site);
    bool fine = (!keyed_count || bulk_insert(ev, &bulk, keyed, keyed_count, true)) &&
                (!bare_count || bulk_insert(ev, &bulk, bare, bare_count, false));
    transaction_leave(ev, false, !fine, arguments->site);
    return fine ? objects : NULL;
}

/* ---- bulk_update ---- */

static Value *model_name_value(Evaluator *ev, const char *module, const char *name) {
    ModuleValue *home = evaluator_import(ev, module);
    return home ? atom_map_get(&home->names, django_atom(ev, name)) : NULL;
}

/* Case(When(pk=1, then=Value(…)), …, output_field=field), cast on PostgreSQL. */
static Value *bulk_case(Evaluator *ev, Value **objects, int count, DjField *field, const Node *site) {
    Value *case_class = model_name_value(ev, "django.db.models", "Case");
    Value *when_class = model_name_value(ev, "django.db.models", "When");
    Value *value_class = model_name_value(ev, "django.db.models", "Value");
    Value **whens = ARENA_ARRAY(evaluator_arena(ev), Value *, count + 1);
    const Node **nodes = ARENA_ARRAY(evaluator_arena(ev), const Node *, count + 1);
    Keyword output = {django_atom(ev, "output_field"), (Value *)field, site};
    if (!case_class || !when_class || !value_class) return NULL;
    for (int i = 0; i < count; i++) {
        Value *value = instance_field_value(ev, (DjInstance *)objects[i], field, site);
        if (!value_is_expr(value)) {
            Arguments wrap = {
                .items = &value, .nodes = &site, .count = 1, .keywords = &output, .keyword_count = 1, .site = site};
            value = value_call(ev, value_class, &wrap);
        }
        Keyword parts[2] = {{django_atom(ev, "pk"), instance_pk(ev, (DjInstance *)objects[i], site), site},
                            {django_atom(ev, "then"), value, site}};
        Arguments when = {.keywords = parts, .keyword_count = 2, .site = site};
        whens[i] = value ? value_call(ev, when_class, &when) : NULL;
        nodes[i] = site;
        if (!whens[i]) return NULL;
    }
    Arguments all = {
        .items = whens, .nodes = nodes, .count = count, .keywords = &output, .keyword_count = 1, .site = site};
    Value *made = value_call(ev, case_class, &all);
    if (!made || evaluator_dialect(ev)->id != DIALECT_POSTGRESQL) return made;
    Value *cast = model_name_value(ev, "django.db.models.functions", "Cast");
    Arguments casting = {
        .items = &made, .nodes = &site, .count = 1, .keywords = &output, .keyword_count = 1, .site = site};
    return cast ? value_call(ev, cast, &casting) : NULL;
}

static bool bulk_update_check(Evaluator *ev, DjModel *model, const Fields *fields, Value **objects, int count,
                              const Node *site) {
    if (!fields->count)
        return evaluator_raise_id(ev, EXCEPTION_VALUE, site, "Field names must be given to bulk_update().");
    for (int i = 0; i < count; i++) {
        DjInstance *object = value_as_model_instance(objects[i]);
        if (!object || !instance_has_key(ev, object, model, site))
            return evaluator_raise_id(ev, EXCEPTION_VALUE, site,
                                      "All bulk_update() objects must have a primary key set.");
    }
    for (int i = 0; i < fields->count; i++) {
        if (!field_is_concrete(ev, fields->items[i], site, NULL)) return false;
        if (field_is_key(ev, model, fields->items[i]))
            return evaluator_raise_id(ev, EXCEPTION_VALUE, site,
                                      "bulk_update() cannot be used with primary key fields.");
    }
    for (int i = 0; i < count; i++)
        if (!write_check_related(ev, (DjInstance *)objects[i], "bulk_update", site)) return false;
    return true;
}

/* How many rows were updated; NULL: raised. */
static Value *bulk_update_batch(Evaluator *ev, Value *self, const Fields *fields, Value **objects, int count,
                                const Node *site) {
    Keyword *values = ARENA_ARRAY(evaluator_arena(ev), Keyword, fields->count);
    ListValue *keys = value_list(ev);
    for (int i = 0; i < count; i++) list_append(ev, keys, instance_pk(ev, (DjInstance *)objects[i], site));
    for (int i = 0; i < fields->count; i++) {
        Value *made = bulk_case(ev, objects, count, fields->items[i], site);
        if (!made) return NULL;
        values[i] = (Keyword){fields->items[i]->attname, made, site};
    }
    Keyword filter = {django_atom(ev, "pk__in"), (Value *)keys, site};
    Value *rows = call_with_keywords(ev, self, "filter", &filter, 1, site);
    return rows ? call_with_keywords(ev, rows, "update", values, fields->count, site) : NULL;
}

Value *queryset_bulk_update(Evaluator *ev, Value *self, const Arguments *arguments) {
    Value *objects = NULL, *names = NULL, *batch_size = NULL, **items;
    const Node *site = arguments->site;
    if (!arguments_bind(ev, arguments, "bulk_update", "objs fields | batch_size", &objects, &names, &batch_size))
        return NULL;
    DjModel *model = value_as_queryset(self)->model;
    Fields fields = {0};
    int count;
    int64_t size = 0;
    model_prepare(ev, model);
    if (batch_size && value_as_integer(batch_size, &size) && size <= 0)
        return evaluator_raise_id(ev, EXCEPTION_VALUE, site, "Batch size must be a positive integer.");
    if (!names_to_fields(ev, model, names, NULL, site, &fields) || !list_of(ev, objects, site, &items, &count))
        return NULL;
    count = known_instances(ev, &items, count);
    if (!bulk_update_check(ev, model, &fields, items, count, site)) return NULL;
    if (!count) return value_integer(ev, 0);
    int limit = bulk_limit(ev, fields.count + 2, count);
    if (size > 0 && size < limit) limit = (int)size;
    transaction_enter(ev, false, site);
    bool fine = true, counted = true;
    int64_t total = 0, rows = 0;
    for (int from = 0; from < count && fine; from += limit) {
        int left = count - from < limit ? count - from : limit;
        Value *updated = bulk_update_batch(ev, self, &fields, items + from, left, site);
        fine = updated != NULL;
        counted = counted && updated && value_as_integer(updated, &rows);
        total += rows;
    }
    transaction_leave(ev, false, !fine, site);
    if (!fine) return NULL;
    return counted ? value_integer(ev, total) : value_unknown_at(ev, site);
}
