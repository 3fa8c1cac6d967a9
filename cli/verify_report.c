/*
 * Reports of verifying: differences side by side, reasons with their places, plans; text for people, JSON for machines.
 *
 *     shop.md:40: Names in order: postgresql differs from sqlite
 *     name                     | name
 *     Ada                        Ada
 *     NULL                     <
 */
#include <stdlib.h>
#include <string.h>

#include "cli/verify.h"

static bool in_json(const Verify *verify) { return verify->options->format == FORMAT_JSON; }

/* "file:line: heading", or where the statement stands in the program. */
static void place_write(Text *out, const Unit *unit, const Ran *ran) {
    if (unit->file) {
        const OrmcBlock *block = &unit->file->blocks[unit->block];
        text_add(out, "%s:%d", unit->file->path, block->line);
        if (block->heading.length) text_add(out, ": %.*s", (int)block->heading.length, block->heading.data);
    } else if (ran && ran->line > 0 && *ran->file) {
        text_add(out, "%s:%d", ran->file, ran->line);
    } else {
        text_add(out, "the program");
    }
}

static void json_text(Text *out, const char *name, const char *value) {
    text_add(out, "\"%s\": ", name);
    json_string_write(out, value, strlen(value));
}

static void json_open(Text *out, const Unit *unit, const Ran *ran) {
    const char *file = unit->file ? unit->file->path : ran ? ran->file : "";
    int line = unit->file ? unit->file->blocks[unit->block].line : ran ? ran->line : 0;
    text_add(out, "%s{", out->length ? ",\n  " : "\n  ");
    json_text(out, "file", file);
    text_add(out, ", \"line\": %d, ", line);
    json_text(out, "source", ran ? ran->source : "");
}

static void json_databases(Text *out, const Verify *verify, const Side *side) {
    text_add(out, ", \"databases\": [");
    json_string_write(out, verify->sides[0].label, strlen(verify->sides[0].label));
    text_add(out, ", ");
    json_string_write(out, side->label, strlen(side->label));
    text_add(out, "]");
}

/* ---- differences ---- */

static void json_difference(Verify *verify, const Unit *unit, const Side *side, const Ran *const *both,
                            const char *what) {
    Text *out = &verify->json_differences;
    json_open(out, unit, both[0] ? both[0] : both[1]);
    json_databases(out, verify, side);
    text_add(out, ", \"message\": ");
    json_string_write(out, what ? what : "the rows differ", strlen(what ? what : "the rows differ"));
    text_add(out, ", \"statements\": [");
    for (int i = 0; i < 2; i++) {
        text_add(out, i ? ", " : "");
        if (!both[i]) {
            text_add(out, "null");
            continue;
        }
        text_add(out, "{");
        json_text(out, "sql", both[i]->sql);
        text_add(out, ", \"params\": %s, ", both[i]->params);
        rows_write_json(out, both[i]->result);
        text_add(out, "}");
    }
    text_add(out, "]}");
}

static void print_difference(const Verify *verify, const Unit *unit, const Side *side, const Ran *const *both,
                             const char *what) {
    Text out = {0}, rows[2] = {{0}};
    place_write(&out, unit, both[0] ? both[0] : both[1]);
    text_add(&out, ": %s differs from %s%s%s\n", side->label, verify->sides[0].label, what ? ": " : "",
             what ? what : "");
    const char *labels[] = {verify->sides[0].label, side->label};
    for (int i = 0; i < 2; i++) {
        if (both[i]) text_add(&out, "%s: %s;\n", labels[i], both[i]->sql);
        text_append(&rows[i], "", 0);
        if (both[i] && both[i]->result) result_write_lines(&rows[i], both[i]->result);
    }
    if (!what) diff_write_sides(&out, rows[0].data, rows[1].data);
    fputs(out.data, stdout);
    putchar('\n');
    free(rows[0].data);
    free(rows[1].data);
    free(out.data);
}

void report_difference(Verify *verify, const Unit *unit, const Side *side, const Ran *ours, const Ran *theirs,
                       const char *what) {
    const Ran *const both[] = {ours, theirs};
    verify->differences++;
    if (verify->status == 0) verify->status = 1;
    progress_hide(verify->progress);
    if (in_json(verify)) json_difference(verify, unit, side, both, what);
    else print_difference(verify, unit, side, both, what);
    progress_show(verify->progress);
}

/* ---- reasons ---- */

void report_reasons(Verify *verify, const Unit *unit, const Side *side, const Ran *ran, Reasons reasons) {
    if (!reasons) return;
    Text *out = &verify->json_legitimate;
    json_open(out, unit, ran);
    json_databases(out, verify, side);
    text_add(out, ", \"reasons\": [");
    bool first = true;
    for (int i = 0; i < REASON_COUNT; i++) {
        if (!(reasons & REASON_BIT(i))) continue;
        text_add(out, "%s\"%s\"", first ? "" : ", ", reason_name((Reason)i));
        first = false;
        verify->counts[i]++;
        text_add(&verify->places[i], "    ");
        place_write(&verify->places[i], unit, ran);
        text_add(&verify->places[i], " (%s)\n", side->label);
    }
    text_add(out, "]}");
}

/* ---- plans ---- */

static void print_plan(const Side *side, const Ran *ran) {
    Text out = {0};
    text_add(&out, "-- %s: %s;\n", side->label, ran->sql);
    table_write(&out, ran->plan);
    fputs(out.data, stdout);
    putchar('\n');
    free(out.data);
}

static void json_plan(Verify *verify, const Unit *unit, const Side *side, const Ran *ran) {
    Text *out = &verify->json_plans;
    json_open(out, unit, ran);
    text_add(out, ", ");
    json_text(out, "database", side->label);
    text_add(out, ", ");
    json_text(out, "sql", ran->sql);
    text_add(out, ", ");
    rows_write_json(out, ran->plan);
    text_add(out, "}");
}

/* Each statement's, from each database in turn. */
void report_plans(Verify *verify, const Unit *unit) {
    progress_hide(verify->progress);
    bool more = true;
    for (int i = 0; more; i++) {
        more = false;
        for (int s = 0; s < verify->side_count; s++) {
            const Outcome *outcome = &verify->sides[s].outcome;
            more = more || i + 1 < outcome->count;
            if (i >= outcome->count || !outcome->ran[i].plan) continue;
            if (in_json(verify)) json_plan(verify, unit, &verify->sides[s], &outcome->ran[i]);
            else print_plan(&verify->sides[s], &outcome->ran[i]);
        }
    }
    progress_show(verify->progress);
}

/* ---- the end ---- */

static const char *data_of(const Text *text) { return text->data ? text->data : ""; }

static void print_json(const Verify *verify) {
    Text out = {0};
    text_add(&out, "{\"databases\": [");
    for (int i = 0; i < verify->side_count; i++) {
        text_add(&out, i ? ", " : "");
        json_string_write(&out, verify->sides[i].label, strlen(verify->sides[i].label));
    }
    text_add(&out, "], \"compared\": %d, \"differences\": [", verify->compared);
    text_add(&out, "%s],\n \"legitimate\": [%s]", data_of(&verify->json_differences),
             data_of(&verify->json_legitimate));
    if (verify->options->explain) text_add(&out, ",\n \"plans\": [%s]", data_of(&verify->json_plans));
    text_add(&out, "}\n");
    fputs(out.data, stdout);
    free(out.data);
}

void report_summary(Verify *verify) {
    if (in_json(verify)) {
        print_json(verify);
    } else {
        printf("%d compared, %d differ\n", verify->compared, verify->differences);
        for (int i = 0; i < REASON_COUNT; i++) {
            if (!verify->counts[i]) continue;
            printf("  %s (%d): %s\n", reason_name((Reason)i), verify->counts[i], reason_meaning((Reason)i));
            if (i != REASON_TYPES && i != REASON_ORDER && i != REASON_RETURNING)
                fputs(data_of(&verify->places[i]), stdout);
        }
    }
    for (int i = 0; i < REASON_COUNT; i++) free(verify->places[i].data);
    free(verify->json_differences.data);
    free(verify->json_legitimate.data);
    free(verify->json_plans.data);
}
