/* Printer: the query tree as indented text, for people (`--dump query`). */
#ifndef ORMC_QUERY_PRINT_H
#define ORMC_QUERY_PRINT_H

#include "compiler/query/query.h"

/* One line a clause, expressions as (KIND part part …), queries below each other. Ends with a newline. */
void query_print(Buffer *out, const Query *query);

#endif
