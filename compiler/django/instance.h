/*
 * Instances of models: `Author(name="x")`, the object a foreign key gives, "some Author".
 *
 * Field values are attributes under their attname (`author_id`), as in Python's __dict__; objects that were set or
 * fetched for a relation stand in `related` by field name. An instance that came from rows that are not known
 * (`unknown`) has no attributes: reading one gives an unknown with the text `text.attname` and, where the row's
 * statement is known, its column as origin.
 */
#ifndef ORMC_DJANGO_INSTANCE_H
#define ORMC_DJANGO_INSTANCE_H

#include "compiler/django/model.h"

/* Which row a value comes from: the `origin` of unknowns made by Django's half (origin_type == &django_origin_type). */
typedef struct DjOrigin {
    int execution; /* evaluator_execution_count() before that execution */
    int statement;
    Slice column; /* result column; of an instance: empty */
    bool list;    /* stands for the values of all rows, not of one */
    Slice prefix; /* of an instance that is part of a joined row (select_related): see query half */
} DjOrigin;

typedef struct DjInstance {
    Instance head; /* attributes: values by attname, annotations, plain attributes */
    DjModel *model;
    AtomMap related;     /* relation cache: field name → Value* (an instance, None) */
    bool unknown;        /* attributes that are not set are not known (a fetched row, a parameter) */
    bool adding;         /* _state.adding: was not saved yet */
    bool deferred_known; /* `deferred` lists attnames that were not fetched */
    AtomMap deferred;
    Slice text; /* source text it stands for */
    const Node *node;
    DjOrigin *origin; /* the row it was fetched with; NULL: none */
} DjInstance;

extern const Type django_instance_type;
extern const Type django_origin_type;

static inline DjInstance *value_as_model_instance(Value *value) {
    return value && value->type == &django_instance_type ? (DjInstance *)value : NULL;
}
/* A row of `model` whose values are not known. `origin` may be NULL. */
DjInstance *instance_unknown(Evaluator *ev, DjModel *model, Slice text, const Node *node, DjOrigin *origin);
/* An instance with attribute values of a known row; values parallel model->concrete_fields (NULL: deferred). */
DjInstance *instance_from_row(Evaluator *ev, DjModel *model, Value *const *values);
/* The value of a field's attname (no query is executed; an unknown where not known; None where not set). */
Value *instance_field_value(Evaluator *ev, DjInstance *instance, DjField *field, const Node *site);
/* Its pk: a value, a tuple for composite keys, None. */
Value *instance_pk(Evaluator *ev, DjInstance *instance, const Node *site);
/* Sets a relation's cache (select_related, prefetch, reverse managers). */
void instance_set_related(Evaluator *ev, DjInstance *instance, Atom name, Value *value);

#endif
