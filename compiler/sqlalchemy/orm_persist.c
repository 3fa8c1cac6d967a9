/*
 * The statements of a flush: INSERT, UPDATE and DELETE of instances, rows of secondary tables.
 *
 * Input: the instances of one base mapper, foreign keys to be copied. Output: statements in SQLAlchemy's order: updates
 * before inserts, table by table from the base's; deletes from the most derived table down.
 * Invariants: a generated key is a value "from rows" of its INSERT until rows are real; a column without value and
 * without default is written as NULL, one with a default is left to Core.
 * Example: User(name="x") -> INSERT INTO users (name, age) VALUES (?, ?), users.id from its row.
 */
#include "compiler/sqlalchemy/orm_flush.h"

static Value *own_value(OrmInstance *instance, const Property *property) {
    return property ? instance_get(&instance->head.head, property->key) : NULL;
}

static Value *key_value(OrmInstance *instance, Element *column) {
    Value *value = own_value(instance, mapper_property_of(instance->mapper, column));
    for (int i = 0; !value && instance->identity && i < instance->mapper->primary_key.count; i++)
        if (element_same(instance->mapper->primary_key.items[i], column)) value = instance->identity[i];
    return value;
}

/* A source column's value; of an instance from outside an unknown. */
static Value *source_value(Flush *flush, OrmInstance *instance, Element *column) {
    Value *value = key_value(instance, column);
    if (value) return value;
    return instance_column_value(flush->ev, &instance->head.head, instance->mapper, column, flush->loading.site);
}

/* `later`: those of relationships with post_update, once the rows themselves are written. */
static bool apply_syncs(Flush *flush, OrmInstance *instance, bool later) {
    for (int i = 0; i < flush->sync_count; i++) {
        SyncItem *item = &flush->syncs[i];
        if (item->to != instance || item->relationship->post_update != later) continue;
        ColumnPairs *pairs = &item->relationship->sync;
        for (int j = 0; j < pairs->count; j++) {
            Property *property = mapper_property_of(instance->mapper, pairs->items[j].to);
            if (!property) continue;
            Value *value = item->from ? source_value(flush, item->from, pairs->items[j].from) : value_none(flush->ev);
            if (!value) return false;
            Value *before = own_value(instance, property);
            if (before == value) continue;
            if (!atom_map_get(&instance->committed, property->key)) {
                evaluator_touch(flush->ev, &instance->committed, sizeof instance->committed);
                instance->committed = atom_map_copy(&instance->committed, flush->arena);
                atom_map_set(&instance->committed, property->key, before ? before : value_none(flush->ev));
            }
            instance_set(flush->ev, &instance->head.head, property->key, value);
        }
    }
    return true;
}

static void pair_value(Flush *flush, Dml *dml, Element *column, Value *value) {
    ValuePair pair = {.target = column, .node = flush->loading.site};
    Element *expression = value_is_element(value) ? element_of(flush->ev, value) : NULL;
    if (expression) pair.element = expression;
    else pair.value = value;
    pairs_push(flush->ev, &dml->values, pair);
    dml->has_values = true;
}

/* ---- INSERT ---- */

static bool column_has_default(const Element *column) {
    const SchemaColumn *schema = COLUMN((Element *)column)->schema;
    return schema && (schema->default_value || schema->server_default || schema->computed || schema->identity ||
                      schema->sequence);
}

static bool server_made(const Element *column) {
    const SchemaColumn *schema = COLUMN((Element *)column)->schema;
    return schema && (schema->server_default || schema->computed);
}

/* None of JSON is a value of its own ('null'): where nothing was set, nothing is written. */
static bool evaluates_none(const SaType *type) {
    return type->kind != TYPE_DECORATOR && type->affinity == TYPE_JSON && !type->none_as_null;
}

/* What an INSERT into one table of the instance's says: columns and values in order. */
typedef struct InsertRow {
    OrmInstance *instance;
    ValuePairs pairs;
    ElementList missing_key, server_columns;
    bool has_expressions, has_server_columns;
} InsertRow;

static bool insert_row(Flush *flush, OrmInstance *instance, Element *table, InsertRow *row) {
    Evaluator *ev = flush->ev;
    const ElementList *columns = from_columns(ev, table);
    row->instance = instance;
    for (int i = 0; i < columns->count; i++) {
        Element *column = columns->items[i];
        Property *property = mapper_property_of(instance->mapper, column);
        bool key = COLUMN(column)->primary_key;
        if (!property && !key) continue;
        Value *value = own_value(instance, property);
        if (!value && key && instance->identity) value = key_value(instance, column);
        bool none = !value || value_is_none(value);
        Element *on = instance->mapper->polymorphic_on;
        bool discriminator =
            on && property && list_has(&property->columns, on) && instance->mapper->polymorphic_identity;
        if (none && discriminator) {
            value = instance->mapper->polymorphic_identity;
            instance_set(ev, &instance->head.head, property->key, value);
            none = false;
        }
        if (none && property && instance->mapper->version_column &&
            element_same(column, instance->mapper->version_column)) {
            value = value_integer(ev, 1);
            instance_set(ev, &instance->head.head, property->key, value);
            none = false;
        }
        if (none && key) {
            element_list_push(ev, &row->missing_key, column);
            continue;
        }
        if (!value && evaluates_none(column->type) && !column_has_default(column)) continue;
        row->has_server_columns |= none && server_made(column);
        if (none && column_has_default(column)) {
            if (server_made(column) && !COLUMN(column)->schema->default_value)
                element_list_push(ev, &row->server_columns, column);
            continue;
        }
        ValuePair pair = {.target = column, .node = flush->loading.site};
        Element *expression = !none && value_is_element(value) ? element_of(ev, value) : NULL;
        row->has_expressions |= expression != NULL;
        if (expression) pair.element = expression;
        else pair.value = none ? value_none(ev) : value;
        pairs_push(ev, &row->pairs, pair);
    }
    return true;
}

static bool same_columns(const InsertRow *a, const InsertRow *b) {
    if (a->pairs.count != b->pairs.count || a->has_expressions || b->has_expressions) return false;
    if (a->missing_key.count != b->missing_key.count || a->server_columns.count != b->server_columns.count)
        return false;
    for (int i = 0; i < a->pairs.count; i++)
        if (a->pairs.items[i].target != b->pairs.items[i].target) return false;
    return true;
}

static bool fetches_server_columns(Flush *flush, const InsertRow *row) {
    const Dialect *dialect = evaluator_dialect(flush->ev);
    int eager = row->instance->mapper->eager_defaults;
    return row->has_server_columns && eager != 0 && dialect->has_returning;
}

static void take_generated(Flush *flush, InsertRow *row, const RowSet *set, int set_row, int statement) {
    Evaluator *ev = flush->ev;
    Mapper *mapper = row->instance->mapper;
    ElementList *lists[2] = {&row->missing_key, &row->server_columns};
    bool fetched = fetches_server_columns(flush, row);
    for (int l = 0; l < 2; l++) {
        for (int i = 0; i < lists[l]->count; i++) {
            Element *column = lists[l]->items[i];
            Property *property = mapper_property_of(mapper, column);
            if (!property || (l == 1 && !fetched)) continue;
            Value *value = NULL;
            for (int c = 0; set && c < set->column_count && set_row < set->row_count; c++)
                if (slice_equals(set->columns[c], column->name.text))
                    value = result_convert(ev, column->type, set->rows[set_row][c], flush->loading.site);
            if (!value && set && l == 0) value = value_integer(ev, set->last_insert_id);
            if (!value)
                value = row_value(ev, statement, column->name.text, false, column->name.text, flush->loading.site);
            instance_set(ev, &row->instance->head.head, property->key, value);
        }
    }
}

static void set_identity(Flush *flush, OrmInstance *instance) {
    Mapper *mapper = instance->mapper;
    Value **identity = ARENA_ARRAY(flush->arena, Value *, mapper->primary_key.count + 1);
    for (int i = 0; i < mapper->primary_key.count; i++) {
        identity[i] = key_value(instance, mapper->primary_key.items[i]);
        if (!identity[i]) identity[i] = value_none(flush->ev);
    }
    evaluator_touch(flush->ev, instance, sizeof *instance);
    instance->identity = identity;
}

static void returning_generated(Flush *flush, Dml *dml, Element *table, const InsertRow *row) {
    const ElementList *columns = from_columns(flush->ev, table);
    for (int c = 0; c < columns->count; c++)
        if (COLUMN(columns->items[c])->primary_key) element_list_push(flush->ev, &dml->returning, columns->items[c]);
    for (int c = 0; c < row->server_columns.count; c++)
        element_list_push(flush->ev, &dml->returning, row->server_columns.items[c]);
    dml->has_returning = true;
}

/* One INSERT: of one row, or of `count` rows at once. */
static bool insert_send(Flush *flush, Element *table, InsertRow *rows, int count, bool returning) {
    Dml *dml = dml_new(flush->ev, EL_INSERT, table);
    dml->has_values = rows[0].pairs.count > 0;
    if (count > 1) {
        dml->rows = ARENA_ARRAY(flush->arena, ValuePairs, count);
        for (int i = 0; i < count; i++) dml->rows[i] = rows[i].pairs;
        dml->row_count = count;
    } else {
        dml->values = rows[0].pairs;
    }
    if (returning) returning_generated(flush, dml, table, &rows[0]);
    Element *automatic = FROM(table)->table ? table_autoincrement_column(flush->ev, FROM(table)->table) : NULL;
    if (returning && count > 1 && automatic && list_has(&rows[0].missing_key, automatic)) {
        dml->numbered = true;
        element_list_push(flush->ev, &dml->returning, automatic); /* the column that the order is told by */
    }
    RowSet *set;
    int statement = loading_send(&flush->loading, &dml->head.base, &set);
    for (int i = 0; statement >= 0 && i < count; i++) take_generated(flush, &rows[i], set, i, statement);
    return statement >= 0;
}

/*
 * The row stands for any number of rows of a list that is not known, which are written as several; that it was one row
 * after all is the path beside that. PostgreSQL gives keys back by RETURNING in any case.
 */
static bool row_is_several(Flush *flush, const InsertRow *row) {
    const Dialect *dialect = evaluator_dialect(flush->ev);
    const OrmInstance *instance = row->instance;
    if (!instance->repeated || !dialect->has_returning || dialect->id == DIALECT_POSTGRESQL) return false;
    if (list_grows_unknown(flush->ev, flush->session->instances)) return false; /* each is flushed by itself */
    return evaluator_decide(flush->ev, flush->loading.site, 2) == 0;
}

/*
 * Rows with the same columns whose keys the database makes go together where the database gives them back in order;
 * SQLite doesn't: there each row of such a group has its own INSERT … RETURNING.
 */
static bool insert_rows(Flush *flush, Element *table, InsertRow *rows, int count) {
    const Dialect *dialect = evaluator_dialect(flush->ev);
    for (int i = 0; i < count;) {
        int together = 1;
        bool fetches = fetches_server_columns(flush, &rows[i]);
        bool generated = rows[i].missing_key.count > 0 || fetches;
        while (generated && i + together < count && same_columns(&rows[i], &rows[i + together])) together++;
        Element *version = rows[i].instance->mapper->version_column;
        bool versioned = version && list_has(from_columns(flush->ev, table), version);
        bool several = together > 1 || (generated && row_is_several(flush, &rows[i]));
        bool returning = dialect->has_returning && (fetches || several || versioned);
        bool at_once = returning && together > 1 && dialect->id != DIALECT_SQLITE;
        for (int j = 0; j < together; j += at_once ? together : 1)
            if (!insert_send(flush, table, &rows[i + j], at_once ? together : 1, returning)) return false;
        i += together;
    }
    return true;
}

/* ---- UPDATE ---- */

static bool where_key(Flush *flush, Dml *dml, OrmInstance *instance, Element *table) {
    Evaluator *ev = flush->ev;
    const ElementList *columns = from_columns(ev, table);
    for (int i = 0; i < columns->count; i++) {
        Element *column = columns->items[i];
        if (!COLUMN(column)->primary_key) continue;
        Property *property = mapper_property_of(instance->mapper, column);
        Value *value = property ? atom_map_get(&instance->committed, property->key) : NULL;
        if (!value || value_is_none(value)) value = source_value(flush, instance, column);
        Element *equal = value ? element_operate(ev, SA_EQ, column, value, false, flush->loading.site) : NULL;
        if (!equal) return false;
        element_list_push(ev, &dml->where, equal);
    }
    Element *version = instance->mapper->version_column;
    if (version && list_has(columns, version)) {
        Value *value = own_value(instance, mapper_property_of(instance->mapper, version));
        Element *equal = value ? element_operate(ev, SA_EQ, version, value, false, flush->loading.site) : NULL;
        if (equal) element_list_push(ev, &dml->where, equal);
    }
    return true;
}

/* Writes the update unless it sets nothing; a version column is counted up where any column has changed. */
static bool update_send(Flush *flush, OrmInstance *instance, Dml *dml, bool any_change) {
    Evaluator *ev = flush->ev;
    Element *version = instance->mapper->version_column;
    bool has_version = version && list_has(from_columns(ev, dml->table), version) && any_change;
    if (!dml->values.count && !has_version) return true;
    if (!where_key(flush, dml, instance, dml->table)) return false;
    Value *next = NULL;
    if (has_version && !instance->mapper->version_server_side) {
        Value *value = own_value(instance, mapper_property_of(instance->mapper, version));
        next = value ? value_binary(ev, OP_Add, value, value_integer(ev, 1), flush->loading.site) : NULL;
        if (!next) return false;
        pair_value(flush, dml, version, next);
    }
    RowSet *set;
    if (loading_send(&flush->loading, &dml->head.base, &set) < 0) return false;
    if (next) instance_set(ev, &instance->head.head, mapper_property_of(instance->mapper, version)->key, next);
    return true;
}

static bool update_table(Flush *flush, OrmInstance *instance, Element *table, bool any_change) {
    Evaluator *ev = flush->ev;
    const ElementList *columns = from_columns(ev, table);
    Dml *dml = dml_new(ev, EL_UPDATE, table);
    for (int i = 0; i < columns->count; i++) {
        Element *column = columns->items[i];
        Property *property = mapper_property_of(instance->mapper, column);
        if (!property || !atom_map_get(&instance->committed, property->key)) continue;
        Value *value = own_value(instance, property);
        Value *before = atom_map_get(&instance->committed, property->key);
        bool same = value && !value_is_element(value) && !value_is_unknown(value) && !value_is_unknown(before) &&
                    !value_is_none(before) && value_equals(ev, before, value);
        if (value && !same) pair_value(flush, dml, column, value);
    }
    return update_send(flush, instance, dml, any_change);
}

static bool has_column_change(const OrmInstance *instance) {
    for (int i = 0; i < instance->committed.count; i++) {
        Atom key = instance->committed.entries[i].key;
        Property *property = mapper_property(instance->mapper, key);
        if (property && property->kind == PROPERTY_COLUMN) return true;
    }
    return false;
}

/* How many new instances of the same mapper it waits for through its own foreign keys. */
static int pending_depth(Flush *flush, OrmInstance *instance, int depth) {
    for (int i = 0; i < flush->sync_count && depth < 50; i++) {
        SyncItem *item = &flush->syncs[i];
        if (item->to == instance && item->from && item->from != instance && !item->relationship->post_update &&
            item->from->mapper->base == instance->mapper->base && item->from->status == INSTANCE_PENDING)
            return pending_depth(flush, item->from, depth + 1) + 1;
    }
    return 0;
}

static bool save_group(Flush *flush, OrmInstance **group, int count) {
    Evaluator *ev = flush->ev;
    ElementList tables = {0};
    for (int i = 0; i < count; i++) {
        if (!apply_syncs(flush, group[i], false)) return false;
        for (int t = 0; t < group[i]->mapper->tables.count; t++)
            if (!list_has(&tables, group[i]->mapper->tables.items[t]))
                element_list_push(ev, &tables, group[i]->mapper->tables.items[t]);
    }
    for (int t = 0; t < tables.count; t++) {
        InsertRow *rows = ARENA_ARRAY(flush->arena, InsertRow, count + 1);
        int row_count = 0;
        for (int i = 0; i < count; i++) {
            OrmInstance *instance = group[i];
            if (!list_has(&instance->mapper->tables, tables.items[t])) continue;
            if (instance->status == INSTANCE_PENDING) {
                if (!insert_row(flush, instance, tables.items[t], &rows[row_count++])) return false;
            } else if (!update_table(flush, instance, tables.items[t], has_column_change(instance))) {
                return false;
            }
        }
        if (!insert_rows(flush, tables.items[t], rows, row_count)) return false;
    }
    for (int i = 0; i < count; i++)
        if (group[i]->status == INSTANCE_PENDING) set_identity(flush, group[i]);
    return true;
}

static bool comes_before(const OrmInstance *a, const OrmInstance *b) {
    bool a_new = a->status == INSTANCE_PENDING, b_new = b->status == INSTANCE_PENDING;
    if (a_new != b_new) return a_new;
    if (a_new || !a->identity || !b->identity) return a->order < b->order;
    int64_t x, y;
    if (value_as_integer(a->identity[0], &x) && value_as_integer(b->identity[0], &y)) return x < y;
    return a->order < b->order;
}

bool flush_save(Flush *flush, Mapper *base) {
    OrmInstance **group = ARENA_ARRAY(flush->arena, OrmInstance *, flush->save_count + 1);
    OrmInstance **level = ARENA_ARRAY(flush->arena, OrmInstance *, flush->save_count + 1);
    int count = 0, deepest = 0;
    for (int i = 0; i < flush->save_count; i++) {
        OrmInstance *instance = flush->saves[i];
        if (instance->mapper->base != base || instance->marked_deleted) continue;
        int at = count++;
        while (at > 0 && comes_before(instance, group[at - 1])) {
            group[at] = group[at - 1];
            at--;
        }
        group[at] = instance;
        int depth = pending_depth(flush, instance, 0);
        if (depth > deepest) deepest = depth;
    }
    int *depths = ARENA_ARRAY(flush->arena, int, count + 1);
    for (int i = 0; i < count; i++) depths[i] = pending_depth(flush, group[i], 0);
    for (int depth = 0; depth <= deepest; depth++) {
        int level_count = 0;
        for (int i = 0; i < count; i++)
            if (depths[i] == depth) level[level_count++] = group[i];
        if (level_count && !save_group(flush, level, level_count)) return false;
    }
    return true;
}

/* ---- post_update ---- */

/* What differs from `before`, what the row says by now. */
static bool post_update_table(Flush *flush, OrmInstance *instance, Element *table, const AtomMap *before) {
    Evaluator *ev = flush->ev;
    Dml *dml = dml_new(ev, EL_UPDATE, table);
    const ElementList *columns = from_columns(ev, table);
    for (int i = 0; i < columns->count; i++) {
        Property *property = mapper_property_of(instance->mapper, columns->items[i]);
        Value *value = own_value(instance, property);
        Value *written = property ? atom_map_get(before, property->key) : NULL;
        if (!value || value == written) continue;
        if (written && !value_is_unknown(value) && !value_is_unknown(written) && value_equals(ev, written, value))
            continue;
        pair_value(flush, dml, columns->items[i], value);
    }
    return update_send(flush, instance, dml, dml->values.count > 0);
}

static bool post_update_instance(Flush *flush, OrmInstance *instance) {
    AtomMap before = atom_map_copy(&instance->head.attributes, flush->arena);
    if (!apply_syncs(flush, instance, true)) return false;
    const ElementList *tables = &instance->mapper->tables;
    for (int i = 0; i < tables->count; i++)
        if (!post_update_table(flush, instance, tables->items[i], &before)) return false;
    return true;
}

bool flush_post_update(Flush *flush, Mapper *base, bool is_delete) {
    OrmInstance **group = ARENA_ARRAY(flush->arena, OrmInstance *, flush->sync_count + 1);
    int count = 0;
    for (int i = 0; i < flush->sync_count; i++) {
        OrmInstance *instance = flush->syncs[i].to;
        bool known = !flush->syncs[i].relationship->post_update || instance->mapper->base != base ||
                     instance->marked_deleted != is_delete;
        for (int j = 0; j < count; j++) known |= group[j] == instance;
        if (known) continue;
        int at = count++;
        while (at > 0 && comes_before(instance, group[at - 1])) {
            group[at] = group[at - 1];
            at--;
        }
        group[at] = instance;
    }
    for (int i = 0; i < count; i++)
        if (!post_update_instance(flush, group[i])) return false;
    return true;
}

/* ---- DELETE and secondary rows ---- */

bool flush_delete(Flush *flush, Mapper *base) {
    Evaluator *ev = flush->ev;
    ElementList tables = {0};
    for (int i = 0; i < flush->delete_count; i++) {
        Mapper *mapper = flush->deletes[i]->mapper;
        for (int t = 0; mapper->base == base && t < mapper->tables.count; t++)
            if (!list_has(&tables, mapper->tables.items[t])) element_list_push(ev, &tables, mapper->tables.items[t]);
    }
    for (int t = tables.count - 1; t >= 0; t--) {
        for (int i = 0; i < flush->delete_count; i++) {
            OrmInstance *instance = flush->deletes[i];
            if (instance->mapper->base != base || !list_has(&instance->mapper->tables, tables.items[t])) continue;
            Dml *dml = dml_new(ev, EL_DELETE, tables.items[t]);
            RowSet *set;
            if (!where_key(flush, dml, instance, tables.items[t])) return false;
            if (loading_send(&flush->loading, &dml->head.base, &set) < 0) return false;
        }
    }
    return true;
}

static bool link_row(Flush *flush, const LinkItem *item) {
    Evaluator *ev = flush->ev;
    Relationship *relationship = item->relationship;
    Dml *dml = dml_new(ev, item->remove ? EL_DELETE : EL_INSERT, relationship->secondary);
    ColumnPairs *lists[2] = {&relationship->sync, &relationship->secondary_pairs};
    OrmInstance *sides[2] = {item->parent, item->child};
    const ElementList *columns = from_columns(ev, relationship->secondary); /* in whose order either side writes */
    for (int c = 0; c < columns->count; c++) {
        for (int n = 0; n < lists[0]->count + lists[1]->count; n++) {
            int l = n >= lists[0]->count;
            const ColumnPair *pair = &lists[l]->items[l ? n - lists[0]->count : n];
            if (!element_same(pair->to, columns->items[c])) continue;
            Value *value = source_value(flush, sides[l], pair->from);
            if (!value) return false;
            if (!item->remove) {
                pair_value(flush, dml, pair->to, value);
                continue;
            }
            Element *equal = element_operate(ev, SA_EQ, pair->to, value, false, flush->loading.site);
            if (!equal) return false;
            element_list_push(ev, &dml->where, equal);
        }
    }
    RowSet *set;
    return loading_send(&flush->loading, &dml->head.base, &set) >= 0;
}

bool flush_links(Flush *flush, Relationship *relationship, bool is_delete) {
    for (int pass = 0; pass < 2; pass++) {
        for (int i = 0; i < flush->link_count; i++) {
            LinkItem *item = &flush->links[i];
            bool of_deleted = item->parent->marked_deleted;
            if (item->relationship != relationship || item->remove != (pass == 0) || of_deleted != is_delete) continue;
            if (!link_row(flush, item)) return false;
        }
    }
    return true;
}
