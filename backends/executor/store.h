/*
 * Store: memory of one request or one batch of rows; freed as a whole. Unlike the compiler's arena it answers NULL when
 * memory runs out, because nobody may jump out of a callback of the loop.
 */
#ifndef ORMC_EXECUTOR_STORE_H
#define ORMC_EXECUTOR_STORE_H

#include <stddef.h>

typedef struct StoreChunk StoreChunk;

typedef struct Store {
    StoreChunk *chunks; /* newest first */
    char *next, *end;   /* free part of the newest chunk, or of the inline block before the first chunk */
    char *inline_start, *inline_end;
    size_t total; /* bytes asked of the system */
} Store;

typedef struct StoreMark {
    StoreChunk *chunk;
    char *next, *end;
} StoreMark;

/* `block` (may be NULL) is memory to use before any is allocated. */
void store_init(Store *store, void *block, size_t size);
void store_release(Store *store);
void *store_allocate_slow(Store *store, size_t size);
StoreMark store_mark(const Store *store);
void store_reset_to(Store *store, StoreMark mark);

static inline void *store_allocate(Store *store, size_t size) {
    size = (size + 7u) & ~(size_t)7u;
    if ((size_t)(store->end - store->next) < size) return store_allocate_slow(store, size);
    void *block = store->next;
    store->next += size;
    return block;
}

/* A terminated copy. */
char *store_copy(Store *store, const char *text, size_t length);

#endif
