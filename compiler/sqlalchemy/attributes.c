/*
 * Attributes and collections of elements: .c, .type, .name, .excluded, …, and the ColumnCollection that .c is.
 *
 * Input: an element and a name. Output: a value; NULL without an error where there is no such attribute.
 * Example: users.c.id, users.c["id"], users.c["id", "name"], list(users.c), select(...).selected_columns.a.
 */
#include "compiler/sqlalchemy/lower.h"

/* ---- ColumnCollection ---- */

typedef struct ColumnCollection {
    Instance head;
    ElementList columns;
    Name *keys;
} ColumnCollection;

static const Type collection_type;

const ElementList *collection_columns(const Value *value) {
    return value->type == &collection_type ? &((const ColumnCollection *)value)->columns : NULL;
}

static Name collection_key(Evaluator *ev, const Element *column) {
    Name key = {0};
    if (column->kind == EL_COLUMN) return COLUMN(column)->key;
    if (column_proxy_key(ev, column, &key)) return key;
    return (Name){0};
}

static Element *collection_find(const ColumnCollection *collection, Slice key) {
    for (int i = 0; i < collection->columns.count; i++)
        if (slice_equals(collection->keys[i].text, key)) return collection->columns.items[i];
    return NULL;
}

static Value *collection_get_attribute(Evaluator *ev, Value *self, Atom name, const Node *site) {
    (void)ev, (void)site;
    return element_value(collection_find((ColumnCollection *)self, name->text));
}

static Value *collection_get_item(Evaluator *ev, Value *self, Value *key, const Node *site) {
    ColumnCollection *collection = (ColumnCollection *)self;
    int64_t index = 0;
    if (value_is(key, VALUE_STRING)) {
        Element *found = collection_find(collection, value_text(key));
        if (found) return element_value(found);
        return evaluator_raise_id(ev, EXCEPTION_KEY, site, "'%.*s'", SLICE_ARGS(value_text(key)));
    }
    if (value_as_integer(key, &index)) {
        if (index < 0) index += collection->columns.count;
        if (index >= 0 && index < collection->columns.count) return element_value(collection->columns.items[index]);
        return evaluator_raise_id(ev, EXCEPTION_INDEX, site, "index out of range");
    }
    if (value_is(key, VALUE_TUPLE)) {
        const ListValue *keys = (const ListValue *)key;
        ElementList chosen = {0};
        for (int i = 0; i < keys->count; i++) {
            Value *found = collection_get_item(ev, self, keys->items[i], site);
            if (!found) return NULL;
            element_list_push(ev, &chosen, (Element *)found);
        }
        return column_collection(ev, &chosen);
    }
    if (value_is(key, VALUE_SLICE)) {
        Value *all = value_tuple(ev, (Value *const *)collection->columns.items, collection->columns.count);
        return value_get_item(ev, all, key, site);
    }
    return evaluator_raise_id(ev, EXCEPTION_KEY, site, "%.*s", SLICE_ARGS(value_repr(ev, key)));
}

static Value *collection_iterate(Evaluator *ev, Value *self, const Node *site) {
    (void)site;
    const ColumnCollection *collection = (ColumnCollection *)self;
    return value_tuple(ev, (Value *const *)collection->columns.items, collection->columns.count);
}

static Value *collection_length(Evaluator *ev, Value *self, const Node *site) {
    (void)site;
    return value_integer(ev, ((ColumnCollection *)self)->columns.count);
}

static Value *collection_contains(Evaluator *ev, Value *self, Value *item, const Node *site) {
    (void)site;
    const ColumnCollection *collection = (ColumnCollection *)self;
    if (value_is(item, VALUE_STRING)) return value_bool(ev, collection_find(collection, value_text(item)) != NULL);
    for (int i = 0; i < collection->columns.count; i++)
        if (&collection->columns.items[i]->head.head == item) return value_bool(ev, true);
    return value_bool(ev, false);
}

static const Type collection_type = {
    .name = "ColumnCollection",
    .kind = VALUE_NATIVE,
    .get_attribute = collection_get_attribute,
    .get_item = collection_get_item,
    .iterate = collection_iterate,
    .length = collection_length,
    .contains = collection_contains,
    .has_attributes = true,
};

static Value *collection_keys(Evaluator *ev, Value *self, const Arguments *a) {
    (void)a;
    const ColumnCollection *collection = (ColumnCollection *)self;
    ListValue *list = value_list(ev);
    for (int i = 0; i < collection->columns.count; i++)
        list_append(ev, list, value_string(ev, collection->keys[i].text));
    return &list->head;
}

static Value *collection_values(Evaluator *ev, Value *self, const Arguments *a) {
    (void)a;
    return collection_iterate(ev, self, NULL);
}

static Value *collection_items(Evaluator *ev, Value *self, const Arguments *a) {
    (void)a;
    const ColumnCollection *collection = (ColumnCollection *)self;
    ListValue *list = value_list(ev);
    for (int i = 0; i < collection->columns.count; i++) {
        Value *pair[2] = {value_string(ev, collection->keys[i].text), element_value(collection->columns.items[i])};
        list_append(ev, list, value_tuple(ev, pair, 2));
    }
    return &list->head;
}

static Value *collection_get(Evaluator *ev, Value *self, const Arguments *a) {
    Value *key = NULL, *otherwise = NULL;
    if (!arguments_bind(ev, a, "get", "key | default", &key, &otherwise)) return NULL;
    Element *found = value_is(key, VALUE_STRING) ? collection_find((ColumnCollection *)self, value_text(key)) : NULL;
    return found ? element_value(found) : otherwise ? otherwise : value_none(ev);
}

static Value *collection_contains_column(Evaluator *ev, Value *self, const Arguments *a) {
    return a->count ? collection_contains(ev, self, a->items[0], a->site) : NULL;
}

static const NativeMethod collection_methods[] = {
    {"keys", collection_keys, NATIVE_METHOD, NULL},
    {"values", collection_values, NATIVE_METHOD, NULL},
    {"items", collection_items, NATIVE_METHOD, NULL},
    {"get", collection_get, NATIVE_METHOD, NULL},
    {"contains_column", collection_contains_column, NATIVE_METHOD, NULL},
    {NULL, NULL, NATIVE_METHOD, NULL},
};

void collection_define(Evaluator *ev, ModuleValue *module) {
    static const NativeClass spec = {
        .name = "ColumnCollection", .instance_type = &collection_type, .methods = collection_methods};
    SaState *state = sa_state(ev);
    if (!state->column_collection) state->column_collection = module_define_class(ev, module, &spec, NULL);
}

Value *column_collection(Evaluator *ev, const ElementList *columns) {
    ColumnCollection *made = instance_allocate(ev, sa_state(ev)->column_collection, sizeof *made);
    made->columns = *columns;
    made->keys = ARENA_ARRAY(evaluator_arena(ev), Name, columns->count + 1);
    for (int i = 0; i < columns->count; i++) made->keys[i] = collection_key(ev, columns->items[i]);
    return &made->head.head;
}

/* ---- attributes of elements ---- */

static Value *selected_columns(Evaluator *ev, Element *select) {
    ElementList columns = {0};
    PlusNames names = {0};
    select_columns(ev, select, &columns);
    columns_plus_names(ev, &columns, LABEL_DISAMBIGUATE_ONLY, false, &names);
    ColumnCollection *made = (ColumnCollection *)column_collection(ev, &columns);
    for (int i = 0; i < names.count; i++) made->keys[i] = names.items[i].key;
    return &made->head.head;
}

/* Columns of a join go by the names of their tables too: j.c.users_id. */
static Value *join_collection(Evaluator *ev, Element *join) {
    const ElementList *columns = from_columns(ev, join);
    ColumnCollection *made = (ColumnCollection *)column_collection(ev, columns);
    for (int i = 0; i < columns->count; i++) {
        const Element *table = columns->items[i]->kind == EL_COLUMN ? COLUMN(columns->items[i])->table : NULL;
        if (!table || !table->name.text.length) continue;
        Buffer key;
        buffer_init(&key, evaluator_arena(ev));
        buffer_format(&key, "%.*s_%.*s", SLICE_ARGS(table->name.text), SLICE_ARGS(made->keys[i].text));
        made->keys[i] = name_from(buffer_view(&key));
    }
    return &made->head.head;
}

static Value *from_attribute(Evaluator *ev, Element *element, Slice name) {
    if (element->kind == EL_JOIN && (slice_equals_text(name, "c") || slice_equals_text(name, "columns")))
        return join_collection(ev, element);
    if (slice_equals_text(name, "c") || slice_equals_text(name, "columns") ||
        slice_equals_text(name, "exported_columns"))
        return column_collection(ev, from_columns(ev, element));
    if (element->kind == EL_JOIN) {
        if (slice_equals_text(name, "left")) return element_value(element->children[0]);
        if (slice_equals_text(name, "right")) return element_value(element->children[1]);
        if (slice_equals_text(name, "onclause")) return element_value(element->children[2]);
    } else if (slice_equals_text(name, "element") && element->count) {
        return element_value(element->children[0]);
    }
    if (slice_equals_text(name, "name") || slice_equals_text(name, "description"))
        return value_string(ev, name_plain(ev, element->name));
    if (slice_equals_text(name, "column") && element->kind == EL_TABLE_VALUED)
        return element_value(FROM(element)->columns.items[0]);
    if (slice_equals_text(name, "schema"))
        return FROM(element)->schema.text.length ? value_string(ev, FROM(element)->schema.text) : value_none(ev);
    return element->kind == EL_TABLE ? table_attribute(ev, element, name) : NULL;
}

static Value *column_attribute(Evaluator *ev, Element *element, Slice name) {
    const ColumnElement *column = COLUMN(element);
    if (slice_equals_text(name, "name")) return value_string(ev, name_plain(ev, element->name));
    if (slice_equals_text(name, "key")) return value_string(ev, name_plain(ev, column->key));
    if (slice_equals_text(name, "table")) return column->table ? element_value(column->table) : value_none(ev);
    if (slice_equals_text(name, "description")) return value_string(ev, name_plain(ev, element->name));
    return column->schema ? schema_column_attribute(ev, element, name) : NULL;
}

static Value *statement_attribute(Evaluator *ev, Element *element, Slice name) {
    if (element->kind == EL_INSERT || element->kind == EL_UPDATE || element->kind == EL_DELETE) {
        Dml *dml = DML(element);
        if ((slice_equals_text(name, "excluded") || slice_equals_text(name, "inserted")) && dml->excluded)
            return column_collection(ev, from_columns(ev, &dml->excluded->base));
        if (slice_equals_text(name, "inserted_alias") && dml->excluded) return element_value(&dml->excluded->base);
        if (slice_equals_text(name, "table")) return element_value(dml->table);
        if (slice_equals_text(name, "exported_columns")) return selected_columns(ev, element);
        return NULL;
    }
    if (slice_equals_text(name, "selected_columns") || slice_equals_text(name, "exported_columns"))
        return selected_columns(ev, element);
    if (slice_equals_text(name, "c") || slice_equals_text(name, "columns")) {
        Element *subquery = element_subquery(ev, element, (Name){0});
        return column_collection(ev, from_columns(ev, subquery));
    }
    if (element->kind == EL_SELECT) {
        if (slice_equals_text(name, "whereclause")) {
            Element *where = element_where(ev, &SELECT(element)->where);
            return where ? element_value(where) : value_none(ev);
        }
        if (slice_equals_text(name, "froms")) {
            SelectState state;
            if (!select_state(ev, SELECT(element), &state)) return NULL;
            ListValue *list = value_list(ev);
            for (int i = 0; i < state.froms.count; i++) list_append(ev, list, element_value(state.froms.items[i]));
            return &list->head;
        }
    }
    return NULL;
}

static Value *operand_attribute(Evaluator *ev, Element *element, Slice name) {
    if (element->kind == EL_BINARY) {
        if (slice_equals_text(name, "left")) return element_value(element->children[0]);
        if (slice_equals_text(name, "right")) return element_value(element->children[1]);
        if (slice_equals_text(name, "operator") && OPERATOR(element)->op.id != SA_CUSTOM)
            return operator_value(ev, OPERATOR(element)->op.id);
    }
    if (element->kind == EL_FUNCTION && FUNCTION(element)->as_comparison) {
        int side = slice_equals_text(name, "left")    ? FUNCTION(element)->left_index
                   : slice_equals_text(name, "right") ? FUNCTION(element)->right_index
                                                      : -1;
        if (side >= 0 && side < element->count) return element_value(element->children[side]);
    }
    if (slice_equals_text(name, "element") && element->count) return element_value(element->children[0]);
    if (slice_equals_text(name, "clauses")) return value_tuple(ev, (Value *const *)element->children, element->count);
    if (slice_equals_text(name, "clause") && element->count) return element_value(element->children[0]);
    if (element->kind == EL_BIND) {
        if (slice_equals_text(name, "key")) return value_string(ev, name_plain(ev, element->name));
        if (slice_equals_text(name, "value") || slice_equals_text(name, "effective_value"))
            return BIND(element)->value ? BIND(element)->value : value_none(ev);
    }
    return NULL;
}

Value *element_get_attribute(Evaluator *ev, Value *self, Atom atom, const Node *site) {
    Element *element = (Element *)self;
    Slice name = atom->text;
    if (slice_equals_text(name, "__clause_element__") || slice_starts_with(name, "__")) return NULL;
    if (element_is_from(element)) return from_attribute(ev, element, name);
    if (element_is_statement(element)) return statement_attribute(ev, element, name);
    if (slice_equals_text(name, "type")) return &element->type->head.head;
    if (slice_equals_text(name, "comparator")) return self;
    if (slice_equals_text(name, "astext") && element->type->affinity == TYPE_JSON) {
        Element *text = element_as_text(ev, element, site);
        return text ? element_value(text) : NULL;
    }
    if (element->kind == EL_COLUMN) return column_attribute(ev, element, name);
    if (slice_equals_text(name, "name") && (element->kind == EL_LABEL || element->kind == EL_FUNCTION))
        return value_string(ev, name_plain(ev, element->name));
    if (slice_equals_text(name, "key") && element->kind == EL_LABEL)
        return value_string(ev, name_plain(ev, element->name));
    if (element->kind == EL_FUNCTION && (slice_equals_text(name, "c") || slice_equals_text(name, "columns"))) {
        ElementList one = {0};
        element_list_push(ev, &one, element);
        return column_collection(ev, &one);
    }
    return operand_attribute(ev, element, name);
}
