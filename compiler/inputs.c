/*
 * What a context works on: its making and end, dialect, settings, variables, models and files.
 *
 * In: the caller's options and paths. Out: `sources`, `settings` and `variables` of the context, in
 * its `inputs` arena, where they stay: the evaluator is made from them at the first translation, and
 * again after memory ran out. Example: add_models("shop", "shop/") gives shop/models.py the role of
 * models and its neighbours that of libraries.
 */
#include <stdio.h>
#include <stdlib.h>

#include "compiler/context.h"

static void *default_allocate(void *user, size_t size) {
    (void)user;
    return malloc(size);
}

static void default_release(void *user, void *block) {
    (void)user;
    free(block);
}

/* The first `size` bytes of the caller's struct; what an older caller doesn't know stays zero. */
static void options_read(OrmcOptions *to, const OrmcOptions *from) {
    *to = (OrmcOptions){.size = sizeof *to};
    if (from) memcpy(to, from, from->size < sizeof *to ? from->size : sizeof *to);
    to->size = sizeof *to;
    if (to->allocate && to->release) return;
    to->allocate = default_allocate;
    to->release = default_release;
}

OrmcContext *ormc_context_create(const OrmcOptions *given) {
    OrmcOptions options;
    options_read(&options, given);
    const Dialect *dialect = options.dialect ? dialect_find(slice_from(options.dialect)) : NULL;
    if (options.dialect && !dialect) return NULL;
    OrmcContext *context = options.allocate(options.allocator_user, sizeof *context);
    if (!context) return NULL;
    *context = (OrmcContext){
        .allocator = {options.allocate, options.release, options.allocator_user}, .options = options, .message = ""};
    context->dialect = dialect;
    context->options.dialect = NULL;
    memory_init(&context->evaluator_memory, &context->allocator);
    arena_init(&context->inputs, &context->allocator, context_exhausted, context);
    arena_init(&context->scratch, &context->allocator, context_exhausted, context);
    return context;
}

void ormc_context_destroy(OrmcContext *context) {
    if (!context) return;
    if (context->evaluator) evaluator_destroy(context->evaluator);
    memory_release_all(&context->evaluator_memory);
    arena_destroy(&context->scratch);
    arena_destroy(&context->inputs);
    Allocator allocator = context->allocator;
    allocator.release(allocator.user, context);
}

const char *ormc_context_message(const OrmcContext *context) { return context->message; }

const char *ormc_dialect_name(int index) {
    const Dialect *dialect = dialect_at(index);
    return dialect ? dialect->name : NULL;
}

const Dialect *context_dialect(const OrmcContext *context) {
    return context->dialect ? context->dialect : dialect_get(DIALECT_POSTGRESQL);
}

OrmcStatus ormc_context_set_dialect(OrmcContext *context, const char *name) {
    context->message = "";
    const Dialect *dialect = name ? dialect_find(slice_from(name)) : NULL;
    if (name && !dialect) {
        context->message = "unknown dialect: postgresql, sqlite, mysql and mariadb are known";
        return ORMC_USAGE;
    }
    context->dialect = dialect;
    return ORMC_OK;
}

/* ---- additions: one struct holds what any of them needs ---- */

typedef struct Addition {
    Binding **bindings;
    int *count, *capacity;
    const char *name, *value; /* a binding; `name` of a source in memory */
    SourceRole role;
    const char *label, *path;
    Slice text;
    OrmcStatus status;
} Addition;

static OrmcStatus context_add(OrmcContext *context, void (*work)(OrmcContext *, void *), Addition *addition) {
    context->message = "";
    if (context->evaluator) {
        context->message = "inputs are added before the first translation";
        return ORMC_USAGE;
    }
    return context_guard(context, work, addition) ? addition->status : ORMC_NO_MEMORY;
}

static Slice copy_text(OrmcContext *context, Slice text) {
    char *copy = arena_allocate(&context->inputs, text.length + 1);
    if (text.length) memcpy(copy, text.start, text.length);
    copy[text.length] = '\0';
    return (Slice){copy, text.length};
}

static void add_binding(OrmcContext *context, void *data) {
    Addition *addition = data;
    Slice name = copy_text(context, slice_from(addition->name)),
          value = copy_text(context, slice_from(addition->value));
    ARENA_PUSH(&context->inputs, *addition->bindings, *addition->count, *addition->capacity) = (Binding){name, value};
}

OrmcStatus ormc_context_set_setting(OrmcContext *context, const char *name, const char *value) {
    Addition addition = {.bindings = &context->settings,
                         .count = &context->setting_count,
                         .capacity = &context->setting_capacity,
                         .name = name,
                         .value = value};
    return context_add(context, add_binding, &addition);
}

OrmcStatus ormc_context_set_variable(OrmcContext *context, const char *name, const char *value) {
    Addition addition = {.bindings = &context->variables,
                         .count = &context->variable_count,
                         .capacity = &context->variable_capacity,
                         .name = name,
                         .value = value};
    return context_add(context, add_binding, &addition);
}

/* Settings of Django that change no SQL of this program, or none at all, are no mistakes. */
static bool setting_is_known(Slice name) {
    static const char *const known[] = {"USE_TZ",          "TIME_ZONE",        "DEFAULT_AUTO_FIELD",
                                        "AUTH_USER_MODEL", "current_timezone", "INSTALLED_APPS",
                                        "DATABASES",       "SITE_ID",          "DEFAULT_TABLESPACE",
                                        "LANGUAGE_CODE",   "USE_I18N",         "DEFAULT_INDEX_TABLESPACE",
                                        "DEBUG",           "MEDIA_ROOT",       "MEDIA_URL",
                                        "SECRET_KEY",      "DATABASE_ROUTERS", "STATIC_URL"};
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (slice_equals_text(name, known[i])) return true;
    return false;
}

const char *ormc_context_unused_variable(const OrmcContext *context, int index) {
    for (int i = 0; context->evaluator && i < context->variable_count; i++) {
        Slice name = context->variables[i].name;
        if (!evaluator_asked_for(context->evaluator, name, false) && index-- == 0) return name.start;
    }
    return NULL;
}

const char *ormc_context_unused_setting(const OrmcContext *context, int index) {
    for (int i = 0; context->evaluator && i < context->setting_count; i++) {
        Slice name = context->settings[i].name;
        if (setting_is_known(name) || evaluator_asked_for(context->evaluator, name, true)) continue;
        if (index-- == 0) return name.start;
    }
    return NULL;
}

void input_add(OrmcContext *context, Slice name, Slice text, SourceRole role, Slice label) {
    int *number = slice_map_get(&context->source_numbers, name);
    if (number) {
        Input *there = &context->sources[*number];
        if (role != SOURCE_LIBRARY && there->role != SOURCE_PROGRAM) there->role = role;
        if (label.length) there->label = label;
        return;
    }
    Arena *arena = &context->inputs;
    Source *source = source_is_markdown_name(name, text) ? source_from_markdown(arena, name, text)
                                                         : source_from_text(arena, name, text);
    ARENA_PUSH(arena, context->sources, context->source_count, context->source_capacity) = (Input){source, role, label};
    number = ARENA_NEW(arena, int);
    *number = context->source_count - 1;
    slice_map_add(&context->source_numbers, arena, name, number);
}

static void add_text(OrmcContext *context, void *data) {
    Addition *addition = data;
    Slice label = copy_text(context, slice_from(addition->label ? addition->label : ""));
    input_add(context, copy_text(context, slice_from(addition->name)), copy_text(context, addition->text),
              addition->role, label);
}

static void add_file(OrmcContext *context, Addition *addition, const char *path, SourceRole role) {
    Slice text;
    const char *reason;
    if (!file_read(&context->inputs, path, &text, &reason)) {
        context->message = slice_format(&context->inputs, "can't read '%s': %s%c", path, reason, '\0').start;
        addition->status = ORMC_USAGE;
        return;
    }
    Slice label = copy_text(context, slice_from(addition->label ? addition->label : ""));
    input_add(context, copy_text(context, slice_from(path)), source_decode(&context->inputs, text), role, label);
}

/*
 * A package: models.py and what lies in models/ are models; where there is neither, every file is. The other files can
 * be imported.
 */
static void add_directory(OrmcContext *context, Addition *addition, const char *path, bool all_models, int depth) {
    enum { DEPTH_LIMIT = 12 };
    FileNames names = file_list(&context->inputs, path);
    bool has_models = false;
    for (int i = 0; i < names.count; i++)
        has_models |= strcmp(names.items[i], "models.py") == 0 || strcmp(names.items[i], "models") == 0;
    if (depth == 0) all_models = !has_models;
    for (int i = 0; i < names.count && depth < DEPTH_LIMIT; i++) {
        const char *name = names.items[i];
        const char *inner = slice_format(&context->inputs, "%s%s%s%c", path,
                                         slice_ends_with(slice_from(path), "/") ? "" : "/", name, '\0')
                                .start;
        if (name[0] == '.' || strcmp(name, "__pycache__") == 0 || strcmp(name, "migrations") == 0) continue;
        bool is_models = all_models || strcmp(name, "models.py") == 0 || strcmp(name, "models") == 0;
        if (file_is_directory(inner)) add_directory(context, addition, inner, is_models, depth + 1);
        else if (slice_ends_with(slice_from(name), ".py"))
            add_file(context, addition, inner, is_models ? SOURCE_MODELS : SOURCE_LIBRARY);
    }
}

static void add_path(OrmcContext *context, void *data) {
    Addition *addition = data;
    if (addition->role == SOURCE_MODELS && file_is_directory(addition->path))
        add_directory(context, addition, addition->path, false, 0);
    else add_file(context, addition, addition->path, addition->role);
}

OrmcStatus ormc_context_add_models(OrmcContext *context, const char *label, const char *path) {
    return context_add(context, add_path, &(Addition){.role = SOURCE_MODELS, .label = label, .path = path});
}

OrmcStatus ormc_context_add_models_text(OrmcContext *context, const char *label, const char *name, const char *text,
                                        size_t length) {
    Addition addition = {.role = SOURCE_MODELS, .label = label, .name = name, .text = {text, length}};
    return context_add(context, add_text, &addition);
}

OrmcStatus ormc_context_add_file(OrmcContext *context, const char *path) {
    return context_add(context, add_path, &(Addition){.role = SOURCE_PROGRAM, .path = path});
}

OrmcStatus ormc_context_add_file_text(OrmcContext *context, const char *name, const char *text, size_t length) {
    return context_add(context, add_text, &(Addition){.role = SOURCE_PROGRAM, .name = name, .text = {text, length}});
}
