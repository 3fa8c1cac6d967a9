/*
 * ORDER BY: names and expressions of order_by(), else Meta.ordering. A relation is ordered by its model's own
 * Meta.ordering; what stands in the select list under a name is referred to by its position.
 *
 *     Book.objects.order_by("-author")    ORDER BY "author"."name" DESC      (Author.Meta.ordering = ["name"])
 */
#include "compiler/django/compile.h"

#include "compiler/django/django.h"
#include "compiler/django/function.h"
#include "compiler/django/lookup.h"

enum { ORDER_MAX_DEPTH = 16 };

typedef struct Pair {
    DjExpr *expr;
    bool is_ref;
} Pair;
typedef struct Pairs {
    DjCompiler *compiler;
    Pair *items;
    int count, capacity, taken;
    DjJoinSet *seen; /* the joins to each relation that the name being read was ordered by */
    int seen_count, seen_capacity;
} Pairs;

static void pair_add(Pairs *pairs, DjExpr *expr, bool is_ref) {
    ARENA_PUSH(compiler_arena(pairs->compiler), pairs->items, pairs->count, pairs->capacity) = (Pair){expr, is_ref};
}

/* The select item of that name, or equal to that expression, as a position. */
static DjExpr *select_position(DjCompiler *compiler, Slice name, const DjExpr *expr) {
    DjExpr *found = NULL;
    for (int i = 0; i < compiler->select_count; i++) {
        DjSelectColumn *column = &compiler->select[i];
        bool hit = expr ? dj_equal(column->expr, expr) : column->alias.length && slice_equals(column->alias, name);
        if (!hit) continue;
        found = dj_expr_new(compiler->ev, DJ_POSITION, column->expr->site, 1);
        found->as.position.ordinal = i + 1;
        found->as.position.name = column->alias;
        found->args[0] = column->expr;
        found->flags = DJ_RESOLVED | (column->expr->flags & DJ_INHERITED_FLAGS);
    }
    return found;
}

/* A name without alias stands for itself; only expressions with one may be referred to by position. */
static DjExpr *expression_position(DjCompiler *compiler, DjExpr *expr) {
    DjExpr *found = select_position(compiler, (Slice){0}, expr);
    if (!found && expr->kind == DJ_F) found = select_position(compiler, expr->as.f.name, NULL);
    return found;
}

static NullsOrder reverse_nulls(NullsOrder nulls) {
    return nulls == NULLS_FIRST ? NULLS_LAST : nulls == NULLS_LAST ? NULLS_FIRST : NULLS_DEFAULT;
}

static bool add_expression(Pairs *pairs, DjExpr *item) {
    DjCompiler *compiler = pairs->compiler;
    Evaluator *ev = compiler->ev;
    if (item->kind == DJ_VALUE) {
        DjField *field = dj_output_field(ev, item, true);
        if (!field) return false;
        item = dj_cast(ev, item, field);
    }
    DjExpr *order =
        item->kind == DJ_ORDER_BY ? dj_copy(ev, item) : dj_order_by(ev, item, false, NULLS_DEFAULT, item->site);
    if (!compiler->query->standard_ordering) {
        order->as.order.descending = !order->as.order.descending;
        order->as.order.nulls = reverse_nulls(order->as.order.nulls);
    }
    DjExpr *position = expression_position(compiler, order->args[0]);
    if (position) {
        if (order->as.order.nulls == NULLS_DEFAULT || compiler->dialect->has_nulls_order) {
            order->args[0] = position;
        } else if (compiler->query->combinator != DJ_COMBINE_NONE) {
            order->args[0] = dj_ref(ev, position->as.position.name, position->args[0]);
        }
    }
    pair_add(pairs, order, position != NULL);
    return true;
}

static DjExpr *prefix_references(Evaluator *ev, DjExpr *expr, Slice prefix) {
    DjExpr *copy = dj_copy(ev, expr);
    if (expr->kind == DJ_F)
        copy->as.f.name =
            slice_format(evaluator_arena(ev), "%.*s__%.*s", SLICE_ARGS(prefix), SLICE_ARGS(expr->as.f.name));
    for (int i = 0; i < copy->count; i++)
        if (copy->args[i] && !(copy->args[i]->flags & DJ_RESOLVED))
            copy->args[i] = prefix_references(ev, copy->args[i], prefix);
    return copy;
}

static bool add_name(Pairs *pairs, Slice name, DjModel *model, DjJoin *start, bool descending, int depth, Slice prefix,
                     Span span);

/* The ordering of the model at the end of a relation, reversed where the relation is. */
static bool add_model_ordering(Pairs *pairs, const DjJoined *joined, Slice name, bool descending, int depth,
                               Slice prefix, Span span) {
    Evaluator *ev = pairs->compiler->ev;
    DjModel *model = joined->names.model;
    DjJoin *join = joined->joins[joined->join_count - 1];
    Value **items;
    int count = model_get_ordering(ev, model, &items);
    Slice path =
        prefix.length ? slice_format(evaluator_arena(ev), "%.*s__%.*s", SLICE_ARGS(prefix), SLICE_ARGS(name)) : name;
    for (int i = 0; i < count; i++) {
        if (value_is_expr(items[i])) {
            DjExpr *item = value_expr(items[i]);
            if (item->kind != DJ_ORDER_BY) item = dj_order_by(ev, item, descending, NULLS_DEFAULT, item->site);
            pair_add(pairs, prefix_references(ev, item, path), false);
        } else if (!add_name(pairs, value_text(items[i]), model, join, descending, depth + 1, path, span)) {
            return false;
        }
    }
    return true;
}

static bool relation_orders_by_model(Evaluator *ev, const DjJoined *joined, const Slice *pieces, int count) {
    DjFound final = joined->names.final_field;
    bool relation = final.rel || (final.field && final.field->is_relation);
    Value **items;
    if (!relation || joined->transform_count || !joined->names.model ||
        !model_get_ordering(ev, joined->names.model, &items))
        return false;
    if (final.field && final.field->attname && slice_equals(final.field->attname->text, pieces[count - 1]))
        return false;
    return !(count == 1 && slice_equals_text(pieces[0], "pk"));
}

static bool same_columns(const DjJoin *a, const DjJoin *b) {
    if (a->base || b->base || a->column_count != b->column_count) return a->base && b->base;
    for (int i = 0; i < a->column_count; i++)
        if (a->columns[i].near != b->columns[i].near || a->columns[i].far != b->columns[i].far) return false;
    return true;
}

/* Ordering that comes back to a relation over the same columns never ends. */
static bool enter_relation(Pairs *pairs, const DjJoined *joined) {
    for (int i = 0; i < pairs->seen_count; i++) {
        const DjJoinSet *before = &pairs->seen[i];
        bool same = before->count == joined->join_count;
        for (int j = 0; same && j < joined->join_count; j++) same = same_columns(before->items[j], joined->joins[j]);
        if (same) return false;
    }
    DjJoinSet joins = {0};
    for (int j = 0; j < joined->join_count; j++) dj_join_set_add(pairs->compiler->ev, &joins, joined->joins[j]);
    ARENA_PUSH(compiler_arena(pairs->compiler), pairs->seen, pairs->seen_count, pairs->seen_capacity) = joins;
    return true;
}

static bool add_name(Pairs *pairs, Slice name, DjModel *model, DjJoin *start, bool descending, int depth, Slice prefix,
                     Span span) {
    DjQuery *query = pairs->compiler->query;
    if (name.length && name.start[0] == '-') {
        name = slice_sub(name, 1, name.length);
        descending = !descending;
    }
    Slice pieces[DJ_MAX_NAMES];
    int count = dj_split_names(name, pieces);
    DjJoined joined;
    if (!dj_setup_joins(query, pieces, count, model, start ? start : dj_query_base(query), NULL, true, span, &joined))
        return false;
    if (relation_orders_by_model(query->ev, &joined, pieces, count)) {
        if (!depth) pairs->seen_count = 0;
        if (depth >= ORDER_MAX_DEPTH || !enter_relation(pairs, &joined))
            return evaluator_raise(query->ev, django_state(query->ev)->field_error, span,
                                   "Infinite loop caused by ordering.") != NULL;
        return add_model_ordering(pairs, &joined, name, descending, depth, prefix, span);
    }
    DjJoin *join = dj_trim_joins(query, &joined);
    DjExpr *column = dj_value_column(query, &joined, join, span);
    if (!column) return false;
    pair_add(pairs, dj_order_by(query->ev, column, descending, NULLS_DEFAULT, query->site), false);
    return true;
}

static bool add_annotation(Pairs *pairs, DjExpr *expr, Slice name, const Slice *transforms, int count, bool descending,
                           Span span) {
    DjCompiler *compiler = pairs->compiler;
    Evaluator *ev = compiler->ev;
    if (compiler->query->combinator != DJ_COMBINE_NONE && compiler->select_count) expr = dj_f(ev, name, expr->site);
    for (int i = 0; i < count; i++)
        if (!(expr = dj_try_transform(ev, expr, transforms[i], transforms[i], span))) return false;
    if (expr->kind == DJ_VALUE) {
        DjField *field = dj_output_field(ev, expr, true);
        if (!field) return false;
        expr = dj_cast(ev, expr, field);
    }
    pair_add(pairs, dj_order_by(ev, expr, descending, NULLS_DEFAULT, expr->site), false);
    return true;
}

static DjExtra *find_extra(DjQuery *query, Slice name) {
    for (int i = 0; i < query->extra_count; i++)
        if (slice_equals(query->extra[i].name, name)) return &query->extra[i];
    return NULL;
}

static bool add_extra(Pairs *pairs, const DjExtra *extra, bool descending) {
    DjQuery *query = pairs->compiler->query;
    DjExpr *raw = dj_expr_new(query->ev, DJ_RAW, query->site, 0);
    raw->as.raw.sql = extra->sql;
    raw->as.raw.params = extra->params;
    raw->as.raw.count = extra->count;
    raw->flags = DJ_RESOLVED;
    bool selected = !query->extra_masked || extra->selected;
    pair_add(pairs,
             dj_order_by(query->ev, selected ? dj_ref(query->ev, extra->name, raw) : raw, descending, NULLS_DEFAULT,
                         query->site),
             selected);
    return true;
}

/* "table.column" of extra(order_by=…): passed on as it is. */
static bool add_dotted(Pairs *pairs, Slice text, bool descending) {
    Evaluator *ev = pairs->compiler->ev;
    size_t dot = slice_find(text, '.');
    Slice table = slice_sub(text, 0, dot), column = slice_sub(text, dot + 1, text.length);
    DjExpr *raw = dj_expr_new(ev, DJ_RAW, pairs->compiler->query->site, 0);
    char quote = pairs->compiler->dialect->quote;
    raw->as.raw.sql =
        slice_format(evaluator_arena(ev), "%c%.*s%c.%.*s", quote, SLICE_ARGS(table), quote, SLICE_ARGS(column));
    raw->flags = DJ_RESOLVED;
    pair_add(pairs, dj_order_by(ev, raw, descending, NULLS_DEFAULT, raw->site), false);
    return true;
}

static bool add_ordering(Pairs *pairs, const DjOrdering *item, bool from_extra) {
    DjCompiler *compiler = pairs->compiler;
    DjQuery *query = compiler->query;
    Evaluator *ev = compiler->ev;
    if (item->expr) return add_expression(pairs, item->expr);
    bool descending = !query->standard_ordering;
    Slice name = item->name;
    if (slice_equals_text(name, "?")) {
        DjExpr *random = dj_function_new(ev, dj_function_find("Random"), NULL, 0, query->site);
        pair_add(pairs, dj_order_by(ev, random, false, NULLS_DEFAULT, query->site), false);
        return true;
    }
    if (name.length && name.start[0] == '-') {
        name = slice_sub(name, 1, name.length);
        descending = !descending;
    }
    DjExpr *position = select_position(compiler, name, NULL);
    if (position) {
        pair_add(pairs, dj_order_by(ev, position, descending, NULLS_DEFAULT, position->site), true);
        return true;
    }
    Slice pieces[DJ_MAX_NAMES];
    int count = 1;
    DjAnnotation *annotation = dj_annotation_find(query, name);
    pieces[0] = name;
    if (!annotation) {
        count = dj_split_names(name, pieces);
        annotation = dj_annotation_find(query, pieces[0]);
    }
    if (annotation)
        return add_annotation(pairs, annotation->expr, pieces[0], pieces + 1, count - 1, descending, item->span);
    if (from_extra && slice_find(name, '.') < name.length) return add_dotted(pairs, name, descending);
    DjExtra *extra = find_extra(query, name);
    if (extra) return add_extra(pairs, extra, descending);
    if (query->combinator != DJ_COMBINE_NONE && compiler->select_count) {
        pair_add(pairs, dj_order_by(ev, dj_f(ev, name, query->site), descending, NULLS_DEFAULT, query->site), false);
        return true;
    }
    return add_name(pairs, name, query->model, NULL, descending, 0, (Slice){0}, item->span);
}

/* What is ordered by, without direction; the emulation of NULLS FIRST/LAST belongs to it. */
static Expr *order_operand(Arena *arena, const Expr *order) {
    if (order->kind == EXPR_ORDER) return order->args.items[0];
    if (order->kind != EXPR_LIST) return (Expr *)order;
    Expr *list = expr_new(arena, EXPR_LIST, SQL_UNKNOWN);
    for (int i = 0; i < order->args.count; i++)
        expr_list_push(arena, &list->args, order_operand(arena, order->args.items[i]));
    return list;
}

bool dj_same_sql(const Expr *a, const Expr *b) { return a == b || expr_equals(a, b); }

/* A composite primary key is ordered by column after column; for everything else it is one expression. */
static DjOutcome compile_composite(DjCompiler *compiler, const DjExpr *order, const DjExpr *columns, DjOrder *out) {
    Arena *arena = compiler_arena(compiler);
    out->sql = expr_new(arena, EXPR_LIST, SQL_UNKNOWN);
    out->operand = expr_new(arena, EXPR_LIST, SQL_UNKNOWN);
    for (int i = 0; i < columns->count; i++) {
        DjExpr *one = dj_copy(compiler->ev, order);
        one->args[0] = columns->args[i];
        Expr *sql;
        DjOutcome outcome = dj_compile(compiler, one, &sql);
        if (outcome != DJ_SQL) return outcome;
        expr_list_push(arena, &out->sql->args, sql);
        expr_list_push(arena, &out->operand->args, order_operand(arena, sql));
    }
    return DJ_SQL;
}

static DjOutcome compile_order(DjCompiler *compiler, DjOrder *order) {
    const DjExpr *source = order->expr->kind == DJ_ORDER_BY ? order->expr->args[0] : NULL;
    if (source && source->kind == DJ_POSITION) source = source->args[0];
    if (source && source->kind == DJ_COL_PAIRS) return compile_composite(compiler, order->expr, source, order);
    DjOutcome outcome = dj_compile(compiler, order->expr, &order->sql);
    if (outcome == DJ_SQL) order->operand = order_operand(compiler_arena(compiler), order->sql);
    return outcome;
}

static DjOutcome take_pair(DjCompiler *compiler, const Pair *pair, DjOrders *out) {
    DjResolve how = {.allow_joins = true};
    DjExpr *given = pair->expr, *resolved = dj_resolve(compiler->query, given, &how);
    if (!resolved) return DJ_ERROR;
    /* an annotation that is ordered by its name was resolved before */
    if ((given->kind == DJ_ORDER_BY ? given->args[0] : given)->flags & DJ_RESOLVED)
        resolved = dj_resolve_again(compiler->ev, resolved);
    if (!pair->is_ref && compiler->query->combinator != DJ_COMBINE_NONE && compiler->select_count) {
        resolved = dj_combined_order(compiler, given, resolved);
        if (!resolved) return DJ_ERROR;
    }
    DjOrder order = {.expr = resolved, .is_ref = pair->is_ref};
    DjOutcome outcome = compile_order(compiler, &order);
    if (outcome != DJ_SQL) return outcome;
    bool seen = false;
    for (int i = 0; i < out->count; i++) seen |= dj_same_sql(out->items[i].operand, order.operand);
    if (!seen) ARENA_PUSH(compiler_arena(compiler), out->items, out->count, out->capacity) = order;
    return DJ_SQL;
}

/* One item of ordering is read and resolved before the next, so that joins are made in that order. */
static DjOutcome take_ordering(Pairs *pairs, const DjOrdering *item, bool from_extra, DjOrders *out) {
    if (!add_ordering(pairs, item, from_extra)) return DJ_ERROR;
    DjOutcome outcome = DJ_SQL;
    for (; outcome == DJ_SQL && pairs->taken < pairs->count; pairs->taken++)
        outcome = take_pair(pairs->compiler, &pairs->items[pairs->taken], out);
    return outcome;
}

static DjOutcome take_list(Pairs *pairs, const DjOrdering *items, int count, bool from_extra, DjOrders *out) {
    DjOutcome outcome = DJ_SQL;
    for (int i = 0; outcome == DJ_SQL && i < count; i++) outcome = take_ordering(pairs, &items[i], from_extra, out);
    return outcome;
}

DjOutcome dj_compile_order_by(DjCompiler *compiler, DjOrders *out) {
    Pairs pairs = {.compiler = compiler};
    DjQuery *query = compiler->query;
    if (query->extra_order_count) return take_list(&pairs, query->extra_order_by, query->extra_order_count, true, out);
    if (query->order_count || !query->default_ordering)
        return take_list(&pairs, query->order_by, query->order_count, false, out);
    Value **items = NULL;
    int count = query->model ? model_get_ordering(query->ev, query->model, &items) : 0;
    DjOutcome outcome = DJ_SQL;
    compiler->meta_ordering = count > 0;
    for (int i = 0; outcome == DJ_SQL && i < count; i++) {
        DjOrdering item = {0};
        if (value_is_expr(items[i])) item.expr = value_expr(items[i]);
        else item.name = value_text(items[i]);
        outcome = take_ordering(&pairs, &item, false, out);
    }
    return outcome;
}
