/*
 * Attributes that Python's own classes have. Input: the name of a class and of an attribute. Output: whether Python has
 * it. Example: str has maketrans, though nothing here knows what it does.
 */
#include "compiler/evaluate/internal.h"

static const struct {
    const char *cls, *names;
} python_attributes[] = {
#define X(cls, names) {#cls, names},
#include "compiler/evaluate/python_attributes.def"
#undef X
};

static bool words_hold(Slice words, Slice name) {
    for (size_t at = 0; at < words.length; at++) {
        size_t end = at + slice_find(slice_sub(words, at, words.length), ' ');
        if (slice_equals(slice_sub(words, at, end), name)) return true;
        at = end;
    }
    return false;
}

bool python_has_attribute(Slice cls, Slice name) {
    bool known = false;
    for (size_t i = 0; i < sizeof python_attributes / sizeof *python_attributes; i++) {
        if (!slice_equals_text(cls, python_attributes[i].cls)) continue;
        known = true;
        if (words_hold(slice_from(python_attributes[i].names), name)) return true;
    }
    return known && words_hold(slice_from(python_attributes[0].names), name);
}
