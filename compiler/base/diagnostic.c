/* The list of diagnostics and the names of their codes. See diagnostic.h. */
#include "compiler/base/diagnostic.h"

static const char *const code_texts[CODE_COUNT] = {
#define X(name, text) [CODE_##name] = text,
    DIAGNOSTIC_CODES(X)
#undef X
};

const char *diagnostic_code_text(DiagnosticCode code) { return code_texts[code]; }

void diagnostics_init(DiagnosticList *list, Arena *arena) { *list = (DiagnosticList){.arena = arena}; }

static Diagnostic *diagnostics_find(DiagnosticList *list, const Diagnostic *wanted) {
    for (int i = list->count - 1; i >= 0; i--) {
        Diagnostic *known = &list->items[i];
        if (known->code == wanted->code && known->span.source == wanted->span.source &&
            known->span.start == wanted->span.start && known->span.end == wanted->span.end &&
            slice_equals(known->message, wanted->message))
            return known;
    }
    return NULL;
}

Diagnostic *diagnostics_add(DiagnosticList *list, DiagnosticCode code, Severity severity, Span span, const char *format,
                            ...) {
    va_list arguments;
    va_start(arguments, format);
    Diagnostic added = {
        .code = code, .severity = severity, .span = span, .message = slice_format_list(list->arena, format, arguments)};
    va_end(arguments);
    Diagnostic *known = diagnostics_find(list, &added);
    if (known) return known;
    if (severity == SEVERITY_ERROR) list->error_count++;
    ARENA_PUSH(list->arena, list->items, list->count, list->capacity) = added;
    return &list->items[list->count - 1];
}
