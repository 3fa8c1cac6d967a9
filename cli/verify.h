/* Verifying: what running, judging and reporting share. */
#ifndef ORMC_CLI_VERIFY_H
#define ORMC_CLI_VERIFY_H

#include "cli/compare.h"
#include "cli/golden.h"

/* What is run on every database: a case of a golden file, or the program that the command line names. */
typedef struct Unit {
    const GoldenFile *file; /* NULL: the program */
    int block;              /* of the query */
} Unit;

/* What a unit gave on one database. */
typedef struct Outcome {
    Ran *ran;
    int count;
    bool ran_at_all, refused, failed; /* failed: the database refused a statement */
    char code[32];                    /* of the first error; "" */
    char message[512];
    char *diagnostics; /* for people */
} Outcome;

typedef struct Place {
    const GoldenFile *filled; /* whose models and data are in it; NULL: none, or a program's */
    int data;                 /* how many of the file's blocks of data */
    bool full, strict;
    Session session; /* open where session.database is set */
} Place;

/* One database. */
typedef struct Side {
    const char *url;
    char label[32];
    Place plain, strict;    /* strict: see scratch_open() */
    Outcome outcome, again; /* again: to see what is new each time */
    Outcome strict_outcome;
} Side;

typedef struct Verify {
    const Options *options;
    Progress *progress;
    Side *sides;
    int side_count;
    bool scratch, stopped; /* stopped: a database can't be reached */
    OrmcContext *context;  /* of the golden file that is at hand */
    int units, compared, differences, status;
    int counts[REASON_COUNT];
    Text places[REASON_COUNT]; /* where, for people */
    Text json_differences, json_legitimate, json_plans;
} Verify;

/* ---- verify_run.c */

/* False: it could not be run, the status is set and a message printed. */
bool unit_run(Verify *verify, const Unit *unit, Side *side, Place *place, Outcome *outcome);
void outcome_free(Outcome *outcome);

/* ---- verify_judge.c */

/* Compares what the unit gave on a side with what it gave on the first, and reports it. */
void unit_judge(Verify *verify, const Unit *unit, Side *side);

/* ---- verify_report.c */

void report_difference(Verify *verify, const Unit *unit, const Side *side, const Ran *ours, const Ran *theirs,
                       const char *what);
void report_reasons(Verify *verify, const Unit *unit, const Side *side, const Ran *ran, Reasons reasons);
void report_plans(Verify *verify, const Unit *unit);
void report_summary(Verify *verify);

#endif
