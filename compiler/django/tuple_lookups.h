/* Lookups on several columns at once. */
#ifndef ORMC_DJANGO_TUPLE_LOOKUPS_H
#define ORMC_DJANGO_TUPLE_LOOKUPS_H

#include "compiler/django/lookup.h"
#include "compiler/django/query.h"

DjOutcome dj_compile_tuple_exact(DjCompiler *compiler, DjExpr *lookup, Expr **out);
DjOutcome dj_compile_tuple_compare(DjCompiler *compiler, DjExpr *lookup, Expr **out);
DjOutcome dj_compile_tuple_in(DjCompiler *compiler, DjExpr *lookup, Expr **out);
DjOutcome dj_compile_tuple_isnull(DjCompiler *compiler, DjExpr *lookup, Expr **out);

/* The value of a lookup on a composite primary key, before anything is made of it. false: an error is pending. */
bool dj_check_tuple_value(Evaluator *ev, const DjLookup *spec, DjExpr *lhs, Value *rhs, const Node *site);

#endif
