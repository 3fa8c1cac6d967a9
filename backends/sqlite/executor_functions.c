#include "backends/sqlite/library.h"
int sqlite_functions_register(const Sqlite *sqlite, sqlite3 *db) {
    (void)sqlite;
    (void)db;
    return SQLITE_OK;
}
