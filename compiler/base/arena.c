/* Arena: blocks of growing size, bump allocation. See arena.h for the rules. */
#include "compiler/base/arena.h"

#include <assert.h>
#include <string.h>

struct ArenaBlock {
    ArenaBlock *next;
    size_t size; /* usable bytes after this header */
};

enum { ARENA_FIRST_BLOCK = 64 * 1024, ARENA_LARGEST_BLOCK = 4 * 1024 * 1024, ARENA_HEADER = 16 };
static_assert(sizeof(ArenaBlock) <= ARENA_HEADER, "the header keeps what follows it aligned");

static char *block_start(ArenaBlock *block) { return (char *)block + ARENA_HEADER; }

static void arena_enter(Arena *arena, ArenaBlock *block) {
    arena->current = block;
    arena->next = block ? block_start(block) : NULL;
    arena->end = block ? block_start(block) + block->size : NULL;
}

void arena_init(Arena *arena, const Allocator *allocator, void (*exhausted)(void *user), void *user) {
    *arena = (Arena){.allocator = *allocator, .exhausted = exhausted, .exhausted_user = user};
}

void arena_destroy(Arena *arena) {
    for (ArenaBlock *block = arena->first, *next; block; block = next) {
        next = block->next;
        arena->allocator.release(arena->allocator.user, block);
    }
    arena->first = NULL;
    arena->used = 0;
    arena_enter(arena, NULL);
}

void arena_reset(Arena *arena) {
    arena->used = 0;
    arena_enter(arena, arena->first);
}

ArenaMark arena_mark(const Arena *arena) {
    return (ArenaMark){.block = arena->current, .next = arena->next, .used = arena->used};
}

void arena_reset_to(Arena *arena, ArenaMark mark) {
    arena_enter(arena, mark.block ? mark.block : arena->first);
    if (mark.block) arena->next = mark.next;
    arena->used = mark.used;
}

/* The next kept block that is large enough, else a new one linked in after the current. */
static ArenaBlock *arena_next_block(Arena *arena, size_t size) {
    ArenaBlock *kept = arena->current ? arena->current->next : arena->first;
    if (kept && kept->size >= size) return kept;
    size_t wanted = arena->current ? arena->current->size * 2 : ARENA_FIRST_BLOCK;
    if (wanted > ARENA_LARGEST_BLOCK) wanted = ARENA_LARGEST_BLOCK;
    if (wanted < size) wanted = size;
    ArenaBlock *block = wanted > SIZE_MAX - ARENA_HEADER
                            ? NULL
                            : arena->allocator.allocate(arena->allocator.user, wanted + ARENA_HEADER);
    if (!block) arena->exhausted(arena->exhausted_user);
    assert(block);
    block->size = wanted;
    block->next = kept;
    if (arena->current) arena->current->next = block;
    else arena->first = block;
    return block;
}

void *arena_allocate_slow(Arena *arena, size_t size) {
    arena_enter(arena, arena_next_block(arena, size));
    void *block = arena->next;
    arena->next += size;
    arena->used += size;
    return block;
}

void *arena_allocate_zeroed(Arena *arena, size_t size) {
    return memset(arena_allocate(arena, size ? size : 1), 0, size);
}

void *arena_grow(Arena *arena, void *items, int count, int *capacity, size_t size) {
    int wanted = *capacity ? *capacity * 2 : 8;
    void *larger = arena_allocate(arena, (size_t)wanted * size);
    if (count) memcpy(larger, items, (size_t)count * size);
    *capacity = wanted;
    return larger;
}
