/*
 * What the query half adds to Django's modules when they are first imported, and its state.
 */
#include "compiler/django/django.h"
#include "compiler/django/expression_classes.h"
#include "compiler/django/function_table.h"
#include "compiler/django/manager.h"
#include "compiler/django/prefetch.h"
#include "compiler/django/query_state.h"
#include "compiler/django/type_lookups.h"
#include "compiler/django/types_query.h"

DjQueryState *dj_state(Evaluator *ev) {
    DjState *state = django_state(ev);
    if (!state->query) {
        DjQueryState *query = ARENA_NEW(evaluator_arena(ev), DjQueryState);
        atom_map_init(&query->function_classes, evaluator_arena(ev));
        atom_map_init(&query->registered, evaluator_arena(ev));
        state->query = query;
    }
    return state->query;
}

DjField *dj_plain_field(Evaluator *ev, FieldKind kind) { return dj_state(ev)->fields[kind]; }

static bool module_is(const ModuleValue *module, const char *name) {
    return slice_equals_text(module->name->text, name);
}

/* Everything hangs on django.db.models: its classes are made once, at its first import. */
static void define_core(Evaluator *ev, ModuleValue *module) {
    DjQueryState *state = dj_state(ev);
    dj_expressions_define(ev, module);
    dj_functions_define(ev, module, true, false);
    dj_managers_define(ev, module);
    dj_prefetch_define(ev, module);
    dj_lookup_classes_define(ev, module);
    dj_json_define(ev, module);
    for (int kind = FIELD_OBJECT + 1; kind < FIELD_KIND_COUNT; kind++)
        if (django_state(ev)->field_classes[kind]) state->fields[kind] = field_new(ev, (FieldKind)kind);
}

/* Window frames' exclusions. */
static void define_frame_exclusions(Evaluator *ev, ModuleValue *module) {
    NativeClass spec = {.name = "WindowFrameExclusion"};
    Class *cls = module_define_class(ev, module, &spec, NULL);
    static const char *const names[] = {"CURRENT_ROW", "GROUP", "TIES", "NO_OTHERS"};
    static const char *const texts[] = {"CURRENT ROW", "GROUP", "TIES", "NO OTHERS"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        atom_map_set(&cls->names, atom_intern_text(evaluator_atoms(ev), names[i]),
                     value_string(ev, slice_from(texts[i])));
}

void django_define_queries(Evaluator *ev, ModuleValue *module) {
    if (module_is(module, "django.db.models") && !dj_state(ev)->expression_class) {
        define_core(ev, module);
        define_frame_exclusions(ev, module);
        return;
    }
    if (!dj_state(ev)->expression_class) return;
    if (module_is(module, "django.db.models.functions") ||
        slice_starts_with(module->name->text, "django.db.models.functions."))
        dj_functions_define(ev, module, false, true);
    if (slice_starts_with(module->name->text, "django.contrib.postgres")) dj_postgres_define(ev, module);
    if (module_is(module, "django.contrib.contenttypes.prefetch")) dj_generic_prefetch_define(ev, module);
    if (module_is(module, "django.shortcuts")) dj_shortcuts_define(ev, module);
}
