/*
 * See memory.h. Each block has a head of 32 bytes before it that links it into the list; the
 * alignment of what follows stays that of the parent's blocks (16 bytes at least).
 */
#include "compiler/memory.h"

struct MemoryBlock {
    MemoryBlock *next, *previous;
    Memory *owner;
    void *padding;
};

static_assert(sizeof(MemoryBlock) % 16 == 0, "what follows the head stays aligned");

void memory_init(Memory *memory, const Allocator *parent) { *memory = (Memory){.parent = *parent}; }

static void *memory_allocate(void *user, size_t size) {
    Memory *memory = user;
    if (size > SIZE_MAX - sizeof(MemoryBlock)) return NULL;
    MemoryBlock *block = memory->parent.allocate(memory->parent.user, sizeof *block + size);
    if (!block) return NULL;
    *block = (MemoryBlock){.next = memory->blocks, .owner = memory};
    if (block->next) block->next->previous = block;
    memory->blocks = block;
    return block + 1;
}

static void memory_release(void *user, void *address) {
    Memory *memory = user;
    if (!address) return;
    MemoryBlock *block = (MemoryBlock *)address - 1;
    if (block->next) block->next->previous = block->previous;
    if (block->previous) block->previous->next = block->next;
    else memory->blocks = block->next;
    memory->parent.release(memory->parent.user, block);
}

Allocator memory_allocator(Memory *memory) {
    return (Allocator){.allocate = memory_allocate, .release = memory_release, .user = memory};
}

void memory_release_all(Memory *memory) {
    while (memory->blocks) memory_release(memory, memory->blocks + 1);
}
