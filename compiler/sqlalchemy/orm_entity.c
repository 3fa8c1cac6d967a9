/*
 * Entities: mapped classes and their aliases as parts of a query, and the attributes read from them.
 *
 * Input: a mapped class, aliased(…), with_polymorphic(…), and an attribute name. Output: annotated Core columns
 * (`entity`, `entity_key` set) or AttributeValues.
 * Invariants: an entity's selectable contains, or corresponds to, every column of its mapper; an annotated column's
 * `original` is the same column without annotation.
 * Example: aliased(User).name -> COLUMN users_1.name of the anonymous alias of users.
 */
#include "compiler/sqlalchemy/session.h"

typedef struct AliasedValue {
    Instance head;
    Entity *entity;
} AliasedValue;

/* ---- finding ---- */

Entity *entity_of_value(Evaluator *ev, Value *value) {
    if (!value) return NULL;
    if (value_is(value, VALUE_CLASS)) {
        Mapper *mapper = mapper_of_class((Class *)value);
        return mapper ? mapper_entity(ev, mapper) : NULL;
    }
    if (value->type == &orm_aliased_type) return ((AliasedValue *)value)->entity;
    if (value->type == &orm_mapper_type) return mapper_entity(ev, orm_value_mapper(value));
    if (value_is_element(value) && ((Element *)value)->kind == EL_ENTITY) return ((Element *)value)->entity;
    return NULL;
}

Entity *orm_entity(Evaluator *ev, Value *value) {
    /* a class may be named while those that its relationships name are still to come: compiling asks for them */
    return entity_of_value(ev, value);
}

Element *entity_element(Evaluator *ev, Entity *entity) {
    if (!entity->element) {
        Element *element = element_new(ev, EL_ENTITY, NULL);
        element->entity = entity;
        element->name = name_from(entity->name);
        evaluator_touch(ev, &entity->element, sizeof entity->element);
        entity->element = element;
    }
    return entity->element;
}

Element *orm_entity_selectable(Evaluator *ev, Entity *entity) {
    (void)ev;
    return entity->selectable;
}

Element *orm_entity_table(Evaluator *ev, Entity *entity) {
    (void)ev;
    return entity->is_alias ? entity->selectable : entity->mapper->local_table;
}

Element *orm_entity_criterion(Evaluator *ev, Entity *entity) {
    Element *single = mapper_single_criterion(ev, entity->mapper);
    return single ? entity_adapt(ev, entity, single) : NULL;
}

Value *entity_value(Evaluator *ev, Entity *entity) {
    if (!entity->is_alias) return &entity->mapper->cls->head;
    AliasedValue *made = instance_allocate(ev, orm_state(ev)->aliased, sizeof *made);
    made->entity = entity;
    return &made->head.head;
}

/* ---- adapting ---- */

static Element *adapt_column(Evaluator *ev, Element *element, void *data) {
    Entity *entity = data;
    if (element->kind == EL_SUBQUERY || element->kind == EL_CTE) return element; /* what these select is theirs */
    if (element->kind != EL_COLUMN || (element->entity && element->entity->is_alias)) return NULL;
    Element *plain = element->entity && element->original ? element->original : element;
    if (list_has(from_columns(ev, entity->selectable), plain)) return NULL;
    Element *found = from_corresponding(ev, entity->selectable, plain);
    return found == plain ? NULL : found;
}

Element *entity_adapt(Evaluator *ev, Entity *entity, Element *element) {
    if (!entity->is_alias) return element;
    return element_rewrite(ev, element, adapt_column, entity);
}

static Element *adapt_by_name(Evaluator *ev, Entity *entity, Property *property) {
    return entity->adapt_on_names ? from_column(ev, entity->selectable, property->key->text) : NULL;
}

Element *entity_plain_column(Evaluator *ev, Entity *entity, Property *property, Element *column) {
    Element *named = adapt_by_name(ev, entity, property);
    if (named) return named;
    if (entity->adapt_from) {
        Element *inner = entity_plain_column(ev, entity->adapt_from, property, column);
        Element *found = inner ? from_corresponding(ev, entity->selectable, inner) : NULL;
        return found ? found : inner;
    }
    Element *adapted = entity_adapt(ev, entity, column);
    if (adapted == column || adapted->kind == EL_COLUMN || adapted->kind == EL_LABEL) return adapted;
    Element *own = element_copy(ev, adapted); /* an expression under another alias is another expression */
    own->id = sa_next_id(ev);
    return own;
}

Element *entity_column(Evaluator *ev, Entity *entity, Property *property) {
    if (property->kind != PROPERTY_COLUMN || !property->columns.count) return NULL;
    Element *plain = entity_plain_column(ev, entity, property, property->columns.items[0]);
    Element *copy = element_copy(ev, plain);
    copy->original = plain;
    copy->entity = entity;
    copy->entity_key = property->key;
    return copy;
}

/* ---- aliases ---- */

static Element *adapt_pair(Evaluator *ev, Element *element, void *data) {
    Element **sides = data;
    if (element->kind != EL_COLUMN) return NULL;
    for (int i = 0; i < 2; i++) {
        Element *found = from_corresponding(ev, sides[i], element);
        if (found && found != element) return found;
    }
    return NULL;
}

/* Every table of a join under an anonymous name of its own. */
static Element *from_flat_alias(Evaluator *ev, Element *from, int depth) {
    if (from->kind != EL_JOIN || depth > 60) return element_alias(ev, from, (Name){0});
    Element *sides[2] = {from_flat_alias(ev, from->children[0], depth + 1),
                         from_flat_alias(ev, from->children[1], depth + 1)};
    Element *on = element_rewrite(ev, from->children[2], adapt_pair, sides);
    return element_join(ev, sides[0], sides[1], on, FROM(from)->outer, FROM(from)->full);
}

/* (SELECT every column FROM join) AS name */
static Element *join_subquery(Evaluator *ev, Element *join, Name name) {
    Select *select = select_new(ev);
    const ElementList *columns = from_columns(ev, join);
    for (int i = 0; i < columns->count; i++) select_add_column(ev, select, columns->items[i]);
    element_list_push(ev, &select->from, join);
    select->head.label_style = LABEL_TABLENAME_PLUS_COL;
    return element_subquery(ev, &select->head.head.base, name);
}

Entity *entity_alias(Evaluator *ev, Mapper *mapper, Element *selectable, Slice name, bool flat) {
    Entity *entity = ARENA_NEW(evaluator_arena(ev), Entity);
    entity->mapper = mapper;
    entity->is_alias = true;
    entity->name = name.length ? name : mapper->cls->name->text;
    Element *base =
        mapper->with_polymorphic_selectable ? mapper->with_polymorphic_selectable : mapper->persist_selectable;
    if (selectable) entity->selectable = selectable;
    else if (base->kind == EL_JOIN && flat) entity->selectable = from_flat_alias(ev, base, 0);
    else if (base->kind == EL_JOIN) entity->selectable = join_subquery(ev, base, name_from(name));
    else entity->selectable = element_alias(ev, base, name_from(name));
    if (mapper->with_polymorphic_count && !selectable) {
        entity->poly = mapper->with_polymorphic;
        entity->poly_count = mapper->with_polymorphic_count;
    }
    return entity;
}

Entity *entity_polymorphic(Evaluator *ev, Mapper *mapper, Mapper **poly, int count, Element *selectable, bool aliased,
                           bool flat, bool inner) {
    Entity *entity = ARENA_NEW(evaluator_arena(ev), Entity);
    entity->mapper = mapper;
    entity->is_alias = entity->is_polymorphic = true;
    entity->name = mapper->cls->name->text;
    Element *from = selectable ? selectable : mapper_polymorphic_join(ev, mapper, poly, count, inner);
    if (!from) return NULL;
    if (flat && from->kind == EL_JOIN) from = from_flat_alias(ev, from, 0);
    else if (aliased || flat)
        from = from->kind == EL_JOIN ? join_subquery(ev, from, (Name){0}) : element_alias(ev, from, (Name){0});
    entity->selectable = from;
    entity->poly = poly;
    entity->poly_count = count;
    entity->subs = ARENA_ARRAY(evaluator_arena(ev), Entity *, count + 1);
    for (int i = 0; i < count; i++) {
        Entity *sub = ARENA_NEW(evaluator_arena(ev), Entity);
        *sub = *entity;
        sub->mapper = poly[i];
        sub->of = entity;
        sub->element = NULL;
        sub->name = poly[i]->cls->name->text;
        entity->subs[i] = sub;
    }
    return entity;
}

/* Properties in the order in which they load: the mapper's own, then what its submappers add. */
void properties_of_entity(Evaluator *ev, Entity *entity, Property ***out, int *count) {
    Arena *arena = evaluator_arena(ev);
    int capacity = 0, poly_count = entity->poly_count;
    Mapper **poly = entity->poly, *mapper = entity->mapper;
    if (!entity->is_alias && mapper->with_polymorphic_count) {
        poly = mapper->with_polymorphic;
        poly_count = mapper->with_polymorphic_count;
    }
    for (int m = -1; m < poly_count; m++) {
        Mapper *current = m < 0 ? mapper : poly[m];
        for (int i = 0; i < current->properties.count; i++) {
            Property *property = current->properties.entries[i].value;
            if (!current->properties.entries[i].key) continue;
            bool known = false;
            for (int j = 0; j < *count && !known; j++) known = (*out)[j] == property;
            bool discriminator = m >= 0 && property->kind == PROPERTY_COLUMN && current->polymorphic_on &&
                                 element_same(property->columns.items[0], current->polymorphic_on) &&
                                 current->polymorphic_on != mapper->polymorphic_on;
            if (!known && !discriminator) ARENA_PUSH(arena, *out, *count, capacity) = property;
        }
    }
}

bool orm_entity_columns(Evaluator *ev, Entity *entity, Element ***columns, Atom **keys, int *count) {
    if (!mappers_configure(ev)) return false;
    Property **properties = NULL;
    int property_count = 0, made = 0;
    properties_of_entity(ev, entity, &properties, &property_count);
    int capacity = property_count * 4 + 8;
    *columns = ARENA_ARRAY(evaluator_arena(ev), Element *, capacity);
    *keys = ARENA_ARRAY(evaluator_arena(ev), Atom, capacity);
    for (int i = 0; i < property_count; i++) {
        if (properties[i]->kind != PROPERTY_COLUMN || properties[i]->query_expression) continue;
        for (int j = 0; j < properties[i]->columns.count && made < capacity; j++) {
            Element *plain = entity_plain_column(ev, entity, properties[i], properties[i]->columns.items[j]);
            bool known = !plain;
            for (int k = 0; k < made; k++) known |= (*columns)[k]->original == plain;
            if (known) continue;
            Element *column = element_copy(ev, plain);
            column->original = plain;
            column->entity = entity;
            column->entity_key = properties[i]->key;
            (*columns)[made] = column;
            (*keys)[made++] = properties[i]->key;
        }
    }
    *count = made;
    return true;
}

bool orm_entity_returned(Evaluator *ev, Entity *entity, bool own, Element ***columns, Atom **keys, int *count) {
    int all = 0, kept = 0;
    if (!orm_entity_columns(ev, entity, columns, keys, &all)) return false;
    const ElementList *local = from_columns(ev, entity->mapper->local_table);
    for (int i = 0; i < all; i++) {
        Element *column = (*columns)[i];
        Property *property = mapper_property(entity->mapper, (*keys)[i]);
        if (!property || property->deferred) continue;
        if (own && !list_has(local, column->original ? column->original : column)) continue;
        (*columns)[kept] = column;
        (*keys)[kept++] = (*keys)[i];
    }
    *count = kept;
    return true;
}

/* ---- attributes ---- */

AttributeValue *attribute_new(Evaluator *ev, Entity *entity, Property *property) {
    AttributeValue *made = instance_allocate(ev, orm_state(ev)->attribute, sizeof *made);
    made->entity = entity;
    made->property = property;
    return made;
}

AttributeValue *value_as_attribute(Value *value) {
    return value && value->type == &orm_attribute_type ? (AttributeValue *)value : NULL;
}

/* A hybrid's expression carries the hybrid's name, which its column in a SELECT gets. */
static Value *named_expression(Evaluator *ev, Value *value, Entity *entity, Atom name) {
    Element *element = value && value_is_element(value) ? element_of(ev, value) : NULL;
    if (!element || !element_is_column(element) || element->kind == EL_COLUMN || element->kind == EL_LABEL ||
        element->kind == EL_SCALAR_SELECT)
        return value;
    Element *copy = element_copy(ev, element);
    copy->original = element;
    copy->entity = entity;
    copy->entity_key = name;
    return (Value *)copy;
}

Value *entity_attribute(Evaluator *ev, Entity *entity, Atom name, const Node *site) {
    Property *property = mapper_property(entity->mapper, name);
    for (int i = 0; i < entity->poly_count && !property && entity->is_polymorphic; i++)
        property = mapper_property(entity->poly[i], name);
    if (property && property->kind == PROPERTY_SYNONYM) return entity_attribute(ev, entity, property->target, site);
    if (property && property->kind == PROPERTY_COLUMN) return (Value *)entity_column(ev, entity, property);
    if (property) return &attribute_new(ev, entity, property)->head.head;
    Value *found = class_find(entity->mapper->cls, name);
    if (!found) return NULL;
    if (found->type == &orm_hybrid_type)
        return named_expression(ev, hybrid_of_entity(ev, found, entity, site), entity, name);
    if (found->type == &orm_proxy_type) return proxy_of_entity(ev, found, entity, site);
    return value_find_attribute(ev, &entity->mapper->cls->head, name, site);
}

Element *orm_entity_attribute(Evaluator *ev, Entity *entity, Atom name, const Node *site) {
    if (!mappers_configure(ev)) return NULL;
    Value *value = entity_attribute(ev, entity, name, site);
    if (!value) return NULL;
    if (value_is_element(value)) return element_of(ev, value);
    return orm_coerce_expression(ev, value, site);
}

Value *orm_class_attribute(Evaluator *ev, Class *cls, Atom name, const Node *site) {
    Mapper *mapper = mapper_of_class(cls);
    if (!mapper) return NULL;
    return entity_attribute(ev, mapper_entity(ev, mapper), name, site);
}

/* ---- what aliased() gives ---- */

static Value *aliased_get_attribute(Evaluator *ev, Value *self, Atom name, const Node *site) {
    if (!mappers_configure(ev)) return NULL;
    Entity *entity = ((AliasedValue *)self)->entity;
    for (int i = 0; i < entity->poly_count && entity->subs; i++)
        if (entity->subs[i]->mapper->cls->name == name) return entity_value(ev, entity->subs[i]);
    if (slice_equals_text(name->text, "__table__")) return (Value *)entity->selectable;
    return entity_attribute(ev, entity, name, site);
}

static void aliased_describe(Evaluator *ev, Value *self, Buffer *out) {
    (void)ev;
    buffer_format(out, "<AliasedClass; %.*s>", SLICE_ARGS(((AliasedValue *)self)->entity->name));
}

const Type orm_aliased_type = {
    .name = "AliasedClass", .kind = VALUE_NATIVE, .get_attribute = aliased_get_attribute, .describe = aliased_describe};

static bool truth_of(Value *value) { return value && value_is(value, VALUE_BOOL) && value_is_true(value); }

static Value *call_aliased(Evaluator *ev, Value *self, const Arguments *arguments) {
    (void)self;
    Value *target = NULL, *alias = NULL, *name = NULL, *flat = NULL, *on_names = NULL;
    if (!arguments_bind(ev, arguments, "aliased", "element | alias name flat adapt_on_names", &target, &alias, &name,
                        &flat, &on_names) ||
        !mappers_configure(ev))
        return NULL;
    Slice text = name && value_is(name, VALUE_STRING) ? value_text(name) : (Slice){0};
    Entity *entity = entity_of_value(ev, target);
    if (!entity) {
        Element *element = element_coerce(ev, target, COERCE_FROM, arguments->site);
        if (!element) return NULL;
        if (element_is_select(element)) return (Value *)element_subquery(ev, element, name_from(text));
        return (Value *)element_alias(ev, element, name_from(text));
    }
    Element *selectable = NULL;
    if (alias && !value_is_none(alias)) {
        selectable = element_coerce(ev, alias, COERCE_FROM, arguments->site);
        if (!selectable) return NULL;
        if (element_is_select(selectable)) selectable = element_subquery(ev, selectable, name_from(text));
    }
    Mapper *mapper = entity->mapper;
    if (entity->is_alias && selectable) {
        Entity *made = entity_alias(ev, mapper, selectable, text, false);
        made->adapt_from = entity;
        return entity_value(ev, made);
    }
    Entity *made = entity_alias(ev, mapper, selectable, text, truth_of(flat));
    made->adapt_on_names = truth_of(on_names);
    return entity_value(ev, made);
}

static Value *call_with_polymorphic(Evaluator *ev, Value *self, const Arguments *arguments) {
    (void)self;
    Value *base = NULL, *classes = NULL, *selectable = NULL, *flat = NULL, *on = NULL, *aliased = NULL, *inner = NULL,
          *names = NULL, *name = NULL, *use_mapper_path = NULL;
    if (!arguments_bind(ev, arguments, "with_polymorphic",
                        "base classes | selectable flat polymorphic_on aliased innerjoin adapt_on_names name "
                        "_use_mapper_path",
                        &base, &classes, &selectable, &flat, &on, &aliased, &inner, &names, &name, &use_mapper_path) ||
        !mappers_configure(ev))
        return NULL;
    Entity *entity = entity_of_value(ev, base);
    if (!entity) return sa_raise(ev, SA_ARGUMENT_ERROR, arguments->site, "with_polymorphic() expects a mapped class");
    Mapper **poly = NULL;
    int count = 0, capacity = 0;
    if (value_is(classes, VALUE_STRING)) {
        Mapper **all = NULL;
        int all_count = 0, all_capacity = 0;
        mapper_self_and_subs(ev, entity->mapper, &all, &all_count, &all_capacity);
        for (int i = 1; i < all_count; i++) ARENA_PUSH(evaluator_arena(ev), poly, count, capacity) = all[i];
    } else {
        bool many = value_is(classes, VALUE_LIST) || value_is(classes, VALUE_TUPLE);
        for (int i = 0; i < (many ? ((ListValue *)classes)->count : 1); i++) {
            Entity *item = entity_of_value(ev, many ? ((ListValue *)classes)->items[i] : classes);
            if (!item) continue;
            if (!mapper_is_a(item->mapper, entity->mapper))
                return sa_raise(ev, SA_INVALID_REQUEST_ERROR, arguments->site, "%.*s does not inherit from %.*s",
                                SLICE_ARGS(item->mapper->cls->name->text), SLICE_ARGS(entity->mapper->cls->name->text));
            Mapper *chain[16];
            int depth = 0;
            for (Mapper *up = item->mapper; up && up != entity->mapper && depth < 16; up = up->inherits)
                chain[depth++] = up;
            while (depth-- > 0) {
                bool known = false;
                for (int j = 0; j < count; j++) known |= poly[j] == chain[depth];
                if (!known) ARENA_PUSH(evaluator_arena(ev), poly, count, capacity) = chain[depth];
            }
        }
    }
    /* in the order of their definition */
    Mapper **ordered = NULL, **family = NULL;
    int ordered_count = 0, ordered_capacity = 0, family_count = 0, family_capacity = 0;
    mapper_self_and_subs(ev, entity->mapper, &family, &family_count, &family_capacity);
    for (int i = 0; i < family_count; i++)
        for (int j = 0; j < count; j++)
            if (poly[j] == family[i])
                ARENA_PUSH(evaluator_arena(ev), ordered, ordered_count, ordered_capacity) = family[i];
    poly = ordered;
    count = ordered_count;
    Element *given = selectable && !value_is_none(selectable) && !value_is(selectable, VALUE_BOOL)
                         ? element_coerce(ev, selectable, COERCE_FROM, arguments->site)
                         : NULL;
    Entity *made =
        entity_polymorphic(ev, entity->mapper, poly, count, given, truth_of(aliased), truth_of(flat), truth_of(inner));
    return made ? entity_value(ev, made) : NULL;
}

/* The mapper's own with_polymorphic setting, once all subclasses are known. */
bool mapper_configure_polymorphic(Evaluator *ev, Mapper *mapper) {
    Value *given = mapper->with_polymorphic_argument;
    bool some = given && !value_is_none(given);
    for (int i = 0; i < mapper->sub_count; i++) some |= mapper->subs[i]->load_inline;
    if (!some || mapper->with_polymorphic_selectable) return true;
    if (!given || value_is_none(given)) given = &value_list(ev)->head;
    Element *selectable = NULL;
    if (value_is(given, VALUE_TUPLE) && ((ListValue *)given)->count == 2) {
        Value *second = ((ListValue *)given)->items[1];
        if (!value_is(second, VALUE_CLASS)) {
            if (!value_is_none(second)) selectable = element_coerce(ev, second, COERCE_FROM, mapper->cls->node);
            given = ((ListValue *)given)->items[0];
        }
    }
    Mapper **all = NULL, **poly = NULL;
    int all_count = 0, all_capacity = 0, count = 0, capacity = 0;
    mapper_self_and_subs(ev, mapper, &all, &all_count, &all_capacity);
    bool star = value_is(given, VALUE_STRING);
    for (int i = 1; i < all_count; i++) {
        bool named = star || (all[i]->load_inline && all[i]->inherits == mapper);
        for (int j = 0; !star && j < ((ListValue *)given)->count; j++)
            named |= ((ListValue *)given)->items[j] == &all[i]->cls->head;
        if (named) ARENA_PUSH(evaluator_arena(ev), poly, count, capacity) = all[i];
    }
    evaluator_touch(ev, mapper, sizeof *mapper);
    mapper->with_polymorphic = poly;
    mapper->with_polymorphic_count = count;
    mapper->with_polymorphic_selectable =
        selectable ? selectable : mapper_polymorphic_join(ev, mapper, poly, count, false);
    if (!mapper->with_polymorphic_selectable) return false;
    mapper_entity(ev, mapper)->selectable = mapper->with_polymorphic_selectable;
    return true;
}

void entities_define(Evaluator *ev, ModuleValue *module) {
    NativeClass aliased = {.name = "AliasedClass", .instance_type = &orm_aliased_type};
    orm_state(ev)->aliased = module_define_class(ev, module, &aliased, NULL);
    module_define_function(ev, module, "aliased", call_aliased);
    module_define_function(ev, module, "with_polymorphic", call_with_polymorphic);
}
