/* The registry of dialects: dialects.def as a table. A new dialect is a folder with its dialect.c and a line there. */
#include "backends/dialects.h"

static const Dialect *const dialects[] = {
#define DIALECT(name, folder) &name##_dialect,
#include "backends/dialects.def"
#undef DIALECT
};
enum { REGISTERED = sizeof dialects / sizeof *dialects };

const Dialect *dialect_at(int index) { return index >= 0 && index < REGISTERED ? dialects[index] : NULL; }

const Dialect *dialect_get(DialectId id) {
    int i = 0;
    while (dialects[i]->id != id) i++;
    return dialects[i];
}

const Dialect *dialect_find(Slice name) {
    for (int i = 0; i < REGISTERED; i++)
        if (slice_equals_text(name, dialects[i]->name)) return dialects[i];
    return NULL;
}
