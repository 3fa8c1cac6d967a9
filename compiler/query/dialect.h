/*
 * Dialect: what the compiler needs to know of a database — flags, spellings, hooks. The compiler reads `const Dialect
 * *` and nothing of backends/ but this; backends/<db>/dialect.c fills it in.
 */
#ifndef ORMC_QUERY_DIALECT_H
#define ORMC_QUERY_DIALECT_H

#include "compiler/query/query.h"

/* The databases that the ORMs have rules for: column types, adaptation of values, what they work round. */
typedef enum DialectId { DIALECT_POSTGRESQL, DIALECT_SQLITE, DIALECT_MYSQL, DIALECT_MARIADB, DIALECT_COUNT } DialectId;

/* Who wrote the query: quoting, case of keywords and spelling of some constructs belong to the ORM, not to the
 * database. */
typedef enum EmitStyle { STYLE_DJANGO, STYLE_SQLALCHEMY } EmitStyle;

typedef struct Dialect {
    DialectId id; /* its own, or that of the database by whose rules an ORM writes for it */
    const char *name;
    char quote;                 /* of identifiers: " or ` */
    bool numbered_placeholders; /* $1 */
    /* the name has to be quoted where the style quotes only at need (reserved words, case, leading digit, …) */
    bool (*name_needs_quotes)(Slice name);
    bool is_mysql; /* MySQL or MariaDB */
    bool has_returning, has_update_returning;
    bool has_distinct_on, has_nulls_order, has_aggregate_filter;
    bool group_by_primary_key; /* selected primary key stands for its whole row in GROUP BY */
    bool has_for_update, has_skip_locked, has_nowait, has_for_no_key_update, has_for_update_of;
    bool has_native_uuid, has_native_interval;
    bool has_intersect, has_parenthesised_set_parts;
    int max_name_length;
    /* By FunctionId and OperatorId; NULL: as the default beside the id; "!…": unsupported here. See templates.h. */
    const char *const *function_templates;
    const char *const *operator_templates;
    /* A literal in the text, correctly quoted. False: this database can't hold it (NUL in text, …); `why` then says so.
     */
    bool (*write_literal)(Buffer *out, const Literal *literal, SqlType type, const char **why);
} Dialect;

/* NULL: no such dialect. In backends/registry.c. */
const Dialect *dialect_find(Slice name);
const Dialect *dialect_get(DialectId id); /* the first with that id */
const Dialect *dialect_at(int index);     /* in the registry's order; NULL behind the last */

typedef struct EmitOptions {
    EmitStyle style;
    bool inline_literals; /* also fill Statement.inlined */
} EmitOptions;

/*
 * Query → statement: shapes the tree for the dialect (query/shape.c), then writes text and parameters (emit/).
 * A construct that the dialect can't say is a diagnostic with the span of its expression; false then.
 */
bool query_emit(Arena *arena, const Dialect *dialect, const EmitOptions *options, Query *query, StatementKind kind,
                DiagnosticList *diagnostics, Statement *out);

#endif
