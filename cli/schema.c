/*
 * ormc schema: CREATE TABLE, indexes and constraints of the models, in an order in which they run.
 *
 * In: -m, or FILE as models. Out: statements that end with ';', or JSON.
 */
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"

static void print_statements(const OrmcTranslation *translation) {
    for (int i = 0; i < ormc_translation_query_count(translation); i++) {
        const OrmcQuery *query = ormc_translation_query(translation, i);
        for (int j = 0; j < query->statement_count; j++) {
            OrmcText sql = query->statements[j].sql;
            print_text(stdout, sql);
            puts(sql.length && sql.data[sql.length - 1] == ';' ? "" : ";");
        }
    }
}

int command_schema(const Options *given) {
    Options options = *given;
    if (!options.models.count && !options.files.count)
        return usage_error("no models: give -m [LABEL=]PATH; see 'ormc help schema'");
    if (options.expressions.count) return usage_error("'ormc schema' takes no -e");
    if (options.dump) return dump_stage(&options);
    options.models = (Strings){0};
    for (int i = 0; i < given->models.count; i++) strings_add(&options.models, given->models.items[i]);
    for (int i = 0; i < given->files.count; i++) strings_add(&options.models, given->files.items[i]);
    int status = 0;
    Text statements = {0}, diagnostics = {0};
    OrmcOptions settings = {.size = sizeof settings};
    OrmcContext *context = context_open(&options, &settings, false, &status);
    free(options.models.items);
    if (!context) return status;
    int count = options.dialects.count ? options.dialects.count : 1;
    for (int i = 0; i < count; i++) {
        const OrmcTranslation *translation;
        ormc_context_set_dialect(context, options.dialects.count ? options.dialects.items[i] : NULL);
        OrmcStatus result = ormc_context_translate_schema(context, &translation);
        if (!translation) {
            status = context_failed(context, result);
            break;
        }
        if (result != ORMC_OK) status = 1;
        if (options.format == FORMAT_TEXT) {
            if (count > 1) printf("%s-- %s\n", i ? "\n" : "", options.dialects.items[i]);
            print_statements(translation);
            print_diagnostics(translation);
            const OrmcQuery *tables = ormc_translation_query(translation, 0);
            if (!i && (!tables || !tables->statement_count) && !ormc_translation_diagnostic_count(translation))
                fputs("ormc: no model was found\n", stderr);
            continue;
        }
        OrmcText more = ormc_translation_query_json(translation, 0, 0);
        text_add(&statements, statements.length && more.length ? ",\n  " : "");
        text_take(&statements, more);
        for (int j = 0; j < ormc_translation_diagnostic_count(translation); j++) {
            text_add(&diagnostics, diagnostics.length ? ",\n  " : "");
            text_take(&diagnostics, ormc_translation_diagnostic_json(translation, j));
        }
    }
    if (options.format == FORMAT_JSON && status != 2)
        printf("{\"statements\": [%s],\n \"diagnostics\": [%s]}\n", statements.data ? statements.data : "",
               diagnostics.data ? diagnostics.data : "");
    free(statements.data);
    free(diagnostics.data);
    ormc_context_destroy(context);
    return status;
}
