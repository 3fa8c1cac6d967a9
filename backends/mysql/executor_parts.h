/* Parts of MariaDB's and MySQL's executor: the functions of libmariadb that it calls, prepared statements, values. */
#ifndef ORMC_MYSQL_PARTS_H
#define ORMC_MYSQL_PARTS_H

#include "backends/executor/executor.h"

#include <mysql.h>

#define MYSQL_FUNCTIONS(X)                                                                                             \
    X(mysql_init)                                                                                                      \
    X(mysql_close)                                                                                                     \
    X(mysql_optionsv)                                                                                                  \
    X(mysql_ssl_set)                                                                                                   \
    X(mysql_get_socket)                                                                                                \
    X(mysql_get_timeout_value_ms)                                                                                      \
    X(mysql_errno)                                                                                                     \
    X(mysql_error)                                                                                                     \
    X(mysql_sqlstate)                                                                                                  \
    X(mysql_affected_rows)                                                                                             \
    X(mysql_insert_id)                                                                                                 \
    X(mysql_thread_id)                                                                                                 \
    X(mysql_real_connect)                                                                                              \
    X(mysql_real_query)                                                                                                \
    X(mysql_real_connect_start)                                                                                        \
    X(mysql_real_connect_cont)                                                                                         \
    X(mysql_real_query_start)                                                                                          \
    X(mysql_real_query_cont)                                                                                           \
    X(mysql_store_result_start)                                                                                        \
    X(mysql_store_result_cont)                                                                                         \
    X(mysql_free_result)                                                                                               \
    X(mysql_field_count)                                                                                               \
    X(mysql_stmt_init)                                                                                                 \
    X(mysql_stmt_close)                                                                                                \
    X(mysql_stmt_errno)                                                                                                \
    X(mysql_stmt_error)                                                                                                \
    X(mysql_stmt_sqlstate)                                                                                             \
    X(mysql_stmt_param_count)                                                                                          \
    X(mysql_stmt_bind_param)                                                                                           \
    X(mysql_stmt_bind_result)                                                                                          \
    X(mysql_stmt_field_count)                                                                                          \
    X(mysql_stmt_fetch_column)                                                                                         \
    X(mysql_stmt_affected_rows)                                                                                        \
    X(mysql_stmt_insert_id)                                                                                            \
    X(mysql_stmt_free_result)                                                                                          \
    X(mysql_stmt_prepare_start)                                                                                        \
    X(mysql_stmt_prepare_cont)                                                                                         \
    X(mysql_stmt_execute_start)                                                                                        \
    X(mysql_stmt_execute_cont)                                                                                         \
    X(mysql_stmt_fetch_start)                                                                                          \
    X(mysql_stmt_fetch_cont)                                                                                           \
    X(mysql_stmt_free_result_start)                                                                                    \
    X(mysql_stmt_free_result_cont)                                                                                     \
    X(mysql_stmt_more_results)                                                                                         \
    X(mysql_stmt_next_result_start)                                                                                    \
    X(mysql_stmt_next_result_cont)                                                                                     \
    X(mysql_stmt_close_start)                                                                                          \
    X(mysql_stmt_close_cont)                                                                                           \
    X(mariadb_get_infov)

LIBRARY_TABLE(Mysql, MYSQL_FUNCTIONS)

/* ---- connecting */

void my_set_options(const Mysql *mysql, MYSQL *handle, const Url *url, unsigned timeout_ms);
bool my_port_is_good(const Url *url);
unsigned my_port(const Url *url);
/* NULL: none is named. */
const char *my_socket_path(const Url *url);
/* The executor looks the host's name up. */
bool my_looks_up(const Url *url);
/* Libmariadb does, so it has to connect on another thread. */
bool my_connects_aside(const Url *url);
/* Waits for what an operation waits for, on a thread that may block: what is ready, 0 once it is abandoned. */
int my_poll(const Mysql *mysql, MYSQL *handle, int status, _Atomic bool *abandoned);

/* ---- statements and values */

enum { MY_CELL = 256 };

/* Where a fetched cell lies: a number, or the beginning of a text. */
typedef struct MyColumn {
    enum enum_field_types field_type, type; /* the server's, and as it is fetched */
    OrmcType means;
    unsigned long length;
    my_bool is_null, error;
    char bytes[MY_CELL];
} MyColumn;

typedef struct MyStatement {
    MYSQL_STMT *handle;
    size_t column_count;
    MyColumn *columns;
    MYSQL_BIND *binds; /* of the columns */
    bool bound;
} MyStatement;

/* Frees what is ours of it; the server's side was closed before, or goes with the connection. */
void my_statement_free(MyStatement *statement);
/* Columns and their memory, after an execution: made when they are not what they were. False: no memory. */
bool my_statement_describe(const Mysql *mysql, MyStatement *statement);

/* The statement as the server prepares it, of the same length; in the store where it differs. NULL: no memory. */
const char *my_prepared_text(Store *store, const char *sql, size_t length);
bool my_accepts(const OrmcValue *value, const char **why);
/* Binds in the store, pointing to the values. NULL: no memory. */
MYSQL_BIND *my_params(Store *store, const OrmcValue *values, size_t count);
/* Cell `index` of the row that was fetched. False: no memory. */
bool my_cell(const Mysql *mysql, MyStatement *statement, unsigned index, Store *store, OrmcValue *cell);

#endif
