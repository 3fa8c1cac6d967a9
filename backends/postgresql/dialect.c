/*
 * PostgreSQL as a dialect: flags, templates that differ from the defaults, its reserved words, its literals.
 *
 *     text a'b\c  →  E'a''b\\c'      date  →  '2024-01-31'::date      bytes  →  '\x00ff'::bytea
 */
#include "backends/dialects.h"
#include "backends/literal.h"
#include "backends/names.h"

#include <ctype.h>
#include <math.h>

/* The defaults beside the ids are PostgreSQL's own spelling: nothing to say here. */
static const char *const function_templates[FUNCTION_COUNT_OF_IDS];
static const char *const operator_templates[OPERATOR_COUNT_OF_IDS];

#define RESERVED reserved
#define RESERVED_LIST "backends/postgresql/reserved.def"
#include "backends/reserved.h"

static bool name_needs_quotes(Slice name) { return name_is_irregular(name) || name_is_reserved(name, &reserved); }

/* ---- literals ---- */

/* With a backslash inside, the E form means the same whatever standard_conforming_strings says. */
static void put_text(Buffer *out, Slice text) {
    if (slice_find(text, '\\') == text.length) {
        literal_put_quoted(out, text);
        return;
    }
    bool glued = out->length && isalnum((unsigned char)out->data[out->length - 1]);
    buffer_text(out, glued ? " E'" : "E'");
    for (size_t i = 0; i < text.length; i++) {
        if (text.start[i] == '\'' || text.start[i] == '\\') buffer_put(out, text.start[i]);
        buffer_put(out, text.start[i]);
    }
    buffer_put(out, '\'');
}

/* An offset after the time of day makes the value a timestamptz. */
static bool has_offset(Slice text) {
    for (size_t i = 10; i < text.length; i++)
        if (text.start[i] == '+' || text.start[i] == '-' || text.start[i] == 'Z') return true;
    return false;
}

static bool put_typed_text(Buffer *out, Slice text, SqlType type) {
    switch (type) {
    case SQL_INTEGER:
    case SQL_BIGINT:
    case SQL_DECIMAL:
    case SQL_FLOAT:
        if (literal_is_number(text)) {
            literal_put_number_text(out, text);
        } else {
            put_text(out, text);
            buffer_text(out, type == SQL_FLOAT ? "::float8" : "::numeric");
        }
        return true;
    case SQL_DATE:
        put_text(out, text);
        buffer_text(out, "::date");
        return true;
    case SQL_TIME:
        put_text(out, text);
        buffer_text(out, "::time");
        return true;
    case SQL_DATETIME:
        put_text(out, text);
        buffer_text(out, has_offset(text) ? "::timestamptz" : "::timestamp");
        return true;
    case SQL_INTERVAL:
        put_text(out, text);
        buffer_text(out, "::interval");
        return true;
    case SQL_UUID:
        put_text(out, text);
        buffer_text(out, "::uuid");
        return true;
    case SQL_BOOLEAN:
    case SQL_TEXT:
    case SQL_BYTES:
    case SQL_JSON:
    case SQL_ARRAY:
    case SQL_UNKNOWN:
    case SQL_TYPE_COUNT: put_text(out, text); return true;
    }
    return true;
}

/* An element inside '{…}' or hstore text: between double quotes, which hold everything. */
static void put_element_text(Buffer *out, Slice text) {
    buffer_put(out, '"');
    for (size_t i = 0; i < text.length; i++) {
        if (text.start[i] == '"' || text.start[i] == '\\') buffer_put(out, '\\');
        buffer_put(out, text.start[i]);
    }
    buffer_put(out, '"');
}

static bool put_element(Buffer *out, const Literal *item, const char **why);

static bool put_array_text(Buffer *out, const Literal *array, const char **why) {
    buffer_put(out, '{');
    for (int i = 0; i < array->count; i++) {
        if (i) buffer_put(out, ',');
        if (!put_element(out, &array->items[i], why)) return false;
    }
    buffer_put(out, '}');
    return true;
}

static bool check_text(Slice text, const char **why) {
    if (slice_find(text, '\0') != text.length) {
        *why = "PostgreSQL text can't hold the character NUL (0x00)";
        return false;
    }
    return literal_check_text(text, why);
}

static void put_float_text(Buffer *out, double number) {
    if (isnan(number)) buffer_text(out, "NaN");
    else if (isinf(number)) buffer_text(out, number < 0 ? "-Infinity" : "Infinity");
    else literal_put_float(out, number);
}

static bool put_element(Buffer *out, const Literal *item, const char **why) {
    switch (item->kind) {
    case LITERAL_NULL: buffer_text(out, "NULL"); return true;
    case LITERAL_BOOL: buffer_text(out, item->integer ? "true" : "false"); return true;
    case LITERAL_INTEGER: literal_put_integer(out, item->integer); return true;
    case LITERAL_FLOAT: put_float_text(out, item->number); return true;
    case LITERAL_TEXT:
        if (!check_text(item->text, why)) return false;
        put_element_text(out, item->text);
        return true;
    case LITERAL_BYTES:
        buffer_text(out, "\"\\\\x");
        literal_put_hex(out, item->text);
        buffer_put(out, '"');
        return true;
    case LITERAL_ARRAY: return put_array_text(out, item, why);
    case LITERAL_MAP: *why = "an array can't hold a mapping"; return false;
    }
    return false;
}

static bool put_array(Buffer *out, const Literal *array, const char **why) {
    Buffer text;
    buffer_init(&text, out->arena);
    if (!put_array_text(&text, array, why)) return false;
    put_text(out, buffer_view(&text));
    return true;
}

static bool put_map(Buffer *out, const Literal *map, const char **why) {
    Buffer text;
    buffer_init(&text, out->arena);
    for (int i = 0; i + 1 < map->count; i += 2) {
        if (i) buffer_text(&text, ", ");
        if (!put_element(&text, &map->items[i], why)) return false;
        buffer_text(&text, "=>");
        if (!put_element(&text, &map->items[i + 1], why)) return false;
    }
    put_text(out, buffer_view(&text));
    buffer_text(out, "::hstore");
    return true;
}

static void put_integer(Buffer *out, int64_t number, SqlType type) {
    if (type == SQL_INTERVAL) {
        buffer_put(out, '\'');
        literal_put_integer(out, number);
        buffer_text(out, " microseconds'::interval");
    } else if (number == INT64_MIN) {
        buffer_text(out, "'-9223372036854775808'::bigint");
    } else {
        literal_put_integer(out, number);
    }
}

static bool write_literal(Buffer *out, const Literal *literal, SqlType type, const char **why) {
    switch (literal->kind) {
    case LITERAL_NULL: buffer_text(out, "NULL"); return true;
    case LITERAL_BOOL: buffer_text(out, literal->integer ? "true" : "false"); return true;
    case LITERAL_INTEGER: put_integer(out, literal->integer, type); return true;
    case LITERAL_FLOAT:
        if (isfinite(literal->number)) {
            literal_put_float(out, literal->number);
        } else {
            buffer_put(out, '\'');
            put_float_text(out, literal->number);
            buffer_text(out, "'::float8");
        }
        return true;
    case LITERAL_TEXT: return check_text(literal->text, why) && put_typed_text(out, literal->text, type);
    case LITERAL_BYTES:
        buffer_text(out, "'\\x");
        literal_put_hex(out, literal->text);
        buffer_text(out, "'::bytea");
        return true;
    case LITERAL_ARRAY: return put_array(out, literal, why);
    case LITERAL_MAP: return put_map(out, literal, why);
    }
    return false;
}

const Dialect postgresql_dialect = {
    .id = DIALECT_POSTGRESQL,
    .name = "postgresql",
    .quote = '"',
    .numbered_placeholders = true,
    .name_needs_quotes = name_needs_quotes,
    .has_returning = true,
    .has_update_returning = true,
    .has_distinct_on = true,
    .has_nulls_order = true,
    .has_aggregate_filter = true,
    .group_by_primary_key = true,
    .has_for_update = true,
    .has_skip_locked = true,
    .has_nowait = true,
    .has_for_no_key_update = true,
    .has_for_update_of = true,
    .has_native_uuid = true,
    .has_native_interval = true,
    .has_intersect = true,
    .has_parenthesised_set_parts = true,
    .max_name_length = 63,
    .function_templates = function_templates,
    .operator_templates = operator_templates,
    .write_literal = write_literal,
};
