/*
 * Flush: finds what has changed in a session and writes it in the order of the foreign keys.
 *
 * Input: the session's instances. Output: INSERT, UPDATE and DELETE statements as one execution (each on its own where
 * rows are real). Invariants: the order is SQLAlchemy's: levels of the graph of "save all of a mapper", "process a
 * relationship", "delete all of a mapper", within a level by kind and name.
 * Example: Post(author=User(name="x")) -> INSERT users, then INSERT posts with author_id from the first.
 */
#include "compiler/sqlalchemy/orm_flush.h"

/* ---- what has changed ---- */

static CollectionValue *changed_collection(OrmInstance *instance, const Relationship *relationship) {
    Value *value = instance_get(&instance->head.head, relationship->property->key);
    if (!value || value->type != &orm_collection_type) return NULL;
    CollectionValue *collection = (CollectionValue *)value;
    return collection->added->count || collection->removed->count ? collection : NULL;
}

static CollectionValue *pending_collection(Evaluator *ev, OrmInstance *instance, const Relationship *relationship) {
    Slice name = slice_format(evaluator_arena(ev), "_pending_%s", relationship->property->key->text.start);
    Value *value = instance_get(&instance->head.head, atom_intern(evaluator_atoms(ev), name));
    return value && value->type == &orm_collection_type ? (CollectionValue *)value : NULL;
}

static bool in_list(OrmInstance *const *items, int count, const OrmInstance *instance) {
    for (int i = 0; i < count; i++)
        if (items[i] == instance) return true;
    return false;
}

static void add_save(Flush *flush, OrmInstance *instance) {
    if (!in_list(flush->saves, flush->save_count, instance) && !in_list(flush->deletes, flush->delete_count, instance))
        ARENA_PUSH(flush->arena, flush->saves, flush->save_count, flush->save_capacity) = instance;
}

static void add_sync(Flush *flush, OrmInstance *from, OrmInstance *to, Relationship *relationship) {
    bool later = relationship->post_update;
    if (!later && in_list(flush->deletes, flush->delete_count, to)) return;
    for (int i = 0; i < flush->sync_count; i++) {
        SyncItem *item = &flush->syncs[i];
        if (item->to == to && item->from == from && item->relationship->post_update == later &&
            item->relationship->sync.count == relationship->sync.count &&
            element_same(item->relationship->sync.items[0].to, relationship->sync.items[0].to))
            return;
    }
    for (int i = 0; i < flush->sync_count && !from; i++) /* moved elsewhere: not to be nulled */
        if (flush->syncs[i].to == to && flush->syncs[i].from &&
            element_same(flush->syncs[i].relationship->sync.items[0].to, relationship->sync.items[0].to))
            return;
    ARENA_PUSH(flush->arena, flush->syncs, flush->sync_count, flush->sync_capacity) =
        (SyncItem){from, to, relationship};
    add_save(flush, to);
}

static void add_link(Flush *flush, OrmInstance *parent, OrmInstance *child, Relationship *relationship, bool remove) {
    for (int i = 0; i < flush->link_count; i++) {
        LinkItem *item = &flush->links[i];
        bool same = item->parent == parent && item->child == child && item->relationship == relationship;
        bool turned = item->parent == child && item->child == parent && item->relationship == relationship->reverse;
        if ((same || turned) && item->remove == remove) return;
    }
    ARENA_PUSH(flush->arena, flush->links, flush->link_count, flush->link_capacity) =
        (LinkItem){parent, child, relationship, remove};
}

/* ---- the graph ---- */

static int flush_node(Flush *flush, FlushNodeKind kind, Mapper *mapper, Relationship *relationship, bool is_delete) {
    for (int i = 0; i < flush->node_count; i++) {
        FlushNode *node = &flush->nodes[i];
        if (node->kind == kind && node->mapper == mapper && node->relationship == relationship &&
            node->is_delete == is_delete)
            return i;
    }
    FlushNode node = {kind, mapper, relationship, is_delete, false, {0}};
    if (relationship)
        node.key = slice_format(flush->arena, "%s.%s", relationship->parent->cls->name->text.start,
                                relationship->property->key->text.start);
    else node.key = mapper->cls->name->text;
    ARENA_PUSH(flush->arena, flush->nodes, flush->node_count, flush->node_capacity) = node;
    return flush->node_count - 1;
}

static void flush_edge(Flush *flush, int before, int after) {
    if (before == after) return;
    ARENA_PUSH(flush->arena, flush->edges, flush->edge_count, flush->edge_capacity) = (FlushEdge){before, after};
}

/* post_update: both rows are written first and then the foreign key; before either is deleted it is set to NULL. */
static void post_update_dependency(Flush *flush, Relationship *relationship) {
    Mapper *parent = relationship->parent->base, *child = relationship->target->base;
    bool many = relationship->direction == ONE_TO_MANY;
    int parent_save = flush_node(flush, FLUSH_SAVE, parent, NULL, false);
    int parent_delete = flush_node(flush, FLUSH_DELETE, parent, NULL, false);
    int child_save = flush_node(flush, FLUSH_SAVE, child, NULL, false);
    int child_delete = flush_node(flush, FLUSH_DELETE, child, NULL, false);
    int after_save = flush_node(flush, FLUSH_PROCESS, NULL, relationship, false);
    int before_delete = flush_node(flush, FLUSH_PROCESS, NULL, relationship, true);
    int update = flush_node(flush, FLUSH_POST_UPDATE, many ? child : parent, NULL, false);
    int update_deleted = flush_node(flush, FLUSH_POST_UPDATE, many ? child : parent, NULL, true);
    flush_edge(flush, child_save, after_save);
    flush_edge(flush, parent_save, after_save);
    flush_edge(flush, after_save, update);
    flush_edge(flush, before_delete, update_deleted);
    flush_edge(flush, update_deleted, parent_delete);
    flush_edge(flush, update_deleted, child_delete);
    if (many) {
        flush_edge(flush, child_save, before_delete);
        flush_edge(flush, before_delete, update);
        flush_edge(flush, update, parent_delete);
    } else {
        flush_edge(flush, after_save, update_deleted);
    }
}

static void flush_dependency(Flush *flush, Relationship *relationship) {
    if (relationship->post_update && relationship->direction != MANY_TO_MANY) {
        post_update_dependency(flush, relationship);
        return;
    }
    Mapper *parent = relationship->parent->base, *child = relationship->target->base;
    int parent_save = flush_node(flush, FLUSH_SAVE, parent, NULL, false);
    int parent_delete = flush_node(flush, FLUSH_DELETE, parent, NULL, false);
    int child_save = flush_node(flush, FLUSH_SAVE, child, NULL, false);
    int child_delete = flush_node(flush, FLUSH_DELETE, child, NULL, false);
    int after_save = flush_node(flush, FLUSH_PROCESS, NULL, relationship, false);
    int before_delete = flush_node(flush, FLUSH_PROCESS, NULL, relationship, true);
    if (parent == child) { /* rows of one table: ordered among themselves when they are saved */
        if (relationship->direction == MANY_TO_MANY) flush_edge(flush, parent_save, after_save);
        flush_edge(flush, before_delete, parent_delete);
        return;
    }
    switch (relationship->direction) {
    case ONE_TO_MANY:
        flush_edge(flush, parent_save, after_save);
        flush_edge(flush, after_save, child_save);
        flush_edge(flush, after_save, child_delete);
        flush_edge(flush, child_save, parent_delete);
        flush_edge(flush, child_delete, parent_delete);
        flush_edge(flush, before_delete, child_save);
        flush_edge(flush, before_delete, child_delete);
        break;
    case MANY_TO_ONE:
        flush_edge(flush, child_save, after_save);
        flush_edge(flush, after_save, parent_save);
        flush_edge(flush, parent_save, child_delete);
        flush_edge(flush, parent_delete, child_delete);
        break;
    case MANY_TO_MANY:
        flush_edge(flush, parent_save, after_save);
        flush_edge(flush, child_save, after_save);
        flush_edge(flush, after_save, child_delete);
        flush_edge(flush, before_delete, parent_save);
        flush_edge(flush, before_delete, parent_delete);
        flush_edge(flush, before_delete, child_delete);
        flush_edge(flush, before_delete, child_save);
        break;
    }
}

static int compare_nodes(const FlushNode *a, const FlushNode *b) {
    if (a->kind != b->kind) return a->kind < b->kind ? -1 : 1;
    int order = slice_compare(a->key, b->key);
    return order ? order : (int)a->is_delete - (int)b->is_delete;
}

static bool flush_run_node(Flush *flush, FlushNode *node) {
    node->done = true;
    switch (node->kind) {
    case FLUSH_SAVE: return flush_save(flush, node->mapper);
    case FLUSH_DELETE: return flush_delete(flush, node->mapper);
    case FLUSH_POST_UPDATE: return flush_post_update(flush, node->mapper, node->is_delete);
    case FLUSH_PROCESS:
        return node->relationship->direction != MANY_TO_MANY || flush_links(flush, node->relationship, node->is_delete);
    }
    return true;
}

/* Level by level; where a cycle is left, the first node goes on alone. */
static bool flush_run(Flush *flush) {
    int *order = ARENA_ARRAY(flush->arena, int, flush->node_count + 1);
    int *level = ARENA_ARRAY(flush->arena, int, flush->node_count + 1);
    for (int i = 0; i < flush->node_count; i++) {
        int at = i;
        while (at > 0 && compare_nodes(&flush->nodes[i], &flush->nodes[order[at - 1]]) < 0) {
            order[at] = order[at - 1];
            at--;
        }
        order[at] = i;
    }
    for (int left = flush->node_count; left > 0;) {
        int count = 0;
        for (int i = 0; i < flush->node_count; i++) {
            if (flush->nodes[order[i]].done) continue;
            bool waits = false;
            for (int j = 0; j < flush->edge_count; j++)
                waits |= flush->edges[j].after == order[i] && !flush->nodes[flush->edges[j].before].done;
            if (!waits) level[count++] = order[i];
        }
        for (int i = flush->node_count - 1; i >= 0 && !count; i--)
            if (!flush->nodes[order[i]].done) level[count++] = order[i];
        for (int i = 0; i < count; i++)
            if (!flush_run_node(flush, &flush->nodes[level[i]])) return false;
        left -= count;
    }
    return true;
}

/* ---- relationships of what is saved and deleted ---- */

static void collect_orphan(Flush *flush, Relationship *relationship, OrmInstance *child) {
    if (!relationship->cascade_delete_orphan || child->status != INSTANCE_PERSISTENT) return;
    if (!in_list(flush->deletes, flush->delete_count, child))
        ARENA_PUSH(flush->arena, flush->deletes, flush->delete_count, flush->delete_capacity) = child;
}

static bool still_with_parent(OrmInstance *child, const Relationship *relationship) {
    if (!relationship->reverse || relationship->reverse->uselist) return false;
    Value *parent = instance_get(&child->head.head, relationship->reverse->property->key);
    return parent && !value_is_none(parent);
}

static void save_collection(Flush *flush, OrmInstance *instance, Relationship *relationship, CollectionValue *changed) {
    bool links = relationship->direction == MANY_TO_MANY;
    for (int i = 0; i < changed->added->count; i++) {
        OrmInstance *child = value_as_instance(changed->added->items[i]);
        bool known = child && (child->session == flush->session || child->partial);
        if (!known || child->marked_deleted) continue; /* came by its other side alone: it is not saved */
        if (links) add_link(flush, instance, child, relationship, false);
        else add_sync(flush, instance, child, relationship);
    }
    for (int i = 0; i < changed->removed->count; i++) {
        OrmInstance *child = value_as_instance(changed->removed->items[i]);
        if (!child) continue;
        if (!still_with_parent(child, relationship)) collect_orphan(flush, relationship, child);
        if (links) add_link(flush, instance, child, relationship, true);
        else if (child->status == INSTANCE_PERSISTENT && !still_with_parent(child, relationship) &&
                 !relationship->post_update) /* whose rows keep what they say when they leave a collection */
            add_sync(flush, NULL, child, relationship);
    }
    flush_dependency(flush, relationship);
}

static void save_scalar(Flush *flush, OrmInstance *instance, Relationship *relationship) {
    Value *value = instance_get(&instance->head.head, relationship->property->key);
    OrmInstance *other = value_as_instance(value);
    if (relationship->direction == MANY_TO_ONE) {
        add_sync(flush, other, instance, relationship);
    } else {
        Value *before = atom_map_get(&instance->committed, relationship->property->key);
        if (before && value_is_unknown(before) && ((UnknownValue *)before)->present)
            before = ((UnknownValue *)before)->present;
        OrmInstance *old = value_as_instance(before);
        if (other) add_sync(flush, instance, other, relationship);
        if (old && old != other) {
            collect_orphan(flush, relationship, old);
            if (!relationship->post_update) add_sync(flush, NULL, old, relationship);
        }
    }
    flush_dependency(flush, relationship);
}

/* What the relationship holds, read now if it may be; NULL: not to be read, or an error is pending. */
static Value *deleted_value(Flush *flush, OrmInstance *instance, Relationship *relationship) {
    Value *value = instance_get(&instance->head.head, relationship->property->key);
    if (value || relationship->passive_deletes || relationship->passive_deletes_all) return value;
    bool inside = flush->session->sync_inside;
    flush->session->sync_inside = true;
    value = instance_lazy_load(flush->ev, instance, relationship->property, flush->loading.site);
    flush->session->sync_inside = inside;
    return value;
}

static bool delete_many_to_one(Flush *flush, OrmInstance *instance, Relationship *relationship) {
    if (!relationship->post_update || relationship->cascade_delete_orphan || relationship->passive_deletes_all) {
        Value *loaded = instance_get(&instance->head.head, relationship->property->key);
        if (value_as_instance(loaded)) flush_dependency(flush, relationship);
        return true;
    }
    Value *value = deleted_value(flush, instance, relationship);
    if (!value) return !evaluator_error_pending(flush->ev);
    if (value_is_none(value)) return true;
    add_sync(flush, NULL, instance, relationship);
    flush_dependency(flush, relationship);
    return true;
}

static bool delete_relationship(Flush *flush, OrmInstance *instance, Relationship *relationship) {
    if (relationship->direction == MANY_TO_ONE) return delete_many_to_one(flush, instance, relationship);
    Value *value = deleted_value(flush, instance, relationship);
    if (!value) return !evaluator_error_pending(flush->ev);
    bool some = false;
    OrmInstance *single = value_as_instance(value);
    if (single && (!single->marked_deleted || relationship->post_update)) {
        add_sync(flush, NULL, single, relationship);
        some = true;
    }
    if (value->type == &orm_collection_type) {
        CollectionValue *collection = (CollectionValue *)value;
        int total = collection->list.count + (collection->list.open && collection->element ? 1 : 0);
        for (int i = 0; i < total; i++) {
            OrmInstance *child =
                value_as_instance(i < collection->list.count ? collection->list.items[i] : collection->element);
            if (!child) continue;
            some = true;
            if (relationship->direction == MANY_TO_MANY) add_link(flush, instance, child, relationship, true);
            else if (relationship->post_update ||
                     (!child->marked_deleted && !in_list(flush->deletes, flush->delete_count, child) &&
                      !relationship->passive_deletes_all))
                add_sync(flush, NULL, child, relationship);
        }
    }
    if (some || (single && relationship->direction == ONE_TO_MANY)) flush_dependency(flush, relationship);
    return true;
}

typedef bool (*EachRelationship)(Flush *flush, OrmInstance *instance, Relationship *relationship);

static bool each_relationship(Flush *flush, OrmInstance *instance, EachRelationship call) {
    AtomMap *properties = &instance->mapper->properties;
    for (int i = 0; i < properties->count; i++) {
        Property *property = properties->entries[i].value;
        if (!properties->entries[i].key || property->kind != PROPERTY_RELATIONSHIP || property->relationship->viewonly)
            continue;
        if (!call(flush, instance, property->relationship)) return false;
    }
    return true;
}

static bool save_relationship(Flush *flush, OrmInstance *instance, Relationship *relationship) {
    CollectionValue *changed = changed_collection(instance, relationship);
    CollectionValue *waiting = pending_collection(flush->ev, instance, relationship);
    if (changed) save_collection(flush, instance, relationship, changed);
    if (waiting) save_collection(flush, instance, relationship, waiting);
    if (!relationship->uselist && atom_map_get(&instance->committed, relationship->property->key))
        save_scalar(flush, instance, relationship);
    return true;
}

static bool has_changes(Evaluator *ev, OrmInstance *instance) {
    if (instance_is_modified(instance)) return true;
    AtomMap *properties = &instance->mapper->properties;
    for (int i = 0; i < properties->count; i++) {
        Property *property = properties->entries[i].value;
        if (!properties->entries[i].key || property->kind != PROPERTY_RELATIONSHIP) continue;
        if (changed_collection(instance, property->relationship) ||
            pending_collection(ev, instance, property->relationship))
            return true;
    }
    return false;
}

static void flush_collect(Flush *flush) {
    ListValue *all = flush->session->instances;
    for (int i = 0; i < all->count; i++) {
        OrmInstance *instance = value_as_instance(all->items[i]);
        if (instance->session != flush->session) continue;
        if (instance->marked_deleted && instance->status == INSTANCE_PERSISTENT)
            ARENA_PUSH(flush->arena, flush->deletes, flush->delete_count, flush->delete_capacity) = instance;
    }
    for (int i = 0; i < all->count; i++) {
        OrmInstance *instance = value_as_instance(all->items[i]);
        if (instance->session != flush->session || instance->marked_deleted) continue;
        if (instance->status == INSTANCE_PENDING ||
            (instance->status == INSTANCE_PERSISTENT && has_changes(flush->ev, instance)))
            add_save(flush, instance);
    }
}

static void clear_collection(Evaluator *ev, OrmInstance *instance, Relationship *relationship) {
    CollectionValue *collection = changed_collection(instance, relationship);
    if (collection) {
        evaluator_touch(ev, collection, sizeof *collection);
        collection->added = value_list(ev);
        collection->removed = value_list(ev);
    }
    if (pending_collection(ev, instance, relationship)) {
        Slice name = slice_format(evaluator_arena(ev), "_pending_%s", relationship->property->key->text.start);
        evaluator_touch(ev, &instance->head.attributes, sizeof instance->head.attributes);
        instance->head.attributes = atom_map_copy(&instance->head.attributes, evaluator_arena(ev));
        atom_map_remove(&instance->head.attributes, atom_intern(evaluator_atoms(ev), name));
    }
}

static void flush_finish(Flush *flush) {
    Evaluator *ev = flush->ev;
    for (int i = 0; i < flush->save_count; i++) {
        OrmInstance *instance = flush->saves[i];
        evaluator_touch(ev, instance, sizeof *instance);
        instance->status = INSTANCE_PERSISTENT;
        atom_map_init(&instance->committed, flush->arena);
        AtomMap *properties = &instance->mapper->properties;
        for (int j = 0; j < properties->count; j++) {
            Property *property = properties->entries[j].value;
            if (properties->entries[j].key && property->kind == PROPERTY_RELATIONSHIP &&
                property->relationship->uselist)
                clear_collection(ev, instance, property->relationship);
        }
    }
    for (int i = 0; i < flush->delete_count; i++) {
        OrmInstance *instance = flush->deletes[i];
        evaluator_touch(ev, instance, sizeof *instance);
        instance->status = INSTANCE_DELETED;
        instance->marked_deleted = false;
        instance->session = NULL;
    }
}

/* What the relationships of saved and deleted instances add; their lazy loads don't flush again. */
static bool flush_relationships(Flush *flush) {
    bool good = true;
    flush->session->flushing = true;
    for (int i = 0; i < flush->save_count && good; i++)
        good = each_relationship(flush, flush->saves[i], save_relationship);
    for (int i = 0; i < flush->delete_count && good; i++)
        good = each_relationship(flush, flush->deletes[i], delete_relationship);
    flush->session->flushing = false;
    return good;
}

static bool flush_has_mapper(const Flush *flush, const Mapper *mapper) {
    for (int i = 0; i < flush->save_count; i++)
        if (flush->saves[i]->mapper == mapper) return true;
    for (int i = 0; i < flush->delete_count; i++)
        if (flush->deletes[i]->mapper == mapper) return true;
    return false;
}

/* A relationship between two mappers of the flush orders them though nothing has changed in it. */
static bool order_mappers(Flush *flush, OrmInstance *instance, Relationship *relationship) {
    (void)instance;
    bool itself = relationship->parent->base == relationship->target->base;
    if (!itself && flush_has_mapper(flush, relationship->target)) flush_dependency(flush, relationship);
    return true;
}

bool session_flush(Evaluator *ev, Session *session, const Node *site) {
    if (!mappers_configure(ev)) return false;
    Flush flush = {.ev = ev, .arena = evaluator_arena(ev), .session = session};
    flush.loading = (Loading){.ev = ev, .session = session, .site = site, .real = evaluator_has_rows(ev)};
    flush_collect(&flush);
    if (!flush.save_count && !flush.delete_count) return true;
    if (!flush_relationships(&flush)) return false;
    for (int i = 0; i < flush.save_count; i++) each_relationship(&flush, flush.saves[i], order_mappers);
    for (int i = 0; i < flush.delete_count; i++) each_relationship(&flush, flush.deletes[i], order_mappers);
    for (int i = 0; i < flush.save_count; i++)
        flush_node(&flush, FLUSH_SAVE, flush.saves[i]->mapper->base, NULL, false);
    for (int i = 0; i < flush.delete_count; i++)
        flush_node(&flush, FLUSH_DELETE, flush.deletes[i]->mapper->base, NULL, false);
    for (int i = 0; i < flush.node_count; i++)
        for (int j = 0; j < flush.node_count; j++)
            if (flush.nodes[i].kind == FLUSH_SAVE && flush.nodes[j].kind == FLUSH_DELETE &&
                flush.nodes[i].mapper == flush.nodes[j].mapper)
                flush_edge(&flush, i, j);
    for (int i = 0; session->updated && i < flush.save_count; i++) {
        bool fresh = flush.saves[i]->status == INSTANCE_PENDING;
        list_append(ev, fresh ? session->inserted : session->updated, &flush.saves[i]->head.head);
    }
    session_begin(ev, session, site);
    if (!flush_run(&flush)) return false;
    if (!flush.loading.real && flush.loading.statements.count) evaluator_execute(ev, &flush.loading.statements, site);
    flush_finish(&flush);
    return !evaluator_error_pending(ev);
}

bool session_autoflush(Evaluator *ev, Session *session, const Node *site) {
    return !session->autoflush || session->flushing || session_flush(ev, session, site);
}
