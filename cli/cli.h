/*
 * What the commands share: options, output, contexts. The command line stands on include/ormc.h
 * alone; here memory is plain malloc, and a process that can't get any ends.
 */
#ifndef ORMC_CLI_H
#define ORMC_CLI_H

#include <stdio.h>

#include "ormc.h"

typedef enum Format { FORMAT_TEXT, FORMAT_JSON, FORMAT_CSV } Format;

typedef struct Strings {
    const char **items;
    int count, capacity;
} Strings;

typedef struct Options {
    const char *command;
    Strings models, dialects, expressions, files, sets, settings, databases, data;
    Format format;
    bool inline_literals, update, explain, scratch;
    const char *call, *dump, *golden;
    unsigned timeout_ms;
} Options;

/* Text that grows, with malloc. */
typedef struct Text {
    char *data;
    size_t length, capacity;
} Text;

/* ---- commands: each returns the exit status ---- */

int command_sql(const Options *options);
int command_batch(const Options *options);
int command_schema(const Options *options);
int command_run(const Options *options);
int command_golden(const Options *options);
int command_verify(const Options *options);
int command_help(const char *name);
/* --dump STAGE, and `ormc sql --golden DIR` */
int dump_stage(const Options *options);
int golden_project(const Options *options);

/* ---- options.c ---- */

/* Exit status 2 with a message on standard error, or -1: go on. `*help` is set for --help. */
int options_parse(Options *options, int count, char **arguments, bool *help);
void options_free(Options *options);
/* For "did you mean": letters to change from one word to the other, and how many are still a slip of the given one. */
int words_distance(const char *a, const char *b);
int words_reach(const char *word);
/* Exit status 2 after "ormc: …" on standard error. */
int usage_error(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* ---- common.c ---- */

void *memory_need(void *memory);
void strings_add(Strings *strings, const char *text);
void text_append(Text *text, const char *data, size_t length);
void text_add(Text *text, const char *format, ...) __attribute__((format(printf, 2, 3)));
void text_take(Text *text, OrmcText more);
/* A whole file, terminated; "-" is standard input. NULL: errno says why not. */
/* The whole file or nothing: what stood there before stays when the new text can't be written (errno says why). */
bool file_save(const char *path, const char *data, size_t length);
char *file_load(const char *path, size_t *length);
/* A context with the options' models, settings, variables and (where wanted) files. NULL: `*status` is what to exit
 * with, the message is printed. */
OrmcContext *context_open(const Options *options, const OrmcOptions *settings, bool with_files, int *status);
/* Colour on this stream: a terminal, and no NO_COLOR. */
bool colour_wanted(FILE *stream);
void print_text(FILE *stream, OrmcText text);
void print_diagnostics(const OrmcTranslation *translation);
/* Prints the context's own message. */
int context_failed(const OrmcContext *context, OrmcStatus status);
/* Tells on standard error which --set and --setting nothing has asked for. */
void warn_unused(const OrmcContext *context);
/* Names of databases as dialects: the scheme of the URL, without driver; NULL: unknown. */
const char *url_dialect(const char *url);
/* As messages show it: without its password. To be freed. */
char *url_shown(const char *url);
/* False with a message where it is no database URL. */
bool url_check(const char *url);

#endif
