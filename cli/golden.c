/*
 * ormc golden: Markdown files that hold queries and what they must give.
 *
 * In: files with fenced blocks (see `ormc help golden`). Out: nothing where all agrees, else a unified
 * diff a block; with --update the blocks are rewritten in place. A case is a ```python block and what
 * follows it up to the next one; white space inside SQL does not count. A case without any expectation
 * gets its blocks from --update. Each case runs in a database of its own.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cli/golden.h"

static const char *const dialects[] = {"postgresql", "sqlite", "mysql", "mariadb"};
enum { DIALECT_COUNT = sizeof dialects / sizeof *dialects };

/* One golden file while it is checked. */
typedef struct Golden {
    const Options *options;
    GoldenFile file;
    OrmcContext *context;
    Text rewritten;
    size_t copied; /* how much of `text` stands in `rewritten` */
    int differences;
    int status;
} Golden;

typedef struct Case {
    int query, end;      /* block numbers: the python block, and one past the last that belongs to it */
    const char *dialect; /* that parameters and diagnostics are of */
} Case;

/* ---- blocks ---- */

static bool block_names(const OrmcBlock *block, const char *word) {
    for (int i = 1; i <= DIALECT_COUNT; i++)
        if (block_word_is(block, i, word)) return true;
    return false;
}

/* The dialects that an sql block is for. */
static bool block_covers(const OrmcBlock *block, const char *dialect) {
    if (!block_is(block, "sql", NULL) || block_word_is(block, 1, "data")) return false;
    return block_names(block, dialect) || block_names(block, "all");
}

static bool dialect_wanted(const Options *options, const char *dialect) {
    for (int i = 0; i < options->dialects.count; i++)
        if (strcmp(options->dialects.items[i], dialect) == 0) return true;
    return options->dialects.count == 0;
}

/* ---- comparing ---- */

/* Text without differences of white space, for comparing SQL. */
static char *squeeze(const char *text) {
    char *out = memory_need(malloc(strlen(text) + 2));
    size_t length = 0;
    for (; *text; text++) {
        bool blank = strchr(" \t\r\n", *text) != NULL;
        if (!blank) out[length++] = *text;
        else if (length && out[length - 1] != ' ') out[length++] = ' ';
    }
    while (length && out[length - 1] == ' ') length--;
    out[length] = '\0';
    return out;
}

static bool same_text(const char *wanted, const char *got, bool loose) {
    if (!loose) return strcmp(wanted, got) == 0;
    char *a = squeeze(wanted), *b = squeeze(got);
    bool same = strcmp(a, b) == 0;
    free(a);
    free(b);
    return same;
}

static void report(Golden *golden, const OrmcBlock *block, const char *what, const char *wanted, const char *got) {
    Text diff = {0};
    text_append(&diff, "", 0);
    diff_write(&diff, wanted, got);
    printf("--- %s:%d: %.*s: %s\n+++ what ormc gives\n%s", golden->file.path, block->line, (int)block->heading.length,
           block->heading.length ? block->heading.data : "", what, diff.data);
    free(diff.data);
    golden->differences++;
    if (golden->status == 0) golden->status = 1;
}

/* Compares a block with what came; with --update it is rewritten. */
static void check(Golden *golden, const OrmcBlock *block, const char *got, bool loose) {
    Text wanted = {0};
    text_take(&wanted, block->content);
    if (!same_text(wanted.data, got, loose)) {
        if (golden->options->update && block->start >= golden->copied) {
            text_append(&golden->rewritten, golden->file.text + golden->copied, block->start - golden->copied);
            text_add(&golden->rewritten, "%s", got);
            golden->copied = block->end;
            golden->differences++;
        } else {
            char what[80];
            snprintf(what, sizeof what, "%.*s", (int)block->info.length, block->info.data);
            report(golden, block, what, wanted.data, got);
        }
    }
    free(wanted.data);
}

/* ---- what ormc gives ---- */

static void golden_write_sql(Text *out, const OrmcTranslation *translation) {
    for (int i = 0; i < ormc_translation_query_count(translation); i++) {
        const OrmcQuery *query = ormc_translation_query(translation, i);
        for (int j = 0; j < query->statement_count; j++) {
            text_take(out, query->statements[j].sql);
            text_add(out, ";\n");
        }
    }
}

static void golden_write_params(Text *out, const OrmcTranslation *translation) {
    for (int i = 0; i < ormc_translation_query_count(translation); i++) {
        const OrmcQuery *query = ormc_translation_query(translation, i);
        for (int j = 0; j < query->statement_count; j++)
            for (int k = 0; k < query->statements[j].param_count; k++) {
                text_add(out, "$%d = ", k + 1);
                text_take(out, ormc_translation_param_text(translation, &query->statements[j].params[k]));
                text_add(out, "\n");
            }
    }
}

static const OrmcTranslation *translate(Golden *golden, const Case *one, const char *dialect) {
    const OrmcTranslation *translation;
    OrmcText text = golden->file.blocks[one->query].content;
    ormc_context_set_dialect(golden->context, dialect);
    OrmcStatus status = ormc_context_translate_text(golden->context, "query", text.data, text.length, &translation);
    if (!translation) golden->status = context_failed(golden->context, status);
    return translation;
}

/* ---- rows ---- */

static void write_rows(Text *out, const Session *session) {
    for (int i = 0; i < session->ran_count; i++) {
        const OrmcResult *result = session->ran[i].result;
        if (!result || !ormc_result_column_count(result)) continue;
        if (out->length) text_add(out, "\n");
        table_write(out, result);
    }
    if (session->failed) text_add(out, "%s\n", session->message);
}

/* False: the case could not be run; the status is set. */
static bool run_case(Golden *golden, const Case *one, const char *url, Text *out) {
    Session session;
    int status = 0;
    if (!scratch_open(&session, golden->options, url, false, &status)) {
        golden->status = status;
        return false;
    }
    OrmcText text = golden->file.blocks[one->query].content;
    bool good = scratch_create_tables(&session, golden->context) &&
                golden_file_load_data(&golden->file, golden->context, &session, one->query);
    if (good) {
        const OrmcTranslation *translation;
        OrmcHost host = session_host(&session);
        session_ended(&session,
                      ormc_context_run_text(golden->context, &host, "query", text.data, text.length, &translation));
        write_rows(out, &session);
    } else {
        fprintf(stderr, "ormc: %s:%d: the data can't be loaded: %s\n", golden->file.path,
                golden->file.blocks[one->query].line, session.message);
        golden->status = 3;
    }
    scratch_close(&session);
    return good;
}

static void check_rows(Golden *golden, const Case *one, const OrmcBlock *block) {
    for (int i = -1; i < golden->options->databases.count; i++) {
        const char *url = i < 0 ? "sqlite://" : golden->options->databases.items[i];
        Text out = {0};
        text_append(&out, "", 0);
        bool ran = run_case(golden, one, url, &out);
        if (ran && i < 0) check(golden, block, out.data, false);
        else if (ran) {
            Text wanted = {0};
            text_take(&wanted, block->content);
            char *shown = url_shown(url);
            if (strcmp(wanted.data, out.data) != 0) report(golden, block, shown, wanted.data, out.data);
            free(shown);
            free(wanted.data);
        }
        free(out.data);
    }
}

/* ---- cases ---- */

static void check_sql(Golden *golden, const Case *one, const OrmcBlock *block) {
    Text first = {0};
    for (int d = 0; d < DIALECT_COUNT; d++) {
        if (!block_covers(block, dialects[d]) || !dialect_wanted(golden->options, dialects[d])) continue;
        const OrmcTranslation *translation = translate(golden, one, dialects[d]);
        if (!translation) break;
        Text out = {0};
        text_append(&out, "", 0);
        golden_write_sql(&out, translation);
        if (!first.data) {
            check(golden, block, out.data, true);
            text_append(&first, out.data, out.length);
        } else if (!same_text(first.data, out.data, true)) {
            report(golden, block, dialects[d], first.data, out.data);
        }
        free(out.data);
    }
    free(first.data);
}

/* What --update adds stands behind this block. */
static void copy_through(Golden *golden, const OrmcBlock *block) {
    size_t fence_end = block->end + strcspn(golden->file.text + block->end, "\n");
    text_append(&golden->rewritten, golden->file.text + golden->copied, fence_end - golden->copied);
    golden->copied = fence_end;
}

/* Diagnostics count even where no block expects them: --update adds one behind the case's others. */
static void check_diagnostics(Golden *golden, const Case *one, const OrmcBlock *block) {
    const OrmcTranslation *translation = translate(golden, one, one->dialect);
    if (!translation) return;
    Text out = {0};
    text_take(&out, ormc_translation_render_diagnostics(translation, false));
    if (block) {
        check(golden, block, out.data, false);
    } else if (out.length && golden->options->update) {
        copy_through(golden, &golden->file.blocks[one->end - 1]);
        text_add(&golden->rewritten, "\n\n```diagnostics\n%s```", out.data);
        golden->differences++;
    } else if (out.length) {
        report(golden, &golden->file.blocks[one->query], "diagnostics", "", out.data);
    }
    free(out.data);
}

static Text diagnostics_of(Golden *golden, const Case *one, const char *dialect) {
    Text out = {0};
    text_append(&out, "", 0);
    const OrmcTranslation *translation = translate(golden, one, dialect);
    if (translation) text_take(&out, ormc_translation_render_diagnostics(translation, false));
    return out;
}

/* False: the block is for certain dialects (```diagnostics sqlite), and not for the case's own. */
static bool check_diagnostics_block(Golden *golden, const Case *one, const OrmcBlock *block) {
    bool named = false, own = false;
    Text first = {0};
    for (int d = 0; d < DIALECT_COUNT; d++) {
        if (!block_names(block, dialects[d])) continue;
        named = true;
        own = own || strcmp(dialects[d], one->dialect) == 0;
        if (!dialect_wanted(golden->options, dialects[d])) continue;
        Text out = diagnostics_of(golden, one, dialects[d]);
        if (!first.data) check(golden, block, out.data, false);
        else if (strcmp(first.data, out.data) != 0) report(golden, block, dialects[d], first.data, out.data);
        if (first.data) free(out.data);
        else first = out;
    }
    free(first.data);
    if (!named) check_diagnostics(golden, one, block);
    return own || !named;
}

/* What a new case's dialects say: plain where it is what the first says, else with the dialects' names. */
static void add_diagnostics(Golden *golden, const Text *said) {
    bool done[DIALECT_COUNT] = {false};
    for (int d = 0; d < DIALECT_COUNT; d++) {
        if (done[d] || !said[d].length) continue;
        Text names = {0};
        text_append(&names, "", 0);
        for (int e = d; e < DIALECT_COUNT; e++) {
            if (done[e] || strcmp(said[d].data, said[e].data) != 0) continue;
            done[e] = true;
            text_add(&names, " %s", dialects[e]);
        }
        text_add(&golden->rewritten, "\n\n```diagnostics%s\n%s```", d ? names.data : "", said[d].data);
        free(names.data);
    }
}

/* Blocks for a case that has none yet: the SQL of each dialect, joined where they agree, then the parameters. */
static void add_blocks(Golden *golden, const Case *one) {
    Text sql[DIALECT_COUNT] = {0}, params = {0}, said[DIALECT_COUNT] = {0};
    for (int d = 0; d < DIALECT_COUNT; d++) {
        const OrmcTranslation *translation = translate(golden, one, dialects[d]);
        text_append(&sql[d], "", 0);
        text_append(&said[d], "", 0);
        if (!translation) continue;
        golden_write_sql(&sql[d], translation);
        if (d == 0) golden_write_params(&params, translation);
        text_take(&said[d], ormc_translation_render_diagnostics(translation, false));
    }
    copy_through(golden, &golden->file.blocks[one->query]);
    bool done[DIALECT_COUNT] = {false};
    for (int d = 0; d < DIALECT_COUNT; d++) {
        if (done[d] || !sql[d].length) continue;
        int same = 0;
        Text names = {0};
        text_append(&names, "", 0);
        for (int e = d; e < DIALECT_COUNT; e++) {
            if (done[e] || strcmp(sql[d].data, sql[e].data) != 0) continue;
            done[e] = true;
            same++;
            text_add(&names, " %s", dialects[e]);
        }
        text_add(&golden->rewritten, "\n\n```sql%s\n%s```", same == DIALECT_COUNT ? " all" : names.data, sql[d].data);
        if (d == 0 && params.length) text_add(&golden->rewritten, "\n\n```params\n%s```", params.data);
        free(names.data);
    }
    add_diagnostics(golden, said);
    for (int d = 0; d < DIALECT_COUNT; d++) {
        free(sql[d].data);
        free(said[d].data);
    }
    free(params.data);
    golden->differences++;
}

static void check_case(Golden *golden, Case *one) {
    bool diagnosed = false;
    one->dialect = NULL;
    for (int i = one->query + 1; i < one->end && !one->dialect; i++)
        for (int d = 0; d < DIALECT_COUNT && !one->dialect; d++)
            if (block_covers(&golden->file.blocks[i], dialects[d])) one->dialect = dialects[d];
    bool expected = one->dialect != NULL;
    if (!one->dialect) one->dialect = dialects[0];
    const char *params_dialect = one->dialect;
    for (int i = one->query + 1; i < one->end; i++) {
        const OrmcBlock *block = &golden->file.blocks[i];
        if (block_is(block, "sql", NULL) && !block_word_is(block, 1, "data")) {
            for (int d = 0; d < DIALECT_COUNT; d++)
                if (block_covers(block, dialects[d])) {
                    params_dialect = dialects[d];
                    break;
                }
            check_sql(golden, one, block);
        } else if (block_is(block, "params", NULL)) {
            const OrmcTranslation *translation = translate(golden, one, params_dialect);
            Text out = {0};
            text_append(&out, "", 0);
            if (translation) golden_write_params(&out, translation);
            if (translation) check(golden, block, out.data, false);
            free(out.data);
        } else if (block_is(block, "rows", NULL)) {
            check_rows(golden, one, block);
        } else if (block_is(block, "diagnostics", NULL)) {
            if (check_diagnostics_block(golden, one, block)) diagnosed = true;
        } else {
            continue;
        }
        expected = true;
    }
    if (!expected && golden->options->update) add_blocks(golden, one);
    else if (!diagnosed) check_diagnostics(golden, one, NULL);
}

/* ---- files ---- */

static bool golden_open(Golden *golden, const char *path) {
    if (!golden_file_open(&golden->file, path)) {
        golden->status = 2;
        return false;
    }
    OrmcOptions settings = {.size = sizeof settings, .referenced_tables = true};
    golden->context = context_open(golden->options, &settings, false, &golden->status);
    if (golden->context) golden_file_add_models(&golden->file, golden->context);
    return golden->context != NULL;
}

static void golden_save(Golden *golden) {
    if (!golden->options->update || !golden->differences || golden->status >= 2) return;
    text_append(&golden->rewritten, golden->file.text + golden->copied, golden->file.length - golden->copied);
    if (!file_save(golden->file.path, golden->rewritten.data, golden->rewritten.length))
        golden->status = usage_error("can't write '%s': %s", golden->file.path, strerror(errno));
    else printf("%s: updated\n", golden->file.path);
}

static int golden_check_file(const Options *options, const char *path) {
    Golden golden = {.options = options};
    if (golden_open(&golden, path)) {
        int cases = 0;
        for (int i = 0; i < golden.file.block_count && golden.status < 2; i++) {
            if (!block_is_query(&golden.file.blocks[i])) continue;
            Case one = {.query = i, .end = i + 1};
            while (one.end < golden.file.block_count && !block_is_query(&golden.file.blocks[one.end])) one.end++;
            check_case(&golden, &one);
            cases++;
        }
        if (!cases) fprintf(stderr, "ormc: '%s' has no case: a case is a ```python block\n", path);
        golden_save(&golden);
    }
    golden_file_close(&golden.file);
    free(golden.rewritten.data);
    ormc_context_destroy(golden.context);
    return golden.status;
}

int command_golden(const Options *options) {
    int status = 0;
    if (!options->files.count) return usage_error("no golden file: give FILE.md…; see 'ormc help golden'");
    for (int i = 0; i < options->files.count; i++) {
        int one = golden_check_file(options, options->files.items[i]);
        if (one > status) status = one;
    }
    return status;
}
