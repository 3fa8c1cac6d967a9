/*
 * What writes need besides statements: database defaults, content types, the order of ordered objects, neighbours.
 *
 * Example: order.get_next_by_created() → the first later object by (created, pk).
 */
#include "compiler/django/write_internal.h"

/* ---- database defaults ---- */

static void default_describe(Evaluator *ev, Value *self, Buffer *out) {
    (void)ev, (void)self;
    buffer_text(out, "<DatabaseDefault>");
}

static const Type default_type = {.name = "DatabaseDefault", .kind = VALUE_NATIVE, .describe = default_describe};

Value *database_default(Evaluator *ev, DjField *field) {
    (void)field;
    Value *value = arena_allocate_zeroed(evaluator_arena(ev), sizeof *value);
    *value = (Value){&default_type, evaluator_object_class(ev)};
    return value;
}

bool value_is_database_default(const Value *value) { return value && value->type == &default_type; }

/* ---- fields ---- */

bool field_takes_empty_text(const DjField *field) {
    if (field_kind_info(field->kind)->flags & FIELD_FLAG_TEXT) return true;
    return field->kind == FIELD_FIELD || field->kind == FIELD_BINARY || field->kind == FIELD_SEARCH_VECTOR;
}

Slice field_label(Evaluator *ev, const DjField *field) {
    if (!field->model) return field->name ? field->name->text : SLICE("field");
    return slice_format(evaluator_arena(ev), "%.*s.%.*s", SLICE_ARGS(field->model->label),
                        SLICE_ARGS(field->name->text));
}

/* ---- rows that are not known ---- */

Value *unknown_as_list(Evaluator *ev, Value *value) {
    DjInstance *instance = value_as_model_instance(value);
    DjOrigin *origin = ARENA_NEW(evaluator_arena(ev), DjOrigin);
    origin->list = true;
    if (instance) {
        if (instance->origin) *origin = *instance->origin;
        origin->list = true;
        return (Value *)instance_unknown(ev, instance->model, instance->text, instance->node, origin);
    }
    if (!value_is_unknown(value)) return value;
    const UnknownValue *one = (const UnknownValue *)value;
    UnknownValue *all = (UnknownValue *)value_unknown(ev, one->text, one->node, one->known_class);
    if (one->origin && one->origin_type == &django_origin_type) *origin = *(const DjOrigin *)one->origin;
    origin->list = true;
    all->origin = origin;
    all->origin_type = &django_origin_type;
    return (Value *)all;
}

bool list_without(Evaluator *ev, ListValue *list, Value *taken) {
    Value **items;
    int count = value_items(taken, &items), kept = 0;
    evaluator_touch(ev, list, sizeof *list);
    for (int i = 0; i < list->count; i++) {
        bool found = false;
        for (int k = 0; k < count; k++) found = found || value_equals(ev, items[k], list->items[i]);
        if (!found) list->items[kept++] = list->items[i];
    }
    list->count = kept;
    return kept > 0;
}

/* ---- content types ---- */

void content_type_remember(Evaluator *ev, Slice label, Value *id) {
    DjState *state = django_state(ev);
    AtomMap map;
    if (state->content_types.arena) map = atom_map_copy(&state->content_types, evaluator_arena(ev));
    else atom_map_init(&map, evaluator_arena(ev));
    evaluator_touch(ev, &state->content_types, sizeof state->content_types);
    state->content_types = map;
    atom_map_set(&state->content_types, atom_intern(evaluator_atoms(ev), label), id);
}

Value *content_type_id(Evaluator *ev, DjModel *model, const Node *site) {
    DjState *state = django_state(ev);
    Atom label = atom_intern(evaluator_atoms(ev), model->label_lower);
    Value *known = state->content_types.arena ? atom_map_get(&state->content_types, label) : NULL;
    if (known) return known;
    DjModel *type = django_model_by_label(ev, SLICE("contenttypes.contenttype"), NULL);
    if (!type) return value_unknown(ev, SLICE("content_type"), site, NULL);
    Value *cls = (Value *)model->cls, *flag = value_bool(ev, false);
    Value *items[2] = {cls, flag};
    Value *row = value_call_method(ev, type->default_manager, "get_for_model", items, 2, site);
    DjInstance *instance = row ? value_as_model_instance(value_resolve(row)) : NULL;
    if (!row) return NULL;
    Value *id = instance ? instance_pk(ev, instance, site) : value_unknown(ev, SLICE("content_type"), site, NULL);
    content_type_remember(ev, label->text, id);
    return id;
}

DjModel *content_type_model(Evaluator *ev, Value *id, const Node *site) {
    DjState *state = django_state(ev);
    for (int i = 0; state->content_types.arena && i < state->content_types.count; i++)
        if (value_equals(ev, state->content_types.entries[i].value, id))
            return django_model_by_label(ev, state->content_types.entries[i].key->text, NULL);
    DjModel *type = django_model_by_label(ev, SLICE("contenttypes.contenttype"), NULL);
    Value *row = type ? value_call_method(ev, type->default_manager, "get_for_id", &id, 1, site) : NULL;
    DjInstance *instance = row ? value_as_model_instance(value_resolve(row)) : NULL;
    Value *app = instance ? instance_get((Value *)instance, django_atom(ev, "app_label")) : NULL;
    Value *name = instance ? instance_get((Value *)instance, django_atom(ev, "model")) : NULL;
    if (!app || !name || !value_is_text(app) || !value_is_text(name)) return NULL;
    Slice label =
        slice_format(evaluator_arena(ev), "%.*s.%.*s", SLICE_ARGS(value_text(app)), SLICE_ARGS(value_text(name)));
    content_type_remember(ev, label, id);
    return django_model_by_label(ev, label, NULL);
}

/* ---- calls with keywords ---- */

Value *call_with_keywords(Evaluator *ev, Value *owner, const char *method, Keyword *keywords, int count,
                          const Node *site) {
    Value *function = owner ? value_get_attribute(ev, owner, django_atom(ev, method), site) : NULL;
    if (!function) return NULL;
    Arguments arguments = {.keywords = keywords, .keyword_count = count, .site = site};
    return value_call(ev, function, &arguments);
}

Value *call_with_both(Evaluator *ev, Value *owner, const char *method, Value *item, Keyword *keywords, int count,
                      const Node *site) {
    Value *function = owner ? value_get_attribute(ev, owner, django_atom(ev, method), site) : NULL;
    if (!function) return NULL;
    Arguments arguments = {
        .items = &item, .nodes = &site, .count = 1, .keywords = keywords, .keyword_count = count, .site = site};
    return value_call(ev, function, &arguments);
}

/* ---- order_with_respect_to ---- */

/* Coalesce(ExpressionWrapper(Max("_order") + Value(1), IntegerField()), Value(0)) */
static Value *order_expression(Evaluator *ev, const Node *site) {
    ModuleValue *models = evaluator_import(ev, "django.db.models");
    ModuleValue *functions = evaluator_import(ev, "django.db.models.functions");
    Value *name = value_string(ev, SLICE("_order"));
    Value *one = value_integer(ev, 1), *zero = value_integer(ev, 0);
    Value *max = atom_map_get(&models->names, django_atom(ev, "Max"));
    Value *wrap = atom_map_get(&models->names, django_atom(ev, "ExpressionWrapper"));
    Value *constant = atom_map_get(&models->names, django_atom(ev, "Value"));
    Value *coalesce = atom_map_get(&functions->names, django_atom(ev, "Coalesce"));
    if (!max || !wrap || !constant || !coalesce) return NULL;
    Value *highest = value_call_with(ev, max, &name, 1, site);
    Value *step = value_call_with(ev, constant, &one, 1, site);
    Value *sum = highest && step ? value_binary(ev, OP_Add, highest, step, site) : NULL;
    Value *wrapped[2] = {sum, (Value *)field_new(ev, FIELD_INTEGER)};
    Value *pair[2] = {sum ? value_call_with(ev, wrap, wrapped, 2, site) : NULL,
                      value_call_with(ev, constant, &zero, 1, site)};
    return pair[0] && pair[1] ? value_call_with(ev, coalesce, pair, 2, site) : NULL;
}

Value *order_next_value(Evaluator *ev, DjInstance *instance, DjModel *model, DjField *owner, const Node *site) {
    Keyword filters[2];
    int count = 0;
    if (owner->kind == FIELD_GENERIC_FOREIGN_KEY) {
        DjField *parts[2] = {model_field(ev, model, owner->ct_field), model_field(ev, model, owner->fk_field)};
        for (int i = 0; i < 2; i++)
            if (parts[i])
                filters[count++] =
                    (Keyword){parts[i]->attname, instance_field_value(ev, instance, parts[i], site), site};
    } else {
        filters[count++] = (Keyword){owner->attname, instance_field_value(ev, instance, owner, site), site};
    }
    Value *rows = call_with_keywords(ev, model->base_manager, "filter", filters, count, site);
    Keyword aggregate = {django_atom(ev, "_order__max"), order_expression(ev, site), site};
    if (!aggregate.value) return NULL;
    Value *answer = rows ? call_with_keywords(ev, rows, "aggregate", &aggregate, 1, site) : NULL;
    if (!answer) return NULL;
    Value *key = value_string(ev, SLICE("_order__max"));
    return value_get_item(ev, answer, key, site);
}

/* ---- get_next_by_… ---- */

static Value *instance_beyond(Evaluator *ev, Value *self, const Arguments *arguments, bool next) {
    DjInstance *instance = value_as_model_instance(self);
    DjField *field = evaluator_native_data(ev);
    const Node *site = arguments->site;
    Value *value = instance_field_value(ev, instance, field, site);
    Value *rows = call_with_keywords(ev, instance->model->default_manager, "filter", arguments->keywords,
                                     arguments->keyword_count, site);
    ModuleValue *models = evaluator_import(ev, "django.db.models");
    Value *q = atom_map_get(&models->names, django_atom(ev, "Q"));
    if (!rows || !q) return NULL;
    const char *op = next ? "gt" : "lt";
    Slice name = field->name->text;
    Keyword same[2] = {{field->name, value, site},
                       {django_atom_format(ev, "pk__%s", op), instance_pk(ev, instance, site), site}};
    Keyword beyond = {django_atom_format(ev, "%.*s__%s", SLICE_ARGS(name), op), value, site};
    Arguments same_arguments = {.keywords = same, .keyword_count = 2, .site = site};
    Arguments beyond_arguments = {.keywords = &beyond, .keyword_count = 1, .site = site};
    Value *left = value_call(ev, q, &same_arguments), *right = value_call(ev, q, &beyond_arguments);
    Value *either = left && right ? value_binary(ev, OP_BitOr, left, right, site) : NULL;
    rows = either ? value_call_method(ev, rows, "filter", &either, 1, site) : NULL;
    const char *sign = next ? "" : "-";
    Value *order[2] = {value_string(ev, slice_format(evaluator_arena(ev), "%s%.*s", sign, SLICE_ARGS(name))),
                       value_string(ev, slice_format(evaluator_arena(ev), "%spk", sign))};
    rows = rows ? value_call_method(ev, rows, "order_by", order, 2, site) : NULL;
    return rows ? value_get_item(ev, rows, value_integer(ev, 0), site) : NULL;
}

Value *instance_next(Evaluator *ev, Value *self, const Arguments *arguments) {
    return instance_beyond(ev, self, arguments, true);
}

Value *instance_previous(Evaluator *ev, Value *self, const Arguments *arguments) {
    return instance_beyond(ev, self, arguments, false);
}
