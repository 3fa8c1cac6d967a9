/*
 * What the files of schema constructs share. Internal to schema.c, schema_column.c and schema_table.c.
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

/* postgresql_where=…, mysql_engine=…: kept as given under their full names. */
bool schema_option_is_dialect(Slice name);
void schema_option_keep(Evaluator *ev, DictValue **options, const Keyword *keyword);
/* Options that foreign keys and constraints share. False: not one of them. */
bool schema_key_option(Evaluator *ev, const Keyword *keyword, Slice *on_delete, Slice *on_update, Slice *initially,
                       Slice *match, bool *has_deferrable, bool *deferrable, bool *use_alter, Name *name);
Value *schema_default_unwrapped(Value *value);
void schema_text(Value *value, Slice *out);
SchemaColumn *schema_column_new(Evaluator *ev, Element *element);
Value *schema_column_create(Evaluator *ev, Class *cls, const Arguments *arguments);
Value *schema_foreign_key_create(Evaluator *ev, Class *cls, const Arguments *arguments);

#endif
