/*
 * Files and directories. In: a path. Out: text or names in an arena; a reason where it fails. Nothing
 * of the kind is done anywhere else in the compiler.
 */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "compiler/context.h"

bool file_is_directory(const char *path) {
    struct stat status;
    return stat(path, &status) == 0 && S_ISDIR(status.st_mode);
}

bool file_exists(const char *path) {
    struct stat status;
    return stat(path, &status) == 0 && S_ISREG(status.st_mode);
}

/* The text is made complete before the file is closed, or the file is closed before memory runs out: the size is asked
 * for first, so that nothing allocates while it is open. */
bool file_read(Arena *arena, const char *path, Slice *text, const char **reason) {
    struct stat status;
    *text = (Slice){"", 0};
    if (stat(path, &status) != 0) return *reason = strerror(errno), false;
    if (S_ISDIR(status.st_mode)) return *reason = "it is a directory", false;
    if (status.st_size > UINT32_MAX / 2) return *reason = "it is too large", false;
    size_t size = (size_t)status.st_size;
    char *data = arena_allocate(arena, size + 1);
    FILE *file = fopen(path, "rb");
    if (!file) return *reason = strerror(errno), false;
    size_t length = fread(data, 1, size, file);
    bool failed = ferror(file);
    fclose(file);
    if (failed) return *reason = "reading failed", false;
    data[length] = '\0';
    *text = (Slice){data, length};
    return true;
}

static int compare_names(const void *a, const void *b) {
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

enum { NAMES_TEXT = 1 << 16 };

/* Entries are copied into one block of fixed size first: the directory is closed before anything may run out. */
FileNames file_list(Arena *arena, const char *path) {
    FileNames names = {0};
    char *text = arena_allocate(arena, NAMES_TEXT);
    size_t used = 0;
    DIR *directory = opendir(path);
    if (!directory) return names;
    for (struct dirent *entry; (entry = readdir(directory));) {
        size_t length = strlen(entry->d_name) + 1;
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0 || used + length > NAMES_TEXT) continue;
        memcpy(text + used, entry->d_name, length);
        used += length;
    }
    closedir(directory);
    for (size_t at = 0; at < used; at += strlen(text + at) + 1)
        ARENA_PUSH(arena, names.items, names.count, names.capacity) = text + at;
    if (names.count) qsort(names.items, (size_t)names.count, sizeof *names.items, compare_names);
    return names;
}
