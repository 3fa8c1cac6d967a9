/* prefetch_related. */
#include "compiler/django/prefetch.h"

#include "compiler/django/fetch.h"
#include "compiler/django/manager.h"

bool dj_prefetch_add(Evaluator *ev, DjQuerySet *queryset, const Arguments *arguments) {
    (void)ev;
    (void)queryset;
    (void)arguments;
    return true;
}

bool dj_prefetch(Evaluator *ev, DjQuerySet *queryset, StatementList *statements, const Node *site) {
    (void)ev;
    (void)queryset;
    (void)statements;
    (void)site;
    return true;
}

DjOutcome dj_raw_statement(Evaluator *ev, DjQuerySet *queryset, const Node *site, StatementList *out) {
    (void)ev;
    (void)queryset;
    (void)site;
    (void)out;
    return DJ_EMPTY;
}

