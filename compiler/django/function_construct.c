/*
 * What the calls of particular functions mean: Count("x", distinct=True, filter=Q(…)), Substr("name", 1, 3),
 * Concat("a", "b", "c") → pairs, TruncMonth("at", tzinfo=…).
 */
#include "compiler/django/django.h"
#include "compiler/django/expression_classes.h"
#include "compiler/django/function_table.h"
#include "compiler/django/model_build.h"
#include "compiler/django/query_state.h"
#include "compiler/django/queryset.h"

static void push_source(Evaluator *ev, DjExpr *expr, DjExpr *source) {
    DjExpr **items = ARENA_ARRAY(evaluator_arena(ev), DjExpr *, expr->count + 1);
    if (expr->count) memcpy(items, expr->args, sizeof *items * (size_t)expr->count);
    items[expr->count++] = source;
    expr->args = items;
}

static DjExpr *number(Evaluator *ev, int64_t value, const Node *site) {
    return dj_value(ev, value_integer(ev, value), NULL, site);
}

/* ---- aggregates ---- */

/* order_by= of aggregates and windows: a direction is written only where the program says one. */
DjExpr *dj_read_order_by(Evaluator *ev, Value *value, const Node *site) {
    DjExprs items = {0};
    Value *const one[1] = {value};
    Value *const *list = one;
    int count = 1;
    if (value_is(value, VALUE_LIST) || value_is(value, VALUE_TUPLE)) {
        list = ((ListValue *)value)->items;
        count = ((ListValue *)value)->count;
    }
    for (int i = 0; i < count; i++) {
        DjExpr *item;
        if (value_is(list[i], VALUE_STRING)) {
            Slice name = value_text(list[i]);
            bool descending = name.length && name.start[0] == '-';
            item = dj_f(ev, descending ? slice_sub(name, 1, name.length) : name, site);
            if (descending) item = dj_order_by(ev, item, true, NULLS_DEFAULT, site);
        } else {
            item = dj_parse(ev, list[i], true, site);
            if (item->kind == DJ_LIST) return item;
        }
        ARENA_PUSH(evaluator_arena(ev), items.items, items.count, items.capacity) = item;
    }
    return dj_list(ev, items.items, items.count);
}

static bool aggregate_keyword(Evaluator *ev, DjExpr *expr, const Keyword *keyword) {
    Slice name = keyword->name->text;
    unsigned flags = expr->as.func.spec->flags;
    if (slice_equals_text(name, "filter")) {
        if (value_is_none(keyword->value)) return true;
        expr->as.func.filter = dj_parse(ev, keyword->value, false, keyword->node);
    } else if (slice_equals_text(name, "default")) {
        if (value_is_none(keyword->value)) return true;
        if (strcmp(expr->as.func.spec->name, "Count") == 0)
            return evaluator_raise_id(ev, EXCEPTION_TYPE, expr->site, "Count does not allow default.") != NULL;
        expr->as.func.default_value = keyword->value;
    } else if (slice_equals_text(name, "distinct")) {
        expr->as.func.distinct = value_truthy(ev, keyword->value);
        if (expr->as.func.distinct && !(flags & DJF_DISTINCT))
            return evaluator_raise_id(ev, EXCEPTION_TYPE, expr->site, "%s does not allow distinct.",
                                      expr->as.func.spec->name) != NULL;
    } else if (flags & DJF_ORDERABLE && (slice_equals_text(name, "order_by") || slice_equals_text(name, "ordering"))) {
        if (!value_is_none(keyword->value))
            expr->as.func.order_by = dj_read_order_by(ev, keyword->value, keyword->node);
    } else {
        dj_function_options(ev, expr, keyword, 1);
    }
    return true;
}

bool construct_aggregate(Evaluator *ev, DjExpr *expr, const Arguments *arguments) {
    for (int i = 0; i < arguments->keyword_count; i++) {
        const Keyword *keyword = &arguments->keywords[i];
        if (slice_equals_text(keyword->name->text, "expression"))
            push_source(ev, expr, dj_parse(ev, keyword->value, true, keyword->node));
        else if (!aggregate_keyword(ev, expr, keyword)) return false;
    }
    for (int i = 0; i < arguments->count; i++) {
        Value *value = arguments->items[i];
        if (i > 0 && expr->as.func.spec->max_args == 1) {
            /* Count("x", Q(…)): filter may be positional */
            expr->as.func.filter = dj_parse(ev, value, false, expr->site);
            continue;
        }
        bool star = value_is(value, VALUE_STRING) && slice_equals_text(value_text(value), "*");
        DjExpr *source =
            star ? dj_star(ev) : dj_parse(ev, value, true, arguments->nodes ? arguments->nodes[i] : expr->site);
        if (star && expr->as.func.filter)
            return evaluator_raise_id(ev, EXCEPTION_VALUE, expr->site,
                                      "Star cannot be used with filter. Please specify a field.") != NULL;
        push_source(ev, expr, source);
    }
    if (!expr->count)
        return evaluator_raise_id(ev, EXCEPTION_TYPE, expr->site,
                                  "%s() missing 1 required positional argument: 'expression'",
                                  expr->as.func.spec->name) != NULL;
    return true;
}

/* StdDev and Variance: of the population, or of a sample. */
bool construct_sampled(Evaluator *ev, DjExpr *expr, const Arguments *arguments) {
    Arguments rest = *arguments;
    rest.keywords = ARENA_ARRAY(evaluator_arena(ev), Keyword, arguments->keyword_count + 1);
    rest.keyword_count = 0;
    bool sample = false;
    for (int i = 0; i < arguments->keyword_count; i++) {
        if (slice_equals_text(arguments->keywords[i].name->text, "sample"))
            sample = value_is_true(arguments->keywords[i].value);
        else rest.keywords[rest.keyword_count++] = arguments->keywords[i];
    }
    if (rest.count == 2) {
        sample = value_is_true(rest.items[1]);
        rest.count = 1;
    }
    bool deviation = strcmp(expr->as.func.spec->name, "StdDev") == 0;
    expr->as.func.function =
        slice_from(deviation ? (sample ? "STDDEV_SAMP" : "STDDEV_POP") : (sample ? "VAR_SAMP" : "VAR_POP"));
    return construct_aggregate(ev, expr, &rest);
}

/* ---- conversion ---- */

bool construct_cast(Evaluator *ev, DjExpr *expr, const Arguments *arguments) {
    Value *inner = NULL, *to = NULL;
    if (!arguments_bind(ev, arguments, "Cast", "expression | output_field", &inner, &to)) return false;
    DjField *field = to ? value_as_field(to) : expr->output_field;
    if (!field) return evaluator_raise_id(ev, EXCEPTION_TYPE, arguments->site, "Cast() takes an output_field") != NULL;
    expr->output_field = field;
    expr->output_decided = true;
    push_source(ev, expr, dj_parse(ev, inner, true, dj_argument_site(arguments, inner)));
    return true;
}

static bool is_collation(Slice name) {
    for (size_t i = 0; i < name.length; i++) {
        char c = name.start[i];
        bool word =
            (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || (c & 0x80);
        if (!word && c != '-') return false;
    }
    return name.length > 0;
}

bool construct_collate(Evaluator *ev, DjExpr *expr, const Arguments *arguments) {
    Value *inner = NULL, *collation = NULL;
    if (!arguments_bind(ev, arguments, "Collate", "expression collation", &inner, &collation)) return false;
    if (!value_is(collation, VALUE_STRING) || !is_collation(value_text(collation)))
        return evaluator_raise_id(ev, EXCEPTION_VALUE, arguments->site, "Invalid collation name: %.*s.",
                                  SLICE_ARGS(value_repr(ev, collation))) != NULL;
    expr->as.func.unit = value_text(collation);
    push_source(ev, expr, dj_parse(ev, inner, true, dj_argument_site(arguments, inner)));
    return true;
}

bool construct_json_object(Evaluator *ev, DjExpr *expr, const Arguments *arguments) {
    for (int i = 0; i < arguments->keyword_count; i++) {
        const Keyword *keyword = &arguments->keywords[i];
        push_source(ev, expr, dj_value(ev, value_atom(ev, keyword->name), NULL, keyword->node));
        push_source(ev, expr, dj_parse(ev, keyword->value, true, keyword->node));
    }
    return true;
}

/* ---- numbers and text ---- */

bool construct_round(Evaluator *ev, DjExpr *expr, const Arguments *arguments) {
    Value *inner = NULL, *precision = NULL;
    if (!arguments_bind(ev, arguments, "Round", "expression | precision", &inner, &precision)) return false;
    push_source(ev, expr, dj_parse(ev, inner, true, dj_argument_site(arguments, inner)));
    push_source(ev, expr,
                precision ? dj_parse(ev, precision, true, dj_argument_site(arguments, precision))
                          : number(ev, 0, arguments->site));
    return true;
}

static DjExpr *concat_pairs(Evaluator *ev, DjExpr **sources, int count, const DjExpr *like) {
    DjExpr *rest = count == 2 ? sources[1] : concat_pairs(ev, sources + 1, count - 1, like);
    DjExpr *pair[2] = {sources[0], rest};
    DjExpr *expr = dj_function_new(ev, dj_function_find("ConcatPair"), pair, 2, like->site);
    expr->output_field = like->output_field;
    expr->output_decided = like->output_decided;
    return expr;
}

/* CONCAT of many is made of pairs, the last two innermost. */
bool construct_concat(Evaluator *ev, DjExpr *expr, const Arguments *arguments) {
    if (arguments->count < 2)
        return evaluator_raise_id(ev, EXCEPTION_VALUE, arguments->site, "Concat must take at least two expressions") !=
               NULL;
    dj_function_sources(ev, expr, arguments->items, arguments->count, arguments->nodes);
    DjExpr *paired = concat_pairs(ev, expr->args, expr->count, expr);
    expr->args = ARENA_ARRAY(evaluator_arena(ev), DjExpr *, 1);
    expr->args[0] = paired;
    expr->count = 1;
    expr->as.func.template = SLICE("%(expressions)s");
    return true;
}

/* A number given as such must be at least `least`. */
static bool check_number(Evaluator *ev, Value *value, int64_t least, const char *message, const Node *site) {
    int64_t given;
    if (!value_as_integer(value, &given) || given >= least) return true;
    return evaluator_raise_id(ev, EXCEPTION_VALUE, site, "%s", message) != NULL;
}

bool construct_left(Evaluator *ev, DjExpr *expr, const Arguments *arguments) {
    Value *inner = NULL, *length = NULL;
    if (!arguments_bind(ev, arguments, expr->as.func.spec->name, "expression length", &inner, &length) ||
        !check_number(ev, length, 1, "'length' must be greater than 0.", arguments->site))
        return false;
    push_source(ev, expr, dj_parse(ev, inner, true, dj_argument_site(arguments, inner)));
    push_source(ev, expr, dj_parse(ev, length, false, arguments->site));
    return true;
}

bool construct_pad(Evaluator *ev, DjExpr *expr, const Arguments *arguments) {
    Value *inner = NULL, *length = NULL, *fill = NULL;
    if (!arguments_bind(ev, arguments, expr->as.func.spec->name, "expression length | fill_text", &inner, &length,
                        &fill) ||
        !check_number(ev, length, 0, "'length' must be greater or equal to 0.", arguments->site))
        return false;
    push_source(ev, expr, dj_parse(ev, inner, true, dj_argument_site(arguments, inner)));
    push_source(ev, expr, dj_parse(ev, length, true, dj_argument_site(arguments, length)));
    push_source(ev, expr,
                fill ? dj_parse(ev, fill, true, dj_argument_site(arguments, fill))
                     : dj_value(ev, value_string(ev, SLICE(" ")), NULL, arguments->site));
    return true;
}

bool construct_repeat(Evaluator *ev, DjExpr *expr, const Arguments *arguments) {
    Value *inner = NULL, *times = NULL;
    if (!arguments_bind(ev, arguments, "Repeat", "expression number", &inner, &times) ||
        !check_number(ev, times, 0, "'number' must be greater or equal to 0.", arguments->site))
        return false;
    push_source(ev, expr, dj_parse(ev, inner, true, dj_argument_site(arguments, inner)));
    push_source(ev, expr, dj_parse(ev, times, true, dj_argument_site(arguments, times)));
    return true;
}

bool construct_replace(Evaluator *ev, DjExpr *expr, const Arguments *arguments) {
    Value *inner = NULL, *text = NULL, *replacement = NULL;
    if (!arguments_bind(ev, arguments, "Replace", "expression text | replacement", &inner, &text, &replacement))
        return false;
    push_source(ev, expr, dj_parse(ev, inner, true, dj_argument_site(arguments, inner)));
    push_source(ev, expr, dj_parse(ev, text, true, dj_argument_site(arguments, text)));
    push_source(ev, expr,
                replacement ? dj_parse(ev, replacement, true, dj_argument_site(arguments, replacement))
                            : dj_value(ev, value_string(ev, SLICE("")), NULL, arguments->site));
    return true;
}

bool construct_substr(Evaluator *ev, DjExpr *expr, const Arguments *arguments) {
    Value *inner = NULL, *from = NULL, *length = NULL;
    if (!arguments_bind(ev, arguments, "Substr", "expression pos | length", &inner, &from, &length) ||
        !check_number(ev, from, 1, "'pos' must be greater than 0", arguments->site))
        return false;
    push_source(ev, expr, dj_parse(ev, inner, true, dj_argument_site(arguments, inner)));
    push_source(ev, expr, dj_parse(ev, from, true, dj_argument_site(arguments, from)));
    if (length && !value_is_none(length))
        push_source(ev, expr, dj_parse(ev, length, true, dj_argument_site(arguments, length)));
    return true;
}

/* ---- window functions ---- */

bool construct_lag(Evaluator *ev, DjExpr *expr, const Arguments *arguments) {
    Value *inner = NULL, *offset = NULL, *fallback = NULL;
    const char *name = expr->as.func.spec->name;
    if (!arguments_bind(ev, arguments, name, "expression | offset default", &inner, &offset, &fallback)) return false;
    if (value_is_none(inner))
        return evaluator_raise_id(ev, EXCEPTION_VALUE, arguments->site, "%s requires a non-null source expression.",
                                  name) != NULL;
    int64_t given = 1;
    if (offset && (value_is_none(offset) || (value_as_integer(offset, &given) && given <= 0)))
        return evaluator_raise_id(ev, EXCEPTION_VALUE, arguments->site,
                                  "%s requires a positive integer for the offset.", name) != NULL;
    push_source(ev, expr, dj_parse(ev, inner, true, dj_argument_site(arguments, inner)));
    push_source(ev, expr,
                offset ? dj_parse(ev, offset, true, dj_argument_site(arguments, offset))
                       : number(ev, 1, arguments->site));
    if (fallback && !value_is_none(fallback))
        push_source(ev, expr, dj_parse(ev, fallback, true, dj_argument_site(arguments, fallback)));
    return true;
}

bool construct_nth(Evaluator *ev, DjExpr *expr, const Arguments *arguments) {
    Value *inner = NULL, *nth = NULL;
    if (!arguments_bind(ev, arguments, "NthValue", "expression | nth", &inner, &nth)) return false;
    if (value_is_none(inner))
        return evaluator_raise_id(ev, EXCEPTION_VALUE, arguments->site,
                                  "NthValue requires a non-null source expression.") != NULL;
    if (nth && (value_is_none(nth) ||
                !check_number(ev, nth, 1, "NthValue requires a positive integer as for nth.", arguments->site)))
        return evaluator_raise_id(ev, EXCEPTION_VALUE, arguments->site,
                                  "NthValue requires a positive integer as for nth.") != NULL;
    push_source(ev, expr, dj_parse(ev, inner, true, dj_argument_site(arguments, inner)));
    push_source(ev, expr,
                nth ? dj_parse(ev, nth, true, dj_argument_site(arguments, nth)) : number(ev, 1, arguments->site));
    return true;
}

bool construct_ntile(Evaluator *ev, DjExpr *expr, const Arguments *arguments) {
    Value *buckets = NULL;
    if (!arguments_bind(ev, arguments, "Ntile", "| num_buckets", &buckets) ||
        (buckets && !check_number(ev, buckets, 1, "num_buckets must be greater than 0.", arguments->site)))
        return false;
    push_source(ev, expr,
                buckets ? dj_parse(ev, buckets, true, dj_argument_site(arguments, buckets))
                        : number(ev, 1, arguments->site));
    return true;
}

/* ---- dates and times ---- */

/* The unit is the class's own (ExtractYear: "year"), or an argument (Extract("at", "year")). */
static Slice class_unit(Evaluator *ev, const DjExpr *expr, const char *prefix) {
    const char *name = expr->as.func.spec->name + strlen(prefix);
    Buffer unit;
    buffer_init(&unit, evaluator_arena(ev));
    for (const char *c = name; *c; c++) {
        if (*c >= 'A' && *c <= 'Z' && c != name) buffer_put(&unit, '_');
        buffer_put(&unit, char_lower(*c));
    }
    return buffer_view(&unit);
}

static bool read_unit(Evaluator *ev, DjExpr *expr, Value *given, const char *attribute, const char *prefix,
                      const Node *site) {
    if (given && value_is(given, VALUE_STRING)) {
        expr->as.func.unit = value_text(given);
        return true;
    }
    expr->as.func.unit = class_unit(ev, expr, prefix);
    Value *own = class_find(expr->instance.head.cls, atom_intern_text(evaluator_atoms(ev), attribute));
    if (own && value_is(own, VALUE_STRING)) expr->as.func.unit = value_text(own);
    if (expr->as.func.unit.length) return true;
    return evaluator_raise_id(ev, EXCEPTION_VALUE, site, "%s must be provided", attribute) != NULL;
}

bool construct_extract(Evaluator *ev, DjExpr *expr, const Arguments *arguments) {
    Value *inner = NULL, *unit = NULL, *zone = NULL;
    if (!arguments_bind(ev, arguments, expr->as.func.spec->name, "expression | lookup_name tzinfo", &inner, &unit,
                        &zone) ||
        !read_unit(ev, expr, unit, "lookup_name", "Extract", arguments->site))
        return false;
    if (zone && !value_is_none(zone)) expr->as.func.zone = zone;
    push_source(ev, expr, dj_parse(ev, inner, true, dj_argument_site(arguments, inner)));
    return true;
}

bool construct_trunc(Evaluator *ev, DjExpr *expr, const Arguments *arguments) {
    Value *inner = NULL, *unit = NULL, *zone = NULL, *field = NULL;
    bool any = strcmp(expr->as.func.spec->name, "Trunc") == 0;
    bool bound =
        any ? arguments_bind(ev, arguments, "Trunc", "expression kind | output_field tzinfo **options", &inner, &unit,
                             &field, &zone, &(Value *){NULL})
            : arguments_bind(ev, arguments, expr->as.func.spec->name, "expression | output_field tzinfo **options",
                             &inner, &field, &zone, &(Value *){NULL});
    if (!bound || !read_unit(ev, expr, unit, "kind", "Trunc", arguments->site)) return false;
    if (zone && !value_is_none(zone)) expr->as.func.zone = zone;
    if (field && value_as_field(field)) {
        expr->output_field = value_as_field(field);
        expr->output_decided = true;
    }
    push_source(ev, expr, dj_parse(ev, inner, true, dj_argument_site(arguments, inner)));
    return true;
}
