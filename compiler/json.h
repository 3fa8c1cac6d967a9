/*
 * JSON, as much as the pipeline needs: a writer over Buffer and a reader for the lines of `ormc batch`.
 */
#ifndef ORMC_JSON_H
#define ORMC_JSON_H

#include "compiler/query/statement.h"

/* ---- writing ---- */

/* A string in quotes. A lone surrogate (its 3-byte form) becomes \udXXX, bytes that are no UTF-8 become \ufffd. */
void json_write_string(Buffer *out, Slice text);
/* "name": */
void json_write_name(Buffer *out, const char *name);
/* The shortest decimal that reads back as the same number; infinities and NaN as strings. */
void json_write_number(Buffer *out, double number);
/* Bytes in base64, arrays as arrays, maps as objects. */
void json_write_literal(Buffer *out, const Literal *literal);

/* ---- reading ---- */

typedef enum JsonKind { JSON_NULL, JSON_FALSE, JSON_TRUE, JSON_NUMBER, JSON_STRING, JSON_ARRAY, JSON_OBJECT } JsonKind;

typedef struct Json {
    JsonKind kind;
    Slice text;  /* STRING: decoded; NUMBER: as written */
    Slice whole; /* the value's own text */
    struct Json *items;
    Slice *names; /* OBJECT: one an item */
    int count, capacity;
} Json;

/* Reads one value that is the whole text. NULL: it is none; `*error` then says why and `*at` where. */
Json *json_read(Arena *arena, Slice text, const char **error, size_t *at);
const Json *json_member(const Json *object, const char *name); /* NULL: absent */

#endif
