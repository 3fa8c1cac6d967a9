/* raw(): a queryset that is the program's own text. */
#ifndef ORMC_DJANGO_RAW_H
#define ORMC_DJANGO_RAW_H

#include "compiler/django/queryset.h"

typedef struct DjRaw {
    Slice sql; /* with %s holes */
    Value **params;
    int count;
} DjRaw;

Value *dj_method_raw(Evaluator *ev, Value *self, const Arguments *arguments);

#endif
