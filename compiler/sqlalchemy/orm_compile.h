/*
 * The state of turning one ORM select into a plain one: shared by orm_select.c (entities, joins, criteria) and
 * orm_eager.c (what each entity loads, joined eager loading).
 */
#ifndef ORMC_SQLALCHEMY_ORM_COMPILE_H
#define ORMC_SQLALCHEMY_ORM_COMPILE_H

#include "compiler/sqlalchemy/session.h"

typedef enum QueryEntityKind { QUERY_ENTITY_MAPPER, QUERY_ENTITY_COLUMN, QUERY_ENTITY_BUNDLE } QueryEntityKind;
typedef struct QueryEntity {
    QueryEntityKind kind;
    Entity *entity;      /* of MAPPER; of an ORM column; NULL: a plain column */
    Element *element;    /* column, or the bundle's element */
    Element *selectable; /* FROM clause that it would join from */
    EntityPlan *plan;
} QueryEntity;

/* A joined eager load that waits until all columns are known. */
typedef struct PendingJoin {
    QueryEntity *root;
    Relationship *relationship;
    Entity *parent, *alias;
    LoadStep *step;
    bool inner, chained_from_outer, first_level;
    int innerjoin;
    ElementList criteria;
} PendingJoin;

typedef struct EagerJoin { /* FROM clause that grows; of an index in `from`, or of an entity */
    int from_index;
    QueryEntity *root;
    Element *join;
    Element *stop_on;
} EagerJoin;

typedef struct JoinedEdge {
    Entity *left, *right;
    Property *property;
} JoinedEdge;

typedef struct AutoAlias { /* an entity that a join had to give another name, and its alias */
    Entity *given, *alias;
} AutoAlias;

typedef struct Compile {
    Evaluator *ev;
    Arena *arena;
    Select *given;
    OrmOptions *options;
    bool nested;
    const EntityPlan *start;
    QueryEntity **entities;
    int entity_count, entity_capacity;
    ElementList from, fallback_from;
    ElementList primary, secondary;
    ElementList where, order_by, eager_order_by;
    Entity **criteria_entities, **join_entities;
    int criteria_count, criteria_capacity, join_entity_count, join_entity_capacity;
    JoinedEdge *edges;
    int edge_count, edge_capacity;
    PendingJoin *pending;
    int pending_count, pending_capacity;
    EagerJoin *eager;
    int eager_count, eager_capacity;
    AutoAlias *aliases;
    int alias_count, alias_capacity;
    bool multi_row_eager;
} Compile;

/* What an entity loads: its columns into `columns`, its eager relationships into the plan. */
bool compile_setup_entity(Compile *compile, QueryEntity *root, EntityPlan *plan, ElementList *columns,
                          Entity *parent_alias, bool chained_from_outer);
bool compile_eager_joins(Compile *compile);
/* Unless it stands in one of the lists already. */
void compile_append(Compile *compile, ElementList *columns, Element *column);
/* with_loader_criteria() for this entity; `propagating`: only those that reach loaders. */
bool compile_criteria(Compile *compile, Entity *entity, bool propagating, ElementList *out);
int compile_find_from(Compile *compile, const ElementList *clauses, Element *wanted);
/* The option that speaks about this relationship at this place; NULL: none. */
LoadStep *options_find(const OrmOptions *options, const EntityPlan *plan, Property *property);
/* selectin_polymorphic() at the plan's path; NULL: none. */
LoadStep *options_polymorphic(const OrmOptions *options, const EntityPlan *plan);

#endif
