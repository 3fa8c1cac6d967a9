/*
 * ormc verify: the same program on several databases, rows compared.
 *
 * In: a program and two or more --database. Out: nothing but a count where they agree; else the
 * statement and the rows side by side. Differences that databases may rightly have are named, not
 * counted: types (1 and true, 1.0 and 1), precision of floats, order where the statement does not
 * fix one. Exit status 1 where they disagree.
 */
#include <stdlib.h>
#include <string.h>

#include "cli/golden.h"

/* What one database gave, as comparable text. */
typedef struct Side {
    const char *url;
    Session session;
} Side;

typedef struct Verify {
    const Options *options;
    Side *sides;
    int side_count;
    Text json;
    int compared, differences, status;
} Verify;

/* ---- cells ---- */

static bool cell_number(const OrmcValue *value, double *number) {
    char *end;
    switch (value->type) {
    case ORMC_TYPE_BOOLEAN:
    case ORMC_TYPE_INTEGER:
    case ORMC_TYPE_BIGINT:
    case ORMC_TYPE_INTERVAL:
        if (value->text) break;
        *number = (double)value->integer;
        return true;
    case ORMC_TYPE_FLOAT: *number = value->number; return true;
    case ORMC_TYPE_DECIMAL:
    case ORMC_TYPE_TEXT:
    case ORMC_TYPE_UNKNOWN: break;
    case ORMC_TYPE_BYTES:
    case ORMC_TYPE_DATE:
    case ORMC_TYPE_TIME:
    case ORMC_TYPE_DATETIME:
    case ORMC_TYPE_UUID:
    case ORMC_TYPE_JSON:
    case ORMC_TYPE_ARRAY: return false;
    }
    if (!value->text || !value->length) return false;
    char text[64];
    snprintf(text, sizeof text, "%.*s", (int)value->length, value->text);
    *number = strtod(text, &end);
    return *end == '\0' && value->length < sizeof text;
}

/* A cell in a form that is the same on every database: numbers to 12 digits, datetimes with a blank, UUIDs bare. */
static void cell_normalise(Text *out, const OrmcValue *value) {
    double number;
    if (value->is_null) {
        text_add(out, "NULL");
        return;
    }
    if (cell_number(value, &number)) {
        text_add(out, "%.12g", number);
        return;
    }
    size_t start = out->length;
    cell_write(out, value);
    bool is_time = value->type == ORMC_TYPE_DATETIME || value->type == ORMC_TYPE_TEXT;
    bool looks_dated = out->length - start >= 19 && out->data[start + 4] == '-' && out->data[start + 7] == '-';
    if (is_time && looks_dated && (out->data[start + 10] == 'T' || out->data[start + 10] == ' ')) {
        out->data[start + 10] = ' ';
        if (out->length - start > 6 && strcmp(out->data + out->length - 6, "+00:00") == 0) out->length -= 6;
        char *fraction = memchr(out->data + start, '.', out->length - start);
        while (fraction && out->length > start && out->data[out->length - 1] == '0') out->length--;
        if (fraction && out->data[out->length - 1] == '.') out->length--;
        out->data[out->length] = '\0';
    }
    bool is_uuid = value->type == ORMC_TYPE_UUID || (value->type == ORMC_TYPE_TEXT && out->length - start == 36);
    if (is_uuid) {
        size_t to = start;
        for (size_t i = start; i < out->length; i++)
            if (out->data[i] != '-') out->data[to++] = out->data[i];
        out->length = to;
        out->data[to] = '\0';
    }
}

static int compare_texts(const void *a, const void *b) { return strcmp(*(char *const *)a, *(char *const *)b); }

/* Each row as a line; sorted where the statement fixes no order. */
static char *rows_normalise(const OrmcResult *result, bool sorted) {
    size_t count = ormc_result_row_count(result), columns = ormc_result_column_count(result);
    char **lines = memory_need(calloc(count + 1, sizeof *lines));
    Text whole = {0};
    for (size_t i = 0; i < count; i++) {
        Text line = {0};
        text_append(&line, "", 0);
        for (size_t j = 0; j < columns; j++) {
            if (j) text_add(&line, " | ");
            cell_normalise(&line, &ormc_result_row(result, i)[j]);
        }
        lines[i] = line.data;
    }
    if (sorted && count) qsort(lines, count, sizeof *lines, compare_texts);
    text_append(&whole, "", 0);
    for (size_t i = 0; i < count; i++) {
        text_add(&whole, "%s\n", lines[i]);
        free(lines[i]);
    }
    free(lines);
    return whole.data;
}

/* ---- comparing ---- */

static const Ran *next_result(const Side *side, int *at) {
    while (*at < side->session.ran_count) {
        const Ran *ran = &side->session.ran[(*at)++];
        if (ran->result && ormc_result_error(ran->result) == ORMC_ERROR_NONE && ormc_result_column_count(ran->result))
            return ran;
    }
    return NULL;
}

static void report(Verify *verify, const Ran *a, const Ran *b, const Side *side, const char *ours, const char *theirs) {
    verify->differences++;
    if (verify->status == 0) verify->status = 1;
    if (verify->options->format == FORMAT_JSON) {
        Text *out = &verify->json;
        text_add(out, "%s{\"source\": ", out->length ? ",\n  " : "\n  ");
        json_string_write(out, a ? a->source : b->source, strlen(a ? a->source : b->source));
        text_add(out, ", \"databases\": [");
        json_string_write(out, verify->sides[0].url, strlen(verify->sides[0].url));
        text_add(out, ", ");
        json_string_write(out, side->url, strlen(side->url));
        text_add(out, "], \"rows\": [");
        json_string_write(out, ours, strlen(ours));
        text_add(out, ", ");
        json_string_write(out, theirs, strlen(theirs));
        text_add(out, "]}");
        return;
    }
    Text diff = {0};
    text_append(&diff, "", 0);
    diff_write(&diff, ours, theirs);
    printf("--- %s: %s\n+++ %s: %s\n%s", verify->sides[0].url, a ? a->sql : "(no such statement)", side->url,
           b ? b->sql : "(no such statement)", diff.data);
    free(diff.data);
}

static bool is_ordered(const char *sql) { return strstr(sql, "ORDER BY") != NULL; }

static void compare_side(Verify *verify, const Side *side) {
    int i = 0, j = 0;
    for (;;) {
        const Ran *a = next_result(&verify->sides[0], &i), *b = next_result(side, &j);
        if (!a && !b) break;
        verify->compared++;
        bool ordered = a && b && is_ordered(a->sql);
        char *ours = a ? rows_normalise(a->result, !ordered) : NULL,
             *theirs = b ? rows_normalise(b->result, !ordered) : NULL;
        if (!a || !b || strcmp(ours, theirs) != 0) report(verify, a, b, side, ours ? ours : "", theirs ? theirs : "");
        free(ours);
        free(theirs);
    }
}

/* ---- running ---- */

static bool run_side(Verify *verify, Side *side) {
    const Options *options = verify->options;
    OrmcOptions settings = {.size = sizeof settings, .dialect = url_dialect(side->url)};
    OrmcContext *context = context_open(options, &settings, true, &verify->status);
    if (!context) return false;
    if (!session_open(&side->session, options, side->url, &verify->status)) {
        ormc_context_destroy(context);
        return false;
    }
    OrmcHost host = session_host(&side->session);
    const OrmcTranslation *translation = NULL;
    OrmcStatus status = ORMC_OK;
    if (options->files.count) status = ormc_context_run_files(context, &host, options->call, &translation);
    for (int i = 0; i < options->expressions.count && !side->session.failed; i++) {
        if (translation) print_diagnostics(translation);
        const char *text = options->expressions.items[i];
        status = ormc_context_run_text(context, &host, NULL, text, strlen(text), &translation);
    }
    if (!translation) verify->status = context_failed(context, status);
    else print_diagnostics(translation);
    if (side->session.failed) {
        fprintf(stderr, "ormc: %s: %s\n", side->url, side->session.message);
        verify->status = 3;
    } else if (status == ORMC_REFUSED && verify->status == 0) {
        verify->status = 1;
    }
    session_end_transaction(&side->session);
    ormc_context_destroy(context);
    return verify->status < 2;
}

int command_verify(const Options *options) {
    Verify verify = {.options = options, .side_count = options->databases.count};
    if (!options->files.count && !options->expressions.count)
        return usage_error("nothing to run: give FILE or -e EXPR; see 'ormc help verify'");
    if (options->databases.count < 2)
        return usage_error("'ormc verify' compares databases: give --database twice or more");
    verify.sides = memory_need(calloc((size_t)verify.side_count, sizeof *verify.sides));
    bool good = true;
    int opened = 0;
    for (; good && opened < verify.side_count; opened++) {
        verify.sides[opened].url = options->databases.items[opened];
        good = run_side(&verify, &verify.sides[opened]);
        if (good && opened) compare_side(&verify, &verify.sides[opened]);
    }
    if (options->format == FORMAT_JSON)
        printf("{\"compared\": %d, \"differences\": [%s]}\n", verify.compared,
               verify.json.data ? verify.json.data : "");
    else if (good) printf("%d compared, %d differ\n", verify.compared, verify.differences);
    for (int i = 0; i < opened; i++) session_close(&verify.sides[i].session);
    free(verify.sides);
    free(verify.json.data);
    return verify.status;
}
