/*
 * The journal: old bytes of all memory that evaluation changes, so that a branch, or a whole compile,
 * can be undone. Input: evaluator_touch before each change. Invariant: undoing in reverse order gives
 * the very bytes of the mark. Changed maps of the lasting arena grow into the current one, so a compile
 * leaves nothing behind.
 */
#include "compiler/evaluate/internal.h"

void evaluator_touch(Evaluator *ev, void *memory, size_t size) {
    if (!ev->journaling) return;
    void *old = arena_allocate(ev->arena, size);
    memcpy(old, memory, size);
    ARENA_PUSH(&ev->keep, ev->journal, ev->journal_count, ev->journal_capacity) = (JournalEntry){memory, old, size};
}

JournalMark journal_mark(const Evaluator *ev) { return (JournalMark){ev->journal_count}; }

void journal_undo(Evaluator *ev, JournalMark mark) {
    while (ev->journal_count > mark.count) {
        JournalEntry *entry = &ev->journal[--ev->journal_count];
        memcpy(entry->memory, entry->old, entry->size);
    }
}

void namespace_set(Evaluator *ev, AtomMap *map, Atom key, void *value) {
    if (ev->journaling) {
        void **place = atom_map_place(map, key);
        if (place) {
            evaluator_touch(ev, place, sizeof *place);
        } else {
            int32_t *free_place = atom_map_free_place(map, key);
            evaluator_touch(ev, map, sizeof *map);
            if (free_place) evaluator_touch(ev, free_place, sizeof *free_place);
            map->arena = ev->arena;
        }
    } else if (!map->arena) map->arena = ev->arena;
    atom_map_set(map, key, value);
}

bool namespace_remove(Evaluator *ev, AtomMap *map, Atom key) {
    if (!atom_map_get(map, key)) return false;
    if (ev->journaling) {
        evaluator_touch(ev, map, sizeof *map);
        *map = atom_map_copy(map, ev->arena);
    }
    return atom_map_remove(map, key);
}
