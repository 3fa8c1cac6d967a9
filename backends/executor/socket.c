/* Sockets of client libraries on the loop, and names of hosts. See socket.h. */
#include "backends/executor/socket.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

void socket_open(Socket *socket, Connection *connection,
                 void (*on_ready)(Connection *connection, int status, int events),
                 void (*on_time)(Connection *connection)) {
    OrmcPool *pool = connection->pool;
    *socket = (Socket){.connection = connection, .handles = 1, .on_ready = on_ready, .on_time = on_time};
    pool->uv->uv_timer_init(pool->loop->loop, &socket->timer);
    socket->timer.data = socket;
}

void socket_release(Socket *socket) {
    if (--socket->handles == 0 && socket->closed) connection_closed(socket->connection);
}

/* ---- watching */

static void socket_on_poll(uv_poll_t *poll, int status, int events) {
    Socket *socket = poll->data;
    Connection *connection = socket->connection;
    if (connection->state == CONNECTION_CLOSING) return;
    OrmcPool *pool = connection->pool;
    pool_enter(pool);
    socket->on_ready(connection, status, events);
    pool_leave(pool);
}

static void socket_on_poll_closed(uv_handle_t *handle) {
    Socket *socket = handle->data;
    OrmcPool *pool = socket->connection->pool;
    free(handle);
    pool_enter(pool);
    socket_release(socket);
    pool_leave(pool);
}

static void socket_drop_poll(Socket *socket) {
    if (!socket->poll) return;
    const Uv *uv = socket->connection->pool->uv;
    uv->uv_poll_stop(socket->poll);
    uv->uv_close((uv_handle_t *)socket->poll, socket_on_poll_closed);
    socket->poll = NULL;
    socket->events = 0;
}

void socket_unwatch(Socket *socket) {
    if (socket->poll && socket->events) socket->connection->pool->uv->uv_poll_stop(socket->poll);
    socket->events = 0;
}

bool socket_watch(Socket *socket, int number, int events) {
    OrmcPool *pool = socket->connection->pool;
    const Uv *uv = pool->uv;
    if (socket->poll && number != socket->number) socket_drop_poll(socket);
    if (!socket->poll && !events) return true;
    if (!socket->poll) {
        socket->poll = malloc(sizeof *socket->poll);
        if (!socket->poll || uv->uv_poll_init_socket(pool->loop->loop, socket->poll, number) != 0) {
            bool memory = !socket->poll;
            free(socket->poll);
            socket->poll = NULL;
            connection_lost(socket->connection, "", 0, memory ? "out of memory" : "the socket can't be watched");
            return false;
        }
        socket->poll->data = socket;
        socket->number = number;
        socket->handles++;
    }
    if (events == socket->events) return true;
    if (events) uv->uv_poll_start(socket->poll, events, socket_on_poll);
    else uv->uv_poll_stop(socket->poll);
    socket->events = events;
    return true;
}

size_t socket_waiting(const Socket *socket) {
    int count = 0;
    return socket->poll && ioctl(socket->number, FIONREAD, &count) == 0 && count > 0 ? (size_t)count : 0;
}

/* ---- time */

static void socket_on_timer(uv_timer_t *timer) {
    Socket *socket = timer->data;
    Connection *connection = socket->connection;
    if (connection->state == CONNECTION_CLOSING) return;
    OrmcPool *pool = connection->pool;
    pool_enter(pool);
    socket->on_time(connection);
    pool_leave(pool);
}

void socket_after(Socket *socket, uint64_t ms) {
    socket->connection->pool->uv->uv_timer_start(&socket->timer, socket_on_timer, ms, 0);
}

void socket_no_timer(Socket *socket) { socket->connection->pool->uv->uv_timer_stop(&socket->timer); }

/* ---- other threads */

bool socket_work(Socket *socket, uv_work_t *work, uv_work_cb call, uv_after_work_cb done) {
    if (pool_queue_work(socket->connection->pool, work, call, done) != 0) return false;
    socket->handles++;
    return true;
}

/* ---- names */

bool host_is_name(const char *host) {
    unsigned char address[sizeof(struct in6_addr)];
    if (!host || !*host || *host == '/' || *host == '@' || strchr(host, '%')) return false;
    return inet_pton(AF_INET, host, address) != 1 && inet_pton(AF_INET6, host, address) != 1;
}

typedef struct Lookup {
    uv_getaddrinfo_t request; /* first: it is freed as one */
    Socket *socket;
    SocketFoundCallback on_found;
} Lookup;

static void addresses_take(Addresses *found, const struct addrinfo *list) {
    for (; list && found->count < ADDRESS_MOST; list = list->ai_next)
        if (getnameinfo(list->ai_addr, list->ai_addrlen, found->texts[found->count], ADDRESS_SIZE, NULL, 0,
                        NI_NUMERICHOST) == 0)
            found->count++;
}

static void socket_on_found(uv_getaddrinfo_t *request, int status, struct addrinfo *list) {
    Lookup *lookup = (Lookup *)request;
    Socket *socket = lookup->socket;
    Connection *connection = socket->connection;
    OrmcPool *pool = connection->pool;
    Addresses found = {0};
    pool_enter(pool);
    addresses_take(&found, list);
    if (list) pool->uv->uv_freeaddrinfo(list);
    socket->lookup = NULL;
    if (connection->state != CONNECTION_CLOSING)
        lookup->on_found(connection, &found, status ? pool->uv->uv_strerror(status) : "it has no address");
    free(lookup);
    socket_release(socket);
    pool_leave(pool);
}

bool socket_look_up(Socket *socket, const char *name, SocketFoundCallback on_found) {
    OrmcPool *pool = socket->connection->pool;
    Lookup *lookup = malloc(sizeof *lookup);
    if (!lookup) return false;
    *lookup = (Lookup){.socket = socket, .on_found = on_found};
    const struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
    sigset_t before;
    signals_block(&before); /* it may start libuv's threads */
    int code = pool->uv->uv_getaddrinfo(pool->loop->loop, &lookup->request, socket_on_found, name, NULL, &hints);
    signals_restore(&before);
    if (code != 0) {
        free(lookup);
        return false;
    }
    socket->lookup = &lookup->request;
    socket->handles++;
    return true;
}

/* ---- the end */

static void socket_on_timer_closed(uv_handle_t *handle) {
    Socket *socket = handle->data;
    OrmcPool *pool = socket->connection->pool;
    pool_enter(pool);
    socket_release(socket);
    pool_leave(pool);
}

void socket_close(Socket *socket) {
    const Uv *uv = socket->connection->pool->uv;
    socket->closed = true;
    socket_drop_poll(socket);
    if (socket->lookup) uv->uv_cancel((uv_req_t *)socket->lookup);
    uv->uv_close((uv_handle_t *)&socket->timer, socket_on_timer_closed);
}
