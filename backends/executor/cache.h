/*
 * Statement cache of one connection: text (and what else tells two statements apart) → the driver's prepared statement.
 * The least recently used goes when the cache is full.
 */
#ifndef ORMC_EXECUTOR_CACHE_H
#define ORMC_EXECUTOR_CACHE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct CacheEntry {
    struct CacheEntry *chain;         /* next in the same bucket */
    struct CacheEntry *newer, *older; /* by use */
    uint64_t hash;
    size_t length;
    void *value;
    char key[];
} CacheEntry;

typedef struct StatementCache {
    CacheEntry **buckets;
    unsigned bucket_count, count, limit;
    CacheEntry *newest, *oldest;
} StatementCache;

bool cache_init(StatementCache *cache, unsigned limit);
/* The value, now the most recently used; or NULL. */
void *cache_find(StatementCache *cache, const char *key, size_t length, uint64_t hash);
/* The value of the least recently used entry, which is removed, when the cache is full; else NULL. */
void *cache_make_room(StatementCache *cache);
/* False: no memory. */
bool cache_insert(StatementCache *cache, const char *key, size_t length, uint64_t hash, void *value);
void cache_remove(StatementCache *cache, const char *key, size_t length, uint64_t hash);
/* Removes an entry and gives its value, until it gives NULL. */
void *cache_take_any(StatementCache *cache);
void cache_destroy(StatementCache *cache);

#endif
