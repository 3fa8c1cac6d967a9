/* What the query half keeps for one evaluator: its classes. */
#ifndef ORMC_DJANGO_QUERY_STATE_H
#define ORMC_DJANGO_QUERY_STATE_H

#include "compiler/django/expression.h"

typedef struct DjQueryState {
    Class *expression_class; /* django.db.models.Expression */
    Class *q_class, *f_class, *func_class, *aggregate_class, *transform_class, *queryset_class, *manager_class,
        *base_manager_class;
    Class *lookup_class;
    int resolve_depth;                 /* expressions and subqueries that are being resolved, one inside the other */
    bool postgres;                     /* the models import django.contrib.postgres: its lookups are registered */
    int manager_count;                 /* made so far: their order decides the default one */
    AtomMap function_classes;          /* class name → Class* */
    AtomMap registered;                /* lookup name → list of what register_lookup() gave it */
    DjField *fields[FIELD_KIND_COUNT]; /* output fields without a model, made at first use */
} DjQueryState;

DjQueryState *dj_state(Evaluator *ev);
/* An output field of a kind: shared, never changed. */
DjField *dj_plain_field(Evaluator *ev, FieldKind kind);

/* expression.c, expression_classes.c */
DjExpr *dj_q_new(Evaluator *ev, const Node *site);
void dj_q_push(Evaluator *ev, DjExpr *q, DjExpr *child);
/* Q(name=value), as if it were written at `site`. */
DjExpr *dj_q_condition(Evaluator *ev, Slice name, Value *value, const Node *site);
/* Q(*args, **kwargs): conditional expressions, then keywords in alphabetical order. NULL: an error is pending. */
DjExpr *dj_q_from_arguments(Evaluator *ev, const Arguments *arguments);
Value *dj_slice_expression(Evaluator *ev, DjExpr *expr, Value *key, const Node *site);
Value *dj_expr_attribute(Evaluator *ev, Value *self, Atom name, const Node *site);
void dj_describe(Evaluator *ev, DjExpr *expr, Buffer *out);

#endif
