/* The functions that functions.def names, and what function.c asks of the other function files. */
#ifndef ORMC_DJANGO_FUNCTION_TABLE_H
#define ORMC_DJANGO_FUNCTION_TABLE_H

#include "compiler/django/function.h"

/* function_construct.c */
bool construct_aggregate(Evaluator *ev, DjExpr *expr, const Arguments *arguments);
bool construct_sampled(Evaluator *ev, DjExpr *expr, const Arguments *arguments);
bool construct_cast(Evaluator *ev, DjExpr *expr, const Arguments *arguments);
bool construct_collate(Evaluator *ev, DjExpr *expr, const Arguments *arguments);
bool construct_json_object(Evaluator *ev, DjExpr *expr, const Arguments *arguments);
bool construct_round(Evaluator *ev, DjExpr *expr, const Arguments *arguments);
bool construct_concat(Evaluator *ev, DjExpr *expr, const Arguments *arguments);
bool construct_left(Evaluator *ev, DjExpr *expr, const Arguments *arguments);
bool construct_pad(Evaluator *ev, DjExpr *expr, const Arguments *arguments);
bool construct_repeat(Evaluator *ev, DjExpr *expr, const Arguments *arguments);
bool construct_replace(Evaluator *ev, DjExpr *expr, const Arguments *arguments);
bool construct_substr(Evaluator *ev, DjExpr *expr, const Arguments *arguments);
bool construct_lag(Evaluator *ev, DjExpr *expr, const Arguments *arguments);
bool construct_nth(Evaluator *ev, DjExpr *expr, const Arguments *arguments);
bool construct_ntile(Evaluator *ev, DjExpr *expr, const Arguments *arguments);
bool construct_extract(Evaluator *ev, DjExpr *expr, const Arguments *arguments);
bool construct_trunc(Evaluator *ev, DjExpr *expr, const Arguments *arguments);
/* function_compile.c */
DjOutcome compile_custom(DjCompiler *compiler, DjExpr *expr, Expr **out);
DjOutcome compile_aggregate(DjCompiler *compiler, DjExpr *expr, Expr **out);
DjOutcome compile_coalesce(DjCompiler *compiler, DjExpr *expr, Expr **out);
DjOutcome compile_cast(DjCompiler *compiler, DjExpr *expr, Expr **out);
DjOutcome compile_collate(DjCompiler *compiler, DjExpr *expr, Expr **out);
DjOutcome compile_json_object(DjCompiler *compiler, DjExpr *expr, Expr **out);
DjOutcome compile_atan2(DjCompiler *compiler, DjExpr *expr, Expr **out);
DjOutcome compile_decimal_input(DjCompiler *compiler, DjExpr *expr, Expr **out);
DjOutcome compile_round(DjCompiler *compiler, DjExpr *expr, Expr **out);
DjOutcome compile_concat_pair(DjCompiler *compiler, DjExpr *expr, Expr **out);
DjOutcome compile_extract(DjCompiler *compiler, DjExpr *expr, Expr **out);
DjOutcome compile_trunc(DjCompiler *compiler, DjExpr *expr, Expr **out);

/* temporal.c; a name of the outer query has its type only when it is compiled */
bool dj_check_extract(Evaluator *ev, DjExpr *expr);
DjExpr *resolve_extract(DjQuery *query, DjExpr *expr, const DjResolve *how);
DjExpr *resolve_trunc(DjQuery *query, DjExpr *expr, const DjResolve *how);

/* function.c */
bool dj_function_sources(Evaluator *ev, DjExpr *expr, Value *const *values, int count, const Node *const *nodes);
Class *dj_function_class(Evaluator *ev, ModuleValue *module, const DjFunction *spec, Class *base);
/* Func, Aggregate and Transform. */
void dj_function_bases_define(Evaluator *ev, ModuleValue *module, Class *expression);
/* Classes of functions.def. */
void dj_functions_define(Evaluator *ev, ModuleValue *module, bool aggregates, bool others);

/* postgres_functions.c; type_lookups.c: JSON keys, array items, range bounds, registered transforms. */
const DjFunction *dj_postgres_function(const char *name);
DjExpr *dj_transform_of_type(Evaluator *ev, DjExpr *lhs, DjField *field, Slice name, const Node *site);

#endif
