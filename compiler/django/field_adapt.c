/*
 * get_db_prep_value and the backends' adapt_… functions: a field's Python value as what the driver of the dialect gets.
 *
 * Invariant: `out` is complete whenever true is returned: a known literal, or a named or row-bound parameter with the
 * type of the column.
 *
 * Example: UUIDField: PostgreSQL and MariaDB get the text with dashes, SQLite and MySQL 32 digits without.
 */
#include <stdio.h>

#include "compiler/django/column_type.h"
#include "compiler/django/field_prepare.h"
#include "compiler/django/field_text.h"
#include "compiler/django/instance.h"
#include "compiler/django/model_build.h"
#include "compiler/django/range.h"

enum { NESTING_LIMIT = 64 };

/* ---- parameters that are not known ---- */

static SqlType type_of_class(Evaluator *ev, const Value *known) {
    static const struct {
        ValueKind kind;
        SqlType type;
    } types[] = {{VALUE_BOOL, SQL_BOOLEAN},    {VALUE_INTEGER, SQL_INTEGER},   {VALUE_FLOAT, SQL_FLOAT},
                 {VALUE_STRING, SQL_TEXT},     {VALUE_BYTES, SQL_BYTES},       {VALUE_DATE, SQL_DATE},
                 {VALUE_TIME, SQL_TIME},       {VALUE_DATETIME, SQL_DATETIME}, {VALUE_TIMEDELTA, SQL_INTERVAL},
                 {VALUE_DECIMAL, SQL_DECIMAL}, {VALUE_UUID, SQL_UUID}};
    for (size_t i = 0; known && i < sizeof types / sizeof *types; i++)
        if (known == (const Value *)evaluator_builtin_class(ev, types[i].kind)) return types[i].type;
    return SQL_UNKNOWN;
}

static bool param_unknown(Evaluator *ev, const Value *value, SqlType type, const Node *site, Param *out) {
    const UnknownValue *unknown = (const UnknownValue *)value;
    *out = (Param){.source = PARAM_NAMED, .type = type, .name = unknown->text, .execution = -1};
    if (type == SQL_UNKNOWN) out->type = type_of_class(ev, unknown->known_class);
    if (unknown->node) out->span = evaluator_span(ev, unknown->node);
    if (!out->name.length && site) out->name = span_text(evaluator_span(ev, site));
    if (unknown->origin_type != &django_origin_type || !unknown->origin) return true;
    const DjOrigin *origin = unknown->origin;
    if (!origin->column.length) return true;
    out->source = PARAM_FROM_ROWS;
    out->execution = origin->execution;
    out->statement = origin->statement;
    out->column = origin->column;
    out->expand = origin->list;
    return true;
}

/* A container that holds something unknown stands as a whole for its source text. */
static bool value_holds_unknown(Value *value, int depth) {
    Value **items;
    if (depth > NESTING_LIMIT) return false;
    if (value_is_unknown(value)) return true;
    int count = value_items(value, &items);
    for (int i = 0; i < count; i++)
        if (value_holds_unknown(items[i], depth + 1)) return true;
    if (value->type->kind != VALUE_DICT) return false;
    const DictValue *dict = (const DictValue *)value;
    for (int i = 0; i < dict->count; i++)
        if (dict->entries[i].key && value_holds_unknown(dict->entries[i].value, depth + 1)) return true;
    return dict->open;
}

static bool param_source_text(Evaluator *ev, SqlType type, const Node *site, Param *out) {
    Span span = site ? evaluator_span(ev, site) : (Span){0};
    *out = (Param){.source = PARAM_NAMED, .type = type, .name = span_text(span), .span = span, .execution = -1};
    if (!out->name.length) out->name = SLICE("value");
    return true;
}

/* ---- literals ---- */

static bool param_known(Param *out, SqlType type, Literal literal) {
    *out = (Param){.source = PARAM_KNOWN, .type = type, .value = literal, .execution = -1};
    return true;
}

static bool param_text(Param *out, SqlType type, Slice text) {
    return param_known(out, type, (Literal){.kind = LITERAL_TEXT, .text = text});
}

static Literal literal_integer(const Value *value) {
    const IntegerValue *integer = (const IntegerValue *)value;
    if (integer->big.length) return (Literal){.kind = LITERAL_TEXT, .text = integer->big};
    return (Literal){.kind = LITERAL_INTEGER, .integer = integer->number};
}

static void time_write(Buffer *out, int hour, int minute, int second, int microsecond, bool always) {
    buffer_format(out, "%02d:%02d:%02d", hour, minute, second);
    if (microsecond || always) buffer_format(out, ".%06d", microsecond);
}

static Slice text_of_moment(Evaluator *ev, Value *value, const Node *site) {
    Value *text = value_str(ev, value, site);
    return value_text_or_empty(text);
}

static const char *dialect_title(const Dialect *dialect) { return dialect->is_mysql ? "MySQL" : "SQLite"; }

/* The zone of the database connection: UTC while USE_TZ is on. */
static bool param_datetime(Evaluator *ev, Value *value, const Node *site, Param *out) {
    const Dialect *dialect = evaluator_dialect(ev);
    if (value->type->kind != VALUE_DATETIME) return param_text(out, SQL_DATETIME, text_of_moment(ev, value, site));
    if (((DateTimeValue *)value)->zone && dialect->id != DIALECT_POSTGRESQL) {
        if (!django_use_tz(ev)) {
            evaluator_raise_id(ev, EXCEPTION_VALUE, site,
                               "%s backend does not support timezone-aware datetimes when USE_TZ is False.",
                               dialect_title(dialect));
            return false;
        }
        Value *utc = value_zone(ev, SLICE("UTC"));
        value = value_call_method(ev, value, "astimezone", &utc, 1, site);
        if (!value) return false;
        if (value->type->kind == VALUE_DATETIME) {
            DateTimeValue parts = *(DateTimeValue *)value;
            parts.zone = NULL;
            value = value_datetime(ev, &parts);
        }
    }
    return param_text(out, SQL_DATETIME, text_of_moment(ev, value, site));
}

static bool param_time(Evaluator *ev, const Value *value, const Node *site, Param *out) {
    const Dialect *dialect = evaluator_dialect(ev);
    const TimeValue *time = (const TimeValue *)value;
    Buffer text;
    if (time->zone && dialect->id != DIALECT_POSTGRESQL) {
        evaluator_raise_id(ev, EXCEPTION_VALUE, site, "%s backend does not support timezone-aware times.",
                           dialect_title(dialect));
        return false;
    }
    if (time->zone) return param_text(out, SQL_TIME, text_of_moment(ev, (Value *)(uintptr_t)value, site));
    buffer_init(&text, evaluator_arena(ev));
    time_write(&text, time->hour, time->minute, time->second, time->microsecond, dialect->is_mysql);
    return param_text(out, SQL_TIME, buffer_view(&text));
}

static bool param_uuid(Evaluator *ev, const Value *value, Param *out) {
    const Dialect *dialect = evaluator_dialect(ev);
    const uint8_t *bytes = ((const UuidValue *)value)->bytes;
    Buffer text;
    buffer_init(&text, evaluator_arena(ev));
    for (int i = 0; i < 16; i++) {
        if (dialect->has_native_uuid && (i == 4 || i == 6 || i == 8 || i == 10)) buffer_put(&text, '-');
        buffer_format(&text, "%02x", bytes[i]);
    }
    return param_text(out, dialect->has_native_uuid ? SQL_UUID : SQL_TEXT, buffer_view(&text));
}

static bool param_interval(Evaluator *ev, const Value *value, Param *out) {
    const Dialect *dialect = evaluator_dialect(ev);
    int64_t microseconds = ((const TimeDeltaValue *)value)->microseconds;
    return param_known(out, dialect->has_native_interval ? SQL_INTERVAL : SQL_BIGINT,
                       (Literal){.kind = LITERAL_INTEGER, .integer = microseconds});
}

/* What the driver makes of the Python type alone. */
static bool param_plain(Evaluator *ev, Value *value, const Node *site, Param *out);

static bool param_list(Evaluator *ev, Value **items, int count, const Node *site, Param *out, int depth) {
    Literal *literals = ARENA_ARRAY(evaluator_arena(ev), Literal, count + 1);
    SqlType item_type = SQL_UNKNOWN;
    if (depth > NESTING_LIMIT) return evaluator_raise_id(ev, EXCEPTION_RECURSION, site, "array is nested too deeply");
    for (int i = 0; i < count; i++) {
        Value **inner;
        int inner_count = value_items(items[i], &inner);
        Param item;
        bool fine = inner_count >= 0 ? param_list(ev, inner, inner_count, site, &item, depth + 1)
                                     : param_plain(ev, items[i], site, &item);
        if (!fine) return false;
        literals[i] = item.value;
        if (item.value.kind != LITERAL_NULL) item_type = inner_count >= 0 ? item.item_type : item.type;
    }
    param_known(out, SQL_ARRAY, (Literal){.kind = LITERAL_ARRAY, .items = literals, .count = count});
    out->item_type = item_type;
    return true;
}

static bool param_map(Evaluator *ev, const DictValue *dict, const Node *site, Param *out) {
    Literal *literals = ARENA_ARRAY(evaluator_arena(ev), Literal, 2 * dict->count + 1);
    int count = 0;
    for (int i = 0; i < dict->count; i++) {
        if (!dict->entries[i].key) continue;
        Param key, item;
        if (!param_plain(ev, dict->entries[i].key, site, &key) || !param_plain(ev, dict->entries[i].value, site, &item))
            return false;
        literals[count++] = key.value;
        literals[count++] = item.value;
    }
    return param_known(out, SQL_UNKNOWN, (Literal){.kind = LITERAL_MAP, .items = literals, .count = count});
}

static bool param_plain(Evaluator *ev, Value *value, const Node *site, Param *out) {
    Value **items;
    if (value_is_unknown(value)) return param_unknown(ev, value, SQL_UNKNOWN, site, out);
    switch ((int)value->type->kind) {
    case VALUE_NONE: return param_known(out, SQL_UNKNOWN, (Literal){.kind = LITERAL_NULL});
    case VALUE_BOOL:
        return param_known(out, SQL_BOOLEAN,
                           (Literal){.kind = LITERAL_BOOL, .integer = ((IntegerValue *)value)->number});
    case VALUE_INTEGER: {
        Literal literal = literal_integer(value);
        bool wide = literal.kind == LITERAL_TEXT || literal.integer > INT32_MAX || literal.integer < INT32_MIN;
        SqlType type = literal.kind == LITERAL_TEXT ? SQL_DECIMAL : wide ? SQL_BIGINT : SQL_INTEGER;
        return param_known(out, type, literal);
    }
    case VALUE_FLOAT:
        return param_known(out, SQL_FLOAT, (Literal){.kind = LITERAL_FLOAT, .number = ((FloatValue *)value)->number});
    case VALUE_DECIMAL: return param_text(out, SQL_DECIMAL, ((DecimalValue *)value)->text);
    case VALUE_STRING: return param_text(out, SQL_TEXT, value_text(value));
    case VALUE_BYTES: return param_known(out, SQL_BYTES, (Literal){.kind = LITERAL_BYTES, .text = value_text(value)});
    case VALUE_DATE: return param_text(out, SQL_DATE, text_of_moment(ev, value, site));
    case VALUE_DATETIME: return param_text(out, SQL_DATETIME, text_of_moment(ev, value, site));
    case VALUE_TIME: return param_time(ev, value, site, out);
    case VALUE_TIMEDELTA: return param_interval(ev, value, out);
    case VALUE_UUID: return param_uuid(ev, value, out);
    case VALUE_LIST:
    case VALUE_TUPLE: {
        int count = value_items(value, &items);
        return param_list(ev, items, count, site, out, 0);
    }
    case VALUE_DICT: return param_map(ev, (const DictValue *)value, site, out);
    default: break;
    }
    if (value->type == &django_range_type) return param_text(out, SQL_UNKNOWN, range_text(ev, (DjRange *)value, site));
    Value *key = django_model_of_value(value) && value->type == &django_instance_type
                     ? NULL
                     : value_find_attribute(ev, value, django_atom(ev, "value"), site);
    if (key && key != value) return param_plain(ev, key, site, out);
    Slice shown = value_repr(ev, value);
    evaluator_raise_id(ev, EXCEPTION_TYPE, site, "can't adapt %.*s as a parameter", SLICE_ARGS(shown));
    return false;
}

bool value_prepare(Evaluator *ev, Value *value, const Node *site, Param *out) {
    value = value_resolve(value);
    Value **items;
    bool container = value_items(value, &items) >= 0 || value->type->kind == VALUE_DICT;
    if (container && value_holds_unknown(value, 0)) return param_source_text(ev, SQL_UNKNOWN, site, out);
    return param_plain(ev, value, site, out);
}

/* ---- by field ---- */

static bool adapt_json(Evaluator *ev, DjField *field, Value *value, const Node *site, Param *out) {
    Slice text;
    if (value_holds_unknown(value, 0)) return param_source_text(ev, SQL_JSON, site, out);
    if (!value_dump_json(ev, value, field->encoder, site, &text)) return false;
    return param_text(out, SQL_JSON, text);
}

static bool adapt_array(Evaluator *ev, DjField *field, Value *value, const Node *site, Param *out) {
    Value **items;
    int count = value_items(value, &items);
    if (count < 0) return param_plain(ev, value, site, out);
    if (value_holds_unknown(value, 0)) return param_source_text(ev, SQL_ARRAY, site, out);
    Literal *literals = ARENA_ARRAY(evaluator_arena(ev), Literal, count + 1);
    for (int i = 0; i < count; i++) {
        Param item;
        if (!field_prepare(ev, field->base_field, items[i], site, &item)) return false;
        literals[i] = item.value;
    }
    param_known(out, SQL_ARRAY, (Literal){.kind = LITERAL_ARRAY, .items = literals, .count = count});
    out->item_type = field->base_field->sql_type;
    return true;
}

static bool adapt_range(Evaluator *ev, DjField *field, Value *value, const Node *site, Param *out) {
    Value **items;
    int count = value_items(value, &items);
    Slice bounds = field->default_bounds.length == 2 ? field->default_bounds : SLICE("[)");
    if (count == 2) value = (Value *)range_new(ev, items[0], items[1], bounds);
    if (value->type != &django_range_type) return param_plain(ev, value, site, out);
    DjRange *range = (DjRange *)value;
    if ((range->lower && value_is_unknown(range->lower)) || (range->upper && value_is_unknown(range->upper)))
        return param_source_text(ev, SQL_UNKNOWN, site, out);
    return param_text(out, SQL_UNKNOWN, range_text(ev, range, site));
}

bool field_accepts_key(Evaluator *ev, const DjField *field, const Value *value, const Node *site) {
    int64_t number;
    bool next = field_kind_info(field->internal)->flags & FIELD_FLAG_AUTO && evaluator_dialect(ev)->is_mysql &&
                value_as_integer(value, &number) && number == 0;
    return !next || evaluator_raise_id(ev, EXCEPTION_VALUE, site,
                                       "The database backend does not accept 0 as a value for AutoField.") != NULL;
}

/* A prepared Python value by the rules of the column's type. */
static bool field_adapt(Evaluator *ev, DjField *field, Value *value, const Node *site, Param *out) {
    if (value_is_none(value)) return param_known(out, field->sql_type, (Literal){.kind = LITERAL_NULL});
    if (value_is_unknown(value)) return param_unknown(ev, value, field->sql_type, site, out);
    bool fine;
    if (field_kind_is(field->internal, FIELD_RANGE)) {
        return adapt_range(ev, field, value, site, out);
    } else if (field->internal == FIELD_JSON) {
        return adapt_json(ev, field, value, site, out);
    } else if (field->internal == FIELD_ARRAY && field->base_field) {
        return adapt_array(ev, field, value, site, out);
    } else if (field->internal == FIELD_DURATION && !evaluator_dialect(ev)->has_native_interval &&
               !value_is(value, VALUE_TIMEDELTA)) {
        return evaluator_raise_id(ev, EXCEPTION_ATTRIBUTE, site, "'%s' object has no attribute 'days'",
                                  value->cls->name->text.start) != NULL;
    } else if (field->internal == FIELD_DATETIME) {
        fine = value->type->kind == VALUE_DATETIME ? param_datetime(ev, value, site, out)
                                                   : param_plain(ev, value, site, out);
    } else if (field->internal == FIELD_GENERIC_IP_ADDRESS && value_is_text(value) && !value_text(value).length) {
        return param_known(out, field->sql_type, (Literal){.kind = LITERAL_NULL});
    } else {
        fine = param_plain(ev, value, site, out);
    }
    /* The column's own type is the better hint for integers and texts. */
    bool same_shape = out->type == SQL_INTEGER || out->type == SQL_BIGINT || out->type == SQL_TEXT;
    bool compatible = (out->type == SQL_TEXT) == (field->sql_type == SQL_TEXT || field->sql_type == SQL_UUID);
    if (fine && same_shape && compatible && field->sql_type != SQL_UNKNOWN && field->sql_type != SQL_ARRAY &&
        field->sql_type != SQL_UUID)
        out->type = field->sql_type;
    return fine;
}

/* As Django's driver sends addresses: a text has no operators with inet. */
static void param_name_type(Evaluator *ev, const DjField *field, Param *out) {
    bool address = field->internal == FIELD_IP_ADDRESS || field->internal == FIELD_GENERIC_IP_ADDRESS;
    if (address && evaluator_dialect(ev)->id == DIALECT_POSTGRESQL) out->cast = SLICE("::inet");
}

/* The program's get_db_prep_value(value, connection, prepared=False). */
static Value *field_call_db_prep(Evaluator *ev, DjField *field, Value *own, Value *value, const Node *site) {
    Value *items[3] = {(Value *)field, value, django_connection(ev)};
    return value_call_with(ev, own, items, 3, site);
}

static bool field_prepare_as(Evaluator *ev, DjField *field, Value *value, const Node *site, const char *method,
                             Param *out) {
    value = value_resolve(value);
    Value *own = field_override(ev, field, method);
    if (!own && strcmp(method, "get_db_prep_save") == 0) own = field_override(ev, field, "get_db_prep_value");
    if (field->rel && field->kind != FIELD_GENERIC_RELATION && !own) {
        DjField *target = field_target(ev, field);
        if (target) return field_prepare_as(ev, target, value, site, method, out);
    }
    if (field->kind == FIELD_GENERATED && field->output_field)
        return field_prepare_as(ev, field->output_field, value, site, method, out);
    bool fine;
    if (value_is_unknown(value)) {
        fine = param_unknown(ev, value, field->sql_type, site, out);
    } else {
        Value *ready =
            own ? field_call_db_prep(ev, field, own, value, site) : field_get_prep_value(ev, field, value, site);
        if (!ready) return false;
        ready = value_resolve(ready);
        if (strcmp(method, "get_db_prep_save") == 0 && !field_accepts_key(ev, field, ready, site)) return false;
        fine = field_adapt(ev, field, ready, site, out);
    }
    if (fine) param_name_type(ev, field, out);
    return fine;
}

bool field_prepare(Evaluator *ev, DjField *field, Value *value, const Node *site, Param *out) {
    return field_prepare_as(ev, field, value, site, "get_db_prep_value", out);
}

bool field_prepare_save(Evaluator *ev, DjField *field, Value *value, const Node *site, Param *out) {
    return field_prepare_as(ev, field, value, site, "get_db_prep_save", out);
}
