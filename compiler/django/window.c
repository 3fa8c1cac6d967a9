/*
 * Window functions: function OVER (PARTITION BY … ORDER BY … frame).
 */
#include "compiler/django/django.h"
#include "compiler/django/function_compile.h"

static DjOutcome compile_items(DjCompiler *compiler, DjExpr *list, ExprList *out) {
    for (int i = 0; list && i < list->count; i++) {
        Expr *item;
        DjOutcome outcome = dj_compile_or_value(compiler, list->args[i], &item);
        if (outcome != DJ_SQL) return outcome;
        expr_list_push(compiler_arena(compiler), out, item);
    }
    return DJ_SQL;
}

static bool raise_frame_end(DjCompiler *compiler, DjExpr *frame, Value *value, bool start) {
    Value *text = value_str(compiler->ev, value, frame->site);
    return evaluator_raise_id(
               compiler->ev, EXCEPTION_VALUE, frame->site,
               "%s argument must be %s integer, zero, or None, but got '%.*s'.", start ? "start" : "end",
               frame->as.frame.rows ? "an"
               : start              ? "a negative"
                                    : "a positive",
               SLICE_ARGS(text && value_is(text, VALUE_STRING) ? value_text(text) : value_repr(compiler->ev, value))) !=
           NULL;
}

/* One end of a frame: None unbounded, 0 the current row, n rows before or after. */
static bool frame_end(DjCompiler *compiler, DjExpr *frame, Value *value, bool start, Buffer *out) {
    int64_t number;
    if (!value || value_is_none(value)) {
        buffer_text(out, start ? "UNBOUNDED PRECEDING" : "UNBOUNDED FOLLOWING");
        return true;
    }
    bool rows = frame->as.frame.rows, whole = value_as_integer(value, &number);
    if (!whole || (!rows && (start ? number > 0 : number < 0))) return raise_frame_end(compiler, frame, value, start);
    if (!rows && compiler->dialect->id == DIALECT_POSTGRESQL && number != 0) {
        evaluator_raise(compiler->ev, django_state(compiler->ev)->not_supported_error,
                        evaluator_span(compiler->ev, frame->site),
                        "PostgreSQL only supports UNBOUNDED together with PRECEDING and FOLLOWING.");
        return false;
    }
    if (number == 0) buffer_text(out, "CURRENT ROW");
    else if (number < 0) buffer_format(out, "%lld PRECEDING", (long long)-number);
    else buffer_format(out, "%lld FOLLOWING", (long long)number);
    return true;
}

static bool compile_frame(DjCompiler *compiler, DjExpr *frame, Slice *out) {
    Buffer text;
    int64_t start, end;
    buffer_init(&text, compiler_arena(compiler));
    Value *first = frame->as.frame.start, *last = frame->as.frame.end;
    bool rows = frame->as.frame.rows;
    if (rows && first && last && value_as_integer(first, &start) && value_as_integer(last, &end) && start > end)
        return evaluator_raise_id(compiler->ev, EXCEPTION_VALUE, frame->site, "start cannot be greater than end.") !=
               NULL;
    buffer_text(&text, frame->as.frame.rows ? "ROWS BETWEEN " : "RANGE BETWEEN ");
    if (!frame_end(compiler, frame, first, true, &text)) return false;
    buffer_text(&text, " AND ");
    if (!frame_end(compiler, frame, last, false, &text)) return false;
    if (frame->as.frame.exclusion.length && compiler->dialect->is_mysql) {
        evaluator_raise(compiler->ev, django_state(compiler->ev)->not_supported_error,
                        evaluator_span(compiler->ev, frame->site),
                        "This backend does not support window frame exclusions.");
        return false;
    }
    if (frame->as.frame.exclusion.length) buffer_format(&text, " EXCLUDE %.*s", SLICE_ARGS(frame->as.frame.exclusion));
    *out = buffer_view(&text);
    return true;
}

/* SQLite computes decimals as floats: the function's own cast goes around the whole window. */
DjOutcome dj_compile_window(DjCompiler *compiler, DjExpr *expr, Expr **out) {
    Arena *arena = compiler_arena(compiler);
    Expr *over = expr_new(arena, EXPR_WINDOW, SQL_UNKNOWN), *source;
    DjOutcome outcome = dj_compile(compiler, expr->args[0], &source);
    if (outcome != DJ_SQL) return outcome;
    bool decimal = source->kind == EXPR_FUNCTION && source->as.function.id == FUNCTION_AS_DECIMAL;
    if (decimal) source = source->args.items[0];
    over->type = source->type;
    over->as.window = ARENA_NEW(arena, Window);
    expr_list_push(arena, &over->args, source);
    outcome = compile_items(compiler, expr->as.window.partition_by, &over->as.window->partition_by);
    if (outcome == DJ_SQL) outcome = compile_items(compiler, expr->as.window.order_by, &over->as.window->order_by);
    if (outcome != DJ_SQL) return outcome;
    if (expr->as.window.frame && !compile_frame(compiler, expr->as.window.frame, &over->as.window->frame))
        return DJ_ERROR;
    *out = decimal ? expr_function(arena, FUNCTION_AS_DECIMAL, SQL_DECIMAL, 1, over) : over;
    return DJ_SQL;
}
