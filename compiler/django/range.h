/* Range values: NumericRange(1, 10), DateRange(…) as psycopg2 has them. */
#ifndef ORMC_DJANGO_RANGE_H
#define ORMC_DJANGO_RANGE_H

#include "compiler/evaluate/native.h"

typedef struct DjRange {
    Instance head;
    Value *lower, *upper; /* NULL: no bound */
    Slice bounds;         /* "[)" */
    bool empty;
} DjRange;

extern const Type django_range_type;

DjRange *range_new(Evaluator *ev, Value *lower, Value *upper, Slice bounds);
/* PostgreSQL's text: [1,10) */
Slice range_text(Evaluator *ev, DjRange *range, const Node *site);
/* NumericRange, DateRange, DateTimeRange, DateTimeTZRange */
void ranges_define(Evaluator *ev, ModuleValue *module);

#endif
