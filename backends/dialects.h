/* The dialects' tables, as dialects.def lists them: `const Dialect NAME_dialect`. */
#ifndef ORMC_BACKENDS_DIALECTS_H
#define ORMC_BACKENDS_DIALECTS_H

#include "compiler/query/dialect.h"

#define DIALECT(name, folder) extern const Dialect name##_dialect;
#include "backends/dialects.def"
#undef DIALECT

#endif
