/*
 * ormc run: interprets a program on a database and prints the rows.
 *
 * In: -m, FILE or -e, --database. Out: a table, CSV or JSON a statement that gave rows; what the program
 * prints goes to standard output too (in JSON to standard error). Exit status 3 when the database failed.
 */
#include <stdlib.h>
#include <string.h>

#include "cli/session.h"

static void write_printed(void *user, OrmcText text) {
    const Session *session = user;
    progress_hide(session->progress);
    print_text(stdout, text);
    if (session->progress) fflush(stdout); /* before the line is drawn again */
    progress_show(session->progress);
}

static void write_printed_aside(void *user, OrmcText text) {
    const Session *session = user;
    progress_hide(session->progress);
    print_text(stderr, text);
    progress_show(session->progress);
}

/* ---- output ---- */

static void print_plan(const Ran *ran) {
    Text out = {0};
    if (!ran->plan || ormc_result_error(ran->plan) != ORMC_ERROR_NONE) return;
    text_append(&out, "", 0);
    table_write(&out, ran->plan);
    fputs(out.data, stdout);
    free(out.data);
}

static void print_ran_text(const Session *session, bool dim) {
    for (int i = 0; i < session->ran_count; i++) {
        const Ran *ran = &session->ran[i];
        if (i) putchar('\n');
        printf("%s-- %s;%s\n", dim ? "\033[2m" : "", ran->sql, dim ? "\033[0m" : "");
        for (int j = 0; j < ran->param_count; j++)
            printf("%s$%d = %s%s", j ? ", " : "-- ", j + 1, ran->param_texts[j], j + 1 == ran->param_count ? "\n" : "");
        print_plan(ran);
        if (!ran->result || ormc_result_error(ran->result) != ORMC_ERROR_NONE) continue;
        Text out = {0};
        text_append(&out, "", 0);
        if (ormc_result_column_count(ran->result)) table_write(&out, ran->result);
        else if (ran->kind == ORMC_STATEMENT_INSERT || ran->kind == ORMC_STATEMENT_UPDATE ||
                 ran->kind == ORMC_STATEMENT_DELETE)
            text_add(&out, "(%lld affected)\n", (long long)ormc_result_affected(ran->result));
        fputs(out.data, stdout);
        free(out.data);
    }
}

static void print_ran_csv(const Session *session) {
    bool first = true;
    for (int i = 0; i < session->ran_count; i++) {
        const Ran *ran = &session->ran[i];
        if (!ran->result || !ormc_result_column_count(ran->result)) continue;
        Text out = {0};
        text_append(&out, "", 0);
        csv_write(&out, ran->result);
        if (!first) fputs("\r\n", stdout);
        first = false;
        fwrite(out.data, 1, out.length, stdout);
        free(out.data);
    }
}

static void write_ran_json(Text *out, const Session *session) {
    for (int i = 0; i < session->ran_count; i++) {
        const Ran *ran = &session->ran[i];
        bool opens = i == 0 || session->ran[i - 1].query != ran->query;
        bool closes = i + 1 == session->ran_count || session->ran[i + 1].query != ran->query;
        if (opens) {
            text_add(out, "%s{\"file\": ", out->length ? ",\n  " : "\n  ");
            json_string_write(out, ran->file, strlen(ran->file));
            text_add(out, ", \"line\": %d, \"source\": ", ran->line);
            json_string_write(out, ran->source, strlen(ran->source));
            text_add(out, ", \"statements\": [");
        } else {
            text_add(out, ", ");
        }
        text_add(out, "{\"sql\": ");
        json_string_write(out, ran->sql, strlen(ran->sql));
        text_add(out, ", \"params\": %s, ", ran->params);
        rows_write_json(out, ran->result);
        if (ran->plan) {
            text_add(out, ", \"plan\": {");
            rows_write_json(out, ran->plan);
            text_add(out, "}");
        }
        text_add(out, closes ? "}]}" : "}");
    }
}

static void take_diagnostics(Text *out, const OrmcTranslation *translation) {
    for (int i = 0; i < ormc_translation_diagnostic_count(translation); i++) {
        text_add(out, out->length ? ",\n  " : "\n  ");
        text_take(out, ormc_translation_diagnostic_json(translation, i));
    }
}

/* ---- the command ---- */

typedef struct Run {
    const Options *options;
    OrmcContext *context;
    Session session;
    Text results, diagnostics;
    int status;
} Run;

static bool run_finish(Run *run, OrmcStatus status, const OrmcTranslation *translation) {
    progress_stop(run->session.progress);
    run->session.progress = NULL;
    if (!translation) {
        run->status = context_failed(run->context, status);
        return false;
    }
    session_ended(&run->session, status);
    if (run->session.failed) run->status = 3;
    else if (status != ORMC_OK && run->status == 0) run->status = 1;
    if (run->options->format == FORMAT_JSON) {
        write_ran_json(&run->results, &run->session);
        take_diagnostics(&run->diagnostics, translation);
    } else {
        if (run->options->format == FORMAT_CSV) print_ran_csv(&run->session);
        else print_ran_text(&run->session, colour_wanted(stdout));
        print_diagnostics(translation);
    }
    session_end_transaction(&run->session);
    session_clear(&run->session);
    return true;
}

static void run_all(Run *run) {
    const OrmcTranslation *translation;
    OrmcHost host = session_host(&run->session);
    if (run->options->files.count) {
        run->session.progress = progress_start();
        OrmcStatus status = ormc_context_run_files(run->context, &host, run->options->call, &translation);
        if (!run_finish(run, status, translation)) return;
    }
    for (int i = 0; i < run->options->expressions.count; i++) {
        const char *text = run->options->expressions.items[i];
        if (session_interrupted()) return;
        run->session.progress = progress_start();
        OrmcStatus status = ormc_context_run_text(run->context, &host, NULL, text, strlen(text), &translation);
        if (!run_finish(run, status, translation)) return;
    }
}

int command_run(const Options *options) {
    Run run = {.options = options};
    if (!options->files.count && !options->expressions.count)
        return usage_error("nothing to run: give FILE or -e EXPR; see 'ormc help run'");
    if (options->databases.count != 1) return usage_error("'ormc run' takes one --database URL");
    if (options->call && !options->files.count)
        return usage_error("--call names a function of a FILE, and there is none");
    if (options->explain && options->format == FORMAT_CSV)
        return usage_error("--format csv prints rows alone, and does not go with --explain");
    const char *dialect = url_dialect(options->databases.items[0]);
    OrmcOptions settings = {.size = sizeof settings, .dialect = dialect};
    run.context = context_open(options, &settings, true, &run.status);
    if (!run.context) return run.status;
    if (session_open(&run.session, options, options->databases.items[0], NULL, &run.status)) {
        run.session.write = options->format == FORMAT_TEXT ? write_printed : write_printed_aside;
        run_all(&run);
        if (options->format == FORMAT_JSON && run.status != 2)
            printf("{\"results\": [%s],\n \"diagnostics\": [%s]}\n", run.results.data ? run.results.data : "",
                   run.diagnostics.data ? run.diagnostics.data : "");
        session_close(&run.session);
        if (run.status < 2) warn_unused(run.context);
    }
    free(run.results.data);
    free(run.diagnostics.data);
    ormc_context_destroy(run.context);
    return session_interrupted() ? 128 + session_interrupted() : run.status;
}
