/*
 * ormc: ORM queries in Python source text, compiled to SQL and run, without Python.
 *
 * The only public header. Two halves, either usable alone: the compiler (text in, statements out) and the executor
 * (statements in, rows out, without blocking).
 */
#ifndef ORMC_H
#define ORMC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#if defined(__GNUC__)
#define ORMC_API __attribute__((visibility("default")))
#else
#define ORMC_API
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* ======================================================================================================= executor */
/*
 * Statements run on a pool of connections, driven by a libuv loop.
 *
 *   - Threads: a loop and everything made on it belong to one thread, except ormc_pool_counters(),
 *     ormc_pool_interrupt() and ormc_database_interrupt(), which any thread and any signal handler may call.
 *   - Completion: a callback is called from the loop, never from inside the call that asked for it, and exactly once.
 *   - Ownership: what a command points to (text, parameters) is copied before the call returns. A result is valid
 *     during its callback; ormc_result_keep() makes it the caller's, who ends it with ormc_result_free().
 *   - fork(): a pool belongs to the process that opened it. In a child nothing is sent: calls that would give a request
 *     give NULL, ormc_database_execute() gives ORMC_ERROR_FORKED, and closing does nothing (the connections are the
 *     parent's, who goes on using them). The child opens its own, on a loop of its own; it may fork while the parent's
 *     statements run.
 *   - Signals: the library installs no handler, raises no SIGPIPE, and blocks all signals on its threads, so handlers
 *     run on the program's. A handler may call the two interrupt functions; the statement then ends with
 *     ORMC_ERROR_CANCELLED, and an open transaction stays open until it is rolled back or its connection released
 *     (but SQLite rolls it back by itself where it was a change that was interrupted). An interrupt that comes while
 *     nothing runs ends what is sent next before the loop has turned, so none is lost between two statements.
 *   - Loops: ormc_loop_create() takes a libuv loop that the program runs, with its other handles on it. An open pool
 *     keeps the loop alive; once the callback of ormc_pool_close() has been called nothing of the library's is on it,
 *     and uv_loop_close() gives 0. Nothing of the library blocks a turn of the loop for longer than it takes to
 *     read what has arrived. Inside a callback statements may be sent and pools closed; ormc_loop_run() and the
 *     blocking ormc_database_…() calls belong outside of it.
 *   - Client libraries (libuv, libpq, libmariadb, sqlite3) are loaded when the first database that needs them is
 *     opened.
 */

/* The types of values; the names are those of the JSON output. */
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
    ORMC_TYPE_UNKNOWN,
    ORMC_TYPE_MAP /* PostgreSQL's hstore; called "unknown" in the JSON output */
} OrmcType;

/*
 * A parameter or a cell. `integer`: BOOLEAN, INTEGER, BIGINT, INTERVAL (microseconds). `number`: FLOAT. `items`: ARRAY
 * (`length` of them), MAP (texts, each key before its value; `length` counts both). `text`: all others, `length` bytes,
 * not necessarily terminated; also INTEGER and BIGINT beyond 64 bits (`text` is NULL for those that fit). Dates and
 * times are ISO 8601: a date and a time are joined by `T` or a blank, an offset follows where the datetime is aware. A
 * parameter of these types whose `text` is NULL is the number in `integer`. Decimals may be "inf", "-inf" and "nan".
 * SQLite keeps a FLOAT that is NaN as NULL; MariaDB and MySQL refuse infinities and NaN. A PostgreSQL interval of more
 * microseconds than 64 bits hold is its text, of type UNKNOWN.
 */
typedef struct OrmcValue {
    OrmcType type;
    bool is_null;
    union {
        int64_t integer;
        double number;
    };
    union {
        const char *text;
        const struct OrmcValue *items;
    };
    size_t length;
} OrmcValue;

typedef enum OrmcError {
    ORMC_ERROR_NONE,
    ORMC_ERROR_MEMORY,
    ORMC_ERROR_LIBRARY,   /* the client library is missing here, or was when ormc was built */
    ORMC_ERROR_URL,       /* not a database URL that ormc knows */
    ORMC_ERROR_CONNECT,   /* no connection could be made */
    ORMC_ERROR_LOST,      /* the connection broke; the statement may or may not have taken effect */
    ORMC_ERROR_DATABASE,  /* the database refused the statement: see message and state */
    ORMC_ERROR_VALUE,     /* a parameter that this database can't hold; nothing was sent */
    ORMC_ERROR_TIMEOUT,   /* of the statement, or while it waited for a connection */
    ORMC_ERROR_CANCELLED, /* by ormc_request_cancel(), an interrupt, or a row callback */
    ORMC_ERROR_LIMIT,     /* the queue or the result grew over its limit */
    ORMC_ERROR_CLOSED,    /* the pool is closing */
    ORMC_ERROR_FORKED     /* the pool is another process's */
} OrmcError;

typedef struct OrmcLoop OrmcLoop;
typedef struct OrmcPool OrmcPool;
typedef struct OrmcConnection OrmcConnection;
typedef struct OrmcRequest OrmcRequest;
typedef struct OrmcPrepared OrmcPrepared;
typedef struct OrmcResult OrmcResult;
struct uv_loop_s;

/* ---- results */

ORMC_API OrmcError ormc_result_error(const OrmcResult *result);
/* What went wrong, terminated; "" where nothing did. */
ORMC_API const char *ormc_result_message(const OrmcResult *result);
/* The five characters of SQLSTATE, or "". */
ORMC_API const char *ormc_result_state(const OrmcResult *result);
/* The database's own number: SQLite's extended code, MariaDB's errno; else 0. */
ORMC_API int ormc_result_native_code(const OrmcResult *result);
ORMC_API size_t ormc_result_column_count(const OrmcResult *result);
/* NULL, and UNKNOWN, behind the last. */
ORMC_API const char *ormc_result_column_name(const OrmcResult *result, size_t column);
ORMC_API OrmcType ormc_result_column_type(const OrmcResult *result, size_t column);
/* Rows that were collected; none where a row callback took them. */
ORMC_API size_t ormc_result_row_count(const OrmcResult *result);
/* The cells of a row, as many as there are columns; NULL behind the last row. They live as long as the result. */
ORMC_API const OrmcValue *ormc_result_row(const OrmcResult *result, size_t row);
/* Rows that INSERT, UPDATE or DELETE changed, or that a SELECT gave; -1 where the database doesn't say. */
ORMC_API int64_t ormc_result_affected(const OrmcResult *result);
/* The key that SQLite or MariaDB gave to the last row that this INSERT made; 0 elsewhere, and on MariaDB where
 * RETURNING gives it. */
ORMC_API int64_t ormc_result_inserted_id(const OrmcResult *result);
/* Notices and warnings that PostgreSQL sent with the statement (MariaDB's are asked for with SHOW WARNINGS): text of
 * number `index`, NULL behind the last. */
ORMC_API const char *ormc_result_notice(const OrmcResult *result, size_t index);
/* Only within the result's callback; gives `result`. */
ORMC_API OrmcResult *ormc_result_keep(OrmcResult *result);
/* Of a result that was kept, or that ormc_database_execute() gave. NULL is fine. */
ORMC_API void ormc_result_free(OrmcResult *result);

ORMC_API const char *ormc_type_name(OrmcType type);
ORMC_API const char *ormc_error_name(OrmcError error);
/* The value as JSON, as `ormc run --format json` prints cells. Like snprintf: returns the length of the whole text
 * and writes at most `capacity` bytes of it, terminated. */
ORMC_API size_t ormc_value_write_json(const OrmcValue *value, char *text, size_t capacity);

/* ---- commands */

typedef enum OrmcFlow {
    ORMC_FLOW_CONTINUE,
    ORMC_FLOW_PAUSE, /* no more rows until ormc_request_resume() */
    ORMC_FLOW_STOP   /* no more rows at all: the statement is cancelled */
} OrmcFlow;

/* One row. `cells` are valid during the call. Of `result` the columns are there; how it ended is `on_done`'s to know.
 */
typedef OrmcFlow (*OrmcRowCallback)(void *user, OrmcRequest *request, const OrmcResult *result, const OrmcValue *cells);
typedef void (*OrmcDoneCallback)(void *user, OrmcResult *result);

/* What to execute. Set `size`, leave the rest zero where the default will do. */
typedef struct OrmcCommand {
    size_t size;            /* sizeof(OrmcCommand) */
    const char *sql;        /* one statement, with the database's placeholders: $1 … or ? */
    size_t sql_length;      /* 0: `sql` is terminated */
    OrmcPrepared *prepared; /* instead of `sql` */
    const OrmcValue *params;
    size_t param_count;
    const OrmcType *column_types; /* what the caller knows of the columns, where the database can't say (booleans on
                                     SQLite …); cells are converted to it. UNKNOWN: as it comes */
    size_t column_type_count;
    unsigned timeout_ms;    /* 0: that of the pool */
    bool read_only;         /* promised to change nothing: several may be sent as one group, and again when one fails */
    bool prepare_only;      /* checked and described by the database, not executed */
    OrmcRowCallback on_row; /* NULL: rows are collected in the result */
    OrmcDoneCallback on_done;
    void *user;
} OrmcCommand;

/* ---- loop and pool */

/* On a loop of the caller's (who runs and closes it), or with NULL on one of its own. NULL: no libuv, no memory. */
ORMC_API OrmcLoop *ormc_loop_create(struct uv_loop_s *loop);
/* Runs until nothing is left to do: every request answered, and every pool closed. */
ORMC_API void ormc_loop_run(OrmcLoop *loop);
/* Runs until at least one callback was called (waits for it), or nothing is left. False: nothing is left. */
ORMC_API bool ormc_loop_run_once(OrmcLoop *loop);
ORMC_API struct uv_loop_s *ormc_loop_uv(OrmcLoop *loop);
/* After every pool on it has closed. False: something is still open, and nothing was freed. */
ORMC_API bool ormc_loop_destroy(OrmcLoop *loop);

typedef struct OrmcPoolOptions {
    size_t size;                   /* sizeof(OrmcPoolOptions) */
    unsigned min_connections;      /* opened at once and kept; default 1 */
    unsigned max_connections;      /* default 8; SQLite in memory always 1 */
    unsigned connect_timeout_ms;   /* default 10 s */
    unsigned wait_timeout_ms;      /* for a connection; default 30 s */
    unsigned statement_timeout_ms; /* default none */
    unsigned idle_timeout_ms;      /* connections beyond the minimum are closed after it; default 60 s */
    unsigned health_interval_ms;   /* idle connections are asked for a sign of life; default 30 s */
    unsigned retry_ms;             /* first wait before reconnecting, doubled up to 100 times it; default 50 ms */
    size_t max_queue;              /* statements, and who wants a connection, waiting or in flight; default 1,000,000 */
    size_t max_result_bytes;       /* of one collected result; default 1 GiB */
    unsigned statement_cache;      /* prepared statements kept by a connection; default 256 */
    unsigned busy_timeout_ms;      /* SQLite: wait for a lock; default 5 s */
    const char *const *setup;      /* statements run on every new connection, e.g. SET TIME ZONE; NULL-terminated */
} OrmcPoolOptions;

/*
 * Gives the pool at once: statements may be sent and wait for a connection. `on_open` (may be NULL): `result` carries
 * the error of the first connection, or of the URL, if it failed; the pool must be closed even then. All
 * that is given is copied. NULL: no memory.
 */
ORMC_API OrmcPool *ormc_pool_open(OrmcLoop *loop, const char *url, const OrmcPoolOptions *options,
                                  OrmcDoneCallback on_open, void *user);
/* Answers what waits with ORMC_ERROR_CLOSED, lets what is in flight end, waits for leased connections to be released
 * (whose statements run as before, so that transactions can be brought to their end), then closes. The pool is gone
 * once `on_closed` has been called. To be called once. */
ORMC_API void ormc_pool_close(OrmcPool *pool, void (*on_closed)(void *user), void *user);
/* Cancels everything that runs or waits. Any thread, any signal handler. */
ORMC_API void ormc_pool_interrupt(OrmcPool *pool);
/* "postgresql", "sqlite", "mysql", "mariadb". */
ORMC_API const char *ormc_pool_backend(const OrmcPool *pool);

/* NULL where there was no memory for the request itself, or in a forked child (then `on_done` is not called). The
 * request is valid until its `on_done` has been called. */
ORMC_API OrmcRequest *ormc_pool_execute(OrmcPool *pool, const OrmcCommand *command);
/* Its `on_done` still comes, with ORMC_ERROR_CANCELLED unless the statement had ended. */
ORMC_API void ormc_request_cancel(OrmcRequest *request);
/* After ORMC_FLOW_PAUSE. */
ORMC_API void ormc_request_resume(OrmcRequest *request);

/* A statement kept by text: executed without copying or hashing the text again; each connection prepares it once. NULL:
 * no memory. Requests that use it keep it alive, so it may be freed once they are sent. */
ORMC_API OrmcPrepared *ormc_pool_prepare(OrmcPool *pool, const char *sql);
ORMC_API void ormc_prepared_free(OrmcPrepared *prepared);

typedef struct OrmcPoolCounters {
    uint64_t submitted, succeeded, failed, cancelled, timed_out, rows;
    uint64_t connects, connect_failures, lost; /* connections made, not made, broken */
    uint64_t prepared, cache_hits;
    uint64_t open, idle, leased, waiting, in_flight; /* now */
} OrmcPoolCounters;
ORMC_API void ormc_pool_counters(const OrmcPool *pool, OrmcPoolCounters *counters);

/* ---- a connection of one's own: transactions, temporary tables, settings */

/* `connection` is NULL where there was an error: see `result`. Otherwise it is the caller's until
 * ormc_connection_release(). */
typedef void (*OrmcAcquireCallback)(void *user, OrmcConnection *connection, const OrmcResult *result);
/* False: no memory, or a forked child; `on_acquired` is not called. */
ORMC_API bool ormc_pool_acquire(OrmcPool *pool, OrmcAcquireCallback on_acquired, void *user);
/* Statements of a connection run in order. What gives a request gives NULL as ormc_pool_execute() does. */
ORMC_API OrmcRequest *ormc_connection_execute(OrmcConnection *connection, const OrmcCommand *command);
ORMC_API OrmcRequest *ormc_connection_begin(OrmcConnection *connection, OrmcDoneCallback on_done, void *user);
/* Of a transaction in which a statement has failed, on PostgreSQL, which then rolls back: ORMC_ERROR_DATABASE, 25P02.
 */
ORMC_API OrmcRequest *ormc_connection_commit(OrmcConnection *connection, OrmcDoneCallback on_done, void *user);
ORMC_API OrmcRequest *ormc_connection_rollback(OrmcConnection *connection, OrmcDoneCallback on_done, void *user);
/* Names are letters, digits and underscores, 63 at most; others give ORMC_ERROR_VALUE. */
ORMC_API OrmcRequest *ormc_connection_savepoint(OrmcConnection *connection, const char *name, OrmcDoneCallback on_done,
                                                void *user);
ORMC_API OrmcRequest *ormc_connection_rollback_to(OrmcConnection *connection, const char *name,
                                                  OrmcDoneCallback on_done, void *user);
ORMC_API OrmcRequest *ormc_connection_release_savepoint(OrmcConnection *connection, const char *name,
                                                        OrmcDoneCallback on_done, void *user);
ORMC_API bool ormc_connection_in_transaction(const OrmcConnection *connection);
/* Back to the pool; an open transaction is rolled back first. What else the session has (settings, temporary tables,
 * locks, LISTEN) stays with it, for whoever gets it next: it is the caller's to undo. */
ORMC_API void ormc_connection_release(OrmcConnection *connection);

/* ---- the blocking convenience: one connection, on a loop of its own */

typedef struct OrmcDatabase OrmcDatabase;
/* Opens, and waits until that is done. Always gives a database, except without memory; ormc_database_error() says
 * whether it is usable. A database belongs to one thread at a time. */
ORMC_API OrmcDatabase *ormc_database_open(const char *url, const OrmcPoolOptions *options);
ORMC_API OrmcError ormc_database_error(const OrmcDatabase *database);
ORMC_API const char *ormc_database_message(const OrmcDatabase *database);
ORMC_API const char *ormc_database_backend(const OrmcDatabase *database);
/* `on_done` and `user` of the command are not used, but `user` is given to its `on_row`. The result is the caller's:
 * ormc_result_free(). NULL: no memory. */
ORMC_API OrmcResult *ormc_database_execute(OrmcDatabase *database, const OrmcCommand *command);
ORMC_API bool ormc_database_in_transaction(const OrmcDatabase *database);
/* Ends the running statement (or, if none runs, the next) with ORMC_ERROR_CANCELLED. Any thread, any signal handler. */
ORMC_API void ormc_database_interrupt(OrmcDatabase *database);
/* What a result still needs is its own: results may be freed later. NULL is fine. */
ORMC_API void ormc_database_close(OrmcDatabase *database);

/* ================================================================================================ end of executor */

/* ======================================================================================================= compiler */
/*
 * Python source text becomes statements, without running Python.
 *
 *   - A context holds models, files, settings, values of free variables and the memory of its last translation.
 *     Models are loaded once; translating many texts in one context is the fast way.
 *   - A context belongs to one thread at a time. Contexts share nothing: different ones may be used by different
 *     threads at once.
 *   - What is wrong with an input is a diagnostic in the translation; the library never prints, exits or aborts.
 *   - A translation, and all that is asked of it, is valid until the next translation in the same context or the
 *     context's end. Text that comes out is UTF-8 and terminated by a NUL byte, which `length` does not count;
 *     text that goes in need not be terminated where it has a length, and is not needed after the call.
 *   - Names of all texts are kept until a few megabytes of them have come together; then the next translation loads the
 *     models anew. Memory does not grow otherwise.
 *   - Structs that the library hands out only ever grow at the end: hold pointers to them, no copies.
 */

/* `data` may be NULL where `length` is 0. */
typedef struct OrmcText {
    const char *data;
    size_t length;
} OrmcText;

/* How a call ended. The numbers are the exit statuses of the command line, as far as it has them. */
typedef enum OrmcStatus {
    ORMC_OK = 0,
    ORMC_REFUSED = 1,        /* there are diagnostics of severity error; what could be translated is there */
    ORMC_USAGE = 2,          /* an argument is wrong or a file can't be read: see ormc_context_message() */
    ORMC_DATABASE_ERROR = 3, /* the host's database failed */
    ORMC_NO_MEMORY = 4
} OrmcStatus;

typedef struct OrmcContext OrmcContext;
typedef struct OrmcTranslation OrmcTranslation;

typedef struct OrmcOptions {
    size_t size; /* sizeof(OrmcOptions) */
    /* Where memory comes from: both or neither; neither is malloc and free. NULL from `allocate` makes the call that
     * needed it give ORMC_NO_MEMORY. Blocks are aligned for any object. */
    void *(*allocate)(void *user, size_t size);
    void (*release)(void *user, void *block);
    void *allocator_user;
    const char *dialect;     /* as for ormc_context_set_dialect() */
    bool inline_literals;    /* fill OrmcStatement.inlined too */
    bool leave_transactions; /* no BEGIN, COMMIT, SAVEPOINT … among the statements */
    int nesting_limit;       /* of brackets and blocks; 0: 200 */
    int path_limit;          /* paths through one function; 0: 128 */
    int64_t step_limit;     /* statements and expressions evaluated in one function; 0: 300,000, and two a byte of it */
    bool referenced_tables; /* a schema begins with the tables of Django's contrib apps that the models refer to */
} OrmcOptions;

ORMC_API const char *ormc_version(void);
/* The dialects, from 0; NULL behind the last. */
ORMC_API const char *ormc_dialect_name(int index);

/* NULL: no memory, or an unknown dialect. `options` may be NULL; it is not needed after the call. */
ORMC_API OrmcContext *ormc_context_create(const OrmcOptions *options);
/* Ends the context and all that it gave. NULL is fine. */
ORMC_API void ormc_context_destroy(OrmcContext *context);
/* Why the last call gave ORMC_USAGE; "" otherwise. Valid until the next call with the context. */
ORMC_API const char *ormc_context_message(const OrmcContext *context);

/* "postgresql", "sqlite", "mysql", "mariadb", for the translations to come; NULL: what the program's own engine URL
 * says, else postgresql. */
ORMC_API OrmcStatus ormc_context_set_dialect(OrmcContext *context, const char *dialect);

/*
 * What a context works on, all before its first translation: afterwards these give ORMC_USAGE. Texts and names are
 * copied, files are read at once. A value is read as a Python literal where it is one, else it is taken as a string.
 * `variable`: a free variable or a function's parameter; `setting`: a Django setting.
 */
ORMC_API OrmcStatus ormc_context_set_setting(OrmcContext *context, const char *name, const char *value);
ORMC_API OrmcStatus ormc_context_set_variable(OrmcContext *context, const char *name, const char *value);
/* What was set and nothing has asked for in the translations so far (a variable that no text names, a setting that
 * neither the program reads nor ormc knows): a misspelling, likely. NULL behind the last. */
ORMC_API const char *ormc_context_unused_variable(const OrmcContext *context, int index);
ORMC_API const char *ormc_context_unused_setting(const OrmcContext *context, int index);
/* A Python file or a package directory. `label`: Django's app label; NULL: the name of the directory that holds it. */
ORMC_API OrmcStatus ormc_context_add_models(OrmcContext *context, const char *label, const char *path);
ORMC_API OrmcStatus ormc_context_add_models_text(OrmcContext *context, const char *label, const char *name,
                                                 const char *text, size_t length);
/* A file of the program: Python, or Markdown whose python blocks count (.md, and .txt that holds fences). */
ORMC_API OrmcStatus ormc_context_add_file(OrmcContext *context, const char *path);
ORMC_API OrmcStatus ormc_context_add_file_text(OrmcContext *context, const char *name, const char *text, size_t length);

/*
 * Translations. `translation` may be NULL; `*translation` is set with ORMC_OK and ORMC_REFUSED (and with
 * ORMC_DATABASE_ERROR under a host), NULL otherwise.
 */

/* Loads the models, which otherwise the first translation does: `*translation` has the diagnostics and no query. */
ORMC_API OrmcStatus ormc_context_load(OrmcContext *context, const OrmcTranslation **translation);
/* All queries of the files that were added. */
ORMC_API OrmcStatus ormc_context_translate_files(OrmcContext *context, const OrmcTranslation **translation);
/* Statements whose last expression is the query, answered as if it were executed. The names of the models, of the ORMs
 * and of some modules stand without import. `name` is what diagnostics call the text; NULL: "<expr>". */
ORMC_API OrmcStatus ormc_context_translate_text(OrmcContext *context, const char *name, const char *text, size_t length,
                                                const OrmcTranslation **translation);
/* CREATE TABLE, CREATE INDEX … of all models that were added: one query with all statements. */
ORMC_API OrmcStatus ormc_context_translate_schema(OrmcContext *context, const OrmcTranslation **translation);
/* One line of `ormc batch`: a JSON object in, one out, without the line's end. What is wrong stands in the answer.
 * `data` is NULL without memory. */
ORMC_API OrmcText ormc_context_answer_line(OrmcContext *context, const char *line, size_t length);

typedef enum OrmcStatementKind {
    ORMC_STATEMENT_SELECT,
    ORMC_STATEMENT_INSERT,
    ORMC_STATEMENT_UPDATE,
    ORMC_STATEMENT_DELETE,
    ORMC_STATEMENT_BEGIN,
    ORMC_STATEMENT_COMMIT,
    ORMC_STATEMENT_ROLLBACK,
    ORMC_STATEMENT_SAVEPOINT,
    ORMC_STATEMENT_RELEASE,
    ORMC_STATEMENT_EXPLAIN,
    ORMC_STATEMENT_DDL,
    ORMC_STATEMENT_EXPRESSION
} OrmcStatementKind;

typedef enum OrmcParamSource {
    ORMC_PARAM_KNOWN,    /* `value` */
    ORMC_PARAM_NAMED,    /* a free variable or a function's parameter: `name` */
    ORMC_PARAM_FROM_ROWS /* `column` of the row(s) of an earlier statement */
} OrmcParamSource;

typedef struct OrmcParam {
    OrmcParamSource source;
    OrmcType type;
    OrmcValue value;
    OrmcText name;
    OrmcText column;
    int query;     /* of FROM_ROWS; -1: the query that the parameter stands in */
    int statement; /* of that query */
    bool expand;   /* a list of values stands in this place */
} OrmcParam;

typedef struct OrmcStatement {
    OrmcStatementKind kind;
    OrmcText sql;     /* placeholders: $1 … on PostgreSQL, ? elsewhere */
    OrmcText inlined; /* with literals; empty where that was not asked for */
    const OrmcParam *params;
    int param_count;
    const OrmcText *column_names; /* of the result, where they are known */
    const OrmcType *column_types;
    int column_count;
} OrmcStatement;

typedef struct OrmcQuery {
    OrmcText file;
    int line, column;  /* from 1; columns count code points */
    OrmcText function; /* that it stands in; empty: none */
    OrmcText source;   /* the expression */
    const char *dialect;
    const OrmcStatement *statements;
    int statement_count;
} OrmcQuery;

typedef struct OrmcDiagnostic {
    const char *code; /* "field-error" … */
    bool is_warning;
    OrmcText message;
    OrmcText help;                          /* empty: none */
    OrmcText file;                          /* empty: about no place */
    int line, column, end_line, end_column; /* from 1 */
} OrmcDiagnostic;

/* Queries in the order of the program, diagnostics in that of their discovery; NULL behind the last. */
ORMC_API int ormc_translation_query_count(const OrmcTranslation *translation);
ORMC_API const OrmcQuery *ormc_translation_query(const OrmcTranslation *translation, int index);
ORMC_API int ormc_translation_diagnostic_count(const OrmcTranslation *translation);
ORMC_API const OrmcDiagnostic *ormc_translation_diagnostic(const OrmcTranslation *translation, int index);
/* Message, place, source line and carets of each diagnostic, for people. */
ORMC_API OrmcText ormc_translation_render_diagnostics(const OrmcTranslation *translation, bool colour);
/* {"queries": […], "diagnostics": […]}; of a schema {"statements": […], "diagnostics": […]} */
ORMC_API OrmcText ormc_translation_render_json(const OrmcTranslation *translation);
/* Each query's and each diagnostic's object alone, to merge several translations; `first` is the number that the
 * translation's first query has among all. */
ORMC_API OrmcText ormc_translation_query_json(const OrmcTranslation *translation, int index, int first);
ORMC_API OrmcText ormc_translation_diagnostic_json(const OrmcTranslation *translation, int index);
/* A parameter as people read it: a literal, a name, or where it comes from. */
ORMC_API OrmcText ormc_translation_param_text(const OrmcTranslation *translation, const OrmcParam *param);

/* The middle forms, as text for people: of the files that were added, or of `text` where it is not NULL. */
typedef enum OrmcStage {
    ORMC_STAGE_TOKENS,
    ORMC_STAGE_SYNTAX,
    ORMC_STAGE_SCHEMA,
    ORMC_STAGE_QUERY,
    ORMC_STAGE_MODELS /* Django's models as JSON, one a line */
} OrmcStage;
ORMC_API OrmcStatus ormc_context_dump(OrmcContext *context, OrmcStage stage, const char *text, size_t length,
                                      OrmcText *dump, const OrmcTranslation **translation);

/*
 * Running a program: each statement goes to the host as it is reached, all its parameters known, and the program goes
 * on with the rows. Branches are decided, loops run, functions are entered when they are called.
 */
typedef struct OrmcRows {
    const OrmcText *columns;
    int column_count;
    const OrmcValue *const *rows; /* rows[i][j] */
    int row_count;
    int64_t affected;
    int64_t inserted_id;
} OrmcRows;

/* Its functions are called within ormc_context_run_…(), on the same thread, and must not use the context. */
typedef struct OrmcHost {
    size_t size; /* sizeof(OrmcHost) */
    void *user;
    /* True: `*rows` is filled and stays valid until the next call of it. False: the database refused, and the program
     * ends with `*message` unless it catches that. */
    bool (*execute)(void *user, const OrmcQuery *query, int statement, OrmcRows *rows, const char **message);
    void (*write)(void *user, OrmcText text); /* what the program prints; NULL: dropped */
    /* Whether a constraint was the reason of the last refusal: the program may catch it as its ORM's IntegrityError and
     * go on. NULL: never. */
    bool (*broke_constraint)(void *user);
} OrmcHost;

/* `call`: "f(1, name='x')", in the namespace of the last file; NULL: the module bodies of the files. */
ORMC_API OrmcStatus ormc_context_run_files(OrmcContext *context, const OrmcHost *host, const char *call,
                                           const OrmcTranslation **translation);
ORMC_API OrmcStatus ormc_context_run_text(OrmcContext *context, const OrmcHost *host, const char *name,
                                          const char *text, size_t length, const OrmcTranslation **translation);

/* Fenced blocks of Markdown, as golden files have them. */
typedef struct OrmcBlock {
    OrmcText info;     /* the fence's info string: "python models", "sql postgresql" */
    OrmcText heading;  /* the nearest heading above, without its marks; empty: none */
    OrmcText content;  /* in the text that was given */
    size_t start, end; /* of the content */
    int line;          /* of its first line, from 1 */
} OrmcBlock;
/* In order; `*blocks` lives as long as a translation. */
ORMC_API OrmcStatus ormc_context_read_blocks(OrmcContext *context, const char *text, size_t length,
                                             const OrmcBlock **blocks, int *count);

/* ================================================================================================ end of compiler */

#ifdef __cplusplus
}
#endif

#endif
