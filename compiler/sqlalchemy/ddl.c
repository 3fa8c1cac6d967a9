/*
 * DDL: CREATE TABLE and CREATE INDEX of metadata, as SQLAlchemy's CreateTable and CreateIndex write them per dialect.
 *
 * Input: MetaData, or a CreateTable(…)/CreateIndex(…)/CreateColumn(…) value. Output: DDL statements, tables in
 * rounds: first those that refer to no other, then those that refer to these, …, each round in order of definition.
 * Invariants: a table follows those that it refers to, but for a cycle that no use_alter breaks; expressions in DDL are
 * written with literals and without their table. Example: Column("id", Integer, primary_key=True) is id SERIAL NOT NULL
 * on PostgreSQL.
 */
#include "compiler/sqlalchemy/ddl.h"

/* ---- tables ---- */

static void put_mysql_option(Writer *w, Slice key, Value *value) {
    Buffer name;
    buffer_init(&name, evaluator_arena(w->ev));
    for (size_t i = 0; i < key.length; i++)
        buffer_put(&name, (char)(key.start[i] >= 'a' && key.start[i] <= 'z' ? key.start[i] - 32 : key.start[i]));
    Slice upper = buffer_view(&name);
    static const char *const spaced[] = {"DATA_DIRECTORY", "INDEX_DIRECTORY", "DEFAULT_CHARACTER_SET",
                                         "CHARACTER_SET",  "DEFAULT_CHARSET", "DEFAULT_COLLATE",
                                         "PARTITION_BY",   "SUBPARTITION_BY"};
    bool blank = false;
    for (size_t i = 0; i < sizeof spaced / sizeof *spaced; i++) blank |= slice_equals_text(upper, spaced[i]);
    for (size_t i = 0; blank && i < name.length; i++)
        if (name.data[i] == '_') name.data[i] = ' ';
    upper = buffer_view(&name);
    bool space = slice_equals_text(upper, "TABLESPACE") || slice_equals_text(upper, "DEFAULT CHARACTER SET") ||
                 slice_equals_text(upper, "CHARACTER SET") || slice_equals_text(upper, "COLLATE") ||
                 slice_starts_with(upper, "PARTITION") || slice_starts_with(upper, "SUBPARTITION");
    bool text = slice_equals_text(upper, "COMMENT") || slice_equals_text(upper, "PASSWORD") ||
                slice_equals_text(upper, "CONNECTION") || slice_equals_text(upper, "DATA DIRECTORY") ||
                slice_equals_text(upper, "INDEX DIRECTORY");
    buffer_slice(&w->out, upper);
    ddl_put(w, space ? " " : "=");
    if (text && value_is(value, VALUE_STRING)) ddl_put_literal(w, value_text(value));
    else ddl_put_value(w, value);
}

static void put_options_mysql(Writer *w, const Table *table) {
    const char *prefix = w->dialect->id == DIALECT_MARIADB ? "mariadb_" : "mysql_";
    bool first = true;
    for (int partitions = 0; partitions < 2; partitions++) {
        for (int i = 0; table->dialect_options && i < table->dialect_options->count; i++) {
            Slice key = value_text(table->dialect_options->entries[i].key);
            if (!slice_starts_with(key, prefix)) continue;
            Slice name = slice_sub(key, slice_find(key, '_') + 1, key.length);
            bool partition = slice_starts_with(name, "partition") || slice_starts_with(name, "subpartition");
            if (partition != (partitions == 1)) continue;
            if (!first) ddl_put(w, " ");
            first = false;
            put_mysql_option(w, name, table->dialect_options->entries[i].value);
        }
        if (!partitions && table->has_comment) {
            ddl_put(w, first ? "COMMENT=" : " COMMENT=");
            first = false;
            ddl_put_literal(w, table->comment);
        }
    }
}

static void put_names_option(Writer *w, Value *given) {
    bool many = value_is(given, VALUE_LIST) || value_is(given, VALUE_TUPLE);
    Value *const *items = many ? ((const ListValue *)given)->items : &given;
    for (int i = 0; i < (many ? ((const ListValue *)given)->count : 1); i++) {
        if (i) ddl_put(w, ", ");
        if (value_is(items[i], VALUE_STRING)) ddl_put_name(w, name_from(value_text(items[i])));
    }
}

static void put_options_postgresql(Writer *w, const Table *table) {
    const DictValue *options = table->dialect_options;
    Value *found = ddl_option(w, options, "postgresql_inherits");
    if (found) {
        ddl_put(w, "\n INHERITS ( ");
        put_names_option(w, found);
        ddl_put(w, " )");
    }
    if ((found = ddl_option(w, options, "postgresql_partition_by")))
        ddl_put(w, "\n PARTITION BY "), ddl_put_value(w, found);
    if ((found = ddl_option(w, options, "postgresql_using"))) ddl_put(w, "\n USING "), ddl_put_value(w, found);
    if ((found = ddl_option(w, options, "postgresql_with_oids")))
        ddl_put(w, value_is_true(found) ? "\n WITH OIDS" : "\n WITHOUT OIDS");
    if ((found = ddl_option(w, options, "postgresql_on_commit")) && value_is(found, VALUE_STRING)) {
        ddl_put(w, "\n ON COMMIT ");
        Slice text = value_text(found);
        for (size_t i = 0; i < text.length; i++) {
            char c = text.start[i];
            buffer_put(&w->out, c == '_' ? ' ' : c >= 'a' && c <= 'z' ? (char)(c - 32) : c);
        }
    }
    if ((found = ddl_option(w, options, "postgresql_tablespace")))
        ddl_put(w, "\n TABLESPACE "), put_names_option(w, found);
}

static void put_options_sqlite(Writer *w, const Table *table) {
    Value *rowid = ddl_option(w, table->dialect_options, "sqlite_with_rowid");
    bool without = rowid && !value_is_true(rowid),
         strict = ddl_option_is_true(w, table->dialect_options, "sqlite_strict");
    if (without) ddl_put(w, "\n WITHOUT ROWID");
    if (strict) ddl_put(w, without ? ",\n STRICT" : "\n STRICT");
}

/* The constraints of a table in the order of their creation, the primary key first. */
static Constraint **sorted_constraints(Writer *w, const Table *table) {
    Constraint **sorted = ARENA_ARRAY(evaluator_arena(w->ev), Constraint *, table->constraint_count + 1);
    for (int i = 0; i < table->constraint_count; i++) {
        int at = i;
        uint32_t order = table->constraints[i]->kind == CONSTRAINT_PRIMARY_KEY ? 0 : table->constraints[i]->order;
        while (at && sorted[at - 1]->kind != CONSTRAINT_PRIMARY_KEY && sorted[at - 1]->order > order) {
            sorted[at] = sorted[at - 1];
            at--;
        }
        sorted[at] = table->constraints[i];
    }
    return sorted;
}

static bool put_table_body(Writer *w, Element *element) {
    const Table *table = FROM(element)->table;
    Constraint **constraints = sorted_constraints(w, table);
    const char *separator = "\n\t";
    const ElementList *columns = from_columns(w->ev, element);
    for (int i = 0; i < columns->count; i++) {
        if (COLUMN(columns->items[i])->schema->system) continue;
        ddl_put(w, separator);
        separator = ", \n\t";
        if (!ddl_put_column(w, columns->items[i]) || !ddl_put_column_checks(w, columns->items[i])) return false;
    }
    bool any = false;
    for (int i = 0; i < table->constraint_count; i++) {
        bool written = ddl_constraint_is_written(w, constraints[i]);
        if (evaluator_error_pending(w->ev)) return false;
        if (!written) continue;
        ddl_put(w, any ? ", \n\t" : separator);
        any = true;
        if (!ddl_put_constraint(w, constraints[i])) return false;
    }
    return true;
}

static bool put_create_table(Writer *w, Element *element, bool if_not_exists) {
    const Table *table = FROM(element)->table;
    ddl_put(w, "CREATE ");
    for (int i = 0; i < table->prefixes.count; i++)
        buffer_format(&w->out, "%.*s ", SLICE_ARGS(table->prefixes.items[i].text));
    ddl_put(w, if_not_exists ? "TABLE IF NOT EXISTS " : "TABLE ");
    ddl_put_table(w, element, true);
    ddl_put(w, " (");
    if (!put_table_body(w, element)) return false;
    ddl_put(w, "\n)");
    if (ddl_is_postgresql(w)) put_options_postgresql(w, table);
    else if (ddl_is_sqlite(w)) put_options_sqlite(w, table);
    else put_options_mysql(w, table);
    return true;
}

/* ---- indexes ---- */

static bool put_index_expression(Writer *w, Element *expression) {
    if (expression->kind == EL_COLUMN || ddl_is_sqlite(w)) return ddl_put_expression(w, expression);
    if (ddl_is_postgresql(w)) return ddl_put_expression(w, element_group_op(w->ev, expression, op_of(SA_NONE)));
    bool grouped = expression->kind == EL_BINARY || expression->kind == EL_FUNCTION ||
                   (expression->kind == EL_UNARY && OPERATOR(expression)->modifier.id != SA_DESC &&
                    OPERATOR(expression)->modifier.id != SA_ASC);
    if (grouped) ddl_put(w, "(");
    if (!ddl_put_expression(w, expression)) return false;
    if (grouped) ddl_put(w, ")");
    return true;
}

/* What stands after one column: PostgreSQL's operator class, MySQL's prefix length. */
static void put_index_suffix(Writer *w, const Index *index, const Element *expression) {
    Value *found = ddl_option(w, index->dialect_options, ddl_is_postgresql(w) ? "postgresql_ops" : "mysql_length");
    Value *one = found;
    if (found && value_is(found, VALUE_DICT)) {
        Name key = {0};
        if (!column_proxy_key(w->ev, expression, &key)) return;
        one = dict_get(w->ev, (const DictValue *)found, value_string(w->ev, key.text));
    }
    if (!one || ddl_is_sqlite(w)) return;
    if (ddl_is_postgresql(w)) {
        ddl_put(w, " ");
        ddl_put_value(w, one);
    } else {
        ddl_put(w, "(");
        ddl_put_value(w, one);
        ddl_put(w, ")");
    }
}

static bool put_index_tail(Writer *w, const Index *index) {
    const DictValue *options = index->dialect_options;
    ddl_put_include(w, options, index->table);
    Value *found = ddl_option(w, options, "postgresql_nulls_not_distinct");
    if (found) ddl_put(w, value_is_true(found) ? " NULLS NOT DISTINCT" : " NULLS DISTINCT");
    found = ddl_option(w, options, "postgresql_with");
    if (found && value_is(found, VALUE_DICT)) {
        const DictValue *dict = (const DictValue *)found;
        ddl_put(w, " WITH (");
        for (int i = 0; i < dict->count; i++) {
            if (i) ddl_put(w, ", ");
            ddl_put_value(w, dict->entries[i].key);
            ddl_put(w, " = ");
            ddl_put_value(w, dict->entries[i].value);
        }
        ddl_put(w, ")");
    }
    if ((found = ddl_option(w, options, "postgresql_tablespace")))
        ddl_put(w, " TABLESPACE "), put_names_option(w, found);
    return true;
}

static bool put_index_where(Writer *w, const Index *index, const char *name) {
    Value *found = ddl_option(w, index->dialect_options, name);
    if (!found) return true;
    Element *where = element_coerce(w->ev, found, COERCE_DDL_EXPRESSION, index->node);
    ddl_put(w, " WHERE ");
    return where && ddl_put_expression(w, where);
}

static bool put_create_index(Writer *w, const Index *index, bool if_not_exists) {
    const DictValue *options = index->dialect_options;
    ddl_put(w, index->unique ? "CREATE UNIQUE " : "CREATE ");
    if (!index->table) {
        sa_raise(w->ev, SA_COMPILE_ERROR, index->node, "Index '%.*s' is not associated with any table.",
                 SLICE_ARGS(index->name.text));
        return false;
    }
    Value *prefix = w->dialect->is_mysql ? ddl_option(w, options, "mysql_prefix") : NULL;
    if (prefix) ddl_put_value(w, prefix), ddl_put(w, " ");
    ddl_put(w, "INDEX ");
    if (ddl_is_postgresql(w) && ddl_option_is_true(w, options, "postgresql_concurrently")) ddl_put(w, "CONCURRENTLY ");
    if (if_not_exists) ddl_put(w, "IF NOT EXISTS ");
    if (ddl_is_sqlite(w) && FROM(index->table)->schema.text.length) {
        ddl_put_name(w, FROM(index->table)->schema);
        ddl_put(w, ".");
    }
    ddl_put_name(w, ddl_index_name(w, index));
    ddl_put(w, " ON ");
    ddl_put_table(w, index->table, !ddl_is_sqlite(w));
    ddl_put(w, " ");
    Value *using = ddl_is_postgresql(w) ? ddl_option(w, options, "postgresql_using") : NULL;
    if (using) {
        ddl_put(w, "USING ");
        size_t start = w->out.length;
        ddl_put_value(w, using);
        for (size_t i = start; i < w->out.length; i++) w->out.data[i] = char_lower(w->out.data[i]);
        ddl_put(w, " ");
    }
    ddl_put(w, "(");
    for (int i = 0; i < index->expressions.count; i++) {
        if (i) ddl_put(w, ", ");
        if (!put_index_expression(w, index->expressions.items[i])) return false;
        put_index_suffix(w, index, index->expressions.items[i]);
    }
    ddl_put(w, ")");
    if (ddl_is_postgresql(w)) return put_index_tail(w, index) && put_index_where(w, index, "postgresql_where");
    if (ddl_is_sqlite(w)) return put_index_where(w, index, "sqlite_where");
    if ((using = ddl_option(w, options, "mysql_using"))) ddl_put(w, " USING "), ddl_put_value(w, using);
    return true;
}

/* ---- everything ---- */

static void push_ddl(Writer *w, StatementList *out) {
    Statement statement = {.kind = STATEMENT_DDL, .sql = slice_copy(evaluator_arena(w->ev), buffer_view(&w->out))};
    ARENA_PUSH(evaluator_arena(w->ev), out->items, out->count, out->capacity) = statement;
    w->out.length = 0;
}

/* The tables that one refers to, by their numbers. */
typedef struct References {
    int *items;
    int count, capacity;
} References;

typedef struct Sorter {
    Evaluator *ev;
    const MetaData *metadata;
    int count;
    References *refers;
    bool *placed;
    ElementList order;
} Sorter;

static int table_position(const MetaData *metadata, const Element *table) {
    for (int i = 0; i < metadata->tables.count; i++)
        if (metadata->tables.items[i] == table) return i;
    return -1;
}

static void sort_find_references(Sorter *s, int at) {
    const Table *table = FROM(s->metadata->tables.items[at])->table;
    for (int i = 0; i < table->constraint_count; i++) {
        const Constraint *constraint = table->constraints[i];
        if (constraint->kind != CONSTRAINT_FOREIGN_KEY || constraint->use_alter || !constraint->reference_count)
            continue;
        Element *target = foreign_key_target(s->ev, constraint->elements[0]);
        int to = target ? table_position(s->metadata, COLUMN(target)->table) : -1;
        if (!target) evaluator_clear_error(s->ev);
        References *refers = &s->refers[at];
        if (to >= 0 && to != at)
            ARENA_PUSH(evaluator_arena(s->ev), refers->items, refers->count, refers->capacity) = to;
    }
}

static bool sort_is_ready(const Sorter *s, int at) {
    for (int i = 0; i < s->refers[at].count; i++)
        if (!s->placed[s->refers[at].items[i]]) return false;
    return true;
}

/* Round by round, what refers to nothing that is still to come, in order of definition. False: the rest is a cycle. */
static bool sort_in_rounds(Sorter *s) {
    s->order.count = 0;
    memset(s->placed, 0, (size_t)s->count * sizeof *s->placed);
    while (s->order.count < s->count) {
        int before = s->order.count;
        bool *ready = ARENA_ARRAY(evaluator_arena(s->ev), bool, s->count);
        for (int i = 0; i < s->count; i++) ready[i] = !s->placed[i] && sort_is_ready(s, i);
        for (int i = 0; i < s->count; i++) {
            if (!ready[i]) continue;
            s->placed[i] = true;
            element_list_push(s->ev, &s->order, s->metadata->tables.items[i]);
        }
        if (s->order.count == before) return false;
    }
    return true;
}

/* Whether the table refers to itself by way of others. */
static bool sort_is_in_cycle(const Sorter *s, int start) {
    bool *seen = ARENA_ARRAY(evaluator_arena(s->ev), bool, s->count);
    int *waiting = ARENA_ARRAY(evaluator_arena(s->ev), int, s->count + 1), count = 0;
    waiting[count++] = start;
    while (count) {
        const References *refers = &s->refers[waiting[--count]];
        for (int i = 0; i < refers->count; i++) {
            int to = refers->items[i];
            if (to == start) return true;
            if (seen[to]) continue;
            seen[to] = true;
            waiting[count++] = to;
        }
    }
    return false;
}

/* Tables that refer to each other in a circle are taken as if they referred to nothing. */
static void sort_break_cycles(Sorter *s) {
    bool *cyclic = ARENA_ARRAY(evaluator_arena(s->ev), bool, s->count);
    for (int i = 0; i < s->count; i++) cyclic[i] = sort_is_in_cycle(s, i);
    for (int i = 0; i < s->count; i++)
        if (cyclic[i]) s->refers[i].count = 0;
}

static bool emit_indexes(Writer *w, const Table *table, StatementList *out) {
    for (int i = 0; i < table->index_count; i++) {
        if (!put_create_index(w, table->indexes[i], false)) return false;
        push_ddl(w, out);
    }
    return true;
}

/* ---- PostgreSQL's enumerations: types of their own, which come before all tables ---- */

static bool put_create_type(Writer *w, const SaType *type) {
    ddl_put(w, "CREATE TYPE ");
    if (!type_write(w->ev, &w->out, type, w->dialect, w->site)) return false;
    ddl_put(w, " AS ENUM (");
    ddl_put_labels(w, type);
    ddl_put(w, ")");
    return true;
}

/* Columns that name the same type share it. */
static bool is_emitted(const StatementList *out, Slice sql) {
    for (int i = 0; i < out->count; i++)
        if (slice_equals(out->items[i].sql, sql)) return true;
    return false;
}

static bool emit_types(Writer *w, const Table *table, StatementList *out) {
    const ElementList *columns = from_columns(w->ev, table->element);
    for (int i = 0; i < columns->count; i++) {
        const SaType *type = ddl_column_type(w->ev, columns->items[i]);
        if (evaluator_error_pending(w->ev)) { /* CREATE TABLE will say so */
            evaluator_clear_error(w->ev);
            continue;
        }
        type = type_on_dialect(w->ev, type, w->dialect);
        while (type_is(type, TYPE_ARRAY) && type->item) type = type_on_dialect(w->ev, type->item, w->dialect);
        if (!type_is(type, TYPE_ENUM) || !type->native_enum || type->create_type_off || !type->name.length) continue;
        bool exists = false;
        if (evaluator_has_rows(w->ev) && !ddl_ask_type(w->ev, type->name, w->site, &exists)) return false;
        if (exists) continue;
        if (!put_create_type(w, type)) return false;
        if (is_emitted(out, buffer_view(&w->out))) w->out.length = 0;
        else push_ddl(w, out);
    }
    return true;
}

static bool metadata_emit_types(Evaluator *ev, const ElementList *tables, StatementList *out) {
    Writer w;
    ddl_writer_init(&w, ev, NULL);
    for (int i = 0; i < tables->count && ddl_is_postgresql(&w); i++) {
        const Table *table = FROM(tables->items[i])->table;
        if (table->node && evaluator_has_error_in(ev, table->node)) continue;
        if (!emit_types(&w, table, out)) return false;
    }
    return true;
}

/* ---- metadata ---- */

/* Those of the tables in order that are wanted; NULL: all are. */
static ElementList tables_wanted(Evaluator *ev, const ElementList *order, const ElementList *only) {
    ElementList wanted = {0};
    if (!only) return *order;
    for (int i = 0; i < order->count; i++) {
        bool named = false;
        for (int j = 0; j < only->count; j++) named |= only->items[j] == order->items[i];
        if (named) element_list_push(ev, &wanted, order->items[i]);
    }
    return wanted;
}

bool metadata_emit(Evaluator *ev, MetaData *metadata, const ElementList *only, StatementList *out) {
    int count = metadata->tables.count;
    Sorter sorter = {.ev = ev, .metadata = metadata, .count = count};
    sorter.refers = ARENA_ARRAY(evaluator_arena(ev), References, count + 1);
    sorter.placed = ARENA_ARRAY(evaluator_arena(ev), bool, count + 1);
    for (int i = 0; i < count; i++) sort_find_references(&sorter, i);
    if (!sort_in_rounds(&sorter)) {
        sort_break_cycles(&sorter);
        sort_in_rounds(&sorter);
    }
    ElementList wanted = tables_wanted(ev, &sorter.order, only);
    if (!metadata_emit_types(ev, &wanted, out)) return false;
    for (int i = 0; i < wanted.count; i++) {
        const Table *table = FROM(wanted.items[i])->table;
        if (table->node && evaluator_has_error_in(ev, table->node)) continue;
        Writer w;
        ddl_writer_init(&w, ev, wanted.items[i]->node);
        if (!put_create_table(&w, wanted.items[i], false)) {
            if (evaluator_has_rows(ev)) return false;
            evaluator_report_error(ev); /* what stands beside it is still shown */
            continue;
        }
        push_ddl(&w, out);
        if (!emit_indexes(&w, table, out)) return false;
    }
    return true;
}

/* ---- CreateTable(t) and the like as values ---- */

static Value *call_ddl(Evaluator *ev, Value *self, const Arguments *a) {
    (void)self;
    const char *const *name = evaluator_native_data(ev);
    if (!a->count)
        return evaluator_raise_id(ev, EXCEPTION_TYPE, a->site, "%s() missing 1 required positional argument: 'element'",
                                  *name);
    DdlElement *element = (DdlElement *)element_new(ev, EL_DDL, NULL);
    element->base.name = name_from(slice_from(*name));
    element->base.node = a->site;
    element->target = a->items[0];
    for (int i = 0; i < a->keyword_count; i++) {
        Slice keyword = a->keywords[i].name->text;
        bool on = value_is_true(a->keywords[i].value);
        if (slice_equals_text(keyword, "if_not_exists")) element->if_not_exists = on;
        if (slice_equals_text(keyword, "if_exists")) element->if_exists = on;
        if (slice_equals_text(keyword, "cascade")) element->cascade = on;
    }
    return &element->base.head.head;
}

bool ddl_element_emit(Evaluator *ev, Element *element, StatementList *out) {
    const DdlElement *ddl = (const DdlElement *)element;
    Element *target = element_of(ev, ddl->target);
    if (target && target->kind == EL_ENTITY) target = orm_entity_table(ev, target->entity);
    Writer w;
    ddl_writer_init(&w, ev, element->node);
    bool ok;
    if (slice_equals_text(element->name.text, "CreateTable") && target && target->kind == EL_TABLE &&
        FROM(target)->table) {
        ok = put_create_table(&w, target, ddl->if_not_exists);
    } else if (slice_equals_text(element->name.text, "CreateColumn") && target && target->kind == EL_COLUMN &&
               COLUMN(target)->schema) {
        ok = ddl_put_column(&w, target) && ddl_put_column_checks(&w, target);
    } else if (slice_equals_text(element->name.text, "CreateIndex") && value_as_index(ev, ddl->target)) {
        ok = put_create_index(&w, value_as_index(ev, ddl->target), ddl->if_not_exists);
    } else {
        bool known = false;
        ok = ddl_put_change(&w, ddl, target, &known);
        if (!known)
            evaluator_raise_id(ev, EXCEPTION_UNSUPPORTED, element->node, "%.*s of this is not known",
                               SLICE_ARGS(element->name.text));
    }
    if (!ok || evaluator_error_pending(ev)) return false;
    push_ddl(&w, out);
    return true;
}

const NativeMethod ddl_methods[] = {{NULL, NULL, NATIVE_METHOD, NULL}};

void ddl_define(Evaluator *ev, ModuleValue *module) {
    static const char *const names[] = {"CreateTable",    "CreateIndex",    "CreateColumn", "DropTable",
                                        "CreateSchema",   "DropSchema",     "DropIndex",    "AddConstraint",
                                        "DropConstraint", "CreateSequence", "DropSequence"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        module_define(ev, module, names[i],
                      value_native_function(ev, names[i], call_ddl, (void *)(uintptr_t)&names[i]));
}
