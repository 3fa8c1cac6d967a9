/*
 * A golden file: Markdown with fenced blocks, whose info strings say what they are. In: a path. Out: the blocks; the
 * models in a context, the data in a session. Example: "```sql data" before a "```python" block is loaded for its case.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cli/golden.h"

bool block_word_is(const OrmcBlock *block, int index, const char *word) {
    const char *at = block->info.data, *end = at + block->info.length;
    for (int i = 0;; i++) {
        while (at < end && *at == ' ') at++;
        const char *start = at;
        while (at < end && *at != ' ') at++;
        if (start == at) return false;
        if (i == index) return (size_t)(at - start) == strlen(word) && memcmp(start, word, strlen(word)) == 0;
    }
}

bool block_is(const OrmcBlock *block, const char *first, const char *second) {
    return block_word_is(block, 0, first) && (!second || block_word_is(block, 1, second));
}

bool block_is_query(const OrmcBlock *block) {
    return block_is(block, "python", NULL) && !block_word_is(block, 1, "models") && !block_word_is(block, 1, "data");
}

bool golden_file_open(GoldenFile *file, const char *path) {
    *file = (GoldenFile){.path = path};
    file->text = file_load(path, &file->length);
    if (!file->text) {
        usage_error("can't read '%s': %s", path, strerror(errno));
        return false;
    }
    file->reader = memory_need(ormc_context_create(NULL));
    ormc_context_read_blocks(file->reader, file->text, file->length, &file->blocks, &file->block_count);
    return true;
}

void golden_file_close(GoldenFile *file) {
    free(file->text);
    ormc_context_destroy(file->reader);
    *file = (GoldenFile){0};
}

void golden_file_add_models(const GoldenFile *file, OrmcContext *context) {
    for (int i = 0; i < file->block_count; i++) {
        const OrmcBlock *block = &file->blocks[i];
        if (!block_is(block, "python", "models")) continue;
        Text label = {0}, name = {0};
        text_append(&label, block->info.data, block->info.length);
        const char *third = label.data + strspn(label.data, " ") + strlen("python");
        third += strspn(third, " ") + strlen("models");
        third += strspn(third, " ");
        text_add(&name, "%s:%d", file->path, block->line);
        ormc_context_add_models_text(context, *third ? third : NULL, name.data, block->content.data,
                                     block->content.length);
        free(label.data);
        free(name.data);
    }
}

bool golden_file_covers(const GoldenFile *file, int query, const char *dialect) {
    enum { WORDS = 5 }; /* sql, and the four dialects */
    for (int i = query + 1; i < file->block_count && !block_is_query(&file->blocks[i]); i++)
        for (int word = 1; word < WORDS && block_is(&file->blocks[i], "sql", NULL); word++)
            if (block_word_is(&file->blocks[i], word, dialect) || block_word_is(&file->blocks[i], word, "all"))
                return true;
    return false;
}

static bool block_is_data(const OrmcBlock *block) {
    return block_is(block, "sql", "data") || block_is(block, "python", "data");
}

int golden_file_data_count(const GoldenFile *file, int query) {
    int count = 0;
    for (int i = 0; i < query; i++) count += block_is_data(&file->blocks[i]);
    return count;
}

bool golden_file_load_data(const GoldenFile *file, OrmcContext *context, Session *session, int query) {
    OrmcHost host = session_host(session);
    for (int i = 0; i < query; i++) {
        const OrmcBlock *block = &file->blocks[i];
        const OrmcTranslation *translation;
        if (block_is(block, "sql", "data")) {
            if (!scratch_load_sql(session, block->content.data, block->content.length)) return false;
        } else if (block_is(block, "python", "data")) {
            session_ended(session, ormc_context_run_text(context, &host, "data", block->content.data,
                                                         block->content.length, &translation));
            if (session->failed) return false;
            session_end_transaction(session);
        }
    }
    session_clear(session);
    return true;
}
