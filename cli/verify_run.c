/*
 * Running a unit on one database. In: a unit, a place. Out: its outcome: the statements with their results, then (where
 * it wrote, in a scratch place) every table as it was left; diagnostics; failures.
 *
 * A scratch place is filled anew only when the unit before has written, or another golden file's turn comes.
 */
#include <stdlib.h>
#include <string.h>

#include "cli/verify.h"

void outcome_free(Outcome *outcome) {
    ran_free(outcome->ran, outcome->count);
    free(outcome->ran);
    free(outcome->diagnostics);
    *outcome = (Outcome){0};
}

/* ---- the place ---- */

static bool ends_with(const char *text, const char *end) {
    size_t length = strlen(text), tail = strlen(end);
    return length >= tail && strcmp(text + length - tail, end) == 0;
}

/* Statements of SQL, or a program that saves objects. */
static bool load_data_file(Verify *verify, Session *session, const char *path) {
    size_t length;
    if (!ends_with(path, ".py")) {
        char *text = file_load(path, &length);
        bool good = text && scratch_load_sql(session, text, length);
        if (!text) snprintf(session->message, sizeof session->message, "can't read '%s'", path);
        free(text);
        return good;
    }
    OrmcOptions settings = {.size = sizeof settings, .dialect = session->dialect};
    OrmcContext *context = context_open(verify->options, &settings, true, &verify->status);
    const OrmcTranslation *translation = NULL;
    OrmcHost host = session_host(session);
    char *text = file_load(path, &length);
    if (!text) snprintf(session->message, sizeof session->message, "can't read '%s'", path);
    OrmcStatus status = ORMC_USAGE;
    if (context && text) status = ormc_context_run_text(context, &host, path, text, length, &translation);
    session_ended(session, status);
    bool good = status == ORMC_OK && !session->failed;
    if (translation) print_diagnostics(translation);
    if (!good && text && !session->failed)
        snprintf(session->message, sizeof session->message, "'%s' can't be run", path);
    free(text);
    if (context) ormc_context_destroy(context);
    if (good) session_end_transaction(session), session_clear(session);
    return good;
}

static bool place_fill(Verify *verify, const Unit *unit, Place *place, OrmcContext *context) {
    Session *session = &place->session;
    if (place->full && !scratch_empty(session)) return false;
    place->full = true;
    if (!scratch_create_tables(session, context)) return false;
    place->filled = unit->file;
    if (unit->file) {
        place->data = golden_file_data_count(unit->file, unit->block);
        return golden_file_load_data(unit->file, context, session, unit->block);
    }
    bool good = true;
    for (int i = 0; good && i < verify->options->data.count; i++)
        good = load_data_file(verify, session, verify->options->data.items[i]);
    return good;
}

static bool place_is_ready(const Unit *unit, const Place *place) {
    return place->full && unit->file && place->filled == unit->file &&
           place->data == golden_file_data_count(unit->file, unit->block);
}

static bool place_open(Verify *verify, const Side *side, Place *place) {
    Session *session = &place->session;
    if (session->database) return true;
    bool good = verify->scratch ? scratch_open(session, verify->options, side->url, place->strict, &verify->status)
                                : session_open(session, verify->options, side->url, NULL, &verify->status);
    session->progress = verify->progress;
    session->shown = side->label;
    return good;
}

/* ---- running ---- */

static bool writes(const Session *session) {
    for (int i = 0; i < session->ran_count; i++) {
        OrmcStatementKind kind = session->ran[i].kind;
        if (kind == ORMC_STATEMENT_INSERT || kind == ORMC_STATEMENT_UPDATE || kind == ORMC_STATEMENT_DELETE ||
            kind == ORMC_STATEMENT_DDL)
            return true;
    }
    return false;
}

static void take_diagnostics(Outcome *outcome, const OrmcTranslation *translation) {
    for (int i = 0; i < ormc_translation_diagnostic_count(translation); i++) {
        const OrmcDiagnostic *diagnostic = ormc_translation_diagnostic(translation, i);
        if (diagnostic->is_warning || outcome->code[0]) continue;
        snprintf(outcome->code, sizeof outcome->code, "%s", diagnostic->code);
        snprintf(outcome->message, sizeof outcome->message, "%.*s", (int)diagnostic->message.length,
                 diagnostic->message.data);
    }
    Text text = {0};
    text_add(&text, "%s", outcome->diagnostics ? outcome->diagnostics : "");
    text_take(&text, ormc_translation_render_diagnostics(translation, false));
    free(outcome->diagnostics);
    outcome->diagnostics = text.data;
}

static OrmcStatus run_program(const Options *options, OrmcContext *context, Session *session, Outcome *outcome) {
    OrmcHost host = session_host(session);
    const OrmcTranslation *translation = NULL;
    OrmcStatus status = ORMC_OK;
    if (options->files.count) {
        status = ormc_context_run_files(context, &host, options->call, &translation);
        if (!translation) return status;
        session_ended(session, status);
        take_diagnostics(outcome, translation);
    }
    for (int i = 0; i < options->expressions.count && !session->failed; i++) {
        const char *text = options->expressions.items[i];
        OrmcStatus one = ormc_context_run_text(context, &host, NULL, text, strlen(text), &translation);
        if (!translation) return one;
        session_ended(session, one);
        take_diagnostics(outcome, translation);
        if (one != ORMC_OK) status = one;
    }
    return status;
}

static OrmcStatus run_case(const Unit *unit, OrmcContext *context, Session *session, Outcome *outcome) {
    OrmcHost host = session_host(session);
    const OrmcTranslation *translation = NULL;
    OrmcText text = unit->file->blocks[unit->block].content;
    ormc_context_set_dialect(context, session->dialect);
    OrmcStatus status = ormc_context_run_text(context, &host, "query", text.data, text.length, &translation);
    if (translation) take_diagnostics(outcome, translation);
    return status;
}

static bool run_in(Verify *verify, const Unit *unit, OrmcContext *context, Place *place, Outcome *outcome) {
    Session *session = &place->session;
    OrmcStatus status = unit->file ? run_case(unit, context, session, outcome)
                                   : run_program(verify->options, context, session, outcome);
    if (status == ORMC_USAGE || status == ORMC_NO_MEMORY) {
        verify->status = context_failed(context, status);
        return false;
    }
    outcome->ran_at_all = true;
    outcome->refused = status == ORMC_REFUSED;
    outcome->failed = session->failed;
    if (session->failed) snprintf(outcome->message, sizeof outcome->message, "%s", session->message);
    session_end_transaction(session);
    if (verify->scratch && writes(session)) {
        place->filled = NULL;
        if (!session_interrupted()) scratch_read_tables(session);
    }
    outcome->ran = session->ran;
    outcome->count = session->ran_count;
    session->ran = NULL;
    session->ran_count = session->ran_capacity = 0;
    session_clear(session);
    return true;
}

bool unit_run(Verify *verify, const Unit *unit, Side *side, Place *place, Outcome *outcome) {
    *outcome = (Outcome){0};
    if (!place_open(verify, side, place)) {
        verify->stopped = true;
        return false;
    }
    OrmcContext *context = verify->context;
    if (!unit->file) {
        OrmcOptions settings = {.size = sizeof settings, .dialect = place->session.dialect, .referenced_tables = true};
        context = context_open(verify->options, &settings, true, &verify->status);
        if (!context) return false;
    }
    bool good = !verify->scratch || place_is_ready(unit, place) || place_fill(verify, unit, place, context);
    if (good) {
        good = run_in(verify, unit, context, place, outcome);
    } else if (unit->file && !session_interrupted() &&
               !golden_file_covers(unit->file, unit->block, place->session.dialect)) {
        /* the models are not for this database, and the case does not say what it gives there */
        *outcome = (Outcome){.ran_at_all = true, .refused = true, .code = "not-supported"};
        snprintf(outcome->message, sizeof outcome->message, "%s", place->session.message);
        place->filled = NULL;
        good = true;
    } else {
        if (!session_interrupted())
            fprintf(stderr, "ormc: %s: tables and data can't be made: %s\n", side->label, place->session.message);
        place->filled = NULL;
        if (verify->status < 2) verify->status = 3;
    }
    if (!unit->file && good && outcome == &verify->sides->outcome) warn_unused(context);
    if (!unit->file) ormc_context_destroy(context);
    return good;
}
