/*
 * The ORM half of SQLAlchemy: mappers, entities, relationships and loader options.
 * Core meets it only through orm.h.
 *
 * A Mapper belongs to a class (Class.native). An Entity is what stands in a query: a mapper, or an alias of one; a
 * column element of the ORM names its entity and property (Element.entity, Element.entity_key).
 * Invariants: mappers are complete (relationships resolved) before a statement is prepared: see mappers_configure.
 * Example: User.posts -> AttributeValue{entity User, property posts}; User.id -> COLUMN users.id with entity User.
 */
#ifndef ORMC_SQLALCHEMY_MAPPER_H
#define ORMC_SQLALCHEMY_MAPPER_H

#include "compiler/sqlalchemy/orm_annotation.h"
#include "compiler/sqlalchemy/sqlalchemy.h"

typedef struct Mapper Mapper;
typedef struct Entity Entity;
typedef struct Property Property;
typedef struct Relationship Relationship;
typedef struct Registry Registry;
typedef struct LoadOption LoadOption;
typedef struct OrmInstance OrmInstance;
typedef struct Session Session;

/* ---- mappers ---- */

struct Registry {
    Instance head;
    MetaData *metadata;
    AtomMap classes; /* name -> Class*, for string arguments */
    DictValue *type_map;
};

typedef enum PropertyKind { PROPERTY_COLUMN, PROPERTY_RELATIONSHIP, PROPERTY_SYNONYM, PROPERTY_COMPOSITE } PropertyKind;

struct Property {
    PropertyKind kind;
    Atom key;
    Mapper *parent;
    ElementList columns; /* COLUMN: of the most derived table first; or one SQL expression */
    bool deferred, raise_on_load, is_expression, query_expression;
    Atom deferred_group;
    Relationship *relationship;
    Atom target;      /* SYNONYM */
    Class *composite; /* COMPOSITE */
    Atom *composite_keys;
    int composite_count;
};

struct Mapper {
    Class *cls;
    Entity *entity;
    Registry *registry;
    Mapper *inherits, *base;
    Mapper **subs; /* direct ones, in order */
    int sub_count, sub_capacity;
    int number;     /* order of definition */
    int seen_names; /* of the class's namespace: what is newer was assigned after the class statement */
    bool single, concrete, configured;
    Element *local_table;
    Element *persist_selectable; /* table, or JOIN of tables */
    ElementList tables;          /* from the base's to its own */
    ElementList primary_key;     /* columns of the base table */
    AtomMap properties;          /* Atom -> Property*, in order */
    AtomMap descriptors;         /* hybrids, association proxies: Atom -> Value* */
    Element *polymorphic_on;
    Value *polymorphic_identity;
    Mapper **with_polymorphic;
    int with_polymorphic_count;
    Element *with_polymorphic_selectable;
    Value *with_polymorphic_argument;
    bool load_inline;   /* polymorphic_load="inline": what the mapper above loads too */
    bool load_selectin; /* polymorphic_load="selectin": what a further statement loads */
    Element *version_column, *inherit_condition;
    bool version_server_side, polymorphic_abstract;
    int eager_defaults; /* -1: "auto" */
    bool is_dataclass;
    Atom *init_order; /* MappedAsDataclass: parameters of __init__ */
    int init_count;
    AtomMap init_defaults;
    ElementList order_by;
};

typedef enum Direction { ONE_TO_MANY, MANY_TO_ONE, MANY_TO_MANY } Direction;
typedef enum LazyKind {
    LAZY_SELECT,
    LAZY_JOINED,
    LAZY_SELECTIN,
    LAZY_SUBQUERY,
    LAZY_IMMEDIATE,
    LAZY_RAISE,
    LAZY_NOLOAD,
    LAZY_DYNAMIC,
    LAZY_WRITE_ONLY
} LazyKind;

typedef struct ColumnPair {
    Element *from, *to;
} ColumnPair;
typedef struct ColumnPairs {
    ColumnPair *items;
    int count, capacity;
} ColumnPairs;

struct Relationship {
    Instance head; /* relationship(…) as a Python value */
    Property *property;
    Mapper *parent;
    Mapper *target;
    Entity *target_entity; /* aliased class as argument, else the mapper's */
    /* as given */
    Value *argument, *secondary_given, *primaryjoin_given, *secondaryjoin_given, *foreign_keys_given,
        *remote_side_given, *order_by_given, *backref;
    TypeExpr *annotation;
    Class *defined_on;
    const Node *node;
    Atom back_populates;
    int uselist;   /* -1: not said */
    int innerjoin; /* 2: "unnested" */
    bool viewonly, post_update, passive_deletes, passive_deletes_all, configured, configuring, init;
    bool cascade_save_update, cascade_delete, cascade_delete_orphan, cascade_merge;
    LazyKind lazy;
    int join_depth; /* 0: not said */
    /* resolved */
    Element *secondary, *primaryjoin, *secondaryjoin;
    ElementList order_by, remote, foreign;
    Direction direction;
    ColumnPairs pairs;           /* local -> remote of primaryjoin (local_remote_pairs) */
    ColumnPairs sync;            /* source -> foreign key column, of primaryjoin */
    ColumnPairs secondary_pairs; /* target's column -> secondary's column */
    Relationship *reverse;
};

struct Entity {
    Mapper *mapper;
    Element *selectable;
    Element *element; /* the ENTITY element that stands for it */
    bool is_alias, adapt_on_names, is_polymorphic;
    bool is_eager;      /* an alias that a joined load made: its unnamed labels are not shared */
    Entity *of;         /* sub-entity of a with_polymorphic() one */
    Entity *adapt_from; /* aliased(aliased(X), subquery): whose columns the subquery holds */
    Mapper **poly;      /* mappers whose columns belong to it */
    Entity **subs;
    int poly_count;
    Slice name;
};

/* A mapped attribute that is no column: relationship, composite, synonym of one; User.posts, with of_type/and_. */
typedef struct AttributeValue {
    Instance head;
    Entity *entity;
    Property *property;
    Entity *of_type;
    ElementList criteria; /* .and_(…) */
} AttributeValue;

typedef struct BundleValue {
    Instance head;
    Slice name;
    ElementList items;
} BundleValue;

/* mapped_column(…), column_property(…), synonym(…), composite(…) before they are mapped */
typedef struct MappedColumn {
    Instance head;
    PropertyKind kind;
    Element *column;     /* MappedColumn, column_property of a column */
    ElementList columns; /* column_property */
    bool typed, use_existing, is_expression, deferred, raise_on_load, query_expression;
    Atom group;
    int sort_order;
    Value *insert_default;
    Value *dataclass_default, *default_factory, *dataclass_init;
    bool kw_only;
    Atom target; /* synonym */
    Class *composite_class;
    Atom *composite_keys;
    int composite_count;
    Value **composite_items;
    TypeExpr *annotation;
} MappedColumn;

/* @validates("a", "b"): the method that what is assigned goes through. */
typedef struct Validator {
    Value *function;
    ListValue *names;
} Validator;

typedef struct OrmState {
    Class *declarative_root, *declarative_base, *declarative_base_no_meta, *as_dataclass, *registry, *relationship,
        *mapped_column, *attribute, *aliased, *bundle, *load_option, *session, *async_session, *session_maker,
        *async_maker, *engine, *connection, *result, *collection, *query, *hybrid, *proxy, *declared_attr,
        *mapper_class, *scoped, *transaction, *inspection, *criteria, *sqlmodel, *row, *sqlmodel_field;
    Mapper **mappers;
    int mapper_count, mapper_capacity;
    bool unconfigured;
    Session *free_session;
    Validator *validators;
    int validator_count, validator_capacity;
} OrmState;

OrmState *orm_state(Evaluator *ev);
Atom orm_atom(Evaluator *ev, const char *text);

/* orm_mapper.c */
Mapper *mapper_of_class(const Class *cls); /* NULL: not mapped */
typedef struct MapperSpec {
    Class *cls;
    Registry *registry;
    Element *table; /* NULL: that of `inherits` */
    Mapper *inherits;
    DictValue *arguments; /* __mapper_args__ or keywords of map_imperatively; may be NULL */
    AtomMap properties;   /* explicit ones: Atom -> Value* */
    ElementList declared; /* columns that the class itself brings */
    const Node *site;
} MapperSpec;
Mapper *mapper_new(Evaluator *ev, const MapperSpec *spec);
Property *mapper_property(const Mapper *mapper, Atom key);
Property *mapper_property_of(const Mapper *mapper, const Element *column);
bool mapper_is_a(const Mapper *mapper, const Mapper *base);
bool mapper_add_property(Evaluator *ev, Mapper *mapper, Atom key, Value *value, const Node *site);
Entity *mapper_entity(Evaluator *ev, Mapper *mapper);
/* Base first, then the subclasses in order of definition. */
void mapper_self_and_subs(Evaluator *ev, Mapper *mapper, Mapper ***out, int *count, int *capacity);
Element *mapper_inherit_condition(Evaluator *ev, Mapper *mapper);
/* The join of tables that loads the given submappers too (outer joins unless innerjoin). */
Element *mapper_polymorphic_join(Evaluator *ev, Mapper *mapper, Mapper *const *poly, int count, bool inner);
/* `type IN (…)` of single-table inheritance; NULL: none. */
Element *mapper_single_criterion(Evaluator *ev, Mapper *mapper);
bool list_has(const ElementList *list, const Element *element); /* by identity, annotations aside */

/* orm_relationship.c */
Relationship *relationship_new(Evaluator *ev, const Arguments *arguments);
bool relationship_configure(Evaluator *ev, Relationship *relationship);
bool mappers_configure(Evaluator *ev);
/* The ON clause (and secondary's alias) of a join along a relationship between two selectables. */
typedef struct JoinTargets {
    Element *primary, *secondary_on, *secondary;
} JoinTargets;
bool relationship_join(Evaluator *ev, Relationship *relationship, Entity *left, Entity *right, bool alias_secondary,
                       const ElementList *criteria, JoinTargets *out);
/* A criterion of any() or has() under the aliases of its EXISTS. */
Element *relationship_adapt_criterion(Evaluator *ev, Relationship *relationship, const Entity *left,
                                      const Entity *right, Element *secondary, Element *criterion);

/* orm_entity.c */
Entity *entity_of_value(Evaluator *ev, Value *value);
Element *entity_element(Evaluator *ev, Entity *entity);
Entity *entity_alias(Evaluator *ev, Mapper *mapper, Element *selectable, Slice name, bool flat);
Entity *entity_polymorphic(Evaluator *ev, Mapper *mapper, Mapper **poly, int count, Element *selectable, bool aliased,
                           bool flat, bool inner);
Element *entity_column(Evaluator *ev, Entity *entity, Property *property); /* annotated; NULL: no column */
Element *entity_adapt(Evaluator *ev, Entity *entity, Element *element);
Value *entity_attribute(Evaluator *ev, Entity *entity, Atom name, const Node *site);
Value *orm_class_attribute(Evaluator *ev, Class *cls, Atom name, const Node *site);
AttributeValue *attribute_new(Evaluator *ev, Entity *entity, Property *property);
AttributeValue *value_as_attribute(Value *value);
/* orm_attribute.c */
Value *composite_part(Evaluator *ev, const Property *property, Value *value, int n, const Node *site);
/* EXISTS over the relationship's target; `arguments` for the criteria given by name. */
Element *attribute_exists(Evaluator *ev, AttributeValue *attribute, Value *criterion, const Arguments *arguments);
/* orm_entity.c */
void properties_of_entity(Evaluator *ev, Entity *entity, Property ***out, int *count);
extern const Type orm_attribute_type, orm_aliased_type, orm_relationship_type, orm_mapped_column_type;

/* orm_declarative.c */
bool declarative_map(Evaluator *ev, Class *cls, Registry *registry, Element *table, bool unmapped_allowed);
/* orm_registry.c */
Registry *registry_of_class(Evaluator *ev, Class *cls);
Registry *registry_new(Evaluator *ev, MetaData *metadata);
/* orm_columns.c */
MappedColumn *mapped_column_new(Evaluator *ev, const Arguments *arguments, const char *function);
/* orm_registry.c */
void declarative_define(Evaluator *ev, ModuleValue *module);
/* orm_columns.c */
void columns_define(Evaluator *ev, ModuleValue *module);
/* The type that an annotation stands for in this registry; NULL without an error: none. */
SaType *annotation_type(Evaluator *ev, Class *cls, Registry *registry, TypeExpr *expr);
Value *annotation_value(Evaluator *ev, Class *cls, const TypeExpr *expr);

/* ---- loader options ---- */

typedef enum LoadKind {
    LOAD_JOINED,
    LOAD_SELECTIN,
    LOAD_SUBQUERY,
    LOAD_IMMEDIATE,
    LOAD_LAZY,
    LOAD_RAISE,
    LOAD_NOLOAD,
    LOAD_CONTAINS,
    LOAD_DEFAULT,
    LOAD_ONLY,
    LOAD_DEFER,
    LOAD_UNDEFER,
    LOAD_UNDEFER_GROUP,
    LOAD_EXPRESSION,
    LOAD_SELECTIN_POLYMORPHIC
} LoadKind;

/* One step of an option: selectinload(A.b).joinedload(B.c) is two with `path` of one and two relationships. */
typedef struct LoadStep {
    LoadKind kind;
    Entity *root;
    AttributeValue **path; /* relationships from the root */
    int depth;
    bool wildcard;      /* "*" */
    Property **columns; /* load_only, defer, undefer */
    int column_count;
    Atom group;
    int innerjoin; /* -1: not said; 2: "unnested" */
    Entity *alias; /* contains_eager(alias=…) */
    Element *expression;
    bool raise;
    int recursion_depth;
    Mapper **mappers; /* selectin_polymorphic */
    int mapper_count;
} LoadStep;
struct LoadOption {
    Instance head;
    Entity *root;
    AttributeValue **path;
    int depth;
    LoadStep **steps;
    int count, capacity;
};
/* with_loader_criteria(entity, criterion) */
typedef struct CriteriaOption {
    Instance head;
    Entity *entity;
    Class *cls;       /* of a mixin */
    Value *criterion; /* element or lambda */
    bool include_aliases, propagate;
} CriteriaOption;
typedef struct OrmOptions { /* Executable.options */
    Value **items;
    int count, capacity;
} OrmOptions;

void options_define(Evaluator *ev, ModuleValue *module);
OrmOptions *statement_options(Evaluator *ev, const Element *statement);
/* False: two options say different things of one attribute, and that was raised. */
bool options_match(Evaluator *ev, const OrmOptions *options, int first, Entity *const *entities, int count,
                   const Node *site);
bool options_agree(Evaluator *ev, const OrmOptions *options, const Node *site);
Element *statement_with_options(Evaluator *ev, Element *statement, Value *const *options, int count);

/* ---- compiling statements ---- */

/* What one row of a prepared select holds. */
typedef enum RowItemKind { ROW_ENTITY, ROW_COLUMN, ROW_BUNDLE } RowItemKind;
typedef struct LoadedColumn {
    Property *property;
    Element *column;
    int position; /* in the statement's columns */
} LoadedColumn;
/* How an entity, or an eagerly joined one, is read from rows. */
/* A further statement of an entity: what `mapper` has and `above` has not, of instances of `applies`. */
typedef struct PolymorphicLoad {
    Mapper *mapper, *above, *applies;
    bool nearest; /* polymorphic_load: an instance of a mapper below that has a load of its own is not of this one */
} PolymorphicLoad;
typedef struct EntityPlan {
    Entity *entity;
    Mapper *mapper;
    LoadedColumn *columns;
    int column_count, column_capacity;
    struct EagerPlan *eager;
    int eager_count, eager_capacity;
    AttributeValue **path; /* from the root */
    int depth;
    const ListValue *only; /* of a refresh: names of the attributes to load; NULL: all */
    PolymorphicLoad *loads;
    int load_count, load_capacity;
    bool loads_known;
} EntityPlan;
typedef struct EagerPlan {
    Relationship *relationship;
    EntityPlan *plan; /* JOINED, CONTAINS */
    LoadKind kind;
    LoadStep *step;
    Entity *effective;
} EagerPlan;
typedef struct RowItem {
    RowItemKind kind;
    EntityPlan *plan;
    Element *column;
    int position, width;
    Slice name;
    BundleValue *bundle;
} RowItem;
typedef struct RowPlan {
    RowItem *items;
    int count, capacity;
    int width; /* columns of the statement */
} RowPlan;

/* Does a select name an entity or a mapped attribute? */
bool orm_select_mentions(const Select *select);
/* The plain statement of an ORM select with its joined eager loads. `plan` may be NULL; `start`: the path at which its
 * entity stands (a further statement of eager loading), or NULL. */
Element *orm_compile_select(Evaluator *ev, Select *select, bool nested, RowPlan *plan, const EntityPlan *start);

#endif
