/*
 * The progress line. In: what statements begin and end. Out: once the work takes longer than a second, one line on the
 * terminal's standard error, drawn anew five times a second by a thread of its own, and gone at the end:
 *
 *     12 s · 3 statements, 4500 rows · SELECT "shop_book"."id", "shop_book"."title" FROM …
 */
#include "cli/progress.h"

#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "cli/cli.h"

enum { FIRST_MS = 1000, EVERY_MS = 200, LONGEST = 400 };

struct Progress {
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t stopped;
    bool stop, drawn, hidden;
    struct timespec start;
    size_t statements, rows;
    char sql[LONGEST];
};

static long ms_since(const struct timespec *start) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (now.tv_sec - start->tv_sec) * 1000 + (now.tv_nsec - start->tv_nsec) / 1000000;
}

static size_t terminal_width(void) {
    struct winsize size;
    return ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 20 ? size.ws_col : 80;
}

/* As many bytes as `width` code points take. */
static size_t fitting(const char *text, size_t width) {
    size_t at = 0;
    for (; text[at]; at++)
        if (((unsigned char)text[at] & 0xC0) != 0x80 && width-- == 0) break;
    return at;
}

static void write_all(const char *text, size_t length) {
    while (length) {
        ssize_t written = write(STDERR_FILENO, text, length);
        if (written <= 0) return;
        text += written;
        length -= (size_t)written;
    }
}

static void draw(Progress *progress) {
    char line[LONGEST + 120], out[LONGEST + 140];
    snprintf(line, sizeof line, "%ld s · %zu %s, %zu %s · %s", ms_since(&progress->start) / 1000, progress->statements,
             progress->statements == 1 ? "statement" : "statements", progress->rows,
             progress->rows == 1 ? "row" : "rows", progress->sql);
    int length = snprintf(out, sizeof out, "\r%.*s\033[K", (int)fitting(line, terminal_width() - 1), line);
    write_all(out, (size_t)length);
    progress->drawn = true;
}

static void erase(Progress *progress) {
    if (progress->drawn) write_all("\r\033[K", 4);
    progress->drawn = false;
}

static void *progress_run(void *user) {
    Progress *progress = user;
    pthread_mutex_lock(&progress->lock);
    while (!progress->stop) {
        struct timespec until;
        clock_gettime(CLOCK_MONOTONIC, &until);
        until.tv_nsec += EVERY_MS * 1000000L;
        until.tv_sec += until.tv_nsec / 1000000000;
        until.tv_nsec %= 1000000000;
        pthread_cond_timedwait(&progress->stopped, &progress->lock, &until);
        if (!progress->stop && !progress->hidden && ms_since(&progress->start) >= FIRST_MS) draw(progress);
    }
    erase(progress);
    pthread_mutex_unlock(&progress->lock);
    return NULL;
}

Progress *progress_start(void) {
    const char *terminal = getenv("TERM");
    if (!isatty(STDERR_FILENO) || (terminal && strcmp(terminal, "dumb") == 0)) return NULL;
    Progress *progress = memory_need(calloc(1, sizeof *progress));
    clock_gettime(CLOCK_MONOTONIC, &progress->start);
    pthread_mutex_init(&progress->lock, NULL);
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&progress->stopped, &attributes);
    pthread_condattr_destroy(&attributes);
    sigset_t all, before; /* handlers run on the thread that runs the program */
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    bool started = pthread_create(&progress->thread, NULL, progress_run, progress) == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (started) return progress;
    free(progress);
    return NULL;
}

void progress_stop(Progress *progress) {
    if (!progress) return;
    pthread_mutex_lock(&progress->lock);
    progress->stop = true;
    pthread_cond_signal(&progress->stopped);
    pthread_mutex_unlock(&progress->lock);
    pthread_join(progress->thread, NULL);
    pthread_cond_destroy(&progress->stopped);
    pthread_mutex_destroy(&progress->lock);
    free(progress);
}

void progress_statement(Progress *progress, const char *where, const char *sql) {
    if (!progress) return;
    pthread_mutex_lock(&progress->lock);
    progress->statements++;
    snprintf(progress->sql, sizeof progress->sql, "%s%s%s", where ? where : "", where ? ": " : "", sql);
    for (char *at = progress->sql; *at; at++)
        if ((unsigned char)*at < 0x20 || *at == 0x7F) *at = ' ';
    pthread_mutex_unlock(&progress->lock);
}

void progress_rows(Progress *progress, size_t rows) {
    if (!progress) return;
    pthread_mutex_lock(&progress->lock);
    progress->rows += rows;
    pthread_mutex_unlock(&progress->lock);
}

void progress_hide(Progress *progress) {
    if (!progress) return;
    pthread_mutex_lock(&progress->lock);
    progress->hidden = true;
    erase(progress);
    pthread_mutex_unlock(&progress->lock);
}

void progress_show(Progress *progress) {
    if (!progress) return;
    pthread_mutex_lock(&progress->lock);
    progress->hidden = false;
    pthread_mutex_unlock(&progress->lock);
}
