/*
 * Unified differences of two texts, by lines. In: what was wanted and what came. Out: hunks with three
 * lines of context, as `diff -u` writes them. Texts whose table of common lines would grow too large
 * are shown as one replacement.
 */
#include <stdlib.h>
#include <string.h>

#include "cli/golden.h"

enum { CONTEXT = 3, TABLE_LIMIT = 4000000 };

typedef struct Lines {
    const char **starts;
    size_t *lengths;
    int count;
} Lines;

static Lines lines_split(const char *text) {
    Lines lines = {0};
    int capacity = 1;
    for (const char *at = text; *at; at++) capacity += *at == '\n';
    lines.starts = memory_need(malloc(sizeof *lines.starts * (size_t)capacity));
    lines.lengths = memory_need(malloc(sizeof *lines.lengths * (size_t)capacity));
    while (*text) {
        size_t length = strcspn(text, "\n");
        lines.starts[lines.count] = text;
        lines.lengths[lines.count++] = length;
        text += length + (text[length] == '\n');
    }
    return lines;
}

static bool lines_equal(const Lines *a, int i, const Lines *b, int j) {
    return a->lengths[i] == b->lengths[j] && memcmp(a->starts[i], b->starts[j], a->lengths[i]) == 0;
}

/* One line of the difference: ' ', '-' or '+', and its numbers on both sides. */
typedef struct Edit {
    char mark;
    int old_line, new_line;
} Edit;

/* The shortest edits through a table of longest common tails. */
static Edit *edits_find(const Lines *old_lines, const Lines *new_lines, int *count) {
    int n = old_lines->count, m = new_lines->count, i = 0, j = 0;
    Edit *edits = memory_need(malloc(sizeof *edits * (size_t)(n + m + 1)));
    bool small = (long long)(n + 1) * (m + 1) <= TABLE_LIMIT;
    int *table = small ? memory_need(calloc((size_t)(n + 1) * (size_t)(m + 1), sizeof *table)) : NULL;
    for (int a = n - 1; small && a >= 0; a--)
        for (int b = m - 1; b >= 0; b--) {
            int *cell = &table[a * (m + 1) + b], down = table[(a + 1) * (m + 1) + b],
                right = table[a * (m + 1) + b + 1];
            *cell = lines_equal(old_lines, a, new_lines, b) ? table[(a + 1) * (m + 1) + b + 1] + 1
                    : down > right                          ? down
                                                            : right;
        }
    *count = 0;
    while (i < n || j < m) {
        Edit edit = {'-', i, j};
        if (i < n && j < m && lines_equal(old_lines, i, new_lines, j)) edit.mark = ' ';
        else if (i == n || (j < m && small && table[i * (m + 1) + j + 1] > table[(i + 1) * (m + 1) + j]))
            edit.mark = '+';
        if (edit.mark != '+') i++;
        if (edit.mark != '-') j++;
        edits[(*count)++] = edit;
    }
    free(table);
    return edits;
}

static void hunk_write(Text *out, const Lines *old_lines, const Lines *new_lines, const Edit *edits, int from, int to) {
    int old_count = 0, new_count = 0;
    for (int i = from; i < to; i++) {
        old_count += edits[i].mark != '+';
        new_count += edits[i].mark != '-';
    }
    text_add(out, "@@ -%d,%d +%d,%d @@\n", edits[from].old_line + (old_count > 0), old_count,
             edits[from].new_line + (new_count > 0), new_count);
    for (int i = from; i < to; i++) {
        const Lines *side = edits[i].mark == '+' ? new_lines : old_lines;
        int line = edits[i].mark == '+' ? edits[i].new_line : edits[i].old_line;
        text_append(out, &edits[i].mark, 1);
        text_append(out, side->starts[line], side->lengths[line]);
        text_add(out, "\n");
    }
}

/* Text in a column of that many code points, filled up with blanks; what is longer is cut. */
static void column_write(Text *out, const char *text, size_t length, size_t width) {
    size_t end = 0, points = 0;
    for (; end < length; end++) {
        bool begins = ((unsigned char)text[end] & 0xC0) != 0x80;
        if (begins && points == width) break;
        points += begins;
    }
    text_append(out, text, end);
    for (; points < width; points++) text_append(out, " ", 1);
}

static void sides_write_line(Text *out, const Lines *left, int i, char mark, const Lines *right, int j, size_t width) {
    column_write(out, i < 0 ? "" : left->starts[i], i < 0 ? 0 : left->lengths[i], width);
    text_add(out, " %c ", mark);
    if (j >= 0) text_append(out, right->starts[j], right->lengths[j]);
    while (out->length && out->data[out->length - 1] == ' ') out->data[--out->length] = '\0';
    text_add(out, "\n");
}

void diff_write_sides(Text *out, const char *left_text, const char *right_text) {
    enum { NARROWEST = 24, WIDEST = 76 };
    Lines left = lines_split(left_text), right = lines_split(right_text);
    int count;
    Edit *edits = edits_find(&left, &right, &count);
    size_t width = NARROWEST;
    for (int i = 0; i < left.count; i++)
        if (left.lengths[i] > width) width = left.lengths[i] < WIDEST ? left.lengths[i] : WIDEST;
    for (int i = 0; i < count;) {
        int gone = 0, came = 0;
        while (i + gone < count && edits[i + gone].mark == '-') gone++;
        while (i + gone + came < count && edits[i + gone + came].mark == '+') came++;
        if (!gone && !came) {
            sides_write_line(out, &left, edits[i].old_line, ' ', &right, edits[i].new_line, width);
            i++;
            continue;
        }
        for (int k = 0; k < gone || k < came; k++)
            sides_write_line(out, &left, k < gone ? edits[i + k].old_line : -1,
                             k >= gone   ? '>'
                             : k >= came ? '<'
                                         : '|',
                             &right, k < came ? edits[i + gone + k].new_line : -1, width);
        i += gone + came;
    }
    free(edits);
    free(left.starts);
    free(left.lengths);
    free(right.starts);
    free(right.lengths);
}

void diff_write(Text *out, const char *old_text, const char *new_text) {
    Lines old_lines = lines_split(old_text), new_lines = lines_split(new_text);
    int count;
    Edit *edits = edits_find(&old_lines, &new_lines, &count);
    for (int i = 0; i < count;) {
        while (i < count && edits[i].mark == ' ') i++;
        if (i == count) break;
        int from = i > CONTEXT ? i - CONTEXT : 0, last = i;
        while (i < count && i - last <= 2 * CONTEXT) {
            if (edits[i].mark != ' ') last = i;
            i++;
        }
        int to = last + CONTEXT + 1 < count ? last + CONTEXT + 1 : count;
        hunk_write(out, &old_lines, &new_lines, edits, from, to);
        i = to;
    }
    free(edits);
    free(old_lines.starts);
    free(old_lines.lengths);
    free(new_lines.starts);
    free(new_lines.lengths);
}
