/*
 * The Django family: which modules there are, and what their first import defines.
 *
 * Invariant: names that several modules share (django.db.models and its parts) are the same objects in each.
 *
 * Example: `from django.db.models.fields.json import JSONField` gives what `models.JSONField` is.
 */
#include "compiler/django/constraints.h"
#include "compiler/django/contrib.h"
#include "compiler/django/guess.h"
#include "compiler/django/model_build.h"
#include "compiler/django/range.h"
#include "compiler/django/raw.h"
#include "compiler/django/schema.h"
#include "compiler/django/settings.h"

static void setup_empty(Evaluator *ev, ModuleValue *module) { django_define_queries(ev, module); }

/* It needs the classes of django.db.models, whether or not the program imports those first. */
static void setup_part(Evaluator *ev, ModuleValue *module) {
    django_state_prepare(ev);
    django_define_queries(ev, module);
}

static void setup_exceptions(Evaluator *ev, ModuleValue *module) {
    exceptions_define(ev, module);
    django_define_queries(ev, module);
}

static void setup_fields(Evaluator *ev, ModuleValue *module) { fields_define(ev, module, FIELDS_MODELS); }

static void setup_models(Evaluator *ev, ModuleValue *module) {
    exceptions_define(ev, module);
    models_define(ev, module);
    module_define_all(ev, module, evaluator_import(ev, "django.db.models.fields"));
    constraints_define(ev, module);
    choices_define(ev, module);
    module_define(ev, module, "ObjectDoesNotExist", (Value *)django_state(ev)->object_does_not_exist);
    django_define_queries(ev, module);
}

static void setup_models_alias(Evaluator *ev, ModuleValue *module) {
    django_state_prepare(ev);
    module_define_all(ev, module, evaluator_import(ev, "django.db.models"));
    django_define_queries(ev, module);
}

static void setup_db(Evaluator *ev, ModuleValue *module) {
    static const char *const submodules[] = {"models", "transaction", "utils"};
    django_state_prepare(ev);
    module_define_all(ev, module, evaluator_import(ev, "django.db.utils"));
    for (size_t i = 0; i < sizeof submodules / sizeof *submodules; i++) {
        Slice name = slice_format(evaluator_arena(ev), "django.db.%s", submodules[i]);
        module_define(ev, module, submodules[i],
                      (Value *)evaluator_import(ev, slice_terminated(evaluator_arena(ev), name)));
    }
    module_define(ev, module, "connection", dj_connection(ev));
    module_define(ev, module, "connections", value_unknown(ev, SLICE("connections"), NULL, NULL));
    module_define(ev, module, "DEFAULT_DB_ALIAS", value_string(ev, SLICE("default")));
    django_define_queries(ev, module);
}

static void setup_transaction(Evaluator *ev, ModuleValue *module) {
    evaluator_import(ev, "django.db.utils");
    exceptions_define(ev, module);
    transaction_define(ev, module);
}

static void setup_ranges(Evaluator *ev, ModuleValue *module) {
    ModuleValue *fields = evaluator_import(ev, "django.contrib.postgres.fields");
    if (fields) module_define_all(ev, module, fields);
}

static void setup_postgres_fields(Evaluator *ev, ModuleValue *module) {
    django_state_prepare(ev);
    fields_define(ev, module, FIELDS_POSTGRES);
    ranges_define(ev, module);
    django_define_queries(ev, module);
}

static void setup_postgres_search(Evaluator *ev, ModuleValue *module) {
    django_state_prepare(ev);
    fields_define(ev, module, FIELDS_SEARCH);
    django_define_queries(ev, module);
}

static void setup_postgres_indexes(Evaluator *ev, ModuleValue *module) {
    django_state_prepare(ev);
    postgres_indexes_define(ev, module);
    django_define_queries(ev, module);
}

static void setup_postgres_constraints(Evaluator *ev, ModuleValue *module) {
    django_state_prepare(ev);
    postgres_constraints_define(ev, module);
    django_define_queries(ev, module);
}

static void setup_contenttypes_fields(Evaluator *ev, ModuleValue *module) {
    django_state_prepare(ev);
    fields_define(ev, module, FIELDS_CONTENTTYPES);
    django_define_queries(ev, module);
}

/* auth.base_user, sessions.base_session, sites.managers have part of what the text of the app's models defines. */
static void setup_contrib_part(Evaluator *ev, ModuleValue *module) {
    Slice name = module->name->text, app = name;
    while (app.length && app.start[app.length - 1] != '.') app.length--;
    ModuleValue *models = evaluator_import(
        ev, slice_terminated(evaluator_arena(ev), slice_format(evaluator_arena(ev), "%.*smodels", SLICE_ARGS(app))));
    if (models) module_define_all(ev, module, models);
}

static void setup_json_encoder(Evaluator *ev, ModuleValue *module) {
    NativeClass spec = {.name = "DjangoJSONEncoder"};
    module_define_class(ev, module, &spec, NULL);
}

static const NativeModule django_modules[] = {
#define MODULE(name, setup) {name, setup},
#include "compiler/django/modules.def"
#undef MODULE
    {NULL, NULL}};

static const char *const django_free_names[] = {"django.db.models",
                                                "django.db.models.functions",
                                                "django.db.models.lookups",
                                                "django.db.models.expressions",
                                                "django.db.models.fields.json",
                                                "django.contrib.auth.models",
                                                "django.contrib.contenttypes.models",
                                                "django.contrib.sessions.models",
                                                "django.contrib.sites.models",
                                                "django.contrib.admin.models",
                                                NULL};

static void *django_create_state(Evaluator *ev) {
    DjState *state = ARENA_NEW(evaluator_arena(ev), DjState);
    state->generation = 1;
    return state;
}

/* Relations by name may point at apps that nothing has imported. */
static bool django_models_loaded(Evaluator *ev) {
    DjState *state = django_state(ev);
    if (!state->model_class || !state->models.count) return true;
    static const char *const installed[] = {"contenttypes", "auth", "sites", "sessions", "admin"};
    for (size_t i = 0; i < sizeof installed / sizeof *installed; i++) {
        Slice name = slice_format(evaluator_arena(ev), "django.contrib.%s.models", installed[i]);
        evaluator_import(ev, slice_terminated(evaluator_arena(ev), name));
    }
    relations_resolve_pending(ev);
    for (int i = 0; i < state->models.count; i++) model_prepare(ev, state->models.items[i]);
    for (int i = 0; i < state->contrib.count; i++) model_prepare(ev, state->contrib.items[i]);
    return !evaluator_error_pending(ev);
}

const NativeFamily django_family = {.name = "django",
                                    .is_lazy = true,
                                    .modules = django_modules,
                                    .free_names = django_free_names,
                                    .create_state = django_create_state,
                                    .models_loaded = django_models_loaded,
                                    .execute_value = django_execute_value,
                                    .guess_name = django_guess_name,
                                    .adopt_unknown = django_adopt_unknown,
                                    .emit_schema = django_emit_schema,
                                    .describe_models = django_describe_models};
