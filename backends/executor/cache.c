/* Hash table with chains, and a list by use. See cache.h. */
#include "backends/executor/cache.h"

#include <stdlib.h>
#include <string.h>

/* A larger limit makes the chains longer, not the table. */
enum { CACHE_BUCKETS = 1 << 14 };

bool cache_init(StatementCache *cache, unsigned limit) {
    *cache = (StatementCache){.limit = limit, .bucket_count = 16};
    while (cache->bucket_count < limit && cache->bucket_count < CACHE_BUCKETS) cache->bucket_count *= 2;
    cache->buckets = calloc(cache->bucket_count, sizeof *cache->buckets);
    return cache->buckets != NULL;
}

static CacheEntry **cache_slot(StatementCache *cache, const char *key, size_t length, uint64_t hash) {
    CacheEntry **slot = &cache->buckets[hash & (cache->bucket_count - 1)];
    while (*slot && ((*slot)->hash != hash || (*slot)->length != length || memcmp((*slot)->key, key, length) != 0))
        slot = &(*slot)->chain;
    return slot;
}

static void cache_unlink(StatementCache *cache, CacheEntry *entry) {
    if (entry->newer) entry->newer->older = entry->older;
    else cache->newest = entry->older;
    if (entry->older) entry->older->newer = entry->newer;
    else cache->oldest = entry->newer;
}

static void cache_link(StatementCache *cache, CacheEntry *entry) {
    entry->newer = NULL;
    entry->older = cache->newest;
    if (cache->newest) cache->newest->newer = entry;
    else cache->oldest = entry;
    cache->newest = entry;
}

void *cache_find(StatementCache *cache, const char *key, size_t length, uint64_t hash) {
    CacheEntry *entry = *cache_slot(cache, key, length, hash);
    if (!entry) return NULL;
    if (entry != cache->newest) {
        cache_unlink(cache, entry);
        cache_link(cache, entry);
    }
    return entry->value;
}

static void *cache_drop(StatementCache *cache, CacheEntry **slot) {
    CacheEntry *entry = *slot;
    if (!entry) return NULL;
    void *value = entry->value;
    *slot = entry->chain;
    cache_unlink(cache, entry);
    cache->count--;
    free(entry);
    return value;
}

void *cache_take_any(StatementCache *cache) {
    CacheEntry *entry = cache->oldest;
    return entry ? cache_drop(cache, cache_slot(cache, entry->key, entry->length, entry->hash)) : NULL;
}

void *cache_make_room(StatementCache *cache) { return cache->count >= cache->limit ? cache_take_any(cache) : NULL; }

bool cache_insert(StatementCache *cache, const char *key, size_t length, uint64_t hash, void *value) {
    CacheEntry *entry = malloc(sizeof *entry + length);
    if (!entry) return false;
    CacheEntry **slot = &cache->buckets[hash & (cache->bucket_count - 1)];
    *entry = (CacheEntry){.chain = *slot, .hash = hash, .length = length, .value = value};
    memcpy(entry->key, key, length);
    *slot = entry;
    cache_link(cache, entry);
    cache->count++;
    return true;
}

void cache_remove(StatementCache *cache, const char *key, size_t length, uint64_t hash) {
    cache_drop(cache, cache_slot(cache, key, length, hash));
}

void cache_destroy(StatementCache *cache) {
    while (cache->oldest) cache_take_any(cache);
    free(cache->buckets);
    *cache = (StatementCache){0};
}
