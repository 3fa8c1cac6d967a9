/*
 * prefetch_related: the lookups are followed level by level, each level once, and what a level reads becomes the
 * objects of the next. Where rows are known the objects are real; else one object stands for all rows of a statement,
 * and the next statement's parameter is taken from them (Param FROM_ROWS, expanding).
 *
 *     House.objects.prefetch_related("rooms__fleas")
 *         SELECT … FROM "house";  … FROM "room" WHERE "house_id" IN ($1);  … FROM "flea" WHERE "current_room_id" IN
 * ($1)
 */
#include "compiler/django/prefetch_internal.h"

#include <assert.h>

#include "compiler/django/django.h"
#include "compiler/django/fetch.h"
#include "compiler/django/instance.h"
#include "compiler/django/model_build.h"
#include "compiler/django/query_state.h"
#include "compiler/django/write_internal.h"

/* Default managers may prefetch each other for ever. */
enum { MAX_LEVELS = 128, MAX_NESTING = 8 };

static Arena *arena_of(const Prefetcher *p) { return evaluator_arena(p->ev); }

static void objects_add(const Prefetcher *p, Objects *objects, Value *value) {
    value = value_resolve(value);
    if (value_is_unknown(value) && ((UnknownValue *)value)->present) value = ((UnknownValue *)value)->present;
    DjInstance *instance = value_as_model_instance(value);
    if (instance) ARENA_PUSH(arena_of(p), objects->items, objects->count, objects->capacity) = instance;
}

void prefetch_add_objects(const Prefetcher *p, Objects *objects, Value *value) {
    if (value_is_queryset(value)) value = value_as_queryset(value)->fetched ? value_as_queryset(value)->fetched : value;
    Value **items;
    int count = value_items(value, &items);
    for (int i = 0; i < count; i++) objects_add(p, objects, items[i]);
    if (count >= 0) return;
    Value *element = value_is_unknown(value) ? ((UnknownValue *)value)->element : NULL;
    objects_add(p, objects, element ? element : value);
}

/* ---- lookups ---- */

static Lookup lookup_of(const Prefetcher *p, const DjPrefetch *prefetch, Slice prefix) {
    Lookup lookup = {.through = prefetch->path, .to = prefetch->path, .prefetch = prefetch};
    if (prefetch->to_attr.length) {
        Slice parts[DJ_MAX_NAMES];
        int count = dj_split_names(prefetch->path, parts);
        Slice start = count > 1 ? slice_sub(prefetch->path, 0, (size_t)(parts[count - 1].start - prefetch->path.start))
                                : SLICE("");
        lookup.to = slice_format(arena_of(p), "%.*s%.*s", SLICE_ARGS(start), SLICE_ARGS(prefetch->to_attr));
    }
    if (!prefix.length) return lookup;
    lookup.through = slice_format(arena_of(p), "%.*s__%.*s", SLICE_ARGS(prefix), SLICE_ARGS(lookup.through));
    lookup.to = slice_format(arena_of(p), "%.*s__%.*s", SLICE_ARGS(prefix), SLICE_ARGS(lookup.to));
    lookup.automatic = true;
    return lookup;
}

/* The first of them is followed first. */
static void push_lookups(Prefetcher *p, DjPrefetch *const *prefetches, int count, Slice prefix) {
    for (int i = count - 1; i >= 0; i--)
        ARENA_PUSH(arena_of(p), p->stack, p->stack_count, p->stack_capacity) = lookup_of(p, prefetches[i], prefix);
}

static Done *done_find(const Prefetcher *p, Slice to) {
    for (int i = 0; i < p->done_count; i++)
        if (slice_equals(p->done[i].to, to)) return &p->done[i];
    return NULL;
}

static bool was_followed(const Prefetcher *p, DjFound relation) {
    for (int i = 0; i < p->followed_count; i++)
        if (p->followed[i].field == relation.field && p->followed[i].rel == relation.rel) return true;
    return false;
}

DjFound prefetch_relation(Evaluator *ev, DjModel *model, Atom name) {
    DjFound found = {0};
    DjField *field = model_field(ev, model, name);
    if (field && field->is_relation && field->name == name) found.field = field;
    if (!field) found.rel = (DjRel *)related_attribute(ev, model, name);
    for (int i = 0; i < model->related.count && !field && !found.rel; i++) {
        DjRel *rel = model->related.items[i];
        if (rel->field->kind == FIELD_GENERIC_RELATION && rel->related_query_name == name) found.rel = rel;
    }
    if (found.field && field->kind != FIELD_GENERIC_FOREIGN_KEY) field_resolve(ev, found.field);
    if (found.rel) field_resolve(ev, found.rel->field);
    return found;
}

/* ---- content types ---- */

static void note_origin(Prefetcher *p, DjOrigin *origin) {
    ARENA_PUSH(arena_of(p), p->origins->items, p->origins->count, p->origins->capacity) = origin;
}

DjOrigin *prefetch_origin(Prefetcher *p, Slice column) {
    DjOrigin *origin = ARENA_NEW(arena_of(p), DjOrigin);
    *origin = (DjOrigin){.execution = -1, .statement = p->statements->count - 1, .column = column};
    note_origin(p, origin);
    return origin;
}

bool prefetch_type_lookup(Prefetcher *p, const Slice *names, Value *const *values, int count) {
    Evaluator *ev = p->ev;
    DjModel *type = django_model_by_label(ev, SLICE("contenttypes.contenttype"), NULL);
    DjExpr *q = dj_q_new(ev, p->site);
    for (int i = 0; i < count; i++) dj_q_push(ev, q, dj_condition_new(ev, names[i], values[i], p->site));
    DjQuery *query =
        dj_queryset_query(ev, dj_queryset_filter(ev, dj_queryset_new(ev, NULL, type, p->site), q, p->site));
    if (!query) return false;
    dj_set_limits(query, 0, true, 21);
    return dj_query_statement(query, p->statements) == DJ_SQL;
}

Value *prefetch_type_of_last(Prefetcher *p) {
    UnknownValue *id = (UnknownValue *)value_unknown(p->ev, SLICE("content_type"), p->site, NULL);
    id->origin = prefetch_origin(p, SLICE("id"));
    id->origin_type = &django_origin_type;
    return (Value *)id;
}

Value *prefetch_type_id(Prefetcher *p, DjField *field, DjModel *owner) {
    Evaluator *ev = p->ev;
    DjModel *model = field->for_concrete_model ? owner->concrete : owner;
    DjModel *type = django_model_by_label(ev, SLICE("contenttypes.contenttype"), NULL);
    Atom label = atom_intern(evaluator_atoms(ev), model->label_lower);
    DjState *state = django_state(ev);
    if (!p->statements || !type || (state->content_types.arena && atom_map_get(&state->content_types, label)))
        return content_type_id(ev, model, p->site);
    Slice names[2] = {SLICE("app_label"), SLICE("model")};
    Value *texts[2] = {value_atom(ev, model->app_label), value_atom(ev, model->model_name)};
    if (!prefetch_type_lookup(p, names, texts, 2)) return NULL;
    Value *id = prefetch_type_of_last(p);
    content_type_remember(ev, model->label_lower, id);
    return id;
}

/* ---- one level ---- */

/* The other side knows its owner without a query. */
static void set_back_reference(const Prefetcher *p, DjFound relation, DjInstance *row, DjInstance *owner) {
    if (relation.rel && !dj_found_is_many_to_many(relation) && !atom_map_get(&row->related, relation.rel->field->name))
        instance_set_related(p->ev, row, relation.rel->field->name, (Value *)owner);
    if (relation.field && dj_found_is_single(relation) && !relation.field->rel->multiple &&
        relation.field->rel->accessor)
        instance_set_related(p->ev, row, relation.field->rel->accessor, (Value *)owner);
}

static Atom found_accessor(DjFound found) {
    if (found.field) return found.field->name;
    return found.rel->accessor ? found.rel->accessor : found.rel->name;
}

void prefetch_set(const Prefetcher *p, DjInstance *owner, DjFound relation, DjQuerySet *queryset, Slice to_attr,
                  Value *value) {
    if (to_attr.length) {
        instance_set(p->ev, (Value *)owner, atom_intern(evaluator_atoms(p->ev), to_attr), value);
        return;
    }
    if (!dj_found_is_single(relation)) {
        DjQuerySet *read = dj_queryset_copy(p->ev, queryset, NULL);
        read->fetched = value;
        value = (Value *)read;
    }
    instance_set_related(p->ev, owner, found_accessor(relation), value);
}

static bool follow_all(Prefetcher *p, DjPrefetch *const *prefetches, int count, Objects objects);

bool prefetch_inner(Prefetcher *p, const DjQuerySet *queryset, Objects rows) {
    if (!queryset->prefetch_count || p->depth >= MAX_NESTING) return true;
    Prefetcher inner = {
        .ev = p->ev, .site = p->site, .statements = p->statements, .origins = p->origins, .depth = p->depth + 1};
    return follow_all(&inner, queryset->prefetches, queryset->prefetch_count, rows);
}

/*
 * Where the other side learns its owner, Django iterates the rows at once: what their own queryset prefetches is read
 * before that.
 */
static bool read_nested(Prefetcher *p, DjFound relation, const DjQuerySet *queryset, Objects rows) {
    bool at_once = relation.rel ? !dj_found_is_many_to_many(relation)
                                : dj_found_is_single(relation) && !relation.field->rel->multiple;
    return !at_once || prefetch_inner(p, queryset, rows);
}

static bool read_unknown(Prefetcher *p, DjQuery *query, DjQuerySet *queryset, DjFound relation, const Lookup *lookup,
                         Slice to_attr, const Objects *owners, Objects *out) {
    DjOutcome outcome = dj_query_statement(query, p->statements);
    if (outcome == DJ_ERROR) return false;
    if (outcome == DJ_EMPTY) {
        Value *nothing = dj_found_is_single(relation) ? value_none(p->ev) : (Value *)value_list(p->ev);
        for (int i = 0; i < owners->count; i++) prefetch_set(p, owners->items[i], relation, queryset, to_attr, nothing);
        return true;
    }
    DjInstance *row =
        instance_unknown(p->ev, queryset->model, lookup->through, p->site, prefetch_origin(p, (Slice){0}));
    dj_set_joined_rows(query, row);
    objects_add(p, out, (Value *)row);
    if (!read_nested(p, relation, queryset, *out)) return false;
    set_back_reference(p, relation, row, owners->items[0]);
    bool optional = relation.rel || relation.field->null;
    Value *value = !dj_found_is_single(relation) ? value_unknown_of(p->ev, (Value *)row, p->site)
                   : optional                    ? value_optional(p->ev, (Value *)row, lookup->through, p->site)
                                                 : (Value *)row;
    for (int i = 0; i < owners->count; i++) prefetch_set(p, owners->items[i], relation, queryset, to_attr, value);
    return true;
}

static bool read_known(Prefetcher *p, DjQuery *query, DjQuerySet *queryset, DjFound relation, Slice to_attr,
                       const Objects *owners, Objects *out) {
    Evaluator *ev = p->ev;
    Value *rows = dj_query_rows(ev, queryset, query, p->site);
    if (!rows) return false;
    prefetch_add_objects(p, out, rows);
    if (!read_nested(p, relation, queryset, *out)) return false;
    DictValue *by_key = value_dict(ev);
    for (int i = 0; i < out->count; i++) {
        Value *key = dj_prefetch_key_of_row(ev, relation, out->items[i], p->site);
        if (!key) return false;
        Value *list = dict_get(ev, by_key, key);
        if (!list) dict_set(ev, by_key, key, list = (Value *)value_list(ev), p->site);
        list_append(ev, (ListValue *)list, (Value *)out->items[i]);
    }
    for (int i = 0; i < owners->count; i++) {
        Value *key = dj_prefetch_key_of_owner(ev, relation, owners->items[i], p->site);
        Value *list = key ? dict_get(ev, by_key, key) : NULL;
        if (!list) list = (Value *)value_list(ev);
        const ListValue *found = (const ListValue *)list;
        for (int r = 0; r < found->count; r++)
            set_back_reference(p, relation, (DjInstance *)found->items[r], owners->items[i]);
        Value *value = !dj_found_is_single(relation) ? list : found->count ? found->items[0] : value_none(ev);
        prefetch_set(p, owners->items[i], relation, queryset, to_attr, value);
    }
    return true;
}

/* An object that stands for the rows of a statement, as the list of them. */
static Value *as_key(const Prefetcher *p, DjInstance *owner) {
    return owner->unknown && owner->origin ? unknown_as_list(p->ev, (Value *)owner) : (Value *)owner;
}

static void note_done(Prefetcher *p, const Lookup *lookup, Slice prefix, DjFound relation, const DjQuerySet *queryset,
                      const Objects *objects) {
    if (!(lookup->automatic && was_followed(p, relation))) {
        ARENA_PUSH(arena_of(p), p->done, p->done_count, p->done_capacity) = (Done){prefix, *objects};
        if (queryset) push_lookups(p, queryset->prefetches, queryset->prefetch_count, prefix);
    }
    ARENA_PUSH(arena_of(p), p->followed, p->followed_count, p->followed_capacity) = relation;
}

static bool read_level(Prefetcher *p, const Lookup *lookup, bool leaf, Slice prefix, DjFound relation,
                       const Objects *owners, Objects *out) {
    Evaluator *ev = p->ev;
    const DjPrefetch *prefetch = lookup->prefetch;
    Slice to_attr = leaf ? prefetch->to_attr : SLICE("");
    DjModel *model = owners->items[0]->model;
    DjField *forward = relation.field ? relation.field : relation.rel->field;
    if (forward->rel && !field_resolve(ev, forward)) return dj_raise_unknown_model(ev, forward, prefetch->span);
    if (to_attr.length && atom_lookup(evaluator_atoms(ev), to_attr)) {
        DjFound taken = model_find_field(ev, model, atom_lookup(evaluator_atoms(ev), to_attr));
        if (taken.field || taken.rel)
            return evaluator_raise(ev, evaluator_exception(ev, EXCEPTION_VALUE), prefetch->span,
                                   "to_attr=%.*s conflicts with a field on the %.*s model.", SLICE_ARGS(to_attr),
                                   SLICE_ARGS(model->name->text)) != NULL;
    }
    DjQuerySet *queryset = leaf && prefetch->queryset ? prefetch->queryset : dj_prefetch_base(ev, relation, p->site);
    if (!queryset) return false;
    Value **keys = ARENA_ARRAY(arena_of(p), Value *, owners->count + 1);
    for (int i = 0; i < owners->count; i++) keys[i] = as_key(p, owners->items[i]);
    bool generic = dj_found_is_generic(relation),
         reversed = relation.rel && relation.rel->field->kind == FIELD_GENERIC_RELATION;
    Value **type_ids = ARENA_ARRAY(arena_of(p), Value *, owners->count + 1);
    for (int i = 0; i < owners->count && (generic || reversed); i++) {
        DjField *field = generic ? relation.field : relation.rel->field;
        if (!(type_ids[i] = prefetch_type_id(p, field, generic ? owners->items[i]->model : field->model))) return false;
    }
    DjQuery *query = dj_prefetch_query(ev, queryset, relation, keys, owners->count, type_ids, p->site);
    if (!query) return false;
    bool read = p->statements ? read_unknown(p, query, queryset, relation, lookup, to_attr, owners, out)
                              : read_known(p, query, queryset, relation, to_attr, owners, out);
    if (!read) return false;
    assert(!generic || relation.field);
    for (int i = 0; i < out->count && generic && p->statements; i++)
        ARENA_PUSH(arena_of(p), p->typed, p->typed_count, p->typed_capacity) = (Typed){
            out->items[i], relation.field->ct_field, relation.field->for_concrete_model ? model->concrete : model};
    note_done(p, lookup, prefix, relation, queryset, out);
    return true;
}

static bool is_generic_key(DjFound relation) {
    return relation.field && relation.field->kind == FIELD_GENERIC_FOREIGN_KEY;
}

static bool read_generic_key(Prefetcher *p, const Lookup *lookup, bool leaf, Slice prefix, DjFound relation,
                             const Objects *owners, Objects *out) {
    if (leaf && lookup->prefetch->queryset)
        return evaluator_raise(p->ev, evaluator_exception(p->ev, EXCEPTION_VALUE), lookup->prefetch->span,
                               "Custom queryset can't be used for this lookup.") != NULL;
    if (!prefetch_generic_key(p, lookup, prefix, relation.field, leaf ? lookup->prefetch->to_attr : SLICE(""), owners,
                              out))
        return false;
    note_done(p, lookup, prefix, relation, NULL, out);
    return true;
}

/* ---- following a path ---- */

/* What a relation, or an attribute that a prefetch kept its objects in, holds already. */
static Value *cached_value(DjInstance *owner, Atom name, bool attribute) {
    return attribute ? instance_get((Value *)owner, name) : atom_map_get(&owner->related, name);
}

/* An attribute that is no relation: a property, what an earlier lookup kept. *known: it is there. */
static bool follow_attribute(Prefetcher *p, const Lookup *lookup, bool leaf, Atom name, const Objects *owners,
                             Objects *out) {
    Evaluator *ev = p->ev;
    DjInstance *first = owners->items[0];
    bool there = instance_get((Value *)first, name) || class_find(first->head.head.cls, name);
    if (!there && !model_field(ev, first->model, name)) {
        evaluator_raise(ev, evaluator_exception(ev, EXCEPTION_ATTRIBUTE), lookup->prefetch->span,
                        "Cannot find '%.*s' on %.*s object, '%.*s' is an invalid parameter to prefetch_related()",
                        SLICE_ARGS(name->text), SLICE_ARGS(first->model->name->text), SLICE_ARGS(lookup->through));
        Suggestion suggestion = suggestion_start(name->text);
        for (int i = 0; i < first->model->fields.count; i++)
            if (first->model->fields.items[i]->is_relation)
                suggestion_offer(&suggestion, first->model->fields.items[i]->name->text);
        for (int i = 0; i < first->model->many_to_many.count; i++)
            suggestion_offer(&suggestion, first->model->many_to_many.items[i]->name->text);
        for (int i = 0; i < first->model->related.count; i++)
            if (first->model->related.items[i]->accessor)
                suggestion_offer(&suggestion, first->model->related.items[i]->accessor->text);
        if (suggestion_found(&suggestion))
            evaluator_raise_help(ev, "did you mean '%.*s'?", SLICE_ARGS(suggestion.best));
        return false;
    }
    if (leaf)
        return evaluator_raise(
                   ev, evaluator_exception(ev, EXCEPTION_VALUE), lookup->prefetch->span,
                   "'%.*s' does not resolve to an item that supports prefetching - this is an invalid parameter to "
                   "prefetch_related().",
                   SLICE_ARGS(lookup->through)) != NULL;
    for (int i = 0; i < owners->count; i++) {
        Value *value = value_get_attribute(ev, (Value *)owners->items[i], name, p->site);
        if (!value) return false;
        if (!value_is_none(value)) prefetch_add_objects(p, out, value);
    }
    return true;
}

static bool follow_name(Prefetcher *p, const Lookup *lookup, bool leaf, Slice prefix, Slice text, Objects *objects) {
    Evaluator *ev = p->ev;
    Objects next = {0}, missing = {0};
    Atom name = atom_intern(evaluator_atoms(ev), text);
    DjFound relation = prefetch_relation(ev, objects->items[0]->model, name);
    Slice to_attr = lookup->prefetch->to_attr;
    bool kept = leaf && to_attr.length && !slice_equals(to_attr, text);
    Atom holder = kept ? atom_intern(evaluator_atoms(ev), to_attr) : name;
    if (!relation.field && !relation.rel) {
        if (!follow_attribute(p, lookup, leaf, name, objects, &next)) return false;
    } else {
        for (int i = 0; i < objects->count; i++)
            if (!cached_value(objects->items[i], holder, kept)) objects_add(p, &missing, (Value *)objects->items[i]);
        for (int i = 0; i < objects->count && !missing.count; i++)
            prefetch_add_objects(p, &next, cached_value(objects->items[i], holder, kept));
        if (missing.count &&
            (++p->levels > MAX_LEVELS ||
             !(is_generic_key(relation) ? read_generic_key(p, lookup, leaf, prefix, relation, &missing, &next)
                                        : read_level(p, lookup, leaf, prefix, relation, &missing, &next))))
            return false;
    }
    *objects = next;
    return true;
}

static bool follow_lookup(Prefetcher *p, const Lookup *lookup, Objects objects) {
    const Done *seen = done_find(p, lookup->to);
    if (seen && lookup->prefetch->queryset)
        return evaluator_raise(
                   p->ev, evaluator_exception(p->ev, EXCEPTION_VALUE), lookup->prefetch->span,
                   "'%.*s' lookup was already seen with a different queryset. You may need to adjust the ordering of "
                   "your lookups.",
                   SLICE_ARGS(lookup->to)) != NULL;
    if (seen) return true;
    Slice through[DJ_MAX_NAMES], to[DJ_MAX_NAMES];
    int count = dj_split_names(lookup->through, through), kept = dj_split_names(lookup->to, to);
    for (int i = 0; i < count && i < kept && objects.count; i++) {
        Slice prefix = slice_sub(lookup->to, 0, (size_t)(to[i].start - lookup->to.start) + to[i].length);
        const Done *done = done_find(p, prefix);
        if (done) objects = done->objects;
        else if (!follow_name(p, lookup, i == count - 1, prefix, through[i], &objects)) return false;
    }
    return true;
}

static bool follow_all(Prefetcher *p, DjPrefetch *const *prefetches, int count, Objects objects) {
    push_lookups(p, prefetches, count, (Slice){0});
    while (p->stack_count && objects.count) {
        Lookup lookup = p->stack[--p->stack_count];
        if (!follow_lookup(p, &lookup, objects)) return !evaluator_error_pending(p->ev);
    }
    return true;
}

/* ---- for querysets ---- */

bool dj_prefetch_unknown(Evaluator *ev, DjQuerySet *queryset, Value *row, StatementList *statements, DjOrigins *origins,
                         const Node *site) {
    Prefetcher p = {.ev = ev, .site = site, .statements = statements, .origins = origins};
    Objects objects = {0};
    objects_add(&p, &objects, row);
    return follow_all(&p, queryset->prefetches, queryset->prefetch_count, objects);
}

bool dj_prefetch_known(Evaluator *ev, DjQuerySet *queryset, const ListValue *rows, const Node *site) {
    Prefetcher p = {.ev = ev, .site = site};
    Objects objects = {0};
    for (int i = 0; i < rows->count; i++) objects_add(&p, &objects, rows->items[i]);
    return follow_all(&p, queryset->prefetches, queryset->prefetch_count, objects);
}

/* ---- what the program says ---- */

typedef struct PrefetchValue {
    Instance instance;
    DjPrefetch prefetch;
} PrefetchValue;

static void prefetch_describe(Evaluator *ev, Value *self, Buffer *out) {
    (void)ev;
    buffer_format(out, "<Prefetch: %.*s>", SLICE_ARGS(((PrefetchValue *)self)->prefetch.path));
}

static const Type prefetch_type = {
    .name = "Prefetch", .kind = VALUE_NATIVE, .describe = prefetch_describe, .has_attributes = true};

static Value *prefetch_create(Evaluator *ev, Class *cls, const Arguments *arguments) {
    (void)arguments;
    return instance_allocate(ev, cls, sizeof(PrefetchValue));
}

static Value *prefetch_init(Evaluator *ev, Value *self, const Arguments *arguments) {
    Value *lookup = NULL, *queryset = NULL, *to_attr = NULL;
    if (!arguments_bind(ev, arguments, "Prefetch", "lookup | queryset to_attr", &lookup, &queryset, &to_attr))
        return NULL;
    DjPrefetch *prefetch = &((PrefetchValue *)self)->prefetch;
    prefetch->span = evaluator_span(ev, arguments->nodes && arguments->count ? arguments->nodes[0] : arguments->site);
    if (value_is(lookup, VALUE_STRING)) prefetch->path = value_text(lookup);
    if (to_attr && value_is(to_attr, VALUE_STRING)) prefetch->to_attr = value_text(to_attr);
    if (!queryset || !value_is_queryset(queryset)) return value_none(ev);
    prefetch->queryset = value_as_queryset(queryset);
    if (prefetch->queryset->raw || prefetch->queryset->rows != DJ_ROWS_MODEL)
        return evaluator_raise_id(ev, EXCEPTION_VALUE, arguments->site,
                                  "Prefetch querysets cannot use raw(), values(), and values_list().");
    return value_none(ev);
}

/* GenericPrefetch(lookup, querysets, to_attr=None) */
static Value *generic_prefetch_init(Evaluator *ev, Value *self, const Arguments *arguments) {
    Value *lookup = NULL, *querysets = NULL, *to_attr = NULL;
    if (!arguments_bind(ev, arguments, "GenericPrefetch", "lookup querysets | to_attr", &lookup, &querysets, &to_attr))
        return NULL;
    DjPrefetch *prefetch = &((PrefetchValue *)self)->prefetch;
    prefetch->span = evaluator_span(ev, arguments->nodes && arguments->count ? arguments->nodes[0] : arguments->site);
    if (value_is(lookup, VALUE_STRING)) prefetch->path = value_text(lookup);
    if (to_attr && value_is(to_attr, VALUE_STRING)) prefetch->to_attr = value_text(to_attr);
    Value **items;
    int count = value_items(querysets, &items);
    prefetch->querysets = ARENA_ARRAY(evaluator_arena(ev), DjQuerySet *, count > 0 ? count : 1);
    for (int i = 0; i < count; i++) {
        if (!value_is_queryset(items[i])) continue;
        DjQuerySet *queryset = value_as_queryset(items[i]);
        if (queryset->raw || queryset->rows != DJ_ROWS_MODEL)
            return evaluator_raise_id(ev, EXCEPTION_VALUE, arguments->site,
                                      "Prefetch querysets cannot use raw(), values(), and values_list().");
        prefetch->querysets[prefetch->queryset_count++] = queryset;
    }
    return value_none(ev);
}

/* One argument of prefetch_related(); NULL: it is not known. */
static DjPrefetch *read_prefetch(Evaluator *ev, Value *value, const Node *node) {
    if (value->type == &prefetch_type && ((PrefetchValue *)value)->prefetch.path.length)
        return &((PrefetchValue *)value)->prefetch;
    DjPrefetch *prefetch = ARENA_NEW(evaluator_arena(ev), DjPrefetch);
    prefetch->span = evaluator_span(ev, node);
    if (value_is(value, VALUE_STRING) && value_text(value).length) {
        prefetch->path = value_text(value);
        return prefetch;
    }
    evaluator_warn(ev, CODE_UNSUPPORTED, prefetch->span, "a lookup to prefetch that is not known here is left out");
    return NULL;
}

static bool is_filtered_relation(const DjQuerySet *queryset, Slice name) {
    for (const DjOp *op = queryset->last; op; op = op->previous)
        for (int i = 0; op->kind == DJ_OP_ANNOTATE && i < op->count; i++)
            if (op->exprs[i]->kind == DJ_FILTERED_RELATION && slice_equals(op->names[i], name)) return true;
    return false;
}

bool dj_prefetch_add(Evaluator *ev, DjQuerySet *queryset, const Arguments *arguments) {
    if (arguments->count == 1 && value_is_none(arguments->items[0])) {
        queryset->prefetch_count = 0;
        return true;
    }
    int count = queryset->prefetch_count;
    DjPrefetch **all = ARENA_ARRAY(evaluator_arena(ev), DjPrefetch *, count + arguments->count + 1);
    if (count) memcpy(all, queryset->prefetches, sizeof *all * (size_t)count);
    for (int i = 0; i < arguments->count; i++) {
        const Node *node = arguments->nodes ? arguments->nodes[i] : arguments->site;
        DjPrefetch *prefetch = read_prefetch(ev, arguments->items[i], node);
        if (!prefetch) continue;
        Slice parts[DJ_MAX_NAMES];
        Slice first =
            dj_split_names(prefetch->path, parts) > 1 || !prefetch->to_attr.length ? parts[0] : prefetch->to_attr;
        if (is_filtered_relation(queryset, first))
            return evaluator_raise_id(ev, EXCEPTION_VALUE, node,
                                      "prefetch_related() is not supported with FilteredRelation.") != NULL;
        all[count++] = prefetch;
    }
    queryset->prefetches = all;
    queryset->prefetch_count = count;
    return true;
}

/* prefetch_related_objects(instances, *lookups) */
static Value *prefetch_objects(Evaluator *ev, Value *self, const Arguments *arguments) {
    (void)self;
    if (!arguments->count)
        return evaluator_raise_id(
            ev, EXCEPTION_TYPE, arguments->site,
            "prefetch_related_objects() missing 1 required positional argument: 'model_instances'");
    StatementList statements = {0};
    DjOrigins origins = {0};
    Prefetcher p = {.ev = ev, .site = arguments->site, .origins = &origins};
    if (!evaluator_has_rows(ev)) p.statements = &statements;
    Objects objects = {0};
    Value *instances = value_iterate(ev, arguments->items[0], arguments->site);
    if (!instances) return NULL;
    prefetch_add_objects(&p, &objects, instances);
    DjPrefetch **all = ARENA_ARRAY(evaluator_arena(ev), DjPrefetch *, arguments->count);
    int count = 0;
    for (int i = 1; i < arguments->count; i++)
        if ((all[count] =
                 read_prefetch(ev, arguments->items[i], arguments->nodes ? arguments->nodes[i] : arguments->site)))
            count++;
    if (!follow_all(&p, all, count, objects)) return NULL;
    for (int i = 0; i < origins.count; i++) origins.items[i]->execution = evaluator_execution_count(ev);
    if (statements.count) evaluator_execute(ev, &statements, arguments->site);
    return evaluator_error_pending(ev) ? NULL : value_none(ev);
}

void dj_generic_prefetch_define(Evaluator *ev, ModuleValue *module) {
    static const NativeMethod methods[] = {{"__init__", generic_prefetch_init, NATIVE_METHOD, NULL},
                                           {NULL, NULL, NATIVE_METHOD, NULL}};
    NativeClass prefetch = {
        .name = "GenericPrefetch", .instance_type = &prefetch_type, .methods = methods, .create = prefetch_create};
    module_define_class(ev, module, &prefetch, NULL);
}

void dj_prefetch_define(Evaluator *ev, ModuleValue *module) {
    static const NativeMethod methods[] = {{"__init__", prefetch_init, NATIVE_METHOD, NULL},
                                           {NULL, NULL, NATIVE_METHOD, NULL}};
    NativeClass prefetch = {
        .name = "Prefetch", .instance_type = &prefetch_type, .methods = methods, .create = prefetch_create};
    module_define_class(ev, module, &prefetch, NULL);
    module_define_function(ev, module, "prefetch_related_objects", prefetch_objects);
    module_define_function(ev, module, "aprefetch_related_objects", prefetch_objects);
}
