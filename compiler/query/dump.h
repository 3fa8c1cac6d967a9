/* The query tree as indented text: --dump query, and debuggers. */
#ifndef ORMC_QUERY_DUMP_H
#define ORMC_QUERY_DUMP_H

#include "compiler/query/query.h"

void query_dump(Buffer *out, const Query *query);

#endif
