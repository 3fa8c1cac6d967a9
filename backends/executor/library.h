/*
 * Client libraries, loaded when a database is opened: each is a table of function pointers, typed by the library's own
 * header and filled by dlopen() and dlsym().
 *
 *     LIBRARY_TABLE(Uv, UV_FUNCTIONS)      declares `Uv` with a member for each function of the list
 *     library_load(&uv, "libuv.so.1", ...)
 */
#ifndef ORMC_EXECUTOR_LIBRARY_H
#define ORMC_EXECUTOR_LIBRARY_H

#include <stdbool.h>
#include <stddef.h>

#include <uv.h>

#define LIBRARY_MEMBER(name) __typeof__(name) *name;
#define LIBRARY_NAME(name) #name,
#define LIBRARY_TABLE(Table, FUNCTIONS)                                                                                \
    typedef struct Table {                                                                                             \
        FUNCTIONS(LIBRARY_MEMBER)                                                                                      \
    } Table;

/*
 * Fills `table`, a struct of nothing but pointers to the functions `names`. False where the library or one of its
 * functions is missing; `message` then says which. A library is never unloaded: what it registered (thread keys, exit
 * handlers) stays valid.
 */
bool library_load(void *table, const char *const *names, size_t count, const char *const *sonames, char *message,
                  size_t capacity);

#define UV_FUNCTIONS(X)                                                                                                \
    X(uv_loop_init)                                                                                                    \
    X(uv_loop_close)                                                                                                   \
    X(uv_loop_alive)                                                                                                   \
    X(uv_run)                                                                                                          \
    X(uv_async_init)                                                                                                   \
    X(uv_async_send)                                                                                                   \
    X(uv_timer_init)                                                                                                   \
    X(uv_timer_start)                                                                                                  \
    X(uv_timer_stop)                                                                                                   \
    X(uv_poll_init_socket)                                                                                             \
    X(uv_poll_start)                                                                                                   \
    X(uv_poll_stop)                                                                                                    \
    X(uv_close)                                                                                                        \
    X(uv_queue_work)                                                                                                   \
    X(uv_cancel)                                                                                                       \
    X(uv_getaddrinfo)                                                                                                  \
    X(uv_freeaddrinfo)                                                                                                 \
    X(uv_strerror)                                                                                                     \
    X(uv_now)                                                                                                          \
    X(uv_update_time)                                                                                                  \
    X(uv_hrtime)

LIBRARY_TABLE(Uv, UV_FUNCTIONS)

bool uv_library_load(Uv *uv, char *message, size_t capacity);

#endif
