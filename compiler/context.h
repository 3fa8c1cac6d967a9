/*
 * The context behind OrmcContext, and what the files of the pipeline share.
 *
 * Three memories: `inputs` lasts as long as the context (sources, settings, names), the evaluator's own arenas hold
 * models and the running translation, `scratch` holds what is handed out of a translation. Every public function that
 * allocates does so inside context_guard(), the one recovery point for exhausted memory.
 */
#ifndef ORMC_CONTEXT_H
#define ORMC_CONTEXT_H

#include <setjmp.h>

#include "compiler/evaluate/evaluator.h"
#include "compiler/json.h"
#include "compiler/memory.h"
#include "compiler/query/dialect.h"
#include "include/ormc.h"

/* A source that was added, or found on disk because another one imports it. */
typedef struct Input {
    Source *source;
    SourceRole role;
    Slice label;
} Input;

typedef struct Binding {
    Slice name, value;
} Binding;

struct OrmcTranslation {
    OrmcContext *context;
    const Dialect *dialect;
    bool is_schema;
    bool leave_transactions;
    Execution schema; /* a schema's statements, as one execution without a place */
    Execution *schema_items[1];
    OrmcQuery *queries;
    DiagnosticList diagnostics; /* of loading, then of the translation */
    OrmcDiagnostic *diagnostic_views;
};

struct OrmcContext {
    Allocator allocator;
    OrmcOptions options;
    Memory evaluator_memory; /* all that the evaluator has taken */
    Arena inputs, scratch;
    const char *message;    /* why the last call was refused; in `inputs` or constant */
    const Dialect *dialect; /* NULL: what the program says */
    Input *sources;
    int source_count, source_capacity;
    SliceMap source_numbers; /* name → int *, into sources */
    Binding *settings, *variables;
    int setting_count, setting_capacity, variable_count, variable_capacity;
    size_t loaded_size;   /* of the evaluator's lasting memory, when the models were loaded */
    Evaluator *evaluator; /* NULL until the first translation, and after memory ran out */
    const OrmcHost *host;
    bool host_failed; /* the database refused a statement of this run */
    OrmcTranslation translation;
    jmp_buf recovery;
};

/* Runs `work` with a recovery point. False: memory ran out; the evaluator is gone and will be made anew. */
bool context_guard(OrmcContext *context, void (*work)(OrmcContext *context, void *request), void *request);
/* The arenas' `exhausted` hook. */
void context_exhausted(void *context);

/* ---- ormc.c ---- */

/* Forgets the last translation. */
void context_start(OrmcContext *context);

/* ---- inputs.c ---- */

const Dialect *context_dialect(const OrmcContext *context); /* the one that was set, else PostgreSQL */

/* Adds a source unless one of that name is there. All three texts must live in `inputs`. */
void input_add(OrmcContext *context, Slice name, Slice text, SourceRole role, Slice label);

/* ---- project.c ---- */

/* Adds what the inputs import from disk, as libraries, until nothing new is found. */
void project_find_imports(OrmcContext *context);

/* ---- files.c ---- */

/* The whole of a file; false: `*reason` says why not. */
bool file_read(Arena *arena, const char *path, Slice *text, const char **reason);
bool file_is_directory(const char *path);
bool file_exists(const char *path);
/* Names in a directory, sorted, without "." and "..". */
typedef struct FileNames {
    const char **items;
    int count, capacity;
} FileNames;
FileNames file_list(Arena *arena, const char *directory);

/* ---- translation.c ---- */

/* Takes over what the evaluator has found and makes the public views of it. */
void translation_build(OrmcContext *context);
void translation_view_diagnostics(OrmcTranslation *translation);
/* The executions of the last translation, a schema's as one without place. */
Trace translation_trace(const OrmcTranslation *translation);
/* Whether a statement stands in the answer. */
bool translation_shows(const OrmcTranslation *translation, const Statement *statement);
/* Position of statement `index` of an execution among those shown: in its own query, or (`flat`) in the whole. */
int translation_position(const OrmcTranslation *translation, int execution, int index, bool flat);

void translation_view_query(const OrmcTranslation *translation, int number, const Execution *execution,
                            OrmcQuery *view);

/* ---- answer.c: JSON ---- */

/* Numbers in what is written: `flat` as batch answers, all statements in one list; else queries count from `first`. */
typedef struct Numbering {
    bool flat;
    int first;
} Numbering;
void answer_write_statement(Buffer *out, const OrmcTranslation *translation, int execution, const Statement *statement,
                            Numbering numbering);

/* ---- batch.c ---- */

typedef struct BatchCase {
    Slice id; /* JSON, as it came; empty: none */
    Slice text;
    const Json *settings;
    const char *error; /* why the line can't be read */
    size_t error_at;
} BatchCase;
bool batch_read(Arena *arena, Slice line, BatchCase *batch);
void batch_write_bad_line(Buffer *out, const BatchCase *batch);
void batch_write_answer(Buffer *out, const BatchCase *batch, const OrmcTranslation *translation);
/* JSON's spelling of a setting's value as Python's. */
Slice batch_setting_text(const Json *value);

/* ---- host.c ---- */

ExecutionResult *host_execute(void *user, Evaluator *ev, const Execution *execution);
void host_write(void *user, Slice text);

static inline OrmcText text_from_slice(Slice slice) { return (OrmcText){slice.start, slice.length}; }
/* Ends the buffer's text with a NUL byte that does not count. */
OrmcText text_from_buffer(Buffer *buffer);

#endif
