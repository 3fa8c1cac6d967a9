/*
 * dataclasses and json. A dataclass gets an __init__ from the annotations of its bodies; json.dumps and loads work on
 * known values.
 */
#include <stdlib.h>

#include "compiler/evaluate/internal.h"
#include "compiler/evaluate/standard.h"

static const Type field_type = {.name = "Field", .kind = VALUE_NATIVE};
typedef struct FieldValue {
    Value head;
    Value *fallback, *factory;
    bool init;
} FieldValue;

static Value *dataclass_field(Evaluator *ev, Value *self, const Arguments *arguments) {
    (void)self;
    FieldValue *field = ARENA_NEW(ev->arena, FieldValue);
    field->head = (Value){&field_type, ev->builtins.object};
    field->fallback = arguments_keyword(arguments, evaluator_atom(ev, "default"));
    field->factory = arguments_keyword(arguments, evaluator_atom(ev, "default_factory"));
    Value *init = arguments_keyword(arguments, evaluator_atom(ev, "init"));
    field->init = !init || value_is_true(init);
    return &field->head;
}

static bool field_default(Evaluator *ev, Class *cls, Atom name, Value **out, const Node *site) {
    Value *value = class_find(cls, name);
    *out = value;
    if (!value || value->type != &field_type) return true;
    const FieldValue *field = (FieldValue *)value;
    *out = field->factory ? value_call_with(ev, field->factory, NULL, 0, site) : field->fallback;
    return !field->factory || *out;
}

static Value *dataclass_init(Evaluator *ev, Value *self, const Arguments *arguments) {
    Class *cls = self->cls;
    int taken = 0;
    for (int i = cls->mro_count - 1; i >= 0; i--) {
        Class *owner = cls->mro[i];
        for (int j = 0; owner->node && j < class_annotation_count(owner); j++) {
            Atom name = class_annotation_name(owner, j);
            Value *value = arguments_keyword(arguments, name);
            if (!value && taken < arguments->count) value = arguments->items[taken++];
            if (!value && !field_default(ev, cls, name, &value, arguments->site)) return NULL;
            if (!value && (arguments->unknown_items || arguments->unknown_keywords))
                value = value_unknown(ev, name->text, arguments->site, NULL);
            if (!value)
                return evaluator_raise_id(ev, EXCEPTION_TYPE, arguments->site,
                                          "%.*s.__init__() missing 1 required positional argument: '%.*s'",
                                          SLICE_ARGS(cls->name->text), SLICE_ARGS(name->text));
            instance_set(ev, self, name, value);
        }
    }
    Value *after = class_find(cls, ev->names.post_init);
    if (after && !value_call_with(ev, after, &self, 1, arguments->site)) return NULL;
    return value_none(ev);
}

static const NativeMethod dataclass_methods[] = {{"__init__", dataclass_init, NATIVE_METHOD, NULL}, {0}};

static Value *dataclass_apply(Evaluator *ev, Value *self, const Arguments *arguments) {
    (void)self;
    if (!arguments->count || !value_is(arguments->items[0], VALUE_CLASS))
        return arguments->count ? arguments->items[0] : value_none(ev);
    Class *cls = (Class *)arguments->items[0];
    if (!atom_map_get(&cls->names, ev->names.init)) class_define_methods(ev, cls, dataclass_methods);
    return &cls->head;
}

static Value *dataclass_decorator(Evaluator *ev, Value *self, const Arguments *arguments) {
    if (arguments->count) return dataclass_apply(ev, self, arguments);
    return value_native_function(ev, "dataclass", dataclass_apply, NULL);
}

static Value *dataclass_asdict(Evaluator *ev, Value *self, const Arguments *arguments) {
    (void)self;
    if (!arguments->count || value_is_unknown(arguments->items[0])) {
        DictValue *open = value_dict(ev);
        open->open = true;
        return &open->head;
    }
    return value_get_attribute(ev, arguments->items[0], ev->names.dict, arguments->site);
}

void dataclasses_setup(Evaluator *ev, ModuleValue *module) {
    module_define_function(ev, module, "dataclass", dataclass_decorator);
    module_define_function(ev, module, "field", dataclass_field);
    module_define_function(ev, module, "asdict", dataclass_asdict);
}

/* ---- json ---- */

static void json_text(Buffer *out, Slice text) {
    buffer_put(out, '"');
    for (size_t i = 0; i < text.length; i++) {
        unsigned char c = (unsigned char)text.start[i];
        if (c == '"' || c == '\\') buffer_format(out, "\\%c", c);
        else if (c == '\n') buffer_text(out, "\\n");
        else if (c == '\t') buffer_text(out, "\\t");
        else if (c == '\r') buffer_text(out, "\\r");
        else if (c < 0x20) buffer_format(out, "\\u%04x", c);
        else buffer_put(out, (char)c);
    }
    buffer_put(out, '"');
}

/* False: something in it is unknown or no JSON. */
static bool json_write(Evaluator *ev, Buffer *out, Value *value, int depth) {
    value = value_resolve(value);
    if (depth > 100) return false;
    if (value_is_none(value)) return buffer_text(out, "null"), true;
    if (value_is(value, VALUE_BOOL)) return buffer_text(out, value_is_true(value) ? "true" : "false"), true;
    if (value_is(value, VALUE_INTEGER) || value_is(value, VALUE_FLOAT))
        return buffer_slice(out, value_repr(ev, value)), true;
    if (value_is(value, VALUE_STRING)) return json_text(out, value_text(value)), true;
    if (value_is(value, VALUE_LIST) || value_is(value, VALUE_TUPLE)) {
        const ListValue *list = (ListValue *)value;
        buffer_put(out, '[');
        for (int i = 0; i < list->count; i++) {
            if (i) buffer_text(out, ", ");
            if (!json_write(ev, out, list->items[i], depth + 1)) return false;
        }
        return buffer_put(out, ']'), !list->open;
    }
    if (!value_is(value, VALUE_DICT)) return false;
    const DictValue *dict = (DictValue *)value;
    buffer_put(out, '{');
    for (int i = 0; i < dict->count; i++) {
        if (i) buffer_text(out, ", ");
        if (!value_is(dict->entries[i].key, VALUE_STRING)) return false;
        json_text(out, value_text(dict->entries[i].key));
        buffer_text(out, ": ");
        if (!json_write(ev, out, dict->entries[i].value, depth + 1)) return false;
    }
    return buffer_put(out, '}'), !dict->open;
}

bool json_write_value(Evaluator *ev, Buffer *out, Value *value) { return json_write(ev, out, value, 0); }

static Value *json_dumps(Evaluator *ev, Value *self, const Arguments *arguments) {
    (void)self;
    Buffer out;
    buffer_init(&out, ev->arena);
    if (!arguments->count || arguments->keyword_count || !json_write_value(ev, &out, arguments->items[0]))
        return unknown_result(ev, arguments->site, ev->builtins.kinds[VALUE_STRING]);
    return value_string(ev, buffer_view(&out));
}

static Value *json_loads(Evaluator *ev, Value *self, const Arguments *arguments) {
    (void)self;
    bool known = arguments->count && value_is(arguments->items[0], VALUE_STRING);
    Value *value = known ? json_read_value(ev, value_text(arguments->items[0])) : NULL;
    if (known && !value)
        return evaluator_raise_id(ev, EXCEPTION_VALUE, arguments->site, "Expecting value: this text is no JSON");
    return value ? value : unknown_result(ev, arguments->site, NULL);
}

void json_setup(Evaluator *ev, ModuleValue *module) {
    module_define_function(ev, module, "dumps", json_dumps);
    module_define_function(ev, module, "loads", json_loads);
    module_define_function(ev, module, "load", json_loads);
    module_define_exception(ev, module, "JSONDecodeError", evaluator_exception(ev, EXCEPTION_VALUE), CODE_VALUE_ERROR);
}
