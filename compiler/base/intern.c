/* Atoms, maps keyed by atoms or texts, and the nearest name for "did you mean". See slice.h. */
#include "compiler/base/slice.h"

static uint32_t hash_text(Slice text) {
    uint32_t hash = 2166136261u; /* FNV-1a */
    for (size_t i = 0; i < text.length; i++) hash = (hash ^ (unsigned char)text.start[i]) * 16777619u;
    return hash;
}

void atom_table_init(AtomTable *table, Arena *arena, const AtomTable *parent) {
    *table = (AtomTable){.arena = arena, .parent = parent};
}

static Atom table_find(const AtomTable *table, Slice text, uint32_t hash) {
    if (!table->capacity) return NULL;
    for (uint32_t i = hash & (table->capacity - 1);; i = (i + 1) & (table->capacity - 1)) {
        Atom atom = table->slots[i];
        if (!atom) return NULL;
        if (atom->hash == hash && slice_equals(atom->text, text)) return atom;
    }
}

static Atom table_find_in_chain(const AtomTable *table, Slice text, uint32_t hash) {
    for (; table; table = table->parent) {
        Atom atom = table_find(table, text, hash);
        if (atom) return atom;
    }
    return NULL;
}

static void table_insert(AtomTable *table, Atom atom) {
    uint32_t i = atom->hash & (table->capacity - 1);
    while (table->slots[i]) i = (i + 1) & (table->capacity - 1);
    table->slots[i] = atom;
}

static void table_grow(AtomTable *table) {
    Atom *old = table->slots;
    uint32_t size = table->capacity;
    table->capacity = size ? size * 2 : 256;
    table->slots = ARENA_ARRAY(table->arena, Atom, table->capacity);
    for (uint32_t i = 0; i < size; i++)
        if (old[i]) table_insert(table, old[i]);
}

Atom atom_lookup(const AtomTable *table, Slice text) { return table_find_in_chain(table, text, hash_text(text)); }

Atom atom_intern(AtomTable *table, Slice text) {
    uint32_t hash = hash_text(text);
    Atom known = table_find_in_chain(table, text, hash);
    if (known) return known;
    if ((table->count + 1) * 2 > table->capacity) table_grow(table);
    AtomData *atom = arena_allocate(table->arena, sizeof *atom);
    *atom = (AtomData){.text = slice_copy(table->arena, text), .hash = hash};
    table_insert(table, atom);
    table->count++;
    return atom;
}

Atom atom_intern_text(AtomTable *table, const char *text) { return atom_intern(table, slice_from(text)); }

enum { MAP_LINEAR = 8 }; /* up to here a scan beats an index */

void atom_map_init(AtomMap *map, Arena *arena) { *map = (AtomMap){.arena = arena}; }

static int map_find(const AtomMap *map, Atom key) {
    if (!map->index) {
        for (int i = 0; i < map->count; i++)
            if (map->entries[i].key == key) return i;
        return -1;
    }
    for (uint32_t i = key->hash & (map->index_size - 1);; i = (i + 1) & (map->index_size - 1)) {
        int32_t at = map->index[i];
        if (at < 0) return -1;
        if (map->entries[at].key == key) return at;
    }
}

int32_t *atom_map_free_place(const AtomMap *map, Atom key) {
    if (!map->index) return NULL;
    uint32_t i = key->hash & (map->index_size - 1);
    while (map->index[i] >= 0) i = (i + 1) & (map->index_size - 1);
    return &map->index[i];
}

static void map_index_entry(AtomMap *map, int at) { *atom_map_free_place(map, map->entries[at].key) = at; }

static void map_reindex(AtomMap *map) {
    map->index_size = 32;
    while (map->index_size < (uint32_t)map->capacity * 2) map->index_size *= 2;
    map->index = arena_allocate(map->arena, sizeof(int32_t) * map->index_size);
    memset(map->index, 0xff, sizeof(int32_t) * map->index_size);
    for (int i = 0; i < map->count; i++)
        if (map->entries[i].key) map_index_entry(map, i);
}

void *atom_map_get(const AtomMap *map, Atom key) {
    if (!key) return NULL;
    int at = map_find(map, key);
    return at < 0 ? NULL : map->entries[at].value;
}

void **atom_map_place(const AtomMap *map, Atom key) {
    int at = map_find(map, key);
    return at < 0 ? NULL : &map->entries[at].value;
}

void atom_map_set(AtomMap *map, Atom key, void *value) {
    int at = map_find(map, key);
    if (at >= 0) {
        map->entries[at].value = value;
        return;
    }
    int capacity = map->capacity;
    ARENA_PUSH(map->arena, map->entries, map->count, map->capacity) = (AtomMapEntry){key, value};
    if (!map->index && map->count <= MAP_LINEAR) return;
    if (!map->index || capacity != map->capacity) map_reindex(map);
    else map_index_entry(map, map->count - 1);
}

bool atom_map_remove(AtomMap *map, Atom key) {
    int at = map_find(map, key);
    if (at < 0) return false;
    memmove(&map->entries[at], &map->entries[at + 1], sizeof *map->entries * (size_t)(map->count - at - 1));
    map->count--;
    if (map->index) map_reindex(map);
    return true;
}

AtomMap atom_map_copy(const AtomMap *map, Arena *arena) {
    AtomMap copy;
    atom_map_init(&copy, arena);
    for (int i = 0; i < map->count; i++) atom_map_set(&copy, map->entries[i].key, map->entries[i].value);
    return copy;
}

static SliceMapEntry *slice_map_slot(const SliceMap *map, Slice key, uint32_t hash) {
    for (uint32_t i = hash & (map->capacity - 1);; i = (i + 1) & (map->capacity - 1)) {
        SliceMapEntry *slot = &map->slots[i];
        if (!slot->value || (slot->hash == hash && slice_equals(slot->key, key))) return slot;
    }
}

void *slice_map_get(const SliceMap *map, Slice key) {
    return map->capacity ? slice_map_slot(map, key, hash_text(key))->value : NULL;
}

void slice_map_add(SliceMap *map, Arena *arena, Slice key, void *value) {
    if ((map->count + 1) * 2 > map->capacity) {
        SliceMap old = *map;
        map->capacity = old.capacity ? old.capacity * 2 : 32;
        map->slots = ARENA_ARRAY(arena, SliceMapEntry, map->capacity);
        for (uint32_t i = 0; i < old.capacity; i++)
            if (old.slots[i].value) *slice_map_slot(map, old.slots[i].key, old.slots[i].hash) = old.slots[i];
    }
    uint32_t hash = hash_text(key);
    *slice_map_slot(map, key, hash) = (SliceMapEntry){key, hash, value};
    map->count++;
}

enum { SUGGESTION_LONGEST = 64 };

/* Optimal string alignment distance: insert, delete, replace, swap of neighbours. */
static int edit_distance(Slice a, Slice b) {
    int rows[3][SUGGESTION_LONGEST + 1];
    int *before = rows[0], *previous = rows[1], *current = rows[2];
    int width = (int)b.length;
    for (int j = 0; j <= width; j++) previous[j] = j;
    for (int i = 1; i <= (int)a.length; i++) {
        current[0] = i;
        for (int j = 1; j <= width; j++) {
            int cost = previous[j - 1] + (a.start[i - 1] != b.start[j - 1]);
            if (previous[j] + 1 < cost) cost = previous[j] + 1;
            if (current[j - 1] + 1 < cost) cost = current[j - 1] + 1;
            if (i > 1 && j > 1 && a.start[i - 1] == b.start[j - 2] && a.start[i - 2] == b.start[j - 1] &&
                before[j - 2] + 1 < cost)
                cost = before[j - 2] + 1;
            current[j] = cost;
        }
        int *spare = before;
        before = previous;
        previous = current;
        current = spare;
    }
    return previous[width];
}

Suggestion suggestion_start(Slice wanted) {
    int limit = wanted.length <= 5 ? 1 : wanted.length <= 8 ? 2 : 3;
    return (Suggestion){.wanted = wanted, .distance = limit + 1};
}

void suggestion_offer(Suggestion *suggestion, Slice candidate) {
    Slice wanted = suggestion->wanted;
    if (!candidate.length || candidate.length > SUGGESTION_LONGEST || wanted.length > SUGGESTION_LONGEST) return;
    int distance = edit_distance(wanted, candidate);
    /* a name of which nothing but a letter is left is no suggestion */
    if (distance >= suggestion->distance || distance >= (int)candidate.length) return;
    suggestion->best = candidate;
    suggestion->distance = distance;
}

bool suggestion_found(const Suggestion *suggestion) { return suggestion->best.length > 0; }
