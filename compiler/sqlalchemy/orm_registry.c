/*
 * Registries and the bases that map what is derived from them: DeclarativeBase, declarative_base(), registry(),
 * MappedAsDataclass, @mapped, map_imperatively(), declared_attr.
 *
 * Input: class statements and calls. Output: a Registry (class names, MetaData, type map) per base; mapping itself is
 * orm_declarative.c's.
 * Invariant: the registry of a class is the nearest `registry` attribute along its mro.
 */
#include "compiler/sqlalchemy/session.h"

typedef struct MadeAttribute {
    const Class *cls;
    Value *value;
} MadeAttribute;

typedef struct DeclaredAttr {
    Value head;
    Value *function;
    MadeAttribute *made; /* what the function gave each class */
    int made_count, made_capacity;
} DeclaredAttr;

static Value *declared_attr_bound(Evaluator *ev, Value *self, Value *instance, Class *cls, const Node *site) {
    (void)site;
    (void)instance;
    return declared_attr_call(ev, self, cls);
}

static Value *declared_attr_get(Evaluator *ev, Value *self, Atom name, const Node *site) {
    (void)site;
    (void)ev;
    (void)name;
    return self;
}

const Type orm_declared_attr_type = {.name = "declared_attr",
                                     .kind = VALUE_NATIVE,
                                     .get_attribute = declared_attr_get,
                                     .get_bound = declared_attr_bound};

static Value *declared_attr_function(const Value *attribute) {
    Value *function = ((const DeclaredAttr *)attribute)->function;
    return value_is(function, VALUE_CLASSMETHOD) ? ((WrapperValue *)function)->function : function;
}

/* One value a class, however often its mapping asks: relationship(foreign_keys=[cls.owner_id]) means the column that
 * the class gets. */
Value *declared_attr_call(Evaluator *ev, Value *attribute, Class *cls) {
    DeclaredAttr *declared = (DeclaredAttr *)attribute;
    Value *self = &cls->head;
    for (int i = 0; i < declared->made_count; i++)
        if (declared->made[i].cls == cls) return declared->made[i].value;
    Value *function = declared_attr_function(attribute);
    Value *made = value_call_with(ev, function, &self, 1, cls->node);
    if (!made) return NULL;
    evaluator_touch(ev, declared, sizeof *declared);
    ARENA_PUSH(evaluator_arena(ev), declared->made, declared->made_count, declared->made_capacity) =
        (MadeAttribute){cls, made};
    return made;
}

/* The annotation of what the function gives back. */
const Node *declared_attr_annotation(const Value *attribute) {
    Value *function = declared_attr_function(attribute);
    if (!value_is(function, VALUE_FUNCTION)) return NULL;
    const Node *node = ((const FunctionValue *)function)->node;
    return node && node->kind == NODE_FunctionDef ? NODE_AS(FunctionDef, (Node *)node)->returns : NULL;
}

static Value *declared_attr_create(Evaluator *ev, Class *cls, const Arguments *arguments) {
    if (!arguments->count)
        return evaluator_raise_id(ev, EXCEPTION_TYPE, arguments->site, "declared_attr() takes a function");
    DeclaredAttr *made = ARENA_NEW(evaluator_arena(ev), DeclaredAttr);
    made->head = (Value){&orm_declared_attr_type, cls};
    made->function = arguments->items[0];
    return &made->head;
}

static Value *declared_attr_class_attribute(Evaluator *ev, Class *cls, Atom name, const Node *site) {
    (void)site;
    (void)ev;
    (void)name;
    return &cls->head; /* declared_attr.directive, .cascading */
}

/* ---- registry ---- */

static const Type registry_type = {.name = "registry", .kind = VALUE_NATIVE, .has_attributes = true};

Registry *registry_new(Evaluator *ev, MetaData *metadata) {
    Registry *registry = instance_allocate(ev, orm_state(ev)->registry, sizeof *registry);
    registry->metadata = metadata ? metadata : metadata_new(ev);
    atom_map_init(&registry->classes, evaluator_arena(ev));
    instance_set(ev, &registry->head.head, orm_atom(ev, "metadata"), &registry->metadata->head.head);
    return registry;
}

Registry *registry_of_class(Evaluator *ev, Class *cls) {
    Value *found = class_find(cls, orm_atom(ev, "registry"));
    if (!found) found = class_find(cls, orm_atom(ev, "_sa_registry"));
    if (found && found->type == &registry_type) return (Registry *)found;
    return NULL;
}

static void registry_read(Evaluator *ev, Registry *registry, Value *metadata, Value *type_map) {
    if (metadata && value_is_metadata(ev, metadata)) {
        registry->metadata = (MetaData *)metadata;
        instance_set(ev, &registry->head.head, orm_atom(ev, "metadata"), metadata);
    }
    if (type_map && value_is(type_map, VALUE_DICT)) registry->type_map = (DictValue *)type_map;
}

static Value *registry_create(Evaluator *ev, Class *cls, const Arguments *arguments) {
    (void)cls;
    Registry *registry = registry_new(ev, NULL);
    registry_read(ev, registry, arguments_keyword(arguments, orm_atom(ev, "metadata")),
                  arguments_keyword(arguments, orm_atom(ev, "type_annotation_map")));
    return &registry->head.head;
}

static bool base_subclassed(Evaluator *ev, Class *cls, const Arguments *keywords) {
    OrmState *state = orm_state(ev);
    Registry *registry = registry_of_class(ev, cls);
    bool direct = false; /* `class Base(DeclarativeBase)` makes a registry of its own */
    for (int i = 0; i < cls->base_count; i++)
        if (cls->bases[i] == state->declarative_base || cls->bases[i] == state->declarative_base_no_meta) direct = true;
    if (!registry && !direct) return true; /* a mixin such as MappedAsDataclass alone */
    if (!registry || (direct && !atom_map_get(&cls->names, orm_atom(ev, "registry")))) {
        registry = registry_new(ev, NULL);
        Value *metadata = class_find(cls, orm_atom(ev, "metadata"));
        registry_read(ev, registry, metadata, class_find(cls, orm_atom(ev, "type_annotation_map")));
        value_set_attribute(ev, &cls->head, orm_atom(ev, "registry"), &registry->head.head, cls->node);
    }
    if (direct) {
        if (!atom_map_get(&cls->names, orm_atom(ev, "metadata")))
            value_set_attribute(ev, &cls->head, orm_atom(ev, "metadata"), &registry->metadata->head.head, cls->node);
        return true;
    }
    Value *abstract = atom_map_get(&cls->names, orm_atom(ev, "__abstract__"));
    if (abstract && value_is_true(abstract)) return true;
    (void)keywords;
    return declarative_map(ev, cls, registry, NULL, false);
}

static Class *base_class(Evaluator *ev, const char *name, Registry *registry, Value *from, const Node *site) {
    OrmState *state = orm_state(ev);
    Class *bases[3];
    int count = 0;
    if (from && value_is(from, VALUE_CLASS)) bases[count++] = (Class *)from;
    bases[count++] = state->declarative_root;
    Class *cls = class_new(ev, orm_atom(ev, name), orm_atom(ev, "sqlalchemy.orm"), bases, count);
    cls->subclassed = base_subclassed;
    value_set_attribute(ev, &cls->head, orm_atom(ev, "registry"), &registry->head.head, site);
    value_set_attribute(ev, &cls->head, orm_atom(ev, "metadata"), &registry->metadata->head.head, site);
    return cls;
}

static Value *call_declarative_base(Evaluator *ev, Value *self, const Arguments *arguments) {
    (void)self;
    Registry *registry = registry_new(ev, NULL);
    Value *metadata = arguments_keyword(arguments, orm_atom(ev, "metadata"));
    registry_read(ev, registry, metadata, arguments_keyword(arguments, orm_atom(ev, "type_annotation_map")));
    return &base_class(ev, "Base", registry, arguments_keyword(arguments, orm_atom(ev, "cls")), arguments->site)->head;
}

static Value *registry_generate_base(Evaluator *ev, Value *self, const Arguments *arguments) {
    return &base_class(ev, "Base", (Registry *)self, arguments_keyword(arguments, orm_atom(ev, "cls")), arguments->site)
                ->head;
}

static Value *registry_mapped(Evaluator *ev, Value *self, const Arguments *arguments) {
    if (!arguments->count || !value_is(arguments->items[0], VALUE_CLASS)) /* mapped_as_dataclass(init=False) */
        return value_native_function(ev, "mapped", registry_mapped, self);
    if (!self || self->type != &registry_type) self = evaluator_native_data(ev);
    Class *cls = (Class *)arguments->items[0];
    value_set_attribute(ev, &cls->head, orm_atom(ev, "_sa_registry"), self, arguments->site);
    if (!declarative_map(ev, cls, (Registry *)self, NULL, false)) return NULL;
    return &cls->head;
}

static Value *registry_map_imperatively(Evaluator *ev, Value *self, const Arguments *arguments) {
    if (arguments->count < 1 || !value_is(arguments->items[0], VALUE_CLASS))
        return evaluator_raise_id(ev, EXCEPTION_TYPE, arguments->site, "map_imperatively() takes a class");
    Class *cls = (Class *)arguments->items[0];
    Value *table =
        arguments->count > 1 ? arguments->items[1] : arguments_keyword(arguments, orm_atom(ev, "local_table"));
    MapperSpec spec = {.cls = cls, .registry = (Registry *)self, .site = arguments->site};
    spec.arguments = value_dict(ev);
    atom_map_init(&spec.properties, evaluator_arena(ev));
    if (table && !value_is_none(table)) spec.table = element_of(ev, table);
    for (int i = 0; i < arguments->keyword_count; i++) {
        Keyword *keyword = &arguments->keywords[i];
        dict_set(ev, spec.arguments, value_atom(ev, keyword->name), keyword->value, keyword->node);
        if (slice_equals_text(keyword->name->text, "inherits")) {
            spec.inherits = value_is(keyword->value, VALUE_CLASS) ? mapper_of_class((Class *)keyword->value) : NULL;
        } else if (slice_equals_text(keyword->name->text, "properties") && value_is(keyword->value, VALUE_DICT)) {
            DictValue *dict = (DictValue *)keyword->value;
            for (int j = 0; j < dict->count; j++)
                atom_map_set(&spec.properties, value_as_atom(ev, dict->entries[j].key), dict->entries[j].value);
        }
    }
    for (int i = 1; i < cls->mro_count && !spec.inherits; i++) spec.inherits = mapper_of_class(cls->mro[i]);
    if (!spec.table && !spec.inherits)
        return sa_raise(ev, SA_ARGUMENT_ERROR, arguments->site, "Mapper for %s has no table", cls->name->text.start);
    Mapper *mapper = mapper_new(ev, &spec);
    if (!mapper) return NULL;
    orm_adopt_class(ev, cls);
    mapper_instrument(ev, mapper);
    return orm_mapper_value(ev, mapper);
}

static Value *registry_configure(Evaluator *ev, Value *self, const Arguments *arguments) {
    (void)self;
    (void)arguments;
    return mappers_configure(ev) ? value_none(ev) : NULL;
}

static const NativeMethod registry_methods[] = {
    {"generate_base", registry_generate_base, NATIVE_METHOD, NULL},
    {"mapped", registry_mapped, NATIVE_METHOD, NULL},
    {"mapped_as_dataclass", registry_mapped, NATIVE_METHOD, NULL},
    {"map_imperatively", registry_map_imperatively, NATIVE_METHOD, NULL},
    {"configure", registry_configure, NATIVE_METHOD, NULL},
    {0},
};

/* @as_declarative() */
static Value *decorate_base(Evaluator *ev, Value *self, const Arguments *arguments) {
    (void)self;
    Registry *registry = registry_new(ev, NULL);
    if (!arguments->count || !value_is(arguments->items[0], VALUE_CLASS)) return value_none(ev);
    Class *cls = (Class *)arguments->items[0];
    return &base_class(ev, cls->name->text.start, registry, &cls->head, arguments->site)->head;
}

static Value *call_as_declarative(Evaluator *ev, Value *self, const Arguments *arguments) {
    (void)self;
    (void)arguments;
    return value_native_function(ev, "as_declarative", decorate_base, NULL);
}

static Value *identity_decorator(Evaluator *ev, Value *self, const Arguments *arguments) {
    (void)self;
    return arguments->count ? arguments->items[0] : value_none(ev);
}

/* The method stays what it is; its class's instances put through it what is assigned to these attributes. */
static Value *decorate_validator(Evaluator *ev, Value *self, const Arguments *arguments) {
    (void)self;
    if (!arguments->count) return value_none(ev);
    OrmState *state = orm_state(ev);
    Validator made = {arguments->items[0], evaluator_native_data(ev)};
    evaluator_touch(ev, state, sizeof *state);
    ARENA_PUSH(evaluator_arena(ev), state->validators, state->validator_count, state->validator_capacity) = made;
    return arguments->items[0];
}

static Value *call_validates(Evaluator *ev, Value *self, const Arguments *arguments) {
    (void)self;
    ListValue *names = value_list(ev);
    for (int i = 0; i < arguments->count; i++) list_append(ev, names, arguments->items[i]);
    return value_native_function(ev, "validates", decorate_validator, names);
}

static Value *call_configure_mappers(Evaluator *ev, Value *self, const Arguments *arguments) {
    (void)self;
    (void)arguments;
    return mappers_configure(ev) ? value_none(ev) : NULL;
}

void declarative_define(Evaluator *ev, ModuleValue *module) {
    OrmState *state = orm_state(ev);
    NativeClass root = {.name = "_DeclarativeRoot",
                        .instance_type = &orm_instance_type,
                        .methods = orm_instance_methods,
                        .create = orm_instance_create,
                        .unknown_instance = orm_unknown_instance};
    state->declarative_root = module_define_class(ev, module, &root, NULL);
    NativeClass base = {.name = "DeclarativeBase", .subclassed = base_subclassed};
    state->declarative_base = module_define_class(ev, module, &base, state->declarative_root);
    base.name = "DeclarativeBaseNoMeta";
    state->declarative_base_no_meta = module_define_class(ev, module, &base, state->declarative_root);
    NativeClass dataclass = {.name = "MappedAsDataclass", .subclassed = base_subclassed};
    state->as_dataclass = module_define_class(ev, module, &dataclass, NULL);
    NativeClass registry = {
        .name = "registry", .instance_type = &registry_type, .methods = registry_methods, .create = registry_create};
    state->registry = module_define_class(ev, module, &registry, NULL);
    NativeClass declared = {.name = "declared_attr",
                            .instance_type = &orm_declared_attr_type,
                            .create = declared_attr_create,
                            .class_attribute = declared_attr_class_attribute};
    state->declared_attr = module_define_class(ev, module, &declared, NULL);
    module_define_function(ev, module, "declarative_base", call_declarative_base);
    module_define_function(ev, module, "as_declarative", call_as_declarative);
    module_define_function(ev, module, "validates", call_validates);
    module_define_function(ev, module, "reconstructor", identity_decorator);
    module_define_function(ev, module, "declarative_mixin", identity_decorator);
    module_define_function(ev, module, "configure_mappers", call_configure_mappers);
}
