/*
 * Expressions: one case a kind. Functions and operators are written from the dialect's templates; parentheses come
 * from GROUP nodes and from constructs that own them.
 *
 *     BINARY(EQ, COLUMN book.id, PARAM 3)  →  "book"."id" = $1
 */
#include "compiler/emit/emitter.h"
#include "compiler/query/templates.h"

#include <stdlib.h>

enum { DEPTH_LIMIT = 3000, WEIGHT_LIMIT = 12, TEXT_LIMIT = 256 * 1024 * 1024 };

void emit_list(Emitter *e, const ExprList *list, int from, const char *separator) {
    for (int i = from; i < list->count; i++) {
        if (i > from) emit_text(e, separator);
        emit_expr(e, list->items[i]);
    }
}

/* ---- templates ---- */

/* Takes a template apart: {0} … {9} an argument, {*} all of them, {n*} from the n-th on, {x} the extra text. */
static void emit_template(Emitter *e, const char *text, const ExprList *args, Slice extra, Span span);

static void emit_hole_text(Emitter *e, const Expr *operand, Slice kind) {
    bool inet = slice_equals_text(kind, "inet");
    if (inet) EMIT(e, "HOST(");
    emit_expr(e, operand);
    emit_text(e, inet ? ")" : "::text");
}

/* {t}: the first argument as text, for PostgreSQL's pattern lookups; {e}: the second as a literal part of a pattern. */
static bool emit_lookup_hole(Emitter *e, char hole, const ExprList *args, Slice extra) {
    if (hole == 't') {
        emit_hole_text(e, args->items[0], extra);
        return true;
    }
    if (hole != 'e' || args->count < 2) return false;
    ExprList pattern = {.items = args->items + 1, .count = 1};
    emit_template(e, template_of_function(e->dialect, FUNCTION_ESCAPE_PATTERN), &pattern, extra, args->items[1]->span);
    return true;
}

/* {'text'} or {#number}: a parameter of the template's own, the same object whenever its expression is written again.
 */
static void emit_parameter_hole(Emitter *e, Slice inside, const ExprList *args) {
    for (int i = 0; i < e->own_count; i++) {
        if (e->own[i].args != args || e->own[i].hole != inside.start) continue;
        emit_param(e, e->own[i].param);
        return;
    }
    Param *param = ARENA_NEW(e->arena, Param);
    if (inside.start[0] == '#') {
        param->type = SQL_INTEGER;
        param->value = (Literal){.kind = LITERAL_INTEGER, .integer = strtoll(inside.start + 1, NULL, 10)};
    } else {
        param->type = SQL_TEXT;
        param->value = (Literal){.kind = LITERAL_TEXT, .text = slice_sub(inside, 1, inside.length - 1)};
    }
    if (e->dialect->numbered_placeholders)
        ARENA_PUSH(e->arena, e->own, e->own_count, e->own_capacity) = (OwnParam){args, inside.start, param};
    emit_param(e, param);
}

/* One hole, `inside` being what stands between its braces. False: not a hole, the braces are text. */
static bool emit_hole(Emitter *e, Slice inside, const ExprList *args, Slice extra) {
    if (slice_equals_text(inside, "*")) {
        emit_list(e, args, 0, ", ");
        return true;
    }
    if (slice_equals_text(inside, "x")) {
        buffer_slice(&e->sql, extra);
        return true;
    }
    if (inside.length == 1 && (inside.start[0] == 't' || inside.start[0] == 'e'))
        return emit_lookup_hole(e, inside.start[0], args, extra);
    if (inside.length >= 2 && (inside.start[0] == '#' || inside.start[0] == '\'')) {
        emit_parameter_hole(e, inside, args);
        return true;
    }
    if (inside.length < 1 || inside.length > 2 || inside.start[0] < '0' || inside.start[0] > '9') return false;
    int number = inside.start[0] - '0';
    if (inside.length == 2) {
        if (inside.start[1] != '*') return false;
        emit_list(e, args, number, ", ");
        return true;
    }
    if (number < args->count) emit_expr(e, args->items[number]);
    return true;
}

static void emit_template_text(Emitter *e, const char *text, const ExprList *args, Slice extra) {
    for (;;) {
        const char *open = strchr(text, '{');
        if (!open) break;
        const char *close = strchr(open, '}');
        if (!close) break;
        buffer_append(&e->sql, text, (size_t)(open - text));
        if (emit_hole(e, (Slice){open + 1, (size_t)(close - open - 1)}, args, extra)) {
            text = close + 1;
        } else {
            buffer_put(&e->sql, '{');
            text = open + 1;
        }
    }
    emit_text(e, text);
}

/* Nodes of the expression, counted up to a limit that the result is never far above. */
static int expr_weight(const Expr *expr, int depth) {
    int weight = 1;
    if (depth > WEIGHT_LIMIT) return weight + WEIGHT_LIMIT;
    for (int i = 0; i < expr->args.count && weight <= WEIGHT_LIMIT; i++)
        weight += expr_weight(expr->args.items[i], depth + 1);
    return weight;
}

/* A call may be an aggregate: like a window it has to stay in its own query, however often it is written. */
static bool expr_is_bound_to_query(const Expr *expr, int depth) {
    if (expr->kind == EXPR_CALL || expr->kind == EXPR_WINDOW || depth > DEPTH_LIMIT) return true;
    for (int i = 0; i < expr->args.count; i++)
        if (expr_is_bound_to_query(expr->args.items[i], depth + 1)) return true;
    return false;
}

/* Arguments up to the highest that a hole names. */
static int holes_used(const char *text, int count) {
    int used = 0;
    for (const char *at = strchr(text, '{'); at; at = strchr(at + 1, '{'))
        if (at[1] >= '0' && at[1] <= '9' && at[1] - '0' >= used) used = at[1] - '0' + 1;
    return used < count ? used : count;
}

/* A template that uses an argument more than once: small arguments are repeated, others computed once in a subquery.
 *     (SELECT f(v0, v0) FROM (SELECT argument AS v0)) */
static void emit_shared_template(Emitter *e, const char *text, const ExprList *args, Slice extra) {
    ExprList used = {.items = args->items, .count = holes_used(text, args->count)};
    args = &used;
    int weight = 0;
    bool bound = false;
    for (int i = 0; i < args->count; i++) weight += expr_weight(args->items[i], 0);
    for (int i = 0; i < args->count && weight > WEIGHT_LIMIT; i++) bound |= expr_is_bound_to_query(args->items[i], 0);
    if (bound || weight <= WEIGHT_LIMIT) {
        emit_template_text(e, text, args, extra);
        return;
    }
    ExprList names = {0};
    for (int i = 0; i < args->count; i++) {
        Expr *name = expr_new(e->arena, EXPR_ALIAS, args->items[i]->type);
        name->as.alias.name = slice_format(e->arena, "v%d", i);
        expr_list_push(e->arena, &names, name);
    }
    EMIT(e, "(SELECT ");
    emit_template_text(e, text, &names, extra);
    EMIT(e, " FROM (SELECT ");
    for (int i = 0; i < args->count; i++) {
        if (i) EMIT(e, ", ");
        emit_expr(e, args->items[i]);
        buffer_format(&e->sql, " AS v%d", i);
    }
    EMIT(e, "))");
}

static void emit_template(Emitter *e, const char *text, const ExprList *args, Slice extra, Span span) {
    switch (text[0]) {
    case TEMPLATE_REFUSED: emit_refuse(e, span, text + 1); break;
    case TEMPLATE_SHARED: emit_shared_template(e, text + 1, args, extra); break;
    default: emit_template_text(e, text, args, extra); break;
    }
}

/* ---- operators ---- */

/* name(unit, operand, zone, zone), as query/datetime.c left the parts behind the operand. */
static void emit_registered(Emitter *e, const Expr *expr) {
    const ExprList *args = &expr->args;
    Slice name = expr->as.function.extra;
    bool unit_first = !slice_starts_with(name, "django_datetime_cast") && !slice_ends_with(name, "_diff");
    buffer_slice(&e->sql, name);
    buffer_put(&e->sql, '(');
    if (unit_first && args->count > 1) {
        emit_expr(e, args->items[1]);
        EMIT(e, ", ");
    }
    emit_expr(e, args->items[0]);
    for (int i = unit_first ? 2 : 1; i < args->count; i++) {
        EMIT(e, ", ");
        emit_expr(e, args->items[i]);
    }
    buffer_put(&e->sql, ')');
}

static void emit_function(Emitter *e, const Expr *expr) {
    if (e->dialect->id == DIALECT_SQLITE && slice_starts_with(expr->as.function.extra, "django_")) {
        e->saw_replaced = true;
        if (e->write_registered) {
            emit_registered(e, expr);
            return;
        }
    }
    const char *text = template_of_function(e->dialect, expr->as.function.id);
    emit_template(e, text, &expr->args, expr->as.function.extra, expr->span);
}

static void emit_operator(Emitter *e, const Expr *expr) {
    const char *text = template_of_operator(e->dialect, expr->as.op.op);
    if (text[0] == '{' && text[1] == '0' && text[2] == '}' && expr->args.count == 2 && text[3] == ' ') {
        /* the common shape, `{0} op {1}`, without a scan */
        emit_expr(e, expr->args.items[0]);
        text += 3;
    }
    emit_template(e, text, &expr->args, expr->as.op.text, expr->span);
}

static void emit_connected(Emitter *e, const Expr *expr, const char *separator) {
    emit_list(e, &expr->args, 0, separator);
}

/* ---- constructs ---- */

static void emit_raw(Emitter *e, const Expr *expr) {
    buffer_slice(&e->sql, expr->as.raw.texts[0]);
    for (int i = 0; i < expr->args.count; i++) {
        emit_expr(e, expr->args.items[i]);
        buffer_slice(&e->sql, expr->as.raw.texts[i + 1]);
    }
}

static void emit_literal(Emitter *e, const Expr *expr) {
    const char *why = NULL;
    if (!e->dialect->write_literal(&e->sql, &expr->as.literal, expr->type, &why)) emit_refuse(e, expr->span, why);
}

static void emit_boolean(Emitter *e, bool value) {
    if (e->dialect->id == DIALECT_SQLITE) buffer_put(&e->sql, value ? '1' : '0');
    else emit_text(e, value ? "true" : "false");
}

static void emit_case(Emitter *e, const Expr *expr) {
    const ExprList *args = &expr->args;
    int at = 0, end = args->count - (expr->as.cased.has_else ? 1 : 0);
    EMIT(e, "CASE");
    if (expr->as.cased.has_operand) {
        buffer_put(&e->sql, ' ');
        emit_expr(e, args->items[at++]);
    }
    for (; at + 1 < end; at += 2) {
        EMIT(e, " WHEN ");
        emit_expr(e, args->items[at]);
        EMIT(e, " THEN ");
        emit_expr(e, args->items[at + 1]);
    }
    if (expr->as.cased.has_else) {
        EMIT(e, " ELSE ");
        emit_expr(e, args->items[args->count - 1]);
    }
    EMIT(e, " END");
}

static void emit_subquery(Emitter *e, const Query *query) {
    buffer_put(&e->sql, '(');
    emit_query(e, query);
    buffer_put(&e->sql, ')');
}

static void emit_in(Emitter *e, const Expr *expr) {
    emit_expr(e, expr->args.items[0]);
    if (expr->as.query.negated) EMIT(e, " NOT IN (");
    else EMIT(e, " IN (");
    if (expr->as.query.query) emit_query(e, expr->as.query.query);
    else emit_list(e, &expr->args, 1, ", ");
    buffer_put(&e->sql, ')');
}

static void emit_between(Emitter *e, const Expr *expr) {
    emit_expr(e, expr->args.items[0]);
    if (expr->as.query.negated) EMIT(e, " NOT BETWEEN ");
    else EMIT(e, " BETWEEN ");
    emit_expr(e, expr->args.items[1]);
    EMIT(e, " AND ");
    emit_expr(e, expr->args.items[2]);
}

static void emit_exists(Emitter *e, const Expr *expr) {
    bool django = emit_is_django(e);
    if (expr->as.query.negated) emit_text(e, django ? "NOT " : "NOT (");
    emit_text(e, django ? "EXISTS(" : "EXISTS (");
    if (expr->as.query.query) emit_query(e, expr->as.query.query);
    else emit_list(e, &expr->args, 0, ", ");
    buffer_put(&e->sql, ')');
    if (expr->as.query.negated && !django) buffer_put(&e->sql, ')');
}

static void emit_collate(Emitter *e, const Expr *expr) {
    emit_expr(e, expr->args.items[0]);
    EMIT(e, " COLLATE ");
    emit_identifier(e, expr->as.collate.name);
}

static void emit_alias(Emitter *e, const Expr *expr) {
    if (expr->as.alias.quoted) emit_identifier(e, expr->as.alias.name);
    else buffer_slice(&e->sql, expr->as.alias.name);
}

static void emit_interval(Emitter *e, const Expr *expr) {
    EMIT(e, "INTERVAL ");
    emit_list(e, &expr->args, 0, ", ");
    buffer_put(&e->sql, ' ');
    buffer_slice(&e->sql, expr->as.unit.unit);
}

static void emit_enclosed(Emitter *e, const char *open, const ExprList *list, char close) {
    emit_text(e, open);
    emit_list(e, list, 0, ", ");
    buffer_put(&e->sql, close);
}

static void emit_kind(Emitter *e, const Expr *expr) {
    switch (expr->kind) {
    case EXPR_COLUMN:
    case EXPR_STAR: emit_column(e, expr); break;
    case EXPR_PARAM: emit_param(e, expr->as.param); break;
    case EXPR_LITERAL: emit_literal(e, expr); break;
    case EXPR_NULL: EMIT(e, "NULL"); break;
    case EXPR_BOOLEAN: emit_boolean(e, expr->as.number != 0); break;
    case EXPR_RAW: emit_raw(e, expr); break;
    case EXPR_FUNCTION: emit_function(e, expr); break;
    case EXPR_CALL: emit_call(e, expr); break;
    case EXPR_UNARY:
    case EXPR_BINARY: emit_operator(e, expr); break;
    case EXPR_AND: emit_connected(e, expr, " AND "); break;
    case EXPR_OR: emit_connected(e, expr, " OR "); break;
    case EXPR_XOR: emit_connected(e, expr, " XOR "); break;
    case EXPR_NOT:
        EMIT(e, "NOT ");
        emit_expr(e, expr->args.items[0]);
        break;
    case EXPR_GROUP:
    case EXPR_TUPLE: emit_enclosed(e, "(", &expr->args, ')'); break;
    case EXPR_LIST: emit_list(e, &expr->args, 0, ", "); break;
    case EXPR_ARRAY: emit_enclosed(e, "ARRAY[", &expr->args, ']'); break;
    case EXPR_CASE: emit_case(e, expr); break;
    case EXPR_CAST: emit_cast(e, expr); break;
    case EXPR_COLLATE: emit_collate(e, expr); break;
    case EXPR_IN: emit_in(e, expr); break;
    case EXPR_BETWEEN: emit_between(e, expr); break;
    case EXPR_EXISTS: emit_exists(e, expr); break;
    case EXPR_SUBQUERY: emit_subquery(e, expr->as.query.query); break;
    case EXPR_WINDOW:
        emit_expr(e, expr->args.items[0]);
        EMIT(e, " OVER ");
        emit_window(e, expr->as.window);
        break;
    case EXPR_ORDER: emit_order(e, expr); break;
    case EXPR_ALIAS: emit_alias(e, expr); break;
    case EXPR_POSITION: buffer_format(&e->sql, "%lld", (long long)expr->as.number); break;
    case EXPR_EXTRACT: emit_extract(e, expr); break;
    case EXPR_INTERVAL: emit_interval(e, expr); break;
    }
}

static void emit_limit_reached(Emitter *e, Span span, const char *what, int limit, const char *unit) {
    if (!e->failed)
        diagnostics_add(e->diagnostics, CODE_LIMIT, SEVERITY_ERROR, span, "the statement %s more than %d %s", what,
                        limit, unit);
    e->failed = true;
}

bool emit_enter(Emitter *e, Span span) {
    if (e->depth > DEPTH_LIMIT) {
        emit_limit_reached(e, span, "is nested", DEPTH_LIMIT, "levels deep");
        return false;
    }
    if (e->sql.length > TEXT_LIMIT) {
        emit_limit_reached(e, span, "takes", TEXT_LIMIT, "bytes");
        return false;
    }
    e->depth++;
    return true;
}

void emit_expr(Emitter *e, const Expr *expr) {
    if (!emit_enter(e, expr->span)) return;
    emit_kind(e, expr);
    e->depth--;
}
