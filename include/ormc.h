/*
 * ormc.h — the public interface of libormc, and the only one.
 *
 * The library compiles queries written with Django's ORM or SQLAlchemy, found in Python source
 * text, to the SQL that the ORM would send, without running Python; and it runs statements
 * asynchronously on PostgreSQL, SQLite, MySQL and MariaDB.
 *
 * Rules that hold for all of it:
 *   - The library never prints, never exits and never aborts on input. What is wrong with an input
 *     is a diagnostic in the result.
 *   - A context belongs to one thread at a time. Different contexts share nothing and may be used
 *     by different threads at once; there is no global mutable state.
 *   - Text is UTF-8. An OrmcText carries its length; text handed out by the library is also
 *     terminated by a NUL byte, which the length does not count.
 *   - Whatever a function hands out belongs to the object it was asked of. Its lifetime is said at the function.
 *   - Structs that the caller fills in begin with `size`: set it to sizeof the struct, the rest to zero
 *     (`OrmcOptions options = {.size = sizeof options};`). Fields are only ever added at the end.
 *   - Structs that the library hands out are read-only and only ever grow at the end: hold pointers to them, no copies.
 */
#ifndef ORMC_H
#define ORMC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define ORMC_API __attribute__((visibility("default")))
#else
#define ORMC_API
#endif

/* "0.1.0" */
ORMC_API const char *ormc_get_version(void);

/* ---- shared by both halves: text, types, values ---------------------------------------------------------------- */

typedef struct OrmcText {
    const char *data;
    size_t length;
} OrmcText;

/* How a call ended. The numbers are the exit statuses of the command line, as far as it has them. */
typedef enum OrmcStatus {
    ORMC_OK = 0,
    ORMC_REFUSED = 1,         /* there are diagnostics of severity error */
    ORMC_USAGE = 2,           /* an argument is wrong, or a file can't be read */
    ORMC_DATABASE_FAILED = 3, /* a database refused, failed or could not be reached */
    ORMC_NO_MEMORY = 4
} OrmcStatus;

typedef enum OrmcType {
    ORMC_TYPE_BOOLEAN,
    ORMC_TYPE_INTEGER,
    ORMC_TYPE_BIGINT,
    ORMC_TYPE_FLOAT,
    ORMC_TYPE_DECIMAL,
    ORMC_TYPE_TEXT,
    ORMC_TYPE_BYTES,
    ORMC_TYPE_DATE,
    ORMC_TYPE_TIME,
    ORMC_TYPE_DATETIME,
    ORMC_TYPE_INTERVAL,
    ORMC_TYPE_UUID,
    ORMC_TYPE_JSON,
    ORMC_TYPE_ARRAY,
    ORMC_TYPE_UNKNOWN
} OrmcType;

typedef enum OrmcValueKind {
    ORMC_VALUE_NULL,
    ORMC_VALUE_BOOL,
    ORMC_VALUE_INTEGER,
    ORMC_VALUE_FLOAT,
    ORMC_VALUE_TEXT, /* also decimals, dates and times (ISO 8601), UUIDs, JSON, integers beyond 64 bits */
    ORMC_VALUE_BYTES,
    ORMC_VALUE_ARRAY,
    ORMC_VALUE_MAP /* hstore: key, value, key, value … */
} OrmcValueKind;

/* A value as the ORM hands it to the driver, or as a database gave it back. */
typedef struct OrmcValue {
    OrmcValueKind kind;
    int64_t integer; /* BOOL, INTEGER; an interval is whole microseconds */
    double number;   /* FLOAT */
    OrmcText text;   /* TEXT, BYTES */
    const struct OrmcValue *items;
    int count;
} OrmcValue;

/* "integer", "text", …: the name of a type in JSON. Static. */
ORMC_API const char *ormc_get_type_name(OrmcType type);

/* ---- compiler -------------------------------------------------------------------------------------------------- */

/*
 * A context: models, settings, values of free variables, a dialect, and the memory of the last
 * compile. Models are loaded once; compiling many texts in one context is the fast way.
 */
typedef struct OrmcContext OrmcContext;

typedef struct OrmcOptions {
    size_t size;
    /* Where memory comes from: both or neither; neither is malloc and free. `allocate` may return NULL: the call that
     * needed it then gives ORMC_NO_MEMORY. Blocks must be aligned for any object. */
    void *(*allocate)(void *user, size_t size);
    void (*release)(void *user, void *block);
    void *allocator_user;
    /* "postgresql", "sqlite", "mysql", "mariadb". NULL: what the text's own engine URL or the project's settings
     * say, else postgresql. */
    const char *dialect;
    bool inline_literals; /* fill OrmcStatement.inlined too */
    bool transactions;    /* report BEGIN, COMMIT, … as statements too */
    int nesting_limit;    /* of brackets and blocks; 0: 200 */
    int64_t step_limit;   /* evaluation steps of one compile; 0: the default */
    int variant_limit;    /* variants of one query under undecided branches; 0: the default */
} OrmcOptions;

/* NULL: no memory, or an unknown dialect. `options` may be NULL and is not needed after the call. */
ORMC_API OrmcContext *ormc_create_context(const OrmcOptions *options);
/* Also frees all results of the context. NULL is allowed. */
ORMC_API void ormc_destroy_context(OrmcContext *context);

/*
 * Settings and values, to be set before models are added. Each value is text that is read as a Python literal where it
 * is one, else taken as a string. `variable`: a free variable or a function's parameter. `setting`: a Django setting.
 */
ORMC_API OrmcStatus ormc_set_setting(OrmcContext *context, const char *name, const char *value);
ORMC_API OrmcStatus ormc_set_variable(OrmcContext *context, const char *name, const char *value);

/*
 * Adds models: a Python file or a package directory. `label` is the Django app label; NULL: the name of the directory
 * that holds the file. All models are loaded at the first compile; a path that can't be read gives ORMC_USAGE at once,
 * with the reason in ormc_get_message.
 */
ORMC_API OrmcStatus ormc_add_models(OrmcContext *context, const char *label, const char *path);
/* The same from memory; the text is copied. `name` is what diagnostics call it. */
ORMC_API OrmcStatus ormc_add_models_text(OrmcContext *context, const char *label, const char *name, const char *text,
                                         size_t length);
/* Why the last call gave ORMC_USAGE; valid until the next call with the context. */
ORMC_API const char *ormc_get_message(const OrmcContext *context);

typedef enum OrmcStatementKind {
    ORMC_SELECT,
    ORMC_INSERT,
    ORMC_UPDATE,
    ORMC_DELETE,
    ORMC_BEGIN,
    ORMC_COMMIT,
    ORMC_ROLLBACK,
    ORMC_SAVEPOINT,
    ORMC_RELEASE,
    ORMC_EXPLAIN,
    ORMC_DDL,
    ORMC_EXPRESSION
} OrmcStatementKind;

typedef enum OrmcParamSource {
    ORMC_PARAM_KNOWN,    /* `value` */
    ORMC_PARAM_NAMED,    /* a free variable or function parameter: `name` */
    ORMC_PARAM_FROM_ROWS /* `column` of the row(s) of an earlier statement: `query`, `statement` */
} OrmcParamSource;

typedef struct OrmcParam {
    OrmcParamSource source;
    OrmcType type;
    OrmcType item_type; /* of arrays */
    OrmcValue value;
    OrmcText name;
    int query;     /* FROM_ROWS: number of the query, -1: this very one */
    int statement; /* FROM_ROWS: which of its statements */
    OrmcText column;
    bool expand; /* a list of values stands in this place */
} OrmcParam;

typedef struct OrmcColumn {
    OrmcText name;
    OrmcType type;
} OrmcColumn;

typedef struct OrmcStatement {
    OrmcStatementKind kind;
    OrmcText sql;     /* placeholders: $1 … on PostgreSQL, ? elsewhere */
    OrmcText inlined; /* with literals; empty where it was not asked for */
    const OrmcParam *params;
    int param_count;
    const OrmcColumn *columns; /* of the result, where they are known */
    int column_count;
} OrmcStatement;

typedef struct OrmcQuery {
    OrmcText file;
    int line, column;  /* from 1; columns count code points */
    OrmcText function; /* the function it stands in; empty: none */
    OrmcText source;   /* the expression */
    const char *dialect;
    const OrmcStatement *statements;
    int statement_count;
} OrmcQuery;

typedef struct OrmcDiagnostic {
    const char *code; /* "field-error", …: see docs */
    bool is_warning;
    OrmcText message, help; /* help empty: none */
    OrmcText file;          /* empty: about no place */
    int line, column, end_line, end_column;
} OrmcDiagnostic;

/* What a compile gave. Valid until the next compile with the same context or its end, whichever comes first. */
typedef struct OrmcResult OrmcResult;

/*
 * Compiles. `*result` is set with ORMC_OK and ORMC_REFUSED (a refused text may still hold good queries), and may be
 * NULL otherwise. A name that ends in .md or .txt and holds fences is Markdown: its python blocks are compiled. The
 * text is copied.
 */
ORMC_API OrmcStatus ormc_compile_file(OrmcContext *context, const char *path, const OrmcResult **result);
ORMC_API OrmcStatus ormc_compile_text(OrmcContext *context, const char *name, const char *text, size_t length,
                                      const OrmcResult **result);
/* Statements whose last expression is the query; names of models and of the ORMs need no import. The query is answered
 * as if it were executed. */
ORMC_API OrmcStatus ormc_compile_expression(OrmcContext *context, const char *text, size_t length,
                                            const OrmcResult **result);
/* CREATE TABLE … of all models that were added: one query that holds all statements. */
ORMC_API OrmcStatus ormc_compile_schema(OrmcContext *context, const OrmcResult **result);

ORMC_API int ormc_count_queries(const OrmcResult *result);
ORMC_API const OrmcQuery *ormc_get_query(const OrmcResult *result, int index);
ORMC_API int ormc_count_diagnostics(const OrmcResult *result);
ORMC_API const OrmcDiagnostic *ormc_get_diagnostic(const OrmcResult *result, int index);
ORMC_API const char *ormc_get_dialect(const OrmcResult *result);

/*
 * The result as text. Each lives as long as the result.
 *   json         {"queries": […], "diagnostics": […]}, or for a schema {"statements": […], "diagnostics": […]}
 *   diagnostics  message, place, source line and carets of each
 */
ORMC_API OrmcText ormc_render_json(const OrmcResult *result);
ORMC_API OrmcText ormc_render_diagnostics(const OrmcResult *result, bool colour);

/*
 * Batch: one JSON object in, one out, without the line's end: {"id": …, "expr": "…", "settings": {…}}.
 * Never fails; what is wrong stands in the answer. Valid until the next compile.
 */
ORMC_API OrmcText ormc_compile_json_line(OrmcContext *context, const char *line, size_t length);

typedef enum OrmcStage { ORMC_STAGE_TOKENS, ORMC_STAGE_SYNTAX, ORMC_STAGE_SCHEMA, ORMC_STAGE_QUERY } OrmcStage;
/* A middle form of the compile as text, for people. `name` NULL: `text` is an expression. Valid until the next compile.
 * Errors are in `*result`. */
ORMC_API OrmcText ormc_dump_stage(OrmcContext *context, OrmcStage stage, const char *name, const char *text,
                                  size_t length, const OrmcResult **result);

/*
 * The host of a compile: who answers executed queries. Without one the rows of a query are unknown: every branch that
 * depends on them is followed and what comes from them is a parameter. With one (`ormc run`) each statement is given to
 * `execute` as it is reached, its parameters all known, and the program goes on with the rows.
 */
typedef struct OrmcRows {
    const OrmcText *columns;
    int column_count;
    const OrmcValue *const *rows; /* rows[i][j] */
    int row_count;
    int64_t affected;
    int64_t last_insert_id;
} OrmcRows;

typedef struct OrmcHost {
    size_t size;
    void *user;
    /* True: `*rows` is filled and stays valid until the next call or the end of the compile. False: the database
     * refused; `*message` says why. */
    bool (*execute)(void *user, const OrmcStatement *statement, OrmcRows *rows, const char **message);
} OrmcHost;

/*
 * Runs a program against the host: a file's functions that take no unknown arguments, or the one of `call`
 * ("f(1, name='x')"; NULL: the text's own top level).
 */
ORMC_API OrmcStatus ormc_run_text(OrmcContext *context, const OrmcHost *host, const char *name, const char *text,
                                  size_t length, const char *call, const OrmcResult **result);

/* ---- Markdown with fenced blocks (golden files) ---- */

typedef struct OrmcBlock {
    OrmcText info;     /* the fence's info string: "python models", "sql postgresql" */
    OrmcText heading;  /* the nearest heading above, without its marks; empty: none */
    OrmcText content;  /* points into the text that was given */
    size_t start, end; /* of the content */
    int line;          /* of the content's first line */
} OrmcBlock;

/* The fenced blocks of a Markdown text, in order. `*blocks` is valid until the next compile. */
ORMC_API OrmcStatus ormc_read_blocks(OrmcContext *context, const char *text, size_t length, const OrmcBlock **blocks,
                                     int *count);

/* ---- executor -------------------------------------------------------------------------------------------------- */

#ifdef __cplusplus
}
#endif

#endif
