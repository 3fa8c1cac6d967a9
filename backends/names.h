/* Names: the rules about quoting at need that dialects share. */
#ifndef ORMC_BACKENDS_NAMES_H
#define ORMC_BACKENDS_NAMES_H

#include "compiler/base/slice.h"

/* Anything but lower-case letters, digits, _ and $, or a first character that is a digit or $. */
bool name_is_irregular(Slice name);
/* Whether the name stands in the list, sorted by bytes. */
bool name_is_listed(Slice name, const char *const *words, size_t count);

#endif
