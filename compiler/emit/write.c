/*
 * INSERT, UPDATE and DELETE, with what each dialect and ORM adds: upserts, RETURNING, several tables.
 *
 *     INSERT INTO t (a) VALUES ($1) ON CONFLICT (a) DO UPDATE SET b = excluded.b RETURNING t.id
 */
#include "compiler/emit/emitter.h"

static void emit_returning(Emitter *e, const Query *query) {
    if (!query->returning_count) return;
    EMIT(e, " RETURNING ");
    emit_items(e, query->returning, query->returning_count);
}

static void emit_where(Emitter *e, const Query *query) {
    if (!query->where) return;
    EMIT(e, " WHERE ");
    emit_expr(e, query->where);
}

static void emit_assignments(Emitter *e, const Assignment *assignments, int count, const char *equals) {
    for (int i = 0; i < count; i++) {
        if (i) EMIT(e, ", ");
        emit_expr(e, assignments[i].target);
        emit_text(e, equals);
        emit_expr(e, assignments[i].value);
    }
}

/* ---- INSERT ---- */

static void emit_conflict_mysql(Emitter *e, const OnConflict *conflict) {
    if (!conflict->update) return;
    if (conflict->row_alias.length) {
        EMIT(e, " AS ");
        emit_identifier(e, conflict->row_alias);
    }
    EMIT(e, " ON DUPLICATE KEY UPDATE ");
    emit_assignments(e, conflict->assignments, conflict->assignment_count, " = ");
}

static void emit_conflict_target(Emitter *e, const OnConflict *conflict) {
    if (conflict->constraint.length) {
        EMIT(e, " ON CONSTRAINT ");
        emit_identifier(e, conflict->constraint);
        return;
    }
    if (!conflict->target.count) return;
    emit_text(e, emit_is_django(e) ? "(" : " (");
    emit_list(e, &conflict->target, 0, ", ");
    buffer_put(&e->sql, ')');
    if (!conflict->target_where) return;
    EMIT(e, " WHERE ");
    emit_expr(e, conflict->target_where);
}

static void emit_conflict(Emitter *e, const OnConflict *conflict) {
    if (e->dialect->is_mysql) {
        emit_conflict_mysql(e, conflict);
        return;
    }
    /* SQLite's INSERT OR IGNORE says it at the head, in Django */
    if (!conflict->update && emit_is_django(e) && e->dialect->id == DIALECT_SQLITE) return;
    EMIT(e, " ON CONFLICT");
    emit_conflict_target(e, conflict);
    if (!conflict->update) {
        EMIT(e, " DO NOTHING");
        return;
    }
    EMIT(e, " DO UPDATE SET ");
    emit_assignments(e, conflict->assignments, conflict->assignment_count, " = ");
    if (!conflict->update_where) return;
    EMIT(e, " WHERE ");
    emit_expr(e, conflict->update_where);
}

static void emit_insert_head(Emitter *e, const Query *query) {
    EMIT(e, "INSERT ");
    if (query->hint.length) {
        buffer_slice(&e->sql, query->hint);
        buffer_put(&e->sql, ' ');
    } else if (emit_is_django(e) && query->on_conflict && query->on_conflict->ignore) {
        if (e->dialect->id == DIALECT_SQLITE) EMIT(e, "OR IGNORE ");
        if (e->dialect->is_mysql) EMIT(e, "IGNORE ");
    }
    EMIT(e, "INTO ");
    emit_relation(e, query->target, (Slice){0});
}

void emit_insert(Emitter *e, const Query *query) {
    emit_insert_head(e, query);
    if (query->default_values) {
        emit_text(e, e->dialect->is_mysql ? " () VALUES ()" : " DEFAULT VALUES");
    } else {
        if (query->column_count) {
            EMIT(e, " (");
            for (int i = 0; i < query->column_count; i++) {
                if (i) EMIT(e, ", ");
                emit_identifier(e, query->columns[i]);
            }
            buffer_put(&e->sql, ')');
        }
        buffer_put(&e->sql, ' ');
        if (e->dialect->is_mysql) emit_ctes(e, query);
        if (query->source) {
            emit_query(e, query->source);
        } else {
            EMIT(e, "VALUES ");
            emit_rows(e, query->rows, query->row_count);
        }
    }
    if (query->on_conflict) emit_conflict(e, query->on_conflict);
    emit_returning(e, query);
}

/* ---- UPDATE ---- */

void emit_update(Emitter *e, const Query *query) {
    EMIT(e, "UPDATE ");
    if (query->hint.length) {
        buffer_slice(&e->sql, query->hint);
        buffer_put(&e->sql, ' ');
    }
    if (query->target_only) EMIT(e, "ONLY ");
    if (query->target_from) emit_from(e, query->target_from);
    else emit_relation(e, query->target, (Slice){0});
    if (query->from_count && e->dialect->is_mysql) {
        EMIT(e, ", ");
        emit_from_list(e, query);
    }
    EMIT(e, " SET ");
    emit_assignments(e, query->assignments, query->assignment_count, emit_is_django(e) ? " = " : "=");
    if (query->from_count && !e->dialect->is_mysql) {
        EMIT(e, " FROM ");
        emit_from_list(e, query);
    }
    emit_where(e, query);
    emit_order_by(e, query);
    emit_limit(e, query);
    emit_returning(e, query);
}

/* ---- DELETE ---- */

static void emit_delete_using(Emitter *e, const Query *query) {
    if (e->dialect->id == DIALECT_SQLITE) {
        emit_refuse(e, (Span){0}, "This backend does not support multiple-table criteria within DELETE");
        return;
    }
    EMIT(e, " USING ");
    if (e->dialect->is_mysql) {
        emit_relation(e, query->target, (Slice){0});
        EMIT(e, ", ");
    }
    emit_from_list(e, query);
}

void emit_delete(Emitter *e, const Query *query) {
    EMIT(e, "DELETE ");
    if (query->hint.length) {
        buffer_slice(&e->sql, query->hint);
        buffer_put(&e->sql, ' ');
    }
    if (query->from_count && emit_is_django(e)) {
        /* MySQL's form with joins: the target is one of the relations of FROM */
        emit_relation_reference(e, query->target);
        EMIT(e, " FROM ");
        emit_from_list(e, query);
    } else {
        EMIT(e, "FROM ");
        if (query->target_only) EMIT(e, "ONLY ");
        if (query->from_count && e->dialect->is_mysql) emit_relation_reference(e, query->target);
        else emit_relation(e, query->target, (Slice){0});
        if (query->from_count) emit_delete_using(e, query);
    }
    emit_where(e, query);
    emit_order_by(e, query);
    emit_limit(e, query);
    emit_returning(e, query);
}
