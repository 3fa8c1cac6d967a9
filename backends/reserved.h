/*
 * A dialect's table of reserved words from its list. Included once a table, with two macros set: RESERVED, the table's
 * name, and RESERVED_LIST, the file of lines L(letter) and W(word). Gives `static const ReservedWords RESERVED`, and
 * forgets both macros.
 *
 *     #define RESERVED sqlite_reserved
 *     #define RESERVED_LIST "backends/sqlite/reserved.def"
 *     #include "backends/reserved.h"
 */
#include "backends/names.h"

#define RESERVED_PASTE(table, name) table##_##name
#define RESERVED_NAME(table, name) RESERVED_PASTE(table, name)

/* numbers of the words, and of the first of each group */
enum {
#define L(letter)                                                                                                      \
    RESERVED_NAME(RESERVED, from_##letter),                                                                            \
        RESERVED_NAME(RESERVED, back_##letter) = RESERVED_NAME(RESERVED, from_##letter) - 1,
#define W(word) RESERVED_NAME(RESERVED, word_##word),
#include RESERVED_LIST
#undef L
#undef W
    RESERVED_NAME(RESERVED, end)
};
static const Slice RESERVED_NAME(RESERVED, words)[] = {
#define L(letter)
#define W(word) {#word, sizeof #word - 1},
#include RESERVED_LIST
#undef L
#undef W
};
static const uint16_t RESERVED_NAME(RESERVED, starts)[] = {
#define L(letter) RESERVED_NAME(RESERVED, from_##letter),
#define W(word)
#include RESERVED_LIST
#undef L
#undef W
    RESERVED_NAME(RESERVED, end)};
static const ReservedWords RESERVED = {RESERVED_NAME(RESERVED, words), RESERVED_NAME(RESERVED, starts)};

#undef RESERVED_NAME
#undef RESERVED_PASTE
#undef RESERVED_LIST
#undef RESERVED
