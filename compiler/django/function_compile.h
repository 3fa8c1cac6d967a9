/* Writing functions, aggregates and windows; and what compiling expressions offers to them. */
#ifndef ORMC_DJANGO_FUNCTION_COMPILE_H
#define ORMC_DJANGO_FUNCTION_COMPILE_H

#include "compiler/django/compile.h"
#include "compiler/django/function.h"

/* function_compile.c: by the function's own compile, its id, or its SQL name; aggregates with DISTINCT, FILTER, ORDER
 * BY. */
DjOutcome dj_compile_function(DjCompiler *compiler, DjExpr *expr, Expr **out);
/* window.c */
DjOutcome dj_compile_window(DjCompiler *compiler, DjExpr *expr, Expr **out);
/* As dj_compile; what can't match or always does becomes a value where one stands for it. */
DjOutcome dj_compile_or_value(DjCompiler *compiler, DjExpr *expr, Expr **out);
/* What the expression gives when there are no rows; NULL: not known. */
Value *dj_empty_value(Evaluator *ev, const DjExpr *expr);
DjOutcome dj_compile_raw(DjCompiler *compiler, Slice sql, Value *const *params, int count, const Node *site,
                         Expr **out);

#endif
