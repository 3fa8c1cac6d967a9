/*
 * The pipeline: sources in, a translation out.
 *
 * context_translate() is the whole of it: load the models (once), begin with an empty scratch memory,
 * evaluate what was asked for (the evaluator records executed queries; the native modules lower and
 * emit them), and make views of what was found. Example:
 *
 *     -m shop=models.py, "Author.objects.filter(name='x')", sqlite
 *       -> one query, one statement: SELECT … FROM "shop_author" WHERE "shop_author"."name" = ?  ['x']
 *
 * Memory that runs out ends in context_guard(): the evaluator is destroyed, the call gives
 * ORMC_NO_MEMORY, and the next call starts anew from the inputs.
 */
#include <stdio.h>
#include <stdlib.h>

#include "compiler/context.h"

#define FAMILY(folder) extern const NativeFamily folder##_family;
#include "compiler/families.def"
#undef FAMILY

static const NativeFamily *const families[] = {
#define FAMILY(folder) &folder##_family,
#include "compiler/families.def"
#undef FAMILY
    NULL};

const char *ormc_version(void) { return ORMC_VERSION; }

/* ---- memory ---- */

void context_exhausted(void *user) {
    OrmcContext *context = user;
    longjmp(context->recovery, 1);
}

bool context_guard(OrmcContext *context, void (*work)(OrmcContext *context, void *request), void *request) {
    if (setjmp(context->recovery)) {
        context->evaluator = NULL;
        memory_release_all(&context->evaluator_memory);
        return false;
    }
    work(context, request);
    return true;
}

/* ---- the pipeline ---- */

typedef enum Task { TASK_LOAD, TASK_FILES, TASK_TEXT, TASK_SCHEMA } Task;

typedef struct Request {
    Task task;
    Slice name, text;     /* TASK_TEXT; `text` of TASK_FILES under a host: the call */
    bool strict;          /* TASK_TEXT: nothing is evaluated after the first error */
    const Json *settings; /* of this translation only */
} Request;

/* Names are interned for good: a context that has met millions of different ones begins anew. */
static void context_renew(OrmcContext *context) {
    enum { MOST_NAMES = 4 << 20 };
    if (!context->evaluator || evaluator_lasting_size(context->evaluator) < context->loaded_size + MOST_NAMES) return;
    evaluator_destroy(context->evaluator);
    context->evaluator = NULL;
    memory_release_all(&context->evaluator_memory);
}

static void context_load(OrmcContext *context) {
    context_renew(context);
    if (context->evaluator) return;
    project_find_imports(context);
    Allocator allocator = memory_allocator(&context->evaluator_memory);
    EvaluatorOptions options = {.allocator = &allocator,
                                .exhausted = context_exhausted,
                                .exhausted_user = context,
                                .families = families,
                                .limits = {.steps = context->options.step_limit,
                                           .paths = context->options.path_limit,
                                           .nesting = context->options.nesting_limit}};
    Evaluator *ev = evaluator_create(&options);
    evaluator_set_dialect(ev, context_dialect(context));
    for (int i = 0; i < context->setting_count; i++)
        evaluator_set_setting(ev, context->settings[i].name, context->settings[i].value);
    for (int i = 0; i < context->variable_count; i++)
        evaluator_set_name(ev, context->variables[i].name, context->variables[i].value);
    for (int i = 0; i < context->source_count; i++)
        evaluator_add_source(ev, context->sources[i].source, context->sources[i].role, context->sources[i].label);
    evaluator_load(ev);
    context->evaluator = ev;
    context->loaded_size = evaluator_lasting_size(ev);
}

/* The caller's text may go after the call; places and diagnostics of the translation still show it. */
static Source *request_source(OrmcContext *context, const Request *request) {
    Arena *scratch = &context->scratch;
    return source_from_text(scratch, slice_copy(scratch, request->name), slice_copy(scratch, request->text));
}

static void context_evaluate(OrmcContext *context, const Request *request, const Dialect *dialect) {
    Evaluator *ev = context->evaluator;
    EvaluatorHost host = {.user = context};
    if (context->host) {
        host.execute = host_execute;
        host.has_rows = true;
        host.write = host_write;
    }
    context->translation.dialect = dialect;
    evaluator_set_dialect(ev, dialect);
    evaluator_set_inline(ev, context->options.inline_literals);
    evaluator_set_referenced(ev, context->options.referenced_tables);
    evaluator_begin(ev, dialect, &host);
    for (int i = 0; request->settings && i < request->settings->count; i++)
        evaluator_override_setting(ev, request->settings->names[i], batch_setting_text(&request->settings->items[i]));
    switch (request->task) {
    case TASK_LOAD: return;
    case TASK_FILES:
        evaluator_run_sources(ev);
        if (request->text.length)
            evaluator_run_call(ev, source_from_text(&context->scratch, SLICE("<call>"), request->text));
        else evaluator_run_unread(ev);
        return;
    case TASK_TEXT: evaluator_run_text(ev, request_source(context, request), request->strict); return;
    case TASK_SCHEMA:
        context->translation.schema = (Execution){0};
        evaluator_emit_schema(ev, &context->translation.schema.statements);
        return;
    }
}

/* Without a dialect given, the program's own engine URL decides: known only once the program has been evaluated. */
static void context_translate(OrmcContext *context, void *data) {
    const Request *request = data;
    context_load(context);
    const Dialect *dialect = context_dialect(context);
    context_evaluate(context, request, dialect);
    if (context->dialect || context->host) return;
    const Dialect *named = dialect_find(evaluator_engine_dialect(context->evaluator));
    if (named && named != dialect) context_evaluate(context, request, named);
}

static void context_translate_and_view(OrmcContext *context, void *data) {
    context_translate(context, data);
    translation_build(context);
}

void context_start(OrmcContext *context) {
    context->message = "";
    context->host_failed = false;
    OrmcTranslation *translation = &context->translation;
    *translation = (OrmcTranslation){.context = context, .leave_transactions = context->options.leave_transactions};
    translation->schema_items[0] = &translation->schema;
    arena_reset(&context->scratch);
}

static OrmcStatus context_answer(OrmcContext *context, Request *request, const OrmcTranslation **translation) {
    const OrmcTranslation *dropped;
    if (!translation) translation = &dropped;
    *translation = NULL;
    context_start(context);
    context->translation.is_schema = request->task == TASK_SCHEMA;
    if (!context_guard(context, context_translate_and_view, request)) return ORMC_NO_MEMORY;
    *translation = &context->translation;
    if (context->host_failed && context->translation.diagnostics.error_count) return ORMC_DATABASE_ERROR;
    return context->translation.diagnostics.error_count ? ORMC_REFUSED : ORMC_OK;
}

/* ---- public ---- */

OrmcStatus ormc_context_load(OrmcContext *context, const OrmcTranslation **translation) {
    return context_answer(context, &(Request){.task = TASK_LOAD}, translation);
}

OrmcStatus ormc_context_translate_files(OrmcContext *context, const OrmcTranslation **translation) {
    return context_answer(context, &(Request){.task = TASK_FILES}, translation);
}

OrmcStatus ormc_context_translate_text(OrmcContext *context, const char *name, const char *text, size_t length,
                                       const OrmcTranslation **translation) {
    Request request = {.task = TASK_TEXT, .name = slice_from(name ? name : "<expr>"), .text = {text, length}};
    return context_answer(context, &request, translation);
}

OrmcStatus ormc_context_translate_schema(OrmcContext *context, const OrmcTranslation **translation) {
    return context_answer(context, &(Request){.task = TASK_SCHEMA}, translation);
}

OrmcStatus ormc_context_run_files(OrmcContext *context, const OrmcHost *host, const char *call,
                                  const OrmcTranslation **translation) {
    Request request = {.task = TASK_FILES, .text = slice_from(call ? call : "")};
    context->host = host;
    OrmcStatus status = context_answer(context, &request, translation);
    context->host = NULL;
    return status;
}

OrmcStatus ormc_context_run_text(OrmcContext *context, const OrmcHost *host, const char *name, const char *text,
                                 size_t length, const OrmcTranslation **translation) {
    context->host = host;
    OrmcStatus status = ormc_context_translate_text(context, name, text, length, translation);
    context->host = NULL;
    return status;
}

typedef struct Line {
    Slice text;
    Buffer answer;
} Line;

static void context_answer_line(OrmcContext *context, void *data) {
    Line *line = data;
    buffer_init(&line->answer, &context->scratch);
    BatchCase batch;
    if (!batch_read(&context->scratch, line->text, &batch)) {
        batch_write_bad_line(&line->answer, &batch);
        return;
    }
    Request request = {
        .task = TASK_TEXT, .name = SLICE("<expr>"), .text = batch.text, .strict = true, .settings = batch.settings};
    context_translate(context, &request);
    batch_write_answer(&line->answer, &batch, &context->translation);
}

OrmcText ormc_context_answer_line(OrmcContext *context, const char *text, size_t length) {
    Line line = {.text = {text, length}};
    context_start(context);
    context->translation.leave_transactions = true;
    if (!context_guard(context, context_answer_line, &line)) return (OrmcText){NULL, 0};
    return text_from_buffer(&line.answer);
}
