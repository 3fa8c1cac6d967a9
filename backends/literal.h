/*
 * Literals: what the dialects' literal writers share. A writer appends the value so that the database reads back the
 * very value, or answers false and says why it can't.
 */
#ifndef ORMC_BACKENDS_LITERAL_H
#define ORMC_BACKENDS_LITERAL_H

#include "compiler/query/dialect.h"

/* Appends the number; a leading minus never forms a comment with a minus before it. */
void literal_put_integer(Buffer *out, int64_t number);
/* The shortest decimal text that reads back as the same double; finite numbers only. */
void literal_put_float(Buffer *out, double number);
/* Digits with sign, point and exponent and nothing else: safe without quotes. */
bool literal_is_number(Slice text);
/* Same minus rule as literal_put_integer; `text` passed literal_is_number. */
void literal_put_number_text(Buffer *out, Slice text);
void literal_put_hex(Buffer *out, Slice bytes);
/* Between single quotes, a quote doubled; backslashes as they are. */
void literal_put_quoted(Buffer *out, Slice text);
/* Well-formed UTF-8 without surrogates; else `why` is set. */
bool literal_check_text(Slice text, const char **why);

#endif
