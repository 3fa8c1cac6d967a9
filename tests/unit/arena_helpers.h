/* An arena for each test: set up before it, destroyed after it; *state is the Arena. */
#ifndef ORMC_TESTS_ARENA_HELPERS_H
#define ORMC_TESTS_ARENA_HELPERS_H

#include <stdlib.h>

#include "compiler/base/arena.h"

static void *allocate(void *user, size_t size) {
    (void)user;
    return malloc(size);
}

static void release(void *user, void *block) {
    (void)user;
    free(block);
}

static void no_memory(void *user) {
    (void)user;
    abort();
}

static int setup(void **state) {
    static Arena arena;
    static const Allocator allocator = {allocate, release, NULL};
    arena_init(&arena, &allocator, no_memory, NULL);
    *state = &arena;
    return 0;
}

static int teardown(void **state) {
    arena_destroy(*state);
    return 0;
}

#endif
