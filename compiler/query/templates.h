/*
 * Templates: how functions and operators are written. The default of each stands beside its id in function_ids.def and
 * operator_ids.def; a dialect's own table holds only what it says otherwise.
 *
 * Holes: {0} … {9} an argument, {*} all arguments joined by ", ", {n*} those from the n-th on, {x} the extra text of
 * the node, {'text'} and {#3} a parameter that the ORM itself adds, {t} the first argument cast to text (PostgreSQL),
 * {e} the second with its wildcards escaped. A template that begins with "!" refuses; the rest of it is the message.
 */
#ifndef ORMC_QUERY_TEMPLATES_H
#define ORMC_QUERY_TEMPLATES_H

#include "compiler/query/dialect.h"

enum { TEMPLATE_REFUSED = '!', TEMPLATE_SHARED = '@' };

/* Never NULL. */
const char *template_of_function(const Dialect *dialect, FunctionId id);
const char *template_of_operator(const Dialect *dialect, OperatorId id);
/* The enumerator's own name, LOWER: for the printer and the tests. */
const char *function_name(FunctionId id);
const char *operator_name(OperatorId id);

#endif
