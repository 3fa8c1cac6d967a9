/*
 * What the grammar needs to know of Unicode: which characters make identifiers, their normal form, and
 * characters by name for \N{…}. The tables come from unicode_tables.py.
 *
 * Identifiers are compared in NFKC, as in Python: `ﬁ` is `fi`. The normal form here maps single
 * characters and composes neighbouring pairs, which is NFKC for all but marks written out of order.
 */
#include "grammar/parser.h"

typedef struct CodeRange {
    uint32_t first, last;
} CodeRange;

#define BEGINS(first, last) {first, last},
#define FOLLOWS(first, last)
static const CodeRange begin_ranges[] = {
#include "grammar/unicode_letters.def"
};
#undef BEGINS
#undef FOLLOWS
#define BEGINS(first, last)
#define FOLLOWS(first, last) {first, last},
static const CodeRange follow_ranges[] = {
#include "grammar/unicode_letters.def"
};
#undef BEGINS
#undef FOLLOWS

#define COUNT_OF(array) (sizeof(array) / sizeof *(array))

static bool ranges_hold(const CodeRange *ranges, size_t count, uint32_t code) {
    size_t low = 0, high = count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (code > ranges[middle].last) low = middle + 1;
        else if (code < ranges[middle].first) high = middle;
        else return true;
    }
    return false;
}

/* One character of UTF-8; `length` is 0 where the bytes are none. */
uint32_t unicode_read(Slice text, size_t *length) {
    const unsigned char *bytes = (const unsigned char *)text.start;
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    *length = 0;
    if (!text.length) return 0;
    size_t wanted = bytes[0] < 0x80 ? 1 : bytes[0] < 0xC2 ? 0 : bytes[0] < 0xE0 ? 2 : bytes[0] < 0xF0 ? 3 : 4;
    if (!wanted || bytes[0] > 0xF4 || text.length < wanted) return 0;
    uint32_t code = wanted == 1 ? bytes[0] : bytes[0] & (0x7Fu >> wanted);
    for (size_t i = 1; i < wanted; i++) {
        if ((bytes[i] & 0xC0) != 0x80) return 0;
        code = code << 6 | (bytes[i] & 0x3Fu);
    }
    if (code < least[wanted] || code > 0x10FFFF || (code >= 0xD800 && code < 0xE000)) return 0;
    *length = wanted;
    return code;
}

size_t unicode_write(char *out, uint32_t code) {
    if (code < 0x80) {
        out[0] = (char)code;
        return 1;
    }
    size_t length = code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
    for (size_t i = length - 1; i > 0; i--) {
        out[i] = (char)(0x80 | (code & 0x3F));
        code >>= 6;
    }
    out[0] = (char)((0xF00u >> length & 0xFFu) | code);
    return length;
}

bool unicode_begins_name(uint32_t code) {
    if (code < 0x80) return code == '_' || ((code | 0x20) >= 'a' && (code | 0x20) <= 'z');
    return ranges_hold(begin_ranges, COUNT_OF(begin_ranges), code);
}

bool unicode_follows_in_name(uint32_t code) {
    if (unicode_begins_name(code)) return true;
    if (code < 0x80) return code >= '0' && code <= '9';
    return ranges_hold(follow_ranges, COUNT_OF(follow_ranges), code);
}

/* Normal form */

typedef struct CompatRun {
    uint32_t first, replacement, count;
} CompatRun;
typedef struct CompatText {
    uint32_t code;
    const char *text;
} CompatText;
typedef struct CompatPair {
    uint32_t base, mark, composed;
} CompatPair;

#define RUN(first, replacement, count) {first, replacement, count},
#define TEXT(code, text)
#define PAIR(base, mark, composed)
static const CompatRun compat_runs[] = {
#include "grammar/unicode_compat.def"
};
#undef RUN
#undef TEXT
#undef PAIR
#define RUN(first, replacement, count)
#define TEXT(code, text) {code, text},
#define PAIR(base, mark, composed)
static const CompatText compat_texts[] = {
#include "grammar/unicode_compat.def"
};
#undef RUN
#undef TEXT
#undef PAIR
#define RUN(first, replacement, count)
#define TEXT(code, text)
#define PAIR(base, mark, composed) {base, mark, composed},
static const CompatPair compat_pairs[] = {
#include "grammar/unicode_compat.def"
};
#undef RUN
#undef TEXT
#undef PAIR

static const CompatRun *compat_find_run(uint32_t code) {
    size_t low = 0, high = COUNT_OF(compat_runs);
    while (low < high) {
        size_t middle = (low + high) / 2;
        const CompatRun *run = &compat_runs[middle];
        if (code >= run->first + run->count) low = middle + 1;
        else if (code < run->first) high = middle;
        else return run;
    }
    return NULL;
}

static const char *compat_find_text(uint32_t code) {
    size_t low = 0, high = COUNT_OF(compat_texts);
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (compat_texts[middle].code < code) low = middle + 1;
        else if (compat_texts[middle].code > code) high = middle;
        else return compat_texts[middle].text;
    }
    return NULL;
}

enum {
    HANGUL_FIRST = 0xAC00,
    HANGUL_LEAD = 0x1100,
    HANGUL_VOWEL = 0x1161,
    HANGUL_TAIL = 0x11A7,
    HANGUL_LEADS = 19,
    HANGUL_VOWELS = 21,
    HANGUL_TAILS = 28
};

/* The character that base and mark make together, or 0. */
static uint32_t compat_compose(uint32_t base, uint32_t mark) {
    if (base - HANGUL_LEAD < HANGUL_LEADS && mark - HANGUL_VOWEL < HANGUL_VOWELS)
        return HANGUL_FIRST + ((base - HANGUL_LEAD) * HANGUL_VOWELS + (mark - HANGUL_VOWEL)) * HANGUL_TAILS;
    uint32_t syllable = base - HANGUL_FIRST;
    if (syllable < HANGUL_LEADS * HANGUL_VOWELS * HANGUL_TAILS && syllable % HANGUL_TAILS == 0 && mark > HANGUL_TAIL &&
        mark - HANGUL_TAIL < HANGUL_TAILS)
        return base + (mark - HANGUL_TAIL);
    size_t low = 0, high = COUNT_OF(compat_pairs);
    while (low < high) {
        size_t middle = (low + high) / 2;
        const CompatPair *pair = &compat_pairs[middle];
        if (pair->base < base || (pair->base == base && pair->mark < mark)) low = middle + 1;
        else if (pair->base > base || pair->mark > mark) high = middle;
        else return pair->composed;
    }
    return 0;
}

uint32_t unicode_base(uint32_t code) {
    for (size_t i = 0; code >= 0x80 && i < COUNT_OF(compat_pairs);) {
        bool found = compat_pairs[i].composed == code;
        if (found) code = compat_pairs[i].base;
        i = found ? 0 : i + 1;
    }
    return code;
}

Slice unicode_normal_form(Arena *arena, Slice text) {
    Buffer out;
    buffer_init(&out, arena);
    size_t last = 0; /* where the last character of `out` begins */
    for (size_t at = 0, length; at < text.length; at += length) {
        uint32_t code = unicode_read(slice_sub(text, at, text.length), &length);
        if (!length) return text;
        const CompatRun *run = compat_find_run(code);
        const char *replacement = run ? NULL : compat_find_text(code);
        if (replacement) {
            last = out.length;
            buffer_text(&out, replacement);
            continue;
        }
        if (run) code = run->replacement + (code - run->first);
        size_t before = 0;
        uint32_t base = out.length ? unicode_read(slice_sub(buffer_view(&out), last, out.length), &before) : 0;
        uint32_t composed = before && last + before == out.length ? compat_compose(base, code) : 0;
        if (composed) out.length = last;
        last = out.length;
        buffer_reserve(&out, 4);
        out.length += unicode_write(out.data + out.length, composed ? composed : code);
    }
    return buffer_view(&out);
}

/* Characters by name */

typedef struct NamePrefix {
    Slice prefix;
    uint32_t first, last;
} NamePrefix;
typedef struct NameAlias {
    uint32_t hash, code;
} NameAlias;

#define NUMBERED(prefix, first, last) {{prefix, sizeof(prefix) - 1}, first, last},
#define RANGE(first, last)
#define ALIAS(hash, code)
static const NamePrefix name_prefixes[] = {
#include "grammar/unicode_names.def"
};
#undef NUMBERED
#undef RANGE
#undef ALIAS
#define NUMBERED(prefix, first, last)
#define RANGE(first, last) {first, last},
#define ALIAS(hash, code)
static const CodeRange name_ranges[] = {
#include "grammar/unicode_names.def"
};
#undef NUMBERED
#undef RANGE
#undef ALIAS
#define NUMBERED(prefix, first, last)
#define RANGE(first, last)
#define ALIAS(hash, code) {hash, code},
static const NameAlias name_aliases[] = {
#include "grammar/unicode_names.def"
};
static const uint32_t name_hashes[] = {
#include "grammar/unicode_hashes.def"
};

static Slice name_upper(char *buffer, size_t size, Slice name) {
    if (name.length > size) return (Slice){buffer, 0};
    for (size_t i = 0; i < name.length; i++) {
        char byte = name.start[i];
        buffer[i] = byte >= 'a' && byte <= 'z' ? (char)(byte - 'a' + 'A') : byte;
    }
    return (Slice){buffer, name.length};
}

static uint32_t name_hash(Slice name) {
    uint32_t hash = 2166136261u;
    for (size_t i = 0; i < name.length; i++) hash = (hash ^ (unsigned char)name.start[i]) * 16777619u;
    return hash;
}

static uint32_t name_find_numbered(Slice name) {
    for (size_t i = 0; i < COUNT_OF(name_prefixes); i++) {
        const NamePrefix *row = &name_prefixes[i];
        if (name.length < row->prefix.length + 4 || name.length > row->prefix.length + 5) continue;
        if (!slice_equals(slice_sub(name, 0, row->prefix.length), row->prefix)) continue;
        uint32_t code = 0;
        for (size_t at = row->prefix.length; at < name.length; at++) {
            char digit = name.start[at];
            if (!((digit >= '0' && digit <= '9') || (digit >= 'A' && digit <= 'F'))) return 0;
            code = code * 16 + (uint32_t)(digit <= '9' ? digit - '0' : digit - 'A' + 10);
        }
        if (code >= row->first && code <= row->last) return code;
    }
    return 0;
}

/* The longest of the parts that `name` begins with from `at`; its index, or -1. */
static int hangul_part(Slice name, size_t *at, const char *const *parts, int count) {
    int best = -1;
    size_t length = 0;
    for (int i = 0; i < count; i++) {
        Slice part = slice_from(parts[i]);
        if (best >= 0 && part.length <= length) continue;
        if (!slice_equals(slice_sub(name, *at, *at + part.length), part)) continue;
        best = i;
        length = part.length;
    }
    *at += length;
    return best;
}

static uint32_t name_find_hangul(Slice name) {
    static const char *const leads[HANGUL_LEADS] = {"G",  "GG", "N", "D",  "DD", "R", "M", "B", "BB", "S",
                                                    "SS", "",   "J", "JJ", "C",  "K", "T", "P", "H"};
    static const char *const vowels[HANGUL_VOWELS] = {"A",   "AE", "YA", "YAE", "EO", "E",  "YEO",
                                                      "YE",  "O",  "WA", "WAE", "OE", "YO", "U",
                                                      "WEO", "WE", "WI", "YU",  "EU", "YI", "I"};
    static const char *const tails[HANGUL_TAILS] = {"",   "G",  "GG", "GS", "N",  "NJ", "NH", "D", "L",  "LG",
                                                    "LM", "LB", "LS", "LT", "LP", "LH", "M",  "B", "BS", "S",
                                                    "SS", "NG", "J",  "C",  "K",  "T",  "P",  "H"};
    if (!slice_starts_with(name, "HANGUL SYLLABLE ")) return 0;
    size_t at = strlen("HANGUL SYLLABLE ");
    int lead = hangul_part(name, &at, leads, HANGUL_LEADS);
    int vowel = hangul_part(name, &at, vowels, HANGUL_VOWELS);
    int tail = hangul_part(name, &at, tails, HANGUL_TAILS);
    if (lead < 0 || vowel < 0 || tail < 0 || at != name.length) return 0;
    return HANGUL_FIRST + (uint32_t)((lead * HANGUL_VOWELS + vowel) * HANGUL_TAILS + tail);
}

bool unicode_find_name(Slice given, uint32_t *code) {
    char buffer[128];
    Slice name = name_upper(buffer, sizeof buffer, given);
    *code = name_find_numbered(name);
    if (!*code) *code = name_find_hangul(name);
    if (*code || !name.length) return *code != 0;
    uint32_t hash = name_hash(name);
    size_t at = 0;
    for (size_t i = 0; i < COUNT_OF(name_ranges); i++) {
        for (uint32_t candidate = name_ranges[i].first; candidate <= name_ranges[i].last; candidate++, at++) {
            if (name_hashes[at] != hash) continue;
            *code = candidate;
            return true;
        }
    }
    for (size_t i = 0; i < COUNT_OF(name_aliases); i++) {
        if (name_aliases[i].hash != hash) continue;
        *code = name_aliases[i].code;
        return true;
    }
    return false;
}
