/*
 * What the parts of the grammar share: the scanner (python.l), the layout filter (layout.c), the
 * parser (python.y) and the constructors (construct.c, literals.c). Nothing here is for other folders.
 *
 * Flow: scanner_next gives raw tokens; layout_fill makes of them the tokens of one logical line, with
 * INDENT, DEDENT and NEWLINE; python_parse pulls these and builds the tree.
 */
#ifndef ORMC_GRAMMAR_PARSER_H
#define ORMC_GRAMMAR_PARSER_H

#include "grammar/syntax.h"

/* A stretch of the source, as Span without the source. */
typedef struct Extent {
    uint32_t start, end;
} Extent;

static inline Extent extent_join(Extent a, Extent b) { return (Extent){a.start, b.end}; }

typedef struct Token {
    uint32_t start, end;
    uint16_t kind; /* python_token_kind_t; those below and 0 at the end come from the scanner only */
    bool is_wide;  /* a name with characters beyond ASCII */
} Token;

enum { RAW_NEWLINE = 1, RAW_WIDE_NAME = 2 }; /* below bison's own kinds, which begin at 256 */

/* Inside an f-string the scanner is in one of these; they nest. */
typedef enum ScanMode { SCAN_FSTRING, SCAN_FIELD, SCAN_SPEC } ScanMode;

typedef struct ScanFrame {
    ScanMode mode;
    char quote;       /* of the f-string that the frame belongs to */
    bool triple, raw; /* likewise */
    int depth;        /* open brackets where a field began */
    uint32_t start;   /* of the f-string, or of the field */
} ScanFrame;

typedef struct Layout Layout;

typedef struct Scanner {
    Layout *layout; /* for reports */
    void *flex;
    const char *text; /* the scanned copy */
    uint32_t offset;  /* of the copy in the source */
    uint32_t middle;  /* where pending text of an f-string began; equal to the position: none */
    bool has_middle;
    bool at_end;
    int depth;         /* open brackets */
    ScanFrame *frames; /* open f-strings, fields and format specifications */
    int frame_count, frame_capacity;
} Scanner;

/* Starts at byte `start` of the layout's range; also used to start again after an unclosed bracket. */
void scanner_start(Scanner *scanner, uint32_t start);
/* Forgets open brackets and f-strings. */
void scanner_reset_modes(Scanner *scanner);
Token scanner_next(Scanner *scanner);

typedef struct Bracket {
    int kind;       /* of the opening token */
    uint32_t start; /* of the opening token */
    int token;      /* its index in the line */
    bool of_with;   /* directly after `with` */
} Bracket;

typedef struct Indent {
    int column, alternate_column; /* tabs to 8, and tabs as 1: both must agree */
    bool is_match;                /* the block of a match statement: lines begin with `case` */
} Indent;

struct Layout {
    Arena *arena;
    const Source *source;
    DiagnosticList *diagnostics;
    uint32_t start, end; /* the range that is read */
    uint32_t block_indent;
    int nesting_limit;
    Scanner scanner;

    Token *tokens; /* of the current logical line */
    int count, capacity;
    Token pending; /* read already, belongs to the next line */
    bool has_pending, finished;
    bool line_failed;      /* something was reported in this logical line: the rest keeps quiet */
    bool after_match;      /* the line before was the header of a match statement */
    uint32_t line_start;   /* of the physical line */
    uint32_t previous_end; /* of the last token with a width */
    uint32_t resume;       /* inside brackets: the first line that is not indented deeper than the statement */
    int rewinds;           /* how often an unclosed bracket made us start again */
    int dedent_column;     /* of the last unindent that fits no level, so that it is said once */

    Bracket *brackets;
    int bracket_count, bracket_capacity;
    Indent *indents;
    int indent_count, indent_capacity;
};

void layout_init(Layout *layout, Arena *arena, const Source *source, uint32_t start, uint32_t end,
                 uint32_t block_indent, const ParseOptions *options, DiagnosticList *diagnostics);
/* Replaces `tokens` with those of the next logical line; at the end ENDMARKER, again and again. */
void layout_fill(Layout *layout);
/* Reports unless the line has failed already; the returned one may get a help line, NULL: was kept quiet. */
Diagnostic *layout_report(Layout *layout, DiagnosticCode code, Extent at, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
static inline Slice layout_text(const Layout *layout, Extent at) {
    return (Slice){layout->source->text.start + at.start, at.end - at.start};
}

/*
 * A list under construction: entries of the parser's scratch stack. Lists nest as the rules do, so the
 * entries of one are contiguous, and a push drops whatever an abandoned rule left above them.
 */
typedef struct List {
    uint32_t mark, count;
} List;

/* A field of an f-string, or its expression alone. */
typedef struct Field {
    Node *value;
    Extent text;   /* of the expression; of a whole {x=} all that is repeated */
    bool is_debug; /* {x=} */
} Field;

typedef struct Parser {
    Arena *arena;
    AtomTable *atoms;
    const Source *source;
    DiagnosticList *diagnostics;
    Layout layout;
    int next;        /* in layout.tokens */
    bool recovering; /* between a syntax error and the end of its line */
    int pushed_back; /* index of a block token that is given again after recovery, -1: none */
    Extent error;    /* the header or line that was not understood, for the block below it */
    void **scratch;
    uint32_t scratch_top, scratch_capacity;
    Atom underscore;
    uint32_t top_count; /* statements at the top of the source so far, the first list of the scratch stack */
    Nodes body;         /* the result */
} Parser;

/* What the grammar would have accepted where it stopped. */
typedef struct ParserExpectation {
    bool comma, colon, expression, operator, name, equal, parenthesis, closer, end_of_line;
    bool in, otherwise, branch, definition, block; /* in, else, case, def or class, an indented block */
} ParserExpectation;

/* Nodes. MAKE_NODE(parser, Kind, extent, .field = value, …): the other fields are zero. */
static inline Node parser_header(const Parser *parser, NodeKind kind, Extent at) {
    return (Node){(uint16_t)kind, (uint16_t)parser->source->number, at.start, at.end};
}
static inline Node *parser_keep(Parser *parser, const void *node, size_t size) {
    return memcpy(arena_allocate(parser->arena, size), node, size);
}
#define MAKE_NODE(parser, K, at, ...)                                                                                  \
    parser_keep((parser), &(Node##K){.node = parser_header((parser), NODE_##K, (at)), __VA_ARGS__}, sizeof(Node##K))
#define MAKE_BARE(parser, K, at)                                                                                       \
    parser_keep((parser), &(Node##K){.node = parser_header((parser), NODE_##K, (at))}, sizeof(Node##K))

static inline Extent node_extent(const Node *node) { return (Extent){node->start, node->end}; }

/* Lists */
void parser_grow_scratch(Parser *parser);
static inline List parser_list(const Parser *parser) { return (List){parser->scratch_top, 0}; }
static inline List parser_push(Parser *parser, List list, const void *item) {
    if (list.mark + list.count >= parser->scratch_capacity) parser_grow_scratch(parser);
    parser->scratch[list.mark + list.count++] = (void *)item;
    parser->scratch_top = list.mark + list.count;
    return list;
}
static inline List parser_list_of(Parser *parser, const void *item) {
    return parser_push(parser, parser_list(parser), item);
}
/*
 * The outermost statements are remembered, for the case that the parser gives up. They are the first list of
 * all: the entry that is left free behind their mark keeps every other list's mark above zero.
 */
List parser_begin_statements(Parser *parser);
List parser_statements(Parser *parser, List list);
List parser_concat(Parser *parser, List list, List more);
List parser_prepend(Parser *parser, Node *first, List rest);
Nodes parser_take(Parser *parser, List list);
Atoms parser_take_atoms(Parser *parser, List list);
void *parser_grow_stack(Parser *parser, const void *stack, long used, size_t size);

/* construct.c: nodes that need more than a MAKE */
typedef enum ParameterKind {
    PARAMETER_PLAIN,
    PARAMETER_STAR,
    PARAMETER_BARE_STAR,
    PARAMETER_DOUBLE_STAR,
    PARAMETER_SLASH
} ParameterKind;
typedef struct Parameter {
    ParameterKind kind;
    Extent at;
    Node *arg;      /* NULL for / and a bare * */
    Node *fallback; /* the default */
} Parameter;

Node *parser_unreadable(Parser *parser, Extent at);
void parser_recovered(Parser *parser);
void parser_begin_unexpected_block(Parser *parser, List statements);
List parser_unexpected_block(Parser *parser, Extent at, List statements, List block);
void parser_check_block(Parser *parser, Extent header, const char *what, List block);
Node *parser_assign(Parser *parser, Extent at, List chain);
Node *parser_augmented(Parser *parser, Extent at, Node *target, int op, Node *value);
Node *parser_annotated(Parser *parser, Extent at, Extent target_at, Node *target, Node *annotation, Node *value);
Node *parser_delete(Parser *parser, Extent at, List targets);
Atom parser_dotted_name(Parser *parser, Extent at, Atom left, Atom right);
List parser_star_alias(Parser *parser, Extent at);
Node *parser_decorate(Parser *parser, List decorators, Node *definition);
Node *parser_class(Parser *parser, Extent at, Atom name, List type_params, Node *bases, List body);
Node *parser_with_item(Parser *parser, Extent at, Node *expression, Node *target);
List parser_with_items(Parser *parser, Extent at, List items);
List parser_with_generator(Parser *parser, Extent at, Node *element, List generators);
Node *parser_try(Parser *parser, Extent at, Extent header, List body, List handlers, List orelse, List finalbody);
Node *parser_handler(Parser *parser, Extent at, Extent header, Node *type, Atom name, List body);
Node *parser_star_handler(Parser *parser, Extent at, Extent header, Node *type, Atom name, List body);
List parser_parameter(Parser *parser, ParameterKind kind, Extent at, Atom name, Node *annotation, Node *fallback);
Node *parser_parameters(Parser *parser, Extent at, List parameters);
Node *parser_bool(Parser *parser, Extent at, Extent left_at, BoolOperator op, Node *left, Node *right);
Node *parser_compare(Parser *parser, Extent at, Node *left, int op, Node *right);
Node *parser_compare_more(Parser *parser, Extent at, Node *comparison, int op, Node *right);
Node *parser_call(Parser *parser, Extent at, Node *function, List arguments);
Node *parser_group(Parser *parser, Extent at, List items);
Node *parser_dict(Parser *parser, Extent at, List items);
Node *parser_comprehension(Parser *parser, Extent at, Node *target, Node *iterable, List ifs, bool is_async);
Node *parser_slices(Parser *parser, Extent at, List slices);
Node *parser_tuple_after(Parser *parser, Extent at, Node *first, List rest);
Atom parser_capture_name(Parser *parser, Atom name);
Node *parser_pattern_as(Parser *parser, Extent at, Extent name_at, Node *pattern, Atom name);
Node *parser_mapping_pattern(Parser *parser, Extent at, List items);
Node *parser_class_pattern(Parser *parser, Extent at, Node *class, List arguments);
Node *parser_targets(Parser *parser, Extent at, List items);
void parser_check_target(Parser *parser, Node *target, const char *verb);

/* literals.c: numbers and plain strings */
typedef struct DecodeOptions {
    bool raw, bytes;
    bool braces; /* the text of an f-string: {{ and }} stand for one */
} DecodeOptions;
Node *parser_number(Parser *parser, Extent at);
Node *parser_string(Parser *parser, Extent at);
/* Decodes the body of a string literal; `at` is the body's place. */
Slice parser_decode(Parser *parser, Extent at, DecodeOptions options);

/* strings.c: f-strings, t-strings and implicit concatenation */
Node *parser_strings(Parser *parser, Extent at, List parts);
Node *parser_string_pattern(Parser *parser, Extent at, Node *value);
Node *parser_fstring_text(Parser *parser, Extent at, bool raw);
Node *parser_template(Parser *parser, Extent at, List values);
/* `next` is where the text after the expression begins: `!`, `:` or `}`. */
Field *parser_field_value(Parser *parser, Node *value, uint32_t text_end, bool is_debug);
Field *parser_field(Parser *parser, Extent at, Field *value, uint32_t next, Atom conversion, Node *spec);
List parser_push_field(Parser *parser, List values, Field *field);
Node *parser_format_spec(Parser *parser, Extent at, List values);

/* report.c: what is said about text that does not fit */
void parser_report_unexpected(Parser *parser, Extent at, const ParserExpectation *expectation);
void parser_report_limit(Parser *parser, Extent at);
Diagnostic *parser_report(Parser *parser, Extent at, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* unicode.c */
uint32_t unicode_read(Slice text, size_t *length);
size_t unicode_write(char *out, uint32_t code); /* at most 4 bytes; their number */
bool unicode_begins_name(uint32_t code);
bool unicode_follows_in_name(uint32_t code);
/* The identifier as Python compares it (NFKC). */
Slice unicode_normal_form(Arena *arena, Slice text);
/* The character of that name, as in \N{…}. */
bool unicode_find_name(Slice name, uint32_t *code);
/* The letter without its marks: e for é; the character itself where it has none. */
uint32_t unicode_base(uint32_t code);

#endif
