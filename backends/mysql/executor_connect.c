/*
 * Connecting to MariaDB and MySQL: what the URL says, and connecting from another thread.
 *
 * Where libmariadb has to be given the name of the host (it compares the certificate with it) it looks the name up
 * itself, and blocks. Then the whole way to the connection is gone on a thread of libuv's, with the same calls as on
 * the loop, so that the socket is left as those want it.
 */
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "backends/executor/socket.h"
#include "backends/mysql/executor_parts.h"

static bool my_wants_tls(const Url *url) {
    const char *tls = url_option(url, "ssl");
    return tls && (strcmp(tls, "true") == 0 || strcmp(tls, "1") == 0);
}

void my_set_options(const Mysql *mysql, MYSQL *handle, const Url *url, unsigned timeout_ms) {
    unsigned seconds = (timeout_ms + 999) / 1000, none = 0;
    mysql->mysql_optionsv(handle, MYSQL_OPT_CONNECT_TIMEOUT, &seconds);
    mysql->mysql_optionsv(handle, MYSQL_SET_CHARSET_NAME, "utf8mb4");
    mysql->mysql_optionsv(handle, MYSQL_OPT_LOCAL_INFILE, &none); /* no server shall ask for files of ours */
    static const struct {
        const char *name;
        enum mysql_option option;
    } names[] = {{"ssl_ca", MYSQL_OPT_SSL_CA},         {"ssl_cert", MYSQL_OPT_SSL_CERT},
                 {"ssl_key", MYSQL_OPT_SSL_KEY},       {"ssl_capath", MYSQL_OPT_SSL_CAPATH},
                 {"ssl_cipher", MYSQL_OPT_SSL_CIPHER}, {"read_default_file", MYSQL_READ_DEFAULT_FILE}};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        const char *value = url_option(url, names[i].name);
        if (value) mysql->mysql_optionsv(handle, names[i].option, value);
    }
    my_bool wanted = my_wants_tls(url), verify = wanted;
    if (wanted) mysql->mysql_optionsv(handle, MYSQL_OPT_SSL_ENFORCE, &wanted);
    if (wanted) mysql->mysql_optionsv(handle, MYSQL_OPT_SSL_VERIFY_SERVER_CERT, &verify);
}

bool my_port_is_good(const Url *url) {
    return !url->port ||
           (strlen(url->port) <= 5 && !url->port[strspn(url->port, "0123456789")] && my_port(url) < 65536);
}

unsigned my_port(const Url *url) { return url->port ? (unsigned)strtoul(url->port, NULL, 10) : 0; }

const char *my_socket_path(const Url *url) {
    const char *path = url_option(url, "unix_socket");
    return path ? path : url_option(url, "socket");
}

/* "localhost" means the socket to it. */
static bool my_has_name(const Url *url) {
    return host_is_name(url->host) && strcmp(url->host, "localhost") != 0 && !my_socket_path(url);
}

/* A list of hosts is libmariadb's to go through, an option file its to read. */
static bool my_keeps_name(const Url *url) {
    return my_wants_tls(url) || url_option(url, "read_default_file") || (url->host && strchr(url->host, ','));
}

bool my_looks_up(const Url *url) { return my_has_name(url) && !my_keeps_name(url); }

bool my_connects_aside(const Url *url) {
    return my_keeps_name(url) && (my_has_name(url) || url_option(url, "read_default_file"));
}

int my_poll(const Mysql *mysql, MYSQL *handle, int status, _Atomic bool *abandoned) {
    enum { SLICE_MS = 100 };
    unsigned left = status & MYSQL_WAIT_TIMEOUT ? mysql->mysql_get_timeout_value_ms(handle) : 0;
    struct pollfd waits = {.fd = (int)mysql->mysql_get_socket(handle)};
    waits.events = (short)((status & MYSQL_WAIT_READ ? POLLIN : 0) | (status & MYSQL_WAIT_WRITE ? POLLOUT : 0));
    for (;;) {
        if (atomic_load(abandoned)) return 0;
        int slice = left && left < SLICE_MS ? (int)left : SLICE_MS;
        if (poll(&waits, 1, slice) > 0) break;
        if (status & MYSQL_WAIT_TIMEOUT && (left -= (unsigned)slice) == 0) return MYSQL_WAIT_TIMEOUT;
    }
    if (waits.revents & (POLLERR | POLLHUP | POLLNVAL)) return status & (MYSQL_WAIT_READ | MYSQL_WAIT_WRITE);
    return (waits.revents & POLLIN ? MYSQL_WAIT_READ : 0) | (waits.revents & POLLOUT ? MYSQL_WAIT_WRITE : 0);
}
