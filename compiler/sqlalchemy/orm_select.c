/*
 * ORM select -> plain select: entities become columns, joins along relationships become JOINs with ON clauses, single
 * table inheritance and with_loader_criteria() become criteria.
 *
 * Input: a Select as the program built it. Output: a new Select that mentions no entity, and the RowPlan that says how
 * its rows are read. Invariants: the given Select is not changed; columns stand in the order: those of the entities as
 * written, then those of joined eager loads.
 * Example: select(User).join(User.posts) -> SELECT users.id, users.name FROM users JOIN posts ON users.id = …
 */
#include "compiler/sqlalchemy/orm_compile.h"

#include <assert.h>

/* ---- looking at FROM clauses ---- */

static bool from_overlaps(Evaluator *ev, const Element *a, const Element *b) {
    if (a == b || from_contains(a, b) || from_contains(b, a)) return true;
    if (b->kind == EL_JOIN) return from_overlaps(ev, a, b->children[0]) || from_overlaps(ev, a, b->children[1]);
    if (b->kind == EL_FROM_GROUPING) return from_overlaps(ev, a, b->children[0]);
    return false;
}

/* Do rows of a subquery, or of a join with one, come from `wanted`? */
static bool from_derives(Evaluator *ev, Element *from, const Element *wanted, int depth) {
    if (element_same(from, wanted)) return true;
    if (depth > 40) return false;
    if (from->kind == EL_SELECT) {
        ElementList froms = {0};
        froms_expand(ev, &SELECT(from)->columns, &froms);
        ElementList below = element_list_copy(ev, &SELECT(from)->from);
        for (int i = 0; i < froms.count; i++) element_froms(ev, froms.items[i], &below);
        for (int i = 0; i < below.count; i++)
            if (from_derives(ev, below.items[i], wanted, depth + 1)) return true;
        return false;
    }
    bool nests = from->kind == EL_SUBQUERY || from->kind == EL_ALIAS || from->kind == EL_CTE ||
                 from->kind == EL_LATERAL || from->kind == EL_SELECT_GROUPING || from->kind == EL_FROM_GROUPING;
    int parts = from->kind == EL_JOIN ? 2 : nests && from->count ? 1 : 0;
    for (int i = 0; i < parts; i++)
        if (from_derives(ev, from->children[i], wanted, depth + 1)) return true;
    return false;
}

int compile_find_from(Compile *compile, const ElementList *clauses, Element *wanted) {
    for (int i = 0; i < clauses->count; i++)
        if (clauses->items[i] == wanted || from_contains(clauses->items[i], wanted)) return i;
    for (int i = 0; i < clauses->count; i++)
        if (from_overlaps(compile->ev, clauses->items[i], wanted)) return i;
    ElementList parts = {0};
    element_froms(compile->ev, wanted, &parts);
    for (int i = 0; i < clauses->count; i++)
        for (int j = 0; j < parts.count; j++)
            if (from_derives(compile->ev, clauses->items[i], parts.items[j], 0)) return i;
    return -1;
}

/* ---- entities ---- */

/* How many levels below an element its i-th part stands in SQLAlchemy's own tree. */
static int part_depth(const Element *element, int i) {
    if (element->kind == EL_FUNCTION) return 3; /* a group, and the list in it */
    if (element->kind == EL_OVER || element->kind == EL_WITHIN_GROUP) return i ? 2 : 1;
    return 1;
}

/* The first entity at this level; `deeper` says whether there are levels below. */
static Entity *entity_at_level(const Element *element, int level, bool *deeper) {
    if (level < 0) return *deeper = true, NULL;
    if (element->entity && element->kind != EL_ENTITY) return level == 0 ? element->entity : NULL;
    if (element_is_select(element) || element_is_from(element)) return NULL;
    for (int i = 0; i < element->count; i++) {
        if (!element->children[i]) continue;
        Entity *found = entity_at_level(element->children[i], level - part_depth(element, i), deeper);
        if (found) return found;
    }
    return NULL;
}

/* The entity that a column expression belongs to: of its mapped attributes, the one nearest to the top. */
static Entity *column_entity(const Element *element) {
    for (int level = 0; level < 60; level++) {
        bool deeper = false;
        Entity *found = entity_at_level(element, level, &deeper);
        if (found || !deeper) return found;
    }
    return NULL;
}

static QueryEntity *compile_add_entity(Compile *compile, QueryEntityKind kind, Entity *entity, Element *element) {
    QueryEntity *made = ARENA_NEW(compile->arena, QueryEntity);
    made->kind = kind;
    made->entity = entity;
    made->element = element;
    made->selectable = entity ? entity->selectable : NULL;
    ARENA_PUSH(compile->arena, compile->entities, compile->entity_count, compile->entity_capacity) = made;
    return made;
}

static void compile_read_column(Compile *compile, Element *element) {
    if (element->kind == EL_ENTITY) {
        compile_add_entity(compile, QUERY_ENTITY_MAPPER, element->entity, element);
    } else if (element->kind == EL_ORM) {
        Entity *entity = element->count ? column_entity(element->children[0]) : NULL;
        compile_add_entity(compile, QUERY_ENTITY_BUNDLE, entity, element);
    } else if (element_is_from(element) && !element_is_select(element)) { /* a table or CTE: its columns */
        const ElementList *columns = from_columns(compile->ev, element);
        if (element->kind == EL_JOIN) element_list_push(compile->ev, &compile->from, element);
        for (int i = 0; i < columns->count; i++) compile_read_column(compile, columns->items[i]);
    } else {
        Entity *entity = column_entity(element);
        QueryEntity *made = compile_add_entity(compile, QUERY_ENTITY_COLUMN, entity, element);
        if (entity) return;
        ElementList froms = {0};
        element_froms(compile->ev, element, &froms);
        if (froms.count) made->selectable = froms.items[0];
    }
}

static void compile_read_columns(Compile *compile) {
    for (int i = 0; i < compile->given->columns.count; i++)
        compile_read_column(compile, compile->given->columns.items[i]);
    for (int i = 0; i < compile->given->from.count; i++) {
        Element *from = compile->given->from.items[i];
        Entity *entity = from->entity;
        Element *clause = from->kind == EL_ENTITY ? entity->selectable : from;
        element_list_push(compile->ev, &compile->from, clause);
        if (entity)
            ARENA_PUSH(compile->arena, compile->criteria_entities, compile->criteria_count,
                       compile->criteria_capacity) = entity;
    }
}

static bool list_mentions(const ElementList *list) {
    for (int i = 0; i < list->count; i++) {
        const Element *element = list->items[i];
        if (element->kind == EL_ENTITY || element->kind == EL_ORM || element->entity || column_entity(element))
            return true;
    }
    return false;
}

bool orm_select_mentions(const Select *select) {
    if (select->head.head.orm_state) return false;
    if (select->head.head.option_count || list_mentions(&select->columns) || list_mentions(&select->from)) return true;
    for (int i = 0; i < select->join_count; i++) {
        const SetupJoin *join = &select->joins[i];
        if (join->target_value && !value_is_element(join->target_value)) return true;
        if (join->on_value && value_as_attribute(join->on_value)) return true;
        if ((join->target && join->target->entity) || (join->from && join->from->entity)) return true;
    }
    return list_mentions(&select->where) || list_mentions(&select->head.order_by);
}

Element *orm_column_entity(Evaluator *ev, Element *column) {
    Entity *entity = column->kind == EL_ENTITY ? NULL : column_entity(column);
    return entity ? entity_element(ev, entity) : NULL;
}

Element *orm_join_target(Evaluator *ev, Value *value) {
    AttributeValue *attribute = value_as_attribute(value);
    if (!attribute || attribute->property->kind != PROPERTY_RELATIONSHIP) return NULL;
    if (!mappers_configure(ev)) return NULL;
    Entity *target = attribute->of_type ? attribute->of_type : attribute->property->relationship->target_entity;
    return entity_element(ev, target);
}

/* ---- joins ---- */

static bool raise_join(Compile *compile, const SetupJoin *join, const char *message) {
    sa_raise(compile->ev, SA_INVALID_REQUEST_ERROR, join->node, "%s", message);
    return false;
}

typedef struct JoinSide {
    Entity *entity;
    Element *from;
} JoinSide;

static bool clause_has_columns(Evaluator *ev, Element *a, Element *b, const ElementList *columns) {
    for (int i = 0; i < columns->count; i++)
        if (!list_has(from_columns(ev, a), columns->items[i]) && !list_has(from_columns(ev, b), columns->items[i]))
            return false;
    return true;
}

static bool can_join(Evaluator *ev, Element *left, Element *right) {
    Element *on = join_condition(ev, left, right, NULL, NULL);
    if (on) return true;
    Class *error = evaluator_clear_error(ev);
    return error && slice_equals_text(error->name->text, "AmbiguousForeignKeysError");
}

/* Which of the clauses a join to `right` starts from; the count of candidates is returned, the first in `index`. */
static int find_left(Evaluator *ev, const ElementList *clauses, Element *right, Element *on, int *index) {
    ElementList columns = {0};
    bool resolve = clauses->count > 1 && on;
    if (resolve) columns_mentioned(ev, on, &columns);
    int found = 0;
    for (int i = clauses->count - 1; i >= 0; i--) {
        Element *clause = clauses->items[i];
        if (clause == right) continue;
        bool good = resolve && columns.count ? clause_has_columns(ev, clause, right, &columns)
                                             : on != NULL || can_join(ev, clause, right);
        bool hidden = false;
        for (int j = 0; j < clauses->count && good; j++)
            hidden |= j != i && clauses->items[j]->kind == EL_JOIN && from_contains(clauses->items[j], clause);
        if (!good || hidden) continue;
        found++;
        *index = i;
    }
    if (!found && on && clauses->count) {
        *index = 0;
        return clauses->count;
    }
    return found;
}

static const char *const ambiguous_left =
    "Can't determine which FROM clause to join from, there are multiple FROMS which can join to this entity. Please "
    "use the .select_from() method to establish an explicit left side, as well as providing an explicit ON clause if "
    "not present already to help resolve the ambiguity.";

/* The left side where neither relationship nor join_from() names it. */
static bool compile_implicit_left(Compile *compile, const SetupJoin *join, JoinSide *right, Element *on, JoinSide *left,
                                  int *replace) {
    Evaluator *ev = compile->ev;
    int index = -1, found;
    if (compile->from.count) {
        found = find_left(ev, &compile->from, right->from, on, &index);
        if (found == 1) {
            left->from = compile->from.items[index];
            *replace = index;
            return true;
        }
    } else {
        ElementList clauses = {0};
        Entity *owners[64];
        for (int i = 0; i < compile->entity_count && clauses.count < 64; i++) {
            QueryEntity *entity = compile->entities[i];
            if (!entity->selectable || (entity->entity && entity->entity == right->entity)) continue;
            bool known = false;
            for (int j = 0; j < clauses.count; j++) known |= clauses.items[j] == entity->selectable;
            if (known) continue;
            owners[clauses.count] = entity->entity;
            element_list_push(ev, &clauses, entity->selectable);
        }
        if (!compile->entity_count)
            return raise_join(compile, join,
                              "No entities to join from; please use select_from() to establish the left "
                              "entity/selectable of this join");
        found = find_left(ev, &clauses, right->from, on, &index);
        if (found == 1) {
            assert(clauses.items && index >= 0 && index < clauses.count);
            left->from = clauses.items[index];
            left->entity = owners[index];
            return true;
        }
    }
    if (found > 1) return raise_join(compile, join, ambiguous_left);
    assert(right->entity || right->from);
    Slice name = right->entity ? right->entity->name : right->from->name.text;
    sa_raise(ev, SA_INVALID_REQUEST_ERROR, join->node,
             "Don't know how to join to %.*s. Please use the .select_from() method to establish an explicit left side, "
             "as well as providing an explicit ON clause if not present already to help resolve the ambiguity.",
             SLICE_ARGS(name));
    return false;
}

static bool overlap_with_left(Compile *compile, Element *left, Entity *right) {
    if (right->is_alias ||
        (right->mapper->persist_selectable->kind != EL_JOIN && !right->mapper->with_polymorphic_count))
        return false;
    const ElementList *from = &compile->from;
    for (int i = 0; i < from->count; i++)
        if (from_overlaps(compile->ev, left, from->items[i]) &&
            from_overlaps(compile->ev, from->items[i], right->selectable))
            return true;
    return !from->count && from_overlaps(compile->ev, left, right->selectable);
}

static bool edge_known(Compile *compile, Entity *left, Entity *right, Property *property) {
    for (int i = 0; i < compile->edge_count; i++) {
        const JoinedEdge *edge = &compile->edges[i];
        if (edge->left == left && edge->right == right && edge->property->key == property->key) return true;
    }
    return false;
}

/* JOIN of a clause with an entity or FROM clause, along a relationship or with a given or inferred ON. */
Element *orm_join_along(Evaluator *ev, Element *left, AttributeValue *attribute, Entity *right, bool outer, bool full,
                        const ElementList *criteria) {
    Relationship *relationship = attribute->property->relationship;
    ElementList all = {0};
    for (int i = 0; criteria && i < criteria->count; i++) element_list_push(ev, &all, criteria->items[i]);
    for (int i = 0; i < attribute->criteria.count; i++) element_list_push(ev, &all, attribute->criteria.items[i]);
    Entity source = *attribute->entity;
    if (!from_overlaps(ev, left, source.selectable)) source.selectable = left;
    JoinTargets targets;
    if (!relationship_join(ev, relationship, &source, right, true, &all, &targets)) return NULL;
    if (!targets.secondary_on) return element_join(ev, left, right->selectable, targets.primary, outer, full);
    if (outer) {
        Element *inner = element_join(ev, targets.secondary, right->selectable, targets.secondary_on, false, false);
        return element_join(ev, left, inner, targets.primary, outer, full);
    }
    Element *through = element_join(ev, left, targets.secondary, targets.primary, false, false);
    return element_join(ev, through, right->selectable, targets.secondary_on, false, full);
}

Element *orm_join_on(Evaluator *ev, Element *left, Element *left_subset, Entity *entity, Element *right, Element *on,
                     bool outer, bool full, const ElementList *criteria, const Node *site) {
    if (!on) on = join_condition(ev, left, right, left_subset, site);
    if (!on) return NULL;
    ElementList all = {0};
    element_list_push(ev, &all, element_group(ev, on, SA_ASBOOL));
    Element *single = entity ? mapper_single_criterion(ev, entity->mapper) : NULL;
    if (single) element_list_push(ev, &all, entity_adapt(ev, entity, single));
    for (int i = 0; criteria && i < criteria->count; i++) element_list_push(ev, &all, criteria->items[i]);
    if (all.count > 1) on = element_and(ev, all.items, all.count);
    return element_join(ev, left, right, on, outer, full);
}

static bool compile_place_left(Compile *compile, const SetupJoin *join, JoinSide *left, JoinSide *right, Element *on,
                               int *replace) {
    if (!left->from && !left->entity) return compile_implicit_left(compile, join, right, on, left, replace);
    Element *wanted = left->entity ? left->entity->selectable : left->from;
    *replace = compile_find_from(compile, &compile->from, wanted);
    left->from = wanted;
    return true;
}

/* Target and ON clause as given: an entity or FROM clause, a relationship (`along`) or a criterion. */
static bool compile_read_join(Compile *compile, const SetupJoin *join, JoinSide *right, AttributeValue **along,
                              Element **on) {
    Evaluator *ev = compile->ev;
    *along = value_as_attribute(join->target_value);
    if (*along) {
        Property *property = (*along)->property;
        if (property->kind != PROPERTY_RELATIONSHIP || !relationship_configure(ev, property->relationship))
            return false;
        right->entity = (*along)->of_type ? (*along)->of_type : property->relationship->target_entity;
        return true;
    }
    right->entity = join->target_value ? orm_entity(ev, join->target_value) : NULL;
    if (evaluator_error_pending(ev)) return false;
    if (!right->entity) {
        right->from = join->target;
        if (!right->from) return false;
        if (right->from->kind == EL_ENTITY) right->entity = right->from->entity;
    }
    if (!join->on_value || value_is_none(join->on_value)) return true;
    *along = value_as_attribute(join->on_value);
    if (!*along) *on = join->on;
    return *along || *on;
}

/* Columns of an entity that was given another name by its join. */
static Element *adapt_auto_alias(Evaluator *ev, Element *element, void *data) {
    const Compile *compile = data;
    if (element->kind != EL_COLUMN || !element->entity || !element->original) return NULL;
    for (int i = compile->alias_count - 1; i >= 0; i--)
        if (compile->aliases[i].given == element->entity)
            return entity_adapt(ev, compile->aliases[i].alias, element->original);
    return NULL;
}

static void adapt_auto_aliases(Compile *compile, ElementList *list) {
    for (int i = 0; compile->alias_count && i < list->count; i++)
        list->items[i] = element_rewrite(compile->ev, list->items[i], adapt_auto_alias, compile);
}

static bool compile_join(Compile *compile, const SetupJoin *join) {
    Evaluator *ev = compile->ev;
    AttributeValue *along = NULL;
    JoinSide right = {0}, left = {0};
    Element *on = join->on_value ? NULL : join->on;
    bool from_target = value_as_attribute(join->target_value) != NULL;
    if (!compile_read_join(compile, join, &right, &along, &on)) return false;
    if (right.entity) right.from = right.entity->selectable;
    Entity *from_entity = join->from ? join->from->entity : NULL;
    if (along) {
        left.entity = along->entity;
        if (edge_known(compile, left.entity, right.entity, along->property) && from_target) return true;
    } else if (join->from) {
        left.entity = from_entity;
        left.from = join->from;
    }
    int replace = -1;
    if (!compile_place_left(compile, join, &left, &right, on, &replace)) return false;
    if (right.entity && left.entity == right.entity)
        return raise_join(compile, join, "Can't construct a join from an entity to itself, they are the same entity");
    if (along && !right.entity)
        right.entity = entity_alias(ev, along->property->relationship->target, right.from, (Slice){0}, false);
    if (right.entity && overlap_with_left(compile, left.from, right.entity)) {
        AutoAlias alias = {right.entity, entity_alias(ev, right.entity->mapper, NULL, (Slice){0}, true)};
        ARENA_PUSH(compile->arena, compile->aliases, compile->alias_count, compile->alias_capacity) = alias;
        right.entity = alias.alias;
        if (on) on = element_rewrite(ev, on, adapt_auto_alias, compile);
    }
    if (right.entity) right.from = right.entity->selectable;
    ElementList criteria = {0};
    if (right.entity && !compile_criteria(compile, right.entity, false, &criteria)) return false;
    Element *base = replace >= 0 ? compile->from.items[replace] : left.from;
    Element *made = along && right.entity
                        ? orm_join_along(ev, base, along, right.entity, join->outer, join->full, &criteria)
                        : orm_join_on(ev, base, left.from == base ? NULL : left.from, right.entity, right.from, on,
                                      join->outer, join->full, &criteria, join->node);
    if (!made) return false;
    if (right.entity)
        ARENA_PUSH(compile->arena, compile->join_entities, compile->join_entity_count, compile->join_entity_capacity) =
            right.entity;
    if (along)
        ARENA_PUSH(compile->arena, compile->edges, compile->edge_count, compile->edge_capacity) =
            (JoinedEdge){along->entity, right.entity, along->property};
    if (replace >= 0) compile->from.items[replace] = made;
    else {
        element_list_push(ev, &compile->from, made);
        if (left.entity)
            ARENA_PUSH(compile->arena, compile->criteria_entities, compile->criteria_count,
                       compile->criteria_capacity) = left.entity;
    }
    return true;
}

/* ---- criteria of entities ---- */

/* Without include_aliases a criterion means the very class that it names: no alias, no subclass, and so no class of a
 * mixin. */
static bool criterion_matches(const CriteriaOption *option, const Entity *entity) {
    if (option->entity) {
        if (option->entity->is_alias) return option->entity == entity;
        if (!mapper_is_a(entity->mapper, option->entity->mapper)) return false;
        if (entity->mapper == option->entity->mapper && (!entity->is_alias || entity->is_eager)) return true;
    } else if (!option->cls || !class_is_subclass(entity->mapper->cls, option->cls)) {
        return false;
    }
    return option->include_aliases;
}

/* A criterion's own subqueries don't follow it. */
static Element *mark_criterion(Evaluator *ev, Element *element, void *data) {
    if (element->kind != EL_SELECT || SELECT(element)->criterion_of) return NULL;
    Select *copy = select_copy(ev, SELECT(element));
    copy->criterion_of = data;
    return &copy->head.head.base;
}

bool compile_criteria(Compile *compile, Entity *entity, bool propagating, ElementList *out) {
    Evaluator *ev = compile->ev;
    for (int i = 0; compile->options && i < compile->options->count; i++) {
        if (compile->options->items[i]->type != &orm_criteria_type) continue;
        CriteriaOption *option = (CriteriaOption *)compile->options->items[i];
        if (!criterion_matches(option, entity) || (propagating && !option->propagate)) continue;
        Value *criterion = option->criterion;
        if (value_is(criterion, VALUE_FUNCTION)) {
            Value *cls = entity_value(ev, entity);
            criterion = value_call_with(ev, criterion, &cls, 1, NULL);
        }
        Element *element = criterion ? element_coerce(ev, criterion, COERCE_WHERE, NULL) : NULL;
        if (!element) return false;
        element = element_rewrite(ev, element, mark_criterion, option);
        element_list_push(ev, out, entity_adapt(ev, entity, element));
    }
    return true;
}

static bool compile_add_criteria(Compile *compile) {
    Evaluator *ev = compile->ev;
    for (int i = 0; i < compile->criteria_count; i++) {
        Entity *entity = compile->criteria_entities[i];
        bool skip = false;
        for (int j = 0; j < i; j++) skip |= compile->criteria_entities[j] == entity;
        for (int j = 0; j < compile->join_entity_count; j++) skip |= compile->join_entities[j] == entity;
        if (skip) continue;
        if (!compile_criteria(compile, entity, false, &compile->where)) return false;
        Element *single = mapper_single_criterion(ev, entity->mapper);
        if (evaluator_error_pending(ev)) return false;
        if (single) element_list_push(ev, &compile->where, entity_adapt(ev, entity, single));
    }
    return true;
}

/* ---- columns ---- */

void compile_append(Compile *compile, ElementList *columns, Element *column) {
    for (int i = 0; i < compile->primary.count; i++)
        if (compile->primary.items[i] == column) return;
    for (int i = 0; i < compile->secondary.count; i++)
        if (compile->secondary.items[i] == column) return;
    element_list_push(compile->ev, columns, column);
}

static void compile_note_criteria(Compile *compile, Entity *entity) {
    ARENA_PUSH(compile->arena, compile->criteria_entities, compile->criteria_count, compile->criteria_capacity) =
        entity;
}

static void compile_column(Compile *compile, Element *element, Entity *entity) {
    Evaluator *ev = compile->ev;
    Element *plain = element->entity && element->original ? element->original : element;
    bool labels = compile->given->head.label_style != LABEL_NONE;
    if (plain != element && labels && plain->kind != EL_COLUMN && plain->kind != EL_LABEL)
        plain = element_label(ev, plain, name_from(element->entity_key->text));
    if (entity) {
        compile_note_criteria(compile, entity);
        ElementList froms = {0};
        element_froms(ev, plain, &froms);
        bool shared = false;
        for (int i = 0; i < froms.count; i++) shared |= from_overlaps(ev, entity->selectable, froms.items[i]);
        if (shared) element_list_push(ev, &compile->fallback_from, entity->selectable);
    }
    element_list_push(ev, &compile->primary, plain);
}

static bool compile_columns(Compile *compile, RowPlan *plan) {
    Evaluator *ev = compile->ev;
    for (int i = 0; i < compile->entity_count; i++) {
        QueryEntity *entity = compile->entities[i];
        RowItem item = {.position = compile->primary.count, .column = entity->element, .width = 1};
        if (entity->kind == QUERY_ENTITY_MAPPER) {
            compile_note_criteria(compile, entity->entity);
            entity->plan = ARENA_NEW(compile->arena, EntityPlan);
            entity->plan->entity = entity->entity;
            entity->plan->mapper = entity->entity->mapper;
            if (compile->start) {
                entity->plan->path = compile->start->path;
                entity->plan->depth = compile->start->depth;
                entity->plan->only = compile->start->only;
            }
            if (!compile_setup_entity(compile, entity, entity->plan, &compile->primary, NULL, false)) return false;
            element_list_push(ev, &compile->fallback_from, entity->selectable);
            item.kind = ROW_ENTITY;
            item.plan = entity->plan;
            item.name = entity->entity->name;
        } else if (entity->kind == QUERY_ENTITY_BUNDLE) {
            item.kind = ROW_BUNDLE;
            Value *value = ((OrmElement *)entity->element)->value;
            item.bundle = value && value->type == &orm_bundle_type ? (BundleValue *)value : NULL;
            item.width = entity->element->count;
            item.name = item.bundle ? item.bundle->name : entity->element->name.text;
            for (int j = 0; j < entity->element->count; j++)
                compile_column(compile, entity->element->children[j], column_entity(entity->element->children[j]));
        } else {
            item.kind = ROW_COLUMN;
            item.name = entity->element->name.text;
            compile_column(compile, entity->element, entity->entity);
        }
        if (plan) ARENA_PUSH(compile->arena, plan->items, plan->count, plan->capacity) = item;
    }
    return true;
}

/* ---- the statement ---- */

static Element *strip_order(Evaluator *ev, Element *element, void *data) {
    (void)data;
    (void)ev;
    if (element->kind == EL_ORM && element->count == 1) return element->children[0];
    return NULL;
}

static void spread_bundles(Compile *compile, const ElementList *from, ElementList *out) {
    for (int i = 0; i < from->count; i++) {
        Element *element = from->items[i];
        if (element->kind == EL_ORM)
            for (int j = 0; j < element->count; j++) element_list_push(compile->ev, out, element->children[j]);
        else element_list_push(compile->ev, out, element_rewrite(compile->ev, element, strip_order, NULL));
    }
}

static void list_append_all(Evaluator *ev, ElementList *out, const ElementList *from) {
    for (int i = 0; i < from->count; i++) element_list_push(ev, out, from->items[i]);
}

/* Of the options only criteria have a meaning below. */
static void compile_keep_criteria(Compile *compile, Select *select) {
    Executable *head = &select->head.head;
    int count = compile->options ? compile->options->count : 0;
    head->options = ARENA_ARRAY(compile->arena, Value *, count + 1);
    head->option_count = 0;
    for (int i = 0; i < count; i++)
        if (orm_option_is_criteria(compile->options->items[i]))
            head->options[head->option_count++] = compile->options->items[i];
    head->option_capacity = count + 1;
}

static Select *compile_base(Compile *compile) {
    Select *select = select_copy(compile->ev, compile->given);
    select->columns = select->from = select->where = (ElementList){0};
    select->joins = NULL;
    select->join_count = select->join_capacity = 0;
    select->head.head.orm_state = select; /* it is plain now */
    compile_keep_criteria(compile, select);
    select->head.order_by = select->head.group_by = (ElementList){0};
    spread_bundles(compile, &compile->given->head.group_by, &select->head.group_by);
    list_append_all(compile->ev, &select->where, &compile->where);
    return select;
}

static Element *correlated_from(Evaluator *ev, Element *element) {
    (void)ev;
    return element->kind == EL_ENTITY ? element->entity->selectable : element;
}

static void compile_correlations(Compile *compile, Select *select) {
    ElementList *lists[2] = {&select->correlate, &select->correlate_except};
    for (int i = 0; i < 2; i++) {
        ElementList plain = {0};
        for (int j = 0; j < lists[i]->count; j++)
            element_list_push(compile->ev, &plain, correlated_from(compile->ev, lists[i]->items[j]));
        *lists[i] = plain;
    }
}

static Element *compile_simple(Compile *compile) {
    Select *select = compile_base(compile);
    list_append_all(compile->ev, &select->columns, &compile->primary);
    list_append_all(compile->ev, &select->columns, &compile->secondary);
    list_append_all(compile->ev, &select->from, &compile->from);
    for (int i = 0; i < compile->eager_count; i++) {
        EagerJoin *eager = &compile->eager[i];
        assert(eager->from_index < select->from.count);
        if (eager->from_index >= 0) select->from.items[eager->from_index] = eager->join;
        else element_list_push(compile->ev, &select->from, eager->join);
    }
    list_append_all(compile->ev, &select->head.order_by, &compile->order_by);
    list_append_all(compile->ev, &select->head.order_by, &compile->eager_order_by);
    compile_correlations(compile, select);
    return &select->head.head.base;
}

typedef struct Splice {
    Element *from, *to;
    Element *inner;
    ElementList extras; /* expressions of ORDER BY that the subquery selects too */
    int first_extra;
} Splice;

static Element *splice_replace(Evaluator *ev, Element *element, void *data) {
    Splice *splice = data;
    if (element == splice->from) return splice->to;
    for (int i = 0; i < splice->extras.count; i++)
        if (splice->extras.items[i] == element) return from_columns(ev, splice->inner)->items[splice->first_extra + i];
    if (element->kind == EL_COLUMN) {
        Element *found = from_corresponding(ev, splice->inner, element);
        return found && found != element && column_descends(found, element, 0) ? found : NULL;
    }
    return NULL;
}

/* The join tower of eager loads on top of the subquery instead of the entity's own FROM clause. */
static Element *splice_join(Evaluator *ev, Element *join, Splice *splice) {
    if (join == splice->from || join->kind != EL_JOIN) return splice->to;
    Element *left = splice_join(ev, join->children[0], splice);
    Element *on = element_rewrite(ev, join->children[2], splice_replace, splice);
    return element_join(ev, left, join->children[1], on, FROM(join)->outer, FROM(join)->full);
}

static Element *unwrap_order(Element *element) {
    for (;;) {
        bool modified = element->kind == EL_UNARY && OPERATOR(element)->modifier.id != SA_NONE && element->count == 1;
        if (element->kind != EL_LABEL_REFERENCE && !modified) return element;
        element = element->children[0];
    }
}

static Element *strip_label_reference(Evaluator *ev, Element *element, void *data) {
    (void)ev;
    (void)data;
    return element->kind == EL_LABEL_REFERENCE ? element->children[0] : NULL;
}

static Element *compile_compound(Compile *compile) {
    Evaluator *ev = compile->ev;
    Select *inner = compile_base(compile);
    list_append_all(ev, &inner->columns, &compile->primary);
    ElementList extras = {0};
    for (int i = 0; i < compile->order_by.count; i++) {
        Element *element = unwrap_order(compile->order_by.items[i]);
        Element *plain = element->entity && element->original ? element->original : element;
        if (plain->kind == EL_TEXT || plain->kind == EL_TEXT_LABEL_REFERENCE || list_has(&inner->columns, plain))
            continue;
        element_list_push(ev, &inner->columns, plain);
        element_list_push(ev, &extras, element);
    }
    list_append_all(ev, &inner->from, &compile->from);
    list_append_all(ev, &inner->head.order_by, &compile->order_by);
    compile_correlations(compile, inner);
    Element *alias = element_subquery(ev, &inner->head.head.base, (Name){0});
    Select *outer = select_new(ev);
    outer->head.head.orm_state = outer;
    compile_keep_criteria(compile, outer);
    outer->head.label_style = compile->given->head.label_style;
    list_append_all(ev, &outer->columns, from_columns(ev, alias));
    list_append_all(ev, &outer->columns, &compile->secondary);
    if (inner->head.for_update.active && !inner->head.for_update.has_of)
        outer->head.for_update = inner->head.for_update;
    Element *from = alias;
    Splice splice = {NULL, alias, alias, extras, compile->primary.count};
    for (int i = 0; i < compile->eager_count; i++) {
        splice.from = compile->eager[i].stop_on;
        splice.to = from;
        from = splice_join(ev, compile->eager[i].join, &splice);
    }
    element_list_push(ev, &outer->from, from);
    for (int i = 0; i < compile->order_by.count; i++) {
        Element *element = element_rewrite(ev, compile->order_by.items[i], strip_label_reference, NULL);
        splice.from = NULL;
        element_list_push(ev, &outer->head.order_by, element_rewrite(ev, element, splice_replace, &splice));
    }
    list_append_all(ev, &outer->head.order_by, &compile->eager_order_by);
    return &outer->head.head.base;
}

/* order_by("name") never means a column of a joined eager load. */
static Element *resolve_text_label(Evaluator *ev, Element *element, void *data) {
    const Compile *compile = data;
    if (element->kind != EL_TEXT_LABEL_REFERENCE) return NULL;
    for (int i = 0; i < compile->primary.count; i++)
        if (slice_equals(compile->primary.items[i]->name.text, element->name.text)) return NULL;
    for (int i = compile->from.count - 1; i >= 0; i--) {
        Element *found = from_column(ev, compile->from.items[i], element->name.text);
        if (found) return found;
        const ElementList *columns = from_columns(ev, compile->from.items[i]);
        for (int j = 0; j < columns->count; j++)
            if (slice_equals(columns->items[j]->name.text, element->name.text)) return columns->items[j];
    }
    return NULL;
}

static void resolve_text_labels(Compile *compile) {
    for (int i = 0; i < compile->order_by.count; i++)
        compile->order_by.items[i] =
            element_rewrite(compile->ev, compile->order_by.items[i], resolve_text_label, compile);
}

static bool should_nest(const Select *select) {
    return select->head.limit || select->head.offset || select->distinct || select->distinct_on.count ||
           select->head.group_by.count;
}

/* ---- positions of the loaded columns in a row ---- */

static int position_of(const Compile *compile, const Element *column, int extra) {
    for (int i = 0; i < compile->primary.count; i++)
        if (compile->primary.items[i] == column) return i;
    for (int i = 0; i < compile->secondary.count; i++)
        if (compile->secondary.items[i] == column) return compile->primary.count + extra + i;
    return -1;
}

static void plan_positions(const Compile *compile, EntityPlan *plan, int extra, int depth) {
    for (int i = 0; i < plan->column_count; i++)
        plan->columns[i].position = position_of(compile, plan->columns[i].column, extra);
    for (int i = 0; i < plan->eager_count && depth < 40; i++)
        if (plan->eager[i].plan) plan_positions(compile, plan->eager[i].plan, extra, depth + 1);
}

static bool compile_match_options(Compile *compile) {
    if (compile->start) return true;
    Entity **entities = ARENA_ARRAY(compile->arena, Entity *, compile->entity_count + 1);
    int count = 0;
    for (int i = 0; i < compile->entity_count; i++)
        if (compile->entities[i]->kind == QUERY_ENTITY_MAPPER) entities[count++] = compile->entities[i]->entity;
    return options_match(compile->ev, compile->options, compile->given->early_options, entities, count,
                         compile->given->head.head.base.node);
}

Element *orm_compile_select(Evaluator *ev, Select *select, bool nested, RowPlan *plan, const EntityPlan *start) {
    if (!mappers_configure(ev)) return NULL;
    Compile compile = {.ev = ev, .arena = evaluator_arena(ev), .given = select, .nested = nested, .start = start};
    compile.options = statement_options(ev, &select->head.head.base);
    if (!options_agree(ev, compile.options, select->head.head.base.node)) return NULL;
    list_append_all(ev, &compile.where, &select->where);
    compile_read_columns(&compile);
    if (!compile_match_options(&compile)) return NULL;
    for (int i = 0; i < select->join_count; i++)
        if (!compile_join(&compile, &select->joins[i])) return NULL;
    spread_bundles(&compile, &select->head.order_by, &compile.order_by);
    adapt_auto_aliases(&compile, &compile.where);
    adapt_auto_aliases(&compile, &compile.order_by);
    if (!compile_columns(&compile, plan) || !compile_eager_joins(&compile) || !compile_add_criteria(&compile))
        return NULL;
    if (!compile.from.count) compile.from = compile.fallback_from;
    if (compile.secondary.count) resolve_text_labels(&compile);
    bool compound = compile.multi_row_eager && compile.pending_count && should_nest(select);
    Element *made = compound ? compile_compound(&compile) : compile_simple(&compile);
    if (!made) return NULL;
    if (plan) {
        int width = SELECT(made)->columns.count;
        int extra = width - compile.primary.count - compile.secondary.count;
        for (int i = 0; i < plan->count; i++)
            if (plan->items[i].plan) plan_positions(&compile, plan->items[i].plan, extra, 0);
        plan->width = width;
    }
    return made;
}
