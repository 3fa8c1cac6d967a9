/*
 * Rows of two databases. In: two results of what is one statement to the program. Out: a verdict, with the reasons of
 * reasons.def where they are the same and do not look it.
 *
 * Rows are compared in the order in which they came; where that fails, as sets. Sets that agree under an ORDER BY need
 * a reason that can be seen in the rows: some column in which all but the NULLs stand in the same order, or whose texts
 * are in order on both sides under different rules, or whose values follow each other alike (the rest are ties).
 */
#include "cli/compare.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

static const char *const names[] = {
#define REASON(name, text, meaning) text,
#include "cli/reasons.def"
#undef REASON
};
static const char *const meanings[] = {
#define REASON(name, text, meaning) meaning,
#include "cli/reasons.def"
#undef REASON
};

const char *reason_name(Reason reason) { return names[reason]; }
const char *reason_meaning(Reason reason) { return meanings[reason]; }

/* ---- rows ---- */

enum { NO_COLUMN = -1 };

/* `without`: a column that is not compared. */
static bool rows_compare(const OrmcValue *a, const OrmcValue *b, size_t columns, int without, Reasons *reasons) {
    for (size_t i = 0; i < columns; i++)
        if ((int)i != without && !cells_compare(&a[i], &b[i], reasons)) return false;
    return true;
}

/* Columns that both have. */
static size_t shared_columns(const OrmcResult *a, const OrmcResult *b) {
    size_t ours = ormc_result_column_count(a), theirs = ormc_result_column_count(b);
    return ours < theirs ? ours : theirs;
}

static bool in_order(const OrmcResult *a, const OrmcResult *b, Reasons *reasons) {
    Reasons found = 0;
    for (size_t i = 0; i < ormc_result_row_count(a); i++)
        if (!rows_compare(ormc_result_row(a, i), ormc_result_row(b, i), shared_columns(a, b), NO_COLUMN, &found))
            return false;
    *reasons |= found;
    return true;
}

typedef struct Keyed {
    char *key;
    const OrmcValue *row;
} Keyed;

static int compare_keyed(const void *a, const void *b) {
    return strcmp(((const Keyed *)a)->key, ((const Keyed *)b)->key);
}

static Keyed *keyed_rows(const OrmcResult *result, size_t columns, int without) {
    size_t count = ormc_result_row_count(result);
    Keyed *rows = memory_need(calloc(count + 1, sizeof *rows));
    for (size_t i = 0; i < count; i++) {
        Text key = {0};
        text_append(&key, "", 0);
        rows[i].row = ormc_result_row(result, i);
        for (size_t j = 0; j < columns; j++) {
            if ((int)j != without) cell_write_key(&key, &rows[i].row[j]);
            text_add(&key, "\x1f");
        }
        rows[i].key = key.data;
    }
    if (count) qsort(rows, count, sizeof *rows, compare_keyed);
    return rows;
}

static bool as_sets(const OrmcResult *a, const OrmcResult *b, int without, Reasons *reasons) {
    size_t count = ormc_result_row_count(a);
    Keyed *left = keyed_rows(a, shared_columns(a, b), without), *right = keyed_rows(b, shared_columns(a, b), without);
    Reasons found = 0;
    bool same = true;
    for (size_t i = 0; i < count; i++) {
        same = same && rows_compare(left[i].row, right[i].row, shared_columns(a, b), without, &found);
        free(left[i].key);
        free(right[i].key);
    }
    free(left);
    free(right);
    if (same) *reasons |= found;
    return same;
}

/* ---- why an order differs ---- */

static const OrmcValue *cell(const OrmcResult *result, size_t row, size_t column) {
    return &ormc_result_row(result, row)[column];
}

/* Row numbers of the rows that are not NULL in the column; how many. */
static size_t column_filled(const OrmcResult *result, size_t column, size_t *rows) {
    size_t count = 0;
    for (size_t i = 0; i < ormc_result_row_count(result); i++)
        if (!cell(result, i, column)->is_null) rows[count++] = i;
    return count;
}

/* NULLs of the column stand together at one end, and at the other end on the other side. */
static bool nulls_explain(const OrmcResult *a, const OrmcResult *b, size_t column) {
    size_t count = ormc_result_row_count(a);
    bool first = cell(a, 0, column)->is_null, last = cell(a, count - 1, column)->is_null;
    if (first == last || cell(b, 0, column)->is_null != last || cell(b, count - 1, column)->is_null != first)
        return false;
    size_t *left = memory_need(calloc(count * 2, sizeof *left)), *right = left + count;
    size_t filled = column_filled(a, column, left);
    bool same = filled == column_filled(b, column, right);
    Reasons ignored = 0;
    for (size_t i = 0; same && i < filled; i++)
        same = cells_compare(cell(a, left[i], column), cell(b, right[i], column), &ignored);
    free(left);
    return same;
}

static int texts_order(const OrmcValue *a, const OrmcValue *b, bool fold) {
    size_t shorter = a->length < b->length ? a->length : b->length;
    for (size_t i = 0; i < shorter; i++) {
        int x = (unsigned char)a->text[i], y = (unsigned char)b->text[i];
        if (fold) x = tolower(x), y = tolower(y);
        if (x != y) return x < y ? -1 : 1;
    }
    return a->length < b->length ? -1 : a->length > b->length;
}

/* The column's texts go up (or down) by this rule. */
static bool texts_sorted(const OrmcResult *result, size_t column, bool fold, bool down) {
    const OrmcValue *before = NULL;
    for (size_t i = 0; i < ormc_result_row_count(result); i++) {
        const OrmcValue *value = cell(result, i, column);
        if (value->is_null) continue;
        if (value->type != ORMC_TYPE_TEXT) return false;
        int order = before ? texts_order(before, value, fold) : 0;
        if (down ? order < 0 : order > 0) return false;
        before = value;
    }
    return before != NULL;
}

static bool collation_explains(const OrmcResult *a, const OrmcResult *b, size_t column) {
    for (int down = 0; down < 2; down++)
        for (int fold = 0; fold < 2; fold++)
            if (texts_sorted(a, column, fold, down) && texts_sorted(b, column, !fold, down)) return true;
    return false;
}

/* The column's values follow each other alike, and some of them are equal. */
static bool ties_explain(const OrmcResult *a, const OrmcResult *b, size_t column) {
    bool any = false;
    Reasons ignored = 0;
    for (size_t i = 0; i < ormc_result_row_count(a); i++) {
        if (!cells_compare(cell(a, i, column), cell(b, i, column), &ignored)) return false;
        any = any || (i && cells_compare(cell(a, i - 1, column), cell(a, i, column), &ignored));
    }
    return any;
}

static Reasons order_explain(const OrmcResult *a, const OrmcResult *b) {
    typedef bool (*Explains)(const OrmcResult *, const OrmcResult *, size_t);
    static const struct {
        Explains explains;
        Reason reason;
    } ways[] = {
        {nulls_explain, REASON_NULL_ORDER}, {collation_explains, REASON_COLLATION}, {ties_explain, REASON_TIES}};
    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++)
        for (size_t column = 0; column < shared_columns(a, b); column++)
            if (ways[i].explains(a, b, column)) return REASON_BIT(ways[i].reason);
    return 0;
}

Verdict distinct_compare(const OrmcResult *a, const OrmcResult *b, bool ordered) {
    Verdict verdict = {false, 0};
    if (ormc_result_column_count(a) != ormc_result_column_count(b)) verdict.reasons = REASON_BIT(REASON_COLUMNS);
    if (ormc_result_row_count(a) != ormc_result_row_count(b)) return verdict;
    if (in_order(a, b, &verdict.reasons)) {
        verdict.same = true;
    } else if (as_sets(a, b, NO_COLUMN, &verdict.reasons)) {
        Reasons why = ordered ? order_explain(a, b) : REASON_BIT(REASON_ORDER);
        verdict.same = why != 0;
        verdict.reasons |= why;
    }
    return verdict;
}

Verdict results_compare(const OrmcResult *a, const OrmcResult *b, bool ordered) {
    if (ormc_result_column_count(a) != ormc_result_column_count(b)) return (Verdict){false, 0};
    return distinct_compare(a, b, ordered);
}

/* ---- tables ---- */

static bool is_key(const OrmcResult *result, size_t column) {
    for (size_t i = 0; i < ormc_result_row_count(result); i++) {
        const OrmcValue *value = cell(result, i, column);
        if (value->is_null || value->text || (value->type != ORMC_TYPE_INTEGER && value->type != ORMC_TYPE_BIGINT))
            return false;
        for (size_t j = 0; j < i; j++)
            if (cell(result, j, column)->integer == value->integer) return false;
    }
    return true;
}

Verdict tables_compare(const OrmcResult *a, const OrmcResult *b) {
    Verdict verdict = results_compare(a, b, false);
    verdict.reasons &= ~REASON_BIT(REASON_ORDER); /* a table has none */
    if (verdict.same || ormc_result_column_count(a) != ormc_result_column_count(b) ||
        ormc_result_row_count(a) != ormc_result_row_count(b))
        return verdict;
    for (size_t i = 0; i < ormc_result_column_count(a) && !verdict.same; i++)
        verdict.same = is_key(a, i) && is_key(b, i) && as_sets(a, b, (int)i, &verdict.reasons);
    if (verdict.same) verdict.reasons |= REASON_BIT(REASON_GENERATED);
    return verdict;
}

/* ---- for people ---- */

void result_write_lines(Text *out, const OrmcResult *result) {
    size_t columns = ormc_result_column_count(result);
    text_append(out, "", 0);
    for (size_t j = 0; j < columns; j++) text_add(out, "%s%s", j ? " | " : "", ormc_result_column_name(result, j));
    text_add(out, "\n");
    for (size_t i = 0; i < ormc_result_row_count(result); i++) {
        for (size_t j = 0; j < columns; j++) {
            const OrmcValue *value = cell(result, i, j);
            size_t start;
            text_add(out, j ? " | " : "");
            start = out->length;
            if (value->is_null) text_add(out, "NULL");
            else cell_write(out, value);
            for (size_t k = start; k < out->length; k++)
                if ((unsigned char)out->data[k] < 0x20) out->data[k] = ' ';
        }
        text_add(out, "\n");
    }
}
