/* prefetch_related: what was asked for, and the further statements that it sends. */
#ifndef ORMC_DJANGO_PREFETCH_H
#define ORMC_DJANGO_PREFETCH_H

#include "compiler/django/queryset.h"

typedef struct DjPrefetch {
    Slice path;           /* "books__publisher" */
    Span span;
    DjQuerySet *queryset; /* Prefetch(queryset=…); NULL: all */
    Slice to_attr;
    bool clear;           /* prefetch_related(None) */
} DjPrefetch;

/* Reads the arguments of prefetch_related() into the queryset. false: an error is pending. */
bool dj_prefetch_add(Evaluator *ev, DjQuerySet *queryset, const Arguments *arguments);

#endif
