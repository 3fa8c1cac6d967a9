/*
 * Values of MariaDB and MySQL: parameters as binds, as the literals of an ORM's driver would be read (dates are texts,
 * intervals are microseconds), and cells out of binds.
 *
 * Numbers are fetched as numbers, all else as text into a small buffer; what is longer is fetched again at its length.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "backends/mysql/executor_parts.h"

/* ---- the text */

static bool my_is_binary_mark(const char *at, const char *end) {
    static const char mark[] = "_binary ?";
    return (size_t)(end - at) >= sizeof mark - 1 && memcmp(at, mark, sizeof mark - 1) == 0;
}

const char *my_prepared_text(Store *store, const char *sql, size_t length) {
    char *copy = NULL;
    char quote = '\0';
    for (const char *at = sql, *end = sql + length; at < end; at++) {
        if (quote) {
            if (*at == quote) quote = '\0';
            else if (*at == '\\' && quote != '`') at++;
        } else if (*at == '\'' || *at == '"' || *at == '`') {
            quote = *at;
        } else if (my_is_binary_mark(at, end)) { /* names the character set of a literal; a bound value has its own */
            if (!copy && !(copy = store_copy(store, sql, length))) return NULL;
            memset(copy + (at - sql), ' ', strlen("_binary"));
        }
    }
    return copy ? copy : sql;
}

/* ---- parameters */

/* Of a decimal number before its point: 1e400 has 401. */
static long digits_before_point(const OrmcValue *value) {
    long count = 0;
    bool leading = true;
    size_t i = value->text[0] == '-' || value->text[0] == '+';
    for (; i < value->length && value->text[i] >= '0' && value->text[i] <= '9'; i++) {
        leading = leading && value->text[i] == '0';
        count += !leading;
    }
    const char *exponent = value->length < 4096 ? memchr(value->text, 'e', value->length) : NULL;
    if (!exponent && value->length < 4096) exponent = memchr(value->text, 'E', value->length);
    return exponent && count ? count + strtol(exponent + 1, NULL, 10) : count;
}

bool my_accepts(const OrmcValue *value, const char **why) {
    enum { MOST_DIGITS = 65 };
    if (value->type == ORMC_TYPE_ARRAY || value->type == ORMC_TYPE_MAP) {
        *why = value->type == ORMC_TYPE_MAP ? "this database has no maps" : "this database has no arrays";
        return false;
    }
    if (value->type == ORMC_TYPE_FLOAT && !isfinite(value->number)) {
        *why = "this database can't hold an infinity or NaN";
        return false;
    }
    if (value->type == ORMC_TYPE_DECIMAL &&
        (value->text[value->length - 1] == 'f' || value->text[value->length - 1] == 'n')) {
        *why = "this database can't hold an infinity or NaN";
        return false;
    }
    bool whole = value->type == ORMC_TYPE_INTEGER || value->type == ORMC_TYPE_BIGINT;
    if ((value->type == ORMC_TYPE_DECIMAL || whole) && value->text && digits_before_point(value) > MOST_DIGITS) {
        *why = "this database's numbers have at most 65 digits";
        return false;
    }
    return true;
}

static bool my_param_text(Store *store, const OrmcValue *value, MYSQL_BIND *bind) {
    bind->buffer_type = MYSQL_TYPE_STRING;
    bind->buffer = (void *)value->text;
    bind->buffer_length = value->length;
    if (value->type != ORMC_TYPE_DATETIME || value->length <= 10) return true;
    char *text = store_copy(store, value->text, value->length);
    if (!text) return false;
    text[10] = ' ';
    bind->buffer = text;
    return true;
}

static bool my_param(Store *store, const OrmcValue *value, MYSQL_BIND *bind) {
    if (value->is_null) {
        bind->buffer_type = MYSQL_TYPE_NULL;
        return true;
    }
    switch (value->type) {
    case ORMC_TYPE_INTEGER:
    case ORMC_TYPE_BIGINT:
        if (value->text) {
            my_param_text(store, value, bind);
            bind->buffer_type = MYSQL_TYPE_NEWDECIMAL;
            return true;
        }
        bind->buffer_type = MYSQL_TYPE_LONGLONG;
        bind->buffer = (void *)&value->integer;
        return true;
    case ORMC_TYPE_BOOLEAN:
    case ORMC_TYPE_INTERVAL:
        bind->buffer_type = MYSQL_TYPE_LONGLONG;
        bind->buffer = (void *)&value->integer;
        return true;
    case ORMC_TYPE_FLOAT:
        bind->buffer_type = MYSQL_TYPE_DOUBLE;
        bind->buffer = (void *)&value->number;
        return true;
    case ORMC_TYPE_DECIMAL:
        my_param_text(store, value, bind);
        bind->buffer_type = MYSQL_TYPE_NEWDECIMAL;
        return true;
    case ORMC_TYPE_BYTES:
        my_param_text(store, value, bind);
        bind->buffer_type = MYSQL_TYPE_BLOB;
        return true;
    case ORMC_TYPE_TEXT:
    case ORMC_TYPE_DATE:
    case ORMC_TYPE_TIME:
    case ORMC_TYPE_DATETIME:
    case ORMC_TYPE_UUID:
    case ORMC_TYPE_JSON:
    case ORMC_TYPE_UNKNOWN: return my_param_text(store, value, bind);
    case ORMC_TYPE_MAP:
    case ORMC_TYPE_ARRAY: return false;
    }
    return false;
}

MYSQL_BIND *my_params(Store *store, const OrmcValue *values, size_t count) {
    MYSQL_BIND *binds = store_allocate(store, (count + 1) * sizeof *binds);
    if (!binds) return NULL;
    memset(binds, 0, (count + 1) * sizeof *binds);
    for (size_t i = 0; i < count; i++)
        if (!my_param(store, &values[i], &binds[i])) return NULL;
    return binds;
}

/* ---- columns */

enum { CHARSET_BINARY = 63 };

static OrmcType my_type(const MYSQL_FIELD *field) {
    switch (field->type) {
    case MYSQL_TYPE_TINY: return field->length == 1 ? ORMC_TYPE_BOOLEAN : ORMC_TYPE_INTEGER;
    case MYSQL_TYPE_SHORT:
    case MYSQL_TYPE_INT24:
    case MYSQL_TYPE_LONG:
    case MYSQL_TYPE_YEAR: return ORMC_TYPE_INTEGER;
    case MYSQL_TYPE_LONGLONG: return ORMC_TYPE_BIGINT;
    case MYSQL_TYPE_FLOAT:
    case MYSQL_TYPE_DOUBLE: return ORMC_TYPE_FLOAT;
    case MYSQL_TYPE_DECIMAL:
    case MYSQL_TYPE_NEWDECIMAL: return ORMC_TYPE_DECIMAL;
    case MYSQL_TYPE_DATE:
    case MYSQL_TYPE_NEWDATE: return ORMC_TYPE_DATE;
    case MYSQL_TYPE_TIME:
    case MYSQL_TYPE_TIME2: return ORMC_TYPE_TIME;
    case MYSQL_TYPE_DATETIME:
    case MYSQL_TYPE_TIMESTAMP:
    case MYSQL_TYPE_DATETIME2:
    case MYSQL_TYPE_TIMESTAMP2: return ORMC_TYPE_DATETIME;
    case MYSQL_TYPE_JSON: return ORMC_TYPE_JSON;
    case MYSQL_TYPE_BIT:
    case MYSQL_TYPE_GEOMETRY: return ORMC_TYPE_BYTES;
    case MYSQL_TYPE_NULL: return ORMC_TYPE_UNKNOWN;
    case MYSQL_TYPE_TINY_BLOB:
    case MYSQL_TYPE_MEDIUM_BLOB:
    case MYSQL_TYPE_LONG_BLOB:
    case MYSQL_TYPE_BLOB:
    case MYSQL_TYPE_VAR_STRING:
    case MYSQL_TYPE_STRING:
    case MYSQL_TYPE_VARCHAR:
    case MYSQL_TYPE_ENUM:
    case MYSQL_TYPE_SET: return field->charsetnr == CHARSET_BINARY ? ORMC_TYPE_BYTES : ORMC_TYPE_TEXT;
    case MAX_NO_FIELD_TYPES: break;
    }
    return ORMC_TYPE_UNKNOWN;
}

static bool is_whole(OrmcType type) {
    return type == ORMC_TYPE_BOOLEAN || type == ORMC_TYPE_INTEGER || type == ORMC_TYPE_BIGINT;
}

void my_statement_free(MyStatement *statement) {
    if (!statement) return;
    free(statement->columns);
    free(statement->binds);
    free(statement);
}

static void my_column_describe(MyColumn *column, MYSQL_BIND *bind, const MYSQL_FIELD *field) {
    column->means = my_type(field);
    column->field_type = field->type;
    bool whole = is_whole(column->means), number = field->type == MYSQL_TYPE_DOUBLE;
    column->type = whole ? MYSQL_TYPE_LONGLONG : number ? MYSQL_TYPE_DOUBLE : MYSQL_TYPE_STRING;
    if (column->means == ORMC_TYPE_BYTES) column->type = MYSQL_TYPE_BLOB;
    *bind = (MYSQL_BIND){.buffer_type = column->type,
                         .buffer = column->bytes,
                         .buffer_length = sizeof column->bytes,
                         .length = &column->length,
                         .is_null = &column->is_null,
                         .error = &column->error,
                         .is_unsigned = (field->flags & UNSIGNED_FLAG) != 0};
}

bool my_statement_describe(const Mysql *mysql, MyStatement *statement) {
    size_t count = mysql->mysql_stmt_field_count(statement->handle);
    const MYSQL_FIELD *fields = statement->handle->fields;
    bool same = count == statement->column_count;
    for (size_t i = 0; same && i < count; i++)
        same = fields[i].type == statement->columns[i].field_type && my_type(&fields[i]) == statement->columns[i].means;
    if (same) return true;
    statement->bound = false;
    if (count != statement->column_count) {
        free(statement->columns);
        free(statement->binds);
        statement->columns = calloc(count + 1, sizeof *statement->columns);
        statement->binds = calloc(count + 1, sizeof *statement->binds);
        statement->column_count = statement->columns && statement->binds ? count : 0;
    }
    if (count != statement->column_count) return false;
    for (size_t i = 0; i < count; i++) my_column_describe(&statement->columns[i], &statement->binds[i], &fields[i]);
    return true;
}

/* ---- cells */

static void my_integer(MyColumn *column, const MYSQL_BIND *bind, Store *store, OrmcValue *cell) {
    int64_t integer;
    memcpy(&integer, column->bytes, sizeof integer);
    if (bind->is_unsigned && integer < 0) {
        char digits[24], *at = digits + sizeof digits;
        for (uint64_t rest = (uint64_t)integer; rest; rest /= 10) *--at = (char)('0' + rest % 10);
        value_set_text(store, cell, ORMC_TYPE_BIGINT, at, (size_t)(digits + sizeof digits - at));
        return;
    }
    OrmcType type =
        column->means == ORMC_TYPE_BOOLEAN && integer != 0 && integer != 1 ? ORMC_TYPE_INTEGER : column->means;
    value_set_integer(cell, type, integer);
}

/* The whole text, in the store. NULL: no memory. */
static const char *my_text(const Mysql *mysql, MyStatement *statement, unsigned index, Store *store) {
    MyColumn *column = &statement->columns[index];
    if (column->length <= sizeof column->bytes) return store_copy(store, column->bytes, column->length);
    char *text = store_allocate(store, column->length + 1);
    if (!text) return NULL;
    MYSQL_BIND bind = {.buffer_type = column->type,
                       .buffer = text,
                       .buffer_length = column->length,
                       .length = &column->length,
                       .is_null = &column->is_null,
                       .error = &column->error};
    mysql->mysql_stmt_fetch_column(statement->handle, &bind, index, 0);
    text[column->length] = '\0';
    return text;
}

bool my_cell(const Mysql *mysql, MyStatement *statement, unsigned index, Store *store, OrmcValue *cell) {
    MyColumn *column = &statement->columns[index];
    if (column->is_null) {
        value_set_null(cell);
        return true;
    }
    if (column->type == MYSQL_TYPE_LONGLONG) {
        my_integer(column, &statement->binds[index], store, cell);
        return true;
    }
    if (column->type == MYSQL_TYPE_DOUBLE) {
        double number;
        memcpy(&number, column->bytes, sizeof number);
        value_set_number(cell, number);
        return true;
    }
    const char *text = my_text(mysql, statement, index, store);
    if (!text) return false;
    if (column->means == ORMC_TYPE_FLOAT) {
        value_set_number(cell, strtod(text, NULL));
        return true;
    }
    if (column->means == ORMC_TYPE_DATETIME || column->means == ORMC_TYPE_TIME)
        return value_set_moment(store, cell, column->means, text, column->length);
    *cell = (OrmcValue){.type = column->means, .text = text, .length = column->length};
    return true;
}
