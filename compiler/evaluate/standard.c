#include "compiler/evaluate/internal.h"
void enum_setup(Evaluator *ev, ModuleValue *module);
bool value_is_suppress(const Value *value) { (void)value; return false; }
const NativeModule standard_modules[] = {{"enum", enum_setup}, {NULL, NULL}};
