/*
 * Making models: what Django's metaclass does with a class statement. Input: a class whose body was evaluated; output:
 * a registered DjModel with its own fields, those copied from abstract bases, links to parents with tables, an
 * automatic primary key and managers.
 *
 * Invariant: a model under construction has `building` set; its relations wait until it is done.
 *
 * Example: class Child(Parent): age = IntegerField() gets the OneToOneField parent_ptr, which is its primary key.
 */
#include "compiler/django/model_build.h"

#include <assert.h>

/* ---- lists of fields ---- */

/* Django's order of fields: by creation, equal ones in order of arrival. */
static void fields_insert(Evaluator *ev, Fields *list, DjField *field) {
    ARENA_PUSH(evaluator_arena(ev), list->items, list->count, list->capacity) = field;
    int i = list->count - 1;
    for (; i > 0 && list->items[i - 1]->creation > field->creation; i--) list->items[i] = list->items[i - 1];
    list->items[i] = field;
}

static void model_add_field(Evaluator *ev, DjModel *model, DjField *field, bool private_only) {
    if (private_only) {
        ARENA_PUSH(evaluator_arena(ev), model->private_fields.items, model->private_fields.count,
                   model->private_fields.capacity) = field;
    } else if (field->many_to_many) {
        fields_insert(ev, &model->local_many_to_many, field);
    } else {
        fields_insert(ev, &model->local_fields, field);
        if (!model->pk && field->primary_key) {
            model->pk = field;
            field->serialize = false;
        }
    }
}

static void field_decide_internal(Evaluator *ev, DjField *field) {
    Value *own = field_override(ev, field, "get_internal_type");
    if (!own) return;
    Value *self = (Value *)field;
    Value *answer = value_call_with(ev, own, &self, 1, NULL);
    if (!value_is_text(answer)) {
        evaluator_clear_error(ev);
        return;
    }
    FieldKind kind = field_kind_named(value_text(answer));
    if (kind == FIELD_OBJECT) return;
    field->internal = field_kind_info(kind)->internal;
    field->sql_type = field_kind_info(kind)->sql_type;
}

/* A program's own get_attname_column(). */
static void field_override_names(Evaluator *ev, DjField *field) {
    Value *own = field_override(ev, field, "get_attname_column"), *self = (Value *)field, **parts;
    if (!own) return;
    Value *answer = value_call_with(ev, own, &self, 1, NULL);
    if (!answer) evaluator_clear_error(ev);
    if (!answer || value_items(answer, &parts) != 2) return;
    if (value_is_text(parts[0])) field->attname = value_as_atom(ev, parts[0]);
    if (value_is_text(parts[1]) || value_is_none(parts[1]))
        field->column = value_is_none(parts[1]) ? NULL : value_as_atom(ev, parts[1]);
}

static void field_set_names(Evaluator *ev, DjField *field, Atom name) {
    assert(name);
    field->name = name;
    field->attname = name;
    if (field_kind_is(field->kind, FIELD_FOREIGN_KEY)) {
        field->attname = django_atom_format(ev, "%.*s_id", SLICE_ARGS(name->text));
    }
    bool no_column = (field_kind_info(field->kind)->flags & FIELD_FLAG_NO_COLUMN) != 0;
    Atom own = field->has_db_column ? atom_intern(evaluator_atoms(ev), field->db_column) : field->attname;
    field->column = no_column ? NULL : own;
    field_override_names(ev, field);
    field->concrete = field->column != NULL;
    if (field->verbose_name.length || field->verbose_name_value) return;
    Slice words = slice_copy(evaluator_arena(ev), name->text);
    char *text = (char *)(uintptr_t)words.start;
    for (size_t i = 0; i < words.length; i++)
        if (text[i] == '_') text[i] = ' ';
    field->verbose_name = words;
}

bool field_contribute(Evaluator *ev, DjField *field, DjModel *model, Atom name) {
    if (!field->name || !field->contributed) {
        Atom given = field->name ? field->name : name;
        field_set_names(ev, field, given);
    }
    field->contributed = true;
    field->model = model;
    field_decide_internal(ev, field);
    if (field->base_field) {
        field->base_field->model = model;
        if (!field->base_field->name) field_set_names(ev, field->base_field, field->name);
        field_decide_internal(ev, field->base_field);
    }
    if (field->kind == FIELD_GENERATED) field->sql_type = field->output_field->sql_type;
    if (field->primary_key && field->kind == FIELD_COMPOSITE_KEY) model->pk = field;
    model_add_field(ev, model, field, field->private_only);
    return relation_contribute(ev, field);
}

/* Through the program's own contribute_to_class where it has one. */
static bool field_join_model(Evaluator *ev, DjField *field, DjModel *model, Atom name) {
    Value *own = field_override(ev, field, "contribute_to_class");
    if (!own) return field_contribute(ev, field, model, name);
    Value *items[3] = {(Value *)field, (Value *)model->cls, value_atom(ev, name)};
    return value_call_with(ev, own, items, 3, model->cls->node) != NULL;
}

/* ---- Meta ---- */

static Value *meta_option(Evaluator *ev, Class *meta, const char *name) {
    return meta ? class_find(meta, django_atom(ev, name)) : NULL;
}

static Slice camel_case_to_spaces(Arena *arena, Slice name) {
    Buffer out;
    buffer_init(&out, arena);
    for (size_t i = 0; i < name.length; i++) {
        char c = name.start[i];
        bool upper = c >= 'A' && c <= 'Z';
        bool after_lower = i > 0 && name.start[i - 1] >= 'a' && name.start[i - 1] <= 'z';
        bool before_lower = i + 1 < name.length && !(name.start[i + 1] >= 'A' && name.start[i + 1] <= 'Z');
        if (upper && i > 0 && (after_lower || before_lower)) buffer_put(&out, ' ');
        buffer_put(&out, char_lower(c));
    }
    return buffer_view(&out);
}

/* unique_together as a list of lists, also where one list of names was given. */
static int read_together(Evaluator *ev, Value *value, struct DjTogether **out) {
    Value **items;
    int count = value_items(value, &items);
    if (count <= 0) return 0;
    bool single = value_is_text(items[0]);
    int groups = single ? 1 : count;
    *out = ARENA_ARRAY(evaluator_arena(ev), struct DjTogether, groups);
    for (int g = 0; g < groups; g++) {
        Value **names;
        int n = single ? value_items(value, &names) : value_items(items[g], &names);
        if (n < 0) n = 0;
        (*out)[g].names = ARENA_ARRAY(evaluator_arena(ev), Atom, n + 1);
        for (int i = 0; i < n; i++)
            if (value_is_text(names[i])) (*out)[g].names[(*out)[g].count++] = value_as_atom(ev, names[i]);
    }
    return groups;
}

static int read_texts(Evaluator *ev, Value *value, Slice **out) {
    Value **items;
    int count = value_items(value, &items);
    if (count < 0) {
        if (!value_is_text(value)) return 0;
        items = &value;
        count = 1;
    }
    *out = ARENA_ARRAY(evaluator_arena(ev), Slice, count + 1);
    for (int i = 0; i < count; i++) (*out)[i] = value_text_or_empty(items[i]);
    return count;
}

static int read_values(Value *value, Value ***out) {
    int count = value_items(value, out);
    return count < 0 ? 0 : count;
}

static Atom meta_atom(Evaluator *ev, Class *meta, const char *name) {
    Value *value = meta_option(ev, meta, name);
    return value_is_text(value) ? value_as_atom(ev, value) : NULL;
}

static const char *const meta_options[] = {"verbose_name",
                                           "verbose_name_plural",
                                           "db_table",
                                           "db_table_comment",
                                           "ordering",
                                           "unique_together",
                                           "permissions",
                                           "get_latest_by",
                                           "order_with_respect_to",
                                           "app_label",
                                           "db_tablespace",
                                           "abstract",
                                           "managed",
                                           "proxy",
                                           "swappable",
                                           "auto_created",
                                           "apps",
                                           "default_permissions",
                                           "select_on_save",
                                           "default_related_name",
                                           "required_db_features",
                                           "required_db_vendor",
                                           "base_manager_name",
                                           "default_manager_name",
                                           "indexes",
                                           "index_together",
                                           "constraints"};

static bool model_meta_known(Slice name) {
    if (slice_starts_with(name, "_")) return true;
    for (size_t i = 0; i < sizeof meta_options / sizeof *meta_options; i++)
        if (slice_equals_text(name, meta_options[i])) return true;
    return false;
}

/* Where the body of Meta assigns to the name; else Meta itself. */
static const Node *meta_node(const DjModel *model, const Class *meta, Atom name) {
    if (!meta->node) return model->cls->node;
    const Nodes *body = &NODE_AS(ClassDef, meta->node)->body;
    for (int i = 0; i < body->count; i++) {
        if (body->items[i]->kind != NODE_Assign) continue;
        const Node *target = NODE_AS(Assign, body->items[i])->targets.items[0];
        if (target->kind == NODE_Name && NODE_AS(Name, target)->id == name) return target;
    }
    return meta->node;
}

static bool model_check_meta(Evaluator *ev, const DjModel *model, const Class *meta) {
    for (int i = 0; i < meta->names.count; i++) {
        Atom name = meta->names.entries[i].key;
        if (!name || model_meta_known(name->text)) continue;
        evaluator_raise_id(ev, EXCEPTION_TYPE, meta_node(model, meta, name),
                           "'class Meta' got invalid attribute(s): %.*s", SLICE_ARGS(name->text));
        Suggestion near = suggestion_start(name->text);
        for (size_t j = 0; j < sizeof meta_options / sizeof *meta_options; j++)
            suggestion_offer(&near, slice_from(meta_options[j]));
        if (suggestion_found(&near)) evaluator_raise_help(ev, "did you mean '%.*s'?", SLICE_ARGS(near.best));
        return false;
    }
    return true;
}

/* Reads Meta into the model. */
static bool model_read_meta(Evaluator *ev, DjModel *model, Class *meta) {
    Arena *arena = evaluator_arena(ev);
    model->managed = true;
    model->verbose_name = camel_case_to_spaces(arena, model->name->text);
    model->app_label = model->app_label ? model->app_label : django_atom(ev, "");
    if (meta) {
        if (!model_check_meta(ev, model, meta)) return false;
        Value *value;
        Atom label = meta_atom(ev, meta, "app_label");
        if (label) model->app_label = label;
        model->db_table = meta_atom(ev, meta, "db_table");
        if (model->db_table && model->db_table->text.length == 0) model->db_table = NULL;
        if ((value = meta_option(ev, meta, "managed"))) model->managed = value_truthy(ev, value);
        if ((value = meta_option(ev, meta, "proxy"))) model->proxy = value_truthy(ev, value);
        if ((value = meta_option(ev, meta, "select_on_save"))) model->select_on_save = value_truthy(ev, value);
        if ((value = meta_option(ev, meta, "verbose_name"))) model->verbose_name = value_text_or_empty(value);
        model->verbose_name_plural = value_text_or_empty(meta_option(ev, meta, "verbose_name_plural"));
        model->swappable = value_text_or_empty(meta_option(ev, meta, "swappable"));
        model->db_tablespace = value_text_or_empty(meta_option(ev, meta, "db_tablespace"));
        model->db_table_comment = value_text_or_empty(meta_option(ev, meta, "db_table_comment"));
        model->required_db_vendor = value_text_or_empty(meta_option(ev, meta, "required_db_vendor"));
        model->ordering_count = read_values(meta_option(ev, meta, "ordering"), &model->ordering);
        model->index_count = read_values(meta_option(ev, meta, "indexes"), &model->indexes);
        model->constraint_count = read_values(meta_option(ev, meta, "constraints"), &model->constraints);
        value = meta_option(ev, meta, "get_latest_by");
        if (value) model->get_latest_by_count = read_texts(ev, value, &model->get_latest_by);
        model->unique_together_count =
            read_together(ev, meta_option(ev, meta, "unique_together"), &model->unique_together);
        model->default_related_name = meta_atom(ev, meta, "default_related_name");
        model->default_manager_name = meta_atom(ev, meta, "default_manager_name");
        model->base_manager_name = meta_atom(ev, meta, "base_manager_name");
        model->order_with_respect_to_name = meta_atom(ev, meta, "order_with_respect_to");
    }
    if (!model->verbose_name_plural.length)
        model->verbose_name_plural = slice_format(arena, "%.*ss", SLICE_ARGS(model->verbose_name));
    const Dialect *dialect = evaluator_dialect(ev);
    if (!model->db_table) {
        Slice table =
            slice_format(arena, "%.*s_%.*s", SLICE_ARGS(model->app_label->text), SLICE_ARGS(model->model_name->text));
        model->db_table =
            atom_intern(evaluator_atoms(ev), name_truncate(arena, table, dialect ? dialect->max_name_length : 0, 4));
    }
    model->label = slice_format(arena, "%.*s.%.*s", SLICE_ARGS(model->app_label->text), SLICE_ARGS(model->name->text));
    model->label_lower =
        slice_format(arena, "%.*s.%.*s", SLICE_ARGS(model->app_label->text), SLICE_ARGS(model->model_name->text));
    if (model->swappable.length) {
        Slice now = django_setting_text(ev, slice_terminated(arena, model->swappable), "");
        model->swapped = now.length && !slice_equals(slice_lower(arena, now), slice_lower(arena, model->label));
    }
    return true;
}

/* ---- inheritance ---- */

static bool class_has_name(const Class *cls, Atom name) { return atom_map_get(&cls->names, name) != NULL; }

static bool fields_have(const Fields *fields, Atom name) {
    for (int i = 0; i < fields->count; i++)
        if (fields->items[i]->name == name) return true;
    return false;
}

static bool model_has_own(const DjModel *model, Atom name) {
    return fields_have(&model->local_fields, name) || fields_have(&model->local_many_to_many, name) ||
           fields_have(&model->private_fields, name);
}

static void model_add_parent(Evaluator *ev, DjModel *model, DjModel *parent, DjField *link) {
    for (int i = 0; i < model->parent_count; i++) {
        if (model->parents[i].model != parent) continue;
        model->parents[i].link = link;
        return;
    }
    struct DjParent *grown = ARENA_ARRAY(evaluator_arena(ev), struct DjParent, model->parent_count + 1);
    for (int i = 0; i < model->parent_count; i++) grown[i] = model->parents[i];
    grown[model->parent_count++] = (struct DjParent){parent, link};
    model->parents = grown;
}

/* A OneToOneField(parent_link=True) to `parent` in the model itself or in one of its abstract bases. */
static DjField *model_given_link(Evaluator *ev, DjModel *model, DjModel *parent) {
    for (int i = -1; i < model->base_count; i++) {
        DjModel *at = i < 0 ? model : model->bases[i];
        if (i >= 0 && !at->abstract) continue;
        for (int f = 0; f < at->local_fields.count; f++) {
            DjField *field = at->local_fields.items[f];
            if (field->kind != FIELD_ONE_TO_ONE || !field->rel->parent_link) continue;
            Value *target = field->rel->target;
            DjModel *named = value_is_text(target) ? django_model_by_label(ev, value_text(target), model->app_label)
                                                   : django_model_of_value(target);
            if (named == parent) return field;
        }
    }
    return NULL;
}

static DjField *model_make_link(Evaluator *ev, DjModel *model, DjModel *parent) {
    Atom name = django_atom_format(ev, "%.*s_ptr", SLICE_ARGS(parent->model_name->text));
    DjField *link = field_create_kind(ev, FIELD_ONE_TO_ONE, true);
    link->rel = arena_allocate_zeroed(evaluator_arena(ev), sizeof *link->rel);
    *link->rel = (DjRel){.head = {&django_rel_type, evaluator_object_class(ev)},
                         .field = link,
                         .target = (Value *)parent->cls,
                         .one_to_one = true,
                         .parent_link = true,
                         .db_constraint = true,
                         .on_delete = ON_DELETE_CASCADE};
    return field_contribute(ev, link, model, name) ? link : NULL;
}

/* What is collected while the bases are visited. */
typedef struct Inheritance {
    AtomMap own;   /* names of the fields that the class statement itself declares */
    AtomMap plain; /* names of attributes of bases that are no models: they hide inherited fields */
    Fields seen;   /* fields of bases with tables */
} Inheritance;

static bool model_inherit_concrete(Evaluator *ev, DjModel *model, DjModel *base, Inheritance *inherited) {
    const Fields *lists[2] = {&base->local_fields, &base->local_many_to_many};
    for (int l = 0; l < 2; l++) {
        for (int i = 0; i < lists[l]->count; i++) {
            DjField *field = lists[l]->items[i];
            if (atom_map_get(&inherited->own, field->name)) {
                evaluator_raise(ev, django_state(ev)->field_error, evaluator_span(ev, model->cls->node),
                                "Local field '%.*s' in class '%.*s' clashes with field of the same name from base "
                                "class '%.*s'.",
                                SLICE_ARGS(field->name->text), SLICE_ARGS(model->name->text),
                                SLICE_ARGS(base->name->text));
                return false;
            }
            ARENA_PUSH(evaluator_arena(ev), inherited->seen.items, inherited->seen.count, inherited->seen.capacity) =
                field;
        }
    }
    DjModel *parent = base->concrete;
    DjField *link = NULL;
    if (!model->proxy) {
        link = model_given_link(ev, model, parent);
        if (!link) link = model_make_link(ev, model, parent);
        if (!link) return false;
    }
    model_add_parent(ev, model, model->proxy ? base : parent, link);
    return true;
}

static bool model_name_free(const DjModel *model, Atom name, const Inheritance *inherited) {
    return !model_has_own(model, name) && !class_has_name(model->cls, name) && !fields_have(&inherited->seen, name) &&
           !atom_map_get(&inherited->plain, name);
}

static bool model_inherit_abstract(Evaluator *ev, DjModel *model, DjModel *base, const Inheritance *names) {
    const Fields *lists[2] = {&base->local_fields, &base->local_many_to_many};
    struct DjParent *inherited = ARENA_ARRAY(evaluator_arena(ev), struct DjParent, base->parent_count + 1);
    for (int i = 0; i < base->parent_count; i++) inherited[i] = base->parents[i];
    for (int l = 0; l < 2; l++) {
        for (int i = 0; i < lists[l]->count; i++) {
            DjField *field = lists[l]->items[i];
            if (!model_name_free(model, field->name, names)) continue;
            DjField *copy = field_copy(ev, field);
            if (!field_join_model(ev, copy, model, field->name)) return false;
            for (int p = 0; p < base->parent_count; p++)
                if (inherited[p].link == field) inherited[p].link = copy;
        }
    }
    for (int p = 0; p < base->parent_count; p++) model_add_parent(ev, model, inherited[p].model, inherited[p].link);
    return true;
}

static bool model_inherit_private(Evaluator *ev, DjModel *model, DjModel *base) {
    for (int i = 0; i < base->private_fields.count; i++) {
        DjField *field = base->private_fields.items[i];
        if (model_has_own(model, field->name)) continue;
        DjField *copy = field_copy(ev, field);
        copy->of_parent = !base->abstract;
        if (!field_join_model(ev, copy, model, field->name)) return false;
    }
    return true;
}

static bool model_is_direct_base(const DjModel *model, const DjModel *base) {
    for (int i = 0; i < model->base_count; i++)
        if (model->bases[i] == base) return true;
    return false;
}

static bool model_inherit(Evaluator *ev, DjModel *model) {
    Inheritance inherited = {0};
    atom_map_init(&inherited.plain, evaluator_arena(ev));
    atom_map_init(&inherited.own, evaluator_arena(ev));
    const Fields *lists[3] = {&model->local_fields, &model->local_many_to_many, &model->private_fields};
    for (int l = 0; l < 3; l++)
        for (int i = 0; i < lists[l]->count && !model->proxy; i++)
            atom_map_set(&inherited.own, lists[l]->items[i]->name, model);
    for (int i = 0; i < model->cls->mro_count; i++) {
        Class *cls = model->cls->mro[i];
        DjModel *base = django_model_of_class(cls);
        if (!base || !model_is_direct_base(model, base)) {
            for (int n = 0; n < cls->names.count && cls->node && cls != model->cls; n++)
                if (cls->names.entries[n].key) atom_map_set(&inherited.plain, cls->names.entries[n].key, model);
            continue;
        }
        bool fine = base->abstract ? model_inherit_abstract(ev, model, base, &inherited)
                                   : model_inherit_concrete(ev, model, base, &inherited);
        if (!fine || !model_inherit_private(ev, model, base)) return false;
    }
    return true;
}

/* ---- the parts of a model ---- */

static void model_find_bases(Evaluator *ev, DjModel *model) {
    Class *cls = model->cls;
    model->bases = ARENA_ARRAY(evaluator_arena(ev), DjModel *, cls->base_count + 1);
    for (int i = 0; i < cls->base_count; i++) {
        DjModel *base = django_model_of_class(cls->bases[i]);
        if (base) model->bases[model->base_count++] = base;
    }
}

static bool model_take_body(Evaluator *ev, DjModel *model) {
    AtomMap *names = &model->cls->names;
    AtomMap body = atom_map_copy(names, evaluator_arena(ev));
    for (int i = 0; i < body.count; i++) {
        DjField *field = value_as_field(body.entries[i].value);
        if (!field) continue;
        /* attributes of the class and of instances are descriptors from now on */
        atom_map_remove(names, body.entries[i].key);
        if (!field_join_model(ev, field, model, body.entries[i].key)) return false;
    }
    return true;
}

static Slice model_default_auto_field(Evaluator *ev) {
    Slice path = django_setting_text(ev, "DEFAULT_AUTO_FIELD", "django.db.models.BigAutoField");
    size_t start = path.length;
    while (start > 0 && path.start[start - 1] != '.') start--;
    return slice_sub(path, start, path.length);
}

static bool model_add_order(Evaluator *ev, DjModel *model) {
    if (!model->order_with_respect_to_name) return true;
    Value **items = ARENA_ARRAY(evaluator_arena(ev), Value *, 1);
    items[0] = value_string(ev, SLICE("_order"));
    model->ordering = items;
    model->ordering_count = 1;
    for (int i = 0; i < model->local_fields.count; i++)
        if (model->local_fields.items[i]->kind == FIELD_ORDER_WRT) return true;
    DjField *order = field_create_kind(ev, FIELD_ORDER_WRT, false);
    order->editable = false;
    return field_contribute(ev, order, model, django_atom(ev, "_order"));
}

static bool model_add_key(Evaluator *ev, DjModel *model) {
    if (model->pk) return true;
    if (model->parent_count > 0) {
        DjField *field = model->parents[0].link;
        for (int i = 0; i < model->local_fields.count && field; i++)
            if (model->local_fields.items[i]->name == field->name) field = model->local_fields.items[i];
        if (!field) return true;
        field->primary_key = true;
        field->serialize = false;
        model->pk = field;
        return true;
    }
    Slice name = slice_starts_with(model->cls->module->text, "django.contrib.") ? SLICE("AutoField")
                                                                                : model_default_auto_field(ev);
    FieldKind kind = field_kind_named(name);
    DjField *key = field_create_kind(ev, kind == FIELD_OBJECT ? FIELD_BIG_AUTO : kind, true);
    key->primary_key = true;
    key->verbose_name = SLICE("ID");
    return field_contribute(ev, key, model, django_atom(ev, "id"));
}

static void model_make_exceptions(Evaluator *ev, DjModel *model) {
    DjState *state = django_state(ev);
    Class **bases = ARENA_ARRAY(evaluator_arena(ev), Class *, 2 * (model->base_count + 1));
    Class **others = bases + model->base_count + 1;
    int count = 0;
    for (int i = 0; i < model->base_count; i++) {
        if (model->bases[i]->abstract || !model->bases[i]->does_not_exist) continue;
        bases[count] = model->bases[i]->does_not_exist;
        others[count++] = model->bases[i]->multiple_objects_returned;
    }
    if (!count) {
        bases[0] = state->object_does_not_exist;
        others[0] = state->multiple_objects_returned;
        count = 1;
    }
    Atom missing = django_atom(ev, "DoesNotExist"), several = django_atom(ev, "MultipleObjectsReturned");
    model->does_not_exist = class_new(ev, missing, model->cls->module, bases, count);
    model->multiple_objects_returned = class_new(ev, several, model->cls->module, others, count);
    model->does_not_exist->code = CODE_DOES_NOT_EXIST;
    atom_map_set(&model->cls->names, missing, model->does_not_exist);
    atom_map_set(&model->cls->names, several, model->multiple_objects_returned);
}

static bool model_setup_proxy(Evaluator *ev, DjModel *model) {
    DjModel *target = NULL;
    for (int i = 0; i < model->base_count; i++)
        if (!model->bases[i]->abstract) target = model->bases[i];
    if (!target) {
        evaluator_raise_id(ev, EXCEPTION_TYPE, model->cls->node,
                           "Proxy model '%.*s' has no non-abstract model base "
                           "class.",
                           SLICE_ARGS(model->name->text));
        return false;
    }
    if (model->local_fields.count || model->local_many_to_many.count) {
        evaluator_raise(ev, django_state(ev)->field_error, evaluator_span(ev, model->cls->node),
                        "Proxy model '%.*s' contains model fields.", SLICE_ARGS(model->name->text));
        return false;
    }
    model->pk = target->pk;
    model->db_table = target->db_table;
    model->concrete = target->concrete;
    model->local_fields = target->local_fields;
    return true;
}

/* Ordering and get_latest_by come from the nearest base with a table where Meta does not say. */
static void model_inherit_meta(Evaluator *ev, DjModel *model, Class *meta) {
    DjModel *base = NULL;
    for (int i = 1; i < model->cls->mro_count && !base; i++) base = django_model_of_class(model->cls->mro[i]);
    if (!base || base->abstract) return;
    if (!meta_option(ev, meta, "ordering")) {
        model->ordering = base->ordering;
        model->ordering_count = base->ordering_count;
    }
    if (!meta_option(ev, meta, "get_latest_by")) {
        model->get_latest_by = base->get_latest_by;
        model->get_latest_by_count = base->get_latest_by_count;
    }
}

static void model_register(Evaluator *ev, DjModel *model) {
    DjState *state = django_state(ev);
    evaluator_touch(ev, &state->models, sizeof state->models);
    evaluator_touch(ev, &state->generation, sizeof state->generation);
    Models *list = model->from_source ? &state->models : &state->contrib;
    model->sequence = list->count;
    ARENA_PUSH(evaluator_arena(ev), list->items, list->count, list->capacity) = model;
    state->generation++;
}

/* ---- the class statement ---- */

static Class *value_class(Value *value) { return value && value->type->kind == VALUE_CLASS ? (Class *)value : NULL; }

/* Meta of the class itself, else that of an abstract base. */
static Class *model_find_meta(Evaluator *ev, DjModel *model, bool *own) {
    Atom name = django_atom(ev, "Meta");
    Class *meta = value_class(atom_map_get(&model->cls->names, name));
    *own = meta != NULL;
    return meta ? meta : value_class(class_find(model->cls, name));
}

static Atom model_default_label(Evaluator *ev, const Class *cls) {
    Atom configured = cls->defined_in ? app_config_label(ev, cls->defined_in) : NULL;
    if (configured) return configured;
    if (cls->defined_in && cls->defined_in->label.length)
        return atom_intern(evaluator_atoms(ev), cls->defined_in->label);
    /* django.contrib.auth.models → auth; shop.models → shop */
    Slice module = cls->module->text;
    size_t end = module.length;
    if (slice_ends_with(module, ".models") || slice_ends_with(module, ".base_user"))
        while (end > 0 && module.start[end - 1] != '.') end--;
    if (end > 0 && end < module.length) end--;
    size_t start = end;
    while (start > 0 && module.start[start - 1] != '.') start--;
    return atom_intern(evaluator_atoms(ev), slice_sub(module, start, end));
}

static DjModel *model_allocate(Evaluator *ev, Class *cls) {
    DjModel *model = ARENA_NEW(evaluator_arena(ev), DjModel);
    model->cls = cls;
    model->name = cls->name;
    model->model_name = atom_intern(evaluator_atoms(ev), slice_lower(evaluator_arena(ev), cls->name->text));
    model->concrete = model;
    model->building = true;
    model->from_source = !slice_starts_with(cls->module->text, "django.");
    model->app_label = model_default_label(ev, cls);
    class_set_native(cls, &model_native, model);
    return model;
}

static bool model_build(Evaluator *ev, DjModel *model, Class *meta, bool own_meta) {
    Atom abstract = django_atom(ev, "abstract");
    Value *flag = own_meta ? class_find(meta, abstract) : NULL;
    model->abstract = flag && value_truthy(ev, flag);
    if (!model_read_meta(ev, model, meta)) return false;
    if (!model->abstract) model_make_exceptions(ev, model);
    model_inherit_meta(ev, model, meta);
    if (!model_take_body(ev, model)) return false;
    if (model->proxy && !model->abstract && !model_setup_proxy(ev, model)) return false;
    if (!model_inherit(ev, model)) return false;
    if (model->abstract) {
        atom_map_set(&meta->names, abstract, value_bool(ev, false));
        return true;
    }
    if (own_meta) atom_map_remove(&model->cls->names, django_atom(ev, "Meta"));
    return model_add_order(ev, model) && model_add_key(ev, model);
}

bool model_subclassed(Evaluator *ev, Class *cls, const Arguments *class_keywords) {
    (void)class_keywords;
    if (django_model_of_class(cls)) return true;
    DjModel *model = model_allocate(ev, cls);
    model_find_bases(ev, model);
    bool own_meta;
    Class *meta = model_find_meta(ev, model, &own_meta);
    bool fine = model_build(ev, model, meta, own_meta);
    model->building = false;
    if (!fine) return false;
    if (!model->abstract) {
        constraints_name(ev, model);
        model_register(ev, model);
    }
    managers_attach(ev, model);
    return !evaluator_error_pending(ev);
}

/* ---- automatic through models ---- */

static DjField *through_foreign_key(Evaluator *ev, DjField *owner, Value *target, Atom hidden_name) {
    DjField *key = field_create_kind(ev, FIELD_FOREIGN_KEY, false);
    key->db_tablespace = owner->db_tablespace;
    key->rel = arena_allocate_zeroed(evaluator_arena(ev), sizeof *key->rel);
    *key->rel = (DjRel){.head = {&django_rel_type, evaluator_object_class(ev)},
                        .field = key,
                        .target = target,
                        .one_to_many = true,
                        .multiple = true,
                        .related_name = hidden_name,
                        .db_constraint = owner->rel->db_constraint,
                        .on_delete = ON_DELETE_CASCADE};
    return key;
}

/* The model name of what a ManyToManyField points to, known before the model itself. */
static Slice reference_model_name(Evaluator *ev, Value *target, const DjModel *from) {
    if (!value_is_text(target)) {
        DjModel *model = django_model_of_value(target);
        return model ? model->model_name->text : (Slice){"", 0};
    }
    Slice text = value_text(target);
    if (slice_equals_text(text, "self")) return from->model_name->text;
    size_t start = text.length;
    while (start > 0 && text.start[start - 1] != '.') start--;
    return slice_lower(evaluator_arena(ev), slice_sub(text, start, text.length));
}

static Atom through_table(Evaluator *ev, const DjField *field, const DjModel *from) {
    if (field->db_table.length) return atom_intern(evaluator_atoms(ev), field->db_table);
    Slice table = from->db_table->text;
    if (table.length > 1 && table.start[0] == '"' && table.start[table.length - 1] == '"')
        table = slice_sub(table, 1, table.length - 1);
    const Dialect *dialect = evaluator_dialect(ev);
    Slice name = slice_format(evaluator_arena(ev), "%.*s_%.*s", SLICE_ARGS(table), SLICE_ARGS(field->name->text));
    return atom_intern(evaluator_atoms(ev),
                       name_truncate(evaluator_arena(ev), name, dialect ? dialect->max_name_length : 0, 4));
}

DjModel *model_create_automatic(Evaluator *ev, DjField *field, DjModel *from) {
    DjState *state = django_state(ev);
    Arena *arena = evaluator_arena(ev);
    Atom name = django_atom_format(ev, "%.*s_%.*s", SLICE_ARGS(from->name->text), SLICE_ARGS(field->name->text));
    Class *cls = class_new(ev, name, from->cls->module, &state->model_class, 1);
    /* reachable by its name where the text imports nothing (Book_authors) */
    ModuleValue *home = from->cls->defined_in;
    if (home && !atom_map_get(&home->names, name)) atom_map_set(&home->names, name, cls);
    cls->defined_in = from->cls->defined_in;
    DjModel *model = model_allocate(ev, cls);
    model->app_label = from->app_label;
    model->db_table = through_table(ev, field, from);
    Atom table = model->db_table;
    if (!model_read_meta(ev, model, NULL)) return NULL;
    model->db_table = table;
    model->auto_created = true;
    model->auto_created_for = field;
    model->db_tablespace = from->db_tablespace;
    model_make_exceptions(ev, model);
    Slice to = reference_model_name(ev, field->rel->target, from), own = from->model_name->text;
    bool same = slice_equals(to, own);
    Atom own_name = django_atom_format(ev, "%s%.*s", same ? "from_" : "", SLICE_ARGS(own));
    Atom to_name = django_atom_format(ev, "%s%.*s", same ? "to_" : "", SLICE_ARGS(to));
    Atom hidden = django_atom_format(ev, "%.*s+", SLICE_ARGS(name->text));
    Value *target = field->rel->target;
    if (value_is_text(target) && slice_equals_text(value_text(target), "self")) target = (Value *)from->cls;
    struct DjTogether *together = ARENA_NEW(arena, struct DjTogether);
    together->names = ARENA_ARRAY(arena, Atom, 2);
    together->names[0] = own_name;
    together->names[1] = to_name;
    together->count = 2;
    model->unique_together = together;
    model->unique_together_count = 1;
    DjField *first = through_foreign_key(ev, field, (Value *)from->cls, hidden);
    DjField *second = through_foreign_key(ev, field, target, hidden);
    if (!field_contribute(ev, first, model, own_name) || !field_contribute(ev, second, model, to_name) ||
        !model_add_key(ev, model))
        return NULL;
    model->verbose_name =
        slice_format(arena, "%.*s-%.*s relationship", SLICE_ARGS(own_name->text), SLICE_ARGS(to_name->text));
    model->building = false;
    model_register(ev, model);
    managers_attach(ev, model);
    return model;
}
