/* Managers; the functions that models need of them are declared in model.h. */
#ifndef ORMC_DJANGO_MANAGER_H
#define ORMC_DJANGO_MANAGER_H

#include "compiler/django/queryset.h"

typedef struct DjManager {
    Instance instance;
    DjModel *model; /* NULL: in a class body, not bound yet */
    Atom name;
    int creation;
    Class *queryset_class;
    Value *owner;     /* of a related manager: the instance; NULL else */
    DjFound relation; /* and the relation that leads from it */
} DjManager;

/* What get_queryset() gives, with the relation's condition. */
Value *dj_manager_queryset(Evaluator *ev, Value *manager, const Node *site);
/* add(), remove(), set(), clear(), create() of a related manager; NULL without an error: no such method. write half. */
Value *dj_related_write(Evaluator *ev, Value *manager, Atom name, const Node *site);
/* create, bulk_create, update, delete, get_or_create …: write half. */
extern const NativeMethod dj_write_methods[];
/* QuerySet, BaseManager and Manager. */
void dj_managers_define(Evaluator *ev, ModuleValue *module);

#endif
