/*
 * Database URLs: text → scheme, user, password, host, port, database, options.
 *
 *     postgresql+asyncpg://me:se%40cret@/app?host=/run/postgresql
 *       → scheme postgresql, user me, password "se@cret", database app, option host
 *     sqlite:///relative.db, sqlite:////absolute.db, sqlite:// (in memory)
 */
#include "backends/executor/executor.h"

#include <string.h>

static int hex_digit(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

/* Percent-decoded; "" gives NULL. */
static const char *url_decode(Store *store, const char *start, const char *end) {
    if (start == end) return NULL;
    char *text = store_allocate(store, (size_t)(end - start) + 1);
    if (!text) return NULL;
    char *out = text;
    for (const char *p = start; p < end; p++) {
        if (*p == '%' && end - p > 2 && hex_digit(p[1]) >= 0 && hex_digit(p[2]) >= 0) {
            *out++ = (char)(hex_digit(p[1]) * 16 + hex_digit(p[2]));
            p += 2;
        } else {
            *out++ = *p;
        }
    }
    *out = '\0';
    return text;
}

static const char *find(const char *start, const char *end, char byte) {
    const char *found = start < end ? memchr(start, byte, (size_t)(end - start)) : NULL;
    return found ? found : end;
}

static bool url_parse_options(Store *store, const char *text, const char *end, Url *url) {
    size_t capacity = 1;
    for (const char *p = text; p < end; p++) capacity += *p == '&';
    url->options = store_allocate(store, capacity * sizeof *url->options);
    if (!url->options) return false;
    while (text < end) {
        const char *stop = find(text, end, '&'), *equals = find(text, stop, '=');
        const char *name = url_decode(store, text, equals);
        const char *value = equals < stop ? url_decode(store, equals + 1, stop) : NULL;
        if (name) url->options[url->option_count++] = (UrlOption){.name = name, .value = value ? value : ""};
        text = stop < end ? stop + 1 : end;
    }
    return true;
}

static void url_parse_authority(Store *store, const char *text, const char *end, Url *url) {
    const char *at = NULL;
    for (const char *p = text; p < end; p++)
        if (*p == '@') at = p;
    if (at) {
        const char *colon = find(text, at, ':');
        url->user = url_decode(store, text, colon);
        if (colon < at) url->password = url_decode(store, colon + 1, at);
        if (colon < at) url->secret = store_copy(store, colon + 1, (size_t)(at - colon - 1));
        text = at + 1;
    }
    const char *host_end = end;
    if (text < end && *text == '[') {
        const char *bracket = find(text, end, ']');
        url->host = url_decode(store, text + 1, bracket);
        host_end = bracket < end ? bracket + 1 : end;
        if (host_end < end && *host_end == ':') url->port = url_decode(store, host_end + 1, end);
        return;
    }
    host_end = find(text, end, ':');
    url->host = url_decode(store, text, host_end);
    if (host_end < end) url->port = url_decode(store, host_end + 1, end);
}

bool url_parse(Store *store, const char *text, Url *url, const char **why) {
    *url = (Url){0};
    const char *separator = strstr(text, "://");
    if (!separator || separator == text) {
        *why = "a database URL begins with postgresql://, sqlite://, mysql:// or mariadb://";
        return false;
    }
    const char *end = text + strlen(text), *rest = separator + 3;
    const char *plus = find(text, separator, '+');
    url->scheme = url_decode(store, text, plus);
    const char *question = find(rest, end, '?'), *slash = find(rest, question, '/');
    url_parse_authority(store, rest, slash, url);
    if (slash < question) url->database = url_decode(store, slash + 1, question);
    if (url->scheme && strcmp(url->scheme, "sqlite") == 0 && url->host) {
        *why =
            "a SQLite URL has three slashes before a relative path and four before an absolute one: sqlite:///file.db";
        return false;
    }
    char *whole = store_allocate(store, (size_t)(end - text) + 1);
    if (!url->scheme || !whole || (question < end && !url_parse_options(store, question + 1, end, url))) {
        *why = "out of memory";
        return false;
    }
    memcpy(whole, text, (size_t)(plus - text));
    memcpy(whole + (plus - text), separator, (size_t)(end - separator) + 1);
    url->whole = whole;
    return true;
}

/* "…://me:secret@…", and "secret" quoted by itself; not everywhere, as short passwords are parts of words. */
void url_hide_password(const Url *url, char *message) {
    size_t length = url->secret ? strlen(url->secret) : 0;
    if (length < 3) return; /* no room for the stars; whoever chose it doesn't mind */
    for (char *at = message + 1; *message && (at = strstr(at, url->secret)); at++) {
        bool named = at[-1] == ':' && at[length] == '@', quoted = at[-1] == '"' && at[length] == '"';
        if (!named && !quoted) continue;
        memset(at, '*', 3);
        memmove(at + 3, at + length, strlen(at + length) + 1);
    }
}

const char *url_option(const Url *url, const char *name) {
    for (size_t i = 0; i < url->option_count; i++)
        if (strcmp(url->options[i].name, name) == 0) return url->options[i].value;
    return NULL;
}
