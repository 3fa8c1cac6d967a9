/* Slots that the table of builtin types (types.c) takes from the files that implement them. */
#ifndef ORMC_EVALUATE_TYPES_H
#define ORMC_EVALUATE_TYPES_H

#include "compiler/evaluate/native.h"

extern const Type date_type, time_type, datetime_type, timedelta_type, timezone_type, decimal_type, uuid_type;

/* containers.c */
bool list_set_item(Evaluator *ev, Value *self, Value *key, Value *value, const Node *site);
Value *dict_get_item(Evaluator *ev, Value *self, Value *key, const Node *site);
bool dict_set_item(Evaluator *ev, Value *self, Value *key, Value *value, const Node *site);
Value *dict_iterate(Evaluator *ev, Value *self, const Node *site);
Value *dict_contains(Evaluator *ev, Value *self, Value *item, const Node *site);
Value *container_length(Evaluator *ev, Value *self, const Node *site);
Truth container_truth(Evaluator *ev, Value *self, const Node *site);

#endif
