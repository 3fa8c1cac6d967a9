/*
 * The order in which Python's sets give their items: that of their places in a hash table.
 *
 * Input: the items in the order in which they were added. Output: the same array in the order of iteration, as
 * CPython's table has them. Invariant: only items whose hash does not change from run to run are moved (whole numbers,
 * UUIDs); a set that holds anything else keeps the order of insertion. Example: {8, 3, 1} gives 8, 1, 3.
 */
#include "compiler/evaluate/internal.h"

enum { SET_LEAST = 8, SET_PROBES = 9, SET_SHIFT = 5, SET_LARGE = 50000 };

/* Python's hashes of numbers are remainders of this prime. */
static const uint64_t hash_modulus = ((uint64_t)1 << 61) - 1;

static uint64_t hash_join(uint64_t high, uint64_t byte) {
    /* high * 256 + byte, modulo 2^61 - 1: what leaves the 61 bits at the top comes in again at the bottom */
    uint64_t shifted = ((high << 8) & hash_modulus) + (high >> 53) + byte;
    return shifted % hash_modulus;
}

static bool item_hash(const Value *value, uint64_t *hash) {
    int64_t number;
    if (value->type->kind == VALUE_UUID) {
        *hash = 0;
        for (int i = 0; i < 16; i++) *hash = hash_join(*hash, ((const UuidValue *)value)->bytes[i]);
        return true;
    }
    if (!value_as_integer(value, &number)) return false;
    bool negative = number < 0;
    uint64_t size = (negative ? 0 - (uint64_t)number : (uint64_t)number) % hash_modulus;
    *hash = negative ? 0 - (size == 1 ? 2 : size) : size;
    return true;
}

typedef struct SetTable {
    int *places; /* index of the item, -1 where there is none */
    const uint64_t *hashes;
    uint64_t mask;
} SetTable;

static void table_add(SetTable *table, int item) {
    uint64_t hash = table->hashes[item], perturb = hash, at = hash & table->mask;
    for (;;) {
        uint64_t probes = at + SET_PROBES <= table->mask ? SET_PROBES : 0;
        for (uint64_t i = at; i <= at + probes; i++) {
            if (table->places[i] >= 0) continue;
            table->places[i] = item;
            return;
        }
        perturb >>= SET_SHIFT;
        at = (at * 5 + 1 + perturb) & table->mask;
    }
}

static void table_make(Evaluator *ev, SetTable *table, uint64_t size) {
    table->places = ARENA_ARRAY(ev->arena, int, size);
    table->mask = size - 1;
    for (uint64_t i = 0; i < size; i++) table->places[i] = -1;
}

static void table_grow(Evaluator *ev, SetTable *table, uint64_t used) {
    SetTable old = *table;
    uint64_t wanted = used > SET_LARGE ? used * 2 : used * 4, size = SET_LEAST;
    while (size <= wanted) size <<= 1;
    table_make(ev, table, size);
    for (uint64_t i = 0; i <= old.mask; i++)
        if (old.places[i] >= 0) table_add(table, old.places[i]);
}

void value_set_order(Evaluator *ev, Value **items, int count) {
    if (count < 2) return;
    uint64_t *hashes = ARENA_ARRAY(ev->arena, uint64_t, count);
    Value **added = ARENA_ARRAY(ev->arena, Value *, count);
    for (int i = 0; i < count; i++) {
        added[i] = items[i];
        if (!item_hash(items[i], &hashes[i])) return;
    }
    SetTable table = {.hashes = hashes};
    table_make(ev, &table, SET_LEAST);
    for (int i = 0; i < count; i++) {
        table_add(&table, i);
        if ((uint64_t)(i + 1) * 5 >= table.mask * 3) table_grow(ev, &table, (uint64_t)i + 1);
    }
    int next = 0;
    for (uint64_t i = 0; i <= table.mask; i++)
        if (table.places[i] >= 0) items[next++] = added[table.places[i]];
}
