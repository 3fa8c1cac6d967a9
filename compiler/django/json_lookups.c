/* Keys and paths of JSON values. */
#include "compiler/django/type_lookups.h"

const DjLookup *dj_json_lookup(Evaluator *ev, DjExpr *lhs, DjField *field, Slice name) {
    (void)ev;
    (void)lhs;
    (void)field;
    (void)name;
    return NULL;
}

DjExpr *dj_json_transform(Evaluator *ev, DjExpr *lhs, Slice name, const Node *site) {
    (void)ev;
    (void)lhs;
    (void)name;
    (void)site;
    return NULL;
}
