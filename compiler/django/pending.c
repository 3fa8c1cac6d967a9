/* Weak definitions of what the query half defines, so that models can be used before it is there. */
#include "compiler/django/django.h"
#include "compiler/django/settings.h"
#include "compiler/django/write.h"

#define WEAK __attribute__((weak))

WEAK void django_define_queries(Evaluator *ev, ModuleValue *module) { (void)ev, (void)module; }
WEAK bool django_execute_value(Evaluator *ev, Value *value, const Node *site) {
    return (void)ev, (void)value, (void)site, false;
}
WEAK bool value_is_manager(const Value *value) { return (void)value, false; }
WEAK int manager_creation(const Value *manager) { return (void)manager, 0; }
WEAK Value *manager_bind(Evaluator *ev, Value *manager, DjModel *model, Atom name) {
    return (void)ev, (void)model, (void)name, manager;
}
WEAK Value *manager_new(Evaluator *ev, DjModel *model, Atom name) { return (void)model, (void)name, value_none(ev); }
WEAK void transaction_define(Evaluator *ev, ModuleValue *module) { (void)ev, (void)module; }
