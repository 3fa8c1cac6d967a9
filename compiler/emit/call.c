/*
 * Calls and what belongs to them: aggregates' clauses, OVER, CAST, EXTRACT, ORDER BY items.
 *
 *     CALL count(DISTINCT x) FILTER (WHERE …)      sum(x) OVER (PARTITION BY y ORDER BY z)      x DESC NULLS LAST
 */
#include "compiler/emit/emitter.h"

static void emit_call_arguments(Emitter *e, const Expr *expr) {
    buffer_put(&e->sql, '(');
    if (expr->as.call.distinct) EMIT(e, "DISTINCT ");
    emit_list(e, &expr->args, 0, ", ");
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
    if (expr->as.call.quoted) emit_identifier(e, expr->as.call.name);
    else buffer_slice(&e->sql, expr->as.call.name);
    if (expr->as.call.no_parentheses) return;
    emit_call_arguments(e, expr);
    if (expr->as.call.within_group.count) {
        EMIT(e, " WITHIN GROUP (ORDER BY ");
        emit_list(e, &expr->as.call.within_group, 0, ", ");
        buffer_put(&e->sql, ')');
    }
    if (expr->as.call.filter) {
        EMIT(e, " FILTER (WHERE ");
        emit_expr(e, expr->as.call.filter);
        buffer_put(&e->sql, ')');
    }
}

void emit_window(Emitter *e, const Window *window) {
    bool django = emit_is_django(e);
    if (window->name.length && !window->partition_by.count && !window->order_by.count && !window->frame.length) {
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
    if (window->frame.length) {
        emit_text(e, django ? " " : space);
        buffer_slice(&e->sql, window->frame);
    }
    buffer_put(&e->sql, ')');
}

void emit_cast(Emitter *e, const Expr *expr) {
    if (emit_is_django(e) && e->dialect->id == DIALECT_POSTGRESQL) {
        buffer_put(&e->sql, '(');
        emit_expr(e, expr->args.items[0]);
        EMIT(e, ")::");
        buffer_slice(&e->sql, expr->as.cast.type_name);
        return;
    }
    EMIT(e, "CAST(");
    emit_expr(e, expr->args.items[0]);
    EMIT(e, " AS ");
    buffer_slice(&e->sql, expr->as.cast.type_name);
    buffer_put(&e->sql, ')');
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
