/* Golden files: what checking, running and diffing share. */
#ifndef ORMC_CLI_GOLDEN_H
#define ORMC_CLI_GOLDEN_H

#include "cli/session.h"

/* The lines that differ, as `diff -u` shows them, without file names. */
void diff_write(Text *out, const char *old_text, const char *new_text);

/* Statements and parameters of a translation, as golden blocks hold them. */
void golden_write_sql(Text *out, const OrmcTranslation *translation);
void golden_write_params(Text *out, const OrmcTranslation *translation);

/* ---- scratch.c: an empty place in a database, with the models' tables ---- */

/* A scratch schema or database on a server; nothing on SQLite in memory. False: the session's message says why. */
bool scratch_enter(Session *session);
void scratch_leave(Session *session);
/* Creates the tables of the context's models. */
bool scratch_create_tables(Session *session, OrmcContext *context);
/* Executes several statements separated by semicolons. */
bool scratch_execute_all(Session *session, const char *sql, size_t length);

#endif
