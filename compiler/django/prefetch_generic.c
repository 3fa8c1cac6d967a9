/*
 * Prefetching generic foreign keys: the objects of the rows by content type, one query for each type.
 *
 *     TaggedItem.objects.prefetch_related("content_object")
 *         SELECT … FROM "taggeditem"
 *         SELECT … FROM "django_content_type" WHERE "id" = 12 LIMIT 21     once for each type that is not known yet
 *         SELECT … FROM "book" WHERE "id" IN (1, 2)
 *
 * Where the rows are not known their types may be: a generic relation gave the rows, or GenericPrefetch() brings the
 * querysets. Else a warning says that they are not, and the models that may be meant are those that have the relations
 * which the path goes on with, or those with a generic relation to the rows.
 */
#include "compiler/django/prefetch_internal.h"

#include "compiler/django/django.h"
#include "compiler/django/fetch.h"
#include "compiler/django/field_prepare.h"
#include "compiler/django/manager.h"
#include "compiler/django/query_state.h"
#include "compiler/django/write_internal.h"

static Arena *arena_of(const Prefetcher *p) { return evaluator_arena(p->ev); }

/* The rows of one content type. */
typedef struct Kind {
    Value *id;
    DjModel *model;
    DjQuerySet *queryset; /* given by GenericPrefetch(); NULL: all of the model's */
    ListValue *keys;
    DictValue *by_key; /* its objects */
} Kind;
typedef struct Kinds {
    Kind *items;
    int count, capacity;
} Kinds;

/* queryset.filter(pk__in=keys); without a queryset the base manager's. */
static DjQuerySet *kind_queryset(const Prefetcher *p, const Kind *kind, Value *keys) {
    Evaluator *ev = p->ev;
    DjQuerySet *all = kind->queryset;
    if (!all) {
        model_prepare(ev, kind->model);
        Value *base = kind->model->base_manager ? dj_manager_queryset(ev, kind->model->base_manager, p->site) : NULL;
        if (evaluator_error_pending(ev)) return NULL;
        all =
            base && value_is_queryset(base) ? value_as_queryset(base) : dj_queryset_new(ev, NULL, kind->model, p->site);
    }
    return dj_queryset_filter(ev, all, dj_q_condition(ev, SLICE("pk__in"), keys, p->site), p->site);
}

/* ---- rows that are known ---- */

static Kind *kind_of(Kinds *kinds, Evaluator *ev, Value *id) {
    for (int i = 0; i < kinds->count; i++)
        if (value_equals(ev, kinds->items[i].id, id)) return &kinds->items[i];
    return NULL;
}

static bool has_key(Evaluator *ev, const ListValue *keys, Value *key) {
    for (int i = 0; i < keys->count; i++)
        if (value_equals(ev, keys->items[i], key)) return true;
    return false;
}

typedef struct GenericKey {
    DjField *type, *key;
} GenericKey;

/* The content type and key of a row; false: it names no object. */
static bool named_object(const Prefetcher *p, GenericKey fields, DjInstance *row, Value **id, Value **key) {
    *id = instance_field_value(p->ev, row, fields.type, p->site);
    *key = instance_field_value(p->ev, row, fields.key, p->site);
    return !value_is_none(*id) && !value_is_none(*key);
}

static bool read_kind(Prefetcher *p, Kind *kind, Objects *out) {
    Evaluator *ev = p->ev;
    if (!kind->queryset && !(kind->model = content_type_model(ev, kind->id, p->site)))
        return !evaluator_error_pending(ev);
    value_set_order(ev, kind->keys->items, kind->keys->count);
    DjQuerySet *queryset = kind_queryset(p, kind, value_tuple(ev, kind->keys->items, kind->keys->count));
    Value *rows = queryset ? dj_queryset_rows(ev, queryset, p->site) : NULL;
    if (!rows) return false;
    Objects read = {0};
    prefetch_add_objects(p, &read, rows);
    for (int i = 0; i < read.count; i++) {
        Value *key = instance_pk(ev, read.items[i], p->site);
        if (!key) return false;
        dict_set(ev, kind->by_key, key, (Value *)read.items[i], p->site);
        prefetch_add_objects(p, out, (Value *)read.items[i]);
    }
    return true;
}

static Kind *kind_add(Prefetcher *p, Kinds *kinds, Value *id) {
    Kind *kind = &ARENA_PUSH(arena_of(p), kinds->items, kinds->count, kinds->capacity);
    *kind = (Kind){.id = id, .keys = value_list(p->ev), .by_key = value_dict(p->ev)};
    return kind;
}

static bool read_known_kinds(Prefetcher *p, const Lookup *lookup, DjField *field, Slice to_attr, GenericKey fields,
                             const Objects *owners, Objects *out) {
    Evaluator *ev = p->ev;
    Kinds kinds = {0}, given = {0};
    for (int i = 0; i < lookup->prefetch->queryset_count; i++) {
        DjQuerySet *queryset = lookup->prefetch->querysets[i];
        Value *id = prefetch_type_id(p, field, queryset->model);
        if (!id) return false;
        if (kind_of(&given, ev, id))
            return evaluator_raise(ev, evaluator_exception(ev, EXCEPTION_VALUE), lookup->prefetch->span,
                                   "Only one queryset is allowed for each content type.") != NULL;
        kind_add(p, &given, id)->queryset = queryset;
    }
    Value *id, *key;
    for (int i = 0; i < owners->count; i++) {
        if (!named_object(p, fields, owners->items[i], &id, &key)) continue;
        Kind *kind = kind_of(&kinds, ev, id), *own = kind_of(&given, ev, id);
        if (!kind) {
            kind = kind_add(p, &kinds, id);
            kind->queryset = own ? own->queryset : NULL;
            kind->model = own ? own->queryset->model : NULL;
        }
        if (!has_key(ev, kind->keys, key)) list_append(ev, kind->keys, key);
    }
    for (int i = 0; i < kinds.count; i++)
        if (!read_kind(p, &kinds.items[i], out)) return false;
    for (int i = 0; i < owners->count; i++) {
        Value *object = NULL;
        if (named_object(p, fields, owners->items[i], &id, &key)) {
            const Kind *kind = kind_of(&kinds, ev, id);
            key = kind->model ? field_get_prep_value(ev, kind->model->pk, key, p->site) : NULL;
            if (evaluator_error_pending(ev)) return false;
            object = key ? dict_get(ev, kind->by_key, key) : NULL;
        }
        prefetch_set(p, owners->items[i], (DjFound){field, NULL}, NULL, to_attr, object ? object : value_none(ev));
    }
    return true;
}

/* ---- rows that are not known ---- */

/* The one model whose generic relation gave all the rows; NULL: that is not known. */
static DjModel *model_of_rows(const Prefetcher *p, const DjField *field, const Objects *owners) {
    DjModel *model = NULL;
    for (int i = 0; i < owners->count; i++) {
        DjModel *own = NULL;
        for (int t = 0; t < p->typed_count; t++)
            if (p->typed[t].row == owners->items[i] && p->typed[t].ct_field == field->ct_field) own = p->typed[t].model;
        if (!own || (model && model != own)) return NULL;
        model = own;
    }
    return model;
}

static bool read_unknown_kind(Prefetcher *p, const Lookup *lookup, DjField *field, Slice to_attr, GenericKey fields,
                              const Kind *kind, const Objects *owners, Objects *out) {
    Evaluator *ev = p->ev;
    ListValue *keys = value_list(ev);
    for (int i = 0; i < owners->count; i++)
        list_append(ev, keys, unknown_as_list(ev, instance_field_value(ev, owners->items[i], fields.key, p->site)));
    Value *taken = keys->count == 1 ? keys->items[0] : value_tuple(ev, keys->items, keys->count);
    DjQuerySet *queryset = kind_queryset(p, kind, taken);
    DjQuery *query = queryset ? dj_queryset_query(ev, queryset) : NULL;
    if (!query) return false;
    DjOutcome outcome = dj_query_statement(query, p->statements);
    if (outcome != DJ_SQL) return outcome == DJ_EMPTY;
    DjInstance *row = instance_unknown(ev, kind->model, lookup->through, p->site, prefetch_origin(p, (Slice){0}));
    dj_set_joined_rows(query, row);
    Objects rows = {0};
    prefetch_add_objects(p, &rows, (Value *)row);
    prefetch_add_objects(p, out, (Value *)row);
    Value *value = value_optional(ev, (Value *)row, lookup->through, p->site);
    for (int i = 0; i < owners->count; i++)
        prefetch_set(p, owners->items[i], (DjFound){field, NULL}, NULL, to_attr, value);
    return prefetch_inner(p, queryset, rows);
}

enum { MOST_MODELS = 4 }; /* that are guessed: more say nothing */

/* Does the model have what every lookup goes on with after `prefix`? *any: one of them goes on. */
static bool has_what_follows(Prefetcher *p, const Lookup *lookup, Slice prefix, DjModel *model, bool *any) {
    for (int i = -1; i < p->stack_count; i++) {
        const Lookup *one = i < 0 ? lookup : &p->stack[i];
        if (one->through.length < prefix.length + 3 || !slice_equals(slice_sub(one->through, 0, prefix.length), prefix))
            continue;
        Slice rest = slice_sub(one->through, prefix.length, one->through.length), names[DJ_MAX_NAMES];
        if (!slice_starts_with(rest, "__")) continue;
        dj_split_names(slice_sub(rest, 2, rest.length), names);
        *any = true;
        DjFound found = prefetch_relation(p->ev, model, atom_intern(evaluator_atoms(p->ev), names[0]));
        if (!found.field && !found.rel) return false;
    }
    return true;
}

static bool has_generic_relation(Evaluator *ev, const DjModel *model, const DjField *field) {
    for (int i = 0; i < model->all_private.count; i++) {
        DjField *own = model->all_private.items[i];
        if (own->kind == FIELD_GENERIC_RELATION && field_resolve(ev, own) && own->rel->model == field->model &&
            own->fk_field == field->fk_field && own->ct_field == field->ct_field)
            return true;
    }
    return false;
}

/* The models that may be meant. */
static void guess_models(Prefetcher *p, const Lookup *lookup, Slice prefix, DjField *field, Kinds *kinds) {
    const Models *models = &django_state(p->ev)->models;
    for (int pass = 0; pass < 2 && !kinds->count; pass++) {
        for (int i = 0; i < models->count; i++) {
            DjModel *model = models->items[i];
            if (model->abstract || model->proxy) continue;
            model_prepare(p->ev, model);
            bool any = false, fits = has_what_follows(p, lookup, prefix, model, &any);
            if (!fits || !(pass ? has_generic_relation(p->ev, model, field) : any)) continue;
            kind_add(p, kinds, NULL)->model = model;
        }
        if (kinds->count > MOST_MODELS) kinds->count = 0;
    }
}

/* The types that the rows name are looked up by their ids; each is known then. */
static bool look_up_type(Prefetcher *p, GenericKey fields, const DjModel *model, const Objects *owners) {
    Slice name = SLICE("pk");
    Value *id = instance_field_value(p->ev, owners->items[0], fields.type, p->site);
    if (!prefetch_type_lookup(p, &name, &id, 1)) return false;
    content_type_remember(p->ev, model->label_lower, prefetch_type_of_last(p));
    return true;
}

static bool read_unknown_kinds(Prefetcher *p, const Lookup *lookup, Slice prefix, DjField *field, Slice to_attr,
                               GenericKey fields, const Objects *owners, Objects *out) {
    Kinds kinds = {0};
    const DjPrefetch *prefetch = lookup->prefetch;
    for (int i = 0; i < prefetch->queryset_count; i++) {
        Value *id = prefetch_type_id(p, field, prefetch->querysets[i]->model);
        if (!id) return false;
        Kind *kind = kind_add(p, &kinds, id);
        kind->queryset = prefetch->querysets[i];
        kind->model = prefetch->querysets[i]->model;
    }
    DjModel *model = kinds.count ? NULL : model_of_rows(p, field, owners);
    if (model) kind_add(p, &kinds, NULL)->model = model;
    bool guessed = !kinds.count;
    if (guessed) guess_models(p, lookup, prefix, field, &kinds);
    for (int i = 0; i < kinds.count; i++)
        if ((guessed && !look_up_type(p, fields, kinds.items[i].model, owners)) ||
            !read_unknown_kind(p, lookup, field, to_attr, fields, &kinds.items[i], owners, out))
            return false;
    if (guessed)
        evaluator_warn(p->ev, CODE_UNSUPPORTED, prefetch->span,
                       "prefetching the generic foreign key '%.*s' needs the types that its rows name; %s",
                       SLICE_ARGS(field->name->text),
                       kinds.count ? "statements are shown for the models that may be meant"
                                   : "its statements are left out");
    return true;
}

bool prefetch_generic_key(Prefetcher *p, const Lookup *lookup, Slice prefix, DjField *field, Slice to_attr,
                          const Objects *owners, Objects *out) {
    GenericKey fields = {model_field(p->ev, field->model, field->ct_field),
                         model_field(p->ev, field->model, field->fk_field)};
    if (!fields.type || !fields.key || !field_resolve(p->ev, fields.type)) return true;
    return p->statements ? read_unknown_kinds(p, lookup, prefix, field, to_attr, fields, owners, out)
                         : read_known_kinds(p, lookup, field, to_attr, fields, owners, out);
}
