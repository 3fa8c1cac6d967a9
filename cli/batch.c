/*
 * ormc batch: JSON Lines in, JSON Lines out, in order, flushed line by line.
 *
 * The models are loaded at the first line; what is wrong with them goes to standard error once.
 * Exit status 1 where a line was refused.
 */
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"

static bool answer_is_refusal(OrmcText answer) {
    const char *mark = strstr(answer.data, ", \"ok\": ");
    return !mark || mark[8] == 'f';
}

int command_batch(const Options *options) {
    if (options->files.count) return usage_error("'ormc batch' reads standard input; it takes no FILE");
    if (options->dialects.count > 1) return usage_error("'ormc batch' takes one --dialect");
    int status = 0;
    OrmcOptions settings = {.size = sizeof settings,
                            .dialect = options->dialects.count ? options->dialects.items[0] : NULL,
                            .inline_literals = options->inline_literals};
    OrmcContext *context = context_open(options, &settings, false, &status);
    if (!context) return status;
    const OrmcTranslation *models;
    OrmcStatus loaded = ormc_context_load(context, &models);
    if (loaded == ORMC_REFUSED) status = 1;
    print_diagnostics(models);
    char *line = NULL;
    size_t capacity = 0;
    for (ssize_t length; (length = getline(&line, &capacity, stdin)) >= 0;) {
        while (length > 0 && (line[length - 1] == '\n' || line[length - 1] == '\r')) length--;
        if (length == 0) continue;
        OrmcText answer = ormc_context_answer_line(context, line, (size_t)length);
        if (!answer.data) {
            status = context_failed(context, ORMC_NO_MEMORY);
            break;
        }
        if (answer_is_refusal(answer)) status = 1;
        print_text(stdout, answer);
        putchar('\n');
        if (fflush(stdout) != 0) break;
    }
    free(line);
    ormc_context_destroy(context);
    return status;
}
