/*
 * SELECT, set operations, VALUES, CTEs, FROM and the clauses that end a query.
 *
 *     SELECT DISTINCT … FROM … WHERE … GROUP BY … HAVING … ORDER BY … LIMIT … OFFSET … FOR UPDATE
 */
#include "compiler/emit/emitter.h"

/* ---- FROM ---- */

static void emit_column_names(Emitter *e, const Relation *relation) {
    if (!relation->column_count) return;
    /* a derived table's column list is written close to a function's alias, apart from a VALUES' one */
    emit_text(e, relation->kind == RELATION_VALUES || relation->kind == RELATION_SUBQUERY ? " (" : "(");
    for (int i = 0; i < relation->column_count; i++) {
        if (i) EMIT(e, ", ");
        emit_identifier(e, relation->column_names[i]->text);
    }
    buffer_put(&e->sql, ')');
}

static void emit_relation_alias(Emitter *e, const Relation *relation) {
    if (!relation->alias.length) return;
    bool named = relation->kind == RELATION_TABLE || relation->kind == RELATION_CTE;
    if (named && !relation->schema.length && slice_equals(relation->alias, relation->name)) return;
    emit_text(e, emit_is_django(e) ? " " : " AS ");
    emit_relation_alias_name(e, relation);
}

static void emit_relation_body(Emitter *e, const Relation *relation) {
    switch (relation->kind) {
    case RELATION_TABLE:
    case RELATION_CTE: emit_relation_name(e, relation); break;
    case RELATION_SUBQUERY:
    case RELATION_VALUES:
        buffer_put(&e->sql, '(');
        emit_query(e, relation->query);
        buffer_put(&e->sql, ')');
        break;
    case RELATION_FUNCTION:
    case RELATION_RAW: emit_expr(e, relation->expression); break;
    }
}

void emit_relation(Emitter *e, const Relation *relation, Slice hint) {
    if (relation->lateral) EMIT(e, "LATERAL ");
    emit_relation_body(e, relation);
    emit_relation_alias(e, relation);
    if (relation->kind != RELATION_CTE && relation->kind != RELATION_TABLE) emit_column_names(e, relation);
    if (hint.length) {
        buffer_put(&e->sql, ' ');
        buffer_slice(&e->sql, hint);
    }
}

static const char *join_text(const Emitter *e, const From *from) {
    switch (from->join) {
    case JOIN_INNER:
        return from->join_plain || (!emit_is_django(e) && !e->dialect->is_mysql) ? " JOIN " : " INNER JOIN ";
    case JOIN_LEFT: return " LEFT OUTER JOIN ";
    case JOIN_FULL: return " FULL OUTER JOIN ";
    case JOIN_CROSS: return " CROSS JOIN ";
    }
    return " JOIN ";
}

/* Chains of joins lean to the left and may be long: walked down by a loop, not by recursion. */
static void emit_join(Emitter *e, const From *from) {
    const From *chain_buffer[64];
    const From **chain = chain_buffer;
    int count = 0;
    for (const From *at = from; !at->relation; at = at->left) {
        count++;
        if (at != from && at->grouped) break;
    }
    if (count > 64) chain = arena_allocate(e->arena, (size_t)count * sizeof *chain);
    const From *leftmost = from;
    int depth = 0;
    while (!leftmost->relation && (leftmost == from || !leftmost->grouped)) {
        chain[depth++] = leftmost;
        leftmost = leftmost->left;
    }
    emit_from(e, leftmost);
    while (depth) {
        const From *join = chain[--depth];
        emit_text(e, join_text(e, join));
        emit_from(e, join->right);
        if (join->on) {
            EMIT(e, " ON ");
            emit_expr(e, join->on);
        }
    }
}

void emit_from(Emitter *e, const From *from) {
    if (from->relation) {
        if (from->prefix.length) {
            buffer_slice(&e->sql, from->prefix);
            buffer_put(&e->sql, ' ');
        }
        emit_relation(e, from->relation, from->hint);
        return;
    }
    if (!emit_enter(e, (Span){0})) return;
    if (from->grouped) buffer_put(&e->sql, '(');
    emit_join(e, from);
    if (from->grouped) buffer_put(&e->sql, ')');
    e->depth--;
}

void emit_from_list(Emitter *e, const Query *query) {
    for (int i = 0; i < query->from_count; i++) {
        /* Django's extra(tables=…) puts a space before its comma */
        if (i) emit_text(e, e->style == STYLE_DJANGO ? " , " : ", ");
        emit_from(e, query->from[i]);
    }
}

/* ---- clauses ---- */

void emit_items(Emitter *e, const SelectItem *items, int count) {
    for (int i = 0; i < count; i++) {
        if (i) EMIT(e, ", ");
        emit_expr(e, items[i].expr);
        if (!items[i].alias.length) continue;
        EMIT(e, " AS ");
        emit_name(e, items[i].alias, items[i].alias_unquoted ? QUOTING_NEVER : items[i].alias_quoting);
    }
}

void emit_rows(Emitter *e, const ExprList *rows, int count) {
    for (int i = 0; i < count; i++) {
        if (i) EMIT(e, ", ");
        buffer_put(&e->sql, '(');
        emit_list(e, &rows[i], 0, ", ");
        buffer_put(&e->sql, ')');
    }
}

void emit_order_by(Emitter *e, const Query *query) {
    if (query->order_by.count) {
        EMIT(e, " ORDER BY ");
        emit_list(e, &query->order_by, 0, ", ");
    } else if (query->order_by_null) {
        EMIT(e, " ORDER BY NULL");
    }
}

static void emit_fetch(Emitter *e, const Query *query) {
    bool postgresql = e->dialect->id == DIALECT_POSTGRESQL;
    if (query->offset) {
        emit_text(e, postgresql ? " OFFSET (" : " OFFSET ");
        emit_expr(e, query->offset);
        emit_text(e, postgresql ? ") ROWS" : " ROWS");
    }
    if (!query->limit) return;
    emit_text(e, postgresql ? " FETCH FIRST (" : " FETCH FIRST ");
    emit_expr(e, query->limit);
    if (postgresql) buffer_put(&e->sql, ')');
    if (query->fetch_percent) EMIT(e, " PERCENT");
    emit_text(e, query->fetch_with_ties ? " ROWS WITH TIES" : " ROWS ONLY");
}

static void emit_fixed_integer_param(Emitter *e, int64_t value) {
    Param *param = ARENA_NEW(e->arena, Param);
    param->type = SQL_INTEGER;
    param->value = (Literal){.kind = LITERAL_INTEGER, .integer = value};
    emit_param(e, param);
}

/* SQLAlchemy binds both ends on SQLite, and writes MySQL's older `LIMIT offset, count`. */
static void emit_limit_alchemy(Emitter *e, const Query *query) {
    if (e->dialect->is_mysql && query->offset) {
        EMIT(e, " LIMIT ");
        emit_expr(e, query->offset);
        EMIT(e, ", ");
        if (query->limit) emit_expr(e, query->limit);
        else EMIT(e, "18446744073709551615");
        return;
    }
    bool sqlite = e->dialect->id == DIALECT_SQLITE;
    if (query->limit) {
        EMIT(e, " LIMIT ");
        emit_expr(e, query->limit);
    } else if (sqlite) {
        EMIT(e, " LIMIT ");
        emit_fixed_integer_param(e, -1);
    } else if (query->offset) {
        EMIT(e, " LIMIT ALL");
    }
    if (query->offset) {
        EMIT(e, " OFFSET ");
        emit_expr(e, query->offset);
    } else if (sqlite) {
        EMIT(e, " OFFSET ");
        emit_fixed_integer_param(e, 0);
    }
}

void emit_limit(Emitter *e, const Query *query) {
    if (!query->limit && !query->offset) return;
    if (query->fetch_syntax) {
        emit_fetch(e, query);
        return;
    }
    if (!emit_is_django(e)) {
        emit_limit_alchemy(e, query);
        return;
    }
    if (query->limit) {
        EMIT(e, " LIMIT ");
        emit_expr(e, query->limit);
    } else if (e->dialect->id == DIALECT_SQLITE) {
        EMIT(e, " LIMIT -1");
    } else if (e->dialect->is_mysql) {
        EMIT(e, " LIMIT 18446744073709551615");
    }
    if (query->offset) {
        EMIT(e, " OFFSET ");
        emit_expr(e, query->offset);
    }
}

static const char *lock_text(const Emitter *e, LockMode mode) {
    bool mysql = e->dialect->is_mysql;
    switch (mode) {
    case LOCK_NONE: return "";
    case LOCK_UPDATE: return " FOR UPDATE";
    case LOCK_NO_KEY_UPDATE: return mysql ? " FOR UPDATE" : " FOR NO KEY UPDATE";
    case LOCK_SHARE: return mysql ? " LOCK IN SHARE MODE" : " FOR SHARE";
    case LOCK_KEY_SHARE: return mysql ? " LOCK IN SHARE MODE" : " FOR KEY SHARE";
    }
    return "";
}

static void emit_lock(Emitter *e, const Lock *lock) {
    if (lock->mode == LOCK_NONE || !e->dialect->has_for_update) return;
    emit_text(e, lock_text(e, lock->mode));
    if (lock->of_count) {
        EMIT(e, " OF ");
        for (int i = 0; i < lock->of_count; i++) {
            if (i) EMIT(e, ", ");
            if (lock->of_columns) buffer_slice(&e->sql, lock->of_columns[i]);
            else emit_relation_reference(e, lock->of[i]);
        }
    }
    if (lock->nowait) EMIT(e, " NOWAIT");
    if (lock->skip_locked) EMIT(e, " SKIP LOCKED");
}

/* ---- WITH ---- */

static void emit_cte_names(Emitter *e, const Relation *relation) {
    if (!relation->column_count) return;
    buffer_put(&e->sql, '(');
    for (int i = 0; i < relation->column_count; i++) {
        if (i) EMIT(e, ", ");
        emit_identifier(e, relation->column_names[i]->text);
    }
    buffer_put(&e->sql, ')');
}

void emit_ctes(Emitter *e, const Query *query) {
    if (!query->cte_count) return;
    bool recursive = false;
    for (int i = 0; i < query->cte_count; i++) recursive |= query->ctes[i].recursive;
    emit_text(e, recursive ? "WITH RECURSIVE " : "WITH ");
    for (int i = 0; i < query->cte_count; i++) {
        const CommonTable *cte = &query->ctes[i];
        if (i) EMIT(e, ", ");
        emit_relation_name(e, cte->relation);
        emit_cte_names(e, cte->relation);
        EMIT(e, " AS ");
        if (cte->materialized.length) {
            buffer_slice(&e->sql, cte->materialized);
            buffer_put(&e->sql, ' ');
        }
        buffer_put(&e->sql, '(');
        emit_query(e, cte->query);
        buffer_put(&e->sql, ')');
        if (cte->suffix.length) {
            buffer_put(&e->sql, ' ');
            buffer_slice(&e->sql, cte->suffix);
        }
    }
    buffer_put(&e->sql, ' ');
}

/* ---- queries ---- */

static void emit_select_head(Emitter *e, const Query *query) {
    EMIT(e, "SELECT ");
    if (query->hint.length) {
        buffer_slice(&e->sql, query->hint);
        buffer_put(&e->sql, ' ');
    }
    if (query->distinct_on.count) {
        EMIT(e, "DISTINCT ON (");
        emit_list(e, &query->distinct_on, 0, ", ");
        EMIT(e, ") ");
    } else if (query->distinct) {
        EMIT(e, "DISTINCT ");
    }
    emit_items(e, query->items, query->item_count);
}

static void emit_windows(Emitter *e, const Query *query) {
    for (int i = 0; i < query->window_count; i++) {
        emit_text(e, i ? ", " : " WINDOW ");
        emit_identifier(e, query->windows[i].name);
        EMIT(e, " AS ");
        emit_window(e, query->windows[i].window);
    }
}

static void emit_select(Emitter *e, const Query *query) {
    if (query->from_only) {
        emit_from_list(e, query);
        return;
    }
    emit_select_head(e, query);
    if (query->from_count) {
        EMIT(e, " FROM ");
        emit_from_list(e, query);
    } else if (query->where && e->dialect->is_mysql && !emit_is_django(e)) {
        EMIT(e, " FROM DUAL");
    }
    if (query->where) {
        EMIT(e, " WHERE ");
        emit_expr(e, query->where);
    }
    if (query->group_by.count) {
        EMIT(e, " GROUP BY ");
        emit_list(e, &query->group_by, 0, ", ");
    }
    if (query->having) {
        EMIT(e, " HAVING ");
        emit_expr(e, query->having);
    }
    emit_windows(e, query);
}

static const char *set_text(SetOperator op) {
    switch (op) {
    case SET_UNION: return " UNION ";
    case SET_UNION_ALL: return " UNION ALL ";
    case SET_INTERSECT: return " INTERSECT ";
    case SET_INTERSECT_ALL: return " INTERSECT ALL ";
    case SET_EXCEPT: return " EXCEPT ";
    case SET_EXCEPT_ALL: return " EXCEPT ALL ";
    }
    return " UNION ";
}

static void emit_set_operation(Emitter *e, const Query *query) {
    bool parentheses = e->dialect->has_parenthesised_set_parts || !emit_is_django(e);
    for (int i = 0; i < query->part_count; i++) {
        if (i) emit_text(e, set_text(query->set_operator));
        bool grouped = query->part_grouped && query->part_grouped[i];
        if (grouped) emit_text(e, parentheses ? "(" : "SELECT * FROM (");
        emit_query(e, query->parts[i]);
        if (grouped) buffer_put(&e->sql, ')');
    }
}

static void emit_tail(Emitter *e, const Query *query) {
    emit_order_by(e, query);
    emit_limit(e, query);
    emit_lock(e, &query->lock);
}

static void emit_body(Emitter *e, const Query *query) {
    switch (query->kind) {
    case QUERY_SELECT:
        emit_select(e, query);
        emit_tail(e, query);
        break;
    case QUERY_SET_OPERATION:
        emit_set_operation(e, query);
        emit_tail(e, query);
        break;
    case QUERY_VALUES:
        EMIT(e, "VALUES ");
        emit_rows(e, query->rows, query->row_count);
        emit_tail(e, query);
        break;
    case QUERY_INSERT: emit_insert(e, query); break;
    case QUERY_UPDATE: emit_update(e, query); break;
    case QUERY_DELETE: emit_delete(e, query); break;
    case QUERY_RAW:
    case QUERY_EXPRESSION: emit_expr(e, query->raw); break;
    }
}

void emit_query(Emitter *e, const Query *query) {
    if (!emit_enter(e, (Span){0})) return;
    if (query->prefix.length) {
        buffer_slice(&e->sql, query->prefix);
        buffer_put(&e->sql, ' ');
    }
    if (!(query->kind == QUERY_INSERT && e->dialect->is_mysql)) emit_ctes(e, query);
    emit_body(e, query);
    if (query->suffix.length) {
        buffer_put(&e->sql, ' ');
        buffer_slice(&e->sql, query->suffix);
    }
    e->depth--;
}
