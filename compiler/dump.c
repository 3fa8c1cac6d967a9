/*
 * --dump: the middle forms of a compile as text.
 *
 *   tokens, syntax  of the given files (or the expression), as the grammar prints them
 *   models          the models, one JSON object a line
 *   schema          the tables, columns and constraints that the models became
 *   query           the query trees of the statements found
 *
 * In: a stage, and a text or the context's files. Out: text in the scratch arena; diagnostics in the translation.
 */
#include "compiler/context.h"
#include "compiler/query/print.h"

typedef struct Dump {
    OrmcStage stage;
    Slice text;
    bool has_text;
    Buffer out;
    OrmcText done;
} Dump;

static void dump_source(OrmcContext *context, Dump *dump, AtomTable *atoms, Source *source) {
    DiagnosticList *diagnostics = &context->translation.diagnostics;
    if (dump->stage == ORMC_STAGE_TOKENS) {
        dump_tokens(&dump->out, atoms, source, diagnostics);
        return;
    }
    ParseOptions options = {.nesting_limit = context->options.nesting_limit};
    NodeModule *module = parse_module(&context->scratch, atoms, source, -1, &options, diagnostics);
    dump_syntax(&dump->out, source, &module->node);
}

static void dump_grammar(OrmcContext *context, void *data) {
    Dump *dump = data;
    AtomTable atoms;
    atom_table_init(&atoms, &context->scratch, NULL);
    diagnostics_init(&context->translation.diagnostics, &context->scratch);
    buffer_init(&dump->out, &context->scratch);
    if (dump->has_text)
        dump_source(context, dump, &atoms, source_from_text(&context->scratch, SLICE("<expr>"), dump->text));
    for (int i = 0; !dump->has_text && i < context->source_count; i++)
        dump_source(context, dump, &atoms, context->sources[i].source);
    translation_view_diagnostics(&context->translation);
    dump->done = text_from_buffer(&dump->out);
}

static void dump_queries(OrmcContext *context, void *data) {
    Dump *dump = data;
    Trace trace = translation_trace(&context->translation);
    buffer_init(&dump->out, &context->scratch);
    for (int i = 0; i < trace.count; i++)
        for (int j = 0; j < trace.items[i]->statements.count; j++) {
            const Statement *statement = &trace.items[i]->statements.items[j];
            if (statement->tree) query_print(&dump->out, statement->tree);
            else buffer_format(&dump->out, "%.*s;\n", SLICE_ARGS(statement->sql));
        }
    dump->done = text_from_buffer(&dump->out);
}

static void dump_models(OrmcContext *context, void *data) {
    Dump *dump = data;
    buffer_init(&dump->out, &context->scratch);
    evaluator_describe_models(context->evaluator, &dump->out);
    dump->done = text_from_buffer(&dump->out);
}

OrmcStatus ormc_context_dump(OrmcContext *context, OrmcStage stage, const char *text, size_t length, OrmcText *out,
                             const OrmcTranslation **translation) {
    Dump dump = {.stage = stage, .text = {text, length}, .has_text = text != NULL};
    OrmcStatus status = ORMC_OK;
    *translation = NULL;
    *out = (OrmcText){NULL, 0};
    switch (stage) {
    case ORMC_STAGE_TOKENS:
    case ORMC_STAGE_SYNTAX:
        context_start(context);
        if (!context_guard(context, dump_grammar, &dump)) return ORMC_NO_MEMORY;
        *translation = &context->translation;
        *out = dump.done;
        return context->translation.diagnostics.error_count ? ORMC_REFUSED : ORMC_OK;
    case ORMC_STAGE_MODELS:
    case ORMC_STAGE_SCHEMA: status = ormc_context_translate_schema(context, translation); break;
    case ORMC_STAGE_QUERY:
        status = text ? ormc_context_translate_text(context, NULL, text, length, translation)
                      : ormc_context_translate_files(context, translation);
        break;
    }
    if (!*translation) return status;
    if (!context_guard(context, stage == ORMC_STAGE_MODELS ? dump_models : dump_queries, &dump)) return ORMC_NO_MEMORY;
    *out = dump.done;
    return status;
}
