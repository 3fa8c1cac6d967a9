/*
 * What the files of schema constructs share. Internal to schema.c, schema_column.c and schema_constraint.c.
 */
#ifndef ORMC_SQLALCHEMY_SCHEMA_ITEMS_H
#define ORMC_SQLALCHEMY_SCHEMA_ITEMS_H

#include "compiler/sqlalchemy/face.h"

extern const Type schema_item_type; /* of ForeignKey, constraints, Index, Sequence, … */

/* DefaultClause, FetchedValue, ColumnDefault: what they hold. */
typedef struct DefaultItem {
    Instance head;
    Value *value; /* NULL: fetched */
    bool for_update;
} DefaultItem;

bool schema_truth(const Value *value);

/* postgresql_where=…, mysql_engine=…: kept as given under their full names. */
bool schema_option_is_dialect(Slice name);
void schema_option_keep(Evaluator *ev, DictValue **options, const Keyword *keyword);
/* Options that foreign keys and constraints share. False: not one of them. */
bool schema_key_option(Evaluator *ev, const Keyword *keyword, Slice *on_delete, Slice *on_update, Slice *initially,
                       Slice *match, bool *has_deferrable, bool *deferrable, bool *use_alter, Name *name);
void schema_text(Value *value, Slice *out);
SchemaColumn *schema_column_new(Evaluator *ev, Element *element);
Value *schema_column_create(Evaluator *ev, Class *cls, const Arguments *arguments);
Value *schema_foreign_key_create(Evaluator *ev, Class *cls, const Arguments *arguments);

Value *schema_constraint_create(Evaluator *ev, Class *cls, const Arguments *arguments);
Constraint *schema_constraint_new(Evaluator *ev, Class *cls, ConstraintKind kind, const Node *node);
void schema_push_constraint(Evaluator *ev, Table *table, Constraint *constraint);
bool schema_add_constraint(Evaluator *ev, Element *element, Constraint *constraint);
Value *schema_index_create(Evaluator *ev, Class *cls, const Arguments *arguments);
bool schema_add_index(Evaluator *ev, Element *element, Index *index);

#endif
