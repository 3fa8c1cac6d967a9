/*
 * JSON documents of rows as Python values.
 *
 * Input: the text of a JSON column. Output: dict, list, str, int, float, bool or None. Invariants: nesting is limited;
 * what is no JSON gives NULL, never an error.
 * Example: {"a": [1, null]} -> {'a': [1, None]}.
 */
#include <stdlib.h>

#include "compiler/sqlalchemy/orm_load.h"

enum { JSON_DEPTH = 200 };

typedef struct JsonReader {
    Evaluator *ev;
    const char *at, *end;
    int depth;
} JsonReader;

static Value *json_read(JsonReader *reader);

static void json_space(JsonReader *reader) {
    while (reader->at < reader->end && strchr(" \t\r\n", *reader->at)) reader->at++;
}

static bool json_takes(JsonReader *reader, const char *word) {
    size_t length = strlen(word);
    if ((size_t)(reader->end - reader->at) < length || memcmp(reader->at, word, length) != 0) return false;
    reader->at += length;
    return true;
}

static void json_put_code(Buffer *out, uint32_t code) {
    if (code < 0x80) {
        buffer_put(out, (char)code);
    } else if (code < 0x800) {
        buffer_put(out, (char)(0xC0 | code >> 6));
        buffer_put(out, (char)(0x80 | (code & 0x3F)));
    } else if (code < 0x10000) {
        buffer_put(out, (char)(0xE0 | code >> 12));
        buffer_put(out, (char)(0x80 | ((code >> 6) & 0x3F)));
        buffer_put(out, (char)(0x80 | (code & 0x3F)));
    } else {
        buffer_put(out, (char)(0xF0 | code >> 18));
        buffer_put(out, (char)(0x80 | ((code >> 12) & 0x3F)));
        buffer_put(out, (char)(0x80 | ((code >> 6) & 0x3F)));
        buffer_put(out, (char)(0x80 | (code & 0x3F)));
    }
}

static uint32_t json_hex(JsonReader *reader) {
    uint32_t code = 0;
    for (int i = 0; i < 4 && reader->at < reader->end; i++, reader->at++) {
        char c = *reader->at;
        uint32_t digit = c >= '0' && c <= '9' ? (uint32_t)(c - '0') : ((uint32_t)(c | 32) - 'a' + 10) & 15;
        code = code * 16 + digit;
    }
    return code;
}

static Value *json_string(JsonReader *reader) {
    static const char from[] = "nrtbf", to[] = "\n\r\t\b\f";
    Buffer out;
    buffer_init(&out, evaluator_arena(reader->ev));
    for (reader->at++; reader->at < reader->end && *reader->at != '"';) {
        char c = *reader->at++;
        if (c != '\\' || reader->at >= reader->end) {
            buffer_put(&out, c);
            continue;
        }
        c = *reader->at++;
        const char *found = c ? strchr(from, c) : NULL;
        if (c == 'u') {
            uint32_t code = json_hex(reader);
            if (code >= 0xD800 && code < 0xDC00 && json_takes(reader, "\\u"))
                code = 0x10000 + ((code - 0xD800) << 10) + (json_hex(reader) - 0xDC00);
            json_put_code(&out, code);
        } else {
            buffer_put(&out, found ? to[found - from] : c);
        }
    }
    if (reader->at >= reader->end) return NULL;
    reader->at++;
    return value_string(reader->ev, buffer_view(&out));
}

static Value *json_number(JsonReader *reader) {
    const char *start = reader->at;
    bool whole = true;
    while (reader->at < reader->end && strchr("+-.eE0123456789", *reader->at)) {
        whole &= !strchr(".eE", *reader->at);
        reader->at++;
    }
    Slice text = {start, (size_t)(reader->at - start)};
    if (!text.length || text.length > 60) return NULL;
    const char *bytes = slice_terminated(evaluator_arena(reader->ev), text);
    if (!whole) return value_float(reader->ev, strtod(bytes, NULL));
    return text.length > 18 ? value_big_integer(reader->ev, text) : value_integer(reader->ev, strtoll(bytes, NULL, 10));
}

static Value *json_list(JsonReader *reader) {
    ListValue *list = value_list(reader->ev);
    reader->at++;
    json_space(reader);
    if (json_takes(reader, "]")) return &list->head;
    for (;;) {
        Value *item = json_read(reader);
        if (!item) return NULL;
        list_append(reader->ev, list, item);
        json_space(reader);
        if (json_takes(reader, "]")) return &list->head;
        if (!json_takes(reader, ",")) return NULL;
    }
}

static Value *json_object(JsonReader *reader) {
    DictValue *dict = value_dict(reader->ev);
    reader->at++;
    json_space(reader);
    if (json_takes(reader, "}")) return &dict->head;
    for (;;) {
        json_space(reader);
        if (reader->at >= reader->end || *reader->at != '"') return NULL;
        Value *key = json_string(reader);
        json_space(reader);
        if (!key || !json_takes(reader, ":")) return NULL;
        Value *item = json_read(reader);
        if (!item) return NULL;
        dict_set(reader->ev, dict, key, item, NULL);
        json_space(reader);
        if (json_takes(reader, "}")) return &dict->head;
        if (!json_takes(reader, ",")) return NULL;
    }
}

static Value *json_read(JsonReader *reader) {
    json_space(reader);
    if (reader->at >= reader->end || reader->depth >= JSON_DEPTH) return NULL;
    if (json_takes(reader, "null")) return value_none(reader->ev);
    if (json_takes(reader, "true")) return value_bool(reader->ev, true);
    if (json_takes(reader, "false")) return value_bool(reader->ev, false);
    reader->depth++;
    Value *made = *reader->at == '"'   ? json_string(reader)
                  : *reader->at == '[' ? json_list(reader)
                  : *reader->at == '{' ? json_object(reader)
                                       : json_number(reader);
    reader->depth--;
    return made;
}

Value *json_value(Evaluator *ev, Slice text) {
    JsonReader reader = {ev, text.start, text.start + text.length, 0};
    Value *made = json_read(&reader);
    json_space(&reader);
    return reader.at == reader.end ? made : NULL;
}
