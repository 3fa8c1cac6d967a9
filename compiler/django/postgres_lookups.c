/* Lookups and transforms of contrib.postgres. */
#include "compiler/django/type_lookups.h"

const DjLookup *dj_postgres_lookup(Evaluator *ev, DjExpr *lhs, DjField *field, Slice name) {
    (void)ev;
    (void)lhs;
    (void)field;
    (void)name;
    return NULL;
}

DjExpr *dj_postgres_transform(Evaluator *ev, DjExpr *lhs, DjField *field, Slice name, const Node *site) {
    (void)ev;
    (void)lhs;
    (void)field;
    (void)name;
    (void)site;
    return NULL;
}
