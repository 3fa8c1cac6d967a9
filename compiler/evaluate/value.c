/*
 * Making values and asking what they are; lists, dicts and instances with their journal.
 * Input and output: values of the current arena. Invariant: known scalars are never changed after they are made.
 */
#include "compiler/evaluate/internal.h"

static void *value_new(Evaluator *ev, ValueKind kind, size_t size) {
    Value *value = arena_allocate_zeroed(ev->arena, size);
    value->type = builtin_types[kind];
    value->cls = ev->builtins.kinds[kind];
    return value;
}

Value *value_none(Evaluator *ev) { return ev->builtins.none; }
Value *value_bool(Evaluator *ev, bool truth) { return truth ? ev->builtins.true_ : ev->builtins.false_; }

Value *value_integer(Evaluator *ev, int64_t number) {
    if (number >= -3 && number < 257 && ev->builtins.small[number + 3]) return ev->builtins.small[number + 3];
    IntegerValue *value = value_new(ev, VALUE_INTEGER, sizeof *value);
    value->number = number;
    return &value->head;
}

Value *value_big_integer(Evaluator *ev, Slice digits) {
    IntegerValue *value = value_new(ev, VALUE_INTEGER, sizeof *value);
    value->big = digits;
    return &value->head;
}

Value *value_float(Evaluator *ev, double number) {
    FloatValue *value = value_new(ev, VALUE_FLOAT, sizeof *value);
    value->number = number;
    return &value->head;
}

Value *value_string(Evaluator *ev, Slice text) {
    StringValue *value = value_new(ev, VALUE_STRING, sizeof *value);
    value->text = text;
    return &value->head;
}

Value *value_bytes(Evaluator *ev, Slice bytes) {
    StringValue *value = value_new(ev, VALUE_BYTES, sizeof *value);
    value->text = bytes;
    return &value->head;
}

Value *value_atom(Evaluator *ev, Atom atom) {
    StringValue *value = value_new(ev, VALUE_STRING, sizeof *value);
    value->text = atom->text;
    value->atom = atom;
    return &value->head;
}

ListValue *value_list(Evaluator *ev) {
    ListValue *list = value_new(ev, VALUE_LIST, sizeof *list);
    list->level = (short)ev->loop_unknown;
    return list;
}

Value *value_tuple(Evaluator *ev, Value *const *items, int count) {
    ListValue *tuple = value_new(ev, VALUE_TUPLE, sizeof *tuple);
    tuple->items = ARENA_ARRAY(ev->arena, Value *, count);
    if (count) memcpy(tuple->items, items, sizeof *items * (size_t)count);
    tuple->count = tuple->capacity = count;
    return &tuple->head;
}

DictValue *value_dict(Evaluator *ev) { return value_new(ev, VALUE_DICT, sizeof(DictValue)); }
DictValue *value_set(Evaluator *ev) { return value_new(ev, VALUE_SET, sizeof(DictValue)); }

Value *value_slice(Evaluator *ev, Value *lower, Value *upper, Value *step) {
    SliceValue *slice = value_new(ev, VALUE_SLICE, sizeof *slice);
    slice->lower = lower;
    slice->upper = upper;
    slice->step = step;
    return &slice->head;
}

Value *value_decimal(Evaluator *ev, Slice text) {
    DecimalValue *value = value_new(ev, VALUE_DECIMAL, sizeof *value);
    value->text = text;
    return &value->head;
}

Value *value_timedelta(Evaluator *ev, int64_t microseconds) {
    TimeDeltaValue *value = value_new(ev, VALUE_TIMEDELTA, sizeof *value);
    value->microseconds = microseconds;
    return &value->head;
}

Value *value_date(Evaluator *ev, int year, int month, int day) {
    DateValue *value = value_new(ev, VALUE_DATE, sizeof *value);
    value->year = year;
    value->month = month;
    value->day = day;
    return &value->head;
}

Value *value_time(Evaluator *ev, int hour, int minute, int second, int microsecond, Value *zone) {
    TimeValue *value = value_new(ev, VALUE_TIME, sizeof *value);
    value->hour = hour;
    value->minute = minute;
    value->second = second;
    value->microsecond = microsecond;
    value->zone = zone;
    return &value->head;
}

Value *value_datetime(Evaluator *ev, const DateTimeValue *parts) {
    DateTimeValue *value = value_new(ev, VALUE_DATETIME, sizeof *value);
    Value head = value->head;
    *value = *parts;
    value->head = head;
    return &value->head;
}

Value *value_uuid(Evaluator *ev, const uint8_t bytes[16]) {
    UuidValue *value = value_new(ev, VALUE_UUID, sizeof *value);
    memcpy(value->bytes, bytes, 16);
    return &value->head;
}

Value *value_zone(Evaluator *ev, Slice name) {
    TimeZoneValue *value = value_new(ev, VALUE_TIMEZONE, sizeof *value);
    value->name = name;
    value->fixed = slice_equals_text(name, "UTC");
    return &value->head;
}

Value *value_fixed_zone(Evaluator *ev, int seconds) {
    TimeZoneValue *value = value_new(ev, VALUE_TIMEZONE, sizeof *value);
    value->fixed = true;
    value->offset = seconds;
    int minutes = (seconds < 0 ? -seconds : seconds) / 60;
    value->name = seconds
                      ? slice_format(ev->arena, "UTC%c%02d:%02d", seconds < 0 ? '-' : '+', minutes / 60, minutes % 60)
                      : SLICE("UTC");
    return &value->head;
}

Value *value_native_function(Evaluator *ev, const char *name, NativeCall call, void *data) {
    NativeFunctionValue *value = value_new(ev, VALUE_NATIVE_FUNCTION, sizeof *value);
    value->name = name;
    value->call = call;
    value->data = data;
    return &value->head;
}

/* ---- asking ---- */

bool value_as_integer(const Value *value, int64_t *number) {
    if (value->type->kind != VALUE_INTEGER && value->type->kind != VALUE_BOOL) return false;
    const IntegerValue *integer = (const IntegerValue *)value;
    if (integer->big.length) return false;
    *number = integer->number;
    return true;
}

Atom value_as_atom(Evaluator *ev, Value *value) {
    if (!value_is(value, VALUE_STRING)) return atom_intern(ev->atoms, value_repr(ev, value)); /* no name of anything */
    StringValue *string = (StringValue *)value;
    if (!string->atom) string->atom = atom_intern(ev->atoms, string->text);
    return string->atom;
}

bool class_is_subclass(const Class *cls, const Class *base) {
    for (int i = 0; i < cls->mro_count; i++)
        if (cls->mro[i] == base) return true;
    return false;
}

bool value_is_instance(const Value *value, const Class *cls) {
    if (value->cls == cls) return true;
    if (value->type->kind == VALUE_UNKNOWN) {
        const Class *known = unknown_class(value);
        return known && class_is_subclass(known, cls);
    }
    return class_is_subclass(value->cls, cls);
}

void *class_native(const Class *cls, const NativeKind *kind) {
    return cls->native.kind == kind ? cls->native.data : NULL;
}

void class_set_native(Class *cls, const NativeKind *kind, const void *data) {
    cls->native.kind = kind;
    cls->native.data = (void *)(uintptr_t)data;
}

Value *class_find(const Class *cls, Atom name) {
    for (int i = 0; i < cls->mro_count; i++) {
        Value *found = atom_map_get(&cls->mro[i]->names, name);
        if (found) return found;
    }
    return NULL;
}

/* ---- lists ---- */

void list_append(Evaluator *ev, ListValue *list, Value *item) {
    evaluator_touch(ev, list, sizeof *list);
    if (list->count == list->capacity) {
        list->items = arena_grow(ev->arena, list->items, list->count, &list->capacity, sizeof *list->items);
    } else if (ev->journaling) evaluator_touch(ev, &list->items[list->count], sizeof *list->items);
    list->items[list->count++] = item;
    if (list_grows_unknown(ev, list)) list->open = true;
}

bool list_grows_unknown(const Evaluator *ev, const ListValue *list) { return ev->loop_unknown > list->level; }

/* ---- dicts ---- */

static int dict_position(Evaluator *ev, const DictValue *dict, Value *key) {
    bool text = value_is(key, VALUE_STRING);
    for (int i = 0; i < dict->count; i++) {
        Value *known = dict->entries[i].key;
        if (known == key) return i;
        if (text && value_is(known, VALUE_STRING)) {
            if (slice_equals(value_text(known), value_text(key))) return i;
        } else if (!text || !value_is(known, VALUE_STRING)) {
            if (value_equals(ev, known, key)) return i;
        }
    }
    return -1;
}

Value *dict_get(Evaluator *ev, const DictValue *dict, Value *key) {
    int at = dict_position(ev, dict, key);
    return at < 0 ? NULL : dict->entries[at].value;
}

Value *dict_get_text(Evaluator *ev, const DictValue *dict, const char *key) {
    (void)ev;
    for (int i = 0; i < dict->count; i++)
        if (value_is(dict->entries[i].key, VALUE_STRING) && slice_equals_text(value_text(dict->entries[i].key), key))
            return dict->entries[i].value;
    return NULL;
}

void dict_set(Evaluator *ev, DictValue *dict, Value *key, Value *value, const Node *node) {
    int at = dict_position(ev, dict, key);
    if (at >= 0) {
        evaluator_touch(ev, &dict->entries[at], sizeof *dict->entries);
        dict->entries[at].value = value;
        if (node) dict->entries[at].node = node;
        return;
    }
    evaluator_touch(ev, dict, sizeof *dict);
    if (dict->count == dict->capacity) {
        dict->entries = arena_grow(ev->arena, dict->entries, dict->count, &dict->capacity, sizeof *dict->entries);
    } else if (ev->journaling) evaluator_touch(ev, &dict->entries[dict->count], sizeof *dict->entries);
    dict->entries[dict->count++] = (DictEntry){key, value, node};
}

/* ---- instances ---- */

Value *instance_get(const Value *instance, Atom name) {
    return instance->type->has_attributes ? atom_map_get(&((const Instance *)instance)->attributes, name) : NULL;
}

void instance_set(Evaluator *ev, Value *instance, Atom name, Value *value) {
    if (instance->type->has_attributes) namespace_set(ev, &((Instance *)instance)->attributes, name, value);
}

void *instance_allocate(Evaluator *ev, Class *cls, size_t size) {
    Value *value = arena_allocate_zeroed(ev->arena, size);
    value->type = cls->instance_type;
    value->cls = cls;
    if (value->type->has_attributes) atom_map_init(&((Instance *)value)->attributes, ev->arena);
    return value;
}
