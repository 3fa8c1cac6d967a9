/*
 * ormc in a C program: translates a query and runs it.
 *
 *     cc embed.c $(pkg-config --cflags --libs ormc) -o embed && ./embed
 */
#include <stdio.h>
#include <string.h>

#include <ormc.h>

static const char models[] = "from django.db import models\n"
                             "\n"
                             "class Author(models.Model):\n"
                             "    name = models.CharField(max_length=100)\n"
                             "    born = models.IntegerField()\n"
                             "\n"
                             "    class Meta:\n"
                             "        app_label = 'shop'\n";

static int execute(OrmcDatabase *database, const OrmcStatement *statement) {
    OrmcValue values[16];
    for (int i = 0; i < statement->param_count && i < 16; i++) values[i] = statement->params[i].value;
    OrmcCommand command = {.size = sizeof command,
                           .sql = statement->sql.data,
                           .sql_length = statement->sql.length,
                           .params = values,
                           .param_count = (size_t)statement->param_count};
    OrmcResult *result = ormc_database_execute(database, &command);
    if (!result || ormc_result_error(result) != ORMC_ERROR_NONE) {
        fprintf(stderr, "embed: %s\n", result ? ormc_result_message(result) : "out of memory");
        ormc_result_free(result);
        return 1;
    }
    for (size_t i = 0; i < ormc_result_row_count(result); i++) {
        for (size_t j = 0; j < ormc_result_column_count(result); j++) {
            char text[200];
            ormc_value_write_json(&ormc_result_row(result, i)[j], text, sizeof text);
            printf("%s%s", j ? ", " : "", text);
        }
        putchar('\n');
    }
    ormc_result_free(result);
    return 0;
}

/* Translates Python text and runs what comes out. */
static int run(OrmcContext *context, OrmcDatabase *database, const char *text) {
    const OrmcTranslation *translation;
    OrmcStatus status = ormc_context_translate_text(context, NULL, text, strlen(text), &translation);
    if (status != ORMC_OK) {
        if (translation) fputs(ormc_translation_render_diagnostics(translation, false).data, stderr);
        return 1;
    }
    int failed = 0;
    for (int i = 0; i < ormc_translation_query_count(translation) && !failed; i++) {
        const OrmcQuery *query = ormc_translation_query(translation, i);
        for (int j = 0; j < query->statement_count && !failed; j++) {
            printf("-- %s\n", query->statements[j].sql.data);
            failed = execute(database, &query->statements[j]);
        }
    }
    return failed;
}

int main(void) {
    OrmcOptions options = {.size = sizeof options, .dialect = "sqlite", .leave_transactions = true};
    OrmcContext *context = ormc_context_create(&options);
    OrmcDatabase *database = ormc_database_open("sqlite://", NULL);
    if (!context || !database || ormc_database_error(database) != ORMC_ERROR_NONE) return 1;
    ormc_context_add_models_text(context, "shop", "shop/models.py", models, strlen(models));

    const OrmcTranslation *schema;
    int failed = ormc_context_translate_schema(context, &schema) != ORMC_OK;
    for (int i = 0; !failed && i < ormc_translation_query(schema, 0)->statement_count; i++)
        failed = execute(database, &ormc_translation_query(schema, 0)->statements[i]);

    if (!failed) failed = run(context, database, "Author.objects.create(name='Ursula K. Le Guin', born=1929)");
    if (!failed) failed = run(context, database, "Author.objects.filter(born__lt=1950).values_list('name', 'born')");

    ormc_database_close(database);
    ormc_context_destroy(context);
    return failed;
}
