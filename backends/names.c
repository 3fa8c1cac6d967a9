/* Shared rules about quoting names at need. See names.h. */
#include "backends/names.h"

bool name_is_irregular(Slice name) {
    if (!name.length || (name.start[0] >= '0' && name.start[0] <= '9') || name.start[0] == '$') return true;
    for (size_t i = 0; i < name.length; i++) {
        char byte = name.start[i];
        bool plain = (byte >= 'a' && byte <= 'z') || (byte >= '0' && byte <= '9') || byte == '_' || byte == '$';
        if (!plain) return true;
    }
    return false;
}

static int compare(Slice name, const char *word) {
    size_t length = strlen(word);
    int order = memcmp(name.start, word, name.length < length ? name.length : length);
    if (order) return order;
    return name.length < length ? -1 : name.length > length;
}

bool name_is_listed(Slice name, const char *const *words, size_t count) {
    size_t low = 0, high = count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        int order = compare(name, words[middle]);
        if (order == 0) return true;
        if (order < 0) high = middle;
        else low = middle + 1;
    }
    return false;
}
