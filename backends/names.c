/* Shared rules about quoting names at need. See names.h. */
#include "backends/names.h"

static const bool plain[256] = {
    ['a'] = 1, ['b'] = 1, ['c'] = 1, ['d'] = 1, ['e'] = 1, ['f'] = 1, ['g'] = 1, ['h'] = 1, ['i'] = 1, ['j'] = 1,
    ['k'] = 1, ['l'] = 1, ['m'] = 1, ['n'] = 1, ['o'] = 1, ['p'] = 1, ['q'] = 1, ['r'] = 1, ['s'] = 1, ['t'] = 1,
    ['u'] = 1, ['v'] = 1, ['w'] = 1, ['x'] = 1, ['y'] = 1, ['z'] = 1, ['0'] = 1, ['1'] = 1, ['2'] = 1, ['3'] = 1,
    ['4'] = 1, ['5'] = 1, ['6'] = 1, ['7'] = 1, ['8'] = 1, ['9'] = 1, ['_'] = 1, ['$'] = 1,
};

bool name_is_irregular(Slice name) {
    if (!name.length || (name.start[0] >= '0' && name.start[0] <= '9') || name.start[0] == '$') return true;
    for (size_t i = 0; i < name.length; i++)
        if (!plain[(unsigned char)name.start[i]]) return true;
    return false;
}

bool name_is_reserved(Slice name, const ReservedWords *reserved) {
    if (!name.length) return false;
    int group = name.start[0] >= 'a' && name.start[0] <= 'z' ? name.start[0] - 'a' : 26;
    for (int i = reserved->starts[group]; i < reserved->starts[group + 1]; i++)
        if (slice_equals(name, reserved->words[i])) return true;
    return false;
}
