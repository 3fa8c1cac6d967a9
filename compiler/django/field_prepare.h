/*
 * Values for columns: what Field.get_prep_value, get_db_prep_value and the backend's adapt_… functions make of a Python
 * value, as a bind parameter of the compile's dialect.
 *
 * Example: DateTimeField, USE_TZ, SQLite: datetime(2024, 5, 1, 12, tzinfo=utc) → text '2024-05-01 12:00:00'.
 * Errors are raised as Django words them ("Field 'id' expected a number but got 'x'."), and false is returned.
 */
#ifndef ORMC_DJANGO_FIELD_PREPARE_H
#define ORMC_DJANGO_FIELD_PREPARE_H

#include "compiler/django/model.h"

/* A value (known or unknown) as a parameter for this field's column: get_db_prep_value(prepared=False).
 * None gives LITERAL_NULL. An unknown gives a NAMED parameter, or one FROM_ROWS where its origin is known. A foreign
 * key takes its target field's rules. */
bool field_prepare(Evaluator *ev, DjField *field, Value *value, const Node *site, Param *out);
/* The same with get_db_prep_save (JSON null, db_default …). */
bool field_prepare_save(Evaluator *ev, DjField *field, Value *value, const Node *site, Param *out);
/* MySQL takes 0 for "the next number": false and ValueError for that in a key which the database numbers. */
bool field_accepts_key(Evaluator *ev, const DjField *field, const Value *value, const Node *site);
/* get_prep_value alone: the Python value that Django would hold in a lookup's rhs ("5" → 5 for an IntegerField). NULL:
 * raised. */
Value *field_get_prep_value(Evaluator *ev, DjField *field, Value *value, const Node *site);
/* to_python: as get_prep_value but with ValidationError's texts for strings that are no dates, UUIDs, …. */
Value *field_to_python(Evaluator *ev, DjField *field, Value *value, const Node *site);
/* A value without field (Value(5), Func arguments): what the driver makes of the Python type; `type` is its SqlType. */
bool value_prepare(Evaluator *ev, Value *value, const Node *site, Param *out);
/* JSON text as json.dumps writes it with Django's JSONField settings (encoder may be NULL). False: raised TypeError. */
bool value_dump_json(Evaluator *ev, Value *value, Value *encoder, const Node *site, Slice *out);

/* Settings that change values. */
bool django_use_tz(Evaluator *ev);
/* TIME_ZONE, or what timezone.activate() set (`current_timezone`); the connection's zone otherwise. */
Slice django_current_zone_name(Evaluator *ev);
Value *django_current_zone(Evaluator *ev);

#endif
