/*
 * Lookups and transforms that only some types have. A type's own file answers for its field kinds; what no file
 * answers for is left to the lookups that every field has.
 */
#include "compiler/django/django.h"
#include "compiler/django/function_table.h"
#include "compiler/django/lookup.h"
#include "compiler/django/types_query.h"

const DjLookup *dj_lookup_of_type(Evaluator *ev, DjExpr *lhs, Slice name) {
    (void)ev;
    (void)lhs;
    (void)name;
    return NULL;
}

DjExpr *dj_transform_of_type(Evaluator *ev, DjExpr *lhs, DjField *field, Slice name, const Node *site) {
    (void)ev;
    (void)lhs;
    (void)field;
    (void)name;
    (void)site;
    return NULL;
}

const DjFunction *dj_postgres_function(const char *name) {
    (void)name;
    return NULL;
}

void dj_postgres_define(Evaluator *ev, ModuleValue *module) {
    (void)ev;
    (void)module;
}
