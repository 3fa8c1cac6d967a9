/* Executing querysets: what iteration, get(), count() and the other terminals send, and the values they give. */
#ifndef ORMC_DJANGO_FETCH_H
#define ORMC_DJANGO_FETCH_H

#include "compiler/django/queryset.h"
#include "compiler/django/rows.h"

/* The rows: a list where they are known, else an unknown whose element is "some Author". Sends prefetches too. */
Value *dj_queryset_rows(Evaluator *ev, DjQuerySet *queryset, const Node *site);
/* The first of its rows: IndexError where there is none; qs[n]. */
Value *dj_queryset_item(Evaluator *ev, DjQuerySet *queryset, const Node *site);
/* Executes one finished query; *result NULL: rows unknown. `empty` is set where Django sends nothing. */
bool dj_execute(Evaluator *ev, DjQuery *query, const Node *site, ExecutionResult **result, bool *empty);
/* The terminal methods: get, first, count, exists, aggregate, in_bulk … */
extern const NativeMethod dj_terminal_methods[];
/* Methods that give another queryset. */
extern const NativeMethod dj_queryset_methods[];
/* Executes a query whose rows are known, and gives them. */
Value *dj_query_rows(Evaluator *ev, DjQuerySet *queryset, DjQuery *query, const Node *site);

/* queryset_methods.c */
/* Whether an earlier call of the chain is refused (an error is pending): Django refused it when it was made, so it
 * comes before what a later call finds. */
bool dj_mistaken_before(Evaluator *ev, DjQuerySet *queryset);
/* TypeError: "Cannot `what` once a slice has been taken." */
bool dj_refuse_sliced(Evaluator *ev, DjQuerySet *queryset, const char *what, const Node *site);
bool dj_refuse_combined(Evaluator *ev, DjQuerySet *queryset, const char *method, const Node *site);
bool dj_read_orderings(Evaluator *ev, const Arguments *arguments, DjOrdering **out, int *count);
/* dates() and datetimes(): annotated, one column, distinct, not NULL, ordered. */
Value *dj_dates_queryset(Evaluator *ev, Value *queryset, const Arguments *annotations, const char *alias,
                         bool descending);
/* EXPLAIN with its format and options. false: an error is pending. */
bool dj_explain_prefix(Evaluator *ev, const Arguments *arguments, Slice *prefix);
/* A UniqueConstraint without condition over this field alone. */
bool dj_constraint_is_unique(Evaluator *ev, Value *constraint, DjField *field);
/* queryset_more.c */
Value *dj_method_extra(Evaluator *ev, Value *self, const Arguments *arguments);
/* raw(): the program's own text. */
DjOutcome dj_raw_statement(Evaluator *ev, DjQuerySet *queryset, const Node *site, StatementList *out);

#endif
