/*
 * ormc sql: the SQL of every query found in files and expressions.
 *
 * In: -m, FILE…, -e. Out: text or JSON on standard output, diagnostics on standard error (in JSON: in
 * the object). Several dialects translate one after the other in the same context. Example:
 *
 *     -- app.py:12:9 in get_user_posts: select(Post).where(Post.user_id == user_id)
 *     SELECT posts.id, posts.title FROM posts WHERE posts.user_id = $1;
 *     -- $1 = user_id
 */
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"

typedef struct Output {
    const Options *options;
    Text queries, diagnostics; /* of JSON */
    int query_count, diagnostic_count;
    int status;
    bool labelled; /* say which dialect a query is for */
    bool placed;   /* say where it stands */
} Output;

/* ---- text ---- */

static void print_source(const OrmcQuery *query) {
    enum { LONGEST = 160 };
    int printed = 0;
    bool blank = false;
    for (size_t i = 0; i < query->source.length; i++) {
        char byte = query->source.data[i];
        if (byte == ' ' || byte == '\n' || byte == '\t' || byte == '\r') {
            blank = printed > 0;
            continue;
        }
        if (printed >= LONGEST && ((unsigned char)byte & 0xC0) != 0x80) {
            fputs(" …", stdout);
            break;
        }
        if (blank) putchar(' ');
        putchar(byte);
        printed += 1 + blank;
        blank = false;
    }
    putchar('\n');
}

static void print_heading(const Output *output, const OrmcQuery *query) {
    if (output->placed) {
        printf("-- %s:%d:%d", query->file.length ? query->file.data : "<expr>", query->line, query->column);
        if (query->function.length) printf(" in %.*s", (int)query->function.length, query->function.data);
        if (output->labelled) printf(" [%s]", query->dialect);
        fputs(": ", stdout);
        print_source(query);
    } else if (output->labelled) {
        printf("-- %s\n", query->dialect);
    }
}

static void print_query(const Output *output, const OrmcTranslation *translation, const OrmcQuery *query, bool dim) {
    if (dim) fputs("\033[2m", stdout);
    print_heading(output, query);
    if (dim) fputs("\033[0m", stdout);
    for (int i = 0; i < query->statement_count; i++) {
        const OrmcStatement *statement = &query->statements[i];
        bool inlined = statement->inlined.length > 0;
        OrmcText sql = inlined ? statement->inlined : statement->sql;
        print_text(stdout, sql);
        puts(sql.length && sql.data[sql.length - 1] == ';' ? "" : ";");
        if (inlined || !statement->param_count) continue;
        if (dim) fputs("\033[2m", stdout);
        for (int j = 0; j < statement->param_count; j++) {
            printf("%s$%d = ", j ? ", " : "-- ", j + 1);
            print_text(stdout, ormc_translation_param_text(translation, &statement->params[j]));
        }
        puts(dim ? "\033[0m" : "");
    }
    if (!query->statement_count) puts("-- no statement is sent");
}

static void take_text(Output *output, const OrmcTranslation *translation) {
    bool dim = colour_wanted(stdout);
    int count = ormc_translation_query_count(translation);
    bool placed = output->placed;
    output->placed |= count > 1;
    for (int i = 0; i < count; i++) {
        if (output->query_count++) putchar('\n');
        print_query(output, translation, ormc_translation_query(translation, i), dim);
    }
    output->placed = placed;
    output->diagnostic_count += ormc_translation_diagnostic_count(translation);
    print_diagnostics(translation);
}

/* ---- JSON ---- */

static void take_json(Output *output, const OrmcTranslation *translation) {
    int count = ormc_translation_query_count(translation), first = output->query_count;
    for (int i = 0; i < count; i++) {
        text_add(&output->queries, output->query_count++ ? ",\n  " : "\n  ");
        text_take(&output->queries, ormc_translation_query_json(translation, i, first));
    }
    for (int i = 0; i < ormc_translation_diagnostic_count(translation); i++) {
        OrmcText one = ormc_translation_diagnostic_json(translation, i);
        if (output->diagnostics.data && strstr(output->diagnostics.data, one.data)) continue;
        text_add(&output->diagnostics, output->diagnostic_count++ ? ",\n  " : "\n  ");
        text_take(&output->diagnostics, one);
    }
}

/* ---- the command ---- */

static bool take(Output *output, OrmcContext *context, OrmcStatus status, const OrmcTranslation *translation) {
    if (!translation) {
        output->status = context_failed(context, status);
        return false;
    }
    if (status != ORMC_OK && output->status == 0) output->status = 1;
    if (output->options->format == FORMAT_JSON) take_json(output, translation);
    else take_text(output, translation);
    return true;
}

static bool translate_all(Output *output, OrmcContext *context) {
    const Options *options = output->options;
    const OrmcTranslation *translation;
    if (options->files.count) {
        OrmcStatus status = ormc_context_translate_files(context, &translation);
        output->placed = true;
        if (!take(output, context, status, translation)) return false;
    }
    output->placed = options->files.count > 0 || options->expressions.count > 1;
    for (int i = 0; i < options->expressions.count; i++) {
        const char *text = options->expressions.items[i];
        OrmcStatus status = ormc_context_translate_text(context, NULL, text, strlen(text), &translation);
        if (!take(output, context, status, translation)) return false;
    }
    return true;
}

int command_sql(const Options *options) {
    if (!options->files.count && !options->expressions.count)
        return usage_error("nothing to translate: give FILE or -e EXPR; see 'ormc help sql'");
    if (options->golden) return golden_project(options);
    if (options->dump && strcmp(options->dump, "sql") != 0) return dump_stage(options);
    Output output = {.options = options, .labelled = options->dialects.count > 1};
    OrmcOptions settings = {.size = sizeof settings, .inline_literals = options->inline_literals};
    OrmcContext *context = context_open(options, &settings, true, &output.status);
    if (!context) return output.status;
    int count = options->dialects.count ? options->dialects.count : 1;
    for (int i = 0; i < count; i++) {
        ormc_context_set_dialect(context, options->dialects.count ? options->dialects.items[i] : NULL);
        if (!translate_all(&output, context)) break;
    }
    if (options->format == FORMAT_JSON)
        printf("{\"queries\": [%s],\n \"diagnostics\": [%s]}\n", output.queries.data ? output.queries.data : "",
               output.diagnostics.data ? output.diagnostics.data : "");
    else if (!output.query_count && !output.diagnostic_count && output.status == 0)
        fputs("ormc: no query was found\n", stderr);
    if (output.status != 2) warn_unused(context);
    free(output.queries.data);
    free(output.diagnostics.data);
    ormc_context_destroy(context);
    return output.status;
}
