/*
 * Builtin functions, and the classes object, type, property, super and the like. Each gets unknown arguments too: then
 * the result is unknown, with the text of the call.
 */
#include "compiler/evaluate/internal.h"
#include "compiler/evaluate/number.h"

static Value *unknown_of_kind(Evaluator *ev, const Arguments *arguments, ValueKind kind) {
    return unknown_result(ev, arguments->site, ev->builtins.kinds[kind]);
}

/* ---- iterables ---- */

static Value *builtin_len(Evaluator *ev, Value *self, const Arguments *arguments) {
    (void)self;
    Value *value = NULL;
    if (!arguments_bind(ev, arguments, "len", "obj", &value)) return NULL;
    if (value->type->length) return value->type->length(ev, value, arguments->site);
    if (value_is_unknown(value)) return unknown_of_kind(ev, arguments, VALUE_INTEGER);
    if (value_is(value, VALUE_CLASS) && class_is_enum((Class *)value))
        return value_integer(ev, enum_member_count((Class *)value));
    if (value_is(value, VALUE_CLASS) && class_find((Class *)value, ev->names.iter)) {
        Value *items = value_iterate(ev, value, arguments->site);
        if (!items || value_is_unknown(items)) return items;
        return value_integer(ev, ((ListValue *)items)->count);
    }
    Value *method = class_find(value->cls, ev->names.len);
    if (method)
        return value_call_with(ev, class_bind(ev, method, value, value->cls, arguments->site), NULL, 0,
                               arguments->site);
    return evaluator_raise_id(ev, EXCEPTION_TYPE, arguments->site, "object of type '%s' has no len()",
                              type_label(value));
}

static Value *builtin_range(Evaluator *ev, Value *self, const Arguments *arguments) {
    (void)self;
    int64_t bounds[3] = {0, 0, 1};
    for (int i = 0; i < arguments->count && i < 3; i++)
        if (!value_as_integer(arguments->items[i], &bounds[i])) {
            UnknownValue *made = (UnknownValue *)unknown_result(ev, arguments->site, NULL);
            return &made->head;
        }
    if (arguments->count == 1) bounds[1] = bounds[0], bounds[0] = 0;
    if (!bounds[2]) return evaluator_raise_id(ev, EXCEPTION_VALUE, arguments->site, "range() arg 3 must not be zero");
    ListValue *list = value_list(ev);
    for (int64_t i = bounds[0]; bounds[2] > 0 ? i < bounds[1] : i > bounds[1]; i += bounds[2]) {
        if (list->count >= 1000000)
            return evaluator_raise_id(ev, EXCEPTION_LIMIT, arguments->site, "range() of more than 1000000 items");
        list_append(ev, list, value_integer(ev, i));
    }
    return &list->head;
}

static Value *builtin_enumerate(Evaluator *ev, Value *self, const Arguments *arguments) {
    (void)self;
    Value *iterable = NULL, *start = NULL;
    int64_t first = 0;
    if (!arguments_bind(ev, arguments, "enumerate", "iterable | start", &iterable, &start)) return NULL;
    if (start) value_as_integer(start, &first);
    Value *items = value_iterate(ev, iterable, arguments->site);
    if (!items) return NULL;
    if (value_is_unknown(items)) {
        Value *pair[2] = {value_unknown(ev, SLICE("index"), arguments->site, &ev->builtins.kinds[VALUE_INTEGER]->head),
                          ((UnknownValue *)items)->element ? ((UnknownValue *)items)->element
                                                           : value_unknown(ev, SLICE("item"), arguments->site, NULL)};
        return value_unknown_of(ev, value_tuple(ev, pair, 2), arguments->site);
    }
    ListValue *out = value_list(ev);
    for (int i = 0; i < ((ListValue *)items)->count; i++) {
        Value *pair[2] = {value_integer(ev, first + i), ((ListValue *)items)->items[i]};
        list_append(ev, out, value_tuple(ev, pair, 2));
    }
    out->open = ((ListValue *)items)->open;
    return &out->head;
}

static Value *builtin_zip(Evaluator *ev, Value *self, const Arguments *arguments) {
    (void)self;
    Value *lists[16], *row[16];
    int shortest = -1, columns = arguments->count > 16 ? 16 : arguments->count;
    bool unknown = false, open = false;
    for (int i = 0; i < columns; i++) {
        lists[i] = value_iterate(ev, arguments->items[i], arguments->site);
        if (!lists[i]) return NULL;
        if (value_is_unknown(lists[i])) unknown = true;
        else {
            int count = ((ListValue *)lists[i])->count;
            if (shortest < 0 || count < shortest) shortest = count;
            open = open || ((ListValue *)lists[i])->open;
        }
    }
    if (unknown) {
        for (int i = 0; i < columns; i++) {
            Value *element = value_is_unknown(lists[i])       ? ((UnknownValue *)lists[i])->element
                             : ((ListValue *)lists[i])->count ? ((ListValue *)lists[i])->items[0]
                                                              : NULL;
            row[i] = element ? element : value_unknown(ev, SLICE("item"), arguments->site, NULL);
        }
        return value_unknown_of(ev, value_tuple(ev, row, columns), arguments->site);
    }
    ListValue *out = value_list(ev);
    for (int i = 0; i < shortest; i++) {
        for (int j = 0; j < columns; j++) row[j] = ((ListValue *)lists[j])->items[i];
        list_append(ev, out, value_tuple(ev, row, columns));
    }
    out->open = open;
    return &out->head;
}

static Value *builtin_map(Evaluator *ev, Value *self, const Arguments *arguments) {
    (void)self;
    if (arguments->count < 2)
        return evaluator_raise_id(ev, EXCEPTION_TYPE, arguments->site, "map() must have at least two arguments.");
    Value *function = arguments->items[0];
    Value *items = value_iterate(ev, arguments->items[1], arguments->site);
    if (!items) return NULL;
    if (value_is_unknown(items)) {
        Value *element = ((UnknownValue *)items)->element;
        if (!element) element = value_unknown(ev, SLICE("item"), arguments->site, NULL);
        Value *made = value_call_with(ev, function, &element, 1, arguments->site);
        return made ? value_unknown_of(ev, made, arguments->site) : NULL;
    }
    ListValue *out = value_list(ev);
    for (int i = 0; i < ((ListValue *)items)->count; i++) {
        Value *made = value_call_with(ev, function, &((ListValue *)items)->items[i], 1, arguments->site);
        if (!made) return NULL;
        list_append(ev, out, made);
    }
    out->open = ((ListValue *)items)->open;
    return &out->head;
}

static Value *builtin_filter(Evaluator *ev, Value *self, const Arguments *arguments) {
    (void)self;
    Value *function = NULL, *iterable = NULL;
    if (!arguments_bind(ev, arguments, "filter", "function iterable", &function, &iterable)) return NULL;
    Value *items = value_iterate(ev, iterable, arguments->site);
    if (!items || value_is_unknown(items)) return items;
    ListValue *out = value_list(ev);
    for (int i = 0; i < ((ListValue *)items)->count; i++) {
        Value *item = ((ListValue *)items)->items[i];
        Value *made = value_is_none(function) ? item : value_call_with(ev, function, &item, 1, arguments->site);
        Truth truth = made ? value_truth(ev, made, arguments->site) : TRUTH_ERROR;
        if (truth == TRUTH_ERROR) return NULL;
        if (truth == TRUTH_UNKNOWN) out->open = true;
        if (truth != TRUTH_FALSE) list_append(ev, out, item);
    }
    return &out->head;
}

static Value *builtin_sorted(Evaluator *ev, Value *self, const Arguments *arguments) {
    (void)self;
    Value *iterable = NULL, *key = NULL, *reverse = NULL;
    if (!arguments_bind(ev, arguments, "sorted", "iterable | * key reverse", &iterable, &key, &reverse)) return NULL;
    Value *items = value_iterate(ev, iterable, arguments->site);
    if (!items || value_is_unknown(items)) return items;
    ListValue *out = value_list(ev);
    for (int i = 0; i < ((ListValue *)items)->count; i++) list_append(ev, out, ((ListValue *)items)->items[i]);
    out->open = ((ListValue *)items)->open;
    value_sort(ev, out, key, reverse && value_truth(ev, reverse, arguments->site) == TRUTH_TRUE, arguments->site);
    return ev->error.pending ? NULL : &out->head;
}

static Value *builtin_reversed(Evaluator *ev, Value *self, const Arguments *arguments) {
    (void)self;
    Value *iterable = NULL;
    if (!arguments_bind(ev, arguments, "reversed", "sequence", &iterable)) return NULL;
    Value *items = value_iterate(ev, iterable, arguments->site);
    if (!items || value_is_unknown(items)) return items;
    ListValue *out = value_list(ev);
    for (int i = ((ListValue *)items)->count - 1; i >= 0; i--) list_append(ev, out, ((ListValue *)items)->items[i]);
    out->open = ((ListValue *)items)->open;
    return &out->head;
}

static Value *quantified(Evaluator *ev, const Arguments *arguments, bool all) {
    Value *items = arguments->count == 1 ? value_iterate(ev, arguments->items[0], arguments->site) : NULL;
    if (!items) return NULL;
    if (value_is_unknown(items)) return unknown_of_kind(ev, arguments, VALUE_BOOL);
    bool unknown = ((ListValue *)items)->open;
    for (int i = 0; i < ((ListValue *)items)->count; i++) {
        Truth truth = value_truth(ev, ((ListValue *)items)->items[i], arguments->site);
        if (truth == TRUTH_ERROR) return NULL;
        if (truth == TRUTH_UNKNOWN) unknown = true;
        else if ((truth == TRUTH_TRUE) != all) return value_bool(ev, !all);
    }
    return unknown ? unknown_of_kind(ev, arguments, VALUE_BOOL) : value_bool(ev, all);
}

static Value *builtin_all(Evaluator *ev, Value *self, const Arguments *a) {
    return (void)self, quantified(ev, a, true);
}
static Value *builtin_any(Evaluator *ev, Value *self, const Arguments *a) {
    return (void)self, quantified(ev, a, false);
}

static Value *builtin_sum(Evaluator *ev, Value *self, const Arguments *arguments) {
    (void)self;
    Value *iterable = NULL, *total = NULL;
    if (!arguments_bind(ev, arguments, "sum", "iterable | start", &iterable, &total)) return NULL;
    Value *items = value_iterate(ev, iterable, arguments->site);
    if (!items) return NULL;
    if (value_is_unknown(items) || ((ListValue *)items)->open) return unknown_result(ev, arguments->site, NULL);
    if (!total) total = value_integer(ev, 0);
    for (int i = 0; total && i < ((ListValue *)items)->count; i++)
        total = value_binary(ev, OP_Add, total, ((ListValue *)items)->items[i], arguments->site);
    return total;
}

static Value *extreme(Evaluator *ev, const Arguments *arguments, const char *name, bool largest) {
    Value *key = arguments_keyword(arguments, evaluator_atom(ev, "key")),
          *fallback = arguments_keyword(arguments, evaluator_atom(ev, "default"));
    Value *items = arguments->count == 1 ? value_iterate(ev, arguments->items[0], arguments->site)
                                         : value_tuple(ev, arguments->items, arguments->count);
    if (!items) return NULL;
    if (value_is_unknown(items))
        return ((UnknownValue *)items)->element ? ((UnknownValue *)items)->element
                                                : unknown_result(ev, arguments->site, NULL);
    const ListValue *list = (ListValue *)items;
    if (!list->count) {
        if (fallback) return fallback;
        if (list->open) return unknown_result(ev, arguments->site, NULL);
        return evaluator_raise_id(ev, EXCEPTION_VALUE, arguments->site, "%s() iterable argument is empty", name);
    }
    Value *best = NULL, *best_key = NULL;
    for (int i = 0; i < list->count; i++) {
        Value *item = value_resolve(list->items[i]);
        Value *item_key = key && !value_is_none(key) ? value_call_with(ev, key, &item, 1, arguments->site) : item;
        if (!item_key) return NULL;
        if (value_is_unknown(item_key)) return unknown_result(ev, arguments->site, unknown_class(item_key));
        bool comparable = true;
        int order = best ? value_order(ev, item_key, best_key, &comparable) : 0;
        if (!comparable)
            return ev->error.pending
                       ? NULL
                       : evaluator_raise_id(ev, EXCEPTION_TYPE, arguments->site,
                                            "'%s' not supported between instances of '%s' and '%s'",
                                            largest ? ">" : "<", type_label(item_key), type_label(best_key));
        if (!best || (largest ? order > 0 : order < 0)) best = item, best_key = item_key;
    }
    return best;
}

static Value *builtin_max(Evaluator *ev, Value *self, const Arguments *a) {
    return (void)self, extreme(ev, a, "max", true);
}
static Value *builtin_min(Evaluator *ev, Value *self, const Arguments *a) {
    return (void)self, extreme(ev, a, "min", false);
}

static Value *builtin_iter(Evaluator *ev, Value *self, const Arguments *arguments) {
    (void)self;
    if (!arguments->count) return NULL;
    Value *items = value_iterate(ev, arguments->items[0], arguments->site);
    if (!items || value_is_unknown(items)) return items;
    return value_call_with(ev, &ev->builtins.kinds[VALUE_LIST]->head, &items, 1, arguments->site);
}

/* Iterators are lists here; next() takes the first item off. */
static Value *builtin_next(Evaluator *ev, Value *self, const Arguments *arguments) {
    (void)self;
    Value *iterator = NULL, *fallback = NULL;
    if (!arguments_bind(ev, arguments, "next", "iterator | default", &iterator, &fallback)) return NULL;
    Value *method = value_is(iterator, VALUE_INSTANCE) ? class_find(iterator->cls, ev->names.next) : NULL;
    if (method) return value_call_with(ev, method, &iterator, 1, arguments->site);
    Value *items = value_iterate(ev, iterator, arguments->site);
    if (!items) return NULL;
    if (value_is_unknown(items)) {
        Value *element = ((UnknownValue *)items)->element;
        if (!element) return unknown_result(ev, arguments->site, NULL);
        return fallback && value_is_none(fallback)
                   ? value_optional(ev, element, evaluator_node_text(ev, arguments->site), arguments->site)
                   : element;
    }
    ListValue *list = (ListValue *)items;
    if (!list->count) {
        if (fallback) return fallback;
        evaluator_raise_id(ev, EXCEPTION_STOP_ITERATION, arguments->site, "StopIteration");
        return NULL;
    }
    Value *first = list->items[0];
    if (value_is(items, VALUE_LIST)) {
        evaluator_touch(ev, list, sizeof *list);
        list->items++;
        list->count--;
        list->capacity--;
    }
    return first;
}

/* ---- objects ---- */

static Atom attribute_name(Evaluator *ev, Value *name) {
    name = value_resolve(name);
    if (value_is_unknown(name) && ((UnknownValue *)name)->fallback) name = ((UnknownValue *)name)->fallback;
    return value_is(name, VALUE_STRING) ? value_as_atom(ev, name) : NULL;
}

static Value *builtin_getattr(Evaluator *ev, Value *self, const Arguments *arguments) {
    (void)self;
    Value *object = NULL, *name = NULL, *fallback = NULL;
    if (!arguments_bind(ev, arguments, "getattr", "object name | default", &object, &name, &fallback)) return NULL;
    Atom atom = attribute_name(ev, name);
    if (!atom) return unknown_result(ev, arguments->site, NULL);
    if (!fallback) return value_get_attribute(ev, object, atom, arguments->site);
    Value *found = value_find_attribute(ev, object, atom, arguments->site);
    if (found) return found;
    if (ev->error.pending) {
        if (!class_is_subclass(ev->error.exception, ev->builtins.exceptions[EXCEPTION_ATTRIBUTE])) return NULL;
        evaluator_clear_error(ev);
    }
    return fallback;
}

static Value *builtin_setattr(Evaluator *ev, Value *self, const Arguments *arguments) {
    (void)self;
    Value *object = NULL, *name = NULL, *value = NULL;
    if (!arguments_bind(ev, arguments, "setattr", "object name value", &object, &name, &value)) return NULL;
    Atom atom = attribute_name(ev, name);
    if (!atom) {
        object = value_resolve(object);
        bool (*set_some)(Evaluator *, Value *, const Node *) = object->type->set_some_attribute;
        return !set_some || set_some(ev, object, arguments->site) ? value_none(ev) : NULL;
    }
    return value_set_attribute(ev, object, atom, value, arguments->site) ? value_none(ev) : NULL;
}

static Value *builtin_hasattr(Evaluator *ev, Value *self, const Arguments *arguments) {
    (void)self;
    Value *object = NULL, *name = NULL;
    if (!arguments_bind(ev, arguments, "hasattr", "object name", &object, &name)) return NULL;
    Atom atom = attribute_name(ev, name);
    object = value_resolve(object);
    if (!atom || value_is_unknown(object)) return unknown_of_kind(ev, arguments, VALUE_BOOL);
    Value *found = value_find_attribute(ev, object, atom, arguments->site);
    if (!found && ev->error.pending) {
        if (!class_is_subclass(ev->error.exception, ev->builtins.exceptions[EXCEPTION_ATTRIBUTE])) {
            /* a one-to-one that is not there raises DoesNotExist, which is an AttributeError too */
            evaluator_clear_error(ev);
            return unknown_of_kind(ev, arguments, VALUE_BOOL);
        }
        evaluator_clear_error(ev);
    }
    return value_bool(ev, found != NULL);
}

/* 1 yes, 0 no, -1 not known. */
static int is_instance_of(Evaluator *ev, Value *value, Value *cls) {
    cls = value_resolve(cls);
    if (value_is(cls, VALUE_TUPLE)) {
        int result = 0;
        for (int i = 0; i < ((ListValue *)cls)->count; i++) {
            int one = is_instance_of(ev, value, ((ListValue *)cls)->items[i]);
            if (one == 1) return 1;
            if (one < 0) result = -1;
        }
        return result;
    }
    Value **items;
    int count;
    if (value_union_parts(cls, &items, &count)) {
        for (int i = 0; i < count; i++)
            if (is_instance_of(ev, value, items[i]) == 1) return 1;
        return value_is_unknown(value) ? -1 : 0;
    }
    Value *origin;
    if (value_alias_parts(cls, &origin, NULL)) return is_instance_of(ev, value, origin);
    if (!value_is(cls, VALUE_CLASS)) return -1;
    if (value_is_unknown(value)) {
        Class *known = unknown_class(value);
        if (known && class_is_subclass(known, (Class *)cls)) return 1;
        return known && !class_is_subclass((Class *)cls, known) ? 0 : -1;
    }
    if (value->cls->open) return value_is_instance(value, (Class *)cls) ? 1 : -1;
    return value_is_instance(value, (Class *)cls);
}

static Value *builtin_isinstance(Evaluator *ev, Value *self, const Arguments *arguments) {
    (void)self;
    if (arguments->count != 2)
        return evaluator_raise_id(ev, EXCEPTION_TYPE, arguments->site, "isinstance expected 2 arguments, got %d",
                                  arguments->count);
    Value *value = arguments->items[0], *cls = arguments->items[1];
    int known = is_instance_of(ev, value, cls);
    if (known >= 0) return value_bool(ev, known);
    if (!evaluator_symbolic(ev) || !value_is_unknown(value) || !value_is(cls, VALUE_CLASS))
        return unknown_of_kind(ev, arguments, VALUE_BOOL);
    /* decided here, so that the unknown becomes an instance where the answer is yes */
    Value *test = unknown_of_kind(ev, arguments, VALUE_BOOL);
    if (!evaluator_decide_truth(ev, test, arguments->site)) return ev->error.pending ? NULL : value_bool(ev, false);
    UnknownValue *unknown = (UnknownValue *)value;
    Value *typed = value_unknown_instance(ev, (Class *)cls, unknown->text, unknown->node);
    if (!typed) return NULL;
    evaluator_touch(ev, &unknown->resolved, sizeof unknown->resolved);
    unknown->resolved = typed;
    return value_bool(ev, true);
}

static Value *builtin_issubclass(Evaluator *ev, Value *self, const Arguments *arguments) {
    (void)self;
    if (arguments->count != 2 || !value_is(arguments->items[0], VALUE_CLASS) ||
        !value_is(arguments->items[1], VALUE_CLASS))
        return unknown_of_kind(ev, arguments, VALUE_BOOL);
    return value_bool(ev, class_is_subclass((Class *)arguments->items[0], (Class *)arguments->items[1]));
}

static Value *builtin_callable(Evaluator *ev, Value *self, const Arguments *arguments) {
    (void)self;
    if (!arguments->count || value_is_unknown(arguments->items[0])) return unknown_of_kind(ev, arguments, VALUE_BOOL);
    Value *value = arguments->items[0];
    bool callable = value->type->call || value_is(value, VALUE_FUNCTION) || value_is(value, VALUE_NATIVE_FUNCTION) ||
                    value_is(value, VALUE_METHOD) || value_is(value, VALUE_CLASS) ||
                    class_find(value->cls, ev->names.call);
    return value_bool(ev, callable);
}

static Value *builtin_vars(Evaluator *ev, Value *self, const Arguments *arguments) {
    (void)self;
    if (arguments->count == 1) return value_get_attribute(ev, arguments->items[0], ev->names.dict, arguments->site);
    DictValue *dict = value_dict(ev);
    dict->open = !ev->host.has_rows; /* what other code puts there is not known */
    const AtomMap *names = ev->frame->scope->names;
    for (int i = 0; i < names->count; i++)
        dict_set(ev, dict, value_atom(ev, names->entries[i].key), names->entries[i].value, NULL);
    return &dict->head;
}

static Value *builtin_id(Evaluator *ev, Value *self, const Arguments *arguments) {
    (void)self;
    return unknown_of_kind(ev, arguments, VALUE_INTEGER);
}

/* ---- text and numbers ---- */

static Value *builtin_repr(Evaluator *ev, Value *self, const Arguments *arguments) {
    (void)self;
    if (!arguments->count) return NULL;
    if (value_is_unknown(arguments->items[0])) return unknown_of_kind(ev, arguments, VALUE_STRING);
    Value *method =
        value_is(arguments->items[0], VALUE_INSTANCE) ? class_find(arguments->items[0]->cls, ev->names.repr) : NULL;
    if (method) return value_call_with(ev, method, arguments->items, 1, arguments->site);
    return value_string(ev, value_repr(ev, arguments->items[0]));
}

static Value *builtin_format(Evaluator *ev, Value *self, const Arguments *arguments) {
    (void)self;
    Value *value = NULL, *spec = NULL;
    if (!arguments_bind(ev, arguments, "format", "value | spec", &value, &spec)) return NULL;
    if (value_is_unknown(value)) return unknown_of_kind(ev, arguments, VALUE_STRING);
    return value_format(ev, value, spec && value_is(spec, VALUE_STRING) ? value_text(spec) : SLICE(""),
                        arguments->site);
}

static Value *builtin_print(Evaluator *ev, Value *self, const Arguments *arguments) {
    (void)self;
    for (int i = 0; i < arguments->count && !ev->host.has_rows; i++)
        execute_escaping(ev, arguments->items[i], arguments->nodes ? arguments->nodes[i] : arguments->site, 3);
    if (ev->error.pending) return NULL;
    if (!ev->host.write || !ev->host.has_rows) return value_none(ev);
    Buffer out;
    buffer_init(&out, ev->arena);
    for (int i = 0; i < arguments->count; i++) {
        Value *text = value_str(ev, arguments->items[i], arguments->site);
        if (!text) return NULL;
        if (i) buffer_put(&out, ' ');
        buffer_slice(&out, value_is(text, VALUE_STRING) ? value_text(text) : ((UnknownValue *)text)->text);
    }
    buffer_put(&out, '\n');
    ev->host.write(ev->host.user, buffer_view(&out));
    return value_none(ev);
}

static Value *builtin_abs(Evaluator *ev, Value *self, const Arguments *arguments) {
    (void)self;
    if (arguments->count != 1) return NULL;
    Value *value = arguments->items[0];
    if (value_is_unknown(value)) return unknown_result(ev, arguments->site, unknown_class(value));
    if (value_is(value, VALUE_TIMEDELTA)) {
        int64_t total = ((TimeDeltaValue *)value)->microseconds;
        return value_timedelta(ev, total < 0 ? -total : total);
    }
    Value *negative = value_compare(ev, COMPARE_Lt, value, value_integer(ev, 0), arguments->site);
    if (!negative) return NULL;
    return value_is_true(negative) ? value_unary(ev, UNARY_USub, value, arguments->site) : value;
}

static Value *builtin_round(Evaluator *ev, Value *self, const Arguments *arguments) {
    (void)self;
    Value *value = NULL, *digits = NULL;
    if (!arguments_bind(ev, arguments, "round", "number | ndigits", &value, &digits)) return NULL;
    int64_t places = 0;
    if (digits && !value_is_none(digits) && !value_as_integer(digits, &places))
        return unknown_result(ev, arguments->site, NULL);
    if (value_is(value, VALUE_INTEGER) || value_is(value, VALUE_BOOL)) return value;
    if (value_is(value, VALUE_FLOAT)) {
        Slice text = slice_format(ev->arena, "%.*f",
                                  (int)(places < 0    ? 0
                                        : places > 30 ? 30
                                                      : places),
                                  value_as_double(value));
        Value *string = value_string(ev, text);
        Class *cls = ev->builtins.kinds[digits && !value_is_none(digits) ? VALUE_FLOAT : VALUE_INTEGER];
        return value_call_with(ev, &cls->head, &string, 1, arguments->site);
    }
    return unknown_result(ev, arguments->site, value_is_unknown(value) ? unknown_class(value) : value->cls);
}

static Value *builtin_divmod(Evaluator *ev, Value *self, const Arguments *arguments) {
    (void)self;
    if (arguments->count != 2) return NULL;
    Value *items[2] = {value_binary(ev, OP_FloorDiv, arguments->items[0], arguments->items[1], arguments->site),
                       value_binary(ev, OP_Mod, arguments->items[0], arguments->items[1], arguments->site)};
    return items[0] && items[1] ? value_tuple(ev, items, 2) : NULL;
}

static Value *builtin_pow(Evaluator *ev, Value *self, const Arguments *arguments) {
    (void)self;
    return arguments->count < 2 ? NULL
                                : value_binary(ev, OP_Pow, arguments->items[0], arguments->items[1], arguments->site);
}

static Value *builtin_chr(Evaluator *ev, Value *self, const Arguments *arguments) {
    (void)self;
    int64_t code;
    if (!arguments->count || !value_as_integer(arguments->items[0], &code))
        return unknown_of_kind(ev, arguments, VALUE_STRING);
    if (code < 0 || code > 0x10ffff)
        return evaluator_raise_id(ev, EXCEPTION_VALUE, arguments->site, "chr() arg not in range(0x110000)");
    Buffer out;
    buffer_init(&out, ev->arena);
    if (code < 0x80) buffer_put(&out, (char)code);
    else {
        int more = code < 0x800 ? 1 : code < 0x10000 ? 2 : 3;
        static const unsigned char lead[] = {0, 0xc0, 0xe0, 0xf0};
        buffer_put(&out, (char)(lead[more] | (code >> (6 * more))));
        for (int i = more - 1; i >= 0; i--) buffer_put(&out, (char)(0x80 | ((code >> (6 * i)) & 0x3f)));
    }
    return value_string(ev, buffer_view(&out));
}

static Value *builtin_ord(Evaluator *ev, Value *self, const Arguments *arguments) {
    (void)self;
    if (!arguments->count || !value_is(arguments->items[0], VALUE_STRING) || !value_text(arguments->items[0]).length)
        return unknown_of_kind(ev, arguments, VALUE_INTEGER);
    Slice text = value_text(arguments->items[0]);
    unsigned char first = (unsigned char)text.start[0];
    int more = first < 0x80 ? 0 : first < 0xe0 ? 1 : first < 0xf0 ? 2 : 3;
    int64_t code = more ? first & (0x3f >> more) : first;
    for (int i = 1; i <= more && (size_t)i < text.length; i++) code = code << 6 | ((unsigned char)text.start[i] & 0x3f);
    return value_integer(ev, code);
}

static Value *builtin_unknown(Evaluator *ev, Value *self, const Arguments *arguments) {
    (void)self;
    return unknown_result(ev, arguments->site, NULL);
}

/* ---- classes ---- */

static Value *type_create(Evaluator *ev, Class *cls, const Arguments *arguments) {
    (void)cls;
    if (arguments->count == 3 && value_is(arguments->items[0], VALUE_STRING) &&
        value_is(arguments->items[1], VALUE_TUPLE)) {
        const ListValue *bases = (ListValue *)arguments->items[1];
        Class *items[16];
        int count = 0;
        for (int i = 0; i < bases->count && count < 16; i++)
            if (value_is(bases->items[i], VALUE_CLASS)) items[count++] = (Class *)bases->items[i];
        Class *made = class_new(ev, value_as_atom(ev, arguments->items[0]),
                                ev->frame ? ev->frame->scope->module->name : NULL, items, count);
        if (value_is(arguments->items[2], VALUE_DICT)) {
            const DictValue *names = (DictValue *)arguments->items[2];
            for (int i = 0; i < names->count; i++)
                if (value_is(names->entries[i].key, VALUE_STRING))
                    namespace_set(ev, &made->names, value_as_atom(ev, names->entries[i].key), names->entries[i].value);
        }
        made->defined_in = ev->frame ? ev->frame->scope->module : NULL;
        Arguments none = {.site = arguments->site};
        if (made->subclassed && !made->subclassed(ev, made, &none)) return NULL;
        return &made->head;
    }
    if (arguments->count != 1) return unknown_result(ev, arguments->site, NULL);
    Value *value = arguments->items[0];
    if (value_is_unknown(value)) {
        Class *known = unknown_class(value);
        return known ? &known->head : unknown_result(ev, arguments->site, NULL);
    }
    return &value->cls->head;
}

static Value *property_create(Evaluator *ev, Class *cls, const Arguments *arguments) {
    Value *getter = NULL, *setter = NULL, *deleter = NULL, *doc = NULL;
    if (!arguments_bind(ev, arguments, "property", "| fget fset fdel doc", &getter, &setter, &deleter, &doc))
        return NULL;
    PropertyValue *property = ARENA_NEW(ev->arena, PropertyValue);
    property->head = (Value){builtin_types[VALUE_PROPERTY], ev->builtins.kinds[VALUE_PROPERTY]};
    property->getter = getter;
    property->setter = setter && !value_is_none(setter) ? setter : NULL;
    property->cached = cls != ev->builtins.kinds[VALUE_PROPERTY];
    return &property->head;
}

static Value *property_setter(Evaluator *ev, Value *self, const Arguments *arguments) {
    PropertyValue *property = ARENA_NEW(ev->arena, PropertyValue);
    *property = *(PropertyValue *)self;
    if (arguments->count == 1) property->setter = arguments->items[0];
    return &property->head;
}

static Value *property_same(Evaluator *ev, Value *self, const Arguments *arguments) {
    (void)ev;
    (void)arguments;
    return self;
}

static Value *wrapper_create(Evaluator *ev, Class *cls, const Arguments *arguments) {
    if (arguments->count != 1) return evaluator_raise_id(ev, EXCEPTION_TYPE, arguments->site, "expected 1 argument");
    WrapperValue *wrapper = ARENA_NEW(ev->arena, WrapperValue);
    bool class_method = cls == ev->builtins.kinds[VALUE_CLASSMETHOD];
    wrapper->head = (Value){builtin_types[class_method ? VALUE_CLASSMETHOD : VALUE_STATICMETHOD], cls};
    wrapper->function = arguments->items[0];
    return &wrapper->head;
}

static Value *super_create(Evaluator *ev, Class *cls, const Arguments *arguments) {
    (void)cls;
    if (arguments->count == 2 && value_is(arguments->items[0], VALUE_CLASS))
        return value_super(ev, (Class *)arguments->items[0], arguments->items[1]);
    return evaluator_raise_id(ev, EXCEPTION_RUNTIME, arguments->site, "super(): no arguments");
}

static Value *slice_create(Evaluator *ev, Class *cls, const Arguments *arguments) {
    (void)cls;
    Value *none = value_none(ev);
    if (arguments->count == 1) return value_slice(ev, NULL, arguments->items[0], NULL);
    return value_slice(ev, arguments->count > 0 ? arguments->items[0] : none,
                       arguments->count > 1 ? arguments->items[1] : none,
                       arguments->count > 2 ? arguments->items[2] : NULL);
}

static Value *object_setattr(Evaluator *ev, Value *self, const Arguments *arguments) {
    if (arguments->count == 2 && value_is(arguments->items[0], VALUE_STRING))
        instance_set(ev, self, value_as_atom(ev, arguments->items[0]), arguments->items[1]);
    return value_none(ev);
}

static Value *class_mro_method(Evaluator *ev, Value *self, const Arguments *arguments) {
    return value_get_attribute(ev, self, ev->names.mro, arguments->site);
}

static Value *class_subclasses(Evaluator *ev, Value *self, const Arguments *arguments) {
    (void)self;
    return unknown_result(ev, arguments->site, NULL);
}

static const NativeMethod property_methods[] = {{"setter", property_setter, NATIVE_METHOD, NULL},
                                                {"getter", property_same, NATIVE_METHOD, NULL},
                                                {"deleter", property_same, NATIVE_METHOD, NULL},
                                                {0}};
static const NativeMethod type_methods[] = {
    {"mro", class_mro_method, NATIVE_METHOD, NULL}, {"__subclasses__", class_subclasses, NATIVE_METHOD, NULL}, {0}};
static const NativeMethod object_methods[] = {{"__setattr__", object_setattr, NATIVE_METHOD, NULL}, {0}};

static void define_functions(Evaluator *ev) {
    static const struct {
        const char *name;
        NativeCall call;
    } functions[] = {
        {"len", builtin_len},
        {"range", builtin_range},
        {"enumerate", builtin_enumerate},
        {"zip", builtin_zip},
        {"map", builtin_map},
        {"filter", builtin_filter},
        {"sorted", builtin_sorted},
        {"reversed", builtin_reversed},
        {"all", builtin_all},
        {"any", builtin_any},
        {"sum", builtin_sum},
        {"max", builtin_max},
        {"min", builtin_min},
        {"iter", builtin_iter},
        {"next", builtin_next},
        {"aiter", builtin_iter},
        {"anext", builtin_next},
        {"getattr", builtin_getattr},
        {"setattr", builtin_setattr},
        {"hasattr", builtin_hasattr},
        {"isinstance", builtin_isinstance},
        {"issubclass", builtin_issubclass},
        {"callable", builtin_callable},
        {"vars", builtin_vars},
        {"locals", builtin_vars},
        {"globals", builtin_vars},
        {"id", builtin_id},
        {"hash", builtin_id},
        {"repr", builtin_repr},
        {"ascii", builtin_repr},
        {"format", builtin_format},
        {"print", builtin_print},
        {"abs", builtin_abs},
        {"round", builtin_round},
        {"divmod", builtin_divmod},
        {"pow", builtin_pow},
        {"chr", builtin_chr},
        {"ord", builtin_ord},
        {"open", builtin_unknown},
        {"input", builtin_unknown},
        {"eval", builtin_unknown},
        {"exec", builtin_unknown},
        {"dir", builtin_unknown},
        {"hex", builtin_unknown},
        {"delattr", builtin_unknown},
    };
    for (size_t i = 0; i < sizeof functions / sizeof *functions; i++)
        module_define_function(ev, ev->builtins.module, functions[i].name, functions[i].call);
}

static Value *singleton(Evaluator *ev, ValueKind kind) {
    Value *value = ARENA_NEW(ev->arena, Value);
    *value = (Value){builtin_types[kind], ev->builtins.kinds[kind]};
    return value;
}

void builtins_setup(Evaluator *ev) {
    Builtins *builtins = &ev->builtins;
    builtins->module = module_new(ev, SLICE("builtins"));
    builtins->module->native = true;
    builtins->object = class_new(ev, evaluator_atom(ev, "object"), builtins->module->name, NULL, 0);
    module_define(ev, builtins->module, "object", &builtins->object->head);
    NativeClass type_spec = {.name = "type", .methods = type_methods, .create = type_create};
    builtins->type = module_define_class(ev, builtins->module, &type_spec, NULL);
    builtins->object->head.cls = builtins->type->head.cls = builtins->kinds[VALUE_CLASS] = builtins->type;
    static const struct {
        ValueKind kind;
        const char *name;
    } plain[] = {{VALUE_NONE, "NoneType"},     {VALUE_ELLIPSIS, "ellipsis"},
                 {VALUE_FUNCTION, "function"}, {VALUE_NATIVE_FUNCTION, "builtin_function_or_method"},
                 {VALUE_METHOD, "method"},     {VALUE_MODULE, "module"},
                 {VALUE_UNKNOWN, "unknown"},   {VALUE_SUPER, "super"},
                 {VALUE_RANGE, "range"},       {VALUE_NATIVE, "object"},
                 {VALUE_INSTANCE, "object"}};
    for (size_t i = 0; i < sizeof plain / sizeof *plain; i++)
        builtins->kinds[plain[i].kind] =
            class_new(ev, evaluator_atom(ev, plain[i].name), builtins->module->name, NULL, 0);
    builtins->module->head.cls = builtins->kinds[VALUE_MODULE];
    builtin_define_class(ev, "property", builtin_types[VALUE_PROPERTY], property_methods, property_create);
    builtin_define_class(ev, "classmethod", builtin_types[VALUE_CLASSMETHOD], NULL, wrapper_create);
    builtin_define_class(ev, "staticmethod", builtin_types[VALUE_STATICMETHOD], NULL, wrapper_create);
    builtin_define_class(ev, "slice", builtin_types[VALUE_SLICE], NULL, slice_create);
    builtins->super_ = builtin_define_class(ev, "super", builtin_types[VALUE_SUPER], NULL, super_create);
    class_define_methods(ev, builtins->object, object_methods);
    builtins->none = singleton(ev, VALUE_NONE);
    builtins->ellipsis = singleton(ev, VALUE_ELLIPSIS);
    builtins->not_implemented = singleton(ev, VALUE_ELLIPSIS);
    module_define(ev, builtins->module, "Ellipsis", builtins->ellipsis);
    module_define(ev, builtins->module, "NotImplemented", builtins->not_implemented);
    module_define(ev, builtins->module, "__debug__", builtins->none);
    numbers_setup(ev);
    strings_setup(ev);
    containers_setup(ev);
    errors_setup(ev);
    datetimes_setup(ev);
    decimals_setup(ev);
    define_functions(ev);
}
