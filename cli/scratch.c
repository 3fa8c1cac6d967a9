/*
 * A scratch place: on PostgreSQL a schema, on MySQL and MariaDB a database of its own name, on SQLite memory.
 *
 * In: a URL. Out: a session whose every connection works there and nowhere else (one that is made anew after a loss
 * too), tables created, data loaded; dropped at the end, also after an interrupt. Example: on PostgreSQL, process 4711:
 *
 *     CREATE SCHEMA IF NOT EXISTS ormc_scratch_4711; SET search_path TO ormc_scratch_4711
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/golden.h"

static bool on_postgresql(const Session *session) { return strcmp(session->dialect, "postgresql") == 0; }
static bool on_sqlite(const Session *session) { return strcmp(session->dialect, "sqlite") == 0; }

/* ---- the place ---- */

typedef struct Place {
    char name[48], create[160], enter[96], drop[96];
} Place;

static void place_name(Place *place, const char *dialect, bool strict) {
    bool schema = strcmp(dialect, "postgresql") == 0;
    snprintf(place->name, sizeof place->name, "ormc_scratch_%ld%s", (long)getpid(), strict ? "_strict" : "");
    snprintf(place->create, sizeof place->create, "CREATE %s IF NOT EXISTS %s%s%s", schema ? "SCHEMA" : "DATABASE",
             place->name, schema ? "" : " CHARACTER SET utf8mb4", !schema && strict ? " COLLATE utf8mb4_bin" : "");
    snprintf(place->enter, sizeof place->enter, "%s%s", schema ? "SET search_path TO " : "USE ", place->name);
    snprintf(place->drop, sizeof place->drop, "DROP %s IF EXISTS %s%s", schema ? "SCHEMA" : "DATABASE", place->name,
             schema ? " CASCADE" : "");
}

static bool memory_open(Session *session, const Options *options, bool strict, int *status) {
    static const char *const setup[] = {"PRAGMA case_sensitive_like = ON", NULL};
    bool good = session_open(session, options, "sqlite://", strict ? setup : NULL, status);
    session->strict = strict;
    return good;
}

bool scratch_open(Session *session, const Options *options, const char *url, bool strict, int *status) {
    const char *dialect = url_dialect(url);
    if (!dialect) return session_open(session, options, url, NULL, status);
    if (strcmp(dialect, "sqlite") == 0) return memory_open(session, options, strict, status);
    Place place;
    place_name(&place, dialect, strict);
    const char *const setup[] = {place.create, place.enter, NULL};
    bool good = session_open(session, options, url, setup, status);
    session->strict = strict;
    return good;
}

/* Once more where an interrupt has hit it: what is made here goes. */
static bool execute_surely(Session *session, const char *sql) {
    if (session_execute(session, sql)) return true;
    return session_execute(session, sql);
}

bool scratch_empty(Session *session) {
    if (on_sqlite(session)) {
        Session old = *session;
        int status = 0;
        session_close(session);
        bool good = memory_open(session, old.options, old.strict, &status);
        session->progress = old.progress;
        session->shown = old.shown;
        return good;
    }
    Place place;
    place_name(&place, session->dialect, session->strict);
    return session_execute(session, place.drop) && session_execute(session, place.create) &&
           session_execute(session, place.enter);
}

void scratch_close(Session *session) {
    if (session->database && !on_sqlite(session)) {
        Place place;
        place_name(&place, session->dialect, session->strict);
        session_end_transaction(session);
        execute_surely(session, place.drop);
    }
    session_close(session);
}

/* ---- what is in it ---- */

/* Types of PostgreSQL's extensions. One that is made here goes with the schema; one that the database has elsewhere,
 * and it can't have two, is looked for there too. What fails here fails where the type is needed. */
static void make_extensions(Session *session, const char *sql) {
    static const char *const names[] = {"hstore", "citext"};
    for (size_t i = 0; i < sizeof names / sizeof *names && on_postgresql(session); i++) {
        if (!strstr(sql, names[i])) continue;
        char statement[384];
        snprintf(statement, sizeof statement, "CREATE EXTENSION IF NOT EXISTS %s", names[i]);
        session_execute(session, statement);
        snprintf(
            statement, sizeof statement,
            "SELECT set_config('search_path', current_setting('search_path') || ', ' || quote_ident(nspname), false) "
            "FROM pg_extension JOIN pg_namespace n ON n.oid = extnamespace "
            "WHERE extname = '%s' AND nspname <> ALL (current_schemas(true))",
            names[i]);
        session_execute(session, statement);
    }
}

/* Where the ORM refuses a table for this database none is made: statements then say that theirs is not there. */
bool scratch_create_tables(Session *session, OrmcContext *context) {
    const OrmcTranslation *translation;
    ormc_context_set_dialect(context, session->dialect);
    OrmcStatus status = ormc_context_translate_schema(context, &translation);
    if (status == ORMC_REFUSED) return true;
    for (int i = 0; translation && i < ormc_translation_query_count(translation); i++) {
        const OrmcQuery *query = ormc_translation_query(translation, i);
        for (int j = 0; j < query->statement_count; j++) {
            make_extensions(session, query->statements[j].sql.data);
            if (!session_execute(session, query->statements[j].sql.data)) return false;
        }
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

/* Generated keys go on behind those that are there, as they do on the other databases by themselves. */
static bool keys_go_on(Session *session) {
    if (!on_postgresql(session)) return true;
    return session_execute(
        session, "DO $$ DECLARE c record; BEGIN FOR c IN SELECT table_name AS t, column_name AS n "
                 "FROM information_schema.columns WHERE table_schema = current_schema() AND "
                 "(is_identity = 'YES' OR column_default LIKE 'nextval(%') LOOP "
                 "EXECUTE format('SELECT setval(pg_get_serial_sequence(%L, %L), GREATEST(MAX(%I), 1), COUNT(*) > 0) "
                 "FROM %I', quote_ident(c.t), c.n, c.n, c.t); END LOOP; END $$");
}

bool scratch_load_sql(Session *session, const char *sql, size_t length) {
    bool mysql = !on_postgresql(session) && !on_sqlite(session);
    bool good = !mysql || session_execute(session, "SET sql_mode = CONCAT(@@sql_mode, ',ANSI_QUOTES')");
    for (size_t at = 0; good && at < length;) {
        size_t end = statement_end(sql, at, length);
        Text statement = {0};
        text_append(&statement, sql + at, end - at);
        if (statement.data[strspn(statement.data, " \t\r\n")]) good = session_execute(session, statement.data);
        free(statement.data);
        at = end + 1;
    }
    if (mysql && !session_execute(session, "SET sql_mode = REPLACE(@@sql_mode, 'ANSI_QUOTES', '')")) return false;
    return good && keys_go_on(session);
}

static int compare_names(const void *a, const void *b) {
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

bool scratch_read_tables(Session *session) {
    const char *names =
        on_sqlite(session)       ? "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%' "
                                   "ESCAPE '\\'"
        : on_postgresql(session) ? "SELECT tablename::text FROM pg_tables WHERE schemaname = current_schema()"
                                 : "SELECT table_name FROM information_schema.tables WHERE table_schema = DATABASE()";
    OrmcCommand command = {.size = sizeof command, .sql = names};
    OrmcResult *result = memory_need(ormc_database_execute(session->database, &command));
    size_t count = ormc_result_row_count(result);
    char **tables = memory_need(calloc(count + 1, sizeof *tables));
    for (size_t i = 0; i < count; i++) {
        const OrmcValue *name = ormc_result_row(result, i);
        tables[i] = memory_need(calloc(1, name->length + 1));
        memcpy(tables[i], name->text, name->length);
    }
    bool good = ormc_result_error(result) == ORMC_ERROR_NONE;
    ormc_result_free(result);
    if (count) qsort(tables, count, sizeof *tables, compare_names);
    for (size_t i = 0; i < count; i++) {
        Text sql = {0};
        char quote = on_postgresql(session) || on_sqlite(session) ? '"' : '`';
        text_add(&sql, "SELECT * FROM %c%s%c", quote, tables[i], quote);
        good = good && session_read(session, sql.data);
        free(sql.data);
        free(tables[i]);
    }
    free(tables);
    return good;
}
