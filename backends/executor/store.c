/* Chunks of growing size. See store.h. */
#include "backends/executor/store.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

struct StoreChunk {
    StoreChunk *next;
    size_t size; /* with this header */
};

enum { STORE_FIRST = 4096, STORE_LARGEST = 1024 * 1024 };

void store_init(Store *store, void *block, size_t size) {
    *store = (Store){.next = block, .end = block ? (char *)block + size : NULL};
    store->inline_start = store->next;
    store->inline_end = store->end;
}

static void store_drop_to(Store *store, const StoreChunk *kept) {
    while (store->chunks != kept) {
        StoreChunk *chunk = store->chunks;
        store->chunks = chunk->next;
        store->total -= chunk->size;
        free(chunk);
    }
}

void store_release(Store *store) {
    store_drop_to(store, NULL);
    store->next = store->inline_start;
    store->end = store->inline_end;
}

void *store_allocate_slow(Store *store, size_t size) {
    if (size > SIZE_MAX / 2) return NULL;
    size_t wanted = store->chunks ? store->chunks->size * 2 : STORE_FIRST;
    if (wanted > STORE_LARGEST) wanted = STORE_LARGEST;
    if (wanted < size + sizeof(StoreChunk)) wanted = size + sizeof(StoreChunk);
    StoreChunk *chunk = malloc(wanted);
    if (!chunk) return NULL;
    *chunk = (StoreChunk){.next = store->chunks, .size = wanted};
    store->chunks = chunk;
    store->total += wanted;
    store->next = (char *)(chunk + 1) + size;
    store->end = (char *)chunk + wanted;
    return chunk + 1;
}

StoreMark store_mark(const Store *store) {
    return (StoreMark){.chunk = store->chunks, .next = store->next, .end = store->end};
}

void store_reset_to(Store *store, StoreMark mark) {
    store_drop_to(store, mark.chunk);
    store->next = mark.next;
    store->end = mark.end;
}

char *store_copy(Store *store, const char *text, size_t length) {
    char *copy = store_allocate(store, length + 1);
    if (!copy) return NULL;
    if (length) memcpy(copy, text, length);
    copy[length] = '\0';
    return copy;
}
