/* The list of diagnostics and the names of their codes. See diagnostic.h. */
#include "compiler/base/diagnostic.h"

#include <string.h>

static const char *const code_texts[CODE_COUNT] = {
#define X(name, text) [CODE_##name] = text,
    DIAGNOSTIC_CODES(X)
#undef X
};

const char *diagnostic_code_text(DiagnosticCode code) { return code_texts[code]; }

void diagnostics_init(DiagnosticList *list, Arena *arena) { *list = (DiagnosticList){.arena = arena}; }

static bool stands_before(Span span, const Source *source, uint32_t start) {
    if (span.source != source) return (uintptr_t)span.source < (uintptr_t)source;
    return span.start < start;
}

int diagnostics_from(const DiagnosticList *list, const Source *source, uint32_t start) {
    int low = 0, high = list->count;
    while (low < high) {
        int middle = low + (high - low) / 2;
        if (stands_before(list->items[list->by_place[middle]].span, source, start)) low = middle + 1;
        else high = middle;
    }
    return low;
}

static Diagnostic *diagnostics_find(DiagnosticList *list, const Diagnostic *wanted) {
    for (int i = diagnostics_from(list, wanted->span.source, wanted->span.start); i < list->count; i++) {
        Diagnostic *known = &list->items[list->by_place[i]];
        if (known->span.source != wanted->span.source || known->span.start != wanted->span.start) return NULL;
        if (known->code == wanted->code && known->span.end == wanted->span.end &&
            slice_equals(known->message, wanted->message))
            return known;
    }
    return NULL;
}

/* The last item, not in `by_place` yet, takes its place there. */
static void diagnostics_place(DiagnosticList *list) {
    int number = list->count - 1, places = number;
    Span span = list->items[number].span;
    list->count = places; /* the others */
    int at = diagnostics_from(list, span.source, span.start + 1);
    list->count = number + 1;
    ARENA_PUSH(list->arena, list->by_place, places, list->place_capacity) = number;
    memmove(&list->by_place[at + 1], &list->by_place[at], sizeof(int) * (size_t)(number - at));
    list->by_place[at] = number;
}

void diagnostics_take(DiagnosticList *list, const Diagnostic *taken) {
    if (taken->severity == SEVERITY_ERROR) list->error_count++;
    ARENA_PUSH(list->arena, list->items, list->count, list->capacity) = *taken;
    diagnostics_place(list);
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
    diagnostics_take(list, &added);
    return &list->items[list->count - 1];
}
