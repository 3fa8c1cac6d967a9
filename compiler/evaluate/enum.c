/*
 * enum: Enum, IntEnum, StrEnum, Flag, IntFlag. A class statement with such a base turns the names of its body into
 * members. Invariant: a member is an instance of its class with the attributes `name` and `value`; members of IntEnum
 * and StrEnum compare and calculate as their values. Django's choices are no enums here: compiler/django/choices.c.
 */
#include "compiler/evaluate/internal.h"
#include "compiler/evaluate/standard.h"

typedef struct EnumClass {
    Value **members;
    int count, capacity;
} EnumClass;

typedef struct EnumMember {
    Instance instance;
    Atom name;
    Value *value;
} EnumMember;

/* The enum facts of a class, kept in its namespace under this name (class->native is the ORM's). */
static const Type enum_facts_type = {.name = "enum members", .kind = VALUE_NATIVE};
typedef struct EnumFacts {
    Value head;
    EnumClass members;
} EnumFacts;

static EnumFacts *enum_facts(const Class *cls) {
    for (int i = 0; i < cls->names.count && i < 2; i++) {
        Value *value = cls->names.entries[i].value;
        if (value && value->type == &enum_facts_type) return (EnumFacts *)value;
    }
    return NULL;
}

bool class_is_enum(const Class *cls) {
    for (int i = 0; i < cls->mro_count; i++)
        if (enum_facts(cls->mro[i])) return true;
    return false;
}

int enum_member_count(const Class *cls) {
    const EnumFacts *facts = enum_facts(cls);
    return facts ? facts->members.count : 0;
}

Value *enum_member(const Class *cls, int index) { return enum_facts(cls)->members.members[index]; }
Atom enum_member_name(const Value *member) { return ((const EnumMember *)member)->name; }
Value *enum_member_value(const Value *member) { return ((const EnumMember *)member)->value; }

/* ---- members ---- */

/* "Enum", "IntEnum", "StrEnum", "Flag", "IntFlag". */
static Class *evaluator_enum_class(Evaluator *ev, const char *name) {
    ModuleValue *module = evaluator_import(ev, "enum");
    return (Class *)atom_map_get(&module->names, evaluator_atom(ev, name));
}

static Value *member_get_attribute(Evaluator *ev, Value *self, Atom name, const Node *site) {
    EnumMember *member = (EnumMember *)self;
    if (slice_equals_text(name->text, "value") || slice_equals_text(name->text, "_value_")) return member->value;
    if (slice_equals_text(name->text, "name") || slice_equals_text(name->text, "_name_"))
        return value_atom(ev, member->name);
    if (class_is_subclass(self->cls, evaluator_enum_class(ev, "IntEnum")) ||
        class_is_subclass(self->cls, evaluator_enum_class(ev, "StrEnum")) || class_find(member->value->cls, name))
        return value_find_attribute(ev, member->value, name, site);
    return NULL;
}

/* True for enums whose members are their values: IntEnum, StrEnum, (str, Enum). */
static bool member_is_value(Evaluator *ev, const Value *member) {
    const Class *cls = member->cls;
    return class_is_subclass(cls, ev->builtins.kinds[VALUE_STRING]) ||
           class_is_subclass(cls, ev->builtins.kinds[VALUE_INTEGER]);
}

static Value *member_plain(Evaluator *ev, Value *value) {
    return value_is_enum_member(value) && member_is_value(ev, value) ? enum_member_value(value) : value;
}

static Value *member_binary(Evaluator *ev, Operator op, Value *self, Value *other, bool reflected, const Node *site) {
    Value *plain = member_plain(ev, self);
    bool flags = class_is_subclass(self->cls, evaluator_enum_class(ev, "Flag"));
    if (plain == self && flags) plain = enum_member_value(self);
    if (plain == self) return NULL;
    if (flags && value_is_enum_member(other)) other = enum_member_value(other);
    other = member_plain(ev, other);
    return value_binary(ev, op, reflected ? other : plain, reflected ? plain : other, site);
}

static Value *member_unary(Evaluator *ev, UnaryOperator op, Value *self, const Node *site) {
    Value *plain = member_plain(ev, self);
    return plain == self ? NULL : value_unary(ev, op, plain, site);
}

static bool member_equals(Evaluator *ev, Value *self, Value *other) {
    if (self == other) return true;
    if (value_is_enum_member(other) && other->cls == self->cls)
        return ((EnumMember *)self)->name == ((EnumMember *)other)->name;
    Value *left = member_plain(ev, self), *right = member_plain(ev, other);
    return left != self && !value_is_enum_member(right) && value_equals(ev, left, right);
}

static Value *member_compare(Evaluator *ev, CompareOperator op, Value *self, Value *other, bool reflected,
                             const Node *site) {
    (void)reflected; /* the operator is given as seen from self */
    if (value_is_unknown(other)) return NULL;
    if (op == COMPARE_Eq || op == COMPARE_NotEq)
        return value_bool(ev, member_equals(ev, self, other) == (op == COMPARE_Eq));
    Value *left = member_plain(ev, self), *right = member_plain(ev, other);
    return left == self ? NULL : value_compare(ev, op, left, right, site);
}

static uint32_t member_hash(Evaluator *ev, Value *self) { return value_hash(ev, ((EnumMember *)self)->value); }

static Truth member_truth(Evaluator *ev, Value *self, const Node *site) {
    Value *plain = member_plain(ev, self);
    return plain == self ? TRUTH_TRUE : value_truth(ev, plain, site);
}

static void member_describe(Evaluator *ev, Value *self, Buffer *out) {
    const EnumMember *member = (EnumMember *)self;
    buffer_format(out, "<%.*s.%.*s: ", SLICE_ARGS(self->cls->name->text), SLICE_ARGS(member->name->text));
    buffer_slice(out, value_repr(ev, member->value));
    buffer_put(out, '>');
}

static Value *member_get_item(Evaluator *ev, Value *self, Value *key, const Node *site) {
    return value_get_item(ev, ((EnumMember *)self)->value, key, site);
}

static const Type member_type = {.name = "Enum",
                                 .kind = VALUE_INSTANCE,
                                 .get_attribute = member_get_attribute,
                                 .get_item = member_get_item,
                                 .binary = member_binary,
                                 .unary = member_unary,
                                 .compare = member_compare,
                                 .truth = member_truth,
                                 .equals = member_equals,
                                 .hash = member_hash,
                                 .describe = member_describe,
                                 .has_attributes = true};

bool value_is_enum_member(const Value *value) { return value->type == &member_type; }

static Value *member_str(Evaluator *ev, Value *self, const Arguments *arguments) {
    const EnumMember *member = (EnumMember *)self;
    Class *text = evaluator_enum_class(ev, "StrEnum"), *number = evaluator_enum_class(ev, "IntEnum");
    if (class_is_subclass(self->cls, text) || class_is_subclass(self->cls, number))
        return value_str(ev, member->value, arguments->site);
    return value_string(
        ev, slice_format(ev->arena, "%.*s.%.*s", SLICE_ARGS(self->cls->name->text), SLICE_ARGS(member->name->text)));
}

static const NativeMethod member_methods[] = {{"__str__", member_str, NATIVE_METHOD, NULL}, {0}};

/* ---- classes ---- */

/* Color("red"): the member of that value. */
static Value *enum_create(Evaluator *ev, Class *cls, const Arguments *arguments) {
    if (!arguments->count)
        return evaluator_raise_id(ev, EXCEPTION_TYPE, arguments->site, "missing 1 required argument: 'value'");
    Value *wanted = value_resolve(arguments->items[0]);
    if (value_is_enum_member(wanted) && wanted->cls == cls) return wanted;
    for (int i = 0; i < enum_member_count(cls); i++)
        if (value_equals(ev, enum_member_value(enum_member(cls, i)), wanted)) return enum_member(cls, i);
    if (value_is_unknown(wanted)) return value_unknown(ev, ((UnknownValue *)wanted)->text, arguments->site, &cls->head);
    return evaluator_raise_id(ev, EXCEPTION_VALUE, arguments->site, "%.*s is not a valid %.*s",
                              SLICE_ARGS(value_repr(ev, wanted)), SLICE_ARGS(cls->name->text));
}

static bool is_member_value(const Value *value) {
    return !value_is_any(value, KIND(FUNCTION) | KIND(NATIVE_FUNCTION) | KIND(PROPERTY) | KIND(CLASSMETHOD) |
                                    KIND(STATICMETHOD) | KIND(CLASS) | KIND(MODULE));
}

static const Type auto_type = {.name = "auto", .kind = VALUE_NATIVE};

static Value *auto_value(Evaluator *ev, Class *cls, Atom name, const EnumClass *members) {
    if (class_is_subclass(cls, evaluator_enum_class(ev, "StrEnum")))
        return value_string(ev, slice_lower(ev->arena, name->text));
    bool flags = class_is_subclass(cls, evaluator_enum_class(ev, "Flag"));
    int64_t last = 0;
    for (int i = 0; i < members->count; i++) {
        int64_t number;
        if (value_as_integer(enum_member_value(members->members[i]), &number) && number > last) last = number;
    }
    if (last > INT64_MAX / 2) return value_unknown(ev, name->text, cls->node, NULL);
    return value_integer(ev, flags ? (last ? last * 2 : 1) : last + 1);
}

static bool enum_subclassed(Evaluator *ev, Class *cls, const Arguments *class_keywords) {
    (void)class_keywords;
    AtomMap body = cls->names;
    atom_map_init(&cls->names, ev->arena);
    EnumFacts *facts = ARENA_NEW(ev->arena, EnumFacts);
    facts->head = (Value){&enum_facts_type, ev->builtins.object};
    atom_map_set(&cls->names, evaluator_atom(ev, " members"), facts);
    cls->instance_type = &member_type;
    for (int i = 0; i < body.count; i++) {
        Atom name = body.entries[i].key;
        Value *written = body.entries[i].value;
        if (!name) continue;
        if (name->text.start[0] == '_' || !is_member_value(written)) {
            atom_map_set(&cls->names, name, written);
            continue;
        }
        Value *value = written->type == &auto_type ? auto_value(ev, cls, name, &facts->members) : written;
        if (!value) return false;
        Value *alias = NULL;
        for (int j = 0; j < facts->members.count && !alias; j++)
            if (value_equals(ev, enum_member_value(facts->members.members[j]), value))
                alias = facts->members.members[j];
        if (alias) {
            atom_map_set(&cls->names, name, alias);
            continue;
        }
        EnumMember *member = instance_allocate(ev, cls, sizeof *member);
        member->name = name;
        member->value = value;
        ARENA_PUSH(ev->arena, facts->members.members, facts->members.count, facts->members.capacity) =
            &member->instance.head;
        atom_map_set(&cls->names, name, member);
    }
    return true;
}

static Value *enum_class_attribute(Evaluator *ev, Class *cls, Atom name, const Node *site) {
    (void)site;
    if (!slice_equals_text(name->text, "__members__")) return NULL;
    DictValue *dict = value_dict(ev);
    for (int i = 0; i < enum_member_count(cls); i++)
        dict_set(ev, dict, value_atom(ev, enum_member_name(enum_member(cls, i))), enum_member(cls, i), NULL);
    return &dict->head;
}

static Value *enum_auto(Evaluator *ev, Value *self, const Arguments *arguments) {
    (void)self;
    (void)arguments;
    Value *value = ARENA_NEW(ev->arena, Value);
    *value = (Value){&auto_type, ev->builtins.object};
    return value;
}

static Value *same_class(Evaluator *ev, Value *self, const Arguments *arguments) {
    (void)self;
    return arguments->count ? arguments->items[0] : value_none(ev);
}

void enum_setup(Evaluator *ev, ModuleValue *module) {
    NativeClass spec = {.name = "Enum",
                        .instance_type = &member_type,
                        .methods = member_methods,
                        .create = enum_create,
                        .subclassed = enum_subclassed,
                        .class_attribute = enum_class_attribute};
    Class *base = module_define_class(ev, module, &spec, NULL);
    spec.methods = NULL;
    static const struct {
        const char *name;
        ValueKind mixin;
    } further[] = {{"IntEnum", VALUE_INTEGER}, {"StrEnum", VALUE_STRING}, {"Flag", VALUE_NONE}};
    for (size_t i = 0; i < sizeof further / sizeof *further; i++) {
        Class *bases[2] = {further[i].mixin == VALUE_NONE ? base : ev->builtins.kinds[further[i].mixin], base};
        Class *made = class_new(ev, evaluator_atom(ev, further[i].name), module->name, bases,
                                further[i].mixin == VALUE_NONE ? 1 : 2);
        made->instance_type = &member_type;
        made->create = enum_create;
        made->defined_in = module;
        class_define_methods(ev, made, member_methods);
        module_define(ev, module, further[i].name, &made->head);
    }
    Class *flag_bases[2] = {ev->builtins.kinds[VALUE_INTEGER], evaluator_enum_class(ev, "Flag")};
    Class *flags = class_new(ev, evaluator_atom(ev, "IntFlag"), module->name, flag_bases, 2);
    flags->instance_type = &member_type;
    flags->create = enum_create;
    module_define(ev, module, "IntFlag", &flags->head);
    module_define_function(ev, module, "auto", enum_auto);
    module_define_function(ev, module, "unique", same_class);
    module_define_function(ev, module, "member", same_class);
    module_define_function(ev, module, "nonmember", same_class);
}
