/*
 * Statement: what is sent to a database — text, typed parameters, result columns. The end of the
 * compiler; executors and printers see nothing else of it.
 */
#ifndef ORMC_QUERY_STATEMENT_H
#define ORMC_QUERY_STATEMENT_H

#include "compiler/base/diagnostic.h"

/* X(enumerator, name in JSON) */
#define SQL_TYPES(X)                                                                                                   \
    X(BOOLEAN, "boolean")                                                                                              \
    X(INTEGER, "integer")                                                                                              \
    X(BIGINT, "bigint")                                                                                                \
    X(FLOAT, "float")                                                                                                  \
    X(DECIMAL, "decimal")                                                                                              \
    X(TEXT, "text")                                                                                                    \
    X(BYTES, "bytes")                                                                                                  \
    X(DATE, "date")                                                                                                    \
    X(TIME, "time")                                                                                                    \
    X(DATETIME, "datetime")                                                                                            \
    X(INTERVAL, "interval")                                                                                            \
    X(UUID, "uuid")                                                                                                    \
    X(JSON, "json")                                                                                                    \
    X(ARRAY, "array")                                                                                                  \
    X(UNKNOWN, "unknown")

typedef enum SqlType {
#define X(name, text) SQL_##name,
    SQL_TYPES(X)
#undef X
        SQL_TYPE_COUNT
} SqlType;

/* X(enumerator, name in JSON) */
#define STATEMENT_KINDS(X)                                                                                             \
    X(SELECT, "select")                                                                                                \
    X(INSERT, "insert")                                                                                                \
    X(UPDATE, "update")                                                                                                \
    X(DELETE, "delete")                                                                                                \
    X(BEGIN, "begin")                                                                                                  \
    X(COMMIT, "commit")                                                                                                \
    X(ROLLBACK, "rollback")                                                                                            \
    X(SAVEPOINT, "savepoint")                                                                                          \
    X(RELEASE, "release")                                                                                              \
    X(EXPLAIN, "explain")                                                                                              \
    X(DDL, "ddl")                                                                                                      \
    X(EXPRESSION, "expression")

typedef enum StatementKind {
#define X(name, text) STATEMENT_##name,
    STATEMENT_KINDS(X)
#undef X
        STATEMENT_KIND_COUNT
} StatementKind;

/* A value as the ORM hands it to the driver of the dialect: adapted by field and backend already. */
typedef enum LiteralKind {
    LITERAL_NULL,
    LITERAL_BOOL,
    LITERAL_INTEGER,
    LITERAL_FLOAT,
    LITERAL_TEXT,
    LITERAL_BYTES,
    LITERAL_ARRAY,
    LITERAL_MAP
} LiteralKind;
typedef struct Literal {
    LiteralKind kind;
    int64_t integer; /* BOOL, INTEGER, intervals as microseconds */
    double number;   /* FLOAT */
    Slice text;      /* TEXT (also decimals, dates, UUIDs, JSON text, integers beyond int64 with kind TEXT), BYTES */
    struct Literal *items; /* ARRAY; MAP (hstore): key, value, key, value … */
    int count;
} Literal;

typedef enum ParamSource { PARAM_KNOWN, PARAM_NAMED, PARAM_FROM_ROWS } ParamSource;
typedef struct Param {
    ParamSource source;
    SqlType type;
    SqlType item_type; /* of arrays: type of the items */
    Literal value;     /* KNOWN */
    Slice name;        /* NAMED: the source text it stands for */
    int execution;     /* FROM_ROWS: number of the execution (evaluator_execution_count), -1: this very one */
    int statement;     /* FROM_ROWS: which of its statements, from 0 */
    Slice column;      /* FROM_ROWS: the result column */
    bool expand;       /* NAMED, FROM_ROWS: a list of values stands in this place */
    Slice cast;        /* text that follows the placeholder where the database can't infer a type: "::interval" */
    Span span;
} Param;

typedef struct ResultColumn {
    Slice name;
    SqlType type;
} ResultColumn;

typedef struct Statement {
    StatementKind kind;
    Slice sql;     /* with the dialect's placeholders */
    Slice inlined; /* with literals, where that was asked for */
    Param *params; /* in the order of the placeholders ($n: of n) */
    int param_count;
    ResultColumn *columns;
    int column_count;
    struct Query *tree; /* what it was emitted from; NULL for transaction statements and DDL */
} Statement;

typedef struct StatementList {
    Statement *items;
    int count, capacity;
} StatementList;

#endif
