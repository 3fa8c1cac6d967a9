/*
 * Loader options: joinedload(), selectinload(), load_only(), defer(), contains_eager(), with_loader_criteria(), Load().
 *
 * Input: calls and chains of calls with attributes. Output: LoadOption values: steps, each with the path of
 * relationships from its root entity.
 * Invariant: an option is never changed; each chained call gives a copy with more steps.
 * Example: selectinload(User.posts).joinedload(Post.tags) -> SELECTIN [posts], JOINED [posts, tags].
 */
#include "compiler/sqlalchemy/session.h"

const Type orm_load_option_type = {.name = "Load", .kind = VALUE_NATIVE, .has_attributes = true};
const Type orm_criteria_type = {.name = "LoaderCriteriaOption", .kind = VALUE_NATIVE, .has_attributes = true};

typedef struct OptionName {
    const char *name;
    LoadKind kind;
    bool all; /* joinedload_all-like: every step of the path */
} OptionName;

static const OptionName option_names[] = {
    {"joinedload", LOAD_JOINED, false},
    {"selectinload", LOAD_SELECTIN, false},
    {"subqueryload", LOAD_SUBQUERY, false},
    {"immediateload", LOAD_IMMEDIATE, false},
    {"lazyload", LOAD_LAZY, false},
    {"raiseload", LOAD_RAISE, false},
    {"noload", LOAD_NOLOAD, false},
    {"contains_eager", LOAD_CONTAINS, false},
    {"defaultload", LOAD_DEFAULT, false},
    {"load_only", LOAD_ONLY, false},
    {"defer", LOAD_DEFER, false},
    {"undefer", LOAD_UNDEFER, false},
    {"undefer_group", LOAD_UNDEFER_GROUP, false},
    {"with_expression", LOAD_EXPRESSION, false},
    {"selectin_polymorphic", LOAD_SELECTIN_POLYMORPHIC, false},
};

static LoadOption *option_new(Evaluator *ev, Entity *root) {
    LoadOption *made = instance_allocate(ev, orm_state(ev)->load_option, sizeof *made);
    made->root = root;
    return made;
}

static LoadOption *option_copy(Evaluator *ev, const LoadOption *option) {
    Arena *arena = evaluator_arena(ev);
    LoadOption *copy = option_new(ev, option->root);
    copy->depth = option->depth;
    copy->path = ARENA_ARRAY(arena, AttributeValue *, option->depth + 1);
    for (int i = 0; i < option->depth; i++) copy->path[i] = option->path[i];
    for (int i = 0; i < option->count; i++)
        ARENA_PUSH(arena, copy->steps, copy->count, copy->capacity) = option->steps[i];
    return copy;
}

static LoadStep *option_step(Evaluator *ev, LoadOption *option, LoadKind kind) {
    Arena *arena = evaluator_arena(ev);
    LoadStep *step = ARENA_NEW(arena, LoadStep);
    step->kind = kind;
    step->root = option->root;
    step->innerjoin = -1;
    step->depth = option->depth;
    step->path = ARENA_ARRAY(arena, AttributeValue *, option->depth + 1);
    for (int i = 0; i < option->depth; i++) step->path[i] = option->path[i];
    ARENA_PUSH(arena, option->steps, option->count, option->capacity) = step;
    return step;
}

static bool is_star(const Value *value) {
    return value_is(value, VALUE_STRING) && slice_equals_text(value_text(value), "*");
}

static void option_keywords(Evaluator *ev, LoadStep *step, const Arguments *arguments) {
    for (int i = 0; i < arguments->keyword_count; i++) {
        Slice name = arguments->keywords[i].name->text;
        Value *value = arguments->keywords[i].value;
        bool truth = value_is(value, VALUE_BOOL) && value_is_true(value);
        if (slice_equals_text(name, "innerjoin")) step->innerjoin = value_is(value, VALUE_STRING) ? 2 : truth;
        else if (slice_equals_text(name, "raiseload")) step->raise = truth;
        else if (slice_equals_text(name, "alias")) step->alias = entity_of_value(ev, value);
        else if (slice_equals_text(name, "recursion_depth")) {
            int64_t depth = 0;
            if (value_as_integer(value, &depth)) step->recursion_depth = (int)depth;
        }
    }
}

/* load_only(A.x, A.y), defer(A.x), undefer(…) */
static bool option_add_columns(Evaluator *ev, LoadOption *option, LoadKind kind, const Arguments *arguments) {
    LoadStep *step = option_step(ev, option, kind);
    step->columns = ARENA_ARRAY(evaluator_arena(ev), Property *, arguments->count + 1);
    option_keywords(ev, step, arguments);
    for (int i = 0; i < arguments->count; i++) {
        Value *item = arguments->items[i];
        if (is_star(item)) {
            step->wildcard = true;
            continue;
        }
        if (kind == LOAD_UNDEFER_GROUP) {
            if (value_is(item, VALUE_STRING)) step->group = value_as_atom(ev, item);
            continue;
        }
        if (kind == LOAD_EXPRESSION && i == 1) {
            step->expression = element_coerce(ev, item, COERCE_EXPRESSION, arguments->nodes[i]);
            if (!step->expression) return false;
            if (step->expression->kind != EL_LABEL && step->expression->kind != EL_COLUMN)
                step->expression = element_label(ev, step->expression, (Name){0});
            continue;
        }
        Element *element = value_is_element(item) ? element_of(ev, item) : NULL;
        AttributeValue *attribute = value_as_attribute(item);
        Entity *entity = element ? element->entity : attribute ? attribute->entity : NULL;
        Atom key = element ? element->entity_key : attribute ? attribute->property->key : NULL;
        if (!entity || !key) {
            sa_raise(ev, SA_ARGUMENT_ERROR, arguments->nodes[i],
                     "Mapper option expects string key or list of attributes");
            return false;
        }
        if (!option->root) option->root = step->root = entity;
        Property *property = mapper_property(entity->mapper, key);
        if (property) step->columns[step->column_count++] = property;
        else if (attribute) step->columns[step->column_count++] = attribute->property;
    }
    return true;
}

static bool option_add_path(Evaluator *ev, LoadOption *option, LoadKind kind, const Arguments *arguments) {
    for (int i = 0; i < arguments->count; i++) {
        Value *item = arguments->items[i];
        if (is_star(item)) {
            LoadStep *step = option_step(ev, option, kind);
            step->wildcard = true;
            option_keywords(ev, step, arguments);
            continue;
        }
        AttributeValue *attribute = value_as_attribute(item);
        if (!attribute || attribute->property->kind != PROPERTY_RELATIONSHIP) {
            if (value_is(item, VALUE_STRING))
                sa_raise(ev, SA_ARGUMENT_ERROR, arguments->nodes[i],
                         "Strings are not accepted for attribute names in loader options; please use class-bound "
                         "attributes directly.");
            else if (kind == LOAD_DEFAULT || !value_is_element(item))
                sa_raise(ev, SA_ARGUMENT_ERROR, arguments->nodes[i], "Mapper option expects a relationship attribute");
            else
                sa_raise(ev, SA_ARGUMENT_ERROR, arguments->nodes[i],
                         "Can't apply \"%s\" loader strategy to a column attribute; it expects a relationship",
                         option_names[kind].name);
            return false;
        }
        if (!option->root) option->root = attribute->entity;
        const AttributeValue *above = option->depth ? option->path[option->depth - 1] : NULL;
        if (above && above->property->relationship->target->base != attribute->entity->mapper->base) {
            sa_raise(ev, SA_ARGUMENT_ERROR, arguments->nodes[i],
                     "ORM mapped entity or attribute \"%.*s\" does not link from relationship \"%.*s\".",
                     SLICE_ARGS(value_repr(ev, item)),
                     SLICE_ARGS(value_repr(ev, (Value *)(uintptr_t)&above->head.head)));
            return false;
        }
        AttributeValue **path = ARENA_ARRAY(evaluator_arena(ev), AttributeValue *, option->depth + 1);
        for (int j = 0; j < option->depth; j++) path[j] = option->path[j];
        path[option->depth++] = attribute;
        option->path = path;
        bool last = i + 1 == arguments->count;
        LoadStep *step = option_step(ev, option, last || kind == LOAD_CONTAINS ? kind : LOAD_DEFAULT);
        option_keywords(ev, step, arguments);
    }
    return true;
}

/* selectin_polymorphic(Base, [A, B]); of an option that has its root or path: .selectin_polymorphic([A, B]) */
static Value *option_add_subclasses(Evaluator *ev, LoadOption *option, const Arguments *arguments) {
    int at = 0;
    if (!option->root && arguments->count) option->root = orm_entity(ev, arguments->items[at++]);
    Value *classes = at < arguments->count ? arguments->items[at] : NULL;
    for (int i = 0; i < arguments->keyword_count; i++)
        if (slice_equals_text(arguments->keywords[i].name->text, "classes")) classes = arguments->keywords[i].value;
    if (evaluator_error_pending(ev)) return NULL;
    if (!option->root || !classes)
        return sa_raise(ev, SA_ARGUMENT_ERROR, arguments->site,
                        "selectin_polymorphic() expects a mapped class and a list");
    if (!value_is(classes, VALUE_LIST) && !value_is(classes, VALUE_TUPLE)) return &option->head.head;
    const ListValue *list = (const ListValue *)classes;
    LoadStep *step = option_step(ev, option, LOAD_SELECTIN_POLYMORPHIC);
    step->mappers = ARENA_ARRAY(evaluator_arena(ev), Mapper *, list->count + 1);
    for (int i = 0; i < list->count; i++) {
        Entity *entity = entity_of_value(ev, list->items[i]);
        if (evaluator_error_pending(ev)) return NULL;
        if (entity) step->mappers[step->mapper_count++] = entity->mapper;
    }
    return &option->head.head;
}

static Value *option_apply(Evaluator *ev, LoadOption *option, const OptionName *name, const Arguments *arguments) {
    if (!mappers_configure(ev)) return NULL;
    if (name->kind == LOAD_SELECTIN_POLYMORPHIC) return option_add_subclasses(ev, option, arguments);
    bool good = name->kind >= LOAD_ONLY ? option_add_columns(ev, option, name->kind, arguments)
                                        : option_add_path(ev, option, name->kind, arguments);
    return good ? &option->head.head : NULL;
}

static Value *call_option(Evaluator *ev, Value *self, const Arguments *arguments) {
    (void)self;
    const OptionName *name = evaluator_native_data(ev);
    return option_apply(ev, option_new(ev, NULL), name, arguments);
}

static Value *option_chain(Evaluator *ev, Value *self, const Arguments *arguments) {
    const OptionName *name = evaluator_native_data(ev);
    return option_apply(ev, option_copy(ev, (LoadOption *)self), name, arguments);
}

/* option.options(a, b): further steps below this one. */
static Value *option_options(Evaluator *ev, Value *self, const Arguments *arguments) {
    Arena *arena = evaluator_arena(ev);
    LoadOption *option = option_copy(ev, (LoadOption *)self);
    for (int i = 0; i < arguments->count; i++) {
        if (arguments->items[i]->type != &orm_load_option_type) continue;
        const LoadOption *inner = (LoadOption *)arguments->items[i];
        for (int j = 0; j < inner->count; j++) {
            LoadStep *step = ARENA_NEW(arena, LoadStep);
            *step = *inner->steps[j];
            step->root = option->root;
            step->depth = option->depth + inner->steps[j]->depth;
            step->path = ARENA_ARRAY(arena, AttributeValue *, step->depth + 1);
            for (int k = 0; k < option->depth; k++) step->path[k] = option->path[k];
            for (int k = 0; k < inner->steps[j]->depth; k++) step->path[option->depth + k] = inner->steps[j]->path[k];
            ARENA_PUSH(arena, option->steps, option->count, option->capacity) = step;
        }
    }
    return &option->head.head;
}

static Value *load_create(Evaluator *ev, Class *cls, const Arguments *arguments) {
    (void)cls;
    Entity *entity = arguments->count ? orm_entity(ev, arguments->items[0]) : NULL;
    if (arguments->count && !entity) {
        if (evaluator_error_pending(ev)) return NULL;
        return sa_raise(ev, SA_ARGUMENT_ERROR, arguments->site, "Load() expects a mapped class");
    }
    return &option_new(ev, entity)->head.head;
}

static Value *call_with_loader_criteria(Evaluator *ev, Value *self, const Arguments *arguments) {
    (void)self;
    Value *entity = NULL, *criterion = NULL, *only = NULL, *aliases = NULL, *propagate = NULL, *track = NULL;
    if (!arguments_bind(ev, arguments, "with_loader_criteria",
                        "entity_or_base where_criteria | loader_only include_aliases propagate_to_loaders "
                        "track_closure_variables",
                        &entity, &criterion, &only, &aliases, &propagate, &track) ||
        !mappers_configure(ev))
        return NULL;
    CriteriaOption *made = instance_allocate(ev, orm_state(ev)->criteria, sizeof *made);
    made->entity = entity_of_value(ev, entity);
    if (!made->entity && value_is(entity, VALUE_CLASS)) made->cls = (Class *)entity;
    made->criterion = criterion;
    made->include_aliases = aliases && value_is_true(aliases);
    made->propagate = !propagate || value_is_true(propagate);
    return &made->head.head;
}

/* ---- on statements ---- */

/* ---- options that contradict each other ---- */

static bool same_place(const LoadStep *a, const LoadStep *b) {
    bool aliases = (a->root && a->root->is_alias) || (b->root && b->root->is_alias);
    if (a->depth != b->depth || (aliases && a->root != b->root)) return false;
    if (!a->depth && a->root && b->root && !mapper_is_a(a->root->mapper, b->root->mapper) &&
        !mapper_is_a(b->root->mapper, a->root->mapper))
        return false;
    for (int i = 0; i < a->depth; i++)
        if (a->path[i]->property->key != b->path[i]->property->key ||
            a->path[i]->property->relationship != b->path[i]->property->relationship)
            return false;
    return true;
}

static bool same_strategy(const LoadStep *a, const LoadStep *b) {
    bool joined = a->kind == LOAD_JOINED || a->kind == LOAD_CONTAINS;
    return a->kind == b->kind && a->raise == b->raise && a->recursion_depth == b->recursion_depth &&
           (!joined || (a->innerjoin == b->innerjoin && a->alias == b->alias));
}

static bool defers(const LoadStep *step) { return step->kind == LOAD_DEFER; }

/* The first attribute that both steps name and treat otherwise; NULL: none. */
static const char *steps_conflict(const LoadStep *a, const LoadStep *b) {
    bool columns = a->kind == LOAD_ONLY || a->kind == LOAD_DEFER || a->kind == LOAD_UNDEFER;
    bool others = b->kind == LOAD_ONLY || b->kind == LOAD_DEFER || b->kind == LOAD_UNDEFER;
    if (a->wildcard || b->wildcard || columns != others || !same_place(a, b)) return NULL;
    if (!columns) {
        bool silent = a->kind >= LOAD_DEFAULT || b->kind >= LOAD_DEFAULT || !a->depth;
        return silent || same_strategy(a, b) ? NULL : a->path[a->depth - 1]->property->key->text.start;
    }
    if (defers(a) == defers(b) && (!defers(a) || a->raise == b->raise)) return NULL;
    for (int i = 0; i < a->column_count; i++)
        for (int j = 0; j < b->column_count; j++)
            if (a->columns[i]->key == b->columns[j]->key) return a->columns[i]->key->text.start;
    return NULL;
}

bool options_agree(Evaluator *ev, const OrmOptions *options, const Node *site) {
    LoadStep **steps = NULL;
    int count = 0, capacity = 0;
    for (int i = 0; options && i < options->count; i++) {
        if (options->items[i]->type != &orm_load_option_type) continue;
        const LoadOption *option = (const LoadOption *)options->items[i];
        for (int j = 0; j < option->count; j++) {
            for (int k = 0; k < count; k++) {
                const char *name = steps_conflict(steps[k], option->steps[j]);
                if (!name) continue;
                sa_raise(ev, SA_INVALID_REQUEST_ERROR, site, "Loader strategies for %s conflict", name);
                return false;
            }
            ARENA_PUSH(evaluator_arena(ev), steps, count, capacity) = option->steps[j];
        }
    }
    return true;
}

/* Does an option that starts at `root` speak about this entity? */
static bool root_is(const Entity *root, const Entity *entity) {
    if (root->is_alias || entity->is_alias)
        return root == entity || root->of == entity || (entity->is_polymorphic && !root->is_alias);
    return root->mapper->base == entity->mapper->base;
}

/* Every option from the first on must start at an entity of the query. */
bool options_match(Evaluator *ev, const OrmOptions *options, int first, Entity *const *entities, int count,
                   const Node *site) {
    for (int i = first; options && i < options->count; i++) {
        if (options->items[i]->type != &orm_load_option_type) continue;
        const Entity *root = ((const LoadOption *)options->items[i])->root;
        bool found = root == NULL || !((const LoadOption *)options->items[i])->count;
        Buffer names;
        buffer_init(&names, evaluator_arena(ev));
        for (int j = 0; j < count && !found; j++) {
            const Entity *entity = entities[j];
            found = root_is(root, entity);
            buffer_format(&names, "%sMapper[%.*s(%.*s)]", j ? ", " : "", SLICE_ARGS(entity->mapper->cls->name->text),
                          SLICE_ARGS(entity->mapper->local_table->name.text));
        }
        if (found) continue;
        Slice cls = root->mapper->cls->name->text, table = root->mapper->local_table->name.text;
        if (!count)
            sa_raise(ev, SA_ARGUMENT_ERROR, site,
                     "Query has only expression-based entities; attribute loader options for Mapper[%.*s(%.*s)] can't "
                     "be applied here.",
                     SLICE_ARGS(cls), SLICE_ARGS(table));
        else
            sa_raise(ev, SA_ARGUMENT_ERROR, site,
                     "Mapped class Mapper[%.*s(%.*s)] does not apply to any of the root entities in this query, e.g. "
                     "%.*s. Please specify the full path from one of the root entities to the target attribute. ",
                     SLICE_ARGS(cls), SLICE_ARGS(table), SLICE_ARGS(buffer_view(&names)));
        return false;
    }
    return true;
}

OrmOptions *statement_options(Evaluator *ev, const Element *statement) {
    const Executable *head = (const Executable *)statement;
    if (!head->option_count) return NULL;
    OrmOptions *made = ARENA_NEW(evaluator_arena(ev), OrmOptions);
    made->items = head->options;
    made->count = made->capacity = head->option_count;
    return made;
}

Element *statement_with_options(Evaluator *ev, Element *statement, Value *const *options, int count) {
    Element *copy = element_copy(ev, statement);
    Executable *head = EXECUTABLE(copy);
    Value **items = ARENA_ARRAY(evaluator_arena(ev), Value *, head->option_count + count + 1);
    for (int i = 0; i < head->option_count; i++) items[i] = head->options[i];
    for (int i = 0; i < count; i++) items[head->option_count + i] = options[i];
    head->options = items;
    head->option_count += count;
    head->option_capacity = head->option_count;
    return copy;
}

bool orm_options_check(Evaluator *ev, const Arguments *arguments) {
    for (int i = 0; i < arguments->count; i++) {
        Value *option = arguments->items[i];
        ValueKind kind = option->type->kind;
        bool plain = kind == VALUE_STRING || kind == VALUE_INTEGER || kind == VALUE_LIST || kind == VALUE_TUPLE;
        if (!plain && !value_is_element(option) && option->type != &orm_attribute_type) continue;
        sa_raise(ev, SA_ARGUMENT_ERROR, arguments->nodes ? arguments->nodes[i] : arguments->site,
                 "ExecutionOption Core or ORM object expected, got %.*s.", SLICE_ARGS(value_repr(ev, option)));
        if (option->type == &orm_attribute_type) evaluator_raise_help(ev, "loader options take it: selectinload(…)");
        return false;
    }
    return true;
}

void options_define(Evaluator *ev, ModuleValue *module) {
    enum { NAMES = sizeof option_names / sizeof *option_names };
    NativeMethod *methods = ARENA_ARRAY(evaluator_arena(ev), NativeMethod, NAMES + 2);
    for (int i = 0; i < NAMES; i++) {
        void *data = (void *)(uintptr_t)&option_names[i];
        methods[i] = (NativeMethod){option_names[i].name, option_chain, NATIVE_METHOD, data};
        module_define(ev, module, option_names[i].name,
                      value_native_function(ev, option_names[i].name, call_option, data));
    }
    methods[NAMES] = (NativeMethod){"options", option_options, NATIVE_METHOD, NULL};
    NativeClass load = {
        .name = "Load", .instance_type = &orm_load_option_type, .methods = methods, .create = load_create};
    orm_state(ev)->load_option = module_define_class(ev, module, &load, NULL);
    NativeClass criteria = {.name = "LoaderCriteriaOption", .instance_type = &orm_criteria_type};
    orm_state(ev)->criteria = module_define_class(ev, module, &criteria, NULL);
    module_define_function(ev, module, "with_loader_criteria", call_with_loader_criteria);
}
