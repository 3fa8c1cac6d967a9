#ifndef ORMC_DJANGO_CLOSE_MATCHES_H
#define ORMC_DJANGO_CLOSE_MATCHES_H

#include "compiler/base/slice.h"

/* The up to three names most like a misspelt one, best first, as Python's difflib.get_close_matches() ranks them. */
enum { CLOSE_MATCHES_MOST = 3 };
typedef struct DjCloseMatches {
    Slice wanted;
    struct {
        Slice name;
        double ratio;
    } best[CLOSE_MATCHES_MOST];
    int count;
} DjCloseMatches;
void close_offer(DjCloseMatches *close, Slice candidate);

#endif
