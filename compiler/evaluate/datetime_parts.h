/*
 * The parts of date, time and datetime as one struct, between reading them (arguments, text) and making the value.
 * A part that is unknown makes the value unknown.
 */
#ifndef ORMC_EVALUATE_DATETIME_PARTS_H
#define ORMC_EVALUATE_DATETIME_PARTS_H

#include "compiler/evaluate/native.h"

typedef enum Part { YEAR, MONTH, DAY_OF_MONTH, HOUR, MINUTE, SECONDS, MICROSECOND, ZONE, FOLD, PART_COUNT } Part;

/* The parts of any of the three types; absent ones stay as they are. */
typedef struct Parts {
    int64_t numbers[PART_COUNT];
    Value *zone;
    bool unknown;
} Parts;

Parts parts_of(const Value *value);
/* Checked; NULL: raised. */
Value *parts_date(Evaluator *ev, const Parts *parts, const Node *site);
Value *parts_time(Evaluator *ev, const Parts *parts, const Node *site);
Value *parts_datetime(Evaluator *ev, const Parts *parts, const Node *site);
int64_t date_days_of(const Value *self); /* since 1970-01-01 */
int date_weekday_of(const Value *self);  /* Monday is 0 */

/* datetime_text.c */
Value *date_fromisoformat(Evaluator *ev, Value *self, const Arguments *arguments);
Value *time_fromisoformat(Evaluator *ev, Value *self, const Arguments *arguments);
Value *datetime_fromisoformat(Evaluator *ev, Value *self, const Arguments *arguments);
Value *any_strftime(Evaluator *ev, Value *self, const Arguments *arguments);
Value *datetime_strptime(Evaluator *ev, Value *self, const Arguments *arguments);

#endif
