/*
 * Values of the symbolic evaluator. A value has a type: a table of slots, as CPython's own objects
 * do. The evaluator knows Python only; native modules (Django, SQLAlchemy, datetime, …) bring types
 * and classes of their own and register them by name (see native.h).
 *
 * What can't be known is a value too:
 *   unknown   text of the source it stands for ("user_id", "request.user.pk"); becomes a named bind
 *             parameter where a scalar may stand; may carry the class that an instance of it would have
 *   optional  an unknown that is None or a certain value ("the first row, if there is one"): see
 *             value_optional. The evaluator resolves it before native code sees it as self or argument.
 *
 * A branch that can't be decided never makes a mixed value: the evaluator takes one arm, and runs the
 * whole function (or module body) again for the other (see branch.h). So native code only ever
 * sees one consistent world; what it changed in it is put back by the journal.
 *
 * All values live in the evaluator's arena. Known scalars and tuples are immutable; lists, dicts,
 * sets and instances are mutable, and every mutation goes through the functions below (they keep
 * the journal that makes branches reversible).
 */
#ifndef ORMC_EVALUATE_VALUE_H
#define ORMC_EVALUATE_VALUE_H

#include "grammar/syntax.h"

typedef struct Evaluator Evaluator;
typedef struct Class Class;
typedef struct Type Type;

typedef enum ValueKind {
    VALUE_NONE,
    VALUE_BOOL,
    VALUE_INTEGER,
    VALUE_FLOAT,
    VALUE_COMPLEX,
    VALUE_STRING,
    VALUE_BYTES,
    VALUE_ELLIPSIS,
    VALUE_LIST,
    VALUE_TUPLE,
    VALUE_DICT,
    VALUE_SET,
    VALUE_SLICE,
    VALUE_RANGE,
    VALUE_FUNCTION, /* def, lambda */
    VALUE_NATIVE_FUNCTION,
    VALUE_METHOD, /* a function bound to its self */
    VALUE_CLASS,
    VALUE_MODULE,
    VALUE_SUPER,
    VALUE_PROPERTY,
    VALUE_CLASSMETHOD,
    VALUE_STATICMETHOD,
    VALUE_INSTANCE, /* of a class without native part */
    VALUE_DATE,
    VALUE_TIME,
    VALUE_DATETIME,
    VALUE_TIMEDELTA,
    VALUE_TIMEZONE,
    VALUE_DECIMAL,
    VALUE_UUID,
    VALUE_UNKNOWN,
    VALUE_NATIVE /* of a native module's own type: tell them apart by `type ==` */
} ValueKind;

struct Value {
    const Type *type;
    Class *cls; /* of which it is an instance; never NULL */
};
typedef struct Value Value;

typedef struct Keyword {
    Atom name;
    Value *value;
    const Node *node; /* the keyword in the source (its name is the place for diagnostics); may be the call */
} Keyword;

/* The arguments of one call, splats expanded. */
typedef struct Arguments {
    Value **items;
    const Node **nodes; /* one an item */
    int count;
    Keyword *keywords;
    int keyword_count;
    const Node *site;      /* the call */
    bool unknown_items;    /* `*args` whose length is not known came here */
    bool unknown_keywords; /* `**kwargs` that are not known came here; unknown_node says where */
    const Node *unknown_node;
} Arguments;

typedef enum Truth { TRUTH_FALSE, TRUTH_TRUE, TRUTH_UNKNOWN, TRUTH_ERROR } Truth;

/*
 * Slots. Any may be NULL: the default of Python's `object`. A slot that returns NULL has raised
 * (evaluator_raise) unless said otherwise. `site` is the node that is being evaluated.
 */
struct Type {
    const char *name; /* for messages and repr */
    ValueKind kind;
    /* Attributes that are neither in the instance nor in the class; NULL without an error pending: there is none. */
    Value *(*get_attribute)(Evaluator *ev, Value *self, Atom name, const Node *site);
    /* NULL: into the instance's own attributes. */
    bool (*set_attribute)(Evaluator *ev, Value *self, Atom name, Value *value, const Node *site);
    /* setattr() of a name that is not known; NULL: nothing happens. */
    bool (*set_some_attribute)(Evaluator *ev, Value *self, const Node *site);
    Value *(*call)(Evaluator *ev, Value *self, const Arguments *arguments);
    Value *(*get_item)(Evaluator *ev, Value *self, Value *key, const Node *site);
    bool (*set_item)(Evaluator *ev, Value *self, Value *key, Value *value, const Node *site);
    /* NULL without an error pending: NotImplemented. `reflected`: self is the right operand. */
    Value *(*binary)(Evaluator *ev, Operator op, Value *self, Value *other, bool reflected, const Node *site);
    Value *(*unary)(Evaluator *ev, UnaryOperator op, Value *self, const Node *site);
    Value *(*compare)(Evaluator *ev, CompareOperator op, Value *self, Value *other, bool reflected, const Node *site);
    Truth (*truth)(Evaluator *ev, Value *self, const Node *site);
    /* A list or tuple of the items; or an unknown whose element is known by type (see unknown_of). */
    Value *(*iterate)(Evaluator *ev, Value *self, const Node *site);
    Value *(*length)(Evaluator *ev, Value *self, const Node *site);
    Value *(*contains)(Evaluator *ev, Value *self, Value *item, const Node *site);
    bool (*equals)(Evaluator *ev, Value *self, Value *other); /* for dict keys and ==; NULL: identity */
    uint32_t (*hash)(Evaluator *ev, Value *self);
    void (*describe)(Evaluator *ev, Value *self, Buffer *out);     /* repr() */
    Value *(*await)(Evaluator *ev, Value *self, const Node *site); /* NULL: awaiting gives the value itself */
    /* `with`: the value that `as` gets; and the end of the block. */
    Value *(*enter)(Evaluator *ev, Value *self, const Node *site);
    bool (*leave)(Evaluator *ev, Value *self, bool failed, const Node *site);
    /* A descriptor's __get__: what reading it through an instance gives, or through the class (instance NULL). */
    Value *(*get_bound)(Evaluator *ev, Value *self, Value *instance, Class *cls, const Node *site);
    /* A class whose names its values answer to besides their own: for "did you mean". */
    const Class *(*answers_for)(const Value *self);
    /* For values that find their mistakes when they are used: false, and the error pending that Python would have
     * raised where the value was made. Asked once a call that it takes part in has failed: what came first is told. */
    bool (*settle)(Evaluator *ev, Value *self);
    bool has_attributes; /* its values start with Instance: they take attributes of their own */
};

/* ---- known values ---- */

typedef struct IntegerValue {
    Value head;
    int64_t number;
    Slice big; /* decimal digits where it does not fit, else empty */
} IntegerValue;
typedef struct FloatValue {
    Value head;
    double number;
    Slice text; /* as written, may be empty */
} FloatValue;
typedef struct StringValue {
    Value head;
    Slice text;
    Atom atom; /* set when interned */
} StringValue; /* also bytes */
typedef struct ListValue {
    Value head;
    Value **items;
    int count, capacity;
    bool open;   /* further, unknown items like these may be in it (appended in a loop over unknown rows) */
    short level; /* how many such loops were around when it was made */
} ListValue;     /* list and tuple */
/* A namedtuple: `names` parallel to the items. */
typedef struct NamedTupleValue {
    ListValue list;
    const Atom *names;
    Slice class_name;
} NamedTupleValue;
typedef struct DictEntry {
    Value *key, *value;
    const Node *node; /* where the entry was written, may be NULL */
} DictEntry;
typedef struct DictValue {
    Value head;
    DictEntry *entries; /* in order of insertion */
    int count, capacity;
    bool open;              /* further, unknown entries may be in it (**kwargs from outside) */
    Value *default_factory; /* of a defaultdict */
} DictValue;                /* also set: keys only */
typedef struct SliceValue {
    Value head;
    Value *lower, *upper, *step; /* NULL: left out */
} SliceValue;

/* Proleptic Gregorian; microseconds of a timedelta are the whole of it. */
typedef struct DateValue {
    Value head;
    int year, month, day;
} DateValue;
typedef struct TimeValue {
    Value head;
    int hour, minute, second, microsecond;
    Value *zone; /* NULL: naive */
    int fold;
} TimeValue;
typedef struct DateTimeValue {
    Value head;
    int year, month, day, hour, minute, second, microsecond;
    Value *zone;
    int fold;
} DateTimeValue;
typedef struct TimeDeltaValue {
    Value head;
    int64_t microseconds;
} TimeDeltaValue;
typedef struct TimeZoneValue {
    Value head;
    Slice name; /* IANA name, "UTC", or "UTC+05:30" */
    bool fixed;
    int offset; /* seconds, of a fixed zone */
} TimeZoneValue;
typedef struct DecimalValue {
    Value head;
    Slice text; /* as Python's str(): "1.50", "1E+3", "NaN" */
} DecimalValue;
typedef struct UuidValue {
    Value head;
    uint8_t bytes[16];
} UuidValue;

typedef struct FunctionValue {
    Value head;
    const Node *node; /* FunctionDef, AsyncFunctionDef or Lambda */
    Atom name;
    struct Scope *scope; /* where it was defined */
    Value **defaults;    /* evaluated at definition */
    Value **kw_defaults;
    Class *owner; /* the class whose body holds it, for super() */
    struct ModuleValue *module;
    bool is_async, is_generator;
    bool changed; /* by a decorator that is not known: it may take other arguments */
} FunctionValue;

typedef Value *(*NativeCall)(Evaluator *ev, Value *self, const Arguments *arguments);
typedef struct NativeFunctionValue {
    Value head;
    const char *name;
    NativeCall call;
    void *data;     /* of the module that made it */
    Value *self;    /* passed to `call`; NULL: a plain function, or a method not bound yet */
    bool is_method; /* binds to an instance when looked up on its class */
    Class *owner;   /* of a method: `self` is one of its instances, and of its memory; NULL: any value */
} NativeFunctionValue;
typedef struct MethodValue {
    Value head;
    Value *function;
    Value *self;
} MethodValue;
typedef struct ModuleValue {
    Value head;
    Atom name;
    AtomMap names;
    const Source *source;
    Slice label;      /* of a program's module: LABEL of --models, else the name of its directory */
    bool label_given; /* it is that of --models */
    bool native;
    bool is_package, is_models;
    bool open; /* further names may be in it: `from elsewhere import *` */
    Value *(*missing)(Evaluator *ev, struct ModuleValue *module, Atom name);
} ModuleValue;

/* What a class's native part is: each module knows its own by this, whatever class it is given. */
typedef struct NativeKind {
    const char *name;
} NativeKind;

/*
 * A class, native or from a `class` statement. Everything inherited is found through `mro`.
 */
struct Class {
    Value head;
    Atom name;
    Atom module; /* dotted name of the defining module */
    Class **bases;
    int base_count;
    Class **mro; /* starts with the class itself, ends with object */
    int mro_count;
    AtomMap names;             /* the class body's namespace */
    const Node *node;          /* the ClassDef; NULL for native classes */
    const Type *instance_type; /* slots of its instances; inherited from the first native base */
    /* Makes the instance before __init__ runs (Python's __new__); inherited. NULL: a plain instance. */
    Value *(*create)(Evaluator *ev, Class *cls, const Arguments *arguments);
    /* Called when a class statement has made a subclass of this native class; inherited. Fills cls->native. */
    bool (*subclassed)(Evaluator *ev, Class *cls, const Arguments *class_keywords);
    /* Attributes of the class itself that are computed (a metaclass's); NULL without an error: none. */
    Value *(*class_attribute)(Evaluator *ev, Class *cls, Atom name, const Node *site);
    /* An instance whose attributes are not known ("some Author"); NULL: evaluator makes a typed unknown. */
    Value *(*unknown_instance)(Evaluator *ev, Class *cls, Slice text, const Node *node);
    /* The same for a parameterised class (`QuerySet[Author]`); NULL: the parameter is ignored. */
    Value *(*unknown_of)(Evaluator *ev, Class *cls, Value *argument, Slice text, const Node *node);
    struct {
        const NativeKind *kind;
        void *data;
    } native;  /* a model, a mapper, …: class_native(); NOT inherited */
    bool open; /* has bases that are not known: it may have any further attribute */
    int code;  /* DiagnosticCode of exceptions of this class, inherited; -1: no exception class */
    ModuleValue *defined_in;
};

/* property(), also of native classes. */
typedef struct PropertyValue {
    Value head;
    Value *getter, *setter;
    bool cached; /* cached_property */
} PropertyValue;
/* classmethod(), staticmethod() */
typedef struct WrapperValue {
    Value head;
    Value *function;
} WrapperValue;

/* Mutable attributes; the head of every native struct that Python code may subclass or set attributes on. */
typedef struct Instance {
    Value head;
    AtomMap attributes;
} Instance;

/* ---- values that are not known ---- */

typedef struct UnknownValue {
    Value head;
    Slice text;              /* the source it stands for */
    const Node *node;        /* its place */
    Value *known_class;      /* Class or another type description (list[T] annotation value); NULL: nothing known */
    Value *element;          /* iterating gives this once; NULL: an unknown of no type */
    void *origin;            /* of a native module: which statement's row and column it comes from */
    const Type *origin_type; /* tells whose `origin` it is */
    Value *fallback;         /* a parameter's default: what stands here where no caller gives it; or NULL */
    Value *present;          /* optional: what it is unless None */
    Value *resolved;         /* what a decision on this path has made of it */
    AtomMap *attributes;     /* read or assigned so far, so that `x.y` is the same unknown twice */
} UnknownValue;

/* ---- making values ---- */

Value *value_none(Evaluator *ev);
Value *value_bool(Evaluator *ev, bool truth);
Value *value_integer(Evaluator *ev, int64_t number);
Value *value_big_integer(Evaluator *ev, Slice digits);
Value *value_float(Evaluator *ev, double number);
Value *value_string(Evaluator *ev, Slice text);
Value *value_bytes(Evaluator *ev, Slice bytes);
Value *value_atom(Evaluator *ev, Atom atom); /* a str */
ListValue *value_list(Evaluator *ev);
Value *value_tuple(Evaluator *ev, Value *const *items, int count);
/* A namedtuple: its items have names too. The names are kept, not copied. */
Value *value_named_tuple(Evaluator *ev, Slice class_name, const Atom *names, Value *const *items, int count);
DictValue *value_dict(Evaluator *ev);
Value *value_decimal(Evaluator *ev, Slice text);
Value *value_timedelta(Evaluator *ev, int64_t microseconds);
Value *value_unknown(Evaluator *ev, Slice text, const Node *node, Value *known_class);
Value *value_unknown_at(Evaluator *ev, const Node *node); /* text is the node's source */
Value *value_native_function(Evaluator *ev, const char *name, NativeCall call, void *data);
/* None or `present`: a test (`is None`, truth) decides, any other use takes it to be there. */
Value *value_optional(Evaluator *ev, Value *present, Slice text, const Node *node);
/* An unknown with one more level of text: "request.user" + "pk". */
Value *value_unknown_attribute(Evaluator *ev, const UnknownValue *owner, Atom name, const Node *node);
/* An unknown iterable; each of its items is `element`. */
Value *value_unknown_of(Evaluator *ev, Value *element, const Node *node);
/* What an annotation says of a parameter: instances by the class's hook, unknowns of known class, optionals. */
Value *value_from_annotation(Evaluator *ev, Value *annotation, Slice text, const Node *node);
DictValue *value_set(Evaluator *ev);
Value *value_slice(Evaluator *ev, Value *lower, Value *upper, Value *step);
Value *value_date(Evaluator *ev, int year, int month, int day);
Value *value_time(Evaluator *ev, int hour, int minute, int second, int microsecond, Value *zone);
Value *value_datetime(Evaluator *ev, const DateTimeValue *parts); /* copies the parts, not the head */
Value *value_uuid(Evaluator *ev, const uint8_t bytes[16]);
Value *value_zone(Evaluator *ev, Slice name); /* "UTC", an IANA name */
Value *value_fixed_zone(Evaluator *ev, int seconds);

/* ---- asking ---- */

static inline bool value_is(const Value *value, ValueKind kind) { return value->type->kind == kind; }
/* value_is_any(value, KIND(BOOL) | KIND(INTEGER)) */
#define KIND(kind) (UINT64_C(1) << VALUE_##kind)
static inline bool value_is_any(const Value *value, uint64_t kinds) { return kinds >> value->type->kind & 1; }
static inline bool value_is_none(const Value *value) { return value->type->kind == VALUE_NONE; }
static inline bool value_is_true(const Value *value) {
    return value->type->kind == VALUE_BOOL && ((const IntegerValue *)value)->number;
}
static inline bool value_is_unknown(const Value *value) { return value->type->kind == VALUE_UNKNOWN; }
/* Of str or bytes; empty of anything else. */
static inline Slice value_text(const Value *value) {
    bool is_text = value->type->kind == VALUE_STRING || value->type->kind == VALUE_BYTES;
    return is_text ? ((const StringValue *)value)->text : (Slice){"", 0};
}
/* A decision of this path applied: an optional or unknown that has become a value. */
Value *value_resolve(Value *value);
/* Where a name must stand: an unknown str for which a parameter's default is known is that default. */
Value *value_usual(Value *value);
/* bool or int that fits int64. */
bool value_as_integer(const Value *value, int64_t *number);
/* Items in the order of a Python set that they were added to one by one, where that order is the same in each run. */
void value_set_order(Evaluator *ev, Value **items, int count);
/* The atom of a str value (interned at need); of anything else that of its repr, the name of nothing. Never NULL. */
Atom value_as_atom(Evaluator *ev, Value *value);
bool value_is_instance(const Value *value, const Class *cls);
bool class_is_subclass(const Class *cls, const Class *base);
/* Looks `name` up along the mro; NULL: none. No descriptors, no errors. */
Value *class_find(const Class *cls, Atom name);
/* The class's own native part; NULL where it has none of this kind. */
void *class_native(const Class *cls, const NativeKind *kind);
void class_set_native(Class *cls, const NativeKind *kind, const void *data);

/* ---- generic operations: follow slots, raise as Python does; NULL = raised ---- */

Value *value_get_attribute(Evaluator *ev, Value *self, Atom name, const Node *site);
/* NULL without raising when there is no such attribute. */
Value *value_find_attribute(Evaluator *ev, Value *self, Atom name, const Node *site);
bool value_set_attribute(Evaluator *ev, Value *self, Atom name, Value *value, const Node *site);
Value *value_call(Evaluator *ev, Value *callee, const Arguments *arguments);
Value *value_call_with(Evaluator *ev, Value *callee, Value *const *items, int count, const Node *site);
Value *value_call_method(Evaluator *ev, Value *self, const char *name, Value *const *items, int count,
                         const Node *site);
Value *value_get_item(Evaluator *ev, Value *self, Value *key, const Node *site);
bool value_set_item(Evaluator *ev, Value *self, Value *key, Value *value, const Node *site);
Value *value_binary(Evaluator *ev, Operator op, Value *left, Value *right, const Node *site);
Value *value_unary(Evaluator *ev, UnaryOperator op, Value *operand, const Node *site);
Value *value_compare(Evaluator *ev, CompareOperator op, Value *left, Value *right, const Node *site);
/* false: the mistake that the value was made with is pending (see Type.settle). */
bool value_settle(Evaluator *ev, Value *value);
Truth value_truth(Evaluator *ev, Value *self, const Node *site);
/* Items of an iterable: a list/tuple value, or an unknown (whose `element` stands for each item). */
Value *value_iterate(Evaluator *ev, Value *self, const Node *site);
bool value_equals(Evaluator *ev, Value *left, Value *right);
uint32_t value_hash(Evaluator *ev, Value *self);
Value *value_str(Evaluator *ev, Value *self, const Node *site); /* str() */
Slice value_repr(Evaluator *ev, Value *self);                   /* repr(), for messages */

void list_append(Evaluator *ev, ListValue *list, Value *item);
/* What is appended now stands for any number of items: a loop over unknown rows goes on that began after the list. */
bool list_grows_unknown(const Evaluator *ev, const ListValue *list);
Value *dict_get(Evaluator *ev, const DictValue *dict, Value *key); /* NULL: absent */
Value *dict_get_text(Evaluator *ev, const DictValue *dict, const char *key);
void dict_set(Evaluator *ev, DictValue *dict, Value *key, Value *value, const Node *node);
Value *instance_get(const Value *instance, Atom name); /* own attribute, NULL: none */
void instance_set(Evaluator *ev, Value *instance, Atom name, Value *value);
/* Before a native struct's own mutable memory changes: the journal keeps its old bytes and puts them back when the
 * branch is undone. */
void evaluator_touch(Evaluator *ev, void *memory, size_t size);

#endif
