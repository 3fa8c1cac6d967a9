/* The verifier. See verify.h. */
#include "compiler/query/verify.h"

const char *query_verify(const Query *query) { return query ? NULL : "no query"; }
