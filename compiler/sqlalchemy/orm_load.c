/*
 * Loading: runs an ORM select and makes instances of its rows, then sends the further statements of selectin,
 * subquery and immediate loading; refreshes, get() and lazy loads.
 *
 * Input: a select and the session. Output: rows (RowValues) of real instances, or one sample row whose values are
 * unknown and know their statement and column (RowOrigin). Invariants: without rows all statements that could follow
 * are one execution; with rows each is sent on its own, and none is sent for no parents.
 * Example: select(Post).options(selectinload(Post.comments)) -> two statements, the second with IN (from rows).
 */
#include "compiler/sqlalchemy/orm_load.h"

Value *row_value(Evaluator *ev, int statement, Slice column, bool expand, Slice text, const Node *site) {
    UnknownValue *made = (UnknownValue *)value_unknown(ev, text, site, NULL);
    RowOrigin *origin = ARENA_NEW(evaluator_arena(ev), RowOrigin);
    *origin = (RowOrigin){evaluator_execution_count(ev), statement, column, expand};
    made->origin = origin;
    made->origin_type = &orm_row_type;
    return &made->head;
}

bool orm_row_param(Evaluator *ev, const UnknownValue *unknown, Param *out) {
    if (unknown->origin_type != &orm_row_type || !unknown->origin) return false;
    const RowOrigin *origin = unknown->origin;
    out->source = PARAM_FROM_ROWS;
    out->execution = origin->execution == evaluator_execution_count(ev) ? -1 : origin->execution;
    out->statement = origin->statement;
    out->column = origin->column;
    out->expand = origin->expand;
    return true;
}

static Slice loading_column(const Loading *loading, int statement, int position) {
    const Statement *sent = &loading->statements.items[statement];
    return position >= 0 && position < sent->column_count ? sent->columns[position].name : (Slice){0};
}

int loading_send(Loading *loading, Element *plain, RowSet **set) {
    Evaluator *ev = loading->ev;
    *set = NULL;
    if (!loading->real) {
        if (!element_emit(ev, plain, &loading->statements)) return -1;
        return loading->statements.count - 1;
    }
    StatementList list = {0};
    if (!element_emit(ev, plain, &list)) return -1;
    ExecutionResult *result = evaluator_execute(ev, &list, loading->site);
    if (!result || !result->count) return -1;
    ARENA_PUSH(evaluator_arena(ev), loading->statements.items, loading->statements.count,
               loading->statements.capacity) = list.items[list.count - 1];
    *set = &result->sets[result->count - 1];
    return loading->statements.count - 1;
}

/* ---- instances ---- */

static bool same_identity(Evaluator *ev, OrmInstance *instance, Value *const *identity, int count) {
    if (!instance->identity) return false;
    for (int i = 0; i < count; i++)
        if (instance->identity[i] != identity[i] &&
            (value_is_unknown(identity[i]) || value_is_unknown(instance->identity[i]) ||
             !value_equals(ev, instance->identity[i], identity[i])))
            return false;
    return true;
}

static OrmInstance *session_find(Evaluator *ev, Session *session, Mapper *mapper, Value *const *identity) {
    for (int i = 0; session && i < session->instances->count; i++) {
        OrmInstance *instance = value_as_instance(session->instances->items[i]);
        if (instance->session == session && instance->status == INSTANCE_PERSISTENT && !instance->marked_deleted &&
            instance->mapper->base == mapper->base && same_identity(ev, instance, identity, mapper->primary_key.count))
            return instance;
    }
    return NULL;
}

static Value *cell(Loading *loading, const LoadedColumn *column, RowSet *set, int row, int statement) {
    if (set) return result_convert(loading->ev, column->column->type, set->rows[row][column->position], loading->site);
    Slice name = loading_column(loading, statement, column->position);
    return row_value(loading->ev, statement, name, false, column->property->key->text, loading->site);
}

static Mapper *row_mapper(Loading *loading, EntityPlan *plan, RowSet *set, int row) {
    Mapper *mapper = plan->mapper;
    if (!set || !mapper->polymorphic_on) return mapper;
    for (int i = 0; i < plan->column_count; i++) {
        if (!list_has(&plan->columns[i].property->columns, mapper->polymorphic_on)) continue;
        Value *value = cell(loading, &plan->columns[i], set, row, 0);
        Mapper **all = NULL;
        int count = 0, capacity = 0;
        mapper_self_and_subs(loading->ev, mapper, &all, &count, &capacity);
        for (int j = 0; value && j < count; j++)
            if (all[j]->polymorphic_identity && value_equals(loading->ev, all[j]->polymorphic_identity, value))
                return all[j];
    }
    return mapper;
}

/* The key columns of the row; false: there is no instance in it (an outer join found nothing). */
static bool row_identity(Loading *loading, EntityPlan *plan, RowSet *set, int row, int statement, Value **identity) {
    for (int i = 0; i < plan->mapper->primary_key.count; i++) {
        identity[i] = NULL;
        for (int j = 0; j < plan->column_count && !identity[i]; j++)
            if (list_has(&plan->columns[j].property->columns, plan->mapper->primary_key.items[i]))
                identity[i] = cell(loading, &plan->columns[j], set, row, statement);
        if (!identity[i]) return plan->only != NULL;
        if (set && value_is_none(identity[i])) return false;
    }
    return true;
}

static OrmInstance *row_instance(Loading *loading, EntityPlan *plan, RowSet *set, int row, int statement, bool *fresh) {
    Evaluator *ev = loading->ev;
    int keys = plan->mapper->primary_key.count;
    Value **identity = ARENA_ARRAY(evaluator_arena(ev), Value *, keys + 1);
    *fresh = true;
    if (!row_identity(loading, plan, set, row, statement, identity)) return NULL;
    if (plan->depth == loading->depth && loading->refresh) return loading->refresh;
    Mapper *mapper = row_mapper(loading, plan, set, row);
    OrmInstance *known = set ? session_find(ev, loading->session, mapper, identity) : NULL;
    if (known) {
        *fresh = known->expired || loading->populate_existing;
        return known;
    }
    OrmInstance *made = instance_new(ev, mapper);
    made->status = INSTANCE_PERSISTENT;
    made->identity = plan->depth == loading->depth && loading->identity ? loading->identity : identity;
    made->options = loading->options;
    made->plan = plan;
    if (loading->session) session_attach(ev, loading->session, made);
    made->status = INSTANCE_PERSISTENT;
    return made;
}

static Value *loading_instance(Loading *loading, EntityPlan *plan, RowSet *set, int row, int statement);

static void attach_eager(Loading *loading, OrmInstance *owner, EagerPlan *eager, RowSet *set, int row, int statement) {
    Evaluator *ev = loading->ev;
    Relationship *relationship = eager->relationship;
    Value *item = loading_instance(loading, eager->plan, set, row, statement);
    Atom key = relationship->property->key;
    Value *now = instance_get(&owner->head.head, key);
    if (!relationship->uselist) {
        if (now && set) return;
        bool optional = !set && eager->kind == LOAD_JOINED;
        Value *value = !item ? value_none(ev) : optional ? value_optional(ev, item, key->text, loading->site) : item;
        instance_load(ev, owner, key, value);
        return;
    }
    CollectionValue *collection = now && now->type == &orm_collection_type && set ? (CollectionValue *)now : NULL;
    if (!collection) {
        collection = collection_new(ev, owner, relationship);
        instance_load(ev, owner, key, &collection->list.head);
    }
    if (!set) {
        collection->list.open = true;
        collection->element = item;
        return;
    }
    for (int i = 0; i < collection->list.count; i++)
        if (collection->list.items[i] == item) return;
    if (item) list_append(ev, &collection->list, item);
}

static void note_parent(Loading *loading, EntityPlan *plan, EagerPlan *eager, const PolymorphicLoad *load,
                        OrmInstance *owner, int statement) {
    for (int i = 0; i < loading->post_count; i++) {
        PostLoad *post = &loading->posts[i];
        if (post->eager != eager || post->load != load) continue;
        for (int j = 0; j < post->parents->count; j++)
            if (post->parents->items[j] == &owner->head.head) return;
        list_append(loading->ev, post->parents, &owner->head.head);
        return;
    }
    PostLoad post = {plan, eager, value_list(loading->ev), statement, load};
    list_append(loading->ev, post.parents, &owner->head.head);
    ARENA_PUSH(evaluator_arena(loading->ev), loading->posts, loading->post_count, loading->post_capacity) = post;
}

static Value *loading_instance(Loading *loading, EntityPlan *plan, RowSet *set, int row, int statement) {
    Evaluator *ev = loading->ev;
    bool fresh;
    OrmInstance *instance = row_instance(loading, plan, set, row, statement, &fresh);
    if (!instance) return NULL;
    for (int i = 0; i < plan->column_count; i++) {
        Property *property = mapper_property(instance->mapper, plan->columns[i].property->key);
        if (!property || (!fresh && instance_get(&instance->head.head, property->key))) continue;
        Value *value = cell(loading, &plan->columns[i], set, row, statement);
        if (value) instance_load(ev, instance, property->key, value);
    }
    if (fresh && instance->expired) {
        evaluator_touch(ev, &instance->expired, sizeof instance->expired);
        instance->expired = false;
    }
    for (int i = 0; i < plan->eager_count; i++) {
        EagerPlan *eager = &plan->eager[i];
        if (eager->plan) attach_eager(loading, instance, eager, set, row, statement);
        else if (eager->kind != LOAD_RAISE && eager->kind != LOAD_NOLOAD)
            note_parent(loading, plan, eager, NULL, instance, statement);
    }
    polymorphic_plan(loading, plan);
    for (int i = 0; i < plan->load_count && fresh; i++)
        if (polymorphic_applies(plan, &plan->loads[i], instance, set != NULL))
            note_parent(loading, plan, NULL, &plan->loads[i], instance, statement);
    return &instance->head.head;
}

/* ---- rows ---- */

static Value *row_item(Loading *loading, const RowItem *item, RowSet *set, int row, int statement) {
    Evaluator *ev = loading->ev;
    switch (item->kind) {
    case ROW_ENTITY: {
        Value *made = loading_instance(loading, item->plan, set, row, statement);
        return made ? made : value_none(ev);
    }
    case ROW_COLUMN:
        if (set) return result_convert(ev, item->column->type, set->rows[row][item->position], loading->site);
        return row_value(ev, statement, loading_column(loading, statement, item->position), false,
                         loading_column(loading, statement, item->position), loading->site);
    case ROW_BUNDLE: {
        Value **values = ARENA_ARRAY(evaluator_arena(ev), Value *, item->width + 1);
        Slice *names = ARENA_ARRAY(evaluator_arena(ev), Slice, item->width + 1);
        for (int i = 0; i < item->width; i++) {
            RowItem part = {.kind = ROW_COLUMN,
                            .column = item->bundle ? item->bundle->items.items[i] : item->column->children[i],
                            .position = item->position + i};
            values[i] = row_item(loading, &part, set, row, statement);
            names[i] = part.column->entity_key ? part.column->entity_key->text : part.column->name.text;
        }
        return &row_new(ev, values, names, item->width)->head.head;
    }
    }
    return NULL;
}

static Slice row_item_name(const RowItem *item, const Statement *statement) {
    if (item->kind != ROW_COLUMN) return item->name;
    if (item->column->entity_key) return item->column->entity_key->text;
    if (item->column->kind == EL_LABEL && !name_is_anonymous(item->column->name)) return item->column->name.text;
    return item->position < statement->column_count ? statement->columns[item->position].name : item->name;
}

static RowValue *loading_row(Loading *loading, const RowPlan *plan, RowSet *set, int row, int statement) {
    Evaluator *ev = loading->ev;
    Value **values = ARENA_ARRAY(evaluator_arena(ev), Value *, plan->count + 1);
    Slice *names = ARENA_ARRAY(evaluator_arena(ev), Slice, plan->count + 1);
    for (int i = 0; i < plan->count; i++) {
        values[i] = row_item(loading, &plan->items[i], set, row, statement);
        if (!values[i]) return NULL;
        names[i] = row_item_name(&plan->items[i], &loading->statements.items[statement]);
    }
    return row_new(ev, values, names, plan->count);
}

/* Rows of a statement that is no ORM select: its result columns alone. */
static void plan_from_columns(Loading *loading, int statement, Element *element, const RowSet *set, RowPlan *plan) {
    Evaluator *ev = loading->ev;
    Statement *sent = &loading->statements.items[statement];
    if (set && sent->column_count != set->column_count) { /* text(): only the rows say what there is */
        sent->columns = ARENA_ARRAY(evaluator_arena(ev), ResultColumn, set->column_count + 1);
        sent->column_count = set->column_count;
        for (int i = 0; i < set->column_count; i++) sent->columns[i] = (ResultColumn){set->columns[i], SQL_UNKNOWN};
    }
    ElementList columns = {0};
    if (element_is_select(element)) select_columns(ev, element, &columns);
    else if (element->kind == EL_INSERT || element->kind == EL_UPDATE || element->kind == EL_DELETE)
        columns = DML(element)->returning;
    for (int i = 0; i < sent->column_count; i++) {
        Element *column = columns.items && columns.count == sent->column_count ? columns.items[i] : NULL;
        if (!column) column = element_column(ev, name_from(sent->columns[i].name), type_of_kind(ev, TYPE_NULL), NULL);
        RowItem item = {.kind = ROW_COLUMN, .column = column, .position = i, .width = 1};
        ARENA_PUSH(evaluator_arena(ev), plan->items, plan->count, plan->capacity) = item;
    }
}

static bool loading_rows(Loading *loading, const RowPlan *plan, RowSet *set, int statement, ResultValue *out) {
    if (!set) {
        out->rows = NULL;
        out->sample = loading_row(loading, plan, NULL, 0, statement);
        return out->sample != NULL;
    }
    out->rows = value_list(loading->ev);
    for (int i = 0; i < set->row_count; i++) {
        RowValue *row = loading_row(loading, plan, set, i, statement);
        if (!row) return false;
        list_append(loading->ev, out->rows, &row->head.head);
    }
    return true;
}

bool loading_run(Loading *loading, Element *statement, const EntityPlan *start, RowPlan *plan, ResultValue *out) {
    Evaluator *ev = loading->ev;
    Element *plain = statement;
    if (statement->kind == EL_SELECT) {
        plain = orm_compile_select(ev, SELECT(statement), false, plan, start);
        if (!plain) return false;
        if (!select_check_aggregates(ev, SELECT(plain), loading->site)) return false;
    }
    RowSet *set;
    int sent = loading_send(loading, plain, &set);
    if (sent < 0) return false;
    if (!plan->count) plan_from_columns(loading, sent, plain, set, plan);
    if (set) out->rowcount = set->affected;
    Loading before = *loading;
    OrmOptions *own = statement_options(ev, statement);
    if (own) loading->options = own;
    loading->posts = NULL;
    loading->post_count = loading->post_capacity = 0;
    loading->depth = start ? start->depth : 0;
    if (!loading->in_subquery) {
        loading->root = statement;
        loading->root_depth = loading->depth;
    }
    if (loading->level++) {
        loading->refresh = NULL;
        loading->identity = NULL;
    }
    bool good = loading_rows(loading, plan, set, sent, out) && loading_post(loading);
    StatementList statements = loading->statements;
    *loading = before;
    loading->statements = statements;
    return good;
}

Value *orm_run_select(Evaluator *ev, Session *session, Element *statement, const Node *site, ResultValue *out,
                      OrmInstance *refresh, const ListValue *only, const EntityPlan *start) {
    Loading loading = {.ev = ev, .session = session, .site = site, .refresh = refresh, .real = evaluator_has_rows(ev)};
    EntityPlan *only_plan = NULL;
    if (only) {
        only_plan = ARENA_NEW(evaluator_arena(ev), EntityPlan);
        only_plan->only = only;
        start = only_plan;
    }
    RowPlan plan = {0};
    if (!loading_run(&loading, statement, start, &plan, out)) return NULL;
    if (!loading.real) {
        evaluator_execute(ev, &loading.statements, site);
        if (evaluator_error_pending(ev)) return NULL;
    }
    return &out->head.head;
}

/* ---- get(), refresh() ---- */

static bool key_criteria(Evaluator *ev, Mapper *mapper, Value *const *identity, Select *select, const Node *site) {
    for (int i = 0; i < mapper->primary_key.count; i++) {
        Element *equal = element_operate(ev, SA_EQ, mapper->primary_key.items[i], identity[i], false, site);
        if (!equal) return false;
        select_add_where(ev, select, equal);
    }
    return true;
}

static Value **read_identity(Evaluator *ev, Mapper *mapper, Value *given, const Node *site) {
    int keys = mapper->primary_key.count;
    Value **identity = ARENA_ARRAY(evaluator_arena(ev), Value *, keys + 1);
    bool many = value_is(given, VALUE_TUPLE) || value_is(given, VALUE_LIST);
    if (many && ((ListValue *)given)->count == keys) {
        for (int i = 0; i < keys; i++) identity[i] = ((ListValue *)given)->items[i];
    } else if (value_is(given, VALUE_DICT)) {
        for (int i = 0; i < keys; i++) {
            Property *property = mapper_property_of(mapper, mapper->primary_key.items[i]);
            identity[i] = property ? dict_get_text(ev, (DictValue *)given, property->key->text.start) : NULL;
            if (!identity[i])
                return sa_raise(ev, SA_INVALID_REQUEST_ERROR, site,
                                "Incorrect names of values in identifier to formulate primary key for session.get()");
        }
    } else if (keys == 1 && !many) {
        identity[0] = given;
    } else {
        return sa_raise(ev, SA_INVALID_REQUEST_ERROR, site,
                        "Incorrect number of values in identifier to formulate primary key for session.get(); primary "
                        "key columns are %d",
                        keys);
    }
    return identity;
}

static Element *select_locked(Evaluator *ev, Element *select, Value *lock, const Node *site) {
    if (!lock || value_is_none(lock) || (value_is(lock, VALUE_BOOL) && !value_is_true(lock))) return select;
    Arguments arguments = {.site = site};
    if (value_is(lock, VALUE_DICT)) {
        const DictValue *dict = (const DictValue *)lock;
        arguments.keywords = ARENA_ARRAY(evaluator_arena(ev), Keyword, dict->count + 1);
        for (int i = 0; i < dict->count; i++)
            if (value_is(dict->entries[i].key, VALUE_STRING))
                arguments.keywords[arguments.keyword_count++] =
                    (Keyword){value_as_atom(ev, dict->entries[i].key), dict->entries[i].value, site};
    }
    Value *method = value_get_attribute(ev, &select->head.head, orm_atom(ev, "with_for_update"), site);
    Value *made = method ? value_call(ev, method, &arguments) : NULL;
    return made ? element_of(ev, made) : NULL;
}

static bool read_locks(const ReadOptions *read) {
    return read && read->lock && !value_is_none(read->lock) &&
           !(value_is(read->lock, VALUE_BOOL) && !value_is_true(read->lock));
}

Value *session_get_instance(Evaluator *ev, Session *session, Entity *entity, Value *given, const ReadOptions *read,
                            const Node *site) {
    OrmOptions *options = read ? read->options : NULL;
    bool again = read && (read->populate || read_locks(read));
    Mapper *mapper = entity->mapper;
    if (!mappers_configure(ev)) return NULL;
    Value **identity = read_identity(ev, mapper, given, site);
    if (!identity) return NULL;
    OrmInstance *known = session_find(ev, session, mapper, identity);
    if (known && !options && !again && !known->expired) return &known->head.head;
    if (session && !session_autoflush(ev, session, site)) return NULL;
    Select *select = select_new(ev);
    select->head.label_style = LABEL_TABLENAME_PLUS_COL;
    select_add_column(ev, select, entity_element(ev, entity));
    if (!key_criteria(ev, mapper, identity, select, site)) return NULL;
    Element *statement = &select->head.head.base;
    if (options) statement = statement_with_options(ev, statement, options->items, options->count);
    if (read && !(statement = select_locked(ev, statement, read->lock, site))) return NULL;
    ResultValue *result = result_new(ev, site);
    Loading loading = {.ev = ev,
                       .session = session,
                       .site = site,
                       .real = evaluator_has_rows(ev),
                       .identity = identity,
                       .populate_existing = read && read->populate};
    RowPlan plan = {0};
    if (!loading_run(&loading, statement, NULL, &plan, result)) return NULL;
    if (!loading.real) evaluator_execute(ev, &loading.statements, site);
    if (evaluator_error_pending(ev)) return NULL;
    return result_first(ev, result, true);
}

bool orm_instance_refresh(Evaluator *ev, OrmInstance *instance, const ListValue *only, bool plain_labels, Value *lock,
                          const Node *site) {
    Mapper *mapper = instance->mapper;
    Value **identity = ARENA_ARRAY(evaluator_arena(ev), Value *, mapper->primary_key.count + 1);
    for (int i = 0; i < mapper->primary_key.count; i++) {
        identity[i] = instance->identity ? instance->identity[i] : NULL;
        Property *property = mapper_property_of(mapper, mapper->primary_key.items[i]);
        /* the key of a row that nothing has told: reading it would ask for this very row */
        bool circular = property && !instance_get(&instance->head.head, property->key) && instance->session &&
                        (instance->partial || instance->status == INSTANCE_PERSISTENT);
        if (!identity[i] && circular) identity[i] = value_unknown_at(ev, site);
        if (!identity[i])
            identity[i] = property ? instance_attribute(ev, instance, property->key, site) : value_none(ev);
        if (!identity[i]) return false;
    }
    Select *select = select_new(ev);
    if (!plain_labels) select->head.label_style = LABEL_TABLENAME_PLUS_COL;
    select_add_column(ev, select, entity_element(ev, mapper_entity(ev, mapper)));
    if (!key_criteria(ev, mapper, identity, select, site)) return false;
    if (!instance->identity) instance->identity = identity;
    session_begin(ev, instance->session, site);
    if (!only) {
        evaluator_touch(ev, &instance->expired, sizeof instance->expired);
        instance->expired = true;
    }
    ResultValue *result = result_new(ev, site);
    Element *statement = select_locked(ev, &select->head.head.base, lock, site);
    return statement && orm_run_select(ev, instance->session, statement, site, result, instance, only, NULL) != NULL;
}

/* ---- lazy loads ---- */

static bool refuse_async(Evaluator *ev, OrmInstance *instance, Property *property, const Node *site) {
    Session *session = instance->session;
    if (!session || !session->is_async || session->sync_inside) return false;
    sa_raise(
        ev, SA_MISSING_GREENLET, site,
        "greenlet_spawn has not been called; can't call await_only() here. Was IO attempted in an unexpected place? "
        "('%s.%s' is loaded lazily in an async session)",
        instance->mapper->cls->name->text.start, property->key->text.start);
    if (property->kind == PROPERTY_RELATIONSHIP)
        evaluator_raise_help(ev, "load it with the query: .options(selectinload(%s.%s))",
                             instance->mapper->cls->name->text.start, property->key->text.start);
    else evaluator_raise_help(ev, "await session.refresh(…) first, or create the session with expire_on_commit=False");
    return true;
}

/* What is loaded again beside an attribute: all that is expired, columns and eager relationships; of a deferred group
 * the others. */
static bool loads_along(const OrmInstance *instance, const Property *property, const Property *other) {
    if (other == property) return true;
    const ListValue *named = instance->expired_names;
    for (int i = 0; named && i < named->count; i++)
        if (value_is(named->items[i], VALUE_STRING) && slice_equals(value_text(named->items[i]), other->key->text))
            return other->kind == PROPERTY_COLUMN;
    if (other->kind == PROPERTY_COLUMN)
        return (other->deferred_group && other->deferred_group == property->deferred_group) ||
               (instance->expired && !other->deferred);
    if (!instance->expired || other->kind != PROPERTY_RELATIONSHIP) return false;
    LazyKind lazy = other->relationship->lazy;
    return lazy == LAZY_JOINED || lazy == LAZY_SELECTIN || lazy == LAZY_SUBQUERY || lazy == LAZY_IMMEDIATE;
}

/* Of a joined subclass: the tables below the base that hold the named columns. The lowest is found by the key that the
 * instance knows. NULL: the base's table is needed too, or no error and no such way. */
static Select *part_select(Evaluator *ev, OrmInstance *instance, const ListValue *only, const Node *site) {
    Mapper *chain[16];
    int depth = 0;
    for (Mapper *mapper = instance->mapper; mapper && depth < 16; mapper = mapper->inherits) chain[depth++] = mapper;
    if (depth < 2 || depth == 16 || !only->count) return NULL;
    Select *select = select_new(ev);
    select->head.label_style = LABEL_TABLENAME_PLUS_COL;
    for (int i = 0; i < only->count; i++) {
        Property *property = mapper_property(instance->mapper, value_as_atom(ev, only->items[i]));
        if (!property || property->kind != PROPERTY_COLUMN || property->columns.count != 1) return NULL;
        Element *column = property->columns.items[0];
        if (column->kind != EL_COLUMN || COLUMN(column)->table == chain[depth - 1]->local_table) return NULL;
        select_add_column(ev, select, column);
    }
    bool started = false;
    for (int i = depth - 2; i >= 0; i--) {
        const Mapper *mapper = chain[i];
        bool own = false;
        for (int j = 0; j < select->columns.count; j++)
            own |= COLUMN(select->columns.items[j])->table == mapper->local_table;
        if ((!started && !own) || mapper->local_table == mapper->inherits->local_table) continue;
        Element *on = mapper_inherit_condition(ev, chain[i]);
        if (!on || on->kind != EL_BINARY) return NULL;
        if (!started) {
            int side = COLUMN(on->children[0])->table == mapper->local_table;
            Property *key = mapper_property_of(instance->mapper, on->children[side]);
            Value *value = key ? instance_get(&instance->head.head, key->key) : NULL;
            if (!value) return NULL;
            on = element_copy(ev, on);
            on->children[side] = element_bind(ev, (Slice){0}, value, on->children[side]->type);
        }
        started = true;
        select_add_where(ev, select, on);
    }
    (void)site;
    return started ? select : NULL;
}

static bool load_part(Evaluator *ev, OrmInstance *instance, Select *select, const Node *site) {
    session_begin(ev, instance->session, site);
    Loading loading = {.ev = ev, .session = instance->session, .site = site, .real = evaluator_has_rows(ev)};
    RowSet *set;
    int sent = loading_send(&loading, &select->head.head.base, &set);
    if (sent < 0 || (set && !set->row_count)) return false;
    for (int i = 0; i < select->columns.count; i++) {
        Property *property = mapper_property_of(instance->mapper, select->columns.items[i]);
        LoadedColumn column = {property, select->columns.items[i], i};
        instance_load(ev, instance, property->key, cell(&loading, &column, set, 0, sent));
    }
    if (!loading.real) evaluator_execute(ev, &loading.statements, site);
    return !evaluator_error_pending(ev);
}

static Value *load_column(Evaluator *ev, OrmInstance *instance, Property *property, const Node *site) {
    if (instance->identity && !instance->expired &&
        list_has(&instance->mapper->primary_key, property->columns.items[0]))
        for (int i = 0; i < instance->mapper->primary_key.count; i++)
            if (list_has(&property->columns, instance->mapper->primary_key.items[i])) return instance->identity[i];
    if (refuse_async(ev, instance, property, site)) return NULL;
    ListValue *only = value_list(ev);
    AtomMap *properties = &instance->mapper->properties;
    for (int i = 0; i < properties->count; i++) {
        Property *other = properties->entries[i].value;
        if (!properties->entries[i].key || !loads_along(instance, property, other)) continue;
        if (!instance_get(&instance->head.head, other->key)) list_append(ev, only, value_atom(ev, other->key));
    }
    evaluator_touch(ev, instance, sizeof *instance);
    instance->expired = false;
    instance->expired_names = NULL;
    Select *part = part_select(ev, instance, only, site);
    if (evaluator_error_pending(ev)) return NULL;
    bool good =
        part ? load_part(ev, instance, part, site) : orm_instance_refresh(ev, instance, only, false, NULL, site);
    if (!good) return NULL;
    Value *found = instance_get(&instance->head.head, property->key);
    return found ? found : value_unknown_at(ev, site);
}

/* Does a column stand for a key of the mapper: its own, or that of a joined table that repeats it? */
static bool is_key_of(const Mapper *mapper, const Element *column) {
    if (list_has(&mapper->primary_key, column)) return true;
    for (int i = 0; i < mapper->properties.count; i++) {
        const Property *property = mapper->properties.entries[i].value;
        if (!mapper->properties.entries[i].key || property->kind != PROPERTY_COLUMN) continue;
        bool key = false;
        for (int j = 0; j < property->columns.count; j++)
            key |= list_has(&mapper->primary_key, property->columns.items[j]);
        if (key && list_has(&property->columns, column)) return true;
    }
    return false;
}

bool relationship_uses_get(const Relationship *relationship) {
    if (relationship->direction != MANY_TO_ONE || relationship->pairs.count != relationship->target->primary_key.count)
        return false;
    for (int i = 0; i < relationship->pairs.count; i++)
        if (!is_key_of(relationship->target, relationship->pairs.items[i].to)) return false;
    return relationship->primaryjoin->kind == EL_BINARY || relationship->pairs.count > 1;
}

static Select *relationship_select(Evaluator *ev, Relationship *relationship) {
    Select *select = select_new(ev);
    select->head.label_style = LABEL_TABLENAME_PLUS_COL;
    select_add_column(ev, select, entity_element(ev, relationship->target_entity));
    if (relationship->secondary) {
        element_list_push(ev, &select->from, relationship->target_entity->selectable);
        element_list_push(ev, &select->from, relationship->secondary);
    }
    return select;
}

/* Where what is loaded lazily stands: below the place at which its owner was loaded. What the path has passed already
 * is not loaded eagerly again. */
static EntityPlan *lazy_path(Evaluator *ev, OrmInstance *instance, Relationship *relationship) {
    const EntityPlan *above = instance->plan;
    EntityPlan *plan = ARENA_NEW(evaluator_arena(ev), EntityPlan);
    int depth = above ? above->depth : 0;
    plan->path = ARENA_ARRAY(evaluator_arena(ev), AttributeValue *, depth + 1);
    for (int i = 0; i < depth; i++) plan->path[i] = above->path[i];
    Entity *entity = above && above->entity ? above->entity : mapper_entity(ev, instance->mapper);
    plan->path[depth] = attribute_new(ev, entity, relationship->property);
    plan->depth = depth + 1;
    return plan;
}

/* The options of the statement that loaded the owner hold for what it loads later. */
static Element *with_instance_options(Evaluator *ev, const OrmInstance *instance, Element *statement) {
    const OrmOptions *options = instance->options;
    int count = options ? options->count : 0, kept = 0;
    Value **items = ARENA_ARRAY(evaluator_arena(ev), Value *, count + 1);
    for (int i = 0; i < count; i++) {
        bool criteria = options->items[i]->type == &orm_criteria_type;
        if (!criteria || ((CriteriaOption *)options->items[i])->propagate) items[kept++] = options->items[i];
    }
    return kept ? statement_with_options(ev, statement, items, kept) : statement;
}

static Value *load_relationship(Evaluator *ev, OrmInstance *instance, Relationship *relationship, const Node *site) {
    if (!relationship->target_entity) return value_unknown_at(ev, site); /* of a class that is not given */
    if (instance->session && !session_autoflush(ev, instance->session, site)) return NULL;
    session_begin(ev, instance->session, site);
    Value *self = &instance->head.head;
    Select *select = relationship_select(ev, relationship);
    Value **identity = NULL;
    if (relationship_uses_get(relationship)) {
        Mapper *target = relationship->target;
        identity = ARENA_ARRAY(evaluator_arena(ev), Value *, target->primary_key.count + 1);
        bool null = false;
        for (int i = 0; i < target->primary_key.count; i++)
            for (int j = 0; j < relationship->pairs.count; j++) {
                if (!element_same(relationship->pairs.items[j].to, target->primary_key.items[i])) continue;
                identity[i] =
                    instance_column_value(ev, self, instance->mapper, relationship->pairs.items[j].from, site);
                if (!identity[i]) return NULL;
                null |= value_is_none(identity[i]);
            }
        if (null) return value_none(ev);
        OrmInstance *known = session_find(ev, instance->session, target, identity);
        if (known) return &known->head.head;
        if (!key_criteria(ev, target, identity, select, site)) return NULL;
    } else {
        Element *clause = relationship_lazy_clause(ev, relationship, self, NULL, false, site);
        if (!clause) return NULL;
        select_add_where(ev, select, clause);
        for (int i = 0; i < relationship->order_by.count; i++)
            element_list_push(ev, &select->head.order_by, relationship->order_by.items[i]);
    }
    ResultValue *result = result_new(ev, site);
    Loading loading = {
        .ev = ev, .session = instance->session, .site = site, .real = evaluator_has_rows(ev), .identity = identity};
    Value *meanwhile = instance_get(self, relationship->property->key);
    if (meanwhile) return meanwhile; /* the key was expired, and came with the relationship */
    RowPlan plan = {0};
    Element *statement = with_instance_options(ev, instance, &select->head.head.base);
    if (!loading_run(&loading, statement, lazy_path(ev, instance, relationship), &plan, result)) return NULL;
    if (!loading.real) evaluator_execute(ev, &loading.statements, site);
    if (evaluator_error_pending(ev)) return NULL;
    if (!relationship->uselist) return result_first(ev, result, true);
    CollectionValue *collection = collection_new(ev, instance, relationship);
    for (int i = 0; result->rows && i < result->rows->count; i++)
        list_append(ev, &collection->list, ((RowValue *)result->rows->items[i])->items->items[0]);
    if (!result->rows) {
        collection->list.open = true;
        collection->element = result->sample->items->items[0];
    }
    return &collection->list.head;
}

Value *instance_lazy_load(Evaluator *ev, OrmInstance *instance, Property *property, const Node *site) {
    if (property->kind == PROPERTY_COLUMN) return load_column(ev, instance, property, site);
    Relationship *relationship = property->relationship;
    EntityPlan empty = {.entity = mapper_entity(ev, instance->mapper), .mapper = instance->mapper};
    EntityPlan *plan = instance->plan ? instance->plan : &empty;
    LoadStep *step = options_find(instance->options, plan, property);
    bool raises = step ? step->kind == LOAD_RAISE : relationship->lazy == LAZY_RAISE;
    if (raises)
        return sa_raise(ev, SA_INVALID_REQUEST_ERROR, site, "'%s.%s' is not available due to lazy='raise'",
                        instance->mapper->cls->name->text.start, property->key->text.start);
    Value *value;
    const FunctionValue *function = evaluator_function(ev);
    bool noload = step ? step->kind == LOAD_NOLOAD : relationship->lazy == LAZY_NOLOAD;
    if (noload || (!instance->session && function && function->is_async)) {
        if (!relationship->uselist) value = value_none(ev);
        else {
            CollectionValue *collection = collection_new(ev, instance, relationship);
            if (!noload) {
                collection->list.open = true;
                collection->element = orm_unknown_instance(ev, relationship->target->cls, property->key->text, site);
            }
            value = &collection->list.head;
        }
        if (!noload && !relationship->uselist)
            value = orm_unknown_instance(ev, relationship->target->cls, property->key->text, site);
    } else {
        if (refuse_async(ev, instance, property, site)) return NULL;
        value = load_relationship(ev, instance, relationship, site);
    }
    if (value) instance_load(ev, instance, property->key, value);
    return value;
}
