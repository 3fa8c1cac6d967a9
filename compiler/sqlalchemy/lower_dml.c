/*
 * Lowering of INSERT, UPDATE and DELETE: which columns are written with what, conflicts, RETURNING, further tables.
 *
 * Input: a Dml element. Output: a Query; false where SQLAlchemy refuses it (unknown columns, …).
 * Invariants: columns stand in the table's order (UPDATE: unless ordered_values); a column left out gets its
 * Python-side default; an INSERT of one row without RETURNING asks PostgreSQL for the primary key that the server
 * makes. Example: insert(t).values(name="x") → INSERT INTO t (name) VALUES ($1) RETURNING t.id
 */
#include "compiler/sqlalchemy/lower.h"

/* ---- values of columns ---- */

static Element *dml_table(Lowering *lo, const Dml *dml) {
    if (dml->table->kind == EL_ENTITY) return orm_entity_table(lo->ev, dml->table->entity);
    return dml->table;
}

/* A column of an alias given by the table's own. */
static bool column_descends_from(const Element *column, const Element *target) {
    for (int i = 0; i < COLUMN(column)->proxy_count; i++)
        if (element_same(COLUMN(column)->proxies[i], target)) return true;
    return false;
}

static const ValuePair *pair_for(const ValuePairs *pairs, const Element *column) {
    for (int i = 0; i < pairs->count; i++) {
        const ValuePair *pair = &pairs->items[i];
        if (pair->key.length) {
            if (slice_equals(pair->key, COLUMN(column)->key.text)) return pair;
        } else if (pair->target && pair->target->kind == EL_COLUMN &&
                   (element_same(pair->target, column) || column_descends_from(column, pair->target))) {
            return pair;
        }
    }
    return NULL;
}

static Expr *lower_value(Lowering *lo, Element *column, Element *element, Value *value, const Node *node) {
    if (!element) {
        Element *bind = element_bind_typed(lo->ev, value, column->type, node);
        return lower_bind(lo, bind, (Flags){0});
    }
    if (element->kind == EL_BIND && element->type->kind == TYPE_NULL) {
        element = element_copy(lo->ev, element);
        element->type = column->type;
    }
    return lower_expr(lo, element_group_op(lo->ev, element, op_of(SA_NONE)), (Flags){0});
}

static bool refuse_unconsumed(Lowering *lo, Element *table, const ValuePairs *pairs, bool insert) {
    for (int i = 0; i < pairs->count; i++) {
        const ValuePair *pair = &pairs->items[i];
        Slice key = pair->key;
        bool column = pair->target && pair->target->kind == EL_COLUMN;
        if (insert && !key.length && column && COLUMN(pair->target)->table) key = COLUMN(pair->target)->key.text;
        bool known = !key.length || from_column(lo->ev, table, key);
        if (known) continue;
        sa_raise(lo->ev, SA_COMPILE_ERROR, pair->node, "Unconsumed column names: %.*s", SLICE_ARGS(key));
        sa_suggest_column(lo->ev, table, pair->key);
        return true;
    }
    return false;
}

/* ---- defaults ---- */

static bool is_callable(const Value *value) {
    return value_is(value, VALUE_FUNCTION) || value_is(value, VALUE_NATIVE_FUNCTION) || value_is(value, VALUE_METHOD) ||
           value_is(value, VALUE_CLASS);
}

/* The unknown that a default gives is called what the program calls it, not by the place of the column. */
static Value *default_named(Lowering *lo, const Element *column, const Value *callable, Value *made) {
    if (!value_is_unknown(made) || ((UnknownValue *)made)->node != column->node) return made;
    Slice name = column->name.text;
    if (value_is(callable, VALUE_METHOD)) callable = ((const MethodValue *)callable)->function;
    if (value_is(callable, VALUE_NATIVE_FUNCTION)) name = slice_from(((const NativeFunctionValue *)callable)->name);
    if (value_is(callable, VALUE_CLASS)) name = ((const Class *)callable)->name->text;
    Slice text = slice_format(evaluator_arena(lo->ev), "%.*s()", SLICE_ARGS(name));
    UnknownValue *named = ARENA_NEW(evaluator_arena(lo->ev), UnknownValue);
    *named = *(UnknownValue *)made;
    named->text = text;
    return &named->head;
}

/* What a default makes of a column; NULL without an error: nothing is written for it. Values that an execution puts in
 * reach only the statement itself, no statement inside of it. */
static Expr *lower_default(Lowering *lo, Element *column, Value *given) {
    Element *element = element_of(lo->ev, given);
    if (!element && lo->level && lo->level->outer) given = value_none(lo->ev);
    if (element && element->kind == EL_SEQUENCE)
        return lo_is(lo, DIALECT_POSTGRESQL) || lo_is(lo, DIALECT_MARIADB) ? lower_expr(lo, element, (Flags){0}) : NULL;
    if (element) return lower_expr(lo, element_group_op(lo->ev, element, op_of(SA_NONE)), (Flags){0});
    Value *value = given;
    if (is_callable(given)) {
        Arguments none = {.site = column->node};
        value = value_call(lo->ev, given, &none);
        if (!value) {
            evaluator_clear_error(lo->ev);
            value = value_unknown(lo->ev, column->name.text, column->node, NULL);
        }
        value = default_named(lo, column, given, value);
        element = element_of(lo->ev, value);
        if (element) return lower_expr(lo, element, (Flags){0});
    }
    return lower_bind(lo, element_bind_typed(lo->ev, value, column->type, column->node), (Flags){0});
}

static Value *column_default(const Element *column, bool update) {
    const SchemaColumn *schema = COLUMN(column)->schema;
    if (!schema) return NULL;
    return update ? schema->onupdate : schema->default_value;
}

/* ---- RETURNING ---- */

static bool lower_returning(Lowering *lo, Dml *dml, const ElementList *columns, Query *query) {
    if (!columns->count) return true;
    ElementList spread = {0};
    PlusNames names = {0};
    bool can = dml->head.base.kind == EL_DELETE ? lo->dialect->has_returning : lo->dialect->has_update_returning;
    bool loaded = dml->head.base.kind != EL_INSERT && dml->table->kind == EL_ENTITY && !lo->level->outer;
    returning_expand(lo->ev, columns, !loaded ? RETURN_TABLE : can ? RETURN_OWN : RETURN_LOADED, &spread);
    for (int i = 0; i < spread.count; i++) { /* a hybrid's expression is called what the hybrid is */
        Element *item = spread.items[i];
        if (item->entity_key && item->kind != EL_COLUMN && item->kind != EL_LABEL && item->kind != EL_SCALAR_SELECT)
            spread.items[i] = element_label(lo->ev, item, name_from(item->entity_key->text));
    }
    columns_plus_names(lo->ev, &spread, dml->label_style, true, &names);
    Flags flags = {.no_table = lo_is(lo, DIALECT_SQLITE)};
    return lower_items(lo, &names, false, flags, query, true);
}

/* The key that the server makes and that SQLAlchemy wants back. */
static void implicit_returning(Lowering *lo, const Dml *dml, Element *table, const ValuePairs *given,
                               ElementList *out) {
    const Table *schema = FROM(table)->table;
    if (!schema || schema->implicit_returning_off || dml->inline_ || lo->level->outer || dml->row_count) return;
    if (!lo_is(lo, DIALECT_POSTGRESQL) && !lo_is(lo, DIALECT_SQLITE)) return;
    const Element *automatic = table_autoincrement_column(lo->ev, schema);
    for (int i = 0; i < schema->primary_key->columns.count; i++) {
        Element *column = schema->primary_key->columns.items[i];
        const SchemaColumn *info = COLUMN(column)->schema;
        if (pair_for(given, column)) continue;
        bool server = info->server_default || info->identity || info->computed;
        bool sequence = info->sequence || (info->default_value && value_is_element(info->default_value));
        if (lo_is(lo, DIALECT_SQLITE)
                ? (server || (info->default_value && value_is_element(info->default_value))) && column != automatic
                : column == automatic || server || sequence)
            element_list_push(lo->ev, out, column);
    }
}

/* ---- INSERT ---- */

typedef struct InsertColumns {
    Element **items;
    int count;
} InsertColumns;

static bool column_left_out(const Element *column) {
    const SchemaColumn *schema = COLUMN(column)->schema;
    return schema && schema->system;
}

/* The columns of a row: given ones and those with a Python-side default, in the table's order. */
static InsertColumns insert_columns(Lowering *lo, const Dml *dml, Element *table, const ValuePairs *row, bool all) {
    const ElementList *columns = from_columns(lo->ev, table);
    InsertColumns out = {.items = ARENA_ARRAY(lo->arena, Element *, columns->count + 1)};
    for (int i = 0; i < columns->count; i++) {
        Element *column = columns->items[i];
        if (column_left_out(column)) continue;
        Value *fallback = column_default(column, false);
        if (fallback && value_is_element(fallback) && ((Element *)fallback)->kind == EL_SEQUENCE &&
            !lo_is(lo, DIALECT_POSTGRESQL) && !lo_is(lo, DIALECT_MARIADB))
            fallback = NULL;
        if (all || pair_for(row, column) || fallback) out.items[out.count++] = column;
    }
    (void)dml;
    return out;
}

static bool insert_row(Lowering *lo, const InsertColumns *columns, const ValuePairs *row, const ValuePairs *first,
                       bool all, ExprList *out) {
    for (int i = 0; i < columns->count; i++) {
        Element *column = columns->items[i];
        const ValuePair *pair = pair_for(row, column);
        Expr *expr;
        if (pair) {
            expr = lower_value(lo, column, pair->element, pair->value, pair->node);
        } else if (all) {
            expr = lower_bind(lo, element_bind(lo->ev, COLUMN(column)->key.text, NULL, column->type), (Flags){0});
        } else if (first && pair_for(first, column)) {
            sa_raise(lo->ev, SA_COMPILE_ERROR, column->node,
                     "INSERT value for column %.*s is explicitly rendered as a boundparameter in the VALUES clause; a "
                     "Python-side value or SQL expression is required",
                     SLICE_ARGS(column->name.text));
            return false;
        } else {
            expr = lower_default(lo, column, column_default(column, false));
        }
        if (!expr) return false;
        expr_list_push(lo->arena, out, expr);
    }
    return true;
}

static void insert_names(Lowering *lo, const InsertColumns *columns, Query *query) {
    query->columns = ARENA_ARRAY(lo->arena, Slice, columns->count + 1);
    for (int i = 0; i < columns->count; i++) query->columns[query->column_count++] = columns->items[i]->name.text;
}

/* p0::VARCHAR: the type as PostgreSQL's binds are cast. */
static bool numbered_column(Lowering *lo, Buffer *out, const Element *column, int number) {
    SaType *type = column->type;
    if (type->affinity == TYPE_STRING && type->length > 0) type = type_of_kind(lo->ev, TYPE_STRING);
    buffer_format(out, "%sp%d::", number ? ", " : "", number);
    return type_write(lo->ev, out, type, lo->dialect, column->node);
}

/*
 * INSERT … SELECT p0::T, … FROM (VALUES (…, 0), (…, 1)) AS imp_sen(p0, …, sen_counter) ORDER BY sen_counter: PostgreSQL
 * gives keys to rows in the order of the SELECT.
 */
static bool insert_numbered(Lowering *lo, const InsertColumns *columns, Query *query) {
    Buffer casts, names;
    buffer_init(&casts, lo->arena);
    buffer_init(&names, lo->arena);
    for (int i = 0; i < columns->count; i++) {
        if (!numbered_column(lo, &casts, columns->items[i], i)) return false;
        buffer_format(&names, "p%d, ", i);
    }
    Expr *rows = expr_new(lo->arena, EXPR_LIST, SQL_UNKNOWN);
    for (int i = 0; i < query->row_count; i++) {
        Expr *cells = expr_new(lo->arena, EXPR_LIST, SQL_UNKNOWN);
        cells->args = query->rows[i];
        Slice number = slice_format(lo->arena, "%d", i);
        expr_list_push(lo->arena, &rows->args, lower_format(lo, "(%e, %S)", cells, number));
    }
    Query *source = query_new(lo->arena, QUERY_RAW);
    source->raw = lower_format(lo, "SELECT %S FROM (VALUES %e) AS imp_sen(%Ssen_counter) ORDER BY sen_counter",
                               buffer_view(&casts), rows, buffer_view(&names));
    query->row_count = 0;
    query->rows = NULL;
    query->source = source;
    return true;
}

static bool insert_values(Lowering *lo, Dml *dml, Element *table, Query *query, ElementList *returning) {
    const ValuePairs *first = dml->row_count ? &dml->rows[0] : &dml->values;
    bool all = !dml->has_values && !dml->row_count;
    if (refuse_unconsumed(lo, table, first, true)) return false;
    InsertColumns columns = insert_columns(lo, dml, table, first, all);
    insert_names(lo, &columns, query);
    if (!columns.count) {
        if (lo_is(lo, DIALECT_POSTGRESQL) || lo_is(lo, DIALECT_SQLITE) || lo_mysql(lo)) query->default_values = true;
    } else {
        query->row_count = dml->row_count ? dml->row_count : 1;
        query->rows = ARENA_ARRAY(lo->arena, ExprList, query->row_count);
        for (int i = 0; i < query->row_count; i++) {
            const ValuePairs *row = dml->row_count ? &dml->rows[i] : &dml->values;
            if (!insert_row(lo, &columns, row, i ? first : NULL, all, &query->rows[i])) return false;
        }
        if (dml->numbered && lo_is(lo, DIALECT_POSTGRESQL) && !insert_numbered(lo, &columns, query)) return false;
    }
    if (!dml->has_returning && !all) implicit_returning(lo, dml, table, first, returning);
    return true;
}

static bool insert_select(Lowering *lo, Dml *dml, Element *table, Query *query) {
    Element *select = dml->select;
    while (select->kind == EL_SELECT_GROUPING) select = select->children[0];
    if (element_is_from(select)) {
        Select *around = select_new(lo->ev);
        select_add_column(lo->ev, around, select);
        select = &around->head.head.base;
    }
    query->columns = ARENA_ARRAY(lo->arena, Slice, dml->select_name_count + from_columns(lo->ev, table)->count + 1);
    ValuePairs given = {0};
    for (int i = 0; i < dml->select_name_count; i++) {
        Element *column = from_column(lo->ev, table, dml->select_names[i]);
        if (!column) {
            sa_raise(lo->ev, SA_COMPILE_ERROR, dml->head.base.node, "Unconsumed column names: %.*s",
                     SLICE_ARGS(dml->select_names[i]));
            return false;
        }
        query->columns[query->column_count++] = column->name.text;
        pairs_push(lo->ev, &given, (ValuePair){.key = dml->select_names[i]});
    }
    Element *source = select;
    const ElementList *columns = from_columns(lo->ev, table);
    for (int i = 0; dml->select_defaults && i < columns->count; i++) {
        Value *fallback = column_default(columns->items[i], false);
        if (!fallback || pair_for(&given, columns->items[i]) || source->kind != EL_SELECT) continue;
        Element *extra = element_of(lo->ev, fallback);
        if (!extra) {
            Value *value = fallback;
            if (is_callable(value))
                value = value_unknown(lo->ev, columns->items[i]->name.text, columns->items[i]->node, NULL);
            extra = element_bind_typed(lo->ev, value, columns->items[i]->type, columns->items[i]->node);
        }
        Select *wider = select_copy(lo->ev, SELECT(source));
        select_add_column(lo->ev, wider, extra);
        source = &wider->head.head.base;
        query->columns[query->column_count++] = columns->items[i]->name.text;
    }
    bool in_cte = lo->level->outer != NULL;
    query->source = source->kind == EL_SELECT ? lower_select(lo, SELECT(source), in_cte, false, 0)
                                              : lower_statement(lo, source, in_cte, false);
    return query->source != NULL;
}

/* ---- conflicts ---- */

static Assignment *assignments_new(Lowering *lo, int count) { return ARENA_ARRAY(lo->arena, Assignment, count + 1); }

static Expr *bare_column(Lowering *lo, const Element *column) {
    Expr *name = expr_column(lo->arena, NULL, column->name.text, SQL_UNKNOWN);
    name->as.column.bare = true;
    name->as.column.quoting = name_quoting(column->name);
    return name;
}

/* insert.inserted.x on MySQL is new.x beside a row alias, VALUES(x) elsewhere. */
typedef struct InsertedData {
    const Element *alias;
    Slice row_alias;
    const Dialect *dialect;
} InsertedData;

static Element *replace_inserted(Evaluator *ev, Element *element, void *data) {
    const InsertedData *inserted = data;
    if (element->kind != EL_COLUMN || COLUMN(element)->table != inserted->alias) return NULL;
    Buffer text;
    buffer_init(&text, evaluator_arena(ev));
    buffer_format(&text, inserted->row_alias.length ? "%.*s." : "VALUES(", SLICE_ARGS(inserted->row_alias));
    sa_write_name(&text, inserted->dialect, element->name);
    if (!inserted->row_alias.length) buffer_put(&text, ')');
    return element_literal_column(ev, buffer_view(&text), element->type);
}

static bool conflict_pair(Lowering *lo, const Dml *dml, Element *column, const ValuePair *pair, Slice row_alias,
                          OnConflict *out) {
    Assignment *assignment = &out->assignments[out->assignment_count++];
    assignment->target = bare_column(lo, column);
    Element *element = pair->element;
    if (!element) {
        assignment->value =
            lower_bind(lo, element_bind_typed(lo->ev, pair->value, column->type, pair->node), (Flags){0});
        return assignment->value != NULL;
    }
    if (dml->conflict == CONFLICT_DUPLICATE_KEY && dml->excluded) {
        InsertedData data = {&dml->excluded->base, row_alias, lo->dialect};
        element = element_rewrite(lo->ev, element, replace_inserted, &data);
    }
    Flags flags = {.upsert_type = column};
    assignment->value = lower_expr(lo, element_group_op(lo->ev, element, op_of(SA_NONE)), flags);
    return assignment->value != NULL;
}

static bool conflict_set(Lowering *lo, const Dml *dml, Element *table, Slice row_alias, OnConflict *out) {
    const ElementList *columns = from_columns(lo->ev, table);
    out->assignments = assignments_new(lo, dml->conflict_set.count + columns->count);
    bool *used = ARENA_ARRAY(lo->arena, bool, dml->conflict_set.count + 1);
    if (dml->conflict_ordered) {
        for (int i = 0; i < dml->conflict_set.count; i++) {
            const ValuePair *pair = &dml->conflict_set.items[i];
            Element *column = pair->key.length ? from_column(lo->ev, table, pair->key) : pair->target;
            used[i] = true;
            if (column && !conflict_pair(lo, dml, column, pair, row_alias, out)) return false;
        }
        return true;
    }
    for (int i = 0; i < columns->count; i++) {
        const ValuePair *pair = pair_for(&dml->conflict_set, columns->items[i]);
        if (!pair) continue;
        used[pair - dml->conflict_set.items] = true;
        if (!conflict_pair(lo, dml, columns->items[i], pair, row_alias, out)) return false;
    }
    for (int i = 0; i < dml->conflict_set.count && dml->conflict == CONFLICT_UPDATE; i++) {
        if (used[i]) continue;
        const ValuePair *pair = &dml->conflict_set.items[i];
        Element *column = pair->key.length ? element_column(lo->ev, name_from(pair->key), NULL, NULL) : pair->target;
        if (!conflict_pair(lo, dml, column, pair, row_alias, out)) return false;
    }
    return true;
}

static bool lower_conflict(Lowering *lo, Dml *dml, Element *table, Query *query) {
    if (dml->conflict == CONFLICT_NONE) return true;
    bool mysql = dml->conflict == CONFLICT_DUPLICATE_KEY;
    if (lo_is(lo, DIALECT_POSTGRESQL) && dml->flavour == DIALECT_SQLITE) {
        evaluator_raise_id(lo->ev, EXCEPTION_ATTRIBUTE, dml->head.base.node,
                           "'%s' object has no attribute 'constraint_target'",
                           dml->conflict == CONFLICT_UPDATE ? "OnConflictDoUpdate" : "OnConflictDoNothing");
        return false;
    }
    if (mysql != lo_mysql(lo)) {
        sa_raise(lo->ev, SA_UNSUPPORTED_COMPILATION_ERROR, dml->head.base.node,
                 "Compiler for dialect %s can't render this INSERT's conflict clause", lo->dialect->name);
        return false;
    }
    OnConflict *out = ARENA_NEW(lo->arena, OnConflict);
    query->on_conflict = out;
    Flags bare = {.no_table = true, .literal_binds = lo_is(lo, DIALECT_SQLITE)};
    Slice row_alias = {"", 0};
    if (mysql) {
        out->update = true;
        return conflict_set(lo, dml, table, row_alias, out);
    }
    out->update = dml->conflict == CONFLICT_UPDATE;
    out->ignore = !out->update;
    if (lo_is(lo, DIALECT_POSTGRESQL)) out->constraint = dml->conflict_constraint.text;
    if (!lower_list(lo, dml->conflict_targets.items, dml->conflict_targets.count, bare, &out->target)) return false;
    if (dml->conflict_target_where && !(out->target_where = lower_expr(lo, dml->conflict_target_where, bare)))
        return false;
    if (out->update && !conflict_set(lo, dml, table, row_alias, out)) return false;
    if (dml->conflict_where && !(out->update_where = lower_expr(lo, dml->conflict_where, (Flags){0}))) return false;
    return true;
}

/* ---- frame of all three ---- */

static void dml_open(Lowering *lo, Dml *dml, Level *level) {
    *level = (Level){.outer = lo->level, .statement = &dml->head.base};
    level->depth = lo->level ? lo->level->depth + 1 : 1;
    lo->level = level;
}

static void dml_texts(Lowering *lo, Dml *dml, Query *query) {
    query->hint = lower_prefixes(lo, &dml->head.prefixes);
    Slice suffix = lower_prefixes(lo, &dml->head.suffixes);
    if (suffix.length) query->suffix = suffix;
}

Query *lower_insert(Lowering *lo, Dml *dml) {
    Element *table = dml_table(lo, dml);
    if (!table) return NULL;
    bool top = !lo->level;
    Level level;
    dml_open(lo, dml, &level);
    Query *query = query_new(lo->arena, QUERY_INSERT);
    ElementList returning = {0};
    query->target = lower_relation(lo, table);
    dml_texts(lo, dml, query);
    bool ok = lower_independent_ctes(lo, &dml->head);
    ok = ok && (dml->select ? insert_select(lo, dml, table, query) : insert_values(lo, dml, table, query, &returning));
    ok = ok && lower_conflict(lo, dml, table, query);
    ok = ok && lower_returning(lo, dml, dml->has_returning ? &dml->returning : &returning, query);
    if (ok) lower_ctes_into(lo, query, top, true);
    /* MySQL's WITH stands before the SELECT of an INSERT; where there is none SQLAlchemy leaves it out */
    if (ok && lo_mysql(lo) && !dml->select) query->cte_count = 0;
    lo->level = level.outer;
    return ok ? query : NULL;
}

/* ---- UPDATE ---- */

/* FROM clauses other than the target that values and criteria need. */
static void extra_froms(Lowering *lo, const Dml *dml, Element *table, ElementList *out) {
    ElementList all = {0}, own = {0};
    for (int i = 0; i < dml->where.count; i++) element_froms(lo->ev, dml->where.items[i], &all);
    for (int i = 0; i < dml->values.count; i++) {
        if (dml->values.items[i].element) element_froms(lo->ev, dml->values.items[i].element, &all);
    }
    element_froms(lo->ev, table, &own);
    for (int i = 0; i < all.count; i++) {
        bool mine = element_same(all.items[i], table);
        for (int k = 0; k < own.count; k++) mine |= element_same(all.items[i], own.items[k]);
        if (!mine) froms_push(lo->ev, out, all.items[i]);
    }
}

/* SET table.column of several tables: the target's own schema is left out. */
static Expr *set_target(Lowering *lo, Element *column, bool qualified) {
    const Element *table = column->kind == EL_COLUMN ? COLUMN(column)->table : NULL;
    bool own = lo->level->statement->kind == EL_UPDATE && table && table->kind == EL_TABLE &&
               element_same(table, dml_table(lo, DML(lo->level->statement)));
    if (!qualified || !own || !FROM(table)->schema.text.length)
        return lower_expr(lo, column, (Flags){.no_table = !qualified});
    Buffer out;
    buffer_init(&out, lo->arena);
    sa_write_name(&out, lo->dialect, table->name);
    buffer_put(&out, '.');
    sa_write_name(&out, lo->dialect, column->name);
    return lower_text_expr(lo, buffer_view(&out));
}

static bool update_pair(Lowering *lo, Element *column, const ValuePair *pair, bool qualified, Query *query) {
    Assignment *assignment = &query->assignments[query->assignment_count++];
    assignment->target =
        set_target(lo, pair && pair->target && pair->target->kind != EL_COLUMN ? pair->target : column, qualified);
    if (!assignment->target) return false;
    if (pair) assignment->value = lower_value(lo, column, pair->element, pair->value, pair->node);
    else
        assignment->value =
            lower_bind(lo, element_bind(lo->ev, COLUMN(column)->key.text, NULL, column->type), (Flags){0});
    return assignment->value != NULL;
}

static bool pair_is_expression(const ValuePair *pair) { return pair->target && pair->target->kind != EL_COLUMN; }

static bool list_has_same(const ElementList *list, const Element *element) {
    for (int i = 0; i < list->count; i++)
        if (element_same(list->items[i], element)) return true;
    return false;
}

/* Only MySQL sets columns of further tables, and only of those that the statement names elsewhere. */
static bool refuse_further(Lowering *lo, const Dml *dml, Element *table, const ElementList *extra) {
    for (int i = 0; i < dml->values.count; i++) {
        const ValuePair *pair = &dml->values.items[i];
        if (pair->key.length || !pair->target || pair->target->kind != EL_COLUMN) continue;
        Element *other = COLUMN(pair->target)->table;
        if (!other || element_same(other, table) || from_corresponding(lo->ev, table, pair->target)) continue;
        bool named = list_has_same(extra, other);
        if (!named && from_column(lo->ev, table, COLUMN(pair->target)->key.text)) continue;
        if (lo_mysql(lo) && (named || table->kind == EL_JOIN)) continue;
        const char *why = !lo_mysql(lo)  ? "Backend does not support additional tables in the SET clause"
                          : extra->count ? "Multi-table UPDATE statement does not include its table"
                                         : "Statement is not a multi-table UPDATE statement";
        sa_raise(lo->ev, SA_COMPILE_ERROR, pair->node, "%s; cannot include columns from table(s) '%.*s' in SET clause",
                 why, SLICE_ARGS(other->name.text));
        return true;
    }
    return false;
}

/* Columns of further tables come before those of the target, expressions of columns after them, in the order given. */
static bool update_others(Lowering *lo, const Dml *dml, Element *table, bool further, bool qualified, Query *query) {
    for (int i = 0; i < dml->values.count; i++) {
        const ValuePair *pair = &dml->values.items[i];
        if (pair->key.length || !pair->target || pair_is_expression(pair) == further) continue;
        if (pair->target->kind == EL_COLUMN && from_corresponding(lo->ev, table, pair->target)) continue;
        if (!update_pair(lo, pair->target, pair, qualified, query)) return false;
    }
    return true;
}

static bool update_set(Lowering *lo, Dml *dml, Element *table, bool qualified, Query *query) {
    const ElementList *columns = from_columns(lo->ev, table);
    query->assignments = ARENA_ARRAY(lo->arena, Assignment, columns->count + dml->values.count + 1);
    if (refuse_unconsumed(lo, table, &dml->values, false)) return false;
    bool all = !dml->has_values;
    if (!dml->ordered && !update_others(lo, dml, table, true, qualified, query)) return false;
    if (dml->ordered) {
        for (int i = 0; i < dml->values.count; i++) {
            const ValuePair *pair = &dml->values.items[i];
            Element *column = pair->key.length ? from_column(lo->ev, table, pair->key) : pair->target;
            if (!update_pair(lo, column, pair, qualified, query)) return false;
        }
    }
    for (int i = 0; i < columns->count; i++) {
        const ValuePair *pair = pair_for(&dml->values, columns->items[i]);
        Value *fallback = column_default(columns->items[i], true);
        if (dml->ordered && pair) continue;
        if (pair && pair->key.length && from_column(lo->ev, table, pair->key) != columns->items[i]) continue;
        if ((pair && !pair_is_expression(pair)) || all) {
            if (!update_pair(lo, columns->items[i], pair, qualified, query)) return false;
        } else if (fallback && dml->values.count) {
            Assignment *assignment = &query->assignments[query->assignment_count++];
            assignment->target = set_target(lo, columns->items[i], qualified);
            assignment->value = lower_default(lo, columns->items[i], fallback);
            if (!assignment->value) return false;
        }
    }
    return dml->ordered || update_others(lo, dml, table, false, qualified, query);
}

static bool lower_mysql_limit(Lowering *lo, const Dml *dml, const char *name, Query *query) {
    int64_t limit = 0;
    Value *given =
        lo_mysql(lo) && dml->head.dialect_options ? dict_get_text(lo->ev, dml->head.dialect_options, name) : NULL;
    if (!given || value_is_none(given)) return true;
    if (!value_as_integer(given, &limit)) {
        evaluator_raise_id(lo->ev, EXCEPTION_VALUE, dml->head.base.node, "invalid literal for int()");
        return false;
    }
    query->limit = expr_integer(lo->arena, limit);
    return true;
}

static bool dml_where(Lowering *lo, const Dml *dml, Query *query) {
    ElementList criteria = element_list_copy(lo->ev, &dml->where);
    Element *own = dml->table->kind == EL_ENTITY ? orm_entity_criterion(lo->ev, dml->table->entity) : NULL;
    if (own) element_list_push(lo->ev, &criteria, own);
    return lower_criteria(lo, &criteria, &query->where);
}

static bool dml_froms(Lowering *lo, const Dml *dml, const ElementList *froms, Query *query) {
    for (int i = 0; i < froms->count; i++) {
        From *from = lower_from(lo, froms->items[i], &dml->head.hints);
        if (!from) return false;
        query_add_from(lo->arena, query, from);
    }
    return true;
}

static void dml_correlate(Lowering *lo, Level *level, Element *table, const ElementList *extra) {
    element_froms(lo->ev, table, &level->asfrom);
    for (int i = 0; i < extra->count; i++) froms_push(lo->ev, &level->asfrom, extra->items[i]);
    level->correlate = element_list_copy(lo->ev, &level->asfrom);
}

static void dml_hint(Lowering *lo, const Dml *dml, Query *query) {
    for (int i = 0; i < dml->head.hints.count; i++) {
        const TextPart *part = &dml->head.hints.items[i];
        bool applies = !part->dialect.length || slice_equals_text(part->dialect, "*") ||
                       slice_equals_text(part->dialect, lo->dialect->name);
        if (applies && lo_is(lo, DIALECT_POSTGRESQL) && part->text.length == 4) query->target_only = true;
    }
}

Query *lower_update(Lowering *lo, Dml *dml) {
    Element *table = dml_table(lo, dml);
    if (!table) return NULL;
    bool top = !lo->level;
    Level level;
    dml_open(lo, dml, &level);
    Query *query = query_new(lo->arena, QUERY_UPDATE);
    ElementList extra = {0};
    extra_froms(lo, dml, table, &extra);
    dml_correlate(lo, &level, table, &extra);
    dml_texts(lo, dml, query);
    dml_hint(lo, dml, query);
    From *target = lower_from(lo, table, NULL);
    bool ok = target != NULL;
    if (ok && target->relation) query->target = target->relation;
    if (ok && !target->relation) query->target_from = target;
    if (ok && lo_mysql(lo)) ok = dml_froms(lo, dml, &extra, query);
    ok = ok && !refuse_further(lo, dml, table, &extra) &&
         update_set(lo, dml, table, (extra.count || query->target_from) && lo_mysql(lo), query);
    ok = ok && lower_independent_ctes(lo, &dml->head);
    if (ok && !lo_mysql(lo)) ok = dml_froms(lo, dml, &extra, query);
    if (ok && !lo_mysql(lo) && query->target_from) query_add_from(lo->arena, query, from_nothing(lo));
    ok = ok && dml_where(lo, dml, query) && lower_mysql_limit(lo, dml, "mysql_limit", query) &&
         lower_returning(lo, dml, &dml->returning, query);
    if (ok) lower_ctes_into(lo, query, top, dml->head.base.kind == EL_INSERT);
    lo->level = level.outer;
    return ok ? query : NULL;
}

Query *lower_delete(Lowering *lo, Dml *dml) {
    Element *table = dml_table(lo, dml);
    if (!table) return NULL;
    bool top = !lo->level;
    Level level;
    dml_open(lo, dml, &level);
    Query *query = query_new(lo->arena, QUERY_DELETE);
    ElementList extra = {0};
    extra_froms(lo, dml, table, &extra);
    dml_correlate(lo, &level, table, &extra);
    dml_texts(lo, dml, query);
    dml_hint(lo, dml, query);
    if (extra.count && lo_is(lo, DIALECT_SQLITE)) {
        evaluator_raise_id(lo->ev, EXCEPTION_NOT_IMPLEMENTED, dml->head.base.node,
                           "This backend does not support multiple-table criteria within DELETE");
        lo->level = level.outer;
        return NULL;
    }
    From *target = lower_from(lo, table, NULL);
    bool ok = target && target->relation;
    if (ok) query->target = target->relation;
    ok = ok && lower_independent_ctes(lo, &dml->head) && dml_froms(lo, dml, &extra, query) &&
         dml_where(lo, dml, query) && lower_mysql_limit(lo, dml, "mysql_limit", query) &&
         lower_returning(lo, dml, &dml->returning, query);
    if (ok) lower_ctes_into(lo, query, top, dml->head.base.kind == EL_INSERT);
    lo->level = level.outer;
    return ok ? query : NULL;
}
