/*
 * Bind processing: a Python value as a type hands it to the driver of a dialect.
 *
 * Input: a value and the type of its place. Output: a Param whose literal is what SQLAlchemy's bind processors give:
 * SQLite's dates are text with microseconds, JSON is its text, an Enum member its name. What isn't known keeps its
 * name. Invariants: a value that a type can't take is left as it is; the driver would refuse it, not SQLAlchemy.
 * Example: DateTime on SQLite: datetime(2024, 1, 2) → '2024-01-02 00:00:00.000000'.
 */
#include <stdlib.h>

#include "compiler/sqlalchemy/lower.h"

SqlType type_sql(Evaluator *ev, const SaType *type) {
    (void)ev;
    if (type->kind == TYPE_DECORATOR && type->item) return type_sql(ev, type->item);
    switch ((int)type->affinity) {
    case TYPE_STRING: return SQL_TEXT;
    case TYPE_INTEGER: return type_is(type, TYPE_BIG_INTEGER) ? SQL_BIGINT : SQL_INTEGER;
    case TYPE_NUMERIC: return type_is(type, TYPE_FLOAT) ? SQL_FLOAT : SQL_DECIMAL;
    case TYPE_DATETIME: return SQL_DATETIME;
    case TYPE_DATE: return SQL_DATE;
    case TYPE_TIME: return SQL_TIME;
    case TYPE_LARGE_BINARY: return SQL_BYTES;
    case TYPE_BOOLEAN: return SQL_BOOLEAN;
    case TYPE_INTERVAL: return SQL_INTERVAL;
    case TYPE_JSON: return SQL_JSON;
    case TYPE_ARRAY: return SQL_ARRAY;
    case TYPE_UUID: return SQL_UUID;
    default: return SQL_UNKNOWN;
    }
}

static Literal literal_text(Slice text) { return (Literal){.kind = LITERAL_TEXT, .text = text}; }

static Slice date_text(Evaluator *ev, int year, int month, int day) {
    return slice_format(evaluator_arena(ev), "%04d-%02d-%02d", year, month, day);
}

static void zone_text(Evaluator *ev, Value *zone, Buffer *out) {
    if (!zone) return;
    const TimeZoneValue *tz = (const TimeZoneValue *)zone;
    int offset = tz->fixed ? tz->offset : 0;
    (void)ev;
    buffer_format(out, "%c%02d:%02d", offset < 0 ? '-' : '+', abs(offset) / 3600, abs(offset) / 60 % 60);
}

/* SQLite keeps six digits and a blank; elsewhere ISO 8601. */
static Slice clock_text(Evaluator *ev, const Dialect *dialect, Slice date, int hour, int minute, int second, int micro,
                        Value *zone) {
    Buffer out;
    buffer_init(&out, evaluator_arena(ev));
    bool sqlite = dialect->id == DIALECT_SQLITE;
    if (date.length) buffer_format(&out, "%.*s%c", SLICE_ARGS(date), sqlite ? ' ' : 'T');
    buffer_format(&out, "%02d:%02d:%02d", hour, minute, second);
    if (micro || sqlite) buffer_format(&out, ".%06d", micro);
    if (!sqlite) zone_text(ev, zone, &out);
    return buffer_view(&out);
}

static Slice interval_as_datetime(Evaluator *ev, const Dialect *dialect, int64_t micros) {
    int64_t day_length = 86400000000LL, days = micros / day_length, rest = micros % day_length;
    if (rest < 0) rest += day_length, days--;
    int64_t z = days + 719468, era = (z >= 0 ? z : z - 146096) / 146097;
    int64_t doe = z - era * 146097, yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
    int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100), mp = (5 * doy + 2) / 153;
    int day = (int)(doy - (153 * mp + 2) / 5 + 1), month = (int)(mp < 10 ? mp + 3 : mp - 9);
    int year = (int)(yoe + era * 400 + (month <= 2));
    int64_t seconds = rest / 1000000;
    return clock_text(ev, dialect, date_text(ev, year, month, day), (int)(seconds / 3600), (int)(seconds / 60 % 60),
                      (int)(seconds % 60), (int)(rest % 1000000), NULL);
}

static Slice uuid_text(Evaluator *ev, const UuidValue *uuid, bool dashes) {
    Buffer out;
    buffer_init(&out, evaluator_arena(ev));
    for (int i = 0; i < 16; i++) {
        if (dashes && (i == 4 || i == 6 || i == 8 || i == 10)) buffer_put(&out, '-');
        buffer_format(&out, "%02x", uuid->bytes[i]);
    }
    return buffer_view(&out);
}

/* ---- JSON ---- */

static void json_string(Buffer *out, Slice text) {
    buffer_put(out, '"');
    for (size_t i = 0; i < text.length;) {
        unsigned char c = (unsigned char)text.start[i];
        if (c == '"' || c == '\\') {
            buffer_format(out, "\\%c", c);
        } else if (c == '\n') {
            buffer_text(out, "\\n");
        } else if (c == '\t') {
            buffer_text(out, "\\t");
        } else if (c == '\r') {
            buffer_text(out, "\\r");
        } else if (c == '\b') {
            buffer_text(out, "\\b");
        } else if (c == '\f') {
            buffer_text(out, "\\f");
        } else if (c < 0x20 || c == 0x7F) {
            if (c == 0x7F) buffer_put(out, (char)c);
            else buffer_format(out, "\\u%04x", c);
        } else if (c < 0x80) {
            buffer_put(out, (char)c);
        } else {
            int more = c >= 0xF0 ? 3 : c >= 0xE0 ? 2 : 1;
            uint32_t point = c & (0x3Fu >> more);
            for (int k = 1; k <= more && i + (size_t)k < text.length; k++)
                point = point << 6 | ((unsigned char)text.start[i + (size_t)k] & 0x3F);
            if (point >= 0x10000) {
                point -= 0x10000;
                buffer_format(out, "\\u%04x\\u%04x", 0xD800 + (point >> 10), 0xDC00 + (point & 0x3FF));
            } else {
                buffer_format(out, "\\u%04x", point);
            }
            i += (size_t)more;
        }
        i++;
    }
    buffer_put(out, '"');
}

static void json_depth(Evaluator *ev, Buffer *out, Value *value, int depth) {
    if (depth > 100) return;
    if (value_is(value, VALUE_STRING)) {
        json_string(out, value_text(value));
    } else if (value_is_none(value)) {
        buffer_text(out, "null");
    } else if (value_is(value, VALUE_BOOL)) {
        buffer_text(out, value_is_true(value) ? "true" : "false");
    } else if (value_is(value, VALUE_LIST) || value_is(value, VALUE_TUPLE)) {
        const ListValue *list = (const ListValue *)value;
        buffer_put(out, '[');
        for (int i = 0; i < list->count; i++) {
            if (i) buffer_text(out, ", ");
            json_depth(ev, out, list->items[i], depth + 1);
        }
        buffer_put(out, ']');
    } else if (value_is(value, VALUE_DICT)) {
        const DictValue *dict = (const DictValue *)value;
        buffer_put(out, '{');
        for (int i = 0; i < dict->count; i++) {
            if (i) buffer_text(out, ", ");
            Value *key = dict->entries[i].key;
            if (!value_is(key, VALUE_STRING)) {
                Buffer inner;
                buffer_init(&inner, evaluator_arena(ev));
                json_depth(ev, &inner, key, depth + 1);
                json_string(out, buffer_view(&inner));
            } else {
                json_string(out, value_text(key));
            }
            buffer_text(out, ": ");
            json_depth(ev, out, dict->entries[i].value, depth + 1);
        }
        buffer_put(out, '}');
    } else {
        Slice text = value_repr(ev, value);
        buffer_slice(out, text);
    }
}

static void buffer_json(Evaluator *ev, Buffer *out, Value *value) { json_depth(ev, out, value, 0); }

static bool value_contains_unknown(const Value *value, int depth) {
    if (value_is_unknown(value) || depth > 50) return true;
    if (value_is(value, VALUE_LIST) || value_is(value, VALUE_TUPLE)) {
        const ListValue *list = (const ListValue *)value;
        for (int i = 0; i < list->count; i++)
            if (value_contains_unknown(list->items[i], depth + 1)) return true;
    } else if (value_is(value, VALUE_DICT)) {
        const DictValue *dict = (const DictValue *)value;
        for (int i = 0; i < dict->count; i++)
            if (value_contains_unknown(dict->entries[i].value, depth + 1)) return true;
    }
    return false;
}

/* ---- JSON access ---- */

static Literal json_key(Evaluator *ev, Value *value, const Dialect *dialect) {
    int64_t number = 0;
    if (dialect->id == DIALECT_POSTGRESQL) {
        if (value_as_integer(value, &number)) return (Literal){.kind = LITERAL_INTEGER, .integer = number};
        return literal_text(value_is(value, VALUE_STRING) ? value_text(value) : value_repr(ev, value));
    }
    if (value_as_integer(value, &number))
        return literal_text(slice_format(evaluator_arena(ev), "$[%lld]", (long long)number));
    return literal_text(slice_format(evaluator_arena(ev), "$.\"%.*s\"", SLICE_ARGS(value_text(value))));
}

static Literal json_path(Evaluator *ev, const ListValue *list, const Dialect *dialect) {
    Arena *arena = evaluator_arena(ev);
    Buffer out;
    buffer_init(&out, arena);
    if (dialect->id == DIALECT_POSTGRESQL) {
        Literal array = {.kind = LITERAL_ARRAY, .items = ARENA_ARRAY(arena, Literal, list->count + 1)};
        for (int i = 0; i < list->count; i++) {
            Value *item = list->items[i];
            array.items[array.count++] =
                literal_text(value_is(item, VALUE_STRING) ? value_text(item) : value_repr(ev, item));
        }
        return array;
    }
    buffer_put(&out, '$');
    for (int i = 0; i < list->count; i++) {
        int64_t number = 0;
        if (value_as_integer(list->items[i], &number)) buffer_format(&out, "[%lld]", (long long)number);
        else if (value_is(list->items[i], VALUE_STRING))
            buffer_format(&out, ".\"%.*s\"", SLICE_ARGS(value_text(list->items[i])));
    }
    return literal_text(buffer_view(&out));
}

/* ---- by value ---- */

static Literal map_literal(Evaluator *ev, const DictValue *dict, const Dialect *dialect);
static Literal plain_literal(Evaluator *ev, Value *value, const Dialect *dialect, bool dashed_uuid);

/* A member as a driver sees it: one that is a string or number too by its value, else by its name. */
static Literal enum_literal(Evaluator *ev, Value *member, const Dialect *dialect) {
    const Class *cls = member->cls;
    for (int i = 0; i < cls->mro_count; i++) {
        Slice name = cls->mro[i]->name->text;
        if (slice_equals_text(name, "str") || slice_equals_text(name, "int"))
            return plain_literal(ev, enum_member_value(member), dialect, true);
    }
    return literal_text(enum_member_name(member)->text);
}

static Literal plain_literal(Evaluator *ev, Value *value, const Dialect *dialect, bool dashed_uuid) {
    switch ((int)value->type->kind) {
    case VALUE_NONE: return (Literal){.kind = LITERAL_NULL};
    case VALUE_BOOL: return (Literal){.kind = LITERAL_BOOL, .integer = value_is_true(value)};
    case VALUE_INTEGER: {
        const IntegerValue *integer = (const IntegerValue *)value;
        if (integer->big.length) return literal_text(integer->big);
        return (Literal){.kind = LITERAL_INTEGER, .integer = integer->number};
    }
    case VALUE_FLOAT: return (Literal){.kind = LITERAL_FLOAT, .number = ((const FloatValue *)value)->number};
    case VALUE_STRING: return literal_text(value_text(value));
    case VALUE_BYTES: return (Literal){.kind = LITERAL_BYTES, .text = value_text(value)};
    case VALUE_DECIMAL: return literal_text(((const DecimalValue *)value)->text);
    case VALUE_UUID: return literal_text(uuid_text(ev, (const UuidValue *)value, dashed_uuid));
    case VALUE_DATE: {
        const DateValue *date = (const DateValue *)value;
        return literal_text(date_text(ev, date->year, date->month, date->day));
    }
    case VALUE_DATETIME: {
        const DateTimeValue *at = (const DateTimeValue *)value;
        return literal_text(clock_text(ev, dialect, date_text(ev, at->year, at->month, at->day), at->hour, at->minute,
                                       at->second, at->microsecond, at->zone));
    }
    case VALUE_TIME: {
        const TimeValue *at = (const TimeValue *)value;
        return literal_text(
            clock_text(ev, dialect, (Slice){"", 0}, at->hour, at->minute, at->second, at->microsecond, at->zone));
    }
    case VALUE_TIMEDELTA:
        if (dialect->id == DIALECT_POSTGRESQL)
            return (Literal){.kind = LITERAL_INTEGER, .integer = ((const TimeDeltaValue *)value)->microseconds};
        return literal_text(interval_as_datetime(ev, dialect, ((const TimeDeltaValue *)value)->microseconds));
    case VALUE_DICT: return map_literal(ev, (const DictValue *)value, dialect);
    default:
        if (value_is_enum_member(value)) return enum_literal(ev, value, dialect);
        if (value->type == &sa_range_type) return literal_text(((const RangeValue *)value)->text);
        return literal_text(value_repr(ev, value));
    }
}

static bool enum_label(const SaType *type, const Value *value, Slice *out) {
    for (int i = 0; i < type->label_count; i++)
        if (type->label_values[i] == value) {
            *out = type->labels[i];
            return true;
        }
    return false;
}

static Literal array_literal(Evaluator *ev, const SaType *item, const ListValue *list, const Dialect *dialect,
                             const Node *site) {
    Literal array = {.kind = LITERAL_ARRAY, .items = ARENA_ARRAY(evaluator_arena(ev), Literal, list->count + 1)};
    for (int i = 0; i < list->count; i++) {
        Value *value = list->items[i];
        if (value_is(value, VALUE_LIST) || value_is(value, VALUE_TUPLE)) {
            array.items[array.count++] = array_literal(ev, item, (const ListValue *)value, dialect, site);
            continue;
        }
        Param inner = {0};
        if (type_bind(ev, item, value, dialect, &inner, site)) array.items[array.count++] = inner.value;
    }
    return array;
}

static Literal map_literal(Evaluator *ev, const DictValue *dict, const Dialect *dialect) {
    Literal map = {.kind = LITERAL_MAP, .items = ARENA_ARRAY(evaluator_arena(ev), Literal, dict->count * 2 + 1)};
    for (int i = 0; i < dict->count; i++) {
        map.items[map.count++] = plain_literal(ev, dict->entries[i].key, dialect, true);
        map.items[map.count++] = plain_literal(ev, dict->entries[i].value, dialect, true);
    }
    return map;
}

static void hstore_item(Evaluator *ev, Buffer *out, Value *item) {
    if (value_is_none(item)) {
        buffer_text(out, "NULL");
        return;
    }
    Value *text = value_str(ev, item, NULL);
    Slice slice = text ? value_text(text) : (Slice){"", 0};
    buffer_put(out, '"');
    for (size_t i = 0; i < slice.length; i++) {
        if (slice.start[i] == '"' || slice.start[i] == '\\') buffer_put(out, '\\');
        buffer_put(out, slice.start[i]);
    }
    buffer_put(out, '"');
}

/* "a"=>"1", "b"=>NULL */
static Slice hstore_text(Evaluator *ev, const DictValue *dict) {
    Buffer out;
    buffer_init(&out, evaluator_arena(ev));
    for (int i = 0; i < dict->count; i++) {
        if (i) buffer_text(&out, ", ");
        hstore_item(ev, &out, dict->entries[i].key);
        buffer_text(&out, "=>");
        hstore_item(ev, &out, dict->entries[i].value);
    }
    return buffer_view(&out);
}

static Literal typed_literal(Evaluator *ev, const SaType *type, Value *value, const Dialect *dialect,
                             const Node *site) {
    Buffer out;
    buffer_init(&out, evaluator_arena(ev));
    bool list = value_is(value, VALUE_LIST) || value_is(value, VALUE_TUPLE);
    switch ((int)type->affinity) {
    case TYPE_JSON:
        if (value->type == &sa_json_null_type) return literal_text(SLICE("null"));
        if (value_is_none(value) && type->none_as_null) return (Literal){.kind = LITERAL_NULL};
        buffer_json(ev, &out, value);
        return literal_text(buffer_view(&out));
    case TYPE_JSON_INDEX: return json_key(ev, value, dialect);
    case TYPE_JSON_PATH:
        return list ? json_path(ev, (const ListValue *)value, dialect) : plain_literal(ev, value, dialect, true);
    case TYPE_ARRAY:
        if (list)
            return array_literal(ev, type->item ? type->item : type_of_kind(ev, TYPE_NULL), (const ListValue *)value,
                                 dialect, site);
        break;
    case TYPE_HSTORE:
        if (value_is(value, VALUE_DICT)) return literal_text(hstore_text(ev, (const DictValue *)value));
        break;
    case TYPE_STRING: {
        Slice label;
        if (type_is(type, TYPE_ENUM) && enum_label(type, value, &label)) return literal_text(label);
        break;
    }
    case TYPE_BOOLEAN:
        if (value_is(value, VALUE_INTEGER))
            return (Literal){.kind = LITERAL_BOOL, .integer = ((const IntegerValue *)value)->number != 0};
        break;
    case TYPE_DATE:
        if (value_is(value, VALUE_DATETIME) && dialect->id == DIALECT_SQLITE) {
            const DateTimeValue *at = (const DateTimeValue *)value;
            return literal_text(date_text(ev, at->year, at->month, at->day));
        }
        break;
    case TYPE_DATETIME:
        if (value_is(value, VALUE_DATE)) {
            const DateValue *date = (const DateValue *)value;
            return literal_text(
                clock_text(ev, dialect, date_text(ev, date->year, date->month, date->day), 0, 0, 0, 0, NULL));
        }
        break;
    default: break;
    }
    if (list) return array_literal(ev, type_of_kind(ev, TYPE_NULL), (const ListValue *)value, dialect, site);
    return plain_literal(ev, value, dialect, dialect->has_native_uuid);
}

static SqlType sql_of_literal(Evaluator *ev, Value *value) { return type_sql(ev, type_of_literal(ev, value)); }

/* process_bind_param of the program's own TypeDecorator. */
static Value *decorated_value(Evaluator *ev, const SaType *type, Value *value, const Dialect *dialect,
                              const Node *site) {
    Atom name = atom_intern_text(evaluator_atoms(ev), "process_bind_param");
    if (!class_find(type->head.head.cls, name)) return value;
    Value *self = (Value *)(uintptr_t)&type->head.head;
    Value *items[2] = {value, dialect_value(ev, dialect)};
    return value_call_method(ev, self, "process_bind_param", items, 2, site);
}

/* SQLite's dates and times are texts that SQLAlchemy writes itself, from Python's own objects alone. */
static bool temporal_refused(Evaluator *ev, const SaType *type, const Value *value, const Dialect *dialect,
                             const Node *site) {
    if (dialect->id != DIALECT_SQLITE || value_is_none(value) || value_is_element(value)) return false;
    bool date = value_is(value, VALUE_DATE) || value_is(value, VALUE_DATETIME);
    const char *message = NULL;
    if (type->affinity == TYPE_DATE && !date) message = "SQLite Date type only accepts Python date objects as input.";
    if (type->affinity == TYPE_DATETIME && !date)
        message = "SQLite DateTime type only accepts Python datetime and date objects as input.";
    if (type->affinity == TYPE_TIME && !value_is(value, VALUE_TIME) && !value_is(value, VALUE_DATETIME))
        message = "SQLite Time type only accepts Python time objects as input.";
    if (message) evaluator_raise_id(ev, EXCEPTION_TYPE, site, "%s", message);
    return message != NULL;
}

bool type_bind(Evaluator *ev, const SaType *given, Value *value, const Dialect *dialect, Param *out, const Node *site) {
    const SaType *type = given;
    while (type->kind == TYPE_DECORATOR && type->item) {
        value = decorated_value(ev, type, value, dialect, site);
        if (!value) return false;
        type = decorator_type(ev, type, dialect);
    }
    type = type_on_dialect(ev, type, dialect);
    out->type = type_sql(ev, type);
    if (type->affinity == TYPE_ARRAY && type->item) out->item_type = type_sql(ev, type->item);
    if (site) out->span = evaluator_span(ev, site);
    if (value_is_unknown(value) ||
        ((value_is(value, VALUE_LIST) || value_is(value, VALUE_DICT)) && value_contains_unknown(value, 0))) {
        const UnknownValue *unknown = (const UnknownValue *)value;
        if (value_is_unknown(value) && orm_row_param(ev, unknown, out)) return true;
        out->source = PARAM_NAMED;
        out->name = value_is_unknown(value) ? unknown->text
                    : site                  ? span_text(evaluator_span(ev, site))
                                            : SLICE("value");
        return true;
    }
    if (temporal_refused(ev, type, value, dialect, site)) return false;
    out->source = PARAM_KNOWN;
    out->value = typed_literal(ev, type, value, dialect, site);
    if (out->type == SQL_UNKNOWN && out->value.kind != LITERAL_NULL) out->type = sql_of_literal(ev, value);
    bool number = out->type == SQL_INTEGER || out->type == SQL_BIGINT;
    if (number && out->value.kind == LITERAL_TEXT && value_is(value, VALUE_INTEGER)) out->type = SQL_TEXT; /* "$[0]" */
    return true;
}
