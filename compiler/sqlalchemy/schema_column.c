/*
 * Column and ForeignKey: their options, and what a foreign key refers to.
 *
 * Input: calls from the evaluated program. Output: COLUMN elements with a SchemaColumn, ForeignKey values.
 * Invariants: a column belongs to one table at most; a foreign key's target is looked up each time it is asked for, so
 * that tables may be defined in any order.
 * Example: Column("user_id", ForeignKey("users.id"), nullable=False).
 */
#include "compiler/sqlalchemy/schema_items.h"

static bool truth(const Value *value) { return value && value_is_true(value); }

/* ---- dialect options ---- */

/* postgresql_where=…, mysql_engine=…: kept as given under their full names. */
bool schema_option_is_dialect(Slice name) {
    static const char *const prefixes[] = {"postgresql_", "sqlite_", "mysql_", "mariadb_", "oracle_", "mssql_"};
    for (size_t i = 0; i < sizeof prefixes / sizeof *prefixes; i++)
        if (slice_starts_with(name, prefixes[i])) return true;
    return false;
}

void schema_option_keep(Evaluator *ev, DictValue **options, const Keyword *keyword) {
    if (!*options) *options = value_dict(ev);
    dict_set(ev, *options, value_atom(ev, keyword->name), keyword->value, keyword->node);
}

/* ---- ForeignKey ---- */

void schema_text(Value *value, Slice *out) {
    if (value_is(value, VALUE_STRING)) *out = value_text(value);
}

bool schema_key_option(Evaluator *ev, const Keyword *keyword, Slice *on_delete, Slice *on_update, Slice *initially,
                       Slice *match, bool *has_deferrable, bool *deferrable, bool *use_alter, Name *name) {
    Slice key = keyword->name->text;
    if (slice_equals_text(key, "ondelete")) return schema_text(keyword->value, on_delete), true;
    if (slice_equals_text(key, "onupdate")) return schema_text(keyword->value, on_update), true;
    if (slice_equals_text(key, "initially")) return schema_text(keyword->value, initially), true;
    if (slice_equals_text(key, "match")) return schema_text(keyword->value, match), true;
    if (slice_equals_text(key, "deferrable")) {
        *has_deferrable = value_is(keyword->value, VALUE_BOOL);
        *deferrable = value_is_true(keyword->value);
        return true;
    }
    if (slice_equals_text(key, "use_alter")) return *use_alter = value_is_true(keyword->value), true;
    if (slice_equals_text(key, "name")) {
        if (value_is(keyword->value, VALUE_STRING)) *name = name_from_value(ev, keyword->value);
        return true;
    }
    return slice_equals_text(key, "info") || slice_equals_text(key, "comment") ||
           slice_equals_text(key, "link_to_name") || slice_equals_text(key, "table") || schema_option_is_dialect(key) ||
           slice_starts_with(key, "_");
}

static Value *foreign_key_refuse(Evaluator *ev, const Keyword *keyword) {
    evaluator_raise(ev, evaluator_exception(ev, EXCEPTION_TYPE), evaluator_keyword_span(ev, keyword),
                    "ForeignKey() got an unexpected keyword argument '%.*s'", SLICE_ARGS(keyword->name->text));
    evaluator_raise_near(ev, keyword->name->text, "ondelete onupdate initially match deferrable use_alter name");
    return NULL;
}

Value *schema_foreign_key_create(Evaluator *ev, Class *cls, const Arguments *a) {
    ForeignKey *key = instance_allocate(ev, cls, sizeof *key);
    key->node = a->site;
    key->target = a->count ? a->items[0] : NULL;
    for (int i = 0; i < a->keyword_count; i++) {
        if (slice_equals_text(a->keywords[i].name->text, "column")) {
            key->target = a->keywords[i].value;
            continue;
        }
        if (!schema_key_option(ev, &a->keywords[i], &key->on_delete, &key->on_update, &key->initially, &key->match,
                               &key->has_deferrable, &key->deferrable, &key->use_alter, &key->name))
            return foreign_key_refuse(ev, &a->keywords[i]);
    }
    if (!key->target)
        return evaluator_raise_id(ev, EXCEPTION_TYPE, a->site,
                                  "ForeignKey() missing 1 required positional argument: 'column'");
    return &key->head.head;
}

static MetaData *column_metadata(const Element *column) {
    const Element *table = COLUMN(column)->table;
    return table && table->kind == EL_TABLE && FROM(table)->table ? FROM(table)->table->metadata : NULL;
}

static Element *key_target_by_name(Evaluator *ev, const ForeignKey *key, Slice text) {
    MetaData *metadata = column_metadata(key->column);
    if (!metadata) return NULL;
    size_t dot = text.length;
    while (dot && text.start[dot - 1] != '.') dot--;
    Slice table_name = dot ? slice_sub(text, 0, dot - 1) : text, column_name = slice_sub(text, dot, text.length);
    Element *table = metadata_find(metadata, table_name);
    const Element *own = COLUMN(key->column)->table;
    if (!table && slice_find(table_name, '.') == table_name.length) {
        Slice schema = metadata->schema.text.length ? metadata->schema.text : FROM(own)->schema.text;
        if (schema.length)
            table = metadata_find(
                metadata, slice_format(evaluator_arena(ev), "%.*s.%.*s", SLICE_ARGS(schema), SLICE_ARGS(table_name)));
    }
    if (!table)
        return sa_raise(
            ev, SA_NO_REFERENCED_TABLE_ERROR, key->node,
            "Foreign key associated with column '%.*s.%.*s' could not find table '%.*s' with which to generate a "
            "foreign key to target column '%.*s'",
            SLICE_ARGS(own->name.text), SLICE_ARGS(key->column->name.text), SLICE_ARGS(table_name),
            SLICE_ARGS(column_name));
    Element *column = dot ? from_column(ev, table, column_name) : NULL;
    if (!dot) {
        const Constraint *primary = FROM(table)->table->primary_key;
        if (primary->columns.count == 1) column = primary->columns.items[0];
    }
    if (!column)
        return sa_raise(ev, SA_NO_REFERENCED_COLUMN_ERROR, key->node,
                        "Could not initialize target column for ForeignKey '%.*s' on table '%.*s': table '%.*s' has no "
                        "column named "
                        "'%.*s'",
                        SLICE_ARGS(text), SLICE_ARGS(own->name.text), SLICE_ARGS(table_name), SLICE_ARGS(column_name));
    return column;
}

Element *foreign_key_target(Evaluator *ev, ForeignKey *key) {
    if (value_is(key->target, VALUE_STRING)) return key_target_by_name(ev, key, value_text(key->target));
    Element *element = element_of(ev, key->target);
    while (element && element->kind == EL_COLUMN && element->original && !COLUMN(element)->schema)
        element = element->original;
    if (element && element->kind == EL_COLUMN)
        return COLUMN(element)->schema ? COLUMN(element)->schema->element : element;
    if (evaluator_error_pending(ev)) return NULL;
    return sa_raise(ev, SA_ARGUMENT_ERROR, key->node,
                    "String column name or column object for DDL foreign key constraint expected");
}

/* ---- Column ---- */

SchemaColumn *schema_column_new(Evaluator *ev, Element *element) {
    SchemaColumn *schema = ARENA_NEW(evaluator_arena(ev), SchemaColumn);
    schema->element = element;
    schema->nullable = true;
    schema->autoincrement = -1;
    COLUMN(element)->schema = schema;
    return schema;
}

static bool column_item(Evaluator *ev, SchemaColumn *schema, Value *item) {
    SaState *state = sa_state(ev);
    Arena *arena = evaluator_arena(ev);
    if (value_is_instance(item, state->foreign_key)) {
        ForeignKey *key = (ForeignKey *)item;
        evaluator_touch(ev, key, sizeof *key);
        key->column = schema->element;
        ARENA_PUSH(arena, schema->foreign_keys, schema->foreign_key_count, schema->foreign_key_capacity) = key;
        return true;
    }
    if (value_is_instance(item, state->sequence)) return schema->sequence = (Sequence *)item, true;
    if (value_is_element(item) && ((Element *)item)->kind == EL_SEQUENCE) {
        schema->default_value = item;
        return true;
    }
    if (value_is_instance(item, state->computed)) return schema->computed = (Computed *)item, true;
    if (value_is_instance(item, state->identity)) return schema->identity = (Identity *)item, true;
    if (value_as_constraint(ev, item)) {
        Value **pending = ARENA_ARRAY(arena, Value *, schema->pending_count + 1);
        for (int i = 0; i < schema->pending_count; i++) pending[i] = schema->pending_items[i];
        pending[schema->pending_count++] = item;
        schema->pending_items = pending;
        return true;
    }
    return false;
}

static Value *schema_default_unwrapped(Value *value) {
    if (value->type != &schema_item_type) return value;
    Slice name = value->cls->name->text;
    bool known = slice_equals_text(name, "DefaultClause") || slice_equals_text(name, "ColumnDefault");
    return known && ((DefaultItem *)value)->value ? ((DefaultItem *)value)->value : value;
}

static bool column_keyword(Evaluator *ev, SchemaColumn *schema, const Keyword *keyword) {
    Slice name = keyword->name->text;
    Value *value = keyword->value;
    bool none = value_is_none(value);
    if (slice_equals_text(name, "primary_key")) return schema->primary_key = truth(value), true;
    if (slice_equals_text(name, "nullable")) {
        schema->nullable_given = true;
        schema->nullable = !value_is(value, VALUE_BOOL) || truth(value);
        return true;
    }
    if (slice_equals_text(name, "unique")) return schema->unique = truth(value), true;
    if (slice_equals_text(name, "index")) return schema->index = truth(value), true;
    if (slice_equals_text(name, "system")) return schema->system = truth(value), true;
    if (slice_equals_text(name, "default") || slice_equals_text(name, "insert_default")) {
        if (slice_equals_text(name, "default") && schema->default_value) return true;
        if (!none && value_is_instance(value, sa_state(ev)->sequence))
            return schema->sequence = (Sequence *)value, true;
        schema->default_value = none ? NULL : schema_default_unwrapped(value);
        return true;
    }
    if (slice_equals_text(name, "onupdate"))
        return schema->onupdate = none ? NULL : schema_default_unwrapped(value), true;
    if (slice_equals_text(name, "server_default")) {
        if (!none && value_is_instance(value, sa_state(ev)->identity))
            return schema->identity = (Identity *)value, true;
        schema->server_default = none ? NULL : schema_default_unwrapped(value);
        return true;
    }
    if (slice_equals_text(name, "server_onupdate")) return true; /* says only what the database does */
    if (slice_equals_text(name, "comment")) {
        if (!none && value_is(value, VALUE_STRING)) schema->comment = value_text(value), schema->has_comment = true;
        return true;
    }
    if (slice_equals_text(name, "autoincrement")) {
        schema->autoincrement = value_is(value, VALUE_BOOL) ? truth(value) : -1;
        if (value_is(value, VALUE_STRING) && slice_equals_text(value_text(value), "ignore_fk"))
            schema->autoincrement = -2;
        return true;
    }
    if (slice_equals_text(name, "key")) {
        if (value_is(value, VALUE_STRING)) COLUMN(schema->element)->key = name_from_value(ev, value);
        return true;
    }
    if (slice_equals_text(name, "info")) return schema->info = value, true;
    if (slice_equals_text(name, "quote")) {
        if (value_is(value, VALUE_BOOL)) schema->element->name.quote = truth(value) ? NAME_QUOTED : NAME_PLAIN;
        return true;
    }
    if (schema_option_is_dialect(name)) return schema_option_keep(ev, &schema->dialect_options, keyword), true;
    return slice_equals_text(name, "doc") || slice_starts_with(name, "_") || slice_equals_text(name, "insert_sentinel");
}

/* Positional: name (str), type, then schema items. */
static bool column_positionals(Evaluator *ev, SchemaColumn *schema, Value *const *items, int count, const Node *site) {
    Element *element = schema->element;
    int i = 0;
    if (i < count && value_is(items[i], VALUE_STRING)) {
        element->name = COLUMN(element)->key = name_from_value(ev, items[i]);
        i++;
    } else if (i < count && value_is_none(items[i])) {
        i++;
    }
    if (i < count && type_is_value(ev, items[i])) {
        element->type = type_from_value(ev, items[i], site);
        if (!element->type) return false;
        i++;
    } else if (i < count && value_is_none(items[i])) {
        i++;
    }
    for (; i < count; i++) {
        Value *item = items[i];
        if (item->type == &schema_item_type && slice_equals_text(item->cls->name->text, "DefaultClause"))
            schema->server_default = schema_default_unwrapped(item);
        else if (item->type == &schema_item_type && slice_equals_text(item->cls->name->text, "FetchedValue"))
            schema->server_default = item;
        else if (item->type == &schema_item_type && slice_equals_text(item->cls->name->text, "ColumnDefault"))
            schema->default_value = schema_default_unwrapped(item);
        else if (value_is_element(item) && ((Element *)item)->kind == EL_SEQUENCE) schema->default_value = item;
        else if (value_is_unknown(item) && evaluator_report_unresolved(ev, item, site)) {
            return evaluator_raise_known(ev, site) != NULL;
        } else if (!column_item(ev, schema, item)) {
            sa_raise(ev, SA_ARGUMENT_ERROR, site,
                     "'SchemaItem' object, such as a 'Column' or a 'Constraint' expected, got %.*s",
                     SLICE_ARGS(value_repr(ev, item)));
            return false;
        }
    }
    return true;
}

static void quote_last(SchemaColumn *schema, const Arguments *a) {
    for (int i = 0; i < a->keyword_count; i++)
        if (slice_equals_text(a->keywords[i].name->text, "quote") && value_is(a->keywords[i].value, VALUE_BOOL))
            schema->element->name.quote = value_is_true(a->keywords[i].value) ? NAME_QUOTED : NAME_PLAIN;
}

static Element *column_refuse(Evaluator *ev, const Keyword *keyword, const char *function) {
    evaluator_raise(ev, evaluator_exception(ev, EXCEPTION_TYPE), evaluator_keyword_span(ev, keyword),
                    "Additional arguments should be named <dialectname>_<argument>, got '%.*s' for %s()",
                    SLICE_ARGS(keyword->name->text), function);
    evaluator_raise_near(ev, keyword->name->text,
                         "name type_ primary_key nullable unique index default insert_default onupdate server_default "
                         "server_onupdate comment autoincrement key info quote doc system");
    return NULL;
}

Element *column_from_arguments(Evaluator *ev, const Arguments *a, const char *function) {
    Element *element = element_column(ev, (Name){0}, NULL, NULL);
    element->node = a->site;
    SchemaColumn *schema = schema_column_new(ev, element);
    schema->node = a->site;
    bool key_given = false;
    if (!column_positionals(ev, schema, a->items, a->count, a->site)) return NULL;
    for (int i = 0; i < a->keyword_count; i++) {
        Slice name = a->keywords[i].name->text;
        if (slice_equals_text(name, "name")) {
            if (value_is(a->keywords[i].value, VALUE_STRING)) {
                element->name = name_from_value(ev, a->keywords[i].value);
                if (!key_given) COLUMN(element)->key = element->name;
            }
            continue;
        }
        if (slice_equals_text(name, "type_")) {
            element->type = type_from_value(ev, a->keywords[i].value, a->site);
            if (!element->type) return NULL;
            continue;
        }
        key_given |= slice_equals_text(name, "key");
        if (!column_keyword(ev, schema, &a->keywords[i])) return column_refuse(ev, &a->keywords[i], function);
    }
    quote_last(schema, a);
    if (schema->primary_key && !schema->nullable_given) schema->nullable = false;
    if (schema->identity && !schema->nullable_given) schema->nullable = false;
    schema->deferred_type = element->type->kind == TYPE_NULL;
    COLUMN(element)->primary_key = schema->primary_key;
    return element;
}

Value *schema_column_create(Evaluator *ev, Class *cls, const Arguments *a) {
    Element *element = column_from_arguments(ev, a, "Column");
    if (!element) return NULL;
    element->head.head.cls = cls;
    return element_value(element);
}

Element *column_copy(Evaluator *ev, Element *column) {
    Element *copy = element_copy(ev, column);
    Arena *arena = evaluator_arena(ev);
    copy->original = NULL;
    copy->id = sa_next_id(ev);
    COLUMN(copy)->table = NULL;
    const SchemaColumn *old = COLUMN(column)->schema;
    if (!old) return copy;
    SchemaColumn *schema = ARENA_NEW(arena, SchemaColumn);
    *schema = *old;
    schema->element = copy;
    COLUMN(copy)->schema = schema;
    schema->foreign_keys = ARENA_ARRAY(arena, ForeignKey *, old->foreign_key_count + 1);
    schema->foreign_key_capacity = old->foreign_key_count;
    for (int i = 0; i < old->foreign_key_count; i++) {
        ForeignKey *key = ARENA_NEW(arena, ForeignKey);
        *key = *old->foreign_keys[i];
        atom_map_init(&key->head.attributes, arena);
        key->column = copy;
        key->constraint = NULL;
        schema->foreign_keys[i] = key;
    }
    return copy;
}

Value *schema_column_attribute(Evaluator *ev, Element *column, Slice name) {
    const SchemaColumn *schema = COLUMN(column)->schema;
    if (slice_equals_text(name, "primary_key")) return value_bool(ev, schema->primary_key);
    if (slice_equals_text(name, "nullable")) return value_bool(ev, schema->nullable);
    if (slice_equals_text(name, "unique")) return value_bool(ev, schema->unique);
    if (slice_equals_text(name, "index")) return value_bool(ev, schema->index);
    if (slice_equals_text(name, "default")) return schema->default_value ? schema->default_value : value_none(ev);
    if (slice_equals_text(name, "server_default"))
        return schema->server_default ? schema->server_default : value_none(ev);
    if (slice_equals_text(name, "comment"))
        return schema->has_comment ? value_string(ev, schema->comment) : value_none(ev);
    if (slice_equals_text(name, "foreign_keys"))
        return value_tuple(ev, (Value *const *)schema->foreign_keys, schema->foreign_key_count);
    if (slice_equals_text(name, "info")) return schema->info ? schema->info : &value_dict(ev)->head;
    return NULL;
}
