/* Lookups, transforms and functions that depend on the type: JSON, arrays, ranges, registered transforms;
 * contrib.postgres. */
#ifndef ORMC_DJANGO_TYPES_QUERY_H
#define ORMC_DJANGO_TYPES_QUERY_H

#include "compiler/django/expression.h"

/* Exact, GreaterThan, IsNull …: lookups as expressions; KT, KeyTransform. */
void dj_lookup_classes_define(Evaluator *ev, ModuleValue *module);
/* Names of django.contrib.postgres.{aggregates,functions,search,…}. */
void dj_postgres_define(Evaluator *ev, ModuleValue *module);
/* SearchVector + SearchVector, SearchQuery & SearchQuery, ~SearchQuery; NULL: none of these. */
DjExpr *dj_combine_search(Evaluator *ev, Operator op, Value *left, Value *right, const Node *site);
DjExpr *dj_invert_search(Evaluator *ev, DjExpr *expr);
/* get_object_or_404, get_list_or_404. */
void dj_shortcuts_define(Evaluator *ev, ModuleValue *module);

#endif
