/*
 * Lowering: from elements to the query tree, for one dialect. Internal to the lower_*.c files, and what DDL needs of
 * them.
 *
 * A Lowering is one statement on its way. Names that SQLAlchemy makes up (anon_1, count_1) get their numbers when they
 * are first met here, in the order in which SQLAlchemy's compiler meets them: columns, FROM, WHERE, …
 */
#ifndef ORMC_SQLALCHEMY_LOWER_H
#define ORMC_SQLALCHEMY_LOWER_H

#include "compiler/sqlalchemy/face.h"

typedef struct RelationEntry {
    const Element *from;
    Relation *relation;
} RelationEntry;

/* A SELECT (or compound, or DML) that is being lowered. */
typedef struct Level {
    struct Level *outer;
    ElementList correlate, asfrom;
    Element *statement;
    const struct SelectState *state; /* of a select */
    int depth;
} Level;

typedef struct CteEntry {
    Element *cte;
    Slice name;
    int level;
    bool nesting;
    CommonTable *table; /* NULL while its body is being lowered */
    bool done;
    struct CteEntry *next;
} CteEntry;

/* How a part is to be written: the keyword arguments that SQLAlchemy's compiler hands down. */
typedef struct Flags {
    bool columns_clause, label_clause;
    bool no_table; /* columns without their table */
    bool in_operator, eager_grouping;
    bool literal_binds;
    bool cast_applied;
    bool as_from;
    const Element *label_as_label; /* this label is written by its name */
    const Element *upsert_type;    /* type that an untyped bind takes */
} Flags;

typedef struct Lowering {
    Evaluator *ev;
    Arena *arena;
    const Dialect *dialect;
    SliceMap names;    /* tokens of anonymous names: Slice, the name made */
    SliceMap counters; /* their bases: int, the last number given */
    RelationEntry *relations;
    int relation_count, relation_capacity;
    SliceMap truncated; /* names over the dialect's limit: Slice, the name cut */
    int truncated_number;
    Value **criteria; /* with_loader_criteria() of the selects around */
    int criteria_count, criteria_capacity;
    SliceMap binds; /* keys of binds: Expr, one each */
    Level *level;
    CteEntry *ctes;
    int depth;
    bool ddl;
    const Element *visiting_cte;
    const Dml *dml; /* INSERT whose conflict clause is being lowered */
} Lowering;

/* One column of a select with the names that the label style gives it. */
typedef struct PlusName {
    Element *column;
    Name required, fallback;
    bool has_required, has_fallback, repeated;
    Name key;
    bool has_key;
} PlusName;
typedef struct PlusNames {
    PlusName *items;
    int count, capacity;
} PlusNames;

typedef struct SelectState {
    Select *select;
    ElementList from_clauses; /* select_from() with joins put in */
    ElementList froms;
    PlusNames names;
} SelectState;

/* names.c */
Slice lower_name(Lowering *lo, Name name); /* anonymous parts numbered, cut at the dialect's limit */
void sa_write_name(Buffer *out, const Dialect *dialect, Name name);
NameQuoting name_quoting(Name name);
/* _generate_columns_plus_names: `dedupe_anon`: as in the columns clause. */
void columns_plus_names(Evaluator *ev, const ElementList *columns, LabelStyle style, bool dedupe_anon, PlusNames *out);
bool column_own_label(Evaluator *ev, const Element *column, Name *out);   /* _non_anon_label */
Name column_anonymous_label(Evaluator *ev, const Element *column);        /* _anon_name_label */
bool column_table_label(Evaluator *ev, const Element *column, Name *out); /* _tq_label */
bool column_proxy_key(Evaluator *ev, const Element *column, Name *out);

/* lower_expression.c */
Expr *lower_expr(Lowering *lo, Element *element, Flags flags);
bool lower_list(Lowering *lo, Element *const *items, int count, Flags flags, ExprList *out);
/* Fixed text with holes: %e takes an Expr *, %s a const char *, %S a Slice. */
Expr *lower_format(Lowering *lo, const char *format, ...);
Expr *lower_text_expr(Lowering *lo, Slice text);
Expr *lower_bind(Lowering *lo, Element *element, Flags flags);
Expr *lower_string_literal(Lowering *lo, Slice text);
/* lower_operator.c */
Expr *lower_binary(Lowering *lo, Element *element, Flags flags);
Expr *lower_unary(Lowering *lo, Element *element, Flags flags);
Expr *lower_operator_list(Lowering *lo, Element *element, Flags flags);
/* lower_function.c */
Expr *lower_function(Lowering *lo, Element *element, Flags flags);
Expr *lower_over(Lowering *lo, Element *element, Flags flags);
/* lower_from.c */
Relation *lower_relation(Lowering *lo, Element *from); /* the one object that stands for this FROM clause */
bool lower_value_rows(Lowering *lo, Element *values, Query *query);
From *lower_from(Lowering *lo, Element *from, const TextParts *hints);
/* An empty place in FROM. */
From *from_nothing(Lowering *lo);
bool lower_cte(Lowering *lo, Element *cte, bool as_from, Relation **out);
void lower_ctes_into(Lowering *lo, Query *query, bool top, bool following);
/* lower_select.c */
Query *lower_statement(Lowering *lo, Element *statement, bool as_from, bool lateral);
Query *lower_select(Lowering *lo, Select *select, bool as_from, bool lateral, int compound_index);
bool lower_independent_ctes(Lowering *lo, Executable *head);
Slice lower_prefixes(Lowering *lo, const TextParts *parts);
/* WHERE and HAVING: criteria joined by AND; *out stays NULL where there are none. */
bool lower_criteria(Lowering *lo, const ElementList *criteria, Expr **out);
bool lower_items(Lowering *lo, const PlusNames *names, bool as_from, Flags flags, Query *query, bool returning);
/* select_state.c */
bool select_state(Evaluator *ev, Select *select, SelectState *out);
/* lower_dml.c */
Query *lower_insert(Lowering *lo, Dml *dml);
Query *lower_update(Lowering *lo, Dml *dml);
Query *lower_delete(Lowering *lo, Dml *dml);

/* lower_expression.c */
void lowering_init(Lowering *lo, Evaluator *ev);
static inline bool lo_is(const Lowering *lo, DialectId id) { return lo->dialect->id == id; }
static inline bool lo_mysql(const Lowering *lo) { return lo->dialect->is_mysql; }
/* type_names.c */
bool type_write_mysql_cast(Evaluator *ev, Buffer *out, const SaType *given, const Dialect *dialect, const Node *site);

#endif
