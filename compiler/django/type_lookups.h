/* What each type answers for itself: lookups and transforms by name. NULL: nothing of that name. */
#ifndef ORMC_DJANGO_TYPE_LOOKUPS_H
#define ORMC_DJANGO_TYPE_LOOKUPS_H

#include "compiler/django/function.h"
#include "compiler/django/lookup.h"

/* year_lookups.c: comparisons of years as ranges of dates. */
const DjLookup *dj_year_lookup(Evaluator *ev, DjExpr *lhs, Slice name);
/* uuid_lookups.c: text lookups where UUIDs are stored as text without dashes. */
const DjLookup *dj_uuid_lookup(Evaluator *ev, DjField *field, Slice name);
/* json_lookups.c: keys and paths of JSON values, and what is compared with them. */
const DjLookup *dj_json_lookup(Evaluator *ev, DjExpr *lhs, DjField *field, Slice name);
/* KeyTransform, KeyTextTransform, KT. */
/* A lookup as GROUP BY takes it: lookups on text have a key as text. */
DjExpr *dj_json_lookup_grouped(Evaluator *ev, DjExpr *lookup);
void dj_json_define(Evaluator *ev, ModuleValue *module);
DjExpr *dj_json_transform(Evaluator *ev, DjExpr *lhs, Slice name, const Node *site);
/* postgres_lookups.c: arrays, ranges, hstore, full text search, trigrams. */
const DjLookup *dj_postgres_lookup(Evaluator *ev, DjExpr *lhs, DjField *field, Slice name);
/* startswith and endswith of a range are its bounds, not lookups. */
bool dj_transform_hides_lookup(Evaluator *ev, DjExpr *lhs, Slice name);
/* PostgresOperatorLookup(lhs, rhs): an operator that its class does not say. */
const DjLookup *dj_postgres_operator(void);
/* Substr of a slice of F(), which becomes an array's slice where the field is one. */
extern const DjFunction dj_sliced_function;
/* IndexTransform, SliceTransform. */
void dj_postgres_transforms_define(Evaluator *ev, ModuleValue *module);
DjExpr *dj_postgres_transform(Evaluator *ev, DjExpr *lhs, DjField *field, Slice name, const Node *site);

#endif
