/*
 * DjQuery: a query being built, the mutable middle of Django's lowering. A queryset (queryset.h) is an
 * immutable list of operations; replaying them fills a fresh DjQuery, which the compiler then turns into a query tree.
 *
 * Joins are objects: a column points at its join, an alias is a property of the join's relation, so
 * that renaming (U0 …) and promotion (INNER to LEFT) touch no expression.
 */
#ifndef ORMC_DJANGO_QUERY_H
#define ORMC_DJANGO_QUERY_H

#include "compiler/django/expression.h"

/* A hop over a relation (model.h), and the FilteredRelation that it goes through. */
typedef struct DjStep {
    DjPath hop;
    DjExpr *filtered; /* NULL: none */
} DjStep;
typedef struct DjSteps {
    DjStep *items;
    int count, capacity;
} DjSteps;

typedef struct DjJoinColumn {
    DjField *near, *far;
    Slice near_column, far_column;
} DjJoinColumn;

struct DjJoin {
    Relation relation;
    DjJoin *parent;        /* NULL: the base table */
    DjFound join;          /* the relation it follows */
    DjModel *model;        /* whose table it is */
    DjJoinColumn *columns; /* near.column = far.column */
    int column_count;
    bool base; /* first FROM entry: no join type */
    bool louter, nullable;
    int references;
    DjExpr *filtered_source; /* a FilteredRelation that it goes through; NULL: none */
    DjExpr *filtered;        /* its condition, resolved */
    DjQuery *query;          /* that owns it */
};

typedef struct DjAnnotation {
    Slice name;
    DjExpr *expr;
    bool selected;
} DjAnnotation;
typedef enum DjSelectedKind { DJ_SELECTED_COLUMN, DJ_SELECTED_ANNOTATION, DJ_SELECTED_EXTRA } DjSelectedKind;
typedef struct DjSelected {
    Slice name;
    DjSelectedKind kind;
    int column;
} DjSelected; /* one name of values() */
typedef struct DjExtra {
    Slice name;
    Slice sql;
    Value **params;
    int count;
    bool selected;
} DjExtra;
typedef enum DjGroupBy { DJ_GROUP_NONE, DJ_GROUP_ALL /* by the model's columns */, DJ_GROUP_LIST } DjGroupBy;
typedef enum DjCombinator {
    DJ_COMBINE_NONE,
    DJ_COMBINE_UNION,
    DJ_COMBINE_INTERSECTION,
    DJ_COMBINE_DIFFERENCE
} DjCombinator;
typedef struct DjOrdering {
    Slice name;
    DjExpr *expr;
    Span span;
} DjOrdering; /* a name ("-a__b", "?") or an expression */
/* A set of dotted names as a tree: select_related, defer, only. */
typedef struct DjNames {
    Slice name;
    Span span;
    struct DjNames *children, *next;
    bool leaf; /* of defer() and only(): named itself, not only as the start of a longer path */
} DjNames;

/* An object that select_related puts together from columns of the row. */
typedef struct DjJoinedRow {
    DjModel *model;
    Atom name;   /* under which its owner holds it */
    DjFound via; /* empty: a FilteredRelation */
    int parent;  /* the owner: which of these rows; -1: the row's own object */
    int first, count;
} DjJoinedRow;

struct DjQuery {
    Evaluator *ev;
    DjModel *model;
    DjJoin **joins; /* in order of creation; the first is the base */
    int join_count, join_capacity;
    char prefix[8];       /* of aliases: "T", "U", … */
    Slice *used_prefixes; /* of subqueries below */
    int used_prefix_count, used_prefix_capacity;
    DjExpr *where;
    DjAnnotation *annotations;
    int annotation_count, annotation_capacity;
    bool annotation_masked; /* `selected` of the annotations counts; else all are selected */
    bool default_columns;
    DjExprs select;       /* columns of values() */
    Slice *values_select; /* their names */
    int values_count, values_capacity;
    DjSelected *selected; /* values(): everything in order; meaningful where has_selected */
    int selected_count, selected_capacity;
    bool has_selected;
    DjGroupBy grouping;
    DjExprs group_by;
    DjOrdering *order_by;
    int order_count, order_capacity;
    DjOrdering *extra_order_by;
    int extra_order_count;
    bool default_ordering, standard_ordering;
    bool distinct;
    Slice *distinct_fields;
    Span *distinct_spans;
    int distinct_count;
    DjExtra *extra;
    int extra_count, extra_capacity;
    bool extra_masked;
    Slice *extra_tables;
    int extra_table_count, extra_table_capacity;
    bool sliced_low, sliced_high;  /* marks as below are there */
    Value *low_value, *high_value; /* marks that are not known: parameters */
    int64_t low, high;
    bool lock, lock_nowait, lock_skip_locked, lock_no_key;
    Slice *lock_of;
    Span *lock_of_spans;
    int lock_of_count;
    bool related_all;  /* select_related() */
    DjNames *related;  /* select_related("a__b") */
    DjNames *deferred; /* defer() or only() */
    bool deferred_is_only;
    DjCombinator combinator;
    bool combinator_all;
    DjQuery **combined;
    int combined_count;
    bool subquery;
    bool sticky;
    DjJoinSet used_joins; /* that further conditions of the same filter() call may share */
    DjExpr **filtered_relations;
    int filtered_count, filtered_capacity;
    Slice explain;         /* prefix; empty: none */
    DjQuery *inner;        /* aggregate over a subquery: FROM (inner) subquery */
    bool no_alias_columns; /* columns without their table: UPDATE, constraints */
    bool elide_empty;      /* a condition that can't match means no statement at all */
    DjJoin **lookup_joins; /* of the condition that was built last: exclude.c trims by them */
    int lookup_join_count;
    DjExprs row; /* once compiled: what a row holds: extra columns, the model's, annotations, those of `joined` */
    int row_extra, row_columns, row_annotations;
    DjJoinedRow *joined;
    int joined_count, joined_capacity;
    const Node *site;
};

/* ---- building (query.c, names.c, joins.c, where.c, aggregate.c, subquery.c, merge.c, relations_query.c) ---- */

DjQuery *dj_query_new(Evaluator *ev, DjModel *model);
DjJoin *dj_query_base(DjQuery *query); /* makes it at first use, counts a reference else */

enum { DJ_MAX_NAMES = 32 }; /* parts of a path such as author__name__lower; more is refused */

typedef struct DjResolvedNames {
    DjSteps path;
    DjFound final_field; /* the relation, or the field itself */
    DjField **targets;
    int target_count;
    DjModel *model; /* at the end of the path */
    int used;       /* how many names were fields */
    int multi_at;   /* allow_many false: number of names up to the first multi-valued relation, else 0 */
    int steps_per_name[DJ_MAX_NAMES]; /* how many steps each name gave */
} DjResolvedNames;
/* "Related model 'app.Author' cannot be resolved"; returns false. */
bool dj_raise_unknown_model(Evaluator *ev, const DjField *field, Span span);
/* Names to fields. Raises FieldError where the first name (any name with fail_on_missing) is none. */
bool dj_names_to_path(DjQuery *query, const Slice *names, int count, DjModel *model, bool allow_many,
                      bool fail_on_missing, Span span, DjResolvedNames *out);

/* Parts of "author__name"; at most DJ_MAX_NAMES. */
int dj_split_names(Slice path, Slice *names);
/* The same for a whole name of values(): there extra select items are choices too. */
bool dj_raise_unselectable(DjQuery *query, Slice name, Span span);

typedef struct DjJoined {
    DjResolvedNames names;
    DjJoin **joins; /* joins[0] is where it started */
    int join_count;
    const Slice *transforms;
    int transform_count;
    DjJoin *buffer[DJ_MAX_NAMES];
} DjJoined;
/* false: an error is pending, or out->names.multi_at is set. */
bool dj_setup_joins(DjQuery *query, const Slice *names, int count, DjModel *model, DjJoin *start, DjJoinSet *reuse,
                    bool allow_many, Span span, DjJoined *out);
/* Drops joins whose target column stands in the table before. Returns the join that holds the targets. */
DjJoin *dj_trim_joins(DjQuery *query, DjJoined *joined);
/* The end of the path as the left side of a lookup: a relation keeps its lookups. */
DjExpr *dj_lookup_column(DjQuery *query, const DjJoined *joined, DjJoin *join);
/* The end of the path as a value, with its transforms: F("author__name__lower"). */
DjExpr *dj_value_column(DjQuery *query, const DjJoined *joined, DjJoin *join, Span span);
/* A GenericRelation's condition on the content type of a join, as a lookup; NULL: none. */
DjExpr *dj_join_restriction(DjQuery *query, DjFound join, DjJoin *table);
DjJoin *dj_join(DjQuery *query, DjJoin *parent, const DjStep *step, DjJoinSet *reuse);
void dj_promote(DjQuery *query, DjJoinSet *joins);
void dj_demote(DjQuery *query, DjJoinSet *joins);
bool dj_join_set_has(const DjJoinSet *set, const DjJoin *join);
void dj_join_set_add(Evaluator *ev, DjJoinSet *set, DjJoin *join);

/* Adds a Q (or a condition) to the query: filter(), exclude() as a negated Q. */
bool dj_add_q(DjQuery *query, DjExpr *q, bool reuse_all);
/* The condition of a FilteredRelation. */
DjExpr *dj_build_filtered(DjQuery *query, DjExpr *condition, const DjResolve *how);
/* A condition alone: aggregate filters, When(), FilteredRelation. */
DjExpr *dj_build_where(DjQuery *query, DjExpr *q, const DjResolve *how);
DjExpr *dj_resolve_ref(DjQuery *query, Slice name, const DjResolve *how, const Node *site);
DjAnnotation *dj_annotation_find(DjQuery *query, Slice name);
bool dj_annotation_is_selected(const DjQuery *query, const DjAnnotation *annotation);
bool dj_add_annotation(DjQuery *query, Slice name, DjExpr *expr, bool selected, Span span);
/* Without resolving; a selected one joins the names of values(). */
void dj_put_annotation(DjQuery *query, Slice name, DjExpr *expr, bool selected);
void dj_mask_annotations(DjQuery *query, const Slice *names, int count); /* exactly these are selected */
bool dj_add_fields(DjQuery *query, const Slice *names, const Span *spans, int count, bool allow_many);
bool dj_set_values(DjQuery *query, const Slice *names, const Span *spans, int count);
void dj_set_group_by(DjQuery *query, bool allow_aliases);
bool dj_add_ordering(DjQuery *query, const DjOrdering *items, int count);
void dj_clear_ordering(DjQuery *query, bool force, bool clear_default);
void dj_set_limits(DjQuery *query, int64_t low, bool has_high, int64_t high);
void dj_set_empty(DjQuery *query);
bool dj_is_sliced(const DjQuery *query);
bool dj_check_alias(DjQuery *query, Slice alias, Span span);
/* Gives this query's joins names of its own, so that it can stand inside `outer`. */
void dj_bump_prefix(DjQuery *query, DjQuery *outer);
/* Names of subqueries of `other` are taken in this query too. */
void dj_share_prefixes(DjQuery *query, const DjQuery *other);
/* A query as part of another: renames, resolves its outer references. */
bool dj_query_resolve(DjQuery *inner, DjQuery *outer, const DjResolve *how);
/* aggregate(): the query that computes them. NULL: an error is pending. */
DjQuery *dj_get_aggregation(DjQuery *query, const Slice *names, DjExpr *const *expressions, int count);
bool dj_add_filtered_relation(DjQuery *query, DjExpr *relation, Slice alias, Span span);
/* qs & other, qs | other: merge.c. */
struct DjOp;
bool dj_merge(DjQuery *query, const struct DjOp *op);
const char *dj_combinator_method(DjCombinator combinator);
DjQuery *dj_exists_query(DjQuery *query, bool limit);

/* ---- compiling (compile*.c) ---- */

struct DjCompiler {
    Evaluator *ev;
    const Dialect *dialect;
    DjQuery *query;
    DjCompiler *outer;
    Query *tree;                   /* that is being filled */
    struct DjSelectColumn *select; /* what the query selects */
    int select_count;
    bool meta_ordering;
    DjExpr *having, *qualify, *where;
    int depth;
};
typedef struct DjSelectColumn {
    DjExpr *expr;
    Expr *sql;
    Slice alias;
    DjField *field;
} DjSelectColumn;

/* The whole query. DJ_EMPTY: Django would not send it. */
DjOutcome dj_query_compile(DjQuery *query, DjCompiler *outer, bool with_limits, bool with_col_aliases, Query **out);

#endif
