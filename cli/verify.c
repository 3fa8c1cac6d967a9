/*
 * ormc verify: the same program on several databases, rows compared.
 *
 * In: a program (or golden files) and two or more --database; the databases' own tables, or with --scratch the models'
 * tables and the data of --data in a place that is dropped at the end. Out: a count where they agree; else the
 * statement and the rows side by side. What databases may rightly give otherwise is named (reasons.def), not counted.
 * Exit status 1 where they disagree.
 */
#include "cli/verify.h"

#include <stdlib.h>
#include <string.h>

/* ---- units ---- */

static void unit_verify(Verify *verify, const Unit *unit) {
    bool good = true;
    verify->units++;
    for (int i = 0; good && i < verify->side_count; i++) {
        Side *side = &verify->sides[i];
        good = unit_run(verify, unit, side, &side->plain, &side->outcome) && !session_interrupted();
        if (!good || unit->file) continue;
        const char *text = side->outcome.diagnostics, *before = verify->sides[0].outcome.diagnostics;
        if (text && (i == 0 || !before || strcmp(text, before) != 0)) fputs(text, stderr);
        if (side->outcome.failed) fprintf(stderr, "ormc: %s: %s\n", side->label, side->outcome.message);
        if (side->outcome.failed && verify->status < 3) verify->status = 3;
        else if (side->outcome.refused && verify->status == 0) verify->status = 1;
    }
    for (int i = 1; good && i < verify->side_count; i++) unit_judge(verify, unit, &verify->sides[i]);
    if (good && verify->options->explain) report_plans(verify, unit);
    for (int i = 0; i < verify->side_count; i++) {
        outcome_free(&verify->sides[i].outcome);
        outcome_free(&verify->sides[i].again);
        outcome_free(&verify->sides[i].strict_outcome);
    }
}

static bool goes_on(const Verify *verify) { return !verify->stopped && verify->status != 2 && !session_interrupted(); }

static void file_verify(Verify *verify, const GoldenFile *file) {
    OrmcOptions settings = {.size = sizeof settings, .referenced_tables = true};
    verify->context = context_open(verify->options, &settings, false, &verify->status);
    if (!verify->context) return;
    golden_file_add_models(file, verify->context);
    for (int i = 0; i < file->block_count && goes_on(verify); i++)
        if (block_is_query(&file->blocks[i])) unit_verify(verify, &(Unit){file, i});
    ormc_context_destroy(verify->context);
    verify->context = NULL;
    for (int i = 0; i < verify->side_count; i++) /* another file may lie where this one lay */
        verify->sides[i].plain.filled = verify->sides[i].strict.filled = NULL;
}

/* Whether it is Markdown with models: then it is a golden file, whose cases are run one by one. */
static bool is_golden(const GoldenFile *file) {
    size_t length = strlen(file->path);
    if (length < 3 || strcmp(file->path + length - 3, ".md") != 0) return false;
    for (int i = 0; i < file->block_count; i++)
        if (block_is(&file->blocks[i], "python", "models")) return true;
    return false;
}

/* ---- databases ---- */

static bool sides_name(Verify *verify) {
    for (int i = 0; i < verify->side_count; i++) {
        Side *side = &verify->sides[i];
        side->url = verify->options->databases.items[i];
        const char *dialect = url_dialect(side->url);
        if (!url_check(side->url)) return false;
        int same = 1;
        for (int j = 0; j < i; j++) same += strcmp(url_dialect(verify->sides[j].url), dialect) == 0;
        snprintf(side->label, sizeof side->label, same > 1 ? "%s %d" : "%s", dialect, same);
    }
    return true;
}

static void place_close(const Verify *verify, Place *place) {
    if (!place->session.database) return;
    if (verify->scratch) scratch_close(&place->session);
    else session_close(&place->session);
}

static int verify_all(Verify *verify, GoldenFile *files, int golden) {
    if (!sides_name(verify)) return 2;
    verify->progress = progress_start();
    if (golden) {
        for (int i = 0; i < golden && goes_on(verify); i++) file_verify(verify, &files[i]);
    } else {
        unit_verify(verify, &(Unit){NULL, 0});
    }
    for (int i = 0; i < verify->side_count; i++) {
        place_close(verify, &verify->sides[i].plain);
        place_close(verify, &verify->sides[i].strict);
    }
    progress_stop(verify->progress);
    verify->progress = NULL;
    if (verify->status != 2) report_summary(verify);
    if (session_interrupted()) return 128 + session_interrupted();
    return verify->status;
}

int command_verify(const Options *options) {
    Verify verify = {.options = options, .side_count = options->databases.count};
    if (!options->files.count && !options->expressions.count)
        return usage_error("nothing to run: give FILE or -e EXPR; see 'ormc help verify'");
    if (options->databases.count < 2)
        return usage_error("'ormc verify' compares databases: give --database twice or more");
    int count = options->files.count, golden = 0;
    GoldenFile *files = memory_need(calloc((size_t)count + 1, sizeof *files));
    for (int i = 0; i < count; i++) {
        if (strcmp(options->files.items[i], "-") == 0) continue;
        if (!golden_file_open(&files[golden], options->files.items[i])) verify.status = 2;
        else if (is_golden(&files[golden])) golden++;
        else golden_file_close(&files[golden]);
    }
    if (verify.status == 0 && golden && (golden < count || options->expressions.count))
        verify.status = usage_error("golden files are verified case by case: give no other FILE or EXPR with them");
    verify.scratch = golden || options->scratch || options->data.count;
    verify.sides = memory_need(calloc((size_t)verify.side_count, sizeof *verify.sides));
    int status = verify.status ? verify.status : verify_all(&verify, files, golden);
    for (int i = 0; i < golden; i++) golden_file_close(&files[i]);
    free(files);
    free(verify.sides);
    return status;
}
