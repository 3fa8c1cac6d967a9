/*
 * One line of `ormc batch`: reading the case, writing the answer.
 *
 * In: {"id": "x", "expr": "Author.objects.get(nam=1)", "settings": {"USE_TZ": true}}
 * Out: {"id": "x", "ok": true, "statements": […]}
 *   or {"id": "x", "ok": false, "error": {"code": "field-error", "message": "…", "help": "…", "line": 1, "column": 20}}
 * A line that can't be read is answered like a refused one, with code syntax-error.
 */
#include "compiler/context.h"

bool batch_read(Arena *arena, Slice line, BatchCase *batch) {
    *batch = (BatchCase){0};
    const Json *whole = json_read(arena, line, &batch->error, &batch->error_at);
    if (!whole) return false;
    const Json *id = json_member(whole, "id"), *text = json_member(whole, "expr"),
               *settings = json_member(whole, "settings");
    if (id) batch->id = id->whole;
    if (whole->kind != JSON_OBJECT) batch->error = "a line is an object with \"expr\"";
    else if (!text || text->kind != JSON_STRING) batch->error = "\"expr\" must be a string";
    else if (settings && settings->kind != JSON_OBJECT) batch->error = "\"settings\" must be an object";
    if (batch->error) return false;
    batch->text = text->text;
    batch->settings = settings;
    return true;
}

Slice batch_setting_text(const Json *value) {
    switch (value->kind) {
    case JSON_NULL: return SLICE("None");
    case JSON_TRUE: return SLICE("True");
    case JSON_FALSE: return SLICE("False");
    case JSON_STRING: return value->text;
    case JSON_NUMBER:
    case JSON_ARRAY:
    case JSON_OBJECT: return value->whole;
    }
    return value->whole;
}

static void write_head(Buffer *out, const BatchCase *batch, bool ok) {
    buffer_text(out, "{\"id\": ");
    buffer_slice(out, batch->id.length ? batch->id : SLICE("null"));
    buffer_text(out, ok ? ", \"ok\": true, " : ", \"ok\": false, ");
}

static void write_error(Buffer *out, const char *code, Slice message, Slice help, Position position) {
    buffer_format(out, "\"error\": {\"code\": \"%s\", \"message\": ", code);
    json_write_string(out, message);
    buffer_text(out, ", \"help\": ");
    if (help.length) json_write_string(out, help);
    else buffer_text(out, "null");
    buffer_format(out, ", \"line\": %d, \"column\": %d}}", position.line, position.column);
}

void batch_write_bad_line(Buffer *out, const BatchCase *batch) {
    write_head(out, batch, false);
    write_error(out, diagnostic_code_text(CODE_SYNTAX_ERROR), slice_format(out->arena, "not a case: %s", batch->error),
                (Slice){"", 0}, (Position){1, (int)batch->error_at + 1});
}

static const Diagnostic *first_error(const DiagnosticList *list) {
    for (int i = 0; i < list->count; i++)
        if (list->items[i].severity == SEVERITY_ERROR) return &list->items[i];
    return NULL;
}

void batch_write_answer(Buffer *out, const BatchCase *batch, const OrmcTranslation *translation) {
    const Diagnostic *error = first_error(evaluator_diagnostics(translation->context->evaluator));
    write_head(out, batch, !error);
    if (error) {
        Position position = {1, 1};
        if (error->span.source) position = source_position(error->span.source, error->span.start);
        write_error(out, diagnostic_code_text(error->code), error->message, error->help, position);
        return;
    }
    Trace trace = translation_trace(translation);
    bool first = true;
    buffer_text(out, "\"statements\": [");
    for (int i = 0; i < trace.count; i++)
        for (int j = 0; j < trace.items[i]->statements.count; j++) {
            const Statement *statement = &trace.items[i]->statements.items[j];
            if (!translation_shows(translation, statement)) continue;
            if (!first) buffer_text(out, ", ");
            first = false;
            answer_write_statement(out, translation, i, statement, (Numbering){.flat = true});
        }
    buffer_text(out, "]}");
}
