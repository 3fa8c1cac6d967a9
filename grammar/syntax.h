/*
 * The syntax tree: Python and nothing else. Node kinds and fields stand in nodes.def.
 * Every node starts with `Node`, holds its span as byte offsets, and lives in the arena that the
 * parser was given. Names are atoms. (Expression contexts Load/Store/Del are not kept: the place of
 * a node says which it is; `async` forms are kinds of their own.)
 */
#ifndef ORMC_GRAMMAR_SYNTAX_H
#define ORMC_GRAMMAR_SYNTAX_H

#include "compiler/base/diagnostic.h"

typedef enum NodeKind {
#define NODE(kind, category, fields) NODE_##kind,
#include "grammar/nodes.def"
#undef NODE
    NODE_KIND_COUNT
} NodeKind;

typedef struct Node {
    uint16_t kind;   /* NodeKind */
    uint16_t source; /* Source.number */
    uint32_t start, end;
} Node;

typedef struct Nodes {
    Node **items;
    int count;
} Nodes;

typedef struct Atoms {
    Atom *items;
    int count;
} Atoms;

typedef struct Numbers {
    int *items;
    int count;
} Numbers;

typedef enum ConstantKind {
    CONSTANT_NONE,
    CONSTANT_TRUE,
    CONSTANT_FALSE,
    CONSTANT_ELLIPSIS,
    CONSTANT_INTEGER, /* integer, or text (decimal digits, no underscores) where it does not fit int64 */
    CONSTANT_FLOAT,
    CONSTANT_IMAGINARY,
    CONSTANT_STRING,
    CONSTANT_BYTES
} ConstantKind;

typedef struct Constant {
    ConstantKind kind;
    bool big;          /* integer outside int64: `text` holds its decimal digits */
    bool unicode_kind; /* u'' prefix, as ast's Constant.kind */
    int64_t integer;
    double number;
    Slice text; /* decoded string (UTF-8; a lone surrogate as its 3-byte form), bytes, big integer, float as written */
} Constant;

/* ast's operators, in ast's own order. */
typedef enum Operator {
    OP_Add,
    OP_Sub,
    OP_Mult,
    OP_MatMult,
    OP_Div,
    OP_Mod,
    OP_Pow,
    OP_LShift,
    OP_RShift,
    OP_BitOr,
    OP_BitXor,
    OP_BitAnd,
    OP_FloorDiv
} Operator;
typedef enum UnaryOperator { UNARY_Invert, UNARY_Not, UNARY_UAdd, UNARY_USub } UnaryOperator;
typedef enum BoolOperator { BOOL_And, BOOL_Or } BoolOperator;
typedef enum CompareOperator {
    COMPARE_Eq,
    COMPARE_NotEq,
    COMPARE_Lt,
    COMPARE_LtE,
    COMPARE_Gt,
    COMPARE_GtE,
    COMPARE_Is,
    COMPARE_IsNot,
    COMPARE_In,
    COMPARE_NotIn
} CompareOperator;

/* One struct a kind: NodeCall, NodeAttribute, … */
#define CHILD(name) Node *name;
#define OPTIONAL(name) Node *name;
#define LIST(name) Nodes name;
#define ATOM(name) Atom name;
#define ATOMS(name) Atoms name;
#define NUMBER(name) int name;
#define NUMBERS(name) Numbers name;
#define CONSTANT(name) Constant name;
#define NODE(kind, category, fields)                                                                                   \
    typedef struct Node##kind {                                                                                        \
        Node node;                                                                                                     \
        fields                                                                                                         \
    } Node##kind;
#include "grammar/nodes.def"
#undef NODE
#undef CHILD
#undef OPTIONAL
#undef LIST
#undef ATOM
#undef ATOMS
#undef NUMBER
#undef NUMBERS
#undef CONSTANT

/* Casts with the kind checked in debug builds: NODE_AS(Call, node)->func. */
#define NODE_AS(K, n) ((Node##K *)(assert((n)->kind == NODE_##K), (n)))

typedef struct ParseOptions {
    int nesting_limit; /* brackets and blocks; 0: the default (200) */
} ParseOptions;

/*
 * Reads one source. Never fails: what can't be read is a diagnostic in `diagnostics` and an
 * Unreadable node. A Markdown source gives the statements of all its python blocks in order, each
 * block read on its own; `block` >= 0 reads only that block.
 */
NodeModule *parse_module(Arena *arena, AtomTable *atoms, const Source *source, int block, const ParseOptions *options,
                         DiagnosticList *diagnostics);

/* --dump=tokens and --dump=syntax. The latter is the text of ast.dump(indent=1, include_attributes=True)-like lines;
 * see dump.c */
void dump_tokens(Buffer *out, AtomTable *atoms, const Source *source, DiagnosticList *diagnostics);
void dump_syntax(Buffer *out, const Source *source, const Node *node);

#endif
