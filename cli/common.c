/*
 * Helpers of the commands. In: options. Out: contexts, text, messages. Example: context_open() with
 * `-m shop=models.py app.py` gives a context that holds both, or prints "ormc: can't read 'app.py': …".
 */
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/cli.h"

void *memory_need(void *memory) {
    if (memory) return memory;
    fputs("ormc: out of memory\n", stderr);
    exit(2);
}

void strings_add(Strings *strings, const char *text) {
    if (strings->count == strings->capacity) {
        strings->capacity = strings->capacity ? strings->capacity * 2 : 8;
        strings->items = memory_need(realloc(strings->items, sizeof *strings->items * (size_t)strings->capacity));
    }
    strings->items[strings->count++] = text;
}

void text_append(Text *text, const char *data, size_t length) {
    if (!text->data || text->length + length + 1 > text->capacity) {
        text->capacity = (text->length + length + 1) * 2;
        text->data = memory_need(realloc(text->data, text->capacity));
    }
    if (length) memcpy(text->data + text->length, data, length);
    text->length += length;
    text->data[text->length] = '\0';
}

void text_add(Text *text, const char *format, ...) {
    char small[256];
    va_list arguments, again;
    va_start(arguments, format);
    va_copy(again, arguments);
    int length = vsnprintf(small, sizeof small, format, arguments);
    if (length >= 0 && (size_t)length < sizeof small) {
        text_append(text, small, (size_t)length);
    } else if (length >= 0) {
        char *large = memory_need(malloc((size_t)length + 1));
        vsnprintf(large, (size_t)length + 1, format, again);
        text_append(text, large, (size_t)length);
        free(large);
    }
    va_end(again);
    va_end(arguments);
}

void text_take(Text *text, OrmcText more) { text_append(text, more.data, more.length); }

char *file_load(const char *path, size_t *length) {
    FILE *file = strcmp(path, "-") == 0 ? stdin : fopen(path, "rb");
    if (!file) return NULL;
    Text text = {0};
    char block[65536];
    for (size_t got; (got = fread(block, 1, sizeof block, file)) > 0;) text_append(&text, block, got);
    bool failed = ferror(file) != 0;
    int reason = errno;
    if (file != stdin) fclose(file);
    text_append(&text, "", 0);
    *length = text.length;
    if (!failed) return text.data;
    free(text.data);
    errno = reason;
    return NULL;
}

static bool stream_finish(FILE *file, const char *data, size_t length) {
    bool good = !length || fwrite(data, 1, length, file) == length;
    int reason = errno;
    if (fclose(file) != 0) return false;
    if (!good) errno = reason;
    return good;
}

static bool file_overwrite(const char *path, const char *data, size_t length) {
    FILE *file = fopen(path, "wb");
    return file && stream_finish(file, data, length);
}

/* Written beside it and put in its place; what is no plain file, or stands where no other may be made, in place. */
bool file_save(const char *path, const char *data, size_t length) {
    struct stat before;
    bool there = lstat(path, &before) == 0;
    if (there && !S_ISREG(before.st_mode)) return file_overwrite(path, data, length);
    Text beside = {0};
    text_add(&beside, "%s.XXXXXX", path);
    int handle = mkstemp(beside.data);
    FILE *file = handle < 0 ? NULL : fdopen(handle, "wb");
    if (!file) {
        if (handle >= 0) close(handle);
        free(beside.data);
        return file_overwrite(path, data, length);
    }
    mode_t mask = umask(0);
    umask(mask);
    bool good = fchmod(handle, there ? before.st_mode & 07777 : 0666 & ~mask) == 0;
    if (!stream_finish(file, data, length)) good = false;
    good = good && rename(beside.data, path) == 0;
    int reason = errno;
    if (!good) remove(beside.data);
    free(beside.data);
    errno = reason;
    return good;
}

bool colour_wanted(FILE *stream) {
    const char *refused = getenv("NO_COLOR");
    return !(refused && *refused) && isatty(fileno(stream));
}

void print_text(FILE *stream, OrmcText text) {
    if (text.length) fwrite(text.data, 1, text.length, stream);
}

void print_diagnostics(const OrmcTranslation *translation) {
    if (!translation || !ormc_translation_diagnostic_count(translation)) return;
    fflush(stdout);
    print_text(stderr, ormc_translation_render_diagnostics(translation, colour_wanted(stderr)));
}

int context_failed(const OrmcContext *context, OrmcStatus status) {
    if (status == ORMC_NO_MEMORY) fputs("ormc: out of memory\n", stderr);
    else fprintf(stderr, "ormc: %s\n", ormc_context_message(context));
    return 2;
}

void warn_unused(const OrmcContext *context) {
    const char *name;
    fflush(stdout);
    for (int i = 0; (name = ormc_context_unused_variable(context, i)); i++)
        fprintf(stderr, "ormc: warning: --set %s: nothing of that name was asked for\n", name);
    for (int i = 0; (name = ormc_context_unused_setting(context, i)); i++)
        fprintf(stderr, "ormc: warning: --setting %s: no setting that is known or was asked for\n", name);
}

/* NAME=VALUE; false with a message where there is no '='. */
static bool binding_set(OrmcContext *context, const char *option, const char *text,
                        OrmcStatus (*set)(OrmcContext *, const char *, const char *)) {
    const char *equals = strchr(text, '=');
    if (!equals || equals == text) {
        usage_error("%s takes NAME=VALUE, not '%s'", option, text);
        return false;
    }
    Text name = {0};
    text_append(&name, text, (size_t)(equals - text));
    OrmcStatus status = set(context, name.data, equals + 1);
    free(name.data);
    if (status != ORMC_OK) context_failed(context, status);
    return status == ORMC_OK;
}

/* [LABEL=]PATH: a label is a plain name, so a path that holds '=' further on is no problem. */
static bool models_add(OrmcContext *context, const char *text) {
    size_t label_length = strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_");
    bool labelled = label_length > 0 && text[label_length] == '=';
    Text label = {0};
    text_append(&label, text, labelled ? label_length : 0);
    OrmcStatus status =
        ormc_context_add_models(context, labelled ? label.data : NULL, labelled ? text + label_length + 1 : text);
    free(label.data);
    if (status != ORMC_OK) context_failed(context, status);
    return status == ORMC_OK;
}

static bool file_add(OrmcContext *context, const char *path) {
    OrmcStatus status;
    if (strcmp(path, "-") == 0) {
        size_t length;
        char *text = file_load(path, &length);
        if (!text) {
            usage_error("can't read standard input: %s", strerror(errno));
            return false;
        }
        status = ormc_context_add_file_text(context, "-", text, length);
        free(text);
    } else {
        status = ormc_context_add_file(context, path);
    }
    if (status != ORMC_OK) context_failed(context, status);
    return status == ORMC_OK;
}

OrmcContext *context_open(const Options *options, const OrmcOptions *settings, bool with_files, int *status) {
    OrmcContext *context = memory_need(ormc_context_create(settings));
    bool good = true;
    for (int i = 0; good && i < options->settings.count; i++)
        good = binding_set(context, "--setting", options->settings.items[i], ormc_context_set_setting);
    for (int i = 0; good && i < options->sets.count; i++)
        good = binding_set(context, "--set", options->sets.items[i], ormc_context_set_variable);
    for (int i = 0; good && i < options->models.count; i++) good = models_add(context, options->models.items[i]);
    for (int i = 0; good && with_files && i < options->files.count; i++)
        good = file_add(context, options->files.items[i]);
    if (good) return context;
    ormc_context_destroy(context);
    *status = 2;
    return NULL;
}

char *url_shown(const char *url) {
    static const char option[] = "password=";
    Text out = {0};
    const char *scheme = strstr(url, "://"), *start = scheme ? scheme + 3 : url;
    const char *at = start + strcspn(start, scheme ? "/?" : "?");
    while (at > start && at[-1] != '@') at--; /* behind the last @ */
    const char *colon = memchr(start, ':', (size_t)(at - start));
    text_append(&out, url, colon ? (size_t)(colon + 1 - url) : strlen(url));
    if (colon) text_add(&out, "***%s", at - 1);
    for (char *found = strstr(out.data, option); found; found = strstr(found + 1, option)) {
        char *value = found + strlen(option);
        size_t length = strcspn(value, "&");
        for (size_t i = 0; i < length; i++) value[i] = '*';
    }
    return out.data;
}

bool url_check(const char *url) {
    if (url_dialect(url)) return true;
    char *shown = url_shown(url);
    usage_error("'%s' is not a database URL: sqlite:///file.db, postgresql://…, mysql://… and mariadb://… are", shown);
    free(shown);
    return false;
}

const char *url_dialect(const char *url) {
    static const struct {
        const char *scheme, *dialect;
    } schemes[] = {{"postgresql", "postgresql"},
                   {"postgres", "postgresql"},
                   {"sqlite", "sqlite"},
                   {"mysql", "mysql"},
                   {"mariadb", "mariadb"}};
    size_t length = strcspn(url, "+:");
    for (size_t i = 0; i < sizeof schemes / sizeof *schemes; i++)
        if (strlen(schemes[i].scheme) == length && strncmp(url, schemes[i].scheme, length) == 0)
            return schemes[i].dialect;
    return NULL;
}
