/*
 * Decisions that evaluation can't take. Where a condition is unknown the evaluator asks
 * `evaluator_decide` (native.h) which arm this path follows, notes the answer, and goes on as if it
 * were known. When the entry point (a function, a method, a module body) has ended, the journal puts back all
 * that the path changed, and the entry point runs again with one noted decision turned, until
 * all paths, or as many as the limit allows, are seen.
 *
 * Invariants: a path is consistent: an unknown that was decided once keeps its outcome; contradictory
 * arms are never combined. Paths are visited in the order of how many decisions differ from the
 * ordinary ones, so that a limit cuts the rarest combinations first.
 *
 *     if name: qs = qs.filter(name=name)      path 1: [0] filter(name), filter(age)
 *     if age:  qs = qs.filter(age=age)        path 2: [1] filter(age)   path 3: [0, 1] filter(name)   path 4: [1, 1]
 */
#ifndef ORMC_EVALUATE_BRANCH_H
#define ORMC_EVALUATE_BRANCH_H

#include "compiler/evaluate/native.h"

/* Runs one path of an entry point; called again for every path. */
typedef void (*PathRun)(Evaluator *ev, void *data);
void evaluator_explore(Evaluator *ev, PathRun run, void *data, const Node *entry);

/* The truth of an unknown: asks for a decision once, and remembers it in the unknown. */
bool evaluator_decide_truth(Evaluator *ev, Value *unknown, const Node *site);

/* Journal: positions to undo to. */
typedef struct JournalMark {
    int count;
} JournalMark;
JournalMark journal_mark(const Evaluator *ev);
void journal_undo(Evaluator *ev, JournalMark mark);

#endif
