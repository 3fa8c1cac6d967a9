/*
 * ormc sql --golden DIR: one golden file a source file, so that a change of SQL shows up in review.
 *
 * In: source files, or directories that hold them. Out: DIR/<path>.md written where it is missing (or
 * with --update), else compared and a unified diff printed. Lines of the source are not part of the
 * file: an edit that changes no query changes no golden file.
 */
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "cli/golden.h"

typedef struct Project {
    const Options *options;
    Strings files;
    int written, checked, differences, status;
} Project;

static bool is_directory(const char *path) {
    struct stat status;
    return stat(path, &status) == 0 && S_ISDIR(status.st_mode);
}

static int compare_names(const void *a, const void *b) {
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* The .py files below a path, in order of their names. */
static void find_files(Project *project, const char *path, int depth) {
    enum { DEPTH_LIMIT = 20 };
    if (!is_directory(path)) {
        Text copy = {0};
        text_add(&copy, "%s", path);
        strings_add(&project->files, copy.data);
        return;
    }
    DIR *directory = opendir(path);
    Strings names = {0};
    for (struct dirent *entry; directory && depth < DEPTH_LIMIT && (entry = readdir(directory));) {
        size_t length = strlen(entry->d_name);
        Text inner = {0};
        text_add(&inner, "%s%s%s", path, path[strlen(path) - 1] == '/' ? "" : "/", entry->d_name);
        bool wanted = entry->d_name[0] != '.' &&
                      (is_directory(inner.data) || (length > 3 && strcmp(entry->d_name + length - 3, ".py") == 0));
        if (wanted) strings_add(&names, inner.data);
        else free(inner.data);
    }
    if (directory) closedir(directory);
    if (names.count) qsort(names.items, (size_t)names.count, sizeof *names.items, compare_names);
    for (int i = 0; i < names.count; i++) {
        find_files(project, names.items[i], depth + 1);
        free((char *)names.items[i]);
    }
    free(names.items);
}

/* ---- content ---- */

static void write_query(Text *out, const OrmcTranslation *translation, const OrmcQuery *query) {
    text_add(out, "\n## ");
    if (query->function.length) text_take(out, query->function);
    else text_add(out, "module");
    text_add(out, "\n\n```python\n");
    text_take(out, query->source);
    text_add(out, "\n```\n");
    text_add(out, "\n```sql %s\n", query->dialect);
    bool has_params = false;
    for (int i = 0; i < query->statement_count; i++) {
        text_take(out, query->statements[i].sql);
        text_add(out, ";\n");
        has_params |= query->statements[i].param_count > 0;
    }
    text_add(out, "```\n");
    if (!has_params) return;
    text_add(out, "\n```params\n");
    for (int i = 0; i < query->statement_count; i++)
        for (int j = 0; j < query->statements[i].param_count; j++) {
            text_add(out, "$%d = ", j + 1);
            text_take(out, ormc_translation_param_text(translation, &query->statements[i].params[j]));
            text_add(out, "\n");
        }
    text_add(out, "```\n");
}

/* False: the file can't be translated at all. */
static bool write_content(Project *project, const char *path, Text *out) {
    Options options = *project->options;
    options.files = (Strings){0};
    strings_add(&options.files, path);
    OrmcOptions settings = {.size = sizeof settings};
    OrmcContext *context = context_open(&options, &settings, true, &project->status);
    free(options.files.items);
    if (!context) return false;
    text_add(out, "# %s\n", path);
    bool any = false;
    for (int d = 0; d < (options.dialects.count ? options.dialects.count : 1); d++) {
        const OrmcTranslation *translation;
        ormc_context_set_dialect(context, options.dialects.count ? options.dialects.items[d] : NULL);
        ormc_context_translate_files(context, &translation);
        if (!translation) break;
        for (int i = 0; i < ormc_translation_query_count(translation); i++, any = true)
            write_query(out, translation, ormc_translation_query(translation, i));
        OrmcText diagnostics = ormc_translation_render_diagnostics(translation, false);
        if (diagnostics.length) {
            text_add(out, "\n```diagnostics\n");
            text_take(out, diagnostics);
            text_add(out, "```\n");
            any = true;
        }
    }
    ormc_context_destroy(context);
    if (!any) out->length = 0;
    return true;
}

/* ---- files ---- */

static void make_directories(const char *path) {
    Text at = {0};
    for (const char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        at.length = 0;
        text_append(&at, path, (size_t)(slash - path));
        mkdir(at.data, 0777);
    }
    free(at.data);
}

static void save(Project *project, const char *path, const Text *content) {
    make_directories(path);
    if (!file_save(path, content->data, content->length))
        project->status = usage_error("can't write '%s': %s", path, strerror(errno));
    else printf("%s: written\n", path);
    project->written++;
}

static void check_file(Project *project, const char *path) {
    Text content = {0}, name = {0};
    const char *plain = path;
    while (strncmp(plain, "./", 2) == 0 || strncmp(plain, "../", 3) == 0) plain += plain[1] == '/' ? 2 : 3;
    text_add(&name, "%s/%s.md", project->options->golden, plain + (*plain == '/'));
    if (write_content(project, path, &content)) {
        size_t length;
        char *there = file_load(name.data, &length);
        if (there && strcmp(there, content.length ? content.data : "") == 0) {
            project->checked++;
        } else if (content.length && (!there || project->options->update)) {
            save(project, name.data, &content);
        } else if (there) {
            Text diff = {0};
            text_append(&diff, "", 0);
            diff_write(&diff, there, content.length ? content.data : "");
            printf("--- %s\n+++ %s\n%s", name.data, path, diff.data);
            free(diff.data);
            project->differences++;
        }
        free(there);
    }
    free(content.data);
    free(name.data);
}

int golden_project(const Options *options) {
    Project project = {.options = options};
    if (options->expressions.count) return usage_error("--golden takes files and directories, no -e");
    for (int i = 0; i < options->files.count; i++) find_files(&project, options->files.items[i], 0);
    for (int i = 0; i < project.files.count && project.status < 2; i++) check_file(&project, project.files.items[i]);
    for (int i = 0; i < project.files.count; i++) free((char *)project.files.items[i]);
    free(project.files.items);
    if (project.status) return project.status;
    return project.differences ? 1 : 0;
}
