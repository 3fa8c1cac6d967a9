/*
 * Writing methods of querysets and managers: create, get_or_create, update_or_create, bulk_create, bulk_update, update,
 * delete. Input: the queryset and the call's arguments; output: the statements and what the method returns.
 *
 * Invariant: where the outcome of get() is not known, get_or_create takes the object to be missing and
 * update_or_create takes it to be there; the other outcome is another path.
 *
 * Example: Author.objects.filter(age=5).update(age=6) → UPDATE "author" SET "age" = ? WHERE "author"."age" = ?
 */
#include "compiler/django/fetch.h"
#include "compiler/django/manager.h"
#include "compiler/django/query_state.h"
#include "compiler/django/compile.h"
#include "compiler/django/write_internal.h"

/* ---- create ---- */

static Value *create_object(Evaluator *ev, DjModel *model, const Arguments *arguments) {
    Value *object = value_call(ev, (Value *)model->cls, arguments);
    if (!object) return NULL;
    Keyword force = {django_atom(ev, "force_insert"), value_bool(ev, true), arguments->site};
    return call_with_keywords(ev, object, "save", &force, 1, arguments->site) ? object : NULL;
}

static Value *queryset_create(Evaluator *ev, Value *self, const Arguments *arguments) {
    if (arguments->count)
        return evaluator_raise_id(ev, EXCEPTION_TYPE, arguments->site,
                                  "QuerySet.create() takes 1 positional argument but %d were given",
                                  arguments->count + 1);
    return create_object(ev, value_as_queryset(self)->model, arguments);
}

/* ---- get_or_create, update_or_create ---- */

/* Keyword arguments without `defaults` and `create_defaults`. */
static Arguments lookup_arguments(Evaluator *ev, const Arguments *arguments, Value **defaults,
                                  Value **create_defaults) {
    Arguments rest = {.site = arguments->site,
                      .unknown_keywords = arguments->unknown_keywords,
                      .unknown_node = arguments->unknown_node};
    rest.keywords = ARENA_ARRAY(evaluator_arena(ev), Keyword, arguments->keyword_count + 1);
    for (int i = 0; i < arguments->count; i++) {
        if (i == 0) *defaults = arguments->items[0];
        if (i == 1 && create_defaults) *create_defaults = arguments->items[1];
    }
    for (int i = 0; i < arguments->keyword_count; i++) {
        const Keyword *keyword = &arguments->keywords[i];
        if (slice_equals_text(keyword->name->text, "defaults")) {
            *defaults = keyword->value;
        } else if (create_defaults && slice_equals_text(keyword->name->text, "create_defaults")) {
            *create_defaults = keyword->value;
        } else {
            rest.keywords[rest.keyword_count++] = *keyword;
        }
    }
    return rest;
}

static bool keyword_is_lookup(Slice name) {
    for (size_t i = 0; i + 1 < name.length; i++)
        if (name.start[i] == '_' && name.start[i + 1] == '_') return true;
    return false;
}

static void arguments_put(Evaluator *ev, Arguments *arguments, Atom name, Value *value, const Node *node) {
    for (int i = 0; i < arguments->keyword_count; i++) {
        if (arguments->keywords[i].name != name) continue;
        arguments->keywords[i].value = value;
        return;
    }
    Keyword *grown = ARENA_ARRAY(evaluator_arena(ev), Keyword, arguments->keyword_count + 1);
    for (int i = 0; i < arguments->keyword_count; i++) grown[i] = arguments->keywords[i];
    grown[arguments->keyword_count++] = (Keyword){name, value, node};
    arguments->keywords = grown;
}

static bool arguments_put_dict(Evaluator *ev, Arguments *arguments, Value *defaults) {
    if (!defaults || defaults->type->kind != VALUE_DICT) {
        if (defaults && value_is_unknown(defaults)) arguments->unknown_keywords = true;
        return true;
    }
    const DictValue *dict = (const DictValue *)defaults;
    for (int i = 0; i < dict->count; i++) {
        if (!dict->entries[i].key || !value_is_text(dict->entries[i].key)) continue;
        Value *value = dict->entries[i].value;
        if (value_is_callable(value)) value = value_call_with(ev, value, NULL, 0, arguments->site);
        if (!value) return false;
        arguments_put(ev, arguments, value_as_atom(ev, dict->entries[i].key), value,
                      dict->entries[i].node ? dict->entries[i].node : arguments->site);
    }
    if (dict->open) arguments->unknown_keywords = true;
    return true;
}

/* What the new object is made of: exact conditions, then the defaults. */
static bool create_arguments(Evaluator *ev, const Arguments *lookup, Value *defaults, Arguments *out) {
    *out = (Arguments){.site = lookup->site, .unknown_keywords = lookup->unknown_keywords};
    for (int i = 0; i < lookup->keyword_count; i++)
        if (!keyword_is_lookup(lookup->keywords[i].name->text))
            arguments_put(ev, out, lookup->keywords[i].name, lookup->keywords[i].value, lookup->keywords[i].node);
    return arguments_put_dict(ev, out, defaults);
}

static bool check_parameters(Evaluator *ev, DjModel *model, const Arguments *arguments) {
    for (int i = 0; i < arguments->keyword_count; i++) {
        Atom name = arguments->keywords[i].name;
        DjFound found = model_find_field(ev, model, name);
        Value *attribute = class_find(model->cls, name);
        bool property = attribute && attribute->type->kind == VALUE_PROPERTY;
        if (found.field || found.rel || property || slice_equals_text(name->text, "pk")) continue;
        evaluator_raise(ev, django_state(ev)->field_error, evaluator_keyword_span(ev, &arguments->keywords[i]),
                        "Invalid field name(s) for model %.*s: '%.*s'.", SLICE_ARGS(model->name->text),
                        SLICE_ARGS(name->text));
        return false;
    }
    return true;
}

/* get(…): NULL with *missing where there is no such row. `usual`: what is taken where rows are not known. */
static Value *try_get(Evaluator *ev, Value *self, const Arguments *lookup, bool usually_missing, bool *missing) {
    DjModel *model = value_as_queryset(self)->model;
    Value *method = value_get_attribute(ev, self, django_atom(ev, "get"), lookup->site);
    Value *object = method ? value_call(ev, method, lookup) : NULL;
    *missing = false;
    if (!object) {
        Class *error = evaluator_error_value(ev) ? evaluator_error_value(ev)->cls : NULL;
        if (!error || !class_is_subclass(error, model->does_not_exist)) return NULL;
        evaluator_clear_error(ev);
        *missing = true;
        return NULL;
    }
    if (evaluator_has_rows(ev)) return object;
    bool ordinary = evaluator_decide(ev, lookup->site, 2) == 0;
    *missing = ordinary == usually_missing;
    return *missing ? NULL : object;
}

static Value *pair_of(Evaluator *ev, Value *object, bool created) {
    Value *pair[2] = {object, value_bool(ev, created)};
    return object ? value_tuple(ev, pair, 2) : NULL;
}

/* Another was faster, or the row is one that the conditions don't find: it is looked for once more. */
static Value *get_refused(Evaluator *ev, Value *self, const Arguments *lookup, bool *created) {
    Value *refusal = evaluator_error_value(ev);
    if (!refusal || !class_is_subclass(refusal->cls, django_state(ev)->integrity_error)) return NULL;
    Class *error = evaluator_clear_error(ev);
    Value *shown = value_str(ev, refusal, lookup->site);
    Slice message = shown && value_is(shown, VALUE_STRING) ? value_text(shown) : (Slice){0};
    Value *object = try_get(ev, self, lookup, true, created);
    if (*created) return evaluator_raise(ev, error, evaluator_span(ev, lookup->site), "%.*s", SLICE_ARGS(message));
    return object;
}

static Value *get_or_create(Evaluator *ev, Value *self, const Arguments *lookup, Value *defaults, bool usually_missing,
                            bool *created) {
    bool missing;
    Value *object = try_get(ev, self, lookup, usually_missing, &missing);
    *created = missing;
    if (!missing) return object;
    DjModel *model = value_as_queryset(self)->model;
    Arguments create;
    if (!create_arguments(ev, lookup, defaults, &create) || !check_parameters(ev, model, &create)) return NULL;
    transaction_enter(ev, true, lookup->site);
    Value *method = value_get_attribute(ev, self, django_atom(ev, "create"), lookup->site);
    object = method ? value_call(ev, method, &create) : NULL;
    transaction_leave(ev, true, !object, lookup->site);
    return object ? object : get_refused(ev, self, lookup, created);
}

static Value *queryset_get_or_create(Evaluator *ev, Value *self, const Arguments *arguments) {
    Value *defaults = NULL;
    bool created;
    Arguments lookup = lookup_arguments(ev, arguments, &defaults, NULL);
    Value *object = get_or_create(ev, self, &lookup, defaults, true, &created);
    return pair_of(ev, object, created);
}

static bool field_has_pre_save(const DjField *field) {
    return field_kind_is(field->kind, FIELD_DATE) || field->kind == FIELD_TIME ||
           field_kind_is(field->kind, FIELD_FILE);
}

/* The fields that were set, and those that pre_save() sets; NULL: save everything. */
static Value *updated_names(Evaluator *ev, DjModel *model, const Arguments *values) {
    ListValue *names = value_list(ev);
    for (int i = 0; i < values->keyword_count; i++) {
        DjField *field = model_field(ev, model, values->keywords[i].name);
        if (!field || !field->concrete || field_is_key(ev, model, field)) return NULL;
        list_append(ev, names, value_atom(ev, field->name));
    }
    for (int i = 0; i < model->local_concrete_fields.count; i++) {
        const DjField *field = model->local_concrete_fields.items[i];
        if (!field_is_key(ev, model, field) && (field_has_pre_save(field) || field_override(ev, field, "pre_save")))
            list_append(ev, names, value_atom(ev, field->name));
    }
    return values->unknown_keywords ? NULL : (Value *)names;
}

static Value *update_object(Evaluator *ev, Value *object, Value *defaults, const Node *site) {
    Arguments values = {.site = site};
    DjInstance *instance = value_as_model_instance(object);
    if (!arguments_put_dict(ev, &values, defaults)) return NULL;
    for (int i = 0; i < values.keyword_count; i++)
        if (!value_set_attribute(ev, object, values.keywords[i].name, values.keywords[i].value, site)) return NULL;
    Value *names = instance ? updated_names(ev, instance->model, &values) : NULL;
    Keyword update = {django_atom(ev, "update_fields"), names, site};
    return call_with_keywords(ev, object, "save", &update, names ? 1 : 0, site) ? object : NULL;
}

static Value *queryset_update_or_create(Evaluator *ev, Value *self, const Arguments *arguments) {
    Value *defaults = NULL, *create_defaults = NULL;
    bool created = false;
    Arguments lookup = lookup_arguments(ev, arguments, &defaults, &create_defaults);
    if (!create_defaults || value_is_none(create_defaults)) create_defaults = defaults;
    transaction_enter(ev, true, arguments->site);
    Value *locked = value_call_method(ev, self, "select_for_update", NULL, 0, arguments->site);
    Value *object = locked ? get_or_create(ev, locked, &lookup, create_defaults, false, &created) : NULL;
    if (object && !created) object = update_object(ev, object, defaults, arguments->site);
    transaction_leave(ev, true, !object, arguments->site);
    return pair_of(ev, object, created);
}

/* ---- update and delete ---- */

/* A condition that stands on one table alone: the queryset's own, or key IN (subquery). False: raised. */
typedef struct SingleTable {
    DjQuery *query;
    Relation *table;
    Expr *where; /* NULL: all rows */
    bool nothing;
} SingleTable;

static int active_joins(const DjQuery *query) {
    int count = 0;
    for (int i = 0; i < query->join_count; i++) count += query->joins[i]->references > 0;
    return count;
}

static bool single_table_compile(Evaluator *ev, DjQuery *query, SingleTable *out) {
    DjJoin *base = dj_query_base(query);
    DjCompiler compiler = {.ev = ev, .dialect = evaluator_dialect(ev), .query = query};
    out->query = query;
    out->table = &base->relation;
    if (!query->where || !query->where->count) return true;
    switch (dj_compile(&compiler, query->where, &out->where)) {
    case DJ_SQL: return true;
    case DJ_EMPTY: out->nothing = true; return true;
    case DJ_FULL: out->where = NULL; return true;
    case DJ_ERROR: return false;
    }
    return false;
}

/* The keys of a queryset's rows, by a statement of their own. False: raised. */
static bool rows_keys(Evaluator *ev, Value *self, const Node *site, ListValue **keys) {
    DjQuery *query = dj_queryset_query(ev, value_as_queryset(self));
    Slice name = SLICE("pk");
    Span span = evaluator_span(ev, site);
    ExecutionResult *result;
    bool empty;
    *keys = value_list(ev);
    if (!query) return false;
    dj_clear_ordering(query, true, true);
    query->default_columns = false;
    int execution = evaluator_execution_count(ev);
    if (!dj_add_fields(query, &name, &span, 1, false) || !dj_execute(ev, query, site, &result, &empty)) return false;
    if (empty) return true;
    DjField **fields;
    int count = model_pk_fields(ev, query->model, &fields);
    const RowSet *set = result && result->count ? &result->sets[0] : NULL;
    for (int r = 0; set && r < set->row_count; r++)
        list_append(ev, *keys, count == 1 ? set->rows[r][0] : value_tuple(ev, set->rows[r], count));
    if (set) return true;
    UnknownValue *unknown = (UnknownValue *)value_unknown(ev, SLICE("pk"), site, NULL);
    DjOrigin *origin = ARENA_NEW(evaluator_arena(ev), DjOrigin);
    *origin = (DjOrigin){.execution = execution, .column = fields[0]->column->text, .list = true};
    unknown->origin = origin;
    unknown->origin_type = &django_origin_type;
    list_append(ev, *keys, (Value *)unknown);
    return true;
}

/* What values() had chosen is put aside. */
static DjQuerySet *keys_alone(Evaluator *ev, DjQuerySet *queryset, const Node *site) {
    DjOp *op;
    DjQuerySet *keys = dj_queryset_push(ev, queryset, DJ_OP_VALUES, site, &op);
    op->names = ARENA_NEW(evaluator_arena(ev), Slice);
    op->spans = ARENA_NEW(evaluator_arena(ev), Span);
    op->names[0] = SLICE("pk");
    op->spans[0] = evaluator_span(ev, site);
    op->count = 1;
    op->flag = true;
    return keys;
}

/* Puts key IN (SELECT U0.key …) in the place of the query's own conditions; the keys themselves where the database
 * can't select from the table that it changes. */
static bool restrict_by_key(Evaluator *ev, DjQuery *query, Value *self, bool keys_first, const Node *site) {
    Value *inner = value_call_method(ev, self, "order_by", NULL, 0, site);
    if (inner && value_as_queryset(self)->has_fields) inner = (Value *)keys_alone(ev, value_as_queryset(inner), site);
    if (inner && keys_first) {
        ListValue *keys;
        if (!rows_keys(ev, inner, site, &keys)) return false;
        inner = (Value *)keys;
    } else if (inner) {
        /* a copy of the query, which knows the names that subqueries among the new values took */
        DjExpr *rows = dj_expr_new(ev, DJ_QUERY, site, 0);
        rows->as.subquery.query = dj_queryset_query(ev, value_as_queryset(inner));
        if (!rows->as.subquery.query) return false;
        dj_share_prefixes(rows->as.subquery.query, query);
        inner = (Value *)rows;
    }
    if (!inner) return false;
    query->where = dj_where(ev, DJ_AND, false);
    for (int i = 1; i < query->join_count; i++) query->joins[i]->references = 0;
    return dj_add_q(query, dj_q_condition(ev, SLICE("pk__in"), inner, site), false);
}

/* A subquery on the table itself, which MySQL and MariaDB take one level deeper only. */
static bool refers_to_model(const DjExpr *expr, const DjModel *model) {
    if (!expr) return false;
    if (expr->kind == DJ_QUERY) return expr->as.subquery.query && expr->as.subquery.query->model == model;
    if (expr->kind == DJ_SUBQUERY || expr->kind == DJ_EXISTS)
        return expr->as.subquery.query && expr->as.subquery.query->model == model;
    for (int i = 0; i < expr->count; i++)
        if (refers_to_model(expr->args[i], model)) return true;
    return false;
}

static bool single_table(Evaluator *ev, Value *self, const Node *site, SingleTable *out) {
    *out = (SingleTable){0};
    DjQuery *query = dj_queryset_query(ev, value_as_queryset(self));
    if (!query) return false;
    dj_query_base(query);
    bool deeper = evaluator_dialect(ev)->is_mysql && refers_to_model(query->where, query->model);
    if (active_joins(query) > 1 || query->grouping != DJ_GROUP_NONE || deeper) {
        DjQuery *outer = dj_query_new(ev, query->model);
        dj_query_base(outer);
        if (!restrict_by_key(ev, outer, self, false, site)) return false;
        query = outer;
    }
    return single_table_compile(ev, query, out);
}

static Value *rows_affected(Evaluator *ev, const ExecutionResult *result, const Node *site) {
    return result && result->count ? value_integer(ev, result->sets[0].affected) : value_unknown_at(ev, site);
}

static Expr *update_expression(Evaluator *ev, DjQuery *query, DjField *field, Value *value, const Node *site) {
    if (!value_is_expr(value) && !value_is_queryset(value))
        return write_value(ev, query->model, field, value, &query->joins[0]->relation, site);
    DjExpr *given = dj_parse(ev, value, false, site);
    DjResolve how = {.allow_joins = false, .for_save = true};
    DjExpr *expr = given ? dj_resolve(query, given, &how) : NULL;
    if (!expr) return NULL;
    expr = dj_resolve_again(ev, expr);
    if (expr->kind == DJ_COL_PAIRS) {
        Slice shown = value_repr(ev, value);
        return evaluator_raise(ev, django_state(ev)->field_error, evaluator_mistake_span(ev, site),
                               "Composite primary keys expressions are not allowed in this query (%.*s=%.*s).",
                               SLICE_ARGS(field->name->text), SLICE_ARGS(shown));
    }
    if (expr->flags & (DJ_HAS_AGGREGATE | DJ_HAS_OVER)) {
        Slice shown = value_repr(ev, value);
        return evaluator_raise(ev, django_state(ev)->field_error, evaluator_mistake_span(ev, site),
                               "%s are not allowed in this query (%.*s=%.*s).",
                               expr->flags & DJ_HAS_AGGREGATE ? "Aggregate functions" : "Window expressions",
                               SLICE_ARGS(field->name->text), SLICE_ARGS(shown));
    }
    DjCompiler compiler = {.ev = ev, .dialect = evaluator_dialect(ev), .query = query};
    Expr *out = NULL;
    DjOutcome outcome = dj_compile(&compiler, expr, &out);
    if (outcome == DJ_ERROR) return NULL;
    return write_placed(ev, field, out ? out : expr_new(evaluator_arena(ev), EXPR_NULL, field->sql_type));
}

/* Fields without a column of their own. */
static DjField *refuse_columnless(Evaluator *ev, const DjField *field, Value *value, Span span) {
    DjInstance *object = value_as_model_instance(value);
    if (field->kind == FIELD_COMPOSITE_KEY)
        return evaluator_raise(ev, django_state(ev)->field_error, span,
                               "Composite primary key fields must be updated individually.");
    if (object && !object->unknown && !instance_has_key(ev, object, object->model, NULL)) {
        Slice shown = value_repr(ev, value);
        return evaluator_raise(ev, evaluator_exception(ev, EXCEPTION_VALUE), span,
                               "Unsaved model instance %.*s cannot be used in an ORM query.", SLICE_ARGS(shown));
    }
    return evaluator_raise(ev, evaluator_exception(ev, EXCEPTION_ATTRIBUTE), span,
                           "'ForeignObjectRel' object has no attribute 'get_related_field'");
}

static DjField *update_field(Evaluator *ev, DjModel *model, const Keyword *keyword) {
    DjFound found = model_find_field(ev, model, keyword->name);
    Span span = evaluator_keyword_span(ev, keyword);
    if (found.field && (found.field->kind == FIELD_COMPOSITE_KEY || found.field->kind == FIELD_FOREIGN_OBJECT))
        return refuse_columnless(ev, found.field, keyword->value, span);
    if (!found.field && !found.rel) {
        Atom *names;
        int count = model_field_names_for_error(ev, model, &names);
        evaluator_raise(ev, django_state(ev)->field_does_not_exist, span, "%.*s has no field named '%.*s'",
                        SLICE_ARGS(model->name->text), SLICE_ARGS(keyword->name->text));
        Suggestion suggestion = suggestion_start(keyword->name->text);
        for (int i = 0; i < count; i++) suggestion_offer(&suggestion, names[i]->text);
        if (suggestion_found(&suggestion))
            evaluator_raise_help(ev, "did you mean '%.*s'?", SLICE_ARGS(suggestion.best));
        return NULL;
    }
    if (found.field && found.field->concrete && !found.field->many_to_many) return found.field;
    Slice shown = value_repr(ev, found.field ? (Value *)found.field : (Value *)found.rel);
    return evaluator_raise(ev, django_state(ev)->field_error, span,
                           "Cannot update model field %.*s (only non-relations and foreign keys permitted).",
                           SLICE_ARGS(shown));
}

/* An object in the place of a key. NULL: it was never saved (raised). */
static Value *update_key(Evaluator *ev, DjField *field, Value *value, const Node *site) {
    DjInstance *object = value_as_model_instance(value);
    DjField *target = object && field->rel ? field_target(ev, field) : NULL;
    if (!target) return value;
    Value *key = instance_field_value(ev, object, target, site);
    if (!key || !value_is_none(key)) return key;
    Slice shown = value_repr(ev, value);
    return evaluator_raise_id(ev, EXCEPTION_VALUE, site, "Unsaved model instance %.*s cannot be used in an ORM query.",
                              SLICE_ARGS(shown));
}

/* ---- UPDATE … ORDER BY ---- */

/* MySQL updates in the order that the program gave, unless another table's column takes part. */
static ExprList update_order(Evaluator *ev, DjQuery *query) {
    ExprList list = {0};
    DjOrders orders = {0};
    DjCompiler compiler = {.ev = ev, .dialect = evaluator_dialect(ev), .query = query};
    if (!compiler.dialect->is_mysql || !query->order_count) return list;
    bool fine = dj_compile_order_by(&compiler, &orders) == DJ_SQL;
    if (!fine) evaluator_clear_error(ev);
    for (int i = 0; i < orders.count && fine; i++) {
        const DjExpr *inner = orders.items[i].expr->kind == DJ_ORDER_BY ? orders.items[i].expr->args[0] : NULL;
        fine = !inner || inner->kind != DJ_COL || inner->as.col.join == query->joins[0];
    }
    for (int i = 0; i < orders.count && fine; i++) expr_list_push(evaluator_arena(ev), &list, orders.items[i].sql);
    return list;
}

/* ---- what update() sets ---- */

typedef struct TableUpdate {
    DjModel *model;
    Assignment *assignments;
    int count;
    ExprList order;
} TableUpdate;

static bool update_send(Evaluator *ev, const SingleTable *single, const TableUpdate *update, const Node *site,
                        ExecutionResult **result) {
    Query *tree = query_new(evaluator_arena(ev), QUERY_UPDATE);
    tree->target = single->table;
    tree->assignments = update->assignments;
    tree->assignment_count = update->count;
    tree->where = single->where;
    tree->order_by = update->order;
    return write_send(ev, tree, STATEMENT_UPDATE, site, result);
}

static Expr *bare_column(Evaluator *ev, Relation *table, const DjField *field) {
    Expr *column = write_column(ev, table, field);
    column->as.column.bare = true;
    return column;
}

static Value *update_tables(Evaluator *ev, DjModel *model, const ListValue *keys, const Arguments *arguments,
                            DjField *const *fields, bool own) {
    const Node *site = arguments->site;
    bool *done = ARENA_ARRAY(evaluator_arena(ev), bool, arguments->keyword_count + 1);
    for (int first = 0; first < arguments->keyword_count; first++) {
        DjModel *table = fields[first]->model->concrete;
        if (done[first] || (table == model->concrete) != own) continue;
        Keyword *values = ARENA_ARRAY(evaluator_arena(ev), Keyword, arguments->keyword_count);
        int count = 0;
        for (int i = first; i < arguments->keyword_count; i++) {
            if (fields[i]->model->concrete != table) continue;
            values[count++] = arguments->keywords[i];
            done[i] = true;
        }
        Keyword filter = {django_atom(ev, "pk__in"), (Value *)keys, site};
        Value *rows = call_with_keywords(ev, manager_new(ev, table, NULL), "filter", &filter, 1, site);
        if (!rows || !call_with_keywords(ev, rows, "update", values, count, site)) return NULL;
    }
    return value_unknown_at(ev, site);
}

/* Columns of a parent's table are set there, for the keys that the query gives; its own table comes first. */
static Value *update_with_parents(Evaluator *ev, Value *self, const Arguments *arguments, DjField *const *fields) {
    DjModel *model = value_as_queryset(self)->model;
    ListValue *keys;
    if (!rows_keys(ev, self, arguments->site, &keys)) return NULL;
    if (!keys->count) return value_integer(ev, 0);
    Value *done = update_tables(ev, model, keys, arguments, fields, true);
    return done ? update_tables(ev, model, keys, arguments, fields, false) : NULL;
}

static bool check_not_combined(Evaluator *ev, const DjQuerySet *queryset, const char *method, const Node *site) {
    if (!queryset->combined) return true;
    evaluator_raise(ev, django_state(ev)->not_supported_error, evaluator_mistake_span(ev, site),
                    "Calling QuerySet.%s() after %s() is not supported.", method,
                    queryset->combinator == DJ_COMBINE_UNION          ? "union"
                    : queryset->combinator == DJ_COMBINE_INTERSECTION ? "intersection"
                                                                      : "difference");
    return false;
}

static bool check_update_order(Evaluator *ev, DjQuery *query) {
    for (int i = 0; i < query->order_count; i++) {
        Slice name = query->order_by[i].name;
        if (name.length && name.start[0] == '-') name = slice_sub(name, 1, name.length);
        const DjAnnotation *annotation = name.length ? dj_annotation_find(query, name) : NULL;
        if (!annotation || !(annotation->expr->flags & DJ_HAS_AGGREGATE)) continue;
        Buffer shown;
        buffer_init(&shown, evaluator_arena(ev));
        dj_describe(ev, annotation->expr, &shown);
        return evaluator_raise(ev, django_state(ev)->field_error, query->order_by[i].span,
                               "Cannot update when ordering by an aggregate: %.*s", (int)shown.length,
                               shown.data) != NULL;
    }
    return true;
}

static Value *queryset_update(Evaluator *ev, Value *self, const Arguments *arguments) {
    DjQuerySet *queryset = value_as_queryset(self);
    DjModel *model = queryset->model;
    const Node *site = arguments->site;
    if (!check_not_combined(ev, queryset, "update", site)) return NULL;
    if (queryset->sliced)
        return evaluator_raise_id(ev, EXCEPTION_TYPE, site, "Cannot update a query once a slice has been taken.");
    if (queryset->distinct_fields)
        return evaluator_raise_id(ev, EXCEPTION_TYPE, site, "Cannot call update() after .distinct(*fields).");
    model_prepare(ev, model);
    DjField **fields = ARENA_ARRAY(evaluator_arena(ev), DjField *, arguments->keyword_count + 1);
    bool elsewhere = false;
    for (int i = 0; i < arguments->keyword_count; i++) {
        fields[i] = update_field(ev, model, &arguments->keywords[i]);
        if (!fields[i]) return NULL;
        elsewhere = elsewhere || fields[i]->model->concrete != model->concrete;
    }
    if (arguments->unknown_keywords && arguments->keyword_count) evaluator_warn_open(ev, arguments, "values");
    else if (arguments->unknown_keywords) evaluator_leave_out(ev, site, "values are not known here");
    if (evaluator_error_pending(ev)) return NULL;
    if (elsewhere) return update_with_parents(ev, self, arguments, fields);
    if (!arguments->keyword_count) return value_integer(ev, 0);
    SingleTable single;
    DjQuery *own = dj_queryset_query(ev, queryset);
    TableUpdate update = {.model = model};
    if (!own) return NULL;
    if (!check_update_order(ev, own)) return NULL;
    dj_query_base(own);
    int joins = active_joins(own);
    update.assignments = ARENA_ARRAY(evaluator_arena(ev), Assignment, arguments->keyword_count + 1);
    for (int i = 0; i < arguments->keyword_count; i++) {
        Value *value = update_key(ev, fields[i], arguments->keywords[i].value, arguments->keywords[i].node);
        if (!value) return NULL;
        Expr *expr = update_expression(ev, own, fields[i], value, arguments->keywords[i].node);
        if (!expr) return NULL;
        update.assignments[update.count++] = (Assignment){bare_column(ev, &own->joins[0]->relation, fields[i]), expr};
    }
    if (joins > 1 && !restrict_by_key(ev, own, self, evaluator_dialect(ev)->id == DIALECT_MYSQL, site)) return NULL;
    single = (SingleTable){0};
    if (!single_table_compile(ev, own, &single)) return NULL;
    if (single.nothing) return value_integer(ev, 0);
    update.order = update_order(ev, own);
    ExecutionResult *result = NULL;
    return update_send(ev, &single, &update, site, &result) ? rows_affected(ev, result, site) : NULL;
}

/* DELETE … WHERE; where there are joins MySQL names the table before FROM. */
static Value *delete_at_once(Evaluator *ev, Value *rows, const Node *site) {
    Query *tree = query_new(evaluator_arena(ev), QUERY_DELETE), *select;
    DjQuery *query = dj_queryset_query(ev, value_as_queryset(rows));
    ExecutionResult *result = NULL;
    if (!query) return NULL;
    DjJoin *base = dj_query_base(query);
    if (evaluator_dialect(ev)->is_mysql && active_joins(query) > 1 && query->grouping == DJ_GROUP_NONE) {
        DjOutcome outcome = dj_query_compile(query, NULL, false, false, &select);
        if (outcome == DJ_EMPTY) return deleted_at_once(ev, query->model, NULL, site);
        if (outcome != DJ_SQL) return NULL;
        tree->target = &base->relation;
        tree->from = select->from;
        tree->from_count = select->from_count;
        tree->where = select->where;
    } else {
        SingleTable single;
        if (!single_table(ev, rows, site, &single)) return NULL;
        if (single.nothing) return deleted_at_once(ev, query->model, NULL, site);
        tree->target = single.table;
        tree->where = single.where;
    }
    transaction_enter(ev, false, site);
    bool fine = write_send(ev, tree, STATEMENT_DELETE, site, &result);
    transaction_leave(ev, false, !fine, site);
    return fine ? deleted_at_once(ev, query->model, result, site) : NULL;
}

static Value *queryset_delete(Evaluator *ev, Value *self, const Arguments *arguments) {
    DjQuerySet *queryset = value_as_queryset(self);
    const Node *site = arguments->site;
    if (!check_not_combined(ev, queryset, "delete", site)) return NULL;
    if (queryset->sliced)
        return evaluator_raise_id(ev, EXCEPTION_TYPE, site, "Cannot use 'limit' or 'offset' with delete().");
    if (queryset->distinct_fields)
        return evaluator_raise_id(ev, EXCEPTION_TYPE, site, "Cannot call delete() after .distinct(*fields).");
    if (queryset->has_fields)
        return evaluator_raise_id(ev, EXCEPTION_TYPE, site, "Cannot call delete() after .values() or .values_list()");
    Value *plain = value_call_method(ev, self, "order_by", NULL, 0, site), *none = value_none(ev);
    if (plain) plain = value_call_method(ev, plain, "select_related", &none, 1, site);
    if (!plain) return NULL;
    if (model_deletes_at_once(ev, queryset->model)) return delete_at_once(ev, plain, site);
    Value *rows = value_iterate(ev, plain, site);
    return rows ? rows_delete(ev, queryset->model, rows, site) : NULL;
}

const NativeMethod dj_write_methods[] = {
    {"create", queryset_create, NATIVE_METHOD, NULL},
    {"acreate", queryset_create, NATIVE_METHOD, NULL},
    {"get_or_create", queryset_get_or_create, NATIVE_METHOD, NULL},
    {"aget_or_create", queryset_get_or_create, NATIVE_METHOD, NULL},
    {"update_or_create", queryset_update_or_create, NATIVE_METHOD, NULL},
    {"aupdate_or_create", queryset_update_or_create, NATIVE_METHOD, NULL},
    {"bulk_create", queryset_bulk_create, NATIVE_METHOD, NULL},
    {"abulk_create", queryset_bulk_create, NATIVE_METHOD, NULL},
    {"bulk_update", queryset_bulk_update, NATIVE_METHOD, NULL},
    {"abulk_update", queryset_bulk_update, NATIVE_METHOD, NULL},
    {"update", queryset_update, NATIVE_METHOD, NULL},
    {"aupdate", queryset_update, NATIVE_METHOD, NULL},
    {"delete", queryset_delete, NATIVE_METHOD, NULL},
    {"adelete", queryset_delete, NATIVE_METHOD, NULL},
    {NULL, NULL, NATIVE_METHOD, NULL},
};
