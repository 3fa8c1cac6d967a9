/* A hash table from pairs (a pointer and a number or second pointer) to numbers; nothing is removed. */
#ifndef ORMC_EVALUATE_PAIRS_H
#define ORMC_EVALUATE_PAIRS_H

#include "compiler/base/arena.h"

typedef struct Pair {
    const void *first; /* NULL: a free place */
    uintptr_t second;
    int value;
} Pair;

typedef struct PairMap {
    Pair *items;
    int count, capacity; /* zero, or a power of two */
} PairMap;

const Pair *pair_find(const PairMap *map, const void *first, uintptr_t second); /* NULL: not there */
/* The pair's place, made with value 0 where it is new; NULL only where `first` is. */
Pair *pair_place(PairMap *map, Arena *arena, const void *first, uintptr_t second);

#endif
