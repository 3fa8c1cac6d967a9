/*
 * A session. In: a program's statements, through the host's interface. Out: results, kept in order;
 * rows back to the program. Statements run on one connection, so transactions hold. Ctrl-C cancels the
 * running statement; what is open is rolled back at the end.
 */
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "cli/session.h"

/* What a signal's handler needs to know, and says. */
static OrmcDatabase *volatile running;
static volatile sig_atomic_t interrupted;

static void interrupt(int number) {
    interrupted = number;
    if (running) ormc_database_interrupt(running);
}

int session_interrupted(void) { return interrupted; }

static void catch_signals(void) {
    static const int numbers[] = {SIGINT, SIGTERM, SIGHUP};
    struct sigaction action = {.sa_handler = interrupt}, now;
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        if (sigaction(numbers[i], NULL, &now) == 0 && now.sa_handler != SIG_IGN) sigaction(numbers[i], &action, NULL);
}

bool session_open(Session *session, const Options *options, const char *url, const char *const *setup, int *status) {
    *session = (Session){.url = url,
                         .dialect = url_dialect(url),
                         .timeout_ms = options->timeout_ms,
                         .explain = options->explain,
                         .options = options};
    if (!url_check(url)) {
        *status = 2;
        return false;
    }
    OrmcPoolOptions pool = {.size = sizeof pool, .statement_timeout_ms = options->timeout_ms, .setup = setup};
    catch_signals();
    session->database = memory_need(ormc_database_open(url, &pool));
    if (ormc_database_error(session->database) != ORMC_ERROR_NONE) {
        char *shown = url_shown(url);
        fprintf(stderr, "ormc: %s: %s\n", shown, ormc_database_message(session->database));
        free(shown);
        ormc_database_close(session->database);
        session->database = NULL;
        *status = 3;
        return false;
    }
    return true;
}

void ran_free(Ran *list, int count) {
    for (int i = 0; i < count; i++) {
        Ran *ran = &list[i];
        free(ran->file);
        free(ran->source);
        free(ran->sql);
        free(ran->params);
        for (int j = 0; j < ran->param_count; j++) free(ran->param_texts[j]);
        free(ran->param_texts);
        if (ran->result) ormc_result_free(ran->result);
        if (ran->plan) ormc_result_free(ran->plan);
    }
}

void session_clear(Session *session) {
    ran_free(session->ran, session->ran_count);
    session->ran_count = session->query_count = 0;
    session->failed = false;
    session->message[0] = '\0';
}

/* `stops`: a signal that came before it ends the statement too. */
static OrmcResult *session_run(Session *session, const OrmcCommand *command, bool stops) {
    running = session->database;
    if (stops && interrupted) ormc_database_interrupt(session->database);
    progress_statement(session->progress, session->shown, command->sql);
    OrmcResult *result = memory_need(ormc_database_execute(session->database, command));
    progress_rows(session->progress, ormc_result_row_count(result));
    running = NULL;
    return result;
}

bool session_execute(Session *session, const char *sql) {
    OrmcCommand command = {.size = sizeof command, .sql = sql};
    OrmcResult *result = session_run(session, &command, false);
    bool good = ormc_result_error(result) == ORMC_ERROR_NONE;
    if (!good) snprintf(session->message, sizeof session->message, "%s", ormc_result_message(result));
    ormc_result_free(result);
    return good;
}

void session_end_transaction(Session *session) {
    if (!session->database || !ormc_database_in_transaction(session->database)) return;
    if (!session_execute(session, "ROLLBACK")) session_execute(session, "ROLLBACK"); /* an interrupt has hit it */
}

void session_close(Session *session) {
    session_end_transaction(session);
    session_clear(session);
    if (session->database) ormc_database_close(session->database);
    free(session->ran);
    free(session->columns);
    free(session->rows);
    *session = (Session){0};
}

static char *copy(OrmcText text) {
    char *made = memory_need(malloc(text.length + 1));
    if (text.length) memcpy(made, text.data, text.length);
    made[text.length] = '\0';
    return made;
}

/* ---- executing ---- */

static OrmcResult *execute(Session *session, const OrmcStatement *statement, const char *prefix) {
    Text sql = {0};
    text_add(&sql, "%s", prefix);
    text_take(&sql, statement->sql);
    OrmcValue *params = memory_need(calloc((size_t)statement->param_count + 1, sizeof *params));
    for (int i = 0; i < statement->param_count; i++) params[i] = statement->params[i].value;
    bool explained = *prefix != '\0';
    OrmcCommand command = {.size = sizeof command,
                           .sql = sql.data,
                           .sql_length = sql.length,
                           .params = params,
                           .param_count = (size_t)statement->param_count,
                           .column_types = explained ? NULL : statement->column_types,
                           .column_type_count = explained ? 0 : (size_t)statement->column_count,
                           .timeout_ms = session->timeout_ms};
    OrmcResult *result = session_run(session, &command, true);
    free(params);
    free(sql.data);
    return result;
}

/* As the other commands show parameters: text in single quotes. */
static void value_write_people(Text *out, const OrmcValue *value) {
    bool is_text = value->type == ORMC_TYPE_TEXT || value->type == ORMC_TYPE_DATE || value->type == ORMC_TYPE_TIME ||
                   value->type == ORMC_TYPE_DATETIME || value->type == ORMC_TYPE_UUID ||
                   value->type == ORMC_TYPE_JSON || value->type == ORMC_TYPE_UNKNOWN;
    if (value->is_null) {
        text_add(out, "NULL");
    } else if (is_text && value->text) {
        text_add(out, "'");
        for (size_t i = 0; i < value->length; i++)
            text_append(out, value->text[i] == '\'' ? "''" : value->text + i, value->text[i] == '\'' ? 2 : 1);
        text_add(out, "'");
    } else {
        cell_write(out, value);
    }
}

static void note_params(Ran *ran, const OrmcStatement *statement) {
    Text json = {0};
    text_add(&json, "[");
    ran->param_texts = memory_need(calloc((size_t)statement->param_count + 1, sizeof *ran->param_texts));
    ran->param_count = statement->param_count;
    for (int i = 0; i < statement->param_count; i++) {
        const OrmcParam *param = &statement->params[i];
        text_add(&json, "%s{\"value\": ", i ? ", " : "");
        value_write_json(&json, &param->value);
        text_add(&json, ", \"type\": \"%s\"}", ormc_type_name(param->type));
        Text text = {0};
        text_append(&text, "", 0);
        value_write_people(&text, &param->value);
        ran->param_texts[i] = text.data;
    }
    text_add(&json, "]");
    ran->params = json.data;
}

static void take_rows(Session *session, const OrmcResult *result, OrmcRows *rows) {
    size_t columns = ormc_result_column_count(result), count = ormc_result_row_count(result);
    session->columns = memory_need(realloc(session->columns, (columns + 1) * sizeof *session->columns));
    session->rows = memory_need(realloc(session->rows, (count + 1) * sizeof *session->rows));
    for (size_t i = 0; i < columns; i++) {
        const char *name = ormc_result_column_name(result, i);
        session->columns[i] = (OrmcText){name, strlen(name)};
    }
    for (size_t i = 0; i < count; i++) session->rows[i] = ormc_result_row(result, i);
    *rows = (OrmcRows){.columns = session->columns,
                       .column_count = (int)columns,
                       .rows = session->rows,
                       .row_count = (int)count,
                       .affected = ormc_result_affected(result),
                       .inserted_id = ormc_result_inserted_id(result)};
}

static bool explainable(OrmcStatementKind kind) {
    return kind == ORMC_STATEMENT_SELECT || kind == ORMC_STATEMENT_INSERT || kind == ORMC_STATEMENT_UPDATE ||
           kind == ORMC_STATEMENT_DELETE;
}

static Ran *session_add_ran(Session *session) {
    if (session->ran_count == session->ran_capacity) {
        session->ran_capacity = session->ran_capacity ? session->ran_capacity * 2 : 16;
        session->ran = memory_need(realloc(session->ran, sizeof *session->ran * (size_t)session->ran_capacity));
    }
    return &session->ran[session->ran_count++];
}

bool session_read(Session *session, const char *sql) {
    OrmcCommand command = {.size = sizeof command, .sql = sql};
    OrmcText text = {sql, strlen(sql)}, none = {"", 0};
    Ran *ran = session_add_ran(session);
    *ran = (Ran){.file = copy(none),
                 .source = copy(text),
                 .sql = copy(text),
                 .params = copy((OrmcText){"[]", 2}),
                 .kind = ORMC_STATEMENT_SELECT,
                 .query = ++session->query_count,
                 .is_table = true,
                 .result = session_run(session, &command, true)};
    return ormc_result_error(ran->result) == ORMC_ERROR_NONE;
}

/* Class 23 of SQLSTATE; SQLite has numbers of its own. */
static bool result_broke_constraint(const OrmcResult *result) {
    enum { SQLITE_CONSTRAINT_CODE = 19 };
    const char *state = ormc_result_state(result);
    return *state ? strncmp(state, "23", 2) == 0 : (ormc_result_native_code(result) & 0xff) == SQLITE_CONSTRAINT_CODE;
}

static bool host_broke_constraint(void *user) { return ((Session *)user)->by_constraint; }

static bool host_execute(void *user, const OrmcQuery *query, int index, OrmcRows *rows, const char **message) {
    Session *session = user;
    const OrmcStatement *statement = &query->statements[index];
    *message = session->message;
    session->by_constraint = false;
    if (interrupted) {
        session->failed = true;
        snprintf(session->message, sizeof session->message, "interrupted");
        return false;
    }
    Ran *ran = session_add_ran(session);
    if (index == 0) session->query_count++;
    *ran = (Ran){.file = copy(query->file),
                 .source = copy(query->source),
                 .sql = copy(statement->sql),
                 .line = query->line,
                 .kind = statement->kind,
                 .query = session->query_count};
    note_params(ran, statement);
    if (session->explain && explainable(statement->kind))
        ran->plan =
            execute(session, statement, strcmp(session->dialect, "sqlite") == 0 ? "EXPLAIN QUERY PLAN " : "EXPLAIN ");
    ran->result = execute(session, statement, "");
    if (ormc_result_error(ran->result) != ORMC_ERROR_NONE) {
        session->failed = true;
        session->by_constraint = result_broke_constraint(ran->result);
        snprintf(session->message, sizeof session->message, "%s", ormc_result_message(ran->result));
        return false;
    }
    take_rows(session, ran->result, rows);
    return true;
}

static void host_write(void *user, OrmcText text) {
    Session *session = user;
    if (session->write) session->write(session, text);
}

OrmcHost session_host(Session *session) {
    return (OrmcHost){.size = sizeof(OrmcHost),
                      .user = session,
                      .execute = host_execute,
                      .write = host_write,
                      .broke_constraint = host_broke_constraint};
}

void session_ended(Session *session, OrmcStatus status) {
    if (status != ORMC_DATABASE_ERROR && !interrupted) session->failed = false;
}
