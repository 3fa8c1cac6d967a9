/*
 * Field objects: `models.CharField(max_length=100)` evaluates to a DjField. Input: the call's arguments; output: the
 * options as members (field_options.c). What follows from belonging to a model (name, column) is set by
 * field_contribute.
 *
 * Invariants: a DjField's `kind` is the nearest class of Django itself among its class's ancestors, so the program's
 * own subclasses behave as what they derive from, with their overridden methods found by field_override.
 *
 * Example: class Upper(CharField): def get_prep_value(…) … gives kind FIELD_CHAR and an override of get_prep_value.
 */
#include "compiler/django/model_build.h"
#include "compiler/django/registered.h"

static const FieldKindInfo field_kinds[FIELD_KIND_COUNT] = {
    [FIELD_OBJECT] = {"object", FIELD_OBJECT, FIELD_OBJECT, SQL_UNKNOWN, 0},
#define A FIELD_FLAG_AUTO
#define T FIELD_FLAG_TEXT
#define R FIELD_FLAG_RELATION
#define N FIELD_FLAG_NO_COLUMN
#define FIELD(kind, class, base, internal, sql_type, home, flags)                                                      \
    [FIELD_##kind] = {#class, FIELD_##base, FIELD_##internal, SQL_##sql_type, flags},
#include "compiler/django/fields.def"
#undef FIELD
#undef A
#undef T
#undef R
#undef N
};

const FieldKindInfo *field_kind_info(FieldKind kind) { return &field_kinds[kind]; }

bool field_kind_is(FieldKind kind, FieldKind base) {
    while (kind != FIELD_OBJECT && kind != base) kind = field_kinds[kind].base;
    return kind == base;
}

static const NativeKind field_native = {"FieldKindInfo"};

static FieldKind field_kind_of_class(const Class *cls) {
    for (int i = 0; i < cls->mro_count; i++) {
        const FieldKindInfo *info = class_native(cls->mro[i], &field_native);
        if (info) return (FieldKind)(info - field_kinds);
    }
    return FIELD_OBJECT;
}

FieldKind field_kind_named(Slice class_name) {
    for (int kind = 0; kind < FIELD_KIND_COUNT; kind++) {
        if (slice_equals_text(class_name, field_kinds[kind].class_name)) return (FieldKind)kind;
    }
    return FIELD_OBJECT;
}

/* ---- making ---- */

static void field_set_defaults(DjField *field, FieldKind kind) {
    field->kind = kind;
    field->internal = field_kinds[kind].internal;
    field->sql_type = field_kinds[kind].sql_type;
    field->max_length = field->max_digits = field->decimal_places = field->array_size = -1;
    field->editable = field->serialize = true;
    field->for_concrete_model = true;
    field->is_relation = (field_kinds[kind].flags & FIELD_FLAG_RELATION) != 0;
    field->many_to_one = kind == FIELD_FOREIGN_OBJECT || kind == FIELD_FOREIGN_KEY || kind == FIELD_GENERIC_FOREIGN_KEY;
    field->one_to_one = kind == FIELD_ONE_TO_ONE;
    field->many_to_many = kind == FIELD_MANY_TO_MANY;
    field->one_to_many = kind == FIELD_GENERIC_RELATION;
    field->private_only = kind == FIELD_GENERIC_FOREIGN_KEY || kind == FIELD_GENERIC_RELATION;
    field->unique = kind == FIELD_ONE_TO_ONE;
    field->blank = (field_kinds[kind].flags & FIELD_FLAG_AUTO) != 0;
    switch ((int)kind) {
    case FIELD_SLUG: field->max_length = 50; break;
    case FIELD_EMAIL:
    case FIELD_CI_EMAIL: field->max_length = 254; break;
    case FIELD_URL: field->max_length = 200; break;
    case FIELD_FILE:
    case FIELD_IMAGE:
    case FIELD_FILE_PATH: field->max_length = 100; break;
    case FIELD_GENERIC_IP_ADDRESS: field->max_length = 39; break;
    case FIELD_IP_ADDRESS: field->max_length = 15; break;
    case FIELD_UUID: field->max_length = 32; break;
    case FIELD_BINARY: field->editable = false; break;
    default: break;
    }
    field->db_index = kind == FIELD_SLUG || kind == FIELD_FOREIGN_KEY || kind == FIELD_ONE_TO_ONE;
}

static DjField *field_allocate(Evaluator *ev, Class *cls, FieldKind kind) {
    DjField *field = instance_allocate(ev, cls, sizeof *field);
    field->head.head.type = &django_field_type;
    field_set_defaults(field, kind);
    DjState *state = django_state(ev);
    evaluator_touch(ev, &state->creation, sizeof state->creation);
    field->creation = state->creation++;
    return field;
}

static Value *field_create(Evaluator *ev, Class *cls, const Arguments *arguments) {
    (void)arguments;
    return (Value *)field_allocate(ev, cls, field_kind_of_class(cls));
}

typedef enum FieldHome {
    HOME_MODELS = FIELDS_MODELS,
    HOME_POSTGRES = FIELDS_POSTGRES,
    HOME_SEARCH = FIELDS_SEARCH,
    HOME_CONTENTTYPES = FIELDS_CONTENTTYPES,
    HOME_INTERNAL
} FieldHome;

static FieldHome field_home(FieldKind kind) {
    static const uint8_t homes[FIELD_KIND_COUNT] = {
#define FIELD(kind, class, base, internal, sql_type, home, flags) [FIELD_##kind] = HOME_##home,
#include "compiler/django/fields.def"
#undef FIELD
    };
    return (FieldHome)homes[kind];
}

static Class *field_class(Evaluator *ev, ModuleValue *module, FieldKind kind);

/*
 * An expression may have the type of a field whose module the program has not imported. Importing it in the middle of
 * a path lasts, but the end of the path puts the family's state back.
 */
static void field_class_need(Evaluator *ev, FieldKind kind) {
    static const char *const modules[] = {"django.db.models", "django.contrib.postgres.fields",
                                          "django.contrib.postgres.search", "django.contrib.contenttypes.fields",
                                          "django.db.models"};
    if (django_state(ev)->field_classes[kind]) return;
    ModuleValue *module = evaluator_import(ev, modules[field_home(kind)]);
    field_class(ev, module, kind);
}

DjField *field_create_kind(Evaluator *ev, FieldKind kind, bool auto_created) {
    django_state_prepare(ev);
    DjState *state = django_state(ev);
    field_class_need(ev, kind);
    DjField *field = field_allocate(ev, state->field_classes[kind], kind);
    if (auto_created) {
        evaluator_touch(ev, &state->auto_creation, sizeof state->auto_creation);
        field->auto_created = true;
        field->creation = --state->auto_creation;
    }
    return field;
}

DjField *field_new(Evaluator *ev, FieldKind kind) { return field_create_kind(ev, kind, false); }

DjField *field_copy(Evaluator *ev, DjField *field) {
    DjField *copy = instance_allocate(ev, field->head.head.cls, sizeof *copy);
    AtomMap own = atom_map_copy(&field->head.attributes, evaluator_arena(ev));
    *copy = *field;
    copy->head.attributes = own;
    copy->contributed = copy->resolved = false;
    copy->model = NULL;
    copy->local_fields = copy->foreign_fields = (Fields){0};
    if (field->rel) {
        copy->rel = arena_allocate_zeroed(evaluator_arena(ev), sizeof *copy->rel);
        *copy->rel = *field->rel;
        copy->rel->field = copy;
        copy->rel->model = NULL;
        copy->rel->name = copy->rel->accessor = NULL;
        if (field->kind == FIELD_MANY_TO_MANY && !field->rel->through_ref) copy->rel->through = NULL;
    }
    return copy;
}

/* ---- __init__ ---- */

static bool field_take_positional(Evaluator *ev, DjField *field, const Arguments *arguments) {
    const char *names = field_positional(field->kind);
    for (int i = 0; i < arguments->count; i++) {
        const char *end = strchr(names, ' ');
        Slice name = {names, end ? (size_t)(end - names) : strlen(names)};
        if (name.length == 0) {
            evaluator_raise_id(ev, EXCEPTION_TYPE, arguments->nodes[i],
                               "%s.__init__() takes %d positional arguments "
                               "but %d were given",
                               field_kinds[field->kind].class_name, i + 1, arguments->count + 1);
            return false;
        }
        field_set_option(ev, field, name, arguments->items[i]);
        names = end ? end + 1 : names + name.length;
    }
    return true;
}

static bool field_take_keywords(Evaluator *ev, DjField *field, const Arguments *arguments) {
    for (int i = 0; i < arguments->keyword_count; i++) {
        const Keyword *keyword = &arguments->keywords[i];
        if (field_set_option(ev, field, keyword->name->text, keyword->value)) continue;
        if (field->kind == FIELD_COMPOSITE_KEY) continue;
        evaluator_raise(ev, evaluator_exception(ev, EXCEPTION_TYPE), evaluator_keyword_span(ev, keyword),
                        "Field.__init__() got an unexpected keyword argument '%.*s'", SLICE_ARGS(keyword->name->text));
        field_option_suggest(ev, keyword->name->text);
        return false;
    }
    return true;
}

static bool field_init_composite(Evaluator *ev, DjField *field, const Arguments *arguments) {
    field->key_names = ARENA_ARRAY(evaluator_arena(ev), Atom, arguments->count + 1);
    for (int i = 0; i < arguments->count; i++) {
        Atom name = value_is_text(arguments->items[i]) ? value_as_atom(ev, arguments->items[i]) : NULL;
        if (name) field->key_names[field->key_count++] = name;
    }
    field->primary_key = true;
    field->editable = false;
    field->blank = true;
    if (field->key_count > 1) return true;
    evaluator_raise_id(ev, EXCEPTION_VALUE, arguments->site, "CompositePrimaryKey must include at least two fields.");
    return false;
}

/* What the constructors add to the options as given. */
static bool field_finish(Evaluator *ev, DjField *field, const Arguments *arguments) {
    if (field->auto_now || field->auto_now_add) field->editable = false, field->blank = true;
    if (field->kind == FIELD_ORDER_WRT) field->editable = false;
    if (field->kind == FIELD_GENERIC_FOREIGN_KEY) {
        if (!field->ct_field) field->ct_field = django_atom(ev, "content_type");
        if (!field->fk_field) field->fk_field = django_atom(ev, "object_id");
        field->editable = false;
    }
    if (field->kind == FIELD_GENERIC_RELATION) {
        if (!field->ct_field) field->ct_field = django_atom(ev, "content_type");
        if (!field->fk_field) field->fk_field = django_atom(ev, "object_id");
        field->null = field->blank = true;
        field->editable = field->serialize = false;
        field->rel->on_delete = ON_DELETE_CASCADE;
    }
    if (field->kind == FIELD_GENERATED) {
        if (!field->output_field || !field->expression) {
            evaluator_raise_id(ev, EXCEPTION_VALUE, arguments->site,
                               "GeneratedField.output_field must be a Field "
                               "instance.");
            return false;
        }
        field->editable = false;
        field->blank = true;
    }
    if (field->kind == FIELD_ARRAY && !field->base_field) {
        evaluator_raise_id(ev, EXCEPTION_TYPE, arguments->site,
                           "ArrayField.__init__() missing 1 required positional "
                           "argument: 'base_field'");
        return false;
    }
    DjRel *rel = field->rel;
    if (rel && field->kind != FIELD_GENERIC_RELATION && !rel->target) {
        evaluator_raise_id(ev, EXCEPTION_TYPE, arguments->site,
                           "%s.__init__() missing 1 required positional argument: "
                           "'to'",
                           field_kinds[field->kind].class_name);
        return false;
    }
    if (rel && field_kind_is(field->kind, FIELD_FOREIGN_KEY) && !rel->on_delete_value) {
        evaluator_raise_id(ev, EXCEPTION_TYPE, arguments->site,
                           "%s.__init__() missing 1 required positional argument: "
                           "'on_delete'",
                           field_kinds[field->kind].class_name);
        return false;
    }
    return true;
}

static void field_init_relation(Evaluator *ev, DjField *field) {
    FieldKind kind = field->kind;
    if (kind == FIELD_GENERIC_FOREIGN_KEY || !field->is_relation || field->rel) return;
    field->rel = arena_allocate_zeroed(evaluator_arena(ev), sizeof *field->rel);
    field->rel->head = (Value){&django_rel_type, evaluator_object_class(ev)};
    field->rel->field = field;
    field->rel->db_constraint = true;
    field->rel->one_to_one = kind == FIELD_ONE_TO_ONE;
    field->rel->many_to_many = kind == FIELD_MANY_TO_MANY;
    field->rel->one_to_many = !field->rel->one_to_one && !field->rel->many_to_many;
    field->rel->multiple = kind != FIELD_ONE_TO_ONE;
}

static bool value_is_self_reference(Value *target) {
    return value_is_text(target) && slice_equals_text(value_text(target), "self");
}

static Value *field_init(Evaluator *ev, Value *self, const Arguments *arguments) {
    DjField *field = value_as_field(self);
    if (!field) return evaluator_raise_id(ev, EXCEPTION_TYPE, arguments->site, "descriptor requires a Field object");
    field_init_relation(ev, field);
    if (field->kind == FIELD_COMPOSITE_KEY) {
        if (!field_init_composite(ev, field, arguments)) return NULL;
    } else if (!field_take_positional(ev, field, arguments)) {
        return NULL;
    }
    if (!field_take_keywords(ev, field, arguments) || !field_finish(ev, field, arguments)) return NULL;
    if (field->kind == FIELD_MANY_TO_MANY && field->rel->target && value_is_self_reference(field->rel->target) &&
        !arguments_keyword(arguments, django_atom(ev, "symmetrical"))) {
        field->rel->symmetrical = true;
    }
    if (field->auto_created) {
        DjState *state = django_state(ev);
        evaluator_touch(ev, &state->auto_creation, sizeof state->auto_creation);
        field->creation = --state->auto_creation;
    }
    return value_none(ev);
}

/* ---- methods that programs call or override ---- */

static Value *field_get_internal_type(Evaluator *ev, Value *self, const Arguments *arguments) {
    (void)arguments;
    FieldKind kind = field_kinds[value_as_field(self)->kind].internal;
    return value_string(ev, slice_from(field_kinds[kind].class_name));
}

static Value *field_contribute_method(Evaluator *ev, Value *self, const Arguments *arguments) {
    Value *cls = NULL, *name = NULL, *rest = NULL, *private_only = NULL;
    if (!arguments_bind(ev, arguments, "contribute_to_class", "cls name | private_only **rest", &cls, &name,
                        &private_only, &rest))
        return NULL;
    DjModel *model = django_model_of_value(cls);
    if (model && value_is_text(name) && !field_contribute(ev, value_as_field(self), model, value_as_atom(ev, name)))
        return NULL;
    return value_none(ev);
}

static Value *field_argument(Evaluator *ev, Value *self, const Arguments *arguments) {
    (void)self;
    return arguments->count ? arguments->items[0] : value_none(ev);
}

static Value *field_clone(Evaluator *ev, Value *self, const Arguments *arguments) {
    (void)arguments;
    return (Value *)field_copy(ev, value_as_field(self));
}

static Value *field_deconstruct(Evaluator *ev, Value *self, const Arguments *arguments) {
    (void)arguments;
    DjField *field = value_as_field(self);
    Value *parts[4] = {field->name ? value_atom(ev, field->name) : value_none(ev),
                       value_string(ev, slice_from(field_kinds[field->kind].class_name)), (Value *)value_list(ev),
                       (Value *)value_dict(ev)};
    return value_tuple(ev, parts, 4);
}

static Value *field_default_method(Evaluator *ev, Value *self, const Arguments *arguments) {
    DjField *field = value_as_field(self);
    Value *value = field->default_value;
    if (!value) return value_none(ev);
    return value_is_callable(value) ? value_call_with(ev, value, NULL, 0, arguments->site) : value;
}

static Value *field_has_default(Evaluator *ev, Value *self, const Arguments *arguments) {
    (void)arguments;
    return value_bool(ev, value_as_field(self)->default_value != NULL);
}

static Value *field_nothing(Evaluator *ev, Value *self, const Arguments *arguments) {
    (void)self, (void)arguments;
    return value_none(ev);
}

static Value *field_no_type(Evaluator *ev, Value *self, const Arguments *arguments) {
    (void)self;
    return value_unknown_at(ev, arguments->site);
}

static Value *field_attname_column(Evaluator *ev, Value *self, const Arguments *arguments) {
    (void)arguments;
    const DjField *field = value_as_field(self);
    Value *parts[2] = {field->attname ? value_atom(ev, field->attname) : value_none(ev),
                       field->column ? value_atom(ev, field->column) : value_none(ev)};
    return value_tuple(ev, parts, 2);
}

static const NativeMethod field_methods[] = {
    {"__init__", field_init, NATIVE_METHOD, NULL},
    {"get_internal_type", field_get_internal_type, NATIVE_METHOD, NULL},
    {"contribute_to_class", field_contribute_method, NATIVE_METHOD, NULL},
    {"get_attname_column", field_attname_column, NATIVE_METHOD, NULL},
    {"get_prep_value", field_argument, NATIVE_METHOD, NULL},
    {"get_db_prep_value", field_argument, NATIVE_METHOD, NULL},
    {"get_db_prep_save", field_argument, NATIVE_METHOD, NULL},
    {"to_python", field_argument, NATIVE_METHOD, NULL},
    {"validate", field_nothing, NATIVE_METHOD, NULL},
    {"clean", field_argument, NATIVE_METHOD, NULL},
    {"check", field_nothing, NATIVE_METHOD, NULL},
    {"clone", field_clone, NATIVE_METHOD, NULL},
    {"register_lookup", dj_method_register_lookup, NATIVE_CLASSMETHOD, NULL},
    {"deconstruct", field_deconstruct, NATIVE_METHOD, NULL},
    {"get_default", field_default_method, NATIVE_METHOD, NULL},
    {"has_default", field_has_default, NATIVE_METHOD, NULL},
    {"formfield", field_no_type, NATIVE_METHOD, NULL},
    {"db_type", field_no_type, NATIVE_METHOD, NULL},
    {NULL, NULL, NATIVE_METHOD, NULL},
};

/* The program's override: found before the class that Django itself defines. */
Value *field_override(Evaluator *ev, const DjField *field, const char *method) {
    const Class *cls = field->head.head.cls;
    if (class_native(cls, &field_native)) return NULL;
    Atom name = django_atom(ev, method);
    for (int i = 0; i < cls->mro_count; i++) {
        const Class *at = cls->mro[i];
        if (!at->node && field_kind_of_class(at) != FIELD_OBJECT) return NULL;
        Value *found = atom_map_get(&at->names, name);
        if (found) return found;
    }
    return NULL;
}

/* ---- the Python value ---- */

static bool field_set_attribute(Evaluator *ev, Value *self, Atom name, Value *value, const Node *site) {
    (void)site;
    DjField *field = value_as_field(self);
    evaluator_touch(ev, field, sizeof *field);
    if (!field_set_option(ev, field, name->text, value)) instance_set(ev, self, name, value);
    return true;
}

static void field_describe(Evaluator *ev, Value *self, Buffer *out) {
    (void)ev;
    DjField *field = value_as_field(self);
    const char *name = field_kinds[field->kind].class_name;
    if (field->name && field->model) {
        buffer_format(out, "<django.db.models.fields.%s: %.*s>", name, SLICE_ARGS(field->name->text));
    } else {
        buffer_format(out, "<django.db.models.fields.%s>", name);
    }
}

static Truth field_truth(Evaluator *ev, Value *self, const Node *site) {
    (void)ev, (void)self, (void)site;
    return TRUTH_TRUE;
}

const Type django_field_type = {.name = "Field",
                                .kind = VALUE_NATIVE,
                                .get_attribute = field_get_attribute,
                                .set_attribute = field_set_attribute,
                                .describe = field_describe,
                                .truth = field_truth,
                                .has_attributes = true};

/* ---- the modules' names ---- */

static Class *field_class(Evaluator *ev, ModuleValue *module, FieldKind kind) {
    DjState *state = django_state(ev);
    if (state->field_classes[kind]) return state->field_classes[kind];
    Class *base = field_kinds[kind].base == FIELD_OBJECT ? NULL : field_class(ev, module, field_kinds[kind].base);
    NativeClass spec = {.name = field_kinds[kind].class_name,
                        .instance_type = &django_field_type,
                        .methods = kind == FIELD_FIELD ? field_methods : NULL,
                        .create = field_create};
    Class *cls = module_define_class(ev, module, &spec, base);
    class_set_native(cls, &field_native, &field_kinds[kind]);
    evaluator_touch(ev, &state->field_classes[kind], sizeof state->field_classes[kind]);
    state->field_classes[kind] = cls;
    return cls;
}

void fields_define(Evaluator *ev, ModuleValue *module, FieldsOf wanted) {
    for (int kind = FIELD_FIELD; kind < FIELD_KIND_COUNT; kind++) {
        FieldHome home = field_home((FieldKind)kind);
        bool internal = home == HOME_INTERNAL && wanted == FIELDS_MODELS;
        if ((int)home != (int)wanted && !internal) continue;
        Class *cls = field_class(ev, module, (FieldKind)kind);
        if (!internal) module_define(ev, module, field_kinds[kind].class_name, (Value *)cls);
    }
}
