/*
 * DDL: CREATE TABLE and CREATE INDEX of metadata, as SQLAlchemy's CreateTable and CreateIndex write them per dialect.
 *
 * Input: MetaData, or a CreateTable(…)/CreateIndex(…)/CreateColumn(…) value. Output: DDL statements, tables in the order
 * of their foreign keys.
 * Invariants: a table follows those that it refers to; a cycle is broken where a constraint says use_alter, else in
 * order of definition; expressions in DDL are written with literals and without their table.
 * Example: Column("id", Integer, primary_key=True) is id SERIAL NOT NULL on PostgreSQL.
 */
#include "compiler/sqlalchemy/lower.h"

typedef struct Writer {
    Evaluator *ev;
    const Dialect *dialect;
    Buffer out;
    const Node *site;
} Writer;

static bool is_postgresql(const Writer *w) { return w->dialect->id == DIALECT_POSTGRESQL; }
static bool is_sqlite(const Writer *w) { return w->dialect->id == DIALECT_SQLITE; }

static void writer_init(Writer *w, Evaluator *ev, const Node *site) {
    *w = (Writer){.ev = ev, .dialect = evaluator_dialect(ev), .site = site};
    buffer_init(&w->out, evaluator_arena(ev));
}

static void put(Writer *w, const char *text) { buffer_text(&w->out, text); }
static void put_name(Writer *w, Name name) { sa_write_name(&w->out, w->dialect, name); }

static void put_table(Writer *w, const Element *table, bool with_schema) {
    if (with_schema && FROM(table)->schema.text.length) {
        put_name(w, FROM(table)->schema);
        buffer_put(&w->out, '.');
    }
    put_name(w, table->name);
}

static void put_literal(Writer *w, Slice text) {
    buffer_put(&w->out, '\'');
    for (size_t i = 0; i < text.length; i++) {
        char c = text.start[i];
        if (c == '\'' || (c == '\\' && !is_sqlite(w))) buffer_put(&w->out, c);
        buffer_put(&w->out, c);
    }
    buffer_put(&w->out, '\'');
}

/* ---- expressions ---- */

static bool put_expression(Writer *w, Element *element) {
    Lowering lo;
    lowering_init(&lo, w->ev);
    lo.ddl = true;
    Expr *expr = lower_expr(&lo, element, (Flags){.no_table = true, .literal_binds = true});
    if (!expr) return false;
    Query *query = query_new(lo.arena, QUERY_EXPRESSION);
    query->raw = expr;
    DiagnosticList problems;
    diagnostics_init(&problems, lo.arena);
    EmitOptions options = {.style = STYLE_SQLALCHEMY, .inline_literals = true};
    Statement statement = {0};
    if (!query_emit(lo.arena, w->dialect, &options, query, STATEMENT_EXPRESSION, &problems, &statement)) {
        sa_raise(w->ev, SA_COMPILE_ERROR, element->node, "the expression can't be written in DDL");
        return false;
    }
    buffer_slice(&w->out, statement.param_count && statement.inlined.length ? statement.inlined : statement.sql);
    return true;
}

/* server_default: a string is a literal, anything else SQL. */
static bool put_default(Writer *w, Value *given) {
    if (value_is(given, VALUE_STRING)) {
        put_literal(w, value_text(given));
        return true;
    }
    Element *element = element_of(w->ev, given);
    if (element) return put_expression(w, element);
    return !evaluator_error_pending(w->ev);
}

static bool default_is_written(Evaluator *ev, Value *given) {
    return given && (value_is(given, VALUE_STRING) || element_of(ev, given));
}

static Slice default_text(Writer *w, Value *given) {
    size_t start = w->out.length;
    if (!put_default(w, given)) return (Slice){"", 0};
    Slice made = slice_copy(evaluator_arena(w->ev), slice_sub(buffer_view(&w->out), start, w->out.length));
    w->out.length = start;
    return made;
}

/* ---- options ---- */

static Value *option(const Writer *w, const DictValue *options, const char *name) {
    Value *found = options ? dict_get_text(w->ev, options, name) : NULL;
    return found && !value_is_none(found) ? found : NULL;
}

static bool option_is_true(const Writer *w, const DictValue *options, const char *name) {
    Value *found = option(w, options, name);
    return found && value_is_true(found);
}

static void put_value(Writer *w, Value *value) {
    Value *text = value_is(value, VALUE_STRING) ? value : value_str(w->ev, value, w->site);
    if (text) buffer_slice(&w->out, value_text(text));
}

/* ---- columns ---- */

static void put_sequence_options(Writer *w, const Value *const values[5], bool nomin, bool nomax, bool cycle) {
    static const char *const words[] = {"INCREMENT BY ", "START WITH ", "MINVALUE ", "MAXVALUE ", "CACHE "};
    bool first = true;
    for (int i = 0; i < 5; i++) {
        if (i == 4 && nomin) put(w, first ? "NO MINVALUE" : " NO MINVALUE"), first = false;
        if (i == 4 && nomax) put(w, first ? "NO MAXVALUE" : " NO MAXVALUE"), first = false;
        int64_t number = 0;
        if (!values[i] || !value_as_integer(values[i], &number)) continue;
        buffer_format(&w->out, "%s%s%lld", first ? "" : " ", words[i], (long long)number);
        first = false;
    }
    if (cycle) put(w, first ? "CYCLE" : " CYCLE");
}

static void put_identity(Writer *w, const Identity *identity) {
    put(w, identity->always ? " GENERATED ALWAYS AS IDENTITY" : " GENERATED BY DEFAULT AS IDENTITY");
    if (identity->on_null) w->out.length -= strlen(" AS IDENTITY"), put(w, " ON NULL AS IDENTITY");
    const Value *values[5] = {identity->increment, identity->start, identity->minvalue, identity->maxvalue, identity->cache};
    size_t before = w->out.length;
    put(w, " (");
    put_sequence_options(w, values, identity->nominvalue, identity->nomaxvalue, identity->cycle);
    if (w->out.length == before + 2) w->out.length = before;
    else buffer_put(&w->out, ')');
}

static bool put_computed(Writer *w, const Computed *computed) {
    if (is_postgresql(w) && computed->persisted == 0) {
        sa_raise(w->ev, SA_COMPILE_ERROR, w->site,
                 "PostrgreSQL computed columns do not support 'virtual' persistence; set the 'persisted' flag to None or True for "
                 "PostgreSQL support.");
        return false;
    }
    put(w, " GENERATED ALWAYS AS (");
    if (!put_expression(w, computed->expression)) return false;
    put(w, ")");
    if (is_postgresql(w) || computed->persisted == 1) put(w, " STORED");
    else if (computed->persisted == 0) put(w, " VIRTUAL");
    return true;
}

/* The type of a column; of one without a type, that of the column its foreign key refers to. */
static const SaType *column_type(Evaluator *ev, Element *column) {
    const SchemaColumn *schema = COLUMN(column)->schema;
    for (int depth = 0; depth < 20 && schema && column->type->kind == TYPE_NULL && schema->foreign_key_count; depth++) {
        Element *target = foreign_key_target(ev, schema->foreign_keys[0]);
        if (!target) break;
        column = target;
        schema = COLUMN(target)->schema;
    }
    return column->type;
}

static bool put_type(Writer *w, Element *column) {
    const SaType *type = column_type(w->ev, column);
    if (evaluator_error_pending(w->ev)) return false;
    if (type->kind == TYPE_NULL) {
        sa_raise(w->ev, SA_COMPILE_ERROR, column->node,
                 "(in table '%.*s', column '%.*s'): Can't generate DDL for NullType(); did you forget to specify a type on this "
                 "Column?",
                 SLICE_ARGS(COLUMN(column)->table ? COLUMN(column)->table->name.text : SLICE("")), SLICE_ARGS(column->name.text));
        return false;
    }
    return type_write(w->ev, &w->out, type, w->dialect, column->node);
}

static bool has_sequence(const SchemaColumn *schema) {
    if (schema->sequence) return !schema->sequence->optional;
    return schema->default_value && value_is_element(schema->default_value) && ((Element *)schema->default_value)->kind == EL_SEQUENCE;
}

static bool is_automatic(Writer *w, const Element *column) {
    const Element *table = COLUMN(column)->table;
    return table && table->kind == EL_TABLE && FROM(table)->table && table_autoincrement_column(w->ev, FROM(table)->table) == column;
}

static bool put_column_postgresql(Writer *w, Element *column) {
    const SchemaColumn *schema = COLUMN(column)->schema;
    const SaType *type = type_on_dialect(w->ev, column_type(w->ev, column), w->dialect);
    bool serial = schema->primary_key && is_automatic(w, column) && !schema->identity && !has_sequence(schema) && !schema->default_value;
    if (serial) {
        put(w, type_is(type, TYPE_BIG_INTEGER) ? "BIGSERIAL" : type_is(type, TYPE_SMALL_INTEGER) ? "SMALLSERIAL" : "SERIAL");
    } else {
        if (!put_type(w, column)) return false;
        if (default_is_written(w->ev, schema->server_default)) {
            put(w, " DEFAULT ");
            if (!put_default(w, schema->server_default)) return false;
        }
    }
    if (schema->computed && !put_computed(w, schema->computed)) return false;
    if (schema->identity) put_identity(w, schema->identity);
    if (!schema->nullable && !schema->identity) put(w, " NOT NULL");
    if (schema->nullable && schema->identity) put(w, " NULL");
    return true;
}

static bool text_is_quoted(Slice text) {
    size_t i = 0;
    while (i < text.length && text.start[i] == ' ') i++;
    return i < text.length && (text.start[i] == '\'' || text.start[i] == '"' || text.start[i] == '(');
}

static bool text_has_nonword(Slice text) {
    for (size_t i = 0; i < text.length; i++) {
        char c = text.start[i];
        bool word = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || (c & 0x80);
        if (!word) return true;
    }
    return false;
}

static bool text_contains_folded(Slice text, const char *what) {
    size_t length = strlen(what);
    for (size_t i = 0; i + length <= text.length; i++) {
        size_t k = 0;
        while (k < length && (char)(text.start[i + k] | 32) == (char)(what[k] | 32)) k++;
        if (k == length) return true;
    }
    return false;
}

static bool put_column_mysql(Writer *w, Element *column) {
    const SchemaColumn *schema = COLUMN(column)->schema;
    if (!put_type(w, column)) return false;
    const SaType *type = type_on_dialect(w->ev, column->type, w->dialect);
    if (schema->computed && !put_computed(w, schema->computed)) return false;
    if (!schema->nullable) put(w, " NOT NULL");
    else if (type_is(type, TYPE_SQL_TIMESTAMP)) put(w, " NULL");
    if (schema->has_comment) {
        put(w, " COMMENT ");
        put_literal(w, schema->comment);
    }
    bool sequence = w->dialect->id == DIALECT_MARIADB && has_sequence(schema);
    if (is_automatic(w, column) && !schema->server_default && !sequence) {
        put(w, " AUTO_INCREMENT");
        return true;
    }
    if (!default_is_written(w->ev, schema->server_default)) return true;
    Slice text = default_text(w, schema->server_default);
    bool function = w->dialect->id == DIALECT_MARIADB && !text_is_quoted(text) && !text_contains_folded(text, "on update") &&
                    text_has_nonword(text);
    buffer_format(&w->out, function ? " DEFAULT (%.*s)" : " DEFAULT %.*s", SLICE_ARGS(text));
    return true;
}

/* SQLite puts a default that is no literal into parentheses. */
static bool sqlite_default_is_plain(Slice text) {
    if (text.length && (text.start[0] == '\'' || text.start[0] == '"')) return true;
    if (text.length >= 2 && text.start[0] == '(' && text.start[text.length - 1] == ')') return true;
    return !text_has_nonword(text);
}

static void put_conflict(Writer *w, const DictValue *options, const char *name) {
    Value *found = option(w, options, name);
    if (!found) return;
    put(w, " ON CONFLICT ");
    put_value(w, found);
}

static bool sqlite_inline_key(Writer *w, const Element *column) {
    const Element *table = COLUMN(column)->table;
    return COLUMN(column)->schema->primary_key && table && table->kind == EL_TABLE && FROM(table)->table &&
           option_is_true(w, FROM(table)->table->dialect_options, "sqlite_autoincrement") &&
           column->type->affinity == TYPE_INTEGER && !COLUMN(column)->schema->foreign_key_count &&
           FROM(table)->table->primary_key->columns.count == 1;
}

static bool put_column_sqlite(Writer *w, Element *column) {
    const SchemaColumn *schema = COLUMN(column)->schema;
    if (!put_type(w, column)) return false;
    if (default_is_written(w->ev, schema->server_default)) {
        Slice text = default_text(w, schema->server_default);
        if (evaluator_error_pending(w->ev)) return false;
        buffer_format(&w->out, sqlite_default_is_plain(text) ? " DEFAULT %.*s" : " DEFAULT (%.*s)", SLICE_ARGS(text));
    }
    if (!schema->nullable) {
        put(w, " NOT NULL");
        put_conflict(w, schema->dialect_options, "sqlite_on_conflict_not_null");
    }
    if (sqlite_inline_key(w, column)) {
        put(w, " PRIMARY KEY");
        put_conflict(w, schema->dialect_options, "sqlite_on_conflict_primary_key");
        put(w, " AUTOINCREMENT");
    }
    return !schema->computed || put_computed(w, schema->computed);
}

static bool put_column(Writer *w, Element *column) {
    put_name(w, column->name);
    buffer_put(&w->out, ' ');
    if (is_postgresql(w)) return put_column_postgresql(w, column);
    return is_sqlite(w) ? put_column_sqlite(w, column) : put_column_mysql(w, column);
}

/* ---- names of constraints and indexes ---- */

static Slice column_label(Evaluator *ev, const Element *column, bool key) {
    (void)ev;
    return key && column->kind == EL_COLUMN ? COLUMN(column)->key.text : column->name.text;
}

/* schema_table_ as it stands before a column's name in its label. */
static void put_label_prefix(Writer *w, const Element *table) {
    Slice schema = FROM(table)->schema.text;
    for (size_t i = 0; i < schema.length; i++) buffer_put(&w->out, schema.start[i] == '.' ? '_' : schema.start[i]);
    if (schema.length) buffer_put(&w->out, '_');
    buffer_format(&w->out, "%.*s_", SLICE_ARGS(table->name.text));
}

/* One %(token)s of a naming convention. False: not known here. */
static bool convention_token(Writer *w, Slice token, const Element *table, const ElementList *columns, const Constraint *constraint,
                             Slice given) {
    if (slice_equals_text(token, "table_name")) return buffer_slice(&w->out, table->name.text), true;
    if (slice_equals_text(token, "constraint_name")) return buffer_slice(&w->out, given), true;
    if (slice_equals_text(token, "referred_table_name") || slice_starts_with(token, "referred_column_0")) {
        Element *target = constraint && constraint->reference_count ? foreign_key_target(w->ev, constraint->elements[0]) : NULL;
        if (!target) return false;
        bool whole = slice_equals_text(token, "referred_table_name");
        buffer_slice(&w->out, whole ? COLUMN(target)->table->name.text : target->name.text);
        return true;
    }
    if (!slice_starts_with(token, "column_")) return false;
    size_t at = 7;
    int number = 0;
    while (at < token.length && token.start[at] >= '0' && token.start[at] <= '9') number = number * 10 + (token.start[at++] - '0');
    Slice rest = slice_sub(token, at, token.length);
    bool all = slice_starts_with(rest, "N") || slice_starts_with(rest, "_N"), separated = slice_starts_with(rest, "_N");
    bool label = slice_ends_with(token, "label"), key = slice_ends_with(token, "key");
    for (int i = all ? 0 : number; i < (all ? columns->count : number + 1) && i < columns->count; i++) {
        if (separated && i) buffer_put(&w->out, '_');
        if (label) put_label_prefix(w, table);
        buffer_slice(&w->out, column_label(w->ev, columns->items[i], key));
    }
    return true;
}

static Slice convention_name(Writer *w, Slice pattern, const Element *table, const ElementList *columns, const Constraint *constraint,
                             Slice given) {
    size_t start = w->out.length;
    for (size_t i = 0; i < pattern.length; i++) {
        if (pattern.start[i] != '%' || i + 1 >= pattern.length || pattern.start[i + 1] != '(') {
            buffer_put(&w->out, pattern.start[i]);
            continue;
        }
        size_t end = i + 2;
        while (end < pattern.length && pattern.start[end] != ')') end++;
        convention_token(w, slice_sub(pattern, i + 2, end), table, columns, constraint, given);
        i = end + 1;
    }
    Slice made = slice_copy(evaluator_arena(w->ev), slice_sub(buffer_view(&w->out), start, w->out.length));
    w->out.length = start;
    return made;
}

static Slice convention_for(Writer *w, const Element *table, const char *kind) {
    const MetaData *metadata = FROM(table)->table->metadata;
    Value *found = metadata->naming ? dict_get_text(w->ev, metadata->naming, kind) : NULL;
    return found && value_is(found, VALUE_STRING) ? value_text(found) : (Slice){"", 0};
}

/* Names that a convention made are cut at the dialect's limit, with a digest of the whole at the end. */
static Name fit_name(const Writer *w, Slice made) {
    (void)w;
    return (Name){.text = made, .truncatable = true};
}

static bool constraint_name(Writer *w, const Constraint *constraint, Name *out) {
    static const char *const kinds[] = {"pk", "fk", "uq", "ck", "ex"};
    Slice pattern = convention_for(w, constraint->table, kinds[constraint->kind]);
    bool named = constraint->name.text.length > 0;
    bool refers = false;
    for (size_t i = 0; i + 17 < pattern.length && !refers; i++) refers = memcmp(pattern.start + i, "%(constraint_name", 17) == 0;
    if (pattern.length && (!named || refers)) {
        if (!named && refers) {
            sa_raise(w->ev, SA_INVALID_REQUEST_ERROR, constraint->node,
                     "Naming convention including %%(constraint_name)s token requires that constraint is explicitly named.");
            return false;
        }
        *out = fit_name(w, convention_name(w, pattern, constraint->table, &constraint->columns, constraint, constraint->name.text));
        return true;
    }
    *out = constraint->name;
    return named;
}

static Name index_name(Writer *w, const Index *index) {
    if (index->name.text.length) return index->name;
    Slice pattern = convention_for(w, index->table, "ix");
    if (!pattern.length) pattern = SLICE("ix_%(column_0_label)s");
    return fit_name(w, convention_name(w, pattern, index->table, &index->expressions, NULL, (Slice){"", 0}));
}

/* ---- constraints ---- */

static void put_constraint_name(Writer *w, const Constraint *constraint) {
    Name name;
    if (!constraint_name(w, constraint, &name)) return;
    put(w, "CONSTRAINT ");
    put_name(w, name);
    buffer_put(&w->out, ' ');
}

static bool put_columns(Writer *w, const ElementList *columns) {
    buffer_put(&w->out, '(');
    for (int i = 0; i < columns->count; i++) {
        if (i) put(w, ", ");
        put_name(w, columns->items[i]->name);
    }
    buffer_put(&w->out, ')');
    return true;
}

static void put_deferrability(Writer *w, const Constraint *constraint) {
    if (constraint->has_deferrable) put(w, constraint->deferrable ? " DEFERRABLE" : " NOT DEFERRABLE");
    if (constraint->initially.length) buffer_format(&w->out, " INITIALLY %.*s", SLICE_ARGS(constraint->initially));
}

static void put_include(Writer *w, const DictValue *options, const Element *table) {
    Value *found = option(w, options, "postgresql_include");
    Value *items = found && is_postgresql(w) ? value_iterate(w->ev, found, w->site) : NULL;
    if (!items || value_is_unknown(items) || !((const ListValue *)items)->count) return;
    put(w, " INCLUDE (");
    const ListValue *list = (const ListValue *)items;
    for (int i = 0; i < list->count; i++) {
        if (i) put(w, ", ");
        Element *column = value_is(list->items[i], VALUE_STRING) ? from_column(w->ev, (Element *)(uintptr_t)table, value_text(list->items[i]))
                                                                 : element_of(w->ev, list->items[i]);
        if (column) put_name(w, column->name);
    }
    put(w, ")");
}

static bool put_foreign_key(Writer *w, const Constraint *constraint) {
    Element *first = foreign_key_target(w->ev, constraint->elements[0]);
    if (!first) return false;
    put(w, "FOREIGN KEY");
    put_columns(w, &constraint->columns);
    put(w, " REFERENCES ");
    put_table(w, COLUMN(first)->table, !is_sqlite(w));
    put(w, " (");
    for (int i = 0; i < constraint->reference_count; i++) {
        Element *target = foreign_key_target(w->ev, constraint->elements[i]);
        if (!target) return false;
        if (i) put(w, ", ");
        put_name(w, target->name);
    }
    put(w, ")");
    if (constraint->match.length) {
        if (w->dialect->is_mysql) {
            sa_raise(w->ev, SA_COMPILE_ERROR, constraint->node,
                     "MySQL ignores the 'MATCH' keyword while at the same time causes ON UPDATE/ON DELETE clauses to be ignored.");
            return false;
        }
        buffer_format(&w->out, " MATCH %.*s", SLICE_ARGS(constraint->match));
    }
    if (constraint->on_delete.length) buffer_format(&w->out, " ON DELETE %.*s", SLICE_ARGS(constraint->on_delete));
    if (constraint->on_update.length) buffer_format(&w->out, " ON UPDATE %.*s", SLICE_ARGS(constraint->on_update));
    return true;
}

static bool put_exclude(Writer *w, const Constraint *constraint) {
    buffer_format(&w->out, "EXCLUDE USING %.*s (", SLICE_ARGS(constraint->using));
    for (int i = 0; i < constraint->columns.count; i++) {
        if (i) put(w, ", ");
        if (!put_expression(w, constraint->columns.items[i])) return false;
        buffer_format(&w->out, " WITH %.*s", SLICE_ARGS(constraint->exclude_operators[i]));
    }
    put(w, ")");
    if (constraint->where) {
        put(w, " WHERE (");
        if (!put_expression(w, constraint->where)) return false;
        put(w, ")");
    }
    return true;
}

static bool put_unique(Writer *w, const Constraint *constraint) {
    put(w, "UNIQUE ");
    Value *distinct = is_postgresql(w) ? option(w, constraint->dialect_options, "postgresql_nulls_not_distinct") : NULL;
    if (distinct) put(w, value_is_true(distinct) ? "NULLS NOT DISTINCT " : "NULLS DISTINCT ");
    put_columns(w, &constraint->columns);
    put_include(w, constraint->dialect_options, constraint->table);
    if (!is_sqlite(w)) return true;
    put_conflict(w, constraint->dialect_options, "sqlite_on_conflict");
    if (constraint->implicit && constraint->columns.count == 1)
        put_conflict(w, COLUMN(constraint->columns.items[0])->schema->dialect_options, "sqlite_on_conflict_unique");
    return true;
}

static void put_type_check(Writer *w, const Element *column) {
    const SaType *type = type_on_dialect(w->ev, column->type, w->dialect);
    bool enumeration = type_is(type, TYPE_ENUM);
    put_name(w, column->name);
    put(w, " IN (");
    for (int i = 0; enumeration && i < type->label_count; i++) {
        if (i) put(w, ", ");
        put_literal(w, type->labels[i]);
    }
    put(w, enumeration ? ")" : "0, 1)");
}

static bool put_constraint(Writer *w, const Constraint *constraint) {
    put_constraint_name(w, constraint);
    bool ok = true;
    switch (constraint->kind) {
    case CONSTRAINT_PRIMARY_KEY:
        put(w, "PRIMARY KEY ");
        ok = put_columns(w, &constraint->columns);
        put_include(w, constraint->dialect_options, constraint->table);
        if (is_sqlite(w)) put_conflict(w, constraint->dialect_options, "sqlite_on_conflict");
        break;
    case CONSTRAINT_FOREIGN_KEY: ok = put_foreign_key(w, constraint); break;
    case CONSTRAINT_UNIQUE: ok = put_unique(w, constraint); break;
    case CONSTRAINT_CHECK:
        put(w, "CHECK (");
        if (constraint->type_bound) put_type_check(w, constraint->columns.items[0]);
        else ok = put_expression(w, constraint->check);
        put(w, ")");
        if (is_sqlite(w)) put_conflict(w, constraint->dialect_options, "sqlite_on_conflict");
        break;
    case CONSTRAINT_EXCLUDE: ok = put_exclude(w, constraint); break;
    }
    if (ok) put_deferrability(w, constraint);
    return ok && !evaluator_error_pending(w->ev);
}

/* CHECKs that Boolean and Enum ask for stand where the database has no such type itself. */
static bool type_check_is_written(const Writer *w, const Element *column) {
    const SaType *type = type_on_dialect(w->ev, column->type, w->dialect);
    if (type_is(type, TYPE_ENUM)) return !type->native_enum || is_sqlite(w);
    return type->affinity == TYPE_BOOLEAN && !is_postgresql(w);
}

static bool constraint_is_written(Writer *w, const Constraint *constraint) {
    const Table *table = FROM(constraint->table)->table;
    switch (constraint->kind) {
    case CONSTRAINT_PRIMARY_KEY:
        if (!constraint->columns.count) return false;
        return !(is_sqlite(w) && constraint->columns.count == 1 && sqlite_inline_key(w, constraint->columns.items[0]));
    case CONSTRAINT_FOREIGN_KEY: {
        if (constraint->use_alter && !is_sqlite(w)) return false;
        Element *target = constraint->reference_count ? foreign_key_target(w->ev, constraint->elements[0]) : NULL;
        if (!target || !is_sqlite(w)) return true;
        Slice own = FROM(table->element)->schema.text, other = FROM(COLUMN(target)->table)->schema.text;
        return slice_equals(own, other);
    }
    case CONSTRAINT_UNIQUE: return constraint->columns.count > 0;
    case CONSTRAINT_CHECK: return !constraint->type_bound || type_check_is_written(w, constraint->columns.items[0]);
    case CONSTRAINT_EXCLUDE: return is_postgresql(w);
    }
    return true;
}

/* ---- tables ---- */

static void put_mysql_option(Writer *w, Slice key, Value *value) {
    Buffer name;
    buffer_init(&name, evaluator_arena(w->ev));
    for (size_t i = 0; i < key.length; i++) buffer_put(&name, (char)(key.start[i] >= 'a' && key.start[i] <= 'z' ? key.start[i] - 32 : key.start[i]));
    Slice upper = buffer_view(&name);
    static const char *const spaced[] = {"DATA_DIRECTORY", "INDEX_DIRECTORY", "DEFAULT_CHARACTER_SET", "CHARACTER_SET", "DEFAULT_CHARSET",
                                         "DEFAULT_COLLATE", "PARTITION_BY", "SUBPARTITION_BY"};
    bool blank = false;
    for (size_t i = 0; i < sizeof spaced / sizeof *spaced; i++) blank |= slice_equals_text(upper, spaced[i]);
    for (size_t i = 0; blank && i < name.length; i++)
        if (name.data[i] == '_') name.data[i] = ' ';
    upper = buffer_view(&name);
    bool space = slice_equals_text(upper, "TABLESPACE") || slice_equals_text(upper, "DEFAULT CHARACTER SET") ||
                 slice_equals_text(upper, "CHARACTER SET") || slice_equals_text(upper, "COLLATE") || slice_starts_with(upper, "PARTITION") ||
                 slice_starts_with(upper, "SUBPARTITION");
    bool text = slice_equals_text(upper, "COMMENT") || slice_equals_text(upper, "PASSWORD") || slice_equals_text(upper, "CONNECTION") ||
                slice_equals_text(upper, "DATA DIRECTORY") || slice_equals_text(upper, "INDEX DIRECTORY");
    buffer_slice(&w->out, upper);
    put(w, space ? " " : "=");
    if (text && value_is(value, VALUE_STRING)) put_literal(w, value_text(value));
    else put_value(w, value);
}

static void put_options_mysql(Writer *w, const Table *table) {
    const char *prefix = w->dialect->id == DIALECT_MARIADB ? "mariadb_" : "mysql_";
    bool first = true;
    for (int partitions = 0; partitions < 2; partitions++) {
        for (int i = 0; table->dialect_options && i < table->dialect_options->count; i++) {
            Slice key = value_text(table->dialect_options->entries[i].key);
            if (!slice_starts_with(key, prefix) && !slice_starts_with(key, "mysql_")) continue;
            Slice name = slice_sub(key, slice_find(key, '_') + 1, key.length);
            bool partition = slice_starts_with(name, "partition") || slice_starts_with(name, "subpartition");
            if (partition != (partitions == 1)) continue;
            if (!first) put(w, " ");
            first = false;
            put_mysql_option(w, name, table->dialect_options->entries[i].value);
        }
        if (!partitions && table->has_comment) {
            put(w, first ? "COMMENT=" : " COMMENT=");
            first = false;
            put_literal(w, table->comment);
        }
    }
}

static void put_names_option(Writer *w, Value *given) {
    bool many = value_is(given, VALUE_LIST) || value_is(given, VALUE_TUPLE);
    Value *const *items = many ? ((const ListValue *)given)->items : &given;
    for (int i = 0; i < (many ? ((const ListValue *)given)->count : 1); i++) {
        if (i) put(w, ", ");
        if (value_is(items[i], VALUE_STRING)) put_name(w, name_from(value_text(items[i])));
    }
}

static void put_options_postgresql(Writer *w, const Table *table) {
    const DictValue *options = table->dialect_options;
    Value *found = option(w, options, "postgresql_inherits");
    if (found) {
        put(w, "\n INHERITS ( ");
        put_names_option(w, found);
        put(w, " )");
    }
    if ((found = option(w, options, "postgresql_partition_by"))) put(w, "\n PARTITION BY "), put_value(w, found);
    if ((found = option(w, options, "postgresql_using"))) put(w, "\n USING "), put_value(w, found);
    if ((found = option(w, options, "postgresql_with_oids"))) put(w, value_is_true(found) ? "\n WITH OIDS" : "\n WITHOUT OIDS");
    if ((found = option(w, options, "postgresql_on_commit")) && value_is(found, VALUE_STRING)) {
        put(w, "\n ON COMMIT ");
        Slice text = value_text(found);
        for (size_t i = 0; i < text.length; i++) {
            char c = text.start[i];
            buffer_put(&w->out, c == '_' ? ' ' : c >= 'a' && c <= 'z' ? (char)(c - 32) : c);
        }
    }
    if ((found = option(w, options, "postgresql_tablespace"))) put(w, "\n TABLESPACE "), put_names_option(w, found);
}

static void put_options_sqlite(Writer *w, const Table *table) {
    Value *rowid = option(w, table->dialect_options, "sqlite_with_rowid");
    bool without = rowid && !value_is_true(rowid), strict = option_is_true(w, table->dialect_options, "sqlite_strict");
    if (without) put(w, "\n WITHOUT ROWID");
    if (strict) put(w, without ? ",\n STRICT" : "\n STRICT");
}

/* CHECK constraints that were given to a column. */
static bool put_column_checks(Writer *w, const Element *column) {
    const SchemaColumn *schema = COLUMN(column)->schema;
    for (int i = 0; i < schema->pending_count; i++) {
        const Constraint *constraint = value_as_constraint(w->ev, schema->pending_items[i]);
        if (!constraint || constraint->kind != CONSTRAINT_CHECK) continue;
        buffer_put(&w->out, ' ');
        if (!put_constraint(w, constraint)) return false;
    }
    return true;
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
        put(w, separator);
        separator = ", \n\t";
        if (!put_column(w, columns->items[i]) || !put_column_checks(w, columns->items[i])) return false;
    }
    bool any = false;
    for (int i = 0; i < table->constraint_count; i++) {
        bool written = constraint_is_written(w, constraints[i]);
        if (evaluator_error_pending(w->ev)) return false;
        if (!written) continue;
        put(w, any ? ", \n\t" : separator);
        any = true;
        if (!put_constraint(w, constraints[i])) return false;
    }
    return true;
}

static bool put_create_table(Writer *w, Element *element, bool if_not_exists) {
    const Table *table = FROM(element)->table;
    put(w, "CREATE ");
    for (int i = 0; i < table->prefixes.count; i++) buffer_format(&w->out, "%.*s ", SLICE_ARGS(table->prefixes.items[i].text));
    put(w, if_not_exists ? "TABLE IF NOT EXISTS " : "TABLE ");
    put_table(w, element, true);
    put(w, " (");
    if (!put_table_body(w, element)) return false;
    put(w, "\n)");
    if (is_postgresql(w)) put_options_postgresql(w, table);
    else if (is_sqlite(w)) put_options_sqlite(w, table);
    else put_options_mysql(w, table);
    return true;
}

/* ---- indexes ---- */

static bool put_index_expression(Writer *w, Element *expression) {
    if (expression->kind == EL_COLUMN || is_sqlite(w)) return put_expression(w, expression);
    if (is_postgresql(w)) return put_expression(w, element_group_op(w->ev, expression, op_of(SA_NONE)));
    bool grouped = expression->kind == EL_BINARY || expression->kind == EL_FUNCTION ||
                   (expression->kind == EL_UNARY && OPERATOR(expression)->modifier.id != SA_DESC && OPERATOR(expression)->modifier.id != SA_ASC);
    if (grouped) put(w, "(");
    if (!put_expression(w, expression)) return false;
    if (grouped) put(w, ")");
    return true;
}

/* What stands after one column: PostgreSQL's operator class, MySQL's prefix length. */
static void put_index_suffix(Writer *w, const Index *index, const Element *expression) {
    Value *found = option(w, index->dialect_options, is_postgresql(w) ? "postgresql_ops" : "mysql_length");
    Value *one = found;
    if (found && value_is(found, VALUE_DICT)) {
        Name key = {0};
        if (!column_proxy_key(w->ev, expression, &key)) return;
        one = dict_get(w->ev, (const DictValue *)found, value_string(w->ev, key.text));
    }
    if (!one || is_sqlite(w)) return;
    if (is_postgresql(w)) {
        put(w, " ");
        put_value(w, one);
    } else {
        put(w, "(");
        put_value(w, one);
        put(w, ")");
    }
}

static bool put_index_tail(Writer *w, const Index *index) {
    const DictValue *options = index->dialect_options;
    put_include(w, options, index->table);
    Value *found = option(w, options, "postgresql_nulls_not_distinct");
    if (found) put(w, value_is_true(found) ? " NULLS NOT DISTINCT" : " NULLS DISTINCT");
    found = option(w, options, "postgresql_with");
    if (found && value_is(found, VALUE_DICT)) {
        const DictValue *dict = (const DictValue *)found;
        put(w, " WITH (");
        for (int i = 0; i < dict->count; i++) {
            if (i) put(w, ", ");
            put_value(w, dict->entries[i].key);
            put(w, " = ");
            put_value(w, dict->entries[i].value);
        }
        put(w, ")");
    }
    if ((found = option(w, options, "postgresql_tablespace"))) put(w, " TABLESPACE "), put_names_option(w, found);
    return true;
}

static bool put_index_where(Writer *w, const Index *index, const char *name) {
    Value *found = option(w, index->dialect_options, name);
    if (!found) return true;
    Element *where = element_coerce(w->ev, found, COERCE_DDL_EXPRESSION, index->node);
    put(w, " WHERE ");
    return where && put_expression(w, where);
}

static bool put_create_index(Writer *w, const Index *index, bool if_not_exists) {
    const DictValue *options = index->dialect_options;
    put(w, index->unique ? "CREATE UNIQUE " : "CREATE ");
    Value *prefix = w->dialect->is_mysql ? option(w, options, "mysql_prefix") : NULL;
    if (prefix) put_value(w, prefix), put(w, " ");
    put(w, "INDEX ");
    if (is_postgresql(w) && option_is_true(w, options, "postgresql_concurrently")) put(w, "CONCURRENTLY ");
    if (if_not_exists) put(w, "IF NOT EXISTS ");
    if (is_sqlite(w) && FROM(index->table)->schema.text.length) {
        put_name(w, FROM(index->table)->schema);
        put(w, ".");
    }
    put_name(w, index_name(w, index));
    put(w, " ON ");
    put_table(w, index->table, !is_sqlite(w));
    put(w, " ");
    Value *using = is_postgresql(w) ? option(w, options, "postgresql_using") : NULL;
    if (using) put(w, "USING "), put_value(w, using), put(w, " ");
    put(w, "(");
    for (int i = 0; i < index->expressions.count; i++) {
        if (i) put(w, ", ");
        if (!put_index_expression(w, index->expressions.items[i])) return false;
        put_index_suffix(w, index, index->expressions.items[i]);
    }
    put(w, ")");
    if (is_postgresql(w)) return put_index_tail(w, index) && put_index_where(w, index, "postgresql_where");
    if (is_sqlite(w)) return put_index_where(w, index, "sqlite_where");
    if ((using = option(w, options, "mysql_using"))) put(w, " USING "), put_value(w, using);
    return true;
}

/* ---- everything ---- */

static void push_ddl(Writer *w, StatementList *out) {
    Statement statement = {.kind = STATEMENT_DDL, .sql = slice_copy(evaluator_arena(w->ev), buffer_view(&w->out))};
    ARENA_PUSH(evaluator_arena(w->ev), out->items, out->count, out->capacity) = statement;
    w->out.length = 0;
}

typedef struct Sorter {
    Evaluator *ev;
    const MetaData *metadata;
    char *state; /* 0 new, 1 being visited, 2 done */
    ElementList order;
} Sorter;

static int table_position(const MetaData *metadata, const Element *table) {
    for (int i = 0; i < metadata->tables.count; i++)
        if (metadata->tables.items[i] == table) return i;
    return -1;
}

static void sort_visit(Sorter *s, int at) {
    if (at < 0 || s->state[at]) return;
    s->state[at] = 1;
    const Table *table = FROM(s->metadata->tables.items[at])->table;
    for (int i = 0; i < table->constraint_count; i++) {
        const Constraint *constraint = table->constraints[i];
        if (constraint->kind != CONSTRAINT_FOREIGN_KEY || constraint->use_alter || !constraint->reference_count) continue;
        Element *target = foreign_key_target(s->ev, constraint->elements[0]);
        if (!target) {
            evaluator_clear_error(s->ev);
            continue;
        }
        sort_visit(s, table_position(s->metadata, COLUMN(target)->table));
    }
    s->state[at] = 2;
    element_list_push(s->ev, &s->order, s->metadata->tables.items[at]);
}

static bool emit_indexes(Writer *w, const Table *table, StatementList *out) {
    for (int i = 0; i < table->index_count; i++) {
        if (!put_create_index(w, table->indexes[i], false)) return false;
        push_ddl(w, out);
    }
    return true;
}

bool metadata_emit(Evaluator *ev, MetaData *metadata, StatementList *out) {
    Sorter sorter = {.ev = ev, .metadata = metadata};
    sorter.state = ARENA_ARRAY(evaluator_arena(ev), char, metadata->tables.count + 1);
    for (int i = 0; i < metadata->tables.count; i++) sort_visit(&sorter, i);
    for (int i = 0; i < sorter.order.count; i++) {
        Writer w;
        writer_init(&w, ev, sorter.order.items[i]->node);
        if (!put_create_table(&w, sorter.order.items[i], false)) return false;
        push_ddl(&w, out);
        if (!emit_indexes(&w, FROM(sorter.order.items[i])->table, out)) return false;
    }
    return true;
}

/* ---- CreateTable(t) and the like as values ---- */

static Value *call_ddl(Evaluator *ev, Value *self, const Arguments *a) {
    (void)self;
    const char *const *name = evaluator_native_data(ev);
    if (!a->count) return evaluator_raise_id(ev, EXCEPTION_TYPE, a->site, "%s() missing 1 required positional argument: 'element'", *name);
    DdlElement *element = (DdlElement *)element_new(ev, EL_DDL, NULL);
    element->base.name = name_from(slice_from(*name));
    element->base.node = a->site;
    element->target = a->items[0];
    for (int i = 0; i < a->keyword_count; i++)
        if (slice_equals_text(a->keywords[i].name->text, "if_not_exists")) element->if_not_exists = value_is_true(a->keywords[i].value);
    return &element->base.head.head;
}

bool ddl_element_emit(Evaluator *ev, Element *element, StatementList *out) {
    const DdlElement *ddl = (const DdlElement *)element;
    Element *target = element_of(ev, ddl->target);
    if (target && target->kind == EL_ENTITY) target = orm_entity_table(ev, target->entity);
    Writer w;
    writer_init(&w, ev, element->node);
    bool ok;
    if (slice_equals_text(element->name.text, "CreateTable") && target && target->kind == EL_TABLE && FROM(target)->table) {
        ok = put_create_table(&w, target, ddl->if_not_exists);
    } else if (slice_equals_text(element->name.text, "CreateColumn") && target && target->kind == EL_COLUMN && COLUMN(target)->schema) {
        ok = put_column(&w, target) && put_column_checks(&w, target);
    } else if (slice_equals_text(element->name.text, "CreateIndex") && value_as_index(ev, ddl->target)) {
        ok = put_create_index(&w, value_as_index(ev, ddl->target), ddl->if_not_exists);
    } else if (slice_equals_text(element->name.text, "DropTable") && target && target->kind == EL_TABLE) {
        put(&w, "DROP TABLE ");
        put_table(&w, target, true);
        ok = true;
    } else {
        evaluator_raise_id(ev, EXCEPTION_UNSUPPORTED, element->node, "%.*s of this is not known", SLICE_ARGS(element->name.text));
        return false;
    }
    if (!ok || evaluator_error_pending(ev)) return false;
    push_ddl(&w, out);
    return true;
}

const NativeMethod ddl_methods[] = {{NULL, NULL, NATIVE_METHOD, NULL}};

void ddl_define(Evaluator *ev, ModuleValue *module) {
    static const char *const names[] = {"CreateTable", "CreateIndex", "CreateColumn", "DropTable", "CreateSchema", "DropIndex", "AddConstraint"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        module_define(ev, module, names[i], value_native_function(ev, names[i], call_ddl, (void *)(uintptr_t)&names[i]));
}
