/*
 * Paths: the hops (joins) that a relation stands for, as Django's PathInfo lists. A foreign key is one hop, a
 * many-to-many two with its through model between, a field of an ancestor one hop a parent link.
 *
 * Invariant: hops of one path follow each other: path[i].to is path[i + 1].from, up to inheritance.
 *
 * Example: Book.authors gives Book → Book_authors (reverse of its key `book`, multi-valued) and Book_authors → Author.
 */
#include "compiler/django/model_build.h"

enum { PATH_LIMIT = 64, TARGET_LIMIT = 8 };

typedef struct PathList {
    DjPath *items;
    int count, capacity;
} PathList;

static DjPath *path_push(Evaluator *ev, PathList *list, DjPath hop) {
    DjPath *place = &ARENA_PUSH(evaluator_arena(ev), list->items, list->count, list->capacity);
    *place = hop;
    return place;
}

static void path_append(Evaluator *ev, PathList *list, const DjPath *hops, int count) {
    for (int i = 0; i < count && list->count < PATH_LIMIT; i++) path_push(ev, list, hops[i]);
}

static void path_target(DjPath *hop, DjField *field) {
    if (field && hop->target_count < TARGET_LIMIT) hop->targets[hop->target_count++] = field;
}

/* ---- single hops ---- */

static void foreign_path(Evaluator *ev, DjField *field, PathList *list) {
    DjPath hop = {.from = field->model, .to = field->rel->model, .join = {field, NULL}, .direct = true};
    for (int i = 0; i < field->foreign_fields.count; i++) path_target(&hop, field->foreign_fields.items[i]);
    path_push(ev, list, hop);
}

static void foreign_reverse_path(Evaluator *ev, DjField *field, PathList *list) {
    DjPath hop = {.from = field->rel->model,
                  .to = field->model,
                  .join = {NULL, field->rel},
                  .m2m = !field->unique && !field->primary_key};
    path_target(&hop, field->model->pk);
    path_push(ev, list, hop);
}

/* ---- generic relations ---- */

static void generic_path(Evaluator *ev, DjField *field, PathList *list) {
    DjModel *target = field->rel->model;
    DjField *object_id = field->local_fields.items[0];
    bool inherited = object_id->model != target && object_id->model->concrete != target;
    DjPath hop = {.from = field->model, .to = target, .join = {NULL, field->rel}, .m2m = true};
    if (inherited) hop.to = object_id->model;
    path_target(&hop, hop.to->pk);
    path_push(ev, list, hop);
    if (!inherited) return;
    DjModel **chain;
    int count = model_base_chain(ev, target->concrete, object_id->model, &chain);
    for (int i = count - 1; i >= 0; i--) {
        DjModel *child = i > 0 ? chain[i - 1] : target->concrete;
        DjField *link = model_ancestor_link(ev, child, chain[i]);
        if (link && link->rel) foreign_reverse_path(ev, link, list);
    }
}

static void generic_reverse_path(Evaluator *ev, DjField *field, PathList *list) {
    DjPath hop = {.from = field->rel->model, .to = field->model, .join = {field, NULL}};
    path_target(&hop, field->model->pk);
    path_push(ev, list, hop);
}

/* ---- inheritance ---- */

static void parent_path(Evaluator *ev, DjModel *model, DjModel *parent, PathList *list) {
    if (model == parent) return;
    DjModel **chain;
    DjModel *at = model;
    int count = model_base_chain(ev, model, parent, &chain);
    for (int i = 0; i < count; i++) {
        DjField *link = NULL;
        for (int p = 0; p < at->parent_count; p++)
            if (at->parents[p].model == chain[i]) link = at->parents[p].link;
        bool proxied = chain[i] == model->concrete;
        at = chain[i];
        if (proxied || !link || !field_resolve(ev, link)) continue;
        DjPath hop = {.from = link->model, .to = at, .join = {link, NULL}, .direct = true};
        path_target(&hop, link->foreign_fields.count ? link->foreign_fields.items[0] : at->pk);
        path_push(ev, list, hop);
    }
}

static void child_path(Evaluator *ev, DjModel *model, DjModel *parent, PathList *list) {
    if (model == parent) return;
    DjModel **chain;
    int count = model_base_chain(ev, model->concrete, parent, &chain);
    for (int i = count - 1; i >= 0; i--) {
        DjModel *child = i > 0 ? chain[i - 1] : model->concrete;
        DjField *link = model_ancestor_link(ev, child, chain[i]);
        if (link && link->rel && field_resolve(ev, link)) foreign_reverse_path(ev, link, list);
    }
}

int model_path_to_parent(Evaluator *ev, DjModel *model, DjModel *parent, DjPath **path) {
    PathList list = {0};
    parent_path(ev, model, parent, &list);
    *path = list.items;
    return list.count;
}

/* ---- many-to-many ---- */

static int field_path(Evaluator *ev, DjField *field, DjPath **path);
static int rel_path(Evaluator *ev, DjRel *rel, DjPath **path);

static void many_to_many_path(Evaluator *ev, DjField *field, bool direct, PathList *list) {
    DjField *first = direct ? field->m2m_field : field->m2m_reverse_field;
    DjField *second = direct ? field->m2m_reverse_field : field->m2m_field;
    DjPath *hops;
    int count = rel_path(ev, first->rel, &hops);
    path_append(ev, list, hops, count);
    DjModel *end = list->count ? list->items[list->count - 1].to : NULL, *start = second->model;
    if (end && end != start) {
        if (class_is_subclass(end->cls, start->cls)) {
            parent_path(ev, end, start, list);
        } else {
            child_path(ev, start, end, list);
        }
    }
    count = field_path(ev, second, &hops);
    path_append(ev, list, hops, count);
}

/* ---- public ---- */

/* Hops of a forward relation field (m2m: two; generic relations included). 0: target model unknown. */
static int field_path(Evaluator *ev, DjField *field, DjPath **path) {
    PathList list = {0};
    *path = NULL;
    if (!field->rel || !field_resolve(ev, field)) return 0;
    model_prepare(ev, field->rel->model);
    if (field->kind == FIELD_MANY_TO_MANY) {
        many_to_many_path(ev, field, true, &list);
    } else if (field->kind == FIELD_GENERIC_RELATION) {
        generic_path(ev, field, &list);
    } else {
        foreign_path(ev, field, &list);
    }
    *path = list.items;
    return list.count;
}

/* Hops of a reverse relation. */
static int rel_path(Evaluator *ev, DjRel *rel, DjPath **path) {
    PathList list = {0};
    DjField *field = rel->field;
    *path = NULL;
    if (!field_resolve(ev, field)) return 0;
    model_prepare(ev, field->model);
    if (field->kind == FIELD_MANY_TO_MANY) {
        many_to_many_path(ev, field, false, &list);
    } else if (field->kind == FIELD_GENERIC_RELATION) {
        generic_reverse_path(ev, field, &list);
    } else {
        foreign_reverse_path(ev, field, &list);
    }
    *path = list.items;
    return list.count;
}

int found_path(Evaluator *ev, DjFound found, DjPath **path) {
    if (found.rel) return rel_path(ev, found.rel, path);
    if (found.field) return field_path(ev, found.field, path);
    *path = NULL;
    return 0;
}

int found_join_fields(Evaluator *ev, DjFound join, DjField ***left, DjField ***right) {
    DjField *field = join.field ? join.field : join.rel->field;
    if (!field_resolve(ev, field)) return 0;
    bool reverse = join.rel != NULL;
    *left = reverse ? field->foreign_fields.items : field->local_fields.items;
    *right = reverse ? field->local_fields.items : field->foreign_fields.items;
    return field->local_fields.count;
}

DjRestriction found_restriction(Evaluator *ev, DjFound join) {
    DjField *field = join.field ? join.field : join.rel->field;
    if (field->kind != FIELD_GENERIC_RELATION || !field->rel->model) return (DjRestriction){NULL, NULL};
    DjField *type = model_field(ev, field->rel->model, field->ct_field);
    return (DjRestriction){type, field->for_concrete_model ? field->model->concrete : field->model};
}
