/*
 * Meta.order_with_respect_to: the objects of one owner in their order.
 *
 *     answer.get_next_in_order()     … WHERE ("question_id" = 1 AND "_order" > (SELECT U0."_order" …)) LIMIT 1
 *     question.get_answer_order()    SELECT "id" … WHERE "question_id" = 1 ORDER BY "_order" ASC
 *     question.set_answer_order(ids) UPDATE … SET "_order" = CASE …
 */
#include "compiler/django/django.h"
#include "compiler/django/write_internal.h"

/* ---- neighbours ---- */

/* Objects of the same owner; NULL: an error is pending. */
static Value *siblings(Evaluator *ev, DjInstance *instance, const Node *site) {
    DjModel *model = instance->model;
    DjField *owner = model->order_with_respect_to;
    Keyword filters[2];
    int count = 0;
    if (owner->kind == FIELD_GENERIC_FOREIGN_KEY) {
        DjField *parts[2] = {model_field(ev, model, owner->fk_field), model_field(ev, model, owner->ct_field)};
        for (int i = 0; i < 2; i++)
            if (parts[i])
                filters[count++] = (Keyword){parts[i]->name, instance_field_value(ev, instance, parts[i], site), site};
    } else {
        filters[count++] = (Keyword){owner->name, instance_field_value(ev, instance, owner, site), site};
    }
    return call_with_keywords(ev, model->default_manager, "filter", filters, count, site);
}

static Value *neighbour(Evaluator *ev, Value *self, const Node *site, bool next) {
    DjInstance *instance = value_as_model_instance(self);
    DjModel *model = instance->model;
    Value *rows = siblings(ev, instance, site), *name = value_string(ev, SLICE("_order"));
    Value *own = rows ? value_call_method(ev, model->default_manager, "values", &name, 1, site) : NULL;
    Keyword key = {model->pk->name, instance_pk(ev, instance, site), site};
    own = own ? call_with_keywords(ev, own, "filter", &key, 1, site) : NULL;
    if (!own) return NULL;
    Keyword beyond = {django_atom(ev, next ? "_order__gt" : "_order__lt"), own, site};
    rows = call_with_keywords(ev, rows, "filter", &beyond, 1, site);
    Value *order = value_string(ev, next ? SLICE("_order") : SLICE("-_order"));
    rows = rows ? value_call_method(ev, rows, "order_by", &order, 1, site) : NULL;
    Value *first = value_slice(ev, value_none(ev), value_integer(ev, 1), value_none(ev));
    rows = rows ? value_get_item(ev, rows, first, site) : NULL;
    return rows ? value_call_method(ev, rows, "get", NULL, 0, site) : NULL;
}

static Value *next_in_order(Evaluator *ev, Value *self, const Arguments *arguments) {
    return neighbour(ev, self, arguments->site, true);
}

static Value *previous_in_order(Evaluator *ev, Value *self, const Arguments *arguments) {
    return neighbour(ev, self, arguments->site, false);
}

/* ---- the owner's side ---- */

/* The objects that an owner orders. */
static Value *ordered_rows(Evaluator *ev, DjInstance *owner, const DjModel *model, const Node *site) {
    DjField *field = model->order_with_respect_to;
    if (!field_resolve(ev, field)) return value_unknown_at(ev, site);
    Value *manager = value_get_attribute(ev, (Value *)model->cls, django_atom(ev, "objects"), site);
    Keyword *filters = ARENA_ARRAY(evaluator_arena(ev), Keyword, field->foreign_fields.count + 1);
    for (int i = 0; i < field->foreign_fields.count; i++) {
        DjField *foreign = field->foreign_fields.items[i];
        filters[i] = (Keyword){
            django_atom_format(ev, "%.*s__%.*s", SLICE_ARGS(field->name->text), SLICE_ARGS(foreign->name->text)),
            instance_field_value(ev, owner, foreign, site), site};
    }
    return manager ? call_with_keywords(ev, manager, "filter", filters, field->foreign_fields.count, site) : NULL;
}

static Value *get_order(Evaluator *ev, Value *self, const Arguments *arguments) {
    const DjModel *model = evaluator_native_data(ev);
    Value *rows = ordered_rows(ev, value_as_model_instance(self), model, arguments->site);
    Value *name = value_atom(ev, model->pk->name);
    Keyword flat = {django_atom(ev, "flat"), value_bool(ev, true), arguments->site};
    return rows ? call_with_both(ev, rows, "values_list", name, &flat, 1, arguments->site) : NULL;
}

static Value *set_order(Evaluator *ev, Value *self, const Arguments *arguments) {
    const DjModel *model = evaluator_native_data(ev);
    const Node *site = arguments->site;
    Value *ids = NULL, *alias = NULL;
    if (!arguments_bind(ev, arguments, "set_order", "id_list | using", &ids, &alias)) return NULL;
    Value *rows = ordered_rows(ev, value_as_model_instance(self), model, site), **items;
    if (!rows || !(ids = value_iterate(ev, ids, site))) return NULL;
    ListValue *objects = value_list(ev), *fields = value_list(ev);
    int count = value_items(ids, &items);
    for (int i = 0; i < count; i++) {
        Keyword values[2] = {{django_atom(ev, "pk"), items[i], site},
                             {django_atom(ev, "_order"), value_integer(ev, i), site}};
        Arguments made = {.keywords = values, .keyword_count = 2, .site = site};
        Value *object = value_call(ev, (Value *)model->cls, &made);
        if (!object) return NULL;
        list_append(ev, objects, object);
    }
    list_append(ev, fields, value_string(ev, SLICE("_order")));
    Value *given[2] = {(Value *)objects, (Value *)fields};
    return value_call_method(ev, rows, "bulk_update", given, 2, site);
}

NativeCall ordered_method(DjModel *model, Slice name, void **data) {
    *data = NULL;
    if (model->order_with_respect_to && slice_equals_text(name, "get_next_in_order")) return next_in_order;
    if (model->order_with_respect_to && slice_equals_text(name, "get_previous_in_order")) return previous_in_order;
    bool get = slice_starts_with(name, "get_"), set = slice_starts_with(name, "set_");
    if ((!get && !set) || !slice_ends_with(name, "_order") || name.length < 11) return NULL;
    Slice ordered = slice_sub(name, 4, name.length - strlen("_order"));
    for (int i = 0; i < model->related.count; i++) {
        DjField *field = model->related.items[i]->field;
        if (field->model->order_with_respect_to != field || !slice_equals(field->model->model_name->text, ordered))
            continue;
        *data = field->model;
        return get ? get_order : set_order;
    }
    return NULL;
}
