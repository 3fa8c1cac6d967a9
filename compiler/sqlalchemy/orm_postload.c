/*
 * The further statements of eager loading: selectinload, subqueryload, immediateload.
 *
 * Input: the parents that a statement has loaded (real instances, or one that stands for all). Output: their
 * relationship attributes filled. Invariants: a list of keys is one parameter "from rows" that expands where rows are
 * not known; with rows, no parents means no statement.
 * Example: selectinload(Post.comments) -> SELECT comments.post_id …, … FROM comments WHERE comments.post_id IN (…).
 */
#include "compiler/sqlalchemy/orm_load.h"

#include <assert.h>

static EntityPlan *path_below(Loading *loading, const PostLoad *post) {
    Arena *arena = evaluator_arena(loading->ev);
    EntityPlan *plan = ARENA_NEW(arena, EntityPlan);
    plan->depth = post->plan->depth + 1;
    plan->path = ARENA_ARRAY(arena, AttributeValue *, plan->depth);
    for (int i = 0; i < post->plan->depth; i++) plan->path[i] = post->plan->path[i];
    plan->path[post->plan->depth] = attribute_new(loading->ev, post->plan->entity, post->eager->relationship->property);
    return plan;
}

static Entity *effective_entity(const EagerPlan *eager) {
    Entity *of_type = eager->step && eager->step->depth ? eager->step->path[eager->step->depth - 1]->of_type : NULL;
    return of_type ? of_type : eager->relationship->target_entity;
}

/* Do the pairs' near columns make up the parent's key? Then the parent's table need not be joined. */
static bool omits_join(const Relationship *relationship) {
    const ElementList *key = relationship->direction == MANY_TO_ONE ? &relationship->target->primary_key
                                                                    : &relationship->parent->primary_key;
    if (relationship->secondary || relationship->pairs.count != key->count) return false;
    if (relationship->primaryjoin->kind != EL_BINARY && relationship->pairs.count < 2) return false;
    for (int i = 0; i < relationship->pairs.count; i++) {
        Element *side = relationship->direction == MANY_TO_ONE ? relationship->pairs.items[i].to
                                                               : relationship->pairs.items[i].from;
        if (!list_has(key, side)) return false;
    }
    return true;
}

/* Columns of the further statement that are compared with the keys, and those of the parents that give them. */
typedef struct KeyColumns {
    ElementList compared, parents;
    Entity *alias; /* of the parent, where it is joined */
} KeyColumns;

static void key_columns(Loading *loading, const PostLoad *post, Entity *effective, KeyColumns *out) {
    Evaluator *ev = loading->ev;
    Relationship *relationship = post->eager->relationship;
    Mapper *parent = relationship->parent;
    if (!omits_join(relationship)) {
        out->alias = entity_alias(ev, parent, NULL, (Slice){0}, false);
        for (int i = 0; i < parent->primary_key.count; i++) {
            element_list_push(ev, &out->compared, entity_adapt(ev, out->alias, parent->primary_key.items[i]));
            element_list_push(ev, &out->parents, parent->primary_key.items[i]);
        }
        return;
    }
    const ElementList *key =
        relationship->direction == MANY_TO_ONE ? &relationship->target->primary_key : &parent->primary_key;
    for (int i = 0; i < key->count; i++)
        for (int j = 0; j < relationship->pairs.count; j++) {
            ColumnPair *pair = &relationship->pairs.items[j];
            if (!element_same(relationship->direction == MANY_TO_ONE ? pair->to : pair->from, key->items[i])) continue;
            element_list_push(ev, &out->compared, entity_adapt(ev, effective, pair->to));
            element_list_push(ev, &out->parents, pair->from);
        }
}

Value *parent_values(Loading *loading, const ListValue *parents, Mapper *mapper, const ElementList *columns) {
    Evaluator *ev = loading->ev;
    ListValue *list = value_list(ev);
    for (int i = 0; i < parents->count; i++) {
        Value *values[8];
        bool null = false;
        for (int j = 0; j < columns->count && j < 8; j++) {
            values[j] = instance_column_value(ev, parents->items[i], mapper, columns->items[j], loading->site);
            if (!values[j]) return NULL;
            null |= value_is_none(values[j]);
        }
        if (null) continue;
        Value *item = columns->count == 1 ? values[0] : value_tuple(ev, values, columns->count);
        bool known = false;
        for (int j = 0; j < list->count; j++) known |= list->items[j] == item || value_equals(ev, list->items[j], item);
        if (!known) list_append(ev, list, item);
    }
    if (loading->real || list->count != 1) return &list->head;
    Value *first = list->items[0];
    if (!value_is_unknown(first)) return &list->head;
    UnknownValue *unknown = (UnknownValue *)first;
    if (unknown->origin_type != &orm_row_type) return &list->head;
    RowOrigin *origin = unknown->origin;
    return row_value(ev, origin->statement, origin->column, true, unknown->text, loading->site);
}

static Element *in_criterion(Loading *loading, const KeyColumns *keys, Value *values) {
    assert(keys->compared.count);
    Element *left = keys->compared.items[0];
    if (keys->compared.count > 1)
        left = element_with_children(loading->ev, EL_TUPLE, type_of_kind(loading->ev, TYPE_NULL), keys->compared.items,
                                     keys->compared.count);
    return element_in(loading->ev, left, values, false, loading->site);
}

static OrmOptions *step_options(Loading *loading, const PostLoad *post) {
    return loading->options && post->eager ? loading->options : NULL;
}

static Element *selectin_statement(Loading *loading, const PostLoad *post, const KeyColumns *keys, Value *values,
                                   Entity *effective) {
    Evaluator *ev = loading->ev;
    Relationship *relationship = post->eager->relationship;
    Select *select = select_new(ev);
    select->head.label_style = LABEL_TABLENAME_PLUS_COL;
    for (int i = 0; i < keys->compared.count; i++) select_add_column(ev, select, keys->compared.items[i]);
    select_add_column(ev, select, entity_element(ev, effective));
    AttributeValue *along = NULL;
    if (keys->alias) {
        along = attribute_new(ev, keys->alias, relationship->property);
        along->of_type = effective;
        SetupJoin join = {.target_value = &along->head.head, .node = loading->site};
        ARENA_PUSH(evaluator_arena(ev), select->joins, select->join_count, select->join_capacity) = join;
        element_list_push(ev, &select->from, entity_element(ev, keys->alias));
    } else {
        element_list_push(ev, &select->from, entity_element(ev, effective));
    }
    Element *in = in_criterion(loading, keys, values);
    if (!in) return NULL;
    select_add_where(ev, select, in);
    LoadStep *step = post->eager->step;
    const ElementList *criteria = step && step->depth ? &step->path[step->depth - 1]->criteria : NULL;
    for (int i = 0; criteria && i < criteria->count; i++)
        select_add_where(ev, select, entity_adapt(ev, effective, criteria->items[i]));
    for (int i = 0; i < relationship->order_by.count; i++)
        element_list_push(ev, &select->head.order_by, entity_adapt(ev, effective, relationship->order_by.items[i]));
    OrmOptions *options = step_options(loading, post);
    Element *statement = &select->head.head.base;
    return options ? statement_with_options(ev, statement, options->items, options->count) : statement;
}

/* ---- subqueryload ---- */

static Element *leftmost_subquery(Loading *loading, const PostLoad *post, Select *original, Entity *root) {
    Evaluator *ev = loading->ev;
    int at = loading->root_depth;
    Relationship *first =
        post->plan->depth > at ? post->plan->path[at]->property->relationship : post->eager->relationship;
    Select *select = select_copy(ev, original);
    if (!select->from.count) element_list_push(ev, &select->from, entity_element(ev, root));
    select->columns = (ElementList){0};
    select->head.head.options = NULL;
    select->head.head.option_count = 0;
    bool whole_key = true;
    ElementList columns = {0};
    for (int i = 0; i < first->pairs.count; i++)
        if (!list_has(&columns, first->pairs.items[i].from))
            element_list_push(ev, &columns, first->pairs.items[i].from);
    for (int i = 0; i < first->parent->primary_key.count; i++)
        whole_key &= list_has(&columns, first->parent->primary_key.items[i]);
    for (int i = 0; i < columns.count; i++) {
        Property *property = mapper_property_of(root->mapper, columns.items[i]);
        if (property) select_add_column(ev, select, entity_column(ev, root, property));
    }
    if (!whole_key) select->distinct = true;
    if (!select->head.limit && !select->head.offset && !select->head.fetch) select->head.order_by = (ElementList){0};
    select->head.label_style = LABEL_TABLENAME_PLUS_COL;
    return element_subquery(ev, &select->head.head.base, (Name){0});
}

static void add_join(Evaluator *ev, Select *select, Entity *from, Property *property, Entity *to, const Node *site) {
    AttributeValue *along = attribute_new(ev, from, property);
    along->of_type = to;
    SetupJoin join = {.target_value = &along->head.head, .node = site};
    ARENA_PUSH(evaluator_arena(ev), select->joins, select->join_count, select->join_capacity) = join;
}

static Element *subquery_statement(Loading *loading, const PostLoad *post, Element *statement, Entity *effective,
                                   ElementList *keys) {
    Evaluator *ev = loading->ev;
    Relationship *relationship = post->eager->relationship;
    int at = loading->root_depth;
    Entity *root = post->plan->depth > at ? post->plan->path[at]->entity : post->plan->entity;
    Element *left = leftmost_subquery(loading, post, SELECT(statement), root);
    Select *select = select_new(ev);
    select->head.label_style = LABEL_TABLENAME_PLUS_COL;
    Entity *current = entity_alias(ev, root->mapper, left, (Slice){0}, false);
    element_list_push(ev, &select->from, entity_element(ev, current));
    for (int i = at; i < post->plan->depth; i++) {
        Property *step = post->plan->path[i]->property;
        Entity *next = entity_alias(ev, step->relationship->target, NULL, (Slice){0}, false);
        add_join(ev, select, current, step, next, loading->site);
        current = next;
    }
    add_join(ev, select, current, relationship->property, effective, loading->site);
    select_add_column(ev, select, entity_element(ev, effective));
    for (int i = 0; i < relationship->pairs.count; i++) {
        Property *property = mapper_property_of(relationship->parent, relationship->pairs.items[i].from);
        if (!property) continue;
        Element *column = entity_column(ev, current, property);
        select_add_column(ev, select, column);
        element_list_push(ev, keys, relationship->pairs.items[i].from);
    }
    for (int i = 0; i < relationship->order_by.count; i++)
        element_list_push(ev, &select->head.order_by, entity_adapt(ev, effective, relationship->order_by.items[i]));
    OrmOptions *options = step_options(loading, post);
    Element *made = &select->head.head.base;
    return options ? statement_with_options(ev, made, options->items, options->count) : made;
}

/* ---- giving the parents what was loaded ---- */

static bool row_belongs(Evaluator *ev, const RowValue *row, int first, int count, OrmInstance *parent, Mapper *mapper,
                        const ElementList *columns, const Node *site) {
    for (int i = 0; i < count; i++) {
        Value *value = instance_column_value(ev, &parent->head.head, mapper, columns->items[i], site);
        if (!value || !value_equals(ev, value, row->items->items[first + i])) return false;
    }
    return true;
}

static void give_parents(Loading *loading, const PostLoad *post, const ResultValue *result, int entity_at, int key_at,
                         const ElementList *parents) {
    Evaluator *ev = loading->ev;
    Relationship *relationship = post->eager->relationship;
    for (int i = 0; i < post->parents->count; i++) {
        OrmInstance *parent = value_as_instance(post->parents->items[i]);
        CollectionValue *collection = collection_new(ev, parent, relationship);
        Value *single = value_none(ev);
        if (!result->rows) {
            collection->list.open = true;
            collection->element = result->sample->items->items[entity_at];
            single = value_optional(ev, collection->element, relationship->property->key->text, loading->site);
        }
        for (int j = 0; result->rows && j < result->rows->count; j++) {
            RowValue *row = (RowValue *)result->rows->items[j];
            if (!row_belongs(ev, row, key_at, parents->count, parent, relationship->parent, parents, loading->site))
                continue;
            Value *item = row->items->items[entity_at];
            if (value_is_none(item)) continue;
            single = item;
            list_append(ev, &collection->list, item);
        }
        instance_load(ev, parent, relationship->property->key, relationship->uselist ? &collection->list.head : single);
    }
}

static bool post_run(Loading *loading, PostLoad *post) {
    Evaluator *ev = loading->ev;
    if (post->load) return polymorphic_run(loading, post);
    EagerPlan *eager = post->eager;
    if (!relationship_configure(ev, eager->relationship)) return false;
    bool refreshes = loading->refresh && post->plan->depth == loading->depth;
    if (eager->kind == LOAD_IMMEDIATE || (refreshes && eager->kind <= LOAD_SUBQUERY)) {
        bool inside = loading->session && loading->session->sync_inside;
        if (loading->session) loading->session->sync_inside = true;
        for (int i = 0; i < post->parents->count; i++) {
            OrmInstance *parent = value_as_instance(post->parents->items[i]);
            if (!instance_get(&parent->head.head, eager->relationship->property->key) &&
                !instance_lazy_load(ev, parent, eager->relationship->property, loading->site))
                return false;
        }
        if (loading->session) loading->session->sync_inside = inside;
        return true;
    }
    Entity *effective = effective_entity(eager);
    EntityPlan *start = path_below(loading, post);
    ResultValue *result = result_new(ev, loading->site);
    RowPlan plan = {0};
    if (eager->kind == LOAD_SUBQUERY && loading->root->kind == EL_SELECT) {
        ElementList keys = {0};
        Element *made = subquery_statement(loading, post, loading->root, effective, &keys);
        bool inside = loading->in_subquery;
        loading->in_subquery = true;
        bool good = made && loading_run(loading, made, start, &plan, result);
        loading->in_subquery = inside;
        if (!good) return false;
        give_parents(loading, post, result, 0, 1, &keys);
        return true;
    }
    KeyColumns keys = {0};
    key_columns(loading, post, effective, &keys);
    Value *values = parent_values(loading, post->parents, eager->relationship->parent, &keys.parents);
    if (!values) return false;
    if (value_is(values, VALUE_LIST) && !((ListValue *)values)->count) {
        ResultValue *empty = result_new(ev, loading->site);
        empty->rows = value_list(ev);
        give_parents(loading, post, empty, 0, 0, &keys.parents);
        return true;
    }
    Element *made = selectin_statement(loading, post, &keys, values, effective);
    if (!made || !loading_run(loading, made, start, &plan, result)) return false;
    give_parents(loading, post, result, keys.compared.count, 0, &keys.parents);
    return true;
}

bool loading_post(Loading *loading) {
    if (loading->level > 40) return true;
    for (int i = 0; i < loading->post_count; i++)
        if (!post_run(loading, &loading->posts[i])) return false;
    return true;
}
