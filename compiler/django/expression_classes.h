/* Expression classes as Python sees them. */
#ifndef ORMC_DJANGO_EXPRESSION_CLASSES_H
#define ORMC_DJANGO_EXPRESSION_CLASSES_H

#include "compiler/django/expression.h"

/* Expression, F, Q, Value, …, and Func, Aggregate, Transform. */
void dj_expressions_define(Evaluator *ev, ModuleValue *module);
/* order_by= of Window and of aggregates: a LIST of ORDER_BY. */
DjExpr *dj_read_order_by(Evaluator *ev, Value *value, const Node *site);
/* Name of its Python class. */
Slice dj_class_name(const DjExpr *expr);
/* The name that an aggregate gives itself (price__avg); empty: none. */
Slice dj_default_alias(Evaluator *ev, const DjExpr *expr);

#endif
