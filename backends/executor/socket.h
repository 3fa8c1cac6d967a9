/*
 * What the drivers of client libraries with a socket share: watching it on the loop, a timer, work on other threads,
 * and looking up names of hosts without blocking.
 *
 * A driver embeds a Socket in its connection. Each of its calls back is a step, and none comes once it is closed;
 * connection_closed() is called when the last handle, lookup and work has gone.
 */
#ifndef ORMC_EXECUTOR_SOCKET_H
#define ORMC_EXECUTOR_SOCKET_H

#include "backends/executor/executor.h"

enum { ADDRESS_SIZE = 80, ADDRESS_MOST = 16 };

/* What a name stands for, as numbers; in the order in which they are to be tried. */
typedef struct Addresses {
    size_t count;
    char texts[ADDRESS_MOST][ADDRESS_SIZE];
} Addresses;

typedef struct Socket Socket;
/* `found->count` is 0 where there is none: `why` says it. */
typedef void (*SocketFoundCallback)(Connection *connection, const Addresses *found, const char *why);

struct Socket {
    Connection *connection;
    uv_poll_t *poll; /* a library may change its socket while it connects: one handle for each */
    int number, events;
    uv_timer_t timer;
    unsigned handles; /* open ones, lookups, and work on other threads */
    bool closed;
    void (*on_ready)(Connection *connection, int status, int events);
    void (*on_time)(Connection *connection);
    uv_getaddrinfo_t *lookup; /* on its way */
};

void socket_open(Socket *socket, Connection *connection,
                 void (*on_ready)(Connection *connection, int status, int events),
                 void (*on_time)(Connection *connection));
/* on_ready for these events (0: none) of the library's socket `number`. False: it can't be watched, and the connection
 * is lost. */
bool socket_watch(Socket *socket, int number, int events);
/* Bytes that can be read from it at once. */
size_t socket_waiting(const Socket *socket);
/* The library may close the socket now. */
void socket_unwatch(Socket *socket);
/* on_time after that many milliseconds; an earlier call is forgotten. */
void socket_after(Socket *socket, uint64_t ms);
void socket_no_timer(Socket *socket);
/* Runs `call` on a thread of libuv's; `done` runs in the loop and calls socket_release(). False: it could not. */
bool socket_work(Socket *socket, uv_work_t *work, uv_work_cb call, uv_after_work_cb done);
void socket_release(Socket *socket);
void socket_close(Socket *socket);

/* A name that has to be looked up: no address, no path. */
bool host_is_name(const char *host);
/* False: no memory. */
bool socket_look_up(Socket *socket, const char *name, SocketFoundCallback on_found);

#endif
