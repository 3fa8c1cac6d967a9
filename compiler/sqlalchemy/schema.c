/*
 * Schema constructs as Python sees them: MetaData, Table, Sequence, defaults
 *
 * Input: calls from the evaluated program. Output: TABLE and COLUMN elements with their schema, registered in MetaData.
 * Invariants: a foreign key's target is found when it is first asked for, so tables may be defined in any order; a
 * primary key always exists, possibly without columns.
 * Example: Table("a", m, Column("id", Integer, primary_key=True)) is m.tables["a"].
 */
#include "compiler/sqlalchemy/schema_items.h"

bool schema_truth(const Value *value) { return value && value_is_true(value); }

static const Type metadata_type;

bool value_is_metadata(Evaluator *ev, const Value *value) {
    (void)ev;
    return value->type == &metadata_type;
}

static Value *metadata_get_attribute(Evaluator *ev, Value *self, Atom name, const Node *site);

static const Type metadata_type = {
    .name = "MetaData", .kind = VALUE_NATIVE, .get_attribute = metadata_get_attribute, .has_attributes = true};

static void item_describe(Evaluator *ev, Value *self, Buffer *out) {
    (void)ev;
    buffer_format(out, "%.*s(…)", SLICE_ARGS(self->cls->name->text));
}

static Value *item_get_attribute(Evaluator *ev, Value *self, Atom name, const Node *site);

const Type schema_item_type = {.name = "SchemaItem",
                               .kind = VALUE_NATIVE,
                               .get_attribute = item_get_attribute,
                               .describe = item_describe,
                               .has_attributes = true};

/* ---- MetaData ---- */

static Slice table_key(Evaluator *ev, const Element *table) {
    if (!FROM(table)->schema.text.length) return table->name.text;
    return slice_format(evaluator_arena(ev), "%.*s.%.*s", SLICE_ARGS(FROM(table)->schema.text),
                        SLICE_ARGS(table->name.text));
}

Element *metadata_find(const MetaData *metadata, Slice key) {
    for (int i = 0; i < metadata->tables.count; i++) {
        const Element *table = metadata->tables.items[i];
        Slice schema = FROM(table)->schema.text, name = table->name.text;
        if (!schema.length ? slice_equals(name, key)
                           : key.length == schema.length + 1 + name.length && key.start[schema.length] == '.' &&
                                 memcmp(key.start, schema.start, schema.length) == 0 &&
                                 memcmp(key.start + schema.length + 1, name.start, name.length) == 0)
            return metadata->tables.items[i];
    }
    return NULL;
}

static Value *metadata_get_attribute(Evaluator *ev, Value *self, Atom name, const Node *site) {
    (void)site;
    MetaData *metadata = (MetaData *)self;
    if (slice_equals_text(name->text, "tables")) {
        DictValue *dict = value_dict(ev);
        for (int i = 0; i < metadata->tables.count; i++)
            dict_set(ev, dict, value_string(ev, table_key(ev, metadata->tables.items[i])),
                     element_value(metadata->tables.items[i]), NULL);
        return &dict->head;
    }
    if (slice_equals_text(name->text, "sorted_tables"))
        return value_tuple(ev, (Value *const *)metadata->tables.items, metadata->tables.count);
    if (slice_equals_text(name->text, "schema"))
        return metadata->schema.text.length ? value_string(ev, metadata->schema.text) : value_none(ev);
    if (slice_equals_text(name->text, "naming_convention"))
        return metadata->naming ? &metadata->naming->head : &value_dict(ev)->head;
    return NULL;
}

static MetaData *metadata_of_class(Evaluator *ev, Class *cls) {
    SaState *state = sa_state(ev);
    MetaData *metadata = instance_allocate(ev, cls, sizeof *metadata);
    evaluator_touch(ev, &state->metadatas, sizeof state->metadatas);
    evaluator_touch(ev, &state->metadata_count, sizeof state->metadata_count);
    evaluator_touch(ev, &state->metadata_capacity, sizeof state->metadata_capacity);
    MetaData **all = ARENA_ARRAY(evaluator_arena(ev), MetaData *, state->metadata_count + 1);
    for (int i = 0; i < state->metadata_count; i++) all[i] = state->metadatas[i];
    all[state->metadata_count] = metadata;
    state->metadatas = all;
    state->metadata_capacity = ++state->metadata_count;
    return metadata;
}

MetaData *metadata_new(Evaluator *ev) { return metadata_of_class(ev, sa_state(ev)->metadata); }

static Value *metadata_create(Evaluator *ev, Class *cls, const Arguments *a) {
    MetaData *metadata = metadata_of_class(ev, cls);
    for (int i = 0; i < a->keyword_count; i++) {
        Slice name = a->keywords[i].name->text;
        Value *value = a->keywords[i].value;
        if (slice_equals_text(name, "schema") && value_is(value, VALUE_STRING))
            metadata->schema = name_from_value(ev, value);
        if (slice_equals_text(name, "naming_convention") && value_is(value, VALUE_DICT))
            metadata->naming = (DictValue *)value;
    }
    return &metadata->head.head;
}

static Value *ignore_call(Evaluator *ev, Value *self, const Arguments *a) {
    (void)self, (void)a;
    return value_none(ev);
}

static Value *metadata_create_all(Evaluator *ev, Value *self, const Arguments *a) {
    MetaData *metadata = (MetaData *)self;
    Value *bind = NULL, *tables = NULL, *check = NULL;
    if (!arguments_bind(ev, a, "MetaData.create_all", "| bind tables checkfirst", &bind, &tables, &check)) return NULL;
    const ElementList *wanted = &metadata->tables;
    if (tables && (value_is(tables, VALUE_LIST) || value_is(tables, VALUE_TUPLE))) {
        const ListValue *given = (const ListValue *)tables;
        ElementList *named = ARENA_NEW(evaluator_arena(ev), ElementList);
        for (int i = 0; i < given->count; i++) {
            Element *table = value_is_element(given->items[i]) ? element_of(ev, given->items[i]) : NULL;
            if (table) element_list_push(ev, named, table);
        }
        wanted = named;
    }
    bool unchecked = check && value_is(check, VALUE_BOOL) && !value_is_true(check);
    if (evaluator_has_rows(ev) && !unchecked) wanted = tables_missing(ev, wanted, a->site);
    StatementList *list = ARENA_NEW(evaluator_arena(ev), StatementList);
    if (!wanted || !metadata_emit(ev, metadata, wanted, list)) return NULL;
    if (list->count) evaluator_execute(ev, list, a->site);
    return evaluator_error_pending(ev) ? NULL : value_none(ev);
}

static const NativeMethod metadata_methods[] = {
    {"create_all", metadata_create_all, NATIVE_METHOD, NULL},
    {"drop_all", ignore_call, NATIVE_METHOD, NULL},
    {"reflect", ignore_call, NATIVE_METHOD, NULL},
    {"clear", ignore_call, NATIVE_METHOD, NULL},
    {NULL, NULL, NATIVE_METHOD, NULL},
};

/* ---- Table ---- */

/* A ForeignKey given to a column becomes a constraint of its table. */
static void column_foreign_keys(Evaluator *ev, Table *table, Element *column) {
    SaState *state = sa_state(ev);
    SchemaColumn *schema = COLUMN(column)->schema;
    for (int i = 0; i < schema->foreign_key_count; i++) {
        ForeignKey *key = schema->foreign_keys[i];
        if (key->constraint) continue;
        Constraint *constraint =
            schema_constraint_new(ev, state->constraints[CONSTRAINT_FOREIGN_KEY], CONSTRAINT_FOREIGN_KEY, key->node);
        constraint->name = key->name;
        constraint->on_delete = key->on_delete;
        constraint->on_update = key->on_update;
        constraint->initially = key->initially;
        constraint->match = key->match;
        constraint->has_deferrable = key->has_deferrable;
        constraint->deferrable = key->deferrable;
        constraint->use_alter = key->use_alter;
        constraint->table = table->element;
        constraint->elements = ARENA_ARRAY(evaluator_arena(ev), ForeignKey *, 1);
        constraint->elements[0] = key;
        constraint->reference_count = 1;
        element_list_push(ev, &constraint->columns, column);
        key->constraint = constraint;
        schema_push_constraint(ev, table, constraint);
    }
}

static bool table_add_column(Evaluator *ev, Element *element, Element *column) {
    Table *table = FROM(element)->table;
    SaState *state = sa_state(ev);
    if (!column->name.text.length) {
        sa_raise(ev, SA_ARGUMENT_ERROR, column->node,
                 "Column must be constructed with a non-blank name or assign a non-blank .name "
                 "before adding to a Table.");
        return false;
    }
    if (COLUMN(column)->table && COLUMN(column)->table != element) {
        sa_raise(ev, SA_ARGUMENT_ERROR, column->node, "Column object '%.*s' already assigned to Table '%.*s'",
                 SLICE_ARGS(column->name.text), SLICE_ARGS(COLUMN(column)->table->name.text));
        return false;
    }
    evaluator_touch(ev, column, sizeof(ColumnElement));
    COLUMN(column)->table = element;
    SchemaColumn *schema = COLUMN(column)->schema;
    if (!schema) schema = schema_column_new(ev, column);
    element_list_push(ev, &FROM(element)->columns, column);
    if (schema->primary_key) element_list_push(ev, &table->primary_key->columns, column);
    if (schema->index) {
        Index *index = instance_allocate(ev, state->index, sizeof *index);
        index->anonymous_name = true;
        index->unique = schema->unique;
        index->table = element;
        element_list_push(ev, &index->expressions, column);
        ARENA_PUSH(evaluator_arena(ev), table->indexes, table->index_count, table->index_capacity) = index;
    } else if (schema->unique) {
        Constraint *unique =
            schema_constraint_new(ev, state->constraints[CONSTRAINT_UNIQUE], CONSTRAINT_UNIQUE, column->node);
        unique->table = element;
        unique->implicit = true;
        element_list_push(ev, &unique->columns, column);
        schema_push_constraint(ev, table, unique);
    }
    if (column->type->create_constraint) {
        Constraint *check =
            schema_constraint_new(ev, state->constraints[CONSTRAINT_CHECK], CONSTRAINT_CHECK, column->node);
        check->table = element;
        check->type_bound = true;
        check->name = name_from(column->type->name);
        element_list_push(ev, &check->columns, column);
        schema_push_constraint(ev, table, check);
    }
    column_foreign_keys(ev, table, column);
    for (int i = 0; i < schema->pending_count; i++) {
        Constraint *constraint = value_as_constraint(ev, schema->pending_items[i]);
        /* a column's CHECK is written with the column */
        if (constraint && constraint->kind == CONSTRAINT_CHECK) constraint->table = element;
        else if (!table_add_item(ev, element, schema->pending_items[i], column->node)) return false;
    }
    return true;
}

bool table_add_item(Evaluator *ev, Element *table, Value *item, const Node *site) {
    evaluator_touch(ev, FROM(table)->table, sizeof(Table));
    evaluator_touch(ev, table, sizeof(FromElement));
    if (value_is_element(item) && ((Element *)item)->kind == EL_COLUMN)
        return table_add_column(ev, table, (Element *)item);
    Constraint *constraint = value_as_constraint(ev, item);
    if (constraint) return schema_add_constraint(ev, table, constraint);
    Index *index = value_as_index(ev, item);
    if (index) return schema_add_index(ev, table, index);
    sa_raise(ev, SA_ARGUMENT_ERROR, site,
             "'SchemaItem' object, such as a 'Column' or a 'Constraint' expected, got %.*s",
             SLICE_ARGS(value_repr(ev, item)));
    return false;
}

/* Constraints and indexes name columns that may come after them: columns go first. */
static bool table_add_items(Evaluator *ev, Element *table, Value *const *items, int count, const Node *site) {
    for (int pass = 0; pass < 2; pass++)
        for (int i = 0; i < count; i++) {
            bool column = value_is_element(items[i]) && ((Element *)items[i])->kind == EL_COLUMN;
            if (column == (pass == 0) && !table_add_item(ev, table, items[i], site)) return false;
        }
    return true;
}

/* A column without a type has that of the column that its foreign key refers to, once that is there. */
static bool column_take_type(Evaluator *ev, Element *column) {
    const SchemaColumn *schema = COLUMN(column)->schema;
    for (int i = 0; i < schema->foreign_key_count; i++) {
        Element *target = foreign_key_target(ev, schema->foreign_keys[i]);
        if (!target) evaluator_clear_error(ev);
        if (!target || target->type->kind == TYPE_NULL) continue;
        evaluator_touch(ev, &column->type, sizeof column->type);
        column->type = target->type;
        return true;
    }
    return false;
}

static void table_take_types(Evaluator *ev, MetaData *metadata, const Element *table) {
    ElementList untyped = {0};
    for (int i = 0; i < metadata->untyped.count; i++)
        if (!column_take_type(ev, metadata->untyped.items[i]))
            element_list_push(ev, &untyped, metadata->untyped.items[i]);
    const ElementList *columns = &FROM((Element *)(uintptr_t)table)->columns;
    for (int i = 0; i < columns->count; i++) {
        Element *column = columns->items[i];
        if (column->type->kind == TYPE_NULL && COLUMN(column)->schema->foreign_key_count &&
            !column_take_type(ev, column))
            element_list_push(ev, &untyped, column);
    }
    if (!untyped.count && !metadata->untyped.count) return;
    evaluator_touch(ev, &metadata->untyped, sizeof metadata->untyped);
    metadata->untyped = untyped;
}

/* Table(name, metadata, *items) without Python around it; `items` are Columns, constraints, indexes. NULL: raised. */
static Element *table_new(Evaluator *ev, Name name, MetaData *metadata, Name schema, Value *const *items, int count,
                          const Node *site) {
    Element *element = element_new(ev, EL_TABLE, NULL);
    element->name = name;
    element->node = site;
    FROM(element)->schema = schema.text.length ? schema : metadata->schema;
    FROM(element)->columns_ready = true;
    Table *table = ARENA_NEW(evaluator_arena(ev), Table);
    table->element = element;
    table->metadata = metadata;
    table->node = site;
    if (site) table->source = evaluator_span(ev, site).source;
    FROM(element)->table = table;
    table->primary_key =
        schema_constraint_new(ev, sa_state(ev)->constraints[CONSTRAINT_PRIMARY_KEY], CONSTRAINT_PRIMARY_KEY, site);
    table->primary_key->implicit = true;
    table->primary_key->table = element;
    schema_push_constraint(ev, table, table->primary_key);
    if (!table_add_items(ev, element, items, count, site)) return NULL;
    evaluator_touch(ev, &metadata->tables, sizeof metadata->tables);
    ElementList tables = element_list_copy(ev, &metadata->tables);
    element_list_push(ev, &tables, element);
    metadata->tables = tables;
    table_take_types(ev, metadata, element);
    return element;
}

static bool table_keyword(Evaluator *ev, Table *table, const Keyword *keyword) {
    Slice name = keyword->name->text;
    if (slice_equals_text(name, "comment")) {
        table->has_comment = value_is(keyword->value, VALUE_STRING);
        schema_text(keyword->value, &table->comment);
        return true;
    }
    if (slice_equals_text(name, "prefixes")) {
        Value *items = value_iterate(ev, keyword->value, keyword->node);
        if (!items || value_is_unknown(items)) return true;
        const ListValue *list = (const ListValue *)items;
        for (int i = 0; i < list->count; i++)
            if (value_is(list->items[i], VALUE_STRING))
                parts_push(ev, &table->prefixes, (TextPart){.text = value_text(list->items[i])});
        return true;
    }
    if (slice_equals_text(name, "implicit_returning"))
        return table->implicit_returning_off = !schema_truth(keyword->value), true;
    if (slice_equals_text(name, "info")) return table->info = keyword->value, true;
    if (schema_option_is_dialect(name)) return schema_option_keep(ev, &table->dialect_options, keyword), true;
    static const char *const known[] = {"schema",           "quote",           "quote_schema", "extend_existing",
                                        "keep_existing",    "autoload_with",   "listeners",    "must_exist",
                                        "autoload_replace", "include_columns", "resolve_fks",  "sqlite_autoincrement",
                                        "autoload",         "useexisting"};
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (slice_equals_text(name, known[i])) return true;
    return false;
}

static bool table_options(Evaluator *ev, Element *table, const Keyword *keywords, int count, const Node *site) {
    for (int i = 0; i < count; i++) {
        if (!table_keyword(ev, FROM(table)->table, &keywords[i])) {
            evaluator_raise_id(ev, EXCEPTION_TYPE, keywords[i].node ? keywords[i].node : site,
                               "Additional arguments should be named <dialectname>_<argument>, got '%.*s'",
                               SLICE_ARGS(keywords[i].name->text));
            return false;
        }
    }
    return !evaluator_error_pending(ev);
}

static Value *keyword_named(const Arguments *a, const char *name) {
    for (int i = 0; i < a->keyword_count; i++)
        if (slice_equals_text(a->keywords[i].name->text, name)) return a->keywords[i].value;
    return NULL;
}

static Value *table_create(Evaluator *ev, Class *cls, const Arguments *a) {
    if (a->count < 2 || !value_is(a->items[0], VALUE_STRING) || !value_is_metadata(ev, a->items[1]))
        return sa_raise(ev, SA_ARGUMENT_ERROR, a->site, "Table() needs a name and a MetaData object");
    Name name = name_from_value(ev, a->items[0]), schema = {0};
    Value *given = keyword_named(a, "schema"), *quote = keyword_named(a, "quote"),
          *quote_schema = keyword_named(a, "quote_schema");
    if (given && value_is(given, VALUE_STRING)) schema = name_from_value(ev, given);
    if (quote && value_is(quote, VALUE_BOOL)) name.quote = schema_truth(quote) ? NAME_QUOTED : NAME_PLAIN;
    if (quote_schema && value_is(quote_schema, VALUE_BOOL))
        schema.quote = schema_truth(quote_schema) ? NAME_QUOTED : NAME_PLAIN;
    MetaData *metadata = (MetaData *)a->items[1];
    Slice wanted = schema.text.length ? schema.text : metadata->schema.text;
    Slice key = wanted.length
                    ? slice_format(evaluator_arena(ev), "%.*s.%.*s", SLICE_ARGS(wanted), SLICE_ARGS(name.text))
                    : name.text;
    Element *existing = metadata_find(metadata, key);
    if (existing) {
        if (a->count == 2 || schema_truth(keyword_named(a, "keep_existing"))) return element_value(existing);
        if (schema_truth(keyword_named(a, "extend_existing")))
            return table_add_items(ev, existing, a->items + 2, a->count - 2, a->site) ? element_value(existing) : NULL;
        return sa_raise(
            ev, SA_INVALID_REQUEST_ERROR, a->site,
            "Table '%.*s' is already defined for this MetaData instance.  Specify 'extend_existing=True' to redefine "
            "options and columns on an existing Table object.",
            SLICE_ARGS(key));
    }
    Element *table = table_new(ev, name, metadata, schema, a->items + 2, a->count - 2, a->site);
    if (!table || !table_options(ev, table, a->keywords, a->keyword_count, a->site)) return NULL;
    table->head.head.cls = cls;
    return element_value(table);
}

Value *table_attribute(Evaluator *ev, Element *element, Slice name) {
    const Table *table = FROM(element)->table;
    if (slice_equals_text(name, "fullname") || slice_equals_text(name, "key"))
        return value_string(ev, table_key(ev, element));
    if (!table) return NULL;
    if (slice_equals_text(name, "metadata")) return &table->metadata->head.head;
    if (slice_equals_text(name, "primary_key")) return &table->primary_key->head.head;
    if (slice_equals_text(name, "indexes")) return value_tuple(ev, (Value *const *)table->indexes, table->index_count);
    if (slice_equals_text(name, "constraints"))
        return value_tuple(ev, (Value *const *)table->constraints, table->constraint_count);
    if (slice_equals_text(name, "comment"))
        return table->has_comment ? value_string(ev, table->comment) : value_none(ev);
    if (slice_equals_text(name, "info")) return table->info ? table->info : &value_dict(ev)->head;
    if (slice_equals_text(name, "autoincrement_column") || slice_equals_text(name, "_autoincrement_column")) {
        Element *column = table_autoincrement_column(ev, table);
        return column ? element_value(column) : value_none(ev);
    }
    return NULL;
}

static Value *table_append(Evaluator *ev, Value *self, const Arguments *a) {
    for (int i = 0; i < a->count; i++)
        if (!table_add_item(ev, (Element *)self, a->items[i], a->site)) return NULL;
    return value_none(ev);
}

const NativeMethod table_methods[] = {
    {"append_column", table_append, NATIVE_METHOD, NULL},
    {"append_constraint", table_append, NATIVE_METHOD, NULL},
    {"create", ignore_call, NATIVE_METHOD, NULL},
    {"drop", ignore_call, NATIVE_METHOD, NULL},
    {NULL, NULL, NATIVE_METHOD, NULL},
};

/* The integer primary key column that counts by itself. */
Element *table_autoincrement_column(Evaluator *ev, const Table *table) {
    const ElementList *columns = &table->primary_key->columns;
    Element *found = NULL;
    for (int i = 0; i < columns->count; i++) {
        const SchemaColumn *schema = COLUMN(columns->items[i])->schema;
        if (schema->autoincrement == 1) return columns->items[i];
    }
    if (columns->count != 1) return NULL;
    found = columns->items[0];
    const SchemaColumn *schema = COLUMN(found)->schema;
    SaType *type = found->type;
    if (schema->deferred_type && schema->foreign_key_count) return NULL;
    const SaType *impl = type_on_dialect(ev, type, evaluator_dialect(ev));
    if (impl->affinity != TYPE_INTEGER && !(impl->affinity == TYPE_NUMERIC && impl->scale == 0)) return NULL;
    if (schema->autoincrement == 0) return NULL;
    if (schema->foreign_key_count && schema->autoincrement != -2) return NULL;
    if (schema->server_default && !schema->identity) return NULL;
    bool sequence = schema->default_value && value_is_element(schema->default_value) &&
                    ((Element *)schema->default_value)->kind == EL_SEQUENCE;
    if (schema->default_value && !sequence) return NULL;
    return found;
}

/* ---- Sequence, Computed, Identity, defaults ---- */

static Value *sequence_create(Evaluator *ev, Class *cls, const Arguments *a) {
    Sequence *sequence = instance_allocate(ev, cls, sizeof *sequence);
    if (a->count && value_is(a->items[0], VALUE_STRING)) sequence->name = name_from_value(ev, a->items[0]);
    if (a->count > 1) sequence->start = a->items[1];
    if (a->count > 2) sequence->increment = a->items[2];
    for (int i = 0; i < a->keyword_count; i++) {
        Slice name = a->keywords[i].name->text;
        Value *value = a->keywords[i].value;
        if (slice_equals_text(name, "schema") && value_is(value, VALUE_STRING))
            sequence->schema = name_from_value(ev, value);
        if (slice_equals_text(name, "start")) sequence->start = value;
        if (slice_equals_text(name, "increment")) sequence->increment = value;
        if (slice_equals_text(name, "minvalue")) sequence->minvalue = value;
        if (slice_equals_text(name, "maxvalue")) sequence->maxvalue = value;
        if (slice_equals_text(name, "cache")) sequence->cache = value;
        if (slice_equals_text(name, "cycle")) sequence->cycle = schema_truth(value);
        if (slice_equals_text(name, "nominvalue")) sequence->nominvalue = schema_truth(value);
        if (slice_equals_text(name, "nomaxvalue")) sequence->nomaxvalue = schema_truth(value);
        if (slice_equals_text(name, "optional")) sequence->optional = schema_truth(value);
        if (slice_equals_text(name, "metadata") && value_is_metadata(ev, value)) sequence->metadata = (MetaData *)value;
    }
    SequenceElement *element = (SequenceElement *)element_new(ev, EL_SEQUENCE, type_of_kind(ev, TYPE_INTEGER));
    element->sequence = sequence;
    element->base.node = a->site;
    sequence->element = &element->base;
    return &sequence->head.head;
}

static Value *sequence_next_value(Evaluator *ev, Value *self, const Arguments *a) {
    (void)ev, (void)a;
    return element_value(((Sequence *)self)->element);
}

static Value *computed_create(Evaluator *ev, Class *cls, const Arguments *a) {
    Value *text = NULL, *persisted = NULL;
    if (!arguments_bind(ev, a, "Computed", "sqltext | persisted", &text, &persisted)) return NULL;
    Computed *computed = instance_allocate(ev, cls, sizeof *computed);
    computed->expression = element_coerce(ev, text, COERCE_DDL_EXPRESSION, a->site);
    computed->persisted = persisted && value_is(persisted, VALUE_BOOL) ? schema_truth(persisted) : -1;
    return computed->expression ? &computed->head.head : NULL;
}

static Value *identity_create(Evaluator *ev, Class *cls, const Arguments *a) {
    Value *always = NULL, *on_null = NULL, *cycle = NULL, *nomin = NULL, *nomax = NULL, *order = NULL;
    Identity *identity = instance_allocate(ev, cls, sizeof *identity);
    if (!arguments_bind(ev, a, "Identity",
                        "| always on_null start increment minvalue maxvalue nominvalue nomaxvalue cycle cache order",
                        &always, &on_null, &identity->start, &identity->increment, &identity->minvalue,
                        &identity->maxvalue, &nomin, &nomax, &cycle, &identity->cache, &order))
        return NULL;
    identity->always = schema_truth(always);
    identity->on_null = schema_truth(on_null);
    identity->nominvalue = schema_truth(nomin);
    identity->nomaxvalue = schema_truth(nomax);
    identity->cycle = schema_truth(cycle);
    return &identity->head.head;
}

static Value *default_create(Evaluator *ev, Class *cls, const Arguments *a) {
    DefaultItem *item = instance_allocate(ev, cls, sizeof *item);
    item->value = a->count ? a->items[0] : NULL;
    return &item->head.head;
}

static Value *item_get_attribute(Evaluator *ev, Value *self, Atom name, const Node *site) {
    (void)site;
    Slice text = name->text;
    const ForeignKey *key = value_as_foreign_key(ev, self);
    if (key) {
        if (slice_equals_text(text, "column")) {
            Element *target = foreign_key_target(ev, (ForeignKey *)self);
            return target ? element_value(target) : NULL;
        }
        if (slice_equals_text(text, "parent")) return key->column ? element_value(key->column) : value_none(ev);
        return NULL;
    }
    const Constraint *constraint = value_as_constraint(ev, self);
    if (constraint && (slice_equals_text(text, "columns") || slice_equals_text(text, "c")))
        return column_collection(ev, &constraint->columns);
    if (constraint && slice_equals_text(text, "name"))
        return constraint->name.text.length ? value_string(ev, constraint->name.text) : value_none(ev);
    const Index *index = value_as_index(ev, self);
    if (index && (slice_equals_text(text, "columns") || slice_equals_text(text, "expressions")))
        return column_collection(ev, &index->expressions);
    if (index && slice_equals_text(text, "name"))
        return index->name.text.length ? value_string(ev, index->name.text) : value_none(ev);
    if (index && slice_equals_text(text, "dialect_options")) {
        DictValue *outer = value_dict(ev);
        static const char *const dialects[] = {"postgresql", "sqlite", "mysql"};
        for (int d = 0; d < 3; d++) {
            DictValue *inner = value_dict(ev);
            size_t prefix = strlen(dialects[d]) + 1;
            for (int i = 0; index->dialect_options && i < index->dialect_options->count; i++) {
                Slice full = value_text(index->dialect_options->entries[i].key);
                if (slice_starts_with(full, dialects[d]))
                    dict_set(ev, inner, value_string(ev, slice_sub(full, prefix, full.length)),
                             index->dialect_options->entries[i].value, NULL);
            }
            dict_set(ev, outer, value_string(ev, slice_from(dialects[d])), &inner->head, NULL);
        }
        return &outer->head;
    }
    return NULL;
}

/* ---- definition ---- */

static Class *define(Evaluator *ev, ModuleValue *module, const char *name, Class *base,
                     Value *(*create)(Evaluator *, Class *, const Arguments *), const NativeMethod *methods) {
    NativeClass spec = {.name = name, .instance_type = &schema_item_type, .create = create, .methods = methods};
    return module_define_class(ev, module, &spec, base);
}

static const NativeMethod sequence_methods[] = {{"next_value", sequence_next_value, NATIVE_METHOD, NULL},
                                                {NULL, NULL, NATIVE_METHOD, NULL}};

void schema_define(Evaluator *ev, ModuleValue *module) {
    SaState *state = sa_state(ev);
    static const NativeClass metadata_spec = {
        .name = "MetaData", .instance_type = &metadata_type, .create = metadata_create, .methods = metadata_methods};
    state->metadata = module_define_class(ev, module, &metadata_spec, NULL);
    Class *item = define(ev, module, "SchemaItem", NULL, default_create, NULL);
    Class *constraint = define(ev, module, "Constraint", item, schema_constraint_create, NULL);
    state->foreign_key = define(ev, module, "ForeignKey", item, schema_foreign_key_create, NULL);
    state->constraints[CONSTRAINT_PRIMARY_KEY] =
        define(ev, module, "PrimaryKeyConstraint", constraint, schema_constraint_create, NULL);
    state->constraints[CONSTRAINT_FOREIGN_KEY] =
        define(ev, module, "ForeignKeyConstraint", constraint, schema_constraint_create, NULL);
    state->constraints[CONSTRAINT_UNIQUE] =
        define(ev, module, "UniqueConstraint", constraint, schema_constraint_create, NULL);
    state->constraints[CONSTRAINT_CHECK] =
        define(ev, module, "CheckConstraint", constraint, schema_constraint_create, NULL);
    state->constraints[CONSTRAINT_EXCLUDE] =
        define(ev, module, "ExcludeConstraint", constraint, schema_constraint_create, NULL);
    state->index = define(ev, module, "Index", item, schema_index_create, NULL);
    state->sequence = define(ev, module, "Sequence", item, sequence_create, sequence_methods);
    state->computed = define(ev, module, "Computed", item, computed_create, NULL);
    state->identity = define(ev, module, "Identity", item, identity_create, NULL);
    define(ev, module, "FetchedValue", item, default_create, NULL);
    define(ev, module, "DefaultClause", item, default_create, NULL);
    define(ev, module, "ColumnDefault", item, default_create, NULL);
    state->column_class->create = schema_column_create;
    state->table_class->create = table_create;
    module_define(ev, module, "Column", &state->column_class->head);
    module_define(ev, module, "Table", &state->table_class->head);
}
