/*
 * Texts that stand for values of fields: decimals, dates, times, UUIDs, IP addresses. Pure functions on slices; the
 * rules are those of Python's decimal and datetime modules and of Django's dateparse.
 */
#ifndef ORMC_DJANGO_FIELD_TEXT_H
#define ORMC_DJANGO_FIELD_TEXT_H

#include "compiler/base/slice.h"

/* 0.0120 has digits "120" and exponent -4 (leading zeros dropped). */
typedef struct DecimalParts {
    bool negative;
    Slice digits;
    int exponent;
    char storage[512];
} DecimalParts;

/* False: no finite decimal number. */
bool decimal_parse(Slice text, DecimalParts *out);
/* As Python's str(): scientific only where the exponent is positive or the number very small. */
Slice decimal_text(Arena *arena, const DecimalParts *parts);
/* Context(prec=digits).create_decimal_from_float(number) */
Slice decimal_of_float(Arena *arena, double number, int digits);

typedef struct Moment {
    int year, month, day, hour, minute, second, microsecond;
    bool has_offset;
    int offset; /* seconds east of UTC */
} Moment;
typedef enum TextForm { TEXT_FINE, TEXT_MALFORMED, TEXT_OUT_OF_RANGE } TextForm;
TextForm moment_parse(Slice text, Moment *out); /* a date and time, or a date alone */
TextForm moment_parse_date(Slice text, Moment *out);
TextForm moment_parse_time(Slice text, Moment *out);

/* Any spelling that uuid.UUID(hex=…) takes. */
bool uuid_parse(Slice text, uint8_t bytes[16]);
/* IPv6 in its shortest form, IPv4-mapped addresses as ::ffff:1.2.3.4; other texts unchanged. */
Slice ip_address_normalise(Arena *arena, Slice text);

#endif
