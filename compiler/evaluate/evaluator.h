/*
 * The evaluator as the pipeline uses it.
 *
 *     Evaluator *ev = evaluator_create(&options);
 *     evaluator_add_source(ev, source, …);      models and files; once
 *     evaluator_load(ev);                       runs the model modules, then the families' models_loaded
 *     for each compile:
 *         evaluator_begin(ev, dialect, &host);  scratch memory is empty, the world is as after load
 *         evaluator_run_sources(ev) | evaluator_run_text(ev, source) | evaluator_run_call(ev, "f(1)")
 *         read evaluator_trace(ev), evaluator_diagnostics(ev)
 *     evaluator_destroy(ev);
 *
 * Two arenas: the lasting one (builtins, models, sources) and a scratch one, reset by evaluator_begin.
 * Whatever a compile changes in lasting values is put back by the journal.
 */
#ifndef ORMC_EVALUATE_EVALUATOR_H
#define ORMC_EVALUATE_EVALUATOR_H

#include "compiler/evaluate/native.h"

/* One executed query of the program. */
typedef struct Execution {
    int number; /* as evaluator_execution_count() gave it when it was recorded */
    Span span;  /* its place; text of the span is `source` */
    Slice source;
    Atom function; /* innermost def that holds the place; NULL: module level */
    StatementList statements;
    bool lazy; /* a query that the text only builds; never executed in it */
    const Node *site;
    const Node *entry;               /* def that was the entry point when it was recorded; NULL: module level */
    const Class *entry_class;        /* of which its self was an instance */
    const void *activation;          /* of the function that executed it */
    int path, order;                 /* where it was seen last; its index in the trace */
    struct Execution *next, *bucket; /* in the trace; of the same place */
} Execution;

/* In program order. Params that refer to an execution hold its index here (from 0). */
typedef struct Trace {
    Execution **items;
    int count;
} Trace;

/* Answers for executed queries. `execute` NULL or returning NULL: the rows are unknown. */
typedef struct EvaluatorHost {
    ExecutionResult *(*execute)(void *user, Evaluator *ev, const Execution *execution);
    void *user;
    bool has_rows; /* `ormc run`: the program is interpreted, not explored */
    /* print() of the program and so on; NULL: dropped */
    void (*write)(void *user, Slice text);
    /* The value of the last expression of evaluator_run_text or evaluator_run_call where it is no query; may be NULL.
     */
    void (*result)(void *user, Evaluator *ev, Value *value);
} EvaluatorHost;

typedef struct EvaluatorLimits {
    int64_t steps;  /* statements and expressions evaluated in one entry point */
    int call_depth; /* calls of user functions */
    int paths;      /* paths through one entry point */
    int nesting;    /* of the grammar */
} EvaluatorLimits;

typedef struct EvaluatorOptions {
    const Allocator *allocator;
    void (*exhausted)(void *user); /* see arena.h */
    void *exhausted_user;
    const NativeFamily *const *families; /* ends with NULL */
    EvaluatorLimits limits;              /* zero members: the defaults */
} EvaluatorOptions;

Evaluator *evaluator_create(const EvaluatorOptions *options);
/* Bytes that outlive a compile: the models, and the names of all texts so far. */
size_t evaluator_lasting_size(const Evaluator *ev);
void evaluator_destroy(Evaluator *ev);

typedef enum SourceRole {
    SOURCE_MODELS,  /* --models: evaluated by evaluator_load; its functions are no entry points */
    SOURCE_PROGRAM, /* FILE: evaluated by evaluator_run_sources */
    SOURCE_LIBRARY  /* evaluated only when imported (further files of a package or project) */
} SourceRole;

/* Sources must live as long as the evaluator: make them in this arena. */
Arena *evaluator_lasting_arena(Evaluator *ev);
/*
 * `label`: LABEL of --models, empty where none was given (then an AppConfig or the name of the file's directory
 * counts). The module's dotted name follows from the source's name: "shop/models.py" is found by `import shop.models`,
 * by relative imports from its neighbours and, with a label, as LABEL.models.
 */
void evaluator_add_source(Evaluator *ev, Source *source, SourceRole role, Slice label);
void evaluator_set_setting(Evaluator *ev, Slice name, Slice value); /* --setting: a Python literal, else a string */
void evaluator_set_name(Evaluator *ev, Slice name, Slice value);    /* --set */
/* Whether anything has asked for what was set under the name. */
bool evaluator_asked_for(const Evaluator *ev, Slice name, bool setting);
/* Dialect while models load (and for evaluator_emit_schema). */
void evaluator_set_dialect(Evaluator *ev, const struct Dialect *dialect);
/* Whether statements are to be emitted with their literals too; see evaluator_inlines. */
void evaluator_set_inline(Evaluator *ev, bool inlined);
/* Whether a schema has tables of others that the models refer to; see evaluator_wants_referenced. */
void evaluator_set_referenced(Evaluator *ev, bool wanted);

/* Evaluates the model sources. Diagnostics are in evaluator_diagnostics. */
void evaluator_load(Evaluator *ev);
/* What loading found; stays. */
const DiagnosticList *evaluator_load_diagnostics(const Evaluator *ev);

void evaluator_begin(Evaluator *ev, const struct Dialect *dialect, const EvaluatorHost *host);
/* A setting of this compile only (batch's "settings"). */
void evaluator_override_setting(Evaluator *ev, Slice name, Slice value);
/* The given files: module bodies, then (unless the host has rows) every function and method. */
void evaluator_run_sources(Evaluator *ev);
/* After it, where rows are there and no call follows: querysets that the bodies built and nothing has read. */
void evaluator_run_unread(Evaluator *ev);
/*
 * -e and batch: statements with the free names in reach. The value of a last expression is executed if it is a query
 * that the text itself has not executed. Where `stop_at_error` nothing is evaluated after the first error. `number` of
 * the source is set.
 */
void evaluator_run_text(Evaluator *ev, Source *source, bool stop_at_error);
/* --call: evaluates `text` in the namespace of the last program source. */
void evaluator_run_call(Evaluator *ev, Source *source);
/* The DDL of all models that the sources define, of all families. */
void evaluator_emit_schema(Evaluator *ev, StatementList *out);
/* The models that the sources define as JSON, one a line. */
void evaluator_describe_models(Evaluator *ev, Buffer *out);

Trace evaluator_trace(Evaluator *ev);
DiagnosticList *evaluator_diagnostics(Evaluator *ev);
/* The dialect that the program's own engine URL names, as the SQLAlchemy modules found it; empty: none. */
Slice evaluator_engine_dialect(const Evaluator *ev);
void evaluator_set_engine_dialect(Evaluator *ev, Slice name);

#endif
