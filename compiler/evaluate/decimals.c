/*
 * Decimal and UUID. A Decimal is its text, as Python's str() gives it; arithmetic is exact on its digits, with the
 * 28 digits of the default context where a result is longer.
 */
#include <stdlib.h>
#include <ctype.h>

#include <stdio.h>

#include "compiler/evaluate/internal.h"
#include "compiler/evaluate/number.h"
#include "compiler/evaluate/standard.h"
#include "compiler/evaluate/types.h"

enum { PRECISION = 28 };

typedef struct Number {
    bool negative, special; /* special: NaN, Infinity */
    Slice digits;           /* without leading zeros, "0" for zero */
    int64_t exponent;
} Number;

/* "1.50" -> 150, exponent -2. False: no number. */
static bool number_read(Arena *arena, Slice text, Number *out) {
    *out = (Number){0};
    size_t i = 0;
    while (text.length && isspace((unsigned char)text.start[text.length - 1])) text.length--;
    while (i < text.length && isspace((unsigned char)text.start[i])) i++;
    if (i < text.length && (text.start[i] == '-' || text.start[i] == '+')) out->negative = text.start[i++] == '-';
    Slice rest = slice_sub(text, i, text.length);
    if (rest.length >= 3 && (rest.start[0] == 'N' || rest.start[0] == 'n' || rest.start[0] == 'I' ||
                             rest.start[0] == 'i' || rest.start[0] == 's' || rest.start[0] == 'S')) {
        static const char *const names[] = {"nan", "inf", "infinity", "snan"};
        for (size_t k = 0; k < sizeof names / sizeof *names; k++) {
            bool same = strlen(names[k]) == rest.length;
            for (size_t j = 0; same && j < rest.length; j++)
                same = tolower((unsigned char)rest.start[j]) == names[k][j];
            if (same) {
                out->digits = k == 0 || k == 3 ? SLICE("NaN") : SLICE("Infinity");
                return out->special = true;
            }
        }
        return false;
    }
    char *digits = arena_allocate(arena, rest.length + 2);
    size_t count = 0, seen = 0;
    bool point = false;
    for (i = 0; i < rest.length; i++) {
        char c = rest.start[i];
        if (c == '_') continue;
        if (c == '.' && !point) point = true;
        else if (isdigit((unsigned char)c)) {
            seen++;
            if (point) out->exponent--;
            if (count || c != '0') digits[count++] = c;
        } else break;
    }
    if (!seen) return false;
    if (!count) digits[count++] = '0';
    out->digits = (Slice){digits, count};
    if (i == rest.length) return true;
    if (rest.start[i] != 'e' && rest.start[i] != 'E') return false;
    char *end;
    const char *exponent = slice_terminated(arena, slice_sub(rest, i + 1, rest.length));
    long value = strtol(exponent, &end, 10);
    if (!*exponent || *end || value > 1000000 || value < -1000000) return false;
    out->exponent += value;
    return true;
}

static bool is_zero(const Number *number) { return number->digits.length == 1 && number->digits.start[0] == '0'; }

/* str(): plain notation where the exponent is not above 0 and not far below. */
static Slice number_text(Evaluator *ev, const Number *number) {
    Buffer out;
    buffer_init(&out, ev->arena);
    if (number->negative) buffer_put(&out, '-');
    if (number->special) {
        buffer_slice(&out, number->digits);
        return buffer_view(&out);
    }
    int64_t length = (int64_t)number->digits.length, left = number->exponent + length;
    if (number->exponent <= 0 && left > -6) {
        if (left > 0) {
            buffer_slice(&out, slice_sub(number->digits, 0, (size_t)left));
            if (left < length) {
                buffer_put(&out, '.');
                buffer_slice(&out, slice_sub(number->digits, (size_t)left, (size_t)length));
            }
        } else {
            buffer_text(&out, "0.");
            for (int64_t i = left; i < 0; i++) buffer_put(&out, '0');
            buffer_slice(&out, number->digits);
        }
        return buffer_view(&out);
    }
    buffer_put(&out, number->digits.start[0]);
    if (length > 1) {
        buffer_put(&out, '.');
        buffer_slice(&out, slice_sub(number->digits, 1, (size_t)length));
    }
    buffer_format(&out, "E%+lld", (long long)(left - 1));
    return buffer_view(&out);
}

static Value *number_value(Evaluator *ev, const Number *number) { return value_decimal(ev, number_text(ev, number)); }

/* Drops `count` digits from the right, half to even (or half up). */
static Number number_drop(Evaluator *ev, Number number, int64_t count, bool half_up) {
    if (count <= 0) return number;
    int64_t kept = (int64_t)number.digits.length - count;
    Slice left = kept > 0 ? slice_sub(number.digits, 0, (size_t)kept) : SLICE("0");
    Slice gone = kept >= 0 ? slice_sub(number.digits, (size_t)kept, number.digits.length) : SLICE("0");
    bool more = false;
    for (size_t i = 1; i < gone.length; i++) more = more || gone.start[i] != '0';
    int first = gone.length ? gone.start[0] - '0' : 0;
    bool odd = (left.start[left.length - 1] - '0') % 2;
    if (first > 5 || (first == 5 && (more || odd || half_up))) left = digits_add(ev->arena, left, SLICE("1"));
    return (Number){.negative = number.negative, .digits = left, .exponent = number.exponent + count};
}

static Number number_round(Evaluator *ev, Number number) {
    return number_drop(ev, number, (int64_t)number.digits.length - PRECISION, false);
}

static Number number_shift(Evaluator *ev, Number number, int64_t exponent) {
    Buffer out;
    buffer_init(&out, ev->arena);
    buffer_slice(&out, number.digits);
    for (int64_t i = exponent; i < number.exponent && !is_zero(&number); i++) buffer_put(&out, '0');
    number.digits = buffer_view(&out);
    number.exponent = exponent;
    return number;
}

static bool number_of_value(Evaluator *ev, const Value *value, Number *out) {
    if (value_is(value, VALUE_DECIMAL)) return number_read(ev->arena, ((const DecimalValue *)value)->text, out);
    if (value_is(value, VALUE_INTEGER) || value_is(value, VALUE_BOOL))
        return number_read(ev->arena, integer_digits(ev, value), out);
    return false;
}

static Number number_add(Evaluator *ev, Number a, Number b) {
    int64_t exponent = a.exponent < b.exponent ? a.exponent : b.exponent;
    a = number_shift(ev, a, exponent);
    b = number_shift(ev, b, exponent);
    Number sum = {.exponent = exponent, .negative = a.negative};
    if (a.negative == b.negative) sum.digits = digits_add(ev->arena, a.digits, b.digits);
    else {
        int order = digits_compare(a.digits, b.digits);
        sum.digits = order >= 0 ? digits_subtract(ev->arena, a.digits, b.digits)
                                : digits_subtract(ev->arena, b.digits, a.digits);
        sum.negative = order == 0 ? false : order > 0 ? a.negative : b.negative;
    }
    return number_round(ev, sum);
}

static Number number_divide(Evaluator *ev, Number a, Number b) {
    Number result = {.negative = a.negative != b.negative, .exponent = a.exponent - b.exponent};
    int64_t more = PRECISION + 1 + (int64_t)b.digits.length - (int64_t)a.digits.length;
    if (more < 0) more = 0;
    Number wide = number_shift(ev, a, a.exponent - more);
    Slice rest;
    result.digits = digits_divide(ev->arena, wide.digits, b.digits, &rest);
    result.exponent -= more;
    bool exact = rest.length == 1 && rest.start[0] == '0';
    if (!exact) {
        /* a sticky digit, so that a half is told from a bit more */
        result.digits = slice_format(ev->arena, "%.*s1", SLICE_ARGS(result.digits));
        result.exponent--;
    }
    result = number_round(ev, result);
    while (exact && result.exponent < a.exponent - b.exponent && result.digits.length > 1 &&
           result.digits.start[result.digits.length - 1] == '0') {
        result.digits.length--;
        result.exponent++;
    }
    return result;
}

static Value *decimal_binary(Evaluator *ev, Operator op, Value *self, Value *other, bool reflected, const Node *site) {
    Number a, b;
    Value *left = reflected ? other : self, *right = reflected ? self : other;
    if (!number_of_value(ev, left, &a) || !number_of_value(ev, right, &b)) return NULL;
    if (a.special || b.special) return unknown_result(ev, site, self->cls);
    if (is_zero(&b) && (op == OP_Div || op == OP_FloorDiv || op == OP_Mod))
        return evaluator_raise_id(ev, EXCEPTION_ZERO_DIVISION, site, "[<class 'decimal.DivisionByZero'>]");
    Number result;
    if (op == OP_Add) result = number_add(ev, a, b);
    else if (op == OP_Sub) {
        b.negative = !b.negative;
        result = number_add(ev, a, b);
    } else if (op == OP_Mult) {
        result = number_round(ev, (Number){.negative = a.negative != b.negative,
                                           .digits = digits_multiply(ev->arena, a.digits, b.digits),
                                           .exponent = a.exponent + b.exponent});
    } else if (op == OP_Div) result = number_divide(ev, a, b);
    else if (op == OP_FloorDiv || op == OP_Mod) {
        int64_t exponent = a.exponent < b.exponent ? a.exponent : b.exponent;
        Slice rest, quotient = digits_divide(ev->arena, number_shift(ev, a, exponent).digits,
                                             number_shift(ev, b, exponent).digits, &rest);
        result = op == OP_FloorDiv ? (Number){.negative = a.negative != b.negative, .digits = quotient}
                                   : (Number){.negative = a.negative, .digits = rest, .exponent = exponent};
    } else if (op == OP_Pow) {
        int64_t times;
        if (!value_as_integer(right, &times) || times < 0 || times > 1000) return unknown_result(ev, site, self->cls);
        result = (Number){.digits = SLICE("1")};
        for (int64_t i = 0; i < times; i++)
            result = number_round(ev, (Number){.negative = result.negative != a.negative,
                                               .digits = digits_multiply(ev->arena, result.digits, a.digits),
                                               .exponent = result.exponent + a.exponent});
    } else return NULL;
    return number_value(ev, &result);
}

static Value *decimal_unary(Evaluator *ev, UnaryOperator op, Value *self, const Node *site) {
    (void)site;
    Number number;
    if (op == UNARY_Invert || !number_of_value(ev, self, &number)) return NULL;
    if (op == UNARY_USub) number.negative = !number.negative && !is_zero(&number);
    return number_value(ev, &number);
}

static int decimal_order(Evaluator *ev, const Value *left, const Value *right, bool *comparable) {
    Number a, b;
    if (value_is(left, VALUE_FLOAT) || value_is(right, VALUE_FLOAT)) {
        const Value *decimal = value_is(left, VALUE_FLOAT) ? right : left;
        double x = strtod(slice_terminated(ev->arena, ((const DecimalValue *)decimal)->text), NULL);
        double l = decimal == left ? x : value_as_double(left), r = decimal == left ? value_as_double(right) : x;
        return l < r ? -1 : l > r;
    }
    if (!number_of_value(ev, left, &a) || !number_of_value(ev, right, &b) || a.special || b.special) {
        *comparable = false;
        return 0;
    }
    b.negative = !b.negative;
    int64_t exponent = a.exponent < b.exponent ? a.exponent : b.exponent;
    a = number_shift(ev, a, exponent);
    b = number_shift(ev, b, exponent);
    bool a_zero = is_zero(&a), b_zero = is_zero(&b);
    if (a_zero && b_zero) return 0;
    if (a.negative == b.negative || a_zero || b_zero) return (a_zero ? b.negative : a.negative) ? -1 : 1;
    int order = digits_compare(a.digits, b.digits);
    return a.negative ? -order : order;
}

static Value *decimal_compare(Evaluator *ev, CompareOperator op, Value *self, Value *other, bool reflected,
                              const Node *site) {
    (void)reflected; /* the operator is given as seen from self */
    (void)site;
    if (value_is_unknown(other)) return NULL;
    bool comparable = true;
    bool number = value_is(other, VALUE_DECIMAL) || value_is(other, VALUE_INTEGER) || value_is(other, VALUE_FLOAT) ||
                  value_is(other, VALUE_BOOL);
    if (!number && other->type->compare) return NULL;
    int order = number ? decimal_order(ev, self, other, &comparable) : 1;
    if (op == COMPARE_Eq) return value_bool(ev, number && comparable && order == 0);
    if (op == COMPARE_NotEq) return value_bool(ev, !number || !comparable || order != 0);
    if (!number || !comparable) return NULL;
    return value_bool(ev, op == COMPARE_Lt    ? order < 0
                          : op == COMPARE_LtE ? order <= 0
                          : op == COMPARE_Gt  ? order > 0
                                              : order >= 0);
}

static bool decimal_equals(Evaluator *ev, Value *self, Value *other) {
    Value *same = decimal_compare(ev, COMPARE_Eq, self, other, false, NULL);
    return same && value_is_true(same);
}

static Truth decimal_truth(Evaluator *ev, Value *self, const Node *site) {
    (void)site;
    Number number;
    return number_of_value(ev, self, &number) && is_zero(&number) ? TRUTH_FALSE : TRUTH_TRUE;
}

static void decimal_describe(Evaluator *ev, Value *self, Buffer *out) {
    (void)ev;
    buffer_format(out, "Decimal('%.*s')", SLICE_ARGS(((DecimalValue *)self)->text));
}

static Value *decimal_str(Evaluator *ev, Value *self, const Arguments *a) {
    return (void)a, value_string(ev, ((DecimalValue *)self)->text);
}

static Value *decimal_quantize(Evaluator *ev, Value *self, const Arguments *arguments) {
    Value *to = NULL, *rounding = NULL, *context = NULL;
    if (!arguments_bind(ev, arguments, "quantize", "exp | rounding context", &to, &rounding, &context)) return NULL;
    Number number, wanted;
    if (!number_of_value(ev, self, &number) || !number_of_value(ev, to, &wanted))
        return unknown_result(ev, arguments->site, self->cls);
    bool half_up =
        rounding && value_is(rounding, VALUE_STRING) && slice_equals_text(value_text(rounding), "ROUND_HALF_UP");
    bool down = rounding && value_is(rounding, VALUE_STRING) &&
                (slice_equals_text(value_text(rounding), "ROUND_DOWN") ||
                 slice_equals_text(value_text(rounding), "ROUND_FLOOR"));
    if (down && number.exponent < wanted.exponent) {
        int64_t kept = (int64_t)number.digits.length - (wanted.exponent - number.exponent);
        number.digits = kept > 0 ? slice_sub(number.digits, 0, (size_t)kept) : SLICE("0");
        number.exponent = wanted.exponent;
    } else if (number.exponent < wanted.exponent)
        number = number_drop(ev, number, wanted.exponent - number.exponent, half_up);
    else number = number_shift(ev, number, wanted.exponent);
    return number_value(ev, &number);
}

static Value *decimal_create(Evaluator *ev, Class *cls, const Arguments *arguments) {
    (void)cls;
    if (!arguments->count) return value_decimal(ev, SLICE("0"));
    Value *given = arguments->items[0];
    if (value_is_enum_member(given)) given = enum_member_value(given);
    if (value_is_unknown(given)) return unknown_result(ev, arguments->site, ev->builtins.kinds[VALUE_DECIMAL]);
    if (value_is(given, VALUE_DECIMAL)) return given;
    Number number;
    if (value_is(given, VALUE_STRING)) {
        if (!number_read(ev->arena, value_text(given), &number))
            return evaluator_raise_id(ev, EXCEPTION_VALUE, arguments->site, "[<class 'decimal.ConversionSyntax'>]");
    } else if (value_is(given, VALUE_FLOAT)) {
        /* the exact binary value, as Decimal(0.1) gives it */
        Slice text = slice_format(ev->arena, "%.1100f", ((FloatValue *)given)->number);
        size_t point = slice_find(text, '.');
        while (text.length > point + 1 && text.start[text.length - 1] == '0') text.length--;
        if (text.length == point + 1) text.length--;
        if (!number_read(ev->arena, text, &number)) return NULL;
    } else if (!number_of_value(ev, given, &number)) {
        return evaluator_raise_id(ev, EXCEPTION_TYPE, arguments->site, "conversion from %s to Decimal is not supported",
                                  type_label(given));
    }
    return number_value(ev, &number);
}

static Value *decimal_get_attribute(Evaluator *ev, Value *self, Atom name, const Node *site) {
    (void)ev;
    (void)site;
    return slice_equals_text(name->text, "real") ? self : NULL;
}

static Value *decimal_flag(Evaluator *ev, Value *self, const Arguments *arguments) {
    const char *wanted = evaluator_native_data(ev);
    (void)arguments;
    Number number;
    return value_bool(ev,
                      number_of_value(ev, self, &number) && number.special && slice_equals_text(number.digits, wanted));
}

static Value *decimal_as_tuple(Evaluator *ev, Value *self, const Arguments *arguments) {
    Number number;
    if (!number_of_value(ev, self, &number)) return unknown_result(ev, arguments->site, NULL);
    ListValue *digits = value_list(ev);
    for (size_t i = 0; i < number.digits.length; i++)
        list_append(ev, digits, value_integer(ev, number.digits.start[i] - '0'));
    Value *items[3] = {value_integer(ev, number.negative), value_tuple(ev, digits->items, digits->count),
                       value_integer(ev, number.exponent)};
    return value_tuple(ev, items, 3);
}

const Type decimal_type = {.name = "Decimal",
                           .kind = VALUE_DECIMAL,
                           .get_attribute = decimal_get_attribute,
                           .binary = decimal_binary,
                           .unary = decimal_unary,
                           .compare = decimal_compare,
                           .truth = decimal_truth,
                           .equals = decimal_equals,
                           .describe = decimal_describe};
static const NativeMethod decimal_methods[] = {
    {"quantize", decimal_quantize, NATIVE_METHOD, NULL}, {"__str__", decimal_str, NATIVE_METHOD, NULL},
    {"is_nan", decimal_flag, NATIVE_METHOD, "NaN"},      {"is_infinite", decimal_flag, NATIVE_METHOD, "Infinity"},
    {"as_tuple", decimal_as_tuple, NATIVE_METHOD, NULL}, {0}};

/* ---- UUID ---- */

static bool uuid_read(Slice text, uint8_t bytes[16]) {
    int digits = 0;
    memset(bytes, 0, 16);
    if (slice_starts_with(text, "urn:uuid:")) text = slice_sub(text, 9, text.length);
    for (size_t i = 0; i < text.length; i++) {
        char c = text.start[i];
        if (c == '-' || c == '{' || c == '}') continue;
        int value = c >= '0' && c <= '9'   ? c - '0'
                    : c >= 'a' && c <= 'f' ? c - 'a' + 10
                    : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                           : -1;
        if (value < 0 || digits == 32) return false;
        bytes[digits / 2] = (uint8_t)(bytes[digits / 2] << 4 | value);
        digits++;
    }
    return digits == 32;
}

static Slice uuid_hex(Evaluator *ev, const Value *self, bool dashes) {
    Buffer out;
    buffer_init(&out, ev->arena);
    for (int i = 0; i < 16; i++) {
        if (dashes && (i == 4 || i == 6 || i == 8 || i == 10)) buffer_put(&out, '-');
        buffer_format(&out, "%02x", ((const UuidValue *)self)->bytes[i]);
    }
    return buffer_view(&out);
}

static Value *uuid_create(Evaluator *ev, Class *cls, const Arguments *arguments) {
    (void)cls;
    Value *hex = NULL, *bytes = NULL, *bytes_le = NULL, *fields = NULL, *number = NULL, *version = NULL;
    if (!arguments_bind(ev, arguments, "UUID", "| hex bytes bytes_le fields int version", &hex, &bytes, &bytes_le,
                        &fields, &number, &version))
        return NULL;
    uint8_t raw[16] = {0};
    int64_t small;
    if (hex && value_is(hex, VALUE_STRING)) {
        if (!uuid_read(value_text(hex), raw))
            return evaluator_raise_id(ev, EXCEPTION_VALUE, arguments->site, "badly formed hexadecimal UUID string");
        return value_uuid(ev, raw);
    }
    if (bytes && value_is(bytes, VALUE_BYTES) && value_text(bytes).length == 16)
        return value_uuid(ev, (const uint8_t *)value_text(bytes).start);
    if (number && value_as_integer(number, &small) && small >= 0) {
        for (int i = 0; i < 8; i++) raw[15 - i] = (uint8_t)((uint64_t)small >> (8 * i));
        return value_uuid(ev, raw);
    }
    if (hex && !value_is_unknown(hex) && !value_is(hex, VALUE_NONE))
        return evaluator_raise_id(ev, EXCEPTION_ATTRIBUTE, arguments->site, "'%s' object has no attribute 'replace'",
                                  type_label(hex));
    return unknown_result(ev, arguments->site, ev->builtins.kinds[VALUE_UUID]);
}

static Value *uuid_get_attribute(Evaluator *ev, Value *self, Atom name, const Node *site) {
    if (slice_equals_text(name->text, "hex")) return value_string(ev, uuid_hex(ev, self, false));
    if (slice_equals_text(name->text, "bytes"))
        return value_bytes(ev, (Slice){(const char *)((UuidValue *)self)->bytes, 16});
    return slice_equals_text(name->text, "int") ? unknown_result(ev, site, ev->builtins.kinds[VALUE_INTEGER]) : NULL;
}

static bool uuid_equals(Evaluator *ev, Value *self, Value *other) {
    (void)ev;
    return value_is(other, VALUE_UUID) && memcmp(((UuidValue *)self)->bytes, ((UuidValue *)other)->bytes, 16) == 0;
}

static void uuid_describe(Evaluator *ev, Value *self, Buffer *out) {
    buffer_format(out, "UUID('%.*s')", SLICE_ARGS(uuid_hex(ev, self, true)));
}
static Value *uuid_str(Evaluator *ev, Value *self, const Arguments *a) {
    return (void)a, value_string(ev, uuid_hex(ev, self, true));
}

const Type uuid_type = {.name = "UUID",
                        .kind = VALUE_UUID,
                        .get_attribute = uuid_get_attribute,
                        .equals = uuid_equals,
                        .describe = uuid_describe};
static const NativeMethod uuid_methods[] = {{"__str__", uuid_str, NATIVE_METHOD, NULL}, {0}};

static bool random_bytes(uint8_t *bytes, size_t count) {
    FILE *source = fopen("/dev/urandom", "rb");
    if (!source) return false;
    bool read = fread(bytes, 1, count, source) == count;
    fclose(source);
    return read;
}

/* A random one where the program is really run. */
static Value *uuid_random(Evaluator *ev, Value *self, const Arguments *arguments) {
    (void)self;
    uint8_t bytes[16];
    if (ev->host.has_rows && random_bytes(bytes, sizeof bytes)) {
        bytes[6] = (uint8_t)((bytes[6] & 0x0F) | 0x40);
        bytes[8] = (uint8_t)((bytes[8] & 0x3F) | 0x80);
        return value_uuid(ev, bytes);
    }
    return unknown_result(ev, arguments->site, ev->builtins.kinds[VALUE_UUID]);
}

void decimals_setup(Evaluator *ev) {
    static const struct {
        const Type *type;
        const NativeMethod *methods;
        Value *(*create)(Evaluator *, Class *, const Arguments *);
        const char *module;
    } classes[] = {{&decimal_type, decimal_methods, decimal_create, "decimal"},
                   {&uuid_type, uuid_methods, uuid_create, "uuid"}};
    for (size_t i = 0; i < 2; i++) {
        Class *cls =
            class_new(ev, evaluator_atom(ev, classes[i].type->name), evaluator_atom(ev, classes[i].module), NULL, 0);
        cls->instance_type = classes[i].type;
        cls->create = classes[i].create;
        class_define_methods(ev, cls, classes[i].methods);
        ev->builtins.kinds[classes[i].type->kind] = cls;
    }
}

void decimal_setup(Evaluator *ev, ModuleValue *module) {
    static const char *const roundings[] = {"ROUND_HALF_UP", "ROUND_HALF_EVEN", "ROUND_HALF_DOWN", "ROUND_UP",
                                            "ROUND_DOWN",    "ROUND_CEILING",   "ROUND_FLOOR"};
    module_define(ev, module, "Decimal", &ev->builtins.kinds[VALUE_DECIMAL]->head);
    for (size_t i = 0; i < sizeof roundings / sizeof *roundings; i++)
        module_define(ev, module, roundings[i], value_string(ev, slice_from(roundings[i])));
    module_define_exception(ev, module, "InvalidOperation", ev->builtins.exceptions[EXCEPTION_VALUE], CODE_VALUE_ERROR);
    module_define_exception(ev, module, "DecimalException", ev->builtins.exceptions[EXCEPTION_VALUE], CODE_VALUE_ERROR);
}

void uuid_setup(Evaluator *ev, ModuleValue *module) {
    module_define(ev, module, "UUID", &ev->builtins.kinds[VALUE_UUID]->head);
    static const char *const makers[] = {"uuid1", "uuid3", "uuid4", "uuid5", "uuid6", "uuid7", "uuid8"};
    for (size_t i = 0; i < sizeof makers / sizeof *makers; i++)
        module_define_function(ev, module, makers[i], uuid_random);
}
