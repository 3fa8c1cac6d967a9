/*
 * QuerySet: the model, the list of operations that were called on it, and the shape of its rows. Immutable: every
 * method gives a new one whose list starts with one more operation. What the list means is decided when the query is
 * needed, by replaying it (replay.c).
 *
 *     Author.objects.filter(age__gt=5).order_by("name")   model Author, [filter, order_by]
 */
#ifndef ORMC_DJANGO_QUERYSET_H
#define ORMC_DJANGO_QUERYSET_H

#include "compiler/django/query.h"

typedef enum DjOpKind {
    DJ_OP_FILTER,      /* expr: a Q, negated for exclude() */
    DJ_OP_ANNOTATE,    /* names and exprs; flag: select (annotate) or not (alias) */
    DJ_OP_ORDER_BY,    /* orderings */
    DJ_OP_CLEAR_ORDER, /* order_by() of internal use: force */
    DJ_OP_REVERSE,
    DJ_OP_DISTINCT, /* names */
    DJ_OP_VALUES,   /* names; flag: columns without names, as inside of IN */
    DJ_OP_ONLY,
    DJ_OP_DEFER,          /* names; defer(None): flag */
    DJ_OP_SELECT_RELATED, /* names; none: all; flag: select_related(None) */
    DJ_OP_SLICE,          /* low, high */
    DJ_OP_COMBINE,        /* union, intersection, difference: querysets */
    DJ_OP_MERGE,          /* qs & other, qs | other, qs ^ other */
    DJ_OP_NONE,
    DJ_OP_EXTRA,
    DJ_OP_LOCK,
    DJ_OP_EXPLAIN
} DjOpKind;

typedef struct DjOp DjOp;
struct DjOp {
    DjOpKind kind;
    DjOp *previous;
    const Node *site;
    DjExpr *expr;
    Slice *names;
    Span *spans;
    DjExpr **exprs; /* ANNOTATE: parallel to names */
    int count;
    DjOrdering *orderings;
    bool flag, sticky;
    bool all; /* union(all=True); ANNOTATE: values() was called before */
    DjCombinator combinator;
    DjConnector connector;
    DjQuerySet **querysets;
    int queryset_count;
    Value *low, *high; /* SLICE: integers, unknowns, or NULL */
    struct DjExtraArguments *extra;
    struct DjLockArguments *lock;
    Slice text;
};

typedef struct DjExtraArguments {
    DjExtra *select;
    int select_count;
    Slice *where;
    int where_count;
    Value **params;
    int param_count;
    Slice *tables;
    int table_count;
    DjOrdering *order_by;
    int order_count;
} DjExtraArguments;
typedef struct DjLockArguments {
    bool nowait, skip_locked, no_key;
    Slice *of;
    Span *of_spans;
    int of_count;
} DjLockArguments;

/* What iterating it gives. */
typedef enum DjRows { DJ_ROWS_MODEL, DJ_ROWS_DICT, DJ_ROWS_TUPLE, DJ_ROWS_FLAT, DJ_ROWS_NAMED, DJ_ROWS_DATE } DjRows;

struct DjQuerySet {
    Instance instance; /* instance.head.cls: QuerySet or the program's own subclass */
    DjModel *model;
    DjOp *last; /* most recent operation; NULL: all() of the model */
    DjRows rows;
    Slice *fields; /* values() names as given; for messages and row shape */
    int field_count;
    bool has_fields;
    bool sliced, combined, locked;
    DjCombinator combinator;
    bool distinct_fields;
    struct DjPrefetch **prefetches; /* in order */
    int prefetch_count;
    Value *hint_instance; /* of a related manager: the object it belongs to */
    DjField *hint_field;
    const Node *site; /* the whole chain so far */
    Value *using_alias;
    struct DjRaw *raw;          /* raw(): no operations */
    bool sticky_next, is_query; /* is_query: what `.query` gave */
    Value *fetched;             /* the rows, once they were read: iterating twice is one query */
};

extern const Type dj_queryset_type;
static inline bool value_is_queryset(const Value *value) { return value->type == &dj_queryset_type; }
static inline DjQuerySet *value_as_queryset(Value *value) { return (DjQuerySet *)value; }

DjQuerySet *dj_queryset_new(Evaluator *ev, Class *cls, DjModel *model, const Node *site);
DjQuerySet *dj_queryset_copy(Evaluator *ev, DjQuerySet *queryset, const Node *site);
/* A copy with one more operation; the caller fills the operation in. */
DjQuerySet *dj_queryset_push(Evaluator *ev, DjQuerySet *queryset, DjOpKind kind, const Node *site, DjOp **op);
/* One more filter(); q: a Q, negated for exclude(). */
DjQuerySet *dj_queryset_filter(Evaluator *ev, DjQuerySet *queryset, DjExpr *q, const Node *site);
/* Replays it into a fresh query. NULL: an error is pending. */
DjQuery *dj_queryset_query(Evaluator *ev, DjQuerySet *queryset);
/* A queryset as a value in a condition: its query resolved inside `outer`. NULL: an error is pending. */
DjExpr *dj_queryset_as_value(DjQuery *outer, Value *queryset, const DjResolve *how, const Node *site);
/* Compiles a query and appends its statement(s); DJ_EMPTY: nothing is sent. */
DjOutcome dj_query_statement(DjQuery *query, StatementList *out);

#endif
