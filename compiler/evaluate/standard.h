/* The native modules of the standard library, one setup a module. */
#ifndef ORMC_EVALUATE_STANDARD_H
#define ORMC_EVALUATE_STANDARD_H

#include "compiler/evaluate/native.h"

void enum_setup(Evaluator *ev, ModuleValue *module);
void datetime_setup(Evaluator *ev, ModuleValue *module);
void zoneinfo_setup(Evaluator *ev, ModuleValue *module);
void decimal_setup(Evaluator *ev, ModuleValue *module);
void dataclasses_setup(Evaluator *ev, ModuleValue *module);
void json_setup(Evaluator *ev, ModuleValue *module);
void uuid_setup(Evaluator *ev, ModuleValue *module);
/* NamedTuple and TypedDict; namedtuple of collections. */
void named_tuples_setup(Evaluator *ev, ModuleValue *typing);
Value *collections_namedtuple(Evaluator *ev, Value *self, const Arguments *arguments);
/* What of these modules is said in Python. */
void itertools_text_setup(Evaluator *ev, ModuleValue *module);
void operator_text_setup(Evaluator *ev, ModuleValue *module);

#endif
