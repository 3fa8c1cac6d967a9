/*
 * Pairs as keys. Input: a node of a syntax tree, say, and the number of an outcome. Output: the place that stands for
 * both. Invariant: at most half of the places are taken, so a search ends. Example: (node of `if x:`, 1) -> seen.
 */
#include "compiler/evaluate/pairs.h"

static Pair *pair_search(Pair *items, int capacity, const void *first, uintptr_t second) {
    size_t at = (((uintptr_t)first >> 4) * 31u) ^ ((second ^ (second >> 7)) * 7919u);
    for (;; at++) {
        Pair *place = &items[at & (size_t)(capacity - 1)];
        if (!place->first || (place->first == first && place->second == second)) return place;
    }
}

const Pair *pair_find(const PairMap *map, const void *first, uintptr_t second) {
    if (!first || !map->capacity) return NULL;
    const Pair *place = pair_search(map->items, map->capacity, first, second);
    return place->first ? place : NULL;
}

Pair *pair_place(PairMap *map, Arena *arena, const void *first, uintptr_t second) {
    if (!first) return NULL;
    if (map->count * 2 >= map->capacity) {
        PairMap grown = {.capacity = map->capacity ? map->capacity * 2 : 32, .count = map->count};
        grown.items = ARENA_ARRAY(arena, Pair, grown.capacity);
        for (int i = 0; i < map->capacity; i++)
            if (map->items[i].first)
                *pair_search(grown.items, grown.capacity, map->items[i].first, map->items[i].second) = map->items[i];
        *map = grown;
    }
    Pair *place = pair_search(map->items, map->capacity, first, second);
    if (!place->first) {
        *place = (Pair){.first = first, .second = second};
        map->count++;
    }
    return place;
}
