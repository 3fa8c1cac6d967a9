/* raw(): a queryset that is the program's own text. */
#ifndef ORMC_DJANGO_RAW_H
#define ORMC_DJANGO_RAW_H

#include "compiler/django/queryset.h"

typedef struct DjRaw {
    Slice sql; /* with %s holes */
    Value **params;
    int count;
    DictValue *translations; /* column of the text → column of the model; NULL: none */
} DjRaw;

/* Reads params= of raw() and execute(): a list, or a dict for "%(name)s" holes. false: an error is pending. */
bool dj_read_raw_values(Evaluator *ev, DjRaw *raw, Value *params, const Node *site);
/* django.db.connection (cursor.c) */
Value *dj_connection(Evaluator *ev);
Value *dj_method_raw(Evaluator *ev, Value *self, const Arguments *arguments);

#endif
