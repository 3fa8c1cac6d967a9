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

Slice slice_copy(Arena *arena, Slice text) { return (Slice){slice_terminated(arena, text), text.length}; }

const char *slice_terminated(Arena *arena, Slice text) {
    char *copy = arena_allocate(arena, text.length + 1);
    if (text.length) memcpy(copy, text.start, text.length);
    copy[text.length] = '\0';
    return copy;
}

Slice slice_format_list(Arena *arena, const char *format, va_list arguments) {
    va_list again;
    va_copy(again, arguments);
    int length = vsnprintf(NULL, 0, format, again);
    va_end(again);
    if (length < 0) length = 0;
    char *text = arena_allocate(arena, (size_t)length + 1);
    vsnprintf(text, (size_t)length + 1, format, arguments);
    return (Slice){text, (size_t)length};
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
