/*
 * SQLModel: class Hero(SQLModel, table=True) with plain annotations, Field(…) and Relationship(…).
 *
 * Input: the class body. Output: the same mapping as declarative's. Invariants: a class without table=True is no
 * model; its fields are taken over by tables that inherit from it.
 * Example: id: int | None = Field(default=None, primary_key=True) -> id INTEGER NOT NULL, primary key.
 */
#include "compiler/sqlalchemy/session.h"

typedef struct FieldValue {
    Instance head;
    const Arguments *arguments;
    Value *value; /* a plain default */
} FieldValue;

const Type orm_field_type = {.name = "FieldInfo", .kind = VALUE_NATIVE, .has_attributes = true};

static Value *call_field(Evaluator *ev, Value *self, const Arguments *arguments) {
    (void)self;
    FieldValue *made = instance_allocate(ev, orm_state(ev)->sqlmodel_field, sizeof *made);
    Arguments *copy = ARENA_NEW(evaluator_arena(ev), Arguments);
    *copy = *arguments;
    made->arguments = copy;
    return &made->head.head;
}

static Value *call_col(Evaluator *ev, Value *self, const Arguments *arguments) {
    (void)self;
    return arguments->count ? arguments->items[0] : value_none(ev);
}

static void add_keyword(Evaluator *ev, Arguments *arguments, const char *name, Value *value) {
    arguments->keywords[arguments->keyword_count++] = (Keyword){orm_atom(ev, name), value, arguments->site};
}

static Value *call_name(Evaluator *ev, const char *module_name, const char *name, Value *const *items, int count,
                        const Node *site) {
    ModuleValue *module = evaluator_import(ev, module_name);
    Value *callee = module ? atom_map_get(&module->names, orm_atom(ev, name)) : NULL;
    return callee ? value_call_with(ev, callee, items, count, site) : NULL;
}

Value *field_as_mapped(Evaluator *ev, Value *field, TypeExpr *annotation) {
    const Arguments *given = ((FieldValue *)field)->arguments;
    (void)annotation;
    Arguments arguments = {.site = given->site};
    arguments.items = ARENA_ARRAY(evaluator_arena(ev), Value *, 4);
    arguments.nodes = ARENA_ARRAY(evaluator_arena(ev), const Node *, 4);
    arguments.keywords = ARENA_ARRAY(evaluator_arena(ev), Keyword, given->keyword_count + 2);
    Value *fallback = given->count ? given->items[0] : NULL;
    Value *foreign = NULL, *type = NULL, *on_delete = NULL;
    for (int i = 0; i < given->keyword_count; i++) {
        Slice name = given->keywords[i].name->text;
        Value *value = given->keywords[i].value;
        if (slice_equals_text(name, "sa_column")) {
            Element *column = element_of(ev, value);
            if (column) return (Value *)column;
        } else if (slice_equals_text(name, "default")) fallback = value;
        else if (slice_equals_text(name, "foreign_key")) foreign = value;
        else if (slice_equals_text(name, "ondelete")) on_delete = value;
        else if (slice_equals_text(name, "sa_type")) type = value;
        else if (slice_equals_text(name, "max_length"))
            type = call_name(ev, "sqlalchemy", "String", &value, 1, given->site);
        else if (slice_equals_text(name, "default_factory")) add_keyword(ev, &arguments, "default", value);
        else if (slice_equals_text(name, "primary_key") || slice_equals_text(name, "index") ||
                 slice_equals_text(name, "unique") || slice_equals_text(name, "nullable"))
            add_keyword(ev, &arguments, given->keywords[i].name->text.start, value);
        else if (slice_equals_text(name, "sa_column_kwargs") && value_is(value, VALUE_DICT)) {
            DictValue *dict = (DictValue *)value;
            Keyword *more = ARENA_ARRAY(evaluator_arena(ev), Keyword, given->keyword_count + dict->count + 2);
            for (int j = 0; j < arguments.keyword_count; j++) more[j] = arguments.keywords[j];
            arguments.keywords = more;
            for (int j = 0; j < dict->count; j++)
                add_keyword(ev, &arguments, value_text(dict->entries[j].key).start, dict->entries[j].value);
        }
    }
    if (type) {
        arguments.nodes[arguments.count] = given->site;
        arguments.items[arguments.count++] = type;
    }
    if (foreign && value_is(foreign, VALUE_STRING)) {
        Keyword keyword = {orm_atom(ev, "ondelete"), on_delete, given->site};
        const Node *node = given->site;
        Arguments key = {.items = &foreign,
                         .nodes = &node,
                         .count = 1,
                         .keywords = &keyword,
                         .keyword_count = on_delete ? 1 : 0,
                         .site = given->site};
        Value *made = value_call(ev, &sa_state(ev)->foreign_key->head, &key);
        if (!made) return NULL;
        arguments.nodes[arguments.count] = given->site;
        arguments.items[arguments.count++] = made;
    }
    if (fallback && !value_is(fallback, VALUE_ELLIPSIS) && !value_is_none(fallback))
        add_keyword(ev, &arguments, "default", fallback);
    return (Value *)mapped_column_new(ev, &arguments, "Field");
}

Value *field_from_default(Evaluator *ev, Value *given, TypeExpr *annotation) {
    if (value_is(given, VALUE_FUNCTION) || value_is(given, VALUE_CLASSMETHOD) || value_is(given, VALUE_STATICMETHOD) ||
        value_is(given, VALUE_PROPERTY) || value_is(given, VALUE_CLASS) || !annotation)
        return given;
    Keyword keyword = {orm_atom(ev, "default"), given, NULL};
    Arguments arguments = {.keywords = &keyword, .keyword_count = value_is_none(given) ? 0 : 1};
    return (Value *)mapped_column_new(ev, &arguments, "Field");
}

static Value *call_sqlmodel_relationship(Evaluator *ev, Value *self, const Arguments *arguments) {
    (void)self;
    Arguments all = {.site = arguments->site};
    all.keywords = ARENA_ARRAY(evaluator_arena(ev), Keyword, arguments->keyword_count + 32);
    for (int i = 0; i < arguments->keyword_count; i++) {
        Slice name = arguments->keywords[i].name->text;
        Value *value = arguments->keywords[i].value;
        if (slice_equals_text(name, "link_model")) {
            Mapper *link = value_is(value, VALUE_CLASS) ? mapper_of_class((Class *)value) : NULL;
            if (link) add_keyword(ev, &all, "secondary", (Value *)link->local_table);
        } else if (slice_equals_text(name, "back_populates")) {
            all.keywords[all.keyword_count++] = arguments->keywords[i];
        } else if (slice_equals_text(name, "cascade_delete") && value_is_true(value)) {
            add_keyword(ev, &all, "cascade", value_string(ev, SLICE("all, delete-orphan")));
        } else if (slice_equals_text(name, "sa_relationship_kwargs") && value_is(value, VALUE_DICT)) {
            DictValue *dict = (DictValue *)value;
            for (int j = 0; j < dict->count && all.keyword_count < arguments->keyword_count + 30; j++)
                add_keyword(ev, &all, value_text(dict->entries[j].key).start, dict->entries[j].value);
        }
    }
    return (Value *)relationship_new(ev, &all);
}

/* hero_team -> Hero's table is called by its name in lower case */
static bool sqlmodel_subclassed(Evaluator *ev, Class *cls, const Arguments *keywords) {
    Registry *registry = registry_of_class(ev, cls);
    if (!registry) return true;
    Value *table = arguments_keyword(keywords, orm_atom(ev, "table"));
    if (!table || !value_is_true(table)) return true;
    if (!class_find(cls, orm_atom(ev, "__tablename__"))) {
        Slice name = slice_lower(evaluator_arena(ev), cls->name->text);
        value_set_attribute(ev, &cls->head, orm_atom(ev, "__tablename__"), value_string(ev, name), cls->node);
    }
    return declarative_map(ev, cls, registry, NULL, true);
}

void sqlmodel_setup(Evaluator *ev, ModuleValue *module) {
    module_define_all(ev, module, evaluator_import(ev, "sqlalchemy"));
    module_define_all(ev, module, evaluator_import(ev, "sqlalchemy.orm"));
    NativeClass field = {.name = "FieldInfo", .instance_type = &orm_field_type};
    orm_state(ev)->sqlmodel_field = module_define_class(ev, module, &field, NULL);
    module_define_function(ev, module, "col", call_col);
    module_define_function(ev, module, "Field", call_field);
    module_define_function(ev, module, "Relationship", call_sqlmodel_relationship);
    NativeClass model = {.name = "SQLModel", .subclassed = sqlmodel_subclassed};
    Class *cls = module_define_class(ev, module, &model, orm_state(ev)->declarative_root);
    Registry *registry = registry_new(ev, NULL);
    value_set_attribute(ev, &cls->head, orm_atom(ev, "registry"), &registry->head.head, NULL);
    value_set_attribute(ev, &cls->head, orm_atom(ev, "metadata"), &registry->metadata->head.head, NULL);
}
