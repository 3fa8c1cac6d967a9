/*
 * Blocks that are given back all at once: an allocator over another one that keeps a list of what it
 * handed out. So an evaluator whose making is cut short by exhausted memory leaves nothing behind.
 */
#ifndef ORMC_MEMORY_H
#define ORMC_MEMORY_H

#include "compiler/base/arena.h"

typedef struct MemoryBlock MemoryBlock;
typedef struct Memory {
    Allocator parent;
    MemoryBlock *blocks;
} Memory;

void memory_init(Memory *memory, const Allocator *parent);
/* An allocator that takes from `memory`, which must stay where it is. */
Allocator memory_allocator(Memory *memory);
void memory_release_all(Memory *memory);

#endif
