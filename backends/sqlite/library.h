/* The functions of libsqlite3 that the executor calls, loaded when a SQLite database is opened. */
#ifndef ORMC_SQLITE_LIBRARY_H
#define ORMC_SQLITE_LIBRARY_H

#include "backends/executor/library.h"

#include <sqlite3.h>

#define SQLITE_FUNCTIONS(X)                                                                                            \
    X(sqlite3_open_v2)                                                                                                 \
    X(sqlite3_close_v2)                                                                                                \
    X(sqlite3_extended_result_codes)                                                                                   \
    X(sqlite3_extended_errcode)                                                                                        \
    X(sqlite3_errmsg)                                                                                                  \
    X(sqlite3_errstr)                                                                                                  \
    X(sqlite3_busy_handler)                                                                                            \
    X(sqlite3_interrupt)                                                                                               \
    X(sqlite3_progress_handler)                                                                                        \
    X(sqlite3_exec)                                                                                                    \
    X(sqlite3_get_autocommit)                                                                                          \
    X(sqlite3_changes)                                                                                                 \
    X(sqlite3_total_changes)                                                                                           \
    X(sqlite3_last_insert_rowid)                                                                                       \
    X(sqlite3_prepare_v2)                                                                                              \
    X(sqlite3_step)                                                                                                    \
    X(sqlite3_reset)                                                                                                   \
    X(sqlite3_finalize)                                                                                                \
    X(sqlite3_bind_parameter_count)                                                                                    \
    X(sqlite3_bind_null)                                                                                               \
    X(sqlite3_bind_int64)                                                                                              \
    X(sqlite3_bind_double)                                                                                             \
    X(sqlite3_bind_text)                                                                                               \
    X(sqlite3_bind_blob)                                                                                               \
    X(sqlite3_column_count)                                                                                            \
    X(sqlite3_column_name)                                                                                             \
    X(sqlite3_column_decltype)                                                                                         \
    X(sqlite3_column_type)                                                                                             \
    X(sqlite3_column_int64)                                                                                            \
    X(sqlite3_column_double)                                                                                           \
    X(sqlite3_column_text)                                                                                             \
    X(sqlite3_column_blob)                                                                                             \
    X(sqlite3_column_bytes)                                                                                            \
    X(sqlite3_create_function_v2)                                                                                      \
    X(sqlite3_user_data)                                                                                               \
    X(sqlite3_aggregate_context)                                                                                       \
    X(sqlite3_get_auxdata)                                                                                             \
    X(sqlite3_set_auxdata)                                                                                             \
    X(sqlite3_value_type)                                                                                              \
    X(sqlite3_value_int64)                                                                                             \
    X(sqlite3_value_double)                                                                                            \
    X(sqlite3_value_text)                                                                                              \
    X(sqlite3_value_blob)                                                                                              \
    X(sqlite3_value_bytes)                                                                                             \
    X(sqlite3_result_null)                                                                                             \
    X(sqlite3_result_int64)                                                                                            \
    X(sqlite3_result_double)                                                                                           \
    X(sqlite3_result_text)                                                                                             \
    X(sqlite3_result_value)                                                                                            \
    X(sqlite3_result_error)                                                                                            \
    X(sqlite3_result_error_nomem)                                                                                      \
    X(sqlite3_malloc)                                                                                                  \
    X(sqlite3_free)

LIBRARY_TABLE(Sqlite, SQLITE_FUNCTIONS)

/*
 * The library of the connection whose worker this thread is; NULL on other threads. SQLite calls a function of ours
 * with nothing but its context, and all that can be asked of a context goes through the library's own functions.
 */
const Sqlite *sqlite_of_worker(void);
void sqlite_worker_starts(const Sqlite *sqlite);

/* Registers the functions that ORM queries call and plain SQLite lacks. An SQLite result code. */
int sqlite_functions_register(const Sqlite *sqlite, sqlite3 *db);

#endif
