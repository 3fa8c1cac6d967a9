/*
 * Judging: what a unit gave on two databases. In: two outcomes. Out: reports of differences, or of the reasons why they
 * are none.
 *
 * Statements belong together by the query that they were sent for. Where rows differ and compare.c sees no reason, the
 * databases are asked, in a scratch place: does the same run give something else each time (the clock)? Does the
 * difference go away where texts are compared byte by byte (collation), where LIKE minds letter case?
 */
#include <stdlib.h>
#include <string.h>

#include "cli/verify.h"

static bool has_rows(const Ran *ran) {
    return ran->result && ormc_result_error(ran->result) == ORMC_ERROR_NONE && ormc_result_column_count(ran->result);
}

static bool is_read(const Ran *ran) { return ran->kind == ORMC_STATEMENT_SELECT && has_rows(ran); }
static bool is_returning(const Ran *ran) { return ran->kind != ORMC_STATEMENT_SELECT && has_rows(ran); }

/* A difference in letter case of ORDER BY is none in SQL that ORMs write. */
static bool is_ordered(const Ran *ran) { return strstr(ran->sql, "ORDER BY") != NULL; }

/* ---- asking the databases ---- */

static bool is_sqlite(const Side *side) { return strcmp(url_dialect(side->url), "sqlite") == 0; }
static bool is_mysql(const Side *side) {
    return strcmp(url_dialect(side->url), "mysql") == 0 || strcmp(url_dialect(side->url), "mariadb") == 0;
}

static const Outcome *run_again(Verify *verify, const Unit *unit, Side *side) {
    if (!side->again.ran_at_all) unit_run(verify, unit, side, &side->plain, &side->again);
    return &side->again;
}

static const Outcome *run_strictly(Verify *verify, const Unit *unit, Side *side) {
    if (!is_sqlite(side) && !is_mysql(side)) return &side->outcome;
    side->strict.strict = true;
    if (!side->strict_outcome.ran_at_all) unit_run(verify, unit, side, &side->strict, &side->strict_outcome);
    return &side->strict_outcome;
}

/* The result at the same place among the outcome's statements. */
static const OrmcResult *result_at(const Outcome *outcome, int index) {
    return index < outcome->count && has_rows(&outcome->ran[index]) ? outcome->ran[index].result : NULL;
}

static bool is_volatile(Verify *verify, const Unit *unit, Side *side, int index) {
    const OrmcResult *again = result_at(run_again(verify, unit, side), index);
    const Ran *ran = &side->outcome.ran[index];
    return again && !results_compare(ran->result, again, is_ordered(ran)).same;
}

/* The side's own rows are others where it compares texts strictly. */
static bool is_lax(const Side *side, int index) {
    const OrmcResult *strict = result_at(&side->strict_outcome, index);
    return strict && !results_compare(side->outcome.ran[index].result, strict, true).same;
}

static Verdict ask(Verify *verify, const Unit *unit, Side *a, int i, Side *b, int j) {
    Verdict verdict = {false, 0};
    if (!verify->scratch || session_interrupted()) return verdict;
    if (is_volatile(verify, unit, a, i)) return (Verdict){true, REASON_BIT(REASON_VOLATILE)};
    const OrmcResult *ours = result_at(run_strictly(verify, unit, a), i),
                     *theirs = result_at(run_strictly(verify, unit, b), j);
    if (!ours || !theirs) return verdict;
    verdict = results_compare(ours, theirs, is_ordered(&a->outcome.ran[i]));
    Side *sides[] = {a, b};
    int indexes[] = {i, j};
    bool any = false;
    for (int k = 0; k < 2 && verdict.same; k++) {
        if (!is_lax(sides[k], indexes[k])) continue;
        verdict.reasons |= REASON_BIT(is_sqlite(sides[k]) ? REASON_LIKE_CASE : REASON_COLLATION);
        any = true;
    }
    verdict.same = verdict.same && any;
    return verdict;
}

/* ---- statements ---- */

static void judge_rows(Verify *verify, const Unit *unit, Side *a, int i, Side *b, int j) {
    const Ran *ours = &a->outcome.ran[i], *theirs = &b->outcome.ran[j];
    verify->compared++;
    bool ordered = is_ordered(ours) || is_ordered(theirs), distinct = strncmp(ours->sql, "SELECT DISTINCT ", 16) == 0;
    Verdict verdict = ours->is_table ? tables_compare(ours->result, theirs->result)
                      : distinct     ? distinct_compare(ours->result, theirs->result, ordered)
                                     : results_compare(ours->result, theirs->result, ordered);
    if (!verdict.same) verdict = ask(verify, unit, a, i, b, j);
    if (!verdict.same) report_difference(verify, unit, b, ours, theirs, NULL);
    else report_reasons(verify, unit, b, ours, verdict.reasons);
}

/* The statements [from, to) of one query that are wanted; how many. */
static int pick(const Outcome *outcome, int from, int to, bool (*wanted)(const Ran *), int *picked) {
    int count = 0;
    for (int i = from; i < to; i++)
        if (wanted(&outcome->ran[i])) picked[count++] = i;
    return count;
}

static int query_end(const Outcome *outcome, int from) {
    int to = from + 1;
    while (to < outcome->count && outcome->ran[to].query == outcome->ran[from].query) to++;
    return to;
}

static bool is_transaction(OrmcStatementKind kind) {
    return kind == ORMC_STATEMENT_BEGIN || kind == ORMC_STATEMENT_COMMIT || kind == ORMC_STATEMENT_ROLLBACK ||
           kind == ORMC_STATEMENT_SAVEPOINT || kind == ORMC_STATEMENT_RELEASE;
}

static int next_returning(const Outcome *outcome, int from) {
    while (from < outcome->count && !is_returning(&outcome->ran[from])) from++;
    return from;
}

/* Both databases answer writes by RETURNING, and in the same portions: one may need it where another has the key
 * anyway, or take many rows by one statement where another takes them one by one. */
static bool return_alike(const Outcome *ours, const Outcome *theirs) {
    int i = next_returning(ours, 0), j = next_returning(theirs, 0);
    while (i < ours->count && j < theirs->count) {
        if (ormc_result_row_count(ours->ran[i].result) != ormc_result_row_count(theirs->ran[j].result)) return false;
        i = next_returning(ours, i + 1);
        j = next_returning(theirs, j + 1);
    }
    return i == ours->count && j == theirs->count;
}

/* Where the next query starts: what only begins or ends a transaction is none, nor, where every table is compared in
 * the end, what gives no rows (one database may need more statements to write the same). */
static int query_start(const Outcome *outcome, int from, bool all, bool returning) {
    while (from < outcome->count) {
        const Ran *ran = &outcome->ran[from];
        if (!is_transaction(ran->kind) && (all || is_read(ran) || (returning && is_returning(ran)))) break;
        from++;
    }
    return from;
}

static void judge_changes(Verify *verify, const Unit *unit, Side *b, const Ran *ours, const Ran *theirs) {
    bool changes =
        ours->kind == theirs->kind && (ours->kind == ORMC_STATEMENT_UPDATE || ours->kind == ORMC_STATEMENT_DELETE);
    if (!changes || ormc_result_affected(ours->result) == ormc_result_affected(theirs->result)) return;
    char what[96];
    snprintf(what, sizeof what, "%lld rows affected here, %lld there", (long long)ormc_result_affected(ours->result),
             (long long)ormc_result_affected(theirs->result));
    report_difference(verify, unit, b, ours, theirs, what);
}

static void judge_query(Verify *verify, const Unit *unit, Side *a, int from, int to, Side *b, int start, int end) {
    const Outcome *ours = &a->outcome, *theirs = &b->outcome;
    int *left = memory_need(calloc((size_t)(to - from + end - start), sizeof *left)), *right = left + (to - from);
    int wrote = pick(ours, from, to, is_returning, left), written = pick(theirs, start, end, is_returning, right);
    for (int k = 0; wrote == written && k < wrote; k++) judge_rows(verify, unit, a, left[k], b, right[k]);
    int read = pick(ours, from, to, is_read, left), reads = pick(theirs, start, end, is_read, right);
    if (wrote != written) report_reasons(verify, unit, b, &ours->ran[from], REASON_BIT(REASON_RETURNING));
    for (int k = 0; read == reads && k < read; k++) judge_rows(verify, unit, a, left[k], b, right[k]);
    if (read != reads && wrote == written)
        report_difference(verify, unit, b, &ours->ran[from], &theirs->ran[start],
                          "the query reads more often on one than on the other");
    for (int k = 0; !verify->scratch && to - from == end - start && k < to - from; k++)
        judge_changes(verify, unit, b, &ours->ran[from + k], &theirs->ran[start + k]);
    free(left);
}

/* ---- outcomes ---- */

static bool ends_early(const Outcome *outcome) { return outcome->refused || outcome->failed; }

/* The statement that the database refused; NULL: none. */
static const Ran *refused_statement(const Outcome *outcome) {
    const Ran *last = outcome->failed && outcome->count ? &outcome->ran[outcome->count - 1] : NULL;
    while (last && last > outcome->ran && last->is_table) last--;
    return last && last->result ? last : NULL;
}

/* SQLAlchemy writes RETURNING for MySQL and MariaDB, which have none for UPDATE. */
static bool lacks_returning(const Outcome *outcome) {
    enum { SYNTAX_ERROR = 1064 };
    const Ran *last = refused_statement(outcome);
    return last && ormc_result_native_code(last->result) == SYNTAX_ERROR && strstr(last->sql, " RETURNING ");
}

/* It was refused for a column that is neither grouped nor aggregated: PostgreSQL's state, MySQL's code. */
static bool minds_groups(const Outcome *outcome) {
    const Ran *last = refused_statement(outcome);
    return last &&
           (strcmp(ormc_result_state(last->result), "42803") == 0 || ormc_result_native_code(last->result) == 1055);
}

/* The ORM refuses it for this database; as an attribute that is missing where another database's statement is compiled.
 */
static bool lacks(const Outcome *outcome) {
    return outcome->refused && !outcome->failed &&
           (strcmp(outcome->code, "not-supported") == 0 || strcmp(outcome->code, "type-error") == 0);
}

/* True: at least one of them did not run to its end, and that is judged. */
static bool judge_ends(Verify *verify, const Unit *unit, Side *side) {
    const Outcome *ours = &verify->sides[0].outcome, *theirs = &side->outcome;
    if (!ends_early(ours) && !ends_early(theirs)) return false;
    if ((lacks(ours) || lacks(theirs)) && strcmp(ours->code, theirs->code) != 0) {
        report_reasons(verify, unit, side, NULL, REASON_BIT(REASON_NOT_SUPPORTED));
        return true;
    }
    if (ends_early(ours) && ends_early(theirs)) return false;
    const Side *ended = ends_early(ours) ? &verify->sides[0] : side;
    if (unit->file && !golden_file_covers(unit->file, unit->block, url_dialect(ended->url))) {
        report_reasons(verify, unit, side, NULL, REASON_BIT(REASON_NOT_SUPPORTED)); /* the case is not for it */
        return true;
    }
    if (minds_groups(ours) || minds_groups(theirs)) {
        report_reasons(verify, unit, side, NULL, REASON_BIT(REASON_GROUPING));
        return true;
    }
    if (lacks_returning(ours) || lacks_returning(theirs)) {
        report_reasons(verify, unit, side, NULL, REASON_BIT(REASON_NOT_SUPPORTED));
        return true;
    }
    char what[600];
    snprintf(what, sizeof what, "%s: %s", ends_early(ours) ? verify->sides[0].label : side->label,
             ends_early(ours) ? ours->message : theirs->message);
    report_difference(verify, unit, side, NULL, NULL, what);
    return true;
}

void unit_judge(Verify *verify, const Unit *unit, Side *side) {
    Side *first = &verify->sides[0];
    if (judge_ends(verify, unit, side)) return;
    bool all = !verify->scratch, returning = return_alike(&first->outcome, &side->outcome);
    int i = query_start(&first->outcome, 0, all, returning), j = query_start(&side->outcome, 0, all, returning);
    if (!all && !returning) report_reasons(verify, unit, side, NULL, REASON_BIT(REASON_RETURNING));
    while (i < first->outcome.count && j < side->outcome.count) {
        int to = query_end(&first->outcome, i), end = query_end(&side->outcome, j);
        judge_query(verify, unit, first, i, to, side, j, end);
        i = query_start(&first->outcome, to, all, returning);
        j = query_start(&side->outcome, end, all, returning);
    }
    if (i == first->outcome.count && j == side->outcome.count) return;
    report_difference(verify, unit, side, i < first->outcome.count ? &first->outcome.ran[i] : NULL,
                      j < side->outcome.count ? &side->outcome.ran[j] : NULL, "one of them executes more queries");
}
