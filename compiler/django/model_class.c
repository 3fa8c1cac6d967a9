/*
 * The class django.db.models.Model, the on_delete functions, and the contrib apps' models.
 *
 * Invariant: a contrib app's module is evaluated once, from the text in compiler/django/contrib, when something imports
 * it or a relation names one of its models.
 */
#include "compiler/django/contrib.h"
#include "compiler/django/model_build.h"
#include "compiler/django/settings.h"

static Value *on_delete_set(Evaluator *ev, Value *self, const Arguments *arguments) {
    (void)self;
    Value *function = value_native_function(ev, "SET", django_ignore, NULL);
    if (arguments->count) ((NativeFunctionValue *)function)->data = arguments->items[0];
    return function;
}

void models_define(Evaluator *ev, ModuleValue *module) {
    DjState *state = django_state(ev);
    NativeClass spec = {.name = "Model",
                        .instance_type = &django_instance_type,
                        .methods = model_methods,
                        .create = instance_create,
                        .subclassed = model_subclassed,
                        .class_attribute = model_class_attribute,
                        .unknown_instance = instance_unknown_of_class};
    state->model_class = module_define_class(ev, module, &spec, NULL);
    static const char *const on_delete[] = {"CASCADE", "PROTECT", "RESTRICT", "SET_NULL", "SET_DEFAULT", "DO_NOTHING"};
    for (size_t i = 0; i < sizeof on_delete / sizeof *on_delete; i++)
        module_define_function(ev, module, on_delete[i], django_ignore);
    module_define_function(ev, module, "SET", on_delete_set);
}

/* ---- contrib ---- */

static const ContribSource *contrib_source(Slice app) {
    for (const ContribSource *source = contrib_sources; source->app; source++)
        if (slice_equals_text(app, source->app)) return source;
    return NULL;
}

/* django.contrib.auth.models → auth */
static Slice contrib_app(Slice module) {
    static const char prefix[] = "django.contrib.";
    if (!slice_starts_with(module, prefix)) return (Slice){"", 0};
    Slice rest = slice_sub(module, sizeof prefix - 1, module.length);
    return slice_sub(rest, 0, slice_find(rest, '.'));
}

void contrib_setup(Evaluator *ev, ModuleValue *module) {
    Slice app = contrib_app(module->name->text);
    const ContribSource *source = contrib_source(app);
    if (!source) return;
    django_state_prepare(ev);
    module->label = app;
    module_run_text(ev, module, slice_format(evaluator_arena(ev), "django/contrib/%s/models.py", source->app),
                    (Slice){source->text, source->length});
}

DjModel *contrib_model(Evaluator *ev, Slice app_label, Slice model_name) {
    const ContribSource *source = contrib_source(app_label);
    if (!source) return NULL;
    Slice module = slice_format(evaluator_arena(ev), "django.contrib.%s.models", source->app);
    DjState *state = django_state(ev);
    int known = state->contrib.count;
    evaluator_import(ev, slice_terminated(evaluator_arena(ev), module));
    for (int i = known; i < state->contrib.count; i++) {
        DjModel *model = state->contrib.items[i];
        if (slice_equals(model->app_label->text, app_label) && slice_equals(model->model_name->text, model_name))
            return model;
    }
    return NULL;
}
