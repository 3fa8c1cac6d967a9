/*
 * What is said about text that does not fit the grammar.
 *
 * In: the token that was refused, and what would have been accepted instead (complete, thanks to LAC).
 * Out: one diagnostic a logical line, put as a person would: the missing comma, colon, `==` or closing
 * bracket first, a collapsed list of alternatives ("an expression") else. Example:
 *
 *     filter(a=1 b=2)      ->  expected ',' or ')' before 'b'; help: perhaps you forgot a comma
 */
#include "grammar/parser.h"
#include "python.tab.h"

Diagnostic *parser_report(Parser *parser, Extent at, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    Slice message = slice_format_list(parser->arena, format, arguments);
    va_end(arguments);
    return layout_report(&parser->layout, CODE_SYNTAX_ERROR, at, "%.*s", SLICE_ARGS(message));
}

void parser_report_limit(Parser *parser, Extent at) {
    layout_report(&parser->layout, CODE_LIMIT, at, "the code is nested too deeply");
}

static void diagnostic_help(Diagnostic *diagnostic, Slice help) {
    if (diagnostic) diagnostic->help = help;
}

/* The innermost bracket that is open before token `index` of the line, or NULL. */
static const Token *parser_open_bracket(const Parser *parser, int index) {
    int depth = 0;
    for (int i = index - 1; i >= 0; i--) {
        const Token *token = &parser->layout.tokens[i];
        switch (token->kind) {
        case TOKEN_RPAREN:
        case TOKEN_RBRACKET:
        case TOKEN_RBRACE:
        case TOKEN_FIELD_END: depth++; break;
        case TOKEN_LPAREN:
        case TOKEN_WITH_PAREN:
        case TOKEN_LBRACKET:
        case TOKEN_LBRACE:
        case TOKEN_FIELD_START:
            if (depth-- == 0) return token;
            break;
        }
    }
    return NULL;
}

static bool token_ends_expression(int kind) {
    return kind == TOKEN_NAME || kind == TOKEN_NUMBER || kind == TOKEN_STRING || kind == TOKEN_FSTRING_END ||
           kind == TOKEN_RPAREN || kind == TOKEN_RBRACKET || kind == TOKEN_RBRACE || kind == TOKEN_NONE ||
           kind == TOKEN_TRUE || kind == TOKEN_FALSE;
}

static bool token_begins_expression(int kind) {
    return kind == TOKEN_NAME || kind == TOKEN_NUMBER || kind == TOKEN_STRING || kind == TOKEN_FSTRING_START ||
           kind == TOKEN_TSTRING_START || kind == TOKEN_LBRACE || kind == TOKEN_NONE || kind == TOKEN_TRUE ||
           kind == TOKEN_FALSE || kind == TOKEN_LAMBDA;
}

/* Kind of the first keyword of the line, past INDENT, DEDENT and `async`. */
static int parser_line_head(const Parser *parser) {
    for (int i = 0; i < parser->layout.count; i++) {
        int kind = parser->layout.tokens[i].kind;
        if (kind != TOKEN_INDENT && kind != TOKEN_DEDENT && kind != TOKEN_ASYNC) return kind;
    }
    return 0;
}

static Slice parser_describe(const Parser *parser, const Token *token) {
    switch (token->kind) {
    case TOKEN_NEWLINE:
    case TOKEN_ENDMARKER: return SLICE("the end of the line");
    case TOKEN_INDENT: return SLICE("an indented block");
    case TOKEN_DEDENT: return SLICE("the end of the block");
    case TOKEN_STRING: return SLICE("a string");
    case TOKEN_FSTRING_START:
    case TOKEN_FSTRING_MIDDLE:
    case TOKEN_RAW_FSTRING_MIDDLE:
    case TOKEN_FSTRING_END: return SLICE("an f-string");
    case TOKEN_TSTRING_START: return SLICE("a t-string");
    }
    Slice text = layout_text(&parser->layout, (Extent){token->start, token->end});
    return slice_format(parser->arena, "'%.*s'", SLICE_ARGS(text));
}

/* `print x`, `exec "…"`: statements of Python 2. */
static bool parser_report_python2(Parser *parser, Extent at, const Token *previous) {
    if (!previous || previous->kind != TOKEN_NAME) return false;
    Slice name = layout_text(&parser->layout, (Extent){previous->start, previous->end});
    if (!slice_equals_text(name, "print") && !slice_equals_text(name, "exec")) return false;
    diagnostic_help(parser_report(parser, extent_join((Extent){previous->start, 0}, at),
                                  "missing parentheses in the call of '%.*s'", SLICE_ARGS(name)),
                    slice_format(parser->arena, "did you mean %.*s(…)?", SLICE_ARGS(name)));
    return true;
}

static bool parser_report_assignment(Parser *parser, Extent at, const ParserExpectation *expectation) {
    int head = parser_line_head(parser);
    bool in_test = head == TOKEN_IF || head == TOKEN_ELIF || head == TOKEN_WHILE;
    if (!expectation->equal || (!in_test && !parser_open_bracket(parser, parser->next - 1))) return false;
    diagnostic_help(parser_report(parser, at, "an assignment can't stand here"),
                    SLICE("use '==' to compare, or ':=' to assign inside an expression"));
    return true;
}

static const char *bracket_closer_text(int kind) {
    switch (kind) {
    case TOKEN_LBRACKET: return "]";
    case TOKEN_LBRACE:
    case TOKEN_FIELD_START: return "}";
    }
    return ")";
}

static void parser_report_in_bracket(Parser *parser, const Token *token, const Token *open, bool comma) {
    Slice found = parser_describe(parser, token);
    const char *closer = bracket_closer_text(open->kind);
    Position position = source_position(parser->source, open->start);
    Diagnostic *diagnostic = parser_report(parser, (Extent){token->start, token->end}, "expected %s'%s' before %.*s",
                                           comma ? "',' or " : "", closer, SLICE_ARGS(found));
    diagnostic_help(diagnostic, comma && token_begins_expression(token->kind)
                                    ? SLICE("perhaps you forgot a comma")
                                    : slice_format(parser->arena, "the bracket was opened on line %d, column %d",
                                                   position.line, position.column));
}

/* `else` and the like where no statement waits for them. */
static bool parser_report_stray(Parser *parser, const Token *token, const Token *previous) {
    bool begins = !previous || previous->kind == TOKEN_INDENT || previous->kind == TOKEN_DEDENT;
    bool stray = token->kind == TOKEN_ELSE || token->kind == TOKEN_ELIF || token->kind == TOKEN_EXCEPT ||
                 token->kind == TOKEN_FINALLY;
    if (!begins || !stray) return false;
    Extent at = {token->start, token->end};
    parser_report(parser, at, "'%.*s' does not belong to the statement above",
                  SLICE_ARGS(layout_text(&parser->layout, at)));
    return true;
}

static const char *expectation_text(const ParserExpectation *expectation, bool after_value) {
    if (expectation->branch) return "'case'";
    if (expectation->block) return "an indented block";
    if (expectation->definition) return "a function or class definition after the decorator";
    if (after_value && expectation->end_of_line)
        return expectation->operator? "an operator or the end of the line" : "the end of the line";
    if (after_value && expectation->otherwise) return "'else'";
    if (expectation->expression) return "an expression";
    if (after_value && expectation->in && !expectation->colon) return "'in'";
    if (expectation->colon) return "':'";
    if (expectation->name) return "a name";
    return expectation->parenthesis ? "'('" : NULL;
}

/* What people write who come from another language, or from another version of this one. */
static Slice parser_habit(const Parser *parser, const Token *token, const Token *previous) {
    int kind = token->kind, before = previous ? previous->kind : 0;
    if (kind == TOKEN_IF && before == TOKEN_ELSE) return SLICE("perhaps you meant 'elif'");
    if (kind == TOKEN_AMPERSAND && before == TOKEN_AMPERSAND) return SLICE("perhaps you meant 'and'");
    if (kind == TOKEN_BAR && before == TOKEN_BAR) return SLICE("perhaps you meant 'or'");
    if (kind == TOKEN_ASSIGN && before == TOKEN_EQUAL) return SLICE("perhaps you meant '=='");
    if (kind == TOKEN_AS && parser_line_head(parser) == TOKEN_EXCEPT)
        return SLICE("several exception types need brackets when they are given a name");
    return (Slice){"", 0};
}

static void parser_report_general(Parser *parser, const Token *token, const ParserExpectation *expectation,
                                  bool after_value) {
    Extent at = {token->start, token->end};
    Slice found = parser_describe(parser, token);
    const char *wanted = expectation_text(expectation, after_value);
    Diagnostic *diagnostic = wanted ? parser_report(parser, at, "expected %s, found %.*s", wanted, SLICE_ARGS(found))
                                    : parser_report(parser, at, "invalid syntax at %.*s", SLICE_ARGS(found));
    const Token *previous = token > parser->layout.tokens ? token - 1 : NULL;
    diagnostic_help(diagnostic, parser_habit(parser, token, previous));
}

void parser_report_unexpected(Parser *parser, Extent at, const ParserExpectation *expectation) {
    int index = parser->next - 1;
    const Token *token = &parser->layout.tokens[index];
    const Token *previous = index > 0 ? token - 1 : NULL;
    parser->recovering = true;
    parser->error = at;
    bool of_blocks = token->kind == TOKEN_INDENT || token->kind == TOKEN_DEDENT || token->kind == TOKEN_ENDMARKER;
    if (of_blocks && parser->pushed_back != index) parser->next = parser->pushed_back = index;
    if (parser->layout.line_failed) return;
    const Token *open = parser_open_bracket(parser, index);
    bool after_value = previous && token_ends_expression(previous->kind);
    if (token->kind == TOKEN_ASSIGN && parser_report_assignment(parser, at, expectation)) return;
    if (open && after_value && expectation->closer) {
        parser_report_in_bracket(parser, token, open, expectation->comma);
        return;
    }
    if (after_value && token_begins_expression(token->kind) && parser_report_python2(parser, at, previous)) return;
    if (parser_report_stray(parser, token, previous)) return;
    parser_report_general(parser, token, expectation, after_value);
}
