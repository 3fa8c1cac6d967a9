/*
 * Sessions, mapped instances, results, engines and the legacy Query: the running side of the ORM half.
 *
 * An OrmInstance holds its loaded attributes as ordinary Python attributes. What came from rows that are not there is
 * an unknown whose `origin` (RowOrigin) says from which statement and column; it becomes a parameter "from rows".
 * Invariants: an attribute that is in `committed` has changed since the last flush (its old value stands there); an
 * attribute that is in neither map is not loaded.
 */
#ifndef ORMC_SQLALCHEMY_SESSION_H
#define ORMC_SQLALCHEMY_SESSION_H

#include "compiler/sqlalchemy/mapper.h"

typedef enum InstanceStatus {
    INSTANCE_TRANSIENT,
    INSTANCE_PENDING,
    INSTANCE_PERSISTENT,
    INSTANCE_DELETED,
    INSTANCE_DETACHED
} InstanceStatus;

struct OrmInstance {
    Instance head;
    Mapper *mapper;
    Session *session;
    InstanceStatus status;
    bool marked_deleted; /* session.delete() */
    bool expired;        /* what is not in `attributes` is reloaded at once */
    bool partial;        /* some rows-to-be: attributes are unknown but thought of as loaded (a parameter) */
    bool repeated;       /* stands for any number of instances: added in a loop over unknown rows */
    int order;           /* of session.add() */
    AtomMap committed;
    Value **identity; /* values of the primary key; NULL: none yet */
    EntityPlan *plan; /* how it was loaded */
    OrmOptions *options;
    ListValue *expired_names; /* attributes that session.expire() named: loaded again together; NULL: none */
    Slice text;               /* of an instance that came from outside: "user" */
};

struct Session {
    Instance head;
    bool is_async, autoflush, expire_on_commit, began, sync_inside, flushing;
    ListValue *instances; /* all that belong to it */
    int next_order;
    int begin_depth;
    ListValue *updated, *inserted; /* within the innermost savepoint; NULL: there is none */
};

typedef struct CollectionValue {
    ListValue list; /* known items; `open`: further unknown ones */
    OrmInstance *owner;
    Relationship *relationship;
    Value *element; /* stands for each unknown item */
    ListValue *added, *removed;
    bool pending_only; /* the rows it has in the database are not loaded */
} CollectionValue;

typedef struct RowValue {
    Instance head;
    ListValue *items;
    Slice *names;
    int count;
} RowValue;

typedef enum ResultShape { RESULT_ROWS, RESULT_SCALARS, RESULT_MAPPINGS } ResultShape;
typedef struct ResultValue {
    Instance head;
    ResultShape shape;
    ListValue *rows;                     /* RowValues; NULL: not known */
    RowValue *sample;                    /* what an unknown row looks like */
    int column;                          /* of SCALARS */
    bool unique, is_async, single_items; /* single_items: legacy Query rows of one entity */
    bool *closed;                        /* shared with what scalars() and the like make of it */
    int64_t rowcount;                    /* -1: not known */
    ListValue *inserted_key;
    const Node *site;
    Slice *names;
    int name_count;
} ResultValue;

/* ---- row values ---- */
typedef struct RowOrigin {
    int execution, statement;
    Slice column;
    bool expand;
} RowOrigin;
Value *row_value(Evaluator *ev, int statement, Slice column, bool expand, Slice text, const Node *site);

/* orm_instance.c */
extern const Type orm_instance_type, orm_collection_type;
extern const NativeMethod orm_instance_methods[];
Value *orm_instance_create(Evaluator *ev, Class *cls, const Arguments *arguments);
Value *orm_unknown_instance(Evaluator *ev, Class *cls, Slice text, const Node *node);
Value *orm_descriptor(Evaluator *ev, Atom key);
void orm_adopt_class(Evaluator *ev, Class *cls);
OrmInstance *value_as_instance(Value *value);
OrmInstance *instance_new(Evaluator *ev, Mapper *mapper);
Value *instance_attribute(Evaluator *ev, OrmInstance *instance, Atom key, const Node *site);
void instance_load(Evaluator *ev, OrmInstance *instance, Atom key, Value *value); /* as from rows */
bool instance_is_modified(const OrmInstance *instance);
CollectionValue *collection_new(Evaluator *ev, OrmInstance *owner, Relationship *relationship);
void instance_cascade_add(Evaluator *ev, Session *session, OrmInstance *instance, int depth);
/* orm_query.c */
/* lazy="dynamic" and "write_only": a query over the collection. */
Value *dynamic_collection(Evaluator *ev, OrmInstance *owner, Relationship *relationship, const Node *site);
/* orm_instance.c */
void instances_define(Evaluator *ev, ModuleValue *module);

/* orm_load.c */
Value *orm_run_select(Evaluator *ev, Session *session, Element *statement, const Node *site, ResultValue *out,
                      OrmInstance *refresh, const ListValue *only, const EntityPlan *start);
/* How get() and refresh() read: all may be left out. */
typedef struct ReadOptions {
    OrmOptions *options;
    Value *lock;   /* with_for_update: True, or a dictionary of what .with_for_update() takes */
    bool populate; /* populate_existing */
} ReadOptions;
Value *session_get_instance(Evaluator *ev, Session *session, Entity *entity, Value *identity, const ReadOptions *read,
                            const Node *site);
bool orm_instance_refresh(Evaluator *ev, OrmInstance *instance, const ListValue *only, bool plain_labels, Value *lock,
                          const Node *site);
Value *instance_lazy_load(Evaluator *ev, OrmInstance *instance, Property *property, const Node *site);

/* orm_flush.c */
bool session_flush(Evaluator *ev, Session *session, const Node *site);
bool session_autoflush(Evaluator *ev, Session *session, const Node *site);

/* orm_session.c */
Session *session_new(Evaluator *ev, bool is_async);
void session_attach(Evaluator *ev, Session *session, OrmInstance *instance);
void session_begin(Evaluator *ev, Session *session, const Node *site);
/* orm_execute.c */
Value *session_execute_statement(Evaluator *ev, Session *session, Value *statement, Value *parameters, Value *options,
                                 const Node *site);
/* orm_session.c */
bool orm_emit_plain(Evaluator *ev, StatementKind kind, const char *text, const Node *site);
OrmInstance *session_instance_argument(Evaluator *ev, const Arguments *arguments);
void sessions_define(Evaluator *ev, ModuleValue *orm, ModuleValue *async_module);

/* orm_merge.c */
void instance_expire(Evaluator *ev, OrmInstance *instance, ListValue *names); /* NULL: every attribute */
Value *session_expire(Evaluator *ev, Value *self, const Arguments *arguments);
Value *session_refresh(Evaluator *ev, Value *self, const Arguments *arguments);
Value *session_merge(Evaluator *ev, Value *self, const Arguments *arguments);

/* orm_result.c */
extern const Type orm_result_type, orm_row_type;
ResultValue *result_new(Evaluator *ev, const Node *site);
Value *result_all(Evaluator *ev, ResultValue *result);
Value *result_first(Evaluator *ev, ResultValue *result, bool scalar);
void results_define(Evaluator *ev, ModuleValue *module);

/* orm_query.c */
extern const Type orm_query_type;
Value *orm_query_new(Evaluator *ev, Session *session, Value *const *items, int count, const Node *site);
Element *query_as_select(Evaluator *ev, Value *query); /* inside of another statement */
Value *orm_class_query(Evaluator *ev, Class *cls, const Node *site);
Value *query_execute(Evaluator *ev, Value *query, const Node *site);
void queries_define(Evaluator *ev, ModuleValue *module);

/* orm_engine.c */
void engines_define(Evaluator *ev, ModuleValue *core, ModuleValue *async_module);

/* orm_hybrid.c */
extern const Type orm_hybrid_type, orm_proxy_type;
Value *hybrid_of_entity(Evaluator *ev, Value *hybrid, Entity *entity, const Node *site);
Value *proxy_of_entity(Evaluator *ev, Value *proxy, Entity *entity, const Node *site);
bool hybrid_set(Evaluator *ev, Value *hybrid, Value *instance, Value *value, const Node *site);
bool proxy_set(Evaluator *ev, Value *proxy, Value *instance, Value *value, const Node *site);
void hybrids_define(Evaluator *ev, ModuleValue *hybrid, ModuleValue *proxy);

/* orm_sqlmodel.c */
extern const Type orm_field_type;
Value *field_as_mapped(Evaluator *ev, Value *field, TypeExpr *annotation);
Value *field_from_default(Evaluator *ev, Value *given, TypeExpr *annotation);
void sqlmodel_setup(Evaluator *ev, ModuleValue *module);

/* orm_flask.c */
void flask_setup(Evaluator *ev, ModuleValue *module);

/* orm_module.c */
extern const Type orm_mapper_type, orm_bundle_type;
Value *orm_mapper_value(Evaluator *ev, Mapper *mapper);
Mapper *orm_value_mapper(const Value *value);
Element *bundle_element(Evaluator *ev, BundleValue *bundle);

/* declarative */
extern const Type orm_declared_attr_type;
/* orm_registry.c */
Value *declared_attr_call(Evaluator *ev, Value *attribute, Class *cls);
const Node *declared_attr_annotation(const Value *attribute);
/* orm_declarative.c */
void mapper_instrument(Evaluator *ev, Mapper *mapper);

/* orm_load.c */
bool relationship_uses_get(const Relationship *relationship); /* many-to-one over the target's primary key */
/* orm_relationship.c */
Element *column_marked(Evaluator *ev, Element *column, Value *remote);
extern const Type orm_load_option_type, orm_criteria_type;
/* orm_attribute.c */
Element *relationship_lazy_clause(Evaluator *ev, Relationship *relationship, Value *instance, Entity *entity,
                                  bool reverse, const Node *site);
Value *instance_column_value(Evaluator *ev, Value *instance, Mapper *mapper, Element *column, const Node *site);
/* orm_entity.c */
Element *entity_plain_column(Evaluator *ev, Entity *entity, Property *property, Element *column);
Value *entity_value(Evaluator *ev, Entity *entity);
bool mapper_configure_polymorphic(Evaluator *ev, Mapper *mapper);
void entities_define(Evaluator *ev, ModuleValue *module);
/* orm_union.c */
void union_define(Evaluator *ev, ModuleValue *module);
/* orm_attribute.c */
void attributes_define(Evaluator *ev, ModuleValue *module);
/* orm_select.c */
Element *orm_join_along(Evaluator *ev, Element *left, AttributeValue *attribute, Entity *right, bool outer, bool full,
                        const ElementList *criteria);
Element *orm_join_on(Evaluator *ev, Element *left, Element *left_subset, Entity *entity, Element *right, Element *on,
                     bool outer, bool full, const ElementList *criteria, const Node *site);

#endif
