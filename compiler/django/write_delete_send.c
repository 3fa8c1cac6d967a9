/*
 * delete(): what was collected is sent. Input: a Collector; output: the statements, and how many rows of which model
 * they deleted.
 *
 * Invariants: fast deletes come first, then keys that are set, then the instances, dependents before what they depend
 * on and the highest key first; more than one statement makes a transaction.
 *
 * Example: DELETE FROM "book_tags" WHERE "book_tags"."book_id" IN (?); DELETE FROM "book" WHERE "book"."id" IN (?)
 */
#include "compiler/django/write_delete.h"

enum { CHUNK = 100 };

/* ---- conditions ---- */

/* field IN (what these objects have in the fields that it refers to) */
static Expr *field_condition(Collector *collector, DjField *field, const Objects *objects, Relation *table) {
    Evaluator *ev = collector->ev;
    if (!field->column) {
        Slice name = slice_format(collector_arena(collector), "%.*s__in", SLICE_ARGS(field->name->text));
        return write_lookup(ev, table, name, objects_list(collector, objects), collector->site);
    }
    DjField *target = field_target(ev, field);
    Value **values = ARENA_ARRAY(collector_arena(collector), Value *, objects->count + 1);
    for (int i = 0; i < objects->count; i++) {
        DjInstance *object = (DjInstance *)objects->items[i];
        values[i] = target ? instance_field_value(ev, object, target, collector->site)
                           : instance_pk(ev, object, collector->site);
    }
    return write_in(ev, table, field, values, objects->count, collector->site);
}

/* One condition for each field and group, several joined by OR in parentheses. */
static Expr *statement_condition(Collector *collector, const CollectedStatement *statement, Relation *table) {
    Evaluator *ev = collector->ev;
    Arena *arena = collector_arena(collector);
    Expr *any = expr_new(arena, EXPR_OR, SQL_BOOLEAN);
    for (int g = 0; g < statement->group_count; g++)
        for (int f = 0; f < statement->fields.count; f++) {
            Expr *part = field_condition(collector, statement->fields.items[f], &statement->groups[g], table);
            if (!part) return NULL;
            expr_list_push(arena, &any->args, part);
        }
    Expr *where = any->args.count > 1 ? expr_group(arena, any) : any->args.items[0];
    if (!statement->type) return where;
    Expr *typed = write_equals(ev, table, statement->type, statement->type_id, collector->site);
    return typed ? write_and(ev, typed, where) : NULL;
}

/* ---- counting ---- */

static void collector_count(Collector *collector, const DjModel *model, const ExecutionResult *result, bool always) {
    Evaluator *ev = collector->ev;
    int64_t rows = result && result->count ? result->sets[0].affected : 0, before = 0;
    if (!rows && !always) return;
    Value *label = value_string(ev, model->label), *known = dict_get(ev, collector->by_label, label);
    if (known) value_as_integer(known, &before);
    dict_set(ev, collector->by_label, label, value_integer(ev, before + rows), collector->site);
    collector->deleted += rows;
}

/* What delete() gives where the rows aren't known. */
static Value *deleted_unknown(Evaluator *ev, const Node *site) {
    Value *count = (Value *)evaluator_builtin_class(ev, VALUE_INTEGER);
    Value *labels = (Value *)evaluator_builtin_class(ev, VALUE_DICT);
    Value *parts[2] = {value_unknown(ev, SLICE("deleted"), site, count),
                       value_unknown(ev, SLICE("deleted"), site, labels)};
    return value_tuple(ev, parts, 2);
}

Value *collector_answer(const Collector *collector) {
    Evaluator *ev = collector->ev;
    Value *parts[2] = {value_integer(ev, collector->deleted), (Value *)collector->by_label};
    if (!evaluator_has_rows(ev)) return deleted_unknown(ev, collector->site);
    return value_tuple(ev, parts, 2);
}

Value *deleted_at_once(Evaluator *ev, const DjModel *model, const ExecutionResult *result, const Node *site) {
    Collector collector = {.ev = ev, .site = site, .by_label = value_dict(ev)};
    collector_count(&collector, model, result, false);
    return collector_answer(&collector);
}

/* ---- sending ---- */

static bool send_fast(Collector *collector) {
    for (int i = 0; i < collector->fast_count; i++) {
        const CollectedStatement *fast = &collector->fast[i];
        Relation *table = write_table(collector->ev, fast->model);
        Expr *where = statement_condition(collector, fast, table);
        ExecutionResult *result = NULL;
        if (!where || !write_delete(collector->ev, where, table, collector->site, &result)) return false;
        collector_count(collector, fast->model, result, false);
    }
    return true;
}

static int key_order(Evaluator *ev, Value *a, Value *b) {
    Value *left = instance_pk(ev, (DjInstance *)a, NULL), *right = instance_pk(ev, (DjInstance *)b, NULL);
    if (value_is_unknown(left) || value_is_unknown(right)) return 0;
    Value *less = value_compare(ev, COMPARE_Lt, left, right, NULL);
    if (less && value_is_true(less)) return -1;
    Value *more = value_compare(ev, COMPARE_Gt, left, right, NULL);
    if (!less || !more) evaluator_clear_error(ev);
    return more && value_is_true(more);
}

/* By key, the lowest first or last. */
static void objects_sort(Evaluator *ev, Objects *objects, bool descending) {
    for (int i = 1; i < objects->count; i++) {
        Value *item = objects->items[i];
        int at = i;
        for (; at > 0; at--) {
            int order = key_order(ev, objects->items[at - 1], item);
            if (descending ? order >= 0 : order <= 0) break;
            objects->items[at] = objects->items[at - 1];
        }
        objects->items[at] = item;
    }
}

static bool send_update(Collector *collector, CollectedStatement *update, Expr *where, Relation *table) {
    Fields set = {&update->set, 1, 1};
    return where &&
           write_update(collector->ev, update->model, &set, &update->value, where, table, collector->site, NULL);
}

static bool send_update_by_key(Collector *collector, CollectedStatement *update) {
    Objects *rows = &update->groups[0];
    objects_sort(collector->ev, rows, false);
    for (int from = 0; from < rows->count; from += CHUNK) {
        int count = rows->count - from < CHUNK ? rows->count - from : CHUNK;
        Relation *table = write_table(collector->ev, update->model);
        Expr *where = keys_condition(collector->ev, update->model, table, rows->items + from, count, collector->site);
        if (!send_update(collector, update, where, table)) return false;
    }
    return true;
}

static bool send_updates(Collector *collector) {
    for (int i = 0; i < collector->update_count; i++) {
        CollectedStatement *update = &collector->updates[i];
        if (update->by_key) {
            if (!send_update_by_key(collector, update)) return false;
            continue;
        }
        Relation *table = write_table(collector->ev, update->model);
        if (!send_update(collector, update, statement_condition(collector, update, table), table)) return false;
    }
    return true;
}

static bool depends_done(const Collector *collector, const CollectedModel *entry, const bool *done) {
    const CollectedModel *concrete = entry;
    for (int i = 0; i < collector->model_count; i++)
        if (collector->models[i].model == entry->model->concrete) concrete = &collector->models[i];
    for (int d = 0; d < concrete->depends.count; d++) {
        bool found = false;
        for (int i = 0; i < collector->model_count; i++)
            found = found || (done[i] && collector->models[i].model->concrete == concrete->depends.items[d]);
        if (!found) return false;
    }
    return true;
}

/* Dependents before what they depend on; in the order of collection where there is a circle. */
static int *collector_sort(Collector *collector) {
    int *order = ARENA_ARRAY(collector_arena(collector), int, collector->model_count + 1);
    bool *done = ARENA_ARRAY(collector_arena(collector), bool, collector->model_count + 1);
    int count = 0;
    while (count < collector->model_count) {
        bool found = false;
        for (int i = 0; i < collector->model_count; i++) {
            if (done[i] || !depends_done(collector, &collector->models[i], done)) continue;
            order[count++] = i;
            done[i] = found = true;
        }
        if (!found) {
            for (int i = 0; i < collector->model_count; i++) order[i] = i;
            return order;
        }
    }
    return order;
}

static bool send_instances(Collector *collector, bool single) {
    const int *order = collector_sort(collector);
    for (int m = 0; m < collector->model_count; m++) {
        CollectedModel *entry = &collector->models[order[m]];
        DjModel *model = entry->model;
        objects_sort(collector->ev, &entry->objects, true);
        for (int from = 0; from < entry->objects.count; from += CHUNK) {
            int count = entry->objects.count - from < CHUNK ? entry->objects.count - from : CHUNK;
            Relation *table = write_table(collector->ev, model);
            ExecutionResult *result = NULL;
            Expr *where =
                keys_condition(collector->ev, model, table, entry->objects.items + from, count, collector->site);
            if (!where || !write_delete(collector->ev, where, table, collector->site, &result)) return false;
            collector_count(collector, model, result, single);
        }
    }
    return true;
}

/* Instances that are gone have no key any more. */
static void clear_keys(Collector *collector) {
    Evaluator *ev = collector->ev;
    for (int m = 0; m < collector->model_count; m++) {
        const CollectedModel *entry = &collector->models[m];
        DjField **keys;
        int count = model_pk_fields(ev, entry->model, &keys);
        for (int i = 0; i < entry->objects.count; i++)
            for (int k = 0; k < count; k++) instance_set(ev, entry->objects.items[i], keys[k]->attname, value_none(ev));
    }
}

bool collector_send(Collector *collector, bool single) {
    if (!single) transaction_enter(collector->ev, false, collector->site);
    bool fine = send_fast(collector) && send_updates(collector) && send_instances(collector, single);
    if (!single) transaction_leave(collector->ev, false, !fine, collector->site);
    if (fine) clear_keys(collector);
    return fine;
}
