/*
 * union(), intersection(), difference(): each part a query of its own, in parentheses where the database takes them;
 * ordering and slices apply to the whole, and refer to the columns by name or position.
 */
#include "compiler/django/compile.h"

#include "compiler/django/django.h"

static const char *const combinator_methods[] = {"", "union", "intersection", "difference"};

const char *dj_combinator_method(DjCombinator combinator) { return combinator_methods[combinator]; }

static SetOperator set_operator(const DjQuery *query) {
    switch (query->combinator) {
    case DJ_COMBINE_UNION: return query->combinator_all ? SET_UNION_ALL : SET_UNION;
    case DJ_COMBINE_INTERSECTION: return SET_INTERSECT;
    case DJ_COMBINE_DIFFERENCE: return SET_EXCEPT;
    case DJ_COMBINE_NONE: break;
    }
    return SET_UNION;
}

static bool refuse_part(DjCompiler *compiler, const char *what) {
    return evaluator_raise(compiler->ev, django_state(compiler->ev)->database_error,
                           evaluator_span(compiler->ev, compiler->query->site),
                           "%s not allowed in subqueries of compound statements.", what) != NULL;
}

/* SQLite has no parentheses around the parts: they can be neither sliced nor ordered there. */
static bool check_parts(DjCompiler *compiler) {
    if (compiler->dialect->has_parenthesised_set_parts) return true;
    for (int i = 0; i < compiler->query->combined_count; i++) {
        DjQuery *part = compiler->query->combined[i];
        if (dj_is_sliced(part)) return refuse_part(compiler, "LIMIT/OFFSET");
        Value **items;
        bool ordered = part->order_count || part->extra_order_count ||
                       (part->default_ordering && part->model && model_get_ordering(compiler->ev, part->model, &items));
        if (ordered) return refuse_part(compiler, "ORDER BY");
    }
    return true;
}

/* The names of values() that were chosen for the whole apply to every part that chose none. */
static bool share_names(DjQuery *query, DjQuery *part) {
    if (!query->has_selected || part->has_selected) return true;
    Slice *names = ARENA_ARRAY(evaluator_arena(query->ev), Slice, query->selected_count + 1);
    for (int i = 0; i < query->selected_count; i++) names[i] = query->selected[i].name;
    return dj_set_values(part, names, NULL, query->selected_count);
}

static DjOutcome compile_part(DjCompiler *compiler, DjQuery *part, Query **out) {
    if (!share_names(compiler->query, part)) return DJ_ERROR;
    return dj_query_compile(part, compiler, true, true, out);
}

static Query *wrap_compound(DjCompiler *compiler, Query *part) {
    Arena *arena = compiler_arena(compiler);
    Query *outer = query_new(arena, QUERY_SELECT);
    Relation *relation = ARENA_NEW(arena, Relation);
    relation->kind = RELATION_SUBQUERY;
    relation->query = part;
    query_add_from(arena, outer, from_relation(arena, relation));
    query_add_item(arena, outer, expr_new(arena, EXPR_STAR, SQL_UNKNOWN), (Slice){0});
    return outer;
}

DjOutcome dj_compile_combined(DjCompiler *compiler, Query **out) {
    DjQuery *query = compiler->query;
    Arena *arena = compiler_arena(compiler);
    bool supported = query->combinator == DJ_COMBINE_UNION || compiler->dialect->has_intersect;
    if (!supported) {
        evaluator_raise(compiler->ev, django_state(compiler->ev)->not_supported_error,
                        evaluator_span(compiler->ev, query->site), "%s is not supported on this database backend.",
                        combinator_methods[query->combinator]);
        return DJ_ERROR;
    }
    if (!check_parts(compiler)) return DJ_ERROR;
    Query *tree = query_new(arena, QUERY_SET_OPERATION);
    tree->set_operator = set_operator(query);
    tree->parts = ARENA_ARRAY(arena, Query *, query->combined_count + 1);
    tree->part_grouped = ARENA_ARRAY(arena, bool, query->combined_count + 1);
    DjQuery *empty = NULL;
    for (int i = 0; i < query->combined_count; i++) {
        Query *part;
        if (!query->elide_empty) query->combined[i]->elide_empty = false;
        DjOutcome outcome = compile_part(compiler, query->combined[i], &part);
        if (outcome == DJ_EMPTY && (query->combinator == DJ_COMBINE_UNION ||
                                    (query->combinator == DJ_COMBINE_DIFFERENCE && tree->part_count))) {
            empty = query->combined[i];
            continue;
        }
        if (outcome != DJ_SQL) return outcome;
        bool compound = query->combined[i]->combinator != DJ_COMBINE_NONE;
        if (compound && !compiler->dialect->has_parenthesised_set_parts) part = wrap_compound(compiler, part);
        tree->parts[tree->part_count] = part;
        tree->part_grouped[tree->part_count++] = compiler->dialect->has_parenthesised_set_parts;
    }
    if (!tree->part_count) return DJ_EMPTY;
    if (tree->part_count == 1 && query->combinator == DJ_COMBINE_UNION && dj_is_sliced(query) && empty) {
        empty->elide_empty = false;
        Query *part;
        if (compile_part(compiler, empty, &part) != DJ_SQL) return DJ_ERROR;
        tree->parts[1] = part;
        tree->part_grouped[1] = compiler->dialect->has_parenthesised_set_parts;
        tree->part_count = 2;
    }
    *out = tree;
    return DJ_SQL;
}

/* ORDER BY of the whole by a column that no part selects: every part selects it under a name of its own. */
static DjExpr *order_by_new_column(DjCompiler *compiler, DjExpr *source, DjExpr *resolved) {
    DjQuery *query = compiler->query;
    Evaluator *ev = compiler->ev;
    Slice name = slice_format(compiler_arena(compiler), "__orderbycol%d", query->select.count + 1);
    for (int i = 0; i < query->combined_count; i++) {
        DjQuery *part = query->combined[i];
        if (part->has_selected)
            return evaluator_raise(ev, django_state(ev)->database_error, evaluator_mistake_span(ev, query->site),
                                   "ORDER BY term does not match any column in the result set.");
        if (!dj_add_annotation(part, name, source, true, (Span){0})) return NULL;
    }
    /* Django notes the column among the names of values(), which have to be there */
    if (!query->has_selected)
        return evaluator_raise_id(ev, EXCEPTION_TYPE, query->site,
                                  "'NoneType' object does not support item assignment");
    ARENA_PUSH(compiler_arena(compiler), query->select.items, query->select.count, query->select.capacity) = resolved;
    ARENA_PUSH(compiler_arena(compiler), query->selected, query->selected_count, query->selected_capacity) =
        (DjSelected){name, DJ_SELECTED_COLUMN, query->select.count - 1};
    DjExpr *order = dj_copy(ev, resolved);
    order->args[0] = dj_ref(ev, name, resolved->args[0]);
    return order;
}

DjExpr *dj_combined_order(DjCompiler *compiler, DjExpr *original, DjExpr *resolved) {
    DjExpr *source = resolved->args[0], *given = original->args[0];
    for (int i = 0; i < compiler->select_count; i++) {
        DjSelectColumn *column = &compiler->select[i];
        if (!dj_equal(column->expr, source)) continue;
        DjAnnotation *annotation = column->alias.length ? dj_annotation_find(compiler->query, column->alias) : NULL;
        bool named = annotation && dj_annotation_is_selected(compiler->query, annotation);
        if (compiler->query->has_selected && named &&
            !(given->kind == DJ_F && slice_equals(given->as.f.name, column->alias)))
            continue;
        DjExpr *order = dj_copy(compiler->ev, resolved);
        Slice name = column->alias.length     ? column->alias
                     : source->kind == DJ_COL ? source->as.col.target->column->text
                                              : (Slice){0};
        order->args[0] = dj_ref(compiler->ev, name, source);
        return order;
    }
    return order_by_new_column(compiler, given, resolved);
}
