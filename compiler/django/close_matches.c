/*
 * Which lookups Django names where it doesn't know one: "perhaps you meant lte or gte?". Input: the name and, one by
 * one, what there is. Output: the three most alike. Django asks Python's difflib, whose measure is twice the letters in
 * common blocks over all letters; names below 0.6 are not alike.
 *
 * Invariants: sorted by likeness, then by name, descending; a name is held once; names beyond 64 bytes are never alike.
 */
#include "compiler/django/close_matches.h"

enum { CLOSE_LONGEST = 64 };

typedef struct Range {
    size_t start, end, other_start, other_end;
} Range;

/* The longest block that both have in that range, the first of several. */
static size_t longest_block(Slice text, Slice other, Range range, size_t *at, size_t *other_at) {
    size_t best = 0;
    for (size_t i = range.start; i < range.end; i++)
        for (size_t j = range.other_start; j < range.other_end; j++) {
            size_t length = 0;
            while (i + length < range.end && j + length < range.other_end &&
                   text.start[i + length] == other.start[j + length])
                length++;
            if (length <= best) continue;
            best = length;
            *at = i;
            *other_at = j;
        }
    return best;
}

/* Letters in the longest common block, and so on to the left and the right of it. */
static size_t letters_in_common(Slice text, Slice other) {
    /* each block found takes a letter and leaves two ranges for one */
    Range waiting[CLOSE_LONGEST + 2] = {{0, text.length, 0, other.length}};
    size_t count = 1, common = 0;
    while (count) {
        Range range = waiting[--count];
        size_t at = 0, other_at = 0;
        size_t length = longest_block(text, other, range, &at, &other_at);
        if (!length) continue;
        common += length;
        waiting[count++] = (Range){range.start, at, range.other_start, other_at};
        waiting[count++] = (Range){at + length, range.end, other_at + length, range.other_end};
    }
    return common;
}

void close_offer(DjCloseMatches *close, Slice candidate) {
    if (!candidate.length || candidate.length > CLOSE_LONGEST || close->wanted.length > CLOSE_LONGEST) return;
    double ratio =
        2.0 * (double)letters_in_common(candidate, close->wanted) / (double)(candidate.length + close->wanted.length);
    if (ratio < 0.6) return;
    int at = 0;
    for (; at < close->count; at++) {
        if (slice_equals(close->best[at].name, candidate)) return;
        if (ratio > close->best[at].ratio) break;
        if (ratio >= close->best[at].ratio && slice_compare(candidate, close->best[at].name) > 0) break;
    }
    if (at == CLOSE_MATCHES_MOST) return;
    if (close->count < CLOSE_MATCHES_MOST) close->count++;
    for (int i = close->count - 1; i > at; i--) close->best[i] = close->best[i - 1];
    close->best[at].name = candidate;
    close->best[at].ratio = ratio;
}
