/* Loading of client libraries. See library.h. */
#include "backends/executor/library.h"

#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

bool library_load(void *table, const char *const *names, size_t count, const char *const *sonames, char *message,
                  size_t capacity) {
    void *library = NULL;
    for (size_t i = 0; sonames[i] && !library; i++) library = dlopen(sonames[i], RTLD_NOW | RTLD_LOCAL);
    if (!library) {
        snprintf(message, capacity, "the client library %s is not installed here", sonames[0]);
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        void *function = dlsym(library, names[i]);
        if (!function) {
            snprintf(message, capacity, "the client library %s is too old: it lacks %s()", sonames[0], names[i]);
            return false;
        }
        memcpy((char *)table + i * sizeof function, &function, sizeof function);
    }
    return true;
}

bool uv_library_load(Uv *uv, char *message, size_t capacity) {
    static const char *const names[] = {UV_FUNCTIONS(LIBRARY_NAME)};
    static const char *const sonames[] = {"libuv.so.1", NULL};
    return library_load(uv, names, sizeof names / sizeof *names, sonames, message, capacity);
}
