/*
 * The Python face of elements, shared by the files that define classes and methods.
 */
#ifndef ORMC_SQLALCHEMY_FACE_H
#define ORMC_SQLALCHEMY_FACE_H

#include "compiler/sqlalchemy/sqlalchemy.h"

/* The element as a value; NULL stays NULL (raised). */
Value *element_value(Element *element);

/* Tables of methods; each ends with a NULL name. */
extern const NativeMethod column_methods[], from_methods[], function_methods[], text_methods[], select_methods[],
    compound_methods[], textual_select_methods[], insert_methods[], update_methods[], delete_methods[], cte_methods[],
    table_methods[], table_valued_methods[], values_methods[], scalar_select_methods[], textual_methods[],
    exists_methods[], ddl_methods[], match_methods[];

/* Attributes that are computed: .c, .type, .name, … (attributes.c) */
Value *element_get_attribute(Evaluator *ev, Value *self, Atom name, const Node *site);

/* typed.c: what depends on the type of the expression */
Element *element_shift(Evaluator *ev, Element *left, bool to_left, Value *right,
                       const Node *site); /* NULL, no error: no */
Element *element_index(Evaluator *ev, Element *element, Value *key, const Node *site);
Element *element_type_contains(Evaluator *ev, Element *element, const Arguments *arguments); /* NULL, no error: LIKE */
Element *element_type_operator(Evaluator *ev, Element *element, const char *method, const Arguments *arguments);
Element *element_array_any(Evaluator *ev, Element *element, SaOperator op, const Arguments *arguments);
Element *element_as_text(Evaluator *ev, Element *element, const Node *site); /* .astext */
Element *element_match(Evaluator *ev, Element *element, const Arguments *arguments);
Element *element_regexp(Evaluator *ev, Element *element, Value *pattern, Value *replacement, Value *flags,
                        const Node *site);

/* constructors.c */
Element *element_cast(Evaluator *ev, Element *element, Value *type, const Node *site);
Element *element_cast_to(Evaluator *ev, Element *element, SaType *type);
Element *element_collate(Evaluator *ev, Element *element, Value *collation, const Node *site);
Element *element_collection_aggregate(Evaluator *ev, Element *element, SaOperator op);
Element *element_text(Evaluator *ev, Slice text, const Node *site);
Element *element_with_params(Evaluator *ev, Element *element, const Arguments *arguments);
Value *custom_operator_value(Evaluator *ev, Element *left, const CustomOp *op); /* what .op("…") gives; call it */
Value *operator_value(Evaluator *ev, SaOperator op);                            /* operators.eq */
bool value_as_operator(Value *value, SaOperator *op);
void constructors_define(Evaluator *ev, ModuleValue *module);
void operators_define(Evaluator *ev, ModuleValue *module);
/* typed.c */
void *sa_raise_not_implemented(Evaluator *ev, const Node *site, const char *operator_name);

/* functions.c */
void functions_define(Evaluator *ev, ModuleValue *module);
Element *function_over(Evaluator *ev, Element *function, const Arguments *arguments, int skip);
Element *function_within_group(Evaluator *ev, Element *function, Value *const *order_by, int count, const Node *site);
Element *function_filter(Evaluator *ev, Element *function, Value *const *criteria, int count, const Node *site);
Element *element_call(Evaluator *ev, Name name, Value *const *arguments, int count, Value *type, const Node *site);

/* attributes.c: .c and .columns */
Value *column_collection(Evaluator *ev, const ElementList *columns);
void collection_define(Evaluator *ev, ModuleValue *module);

/* executable.c: methods of every statement */
Value *executable_texts(Evaluator *ev, Value *self, const Arguments *arguments);
Value *executable_hint(Evaluator *ev, Value *self, const Arguments *arguments);
Value *executable_statement_hint(Evaluator *ev, Value *self, const Arguments *arguments);
Value *executable_add_cte(Evaluator *ev, Value *self, const Arguments *arguments);
Value *executable_options(Evaluator *ev, Value *self, const Arguments *arguments);
Value *executable_execution_options(Evaluator *ev, Value *self, const Arguments *arguments);
Value *executable_dialect_options(Evaluator *ev, Value *self, const Arguments *arguments);
Value *executable_params(Evaluator *ev, Value *self, const Arguments *arguments);

/* statements.c, dml.c, constructors.c */
Value *statement_get_item(Evaluator *ev, Element *statement, Value *key, const Node *site);
void selects_define(Evaluator *ev, ModuleValue *module);
void dml_define(Evaluator *ev, ModuleValue *module,
                DialectId flavour); /* insert of a dialect; DIALECT_COUNT: all three */
bool elements_read(Evaluator *ev, const Arguments *a, int from, CoerceRole role, ElementList *out);

/* schema.c */
Value *table_attribute(Evaluator *ev, Element *table, Slice name);
/* schema_column.c */
Value *schema_column_attribute(Evaluator *ev, Element *column, Slice name);

/* from_methods.c */
void froms_define(Evaluator *ev, ModuleValue *module);
/* schema.c */
void schema_define(Evaluator *ev, ModuleValue *module);
/* postgresql.c */
void postgresql_define(Evaluator *ev, ModuleValue *module);
void mysql_define(Evaluator *ev, ModuleValue *module);
/* ddl.c */
void ddl_define(Evaluator *ev, ModuleValue *module);
bool ddl_element_emit(Evaluator *ev, Element *element, StatementList *out);

#endif
