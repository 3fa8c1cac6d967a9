/*
 * Entry points: every function and method that a program file defines at module or class level is evaluated on
 * its own, with parameters that are unknown but for their annotations, defaults and --set. Input: what the
 * definitions noted. Output: executions in the trace.
 */
#include "compiler/evaluate/internal.h"

static bool module_is_program(Evaluator *ev, const ModuleValue *module) {
    const ProgramSource *program = program_of_module(ev, module);
    return program && program->role == SOURCE_PROGRAM;
}

static void entry_add(Evaluator *ev, EntryPoint entry) {
    const Node *node = entry.function ? entry.function->node : entry.cls->node;
    const Pair *known = pair_find(&ev->entry_places, node, 0);
    for (int i = 1; entry.cls && i < entry.cls->mro_count; i++)
        if (class_is_user(entry.cls->mro[i])) pair_place(&ev->entry_bases, &ev->keep, entry.cls->mro[i], 0);
    if (known) {
        ev->entries[known->value] = entry;
        return;
    }
    pair_place(&ev->entry_places, &ev->keep, node, 0)->value = ev->entry_count;
    ARENA_PUSH(&ev->keep, ev->entries, ev->entry_count, ev->entry_capacity) = entry;
}

void entry_note(Evaluator *ev, FunctionValue *function) {
    if (!ev->path.exploring || ev->frame->scope->kind != SCOPE_MODULE) return;
    if (module_is_program(ev, function->module))
        entry_add(ev, (EntryPoint){.function = function, .module = function->module});
}

void entry_note_class(Evaluator *ev, Class *cls) {
    if (!ev->path.exploring || ev->frame->scope->kind != SCOPE_MODULE) return;
    if (module_is_program(ev, cls->defined_in)) entry_add(ev, (EntryPoint){.cls = cls, .module = cls->defined_in});
}

typedef struct EntryRun {
    FunctionValue *function;
    Class *cls; /* of which self is an instance; NULL: a plain function */
    ValueKind binding;
    bool quiet;
} EntryRun;

/* What __init__ sets with unknown parameters is what a method finds. */
static Value *entry_self(Evaluator *ev, const EntryRun *run) {
    if (!run->cls || run->binding == VALUE_STATICMETHOD) return NULL;
    if (run->binding == VALUE_CLASSMETHOD) return &run->cls->head;
    Value *self = value_unknown_instance(ev, run->cls, SLICE("self"), run->function->node);
    if (!self) {
        evaluator_clear_error(ev);
        return value_unknown(ev, SLICE("self"), run->function->node, &run->cls->head);
    }
    Value *init = self->type == &open_instance_type ? class_find(run->cls, ev->names.init) : NULL;
    if (init && value_is(init, VALUE_FUNCTION) && ((FunctionValue *)init)->node != run->function->node) {
        FunctionValue *function = (FunctionValue *)init;
        Scope *scope = function_entry_scope(ev, function, self);
        if (!scope || !function_run(ev, function, scope, NULL, function->node)) evaluator_clear_error(ev);
    }
    return self;
}

static void entry_run_path(Evaluator *ev, void *data) {
    const EntryRun *run = data;
    Frame frame = {.scope = run->function->scope};
    ev->frame = &frame;
    DiagnosticList ignored, *reporting = ev->reporting;
    if (run->quiet) {
        diagnostics_init(&ignored, ev->arena);
        ev->reporting = &ignored;
    }
    Value *self = entry_self(ev, run);
    Scope *scope = function_entry_scope(ev, run->function, self);
    Value *result = scope ? function_run(ev, run->function, scope, NULL, run->function->node) : NULL;
    if (result) {
        const Node *site = ev->return_site ? ev->return_site : run->function->node;
        execute_escaping(ev, result, site, 0);
    }
    if (ev->error.pending) evaluator_report_error(ev);
    trace_flush_pending(ev);
    if (ev->error.pending) evaluator_report_error(ev);
    ev->reporting = reporting;
    ev->frame = NULL;
}

/* What a module body calls has been evaluated with what it is called with. */
static void entry_run(Evaluator *ev, EntryRun run) {
    if (trace_is_covered(ev, run.function->node)) return;
    ev->entry_node = run.function->node;
    ev->entry_class = run.cls;
    int executed = ev->execution_count;
    evaluator_explore(ev, entry_run_path, &run, run.function->node);
    if (ev->execution_count == executed) pair_place(&ev->idle_runs, &ev->keep, run.function->node, 0)->value++;
    ev->entry_node = NULL;
    ev->entry_class = NULL;
}

static FunctionValue *method_function(Value *value, ValueKind *binding) {
    *binding = value->type->kind;
    if (value_is(value, VALUE_CLASSMETHOD) || value_is(value, VALUE_STATICMETHOD))
        value = ((WrapperValue *)value)->function;
    else if (value_is(value, VALUE_PROPERTY)) value = ((PropertyValue *)value)->getter;
    return value && value_is(value, VALUE_FUNCTION) ? (FunctionValue *)value : NULL;
}

/* An inherited method that has executed nothing in several classes: what it calls of theirs is an entry point itself.
 */
static bool method_is_idle(const Evaluator *ev, const FunctionValue *function) {
    enum { IDLE_RUNS = 3 };
    const Pair *runs = pair_find(&ev->idle_runs, function->node, 0);
    return runs && runs->value >= IDLE_RUNS;
}

/* The class's own methods; and those of its bases that it inherits, since what they call may be its own. */
static void class_run(Evaluator *ev, Class *cls) {
    bool quiet = pair_find(&ev->entry_bases, cls, 0) != NULL;
    for (int i = 0; i < cls->mro_count; i++) {
        Class *owner = cls->mro[i];
        if (!class_is_user(owner)) continue;
        if (i && !(owner->defined_in && module_is_program(ev, owner->defined_in))) continue;
        for (int j = 0; j < owner->names.count; j++) {
            ValueKind binding;
            FunctionValue *function = method_function(owner->names.entries[j].value, &binding);
            if (!function || function->owner != owner ||
                (i && class_find(cls, owner->names.entries[j].key) != owner->names.entries[j].value))
                continue;
            if (i && method_is_idle(ev, function)) continue;
            entry_run(ev, (EntryRun){function, cls, binding, quiet});
        }
    }
}

void entries_run(Evaluator *ev, ProgramSource *program) {
    for (int i = 0; i < ev->entry_count; i++) {
        EntryPoint entry = ev->entries[i];
        if (entry.module != program->module) continue;
        if (entry.function) entry_run(ev, (EntryRun){.function = entry.function});
        else class_run(ev, entry.cls);
    }
}
