/*
 * The Django family of native modules, and the state both halves (models, queries) share in one evaluator.
 */
#ifndef ORMC_DJANGO_DJANGO_H
#define ORMC_DJANGO_DJANGO_H

#include "compiler/django/model.h"

extern const NativeFamily django_family;

/* django.core.exceptions and django.db.utils: X(member, Python name, module, base member, code) */
#define DJANGO_EXCEPTIONS(X)                                                                                           \
    X(object_does_not_exist, "ObjectDoesNotExist", "django.core.exceptions", NULL, DOES_NOT_EXIST)                     \
    X(multiple_objects_returned, "MultipleObjectsReturned", "django.core.exceptions", NULL, VALUE_ERROR)               \
    X(field_does_not_exist, "FieldDoesNotExist", "django.core.exceptions", NULL, FIELD_ERROR)                          \
    X(field_error, "FieldError", "django.core.exceptions", NULL, FIELD_ERROR)                                          \
    X(validation_error, "ValidationError", "django.core.exceptions", NULL, VALUE_ERROR)                                \
    X(improperly_configured, "ImproperlyConfigured", "django.core.exceptions", NULL, VALUE_ERROR)                      \
    X(permission_denied, "PermissionDenied", "django.core.exceptions", NULL, VALUE_ERROR)                              \
    X(suspicious_operation, "SuspiciousOperation", "django.core.exceptions", NULL, VALUE_ERROR)                        \
    X(empty_result_set, "EmptyResultSet", "django.core.exceptions", NULL, VALUE_ERROR)                                 \
    X(full_result_set, "FullResultSet", "django.core.exceptions", NULL, VALUE_ERROR)                                   \
    X(synchronous_only, "SynchronousOnlyOperation", "django.core.exceptions", NULL, TYPE_ERROR)                        \
    X(any_database_error, "Error", "django.db.utils", NULL, DATABASE_ERROR)                                            \
    X(interface_error, "InterfaceError", "django.db.utils", &state->any_database_error, DATABASE_ERROR)                \
    X(database_error, "DatabaseError", "django.db.utils", &state->any_database_error, NOT_SUPPORTED)                   \
    X(integrity_error, "IntegrityError", "django.db.utils", &state->database_error, DATABASE_ERROR)                    \
    X(operational_error, "OperationalError", "django.db.utils", &state->database_error, NOT_SUPPORTED)                 \
    X(programming_error, "ProgrammingError", "django.db.utils", &state->database_error, NOT_SUPPORTED)                 \
    X(data_error, "DataError", "django.db.utils", &state->database_error, NOT_SUPPORTED)                               \
    X(internal_error, "InternalError", "django.db.utils", &state->database_error, NOT_SUPPORTED)                       \
    X(not_supported_error, "NotSupportedError", "django.db.utils", &state->database_error, NOT_SUPPORTED)              \
    X(protected_error, "ProtectedError", "django.db.models", &state->integrity_error, NOT_SUPPORTED)                   \
    X(restricted_error, "RestrictedError", "django.db.models", &state->integrity_error, NOT_SUPPORTED)                 \
    X(transaction_management_error, "TransactionManagementError", "django.db.transaction", &state->programming_error,  \
      NOT_SUPPORTED)                                                                                                   \
    X(app_registry_not_ready, "AppRegistryNotReady", "django.core.exceptions", NULL, VALUE_ERROR)

typedef struct DjState {
#define X(member, name, module, base, code) Class *member;
    DJANGO_EXCEPTIONS(X)
#undef X
    Models models;      /* of the program, in order of registration */
    Models contrib;     /* of contrib apps: they last as long as the evaluator */
    AtomMap by_label;   /* "app.model" lower case → DjModel* */
    Class *model_class; /* django.db.models.Model */
    Class *field_classes[FIELD_KIND_COUNT];
    Fields pending; /* relations whose other end does not exist yet */
    int creation, auto_creation;
    bool automatic;                    /* a through model's class is being made: no class statement */
    bool resolving;                    /* relations_resolve_pending is at work */
    unsigned pending_generation;       /* at the last attempt to resolve what is pending */
    unsigned tree_generation;          /* when own_related of all models was filled */
    unsigned generation;               /* grows when a model or a relation is added: caches in _meta are older then */
    int transaction_depth, savepoints; /* blocks that are open; savepoints made so far */
    AtomMap content_types;             /* label → Value*: ids that were looked up */
    void *query;                       /* state of the query half */
} DjState;

/* Changes whenever a model or a relation is added. */
unsigned django_generation(const DjState *state);

/* ---- provided by the query half ---- */

/* Adds managers, querysets, expressions and functions to a module at its first import; by module->name. */
void django_define_queries(Evaluator *ev, ModuleValue *module);
/* NativeFamily.execute_value */
bool django_execute_value(Evaluator *ev, Value *value, const Node *site);

DjState *django_state(Evaluator *ev);
/* Exceptions and the classes both halves need exist after this; called by every setup. */
void django_state_prepare(Evaluator *ev);

#endif
