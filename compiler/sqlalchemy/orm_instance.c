/*
 * Mapped instances: their attributes, collections, and what changes between flushes.
 *
 * Input: User(name="x"), user.name = …, user.posts.append(…), reads of attributes that may not be loaded. Output: the
 * state that the unit of work turns into statements, and lazy loads.
 * Invariants: every change goes through instance_set and evaluator_touch, so that a path of evaluation can be undone;
 * both sides of a back_populates pair are kept in step while they are loaded.
 * Example: comment.post = post puts comment into post.comments where that is loaded.
 */
#include "compiler/sqlalchemy/session.h"

OrmInstance *value_as_instance(Value *value) {
    return value && value->type == &orm_instance_type ? (OrmInstance *)value : NULL;
}

OrmInstance *instance_new(Evaluator *ev, Mapper *mapper) {
    OrmInstance *made = instance_allocate(ev, mapper->cls, sizeof *made);
    made->head.head.type = &orm_instance_type;
    made->mapper = mapper;
    atom_map_init(&made->committed, evaluator_arena(ev));
    return made;
}

Value *orm_instance_create(Evaluator *ev, Class *cls, const Arguments *arguments) {
    (void)arguments;
    Mapper *mapper = mapper_of_class(cls);
    if (!mapper || !mappers_configure(ev)) {
        if (evaluator_error_pending(ev)) return NULL;
        return instance_allocate(ev, cls, sizeof(OrmInstance));
    }
    return &instance_new(ev, mapper)->head.head;
}

/* "Some user": a parameter or the like. Its attributes are unknown, and thought of as loaded. */
Value *orm_unknown_instance(Evaluator *ev, Class *cls, Slice text, const Node *node) {
    Mapper *mapper = mapper_of_class(cls);
    if (!mapper) return value_unknown(ev, text, node, &cls->head);
    OrmInstance *made = instance_new(ev, mapper);
    made->status = INSTANCE_DETACHED;
    made->partial = true;
    made->text = text;
    return &made->head.head;
}

void instance_load(Evaluator *ev, OrmInstance *instance, Atom key, Value *value) {
    instance_set(ev, &instance->head.head, key, value);
}

static void map_put(Evaluator *ev, AtomMap *map, Atom key, void *value) {
    evaluator_touch(ev, map, sizeof *map);
    *map = atom_map_copy(map, evaluator_arena(ev));
    atom_map_set(map, key, value);
}

bool instance_is_modified(const OrmInstance *instance) {
    for (int i = 0; i < instance->committed.count; i++)
        if (instance->committed.entries[i].key) return true;
    return false;
}

/* ---- collections ---- */

CollectionValue *collection_new(Evaluator *ev, OrmInstance *owner, Relationship *relationship) {
    CollectionValue *made = ARENA_NEW(evaluator_arena(ev), CollectionValue);
    made->list.head = (Value){&orm_collection_type, orm_state(ev)->collection};
    made->owner = owner;
    made->relationship = relationship;
    made->added = value_list(ev);
    made->removed = value_list(ev);
    return made;
}

static int list_index(const ListValue *list, const Value *item) {
    for (int i = 0; i < list->count; i++)
        if (list->items[i] == item) return i;
    return -1;
}

static void list_remove(Evaluator *ev, ListValue *list, int index) {
    evaluator_touch(ev, list, sizeof *list);
    Value **items = ARENA_ARRAY(evaluator_arena(ev), Value *, list->count + 1);
    int count = 0;
    for (int i = 0; i < list->count; i++)
        if (i != index) items[count++] = list->items[i];
    list->items = items;
    list->count = count;
    list->capacity = count;
}

static void collection_put(Evaluator *ev, CollectionValue *collection, Value *item) {
    list_append(ev, &collection->list, item);
    int removed = list_index(collection->removed, item);
    if (removed >= 0) list_remove(ev, collection->removed, removed);
    else list_append(ev, collection->added, item);
}

static void collection_take(Evaluator *ev, CollectionValue *collection, Value *item) {
    int index = list_index(&collection->list, item);
    if (index >= 0) list_remove(ev, &collection->list, index);
    int added = list_index(collection->added, item);
    if (added >= 0) list_remove(ev, collection->added, added);
    else list_append(ev, collection->removed, item);
}

static Value *loaded(OrmInstance *instance, const Relationship *relationship) {
    return instance_get(&instance->head.head, relationship->property->key);
}

static void scalar_put(Evaluator *ev, OrmInstance *instance, Property *property, Value *value) {
    Value *before = instance_get(&instance->head.head, property->key);
    if (!atom_map_get(&instance->committed, property->key))
        map_put(ev, &instance->committed, property->key, before ? before : value_none(ev));
    instance_set(ev, &instance->head.head, property->key, value);
}

/* A loaded collection, or an empty pending one of an instance that has no rows yet. */
static CollectionValue *collection_of(Evaluator *ev, OrmInstance *instance, Relationship *relationship, bool make) {
    Value *value = loaded(instance, relationship);
    if (value && value->type == &orm_collection_type) return (CollectionValue *)value;
    if (!make) return NULL;
    CollectionValue *made = collection_new(ev, instance, relationship);
    if (instance->status == INSTANCE_PERSISTENT || instance->partial) made->pending_only = true;
    instance_set(
        ev, &instance->head.head,
        made->pending_only
            ? orm_atom(ev, slice_terminated(evaluator_arena(ev), slice_format(evaluator_arena(ev), "_pending_%s",
                                                                              relationship->property->key->text.start)))
            : relationship->property->key,
        &made->list.head);
    return made;
}

/* The other side of a back_populates pair. */
static void reverse_add(Evaluator *ev, OrmInstance *owner, Relationship *relationship, Value *item) {
    Relationship *reverse = relationship->reverse;
    OrmInstance *other = value_as_instance(item);
    if (!reverse || !other) return;
    if (reverse->uselist) {
        CollectionValue *collection = collection_of(ev, other, reverse, true);
        if (collection && list_index(&collection->list, &owner->head.head) < 0)
            collection_put(ev, collection, &owner->head.head);
    } else {
        Value *before = loaded(other, reverse);
        if (before == &owner->head.head) return;
        OrmInstance *previous = value_as_instance(before);
        if (previous && relationship->uselist) {
            CollectionValue *collection = collection_of(ev, previous, relationship, false);
            if (collection) collection_take(ev, collection, item);
        }
        scalar_put(ev, other, reverse->property, &owner->head.head);
    }
}

static void reverse_remove(Evaluator *ev, OrmInstance *owner, Relationship *relationship, Value *item) {
    Relationship *reverse = relationship->reverse;
    OrmInstance *other = value_as_instance(item);
    if (!reverse || !other) return;
    if (reverse->uselist) {
        CollectionValue *collection = collection_of(ev, other, reverse, false);
        if (collection) collection_take(ev, collection, &owner->head.head);
    } else if (loaded(other, reverse) == &owner->head.head) {
        scalar_put(ev, other, reverse->property, value_none(ev));
    }
}

static void cascade_item(Evaluator *ev, OrmInstance *owner, Relationship *relationship, Value *item) {
    OrmInstance *other = value_as_instance(item);
    if (other && owner->session && relationship->cascade_save_update)
        instance_cascade_add(ev, owner->session, other, 0);
}

static void collection_add_item(Evaluator *ev, CollectionValue *collection, Value *item) {
    collection_put(ev, collection, item);
    reverse_add(ev, collection->owner, collection->relationship, item);
    cascade_item(ev, collection->owner, collection->relationship, item);
}

static Value *collection_append(Evaluator *ev, Value *self, const Arguments *arguments) {
    if (arguments->count) collection_add_item(ev, (CollectionValue *)self, arguments->items[arguments->count - 1]);
    return value_none(ev);
}

static Value *collection_extend(Evaluator *ev, Value *self, const Arguments *arguments) {
    Value *items = arguments->count ? value_iterate(ev, arguments->items[0], arguments->site) : NULL;
    if (!items) return NULL;
    if (value_is_unknown(items)) {
        Value *element = ((UnknownValue *)items)->element;
        if (element) collection_add_item(ev, (CollectionValue *)self, element);
        return value_none(ev);
    }
    ListValue *list = (ListValue *)items;
    for (int i = 0; i < list->count; i++) collection_add_item(ev, (CollectionValue *)self, list->items[i]);
    return value_none(ev);
}

static Value *collection_remove(Evaluator *ev, Value *self, const Arguments *arguments) {
    CollectionValue *collection = (CollectionValue *)self;
    if (!arguments->count) return NULL;
    Value *item = arguments->items[0];
    collection_take(ev, collection, item);
    reverse_remove(ev, collection->owner, collection->relationship, item);
    return value_none(ev);
}

static Value *collection_pop(Evaluator *ev, Value *self, const Arguments *arguments) {
    CollectionValue *collection = (CollectionValue *)self;
    int64_t index = -1;
    if (collection->list.open) return collection->element ? collection->element : value_unknown_at(ev, arguments->site);
    if (arguments->count && !value_as_integer(arguments->items[0], &index))
        return value_unknown_at(ev, arguments->site);
    if (index < 0) index += collection->list.count;
    if (index < 0 || index >= collection->list.count)
        return evaluator_raise_id(ev, EXCEPTION_INDEX, arguments->site, "pop index out of range");
    Value *item = collection->list.items[index];
    collection_take(ev, collection, item);
    reverse_remove(ev, collection->owner, collection->relationship, item);
    return item;
}

static Value *collection_clear(Evaluator *ev, Value *self, const Arguments *arguments) {
    (void)arguments;
    CollectionValue *collection = (CollectionValue *)self;
    while (collection->list.count) {
        Value *item = collection->list.items[0];
        collection_take(ev, collection, item);
        reverse_remove(ev, collection->owner, collection->relationship, item);
    }
    return value_none(ev);
}

static Value *collection_items(Evaluator *ev, CollectionValue *collection, const Node *site) {
    if (collection->list.open && collection->element && !collection->list.count) {
        Value *items = value_unknown_of(ev, collection->element, site);
        return items;
    }
    ListValue *list = value_list(ev);
    for (int i = 0; i < collection->list.count; i++) list_append(ev, list, collection->list.items[i]);
    if (collection->list.open && collection->element) {
        list_append(ev, list, collection->element);
        list->open = true;
    }
    return &list->head;
}

static Value *collection_iterate(Evaluator *ev, Value *self, const Node *site) {
    return collection_items(ev, (CollectionValue *)self, site);
}

static Value *collection_item(Evaluator *ev, Value *self, Value *key, const Node *site) {
    CollectionValue *collection = (CollectionValue *)self;
    if (collection->list.open && collection->element && !collection->list.count) {
        if (value_is(key, VALUE_SLICE)) return value_unknown_of(ev, collection->element, site);
        return collection->element;
    }
    return value_get_item(ev, collection_items(ev, collection, site), key, site);
}

static Value *collection_length(Evaluator *ev, Value *self, const Node *site) {
    CollectionValue *collection = (CollectionValue *)self;
    if (collection->list.open) return value_unknown_at(ev, site);
    return value_integer(ev, collection->list.count);
}

static Truth collection_truth(Evaluator *ev, Value *self, const Node *site) {
    CollectionValue *collection = (CollectionValue *)self;
    if (collection->list.count) return TRUTH_TRUE;
    if (collection->list.open) return value_truth(ev, value_unknown_at(ev, site), site);
    return TRUTH_FALSE;
}

static Value *collection_contains(Evaluator *ev, Value *self, Value *item, const Node *site) {
    CollectionValue *collection = (CollectionValue *)self;
    if (list_index(&collection->list, item) >= 0) return value_bool(ev, true);
    OrmInstance *other = value_as_instance(item);
    if (collection->list.open && other && other->status == INSTANCE_PERSISTENT)
        return value_bool(ev, evaluator_decide(ev, site, 2) != 0);
    return value_bool(ev, false);
}

static void collection_describe(Evaluator *ev, Value *self, Buffer *out) {
    CollectionValue *collection = (CollectionValue *)self;
    buffer_put(out, '[');
    for (int i = 0; i < collection->list.count; i++) {
        if (i) buffer_text(out, ", ");
        buffer_slice(out, value_repr(ev, collection->list.items[i]));
    }
    buffer_put(out, ']');
}

const Type orm_collection_type = {.name = "InstrumentedList",
                                  .describe = collection_describe,
                                  .kind = VALUE_NATIVE,
                                  .iterate = collection_iterate,
                                  .get_item = collection_item,
                                  .length = collection_length,
                                  .truth = collection_truth,
                                  .contains = collection_contains};

static const NativeMethod collection_methods[] = {
    {"append", collection_append, NATIVE_METHOD, NULL},  {"add", collection_append, NATIVE_METHOD, NULL},
    {"insert", collection_append, NATIVE_METHOD, NULL},  {"extend", collection_extend, NATIVE_METHOD, NULL},
    {"update", collection_extend, NATIVE_METHOD, NULL},  {"remove", collection_remove, NATIVE_METHOD, NULL},
    {"discard", collection_remove, NATIVE_METHOD, NULL}, {"pop", collection_pop, NATIVE_METHOD, NULL},
    {"clear", collection_clear, NATIVE_METHOD, NULL},    {0},
};

/* ---- setting ---- */

/* What a persistent instance had before: a collection, or the object on the other side of a foreign key of its own, is
 * loaded before it is replaced. */
static Value *value_before(Evaluator *ev, OrmInstance *instance, Relationship *relationship, const Node *site) {
    Value *before = loaded(instance, relationship);
    bool loads = instance->status == INSTANCE_PERSISTENT && instance->session && !instance->partial &&
                 !relationship->viewonly && relationship->property && relationship->lazy != LAZY_DYNAMIC &&
                 relationship->lazy != LAZY_WRITE_ONLY;
    if (before || !loads || relationship_uses_get(relationship)) return before;
    return instance_lazy_load(ev, instance, relationship->property, site);
}

static bool set_collection(Evaluator *ev, OrmInstance *instance, Relationship *relationship, Value *value,
                           const Node *site) {
    Value *items = value_iterate(ev, value, site);
    if (!items) return false;
    Value *before = value_before(ev, instance, relationship, site);
    if (evaluator_error_pending(ev)) return false;
    CollectionValue *made = collection_new(ev, instance, relationship);
    CollectionValue *old = before && before->type == &orm_collection_type ? (CollectionValue *)before : NULL;
    instance_set(ev, &instance->head.head, relationship->property->key, &made->list.head);
    bool unknown = value_is_unknown(items);
    ListValue *list = unknown ? value_list(ev) : (ListValue *)items;
    if (unknown && ((UnknownValue *)items)->element) list_append(ev, list, ((UnknownValue *)items)->element);
    for (int i = 0; i < list->count; i++) {
        Value *item = list->items[i];
        bool kept = old && (list_index(&old->list, item) >= 0 || (old->element == item && old->list.open));
        list_append(ev, &made->list, item);
        if (kept && list_index(old->added, item) < 0) continue;
        list_append(ev, made->added, item);
        reverse_add(ev, instance, relationship, item);
        cascade_item(ev, instance, relationship, item);
    }
    if (old) {
        for (int i = 0; i < old->removed->count; i++) list_append(ev, made->removed, old->removed->items[i]);
        for (int i = 0; i < old->list.count; i++) {
            Value *item = old->list.items[i];
            if (list_index(&made->list, item) >= 0) continue;
            if (list_index(old->added, item) < 0) list_append(ev, made->removed, item);
            reverse_remove(ev, instance, relationship, item);
        }
        if (old->list.open && old->element) list_append(ev, made->removed, old->element);
    }
    return true;
}

static bool set_scalar_relationship(Evaluator *ev, OrmInstance *instance, Relationship *relationship, Value *value,
                                    const Node *site) {
    Value *before = value_before(ev, instance, relationship, site);
    if (evaluator_error_pending(ev)) return false;
    if (before == value) return true;
    if (before && !value_is_none(before)) reverse_remove(ev, instance, relationship, before);
    scalar_put(ev, instance, relationship->property, value);
    if (!value_is_none(value)) {
        reverse_add(ev, instance, relationship, value);
        cascade_item(ev, instance, relationship, value);
    }
    return true;
}

/* What the class's validators make of a known value; NULL: raised. */
static Value *instance_validated(Evaluator *ev, OrmInstance *instance, Atom name, Value *value, const Node *site) {
    const OrmState *state = orm_state(ev);
    for (int i = 0; i < state->validator_count && !value_is_unknown(value); i++) {
        const Validator *validator = &state->validators[i];
        if (!value_is(validator->function, VALUE_FUNCTION)) continue;
        Atom method = ((const FunctionValue *)validator->function)->name;
        bool named = false;
        for (int j = 0; j < validator->names->count; j++)
            named |= value_is(validator->names->items[j], VALUE_STRING) &&
                     slice_equals(value_text(validator->names->items[j]), name->text);
        if (!named || class_find(instance->head.head.cls, method) != validator->function) continue;
        Value *items[3] = {&instance->head.head, value_atom(ev, name), value};
        value = value_call_with(ev, validator->function, items, 3, site);
        if (!value) return NULL;
    }
    return value;
}

static bool instance_set_attribute(Evaluator *ev, Value *self, Atom name, Value *value, const Node *site) {
    OrmInstance *instance = (OrmInstance *)self;
    Property *property = instance->mapper ? mapper_property(instance->mapper, name) : NULL;
    if (!property) {
        Value *on_class = class_find(self->cls, name);
        if (on_class && on_class->type == &orm_hybrid_type) return hybrid_set(ev, on_class, self, value, site);
        if (on_class && on_class->type == &orm_proxy_type) return proxy_set(ev, on_class, self, value, site);
        instance_set(ev, self, name, value);
        return true;
    }
    if (property->kind == PROPERTY_SYNONYM) return instance_set_attribute(ev, self, property->target, value, site);
    bool collects = property->kind == PROPERTY_RELATIONSHIP && property->relationship->uselist;
    if (!collects && !(value = instance_validated(ev, instance, name, value, site))) return false;
    if (property->kind == PROPERTY_RELATIONSHIP) {
        Relationship *relationship = property->relationship;
        if (relationship->uselist) return set_collection(ev, instance, relationship, value, site);
        return set_scalar_relationship(ev, instance, relationship, value, site);
    }
    if (property->kind == PROPERTY_COMPOSITE) {
        instance_set(ev, self, name, value);
        for (int i = 0; i < property->composite_count; i++) {
            Value *part = composite_part(ev, property, value, i, site);
            if (!part || !instance_set_attribute(ev, self, property->composite_keys[i], part, site)) return false;
        }
        return true;
    }
    Value *before = instance_get(self, name);
    if (instance->status == INSTANCE_PERSISTENT && !instance->partial && before && !value_is_unknown(before) &&
        !value_is_unknown(value) && value_equals(ev, before, value) && !atom_map_get(&instance->committed, name))
        return true;
    scalar_put(ev, instance, property, value);
    return true;
}

/* A column that a program fills by name: not a key of the server's, nor what a default or the mapper gives. */
static bool filled_by_name(Evaluator *ev, const Mapper *mapper, const Property *property) {
    if (property->kind != PROPERTY_COLUMN || !property->columns.count) return false;
    const Element *column = property->columns.items[0];
    if (column->kind != EL_COLUMN || column == mapper->version_column) return false;
    if (column == mapper->polymorphic_on && mapper->polymorphic_identity) return false;
    const SchemaColumn *schema = COLUMN((Element *)column)->schema;
    if (!schema || schema->default_value || schema->server_default || schema->computed || schema->identity ||
        schema->sequence || schema->onupdate)
        return false;
    if (!schema->primary_key) return true;
    Element *local = mapper->local_table;
    const Table *table = local && local->kind == EL_TABLE ? FROM(local)->table : NULL;
    return table && table_autoincrement_column(ev, table) != column;
}

/* `**data` that is not known, or setattr() of an unknown name: any column may have been given. */
static void fill_unknown(Evaluator *ev, OrmInstance *instance, Slice text, bool anew, const Node *site) {
    const AtomMap *properties = &instance->mapper->properties;
    for (int i = 0; i < properties->count; i++) {
        Property *property = properties->entries[i].value;
        if (!properties->entries[i].key || !filled_by_name(ev, instance->mapper, property)) continue;
        const SchemaColumn *schema = COLUMN(property->columns.items[0])->schema;
        if (anew ? instance_get(&instance->head.head, property->key) != NULL : schema->primary_key) continue;
        const char *key = property->key->text.start;
        Slice name = anew ? slice_format(evaluator_arena(ev), "%.*s['%s']", SLICE_ARGS(text), key) : slice_from(key);
        scalar_put(ev, instance, property, value_unknown(ev, name, site, NULL));
    }
}

static bool instance_set_some(Evaluator *ev, Value *self, const Node *site) {
    OrmInstance *instance = (OrmInstance *)self;
    if (instance->mapper) fill_unknown(ev, instance, SLICE(""), false, site);
    return true;
}

/* ---- reading ---- */

static Value *partial_attribute(Evaluator *ev, OrmInstance *instance, Property *property, const Node *site) {
    Slice text = slice_format(evaluator_arena(ev), "%.*s.%s", SLICE_ARGS(instance->text), property->key->text.start);
    Value *made;
    if (property->kind == PROPERTY_RELATIONSHIP) {
        Relationship *relationship = property->relationship;
        if (relationship->uselist) return NULL;
        made = orm_unknown_instance(ev, relationship->target->cls, text, site);
    } else {
        made = value_unknown(ev, text, site, NULL);
    }
    instance_set(ev, &instance->head.head, property->key, made);
    return made;
}

static Value *composite_value(Evaluator *ev, OrmInstance *instance, Property *property, const Node *site) {
    Value **parts = ARENA_ARRAY(evaluator_arena(ev), Value *, property->composite_count + 1);
    for (int i = 0; i < property->composite_count; i++) {
        parts[i] = instance_attribute(ev, instance, property->composite_keys[i], site);
        if (!parts[i]) return NULL;
    }
    if (!property->composite) return value_unknown_at(ev, site);
    return value_call_with(ev, &property->composite->head, parts, property->composite_count, site);
}

/* An attribute that is not there: the default of a new instance, or a load. */
static Value *instance_missing(Evaluator *ev, OrmInstance *instance, Property *property, const Node *site) {
    if (property->kind == PROPERTY_SYNONYM) return instance_attribute(ev, instance, property->target, site);
    if (property->kind == PROPERTY_COMPOSITE) return composite_value(ev, instance, property, site);
    bool many = property->kind == PROPERTY_RELATIONSHIP && property->relationship->uselist;
    if (property->kind == PROPERTY_RELATIONSHIP &&
        (property->relationship->lazy == LAZY_DYNAMIC || property->relationship->lazy == LAZY_WRITE_ONLY))
        return dynamic_collection(ev, instance, property->relationship, site);
    if (instance->partial && !instance->session) {
        Value *made = partial_attribute(ev, instance, property, site);
        if (made) return made;
    }
    bool has_row = instance->status == INSTANCE_PERSISTENT || instance->partial;
    if (!has_row) {
        if (!many) return value_none(ev);
        CollectionValue *collection = collection_new(ev, instance, property->relationship);
        instance_set(ev, &instance->head.head, property->key, &collection->list.head);
        return &collection->list.head;
    }
    return instance_lazy_load(ev, instance, property, site);
}

Value *instance_attribute(Evaluator *ev, OrmInstance *instance, Atom key, const Node *site) {
    Value *own = instance_get(&instance->head.head, key);
    if (own) return own;
    Property *property = instance->mapper ? mapper_property(instance->mapper, key) : NULL;
    return property ? instance_missing(ev, instance, property, site) : NULL;
}

/* instance.awaitable_attrs: attributes read through it may be loaded, also in an async session. */
typedef struct AwaitableAttributes {
    Value head;
    OrmInstance *instance;
} AwaitableAttributes;

static Value *awaitable_get_attribute(Evaluator *ev, Value *self, Atom name, const Node *site) {
    OrmInstance *instance = ((AwaitableAttributes *)self)->instance;
    Session *session = instance->session;
    bool inside = session && session->sync_inside;
    if (session) session->sync_inside = true;
    Value *value = instance_attribute(ev, instance, name, site);
    if (session) session->sync_inside = inside;
    return value;
}

static const Type awaitable_type = {
    .name = "AwaitableAttrs", .kind = VALUE_NATIVE, .get_attribute = awaitable_get_attribute};

static Value *instance_get_attribute(Evaluator *ev, Value *self, Atom name, const Node *site) {
    Value *found = instance_attribute(ev, (OrmInstance *)self, name, site);
    if (found || evaluator_error_pending(ev)) return found;
    if (slice_equals_text(name->text, "awaitable_attrs")) {
        AwaitableAttributes *made = ARENA_NEW(evaluator_arena(ev), AwaitableAttributes);
        *made = (AwaitableAttributes){{&awaitable_type, evaluator_object_class(ev)}, (OrmInstance *)self};
        return &made->head;
    }
    if (slice_equals_text(name->text, "query")) return orm_class_query(ev, self->cls, site);
    if (slice_equals_text(name->text, "__dict__")) return value_unknown_at(ev, site);
    return NULL;
}

static void instance_describe(Evaluator *ev, Value *self, Buffer *out) {
    (void)ev;
    buffer_format(out, "<%s object>", self->cls->name->text.start);
}

const Type orm_instance_type = {.name = "instance",
                                .kind = VALUE_NATIVE,
                                .get_attribute = instance_get_attribute,
                                .set_attribute = instance_set_attribute,
                                .set_some_attribute = instance_set_some,
                                .describe = instance_describe,
                                .has_attributes = true};

/* ---- descriptors on the class ---- */

typedef struct Descriptor {
    Value head;
    Atom key;
} Descriptor;

static Value *descriptor_get(Evaluator *ev, Value *self, Value *instance, Class *cls, const Node *site) {
    Atom key = ((Descriptor *)self)->key;
    if (!instance) {
        /* a column may be named while further classes are still to come; a relationship needs them all */
        Mapper *mapper = mapper_of_class(cls);
        Property *property = mapper ? mapper_property(mapper, key) : NULL;
        bool early = property && property->kind == PROPERTY_COLUMN;
        return early || mappers_configure(ev) ? orm_class_attribute(ev, cls, key, site) : NULL;
    }
    OrmInstance *mapped = value_as_instance(instance);
    if (mapped) return instance_attribute(ev, mapped, key, site);
    return value_unknown_at(ev, site);
}

static const Type orm_descriptor_type = {
    .name = "InstrumentedAttribute", .kind = VALUE_NATIVE, .get_bound = descriptor_get};

Value *orm_descriptor(Evaluator *ev, Atom key) {
    Descriptor *made = ARENA_NEW(evaluator_arena(ev), Descriptor);
    made->head = (Value){&orm_descriptor_type, evaluator_object_class(ev)};
    made->key = key;
    return &made->head;
}

/* ---- constructor ---- */

static bool init_positional(Evaluator *ev, OrmInstance *instance, const Arguments *arguments) {
    Mapper *mapper = instance->mapper;
    for (int i = 0; i < arguments->count; i++) {
        if (!mapper->is_dataclass || i >= mapper->init_count)
            return evaluator_raise_id(ev, EXCEPTION_TYPE, arguments->nodes[i],
                                      "_declarative_constructor() takes 1 positional argument but %d were given",
                                      arguments->count + 1) != NULL;
        if (!instance_set_attribute(ev, &instance->head.head, mapper->init_order[i], arguments->items[i],
                                    arguments->site))
            return false;
    }
    return true;
}

static Value *instance_init(Evaluator *ev, Value *self, const Arguments *arguments) {
    OrmInstance *instance = value_as_instance(self);
    if (!instance || !instance->mapper) return value_none(ev);
    if (!init_positional(ev, instance, arguments)) return NULL;
    for (int i = 0; i < arguments->keyword_count; i++) {
        Keyword *keyword = &arguments->keywords[i];
        if (!mapper_property(instance->mapper, keyword->name) && !class_find(self->cls, keyword->name)) {
            Suggestion suggestion = suggestion_start(keyword->name->text);
            for (int j = 0; j < instance->mapper->properties.count; j++)
                if (instance->mapper->properties.entries[j].key)
                    suggestion_offer(&suggestion, instance->mapper->properties.entries[j].key->text);
            evaluator_raise(ev, evaluator_exception(ev, EXCEPTION_TYPE), evaluator_keyword_span(ev, keyword),
                            "'%s' is an invalid keyword argument for %s", keyword->name->text.start,
                            self->cls->name->text.start);
            if (suggestion_found(&suggestion))
                evaluator_raise_help(ev, "did you mean '%.*s'?", SLICE_ARGS(suggestion.best));
            return NULL;
        }
        if (!instance_set_attribute(ev, self, keyword->name, keyword->value, keyword->node)) return NULL;
    }
    Mapper *mapper = instance->mapper;
    if (arguments->unknown_keywords && arguments->unknown_node) {
        const UnknownValue *given = (const UnknownValue *)value_unknown_at(ev, arguments->unknown_node);
        fill_unknown(ev, instance, given->text, true, arguments->site);
    }
    for (int i = 0; mapper->is_dataclass && i < mapper->init_defaults.count; i++) {
        Atom key = mapper->init_defaults.entries[i].key;
        if (key && !instance_get(self, key) &&
            !instance_set_attribute(ev, self, key, mapper->init_defaults.entries[i].value, arguments->site))
            return NULL;
    }
    return value_none(ev);
}

const NativeMethod orm_instance_methods[] = {{"__init__", instance_init, NATIVE_METHOD, NULL}, {0}};

/* A class that was mapped without a declarative base of ours behaves as if it had one. */
void orm_adopt_class(Evaluator *ev, Class *cls) {
    if (class_is_subclass(cls, orm_state(ev)->declarative_root)) return;
    evaluator_touch(ev, cls, sizeof *cls);
    cls->create = orm_instance_create;
    cls->instance_type = &orm_instance_type;
    cls->unknown_instance = orm_unknown_instance;
    Atom init = orm_atom(ev, "__init__");
    if (!class_find(cls, init)) {
        Value *made = value_native_function(ev, "__init__", instance_init, NULL);
        ((NativeFunctionValue *)made)->is_method = true;
        value_set_attribute(ev, &cls->head, init, made, cls->node);
    }
}

void instance_cascade_add(Evaluator *ev, Session *session, OrmInstance *instance, int depth) {
    if (depth > 60 || (instance->session == session && depth)) return;
    session_attach(ev, session, instance);
    for (int i = 0; i < instance->mapper->properties.count; i++) {
        Property *property = instance->mapper->properties.entries[i].value;
        if (!instance->mapper->properties.entries[i].key || property->kind != PROPERTY_RELATIONSHIP) continue;
        Relationship *relationship = property->relationship;
        if (!relationship->cascade_save_update) continue;
        Value *value = loaded(instance, relationship);
        if (!value) continue;
        OrmInstance *other = value_as_instance(value);
        if (other && other->session != session) instance_cascade_add(ev, session, other, depth + 1);
        if (value->type != &orm_collection_type) continue;
        CollectionValue *collection = (CollectionValue *)value;
        for (int j = 0; j < collection->list.count; j++) {
            other = value_as_instance(collection->list.items[j]);
            if (other && other->session != session) instance_cascade_add(ev, session, other, depth + 1);
        }
    }
}

void instances_define(Evaluator *ev, ModuleValue *module) {
    NativeClass collection = {
        .name = "InstrumentedList", .instance_type = &orm_collection_type, .methods = collection_methods};
    orm_state(ev)->collection = module_define_class(ev, module, &collection, NULL);
}
