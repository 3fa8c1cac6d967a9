/* prefetch_related: what was asked for, and the further statements that it sends. */
#ifndef ORMC_DJANGO_PREFETCH_H
#define ORMC_DJANGO_PREFETCH_H

#include "compiler/django/instance.h"
#include "compiler/django/queryset.h"

#include <assert.h>

typedef struct DjPrefetch {
    Slice path; /* "books__publisher" */
    Span span;
    DjQuerySet *queryset;   /* Prefetch(queryset=…); NULL: all */
    DjQuerySet **querysets; /* GenericPrefetch(): one for each model */
    int queryset_count;
    Slice to_attr;
} DjPrefetch;

/* Rows that wait for the number of their execution. */
typedef struct DjOrigins {
    struct DjOrigin **items;
    int count, capacity;
} DjOrigins;

/* Reads the arguments of prefetch_related() into the queryset. false: an error is pending. */
bool dj_prefetch_add(Evaluator *ev, DjQuerySet *queryset, const Arguments *arguments);
/*
 * Appends the prefetches of a queryset whose rows are not known. `row`: what stands for a row of the last statement in
 * `statements`; the origins of what else is read come into `origins` and say -1 (this execution) until it has a number.
 */
bool dj_prefetch_unknown(Evaluator *ev, DjQuerySet *queryset, Value *row, StatementList *statements, DjOrigins *origins,
                         const Node *site);
/* Sends the prefetches for real rows, and sets what they give. */
bool dj_prefetch_known(Evaluator *ev, DjQuerySet *queryset, const ListValue *rows, const Node *site);
/* Prefetch and prefetch_related_objects. */
void dj_prefetch_define(Evaluator *ev, ModuleValue *module);
/* GenericPrefetch. */
void dj_generic_prefetch_define(Evaluator *ev, ModuleValue *module);

/* ---- one level (prefetch_query.c) ---- */

/* The queryset that a relation is read from where none was given. NULL: an error is pending. */
DjQuerySet *dj_prefetch_base(Evaluator *ev, DjFound relation, const Node *site);
/* Its query, reduced to what belongs to `keys`: instances. `type_ids`: their content types, for a generic relation.
 * NULL: an error is pending. */
DjQuery *dj_prefetch_query(Evaluator *ev, DjQuerySet *queryset, DjFound relation, Value *const *keys, int count,
                           Value *const *type_ids, const Node *site);
/* What a row and an owner have in common: tuples that are equal. */
Value *dj_prefetch_key_of_row(Evaluator *ev, DjFound relation, DjInstance *row, const Node *site);
Value *dj_prefetch_key_of_owner(Evaluator *ev, DjFound relation, DjInstance *owner, const Node *site);
static inline bool dj_found_is_generic(DjFound found) {
    return found.field && found.field->kind == FIELD_GENERIC_RELATION;
}
static inline bool dj_found_is_many_to_many(DjFound found) {
    assert(found.field || found.rel);
    return found.field ? found.field->many_to_many : found.rel->many_to_many;
}
/* A relation to one object. */
static inline bool dj_found_is_single(DjFound found) {
    assert(found.field || found.rel);
    return found.field ? !found.field->many_to_many && !dj_found_is_generic(found) : !found.rel->multiple;
}

#endif
