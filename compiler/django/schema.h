/* CREATE TABLE, indexes and constraints of the models: what one schema editor of Django gives. */
#ifndef ORMC_DJANGO_SCHEMA_H
#define ORMC_DJANGO_SCHEMA_H

#include "compiler/evaluate/native.h"

bool django_emit_schema(Evaluator *ev, StatementList *out);
/* The models as dicts of plain values (describe.c). */
ListValue *django_describe_models(Evaluator *ev);

#endif
