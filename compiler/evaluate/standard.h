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

#endif
