/*
 * Session, AsyncSession, sessionmaker and scoped_session.
 *
 * Input: the program's calls. Output: executed statements, the state of instances, transaction statements.
 * Invariants: every statement of a session comes after its BEGIN; commit flushes first and, unless expire_on_commit is
 * off, leaves every instance expired; leaving `with session` rolls back what was not committed.
 * Example: session.add(user); session.commit() -> BEGIN, INSERT, COMMIT.
 */
#include "compiler/sqlalchemy/orm_load.h"

typedef struct SessionMaker {
    Instance head;
    bool is_async, expire_on_commit, autoflush, scoped;
    Session *session; /* scoped: the one session */
} SessionMaker;

Session *session_new(Evaluator *ev, bool is_async) {
    OrmState *state = orm_state(ev);
    Session *made = instance_allocate(ev, is_async ? state->async_session : state->session, sizeof *made);
    made->is_async = is_async;
    made->autoflush = made->expire_on_commit = true;
    made->instances = value_list(ev);
    return made;
}

bool orm_emit_plain(Evaluator *ev, StatementKind kind, const char *text, const Node *site) {
    StatementList list = {0};
    Statement statement = {.kind = kind, .sql = slice_from(text)};
    ARENA_PUSH(evaluator_arena(ev), list.items, list.count, list.capacity) = statement;
    evaluator_execute(ev, &list, site);
    return !evaluator_error_pending(ev);
}

void session_begin(Evaluator *ev, Session *session, const Node *site) {
    if (!session || session->began) return;
    evaluator_touch(ev, session, sizeof *session);
    session->began = true;
    orm_emit_plain(ev, STATEMENT_BEGIN, "BEGIN", site);
}

void session_attach(Evaluator *ev, Session *session, OrmInstance *instance) {
    if (instance->session == session) return;
    evaluator_touch(ev, instance, sizeof *instance);
    evaluator_touch(ev, session, sizeof *session);
    instance->session = session;
    instance->order = session->next_order++;
    instance->repeated = list_grows_unknown(ev, session->instances);
    if (instance->status == INSTANCE_TRANSIENT) instance->status = INSTANCE_PENDING;
    else if (instance->status == INSTANCE_DETACHED) instance->status = INSTANCE_PERSISTENT;
    list_append(ev, session->instances, &instance->head.head);
}

OrmInstance *session_instance_argument(Evaluator *ev, const Arguments *arguments) {
    Value *value = arguments->count           ? arguments->items[0]
                   : arguments->keyword_count ? arguments->keywords[0].value
                                              : NULL;
    OrmInstance *instance = value_as_instance(value);
    if (instance && instance->mapper) return instance;
    if (value && value_is_unknown(value)) return NULL;
    sa_raise(ev, SA_INVALID_REQUEST_ERROR, arguments->site, "Class '%s' is not mapped",
             value ? value->cls->name->text.start : "?");
    return NULL;
}

/* ---- add, delete, expire ---- */

static Value *session_add(Evaluator *ev, Value *self, const Arguments *arguments) {
    OrmInstance *instance = session_instance_argument(ev, arguments);
    if (instance) instance_cascade_add(ev, (Session *)self, instance, 0);
    return evaluator_error_pending(ev) ? NULL : value_none(ev);
}

static void add_one_of_all(Evaluator *ev, Session *session, Value *value, bool repeated) {
    OrmInstance *instance = value_as_instance(value);
    if (!instance || !instance->mapper) return;
    instance_cascade_add(ev, session, instance, 0);
    evaluator_touch(ev, instance, sizeof *instance);
    instance->repeated |= repeated;
}

static Value *session_add_all(Evaluator *ev, Value *self, const Arguments *arguments) {
    Value *given = arguments->count           ? arguments->items[0]
                   : arguments->keyword_count ? arguments->keywords[0].value
                                              : NULL;
    Value *items = given ? value_iterate(ev, given, arguments->site) : NULL;
    if (!items) return NULL;
    if (value_is_unknown(items)) {
        add_one_of_all(ev, (Session *)self, ((UnknownValue *)items)->element, true);
        return value_none(ev);
    }
    const ListValue *list = (const ListValue *)items;
    for (int i = 0; i < list->count; i++) add_one_of_all(ev, (Session *)self, list->items[i], list->open);
    return value_none(ev);
}

/* session.delete() loads what its cascade goes through, at once. */
static bool delete_cascade(Evaluator *ev, Session *session, OrmInstance *instance, const Node *site, int depth) {
    if (instance->marked_deleted || depth > 60) return true;
    session_attach(ev, session, instance);
    if (instance->status == INSTANCE_DETACHED) instance->status = INSTANCE_PERSISTENT;
    evaluator_touch(ev, instance, sizeof *instance);
    instance->marked_deleted = true;
    session->flushing = true; /* what the cascade loads is loaded before anything is deleted */
    AtomMap *properties = &instance->mapper->properties;
    bool inside = session->sync_inside;
    for (int i = 0; i < properties->count; i++) {
        Property *property = properties->entries[i].value;
        if (!properties->entries[i].key || property->kind != PROPERTY_RELATIONSHIP) continue;
        Relationship *relationship = property->relationship;
        if (!relationship->cascade_delete || relationship->viewonly) continue;
        if (relationship->passive_deletes && !instance_get(&instance->head.head, property->key)) continue;
        session->sync_inside = true;
        Value *value = instance_attribute(ev, instance, property->key, site);
        session->sync_inside = inside;
        if (!value) return false;
        value = value_resolve(value);
        if (value_is_unknown(value) && ((UnknownValue *)value)->present) value = ((UnknownValue *)value)->present;
        OrmInstance *other = value_as_instance(value);
        if (other && !delete_cascade(ev, session, other, site, depth + 1)) return false;
        if (value->type != &orm_collection_type) continue;
        CollectionValue *collection = (CollectionValue *)value;
        int total = collection->list.count + (collection->list.open && collection->element ? 1 : 0);
        for (int j = 0; j < total; j++) {
            other = value_as_instance(j < collection->list.count ? collection->list.items[j] : collection->element);
            if (other && !delete_cascade(ev, session, other, site, depth + 1)) return false;
        }
    }
    return true;
}

static Value *session_delete(Evaluator *ev, Value *self, const Arguments *arguments) {
    OrmInstance *instance = session_instance_argument(ev, arguments);
    if (!instance) return evaluator_error_pending(ev) ? NULL : value_none(ev);
    if (instance->status == INSTANCE_TRANSIENT || instance->status == INSTANCE_PENDING)
        return sa_raise(ev, SA_INVALID_REQUEST_ERROR, arguments->site, "Instance '<%s>' is not persisted",
                        instance->mapper->cls->name->text.start);
    Session *session = (Session *)self;
    bool flushing = session->flushing;
    bool good = delete_cascade(ev, session, instance, arguments->site, 0);
    session->flushing = flushing;
    return good ? value_none(ev) : NULL;
}

static void expire_everything(Evaluator *ev, Session *session) {
    for (int i = 0; i < session->instances->count; i++) {
        OrmInstance *instance = value_as_instance(session->instances->items[i]);
        if (instance->session == session && instance->status == INSTANCE_PERSISTENT)
            instance_expire(ev, instance, NULL);
    }
}

static Value *session_expire_all(Evaluator *ev, Value *self, const Arguments *arguments) {
    (void)arguments;
    expire_everything(ev, (Session *)self);
    return value_none(ev);
}

static Value *session_expunge(Evaluator *ev, Value *self, const Arguments *arguments) {
    Session *session = (Session *)self;
    OrmInstance *only = arguments->count ? value_as_instance(arguments->items[0]) : NULL;
    for (int i = 0; i < session->instances->count; i++) {
        OrmInstance *instance = value_as_instance(session->instances->items[i]);
        if (instance->session != session || (only && instance != only)) continue;
        evaluator_touch(ev, instance, sizeof *instance);
        instance->session = NULL;
        instance->status = instance->status == INSTANCE_PENDING ? INSTANCE_TRANSIENT : INSTANCE_DETACHED;
    }
    return value_none(ev);
}

/* ---- flush, commit, rollback ---- */

static Value *session_call_flush(Evaluator *ev, Value *self, const Arguments *arguments) {
    return session_flush(ev, (Session *)self, arguments->site) ? value_none(ev) : NULL;
}

static bool session_end(Evaluator *ev, Session *session, bool commit, const Node *site) {
    if (commit && !session_flush(ev, session, site)) return false;
    bool began = session->began;
    evaluator_touch(ev, session, sizeof *session);
    session->began = false;
    if (began &&
        !orm_emit_plain(ev, commit ? STATEMENT_COMMIT : STATEMENT_ROLLBACK, commit ? "COMMIT" : "ROLLBACK", site))
        return false;
    if (commit && session->expire_on_commit) expire_everything(ev, session);
    if (commit) return true;
    for (int i = 0; i < session->instances->count; i++) {
        OrmInstance *instance = value_as_instance(session->instances->items[i]);
        if (instance->session != session) continue;
        evaluator_touch(ev, instance, sizeof *instance);
        instance->marked_deleted = false;
        if (instance->status == INSTANCE_PENDING) {
            instance->session = NULL;
            instance->status = INSTANCE_TRANSIENT;
        } else if (instance->status == INSTANCE_PERSISTENT) {
            instance_expire(ev, instance, NULL);
        }
    }
    return true;
}

static Value *session_commit(Evaluator *ev, Value *self, const Arguments *arguments) {
    return session_end(ev, (Session *)self, true, arguments->site) ? value_none(ev) : NULL;
}

static Value *session_rollback(Evaluator *ev, Value *self, const Arguments *arguments) {
    return session_end(ev, (Session *)self, false, arguments->site) ? value_none(ev) : NULL;
}

static bool session_finish(Evaluator *ev, Session *session, const Node *site) {
    if (session->began) {
        evaluator_touch(ev, session, sizeof *session);
        session->began = false;
        if (!orm_emit_plain(ev, STATEMENT_ROLLBACK, "ROLLBACK", site)) return false;
    }
    Arguments none = {.site = site};
    return session_expunge(ev, &session->head.head, &none) != NULL;
}

static Value *session_close(Evaluator *ev, Value *self, const Arguments *arguments) {
    return session_finish(ev, (Session *)self, arguments->site) ? value_none(ev) : NULL;
}

/* session.begin(), session.begin_nested(): what `with` enters */
typedef struct TransactionValue {
    Instance head;
    Session *session;
    bool nested, closes, entered;
    int number;
    ListValue *updated, *inserted; /* of the savepoint around this one */
} TransactionValue;

static Value *transaction_enter(Evaluator *ev, Value *self, const Node *site) {
    TransactionValue *transaction = (TransactionValue *)self;
    session_begin(ev, transaction->session, site);
    if (transaction->nested && !transaction->entered) {
        if (!session_flush(ev, transaction->session, site)) return NULL;
        evaluator_touch(ev, transaction->session, sizeof *transaction->session);
        transaction->number = ++transaction->session->begin_depth;
        evaluator_touch(ev, transaction, sizeof *transaction);
        transaction->updated = transaction->session->updated;
        transaction->inserted = transaction->session->inserted;
        transaction->session->updated = value_list(ev);
        transaction->session->inserted = value_list(ev);
        const char *text = slice_terminated(
            evaluator_arena(ev), slice_format(evaluator_arena(ev), "SAVEPOINT sa_savepoint_%d", transaction->number));
        if (!orm_emit_plain(ev, STATEMENT_SAVEPOINT, text, site)) return NULL;
    }
    return transaction->closes ? &transaction->session->head.head : self;
}

/* What was written since the savepoint is not there any more: new instances are transient again, others expired. */
static void savepoint_forget(Evaluator *ev, Session *session) {
    for (int i = 0; i < session->inserted->count; i++) {
        OrmInstance *instance = value_as_instance(session->inserted->items[i]);
        evaluator_touch(ev, instance, sizeof *instance);
        instance->session = NULL;
        instance->status = INSTANCE_TRANSIENT;
        instance->identity = NULL;
    }
    for (int i = 0; i < session->updated->count; i++)
        instance_expire(ev, value_as_instance(session->updated->items[i]), NULL);
    for (int i = 0; i < session->instances->count; i++) {
        OrmInstance *instance = value_as_instance(session->instances->items[i]);
        bool modified = instance->session == session && instance_is_modified(instance);
        if (modified && instance->status == INSTANCE_PERSISTENT) instance_expire(ev, instance, NULL);
    }
}

static void savepoint_close(Evaluator *ev, TransactionValue *transaction, bool failed) {
    Session *session = transaction->session;
    if (!session->updated) return;
    if (failed) savepoint_forget(ev, session);
    for (int i = 0; !failed && transaction->updated && i < session->updated->count; i++)
        list_append(ev, transaction->updated, session->updated->items[i]);
    for (int i = 0; !failed && transaction->inserted && i < session->inserted->count; i++)
        list_append(ev, transaction->inserted, session->inserted->items[i]);
    evaluator_touch(ev, session, sizeof *session);
    session->updated = transaction->updated;
    session->inserted = transaction->inserted;
}

static bool transaction_end(Evaluator *ev, TransactionValue *transaction, bool failed, const Node *site) {
    if (!transaction->nested) return session_end(ev, transaction->session, !failed, site);
    if (!failed && !session_flush(ev, transaction->session, site)) return false;
    const char *text =
        slice_terminated(evaluator_arena(ev), slice_format(evaluator_arena(ev), "%s SAVEPOINT sa_savepoint_%d",
                                                           failed ? "ROLLBACK TO" : "RELEASE", transaction->number));
    savepoint_close(ev, transaction, failed);
    return orm_emit_plain(ev, failed ? STATEMENT_ROLLBACK : STATEMENT_RELEASE, text, site);
}

static bool transaction_leave(Evaluator *ev, Value *self, bool failed, const Node *site) {
    TransactionValue *transaction = (TransactionValue *)self;
    bool good = transaction_end(ev, transaction, failed, site);
    return transaction->closes ? session_finish(ev, transaction->session, site) && good : good;
}

static Value *transaction_await(Evaluator *ev, Value *self, const Node *site) {
    TransactionValue *transaction = (TransactionValue *)self;
    bool closes = transaction->closes;
    transaction->closes = false;
    Value *result = transaction_enter(ev, self, site);
    transaction->closes = closes;
    return result;
}

static const Type transaction_type = {.name = "SessionTransaction",
                                      .kind = VALUE_NATIVE,
                                      .enter = transaction_enter,
                                      .leave = transaction_leave,
                                      .await = transaction_await,
                                      .has_attributes = true};

static Value *transaction_call_end(Evaluator *ev, Value *self, const Arguments *arguments) {
    bool failed = evaluator_native_data(ev) != NULL;
    return transaction_end(ev, (TransactionValue *)self, failed, arguments->site) ? value_none(ev) : NULL;
}

static const NativeMethod transaction_methods[] = {{"commit", transaction_call_end, NATIVE_METHOD, NULL},
                                                   {"rollback", transaction_call_end, NATIVE_METHOD, "rollback"},
                                                   {0}};

static Value *session_call_begin(Evaluator *ev, Value *self, const Arguments *arguments) {
    TransactionValue *made = instance_allocate(ev, orm_state(ev)->transaction, sizeof *made);
    made->session = (Session *)self;
    made->nested = evaluator_native_data(ev) != NULL;
    if (!made->session->is_async && made->nested && !transaction_enter(ev, &made->head.head, arguments->site))
        return NULL;
    if (!made->session->is_async && made->nested) made->entered = true;
    return &made->head.head;
}

/* ---- queries ---- */

static OrmOptions *options_argument(Evaluator *ev, const Arguments *arguments) {
    Value *given = arguments_keyword(arguments, orm_atom(ev, "options"));
    if (!given || (!value_is(given, VALUE_LIST) && !value_is(given, VALUE_TUPLE))) return NULL;
    OrmOptions *made = ARENA_NEW(evaluator_arena(ev), OrmOptions);
    made->items = ((ListValue *)given)->items;
    made->count = made->capacity = ((ListValue *)given)->count;
    return made;
}

static Value *session_get(Evaluator *ev, Value *self, const Arguments *arguments) {
    Session *session = (Session *)self;
    Value *cls = arguments->count ? arguments->items[0] : arguments_keyword(arguments, orm_atom(ev, "entity"));
    Value *key = arguments->count > 1 ? arguments->items[1] : arguments_keyword(arguments, orm_atom(ev, "ident"));
    Entity *entity = cls ? orm_entity(ev, cls) : NULL;
    if (evaluator_error_pending(ev)) return NULL;
    if (!entity || !key) return value_unknown_at(ev, arguments->site);
    session_begin(ev, session, arguments->site);
    Value *populate = arguments_keyword(arguments, orm_atom(ev, "populate_existing"));
    ReadOptions read = {options_argument(ev, arguments), arguments_keyword(arguments, orm_atom(ev, "with_for_update")),
                        populate && value_is_true(populate)};
    Value *found = session_get_instance(ev, session, entity, key, &read, arguments->site);
    bool required = evaluator_native_data(ev) != NULL;
    if (!found || !required) return found;
    if (value_is_none(found))
        return sa_raise(ev, SA_NO_RESULT_FOUND, arguments->site, "No row was found when one was required");
    return value_is_unknown(found) && ((UnknownValue *)found)->present ? ((UnknownValue *)found)->present : found;
}

static Value *session_execute(Evaluator *ev, Value *self, const Arguments *arguments) {
    Value *statement = arguments->count ? arguments->items[0] : arguments_keyword(arguments, orm_atom(ev, "statement"));
    Value *parameters =
        arguments->count > 1 ? arguments->items[1] : arguments_keyword(arguments, orm_atom(ev, "params"));
    if (!statement)
        return evaluator_raise_id(ev, EXCEPTION_TYPE, arguments->site,
                                  "execute() missing 1 required positional argument: 'statement'");
    Session *session = (Session *)self;
    Value *options = arguments_keyword(arguments, orm_atom(ev, "execution_options"));
    ResultValue *result =
        (ResultValue *)session_execute_statement(ev, session, statement, parameters, options, arguments->site);
    if (!result || result->head.head.type != &orm_result_type) return (Value *)result;
    const char *mode = evaluator_native_data(ev);
    const RowValue *row = result->sample                        ? result->sample
                          : result->rows && result->rows->count ? (RowValue *)result->rows->items[0]
                                                                : NULL;
    bool single = mode && *mode == 'e' && row && row->count == 1; /* SQLModel's exec() of one entity */
    if (single || (mode && *mode == 's')) result->shape = RESULT_SCALARS;
    if (mode && *mode == '1') return result_first(ev, result, true);
    return &result->head.head;
}

static Value *session_query(Evaluator *ev, Value *self, const Arguments *arguments) {
    return orm_query_new(ev, (Session *)self, arguments->items, arguments->count, arguments->site);
}

static Value *session_run_sync(Evaluator *ev, Value *self, const Arguments *arguments) {
    if (!arguments->count) return NULL;
    Session *session = (Session *)self;
    Arguments rest = *arguments;
    rest.items = ARENA_ARRAY(evaluator_arena(ev), Value *, arguments->count);
    for (int i = 1; i < arguments->count; i++) rest.items[i] = arguments->items[i];
    rest.items[0] = self;
    bool inside = session->sync_inside;
    session->sync_inside = true;
    Value *result = value_call(ev, arguments->items[0], &rest);
    session->sync_inside = inside;
    return result;
}

/* Objects as rows: only what is set on them is written, nothing is read back. */
static Value *session_bulk_save(Evaluator *ev, Value *self, const Arguments *arguments) {
    Value *items = arguments->count ? value_iterate(ev, arguments->items[0], arguments->site) : NULL;
    if (!items || value_is_unknown(items)) return items ? session_add_all(ev, self, arguments) : NULL;
    for (int i = 0; i < ((ListValue *)items)->count;) {
        OrmInstance *first = value_as_instance(((ListValue *)items)->items[i]);
        if (!first) return value_none(ev);
        ListValue *rows = value_list(ev);
        for (; i < ((ListValue *)items)->count; i++) {
            OrmInstance *instance = value_as_instance(((ListValue *)items)->items[i]);
            if (!instance || instance->mapper != first->mapper || instance->status != first->status) break;
            DictValue *row = value_dict(ev);
            AtomMap *properties = &instance->mapper->properties;
            for (int j = 0; j < properties->count; j++) {
                Property *property = properties->entries[j].value;
                Value *value = properties->entries[j].key ? instance_get(&instance->head.head, property->key) : NULL;
                if (value && property->kind == PROPERTY_COLUMN)
                    dict_set(ev, row, value_atom(ev, property->key), value, NULL);
            }
            list_append(ev, rows, &row->head);
        }
        ElementKind kind = first->status == INSTANCE_PERSISTENT ? EL_UPDATE : EL_INSERT;
        Dml *dml = dml_new(ev, kind, first->mapper->local_table);
        if (!session_execute_statement(ev, (Session *)self, (Value *)dml, &rows->head, NULL, arguments->site))
            return NULL;
    }
    return value_none(ev);
}

static Value *session_bulk(Evaluator *ev, Value *self, const Arguments *arguments) {
    const char *mode = evaluator_native_data(ev);
    if (*mode == 'o') return session_bulk_save(ev, self, arguments);
    if (arguments->count < 2) return value_none(ev);
    Entity *entity = orm_entity(ev, arguments->items[0]);
    if (!entity) return evaluator_error_pending(ev) ? NULL : value_none(ev);
    Dml *dml = dml_new(ev, *mode == 'i' ? EL_INSERT : EL_UPDATE, entity->mapper->local_table);
    Value *done =
        session_execute_statement(ev, (Session *)self, (Value *)dml, arguments->items[1], NULL, arguments->site);
    return done ? value_none(ev) : NULL;
}

static Value *session_nothing(Evaluator *ev, Value *self, const Arguments *arguments) {
    (void)self;
    (void)arguments;
    return value_none(ev);
}

static Value *session_self(Evaluator *ev, Value *self, const Arguments *arguments) {
    (void)ev;
    (void)arguments;
    return self;
}

static Value *session_in_transaction(Evaluator *ev, Value *self, const Arguments *arguments) {
    (void)arguments;
    return value_bool(ev, ((Session *)self)->began);
}

static Value *session_instances(Evaluator *ev, Value *self, const Arguments *arguments) {
    (void)arguments;
    const char *which = evaluator_native_data(ev);
    Session *session = (Session *)self;
    ListValue *list = value_list(ev);
    for (int i = 0; i < session->instances->count; i++) {
        OrmInstance *instance = value_as_instance(session->instances->items[i]);
        if (instance->session != session) continue;
        bool wanted = *which == 'n'   ? instance->status == INSTANCE_PENDING
                      : *which == 'x' ? instance->marked_deleted
                                      : instance->status == INSTANCE_PERSISTENT && instance_is_modified(instance);
        if (wanted) list_append(ev, list, &instance->head.head);
    }
    return &list->head;
}

static Value *session_is_modified(Evaluator *ev, Value *self, const Arguments *arguments) {
    (void)self;
    const OrmInstance *instance = session_instance_argument(ev, arguments);
    if (!instance) return evaluator_error_pending(ev) ? NULL : value_unknown_at(ev, arguments->site);
    return value_bool(ev, instance_is_modified(instance));
}

/* with session.no_autoflush: … */
typedef struct NoAutoflush {
    Value head;
    Session *session;
    bool before;
} NoAutoflush;

static Value *no_autoflush_enter(Evaluator *ev, Value *self, const Node *site) {
    (void)site;
    NoAutoflush *block = (NoAutoflush *)self;
    evaluator_touch(ev, block->session, sizeof *block->session);
    block->before = block->session->autoflush;
    block->session->autoflush = false;
    return &block->session->head.head;
}

static bool no_autoflush_leave(Evaluator *ev, Value *self, bool failed, const Node *site) {
    (void)failed;
    (void)site;
    NoAutoflush *block = (NoAutoflush *)self;
    evaluator_touch(ev, block->session, sizeof *block->session);
    block->session->autoflush = block->before;
    return true;
}

static const Type no_autoflush_type = {
    .name = "no_autoflush", .kind = VALUE_NATIVE, .enter = no_autoflush_enter, .leave = no_autoflush_leave};

static Value *session_no_autoflush(Evaluator *ev, Value *self, const Arguments *arguments) {
    (void)arguments;
    NoAutoflush *made = ARENA_NEW(evaluator_arena(ev), NoAutoflush);
    *made = (NoAutoflush){{&no_autoflush_type, evaluator_object_class(ev)}, (Session *)self, true};
    return &made->head;
}

static Value *session_contains(Evaluator *ev, Value *self, Value *item, const Node *site) {
    (void)site;
    const OrmInstance *instance = value_as_instance(item);
    return value_bool(ev, instance && instance->session == (Session *)self);
}

static const NativeMethod session_methods[] = {
    {"add", session_add, NATIVE_METHOD, NULL},
    {"add_all", session_add_all, NATIVE_METHOD, NULL},
    {"delete", session_delete, NATIVE_METHOD, NULL},
    {"expire", session_expire, NATIVE_METHOD, NULL},
    {"expire_all", session_expire_all, NATIVE_METHOD, NULL},
    {"expunge", session_expunge, NATIVE_METHOD, NULL},
    {"expunge_all", session_expunge, NATIVE_METHOD, NULL},
    {"merge", session_merge, NATIVE_METHOD, NULL},
    {"flush", session_call_flush, NATIVE_METHOD, NULL},
    {"commit", session_commit, NATIVE_METHOD, NULL},
    {"rollback", session_rollback, NATIVE_METHOD, NULL},
    {"close", session_close, NATIVE_METHOD, NULL},
    {"aclose", session_close, NATIVE_METHOD, NULL},
    {"remove", session_close, NATIVE_METHOD, NULL},
    {"begin", session_call_begin, NATIVE_METHOD, NULL},
    {"begin_nested", session_call_begin, NATIVE_METHOD, "nested"},
    {"get", session_get, NATIVE_METHOD, NULL},
    {"get_one", session_get, NATIVE_METHOD, "one"},
    {"refresh", session_refresh, NATIVE_METHOD, NULL},
    {"execute", session_execute, NATIVE_METHOD, NULL},
    {"exec", session_execute, NATIVE_METHOD, "e"},
    {"scalars", session_execute, NATIVE_METHOD, "s"},
    {"scalar", session_execute, NATIVE_METHOD, "1"},
    {"stream", session_execute, NATIVE_METHOD, NULL},
    {"stream_scalars", session_execute, NATIVE_METHOD, "s"},
    {"query", session_query, NATIVE_METHOD, NULL},
    {"run_sync", session_run_sync, NATIVE_METHOD, NULL},
    {"bulk_save_objects", session_bulk, NATIVE_METHOD, "o"},
    {"bulk_insert_mappings", session_bulk, NATIVE_METHOD, "i"},
    {"bulk_update_mappings", session_bulk, NATIVE_METHOD, "u"},
    {"is_modified", session_is_modified, NATIVE_METHOD, NULL},
    {"in_transaction", session_in_transaction, NATIVE_METHOD, NULL},
    {"connection", session_self, NATIVE_METHOD, NULL},
    {"invalidate", session_nothing, NATIVE_METHOD, NULL},
    {"reset", session_close, NATIVE_METHOD, NULL},
    {"new", session_instances, NATIVE_PROPERTY, "n"},
    {"dirty", session_instances, NATIVE_PROPERTY, "d"},
    {"deleted", session_instances, NATIVE_PROPERTY, "x"},
    {"sync_session", session_self, NATIVE_PROPERTY, NULL},
    {"no_autoflush", session_no_autoflush, NATIVE_PROPERTY, NULL},
    {0},
};

static Value *session_enter(Evaluator *ev, Value *self, const Node *site) {
    (void)ev;
    (void)site;
    return self;
}

static bool session_leave(Evaluator *ev, Value *self, bool failed, const Node *site) {
    (void)failed;
    return session_finish(ev, (Session *)self, site);
}

static Value *session_call(Evaluator *ev, Value *self, const Arguments *arguments) {
    (void)ev;
    (void)arguments;
    return self; /* scoped_session()() */
}

static const Type orm_session_type = {.name = "Session",
                                      .kind = VALUE_NATIVE,
                                      .enter = session_enter,
                                      .leave = session_leave,
                                      .call = session_call,
                                      .contains = session_contains,
                                      .has_attributes = true};

/* ---- making sessions ---- */

static void maker_read(Evaluator *ev, SessionMaker *maker, const Arguments *arguments) {
    for (int i = 0; i < arguments->keyword_count; i++) {
        Slice name = arguments->keywords[i].name->text;
        Value *value = arguments->keywords[i].value;
        bool off = value_is(value, VALUE_BOOL) && !value_is_true(value);
        if (slice_equals_text(name, "expire_on_commit")) maker->expire_on_commit = !off;
        else if (slice_equals_text(name, "autoflush")) maker->autoflush = !off;
        else if (slice_equals_text(name, "class_") && value_is(value, VALUE_CLASS))
            maker->is_async = class_is_subclass((Class *)value, orm_state(ev)->async_session);
        else if (slice_equals_text(name, "class_")) maker->is_async = false;
    }
}

static Session *maker_session(Evaluator *ev, const SessionMaker *maker) {
    Session *session = session_new(ev, maker->is_async);
    session->expire_on_commit = maker->expire_on_commit;
    session->autoflush = maker->autoflush;
    return session;
}

static Value *session_create(Evaluator *ev, Class *cls, const Arguments *arguments) {
    bool is_async = class_is_subclass(cls, orm_state(ev)->async_session);
    SessionMaker options = {.is_async = is_async, .expire_on_commit = true, .autoflush = true};
    maker_read(ev, &options, arguments);
    options.is_async = is_async;
    Session *session = maker_session(ev, &options);
    session->head.head.cls = cls;
    return &session->head.head;
}

static Value *session_unknown(Evaluator *ev, Class *cls, Slice text, const Node *node) {
    (void)text;
    (void)node;
    return &session_new(ev, class_is_subclass(cls, orm_state(ev)->async_session))->head.head;
}

static Value *session_init(Evaluator *ev, Value *self, const Arguments *arguments) {
    (void)self;
    (void)arguments;
    return value_none(ev);
}

static Value *maker_call(Evaluator *ev, Value *self, const Arguments *arguments) {
    SessionMaker *maker = (SessionMaker *)self;
    SessionMaker copy = *maker;
    maker_read(ev, &copy, arguments);
    if (!maker->scoped) return &maker_session(ev, &copy)->head.head;
    if (!maker->session) {
        evaluator_touch(ev, maker, sizeof *maker);
        maker->session = maker_session(ev, &copy);
    }
    return &maker->session->head.head;
}

static Value *maker_attribute(Evaluator *ev, Value *self, Atom name, const Node *site) {
    if (!((SessionMaker *)self)->scoped) return NULL;
    Arguments none = {.site = site};
    return value_find_attribute(ev, maker_call(ev, self, &none), name, site);
}

static const Type maker_type = {.name = "sessionmaker",
                                .kind = VALUE_NATIVE,
                                .call = maker_call,
                                .get_attribute = maker_attribute,
                                .has_attributes = true};

static Value *maker_begin(Evaluator *ev, Value *self, const Arguments *arguments) {
    Value *session = maker_call(ev, self, arguments);
    TransactionValue *made = instance_allocate(ev, orm_state(ev)->transaction, sizeof *made);
    made->session = (Session *)session;
    made->closes = true;
    return &made->head.head;
}

static Value *maker_configure(Evaluator *ev, Value *self, const Arguments *arguments) {
    evaluator_touch(ev, self, sizeof(SessionMaker));
    maker_read(ev, (SessionMaker *)self, arguments);
    return value_none(ev);
}

static const NativeMethod maker_methods[] = {
    {"configure", maker_configure, NATIVE_METHOD, NULL}, {"begin", maker_begin, NATIVE_METHOD, NULL}, {0}};

static Value *maker_create(Evaluator *ev, Class *cls, const Arguments *arguments) {
    SessionMaker *made = instance_allocate(ev, cls, sizeof *made);
    made->expire_on_commit = made->autoflush = true;
    made->is_async = class_is_subclass(cls, orm_state(ev)->async_maker);
    bool is_async = made->is_async;
    maker_read(ev, made, arguments);
    made->is_async |= is_async;
    if (cls == orm_state(ev)->scoped || class_is_subclass(cls, orm_state(ev)->scoped)) {
        made->scoped = true;
        if (arguments->count && arguments->items[0]->type == &maker_type) {
            const SessionMaker *inner = (SessionMaker *)arguments->items[0];
            made->expire_on_commit = inner->expire_on_commit;
            made->autoflush = inner->autoflush;
            made->is_async = inner->is_async;
        }
    }
    return &made->head.head;
}

static Value *call_object_session(Evaluator *ev, Value *self, const Arguments *arguments) {
    (void)self;
    OrmInstance *instance = arguments->count ? value_as_instance(arguments->items[0]) : NULL;
    return instance && instance->session ? &instance->session->head.head : value_none(ev);
}

/* ---- sessions that come from elsewhere ---- */

/*
 * A free name, parameter or attribute that is used as a session is one: one whose execute, scalars or commit is awaited
 * is an AsyncSession; without await its own name has to say so.
 */
Value *orm_adopt_unknown(Evaluator *ev, const UnknownValue *unknown, Atom attribute, const Node *site) {
    static const char *const methods[] = {
        "execute",        "scalars",      "scalar",  "commit",  "rollback", "flush",   "refresh", "add",
        "add_all",        "delete",       "get",     "merge",   "query",    "begin",   "stream",  "exec",
        "stream_scalars", "begin_nested", "get_one", "expunge", "close",    "run_sync"};
    const OrmState *state = orm_state(ev);
    if (!state->session || !state->mapper_count || unknown->known_class) return NULL;
    size_t which = 0;
    while (which < sizeof methods / sizeof *methods && !slice_equals_text(attribute->text, methods[which])) which++;
    if (which == sizeof methods / sizeof *methods) return NULL;
    Slice text = unknown->text, last = text;
    for (size_t i = 0; i < text.length; i++) {
        char c = text.start[i];
        bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '.';
        if (!plain) return NULL;
        if (c == '.') last = slice_sub(text, i + 1, text.length);
    }
    Span span = evaluator_span(ev, site);
    if (!span.source || slice_starts_with(text, "request.")) return NULL;
    const char *awaited =
        slice_terminated(evaluator_arena(ev), slice_format(evaluator_arena(ev), "await %.*s.", SLICE_ARGS(text)));
    bool named = slice_contains_ignoring_case(last, SLICE("session")) || slice_equals_text(last, "db");
    bool is_async = strstr(slice_terminated(evaluator_arena(ev), span.source->text), awaited) != NULL;
    if (!named && !(is_async && (which < 2 || which == 3))) return NULL;
    return &session_new(ev, is_async)->head.head;
}

Value *orm_guess_name(Evaluator *ev, Atom name, Slice method, bool awaited, const Node *site) {
    (void)name;
    (void)site;
    const OrmState *state = orm_state(ev);
    if (!awaited || !state->session || !state->mapper_count) return NULL;
    bool session = slice_equals_text(method, "execute") || slice_equals_text(method, "scalars") ||
                   slice_equals_text(method, "commit");
    return session ? &session_new(ev, true)->head.head : NULL;
}

void sessions_define(Evaluator *ev, ModuleValue *orm, ModuleValue *async_module) {
    OrmState *state = orm_state(ev);
    NativeClass session = {.name = "Session",
                           .instance_type = &orm_session_type,
                           .methods = session_methods,
                           .create = session_create,
                           .unknown_instance = session_unknown};
    state->session = module_define_class(ev, orm, &session, NULL);
    Value *init = value_native_function(ev, "__init__", session_init, NULL);
    ((NativeFunctionValue *)init)->is_method = true;
    atom_map_set(&state->session->names, orm_atom(ev, "__init__"), init);
    NativeClass async_session = {.name = "AsyncSession"};
    state->async_session = module_define_class(ev, async_module, &async_session, state->session);
    NativeClass maker = {
        .name = "sessionmaker", .instance_type = &maker_type, .methods = maker_methods, .create = maker_create};
    state->session_maker = module_define_class(ev, orm, &maker, NULL);
    maker = (NativeClass){.name = "async_sessionmaker"};
    state->async_maker = module_define_class(ev, async_module, &maker, state->session_maker);
    maker.name = "scoped_session";
    state->scoped = module_define_class(ev, orm, &maker, state->session_maker);
    module_define(ev, async_module, "async_scoped_session", &state->scoped->head);
    NativeClass transaction = {
        .name = "SessionTransaction", .instance_type = &transaction_type, .methods = transaction_methods};
    state->transaction = module_define_class(ev, orm, &transaction, NULL);
    module_define_function(ev, orm, "object_session", call_object_session);
    module_define_function(ev, async_module, "async_object_session", call_object_session);
}
