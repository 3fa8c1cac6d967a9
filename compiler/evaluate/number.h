/*
 * Arithmetic shared by int, float and Decimal: numbers as decimal digits, and the slots of the numeric types.
 * Digits are non-negative, without sign and point: "1203".
 */
#ifndef ORMC_EVALUATE_NUMBER_H
#define ORMC_EVALUATE_NUMBER_H

#include "compiler/evaluate/native.h"

int digits_compare(Slice a, Slice b);
Slice digits_add(Arena *arena, Slice a, Slice b);
Slice digits_subtract(Arena *arena, Slice a, Slice b); /* a >= b */
Slice digits_multiply(Arena *arena, Slice a, Slice b);
Slice digits_divide(Arena *arena, Slice a, Slice b, Slice *remainder);

double value_as_double(const Value *value); /* int, bool, float */
Slice integer_digits(Evaluator *ev, const Value *value);
Value *integer_from_digits(Evaluator *ev, Slice digits);

Value *number_binary(Evaluator *ev, Operator op, Value *self, Value *other, bool reflected, const Node *site);
Value *number_unary(Evaluator *ev, UnaryOperator op, Value *self, const Node *site);
Truth number_truth(Evaluator *ev, Value *self, const Node *site);
int number_order(Evaluator *ev, Value *left, Value *right, bool *comparable);
void number_describe(Evaluator *ev, Value *self, Buffer *out);
uint32_t number_hash(Evaluator *ev, Value *self);

#endif
