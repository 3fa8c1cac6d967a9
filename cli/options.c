/*
 * The command line's options, from the table options.def.
 *
 * In: the arguments after the command. Out: Options; or a message with a suggestion and exit status 2.
 * Long options take `--name VALUE` and `--name=VALUE`, short ones `-m VALUE` and `-mVALUE`; `--` ends
 * them; options and files may be mixed. Example: "--dialct" gives "unknown option '--dialct' for
 * 'ormc sql'; did you mean '--dialect'?".
 */
#include <assert.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"

typedef enum Reading { READ_LIST, READ_TEXT, READ_FLAG, READ_FORMAT, READ_SECONDS } Reading;

typedef struct Option {
    char letter;
    const char *name, *argument;
    size_t member;
    Reading reading;
    const char *commands;
} Option;

static const Option table[] = {
#define OPTION(letter, name, argument, member, reading, commands)                                                      \
    {letter, name, argument, offsetof(Options, member), READ_##reading, commands},
#include "cli/options.def"
#undef OPTION
};
enum { OPTION_COUNT = sizeof table / sizeof *table };

int usage_error(const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    fflush(stdout);
    fputs("ormc: ", stderr);
    vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
    va_end(arguments);
    return 2;
}

static int smaller(int a, int b) { return a < b ? a : b; }

int words_distance(const char *a, const char *b) {
    enum { LIMIT = 31 };
    int row[LIMIT + 1], length = (int)strlen(b);
    if (length > LIMIT || strlen(a) > LIMIT) return LIMIT;
    for (int j = 0; j <= length; j++) row[j] = j;
    for (int i = 1; a[i - 1]; i++) {
        int diagonal = row[0];
        row[0] = i;
        for (int j = 1; j <= length; j++) {
            int kept = diagonal + (a[i - 1] != b[j - 1]);
            diagonal = row[j];
            row[j] = smaller(kept, smaller(row[j], row[j - 1]) + 1);
        }
    }
    return row[length];
}

int words_reach(const char *word) {
    int half = (int)strlen(word) / 2;
    return half < 4 ? half : 4;
}

static char command_letter(const char *command) {
    if (strcmp(command, "schema") == 0) return 'c';
    return command[0];
}

static int unknown_option(const char *command, const char *given) {
    const Option *best = NULL;
    size_t length = strcspn(given, "=");
    char name[64];
    snprintf(name, sizeof name, "%.*s", (int)length, given);
    int least = words_reach(name + strspn(name, "-"));
    for (int i = 0; i < OPTION_COUNT; i++) {
        int distance = words_distance(name + strspn(name, "-"), table[i].name);
        if (!strchr(table[i].commands, command_letter(command)) || distance > least || (best && distance == least))
            continue;
        least = distance;
        best = &table[i];
    }
    if (best) return usage_error("unknown option '%s' for 'ormc %s'; did you mean '--%s'?", name, command, best->name);
    return usage_error("unknown option '%s' for 'ormc %s'; see 'ormc help %s'", name, command, command);
}

static const Option *find_option(const char *command, const char *given, const char **value) {
    *value = NULL;
    for (int i = 0; i < OPTION_COUNT; i++) {
        const Option *option = &table[i];
        if (!strchr(option->commands, command_letter(command))) continue;
        if (given[1] != '-') {
            if (given[1] != option->letter || !option->letter) continue;
            if (given[2]) *value = given + 2;
            return option;
        }
        size_t length = strlen(option->name);
        if (strncmp(given + 2, option->name, length) != 0) continue;
        if (given[2 + length] && given[2 + length] != '=') continue;
        if (given[2 + length]) *value = given + 3 + length;
        return option;
    }
    return NULL;
}

static int read_format(Options *options, const char *value) {
    static const char *const names[] = {[FORMAT_TEXT] = "text", [FORMAT_JSON] = "json", [FORMAT_CSV] = "csv"};
    for (int i = 0; i < 3; i++) {
        if (strcmp(value, names[i]) != 0) continue;
        if (i == FORMAT_CSV && strcmp(options->command, "run") != 0)
            return usage_error("--format csv is for 'ormc run' only");
        options->format = (Format)i;
        return -1;
    }
    return usage_error("--format takes text, json or csv, not '%s'", value);
}

static int read_value(Options *options, const Option *option, const char *value) {
    void *member = (char *)options + option->member;
    assert(value || option->reading == READ_FLAG);
    switch (option->reading) {
    case READ_LIST: strings_add(member, value); return -1;
    case READ_TEXT: *(const char **)member = value; return -1;
    case READ_FLAG: *(bool *)member = true; return -1;
    case READ_FORMAT: return read_format(options, value);
    case READ_SECONDS: {
        char *end;
        double seconds = strtod(value, &end);
        if (*end || end == value || !(seconds > 0) || seconds > 1e6)
            return usage_error("--%s takes a number of seconds, not '%s'", option->name, value);
        *(unsigned *)member = (unsigned)(seconds * 1000);
        return -1;
    }
    }
    return -1;
}

void options_free(Options *options) {
    for (int i = 0; i < OPTION_COUNT; i++)
        if (table[i].reading == READ_LIST) free(((Strings *)(void *)((char *)options + table[i].member))->items);
    free(options->files.items);
}

static int check_dialects(const Options *options) {
    for (int i = 0; i < options->dialects.count; i++) {
        const char *best = NULL;
        int least = words_reach(options->dialects.items[i]);
        const char *known;
        for (int k = 0; (known = ormc_dialect_name(k)); k++) {
            int distance = words_distance(options->dialects.items[i], known);
            if (distance < least || (!best && distance == least)) best = known, least = distance;
        }
        if (best && least == 0) continue;
        if (best) return usage_error("unknown dialect '%s'; did you mean '%s'?", options->dialects.items[i], best);
        return usage_error("unknown dialect '%s'; there are postgresql, sqlite, mysql and mariadb",
                           options->dialects.items[i]);
    }
    return -1;
}

int options_parse(Options *options, int count, char **arguments, bool *help) {
    bool ended = false;
    for (int i = 0; i < count; i++) {
        const char *given = arguments[i], *value;
        if (ended || given[0] != '-' || !given[1]) {
            strings_add(&options->files, given);
            continue;
        }
        if (strcmp(given, "--") == 0) {
            ended = true;
            continue;
        }
        if (strcmp(given, "--help") == 0 || strcmp(given, "-h") == 0) {
            *help = true;
            return -1;
        }
        const Option *option = find_option(options->command, given, &value);
        if (!option) return unknown_option(options->command, given);
        if (!option->argument && value) return usage_error("--%s takes no value", option->name);
        if (option->argument && !value && ++i < count) value = arguments[i];
        if (option->argument && !value) return usage_error("--%s needs %s", option->name, option->argument);
        int status = read_value(options, option, value);
        if (status >= 0) return status;
    }
    return check_dialects(options);
}
