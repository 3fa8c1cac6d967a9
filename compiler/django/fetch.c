/*
 * Executing querysets. Where rows are unknown (translation) a queryset's rows are an unknown whose element is "some
 * Author" with its place in the statement; where they are real (`ormc run`) they become instances, dicts and tuples.
 */
#include "compiler/django/fetch.h"

#include "compiler/django/compile.h"
#include "compiler/django/django.h"
#include "compiler/django/expression_classes.h"
#include "compiler/django/function.h"
#include "compiler/django/instance.h"
#include "compiler/django/prefetch.h"
#include "compiler/django/query_state.h"
#include "compiler/django/rows.h"

enum { GET_LIMIT = 21 }; /* rows that get() reads to tell how many there are */

bool dj_execute(Evaluator *ev, DjQuery *query, const Node *site, ExecutionResult **result, bool *empty) {
    StatementList statements = {0};
    DjOutcome outcome = dj_query_statement(query, &statements);
    *result = NULL;
    *empty = outcome == DJ_EMPTY;
    if (outcome == DJ_ERROR) return false;
    *result = evaluator_execute(ev, &statements, site);
    return !evaluator_error_pending(ev);
}

/* The owner of a related manager's rows is compared by their key: a row without it reads it first. */
static bool defers_key(const DjQuerySet *queryset, DjQuery *query) {
    DjField *field = queryset->hint_field;
    return queryset->rows == DJ_ROWS_MODEL && field && query &&
           !dj_mask_allows(query->ev, query->deferred, query->deferred_is_only, query->model, field);
}

static bool read_known_keys(Evaluator *ev, const DjQuerySet *queryset, const ListValue *rows, const Node *site) {
    for (int i = 0; i < rows->count; i++)
        if (!value_find_attribute(ev, rows->items[i], queryset->hint_field->attname, site)) return false;
    return true;
}

static bool read_deferred_key(Evaluator *ev, DjQuerySet *queryset, DjOrigin *origin, StatementList *statements,
                              const Node *site) {
    DjField *field = queryset->hint_field;
    DjInstance *row = instance_unknown(ev, queryset->model, span_text(evaluator_span(ev, site)), site, origin);
    DjExpr *q = dj_q_condition(ev, SLICE("pk"), instance_pk(ev, row, site), site);
    DjOp *only;
    DjQuerySet *one = dj_queryset_filter(ev, dj_queryset_new(ev, NULL, queryset->model, site), q, site);
    one = dj_queryset_push(ev, one, DJ_OP_ONLY, site, &only);
    only->names = ARENA_ARRAY(evaluator_arena(ev), Slice, 1);
    only->spans = ARENA_ARRAY(evaluator_arena(ev), Span, 1);
    only->names[0] = field->attname->text;
    only->count = 1;
    DjQuery *reading = dj_queryset_query(ev, one);
    if (!reading) return false;
    dj_clear_ordering(reading, true, true);
    dj_set_limits(reading, 0, true, GET_LIMIT);
    return dj_query_statement(reading, statements) != DJ_ERROR;
}

/* Names of a namedtuple must be identifiers that don't start with an underscore. */
static bool check_row_names(Evaluator *ev, const DjQuerySet *queryset, const Node *site) {
    for (int i = 0; i < queryset->field_count; i++) {
        Slice name = queryset->fields[i];
        bool fine = name.length && !(name.start[0] >= '0' && name.start[0] <= '9');
        for (size_t c = 0; c < name.length; c++) {
            unsigned char byte = (unsigned char)name.start[c];
            fine &= byte >= 0x80 || byte == '_' || (byte >= '0' && byte <= '9') ||
                    ((byte | 32) >= 'a' && (byte | 32) <= 'z');
        }
        if (!fine)
            return evaluator_raise_id(ev, EXCEPTION_VALUE, site,
                                      "Type names and field names must be valid identifiers: '%.*s'",
                                      SLICE_ARGS(name)) != NULL;
        if (name.start[0] == '_')
            return evaluator_raise_id(ev, EXCEPTION_VALUE, site, "Field names cannot start with an underscore: '%.*s'",
                                      SLICE_ARGS(name)) != NULL;
    }
    return true;
}

/*
 * Compiles, executes with its prefetches, and gives the rows; *empty: Django sends nothing. What the rows are is only
 * numbered when everything that they need was looked up.
 */
static Value *fetch(Evaluator *ev, DjQuerySet *queryset, DjQuery *query, const Node *site, bool *empty) {
    if (queryset->rows == DJ_ROWS_NAMED && !check_row_names(ev, queryset, site)) return NULL;
    StatementList statements = {0};
    DjOutcome outcome =
        queryset->raw ? dj_raw_statement(ev, queryset, site, &statements) : dj_query_statement(query, &statements);
    if (outcome == DJ_ERROR) return NULL;
    *empty = outcome == DJ_EMPTY;
    if (*empty)
        return evaluator_execute(ev, &statements, site) || !evaluator_error_pending(ev) ? (Value *)value_list(ev)
                                                                                        : NULL;
    bool prefetches = queryset->prefetch_count && queryset->rows == DJ_ROWS_MODEL && !(query && query->explain.length);
    if (evaluator_has_rows(ev)) {
        ExecutionResult *result = evaluator_execute(ev, &statements, site);
        if (!result || evaluator_error_pending(ev)) return evaluator_error_pending(ev) ? NULL : (Value *)value_list(ev);
        ListValue *rows = dj_known_rows(ev, queryset, query, &result->sets[0], site);
        if (defers_key(queryset, query) && !read_known_keys(ev, queryset, rows, site)) return NULL;
        return prefetches && !dj_prefetch_known(ev, queryset, rows, site) ? NULL : (Value *)rows;
    }
    DjOrigin *origin = ARENA_NEW(evaluator_arena(ev), DjOrigin);
    DjOrigins origins = {0};
    origin->execution = -1;
    ARENA_PUSH(evaluator_arena(ev), origins.items, origins.count, origins.capacity) = origin;
    if (defers_key(queryset, query) && !read_deferred_key(ev, queryset, origin, &statements, site)) return NULL;
    Value *row = prefetches ? dj_unknown_row(ev, queryset, query, site, origin) : NULL;
    if (prefetches && !dj_prefetch_unknown(ev, queryset, row, &statements, &origins, site)) return NULL;
    for (int i = 0; i < origins.count; i++) origins.items[i]->execution = evaluator_execution_count(ev);
    evaluator_execute(ev, &statements, site);
    if (evaluator_error_pending(ev)) return NULL;
    if (!row) row = dj_unknown_row(ev, queryset, query, site, origin);
    return value_unknown_of(ev, row, site);
}

Value *dj_query_rows(Evaluator *ev, DjQuerySet *queryset, DjQuery *query, const Node *site) {
    ExecutionResult *result;
    bool empty;
    if (!dj_execute(ev, query, site, &result, &empty)) return NULL;
    return result && !empty ? (Value *)dj_known_rows(ev, queryset, query, &result->sets[0], site)
                            : (Value *)value_list(ev);
}

Value *dj_queryset_rows(Evaluator *ev, DjQuerySet *queryset, const Node *site) {
    if (queryset->fetched) return queryset->fetched;
    DjQuery *query = queryset->raw ? NULL : dj_queryset_query(ev, queryset);
    if (!query && !queryset->raw) return NULL;
    bool empty;
    Value *rows = fetch(ev, queryset, query, queryset->site ? queryset->site : site, &empty);
    if (!rows) return NULL;
    evaluator_touch(ev, &queryset->fetched, sizeof queryset->fetched);
    queryset->fetched = rows;
    return rows;
}

static Value *first_of(Evaluator *ev, Value *rows) {
    if (value_is(rows, VALUE_LIST)) return ((ListValue *)rows)->count ? ((ListValue *)rows)->items[0] : NULL;
    Value *element = ((UnknownValue *)rows)->element;
    (void)ev;
    return element;
}

Value *dj_queryset_item(Evaluator *ev, DjQuerySet *queryset, const Node *site) {
    Value *rows = dj_queryset_rows(ev, queryset, site);
    if (!rows) return NULL;
    Value *item = first_of(ev, rows);
    return item ? item : evaluator_raise_id(ev, EXCEPTION_INDEX, site, "list index out of range");
}

/* ---- get ---- */

static Value *raise_does_not_exist(Evaluator *ev, DjModel *model, const Node *site) {
    Class *cls = model->does_not_exist ? model->does_not_exist : django_state(ev)->object_does_not_exist;
    return evaluator_raise(ev, cls, evaluator_mistake_span(ev, site), "%.*s matching query does not exist.",
                           SLICE_ARGS(model->name->text));
}

static Value *get_one(Evaluator *ev, DjQuerySet *queryset, bool limited, const Node *site) {
    DjQuery *query = dj_queryset_query(ev, queryset);
    if (!query) return NULL;
    if (!dj_is_sliced(query) && !query->distinct_count && query->combinator == DJ_COMBINE_NONE)
        dj_clear_ordering(query, true, true);
    if (!limited && !query->low_value && !query->high_value) dj_set_limits(query, 0, true, GET_LIMIT);
    query->site = site;
    bool empty;
    Value *rows = fetch(ev, queryset, query, site, &empty);
    if (!rows) return NULL;
    if (value_is(rows, VALUE_LIST) && ((ListValue *)rows)->count > 1)
        return evaluator_raise(ev, queryset->model->multiple_objects_returned, evaluator_mistake_span(ev, site),
                               "get() returned more than one %.*s -- it returned %d!",
                               SLICE_ARGS(queryset->model->name->text), ((ListValue *)rows)->count);
    Value *one = first_of(ev, rows);
    return one ? one : raise_does_not_exist(ev, queryset->model, site);
}

static Value *method_get(Evaluator *ev, Value *self, const Arguments *arguments) {
    DjQuerySet *queryset = value_as_queryset(self);
    if (queryset->combined && (arguments->count || arguments->keyword_count)) {
        if (dj_mistaken_before(ev, queryset)) return NULL;
        return evaluator_raise(ev, django_state(ev)->not_supported_error, evaluator_mistake_span(ev, arguments->site),
                               "Calling QuerySet.get(...) with filters after %s() is not supported.",
                               dj_combinator_method(queryset->combinator));
    }
    if (arguments->count || arguments->keyword_count) {
        if (!dj_refuse_sliced(ev, queryset, "filter a query", arguments->site)) return NULL;
        DjExpr *q = dj_q_from_arguments(ev, arguments);
        if (!q) return NULL;
        queryset = dj_queryset_filter(ev, queryset, q, arguments->site);
    }
    return get_one(ev, queryset, false, arguments->site);
}

/* ---- first, last, earliest, latest ---- */

static bool is_ordered(Evaluator *ev, DjQuery *query) {
    Value **items;
    if (query->order_count || query->extra_order_count) return true;
    return query->default_ordering && query->grouping == DJ_GROUP_NONE &&
           model_get_ordering(ev, query->model, &items) > 0;
}

static bool check_ordering_of_aggregation(Evaluator *ev, DjQuery *query, const char *method, const Node *site) {
    if (query->grouping != DJ_GROUP_LIST) return true;
    DjField **keys;
    int key_count = model_pk_fields(ev, query->model, &keys), found = 0;
    for (int i = 0; i < query->group_by.count; i++) {
        DjExpr *expr = query->group_by.items[i];
        if (expr->kind == DJ_REF) expr = expr->args[0];
        DjField *field = dj_output_field(ev, expr, false);
        if (field && field == query->model->pk) return true;
        for (int k = 0; k < key_count; k++) found += expr->kind == DJ_COL && expr->as.col.target == keys[k];
    }
    if (found >= key_count) return true;
    return evaluator_raise_id(ev, EXCEPTION_TYPE, site,
                              "Cannot use QuerySet.%s() on an unordered queryset performing aggregation. Add an "
                              "ordering with order_by().",
                              method) != NULL;
}

static Value *first_or_last(Evaluator *ev, Value *self, const Arguments *arguments, bool last) {
    DjQuerySet *queryset = value_as_queryset(self);
    DjQuery *query = dj_queryset_query(ev, queryset);
    if (!query) return NULL;
    const char *method = last ? "last" : "first";
    if (is_ordered(ev, query)) {
        if (last && dj_is_sliced(query))
            return evaluator_raise_id(ev, EXCEPTION_TYPE, arguments->site,
                                      "Cannot reverse a query once a slice has been taken.");
        if (last) query->standard_ordering = !query->standard_ordering;
    } else {
        if (!check_ordering_of_aggregation(ev, query, method, arguments->site)) return NULL;
        if (dj_is_sliced(query))
            return evaluator_raise_id(ev, EXCEPTION_TYPE, arguments->site,
                                      "Cannot reorder a query once a slice has been taken.");
        DjOrdering by = {.name = last ? SLICE("-pk") : SLICE("pk"), .span = evaluator_span(ev, arguments->site)};
        dj_clear_ordering(query, true, false);
        if (!dj_add_ordering(query, &by, 1)) return NULL;
    }
    dj_set_limits(query, 0, true, 1);
    query->site = arguments->site;
    bool empty;
    Value *rows = fetch(ev, queryset, query, arguments->site, &empty);
    if (!rows) return NULL;
    if (value_is(rows, VALUE_LIST)) return ((ListValue *)rows)->count ? ((ListValue *)rows)->items[0] : value_none(ev);
    return value_optional(ev, first_of(ev, rows), span_text(evaluator_span(ev, arguments->site)), arguments->site);
}

static Value *method_first(Evaluator *ev, Value *self, const Arguments *arguments) {
    return first_or_last(ev, self, arguments, false);
}
static Value *method_last(Evaluator *ev, Value *self, const Arguments *arguments) {
    return first_or_last(ev, self, arguments, true);
}

static Value *earliest_or_latest(Evaluator *ev, Value *self, const Arguments *arguments, bool latest) {
    DjQuerySet *queryset = value_as_queryset(self);
    if (!dj_refuse_sliced(ev, queryset, latest ? "reverse a query" : "change a query", arguments->site)) return NULL;
    DjOrdering *by;
    int count;
    if (!dj_read_orderings(ev, arguments, &by, &count)) return NULL;
    if (!count) {
        DjModel *model = queryset->model;
        if (!model->get_latest_by_count && dj_mistaken_before(ev, queryset)) return NULL;
        if (!model->get_latest_by_count)
            return evaluator_raise_id(ev, EXCEPTION_VALUE, arguments->site,
                                      "earliest() and latest() require either fields as positional arguments or "
                                      "'get_latest_by' in the model's Meta.");
        by = ARENA_ARRAY(evaluator_arena(ev), DjOrdering, model->get_latest_by_count);
        for (; count < model->get_latest_by_count; count++)
            by[count] = (DjOrdering){.name = model->get_latest_by[count], .span = evaluator_span(ev, arguments->site)};
    }
    DjOp *op;
    if (latest) queryset = dj_queryset_push(ev, queryset, DJ_OP_REVERSE, arguments->site, &op);
    queryset = dj_queryset_push(ev, queryset, DJ_OP_ORDER_BY, arguments->site, &op);
    op->orderings = by;
    op->count = count;
    queryset = dj_queryset_push(ev, queryset, DJ_OP_SLICE, arguments->site, &op);
    op->high = value_integer(ev, 1);
    queryset->sliced = true;
    return get_one(ev, queryset, true, arguments->site);
}

static Value *method_earliest(Evaluator *ev, Value *self, const Arguments *arguments) {
    return earliest_or_latest(ev, self, arguments, false);
}
static Value *method_latest(Evaluator *ev, Value *self, const Arguments *arguments) {
    return earliest_or_latest(ev, self, arguments, true);
}

/* ---- count, exists, contains, aggregate ---- */

static Value *unknown_of_class(Evaluator *ev, const Node *site, ValueKind kind) {
    return value_unknown(ev, span_text(evaluator_span(ev, site)), site, (Value *)evaluator_builtin_class(ev, kind));
}

static Value *method_count(Evaluator *ev, Value *self, const Arguments *arguments) {
    DjQuerySet *queryset = value_as_queryset(self);
    if (queryset->fetched)
        return value_is(queryset->fetched, VALUE_LIST) ? value_integer(ev, ((ListValue *)queryset->fetched)->count)
                                                       : unknown_of_class(ev, arguments->site, VALUE_INTEGER);
    DjQuery *query = dj_queryset_query(ev, queryset);
    if (!query) return NULL;
    query->site = arguments->site;
    DjExpr *star = dj_star(ev), *count = dj_function_new(ev, dj_function_find("Count"), &star, 1, arguments->site);
    Slice name = SLICE("__count");
    DjQuery *counting = dj_get_aggregation(query, &name, &count, 1);
    ExecutionResult *result;
    bool empty;
    if (!counting || !dj_execute(ev, counting, arguments->site, &result, &empty)) return NULL;
    if (empty) return value_integer(ev, 0);
    if (result && result->sets[0].row_count) return result->sets[0].rows[0][0];
    return unknown_of_class(ev, arguments->site, VALUE_INTEGER);
}

static Value *exists_of(Evaluator *ev, DjQuerySet *queryset, const Node *site) {
    DjQuery *query = dj_queryset_query(ev, queryset);
    if (!query) return NULL;
    query->site = site;
    ExecutionResult *result;
    bool empty;
    if (!(query = dj_exists_query(query, true)) || !dj_execute(ev, query, site, &result, &empty)) return NULL;
    if (empty) return value_bool(ev, false);
    if (result) return value_bool(ev, result->sets[0].row_count > 0);
    return unknown_of_class(ev, site, VALUE_BOOL);
}

static Value *method_exists(Evaluator *ev, Value *self, const Arguments *arguments) {
    DjQuerySet *queryset = value_as_queryset(self);
    if (queryset->fetched && value_is(queryset->fetched, VALUE_LIST))
        return value_bool(ev, ((ListValue *)queryset->fetched)->count > 0);
    return exists_of(ev, queryset, arguments->site);
}

static Value *method_contains(Evaluator *ev, Value *self, const Arguments *arguments) {
    DjQuerySet *queryset = value_as_queryset(self);
    Value *object = NULL;
    if (!arguments_bind(ev, arguments, "contains", "obj", &object) ||
        !dj_refuse_combined(ev, queryset, "contains", arguments->site))
        return NULL;
    if (queryset->has_fields && dj_mistaken_before(ev, queryset)) return NULL;
    if (queryset->has_fields)
        return evaluator_raise_id(ev, EXCEPTION_TYPE, arguments->site,
                                  "Cannot call QuerySet.contains() after .values() or .values_list().");
    DjInstance *instance = value_as_model_instance(object);
    if (!instance)
        return value_is_unknown(object)
                   ? value_unknown_at(ev, arguments->site)
                   : evaluator_raise_id(ev, EXCEPTION_TYPE, arguments->site, "'obj' must be a model instance.");
    if (instance->model->concrete != queryset->model->concrete) return value_bool(ev, false);
    Value *pk = instance_pk(ev, instance, arguments->site);
    if (!pk) return NULL;
    if (value_is_none(pk))
        return evaluator_raise_id(ev, EXCEPTION_VALUE, arguments->site,
                                  "QuerySet.contains() cannot be used on unsaved objects.");
    if (!dj_refuse_sliced(ev, queryset, "filter a query", arguments->site)) return NULL;
    DjExpr *q = dj_q_condition(ev, SLICE("pk"), pk, arguments->site);
    return exists_of(ev, dj_queryset_filter(ev, queryset, q, arguments->site), arguments->site);
}

static bool aggregate_add(Evaluator *ev, Slice *names, DjExpr **exprs, int *count, Slice name, Value *value,
                          const Node *node) {
    if (!value_is_expr(value)) {
        Slice shown = value_is(value, VALUE_STRING) ? value_text(value) : value_repr(ev, value);
        return evaluator_raise_id(ev, EXCEPTION_TYPE, node, "QuerySet.aggregate() received non-expression(s): %.*s.",
                                  SLICE_ARGS(shown)) != NULL;
    }
    if (!name.length) name = dj_default_alias(ev, value_expr(value));
    if (!name.length)
        return evaluator_raise_id(ev, EXCEPTION_TYPE, node, "Complex aggregates require an alias") != NULL;
    names[*count] = name;
    exprs[(*count)++] = value_expr(value);
    return true;
}

static Value *method_aggregate(Evaluator *ev, Value *self, const Arguments *arguments) {
    DjQuerySet *queryset = value_as_queryset(self);
    int most = arguments->count + arguments->keyword_count + 1, count = 0;
    Slice *names = ARENA_ARRAY(evaluator_arena(ev), Slice, most);
    DjExpr **exprs = ARENA_ARRAY(evaluator_arena(ev), DjExpr *, most);
    /* named ones first, as Django's kwargs hold them; positional ones are added under their own names */
    for (int i = 0; i < arguments->keyword_count; i++)
        if (!aggregate_add(ev, names, exprs, &count, arguments->keywords[i].name->text, arguments->keywords[i].value,
                           arguments->keywords[i].node))
            return NULL;
    for (int i = 0; i < arguments->count; i++)
        if (!aggregate_add(ev, names, exprs, &count, (Slice){0}, arguments->items[i], arguments->site)) return NULL;
    DictValue *dict = value_dict(ev);
    if (!count) return (Value *)dict;
    DjQuery *query = dj_queryset_query(ev, queryset);
    if (!query) return NULL;
    query->site = arguments->site;
    if (query->distinct_count)
        return evaluator_raise_id(ev, EXCEPTION_NOT_IMPLEMENTED, arguments->site,
                                  "aggregate() + distinct(fields) not implemented.");
    ExecutionResult *result;
    bool empty;
    int execution = evaluator_execution_count(ev);
    if (!(query = dj_get_aggregation(query, names, exprs, count)) ||
        !dj_execute(ev, query, arguments->site, &result, &empty))
        return NULL;
    for (int i = 0; i < count; i++) {
        Value *value = empty ? value_none(ev)
                       : result && result->sets[0].row_count
                           ? result->sets[0].rows[0][i]
                           : dj_unknown_column(ev, arguments->site, &(DjOrigin){.execution = execution}, names[i]);
        dict_set(ev, dict, value_string(ev, names[i]), value, NULL);
    }
    return (Value *)dict;
}

/* ---- in_bulk, dates, explain ---- */

/* The field that in_bulk() makes the keys of: unique, by its own constraint or DISTINCT ON. */
static bool check_bulk_field(Evaluator *ev, DjQuerySet *queryset, Slice name, const Arguments *arguments,
                             Value *written) {
    Atom atom = atom_lookup(evaluator_atoms(ev), name);
    DjField *found = atom ? model_field(ev, queryset->model, atom) : NULL;
    if (!found) {
        evaluator_raise(ev, django_state(ev)->field_does_not_exist,
                        evaluator_span(ev, dj_argument_site(arguments, written)), "%.*s has no field named '%.*s'",
                        SLICE_ARGS(queryset->model->name->text), SLICE_ARGS(name));
        return false;
    }
    bool unique = found->unique || found->primary_key;
    for (int i = 0; i < queryset->model->constraint_count && !unique; i++)
        unique = dj_constraint_is_unique(ev, queryset->model->constraints[i], found);
    for (const DjOp *op = queryset->last; op; op = op->previous)
        unique |= op->kind == DJ_OP_DISTINCT && op->count == 1 && slice_equals(op->names[0], name);
    if (unique) return true;
    evaluator_raise_id(ev, EXCEPTION_VALUE, arguments->site,
                       "in_bulk()'s field_name must be a unique field but %.*s isn't.",
                       SLICE_ARGS(value_repr(ev, value_string(ev, name))));
    return false;
}

/* filter(name__in=list) */
static DjQuerySet *filter_in(Evaluator *ev, DjQuerySet *queryset, Slice name, Value *list, const Node *site) {
    Slice lookup = slice_format(evaluator_arena(ev), "%.*s__in", SLICE_ARGS(name));
    return dj_queryset_filter(ev, queryset, dj_q_condition(ev, lookup, list, site), site);
}

/* {key: row}; `name`: the field of the keys, or "pk". */
static Value *rows_by_key(Evaluator *ev, const ListValue *rows, Slice name, const Node *site) {
    DictValue *by_key = value_dict(ev);
    bool pk = slice_equals_text(name, "pk");
    for (int i = 0; i < rows->count; i++) {
        DjInstance *row = value_as_model_instance(rows->items[i]);
        DjField *column = row && !pk ? model_field(ev, row->model, atom_intern(evaluator_atoms(ev), name)) : NULL;
        if (!row || !(pk || column)) continue;
        Value *key = pk ? instance_pk(ev, row, site) : instance_field_value(ev, row, column, site);
        dict_set(ev, by_key, key, (Value *)row, site);
    }
    return (Value *)by_key;
}

static Value *method_in_bulk(Evaluator *ev, Value *self, const Arguments *arguments) {
    DjQuerySet *queryset = value_as_queryset(self);
    Value *ids = NULL, *field = NULL;
    if (!arguments_bind(ev, arguments, "in_bulk", "| id_list * field_name", &ids, &field)) return NULL;
    if ((queryset->sliced || queryset->has_fields) && dj_mistaken_before(ev, queryset)) return NULL;
    if (queryset->sliced)
        return evaluator_raise_id(ev, EXCEPTION_TYPE, arguments->site,
                                  "Cannot use 'limit' or 'offset' with in_bulk().");
    if (queryset->has_fields)
        return evaluator_raise_id(ev, EXCEPTION_TYPE, arguments->site,
                                  "in_bulk() cannot be used with values() or values_list().");
    Slice name = field && value_is(field, VALUE_STRING) ? value_text(field) : SLICE("pk");
    if (!slice_equals_text(name, "pk") && !check_bulk_field(ev, queryset, name, arguments, field)) return NULL;
    if (ids && !value_is_none(ids)) {
        if (!dj_refuse_combined(ev, queryset, "filter", arguments->site)) return NULL;
        Value *list = value_iterate(ev, ids, arguments->site);
        if (!list) return NULL;
        if (value_is(list, VALUE_LIST) || value_is(list, VALUE_TUPLE)) {
            if (!((ListValue *)list)->count) return (Value *)value_dict(ev);
            list = value_tuple(ev, ((ListValue *)list)->items, ((ListValue *)list)->count);
        }
        queryset = filter_in(ev, queryset, name, list, arguments->site);
    } else {
        queryset = dj_queryset_copy(ev, queryset, arguments->site);
    }
    Value *rows = dj_queryset_rows(ev, queryset, arguments->site);
    if (!rows) return NULL;
    if (!value_is(rows, VALUE_LIST)) return value_unknown_at(ev, arguments->site);
    return rows_by_key(ev, (const ListValue *)rows, name, arguments->site);
}

static Value *dates(Evaluator *ev, Value *self, const Arguments *arguments, bool times) {
    Value *name = NULL, *unit = NULL, *order = NULL, *zone = NULL;
    if (!arguments_bind(ev, arguments, times ? "datetimes" : "dates", "field_name kind | order tzinfo", &name, &unit,
                        &order, &zone))
        return NULL;
    if (!value_is(name, VALUE_STRING) || !value_is(unit, VALUE_STRING)) return value_unknown_at(ev, arguments->site);
    bool descending = order && value_is(order, VALUE_STRING) && slice_equals_text(value_text(order), "DESC");
    static const char *const units[] = {"year", "month", "week", "day", "hour", "minute", "second"};
    bool known = false;
    for (int i = 0; i < (times ? 7 : 4); i++) known |= slice_equals_text(value_text(unit), units[i]);
    if (!known)
        return evaluator_raise_id(
            ev, EXCEPTION_VALUE, arguments->site,
            times ? "'kind' must be one of 'year', 'month', 'week', 'day', 'hour', 'minute', or 'second'."
                  : "'kind' must be one of 'year', 'month', 'week', or 'day'.");
    if (order && value_is(order, VALUE_STRING) && !descending && !slice_equals_text(value_text(order), "ASC"))
        return evaluator_raise_id(ev, EXCEPTION_VALUE, arguments->site, "'order' must be either 'ASC' or 'DESC'.");
    DjExpr *field = dj_f(ev, value_text(name), dj_argument_site(arguments, name));
    DjExpr *trunc = dj_function_new(ev, dj_function_find("Trunc"), &field, 1, arguments->site);
    trunc->as.func.unit = value_text(unit);
    trunc->as.func.zone = zone && !value_is_none(zone) ? zone : NULL;
    trunc->output_field = dj_plain_field(ev, times ? FIELD_DATETIME : FIELD_DATE);
    trunc->output_decided = true;
    const char *alias = times ? "datetimefield" : "datefield";
    Keyword keywords[2] = {{atom_intern_text(evaluator_atoms(ev), alias), (Value *)trunc, arguments->site},
                           {atom_intern_text(evaluator_atoms(ev), "plain_field"), (Value *)field, arguments->site}};
    Arguments annotate = {.site = arguments->site, .keywords = keywords, .keyword_count = 2};
    return dj_dates_queryset(ev, self, &annotate, alias, descending);
}

static Value *method_dates(Evaluator *ev, Value *self, const Arguments *arguments) {
    return dates(ev, self, arguments, false);
}
static Value *method_datetimes(Evaluator *ev, Value *self, const Arguments *arguments) {
    return dates(ev, self, arguments, true);
}

static Value *method_explain(Evaluator *ev, Value *self, const Arguments *arguments) {
    DjOp *op;
    Slice prefix;
    if (!dj_explain_prefix(ev, arguments, &prefix)) return NULL;
    DjQuerySet *queryset = dj_queryset_push(ev, value_as_queryset(self), DJ_OP_EXPLAIN, arguments->site, &op);
    op->text = prefix;
    return dj_queryset_rows(ev, queryset, arguments->site) ? unknown_of_class(ev, arguments->site, VALUE_STRING) : NULL;
}

#define TERMINAL(name, function)                                                                                       \
    {name, function, NATIVE_METHOD, NULL}, { "a" name, function, NATIVE_METHOD, NULL }
const NativeMethod dj_terminal_methods[] = {
    TERMINAL("get", method_get),
    TERMINAL("first", method_first),
    TERMINAL("last", method_last),
    TERMINAL("earliest", method_earliest),
    TERMINAL("latest", method_latest),
    TERMINAL("count", method_count),
    TERMINAL("exists", method_exists),
    TERMINAL("contains", method_contains),
    TERMINAL("aggregate", method_aggregate),
    TERMINAL("in_bulk", method_in_bulk),
    TERMINAL("explain", method_explain),
    {"dates", method_dates, NATIVE_METHOD, NULL},
    {"datetimes", method_datetimes, NATIVE_METHOD, NULL},
    {NULL, NULL, NATIVE_METHOD, NULL},
};

bool django_execute_value(Evaluator *ev, Value *value, const Node *site) {
    if (!value_is_queryset(value)) return false;
    dj_queryset_rows(ev, value_as_queryset(value), site);
    return true;
}
