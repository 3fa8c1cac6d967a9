/*
 * str and bytes: methods, items, repr. Text is UTF-8; positions count code points. A method whose argument
 * is unknown gives an unknown.
 */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>

#include "compiler/evaluate/internal.h"

size_t text_characters(Slice text) {
    size_t count = 0;
    for (size_t i = 0; i < text.length; i++) count += ((unsigned char)text.start[i] & 0xc0) != 0x80;
    return count;
}

/* Byte offset of a code point. */
size_t text_offset(Slice text, size_t character) {
    size_t i = 0;
    for (; i < text.length && character; character--) {
        i++;
        while (i < text.length && ((unsigned char)text.start[i] & 0xc0) == 0x80) i++;
    }
    return i;
}

void repr_text(Buffer *out, Slice text, bool bytes) {
    bool single = slice_find(text, '\'') < text.length, twice = slice_find(text, '"') < text.length;
    char quote = single && !twice ? '"' : '\'';
    if (bytes) buffer_put(out, 'b');
    buffer_put(out, quote);
    for (size_t i = 0; i < text.length; i++) {
        unsigned char byte = (unsigned char)text.start[i];
        if (byte == (unsigned char)quote || byte == '\\') buffer_format(out, "\\%c", byte);
        else if (byte == '\n') buffer_text(out, "\\n");
        else if (byte == '\r') buffer_text(out, "\\r");
        else if (byte == '\t') buffer_text(out, "\\t");
        else if (byte < 0x20 || byte == 0x7f || (bytes && byte >= 0x80)) buffer_format(out, "\\x%02x", byte);
        else buffer_put(out, (char)byte);
    }
    buffer_put(out, quote);
}

/* Known str arguments only: else *unknown. */
static bool text_argument(Evaluator *ev, Value *value, Slice *out, bool *unknown, const Node *site) {
    if (!value) return true;
    value = value_resolve(value);
    if (value_is(value, VALUE_STRING) || value_is(value, VALUE_BYTES)) {
        *out = value_text(value);
        return true;
    }
    if (value_is_enum_member(value) && value_is(enum_member_value(value), VALUE_STRING)) {
        *out = value_text(enum_member_value(value));
        return true;
    }
    if (value_is_unknown(value)) {
        *unknown = true;
        return true;
    }
    evaluator_raise_id(ev, EXCEPTION_TYPE, site, "expected str, got %s", type_label(value));
    return false;
}

static Slice self_text(Value *self) {
    return value_is_enum_member(self) ? value_text(enum_member_value(self)) : value_text(self);
}

static Value *made_like(Evaluator *ev, Value *self, Slice text) {
    return value_is(self, VALUE_BYTES) ? value_bytes(ev, text) : value_string(ev, text);
}

typedef enum Casing { CASE_LOWER, CASE_UPPER, CASE_TITLE, CASE_CAPITAL, CASE_SWAP } Casing;

static Value *cased(Evaluator *ev, Value *self, Casing casing) {
    Slice text = self_text(self);
    char *out = arena_allocate(ev->arena, text.length + 1);
    bool start = true;
    for (size_t i = 0; i < text.length; i++) {
        unsigned char c = (unsigned char)text.start[i];
        bool upper = casing == CASE_UPPER || ((casing == CASE_TITLE || casing == CASE_CAPITAL) && start) ||
                     (casing == CASE_SWAP && c >= 'a' && c <= 'z');
        out[i] = (char)(c < 0x80 ? (upper ? toupper(c) : tolower(c)) : c);
        start = casing == CASE_TITLE ? !isalpha(c) && c < 0x80 : false;
    }
    return made_like(ev, self, (Slice){out, text.length});
}

static Value *string_lower(Evaluator *ev, Value *self, const Arguments *a) {
    return (void)a, cased(ev, self, CASE_LOWER);
}
static Value *string_upper(Evaluator *ev, Value *self, const Arguments *a) {
    return (void)a, cased(ev, self, CASE_UPPER);
}
static Value *string_title(Evaluator *ev, Value *self, const Arguments *a) {
    return (void)a, cased(ev, self, CASE_TITLE);
}
static Value *string_capitalize(Evaluator *ev, Value *self, const Arguments *a) {
    return (void)a, cased(ev, self, CASE_CAPITAL);
}
static Value *string_swapcase(Evaluator *ev, Value *self, const Arguments *a) {
    return (void)a, cased(ev, self, CASE_SWAP);
}

static Value *stripped(Evaluator *ev, Value *self, const Arguments *arguments, bool left, bool right) {
    Value *given = NULL;
    bool unknown = false;
    Slice set = SLICE(" \t\n\r\f\v"), text = self_text(self);
    if (!arguments_bind(ev, arguments, "strip", "| chars", &given)) return NULL;
    if (given && !value_is_none(given) && !text_argument(ev, given, &set, &unknown, arguments->site)) return NULL;
    if (unknown) return unknown_result(ev, arguments->site, ev->builtins.kinds[VALUE_STRING]);
    while (left && text.length && slice_find(set, text.start[0]) < set.length) text = slice_sub(text, 1, text.length);
    while (right && text.length && slice_find(set, text.start[text.length - 1]) < set.length) text.length--;
    return made_like(ev, self, text);
}

static Value *string_strip(Evaluator *ev, Value *self, const Arguments *a) { return stripped(ev, self, a, true, true); }
static Value *string_lstrip(Evaluator *ev, Value *self, const Arguments *a) {
    return stripped(ev, self, a, true, false);
}
static Value *string_rstrip(Evaluator *ev, Value *self, const Arguments *a) {
    return stripped(ev, self, a, false, true);
}

static size_t find_text(Slice text, Slice wanted, size_t from) {
    for (size_t i = from; i + wanted.length <= text.length; i++)
        if (memcmp(text.start + i, wanted.start, wanted.length) == 0) return i;
    return text.length + 1;
}

static void split_blank(Evaluator *ev, Value *self, Slice text, int64_t most, ListValue *out) {
    size_t i = 0;
    for (;;) {
        while (i < text.length && isspace((unsigned char)text.start[i])) i++;
        if (i >= text.length) return;
        size_t start = i;
        if (most >= 0 && out->count >= most) i = text.length;
        else
            while (i < text.length && !isspace((unsigned char)text.start[i])) i++;
        list_append(ev, out, made_like(ev, self, slice_sub(text, start, i)));
    }
}

static Value *string_split(Evaluator *ev, Value *self, const Arguments *arguments) {
    Value *separator = NULL, *limit = NULL;
    if (!arguments_bind(ev, arguments, "split", "| sep maxsplit", &separator, &limit)) return NULL;
    int64_t most = -1;
    bool unknown = false;
    Slice wanted = {"", 0}, text = self_text(self);
    if (limit) value_as_integer(limit, &most);
    ListValue *out = value_list(ev);
    if (!separator || value_is_none(separator)) {
        split_blank(ev, self, text, most, out);
        return &out->head;
    }
    if (!text_argument(ev, separator, &wanted, &unknown, arguments->site)) return NULL;
    if (unknown) return unknown_result(ev, arguments->site, NULL);
    if (!wanted.length) return evaluator_raise_id(ev, EXCEPTION_VALUE, arguments->site, "empty separator");
    size_t start = 0;
    while (most < 0 || out->count < most) {
        size_t at = find_text(text, wanted, start);
        if (at > text.length) break;
        list_append(ev, out, made_like(ev, self, slice_sub(text, start, at)));
        start = at + wanted.length;
    }
    list_append(ev, out, made_like(ev, self, slice_sub(text, start, text.length)));
    return &out->head;
}

static Value *string_rsplit(Evaluator *ev, Value *self, const Arguments *arguments) {
    Value *separator = NULL, *limit = NULL;
    int64_t most = -1;
    if (!arguments_bind(ev, arguments, "rsplit", "| sep maxsplit", &separator, &limit)) return NULL;
    if (limit) value_as_integer(limit, &most);
    if (most < 0 || !separator || !value_is(separator, VALUE_STRING)) return string_split(ev, self, arguments);
    Slice text = self_text(self), wanted = value_text(separator);
    ListValue *reverse = value_list(ev), *out = value_list(ev);
    while (reverse->count < most) {
        size_t at = text.length + 1;
        for (size_t i = find_text(text, wanted, 0); i <= text.length; i = find_text(text, wanted, i + 1)) at = i;
        if (at > text.length) break;
        list_append(ev, reverse, value_string(ev, slice_sub(text, at + wanted.length, text.length)));
        text.length = at;
    }
    list_append(ev, out, value_string(ev, text));
    for (int i = reverse->count - 1; i >= 0; i--) list_append(ev, out, reverse->items[i]);
    return &out->head;
}

static Value *string_splitlines(Evaluator *ev, Value *self, const Arguments *arguments) {
    (void)arguments;
    Slice text = self_text(self);
    ListValue *out = value_list(ev);
    for (size_t at = 0; at < text.length;) {
        size_t end = at + slice_find(slice_sub(text, at, text.length), '\n');
        list_append(ev, out, made_like(ev, self, slice_sub(text, at, end)));
        at = end + 1;
    }
    return &out->head;
}

static Value *partitioned(Evaluator *ev, Value *self, const Arguments *arguments, bool last) {
    if (arguments->count != 1 || !value_is(arguments->items[0], VALUE_STRING))
        return unknown_result(ev, arguments->site, NULL);
    Slice text = self_text(self), wanted = value_text(arguments->items[0]);
    size_t at = find_text(text, wanted, 0);
    for (size_t next = at; last && next <= text.length; next = find_text(text, wanted, next + 1)) at = next;
    Value *empty = value_string(ev, SLICE("")), *whole = value_string(ev, text);
    Value *found[3] = {value_string(ev, slice_sub(text, 0, at)), arguments->items[0],
                       value_string(ev, slice_sub(text, at + wanted.length, text.length))};
    Value *head[3] = {whole, empty, empty}, *tail[3] = {empty, empty, whole};
    return value_tuple(ev, at <= text.length ? found : last ? tail : head, 3);
}

static Value *string_partition(Evaluator *ev, Value *self, const Arguments *a) {
    return partitioned(ev, self, a, false);
}
static Value *string_rpartition(Evaluator *ev, Value *self, const Arguments *a) {
    return partitioned(ev, self, a, true);
}

static Value *string_join(Evaluator *ev, Value *self, const Arguments *arguments) {
    if (arguments->count != 1)
        return evaluator_raise_id(ev, EXCEPTION_TYPE, arguments->site, "join() takes exactly one argument");
    Value *items = value_iterate(ev, arguments->items[0], arguments->site);
    if (!items) return NULL;
    Class *text = ev->builtins.kinds[VALUE_STRING];
    if (value_is_unknown(items) || ((ListValue *)items)->open) return unknown_result(ev, arguments->site, text);
    Buffer out;
    buffer_init(&out, ev->arena);
    const ListValue *list = (const ListValue *)items;
    for (int i = 0; i < list->count; i++) {
        Value *item = value_resolve(list->items[i]);
        if (value_is_unknown(item)) return unknown_result(ev, arguments->site, text);
        if (value_is_enum_member(item)) item = enum_member_value(item);
        if (!value_is(item, VALUE_STRING) && !value_is(item, VALUE_BYTES))
            return evaluator_raise_id(ev, EXCEPTION_TYPE, arguments->site,
                                      "sequence item %d: expected str instance, %s found", i, type_label(item));
        if (i) buffer_slice(&out, self_text(self));
        buffer_slice(&out, value_text(item));
    }
    return made_like(ev, self, buffer_view(&out));
}

static Value *string_replace(Evaluator *ev, Value *self, const Arguments *arguments) {
    Value *old = NULL, *new_ = NULL, *limit = NULL;
    if (!arguments_bind(ev, arguments, "replace", "old new | count", &old, &new_, &limit)) return NULL;
    Slice wanted = {"", 0}, other = {"", 0}, text = self_text(self);
    bool unknown = false;
    if (!text_argument(ev, old, &wanted, &unknown, arguments->site) ||
        !text_argument(ev, new_, &other, &unknown, arguments->site))
        return NULL;
    if (unknown) return unknown_result(ev, arguments->site, ev->builtins.kinds[VALUE_STRING]);
    int64_t most = -1;
    if (limit) value_as_integer(limit, &most);
    Buffer out;
    buffer_init(&out, ev->arena);
    size_t start = 0;
    while (wanted.length && most != 0) {
        size_t at = find_text(text, wanted, start);
        if (at > text.length) break;
        buffer_slice(&out, slice_sub(text, start, at));
        buffer_slice(&out, other);
        start = at + wanted.length;
        most--;
    }
    buffer_slice(&out, slice_sub(text, start, text.length));
    return made_like(ev, self, buffer_view(&out));
}

static Value *string_affix(Evaluator *ev, Value *self, const Arguments *arguments, bool end) {
    if (!arguments->count)
        return evaluator_raise_id(ev, EXCEPTION_TYPE, arguments->site, "expected at least 1 argument");
    Value *given = value_resolve(arguments->items[0]);
    Value *const *items = &given;
    int count = 1;
    if (value_is(given, VALUE_TUPLE)) items = ((ListValue *)given)->items, count = ((ListValue *)given)->count;
    for (int i = 0; i < count; i++) {
        Slice affix = {"", 0}, text = self_text(self);
        bool unknown = false;
        if (!text_argument(ev, items[i], &affix, &unknown, arguments->site)) return NULL;
        if (unknown) return unknown_result(ev, arguments->site, ev->builtins.kinds[VALUE_BOOL]);
        if (affix.length <= text.length && slice_equals(end ? slice_sub(text, text.length - affix.length, text.length)
                                                            : slice_sub(text, 0, affix.length),
                                                        affix))
            return value_bool(ev, true);
    }
    return value_bool(ev, false);
}

static Value *string_startswith(Evaluator *ev, Value *self, const Arguments *a) {
    return string_affix(ev, self, a, false);
}
static Value *string_endswith(Evaluator *ev, Value *self, const Arguments *a) {
    return string_affix(ev, self, a, true);
}

static Value *remove_affix(Evaluator *ev, Value *self, const Arguments *arguments, bool end) {
    Value *has = string_affix(ev, self, arguments, end);
    if (!has || value_is_unknown(has)) return has;
    Slice text = self_text(self);
    if (!value_is_true(has)) return made_like(ev, self, text);
    size_t length = value_text(value_resolve(arguments->items[0])).length;
    return made_like(ev, self, end ? slice_sub(text, 0, text.length - length) : slice_sub(text, length, text.length));
}

static Value *string_removeprefix(Evaluator *ev, Value *self, const Arguments *a) {
    return remove_affix(ev, self, a, false);
}
static Value *string_removesuffix(Evaluator *ev, Value *self, const Arguments *a) {
    return remove_affix(ev, self, a, true);
}

static Value *string_find(Evaluator *ev, Value *self, const Arguments *arguments) {
    Slice wanted = {"", 0}, text = self_text(self);
    bool unknown = false;
    if (!arguments->count || !text_argument(ev, arguments->items[0], &wanted, &unknown, arguments->site)) return NULL;
    if (unknown) return unknown_result(ev, arguments->site, ev->builtins.kinds[VALUE_INTEGER]);
    size_t at = find_text(text, wanted, 0);
    return value_integer(ev, at > text.length ? -1 : (int64_t)text_characters(slice_sub(text, 0, at)));
}

static Value *string_index(Evaluator *ev, Value *self, const Arguments *arguments) {
    Value *found = string_find(ev, self, arguments);
    int64_t at;
    if (found && value_as_integer(found, &at) && at < 0)
        return evaluator_raise_id(ev, EXCEPTION_VALUE, arguments->site, "substring not found");
    return found;
}

static Value *string_count(Evaluator *ev, Value *self, const Arguments *arguments) {
    Slice wanted = {"", 0}, text = self_text(self);
    bool unknown = false;
    if (!arguments->count || !text_argument(ev, arguments->items[0], &wanted, &unknown, arguments->site)) return NULL;
    if (unknown || !wanted.length) return unknown_result(ev, arguments->site, ev->builtins.kinds[VALUE_INTEGER]);
    int64_t count = 0;
    for (size_t at = find_text(text, wanted, 0); at <= text.length; at = find_text(text, wanted, at + wanted.length))
        count++;
    return value_integer(ev, count);
}

static Value *all_characters(Evaluator *ev, Value *self, int (*test)(int)) {
    Slice text = self_text(self);
    for (size_t i = 0; i < text.length; i++)
        if (!test((unsigned char)text.start[i])) return value_bool(ev, false);
    return value_bool(ev, text.length > 0);
}

static Value *string_isdigit(Evaluator *ev, Value *self, const Arguments *a) {
    return (void)a, all_characters(ev, self, isdigit);
}
static Value *string_isalpha(Evaluator *ev, Value *self, const Arguments *a) {
    return (void)a, all_characters(ev, self, isalpha);
}
static Value *string_isalnum(Evaluator *ev, Value *self, const Arguments *a) {
    return (void)a, all_characters(ev, self, isalnum);
}
static Value *string_isspace(Evaluator *ev, Value *self, const Arguments *a) {
    return (void)a, all_characters(ev, self, isspace);
}

static Value *string_isupper(Evaluator *ev, Value *self, const Arguments *arguments) {
    return value_bool(ev, slice_equals(self_text(self), value_text(string_upper(ev, self, arguments))) &&
                              !slice_equals(self_text(self), value_text(string_lower(ev, self, arguments))));
}

static Value *string_islower(Evaluator *ev, Value *self, const Arguments *arguments) {
    return value_bool(ev, slice_equals(self_text(self), value_text(string_lower(ev, self, arguments))) &&
                              !slice_equals(self_text(self), value_text(string_upper(ev, self, arguments))));
}

static Value *justified(Evaluator *ev, Value *self, const Arguments *arguments, int side) {
    Value *width = NULL, *fill = NULL;
    if (!arguments_bind(ev, arguments, "ljust", "width | fillchar", &width, &fill)) return NULL;
    int64_t wanted = 0;
    if (!value_as_integer(width, &wanted)) return unknown_result(ev, arguments->site, ev->builtins.kinds[VALUE_STRING]);
    Slice text = self_text(self), pad = fill && value_is(fill, VALUE_STRING) ? value_text(fill) : SLICE(" ");
    if (side == 2) pad = SLICE("0");
    int64_t missing = wanted - (int64_t)text_characters(text);
    if (missing <= 0) return self;
    if (missing > 100000) return unknown_result(ev, arguments->site, ev->builtins.kinds[VALUE_STRING]);
    int64_t left = side == 0 ? 0 : side == 3 ? missing / 2 : missing;
    Buffer out;
    buffer_init(&out, ev->arena);
    bool sign = side == 2 && text.length && (text.start[0] == '-' || text.start[0] == '+');
    if (sign) buffer_put(&out, text.start[0]);
    for (int64_t i = 0; i < left; i++) buffer_slice(&out, pad);
    buffer_slice(&out, sign ? slice_sub(text, 1, text.length) : text);
    for (int64_t i = left; i < missing; i++) buffer_slice(&out, pad);
    return value_string(ev, buffer_view(&out));
}

static Value *string_ljust(Evaluator *ev, Value *self, const Arguments *a) { return justified(ev, self, a, 0); }
static Value *string_rjust(Evaluator *ev, Value *self, const Arguments *a) { return justified(ev, self, a, 1); }
static Value *string_zfill(Evaluator *ev, Value *self, const Arguments *a) { return justified(ev, self, a, 2); }
static Value *string_center(Evaluator *ev, Value *self, const Arguments *a) { return justified(ev, self, a, 3); }

static Value *string_encode(Evaluator *ev, Value *self, const Arguments *arguments) {
    (void)arguments;
    return value_bytes(ev, self_text(self));
}

static Value *bytes_decode(Evaluator *ev, Value *self, const Arguments *arguments) {
    (void)arguments;
    return value_string(ev, value_text(self));
}

static Value *bytes_hex(Evaluator *ev, Value *self, const Arguments *arguments) {
    (void)arguments;
    Buffer out;
    buffer_init(&out, ev->arena);
    for (size_t i = 0; i < value_text(self).length; i++)
        buffer_format(&out, "%02x", (unsigned char)value_text(self).start[i]);
    return value_string(ev, buffer_view(&out));
}

/* str.format: {} {0} {name} {x.y}, with format specifications. */
static Value *format_field(Evaluator *ev, Slice field, const Arguments *arguments, int *next) {
    size_t end = 0;
    while (end < field.length && field.start[end] != '.' && field.start[end] != '[') end++;
    Slice name = slice_sub(field, 0, end);
    Value *value = NULL;
    if (!name.length || isdigit((unsigned char)name.start[0])) {
        int index = name.length ? atoi(slice_terminated(ev->arena, name)) : (*next)++;
        if (index >= arguments->count)
            return evaluator_raise_id(ev, EXCEPTION_INDEX, arguments->site,
                                      "Replacement index %d out of range for positional args tuple", index);
        value = arguments->items[index];
    } else value = arguments_keyword(arguments, atom_intern(ev->atoms, name));
    if (!value) return evaluator_raise_id(ev, EXCEPTION_KEY, arguments->site, "'%.*s'", SLICE_ARGS(name));
    while (end < field.length && field.start[end] == '.') {
        size_t start = ++end;
        while (end < field.length && field.start[end] != '.' && field.start[end] != '[') end++;
        value = value_get_attribute(ev, value, atom_intern(ev->atoms, slice_sub(field, start, end)), arguments->site);
        if (!value) return NULL;
    }
    return value;
}

static Value *string_format(Evaluator *ev, Value *self, const Arguments *arguments) {
    Slice text = self_text(self);
    Buffer out;
    buffer_init(&out, ev->arena);
    int next = 0;
    bool unknown = arguments->unknown_items || arguments->unknown_keywords;
    for (size_t i = 0; i < text.length && !unknown; i++) {
        char c = text.start[i];
        if ((c == '{' || c == '}') && i + 1 < text.length && text.start[i + 1] == c) {
            buffer_put(&out, c);
            i++;
            continue;
        }
        if (c != '{') {
            buffer_put(&out, c);
            continue;
        }
        size_t end = i + slice_find(slice_sub(text, i, text.length), '}');
        Slice field = slice_sub(text, i + 1, end), spec = {"", 0};
        size_t colon = slice_find(field, ':');
        if (colon < field.length) spec = slice_sub(field, colon + 1, field.length), field.length = colon;
        bool repr = slice_ends_with(field, "!r");
        if (repr || slice_ends_with(field, "!s")) field.length -= 2;
        Value *value = format_field(ev, field, arguments, &next);
        if (!value) return NULL;
        value = value_resolve(value);
        Value *made = value_is_unknown(value) ? value
                      : repr                  ? value_string(ev, value_repr(ev, value))
                                              : value_format(ev, value, spec, arguments->site);
        if (!made) return NULL;
        if (value_is_unknown(made)) unknown = true;
        else buffer_slice(&out, value_text(made));
        i = end;
    }
    return unknown ? unknown_result(ev, arguments->site, ev->builtins.kinds[VALUE_STRING])
                   : value_string(ev, buffer_view(&out));
}

/* ---- format specifications ---- */

typedef struct Spec {
    Slice fill;
    char align, sign, type;
    bool zero, comma;
    int width, precision; /* -1: none */
} Spec;

static Spec spec_read(Slice text) {
    Spec spec = {.fill = SLICE(" "), .width = -1, .precision = -1};
    size_t i = 0, first = text_offset(text, 1);
    if (text.length > first && text.start[first] && strchr("<>^=", text.start[first])) {
        spec.fill = slice_sub(text, 0, first);
        spec.align = text.start[first];
        i = first + 1;
    } else if (text.length && strchr("<>^=", text.start[0])) spec.align = text.start[i++];
    if (i < text.length && strchr("+- ", text.start[i])) spec.sign = text.start[i++];
    if (i < text.length && text.start[i] == '#') i++;
    if (i < text.length && text.start[i] == '0') spec.zero = true, i++;
    for (; i < text.length && isdigit((unsigned char)text.start[i]); i++)
        if (spec.width < 10000) spec.width = (spec.width < 0 ? 0 : spec.width * 10) + text.start[i] - '0';
    if (i < text.length && (text.start[i] == ',' || text.start[i] == '_')) spec.comma = true, i++;
    if (i < text.length && text.start[i] == '.') {
        spec.precision = 0;
        for (i++; i < text.length && isdigit((unsigned char)text.start[i]); i++)
            if (spec.precision < 1000) spec.precision = spec.precision * 10 + text.start[i] - '0';
    }
    if (i < text.length) spec.type = text.start[i];
    return spec;
}

static Slice group_thousands(Evaluator *ev, Slice digits) {
    size_t whole = slice_find(digits, '.'), start = digits.length && digits.start[0] == '-';
    Buffer out;
    buffer_init(&out, ev->arena);
    for (size_t i = 0; i < digits.length; i++) {
        if (i > start && i < whole && (whole - i) % 3 == 0) buffer_put(&out, ',');
        buffer_put(&out, digits.start[i]);
    }
    return buffer_view(&out);
}

static Value *spec_pad(Evaluator *ev, const Spec *spec, Slice text, bool number) {
    int64_t missing = spec->width - (int64_t)text_characters(text);
    if (missing <= 0) return value_string(ev, text);
    char align = spec->align ? spec->align : number ? (spec->zero ? '=' : '>') : '<';
    Slice fill = spec->zero && !spec->align ? SLICE("0") : spec->fill;
    int64_t left = align == '<' ? 0 : align == '^' ? missing / 2 : missing;
    Buffer out;
    buffer_init(&out, ev->arena);
    if (align == '=' && text.length && strchr("+-", text.start[0])) {
        buffer_put(&out, text.start[0]);
        text = slice_sub(text, 1, text.length);
    }
    for (int64_t i = 0; i < left; i++) buffer_slice(&out, fill);
    buffer_slice(&out, text);
    for (int64_t i = left; i < missing; i++) buffer_slice(&out, fill);
    return value_string(ev, buffer_view(&out));
}

static double number_of(Evaluator *ev, Value *value) {
    Slice text = value_repr(ev, value);
    if (value_is(value, VALUE_DECIMAL)) text = ((DecimalValue *)value)->text;
    if (value_is(value, VALUE_BOOL)) return (double)((IntegerValue *)value)->number;
    return strtod(slice_terminated(ev->arena, text), NULL);
}

Value *value_format(Evaluator *ev, Value *value, Slice text, const Node *site) {
    value = value_resolve(value);
    if (!text.length) return value_str(ev, value, site);
    if (value_is(value, VALUE_DATE) || value_is(value, VALUE_DATETIME) || value_is(value, VALUE_TIME)) {
        Value *format = value_string(ev, text);
        return value_call_method(ev, value, "strftime", &format, 1, site);
    }
    Spec spec = spec_read(text);
    bool integer = value_is(value, VALUE_INTEGER) || value_is(value, VALUE_BOOL);
    bool number = integer || value_is(value, VALUE_FLOAT) || value_is(value, VALUE_DECIMAL);
    if (!number) {
        Value *plain = value_str(ev, value, site);
        if (!plain || value_is_unknown(plain)) return plain;
        Slice shown = value_text(plain);
        if (spec.precision >= 0) shown = slice_sub(shown, 0, text_offset(shown, (size_t)spec.precision));
        return spec_pad(ev, &spec, shown, false);
    }
    Slice shown;
    int64_t whole = 0;
    if (spec.type && strchr("xXob", spec.type) && value_as_integer(value, &whole)) {
        if (spec.type == 'x') shown = slice_format(ev->arena, "%llx", (unsigned long long)whole);
        else if (spec.type == 'X') shown = slice_format(ev->arena, "%llX", (unsigned long long)whole);
        else if (spec.type == 'o') shown = slice_format(ev->arena, "%llo", (unsigned long long)whole);
        else return unknown_result(ev, site, ev->builtins.kinds[VALUE_STRING]);
    } else if (spec.type == '%') {
        shown = slice_format(ev->arena, "%.*f%%", spec.precision < 0 ? 6 : spec.precision, number_of(ev, value) * 100);
    } else if (spec.type == 'e') {
        shown = slice_format(ev->arena, "%.*e", spec.precision < 0 ? 6 : spec.precision, number_of(ev, value));
    } else if (spec.type == 'f' || spec.type == 'F' || (!integer && spec.precision >= 0)) {
        shown = slice_format(ev->arena, "%.*f", spec.precision < 0 ? 6 : spec.precision, number_of(ev, value));
    } else {
        Value *plain = value_str(
            ev, value_is(value, VALUE_BOOL) ? value_integer(ev, ((IntegerValue *)value)->number) : value, site);
        if (!plain) return NULL;
        shown = value_text(plain);
    }
    if (spec.comma) shown = group_thousands(ev, shown);
    if (spec.sign == '+' && shown.length && shown.start[0] != '-')
        shown = slice_format(ev->arena, "+%.*s", SLICE_ARGS(shown));
    return spec_pad(ev, &spec, shown, true);
}

/* "%s of %d" % (a, b) */
static bool percent_piece(Evaluator *ev, char kind, Slice spec, Value *item, Buffer *out, bool *unknown,
                          const Node *site) {
    item = value_resolve(item);
    if (value_is_unknown(item)) {
        *unknown = true;
        return true;
    }
    Value *made;
    if (kind == 'r') made = value_string(ev, value_repr(ev, item));
    else if (kind == 's') made = value_str(ev, item, site);
    else if (kind == 'd' || kind == 'i') made = value_format(ev, item, spec, site);
    else made = value_format(ev, item, slice_format(ev->arena, "%.*s%c", SLICE_ARGS(spec), kind), site);
    if (!made) return false;
    if (value_is_unknown(made)) *unknown = true;
    else buffer_slice(out, value_text(made));
    return true;
}

Value *string_percent(Evaluator *ev, Value *format, Value *arguments, const Node *site) {
    arguments = value_resolve(arguments);
    Slice text = value_text(format);
    Class *known = ev->builtins.kinds[VALUE_STRING];
    Value *const *items = &arguments;
    int count = 1, next = 0;
    if (value_is(arguments, VALUE_TUPLE))
        items = ((ListValue *)arguments)->items, count = ((ListValue *)arguments)->count;
    Buffer out;
    buffer_init(&out, ev->arena);
    bool unknown = false;
    for (size_t i = 0; i < text.length; i++) {
        if (text.start[i] != '%') {
            buffer_put(&out, text.start[i]);
            continue;
        }
        if (++i < text.length && text.start[i] == '%') {
            buffer_put(&out, '%');
            continue;
        }
        Value *item = NULL;
        if (i < text.length && text.start[i] == '(') {
            size_t end = i + slice_find(slice_sub(text, i, text.length), ')');
            Value *key = value_string(ev, slice_sub(text, i + 1, end));
            if (value_is_unknown(arguments)) return unknown_result(ev, site, known);
            item = value_get_item(ev, arguments, key, site);
            if (!item) return NULL;
            i = end + 1;
        }
        size_t start = i;
        while (i < text.length && strchr("0123456789.-+ #", text.start[i])) i++;
        if (i >= text.length) return evaluator_raise_id(ev, EXCEPTION_VALUE, site, "incomplete format");
        if (!item) {
            if (next >= count)
                return evaluator_raise_id(ev, EXCEPTION_TYPE, site, "not enough arguments for format string");
            item = items[next++];
        }
        if (!percent_piece(ev, text.start[i], slice_sub(text, start, i), item, &out, &unknown, site)) return NULL;
    }
    return unknown ? unknown_result(ev, site, known) : value_string(ev, buffer_view(&out));
}

static Value *string_create(Evaluator *ev, Class *cls, const Arguments *arguments) {
    (void)cls;
    if (!arguments->count) return value_string(ev, SLICE(""));
    return value_str(ev, arguments->items[0], arguments->site);
}

static Value *bytes_create(Evaluator *ev, Class *cls, const Arguments *arguments) {
    (void)cls;
    if (!arguments->count) return value_bytes(ev, SLICE(""));
    if (value_is(arguments->items[0], VALUE_STRING) || value_is(arguments->items[0], VALUE_BYTES))
        return value_bytes(ev, value_text(arguments->items[0]));
    return unknown_result(ev, arguments->site, ev->builtins.kinds[VALUE_BYTES]);
}

static Value *bytes_fromhex(Evaluator *ev, Value *self, const Arguments *arguments) {
    (void)self;
    if (!arguments->count || !value_is(arguments->items[0], VALUE_STRING))
        return unknown_result(ev, arguments->site, ev->builtins.kinds[VALUE_BYTES]);
    Slice text = value_text(arguments->items[0]);
    Buffer out;
    buffer_init(&out, ev->arena);
    for (size_t i = 0; i + 1 < text.length; i += 2) {
        char pair[3] = {text.start[i], text.start[i + 1], 0};
        buffer_put(&out, (char)strtol(pair, NULL, 16));
    }
    return value_bytes(ev, buffer_view(&out));
}

#define METHOD(name)                                                                                                   \
    { #name, string_##name, NATIVE_METHOD, NULL }
static const NativeMethod string_methods[] = {METHOD(lower),
                                              METHOD(upper),
                                              METHOD(title),
                                              METHOD(capitalize),
                                              METHOD(swapcase),
                                              METHOD(strip),
                                              METHOD(lstrip),
                                              METHOD(rstrip),
                                              METHOD(split),
                                              METHOD(rsplit),
                                              METHOD(splitlines),
                                              METHOD(partition),
                                              METHOD(rpartition),
                                              METHOD(join),
                                              METHOD(replace),
                                              METHOD(startswith),
                                              METHOD(endswith),
                                              METHOD(removeprefix),
                                              METHOD(removesuffix),
                                              METHOD(find),
                                              METHOD(index),
                                              METHOD(count),
                                              METHOD(isdigit),
                                              METHOD(isalpha),
                                              METHOD(isalnum),
                                              METHOD(isspace),
                                              METHOD(isupper),
                                              METHOD(islower),
                                              METHOD(ljust),
                                              METHOD(rjust),
                                              METHOD(zfill),
                                              METHOD(center),
                                              METHOD(encode),
                                              METHOD(format),
                                              {"casefold", string_lower, NATIVE_METHOD, NULL},
                                              {"isnumeric", string_isdigit, NATIVE_METHOD, NULL},
                                              {"isdecimal", string_isdigit, NATIVE_METHOD, NULL},
                                              {"rfind", string_find, NATIVE_METHOD, NULL},
                                              {0}};
#undef METHOD
static const NativeMethod bytes_methods[] = {{"decode", bytes_decode, NATIVE_METHOD, NULL},
                                             {"hex", bytes_hex, NATIVE_METHOD, NULL},
                                             {"fromhex", bytes_fromhex, NATIVE_STATICMETHOD, NULL},
                                             {"split", string_split, NATIVE_METHOD, NULL},
                                             {"strip", string_strip, NATIVE_METHOD, NULL},
                                             {"startswith", string_startswith, NATIVE_METHOD, NULL},
                                             {0}};

void strings_setup(Evaluator *ev) {
    builtin_define_class(ev, "str", builtin_types[VALUE_STRING], string_methods, string_create);
    builtin_define_class(ev, "bytes", builtin_types[VALUE_BYTES], bytes_methods, bytes_create);
}
