/*
 * Regular expressions in Python's syntax, for REGEXP.
 *
 * A pattern becomes a program for a backtracking machine (a stack of alternatives, no recursion but for look-around):
 *
 *     a(b|c)*$  →  CHAR a · EMPTY 4 · SPLIT … · SAVE 2 · SPLIT · CHAR b · JUMP · CHAR c · SAVE 3 · … · END · MATCH
 *
 * Known: literals, escapes, classes, groups (capturing, (?:), (?P<name>), look-ahead, look-behind, (?i) (?m) (?s)
 * (?x)), back references, greedy and lazy repeats. Text is UTF-8. Work and size of a program are limited.
 */
#include <stdlib.h>
#include <string.h>

#include "backends/sqlite/executor_parts.h"

enum { REGEX_PROGRAM = 20000, REGEX_DEPTH = 1000, REGEX_GROUPS = 100, REGEX_SLOTS = 512, REGEX_STACK = 4000000 };
static const long regex_work = 20000000;

typedef enum Operation {
    OP_CHAR,
    OP_ANY,
    OP_SET,
    OP_SPLIT, /* first a, then b */
    OP_JUMP,
    OP_SAVE,
    OP_EMPTY, /* slot a: where this round of a loop began */
    OP_ROUND, /* go on at b, unless the round was empty */
    OP_LINE_START,
    OP_LINE_END,
    OP_TEXT_START,
    OP_TEXT_END,
    OP_WORD_EDGE,
    OP_NO_WORD_EDGE,
    OP_BACK,
    OP_LOOK, /* a: 1 negated, 2 behind; b: where it goes on; the inner program follows, ended by MATCH */
    OP_MATCH
} Operation;

typedef struct Instruction {
    unsigned char operation, flags;
    int a, b;
} Instruction;

enum { FLAG_IGNORE_CASE = 1, FLAG_MULTILINE = 2, FLAG_DOT_ALL = 4, FLAG_VERBOSE = 8 };

/* A member of a class: a range, or an escape (`kind`). */
typedef struct SetItem {
    char kind; /* 0: range; d D w W s S; '^' first: the class is negated; '.' ends the class */
    int from, to;
} SetItem;

struct Regex {
    Instruction *program;
    SetItem *items;
    int count, capacity, item_count, item_capacity;
    int groups, slots;
};

typedef struct Parser {
    Regex *regex;
    const char *at, *end;
    const char *why;
    unsigned flags;
    int depth, copies;
    struct {
        const char *start;
        size_t length;
        int group;
    } names[REGEX_GROUPS];
    int name_count;
} Parser;

/* ---- characters */

static int character_at(const char *text, const char *end, size_t *size) {
    const unsigned char *p = (const unsigned char *)text;
    size_t left = (size_t)(end - text);
    if (p[0] >= 0xF0 && left >= 4)
        return *size = 4, (p[0] & 7) << 18 | (p[1] & 63) << 12 | (p[2] & 63) << 6 | (p[3] & 63);
    if (p[0] >= 0xE0 && left >= 3) return *size = 3, (p[0] & 15) << 12 | (p[1] & 63) << 6 | (p[2] & 63);
    if (p[0] >= 0xC0 && left >= 2) return *size = 2, (p[0] & 31) << 6 | (p[1] & 63);
    return *size = 1, p[0];
}

static int character_before(const char *text, const char *start) {
    const char *p = text - 1;
    while (p > start && ((unsigned char)*p & 0xC0) == 0x80) p--;
    size_t size;
    return character_at(p, text, &size);
}

/* Simple lower case of the alphabets that have it in regular blocks. */
static int fold(int c) {
    if (c < 0x80) return c >= 'A' && c <= 'Z' ? c + 32 : c;
    if ((c >= 0xC0 && c <= 0xDE && c != 0xD7) || (c >= 0x391 && c <= 0x3A9) || (c >= 0x410 && c <= 0x42F))
        return c + 32;
    if (c >= 0x400 && c <= 0x40F) return c + 80;
    if ((c >= 0x100 && c <= 0x137) || (c >= 0x14A && c <= 0x177) || (c >= 0x460 && c <= 0x4BF) ||
        (c >= 0x1E00 && c <= 0x1EFF))
        return c | 1;
    if ((c >= 0x139 && c <= 0x148) || (c >= 0x179 && c <= 0x17E)) return c + (c & 1);
    return c;
}

static bool is_digit(int c) {
    return (c >= '0' && c <= '9') || (c >= 0x660 && c <= 0x669) || (c >= 0x966 && c <= 0x96F);
}
static bool is_space(int c) {
    return (c >= 9 && c <= 13) || (c >= 28 && c <= 32) || c == 0x85 || c == 0xA0 || c == 0x1680 ||
           (c >= 0x2000 && c <= 0x200A) || c == 0x2028 || c == 0x2029 || c == 0x202F || c == 0x205F || c == 0x3000;
}
static bool is_word(int c) {
    if (c < 0x80) return is_digit(c) || c == '_' || (fold(c) >= 'a' && fold(c) <= 'z');
    if (c < 0xC0)
        return c == 0xAA || c == 0xB5 || c == 0xBA || (c >= 0xB2 && c <= 0xB3) || c == 0xB9 || (c >= 0xBC && c <= 0xBE);
    return !is_space(c) && c != 0xD7 && c != 0xF7 && !(c >= 0x2000 && c <= 0x2BFF) && !(c >= 0x3000 && c <= 0x303F) &&
           !(c >= 0xFE00 && c <= 0xFE0F) && !(c >= 0x1F000 && c <= 0x1FAFF);
}

static bool kind_holds(char kind, int c) {
    switch (kind) {
    case 'd': return is_digit(c);
    case 'D': return !is_digit(c);
    case 'w': return is_word(c);
    case 'W': return !is_word(c);
    case 's': return is_space(c);
    default: return !is_space(c);
    }
}

static bool set_holds_exactly(const SetItem *item, int c) {
    for (; item->kind != '.'; item++)
        if (item->kind ? kind_holds(item->kind, c) : c >= item->from && c <= item->to) return true;
    return false;
}

static bool set_holds(const SetItem *item, int c, bool ignore_case) {
    bool negated = item->kind == '^';
    item += negated;
    bool holds = set_holds_exactly(item, c);
    if (!holds && ignore_case) {
        int lower = fold(c);
        holds = set_holds_exactly(item, lower);
        for (int other = lower - 80; !holds && other < lower; other++)
            holds = other > 0 && fold(other) == lower && set_holds_exactly(item, other);
    }
    return holds != negated;
}

/* ---- compiling */

static int emit(Parser *parser, Operation operation, int a, int b) {
    Regex *regex = parser->regex;
    if (regex->count == regex->capacity) {
        int capacity = regex->capacity ? regex->capacity * 2 : 64;
        Instruction *larger =
            capacity <= REGEX_PROGRAM * 2 ? realloc(regex->program, (size_t)capacity * sizeof *larger) : NULL;
        if (!larger) {
            if (!parser->why) parser->why = "the regular expression is too large";
            return 0;
        }
        regex->program = larger;
        regex->capacity = capacity;
    }
    regex->program[regex->count] =
        (Instruction){.operation = (unsigned char)operation, .flags = (unsigned char)parser->flags, .a = a, .b = b};
    return regex->count++;
}

static void insert(Parser *parser, int at, Operation operation, int a, int b) {
    emit(parser, operation, a, b);
    if (parser->why) return;
    Instruction *program = parser->regex->program;
    Instruction inserted = program[parser->regex->count - 1];
    memmove(program + at + 1, program + at, (size_t)(parser->regex->count - 1 - at) * sizeof *program);
    program[at] = inserted;
    for (int i = at + 1; i < parser->regex->count; i++) {
        unsigned char op = program[i].operation;
        if ((op == OP_SPLIT || op == OP_JUMP) && program[i].a >= at) program[i].a++;
        if ((op == OP_SPLIT || op == OP_ROUND || op == OP_LOOK) && program[i].b >= at) program[i].b++;
    }
}

static void push_item(Parser *parser, char kind, int from, int to) {
    Regex *regex = parser->regex;
    if (regex->item_count == regex->item_capacity) {
        int capacity = regex->item_capacity ? regex->item_capacity * 2 : 32;
        SetItem *larger = capacity <= REGEX_PROGRAM ? realloc(regex->items, (size_t)capacity * sizeof *larger) : NULL;
        if (!larger) {
            parser->why = "the regular expression is too large";
            return;
        }
        regex->items = larger;
        regex->item_capacity = capacity;
    }
    regex->items[regex->item_count++] = (SetItem){.kind = kind, .from = from, .to = to};
}

static int parse_hex(Parser *parser, int digits) {
    int value = 0;
    for (; digits && parser->at < parser->end; digits--) {
        char c = *parser->at;
        int digit = c >= '0' && c <= '9' ? c - '0' : fold(c) >= 'a' && fold(c) <= 'f' ? fold(c) - 'a' + 10 : -1;
        if (digit < 0) break;
        value = value * 16 + digit;
        parser->at++;
    }
    if (digits) parser->why = "incomplete escape";
    return value;
}

static int parse_character(Parser *parser) {
    size_t size;
    int c = character_at(parser->at, parser->end, &size);
    parser->at += size;
    return c;
}

/* After a backslash: the character that the escape stands for. */
static int parse_escape(Parser *parser) {
    int c = parse_character(parser);
    switch (c) {
    case 'n': return '\n';
    case 't': return '\t';
    case 'r': return '\r';
    case 'f': return '\f';
    case 'v': return '\v';
    case 'a': return '\a';
    case '0': return 0;
    case 'x': return parse_hex(parser, 2);
    case 'u': return parse_hex(parser, 4);
    case 'U': return parse_hex(parser, 8);
    default: break;
    }
    if (c < 0x80 && ((fold(c) >= 'a' && fold(c) <= 'z') || is_digit(c))) parser->why = "bad escape";
    return c;
}

/* After "[": the class, up to and with "]". */
static void parse_set(Parser *parser) {
    int start = parser->regex->item_count;
    if (parser->at < parser->end && *parser->at == '^') {
        parser->at++;
        push_item(parser, '^', 0, 0);
    }
    for (bool first = true; !parser->why; first = false) {
        if (parser->at >= parser->end) {
            parser->why = "unterminated character set";
            return;
        }
        if (*parser->at == ']' && !first) break;
        bool escaped = *parser->at == '\\' && parser->at + 1 < parser->end;
        if (escaped) parser->at++;
        if (escaped && strchr("dDwWsS", *parser->at)) {
            push_item(parser, *parser->at++, 0, 0);
            continue;
        }
        int from = escaped && *parser->at == 'b' ? (parser->at++, '\b')
                   : escaped                     ? parse_escape(parser)
                                                 : parse_character(parser);
        int to = from;
        if (parser->end - parser->at >= 2 && parser->at[0] == '-' && parser->at[1] != ']') {
            parser->at++;
            escaped = *parser->at == '\\' && parser->at + 1 < parser->end;
            if (escaped) parser->at++;
            to = escaped ? parse_escape(parser) : parse_character(parser);
            if (to < from) parser->why = "bad character range";
        }
        push_item(parser, 0, from, to);
    }
    parser->at++;
    push_item(parser, '.', 0, 0);
    emit(parser, OP_SET, start, 0);
}

static void parse_alternatives(Parser *parser);

static bool take(Parser *parser, const char *text) {
    size_t length = strlen(text);
    if ((size_t)(parser->end - parser->at) < length || memcmp(parser->at, text, length) != 0) return false;
    parser->at += length;
    return true;
}

static void parse_close(Parser *parser) {
    if (!take(parser, ")") && !parser->why) parser->why = "missing ), unterminated subpattern";
}

static void parse_look(Parser *parser, int kind) {
    int look = emit(parser, OP_LOOK, kind, 0);
    parse_alternatives(parser);
    emit(parser, OP_MATCH, 0, 0);
    if (!parser->why) parser->regex->program[look].b = parser->regex->count;
    parse_close(parser);
}

static void parse_capture(Parser *parser, int group) {
    emit(parser, OP_SAVE, 2 * group, 0);
    parse_alternatives(parser);
    emit(parser, OP_SAVE, 2 * group + 1, 0);
    parse_close(parser);
}

static const char *parse_name(Parser *parser, char closer) {
    const char *start = parser->at;
    while (parser->at < parser->end && *parser->at != closer) parser->at++;
    if (parser->at == parser->end || parser->at == start) parser->why = "bad group name";
    else parser->at++;
    return start;
}

static void parse_back_name(Parser *parser) {
    const char *start = parse_name(parser, ')');
    if (parser->why) return;
    size_t length = (size_t)(parser->at - start - 1);
    for (int i = 0; i < parser->name_count; i++) {
        if (parser->names[i].length != length || memcmp(parser->names[i].start, start, length) != 0) continue;
        emit(parser, OP_BACK, parser->names[i].group, 0);
        return;
    }
    parser->why = "unknown group name";
}

/* After "(?": flags, for the whole pattern ("(?i)") or for a group ("(?i:…)"). */
static void parse_flags(Parser *parser) {
    unsigned before = parser->flags;
    bool off = false;
    for (; parser->at < parser->end && *parser->at != ')' && *parser->at != ':'; parser->at++) {
        const char *letters = "imsxaLu-", *found = strchr(letters, *parser->at);
        if (!found) {
            parser->why = "unknown extension";
            return;
        }
        unsigned flag = found - letters < 4 ? 1u << (found - letters) : 0;
        if (*found == '-') off = true;
        else parser->flags = off ? parser->flags & ~flag : parser->flags | flag;
    }
    if (take(parser, ")")) return;
    if (!take(parser, ":")) {
        parser->why = "missing )";
        return;
    }
    parse_alternatives(parser);
    parse_close(parser);
    parser->flags = before;
}

static int next_group(Parser *parser) {
    if (parser->regex->groups + 1 >= REGEX_GROUPS) parser->why = "too many groups";
    return parser->why ? 0 : ++parser->regex->groups;
}

static void parse_group(Parser *parser) {
    if (!take(parser, "?")) {
        parse_capture(parser, next_group(parser));
    } else if (take(parser, ":")) {
        unsigned before = parser->flags;
        parse_alternatives(parser);
        parser->flags = before;
        parse_close(parser);
    } else if (take(parser, "#")) {
        while (parser->at < parser->end && *parser->at != ')') parser->at++;
        parse_close(parser);
    } else if (take(parser, "=")) {
        parse_look(parser, 0);
    } else if (take(parser, "!")) {
        parse_look(parser, 1);
    } else if (take(parser, "<=")) {
        parse_look(parser, 2);
    } else if (take(parser, "<!")) {
        parse_look(parser, 3);
    } else if (take(parser, "P=")) {
        parse_back_name(parser);
    } else if (take(parser, "P<")) {
        const char *start = parse_name(parser, '>');
        int group = next_group(parser);
        if (parser->why) return;
        parser->names[parser->name_count].start = start;
        parser->names[parser->name_count].length = (size_t)(parser->at - start - 1);
        parser->names[parser->name_count++].group = group;
        parse_capture(parser, group);
    } else {
        parse_flags(parser);
    }
}

static void parse_atom_escape(Parser *parser) {
    if (parser->at >= parser->end) {
        parser->why = "bad escape (end of pattern)";
        return;
    }
    char c = *parser->at;
    if (c && strchr("dDwWsS", c)) {
        parser->at++;
        int start = parser->regex->item_count;
        push_item(parser, c, 0, 0);
        push_item(parser, '.', 0, 0);
        emit(parser, OP_SET, start, 0);
    } else if (c >= '1' && c <= '9') {
        int group = 0;
        while (parser->at < parser->end && group < 10 && *parser->at >= '0' && *parser->at <= '9')
            group = group * 10 + (*parser->at++ - '0');
        if (group > parser->regex->groups) parser->why = "invalid group reference";
        emit(parser, OP_BACK, group, 0);
    } else if (c == 'b' || c == 'B' || c == 'A' || c == 'Z') {
        parser->at++;
        emit(parser,
             c == 'b'   ? OP_WORD_EDGE
             : c == 'B' ? OP_NO_WORD_EDGE
             : c == 'A' ? OP_TEXT_START
                        : OP_TEXT_END,
             0, 0);
    } else {
        emit(parser, OP_CHAR, parse_escape(parser), 0);
    }
}

static void parse_atom(Parser *parser) {
    switch (*parser->at) {
    case '(':
        parser->at++;
        parse_group(parser);
        return;
    case '[':
        parser->at++;
        parse_set(parser);
        return;
    case '.':
        parser->at++;
        emit(parser, OP_ANY, 0, 0);
        return;
    case '^':
        parser->at++;
        emit(parser, OP_LINE_START, 0, 0);
        return;
    case '$':
        parser->at++;
        emit(parser, OP_LINE_END, 0, 0);
        return;
    case '\\':
        parser->at++;
        parse_atom_escape(parser);
        return;
    case '*':
    case '+':
    case '?': parser->why = "nothing to repeat"; return;
    default: emit(parser, OP_CHAR, parse_character(parser), 0); return;
    }
}

/* "{m,n}" and its shorter forms; anything else in braces is literal text. */
static bool parse_braces(Parser *parser, int *least, int *most) {
    const char *p = parser->at + 1;
    int numbers[2] = {0, -1}, which = 0;
    bool digits[2] = {false, false};
    for (; p < parser->end && *p != '}'; p++) {
        if (*p == ',' && which == 0) which = 1;
        else if (*p >= '0' && *p <= '9') {
            if (!digits[which]) numbers[which] = 0;
            digits[which] = true;
            if (numbers[which] < REGEX_PROGRAM) numbers[which] = numbers[which] * 10 + (*p - '0');
        } else return false;
    }
    if (p >= parser->end || (!digits[0] && !digits[1] && which == 0) || p == parser->at + 1) return false;
    *least = numbers[0];
    *most = which == 0 ? numbers[0] : numbers[1];
    parser->at = p + 1;
    if (*most >= 0 && *most < *least) parser->why = "min repeat greater than max repeat";
    return true;
}

static bool parse_quantifier(Parser *parser, int *least, int *most) {
    if (parser->at >= parser->end) return false;
    *least = 0;
    *most = -1;
    switch (*parser->at) {
    case '*': break;
    case '+': *least = 1; break;
    case '?': *most = 1; break;
    case '{': return parse_braces(parser, least, most);
    default: return false;
    }
    parser->at++;
    return true;
}

/* The code from `start` on, made optional (once) or a loop. */
static void emit_optional(Parser *parser, int start, bool lazy) {
    insert(parser, start, OP_SPLIT, start + 1, 0);
    if (parser->why) return;
    Instruction *split = &parser->regex->program[start];
    split->b = parser->regex->count;
    if (lazy) split->a = split->b, split->b = start + 1;
}

/* `once`: the first round is not optional. */
static void emit_loop(Parser *parser, int start, bool lazy, bool once) {
    int slot = 2 * REGEX_GROUPS + parser->regex->slots;
    if (slot + 1 >= REGEX_SLOTS) {
        parser->why = "too many repeats";
        return;
    }
    parser->regex->slots++;
    insert(parser, start, OP_EMPTY, slot, 0);
    if (once) {
        int split = emit(parser, OP_SPLIT, 0, 0);
        emit(parser, OP_ROUND, slot, start);
        if (parser->why) return;
        int round = parser->regex->count - 1, after = parser->regex->count;
        parser->regex->program[split].a = lazy ? after : round;
        parser->regex->program[split].b = lazy ? round : after;
        return;
    }
    emit(parser, OP_ROUND, slot, start);
    emit_optional(parser, start, lazy);
    if (!parser->why) parser->regex->program[parser->regex->count - 1].b = start; /* back to the choice itself */
}

/* An atom with its quantifier; copies of the atom come from reading its text again. */
static void parse_repeat(Parser *parser) {
    const char *text = parser->at;
    int start = parser->regex->count, groups = parser->regex->groups, names = parser->name_count;
    parse_atom(parser);
    int least, most;
    if (parser->why || !parse_quantifier(parser, &least, &most) || parser->why) return;
    bool lazy = take(parser, "?");
    const char *after = parser->at;
    if (after < parser->end && strchr("*+?", *after)) parser->why = "multiple repeat";
    if (!most) {
        parser->regex->count = start;
        parser->regex->groups = groups;
    }
    /* the last of the copies that must be is the loop */
    int copies = most > 0 ? most : most < 0 && least > 1 ? least : !!most;
    for (int copy = 0, from = start; copy < copies && !parser->why; copy++, from = parser->regex->count) {
        if (copy) {
            parser->at = text;
            parser->regex->groups = groups;
            parser->name_count = names;
            parse_atom(parser);
        }
        if (most < 0 && copy == copies - 1) emit_loop(parser, from, lazy, least > 0);
        else if (copy >= least) emit_optional(parser, from, lazy);
        if (parser->regex->count > REGEX_PROGRAM || ++parser->copies > REGEX_PROGRAM)
            parser->why = "the regular expression is too large";
    }
    parser->at = after;
}

static void parse_sequence(Parser *parser) {
    while (!parser->why && parser->at < parser->end && *parser->at != '|' && *parser->at != ')') {
        if (parser->flags & FLAG_VERBOSE && is_space(*parser->at)) {
            parser->at++;
        } else if (parser->flags & FLAG_VERBOSE && *parser->at == '#') {
            while (parser->at < parser->end && *parser->at != '\n') parser->at++;
        } else {
            parse_repeat(parser);
        }
    }
}

static void parse_alternatives(Parser *parser) {
    if (++parser->depth > REGEX_DEPTH) parser->why = "the regular expression is nested too deep";
    int start = parser->regex->count;
    parse_sequence(parser);
    while (!parser->why && take(parser, "|")) {
        insert(parser, start, OP_SPLIT, start + 1, 0);
        int jump = emit(parser, OP_JUMP, 0, 0);
        if (parser->why) break;
        parser->regex->program[start].b = parser->regex->count;
        start = parser->regex->count;
        parse_alternatives(parser);
        if (!parser->why) parser->regex->program[jump].a = parser->regex->count;
    }
    parser->depth--;
}

Regex *regex_compile(const char *pattern, size_t length, const char **why) {
    Parser parser = {.regex = calloc(1, sizeof(Regex)), .at = pattern, .end = pattern + length};
    *why = "out of memory";
    if (!parser.regex) return NULL;
    parse_alternatives(&parser);
    if (!parser.why && parser.at < parser.end) parser.why = "unbalanced parenthesis";
    emit(&parser, OP_MATCH, 0, 0);
    *why = parser.why;
    if (!parser.why) return parser.regex;
    regex_free(parser.regex);
    return NULL;
}

void regex_free(void *regex) {
    if (!regex) return;
    free(((Regex *)regex)->program);
    free(((Regex *)regex)->items);
    free(regex);
}

/* ---- matching */

/* An alternative to come back to (slot < 0), or a slot to restore on the way back. */
typedef struct Choice {
    int pc, slot;
    const char *at;
} Choice;

typedef struct Machine {
    const Regex *regex;
    const char *start, *end;
    const char *slots[REGEX_SLOTS];
    Choice *stack;
    int height, capacity;
    long work;
    int looks;
    bool failed;
} Machine;

static void machine_push(Machine *machine, int pc, int slot, const char *at) {
    if (machine->height == machine->capacity) {
        int capacity = machine->capacity ? machine->capacity * 2 : 256;
        Choice *larger = capacity <= REGEX_STACK ? realloc(machine->stack, (size_t)capacity * sizeof *larger) : NULL;
        if (!larger) {
            machine->failed = true;
            return;
        }
        machine->stack = larger;
        machine->capacity = capacity;
    }
    machine->stack[machine->height++] = (Choice){.pc = pc, .slot = slot, .at = at};
}

static void machine_save(Machine *machine, int slot, const char *at) {
    machine_push(machine, 0, slot, machine->slots[slot]);
    machine->slots[slot] = at;
}

static bool word_edge(const Machine *machine, const char *at) {
    size_t size;
    bool before = at > machine->start && is_word(character_before(at, machine->start));
    bool after = at < machine->end && is_word(character_at(at, machine->end, &size));
    return before != after;
}

/* Assertions that use up no text. */
static bool machine_holds(const Machine *machine, const Instruction *in, const char *at) {
    switch ((Operation)in->operation) {
    case OP_LINE_START: return at == machine->start || (in->flags & FLAG_MULTILINE && at[-1] == '\n');
    case OP_LINE_END:
        if (at == machine->end || (at + 1 == machine->end && *at == '\n')) return true;
        return in->flags & FLAG_MULTILINE && *at == '\n';
    case OP_TEXT_START: return at == machine->start;
    case OP_TEXT_END: return at == machine->end;
    case OP_WORD_EDGE: return word_edge(machine, at);
    case OP_NO_WORD_EDGE: return !word_edge(machine, at);
    case OP_CHAR:
    case OP_ANY:
    case OP_SET:
    case OP_SPLIT:
    case OP_JUMP:
    case OP_SAVE:
    case OP_EMPTY:
    case OP_ROUND:
    case OP_BACK:
    case OP_LOOK:
    case OP_MATCH: break;
    }
    return false;
}

/* One character; NULL: it doesn't fit. */
static const char *machine_eat(const Machine *machine, const Instruction *in, const char *at) {
    if (at >= machine->end) return NULL;
    size_t size;
    int c = character_at(at, machine->end, &size);
    bool ignore_case = in->flags & FLAG_IGNORE_CASE, fits;
    if (in->operation == OP_CHAR) fits = c == in->a || (ignore_case && fold(c) == fold(in->a));
    else if (in->operation == OP_ANY) fits = c != '\n' || in->flags & FLAG_DOT_ALL;
    else fits = set_holds(machine->regex->items + in->a, c, ignore_case);
    return fits ? at + size : NULL;
}

static const char *machine_back(const Machine *machine, const Instruction *in, const char *at) {
    const char *from = machine->slots[2 * in->a], *to = machine->slots[2 * in->a + 1];
    if (!from || !to) return NULL;
    bool ignore_case = in->flags & FLAG_IGNORE_CASE;
    while (from < to) {
        if (at >= machine->end) return NULL;
        size_t one, other;
        int a = character_at(from, to, &one), b = character_at(at, machine->end, &other);
        if (a != b && !(ignore_case && fold(a) == fold(b))) return NULL;
        from += one;
        at += other;
    }
    return at;
}

static const char *machine_run(Machine *machine, int pc, const char *at, const char *must_end);

static bool machine_look(Machine *machine, int pc, const Instruction *in, const char *at) {
    if (++machine->looks > REGEX_DEPTH) {
        machine->failed = true;
        return false;
    }
    bool found = false;
    if (in->a & 2) {
        for (const char *from = at; !found && !machine->failed; from--) {
            if (from == machine->end || ((unsigned char)*from & 0xC0) != 0x80)
                found = machine_run(machine, pc + 1, from, at) != NULL;
            if (from == machine->start) break;
        }
    } else {
        found = machine_run(machine, pc + 1, at, NULL) != NULL;
    }
    machine->looks--;
    return found != ((in->a & 1) != 0);
}

/* Where the match from `at` ends, or NULL. The stack is left as it was found. */
static const char *machine_run(Machine *machine, int pc, const char *at, const char *must_end) {
    int floor = machine->height;
    while (!machine->failed) {
        if (++machine->work > regex_work) machine->failed = true;
        const Instruction *in = &machine->regex->program[pc];
        const char *next = at;
        pc++;
        switch ((Operation)in->operation) {
        case OP_CHAR:
        case OP_ANY:
        case OP_SET: next = machine_eat(machine, in, at); break;
        case OP_SPLIT:
            machine_push(machine, in->b, -1, at);
            pc = in->a;
            break;
        case OP_JUMP: pc = in->a; break;
        case OP_SAVE:
        case OP_EMPTY: machine_save(machine, in->a, at); break;
        case OP_ROUND:
            if (machine->slots[in->a] != at) pc = in->b;
            break;
        case OP_LINE_START:
        case OP_LINE_END:
        case OP_TEXT_START:
        case OP_TEXT_END:
        case OP_WORD_EDGE:
        case OP_NO_WORD_EDGE:
            if (!machine_holds(machine, in, at)) next = NULL;
            break;
        case OP_BACK: next = machine_back(machine, in, at); break;
        case OP_LOOK:
            if (machine_look(machine, pc - 1, in, at)) pc = in->b;
            else next = NULL;
            break;
        case OP_MATCH:
            if (!must_end || at == must_end) {
                machine->height = floor;
                return at;
            }
            next = NULL;
            break;
        }
        if (next) {
            at = next;
            continue;
        }
        while (machine->height > floor && machine->stack[machine->height - 1].slot >= 0) {
            const Choice *undo = &machine->stack[--machine->height];
            machine->slots[undo->slot] = undo->at;
        }
        if (machine->height == floor) return NULL;
        const Choice *choice = &machine->stack[--machine->height];
        pc = choice->pc;
        at = choice->at;
    }
    return NULL;
}

int regex_search(const Regex *regex, const char *text, size_t length) {
    Machine machine = {.regex = regex, .start = text, .end = text + length};
    int found = 0;
    for (size_t i = 0;; i++) {
        const char *at = text + i;
        if (i == length || ((unsigned char)*at & 0xC0) != 0x80) {
            memset(machine.slots, 0, sizeof machine.slots);
            found = machine_run(&machine, 0, at, NULL) != NULL;
        }
        if (found || machine.failed || i == length) break;
    }
    free(machine.stack);
    return machine.failed ? -1 : found;
}
