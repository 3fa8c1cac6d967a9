/*
 * SQLite as a dialect: flags, templates that differ from the defaults, its reserved words, its literals.
 *
 *     text a'b  →  'a''b'      with NUL  →  ('a'||char(0)||'b')      bytes  →  X'00ff'      infinity  →  9e999
 */
#include "backends/dialects.h"
#include "backends/literal.h"
#include "backends/names.h"

#include <math.h>

static const char *const function_templates[FUNCTION_COUNT_OF_IDS] = {
#define T(name, text) [FUNCTION_##name] = text,
#include "backends/sqlite/functions.def"
#undef T
    [FUNCTION_NONE] = NULL,
};

static const char *const operator_templates[OPERATOR_COUNT_OF_IDS] = {
#define T(name, text) [OPERATOR_##name] = text,
#include "backends/sqlite/operators.def"
#undef T
};

#define RESERVED reserved
#define RESERVED_LIST "backends/sqlite/reserved.def"
#include "backends/reserved.h"

static bool name_needs_quotes(Slice name) { return name_is_irregular(name) || name_is_reserved(name, &reserved); }

/* Position of the first byte that can't stand in a pasted literal: SQLite's tokenizer ends at NUL, and its shell folds
 * CR LF. */
static size_t find_unwritable(Slice text) {
    size_t nul = slice_find(text, '\0'), cr = slice_find(text, '\r');
    return nul < cr ? nul : cr;
}

static void put_text(Buffer *out, Slice text) {
    size_t at = find_unwritable(text);
    if (at == text.length) {
        literal_put_quoted(out, text);
        return;
    }
    buffer_put(out, '(');
    for (;;) {
        literal_put_quoted(out, slice_sub(text, 0, at));
        if (at == text.length) break;
        buffer_text(out, text.start[at] == '\r' ? "||char(13)||" : "||char(0)||");
        text = slice_sub(text, at + 1, text.length);
        at = find_unwritable(text);
    }
    buffer_put(out, ')');
}

static void put_float(Buffer *out, double number) {
    if (isnan(number)) buffer_text(out, "NULL"); /* as SQLite stores a bound NaN */
    else if (isinf(number)) buffer_text(out, number < 0 ? "(-9e999)" : "9e999");
    else literal_put_float(out, number);
}

static bool write_literal(Buffer *out, const Literal *literal, SqlType type, const char **why) {
    switch (literal->kind) {
    case LITERAL_NULL: buffer_text(out, "NULL"); return true;
    case LITERAL_BOOL: buffer_put(out, literal->integer ? '1' : '0'); return true;
    case LITERAL_INTEGER: literal_put_integer(out, literal->integer); return true;
    case LITERAL_FLOAT: put_float(out, literal->number); return true;
    case LITERAL_TEXT:
        if (!literal_check_text(literal->text, why)) return false;
        if ((type == SQL_INTEGER || type == SQL_BIGINT) && literal_is_number(literal->text))
            literal_put_number_text(out, literal->text);
        else put_text(out, literal->text);
        return true;
    case LITERAL_BYTES:
        buffer_text(out, "X'");
        literal_put_hex(out, literal->text);
        buffer_put(out, '\'');
        return true;
    case LITERAL_ARRAY:
    case LITERAL_MAP: *why = "SQLite has no arrays"; return false;
    }
    return false;
}

const Dialect sqlite_dialect = {
    .id = DIALECT_SQLITE,
    .name = "sqlite",
    .quote = '"',
    .name_needs_quotes = name_needs_quotes,
    .has_returning = true,
    .has_update_returning = true,
    .has_nulls_order = true,
    .has_aggregate_filter = true,
    .has_intersect = true,
    .function_templates = function_templates,
    .operator_templates = operator_templates,
    .write_literal = write_literal,
};
