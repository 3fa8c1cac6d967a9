/*
 * Shape: the only place where a dialect's abilities change the tree. Runs once before emission; the rewrites belong to
 * the database, not to an ORM.
 */
#ifndef ORMC_QUERY_SHAPE_H
#define ORMC_QUERY_SHAPE_H

#include "compiler/query/dialect.h"

/* Changes `query` in place. False, with a `not-supported` diagnostic, where the dialect can't say it. */
bool query_shape(Arena *arena, const Dialect *dialect, const EmitOptions *options, Query *query,
                 DiagnosticList *diagnostics);

#endif
