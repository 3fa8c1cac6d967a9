/*
 * A translation as text: JSON for tools, diagnostics and parameters for people.
 *
 * In: a translation. Out: text in the context's scratch arena. Example of a statement:
 *
 *     {"kind": "select", "sql": "SELECT … WHERE posts.user_id = ?",
 *      "params": [{"name": "user_id", "type": "integer"}]}
 */
#include "compiler/context.h"

static const char *const kind_names[] = {
#define X(name, text) text,
    STATEMENT_KINDS(X)
#undef X
};
static const char *const type_names[] = {
#define X(name, text) text,
    SQL_TYPES(X)
#undef X
};

OrmcText text_from_buffer(Buffer *buffer) {
    buffer_put(buffer, '\0');
    buffer->length--;
    return (OrmcText){buffer->data, buffer->length};
}

static Slice slice_from_ormc(OrmcText text) { return (Slice){text.data, text.length}; }

/* ---- JSON ---- */

static void write_param(Buffer *out, const OrmcTranslation *translation, int execution, const Param *param,
                        Numbering numbering) {
    buffer_put(out, '{');
    switch (param->source) {
    case PARAM_KNOWN:
        json_write_name(out, "value");
        json_write_literal(out, &param->value);
        break;
    case PARAM_NAMED:
        json_write_name(out, "name");
        json_write_string(out, param->name);
        break;
    case PARAM_FROM_ROWS: {
        int other = param->execution < 0 ? execution : param->execution;
        if (other != execution && !numbering.flat) buffer_format(out, "\"query\": %d, ", numbering.first + other);
        buffer_format(out, "\"statement\": %d, ",
                      translation_position(translation, other, param->statement, numbering.flat));
        json_write_name(out, "column");
        json_write_string(out, param->column);
        break;
    }
    }
    buffer_format(out, ", \"type\": \"%s\"", type_names[param->type]);
    if (param->expand) buffer_text(out, ", \"expand\": true");
    buffer_put(out, '}');
}

void answer_write_statement(Buffer *out, const OrmcTranslation *translation, int execution, const Statement *statement,
                            Numbering numbering) {
    buffer_format(out, "{\"kind\": \"%s\", ", kind_names[statement->kind]);
    if (translation->is_schema) buffer_format(out, "\"dialect\": \"%s\", ", translation->dialect->name);
    json_write_name(out, "sql");
    bool inlined = translation->context->options.inline_literals && statement->inlined.length;
    json_write_string(out, inlined ? statement->inlined : statement->sql);
    if (!translation->is_schema) {
        buffer_text(out, ", \"params\": [");
        for (int i = 0; i < statement->param_count && !inlined; i++) {
            if (i) buffer_text(out, ", ");
            write_param(out, translation, execution, &statement->params[i], numbering);
        }
        buffer_put(out, ']');
    }
    buffer_put(out, '}');
}

static void write_statements(Buffer *out, const OrmcTranslation *translation, int execution, int first_query) {
    const StatementList *statements = &translation_trace(translation).items[execution]->statements;
    bool first = true;
    for (int i = 0; i < statements->count; i++) {
        if (!translation_shows(translation, &statements->items[i])) continue;
        if (!first) buffer_text(out, ", ");
        first = false;
        answer_write_statement(out, translation, execution, &statements->items[i], (Numbering){.first = first_query});
    }
}

static void write_member(Buffer *out, const char *name, OrmcText text) {
    json_write_name(out, name);
    if (text.length) json_write_string(out, slice_from_ormc(text));
    else buffer_text(out, "null");
    buffer_text(out, ", ");
}

static void write_query(Buffer *out, const OrmcTranslation *translation, int index, int first) {
    const OrmcQuery *query = &translation->queries[index];
    buffer_put(out, '{');
    write_member(out, "file", query->file);
    buffer_format(out, "\"line\": %d, \"column\": %d, ", query->line, query->column);
    write_member(out, "function", query->function);
    write_member(out, "source", query->source);
    buffer_format(out, "\"dialect\": \"%s\", \"statements\": [", query->dialect);
    write_statements(out, translation, index, first);
    buffer_text(out, "]}");
}

static void write_diagnostic(Buffer *out, const OrmcDiagnostic *diagnostic) {
    buffer_format(out, "{\"severity\": \"%s\", \"code\": \"%s\", ", diagnostic->is_warning ? "warning" : "error",
                  diagnostic->code);
    json_write_name(out, "message");
    json_write_string(out, slice_from_ormc(diagnostic->message));
    buffer_text(out, ", ");
    write_member(out, "file", diagnostic->file);
    if (diagnostic->file.length)
        buffer_format(out, "\"line\": %d, \"column\": %d, \"end_line\": %d, \"end_column\": %d, ", diagnostic->line,
                      diagnostic->column, diagnostic->end_line, diagnostic->end_column);
    else buffer_text(out, "\"line\": null, \"column\": null, \"end_line\": null, \"end_column\": null, ");
    json_write_name(out, "help");
    if (diagnostic->help.length) json_write_string(out, slice_from_ormc(diagnostic->help));
    else buffer_text(out, "null");
    buffer_put(out, '}');
}

static void write_translation(Buffer *out, const OrmcTranslation *translation) {
    int count = translation_trace(translation).count;
    buffer_text(out, translation->is_schema ? "{\"statements\": [" : "{\"queries\": [");
    for (int i = 0; i < count; i++) {
        if (i) buffer_text(out, ",");
        buffer_text(out, "\n  ");
        if (translation->is_schema) write_statements(out, translation, i, 0);
        else write_query(out, translation, i, 0);
    }
    buffer_text(out, "],\n \"diagnostics\": [");
    for (int i = 0; i < translation->diagnostics.count; i++) {
        buffer_text(out, i ? ",\n  " : "\n  ");
        write_diagnostic(out, &translation->diagnostic_views[i]);
    }
    buffer_text(out, "]}\n");
}

/* ---- public: each inside a recovery point ---- */

typedef struct Rendering {
    const OrmcTranslation *translation;
    int index, first;
    bool colour;
    const OrmcParam *param;
    OrmcText text;
    Buffer out;
} Rendering;

static OrmcText render(const OrmcTranslation *translation, void (*work)(OrmcContext *, void *), Rendering *rendering) {
    rendering->translation = translation;
    buffer_init(&rendering->out, &translation->context->scratch);
    if (!context_guard(translation->context, work, rendering)) return (OrmcText){NULL, 0};
    return rendering->text;
}

static void render_json(OrmcContext *context, void *data) {
    (void)context;
    Rendering *rendering = data;
    write_translation(&rendering->out, rendering->translation);
    rendering->text = text_from_buffer(&rendering->out);
}

OrmcText ormc_translation_render_json(const OrmcTranslation *translation) {
    return render(translation, render_json, &(Rendering){0});
}

static void render_query(OrmcContext *context, void *data) {
    (void)context;
    Rendering *rendering = data;
    if (rendering->translation->is_schema)
        write_statements(&rendering->out, rendering->translation, rendering->index, 0);
    else write_query(&rendering->out, rendering->translation, rendering->index, rendering->first);
    rendering->text = text_from_buffer(&rendering->out);
}

OrmcText ormc_translation_query_json(const OrmcTranslation *translation, int index, int first) {
    if (!ormc_translation_query(translation, index)) return (OrmcText){NULL, 0};
    return render(translation, render_query, &(Rendering){.index = index, .first = first});
}

static void render_diagnostic(OrmcContext *context, void *data) {
    (void)context;
    Rendering *rendering = data;
    write_diagnostic(&rendering->out, &rendering->translation->diagnostic_views[rendering->index]);
    rendering->text = text_from_buffer(&rendering->out);
}

OrmcText ormc_translation_diagnostic_json(const OrmcTranslation *translation, int index) {
    if (!ormc_translation_diagnostic(translation, index)) return (OrmcText){NULL, 0};
    return render(translation, render_diagnostic, &(Rendering){.index = index});
}

static void render_diagnostics(OrmcContext *context, void *data) {
    (void)context;
    Rendering *rendering = data;
    diagnostics_render(&rendering->out, &rendering->translation->diagnostics, rendering->colour);
    rendering->text = text_from_buffer(&rendering->out);
}

OrmcText ormc_translation_render_diagnostics(const OrmcTranslation *translation, bool colour) {
    return render(translation, render_diagnostics, &(Rendering){.colour = colour});
}

/* ---- parameters for people ---- */

static void write_quoted(Buffer *out, const char *text, size_t length) {
    buffer_put(out, '\'');
    for (size_t i = 0; i < length; i++) {
        if (text[i] == '\'') buffer_put(out, '\'');
        buffer_put(out, text[i]);
    }
    buffer_put(out, '\'');
}

/* '"a"=>"1", "b"=>NULL' */
static void write_map(Buffer *out, const OrmcValue *map) {
    Buffer text;
    buffer_init(&text, out->arena);
    for (size_t i = 0; i < map->length; i++) {
        const OrmcValue *item = &map->items[i];
        if (i) buffer_text(&text, i % 2 ? "=>" : ", ");
        if (item->is_null) {
            buffer_text(&text, "NULL");
            continue;
        }
        buffer_put(&text, '"');
        for (size_t k = 0; k < item->length; k++) {
            if (item->text[k] == '"' || item->text[k] == '\\') buffer_put(&text, '\\');
            buffer_put(&text, item->text[k]);
        }
        buffer_put(&text, '"');
    }
    Slice view = buffer_view(&text);
    write_quoted(out, view.start, view.length);
}

static void write_value(Buffer *out, const OrmcValue *value) {
    if (value->is_null) {
        buffer_text(out, "NULL");
        return;
    }
    switch (value->type) {
    case ORMC_TYPE_BOOLEAN: buffer_text(out, value->integer ? "true" : "false"); return;
    case ORMC_TYPE_FLOAT: json_write_number(out, value->number); return;
    case ORMC_TYPE_BYTES:
        buffer_text(out, "X'");
        for (size_t i = 0; i < value->length; i++) buffer_format(out, "%02x", (unsigned char)value->text[i]);
        buffer_put(out, '\'');
        return;
    case ORMC_TYPE_ARRAY:
        buffer_put(out, '[');
        for (size_t i = 0; i < value->length; i++) {
            if (i) buffer_text(out, ", ");
            write_value(out, &value->items[i]);
        }
        buffer_put(out, ']');
        return;
    case ORMC_TYPE_MAP: write_map(out, value); return;
    case ORMC_TYPE_INTEGER:
    case ORMC_TYPE_BIGINT:
    case ORMC_TYPE_INTERVAL:
        if (value->text) buffer_append(out, value->text, value->length);
        else buffer_format(out, "%lld", (long long)value->integer);
        return;
    case ORMC_TYPE_DECIMAL:
    case ORMC_TYPE_DATE:
    case ORMC_TYPE_TIME:
    case ORMC_TYPE_DATETIME:
        if (!value->text) buffer_format(out, "%lld", (long long)value->integer);
        else if (value->type == ORMC_TYPE_DECIMAL) buffer_append(out, value->text, value->length);
        else write_quoted(out, value->text, value->length);
        return;
    case ORMC_TYPE_TEXT:
    case ORMC_TYPE_UUID:
    case ORMC_TYPE_JSON:
    case ORMC_TYPE_UNKNOWN: write_quoted(out, value->text ? value->text : "", value->length); return;
    }
}

/* "rows of app.py:12:9: id", "rows of statement 0: id" */
static void write_origin(Buffer *out, const OrmcTranslation *translation, const OrmcParam *param) {
    const OrmcQuery *query = param->query >= 0 ? ormc_translation_query(translation, param->query) : NULL;
    buffer_text(out, "rows of ");
    if (query && query->line) {
        buffer_slice(out, slice_from_ormc(query->file));
        buffer_format(out, ":%d:%d", query->line, query->column);
    } else if (query) {
        buffer_format(out, "query %d", param->query);
    }
    if (!query || query->statement_count > 1) buffer_format(out, "%sstatement %d", query ? ", " : "", param->statement);
    buffer_text(out, ": ");
    buffer_slice(out, slice_from_ormc(param->column));
}

static void render_param(OrmcContext *context, void *data) {
    (void)context;
    Rendering *rendering = data;
    const OrmcParam *param = rendering->param;
    Buffer *out = &rendering->out;
    switch (param->source) {
    case ORMC_PARAM_KNOWN: write_value(out, &param->value); break;
    case ORMC_PARAM_NAMED: buffer_slice(out, slice_from_ormc(param->name)); break;
    case ORMC_PARAM_FROM_ROWS: write_origin(out, rendering->translation, param); break;
    }
    if (param->expand) buffer_text(out, " …");
    rendering->text = text_from_buffer(out);
}

OrmcText ormc_translation_param_text(const OrmcTranslation *translation, const OrmcParam *param) {
    return render(translation, render_param, &(Rendering){.param = param});
}
