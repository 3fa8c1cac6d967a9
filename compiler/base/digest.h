/* Digests that end generated names. */
#ifndef ORMC_BASE_DIGEST_H
#define ORMC_BASE_DIGEST_H

#include "compiler/base/slice.h"

/* First eight (or `length`) hexadecimal digits of the MD5 of the texts in a row. */
Slice name_digest(Arena *arena, const Slice *texts, int count, int length);
/* Shortened with a digest at the end where it is longer than `limit` (0: no limit). */
Slice name_truncate(Arena *arena, Slice name, int limit, int digest_length);

#endif
