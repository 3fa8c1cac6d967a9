/*
 * Shape: refusals and rewrites by the dialect's flags. See shape.h.
 *
 *     DISTINCT ON on SQLite  →  not-supported
 */
#include "compiler/query/shape.h"

bool query_shape(Arena *arena, const Dialect *dialect, const EmitOptions *options, Query *query,
                 DiagnosticList *diagnostics) {
    (void)arena;
    (void)options;
    if (query->distinct_on.count && !dialect->has_distinct_on) {
        diagnostics_add(diagnostics, CODE_NOT_SUPPORTED, SEVERITY_ERROR, query->distinct_on.items[0]->span,
                        "DISTINCT ON fields is not supported by this database backend");
        return false;
    }
    return true;
}
