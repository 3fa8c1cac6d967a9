/*
 * Layout: from raw tokens to the tokens that the grammar reads, one logical line at a time.
 *
 * In: raw tokens. Out: in `tokens` those of the next logical line, with NEWLINE at its end and the
 * INDENT or DEDENTs before it. Lines inside brackets are joined; blank lines vanish; `match`, `case`
 * and `type` become names where they are names; the bracket around the items of a `with` gets a kind
 * of its own, since one token of look-ahead can't tell it from a tuple.
 *
 * Invariants: INDENTs and DEDENTs are balanced, follow a NEWLINE, and have no width: they and NEWLINE
 * stand at the end of the token before. Every line ends in NEWLINE; after the last, ENDMARKER.
 *
 * Recovery: an unclosed bracket ends at the next line that begins with a keyword which only begins
 * statements; if there is none, at the first line that is not indented deeper than the statement.
 *
 *     if a:          IF NAME ":" NEWLINE
 *         f(b,       INDENT NAME "(" NAME "," NAME ")" NEWLINE
 *           c)
 *     d              DEDENT NAME NEWLINE ENDMARKER
 */
#include "grammar/parser.h"
#include "python.tab.h"

enum { LAYOUT_TAB = 8, LAYOUT_DEFAULT_NESTING = 200, LAYOUT_REWINDS = 16 };

static const uint32_t LAYOUT_NOWHERE = UINT32_MAX;

void layout_init(Layout *layout, Arena *arena, const Source *source, uint32_t start, uint32_t end,
                 uint32_t block_indent, const ParseOptions *options, DiagnosticList *diagnostics) {
    *layout =
        (Layout){.arena = arena,
                 .source = source,
                 .diagnostics = diagnostics,
                 .start = start,
                 .end = end,
                 .block_indent = block_indent,
                 .nesting_limit = options && options->nesting_limit ? options->nesting_limit : LAYOUT_DEFAULT_NESTING,
                 .line_start = start,
                 .previous_end = start,
                 .resume = LAYOUT_NOWHERE,
                 .dedent_column = -1};
    layout->scanner.layout = layout;
    ARENA_PUSH(arena, layout->indents, layout->indent_count, layout->indent_capacity) = (Indent){0};
    if (start == 0 && end >= 3 && memcmp(source->text.start, "\xEF\xBB\xBF", 3) == 0) layout->line_start = start = 3;
    scanner_start(&layout->scanner, start);
}

Diagnostic *layout_report(Layout *layout, DiagnosticCode code, Extent at, const char *format, ...) {
    if (layout->line_failed) return NULL;
    layout->line_failed = true;
    va_list arguments;
    va_start(arguments, format);
    Slice message = slice_format_list(layout->arena, format, arguments);
    va_end(arguments);
    return diagnostics_add(layout->diagnostics, code, SEVERITY_ERROR, (Span){layout->source, at.start, at.end}, "%.*s",
                           SLICE_ARGS(message));
}

static void layout_push(Layout *layout, int kind, uint32_t start, uint32_t end) {
    ARENA_PUSH(layout->arena, layout->tokens, layout->count, layout->capacity) =
        (Token){start, end, (uint16_t)kind, false};
}

/* A token without width, at the end of the one before. */
static void layout_push_mark(Layout *layout, int kind) {
    layout_push(layout, kind, layout->previous_end, layout->previous_end);
}

/*
 * Text that no rule accepts. At the start of a line a name comes first: else the parser would meet the
 * invalid token while the statement above is still open, and lose that one too.
 */
static void layout_push_invalid(Layout *layout, bool begins_line, uint32_t start, uint32_t end) {
    if (begins_line) layout_push(layout, TOKEN_NAME, start, start);
    layout_push(layout, TOKEN_INVALID, start, end);
}

static Token layout_next(Layout *layout) {
    if (!layout->has_pending) return scanner_next(&layout->scanner);
    layout->has_pending = false;
    return layout->pending;
}

/* Columns of the white space between the line's start and `offset`. */
static Indent layout_measure(const Layout *layout, uint32_t offset) {
    Indent indent = {0};
    const char *text = layout->source->text.start;
    for (uint32_t i = layout->line_start; i < offset; i++) {
        switch (text[i]) {
        case ' ':
            indent.column++;
            indent.alternate_column++;
            break;
        case '\t':
            indent.column = (indent.column / LAYOUT_TAB + 1) * LAYOUT_TAB;
            indent.alternate_column++;
            break;
        case '\f': indent = (Indent){0}; break;
        default: /* a joined line: the first one counts */ i = offset; break;
        }
    }
    int shift = (int)layout->block_indent;
    indent.column = indent.column > shift ? indent.column - shift : 0;
    indent.alternate_column = indent.alternate_column > shift ? indent.alternate_column - shift : 0;
    return indent;
}

/* Past the limit the rest of the file is not read: each of its lines would say the same. */
static void layout_indent(Layout *layout, Indent indent, Extent at) {
    if (layout->indent_count >= layout->nesting_limit) {
        layout_report(layout, CODE_LIMIT, at, "too many levels of indentation");
        layout_push_invalid(layout, true, at.start, at.start);
        layout_push_mark(layout, TOKEN_NEWLINE);
        layout->finished = true;
        return;
    }
    indent.is_match = layout->after_match;
    ARENA_PUSH(layout->arena, layout->indents, layout->indent_count, layout->indent_capacity) = indent;
    layout_push_mark(layout, TOKEN_INDENT);
}

/* Compares the line's indentation with the open blocks. */
static void layout_begin_line(Layout *layout, const Token *first) {
    Indent indent = layout_measure(layout, first->start);
    const Indent *top = &layout->indents[layout->indent_count - 1];
    Extent at = {first->start, first->end};
    bool deeper = indent.column > top->column, same = indent.column == top->column;
    if ((deeper && indent.alternate_column <= top->alternate_column) ||
        (same && indent.alternate_column != top->alternate_column))
        layout_report(layout, CODE_SYNTAX_ERROR, at, "inconsistent use of tabs and spaces in indentation");
    if (deeper) layout_indent(layout, indent, at);
    while (layout->indents[layout->indent_count - 1].column > indent.column) {
        layout->indent_count--;
        layout_push_mark(layout, TOKEN_DEDENT);
    }
    if (!deeper && layout->indents[layout->indent_count - 1].column != indent.column &&
        layout->dedent_column != indent.column) {
        layout->dedent_column = indent.column;
        layout_report(layout, CODE_SYNTAX_ERROR, at, "unindent does not match any outer indentation level");
        layout_push_invalid(layout, true, first->start, first->start);
    }
    if (same) layout->dedent_column = -1;
    layout->after_match = false;
}

/* Keywords that begin statements and can't stand inside an expression. */
static bool token_begins_statement(int kind) {
    static const int kinds[] = {TOKEN_DEF, TOKEN_CLASS,    TOKEN_RETURN,  TOKEN_IMPORT, TOKEN_WHILE, TOKEN_WITH,
                                TOKEN_TRY, TOKEN_EXCEPT,   TOKEN_FINALLY, TOKEN_RAISE,  TOKEN_PASS,  TOKEN_BREAK,
                                TOKEN_DEL, TOKEN_CONTINUE, TOKEN_GLOBAL,  TOKEN_ASSERT, TOKEN_ELIF,  TOKEN_NONLOCAL};
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (kinds[i] == kind) return true;
    return false;
}

/* What can only go on with an expression or a statement: some keywords, and nearly all operators. */
static bool token_begins_nothing(int kind) {
    if (kind < TOKEN_COLON)
        return kind == TOKEN_AND || kind == TOKEN_OR || kind == TOKEN_IN || kind == TOKEN_IS || kind == TOKEN_AS;
    return kind != TOKEN_ELLIPSIS && kind != TOKEN_AT && kind != TOKEN_PLUS && kind != TOKEN_MINUS &&
           kind != TOKEN_STAR && kind != TOKEN_TILDE;
}

static char bracket_text(int kind) {
    if (kind == TOKEN_LPAREN) return '(';
    return kind == TOKEN_LBRACKET ? '[' : '{';
}

static int bracket_closer(int kind) {
    switch (kind) {
    case TOKEN_LPAREN: return TOKEN_RPAREN;
    case TOKEN_LBRACKET: return TOKEN_RBRACKET;
    case TOKEN_LBRACE: return TOKEN_RBRACE;
    case TOKEN_FIELD_START: return TOKEN_FIELD_END;
    }
    return 0;
}

static void layout_report_unclosed(Layout *layout) {
    const Bracket *bracket = &layout->brackets[layout->bracket_count - 1];
    const char *what = bracket->kind == TOKEN_FIELD_START ? " of the f-string" : "";
    layout_report(layout, CODE_SYNTAX_ERROR, (Extent){bracket->start, bracket->start + 1}, "'%c'%s was never closed",
                  bracket_text(bracket->kind), what);
}

static void layout_forget_brackets(Layout *layout) {
    layout->bracket_count = 0;
    layout->resume = LAYOUT_NOWHERE;
    scanner_reset_modes(&layout->scanner);
}

static void layout_open(Layout *layout, const Token *token) {
    if (layout->bracket_count == layout->nesting_limit) {
        layout_report(layout, CODE_LIMIT, (Extent){token->start, token->end}, "too many nested brackets");
        layout_push(layout, TOKEN_INVALID, token->start, token->end);
    }
    bool of_with =
        token->kind == TOKEN_LPAREN && layout->count > 0 && layout->tokens[layout->count - 1].kind == TOKEN_WITH;
    ARENA_PUSH(layout->arena, layout->brackets, layout->bracket_count, layout->bracket_capacity) =
        (Bracket){token->kind, token->start, layout->count, of_with};
}

/* `with (a as b, c):` but not `with (a).b:` nor `with ():`. */
static void layout_close_with(Layout *layout, const Bracket *bracket) {
    Token next = layout_next(layout);
    layout->pending = next;
    layout->has_pending = true;
    if (next.kind == TOKEN_COLON && layout->count > bracket->token + 1)
        layout->tokens[bracket->token].kind = TOKEN_WITH_PAREN;
}

/* False where the closing bracket fits nothing and is given as invalid text. */
static bool layout_close(Layout *layout, const Token *token) {
    Extent at = {token->start, token->end};
    char text = layout->source->text.start[token->start];
    if (!layout->bracket_count) {
        layout_report(layout, CODE_SYNTAX_ERROR, at, "unmatched '%c'", text);
        layout->scanner.depth = 0;
        return false;
    }
    Bracket bracket = layout->brackets[--layout->bracket_count];
    if (!layout->bracket_count) layout->resume = LAYOUT_NOWHERE;
    if (bracket_closer(bracket.kind) != token->kind) {
        int line = source_position(layout->source, bracket.start).line;
        layout_report(layout, CODE_SYNTAX_ERROR, at, "closing '%c' does not match opening '%c' on line %d", text,
                      bracket_text(bracket.kind), line);
        return false;
    }
    if (bracket.of_with && !layout->bracket_count) layout_close_with(layout, &bracket);
    return true;
}

/* Soft keywords inside the line: `type` may begin any simple statement, the others only a line. */
static int layout_soft_kind(const Layout *layout, int kind, int first) {
    if (layout->count == first) return kind;
    if (kind != TOKEN_TYPE || layout->bracket_count) return TOKEN_NAME;
    int previous = layout->tokens[layout->count - 1].kind;
    return previous == TOKEN_SEMICOLON || previous == TOKEN_COLON ? TOKEN_TYPE : TOKEN_NAME;
}

/* Now that the line is complete: keywords stay where the line can be nothing else. */
static void layout_decide_soft(Layout *layout, int first) {
    Token *head = &layout->tokens[first];
    int length = layout->count - first;
    if (head->kind == TOKEN_MATCH) {
        bool is_header = length > 2 && layout->tokens[layout->count - 1].kind == TOKEN_COLON;
        if (!is_header) head->kind = TOKEN_NAME;
        layout->after_match = is_header;
    } else if (head->kind == TOKEN_CASE) {
        if (!layout->indents[layout->indent_count - 1].is_match || length < 2) head->kind = TOKEN_NAME;
    }
    for (int i = first; i < layout->count; i++) {
        if (layout->tokens[i].kind != TOKEN_TYPE) continue;
        if (i + 1 == layout->count || layout->tokens[i + 1].kind != TOKEN_NAME) layout->tokens[i].kind = TOKEN_NAME;
    }
}

/* The characters of an identifier beyond ASCII must be letters of some script. */
static bool layout_check_name(Layout *layout, const Token *token) {
    Slice text = layout_text(layout, (Extent){token->start, token->end});
    for (size_t at = 0, length; at < text.length; at += length) {
        uint32_t code = unicode_read(slice_sub(text, at, text.length), &length);
        if (length && (at ? unicode_follows_in_name(code) : unicode_begins_name(code))) continue;
        Extent place = {token->start + (uint32_t)at, token->start + (uint32_t)(at + (length ? length : 1))};
        if (length) layout_report(layout, CODE_SYNTAX_ERROR, place, "invalid character U+%04X", (unsigned)code);
        else layout_report(layout, CODE_SYNTAX_ERROR, place, "the text is not UTF-8");
        return false;
    }
    return true;
}

static void layout_take(Layout *layout, Token token, int first) {
    switch (token.kind) {
    case TOKEN_LPAREN:
    case TOKEN_LBRACKET:
    case TOKEN_LBRACE:
    case TOKEN_FIELD_START: layout_open(layout, &token); break;
    case TOKEN_RPAREN:
    case TOKEN_RBRACKET:
    case TOKEN_RBRACE:
    case TOKEN_FIELD_END:
        if (!layout_close(layout, &token)) token.kind = TOKEN_INVALID;
        break;
    case TOKEN_MATCH:
    case TOKEN_CASE:
    case TOKEN_TYPE: token.kind = (uint16_t)layout_soft_kind(layout, token.kind, first); break;
    case RAW_WIDE_NAME:
        token.is_wide = true;
        token.kind = layout_check_name(layout, &token) ? TOKEN_NAME : TOKEN_INVALID;
        break;
    }
    if (token.kind == TOKEN_INVALID) layout_push_invalid(layout, layout->count == first, token.start, token.end);
    else ARENA_PUSH(layout->arena, layout->tokens, layout->count, layout->capacity) = token;
    layout->previous_end = token.end;
}

/* A physical line begins inside brackets. True where the bracket must be given up. */
static bool layout_begin_inner_line(Layout *layout, const Token *token) {
    if (token_begins_statement(token->kind)) return true;
    bool closes = token->kind == TOKEN_RPAREN || token->kind == TOKEN_RBRACKET || token->kind == TOKEN_RBRACE;
    int outer = layout->indents[layout->indent_count - 1].column;
    if (layout->resume == LAYOUT_NOWHERE && !closes && layout_measure(layout, token->start).column <= outer)
        layout->resume = layout->line_start;
    return false;
}

/* The input ended inside brackets: read again what stands behind the statement, if that can be told. */
static void layout_end_in_brackets(Layout *layout) {
    layout_report_unclosed(layout);
    uint32_t resume = layout->resume;
    layout_forget_brackets(layout);
    if (resume == LAYOUT_NOWHERE || layout->rewinds == LAYOUT_REWINDS) return;
    layout->rewinds++;
    while (layout->count && layout->tokens[layout->count - 1].start >= resume) layout->count--;
    layout->previous_end = layout->count ? layout->tokens[layout->count - 1].end : resume;
    layout->line_start = resume;
    scanner_start(&layout->scanner, resume);
}

/* Everything from the line's first token to its NEWLINE. */
static void layout_read_line(Layout *layout, Token token) {
    int first = layout->count;
    bool inner_line = false;
    for (;; token = layout_next(layout)) {
        if (token.kind == RAW_NEWLINE) {
            layout->line_start = token.end;
            if (!layout->bracket_count) break;
            inner_line = true;
            continue;
        }
        if (token.kind == 0) {
            if (layout->bracket_count) {
                layout_end_in_brackets(layout);
                layout_push(layout, TOKEN_INVALID, layout->previous_end, layout->previous_end);
            }
            break;
        }
        if (inner_line && layout->bracket_count && layout_begin_inner_line(layout, &token)) {
            layout_report_unclosed(layout);
            layout_forget_brackets(layout);
            layout->pending = token;
            layout->has_pending = true;
            layout_push(layout, TOKEN_INVALID, layout->previous_end, layout->previous_end);
            break;
        }
        inner_line = false;
        layout_take(layout, token, first);
    }
    layout_decide_soft(layout, first);
    layout_push_mark(layout, TOKEN_NEWLINE);
}

void layout_fill(Layout *layout) {
    layout->count = 0;
    layout->line_failed = false;
    Token token = {0};
    if (!layout->finished) {
        token = layout_next(layout);
        while (token.kind == RAW_NEWLINE) {
            layout->line_start = token.end;
            token = layout_next(layout);
        }
    }
    if (token.kind) layout_begin_line(layout, &token);
    if (token.kind && !layout->finished) {
        if (token_begins_nothing(token.kind)) {
            Extent at = {token.start, token.end};
            layout_report(layout, CODE_SYNTAX_ERROR, at, "a statement can't begin with '%.*s'",
                          SLICE_ARGS(layout_text(layout, at)));
            layout_push_invalid(layout, true, token.start, token.start);
        }
        layout_read_line(layout, token);
        return;
    }
    layout->finished = true;
    for (; layout->indent_count > 1; layout->indent_count--) layout_push_mark(layout, TOKEN_DEDENT);
    layout_push_mark(layout, TOKEN_ENDMARKER);
}
