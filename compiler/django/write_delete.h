/*
 * What delete() collects, and then sends: write_delete.c fills a Collector, write_delete_send.c sends it.
 */
#ifndef ORMC_DJANGO_WRITE_DELETE_H
#define ORMC_DJANGO_WRITE_DELETE_H

#include "compiler/django/write_internal.h"

typedef struct Objects {
    Value **items;
    int count, capacity;
} Objects;

typedef struct CollectedModel {
    DjModel *model;
    Objects objects;
    Models depends; /* models whose rows must be gone after this one's dependents */
} CollectedModel;

/* DELETE or UPDATE … WHERE field IN (…), for each field and each group of objects, joined by OR. */
typedef struct CollectedStatement {
    DjModel *model;
    Fields fields;
    Objects *groups;
    int group_count, group_capacity;
    bool by_key;  /* the objects are the rows themselves, not what they refer to */
    Value *value; /* of an update */
    DjField *set;
    DjField *type; /* of generic relations: the content type's column, and the id that it must have */
    Value *type_id;
} CollectedStatement;

/* Rows behind on_delete=RESTRICT: an error unless they are deleted along. */
typedef struct Restricted {
    DjField *field;
    Objects objects;
} Restricted;

typedef struct Collector {
    Evaluator *ev;
    const Node *site;
    bool keep_parents; /* delete(keep_parents=True) */
    CollectedModel *models;
    int model_count, model_capacity;
    CollectedStatement *fast;
    int fast_count, fast_capacity;
    CollectedStatement *updates;
    int update_count, update_capacity;
    Restricted *restricted;
    int restricted_count, restricted_capacity;
    int64_t deleted;     /* rows that were deleted, where the database says it */
    DictValue *by_label; /* {"app.Model": rows} */
} Collector;

static inline Arena *collector_arena(const Collector *collector) { return evaluator_arena(collector->ev); }
Value *objects_list(Collector *collector, const Objects *objects);
/* Sends what was collected: in a transaction, or one DELETE where `single`. False: raised. */
bool collector_send(Collector *collector, bool single);
/* What delete() gives: (rows, {label: rows}). */
Value *collector_answer(const Collector *collector);

#endif
