/*
 * Names: the rules about quoting at need that dialects share, and a dialect's list of reserved words.
 */
#ifndef ORMC_BACKENDS_NAMES_H
#define ORMC_BACKENDS_NAMES_H

#include "compiler/base/slice.h"

/* Words in groups by first letter; group i ends where group i + 1 begins. */
typedef struct ReservedWords {
    const Slice *words;
    const uint16_t *starts; /* 28: a … z, other, end */
} ReservedWords;

/* Anything but lower-case letters, digits, _ and $, or a first character that is a digit or $. */
bool name_is_irregular(Slice name);
bool name_is_reserved(Slice name, const ReservedWords *reserved);

#endif
