/* Types of columns, as CREATE TABLE and casts write them. */
#ifndef ORMC_DJANGO_COLUMN_TYPE_H
#define ORMC_DJANGO_COLUMN_TYPE_H

#include "compiler/django/model.h"

/* Field.db_type: "varchar(100)"; empty where the field has no column. */
Slice field_column_type(Evaluator *ev, DjField *field);
/* Field.cast_db_type: the type of CAST(… AS …) */
Slice field_cast_type(Evaluator *ev, DjField *field);
/* PostgreSQL's arrays and ranges: every value is written with its type behind it. */
bool field_has_placeholder(const DjField *field);
/* The condition that a column of this type carries ("year" >= 0), or empty. */
Slice field_column_check(Evaluator *ev, DjField *field);
/* An identifier in the dialect's quotes. */
Slice name_quote(Evaluator *ev, Slice name);
/* `connection` as methods of custom fields get it. */
Value *django_connection(Evaluator *ev);

#endif
