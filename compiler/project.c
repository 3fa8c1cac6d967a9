/*
 * The rest of a project: files that the given ones import and that lie beside them on disk.
 *
 * In: the inputs' texts. Out: further inputs with the role of libraries, which the evaluator runs only
 * when they are imported. Import statements are looked for line by line, without parsing, and looked
 * up below the directories that hold the inputs; so a file that imports nothing costs nothing. Example:
 *
 *     shop/views.py holds `from .models import Author` and `from shop.tools import today`
 *       -> shop/models.py and shop/tools.py join
 *
 * A Django project is known by manage.py in a directory above: the settings module that it names joins too.
 */
#include <stdio.h>

#include "compiler/context.h"

enum { PROJECT_FILES_LIMIT = 2000, PROJECT_DEPTH_LIMIT = 8 };

static Slice slice_skip_blanks(Slice text) {
    while (text.length && (text.start[0] == ' ' || text.start[0] == '\t')) text = slice_sub(text, 1, text.length);
    return text;
}

static bool byte_is_of_name(char byte) {
    return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') || (byte >= '0' && byte <= '9') ||
           byte == '_' || (byte & 0x80);
}

/* The dotted name at the start of `text`. */
static Slice slice_take_dotted(Slice text) {
    size_t end = 0;
    while (end < text.length && (byte_is_of_name(text.start[end]) || text.start[end] == '.')) end++;
    return slice_sub(text, 0, end);
}

static Slice path_directory(Slice path) {
    size_t length = path.length;
    while (length && path.start[length - 1] != '/') length--;
    while (length > 1 && path.start[length - 1] == '/') length--;
    return length ? slice_sub(path, 0, length) : SLICE(".");
}

/* The directory above, as a path that works from here. */
static Slice path_above(Arena *arena, Slice directory) {
    bool climbs = slice_equals(directory, SLICE(".")) || slice_ends_with(directory, "..");
    if (climbs) return slice_format(arena, "%.*s/..", SLICE_ARGS(directory));
    return path_directory(directory);
}

static const char *path_join(Arena *arena, Slice directory, Slice name, const char *end) {
    if (slice_equals(directory, SLICE("."))) return slice_format(arena, "%.*s%s%c", SLICE_ARGS(name), end, '\0').start;
    const char *between = slice_ends_with(directory, "/") ? "" : "/";
    return slice_format(arena, "%.*s%s%.*s%s%c", SLICE_ARGS(directory), between, SLICE_ARGS(name), end, '\0').start;
}

static bool project_add(OrmcContext *context, const char *path) {
    Slice text;
    const char *reason;
    if (!file_exists(path) || context->source_count >= PROJECT_FILES_LIMIT) return false;
    if (slice_map_get(&context->source_numbers, slice_from(path))) return true;
    if (!file_read(&context->inputs, path, &text, &reason)) return false;
    input_add(context, slice_from(path), source_decode(&context->inputs, text), SOURCE_LIBRARY, (Slice){"", 0});
    return true;
}

/* `dotted` below `directory`: a module, or a package with its __init__.py. */
static bool project_add_module(OrmcContext *context, Slice directory, Slice dotted) {
    Arena *arena = &context->inputs;
    Slice path = slice_copy(arena, dotted);
    for (size_t i = 0; i < path.length; i++)
        if (path.start[i] == '.') ((char *)path.start)[i] = '/';
    return project_add(context, path_join(arena, directory, path, ".py")) ||
           project_add(context, path_join(arena, directory, path, "/__init__.py"));
}

/* `from .x import a, b`: x, and a and b where they are modules of a package. */
static void project_add_names(OrmcContext *context, Slice directory, Slice package, Slice names) {
    names = slice_skip_blanks(names);
    if (names.length && names.start[0] == '(') names = slice_sub(names, 1, names.length);
    while (names.length) {
        names = slice_skip_blanks(names);
        Slice name = slice_take_dotted(names);
        if (!name.length) return;
        Slice dotted =
            package.length ? slice_format(&context->inputs, "%.*s.%.*s", SLICE_ARGS(package), SLICE_ARGS(name)) : name;
        project_add_module(context, directory, dotted);
        size_t comma = slice_find(names, ',');
        if (comma == names.length) return;
        names = slice_sub(names, comma + 1, names.length);
    }
}

static void project_resolve(OrmcContext *context, const Source *source, Slice dotted, Slice names) {
    Arena *arena = &context->inputs;
    Slice directory = path_directory(source->name);
    if (dotted.length && dotted.start[0] == '.') {
        dotted = slice_sub(dotted, 1, dotted.length);
        while (dotted.length && dotted.start[0] == '.') {
            directory = path_above(arena, directory);
            dotted = slice_sub(dotted, 1, dotted.length);
        }
        if (dotted.length) project_add_module(context, directory, dotted);
        project_add_names(context, directory, dotted, names);
        return;
    }
    for (int depth = 0; depth < PROJECT_DEPTH_LIMIT; depth++) {
        if (project_add_module(context, directory, dotted)) {
            project_add_names(context, directory, dotted, names);
            return;
        }
        bool is_package = file_exists(path_join(arena, directory, SLICE("__init__.py"), ""));
        if (!is_package && depth > 0) return;
        directory = path_above(arena, directory);
    }
}

/* One line of a source, if it is an import. */
static void project_read_line(OrmcContext *context, const Source *source, Slice line) {
    line = slice_skip_blanks(line);
    bool from = slice_starts_with(line, "from ");
    if (!from && !slice_starts_with(line, "import ")) return;
    line = slice_skip_blanks(slice_sub(line, from ? 5 : 7, line.length));
    Slice dotted = slice_take_dotted(line);
    Slice rest = slice_skip_blanks(slice_sub(line, dotted.length, line.length));
    Slice names = {"", 0};
    if (from && slice_starts_with(rest, "import ")) names = slice_sub(rest, 7, rest.length);
    if (dotted.length) project_resolve(context, source, dotted, names);
}

/* The text between the quotes that follow `"DJANGO_SETTINGS_MODULE",` in manage.py. */
static Slice manage_settings(Slice text) {
    static const char mark[] = "DJANGO_SETTINGS_MODULE";
    for (size_t at = 0; at + sizeof mark < text.length; at++) {
        if (memcmp(text.start + at, mark, sizeof mark - 1) != 0) continue;
        Slice rest = slice_sub(text, at + sizeof mark, text.length);
        for (size_t i = 0; i < rest.length && rest.start[i] != '\n'; i++)
            if (rest.start[i] == '"' || rest.start[i] == '\'')
                return slice_take_dotted(slice_sub(rest, i + 1, rest.length));
    }
    return (Slice){"", 0};
}

static void project_find_settings(OrmcContext *context, const Source *source) {
    Arena *arena = &context->inputs;
    Slice directory = path_directory(source->name);
    for (int depth = 0; depth < PROJECT_DEPTH_LIMIT / 2; depth++, directory = path_above(arena, directory)) {
        const char *manage = path_join(arena, directory, SLICE("manage.py"), "");
        Slice text;
        const char *reason;
        if (!file_exists(manage) || !file_read(arena, manage, &text, &reason)) continue;
        Slice settings = manage_settings(text);
        if (settings.length) project_add_module(context, directory, settings);
        return;
    }
}

static bool source_is_on_disk(const Source *source) {
    return source->name.length && source->name.start[0] != '<' && !slice_equals(source->name, SLICE("-"));
}

void project_find_imports(OrmcContext *context) {
    for (int i = 0; i < context->source_count; i++) {
        const Source *source = context->sources[i].source;
        if (!source_is_on_disk(source)) continue;
        if (context->sources[i].role != SOURCE_LIBRARY) project_find_settings(context, source);
        for (size_t at = 0; at < source->text.length;) {
            size_t end = at + slice_find(slice_sub(source->text, at, source->text.length), '\n');
            project_read_line(context, source, slice_sub(source->text, at, end));
            at = end + 1;
        }
    }
}
