/*
 * Results as tables, CSV and JSON. In: an OrmcResult. Out: text. Example:
 *
 *      id | name
 *     ----+------
 *       1 | Ada
 *     (1 row)
 */
#include <stdlib.h>
#include <string.h>

#include "cli/session.h"

/* Code points, which is near enough to what a terminal shows. */
static size_t text_width(const char *text, size_t length) {
    size_t width = 0;
    for (size_t i = 0; i < length; i++) width += ((unsigned char)text[i] & 0xC0) != 0x80;
    return width;
}

void value_write_json(Text *out, const OrmcValue *value) {
    size_t length = ormc_value_write_json(value, NULL, 0);
    char *text = memory_need(malloc(length + 1));
    ormc_value_write_json(value, text, length + 1);
    text_append(out, text, length);
    free(text);
}

void json_string_write(Text *out, const char *text, size_t length) {
    OrmcValue value = {.type = ORMC_TYPE_TEXT, .text = text ? text : "", .length = length};
    value_write_json(out, &value);
}

void cell_write(Text *out, const OrmcValue *value) {
    if (value->is_null) return;
    bool as_json = value->type == ORMC_TYPE_BOOLEAN || value->type == ORMC_TYPE_ARRAY || value->type == ORMC_TYPE_MAP ||
                   value->type == ORMC_TYPE_FLOAT ||
                   ((value->type == ORMC_TYPE_INTEGER || value->type == ORMC_TYPE_BIGINT) && !value->text) ||
                   value->type == ORMC_TYPE_INTERVAL;
    if (as_json) {
        value_write_json(out, value);
    } else if (value->type == ORMC_TYPE_BYTES) {
        text_add(out, "\\x");
        for (size_t i = 0; i < value->length; i++) text_add(out, "%02x", (unsigned char)value->text[i]);
    } else {
        text_append(out, value->text, value->length);
    }
}

static bool cell_is_number(const OrmcValue *value) {
    return value->type == ORMC_TYPE_INTEGER || value->type == ORMC_TYPE_BIGINT || value->type == ORMC_TYPE_FLOAT ||
           value->type == ORMC_TYPE_DECIMAL;
}

/* Line ends and other controls would break the table. */
static void cell_write_flat(Text *out, const OrmcValue *value) {
    size_t start = out->length;
    cell_write(out, value);
    for (size_t i = start; i < out->length; i++)
        if ((unsigned char)out->data[i] < 0x20 || out->data[i] == 0x7F) out->data[i] = ' ';
}

static void pad(Text *out, size_t count, char byte) {
    for (size_t i = 0; i < count; i++) text_append(out, &byte, 1);
}

static void write_row(Text *out, const OrmcValue *cells, size_t columns, const size_t *widths) {
    for (size_t j = 0; j < columns; j++) {
        Text cell = {0};
        text_append(&cell, "", 0);
        cell_write_flat(&cell, &cells[j]);
        size_t room = widths[j] - text_width(cell.data, cell.length);
        bool last = j + 1 == columns;
        text_add(out, j ? " | " : " ");
        if (cell_is_number(&cells[j])) pad(out, room, ' ');
        text_append(out, cell.data, cell.length);
        if (!cell_is_number(&cells[j]) && !last) pad(out, room, ' ');
        free(cell.data);
    }
    text_add(out, "\n");
}

void table_write(Text *out, const OrmcResult *result) {
    size_t columns = ormc_result_column_count(result), rows = ormc_result_row_count(result);
    size_t *widths = memory_need(calloc(columns + 1, sizeof *widths));
    for (size_t j = 0; j < columns; j++) {
        const char *name = ormc_result_column_name(result, j);
        widths[j] = text_width(name, strlen(name));
        for (size_t i = 0; i < rows; i++) {
            Text cell = {0};
            text_append(&cell, "", 0);
            cell_write_flat(&cell, &ormc_result_row(result, i)[j]);
            size_t width = text_width(cell.data, cell.length);
            if (width > widths[j]) widths[j] = width;
            free(cell.data);
        }
    }
    for (size_t j = 0; j < columns; j++) {
        const char *name = ormc_result_column_name(result, j);
        text_add(out, "%s%s", j ? " | " : " ", name);
        if (j + 1 < columns) pad(out, widths[j] - text_width(name, strlen(name)), ' ');
    }
    text_add(out, "\n");
    for (size_t j = 0; j < columns; j++) {
        if (j) text_add(out, "+");
        pad(out, widths[j] + 2, '-');
    }
    text_add(out, "\n");
    for (size_t i = 0; i < rows; i++) write_row(out, ormc_result_row(result, i), columns, widths);
    text_add(out, "(%zu %s)\n", rows, rows == 1 ? "row" : "rows");
    free(widths);
}

static void csv_write_cell(Text *out, const char *text, size_t length, bool quoted) {
    for (size_t i = 0; i < length && !quoted; i++) quoted = strchr(",\"\n\r", text[i]) && text[i];
    if (quoted) text_add(out, "\"");
    for (size_t i = 0; i < length; i++) {
        if (text[i] == '"') text_add(out, "\"");
        text_append(out, text + i, 1);
    }
    if (quoted) text_add(out, "\"");
}

void csv_write(Text *out, const OrmcResult *result) {
    size_t columns = ormc_result_column_count(result);
    for (size_t j = 0; j < columns; j++) {
        const char *name = ormc_result_column_name(result, j);
        if (j) text_add(out, ",");
        csv_write_cell(out, name, strlen(name), false);
    }
    text_add(out, "\r\n");
    for (size_t i = 0; i < ormc_result_row_count(result); i++) {
        for (size_t j = 0; j < columns; j++) {
            const OrmcValue *value = &ormc_result_row(result, i)[j];
            Text cell = {0};
            text_append(&cell, "", 0);
            cell_write(&cell, value);
            if (j) text_add(out, ",");
            csv_write_cell(out, cell.data, cell.length, !value->is_null && cell.length == 0);
            free(cell.data);
        }
        text_add(out, "\r\n");
    }
}

void rows_write_json(Text *out, const OrmcResult *result) {
    size_t columns = result ? ormc_result_column_count(result) : 0;
    text_add(out, "\"columns\": [");
    for (size_t j = 0; j < columns; j++) {
        const char *name = ormc_result_column_name(result, j);
        if (j) text_add(out, ", ");
        json_string_write(out, name, strlen(name));
    }
    text_add(out, "], \"rows\": [");
    for (size_t i = 0; result && i < ormc_result_row_count(result); i++) {
        text_add(out, i ? ", [" : "[");
        for (size_t j = 0; j < columns; j++) {
            if (j) text_add(out, ", ");
            value_write_json(out, &ormc_result_row(result, i)[j]);
        }
        text_add(out, "]");
    }
    text_add(out, "], \"rowcount\": %lld", (long long)(result ? ormc_result_affected(result) : 0));
}
