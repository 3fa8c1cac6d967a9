/*
 * Calls and what belongs to them: aggregates' clauses, OVER, CAST, EXTRACT, ORDER BY items.
 *
 *     CALL count(DISTINCT x) FILTER (WHERE …)      sum(x) OVER (PARTITION BY y ORDER BY z)      x DESC NULLS LAST
 */
#include "compiler/emit/emitter.h"

/* FILTER where the database has none: Django gives the aggregate NULL for the rows that are left out. */
static bool filter_is_case(const Emitter *e, const Expr *call) {
    return call->as.call.filter && emit_is_django(e) && !e->dialect->has_aggregate_filter && call->args.count;
}

static void emit_call_arguments(Emitter *e, const Expr *expr) {
    buffer_put(&e->sql, '(');
    if (expr->as.call.distinct) EMIT(e, "DISTINCT ");
    if (filter_is_case(e, expr)) {
        EMIT(e, "CASE WHEN ");
        emit_expr(e, expr->as.call.filter);
        EMIT(e, " THEN ");
        emit_expr(e, expr->args.items[0]);
        EMIT(e, " ELSE NULL END");
        if (expr->args.count > 1) EMIT(e, ", ");
        emit_list(e, &expr->args, 1, ", ");
    } else {
        emit_list(e, &expr->args, 0, ", ");
    }
    if (expr->as.call.order_by.count) {
        EMIT(e, " ORDER BY ");
        emit_list(e, &expr->as.call.order_by, 0, ", ");
    }
    if (expr->as.call.separator.length) {
        EMIT(e, " SEPARATOR ");
        buffer_slice(&e->sql, expr->as.call.separator);
    }
    buffer_put(&e->sql, ')');
}

void emit_call(Emitter *e, const Expr *expr) {
    if (e->dialect->id == DIALECT_SQLITE && slice_starts_with(expr->as.call.name, "django_")) e->saw_registered = true;
    if (expr->as.call.quoted) emit_identifier(e, expr->as.call.name);
    else buffer_slice(&e->sql, expr->as.call.name);
    if (expr->as.call.no_parentheses) return;
    emit_call_arguments(e, expr);
    if (expr->as.call.within_group.count) {
        EMIT(e, " WITHIN GROUP (ORDER BY ");
        emit_list(e, &expr->as.call.within_group, 0, ", ");
        buffer_put(&e->sql, ')');
    }
    if (expr->as.call.filter && !filter_is_case(e, expr)) {
        EMIT(e, " FILTER (WHERE ");
        emit_expr(e, expr->as.call.filter);
        buffer_put(&e->sql, ')');
    }
}

void emit_window(Emitter *e, const Window *window) {
    bool django = emit_is_django(e);
    if (window->name.length && !window->partition_by.count && !window->order_by.count && !window->frame.length &&
        !window->frame_expr) {
        emit_identifier(e, window->name);
        return;
    }
    buffer_put(&e->sql, '(');
    const char *space = "";
    if (window->partition_by.count) {
        EMIT(e, "PARTITION BY ");
        emit_list(e, &window->partition_by, 0, ", ");
        space = " ";
    }
    if (window->order_by.count) {
        emit_text(e, space);
        EMIT(e, "ORDER BY ");
        emit_list(e, &window->order_by, 0, ", ");
        space = " ";
    }
    if (window->frame_expr) {
        emit_text(e, space);
        emit_expr(e, window->frame_expr);
    } else if (window->frame.length) {
        /* Django keeps the space where nothing stands before the frame */
        emit_text(e, django ? " " : space);
        buffer_slice(&e->sql, window->frame);
    }
    buffer_put(&e->sql, ')');
}

static void emit_text_param(Emitter *e, const char *text) {
    Param *param = ARENA_NEW(e->arena, Param);
    param->type = SQL_TEXT;
    param->value = (Literal){.kind = LITERAL_TEXT, .text = slice_from(text)};
    emit_param(e, param);
}

/* SQLite has no types of dates and times: Django formats them. */
static bool emit_cast_sqlite(Emitter *e, const Expr *expr) {
    const char *format = NULL;
    if (expr->type == SQL_DATETIME) format = "%Y-%m-%d %H:%M:%f";
    if (expr->type == SQL_TIME) format = "%H:%M:%f";
    if (!format && expr->type != SQL_DATE) return false;
    emit_text(e, format ? "strftime(" : "date(");
    if (format) {
        emit_text_param(e, format);
        EMIT(e, ", ");
    }
    emit_expr(e, expr->args.items[0]);
    buffer_put(&e->sql, ')');
    return true;
}

static bool emit_cast_mysql(Emitter *e, const Expr *expr) {
    bool number = expr->type == SQL_FLOAT, json = expr->type == SQL_JSON && e->dialect->id == DIALECT_MARIADB;
    if (!number && !json) return false;
    emit_text(e, number ? "(" : "JSON_EXTRACT(");
    emit_expr(e, expr->args.items[0]);
    emit_text(e, number ? " + 0.0)" : ", '$')");
    return true;
}

void emit_cast(Emitter *e, const Expr *expr) {
    if (emit_is_django(e)) {
        if (e->dialect->id == DIALECT_SQLITE && emit_cast_sqlite(e, expr)) return;
        if (e->dialect->is_mysql && emit_cast_mysql(e, expr)) return;
    }
    bool double_colon = emit_is_django(e) && e->dialect->id == DIALECT_POSTGRESQL;
    emit_text(e, double_colon ? "(" : "CAST(");
    emit_expr(e, expr->args.items[0]);
    emit_text(e, double_colon ? ")::" : " AS ");
    buffer_slice(&e->sql, expr->as.cast.type_name);
    if (!double_colon) buffer_put(&e->sql, ')');
}

/* strftime's letter for a field of EXTRACT on SQLite, as SQLAlchemy knows them. */
static const char *sqlite_extract_format(Slice unit) {
    static const struct {
        const char *unit, *format;
    } formats[] = {{"month", "%m"}, {"day", "%d"},    {"year", "%Y"},  {"second", "%S"}, {"hour", "%H"},
                   {"doy", "%j"},   {"minute", "%M"}, {"epoch", "%s"}, {"dow", "%w"},    {"week", "%W"}};
    for (size_t i = 0; i < sizeof formats / sizeof *formats; i++)
        if (slice_equals_text(unit, formats[i].unit)) return formats[i].format;
    return NULL;
}

void emit_extract(Emitter *e, const Expr *expr) {
    Slice unit = expr->as.unit.unit;
    if (e->dialect->id == DIALECT_SQLITE) {
        const char *format = sqlite_extract_format(unit);
        if (!format) {
            Slice message = slice_format(e->arena, "%.*s is not a valid extract argument.", SLICE_ARGS(unit));
            emit_refuse(e, expr->span, message.start);
            return;
        }
        EMIT(e, "CAST(STRFTIME('");
        emit_text(e, format);
        EMIT(e, "', ");
        emit_expr(e, expr->args.items[0]);
        EMIT(e, ") AS INTEGER)");
        return;
    }
    EMIT(e, "EXTRACT(");
    buffer_slice(&e->sql, unit);
    EMIT(e, " FROM ");
    emit_expr(e, expr->args.items[0]);
    buffer_put(&e->sql, ')');
}

/* Where the database has no NULLS FIRST, Django sorts by IS NULL first; SQLAlchemy writes the clause all the same. */
void emit_order(Emitter *e, const Expr *expr) {
    bool emulate = emit_is_django(e) && !e->dialect->has_nulls_order && expr->as.order.nulls != NULLS_DEFAULT;
    if (emulate) {
        bool needed = expr->as.order.descending == (expr->as.order.nulls == NULLS_FIRST);
        if (needed) {
            emit_expr(e, expr->args.items[0]);
            emit_text(e, expr->as.order.nulls == NULLS_FIRST ? " IS NOT NULL, " : " IS NULL, ");
        }
    }
    emit_expr(e, expr->args.items[0]);
    if (expr->as.order.descending) EMIT(e, " DESC");
    else if (expr->as.order.explicit_asc) EMIT(e, " ASC");
    if (emulate || expr->as.order.nulls == NULLS_DEFAULT) return;
    emit_text(e, expr->as.order.nulls == NULLS_FIRST ? " NULLS FIRST" : " NULLS LAST");
}
