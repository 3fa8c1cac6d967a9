/*
 * The state of loading one result with all that its eager loads need: shared by orm_load.c (rows, instances) and
 * orm_postload.c (the further statements).
 */
#ifndef ORMC_SQLALCHEMY_ORM_LOAD_H
#define ORMC_SQLALCHEMY_ORM_LOAD_H

#include "compiler/sqlalchemy/orm_compile.h"

typedef struct PostLoad { /* parents whose relationship a further statement loads */
    EntityPlan *plan;
    EagerPlan *eager;
    ListValue *parents;
    int statement;
    const PolymorphicLoad *load; /* of columns of a subclass; `eager` is NULL then */
} PostLoad;

typedef struct Loading {
    Evaluator *ev;
    Session *session;
    StatementList statements;
    const Node *site;
    OrmOptions *options;
    OrmInstance *refresh;
    Value **identity; /* known key of the one instance that is loaded */
    int depth;        /* of the path at which the statement's entity stands */
    bool real, populate_existing, in_subquery;
    PostLoad *posts;
    int post_count, post_capacity;
    int level;
    Element *root;  /* the statement that subquery loads embed */
    int root_depth; /* of the path at which its entity stands */
} Loading;

/* A JSON document as Python sees it; NULL: not JSON. */
Value *json_value(Evaluator *ev, Slice text);

/* False: raised; see orm_check.c. */
bool select_check_aggregates(Evaluator *ev, const Select *select, const Node *site);
int loading_send(Loading *loading, Element *plain, RowSet **set); /* index of the statement, -1: raised */
bool loading_run(Loading *loading, Element *statement, const EntityPlan *start, RowPlan *plan, ResultValue *out);
bool loading_post(Loading *loading);
/* orm_postload.c: the values of `columns` of all parents: known ones, or one unknown list; NULL: raised. */
Value *parent_values(Loading *loading, const ListValue *parents, Mapper *mapper, const ElementList *columns);
/* orm_polymorphic.c */
void polymorphic_plan(Loading *loading, EntityPlan *plan);
bool polymorphic_applies(const EntityPlan *plan, const PolymorphicLoad *load, const OrmInstance *instance, bool real);
bool polymorphic_run(Loading *loading, const PostLoad *post);
/* A driver's value as the column's type gives it to the program. */
Value *result_convert(Evaluator *ev, const SaType *type, Value *value, const Node *site);
RowValue *row_new(Evaluator *ev, Value *const *values, const Slice *names, int count);

#endif
