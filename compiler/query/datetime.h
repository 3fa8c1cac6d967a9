/*
 * Dates and times: the tree for extracting, truncating and differences, as Django writes them on each database. What
 * needs parameters on one database and none on another is decided here, so that lowering says only what it means.
 *
 * A zone is a name as Django has it ("UTC", "Australia/Melbourne", "UTC-05:30", "+05"); empty: no conversion. On SQLite
 * a zone other than UTC gives Django's own call, which needs its registered function.
 */
#ifndef ORMC_QUERY_DATETIME_H
#define ORMC_QUERY_DATETIME_H

#include "compiler/query/dialect.h"

/*
 * A part of a date, time or datetime: `unit` is Django's lookup name ("year", "iso_year", "week_day", "second" …;
 * others are the database's own), `source` the operand's type (DATE, TIME, DATETIME or INTERVAL).
 */
Expr *expr_extract(Arena *arena, const Dialect *dialect, Slice unit, SqlType source, Expr *operand, Slice zone);
/* The operand of type `source` cut to `unit`, as a value of type `output` (DATE, TIME or DATETIME). */
Expr *expr_truncate(Arena *arena, const Dialect *dialect, Slice unit, SqlType source, SqlType output, Expr *operand,
                    Slice zone);
/* The date (output DATE) or time of day (TIME) of a datetime. */
Expr *expr_datetime_part(Arena *arena, const Dialect *dialect, SqlType output, Expr *operand, Slice zone);
/* left - right of two dates, times or datetimes (`type` of both) as an interval. */
Expr *expr_temporal_difference(Arena *arena, const Dialect *dialect, SqlType type, Expr *left, Expr *right);
/*
 * left op right (+ - * /) where one side is a duration and the other a date, time, datetime or number: sides are told
 * apart by their type, INTERVAL being the duration. The group around it is the caller's.
 */
Expr *expr_duration_operation(Arena *arena, const Dialect *dialect, char op, Expr *left, Expr *right, SqlType output);

#endif
