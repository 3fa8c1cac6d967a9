/*
 * json.loads: JSON text as Python values.
 *
 * In: a text. Out: dicts, lists, strings, numbers, True, False, None; NULL where it is no JSON.
 *
 *     {"a": [1, 2.5, null]}   {'a': [1, 2.5, None]}
 */
#include <stdlib.h>

#include "compiler/evaluate/internal.h"

enum { MAX_DEPTH = 200 };

typedef struct Reader {
    Evaluator *ev;
    Slice text;
    size_t at;
} Reader;

static char peek(const Reader *r) { return r->at < r->text.length ? r->text.start[r->at] : '\0'; }

static void skip_space(Reader *r) {
    while (r->at < r->text.length && strchr(" \t\r\n", r->text.start[r->at])) r->at++;
}

static bool take(Reader *r, char wanted) {
    skip_space(r);
    if (r->at >= r->text.length || r->text.start[r->at] != wanted) return false;
    r->at++;
    return true;
}

static void put_code_point(Buffer *out, unsigned long code) {
    if (code < 0x80) {
        buffer_put(out, (char)code);
    } else if (code < 0x800) {
        buffer_put(out, (char)(0xC0 | code >> 6));
        buffer_put(out, (char)(0x80 | (code & 0x3F)));
    } else if (code < 0x10000) {
        buffer_put(out, (char)(0xE0 | code >> 12));
        buffer_put(out, (char)(0x80 | (code >> 6 & 0x3F)));
        buffer_put(out, (char)(0x80 | (code & 0x3F)));
    } else {
        buffer_put(out, (char)(0xF0 | code >> 18));
        buffer_put(out, (char)(0x80 | (code >> 12 & 0x3F)));
        buffer_put(out, (char)(0x80 | (code >> 6 & 0x3F)));
        buffer_put(out, (char)(0x80 | (code & 0x3F)));
    }
}

/* Four hexadecimal digits. */
static bool read_unit(Reader *r, unsigned long *code) {
    *code = 0;
    for (int i = 0; i < 4; i++, r->at++) {
        char digit = peek(r);
        const char *found = digit ? strchr("0123456789abcdefABCDEF", digit) : NULL;
        if (!found) return false;
        unsigned long value = (unsigned long)(found - "0123456789abcdefABCDEF");
        *code = *code * 16 + (value > 15 ? value - 6 : value);
    }
    return true;
}

static bool read_escape(Reader *r, Buffer *out) {
    static const char names[] = "\"\\/bfnrt", codes[] = "\"\\/\b\f\n\r\t";
    char letter = peek(r);
    r->at++;
    if (letter != 'u') {
        const char *found = letter ? strchr(names, letter) : NULL;
        if (found) buffer_put(out, codes[found - names]);
        return found != NULL;
    }
    unsigned long high, low;
    if (!read_unit(r, &high)) return false;
    if (high >= 0xD800 && high < 0xDC00 && peek(r) == '\\' && r->at + 1 < r->text.length &&
        r->text.start[r->at + 1] == 'u') {
        r->at += 2;
        if (!read_unit(r, &low)) return false;
        if (low >= 0xDC00 && low < 0xE000) high = 0x10000 + ((high - 0xD800) << 10) + (low - 0xDC00);
        else put_code_point(out, high), high = low;
    }
    put_code_point(out, high);
    return true;
}

static Value *read_string(Reader *r) {
    Buffer out;
    buffer_init(&out, r->ev->arena);
    while (r->at < r->text.length) {
        char c = r->text.start[r->at++];
        if (c == '"') return value_string(r->ev, buffer_view(&out));
        if (c == '\\') {
            if (!read_escape(r, &out)) return NULL;
        } else if ((unsigned char)c < 0x20) {
            return NULL;
        } else {
            buffer_put(&out, c);
        }
    }
    return NULL;
}

static Value *read_number(Reader *r) {
    size_t start = r->at;
    bool whole = true;
    while (r->at < r->text.length && strchr("+-0123456789.eE", r->text.start[r->at]))
        if (strchr(".eE", r->text.start[r->at++])) whole = false;
    Slice digits = slice_sub(r->text, start, r->at);
    if (!digits.length || digits.length > 400) return NULL;
    if (whole && digits.length > 18) return value_big_integer(r->ev, slice_copy(r->ev->arena, digits));
    const char *text = slice_terminated(r->ev->arena, digits);
    char *end;
    Value *value = whole ? value_integer(r->ev, strtoll(text, &end, 10)) : value_float(r->ev, strtod(text, &end));
    return *end ? NULL : value;
}

static Value *read_word(Reader *r) {
    Slice rest = slice_sub(r->text, r->at, r->text.length);
    static const char *const words[] = {"true", "false", "null"};
    for (int i = 0; i < 3; i++) {
        if (!slice_starts_with(rest, words[i])) continue;
        r->at += strlen(words[i]);
        return i == 2 ? value_none(r->ev) : value_bool(r->ev, i == 0);
    }
    return NULL;
}

static Value *read_value(Reader *r, int depth);

static Value *read_object(Reader *r, int depth) {
    DictValue *dict = value_dict(r->ev);
    if (take(r, '}')) return (Value *)dict;
    do {
        if (!take(r, '"')) return NULL;
        Value *name = read_string(r);
        Value *value = name && take(r, ':') ? read_value(r, depth + 1) : NULL;
        if (!value) return NULL;
        dict_set(r->ev, dict, name, value, NULL);
    } while (take(r, ','));
    return take(r, '}') ? (Value *)dict : NULL;
}

static Value *read_array(Reader *r, int depth) {
    ListValue *list = value_list(r->ev);
    if (take(r, ']')) return (Value *)list;
    do {
        Value *value = read_value(r, depth + 1);
        if (!value) return NULL;
        list_append(r->ev, list, value);
    } while (take(r, ','));
    return take(r, ']') ? (Value *)list : NULL;
}

static Value *read_value(Reader *r, int depth) {
    if (depth > MAX_DEPTH) return NULL;
    skip_space(r);
    if (take(r, '"')) return read_string(r);
    if (take(r, '{')) return read_object(r, depth);
    if (take(r, '[')) return read_array(r, depth);
    char c = peek(r);
    return c == '-' || (c >= '0' && c <= '9') ? read_number(r) : read_word(r);
}

Value *json_read_value(Evaluator *ev, Slice text) {
    Reader reader = {.ev = ev, .text = text};
    Value *value = read_value(&reader, 0);
    skip_space(&reader);
    return value && reader.at == text.length ? value : NULL;
}
