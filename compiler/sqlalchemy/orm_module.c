/*
 * The modules of the ORM half (sqlalchemy.orm, sqlalchemy.ext.*, sqlmodel), inspect(), Bundle, and the hooks that Core
 * calls (orm.h).
 *
 * Input: imports and values. Output: the names of these modules. Invariant: sqlalchemy.orm is set up before any other
 * module of this half uses its classes; each setup imports what it needs.
 */
#include "compiler/sqlalchemy/face.h"
#include "compiler/sqlalchemy/session.h"

/* ---- mappers as values: inspect(User), User.__mapper__ ---- */

typedef struct MapperValue {
    Instance head;
    Mapper *mapper;
} MapperValue;

Mapper *orm_value_mapper(const Value *value) { return ((const MapperValue *)value)->mapper; }

Value *orm_mapper_value(Evaluator *ev, Mapper *mapper) {
    MapperValue *made = instance_allocate(ev, orm_state(ev)->mapper_class, sizeof *made);
    made->mapper = mapper;
    return &made->head.head;
}

static Value *mapper_attributes(Evaluator *ev, Mapper *mapper, bool columns, bool relationships) {
    ListValue *list = value_list(ev);
    for (int i = 0; i < mapper->properties.count; i++) {
        Property *property = mapper->properties.entries[i].value;
        if (!mapper->properties.entries[i].key) continue;
        bool wanted =
            property->kind == PROPERTY_COLUMN ? columns : property->kind == PROPERTY_RELATIONSHIP && relationships;
        Value *value = wanted ? entity_attribute(ev, mapper_entity(ev, mapper), property->key, NULL) : NULL;
        if (value) list_append(ev, list, value);
    }
    return &list->head;
}

/* mapper.columns, mapper.c: the columns by the names of their attributes. */
static Value *mapper_columns(Evaluator *ev, Mapper *mapper) {
    ElementList columns = {0};
    for (int i = 0; i < mapper->properties.count; i++) {
        Property *property = mapper->properties.entries[i].value;
        if (!mapper->properties.entries[i].key || property->kind != PROPERTY_COLUMN || !property->columns.count)
            continue;
        Element *column = property->columns.items[0];
        if (column->kind == EL_COLUMN && !slice_equals(COLUMN(column)->key.text, property->key->text)) {
            column = element_copy(ev, column);
            COLUMN(column)->key = name_from(property->key->text);
        }
        element_list_push(ev, &columns, column);
    }
    return column_collection(ev, &columns);
}

static Value *mapper_get_attribute(Evaluator *ev, Value *self, Atom name, const Node *site) {
    Mapper *mapper = orm_value_mapper(self);
    Slice text = name->text;
    if (slice_equals_text(text, "local_table")) return (Value *)mapper->local_table;
    if (slice_equals_text(text, "mapped_table") || slice_equals_text(text, "persist_selectable") ||
        slice_equals_text(text, "selectable"))
        return (Value *)mapper_entity(ev, mapper)->selectable;
    if (slice_equals_text(text, "class_") || slice_equals_text(text, "entity")) return &mapper->cls->head;
    if (slice_equals_text(text, "mapper")) return self;
    if (slice_equals_text(text, "polymorphic_on") && mapper->polymorphic_on) return (Value *)mapper->polymorphic_on;
    if (slice_equals_text(text, "polymorphic_identity") && mapper->polymorphic_identity)
        return mapper->polymorphic_identity;
    if (slice_equals_text(text, "c") || slice_equals_text(text, "columns")) return mapper_columns(ev, mapper);
    if (slice_equals_text(text, "attrs") || slice_equals_text(text, "column_attrs") ||
        slice_equals_text(text, "all_orm_descriptors"))
        return mapper_attributes(ev, mapper, true, text.start[0] == 'a');
    if (slice_equals_text(text, "relationships")) return mapper_attributes(ev, mapper, false, true);
    if (slice_equals_text(text, "primary_key")) {
        Value **items = ARENA_ARRAY(evaluator_arena(ev), Value *, mapper->primary_key.count + 1);
        for (int i = 0; i < mapper->primary_key.count; i++) items[i] = (Value *)mapper->primary_key.items[i];
        return value_tuple(ev, items, mapper->primary_key.count);
    }
    return value_unknown_at(ev, site);
}

const Type orm_mapper_type = {
    .name = "Mapper", .kind = VALUE_NATIVE, .get_attribute = mapper_get_attribute, .has_attributes = true};

static Value *call_inspect(Evaluator *ev, Value *self, const Arguments *arguments) {
    (void)self;
    if (!arguments->count || !mappers_configure(ev)) return NULL;
    Value *given = arguments->items[0];
    if (value_is(given, VALUE_CLASS) && mapper_of_class((Class *)given))
        return orm_mapper_value(ev, mapper_of_class((Class *)given));
    if (given->type == &orm_aliased_type || value_is_element(given) || value_as_attribute(given)) return given;
    return value_unknown_at(ev, arguments->site);
}

static Value *call_class_mapper(Evaluator *ev, Value *self, const Arguments *arguments) {
    return call_inspect(ev, self, arguments);
}

/* ---- Bundle ---- */

Element *bundle_element(Evaluator *ev, BundleValue *bundle) {
    OrmElement *made = (OrmElement *)element_new(ev, EL_ORM, NULL);
    made->value = &bundle->head.head;
    made->base.name = name_from(bundle->name);
    made->base.children = bundle->items.items;
    made->base.count = bundle->items.count;
    return &made->base;
}

static Value *bundle_create(Evaluator *ev, Class *cls, const Arguments *arguments) {
    BundleValue *made = instance_allocate(ev, cls, sizeof *made);
    if (!arguments->count || !value_is(arguments->items[0], VALUE_STRING)) return NULL;
    made->name = value_text(arguments->items[0]);
    for (int i = 1; i < arguments->count; i++) {
        Element *element = element_coerce(ev, arguments->items[i], COERCE_COLUMNS, arguments->nodes[i]);
        if (!element) return NULL;
        element_list_push(ev, &made->items, element);
    }
    return &made->head.head;
}

static Value *bundle_attribute(Evaluator *ev, Value *self, Atom name, const Node *site) {
    BundleValue *bundle = (BundleValue *)self;
    (void)site;
    (void)ev;
    if (slice_equals_text(name->text, "c") || slice_equals_text(name->text, "columns")) return self;
    for (int i = 0; i < bundle->items.count; i++) {
        Element *item = bundle->items.items[i];
        if (item->entity_key == name || slice_equals(item->name.text, name->text)) return (Value *)item;
    }
    return NULL;
}

static Value *bundle_clause(Evaluator *ev, Value *self, const Arguments *arguments) {
    (void)arguments;
    BundleValue *bundle = (BundleValue *)self;
    return (Value *)element_clause_list(ev, bundle->items.items, bundle->items.count, false);
}

const Type orm_bundle_type = {
    .name = "Bundle", .kind = VALUE_NATIVE, .get_attribute = bundle_attribute, .has_attributes = true};
static const NativeMethod bundle_methods[] = {{"__clause_element__", bundle_clause, NATIVE_METHOD, NULL}, {0}};

/* ---- relationship(), join(), outerjoin() ---- */

static Value *call_relationship(Evaluator *ev, Value *self, const Arguments *arguments) {
    (void)self;
    Relationship *made = relationship_new(ev, arguments);
    const char *lazy = evaluator_native_data(ev);
    if (made && lazy) made->lazy = LAZY_DYNAMIC;
    return (Value *)made;
}

static Value *call_backref(Evaluator *ev, Value *self, const Arguments *arguments) {
    (void)self;
    if (!arguments->count) return NULL;
    DictValue *options = value_dict(ev);
    for (int i = 0; i < arguments->keyword_count; i++)
        dict_set(ev, options, value_atom(ev, arguments->keywords[i].name), arguments->keywords[i].value, NULL);
    Value *pair[2] = {arguments->items[0], &options->head};
    return value_tuple(ev, pair, 2);
}

static Element *join_values(Evaluator *ev, Element *from, Value *right, Entity *right_entity, Value *on, bool outer,
                            bool full, const Node *site) {
    AttributeValue *along = on ? value_as_attribute(on) : value_as_attribute(right);
    if (along) {
        if (!relationship_configure(ev, along->property->relationship)) return NULL;
        if (!right_entity)
            right_entity = along->of_type ? along->of_type : along->property->relationship->target_entity;
        return orm_join_along(ev, from, along, right_entity, outer, full, NULL);
    }
    Element *to = right_entity ? right_entity->selectable : element_coerce(ev, right, COERCE_FROM, site);
    Element *clause = on && !value_is_none(on) ? element_coerce(ev, on, COERCE_ON, site) : NULL;
    if (!to || evaluator_error_pending(ev)) return NULL;
    Element *subset = from->kind == EL_JOIN ? from->children[1] : NULL;
    return orm_join_on(ev, from, subset, right_entity, to, clause, outer, full, NULL, site);
}

Element *orm_join_elements(Evaluator *ev, Element *left, Value *right, Value *on, bool outer, bool full,
                           const Node *site) {
    Entity *entity = entity_of_value(ev, right);
    bool along = value_as_attribute(right) || (on && value_as_attribute(on));
    if ((!entity && !along) || !mappers_configure(ev)) return NULL;
    Element *made = join_values(ev, left, right, entity, on && !value_is_none(on) ? on : NULL, outer, full, site);
    if (made) made->entity = left->entity;
    return made;
}

static Value *call_orm_join(Evaluator *ev, Value *self, const Arguments *arguments) {
    (void)self;
    Value *left = NULL, *right = NULL, *on = NULL, *outer = NULL, *full = NULL, *memo = NULL;
    if (!arguments_bind(ev, arguments, "join", "left right | onclause isouter full _left_memo", &left, &right, &on,
                        &outer, &full, &memo) ||
        !mappers_configure(ev))
        return NULL;
    bool is_outer = evaluator_native_data(ev) != NULL || (outer && value_is_true(outer));
    bool is_full = full && value_is_true(full);
    Entity *left_entity = entity_of_value(ev, left), *right_entity = entity_of_value(ev, right);
    Element *from = left_entity ? left_entity->selectable : element_coerce(ev, left, COERCE_FROM, arguments->site);
    if (!from) return NULL;
    Element *made = join_values(ev, from, right, right_entity, on, is_outer, is_full, arguments->site);
    if (made) made->entity = left_entity ? left_entity : from->entity;
    return (Value *)made;
}

/* ---- Core's hooks ---- */

bool orm_select_is_orm(Evaluator *ev, const Select *select) {
    (void)ev;
    return orm_select_mentions(select);
}

bool orm_is_instance(const Value *value) { return value->type == &orm_instance_type; }

bool orm_option_is_criteria(const Value *option) { return option->type == &orm_criteria_type; }

Select *orm_lower_select(Evaluator *ev, Select *select, bool nested) {
    Element *made = orm_compile_select(ev, select, nested, NULL, NULL);
    return made ? SELECT(made) : NULL;
}

void *orm_create_state(Evaluator *ev) { return ARENA_NEW(evaluator_arena(ev), OrmState); }

bool orm_models_loaded(Evaluator *ev) { return mappers_configure(ev); }

/* ---- modules ---- */

static void define_marker(Evaluator *ev, ModuleValue *module, const char *name) {
    NativeClass cls = {.name = name};
    module_define_class(ev, module, &cls, NULL);
}

static void orm_setup(Evaluator *ev, ModuleValue *module) {
    static const char *const markers[] = {"Mapped",
                                          "DynamicMapped",
                                          "WriteOnlyMapped",
                                          "WriteOnlyCollection",
                                          "InstrumentedSet",
                                          "RelationshipProperty",
                                          "ColumnProperty",
                                          "SynonymProperty",
                                          "CompositeProperty",
                                          "PassiveFlag"};
    OrmState *state = orm_state(ev);
    NativeClass mapper = {.name = "Mapper", .instance_type = &orm_mapper_type};
    state->mapper_class = module_define_class(ev, module, &mapper, NULL);
    declarative_define(ev, module);
    columns_define(ev, module);
    entities_define(ev, module);
    union_define(ev, module);
    attributes_define(ev, module);
    options_define(ev, module);
    instances_define(ev, module);
    results_define(ev, module);
    queries_define(ev, module);
    NativeClass relationship = {.name = "Relationship", .instance_type = &orm_relationship_type};
    state->relationship = module_define_class(ev, module, &relationship, NULL);
    NativeClass bundle = {
        .name = "Bundle", .instance_type = &orm_bundle_type, .methods = bundle_methods, .create = bundle_create};
    state->bundle = module_define_class(ev, module, &bundle, NULL);
    for (size_t i = 0; i < sizeof markers / sizeof *markers; i++) define_marker(ev, module, markers[i]);
    module_define_function(ev, module, "relationship", call_relationship);
    module_define(ev, module, "dynamic_loader",
                  value_native_function(ev, "dynamic_loader", call_relationship, "dynamic"));
    module_define_function(ev, module, "backref", call_backref);
    module_define_function(ev, module, "join", call_orm_join);
    module_define(ev, module, "outerjoin", value_native_function(ev, "outerjoin", call_orm_join, "outer"));
    module_define_function(ev, module, "class_mapper", call_class_mapper);
    module_define_function(ev, module, "object_mapper", call_class_mapper);
    ModuleValue *async_module = evaluator_import(ev, "sqlalchemy.ext.asyncio");
    sessions_define(ev, module, async_module);
    ModuleValue *core = evaluator_import(ev, "sqlalchemy.engine");
    engines_define(ev, core, async_module);
    module_define_function(ev, core, "inspect", call_inspect);
    ModuleValue *top = evaluator_import(ev, "sqlalchemy");
    static const char *const shared[] = {"create_engine", "Engine", "Connection", "inspect"};
    for (size_t i = 0; top && i < sizeof shared / sizeof *shared; i++)
        module_define(ev, top, shared[i], atom_map_get(&core->names, orm_atom(ev, shared[i])));
    static const char *const results[] = {"Result", "ScalarResult", "CursorResult", "Row"};
    for (size_t i = 0; i < sizeof results / sizeof *results; i++) {
        Value *cls = atom_map_get(&module->names, orm_atom(ev, results[i]));
        if (top) module_define(ev, top, results[i], cls);
        module_define(ev, core, results[i], cls);
    }
}

static void empty_setup(Evaluator *ev, ModuleValue *module) {
    (void)ev;
    (void)module;
}

static void asyncio_setup(Evaluator *ev, ModuleValue *module) {
    evaluator_import(ev, "sqlalchemy.orm");
    define_marker(ev, module, "AsyncAttrs");
    define_marker(ev, module, "AsyncResult");
    define_marker(ev, module, "AsyncTransaction");
}

static void engine_setup(Evaluator *ev, ModuleValue *module) {
    (void)module;
    evaluator_import(ev, "sqlalchemy.orm");
}

static void exceptions_setup(Evaluator *ev, ModuleValue *module) {
    ModuleValue *core = evaluator_import(ev, "sqlalchemy.exc");
    if (core) module_define_all(ev, module, core);
    static const char *const names[] = {"StaleDataError", "DetachedInstanceError", "FlushError",
                                        "UnmappedInstanceError", "ObjectDeletedError"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        module_define_exception(ev, module, names[i], sa_state(ev)->errors[SA_SQLALCHEMY_ERROR], CODE_INVALID_REQUEST);
}

static void declarative_setup(Evaluator *ev, ModuleValue *module) {
    module_define_all(ev, module, evaluator_import(ev, "sqlalchemy.orm"));
}

static void future_setup(Evaluator *ev, ModuleValue *module) {
    module_define_all(ev, module, evaluator_import(ev, "sqlalchemy"));
}

static void hybrid_setup(Evaluator *ev, ModuleValue *module) { hybrids_define(ev, module, NULL); }
static void proxy_setup(Evaluator *ev, ModuleValue *module) { hybrids_define(ev, NULL, module); }

static Value *call_unknown(Evaluator *ev, Value *self, const Arguments *arguments) {
    (void)self;
    return value_unknown_at(ev, arguments->site);
}

static void collections_setup(Evaluator *ev, ModuleValue *module) {
    static const char *const names[] = {
        "attribute_keyed_dict",     "column_keyed_dict", "keyfunc_mapping", "attribute_mapped_collection",
        "column_mapped_collection", "mapped_collection", "ordering_list",   "KeyFuncDict"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        module_define_function(ev, module, names[i], call_unknown);
}

const NativeModule orm_modules[] = {{"sqlalchemy.ext", empty_setup},
                                    {"sqlalchemy.ext.asyncio", asyncio_setup},
                                    {"sqlalchemy.engine", engine_setup},
                                    {"sqlalchemy.orm", orm_setup},
                                    {"sqlalchemy.orm.session", declarative_setup},
                                    {"sqlalchemy.orm.attributes", declarative_setup},
                                    {"sqlalchemy.orm.decl_api", declarative_setup},
                                    {"sqlalchemy.orm.exc", exceptions_setup},
                                    {"sqlalchemy.orm.query", declarative_setup},
                                    {"sqlalchemy.orm.strategy_options", declarative_setup},
                                    {"sqlalchemy.orm.collections", collections_setup},
                                    {"sqlalchemy.ext.declarative", declarative_setup},
                                    {"sqlalchemy.ext.hybrid", hybrid_setup},
                                    {"sqlalchemy.ext.associationproxy", proxy_setup},
                                    {"sqlalchemy.ext.orderinglist", collections_setup},
                                    {"sqlalchemy.future", future_setup},
                                    {"sqlmodel", sqlmodel_setup},
                                    {"flask_sqlalchemy", flask_setup},
                                    {NULL, NULL}};
