/*
 * The evaluator's life: creation, loading of models, one compile after the other. See evaluator.h.
 * Invariant: after evaluator_begin the world is as evaluator_load left it, and scratch memory is empty.
 */
#include "compiler/evaluate/internal.h"

#include <assert.h>

enum { STEPS_DEFAULT = 300000, STEPS_A_BYTE = 2, RUN_FACTOR = 1000, CALL_DEPTH_DEFAULT = 120, PATHS_DEFAULT = 128 };

Atom evaluator_atom(Evaluator *ev, const char *text) { return atom_intern(ev->atoms, slice_from(text)); }
Arena *evaluator_arena(Evaluator *ev) { return ev->arena; }
Arena *evaluator_lasting_arena(Evaluator *ev) { return &ev->lasting; }
AtomTable *evaluator_atoms(Evaluator *ev) { return ev->atoms; }
const struct Dialect *evaluator_dialect(Evaluator *ev) { return ev->dialect; }
bool evaluator_has_rows(const Evaluator *ev) { return ev->host.has_rows; }
Class *evaluator_builtin_class(Evaluator *ev, ValueKind kind) { return ev->builtins.kinds[kind]; }
Class *evaluator_object_class(Evaluator *ev) { return ev->builtins.object; }
const FunctionValue *evaluator_function(const Evaluator *ev) { return ev->frame ? ev->frame->function : NULL; }
const DiagnosticList *evaluator_load_diagnostics(const Evaluator *ev) { return &ev->load_diagnostics; }
DiagnosticList *evaluator_diagnostics(Evaluator *ev) { return &ev->diagnostics; }
Slice evaluator_engine_dialect(const Evaluator *ev) { return ev->engine_dialect; }

void evaluator_set_engine_dialect(Evaluator *ev, Slice name) {
    evaluator_touch(ev, &ev->engine_dialect, sizeof ev->engine_dialect);
    ev->engine_dialect = name;
}

void evaluator_set_inline(Evaluator *ev, bool inlined) { ev->inlined = inlined; }
bool evaluator_inlines(const Evaluator *ev) { return ev->inlined; }
void evaluator_set_referenced(Evaluator *ev, bool wanted) { ev->referenced = wanted; }
bool evaluator_wants_referenced(const Evaluator *ev) { return ev->referenced; }
void evaluator_set_dialect(Evaluator *ev, const struct Dialect *dialect) { ev->dialect = ev->load_dialect = dialect; }

void *evaluator_state(Evaluator *ev, const NativeFamily *family) {
    for (int i = 0; i < ev->family_count; i++)
        if (ev->families[i].family == family) return ev->families[i].state;
    return NULL;
}

Span evaluator_span(Evaluator *ev, const Node *node) {
    if (!node || node->source >= ev->source_count || !ev->sources[node->source]) return (Span){0};
    return (Span){ev->sources[node->source], node->start, node->end};
}

Slice evaluator_node_text(Evaluator *ev, const Node *node) { return span_text(evaluator_span(ev, node)); }

void evaluator_register_source(Evaluator *ev, Source *source) {
    source->number = ev->source_count;
    ARENA_PUSH(ev->loading ? &ev->lasting : &ev->keep, ev->sources, ev->source_count, ev->source_capacity) = source;
}

/* What is only long is read to its end: the limit is for what comes again and again. */
void evaluator_begin_steps(Evaluator *ev, size_t text_size) {
    ev->steps = 0;
    ev->step_limit = ev->limits.steps + (ev->steps_given ? 0 : (int64_t)text_size * STEPS_A_BYTE);
}

bool evaluator_step(Evaluator *ev, const Node *site) {
    int64_t limit = ev->host.has_rows ? ev->limits.steps * RUN_FACTOR : ev->step_limit;
    if (++ev->steps <= limit) return true;
    if (!ev->limit_reported) {
        if (!ev->limit_quiet)
            evaluator_warn(ev, CODE_LIMIT, evaluator_span(ev, site), "evaluation stopped after %lld steps",
                           (long long)limit);
        ev->limit_reported = true;
    }
    if (!ev->error.pending) {
        evaluator_raise_id(ev, EXCEPTION_LIMIT, site, "evaluation took too many steps");
        ev->error.infeasible = true;
    }
    return false;
}

/* ---- creation ---- */

static void register_modules(Evaluator *ev, const NativeModule *modules) {
    for (; modules && modules->name; modules++)
        atom_map_set(&ev->native_modules, evaluator_atom(ev, modules->name), (void *)modules);
}

static void register_families(Evaluator *ev, const NativeFamily *const *families) {
    int count = 0;
    while (families && families[count]) count++;
    ev->families = ARENA_ARRAY(&ev->lasting, FamilyState, count);
    for (int i = 0; i < count; i++) {
        register_modules(ev, families[i]->modules);
        register_modules(ev, families[i]->more_modules);
    }
    for (int i = 0; i < count; i++) {
        ev->families[ev->family_count++].family = families[i];
        if (families[i]->create_state) ev->families[i].state = families[i]->create_state(ev);
    }
}

Evaluator *evaluator_create(const EvaluatorOptions *options) {
    Evaluator *ev = options->allocator->allocate(options->allocator->user, sizeof *ev);
    if (!ev) options->exhausted(options->exhausted_user);
    assert(ev);
    *ev = (Evaluator){.limits = options->limits};
    arena_init(&ev->lasting, options->allocator, options->exhausted, options->exhausted_user);
    arena_init(&ev->scratch, options->allocator, options->exhausted, options->exhausted_user);
    arena_init(&ev->keep, options->allocator, options->exhausted, options->exhausted_user);
    ev->steps_given = ev->limits.steps != 0;
    if (!ev->limits.steps) ev->limits.steps = STEPS_DEFAULT;
    evaluator_begin_steps(ev, 0);
    if (!ev->limits.call_depth) ev->limits.call_depth = CALL_DEPTH_DEFAULT;
    if (!ev->limits.paths) ev->limits.paths = PATHS_DEFAULT;
    ev->arena = &ev->lasting;
    atom_table_init(&ev->atom_table, &ev->lasting, NULL);
    ev->atoms = &ev->atom_table;
#define X(member, text) ev->names.member = evaluator_atom(ev, text);
    EVALUATOR_NAMES(X)
#undef X
    atom_map_init(&ev->native_modules, &ev->lasting);
    atom_map_init(&ev->native_loaded, &ev->lasting);
    atom_map_init(&ev->packages, &ev->lasting);
    atom_map_init(&ev->free_names, &ev->lasting);
    atom_map_init(&ev->set_names, &ev->lasting);
    atom_map_init(&ev->asked_names, &ev->lasting);
    atom_map_init(&ev->asked_settings, &ev->lasting);
    diagnostics_init(&ev->load_diagnostics, &ev->lasting);
    diagnostics_init(&ev->diagnostics, &ev->lasting);
    ev->reporting = &ev->load_diagnostics;
    ev->loading = true;
    builtins_setup(ev);
    register_modules(ev, standard_modules);
    register_families(ev, options->families);
    return ev;
}

size_t evaluator_lasting_size(const Evaluator *ev) { return ev->lasting.used; }

void evaluator_destroy(Evaluator *ev) {
    Allocator allocator = ev->lasting.allocator;
    arena_destroy(&ev->scratch);
    arena_destroy(&ev->keep);
    arena_destroy(&ev->lasting);
    allocator.release(allocator.user, ev);
}

/* ---- sources ---- */

void evaluator_add_source(Evaluator *ev, Source *source, SourceRole role, Slice label) {
    ProgramSource *program = ARENA_NEW(&ev->lasting, ProgramSource);
    program->source = source;
    program->role = role;
    program->label = label;
    evaluator_register_source(ev, source);
    program_split_name(ev, program);
    ev->program_size += source->text.length;
    ARENA_PUSH(&ev->lasting, ev->programs, ev->program_count, ev->program_capacity) = program;
}

static void program_parse(Evaluator *ev, ProgramSource *program) {
    if (program->tree) return;
    /* trees of the program's files last: they are the same for every compile */
    ParseOptions options = {.nesting_limit = ev->limits.nesting};
    program->tree = parse_module(&ev->lasting, ev->atoms, program->source, -1, &options, &ev->load_diagnostics);
}

const NodeModule *module_tree_beside(Evaluator *ev, const ModuleValue *module, const char *folder, const char *name) {
    const ProgramSource *program = NULL;
    for (int i = 0; i < ev->program_count && !program; i++)
        if (module->source && ev->programs[i]->source == module->source) program = ev->programs[i];
    if (!program) return NULL;
    int level = 1;
    for (int i = 0; i + 1 < program->part_count; i++)
        if (slice_equals_text(program->parts[i], folder)) level = program->part_count - i;
    ProgramSource *beside = program_find_relative(ev, program, level, slice_from(name));
    if (beside) program_parse(ev, beside);
    return beside ? beside->tree : NULL;
}

ModuleValue *program_import(Evaluator *ev, ProgramSource *program) {
    if (program->module) return program->module;
    program_parse(ev, program);
    ModuleValue *module = module_new(ev, program_module_name(ev, program));
    module->source = program->source;
    module->label = program_label(program);
    module->label_given = program->label.length > 0;
    module->is_package = program->is_package;
    module->is_models = program->role == SOURCE_MODELS;
    evaluator_touch(ev, &program->module, sizeof program->module);
    program->module = module;
    evaluator_touch(ev, &ev->imported_count, sizeof ev->imported_count);
    evaluator_touch(ev, &ev->imported, sizeof ev->imported);
    evaluator_touch(ev, &ev->imported_capacity, sizeof ev->imported_capacity);
    ARENA_PUSH(ev->arena, ev->imported, ev->imported_count, ev->imported_capacity) = module;
    namespace_set(ev, &module->names, ev->names.name,
                  program->role == SOURCE_PROGRAM && !ev->frame ? value_string(ev, SLICE("__main__"))
                                                                : value_atom(ev, module->name));
    namespace_set(ev, &module->names, ev->names.file, value_string(ev, program->source->name));
    Scope *scope = scope_new(ev, SCOPE_MODULE, NULL, module);
    scope->names = &module->names;
    Frame frame = {.scope = scope, .caller = ev->frame};
    TryFrame *tries = ev->tries;
    const Node *entry = ev->entry_node;
    int depth = ev->depth;
    PathState path = ev->path;
    int64_t steps = ev->steps;
    int traced = ev->trace_count, traced_within = ev->trace_within, pending = ev->pending_count;
    ev->trace_within = 0;
    ev->frame = &frame;
    ev->tries = NULL;
    ev->entry_node = NULL;
    if (frame.caller) {
        /* its decisions are its own: the importer's paths do not multiply by them */
        ev->path = (PathState){.exploring = path.exploring, .lasting = true};
        ev->steps = 0;
    }
    Flow flow = execute_body(ev, &program->tree->body);
    if (flow == FLOW_RAISE) evaluator_report_error(ev);
    imports_complete(ev, module);
    program->executes |= ev->trace_count - traced > ev->trace_within || ev->pending_count > pending;
    ev->trace_within = traced_within + ev->trace_count - traced;
    program->decides |= ev->path.count > 0;
    if (frame.caller) {
        ev->path = path;
        ev->steps = steps;
    }
    ev->frame = frame.caller;
    ev->tries = tries;
    ev->entry_node = entry;
    ev->depth = depth;
    return module;
}

/* ---- loading ---- */

static void free_names_add(Evaluator *ev, const AtomMap *names) {
    for (int i = 0; i < names->count; i++)
        if (names->entries[i].key && names->entries[i].key->text.start[0] != '_')
            atom_map_set(&ev->free_names, names->entries[i].key, names->entries[i].value);
}

/* What a models file defines wins; what it only imports from native modules does not (`datetime` stays the module). */
static void free_names_add_program(Evaluator *ev, const AtomMap *names) {
    for (int i = 0; i < names->count; i++) {
        Atom name = names->entries[i].key;
        const Value *value = names->entries[i].value;
        if (!name || name->text.start[0] == '_') continue;
        bool imported = value_is(value, VALUE_MODULE) || value_is(value, VALUE_NATIVE_FUNCTION) ||
                        (value_is(value, VALUE_CLASS) && !class_is_user((const Class *)value));
        if (!imported || !atom_map_get(&ev->free_names, name))
            atom_map_set(&ev->free_names, name, names->entries[i].value);
    }
}

/* The models import a module of this family. */
static bool family_is_used(Evaluator *ev, const NativeFamily *family) {
    for (const NativeModule *module = family->modules; module->name; module++) {
        Atom name = atom_lookup(ev->atoms, slice_from(module->name));
        if (name && atom_map_get(&ev->native_loaded, name)) return true;
    }
    return false;
}

/* The names that stand without import: the standard ones, then the families', then what the given models define. */
static void free_names_collect(Evaluator *ev) {
    bool used[64] = {false}, any = false;
    for (int i = 0; i < ev->family_count && i < 64; i++) {
        used[i] = family_is_used(ev, ev->families[i].family);
        any = any || used[i];
    }
    static const char *const standard[] = {"datetime", "zoneinfo", "uuid", "decimal"};
    for (size_t i = 0; i < sizeof standard / sizeof *standard; i++) {
        ModuleValue *module = evaluator_import(ev, standard[i]);
        if (module && i < 2) atom_map_set(&ev->free_names, module->name, module);
    }
    static const struct {
        const char *module, *name;
    } names[] = {{"datetime", "date"}, {"datetime", "timedelta"}, {"decimal", "Decimal"}, {"uuid", "UUID"}};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        ModuleValue *module = evaluator_import(ev, names[i].module);
        Value *value = module ? atom_map_get(&module->names, evaluator_atom(ev, names[i].name)) : NULL;
        if (value) atom_map_set(&ev->free_names, evaluator_atom(ev, names[i].name), value);
    }
    /* where models say which ORM they are of, the names of the others would only hide it */
    for (int i = 0; i < ev->family_count && i < 64; i++) {
        if (any && !used[i]) continue;
        for (const char *const *name = ev->families[i].family->free_names; name && *name; name++) {
            ModuleValue *module = evaluator_import(ev, *name);
            if (module) free_names_add(ev, &module->names);
        }
    }
    for (int i = 0; i < ev->program_count; i++)
        if (ev->programs[i]->module) free_names_add_program(ev, &ev->programs[i]->module->names);
    ev->free_names_ready = true;
}

void evaluator_load(Evaluator *ev) {
    ev->arena = &ev->lasting;
    ev->reporting = &ev->load_diagnostics;
    ev->loading = true;
    evaluator_begin_steps(ev, ev->program_size);
    for (int i = 0; i < ev->program_count; i++)
        if (ev->programs[i]->role == SOURCE_MODELS) {
            program_import(ev, ev->programs[i]);
            if (ev->error.pending) evaluator_report_error(ev);
        }
    for (int i = 0; i < ev->family_count; i++) {
        if (ev->families[i].family->models_loaded) ev->families[i].family->models_loaded(ev);
        if (ev->error.pending) evaluator_report_error(ev);
    }
    ev->loading = false;
    ev->lasting_source_count = ev->source_count;
    ev->lasting_setting_count = ev->setting_count;
    ev->lasting_sources = ev->sources;
    ev->lasting_settings = ev->settings;
}

/* ---- one compile ---- */

void evaluator_begin(Evaluator *ev, const struct Dialect *dialect, const EvaluatorHost *host) {
    journal_undo(ev, (JournalMark){0});
    arena_reset(&ev->scratch);
    arena_reset(&ev->keep);
    ev->arena = &ev->scratch;
    ev->journaling = true;
    ev->journal = NULL;
    ev->journal_count = ev->journal_capacity = 0;
    ev->sources = ev->lasting_sources;
    ev->settings = ev->lasting_settings;
    ev->source_count = ev->lasting_source_count;
    ev->source_capacity = ev->source_count; /* grows into scratch */
    ev->setting_count = ev->setting_capacity = ev->lasting_setting_count;
    ev->imported_capacity = ev->imported_count;
    ev->dialect = dialect ? dialect : ev->load_dialect;
    ev->host = host ? *host : (EvaluatorHost){0};
    ev->frame = NULL;
    ev->tries = NULL;
    ev->error = (ErrorState){0};
    ev->depth = ev->expression_depth = ev->loop_unknown = 0;
    evaluator_begin_steps(ev, 0);
    ev->limit_reported = ev->limit_quiet = ev->interactive = false;
    ev->path = (PathState){0};
    ev->canonical = NULL;
    ev->execution_count = ev->execution_capacity = 0;
    ev->trace_first = ev->trace_tail = ev->path_anchor = NULL;
    ev->buckets = NULL;
    ev->bucket_count = ev->trace_count = 0;
    ev->called = ev->covered = ev->entry_places = ev->entry_bases = ev->idle_runs = ev->class_names_of = (PairMap){0};
    ev->class_names = NULL;
    ev->class_names_count = ev->class_names_capacity = 0;
    ev->late_imports = NULL;
    ev->pending = NULL;
    ev->pending_count = ev->pending_capacity = 0;
    ev->entries = NULL;
    ev->entry_count = ev->entry_capacity = 0;
    ev->trace_ready = false;
    ev->text_module = NULL;
    diagnostics_init(&ev->diagnostics, &ev->keep);
    ev->reporting = &ev->diagnostics;
}

static void run_program(Evaluator *ev, void *data) {
    program_import(ev, data);
    if (ev->error.pending) evaluator_report_error(ev);
    trace_flush_pending(ev);
}

/* Once; what it sets up lasts, so nothing of it is journaled. */
static void free_names_prepare(Evaluator *ev) {
    if (ev->free_names_ready) return;
    Arena *arena = ev->arena;
    bool journaling = ev->journaling;
    ev->arena = &ev->lasting;
    ev->journaling = false;
    free_names_collect(ev);
    ev->arena = arena;
    ev->journaling = journaling;
}

/*
 * Of many files most only define: those whose own body both meets a decision and executes something are told by
 * running all once, in order, and taking it back. Only they have paths to visit, each of which imports anew what the
 * file stands on.
 */
static void programs_try(Evaluator *ev) {
    JournalMark mark = journal_mark(ev);
    for (int i = 0; i < ev->program_count; i++) {
        ProgramSource *program = ev->programs[i];
        if (program->role != SOURCE_PROGRAM || program->module) continue;
        ev->path = (PathState){.exploring = true};
        ev->steps = 0;
        ev->limit_reported = false;
        trace_begin_path(ev);
        run_program(ev, program);
    }
    ev->path = (PathState){0};
    journal_undo(ev, mark);
}

static bool program_has_paths(const ProgramSource *program, bool tried) {
    return program->role == SOURCE_PROGRAM && !program->module && (!tried || (program->decides && program->executes));
}

/* Bodies of all files first: their functions call each other. What the ordinary path leaves stays. */
void evaluator_run_sources(Evaluator *ev) {
    bool needs_free_names = ev->host.has_rows; /* --call may follow */
    int given = 0;
    for (int i = 0; i < ev->program_count; i++) {
        program_parse(ev, ev->programs[i]);
        imports_preload(ev, &ev->programs[i]->tree->body);
        needs_free_names |= ev->programs[i]->source->block_count > 0;
        given += ev->programs[i]->role == SOURCE_PROGRAM;
    }
    if (needs_free_names) free_names_prepare(ev);
    bool many = given > 1 && !ev->host.has_rows;
    if (many) programs_try(ev);
    for (int i = 0; i < ev->program_count && !ev->host.has_rows; i++)
        if (program_has_paths(ev->programs[i], many))
            evaluator_explore(ev, run_program, ev->programs[i], &ev->programs[i]->tree->node);
    ev->path_number++;
    ev->entry_count = 0; /* what only other paths define is gone with them */
    ev->entry_places = ev->entry_bases = (PairMap){0};
    for (int i = 0; i < ev->program_count; i++) {
        if (ev->programs[i]->role != SOURCE_PROGRAM) continue;
        ev->path = (PathState){.exploring = !ev->host.has_rows, .lasting = !ev->host.has_rows};
        if (!ev->host.has_rows) evaluator_begin_steps(ev, ev->program_size);
        program_import(ev, ev->programs[i]);
        if (!ev->host.has_rows) ev->pending_count = 0;
        ev->path = (PathState){0};
    }
    for (int i = 0; i < ev->family_count; i++)
        if (ev->families[i].family->models_loaded) ev->families[i].family->models_loaded(ev);
    if (ev->error.pending) evaluator_report_error(ev);
    if (ev->host.has_rows) return;
    for (int i = 0; i < ev->program_count; i++)
        if (ev->programs[i]->role == SOURCE_PROGRAM) entries_run(ev, ev->programs[i]);
}

void evaluator_run_unread(Evaluator *ev) {
    if (ev->host.has_rows) trace_flush_pending(ev);
}

static ModuleValue *text_module(Evaluator *ev, Source *source) {
    ModuleValue *module = ARENA_NEW(ev->arena, ModuleValue);
    module->head = (Value){builtin_types[VALUE_MODULE], ev->builtins.kinds[VALUE_MODULE]};
    module->name = ev->names.name;
    module->source = source;
    atom_map_init(&module->names, ev->arena);
    return module;
}

typedef struct TextRun {
    NodeModule *tree;
    Source *source;
    ModuleValue *module; /* NULL: a new one */
} TextRun;

/* The last value is executed where it is a query that nothing has executed. */
static void text_finish(Evaluator *ev, const Node *node) {
    Value *value = evaluate(ev, NODE_AS(Expr, node)->value);
    if (!value) {
        evaluator_report_error(ev);
        return;
    }
    value = value_resolve(value);
    int executed = ev->execution_count;
    execute_lazy(ev, value, NODE_AS(Expr, node)->value, false);
    bool nothing = !ev->error.pending && executed == ev->execution_count;
    if (nothing && value_is_unknown(value) && !ev->execution_count && !ev->diagnostics.error_count && ev->text_module)
        evaluator_report_unresolved(ev, value, NODE_AS(Expr, node)->value);
    bool method = value_is(value, VALUE_METHOD) ||
                  (value_is(value, VALUE_NATIVE_FUNCTION) && ((NativeFunctionValue *)value)->self);
    if (nothing && method && !ev->execution_count) {
        Span span = attribute_span(ev, NODE_AS(Expr, node)->value);
        Slice text = span_text(span);
        Diagnostic *warning =
            evaluator_warn(ev, CODE_TYPE_ERROR, span, "'%.*s' is a method that is not called", SLICE_ARGS(text));
        warning->help = slice_format(ev->reporting->arena, "call it: %.*s()", SLICE_ARGS(text));
    }
    if (nothing && !ev->error.pending && ev->host.result) ev->host.result(ev->host.user, ev, value);
    if (ev->error.pending) evaluator_report_error(ev);
}

static void run_text(Evaluator *ev, void *data) {
    TextRun *run = data;
    Scope *scope = scope_new(ev, SCOPE_MODULE, NULL, run->module ? run->module : text_module(ev, run->source));
    scope->names = &scope->module->names;
    if (!run->module) ev->text_module = scope->module;
    Frame frame = {.scope = scope};
    ev->frame = &frame;
    Nodes body = run->tree->body;
    const Node *last = body.count ? body.items[body.count - 1] : NULL;
    if (last && last->kind == NODE_Expr) body.count--;
    else last = NULL;
    Flow flow = execute_body(ev, &body);
    if (flow == FLOW_RAISE) evaluator_report_error(ev);
    if (last && !(flow == FLOW_RAISE && ev->interactive)) text_finish(ev, last);
    /* an expression at the end is the query; what stood before it was there for its sake */
    if (!ev->interactive || (!last && !ev->diagnostics.error_count)) trace_flush_pending(ev);
    ev->frame = NULL;
}

void evaluator_run_text(Evaluator *ev, Source *source, bool stop_at_error) {
    free_names_prepare(ev);
    evaluator_register_source(ev, source);
    ev->interactive = stop_at_error;
    ParseOptions options = {.nesting_limit = ev->limits.nesting};
    TextRun run = {.source = source};
    run.tree = parse_module(ev->arena, ev->atoms, source, -1, &options, &ev->diagnostics);
    if (stop_at_error && ev->diagnostics.error_count) return;
    imports_preload(ev, &run.tree->body);
    if (stop_at_error || ev->host.has_rows) run_text(ev, &run);
    else evaluator_explore(ev, run_text, &run, &run.tree->node);
}

void evaluator_run_call(Evaluator *ev, Source *source) {
    ev->pending_count = 0;
    evaluator_register_source(ev, source);
    TextRun run = {.source = source};
    ParseOptions options = {.nesting_limit = ev->limits.nesting};
    run.tree = parse_module(ev->arena, ev->atoms, source, -1, &options, &ev->diagnostics);
    for (int i = 0; i < ev->program_count; i++)
        if (ev->programs[i]->role == SOURCE_PROGRAM && ev->programs[i]->module) run.module = ev->programs[i]->module;
    if (ev->free_names_ready) ev->text_module = run.module;
    run_text(ev, &run);
}

void evaluator_emit_schema(Evaluator *ev, StatementList *out) {
    for (int i = 0; i < ev->family_count; i++) {
        if (ev->families[i].family->emit_schema) ev->families[i].family->emit_schema(ev, out);
        if (ev->error.pending) evaluator_report_error(ev);
    }
}

void evaluator_describe_models(Evaluator *ev, Buffer *out) {
    for (int i = 0; i < ev->family_count; i++) {
        const NativeFamily *family = ev->families[i].family;
        const ListValue *models = family->describe_models ? family->describe_models(ev) : NULL;
        for (int j = 0; models && j < models->count; j++)
            if (json_write_value(ev, out, models->items[j])) buffer_put(out, '\n');
        evaluator_clear_error(ev);
    }
}

/* ---- settings and --set ---- */

static Value *evaluator_parse_literal(Evaluator *ev, Slice text) {
    Source *source = source_from_text(ev->arena, SLICE("<option>"), slice_copy(ev->arena, text));
    evaluator_register_source(ev, source);
    DiagnosticList ignored;
    diagnostics_init(&ignored, ev->arena);
    NodeModule *module = parse_module(ev->arena, ev->atoms, source, -1, NULL, &ignored);
    const Node *node = !ignored.error_count && module->body.count == 1 ? module->body.items[0] : NULL;
    if (!node || node->kind != NODE_Expr) return value_string(ev, slice_copy(ev->arena, text));
    node = NODE_AS(Expr, node)->value;
    if (node->kind == NODE_Name || node->kind == NODE_Attribute || node->kind == NODE_Call || node->kind == NODE_BinOp)
        return value_string(ev, slice_copy(ev->arena, text));
    ModuleValue *holder = text_module(ev, source);
    Scope *scope = scope_new(ev, SCOPE_MODULE, NULL, holder);
    scope->names = &holder->names;
    Frame frame = {.scope = scope, .caller = ev->frame};
    ev->frame = &frame;
    Value *value = evaluate(ev, node);
    ev->frame = frame.caller;
    if (!value) evaluator_clear_error(ev);
    return value && !value_is_unknown(value) ? value : value_string(ev, slice_copy(ev->arena, text));
}

static void setting_add(Evaluator *ev, Slice name, Value *value) {
    ARENA_PUSH(ev->arena, ev->settings, ev->setting_count, ev->setting_capacity) =
        (NamedValue){slice_copy(ev->arena, name), value};
}

static void asked_add(Evaluator *ev, AtomMap *asked, Slice name) {
    bool *answer = ARENA_NEW(&ev->lasting, bool);
    *answer = false;
    atom_map_set(asked, atom_intern(ev->atoms, name), answer);
}

static void asked_note(const AtomMap *asked, Atom name) {
    bool *answer = name ? atom_map_get(asked, name) : NULL;
    if (answer) *answer = true;
}

bool evaluator_asked_for(const Evaluator *ev, Slice name, bool setting) {
    Atom atom = atom_lookup(ev->atoms, name);
    const bool *answer = atom ? atom_map_get(setting ? &ev->asked_settings : &ev->asked_names, atom) : NULL;
    return answer && *answer;
}

Value *evaluator_given_value(Evaluator *ev, Atom name) {
    Value *value = atom_map_get(&ev->set_names, name);
    if (value) asked_note(&ev->asked_names, name);
    return value;
}

void evaluator_set_setting(Evaluator *ev, Slice name, Slice value) {
    setting_add(ev, name, evaluator_parse_literal(ev, value));
    asked_add(ev, &ev->asked_settings, name);
}

void evaluator_override_setting(Evaluator *ev, Slice name, Slice value) {
    setting_add(ev, name, evaluator_parse_literal(ev, value));
}

void evaluator_set_name(Evaluator *ev, Slice name, Slice value) {
    atom_map_set(&ev->set_names, atom_intern(ev->atoms, name), evaluator_parse_literal(ev, value));
    asked_add(ev, &ev->asked_names, name);
}

Value *evaluator_setting(Evaluator *ev, const char *name) {
    for (int i = ev->setting_count - 1; i >= 0; i--) {
        if (!slice_equals_text(ev->settings[i].name, name)) continue;
        asked_note(&ev->asked_settings, atom_lookup(ev->atoms, slice_from(name)));
        return ev->settings[i].value;
    }
    for (int i = 0; i < ev->program_count; i++) {
        const ProgramSource *program = ev->programs[i];
        if (!program->module || !program->part_count) continue;
        if (!slice_equals_text(program->parts[program->part_count - 1], "settings")) continue;
        Atom atom = atom_lookup(ev->atoms, slice_from(name));
        Value *value = atom ? atom_map_get(&program->module->names, atom) : NULL;
        if (value) return value;
    }
    return NULL;
}

Value *evaluator_setting_evaluated(Evaluator *ev, const char *name) {
    Value *text = evaluator_setting(ev, name);
    if (!text || !value_is(text, VALUE_STRING)) return text;
    ModuleValue *module = module_new(ev, SLICE("settings"));
    static const char *const names[] = {"datetime", "zoneinfo"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        ModuleValue *standard = evaluator_import(ev, names[i]);
        if (!standard) continue;
        module_define(ev, module, names[i], (Value *)standard);
        if (i == 0)
            module_define(ev, module, "timezone", atom_map_get(&standard->names, evaluator_atom(ev, "timezone")));
        else module_define_all(ev, module, standard);
    }
    Value *value = evaluator_evaluate_text(ev, value_text(text), module, NULL);
    evaluator_clear_error(ev);
    return value;
}
