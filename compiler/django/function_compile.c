/*
 * Functions and aggregates as SQL. Most are an id whose template each dialect has; here are those whose tree depends on
 * types, options or the dialect's abilities.
 */
#include "compiler/django/function_compile.h"

#include "compiler/django/column_type.h"
#include "compiler/django/django.h"
#include "compiler/django/field_prepare.h"
#include "compiler/django/function_table.h"
#include "compiler/django/lookup_compile.h"
#include "compiler/evaluate/calendar.h"
#include "compiler/query/datetime.h"

static SqlType type_of(DjCompiler *compiler, DjExpr *expr) {
    DjField *field = dj_output_field(compiler->ev, expr, false);
    evaluator_clear_error(compiler->ev);
    return field ? field->sql_type : SQL_UNKNOWN;
}

static FieldKind internal_of(DjCompiler *compiler, DjExpr *expr) {
    DjField *field = dj_output_field(compiler->ev, expr, false);
    evaluator_clear_error(compiler->ev);
    return field ? field->internal : FIELD_OBJECT;
}

static DjOutcome compile_sources(DjCompiler *compiler, DjExpr *expr, ExprList *out) {
    for (int i = 0; i < expr->count; i++) {
        Expr *source;
        DjOutcome outcome = dj_compile_or_value(compiler, expr->args[i], &source);
        if (outcome != DJ_SQL) return outcome;
        expr_list_push(compiler_arena(compiler), out, source);
    }
    return DJ_SQL;
}

static DjOutcome compile_by_id(DjCompiler *compiler, DjExpr *expr, Expr **out) {
    Expr *call = expr_new(compiler_arena(compiler), EXPR_FUNCTION, type_of(compiler, expr));
    call->as.function.id = expr->as.func.spec->id;
    call->as.function.extra = (Slice){"", 0};
    if (expr->site) call->span = evaluator_span(compiler->ev, expr->site);
    *out = call;
    return compile_sources(compiler, expr, &call->args);
}

/* ---- templates of the program: Func(template="%(function)s(%(expressions)s)") ---- */

static Slice option_text(DjCompiler *compiler, DjExpr *expr, Slice name) {
    if (slice_equals_text(name, "function")) return expr->as.func.function;
    for (int i = 0; i < expr->as.func.extra_count; i++) {
        if (!slice_equals(expr->as.func.extra[i].name->text, name)) continue;
        Value *text = value_str(compiler->ev, expr->as.func.extra[i].value, expr->site);
        return text && value_is(text, VALUE_STRING) ? value_text(text) : (Slice){"", 0};
    }
    Value *value = class_find(expr->instance.head.cls, atom_intern(evaluator_atoms(compiler->ev), name));
    return value && value_is(value, VALUE_STRING) ? value_text(value) : (Slice){"", 0};
}

typedef struct TemplateText {
    Buffer text;
    Slice *texts;
    int count, capacity;
    Expr *raw;
} TemplateText;

static void template_cut(DjCompiler *compiler, TemplateText *out) {
    ARENA_PUSH(compiler_arena(compiler), out->texts, out->count, out->capacity) =
        slice_copy(compiler_arena(compiler), buffer_view(&out->text));
    out->text.length = 0;
}

static void template_sources(DjCompiler *compiler, TemplateText *out, const ExprList *sources, Slice joiner) {
    for (int i = 0; i < sources->count; i++) {
        if (i) buffer_slice(&out->text, joiner);
        template_cut(compiler, out);
        expr_list_push(compiler_arena(compiler), &out->raw->args, sources->items[i]);
    }
}

/* %(name)s holes; `head` and `tail` are put around the sources (DISTINCT, ORDER BY). */
static Expr *fill_template(DjCompiler *compiler, DjExpr *expr, Slice template, const ExprList *sources,
                           const char *head) {
    TemplateText out = {.raw = expr_new(compiler_arena(compiler), EXPR_RAW, type_of(compiler, expr))};
    buffer_init(&out.text, compiler_arena(compiler));
    Slice joiner = expr->as.func.joiner.start ? expr->as.func.joiner : SLICE(", ");
    for (size_t i = 0; i < template.length; i++) {
        if (template.start[i] != '%' || i + 1 >= template.length) {
            buffer_put(&out.text, template.start[i]);
            continue;
        }
        if (template.start[i + 1] == '%') {
            buffer_put(&out.text, '%');
            i++;
            continue;
        }
        size_t end = i;
        while (end < template.length && template.start[end] != ')') end++;
        Slice name = slice_sub(template, i + 2, end);
        if (slice_equals_text(name, "expressions") || slice_equals_text(name, "field"))
            template_sources(compiler, &out, sources, joiner);
        else if (slice_equals_text(name, "distinct")) buffer_text(&out.text, head);
        else buffer_slice(&out.text, option_text(compiler, expr, name));
        i = end + 1;
    }
    template_cut(compiler, &out);
    out.raw->as.raw.texts = out.texts;
    return out.raw;
}

DjOutcome compile_custom(DjCompiler *compiler, DjExpr *expr, Expr **out) {
    ExprList sources = {0};
    DjOutcome outcome = compile_sources(compiler, expr, &sources);
    if (outcome != DJ_SQL) return outcome;
    Slice template = expr->as.func.template.start ? expr->as.func.template : SLICE("%(function)s(%(expressions)s)");
    *out = fill_template(compiler, expr, template, &sources, "");
    return DJ_SQL;
}

/* ---- aggregates ---- */

static Slice aggregate_name(DjExpr *expr) {
    static const char *const names[][2] = {
        {"Count", "COUNT"}, {"Sum", "SUM"}, {"Avg", "AVG"}, {"Min", "MIN"}, {"Max", "MAX"}};
    if (expr->as.func.function.start) return expr->as.func.function;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcmp(names[i][0], expr->as.func.spec->name) == 0) return slice_from(names[i][1]);
    return slice_from(expr->as.func.spec->sql ? expr->as.func.spec->sql : expr->as.func.spec->name);
}

/* Without FILTER: what the filter excludes becomes NULL, which aggregates pass over. */
static DjExpr *filter_as_case(DjCompiler *compiler, DjExpr *expr) {
    Evaluator *ev = compiler->ev;
    DjExpr *copy = dj_copy(ev, expr), *when = dj_expr_new(ev, DJ_WHEN, expr->site, 2);
    DjExpr *cased = dj_expr_new(ev, DJ_CASE, expr->site, 2);
    when->args[0] = expr->as.func.filter;
    when->args[1] = expr->args[0];
    cased->args[0] = when;
    cased->args[1] = dj_value(ev, value_none(ev), NULL, expr->site);
    when->flags = cased->flags = DJ_RESOLVED;
    copy->args[0] = cased;
    copy->as.func.filter = NULL;
    return copy;
}

static DjOutcome compile_filter(DjCompiler *compiler, DjExpr *filter, Expr **out) {
    *out = NULL;
    DjOutcome outcome = dj_compile(compiler, filter, out);
    if (outcome == DJ_FULL) {
        *out = NULL;
        return DJ_SQL;
    }
    return outcome;
}

static Expr *typed_aggregate(DjCompiler *compiler, DjExpr *expr, Expr *call) {
    Arena *arena = compiler_arena(compiler);
    FieldKind kind = internal_of(compiler, expr);
    const char *name = expr->as.func.spec->name;
    bool numeric = strcmp(name, "Sum") == 0 || strcmp(name, "Avg") == 0;
    if (numeric && kind == FIELD_DURATION && compiler->dialect->is_mysql)
        return expr_function(arena, FUNCTION_AS_SIGNED, SQL_INTERVAL, 1, call);
    if (kind == FIELD_DECIMAL && compiler->dialect->id == DIALECT_SQLITE)
        return expr_function(arena, FUNCTION_AS_DECIMAL, SQL_DECIMAL, 1, call);
    return call;
}

DjOutcome compile_aggregate(DjCompiler *compiler, DjExpr *expr, Expr **out) {
    Arena *arena = compiler_arena(compiler);
    if (expr->as.func.filter && !compiler->dialect->has_aggregate_filter) expr = filter_as_case(compiler, expr);
    Expr *filter = NULL;
    DjOutcome outcome = expr->as.func.filter ? compile_filter(compiler, expr->as.func.filter, &filter) : DJ_SQL;
    if (outcome != DJ_SQL) return outcome;
    if (expr->as.func.template.start) {
        ExprList sources = {0};
        outcome = compile_sources(compiler, expr, &sources);
        if (outcome != DJ_SQL) return outcome;
        *out =
            fill_template(compiler, expr, expr->as.func.template, &sources, expr->as.func.distinct ? "DISTINCT " : "");
        return DJ_SQL;
    }
    Expr *call = expr_new(arena, EXPR_CALL, type_of(compiler, expr));
    call->as.call.name = aggregate_name(expr);
    call->as.call.distinct = expr->as.func.distinct;
    call->as.call.filter = filter;
    if (expr->site) call->span = evaluator_span(compiler->ev, expr->site);
    outcome = compile_sources(compiler, expr, &call->args);
    for (int i = 0; outcome == DJ_SQL && expr->as.func.order_by && i < expr->as.func.order_by->count; i++) {
        Expr *order;
        outcome = dj_compile(compiler, expr->as.func.order_by->args[i], &order);
        if (outcome == DJ_SQL) expr_list_push(arena, &call->as.call.order_by, order);
    }
    if (outcome == DJ_SQL) *out = typed_aggregate(compiler, expr, call);
    return outcome;
}

/* ---- conversion ---- */

/* (inner)::type, PostgreSQL's own form of a cast */
/* The dialect writes the cast: (inner)::type, CAST(inner AS type), or a reformatting of SQLite's dates. */
static Expr *cast_to(DjCompiler *compiler, Expr *inner, Slice type, SqlType result) {
    Expr *cast = expr_new(compiler_arena(compiler), EXPR_CAST, result);
    expr_list_push(compiler_arena(compiler), &cast->args, inner);
    cast->as.cast.type_name = type;
    return cast;
}

DjOutcome compile_coalesce(DjCompiler *compiler, DjExpr *expr, Expr **out) {
    return compile_by_id(compiler, expr, out);
}

DjOutcome compile_cast(DjCompiler *compiler, DjExpr *expr, Expr **out) {
    DjOutcome outcome = dj_compile_or_value(compiler, expr->args[0], out);
    if (outcome != DJ_SQL) return outcome;
    Slice type = field_cast_type(compiler->ev, expr->output_field);
    if (!type.length) return evaluator_error_pending(compiler->ev) ? DJ_ERROR : DJ_SQL;
    *out = cast_to(compiler, *out, type, expr->output_field->sql_type);
    return DJ_SQL;
}

DjOutcome compile_collate(DjCompiler *compiler, DjExpr *expr, Expr **out) {
    Expr *inner;
    DjOutcome outcome = dj_compile_or_value(compiler, expr->args[0], &inner);
    if (outcome != DJ_SQL) return outcome;
    *out = expr_new(compiler_arena(compiler), EXPR_COLLATE, SQL_TEXT);
    expr_list_push(compiler_arena(compiler), &(*out)->args, inner);
    (*out)->as.collate.name = expr->as.func.unit;
    return DJ_SQL;
}

/* PostgreSQL's functions take any type: keys of objects are said to be text, items of arrays to be what they are. */
DjOutcome compile_json_object(DjCompiler *compiler, DjExpr *expr, Expr **out) {
    DjOutcome outcome = compile_by_id(compiler, expr, out);
    if (outcome != DJ_SQL || compiler->dialect->id != DIALECT_POSTGRESQL) return outcome;
    bool array = expr->as.func.spec->id == FUNCTION_JSON_ARRAY;
    for (int i = 0; i < expr->count; i++) {
        DjField *field = array ? dj_output_field(compiler->ev, expr->args[i], true) : NULL;
        if (array && !field) return DJ_ERROR;
        if (!array && i % 2) continue;
        Slice type = array ? field_cast_type(compiler->ev, field) : SLICE("text");
        bool cast_already = expr->args[i]->kind == DJ_FUNC && strcmp(expr->args[i]->as.func.spec->name, "Cast") == 0;
        if (type.length && !cast_already)
            (*out)->args.items[i] = cast_to(compiler, (*out)->args.items[i], type, field ? field->sql_type : SQL_TEXT);
    }
    return DJ_SQL;
}

/* ---- numbers ---- */

/* PostgreSQL has LOG, MOD and ROUND with two arguments for numeric only. */
DjOutcome compile_decimal_input(DjCompiler *compiler, DjExpr *expr, Expr **out) {
    DjOutcome outcome = compile_by_id(compiler, expr, out);
    if (outcome != DJ_SQL || compiler->dialect->id != DIALECT_POSTGRESQL) return outcome;
    for (int i = 0; i < expr->count; i++)
        if (internal_of(compiler, expr->args[i]) == FIELD_FLOAT)
            (*out)->args.items[i] =
                expr_function(compiler_arena(compiler), FUNCTION_AS_NUMERIC, SQL_DECIMAL, 1, (*out)->args.items[i]);
    return DJ_SQL;
}

DjOutcome compile_round(DjCompiler *compiler, DjExpr *expr, Expr **out) {
    const DjExpr *precision = expr->count > 1 ? expr->args[1] : NULL;
    const Value *value = precision && precision->kind == DJ_VALUE ? precision->as.value.value : NULL;
    if (value && value_is(value, VALUE_INTEGER) && ((const IntegerValue *)value)->number < 0 &&
        compiler->dialect->id == DIALECT_SQLITE) {
        evaluator_raise_id(compiler->ev, EXCEPTION_VALUE, expr->site, "SQLite does not support negative precision.");
        return DJ_ERROR;
    }
    return compile_decimal_input(compiler, expr, out);
}

/* SQLite's ATAN2 gives integers for integers of differing kinds: one side is cast. */
DjOutcome compile_atan2(DjCompiler *compiler, DjExpr *expr, Expr **out) { return compile_by_id(compiler, expr, out); }

/* ---- text ---- */

DjOutcome compile_concat_pair(DjCompiler *compiler, DjExpr *expr, Expr **out) {
    DjOutcome outcome = compile_by_id(compiler, expr, out);
    if (outcome != DJ_SQL || compiler->dialect->id != DIALECT_POSTGRESQL) return outcome;
    for (int i = 0; i < expr->count; i++) {
        /* what is no text already is cast, so that COALESCE has one type */
        DjField *field = dj_output_field(compiler->ev, expr->args[i], false);
        evaluator_clear_error(compiler->ev);
        bool text = field && (field_kind_is(field->kind, FIELD_CHAR) || field_kind_is(field->kind, FIELD_TEXT));
        if (!text) (*out)->args.items[i] = cast_to(compiler, (*out)->args.items[i], SLICE("text"), SQL_TEXT);
    }
    return DJ_SQL;
}

/* ---- dates and times ---- */

/* The zone that a datetime is shown in: tzinfo=, else the current one where USE_TZ is on. */
static Slice zone_of(DjCompiler *compiler, DjExpr *expr, SqlType source) {
    if (source != SQL_DATETIME || !django_use_tz(compiler->ev)) return (Slice){0};
    Value *zone = expr->as.func.zone;
    if (!zone) return django_current_zone_name(compiler->ev);
    if (value_is(zone, VALUE_TIMEZONE)) return zone_title(compiler->ev, zone);
    Value *text = value_str(compiler->ev, zone, expr->site);
    return text && value_is(text, VALUE_STRING) ? value_text(text) : django_current_zone_name(compiler->ev);
}

/* Names that would be more than a unit. */
static DjOutcome check_extract(DjCompiler *compiler, DjExpr *expr, SqlType source) {
    if (!dj_check_extract(compiler->ev, expr)) return DJ_ERROR;
    Slice unit = expr->as.func.unit;
    /* SQLite takes the unit as a value */
    for (size_t i = 0; i < unit.length && compiler->dialect->id != DIALECT_SQLITE; i++) {
        char c = unit.start[i];
        if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_') continue;
        evaluator_raise_id(compiler->ev, EXCEPTION_VALUE, expr->site, "Invalid lookup type: %.*s",
                           SLICE_ARGS(value_repr(compiler->ev, value_string(compiler->ev, unit))));
        return DJ_ERROR;
    }
    if (source == SQL_INTERVAL && !compiler->dialect->has_native_interval) {
        evaluator_raise_id(compiler->ev, EXCEPTION_VALUE, expr->site,
                           "Extract requires native DurationField database support.");
        return DJ_ERROR;
    }
    return DJ_SQL;
}

DjOutcome compile_extract(DjCompiler *compiler, DjExpr *expr, Expr **out) {
    Expr *inner;
    DjOutcome outcome = dj_compile_or_value(compiler, expr->args[0], &inner);
    if (outcome != DJ_SQL) return outcome;
    SqlType source = type_of(compiler, expr->args[0]);
    outcome = check_extract(compiler, expr, source);
    if (outcome != DJ_SQL) return outcome;
    *out = expr_extract(compiler_arena(compiler), compiler->dialect, expr->as.func.unit, source, inner,
                        zone_of(compiler, expr, source));
    return DJ_SQL;
}

DjOutcome compile_trunc(DjCompiler *compiler, DjExpr *expr, Expr **out) {
    Expr *inner;
    DjOutcome outcome = dj_compile_or_value(compiler, expr->args[0], &inner);
    if (outcome != DJ_SQL) return outcome;
    SqlType source = type_of(compiler, expr->args[0]), output = type_of(compiler, expr);
    Slice zone = zone_of(compiler, expr, source), unit = expr->as.func.unit;
    Arena *arena = compiler_arena(compiler);
    if (slice_equals_text(unit, "date")) *out = expr_datetime_part(arena, compiler->dialect, SQL_DATE, inner, zone);
    else if (slice_equals_text(unit, "time"))
        *out = expr_datetime_part(arena, compiler->dialect, SQL_TIME, inner, zone);
    else *out = expr_truncate(arena, compiler->dialect, unit, source, output, inner, zone);
    return DJ_SQL;
}

DjOutcome dj_compile_function(DjCompiler *compiler, DjExpr *expr, Expr **out) {
    const DjFunction *spec = expr->as.func.spec;
    bool custom_text = expr->as.func.template.start || expr->as.func.function.start || expr->as.func.joiner.start;
    DjOutcome outcome = spec->compile && !(custom_text && !(spec->flags & DJF_AGGREGATE))
                            ? spec->compile(compiler, expr, out)
                        : custom_text ? compile_custom(compiler, expr, out)
                                      : compile_by_id(compiler, expr, out);
    bool decimal = outcome == DJ_SQL && !(spec->flags & DJF_AGGREGATE) && compiler->dialect->id == DIALECT_SQLITE &&
                   internal_of(compiler, expr) == FIELD_DECIMAL && strcmp(spec->name, "Cast") != 0 &&
                   strcmp(spec->name, "ATan2") != 0 &&
                   strcmp(spec->name, "Log") != 0; /* these write SQLite themselves */
    if (decimal) *out = expr_function(compiler_arena(compiler), FUNCTION_AS_DECIMAL, SQL_DECIMAL, 1, *out);
    return outcome;
}
