/* What the files of prefetching share: the state of one run over the lookups. */
#ifndef ORMC_DJANGO_PREFETCH_INTERNAL_H
#define ORMC_DJANGO_PREFETCH_INTERNAL_H

#include "compiler/django/prefetch.h"

typedef struct Objects {
    DjInstance **items;
    int count, capacity;
} Objects;
typedef struct Lookup {
    Slice through, to; /* the path; the path of where the objects are kept */
    const DjPrefetch *prefetch;
    bool automatic; /* from a queryset that was read on the way */
} Lookup;
typedef struct Done {
    Slice to;
    Objects objects;
} Done;
/* Rows that a generic relation of `model` gave: their content type is known though the rows are not. */
typedef struct Typed {
    DjInstance *row;
    Atom ct_field;
    DjModel *model;
} Typed;
typedef struct Prefetcher {
    Evaluator *ev;
    const Node *site;
    StatementList *statements; /* NULL: rows are known */
    DjOrigins *origins;
    Lookup *stack;
    int stack_count, stack_capacity;
    Done *done;
    int done_count, done_capacity;
    DjFound *followed;
    int followed_count, followed_capacity;
    Typed *typed;
    int typed_count, typed_capacity;
    int levels, depth;
} Prefetcher;

/* Instances among a value: one, a list of them, rows that are not known. */
void prefetch_add_objects(const Prefetcher *p, Objects *objects, Value *value);
/* The id of an owner's content type; its look-up goes out with the other statements, once. */
Value *prefetch_type_id(Prefetcher *p, DjField *field, DjModel *owner);
/* The row of the last statement, or a column of it. */
DjOrigin *prefetch_origin(Prefetcher *p, Slice column);
/* Gives an owner what was read for it: `value` is an object or None, or the rows of a relation to many. */
void prefetch_set(const Prefetcher *p, DjInstance *owner, DjFound relation, DjQuerySet *queryset, Slice to_attr,
                  Value *value);
/* What a queryset that is iterated on the way prefetches itself. */
bool prefetch_inner(Prefetcher *p, const DjQuerySet *queryset, Objects rows);
/* prefetch_generic.c: the objects that a generic foreign key names, a query for each content type. */
bool prefetch_generic_key(Prefetcher *p, const Lookup *lookup, Slice prefix, DjField *field, Slice to_attr,
                          const Objects *owners, Objects *out);
/* A relation of the model as lookups name it: a field, or the other side's accessor. */
DjFound prefetch_relation(Evaluator *ev, DjModel *model, Atom name);
/* The content types with these values: its look-up goes out with the other statements. */
bool prefetch_type_lookup(Prefetcher *p, const Slice *names, Value *const *values, int count);
/* The id that the last statement, such a look-up, reads. */
Value *prefetch_type_of_last(Prefetcher *p);

#endif
