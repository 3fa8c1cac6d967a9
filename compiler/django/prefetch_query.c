/*
 * One level of a prefetch as a query: the related objects of many owners at once.
 *
 *     forward   WHERE ("id") IN (($1)), no ordering
 *     reverse   WHERE "author_id" IN ($1)
 *     m2m       SELECT ("book_tags"."book_id") AS "_prefetch_related_val_book_id", … WHERE "book_tags"."book_id" IN
 * ($1) generic   WHERE ("content_type_id" = $1 AND "object_id" IN ($2))
 *
 * A sliced queryset is taken a slice for each owner: ROW_NUMBER() OVER (PARTITION BY the relation) between its marks.
 */
#include "compiler/django/django.h"
#include "compiler/django/expression_classes.h"
#include "compiler/django/field_prepare.h"
#include "compiler/django/function.h"
#include "compiler/django/instance.h"
#include "compiler/django/lookup.h"
#include "compiler/django/manager.h"
#include "compiler/django/prefetch.h"
#include "compiler/django/query_state.h"
#include "compiler/django/write.h"

static Arena *arena_of(Evaluator *ev) { return evaluator_arena(ev); }

DjQuerySet *dj_prefetch_base(Evaluator *ev, DjFound relation, const Node *site) {
    DjModel *model = relation.field ? field_related_model(ev, relation.field) : relation.rel->field->model;
    model_prepare(ev, model);
    Value *manager = dj_found_is_single(relation) ? model->base_manager : model->default_manager;
    Value *queryset = manager ? dj_manager_queryset(ev, manager, site) : NULL;
    if (queryset && value_is_queryset(queryset)) return value_as_queryset(queryset);
    return evaluator_error_pending(ev) ? NULL : dj_queryset_new(ev, NULL, model, site);
}

static DjExpr *condition(Evaluator *ev, Slice name, const char *lookup, Value *value, const Node *site) {
    return dj_condition_new(ev, slice_format(arena_of(ev), "%.*s__%s", SLICE_ARGS(name), lookup), value, site);
}

/* ---- foreign keys ---- */

/* The columns that the key points to, compared as a tuple. */
static bool add_forward(Evaluator *ev, DjQuery *query, DjField *field, Value *const *keys, int count,
                        const Node *site) {
    int width = field->foreign_fields.count;
    DjJoin *base = dj_query_base(query);
    DjExpr *pairs = dj_expr_new(ev, DJ_COL_PAIRS, site, width);
    pairs->as.pairs.join = base;
    pairs->as.pairs.field = field;
    pairs->flags = DJ_RESOLVED | DJ_HAS_COLUMNS;
    for (int i = 0; i < width; i++) {
        DjJoined joined;
        Slice name = field->foreign_fields.items[i]->name->text;
        if (!dj_setup_joins(query, &name, 1, query->model, base, NULL, true, (Span){0}, &joined)) return false;
        dj_trim_joins(query, &joined);
        pairs->args[i] = dj_col(ev, base, joined.names.targets[0], NULL);
    }
    /* several owners of one object ask for it once */
    DictValue *seen = value_dict(ev);
    Value **rows = ARENA_ARRAY(arena_of(ev), Value *, count + 1);
    int used = 0;
    for (int i = 0; i < count; i++) {
        Value *key = dj_prefetch_key_of_owner(ev, (DjFound){field, NULL}, value_as_model_instance(keys[i]), site);
        if (!key || dict_get(ev, seen, key)) continue;
        dict_set(ev, seen, key, key, site);
        rows[used++] = key;
    }
    Slice in = SLICE("in");
    DjExpr *lookup = dj_build_lookup(query, &in, 1, pairs, value_tuple(ev, rows, used), evaluator_span(ev, site), site);
    if (!lookup) return false;
    dj_where_add(ev, query->where, lookup, DJ_AND);
    return true;
}

/* ---- slices ---- */

/* An entry of an ordering the other way round. */
static Value *reversed_entry(Evaluator *ev, Value *entry) {
    if (value_is(entry, VALUE_STRING)) {
        Slice name = value_text(entry);
        if (slice_starts_with(name, "-")) return value_string(ev, slice_sub(name, 1, name.length));
        return value_string(ev, slice_format(arena_of(ev), "-%.*s", SLICE_ARGS(name)));
    }
    if (!value_is_expr(entry)) return entry;
    DjExpr *expr = value_expr(entry);
    if (expr->kind != DJ_ORDER_BY) return (Value *)dj_order_by(ev, expr, true, NULLS_DEFAULT, expr->site);
    expr = dj_copy(ev, expr);
    expr->as.order.descending = !expr->as.order.descending;
    if (expr->as.order.nulls != NULLS_DEFAULT)
        expr->as.order.nulls = expr->as.order.nulls == NULLS_FIRST ? NULLS_LAST : NULLS_FIRST;
    return (Value *)expr;
}

/* What the queryset is ordered by, for ORDER BY inside the window. */
static Value *ordering_values(Evaluator *ev, const DjQuery *query) {
    ListValue *list = value_list(ev);
    Value **items = NULL;
    int count = query->order_count || !query->default_ordering ? 0 : model_get_ordering(ev, query->model, &items);
    for (int i = 0; i < count; i++) list_append(ev, list, items[i]);
    for (int i = 0; i < query->order_count; i++)
        list_append(ev, list,
                    query->order_by[i].expr ? (Value *)query->order_by[i].expr
                                            : value_string(ev, query->order_by[i].name));
    for (int i = 0; i < list->count && !query->standard_ordering; i++)
        list->items[i] = reversed_entry(ev, list->items[i]);
    return (Value *)list;
}

static void push_mark(Evaluator *ev, DjExpr *q, DjExpr *window, const char *name, Value *mark, const Node *site) {
    DjExpr *lookup = dj_expr_new(ev, DJ_LOOKUP, site, 2);
    lookup->as.lookup.spec = dj_lookup_find(ev, window, slice_from(name));
    lookup->as.lookup.rhs = mark;
    lookup->as.lookup.span = evaluator_span(ev, site);
    lookup->args[0] = window;
    dj_q_push(ev, q, lookup);
}

/* Takes the marks off the query and gives them as conditions. */
static void push_slice(Evaluator *ev, DjQuery *query, DjExpr *q, Slice name, const Node *site) {
    DjExpr *number = dj_function_new(ev, dj_function_find("RowNumber"), NULL, 0, site), *by = dj_f(ev, name, site);
    DjExpr *window = dj_expr_new(ev, DJ_WINDOW, site, 1);
    window->args[0] = number;
    window->as.window.partition_by = dj_list(ev, &by, 1);
    Value *order = ordering_values(ev, query);
    DjExpr *by_order = ((ListValue *)order)->count ? dj_read_order_by(ev, order, site) : NULL;
    for (int i = 0; by_order && i < by_order->count; i++)
        if (by_order->args[i]->kind != DJ_ORDER_BY)
            by_order->args[i] = dj_order_by(ev, by_order->args[i], false, NULLS_DEFAULT, site);
    window->as.window.order_by = by_order;
    push_mark(ev, q, window, "gt", query->low_value ? query->low_value : value_integer(ev, query->low), site);
    if (query->sliced_high)
        push_mark(ev, q, window, "lte", query->high_value ? query->high_value : value_integer(ev, query->high), site);
    query->sliced_low = query->sliced_high = false;
    query->low = query->high = 0;
    query->low_value = query->high_value = NULL;
}

/* ---- relations to many ---- */

static bool add_many(Evaluator *ev, DjQuery *query, Slice name, Value *const *keys, int count, const Node *site) {
    DjExpr *q = dj_q_new(ev, site);
    dj_q_push(ev, q, condition(ev, name, "in", value_tuple(ev, keys, count), site));
    if (dj_is_sliced(query)) push_slice(ev, query, q, name, site);
    return !evaluator_error_pending(ev) && dj_add_q(query, q, true);
}

static DjField *through_link(DjFound relation) {
    return relation.field ? relation.field->m2m_field : relation.rel->field->m2m_reverse_field;
}

static Slice link_name(Evaluator *ev, const DjField *column) {
    return slice_format(arena_of(ev), "_prefetch_related_val_%.*s", SLICE_ARGS(column->attname->text));
}

/* The owner's key comes with each row, from the table between. */
static void select_link(Evaluator *ev, DjQuery *query, DjField *link) {
    char quote = evaluator_dialect(ev)->is_mysql ? '`' : '"';
    for (int i = 0; i < link->local_fields.count; i++) {
        const DjField *column = link->local_fields.items[i];
        DjExtra extra = {.name = link_name(ev, column), .selected = true};
        extra.sql = slice_format(arena_of(ev), "%c%.*s%c.%c%.*s%c", quote, SLICE_ARGS(link->model->db_table->text),
                                 quote, quote, SLICE_ARGS(column->column->text), quote);
        ARENA_PUSH(arena_of(ev), query->extra, query->extra_count, query->extra_capacity) = extra;
    }
}

/* Content types come in the order of their ids, as far as these are known. */
static int compare_types(Value *left, Value *right) {
    int64_t a, b;
    if (!value_as_integer(left, &a) || !value_as_integer(right, &b)) return 0;
    return (a > b) - (a < b);
}

/* The owners of one content type; NULL: there is none. */
static DjExpr *generic_part(Evaluator *ev, const DjField *field, Value *const *keys, int count, Value *const *type_ids,
                            Value *type, const Node *site) {
    Value **ids = ARENA_ARRAY(arena_of(ev), Value *, count + 1);
    int used = 0;
    for (int i = 0; i < count; i++)
        if (type_ids[i] == type && !(ids[used++] = instance_pk(ev, value_as_model_instance(keys[i]), site)))
            return NULL;
    value_set_order(ev, ids, used);
    DjExpr *both = dj_q_new(ev, site);
    dj_q_push(ev, both, condition(ev, field->ct_field->text, "pk", type, site));
    dj_q_push(ev, both, condition(ev, field->fk_field->text, "in", value_tuple(ev, ids, used), site));
    return both;
}

static bool add_generic(Evaluator *ev, DjQuery *query, DjField *field, Value *const *keys, int count,
                        Value *const *type_ids, const Node *site) {
    Value **types = ARENA_ARRAY(arena_of(ev), Value *, count + 1);
    int type_count = 0;
    for (int i = 0; i < count; i++) {
        int at = 0;
        while (at < type_count && types[at] != type_ids[i]) at++;
        if (at < type_count) continue;
        at = type_count++;
        for (; at > 0 && compare_types(types[at - 1], type_ids[i]) > 0; at--) types[at] = types[at - 1];
        types[at] = type_ids[i];
    }
    DjExpr *any = dj_q_new(ev, site);
    for (int t = 0; t < type_count; t++) {
        DjExpr *part = generic_part(ev, field, keys, count, type_ids, types[t], site);
        if (!part) return false;
        dj_q_push(ev, any, part);
    }
    any->as.node.connector = DJ_OR;
    return dj_add_q(query, any, false);
}

DjQuery *dj_prefetch_query(Evaluator *ev, DjQuerySet *queryset, DjFound relation, Value *const *keys, int count,
                           Value *const *type_ids, const Node *site) {
    if (queryset->sliced && (dj_found_is_single(relation) || dj_found_is_generic(relation)))
        return evaluator_raise_id(ev, EXCEPTION_TYPE, site, "Cannot filter a query once a slice has been taken.");
    DjQuery *query = dj_queryset_query(ev, queryset);
    if (!query) return NULL;
    bool done;
    if (relation.field && dj_found_is_single(relation)) {
        done = add_forward(ev, query, relation.field, keys, count, site);
    } else if (dj_found_is_generic(relation)) {
        done = add_generic(ev, query, relation.field, keys, count, type_ids, site);
    } else if (dj_found_is_many_to_many(relation)) {
        done = add_many(ev, query, relation.field ? relation.field->rel->name->text : relation.rel->field->name->text,
                        keys, count, site);
        DjField *link = through_link(relation);
        if (done && link && field_resolve(ev, link)) select_link(ev, query, link);
    } else {
        done = add_many(ev, query, relation.rel->field->name->text, keys, count, site);
    }
    if (!done) return NULL;
    if (dj_found_is_single(relation)) dj_clear_ordering(query, false, true);
    return query;
}

/* ---- which row belongs to which owner ---- */

static Value *values_of(Evaluator *ev, DjInstance *instance, const Fields *fields, const Node *site) {
    Value **values = ARENA_ARRAY(arena_of(ev), Value *, fields->count + 1);
    for (int i = 0; i < fields->count; i++) values[i] = instance_field_value(ev, instance, fields->items[i], site);
    return value_tuple(ev, values, fields->count);
}

Value *dj_prefetch_key_of_owner(Evaluator *ev, DjFound relation, DjInstance *owner, const Node *site) {
    if (dj_found_is_generic(relation)) {
        DjModel *model = relation.field->for_concrete_model ? owner->model->concrete : owner->model;
        Value *pair[2] = {instance_pk(ev, owner, site), content_type_id(ev, model, site)};
        return pair[0] && pair[1] ? value_tuple(ev, pair, 2) : NULL;
    }
    DjField *link = dj_found_is_many_to_many(relation) ? through_link(relation) : NULL;
    if (link) return values_of(ev, owner, &link->foreign_fields, site);
    return values_of(ev, owner, relation.field ? &relation.field->local_fields : &relation.rel->field->foreign_fields,
                     site);
}

/* A generic relation's rows hold the owner's key as the type of their own column, and its content type. */
static Value *generic_key(Evaluator *ev, DjField *field, DjInstance *row, const Node *site) {
    DjField *object = model_field(ev, row->model, field->fk_field);
    Value *key = object ? instance_field_value(ev, row, object, site) : value_none(ev);
    DjField *type = model_field(ev, row->model, field->ct_field);
    Value *pair[2] = {field_to_python(ev, field->model->pk, key, site),
                      type ? instance_field_value(ev, row, type, site) : value_none(ev)};
    return pair[0] ? value_tuple(ev, pair, 2) : NULL;
}

Value *dj_prefetch_key_of_row(Evaluator *ev, DjFound relation, DjInstance *row, const Node *site) {
    if (dj_found_is_generic(relation)) return generic_key(ev, relation.field, row, site);
    DjField *link = dj_found_is_many_to_many(relation) ? through_link(relation) : NULL;
    if (!link)
        return values_of(ev, row, relation.field ? &relation.field->foreign_fields : &relation.rel->field->local_fields,
                         site);
    Value **values = ARENA_ARRAY(arena_of(ev), Value *, link->local_fields.count + 1);
    for (int i = 0; i < link->local_fields.count; i++) {
        values[i] =
            instance_get((Value *)row, atom_intern(evaluator_atoms(ev), link_name(ev, link->local_fields.items[i])));
        if (!values[i]) values[i] = value_none(ev);
    }
    return value_tuple(ev, values, link->local_fields.count);
}
