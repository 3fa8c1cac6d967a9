/*
 * What the fuzz targets share: an arena over malloc that gives up a run when a limit is reached.
 */
#ifndef ORMC_TESTS_FUZZ_H
#define ORMC_TESTS_FUZZ_H

#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>

#include "compiler/base/arena.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static jmp_buf fuzz_exhausted_point;

static void *fuzz_allocate(void *user, size_t size) {
    (void)user;
    return malloc(size);
}

static void fuzz_release(void *user, void *block) {
    (void)user;
    free(block);
}

static void fuzz_exhausted(void *user) {
    (void)user;
    longjmp(fuzz_exhausted_point, 1);
}

static inline void fuzz_arena_init(Arena *arena) {
    const Allocator allocator = {.allocate = fuzz_allocate, .release = fuzz_release};
    arena_init(arena, &allocator, fuzz_exhausted, NULL);
}

#endif
