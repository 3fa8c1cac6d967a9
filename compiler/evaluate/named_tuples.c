/*
 * NamedTuple, namedtuple() and TypedDict. A class of named fields makes tuples whose items also have names; methods of
 * its body are found on them. A TypedDict makes dicts.
 *
 *     class Page(NamedTuple): limit: int = 20        Page().limit and Page()[0] are 20
 *
 * Invariant: the fields belong to the class as TupleFields (class_native()); their defaults are taken out of its
 * namespace, where they would hide the items.
 */
#include "compiler/evaluate/internal.h"
#include "compiler/evaluate/standard.h"

typedef struct TupleField {
    Atom name;
    Value *fallback; /* NULL: none */
} TupleField;

typedef struct TupleFields {
    TupleField *items;
    Atom *names; /* of all items: what a NamedTupleValue has */
    int count, capacity;
} TupleFields;

static const NativeKind fields_native = {"NamedTuple"};

static const TupleFields *class_fields(const Class *cls) {
    for (int i = 0; i < cls->mro_count; i++) {
        const TupleFields *fields = class_native(cls->mro[i], &fields_native);
        if (fields) return fields;
    }
    return NULL;
}

static void fields_add(Evaluator *ev, TupleFields *fields, Atom name, Value *fallback) {
    ARENA_PUSH(ev->arena, fields->items, fields->count, fields->capacity) = (TupleField){name, fallback};
}

static void fields_finish(Evaluator *ev, TupleFields *fields, Class *cls) {
    fields->names = ARENA_ARRAY(ev->arena, Atom, fields->count);
    ListValue *names = value_list(ev);
    for (int i = 0; i < fields->count; i++) {
        fields->names[i] = fields->items[i].name;
        list_append(ev, names, value_atom(ev, fields->names[i]));
    }
    namespace_set(ev, &cls->names, evaluator_atom(ev, "_fields"), value_tuple(ev, names->items, names->count));
    class_set_native(cls, &fields_native, fields);
}

/* ---- instances ---- */

static Value *tuple_of(Evaluator *ev, Class *cls, const TupleFields *fields, Value *const *items) {
    Value *made = value_named_tuple(ev, cls->name->text, fields->names, items, fields->count);
    made->cls = cls;
    return made;
}

static int field_index(const TupleFields *fields, Atom name) {
    for (int i = 0; i < fields->count; i++)
        if (fields->items[i].name == name) return i;
    return -1;
}

static bool fields_take(Evaluator *ev, Class *cls, const TupleFields *fields, const Arguments *arguments,
                        Value **items) {
    if (arguments->count > fields->count)
        return evaluator_raise_id(ev, EXCEPTION_TYPE, arguments->nodes[fields->count],
                                  "%.*s.__new__() takes %d positional arguments but %d were given",
                                  SLICE_ARGS(cls->name->text), fields->count + 1, arguments->count + 1) != NULL;
    for (int i = 0; i < arguments->count; i++) items[i] = arguments->items[i];
    for (int i = 0; i < arguments->keyword_count; i++) {
        const Keyword *keyword = &arguments->keywords[i];
        int at = field_index(fields, keyword->name);
        if (at < 0)
            return evaluator_raise_id(ev, EXCEPTION_TYPE, keyword->node,
                                      "%.*s.__new__() got an unexpected keyword argument '%.*s'",
                                      SLICE_ARGS(cls->name->text), SLICE_ARGS(keyword->name->text)) != NULL;
        items[at] = keyword->value;
    }
    return true;
}

static Value *named_tuple_create(Evaluator *ev, Class *cls, const Arguments *arguments) {
    const TupleFields *fields = class_fields(cls);
    if (!fields) return unknown_result(ev, arguments->site, NULL);
    Value **items = ARENA_ARRAY(ev->arena, Value *, fields->count + 1);
    if (!fields_take(ev, cls, fields, arguments, items)) return NULL;
    for (int i = 0; i < fields->count; i++) {
        if (!items[i]) items[i] = fields->items[i].fallback;
        if (!items[i] && (arguments->unknown_items || arguments->unknown_keywords))
            items[i] = value_unknown(ev, fields->names[i]->text, arguments->site, NULL);
        if (!items[i])
            return evaluator_raise_id(ev, EXCEPTION_TYPE, arguments->site,
                                      "%.*s.__new__() missing 1 required positional argument: '%.*s'",
                                      SLICE_ARGS(cls->name->text), SLICE_ARGS(fields->names[i]->text));
    }
    return tuple_of(ev, cls, fields, items);
}

static const TupleFields *known_fields(const Value *self) {
    return value_is(self, VALUE_TUPLE) ? class_fields(self->cls) : NULL;
}

static Value *named_tuple_replace(Evaluator *ev, Value *self, const Arguments *arguments) {
    const TupleFields *fields = known_fields(self);
    if (!fields) return unknown_result(ev, arguments->site, self->cls);
    Value **items = ARENA_ARRAY(ev->arena, Value *, fields->count + 1);
    for (int i = 0; i < fields->count; i++) items[i] = ((ListValue *)self)->items[i];
    return fields_take(ev, self->cls, fields, arguments, items) ? tuple_of(ev, self->cls, fields, items) : NULL;
}

static Value *named_tuple_asdict(Evaluator *ev, Value *self, const Arguments *arguments) {
    const TupleFields *fields = known_fields(self);
    DictValue *dict = value_dict(ev);
    dict->open = !fields;
    for (int i = 0; fields && i < fields->count; i++)
        dict_set(ev, dict, value_atom(ev, fields->names[i]), ((ListValue *)self)->items[i], arguments->site);
    return &dict->head;
}

static Value *named_tuple_make(Evaluator *ev, Value *self, const Arguments *arguments) {
    Value *items = arguments->count == 1 ? value_iterate(ev, arguments->items[0], arguments->site) : NULL;
    if (!items || value_is_unknown(items) || !value_is(self, VALUE_CLASS))
        return ev->error.pending ? NULL : unknown_result(ev, arguments->site, NULL);
    return value_call_with(ev, self, ((ListValue *)items)->items, ((ListValue *)items)->count, arguments->site);
}

/* ---- classes ---- */

static bool named_tuple_subclassed(Evaluator *ev, Class *cls, const Arguments *class_keywords) {
    (void)class_keywords;
    if (class_fields(cls)) return true; /* a class below one that has its fields already */
    TupleFields *fields = ARENA_NEW(ev->arena, TupleFields);
    for (int i = 0; i < class_annotation_count(cls); i++) {
        Atom name = class_annotation_name(cls, i);
        fields_add(ev, fields, name, atom_map_get(&cls->names, name));
        namespace_remove(ev, &cls->names, name);
    }
    fields_finish(ev, fields, cls);
    return true;
}

/* "x y", "x, y" or a list of names. False: something in it is not known. */
static bool fields_read_names(Evaluator *ev, TupleFields *fields, Value *names) {
    names = value_resolve(names);
    if (value_is(names, VALUE_STRING)) {
        Slice text = value_text(names);
        for (size_t at = 0; at < text.length;) {
            size_t end = at;
            while (end < text.length && text.start[end] != ' ' && text.start[end] != ',') end++;
            if (end > at) fields_add(ev, fields, atom_intern(ev->atoms, slice_sub(text, at, end)), NULL);
            at = end + 1;
        }
        return true;
    }
    if (!value_is(names, VALUE_LIST) && !value_is(names, VALUE_TUPLE)) return false;
    const ListValue *list = (const ListValue *)names;
    for (int i = 0; i < list->count; i++) {
        Value *item = value_resolve(list->items[i]);
        if (value_is(item, VALUE_TUPLE) && ((ListValue *)item)->count) item = ((ListValue *)item)->items[0];
        if (!value_is(item, VALUE_STRING)) return false;
        fields_add(ev, fields, value_as_atom(ev, item), NULL);
    }
    return !list->open;
}

/* namedtuple("Point", "x y"), NamedTuple("Point", [("x", int), ("y", int)]) */
static Value *make_named_tuple(Evaluator *ev, Class *base, const Arguments *arguments) {
    TupleFields *fields = ARENA_NEW(ev->arena, TupleFields);
    bool known = arguments->count >= 2 && value_is(arguments->items[0], VALUE_STRING) &&
                 fields_read_names(ev, fields, arguments->items[1]);
    if (!known) return unknown_result(ev, arguments->site, NULL);
    Value *defaults = arguments_keyword(arguments, evaluator_atom(ev, "defaults"));
    if (defaults && (value_is(defaults, VALUE_LIST) || value_is(defaults, VALUE_TUPLE))) {
        const ListValue *list = (const ListValue *)defaults;
        for (int i = 0; i < list->count && i < fields->count; i++)
            fields->items[fields->count - 1 - i].fallback = list->items[list->count - 1 - i];
    }
    Class *cls = class_new(ev, value_as_atom(ev, arguments->items[0]), ev->frame->scope->module->name, &base, 1);
    fields_finish(ev, fields, cls);
    return &cls->head;
}

static Class *named_tuple_class(Evaluator *ev) {
    ModuleValue *typing = evaluator_import(ev, "typing");
    return (Class *)atom_map_get(&typing->names, evaluator_atom(ev, "NamedTuple"));
}

static Value *named_tuple_call(Evaluator *ev, Class *cls, const Arguments *arguments) {
    return cls == named_tuple_class(ev) ? make_named_tuple(ev, cls, arguments) : named_tuple_create(ev, cls, arguments);
}

Value *collections_namedtuple(Evaluator *ev, Value *self, const Arguments *arguments) {
    (void)self;
    return make_named_tuple(ev, named_tuple_class(ev), arguments);
}

static Value *typed_dict_create(Evaluator *ev, Class *cls, const Arguments *arguments) {
    if (!class_is_user(cls)) return unknown_result(ev, arguments->site, NULL); /* TypedDict("D", {…}) makes a class */
    return value_call(ev, &ev->builtins.kinds[VALUE_DICT]->head, arguments);
}

void named_tuples_setup(Evaluator *ev, ModuleValue *typing) {
    static const NativeMethod methods[] = {{"_replace", named_tuple_replace, NATIVE_METHOD, NULL},
                                           {"_asdict", named_tuple_asdict, NATIVE_METHOD, NULL},
                                           {"_make", named_tuple_make, NATIVE_CLASSMETHOD, NULL},
                                           {0}};
    NativeClass named = {.name = "NamedTuple",
                         .methods = methods,
                         .create = named_tuple_call,
                         .subclassed = named_tuple_subclassed},
                typed = {.name = "TypedDict", .create = typed_dict_create};
    module_define_class(ev, typing, &named, ev->builtins.kinds[VALUE_TUPLE]);
    module_define_class(ev, typing, &typed, NULL);
}
