/*
 * Resolving expressions against a query: names to columns, conditions to where trees, querysets to subqueries; and what
 * the query needs to know of a resolved expression (equality, columns, references, what to group by).
 *
 * Nothing is changed: resolving copies what it changes. An expression that is resolved already is returned as it is
 * unless it refers to an outer query.
 */
#include "compiler/django/expression.h"

#include "compiler/django/django.h"
#include "compiler/django/function.h"
#include "compiler/django/lookup.h"
#include "compiler/django/query.h"
#include "compiler/django/query_state.h"
#include "compiler/django/type_lookups.h"
#include "compiler/django/queryset.h"
#include "compiler/django/where.h"

static void inherit_flags(DjExpr *expr) {
    for (int i = 0; i < expr->count; i++)
        if (expr->args[i]) expr->flags |= expr->args[i]->flags & DJ_INHERITED_FLAGS;
}

static bool resolve_args(DjQuery *query, DjExpr *copy, const DjResolve *how) {
    for (int i = 0; i < copy->count; i++) {
        if (!copy->args[i]) continue;
        if (!(copy->args[i] = dj_resolve(query, copy->args[i], how))) return false;
    }
    copy->flags |= DJ_RESOLVED;
    inherit_flags(copy);
    return true;
}

static DjExpr *resolve_outer(DjQuery *query, DjExpr *expr, const DjResolve *how) {
    Evaluator *ev = query->ev;
    if (expr->kind == DJ_OUTER_REF) {
        if (expr->count) return expr->args[0];
        DjExpr *resolved = dj_expr_new(ev, DJ_RESOLVED_OUTER_REF, expr->site, 0);
        resolved->as.f.name = expr->as.f.name;
        resolved->flags = DJ_RESOLVED | DJ_HAS_OUTER;
        return resolved;
    }
    DjExpr *column = dj_resolve_ref(query, expr->as.f.name, how, expr->site);
    if (!column) return NULL;
    if (column->flags & DJ_HAS_OVER)
        return evaluator_raise(ev, django_state(ev)->not_supported_error, evaluator_span(ev, expr->site),
                               "Referencing outer query window expression is not supported: %.*s.",
                               SLICE_ARGS(expr->as.f.name));
    Slice names[DJ_MAX_NAMES];
    if (dj_split_names(expr->as.f.name, names) < 2) return column;
    column = dj_copy(ev, column);
    column->flags |= DJ_MULTIVALUED;
    return column;
}

static const char *summary_name(const DjExpr *expr) {
    return expr->instance.head.cls ? expr->instance.head.cls->name->text.start : "";
}

static void *raise_nested_aggregate(Evaluator *ev, const DjExpr *expr, Slice name) {
    return evaluator_raise(ev, django_state(ev)->field_error, evaluator_span(ev, expr->site),
                           "Cannot compute %s('%.*s'): '%.*s' is an aggregate", summary_name(expr), SLICE_ARGS(name),
                           SLICE_ARGS(name));
}

static Slice source_name(Evaluator *ev, const DjExpr *source) {
    if (source->kind == DJ_F) return source->as.f.name;
    if (source->kind == DJ_FUNC && source->as.func.spec->flags & DJF_AGGREGATE)
        return slice_from(source->as.func.spec->name);
    Buffer text;
    buffer_init(&text, evaluator_arena(ev));
    dj_describe(ev, (DjExpr *)source, &text);
    return buffer_view(&text);
}

/* An aggregate may not contain another one; its default becomes COALESCE(aggregate, default). */
static DjExpr *finish_aggregate(DjQuery *query, const DjExpr *before, DjExpr *expr, const DjResolve *how) {
    Evaluator *ev = query->ev;
    DjExprs refs = {0};
    if (how->summarize) {
        expr->flags |= DJ_SUMMARY;
        dj_refs(ev, expr, &refs);
        for (int i = 0; i < refs.count; i++)
            if (refs.items[i]->args[0]->flags & DJ_SUMMARY)
                return raise_nested_aggregate(ev, expr, refs.items[i]->as.ref.name);
    } else {
        for (int i = 0; i < expr->count; i++)
            if (expr->args[i]->flags & DJ_HAS_AGGREGATE)
                return raise_nested_aggregate(ev, expr, source_name(ev, before->args[i]));
    }
    expr->flags |= DJ_HAS_AGGREGATE;
    /* a composite key is counted by its first column */
    if (expr->count && expr->args[0]->kind == DJ_COL_PAIRS && strcmp(expr->as.func.spec->name, "Count") == 0) {
        if (expr->as.func.distinct)
            return evaluator_raise_id(ev, EXCEPTION_VALUE, expr->site,
                                      "COUNT(DISTINCT) doesn't support composite primary keys");
        expr->args[0] = expr->args[0]->args[0];
    }
    Value *fallback = expr->as.func.default_value;
    if (!fallback) return expr;
    DjField *field = dj_output_field(ev, expr, false);
    if (evaluator_error_pending(ev)) return NULL;
    DjExpr *inner = dj_copy(ev, expr);
    inner->as.func.default_value = NULL;
    DjExpr *other = dj_parse(ev, fallback, false, expr->site);
    if (!value_is_expr(fallback)) other = dj_value(ev, fallback, field, expr->site);
    if (!(other = dj_resolve(query, other, how))) return NULL;
    if (!dj_output_field(ev, other, false)) {
        evaluator_clear_error(ev);
        other = dj_copy(ev, other);
        other->output_field = field;
        other->output_decided = field != NULL;
    }
    DjExpr *args[2] = {inner, other};
    DjExpr *coalesce = dj_function_new(ev, dj_function_find("Coalesce"), args, 2, expr->site);
    coalesce->output_field = field;
    coalesce->output_decided = field != NULL;
    coalesce->flags |= DJ_RESOLVED | (expr->flags & DJ_SUMMARY);
    inherit_flags(coalesce);
    return coalesce;
}

static DjExpr *resolve_function(DjQuery *query, DjExpr *expr, const DjResolve *how) {
    const DjFunction *spec = expr->as.func.spec;
    DjExpr *copy = dj_copy(query->ev, expr);
    if (!resolve_args(query, copy, how)) return NULL;
    DjExpr **further[] = {&copy->as.func.filter, &copy->as.func.order_by};
    for (size_t i = 0; i < 2; i++) {
        if (!*further[i]) continue;
        if (!(*further[i] = dj_resolve(query, *further[i], how))) return NULL;
        copy->flags |= (*further[i])->flags & DJ_INHERITED_FLAGS & ~(unsigned)DJ_HAS_AGGREGATE;
    }
    if (spec->flags & DJF_SET_RETURNING) copy->flags |= DJ_SET_RETURNING;
    if (spec->flags & DJF_AGGREGATE && !(expr->flags & DJ_RESOLVED)) {
        copy = finish_aggregate(query, expr, copy, how);
        if (!copy) return NULL;
    }
    return spec->resolved && !(expr->flags & DJ_RESOLVED) ? spec->resolved(query, copy, how) : copy;
}

/* The inner query of a Subquery, Exists, or of a queryset as value. */
static DjExpr *resolve_query(DjQuery *query, DjExpr *expr, const DjResolve *how) {
    DjExpr *copy = dj_copy(query->ev, expr);
    DjQuery *inner = expr->as.subquery.query;
    if (!inner && !(inner = dj_queryset_query(query->ev, expr->as.subquery.queryset))) return NULL;
    bool first = !(expr->flags & DJ_RESOLVED);
    if (first && expr->kind == DJ_EXISTS && !(inner = dj_exists_query(inner, true))) return NULL;
    if (!dj_query_resolve(inner, query, how)) return NULL;
    copy->as.subquery.query = inner;
    copy->flags |= DJ_RESOLVED | DJ_HAS_SUBQUERY | DJ_HAS_OUTER | DJ_HAS_COLUMNS;
    return copy;
}

static DjExpr *resolve_window(DjQuery *query, DjExpr *expr, const DjResolve *how) {
    DjExpr *copy = dj_copy(query->ev, expr);
    if (!resolve_args(query, copy, how)) return NULL;
    DjExpr **parts[] = {&copy->as.window.partition_by, &copy->as.window.order_by};
    for (size_t i = 0; i < 2; i++)
        if (*parts[i] && !(*parts[i] = dj_resolve(query, *parts[i], how))) return NULL;
    /* an aggregate over a window is none to the query */
    copy->flags &= ~(unsigned)DJ_HAS_AGGREGATE;
    for (size_t i = 0; i < 2; i++)
        if (*parts[i]) copy->flags |= (*parts[i])->flags & DJ_INHERITED_FLAGS;
    for (int i = 0; i < copy->args[0]->count; i++)
        if (copy->args[0]->args[i]) copy->flags |= copy->args[0]->args[i]->flags & DJ_INHERITED_FLAGS;
    copy->flags |= DJ_HAS_OVER;
    return copy;
}

static DjExpr *resolve_lookup(DjQuery *query, DjExpr *expr, const DjResolve *how) {
    DjExpr *copy = dj_copy(query->ev, expr);
    if (!resolve_args(query, copy, how)) return NULL;
    Value *rhs = copy->as.lookup.rhs;
    if (rhs && (value_is(rhs, VALUE_LIST) || value_is(rhs, VALUE_TUPLE))) {
        if (!(copy->as.lookup.rhs = dj_resolve_lookup_value(query, rhs, how, expr->site))) return NULL;
    }
    return copy;
}

/* RawSQL that names a column of a parent's table has that table joined. */
static DjExpr *resolve_raw(DjQuery *query, DjExpr *expr, const DjResolve *how) {
    for (int p = 0; query->model && p < query->model->parent_count; p++) {
        const Fields *fields = &query->model->parents[p].model->local_fields;
        for (int i = 0; i < fields->count; i++) {
            if (!fields->items[i]->column ||
                !slice_contains_ignoring_case(expr->as.raw.sql, fields->items[i]->column->text))
                continue;
            if (!dj_resolve_ref(query, fields->items[i]->name->text, how, expr->site)) return NULL;
            break;
        }
    }
    DjExpr *copy = dj_copy(query->ev, expr);
    copy->flags |= DJ_RESOLVED;
    return copy;
}

static DjExpr *resolve_combined(DjQuery *query, DjExpr *expr, const DjResolve *how) {
    DjExpr *copy = dj_copy(query->ev, expr);
    return resolve_args(query, copy, how) ? copy : NULL;
}

DjExpr *dj_resolve_again(Evaluator *ev, DjExpr *expr) {
    if (!expr || !(expr->flags & DJ_HAS_WHERE) || expr->kind == DJ_REF || expr->kind == DJ_POSITION) return expr;
    DjExpr *copy = dj_copy(ev, expr);
    copy->compiled = NULL;
    if (expr->kind == DJ_WHERE) copy->as.node.resolved = true;
    for (int i = 0; i < copy->count; i++)
        copy->args[i] = expr->kind == DJ_WHERE && copy->args[i]->kind == DJ_WHERE ? copy->args[i]
                                                                                  : dj_resolve_again(ev, copy->args[i]);
    if (expr->kind == DJ_FUNC) copy->as.func.filter = dj_resolve_again(ev, expr->as.func.filter);
    return copy;
}

/* Functions and operators take one column; of a composite primary key COUNT takes the first. */
static DjExpr *check_composite(Evaluator *ev, DjExpr *expr) {
    const char *name = expr->kind == DJ_FUNC       ? expr->as.func.spec->name
                       : expr->kind == DJ_COMBINED ? "CombinedExpression"
                       : expr->kind == DJ_CASE     ? "Case"
                       : expr->kind == DJ_WHEN     ? "When"
                       : expr->kind == DJ_WRAPPER  ? "ExpressionWrapper"
                                                   : NULL;
    for (int i = 0; name && i < expr->count; i++) {
        if (!expr->args[i] || expr->args[i]->kind != DJ_COL_PAIRS) continue;
        if (strcmp(name, "Count") != 0)
            return evaluator_raise_id(ev, EXCEPTION_VALUE, expr->site,
                                      "%s expression does not support composite primary keys.", name);
        if (expr->as.func.distinct)
            return evaluator_raise_id(ev, EXCEPTION_VALUE, expr->site,
                                      "COUNT(DISTINCT) doesn't support composite primary keys");
        expr->args[i] = expr->args[i]->args[0];
    }
    return expr;
}

static DjExpr *resolve_by_kind(DjQuery *query, DjExpr *expr, const DjResolve *how) {
    switch (expr->kind) {
    case DJ_F: return dj_resolve_ref(query, expr->as.f.name, how, expr->site);
    case DJ_OUTER_REF:
    case DJ_RESOLVED_OUTER_REF: return resolve_outer(query, expr, how);
    case DJ_Q:
    case DJ_CONDITION: return dj_build_where(query, expr, how);
    case DJ_FUNC: return resolve_function(query, expr, how);
    case DJ_SUBQUERY:
    case DJ_EXISTS:
    case DJ_QUERY: return resolve_query(query, expr, how);
    case DJ_WINDOW: return resolve_window(query, expr, how);
    case DJ_LOOKUP: return resolve_lookup(query, expr, how);
    case DJ_RAW: return resolve_raw(query, expr, how);
    case DJ_VALUE: {
        DjExpr *value = resolve_combined(query, expr, how);
        if (value) value->as.value.for_save = how->for_save;
        return value;
    }
    case DJ_STAR:
    case DJ_COL:
    case DJ_COL_PAIRS:
    case DJ_REF:
    case DJ_POSITION:
    case DJ_COMBINED:
    case DJ_NEGATED:
    case DJ_CASE:
    case DJ_WHEN:
    case DJ_WRAPPER:
    case DJ_FRAME:
    case DJ_ORDER_BY:
    case DJ_LIST:
    case DJ_WHERE:
    case DJ_NOTHING:
    case DJ_EXTRA_WHERE:
    case DJ_TUPLE:
    case DJ_FILTERED_RELATION: return resolve_combined(query, expr, how);
    case DJ_DB_DEFAULT:
        return how->for_save ? resolve_combined(query, expr, how) : dj_resolve(query, expr->args[0], how);
    }
    return NULL;
}

DjExpr *dj_resolve(DjQuery *query, DjExpr *expr, const DjResolve *how) {
    if (expr->flags & DJ_RESOLVED && !(expr->flags & DJ_HAS_OUTER)) return expr;
    DjQueryState *state = dj_state(query->ev);
    if (state->resolve_depth >= DJ_MAX_DEPTH)
        return evaluator_raise_id(query->ev, EXCEPTION_LIMIT, expr->site, "the expression is nested too deeply");
    state->resolve_depth++;
    DjExpr *resolved = resolve_by_kind(query, expr, how);
    state->resolve_depth--;
    return resolved ? check_composite(query->ev, resolved) : NULL;
}

/* ---- questions about resolved expressions ---- */

static bool same_args(const DjExpr *a, const DjExpr *b) {
    if (a->count != b->count) return false;
    for (int i = 0; i < a->count; i++) {
        if (!a->args[i] != !b->args[i]) return false;
        if (a->args[i] && !dj_equal(a->args[i], b->args[i])) return false;
    }
    return true;
}

static bool same_optional(const DjExpr *a, const DjExpr *b) { return a == b || (a && b && dj_equal(a, b)); }

static bool same_value(const Value *a, const Value *b) {
    if (a == b) return true;
    if (!a || !b || a->type != b->type) return false;
    switch ((int)a->type->kind) {
    case VALUE_NONE: return true;
    case VALUE_BOOL:
    case VALUE_INTEGER:
        return ((const IntegerValue *)a)->number == ((const IntegerValue *)b)->number &&
               slice_equals(((const IntegerValue *)a)->big, ((const IntegerValue *)b)->big);
    case VALUE_FLOAT: return ((const FloatValue *)a)->number == ((const FloatValue *)b)->number;
    case VALUE_STRING:
    case VALUE_BYTES: return slice_equals(value_text(a), value_text(b));
    case VALUE_DECIMAL: return slice_equals(((const DecimalValue *)a)->text, ((const DecimalValue *)b)->text);
    case VALUE_TIMEDELTA: return ((const TimeDeltaValue *)a)->microseconds == ((const TimeDeltaValue *)b)->microseconds;
    case VALUE_DATE: {
        const DateValue *x = (const DateValue *)a, *y = (const DateValue *)b;
        return x->year == y->year && x->month == y->month && x->day == y->day;
    }
    case VALUE_LIST:
    case VALUE_TUPLE: {
        const ListValue *x = (const ListValue *)a, *y = (const ListValue *)b;
        if (x->count != y->count) return false;
        for (int i = 0; i < x->count; i++)
            if (!same_value(x->items[i], y->items[i])) return false;
        return true;
    }
    case VALUE_NATIVE: return value_is_expr(a) && dj_equal((const DjExpr *)a, (const DjExpr *)b);
    default: return false;
    }
}

/* Given output fields take part: Value(1, IntegerField()) is not Value(1). */
static bool same_field(const DjField *a, const DjField *b) {
    return a == b || (a && b && !a->model && !b->model && a->head.head.cls == b->head.head.cls);
}

static bool same_function(const DjExpr *a, const DjExpr *b) {
    for (int i = 0; i < 3; i++)
        if (!same_value(a->as.func.option[i], b->as.func.option[i])) return false;
    return a->as.func.spec == b->as.func.spec && a->instance.head.cls == b->instance.head.cls &&
           a->as.func.distinct == b->as.func.distinct && same_optional(a->as.func.filter, b->as.func.filter) &&
           same_optional(a->as.func.order_by, b->as.func.order_by) && slice_equals(a->as.func.unit, b->as.func.unit) &&
           slice_equals(a->as.func.function, b->as.func.function) &&
           slice_equals(a->as.func.template, b->as.func.template) && same_value(a->as.func.zone, b->as.func.zone) &&
           same_args(a, b) && (!a->as.func.spec->decide || same_field(a->output_field, b->output_field));
}

static bool same_raw(const DjExpr *a, const DjExpr *b) {
    if (!slice_equals(a->as.raw.sql, b->as.raw.sql) || a->as.raw.count != b->as.raw.count) return false;
    for (int i = 0; i < a->as.raw.count; i++)
        if (!same_value(a->as.raw.params[i], b->as.raw.params[i])) return false;
    return true;
}

bool dj_equal(const DjExpr *a, const DjExpr *b) {
    if (a == b) return true;
    if (a->kind != b->kind) return false;
    switch (a->kind) {
    case DJ_F:
    case DJ_OUTER_REF:
    case DJ_RESOLVED_OUTER_REF: return slice_equals(a->as.f.name, b->as.f.name) && same_args(a, b);
    case DJ_VALUE:
        return same_value(a->as.value.value, b->as.value.value) && same_field(a->output_field, b->output_field);
    case DJ_COL:
        return a->as.col.join == b->as.col.join && a->as.col.target == b->as.col.target &&
               same_field(a->output_field, b->output_field);
    case DJ_COL_PAIRS: return a->as.pairs.join == b->as.pairs.join && same_args(a, b);
    case DJ_REF: return slice_equals(a->as.ref.name, b->as.ref.name) && same_args(a, b);
    case DJ_POSITION: return a->as.position.ordinal == b->as.position.ordinal;
    case DJ_STAR:
    case DJ_NOTHING: return true;
    case DJ_RAW:
    case DJ_EXTRA_WHERE: return same_raw(a, b);
    case DJ_FUNC: return same_function(a, b);
    case DJ_COMBINED: return slice_equals(a->as.combined.op, b->as.combined.op) && same_args(a, b);
    case DJ_SUBQUERY:
    case DJ_EXISTS:
    case DJ_QUERY:
        return a->as.subquery.query ? a->as.subquery.query == b->as.subquery.query
                                    : a->as.subquery.queryset == b->as.subquery.queryset;
    case DJ_WINDOW:
        return same_optional(a->as.window.partition_by, b->as.window.partition_by) &&
               same_optional(a->as.window.order_by, b->as.window.order_by) &&
               same_optional(a->as.window.frame, b->as.window.frame) && same_args(a, b);
    case DJ_FRAME:
        return a->as.frame.rows == b->as.frame.rows && same_value(a->as.frame.start, b->as.frame.start) &&
               same_value(a->as.frame.end, b->as.frame.end) &&
               slice_equals(a->as.frame.exclusion, b->as.frame.exclusion);
    case DJ_ORDER_BY:
        return a->as.order.descending == b->as.order.descending && a->as.order.nulls == b->as.order.nulls &&
               same_args(a, b);
    case DJ_LOOKUP:
        return a->as.lookup.spec == b->as.lookup.spec && same_value(a->as.lookup.rhs, b->as.lookup.rhs) &&
               same_args(a, b);
    case DJ_Q:
    case DJ_WHERE:
        return a->as.node.connector == b->as.node.connector && a->as.node.negated == b->as.node.negated &&
               same_args(a, b);
    case DJ_CONDITION:
        return slice_equals(a->as.condition.name, b->as.condition.name) &&
               same_value(a->as.condition.value, b->as.condition.value);
    case DJ_WRAPPER: return same_field(a->output_field, b->output_field) && same_args(a, b);
    case DJ_NEGATED:
    case DJ_CASE:
    case DJ_WHEN:
    case DJ_LIST:
    case DJ_TUPLE:
    case DJ_DB_DEFAULT: return same_args(a, b);
    case DJ_FILTERED_RELATION: return false;
    }
    return false;
}

static DjExpr *replaced(DjExpr *expr, const DjExprs *from, const DjExprs *to) {
    for (int i = 0; i < from->count; i++)
        if (dj_equal(expr, from->items[i])) return to->items[i];
    return NULL;
}

DjExpr *dj_replace(Evaluator *ev, DjExpr *expr, const DjExprs *from, const DjExprs *to) {
    if (!expr || !from->count) return expr;
    DjExpr *found = replaced(expr, from, to);
    if (found) return found;
    DjExpr *copy = dj_copy(ev, expr);
    for (int i = 0; i < copy->count; i++) copy->args[i] = dj_replace(ev, copy->args[i], from, to);
    if (expr->kind == DJ_FUNC) {
        copy->as.func.filter = dj_replace(ev, expr->as.func.filter, from, to);
        copy->as.func.order_by = dj_replace(ev, expr->as.func.order_by, from, to);
    } else if (expr->kind == DJ_WINDOW) {
        copy->as.window.partition_by = dj_replace(ev, expr->as.window.partition_by, from, to);
        copy->as.window.order_by = dj_replace(ev, expr->as.window.order_by, from, to);
    }
    return copy;
}

/* Calls `visit` for the expression and everything below it; false from `visit` keeps out of what is below. */
typedef bool (*Visit)(void *data, DjExpr *expr);
static void walk(DjExpr *expr, Visit visit, void *data) {
    if (!expr || !visit(data, expr)) return;
    for (int i = 0; i < expr->count; i++) walk(expr->args[i], visit, data);
    if (expr->kind == DJ_FUNC) {
        walk(expr->as.func.filter, visit, data);
        walk(expr->as.func.order_by, visit, data);
    } else if (expr->kind == DJ_WINDOW) {
        walk(expr->as.window.partition_by, visit, data);
        walk(expr->as.window.order_by, visit, data);
    }
}

typedef struct Collected {
    Evaluator *ev;
    DjExprs *out;
    bool through_refs;
} Collected;

static void collect(Collected *collected, DjExpr *expr) {
    ARENA_PUSH(evaluator_arena(collected->ev), collected->out->items, collected->out->count, collected->out->capacity) =
        expr;
}

static bool visit_column(void *data, DjExpr *expr) {
    Collected *collected = data;
    if (expr->kind == DJ_COL) collect(collected, expr);
    return expr->kind != DJ_REF || collected->through_refs;
}

static bool visit_ref(void *data, DjExpr *expr) {
    if (expr->kind == DJ_REF) collect(data, expr);
    return expr->kind != DJ_REF;
}

void dj_columns(Evaluator *ev, DjExpr *expr, bool through_refs, DjExprs *out) {
    Collected collected = {ev, out, through_refs};
    walk(expr, visit_column, &collected);
}

void dj_refs(Evaluator *ev, DjExpr *expr, DjExprs *out) {
    Collected collected = {ev, out, false};
    walk(expr, visit_ref, &collected);
}

static void push(Evaluator *ev, DjExprs *out, DjExpr *expr) {
    ARENA_PUSH(evaluator_arena(ev), out->items, out->count, out->capacity) = expr;
}

/* Columns below the expression, and what subqueries refer to outside of themselves. */
static void dj_columns_with_subqueries(Evaluator *ev, DjExpr *expr, DjExprs *out);

/* Columns of queries around it that a subquery, or one inside it, refers to. */
static void external_columns(Evaluator *ev, DjQuery *inner, DjExprs *out) {
    DjExprs columns = {0};
    for (int i = 0; i < inner->annotation_count; i++)
        dj_columns_with_subqueries(ev, inner->annotations[i].expr, &columns);
    dj_columns_with_subqueries(ev, inner->where, &columns);
    for (int i = 0; i < columns.count; i++)
        if (columns.items[i]->as.col.join && columns.items[i]->as.col.join->query != inner)
            push(ev, out, columns.items[i]);
}

/* A subquery is grouped by what it refers to outside; by itself where that may be multi-valued. */
static void subquery_group_by(Evaluator *ev, DjExpr *expr, DjExprs *out) {
    DjExprs outer = {0};
    external_columns(ev, expr->as.subquery.query, &outer);
    for (int i = 0; i < outer.count; i++)
        if (outer.items[i]->flags & DJ_MULTIVALUED) {
            push(ev, out, expr);
            return;
        }
    for (int i = 0; i < outer.count; i++) push(ev, out, outer.items[i]);
}

static bool visit_column_deep(void *data, DjExpr *expr) {
    Collected *collected = data;
    if (expr->kind == DJ_COL) collect(collected, expr);
    bool query =
        (expr->kind == DJ_SUBQUERY || expr->kind == DJ_EXISTS || expr->kind == DJ_QUERY) && expr->as.subquery.query;
    if (query) external_columns(collected->ev, expr->as.subquery.query, collected->out);
    return !query;
}

static void dj_columns_with_subqueries(Evaluator *ev, DjExpr *expr, DjExprs *out) {
    Collected collected = {ev, out, true};
    walk(expr, visit_column_deep, &collected);
}

static bool visit_query(void *data, DjExpr *expr) {
    bool query =
        (expr->kind == DJ_SUBQUERY || expr->kind == DJ_EXISTS || expr->kind == DJ_QUERY) && expr->as.subquery.query;
    if (query) collect(data, expr);
    return !query;
}

void dj_subqueries(Evaluator *ev, DjExpr *expr, DjExprs *out) {
    Collected collected = {ev, out, true};
    walk(expr, visit_query, &collected);
}

void dj_group_by_columns(Evaluator *ev, DjExpr *expr, DjExprs *out) {
    switch ((int)expr->kind) {
    case DJ_VALUE:
    case DJ_RESOLVED_OUTER_REF:
    case DJ_OUTER_REF:
    case DJ_NOTHING: return;
    case DJ_SUBQUERY:
    case DJ_EXISTS:
    case DJ_QUERY: subquery_group_by(ev, expr, out); return;
    case DJ_WHERE:
    case DJ_LOOKUP:
    case DJ_ORDER_BY:
    case DJ_LIST:
    case DJ_WHEN:
        if (expr->kind == DJ_LOOKUP) expr = dj_json_lookup_grouped(ev, expr);
        for (int i = 0; i < expr->count; i++)
            if (expr->args[i]) dj_group_by_columns(ev, expr->args[i], out);
        return;
    case DJ_REF: push(ev, out, expr); return;
    case DJ_WRAPPER:
    case DJ_NEGATED: {
        DjKind inner = expr->args[0]->kind;
        if (inner == DJ_WHERE || inner == DJ_EXISTS || inner == DJ_SUBQUERY) break;
        /* what is wrapped is grouped by as if it had the wrapper's type */
        DjExpr *wrapped = expr->args[0];
        if (expr->output_field && (inner == DJ_COMBINED || inner == DJ_FUNC || inner == DJ_CASE)) {
            wrapped = dj_copy(ev, wrapped);
            wrapped->output_field = expr->output_field;
            wrapped->output_decided = true;
        }
        dj_group_by_columns(ev, wrapped, out);
        return;
    }
    case DJ_WINDOW:
        if (expr->as.window.partition_by) dj_group_by_columns(ev, expr->as.window.partition_by, out);
        if (expr->as.window.order_by) dj_group_by_columns(ev, expr->as.window.order_by, out);
        return;
    case DJ_CASE:
        if (expr->count > 1) break;
        dj_group_by_columns(ev, expr->args[0], out);
        return;
    case DJ_FUNC:
        if (expr->as.func.spec->id == FUNCTION_RANDOM) return;
        break;
    default: break;
    }
    if (!(expr->flags & DJ_HAS_AGGREGATE)) {
        push(ev, out, expr);
        return;
    }
    bool aggregate = expr->kind == DJ_FUNC && expr->as.func.spec->flags & DJF_AGGREGATE;
    for (int i = 0; !aggregate && i < expr->count; i++)
        if (expr->args[i]) dj_group_by_columns(ev, expr->args[i], out);
}
