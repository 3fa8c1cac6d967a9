/* A line on the terminal that says what takes long. */
#ifndef ORMC_CLI_PROGRESS_H
#define ORMC_CLI_PROGRESS_H

#include <stddef.h>

typedef struct Progress Progress;

/* NULL where standard error is no terminal. */
Progress *progress_start(void);
/* Takes the line away. */
void progress_stop(Progress *progress);
/* A statement begins; `where` says on which database, NULL where there is only one. */
void progress_statement(Progress *progress, const char *where, const char *sql);
/* It has ended. */
void progress_rows(Progress *progress, size_t rows);
/* Between these two the terminal is the caller's. */
void progress_hide(Progress *progress);
void progress_show(Progress *progress);

#endif
