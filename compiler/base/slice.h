/*
 * Slice: a view of bytes that somebody else owns (a source file, the arena, a constant).
 * Buffer: text that grows in an arena.
 * Atom: an interned string; equal text means equal pointer, so atoms compare with ==.
 */
#ifndef ORMC_BASE_SLICE_H
#define ORMC_BASE_SLICE_H

#include <stdbool.h>
#include <string.h>

#include "compiler/base/arena.h"

typedef struct Slice {
    const char *start; /* UTF-8, not terminated */
    size_t length;
} Slice;

#define SLICE(literal) ((Slice){(literal), sizeof(literal) - 1})

static inline Slice slice_from(const char *text) { return (Slice){text, strlen(text)}; }
static inline bool slice_equals(Slice a, Slice b) {
    return a.length == b.length && (a.length == 0 || memcmp(a.start, b.start, a.length) == 0);
}
static inline bool slice_equals_text(Slice a, const char *text) { return slice_equals(a, slice_from(text)); }
/* By bytes; <0, 0, >0 as memcmp. */
int slice_compare(Slice a, Slice b);
bool slice_starts_with(Slice text, const char *prefix);
bool slice_ends_with(Slice text, const char *suffix);
Slice slice_sub(Slice text, size_t from, size_t to);
/* Position of the first `byte`, or `text.length`. */
size_t slice_find(Slice text, char byte);
/* Letters of ASCII alone, as SQL's keywords, names of classes and labels of apps have them. */
static inline char char_lower(char c) { return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c; }
Slice slice_lower(Arena *arena, Slice text);
bool slice_equals_ignoring_case(Slice text, const char *other);
bool slice_starts_ignoring_case(Slice text, const char *prefix);
bool slice_contains_ignoring_case(Slice text, Slice part);
Slice slice_copy(Arena *arena, Slice text);
/* A NUL-terminated copy in the arena. */
const char *slice_terminated(Arena *arena, Slice text);
Slice slice_format(Arena *arena, const char *format, ...) __attribute__((format(printf, 2, 3)));
Slice slice_format_list(Arena *arena, const char *format, va_list arguments) __attribute__((format(printf, 2, 0)));
/* Both one after the other; unlike slice_format it carries NULs. */
Slice slice_join(Arena *arena, Slice a, Slice b);
/* printf arguments for "%.*s". */
#define SLICE_ARGS(slice) (int)(slice).length, (slice).start

typedef struct Buffer {
    Arena *arena;
    char *data;
    size_t length, capacity;
} Buffer;

void buffer_init(Buffer *buffer, Arena *arena);
void buffer_reserve(Buffer *buffer, size_t more);
static inline void buffer_put(Buffer *buffer, char byte) {
    if (buffer->length == buffer->capacity) buffer_reserve(buffer, 1);
    buffer->data[buffer->length++] = byte;
}
static inline void buffer_append(Buffer *buffer, const char *data, size_t length) {
    if (buffer->capacity - buffer->length < length) buffer_reserve(buffer, length);
    if (length) memcpy(buffer->data + buffer->length, data, length);
    buffer->length += length;
}
static inline void buffer_slice(Buffer *buffer, Slice text) { buffer_append(buffer, text.start, text.length); }
static inline void buffer_text(Buffer *buffer, const char *text) { buffer_append(buffer, text, strlen(text)); }
void buffer_format(Buffer *buffer, const char *format, ...) __attribute__((format(printf, 2, 3)));
static inline Slice buffer_view(const Buffer *buffer) { return (Slice){buffer->data, buffer->length}; }

/* An interned string. `text` is NUL-terminated in memory besides its length. */
typedef struct AtomData {
    Slice text;
    uint32_t hash;
} AtomData;
typedef const AtomData *Atom;

typedef struct AtomTable {
    Arena *arena; /* atoms live as long as this arena */
    Atom *slots;
    uint32_t count, capacity;
    const struct AtomTable *parent; /* looked up first: a scratch table over a lasting one */
} AtomTable;

void atom_table_init(AtomTable *table, Arena *arena, const AtomTable *parent);
Atom atom_intern(AtomTable *table, Slice text);
Atom atom_intern_text(AtomTable *table, const char *text);
/* The atom if this text is interned already, else NULL. */
Atom atom_lookup(const AtomTable *table, Slice text);

/* Map from atoms to pointers, kept in order of insertion; for namespaces, fields, keyword tables. */
typedef struct AtomMapEntry {
    Atom key;
    void *value;
} AtomMapEntry;
typedef struct AtomMap {
    Arena *arena;
    AtomMapEntry *entries; /* in insertion order; a removed entry closes up */
    int count, capacity;
    int32_t *index; /* open addressing into entries, -1 = empty; NULL while there are few */
    uint32_t index_size;
} AtomMap;

void atom_map_init(AtomMap *map, Arena *arena);
void *atom_map_get(const AtomMap *map, Atom key); /* NULL when absent */
void atom_map_set(AtomMap *map, Atom key, void *value);
bool atom_map_remove(AtomMap *map, Atom key);
/* For who must save what a change overwrites: where the value stands, NULL when absent; and the place in the index that
 * a new key would take, NULL while there is no index. */
void **atom_map_place(const AtomMap *map, Atom key);
int32_t *atom_map_free_place(const AtomMap *map, Atom key);
AtomMap atom_map_copy(const AtomMap *map, Arena *arena);

/* Map from texts to pointers, for texts of one compile that are not worth an atom: atoms outlive it. */
typedef struct SliceMapEntry {
    Slice key;
    uint32_t hash;
    void *value;
} SliceMapEntry;
typedef struct SliceMap {
    SliceMapEntry *slots; /* open addressing; empty where the value is NULL */
    uint32_t count, capacity;
} SliceMap;
void *slice_map_get(const SliceMap *map, Slice key); /* NULL when absent */
/* `key` must not be there yet, and lives as long as the map. */
void slice_map_add(SliceMap *map, Arena *arena, Slice key, void *value);

/* The candidate nearest to `text` by edit distance, or NULL where none is near; for "did you mean". */
typedef struct Suggestion {
    Slice wanted;
    Slice best;
    int distance;
} Suggestion;
Suggestion suggestion_start(Slice wanted);
void suggestion_offer(Suggestion *suggestion, Slice candidate);
bool suggestion_found(const Suggestion *suggestion);

#endif
