/* Verifier: whether a query tree keeps its rules; run before emission in debug builds. */
#ifndef ORMC_QUERY_VERIFY_H
#define ORMC_QUERY_VERIFY_H

#include "compiler/query/query.h"

/* NULL: sound. Else what is wrong, in words. */
const char *query_verify(const Query *query);

#endif
