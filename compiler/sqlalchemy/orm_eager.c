/*
 * What an entity loads: columns (less deferred ones), joined eager relationships, and the relationships that further
 * statements will load.
 *
 * Input: an EntityPlan with its entity and path. Output: columns pushed into the select's lists, `plan` filled.
 * Invariants: an option at a path wins over the relationship's own `lazy`; a later option wins over an earlier one;
 * joined loading never enters a mapper that its path has passed already, unless an option or join_depth says so.
 * Example: joinedload(User.posts) -> LEFT OUTER JOIN posts AS posts_1, its columns after those of users.
 */
#include "compiler/sqlalchemy/orm_compile.h"

/* ---- options at a path ---- */

static bool root_matches(const Entity *wanted, const Entity *entity) {
    if (!wanted || wanted == entity) return true;
    if (wanted->of && wanted->of == entity) return true;
    if (entity->of && (entity->of == wanted || wanted->mapper == entity->mapper)) return true;
    if (wanted->is_alias || (entity->is_alias && !entity->is_eager && !entity->is_polymorphic)) return false;
    return mapper_is_a(entity->mapper, wanted->mapper) || mapper_is_a(wanted->mapper, entity->mapper);
}

static bool path_matches(const LoadStep *step, const EntityPlan *plan, int depth) {
    const Entity *root = plan->depth ? plan->path[0]->entity : plan->entity;
    if (step->depth < depth || !root_matches(step->root, root)) return false;
    for (int i = 0; i < depth; i++)
        if (step->path[i]->property->key != plan->path[i]->property->key) return false;
    return true;
}

static const LoadOption *as_option(const Value *value) {
    return value->type == &orm_load_option_type ? (const LoadOption *)value : NULL;
}

/* selectinload(Node.children, recursion_depth=N): the same relationship again below itself. */
static bool step_recurs(const LoadStep *step, const EntityPlan *plan, const Property *property) {
    int extra = plan->depth + 1 - step->depth;
    if (!step->recursion_depth || step->depth < 1 || extra < 1) return false;
    if (step->recursion_depth > 0 && extra > step->recursion_depth) return false;
    if (extra > 20 || !path_matches(step, plan, step->depth)) return false;
    Atom key = step->path[step->depth - 1]->property->key;
    for (int i = step->depth; i < plan->depth; i++)
        if (plan->path[i]->property->key != key) return false;
    return property->key == key;
}

LoadStep *options_find(const OrmOptions *options, const EntityPlan *plan, Property *property) {
    LoadStep *found = NULL, *wild = NULL;
    for (int i = 0; options && i < options->count; i++) {
        const LoadOption *option = as_option(options->items[i]);
        for (int j = 0; option && j < option->count; j++) {
            LoadStep *step = option->steps[j];
            if (step->kind >= LOAD_ONLY || step->kind == LOAD_DEFAULT) continue;
            if (step->wildcard) {
                if (step->depth == 0 || (step->depth == plan->depth && path_matches(step, plan, plan->depth)))
                    wild = step;
                continue;
            }
            if (step_recurs(step, plan, property)) {
                found = step;
                continue;
            }
            if (step->depth != plan->depth + 1 || !path_matches(step, plan, plan->depth)) continue;
            Property *last = step->path[plan->depth]->property;
            if (last == property || last->key == property->key) found = step;
        }
    }
    return found ? found : wild;
}

LoadStep *options_polymorphic(const OrmOptions *options, const EntityPlan *plan) {
    LoadStep *found = NULL;
    for (int i = 0; options && i < options->count; i++) {
        const LoadOption *option = as_option(options->items[i]);
        for (int j = 0; option && j < option->count; j++) {
            LoadStep *step = option->steps[j];
            if (step->kind != LOAD_SELECTIN_POLYMORPHIC || step->depth != plan->depth) continue;
            if (path_matches(step, plan, plan->depth)) found = step;
        }
    }
    return found;
}

/* Is a column deferred here? -1: no option speaks. */
static int column_deferred(const OrmOptions *options, const EntityPlan *plan, Property *property, bool *raise) {
    int exact = -1, wild = -1, general = -1; /* what names the attribute, "*" of its path, "*" of everything */
    for (int i = 0; options && i < options->count; i++) {
        const LoadOption *option = as_option(options->items[i]);
        for (int j = 0; option && j < option->count; j++) {
            const LoadStep *step = option->steps[j];
            if (step->kind < LOAD_ONLY) continue;
            if (step->wildcard && !step->root && step->depth == 0) {
                general = step->kind == LOAD_DEFER;
                continue;
            }
            if (step->depth != plan->depth || !path_matches(step, plan, plan->depth)) continue;
            if (plan->depth == 0 && step->root && !root_matches(step->root, plan->entity)) continue;
            bool named = false;
            for (int k = 0; k < step->column_count; k++) named |= step->columns[k]->key == property->key;
            if (step->kind == LOAD_ONLY) {
                if (named) exact = 0;
                wild = 1;
            } else if ((step->kind == LOAD_DEFER || step->kind == LOAD_UNDEFER) && (named || step->wildcard)) {
                bool defers = step->kind == LOAD_DEFER;
                *(named ? &exact : &wild) = defers;
                if (defers) *raise = step->raise;
            } else if (step->kind == LOAD_UNDEFER_GROUP && property->deferred_group == step->group) {
                exact = 0;
            }
        }
    }
    return exact >= 0 ? exact : wild >= 0 ? wild : general;
}

static Element *column_expression(const OrmOptions *options, const EntityPlan *plan, Property *property) {
    for (int i = 0; options && i < options->count; i++) {
        const LoadOption *option = as_option(options->items[i]);
        for (int j = 0; option && j < option->count; j++) {
            const LoadStep *step = option->steps[j];
            if (step->kind == LOAD_EXPRESSION && step->depth == plan->depth && step->column_count &&
                step->columns[0]->key == property->key)
                return step->expression;
        }
    }
    return NULL;
}

/* ---- columns ---- */

static bool is_primary_key(const Mapper *mapper, const Property *property) {
    for (int i = 0; i < property->columns.count; i++)
        if (list_has(&mapper->primary_key, property->columns.items[i])) return true;
    return false;
}

static bool plan_leaves_out(const EntityPlan *plan, const Property *property) {
    for (int i = 0; plan->only && i < plan->only->count; i++)
        if (value_is(plan->only->items[i], VALUE_STRING) &&
            slice_equals(value_text(plan->only->items[i]), property->key->text))
            return false;
    return plan->only != NULL;
}

static Entity *entity_of_property(Evaluator *ev, EntityPlan *plan, Property *property) {
    (void)ev;
    Entity *entity = plan->entity;
    for (int i = 0; i < entity->poly_count && entity->subs; i++)
        if (entity->subs[i]->mapper == property->parent) return entity->subs[i];
    return entity;
}

static bool setup_column(Compile *compile, EntityPlan *plan, Property *property, ElementList *columns) {
    Evaluator *ev = compile->ev;
    if (plan_leaves_out(plan, property)) return true;
    bool raise = property->raise_on_load;
    int deferred = column_deferred(compile->options, plan, property, &raise);
    bool discriminator = plan->mapper->polymorphic_on && list_has(&property->columns, plan->mapper->polymorphic_on);
    if (plan->only || is_primary_key(plan->mapper, property) || (discriminator && deferred == 1)) deferred = 0;
    if (deferred < 0) deferred = property->deferred;
    bool in_subqueries = !property->deferred || !property->is_expression;
    if (deferred && !(compile->nested && in_subqueries)) return true;
    Element *expression = property->query_expression ? column_expression(compile->options, plan, property) : NULL;
    if (property->query_expression && !expression) return true;
    Element *first = NULL;
    for (int i = 0; i < property->columns.count; i++) {
        Element *column = expression ? expression
                                     : entity_plain_column(ev, entity_of_property(ev, plan, property), property,
                                                           property->columns.items[i]);
        if (!column) return false;
        bool derived =
            plan->entity->is_alias && !plan->entity->adapt_from && column->kind == EL_COLUMN && COLUMN(column)->table;
        if (derived && !from_contains(plan->entity->selectable, COLUMN(column)->table)) continue;
        if (plan->entity->is_eager && column->kind == EL_LABEL && property->is_expression &&
            column == property->columns.items[i])
            column = element_label(ev, column->children[0], (Name){0});
        if (!first) first = column;
        bool known = false;
        for (int j = 0; j < columns->count && !known; j++) known = columns->items[j] == column;
        if (!known) compile_append(compile, columns, column);
    }
    if (!first) return true;
    int capacity = plan->column_capacity;
    ARENA_PUSH(compile->arena, plan->columns, plan->column_count, capacity) = (LoadedColumn){property, first, -1};
    plan->column_capacity = capacity;
    return true;
}

/* ---- relationships ---- */

static LoadKind kind_of_lazy(LazyKind lazy) {
    switch (lazy) {
    case LAZY_JOINED: return LOAD_JOINED;
    case LAZY_SELECTIN: return LOAD_SELECTIN;
    case LAZY_SUBQUERY: return LOAD_SUBQUERY;
    case LAZY_IMMEDIATE: return LOAD_IMMEDIATE;
    case LAZY_RAISE: return LOAD_RAISE;
    case LAZY_NOLOAD: return LOAD_NOLOAD;
    case LAZY_SELECT:
    case LAZY_DYNAMIC:
    case LAZY_WRITE_ONLY: return LOAD_LAZY;
    }
    return LOAD_LAZY;
}

/* Has the path passed this mapper already? */
static bool path_has_mapper(const EntityPlan *plan, const Mapper *mapper) {
    if (!plan->depth) return mapper_is_a(plan->entity->mapper, mapper);
    if (mapper_is_a(plan->path[0]->entity->mapper, mapper)) return true;
    for (int i = 0; i < plan->depth; i++)
        if (mapper_is_a(plan->path[i]->property->relationship->target, mapper)) return true;
    return false;
}

static bool recursion_stops(const EntityPlan *plan, const Relationship *relationship, const LoadStep *step) {
    if (step && !step->wildcard) return false;
    if (relationship->join_depth) return plan->depth + 1 > relationship->join_depth;
    return path_has_mapper(plan, relationship->target);
}

static EntityPlan *plan_below(Compile *compile, EntityPlan *plan, Property *property, Entity *entity) {
    EntityPlan *below = ARENA_NEW(compile->arena, EntityPlan);
    below->entity = entity;
    below->mapper = entity->mapper;
    below->depth = plan->depth + 1;
    below->path = ARENA_ARRAY(compile->arena, AttributeValue *, below->depth);
    for (int i = 0; i < plan->depth; i++) below->path[i] = plan->path[i];
    below->path[plan->depth] = attribute_new(compile->ev, plan->entity, property);
    return below;
}

static Entity *eager_alias(Compile *compile, Relationship *relationship, const LoadStep *step) {
    Entity *of_type = step && step->depth ? step->path[step->depth - 1]->of_type : NULL;
    Entity *alias;
    if (of_type && of_type->is_alias) return of_type;
    if (of_type && of_type->mapper != relationship->target) {
        if (!mapper_is_a(of_type->mapper, relationship->target))
            return sa_raise(compile->ev, SA_INVALID_REQUEST_ERROR, NULL,
                            "Detected unaliased columns when generating joined load.  Make sure to use aliased=True or "
                            "flat=True when using joined loading with with_polymorphic().");
        int count = 0;
        for (Mapper *up = of_type->mapper; up && up != relationship->target; up = up->inherits) count++;
        Mapper **poly = ARENA_ARRAY(compile->arena, Mapper *, count + 1), *up = of_type->mapper;
        for (int i = count - 1; i >= 0; i--, up = up->inherits) poly[i] = up;
        alias = entity_polymorphic(compile->ev, relationship->target, poly, count, NULL, true, false, false);
        if (!alias) return NULL;
    } else if (of_type) alias = entity_alias(compile->ev, of_type->mapper, NULL, (Slice){0}, true);
    else if (relationship->target_entity->is_alias) {
        alias = ARENA_NEW(compile->arena, Entity);
        *alias = *relationship->target_entity;
        alias->element = NULL;
        alias->selectable = element_alias(compile->ev, alias->selectable, (Name){0});
    } else alias = entity_alias(compile->ev, relationship->target, NULL, (Slice){0}, true);
    alias->is_eager = true;
    return alias;
}

static bool setup_joined(Compile *compile, QueryEntity *root, EntityPlan *plan, Property *property, LoadStep *step,
                         EagerPlan *eager, Entity *parent_alias, bool chained) {
    Relationship *relationship = property->relationship;
    Entity *alias = eager_alias(compile, relationship, step);
    if (!alias) return false;
    int innerjoin = step && step->innerjoin >= 0 ? step->innerjoin : relationship->innerjoin;
    PendingJoin pending = {.root = root,
                           .relationship = relationship,
                           .parent = parent_alias ? parent_alias : plan->entity,
                           .alias = alias,
                           .step = step,
                           .inner = innerjoin != 0,
                           .innerjoin = innerjoin,
                           .first_level = !parent_alias,
                           .chained_from_outer = chained || !innerjoin};
    if (step && step->depth) pending.criteria = step->path[step->depth - 1]->criteria;
    if (!compile_criteria(compile, alias, true, &pending.criteria)) return false;
    ARENA_PUSH(compile->arena, compile->pending, compile->pending_count, compile->pending_capacity) = pending;
    if (relationship->uselist) compile->multi_row_eager = true;
    eager->plan = plan_below(compile, plan, property, alias);
    return compile_setup_entity(compile, root, eager->plan, &compile->secondary, alias, pending.chained_from_outer);
}

static bool setup_relationship(Compile *compile, QueryEntity *root, EntityPlan *plan, Property *property,
                               ElementList *columns, Entity *parent_alias, bool chained) {
    Relationship *relationship = property->relationship;
    if (plan_leaves_out(plan, property)) return true;
    LoadStep *step = options_find(compile->options, plan, property);
    LoadKind kind = step ? step->kind : kind_of_lazy(relationship->lazy);
    EagerPlan eager = {.relationship = relationship, .kind = kind, .step = step};
    if (kind == LOAD_LAZY && plan->only) kind = eager.kind = LOAD_IMMEDIATE;
    if (kind == LOAD_LAZY) return true;
    if (kind == LOAD_CONTAINS) {
        Entity *target = step->alias ? step->alias : step->path[step->depth - 1]->of_type;
        if (!target) target = relationship->target_entity;
        eager.plan = plan_below(compile, plan, property, target);
        if (relationship->uselist) compile->multi_row_eager = true;
        if (!compile_setup_entity(compile, root, eager.plan, columns, parent_alias, chained)) return false;
    } else if (kind == LOAD_JOINED) {
        if (compile->nested || recursion_stops(plan, relationship, step)) return true;
        if (!setup_joined(compile, root, plan, property, step, &eager, parent_alias, chained)) return false;
    } else if (kind != LOAD_RAISE && kind != LOAD_NOLOAD) {
        if (compile->nested || recursion_stops(plan, relationship, step)) return true;
    }
    ARENA_PUSH(compile->arena, plan->eager, plan->eager_count, plan->eager_capacity) = eager;
    return true;
}

bool compile_setup_entity(Compile *compile, QueryEntity *root, EntityPlan *plan, ElementList *columns,
                          Entity *parent_alias, bool chained_from_outer) {
    Property **properties = NULL;
    int count = 0;
    properties_of_entity(compile->ev, plan->entity, &properties, &count);
    for (int i = 0; i < count; i++) {
        bool good = true;
        if (properties[i]->kind == PROPERTY_COLUMN) good = setup_column(compile, plan, properties[i], columns);
        else if (properties[i]->kind == PROPERTY_RELATIONSHIP)
            good = setup_relationship(compile, root, plan, properties[i], columns, parent_alias, chained_from_outer);
        if (!good) return false;
    }
    return true;
}

/* ---- the joins of joined eager loading ---- */

static EagerJoin *eager_root(Compile *compile, QueryEntity *root) {
    bool nests = compile->multi_row_eager &&
                 (compile->given->head.limit || compile->given->head.offset || compile->given->distinct ||
                  compile->given->distinct_on.count || compile->given->head.group_by.count);
    int index = -1;
    for (int i = 0; i < compile->eager_count; i++)
        if (compile->eager[i].root == root) return &compile->eager[i];
    if (!nests && compile->from.count) index = compile_find_from(compile, &compile->from, root->selectable);
    if (index >= 0)
        for (int i = 0; i < compile->eager_count; i++)
            if (compile->eager[i].from_index == index) return &compile->eager[i];
    EagerJoin *made = &ARENA_PUSH(compile->arena, compile->eager, compile->eager_count, compile->eager_capacity);
    *made = (EagerJoin){index, root, index >= 0 ? compile->from.items[index] : root->selectable, root->selectable};
    return made;
}

/* The join whose right side is `parent` gets `alias` inner-joined inside of it. */
static Element *splice_inner(Compile *compile, Element *join, PendingJoin *pending, AttributeValue *attribute) {
    Evaluator *ev = compile->ev;
    if (join == pending->parent->selectable)
        return orm_join_along(ev, join, attribute, pending->alias, false, false, &pending->criteria);
    if (join->kind == EL_FROM_GROUPING) return splice_inner(compile, join->children[0], pending, attribute);
    if (join->kind != EL_JOIN) return NULL;
    Element *right = splice_inner(compile, join->children[1], pending, attribute);
    if (right && right->kind == EL_JOIN && !FROM(join)->outer && !FROM(right)->outer) {
        /* a JOIN (b JOIN c) is written a JOIN b JOIN c */
        Element *through = element_join(ev, join->children[0], right->children[0], join->children[2], false, false);
        return element_join(ev, through, right->children[1], right->children[2], false, false);
    }
    if (right)
        return element_join(ev, join->children[0], right, join->children[2], FROM(join)->outer, FROM(join)->full);
    Element *left = splice_inner(compile, join->children[0], pending, attribute);
    if (left) return element_join(ev, left, join->children[1], join->children[2], FROM(join)->outer, FROM(join)->full);
    return NULL;
}

static bool eager_join(Compile *compile, PendingJoin *pending) {
    Evaluator *ev = compile->ev;
    EagerJoin *tower = eager_root(compile, pending->root);
    AttributeValue *attribute = attribute_new(ev, pending->parent, pending->relationship->property);
    bool outside = !pending->chained_from_outer || !pending->inner || pending->innerjoin == 2;
    Element *made = NULL;
    if (!outside) made = splice_inner(compile, tower->join, pending, attribute);
    if (!made) {
        bool outer = !pending->inner || (pending->chained_from_outer && tower->join->kind == EL_JOIN);
        made = orm_join_along(ev, tower->join, attribute, pending->alias, outer, false, &pending->criteria);
    }
    if (!made) return false;
    tower->join = made;
    Relationship *relationship = pending->relationship;
    if (pending->first_level) {
        for (int i = 0; i < relationship->pairs.count; i++) {
            Element *column = entity_adapt(ev, pending->parent, relationship->pairs.items[i].from);
            if (!list_has(&compile->primary, column)) compile_append(compile, &compile->primary, column);
        }
    }
    for (int i = 0; i < relationship->order_by.count; i++) {
        Element *order = entity_adapt(ev, pending->alias, relationship->order_by.items[i]);
        if (relationship->secondary) {
            Element *secondary = made->children[1];
            if (secondary->kind == EL_FROM_GROUPING) secondary = secondary->children[0];
            if (secondary->kind == EL_JOIN) order = element_adapt(ev, order, secondary->children[0]);
        }
        element_list_push(ev, &compile->eager_order_by, order);
    }
    return true;
}

bool compile_eager_joins(Compile *compile) {
    for (int i = 0; i < compile->pending_count; i++)
        if (!eager_join(compile, &compile->pending[i])) return false;
    return true;
}
