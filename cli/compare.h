/* Whether two databases gave the same, and if not quite, why that is right. */
#ifndef ORMC_CLI_COMPARE_H
#define ORMC_CLI_COMPARE_H

#include "cli/session.h"

typedef enum Reason {
#define REASON(name, text, meaning) REASON_##name,
#include "cli/reasons.def"
#undef REASON
    REASON_COUNT
} Reason;

/* A set of reasons. */
typedef unsigned Reasons;
#define REASON_BIT(reason) (1u << (reason))

const char *reason_name(Reason reason);
const char *reason_meaning(Reason reason);

typedef struct Verdict {
    bool same; /* as far as the reasons go */
    Reasons reasons;
} Verdict;

/* The rows of two statements that should give the same; `ordered`: the statement has an ORDER BY. */
Verdict results_compare(const OrmcResult *a, const OrmcResult *b, bool ordered);
/* Of SELECT DISTINCT, which may have more columns on one side, at the end. */
Verdict distinct_compare(const OrmcResult *a, const OrmcResult *b, bool ordered);
/* The same, but for a column of numbers, each there once, that the database may have given. */
Verdict tables_compare(const OrmcResult *a, const OrmcResult *b);
/* The rows as lines of text: a header, then each row; for people. */
void result_write_lines(Text *out, const OrmcResult *result);

/* ---- compare_cell.c */

/* The cells hold the same value; `*reasons` grows by why they don't look it. */
bool cells_compare(const OrmcValue *a, const OrmcValue *b, Reasons *reasons);
/* A form that is the same on every database as far as that goes: what rows are sorted by before they are compared. */
void cell_write_key(Text *out, const OrmcValue *value);

#endif
