/*
 * Statements as elements: select, compound, insert, update, delete. Generative methods copy the struct; lists in it are
 * never changed in place once shared (push onto a copy).
 */
#ifndef ORMC_SQLALCHEMY_SELECT_H
#define ORMC_SQLALCHEMY_SELECT_H

#include "compiler/sqlalchemy/expression.h"

typedef enum LabelStyle { LABEL_NONE, LABEL_TABLENAME_PLUS_COL, LABEL_DISAMBIGUATE_ONLY } LabelStyle;

typedef struct SetupJoin { /* select.join(target, on) before its left side is known */
    Element *target;
    Element *on;                    /* NULL: from foreign keys */
    Value *target_value, *on_value; /* as given: a relationship attribute is the ORM half's to resolve */
    Element *from;                  /* join_from's left; NULL: to be found */
    bool outer, full;
    const Node *node;
} SetupJoin;

typedef struct ForUpdate {
    bool active, nowait, read, skip_locked, key_share;
    ElementList of;
    bool has_of;
} ForUpdate;

typedef struct Executable { /* common head of statements */
    Element base;
    Value *execution_options; /* dict or NULL */
    ElementList ctes;         /* add_cte */
    TextParts prefixes, suffixes, hints, statement_hints;
    DictValue *dialect_options;
    Value **options; /* options(), as given; the ORM half reads them */
    int option_count, option_capacity;
    void *orm_state; /* the ORM half's own */
} Executable;

/* Common to SELECT, COMPOUND and TEXTUAL_SELECT (GenerativeSelect). */
typedef struct Selectable {
    Executable head;
    LabelStyle label_style;
    ElementList order_by, group_by;
    Element *limit, *offset, *fetch;
    bool fetch_percent, fetch_with_ties;
    ForUpdate for_update;
} Selectable;

typedef struct Select {
    Selectable head;
    ElementList columns; /* as given: columns, FROM clauses, ENTITY elements */
    ElementList from;    /* select_from() and FROM clauses as columns */
    ElementList where, having;
    SetupJoin *joins;
    int join_count, join_capacity;
    bool distinct;
    ElementList distinct_on;
    bool correlate_set, correlate_except_set; /* correlate(None): set and empty */
    ElementList correlate, correlate_except;
    bool auto_correlate;
    const Value *criterion_of; /* the with_loader_criteria() that it is part of, and does not follow itself */
    int early_options;         /* so many options are older than its columns: they may name what it no longer selects */
} Select;

typedef struct Compound {
    Selectable head;
    SetOperator op;
    ElementList parts;
} Compound;

typedef struct TextualSelect {
    Selectable head;
    Element *text;
    ElementList columns;
    bool positional;
} TextualSelect;

typedef struct ValuePair {
    Element *target;  /* a column or an expression of one (arr[5], data["k"]) */
    Slice key;        /* where the target was named by a string */
    Value *value;     /* literal */
    Element *element; /* or SQL expression */
    const Node *node;
} ValuePair;
typedef struct ValuePairs {
    ValuePair *items;
    int count, capacity;
} ValuePairs;

typedef enum ConflictKind { CONFLICT_NONE, CONFLICT_NOTHING, CONFLICT_UPDATE, CONFLICT_DUPLICATE_KEY } ConflictKind;

/* INSERT, UPDATE, DELETE */
typedef struct Dml {
    Executable head;
    Element *table;
    ValuePairs values; /* in the order of values(); ordered_values keeps it in SET */
    ValuePairs *rows;  /* INSERT: several rows */
    int row_count;
    bool ordered, has_values, inline_;
    Element *select; /* INSERT … SELECT */
    Slice *select_names;
    int select_name_count;
    bool select_defaults;
    ElementList where;
    ElementList returning;
    bool has_returning;
    bool numbered; /* several rows of a flush whose generated keys come back in their order */
    LabelStyle label_style;
    /* conflicts */
    ConflictKind conflict;
    ElementList conflict_targets;
    Name conflict_constraint;
    Element *conflict_target_where, *conflict_where;
    ValuePairs conflict_set;
    bool conflict_ordered;
    FromElement *excluded; /* insert.excluded, insert.inserted */
    DialectId flavour;     /* whose insert() it is; DIALECT_COUNT: the generic one */
} Dml;

#define SELECT(e) ((Select *)(assert((e)->kind == EL_SELECT), (e)))
#define EXECUTABLE(e) ((Executable *)(e))
#define SELECTABLE(e) ((Selectable *)(e))
#define DML(e) ((Dml *)(e))

Select *select_new(Evaluator *ev);
Select *select_copy(Evaluator *ev, const Select *select);
void select_add_column(Evaluator *ev, Select *select, Element *column);
void select_add_where(Evaluator *ev, Select *select, Element *criterion);
/* The columns of rows, FROM clauses spread out, without names (selected_columns). */
void select_columns(Evaluator *ev, Element *select, ElementList *out);
void parts_push(Evaluator *ev, TextParts *parts, TextPart part);
/* What `name=value` of filter_by() means for a FROM clause or entity. NULL: raised. */
Element *filter_by_criterion(Evaluator *ev, Element *target, const Keyword *keyword, const Node *site);
Dml *dml_new(Evaluator *ev, ElementKind kind, Element *table);
void pairs_push(Evaluator *ev, ValuePairs *pairs, ValuePair pair);

/* ---- lowering ---- */

/* The query tree of a statement or expression for the evaluator's dialect. NULL: raised. */
/* Whether SQL text begins with this keyword, written in lower case. */
bool text_begins(Slice text, const char *word);
Query *element_lower(Evaluator *ev, Element *element, StatementKind *kind);
/* Lowers, emits and appends one statement. False: raised. */
bool element_emit(Evaluator *ev, Element *element, StatementList *out);

#endif
