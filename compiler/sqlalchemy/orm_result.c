/*
 * Results: Result, ScalarResult, MappingResult, Row, and the values of rows as Python sees them.
 *
 * Input: RowValues, or one sample of rows that are not known. Output: lists, single rows, scalars; the exceptions
 * NoResultFound and MultipleResultsFound where the rows are really there.
 * Invariant: of unknown rows first() and one_or_none() give an optional, all() an unknown list of the sample.
 * Example: result.scalars().all() of unknown rows is "a list of some User".
 */
#include "compiler/sqlalchemy/orm_load.h"

/* ---- rows ---- */

RowValue *row_new(Evaluator *ev, Value *const *values, const Slice *names, int count) {
    RowValue *row = instance_allocate(ev, orm_state(ev)->row, sizeof *row);
    row->items = (ListValue *)value_tuple(ev, values, count);
    row->names = ARENA_ARRAY(evaluator_arena(ev), Slice, count + 1);
    for (int i = 0; i < count; i++) row->names[i] = names[i];
    row->count = count;
    return row;
}

static Value *row_mapping(Evaluator *ev, RowValue *row) {
    DictValue *dict = value_dict(ev);
    for (int i = 0; i < row->count; i++)
        dict_set(ev, dict, value_string(ev, row->names[i]), row->items->items[i], NULL);
    return &dict->head;
}

static Value *row_get_attribute(Evaluator *ev, Value *self, Atom name, const Node *site) {
    RowValue *row = (RowValue *)self;
    (void)site;
    for (int i = 0; i < row->count; i++)
        if (slice_equals(row->names[i], name->text)) return row->items->items[i];
    if (slice_equals_text(name->text, "_mapping")) return row_mapping(ev, row);
    if (slice_equals_text(name->text, "t") || slice_equals_text(name->text, "_t")) return &row->items->head;
    if (slice_equals_text(name->text, "_fields")) {
        Value **names = ARENA_ARRAY(evaluator_arena(ev), Value *, row->count + 1);
        for (int i = 0; i < row->count; i++) names[i] = value_string(ev, row->names[i]);
        return value_tuple(ev, names, row->count);
    }
    return NULL;
}

static Value *row_get_item(Evaluator *ev, Value *self, Value *key, const Node *site) {
    RowValue *row = (RowValue *)self;
    if (value_is(key, VALUE_STRING)) return row_get_attribute(ev, self, value_as_atom(ev, key), site);
    return value_get_item(ev, &row->items->head, key, site);
}

static Value *row_iterate(Evaluator *ev, Value *self, const Node *site) {
    (void)ev;
    (void)site;
    return &((RowValue *)self)->items->head;
}

static Value *row_length(Evaluator *ev, Value *self, const Node *site) {
    (void)site;
    return value_integer(ev, ((RowValue *)self)->count);
}

static void row_describe(Evaluator *ev, Value *self, Buffer *out) {
    buffer_slice(out, value_repr(ev, &((RowValue *)self)->items->head));
}

static bool row_equals(Evaluator *ev, Value *self, Value *other) {
    if (other->type == &orm_row_type) other = &((RowValue *)other)->items->head;
    return value_equals(ev, &((RowValue *)self)->items->head, other);
}

static Value *row_compare(Evaluator *ev, CompareOperator op, Value *self, Value *other, bool reflected,
                          const Node *site) {
    Value *mine = &((RowValue *)self)->items->head;
    if (other->type == &orm_row_type) other = &((RowValue *)other)->items->head;
    return reflected ? value_compare(ev, op, other, mine, site) : value_compare(ev, op, mine, other, site);
}

static uint32_t row_hash(Evaluator *ev, Value *self) { return value_hash(ev, &((RowValue *)self)->items->head); }

const Type orm_row_type = {.name = "Row",
                           .kind = VALUE_NATIVE,
                           .get_attribute = row_get_attribute,
                           .get_item = row_get_item,
                           .iterate = row_iterate,
                           .length = row_length,
                           .describe = row_describe,
                           .equals = row_equals,
                           .compare = row_compare,
                           .hash = row_hash,
                           .has_attributes = true};

static Value *row_as_dict(Evaluator *ev, Value *self, const Arguments *arguments) {
    (void)arguments;
    return row_mapping(ev, (RowValue *)self);
}
static Value *row_as_tuple(Evaluator *ev, Value *self, const Arguments *arguments) {
    (void)arguments;
    (void)ev;
    return &((RowValue *)self)->items->head;
}

static const NativeMethod row_methods[] = {{"_asdict", row_as_dict, NATIVE_METHOD, NULL},
                                           {"tuple", row_as_tuple, NATIVE_METHOD, NULL},
                                           {"_tuple", row_as_tuple, NATIVE_METHOD, NULL},
                                           {0}};

/* ---- values of real rows ---- */

static Value *call_class_method(Evaluator *ev, const char *module_name, const char *class_name, const char *method,
                                Value *argument, const Node *site) {
    ModuleValue *module = evaluator_import(ev, module_name);
    Value *cls = module ? atom_map_get(&module->names, orm_atom(ev, class_name)) : NULL;
    if (!cls) return argument;
    if (!method) return value_call_with(ev, cls, &argument, 1, site);
    return value_call_method(ev, cls, method, &argument, 1, site);
}

static Value *convert_enum(Evaluator *ev, const SaType *type, Value *value) {
    (void)ev;
    for (int i = 0; value_is(value, VALUE_STRING) && i < type->label_count; i++)
        if (slice_equals(type->labels[i], value_text(value)) && type->label_values && type->label_values[i])
            return type->label_values[i];
    return value;
}

static Value *json_or_text(Evaluator *ev, Value *value) {
    Value *read = json_value(ev, value_text(value));
    return read ? read : value;
}

Value *result_convert(Evaluator *ev, const SaType *type, Value *value, const Node *site) {
    if (!type || !value || value_is_none(value) || value_is_unknown(value)) return value;
    type = type_on_dialect(ev, type, evaluator_dialect(ev));
    bool text = value_is(value, VALUE_STRING);
    int64_t number = 0;
    if (type_is(type, TYPE_BOOLEAN) && value_is(value, VALUE_INTEGER) && value_as_integer(value, &number))
        return value_bool(ev, number != 0);
    if (type_is(type, TYPE_ENUM)) return convert_enum(ev, type, value);
    if (type_is(type, TYPE_DATETIME) && text)
        return call_class_method(ev, "datetime", "datetime", "fromisoformat", value, site);
    if (type_is(type, TYPE_DATE) && text)
        return call_class_method(ev, "datetime", "date", "fromisoformat", value, site);
    if (type_is(type, TYPE_TIME) && text)
        return call_class_method(ev, "datetime", "time", "fromisoformat", value, site);
    if (type_is(type, TYPE_UUID) && text && !type->as_uuid_off)
        return call_class_method(ev, "uuid", "UUID", NULL, value, site);
    if (type_is(type, TYPE_JSON) && text) return json_or_text(ev, value);
    bool decimal = type_is(type, TYPE_NUMERIC) && !type_is(type, TYPE_FLOAT) && !type->decimal_off;
    if (decimal && (value_is(value, VALUE_FLOAT) || value_is(value, VALUE_INTEGER))) {
        int scale = type->scale >= 0 ? (int)type->scale : 10;
        double plain = 0;
        if (value_is(value, VALUE_FLOAT)) plain = ((FloatValue *)value)->number;
        else if (value_as_integer(value, &number)) plain = (double)number;
        return value_decimal(ev, slice_format(evaluator_arena(ev), "%.*f", scale, plain));
    }
    return value;
}

/* ---- results ---- */

ResultValue *result_new(Evaluator *ev, const Node *site) {
    ResultValue *made = instance_allocate(ev, orm_state(ev)->result, sizeof *made);
    made->rowcount = -1;
    made->site = site;
    made->closed = ARENA_NEW(evaluator_arena(ev), bool);
    return made;
}

static Value *shape_row(Evaluator *ev, const ResultValue *result, RowValue *row) {
    if (result->single_items && row->count == 1) return row->items->items[0];
    switch (result->shape) {
    case RESULT_ROWS: return &row->head.head;
    case RESULT_SCALARS: return result->column < row->count ? row->items->items[result->column] : value_none(ev);
    case RESULT_MAPPINGS: return row_mapping(ev, row);
    }
    return NULL;
}

Value *result_all(Evaluator *ev, ResultValue *result) {
    if (!result->rows) {
        if (!result->sample) return &value_list(ev)->head;
        return value_unknown_of(ev, shape_row(ev, result, result->sample), result->site);
    }
    ListValue *list = value_list(ev);
    for (int i = 0; i < result->rows->count; i++) {
        Value *item = shape_row(ev, result, (RowValue *)result->rows->items[i]);
        bool known = false;
        for (int j = 0; result->unique && j < list->count; j++)
            known |= list->items[j] == item || value_equals(ev, list->items[j], item);
        if (!known) list_append(ev, list, item);
    }
    return &list->head;
}

Value *result_first(Evaluator *ev, ResultValue *result, bool scalar) {
    ResultValue shaped = *result;
    if (scalar && shaped.shape == RESULT_ROWS) shaped.shape = RESULT_SCALARS;
    if (!result->rows) {
        if (!result->sample) return value_none(ev);
        Value *present = shape_row(ev, &shaped, result->sample);
        return value_optional(ev, present, SLICE("row"), result->site);
    }
    if (!result->rows->count) return value_none(ev);
    return shape_row(ev, &shaped, (RowValue *)result->rows->items[0]);
}

typedef enum OneMode { ONE_FIRST, ONE_EXACTLY, ONE_OR_NONE } OneMode;
static const struct {
    const char *name;
    OneMode mode;
    bool scalar;
} one_methods[] = {{"first", ONE_FIRST, false},         {"one", ONE_EXACTLY, false},
                   {"one_or_none", ONE_OR_NONE, false}, {"scalar", ONE_FIRST, true},
                   {"scalar_one", ONE_EXACTLY, true},   {"scalar_one_or_none", ONE_OR_NONE, true},
                   {"fetchone", ONE_FIRST, false}};

/* A single row closes its result: it can't be asked again. */
static bool result_is_open(Evaluator *ev, const ResultValue *result, const Node *site) {
    if (!*result->closed) return true;
    sa_raise(ev, SA_INVALID_REQUEST_ERROR, site, "This result object is closed.");
    evaluator_raise_help(ev, "execute the statement again, or keep what the first call returned");
    return false;
}

static Value *result_one(Evaluator *ev, Value *self, const Arguments *arguments) {
    ResultValue *result = (ResultValue *)self;
    if (!result_is_open(ev, result, arguments->site)) return NULL;
    size_t which = (size_t)(uintptr_t)evaluator_native_data(ev);
    OneMode mode = one_methods[which].mode;
    bool scalar = one_methods[which].scalar;
    evaluator_touch(ev, result->closed, sizeof *result->closed);
    *result->closed = !slice_equals_text(slice_from(one_methods[which].name), "fetchone");
    if (!result->rows) {
        if (mode != ONE_EXACTLY || !result->sample) return result_first(ev, result, scalar);
        ResultValue shaped = *result;
        if (scalar && shaped.shape == RESULT_ROWS) shaped.shape = RESULT_SCALARS;
        return shape_row(ev, &shaped, result->sample);
    }
    ListValue *all = (ListValue *)result_all(ev, result);
    if (!all->count && mode == ONE_EXACTLY)
        return sa_raise(ev, SA_NO_RESULT_FOUND, arguments->site, "No row was found when one was required");
    if (all->count > 1 && mode != ONE_FIRST)
        return sa_raise(ev, SA_MULTIPLE_RESULTS_FOUND, arguments->site,
                        mode == ONE_EXACTLY ? "Multiple rows were found when exactly one was required"
                                            : "Multiple rows were found when one or none was required");
    return result_first(ev, result, scalar);
}

static ResultValue *result_shaped(Evaluator *ev, const ResultValue *result, ResultShape shape, int column) {
    ResultValue *copy = instance_allocate(ev, orm_state(ev)->result, sizeof *copy);
    Instance head = copy->head;
    *copy = *result;
    copy->head = head;
    copy->shape = shape;
    copy->column = column;
    return copy;
}

static Value *result_scalars(Evaluator *ev, Value *self, const Arguments *arguments) {
    int64_t column = 0;
    if (arguments->count) value_as_integer(arguments->items[0], &column);
    return &result_shaped(ev, (ResultValue *)self, RESULT_SCALARS, (int)column)->head.head;
}

static Value *result_mappings(Evaluator *ev, Value *self, const Arguments *arguments) {
    (void)arguments;
    return &result_shaped(ev, (ResultValue *)self, RESULT_MAPPINGS, 0)->head.head;
}

static Value *result_unique(Evaluator *ev, Value *self, const Arguments *arguments) {
    (void)arguments;
    ResultValue *made =
        result_shaped(ev, (ResultValue *)self, ((ResultValue *)self)->shape, ((ResultValue *)self)->column);
    made->unique = true;
    return &made->head.head;
}

static Value *result_same(Evaluator *ev, Value *self, const Arguments *arguments) {
    (void)ev;
    (void)arguments;
    return self;
}

static Value *result_call_all(Evaluator *ev, Value *self, const Arguments *arguments) {
    ResultValue *result = (ResultValue *)self;
    return result_is_open(ev, result, arguments->site) ? result_all(ev, result) : NULL;
}

static Value *result_partitions(Evaluator *ev, Value *self, const Arguments *arguments) {
    ResultValue *result = (ResultValue *)self;
    Value *all = result_all(ev, result);
    int64_t size = 0;
    if (value_is_unknown(all)) return value_unknown_of(ev, all, arguments->site);
    if (!arguments->count || !value_as_integer(arguments->items[0], &size) || size < 1) size = 1000000;
    ListValue *parts = value_list(ev), *list = (ListValue *)all;
    for (int i = 0; i < list->count; i++) {
        if (i % size == 0) list_append(ev, parts, &value_list(ev)->head);
        list_append(ev, (ListValue *)parts->items[parts->count - 1], list->items[i]);
    }
    return &parts->head;
}

static Value *result_nothing(Evaluator *ev, Value *self, const Arguments *arguments) {
    (void)self;
    (void)arguments;
    return value_none(ev);
}

static Value *result_keys(Evaluator *ev, Value *self, const Arguments *arguments) {
    ResultValue *result = (ResultValue *)self;
    RowValue *row = result->sample                        ? result->sample
                    : result->rows && result->rows->count ? (RowValue *)result->rows->items[0]
                                                          : NULL;
    if (!row) return value_unknown_at(ev, arguments->site);
    ListValue *list = value_list(ev);
    for (int i = 0; i < row->count; i++) list_append(ev, list, value_string(ev, row->names[i]));
    return &list->head;
}

static Value *result_get_attribute(Evaluator *ev, Value *self, Atom name, const Node *site) {
    ResultValue *result = (ResultValue *)self;
    if (slice_equals_text(name->text, "rowcount"))
        return result->rowcount >= 0 && evaluator_has_rows(ev) ? value_integer(ev, result->rowcount)
                                                               : value_unknown_at(ev, site);
    if (slice_equals_text(name->text, "inserted_primary_key"))
        return result->inserted_key ? &result->inserted_key->head : value_unknown_at(ev, site);
    if (slice_equals_text(name->text, "lastrowid"))
        return result->inserted_key && result->inserted_key->count ? result->inserted_key->items[0]
                                                                   : value_unknown_at(ev, site);
    if (slice_equals_text(name->text, "returns_rows")) return value_bool(ev, result->rows || result->sample);
    return NULL;
}

static Value *result_iterate(Evaluator *ev, Value *self, const Node *site) {
    (void)site;
    return result_all(ev, (ResultValue *)self);
}

static Value *result_enter(Evaluator *ev, Value *self, const Node *site) {
    (void)ev;
    (void)site;
    return self;
}

static bool result_leave(Evaluator *ev, Value *self, bool failed, const Node *site) {
    (void)ev;
    (void)self;
    (void)failed;
    (void)site;
    return true;
}

const Type orm_result_type = {.name = "Result",
                              .kind = VALUE_NATIVE,
                              .get_attribute = result_get_attribute,
                              .iterate = result_iterate,
                              .enter = result_enter,
                              .leave = result_leave,
                              .has_attributes = true};

void results_define(Evaluator *ev, ModuleValue *module) {
    static const NativeMethod fixed[] = {{"scalars", result_scalars, NATIVE_METHOD, NULL},
                                         {"mappings", result_mappings, NATIVE_METHOD, NULL},
                                         {"unique", result_unique, NATIVE_METHOD, NULL},
                                         {"all", result_call_all, NATIVE_METHOD, NULL},
                                         {"fetchall", result_call_all, NATIVE_METHOD, NULL},
                                         {"fetchmany", result_call_all, NATIVE_METHOD, NULL},
                                         {"partitions", result_partitions, NATIVE_METHOD, NULL},
                                         {"tuples", result_same, NATIVE_METHOD, NULL},
                                         {"yield_per", result_same, NATIVE_METHOD, NULL},
                                         {"freeze", result_same, NATIVE_METHOD, NULL},
                                         {"columns", result_same, NATIVE_METHOD, NULL},
                                         {"close", result_nothing, NATIVE_METHOD, NULL},
                                         {"keys", result_keys, NATIVE_METHOD, NULL}};
    enum { FIXED = sizeof fixed / sizeof *fixed, ONES = sizeof one_methods / sizeof *one_methods };
    NativeMethod *methods = ARENA_ARRAY(evaluator_arena(ev), NativeMethod, FIXED + ONES + 1);
    for (int i = 0; i < FIXED; i++) methods[i] = fixed[i];
    for (int i = 0; i < ONES; i++)
        methods[FIXED + i] = (NativeMethod){one_methods[i].name, result_one, NATIVE_METHOD, (void *)(uintptr_t)i};
    NativeClass result = {.name = "Result", .instance_type = &orm_result_type, .methods = methods};
    orm_state(ev)->result = module_define_class(ev, module, &result, NULL);
    module_define(ev, module, "ScalarResult", &orm_state(ev)->result->head);
    module_define(ev, module, "CursorResult", &orm_state(ev)->result->head);
    NativeClass row = {.name = "Row", .instance_type = &orm_row_type, .methods = row_methods};
    orm_state(ev)->row = module_define_class(ev, module, &row, NULL);
}
