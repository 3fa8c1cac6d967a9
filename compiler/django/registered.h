/* Lookups, transforms and functions that the program writes itself: register_lookup(), as_sql() in Python. */
#ifndef ORMC_DJANGO_REGISTERED_H
#define ORMC_DJANGO_REGISTERED_H

#include "compiler/django/close_matches.h"
#include "compiler/django/lookup.h"

/* register_lookup(lookup, lookup_name=None) of fields and transforms. Also a decorator: gives the lookup's class back.
 */
Value *dj_method_register_lookup(Evaluator *ev, Value *self, const Arguments *arguments);
/* What the left side's transform, its field's class, or a base of these, has registered under the name; NULL: nothing.
 */
const DjLookup *dj_registered_lookup(Evaluator *ev, const DjExpr *lhs, const DjField *field, Slice name);
/* The same as a transform of the expression; NULL without an error: there is none. */
DjExpr *dj_registered_transform(Evaluator *ev, DjExpr *lhs, const DjField *field, Slice name, const Node *site);
/* What the left side's bilateral transforms make of a lookup's value. false: an error is pending. */
bool dj_apply_bilateral(Evaluator *ev, DjExpr *lookup);
/* Names that the field knows, for a misspelt one. */
void dj_registered_suggest(Evaluator *ev, const DjField *field, DjCloseMatches *close);
/* The lookup that a class of the program is; NULL: it derives from one of Django's and changes nothing. */
const DjLookup *dj_program_lookup(Evaluator *ev, Class *cls);
/* Does the program's class write the SQL of an expression itself? Then *outcome and *out are what it gives. */
bool dj_compile_program(DjCompiler *compiler, DjExpr *expr, Expr **out, DjOutcome *outcome);
/* Methods that such classes call: as_sql of all expressions; process_lhs and process_rhs of lookups. */
Value *dj_method_as_sql(Evaluator *ev, Value *self, const Arguments *arguments);
Value *dj_method_process_lhs(Evaluator *ev, Value *self, const Arguments *arguments);
Value *dj_method_process_rhs(Evaluator *ev, Value *self, const Arguments *arguments);

#endif
