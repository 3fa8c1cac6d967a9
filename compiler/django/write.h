/*
 * Writes: INSERT, UPDATE and DELETE as Django's save(), create(), delete() and the managers send them.
 */
#ifndef ORMC_DJANGO_WRITE_H
#define ORMC_DJANGO_WRITE_H

#include "compiler/django/instance.h"

/* Methods of instances. */
Value *instance_save(Evaluator *ev, Value *self, const Arguments *arguments);
Value *instance_delete(Evaluator *ev, Value *self, const Arguments *arguments);
Value *instance_refresh(Evaluator *ev, Value *self, const Arguments *arguments);
Value *instance_next(Evaluator *ev, Value *self, const Arguments *arguments); /* get_next_by_…; data: the field */
Value *instance_previous(Evaluator *ev, Value *self, const Arguments *arguments);

/* The id of a model's content type: an unknown bound to the look-up that Django sends for it, a number where rows are
 * known. */
Value *content_type_id(Evaluator *ev, DjModel *model, const Node *site);
/* The model of a content type whose id is known. NULL: there is none, or an error is pending. */
DjModel *content_type_model(Evaluator *ev, Value *id, const Node *site);
/* What a field with db_default holds until it is saved. */
Value *database_default(Evaluator *ev, DjField *field);
bool value_is_database_default(const Value *value);
/* Field.empty_strings_allowed */
bool field_takes_empty_text(const DjField *field);
Value *field_default(Evaluator *ev, DjField *field, const Node *site);

/* get_next_in_order, get_answer_order … as methods of the model's instances, with what they need; NULL: none of them.
 */
NativeCall ordered_method(DjModel *model, Slice name, void **data);
/* The next value of `_order` among the objects of the same owner. NULL: raised. */
Value *order_next_value(Evaluator *ev, DjInstance *instance, DjModel *model, DjField *owner, const Node *site);

#endif
