/*
 * Diagnostics are values in a list: a stable code, a severity, a place, a message, a help line.
 * Nothing here prints; the renderers in compiler/base/render.c turn a list into text.
 */
#ifndef ORMC_BASE_DIAGNOSTIC_H
#define ORMC_BASE_DIAGNOSTIC_H

#include "compiler/base/source.h"

/* X(enumerator, code as users see it): CONTRACT's error codes, permanent. */
#define DIAGNOSTIC_CODES(X)                                                                                            \
    X(FIELD_ERROR, "field-error")                                                                                      \
    X(VALUE_ERROR, "value-error")                                                                                      \
    X(TYPE_ERROR, "type-error")                                                                                        \
    X(DOES_NOT_EXIST, "does-not-exist")                                                                                \
    X(NOT_SUPPORTED, "not-supported")                                                                                  \
    X(ARGUMENT_ERROR, "argument-error")                                                                                \
    X(INVALID_REQUEST, "invalid-request")                                                                              \
    X(SYNTAX_ERROR, "syntax-error")                                                                                    \
    X(UNKNOWN_MODEL, "unknown-model")                                                                                  \
    X(UNSUPPORTED, "unsupported")                                                                                      \
    X(DATABASE_ERROR, "database-error")                                                                                \
    X(LIMIT, "limit")                                                                                                  \
    X(OUT_OF_MEMORY, "out-of-memory")

typedef enum DiagnosticCode {
#define X(name, text) CODE_##name,
    DIAGNOSTIC_CODES(X)
#undef X
        CODE_COUNT
} DiagnosticCode;

typedef enum Severity { SEVERITY_ERROR, SEVERITY_WARNING } Severity;

typedef struct Diagnostic {
    DiagnosticCode code;
    Severity severity;
    Span span; /* span.source NULL: about no place */
    Slice message;
    Slice help; /* empty: none */
} Diagnostic;

typedef struct DiagnosticList {
    Arena *arena;
    Diagnostic *items;
    int count, capacity;
    int error_count;
    int *by_place; /* numbers of items, by source and start; items of one place in their order */
    int place_capacity;
} DiagnosticList;

void diagnostics_init(DiagnosticList *list, Arena *arena);
/* Adds a diagnostic unless the very same stands already. The returned one may get a help line. */
Diagnostic *diagnostics_add(DiagnosticList *list, DiagnosticCode code, Severity severity, Span span, const char *format,
                            ...) __attribute__((format(printf, 5, 6)));
/* A copy of one of another list, whatever stands already. */
void diagnostics_take(DiagnosticList *list, const Diagnostic *taken);
/* Where in `by_place` the items begin that stand in this source at `start` or behind it. */
int diagnostics_from(const DiagnosticList *list, const Source *source, uint32_t start);
const char *diagnostic_code_text(DiagnosticCode code);

/* For tools: `file:line:column: error[code]: message`, one line. */
void diagnostic_render_line(Buffer *out, const Diagnostic *diagnostic);
/* The whole list for people, a blank line between two. Colour is ANSI's. */
void diagnostics_render(Buffer *out, const DiagnosticList *list, bool colour);

#endif
