/*
 * Sources that say in a comment of their first two lines that they are not UTF-8 (PEP 263). In: the bytes of a file.
 * Out: UTF-8; the very bytes where nothing is said, or an encoding that is not known here: the scanner tells of what is
 * no UTF-8 then. Places in the source count in the text that comes out.
 *
 *     # -*- coding: latin-1 -*-
 */
#include "compiler/base/source.h"

/* What the bytes from 0x80 on mean, where they are not the code points of the same number; 0: nothing. */
static const uint16_t windows_1252[32] = {
    0x20AC, 0,      0x201A, 0x0192, 0x201E, 0x2026, 0x2020, 0x2021, 0x02C6, 0x2030, 0x0160,
    0x2039, 0x0152, 0,      0x017D, 0,      0,      0x2018, 0x2019, 0x201C, 0x201D, 0x2022,
    0x2013, 0x2014, 0x02DC, 0x2122, 0x0161, 0x203A, 0x0153, 0,      0x017E, 0x0178,
};
static const struct {
    unsigned char byte;
    uint16_t code;
} latin_9[] = {{0xA4, 0x20AC}, {0xA6, 0x0160}, {0xA8, 0x0161}, {0xB4, 0x017D},
               {0xB8, 0x017E}, {0xBC, 0x0152}, {0xBD, 0x0153}, {0xBE, 0x0178}};

typedef enum Encoding { ENCODING_AS_IS, ENCODING_LATIN_1, ENCODING_LATIN_9, ENCODING_WINDOWS_1252 } Encoding;

static const struct {
    const char *name;
    Encoding encoding;
} encodings[] = {
    {"latin-1", ENCODING_LATIN_1},     {"latin1", ENCODING_LATIN_1},      {"iso-8859-1", ENCODING_LATIN_1},
    {"iso8859-1", ENCODING_LATIN_1},   {"iso-latin-1", ENCODING_LATIN_1}, {"l1", ENCODING_LATIN_1},
    {"iso-8859-15", ENCODING_LATIN_9}, {"iso8859-15", ENCODING_LATIN_9},  {"latin-9", ENCODING_LATIN_9},
    {"latin9", ENCODING_LATIN_9},      {"cp1252", ENCODING_WINDOWS_1252}, {"windows-1252", ENCODING_WINDOWS_1252},
};

static Encoding encoding_named(Slice name) {
    char plain[20];
    if (name.length >= sizeof plain) return ENCODING_AS_IS;
    for (size_t i = 0; i < name.length; i++) plain[i] = name.start[i] == '_' ? '-' : char_lower(name.start[i]);
    for (size_t i = 0; i < sizeof encodings / sizeof *encodings; i++)
        if (slice_equals_text((Slice){plain, name.length}, encodings[i].name)) return encodings[i].encoding;
    return ENCODING_AS_IS;
}

static bool name_goes_on(char c) {
    return c == '-' || c == '_' || c == '.' || (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
           (c >= 'A' && c <= 'Z');
}

/* "coding:" or "coding=" and a name, in a comment line. False: the line is neither that nor blank. */
static bool line_says(Slice line, Encoding *encoding) {
    size_t at = 0;
    while (at < line.length && strchr(" \t\f\r\n", line.start[at])) at++;
    if (at == line.length) return true;
    if (line.start[at] != '#') return false;
    for (; at + 7 < line.length; at++) {
        if (memcmp(line.start + at, "coding", 6) != 0 || (line.start[at + 6] != ':' && line.start[at + 6] != '='))
            continue;
        at += 7;
        while (at < line.length && (line.start[at] == ' ' || line.start[at] == '\t')) at++;
        size_t end = at;
        while (end < line.length && name_goes_on(line.start[end])) end++;
        *encoding = encoding_named(slice_sub(line, at, end));
        return true;
    }
    return true;
}

static Encoding encoding_of(Slice text) {
    Encoding encoding = ENCODING_AS_IS;
    size_t first = slice_find(text, '\n');
    if (!line_says(slice_sub(text, 0, first), &encoding) || encoding != ENCODING_AS_IS || first == text.length)
        return encoding;
    size_t second = first + 1 + slice_find(slice_sub(text, first + 1, text.length), '\n');
    line_says(slice_sub(text, first + 1, second), &encoding);
    return encoding;
}

static uint32_t byte_code(Encoding encoding, unsigned char byte) {
    if (encoding == ENCODING_WINDOWS_1252 && byte >= 0x80 && byte < 0xA0)
        return windows_1252[byte - 0x80] ? windows_1252[byte - 0x80] : 0xFFFD;
    for (size_t i = 0; encoding == ENCODING_LATIN_9 && i < sizeof latin_9 / sizeof *latin_9; i++)
        if (latin_9[i].byte == byte) return latin_9[i].code;
    return byte;
}

Slice source_decode(Arena *arena, Slice text) {
    Encoding encoding = encoding_of(text);
    if (encoding == ENCODING_AS_IS) return text;
    char *out = arena_allocate(arena, text.length * 3 + 1);
    size_t length = 0;
    for (size_t i = 0; i < text.length; i++) {
        uint32_t code = byte_code(encoding, (unsigned char)text.start[i]);
        if (code < 0x80) {
            out[length++] = (char)code;
        } else if (code < 0x800) {
            out[length++] = (char)(0xC0 | code >> 6);
            out[length++] = (char)(0x80 | (code & 0x3F));
        } else {
            out[length++] = (char)(0xE0 | code >> 12);
            out[length++] = (char)(0x80 | (code >> 6 & 0x3F));
            out[length++] = (char)(0x80 | (code & 0x3F));
        }
    }
    out[length] = '\0';
    return (Slice){out, length};
}
