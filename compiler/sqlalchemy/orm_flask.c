/*
 * flask_sqlalchemy: db = SQLAlchemy(app), class User(db.Model), db.session, User.query.
 *
 * Input: an instance of SQLAlchemy. Output: its Model base, its one session, and the names of sqlalchemy and
 * sqlalchemy.orm as its attributes. Invariant: a model without __tablename__ gets its name in snake case.
 * Example: User.query.filter_by(name="x").first() -> the legacy Query of orm_query.c.
 */
#include "compiler/sqlalchemy/session.h"

typedef struct FlaskValue {
    Instance head;
    Class *model;
    Session *session;
    Registry *registry;
} FlaskValue;

static Value *query_bound(Evaluator *ev, Value *self, Value *instance, Class *cls, const Node *site) {
    (void)instance;
    return mapper_of_class(cls) ? orm_class_query(ev, cls, site) : self;
}

static const Type query_descriptor_type = {.name = "_QueryProperty", .kind = VALUE_NATIVE, .get_bound = query_bound};

static Slice snake_case(Evaluator *ev, Slice name) {
    Buffer out;
    buffer_init(&out, evaluator_arena(ev));
    for (size_t i = 0; i < name.length; i++) {
        char c = name.start[i];
        bool upper = c >= 'A' && c <= 'Z';
        bool before_lower = i + 1 < name.length && name.start[i + 1] >= 'a' && name.start[i + 1] <= 'z';
        bool after_upper = i && name.start[i - 1] >= 'A' && name.start[i - 1] <= 'Z';
        if (upper && i && (!after_upper || before_lower)) buffer_put(&out, '_');
        buffer_put(&out, char_lower(c));
    }
    return buffer_view(&out);
}

static bool flask_subclassed(Evaluator *ev, Class *cls, const Arguments *keywords) {
    (void)keywords;
    Registry *registry = registry_of_class(ev, cls);
    Value *abstract = atom_map_get(&cls->names, orm_atom(ev, "__abstract__"));
    if (!registry || (abstract && value_is_true(abstract))) return true;
    bool inherits = false;
    for (int i = 1; i < cls->mro_count; i++) inherits |= mapper_of_class(cls->mro[i]) != NULL;
    Atom table_name = orm_atom(ev, "__tablename__");
    if (!inherits && !class_find(cls, table_name) && !class_find(cls, orm_atom(ev, "__table__")))
        value_set_attribute(ev, &cls->head, table_name, value_string(ev, snake_case(ev, cls->name->text)), cls->node);
    return declarative_map(ev, cls, registry, NULL, false);
}

static Value *flask_get_attribute(Evaluator *ev, Value *self, Atom name, const Node *site) {
    FlaskValue *flask = (FlaskValue *)self;
    if (slice_equals_text(name->text, "Model")) return &flask->model->head;
    if (slice_equals_text(name->text, "metadata")) return &flask->registry->metadata->head.head;
    if (slice_equals_text(name->text, "session")) {
        if (!flask->session) {
            evaluator_touch(ev, &flask->session, sizeof flask->session);
            flask->session = session_new(ev, false);
        }
        return &flask->session->head.head;
    }
    static const char *const modules[] = {"sqlalchemy", "sqlalchemy.orm"};
    for (int i = 0; i < 2; i++) {
        ModuleValue *module = evaluator_import(ev, modules[i]);
        Value *found = module ? atom_map_get(&module->names, name) : NULL;
        if (found) return found;
    }
    return value_unknown_at(ev, site);
}

static const Type flask_type = {
    .name = "SQLAlchemy", .kind = VALUE_NATIVE, .get_attribute = flask_get_attribute, .has_attributes = true};

static Value *flask_create(Evaluator *ev, Class *cls, const Arguments *arguments) {
    FlaskValue *made = instance_allocate(ev, cls, sizeof *made);
    made->head.head.type = &flask_type;
    made->registry = registry_new(ev, NULL);
    Value *metadata = arguments_keyword(arguments, orm_atom(ev, "metadata"));
    if (metadata && value_is_metadata(ev, metadata)) made->registry->metadata = (MetaData *)metadata;
    Class *root = orm_state(ev)->declarative_root;
    made->model = class_new(ev, orm_atom(ev, "Model"), orm_atom(ev, "flask_sqlalchemy"), &root, 1);
    made->model->subclassed = flask_subclassed;
    Value *query = ARENA_NEW(evaluator_arena(ev), Value);
    *query = (Value){&query_descriptor_type, evaluator_object_class(ev)};
    value_set_attribute(ev, &made->model->head, orm_atom(ev, "registry"), &made->registry->head.head, arguments->site);
    value_set_attribute(ev, &made->model->head, orm_atom(ev, "metadata"), &made->registry->metadata->head.head,
                        arguments->site);
    value_set_attribute(ev, &made->model->head, orm_atom(ev, "query"), query, arguments->site);
    return &made->head.head;
}

static Value *flask_nothing(Evaluator *ev, Value *self, const Arguments *arguments) {
    (void)self;
    (void)arguments;
    return value_none(ev);
}

static const NativeMethod flask_methods[] = {{"init_app", flask_nothing, NATIVE_METHOD, NULL},
                                             {"create_all", flask_nothing, NATIVE_METHOD, NULL},
                                             {"drop_all", flask_nothing, NATIVE_METHOD, NULL},
                                             {0}};

void flask_setup(Evaluator *ev, ModuleValue *module) {
    evaluator_import(ev, "sqlalchemy");
    evaluator_import(ev, "sqlalchemy.orm");
    NativeClass cls = {
        .name = "SQLAlchemy", .instance_type = &flask_type, .methods = flask_methods, .create = flask_create};
    module_define_class(ev, module, &cls, NULL);
}
