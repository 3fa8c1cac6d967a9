/* Values: checked, converted and spelled. Part of every build, with executors or without. */
#ifndef ORMC_EXECUTOR_VALUE_H
#define ORMC_EXECUTOR_VALUE_H

#include "backends/executor/store.h"
#include "include/ormc.h"

/* A cell changed in place to what the caller knows of its column; stays as it is where that makes no sense. */
void value_convert(Store *store, OrmcValue *value, OrmcType wanted);
/* An integer given as text becomes a number, if 64 bits hold it. */
void value_shrink(OrmcValue *value);
void value_set_null(OrmcValue *value);
void value_set_integer(OrmcValue *value, OrmcType type, int64_t integer);
void value_set_number(OrmcValue *value, double number);
bool value_set_text(Store *store, OrmcValue *value, OrmcType type, const char *text, size_t length);
/* A TIME or DATETIME in one spelling, whatever the database's: joined by T, microseconds in six digits or none, offsets
 * with minutes. */
bool value_set_moment(Store *store, OrmcValue *value, OrmcType type, const char *text, size_t length);
/* The value of a parameter is well-formed for its type; else `why`. What no database takes is refused here. */
bool value_check(const OrmcValue *value, const char **why);
/* Shortest text that reads back as the same number: "1.5", "1e+300", "inf", "-inf", "nan". */
size_t number_write(double number, char *text, size_t capacity);

#endif
