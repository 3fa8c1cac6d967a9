/*
 * Index, UniqueConstraint, CheckConstraint and PostgreSQL's further kinds as Python values, and their names.
 *
 * Invariant: after constraints_name every index and constraint of a concrete model has a name of its own, and belongs
 * to that model alone.
 *
 * Example: Index(fields=["title"]) of table library_book gets the name library_boo_title_1f2a3b_idx.
 */
#include "compiler/django/constraints.h"
#include "compiler/django/model_build.h"

typedef struct ConstraintClass {
    const char *name;
    ConstraintKind kind;
    const char *method, *suffix;
} ConstraintClass;

static const ConstraintClass constraint_classes[] = {
    {"Index", CONSTRAINT_INDEX, NULL, "idx"},
    {"UniqueConstraint", CONSTRAINT_UNIQUE, NULL, NULL},
    {"CheckConstraint", CONSTRAINT_CHECK, NULL, NULL},
};
static const ConstraintClass postgres_classes[] = {
    {"BloomIndex", CONSTRAINT_INDEX, "bloom", "bloom"},    {"BrinIndex", CONSTRAINT_INDEX, "brin", "brin"},
    {"BTreeIndex", CONSTRAINT_INDEX, "btree", "btree"},    {"GinIndex", CONSTRAINT_INDEX, "gin", "gin"},
    {"GistIndex", CONSTRAINT_INDEX, "gist", "gist"},       {"HashIndex", CONSTRAINT_INDEX, "hash", "hash"},
    {"SpGistIndex", CONSTRAINT_INDEX, "spgist", "spgist"},
};
static const ConstraintClass exclusion_class = {"ExclusionConstraint", CONSTRAINT_EXCLUDE, NULL, NULL};

static const NativeKind constraint_native = {"ConstraintClass"};

static const ConstraintClass *constraint_class(const Class *cls) {
    for (int i = 0; i < cls->mro_count; i++)
        if (class_native(cls->mro[i], &constraint_native)) return class_native(cls->mro[i], &constraint_native);
    return &constraint_classes[0];
}

/* ---- Deferrable ---- */

typedef struct DeferrableValue {
    Value head;
    Deferrable deferrable;
} DeferrableValue;

static void deferrable_describe(Evaluator *ev, Value *self, Buffer *out) {
    (void)ev;
    bool deferred = ((DeferrableValue *)self)->deferrable == DEFERRABLE_DEFERRED;
    buffer_text(out, deferred ? "Deferrable.DEFERRED" : "Deferrable.IMMEDIATE");
}

static const Type deferrable_type = {.name = "Deferrable", .kind = VALUE_NATIVE, .describe = deferrable_describe};

/* Deferrable.DEFERRED and so on. */
static Deferrable deferrable_of_value(Value *value) {
    return value->type == &deferrable_type ? ((DeferrableValue *)value)->deferrable : DEFERRABLE_NO;
}

static void deferrable_define(Evaluator *ev, ModuleValue *module) {
    NativeClass spec = {.name = "Deferrable"};
    Class *cls = module_define_class(ev, module, &spec, NULL);
    static const char *const names[] = {"DEFERRED", "IMMEDIATE"};
    for (int i = 0; i < 2; i++) {
        DeferrableValue *value = arena_allocate_zeroed(evaluator_arena(ev), sizeof *value);
        *value = (DeferrableValue){{&deferrable_type, cls}, i ? DEFERRABLE_IMMEDIATE : DEFERRABLE_DEFERRED};
        atom_map_set(&cls->names, django_atom(ev, names[i]), value);
    }
}

/* ---- reading arguments ---- */

static void constraint_read_fields(Evaluator *ev, DjConstraint *constraint, Value *value) {
    Value **items;
    int count = value_items(value, &items);
    if (count <= 0) return;
    constraint->fields = ARENA_ARRAY(evaluator_arena(ev), Atom, count);
    constraint->descending = ARENA_ARRAY(evaluator_arena(ev), bool, count);
    for (int i = 0; i < count; i++) {
        if (!value_is_text(items[i])) continue;
        Slice name = value_text(items[i]);
        bool descending = constraint->kind == CONSTRAINT_INDEX && slice_starts_with(name, "-");
        if (descending) name = slice_sub(name, 1, name.length);
        constraint->descending[constraint->field_count] = descending;
        constraint->fields[constraint->field_count++] = atom_intern(evaluator_atoms(ev), name);
    }
}

static int read_atoms(Evaluator *ev, Value *value, Atom **out) {
    Value **items;
    int count = value_items(value, &items), kept = 0;
    if (count <= 0) return 0;
    *out = ARENA_ARRAY(evaluator_arena(ev), Atom, count);
    for (int i = 0; i < count; i++)
        if (value_is_text(items[i])) (*out)[kept++] = value_as_atom(ev, items[i]);
    return kept;
}

static void constraint_option(Evaluator *ev, DjConstraint *constraint, Slice name, Value *value) {
    Value **items;
    bool given = !value_is_none(value);
    if (slice_equals_text(name, "name")) {
        constraint->name = value_text_or_empty(value);
    } else if (slice_equals_text(name, "fields")) {
        constraint_read_fields(ev, constraint, value);
    } else if (slice_equals_text(name, "condition") || slice_equals_text(name, "check")) {
        constraint->condition = given ? value : NULL;
    } else if (slice_equals_text(name, "include")) {
        constraint->include_count = read_atoms(ev, value, &constraint->include);
    } else if (slice_equals_text(name, "opclasses")) {
        int count = value_items(value, &items);
        constraint->opclasses = ARENA_ARRAY(evaluator_arena(ev), Slice, count > 0 ? count : 1);
        for (int i = 0; i < count; i++) constraint->opclasses[i] = value_text_or_empty(items[i]);
        constraint->opclass_count = count > 0 ? count : 0;
    } else if (slice_equals_text(name, "deferrable")) {
        constraint->deferrable = deferrable_of_value(value);
    } else if (slice_equals_text(name, "nulls_distinct")) {
        constraint->nulls_distinct_given = given;
        constraint->nulls_distinct = given && value_truthy(ev, value);
    } else if (slice_equals_text(name, "db_tablespace")) {
        constraint->db_tablespace = value_text_or_empty(value);
    } else if (slice_equals_text(name, "index_type")) {
        constraint->index_type = value_text_or_empty(value);
    } else if (slice_equals_text(name, "expressions")) {
        int count = value_items(value, &items);
        constraint->expressions = count > 0 ? items : NULL;
        constraint->expression_count = count > 0 ? count : 0;
    } else if (constraint->method && given) {
        if (!constraint->storage) constraint->storage = value_dict(ev);
        dict_set(ev, constraint->storage, value_string(ev, name), value, NULL);
    }
}

static Value *constraint_create(Evaluator *ev, Class *cls, const Arguments *arguments) {
    (void)arguments;
    const ConstraintClass *spec = constraint_class(cls);
    DjConstraint *constraint = instance_allocate(ev, cls, sizeof *constraint);
    constraint->kind = spec->kind;
    constraint->method = spec->method;
    constraint->suffix = spec->suffix;
    if (spec->kind == CONSTRAINT_EXCLUDE) constraint->index_type = SLICE("gist");
    return (Value *)constraint;
}

static Value *constraint_init(Evaluator *ev, Value *self, const Arguments *arguments) {
    DjConstraint *constraint = value_as_constraint(self);
    if (!constraint) return value_none(ev);
    constraint->site = arguments->site;
    constraint->expressions = arguments->items;
    constraint->expression_count = arguments->count;
    for (int i = 0; i < arguments->keyword_count; i++)
        constraint_option(ev, constraint, arguments->keywords[i].name->text, arguments->keywords[i].value);
    if (!constraint->name.length && constraint->kind != CONSTRAINT_INDEX)
        return evaluator_raise_id(ev, EXCEPTION_TYPE, arguments->site,
                                  "%.*s.__init__() missing 1 required keyword-only argument: 'name'",
                                  SLICE_ARGS(self->cls->name->text));
    bool empty = !constraint->expression_count && !constraint->field_count;
    if (empty && constraint->kind == CONSTRAINT_INDEX)
        return evaluator_raise_id(ev, EXCEPTION_VALUE, arguments->site,
                                  "At least one field or expression is required to define an index.");
    if (empty && constraint->kind == CONSTRAINT_UNIQUE)
        return evaluator_raise_id(ev, EXCEPTION_VALUE, arguments->site,
                                  "At least one field or expression is required to define a unique constraint.");
    return value_none(ev);
}

static Value *constraint_get_attribute(Evaluator *ev, Value *self, Atom name, const Node *site) {
    (void)site;
    const DjConstraint *constraint = (DjConstraint *)self;
    if (slice_equals_text(name->text, "name")) return value_string(ev, constraint->name);
    if (slice_equals_text(name->text, "condition"))
        return constraint->condition ? constraint->condition : value_none(ev);
    if (!slice_equals_text(name->text, "fields")) return NULL;
    Value **items = ARENA_ARRAY(evaluator_arena(ev), Value *, constraint->field_count + 1);
    for (int i = 0; i < constraint->field_count; i++) items[i] = value_atom(ev, constraint->fields[i]);
    return value_tuple(ev, items, constraint->field_count);
}

const Type django_constraint_type = {
    .name = "Constraint", .kind = VALUE_NATIVE, .get_attribute = constraint_get_attribute, .has_attributes = true};

static const NativeMethod constraint_methods[] = {{"__init__", constraint_init, NATIVE_METHOD, NULL},
                                                  {NULL, NULL, NATIVE_METHOD, NULL}};

static Class *constraint_define(Evaluator *ev, ModuleValue *module, const ConstraintClass *spec, Class *base) {
    NativeClass native = {.name = spec->name,
                          .instance_type = &django_constraint_type,
                          .methods = constraint_methods,
                          .create = constraint_create};
    Class *cls = module_define_class(ev, module, &native, base);
    class_set_native(cls, &constraint_native, spec);
    return cls;
}

void constraints_define(Evaluator *ev, ModuleValue *module) {
    for (size_t i = 0; i < sizeof constraint_classes / sizeof *constraint_classes; i++)
        constraint_define(ev, module, &constraint_classes[i], NULL);
    NativeClass base = {.name = "BaseConstraint"};
    module_define_class(ev, module, &base, NULL);
    deferrable_define(ev, module);
}

void postgres_indexes_define(Evaluator *ev, ModuleValue *module) {
    for (size_t i = 0; i < sizeof postgres_classes / sizeof *postgres_classes; i++)
        constraint_define(ev, module, &postgres_classes[i], NULL);
}

void postgres_constraints_define(Evaluator *ev, ModuleValue *module) {
    constraint_define(ev, module, &exclusion_class, NULL);
}

/* ---- names ---- */

/* `%(class)s` and `%(app_label)s`. */
static Slice constraint_format(Evaluator *ev, const DjModel *model, Slice name) {
    Buffer out;
    if (slice_find(name, '%') == name.length) return name;
    buffer_init(&out, evaluator_arena(ev));
    for (size_t i = 0; i < name.length;) {
        Slice rest = slice_sub(name, i, name.length);
        if (slice_starts_with(rest, "%(class)s")) {
            buffer_slice(&out, model->model_name->text);
            i += strlen("%(class)s");
        } else if (slice_starts_with(rest, "%(app_label)s")) {
            buffer_slice(&out, slice_lower(evaluator_arena(ev), model->app_label->text));
            i += strlen("%(app_label)s");
        } else {
            buffer_put(&out, name.start[i++]);
        }
    }
    return buffer_view(&out);
}

static Slice table_of(const DjModel *model) {
    Slice table = model->db_table->text;
    size_t dot = table.length;
    for (size_t i = 0; i + 2 < table.length; i++)
        if (memcmp(table.start + i, "\".\"", 3) == 0) dot = i + 2;
    if (dot < table.length) table = slice_sub(table, dot, table.length);
    while (table.length && table.start[0] == '"') table = slice_sub(table, 1, table.length);
    while (table.length && table.start[table.length - 1] == '"') table.length--;
    return table;
}

static Slice index_name(Evaluator *ev, DjModel *model, const DjConstraint *index) {
    Arena *arena = evaluator_arena(ev);
    Slice *parts = ARENA_ARRAY(arena, Slice, index->field_count + 2);
    Slice table = table_of(model), first = {"", 0};
    int count = 0;
    parts[count++] = table;
    for (int i = 0; i < index->field_count; i++) {
        DjField *field = model_field(ev, model, index->fields[i]);
        Slice column = field && field->column ? field->column->text : index->fields[i]->text;
        if (i == 0) first = column;
        parts[count++] = slice_format(arena, "%s%.*s", index->descending[i] ? "-" : "", SLICE_ARGS(column));
    }
    parts[count++] = slice_from(index->suffix);
    Slice digest = name_digest(arena, parts, count, 6);
    Slice name = slice_format(arena, "%.*s_%.*s_%.*s_%s", table.length > 11 ? 11 : (int)table.length, table.start,
                              first.length > 7 ? 7 : (int)first.length, first.start, SLICE_ARGS(digest), index->suffix);
    if (name.start[0] == '_' || (name.start[0] >= '0' && name.start[0] <= '9'))
        name = slice_format(arena, "D%.*s", (int)name.length - 1, name.start + 1);
    return name;
}

static Value **constraints_own(Evaluator *ev, const DjModel *model, Value **items, int count) {
    Value **own = ARENA_ARRAY(evaluator_arena(ev), Value *, count + 1);
    for (int i = 0; i < count; i++) {
        own[i] = items[i];
        DjConstraint *constraint = value_as_constraint(items[i]);
        if (!constraint) continue;
        DjConstraint *copy = instance_allocate(ev, items[i]->cls, sizeof *copy);
        *copy = *constraint;
        copy->name = constraint_format(ev, model, copy->name);
        own[i] = (Value *)copy;
    }
    return own;
}

void constraints_name(Evaluator *ev, DjModel *model) {
    model->indexes = constraints_own(ev, model, model->indexes, model->index_count);
    model->constraints = constraints_own(ev, model, model->constraints, model->constraint_count);
    for (int i = 0; i < model->index_count; i++) {
        DjConstraint *index = value_as_constraint(model->indexes[i]);
        if (index && !index->name.length) index->name = index_name(ev, model, index);
    }
}
