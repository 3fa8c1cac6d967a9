/*
 * ormc: finds the command and runs it. Each command is a file of its own beside this one.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "cli/cli.h"

static const struct {
    const char *name;
    int (*run)(const Options *options);
} commands[] = {{"sql", command_sql}, {"batch", command_batch},   {"schema", command_schema},
                {"run", command_run}, {"golden", command_golden}, {"verify", command_verify}};
enum { COMMAND_COUNT = sizeof commands / sizeof *commands };

static int unknown_command(const char *name) {
    if (name[0] == '-')
        return usage_error("'%s' is not a command; options follow one, as in 'ormc sql %s'", name, name);
    const char *best = NULL;
    int least = words_reach(name);
    for (int i = 0; i < COMMAND_COUNT; i++) {
        int distance = words_distance(name, commands[i].name);
        if (distance < least || (!best && distance == least)) best = commands[i].name, least = distance;
    }
    if (best) return usage_error("'%s' is not a command; did you mean 'ormc %s'?", name, best);
    return usage_error("'%s' is not a command; see 'ormc help'", name);
}

/* What was printed must have arrived. */
static int finish(int status) {
    errno = 0;
    if (fflush(stdout) == 0 && !ferror(stdout)) return status;
    fprintf(stderr, "ormc: can't write the output%s%s\n", errno ? ": " : "", errno ? strerror(errno) : "");
    return 2;
}

int main(int count, char **arguments) {
    const char *name = count > 1 ? arguments[1] : NULL;
    if (!name) {
        command_help(NULL);
        return 2;
    }
    if (strcmp(name, "--version") == 0 || strcmp(name, "-V") == 0) {
        printf("ormc %s\n", ormc_version());
        return finish(0);
    }
    if (strcmp(name, "help") == 0 || strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0)
        return finish(command_help(count > 2 ? arguments[2] : NULL));
    for (int i = 0; i < COMMAND_COUNT; i++) {
        if (strcmp(name, commands[i].name) != 0) continue;
        Options options = {.command = name};
        bool help = false;
        int status = options_parse(&options, count - 2, arguments + 2, &help);
        if (help) status = command_help(name);
        else if (status < 0) status = commands[i].run(&options);
        options_free(&options);
        return finish(status);
    }
    return unknown_command(name);
}
