/*
 * JSON out and in.
 *
 * In: slices, numbers, literals; or one line of text. Out: text in a Buffer; or a tree in the arena.
 * Invariant: what is written is UTF-8 and valid JSON whatever bytes came in. Example: the Python
 * string "a\ud800\n" is written as "a\ud800\n" in ASCII escapes.
 */
#include "compiler/json.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { JSON_DEPTH_LIMIT = 100 };

/* ---- writing ---- */

/* Length of the UTF-8 sequence at `text`, its code point in `*code`; 0: no UTF-8. Surrogates are let through. */
static size_t utf8_read(const unsigned char *text, size_t length, uint32_t *code) {
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    size_t size = text[0] < 0x80   ? 1
                  : text[0] < 0xC2 ? 0
                  : text[0] < 0xE0 ? 2
                  : text[0] < 0xF0 ? 3
                  : text[0] < 0xF5 ? 4
                                   : 0;
    if (size == 0 || size > length) return 0;
    *code = size == 1 ? text[0] : text[0] & (0x7Fu >> size);
    for (size_t i = 1; i < size; i++) {
        if ((text[i] & 0xC0) != 0x80) return 0;
        *code = *code << 6 | (text[i] & 0x3F);
    }
    return size == 1 || (*code >= least[size] && *code <= 0x10FFFF) ? size : 0;
}

static void json_write_escape(Buffer *out, uint32_t code) {
    switch (code) {
    case '"': buffer_text(out, "\\\""); return;
    case '\\': buffer_text(out, "\\\\"); return;
    case '\n': buffer_text(out, "\\n"); return;
    case '\r': buffer_text(out, "\\r"); return;
    case '\t': buffer_text(out, "\\t"); return;
    default: buffer_format(out, "\\u%04x", (unsigned)code);
    }
}

void json_write_string(Buffer *out, Slice text) {
    const unsigned char *bytes = (const unsigned char *)text.start;
    size_t plain = 0; /* start of the run that needs no escape */
    buffer_put(out, '"');
    for (size_t i = 0; i < text.length;) {
        if (bytes[i] >= 0x20 && bytes[i] < 0x7F && bytes[i] != '"' && bytes[i] != '\\') {
            i++;
            continue;
        }
        uint32_t code = 0xFFFD;
        size_t size = utf8_read(bytes + i, text.length - i, &code);
        bool surrogate = code >= 0xD800 && code <= 0xDFFF;
        if (size > 1 && !surrogate) {
            i += size;
            continue;
        }
        buffer_append(out, text.start + plain, i - plain);
        json_write_escape(out, size ? code : 0xFFFD);
        i += size ? size : 1;
        plain = i;
    }
    buffer_append(out, text.start + plain, text.length - plain);
    buffer_put(out, '"');
}

void json_write_name(Buffer *out, const char *name) {
    buffer_put(out, '"');
    buffer_text(out, name);
    buffer_text(out, "\": ");
}

void json_write_number(Buffer *out, double number) {
    if (isnan(number) || isinf(number)) {
        buffer_text(out, isnan(number) ? "\"nan\"" : number > 0 ? "\"inf\"" : "\"-inf\"");
        return;
    }
    char text[40];
    for (int digits = 15; digits <= 17; digits++) {
        snprintf(text, sizeof text, "%.*g", digits, number);
        if (strtod(text, NULL) == number) break;
    }
    buffer_text(out, text);
    if (!strpbrk(text, ".e")) buffer_text(out, ".0");
}

static void json_write_base64(Buffer *out, Slice bytes) {
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const unsigned char *data = (const unsigned char *)bytes.start;
    buffer_put(out, '"');
    for (size_t i = 0; i < bytes.length; i += 3) {
        size_t rest = bytes.length - i;
        uint32_t group = (uint32_t)data[i] << 16;
        if (rest > 1) group |= (uint32_t)data[i + 1] << 8;
        if (rest > 2) group |= data[i + 2];
        buffer_put(out, digits[group >> 18]);
        buffer_put(out, digits[group >> 12 & 63]);
        buffer_put(out, rest > 1 ? digits[group >> 6 & 63] : '=');
        buffer_put(out, rest > 2 ? digits[group & 63] : '=');
    }
    buffer_put(out, '"');
}

static void json_write_items(Buffer *out, const Literal *literal) {
    buffer_put(out, '[');
    for (int i = 0; i < literal->count; i++) {
        if (i) buffer_text(out, ", ");
        json_write_literal(out, &literal->items[i]);
    }
    buffer_put(out, ']');
}

static void json_write_map(Buffer *out, const Literal *literal) {
    buffer_put(out, '{');
    for (int i = 0; i + 1 < literal->count; i += 2) {
        if (i) buffer_text(out, ", ");
        json_write_string(out, literal->items[i].text);
        buffer_text(out, ": ");
        json_write_literal(out, &literal->items[i + 1]);
    }
    buffer_put(out, '}');
}

void json_write_literal(Buffer *out, const Literal *literal) {
    switch (literal->kind) {
    case LITERAL_NULL: buffer_text(out, "null"); return;
    case LITERAL_BOOL: buffer_text(out, literal->integer ? "true" : "false"); return;
    case LITERAL_INTEGER: buffer_format(out, "%lld", (long long)literal->integer); return;
    case LITERAL_FLOAT: json_write_number(out, literal->number); return;
    case LITERAL_TEXT: json_write_string(out, literal->text); return;
    case LITERAL_BYTES: json_write_base64(out, literal->text); return;
    case LITERAL_ARRAY: json_write_items(out, literal); return;
    case LITERAL_MAP: json_write_map(out, literal); return;
    }
}

/* ---- reading ---- */

typedef struct JsonReader {
    Arena *arena;
    Slice text;
    size_t at;
    const char *error;
    int depth;
} JsonReader;

static bool json_read_value(JsonReader *reader, Json *out);

static int json_peek(const JsonReader *reader) {
    return reader->at < reader->text.length ? (unsigned char)reader->text.start[reader->at] : -1;
}

static void json_skip_blanks(JsonReader *reader) {
    while (json_peek(reader) == ' ' || json_peek(reader) == '\t' || json_peek(reader) == '\n' ||
           json_peek(reader) == '\r')
        reader->at++;
}

static bool json_fail(JsonReader *reader, const char *error) {
    if (!reader->error) reader->error = error;
    return false;
}

static bool json_read_hex(JsonReader *reader, uint32_t *code) {
    *code = 0;
    for (int i = 0; i < 4; i++, reader->at++) {
        int byte = json_peek(reader);
        int digit = byte >= '0' && byte <= '9'   ? byte - '0'
                    : byte >= 'a' && byte <= 'f' ? byte - 'a' + 10
                    : byte >= 'A' && byte <= 'F' ? byte - 'A' + 10
                                                 : -1;
        if (digit < 0) return json_fail(reader, "four hexadecimal digits must follow \\u");
        *code = *code << 4 | (uint32_t)digit;
    }
    return true;
}

static void buffer_put_code(Buffer *out, uint32_t code) {
    if (code < 0x80) {
        buffer_put(out, (char)code);
        return;
    }
    static const unsigned char leads[] = {0, 0xC0, 0xE0, 0xF0};
    int more = code < 0x800 ? 1 : code < 0x10000 ? 2 : 3;
    buffer_put(out, (char)(leads[more] | code >> (6 * more)));
    while (more--) buffer_put(out, (char)(0x80 | (code >> (6 * more) & 0x3F)));
}

static bool json_read_escape(JsonReader *reader, Buffer *out) {
    static const char names[] = "\"\\/bfnrt", bytes[] = "\"\\/\b\f\n\r\t";
    int byte = json_peek(reader);
    reader->at++;
    const char *known = byte > 0 ? strchr(names, byte) : NULL;
    if (known) {
        buffer_put(out, bytes[known - names]);
        return true;
    }
    uint32_t code, low;
    if (byte != 'u') return json_fail(reader, "unknown escape in a string");
    if (!json_read_hex(reader, &code)) return false;
    bool pair = code >= 0xD800 && code < 0xDC00 && reader->at + 6 <= reader->text.length &&
                memcmp(reader->text.start + reader->at, "\\u", 2) == 0;
    if (pair) {
        size_t before = reader->at;
        reader->at += 2;
        if (!json_read_hex(reader, &low)) return false;
        if (low >= 0xDC00 && low < 0xE000) code = 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00);
        else reader->at = before;
    }
    buffer_put_code(out, code);
    return true;
}

static bool json_read_string(JsonReader *reader, Slice *out) {
    if (json_peek(reader) != '"') return json_fail(reader, "expected a string");
    size_t start = ++reader->at;
    while (json_peek(reader) >= 0x20 && json_peek(reader) != '"' && json_peek(reader) != '\\') reader->at++;
    if (json_peek(reader) == '"') {
        *out = slice_sub(reader->text, start, reader->at++);
        return true;
    }
    Buffer text;
    buffer_init(&text, reader->arena);
    buffer_append(&text, reader->text.start + start, reader->at - start);
    for (;;) {
        int byte = json_peek(reader);
        if (byte < 0x20)
            return json_fail(reader, byte < 0 ? "a string is not closed" : "a control character in a string");
        reader->at++;
        if (byte == '"') break;
        if (byte != '\\') buffer_put(&text, (char)byte);
        else if (!json_read_escape(reader, &text)) return false;
    }
    *out = buffer_view(&text);
    return true;
}

/* The members of an array or object, its bracket read already. */
static bool json_read_members(JsonReader *reader, Json *out, char closing) {
    int name_capacity = 0, name_count = 0;
    json_skip_blanks(reader);
    if (json_peek(reader) == closing) return reader->at++, true;
    for (;;) {
        json_skip_blanks(reader);
        if (out->kind == JSON_OBJECT) {
            Slice name;
            if (!json_read_string(reader, &name)) return false;
            ARENA_PUSH(reader->arena, out->names, name_count, name_capacity) = name;
            json_skip_blanks(reader);
            if (json_peek(reader) != ':') return json_fail(reader, "expected ':'");
            reader->at++;
        }
        Json item;
        if (!json_read_value(reader, &item)) return false;
        ARENA_PUSH(reader->arena, out->items, out->count, out->capacity) = item;
        json_skip_blanks(reader);
        int byte = json_peek(reader);
        if (byte != ',' && byte != closing) return json_fail(reader, "expected ',' or the closing bracket");
        reader->at++;
        if (byte == closing) return true;
    }
}

static bool json_read_number(JsonReader *reader, Json *out) {
    size_t start = reader->at;
    while (json_peek(reader) > 0 && strchr("+-.eE0123456789", json_peek(reader))) reader->at++;
    out->kind = JSON_NUMBER;
    out->text = slice_sub(reader->text, start, reader->at);
    bool digit = false;
    for (size_t i = 0; i < out->text.length; i++) digit |= out->text.start[i] >= '0' && out->text.start[i] <= '9';
    return digit || json_fail(reader, "expected a value");
}

static bool json_read_word(JsonReader *reader, Json *out) {
    static const struct {
        const char *word;
        JsonKind kind;
    } words[] = {{"null", JSON_NULL}, {"true", JSON_TRUE}, {"false", JSON_FALSE}};
    Slice rest = slice_sub(reader->text, reader->at, reader->text.length);
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (slice_starts_with(rest, words[i].word)) {
            out->kind = words[i].kind;
            reader->at += strlen(words[i].word);
            return true;
        }
    return json_read_number(reader, out);
}

static bool json_read_value(JsonReader *reader, Json *out) {
    *out = (Json){0};
    json_skip_blanks(reader);
    size_t start = reader->at;
    int byte = json_peek(reader);
    if (++reader->depth > JSON_DEPTH_LIMIT) return json_fail(reader, "nested too deep");
    bool good;
    if (byte == '{' || byte == '[') {
        reader->at++;
        out->kind = byte == '{' ? JSON_OBJECT : JSON_ARRAY;
        good = json_read_members(reader, out, byte == '{' ? '}' : ']');
    } else if (byte == '"') {
        out->kind = JSON_STRING;
        good = json_read_string(reader, &out->text);
    } else {
        good = json_read_word(reader, out);
    }
    reader->depth--;
    out->whole = slice_sub(reader->text, start, reader->at);
    return good;
}

Json *json_read(Arena *arena, Slice text, const char **error, size_t *at) {
    JsonReader reader = {.arena = arena, .text = text};
    Json *value = ARENA_NEW(arena, Json);
    bool good = json_read_value(&reader, value);
    json_skip_blanks(&reader);
    if (good && reader.at < text.length) good = json_fail(&reader, "more text after the value");
    *error = reader.error;
    *at = reader.at;
    return good ? value : NULL;
}

const Json *json_member(const Json *object, const char *name) {
    if (object->kind != JSON_OBJECT) return NULL;
    for (int i = object->count - 1; i >= 0; i--)
        if (slice_equals_text(object->names[i], name)) return &object->items[i];
    return NULL;
}
