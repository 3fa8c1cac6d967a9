/*
 * What the files of the model half share with each other and with nobody else: making fields, models and relations.
 */
#ifndef ORMC_DJANGO_MODEL_BUILD_H
#define ORMC_DJANGO_MODEL_BUILD_H

#include "compiler/base/digest.h"
#include "compiler/django/django.h"
#include "compiler/django/instance.h"

/* ---- small readings of values ---- */

static inline bool value_is_text(const Value *value) { return value && value->type->kind == VALUE_STRING; }
/* Text of a str (also of a translated one), else empty. */
Slice value_text_or_empty(const Value *value);
bool value_truthy(Evaluator *ev, Value *value);
/* A function, a method or a class. */
bool value_is_callable(const Value *value);
Atom django_atom(Evaluator *ev, const char *text);
Atom django_atom_format(Evaluator *ev, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* A setting as text: --setting, the project's, else `fallback`. */
Slice django_setting_text(Evaluator *ev, const char *name, const char *fallback);
/* Items of a list or tuple value; a single string counts as one item where `single`. Count, or -1. */
int value_items(Value *value, Value ***items);
/* A lower-cased copy (ASCII). */

/* ---- classes ---- */

void exceptions_define(Evaluator *ev, ModuleValue *module);
typedef enum FieldsOf { FIELDS_MODELS, FIELDS_POSTGRES, FIELDS_SEARCH, FIELDS_CONTENTTYPES } FieldsOf;
void fields_define(Evaluator *ev, ModuleValue *module, FieldsOf home);
void models_define(Evaluator *ev, ModuleValue *module);      /* Model, on_delete functions */
void constraints_define(Evaluator *ev, ModuleValue *module); /* Index, UniqueConstraint, CheckConstraint, Deferrable */
void choices_define(Evaluator *ev, ModuleValue *module);     /* Choices, TextChoices, IntegerChoices */

/* ---- fields ---- */

FieldKind field_kind_named(Slice class_name);
/* A deep copy, as an abstract base's field gets for each child. */
DjField *field_copy(Evaluator *ev, DjField *field);
DjField *field_create_kind(Evaluator *ev, FieldKind kind, bool auto_created);
/* Django's contribute_to_class: name, attname, column, place in the model's lists, relation. False: raised. */
bool field_contribute(Evaluator *ev, DjField *field, DjModel *model, Atom name);
Value *field_get_attribute(Evaluator *ev, Value *self, Atom name, const Node *site);
/* An option by its keyword; false: no such option (nothing raised). */
bool field_set_option(Evaluator *ev, DjField *field, Slice name, Value *value);
/* "did you mean": the option that a wrong keyword may stand for, as help of the error that was raised. */
void field_option_suggest(Evaluator *ev, Slice name);
/* The keywords of a constructor's positional parameters, in order, a blank between two. */
const char *field_positional(FieldKind kind);

/* ---- relations ---- */

/* Related names of a field that got its model; creates the through model of a ManyToManyField. */
bool relation_contribute(Evaluator *ev, DjField *field);
/* Looks the other end up; true when everything is known. */
bool relation_resolve(Evaluator *ev, DjField *field);

/* ---- app_config.c ---- */
/* What the AppConfig of the module's package says, where --models gave no label; NULL: nothing. */
Atom app_config_label(Evaluator *ev, const ModuleValue *module);
void relations_resolve_pending(Evaluator *ev);
OnDelete on_delete_of_value(Value *value);
Value *related_attribute(Evaluator *ev, DjModel *model, Atom name);

/* ---- models ---- */

bool model_subclassed(Evaluator *ev, Class *cls, const Arguments *class_keywords);
/* Makes and registers a model without a class statement (automatic through models). `fields` are contributed in
 * order under their names. */
DjModel *model_create_automatic(Evaluator *ev, DjField *for_field, DjModel *from);
/* Managers of the class and its bases, in Django's order; `objects` where there is none. */
void managers_attach(Evaluator *ev, DjModel *model);
/* Names of constraints and indexes: %(class)s is put in, indexes without name get one. */
void constraints_name(Evaluator *ev, DjModel *model);
/* A model of an installed contrib app whose source has to be read first; NULL: none. */
DjModel *contrib_model(Evaluator *ev, Slice app_label, Slice model_name);
Value *model_class_attribute(Evaluator *ev, Class *cls, Atom name, const Node *site);
Value *model_meta_value(Evaluator *ev, DjModel *model);

/* ---- instances ---- */

Value *instance_create(Evaluator *ev, Class *cls, const Arguments *arguments);
Value *instance_unknown_of_class(Evaluator *ev, Class *cls, Slice text, const Node *node);
extern const NativeMethod model_methods[];

#endif
