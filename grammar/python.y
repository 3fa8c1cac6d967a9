/*
 * The syntax of Python 3.14, LALR(1).
 *
 * In: the token vector of layout.c (INDENT, DEDENT and NEWLINE in place, soft keywords decided).
 * Out: the tree of syntax.h. Actions build nodes and nothing else: one MAKE, or one call of a
 * constructor in construct.c where Python's rules need a look at the operands (targets, parameters,
 * arguments, strings). Names of the rules follow the Python reference where they mean the same.
 *
 * Invariants: no conflicts. An INDENT always has its DEDENT, and nothing but NEWLINE stands before
 * either, so recovery (`error NEWLINE`) never unbalances blocks. The layout tokens have no width and
 * stand at the end of the token before them, so that @$ of a statement ends at its last real token.
 * `arithmetic` is the reference's bitwise_or: what may stand in comparisons, after `*` and as a target.
 */
%code requires {
#include "grammar/parser.h"
}

%code provides {
/* The name of a token kind for messages and dumps. */
const char *python_token_name(int kind);
/* The next token for the parser. */
int python_lex(PYTHON_STYPE *value, PYTHON_LTYPE *at, Parser *parser);
}

%code {
#define MAKE(K, at, ...) MAKE_NODE(parser, K, at, __VA_ARGS__)
#define TAKE(list) parser_take(parser, list)
/* The main stacks grow in the arena; LAC's exploratory stack never outgrows its first size. */
#define YYMALLOC(size) ((void)(size), NULL)
#define YYFREE(block) ((void)(block))
#define yyoverflow(message, states, state_bytes, values, value_bytes, places, place_bytes, size)                       \
    do {                                                                                                               \
        if (*(size) >= YYMAXDEPTH) break;                                                                              \
        *(size) *= 2;                                                                                                  \
        *(states) = parser_grow_stack(parser, *(states), (state_bytes), (size_t)*(size) * sizeof **(states));          \
        *(values) = parser_grow_stack(parser, *(values), (value_bytes), (size_t)*(size) * sizeof **(values));          \
        *(places) = parser_grow_stack(parser, *(places), (place_bytes), (size_t)*(size) * sizeof **(places));          \
    } while (0)
#define YYMAXDEPTH 20000
#define YYLLOC_DEFAULT(Current, Rhs, N)                                                                                \
    ((Current).start = (N) ? YYRHSLOC(Rhs, 1).start : YYRHSLOC(Rhs, 0).end, (Current).end = YYRHSLOC(Rhs, N).end)

static void python_error(const PYTHON_LTYPE *at, Parser *parser, const char *message);
}

%define api.prefix {python_}
%define api.pure full
%define api.location.type {Extent}
%define api.value.type union
%define api.token.prefix {TOKEN_}
%define parse.error custom
%define parse.lac full
%locations
%param {Parser *parser}
%expect 0

%token NEWLINE "end of line" INDENT "indentation" DEDENT "end of the block" ENDMARKER "end of input"
%token INVALID "invalid text"
%token <Atom> NAME "name"
%token NUMBER "number" STRING "string"
%token FSTRING_START "start of an f-string" TSTRING_START "start of a t-string"
%token FSTRING_MIDDLE "text of an f-string" RAW_FSTRING_MIDDLE "text of a raw f-string" FSTRING_END "end of an f-string"
%token FIELD_START "{ of an f-string" FIELD_END "} of an f-string" FIELD_COLON "format specification" BANG "!"

%token AND "and" AS "as" ASSERT "assert" ASYNC "async" AWAIT "await" BREAK "break" CLASS "class"
%token CONTINUE "continue" DEF "def" DEL "del" ELIF "elif" ELSE "else" EXCEPT "except" FALSE "False"
%token FINALLY "finally" FOR "for" FROM "from" GLOBAL "global" IF "if" IMPORT "import" IN "in" IS "is"
%token LAMBDA "lambda" NONE "None" NONLOCAL "nonlocal" NOT "not" OR "or" PASS "pass" RAISE "raise"
%token RETURN "return" TRUE "True" TRY "try" WHILE "while" WITH "with" YIELD "yield"
%token MATCH "match" CASE "case" TYPE "type"

%token LPAREN "(" RPAREN ")" LBRACKET "[" RBRACKET "]" LBRACE "{" RBRACE "}"
%token WITH_PAREN "( of with" /* the one around the items of a with statement */
/* From here on operators: layout.c asks by order which tokens begin no line. */
%token COLON ":" COMMA "," SEMICOLON ";" DOT "." ELLIPSIS "..." ARROW "->" AT "@" ASSIGN "=" WALRUS ":="
%token PLUS "+" MINUS "-" STAR "*" SLASH "/" DOUBLE_SLASH "//" PERCENT "%" DOUBLE_STAR "**"
%token LEFT_SHIFT "<<" RIGHT_SHIFT ">>" AMPERSAND "&" BAR "|" CARET "^" TILDE "~"
%token EQUAL "==" NOT_EQUAL "!=" LESS "<" LESS_EQUAL "<=" GREATER ">" GREATER_EQUAL ">="
%token <int> AUGMENTED "augmented assignment"

%precedence EMPTY_BLOCK
%precedence INDENT
%left "or"
%left "and"
%precedence "not"
%left "|"
%left "^"
%left "&"
%left "<<" ">>"
%left "+" "-"
%left "*" "/" "//" "%" "@"
%precedence UNARY
%right "**"

%nterm <List> statements block simple_line simple_list
%nterm <Node *> compound_statement decorated function class if_statement while_statement for_statement
%nterm <Node *> with_statement try_statement match_statement
%nterm <Node *> simple_statement assignment import return_annotation bases
%nterm <List> decorators else_block finally_block if_tail with_items paren_with_items handlers case_blocks
%nterm <Node *> with_item paren_with_item handler exception_types case_block subject guard
%nterm <List> exception_list
%nterm <List> assign_chain name_list aliases dotted_aliases
%nterm <Node *> alias dotted_alias
%nterm <Atom> dotted_name alias_name
%nterm <int> dots
%nterm <List> type_params type_param_list
%nterm <Node *> type_param type_bound type_default type_star_default
%nterm <Node *> parameters lambda_parameters
%nterm <List> parameter_list parameter lambda_parameter_list lambda_parameter
%nterm <Node *> annotation
%nterm <Node *> yield assigned star_expressions star_expression expression named_expression star_named_expression
%nterm <List> star_list star_named_list
%nterm <Node *> targets target
%nterm <List> target_list
%nterm <Node *> logical comparison arithmetic primary
%nterm <int> compare_operator
%nterm <List> arguments argument_list
%nterm <Node *> argument slices slice
%nterm <List> slice_list dict_items
%nterm <Node *> slice_bound slice_step
%nterm <List> comprehension
%nterm <Node *> comprehension_for
%nterm <List> comprehension_ifs
%nterm <List> strings format_items
%nterm <Node *> string string_part formatted
%nterm <Field *> field field_value
%nterm <Node *> format_spec
%nterm <Node *> patterns pattern or_pattern closed_pattern star_pattern maybe_star_pattern literal_pattern
%nterm <Node *> name_or_attribute dotted_value signed_number mapping_key
%nterm <List> or_list pattern_list pattern_tuple mapping_items class_arguments

%%

module:
    statements ENDMARKER { parser->body = TAKE($1); }

statements:
    %empty { $$ = parser_begin_statements(parser); }
  | statements simple_line { $$ = parser_statements(parser, parser_concat(parser, $1, $2)); }
  | statements compound_statement { $$ = parser_statements(parser, parser_push(parser, $1, $2)); }
  | statements error NEWLINE
    { $$ = parser_statements(parser, parser_push(parser, $1, parser_unreadable(parser, @2))); yyerrok; }
  | statements INDENT { parser_begin_unexpected_block(parser, $1); } statements DEDENT
    { $$ = parser_statements(parser, parser_unexpected_block(parser, @4, $1, $4)); }

block:
    NEWLINE INDENT statements DEDENT { $$ = $3; }
  | simple_line
  | NEWLINE %prec EMPTY_BLOCK { $$ = parser_list(parser); }

simple_line:
    simple_list NEWLINE
  | simple_list ";" NEWLINE

simple_list:
    simple_statement { $$ = parser_list_of(parser, $1); }
  | simple_list ";" simple_statement { $$ = parser_push(parser, $1, $3); }

simple_statement:
    assignment
  | import
  | "return" { $$ = MAKE(Return, @$, .value = NULL); }
  | "return" star_expressions { $$ = MAKE(Return, @$, .value = $2); }
  | "raise" { $$ = MAKE(Raise, @$, .exc = NULL); }
  | "raise" expression { $$ = MAKE(Raise, @$, .exc = $2); }
  | "raise" expression "from" expression { $$ = MAKE(Raise, @$, .exc = $2, .cause = $4); }
  | "pass" { $$ = MAKE_BARE(parser, Pass, @$); }
  | "break" { $$ = MAKE_BARE(parser, Break, @$); }
  | "continue" { $$ = MAKE_BARE(parser, Continue, @$); }
  | "del" target_list { $$ = parser_delete(parser, @$, $2); }
  | "del" target_list "," { $$ = parser_delete(parser, @$, $2); }
  | "global" name_list { $$ = MAKE(Global, @$, .names = parser_take_atoms(parser, $2)); }
  | "nonlocal" name_list { $$ = MAKE(Nonlocal, @$, .names = parser_take_atoms(parser, $2)); }
  | "assert" expression { $$ = MAKE(Assert, @$, .test = $2); }
  | "assert" expression "," expression { $$ = MAKE(Assert, @$, .test = $2, .msg = $4); }
  | "type" NAME type_params "=" expression
    { $$ = MAKE(TypeAlias, @$, .name = MAKE(Name, @2, .id = $2), .type_params = TAKE($3), .value = $5); }

name_list:
    NAME { $$ = parser_list_of(parser, $1); }
  | name_list "," NAME { $$ = parser_push(parser, $1, $3); }

/* Assignments: every left side is read as an expression and checked as a target. */

assignment:
    star_expressions { $$ = MAKE(Expr, @$, .value = $1); }
  | yield { $$ = MAKE(Expr, @$, .value = $1); }
  | assign_chain { $$ = parser_assign(parser, @$, $1); }
  | star_expressions AUGMENTED assigned { $$ = parser_augmented(parser, @$, $1, $2, $3); }
  | star_expressions ":" expression { $$ = parser_annotated(parser, @$, @1, $1, $3, NULL); }
  | star_expressions ":" expression "=" assigned { $$ = parser_annotated(parser, @$, @1, $1, $3, $5); }

assign_chain:
    star_expressions "=" assigned { $$ = parser_push(parser, parser_list_of(parser, $1), $3); }
  | assign_chain "=" assigned { $$ = parser_push(parser, $1, $3); }

assigned:
    star_expressions
  | yield

yield:
    "yield" { $$ = MAKE(Yield, @$, .value = NULL); }
  | "yield" star_expressions { $$ = MAKE(Yield, @$, .value = $2); }
  | "yield" "from" expression { $$ = MAKE(YieldFrom, @$, .value = $3); }

/* Imports */

import:
    "import" dotted_aliases { $$ = MAKE(Import, @$, .names = TAKE($2)); }
  | "from" dotted_name "import" aliases { $$ = MAKE(ImportFrom, @$, .module = $2, .names = TAKE($4)); }
  | "from" dots "import" aliases { $$ = MAKE(ImportFrom, @$, .names = TAKE($4), .level = $2); }
  | "from" dots dotted_name "import" aliases
    { $$ = MAKE(ImportFrom, @$, .module = $3, .names = TAKE($5), .level = $2); }
  | "from" dotted_name "import" "(" aliases ")" { $$ = MAKE(ImportFrom, @$, .module = $2, .names = TAKE($5)); }
  | "from" dots "import" "(" aliases ")" { $$ = MAKE(ImportFrom, @$, .names = TAKE($5), .level = $2); }
  | "from" dots dotted_name "import" "(" aliases ")"
    { $$ = MAKE(ImportFrom, @$, .module = $3, .names = TAKE($6), .level = $2); }
  | "from" dotted_name "import" "(" aliases "," ")" { $$ = MAKE(ImportFrom, @$, .module = $2, .names = TAKE($5)); }
  | "from" dots "import" "(" aliases "," ")" { $$ = MAKE(ImportFrom, @$, .names = TAKE($5), .level = $2); }
  | "from" dots dotted_name "import" "(" aliases "," ")"
    { $$ = MAKE(ImportFrom, @$, .module = $3, .names = TAKE($6), .level = $2); }
  | "from" dotted_name "import" "*"
    { $$ = MAKE(ImportFrom, @$, .module = $2, .names = TAKE(parser_star_alias(parser, @4))); }
  | "from" dots "import" "*"
    { $$ = MAKE(ImportFrom, @$, .names = TAKE(parser_star_alias(parser, @4)), .level = $2); }
  | "from" dots dotted_name "import" "*"
    { $$ = MAKE(ImportFrom, @$, .module = $3, .names = TAKE(parser_star_alias(parser, @5)), .level = $2); }

dots:
    "." { $$ = 1; }
  | "..." { $$ = 3; }
  | dots "." { $$ = $1 + 1; }
  | dots "..." { $$ = $1 + 3; }

dotted_name:
    NAME
  | dotted_name "." NAME { $$ = parser_dotted_name(parser, @$, $1, $3); }

dotted_aliases:
    dotted_alias { $$ = parser_list_of(parser, $1); }
  | dotted_aliases "," dotted_alias { $$ = parser_push(parser, $1, $3); }

dotted_alias:
    dotted_name alias_name { $$ = MAKE(alias, @$, .name = $1, .asname = $2); }

aliases:
    alias { $$ = parser_list_of(parser, $1); }
  | aliases "," alias { $$ = parser_push(parser, $1, $3); }

alias:
    NAME alias_name { $$ = MAKE(alias, @$, .name = $1, .asname = $2); }

alias_name:
    %empty { $$ = NULL; }
  | "as" NAME { $$ = $2; }

/* Compound statements */

compound_statement:
    function
  | class
  | decorated
  | if_statement
  | while_statement
  | for_statement
  | with_statement
  | try_statement
  | match_statement

decorators:
    "@" named_expression NEWLINE { $$ = parser_list_of(parser, $2); }
  | decorators "@" named_expression NEWLINE { $$ = parser_push(parser, $1, $3); }

decorated:
    decorators function { $$ = parser_decorate(parser, $1, $2); }
  | decorators class { $$ = parser_decorate(parser, $1, $2); }

class:
    "class" NAME type_params bases ":" block { $$ = parser_class(parser, @$, $2, $3, $4, $6); }

bases:
    %empty { $$ = NULL; }
  | "(" arguments ")" { $$ = parser_call(parser, @$, NULL, $2); }

function:
    "def" NAME type_params "(" parameters ")" return_annotation ":" block
    { parser_check_block(parser, @1, "function definition", $9);
      $$ = MAKE(FunctionDef, @$, .name = $2, .args = $5, .body = TAKE($9), .returns = $7, .type_params = TAKE($3)); }
  | "async" "def" NAME type_params "(" parameters ")" return_annotation ":" block
    { parser_check_block(parser, @1, "function definition", $10);
      $$ = MAKE(AsyncFunctionDef, @$, .name = $3, .args = $6, .body = TAKE($10), .returns = $8,
                .type_params = TAKE($4)); }

return_annotation:
    %empty { $$ = NULL; }
  | "->" expression { $$ = $2; }

if_statement:
    "if" named_expression ":" block if_tail
    { parser_check_block(parser, @1, "'if' statement", $4);
      $$ = MAKE(If, @$, .test = $2, .body = TAKE($4), .orelse = TAKE($5)); }

if_tail:
    else_block
  | "elif" named_expression ":" block if_tail
    { parser_check_block(parser, @1, "'elif' statement", $4);
      $$ = parser_list_of(parser, MAKE(If, @$, .test = $2, .body = TAKE($4), .orelse = TAKE($5))); }

else_block:
    %empty { $$ = parser_list(parser); }
  | "else" ":" block { parser_check_block(parser, @1, "'else' statement", $3); $$ = $3; }

while_statement:
    "while" named_expression ":" block else_block
    { parser_check_block(parser, @1, "'while' statement", $4);
      $$ = MAKE(While, @$, .test = $2, .body = TAKE($4), .orelse = TAKE($5)); }

for_statement:
    "for" targets "in" star_expressions ":" block else_block
    { parser_check_block(parser, @1, "'for' statement", $6);
      $$ = MAKE(For, @$, .target = $2, .iter = $4, .body = TAKE($6), .orelse = TAKE($7)); }
  | "async" "for" targets "in" star_expressions ":" block else_block
    { parser_check_block(parser, @1, "'for' statement", $7);
      $$ = MAKE(AsyncFor, @$, .target = $3, .iter = $5, .body = TAKE($7), .orelse = TAKE($8)); }

with_statement:
    "with" with_items ":" block
    { parser_check_block(parser, @1, "'with' statement", $4);
      $$ = MAKE(With, @$, .items = TAKE($2), .body = TAKE($4)); }
  | "async" "with" with_items ":" block
    { parser_check_block(parser, @1, "'with' statement", $5);
      $$ = MAKE(AsyncWith, @$, .items = TAKE($3), .body = TAKE($5)); }

with_items:
    with_item { $$ = parser_list_of(parser, $1); }
  | with_items "," with_item { $$ = parser_push(parser, $1, $3); }
  | WITH_PAREN paren_with_items ")" { $$ = parser_with_items(parser, @$, $2); }
  | WITH_PAREN paren_with_items "," ")" { $$ = parser_with_items(parser, @$, $2); }
  | WITH_PAREN yield ")" { $$ = parser_list_of(parser, MAKE(withitem, @$, .context_expr = $2)); }
  | WITH_PAREN named_expression comprehension ")"
    { $$ = parser_with_generator(parser, @$, $2, $3); }

with_item:
    expression { $$ = MAKE(withitem, @$, .context_expr = $1); }
  | expression "as" target { $$ = parser_with_item(parser, @$, $1, $3); }

paren_with_items:
    paren_with_item { $$ = parser_list_of(parser, $1); }
  | paren_with_items "," paren_with_item { $$ = parser_push(parser, $1, $3); }

paren_with_item:
    star_named_expression { $$ = MAKE(withitem, @$, .context_expr = $1); }
  | named_expression "as" target { $$ = parser_with_item(parser, @$, $1, $3); }

try_statement:
    "try" ":" block handlers else_block finally_block { $$ = parser_try(parser, @$, @1, $3, $4, $5, $6); }

handlers:
    %empty { $$ = parser_list(parser); }
  | handlers handler { $$ = parser_push(parser, $1, $2); }

handler:
    "except" ":" block { $$ = parser_handler(parser, @$, @1, NULL, NULL, $3); }
  | "except" exception_types ":" block { $$ = parser_handler(parser, @$, @1, $2, NULL, $4); }
  | "except" expression "as" NAME ":" block { $$ = parser_handler(parser, @$, @1, $2, $4, $6); }
  | "except" "*" exception_types ":" block { $$ = parser_star_handler(parser, @$, @1, $3, NULL, $5); }
  | "except" "*" expression "as" NAME ":" block { $$ = parser_star_handler(parser, @$, @1, $3, $5, $7); }

exception_types:
    expression
  | expression "," { $$ = MAKE(Tuple, @$, .elts = TAKE(parser_list_of(parser, $1))); }
  | exception_list { $$ = MAKE(Tuple, @$, .elts = TAKE($1)); }
  | exception_list "," { $$ = MAKE(Tuple, @$, .elts = TAKE($1)); }

exception_list:
    expression "," expression { $$ = parser_push(parser, parser_list_of(parser, $1), $3); }
  | exception_list "," expression { $$ = parser_push(parser, $1, $3); }

finally_block:
    %empty { $$ = parser_list(parser); }
  | "finally" ":" block { parser_check_block(parser, @1, "'finally' statement", $3); $$ = $3; }

/* Type parameters */

type_params:
    %empty { $$ = parser_list(parser); }
  | "[" type_param_list "]" { $$ = $2; }
  | "[" type_param_list "," "]" { $$ = $2; }

type_param_list:
    type_param { $$ = parser_list_of(parser, $1); }
  | type_param_list "," type_param { $$ = parser_push(parser, $1, $3); }

type_param:
    NAME type_bound type_default { $$ = MAKE(TypeVar, @$, .name = $1, .bound = $2, .default_value = $3); }
  | "*" NAME type_star_default { $$ = MAKE(TypeVarTuple, @$, .name = $2, .default_value = $3); }
  | "**" NAME type_default { $$ = MAKE(ParamSpec, @$, .name = $2, .default_value = $3); }

type_bound:
    %empty { $$ = NULL; }
  | ":" expression { $$ = $2; }

type_default:
    %empty { $$ = NULL; }
  | "=" expression { $$ = $2; }

type_star_default:
    %empty { $$ = NULL; }
  | "=" star_expression { $$ = $2; }

/* Parameters: three words each, see parser_parameter */

parameters:
    %empty { $$ = parser_parameters(parser, @$, parser_list(parser)); }
  | parameter_list { $$ = parser_parameters(parser, @$, $1); }
  | parameter_list "," { $$ = parser_parameters(parser, @$, $1); }

parameter_list:
    parameter
  | parameter_list "," parameter { $$ = parser_concat(parser, $1, $3); }

parameter:
    NAME annotation { $$ = parser_parameter(parser, PARAMETER_PLAIN, @$, $1, $2, NULL); }
  | NAME annotation "=" expression
    { $$ = parser_parameter(parser, PARAMETER_PLAIN, extent_join(@1, @2), $1, $2, $4); }
  | "*" { $$ = parser_parameter(parser, PARAMETER_BARE_STAR, @$, NULL, NULL, NULL); }
  | "*" NAME annotation { $$ = parser_parameter(parser, PARAMETER_STAR, extent_join(@2, @3), $2, $3, NULL); }
  | "*" NAME ":" "*" arithmetic
    { $$ = parser_parameter(parser, PARAMETER_STAR, extent_join(@2, @5), $2,
                            MAKE(Starred, extent_join(@4, @5), .value = $5), NULL); }
  | "**" NAME annotation { $$ = parser_parameter(parser, PARAMETER_DOUBLE_STAR, extent_join(@2, @3), $2, $3, NULL); }
  | "/" { $$ = parser_parameter(parser, PARAMETER_SLASH, @$, NULL, NULL, NULL); }

annotation:
    %empty { $$ = NULL; }
  | ":" expression { $$ = $2; }

lambda_parameters:
    %empty { $$ = parser_parameters(parser, @$, parser_list(parser)); }
  | lambda_parameter_list { $$ = parser_parameters(parser, @$, $1); }
  | lambda_parameter_list "," { $$ = parser_parameters(parser, @$, $1); }

lambda_parameter_list:
    lambda_parameter
  | lambda_parameter_list "," lambda_parameter { $$ = parser_concat(parser, $1, $3); }

lambda_parameter:
    NAME { $$ = parser_parameter(parser, PARAMETER_PLAIN, @1, $1, NULL, NULL); }
  | NAME "=" expression { $$ = parser_parameter(parser, PARAMETER_PLAIN, @1, $1, NULL, $3); }
  | "*" { $$ = parser_parameter(parser, PARAMETER_BARE_STAR, @$, NULL, NULL, NULL); }
  | "*" NAME { $$ = parser_parameter(parser, PARAMETER_STAR, @2, $2, NULL, NULL); }
  | "**" NAME { $$ = parser_parameter(parser, PARAMETER_DOUBLE_STAR, @2, $2, NULL, NULL); }
  | "/" { $$ = parser_parameter(parser, PARAMETER_SLASH, @$, NULL, NULL, NULL); }

/* Expressions */

star_expressions:
    star_expression
  | star_expression "," { $$ = MAKE(Tuple, @$, .elts = TAKE(parser_list_of(parser, $1))); }
  | star_list { $$ = MAKE(Tuple, @$, .elts = TAKE($1)); }
  | star_list "," { $$ = MAKE(Tuple, @$, .elts = TAKE($1)); }

star_list:
    star_expression "," star_expression { $$ = parser_push(parser, parser_list_of(parser, $1), $3); }
  | star_list "," star_expression { $$ = parser_push(parser, $1, $3); }

star_expression:
    expression
  | "*" arithmetic { $$ = MAKE(Starred, @$, .value = $2); }

named_expression:
    expression
  | NAME ":=" expression { $$ = MAKE(NamedExpr, @$, .target = MAKE(Name, @1, .id = $1), .value = $3); }

star_named_expression:
    expression
  | NAME ":=" expression { $$ = MAKE(NamedExpr, @$, .target = MAKE(Name, @1, .id = $1), .value = $3); }
  | "*" arithmetic { $$ = MAKE(Starred, @$, .value = $2); }

star_named_list:
    star_named_expression { $$ = parser_list_of(parser, $1); }
  | star_named_list "," star_named_expression { $$ = parser_push(parser, $1, $3); }

targets:
    target { parser_check_target(parser, $1, "assign to"); }
  | target_list "," target { $$ = parser_targets(parser, @$, parser_push(parser, $1, $3)); }
  | target_list "," { $$ = parser_targets(parser, @$, $1); }

target_list:
    target { $$ = parser_list_of(parser, $1); }
  | target_list "," target { $$ = parser_push(parser, $1, $3); }

target:
    arithmetic
  | "*" arithmetic { $$ = MAKE(Starred, @$, .value = $2); }

expression:
    logical
  | logical "if" logical "else" expression { $$ = MAKE(IfExp, @$, .test = $3, .body = $1, .orelse = $5); }
  | "lambda" lambda_parameters ":" expression { $$ = MAKE(Lambda, @$, .args = $2, .body = $4); }

logical:
    arithmetic
  | comparison
  | "not" logical { $$ = MAKE(UnaryOp, @$, .op = UNARY_Not, .operand = $2); }
  | logical "and" logical { $$ = parser_bool(parser, @$, @1, BOOL_And, $1, $3); }
  | logical "or" logical { $$ = parser_bool(parser, @$, @1, BOOL_Or, $1, $3); }

comparison:
    arithmetic compare_operator arithmetic { $$ = parser_compare(parser, @$, $1, $2, $3); }
  | comparison compare_operator arithmetic { $$ = parser_compare_more(parser, @$, $1, $2, $3); }

compare_operator:
    "==" { $$ = COMPARE_Eq; }
  | "!=" { $$ = COMPARE_NotEq; }
  | "<" { $$ = COMPARE_Lt; }
  | "<=" { $$ = COMPARE_LtE; }
  | ">" { $$ = COMPARE_Gt; }
  | ">=" { $$ = COMPARE_GtE; }
  | "is" { $$ = COMPARE_Is; }
  | "is" "not" { $$ = COMPARE_IsNot; }
  | "in" { $$ = COMPARE_In; }
  | "not" "in" { $$ = COMPARE_NotIn; }

arithmetic:
    primary
  | "await" primary { $$ = MAKE(Await, @$, .value = $2); }
  | "+" arithmetic %prec UNARY { $$ = MAKE(UnaryOp, @$, .op = UNARY_UAdd, .operand = $2); }
  | "-" arithmetic %prec UNARY { $$ = MAKE(UnaryOp, @$, .op = UNARY_USub, .operand = $2); }
  | "~" arithmetic %prec UNARY { $$ = MAKE(UnaryOp, @$, .op = UNARY_Invert, .operand = $2); }
  | arithmetic "+" arithmetic { $$ = MAKE(BinOp, @$, .left = $1, .op = OP_Add, .right = $3); }
  | arithmetic "-" arithmetic { $$ = MAKE(BinOp, @$, .left = $1, .op = OP_Sub, .right = $3); }
  | arithmetic "*" arithmetic { $$ = MAKE(BinOp, @$, .left = $1, .op = OP_Mult, .right = $3); }
  | arithmetic "@" arithmetic { $$ = MAKE(BinOp, @$, .left = $1, .op = OP_MatMult, .right = $3); }
  | arithmetic "/" arithmetic { $$ = MAKE(BinOp, @$, .left = $1, .op = OP_Div, .right = $3); }
  | arithmetic "%" arithmetic { $$ = MAKE(BinOp, @$, .left = $1, .op = OP_Mod, .right = $3); }
  | arithmetic "//" arithmetic { $$ = MAKE(BinOp, @$, .left = $1, .op = OP_FloorDiv, .right = $3); }
  | arithmetic "**" arithmetic { $$ = MAKE(BinOp, @$, .left = $1, .op = OP_Pow, .right = $3); }
  | arithmetic "<<" arithmetic { $$ = MAKE(BinOp, @$, .left = $1, .op = OP_LShift, .right = $3); }
  | arithmetic ">>" arithmetic { $$ = MAKE(BinOp, @$, .left = $1, .op = OP_RShift, .right = $3); }
  | arithmetic "|" arithmetic { $$ = MAKE(BinOp, @$, .left = $1, .op = OP_BitOr, .right = $3); }
  | arithmetic "^" arithmetic { $$ = MAKE(BinOp, @$, .left = $1, .op = OP_BitXor, .right = $3); }
  | arithmetic "&" arithmetic { $$ = MAKE(BinOp, @$, .left = $1, .op = OP_BitAnd, .right = $3); }

primary:
    primary "." NAME { $$ = MAKE(Attribute, @$, .value = $1, .attr = $3, .attr_start = (int)@3.start); }
  | primary "(" arguments ")" { $$ = parser_call(parser, @$, $1, $3); }
  | primary "(" named_expression comprehension ")"
    { Node *generator = MAKE(GeneratorExp, extent_join(@2, @5), .elt = $3, .generators = TAKE($4));
      $$ = parser_call(parser, @$, $1, parser_list_of(parser, generator)); }
  | primary "[" slices "]" { $$ = MAKE(Subscript, @$, .value = $1, .slice = $3); }
  | NAME { $$ = MAKE(Name, @$, .id = $1); }
  | NUMBER { $$ = parser_number(parser, @$); }
  | string
  | "None" { $$ = MAKE(Constant, @$, .value.kind = CONSTANT_NONE); }
  | "True" { $$ = MAKE(Constant, @$, .value.kind = CONSTANT_TRUE); }
  | "False" { $$ = MAKE(Constant, @$, .value.kind = CONSTANT_FALSE); }
  | "..." { $$ = MAKE(Constant, @$, .value.kind = CONSTANT_ELLIPSIS); }
  | "(" ")" { $$ = MAKE(Tuple, @$, .elts = {0}); }
  | "(" yield ")" { $$ = $2; }
  | "(" star_named_list ")" { $$ = parser_group(parser, @$, $2); }
  | "(" star_named_list "," ")" { $$ = MAKE(Tuple, @$, .elts = TAKE($2)); }
  | "(" named_expression comprehension ")" { $$ = MAKE(GeneratorExp, @$, .elt = $2, .generators = TAKE($3)); }
  | "[" "]" { $$ = MAKE(List, @$, .elts = {0}); }
  | "[" star_named_list "]" { $$ = MAKE(List, @$, .elts = TAKE($2)); }
  | "[" star_named_list "," "]" { $$ = MAKE(List, @$, .elts = TAKE($2)); }
  | "[" named_expression comprehension "]" { $$ = MAKE(ListComp, @$, .elt = $2, .generators = TAKE($3)); }
  | "{" "}" { $$ = MAKE(Dict, @$, .keys = {0}); }
  | "{" dict_items "}" { $$ = parser_dict(parser, @$, $2); }
  | "{" dict_items "," "}" { $$ = parser_dict(parser, @$, $2); }
  | "{" expression ":" expression comprehension "}"
    { $$ = MAKE(DictComp, @$, .key = $2, .value = $4, .generators = TAKE($5)); }
  | "{" star_named_list "}" { $$ = MAKE(Set, @$, .elts = TAKE($2)); }
  | "{" star_named_list "," "}" { $$ = MAKE(Set, @$, .elts = TAKE($2)); }
  | "{" named_expression comprehension "}" { $$ = MAKE(SetComp, @$, .elt = $2, .generators = TAKE($3)); }

dict_items: /* two words each: key (NULL for **) and value */
    expression ":" expression { $$ = parser_push(parser, parser_list_of(parser, $1), $3); }
  | "**" arithmetic { $$ = parser_push(parser, parser_list_of(parser, NULL), $2); }
  | dict_items "," expression ":" expression { $$ = parser_push(parser, parser_push(parser, $1, $3), $5); }
  | dict_items "," "**" arithmetic { $$ = parser_push(parser, parser_push(parser, $1, NULL), $4); }

comprehension:
    comprehension_for { $$ = parser_list_of(parser, $1); }
  | comprehension comprehension_for { $$ = parser_push(parser, $1, $2); }

comprehension_for:
    "for" targets "in" logical comprehension_ifs
    { $$ = parser_comprehension(parser, @$, $2, $4, $5, false); }
  | "async" "for" targets "in" logical comprehension_ifs
    { $$ = parser_comprehension(parser, @$, $3, $5, $6, true); }

comprehension_ifs:
    %empty { $$ = parser_list(parser); }
  | comprehension_ifs "if" logical { $$ = parser_push(parser, $1, $3); }

arguments:
    %empty { $$ = parser_list(parser); }
  | argument_list
  | argument_list ","

argument_list:
    argument { $$ = parser_list_of(parser, $1); }
  | argument_list "," argument { $$ = parser_push(parser, $1, $3); }

argument:
    expression
  | NAME ":=" expression { $$ = MAKE(NamedExpr, @$, .target = MAKE(Name, @1, .id = $1), .value = $3); }
  | NAME "=" expression { $$ = MAKE(keyword, @$, .arg = $1, .value = $3); }
  | "*" expression { $$ = MAKE(Starred, @$, .value = $2); }
  | "**" expression { $$ = MAKE(keyword, @$, .arg = NULL, .value = $2); }

slices:
    slice_list { $$ = parser_slices(parser, @$, $1); }
  | slice_list "," { $$ = MAKE(Tuple, @$, .elts = TAKE($1)); }

slice_list:
    slice { $$ = parser_list_of(parser, $1); }
  | slice_list "," slice { $$ = parser_push(parser, $1, $3); }

slice:
    expression
  | NAME ":=" expression { $$ = MAKE(NamedExpr, @$, .target = MAKE(Name, @1, .id = $1), .value = $3); }
  | "*" arithmetic { $$ = MAKE(Starred, @$, .value = $2); }
  | slice_bound ":" slice_bound slice_step
    { if (!$1) @$.start = @2.start; /* an empty rule stands behind the token before it, a line above perhaps */
      $$ = MAKE(Slice, @$, .lower = $1, .upper = $3, .step = $4); }

slice_bound:
    %empty { $$ = NULL; }
  | expression

slice_step:
    %empty { $$ = NULL; }
  | ":" { $$ = NULL; }
  | ":" expression { $$ = $2; }

/* Strings: the parts of an implicit concatenation, each decoded */

string:
    STRING { $$ = parser_string(parser, @$); }
  | formatted { $$ = parser_strings(parser, @$, parser_list_of(parser, $1)); }
  | strings { $$ = parser_strings(parser, @$, $1); }

strings: /* two at least */
    string_part string_part { $$ = parser_push(parser, parser_list_of(parser, $1), $2); }
  | strings string_part { $$ = parser_push(parser, $1, $2); }

string_part:
    STRING { $$ = parser_string(parser, @$); }
  | formatted

formatted:
    FSTRING_START format_items FSTRING_END { $$ = MAKE(JoinedStr, @$, .values = TAKE($2)); }
  | TSTRING_START format_items FSTRING_END { $$ = parser_template(parser, @$, $2); }

format_items:
    %empty { $$ = parser_list(parser); }
  | format_items FSTRING_MIDDLE { $$ = parser_push(parser, $1, parser_fstring_text(parser, @2, false)); }
  | format_items RAW_FSTRING_MIDDLE { $$ = parser_push(parser, $1, parser_fstring_text(parser, @2, true)); }
  | format_items field { $$ = parser_push_field(parser, $1, $2); }

field:
    FIELD_START field_value format_spec FIELD_END
    { $$ = parser_field(parser, @$, $2, $3 ? @3.start : @4.start, NULL, $3); }
  | FIELD_START field_value "!" NAME format_spec FIELD_END
    { $$ = parser_field(parser, @$, $2, @3.start, $4, $5); }

field_value:
    assigned { $$ = parser_field_value(parser, $1, @1.end, false); }
  | assigned "=" { $$ = parser_field_value(parser, $1, @1.end, true); }

format_spec:
    %empty { $$ = NULL; }
  | FIELD_COLON format_items { $$ = parser_format_spec(parser, @$, $2); }

/* Patterns */

match_statement:
    "match" subject ":" NEWLINE INDENT case_blocks DEDENT
    { $$ = MAKE(Match, @$, .subject = $2, .cases = TAKE($6)); }

subject:
    named_expression
  | star_named_expression "," { $$ = MAKE(Tuple, @$, .elts = TAKE(parser_list_of(parser, $1))); }
  | star_named_expression "," star_named_list { $$ = parser_tuple_after(parser, @$, $1, $3); }
  | star_named_expression "," star_named_list "," { $$ = parser_tuple_after(parser, @$, $1, $3); }

case_blocks:
    %empty { $$ = parser_list(parser); }
  | case_blocks case_block { $$ = parser_push(parser, $1, $2); }
  | case_blocks error NEWLINE { $$ = $1; yyerrok; parser_recovered(parser); }
  | case_blocks INDENT { parser_begin_unexpected_block(parser, $1); } statements DEDENT { $$ = $1; }

case_block:
    "case" patterns guard ":" block
    { parser_check_block(parser, @1, "'case' statement", $5);
      $$ = MAKE(match_case, @$, .pattern = $2, .guard = $3, .body = TAKE($5)); }

guard:
    %empty { $$ = NULL; }
  | "if" named_expression { $$ = $2; }

patterns:
    pattern
  | pattern_tuple { $$ = MAKE(MatchSequence, @$, .patterns = TAKE($1)); }

pattern_tuple: /* at least one comma */
    maybe_star_pattern "," { $$ = parser_list_of(parser, $1); }
  | maybe_star_pattern "," pattern_list { $$ = parser_prepend(parser, $1, $3); }
  | maybe_star_pattern "," pattern_list "," { $$ = parser_prepend(parser, $1, $3); }

pattern_list:
    maybe_star_pattern { $$ = parser_list_of(parser, $1); }
  | pattern_list "," maybe_star_pattern { $$ = parser_push(parser, $1, $3); }

maybe_star_pattern:
    pattern
  | star_pattern

star_pattern:
    "*" NAME { $$ = MAKE(MatchStar, @$, .name = parser_capture_name(parser, $2)); }

pattern:
    or_pattern
  | or_pattern "as" NAME { $$ = parser_pattern_as(parser, @$, @3, $1, $3); }

or_pattern:
    closed_pattern
  | or_list { $$ = MAKE(MatchOr, @$, .patterns = TAKE($1)); }

or_list:
    closed_pattern "|" closed_pattern { $$ = parser_push(parser, parser_list_of(parser, $1), $3); }
  | or_list "|" closed_pattern { $$ = parser_push(parser, $1, $3); }

closed_pattern:
    literal_pattern
  | NAME { $$ = MAKE(MatchAs, @$, .name = parser_capture_name(parser, $1)); }
  | dotted_value { $$ = MAKE(MatchValue, @$, .value = $1); }
  | "(" pattern ")" { $$ = $2; }
  | "(" ")" { $$ = MAKE(MatchSequence, @$, .patterns = {0}); }
  | "(" pattern_tuple ")" { $$ = MAKE(MatchSequence, @$, .patterns = TAKE($2)); }
  | "[" "]" { $$ = MAKE(MatchSequence, @$, .patterns = {0}); }
  | "[" pattern_list "]" { $$ = MAKE(MatchSequence, @$, .patterns = TAKE($2)); }
  | "[" pattern_list "," "]" { $$ = MAKE(MatchSequence, @$, .patterns = TAKE($2)); }
  | "{" "}" { $$ = MAKE(MatchMapping, @$, .rest = NULL); }
  | "{" mapping_items "}" { $$ = parser_mapping_pattern(parser, @$, $2); }
  | "{" mapping_items "," "}" { $$ = parser_mapping_pattern(parser, @$, $2); }
  | name_or_attribute "(" ")" { $$ = MAKE(MatchClass, @$, .cls = $1); }
  | name_or_attribute "(" class_arguments ")" { $$ = parser_class_pattern(parser, @$, $1, $3); }
  | name_or_attribute "(" class_arguments "," ")" { $$ = parser_class_pattern(parser, @$, $1, $3); }

literal_pattern:
    signed_number { $$ = MAKE(MatchValue, @$, .value = $1); }
  | string { $$ = parser_string_pattern(parser, @$, $1); }
  | "None" { $$ = MAKE(MatchSingleton, @$, .value.kind = CONSTANT_NONE); }
  | "True" { $$ = MAKE(MatchSingleton, @$, .value.kind = CONSTANT_TRUE); }
  | "False" { $$ = MAKE(MatchSingleton, @$, .value.kind = CONSTANT_FALSE); }

signed_number:
    NUMBER { $$ = parser_number(parser, @1); }
  | "-" NUMBER { $$ = MAKE(UnaryOp, @$, .op = UNARY_USub, .operand = parser_number(parser, @2)); }
  | signed_number "+" NUMBER { $$ = MAKE(BinOp, @$, .left = $1, .op = OP_Add, .right = parser_number(parser, @3)); }
  | signed_number "-" NUMBER { $$ = MAKE(BinOp, @$, .left = $1, .op = OP_Sub, .right = parser_number(parser, @3)); }

dotted_value:
    NAME "." NAME
    { $$ = MAKE(Attribute, @$, .value = MAKE(Name, @1, .id = $1), .attr = $3, .attr_start = (int)@3.start); }
  | dotted_value "." NAME { $$ = MAKE(Attribute, @$, .value = $1, .attr = $3, .attr_start = (int)@3.start); }

name_or_attribute:
    NAME { $$ = MAKE(Name, @$, .id = $1); }
  | dotted_value

mapping_items: /* two words each: key and pattern; for **rest NULL and the name */
    mapping_key ":" pattern { $$ = parser_push(parser, parser_list_of(parser, $1), $3); }
  | "**" NAME { $$ = parser_push(parser, parser_list_of(parser, NULL), $2); }
  | mapping_items "," mapping_key ":" pattern { $$ = parser_push(parser, parser_push(parser, $1, $3), $5); }
  | mapping_items "," "**" NAME { $$ = parser_push(parser, parser_push(parser, $1, NULL), $4); }

mapping_key:
    signed_number
  | string
  | "None" { $$ = MAKE(Constant, @$, .value.kind = CONSTANT_NONE); }
  | "True" { $$ = MAKE(Constant, @$, .value.kind = CONSTANT_TRUE); }
  | "False" { $$ = MAKE(Constant, @$, .value.kind = CONSTANT_FALSE); }
  | dotted_value

class_arguments: /* two words each: the keyword or NULL, and the pattern */
    pattern { $$ = parser_push(parser, parser_list_of(parser, NULL), $1); }
  | NAME "=" pattern { $$ = parser_push(parser, parser_list_of(parser, $1), $3); }
  | class_arguments "," pattern { $$ = parser_push(parser, parser_push(parser, $1, NULL), $3); }
  | class_arguments "," NAME "=" pattern { $$ = parser_push(parser, parser_push(parser, $1, $3), $5); }

%%

const char *python_token_name(int kind) { return yysymbol_name(YYTRANSLATE(kind)); }

static int yyreport_syntax_error(const yypcontext_t *context, Parser *parser) {
    yysymbol_kind_t expected[YYNTOKENS];
    int count = yypcontext_expected_tokens(context, expected, YYNTOKENS);
    bool accepted[YYNTOKENS] = {false};
    for (int i = 0; i < count; i++) accepted[expected[i]] = true;
    ParserExpectation expectation = {
        .comma = accepted[YYSYMBOL_COMMA],
        .colon = accepted[YYSYMBOL_COLON],
        .expression = accepted[YYSYMBOL_NAME] && accepted[YYSYMBOL_NUMBER],
        .operator = accepted[YYSYMBOL_PLUS] && !accepted[YYSYMBOL_NUMBER],
        .name = accepted[YYSYMBOL_NAME],
        .equal = accepted[YYSYMBOL_EQUAL],
        .parenthesis = accepted[YYSYMBOL_LPAREN],
        .closer = accepted[YYSYMBOL_RPAREN] || accepted[YYSYMBOL_RBRACKET] || accepted[YYSYMBOL_RBRACE] ||
                  accepted[YYSYMBOL_FIELD_END],
        .end_of_line = accepted[YYSYMBOL_NEWLINE],
        .in = accepted[YYSYMBOL_IN],
        .otherwise = accepted[YYSYMBOL_ELSE],
        .branch = accepted[YYSYMBOL_CASE],
        .definition = accepted[YYSYMBOL_DEF] && !accepted[YYSYMBOL_NAME],
        .block = accepted[YYSYMBOL_INDENT] && !accepted[YYSYMBOL_NAME],
    };
    parser_report_unexpected(parser, *yypcontext_location(context), &expectation);
    return 0;
}

/* Called by the skeleton where its stack would pass YYMAXDEPTH. */
static void python_error(const PYTHON_LTYPE *at, Parser *parser, const char *message) {
    (void)message;
    parser_report_limit(parser, *at);
}
