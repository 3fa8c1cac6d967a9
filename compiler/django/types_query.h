/* Lookups, transforms and functions that depend on the type: JSON, arrays, ranges, registered transforms; contrib.postgres. */
#ifndef ORMC_DJANGO_TYPES_QUERY_H
#define ORMC_DJANGO_TYPES_QUERY_H

#include "compiler/django/expression.h"

/* Exact, GreaterThan, IsNull …: lookups as expressions; KT, KeyTransform. */
void dj_lookup_classes_define(Evaluator *ev, ModuleValue *module);
/* Names of django.contrib.postgres.{aggregates,functions,search,…}. */
void dj_postgres_define(Evaluator *ev, ModuleValue *module);
/* get_object_or_404, get_list_or_404. */
void dj_shortcuts_define(Evaluator *ev, ModuleValue *module);

#endif
