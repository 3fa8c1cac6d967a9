#include <stdio.h>
#include "backends/executor/executor.h"
const Driver *mysql_driver_load(OrmcPool *pool, char *message, size_t capacity) {
    (void)pool;
    snprintf(message, capacity, "this build of ormc has no MariaDB executor: libmariadb's header was missing");
    return NULL;
}
