/*
 * A session: one database that programs run on, and what its statements gave. `run`, `golden` and
 * `verify` stand on it.
 */
#ifndef ORMC_CLI_SESSION_H
#define ORMC_CLI_SESSION_H

#include "cli/cli.h"

/* One executed statement; `result` is NULL for a transaction statement of a database that has none. */
typedef struct Ran {
    char *file, *source, *sql; /* terminated copies */
    int line;
    OrmcStatementKind kind;
    char *params; /* JSON array */
    char **param_texts;
    int param_count;
    OrmcResult *result;
    OrmcResult *plan; /* of --explain */
    int query;        /* statements with the same number belong to one query */
} Ran;

typedef struct Session {
    const char *url, *dialect;
    OrmcDatabase *database;
    unsigned timeout_ms;
    bool explain;
    Ran *ran;
    int ran_count, ran_capacity, query_count;
    OrmcText *columns; /* of the rows that were handed out last */
    const OrmcValue **rows;
    bool failed;
    char message[512];
    void (*write)(void *user, OrmcText text);
} Session;

/* False with a message on standard error: `*status` is what to exit with. */
bool session_open(Session *session, const Options *options, const char *url, int *status);
void session_close(Session *session);
/* Executes one text without parameters. False: the session's message says why. */
bool session_execute(Session *session, const char *sql);
/* Forgets what was run. */
void session_clear(Session *session);
/* A host that executes on the session. */
OrmcHost session_host(Session *session);
/* Rolls back what is open. */
void session_end_transaction(Session *session);

/* ---- table.c ---- */

/* A result as psql shows it: header, rule, rows, "(2 rows)". */
void table_write(Text *out, const OrmcResult *result);
/* Comma-separated values with a header line; RFC 4180. */
void csv_write(Text *out, const OrmcResult *result);
/* A cell as people read it; NULL is empty. */
void cell_write(Text *out, const OrmcValue *value);
/* "columns": […], "rows": […], "rowcount": N */
void rows_write_json(Text *out, const OrmcResult *result);
void json_string_write(Text *out, const char *text, size_t length);
void value_write_json(Text *out, const OrmcValue *value);

#endif
