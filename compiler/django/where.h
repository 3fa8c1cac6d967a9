/* Conditions: what filter(), exclude(), When() and aggregate filters have in common. */
#ifndef ORMC_DJANGO_WHERE_H
#define ORMC_DJANGO_WHERE_H

#include "compiler/django/query.h"

/* Where a condition stands. */
typedef struct DjFilter {
    bool branch_negated;  /* below some NOT */
    bool current_negated; /* below an odd number of NOTs */
    DjJoinSet *reuse;     /* multi-valued joins that may be shared; NULL: all */
    bool allow_joins;
    bool split_subquery; /* negated multi-valued conditions become subqueries */
    bool summarize;
    bool keep_join_types; /* inside an expression: no promotion, no demotion */
} DjFilter;

/* A WHERE node, possibly without children; NULL: an error is pending. `needed`: joins that it needs to be INNER. */
DjExpr *dj_build_filter(DjQuery *query, DjExpr *condition, const DjFilter *filter, DjJoinSet *needed);
/* exclude.c: NOT EXISTS (…) for a negated condition whose path crosses a multi-valued relation. */
DjExpr *dj_split_exclude(DjQuery *query, DjExpr *keyword, const DjFilter *filter, const DjResolvedNames *path,
                         const Slice *names, DjJoinSet *needed);
/* Expressions and querysets in a lookup's value, resolved. NULL: an error is pending. */
Value *dj_resolve_lookup_value(DjQuery *query, Value *value, const DjResolve *how, const Node *site);

#endif
