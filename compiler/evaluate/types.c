/*
 * The table of builtin types with their slots, the order of values, and their repr. One row a ValueKind.
 */
#include "compiler/evaluate/internal.h"
#include "compiler/evaluate/number.h"
#include "compiler/evaluate/types.h"

static Truth none_truth(Evaluator *ev, Value *self, const Node *site) {
    (void)ev;
    (void)self;
    (void)site;
    return TRUTH_FALSE;
}

static Truth unknown_truth(Evaluator *ev, Value *self, const Node *site) {
    (void)ev;
    (void)self;
    (void)site;
    return TRUTH_UNKNOWN;
}

static Value *text_contains(Evaluator *ev, Value *self, Value *item, const Node *site) {
    if (value_is_unknown(item)) return unknown_contains(ev, value_unknown_at(ev, site), item, false, site);
    if (value_is_enum_member(item)) item = enum_member_value(item);
    if (item->type->kind != self->type->kind)
        return evaluator_raise_id(ev, EXCEPTION_TYPE, site, "'in <string>' requires string as left operand, not %s",
                                  type_label(item));
    Slice text = value_text(self), wanted = value_text(item);
    for (size_t i = 0; i + wanted.length <= text.length; i++)
        if (memcmp(text.start + i, wanted.start, wanted.length) == 0) return value_bool(ev, true);
    return value_bool(ev, false);
}

static Value *text_iterate(Evaluator *ev, Value *self, const Node *site) {
    (void)site;
    ListValue *list = value_list(ev);
    Slice text = value_text(self);
    for (size_t at = 0; at < text.length;) {
        size_t end = at + text_offset(slice_sub(text, at, text.length), 1);
        list_append(ev, list, value_string(ev, slice_sub(text, at, end)));
        at = end;
    }
    return &list->head;
}

static void text_describe(Evaluator *ev, Value *self, Buffer *out) {
    (void)ev;
    repr_text(out, value_text(self), value_is(self, VALUE_BYTES));
}

static void describe_items(Evaluator *ev, Value *const *items, int count, Buffer *out) {
    for (int i = 0; i < count; i++) {
        if (i) buffer_text(out, ", ");
        if (out->length > 2000) {
            buffer_text(out, "...");
            return;
        }
        buffer_slice(out, value_repr(ev, items[i]));
    }
}

static void list_describe(Evaluator *ev, Value *self, Buffer *out) {
    const ListValue *list = (ListValue *)self;
    bool tuple = value_is(self, VALUE_TUPLE);
    buffer_put(out, tuple ? '(' : '[');
    describe_items(ev, list->items, list->count, out);
    if (tuple && list->count == 1) buffer_put(out, ',');
    buffer_put(out, tuple ? ')' : ']');
}

static void dict_describe(Evaluator *ev, Value *self, Buffer *out) {
    const DictValue *dict = (DictValue *)self;
    if (value_is(self, VALUE_SET) && !dict->count) {
        buffer_text(out, "set()");
        return;
    }
    buffer_put(out, '{');
    for (int i = 0; i < dict->count && out->length < 2000; i++) {
        if (i) buffer_text(out, ", ");
        buffer_slice(out, value_repr(ev, dict->entries[i].key));
        if (value_is(self, VALUE_SET)) continue;
        buffer_text(out, ": ");
        buffer_slice(out, value_repr(ev, dict->entries[i].value));
    }
    buffer_put(out, '}');
}

static void none_describe(Evaluator *ev, Value *self, Buffer *out) {
    (void)ev;
    (void)self;
    buffer_text(out, "None");
}

static void ellipsis_describe(Evaluator *ev, Value *self, Buffer *out) {
    (void)ev;
    (void)self;
    buffer_text(out, "Ellipsis");
}

static void unknown_describe(Evaluator *ev, Value *self, Buffer *out) {
    (void)ev;
    buffer_slice(out, ((UnknownValue *)self)->text);
}

static void slice_describe(Evaluator *ev, Value *self, Buffer *out) {
    const SliceValue *slice = (SliceValue *)self;
    Value *parts[3] = {slice->lower, slice->upper, slice->step};
    buffer_text(out, "slice(");
    for (int i = 0; i < 3; i++) {
        if (i) buffer_text(out, ", ");
        buffer_slice(out, parts[i] ? value_repr(ev, parts[i]) : SLICE("None"));
    }
    buffer_put(out, ')');
}

static void function_describe(Evaluator *ev, Value *self, Buffer *out) {
    (void)ev;
    buffer_format(out, "<function %.*s>", SLICE_ARGS(((FunctionValue *)self)->name->text));
}

static void module_describe(Evaluator *ev, Value *self, Buffer *out) {
    (void)ev;
    buffer_format(out, "<module '%.*s'>", SLICE_ARGS(((ModuleValue *)self)->name->text));
}

static bool number_equals(Evaluator *ev, Value *left, Value *right) {
    if (value_is(right, VALUE_DECIMAL)) return right->type->equals && right->type->equals(ev, right, left);
    bool comparable = true;
    return number_order(ev, left, right, &comparable) == 0 && comparable;
}

#define NUMBER(label, value_kind)                                                                                      \
    {                                                                                                                  \
        .name = label, .kind = value_kind, .binary = number_binary, .unary = number_unary, .truth = number_truth,      \
        .equals = number_equals, .hash = number_hash, .describe = number_describe                                      \
    }

static const Type none_type = {.name = "NoneType", .kind = VALUE_NONE, .truth = none_truth, .describe = none_describe};
static const Type bool_type = NUMBER("bool", VALUE_BOOL);
static const Type integer_type = NUMBER("int", VALUE_INTEGER);
static const Type float_type = NUMBER("float", VALUE_FLOAT);
static const Type complex_type = {.name = "complex", .kind = VALUE_COMPLEX};
static const Type string_type = {.name = "str",
                                 .kind = VALUE_STRING,
                                 .get_item = sequence_index,
                                 .truth = container_truth,
                                 .iterate = text_iterate,
                                 .length = container_length,
                                 .contains = text_contains,
                                 .describe = text_describe};
static const Type bytes_type = {.name = "bytes",
                                .kind = VALUE_BYTES,
                                .get_item = sequence_index,
                                .truth = container_truth,
                                .length = container_length,
                                .contains = text_contains,
                                .describe = text_describe};
static const Type ellipsis_type = {.name = "ellipsis", .kind = VALUE_ELLIPSIS, .describe = ellipsis_describe};
static const Type list_type = {.name = "list",
                               .kind = VALUE_LIST,
                               .get_item = sequence_index,
                               .set_item = list_set_item,
                               .truth = container_truth,
                               .length = container_length,
                               .describe = list_describe};
static const Type tuple_type = {.name = "tuple",
                                .kind = VALUE_TUPLE,
                                .get_item = sequence_index,
                                .truth = container_truth,
                                .length = container_length,
                                .describe = list_describe};

static Value *named_tuple_attribute(Evaluator *ev, Value *self, Atom name, const Node *site) {
    (void)ev;
    (void)site;
    const NamedTupleValue *tuple = (const NamedTupleValue *)self;
    for (int i = 0; i < tuple->list.count; i++)
        if (tuple->names[i] == name) return tuple->list.items[i];
    return NULL;
}

static void named_tuple_describe(Evaluator *ev, Value *self, Buffer *out) {
    const NamedTupleValue *tuple = (const NamedTupleValue *)self;
    buffer_format(out, "%.*s(", SLICE_ARGS(tuple->class_name));
    for (int i = 0; i < tuple->list.count && out->length < 2000; i++)
        buffer_format(out, "%s%.*s=%.*s", i ? ", " : "", SLICE_ARGS(tuple->names[i]->text),
                      SLICE_ARGS(value_repr(ev, tuple->list.items[i])));
    buffer_put(out, ')');
}

static const Type named_tuple_type = {.name = "tuple",
                                      .kind = VALUE_TUPLE,
                                      .get_attribute = named_tuple_attribute,
                                      .get_item = sequence_index,
                                      .truth = container_truth,
                                      .length = container_length,
                                      .describe = named_tuple_describe};

Value *value_named_tuple(Evaluator *ev, Slice class_name, const Atom *names, Value *const *items, int count) {
    NamedTupleValue *tuple = ARENA_NEW(evaluator_arena(ev), NamedTupleValue);
    ListValue *plain = (ListValue *)value_tuple(ev, items, count);
    tuple->list = *plain;
    tuple->list.head.type = &named_tuple_type;
    tuple->names = names;
    tuple->class_name = class_name;
    return &tuple->list.head;
}

static const Type dict_type = {.name = "dict",
                               .kind = VALUE_DICT,
                               .get_item = dict_get_item,
                               .set_item = dict_set_item,
                               .truth = container_truth,
                               .iterate = dict_iterate,
                               .length = container_length,
                               .contains = dict_contains,
                               .describe = dict_describe};
static const Type set_type = {.name = "set",
                              .kind = VALUE_SET,
                              .truth = container_truth,
                              .iterate = dict_iterate,
                              .length = container_length,
                              .contains = dict_contains,
                              .describe = dict_describe};
static const Type slice_type = {.name = "slice", .kind = VALUE_SLICE, .describe = slice_describe};
static const Type range_type = {.name = "range", .kind = VALUE_RANGE};
static const Type function_type = {.name = "function", .kind = VALUE_FUNCTION, .describe = function_describe};
static const Type native_function_type = {.name = "builtin_function_or_method", .kind = VALUE_NATIVE_FUNCTION};
static const Type method_type = {.name = "method", .kind = VALUE_METHOD};
static const Type class_type = {.name = "type", .kind = VALUE_CLASS};
static const Type module_type = {.name = "module", .kind = VALUE_MODULE, .describe = module_describe};
static const Type super_type = {.name = "super", .kind = VALUE_SUPER};
static const Type property_type = {.name = "property", .kind = VALUE_PROPERTY};
static const Type classmethod_type = {.name = "classmethod", .kind = VALUE_CLASSMETHOD};
static const Type staticmethod_type = {.name = "staticmethod", .kind = VALUE_STATICMETHOD};
static const Type unknown_type = {
    .name = "unknown", .kind = VALUE_UNKNOWN, .truth = unknown_truth, .describe = unknown_describe};

const Type *const builtin_types[VALUE_NATIVE + 1] = {
    [VALUE_NONE] = &none_type,
    [VALUE_BOOL] = &bool_type,
    [VALUE_INTEGER] = &integer_type,
    [VALUE_FLOAT] = &float_type,
    [VALUE_COMPLEX] = &complex_type,
    [VALUE_STRING] = &string_type,
    [VALUE_BYTES] = &bytes_type,
    [VALUE_ELLIPSIS] = &ellipsis_type,
    [VALUE_LIST] = &list_type,
    [VALUE_TUPLE] = &tuple_type,
    [VALUE_DICT] = &dict_type,
    [VALUE_SET] = &set_type,
    [VALUE_SLICE] = &slice_type,
    [VALUE_RANGE] = &range_type,
    [VALUE_FUNCTION] = &function_type,
    [VALUE_NATIVE_FUNCTION] = &native_function_type,
    [VALUE_METHOD] = &method_type,
    [VALUE_CLASS] = &class_type,
    [VALUE_MODULE] = &module_type,
    [VALUE_SUPER] = &super_type,
    [VALUE_PROPERTY] = &property_type,
    [VALUE_CLASSMETHOD] = &classmethod_type,
    [VALUE_STATICMETHOD] = &staticmethod_type,
    [VALUE_INSTANCE] = NULL,
    [VALUE_DATE] = &date_type,
    [VALUE_TIME] = &time_type,
    [VALUE_DATETIME] = &datetime_type,
    [VALUE_TIMEDELTA] = &timedelta_type,
    [VALUE_TIMEZONE] = &timezone_type,
    [VALUE_DECIMAL] = &decimal_type,
    [VALUE_UUID] = &uuid_type,
    [VALUE_UNKNOWN] = &unknown_type,
    [VALUE_NATIVE] = NULL,
};

int value_order(Evaluator *ev, Value *left, Value *right, bool *comparable) {
    left = value_resolve(left);
    right = value_resolve(right);
    if (value_is_enum_member(left) && value_is_enum_member(right) && left->cls == right->cls) {
        left = enum_member_value(left);
        right = enum_member_value(right);
    }
    ValueKind kind = left->type->kind;
    if ((kind == VALUE_STRING || kind == VALUE_BYTES) && right->type->kind == kind) {
        return slice_compare(value_text(left), value_text(right));
    }
    if ((kind == VALUE_LIST || kind == VALUE_TUPLE) && right->type->kind == kind) {
        const ListValue *a = (ListValue *)left, *b = (ListValue *)right;
        for (int i = 0; i < a->count && i < b->count; i++) {
            if (value_equals(ev, a->items[i], b->items[i])) continue;
            return value_order(ev, a->items[i], b->items[i], comparable);
        }
        return a->count < b->count ? -1 : a->count > b->count;
    }
    if (left->type->compare && !value_is(left, VALUE_NATIVE)) {
        /* dates, decimals and the like answer by their slot */
        Value *less = left->type->compare(ev, COMPARE_Lt, left, right, false, NULL);
        if (!less) {
            *comparable = false;
            return 0;
        }
        if (value_is_true(less)) return -1;
        Value *greater = left->type->compare(ev, COMPARE_Gt, left, right, false, NULL);
        return greater && value_is_true(greater) ? 1 : 0;
    }
    return number_order(ev, left, right, comparable);
}
