/*
 * get_prep_value and to_python: the Python value that a field makes of what it is given. Input: a known value; output:
 * a value of the field's own Python type (int, Decimal, datetime, …) or the error that Django raises.
 *
 * Invariant: values that are not known pass through unchanged; None stays None.
 *
 * Example: IntegerField "12" → 12; DateField datetime(2024, 5, 1, 12) → date(2024, 5, 1); UUIDField "x" →
 * ValidationError.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "compiler/django/field_prepare.h"
#include "compiler/django/field_text.h"
#include "compiler/django/instance.h"
#include "compiler/django/model_build.h"
#include "compiler/evaluate/calendar.h"

bool django_use_tz(Evaluator *ev) {
    Value *value = evaluator_setting(ev, "USE_TZ");
    return !value || value_truthy(ev, value);
}

Slice django_current_zone_name(Evaluator *ev) { return zone_title(ev, django_current_zone(ev)); }

Value *django_current_zone(Evaluator *ev) {
    Value *zone = evaluator_setting_evaluated(ev, "current_timezone");
    if (zone && zone->type->kind == VALUE_TIMEZONE) return zone;
    return value_zone(ev, django_setting_text(ev, "TIME_ZONE", "UTC"));
}

static Value *django_default_zone(Evaluator *ev) { return value_zone(ev, django_setting_text(ev, "TIME_ZONE", "UTC")); }

/* ---- errors ---- */

static Value *raise_number(Evaluator *ev, const DjField *field, Value *value, const Node *site, bool type_error) {
    Slice name = field->name ? field->name->text : SLICE("None");
    Slice shown = value_repr(ev, value);
    return evaluator_raise_id(ev, type_error ? EXCEPTION_TYPE : EXCEPTION_VALUE, site,
                              "Field '%.*s' expected a number but got %.*s.", SLICE_ARGS(name), SLICE_ARGS(shown));
}

static Value *raise_invalid(Evaluator *ev, Value *value, const Node *site, const char *what) {
    Value *text = value_str(ev, value, site);
    if (!text) return NULL;
    Slice shown = value_text_or_empty(text);
    return evaluator_raise(ev, django_state(ev)->validation_error, evaluator_mistake_span(ev, site),
                           "['\xe2\x80\x9c%.*s\xe2\x80\x9d %s']", SLICE_ARGS(shown), what);
}

/* ---- numbers ---- */

static Slice text_trim(Slice text) {
    while (text.length && strchr(" \t\n\r\f\v", text.start[0])) text = slice_sub(text, 1, text.length);
    while (text.length && strchr(" \t\n\r\f\v", text.start[text.length - 1])) text.length--;
    return text;
}

static bool text_is_digits(Slice text) {
    if (!text.length || text.start[0] == '_' || text.start[text.length - 1] == '_') return false;
    for (size_t i = 0; i < text.length; i++)
        if ((text.start[i] < '0' || text.start[i] > '9') && text.start[i] != '_') return false;
    return true;
}

/* int() of a decimal numeral without sign. */
static Value *integer_of_digits(Evaluator *ev, Slice digits, bool negative) {
    Buffer clean;
    buffer_init(&clean, evaluator_arena(ev));
    if (negative) buffer_put(&clean, '-');
    size_t i = 0;
    while (i + 1 < digits.length && (digits.start[i] == '0' || digits.start[i] == '_')) i++;
    for (; i < digits.length; i++)
        if (digits.start[i] != '_') buffer_put(&clean, digits.start[i]);
    Slice text = buffer_view(&clean);
    if (text.length > 18) {
        const char *end = slice_terminated(evaluator_arena(ev), text);
        char back[32];
        int64_t number = strtoll(end, NULL, 10);
        snprintf(back, sizeof back, "%lld", (long long)number);
        if (!slice_equals_text(text, back)) return value_big_integer(ev, text);
        return value_integer(ev, number);
    }
    return value_integer(ev, strtoll(slice_terminated(evaluator_arena(ev), text), NULL, 10));
}

static Value *integer_of_text(Evaluator *ev, Slice text) {
    text = text_trim(text);
    bool negative = text.length && text.start[0] == '-';
    if (text.length && (text.start[0] == '-' || text.start[0] == '+')) text = slice_sub(text, 1, text.length);
    return text_is_digits(text) ? integer_of_digits(ev, text, negative) : NULL;
}

static Value *integer_of_float(Evaluator *ev, double number) {
    if (!isfinite(number)) return NULL;
    char text[400];
    int length = snprintf(text, sizeof text, "%.0f", trunc(number));
    return integer_of_text(ev, (Slice){text, (size_t)length});
}

static Value *integer_of_decimal(Evaluator *ev, Slice text) {
    DecimalParts parts;
    if (!decimal_parse(text, &parts)) return NULL;
    if (parts.exponent < -(int)parts.digits.length) return value_integer(ev, 0);
    Buffer digits;
    buffer_init(&digits, evaluator_arena(ev));
    size_t keep = parts.exponent < 0 ? parts.digits.length - (size_t)-parts.exponent : parts.digits.length;
    buffer_append(&digits, parts.digits.start, keep);
    for (int i = 0; i < parts.exponent && i < 5000; i++) buffer_put(&digits, '0');
    if (!digits.length) buffer_put(&digits, '0');
    return integer_of_digits(ev, buffer_view(&digits), parts.negative);
}

static Value *prep_integer(Evaluator *ev, DjField *field, Value *value, const Node *site) {
    Value *number = NULL;
    bool type_error = false;
    switch ((int)value->type->kind) {
    case VALUE_INTEGER: return value;
    case VALUE_BOOL: return value_integer(ev, ((IntegerValue *)value)->number);
    case VALUE_FLOAT:
        number = integer_of_float(ev, ((FloatValue *)value)->number);
        if (!number && isinf(((FloatValue *)value)->number))
            return evaluator_raise_id(ev, EXCEPTION_OVERFLOW, site, "cannot convert float infinity to integer");
        break;
    case VALUE_DECIMAL: number = integer_of_decimal(ev, ((DecimalValue *)value)->text); break;
    case VALUE_STRING:
    case VALUE_BYTES: number = integer_of_text(ev, value_text(value)); break;
    case VALUE_UUID: {
        Value *name = value_find_attribute(ev, value, django_atom(ev, "int"), site);
        if (name) return name;
        type_error = true;
        break;
    }
    case VALUE_INSTANCE: {
        Value *method = value_find_attribute(ev, value, django_atom(ev, "__int__"), site);
        if (method) return value_call_with(ev, method, NULL, 0, site);
        type_error = true;
        break;
    }
    default: type_error = true;
    }
    return number ? number : raise_number(ev, field, value, site, type_error);
}

static Value *prep_float(Evaluator *ev, DjField *field, Value *value, const Node *site) {
    switch ((int)value->type->kind) {
    case VALUE_FLOAT: return value;
    case VALUE_BOOL:
    case VALUE_INTEGER: {
        const IntegerValue *integer = (const IntegerValue *)value;
        double number = (double)integer->number;
        if (integer->big.length) number = strtod(slice_terminated(evaluator_arena(ev), integer->big), NULL);
        if (isinf(number)) return evaluator_raise_id(ev, EXCEPTION_OVERFLOW, site, "int too large to convert to float");
        return value_float(ev, number);
    }
    case VALUE_DECIMAL:
    case VALUE_STRING:
    case VALUE_BYTES: {
        Slice text = value->type->kind == VALUE_DECIMAL ? ((DecimalValue *)value)->text : value_text(value);
        text = text_trim(text);
        const char *start = slice_terminated(evaluator_arena(ev), text);
        char *end;
        double number = strtod(start, &end);
        bool hex = text.length > 1 && strpbrk(start, "xXpP") != NULL;
        if (text.length && !*end && !hex) return value_float(ev, number);
        return raise_number(ev, field, value, site, false);
    }
    default: return raise_number(ev, field, value, site, true);
    }
}

static Value *prep_decimal(Evaluator *ev, DjField *field, Value *value, const Node *site) {
    static const char message[] = "value must be a decimal number.";
    Slice text;
    switch ((int)value->type->kind) {
    case VALUE_DECIMAL: text = ((DecimalValue *)value)->text; break;
    case VALUE_BOOL:
    case VALUE_INTEGER: {
        const IntegerValue *integer = (const IntegerValue *)value;
        text =
            integer->big.length ? integer->big : slice_format(evaluator_arena(ev), "%lld", (long long)integer->number);
        break;
    }
    case VALUE_FLOAT: {
        double number = ((FloatValue *)value)->number;
        if (isnan(number)) return raise_invalid(ev, value, site, message);
        int digits = field->max_digits > 0 ? field->max_digits : 28;
        text = decimal_of_float(evaluator_arena(ev), number, digits);
        break;
    }
    case VALUE_STRING: text = text_trim(value_text(value)); break;
    default: return raise_invalid(ev, value, site, message);
    }
    DecimalParts parts;
    if (!decimal_parse(text, &parts)) return raise_invalid(ev, value, site, message);
    return value->type->kind == VALUE_DECIMAL ? value : value_decimal(ev, decimal_text(evaluator_arena(ev), &parts));
}

static Value *prep_boolean(Evaluator *ev, DjField *field, Value *value, const Node *site) {
    static const char *const yes[] = {"t", "True", "1"}, *const no[] = {"f", "False", "0"};
    if (value->type->kind == VALUE_BOOL) return value;
    int64_t number;
    if (value_as_integer(value, &number) && (number == 0 || number == 1)) return value_bool(ev, number == 1);
    if (value->type->kind == VALUE_FLOAT) {
        double real = ((FloatValue *)value)->number;
        if (real == 0.0 || real == 1.0) return value_bool(ev, real == 1.0);
    }
    if (value_is_text(value)) {
        for (size_t i = 0; i < 3; i++) {
            if (slice_equals_text(value_text(value), yes[i])) return value_bool(ev, true);
            if (slice_equals_text(value_text(value), no[i])) return value_bool(ev, false);
        }
        if (field->null && value_text(value).length == 0) return value_none(ev);
    }
    return raise_invalid(ev, value, site,
                         field->null ? "value must be either True, False, or None."
                                     : "value must be either True or False.");
}

static Value *prep_uuid(Evaluator *ev, Value *value, const Node *site) {
    if (value->type->kind == VALUE_UUID) return value;
    uint8_t bytes[16];
    if (value_is_text(value) && uuid_parse(value_text(value), bytes)) return value_uuid(ev, bytes);
    int64_t number;
    if (value_as_integer(value, &number) && number >= 0) {
        for (int i = 0; i < 16; i++) bytes[i] = i < 8 ? 0 : (uint8_t)((uint64_t)number >> (8 * (15 - i)));
        return value_uuid(ev, bytes);
    }
    return raise_invalid(ev, value, site, "is not a valid UUID.");
}

/* ---- dates and times ---- */

static Value *to_zone(Evaluator *ev, Value *value, Value *zone, const Node *site) {
    return value_call_method(ev, value, "astimezone", &zone, 1, site);
}

static Value *prep_date(Evaluator *ev, Value *value, const Node *site) {
    if (value->type->kind == VALUE_DATE) return value;
    if (value->type->kind == VALUE_DATETIME) {
        if (django_use_tz(ev) && ((DateTimeValue *)value)->zone) {
            value = to_zone(ev, value, django_default_zone(ev), site);
            if (!value || value->type->kind != VALUE_DATETIME) return value;
        }
        const DateTimeValue *moment = (const DateTimeValue *)value;
        return value_date(ev, moment->year, moment->month, moment->day);
    }
    if (!value_is_text(value))
        return evaluator_raise_id(ev, EXCEPTION_TYPE, site, "fromisoformat: argument must be str");
    Moment moment;
    TextForm form = moment_parse_date(value_text(value), &moment);
    if (form == TEXT_FINE) return value_date(ev, moment.year, moment.month, moment.day);
    if (form == TEXT_OUT_OF_RANGE)
        return raise_invalid(ev, value, site, "value has the correct format (YYYY-MM-DD) but it is an invalid date.");
    return raise_invalid(ev, value, site, "value has an invalid date format. It must be in YYYY-MM-DD format.");
}

static Value *moment_value(Evaluator *ev, const Moment *moment) {
    DateTimeValue parts = {.year = moment->year,
                           .month = moment->month,
                           .day = moment->day,
                           .hour = moment->hour,
                           .minute = moment->minute,
                           .second = moment->second,
                           .microsecond = moment->microsecond};
    if (moment->has_offset)
        parts.zone = moment->offset ? value_fixed_zone(ev, moment->offset) : value_zone(ev, SLICE("UTC"));
    return value_datetime(ev, &parts);
}

static Value *datetime_of(Evaluator *ev, Value *value, const Node *site) {
    if (value->type->kind == VALUE_DATETIME) return value;
    if (value->type->kind == VALUE_DATE) {
        const DateValue *date = (const DateValue *)value;
        DateTimeValue parts = {.year = date->year, .month = date->month, .day = date->day};
        return value_datetime(ev, &parts);
    }
    if (!value_is_text(value))
        return evaluator_raise_id(ev, EXCEPTION_TYPE, site, "fromisoformat: argument must be str");
    Moment moment;
    TextForm form = moment_parse(value_text(value), &moment);
    if (form == TEXT_FINE) return moment_value(ev, &moment);
    if (form == TEXT_OUT_OF_RANGE)
        return raise_invalid(ev, value, site,
                             "value has the correct format (YYYY-MM-DD HH:MM[:ss[.uuuuuu]][TZ]) but it is an invalid "
                             "date/time.");
    return raise_invalid(ev, value, site,
                         "value has an invalid format. It must be in YYYY-MM-DD HH:MM[:ss[.uuuuuu]][TZ] format.");
}

static Value *prep_datetime(Evaluator *ev, Value *value, const Node *site) {
    value = datetime_of(ev, value, site);
    if (!value || value->type->kind != VALUE_DATETIME) return value;
    if (!django_use_tz(ev) || ((DateTimeValue *)value)->zone) return value;
    DateTimeValue parts = *(DateTimeValue *)value;
    parts.zone = django_default_zone(ev);
    return value_datetime(ev, &parts);
}

static Value *prep_time(Evaluator *ev, Value *value, const Node *site) {
    if (value->type->kind == VALUE_TIME) return value;
    if (value->type->kind == VALUE_DATETIME) {
        const DateTimeValue *moment = (const DateTimeValue *)value;
        return value_time(ev, moment->hour, moment->minute, moment->second, moment->microsecond, NULL);
    }
    if (!value_is_text(value))
        return evaluator_raise_id(ev, EXCEPTION_TYPE, site, "fromisoformat: argument must be str");
    Moment moment;
    TextForm form = moment_parse_time(value_text(value), &moment);
    if (form == TEXT_FINE) return value_time(ev, moment.hour, moment.minute, moment.second, moment.microsecond, NULL);
    if (form == TEXT_OUT_OF_RANGE)
        return raise_invalid(ev, value, site,
                             "value has the correct format (HH:MM[:ss[.uuuuuu]]) but it is an invalid time.");
    return raise_invalid(ev, value, site, "value has an invalid format. It must be in HH:MM[:ss[.uuuuuu]] format.");
}

/* ---- texts and containers ---- */

static Value *prep_text(Evaluator *ev, Value *value, const Node *site) {
    return value_is_text(value) ? value : value_str(ev, value, site);
}

static Value *prep_hstore(Evaluator *ev, Value *value, const Node *site) {
    if (value->type->kind != VALUE_DICT) return value;
    const DictValue *dict = (const DictValue *)value;
    DictValue *out = value_dict(ev);
    for (int i = 0; i < dict->count; i++) {
        if (!dict->entries[i].key) continue;
        Value *item = dict->entries[i].value;
        if (!value_is_unknown(item) && !value_is_none(item)) item = prep_text(ev, item, site);
        Value *key = prep_text(ev, dict->entries[i].key, site);
        if (!item || !key) return NULL;
        dict_set(ev, out, key, item, NULL);
    }
    return (Value *)out;
}

static Value *prep_array(Evaluator *ev, DjField *field, Value *value, const Node *site) {
    Value **items;
    int count = value_items(value, &items);
    if (count < 0) return value;
    ListValue *list = value_list(ev);
    for (int i = 0; i < count; i++) {
        Value *item = field_get_prep_value(ev, field->base_field, items[i], site);
        if (!item) return NULL;
        list_append(ev, list, item);
    }
    return (Value *)list;
}

/* ---- by kind ---- */

/* Django's own method for the field's class, overrides aside. */
static Value *field_own_prep_value(Evaluator *ev, DjField *field, Value *value, const Node *site) {
    if (value_is_none(value) || value_is_unknown(value)) return value;
    if (field->rel && field->kind != FIELD_GENERIC_RELATION) {
        DjField *target = field_target(ev, field);
        return target ? field_get_prep_value(ev, target, value, site) : value;
    }
    if (field_kind_is(field->kind, FIELD_INTEGER)) return prep_integer(ev, field, value, site);
    if (field_kind_is(field->kind, FIELD_DATETIME)) return prep_datetime(ev, value, site);
    if (field_kind_is(field->kind, FIELD_DATE)) return prep_date(ev, value, site);
    if (field_kind_is(field->kind, FIELD_CHAR) || field_kind_is(field->kind, FIELD_TEXT) ||
        field_kind_is(field->kind, FIELD_FILE))
        return prep_text(ev, value, site);
    if (field_kind_is(field->kind, FIELD_BOOLEAN)) return prep_boolean(ev, field, value, site);
    switch ((int)field->kind) {
    case FIELD_FLOAT: return prep_float(ev, field, value, site);
    case FIELD_DECIMAL: return prep_decimal(ev, field, value, site);
    case FIELD_TIME: return prep_time(ev, value, site);
    case FIELD_UUID: return prep_uuid(ev, value, site);
    case FIELD_FILE_PATH:
    case FIELD_IP_ADDRESS: return prep_text(ev, value, site);
    case FIELD_GENERIC_IP_ADDRESS: {
        Value *text = prep_text(ev, value, site);
        if (!value_is_text(text) || slice_find(value_text(text), ':') == value_text(text).length) return text;
        return value_string(ev, ip_address_normalise(evaluator_arena(ev), value_text(text)));
    }
    case FIELD_HSTORE: return prep_hstore(ev, value, site);
    case FIELD_ARRAY: return prep_array(ev, field, value, site);
    case FIELD_GENERATED: return field_get_prep_value(ev, field->output_field, value, site);
    default: return value;
    }
}

Value *field_get_prep_value(Evaluator *ev, DjField *field, Value *value, const Node *site) {
    Value *own = field_override(ev, field, "get_prep_value");
    if (!own || value_is_unknown(value)) return field_own_prep_value(ev, field, value, site);
    Value *items[2] = {(Value *)field, value};
    return value_call_with(ev, own, items, 2, site);
}

Value *field_to_python(Evaluator *ev, DjField *field, Value *value, const Node *site) {
    if (value_is_none(value) || value_is_unknown(value)) return value;
    if (field->rel) {
        DjField *target = field_target(ev, field);
        return target ? field_to_python(ev, target, value, site) : value;
    }
    if (!field_kind_is(field->kind, FIELD_INTEGER) && field->kind != FIELD_FLOAT)
        return field_own_prep_value(ev, field, value, site);
    Value *number =
        field->kind == FIELD_FLOAT ? prep_float(ev, field, value, site) : prep_integer(ev, field, value, site);
    if (number) return number;
    evaluator_clear_error(ev);
    return raise_invalid(ev, value, site,
                         field->kind == FIELD_FLOAT ? "value must be a float." : "value must be an integer.");
}
