/*
 * int, float, bool: arithmetic, order, text. Integers are 64 bits wide, and decimal digits beyond. Input: known
 * values. Output: as CPython computes them.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "compiler/evaluate/internal.h"
#include "compiler/evaluate/number.h"

static bool is_integer(const Value *value) { return value_is(value, VALUE_INTEGER) || value_is(value, VALUE_BOOL); }
static bool is_number(const Value *value) { return is_integer(value) || value_is(value, VALUE_FLOAT); }

double value_as_double(const Value *value) {
    if (value_is(value, VALUE_FLOAT)) return ((const FloatValue *)value)->number;
    const IntegerValue *integer = (const IntegerValue *)value;
    if (!integer->big.length) return (double)integer->number;
    char text[400];
    snprintf(text, sizeof text, "%.*s", SLICE_ARGS(integer->big));
    return strtod(text, NULL);
}

Slice integer_digits(Evaluator *ev, const Value *value) {
    const IntegerValue *integer = (const IntegerValue *)value;
    return integer->big.length ? integer->big : slice_format(ev->arena, "%lld", (long long)integer->number);
}

/* The integer of these digits, in 64 bits where it fits. */
Value *integer_from_digits(Evaluator *ev, Slice digits) {
    bool negative = digits.length && digits.start[0] == '-';
    uint64_t number = 0, limit = negative ? (uint64_t)INT64_MAX + 1 : (uint64_t)INT64_MAX;
    for (size_t i = negative; i < digits.length; i++) {
        unsigned digit = (unsigned)(digits.start[i] - '0');
        if (number > (limit - digit) / 10) return value_big_integer(ev, digits);
        number = number * 10 + digit;
    }
    return value_integer(ev, negative ? (int64_t)(0 - number) : (int64_t)number);
}

/* ---- long arithmetic on decimal digits ---- */

static Slice digits_strip(Slice digits) {
    while (digits.length > 1 && digits.start[0] == '0') digits = slice_sub(digits, 1, digits.length);
    return digits;
}

int digits_compare(Slice a, Slice b) {
    a = digits_strip(a);
    b = digits_strip(b);
    if (a.length != b.length) return a.length < b.length ? -1 : 1;
    int order = memcmp(a.start, b.start, a.length);
    return order < 0 ? -1 : order > 0;
}

Slice digits_add(Arena *arena, Slice a, Slice b) {
    size_t length = (a.length > b.length ? a.length : b.length) + 1;
    char *out = arena_allocate(arena, length + 1);
    int carry = 0;
    for (size_t i = 0; i < length; i++) {
        int sum = carry + (i < a.length ? a.start[a.length - 1 - i] - '0' : 0) +
                  (i < b.length ? b.start[b.length - 1 - i] - '0' : 0);
        out[length - 1 - i] = (char)('0' + sum % 10);
        carry = sum / 10;
    }
    return digits_strip((Slice){out, length});
}

/* a - b where a >= b. */
Slice digits_subtract(Arena *arena, Slice a, Slice b) {
    char *out = arena_allocate(arena, a.length + 1);
    int borrow = 0;
    for (size_t i = 0; i < a.length; i++) {
        int difference =
            a.start[a.length - 1 - i] - '0' - borrow - (i < b.length ? b.start[b.length - 1 - i] - '0' : 0);
        borrow = difference < 0;
        out[a.length - 1 - i] = (char)('0' + difference + (borrow ? 10 : 0));
    }
    return digits_strip((Slice){out, a.length});
}

Slice digits_multiply(Arena *arena, Slice a, Slice b) {
    size_t length = a.length + b.length;
    int *sums = ARENA_ARRAY(arena, int, length + 1);
    for (size_t i = 0; i < a.length; i++)
        for (size_t j = 0; j < b.length; j++) {
            int *sum = &sums[i + j];
            *sum += (a.start[a.length - 1 - i] - '0') * (b.start[b.length - 1 - j] - '0');
            sums[i + j + 1] += *sum / 10;
            *sum %= 10;
        }
    char *out = arena_allocate(arena, length + 1);
    for (size_t i = 0; i < length; i++) out[length - 1 - i] = (char)('0' + sums[i]);
    return digits_strip((Slice){out, length});
}

/* Quotient and remainder of non-negative numbers; b is not zero. */
Slice digits_divide(Arena *arena, Slice a, Slice b, Slice *remainder) {
    char *out = arena_allocate(arena, a.length + 1);
    Slice rest = SLICE("0");
    for (size_t i = 0; i < a.length; i++) {
        rest = digits_strip(slice_format(arena, "%.*s%c", SLICE_ARGS(rest), a.start[i]));
        int digit = 0;
        while (digits_compare(rest, b) >= 0) {
            rest = digits_subtract(arena, rest, b);
            digit++;
        }
        out[i] = (char)('0' + digit);
    }
    if (remainder) *remainder = rest;
    return digits_strip((Slice){out, a.length});
}

typedef struct Long {
    Slice digits;
    bool negative;
} Long;

static Long long_from(Evaluator *ev, const Value *value) {
    Slice digits = integer_digits(ev, value);
    bool negative = digits.start[0] == '-';
    return (Long){negative ? slice_sub(digits, 1, digits.length) : digits, negative};
}

static Value *long_value(Evaluator *ev, Long number) {
    number.digits = digits_strip(number.digits);
    bool zero = number.digits.length == 1 && number.digits.start[0] == '0';
    return integer_from_digits(
        ev, number.negative && !zero ? slice_format(ev->arena, "-%.*s", SLICE_ARGS(number.digits)) : number.digits);
}

static Long long_add(Evaluator *ev, Long a, Long b) {
    if (a.negative == b.negative) return (Long){digits_add(ev->arena, a.digits, b.digits), a.negative};
    int order = digits_compare(a.digits, b.digits);
    if (order >= 0) return (Long){digits_subtract(ev->arena, a.digits, b.digits), a.negative};
    return (Long){digits_subtract(ev->arena, b.digits, a.digits), b.negative};
}

static Value *long_power(Evaluator *ev, Long base, int64_t exponent) {
    Long result = {SLICE("1"), false};
    for (int64_t i = 0; i < exponent && result.digits.length < 2000; i++)
        result = (Long){digits_multiply(ev->arena, result.digits, base.digits), result.negative != base.negative};
    return long_value(ev, result);
}

static Value *long_binary(Evaluator *ev, Operator op, const Value *left, const Value *right) {
    Long a = long_from(ev, left), b = long_from(ev, right);
    if (a.digits.length > 2000 || b.digits.length > 2000) return NULL;
    if (op == OP_Add) return long_value(ev, long_add(ev, a, b));
    if (op == OP_Sub) return long_value(ev, long_add(ev, a, (Long){b.digits, !b.negative}));
    if (op == OP_Mult)
        return long_value(ev, (Long){digits_multiply(ev->arena, a.digits, b.digits), a.negative != b.negative});
    if (op == OP_FloorDiv || op == OP_Mod) {
        Slice rest;
        Long quotient = {digits_divide(ev->arena, a.digits, b.digits, &rest), a.negative != b.negative};
        bool exact = rest.length == 1 && rest.start[0] == '0';
        if (quotient.negative && !exact) quotient = long_add(ev, quotient, (Long){SLICE("1"), true});
        if (op == OP_FloorDiv) return long_value(ev, quotient);
        Long product = {digits_multiply(ev->arena, quotient.digits, b.digits), quotient.negative != b.negative};
        return long_value(ev, long_add(ev, a, (Long){product.digits, !product.negative}));
    }
    return NULL;
}

/* ---- 64 bits ---- */

static bool fits_add(int64_t a, int64_t b) { return b >= 0 ? a <= INT64_MAX - b : a >= INT64_MIN - b; }
static bool fits_multiply(int64_t a, int64_t b) {
    if (a == 0 || b == 0) return true;
    if (a == INT64_MIN || b == INT64_MIN) return a == 1 || b == 1;
    int64_t x = a < 0 ? -a : a, y = b < 0 ? -b : b;
    return x <= INT64_MAX / y;
}

static Value *integer_divide(Evaluator *ev, Operator op, int64_t a, int64_t b) {
    if (b == -1) return op == OP_Mod ? value_integer(ev, 0) : NULL;
    int64_t quotient = a / b, rest = a % b;
    if (rest && (rest < 0) != (b < 0)) quotient--, rest += b;
    return value_integer(ev, op == OP_Mod ? rest : quotient);
}

static Value *integer_binary(Evaluator *ev, Operator op, Value *left, Value *right, const Node *site) {
    int64_t a, b;
    bool small = value_as_integer(left, &a) && value_as_integer(right, &b);
    bool right_zero = value_as_integer(right, &b) && b == 0;
    if (right_zero && (op == OP_Div || op == OP_FloorDiv || op == OP_Mod))
        return evaluator_raise_id(ev, EXCEPTION_ZERO_DIVISION, site, "division by zero");
    if (op == OP_Div) return value_float(ev, value_as_double(left) / value_as_double(right));
    if (op == OP_Pow && value_as_integer(right, &b)) {
        if (b < 0) return value_float(ev, pow(value_as_double(left), (double)b));
        return long_power(ev, long_from(ev, left), b);
    }
    bool both_bool = value_is(left, VALUE_BOOL) && value_is(right, VALUE_BOOL);
    if (small) {
        if (op == OP_Add && fits_add(a, b)) return value_integer(ev, a + b);
        if (op == OP_Sub && b != INT64_MIN && fits_add(a, -b)) return value_integer(ev, a - b);
        if (op == OP_Mult && fits_multiply(a, b)) return value_integer(ev, a * b);
        if (op == OP_FloorDiv || op == OP_Mod) {
            Value *result = integer_divide(ev, op, a, b);
            if (result) return result;
        }
        if (op == OP_BitAnd) return both_bool ? value_bool(ev, a & b) : value_integer(ev, a & b);
        if (op == OP_BitOr) return both_bool ? value_bool(ev, a | b) : value_integer(ev, a | b);
        if (op == OP_BitXor) return both_bool ? value_bool(ev, a ^ b) : value_integer(ev, a ^ b);
        if (op == OP_RShift && b >= 0) return value_integer(ev, b > 63 ? (a < 0 ? -1 : 0) : a >> b);
        if (op == OP_LShift && b >= 0 && b < 4096) {
            Value *factor = long_power(ev, (Long){SLICE("2"), false}, b);
            return integer_binary(ev, OP_Mult, left, factor, site);
        }
    }
    return long_binary(ev, op, left, right);
}

static Value *float_binary(Evaluator *ev, Operator op, double a, double b, const Node *site) {
    if (b == 0 && (op == OP_Div || op == OP_FloorDiv || op == OP_Mod))
        return evaluator_raise_id(ev, EXCEPTION_ZERO_DIVISION, site, "float division by zero");
    if (op == OP_Add) return value_float(ev, a + b);
    if (op == OP_Sub) return value_float(ev, a - b);
    if (op == OP_Mult) return value_float(ev, a * b);
    if (op == OP_Div) return value_float(ev, a / b);
    if (op == OP_Pow) return value_float(ev, pow(a, b));
    if (op == OP_FloorDiv) return value_float(ev, floor(a / b));
    if (op == OP_Mod) {
        double rest = fmod(a, b);
        if (rest != 0 && (rest < 0) != (b < 0)) rest += b;
        return value_float(ev, rest);
    }
    return NULL;
}

Value *number_binary(Evaluator *ev, Operator op, Value *self, Value *other, bool reflected, const Node *site) {
    if (!is_number(other)) return NULL;
    Value *left = reflected ? other : self, *right = reflected ? self : other;
    if (is_integer(left) && is_integer(right)) return integer_binary(ev, op, left, right, site);
    return float_binary(ev, op, value_as_double(left), value_as_double(right), site);
}

Value *number_unary(Evaluator *ev, UnaryOperator op, Value *self, const Node *site) {
    if (op == UNARY_UAdd) return value_is(self, VALUE_BOOL) ? value_integer(ev, ((IntegerValue *)self)->number) : self;
    if (value_is(self, VALUE_FLOAT)) {
        if (op != UNARY_USub) return NULL;
        FloatValue *negative = (FloatValue *)value_float(ev, -((FloatValue *)self)->number);
        return &negative->head;
    }
    if (op == UNARY_USub) return integer_binary(ev, OP_Sub, value_integer(ev, 0), self, site);
    return integer_binary(ev, OP_Sub, integer_binary(ev, OP_Sub, value_integer(ev, 0), self, site),
                          value_integer(ev, 1), site);
}

Truth number_truth(Evaluator *ev, Value *self, const Node *site) {
    (void)ev;
    (void)site;
    if (value_is(self, VALUE_FLOAT)) return ((FloatValue *)self)->number != 0 ? TRUTH_TRUE : TRUTH_FALSE;
    const IntegerValue *integer = (IntegerValue *)self;
    return integer->number || integer->big.length ? TRUTH_TRUE : TRUTH_FALSE;
}

int number_order(Evaluator *ev, Value *left, Value *right, bool *comparable) {
    if (!is_number(left) || !is_number(right)) {
        *comparable = false;
        return 0;
    }
    int64_t a, b;
    if (value_as_integer(left, &a) && value_as_integer(right, &b)) return a < b ? -1 : a > b;
    if (is_integer(left) && is_integer(right)) {
        Long x = long_from(ev, left), y = long_from(ev, right);
        if (x.negative != y.negative) return x.negative ? -1 : 1;
        int order = digits_compare(x.digits, y.digits);
        return x.negative ? -order : order;
    }
    double x = value_as_double(left), y = value_as_double(right);
    if (isnan(x) || isnan(y)) return 2;
    return x < y ? -1 : x > y;
}

/* ---- text ---- */

/* repr() of a float: the shortest digits that read back as the same number. */
static Slice float_text(Arena *arena, double number) {
    if (isnan(number)) return SLICE("nan");
    if (isinf(number)) return number < 0 ? SLICE("-inf") : SLICE("inf");
    char text[40];
    int precision = 1;
    for (; precision <= 17; precision++) {
        snprintf(text, sizeof text, "%.*e", precision - 1, number);
        if (strtod(text, NULL) == number) break;
    }
    const char *e = strchr(text, 'e');
    int exponent = atoi(e + 1);
    if (exponent >= -4 && exponent < 16) {
        int decimals = precision - 1 - exponent;
        return slice_format(arena, "%.*f", decimals < 1 ? 1 : decimals, number);
    }
    return slice_format(arena, "%.*se%c%02d", (int)(e - text), text, exponent < 0 ? '-' : '+', abs(exponent));
}

void number_describe(Evaluator *ev, Value *self, Buffer *out) {
    if (value_is(self, VALUE_BOOL)) buffer_text(out, ((IntegerValue *)self)->number ? "True" : "False");
    else if (value_is(self, VALUE_FLOAT)) buffer_slice(out, float_text(ev->arena, ((FloatValue *)self)->number));
    else buffer_slice(out, integer_digits(ev, self));
}

uint32_t number_hash(Evaluator *ev, Value *self) {
    (void)ev;
    double number = value_as_double(self);
    int64_t whole = number >= -9e18 && number <= 9e18 ? (int64_t)number : 0;
    return (uint32_t)((uint64_t)whole * 2654435761u);
}

/* ---- classes ---- */

static Value *text_to_integer(Evaluator *ev, Slice text, int64_t base, const Arguments *arguments) {
    char copy[600];
    size_t length = 0, start = 0;
    while (start < text.length && strchr(" \t\n\r", text.start[start])) start++;
    for (size_t i = start; i < text.length && length < sizeof copy - 1; i++)
        if (text.start[i] != '_') copy[length++] = text.start[i];
    while (length && strchr(" \t\n\r", copy[length - 1])) length--;
    copy[length] = '\0';
    char *digits = copy;
    if (*digits == '+' || *digits == '-') digits++;
    if (base == 10 && *digits && strspn(digits, "0123456789") == strlen(digits))
        return integer_from_digits(ev, slice_copy(ev->arena, slice_from(*copy == '+' ? copy + 1 : copy)));
    if (base != 10 && *digits) {
        char *end;
        long long number = strtoll(copy, &end, (int)base);
        if (!*end) return value_integer(ev, number);
    }
    return evaluator_raise_id(ev, EXCEPTION_VALUE, arguments->site, "invalid literal for int() with base %d: %.*s",
                              (int)base, SLICE_ARGS(value_repr(ev, arguments->items[0])));
}

static Value *integer_create(Evaluator *ev, Class *cls, const Arguments *arguments) {
    (void)cls;
    Value *value = NULL, *base = NULL;
    if (!arguments_bind(ev, arguments, "int", "| x base", &value, &base)) return NULL;
    int64_t radix = 10;
    if (base) value_as_integer(base, &radix);
    if (!value) return value_integer(ev, 0);
    if (value_is_unknown(value)) return unknown_result(ev, arguments->site, ev->builtins.kinds[VALUE_INTEGER]);
    if (value_is(value, VALUE_STRING) || value_is(value, VALUE_BYTES))
        return text_to_integer(ev, value_text(value), radix, arguments);
    if (value_is(value, VALUE_BOOL)) return value_integer(ev, ((IntegerValue *)value)->number);
    if (value_is(value, VALUE_INTEGER)) return value;
    if (value_is(value, VALUE_FLOAT)) {
        double number = trunc(((FloatValue *)value)->number);
        if (isnan(number) || isinf(number))
            return evaluator_raise_id(ev, EXCEPTION_OVERFLOW, arguments->site,
                                      "cannot convert float infinity to integer");
        return integer_from_digits(ev, slice_format(ev->arena, "%.0f", number));
    }
    if (value_is(value, VALUE_DECIMAL)) {
        Slice text = ((DecimalValue *)value)->text;
        if (slice_find(text, 'E') == text.length)
            return integer_from_digits(ev, slice_sub(text, 0, slice_find(text, '.')));
        return unknown_result(ev, arguments->site, ev->builtins.kinds[VALUE_INTEGER]);
    }
    if (value_is_enum_member(value)) return enum_member_value(value);
    if (value->type->has_attributes || value_is(value, VALUE_NATIVE))
        return unknown_result(ev, arguments->site, ev->builtins.kinds[VALUE_INTEGER]);
    return evaluator_raise_id(ev, EXCEPTION_TYPE, arguments->site,
                              "int() argument must be a string, a bytes-like object or a real number, not '%s'",
                              type_label(value));
}

static Value *float_create(Evaluator *ev, Class *cls, const Arguments *arguments) {
    (void)cls;
    Value *value = NULL;
    if (!arguments_bind(ev, arguments, "float", "| x", &value)) return NULL;
    if (!value) return value_float(ev, 0);
    if (is_number(value)) return value_float(ev, value_as_double(value));
    Slice text = value_is(value, VALUE_STRING)    ? value_text(value)
                 : value_is(value, VALUE_DECIMAL) ? ((DecimalValue *)value)->text
                                                  : SLICE("");
    if (!text.length) {
        if (value_is(value, VALUE_STRING))
            return evaluator_raise_id(ev, EXCEPTION_VALUE, arguments->site, "could not convert string to float: ''");
        return unknown_result(ev, arguments->site, ev->builtins.kinds[VALUE_FLOAT]);
    }
    const char *start = slice_terminated(ev->arena, text);
    char *end;
    double number = strtod(start, &end);
    if (*end)
        return evaluator_raise_id(ev, EXCEPTION_VALUE, arguments->site, "could not convert string to float: %.*s",
                                  SLICE_ARGS(value_repr(ev, value)));
    return value_float(ev, number);
}

static Value *bool_create(Evaluator *ev, Class *cls, const Arguments *arguments) {
    (void)cls;
    if (!arguments->count) return value_bool(ev, false);
    Truth truth = value_truth(ev, arguments->items[0], arguments->site);
    if (truth == TRUTH_ERROR) return NULL;
    if (truth == TRUTH_UNKNOWN) return unknown_result(ev, arguments->site, ev->builtins.kinds[VALUE_BOOL]);
    return value_bool(ev, truth == TRUTH_TRUE);
}

static Value *integer_bit_length(Evaluator *ev, Value *self, const Arguments *arguments) {
    (void)arguments;
    int64_t number = 0;
    value_as_integer(self, &number);
    uint64_t left = number < 0 ? 0 - (uint64_t)number : (uint64_t)number;
    int bits = 0;
    for (; left; left >>= 1) bits++;
    return value_integer(ev, bits);
}

static Value *float_is_integer(Evaluator *ev, Value *self, const Arguments *arguments) {
    (void)arguments;
    double number = value_as_double(self);
    return value_bool(ev, floor(number) == number);
}

static Value *float_hex(Evaluator *ev, Value *self, const Arguments *arguments) {
    (void)arguments;
    return value_string(ev, slice_format(ev->arena, "%a", value_as_double(self)));
}

static const NativeMethod integer_methods[] = {{"bit_length", integer_bit_length, NATIVE_METHOD, NULL}, {0}};
static const NativeMethod float_methods[] = {
    {"is_integer", float_is_integer, NATIVE_METHOD, NULL}, {"hex", float_hex, NATIVE_METHOD, NULL}, {0}};

void numbers_setup(Evaluator *ev) {
    Class *integer = builtin_define_class(ev, "int", builtin_types[VALUE_INTEGER], integer_methods, integer_create);
    NativeClass spec = {.name = "bool", .instance_type = builtin_types[VALUE_BOOL], .create = bool_create};
    ev->builtins.kinds[VALUE_BOOL] = module_define_class(ev, ev->builtins.module, &spec, integer);
    builtin_define_class(ev, "float", builtin_types[VALUE_FLOAT], float_methods, float_create);
    builtin_define_class(ev, "complex", builtin_types[VALUE_COMPLEX], NULL, NULL);
    for (int i = 0; i < 260; i++) {
        IntegerValue *value = ARENA_NEW(ev->arena, IntegerValue);
        value->head = (Value){builtin_types[VALUE_INTEGER], integer};
        value->number = i - 3;
        ev->builtins.small[i] = &value->head;
    }
    for (int i = 0; i < 2; i++) {
        IntegerValue *value = ARENA_NEW(ev->arena, IntegerValue);
        value->head = (Value){builtin_types[VALUE_BOOL], ev->builtins.kinds[VALUE_BOOL]};
        value->number = i;
        *(i ? &ev->builtins.true_ : &ev->builtins.false_) = &value->head;
    }
}
