/*
 * Django's expressions, before and after resolution. One struct serves both, as in Django: the
 * program's F("author__name") is an expression value; resolving it against a query gives a new
 * expression whose columns point at joins. Every expression is a Value, so that Python code can hold
 * it, combine it and pass it on; none is changed after it was made.
 *
 *     F("price") * 2              COMBINED(F, VALUE)
 *     resolved for a query        COMBINED(COL(join, field), VALUE)      output_field decided
 *     compiled for a dialect      query tree: GROUP(BINARY(*, COLUMN, PARAM))
 */
#ifndef ORMC_DJANGO_EXPRESSION_H
#define ORMC_DJANGO_EXPRESSION_H

#include "compiler/django/model.h"
#include "compiler/evaluate/native.h"
#include "compiler/query/dialect.h"

typedef struct DjExpr DjExpr;
typedef struct DjQuery DjQuery;
typedef struct DjJoin DjJoin;
typedef struct DjCompiler DjCompiler;
typedef struct DjQuerySet DjQuerySet;

typedef enum DjKind {
    DJ_F,
    DJ_OUTER_REF,
    DJ_RESOLVED_OUTER_REF,
    DJ_VALUE,
    DJ_COL,       /* join.column of field */
    DJ_COL_PAIRS, /* several columns of one join (composite keys, multi-column relations) */
    DJ_REF,       /* a select alias, and what it stands for */
    DJ_POSITION,  /* ORDER BY 2 */
    DJ_STAR,
    DJ_RAW,
    DJ_FUNC, /* functions, aggregates, transforms: `spec` says which */
    DJ_COMBINED,
    DJ_NEGATED,
    DJ_CASE,
    DJ_WHEN,
    DJ_WRAPPER,
    DJ_SUBQUERY,
    DJ_EXISTS,
    DJ_WINDOW,
    DJ_FRAME,
    DJ_ORDER_BY,
    DJ_LIST,
    DJ_LOOKUP,
    DJ_Q,         /* conditions of the program */
    DJ_CONDITION, /* one keyword of a Q or filter(): name and value */
    DJ_WHERE,     /* resolved conditions */
    DJ_NOTHING,   /* matches no row */
    DJ_EXTRA_WHERE,
    DJ_QUERY, /* a resolved query in the place of a value (IN) */
    DJ_TUPLE,
    DJ_DB_DEFAULT,
    DJ_FILTERED_RELATION
} DjKind;

typedef enum DjConnector { DJ_AND, DJ_OR, DJ_XOR } DjConnector;

/* What is in a resolved expression, its own node and below. */
enum {
    DJ_HAS_AGGREGATE = 1,
    DJ_HAS_OVER = 2,
    DJ_HAS_COLUMNS = 4,
    DJ_HAS_SUBQUERY = 8,
    DJ_SET_RETURNING = 16,
    DJ_RESOLVED = 32,    /* made by resolving */
    DJ_MULTIVALUED = 64, /* an outer reference through a relation */
    DJ_SUMMARY = 128,    /* an aggregate of aggregate() */
    DJ_HAS_OUTER = 256,  /* a reference to an outer query, or a query that may hold one */
    DJ_HAS_WHERE = 512   /* a condition inside an expression */
};
enum {
    DJ_INHERITED_FLAGS = DJ_HAS_AGGREGATE | DJ_HAS_OVER | DJ_HAS_COLUMNS | DJ_HAS_SUBQUERY | DJ_SET_RETURNING |
                         DJ_HAS_OUTER | DJ_HAS_WHERE
};

typedef struct DjFunction DjFunction; /* see function.h */
typedef struct DjLookup DjLookup;     /* see lookup.h */

struct DjExpr {
    Instance instance;
    DjKind kind;
    unsigned flags;
    const Node *site;
    DjField *output_field; /* given by the program or fixed by the kind; else decided on demand: dj_output_field */
    Expr *compiled; /* what it compiled to, and for which compiler: repeated expressions repeat their parameters */
    struct DjCompiler *compiled_by;
    bool output_decided; /* output_field is final, NULL included */
    DjExpr **args;       /* source expressions; an item may be NULL where the kind says so */
    int count;
    union {
        struct {
            Slice name;
        } f; /* F, OUTER_REF (args[0] for OuterRef(OuterRef())), RESOLVED_OUTER_REF */
        struct {
            Value *value;
            bool for_save; /* None of a JSON field is NULL, not 'null' */
            bool prepared; /* a lookup's: may be what the column itself can't hold */
        } value;
        struct {
            DjJoin *join;
            DjField *target;
            DjFound relation;
        } col; /* join NULL: without a table (UPDATE … SET, constraints); relation: the lookups of a relation apply */
        struct {
            DjJoin *join;
            DjField *field;
            DjFound relation;
        } pairs; /* args: its columns */
        struct {
            Slice name;
        } ref; /* args[0]: the source */
        struct {
            int ordinal;
            Slice name;
        } position; /* args[0]: the source */
        struct {
            Slice sql;
            Value **params;
            int count;
        } raw; /* %s holes; EXTRA_WHERE too */
        struct {
            const DjFunction *spec;
            bool distinct;
            DjExpr *filter;                   /* aggregates */
            DjExpr *order_by;                 /* aggregates with ORDER BY: a LIST of ORDER_BY */
            Value *default_value;             /* of aggregates */
            Slice function, template, joiner; /* overrides from the class or the call; start NULL: none */
            Slice unit;                       /* Extract and Trunc: "year" … */
            Value *zone;                      /* tzinfo= */
            const struct Keyword *extra;      /* further names of a template */
            int extra_count;
            Value *option[3]; /* further options, as the spec says (invert, config, weights, …) */
        } func;
        struct {
            Slice op;
        } combined;
        struct {
            DjQuerySet *queryset;
            DjQuery *query;
            Slice template;
        } subquery; /* SUBQUERY, EXISTS, QUERY; query: once resolved */
        struct {
            DjExpr *partition_by, *order_by, *frame;
        } window; /* args[0]: source */
        struct {
            bool rows;
            Value *start, *end;
            Slice exclusion;
        } frame;
        struct {
            bool descending;
            NullsOrder nulls;
        } order;
        struct {
            const DjLookup *spec;
            Value *rhs;
            Span span; /* of the keyword */
        } lookup;      /* args[0] lhs; args[1] rhs where it is an expression or query, else rhs is the value */
        struct {
            DjConnector connector;
            bool negated;
            bool resolved; /* resolved twice: always in parentheses, see dj_resolve_again */
        } node;            /* Q, WHERE */
        struct {
            Slice name;
            Value *value;
            Span span;
            const Node *value_node;
        } condition;
        struct {
            Slice relation;
            DjExpr *condition;
            Slice alias;
        } filtered;
    } as;
};

extern const Type dj_expr_type;

static inline bool value_is_expr(const Value *value) { return value->type == &dj_expr_type; }
static inline DjExpr *value_expr(Value *value) { return (DjExpr *)value; }

/* ---- making (expression.c) ---- */

/* Expressions inside each other, subqueries included. */
enum { DJ_MAX_DEPTH = 400 };

DjExpr *dj_expr_new(Evaluator *ev, DjKind kind, const Node *site, int count);
/* One keyword of a filter(), name=value, as if it were written at `site`. */
DjExpr *dj_condition_new(Evaluator *ev, Slice name, Value *value, const Node *site);
DjExpr *dj_f(Evaluator *ev, Slice name, const Node *site);
DjExpr *dj_value(Evaluator *ev, Value *value, DjField *output_field, const Node *site);
DjExpr *dj_col(Evaluator *ev, DjJoin *join, DjField *target, DjField *output_field);
DjExpr *dj_ref(Evaluator *ev, Slice name, DjExpr *source);
DjExpr *dj_star(Evaluator *ev);
DjExpr *dj_order_by(Evaluator *ev, DjExpr *inner, bool descending, NullsOrder nulls, const Node *site);
DjExpr *dj_list(Evaluator *ev, DjExpr *const *items, int count);
DjExpr *dj_combined(Evaluator *ev, Slice op, DjExpr *left, DjExpr *right, const Node *site);
DjExpr *dj_cast(Evaluator *ev, DjExpr *inner, DjField *to); /* function.c */
DjExpr *dj_where(Evaluator *ev, DjConnector connector, bool negated);
/* As the last child, whatever it is. */
void dj_where_push(Evaluator *ev, DjExpr *where, DjExpr *child);
void dj_where_add(Evaluator *ev, DjExpr *where, DjExpr *child, DjConnector connector);
/* Where the argument with that value stands in the call; the whole call where it stands nowhere. */
const Node *dj_argument_site(const Arguments *arguments, const Value *value);
/* An argument of a function: an expression stays, a string becomes F where strings name fields, else VALUE; a queryset
 * becomes SUBQUERY. */
DjExpr *dj_parse(Evaluator *ev, Value *value, bool strings_are_fields, const Node *site);
DjExpr *dj_copy(Evaluator *ev, const DjExpr *expr); /* shallow, args copied */

/* ---- resolving (resolve.c) ---- */

typedef struct DjJoinSet {
    DjJoin **items;
    int count, capacity;
} DjJoinSet;
typedef struct DjResolve {
    bool allow_joins;
    DjJoinSet *reuse; /* NULL: every join may be used again */
    bool summarize;   /* inside aggregate(): names of annotations become references to the subquery */
    bool for_save;
} DjResolve;
typedef struct DjExprs {
    DjExpr **items;
    int count, capacity;
} DjExprs;

/* NULL: an error is pending. */
DjExpr *dj_resolve(DjQuery *query, DjExpr *expr, const DjResolve *how);
/*
 * Django resolves the left side of a lookup, ORDER BY and the annotations of a subquery a second time when it compiles
 * them; all that can be seen of it are parentheses around the conditions inside (CASE WHEN (…), FILTER (WHERE (…))).
 */
DjExpr *dj_resolve_again(Evaluator *ev, DjExpr *expr);
/* NULL: none can be decided; raises FieldError where `required`. */
DjField *dj_output_field(Evaluator *ev, DjExpr *expr, bool required);
/* Is it a condition that may stand in filter()? */
bool dj_is_conditional(Evaluator *ev, DjExpr *expr);
bool dj_equal(const DjExpr *a, const DjExpr *b);
/* A copy in which every occurrence of from[i] is to[i]. */
DjExpr *dj_replace(Evaluator *ev, DjExpr *expr, const DjExprs *from, const DjExprs *to);
void dj_group_by_columns(Evaluator *ev, DjExpr *expr, DjExprs *out);
/* Columns below the expression; `through_refs`: also inside what a Ref stands for. */
void dj_columns(Evaluator *ev, DjExpr *expr, bool through_refs, DjExprs *out);
/* The queries that stand in it, not those inside of these. */
void dj_subqueries(Evaluator *ev, DjExpr *expr, DjExprs *out);
/* The Refs below. */
void dj_refs(Evaluator *ev, DjExpr *expr, DjExprs *out);

/* ---- compiling (compile_expression.c) ---- */

/* What compiling a condition can tell besides SQL. */
typedef enum DjOutcome { DJ_SQL, DJ_EMPTY, DJ_FULL, DJ_ERROR } DjOutcome;
/* Expression of the query tree; DJ_EMPTY: it can't match any row, DJ_FULL: it matches all. */
DjOutcome dj_compile(DjCompiler *compiler, DjExpr *expr, Expr **out);
/* A value as a bind parameter prepared for the field (NULL: by its own type). */
DjOutcome dj_compile_value(DjCompiler *compiler, Value *value, DjField *field, const Node *site, Expr **out);

#endif
