/*
 * The program's files as modules: their dotted names, and which of them an import means. Input: sources by the names of
 * their files. Output: the source that `import a.b` or `from .b import c` stands for. Invariant: a file in a package
 * (a directory with an __init__.py among the sources) is found by its whole dotted name: shop/utils/string.py is
 * shop.utils.string and never `string`. Example: with shop/__init__.py, `from shop.models import Author` in any file
 * finds src/shop/models.py.
 */
#include <string.h>

#include "compiler/evaluate/internal.h"

void program_split_name(Evaluator *ev, ProgramSource *program) {
    Slice name = program->source->name;
    if (slice_ends_with(name, ".py") || slice_ends_with(name, ".md")) name.length -= 3;
    int capacity = 0;
    for (size_t at = 0; at < name.length;) {
        size_t end = at + slice_find(slice_sub(name, at, name.length), '/');
        Slice part = slice_sub(name, at, end);
        if (part.length && !slice_equals_text(part, ".")) {
            if (slice_equals_text(part, "..") && program->part_count) program->part_count--;
            else ARENA_PUSH(&ev->lasting, program->parts, program->part_count, capacity) = part;
        }
        at = end + 1;
    }
    program->is_package = program->part_count && slice_equals_text(program->parts[program->part_count - 1], "__init__");
}

static int program_directory_count(const ProgramSource *program) {
    return program->part_count ? program->part_count - 1 : 0;
}

static Atom directory_name(Evaluator *ev, const ProgramSource *program, int count) {
    Buffer out;
    buffer_init(&out, &ev->lasting);
    for (int i = 0; i < count; i++) buffer_format(&out, "/%.*s", SLICE_ARGS(program->parts[i]));
    return atom_intern(ev->atoms, buffer_view(&out));
}

/* The last component of the module's dotted name. */
static Slice program_last_part(const ProgramSource *program) {
    int at = program->part_count - 1 - program->is_package;
    return at >= 0 ? program->parts[at] : SLICE("");
}

static bool text_has(Slice text, Slice word) {
    for (size_t at = 0; at + word.length <= text.length; at++) {
        at += slice_find(slice_sub(text, at, text.length), word.start[0]);
        if (at + word.length <= text.length && memcmp(text.start + at, word.start, word.length) == 0) return true;
    }
    return false;
}

/* Which directories are packages, and the files by the last part of their names: again when files have come. */
static void programs_index(Evaluator *ev) {
    if (ev->programs_indexed == ev->program_count) return;
    ev->programs_indexed = ev->program_count;
    ev->changes_path = false;
    AtomMap packages;
    atom_map_init(&packages, &ev->lasting);
    atom_map_init(&ev->programs_by_part, &ev->lasting);
    for (int i = 0; i < ev->program_count; i++) {
        ProgramSource *program = ev->programs[i];
        if (program->is_package)
            atom_map_set(&packages, directory_name(ev, program, program_directory_count(program)), program);
        ev->changes_path = ev->changes_path || text_has(program->source->text, SLICE("sys.path"));
        Atom last = atom_intern(ev->atoms, program_last_part(program));
        program->same_part = NULL;
        ProgramSource *tail = atom_map_get(&ev->programs_by_part, last);
        while (tail && tail->same_part) tail = tail->same_part;
        if (tail) tail->same_part = program;
        else atom_map_set(&ev->programs_by_part, last, program);
    }
    for (int i = 0; i < ev->program_count; i++) {
        ProgramSource *program = ev->programs[i];
        program->top = program_directory_count(program);
        while (program->top && atom_map_get(&packages, directory_name(ev, program, program->top))) program->top--;
    }
}

Slice program_label(const ProgramSource *program) {
    if (program->label.length) return program->label;
    int directory = program->part_count - 2;
    return directory >= 0 ? program->parts[directory] : SLICE("");
}

/* Below its package, or at least with the directory that holds the file. */
Slice program_module_name(Evaluator *ev, const ProgramSource *program) {
    programs_index(ev);
    if (program->label.length && program->part_count)
        return slice_format(ev->arena, "%.*s.%.*s", SLICE_ARGS(program->label),
                            SLICE_ARGS(program->parts[program->part_count - 1]));
    Buffer out;
    buffer_init(&out, ev->arena);
    int count = program->part_count - program->is_package, first = count > 2 ? count - 2 : 0;
    if (program->top < first) first = program->top;
    for (int i = first; i < count; i++)
        buffer_format(&out, "%s%.*s", out.length ? "." : "", SLICE_ARGS(program->parts[i]));
    return out.length ? buffer_view(&out) : SLICE("__main__");
}

/* ---- which file an import means ---- */

static bool parts_end_with(const ProgramSource *program, const Slice *parts, int count) {
    int have = program->part_count;
    if (program->is_package) have--; /* __init__ */
    if (count > have) return false;
    for (int i = 0; i < count; i++)
        if (!slice_equals(program->parts[have - count + i], parts[i])) return false;
    return true;
}

static int split_dotted(Evaluator *ev, Slice dotted, Slice **out) {
    int count = 0, capacity = 0;
    *out = NULL;
    for (size_t at = 0; at <= dotted.length;) {
        size_t end = at + slice_find(slice_sub(dotted, at, dotted.length), '.');
        if (end > at) ARENA_PUSH(ev->arena, *out, count, capacity) = slice_sub(dotted, at, end);
        at = end + 1;
    }
    return count;
}

/* How many leading components two sources share: the nearer neighbour wins. */
static int parts_shared(const ProgramSource *a, const ProgramSource *b) {
    int shared = 0;
    while (a && b && shared < a->part_count && shared < b->part_count &&
           slice_equals(a->parts[shared], b->parts[shared]))
        shared++;
    return shared;
}

/* How well a file fits an absolute import; -1: not at all. */
static int program_fits(const Evaluator *ev, const ProgramSource *program, const ProgramSource *from,
                        const Slice *parts, int count) {
    enum { WHOLE_NAME = 1000, EACH_PART = 100 };
    if (!count || !parts_end_with(program, parts, count)) return -1;
    int above = program->part_count - program->is_package - count;
    /* inside a package: only where the program adds directories to the path itself, and then not as a bare name */
    if (above > program->top && (count == 1 || !ev->changes_path)) return -1;
    return (above > program->top ? 0 : WHOLE_NAME) + EACH_PART * count + parts_shared(program, from);
}

/* `from LABEL.models import …` */
static ProgramSource *program_labelled(const Evaluator *ev, const Slice *parts, int count) {
    if (count < 2 || !slice_equals_text(parts[count - 1], "models")) return NULL;
    for (int i = 0; i < ev->program_count; i++) {
        ProgramSource *program = ev->programs[i];
        if (program->role == SOURCE_MODELS && program->label.length && slice_equals(parts[count - 2], program->label))
            return program;
    }
    return NULL;
}

ProgramSource *program_find(Evaluator *ev, Slice dotted, const ProgramSource *from) {
    programs_index(ev);
    Slice *parts;
    int count = split_dotted(ev, dotted, &parts), best_score = -1;
    if (!count) return NULL;
    ProgramSource *best = program_labelled(ev, parts, count);
    if (best) return best;
    ProgramSource *program = atom_map_get(&ev->programs_by_part, atom_intern(ev->atoms, parts[count - 1]));
    for (; program; program = program->same_part) {
        int score = program_fits(ev, program, from, parts, count);
        if (score > best_score) best = program, best_score = score;
    }
    return best;
}

/* `from .x import y`: by the directory of the importing file; `.models` else means the labelled models. */
ProgramSource *program_find_relative(Evaluator *ev, const ProgramSource *from, int level, Slice name) {
    Slice *names;
    int count = split_dotted(ev, name, &names), base = from->part_count - level;
    if (base < 0) base = 0;
    for (int i = 0; i < ev->program_count; i++) {
        ProgramSource *program = ev->programs[i];
        int have = program->part_count - program->is_package;
        if (have != base + count) continue;
        bool same = true;
        for (int j = 0; j < have && same; j++)
            same = slice_equals(program->parts[j], j < base ? from->parts[j] : names[j - base]);
        if (same) return program;
    }
    if (!count || !slice_equals_text(names[count - 1], "models")) return NULL;
    ProgramSource *found = NULL;
    for (int i = 0; i < ev->program_count; i++)
        if (ev->programs[i]->role == SOURCE_MODELS &&
            (!found || (count > 1 && slice_equals(ev->programs[i]->label, names[count - 2]))))
            found = ev->programs[i];
    return found;
}
