/*
 * Lookup: what is known of one lookup (exact, icontains, …). The rows stand in lookups.def.
 */
#ifndef ORMC_DJANGO_LOOKUP_H
#define ORMC_DJANGO_LOOKUP_H

#include "compiler/django/expression.h"

typedef enum DjLookupFlags {
    DJL_PATTERN = 1,      /* LIKE: the value gets wildcards and is escaped */
    DJL_PREPARE = 2,      /* the value is prepared by the lhs's field */
    DJL_LIST = 4,         /* the value is a list */
    DJL_NONE_ALLOWED = 8, /* None is a value for it */
    DJL_POSTGRESQL = 16,
    DJL_INTEGER_EMPTY = 32, /* a number outside the column's range can't match */
    DJL_PROGRAM = 64        /* part of a DjProgramLookup */
} DjLookupFlags;

struct DjLookup {
    const char *name;
    OperatorId op, expr_op;
    unsigned flags;
    DjOutcome (*compile)(DjCompiler *compiler, DjExpr *lookup, Expr **out); /* NULL: lhs op rhs */
    /* Checks and prepares the value when the lookup is made; false: an error is pending. */
    bool (*prepare)(Evaluator *ev, DjExpr *lookup);
};

/* A lookup of the program's own: DJL_PROGRAM. */
typedef struct DjProgramLookup {
    DjLookup lookup;
    Class *cls;           /* that writes it */
    const DjLookup *base; /* what that class derives from; NULL: Lookup itself */
} DjProgramLookup;

/* The lookup that a class, or Django's class that it derives from, is; NULL: Lookup itself. */
const DjLookup *dj_lookup_of_class(Evaluator *ev, const Class *cls);
/* The right side: an expression, a value prepared as the lookup says, a list of values in parentheses. */
DjOutcome dj_lookup_value(DjCompiler *compiler, DjExpr *lookup, Expr **out);

/* Compiles the left side: an inner lookup stands in parentheses. */
DjOutcome dj_lookup_left(DjCompiler *compiler, DjExpr *lookup, Expr **out);
/* Compiles an expression on the right side: in parentheses unless it starts with one. */
DjOutcome dj_lookup_right(DjCompiler *compiler, DjExpr *right, Expr **out);
/* May a condition stand in WHERE by itself? Else it is compared with a value. */
bool dj_condition_stands_alone(DjCompiler *compiler, const DjExpr *expr);
/* The field that prepares values for the left side: a relation's target. */
DjField *dj_lookup_field(Evaluator *ev, DjExpr *lhs);
/* Whether a left side stands for a relation itself: author=… */
bool dj_is_relation(const DjExpr *lhs);
/* Lookups that only some types have, by the type of the left side (type_lookups.c). NULL: none. */
const DjLookup *dj_lookup_of_type(Evaluator *ev, DjExpr *lhs, Slice name);

/* The lookup of this name on what the expression gives; NULL: none. */
const DjLookup *dj_lookup_find(Evaluator *ev, DjExpr *lhs, Slice name);
DjExpr *dj_lookup_new(Evaluator *ev, const DjLookup *spec, DjExpr *lhs, Value *rhs, const Node *site);
/* lookups and transforms of a path on a resolved left side: build_lookup(["date", "gte"], col, value). NULL: an error
 * is pending. */
DjExpr *dj_build_lookup(DjQuery *query, const Slice *names, int count, DjExpr *lhs, Value *rhs, Span span,
                        const Node *site);
/* `name` as a transform of the expression. Raises FieldError where there is none (whole: the part of the path that the
 * message names). */
DjExpr *dj_try_transform(Evaluator *ev, DjExpr *lhs, Slice name, Slice whole, Span span);

#endif
