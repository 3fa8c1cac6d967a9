/*
 * Arena: the only memory of a compile. Objects are never freed one by one; the whole arena is
 * reset or destroyed. An allocation never returns NULL: when memory runs out the arena calls its
 * `exhausted` hook, which does not return (the library's entry points set a recovery point and
 * report out-of-memory as an ordinary error). So no code that allocates here needs a leak path.
 */
#ifndef ORMC_BASE_ARENA_H
#define ORMC_BASE_ARENA_H

#include <stdarg.h>
#include <stddef.h>
#include <assert.h>
#include <stdint.h>

/* Where memory comes from; the embedding program may replace it (see ormc.h). */
typedef struct Allocator {
    void *(*allocate)(void *user, size_t size); /* NULL when there is none */
    void (*release)(void *user, void *block);
    void *user;
} Allocator;

typedef struct ArenaBlock ArenaBlock;

typedef struct Arena {
    Allocator allocator;
    ArenaBlock *first; /* blocks are kept by a reset and used again */
    ArenaBlock *current;
    char *next; /* first free byte of `current` */
    char *end;
    size_t used;                   /* bytes handed out since the last reset, for limits and statistics */
    void (*exhausted)(void *user); /* must not return */
    void *exhausted_user;
} Arena;

/* A point to go back to; everything allocated after it becomes invalid. */
typedef struct ArenaMark {
    ArenaBlock *block;
    char *next;
    size_t used;
} ArenaMark;

void arena_init(Arena *arena, const Allocator *allocator, void (*exhausted)(void *user), void *user);
void arena_destroy(Arena *arena);
void arena_reset(Arena *arena); /* keeps the blocks for reuse */
ArenaMark arena_mark(const Arena *arena);
void arena_reset_to(Arena *arena, ArenaMark mark);

void *arena_allocate_slow(Arena *arena, size_t size);

/* Uninitialised memory, aligned for any object of at most 16 bytes' alignment. */
static inline void *arena_allocate(Arena *arena, size_t size) {
    size = (size + 15u) & ~(size_t)15u;
    if ((size_t)(arena->end - arena->next) < size) return arena_allocate_slow(arena, size);
    void *block = arena->next;
    arena->next += size;
    arena->used += size;
    return block;
}

void *arena_allocate_zeroed(Arena *arena, size_t size);

/* A zeroed object / array of objects in the arena. */
#define ARENA_NEW(arena, T) ((T *)arena_allocate_zeroed((arena), sizeof(T)))
#define ARENA_ARRAY(arena, T, n) ((T *)arena_allocate_zeroed((arena), sizeof(T) * (size_t)(n)))

/*
 * Growing arrays: `T *items; int count, capacity;` as three members of the owner.
 *     ARENA_PUSH(arena, list->items, list->count, list->capacity) = value;
 */
void *arena_grow(Arena *arena, void *items, int count, int *capacity, size_t size);
#define ARENA_PUSH(arena, items, count, capacity)                                                                      \
    *((count) < (capacity)                                                                                             \
          ? &(items)[(count)++]                                                                                        \
          : (((items) = arena_grow((arena), (items), (count), &(capacity), sizeof *(items))), &(items)[(count)++]))

#endif
