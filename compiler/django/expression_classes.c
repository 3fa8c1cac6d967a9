/*
 * Expression classes as Python sees them: F, Q, Value, Case, When, Subquery, Exists, Window, … — their constructors,
 * and the methods that all expressions share (asc, desc, bitand …).
 */
#include "compiler/django/expression_classes.h"

#include "compiler/django/django.h"
#include "compiler/django/function_table.h"
#include "compiler/django/lookup.h"
#include "compiler/django/query_state.h"
#include "compiler/django/registered.h"
#include "compiler/django/type_lookups.h"
#include "compiler/django/queryset.h"

/* ---- shared ---- */

static Value *expr_create(Evaluator *ev, Class *cls, const Arguments *arguments) {
    DjExpr *expr = instance_allocate(ev, cls, sizeof(DjExpr));
    expr->site = arguments->site;
    return (Value *)expr;
}

static bool set_output(DjExpr *expr, Value *field) {
    if (!field || !value_as_field(field)) return true;
    expr->output_field = value_as_field(field);
    expr->output_decided = true;
    return true;
}

static void set_args(Evaluator *ev, DjExpr *expr, int count) {
    expr->count = count;
    expr->args = ARENA_ARRAY(evaluator_arena(ev), DjExpr *, count + 1);
}

static const Node *argument_node(const Arguments *arguments, int at) {
    return arguments->nodes && at < arguments->count ? arguments->nodes[at] : arguments->site;
}

/* ---- F, OuterRef, Value, RawSQL ---- */

static Value *f_init(Evaluator *ev, Value *self, const Arguments *arguments) {
    DjExpr *expr = value_expr(self);
    Value *name = NULL;
    if (!arguments_bind(ev, arguments, "F", "name", &name)) return NULL;
    expr->kind = DJ_F;
    expr->site = argument_node(arguments, 0);
    name = value_usual(name);
    if (value_is_unknown(name))
        return evaluator_raise_id(ev, EXCEPTION_UNSUPPORTED, expr->site, "the name of a field that is not known here");
    if (!value_is(name, VALUE_STRING))
        return evaluator_raise_id(ev, EXCEPTION_TYPE, expr->site, "F() takes the name of a field");
    expr->as.f.name = value_text(name);
    return value_none(ev);
}

static Value *outer_ref_init(Evaluator *ev, Value *self, const Arguments *arguments) {
    DjExpr *expr = value_expr(self);
    Value *name = NULL;
    if (!arguments_bind(ev, arguments, "OuterRef", "name", &name)) return NULL;
    expr->kind = DJ_OUTER_REF;
    expr->flags |= DJ_HAS_OUTER;
    expr->site = argument_node(arguments, 0);
    if (value_is_expr(name)) {
        set_args(ev, expr, 1);
        expr->args[0] = value_expr(name);
        return value_none(ev);
    }
    name = value_usual(name);
    if (value_is_unknown(name))
        return evaluator_raise_id(ev, EXCEPTION_UNSUPPORTED, expr->site, "the name of a field that is not known here");
    if (!value_is(name, VALUE_STRING))
        return evaluator_raise_id(ev, EXCEPTION_TYPE, expr->site, "OuterRef() takes the name of a field");
    expr->as.f.name = value_text(name);
    return value_none(ev);
}

static Value *value_init(Evaluator *ev, Value *self, const Arguments *arguments) {
    DjExpr *expr = value_expr(self);
    Value *value = NULL, *field = NULL;
    if (!arguments_bind(ev, arguments, "Value", "value | output_field", &value, &field)) return NULL;
    expr->kind = DJ_VALUE;
    expr->as.value.value = value;
    set_output(expr, field);
    return value_none(ev);
}

static Value *raw_init(Evaluator *ev, Value *self, const Arguments *arguments) {
    DjExpr *expr = value_expr(self);
    Value *sql = NULL, *params = NULL, *field = NULL;
    if (!arguments_bind(ev, arguments, "RawSQL", "sql params | output_field", &sql, &params, &field)) return NULL;
    if (!value_is(sql, VALUE_STRING))
        return evaluator_raise_id(ev, EXCEPTION_UNSUPPORTED, arguments->site,
                                  "RawSQL() with text that is not known here");
    expr->kind = DJ_RAW;
    expr->as.raw.sql = value_text(sql);
    if (value_is(params, VALUE_LIST) || value_is(params, VALUE_TUPLE)) {
        expr->as.raw.params = ((ListValue *)params)->items;
        expr->as.raw.count = ((ListValue *)params)->count;
    }
    set_output(expr, field);
    return value_none(ev);
}

/* ---- Q ---- */

static Value *q_init(Evaluator *ev, Value *self, const Arguments *arguments) {
    DjExpr *expr = value_expr(self);
    Arguments rest = *arguments;
    rest.keywords = ARENA_ARRAY(evaluator_arena(ev), Keyword, arguments->keyword_count + 1);
    rest.keyword_count = 0;
    DjConnector connector = DJ_AND;
    bool negated = false;
    for (int i = 0; i < arguments->keyword_count; i++) {
        const Keyword *keyword = &arguments->keywords[i];
        bool text = value_is(keyword->value, VALUE_STRING);
        if (slice_equals_text(keyword->name->text, "_connector")) {
            if (text && slice_equals_text(value_text(keyword->value), "OR")) connector = DJ_OR;
            else if (text && slice_equals_text(value_text(keyword->value), "XOR")) connector = DJ_XOR;
            else if (text && !slice_equals_text(value_text(keyword->value), "AND"))
                return evaluator_raise_id(ev, EXCEPTION_VALUE, keyword->node,
                                          "_connector must be one of 'AND', 'OR', 'XOR', or None.");
        } else if (slice_equals_text(keyword->name->text, "_negated")) {
            negated = value_is_true(keyword->value);
        } else {
            rest.keywords[rest.keyword_count++] = *keyword;
        }
    }
    DjExpr *made = dj_q_from_arguments(ev, &rest);
    if (!made) return NULL;
    expr->kind = DJ_Q;
    expr->args = made->args;
    expr->count = made->count;
    expr->flags = made->flags;
    expr->as.node.connector = connector;
    expr->as.node.negated = negated;
    return value_none(ev);
}

/* ---- Case, When, ExpressionWrapper ---- */

static Value *when_init(Evaluator *ev, Value *self, const Arguments *arguments) {
    DjExpr *expr = value_expr(self);
    Arguments lookups = {.site = arguments->site};
    lookups.keywords = ARENA_ARRAY(evaluator_arena(ev), Keyword, arguments->keyword_count + 1);
    Value *condition = arguments->count ? arguments->items[0] : NULL,
          *then = arguments->count > 1 ? arguments->items[1] : NULL;
    for (int i = 0; i < arguments->keyword_count; i++) {
        const Keyword *keyword = &arguments->keywords[i];
        if (slice_equals_text(keyword->name->text, "then")) then = keyword->value;
        else if (slice_equals_text(keyword->name->text, "condition")) condition = keyword->value;
        else lookups.keywords[lookups.keyword_count++] = *keyword;
    }
    expr->kind = DJ_WHEN;
    set_args(ev, expr, 2);
    DjExpr *given = condition && value_is_expr(condition) ? value_expr(condition) : NULL;
    if (lookups.keyword_count) {
        DjExpr *q = dj_q_from_arguments(ev, &lookups);
        if (!q) return NULL;
        if (given && dj_is_conditional(ev, given)) {
            DjExpr *both = dj_q_new(ev, arguments->site);
            dj_q_push(ev, both, given);
            for (int i = 0; i < q->count; i++) dj_q_push(ev, both, q->args[i]);
            given = both;
        } else if (!given) {
            given = q;
        }
    }
    if (!given || !dj_is_conditional(ev, given))
        return evaluator_raise_id(ev, EXCEPTION_TYPE, arguments->site,
                                  "When() supports a Q object, a boolean expression, or lookups as a condition.");
    if (given->kind == DJ_Q && !given->count)
        return evaluator_raise_id(ev, EXCEPTION_VALUE, arguments->site,
                                  "An empty Q() can't be used as a When() condition.");
    if (!then) return evaluator_raise_id(ev, EXCEPTION_TYPE, arguments->site, "When() missing its result: then=…");
    expr->args[0] = given;
    expr->args[1] = dj_parse(ev, then, true, dj_argument_site(arguments, then));
    return value_none(ev);
}

static Value *case_init(Evaluator *ev, Value *self, const Arguments *arguments) {
    DjExpr *expr = value_expr(self);
    expr->kind = DJ_CASE;
    set_args(ev, expr, arguments->count + 1);
    Value *fallback = NULL;
    for (int i = 0; i < arguments->keyword_count; i++) {
        if (slice_equals_text(arguments->keywords[i].name->text, "default")) fallback = arguments->keywords[i].value;
        else if (slice_equals_text(arguments->keywords[i].name->text, "output_field"))
            set_output(expr, arguments->keywords[i].value);
    }
    for (int i = 0; i < arguments->count; i++) {
        DjExpr *when = value_is_expr(arguments->items[i]) ? value_expr(arguments->items[i]) : NULL;
        if (!when || when->kind != DJ_WHEN)
            return evaluator_raise_id(ev, EXCEPTION_TYPE, argument_node(arguments, i),
                                      "Positional arguments must all be When objects.");
        expr->args[i] = when;
    }
    expr->args[arguments->count] = dj_parse(ev, fallback ? fallback : value_none(ev), true, arguments->site);
    return value_none(ev);
}

static Value *wrapper_init(Evaluator *ev, Value *self, const Arguments *arguments) {
    DjExpr *expr = value_expr(self);
    Value *inner = NULL, *field = NULL;
    if (!arguments_bind(ev, arguments, "ExpressionWrapper", "expression output_field", &inner, &field)) return NULL;
    expr->kind = DJ_WRAPPER;
    set_args(ev, expr, 1);
    expr->args[0] = dj_parse(ev, inner, true, dj_argument_site(arguments, inner));
    set_output(expr, field);
    return value_none(ev);
}

/* DatabaseDefault(expression): what a field with db_default holds until it is saved. */
static Value *default_init(Evaluator *ev, Value *self, const Arguments *arguments) {
    DjExpr *expr = value_expr(self);
    Value *inner = NULL, *field = NULL;
    if (!arguments_bind(ev, arguments, "DatabaseDefault", "expression | output_field", &inner, &field)) return NULL;
    expr->kind = DJ_DB_DEFAULT;
    set_args(ev, expr, 1);
    expr->args[0] = dj_parse(ev, inner, true, dj_argument_site(arguments, inner));
    set_output(expr, field);
    return value_none(ev);
}

/* ---- Subquery, Exists ---- */

/* `name` of a template's holes as text. */
static Slice template_option(Evaluator *ev, const DictValue *extra, Slice name) {
    for (int i = 0; extra && i < extra->count; i++) {
        const DictEntry *entry = &extra->entries[i];
        if (!entry->key || !value_is(entry->key, VALUE_STRING) || !slice_equals(value_text(entry->key), name)) continue;
        Value *text = value_str(ev, entry->value, NULL);
        return text && value_is(text, VALUE_STRING) ? value_text(text) : (Slice){0};
    }
    return (Slice){0};
}

/* What a program's class has the subquery stand in, with everything but the subquery in its place, which is \x01. */
static Slice subquery_template(Evaluator *ev, const DjExpr *expr, const Value *rest) {
    const Class *cls = expr->instance.head.cls;
    const DictValue *extra = rest && value_is(rest, VALUE_DICT) ? (const DictValue *)rest : NULL;
    Value *own = cls && cls->node ? class_find(cls, atom_intern_text(evaluator_atoms(ev), "template")) : NULL;
    Slice template = template_option(ev, extra, SLICE("template"));
    if (!template.length && own && value_is(own, VALUE_STRING)) template = value_text(own);
    Buffer out;
    buffer_init(&out, evaluator_arena(ev));
    for (size_t i = 0; i < template.length; i++) {
        Slice rest_of = slice_sub(template, i, template.length);
        buffer_put(&out, template.start[i]);
        if (slice_starts_with(rest_of, "%%")) i++;
        if (!slice_starts_with(rest_of, "%(")) continue;
        out.length--;
        size_t end = i + 2;
        while (end < template.length && template.start[end] != ')') end++;
        Slice name = slice_sub(template, i + 2, end);
        if (slice_equals_text(name, "subquery")) buffer_put(&out, '\x01');
        else buffer_slice(&out, template_option(ev, extra, name));
        i = end + 1;
    }
    return buffer_view(&out);
}

static Value *subquery_of(Evaluator *ev, Value *self, const Arguments *arguments, DjKind kind) {
    DjExpr *expr = value_expr(self);
    Value *queryset = NULL, *field = NULL, *rest = NULL;
    if (!arguments_bind(ev, arguments, kind == DJ_EXISTS ? "Exists" : "Subquery", "queryset | output_field **extra",
                        &queryset, &field, &rest))
        return NULL;
    expr->kind = kind;
    expr->site = arguments->site;
    if (!field && expr->instance.head.cls && expr->instance.head.cls->node)
        field = class_find(expr->instance.head.cls, atom_intern_text(evaluator_atoms(ev), "output_field"));
    set_output(expr, field);
    if (kind == DJ_SUBQUERY) expr->as.subquery.template = subquery_template(ev, expr, rest);
    if (!value_is_queryset(queryset)) {
        Value *all = value_find_attribute(ev, queryset, atom_intern_text(evaluator_atoms(ev), "all"), arguments->site);
        Value *called = all ? value_call_with(ev, all, NULL, 0, arguments->site) : NULL;
        if (!called || !value_is_queryset(called))
            return evaluator_raise_id(ev, EXCEPTION_UNSUPPORTED, arguments->site, "a subquery that is not known here");
        queryset = called;
    }
    expr->as.subquery.queryset = value_as_queryset(queryset);
    return value_none(ev);
}

static Value *subquery_init(Evaluator *ev, Value *self, const Arguments *arguments) {
    return subquery_of(ev, self, arguments, DJ_SUBQUERY);
}
static Value *exists_init(Evaluator *ev, Value *self, const Arguments *arguments) {
    return subquery_of(ev, self, arguments, DJ_EXISTS);
}

/* ---- OrderBy, Window, frames ---- */

static bool read_nulls(Evaluator *ev, const Arguments *arguments, NullsOrder *nulls, bool *descending) {
    bool first = false, last = false;
    for (int i = 0; i < arguments->keyword_count; i++) {
        Slice name = arguments->keywords[i].name->text;
        Value *value = arguments->keywords[i].value;
        bool given = slice_equals_text(name, "nulls_first") || slice_equals_text(name, "nulls_last");
        if (given && value_is(value, VALUE_BOOL) && !value_is_true(value))
            return evaluator_raise_id(ev, EXCEPTION_VALUE, arguments->site,
                                      "nulls_first and nulls_last values must be True or None.") != NULL;
        if (slice_equals_text(name, "nulls_first")) first = value_is_true(value);
        else if (slice_equals_text(name, "nulls_last")) last = value_is_true(value);
        else if (descending && slice_equals_text(name, "descending")) *descending = value_is_true(value);
    }
    if (first && last)
        return evaluator_raise_id(ev, EXCEPTION_VALUE, arguments->site,
                                  "nulls_first and nulls_last are mutually exclusive") != NULL;
    *nulls = first ? NULLS_FIRST : last ? NULLS_LAST : NULLS_DEFAULT;
    return true;
}

static Value *order_by_init(Evaluator *ev, Value *self, const Arguments *arguments) {
    DjExpr *expr = value_expr(self);
    expr->kind = DJ_ORDER_BY;
    set_args(ev, expr, 1);
    if (!arguments->count || !read_nulls(ev, arguments, &expr->as.order.nulls, &expr->as.order.descending))
        return evaluator_error_pending(ev)
                   ? NULL
                   : evaluator_raise_id(ev, EXCEPTION_TYPE, arguments->site, "OrderBy() takes an expression");
    if (!value_is_expr(arguments->items[0]) && !value_is_queryset(arguments->items[0]))
        return evaluator_raise_id(ev, EXCEPTION_VALUE, arguments->site, "expression must be an expression type");
    expr->args[0] = dj_parse(ev, arguments->items[0], true, arguments->site);
    return value_none(ev);
}

static Value *order_method(Evaluator *ev, Value *self, const Arguments *arguments, bool descending) {
    NullsOrder nulls;
    if (!read_nulls(ev, arguments, &nulls, NULL)) return NULL;
    return (Value *)dj_order_by(ev, value_expr(self), descending, nulls, arguments->site);
}
static Value *method_asc(Evaluator *ev, Value *self, const Arguments *arguments) {
    return order_method(ev, self, arguments, false);
}
static Value *method_desc(Evaluator *ev, Value *self, const Arguments *arguments) {
    return order_method(ev, self, arguments, true);
}

static Value *window_init(Evaluator *ev, Value *self, const Arguments *arguments) {
    DjExpr *expr = value_expr(self);
    Value *inner = NULL, *partition = NULL, *order = NULL, *frame = NULL, *field = NULL;
    if (!arguments_bind(ev, arguments, "Window", "expression | partition_by order_by frame output_field", &inner,
                        &partition, &order, &frame, &field))
        return NULL;
    expr->kind = DJ_WINDOW;
    set_args(ev, expr, 1);
    expr->args[0] = dj_parse(ev, inner, true, dj_argument_site(arguments, inner));
    const DjFunction *spec = expr->args[0]->kind == DJ_FUNC ? expr->args[0]->as.func.spec : NULL;
    if (!spec || !(spec->flags & (DJF_WINDOW_COMPATIBLE | DJF_WINDOW_ONLY)))
        return evaluator_raise_id(ev, EXCEPTION_VALUE, arguments->site,
                                  "Expression '%.*s' isn't compatible with OVER clauses.",
                                  SLICE_ARGS(expr->args[0]->instance.head.cls->name->text));
    if (partition && !value_is_none(partition)) {
        if (value_is(partition, VALUE_LIST) || value_is(partition, VALUE_TUPLE)) {
            const ListValue *list = (const ListValue *)partition;
            DjExpr **items = ARENA_ARRAY(evaluator_arena(ev), DjExpr *, list->count + 1);
            for (int i = 0; i < list->count; i++) items[i] = dj_parse(ev, list->items[i], true, arguments->site);
            expr->as.window.partition_by = dj_list(ev, items, list->count);
        } else {
            DjExpr *one = dj_parse(ev, partition, true, dj_argument_site(arguments, partition));
            expr->as.window.partition_by = dj_list(ev, &one, 1);
        }
    }
    if (order && !value_is_none(order)) {
        bool valid = value_is(order, VALUE_STRING) || value_is(order, VALUE_LIST) || value_is(order, VALUE_TUPLE) ||
                     value_is_expr(order);
        if (!valid)
            return evaluator_raise_id(ev, EXCEPTION_VALUE, arguments->site,
                                      "Window.order_by must be either a string reference to a field, an expression, or "
                                      "a list or tuple of them.");
        expr->as.window.order_by = dj_read_order_by(ev, order, dj_argument_site(arguments, order));
    }
    if (frame && value_is_expr(frame)) expr->as.window.frame = value_expr(frame);
    set_output(expr, field);
    return value_none(ev);
}

static Value *frame_of(Evaluator *ev, Value *self, const Arguments *arguments, bool rows) {
    DjExpr *expr = value_expr(self);
    Value *start = NULL, *end = NULL, *exclusion = NULL;
    if (!arguments_bind(ev, arguments, rows ? "RowRange" : "ValueRange", "| start end exclusion", &start, &end,
                        &exclusion))
        return NULL;
    expr->kind = DJ_FRAME;
    expr->flags |= DJ_RESOLVED;
    expr->as.frame.rows = rows;
    expr->as.frame.start = start;
    expr->as.frame.end = end;
    if (exclusion && value_is(exclusion, VALUE_STRING)) expr->as.frame.exclusion = value_text(exclusion);
    return value_none(ev);
}
static Value *row_range_init(Evaluator *ev, Value *self, const Arguments *arguments) {
    return frame_of(ev, self, arguments, true);
}
static Value *value_range_init(Evaluator *ev, Value *self, const Arguments *arguments) {
    return frame_of(ev, self, arguments, false);
}

/* ---- FilteredRelation, ExpressionList ---- */

static Value *filtered_init(Evaluator *ev, Value *self, const Arguments *arguments) {
    DjExpr *expr = value_expr(self);
    Value *relation = NULL, *condition = NULL;
    if (!arguments_bind(ev, arguments, "FilteredRelation", "relation_name * | condition", &relation, &condition))
        return NULL;
    expr->kind = DJ_FILTERED_RELATION;
    if (!value_is(relation, VALUE_STRING) || !value_text(relation).length)
        return evaluator_raise_id(ev, EXCEPTION_VALUE, arguments->site, "relation_name cannot be empty.");
    expr->as.filtered.relation = value_text(relation);
    if (condition && !(value_is_expr(condition) && value_expr(condition)->kind == DJ_Q))
        return evaluator_raise_id(ev, EXCEPTION_VALUE, arguments->site, "condition argument must be a Q() instance.");
    if (condition && value_expr(condition)->count) expr->as.filtered.condition = value_expr(condition);
    return value_none(ev);
}

static Value *list_init(Evaluator *ev, Value *self, const Arguments *arguments) {
    DjExpr *expr = value_expr(self);
    expr->kind = DJ_LIST;
    set_args(ev, expr, arguments->count);
    for (int i = 0; i < arguments->count; i++)
        expr->args[i] = dj_parse(ev, arguments->items[i], true, argument_node(arguments, i));
    return value_none(ev);
}

/* ---- methods of all expressions ---- */

static Value *combine_method(Evaluator *ev, Value *self, const Arguments *arguments, const char *op) {
    Value *other = NULL;
    if (!arguments_bind(ev, arguments, "bit operation", "other", &other)) return NULL;
    return (Value *)dj_combined(ev, slice_from(op), value_expr(self), dj_parse(ev, other, false, arguments->site),
                                arguments->site);
}
static Value *method_bitand(Evaluator *ev, Value *self, const Arguments *arguments) {
    return combine_method(ev, self, arguments, "&");
}
static Value *method_bitor(Evaluator *ev, Value *self, const Arguments *arguments) {
    return combine_method(ev, self, arguments, "|");
}
static Value *method_bitxor(Evaluator *ev, Value *self, const Arguments *arguments) {
    return combine_method(ev, self, arguments, "#");
}
static Value *method_left(Evaluator *ev, Value *self, const Arguments *arguments) {
    return combine_method(ev, self, arguments, "<<");
}
static Value *method_right(Evaluator *ev, Value *self, const Arguments *arguments) {
    return combine_method(ev, self, arguments, ">>");
}

static const NativeMethod expression_methods[] = {
    {"as_sql", dj_method_as_sql, NATIVE_METHOD, NULL},
    {"asc", method_asc, NATIVE_METHOD, NULL},
    {"desc", method_desc, NATIVE_METHOD, NULL},
    {"bitand", method_bitand, NATIVE_METHOD, NULL},
    {"bitor", method_bitor, NATIVE_METHOD, NULL},
    {"bitxor", method_bitxor, NATIVE_METHOD, NULL},
    {"bitleftshift", method_left, NATIVE_METHOD, NULL},
    {"bitrightshift", method_right, NATIVE_METHOD, NULL},
    {NULL, NULL, NATIVE_METHOD, NULL},
};

Value *dj_expr_attribute(Evaluator *ev, Value *self, Atom name, const Node *site) {
    DjExpr *expr = value_expr(self);
    (void)site;
    if (slice_equals_text(name->text, "name") && (expr->kind == DJ_F || expr->kind == DJ_OUTER_REF))
        return value_string(ev, expr->as.f.name);
    if (slice_equals_text(name->text, "default_alias")) {
        Slice alias = dj_default_alias(ev, expr);
        return alias.length ? value_string(ev, alias) : NULL;
    }
    bool transform = expr->kind == DJ_FUNC && expr->count &&
                     class_is_subclass(expr->instance.head.cls, dj_state(ev)->transform_class);
    if ((expr->kind == DJ_LOOKUP || transform) && slice_equals_text(name->text, "lhs")) return (Value *)expr->args[0];
    if (expr->kind == DJ_LOOKUP && slice_equals_text(name->text, "rhs"))
        return expr->args[1] ? (Value *)expr->args[1] : expr->as.lookup.rhs;
    if (slice_equals_text(name->text, "source_expressions")) {
        ListValue *sources = value_list(ev);
        for (int i = 0; i < expr->count; i++)
            if (expr->args[i]) list_append(ev, sources, (Value *)expr->args[i]);
        return (Value *)sources;
    }
    if (slice_equals_text(name->text, "conditional")) return value_bool(ev, dj_is_conditional(ev, expr));
    if (slice_equals_text(name->text, "children") && expr->kind == DJ_Q) {
        ListValue *children = value_list(ev);
        for (int i = 0; i < expr->count; i++) list_append(ev, children, (Value *)expr->args[i]);
        return (Value *)children;
    }
    return NULL;
}

/* F("name")[1:3]: a substring. */
Value *dj_slice_expression(Evaluator *ev, DjExpr *expr, Value *key, const Node *site) {
    int64_t start = 0, stop = 0, index;
    bool has_stop = false;
    if (value_is(key, VALUE_SLICE)) {
        SliceValue *bounds = (SliceValue *)key;
        if (bounds->lower && !value_is_none(bounds->lower) && !value_as_integer(bounds->lower, &start))
            return value_unknown_at(ev, site);
        has_stop = bounds->upper && !value_is_none(bounds->upper);
        if (has_stop && !value_as_integer(bounds->upper, &stop)) return value_unknown_at(ev, site);
        if (bounds->step && !value_is_none(bounds->step))
            return evaluator_raise_id(ev, EXCEPTION_VALUE, site, "Step argument is not supported.");
        if (has_stop && stop && start && stop < start)
            return evaluator_raise_id(ev, EXCEPTION_VALUE, site, "Slice stop must be greater than slice start.");
    } else if (value_as_integer(key, &index)) {
        start = index;
        stop = index + 1;
        has_stop = true;
    } else {
        return evaluator_raise_id(ev, EXCEPTION_TYPE, site, "Argument to slice must be either int or slice instance.");
    }
    if (start < 0 || (has_stop && stop < 0))
        return evaluator_raise_id(ev, EXCEPTION_VALUE, site, "Negative indexing is not supported.");
    DjExpr *args[3] = {expr, dj_value(ev, value_integer(ev, start + 1), NULL, site),
                       has_stop ? dj_value(ev, value_integer(ev, stop - start), NULL, site) : NULL};
    return (Value *)dj_function_new(ev, &dj_sliced_function, args, has_stop ? 3 : 2, site);
}

Slice dj_class_name(const DjExpr *expr) {
    if (expr->kind == DJ_COMBINED) return SLICE("CombinedExpression");
    if (expr->kind == DJ_NEGATED) return SLICE("NegatedExpression");
    return expr->instance.head.cls->name->text;
}

void dj_describe(Evaluator *ev, DjExpr *expr, Buffer *out) {
    Slice name = expr->instance.head.cls ? expr->instance.head.cls->name->text : SLICE("Expression");
    if (expr->kind == DJ_F || expr->kind == DJ_OUTER_REF) {
        if (expr->kind == DJ_F && slice_equals_text(name, "Expression")) name = SLICE("F");
        buffer_format(out, "%.*s(%.*s)", SLICE_ARGS(name), SLICE_ARGS(expr->as.f.name));
        return;
    }
    if (expr->kind == DJ_COL) {
        const DjJoin *join = expr->as.col.join;
        Slice alias = !join ? (Slice){"", 0} : join->relation.alias.length ? join->relation.alias : join->relation.name;
        Slice label = field_label(ev, expr->as.col.target);
        buffer_format(out, "Col(%.*s%s%.*s)", SLICE_ARGS(alias), alias.length ? ", " : "", SLICE_ARGS(label));
        return;
    }
    if (expr->kind == DJ_ORDER_BY) {
        buffer_text(out, "OrderBy(");
        dj_describe(ev, expr->args[0], out);
        buffer_format(out, ", descending=%s)", expr->as.order.descending ? "True" : "False");
        return;
    }
    if (expr->kind == DJ_COL) {
        const Relation *table = expr->as.col.join ? &expr->as.col.join->relation : NULL;
        Slice alias = !table ? SLICE("None") : table->alias.length ? table->alias : table->name;
        buffer_format(out, "Col(%.*s, %.*s)", SLICE_ARGS(alias), SLICE_ARGS(field_label(ev, expr->as.col.target)));
        return;
    }
    if (expr->kind == DJ_COMBINED) {
        dj_describe(ev, expr->args[0], out);
        buffer_format(out, " %.*s ", SLICE_ARGS(expr->as.combined.op));
        dj_describe(ev, expr->args[1], out);
        return;
    }
    buffer_slice(out, name);
    buffer_put(out, '(');
    if (expr->kind == DJ_VALUE) buffer_slice(out, value_repr(ev, expr->as.value.value));
    if (expr->kind == DJ_CONDITION) buffer_slice(out, expr->as.condition.name);
    for (int i = 0; i < expr->count; i++) {
        if (i) buffer_text(out, ", ");
        if (expr->args[i]) dj_describe(ev, expr->args[i], out);
    }
    buffer_put(out, ')');
}

/* ---- registration ---- */

typedef struct ExpressionClass {
    const char *name;
    NativeCall init;
} ExpressionClass;
static const ExpressionClass expression_classes[] = {
    {"F", f_init},
    {"OuterRef", outer_ref_init},
    {"Value", value_init},
    {"RawSQL", raw_init},
    {"Q", q_init},
    {"When", when_init},
    {"Case", case_init},
    {"ExpressionWrapper", wrapper_init},
    {"DatabaseDefault", default_init},
    {"Subquery", subquery_init},
    {"Exists", exists_init},
    {"OrderBy", order_by_init},
    {"Window", window_init},
    {"RowRange", row_range_init},
    {"ValueRange", value_range_init},
    {"FilteredRelation", filtered_init},
    {"ExpressionList", list_init},
};

void dj_expressions_define(Evaluator *ev, ModuleValue *module) {
    DjQueryState *state = dj_state(ev);
    NativeClass base = {
        .name = "Expression", .instance_type = &dj_expr_type, .methods = expression_methods, .create = expr_create};
    state->expression_class = module_define_class(ev, module, &base, NULL);
    for (size_t i = 0; i < sizeof expression_classes / sizeof *expression_classes; i++) {
        const ExpressionClass *row = &expression_classes[i];
        NativeMethod *methods = ARENA_ARRAY(evaluator_arena(ev), NativeMethod, 2);
        methods[0] = (NativeMethod){"__init__", row->init, NATIVE_METHOD, NULL};
        NativeClass spec = {
            .name = row->name, .instance_type = &dj_expr_type, .methods = methods, .create = expr_create};
        Class *cls = module_define_class(ev, module, &spec, state->expression_class);
        if (strcmp(row->name, "Q") == 0) state->q_class = cls;
        if (strcmp(row->name, "F") == 0) state->f_class = cls;
    }
    Value *q = (Value *)state->q_class;
    Atom atoms[3] = {atom_intern_text(evaluator_atoms(ev), "AND"), atom_intern_text(evaluator_atoms(ev), "OR"),
                     atom_intern_text(evaluator_atoms(ev), "XOR")};
    for (int i = 0; i < 3; i++) atom_map_set(&((Class *)q)->names, atoms[i], value_atom(ev, atoms[i]));
    dj_function_bases_define(ev, module, state->expression_class);
}
