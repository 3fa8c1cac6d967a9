/* Django's modules that are neither models nor queries: settings, apps, translation, time zones, transactions. */
#ifndef ORMC_DJANGO_SETTINGS_H
#define ORMC_DJANGO_SETTINGS_H

#include "compiler/evaluate/native.h"

void setup_apps(Evaluator *ev, ModuleValue *module);
void setup_auth(Evaluator *ev, ModuleValue *module);
void setup_conf(Evaluator *ev, ModuleValue *module);
void setup_text(Evaluator *ev, ModuleValue *module);
void setup_timezone(Evaluator *ev, ModuleValue *module);
void setup_translation(Evaluator *ev, ModuleValue *module);
void transaction_define(Evaluator *ev, ModuleValue *module);
/* Takes any arguments, gives None. */
Value *django_ignore(Evaluator *ev, Value *self, const Arguments *arguments);

#endif
