#include "compiler/sqlalchemy/lower.h"
const NativeMethod ddl_methods[] = {{NULL, NULL, NATIVE_METHOD, NULL}};
void ddl_define(Evaluator *ev, ModuleValue *module) { (void)ev, (void)module; }
bool ddl_element_emit(Evaluator *ev, Element *element, StatementList *out) { (void)ev, (void)element, (void)out; return false; }
bool metadata_emit(Evaluator *ev, MetaData *metadata, StatementList *out) { (void)ev, (void)metadata, (void)out; return true; }
