/* The dialects' tables, one a backend; listed in registry.c. */
#ifndef ORMC_BACKENDS_DIALECTS_H
#define ORMC_BACKENDS_DIALECTS_H

#include "compiler/query/dialect.h"

extern const Dialect postgresql_dialect;
extern const Dialect sqlite_dialect;
extern const Dialect mysql_dialect;
extern const Dialect mariadb_dialect;

#endif
