/*
 * Managers: `objects`, custom managers, and the managers behind relations (author.books, book.tags). A manager hands
 * every queryset method on to what its get_queryset() gives, which may be the program's own.
 */
#include "compiler/django/manager.h"

#include "compiler/django/django.h"
#include "compiler/django/write.h"
#include "compiler/django/fetch.h"
#include "compiler/django/instance.h"
#include "compiler/django/query_state.h"

static const Type dj_manager_type;

bool value_is_manager(const Value *value) { return value->type == &dj_manager_type; }
int manager_creation(const Value *manager) { return ((const DjManager *)manager)->creation; }

/* The queryset class of a manager class that from_queryset() made. */
static const NativeKind manager_native = {"queryset class"};

static Class *dj_manager_queryset_class(Evaluator *ev, const Class *cls) {
    for (int i = 0; i < cls->mro_count; i++)
        if (class_native(cls->mro[i], &manager_native)) return class_native(cls->mro[i], &manager_native);
    return dj_state(ev)->queryset_class;
}

static Value *manager_create(Evaluator *ev, Class *cls, const Arguments *arguments) {
    (void)arguments;
    DjManager *manager = instance_allocate(ev, cls, sizeof *manager);
    manager->creation = ++dj_state(ev)->manager_count;
    manager->queryset_class = dj_manager_queryset_class(ev, cls);
    return (Value *)manager;
}

Value *manager_bind(Evaluator *ev, Value *value, DjModel *model, Atom name) {
    DjManager *manager = ARENA_NEW(evaluator_arena(ev), DjManager);
    *manager = *(DjManager *)value;
    manager->instance.attributes = atom_map_copy(&((DjManager *)value)->instance.attributes, evaluator_arena(ev));
    manager->model = model;
    manager->name = name;
    return (Value *)manager;
}

Value *manager_new(Evaluator *ev, DjModel *model, Atom name) {
    Arguments none = {0};
    Value *manager = manager_create(ev, dj_state(ev)->manager_class, &none);
    return manager_bind(ev, manager, model, name);
}

/* ---- relations ---- */

/* The field that a foreign key points to and that this object has no value for; NULL: all are there. */
static DjField *missing_target(Evaluator *ev, const DjManager *manager, const Node *site) {
    DjField *field = manager->relation.rel ? manager->relation.rel->field : NULL;
    DjInstance *owner = manager->owner ? value_as_model_instance(manager->owner) : NULL;
    if (!field || !owner || field->many_to_many || field->kind == FIELD_GENERIC_RELATION || !field_resolve(ev, field))
        return NULL;
    for (int i = 0; i < field->foreign_fields.count; i++)
        if (value_is_none(instance_field_value(ev, owner, field->foreign_fields.items[i], site)))
            return field->foreign_fields.items[i];
    return NULL;
}

/* author.books: author = <this author>. */
static DjQuerySet *filter_reverse(Evaluator *ev, const DjManager *manager, DjQuerySet *queryset, const Node *site) {
    if (missing_target(ev, manager, site)) {
        DjOp *nothing;
        return dj_queryset_push(ev, queryset, DJ_OP_NONE, site, &nothing);
    }
    DjField *field = manager->relation.rel->field;
    DjQuerySet *own =
        dj_queryset_filter(ev, queryset, dj_q_condition(ev, field->name->text, manager->owner, site), site);
    own->hint_instance = manager->owner;
    own->hint_field = field;
    return own;
}

/* book.tags: the other side's name for the relation, and the key of this object; the next filter() shares the join. */
static DjQuerySet *filter_many(Evaluator *ev, const DjManager *manager, DjQuerySet *queryset, const Node *site) {
    bool forward = manager->relation.field != NULL;
    DjField *field = forward ? manager->relation.field : manager->relation.rel->field;
    DjField *link = forward ? field->m2m_field : field->m2m_reverse_field;
    Atom query_name = forward ? field->rel->name : field->name;
    DjInstance *owner = value_as_model_instance(manager->owner);
    int count = link && field_resolve(ev, link) ? link->foreign_fields.count : 1;
    DjExpr *q = NULL;
    Slice first = {0};
    for (int i = 0; i < count; i++) {
        DjField *key = link ? link->foreign_fields.items[i] : owner->model->pk;
        Value *value = instance_field_value(ev, owner, key, site);
        if (!value) return NULL;
        if (value_is_none(value))
            return evaluator_raise_id(
                ev, EXCEPTION_VALUE, site,
                "\"%.*s\" needs to have a value for field \"%.*s\" before this many-to-many relationship can be used.",
                SLICE_ARGS(value_repr(ev, manager->owner)), SLICE_ARGS(key->name->text));
        Slice name =
            slice_format(evaluator_arena(ev), "%.*s__%.*s", SLICE_ARGS(query_name->text), SLICE_ARGS(key->name->text));
        DjExpr *one = dj_q_condition(ev, name, value, site);
        if (!q) {
            q = one;
            first = name;
        } else if (slice_compare(name, first) < 0) { /* conditions stand in the order of their names */
            dj_q_push(ev, one, q->args[0]);
            q = one;
        } else {
            dj_q_push(ev, q, one->args[0]);
        }
    }
    DjQuerySet *next = dj_queryset_copy(ev, queryset, site);
    next->sticky_next = true;
    return q ? dj_queryset_filter(ev, next, q, site) : next;
}

/* post.comments of a GenericRelation: object id and content type. */
static DjQuerySet *filter_generic(Evaluator *ev, const DjManager *manager, DjQuerySet *queryset, const Node *site) {
    DjField *field = manager->relation.field;
    DjInstance *owner = value_as_model_instance(manager->owner);
    Value *type = content_type_id(ev, field->for_concrete_model ? owner->model->concrete : owner->model, site);
    Value *pk = type ? instance_pk(ev, owner, site) : NULL;
    if (!pk) return NULL;
    Slice type_name = slice_format(evaluator_arena(ev), "%.*s__pk", SLICE_ARGS(field->ct_field->text));
    DjExpr *q = dj_q_condition(ev, type_name, type, site),
           *object = dj_q_condition(ev, field->fk_field->text, pk, site);
    if (slice_compare(field->fk_field->text, type_name) < 0) { /* in the order of their names */
        DjExpr *first = object;
        object = q;
        q = first;
    }
    dj_q_push(ev, q, object->args[0]);
    return dj_queryset_filter(ev, queryset, q, site);
}

static DjQuerySet *filter_related(Evaluator *ev, const DjManager *manager, DjQuerySet *queryset, const Node *site) {
    if (!manager->owner) return queryset;
    DjFound relation = manager->relation;
    if (relation.field && relation.field->kind == FIELD_GENERIC_RELATION)
        return filter_generic(ev, manager, queryset, site);
    bool many = relation.field ? relation.field->many_to_many : relation.rel->many_to_many;
    return many ? filter_many(ev, manager, queryset, site) : filter_reverse(ev, manager, queryset, site);
}

/* The program's get_queryset() with the relation's condition: what self.get_queryset() reaches in its own methods. */
static Value *related_get_queryset(Evaluator *ev, Value *self, const Arguments *arguments) {
    Value *own = class_find(self->cls->bases[0], atom_intern_text(evaluator_atoms(ev), "get_queryset"));
    Value *queryset = value_call_with(ev, own, &self, 1, arguments->site);
    if (!queryset || !value_is_queryset(queryset)) return queryset;
    return (Value *)filter_related(ev, (DjManager *)self, value_as_queryset(queryset), arguments->site);
}

/* A subclass of the manager's class whose get_queryset() is that of the relation. */
static Class *related_class(Evaluator *ev, const DjManager *manager) {
    Class *base = manager->instance.head.cls;
    Class *cls = class_new(ev, atom_intern_text(evaluator_atoms(ev), "RelatedManager"), base->module, &base, 1);
    Value *method = value_native_function(ev, "get_queryset", related_get_queryset, NULL);
    ((NativeFunctionValue *)method)->is_method = true;
    atom_map_set(&cls->names, atom_intern_text(evaluator_atoms(ev), "get_queryset"), method);
    return cls;
}

Value *manager_related(Evaluator *ev, Value *instance, DjFound relation, const Node *site) {
    DjModel *model = relation.field ? field_related_model(ev, relation.field) : relation.rel->field->model;
    if (!model) return value_unknown_at(ev, site);
    model_prepare(ev, model);
    Value *base = model->default_manager ? model->default_manager : manager_new(ev, model, NULL);
    DjManager *manager = (DjManager *)manager_bind(ev, base, model, NULL);
    manager->owner = instance;
    manager->relation = relation;
    Value *own = class_find(manager->instance.head.cls, atom_intern_text(evaluator_atoms(ev), "get_queryset"));
    if (own && own->type->kind == VALUE_FUNCTION) manager->instance.head.cls = related_class(ev, manager);
    return (Value *)manager;
}

/* ---- get_queryset and what follows from it ---- */

static Value *method_get_queryset(Evaluator *ev, Value *self, const Arguments *arguments) {
    DjManager *manager = (DjManager *)self;
    if (!manager->model)
        return evaluator_raise_id(ev, EXCEPTION_ATTRIBUTE, arguments->site, "this manager belongs to no model");
    if (manager->model->abstract)
        return evaluator_raise_id(ev, EXCEPTION_ATTRIBUTE, arguments->site,
                                  "Manager isn't available; '%.*s' is abstract.",
                                  SLICE_ARGS(manager->model->name->text));
    DjQuerySet *queryset = dj_queryset_new(ev, manager->queryset_class, manager->model, arguments->site);
    Value *method = class_find(self->cls, atom_intern_text(evaluator_atoms(ev), "get_queryset"));
    bool own =
        method->type->kind == VALUE_NATIVE_FUNCTION && ((NativeFunctionValue *)method)->call == method_get_queryset;
    return own ? (Value *)filter_related(ev, manager, queryset, arguments->site) : (Value *)queryset;
}

/* What a prefetch read for the owner; NULL: nothing. */
static Value *prefetched(const DjManager *manager) {
    DjInstance *owner = manager->owner ? value_as_model_instance(manager->owner) : NULL;
    Atom name = manager->relation.field ? manager->relation.field->name
                : manager->relation.rel ? manager->relation.rel->accessor
                                        : NULL;
    Value *read = owner && name ? atom_map_get(&owner->related, name) : NULL;
    return read && value_is_queryset(read) ? read : NULL;
}

Value *dj_manager_queryset(Evaluator *ev, Value *self, const Node *site) {
    Value *read = prefetched((DjManager *)self);
    if (read) return read;
    Value *queryset = value_call_method(ev, self, "get_queryset", NULL, 0, site);
    if (!queryset || !value_is_queryset(queryset)) return queryset;
    bool own = class_find(self->cls, atom_intern_text(evaluator_atoms(ev), "get_queryset"))->type->kind ==
               VALUE_NATIVE_FUNCTION;
    return own ? queryset : (Value *)filter_related(ev, (DjManager *)self, value_as_queryset(queryset), site);
}

static Value *method_all(Evaluator *ev, Value *self, const Arguments *arguments) {
    return dj_manager_queryset(ev, self, arguments->site);
}

/*
 * book.tags.count() and exists(): the table between is enough, where its keys must exist. The queryset that is asked
 * instead; NULL without an error: the relation's own.
 */
static Value *constrained_through(Evaluator *ev, const DjManager *manager, const Node *site) {
    DjFound relation = manager->relation;
    DjField *field = relation.field ? relation.field : relation.rel ? relation.rel->field : NULL;
    DjInstance *owner = manager->owner ? value_as_model_instance(manager->owner) : NULL;
    bool plain = manager->instance.head.cls == dj_state(ev)->manager_class &&
                 manager->queryset_class == dj_state(ev)->queryset_class;
    if (!plain || !owner || !field || !field->many_to_many || prefetched(manager)) return NULL;
    DjField *source = relation.field ? field->m2m_field : field->m2m_reverse_field;
    DjField *target = relation.field ? field->m2m_reverse_field : field->m2m_field;
    if (!source || !target || !target->rel || !target->rel->db_constraint) return NULL;
    Value *key = instance_field_value(ev, owner, field_target(ev, source), site);
    Value *queryset = dj_manager_queryset(ev, source->model->base_manager, site);
    if (!queryset || value_is_none(key)) return NULL;
    Slice not_null = slice_format(evaluator_arena(ev), "%.*s__isnull", SLICE_ARGS(target->name->text));
    Keyword keywords[2] = {{source->name, key, site},
                           {atom_intern(evaluator_atoms(ev), not_null), value_bool(ev, false), site}};
    Value *filter = value_get_attribute(ev, queryset, atom_intern_text(evaluator_atoms(ev), "filter"), site);
    Arguments arguments = {.keywords = keywords, .keyword_count = target->null ? 2 : 1, .site = site};
    return filter ? value_call(ev, filter, &arguments) : NULL;
}

/* What a write changes must be read again. */
static Value *before_write(Evaluator *ev, const DjManager *manager, Value *written, const Node *site) {
    DjField *missing = missing_target(ev, manager, site);
    if (missing)
        return evaluator_raise_id(
            ev, EXCEPTION_VALUE, site,
            "\"%.*s\" needs to have a value for field \"%.*s\" before this relationship can be used.",
            SLICE_ARGS(value_repr(ev, manager->owner)), SLICE_ARGS(missing->attname->text));
    Atom name = manager->relation.field ? manager->relation.field->name : manager->relation.rel->accessor;
    if (prefetched(manager)) instance_set_related(ev, value_as_model_instance(manager->owner), name, NULL);
    return written;
}

/* What a many-to-many manager knows of the table between; NULL: no such name. */
static Value *through_attribute(Evaluator *ev, const DjManager *manager, Atom name) {
    DjFound relation = manager->relation;
    DjField *field = relation.field ? relation.field : relation.rel ? relation.rel->field : NULL;
    if (!manager->owner || !field || !field->many_to_many) return NULL;
    field_resolve(ev, field);
    DjField *source = relation.field ? field->m2m_field : field->m2m_reverse_field;
    DjField *target = relation.field ? field->m2m_reverse_field : field->m2m_field;
    if (slice_equals_text(name->text, "through")) return field->rel->through ? (Value *)field->rel->through->cls : NULL;
    if (slice_equals_text(name->text, "source_field_name")) return source ? value_atom(ev, source->name) : NULL;
    if (slice_equals_text(name->text, "target_field_name")) return target ? value_atom(ev, target->name) : NULL;
    if (slice_equals_text(name->text, "reverse")) return value_bool(ev, relation.field == NULL);
    return NULL;
}

/* Public methods of the queryset class are methods of its manager. */
static Value *manager_attribute(Evaluator *ev, Value *self, Atom name, const Node *site) {
    DjManager *manager = (DjManager *)self;
    if (slice_equals_text(name->text, "model")) return manager->model ? (Value *)manager->model->cls : value_none(ev);
    if (slice_equals_text(name->text, "name")) return manager->name ? value_atom(ev, manager->name) : value_none(ev);
    if (slice_equals_text(name->text, "instance") && manager->owner) return manager->owner;
    if (slice_equals_text(name->text, "_db")) return value_none(ev);
    if (slice_equals_text(name->text, "db")) return value_string(ev, SLICE("default"));
    if (slice_equals_text(name->text, "_hints")) return (Value *)value_dict(ev);
    if (slice_equals_text(name->text, "_queryset_class")) return (Value *)manager->queryset_class;
    if (slice_starts_with(name->text, "_") || slice_equals_text(name->text, "as_manager")) return NULL;
    Value *between = through_attribute(ev, manager, name);
    if (between) return between;
    Value *written = dj_related_write(ev, self, name, site);
    if (written && manager->owner) return before_write(ev, manager, written, site);
    if (written || evaluator_error_pending(ev)) return written;
    if (!class_find(manager->queryset_class, name)) return NULL;
    bool counts = slice_equals_text(name->text, "count") || slice_equals_text(name->text, "exists");
    Value *queryset = counts && manager->owner ? constrained_through(ev, manager, site) : NULL;
    if (!queryset && !evaluator_error_pending(ev)) queryset = dj_manager_queryset(ev, self, site);
    return queryset ? value_get_attribute(ev, queryset, name, site) : NULL;
}

static void manager_describe(Evaluator *ev, Value *self, Buffer *out) {
    (void)ev;
    DjManager *manager = (DjManager *)self;
    buffer_format(out, "<Manager of %s>", manager->model ? manager->model->name->text.start : "no model");
}

static const Class *manager_answers_for(const Value *self) { return ((const DjManager *)self)->queryset_class; }

static const Type dj_manager_type = {.name = "Manager",
                                     .kind = VALUE_NATIVE,
                                     .get_attribute = manager_attribute,
                                     .answers_for = manager_answers_for,
                                     .describe = manager_describe,
                                     .has_attributes = true};

static Class *manager_class_from(Evaluator *ev, Class *base, Class *queryset, Slice name) {
    if (!name.length)
        name = slice_format(evaluator_arena(ev), "%.*sFrom%.*s", SLICE_ARGS(base->name->text),
                            SLICE_ARGS(queryset->name->text));
    Class *made = class_new(ev, atom_intern(evaluator_atoms(ev), name), base->module, &base, 1);
    class_set_native(made, &manager_native, queryset);
    return made;
}

/* Manager.from_queryset(MyQuerySet): a manager class that uses it. */
static Value *method_from_queryset(Evaluator *ev, Value *self, const Arguments *arguments) {
    Value *queryset = NULL, *name = NULL;
    if (!arguments_bind(ev, arguments, "from_queryset", "queryset_class | class_name", &queryset, &name)) return NULL;
    if (!value_is(queryset, VALUE_CLASS)) return value_unknown_at(ev, arguments->site);
    Slice text = name && value_is(name, VALUE_STRING) ? value_text(name) : (Slice){"", 0};
    return (Value *)manager_class_from(ev, (Class *)self, (Class *)queryset, text);
}

static Value *manager_init(Evaluator *ev, Value *self, const Arguments *arguments) {
    (void)self;
    (void)arguments;
    return value_none(ev);
}

static const NativeMethod manager_methods[] = {
    {"__init__", manager_init, NATIVE_METHOD, NULL},
    {"get_queryset", method_get_queryset, NATIVE_METHOD, NULL},
    {"all", method_all, NATIVE_METHOD, NULL},
    {"db_manager", method_all, NATIVE_METHOD, NULL},
    {"from_queryset", method_from_queryset, NATIVE_CLASSMETHOD, NULL},
    {NULL, NULL, NATIVE_METHOD, NULL},
};

/* MyQuerySet.as_manager() */
static Value *method_as_manager(Evaluator *ev, Value *self, const Arguments *arguments) {
    Class *cls = dj_state(ev)->manager_class;
    if ((Class *)self != dj_state(ev)->queryset_class) cls = manager_class_from(ev, cls, (Class *)self, (Slice){"", 0});
    return manager_create(ev, cls, arguments);
}

static DjModel *argument_model(Value *value) {
    return value_is(value, VALUE_CLASS) ? django_model_of_class((Class *)value) : NULL;
}

/* A queryset always has a model: what is made without one, or with one that is not known, is not known either. */
static Value *queryset_create(Evaluator *ev, Class *cls, const Arguments *arguments) {
    DjModel *model = NULL;
    for (int i = 0; i < arguments->count && !model; i++) model = argument_model(arguments->items[i]);
    for (int i = 0; i < arguments->keyword_count && !model; i++) model = argument_model(arguments->keywords[i].value);
    return model ? (Value *)dj_queryset_new(ev, cls, model, arguments->site) : value_unknown_at(ev, arguments->site);
}

/* QuerySet(model=…) */
static Value *queryset_init(Evaluator *ev, Value *self, const Arguments *arguments) {
    Value *model = NULL, *query = NULL, *using_alias = NULL, *hints = NULL;
    if (!arguments_bind(ev, arguments, "QuerySet", "| model query using hints", &model, &query, &using_alias, &hints))
        return NULL;
    if (model && argument_model(model)) value_as_queryset(self)->model = argument_model(model);
    return value_none(ev);
}

static const NativeMethod queryset_class_methods[] = {
    {"__init__", queryset_init, NATIVE_METHOD, NULL},
    {"as_manager", method_as_manager, NATIVE_CLASSMETHOD, NULL},
    {NULL, NULL, NATIVE_METHOD, NULL},
};

static int count_methods(const NativeMethod *methods) {
    int count = 0;
    while (methods[count].name) count++;
    return count;
}

/* `self` of a manager's methods that are read on their own: the manager of a model that has one of this class. */
static Value *manager_unknown_instance(Evaluator *ev, Class *cls, Slice text, const Node *node) {
    const Models *models = django_models(ev);
    for (int i = 0; i < models->count; i++)
        for (int m = 0; m < models->items[i]->manager_count; m++)
            if (value_is_instance(models->items[i]->managers[m].manager, cls))
                return models->items[i]->managers[m].manager;
    return value_unknown(ev, text, node, NULL);
}

/* `self` of a queryset class's methods: all rows of a model that has a manager with this class. */
static Value *queryset_unknown_instance(Evaluator *ev, Class *cls, Slice text, const Node *node) {
    const Models *models = django_models(ev);
    for (int i = 0; i < models->count; i++)
        for (int m = 0; m < models->items[i]->manager_count; m++) {
            const Value *manager = models->items[i]->managers[m].manager;
            if (manager->type == &dj_manager_type && ((const DjManager *)manager)->queryset_class == cls)
                return (Value *)dj_queryset_new(ev, cls, models->items[i], node);
        }
    return value_unknown(ev, text, node, NULL);
}

void dj_managers_define(Evaluator *ev, ModuleValue *module) {
    const NativeMethod *parts[] = {queryset_class_methods, dj_queryset_methods, dj_terminal_methods, dj_write_methods};
    int total = 0;
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) total += count_methods(parts[i]);
    NativeMethod *all = ARENA_ARRAY(evaluator_arena(ev), NativeMethod, total + 1);
    total = 0;
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        for (int m = 0; parts[i][m].name; m++) all[total++] = parts[i][m];
    NativeClass queryset = {.name = "QuerySet",
                            .instance_type = &dj_queryset_type,
                            .methods = all,
                            .create = queryset_create,
                            .unknown_instance = queryset_unknown_instance};
    dj_state(ev)->queryset_class = module_define_class(ev, module, &queryset, NULL);
    NativeClass base = {.name = "BaseManager",
                        .instance_type = &dj_manager_type,
                        .methods = manager_methods,
                        .create = manager_create,
                        .unknown_instance = manager_unknown_instance};
    dj_state(ev)->base_manager_class = module_define_class(ev, module, &base, NULL);
    NativeClass manager = {.name = "Manager", .instance_type = &dj_manager_type, .create = manager_create};
    dj_state(ev)->manager_class = module_define_class(ev, module, &manager, dj_state(ev)->base_manager_class);
}
