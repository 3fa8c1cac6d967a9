/*
 * The legacy Query: session.query(User).filter(…).order_by(…).all(), Model.query, dynamic relationships.
 *
 * Input: chained calls. Output: a Select kept inside, executed by the methods that end the chain. Invariant: a Query's
 * select labels its columns table_column, as Query does.
 * Example: session.query(User).filter_by(name="x").first() -> SELECT users.id AS users_id, … LIMIT ?.
 */
#include "compiler/sqlalchemy/orm_load.h"

typedef struct QueryValue {
    Instance head;
    Session *session;
    Element *statement; /* SELECT or compound */
    int entity_count;
    Entity *entity;              /* of the one entity it loads; NULL: columns */
    CollectionValue *collection; /* dynamic relationship: append() and remove() */
} QueryValue;

static QueryValue *query_copy(const QueryValue *query, Evaluator *ev) {
    QueryValue *copy = instance_allocate(ev, orm_state(ev)->query, sizeof *copy);
    Instance head = copy->head;
    *copy = *query;
    copy->head = head;
    return copy;
}

Value *orm_query_new(Evaluator *ev, Session *session, Value *const *items, int count, const Node *site) {
    if (!mappers_configure(ev)) return NULL;
    QueryValue *made = instance_allocate(ev, orm_state(ev)->query, sizeof *made);
    Select *select = select_new(ev);
    select->head.label_style = LABEL_TABLENAME_PLUS_COL;
    for (int i = 0; i < count; i++) {
        Element *element = element_coerce(ev, items[i], COERCE_COLUMNS, site);
        if (!element) return NULL;
        select_add_column(ev, select, element);
        if (i == 0) {
            Entity *entity = element->kind == EL_ENTITY ? element->entity : NULL;
            made->entity = count == 1 ? entity : NULL;
        }
    }
    made->session = session;
    made->entity_count = count;
    made->statement = &select->head.head.base;
    return &made->head.head;
}

Element *query_as_select(Evaluator *ev, Value *query) {
    Element *statement = element_copy(ev, ((QueryValue *)query)->statement);
    SELECTABLE(statement)->label_style = LABEL_DISAMBIGUATE_ONLY;
    return statement;
}

static Session *query_session(Evaluator *ev, QueryValue *query) {
    if (query->session) return query->session;
    OrmState *state = orm_state(ev);
    if (!state->free_session) {
        evaluator_touch(ev, &state->free_session, sizeof state->free_session);
        state->free_session = session_new(ev, false);
    }
    return state->free_session;
}

static ResultValue *query_run(Evaluator *ev, QueryValue *query, Element *statement, const Node *site) {
    Session *session = query_session(ev, query);
    if (!session_autoflush(ev, session, site)) return NULL;
    session_begin(ev, session, site);
    ResultValue *result = result_new(ev, site);
    if (!orm_run_select(ev, session, statement, site, result, NULL, NULL, NULL)) return NULL;
    result->single_items = query->entity != NULL;
    result->unique = query->entity != NULL;
    return result;
}

Value *query_execute(Evaluator *ev, Value *query, const Node *site) {
    ResultValue *result = query_run(ev, (QueryValue *)query, ((QueryValue *)query)->statement, site);
    return result ? result_all(ev, result) : NULL;
}

/* ---- methods that go to the select ---- */

static Value *query_forward(Evaluator *ev, Value *self, const Arguments *arguments) {
    const char *name = evaluator_native_data(ev);
    QueryValue *query = (QueryValue *)self;
    Value *method = value_get_attribute(ev, (Value *)query->statement, orm_atom(ev, name), arguments->site);
    Value *made = method ? value_call(ev, method, arguments) : NULL;
    Element *element = made ? element_of(ev, made) : NULL;
    if (!element) return made;
    QueryValue *copy = query_copy(query, ev);
    copy->statement = element;
    return &copy->head.head;
}

static Value *query_add_columns(Evaluator *ev, Value *self, const Arguments *arguments) {
    QueryValue *copy = (QueryValue *)query_forward(ev, self, arguments);
    if (copy && copy->head.head.type == &orm_query_type) copy->entity = NULL;
    return (Value *)copy;
}

static Value *query_with_entities(Evaluator *ev, Value *self, const Arguments *arguments) {
    QueryValue *copy = (QueryValue *)query_forward(ev, self, arguments);
    if (!copy || copy->head.head.type != &orm_query_type) return (Value *)copy;
    copy->entity = arguments->count == 1 ? orm_entity(ev, arguments->items[0]) : NULL;
    return &copy->head.head;
}

/* subquery(), exists(), cte() … of the select */
static Value *query_as_element(Evaluator *ev, Value *self, const Arguments *arguments) {
    const char *name = evaluator_native_data(ev);
    Element *statement = element_copy(ev, ((QueryValue *)self)->statement);
    SELECTABLE(statement)->label_style = LABEL_DISAMBIGUATE_ONLY;
    if (slice_equals_text(slice_from(name), "exists") && statement->kind == EL_SELECT) {
        Select *select = SELECT(statement);
        for (int i = 0; i < select->columns.count && !select->from.count; i++)
            element_list_push(ev, &select->from, select->columns.items[i]);
        select->columns = (ElementList){0};
        select_add_column(ev, select, element_literal_column(ev, SLICE("1"), type_of_kind(ev, TYPE_INTEGER)));
    }
    Value *method = value_get_attribute(ev, (Value *)statement, orm_atom(ev, name), arguments->site);
    return method ? value_call(ev, method, arguments) : NULL;
}

static Value *query_get_item(Evaluator *ev, Value *self, Value *key, const Node *site) {
    QueryValue *query = (QueryValue *)self;
    SliceValue *slice = value_is(key, VALUE_SLICE) ? (SliceValue *)key : NULL;
    Value *start = slice ? slice->lower : key, *stop = slice ? slice->upper : NULL;
    Element *statement = element_copy(ev, query->statement);
    if (!slice) stop = value_binary(ev, OP_Add, key, value_integer(ev, 1), site);
    if (!slice && !stop) return NULL;
    Value *limit = stop;
    int64_t from = 0;
    bool from_start = !start || value_is_none(start) || (value_as_integer(start, &from) && from == 0);
    if (limit && !value_is_none(limit) && !from_start) limit = value_binary(ev, OP_Sub, stop, start, site);
    Value *made = (Value *)statement;
    if (limit && !value_is_none(limit)) made = value_call_method(ev, made, "limit", &limit, 1, site);
    if (made && !from_start) made = value_call_method(ev, made, "offset", &start, 1, site);
    if (!made) return NULL;
    ResultValue *result = query_run(ev, query, element_of(ev, made), site);
    if (!result) return NULL;
    Value *all = result_all(ev, result);
    if (slice) return all;
    Value *zero = value_integer(ev, 0);
    return value_get_item(ev, all, zero, site);
}

/* ---- methods that execute ---- */

static Value *query_all(Evaluator *ev, Value *self, const Arguments *arguments) {
    return query_execute(ev, self, arguments->site);
}

static Value *query_first(Evaluator *ev, Value *self, const Arguments *arguments) {
    QueryValue *query = (QueryValue *)self;
    Value *one = value_integer(ev, 1);
    Value *limited = value_call_method(ev, (Value *)query->statement, "limit", &one, 1, arguments->site);
    ResultValue *result = limited ? query_run(ev, query, element_of(ev, limited), arguments->site) : NULL;
    return result ? result_first(ev, result, false) : NULL;
}

static Value *query_one(Evaluator *ev, Value *self, const Arguments *arguments) {
    ResultValue *result = query_run(ev, (QueryValue *)self, ((QueryValue *)self)->statement, arguments->site);
    if (!result) return NULL;
    const char *name = evaluator_native_data(ev);
    Value *method = value_get_attribute(ev, &result->head.head, orm_atom(ev, name), arguments->site);
    return method ? value_call_with(ev, method, NULL, 0, arguments->site) : NULL;
}

/* SELECT count(*) FROM (the query) AS anon_1 */
static Value *query_count(Evaluator *ev, Value *self, const Arguments *arguments) {
    QueryValue *query = (QueryValue *)self;
    Select *select = select_new(ev);
    Element *star = element_literal_column(ev, SLICE("*"), type_of_kind(ev, TYPE_NULL));
    Element *count = element_function(ev, SLICE("count"), type_of_kind(ev, TYPE_INTEGER), &star, 1);
    select->head.label_style = LABEL_TABLENAME_PLUS_COL;
    select_add_column(ev, select, count);
    element_list_push(ev, &select->from, element_subquery(ev, query->statement, (Name){0}));
    QueryValue plain = *query;
    plain.entity = NULL;
    ResultValue *result = query_run(ev, &plain, &select->head.head.base, arguments->site);
    if (!result) return NULL;
    Value *value = result_first(ev, result, true);
    return value_is_unknown(value) && ((UnknownValue *)value)->present ? ((UnknownValue *)value)->present : value;
}

static Value *query_get(Evaluator *ev, Value *self, const Arguments *arguments) {
    QueryValue *query = (QueryValue *)self;
    if (!query->entity || !arguments->count) return value_unknown_at(ev, arguments->site);
    Session *session = query_session(ev, query);
    session_begin(ev, session, arguments->site);
    ReadOptions read = {.options = statement_options(ev, query->statement)};
    return session_get_instance(ev, session, query->entity, arguments->items[0], &read, arguments->site);
}

static Dml *query_dml(Evaluator *ev, QueryValue *query, ElementKind kind) {
    Entity *entity = query->entity;
    if (!entity) {
        Select *select = SELECT(query->statement);
        Element *first = select->columns.count ? select->columns.items[0] : NULL;
        entity = first ? first->entity : NULL;
    }
    if (!entity) return NULL;
    Dml *dml = dml_new(ev, kind, orm_entity_table(ev, entity));
    dml->where = SELECT(query->statement)->where;
    Element *single = mapper_single_criterion(ev, entity->mapper);
    if (single) element_list_push(ev, &dml->where, single);
    return dml;
}

static Value *query_update(Evaluator *ev, Value *self, const Arguments *arguments) {
    QueryValue *query = (QueryValue *)self;
    bool is_delete = evaluator_native_data(ev) != NULL;
    Dml *dml = query_dml(ev, query, is_delete ? EL_DELETE : EL_UPDATE);
    if (!dml) return value_unknown_at(ev, arguments->site);
    Value *statement = (Value *)dml;
    if (!is_delete && arguments->count)
        statement = value_call_method(ev, statement, "values", arguments->items, 1, arguments->site);
    if (!statement) return NULL;
    DictValue *options = value_dict(ev);
    Value *sync = arguments_keyword(arguments, orm_atom(ev, "synchronize_session"));
    int at = is_delete ? 0 : 1;
    if (!sync && arguments->count > at) sync = arguments->items[at];
    if (sync) dict_set(ev, options, value_string(ev, SLICE("synchronize_session")), sync, NULL);
    ResultValue *result = (ResultValue *)session_execute_statement(ev, query_session(ev, query), statement, NULL,
                                                                   &options->head, arguments->site);
    if (!result) return NULL;
    return result->rowcount >= 0 && evaluator_has_rows(ev) ? value_integer(ev, result->rowcount)
                                                           : value_unknown_at(ev, arguments->site);
}

/* Flask-SQLAlchemy: paginate(page, per_page) sends the page and the count. */
static Value *query_paginate(Evaluator *ev, Value *self, const Arguments *arguments) {
    Value *size = arguments_keyword(arguments, orm_atom(ev, "per_page"));
    if (!size && arguments->count > 1) size = arguments->items[1];
    if (!size) size = value_integer(ev, 20);
    Value *made = value_call_method(ev, self, "limit", &size, 1, arguments->site);
    Value *offset = value_unknown_at(ev, arguments->site);
    if (made) made = value_call_method(ev, made, "offset", &offset, 1, arguments->site);
    if (!made || !query_execute(ev, made, arguments->site) || !query_count(ev, self, arguments)) return NULL;
    return value_unknown_at(ev, arguments->site);
}

static Value *query_same(Evaluator *ev, Value *self, const Arguments *arguments) {
    (void)ev;
    (void)arguments;
    return self;
}

static Value *query_get_statement(Evaluator *ev, Value *self, const Arguments *arguments) {
    (void)ev;
    (void)arguments;
    return (Value *)((QueryValue *)self)->statement;
}

static Value *query_iterate(Evaluator *ev, Value *self, const Node *site) { return query_execute(ev, self, site); }

const Type orm_query_type = {.name = "Query",
                             .kind = VALUE_NATIVE,
                             .iterate = query_iterate,
                             .get_item = query_get_item,
                             .has_attributes = true};

Value *orm_class_query(Evaluator *ev, Class *cls, const Node *site) {
    Value *item = &cls->head;
    return orm_query_new(ev, NULL, &item, 1, site);
}

/* ---- dynamic relationships ---- */

static Value *query_append(Evaluator *ev, Value *self, const Arguments *arguments) {
    QueryValue *query = (QueryValue *)self;
    if (!query->collection) return value_none(ev);
    const char *name = evaluator_native_data(ev);
    return value_call_method(ev, &query->collection->list.head, name, arguments->items, arguments->count,
                             arguments->site);
}

Value *dynamic_collection(Evaluator *ev, OrmInstance *owner, Relationship *relationship, const Node *site) {
    Value *target = &relationship->target->cls->head;
    QueryValue *query = (QueryValue *)orm_query_new(ev, owner->session, &target, 1, site);
    if (!query) return NULL;
    Select *select = SELECT(query->statement);
    if (relationship->secondary) {
        element_list_push(ev, &select->from, relationship->target->persist_selectable);
        element_list_push(ev, &select->from, relationship->secondary);
    }
    Element *clause = relationship_lazy_clause(ev, relationship, &owner->head.head, NULL, false, site);
    if (!clause) return NULL;
    select_add_where(ev, select, clause);
    for (int i = 0; i < relationship->order_by.count; i++)
        element_list_push(ev, &select->head.order_by, relationship->order_by.items[i]);
    Slice name = slice_format(evaluator_arena(ev), "_pending_%s", relationship->property->key->text.start);
    Atom key = atom_intern(evaluator_atoms(ev), name);
    Value *pending = instance_get(&owner->head.head, key);
    if (!pending) {
        pending = &collection_new(ev, owner, relationship)->list.head;
        instance_set(ev, &owner->head.head, key, pending);
    }
    query->collection = (CollectionValue *)pending;
    return &query->head.head;
}

void queries_define(Evaluator *ev, ModuleValue *module) {
    static const char *const forwarded[] = {"filter",      "filter_by",
                                            "where",       "order_by",
                                            "group_by",    "having",
                                            "limit",       "offset",
                                            "distinct",    "join",
                                            "outerjoin",   "select_from",
                                            "options",     "with_for_update",
                                            "correlate",   "union",
                                            "union_all",   "intersect",
                                            "except_",     "execution_options",
                                            "prefix_with", "with_hint",
                                            "join_from",   "set_label_style",
                                            "slice",       "params",
                                            "add_cte",     "with_statement_hint",
                                            "suffix_with"};
    static const char *const elements[] = {"subquery",  "exists", "cte",   "scalar_subquery",
                                           "as_scalar", "label",  "alias", "lateral"};
    static const char *const ones[] = {"one", "one_or_none", "scalar"};
    static const NativeMethod fixed[] = {{"all", query_all, NATIVE_METHOD, NULL},
                                         {"first", query_first, NATIVE_METHOD, NULL},
                                         {"count", query_count, NATIVE_METHOD, NULL},
                                         {"get", query_get, NATIVE_METHOD, NULL},
                                         {"update", query_update, NATIVE_METHOD, NULL},
                                         {"delete", query_update, NATIVE_METHOD, "delete"},
                                         {"yield_per", query_same, NATIVE_METHOD, NULL},
                                         {"populate_existing", query_same, NATIVE_METHOD, NULL},
                                         {"enable_eagerloads", query_same, NATIVE_METHOD, NULL},
                                         {"autoflush", query_same, NATIVE_METHOD, NULL},
                                         {"paginate", query_paginate, NATIVE_METHOD, NULL},
                                         {"statement", query_get_statement, NATIVE_PROPERTY, NULL},
                                         {"select", query_get_statement, NATIVE_METHOD, NULL},
                                         {"append", query_append, NATIVE_METHOD, "append"},
                                         {"add", query_append, NATIVE_METHOD, "append"},
                                         {"remove", query_append, NATIVE_METHOD, "remove"},
                                         {"add_all", query_append, NATIVE_METHOD, "extend"}};
    enum {
        FORWARDED = sizeof forwarded / sizeof *forwarded,
        ELEMENTS = sizeof elements / sizeof *elements,
        ONES = sizeof ones / sizeof *ones,
        FIXED = sizeof fixed / sizeof *fixed
    };
    NativeMethod *methods = ARENA_ARRAY(evaluator_arena(ev), NativeMethod, FORWARDED + ELEMENTS + ONES + FIXED + 4);
    int n = 0;
    for (int i = 0; i < FORWARDED; i++)
        methods[n++] = (NativeMethod){forwarded[i], query_forward, NATIVE_METHOD, (void *)(uintptr_t)forwarded[i]};
    for (int i = 0; i < ELEMENTS; i++)
        methods[n++] = (NativeMethod){elements[i], query_as_element, NATIVE_METHOD, (void *)(uintptr_t)elements[i]};
    for (int i = 0; i < ONES; i++)
        methods[n++] = (NativeMethod){ones[i], query_one, NATIVE_METHOD, (void *)(uintptr_t)ones[i]};
    for (int i = 0; i < FIXED; i++) methods[n++] = fixed[i];
    methods[n++] = (NativeMethod){"add_columns", query_add_columns, NATIVE_METHOD, (void *)(uintptr_t) "add_columns"};
    methods[n++] = (NativeMethod){"add_entity", query_add_columns, NATIVE_METHOD, (void *)(uintptr_t) "add_columns"};
    methods[n++] =
        (NativeMethod){"with_entities", query_with_entities, NATIVE_METHOD, (void *)(uintptr_t) "with_only_columns"};
    NativeClass query = {.name = "Query", .instance_type = &orm_query_type, .methods = methods};
    orm_state(ev)->query = module_define_class(ev, module, &query, NULL);
}
