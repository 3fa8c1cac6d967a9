/*
 * Modules of the standard library that ORM code imports: typing, functools, operator, itertools, collections,
 * contextlib, dataclasses, math, os, asyncio and the like. What is not here is unknown. Input: arguments;
 * output: as the real functions give, unknown where an argument is.
 */
#include <math.h>

#include "compiler/evaluate/internal.h"
#include "compiler/evaluate/number.h"
#include "compiler/evaluate/standard.h"

static Value *give_unknown(Evaluator *ev, Value *self, const Arguments *arguments) {
    (void)self;
    return unknown_result(ev, arguments->site, NULL);
}

static Value *give_first(Evaluator *ev, Value *self, const Arguments *arguments) {
    (void)self;
    return arguments->count ? arguments->items[0] : value_none(ev);
}

static Value *identity_decorator(Evaluator *ev, Value *self, const Arguments *arguments) {
    (void)self;
    (void)arguments;
    return value_native_function(ev, "decorator", give_first, NULL);
}

/* ---- typing ---- */

static Value *typing_get_item(Evaluator *ev, Value *self, Value *key, const Node *site);

typedef struct TypingForm {
    Value head;
    const char *name;
} TypingForm;

static Value *typing_or(Evaluator *ev, Operator op, Value *self, Value *other, bool reflected, const Node *site) {
    (void)site;
    if (op != OP_BitOr) return NULL;
    return reflected ? value_union(ev, other, self) : value_union(ev, self, other);
}

static Value *typing_call(Evaluator *ev, Value *self, const Arguments *arguments) {
    (void)self;
    return unknown_result(ev, arguments->site, NULL);
}

static const Type typing_type = {
    .name = "typing", .kind = VALUE_NATIVE, .get_item = typing_get_item, .binary = typing_or, .call = typing_call};

static Value *typing_get_item(Evaluator *ev, Value *self, Value *key, const Node *site) {
    const char *name = ((TypingForm *)self)->name;
    (void)site;
    if (strcmp(name, "Optional") == 0) return value_union(ev, key, value_none(ev));
    if (strcmp(name, "Union") == 0) {
        if (!value_is(key, VALUE_TUPLE) || ((ListValue *)key)->count < 2)
            return value_is(key, VALUE_TUPLE) && ((ListValue *)key)->count ? ((ListValue *)key)->items[0] : key;
        ListValue *members = (ListValue *)key;
        Value *result = members->items[0];
        for (int i = 1; i < members->count; i++) result = value_union(ev, result, members->items[i]);
        return result;
    }
    return value_alias(ev, value_native_function(ev, name, give_unknown, NULL), key);
}

static Value *typing_cast(Evaluator *ev, Value *self, const Arguments *arguments) {
    (void)self;
    return arguments->count == 2 ? arguments->items[1] : unknown_result(ev, arguments->site, NULL);
}

static void typing_setup(Evaluator *ev, ModuleValue *module) {
    static const char *const forms[] = {
        "Optional",      "Union",          "Annotated",       "ClassVar",      "Final",          "Literal",
        "Callable",      "Type",           "Tuple",           "Required",      "Sequence",       "Iterable",
        "Iterator",      "Collection",     "AsyncIterator",   "AsyncIterable", "AsyncGenerator", "Generator",
        "Mapping",       "MutableMapping", "MutableSequence", "FrozenSet",     "DefaultDict",    "Awaitable",
        "Coroutine",     "Concatenate",    "NotRequired",     "Self",          "Never",          "NoReturn",
        "LiteralString", "TypeAlias",      "Unpack"};
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        TypingForm *form = ARENA_NEW(ev->arena, TypingForm);
        form->head = (Value){&typing_type, ev->builtins.object};
        form->name = forms[i];
        module_define(ev, module, forms[i], &form->head);
    }
    module_define(ev, module, "Any", &ev->builtins.object->head);
    module_define(ev, module, "List", &ev->builtins.kinds[VALUE_LIST]->head);
    module_define(ev, module, "Dict", &ev->builtins.kinds[VALUE_DICT]->head);
    module_define(ev, module, "Set", &ev->builtins.kinds[VALUE_SET]->head);
    module_define(ev, module, "Text", &ev->builtins.kinds[VALUE_STRING]->head);
    module_define(ev, module, "TYPE_CHECKING", value_bool(ev, true));
    NativeClass generic = {.name = "Generic"}, protocol = {.name = "Protocol"};
    module_define_class(ev, module, &generic, NULL);
    module_define_class(ev, module, &protocol, NULL);
    named_tuples_setup(ev, module);
    static const char *const makers[] = {"TypeVar", "ParamSpec", "NewType", "get_type_hints", "get_args", "get_origin"};
    for (size_t i = 0; i < sizeof makers / sizeof *makers; i++)
        module_define_function(ev, module, makers[i], give_unknown);
    module_define_function(ev, module, "cast", typing_cast);
    static const char *const same[] = {"overload", "no_type_check", "final", "runtime_checkable", "override"};
    for (size_t i = 0; i < sizeof same / sizeof *same; i++) module_define_function(ev, module, same[i], give_first);
}

static void collections_abc_setup(Evaluator *ev, ModuleValue *module) {
    module_define_all(ev, module, evaluator_import(ev, "typing"));
}

/* ---- functools ---- */

typedef struct PartialValue {
    Value head;
    Value *function;
    Arguments arguments;
} PartialValue;

static Value *partial_call(Evaluator *ev, Value *self, const Arguments *arguments) {
    const PartialValue *partial = (PartialValue *)self;
    const Arguments *first = &partial->arguments;
    Arguments all = *arguments;
    all.count = first->count + arguments->count;
    all.items = ARENA_ARRAY(ev->arena, Value *, all.count);
    all.nodes = ARENA_ARRAY(ev->arena, const Node *, all.count);
    for (int i = 0; i < all.count; i++) {
        const Arguments *from = i < first->count ? first : arguments;
        int at = i < first->count ? i : i - first->count;
        all.items[i] = from->items[at];
        all.nodes[i] = from->nodes ? from->nodes[at] : arguments->site;
    }
    all.keywords = ARENA_ARRAY(ev->arena, Keyword, first->keyword_count + arguments->keyword_count);
    all.keyword_count = 0;
    for (int i = 0; i < first->keyword_count; i++)
        if (!arguments_keyword(arguments, first->keywords[i].name))
            all.keywords[all.keyword_count++] = first->keywords[i];
    for (int i = 0; i < arguments->keyword_count; i++) all.keywords[all.keyword_count++] = arguments->keywords[i];
    return value_call(ev, partial->function, &all);
}

static Value *partial_get_attribute(Evaluator *ev, Value *self, Atom name, const Node *site) {
    (void)ev;
    (void)site;
    return slice_equals_text(name->text, "func") ? ((PartialValue *)self)->function : NULL;
}

static const Type partial_type = {
    .name = "partial", .kind = VALUE_NATIVE, .call = partial_call, .get_attribute = partial_get_attribute};

static Value *functools_partial(Evaluator *ev, Value *self, const Arguments *arguments) {
    (void)self;
    if (!arguments->count)
        return evaluator_raise_id(ev, EXCEPTION_TYPE, arguments->site, "type 'partial' takes at least one argument");
    PartialValue *partial = ARENA_NEW(ev->arena, PartialValue);
    partial->head = (Value){&partial_type, ev->builtins.object};
    partial->function = arguments->items[0];
    partial->arguments = *arguments;
    partial->arguments.items++;
    if (partial->arguments.nodes) partial->arguments.nodes++;
    partial->arguments.count--;
    return &partial->head;
}

static Value *functools_reduce(Evaluator *ev, Value *self, const Arguments *arguments) {
    (void)self;
    Value *function = NULL, *iterable = NULL, *result = NULL;
    if (!arguments_bind(ev, arguments, "reduce", "function iterable | initial", &function, &iterable, &result))
        return NULL;
    Value *items = value_iterate(ev, iterable, arguments->site);
    if (!items) return NULL;
    Value *one[1] = {NULL};
    Value *const *list = one;
    int count = 1;
    if (value_is_unknown(items)) {
        one[0] = ((UnknownValue *)items)->element;
        if (!one[0]) return unknown_result(ev, arguments->site, NULL);
    } else list = ((ListValue *)items)->items, count = ((ListValue *)items)->count;
    for (int i = 0; i < count; i++) {
        Value *pair[2] = {result, list[i]};
        result = result ? value_call_with(ev, function, pair, 2, arguments->site) : list[i];
        if (!result) return NULL;
    }
    if (result) return result;
    return evaluator_raise_id(ev, EXCEPTION_TYPE, arguments->site, "reduce() of empty iterable with no initial value");
}

/* lru_cache and cache stand with and without parentheses. */
static Value *functools_cache(Evaluator *ev, Value *self, const Arguments *arguments) {
    if (arguments->count == 1 &&
        (value_is(arguments->items[0], VALUE_FUNCTION) || value_is(arguments->items[0], VALUE_METHOD)))
        return arguments->items[0];
    return identity_decorator(ev, self, arguments);
}

static Value *cached_property_create(Evaluator *ev, Value *self, const Arguments *arguments) {
    (void)self;
    PropertyValue *property = ARENA_NEW(ev->arena, PropertyValue);
    property->head = (Value){builtin_types[VALUE_PROPERTY], ev->builtins.kinds[VALUE_PROPERTY]};
    property->getter = arguments->count ? arguments->items[0] : NULL;
    property->cached = true;
    return property->getter ? &property->head : NULL;
}

static void functools_setup(Evaluator *ev, ModuleValue *module) {
    module_define_function(ev, module, "partial", functools_partial);
    module_define_function(ev, module, "reduce", functools_reduce);
    module_define_function(ev, module, "wraps", identity_decorator);
    module_define_function(ev, module, "update_wrapper", give_first);
    module_define_function(ev, module, "cached_property", cached_property_create);
    module_define_function(ev, module, "lru_cache", functools_cache);
    module_define_function(ev, module, "cache", functools_cache);
    module_define_function(ev, module, "total_ordering", give_first);
    module_define_function(ev, module, "singledispatch", give_first);
}

/* ---- operator ---- */

typedef struct OperatorFact {
    const char *name;
    int kind; /* 0 binary, 1 compare, 2 unary */
    int op;
} OperatorFact;

static Value *operator_call(Evaluator *ev, Value *self, const Arguments *arguments) {
    (void)self;
    const OperatorFact *fact = evaluator_native_data(ev);
    int wanted = fact->kind == 2 ? 1 : 2;
    if (arguments->count != wanted)
        return evaluator_raise_id(ev, EXCEPTION_TYPE, arguments->site, "%s expected %d arguments, got %d", fact->name,
                                  wanted, arguments->count);
    if (fact->kind == 0)
        return value_binary(ev, (Operator)fact->op, arguments->items[0], arguments->items[1], arguments->site);
    if (fact->kind == 1)
        return value_compare(ev, (CompareOperator)fact->op, arguments->items[0], arguments->items[1], arguments->site);
    return value_unary(ev, (UnaryOperator)fact->op, arguments->items[0], arguments->site);
}

static Value *getter_call(Evaluator *ev, Value *self, const Arguments *arguments) {
    (void)self;
    const Arguments *names = evaluator_native_data(ev);
    if (arguments->count != 1) return NULL;
    Value *results[8];
    int count = names->count > 8 ? 8 : names->count;
    for (int i = 0; i < count; i++) {
        results[i] =
            names->unknown_items /* attrgetter */
                ? value_get_attribute(ev, arguments->items[0], value_as_atom(ev, names->items[i]), arguments->site)
                : value_get_item(ev, arguments->items[0], names->items[i], arguments->site);
        if (!results[i]) return NULL;
    }
    return count == 1 ? results[0] : value_tuple(ev, results, count);
}

static Value *getter_make(Evaluator *ev, const Arguments *arguments, bool attribute) {
    Arguments *names = arena_allocate(ev->arena, sizeof *names);
    *names = *arguments;
    names->unknown_items = attribute;
    for (int i = 0; attribute && i < names->count; i++)
        if (!value_is(names->items[i], VALUE_STRING)) return unknown_result(ev, arguments->site, NULL);
    return value_native_function(ev, attribute ? "attrgetter" : "itemgetter", getter_call, names);
}

static Value *operator_itemgetter(Evaluator *ev, Value *self, const Arguments *a) {
    return (void)self, getter_make(ev, a, false);
}
static Value *operator_attrgetter(Evaluator *ev, Value *self, const Arguments *a) {
    return (void)self, getter_make(ev, a, true);
}

static const OperatorFact operators[] = {
    {"add", 0, OP_Add},           {"sub", 0, OP_Sub},     {"mul", 0, OP_Mult},      {"truediv", 0, OP_Div},
    {"floordiv", 0, OP_FloorDiv}, {"mod", 0, OP_Mod},     {"pow", 0, OP_Pow},       {"and_", 0, OP_BitAnd},
    {"or_", 0, OP_BitOr},         {"xor", 0, OP_BitXor},  {"iand", 0, OP_BitAnd},   {"ior", 0, OP_BitOr},
    {"iadd", 0, OP_Add},          {"eq", 1, COMPARE_Eq},  {"ne", 1, COMPARE_NotEq}, {"lt", 1, COMPARE_Lt},
    {"le", 1, COMPARE_LtE},       {"gt", 1, COMPARE_Gt},  {"ge", 1, COMPARE_GtE},   {"is_", 1, COMPARE_Is},
    {"is_not", 1, COMPARE_IsNot}, {"not_", 2, UNARY_Not}, {"neg", 2, UNARY_USub},   {"inv", 2, UNARY_Invert},
    {"invert", 2, UNARY_Invert},  {"pos", 2, UNARY_UAdd}, {"lshift", 0, OP_LShift}, {"rshift", 0, OP_RShift},
};

static void operator_setup(Evaluator *ev, ModuleValue *module) {
    for (size_t i = 0; i < sizeof operators / sizeof *operators; i++)
        module_define(ev, module, operators[i].name,
                      value_native_function(ev, operators[i].name, operator_call, (void *)&operators[i]));
    module_define_function(ev, module, "itemgetter", operator_itemgetter);
    module_define_function(ev, module, "attrgetter", operator_attrgetter);
    operator_text_setup(ev, module);
}

/* ---- itertools, collections ---- */

static Value *chained(Evaluator *ev, Value *lists, const Arguments *arguments) {
    ListValue *out = value_list(ev);
    if (value_is_unknown(lists)) {
        Value *inner = ((UnknownValue *)lists)->element
                           ? value_iterate(ev, ((UnknownValue *)lists)->element, arguments->site)
                           : NULL;
        if (ev->error.pending) return NULL;
        return value_unknown_of(ev, inner && value_is_unknown(inner) ? ((UnknownValue *)inner)->element : NULL,
                                arguments->site);
    }
    for (int i = 0; i < ((ListValue *)lists)->count; i++) {
        Value *items = value_iterate(ev, ((ListValue *)lists)->items[i], arguments->site);
        if (!items) return NULL;
        if (value_is_unknown(items)) {
            out->open = true;
            if (((UnknownValue *)items)->element) list_append(ev, out, ((UnknownValue *)items)->element);
            continue;
        }
        for (int j = 0; j < ((ListValue *)items)->count; j++) list_append(ev, out, ((ListValue *)items)->items[j]);
        out->open = out->open || ((ListValue *)items)->open;
    }
    return &out->head;
}

static Value *chain_create(Evaluator *ev, Class *cls, const Arguments *arguments) {
    (void)cls;
    return chained(ev, value_tuple(ev, arguments->items, arguments->count), arguments);
}

static Value *itertools_from_iterable(Evaluator *ev, Value *self, const Arguments *arguments) {
    (void)self;
    Value *lists = arguments->count ? value_iterate(ev, arguments->items[0], arguments->site) : NULL;
    return lists ? chained(ev, lists, arguments) : NULL;
}

static Value *itertools_islice(Evaluator *ev, Value *self, const Arguments *arguments) {
    (void)self;
    if (arguments->count < 2) return NULL;
    Value *items = value_iterate(ev, arguments->items[0], arguments->site);
    if (!items || value_is_unknown(items)) return items;
    Value *slice = arguments->count == 2 ? value_slice(ev, NULL, arguments->items[1], NULL)
                                         : value_slice(ev, arguments->items[1], arguments->items[2],
                                                       arguments->count > 3 ? arguments->items[3] : NULL);
    return value_get_item(ev, items, slice, arguments->site);
}

static Value *itertools_groupby(Evaluator *ev, Value *self, const Arguments *arguments) {
    (void)self;
    Value *iterable = NULL, *key = NULL;
    if (!arguments_bind(ev, arguments, "groupby", "iterable | key", &iterable, &key)) return NULL;
    Value *items = value_iterate(ev, iterable, arguments->site);
    if (!items) return NULL;
    ListValue *out = value_list(ev);
    if (value_is_unknown(items)) {
        Value *element = ((UnknownValue *)items)->element;
        if (!element) return unknown_result(ev, arguments->site, NULL);
        Value *made = key ? value_call_with(ev, key, &element, 1, arguments->site) : element;
        Value *pair[2] = {made, value_unknown_of(ev, element, arguments->site)};
        return made ? value_unknown_of(ev, value_tuple(ev, pair, 2), arguments->site) : NULL;
    }
    Value *last = NULL;
    ListValue *group = NULL;
    for (int i = 0; i < ((ListValue *)items)->count; i++) {
        Value *item = ((ListValue *)items)->items[i],
              *made = key ? value_call_with(ev, key, &item, 1, arguments->site) : item;
        if (!made) return NULL;
        if (!last || !value_equals(ev, last, made)) {
            group = value_list(ev);
            Value *pair[2] = {made, &group->head};
            list_append(ev, out, value_tuple(ev, pair, 2));
            last = made;
        }
        list_append(ev, group, item);
    }
    return &out->head;
}

static void itertools_setup(Evaluator *ev, ModuleValue *module) {
    static const NativeMethod methods[] = {{"from_iterable", itertools_from_iterable, NATIVE_STATICMETHOD, NULL}, {0}};
    NativeClass chain = {.name = "chain", .methods = methods, .create = chain_create};
    module_define_class(ev, module, &chain, NULL);
    module_define_function(ev, module, "islice", itertools_islice);
    module_define_function(ev, module, "groupby", itertools_groupby);
    module_define_function(ev, module, "count", give_unknown);
    module_define_function(ev, module, "cycle", give_unknown);
    itertools_text_setup(ev, module);
}

static Value *collections_defaultdict(Evaluator *ev, Value *self, const Arguments *arguments) {
    (void)self;
    DictValue *dict = value_dict(ev);
    if (arguments->count) dict->default_factory = arguments->items[0];
    return &dict->head;
}

static Value *collections_counter(Evaluator *ev, Value *self, const Arguments *arguments) {
    (void)self;
    DictValue *dict = value_dict(ev);
    dict->default_factory = &ev->builtins.kinds[VALUE_INTEGER]->head;
    Value *items = arguments->count ? value_iterate(ev, arguments->items[0], arguments->site) : NULL;
    if (ev->error.pending) return NULL;
    if (items && value_is_unknown(items)) dict->open = true;
    for (int i = 0; items && !value_is_unknown(items) && i < ((ListValue *)items)->count; i++) {
        Value *item = ((ListValue *)items)->items[i], *before = dict_get(ev, dict, item);
        int64_t count = 0;
        if (before) value_as_integer(before, &count);
        dict_set(ev, dict, item, value_integer(ev, count + 1), NULL);
    }
    return &dict->head;
}

static Value *collections_ordered(Evaluator *ev, Value *self, const Arguments *arguments) {
    (void)self;
    return value_call(ev, &ev->builtins.kinds[VALUE_DICT]->head, arguments);
}

static Value *collections_deque(Evaluator *ev, Value *self, const Arguments *arguments) {
    (void)self;
    return value_call_with(ev, &ev->builtins.kinds[VALUE_LIST]->head, arguments->items, arguments->count ? 1 : 0,
                           arguments->site);
}

static void collections_setup(Evaluator *ev, ModuleValue *module) {
    module_define_function(ev, module, "defaultdict", collections_defaultdict);
    module_define_function(ev, module, "Counter", collections_counter);
    module_define_function(ev, module, "OrderedDict", collections_ordered);
    module_define_function(ev, module, "deque", collections_deque);
    module_define_function(ev, module, "namedtuple", collections_namedtuple);
    module_define_function(ev, module, "ChainMap", give_unknown);
}

/* ---- contextlib ---- */

typedef struct SuppressValue {
    Value head;
} SuppressValue;
static const Type suppress_type = {.name = "suppress", .kind = VALUE_NATIVE};

bool value_is_suppress(const Value *value) { return value->type == &suppress_type; }

static Value *contextlib_suppress(Evaluator *ev, Value *self, const Arguments *arguments) {
    (void)self;
    (void)arguments;
    Value *value = ARENA_NEW(ev->arena, Value);
    *value = (Value){&suppress_type, ev->builtins.object};
    return value;
}

static Value *contextlib_contextmanager(Evaluator *ev, Value *self, const Arguments *arguments) {
    (void)self;
    if (arguments->count != 1 || !value_is(arguments->items[0], VALUE_FUNCTION))
        return unknown_result(ev, arguments->site, NULL);
    return value_generator_context(ev, arguments->items[0], NULL, NULL);
}

static Value *contextlib_nullcontext(Evaluator *ev, Value *self, const Arguments *arguments) {
    (void)self;
    return arguments->count ? arguments->items[0] : unknown_result(ev, arguments->site, NULL);
}

static void contextlib_setup(Evaluator *ev, ModuleValue *module) {
    module_define_function(ev, module, "suppress", contextlib_suppress);
    module_define_function(ev, module, "contextmanager", contextlib_contextmanager);
    module_define_function(ev, module, "asynccontextmanager", contextlib_contextmanager);
    module_define_function(ev, module, "nullcontext", contextlib_nullcontext);
    module_define_function(ev, module, "closing", give_first);
    module_define_function(ev, module, "aclosing", give_first);
    module_define_function(ev, module, "ExitStack", give_unknown);
    module_define_function(ev, module, "AsyncExitStack", give_unknown);
    NativeClass spec = {.name = "ContextDecorator"}, abstract = {.name = "AbstractContextManager"},
                async = {.name = "AbstractAsyncContextManager"};
    module_define_class(ev, module, &spec, NULL);
    module_define_class(ev, module, &abstract, NULL);
    module_define_class(ev, module, &async, NULL);
}

/* ---- asyncio ---- */

static Value *asyncio_gather(Evaluator *ev, Value *self, const Arguments *arguments) {
    (void)self;
    ListValue *list = value_list(ev);
    for (int i = 0; i < arguments->count; i++) list_append(ev, list, arguments->items[i]);
    list->open = arguments->unknown_items;
    return &list->head;
}

static void asyncio_setup(Evaluator *ev, ModuleValue *module) {
    static const char *const same[] = {"run", "create_task", "ensure_future", "shield", "wait_for"};
    for (size_t i = 0; i < sizeof same / sizeof *same; i++) module_define_function(ev, module, same[i], give_first);
    module_define_function(ev, module, "gather", asyncio_gather);
    module_define_function(ev, module, "sleep", give_unknown);
}

/* ---- abc, dataclasses ---- */

static void abc_setup(Evaluator *ev, ModuleValue *module) {
    NativeClass spec = {.name = "ABC"}, meta = {.name = "ABCMeta"};
    module_define_class(ev, module, &spec, NULL);
    module_define_class(ev, module, &meta, ev->builtins.type);
    module_define_function(ev, module, "abstractmethod", give_first);
}

/* ---- math, os, time ---- */

static Value *math_function(Evaluator *ev, Value *self, const Arguments *arguments) {
    (void)self;
    const char *name = evaluator_native_data(ev);
    Value *value = arguments->count ? value_resolve(arguments->items[0]) : NULL;
    bool number = value && (value_is(value, VALUE_FLOAT) || value_is(value, VALUE_INTEGER));
    if (!number) return unknown_result(ev, arguments->site, NULL);
    double given = value_as_double(value);
    if (strcmp(name, "sqrt") == 0) return value_float(ev, sqrt(given));
    double whole = strcmp(name, "ceil") == 0 ? ceil(given) : strcmp(name, "floor") == 0 ? floor(given) : trunc(given);
    return value_is(value, VALUE_INTEGER) ? value : integer_from_digits(ev, slice_format(ev->arena, "%.0f", whole));
}

static void math_setup(Evaluator *ev, ModuleValue *module) {
    static const char *const names[] = {"ceil", "floor", "trunc", "sqrt"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        module_define(ev, module, names[i], value_native_function(ev, names[i], math_function, (void *)names[i]));
    module_define(ev, module, "pi", value_float(ev, 3.14159265358979323846));
    module_define(ev, module, "e", value_float(ev, 2.71828182845904523536));
    module_define(ev, module, "inf", value_float(ev, HUGE_VAL));
    module_define(ev, module, "nan", value_float(ev, (double)NAN));
}

static Value *environ_get(Evaluator *ev, Value *self, const Arguments *arguments) {
    (void)self;
    /* a default stands for what the environment says: settings modules are read for what they are without one */
    if (arguments->count > 1) return arguments->items[1];
    return unknown_result(ev, arguments->site, ev->builtins.kinds[VALUE_STRING]);
}

static Value *environ_attribute(Evaluator *ev, Value *self, Atom name, const Node *site) {
    (void)self;
    if (slice_equals_text(name->text, "get")) return value_native_function(ev, "get", environ_get, NULL);
    return value_unknown_at(ev, site);
}

static Value *environ_item(Evaluator *ev, Value *self, Value *key, const Node *site) {
    (void)self;
    (void)key;
    return unknown_result(ev, site, ev->builtins.kinds[VALUE_STRING]);
}

static bool environ_set_item(Evaluator *ev, Value *self, Value *key, Value *value, const Node *site) {
    (void)ev;
    (void)self;
    (void)key;
    (void)value;
    (void)site;
    return true;
}

static Value *environ_iterate(Evaluator *ev, Value *self, const Node *site) {
    (void)self;
    return value_unknown_at(ev, site);
}

static Value *environ_contains(Evaluator *ev, Value *self, Value *item, const Node *site) {
    (void)self;
    (void)item;
    return value_unknown_at(ev, site);
}

/* What stands in the environment is never known. */
static const Type environ_type = {.name = "environ",
                                  .kind = VALUE_NATIVE,
                                  .get_attribute = environ_attribute,
                                  .get_item = environ_item,
                                  .set_item = environ_set_item,
                                  .iterate = environ_iterate,
                                  .contains = environ_contains};

static void os_setup(Evaluator *ev, ModuleValue *module) {
    Value *environ = ARENA_NEW(ev->arena, Value);
    *environ = (Value){&environ_type, ev->builtins.object};
    module_define_function(ev, module, "getenv", environ_get);
    module_define(ev, module, "environ", environ);
}

/* Containers are copied, so that a change of the copy leaves the original as it was; the rest stands for itself. */
static Value *copy_value(Evaluator *ev, Value *value, int depth, const Node *site) {
    value = value_resolve(value);
    bool container = value_is(value, VALUE_LIST) || value_is(value, VALUE_DICT) || value_is(value, VALUE_SET);
    if (!container || value->cls != ev->builtins.kinds[value->type->kind]) return value;
    Value *made = value_call_with(ev, &value->cls->head, &value, 1, site);
    if (!made || !depth) return made;
    for (int i = 0; value_is(made, VALUE_LIST) && i < ((ListValue *)made)->count; i++)
        ((ListValue *)made)->items[i] = copy_value(ev, ((ListValue *)made)->items[i], depth - 1, site);
    for (int i = 0; value_is(made, VALUE_DICT) && i < ((DictValue *)made)->count; i++)
        ((DictValue *)made)->entries[i].value = copy_value(ev, ((DictValue *)made)->entries[i].value, depth - 1, site);
    return made;
}

enum { DEEP_COPY = 20 };

static Value *copy_copy(Evaluator *ev, Value *self, const Arguments *arguments) {
    (void)self;
    return arguments->count ? copy_value(ev, arguments->items[0], 0, arguments->site) : value_none(ev);
}

static Value *copy_deepcopy(Evaluator *ev, Value *self, const Arguments *arguments) {
    (void)self;
    return arguments->count ? copy_value(ev, arguments->items[0], DEEP_COPY, arguments->site) : value_none(ev);
}

static void copy_setup(Evaluator *ev, ModuleValue *module) {
    module_define_function(ev, module, "copy", copy_copy);
    module_define_function(ev, module, "deepcopy", copy_deepcopy);
}

static void types_setup(Evaluator *ev, ModuleValue *module) {
    module_define(ev, module, "NoneType", &ev->builtins.kinds[VALUE_NONE]->head);
    module_define(ev, module, "FunctionType", &ev->builtins.kinds[VALUE_FUNCTION]->head);
    module_define(ev, module, "MethodType", &ev->builtins.kinds[VALUE_METHOD]->head);
}

static void sys_setup(Evaluator *ev, ModuleValue *module) {
    module_define(ev, module, "maxsize", value_integer(ev, INT64_MAX));
    Value *version[5] = {value_integer(ev, 3), value_integer(ev, 12), value_integer(ev, 0),
                         value_string(ev, SLICE("final")), value_integer(ev, 0)};
    module_define(ev, module, "version_info", value_tuple(ev, version, 5));
    module_define(ev, module, "argv", &value_list(ev)->head);
    module_define(ev, module, "modules", &value_dict(ev)->head);
}

static void future_setup(Evaluator *ev, ModuleValue *module) {
    module_define(ev, module, "annotations", value_none(ev));
    module_define(ev, module, "division", value_none(ev));
}

static void builtins_module_setup(Evaluator *ev, ModuleValue *module) {
    module_define_all(ev, module, ev->builtins.module);
}

const NativeModule standard_modules[] = {
    {"enum", enum_setup},
    {"datetime", datetime_setup},
    {"zoneinfo", zoneinfo_setup},
    {"decimal", decimal_setup},
    {"uuid", uuid_setup},
    {"typing", typing_setup},
    {"typing_extensions", collections_abc_setup},
    {"collections.abc", collections_abc_setup},
    {"collections", collections_setup},
    {"functools", functools_setup},
    {"operator", operator_setup},
    {"itertools", itertools_setup},
    {"contextlib", contextlib_setup},
    {"asyncio", asyncio_setup},
    {"abc", abc_setup},
    {"dataclasses", dataclasses_setup},
    {"math", math_setup},
    {"os", os_setup},
    {"copy", copy_setup},
    {"types", types_setup},
    {"sys", sys_setup},
    {"json", json_setup},
    {"__future__", future_setup},
    {"builtins", builtins_module_setup},
    {NULL, NULL},
};
