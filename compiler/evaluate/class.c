/*
 * Classes: made by native modules and by class statements, looked up along their mro, called to make
 * instances. Invariants: mro is C3; what a native base brings (slots of instances, hooks) is copied into a class
 * when it is made, so that no hook has to be searched for later.
 */
#include "compiler/evaluate/internal.h"

static Value *open_get_attribute(Evaluator *ev, Value *self, Atom name, const Node *site) {
    Value *text = instance_get(self, ev->names.self);
    UnknownValue owner = {.head = {.type = builtin_types[VALUE_UNKNOWN]},
                          .text = text ? value_text(text) : SLICE("self")};
    Value *made = value_unknown_attribute(ev, &owner, name, site);
    instance_set(ev, self, name, made);
    return made;
}

static const Type instance_type = {.name = "object", .kind = VALUE_INSTANCE, .has_attributes = true};
const Type open_instance_type = {
    .name = "object", .kind = VALUE_INSTANCE, .get_attribute = open_get_attribute, .has_attributes = true};

/* ---- making ---- */

/* One step of C3: the first head that is in no tail. Returns false where the bases contradict. */
static bool mro_merge(Evaluator *ev, Class *cls, Class *const *bases, int base_count) {
    int capacity = 1, at[64] = {0};
    if (base_count > 63) base_count = 63;
    for (int i = 0; i < base_count; i++) capacity += bases[i]->mro_count + 1;
    cls->mro = ARENA_ARRAY(ev->arena, Class *, capacity);
    cls->mro[cls->mro_count++] = cls;
    int direct = 0;
    for (;;) {
        Class *next = NULL;
        bool left = direct < base_count;
        for (int i = 0; i <= base_count && !next; i++) {
            Class *head = i < base_count ? (at[i] < bases[i]->mro_count ? bases[i]->mro[at[i]] : NULL)
                                         : (direct < base_count ? bases[direct] : NULL);
            if (!head) continue;
            left = true;
            bool in_tail = false;
            for (int j = 0; j < base_count && !in_tail; j++)
                for (int k = at[j] + 1; k < bases[j]->mro_count && !in_tail; k++) in_tail = bases[j]->mro[k] == head;
            for (int k = direct + 1; k < base_count && !in_tail; k++) in_tail = bases[k] == head;
            if (!in_tail) next = head;
        }
        if (!next) return !left;
        cls->mro[cls->mro_count++] = next;
        for (int i = 0; i < base_count; i++)
            if (at[i] < bases[i]->mro_count && bases[i]->mro[at[i]] == next) at[i]++;
        if (direct < base_count && bases[direct] == next) direct++;
    }
}

static void class_inherit(Class *cls) {
    for (int i = 1; i < cls->mro_count; i++) {
        const Class *base = cls->mro[i];
        if (base->instance_type && base->instance_type != &instance_type &&
            (!cls->instance_type || cls->instance_type == &instance_type))
            cls->instance_type = base->instance_type;
        if (!cls->create) cls->create = base->create;
        if (!cls->subclassed) cls->subclassed = base->subclassed;
        if (!cls->class_attribute) cls->class_attribute = base->class_attribute;
        if (!cls->unknown_instance) cls->unknown_instance = base->unknown_instance;
        if (!cls->unknown_of) cls->unknown_of = base->unknown_of;
        if (cls->code < 0) cls->code = base->code;
        if (base->open) cls->open = true;
    }
    if (!cls->instance_type) cls->instance_type = &instance_type;
}

Class *class_new(Evaluator *ev, Atom name, Atom module, Class *const *bases, int base_count) {
    Class *cls = ARENA_NEW(ev->arena, Class);
    cls->head = (Value){.type = builtin_types[VALUE_CLASS], .cls = ev->builtins.type};
    cls->name = name;
    cls->module = module;
    cls->code = -1;
    atom_map_init(&cls->names, ev->arena);
    if (!base_count && ev->builtins.object) {
        bases = &ev->builtins.object;
        base_count = 1;
    }
    cls->bases = ARENA_ARRAY(ev->arena, Class *, base_count);
    if (base_count) memcpy(cls->bases, bases, sizeof *bases * (size_t)base_count);
    cls->base_count = base_count;
    if (!mro_merge(ev, cls, bases, base_count))
        evaluator_raise_id(ev, EXCEPTION_TYPE, NULL,
                           "Cannot create a consistent method resolution order (MRO) for bases of %.*s",
                           SLICE_ARGS(name->text));
    class_inherit(cls);
    return cls;
}

void class_define_methods(Evaluator *ev, Class *cls, const NativeMethod *methods) {
    for (; methods && methods->name; methods++) {
        Value *made = value_native_function(ev, methods->name, methods->call, methods->data);
        ((NativeFunctionValue *)made)->is_method = true;
        if (methods->kind == NATIVE_METHOD || methods->kind == NATIVE_PROPERTY)
            ((NativeFunctionValue *)made)->owner = cls;
        if (methods->kind == NATIVE_PROPERTY) {
            PropertyValue *property = ARENA_NEW(ev->arena, PropertyValue);
            property->head = (Value){builtin_types[VALUE_PROPERTY], ev->builtins.kinds[VALUE_PROPERTY]};
            property->getter = made;
            made = &property->head;
        } else if (methods->kind != NATIVE_METHOD) {
            ValueKind kind = methods->kind == NATIVE_CLASSMETHOD ? VALUE_CLASSMETHOD : VALUE_STATICMETHOD;
            if (kind == VALUE_STATICMETHOD) ((NativeFunctionValue *)made)->is_method = false;
            WrapperValue *wrapper = ARENA_NEW(ev->arena, WrapperValue);
            wrapper->head = (Value){builtin_types[kind], ev->builtins.kinds[kind]};
            wrapper->function = made;
            made = &wrapper->head;
        }
        namespace_set(ev, &cls->names, evaluator_atom(ev, methods->name), made);
    }
}

Class *module_define_class(Evaluator *ev, ModuleValue *module, const NativeClass *spec, Class *base) {
    if (!base) base = ev->builtins.object;
    Class *cls = class_new(ev, evaluator_atom(ev, spec->name), module->name, &base, 1);
    if (spec->instance_type) cls->instance_type = spec->instance_type;
    if (spec->create) cls->create = spec->create;
    if (spec->subclassed) cls->subclassed = spec->subclassed;
    if (spec->class_attribute) cls->class_attribute = spec->class_attribute;
    if (spec->unknown_instance) cls->unknown_instance = spec->unknown_instance;
    if (spec->unknown_of) cls->unknown_of = spec->unknown_of;
    cls->defined_in = module;
    class_define_methods(ev, cls, spec->methods);
    module_define(ev, module, spec->name, &cls->head);
    return cls;
}

Class *builtin_define_class(Evaluator *ev, const char *name, const Type *type, const NativeMethod *methods,
                            Value *(*create)(Evaluator *, Class *, const Arguments *)) {
    NativeClass spec = {.name = name, .instance_type = type, .methods = methods, .create = create};
    Class *cls = module_define_class(ev, ev->builtins.module, &spec, NULL);
    if (type && type->kind != VALUE_INSTANCE && type->kind != VALUE_NATIVE) ev->builtins.kinds[type->kind] = cls;
    return cls;
}

/* ---- looking up ---- */

static Value *class_find_after(const Class *cls, const Class *after, Atom name, Class **owner) {
    int i = 0;
    if (after) {
        while (i < cls->mro_count && cls->mro[i] != after) i++;
        i++;
    }
    for (; i < cls->mro_count; i++) {
        Value *found = atom_map_get(&cls->mro[i]->names, name);
        if (found) {
            if (owner) *owner = cls->mro[i];
            return found;
        }
    }
    return NULL;
}

static Value *bind_method(Evaluator *ev, Value *function, Value *self) {
    if (value_is(function, VALUE_NATIVE_FUNCTION)) {
        NativeFunctionValue *bound = ARENA_NEW(ev->arena, NativeFunctionValue);
        *bound = *(NativeFunctionValue *)function;
        bound->self = self;
        bound->is_method = false;
        return &bound->head;
    }
    MethodValue *method = ARENA_NEW(ev->arena, MethodValue);
    method->head = (Value){builtin_types[VALUE_METHOD], ev->builtins.kinds[VALUE_METHOD]};
    method->function = function;
    method->self = self;
    return &method->head;
}

/*
 * Native code takes `self` for its own struct: a method may be called with what is one (QuerySet.filter(5) is not, an
 * unknown queryset is none, and of two native bases the first has made the instance).
 */
bool native_accepts(const NativeFunctionValue *function, const Value *self) {
    const Class *owner = function->owner, *cls = self->cls;
    if (!owner || owner->instance_type == &instance_type || self->type == owner->instance_type) return true;
    if (value_is_unknown(self)) return false;
    for (int i = 0; i < cls->mro_count; i++)
        if (!class_is_user(cls->mro[i]) && cls->mro[i]->instance_type == cls->instance_type &&
            class_is_subclass(cls->mro[i], owner))
            return true;
    return false;
}

static Value *property_get(Evaluator *ev, PropertyValue *property, Value *self, const Node *site) {
    if (value_is(property->getter, VALUE_NATIVE_FUNCTION)) {
        NativeFunctionValue *native = (NativeFunctionValue *)property->getter;
        if (!native_accepts(native, self)) return value_unknown_at(ev, site);
        Arguments none = {.site = site};
        const void *before = ev->native_data;
        ev->native_data = native->data;
        Value *result = native->call(ev, self, &none);
        ev->native_data = before;
        return result;
    }
    return value_call_with(ev, property->getter, &self, 1, site);
}

/* What reading `attribute`, found on a class, gives: through `self`, or through the class alone (self NULL). */
Value *class_bind(Evaluator *ev, Value *attribute, Value *self, Class *cls, const Node *site) {
    if (attribute->type->get_bound) return attribute->type->get_bound(ev, attribute, self, cls, site);
    if (value_is(attribute, VALUE_FUNCTION)) return self ? bind_method(ev, attribute, self) : attribute;
    if (value_is(attribute, VALUE_NATIVE_FUNCTION))
        return self && ((NativeFunctionValue *)attribute)->is_method ? bind_method(ev, attribute, self) : attribute;
    if (value_is(attribute, VALUE_CLASSMETHOD))
        return bind_method(ev, ((WrapperValue *)attribute)->function, &cls->head);
    if (value_is(attribute, VALUE_STATICMETHOD)) return ((WrapperValue *)attribute)->function;
    if (value_is(attribute, VALUE_PROPERTY))
        return self ? property_get(ev, (PropertyValue *)attribute, self, site) : attribute;
    Value *get = value_is(attribute, VALUE_INSTANCE) ? class_find(attribute->cls, ev->names.get) : NULL;
    if (!get) return attribute;
    Value *items[3] = {attribute, self ? self : value_none(ev), &cls->head};
    return value_call_with(ev, get, items, 3, site);
}

static Value *class_names_dict(Evaluator *ev, const AtomMap *map) {
    DictValue *dict = value_dict(ev);
    for (int i = 0; i < map->count; i++)
        dict_set(ev, dict, value_atom(ev, map->entries[i].key), map->entries[i].value, NULL);
    return &dict->head;
}

static Value *class_special(Evaluator *ev, Class *cls, Atom name) {
    const Names *names = &ev->names;
    if (name == names->name || name == names->qualname) return value_atom(ev, cls->name);
    if (name == names->module) return cls->module ? value_atom(ev, cls->module) : value_none(ev);
    if (name == names->class_) return &cls->head.cls->head;
    if (name == names->doc) return value_none(ev);
    if (name == names->dict) return class_names_dict(ev, &cls->names);
    if (name == names->mro || name == names->bases) {
        Class **items = name == names->mro ? cls->mro : cls->bases;
        int count = name == names->mro ? cls->mro_count : cls->base_count;
        ListValue *list = value_list(ev);
        for (int i = 0; i < count; i++) list_append(ev, list, &items[i]->head);
        return value_tuple(ev, list->items, list->count);
    }
    return NULL;
}

Value *class_get_attribute(Evaluator *ev, Class *cls, Atom name, const Node *site) {
    Value *found = class_find(cls, name);
    if (found) return class_bind(ev, found, NULL, cls, site);
    found = class_special(ev, cls, name);
    if (found) return found;
    if (cls->class_attribute) {
        found = cls->class_attribute(ev, cls, name, site);
        if (found || ev->error.pending) return found;
    }
    Value *of_type = class_find(ev->builtins.type, name);
    if (of_type) return class_bind(ev, of_type, &cls->head, ev->builtins.type, site);
    if (cls->open) {
        UnknownValue owner = {.text = cls->name->text};
        return value_unknown_attribute(ev, &owner, name, site);
    }
    return NULL;
}

/* ---- super() ---- */

typedef struct SuperValue {
    Value head;
    Class *start;
    Value *self;
} SuperValue;

Value *value_super(Evaluator *ev, Class *start, Value *self) {
    SuperValue *value = ARENA_NEW(ev->arena, SuperValue);
    value->head = (Value){builtin_types[VALUE_SUPER], ev->builtins.object};
    value->start = start;
    value->self = self;
    return &value->head;
}

static Value *super_nothing(Evaluator *ev, Value *self, const Arguments *arguments) {
    (void)self;
    (void)arguments;
    return value_none(ev);
}

/* A native base that the ORM alone makes has a struct of its own: what a program's subclass of it is stays unknown. */
static Value *class_plain_instance(Evaluator *ev, Class *cls, const Node *site) {
    if (cls->instance_type->kind == VALUE_NATIVE)
        return value_unknown(ev, evaluator_node_text(ev, site), site, &cls->head);
    return instance_allocate(ev, cls, sizeof(Instance));
}

static Value *super_new(Evaluator *ev, Value *self, const Arguments *arguments) {
    (void)self;
    if (!arguments->count || !value_is(arguments->items[0], VALUE_CLASS)) return value_none(ev);
    Class *cls = (Class *)arguments->items[0];
    Arguments rest = *arguments;
    rest.items++;
    rest.nodes = rest.nodes ? rest.nodes + 1 : NULL;
    rest.count--;
    return cls->create ? cls->create(ev, cls, &rest) : class_plain_instance(ev, cls, arguments->site);
}

Value *super_get_attribute(Evaluator *ev, Value *super, Atom name, const Node *site) {
    SuperValue *value = (SuperValue *)super;
    bool on_class = value_is(value->self, VALUE_CLASS) && class_is_subclass((Class *)value->self, value->start);
    Class *cls = on_class ? (Class *)value->self : value->self->cls;
    if (value_is_unknown(value->self) && unknown_class(value->self)) cls = unknown_class(value->self);
    Value *found = class_find_after(cls, value->start, name, NULL);
    if (found) return class_bind(ev, found, on_class ? NULL : value->self, cls, site);
    if (name == ev->names.init || name == ev->names.init_subclass || name == ev->names.post_init)
        return value_native_function(ev, "__init__", super_nothing, NULL);
    if (name == ev->names.new_) return value_native_function(ev, "__new__", super_new, NULL);
    if (!on_class && value->self->type->get_attribute) {
        found = value->self->type->get_attribute(ev, value->self, name, site);
        if (found || ev->error.pending) return found;
    }
    if (on_class && cls->class_attribute) {
        found = cls->class_attribute(ev, cls, name, site);
        if (found || ev->error.pending) return found;
    }
    if (cls->open) return value_unknown_at(ev, site);
    return evaluator_raise_id(ev, EXCEPTION_ATTRIBUTE, site, "'super' object has no attribute '%.*s'",
                              SLICE_ARGS(name->text));
}

/* ---- instances ---- */

/* An instance of a program's class whose attributes are not all known. */
static Value *class_open_instance(Evaluator *ev, Class *cls, Slice text, const Node *node) {
    if (cls->instance_type != &instance_type) return value_unknown(ev, text, node, &cls->head);
    Instance *instance = instance_allocate(ev, cls, sizeof *instance);
    instance->head.type = &open_instance_type;
    instance_set(ev, &instance->head, ev->names.self, value_string(ev, text));
    return &instance->head;
}

Value *value_unknown_instance(Evaluator *ev, Class *cls, Slice text, const Node *node) {
    if (cls->unknown_instance) return cls->unknown_instance(ev, cls, text, node);
    return class_is_user(cls) ? class_open_instance(ev, cls, text, node) : value_unknown(ev, text, node, &cls->head);
}

bool class_is_user(const Class *cls) { return cls->node != NULL; }

bool class_is_plain(const Class *cls) {
    return class_is_user(cls) && cls->instance_type == &instance_type && !cls->class_attribute && !cls->subclassed;
}

static Value *class_initialise(Evaluator *ev, Class *cls, Value *made, const Arguments *arguments) {
    Class *owner = NULL;
    Value *init = class_find_after(cls, NULL, ev->names.init, &owner);
    if (init) {
        Value *bound = class_bind(ev, init, made, cls, arguments->site);
        return bound && value_call(ev, bound, arguments) ? made : NULL;
    }
    if (!cls->create && !cls->open && (arguments->count || arguments->keyword_count))
        return evaluator_raise_id(ev, EXCEPTION_TYPE, arguments->site, "%.*s() takes no arguments",
                                  SLICE_ARGS(cls->name->text));
    return made;
}

Value *class_call(Evaluator *ev, Class *cls, const Arguments *arguments) {
    Value *made = NULL;
    Value *new_ = class_find(cls, ev->names.new_);
    if (new_ && value_is(new_, VALUE_STATICMETHOD)) new_ = ((WrapperValue *)new_)->function;
    if (new_ && value_is(new_, VALUE_FUNCTION)) {
        made = function_call(ev, (FunctionValue *)new_, &cls->head, arguments);
    } else {
        made = cls->create ? cls->create(ev, cls, arguments) : class_plain_instance(ev, cls, arguments->site);
    }
    if (!made || !class_is_subclass(made->cls, cls)) return made;
    return class_initialise(ev, made->cls, made, arguments);
}
