/*
 * A scratch place for one case: on PostgreSQL a schema, on MySQL and MariaDB a database of its own name,
 * on SQLite whatever was opened. In: a session. Out: tables created, data loaded; dropped at the end.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/golden.h"

static bool on_postgresql(const Session *session) { return strcmp(session->dialect, "postgresql") == 0; }
static bool on_sqlite(const Session *session) { return strcmp(session->dialect, "sqlite") == 0; }

static bool execute_named(Session *session, const char *format) {
    char sql[256];
    snprintf(sql, sizeof sql, format, (long)getpid());
    return session_execute(session, sql);
}

bool scratch_enter(Session *session) {
    if (on_sqlite(session)) return true;
    if (on_postgresql(session))
        return execute_named(session, "DROP SCHEMA IF EXISTS ormc_scratch_%ld CASCADE") &&
               execute_named(session, "CREATE SCHEMA ormc_scratch_%ld") &&
               execute_named(session, "SET search_path TO ormc_scratch_%ld");
    return execute_named(session, "DROP DATABASE IF EXISTS ormc_scratch_%ld") &&
           execute_named(session, "CREATE DATABASE ormc_scratch_%ld CHARACTER SET utf8mb4") &&
           execute_named(session, "USE ormc_scratch_%ld");
}

void scratch_leave(Session *session) {
    session_end_transaction(session);
    if (on_sqlite(session)) return;
    execute_named(session, on_postgresql(session) ? "DROP SCHEMA IF EXISTS ormc_scratch_%ld CASCADE"
                                                  : "DROP DATABASE IF EXISTS ormc_scratch_%ld");
}

bool scratch_create_tables(Session *session, OrmcContext *context) {
    const OrmcTranslation *translation;
    ormc_context_set_dialect(context, session->dialect);
    ormc_context_translate_schema(context, &translation);
    for (int i = 0; translation && i < ormc_translation_query_count(translation); i++) {
        const OrmcQuery *query = ormc_translation_query(translation, i);
        for (int j = 0; j < query->statement_count; j++)
            if (!session_execute(session, query->statements[j].sql.data)) return false;
    }
    return translation != NULL;
}

/* End of the statement that starts at `at`: its semicolon outside quotes and comments, or the text's end. */
static size_t statement_end(const char *sql, size_t at, size_t length) {
    char quote = 0;
    for (; at < length; at++) {
        if (quote) {
            if (sql[at] == quote) quote = 0;
        } else if (sql[at] == '\'' || sql[at] == '"' || sql[at] == '`') {
            quote = sql[at];
        } else if (sql[at] == '-' && at + 1 < length && sql[at + 1] == '-') {
            while (at + 1 < length && sql[at + 1] != '\n') at++;
        } else if (sql[at] == ';') {
            return at;
        }
    }
    return length;
}

bool scratch_execute_all(Session *session, const char *sql, size_t length) {
    bool good = true;
    for (size_t at = 0; good && at < length;) {
        size_t end = statement_end(sql, at, length);
        Text statement = {0};
        text_append(&statement, sql + at, end - at);
        if (statement.data[strspn(statement.data, " \t\r\n")]) good = session_execute(session, statement.data);
        free(statement.data);
        at = end + 1;
    }
    return good;
}
