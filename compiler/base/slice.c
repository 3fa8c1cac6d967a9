/* Slices, buffers and formatted text. See slice.h. */
#include "compiler/base/slice.h"

#include <stdio.h>

int slice_compare(Slice a, Slice b) {
    size_t shorter = a.length < b.length ? a.length : b.length;
    int order = shorter ? memcmp(a.start, b.start, shorter) : 0;
    return order ? order : (a.length > b.length) - (a.length < b.length);
}

bool slice_starts_with(Slice text, const char *prefix) {
    size_t length = strlen(prefix);
    return text.length >= length && memcmp(text.start, prefix, length) == 0;
}

bool slice_ends_with(Slice text, const char *suffix) {
    size_t length = strlen(suffix);
    return text.length >= length && memcmp(text.start + text.length - length, suffix, length) == 0;
}

Slice slice_sub(Slice text, size_t from, size_t to) {
    if (to > text.length) to = text.length;
    if (from > to) from = to;
    return (Slice){text.start + from, to - from};
}

size_t slice_find(Slice text, char byte) {
    const char *found = text.length ? memchr(text.start, byte, text.length) : NULL;
    return found ? (size_t)(found - text.start) : text.length;
}

Slice slice_lower(Arena *arena, Slice text) {
    char *lower = arena_allocate(arena, text.length + 1);
    for (size_t i = 0; i < text.length; i++) lower[i] = char_lower(text.start[i]);
    lower[text.length] = '\0';
    return (Slice){lower, text.length};
}

static bool same_ignoring_case(const char *a, const char *b, size_t length) {
    for (size_t i = 0; i < length; i++)
        if (char_lower(a[i]) != char_lower(b[i])) return false;
    return true;
}

bool slice_starts_ignoring_case(Slice text, const char *prefix) {
    size_t length = strlen(prefix);
    return text.length >= length && same_ignoring_case(text.start, prefix, length);
}

bool slice_equals_ignoring_case(Slice text, const char *other) {
    return text.length == strlen(other) && same_ignoring_case(text.start, other, text.length);
}

bool slice_contains_ignoring_case(Slice text, Slice part) {
    for (size_t i = 0; i + part.length <= text.length; i++)
        if (same_ignoring_case(text.start + i, part.start, part.length)) return true;
    return false;
}

Slice slice_copy(Arena *arena, Slice text) { return (Slice){slice_terminated(arena, text), text.length}; }

const char *slice_terminated(Arena *arena, Slice text) {
    char *copy = arena_allocate(arena, text.length + 1);
    if (text.length) memcpy(copy, text.start, text.length);
    copy[text.length] = '\0';
    return copy;
}

/* ---- formatted text ---- */

/* Nearly all formats use these alone, and vsnprintf() is slow at them: %s %.*s %d %u %c %%. */
typedef struct Formatting {
    const char *format;
    va_list arguments;
    char *out; /* NULL: only measured */
    size_t length;
} Formatting;

static void formatting_text(Formatting *f, const char *text, size_t length) {
    if (f->out && length) memcpy(f->out + f->length, text, length);
    f->length += length;
}

static void formatting_number(Formatting *f, unsigned number, bool negative) {
    char digits[12];
    size_t at = sizeof digits;
    do digits[--at] = (char)('0' + number % 10);
    while (number /= 10);
    if (negative) digits[--at] = '-';
    formatting_text(f, digits + at, sizeof digits - at);
}

/* One conversion, `format` behind its '%'. False: not one of those above. */
static bool formatting_convert(Formatting *f) {
    switch (*f->format++) {
    case '%': formatting_text(f, "%", 1); return true;
    case 's': {
        const char *text = va_arg(f->arguments, const char *);
        if (!text) return false;
        formatting_text(f, text, strlen(text));
        return true;
    }
    case '.': {
        if (f->format[0] != '*' || f->format[1] != 's') return false;
        f->format += 2;
        int most = va_arg(f->arguments, int);
        const char *text = va_arg(f->arguments, const char *);
        if (most < 0) return false;
        const char *end = most ? memchr(text, '\0', (size_t)most) : text;
        formatting_text(f, text, end ? (size_t)(end - text) : (size_t)most);
        return true;
    }
    case 'd': {
        int number = va_arg(f->arguments, int);
        formatting_number(f, number < 0 ? 0u - (unsigned)number : (unsigned)number, number < 0);
        return true;
    }
    case 'u': formatting_number(f, va_arg(f->arguments, unsigned), false); return true;
    case 'c': {
        char byte = (char)va_arg(f->arguments, int);
        formatting_text(f, &byte, 1);
        return true;
    }
    default: return false;
    }
}

static bool formatting_run(Formatting *f) {
    for (;;) {
        const char *plain = f->format;
        while (*f->format && *f->format != '%') f->format++;
        formatting_text(f, plain, (size_t)(f->format - plain));
        if (!*f->format) return true;
        f->format++;
        if (!formatting_convert(f)) return false;
    }
}

static Slice format_any(Arena *arena, const char *format, va_list arguments) {
    va_list again;
    va_copy(again, arguments);
    int length = vsnprintf(NULL, 0, format, again);
    va_end(again);
    if (length < 0) length = 0;
    char *text = arena_allocate(arena, (size_t)length + 1);
    vsnprintf(text, (size_t)length + 1, format, arguments);
    return (Slice){text, (size_t)length};
}

Slice slice_format_list(Arena *arena, const char *format, va_list arguments) {
    Formatting f = {.format = format};
    va_copy(f.arguments, arguments);
    bool simple = formatting_run(&f);
    va_end(f.arguments);
    if (!simple) return format_any(arena, format, arguments);
    char *text = arena_allocate(arena, f.length + 1);
    text[f.length] = '\0';
    f = (Formatting){.format = format, .out = text};
    va_copy(f.arguments, arguments);
    formatting_run(&f);
    va_end(f.arguments);
    return (Slice){text, f.length};
}

Slice slice_format(Arena *arena, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    Slice text = slice_format_list(arena, format, arguments);
    va_end(arguments);
    return text;
}

Slice slice_join(Arena *arena, Slice a, Slice b) {
    char *text = arena_allocate(arena, a.length + b.length + 1);
    if (a.length) memcpy(text, a.start, a.length);
    if (b.length) memcpy(text + a.length, b.start, b.length);
    text[a.length + b.length] = '\0';
    return (Slice){text, a.length + b.length};
}

void buffer_init(Buffer *buffer, Arena *arena) { *buffer = (Buffer){.arena = arena}; }

void buffer_reserve(Buffer *buffer, size_t more) {
    if (buffer->capacity - buffer->length >= more) return;
    size_t wanted = buffer->capacity ? buffer->capacity * 2 : 256;
    while (wanted - buffer->length < more) wanted *= 2;
    char *larger = arena_allocate(buffer->arena, wanted);
    if (buffer->length) memcpy(larger, buffer->data, buffer->length);
    buffer->data = larger;
    buffer->capacity = wanted;
}

void buffer_format(Buffer *buffer, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    buffer_slice(buffer, slice_format_list(buffer->arena, format, arguments));
    va_end(arguments);
}
