/*
 * A session: one database that programs run on, and what its statements gave. `run`, `golden` and
 * `verify` stand on it.
 */
#ifndef ORMC_CLI_SESSION_H
#define ORMC_CLI_SESSION_H

#include "cli/cli.h"
#include "cli/progress.h"

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
    bool is_table;    /* a whole table, read after the program */
} Ran;

typedef struct Session {
    const char *url, *dialect;
    OrmcDatabase *database;
    unsigned timeout_ms;
    bool explain;
    bool strict; /* of a scratch place: compares texts byte by byte */
    const Options *options;
    Progress *progress; /* NULL: nobody is shown any */
    const char *shown;  /* as what the database is named there; NULL: it is the only one */
    Ran *ran;
    int ran_count, ran_capacity, query_count;
    OrmcText *columns; /* of the rows that were handed out last */
    const OrmcValue **rows;
    bool failed;        /* the database refused a statement */
    bool by_constraint; /* … because of a constraint */
    char message[512];
    void (*write)(void *user, OrmcText text);
} Session;

/* False with a message on standard error: `*status` is what to exit with. */
/* `setup`: statements for every connection that is made, NULL-terminated; may be NULL. */
bool session_open(Session *session, const Options *options, const char *url, const char *const *setup, int *status);
void session_close(Session *session);
/* The signal (Ctrl-C, or one to end) that has come since the first session was opened, or 0: what ran has been
 * cancelled, and no program goes on. */
int session_interrupted(void);
/* Executes one text without parameters. False: the session's message says why. */
bool session_execute(Session *session, const char *sql);
/* Reads a whole table, and its result joins what was run. */
bool session_read(Session *session, const char *sql);
/* Forgets what was run. */
void session_clear(Session *session);
void ran_free(Ran *ran, int count);
/* A host that executes on the session. */
OrmcHost session_host(Session *session);
/* After each run of a host: a refusal that the program caught is none. */
void session_ended(Session *session, OrmcStatus status);
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
