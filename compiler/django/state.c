/*
 * The state of the Django family in one evaluator: exception classes, Model, the field classes, the registered models.
 *
 * Invariant: django_state_prepare has imported the modules that define these classes before any of them is used.
 */
#include <stdio.h>

#include "compiler/django/model_build.h"

DjState *django_state(Evaluator *ev) { return evaluator_state(ev, &django_family); }

void exceptions_define(Evaluator *ev, ModuleValue *module) {
    DjState *state = django_state(ev);
    Slice here = module->name->text;
    bool fresh = !state->database_error && slice_equals_text(here, "django.db.utils");
#define X(member, text, home, base, number)                                                                            \
    if (!state->member && slice_equals_text(here, home)) {                                                             \
        Class *const *parent = base;                                                                                   \
        state->member = module_define_exception(                                                                       \
            ev, module, text, parent && *parent ? *parent : evaluator_exception(ev, EXCEPTION_EXCEPTION),              \
            CODE_##number);                                                                                            \
    }
    DJANGO_EXCEPTIONS(X)
#undef X
    if (!fresh) return;
    /* what the database itself refuses is the evaluator's own */
    evaluator_exception_join(ev, EXCEPTION_DATABASE, state->database_error);
    evaluator_exception_join(ev, EXCEPTION_INTEGRITY, state->integrity_error);
    evaluator_exception_join(ev, EXCEPTION_OPERATIONAL, state->operational_error);
}

void django_state_prepare(Evaluator *ev) {
    DjState *state = django_state(ev);
    if (state->model_class && state->transaction_management_error) return;
    static const char *const modules[] = {"django.core.exceptions", "django.db.utils", "django.db.transaction",
                                          "django.db.models.fields", "django.db.models"};
    for (size_t i = 0; i < sizeof modules / sizeof *modules; i++) evaluator_import(ev, modules[i]);
}

unsigned django_generation(const DjState *state) { return state->generation + ((unsigned)state->contrib.count << 16); }

const Models *django_models(Evaluator *ev) { return &django_state(ev)->models; }

Slice value_text_or_empty(const Value *value) { return value_is_text(value) ? value_text(value) : (Slice){"", 0}; }

bool value_truthy(Evaluator *ev, Value *value) { return value && value_truth(ev, value, NULL) == TRUTH_TRUE; }

bool value_is_callable(const Value *value) {
    ValueKind kind = value->type->kind;
    return kind == VALUE_FUNCTION || kind == VALUE_NATIVE_FUNCTION || kind == VALUE_METHOD || kind == VALUE_CLASS;
}

Atom django_atom(Evaluator *ev, const char *text) { return atom_intern_text(evaluator_atoms(ev), text); }

Atom django_atom_format(Evaluator *ev, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    Slice text = slice_format_list(evaluator_arena(ev), format, arguments);
    va_end(arguments);
    return atom_intern(evaluator_atoms(ev), text);
}

Slice django_setting_text(Evaluator *ev, const char *name, const char *fallback) {
    Value *value = evaluator_setting(ev, name);
    return value_is_text(value) ? value_text(value) : slice_from(fallback);
}

int value_items(Value *value, Value ***items) {
    if (!value || (value->type->kind != VALUE_LIST && value->type->kind != VALUE_TUPLE)) return -1;
    *items = ((ListValue *)value)->items;
    return ((ListValue *)value)->count;
}
