/* Golden files: what checking, running, verifying and diffing share. */
#ifndef ORMC_CLI_GOLDEN_H
#define ORMC_CLI_GOLDEN_H

#include "cli/session.h"

/* ---- diff.c */

/* The lines that differ, as `diff -u` shows them, without file names. */
void diff_write(Text *out, const char *old_text, const char *new_text);
/* All lines, left and right of a mark: '|' where they differ, '<' and '>' where one has no partner. */
void diff_write_sides(Text *out, const char *left, const char *right);

/* ---- golden.c */

/* ---- golden_file.c: a golden file and its blocks */

typedef struct GoldenFile {
    const char *path;
    char *text;
    size_t length;
    const OrmcBlock *blocks;
    int block_count;
    OrmcContext *reader; /* owns `blocks` */
} GoldenFile;

/* False with a message on standard error. */
bool golden_file_open(GoldenFile *file, const char *path);
void golden_file_close(GoldenFile *file);
void golden_file_add_models(const GoldenFile *file, OrmcContext *context);
/* Loads the data that stands before block `query`. False: the session's message says why not. */
bool golden_file_load_data(const GoldenFile *file, OrmcContext *context, Session *session, int query);
/* Some SQL block of the case that begins with block `query` is for the dialect. */
bool golden_file_covers(const GoldenFile *file, int query, const char *dialect);
/* How many blocks of data stand before block `query`. */
int golden_file_data_count(const GoldenFile *file, int query);
/* Whether word number `index` of the block's info string is `word`. */
bool block_word_is(const OrmcBlock *block, int index, const char *word);
bool block_is(const OrmcBlock *block, const char *first, const char *second);
bool block_is_query(const OrmcBlock *block);

/* ---- scratch.c: an empty place in a database, with the models' tables ---- */

/*
 * A session whose statements all run in a schema (PostgreSQL) or database (MySQL, MariaDB) of its own, which
 * scratch_close() drops; on SQLite in memory, whatever the URL says. `strict`: texts are compared byte by byte wherever
 * the database can be told so. False with a message on standard error: `*status` is what to exit with.
 */
bool scratch_open(Session *session, const Options *options, const char *url, bool strict, int *status);
void scratch_close(Session *session);
/* As after scratch_open(). */
bool scratch_empty(Session *session);
/* Creates the tables of the context's models. */
bool scratch_create_tables(Session *session, OrmcContext *context);
/* Executes several statements separated by semicolons; names may be quoted with '"' everywhere. Generated keys go on
 * behind those that are then there. */
bool scratch_load_sql(Session *session, const char *sql, size_t length);
/* Reads every table into the session's results. */
bool scratch_read_tables(Session *session);

#endif
