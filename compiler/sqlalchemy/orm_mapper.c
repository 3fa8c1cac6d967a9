/*
 * Mappers: which columns and properties a class has, over one table or a join of tables.
 *
 * Input: a class, its table, the mapper that it inherits from and the explicit properties (MapperSpec). Output: a
 * Mapper whose `properties` stand in the order in which SQLAlchemy loads them: explicit expressions and relationships,
 * then what is inherited, then the columns of the tables in order.
 * Invariants: a property that a subclass leaves as it was is the same object in both mappers; `columns[0]` of a column
 * property belongs to the most derived table.
 * Example: class Engineer(Person) with a table of its own: id -> [engineers.id, people.id].
 */
#include "compiler/sqlalchemy/mapper.h"

OrmState *orm_state(Evaluator *ev) { return sa_state(ev)->orm; }

Atom orm_atom(Evaluator *ev, const char *text) { return atom_intern_text(evaluator_atoms(ev), text); }

static const NativeKind mapper_native = {"Mapper"};

Mapper *mapper_of_class(const Class *cls) { return class_native(cls, &mapper_native); }

Property *mapper_property(const Mapper *mapper, Atom key) {
    return key ? atom_map_get(&mapper->properties, key) : NULL;
}

bool list_has(const ElementList *list, const Element *element) {
    for (int i = 0; i < list->count; i++)
        if (element_same(list->items[i], element)) return true;
    return false;
}

Property *mapper_property_of(const Mapper *mapper, const Element *column) {
    for (int i = 0; i < mapper->properties.count; i++) {
        Property *property = mapper->properties.entries[i].value;
        if (mapper->properties.entries[i].key && property->kind == PROPERTY_COLUMN &&
            list_has(&property->columns, column))
            return property;
    }
    return NULL;
}

bool mapper_is_a(const Mapper *mapper, const Mapper *base) {
    for (; mapper; mapper = mapper->inherits)
        if (mapper == base) return true;
    return false;
}

void mapper_self_and_subs(Evaluator *ev, Mapper *mapper, Mapper ***out, int *count, int *capacity) {
    int first = *count;
    ARENA_PUSH(evaluator_arena(ev), *out, *count, *capacity) = mapper;
    for (int i = first; i < *count; i++) {
        Mapper *current = (*out)[i];
        for (int j = 0; j < current->sub_count; j++)
            ARENA_PUSH(evaluator_arena(ev), *out, *count, *capacity) = current->subs[j];
    }
}

/* ON of the join of a joined-inheritance subclass's table with its parent's. */
Element *mapper_inherit_condition(Evaluator *ev, Mapper *mapper) {
    return mapper->inherit_condition
               ? mapper->inherit_condition
               : join_condition(ev, mapper->inherits->local_table, mapper->local_table, NULL, mapper->cls->node);
}

Element *mapper_polymorphic_join(Evaluator *ev, Mapper *mapper, Mapper *const *poly, int count, bool inner) {
    Element *from = mapper->persist_selectable;
    for (int i = 0; i < count; i++) {
        if (poly[i] == mapper || poly[i]->single || poly[i]->concrete ||
            list_has(&mapper->tables, poly[i]->local_table))
            continue;
        Element *on = mapper_inherit_condition(ev, poly[i]);
        if (!on) return NULL;
        from = element_join(ev, from, poly[i]->local_table, on, !inner, false);
    }
    return from;
}

Element *mapper_single_criterion(Evaluator *ev, Mapper *mapper) {
    if (!mapper->single || !mapper->inherits || !mapper->polymorphic_on) return NULL;
    Mapper **all = NULL;
    int count = 0, capacity = 0;
    mapper_self_and_subs(ev, mapper, &all, &count, &capacity);
    ListValue *identities = value_list(ev);
    for (int i = 0; i < count; i++)
        if (!all[i]->polymorphic_abstract)
            list_append(ev, identities, all[i]->polymorphic_identity ? all[i]->polymorphic_identity : value_none(ev));
    return element_in(ev, mapper->polymorphic_on, &identities->head, false, mapper->cls->node);
}

/* ---- properties ---- */

static Property *property_new(Evaluator *ev, Mapper *mapper, PropertyKind kind, Atom key) {
    Property *property = ARENA_NEW(evaluator_arena(ev), Property);
    property->kind = kind;
    property->key = key;
    property->parent = mapper;
    return property;
}

static void mapper_put(Evaluator *ev, Mapper *mapper, Atom key, Property *property) {
    evaluator_touch(ev, &mapper->properties, sizeof mapper->properties);
    mapper->properties = atom_map_copy(&mapper->properties, evaluator_arena(ev));
    atom_map_set(&mapper->properties, key, property);
    for (int i = 0; i < mapper->sub_count; i++)
        if (!mapper_property(mapper->subs[i], key) && !mapper->subs[i]->concrete)
            mapper_put(ev, mapper->subs[i], key, property);
}

static Property *property_from_mapped_column(Evaluator *ev, Mapper *mapper, Atom key, MappedColumn *mapped) {
    Property *property = property_new(ev, mapper, mapped->kind, key);
    property->deferred = mapped->deferred;
    property->raise_on_load = mapped->raise_on_load;
    property->deferred_group = mapped->group;
    property->is_expression = mapped->is_expression;
    property->query_expression = mapped->query_expression;
    property->target = mapped->target;
    property->composite = mapped->composite_class;
    property->composite_keys = mapped->composite_keys;
    property->composite_count = mapped->composite_count;
    if (mapped->kind == PROPERTY_COLUMN) {
        property->columns = mapped->columns;
        if (mapped->column && !property->columns.count) element_list_push(ev, &property->columns, mapped->column);
        if (mapped->is_expression && property->columns.count) {
            Element *expression = property->columns.items[0];
            bool plain = expression->kind == EL_COLUMN || expression->kind == EL_LABEL;
            if (!plain) property->columns.items[0] = element_label(ev, expression, (Name){0});
        }
    }
    return property;
}

static Property *property_from_value(Evaluator *ev, Mapper *mapper, Atom key, Value *value) {
    if (value->type == &orm_mapped_column_type)
        return property_from_mapped_column(ev, mapper, key, (MappedColumn *)value);
    if (value->type == &orm_relationship_type) {
        Relationship *relationship = (Relationship *)value;
        Property *property = property_new(ev, mapper, PROPERTY_RELATIONSHIP, key);
        if (relationship->parent) { /* of a mixin: each class gets its own */
            Relationship *copy = ARENA_NEW(evaluator_arena(ev), Relationship);
            *copy = *relationship;
            copy->configured = copy->configuring = false;
            relationship = copy;
        }
        relationship->property = property;
        relationship->parent = mapper;
        property->relationship = relationship;
        evaluator_touch(ev, orm_state(ev), sizeof(OrmState));
        orm_state(ev)->unconfigured = true;
        return property;
    }
    Element *element = element_of(ev, value);
    if (!element) return NULL;
    Property *property = property_new(ev, mapper, PROPERTY_COLUMN, key);
    property->is_expression = element->kind != EL_COLUMN;
    if (property->is_expression && element->kind != EL_LABEL) element = element_label(ev, element, (Name){0});
    element_list_push(ev, &property->columns, element);
    return property;
}

static bool property_is_local(const Property *property, Element *table, Evaluator *ev) {
    if (property->kind != PROPERTY_COLUMN || property->is_expression || !table) return false;
    const ElementList *columns = from_columns(ev, table);
    for (int i = 0; i < property->columns.count; i++)
        if (list_has(columns, property->columns.items[i])) return true;
    return false;
}

/* An inherited property with one more column in front. */
static Property *property_prepend(Evaluator *ev, Mapper *mapper, const Property *inherited, Element *column) {
    Property *copy = ARENA_NEW(evaluator_arena(ev), Property);
    *copy = *inherited;
    copy->parent = mapper;
    copy->columns = (ElementList){0};
    element_list_push(ev, &copy->columns, column);
    for (int i = 0; i < inherited->columns.count; i++)
        element_list_push(ev, &copy->columns, inherited->columns.items[i]);
    return copy;
}

bool mapper_add_property(Evaluator *ev, Mapper *mapper, Atom key, Value *value, const Node *site) {
    Property *property = property_from_value(ev, mapper, key, value);
    if (!property) return sa_raise(ev, SA_ARGUMENT_ERROR, site, "Can't map attribute '%s'", key->text.start) != NULL;
    mapper_put(ev, mapper, key, property);
    return true;
}

static Atom column_key(Evaluator *ev, const Element *column) {
    Slice key = COLUMN((Element *)column)->key.text;
    return atom_intern(evaluator_atoms(ev), key.length ? key : column->name.text);
}

/* A column of one of the tables that no explicit property names. */
static void mapper_map_column(Evaluator *ev, Mapper *mapper, const MapperSpec *spec, Element *column) {
    if (mapper_property_of(mapper, column)) return;
    Element *up_table = mapper->inherits && !mapper->concrete ? mapper->inherits->local_table : NULL;
    if (up_table && list_has(from_columns(ev, up_table), column) && !mapper_property_of(mapper->inherits, column) &&
        !list_has(&spec->declared, column))
        return; /* of a sibling that shares the table */
    Atom key = column_key(ev, column);
    for (Mapper *up = mapper->inherits; up; up = up->inherits) {
        Property *known = mapper_property_of(up, column);
        if (known) key = known->key;
    }
    Property *existing = mapper_property(mapper, key);
    if (existing && existing->kind != PROPERTY_COLUMN) return;
    if (existing && !mapper->concrete) {
        mapper_put(ev, mapper, key, property_prepend(ev, mapper, existing, column));
        return;
    }
    Property *property = property_new(ev, mapper, PROPERTY_COLUMN, key);
    element_list_push(ev, &property->columns, column);
    mapper_put(ev, mapper, key, property);
}

/* Of a concrete mapper, what its parent maps too comes first, in the parent's order, but for what its own body assigns.
 */
static void mapper_map_concrete(Evaluator *ev, Mapper *mapper, const MapperSpec *spec) {
    const AtomMap *inherited = &mapper->inherits->properties;
    for (int i = 0; i < inherited->count; i++) {
        Atom key = inherited->entries[i].key;
        if (!key || atom_map_get(&mapper->cls->names, key)) continue;
        Element *column = from_column(ev, mapper->local_table, key->text);
        if (column) mapper_map_column(ev, mapper, spec, column);
    }
}

static bool mapper_configure_properties(Evaluator *ev, Mapper *mapper, const MapperSpec *spec) {
    AtomMap by_table;
    atom_map_init(&by_table, evaluator_arena(ev));
    for (int i = 0; i < spec->properties.count; i++) {
        Atom key = spec->properties.entries[i].key;
        if (!key) continue;
        Property *property = property_from_value(ev, mapper, key, spec->properties.entries[i].value);
        if (!property) {
            if (evaluator_error_pending(ev)) return false;
            continue;
        }
        if (property_is_local(property, mapper->local_table, ev)) atom_map_set(&by_table, key, property);
        else mapper_put(ev, mapper, key, property);
    }
    for (int i = 0; mapper->inherits && i < mapper->inherits->properties.count; i++) {
        Atom key = mapper->inherits->properties.entries[i].key;
        Property *inherited = mapper->inherits->properties.entries[i].value;
        if (!key || (mapper->concrete && inherited->kind == PROPERTY_COLUMN)) continue;
        Property *incoming = atom_map_get(&by_table, key);
        if (incoming && inherited->kind == PROPERTY_COLUMN) {
            Property *joined = property_prepend(ev, mapper, inherited, incoming->columns.items[0]);
            joined->deferred = incoming->deferred;
            atom_map_set(&by_table, key, joined);
        } else if (!incoming && !mapper_property(mapper, key) && !mapper->concrete) {
            mapper_put(ev, mapper, key, inherited);
        }
    }
    if (mapper->inherits && mapper->concrete) mapper_map_concrete(ev, mapper, spec);
    for (int t = 0; t < mapper->tables.count; t++) {
        const ElementList *columns = from_columns(ev, mapper->tables.items[t]);
        for (int i = 0; i < columns->count; i++) {
            bool explicit = false;
            for (int j = 0; j < by_table.count; j++) {
                Property *property = by_table.entries[j].value;
                if (!list_has(&property->columns, columns->items[i])) continue;
                explicit = true;
                if (!mapper_property(mapper, property->key) || property->columns.items[0] == columns->items[i])
                    mapper_put(ev, mapper, property->key, property);
            }
            if (!explicit) mapper_map_column(ev, mapper, spec, columns->items[i]);
        }
    }
    return true;
}

/* ---- arguments ---- */

static Element *mapper_column_argument(Evaluator *ev, Mapper *mapper, Value *value) {
    if (!value || value_is_none(value)) return NULL;
    if (value_is(value, VALUE_STRING)) {
        Property *property = mapper_property(mapper, value_as_atom(ev, value));
        return property && property->columns.count ? property->columns.items[0] : NULL;
    }
    if (value->type == &orm_mapped_column_type) {
        MappedColumn *mapped = (MappedColumn *)value;
        Element *column = mapped->column ? mapped->column : mapped->columns.count ? mapped->columns.items[0] : NULL;
        if (!column) return NULL;
        for (int i = 0; i < mapper->properties.count; i++) {
            Property *property = mapper->properties.entries[i].value;
            if (!mapper->properties.entries[i].key || property->kind != PROPERTY_COLUMN) continue;
            for (int j = 0; j < property->columns.count; j++)
                if (element_same(property->columns.items[j], column)) return property->columns.items[j];
        }
        Property *named = mapper_property(mapper, column_key(ev, column));
        return named && named->columns.count ? named->columns.items[0] : column;
    }
    return element_of(ev, value);
}

static void mapper_read_arguments(Evaluator *ev, Mapper *mapper, DictValue *arguments) {
    if (mapper->inherits) {
        mapper->polymorphic_on = mapper->inherits->polymorphic_on;
        mapper->version_column = mapper->inherits->version_column;
        mapper->eager_defaults = mapper->inherits->eager_defaults;
    }
    if (!arguments) return;
    Element *on = mapper_column_argument(ev, mapper, dict_get_text(ev, arguments, "polymorphic_on"));
    if (on) mapper->polymorphic_on = on;
    mapper->polymorphic_identity = dict_get_text(ev, arguments, "polymorphic_identity");
    Value *abstract = dict_get_text(ev, arguments, "polymorphic_abstract");
    mapper->polymorphic_abstract = abstract && value_is_true(abstract);
    Element *version = mapper_column_argument(ev, mapper, dict_get_text(ev, arguments, "version_id_col"));
    if (version) mapper->version_column = version;
    Value *generator = dict_get_text(ev, arguments, "version_id_generator");
    mapper->version_server_side = generator && value_is(generator, VALUE_BOOL) && !value_is_true(generator);
    mapper->with_polymorphic_argument = dict_get_text(ev, arguments, "with_polymorphic");
    Value *load = dict_get_text(ev, arguments, "polymorphic_load");
    mapper->load_inline = load && value_is(load, VALUE_STRING) && slice_equals_text(value_text(load), "inline");
    mapper->load_selectin = load && value_is(load, VALUE_STRING) && slice_equals_text(value_text(load), "selectin");
    Value *eager = dict_get_text(ev, arguments, "eager_defaults");
    if (eager && value_is(eager, VALUE_BOOL)) mapper->eager_defaults = value_is_true(eager) ? 1 : 0;
    Value *key = dict_get_text(ev, arguments, "primary_key");
    if (key && (value_is(key, VALUE_LIST) || value_is(key, VALUE_TUPLE))) {
        ListValue *items = (ListValue *)key;
        mapper->primary_key = (ElementList){0};
        for (int i = 0; i < items->count; i++) {
            Element *column = mapper_column_argument(ev, mapper, items->items[i]);
            if (column) element_list_push(ev, &mapper->primary_key, column);
        }
    }
}

/* The table's primary key, or that of the base table. */
static void mapper_find_primary_key(Evaluator *ev, Mapper *mapper) {
    if (mapper->inherits && !mapper->concrete) {
        mapper->primary_key = mapper->inherits->primary_key;
        return;
    }
    const ElementList *columns = from_columns(ev, mapper->local_table);
    for (int i = 0; i < columns->count; i++)
        if (COLUMN(columns->items[i])->primary_key) element_list_push(ev, &mapper->primary_key, columns->items[i]);
}

static bool mapper_build_selectable(Evaluator *ev, Mapper *mapper, const MapperSpec *spec) {
    Mapper *up = mapper->inherits;
    mapper->local_table = spec->table ? spec->table : up->local_table;
    mapper->single = up && !mapper->concrete && mapper->local_table == up->local_table;
    Value *condition = spec->arguments ? dict_get_text(ev, spec->arguments, "inherit_condition") : NULL;
    if (condition) mapper->inherit_condition = element_of(ev, condition);
    if (!up || mapper->concrete) {
        mapper->persist_selectable = mapper->local_table;
        element_list_push(ev, &mapper->tables, mapper->local_table);
        return true;
    }
    for (int i = 0; i < up->tables.count; i++) element_list_push(ev, &mapper->tables, up->tables.items[i]);
    mapper->persist_selectable = up->persist_selectable;
    if (mapper->single) return true;
    Element *on = mapper_inherit_condition(ev, mapper);
    if (!on) return false;
    mapper->persist_selectable = element_join(ev, up->persist_selectable, mapper->local_table, on, false, false);
    element_list_push(ev, &mapper->tables, mapper->local_table);
    return true;
}

Mapper *mapper_new(Evaluator *ev, const MapperSpec *spec) {
    Arena *arena = evaluator_arena(ev);
    OrmState *state = orm_state(ev);
    Mapper *mapper = ARENA_NEW(arena, Mapper);
    mapper->cls = spec->cls;
    mapper->registry = spec->registry;
    mapper->inherits = spec->inherits;
    mapper->base = spec->inherits ? spec->inherits->base : mapper;
    mapper->eager_defaults = -1;
    atom_map_init(&mapper->properties, arena);
    atom_map_init(&mapper->descriptors, arena);
    if (spec->inherits) mapper->descriptors = atom_map_copy(&spec->inherits->descriptors, arena);
    Value *concrete = spec->arguments ? dict_get_text(ev, spec->arguments, "concrete") : NULL;
    mapper->concrete = concrete && value_is_true(concrete);
    if (mapper->concrete) mapper->base = mapper;
    if (!mapper_build_selectable(ev, mapper, spec)) return NULL;
    mapper_find_primary_key(ev, mapper);
    if (!mapper_configure_properties(ev, mapper, spec)) return NULL;
    mapper_read_arguments(ev, mapper, spec->arguments);
    if (!mapper->primary_key.count)
        return sa_raise(ev, SA_ARGUMENT_ERROR, spec->site,
                        "Mapper %s could not assemble any primary key columns for mapped table '%.*s'",
                        spec->cls->name->text.start, SLICE_ARGS(mapper->local_table->name.text));
    evaluator_touch(ev, state, sizeof *state);
    mapper->number = state->mapper_count;
    ARENA_PUSH(arena, state->mappers, state->mapper_count, state->mapper_capacity) = mapper;
    state->unconfigured = true;
    if (mapper->inherits) {
        Mapper *up = mapper->inherits;
        evaluator_touch(ev, up, sizeof *up);
        ARENA_PUSH(arena, up->subs, up->sub_count, up->sub_capacity) = mapper;
    }
    evaluator_touch(ev, &spec->cls->native, sizeof spec->cls->native);
    class_set_native(spec->cls, &mapper_native, mapper);
    evaluator_touch(ev, &spec->registry->classes, sizeof spec->registry->classes);
    spec->registry->classes = atom_map_copy(&spec->registry->classes, arena);
    atom_map_set(&spec->registry->classes, spec->cls->name, spec->cls);
    return mapper;
}

Entity *mapper_entity(Evaluator *ev, Mapper *mapper) {
    if (!mapper->entity) {
        Entity *entity = ARENA_NEW(evaluator_arena(ev), Entity);
        entity->mapper = mapper;
        entity->name = mapper->cls->name->text;
        entity->selectable = mapper->persist_selectable;
        evaluator_touch(ev, &mapper->entity, sizeof mapper->entity);
        mapper->entity = entity;
    }
    return mapper->entity;
}
