/*
 * Fuzz target: models and a program over them, to the schema, to SQL, and run.
 *
 * The first byte chooses the dialect; a line "#---" parts the models from the program. Each run has a context of its
 * own, for models are what a context keeps: the tables are written, then the program is translated without rows, then
 * it runs under a host whose every statement answers one row, so that it goes on behind its queries.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "include/ormc.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { CELL_LIMIT = 64, STATEMENT_LIMIT = 200 };

static OrmcContext *context_new(const char *dialect) {
    OrmcOptions options = {.size = sizeof options,
                           .dialect = dialect,
                           .inline_literals = true,
                           .step_limit = 5000,
                           .path_limit = 6,
                           .nesting_limit = 60};
    OrmcContext *context = ormc_context_create(&options);
    if (!context) abort();
    return context;
}

static void render(const OrmcTranslation *translation) {
    if (!translation) return;
    ormc_translation_render_json(translation);
    ormc_translation_render_diagnostics(translation, false);
}

typedef struct Answer {
    OrmcValue cells[CELL_LIMIT];
    const OrmcValue *row;
    int statements;
} Answer;

/* A cell of a column of that type: a number, or the text "1", which no date and no UUID is. */
static OrmcValue cell_of(OrmcType type) {
    bool is_number = type == ORMC_TYPE_INTEGER || type == ORMC_TYPE_BIGINT || type == ORMC_TYPE_BOOLEAN;
    if (is_number) return (OrmcValue){.type = type, .integer = 1};
    if (type == ORMC_TYPE_FLOAT) return (OrmcValue){.type = type, .number = 1.5};
    if (type == ORMC_TYPE_UNKNOWN) return (OrmcValue){.type = type, .is_null = true};
    return (OrmcValue){.type = ORMC_TYPE_TEXT, .text = "1", .length = 1};
}

/* One row, as wide as the statement says. */
static bool answer(void *user, const OrmcQuery *query, int statement, OrmcRows *rows, const char **message) {
    Answer *state = user;
    const OrmcStatement *asked = &query->statements[statement];
    if (++state->statements > STATEMENT_LIMIT || asked->column_count > CELL_LIMIT) {
        *message = "enough";
        return false;
    }
    for (int i = 0; i < asked->column_count; i++)
        state->cells[i] = cell_of(asked->column_types ? asked->column_types[i] : ORMC_TYPE_INTEGER);
    state->row = state->cells;
    bool has_rows = asked->column_count > 0;
    *rows = (OrmcRows){.columns = asked->column_names,
                       .column_count = asked->column_count,
                       .rows = &state->row,
                       .row_count = has_rows,
                       .affected = 1,
                       .inserted_id = 1};
    return true;
}

/* Where the line that parts models and program begins, or the end. */
static size_t find_part(const char *text, size_t length) {
    static const char part[] = "\n#---\n";
    size_t size = sizeof part - 1;
    for (size_t i = 0; i + size <= length; i++)
        if (!memcmp(text + i, part, size)) return i + 1;
    return length;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const char *const dialects[] = {"postgresql", "sqlite", "mysql", "mariadb"};
    if (size == 0) return 0;
    const char *text = (const char *)data + 1;
    size_t length = size - 1, models = find_part(text, length);
    OrmcContext *context = context_new(dialects[data[0] & 3]);
    const OrmcTranslation *translation = NULL;
    ormc_context_add_models_text(context, "shop", "shop/models.py", text, models);
    ormc_context_translate_schema(context, &translation);
    render(translation);
    ormc_context_translate_text(context, NULL, text + models, length - models, &translation);
    render(translation);
    Answer state = {.statements = 0};
    OrmcHost host = {.size = sizeof host, .user = &state, .execute = answer};
    ormc_context_run_text(context, &host, NULL, text + models, length - models, &translation);
    render(translation);
    ormc_context_destroy(context);
    return 0;
}
