/*
 * --dump STAGE: a middle form of the compile as text, for people who want to see what ormc sees.
 */
#include <string.h>

#include "cli/cli.h"

int dump_stage(const Options *options) {
    static const char *const names[] = {[ORMC_STAGE_TOKENS] = "tokens",
                                        [ORMC_STAGE_SYNTAX] = "syntax",
                                        [ORMC_STAGE_SCHEMA] = "schema",
                                        [ORMC_STAGE_QUERY] = "query",
                                        [ORMC_STAGE_MODELS] = "models"};
    enum { STAGE_COUNT = sizeof names / sizeof *names };
    int stage = 0, status = 0;
    while (stage < STAGE_COUNT && strcmp(options->dump, names[stage]) != 0) stage++;
    if (stage == STAGE_COUNT)
        return usage_error("--dump takes tokens, syntax, models, schema, query or sql, not '%s'", options->dump);
    OrmcOptions settings = {.size = sizeof settings,
                            .dialect = options->dialects.count ? options->dialects.items[0] : NULL};
    OrmcContext *context = context_open(options, &settings, true, &status);
    if (!context) return status;
    int count = options->expressions.count ? options->expressions.count : 1;
    for (int i = 0; i < count; i++) {
        const char *text = options->expressions.count ? options->expressions.items[i] : NULL;
        OrmcText dump;
        const OrmcTranslation *translation;
        OrmcStatus result =
            ormc_context_dump(context, (OrmcStage)stage, text, text ? strlen(text) : 0, &dump, &translation);
        if (!translation) {
            status = context_failed(context, result);
            break;
        }
        if (result != ORMC_OK) status = 1;
        print_text(stdout, dump);
        if (dump.length && dump.data[dump.length - 1] != '\n') putchar('\n');
        print_diagnostics(translation);
    }
    ormc_context_destroy(context);
    return status;
}
