/*
 * Lowering of function calls: how a dialect spells those that SQLAlchemy knows, and windows.
 *
 * Input: FUNCTION and OVER elements. Output: CALL nodes, or text with holes.
 * Example: func.now() is now() on PostgreSQL and MySQL, CURRENT_TIMESTAMP on SQLite.
 */
#include "compiler/sqlalchemy/lower.h"

static bool name_is_plain(Slice name) {
    for (size_t i = 0; i < name.length; i++) {
        char c = name.start[i];
        bool word =
            (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == '$' || (c >= '0' && c <= '9' && i);
        if (!word) return false;
    }
    return name.length > 0;
}

static void write_function_name(Lowering *lo, Buffer *out, Name name) {
    Name written = name;
    if (name.quote == NAME_AT_NEED) written.quote = name_is_plain(name.text) ? NAME_PLAIN : NAME_QUOTED;
    else if (name.quote == NAME_QUOTED) written.quote = NAME_QUOTED;
    sa_write_name(out, lo->dialect, written);
}

static Slice function_name(Lowering *lo, const FunctionElement *f) {
    Buffer out;
    buffer_init(&out, lo->arena);
    for (int i = 0; i < f->package_count; i++) {
        write_function_name(lo, &out, f->packages[i]);
        buffer_put(&out, '.');
    }
    if (f->written.length) buffer_slice(&out, f->written);
    else write_function_name(lo, &out, f->base.name);
    return buffer_view(&out);
}

/* R(dialect, function, how it is written): %e the arguments; no hole: they are left out. */
typedef struct Spelling {
    const char *function;
    const char *postgresql, *sqlite, *mysql; /* NULL: as it is */
} Spelling;
static const Spelling spellings[] = {
    {"now", NULL, "CURRENT_TIMESTAMP", NULL},
    {"localtimestamp", NULL, "DATETIME(CURRENT_TIMESTAMP, 'localtime')", NULL},
    {"char_length", NULL, "length(%e)", NULL},
    {"random", NULL, NULL, "rand(%e)"},
    {"sysdate", NULL, NULL, "SYSDATE()"},
    {"rollup", NULL, NULL, "%e WITH ROLLUP"},
};

static const char *function_spelling(const Lowering *lo, Slice name) {
    for (size_t i = 0; i < sizeof spellings / sizeof *spellings; i++) {
        if (!slice_equals_ignoring_case(name, spellings[i].function)) continue;
        if (lo_mysql(lo)) return spellings[i].mysql;
        return lo_is(lo, DIALECT_SQLITE) ? spellings[i].sqlite : spellings[i].postgresql;
    }
    return NULL;
}

static Expr *lower_aggregate_strings(Lowering *lo, const Element *element, Flags flags) {
    Expr *parts[2] = {lower_expr(lo, element->children[0], flags),
                      element->count > 1 ? lower_expr(lo, element->children[1], flags) : NULL};
    if (!parts[0] || !parts[1]) return NULL;
    if (lo_mysql(lo)) return lower_format(lo, "group_concat(%e SEPARATOR %e)", parts[0], parts[1]);
    return lower_format(lo, lo_is(lo, DIALECT_SQLITE) ? "group_concat(%e, %e)" : "string_agg(%e, %e)", parts[0],
                        parts[1]);
}

static Expr *lower_substring(Lowering *lo, const Element *element, Flags flags) {
    Expr *text = lower_expr(lo, element->children[0], flags);
    Expr *start = text ? lower_expr(lo, element->children[1], flags) : NULL;
    if (!start) return NULL;
    if (element->count < 3) return lower_format(lo, "SUBSTRING(%e FROM %e)", text, start);
    Expr *length = lower_expr(lo, element->children[2], flags);
    return length ? lower_format(lo, "SUBSTRING(%e FROM %e FOR %e)", text, start, length) : NULL;
}

static Expr *lower_call(Lowering *lo, Element *element, Flags flags) {
    const FunctionElement *f = FUNCTION(element);
    Slice name = element->name.text;
    if (slice_equals_text(name, "aggregate_strings") && f->generic && element->count == 2)
        return lower_aggregate_strings(lo, element, flags);
    if (slice_equals_text(name, "substring") && lo_is(lo, DIALECT_POSTGRESQL) && element->count >= 2)
        return lower_substring(lo, element, flags);
    const char *spelling = function_spelling(lo, name);
    if (spelling) {
        Expr *list = expr_new(lo->arena, EXPR_LIST, SQL_UNKNOWN);
        if (!lower_list(lo, element->children, element->count, flags, &list->args)) return NULL;
        return strstr(spelling, "%e") ? lower_format(lo, spelling, list) : lower_text_expr(lo, slice_from(spelling));
    }
    Expr *call = expr_call(lo->arena, function_name(lo, f), type_sql(lo->ev, element->type), 0);
    call->as.call.no_parentheses = f->no_parentheses && !element->count;
    return lower_list(lo, element->children, element->count, flags, &call->args) ? call : NULL;
}

Expr *lower_function(Lowering *lo, Element *element, Flags flags) {
    Expr *made = lower_call(lo, element, flags);
    return made && FUNCTION(element)->with_ordinality ? lower_format(lo, "%e WITH ORDINALITY", made) : made;
}

/* ---- OVER ---- */

static Expr *lower_bound(Lowering *lo, const FrameBound *bound, bool start, Flags flags) {
    if (bound->unbounded) return lower_format(lo, start ? "UNBOUNDED PRECEDING" : "UNBOUNDED FOLLOWING");
    if (bound->current) return lower_format(lo, "CURRENT ROW");
    Expr *number = lower_expr(lo, bound->bind, flags);
    return number ? lower_format(lo, bound->following ? "%e FOLLOWING" : "%e PRECEDING", number) : NULL;
}

static Expr *lower_by(Lowering *lo, Expr *so_far, const char *words, Element *const *items, int count, Flags flags) {
    if (!count) return so_far;
    Expr *list = expr_new(lo->arena, EXPR_LIST, SQL_UNKNOWN);
    if (!lower_list(lo, items, count, flags, &list->args)) return NULL;
    return so_far ? lower_format(lo, "%e %s%e", so_far, words, list) : lower_format(lo, "%s%e", words, list);
}

Expr *lower_over(Lowering *lo, Element *element, Flags flags) {
    const OverElement *over = (const OverElement *)element;
    Expr *function = lower_expr(lo, element->children[0], flags);
    if (!function) return NULL;
    Expr *window = lower_by(lo, NULL, "PARTITION BY ", element->children + 1, over->partition_count, flags);
    if (over->partition_count && !window) return NULL;
    Element *const *order = element->children + 1 + over->partition_count;
    window = lower_by(lo, window, "ORDER BY ", order, over->order_count, flags);
    if (over->order_count && !window) return NULL;
    if (over->frame.length) {
        Expr *from = lower_bound(lo, &over->from, true, flags),
             *to = from ? lower_bound(lo, &over->to, false, flags) : NULL;
        if (!to) return NULL;
        Expr *frame = lower_format(lo, "%S BETWEEN %e AND %e", over->frame, from, to);
        window = window ? lower_format(lo, "%e %e", window, frame) : frame;
    }
    return window ? lower_format(lo, "%e OVER (%e)", function, window) : lower_format(lo, "%e OVER ()", function);
}
