/*
 * Instances of models: construction, attributes, relations. Reading a relation that was not fetched sends the query
 * that Django sends there, through the target's base manager.
 *
 * Invariants: values of fields stand under their attname; `related` holds only objects that agree with them. An
 * attribute of an unknown row is the same unknown every time it is read.
 *
 * Example: Book(author=a).author_id is a's key; book.author of a fetched book is SELECT … WHERE "author"."id" = ?.
 */
#include "compiler/django/field_prepare.h"
#include "compiler/django/instance.h"
#include "compiler/django/model_build.h"
#include "compiler/django/write.h"

const Type django_origin_type = {.name = "row", .kind = VALUE_NATIVE};

/* ---- making ---- */

static DjInstance *instance_allocate_of(Evaluator *ev, Class *cls, DjModel *model) {
    DjInstance *instance = instance_allocate(ev, cls, sizeof *instance);
    instance->head.head.type = &django_instance_type;
    instance->model = model;
    atom_map_init(&instance->related, evaluator_arena(ev));
    atom_map_init(&instance->deferred, evaluator_arena(ev));
    return instance;
}

Value *instance_create(Evaluator *ev, Class *cls, const Arguments *arguments) {
    DjModel *model = django_model_of_class(cls);
    if (!model || model->abstract)
        return evaluator_raise_id(ev, EXCEPTION_TYPE, arguments->site, "Abstract models cannot be instantiated.");
    model_prepare(ev, model);
    DjInstance *instance = instance_allocate_of(ev, cls, model);
    instance->adding = true;
    instance->node = arguments->site;
    return (Value *)instance;
}

DjInstance *instance_unknown(Evaluator *ev, DjModel *model, Slice text, const Node *node, DjOrigin *origin) {
    model_prepare(ev, model);
    DjInstance *instance = instance_allocate_of(ev, model->cls, model);
    instance->unknown = true;
    instance->text = text;
    instance->node = node;
    instance->origin = origin;
    return instance;
}

Value *instance_unknown_of_class(Evaluator *ev, Class *cls, Slice text, const Node *node) {
    DjModel *model = django_model_of_class(cls);
    if (!model || model->abstract) return value_unknown(ev, text, node, (Value *)cls);
    return (Value *)instance_unknown(ev, model, text, node, NULL);
}

DjInstance *instance_from_row(Evaluator *ev, DjModel *model, Value *const *values) {
    model_prepare(ev, model);
    DjInstance *instance = instance_allocate_of(ev, model->cls, model);
    instance->deferred_known = true;
    for (int i = 0; i < model->concrete_fields.count; i++) {
        Atom name = model->concrete_fields.items[i]->attname;
        if (values[i]) {
            atom_map_set(&instance->head.attributes, name, values[i]);
        } else {
            atom_map_set(&instance->deferred, name, instance);
        }
    }
    return instance;
}

void instance_set_related(Evaluator *ev, DjInstance *instance, Atom name, Value *value) {
    AtomMap map = atom_map_copy(&instance->related, evaluator_arena(ev));
    evaluator_touch(ev, &instance->related, sizeof instance->related);
    instance->related = map;
    atom_map_set(&instance->related, name, value);
}

static void instance_forget_related(Evaluator *ev, DjInstance *instance, Atom name) {
    if (!atom_map_get(&instance->related, name)) return;
    AtomMap map = atom_map_copy(&instance->related, evaluator_arena(ev));
    evaluator_touch(ev, &instance->related, sizeof instance->related);
    instance->related = map;
    atom_map_remove(&instance->related, name);
}

/* ---- values of fields ---- */

static Value *class_of_sql_type(Evaluator *ev, SqlType type) {
    static const ValueKind kinds[SQL_TYPE_COUNT] = {
        [SQL_BOOLEAN] = VALUE_BOOL,      [SQL_INTEGER] = VALUE_INTEGER,    [SQL_BIGINT] = VALUE_INTEGER,
        [SQL_FLOAT] = VALUE_FLOAT,       [SQL_DECIMAL] = VALUE_DECIMAL,    [SQL_TEXT] = VALUE_STRING,
        [SQL_BYTES] = VALUE_BYTES,       [SQL_DATE] = VALUE_DATE,          [SQL_TIME] = VALUE_TIME,
        [SQL_DATETIME] = VALUE_DATETIME, [SQL_INTERVAL] = VALUE_TIMEDELTA, [SQL_UUID] = VALUE_UUID};
    return kinds[type] ? (Value *)evaluator_builtin_class(ev, kinds[type]) : NULL;
}

static Slice instance_text(Evaluator *ev, const DjInstance *instance) {
    if (instance->text.length) return instance->text;
    if (instance->node) return span_text(evaluator_span(ev, instance->node));
    return instance->model->model_name->text;
}

static Value *instance_make_unknown(Evaluator *ev, DjInstance *instance, DjField *field, const Node *site) {
    Slice text = instance_text(ev, instance);
    Slice name = slice_format(evaluator_arena(ev), "%.*s.%.*s", SLICE_ARGS(text), SLICE_ARGS(field->attname->text));
    UnknownValue *unknown =
        (UnknownValue *)value_unknown(ev, name, site ? site : instance->node, class_of_sql_type(ev, field->sql_type));
    if (instance->origin && field->column) {
        DjOrigin *origin = ARENA_NEW(evaluator_arena(ev), DjOrigin);
        *origin = *instance->origin;
        origin->column = field->column->text;
        unknown->origin = origin;
        unknown->origin_type = &django_origin_type;
    }
    Value *value = (Value *)unknown;
    if (field->null && !instance->origin) value = value_optional(ev, value, name, site);
    instance_set(ev, (Value *)instance, field->attname, value);
    return value;
}

Value *instance_field_value(Evaluator *ev, DjInstance *instance, DjField *field, const Node *site) {
    if (field->kind == FIELD_COMPOSITE_KEY) return instance_pk(ev, instance, site);
    Value *value = instance_get((Value *)instance, field->attname);
    if (value) return value_resolve(value);
    if (instance->unknown || instance->deferred_known) return instance_make_unknown(ev, instance, field, site);
    return value_none(ev);
}

Value *instance_pk(Evaluator *ev, DjInstance *instance, const Node *site) {
    DjField **fields;
    int count = model_pk_fields(ev, instance->model, &fields);
    if (count == 1) return instance_field_value(ev, instance, fields[0], site);
    Value **parts = ARENA_ARRAY(evaluator_arena(ev), Value *, count + 1);
    for (int i = 0; i < count; i++) parts[i] = instance_field_value(ev, instance, fields[i], site);
    return value_tuple(ev, parts, count);
}

/* ---- setting ---- */

/* The key stands in the child and in every parent's own key field that the link copies. */
static bool instance_set_pk(Evaluator *ev, DjInstance *instance, Value *value, const Node *site) {
    DjField **fields;
    int count = model_pk_fields(ev, instance->model, &fields);
    Value **items = &value;
    if (count > 1 && value_items(value, &items) != count) {
        if (!value_is_none(value))
            return evaluator_raise_id(ev, EXCEPTION_VALUE, site, "pk of a composite key takes %d values", count);
        items = ARENA_ARRAY(evaluator_arena(ev), Value *, count);
        for (int i = 0; i < count; i++) items[i] = value;
    }
    for (int i = 0; i < count; i++) instance_set(ev, (Value *)instance, fields[i]->attname, items[i]);
    for (int i = 0; i < instance->model->parent_count; i++) {
        DjField *link = instance->model->parents[i].link;
        DjField *target = link && link != instance->model->pk ? field_target(ev, link) : NULL;
        if (target) instance_set(ev, (Value *)instance, target->attname, value);
    }
    return true;
}

static bool instance_set_foreign(Evaluator *ev, DjInstance *instance, DjField *field, Value *value, const Node *site) {
    DjInstance *object = value_as_model_instance(value);
    if (!object && !value_is_none(value) && !value_is_unknown(value)) {
        Slice shown = value_repr(ev, value);
        evaluator_raise_id(ev, EXCEPTION_VALUE, site,
                           "Cannot assign \"%.*s\": \"%.*s.%.*s\" must be a \"%.*s\" instance.", SLICE_ARGS(shown),
                           SLICE_ARGS(instance->model->name->text), SLICE_ARGS(field->name->text),
                           SLICE_ARGS(field->rel->model ? field->rel->model->name->text : SLICE("related")));
        return false;
    }
    if (!field_resolve(ev, field)) return true;
    if (value_is_unknown(value) && !((UnknownValue *)value)->known_class) {
        object = instance_unknown(ev, field->rel->model, ((UnknownValue *)value)->text, site, NULL);
        value = (Value *)object;
    }
    if (object && !class_is_subclass(object->model->cls, field->rel->model->concrete->cls)) {
        Slice shown = value_repr(ev, value);
        evaluator_raise_id(ev, EXCEPTION_VALUE, site,
                           "Cannot assign \"%.*s\": \"%.*s.%.*s\" must be a \"%.*s\" instance.", SLICE_ARGS(shown),
                           SLICE_ARGS(instance->model->name->text), SLICE_ARGS(field->name->text),
                           SLICE_ARGS(field->rel->model->name->text));
        return false;
    }
    for (int i = 0; i < field->local_fields.count; i++) {
        DjField *local = field->local_fields.items[i], *foreign = field->foreign_fields.items[i];
        Value *key = object ? instance_field_value(ev, object, foreign, site)
                     : value_is_none(value)
                         ? value
                         : value_unknown_attribute(ev, (UnknownValue *)value, foreign->attname, site);
        instance_set(ev, (Value *)instance, local->attname, key);
    }
    instance_set_related(ev, instance, field->name, value);
    if (object && field->kind == FIELD_ONE_TO_ONE && field->rel->accessor)
        instance_set_related(ev, object, field->rel->accessor, (Value *)instance);
    return true;
}

static bool instance_set_generic(Evaluator *ev, DjInstance *instance, DjField *field, Value *value, const Node *site) {
    DjInstance *object = value_as_model_instance(value);
    DjField *type = model_field(ev, instance->model, field->ct_field);
    DjField *key = model_field(ev, instance->model, field->fk_field);
    if (!type || !key) return true;
    if (object) {
        Value *id = content_type_id(ev, field->for_concrete_model ? object->model->concrete : object->model, site);
        if (!id) return false;
        instance_set(ev, (Value *)instance, type->attname, id);
        instance_set(ev, (Value *)instance, key->attname, instance_pk(ev, object, site));
    } else {
        Value *none = value_is_none(value) ? value : value_unknown_at(ev, site);
        instance_set(ev, (Value *)instance, type->attname, none);
        instance_set(ev, (Value *)instance, key->attname, none);
    }
    instance_set_related(ev, instance, field->name, value);
    return true;
}

static bool instance_set_attribute(Evaluator *ev, Value *self, Atom name, Value *value, const Node *site) {
    DjInstance *instance = (DjInstance *)self;
    DjModel *model = instance->model;
    if (slice_equals_text(name->text, "pk")) return instance_set_pk(ev, instance, value, site);
    DjField *field = model_field(ev, model, name);
    if (!field) {
        DjRel *rel = (DjRel *)related_attribute(ev, model, name);
        if (rel && !rel->multiple) {
            DjInstance *object = value_as_model_instance(value);
            instance_set_related(ev, instance, name, value);
            return !object || instance_set_foreign(ev, object, rel->field, self, site);
        }
        instance_set(ev, self, name, value);
        return true;
    }
    if (field->kind == FIELD_GENERIC_FOREIGN_KEY) return instance_set_generic(ev, instance, field, value, site);
    if (field->many_to_many || field->kind == FIELD_GENERIC_RELATION) {
        evaluator_raise_id(ev, EXCEPTION_TYPE, site,
                           "Direct assignment to the forward side of a many-to-many set is prohibited. Use "
                           "%.*s.set() instead.",
                           SLICE_ARGS(name->text));
        return false;
    }
    if (field->is_relation && name == field->name) return instance_set_foreign(ev, instance, field, value, site);
    if (field->is_relation) {
        Value *before = instance_get(self, name);
        if (before && before != value && !value_equals(ev, before, value))
            instance_forget_related(ev, instance, field->name);
    }
    instance_set(ev, self, name, value);
    return true;
}

/* ---- construction ---- */

Value *field_default(Evaluator *ev, DjField *field, const Node *site) {
    if (field->default_value) {
        if (value_is_callable(field->default_value)) return value_call_with(ev, field->default_value, NULL, 0, site);
        return field->default_value;
    }
    if (field->db_default) return database_default(ev, field);
    if (field->null || !field_takes_empty_text(field)) return value_none(ev);
    return field->kind == FIELD_BINARY ? value_bytes(ev, SLICE("")) : value_string(ev, SLICE(""));
}

static bool instance_init_field(Evaluator *ev, DjInstance *instance, DjField *field, const Arguments *arguments,
                                bool *used) {
    Value *self = (Value *)instance;
    for (int pass = 0; pass < 2; pass++) {
        Atom name = pass == 0 && field->rel ? field->name : field->attname;
        for (int k = 0; k < arguments->keyword_count; k++) {
            if (arguments->keywords[k].name != name) continue;
            used[k] = true;
            return value_set_attribute(ev, self, name, arguments->keywords[k].value, arguments->keywords[k].node);
        }
        if (!field->rel) break;
    }
    if (arguments->unknown_keywords) {
        instance_make_unknown(ev, instance, field, arguments->site);
        return true;
    }
    Value *value = field_default(ev, field, arguments->site);
    if (!value) return false;
    instance_set(ev, self, field->attname, value);
    return true;
}

/* Names that are no columns: pk, properties, many-to-one objects of generic keys, plain errors. */
static bool instance_init_rest(Evaluator *ev, DjInstance *instance, const Arguments *arguments, const bool *used) {
    for (int k = 0; k < arguments->keyword_count; k++) {
        const Keyword *keyword = &arguments->keywords[k];
        if (used[k]) continue;
        Value *attribute = class_find(instance->model->cls, keyword->name);
        bool known =
            slice_equals_text(keyword->name->text, "pk") || (attribute && attribute->type->kind == VALUE_PROPERTY);
        DjFound found = model_find_field(ev, instance->model, keyword->name);
        if (!known && !found.field && !found.rel) {
            evaluator_raise(ev, evaluator_exception(ev, EXCEPTION_TYPE), evaluator_keyword_span(ev, keyword),
                            "%.*s() got unexpected keyword arguments: '%.*s'", SLICE_ARGS(instance->model->name->text),
                            SLICE_ARGS(keyword->name->text));
            Atom *names;
            int count = model_field_names_for_error(ev, instance->model, &names);
            Suggestion suggestion = suggestion_start(keyword->name->text);
            for (int i = 0; i < count; i++) suggestion_offer(&suggestion, names[i]->text);
            if (suggestion_found(&suggestion))
                evaluator_raise_help(ev, "did you mean '%.*s'?", SLICE_ARGS(suggestion.best));
            return false;
        }
        if (!value_set_attribute(ev, (Value *)instance, keyword->name, keyword->value, keyword->node)) return false;
    }
    return true;
}

static Value *instance_init(Evaluator *ev, Value *self, const Arguments *arguments) {
    DjInstance *instance = value_as_model_instance(self);
    if (!instance) return value_none(ev);
    const Fields *fields = arguments->keyword_count ? &instance->model->fields : &instance->model->concrete_fields;
    bool *used = ARENA_ARRAY(evaluator_arena(ev), bool, arguments->keyword_count + 1);
    if (arguments->count > instance->model->concrete_fields.count)
        return evaluator_raise_id(ev, EXCEPTION_INDEX, arguments->site, "Number of args exceeds number of fields");
    for (int i = 0; i < fields->count; i++) {
        DjField *field = fields->items[i];
        if (i < arguments->count) {
            Value *given = arguments->items[i];
            Atom name = value_as_model_instance(given) && field->rel ? field->name : field->attname;
            if (!value_set_attribute(ev, self, name, given, arguments->nodes ? arguments->nodes[i] : arguments->site))
                return NULL;
            continue;
        }
        if (!field->column || field->kind == FIELD_GENERATED) continue;
        if (!instance_init_field(ev, instance, field, arguments, used)) return NULL;
    }
    return instance_init_rest(ev, instance, arguments, used) ? value_none(ev) : NULL;
}

/* ---- reading ---- */

/* manager.get(name=value): what a descriptor sends to fetch one object. */
static Value *manager_get_one(Evaluator *ev, Value *manager, Atom name, Value *value, const Node *site) {
    Value *method = manager ? value_get_attribute(ev, manager, django_atom(ev, "get"), site) : NULL;
    if (!method) return NULL;
    Keyword keyword = {name, value, site};
    Arguments arguments = {.keywords = &keyword, .keyword_count = 1, .site = site};
    return value_call(ev, method, &arguments);
}

/* The parent's part of an object, whose values are all there; NULL: it has to be read. */
static Value *instance_as_parent(Evaluator *ev, DjInstance *instance, DjField *link) {
    if (!link->rel->parent_link || instance->unknown) return NULL;
    DjModel *parent = link->rel->model;
    model_prepare(ev, parent);
    Value **values = ARENA_ARRAY(evaluator_arena(ev), Value *, parent->concrete_fields.count + 1);
    for (int i = 0; i < parent->concrete_fields.count; i++)
        if (!(values[i] = instance_get((Value *)instance, parent->concrete_fields.items[i]->attname))) return NULL;
    return (Value *)instance_from_row(ev, parent, values);
}

static Value *instance_get_foreign(Evaluator *ev, DjInstance *instance, DjField *field, const Node *site) {
    if (!field_resolve(ev, field) || !field->local_fields.count) return value_unknown_at(ev, site);
    Value *key = instance_field_value(ev, instance, field->local_fields.items[0], site);
    if (value_is_none(key)) {
        if (field->null) return key;
        return evaluator_raise(ev, field->rel->model->does_not_exist, evaluator_mistake_span(ev, site),
                               "%.*s has no %.*s.", SLICE_ARGS(instance->model->name->text),
                               SLICE_ARGS(field->name->text));
    }
    Value *object = instance_as_parent(ev, instance, field);
    if (!object)
        object =
            manager_get_one(ev, field->rel->model->base_manager, field->foreign_fields.items[0]->attname, key, site);
    if (object) instance_set_related(ev, instance, field->name, object);
    return object;
}

static Value *instance_get_reverse_one(Evaluator *ev, DjInstance *instance, DjRel *rel, const Node *site) {
    Value *object = manager_get_one(ev, rel->field->model->base_manager, rel->field->name, (Value *)instance, site);
    if (object) instance_set_related(ev, instance, rel->accessor, object);
    return object;
}

/* The object that a content type and a key name; None where there is no such row. */
static Value *instance_get_named(Evaluator *ev, DjInstance *instance, DjField *field, Value *id, const Node *site) {
    DjModel *model = content_type_model(ev, id, site);
    DjField *holder = model_field(ev, instance->model, field->fk_field);
    if (!model || !holder) return evaluator_error_pending(ev) ? NULL : value_none(ev);
    model_prepare(ev, model);
    Value *key = instance_field_value(ev, instance, holder, site);
    Value *object = manager_get_one(ev, model->base_manager, django_atom(ev, "pk"), key, site);
    if (!object) {
        Value *error = evaluator_error_value(ev);
        if (!error || !class_is_subclass(error->cls, model->does_not_exist)) return NULL;
        evaluator_clear_error(ev);
        object = value_none(ev);
    }
    instance_set_related(ev, instance, field->name, object);
    return object;
}

static Value *instance_get_generic(Evaluator *ev, DjInstance *instance, DjField *field, const Node *site) {
    DjField *type = model_field(ev, instance->model, field->ct_field);
    if (!type || !field_resolve(ev, type)) return value_unknown_at(ev, site);
    Value *id = instance_field_value(ev, instance, type, site);
    if (value_is_none(id)) return id;
    if (evaluator_has_rows(ev) && !value_is_unknown(id)) return instance_get_named(ev, instance, field, id, site);
    if (!instance_get_foreign(ev, instance, type, site)) return NULL;
    Value *object = value_unknown_at(ev, site);
    instance_set_related(ev, instance, field->name, object);
    return object;
}

static Value *choice_label(Evaluator *ev, Value *choices, Value *value) {
    Value **items, **pair, **inner;
    int count = value_items(choices, &items);
    for (int i = 0; i < count; i++) {
        if (value_items(items[i], &pair) < 2) continue;
        int grouped = value_items(pair[1], &inner);
        for (int g = 0; g < grouped; g++) {
            Value **entry;
            if (value_items(inner[g], &entry) >= 2 && value_equals(ev, entry[0], value)) return entry[1];
        }
        if (grouped < 0 && value_equals(ev, pair[0], value)) return pair[1];
    }
    return NULL;
}

static Value *instance_display(Evaluator *ev, Value *self, const Arguments *arguments) {
    DjField *field = evaluator_native_data(ev);
    Value *value = instance_field_value(ev, (DjInstance *)self, field, arguments->site);
    if (value_is_unknown(value)) return value_unknown_at(ev, arguments->site);
    Value *choices = field->choices;
    if (choices->type->kind == VALUE_CLASS)
        choices = value_get_attribute(ev, choices, django_atom(ev, "choices"), arguments->site);
    Value *label = choices ? choice_label(ev, choices, value) : NULL;
    return label ? label : value_str(ev, value, arguments->site);
}

static Value *bound_native(Evaluator *ev, Value *self, const char *name, NativeCall call, void *data) {
    Value *function = value_native_function(ev, name, call, data);
    ((NativeFunctionValue *)function)->self = self;
    return function;
}

/* get_status_display and get_next_by_created. */
static Value *instance_named_method(Evaluator *ev, DjInstance *instance, Slice name) {
    bool next = slice_starts_with(name, "get_next_by_"), previous = slice_starts_with(name, "get_previous_by_");
    size_t from = next ? strlen("get_next_by_") : previous ? strlen("get_previous_by_") : strlen("get_");
    bool display = slice_starts_with(name, "get_") && slice_ends_with(name, "_display") && name.length > 12;
    void *data;
    NativeCall ordered = display || next || previous ? NULL : ordered_method(instance->model, name, &data);
    if (ordered) return bound_native(ev, (Value *)instance, "order", ordered, data);
    if (!display && !next && !previous) return NULL;
    Slice field_name =
        slice_sub(name, from, display && !next && !previous ? name.length - strlen("_display") : name.length);
    DjField *field = model_field(ev, instance->model, atom_intern(evaluator_atoms(ev), field_name));
    if (!field) return NULL;
    if ((next || previous) && (field->null || !field_kind_is(field->kind, FIELD_DATE))) return NULL;
    if (next || previous)
        return bound_native(ev, (Value *)instance, next ? "get_next" : "get_previous",
                            next ? instance_next : instance_previous, field);
    return field->choices ? bound_native(ev, (Value *)instance, "get_display", instance_display, field) : NULL;
}

static Value *instance_state(Evaluator *ev, DjInstance *instance) {
    Value *state = instance_get((Value *)instance, django_atom(ev, "_state"));
    if (state) return state;
    DictValue *attributes = value_dict(ev);
    (void)attributes;
    return value_unknown(ev, SLICE("_state"), instance->node, NULL);
}

/* A field that defer() or only() left out is read when it is asked for; a parent's key is the child's own. */
static bool instance_load_deferred(Evaluator *ev, DjInstance *instance, DjField *field, const Node *site) {
    if (!instance->deferred_known || !site || instance_get((Value *)instance, field->attname)) return true;
    if (!atom_map_get(&instance->deferred, field->attname)) return true;
    if (field->primary_key && field->model != instance->model->concrete) {
        instance_set(ev, (Value *)instance, field->attname, instance_pk(ev, instance, site));
        return true;
    }
    AtomMap related = instance->related;
    Value *name = value_atom(ev, field->attname);
    Keyword fields = {django_atom(ev, "fields"), value_tuple(ev, &name, 1), site};
    Arguments arguments = {.keywords = &fields, .keyword_count = 1, .site = site};
    if (!instance_refresh(ev, (Value *)instance, &arguments)) return false;
    instance->related = related;
    return true;
}

static Value *instance_get_field(Evaluator *ev, DjInstance *instance, DjField *field, Atom name, const Node *site) {
    if (field->kind == FIELD_COMPOSITE_KEY) return instance_pk(ev, instance, site);
    if (field->concrete && !instance_load_deferred(ev, instance, field, site)) return NULL;
    if (!field->is_relation || (field->attname == name && field->attname != field->name))
        return instance_field_value(ev, instance, field, site);
    Value *cached = atom_map_get(&instance->related, field->name);
    if (field->kind == FIELD_GENERIC_RELATION) {
        DjModel *typed = field->for_concrete_model ? instance->model->concrete : instance->model;
        if (!content_type_id(ev, typed, site)) return NULL;
    }
    if (field->many_to_many || field->kind == FIELD_GENERIC_RELATION)
        return manager_related(ev, (Value *)instance, (DjFound){field, NULL}, site);
    if (cached) return cached;
    if (field->kind == FIELD_GENERIC_FOREIGN_KEY) return instance_get_generic(ev, instance, field, site);
    return instance_get_foreign(ev, instance, field, site);
}

/* `author.book_set` where Book calls the relation otherwise. */
static bool refuse_renamed_set(Evaluator *ev, DjModel *model, Atom name, const Node *site) {
    if (!slice_ends_with(name->text, "_set")) return false;
    for (int i = 0; i < model->related.count; i++) {
        const DjRel *rel = model->related.items[i];
        if (!rel->accessor || !rel->field || !rel->multiple) continue;
        Slice source = rel->field->model->label_lower;
        Slice plain = slice_sub(source, slice_find(source, '.') + 1, source.length);
        if (plain.length + 4 != name->text.length || !slice_equals(slice_sub(name->text, 0, plain.length), plain))
            continue;
        Span span = evaluator_span(ev, site);
        if (site && site->kind == NODE_Attribute) span.start = (uint32_t)NODE_AS(Attribute, site)->attr_start;
        evaluator_raise(ev, evaluator_exception(ev, EXCEPTION_ATTRIBUTE), span, "'%.*s' object has no attribute '%.*s'",
                        SLICE_ARGS(model->name->text), SLICE_ARGS(name->text));
        evaluator_raise_help(ev, "its related_name is '%.*s'", SLICE_ARGS(rel->accessor->text));
        return true;
    }
    return false;
}

static Value *instance_get_attribute(Evaluator *ev, Value *self, Atom name, const Node *site) {
    DjInstance *instance = (DjInstance *)self;
    if (slice_equals_text(name->text, "pk")) return instance_pk(ev, instance, site);
    if (slice_equals_text(name->text, "_meta")) return model_meta_value(ev, instance->model);
    if (slice_equals_text(name->text, "_state")) return instance_state(ev, instance);
    DjField *field = model_field(ev, instance->model, name);
    if (field) return instance_get_field(ev, instance, field, name, site);
    Value *related = related_attribute(ev, instance->model, name);
    if (related) {
        DjRel *rel = (DjRel *)related;
        Value *cached = atom_map_get(&instance->related, name);
        if (rel->multiple) return manager_related(ev, self, (DjFound){NULL, rel}, site);
        return cached ? cached : instance_get_reverse_one(ev, instance, rel, site);
    }
    Value *method = instance_named_method(ev, instance, name->text);
    if (method || evaluator_error_pending(ev)) return method;
    if (!instance->unknown || slice_starts_with(name->text, "__")) return NULL;
    if (refuse_renamed_set(ev, instance->model, name, site)) return NULL;
    /* An annotation, or an attribute that other code has set. */
    Slice text =
        slice_format(evaluator_arena(ev), "%.*s.%.*s", SLICE_ARGS(instance_text(ev, instance)), SLICE_ARGS(name->text));
    Value *value = value_unknown(ev, text, site, NULL);
    instance_set(ev, self, name, value);
    return value;
}

/* ---- the Python value ---- */

static bool instance_equals(Evaluator *ev, Value *self, Value *other) {
    DjInstance *a = (DjInstance *)self, *b = value_as_model_instance(other);
    if (a == b) return true;
    if (!b || a->model->concrete != b->model->concrete) return false;
    Value *left = instance_pk(ev, a, NULL), *right = instance_pk(ev, b, NULL);
    return !value_is_none(left) && value_equals(ev, left, right);
}

static uint32_t instance_hash(Evaluator *ev, Value *self) {
    Value *pk = instance_pk(ev, (DjInstance *)self, NULL);
    return value_is_unknown(pk) ? (uint32_t)(uintptr_t)pk : value_hash(ev, pk);
}

static void instance_describe(Evaluator *ev, Value *self, Buffer *out) {
    DjInstance *instance = (DjInstance *)self;
    Slice name = instance->model->name->text;
    buffer_format(out, "<%.*s: ", SLICE_ARGS(name));
    Value *str = class_find(instance->head.head.cls, django_atom(ev, "__str__"));
    Value *text = str && str->type->kind == VALUE_FUNCTION ? value_str(ev, self, NULL) : NULL;
    if (text && value_is_text(text)) {
        buffer_slice(out, value_text(text));
    } else {
        Value *key = instance_pk(ev, instance, NULL), *shown = value_str(ev, key, NULL);
        Slice pk = shown && value_is(shown, VALUE_STRING) ? value_text(shown) : value_repr(ev, key);
        buffer_format(out, "%.*s object (%.*s)", SLICE_ARGS(name), SLICE_ARGS(pk));
    }
    buffer_put(out, '>');
}

static Truth instance_truth(Evaluator *ev, Value *self, const Node *site) {
    (void)ev, (void)self, (void)site;
    return TRUTH_TRUE;
}

const Type django_instance_type = {.name = "Model",
                                   .kind = VALUE_NATIVE,
                                   .get_attribute = instance_get_attribute,
                                   .set_attribute = instance_set_attribute,
                                   .equals = instance_equals,
                                   .hash = instance_hash,
                                   .describe = instance_describe,
                                   .truth = instance_truth,
                                   .has_attributes = true};

static Value *instance_str(Evaluator *ev, Value *self, const Arguments *arguments) {
    DjInstance *instance = value_as_model_instance(self);
    if (!instance) return value_unknown_at(ev, arguments->site);
    Value *pk = instance_pk(ev, instance, arguments->site);
    if (value_is_unknown(pk)) return value_unknown_at(ev, arguments->site);
    Value *shown = value_str(ev, pk, arguments->site);
    if (!shown) return NULL;
    return value_string(ev,
                        slice_format(evaluator_arena(ev), "%.*s object (%.*s)", SLICE_ARGS(instance->model->name->text),
                                     SLICE_ARGS(value_text_or_empty(shown))));
}

static Value *instance_nothing(Evaluator *ev, Value *self, const Arguments *arguments) {
    (void)self, (void)arguments;
    return value_none(ev);
}

const NativeMethod model_methods[] = {
    {"__init__", instance_init, NATIVE_METHOD, NULL},
    {"__str__", instance_str, NATIVE_METHOD, NULL},
    {"full_clean", instance_nothing, NATIVE_METHOD, NULL},
    {"clean", instance_nothing, NATIVE_METHOD, NULL},
    {"clean_fields", instance_nothing, NATIVE_METHOD, NULL},
    {"validate_unique", instance_nothing, NATIVE_METHOD, NULL},
    {"validate_constraints", instance_nothing, NATIVE_METHOD, NULL},
    {"save", instance_save, NATIVE_METHOD, NULL},
    {"asave", instance_save, NATIVE_METHOD, NULL},
    {"save_base", instance_save, NATIVE_METHOD, NULL},
    {"delete", instance_delete, NATIVE_METHOD, NULL},
    {"adelete", instance_delete, NATIVE_METHOD, NULL},
    {"refresh_from_db", instance_refresh, NATIVE_METHOD, NULL},
    {"arefresh_from_db", instance_refresh, NATIVE_METHOD, NULL},
    {NULL, NULL, NATIVE_METHOD, NULL},
};
