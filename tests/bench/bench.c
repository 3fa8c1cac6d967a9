/*
 * bench QUERIES.json [SECONDS]: what a translation costs beside what SQLite spends preparing its SQL.
 *
 * In: a list of queries, each written for Django and for SQLAlchemy, and two model files beside it. Out: for each query
 * and ORM the microseconds from text to SQL and parameters (warm context, models loaded once), those of
 * sqlite3_prepare_v2 of that SQL in the same process, their ratio, and the geometric mean of the ratios.
 */
#include <math.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "compiler/json.h"
#include "include/ormc.h"

typedef struct Bench {
    const char *orm; /* "django", "sqlalchemy" */
    OrmcContext *context;
    sqlite3 *database;
    double seconds; /* for one measurement */
    double log_sum;
    int measured, failed;
} Bench;

static double now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec * 1e-9;
}

static char *read_file(const char *path, size_t *length) {
    FILE *file = fopen(path, "rb");
    if (!file) return NULL;
    fseek(file, 0, SEEK_END);
    *length = (size_t)ftell(file);
    rewind(file);
    char *text = malloc(*length + 1);
    if (!text || fread(text, 1, *length, file) != *length) exit(2);
    text[*length] = '\0';
    fclose(file);
    return text;
}

static void no_memory(void *user) {
    (void)user;
    exit(2);
}

static void *allocate(void *user, size_t size) {
    (void)user;
    return malloc(size);
}

static void release(void *user, void *block) {
    (void)user;
    free(block);
}

/* Microseconds of one translation. */
static double time_translation(Bench *bench, Slice text) {
    const OrmcTranslation *translation;
    double start = now(), end;
    long rounds = 0;
    do {
        for (int i = 0; i < 20; i++, rounds++)
            ormc_context_translate_text(bench->context, NULL, text.start, text.length, &translation);
        end = now();
    } while (end - start < bench->seconds);
    return (end - start) / (double)rounds * 1e6;
}

static bool prepare(sqlite3 *database, OrmcText sql) {
    sqlite3_stmt *statement = NULL;
    bool good = sqlite3_prepare_v2(database, sql.data, (int)sql.length, &statement, NULL) == SQLITE_OK;
    sqlite3_finalize(statement);
    return good;
}

/* Microseconds of preparing all statements of the translation; below 0: SQLite refuses one. */
static double time_preparation(Bench *bench, const OrmcTranslation *translation) {
    double start = now(), end;
    long rounds = 0;
    do {
        for (int i = 0; i < ormc_translation_query_count(translation); i++) {
            const OrmcQuery *query = ormc_translation_query(translation, i);
            for (int j = 0; j < query->statement_count; j++)
                if (!prepare(bench->database, query->statements[j].sql)) return -1;
        }
        rounds++;
        end = now();
    } while (end - start < bench->seconds);
    return (end - start) / (double)rounds * 1e6;
}

static void run_query(Bench *bench, const Json *query) {
    const Json *text = json_member(query, bench->orm), *name = json_member(query, "name");
    const OrmcTranslation *translation;
    if (!text || !name) return;
    printf("%-11s %-22.*s ", bench->orm, SLICE_ARGS(name->text));
    OrmcStatus status =
        ormc_context_translate_text(bench->context, NULL, text->text.start, text->text.length, &translation);
    if (status != ORMC_OK || !ormc_translation_query_count(translation)) {
        bool refused = translation && ormc_translation_diagnostic_count(translation);
        printf("not translated: %s\n",
               refused ? ormc_translation_diagnostic(translation, 0)->message.data : "no query");
        bench->failed++;
        return;
    }
    double prepared = time_preparation(bench, translation);
    if (prepared < 0) {
        printf("SQLite: %s\n", sqlite3_errmsg(bench->database));
        bench->failed++;
        return;
    }
    double translated = time_translation(bench, text->text);
    printf("%9.2f us %9.2f us %8.3f\n", translated, prepared, translated / prepared);
    bench->log_sum += log(translated / prepared);
    bench->measured++;
}

static void create_tables(Bench *bench) {
    const OrmcTranslation *translation;
    ormc_context_translate_schema(bench->context, &translation);
    for (int i = 0; i < ormc_translation_query_count(translation); i++) {
        const OrmcQuery *query = ormc_translation_query(translation, i);
        for (int j = 0; j < query->statement_count; j++)
            if (sqlite3_exec(bench->database, query->statements[j].sql.data, NULL, NULL, NULL) != SQLITE_OK)
                printf("%s: %s\n", bench->orm, sqlite3_errmsg(bench->database));
    }
}

static bool bench_orm(const Json *whole, const char *orm, Slice directory, double seconds) {
    Bench bench = {.orm = orm, .seconds = seconds};
    char member[40], path[1000];
    snprintf(member, sizeof member, "models_%s", orm);
    const Json *models = json_member(whole, member), *queries = json_member(whole, "queries");
    if (!models || !queries) return false;
    snprintf(path, sizeof path, "%.*s%.*s", SLICE_ARGS(directory), SLICE_ARGS(models->text));
    OrmcOptions options = {.size = sizeof options, .dialect = "sqlite", .leave_transactions = true};
    bench.context = ormc_context_create(&options);
    if (ormc_context_add_models(bench.context, "bench", path) != ORMC_OK) {
        fprintf(stderr, "bench: %s\n", ormc_context_message(bench.context));
        return false;
    }
    sqlite3_open(":memory:", &bench.database);
    create_tables(&bench);
    for (int i = 0; i < queries->count; i++) run_query(&bench, &queries->items[i]);
    if (bench.measured)
        printf("%-11s geometric mean of %d ratios: %.3f\n\n", orm, bench.measured, exp(bench.log_sum / bench.measured));
    sqlite3_close(bench.database);
    ormc_context_destroy(bench.context);
    return bench.failed == 0;
}

int main(int count, char **arguments) {
    size_t length, at;
    const char *error;
    char *text = count > 1 ? read_file(arguments[1], &length) : NULL;
    if (!text) {
        fputs("usage: bench QUERIES.json [SECONDS a measurement]\n", stderr);
        return 2;
    }
    Arena arena;
    Allocator allocator = {allocate, release, NULL};
    arena_init(&arena, &allocator, no_memory, NULL);
    const Json *whole = json_read(&arena, (Slice){text, length}, &error, &at);
    if (!whole) {
        fprintf(stderr, "bench: %s at byte %zu\n", error, at);
        return 2;
    }
    Slice directory = slice_from(arguments[1]);
    while (directory.length && directory.start[directory.length - 1] != '/') directory.length--;
    double seconds = count > 2 ? strtod(arguments[2], NULL) : 0.2;
    printf("%-11s %-22s %12s %12s %8s\n", "ORM", "query", "ormc", "prepare", "ratio");
    bool good = bench_orm(whole, "django", directory, seconds);
    good &= bench_orm(whole, "sqlalchemy", directory, seconds);
    arena_destroy(&arena);
    free(text);
    return good ? 0 : 1;
}
