/*
 * The query tree: relational, SQL-shaped, dialect-neutral where dialects agree. Both ORMs lower to
 * it; shape, verifier, printer and emitter are written once over it.
 *
 * Rules:
 *   - Relations are shared objects: a column refers to its Relation by pointer, so an alias is a
 *     property of the relation and can change until emission without touching any expression.
 *   - Operators and functions are named by meaning (OPERATOR_ICONTAINS, FUNCTION_LOWER); the dialect's tables say how
 *     they are written. CALL holds a name only where the user wrote it (func.foo, Func(function=…)).
 *   - Parentheses are part of what an ORM writes: GROUP nodes say where they stand, the emitter adds
 *     none of its own but those that belong to a construct (IN (…), subqueries, function calls).
 *   - Values are PARAM nodes or go through the dialect's literal writer. RAW text comes from the
 *     program's own source (RawSQL, extra, text()) or from an ORM's fixed phrases, never from a value.
 */
#ifndef ORMC_QUERY_QUERY_H
#define ORMC_QUERY_QUERY_H

#include "compiler/query/statement.h"

typedef struct Expr Expr;
typedef struct Query Query;
typedef struct Relation Relation;

typedef struct ExprList {
    Expr **items;
    int count, capacity;
} ExprList;

/* Meanings of functions; each with its default template, see templates.h. */
typedef enum FunctionId {
    FUNCTION_NONE,
#define F(name, text) FUNCTION_##name,
#include "compiler/query/function_ids.def"
#undef F
    FUNCTION_COUNT_OF_IDS
} FunctionId;

/* Meanings of binary and unary operators and of lookups, likewise. */
typedef enum OperatorId {
#define O(name, text) OPERATOR_##name,
#include "compiler/query/operator_ids.def"
#undef O
    OPERATOR_COUNT_OF_IDS
} OperatorId;

typedef enum ExprKind {
    EXPR_COLUMN, /* relation.name */
    EXPR_STAR,   /* * or relation.* */
    EXPR_PARAM,
    EXPR_LITERAL, /* a value written into the text by the dialect's literal writer */
    EXPR_NULL,
    EXPR_BOOLEAN,  /* the dialect's own spelling of true/false (number) */
    EXPR_RAW,      /* fixed text with holes: pieces and arguments alternate: text[0] args[0] text[1] … */
    EXPR_FUNCTION, /* id, args; templates of the dialect */
    EXPR_CALL,     /* name as given, args, and the clauses of an aggregate */
    EXPR_UNARY,
    EXPR_BINARY, /* op, args */
    EXPR_AND,
    EXPR_OR,
    EXPR_XOR, /* args joined by the connector, no parentheses of its own */
    EXPR_NOT,
    EXPR_GROUP, /* ( args[0] ) */
    EXPR_CASE,  /* args: [operand?] when then when then … [else]; flags say which ends are there */
    EXPR_CAST,  /* args[0] as type_name */
    EXPR_COLLATE,
    EXPR_IN, /* args[0] in args[1…]; or in query */
    EXPR_BETWEEN,
    EXPR_EXISTS,
    EXPR_SUBQUERY,
    EXPR_WINDOW,   /* args[0] OVER (window) */
    EXPR_ORDER,    /* args[0] with direction and nulls */
    EXPR_TUPLE,    /* (a, b) */
    EXPR_LIST,     /* a, b  without parentheses */
    EXPR_ALIAS,    /* name of a select item, a window or the like, quoted or not */
    EXPR_POSITION, /* ORDER BY 2: number */
    EXPR_ARRAY,    /* ARRAY[…] */
    EXPR_EXTRACT,  /* EXTRACT(name FROM args[0]) */
    EXPR_INTERVAL
} ExprKind;

typedef enum NullsOrder { NULLS_DEFAULT, NULLS_FIRST, NULLS_LAST } NullsOrder;

/* A name that the program marked: quoted_name(x, quote=True). Otherwise the style decides. */
typedef enum NameQuoting { QUOTING_BY_STYLE, QUOTING_ALWAYS, QUOTING_NEVER } NameQuoting;

typedef struct Window {
    ExprList partition_by;
    ExprList order_by;
    Slice frame;      /* "ROWS BETWEEN …"; fixed phrases and literal numbers only */
    Expr *frame_expr; /* a frame with parameters: RAW; written instead of `frame` */
    Slice name;       /* refers to a named window */
} Window;

struct Expr {
    ExprKind kind;
    SqlType type;
    Span span; /* of the Python text it comes from; may be empty */
    ExprList args;
    union {
        struct {
            Relation *relation;
            Slice name;
            bool bare;
            NameQuoting quoting;
        } column; /* bare: without its relation. STAR: relation may be NULL */
        Param *param;
        Literal literal;
        int64_t number; /* BOOLEAN, POSITION */
        struct {
            Slice *texts;
        } raw; /* args.count + 1 pieces */
        struct {
            FunctionId id;
            Slice extra;
        } function; /* extra: a unit, a format, a field name that stands in the template */
        struct {
            Slice name;
            bool distinct, quoted, no_parentheses;
            ExprList order_by, within_group;
            Expr *filter;
            Slice separator;
        } call;
        struct {
            OperatorId op;
            Slice text;
        } op; /* text: the operator as given (.op("@@")) */
        struct {
            bool has_operand, has_else;
        } cased;
        struct {
            Slice type_name;
        } cast;
        struct {
            Slice name;
        } collate;
        struct {
            Query *query;
            bool negated;
        } query; /* IN, EXISTS, SUBQUERY */
        Window *window;
        struct {
            bool descending;
            NullsOrder nulls;
            bool explicit_asc;
        } order;
        struct {
            Slice name;
            bool quoted;
        } alias;
        struct {
            Slice unit;
        } unit; /* EXTRACT, INTERVAL */
    } as;
};

typedef enum RelationKind {
    RELATION_TABLE,
    RELATION_SUBQUERY,
    RELATION_CTE,
    RELATION_VALUES,
    RELATION_FUNCTION,
    RELATION_RAW
} RelationKind;
struct Relation {
    RelationKind kind;
    Slice schema;        /* may be empty */
    Slice name;          /* of the table or CTE */
    Slice alias;         /* empty: none; else columns are written with it */
    bool alias_unquoted; /* Django's T3, U0 */
    NameQuoting schema_quoting, name_quoting, alias_quoting;
    bool lateral;
    Query *query;       /* SUBQUERY; VALUES: its rows */
    Expr *expression;   /* FUNCTION, RAW */
    Atom *column_names; /* alias(col, col) */
    int column_count;
    void *owner; /* of the ORM's lowering: the join it stands for */
};

typedef enum JoinKind { JOIN_INNER, JOIN_LEFT, JOIN_FULL, JOIN_CROSS } JoinKind;
/* One item of FROM: a relation, or a join of two. */
typedef struct From {
    Relation *relation; /* NULL: a join */
    struct From *left, *right;
    JoinKind join;
    bool join_plain; /* JOIN instead of INNER JOIN is the dialect's style; see dialect flags */
    bool grouped;    /* in parentheses */
    Expr *on;
    Slice prefix; /* text before the relation: ONLY */
    Slice hint;   /* text after the relation: WITH (…), USE INDEX … */
} From;

typedef struct SelectItem {
    Expr *expr;
    Slice alias; /* AS alias; empty: none */
    bool alias_unquoted;
    NameQuoting alias_quoting;
    Slice result_name; /* how the ORM names the column in rows; empty: alias or column name */
} SelectItem;

typedef struct CommonTable {
    Relation *relation;
    Query *query;
    bool recursive, nesting;
    Slice materialized; /* "MATERIALIZED", "NOT MATERIALIZED" or empty */
    Slice suffix;       /* text after the body */
} CommonTable;

/* WINDOW name AS (…) */
typedef struct NamedWindow {
    Slice name;
    Window *window;
} NamedWindow;

typedef struct Assignment {
    Expr *target; /* a column, usually bare */
    Expr *value;
} Assignment;

typedef enum QueryKind {
    QUERY_SELECT,
    QUERY_SET_OPERATION,
    QUERY_VALUES,
    QUERY_INSERT,
    QUERY_UPDATE,
    QUERY_DELETE,
    QUERY_RAW,
    QUERY_EXPRESSION
} QueryKind;
typedef enum SetOperator {
    SET_UNION,
    SET_UNION_ALL,
    SET_INTERSECT,
    SET_INTERSECT_ALL,
    SET_EXCEPT,
    SET_EXCEPT_ALL
} SetOperator;

typedef enum LockMode { LOCK_NONE, LOCK_UPDATE, LOCK_NO_KEY_UPDATE, LOCK_SHARE, LOCK_KEY_SHARE } LockMode;
typedef struct Lock {
    LockMode mode;
    bool nowait, skip_locked;
    Relation **of;
    Slice *of_columns; /* MySQL-like dialects name columns or tables as given; may be NULL */
    int of_count;
} Lock;

/* How rows that conflict are treated by INSERT. */
typedef struct OnConflict {
    bool ignore, update;
    ExprList target; /* conflict columns */
    Slice constraint;
    Expr *target_where, *update_where;
    Assignment *assignments;
    int assignment_count;
    Slice row_alias; /* MySQL: AS new */
} OnConflict;

struct Query {
    QueryKind kind;
    Slice prefix; /* before everything: "EXPLAIN …" */
    Slice hint;   /* after SELECT/INSERT/…: prefixes such as "SQL_NO_CACHE", "OR REPLACE" */
    CommonTable *ctes;
    int cte_count, cte_capacity;
    /* SELECT */
    bool distinct;
    ExprList distinct_on;
    SelectItem *items; /* also RETURNING of INSERT, UPDATE and DELETE: `returning` */
    int item_count, item_capacity;
    From **from; /* joined by commas */
    int from_count, from_capacity;
    Expr *where;
    ExprList group_by;
    Expr *having;
    NamedWindow *windows;
    int window_count;
    ExprList order_by;
    bool order_by_null; /* MySQL: ORDER BY NULL */
    Expr *limit, *offset;
    bool fetch_syntax, fetch_with_ties, fetch_percent; /* FETCH FIRST … ROWS ONLY */
    Lock lock;
    bool from_only; /* a FROM clause compiled alone: its list without SELECT */
    Slice suffix;   /* text after everything, from the program (with_statement_hint, suffix_with) */
    /* SET OPERATION: parts joined by the operator; part_grouped[i]: in parentheses */
    SetOperator set_operator;
    Query **parts;
    bool *part_grouped;
    int part_count;
    /* INSERT, UPDATE, DELETE */
    Relation *target;
    struct From *target_from; /* MySQL's UPDATE of a join; `target` is NULL then */
    bool target_only;         /* PostgreSQL: ONLY before the target */
    Slice *columns;           /* INSERT */
    int column_count;
    ExprList *rows; /* INSERT … VALUES, VALUES */
    int row_count;
    Query *source; /* INSERT … SELECT */
    bool default_values;
    OnConflict *on_conflict;
    Assignment *assignments; /* UPDATE */
    int assignment_count;
    SelectItem *returning;
    int returning_count;
    /* RAW: the whole text; EXPRESSION: one expression compiled alone */
    Expr *raw;
};

/* ---- construction (build.c); everything in the arena ---- */

Expr *expr_new(Arena *arena, ExprKind kind, SqlType type);
Expr *expr_column(Arena *arena, Relation *relation, Slice name, SqlType type);
Expr *expr_param(Arena *arena, const Param *param);
Expr *expr_integer(Arena *arena, int64_t number); /* a literal in the text */
Expr *expr_raw(Arena *arena, Slice text);
Expr *expr_unary(Arena *arena, OperatorId op, Expr *operand, SqlType type);
Expr *expr_binary(Arena *arena, OperatorId op, Expr *left, Expr *right, SqlType type);
Expr *expr_function(Arena *arena, FunctionId id, SqlType type, int count, ...); /* … Expr* */
Expr *expr_call(Arena *arena, Slice name, SqlType type, int count, ...);
Expr *expr_group(Arena *arena, Expr *inner);
Expr *expr_not(Arena *arena, Expr *inner);
Expr *expr_subquery(Arena *arena, Query *query, SqlType type);
void expr_list_push(Arena *arena, ExprList *list, Expr *expr);
/* Structural equality; two PARAMs are equal when they are the same object or known and equal in type and value. */
bool expr_equals(const Expr *a, const Expr *b);
Query *query_new(Arena *arena, QueryKind kind);
SelectItem *query_add_item(Arena *arena, Query *query, Expr *expr, Slice alias);
From *from_relation(Arena *arena, Relation *relation);
From *from_join(Arena *arena, From *left, From *right, JoinKind kind, Expr *on);
Relation *relation_table(Arena *arena, Slice schema, Slice name, Slice alias);
void query_add_from(Arena *arena, Query *query, From *from);

#endif
