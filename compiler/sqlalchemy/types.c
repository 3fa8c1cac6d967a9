/*
 * Type objects: the Python classes, their constructors' options, and what SQLAlchemy infers for literals.
 *
 * Input: Integer, String(50), Enum("a", "b"), a TypeDecorator subclass. Output: SaType values.
 * Invariants: a class that the program derives keeps the kind of its nearest known base; an option that doesn't apply
 * to a type is refused as Python refuses an unexpected keyword.
 * Example: Numeric(10, 2).with_variant(Text(), "mysql") is a NUMERIC with one variant.
 */
#include "compiler/sqlalchemy/face.h"

typedef struct TypeRow {
    const char *python;
    TypeKind base, affinity;
} TypeRow;
static const TypeRow type_rows[TYPE_KIND_COUNT] = {
#define T(name, python, base, affinity) [TYPE_##name] = {python, TYPE_##base, TYPE_##affinity},
#include "compiler/sqlalchemy/types.def"
#undef T
};

bool type_is(const SaType *type, TypeKind kind) {
    TypeKind at = type->kind;
    while (at != kind && at != TYPE_NULL) at = type_rows[at].base;
    return at == kind;
}

static void type_describe(Evaluator *ev, Value *self, Buffer *out) {
    (void)ev;
    buffer_format(out, "%.*s()", SLICE_ARGS(self->cls->name->text));
}

static Value *type_get_attribute(Evaluator *ev, Value *self, Atom name, const Node *site) {
    (void)site;
    SaType *type = (SaType *)self;
    Slice text = name->text;
    if (slice_equals_text(text, "length")) return type->length < 0 ? value_none(ev) : value_integer(ev, type->length);
    if (slice_equals_text(text, "precision"))
        return type->precision < 0 ? value_none(ev) : value_integer(ev, type->precision);
    if (slice_equals_text(text, "scale")) return type->scale < 0 ? value_none(ev) : value_integer(ev, type->scale);
    if (slice_equals_text(text, "timezone")) return value_bool(ev, type->timezone);
    if (slice_equals_text(text, "item_type") || slice_equals_text(text, "impl"))
        return type->item ? &type->item->head.head : NULL;
    if (slice_equals_text(text, "name")) return value_string(ev, type->name);
    if (slice_equals_text(text, "enums")) {
        ListValue *list = value_list(ev);
        for (int i = 0; i < type->label_count; i++) list_append(ev, list, value_string(ev, type->labels[i]));
        return &list->head;
    }
    return NULL;
}

static const Type sa_type_type = {
    .name = "TypeEngine",
    .kind = VALUE_NATIVE,
    .get_attribute = type_get_attribute,
    .describe = type_describe,
    .has_attributes = true,
};

bool type_is_value(Evaluator *ev, Value *value) {
    if (value->type == &sa_type_type) return true;
    return value_is(value, VALUE_CLASS) && class_is_subclass((Class *)value, sa_state(ev)->type_engine);
}

static const NativeKind type_native = {"TypeRow"};

static TypeKind kind_of_class(const Class *cls) {
    for (int i = 0; i < cls->mro_count; i++) {
        const TypeRow *row = class_native(cls->mro[i], &type_native);
        if (row) return (TypeKind)(row - type_rows);
    }
    return TYPE_NULL;
}

static SaType *type_of_class(Evaluator *ev, Class *cls, TypeKind kind) {
    SaType *type = instance_allocate(ev, cls, sizeof *type);
    type->kind = kind;
    type->affinity = type_rows[kind].affinity;
    type->length = type->precision = type->scale = -1;
    type->native_enum = true;
    if (type_is(type, TYPE_PICKLE)) type->item = NULL;
    return type;
}

SaType *type_new(Evaluator *ev, TypeKind kind) {
    SaState *state = sa_state(ev);
    Class *cls = state->type_classes[kind] ? state->type_classes[kind] : state->type_engine;
    return type_of_class(ev, cls, kind);
}

SaType *type_of_kind(Evaluator *ev, TypeKind kind) {
    SaState *state = sa_state(ev);
    if (!state->types[kind]) {
        evaluator_touch(ev, &state->types[kind], sizeof state->types[kind]);
        state->types[kind] = type_new(ev, kind);
    }
    return state->types[kind];
}

SaType *type_copy(Evaluator *ev, const SaType *type) {
    SaType *copy = ARENA_NEW(evaluator_arena(ev), SaType);
    *copy = *type;
    atom_map_init(&copy->head.attributes, evaluator_arena(ev));
    return copy;
}

/* ---- options ---- */

static bool number_option(Value *value, int64_t *out) { return value_is_none(value) || value_as_integer(value, out); }

static void text_option(Value *value, Slice *out) {
    if (value_is(value, VALUE_STRING)) *out = value_text(value);
}

/* How a keyword of a type's constructor is kept; OFF: the flag says that it was turned off. */
typedef enum OptionKind { OPTION_NUMBER, OPTION_TEXT, OPTION_FLAG, OPTION_OFF, OPTION_IGNORED } OptionKind;

#define NUMBER(keyword, field)                                                                                         \
    { keyword, OPTION_NUMBER, offsetof(SaType, field) }
#define TEXT(keyword)                                                                                                  \
    { #keyword, OPTION_TEXT, offsetof(SaType, keyword) }
#define FLAG(keyword)                                                                                                  \
    { #keyword, OPTION_FLAG, offsetof(SaType, keyword) }
#define OFF(keyword, field)                                                                                            \
    { keyword, OPTION_OFF, offsetof(SaType, field) }
#define IGNORED(keyword)                                                                                               \
    { keyword, OPTION_IGNORED, 0 }

/* The keywords of all types: SQLAlchemy's own constructors have few that mean something in one type alone. */
static const struct TypeOption {
    const char *name;
    OptionKind kind;
    size_t offset;
} type_option_table[] = {
    NUMBER("length", length),
    NUMBER("display_width", length),
    NUMBER("precision", precision),
    NUMBER("fsp", precision),
    NUMBER("second_precision", precision),
    NUMBER("scale", scale),
    TEXT(collation),
    TEXT(charset),
    TEXT(name),
    TEXT(schema),
    TEXT(fields),
    FLAG(timezone),
    {"unsigned", OPTION_FLAG, offsetof(SaType, unsigned_number)},
    FLAG(zerofill),
    FLAG(national),
    FLAG(binary),
    FLAG(varying),
    FLAG(ascii),
    FLAG(unicode),
    FLAG(native_enum),
    FLAG(create_constraint),
    FLAG(none_as_null),
    FLAG(zero_indexes),
    FLAG(as_tuple),
    OFF("as_uuid", as_uuid_off),
    OFF("native_uuid", native_uuid_off),
    OFF("native", native_off),
    OFF("asdecimal", decimal_off),
    IGNORED("decimal_return_scale"),
    IGNORED("validate_strings"),
    IGNORED("inherit_schema"),
    IGNORED("metadata"),
    OFF("create_type", create_type_off),
    IGNORED("values_callable"),
    IGNORED("sort_key_function"),
    IGNORED("omit_aliases"),
    IGNORED("astext_type"),
    IGNORED("text_type"),
    IGNORED("day_precision"),
    IGNORED("storage_format"),
    IGNORED("regexp"),
    IGNORED("quote"),
    IGNORED("truncate_microseconds"),
    IGNORED("pickler"),
    IGNORED("comparator"),
    IGNORED("impl"),
    IGNORED("protocol"),
    IGNORED("retrieve_as_bitwise"),
    IGNORED("_create_events"),
    IGNORED("quoting"),
    IGNORED("convert_unicode"),
    IGNORED("unicode_error"),
    IGNORED("default"),
    IGNORED("constraint_name"),
    IGNORED("not_null"),
    IGNORED("check"),
};

#undef NUMBER
#undef TEXT
#undef FLAG
#undef OFF
#undef IGNORED

/* One keyword of a type's constructor. False: no type has it, or the value is of no use. */
static bool type_keyword(SaType *type, Slice name, Value *value) {
    if (slice_equals_text(name, "dimensions")) {
        int64_t number = 0;
        value_as_integer(value, &number);
        type->dimensions = number < 0 ? 0 : number > INT32_MAX ? INT32_MAX : (int)number;
        return true;
    }
    for (size_t i = 0; i < sizeof type_option_table / sizeof *type_option_table; i++) {
        const struct TypeOption *option = &type_option_table[i];
        if (!slice_equals_text(name, option->name)) continue;
        void *field = (char *)type + option->offset;
        switch (option->kind) {
        case OPTION_NUMBER: return number_option(value, field);
        case OPTION_TEXT: text_option(value, field); break;
        case OPTION_FLAG: *(bool *)field = value_is_true(value); break;
        case OPTION_OFF: *(bool *)field = !value_is_true(value); break;
        case OPTION_IGNORED: break;
        }
        return true;
    }
    return false;
}

static bool value_is_enum_class(Value *value) {
    return value_is(value, VALUE_CLASS) && class_is_enum((const Class *)value);
}

static void enum_push(Evaluator *ev, SaType *type, Slice label, Value *member) {
    if (type->label_count == type->label_capacity) {
        int capacity = type->label_capacity ? type->label_capacity * 2 : 8;
        Slice *labels = ARENA_ARRAY(evaluator_arena(ev), Slice, capacity);
        Value **values = ARENA_ARRAY(evaluator_arena(ev), Value *, capacity);
        for (int i = 0; i < type->label_count; i++) {
            labels[i] = type->labels[i];
            values[i] = type->label_values[i];
        }
        type->labels = labels;
        type->label_values = values;
        type->label_capacity = capacity;
    }
    type->labels[type->label_count] = label;
    type->label_values[type->label_count++] = member;
}

static void enum_of_class(Evaluator *ev, SaType *type, Value *value) {
    Class *cls = (Class *)value;
    if (!type->name.length) {
        type->name = slice_lower(evaluator_arena(ev), cls->name->text);
    }
    for (int i = 0; i < enum_member_count(cls); i++) {
        Value *member = enum_member(cls, i);
        enum_push(ev, type, enum_member_name(member)->text, member);
    }
}

static Value *keyword_value(const Arguments *a, const char *name) {
    for (int i = 0; i < a->keyword_count; i++)
        if (slice_equals_text(a->keywords[i].name->text, name)) return a->keywords[i].value;
    return NULL;
}

/* Enum("a", "b") or Enum(PythonEnum); values_callable picks the values instead of the names. */
static bool enum_arguments(Evaluator *ev, SaType *type, const Arguments *a) {
    if (a->count == 1 && value_is_enum_class(a->items[0])) {
        Value *chosen = keyword_value(a, "values_callable");
        enum_of_class(ev, type, a->items[0]);
        if (!chosen || value_is_none(chosen)) return true;
        Value *made = value_call_with(ev, chosen, &a->items[0], 1, a->site);
        Value *items = made ? value_iterate(ev, made, a->site) : NULL;
        if (!items) return false;
        if (value_is_unknown(items)) return true;
        const ListValue *list = (const ListValue *)items;
        for (int i = 0; i < list->count && i < type->label_count; i++)
            if (value_is(list->items[i], VALUE_STRING)) type->labels[i] = value_text(list->items[i]);
        return true;
    }
    Value *const *items = a->items;
    int count = a->count;
    if (count == 1 && (value_is(items[0], VALUE_LIST) || value_is(items[0], VALUE_TUPLE))) {
        count = ((const ListValue *)a->items[0])->count;
        items = ((const ListValue *)a->items[0])->items;
    }
    for (int i = 0; i < count; i++)
        if (value_is(items[i], VALUE_STRING)) enum_push(ev, type, value_text(items[i]), items[i]);
    return true;
}

/* Positional parameters by kind. */
static const char *type_positional(const SaType *type, int index) {
    static const char *const numeric[] = {"precision", "scale", "asdecimal"};
    if (type_is(type, TYPE_FLOAT) && !type_is(type, TYPE_MY_FLOAT) && !type_is(type, TYPE_MY_DOUBLE) && index == 1)
        return "asdecimal";
    if (type->affinity == TYPE_NUMERIC) return index < 3 ? numeric[index] : "";
    if (type->kind == TYPE_MY_DATETIME || type->kind == TYPE_MY_TIME || type->kind == TYPE_MY_TIMESTAMP)
        return index == 0 ? "timezone" : "fsp";
    if (type->kind == TYPE_PG_INTERVAL || type->kind == TYPE_PG_TIMESTAMP || type->kind == TYPE_PG_TIME)
        return index == 0 && type->kind != TYPE_PG_INTERVAL ? "timezone" : "precision";
    if (type->affinity == TYPE_DATETIME || type->affinity == TYPE_TIME) return "timezone";
    if (type->affinity == TYPE_STRING) return index == 0 ? "length" : "collation";
    if (type->affinity == TYPE_JSON) return "none_as_null";
    if (type->affinity == TYPE_UUID) return "as_uuid";
    if (type->affinity == TYPE_INTERVAL) return "native";
    if (type->affinity == TYPE_BOOLEAN) return index == 0 ? "create_constraint" : "name";
    if (type->affinity == TYPE_BIT && index == 1) return "varying";
    if (type->kind == TYPE_PICKLE) return "protocol";
    return "length";
}

static bool type_options(Evaluator *ev, SaType *type, const Arguments *a) {
    int first = 0;
    if (type_is(type, TYPE_ENUM) || type->kind == TYPE_MY_SET) {
        if (!enum_arguments(ev, type, a)) return false;
        first = a->count;
    } else if (type_is(type, TYPE_ARRAY) && a->count) {
        type->item = type_from_value(ev, a->items[0], a->site);
        if (!type->item) return false;
        if (type_is(type->item, TYPE_ARRAY)) {
            evaluator_raise_id(ev, EXCEPTION_VALUE, a->site,
                               "Do not nest ARRAY types; ARRAY(basetype) handles multi-dimensional arrays of basetype");
            return false;
        }
        first = 1;
    } else if (type->kind == TYPE_PG_DOMAIN && a->count) {
        text_option(a->items[0], &type->name);
        if (a->count > 1 && !(type->item = type_from_value(ev, a->items[1], a->site))) return false;
        first = 2;
    }
    for (int i = first; i < a->count; i++) {
        const char *name = type_positional(type, i - first);
        if (!type_keyword(type, slice_from(name), a->items[i])) {
            evaluator_raise_id(ev, EXCEPTION_TYPE, a->site, "%s() got an unexpected argument",
                               type->head.head.cls->name->text.start);
            return false;
        }
    }
    for (int i = 0; i < a->keyword_count; i++) {
        Slice name = a->keywords[i].name->text;
        if (slice_equals_text(name, "item_type") && type_is(type, TYPE_ARRAY)) {
            if (!(type->item = type_from_value(ev, a->keywords[i].value, a->site))) return false;
        } else if (!type_keyword(type, name, a->keywords[i].value)) {
            evaluator_raise(ev, evaluator_exception(ev, EXCEPTION_TYPE), evaluator_keyword_span(ev, &a->keywords[i]),
                            "%s() got an unexpected keyword argument '%.*s'", type->head.head.cls->name->text.start,
                            SLICE_ARGS(name));
            evaluator_raise_near(ev, name,
                                 "length precision scale timezone collation name native_enum as_uuid asdecimal");
            return false;
        }
    }
    return true;
}

/* ---- classes ---- */

static SaType *decorator_impl(Evaluator *ev, SaType *type, const Arguments *a) {
    Value *impl = class_find(type->head.head.cls, atom_intern_text(evaluator_atoms(ev), "impl"));
    if (!impl)
        return evaluator_raise_id(ev, EXCEPTION_ATTRIBUTE, a ? a->site : NULL,
                                  "TypeDecorator implementations require a class-level variable 'impl' which refers to "
                                  "the class of type being decorated");
    if (!value_is(impl, VALUE_CLASS) || !a || !(a->count || a->keyword_count)) return type_from_value(ev, impl, NULL);
    Value *made = value_call(ev, impl, a);
    return made ? type_from_value(ev, made, a->site) : NULL;
}

static bool class_has_own(const Class *cls, const char *name) {
    for (int i = 0; i < cls->mro_count && cls->mro[i]->node; i++)
        for (int k = 0; k < cls->mro[i]->names.count; k++)
            if (cls->mro[i]->names.entries[k].key && slice_equals_text(cls->mro[i]->names.entries[k].key->text, name))
                return true;
    return false;
}

static Value *type_create(Evaluator *ev, Class *cls, const Arguments *a) {
    TypeKind kind = kind_of_class(cls);
    SaType *type = type_of_class(ev, cls, kind);
    bool own_init = cls->node && class_has_own(cls, "__init__");
    if (kind == TYPE_DECORATOR) {
        type->item = decorator_impl(ev, type, own_init ? NULL : a);
        if (!type->item) return NULL;
        type->affinity = type->item->affinity;
        type->length = type->item->length;
        type->precision = type->item->precision;
        type->scale = type->item->scale;
        return &type->head.head;
    }
    if (own_init || kind == TYPE_USER_DEFINED) return &type->head.head;
    return type_options(ev, type, a) ? &type->head.head : NULL;
}

static Value *type_init(Evaluator *ev, Value *self, const Arguments *a) {
    /* super().__init__(…) of a class that the program derives; the options stand already otherwise */
    SaType *type = (SaType *)self;
    if (self->type == &sa_type_type && self->cls->node && class_has_own(self->cls, "__init__")) {
        if (type->kind == TYPE_DECORATOR) {
            SaType *impl = decorator_impl(ev, type, a);
            if (!impl) return NULL;
            evaluator_touch(ev, type, sizeof *type);
            type->item = impl;
        } else if (type->kind != TYPE_USER_DEFINED && !type_options(ev, type, a)) {
            return NULL;
        }
    }
    return value_none(ev);
}

static Value *type_with_variant(Evaluator *ev, Value *self, const Arguments *a) {
    SaType *copy = type_copy(ev, (SaType *)self);
    if (!a->count) return evaluator_raise_id(ev, EXCEPTION_TYPE, a->site, "with_variant() missing 1 required argument");
    SaType *variant = type_from_value(ev, a->items[0], a->site);
    if (!variant) return NULL;
    TypeVariant *all = ARENA_ARRAY(evaluator_arena(ev), TypeVariant, copy->variant_count + a->count);
    for (int i = 0; i < copy->variant_count; i++) all[i] = copy->variants[i];
    for (int i = 1; i < a->count; i++)
        if (value_is(a->items[i], VALUE_STRING))
            all[copy->variant_count++] = (TypeVariant){value_text(a->items[i]), variant};
    copy->variants = all;
    return &copy->head.head;
}

static Value *type_evaluates_none(Evaluator *ev, Value *self, const Arguments *a) {
    (void)a;
    SaType *copy = type_copy(ev, (SaType *)self);
    copy->evaluates_none = true;
    return &copy->head.head;
}

static Value *type_copy_method(Evaluator *ev, Value *self, const Arguments *a) {
    (void)a;
    return &type_copy(ev, (SaType *)self)->head.head;
}

static const NativeMethod type_methods[] = {
    {"__init__", type_init, NATIVE_METHOD, NULL},
    {"with_variant", type_with_variant, NATIVE_METHOD, NULL},
    {"evaluates_none", type_evaluates_none, NATIVE_METHOD, NULL},
    {"copy", type_copy_method, NATIVE_METHOD, NULL},
    {NULL, NULL, NATIVE_METHOD, NULL},
};

static void json_null_describe(Evaluator *ev, Value *self, Buffer *out) {
    (void)ev;
    (void)self;
    buffer_text(out, "symbol('JSON_NULL')");
}

const Type sa_json_null_type = {.name = "symbol", .kind = VALUE_NATIVE, .describe = json_null_describe};

static Value *type_class_attribute(Evaluator *ev, Class *cls, Atom name, const Node *site) {
    (void)site;
    const TypeRow *row = class_native(cls, &type_native);
    if (!row || row->affinity != TYPE_JSON || !slice_equals_text(name->text, "NULL")) return NULL;
    Instance *made = ARENA_NEW(evaluator_arena(ev), Instance);
    made->head = (Value){&sa_json_null_type, cls};
    return &made->head;
}

static void type_class_define(Evaluator *ev, ModuleValue *module, TypeKind kind) {
    SaState *state = sa_state(ev);
    if (!state->type_classes[kind]) {
        NativeClass spec = {.name = type_rows[kind].python,
                            .instance_type = &sa_type_type,
                            .create = type_create,
                            .class_attribute = type_class_attribute};
        TypeKind base = type_rows[kind].base;
        Class *parent = base == TYPE_NULL ? state->type_engine : state->type_classes[base];
        Class *cls = module_define_class(ev, module, &spec, parent ? parent : state->type_engine);
        class_set_native(cls, &type_native, &type_rows[kind]);
        state->type_classes[kind] = cls;
        return;
    }
    module_define(ev, module, type_rows[kind].python, &state->type_classes[kind]->head);
}

void types_define(Evaluator *ev, ModuleValue *module) {
    SaState *state = sa_state(ev);
    if (!state->type_engine) {
        static const NativeClass spec = {
            .name = "TypeEngine", .instance_type = &sa_type_type, .methods = type_methods, .create = type_create};
        state->type_engine = module_define_class(ev, module, &spec, NULL);
    } else {
        module_define(ev, module, "TypeEngine", &state->type_engine->head);
    }
    for (int kind = TYPE_NULL; kind <= TYPE_SQL_UUID; kind++) type_class_define(ev, module, (TypeKind)kind);
    module_define(ev, module, "NULLTYPE", &type_of_kind(ev, TYPE_NULL)->head.head);
    module_define(ev, module, "BOOLEANTYPE", &type_of_kind(ev, TYPE_BOOLEAN)->head.head);
    module_define(ev, module, "STRINGTYPE", &type_of_kind(ev, TYPE_STRING)->head.head);
    module_define(ev, module, "INTEGERTYPE", &type_of_kind(ev, TYPE_INTEGER)->head.head);
}

void types_define_dialect(Evaluator *ev, ModuleValue *module, DialectId dialect) {
    for (int kind = TYPE_SQL_INTEGER; kind <= TYPE_SQL_UUID; kind++) type_class_define(ev, module, (TypeKind)kind);
    int first = dialect == DIALECT_POSTGRESQL ? TYPE_PG_ARRAY
                : dialect == DIALECT_SQLITE   ? TYPE_LITE_JSON
                                              : TYPE_MY_INTEGER;
    int last = dialect == DIALECT_POSTGRESQL ? TYPE_PG_TSTZMULTIRANGE
               : dialect == DIALECT_SQLITE   ? TYPE_LITE_DATETIME
                                             : TYPE_MY_INET6;
    for (int kind = first; kind <= last; kind++) type_class_define(ev, module, (TypeKind)kind);
    if (dialect != DIALECT_MYSQL) return;
    /* names of the dialect's first years */
    static const struct {
        const char *name;
        TypeKind kind;
    } old[] = {{"MSTime", TYPE_MY_TIME},
               {"MSSet", TYPE_MY_SET},
               {"MSEnum", TYPE_MY_ENUM},
               {"MSLongBlob", TYPE_MY_LONGBLOB},
               {"MSMediumBlob", TYPE_MY_MEDIUMBLOB},
               {"MSTinyBlob", TYPE_MY_TINYBLOB},
               {"MSBlob", TYPE_SQL_BLOB},
               {"MSBinary", TYPE_SQL_BINARY},
               {"MSVarBinary", TYPE_SQL_VARBINARY},
               {"MSNChar", TYPE_MY_NCHAR},
               {"MSNVarChar", TYPE_MY_NVARCHAR},
               {"MSChar", TYPE_MY_CHAR},
               {"MSString", TYPE_MY_VARCHAR},
               {"MSLongText", TYPE_MY_LONGTEXT},
               {"MSMediumText", TYPE_MY_MEDIUMTEXT},
               {"MSTinyText", TYPE_MY_TINYTEXT},
               {"MSText", TYPE_MY_TEXT},
               {"MSYear", TYPE_MY_YEAR},
               {"MSTimeStamp", TYPE_MY_TIMESTAMP},
               {"MSBit", TYPE_MY_BIT},
               {"MSSmallInteger", TYPE_MY_SMALLINT},
               {"MSTinyInteger", TYPE_MY_TINYINT},
               {"MSMediumInteger", TYPE_MY_MEDIUMINT},
               {"MSBigInteger", TYPE_MY_BIGINT},
               {"MSNumeric", TYPE_MY_NUMERIC},
               {"MSDecimal", TYPE_MY_DECIMAL},
               {"MSDouble", TYPE_MY_DOUBLE},
               {"MSReal", TYPE_MY_REAL},
               {"MSFloat", TYPE_MY_FLOAT},
               {"MSInteger", TYPE_MY_INTEGER}};
    for (size_t i = 0; i < sizeof old / sizeof *old; i++)
        module_define(ev, module, old[i].name, &sa_state(ev)->type_classes[old[i].kind]->head);
}

/* ---- from values ---- */

SaType *type_from_value(Evaluator *ev, Value *value, const Node *site) {
    if (!value || value_is_none(value)) return type_of_kind(ev, TYPE_NULL);
    if (value->type == &sa_type_type) return (SaType *)value;
    if (value_is(value, VALUE_CLASS) && class_is_subclass((Class *)value, sa_state(ev)->type_engine)) {
        Arguments none = {.site = site};
        Value *made = value_call(ev, value, &none);
        return made ? (SaType *)made : NULL;
    }
    return sa_raise(ev, SA_ARGUMENT_ERROR, site, "Type object expected, got %.*s", SLICE_ARGS(value_repr(ev, value)));
}

SaType *type_of_literal(Evaluator *ev, Value *value) {
    switch ((int)value->type->kind) {
    case VALUE_BOOL: return type_of_kind(ev, TYPE_BOOLEAN);
    case VALUE_INTEGER: {
        int64_t number = 0;
        bool big = !value_as_integer(value, &number) || number > INT32_MAX || number < INT32_MIN;
        return type_of_kind(ev, big ? TYPE_BIG_INTEGER : TYPE_INTEGER);
    }
    case VALUE_FLOAT: return type_of_kind(ev, TYPE_FLOAT);
    case VALUE_STRING: return type_of_kind(ev, TYPE_STRING);
    case VALUE_BYTES: return type_of_kind(ev, TYPE_LARGE_BINARY);
    case VALUE_DATE: return type_of_kind(ev, TYPE_DATE);
    case VALUE_TIME: return type_of_kind(ev, TYPE_TIME);
    case VALUE_DATETIME: return type_of_kind(ev, TYPE_DATETIME);
    case VALUE_TIMEDELTA: return type_of_kind(ev, TYPE_INTERVAL);
    case VALUE_DECIMAL: return type_of_kind(ev, TYPE_NUMERIC);
    case VALUE_UUID: return type_of_kind(ev, TYPE_UUID);
    case VALUE_UNKNOWN: {
        const UnknownValue *unknown = (const UnknownValue *)value;
        if (!unknown->known_class || !value_is(unknown->known_class, VALUE_CLASS)) return type_of_kind(ev, TYPE_NULL);
        SaType *type = type_of_python_class(ev, (Class *)unknown->known_class);
        return type ? type : type_of_kind(ev, TYPE_NULL);
    }
    default: return type_of_kind(ev, TYPE_NULL);
    }
}

SaType *type_of_python_class(Evaluator *ev, const Class *cls) {
    static const struct {
        const char *name;
        TypeKind kind;
    } rows[] = {{"bool", TYPE_BOOLEAN},       {"int", TYPE_INTEGER},       {"float", TYPE_FLOAT}, {"str", TYPE_STRING},
                {"bytes", TYPE_LARGE_BINARY}, {"datetime", TYPE_DATETIME}, {"date", TYPE_DATE},   {"time", TYPE_TIME},
                {"timedelta", TYPE_INTERVAL}, {"Decimal", TYPE_NUMERIC},   {"UUID", TYPE_UUID}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (slice_equals_text(cls->name->text, rows[i].name)) return type_of_kind(ev, rows[i].kind);
    if (value_is_enum_class((Value *)(uintptr_t)&cls->head)) {
        SaType *type = type_new(ev, TYPE_ENUM);
        enum_of_class(ev, type, (Value *)(uintptr_t)&cls->head);
        return type;
    }
    return NULL;
}

/* ---- the dialect that a TypeDecorator's methods are given ---- */

typedef struct DialectValue {
    Value head;
    const Dialect *dialect;
} DialectValue;

static Value *dialect_type_descriptor(Evaluator *ev, Value *self, const Arguments *a) {
    (void)self;
    return a->count ? a->items[0] : value_unknown_at(ev, a->site);
}

static Value *dialect_get_attribute(Evaluator *ev, Value *self, Atom name, const Node *site) {
    if (slice_equals_text(name->text, "name"))
        return value_string(ev, slice_from(((DialectValue *)self)->dialect->name));
    if (slice_equals_text(name->text, "type_descriptor"))
        return value_native_function(ev, "type_descriptor", dialect_type_descriptor, NULL);
    return value_unknown_at(ev, site);
}

static const Type dialect_type = {.name = "Dialect", .kind = VALUE_NATIVE, .get_attribute = dialect_get_attribute};

Value *dialect_value(Evaluator *ev, const Dialect *dialect) {
    DialectValue *made = ARENA_NEW(evaluator_arena(ev), DialectValue);
    *made = (DialectValue){{&dialect_type, evaluator_object_class(ev)}, dialect};
    return &made->head;
}

/* load_dialect_impl() of the program's own TypeDecorator; its impl where it has none. */
const SaType *decorator_type(Evaluator *ev, const SaType *type, const Dialect *dialect) {
    if (!class_has_own(type->head.head.cls, "load_dialect_impl")) return type->item;
    Value *given = dialect_value(ev, dialect);
    Value *self = (Value *)(uintptr_t)&type->head.head;
    Value *made = value_call_method(ev, self, "load_dialect_impl", &given, 1, type->head.head.cls->node);
    const SaType *found = made && !value_is_unknown(made) ? type_from_value(ev, made, type->head.head.cls->node) : NULL;
    if (!found) evaluator_clear_error(ev);
    return found && found != type ? found : type->item;
}

const SaType *type_on_dialect(Evaluator *ev, const SaType *type, const Dialect *dialect) {
    for (int i = 0; i < type->variant_count; i++)
        if (slice_equals_text(type->variants[i].dialect, dialect->name) ||
            (dialect->id == DIALECT_MARIADB && slice_equals_text(type->variants[i].dialect, "mysql")))
            return type_on_dialect(ev, type->variants[i].type, dialect);
    if (type->kind == TYPE_DECORATOR && type->item)
        return type_on_dialect(ev, decorator_type(ev, type, dialect), dialect);
    return type;
}
