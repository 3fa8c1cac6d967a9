/*
 * Elements: what SQLAlchemy's Core builds — column expressions, FROM clauses, statements. An element is a Python value.
 * Elements are immutable once made (generative methods copy); `children` are the parts that a traversal visits.
 *
 * Anonymous names stand as tokens inside a Name's text: "\1ID base\2" becomes base_1, base_2, … in the order in which a
 * statement's lowering meets them, so they may be concatenated with other text ("\1 7 anon\2_id").
 *
 * Example: User.id == 5 is BINARY(op EQ; COLUMN users.id, BIND 5).
 */
#ifndef ORMC_SQLALCHEMY_EXPRESSION_H
#define ORMC_SQLALCHEMY_EXPRESSION_H

#include "compiler/sqlalchemy/orm.h"
#include "compiler/sqlalchemy/types.h"

#define OP_COMPARISON 1
#define OP_ASSOCIATIVE 2
#define OP_SELF 4
#define OP_MODIFIER 8
#define OP_BOOLEAN 16
#define OP_LOOSE 32 /* has no precedence of its own: grouped inside everything */

typedef enum SaOperator {
#define P(name, python, precedence, spelling, negation, flags) SA_##name,
#include "compiler/sqlalchemy/operators.def"
#undef P
    SA_OPERATOR_COUNT
} SaOperator;

typedef struct OperatorRow {
    const char *python;
    int precedence;
    const char *spelling;
    SaOperator negation;
    int flags;
} OperatorRow;
extern const OperatorRow operator_rows[SA_OPERATOR_COUNT];

/* An operator as it stands in an expression; `custom` holds what .op("…") gave. */
typedef struct Op {
    SaOperator id;
    const struct CustomOp *custom; /* id SA_CUSTOM */
} Op;
typedef struct CustomOp {
    Slice text;
    int precedence;
    bool comparison, self_precedent, eager_grouping;
    SaType *return_type;
    const struct CustomOp *negation; /* of operators with a known opposite, may be NULL */
} CustomOp;

typedef enum ElementKind {
    /* column expressions */
    EL_COLUMN,
    EL_BIND,
    EL_NULL,
    EL_TRUE,
    EL_FALSE,
    EL_TEXT, /* text() */
    EL_LABEL,
    EL_UNARY, /* op before or modifier after children[0] */
    EL_AS_BOOLEAN,
    EL_COLLECTION_AGGREGATE, /* ANY (…), ALL (…) */
    EL_BINARY,
    EL_OPERATOR_LIST, /* children joined by op: and_, or_, a + b + c */
    EL_CLAUSE_LIST,   /* children joined by commas */
    EL_TUPLE,
    EL_GROUPING,
    EL_FUNCTION,
    EL_CASE,
    EL_CAST,
    EL_TYPE_COERCE,
    EL_EXTRACT,
    EL_OVER,
    EL_WITHIN_GROUP,
    EL_FUNCTION_FILTER,
    EL_SLICE,
    EL_COLLATION,
    EL_ARRAY, /* array([…]) */
    EL_AGGREGATE_ORDER_BY,
    EL_SCALAR_SELECT,
    EL_SEQUENCE,
    EL_FUNCTION_COLUMN, /* (f(x)).name */
    EL_LABEL_REFERENCE,
    EL_TEXT_LABEL_REFERENCE, /* order_by("name") */
    EL_MATCH,                /* MySQL's match(…).against(…) */
    EL_ENTITY,               /* a mapped class or an alias of one in a statement: `entity` */
    EL_ORM, /* another ORM value in a statement (a bundle): children[0…] are columns; `value` of OrmElement */
    /* FROM clauses */
    EL_TABLE,
    EL_ALIAS,
    EL_SUBQUERY,
    EL_CTE,
    EL_LATERAL,
    EL_TABLESAMPLE,
    EL_TABLE_VALUED,
    EL_VALUES,
    EL_JOIN,
    EL_FROM_GROUPING,
    /* statements */
    EL_SELECT,
    EL_COMPOUND,
    EL_TEXTUAL_SELECT,
    EL_SELECT_GROUPING,
    EL_INSERT,
    EL_UPDATE,
    EL_DELETE,
    EL_DDL,
    ELEMENT_KIND_COUNT
} ElementKind;

typedef enum NameQuote { NAME_AT_NEED, NAME_QUOTED, NAME_PLAIN } NameQuote;
typedef struct Name {
    Slice text;
    NameQuote quote;
    bool truncatable; /* made by SQLAlchemy: cut at the dialect's limit */
} Name;

typedef struct Element Element;
typedef struct ElementList {
    Element **items;
    int count, capacity;
} ElementList;

struct Element {
    Instance head;
    ElementKind kind;
    uint32_t id;  /* identity of anonymous names; copies share it unless told otherwise */
    SaType *type; /* never NULL for column expressions */
    Element **children;
    int count;
    Name name;         /* COLUMN, LABEL, BIND (key), FUNCTION, TABLE, ALIAS …, COLLATION */
    const Node *node;  /* where it was written */
    Element *original; /* what this is an annotated or adapted copy of; NULL */
    Entity *entity;    /* a mapped attribute's entity, or what an ENTITY stands for; kept by copies */
    Atom entity_key;   /* the attribute's name */
    bool settled;      /* adapted to the aliases of a relationship already: no further alias reaches into it */
};

typedef struct OrmElement { /* ORM: kept as given for orm_lower_select */
    Element base;
    Value *value;
} OrmElement;

typedef struct ColumnElement {
    Element base;
    Element *table;              /* FROM clause it belongs to; NULL: a free column() */
    Name key;                    /* under which .c finds it */
    bool is_literal;             /* literal_column(): its name is SQL text */
    struct SchemaColumn *schema; /* of a Table's Column (also for columns of its aliases); NULL otherwise */
    Element **proxies;           /* what it stands for in the selectable below: alias.c.x → table.c.x */
    int proxy_count;
    bool primary_key;
    bool is_whole_row; /* column_valued(): its name is the alias's */
} ColumnElement;

typedef struct BindElement {
    Element base;
    Value *value;                                   /* NULL: given at execution (required) */
    bool unique, expanding, literal_execute, typed; /* typed: the program said its type */
    SaOperator expand_op;                           /* IN or NOT_IN of an expanding one */
    Value *callable;
} BindElement;

typedef struct OperatorElement { /* UNARY, AS_BOOLEAN, COLLECTION_AGGREGATE, BINARY, OPERATOR_LIST, CLAUSE_LIST */
    Element base;
    Op op;                    /* before or between */
    Op modifier;              /* UNARY: after */
    Op negate;                /* NONE: not known */
    bool group;               /* may be put into parentheses */
    bool boolean_list;        /* OPERATOR_LIST that and_() or or_() made */
    Element *escape;          /* LIKE … ESCAPE */
    Slice escape_text, flags; /* escape_text: contains(autoescape…); flags of regular expressions */
    bool has_escape, has_flags, symmetric;
    int match_modes; /* MySQL: bit 0 boolean mode, 1 natural language, 2 query expansion */
} OperatorElement;

typedef struct FunctionElement {
    Element base;   /* children: the arguments */
    Name *packages; /* func.a.b.name() */
    int package_count;
    Slice written;       /* how a known function is spelled; empty: by its name */
    bool generic;        /* a function that SQLAlchemy knows (count, max, now, …) */
    bool no_parentheses; /* CURRENT_DATE */
    bool as_comparison;
    int left_index, right_index; /* of as_comparison(): which arguments are its sides */
    bool with_ordinality;
    ElementList within_group;
    Element *sequence; /* next_value() */
} FunctionElement;

typedef struct CaseElement {
    Element base; /* children: [value] when then … [else] */
    bool has_value, has_else;
} CaseElement;

typedef struct FrameBound {
    bool unbounded, following, current;
    int64_t number;
    Element *bind;
} FrameBound;
typedef struct OverElement {
    Element base; /* children: the function, then partition_by, then order_by */
    int partition_count, order_count;
    Slice frame; /* "ROWS", "RANGE", "GROUPS" or empty */
    FrameBound from, to;
} OverElement;

typedef struct ExtractElement {
    Element base;
    Slice field;
} ExtractElement;

typedef struct TextElement {
    Element base;
    Slice text;        /* with :names as written */
    ElementList binds; /* given by bindparams() */
} TextElement;

typedef struct TextPart { /* prefix_with, suffix_with, with_hint */
    Slice text;
    Slice dialect;    /* empty or "*": every */
    Element *element; /* prefix given as text(); hint: the selectable */
} TextPart;
typedef struct TextParts {
    TextPart *items;
    int count, capacity;
} TextParts;

/* TABLE, ALIAS, SUBQUERY, CTE, LATERAL, TABLESAMPLE, TABLE_VALUED, VALUES, JOIN, FROM_GROUPING */
typedef struct FromElement {
    Element base;        /* children[0]: what is aliased or grouped; JOIN: left, right, onclause */
    Name schema;         /* TABLE */
    struct Table *table; /* TABLE of MetaData; NULL for the lightweight table() */
    ElementList columns; /* filled at first use; see from_columns() */
    bool columns_ready;
    bool outer, full; /* JOIN */
    /* CTE */
    bool recursive, nesting;
    TextParts prefixes, suffixes;
    Element *restates; /* union() on a CTE: the one that it extends */
    /* TABLESAMPLE */
    Element *sampling, *seed;
    /* TABLE_VALUED */
    bool derived, derived_types, joins_implicitly, table_valued_column, lateral;
    Element *ordinality;
    /* VALUES */
    Value *rows;      /* list of tuples of elements */
    ElementList ctes; /* add_cte() */
    bool literal_binds;
    ElementList row_items; /* row after row */
    int row_width;
    Element *dml_table; /* PostgreSQL's excluded, MySQL's inserted */
} FromElement;

typedef struct SequenceElement {
    Element base;
    struct Sequence *sequence; /* next_value() of it */
} SequenceElement;

/* CreateTable(t), CreateIndex(i), CreateColumn(c) … as values. */
typedef struct DdlElement {
    Element base; /* base.name: the construct's class name */
    Value *target;
    bool if_not_exists, if_exists, cascade;
} DdlElement;

typedef struct QuotedNameValue { /* a str with its quoting fixed */
    StringValue head;
    NameQuote quote;
} QuotedNameValue;

#define COLUMN(e) ((ColumnElement *)(assert((e)->kind == EL_COLUMN), (e)))
#define BIND(e) ((BindElement *)(assert((e)->kind == EL_BIND), (e)))
#define OPERATOR(e) ((OperatorElement *)(e))
#define FUNCTION(e) ((FunctionElement *)(assert((e)->kind == EL_FUNCTION), (e)))
#define FROM(e) ((FromElement *)(e))

static inline bool element_is_from(const Element *e) { return e->kind >= EL_TABLE && e->kind <= EL_FROM_GROUPING; }
static inline bool element_is_statement(const Element *e) { return e->kind >= EL_SELECT; }
static inline bool element_is_select(const Element *e) { return e->kind >= EL_SELECT && e->kind <= EL_SELECT_GROUPING; }
static inline bool element_is_column(const Element *e) { return e->kind < EL_ENTITY; }

/* ---- making ---- */

uint32_t sa_next_id(Evaluator *ev);

Element *element_new(Evaluator *ev, ElementKind kind, SaType *type);
Element *element_copy(Evaluator *ev, const Element *element); /* shallow; children array copied */
Element *element_with_children(Evaluator *ev, ElementKind kind, SaType *type, Element *const *children, int count);
void element_list_push(Evaluator *ev, ElementList *list, Element *element);
ElementList element_list_copy(Evaluator *ev, const ElementList *list);
Name name_from(Slice text);
Name name_from_value(Evaluator *ev, Value *value); /* str or quoted_name */
Slice anonymous_seed(Arena *arena, Slice seed);
Name name_anonymous(Evaluator *ev, uint32_t id, Slice base);
bool name_is_anonymous(Name name);
Slice name_plain(Evaluator *ev, Name name); /* without numbers */
bool name_equals(Name a, Name b);
Element *element_column(Evaluator *ev, Name name, SaType *type, Element *table);
Element *element_literal_column(Evaluator *ev, Slice text, SaType *type);
Element *element_from_of_kind(Evaluator *ev, ElementKind kind, Element *inner, Name name);
Element *element_bind(Evaluator *ev, Slice key, Value *value, SaType *type); /* anonymous where key is empty */
Element *element_label(Evaluator *ev, Element *inner, Name name);            /* empty name: anonymous */
Element *element_binary(Evaluator *ev, Element *left, Element *right, SaOperator op, SaType *type);
Op op_of(SaOperator id);
bool op_is_comparison(Op op);
Element *element_group_op(Evaluator *ev, Element *element, Op against);
bool element_is_implicitly_boolean(const Element *element);
Element *element_unary(Evaluator *ev, SaOperator op, Element *operand, SaType *type);
Element *element_modified(Evaluator *ev, Element *operand, SaOperator modifier); /* DESC, NULLS LAST, … */
Element *element_binary_op(Evaluator *ev, Element *left, Element *right, Op op, Op negate, SaType *type);
/* BINARY, or one list where a side is a chain of the same associative operator. */
Element *element_for_op(Evaluator *ev, Element *left, Element *right, Op op, Op negate, SaType *type);
Element *element_operator_list(Evaluator *ev, Op op, Element *const *items, int count, bool group, SaType *type);
Element *element_clause_list(Evaluator *ev, Element *const *items, int count, bool group);
/* The type of `left op right`; string addition becomes concatenation. */
SaType *type_adapt(Evaluator *ev, Op *op, SaType *left, SaType *right);
Element *element_and(Evaluator *ev, Element *const *items, int count); /* and_() with its simplifications */
Element *element_or(Evaluator *ev, Element *const *items, int count);
Element *element_where(Evaluator *ev, const ElementList *criteria); /* the criteria joined; NULL: none */
Element *element_not(Evaluator *ev, Element *element);
Element *element_group(Evaluator *ev, Element *element, SaOperator against); /* self_group */
/* column OP value with SQLAlchemy's coercions (None → IS NULL, lists, binds of the column's type, …). NULL: raised. */
Element *element_operate(Evaluator *ev, SaOperator op, Element *left, Value *right, bool reflected, const Node *site);
Element *element_function(Evaluator *ev, Slice name, SaType *type, Element *const *arguments, int count);
Element *element_alias(Evaluator *ev, Element *from, Name name); /* empty: anonymous */
Element *element_subquery(Evaluator *ev, Element *select, Name name);
Element *element_join(Evaluator *ev, Element *left, Element *right, Element *on, bool outer, bool full);
Element *element_exists(Evaluator *ev, Element *select);
Element *element_scalar_select(Evaluator *ev, Element *select);

/* The same with any operator; `result` NULL: from the operands' types. */
Element *element_operate_op(Evaluator *ev, Op op, Element *left, Value *right, bool reflected, SaType *result,
                            const Node *site);
Element *element_in(Evaluator *ev, Element *expr, Value *right, bool negated, const Node *site);
Element *element_like(Evaluator *ev, Element *left, SaOperator op, Value *right, Value *escape, bool autoescape,
                      const Node *site);
Element *element_between(Evaluator *ev, Element *expr, Value *low, Value *high, bool symmetric, bool negated,
                         const Node *site);

/* ---- coercion ---- */

extern const Type sa_element_type;
/* The columns of .c; NULL: another value. */
const ElementList *collection_columns(const Value *value);
bool value_is_literal(Evaluator *ev, Value *value);
Element *element_bind_typed(Evaluator *ev, Value *value, SaType *type, const Node *site);
Element *element_bind_compared(Evaluator *ev, Element *expr, Op op, Value *value, SaType *forced, const Node *site);
Element *element_coerce_operand(Evaluator *ev, Element *expr, Op op, Value *value, SaType *forced, const Node *site);

typedef enum CoerceRole {
    COERCE_EXPRESSION, /* literals become binds */
    COERCE_COLUMNS,    /* item of select(): FROM clauses and entities allowed, strings refused */
    COERCE_WHERE,
    COERCE_ORDER_BY, /* strings are label references */
    COERCE_FROM,
    COERCE_JOIN_TARGET,
    COERCE_ON,
    COERCE_STATEMENT,
    COERCE_DML_TABLE,
    COERCE_DDL_EXPRESSION
} CoerceRole;
/* An element where the value is one (or an ORM thing that stands for one), else by role. NULL: raised. */
Element *element_coerce(Evaluator *ev, Value *value, CoerceRole role, const Node *site);
/* True: a condition, an ordering … (`what`) that is not known; a warning says that the statement lacks it. */
bool coerce_leaves_out(Evaluator *ev, Value *value, CoerceRole role, const char *what, const Node *site);
/* where(name="x"): no such keyword. False: an error is pending. */
bool coerce_refuse_keywords(Evaluator *ev, const Arguments *arguments, const char *owner, const char *method);
/* The same of what `*given` and `**given` may bring besides what is known of them. False: an error is pending. */
bool coerce_warn_open(Evaluator *ev, const Arguments *arguments, const char *what);
/* Without raising: the element that the value is or stands for, NULL otherwise. */
Element *element_of(Evaluator *ev, Value *value);
/* Is the value an element of ours (of any kind)? */
bool value_is_element(const Value *value);

/* ---- FROM clauses ---- */

const ElementList *from_columns(Evaluator *ev, Element *from); /* .c in order */
Element *from_column(Evaluator *ev, Element *from, Slice key); /* .c[key], NULL: none */
/* "did you mean" for the pending error: the column whose key is nearest. `from` may be NULL. */
void sa_suggest_column(Evaluator *ev, const Element *from, Slice key);
Element *from_embedded(Evaluator *ev, Element *from, Element *column);
Element *from_corresponding(Evaluator *ev, Element *from, Element *column); /* corresponding_column() */
/* All FROM clauses that an element's columns come from, each once, in order. */
void element_froms(Evaluator *ev, Element *element, ElementList *out);
/* Is `inner` the same as, or a copy of, `outer`, or inside of it (a join)? */
bool from_contains(const Element *outer, const Element *inner);
bool element_same(const Element *a, const Element *b); /* the same, or copies of one */
/* ON of a.join(b) from their foreign keys. NULL: raised (NoForeignKeysError, AmbiguousForeignKeysError). */
Element *join_condition(Evaluator *ev, Element *left, Element *right, Element *left_subset, const Node *site);

bool from_can_join(Evaluator *ev, Element *left, Element *right);
/* FROM clauses that a join contains and therefore hides. */
void from_hidden(Evaluator *ev, Element *from, ElementList *out);
void froms_push(Evaluator *ev, ElementList *list, Element *from); /* unless it is there */
/* FROM clauses and entities of a list spread into their columns. */
void froms_expand(Evaluator *ev, const ElementList *list, ElementList *out);
/* Columns that an expression names, those of its subqueries too; each once. */
void columns_mentioned(Evaluator *ev, Element *element, ElementList *out);
/* The same for RETURNING, where an entity stands for what it loads of its table, or for its FROM clause. */
typedef enum ReturnedColumns { RETURN_TABLE, RETURN_LOADED, RETURN_OWN } ReturnedColumns;
void returning_expand(Evaluator *ev, const ElementList *list, ReturnedColumns which, ElementList *out);
/* Join with its condition, found from foreign keys where none is given. NULL: raised. */
Element *element_join_on(Evaluator *ev, Element *left, Element *right, Element *on, bool outer, bool full,
                         const Node *site);
bool column_shares_lineage(const Element *a, const Element *b);
/* Does `column` stand for `target`, directly or through selectables below it? `depth` 0. */
bool column_descends(const Element *column, const Element *target, int depth);

/* ---- traversal ---- */

/* Copies the tree, replacing every element for which `replace` returns non-NULL (that one is not descended into).
 * Unchanged parts are shared. */
typedef Element *(*ElementReplace)(Evaluator *ev, Element *element, void *data);
Element *element_rewrite(Evaluator *ev, Element *element, ElementReplace replace, void *data);
void element_visit(Element *element, void (*visit)(Element *element, void *data), void *data);
/* Puts `to`'s columns where columns of what it aliases (or selects from) stand: ClauseAdapter. */
Element *element_adapt(Evaluator *ev, Element *element, Element *to);

#endif
