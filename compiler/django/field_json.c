/*
 * JSON text as Python's json.dumps writes it, with the additions of Django's own encoder.
 *
 * Example: {"a": [1, None, "é"]} → {"a": [1, null, "\u00e9"]}
 */
#include <math.h>

#include "compiler/django/field_prepare.h"
#include "compiler/django/model_build.h"

enum { JSON_DEPTH = 200 };

typedef struct JsonWriter {
    Evaluator *ev;
    Buffer out;
    Value *encoder;
    const Node *site;
    int depth;
} JsonWriter;

static bool json_write(JsonWriter *writer, Value *value);

/* One code point of UTF-8 text; surrogates come in their three-byte form. */
static uint32_t next_code_point(Slice text, size_t *at) {
    uint8_t first = (uint8_t)text.start[*at];
    int more = first >= 0xf0 ? 3 : first >= 0xe0 ? 2 : first >= 0xc0 ? 1 : 0;
    uint32_t code = more == 3 ? first & 7u : more == 2 ? first & 15u : more == 1 ? first & 31u : first;
    (*at)++;
    for (; more > 0 && *at < text.length; more--) code = code << 6 | ((uint8_t)text.start[(*at)++] & 63u);
    return code;
}

static void json_text(Buffer *out, Slice text) {
    buffer_put(out, '"');
    for (size_t i = 0; i < text.length;) {
        uint32_t code = next_code_point(text, &i);
        switch (code) {
        case '"': buffer_text(out, "\\\""); continue;
        case '\\': buffer_text(out, "\\\\"); continue;
        case '\n': buffer_text(out, "\\n"); continue;
        case '\r': buffer_text(out, "\\r"); continue;
        case '\t': buffer_text(out, "\\t"); continue;
        case '\b': buffer_text(out, "\\b"); continue;
        case '\f': buffer_text(out, "\\f"); continue;
        default: break;
        }
        if (code >= 0x20 && code < 0x7f) {
            buffer_put(out, (char)code);
        } else if (code >= 0x10000) {
            buffer_format(out, "\\u%04x\\u%04x", 0xd800 + ((code - 0x10000) >> 10),
                          0xdc00 + ((code - 0x10000) & 0x3ff));
        } else {
            buffer_format(out, "\\u%04x", code);
        }
    }
    buffer_put(out, '"');
}

static bool json_float(JsonWriter *writer, Value *value) {
    double number = ((FloatValue *)value)->number;
    if (isnan(number)) {
        buffer_text(&writer->out, "NaN");
    } else if (isinf(number)) {
        buffer_text(&writer->out, number < 0 ? "-Infinity" : "Infinity");
    } else {
        buffer_slice(&writer->out, value_repr(writer->ev, value));
    }
    return true;
}

static bool json_key(JsonWriter *writer, Value *key) {
    Slice text;
    if (value_is_text(key)) {
        text = value_text(key);
    } else {
        JsonWriter inner = *writer;
        buffer_init(&inner.out, evaluator_arena(writer->ev));
        ValueKind kind = key->type->kind;
        if (kind != VALUE_INTEGER && kind != VALUE_BOOL && kind != VALUE_NONE && kind != VALUE_FLOAT) {
            evaluator_raise_id(writer->ev, EXCEPTION_TYPE, writer->site,
                               "keys must be str, int, float, bool or None, not %.*s",
                               SLICE_ARGS(key->cls->name->text));
            return false;
        }
        if (!json_write(&inner, key)) return false;
        text = buffer_view(&inner.out);
    }
    json_text(&writer->out, text);
    return true;
}

static bool json_dict(JsonWriter *writer, const DictValue *dict) {
    bool first = true;
    buffer_put(&writer->out, '{');
    for (int i = 0; i < dict->count; i++) {
        if (!dict->entries[i].key) continue;
        if (!first) buffer_text(&writer->out, ", ");
        first = false;
        if (!json_key(writer, dict->entries[i].key)) return false;
        buffer_text(&writer->out, ": ");
        if (!json_write(writer, dict->entries[i].value)) return false;
    }
    buffer_put(&writer->out, '}');
    return true;
}

static bool json_list(JsonWriter *writer, Value **items, int count) {
    buffer_put(&writer->out, '[');
    for (int i = 0; i < count; i++) {
        if (i) buffer_text(&writer->out, ", ");
        if (!json_write(writer, items[i])) return false;
    }
    buffer_put(&writer->out, ']');
    return true;
}

/* Milliseconds instead of microseconds, Z instead of +00:00. */
static Slice json_moment(Evaluator *ev, Slice text, bool has_zone) {
    Buffer out;
    buffer_init(&out, evaluator_arena(ev));
    size_t point = slice_find(text, '.');
    for (size_t i = 0; i < text.length; i++) {
        if (point < text.length && i > point + 3 && i < point + 7) continue;
        buffer_put(&out, text.start[i] == ' ' ? 'T' : text.start[i]);
    }
    Slice done = buffer_view(&out);
    if (has_zone && slice_ends_with(done, "+00:00"))
        return slice_format(evaluator_arena(ev), "%.*sZ", (int)done.length - 6, done.start);
    return done;
}

static void json_duration(Buffer *out, int64_t microseconds) {
    const char *sign = microseconds < 0 ? "-" : "";
    uint64_t rest = microseconds < 0 ? (uint64_t)-microseconds : (uint64_t)microseconds;
    uint64_t seconds = rest / 1000000;
    buffer_format(out, "\"%sP%lluDT%02lluH%02lluM%02llu", sign, (unsigned long long)(seconds / 86400),
                  (unsigned long long)(seconds / 3600 % 24), (unsigned long long)(seconds / 60 % 60),
                  (unsigned long long)(seconds % 60));
    if (rest % 1000000) buffer_format(out, ".%06llu", (unsigned long long)(rest % 1000000));
    buffer_text(out, "S\"");
}

static bool json_by_django(JsonWriter *writer, Value *value) {
    Slice text = value_text_or_empty(value_str(writer->ev, value, writer->site));
    switch ((int)value->type->kind) {
    case VALUE_DATETIME: text = json_moment(writer->ev, text, ((DateTimeValue *)value)->zone != NULL); break;
    case VALUE_TIME: text = json_moment(writer->ev, text, false); break;
    case VALUE_TIMEDELTA: json_duration(&writer->out, ((TimeDeltaValue *)value)->microseconds); return true;
    case VALUE_DATE:
    case VALUE_DECIMAL:
    case VALUE_UUID: break;
    default: return false;
    }
    json_text(&writer->out, text);
    return true;
}

static bool json_other(JsonWriter *writer, Value *value) {
    Evaluator *ev = writer->ev;
    if (writer->encoder && writer->encoder->type->kind == VALUE_CLASS) {
        const Class *cls = (const Class *)writer->encoder;
        Value *method = cls->node ? class_find(cls, django_atom(ev, "default")) : NULL;
        if (method && method->type->kind == VALUE_FUNCTION) {
            Value *items[2] = {value_unknown(ev, SLICE("encoder"), writer->site, NULL), value};
            Value *plain = value_call_with(ev, method, items, 2, writer->site);
            if (plain && !value_is_unknown(plain)) return json_write(writer, plain);
            return plain != NULL;
        }
        bool django = false;
        for (int i = 0; i < cls->mro_count; i++)
            django = django || slice_equals_text(cls->mro[i]->name->text, "DjangoJSONEncoder");
        if (django && json_by_django(writer, value)) return true;
    }
    evaluator_raise_id(ev, EXCEPTION_TYPE, writer->site, "Object of type %.*s is not JSON serializable",
                       SLICE_ARGS(value->cls->name->text));
    return false;
}

static bool json_write(JsonWriter *writer, Value *value) {
    Value **items;
    bool fine;
    if (writer->depth >= JSON_DEPTH) {
        evaluator_raise_id(writer->ev, EXCEPTION_RECURSION, writer->site, "Circular reference detected");
        return false;
    }
    writer->depth++;
    switch ((int)value->type->kind) {
    case VALUE_NONE: buffer_text(&writer->out, "null"), fine = true; break;
    case VALUE_BOOL: buffer_text(&writer->out, value_is_true(value) ? "true" : "false"), fine = true; break;
    case VALUE_INTEGER: {
        const IntegerValue *integer = (const IntegerValue *)value;
        if (integer->big.length) {
            buffer_slice(&writer->out, integer->big);
        } else {
            buffer_format(&writer->out, "%lld", (long long)integer->number);
        }
        fine = true;
        break;
    }
    case VALUE_FLOAT: fine = json_float(writer, value); break;
    case VALUE_STRING: json_text(&writer->out, value_text(value)), fine = true; break;
    case VALUE_LIST:
    case VALUE_TUPLE: {
        int count = value_items(value, &items);
        fine = json_list(writer, items, count);
        break;
    }
    case VALUE_DICT: fine = json_dict(writer, (const DictValue *)value); break;
    default: fine = json_other(writer, value);
    }
    writer->depth--;
    return fine;
}

bool value_dump_json(Evaluator *ev, Value *value, Value *encoder, const Node *site, Slice *out) {
    JsonWriter writer = {.ev = ev, .encoder = encoder, .site = site};
    buffer_init(&writer.out, evaluator_arena(ev));
    if (!json_write(&writer, value)) return false;
    *out = buffer_view(&writer.out);
    return true;
}
