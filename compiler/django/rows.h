/* Rows of a query as Python values, known or not. */
#ifndef ORMC_DJANGO_ROWS_H
#define ORMC_DJANGO_ROWS_H

#include "compiler/django/instance.h"
#include "compiler/django/queryset.h"

/* One row that is not known: what an element of the queryset is. `query`: it was compiled; NULL: raw(). */
Value *dj_unknown_row(Evaluator *ev, DjQuerySet *queryset, DjQuery *query, const Node *site, DjOrigin *origin);
/* A result column that is not known. */
Value *dj_unknown_column(Evaluator *ev, const Node *site, const DjOrigin *row, Slice column);
/* What select_related reads together with a row that is not known. */
void dj_set_joined_rows(DjQuery *query, DjInstance *row);
/* The rows of one result as a list. */
ListValue *dj_known_rows(Evaluator *ev, DjQuerySet *queryset, DjQuery *query, const RowSet *set, const Node *site);

#endif
