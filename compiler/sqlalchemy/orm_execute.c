/*
 * session.execute() and connection.execute(): statements with their parameters.
 *
 * Input: a statement value, parameters (a dict, a list of dicts, or what is not known), execution options. Output: the
 * executed statements and a Result. Invariants: a list of parameter sets is one statement a set, or one statement of
 * many rows where RETURNING asks for them; UPDATE and DELETE of the ORM bring back keys (RETURNING) where SQLAlchemy
 * can't evaluate their criteria in Python.
 * Example: session.execute(insert(Post).returning(Post.id), rows) -> INSERT … VALUES (…), (…) RETURNING id.
 */
#include "compiler/sqlalchemy/orm_load.h"

/* ---- parameters by name ---- */

static Element *fill_bind(Evaluator *ev, Element *element, void *data) {
    DictValue *parameters = data;
    if (element->kind == EL_BIND && !BIND(element)->value) {
        Value *value = dict_get(ev, parameters, value_string(ev, element->name.text));
        if (!value) return NULL;
        BindElement *copy = (BindElement *)element_copy(ev, element);
        copy->value = value;
        return &copy->base;
    }
    if (element->kind == EL_TEXT) {
        TextElement *copy = (TextElement *)element_copy(ev, element);
        ElementList binds = {0};
        for (int i = 0; i < copy->binds.count; i++) {
            Element *filled = fill_bind(ev, copy->binds.items[i], data);
            element_list_push(ev, &binds, filled ? filled : copy->binds.items[i]);
        }
        for (int i = 0; i < parameters->count; i++) {
            if (!value_is(parameters->entries[i].key, VALUE_STRING)) continue;
            Slice key = value_text(parameters->entries[i].key);
            bool known = false;
            for (int j = 0; j < binds.count; j++) known |= slice_equals(binds.items[j]->name.text, key);
            Value *value = parameters->entries[i].value;
            if (!known) element_list_push(ev, &binds, element_bind(ev, key, value, type_of_literal(ev, value)));
        }
        copy->binds = binds;
        return &copy->base;
    }
    return NULL;
}

static Element *statement_with_parameters(Evaluator *ev, Element *statement, Value *parameters) {
    if (!parameters || !value_is(parameters, VALUE_DICT)) return statement;
    return element_rewrite(ev, statement, fill_bind, parameters);
}

/* ---- running DML ---- */

static Mapper *mapper_of_table(Evaluator *ev, const Element *table) {
    OrmState *state = orm_state(ev);
    if (table->entity) return table->entity->mapper;
    for (int i = 0; i < state->mapper_count; i++)
        if (element_same(state->mappers[i]->local_table, table) && !state->mappers[i]->single) return state->mappers[i];
    return NULL;
}

static Element *dml_table(const Dml *dml) {
    return dml->table->kind == EL_ENTITY ? dml->table->entity->mapper->local_table : dml->table;
}

/* RETURNING as rows: entities become instances. */
static void returning_plan(Evaluator *ev, const Dml *dml, RowPlan *plan) {
    int position = 0;
    for (int i = 0; i < dml->returning.count; i++) {
        Element *element = dml->returning.items[i];
        RowItem item = {.kind = ROW_COLUMN, .column = element, .position = position, .width = 1};
        if (element->kind == EL_ENTITY) {
            Element **columns;
            Atom *keys;
            int count = 0;
            if (!orm_entity_returned(ev, element->entity, true, &columns, &keys, &count)) return;
            item.kind = ROW_ENTITY;
            item.name = element->entity->name;
            item.plan = ARENA_NEW(evaluator_arena(ev), EntityPlan);
            item.plan->entity = element->entity;
            item.plan->mapper = element->entity->mapper;
            for (int j = 0; j < count; j++)
                ARENA_PUSH(evaluator_arena(ev), item.plan->columns, item.plan->column_count,
                           item.plan->column_capacity) =
                    (LoadedColumn){mapper_property(element->entity->mapper, keys[j]), columns[j], position + j};
            item.width = count;
        }
        position += item.width;
        ARENA_PUSH(evaluator_arena(ev), plan->items, plan->count, plan->capacity) = item;
    }
}

static Dml *dml_copy(Evaluator *ev, const Dml *dml) { return (Dml *)element_copy(ev, &dml->head.base); }

/* An INSERT returns what its entities load where a session sends it; else, the columns of their tables. */
static Dml *returning_loaded(Evaluator *ev, Dml *dml) {
    Dml *copy = dml_copy(ev, dml);
    copy->returning = (ElementList){0};
    returning_expand(ev, &dml->returning, RETURN_OWN, &copy->returning);
    return copy;
}

static bool run_dml(Loading *loading, Dml *dml, ResultValue *result, bool hidden_returning) {
    Evaluator *ev = loading->ev;
    RowPlan plan = {0};
    if (dml->has_returning && !hidden_returning) returning_plan(ev, dml, &plan);
    if (plan.count) {
        dml = returning_loaded(ev, dml);
        loading->populate_existing = true;
        return loading_run(loading, &dml->head.base, NULL, &plan, result);
    }
    RowSet *set;
    int sent = loading_send(loading, &dml->head.base, &set);
    if (sent < 0) return false;
    if (set) result->rowcount = set->affected;
    if (dml->head.base.kind == EL_INSERT && dml_table(dml)->kind == EL_TABLE) {
        const ElementList *columns = from_columns(ev, dml_table(dml));
        result->inserted_key = value_list(ev);
        for (int i = 0; i < columns->count; i++) {
            if (!COLUMN(columns->items[i])->primary_key) continue;
            Value *given = NULL;
            for (int j = 0; j < dml->values.count; j++) {
                bool same = dml->values.items[j].target
                                ? element_same(dml->values.items[j].target, columns->items[i])
                                : slice_equals(dml->values.items[j].key, columns->items[i]->name.text);
                if (same) given = dml->values.items[j].value;
            }
            if (!given && set) given = value_integer(ev, set->last_insert_id);
            if (!given)
                given = row_value(ev, sent, columns->items[i]->name.text, false, columns->items[i]->name.text,
                                  loading->site);
            list_append(ev, result->inserted_key, given);
        }
    }
    return true;
}

static Element *target_column(Evaluator *ev, Dml *dml, Mapper *mapper, Slice key) {
    Property *property = mapper ? mapper_property(mapper, atom_intern(evaluator_atoms(ev), key)) : NULL;
    if (property && property->columns.count) return property->columns.items[0];
    return from_column(ev, dml_table(dml), key);
}

static bool row_pairs(Evaluator *ev, Dml *dml, Mapper *mapper, DictValue *row, const Node *site, ValuePairs *out) {
    for (int i = 0; i < row->count; i++) {
        if (!value_is(row->entries[i].key, VALUE_STRING)) continue;
        Slice key = value_text(row->entries[i].key);
        Element *column = target_column(ev, dml, mapper, key);
        if (!column) {
            sa_raise(ev, SA_COMPILE_ERROR, site, "Unconsumed column names: %.*s", SLICE_ARGS(key));
            return false;
        }
        Element *expression = value_is_element(row->entries[i].value) ? element_of(ev, row->entries[i].value) : NULL;
        ValuePair pair = {.target = column,
                          .key = {0},
                          .value = expression ? NULL : row->entries[i].value,
                          .element = expression,
                          .node = site};
        pairs_push(ev, out, pair);
    }
    return true;
}

/* update(User) with dicts that hold the key: one UPDATE … WHERE id = ? a dict. */
static bool update_by_key(Loading *loading, Dml *dml, Mapper *mapper, DictValue *row, ResultValue *result) {
    Evaluator *ev = loading->ev;
    Dml *copy = dml_copy(ev, dml);
    ValuePairs pairs = {0};
    if (!row_pairs(ev, dml, mapper, row, loading->site, &pairs)) return false;
    copy->where = (ElementList){0};
    for (int i = 0; i < dml->where.count; i++) element_list_push(ev, &copy->where, dml->where.items[i]);
    copy->values = (ValuePairs){0};
    for (int i = 0; i < pairs.count; i++) {
        if (!mapper || !list_has(&mapper->primary_key, pairs.items[i].target)) {
            pairs_push(ev, &copy->values, pairs.items[i]);
            continue;
        }
        Element *equal = element_operate(ev, SA_EQ, pairs.items[i].target, pairs.items[i].value, false, loading->site);
        if (!equal) return false;
        element_list_push(ev, &copy->where, equal);
    }
    copy->has_values = copy->values.count > 0;
    return run_dml(loading, copy, result, false);
}

static bool run_many(Loading *loading, Dml *dml, Value *parameters, ResultValue *result) {
    Evaluator *ev = loading->ev;
    ListValue *rows = (ListValue *)parameters;
    Mapper *mapper = mapper_of_table(ev, dml->table);
    if (dml->head.base.kind == EL_INSERT && dml->has_returning && rows->count > 1) {
        Dml *copy = dml_copy(ev, dml);
        copy->rows = ARENA_ARRAY(evaluator_arena(ev), ValuePairs, rows->count + 1);
        copy->row_count = 0;
        for (int i = 0; i < rows->count; i++) {
            if (!value_is(rows->items[i], VALUE_DICT)) continue;
            if (!row_pairs(ev, dml, mapper, (DictValue *)rows->items[i], loading->site, &copy->rows[copy->row_count++]))
                return false;
        }
        copy->has_values = true;
        return run_dml(loading, copy, result, false);
    }
    for (int i = 0; i < rows->count; i++) {
        if (!value_is(rows->items[i], VALUE_DICT)) continue;
        DictValue *row = (DictValue *)rows->items[i];
        if (dml->head.base.kind == EL_UPDATE && mapper && !dml->where.count) {
            if (!update_by_key(loading, dml, mapper, row, result)) return false;
            continue;
        }
        Dml *copy = dml_copy(ev, dml);
        if (dml->head.base.kind == EL_INSERT) {
            copy->values = (ValuePairs){0};
            for (int j = 0; j < dml->values.count; j++) pairs_push(ev, &copy->values, dml->values.items[j]);
            if (!row_pairs(ev, dml, mapper, row, loading->site, &copy->values)) return false;
            copy->has_values = true;
        } else {
            copy = DML(element_rewrite(ev, &copy->head.base, fill_bind, row));
        }
        if (!run_dml(loading, copy, result, false)) return false;
    }
    return true;
}

/* Rows whose keys are not known: every column that has no value of its own. */
static bool run_unknown_rows(Loading *loading, Dml *dml, Value *parameters, ResultValue *result) {
    Evaluator *ev = loading->ev;
    Slice text = value_is_unknown(parameters) ? ((UnknownValue *)parameters)->text : SLICE("rows");
    Dml *copy = dml_copy(ev, dml);
    const ElementList *columns = dml_table(dml)->kind == EL_TABLE ? from_columns(ev, dml_table(dml)) : NULL;
    copy->values = (ValuePairs){0};
    for (int i = 0; columns && i < columns->count; i++) {
        const SchemaColumn *schema = COLUMN(columns->items[i])->schema;
        if (!schema || schema->primary_key) continue;
        bool skip =
            schema->default_value || schema->server_default || (schema->nullable && dml->head.base.kind == EL_INSERT);
        if (skip) continue;
        Slice name = slice_format(evaluator_arena(ev), "%.*s[].%.*s", SLICE_ARGS(text),
                                  SLICE_ARGS(columns->items[i]->name.text));
        ValuePair pair = {
            .target = columns->items[i], .value = value_unknown(ev, name, loading->site, NULL), .node = loading->site};
        pairs_push(ev, &copy->values, pair);
    }
    copy->has_values = copy->values.count > 0;
    return run_dml(loading, copy, result, false);
}

/* ---- synchronize_session ---- */

static bool evaluable(const Element *element, const Mapper *mapper, int depth) {
    static const ElementKind leaves[] = {EL_BIND, EL_NULL, EL_TRUE, EL_FALSE};
    static const ElementKind inner[] = {EL_GROUPING,   EL_CLAUSE_LIST, EL_OPERATOR_LIST, EL_TUPLE,
                                        EL_AS_BOOLEAN, EL_UNARY,       EL_BINARY};
    static const SaOperator known[] = {SA_EQ,  SA_NE,     SA_LT,      SA_LE,     SA_GT,         SA_GE,
                                       SA_IS,  SA_IS_NOT, SA_IN,      SA_NOT_IN, SA_ADD,        SA_SUB,
                                       SA_MUL, SA_MOD,    SA_TRUEDIV, SA_CONCAT, SA_STARTSWITH, SA_ENDSWITH};
    if (depth > 60) return false;
    if (element->kind == EL_COLUMN)
        return COLUMN((Element *)(uintptr_t)element)->table && mapper_property_of(mapper, element) != NULL;
    for (size_t i = 0; i < sizeof leaves / sizeof *leaves; i++)
        if (element->kind == leaves[i]) return true;
    bool is_inner = false, is_known = element->kind != EL_BINARY;
    for (size_t i = 0; i < sizeof inner / sizeof *inner; i++) is_inner |= element->kind == inner[i];
    for (size_t i = 0; !is_known && i < sizeof known / sizeof *known; i++)
        is_known = ((const OperatorElement *)element)->op.id == known[i];
    for (int i = 0; is_inner && i < element->count; i++)
        if (!evaluable(element->children[i], mapper, depth + 1)) return false;
    return is_inner && is_known;
}

static bool check_synchronize(Evaluator *ev, Value *value, const Node *site) {
    if (!value || value_is_unknown(value) || (value_is(value, VALUE_BOOL) && !value_is_true(value)) ||
        value_is_none(value))
        return true;
    static const char *const known[] = {"auto", "evaluate", "fetch"};
    for (int i = 0; value_is(value, VALUE_STRING) && i < 3; i++)
        if (slice_equals_text(value_text(value), known[i])) return true;
    sa_raise(ev, SA_ARGUMENT_ERROR, site,
             "Valid strategies for session synchronization are 'auto', 'evaluate', 'fetch', False");
    if (value_is(value, VALUE_STRING) && slice_equals_text(value_text(value), "False"))
        evaluator_raise_help(ev, "write synchronize_session=False, without quotes");
    return false;
}

static Value *synchronize_option(Evaluator *ev, const Dml *dml, Value *options) {
    Value *found = NULL;
    Value *own = dml->head.execution_options;
    if (own && value_is(own, VALUE_DICT)) found = dict_get_text(ev, (DictValue *)own, "synchronize_session");
    if (options && value_is(options, VALUE_DICT)) {
        Value *given = dict_get_text(ev, (DictValue *)options, "synchronize_session");
        if (given) found = given;
    }
    return found;
}

/* UPDATE or DELETE whose effect on loaded objects SQLAlchemy has to fetch. */
static Dml *synchronized(Evaluator *ev, Dml *dml, Value *option, bool *hidden) {
    Mapper *mapper = mapper_of_table(ev, dml->table);
    bool is_delete = dml->head.base.kind == EL_DELETE;
    const Dialect *dialect = evaluator_dialect(ev);
    if (!mapper || dml->head.base.kind == EL_INSERT || dml->has_returning) return dml;
    bool fetch = option && value_is(option, VALUE_STRING) && slice_equals_text(value_text(option), "fetch");
    bool automatic = !option || (value_is(option, VALUE_STRING) && slice_equals_text(value_text(option), "auto"));
    for (int i = 0; automatic && !fetch && i < dml->where.count; i++)
        if (!evaluable(dml->where.items[i], mapper, 0)) fetch = true;
    if (!fetch || !(is_delete ? dialect->has_returning : dialect->has_update_returning)) return dml;
    Dml *copy = dml_copy(ev, dml);
    for (int i = 0; i < mapper->primary_key.count; i++)
        element_list_push(ev, &copy->returning, mapper->primary_key.items[i]);
    copy->has_returning = true;
    *hidden = true;
    return copy;
}

/* ---- execute ---- */

static Value *execute_dml(Evaluator *ev, Session *session, Element *statement, Value *parameters, Value *options,
                          const Node *site) {
    ResultValue *result = result_new(ev, site);
    Loading loading = {.ev = ev, .session = session, .site = site, .real = evaluator_has_rows(ev)};
    Dml *dml = DML(statement);
    Value *option = synchronize_option(ev, dml, options);
    if (!check_synchronize(ev, option, site)) return NULL;
    bool hidden = false, good;
    if (session) dml = synchronized(ev, dml, option, &hidden);
    if (parameters && (value_is(parameters, VALUE_LIST) || value_is(parameters, VALUE_TUPLE)) &&
        !((ListValue *)parameters)->open) {
        good = run_many(&loading, dml, parameters, result);
    } else if (parameters && value_is(parameters, VALUE_DICT) && dml->head.base.kind == EL_INSERT) {
        ListValue *one = value_list(ev);
        list_append(ev, one, parameters);
        good = run_many(&loading, dml, &one->head, result);
    } else if (parameters && !value_is_none(parameters) && !value_is(parameters, VALUE_DICT) &&
               dml->head.base.kind != EL_DELETE) {
        good = run_unknown_rows(&loading, dml, parameters, result);
    } else {
        Element *filled = statement_with_parameters(ev, &dml->head.base, parameters);
        good = filled && run_dml(&loading, DML(filled), result, hidden);
    }
    if (!good) return NULL;
    if (!loading.real && loading.statements.count) evaluator_execute(ev, &loading.statements, site);
    return evaluator_error_pending(ev) ? NULL : &result->head.head;
}

Value *session_execute_statement(Evaluator *ev, Session *session, Value *statement, Value *parameters, Value *options,
                                 const Node *site) {
    if (value_is_unknown(statement)) {
        evaluator_report_unresolved(ev, statement, site);
        return value_unknown_at(ev, site);
    }
    if (statement->type == &orm_query_type) return query_execute(ev, statement, site);
    Element *element = element_coerce(ev, statement, COERCE_STATEMENT, site);
    if (!element || !mappers_configure(ev)) return NULL;
    if (session && !session_autoflush(ev, session, site)) return NULL;
    if (session) session_begin(ev, session, site);
    if (element->kind == EL_INSERT || element->kind == EL_UPDATE || element->kind == EL_DELETE)
        return execute_dml(ev, session, element, parameters, options, site);
    element = statement_with_parameters(ev, element, parameters);
    if (!element) return NULL;
    ResultValue *result = result_new(ev, site);
    return orm_run_select(ev, session, element, site, result, NULL, NULL, NULL);
}

/* A plain statement that stands alone (batch, an unused expression). */
bool orm_execute_value(Evaluator *ev, Value *value, const Node *site) {
    if (value->type == &orm_query_type) return query_execute(ev, value, site) != NULL || evaluator_error_pending(ev);
    return false;
}
