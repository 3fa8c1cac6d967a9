/*
 * Hosts of a connection string: which names have to be looked up, and the string's part that says what was found.
 *
 * libpq looks names up itself, and blocks. So the executor does it before, and gives libpq each address with the name
 * it belongs to (against which a certificate is checked): of `host=db,/run/pg port=1,2`, where db has two addresses,
 *
 *     host=db,db,/run/pg  hostaddr=10.0.0.1,10.0.0.2,  port=1,1,2
 */
#include <stdlib.h>
#include <string.h>

#include "backends/executor/socket.h"
#include "backends/postgresql/executor_parts.h"

static const char *option_value(const PQconninfoOption *options, const char *name) {
    for (; options->keyword; options++)
        if (strcmp(options->keyword, name) == 0) return options->val && *options->val ? options->val : NULL;
    return NULL;
}

static size_t list_count(const char *list) {
    size_t count = 1;
    for (; *list; list++) count += *list == ',';
    return count;
}

/* Element `index`, or the only one; a copy. NULL: no memory. */
static const char *list_item(Store *store, const char *list, size_t index) {
    if (list_count(list) == 1) index = 0;
    while (index && *list) index -= *list++ == ',';
    return store_copy(store, list, strcspn(list, ","));
}

static bool hosts_fill(Store *store, PgHosts *hosts, const char *names, const char *ports) {
    size_t count = list_count(names);
    PgHost *items = store_allocate(store, count * sizeof *items);
    if (!items) return false;
    bool any = false;
    for (size_t i = 0; i < count; i++) {
        items[i] = (PgHost){.name = list_item(store, names, i), .port = ports ? list_item(store, ports, i) : ""};
        if (!items[i].name || !items[i].port) return false;
        any = any || host_is_name(items[i].name);
    }
    if (any) *hosts = (PgHosts){.items = items, .count = count, .with_ports = ports != NULL};
    return true;
}

/* All that the URL, a service file, the environment and defaults say, as libpq puts it together when it connects. An
 * SSL mode that there is not keeps it from doing so. NULL: no memory. */
static PQconninfoOption *hosts_settle(const Pq *pq, const char *url) {
    const char *const names[] = {"dbname", "sslmode", NULL}, *const values[] = {url, "none of them", NULL};
    PGconn *conn = pq->PQconnectStartParams(names, values, 1);
    PQconninfoOption *options = conn ? pq->PQconninfo(conn) : NULL;
    if (conn) pq->PQfinish(conn);
    return options;
}

bool pg_hosts_read(const Pq *pq, Store *store, const char *url, PgHosts *hosts) {
    *hosts = (PgHosts){0};
    PQconninfoOption *options = hosts_settle(pq, url);
    if (!options) return false;
    const char *names = option_value(options, "host");
    bool good =
        !names || option_value(options, "hostaddr") || hosts_fill(store, hosts, names, option_value(options, "port"));
    pq->PQconninfoFree(options);
    return good;
}

static bool list_add(char **list, const char *item, bool first) {
    size_t length = *list ? strlen(*list) : 0, more = strlen(item);
    char *longer = realloc(*list, length + more + 2);
    if (!longer) return false;
    *list = longer;
    if (!first) longer[length++] = ',';
    memcpy(longer + length, item, more + 1);
    return true;
}

bool pg_route_add(PgRoute *route, const PgHost *host, const char *address) {
    bool first = route->count++ == 0;
    return list_add(&route->hosts, host->name, first) && list_add(&route->addresses, address, first) &&
           list_add(&route->ports, host->port, first);
}

void pg_route_free(PgRoute *route) {
    free(route->hosts);
    free(route->addresses);
    free(route->ports);
    *route = (PgRoute){0};
}
