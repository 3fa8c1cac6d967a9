/*
 * Generic operations: what `x.name`, `x(…)`, `x[k]`, iteration and truth mean for any value. They resolve
 * what this path has decided, follow the slots of types and the methods of classes, and raise as Python does.
 * Invariant: native code never gets an optional as self or argument.
 */
#include "compiler/evaluate/internal.h"

#include <assert.h>

const char *type_label(const Value *value) {
    return value->cls && value->cls->name ? value->cls->name->text.start : value->type->name;
}

Value *value_resolve(Value *value) {
    while (value_is_unknown(value) && ((UnknownValue *)value)->resolved) value = ((UnknownValue *)value)->resolved;
    return value;
}

Value *value_usual(Value *value) {
    value = value_resolve(value);
    Value *usual = value_is_unknown(value) ? ((UnknownValue *)value)->fallback : NULL;
    return usual && value_is(usual, VALUE_STRING) ? usual : value;
}

/* For any use but a test: an optional is taken to be there. */
static Value *value_present(Evaluator *ev, Value *value) {
    value = value_resolve(value);
    while (value_is_unknown(value) && ((UnknownValue *)value)->present) {
        UnknownValue *unknown = (UnknownValue *)value;
        if (ev->path.exploring) {
            evaluator_touch(ev, &unknown->resolved, sizeof unknown->resolved);
            unknown->resolved = unknown->present;
        }
        value = value_resolve(unknown->present);
    }
    return value;
}

/* ---- attributes ---- */

static Value *module_get_attribute(Evaluator *ev, ModuleValue *module, Atom name, const Node *site) {
    Value *found = atom_map_get(&module->names, name);
    if (found) return found;
    if (name == ev->names.name) return value_atom(ev, module->name);
    if (module->missing) {
        found = module->missing(ev, module, name);
        if (found || ev->error.pending) return found;
    }
    Slice dotted = slice_format(ev->arena, "%.*s.%.*s", SLICE_ARGS(module->name->text), SLICE_ARGS(name->text));
    Atom known = atom_lookup(ev->atoms, dotted);
    found = known ? atom_map_get(&ev->packages, known) : NULL;
    if (found) return found;
    ModuleValue *native = evaluator_import(ev, slice_terminated(ev->arena, dotted));
    if (native) return &native->head;
    if (ev->error.pending) return NULL;
    if (module->native || module->source) {
        module_report_missing(ev, module, (Slice){"", 0}, name, site);
        UnknownValue owner = {.text = module->name->text};
        return value_unknown_attribute(ev, &owner, name, site);
    }
    return NULL;
}

static bool is_data_descriptor(const Value *value) {
    return value_is(value, VALUE_PROPERTY) && !((const PropertyValue *)value)->cached;
}

static Value *instance_special(Evaluator *ev, Value *self, Atom name) {
    if (name == ev->names.class_) return &self->cls->head;
    if (name == ev->names.dict && self->type->has_attributes) {
        DictValue *dict = value_dict(ev);
        const AtomMap *map = &((Instance *)self)->attributes;
        for (int i = 0; i < map->count; i++)
            dict_set(ev, dict, value_atom(ev, map->entries[i].key), map->entries[i].value, NULL);
        return &dict->head;
    }
    if (value_is(self, VALUE_FUNCTION)) {
        const FunctionValue *function = (FunctionValue *)self;
        if (name == ev->names.name || name == ev->names.qualname) return value_atom(ev, function->name);
        if (name == ev->names.module) return value_atom(ev, function->module->name);
        if (name == ev->names.doc) return value_none(ev);
    }
    return name == ev->names.doc || name == ev->names.module ? value_none(ev) : NULL;
}

static Value *instance_get_attribute(Evaluator *ev, Value *self, Atom name, const Node *site) {
    Class *cls = self->cls;
    assert(cls);
    Value *found = class_find(cls, name);
    if (found && is_data_descriptor(found)) return class_bind(ev, found, self, cls, site);
    Value *own = instance_get(self, name);
    if (own) return own;
    if (found) {
        Value *bound = class_bind(ev, found, self, cls, site);
        if (bound && value_is(found, VALUE_PROPERTY)) instance_set(ev, self, name, bound);
        return bound;
    }
    if (self->type->get_attribute) {
        found = self->type->get_attribute(ev, self, name, site);
        if (found || ev->error.pending) return found;
    }
    found = instance_special(ev, self, name);
    if (found) return found;
    Value *getattr = class_find(cls, ev->names.getattr);
    if (getattr) {
        Value *items[2] = {self, value_atom(ev, name)};
        return value_call_with(ev, getattr, items, 2, site);
    }
    if (cls->open) {
        UnknownValue owner = {.text = SLICE("self")};
        return value_unknown_attribute(ev, &owner, name, site);
    }
    return NULL;
}

Value *value_find_attribute(Evaluator *ev, Value *self, Atom name, const Node *site) {
    self = value_present(ev, self);
    if (value_is_unknown(self)) return unknown_get_attribute(ev, (UnknownValue *)self, name, site);
    if (value_is(self, VALUE_MODULE)) return module_get_attribute(ev, (ModuleValue *)self, name, site);
    if (value_is(self, VALUE_CLASS)) return class_get_attribute(ev, (Class *)self, name, site);
    if (value_is(self, VALUE_SUPER)) return super_get_attribute(ev, self, name, site);
    return instance_get_attribute(ev, self, name, site);
}

static void offer_class_names(Suggestion *near, const Class *cls) {
    for (int i = 0; i < cls->mro_count; i++)
        for (int j = 0; j < cls->mro[i]->names.count; j++)
            if (cls->mro[i]->names.entries[j].key) suggestion_offer(near, cls->mro[i]->names.entries[j].key->text);
}

static void suggest_attribute(Evaluator *ev, const Value *self, Atom name) {
    Suggestion near = suggestion_start(name->text);
    offer_class_names(&near, value_is(self, VALUE_CLASS) ? (const Class *)self : self->cls);
    if (self->type->answers_for) offer_class_names(&near, self->type->answers_for(self));
    if (self->type->has_attributes) {
        const AtomMap *map = &((const Instance *)self)->attributes;
        for (int j = 0; j < map->count; j++) suggestion_offer(&near, map->entries[j].key->text);
    }
    if (suggestion_found(&near)) evaluator_raise_help(ev, "did you mean '%.*s'?", SLICE_ARGS(near.best));
}

Span attribute_span(Evaluator *ev, const Node *site) {
    Span span = evaluator_span(ev, site);
    if (site && site->kind == NODE_Attribute) span.start = (uint32_t)NODE_AS(Attribute, site)->attr_start;
    return span;
}

/*
 * Attributes that are not known here but may well be there: what decorators hang on functions, what a mixin finds in
 * the classes that it is mixed into, and what Python's own types have beyond what queries need.
 */
static bool attribute_may_be(Evaluator *ev, const Value *self, Atom name) {
    if (ev->interactive || ev->host.has_rows) return false;
    if (value_is(self, VALUE_FUNCTION) || value_is(self, VALUE_METHOD) || value_is(self, VALUE_NATIVE_FUNCTION))
        return true;
    if (value_is(self, VALUE_CLASS) && class_is_plain((const Class *)self)) return true;
    const Class *cls = value_is(self, VALUE_CLASS) ? (const Class *)self : self->cls;
    return !class_is_user(cls) && python_has_attribute(cls->name->text, name->text);
}

Value *value_get_attribute(Evaluator *ev, Value *self, Atom name, const Node *site) {
    Value *found = value_find_attribute(ev, self, name, site);
    if (found) return value_resolve(found);
    if (ev->error.pending) return NULL;
    self = value_present(ev, self);
    if (attribute_may_be(ev, self, name)) {
        UnknownValue owner = {.text = SLICE("it")};
        return value_unknown_attribute(ev, &owner, name, site);
    }
    Class *error = ev->builtins.exceptions[EXCEPTION_ATTRIBUTE];
    if (value_is(self, VALUE_CLASS)) {
        evaluator_raise(ev, error, attribute_span(ev, site), "type object '%.*s' has no attribute '%.*s'",
                        SLICE_ARGS(((Class *)self)->name->text), SLICE_ARGS(name->text));
    } else {
        evaluator_raise(ev, error, attribute_span(ev, site), "'%s' object has no attribute '%.*s'", type_label(self),
                        SLICE_ARGS(name->text));
    }
    error_doubt(ev, self);
    suggest_attribute(ev, self, name);
    return NULL;
}

bool value_set_attribute(Evaluator *ev, Value *self, Atom name, Value *value, const Node *site) {
    self = value_present(ev, self);
    if (value_is(self, VALUE_CLASS)) {
        namespace_set(ev, &((Class *)self)->names, name, value);
        return true;
    }
    if (value_is(self, VALUE_MODULE)) {
        namespace_set(ev, &((ModuleValue *)self)->names, name, value);
        return true;
    }
    if (value_is_unknown(self)) {
        unknown_set_attribute(ev, (UnknownValue *)self, name, value);
        return true;
    }
    Value *found = class_find(self->cls, name);
    if (found && value_is(found, VALUE_PROPERTY) && ((PropertyValue *)found)->setter) {
        Value *items[2] = {self, value};
        return value_call_with(ev, ((PropertyValue *)found)->setter, items, 2, site) != NULL;
    }
    Value *setter = found && value_is(found, VALUE_INSTANCE) ? class_find(found->cls, ev->names.set) : NULL;
    if (setter) {
        Value *items[3] = {found, self, value};
        return value_call_with(ev, setter, items, 3, site) != NULL;
    }
    if (self->type->set_attribute) return self->type->set_attribute(ev, self, name, value, site);
    if (self->type->has_attributes) {
        instance_set(ev, self, name, value);
        return true;
    }
    if (value_is(self, VALUE_FUNCTION) || value_is(self, VALUE_METHOD) || value_is(self, VALUE_NATIVE_FUNCTION))
        return true; /* func.short_description = …: nothing that a query depends on */
    evaluator_raise(ev, ev->builtins.exceptions[EXCEPTION_ATTRIBUTE], attribute_span(ev, site),
                    "'%s' object has no attribute '%.*s'", type_label(self), SLICE_ARGS(name->text));
    error_doubt(ev, self);
    return false;
}

/* ---- calls ---- */

static void arguments_resolve(Evaluator *ev, const Arguments *arguments) {
    for (int i = 0; i < arguments->count; i++)
        if (value_is_unknown(arguments->items[i])) arguments->items[i] = value_present(ev, arguments->items[i]);
    for (int i = 0; i < arguments->keyword_count; i++)
        if (value_is_unknown(arguments->keywords[i].value))
            arguments->keywords[i].value = value_present(ev, arguments->keywords[i].value);
}

static Value *refuse_self(Evaluator *ev, const NativeFunctionValue *function, const Value *self, const Node *site) {
    if (value_is_unknown(self)) return value_unknown_at(ev, site);
    return evaluator_raise_id(ev, EXCEPTION_TYPE, site,
                              "descriptor '%s' for '%.*s' objects doesn't apply to a '%.*s' object", function->name,
                              SLICE_ARGS(function->owner->name->text), SLICE_ARGS(self->cls->name->text));
}

static Value *call_native(Evaluator *ev, NativeFunctionValue *function, Value *self, const Arguments *arguments) {
    arguments_resolve(ev, arguments);
    Arguments rest = *arguments;
    if (function->is_method && !self) {
        /* Class.method(instance, …) */
        if (!arguments->count)
            return evaluator_raise_id(ev, EXCEPTION_TYPE, arguments->site, "%s() missing 1 required argument: 'self'",
                                      function->name);
        self = arguments->items[0];
        rest.items++;
        rest.nodes = rest.nodes ? rest.nodes + 1 : NULL;
        rest.count--;
    }
    if (self && !native_accepts(function, self)) return refuse_self(ev, function, self, arguments->site);
    const void *before = ev->native_data;
    ev->native_data = function->data;
    Value *result = function->call(ev, self, &rest);
    ev->native_data = before;
    if (ev->error.pending) return NULL;
    return result ? result : value_none(ev);
}

void *evaluator_native_data(Evaluator *ev) { return (void *)ev->native_data; }

static Value *call_method(Evaluator *ev, MethodValue *method, const Arguments *arguments) {
    if (value_is(method->function, VALUE_FUNCTION))
        return function_call(ev, (FunctionValue *)method->function, method->self, arguments);
    Arguments more = *arguments;
    more.count = arguments->count + 1;
    more.items = arena_allocate(ev->arena, sizeof *more.items * (size_t)more.count);
    more.nodes = arena_allocate(ev->arena, sizeof *more.nodes * (size_t)more.count);
    more.items[0] = method->self;
    more.nodes[0] = arguments->site;
    for (int i = 0; i < arguments->count; i++) {
        more.items[i + 1] = arguments->items[i];
        more.nodes[i + 1] = arguments->nodes ? arguments->nodes[i] : arguments->site;
    }
    return value_call(ev, method->function, &more);
}

Value *value_call(Evaluator *ev, Value *callee, const Arguments *arguments) {
    callee = value_present(ev, callee);
    if (value_is(callee, VALUE_NATIVE_FUNCTION))
        return call_native(ev, (NativeFunctionValue *)callee, ((NativeFunctionValue *)callee)->self, arguments);
    if (value_is(callee, VALUE_FUNCTION)) return function_call(ev, (FunctionValue *)callee, NULL, arguments);
    if (value_is(callee, VALUE_METHOD)) return call_method(ev, (MethodValue *)callee, arguments);
    if (value_is_unknown(callee)) return unknown_call(ev, callee, arguments);
    if (value_is(callee, VALUE_STATICMETHOD)) return value_call(ev, ((WrapperValue *)callee)->function, arguments);
    if (value_is(callee, VALUE_CLASS)) {
        arguments_resolve(ev, arguments);
        return class_call(ev, (Class *)callee, arguments);
    }
    if (callee->type->call) {
        arguments_resolve(ev, arguments);
        return callee->type->call(ev, callee, arguments);
    }
    Value *call = class_find(callee->cls, ev->names.call);
    if (call) {
        Value *bound = class_bind(ev, call, callee, callee->cls, arguments->site);
        return bound ? value_call(ev, bound, arguments) : NULL;
    }
    if (callee->cls->open) return unknown_result(ev, arguments->site, NULL);
    evaluator_raise_id(ev, EXCEPTION_TYPE, arguments->site, "'%s' object is not callable", type_label(callee));
    error_doubt(ev, callee);
    return NULL;
}

Value *value_call_with(Evaluator *ev, Value *callee, Value *const *items, int count, const Node *site) {
    Value **copy = arena_allocate(ev->arena, sizeof *copy * (size_t)(count + 1));
    const Node **nodes = arena_allocate(ev->arena, sizeof *nodes * (size_t)(count + 1));
    for (int i = 0; i < count; i++) copy[i] = items[i], nodes[i] = site;
    Arguments arguments = {.items = copy, .nodes = nodes, .count = count, .site = site};
    return value_call(ev, callee, &arguments);
}

Value *value_call_method(Evaluator *ev, Value *self, const char *name, Value *const *items, int count,
                         const Node *site) {
    Value *method = value_get_attribute(ev, self, atom_intern_text(ev->atoms, name), site);
    return method ? value_call_with(ev, method, items, count, site) : NULL;
}

bool value_settle(Evaluator *ev, Value *value) {
    return !value->type->settle || value->type->settle(ev, value) || !ev->error.pending;
}

/* ---- items ---- */

Value *value_get_item(Evaluator *ev, Value *self, Value *key, const Node *site) {
    self = value_present(ev, self);
    key = value_resolve(key);
    if (value_is_unknown(self)) return unknown_get_item(ev, (UnknownValue *)self, key, site);
    if (self->type->get_item) {
        Value *found = self->type->get_item(ev, self, value_present(ev, key), site);
        return found ? value_resolve(found) : NULL;
    }
    if (value_is(self, VALUE_CLASS)) {
        Class *cls = (Class *)self;
        if (class_is_enum(cls)) {
            if (value_is(key, VALUE_STRING)) {
                Value *member = atom_map_get(&cls->names, value_as_atom(ev, key));
                if (member) return member;
                return evaluator_raise_id(ev, EXCEPTION_KEY, site, "%.*s", SLICE_ARGS(value_text(key)));
            }
            return unknown_result(ev, site, cls);
        }
        Value *getter = class_find(cls, ev->names.class_getitem);
        if (getter && value_is(getter, VALUE_FUNCTION)) {
            Value *items[2] = {self, key};
            return value_call_with(ev, getter, items, 2, site);
        }
        if (getter && value_is(getter, VALUE_CLASSMETHOD)) {
            Value *bound = class_bind(ev, getter, NULL, cls, site);
            return bound ? value_call_with(ev, bound, &key, 1, site) : NULL;
        }
        return value_alias(ev, self, key);
    }
    Value *getter = class_find(self->cls, ev->names.getitem);
    if (getter) {
        Value *bound = class_bind(ev, getter, self, self->cls, site);
        return bound ? value_call_with(ev, bound, &key, 1, site) : NULL;
    }
    if (value_is(self, VALUE_NATIVE_FUNCTION) || self->cls->open) return value_alias(ev, self, key);
    evaluator_raise_id(ev, EXCEPTION_TYPE, site, "'%s' object is not subscriptable", type_label(self));
    error_doubt(ev, self);
    return NULL;
}

bool value_set_item(Evaluator *ev, Value *self, Value *key, Value *value, const Node *site) {
    self = value_present(ev, self);
    key = value_resolve(key);
    if (value_is_unknown(self)) return true;
    if (self->type->set_item) return self->type->set_item(ev, self, key, value, site);
    Value *setter = class_find(self->cls, ev->names.setitem);
    if (setter) {
        Value *items[3] = {self, key, value};
        return value_call_with(ev, setter, items, 3, site) != NULL;
    }
    evaluator_raise_id(ev, EXCEPTION_TYPE, site, "'%s' object does not support item assignment", type_label(self));
    return false;
}

/* ---- truth, iteration, length ---- */

Truth value_truth(Evaluator *ev, Value *self, const Node *site) {
    self = value_resolve(self);
    if (self->type->truth) return self->type->truth(ev, self, site);
    if (value_is_unknown(self)) return TRUTH_UNKNOWN;
    if (!value_is(self, VALUE_INSTANCE) && !self->type->has_attributes) return TRUTH_TRUE;
    Value *method = class_find(self->cls, ev->names.bool_);
    if (!method) method = class_find(self->cls, ev->names.len);
    if (!method || value_is(method, VALUE_NATIVE_FUNCTION)) return TRUTH_TRUE;
    Value *result = value_call_with(ev, method, &self, 1, site);
    return result ? value_truth(ev, result, site) : TRUTH_ERROR;
}

Value *value_iterate(Evaluator *ev, Value *self, const Node *site) {
    self = value_present(ev, self);
    if (value_is_unknown(self)) return unknown_iterate(ev, (UnknownValue *)self, site);
    if (value_is(self, VALUE_LIST) || value_is(self, VALUE_TUPLE)) return self;
    if (self->type->iterate) return self->type->iterate(ev, self, site);
    if (value_is(self, VALUE_CLASS) && class_is_enum((Class *)self)) {
        ListValue *members = value_list(ev);
        for (int i = 0; i < enum_member_count((Class *)self); i++)
            list_append(ev, members, enum_member((Class *)self, i));
        return &members->head;
    }
    /* what a metaclass would have stands as a class method of the native class */
    Value *of_class = value_is(self, VALUE_CLASS) ? class_find((Class *)self, ev->names.iter) : NULL;
    if (of_class && value_is(of_class, VALUE_CLASSMETHOD)) {
        Value *bound = class_bind(ev, of_class, NULL, (Class *)self, site);
        return bound ? value_call_with(ev, bound, NULL, 0, site) : NULL;
    }
    Value *iter = class_find(self->cls, ev->names.iter);
    if (!iter) iter = class_find(self->cls, ev->names.aiter);
    if (iter && !value_is(iter, VALUE_NATIVE_FUNCTION)) {
        Value *made = value_call_with(ev, iter, &self, 1, site);
        if (!made) return NULL;
        return made == self ? value_unknown_at(ev, site) : value_iterate(ev, made, site);
    }
    if (self->cls->open || self->type == &open_instance_type) return value_unknown_at(ev, site);
    evaluator_raise_id(ev, EXCEPTION_TYPE, site, "'%s' object is not iterable", type_label(self));
    error_doubt(ev, self);
    return NULL;
}

/* ---- str() and repr() ---- */

Value *value_str(Evaluator *ev, Value *self, const Node *site) {
    self = value_present(ev, self);
    if (value_is(self, VALUE_STRING)) return self;
    if (value_is_unknown(self)) return unknown_result(ev, site, ev->builtins.kinds[VALUE_STRING]);
    Value *method = class_find(self->cls, ev->names.str);
    if (!method && value_is(self, VALUE_INSTANCE)) method = class_find(self->cls, ev->names.repr);
    if (method) {
        Value *bound = class_bind(ev, method, self, self->cls, site);
        return bound ? value_call_with(ev, bound, NULL, 0, site) : NULL;
    }
    return value_string(ev, value_repr(ev, self));
}

Slice value_repr(Evaluator *ev, Value *self) {
    self = value_resolve(self);
    Buffer out;
    buffer_init(&out, ev->arena);
    if (self->type->describe) self->type->describe(ev, self, &out);
    else if (value_is(self, VALUE_CLASS))
        buffer_format(&out, "<class '%.*s'>", SLICE_ARGS(((Class *)self)->name->text));
    else buffer_format(&out, "<%s object>", type_label(self));
    return buffer_view(&out);
}
