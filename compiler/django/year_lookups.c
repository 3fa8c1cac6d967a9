/* year and iso_year compared with a number: a range of dates, so that an index serves. */
#include "compiler/django/type_lookups.h"

const DjLookup *dj_year_lookup(Evaluator *ev, DjExpr *lhs, Slice name) {
    (void)ev;
    (void)lhs;
    (void)name;
    return NULL;
}
