/*
 * Diagnostics as text. In: one diagnostic or a list. Out: text appended to a buffer. Example:
 *
 *     error[field-error]: Cannot resolve keyword 'nam' into field. Choices are: id, name
 *       --> app.py:12:31
 *        |
 *     12 | authors = Author.objects.filter(nam="x")
 *        |                                 ^^^
 *     help: did you mean 'name'?
 *
 * A span over several lines is underlined to the end of its first line. Tabs stay tabs, so that the
 * carets stand below their text; other control characters are shown as spaces. Of a very long line the part around the
 * span is shown, "…" where it is cut.
 */
#include "compiler/base/diagnostic.h"

#define COLOUR_RESET "\033[0m"
#define COLOUR_BOLD "\033[1m"
#define COLOUR_ERROR "\033[1;31m"
#define COLOUR_WARNING "\033[1;33m"
#define COLOUR_PLACE "\033[1;34m"
#define COLOUR_HELP "\033[1;36m"

static const char *severity_text(Severity severity) { return severity == SEVERITY_ERROR ? "error" : "warning"; }

static void buffer_coloured(Buffer *out, bool colour, const char *code, const char *text) {
    if (colour) buffer_text(out, code);
    buffer_text(out, text);
    if (colour) buffer_text(out, COLOUR_RESET);
}

static void buffer_repeat(Buffer *out, char byte, int count) {
    for (int i = 0; i < count; i++) buffer_put(out, byte);
}

static bool byte_continues_character(char byte) { return ((unsigned char)byte & 0xC0) == 0x80; }

enum { LINE_MOST = 400, BEFORE_SPAN = 100 };

/* The part of a very long line that is shown. */
static Slice line_window(Slice line, size_t from) {
    if (line.length <= LINE_MOST) return line;
    size_t start = from > BEFORE_SPAN ? from - BEFORE_SPAN : 0;
    size_t end = start + LINE_MOST < line.length ? start + LINE_MOST : line.length;
    while (start && byte_continues_character(line.start[start])) start--;
    while (end < line.length && byte_continues_character(line.start[end])) end--;
    return slice_sub(line, start, end);
}

static void render_source_line(Buffer *out, Slice line, Slice shown) {
    if (shown.start > line.start) buffer_text(out, "…");
    for (size_t i = 0; i < shown.length; i++) {
        unsigned char byte = (unsigned char)shown.start[i];
        buffer_put(out, (byte < 0x20 && byte != '\t') || byte == 0x7f ? ' ' : shown.start[i]);
    }
    if (shown.start + shown.length < line.start + line.length) buffer_text(out, "…");
}

/* Blanks up to the span, then a caret a character, at least one. */
static void render_carets(Buffer *out, Slice line, size_t from, Span span, const char *colour) {
    size_t to = from + (span.end > span.start ? span.end - span.start : 1);
    if (to > line.length) to = line.length;
    for (size_t i = 0; i < from && i < line.length; i++)
        if (!byte_continues_character(line.start[i])) buffer_put(out, line.start[i] == '\t' ? '\t' : ' ');
    int carets = 0;
    for (size_t i = from; i < to; i++) carets += !byte_continues_character(line.start[i]);
    if (colour) buffer_text(out, colour);
    buffer_repeat(out, '^', carets ? carets : 1);
    if (colour) buffer_text(out, COLOUR_RESET);
}

static void render_place(Buffer *out, const Diagnostic *diagnostic, bool colour) {
    Span span = diagnostic->span;
    if (span.start > span.source->text.length) span.start = span.end = (uint32_t)span.source->text.length;
    Position position = source_position(span.source, span.start);
    Slice number = slice_format(out->arena, "%d", position.line);
    int gutter = (int)number.length;
    buffer_repeat(out, ' ', gutter);
    buffer_coloured(out, colour, COLOUR_PLACE, "--> ");
    buffer_format(out, "%.*s:%d:%d\n", SLICE_ARGS(span.source->name), position.line, position.column);
    buffer_repeat(out, ' ', gutter + 1);
    buffer_coloured(out, colour, COLOUR_PLACE, "|");
    buffer_put(out, '\n');
    if (colour) buffer_text(out, COLOUR_PLACE);
    buffer_slice(out, number);
    buffer_coloured(out, colour, "", " | ");
    Slice line = source_line(span.source, span.start);
    size_t from = (size_t)(span.source->original.start + span.start - line.start);
    Slice shown = line_window(line, from);
    render_source_line(out, line, shown);
    buffer_put(out, '\n');
    buffer_repeat(out, ' ', gutter + 1);
    buffer_coloured(out, colour, COLOUR_PLACE, "| ");
    const char *caret = diagnostic->severity == SEVERITY_ERROR ? COLOUR_ERROR : COLOUR_WARNING;
    if (shown.start > line.start) buffer_put(out, ' ');
    render_carets(out, shown, from - (size_t)(shown.start - line.start), span, colour ? caret : NULL);
    buffer_put(out, '\n');
}

/* The message, its place, the source line with carets, the help line. */
static void diagnostic_render(Buffer *out, const Diagnostic *diagnostic, bool colour) {
    const char *severity_colour = diagnostic->severity == SEVERITY_ERROR ? COLOUR_ERROR : COLOUR_WARNING;
    if (colour) buffer_text(out, severity_colour);
    buffer_format(out, "%s[%s]", severity_text(diagnostic->severity), diagnostic_code_text(diagnostic->code));
    if (colour) buffer_text(out, COLOUR_RESET COLOUR_BOLD);
    buffer_text(out, ": ");
    buffer_slice(out, diagnostic->message);
    if (colour) buffer_text(out, COLOUR_RESET);
    buffer_put(out, '\n');
    if (diagnostic->span.source) render_place(out, diagnostic, colour);
    if (!diagnostic->help.length) return;
    buffer_coloured(out, colour, COLOUR_HELP, "help");
    buffer_text(out, ": ");
    buffer_slice(out, diagnostic->help);
    buffer_put(out, '\n');
}

void diagnostic_render_line(Buffer *out, const Diagnostic *diagnostic) {
    if (diagnostic->span.source) {
        Position position = source_position(diagnostic->span.source, diagnostic->span.start);
        buffer_format(out, "%.*s:%d:%d: ", SLICE_ARGS(diagnostic->span.source->name), position.line, position.column);
    }
    buffer_format(out, "%s[%s]: ", severity_text(diagnostic->severity), diagnostic_code_text(diagnostic->code));
    for (size_t i = 0; i < diagnostic->message.length; i++) {
        char byte = diagnostic->message.start[i];
        buffer_put(out, byte == '\n' || byte == '\r' ? ' ' : byte);
    }
    buffer_put(out, '\n');
}

void diagnostics_render(Buffer *out, const DiagnosticList *list, bool colour) {
    for (int i = 0; i < list->count; i++) {
        if (i) buffer_put(out, '\n');
        diagnostic_render(out, &list->items[i], colour);
    }
}
