/*
 * What a session forgets, reads again and takes over: expire(), refresh(), merge().
 *
 * Input: instances of the session, or from elsewhere. Output: their attributes forgotten or loaded; for merge() the
 * session's own instance with the state of the given one.
 * Invariants: what is expired is loaded at its next use, all of it together; merge() follows the relationships that
 * cascade it, and replaces a collection as a whole.
 * Example: session.merge(User(id=1, name="x")) -> SELECT … WHERE users.id = 1, later UPDATE users SET name='x'.
 */
#include "compiler/sqlalchemy/orm_load.h"

/* ---- expire ---- */

static bool expires(const OrmInstance *instance, Atom key, const ListValue *names) {
    if (!names) return mapper_property(instance->mapper, key) != NULL;
    for (int i = 0; i < names->count; i++)
        if (value_is(names->items[i], VALUE_STRING) && slice_equals(value_text(names->items[i]), key->text))
            return true;
    return false;
}

static AtomMap without_expired(Evaluator *ev, const OrmInstance *instance, const AtomMap *map, const ListValue *names) {
    AtomMap kept;
    atom_map_init(&kept, evaluator_arena(ev));
    for (int i = 0; i < map->count; i++)
        if (map->entries[i].key && !expires(instance, map->entries[i].key, names))
            atom_map_set(&kept, map->entries[i].key, map->entries[i].value);
    return kept;
}

/* Forgets the named attributes; all of them: names is NULL. */
void instance_expire(Evaluator *ev, OrmInstance *instance, ListValue *names) {
    evaluator_touch(ev, instance, sizeof *instance);
    instance->head.attributes = without_expired(ev, instance, &instance->head.attributes, names);
    instance->committed = without_expired(ev, instance, &instance->committed, names);
    instance->expired_names = names;
    if (!names) instance->expired = true;
}

Value *session_expire(Evaluator *ev, Value *self, const Arguments *arguments) {
    (void)self;
    OrmInstance *instance = session_instance_argument(ev, arguments);
    Value *names =
        arguments->count > 1 ? arguments->items[1] : arguments_keyword(arguments, orm_atom(ev, "attribute_names"));
    if (!instance || instance->status != INSTANCE_PERSISTENT)
        return evaluator_error_pending(ev) ? NULL : value_none(ev);
    if (!names || value_is_none(names)) {
        instance_expire(ev, instance, NULL);
        return value_none(ev);
    }
    Value *items = value_iterate(ev, names, arguments->site);
    if (!items) return NULL;
    if (!value_is_unknown(items)) instance_expire(ev, instance, (ListValue *)items);
    return value_none(ev);
}

/* ---- refresh ---- */

/* A refresh that names relationships reads the key too. */
static ListValue *with_keys(Evaluator *ev, Mapper *mapper, const ListValue *names) {
    ListValue *all = value_list(ev);
    bool relationships = false;
    for (int i = 0; i < names->count; i++) {
        const Property *property = value_is(names->items[i], VALUE_STRING)
                                       ? mapper_property(mapper, value_as_atom(ev, names->items[i]))
                                       : NULL;
        relationships |= property && property->kind == PROPERTY_RELATIONSHIP;
        list_append(ev, all, names->items[i]);
    }
    for (int i = 0; relationships && i < mapper->primary_key.count; i++) {
        Property *property = mapper_property_of(mapper, mapper->primary_key.items[i]);
        if (property) list_append(ev, all, value_atom(ev, property->key));
    }
    return all;
}

Value *session_refresh(Evaluator *ev, Value *self, const Arguments *arguments) {
    Session *session = (Session *)self;
    OrmInstance *instance = session_instance_argument(ev, arguments);
    if (!instance) return evaluator_error_pending(ev) ? NULL : value_none(ev);
    Value *names =
        arguments->count > 1 ? arguments->items[1] : arguments_keyword(arguments, orm_atom(ev, "attribute_names"));
    session_attach(ev, session, instance);
    if (instance->status == INSTANCE_PENDING)
        return sa_raise(ev, SA_INVALID_REQUEST_ERROR, arguments->site,
                        "Instance '<%s>' is not persistent within this Session",
                        instance->mapper->cls->name->text.start);
    if (!session_autoflush(ev, session, arguments->site)) return NULL;
    session_begin(ev, session, arguments->site);
    ListValue *only = names && !value_is_none(names) ? (ListValue *)value_iterate(ev, names, arguments->site) : NULL;
    if (only && !value_is(&only->head, VALUE_LIST) && !value_is(&only->head, VALUE_TUPLE)) only = NULL;
    instance_expire(ev, instance, only);
    if (only) only = with_keys(ev, instance->mapper, only);
    bool inside = session->sync_inside;
    session->sync_inside = true;
    Value *lock =
        arguments->count > 2 ? arguments->items[2] : arguments_keyword(arguments, orm_atom(ev, "with_for_update"));
    bool good = orm_instance_refresh(ev, instance, only, true, lock, arguments->site);
    session->sync_inside = inside;
    return good ? value_none(ev) : NULL;
}

/* ---- merge ---- */

typedef struct Merge {
    Evaluator *ev;
    Session *session;
    const Node *site;
    OrmInstance **from, **into; /* what was merged so far */
    int count, capacity, into_capacity, depth;
} Merge;

static OrmInstance *merge_instance(Merge *merge, OrmInstance *given);

/* The session's own instance of that key; loaded where it is not there yet. NULL without an error: there is none. */
static OrmInstance *merge_find(Merge *merge, const OrmInstance *given) {
    Evaluator *ev = merge->ev;
    Mapper *mapper = given->mapper;
    Value **keys = ARENA_ARRAY(evaluator_arena(ev), Value *, mapper->primary_key.count + 1);
    for (int i = 0; i < mapper->primary_key.count; i++) {
        Property *property = mapper_property_of(mapper, mapper->primary_key.items[i]);
        keys[i] = property ? instance_get(&given->head.head, property->key) : NULL;
        if (!keys[i] || value_is_none(keys[i])) return NULL;
    }
    Value *key = mapper->primary_key.count == 1 ? keys[0] : value_tuple(ev, keys, mapper->primary_key.count);
    session_begin(ev, merge->session, merge->site);
    Value *found = session_get_instance(ev, merge->session, mapper_entity(ev, mapper), key, NULL, merge->site);
    if (found && value_is_unknown(found) && ((UnknownValue *)found)->present) found = ((UnknownValue *)found)->present;
    return found ? value_as_instance(found) : NULL;
}

static Value *merge_value(Merge *merge, Value *value) {
    OrmInstance *other = value_as_instance(value);
    if (!other || !other->mapper) return value;
    OrmInstance *merged = merge_instance(merge, other);
    return merged ? &merged->head.head : NULL;
}

static bool merge_relationship(Merge *merge, OrmInstance *into, Relationship *relationship, Value *value) {
    Evaluator *ev = merge->ev;
    if (!relationship->cascade_merge || relationship->viewonly) return true;
    Atom key = relationship->property->key;
    if (!relationship->uselist) {
        Value *merged = merge_value(merge, value);
        return merged && value_set_attribute(ev, &into->head.head, key, merged, merge->site);
    }
    if (value->type != &orm_collection_type) return true;
    if (!instance_attribute(ev, into, key, merge->site)) return false;
    const ListValue *items = &((CollectionValue *)value)->list;
    ListValue *made = value_list(ev);
    for (int i = 0; i < items->count; i++) {
        Value *merged = merge_value(merge, items->items[i]);
        if (!merged) return false;
        list_append(ev, made, merged);
    }
    return value_set_attribute(ev, &into->head.head, key, &made->head, merge->site);
}

static OrmInstance *merge_instance(Merge *merge, OrmInstance *given) {
    Evaluator *ev = merge->ev;
    Arena *arena = evaluator_arena(ev);
    if (given->session == merge->session || merge->depth > 40) return given;
    for (int i = 0; i < merge->count; i++)
        if (merge->from[i] == given) return merge->into[i];
    OrmInstance *into = merge_find(merge, given);
    if (evaluator_error_pending(ev)) return NULL;
    if (!into) {
        into = instance_new(ev, given->mapper);
        session_attach(ev, merge->session, into);
    }
    ARENA_PUSH(arena, merge->into, merge->count, merge->into_capacity) = into;
    merge->count--;
    ARENA_PUSH(arena, merge->from, merge->count, merge->capacity) = given;
    merge->depth++;
    for (int i = 0; i < given->mapper->properties.count; i++) {
        Atom key = given->mapper->properties.entries[i].key;
        Property *property = given->mapper->properties.entries[i].value;
        Value *value = key ? instance_get(&given->head.head, key) : NULL;
        if (!value) continue;
        bool good = true;
        bool known = into->identity && property->kind == PROPERTY_COLUMN && property->columns.count &&
                     list_has(&given->mapper->primary_key, property->columns.items[0]);
        if (property->kind == PROPERTY_COLUMN && !known)
            good = value_set_attribute(ev, &into->head.head, key, value, merge->site);
        else if (property->kind == PROPERTY_RELATIONSHIP)
            good = merge_relationship(merge, into, property->relationship, value);
        if (!good) return NULL;
    }
    merge->depth--;
    return into;
}

Value *session_merge(Evaluator *ev, Value *self, const Arguments *arguments) {
    Session *session = (Session *)self;
    OrmInstance *given = session_instance_argument(ev, arguments);
    if (!given) return evaluator_error_pending(ev) ? NULL : value_unknown_at(ev, arguments->site);
    if (!session_autoflush(ev, session, arguments->site)) return NULL;
    Merge merge = {.ev = ev, .session = session, .site = arguments->site};
    bool autoflush = session->autoflush, inside = session->sync_inside;
    evaluator_touch(ev, session, sizeof *session);
    session->autoflush = false;
    session->sync_inside = true;
    OrmInstance *merged = merge_instance(&merge, given);
    session->autoflush = autoflush;
    session->sync_inside = inside;
    return merged ? &merged->head.head : NULL;
}
