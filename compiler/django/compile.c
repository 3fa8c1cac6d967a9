/*
 * A finished DjQuery to the query tree: the order of Django's own compiler, because each step may still add joins:
 * select list, ORDER BY, the split of conditions into WHERE, HAVING and filters on window functions, GROUP BY, FROM.
 */
#include "compiler/django/compile.h"

#include "compiler/django/column_type.h"
#include "compiler/django/django.h"
#include "compiler/django/queryset.h"

/* ---- FROM ---- */

/* PostgreSQL compares columns of one type only: the key of a generic relation may be held as text. */
static bool joins_other_type(DjCompiler *compiler, const DjJoinColumn *columns) {
    if (compiler->dialect->id != DIALECT_POSTGRESQL || columns->near->kind == columns->far->kind) return false;
    return !slice_equals(field_column_type(compiler->ev, columns->near), field_column_type(compiler->ev, columns->far));
}

static DjOutcome join_condition(DjCompiler *compiler, DjJoin *join, Expr **out) {
    Arena *arena = compiler_arena(compiler);
    Expr *all = expr_new(arena, EXPR_AND, SQL_BOOLEAN);
    for (int i = 0; i < join->column_count; i++) {
        Expr *near = expr_column(arena, &join->parent->relation, join->columns[i].near_column, SQL_UNKNOWN);
        Expr *far;
        if (joins_other_type(compiler, &join->columns[i])) {
            DjExpr *column = dj_col(compiler->ev, join, join->columns[i].far, NULL);
            DjOutcome cast = dj_compile(compiler, dj_cast(compiler->ev, column, join->columns[i].near), &far);
            if (cast != DJ_SQL) return cast;
        } else {
            far = expr_column(arena, &join->relation, join->columns[i].far_column, SQL_UNKNOWN);
        }
        expr_list_push(arena, &all->args, expr_binary(arena, OPERATOR_EQ, near, far, SQL_BOOLEAN));
    }
    DjExpr *restriction = dj_join_restriction(compiler->query, join->join, join);
    if (evaluator_error_pending(compiler->ev)) return DJ_ERROR;
    DjExpr *further[2] = {restriction, join->filtered};
    for (int i = 0; i < 2; i++) {
        Expr *condition;
        DjOutcome outcome = further[i] ? dj_compile(compiler, further[i], &condition) : DJ_FULL;
        if (outcome == DJ_ERROR || outcome == DJ_EMPTY) return outcome;
        if (outcome != DJ_SQL) continue;
        expr_list_push(arena, &all->args, expr_group(arena, condition));
    }
    *out = expr_group(arena, all->args.count == 1 ? all->args.items[0] : all);
    return DJ_SQL;
}

static bool table_is_joined(const DjQuery *query, Slice table) {
    for (int i = 0; i < query->join_count; i++)
        if (query->joins[i]->references > 0 && slice_equals(query->joins[i]->relation.name, table)) return true;
    return false;
}

static bool check_names(DjCompiler *compiler, const Relation *relation) {
    if (compiler->dialect->id != DIALECT_POSTGRESQL) return true;
    if (slice_find(relation->name, '$') == relation->name.length &&
        slice_find(relation->alias, '$') == relation->alias.length)
        return true;
    return evaluator_raise_id(compiler->ev, EXCEPTION_VALUE, compiler->query->site,
                              "Dollar signs are not permitted in column aliases on PostgreSQL.") != NULL;
}

static DjOutcome compile_from(DjCompiler *compiler) {
    Arena *arena = compiler_arena(compiler);
    DjQuery *query = compiler->query;
    From *from = NULL;
    for (int i = 0; i < query->join_count; i++) {
        DjJoin *join = query->joins[i];
        if (join->references <= 0) continue;
        if (!check_names(compiler, &join->relation)) return DJ_ERROR;
        From *one = from_relation(arena, &join->relation);
        if (!from || join->base) {
            if (from) query_add_from(arena, compiler->tree, from);
            from = one;
            continue;
        }
        Expr *on;
        DjOutcome outcome = join_condition(compiler, join, &on);
        if (outcome != DJ_SQL) return outcome;
        from = from_join(arena, from, one, join->louter ? JOIN_LEFT : JOIN_INNER, on);
    }
    if (from) query_add_from(arena, compiler->tree, from);
    for (int i = 0; i < query->extra_table_count; i++)
        if (!table_is_joined(query, query->extra_tables[i]))
            query_add_from(arena, compiler->tree,
                           from_relation(arena, relation_table(arena, (Slice){0}, query->extra_tables[i], (Slice){0})));
    return DJ_SQL;
}

/* ---- DISTINCT, LIMIT, FOR UPDATE ---- */

static DjOutcome compile_distinct(DjCompiler *compiler) {
    DjQuery *query = compiler->query;
    compiler->tree->distinct = query->distinct;
    for (int i = 0; i < query->distinct_count; i++) {
        DjAnnotation *annotation = dj_annotation_find(query, query->distinct_fields[i]);
        Expr *sql;
        DjExpr *column;
        if (annotation && dj_annotation_is_selected(query, annotation)) {
            column = dj_ref(compiler->ev, annotation->name, annotation->expr);
        } else {
            Slice names[DJ_MAX_NAMES];
            int count = dj_split_names(query->distinct_fields[i], names);
            DjJoined joined;
            Span span = query->distinct_spans[i];
            if (!dj_setup_joins(query, names, count, query->model, dj_query_base(query), NULL, true, span, &joined))
                return DJ_ERROR;
            column = dj_value_column(query, &joined, dj_trim_joins(query, &joined), span);
        }
        DjOutcome outcome = column ? dj_compile(compiler, column, &sql) : DJ_ERROR;
        if (outcome != DJ_SQL) return outcome;
        expr_list_push(compiler_arena(compiler), &compiler->tree->distinct_on, sql);
    }
    return DJ_SQL;
}

/* Said last: a name that is none, and a condition that can't hold, come first. */
static bool check_distinct(DjCompiler *compiler) {
    if (!compiler->query->distinct_count || compiler->dialect->has_distinct_on) return true;
    return evaluator_raise(compiler->ev, django_state(compiler->ev)->not_supported_error,
                           compiler->query->distinct_spans[0],
                           "DISTINCT ON fields is not supported by this database backend") != NULL;
}

static Expr *limit_number(DjCompiler *compiler, int64_t number) {
    return expr_integer(compiler_arena(compiler), number);
}

static DjOutcome compile_limits(DjCompiler *compiler, Query *tree) {
    DjQuery *query = compiler->query;
    if (query->high_value || query->low_value) {
        DjOutcome outcome = DJ_SQL;
        if (query->high_value) outcome = dj_compile_value(compiler, query->high_value, NULL, query->site, &tree->limit);
        else if (query->sliced_high) tree->limit = limit_number(compiler, query->high);
        if (outcome == DJ_SQL && query->low_value)
            outcome = dj_compile_value(compiler, query->low_value, NULL, query->site, &tree->offset);
        else if (query->low) tree->offset = limit_number(compiler, query->low);
        return outcome;
    }
    if (query->sliced_high) tree->limit = limit_number(compiler, query->high - query->low);
    if (query->low) tree->offset = limit_number(compiler, query->low);
    return DJ_SQL;
}

static bool refuse_lock(DjCompiler *compiler, const char *what) {
    return evaluator_raise(compiler->ev, django_state(compiler->ev)->not_supported_error,
                           evaluator_span(compiler->ev, compiler->query->site),
                           "%s is not supported on this database backend.", what) != NULL;
}

static bool compile_lock(DjCompiler *compiler) {
    DjQuery *query = compiler->query;
    const Dialect *dialect = compiler->dialect;
    if (!query->lock || !dialect->has_for_update) return true;
    if (query->lock_nowait && !dialect->has_nowait) return refuse_lock(compiler, "NOWAIT");
    if (query->lock_skip_locked && !dialect->has_skip_locked) return refuse_lock(compiler, "SKIP LOCKED");
    if (query->lock_of_count && !dialect->has_for_update_of) return refuse_lock(compiler, "FOR UPDATE OF");
    if (query->lock_no_key && !dialect->has_for_no_key_update) return refuse_lock(compiler, "FOR NO KEY UPDATE");
    Lock *lock = &compiler->tree->lock;
    lock->mode = query->lock_no_key ? LOCK_NO_KEY_UPDATE : LOCK_UPDATE;
    lock->nowait = query->lock_nowait;
    lock->skip_locked = query->lock_skip_locked;
    return dj_lock_relations(compiler, lock);
}

/* ---- conditions ---- */

static DjOutcome compile_where_part(DjCompiler *compiler) {
    if (!compiler->where) return DJ_SQL;
    DjOutcome outcome = dj_compile(compiler, compiler->where, &compiler->tree->where);
    if (outcome == DJ_EMPTY && !compiler->query->elide_empty) {
        compiler->tree->where = expr_raw(compiler_arena(compiler), SLICE("0 = 1"));
        return DJ_SQL;
    }
    if (outcome == DJ_FULL) {
        compiler->tree->where = NULL;
        return DJ_SQL;
    }
    return outcome;
}

static DjOutcome compile_having_part(DjCompiler *compiler) {
    if (!compiler->having) return DJ_SQL;
    DjOutcome outcome = dj_compile(compiler, compiler->having, &compiler->tree->having);
    if (outcome != DJ_FULL) return outcome;
    compiler->tree->having = NULL;
    return DJ_SQL;
}

/* ---- the whole ---- */

/* What DISTINCT forces ORDER BY to select as well. */
static int distinct_extra(DjCompiler *compiler, const DjOrders *orders, DjSelectColumn **extra) {
    DjQuery *query = compiler->query;
    if (!query->distinct || query->distinct_count) return 0;
    *extra = ARENA_ARRAY(compiler_arena(compiler), DjSelectColumn, orders->count + 1);
    int count = 0;
    for (int i = 0; i < orders->count; i++) {
        Expr *sql = orders->items[i].operand;
        bool selected = orders->items[i].is_ref;
        for (int j = 0; j < compiler->select_count && !selected; j++)
            selected = dj_same_sql(compiler->select[j].sql, sql);
        if (!selected) (*extra)[count++] = (DjSelectColumn){.expr = orders->items[i].expr, .sql = sql};
    }
    return count;
}

static void add_items(DjCompiler *compiler, const DjSelectColumn *columns, int count) {
    for (int i = 0; i < count; i++) {
        SelectItem *item = query_add_item(compiler_arena(compiler), compiler->tree, columns[i].sql, columns[i].alias);
        item->expr->type = item->expr->type ? item->expr->type : SQL_UNKNOWN;
    }
}

static void add_ordering(DjCompiler *compiler, Query *tree, const DjOrders *orders) {
    for (int i = 0; i < orders->count; i++)
        expr_list_push(compiler_arena(compiler), &tree->order_by, orders->items[i].sql);
}

/* As part of another query, what ORDER BY added to the select list is taken away again by one more query around it. */
static Query *drop_extra(DjCompiler *compiler, Query *inner) {
    Arena *arena = compiler_arena(compiler);
    Query *outer = query_new(arena, QUERY_SELECT);
    Relation *relation = ARENA_NEW(arena, Relation);
    relation->kind = RELATION_SUBQUERY;
    relation->query = inner;
    relation->alias = SLICE("subquery");
    relation->alias_unquoted = true;
    query_add_from(arena, outer, from_relation(arena, relation));
    for (int i = 0; i < compiler->select_count; i++) {
        const SelectItem *item = &inner->items[i];
        Slice name = item->alias.length || item->expr->kind != EXPR_COLUMN ? item->alias : item->expr->as.column.name;
        /* Django quotes the subquery's name here, and only here */
        Slice text = slice_format(arena, "%.*s.%.*s", SLICE_ARGS(name_quote(compiler->ev, SLICE("subquery"))),
                                  SLICE_ARGS(name_quote(compiler->ev, name)));
        query_add_item(arena, outer, expr_raw(arena, text), (Slice){0});
    }
    return outer;
}

static DjOutcome compile_plain(DjCompiler *compiler, DjOrders *orders, const DjSelectColumn *extra, int extra_count,
                               ExprList *group_by) {
    Query *tree = compiler->tree;
    DjOutcome outcome = compile_distinct(compiler);
    /* before the conditions: content types that joins ask for are looked up first, even where nothing can match */
    if (outcome == DJ_SQL) outcome = compile_from(compiler);
    if (outcome == DJ_SQL) outcome = compile_where_part(compiler);
    if (outcome == DJ_SQL) outcome = compile_having_part(compiler);
    if (outcome != DJ_SQL) return outcome;
    if (!check_distinct(compiler)) return DJ_ERROR;
    add_items(compiler, compiler->select, compiler->select_count);
    add_items(compiler, extra, extra_count);
    tree->group_by = *group_by;
    if (group_by->count && compiler->query->distinct_count) {
        evaluator_raise_id(compiler->ev, EXCEPTION_NOT_IMPLEMENTED, compiler->query->site,
                           "annotate() + distinct(fields) is not implemented.");
        return DJ_ERROR;
    }
    if (group_by->count) {
        tree->order_by_null = compiler->dialect->is_mysql && !orders->count;
        if (compiler->meta_ordering) orders->count = 0;
    }
    return compile_lock(compiler) ? DJ_SQL : DJ_ERROR;
}

static DjOutcome compile_aggregate_wrap(DjCompiler *compiler, Query **out) {
    Arena *arena = compiler_arena(compiler);
    DjQuery *query = compiler->query;
    Query *inner;
    DjOutcome outcome = DJ_SQL;
    Expr **items = ARENA_ARRAY(arena, Expr *, query->annotation_count + 1);
    for (int i = 0; i < query->annotation_count; i++) {
        outcome = dj_compile(compiler, query->annotations[i].expr, &items[i]);
        if (outcome != DJ_SQL) return outcome;
        if (!dj_has_type(compiler, query->annotations[i].expr)) return DJ_ERROR;
    }
    query->inner->elide_empty = query->elide_empty;
    outcome = dj_query_compile(query->inner, compiler, true, true, &inner);
    if (outcome != DJ_SQL) return outcome;
    Relation *relation = ARENA_NEW(arena, Relation);
    relation->kind = RELATION_SUBQUERY;
    relation->query = inner;
    relation->alias = SLICE("subquery");
    relation->alias_unquoted = true;
    query_add_from(arena, compiler->tree, from_relation(arena, relation));
    for (int i = 0; i < query->annotation_count; i++) query_add_item(arena, compiler->tree, items[i], (Slice){0});
    *out = compiler->tree;
    return DJ_SQL;
}

static DjOutcome compile_query(DjCompiler *compiler, bool with_limits, bool with_col_aliases, Query **out) {
    DjQuery *query = compiler->query;
    if (query->inner) return compile_aggregate_wrap(compiler, out);
    bool active = false;
    for (int i = 0; i < query->join_count; i++) active |= query->joins[i]->references > 0;
    if (!active) dj_query_base(query);
    bool combined = query->combinator != DJ_COMBINE_NONE;
    DjOutcome outcome = dj_compile_select(compiler, with_col_aliases || combined);
    DjOrders orders = {0};
    if (outcome == DJ_SQL) outcome = dj_compile_order_by(compiler, &orders);
    if (outcome != DJ_SQL) return outcome;
    if (!dj_split_where(compiler->ev, query->where, false, query->grouping != DJ_GROUP_NONE, &compiler->where,
                        &compiler->having, &compiler->qualify))
        return DJ_ERROR;
    DjSelectColumn *extra = NULL;
    int extra_count = distinct_extra(compiler, &orders, &extra);
    ExprList group_by = {0};
    outcome = dj_compile_group_by(compiler, &orders, extra, extra_count, &group_by);
    if (outcome != DJ_SQL) return outcome;
    Query *tree = compiler->tree;
    if (combined) outcome = dj_compile_combined(compiler, &tree);
    else if (compiler->qualify) outcome = dj_compile_qualify(compiler, &orders, &tree);
    else outcome = compile_plain(compiler, &orders, extra, extra_count, &group_by);
    if (outcome != DJ_SQL) return outcome;
    add_ordering(compiler, tree, &orders);
    if (with_limits && dj_is_sliced(query) && compile_limits(compiler, tree) != DJ_SQL) return DJ_ERROR;
    tree->prefix = query->explain;
    *out = query->subquery && extra_count && !combined && !compiler->qualify ? drop_extra(compiler, tree) : tree;
    return DJ_SQL;
}

DjOutcome dj_query_compile(DjQuery *query, DjCompiler *outer, bool with_limits, bool with_col_aliases, Query **out) {
    DjCompiler compiler = {.ev = query->ev,
                           .dialect = evaluator_dialect(query->ev),
                           .query = query,
                           .outer = outer,
                           .depth = outer ? outer->depth : 0,
                           .tree = query_new(evaluator_arena(query->ev), QUERY_SELECT)};
    /* lives as long as the expressions that remember it */
    DjCompiler *kept = ARENA_NEW(evaluator_arena(query->ev), DjCompiler);
    *kept = compiler;
    return compile_query(kept, with_limits, with_col_aliases, out);
}

DjOutcome dj_query_statement(DjQuery *query, StatementList *out) {
    Query *tree;
    DjOutcome outcome = dj_query_compile(query, NULL, true, false, &tree);
    if (outcome != DJ_SQL) return outcome;
    return dj_emit(query->ev, tree, query->explain.length ? STATEMENT_EXPLAIN : STATEMENT_SELECT, query->site, out)
               ? DJ_SQL
               : DJ_ERROR;
}

bool dj_emit(Evaluator *ev, Query *tree, StatementKind kind, const Node *site, StatementList *out) {
    DiagnosticList refused;
    diagnostics_init(&refused, evaluator_arena(ev));
    EmitOptions options = {.style = STYLE_DJANGO, .inline_literals = evaluator_inlines(ev)};
    Statement statement = {0};
    if (query_emit(evaluator_arena(ev), evaluator_dialect(ev), &options, tree, kind, &refused, &statement)) {
        ARENA_PUSH(evaluator_arena(ev), out->items, out->count, out->capacity) = statement;
        return true;
    }
    Diagnostic *first = refused.count ? &refused.items[0] : NULL;
    Span span = first && first->span.source ? first->span : evaluator_span(ev, site);
    evaluator_raise(ev, django_state(ev)->not_supported_error, span, "%.*s", first ? (int)first->message.length : 0,
                    first ? first->message.start : "");
    return false;
}
