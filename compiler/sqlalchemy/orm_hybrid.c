/*
 * sqlalchemy.ext.hybrid and sqlalchemy.ext.associationproxy.
 *
 * Input: @hybrid_property, @hybrid_method and their .expression, association_proxy("tags", "name"). Output: on the
 * class (or an alias of it) the expression, on an instance the Python value. Invariant: what the expression function
 * sees as `cls` is the class or the alias that the attribute was read from. Example: @hybrid_property def
 * is_adult(self): return self.age >= 18 -> User.is_adult is users.age >= 18.
 */
#include "compiler/sqlalchemy/session.h"

typedef struct HybridValue {
    Instance head;
    Value *getter, *setter, *expression, *comparator;
    struct HybridValue *changes; /* .inplace: what .expression and its kin change, instead of a copy */
    bool is_method;
} HybridValue;

/* A function with its first argument fixed. */
typedef struct BoundCall {
    Value *function, *self;
} BoundCall;

static Value *bound_call(Evaluator *ev, Value *self, const Arguments *arguments) {
    (void)self;
    const BoundCall *bound = evaluator_native_data(ev);
    Arguments all = *arguments;
    all.items = ARENA_ARRAY(evaluator_arena(ev), Value *, arguments->count + 1);
    all.nodes = ARENA_ARRAY(evaluator_arena(ev), const Node *, arguments->count + 1);
    all.items[0] = bound->self;
    all.nodes[0] = arguments->site;
    for (int i = 0; i < arguments->count; i++) {
        all.items[i + 1] = arguments->items[i];
        all.nodes[i + 1] = arguments->nodes ? arguments->nodes[i] : arguments->site;
    }
    all.count = arguments->count + 1;
    return value_call(ev, bound->function, &all);
}

static Value *bound_new(Evaluator *ev, Value *function, Value *self) {
    BoundCall *bound = ARENA_NEW(evaluator_arena(ev), BoundCall);
    *bound = (BoundCall){function, self};
    return value_native_function(ev, "hybrid_method", bound_call, bound);
}

static Value *hybrid_expression(Evaluator *ev, HybridValue *hybrid, Value *owner, const Node *site) {
    Value *function = hybrid->comparator   ? hybrid->comparator
                      : hybrid->expression ? hybrid->expression
                                           : hybrid->getter;
    if (value_is(function, VALUE_CLASSMETHOD)) function = ((WrapperValue *)function)->function;
    if (!hybrid->is_method) return value_call_with(ev, function, &owner, 1, site);
    return bound_new(ev, function, owner);
}

/* Read through the class itself: by its name there, so that the expression is named. */
static Value *hybrid_on_class(Evaluator *ev, Value *self, Class *cls, const Node *site) {
    for (int i = 0; i < cls->mro_count; i++)
        for (int j = 0; j < cls->mro[i]->names.count; j++)
            if (cls->mro[i]->names.entries[j].value == self && cls->mro[i]->names.entries[j].key)
                return orm_class_attribute(ev, cls, cls->mro[i]->names.entries[j].key, site);
    return hybrid_expression(ev, (HybridValue *)self, &cls->head, site);
}

static Value *hybrid_bound(Evaluator *ev, Value *self, Value *instance, Class *cls, const Node *site) {
    HybridValue *hybrid = (HybridValue *)self;
    if (!instance && !mapper_of_class(cls)) return self;
    if (!instance) return hybrid_on_class(ev, self, cls, site);
    if (!hybrid->is_method) return value_call_with(ev, hybrid->getter, &instance, 1, site);
    return bound_new(ev, hybrid->getter, instance);
}

const Type orm_hybrid_type = {
    .name = "hybrid_property", .kind = VALUE_NATIVE, .get_bound = hybrid_bound, .has_attributes = true};

Value *hybrid_of_entity(Evaluator *ev, Value *hybrid, Entity *entity, const Node *site) {
    return hybrid_expression(ev, (HybridValue *)hybrid, entity_value(ev, entity), site);
}

bool hybrid_set(Evaluator *ev, Value *hybrid, Value *instance, Value *value, const Node *site) {
    Value *setter = ((HybridValue *)hybrid)->setter;
    if (!setter) return true;
    Value *items[2] = {instance, value};
    return value_call_with(ev, setter, items, 2, site) != NULL;
}

static Value *hybrid_create(Evaluator *ev, Class *cls, const Arguments *arguments) {
    HybridValue *made = instance_allocate(ev, cls, sizeof *made);
    made->is_method = slice_equals_text(cls->name->text, "hybrid_method");
    if (arguments->count) made->getter = arguments->items[0];
    Value *expression = arguments_keyword(arguments, orm_atom(ev, "expr"));
    if (expression) made->expression = expression;
    return &made->head.head;
}

static Value *hybrid_with(Evaluator *ev, Value *self, const Arguments *arguments) {
    const char *which = evaluator_native_data(ev);
    HybridValue *copy = ((HybridValue *)self)->changes;
    if (!arguments->count) return self;
    if (copy) {
        evaluator_touch(ev, copy, sizeof *copy);
    } else {
        copy = ARENA_NEW(evaluator_arena(ev), HybridValue);
        *copy = *(HybridValue *)self;
    }
    if (*which == 'e') copy->expression = arguments->items[0];
    else if (*which == 'c') copy->comparator = arguments->items[0];
    else if (*which == 's') copy->setter = arguments->items[0];
    return &copy->head.head;
}

static Value *hybrid_overrides(Evaluator *ev, Value *self, const Arguments *arguments) {
    (void)ev;
    (void)arguments;
    return self;
}

static Value *hybrid_inplace(Evaluator *ev, Value *self, const Arguments *arguments) {
    (void)arguments;
    HybridValue *view = ARENA_NEW(evaluator_arena(ev), HybridValue);
    *view = *(HybridValue *)self;
    view->changes = (HybridValue *)self;
    return &view->head.head;
}

static const NativeMethod hybrid_methods[] = {{"expression", hybrid_with, NATIVE_METHOD, "e"},
                                              {"comparator", hybrid_with, NATIVE_METHOD, "c"},
                                              {"setter", hybrid_with, NATIVE_METHOD, "s"},
                                              {"deleter", hybrid_with, NATIVE_METHOD, "d"},
                                              {"update_expression", hybrid_with, NATIVE_METHOD, "u"},
                                              {"overrides", hybrid_overrides, NATIVE_PROPERTY, NULL},
                                              {"inplace", hybrid_inplace, NATIVE_PROPERTY, NULL},
                                              {0}};

/* ---- Comparator: what @x.comparator gives, with operators of its own ---- */

static Value *comparator_init(Evaluator *ev, Value *self, const Arguments *arguments) {
    if (arguments->count) instance_set(ev, self, orm_atom(ev, "expression"), arguments->items[0]);
    return value_none(ev);
}

static Value *comparator_clause(Evaluator *ev, Value *self, const Arguments *arguments) {
    (void)arguments;
    Value *expression = instance_get(self, orm_atom(ev, "expression"));
    return expression ? expression : value_none(ev);
}

static const NativeMethod comparator_methods[] = {{"__init__", comparator_init, NATIVE_METHOD, NULL},
                                                  {"__clause_element__", comparator_clause, NATIVE_METHOD, NULL},
                                                  {0}};

/* ---- association_proxy ---- */

typedef struct ProxyValue {
    Instance head;
    Atom target, attribute;
    Value *creator;
} ProxyValue;

/* Tag-like objects behind a list of their names */
typedef struct ProxyList {
    Value head;
    ProxyValue *proxy;
    OrmInstance *owner;
    Value *collection;
} ProxyList;

static Value *proxy_create_item(Evaluator *ev, ProxyList *list, Value *value, const Node *site) {
    if (list->proxy->creator) return value_call_with(ev, list->proxy->creator, &value, 1, site);
    Property *property = mapper_property(list->owner->mapper, list->proxy->target);
    return value_call_with(ev, &property->relationship->target->cls->head, &value, 1, site);
}

static Value *proxy_append(Evaluator *ev, Value *self, const Arguments *arguments) {
    ProxyList *list = (ProxyList *)self;
    if (!arguments->count) return NULL;
    Value *item = proxy_create_item(ev, list, arguments->items[0], arguments->site);
    return item ? value_call_method(ev, list->collection, "append", &item, 1, arguments->site) : NULL;
}

static Value *proxy_iterate(Evaluator *ev, Value *self, const Node *site) {
    ProxyList *list = (ProxyList *)self;
    Value *items = value_iterate(ev, list->collection, site);
    if (!items) return NULL;
    if (value_is_unknown(items)) {
        Value *element = ((UnknownValue *)items)->element;
        Value *value = element ? value_get_attribute(ev, element, list->proxy->attribute, site) : NULL;
        return value ? value_unknown_of(ev, value, site) : items;
    }
    ListValue *values = value_list(ev);
    for (int i = 0; i < ((ListValue *)items)->count; i++) {
        Value *value = value_get_attribute(ev, ((ListValue *)items)->items[i], list->proxy->attribute, site);
        if (!value) return NULL;
        list_append(ev, values, value);
    }
    return &values->head;
}

static Value *proxy_list_attribute(Evaluator *ev, Value *self, Atom name, const Node *site) {
    (void)site;
    if (!slice_equals_text(name->text, "append") && !slice_equals_text(name->text, "add")) return NULL;
    Value *made = value_native_function(ev, "append", proxy_append, NULL);
    ((NativeFunctionValue *)made)->self = self;
    return made;
}

static const Type proxy_list_type = {
    .name = "_AssociationList", .kind = VALUE_NATIVE, .iterate = proxy_iterate, .get_attribute = proxy_list_attribute};

static Value *proxy_bound(Evaluator *ev, Value *self, Value *instance, Class *cls, const Node *site) {
    ProxyValue *proxy = (ProxyValue *)self;
    Mapper *mapper = mapper_of_class(cls);
    if (!instance) return mapper ? proxy_of_entity(ev, self, mapper_entity(ev, mapper), site) : self;
    OrmInstance *owner = value_as_instance(instance);
    Value *target = value_get_attribute(ev, instance, proxy->target, site);
    if (!target || !owner) return target;
    if (target->type != &orm_collection_type)
        return value_is_none(target) ? target : value_get_attribute(ev, target, proxy->attribute, site);
    ProxyList *list = ARENA_NEW(evaluator_arena(ev), ProxyList);
    *list = (ProxyList){{&proxy_list_type, evaluator_object_class(ev)}, proxy, owner, target};
    return &list->head;
}

const Type orm_proxy_type = {
    .name = "AssociationProxy", .kind = VALUE_NATIVE, .get_bound = proxy_bound, .has_attributes = true};

/* User.tag_names in a query: .any(), .contains("x"), == "x" go through the relationship. */
typedef struct ProxyAttribute {
    Value head;
    ProxyValue *proxy;
    Entity *entity;
    AttributeValue *relationship;
} ProxyAttribute;

static Value *proxy_exists(Evaluator *ev, ProxyAttribute *self, Value *criterion, const Node *site) {
    bool many = self->relationship->property->relationship->uselist;
    return value_call_method(ev, &self->relationship->head.head, many ? "any" : "has", &criterion, criterion ? 1 : 0,
                             site);
}

static Value *proxy_remote(Evaluator *ev, ProxyAttribute *self, const Node *site) {
    Relationship *relationship = self->relationship->property->relationship;
    if (!relationship_configure(ev, relationship)) return NULL;
    return entity_attribute(ev, relationship->target_entity, self->proxy->attribute, site);
}

static Value *proxy_attribute_call(Evaluator *ev, Value *self, const Arguments *arguments) {
    const char *which = evaluator_native_data(ev);
    ProxyAttribute *attribute = (ProxyAttribute *)self;
    Value *remote = proxy_remote(ev, attribute, arguments->site);
    if (!remote) return NULL;
    Value *criterion = arguments->count ? arguments->items[0] : NULL;
    AttributeValue *object = value_as_attribute(remote);
    if (object && slice_equals_text(slice_from(which), "contains") && criterion) {
        criterion = value_compare(ev, COMPARE_Eq, remote, criterion, arguments->site);
    } else if (object && (slice_equals_text(slice_from(which), "any") || slice_equals_text(slice_from(which), "has"))) {
        criterion = (Value *)attribute_exists(ev, object, criterion, arguments);
    } else if (object) {
        Value *method = value_get_attribute(ev, remote, orm_atom(ev, which), arguments->site);
        criterion = method ? value_call(ev, method, arguments) : NULL;
    } else if (*which != 'a' && *which != 'h') {
        Value *method = value_get_attribute(ev, remote, orm_atom(ev, which), arguments->site);
        criterion = method ? value_call(ev, method, arguments) : NULL;
    }
    if (evaluator_error_pending(ev)) return NULL;
    return proxy_exists(ev, attribute, criterion, arguments->site);
}

static Value *proxy_attribute_get(Evaluator *ev, Value *self, Atom name, const Node *site) {
    (void)site;
    const char *text = name->text.start;
    Value *made = value_native_function(ev, text, proxy_attribute_call, (void *)(uintptr_t)text);
    ((NativeFunctionValue *)made)->self = self;
    return made;
}

static Value *proxy_attribute_compare(Evaluator *ev, CompareOperator op, Value *self, Value *other, bool reflected,
                                      const Node *site) {
    ProxyAttribute *attribute = (ProxyAttribute *)self;
    Value *remote = proxy_remote(ev, attribute, site);
    if (!remote) return NULL;
    Value *criterion =
        reflected ? value_compare(ev, op, other, remote, site) : value_compare(ev, op, remote, other, site);
    return criterion ? proxy_exists(ev, attribute, criterion, site) : NULL;
}

static const Type proxy_attribute_type = {.name = "AssociationProxyInstance",
                                          .kind = VALUE_NATIVE,
                                          .get_attribute = proxy_attribute_get,
                                          .compare = proxy_attribute_compare};

Value *proxy_of_entity(Evaluator *ev, Value *proxy, Entity *entity, const Node *site) {
    ProxyValue *value = (ProxyValue *)proxy;
    Value *relationship = entity_attribute(ev, entity, value->target, site);
    AttributeValue *attribute = relationship ? value_as_attribute(relationship) : NULL;
    if (!attribute) return relationship;
    ProxyAttribute *made = ARENA_NEW(evaluator_arena(ev), ProxyAttribute);
    *made = (ProxyAttribute){{&proxy_attribute_type, evaluator_object_class(ev)}, value, entity, attribute};
    return &made->head;
}

bool proxy_set(Evaluator *ev, Value *proxy, Value *instance, Value *value, const Node *site) {
    ProxyValue *self = (ProxyValue *)proxy;
    OrmInstance *owner = value_as_instance(instance);
    Property *property = owner ? mapper_property(owner->mapper, self->target) : NULL;
    if (!property || property->kind != PROPERTY_RELATIONSHIP) return true;
    ProxyList list = {{&proxy_list_type, evaluator_object_class(ev)}, self, owner, NULL};
    if (!property->relationship->uselist) {
        Value *item = proxy_create_item(ev, &list, value, site);
        return item && value_set_attribute(ev, instance, self->target, item, site);
    }
    Value *items = value_iterate(ev, value, site);
    if (!items || value_is_unknown(items)) return items != NULL;
    ListValue *made = value_list(ev);
    for (int i = 0; i < ((ListValue *)items)->count; i++) {
        Value *item = proxy_create_item(ev, &list, ((ListValue *)items)->items[i], site);
        if (!item) return false;
        list_append(ev, made, item);
    }
    return value_set_attribute(ev, instance, self->target, &made->head, site);
}

static Value *call_association_proxy(Evaluator *ev, Value *self, const Arguments *arguments) {
    (void)self;
    ProxyValue *made = instance_allocate(ev, orm_state(ev)->proxy, sizeof *made);
    if (arguments->count < 2 || !value_is(arguments->items[0], VALUE_STRING) ||
        !value_is(arguments->items[1], VALUE_STRING))
        return value_unknown_at(ev, arguments->site);
    made->target = value_as_atom(ev, arguments->items[0]);
    made->attribute = value_as_atom(ev, arguments->items[1]);
    made->creator = arguments_keyword(arguments, orm_atom(ev, "creator"));
    return &made->head.head;
}

void hybrids_define(Evaluator *ev, ModuleValue *hybrid, ModuleValue *proxy) {
    if (hybrid) {
        NativeClass cls = {.name = "hybrid_property",
                           .instance_type = &orm_hybrid_type,
                           .methods = hybrid_methods,
                           .create = hybrid_create};
        orm_state(ev)->hybrid = module_define_class(ev, hybrid, &cls, NULL);
        cls.name = "hybrid_method";
        module_define_class(ev, hybrid, &cls, NULL);
        cls = (NativeClass){.name = "Comparator", .methods = comparator_methods};
        module_define_class(ev, hybrid, &cls, NULL);
    }
    if (proxy) {
        NativeClass cls = {.name = "AssociationProxy", .instance_type = &orm_proxy_type};
        orm_state(ev)->proxy = module_define_class(ev, proxy, &cls, NULL);
        module_define_function(ev, proxy, "association_proxy", call_association_proxy);
    }
}
