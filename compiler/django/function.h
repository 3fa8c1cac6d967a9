/*
 * Function: what is known of one SQL function, aggregate or transform of Django. The rows stand in
 * functions.def; how a function is written in each dialect stands in the dialects' own tables.
 */
#ifndef ORMC_DJANGO_FUNCTION_H
#define ORMC_DJANGO_FUNCTION_H

#include "compiler/django/close_matches.h"
#include "compiler/django/expression.h"

typedef enum DjFunctionFlags {
    DJF_AGGREGATE = 1,
    DJF_WINDOW_ONLY = 2,         /* Rank(), Lag(): stands in Window() alone */
    DJF_WINDOW_COMPATIBLE = 4,   /* may stand in Window() */
    DJF_DISTINCT = 8,            /* aggregate takes distinct=True */
    DJF_STRINGS_ARE_VALUES = 16, /* string arguments are values, not field names */
    DJF_ORDERABLE = 32,          /* aggregate takes order_by/ordering */
    DJF_SET_RETURNING = 64,
    DJF_POSTGRESQL = 128, /* of contrib.postgres */
    DJF_BILATERAL = 256   /* a transform of both sides of a lookup */
} DjFunctionFlags;

/* What the output field is. */
typedef enum DjOutput {
    DJO_SOURCE, /* the one that all sources share, FieldError on mixed types */
    DJO_FIRST,  /* the first source's */
    DJO_BOOLEAN,
    DJO_INTEGER,
    DJO_BIGINT,
    DJO_FLOAT,
    DJO_DECIMAL,
    DJO_CHAR,
    DJO_TEXT,
    DJO_DATE,
    DJO_TIME,
    DJO_DATETIME,
    DJO_DURATION,
    DJO_JSON,
    DJO_UUID,
    DJO_ARRAY,
    DJO_NUMERIC,      /* NumericOutputFieldMixin: Decimal if any is; Float for integers */
    DJO_FIX_DURATION, /* Sum, Avg: numeric as Django says for the input */
    DJO_CUSTOM        /* spec->output decides */
} DjOutput;

struct DjFunction {
    const char *name;       /* class name: "Lower" */
    const char *transform;  /* lookup name where it is a transform: "lower"; NULL */
    const char *sql;        /* SQL name where nothing else is said: "LOWER" */
    FunctionId id;          /* FUNCTION_NONE: written as sql(arg, …) in every dialect */
    int min_args, max_args; /* max -1: any number */
    DjOutput output;
    unsigned flags;
    /* Reads the call's arguments into the expression; NULL: positional sources only. */
    bool (*construct)(Evaluator *ev, DjExpr *expr, const Arguments *arguments);
    DjField *(*decide)(Evaluator *ev, DjExpr *expr, bool required); /* DJO_CUSTOM */
    /* After the sources are resolved; may return another expression. NULL: nothing more. */
    DjExpr *(*resolved)(DjQuery *query, DjExpr *expr, const DjResolve *how);
    /* Writes it for the dialect; NULL: by id or sql name. */
    DjOutcome (*compile)(DjCompiler *compiler, DjExpr *expr, Expr **out);
};

/* The class's own spec, or its nearest base's; NULL: no function class. */
const DjFunction *dj_function_of_class(Evaluator *ev, const Class *cls);
const DjFunction *dj_function_find(const char *name);
/* function=, template=, arg_joiner= and what a template names further, as as_sql() takes them. */
void dj_function_options(Evaluator *ev, DjExpr *expr, const Keyword *keywords, int count);
DjExpr *dj_function_new(Evaluator *ev, const DjFunction *spec, DjExpr *const *args, int count, const Node *site);

/* A transform of an expression by its name; NULL without an error: there is none. */
DjExpr *dj_transform_apply(Evaluator *ev, DjExpr *lhs, Slice name, const Node *site);
void dj_transform_suggest(DjField *field, DjCloseMatches *close);

#endif
