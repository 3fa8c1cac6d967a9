/*
 * Modules: native ones by their dotted name, the program's by their files, all others unknown. Input: import
 * statements. Invariant: a module of the program is evaluated once a compile; one that is being evaluated (a circle)
 * gives the names that it has so far.
 */
#include "compiler/evaluate/internal.h"

ModuleValue *module_new(Evaluator *ev, Slice name) {
    ModuleValue *module = ARENA_NEW(ev->arena, ModuleValue);
    module->head = (Value){builtin_types[VALUE_MODULE], ev->builtins.kinds[VALUE_MODULE]};
    module->name = atom_intern(ev->atoms, name);
    atom_map_init(&module->names, ev->arena);
    return module;
}

void module_define(Evaluator *ev, ModuleValue *module, const char *name, Value *value) {
    namespace_set(ev, &module->names, evaluator_atom(ev, name), value);
}

void module_define_function(Evaluator *ev, ModuleValue *module, const char *name, NativeCall call) {
    module_define(ev, module, name, value_native_function(ev, name, call, NULL));
}

void module_define_all(Evaluator *ev, ModuleValue *module, ModuleValue *from) {
    for (int i = 0; i < from->names.count; i++) {
        Atom name = from->names.entries[i].key;
        if (name && name->text.start[0] != '_') namespace_set(ev, &module->names, name, from->names.entries[i].value);
    }
}

/* ---- native modules ---- */

ModuleValue *evaluator_import(Evaluator *ev, const char *dotted_name) {
    Atom name = atom_lookup(ev->atoms, slice_from(dotted_name));
    if (!name) return NULL;
    const NativeModule *native = atom_map_get(&ev->native_modules, name);
    if (!native) return NULL;
    ModuleValue *module = atom_map_get(&ev->native_loaded, name);
    if (module) return module;
    /* made to last: what it defines is the same for every compile */
    Arena *arena = ev->arena;
    bool journaling = ev->journaling;
    ev->arena = &ev->lasting;
    ev->journaling = false;
    module = module_new(ev, name->text);
    module->native = true;
    atom_map_set(&ev->native_loaded, name, module);
    native->setup(ev, module);
    ev->arena = arena;
    ev->journaling = journaling;
    return module;
}

static void import_dotted_preload(Evaluator *ev, Slice dotted) {
    for (size_t at = 0; at < dotted.length; at++) {
        at += slice_find(slice_sub(dotted, at, dotted.length), '.');
        evaluator_import(ev, slice_terminated(ev->arena, slice_sub(dotted, 0, at)));
    }
}

static void statement_preload(Evaluator *ev, const Node *node) {
    switch (node->kind) {
    case NODE_Import:
        for (int i = 0; i < NODE_AS(Import, node)->names.count; i++)
            import_dotted_preload(ev, NODE_AS(alias, NODE_AS(Import, node)->names.items[i])->name->text);
        break;
    case NODE_ImportFrom: {
        const NodeImportFrom *from = NODE_AS(ImportFrom, node);
        if (from->level || !from->module) break;
        import_dotted_preload(ev, from->module->text);
        for (int i = 0; i < from->names.count; i++)
            import_dotted_preload(ev, slice_format(ev->arena, "%.*s.%.*s", SLICE_ARGS(from->module->text),
                                                   SLICE_ARGS(NODE_AS(alias, from->names.items[i])->name->text)));
        break;
    }
    case NODE_FunctionDef: imports_preload(ev, &NODE_AS(FunctionDef, node)->body); break;
    case NODE_AsyncFunctionDef: imports_preload(ev, &NODE_AS(AsyncFunctionDef, node)->body); break;
    case NODE_ClassDef: imports_preload(ev, &NODE_AS(ClassDef, node)->body); break;
    case NODE_If:
        imports_preload(ev, &NODE_AS(If, node)->body);
        imports_preload(ev, &NODE_AS(If, node)->orelse);
        break;
    case NODE_Try: imports_preload(ev, &NODE_AS(Try, node)->body); break;
    default: break;
    }
}

void imports_preload(Evaluator *ev, const Nodes *body) {
    for (int i = 0; i < body->count; i++) statement_preload(ev, body->items[i]);
}

/* ---- the program's modules ---- */

ProgramSource *program_of_module(Evaluator *ev, const ModuleValue *module) {
    for (int i = 0; i < ev->program_count; i++)
        if (ev->programs[i]->module == module || ev->programs[i]->source == module->source) return ev->programs[i];
    return NULL;
}

static Value *unknown_module(Evaluator *ev, Slice dotted, const Node *site) {
    return value_unknown(ev, dotted, site, NULL);
}

/* A namespace for a package that only has known modules in it ("import shop.models" binds `shop`). */
static ModuleValue *package_module(Evaluator *ev, Slice dotted) {
    Atom name = atom_intern(ev->atoms, dotted);
    ModuleValue *module = atom_map_get(&ev->packages, name);
    if (module) return module;
    module = module_new(ev, dotted);
    module->is_package = true;
    namespace_set(ev, &ev->packages, name, module);
    return module;
}

static Value *import_module(Evaluator *ev, Slice dotted, const Node *site) {
    (void)site;
    ModuleValue *native = evaluator_import(ev, slice_terminated(ev->arena, dotted));
    if (native || ev->error.pending) return native ? &native->head : NULL;
    ProgramSource *from = ev->frame ? program_of_module(ev, ev->frame->scope->module) : NULL;
    ProgramSource *program = program_find(ev, dotted, from);
    if (program) {
        ModuleValue *module = program_import(ev, program);
        return module ? &module->head : NULL;
    }
    return NULL;
}

/* Binds the first component and hangs the rest below it. */
static bool import_dotted(Evaluator *ev, Slice dotted, const Node *site) {
    size_t dot = slice_find(dotted, '.');
    Slice first = slice_sub(dotted, 0, dot);
    Value *whole = import_module(ev, dotted, site);
    if (!whole && ev->error.pending) return false;
    Value *bound = whole;
    if (dot < dotted.length) {
        bound = import_module(ev, first, site);
        if (!bound && whole) {
            ModuleValue *package = package_module(ev, first);
            bound = &package->head;
        }
        for (size_t at = dot; bound && whole && at < dotted.length;) {
            size_t end = at + 1 + slice_find(slice_sub(dotted, at + 1, dotted.length), '.');
            if (end > dotted.length) end = dotted.length;
            Value *part = end == dotted.length ? whole : import_module(ev, slice_sub(dotted, 0, end), site);
            ModuleValue *owner = package_module(ev, slice_sub(dotted, 0, at));
            if (part) namespace_set(ev, &owner->names, atom_intern(ev->atoms, slice_sub(dotted, at + 1, end)), part);
            if (value_is(bound, VALUE_MODULE) && at == dot && part && !((ModuleValue *)bound)->native)
                namespace_set(ev, &((ModuleValue *)bound)->names,
                              atom_intern(ev->atoms, slice_sub(dotted, at + 1, end)), part);
            at = end;
        }
    }
    if (!bound) bound = unknown_module(ev, first, site);
    scope_assign(ev, ev->frame->scope, atom_intern(ev->atoms, first), bound);
    return !ev->error.pending;
}

Flow execute_import(Evaluator *ev, const NodeImport *node) {
    for (int i = 0; i < node->names.count; i++) {
        const Nodealias *alias = NODE_AS(alias, node->names.items[i]);
        if (!alias->asname) {
            if (!import_dotted(ev, alias->name->text, &alias->node)) return FLOW_RAISE;
            continue;
        }
        Value *module = import_module(ev, alias->name->text, &alias->node);
        if (ev->error.pending) return FLOW_RAISE;
        if (!module) module = unknown_module(ev, alias->name->text, &alias->node);
        scope_assign(ev, ev->frame->scope, alias->asname, module);
    }
    return FLOW_NEXT;
}

static void import_star(Evaluator *ev, ModuleValue *from) {
    Value *all = atom_map_get(&from->names, ev->names.all);
    if (all && (value_is(all, VALUE_LIST) || value_is(all, VALUE_TUPLE))) {
        const ListValue *list = (const ListValue *)all;
        for (int i = 0; i < list->count; i++) {
            if (!value_is(list->items[i], VALUE_STRING)) continue;
            Atom name = value_as_atom(ev, list->items[i]);
            Value *value = atom_map_get(&from->names, name);
            if (value) scope_assign(ev, ev->frame->scope, name, value);
        }
        return;
    }
    for (int i = 0; i < from->names.count; i++) {
        Atom name = from->names.entries[i].key;
        if (name && name->text.start[0] != '_') scope_assign(ev, ev->frame->scope, name, from->names.entries[i].value);
    }
}

static void import_later(Evaluator *ev, const ModuleValue *module, Atom name, UnknownValue *unknown) {
    LateImport *late = ARENA_NEW(ev->arena, LateImport);
    *late = (LateImport){module, name, unknown, ev->late_imports};
    evaluator_touch(ev, &ev->late_imports, sizeof ev->late_imports);
    ev->late_imports = late;
}

void imports_complete(Evaluator *ev, const ModuleValue *module) {
    for (LateImport *late = ev->late_imports; late; late = late->next) {
        Value *value = late->module == module ? atom_map_get(&module->names, late->name) : NULL;
        if (!value || late->unknown->resolved || value == &late->unknown->head) continue;
        evaluator_touch(ev, &late->unknown->resolved, sizeof late->unknown->resolved);
        late->unknown->resolved = value;
    }
}

static Value *module_member(Evaluator *ev, Value *module, Slice dotted, Atom name, const Node *site) {
    if (module && value_is(module, VALUE_MODULE)) {
        ModuleValue *known = (ModuleValue *)module;
        Value *found = atom_map_get(&known->names, name);
        if (found) return found;
        if (known->missing) {
            found = known->missing(ev, known, name);
            if (found || ev->error.pending) return found;
        }
    }
    Slice below =
        dotted.length ? slice_format(ev->arena, "%.*s.%.*s", SLICE_ARGS(dotted), SLICE_ARGS(name->text)) : name->text;
    Value *found = import_module(ev, below, site);
    if (found || ev->error.pending) return found;
    bool known = module && value_is(module, VALUE_MODULE);
    bool reported = known && module_report_missing(ev, (const ModuleValue *)module, dotted, name, site);
    found = unknown_free_name(ev, name, NULL, site);
    UnknownValue *unknown = (UnknownValue *)found;
    if (!value_is_unknown(found) || unknown->origin_type) return found;
    if (reported) unknown->origin_type = &reported_origin;
    if (known && !reported) import_later(ev, (const ModuleValue *)module, name, unknown);
    if (known) return found;
    unknown->origin_type = &import_origin;
    unknown->origin = ARENA_NEW(ev->arena, Slice);
    *(Slice *)unknown->origin = dotted;
    return found;
}

static Slice relative_name(Evaluator *ev, const ProgramSource *from, const NodeImportFrom *node) {
    Buffer out;
    buffer_init(&out, ev->arena);
    int base = from ? from->part_count - node->level : 0;
    for (int i = 0; i < base; i++) buffer_format(&out, "%s%.*s", i ? "." : "", SLICE_ARGS(from->parts[i]));
    if (node->module) buffer_format(&out, "%s%.*s", out.length ? "." : "", SLICE_ARGS(node->module->text));
    return buffer_view(&out);
}

Flow execute_import_from(Evaluator *ev, const NodeImportFrom *node) {
    Slice dotted = node->module ? node->module->text : (Slice){"", 0};
    ProgramSource *from = program_of_module(ev, ev->frame->scope->module);
    Value *module = NULL;
    if (node->level > 0) {
        ProgramSource *program = from ? program_find_relative(ev, from, node->level, dotted) : NULL;
        if (!program && !from) program = program_find(ev, dotted, NULL);
        if (program) {
            ModuleValue *imported = program_import(ev, program);
            module = imported ? &imported->head : NULL;
        }
        if (from) dotted = relative_name(ev, from, node);
    } else module = import_module(ev, dotted, &node->node);
    if (ev->error.pending) return FLOW_RAISE;
    for (int i = 0; i < node->names.count; i++) {
        const Nodealias *alias = NODE_AS(alias, node->names.items[i]);
        if (slice_equals_text(alias->name->text, "*")) {
            if (module) import_star(ev, (ModuleValue *)module);
            else ev->frame->scope->module->open = true;
            continue;
        }
        Value *value = module_member(ev, module, dotted, alias->name, &alias->node);
        if (!value) return FLOW_RAISE;
        scope_assign(ev, ev->frame->scope, alias->asname ? alias->asname : alias->name, value);
    }
    return FLOW_NEXT;
}
