/*
 * Choices, TextChoices, IntegerChoices: enumerations whose members are strings or integers with a label.
 *
 * Invariant: a member is a value of its base type (kind VALUE_STRING or VALUE_INTEGER), so that it is compared,
 * prepared and printed as one; `value`, `label` and `name` are further attributes of it.
 *
 * Example: class Status(TextChoices): DRAFT = "d", "Draft" gives Status.DRAFT == "d", Status.choices == [("d",
 * "Draft")].
 */
#include "compiler/django/model_build.h"

/* Laid out as the base type's own struct, with what an enumeration adds behind it. */
typedef struct ChoiceMember {
    union {
        Value head;
        StringValue string;
        IntegerValue integer;
    } as;
    Value *plain; /* the value without its label */
    Value *label;
    Atom name;
} ChoiceMember;

typedef struct ChoiceClass {
    ChoiceMember **members;
    int count, capacity;
    Value *empty_label; /* __empty__ */
} ChoiceClass;

static const NativeKind choices_native = {"ChoiceClass"};

static ChoiceClass *choice_class(const Class *cls) {
    for (int i = 0; i < cls->mro_count; i++)
        if (class_native(cls->mro[i], &choices_native)) return class_native(cls->mro[i], &choices_native);
    return NULL;
}

static Value *choice_get_attribute(Evaluator *ev, Value *self, Atom name, const Node *site) {
    (void)site;
    ChoiceMember *member = (ChoiceMember *)self;
    if (slice_equals_text(name->text, "value")) return member->plain;
    if (slice_equals_text(name->text, "label")) return member->label;
    if (slice_equals_text(name->text, "name")) return value_atom(ev, member->name);
    return NULL;
}

/* The base type with the attributes of a member. */
static const Type *choice_type(Evaluator *ev, const Value *plain) {
    Type *type = ARENA_NEW(evaluator_arena(ev), Type);
    *type = *plain->type;
    type->get_attribute = choice_get_attribute;
    return type;
}

/* PUBLISHED_LATE → Published Late */
static Value *choice_default_label(Evaluator *ev, Atom name) {
    Slice copy = slice_copy(evaluator_arena(ev), name->text);
    char *text = (char *)(uintptr_t)copy.start;
    bool start = true;
    for (size_t i = 0; i < copy.length; i++) {
        char c = text[i];
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        if (c == '_') text[i] = ' ';
        if (c >= 'a' && c <= 'z' && start) text[i] = (char)(c - 32);
        if (!start && c != '_') text[i] = char_lower(c);
        start = !letter;
    }
    return value_string(ev, copy);
}

static ChoiceMember *choice_member_new(Evaluator *ev, Class *cls, Atom name, Value *given) {
    Value **items, *plain = given, *label = NULL;
    int count = value_items(given, &items);
    if (count >= 2) {
        plain = items[0];
        label = items[count - 1];
    }
    ChoiceMember *member = arena_allocate_zeroed(evaluator_arena(ev), sizeof *member);
    member->plain = plain;
    member->label = label ? label : choice_default_label(ev, name);
    member->name = name;
    if (value_is_text(plain)) {
        member->as.string = *(StringValue *)plain;
    } else if (plain->type->kind == VALUE_INTEGER || plain->type->kind == VALUE_BOOL) {
        member->as.integer = *(IntegerValue *)plain;
    } else {
        member->as.head = *plain;
    }
    member->as.head.cls = cls;
    member->as.head.type = choice_type(ev, plain);
    return member;
}

static bool choice_is_member(Atom name, const Value *value) {
    if (!name || slice_starts_with(name->text, "_")) return false;
    ValueKind kind = value->type->kind;
    return kind == VALUE_STRING || kind == VALUE_INTEGER || kind == VALUE_TUPLE || kind == VALUE_BOOL ||
           kind == VALUE_FLOAT || kind == VALUE_DECIMAL || kind == VALUE_DATE || kind == VALUE_DATETIME;
}

static bool choice_subclassed(Evaluator *ev, Class *cls, const Arguments *class_keywords) {
    (void)class_keywords;
    ChoiceClass *choices = ARENA_NEW(evaluator_arena(ev), ChoiceClass);
    int count = cls->names.count;
    for (int i = 0; i < count; i++) {
        Atom name = cls->names.entries[i].key;
        Value *value = cls->names.entries[i].value;
        if (!name || !value) continue;
        if (slice_equals_text(name->text, "__empty__")) choices->empty_label = value;
        if (!choice_is_member(name, value)) continue;
        ChoiceMember *member = choice_member_new(ev, cls, name, value);
        bool fits = value_is_text(member->plain) || member->plain->type->kind == VALUE_INTEGER ||
                    member->plain->type->kind == VALUE_BOOL;
        atom_map_set(&cls->names, name, fits ? (void *)member : (void *)member->plain);
        if (!fits) continue;
        ARENA_PUSH(evaluator_arena(ev), choices->members, choices->count, choices->capacity) = member;
    }
    class_set_native(cls, &choices_native, choices);
    return true;
}

static Value *choice_list(Evaluator *ev, const ChoiceClass *choices, const char *what) {
    ListValue *list = value_list(ev);
    bool pairs = strcmp(what, "choices") == 0, names = strcmp(what, "names") == 0;
    bool labels = strcmp(what, "labels") == 0;
    if (choices->empty_label && !names) {
        Value *pair[2] = {value_none(ev), choices->empty_label};
        list_append(ev, list, pairs ? value_tuple(ev, pair, 2) : labels ? pair[1] : pair[0]);
    }
    for (int i = 0; i < choices->count; i++) {
        const ChoiceMember *member = choices->members[i];
        Value *pair[2] = {member->plain, member->label};
        list_append(ev, list,
                    pairs    ? value_tuple(ev, pair, 2)
                    : names  ? value_atom(ev, member->name)
                    : labels ? member->label
                             : member->plain);
    }
    return (Value *)list;
}

static Value *choice_class_attribute(Evaluator *ev, Class *cls, Atom name, const Node *site) {
    (void)site;
    static const char *const lists[] = {"choices", "labels", "values", "names"};
    const ChoiceClass *choices = choice_class(cls);
    if (!choices) return NULL;
    for (size_t i = 0; i < 4; i++)
        if (slice_equals_text(name->text, lists[i])) return choice_list(ev, choices, lists[i]);
    if (!slice_equals_text(name->text, "__members__")) return NULL;
    DictValue *members = value_dict(ev);
    for (int i = 0; i < choices->count; i++)
        dict_set(ev, members, value_atom(ev, choices->members[i]->name), (Value *)choices->members[i], NULL);
    return (Value *)members;
}

/* Status("d") */
static Value *choice_create(Evaluator *ev, Class *cls, const Arguments *arguments) {
    const ChoiceClass *choices = choice_class(cls);
    if (!choices || arguments->count != 1) return value_unknown_at(ev, arguments->site);
    Value *wanted = arguments->items[0];
    if (value_is_unknown(wanted)) return value_unknown(ev, ((UnknownValue *)wanted)->text, arguments->site, NULL);
    for (int i = 0; i < choices->count; i++)
        if (value_equals(ev, choices->members[i]->plain, wanted)) return (Value *)choices->members[i];
    Slice shown = value_repr(ev, wanted);
    return evaluator_raise_id(ev, EXCEPTION_VALUE, arguments->site, "%.*s is not a valid %.*s", SLICE_ARGS(shown),
                              SLICE_ARGS(cls->name->text));
}

/* for status in Status; Status["DRAFT"] */
static Value *choice_iterate(Evaluator *ev, Value *self, const Arguments *arguments) {
    (void)arguments;
    ListValue *list = value_list(ev);
    const ChoiceClass *choices = self->type->kind == VALUE_CLASS ? choice_class((Class *)self) : NULL;
    for (int i = 0; choices && i < choices->count; i++) list_append(ev, list, (Value *)choices->members[i]);
    return (Value *)list;
}

static Value *choice_get_item(Evaluator *ev, Value *self, const Arguments *arguments) {
    Value *found = NULL;
    if (arguments->count == 1 && value_is_text(arguments->items[0]) && self->type->kind == VALUE_CLASS)
        found = class_find((Class *)self, value_as_atom(ev, arguments->items[0]));
    if (found) return found;
    return evaluator_raise_id(ev, EXCEPTION_KEY, arguments->site, "no such member");
}

static const NativeMethod choice_methods[] = {{"__iter__", choice_iterate, NATIVE_CLASSMETHOD, NULL},
                                              {"__class_getitem__", choice_get_item, NATIVE_CLASSMETHOD, NULL},
                                              {NULL, NULL, NATIVE_METHOD, NULL}};

void choices_define(Evaluator *ev, ModuleValue *module) {
    NativeClass spec = {.name = "Choices",
                        .methods = choice_methods,
                        .create = choice_create,
                        .subclassed = choice_subclassed,
                        .class_attribute = choice_class_attribute};
    Class *base = module_define_class(ev, module, &spec, NULL);
    static const char *const names[] = {"TextChoices", "IntegerChoices"};
    for (size_t i = 0; i < 2; i++) {
        NativeClass derived = {.name = names[i]};
        module_define_class(ev, module, &derived, base);
    }
}
