/* How lookups check their values and how they are written; the functions that lookups.def names. */
#ifndef ORMC_DJANGO_LOOKUP_COMPILE_H
#define ORMC_DJANGO_LOOKUP_COMPILE_H

#include "compiler/django/lookup.h"

DjOutcome lookup_compile_exact(DjCompiler *compiler, DjExpr *lookup, Expr **out);
DjOutcome lookup_compile_iexact(DjCompiler *compiler, DjExpr *lookup, Expr **out);
DjOutcome lookup_compile_compare(DjCompiler *compiler, DjExpr *lookup, Expr **out);
DjOutcome lookup_compile_in(DjCompiler *compiler, DjExpr *lookup, Expr **out);
DjOutcome lookup_compile_pattern(DjCompiler *compiler, DjExpr *lookup, Expr **out);
DjOutcome lookup_compile_range(DjCompiler *compiler, DjExpr *lookup, Expr **out);
DjOutcome lookup_compile_isnull(DjCompiler *compiler, DjExpr *lookup, Expr **out);
/* lhs operator rhs: of a row that names no function. */
DjOutcome lookup_compile_plain(DjCompiler *compiler, DjExpr *lookup, Expr **out);
bool lookup_prepare_exact(Evaluator *ev, DjExpr *lookup);
bool lookup_prepare_in(Evaluator *ev, DjExpr *lookup);
bool lookup_prepare_list(Evaluator *ev, DjExpr *lookup);
bool lookup_prepare_isnull(Evaluator *ev, DjExpr *lookup);
/* str(value) with its wildcards escaped, between the lookup's own. NULL: an error is pending. */
Value *dj_like_pattern(Evaluator *ev, Value *value, const char *before, const char *after, const Node *site);
/* lhs operator (rhs as it is): the common end of the above. */
DjOutcome lookup_compile_with(DjCompiler *compiler, DjExpr *lookup, OperatorId op, Expr *left, Expr *right, Expr **out);

#endif
