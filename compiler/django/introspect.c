/*
 * What Python code sees of models and fields: `Book._meta`, `Book.authors.through`, `field.name`, `rel.related_model`.
 *
 * Example: Book._meta.get_field("author").related_model gives the class Author.
 */
#include "compiler/django/model_build.h"

static Value *atom_or_none(Evaluator *ev, Atom name) { return name ? value_atom(ev, name) : value_none(ev); }

static Value *class_or_none(Evaluator *ev, DjModel *model) { return model ? (Value *)model->cls : value_none(ev); }

static Value *number_or_none(Evaluator *ev, int number) {
    return number >= 0 ? value_integer(ev, number) : value_none(ev);
}

static Value *value_or_none(Evaluator *ev, Value *value) { return value ? value : value_none(ev); }

/* ---- fields ---- */

static bool name_leads_to_relation(Slice name) {
    static const char *const names[] = {"related_model", "target_field", "through"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (slice_equals_text(name, names[i])) return true;
    return false;
}

static Value *field_relation_attribute(Evaluator *ev, DjField *field, Slice name, const Node *site) {
    DjRel *rel = field->rel;
    /* a field of no model, as in a class whose bases are not known, leads nowhere yet */
    if (rel && !field->model && name_leads_to_relation(name)) return value_unknown_at(ev, site);
    if (slice_equals_text(name, "is_relation")) return value_bool(ev, field->is_relation);
    if (slice_equals_text(name, "many_to_one")) return value_bool(ev, field->many_to_one);
    if (slice_equals_text(name, "many_to_many")) return value_bool(ev, field->many_to_many);
    if (slice_equals_text(name, "one_to_one")) return value_bool(ev, field->one_to_one);
    if (slice_equals_text(name, "one_to_many")) return value_bool(ev, field->one_to_many);
    if (slice_equals_text(name, "remote_field") || slice_equals_text(name, "rel"))
        return rel ? (Value *)rel : value_none(ev);
    if (slice_equals_text(name, "related_model")) return class_or_none(ev, field_related_model(ev, field));
    if (slice_equals_text(name, "target_field")) return value_or_none(ev, (Value *)field_target(ev, field));
    if (!rel) return NULL;
    if (slice_equals_text(name, "through")) {
        field_resolve(ev, field);
        return class_or_none(ev, rel->through);
    }
    if (slice_equals_text(name, "reverse")) return value_bool(ev, false);
    return NULL;
}

Value *field_get_attribute(Evaluator *ev, Value *self, Atom atom, const Node *site) {
    DjField *field = value_as_field(self);
    Slice name = atom->text;
    if (slice_equals_text(name, "name")) return atom_or_none(ev, field->name);
    if (slice_equals_text(name, "attname")) return atom_or_none(ev, field->attname);
    if (slice_equals_text(name, "column")) return atom_or_none(ev, field->column);
    if (slice_equals_text(name, "model")) return class_or_none(ev, field->model);
    if (slice_equals_text(name, "field")) return self;
    if (slice_equals_text(name, "null")) return value_bool(ev, field->null);
    if (slice_equals_text(name, "blank")) return value_bool(ev, field->blank);
    if (slice_equals_text(name, "unique")) return value_bool(ev, field->unique || field->primary_key);
    if (slice_equals_text(name, "primary_key")) return value_bool(ev, field->primary_key);
    if (slice_equals_text(name, "db_index")) return value_bool(ev, field->db_index);
    if (slice_equals_text(name, "concrete")) return value_bool(ev, field->concrete);
    if (slice_equals_text(name, "editable")) return value_bool(ev, field->editable);
    if (slice_equals_text(name, "auto_created")) return value_bool(ev, field->auto_created);
    if (slice_equals_text(name, "max_length")) return number_or_none(ev, field->max_length);
    if (slice_equals_text(name, "max_digits")) return number_or_none(ev, field->max_digits);
    if (slice_equals_text(name, "decimal_places")) return number_or_none(ev, field->decimal_places);
    if (slice_equals_text(name, "size")) return number_or_none(ev, field->array_size);
    if (slice_equals_text(name, "choices") || slice_equals_text(name, "flatchoices"))
        return value_or_none(ev, field->choices);
    if (slice_equals_text(name, "default")) return value_or_none(ev, field->default_value);
    if (slice_equals_text(name, "db_default")) return value_or_none(ev, field->db_default);
    if (slice_equals_text(name, "base_field")) return value_or_none(ev, (Value *)field->base_field);
    if (slice_equals_text(name, "output_field")) return value_or_none(ev, (Value *)field->output_field);
    if (slice_equals_text(name, "help_text")) return value_string(ev, field->help_text);
    if (slice_equals_text(name, "verbose_name"))
        return field->verbose_name_value ? field->verbose_name_value : value_string(ev, field->verbose_name);
    return field_relation_attribute(ev, field, name, site);
}

/* ---- reverse relations ---- */

static Value *rel_accessor_name(Evaluator *ev, Value *self, const Arguments *arguments) {
    (void)arguments;
    return atom_or_none(ev, ((DjRel *)self)->accessor);
}

static Value *rel_get_attribute(Evaluator *ev, Value *self, Atom atom, const Node *site) {
    DjRel *rel = (DjRel *)self;
    Slice name = atom->text;
    bool leads = slice_equals_text(name, "model") || name_leads_to_relation(name);
    if (leads && !rel->field->model) return value_unknown_at(ev, site);
    if (slice_equals_text(name, "name")) return atom_or_none(ev, rel->name);
    if (slice_equals_text(name, "field") || slice_equals_text(name, "remote_field")) return (Value *)rel->field;
    if (slice_equals_text(name, "rel")) return self;
    if (slice_equals_text(name, "model")) return class_or_none(ev, rel->model);
    if (slice_equals_text(name, "related_model")) return class_or_none(ev, rel->field->model);
    if (slice_equals_text(name, "related_name")) return atom_or_none(ev, rel->related_name);
    if (slice_equals_text(name, "related_query_name")) return atom_or_none(ev, rel->related_query_name);
    if (slice_equals_text(name, "accessor_name")) return atom_or_none(ev, rel->accessor);
    if (slice_equals_text(name, "through")) {
        field_resolve(ev, rel->field);
        return class_or_none(ev, rel->through);
    }
    if (slice_equals_text(name, "hidden")) return value_bool(ev, rel->hidden);
    if (slice_equals_text(name, "multiple")) return value_bool(ev, rel->multiple);
    if (slice_equals_text(name, "one_to_many")) return value_bool(ev, rel->one_to_many);
    if (slice_equals_text(name, "one_to_one")) return value_bool(ev, rel->one_to_one);
    if (slice_equals_text(name, "many_to_many")) return value_bool(ev, rel->many_to_many);
    if (slice_equals_text(name, "many_to_one") || slice_equals_text(name, "concrete")) return value_bool(ev, false);
    if (slice_equals_text(name, "is_relation") || slice_equals_text(name, "auto_created")) return value_bool(ev, true);
    if (slice_equals_text(name, "on_delete")) return value_or_none(ev, rel->on_delete_value);
    if (slice_equals_text(name, "get_accessor_name")) {
        Value *function = value_native_function(ev, "get_accessor_name", rel_accessor_name, NULL);
        ((NativeFunctionValue *)function)->self = self;
        return function;
    }
    return NULL;
}

static void rel_describe(Evaluator *ev, Value *self, Buffer *out) {
    (void)ev;
    const DjRel *rel = (const DjRel *)self;
    const char *class_name = rel->one_to_one ? "OneToOneRel" : rel->many_to_many ? "ManyToManyRel" : "ManyToOneRel";
    const DjModel *model = rel->field->model;
    buffer_format(out, "<%s: ", class_name);
    if (model) buffer_format(out, "%.*s.%.*s", SLICE_ARGS(model->app_label->text), SLICE_ARGS(model->model_name->text));
    buffer_format(out, ">");
}

const Type django_rel_type = {
    .name = "ForeignObjectRel", .kind = VALUE_NATIVE, .get_attribute = rel_get_attribute, .describe = rel_describe};

/* ---- _meta ---- */

typedef struct MetaValue {
    Value head;
    DjModel *model;
} MetaValue;

static DjModel *meta_model(Value *self) { return ((MetaValue *)self)->model; }

static Value *meta_fields(Evaluator *ev, const Fields *fields) {
    Value **items = ARENA_ARRAY(evaluator_arena(ev), Value *, fields->count + 1);
    for (int i = 0; i < fields->count; i++) items[i] = (Value *)fields->items[i];
    return value_tuple(ev, items, fields->count);
}

static Value *meta_get_field(Evaluator *ev, Value *self, const Arguments *arguments) {
    Value *name = NULL;
    if (!arguments_bind(ev, arguments, "get_field", "field_name", &name)) return NULL;
    DjModel *model = meta_model(self);
    if (!value_is_text(name)) return value_unknown_at(ev, arguments->site);
    DjFound found = model_find_field(ev, model, value_as_atom(ev, name));
    if (found.field) return (Value *)found.field;
    if (found.rel) return (Value *)found.rel;
    return evaluator_raise(ev, django_state(ev)->field_does_not_exist, evaluator_mistake_span(ev, arguments->site),
                           "%.*s has no field named '%.*s'", SLICE_ARGS(model->name->text),
                           SLICE_ARGS(value_text(name)));
}

static Value *meta_get_fields(Evaluator *ev, Value *self, const Arguments *arguments) {
    (void)arguments;
    DjModel *model = meta_model(self);
    DjRel **rels;
    int count = model_related_objects(ev, model, false, &rels);
    ListValue *list = value_list(ev);
    for (int i = 0; i < count; i++) list_append(ev, list, (Value *)rels[i]);
    const Fields *lists[3] = {&model->fields, &model->many_to_many, &model->private_fields};
    for (int l = 0; l < 3; l++)
        for (int i = 0; i < lists[l]->count; i++) list_append(ev, list, (Value *)lists[l]->items[i]);
    return (Value *)list;
}

static Value *meta_method(Evaluator *ev, Value *self, const char *name, NativeCall call) {
    Value *function = value_native_function(ev, name, call, NULL);
    ((NativeFunctionValue *)function)->self = self;
    return function;
}

static Value *meta_related(Evaluator *ev, DjModel *model) {
    DjRel **rels;
    int count = model_related_objects(ev, model, false, &rels);
    Value **items = ARENA_ARRAY(evaluator_arena(ev), Value *, count + 1);
    for (int i = 0; i < count; i++) items[i] = (Value *)rels[i];
    return value_tuple(ev, items, count);
}

static Value *meta_parents(Evaluator *ev, const DjModel *model) {
    DictValue *dict = value_dict(ev);
    for (int i = 0; i < model->parent_count; i++) {
        Value *link = model->parents[i].link ? (Value *)model->parents[i].link : value_none(ev);
        dict_set(ev, dict, (Value *)model->parents[i].model->cls, link, NULL);
    }
    return (Value *)dict;
}

static Value *meta_text_attribute(Evaluator *ev, const DjModel *model, Slice name) {
    if (slice_equals_text(name, "label")) return value_string(ev, model->label);
    if (slice_equals_text(name, "label_lower")) return value_string(ev, model->label_lower);
    if (slice_equals_text(name, "app_label")) return value_atom(ev, model->app_label);
    if (slice_equals_text(name, "model_name")) return value_atom(ev, model->model_name);
    if (slice_equals_text(name, "object_name")) return value_atom(ev, model->name);
    if (slice_equals_text(name, "db_table")) return value_atom(ev, model->db_table);
    if (slice_equals_text(name, "verbose_name")) return value_string(ev, model->verbose_name);
    if (slice_equals_text(name, "verbose_name_plural")) return value_string(ev, model->verbose_name_plural);
    if (slice_equals_text(name, "db_tablespace")) return value_string(ev, model->db_tablespace);
    return NULL;
}

static Value *meta_get_attribute(Evaluator *ev, Value *self, Atom atom, const Node *site) {
    (void)site;
    DjModel *model = meta_model(self);
    Slice name = atom->text;
    Value *text = meta_text_attribute(ev, model, name);
    if (text) return text;
    model_prepare(ev, model);
    if (slice_equals_text(name, "pk")) return value_or_none(ev, (Value *)model->pk);
    if (slice_equals_text(name, "fields")) return meta_fields(ev, &model->fields);
    if (slice_equals_text(name, "concrete_fields")) return meta_fields(ev, &model->concrete_fields);
    if (slice_equals_text(name, "local_fields")) return meta_fields(ev, &model->local_fields);
    if (slice_equals_text(name, "local_concrete_fields")) return meta_fields(ev, &model->local_concrete_fields);
    if (slice_equals_text(name, "local_many_to_many")) return meta_fields(ev, &model->local_many_to_many);
    if (slice_equals_text(name, "many_to_many")) return meta_fields(ev, &model->many_to_many);
    if (slice_equals_text(name, "private_fields")) return meta_fields(ev, &model->private_fields);
    if (slice_equals_text(name, "related_objects")) return meta_related(ev, model);
    if (slice_equals_text(name, "parents")) return meta_parents(ev, model);
    if (slice_equals_text(name, "model")) return (Value *)model->cls;
    if (slice_equals_text(name, "concrete_model")) return (Value *)model->concrete->cls;
    if (slice_equals_text(name, "abstract")) return value_bool(ev, model->abstract);
    if (slice_equals_text(name, "proxy")) return value_bool(ev, model->proxy);
    if (slice_equals_text(name, "managed")) return value_bool(ev, model->managed);
    if (slice_equals_text(name, "swapped")) return value_bool(ev, model->swapped);
    if (slice_equals_text(name, "auto_created")) return value_bool(ev, model->auto_created);
    if (slice_equals_text(name, "ordering")) return value_tuple(ev, model->ordering, model->ordering_count);
    if (slice_equals_text(name, "indexes")) return value_tuple(ev, model->indexes, model->index_count);
    if (slice_equals_text(name, "constraints")) return value_tuple(ev, model->constraints, model->constraint_count);
    if (slice_equals_text(name, "default_manager")) return value_or_none(ev, model->default_manager);
    if (slice_equals_text(name, "base_manager")) return value_or_none(ev, model->base_manager);
    if (slice_equals_text(name, "order_with_respect_to"))
        return value_or_none(ev, (Value *)model->order_with_respect_to);
    if (slice_equals_text(name, "get_field")) return meta_method(ev, self, "get_field", meta_get_field);
    if (slice_equals_text(name, "get_fields")) return meta_method(ev, self, "get_fields", meta_get_fields);
    return NULL;
}

static const Type meta_type = {.name = "Options", .kind = VALUE_NATIVE, .get_attribute = meta_get_attribute};

Value *model_meta_value(Evaluator *ev, DjModel *model) {
    MetaValue *meta = arena_allocate_zeroed(evaluator_arena(ev), sizeof *meta);
    *meta = (MetaValue){{&meta_type, evaluator_object_class(ev)}, model};
    return (Value *)meta;
}

/* ---- attributes of model classes ---- */

/* The field or reverse relation behind a class attribute: by name, attname or accessor. */
Value *related_attribute(Evaluator *ev, DjModel *model, Atom name) {
    model_prepare(ev, model);
    for (int i = 0; i < model->related.count; i++)
        if (model->related.items[i]->accessor == name) return (Value *)model->related.items[i];
    return NULL;
}

Value *model_class_attribute(Evaluator *ev, Class *cls, Atom name, const Node *site) {
    (void)site;
    DjModel *model = django_model_of_class(cls);
    if (!model) return NULL;
    if (slice_equals_text(name->text, "_meta")) return model_meta_value(ev, model);
    if (slice_equals_text(name->text, "_default_manager")) return model->default_manager;
    if (slice_equals_text(name->text, "_base_manager")) return model->base_manager;
    if (model->abstract || model->building) return NULL;
    DjField *field = model_field(ev, model, name);
    if (field) return (Value *)field;
    return related_attribute(ev, model, name);
}
