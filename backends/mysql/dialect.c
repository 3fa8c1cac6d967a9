/*
 * MySQL and MariaDB as dialects: flags, templates that differ from the defaults, reserved words, literals. Where the
 * two differ a template row names both.
 *
 *     text a'b\c  →  'a''b\\c'      NUL  →  \0      bytes  →  x'00ff'      float 0.1  →  0.1e0
 */
#include "backends/dialects.h"
#include "backends/literal.h"
#include "backends/names.h"

#include <math.h>

/* T(name, text): both; M(name, MySQL's, MariaDB's). */
static const char *const mysql_functions[FUNCTION_COUNT_OF_IDS] = {
#define T(name, text) [FUNCTION_##name] = text,
#define M(name, mysql, mariadb) [FUNCTION_##name] = mysql,
#include "backends/mysql/functions.def"
#undef T
#undef M
    [FUNCTION_NONE] = NULL,
};
static const char *const mariadb_functions[FUNCTION_COUNT_OF_IDS] = {
#define T(name, text) [FUNCTION_##name] = text,
#define M(name, mysql, mariadb) [FUNCTION_##name] = mariadb,
#include "backends/mysql/functions.def"
#undef T
#undef M
    [FUNCTION_NONE] = NULL,
};
static const char *const mysql_operators[OPERATOR_COUNT_OF_IDS] = {
#define T(name, text) [OPERATOR_##name] = text,
#define M(name, mysql, mariadb) [OPERATOR_##name] = mysql,
#include "backends/mysql/operators.def"
#undef T
#undef M
};
static const char *const mariadb_operators[OPERATOR_COUNT_OF_IDS] = {
#define T(name, text) [OPERATOR_##name] = text,
#define M(name, mysql, mariadb) [OPERATOR_##name] = mariadb,
#include "backends/mysql/operators.def"
#undef T
#undef M
};

#define RESERVED mysql_reserved
#define RESERVED_LIST "backends/mysql/reserved_mysql.def"
#include "backends/reserved.h"

#define RESERVED mariadb_reserved
#define RESERVED_LIST "backends/mysql/reserved_mariadb.def"
#include "backends/reserved.h"

static bool mysql_needs_quotes(Slice name) {
    return name_is_irregular(name) || name_is_reserved(name, &mysql_reserved);
}
static bool mariadb_needs_quotes(Slice name) {
    return name_is_irregular(name) || name_is_reserved(name, &mariadb_reserved);
}

/* For a server without NO_BACKSLASH_ESCAPES, its default. */
static void put_text(Buffer *out, Slice text) {
    buffer_put(out, '\'');
    for (size_t i = 0; i < text.length; i++) {
        char byte = text.start[i];
        if (byte == '\0') {
            buffer_text(out, "\\0");
        } else if (byte == '\x1a') {
            buffer_text(out, "\\Z");
        } else if (byte == '\r') {
            buffer_text(out, "\\r"); /* the client folds CR LF in what is pasted */
        } else {
            if (byte == '\'' || byte == '\\') buffer_put(out, byte);
            buffer_put(out, byte);
        }
    }
    buffer_put(out, '\'');
}

static bool put_float(Buffer *out, double number, const char **why) {
    if (!isfinite(number)) {
        *why = "MySQL has neither infinity nor NaN";
        return false;
    }
    size_t start = out->length;
    literal_put_float(out, number);
    /* without an exponent it would be a DECIMAL */
    if (!memchr(out->data + start, 'e', out->length - start)) buffer_text(out, "e0");
    return true;
}

static bool write_literal(Buffer *out, const Literal *literal, SqlType type, const char **why) {
    switch (literal->kind) {
    case LITERAL_NULL: buffer_text(out, "NULL"); return true;
    case LITERAL_BOOL: buffer_text(out, literal->integer ? "true" : "false"); return true;
    case LITERAL_INTEGER: literal_put_integer(out, literal->integer); return true;
    case LITERAL_FLOAT: return put_float(out, literal->number, why);
    case LITERAL_TEXT:
        if (!literal_check_text(literal->text, why)) return false;
        if ((type == SQL_INTEGER || type == SQL_BIGINT || type == SQL_DECIMAL) && literal_is_number(literal->text))
            literal_put_number_text(out, literal->text);
        else put_text(out, literal->text);
        return true;
    case LITERAL_BYTES:
        buffer_text(out, "x'");
        literal_put_hex(out, literal->text);
        buffer_put(out, '\'');
        return true;
    case LITERAL_ARRAY:
    case LITERAL_MAP: *why = "MySQL has no arrays"; return false;
    }
    return false;
}

const Dialect mysql_dialect = {
    .id = DIALECT_MYSQL,
    .name = "mysql",
    .quote = '`',
    .name_needs_quotes = mysql_needs_quotes,
    .is_mysql = true,
    .group_by_primary_key = true,
    .has_for_update = true,
    .has_skip_locked = true,
    .has_nowait = true,
    .has_for_update_of = true,
    .has_intersect = true,
    .has_parenthesised_set_parts = true,
    .max_name_length = 64,
    .function_templates = mysql_functions,
    .operator_templates = mysql_operators,
    .write_literal = write_literal,
};

const Dialect mariadb_dialect = {
    .id = DIALECT_MARIADB,
    .name = "mariadb",
    .quote = '`',
    .name_needs_quotes = mariadb_needs_quotes,
    .is_mysql = true,
    .has_returning = true,
    .group_by_primary_key = true,
    .has_for_update = true,
    .has_skip_locked = true,
    .has_nowait = true,
    .has_native_uuid = true,
    .has_intersect = true,
    .has_parenthesised_set_parts = true,
    .max_name_length = 64,
    .function_templates = mariadb_functions,
    .operator_templates = mariadb_operators,
    .write_literal = write_literal,
};
