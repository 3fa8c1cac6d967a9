/*
 * list, tuple, dict, set: items, methods, constructors. Unknown iterables make the result unknown or open.
 */
#include <stdlib.h>

#include "compiler/evaluate/internal.h"
#include "compiler/evaluate/types.h"

/* ---- lists and tuples ---- */

static bool index_of(Evaluator *ev, Value *key, int count, int64_t *at, const Node *site) {
    if (!value_as_integer(key, at)) {
        if (value_is_enum_member(key)) return index_of(ev, enum_member_value(key), count, at, site);
        return evaluator_raise_id(ev, EXCEPTION_TYPE, site, "indices must be integers or slices, not %s",
                                  type_label(key)) != NULL;
    }
    if (*at < 0) *at += count;
    return true;
}

/* The positions of a slice; false: a bound is unknown. */
static bool slice_range(const SliceValue *slice, int64_t count, int64_t *lower, int64_t *upper, int64_t *step) {
    *step = 1;
    if (slice->step && !value_is_none(slice->step) && !value_as_integer(slice->step, step)) return false;
    if (*step == 0) *step = 1;
    *lower = *step > 0 ? 0 : count - 1;
    *upper = *step > 0 ? count : -1;
    if (slice->lower && !value_is_none(slice->lower)) {
        if (!value_as_integer(slice->lower, lower)) return false;
        if (*lower < 0) *lower += count;
        if (*lower < 0) *lower = *step > 0 ? 0 : -1;
        if (*lower > count) *lower = *step > 0 ? count : count - 1;
    }
    if (slice->upper && !value_is_none(slice->upper)) {
        if (!value_as_integer(slice->upper, upper)) return false;
        if (*upper < 0) *upper += count;
        if (*upper < 0) *upper = *step > 0 ? 0 : -1;
        if (*upper > count) *upper = count;
    }
    return true;
}

static Value *list_slice(Evaluator *ev, ListValue *list, const SliceValue *slice, const Node *site) {
    int64_t lower, upper, step;
    if (!slice_range(slice, list->count, &lower, &upper, &step))
        return value_unknown_of(ev, list->count ? list->items[0] : NULL, site);
    ListValue *out = value_list(ev);
    for (int64_t i = lower; step > 0 ? i < upper : i > upper; i += step)
        if (i >= 0 && i < list->count) list_append(ev, out, list->items[i]);
    out->open = list->open;
    if (value_is(&list->head, VALUE_LIST)) return &out->head;
    Value *tuple = value_tuple(ev, out->items, out->count);
    ((ListValue *)tuple)->open = list->open;
    return tuple;
}

static Value *text_slice(Evaluator *ev, Value *self, const SliceValue *slice, const Node *site) {
    bool bytes = value_is(self, VALUE_BYTES);
    Slice text = value_text(self);
    int64_t lower, upper, step, count = (int64_t)(bytes ? text.length : text_characters(text));
    if (!slice_range(slice, count, &lower, &upper, &step)) return unknown_result(ev, site, self->cls);
    Buffer out;
    buffer_init(&out, ev->arena);
    for (int64_t i = lower; step > 0 ? i < upper : i > upper; i += step) {
        if (i < 0 || i >= count) continue;
        if (bytes) buffer_put(&out, text.start[i]);
        else buffer_slice(&out, slice_sub(text, text_offset(text, (size_t)i), text_offset(text, (size_t)i + 1)));
    }
    return bytes ? value_bytes(ev, buffer_view(&out)) : value_string(ev, buffer_view(&out));
}

Value *sequence_index(Evaluator *ev, Value *self, Value *key, const Node *site) {
    int64_t at;
    bool text = value_is(self, VALUE_STRING) || value_is(self, VALUE_BYTES);
    if (value_is(key, VALUE_SLICE))
        return text ? text_slice(ev, self, (SliceValue *)key, site)
                    : list_slice(ev, (ListValue *)self, (SliceValue *)key, site);
    if (text) {
        Slice whole = value_text(self);
        if (value_is_unknown(key)) return unknown_result(ev, site, self->cls);
        int64_t count = (int64_t)text_characters(whole);
        if (!index_of(ev, key, (int)count, &at, site)) return NULL;
        if (at < 0 || at >= count) return evaluator_raise_id(ev, EXCEPTION_INDEX, site, "string index out of range");
        if (value_is(self, VALUE_BYTES)) return value_integer(ev, (unsigned char)whole.start[at]);
        return value_string(ev, slice_sub(whole, text_offset(whole, (size_t)at), text_offset(whole, (size_t)at + 1)));
    }
    ListValue *list = (ListValue *)self;
    if (value_is_unknown(key)) return list->count == 1 ? list->items[0] : unknown_result(ev, site, NULL);
    if (!index_of(ev, key, list->count, &at, site)) return NULL;
    if (at >= 0 && at < list->count) return list->items[at];
    if (list->open) return list->count ? list->items[0] : unknown_result(ev, site, NULL);
    evaluator_raise_id(ev, EXCEPTION_INDEX, site, "%s index out of range",
                       value_is(self, VALUE_LIST) ? "list" : "tuple");
    error_doubt(ev, NULL);
    return NULL;
}

bool list_set_item(Evaluator *ev, Value *self, Value *key, Value *value, const Node *site) {
    ListValue *list = (ListValue *)self;
    int64_t at;
    if (value_is_unknown(key) || value_is(key, VALUE_SLICE)) {
        evaluator_touch(ev, list, sizeof *list);
        list->open = true;
        return true;
    }
    if (!index_of(ev, key, list->count, &at, site)) return false;
    if (at < 0 || at >= list->count)
        return list->open ||
               evaluator_raise_id(ev, EXCEPTION_INDEX, site, "list assignment index out of range") != NULL;
    evaluator_touch(ev, &list->items[at], sizeof *list->items);
    list->items[at] = value;
    return true;
}

static Value *list_method_append(Evaluator *ev, Value *self, const Arguments *arguments) {
    if (arguments->count != 1)
        return evaluator_raise_id(ev, EXCEPTION_TYPE, arguments->site,
                                  "list.append() takes exactly one argument (%d given)", arguments->count);
    list_append(ev, (ListValue *)self, arguments->items[0]);
    return value_none(ev);
}

static Value *list_extend(Evaluator *ev, Value *self, const Arguments *arguments) {
    ListValue *list = (ListValue *)self;
    Value *items = arguments->count == 1 ? value_iterate(ev, arguments->items[0], arguments->site) : NULL;
    if (!items) return NULL;
    if (value_is_unknown(items)) {
        if (((UnknownValue *)items)->element) list_append(ev, list, ((UnknownValue *)items)->element);
        evaluator_touch(ev, list, sizeof *list);
        list->open = true;
        return value_none(ev);
    }
    for (int i = 0; i < ((ListValue *)items)->count; i++) list_append(ev, list, ((ListValue *)items)->items[i]);
    if (((ListValue *)items)->open) {
        evaluator_touch(ev, list, sizeof *list);
        list->open = true;
    }
    return value_none(ev);
}

/* The list gets new contents; the old are kept by the journal. */
static void list_replace(Evaluator *ev, ListValue *list, ListValue *contents) {
    evaluator_touch(ev, list, sizeof *list);
    list->items = contents->items;
    list->count = contents->count;
    list->capacity = contents->capacity;
}

static ListValue *list_without(Evaluator *ev, const ListValue *list, int64_t at) {
    ListValue *out = value_list(ev);
    out->level = 32767; /* a copy is no growth */
    for (int i = 0; i < list->count; i++)
        if (i != at) list_append(ev, out, list->items[i]);
    return out;
}

static Value *list_pop(Evaluator *ev, Value *self, const Arguments *arguments) {
    ListValue *list = (ListValue *)self;
    int64_t at = list->count - 1;
    if (arguments->count && value_is_unknown(arguments->items[0])) return unknown_result(ev, arguments->site, NULL);
    if (arguments->count && !index_of(ev, arguments->items[0], list->count, &at, arguments->site)) return NULL;
    if (at < 0 || at >= list->count) {
        if (list->open) return unknown_result(ev, arguments->site, NULL);
        return evaluator_raise_id(ev, EXCEPTION_INDEX, arguments->site,
                                  list->count ? "pop index out of range" : "pop from empty list");
    }
    Value *item = list->items[at];
    list_replace(ev, list, list_without(ev, list, at));
    return item;
}

static Value *list_remove(Evaluator *ev, Value *self, const Arguments *arguments) {
    ListValue *list = (ListValue *)self;
    for (int i = 0; arguments->count && i < list->count; i++)
        if (value_equals(ev, list->items[i], arguments->items[0])) {
            list_replace(ev, list, list_without(ev, list, i));
            return value_none(ev);
        }
    if (list->open || (arguments->count && value_is_unknown(arguments->items[0]))) return value_none(ev);
    return evaluator_raise_id(ev, EXCEPTION_VALUE, arguments->site, "list.remove(x): x not in list");
}

static Value *list_insert(Evaluator *ev, Value *self, const Arguments *arguments) {
    ListValue *list = (ListValue *)self, *out = value_list(ev);
    int64_t at = 0;
    if (arguments->count != 2)
        return evaluator_raise_id(ev, EXCEPTION_TYPE, arguments->site, "insert expected 2 arguments");
    value_as_integer(arguments->items[0], &at);
    if (at < 0) at += list->count;
    out->level = 32767;
    for (int i = 0; i <= list->count; i++) {
        if (i == at || (at < 0 && !i) || (at > list->count && i == list->count))
            list_append(ev, out, arguments->items[1]);
        if (i < list->count) list_append(ev, out, list->items[i]);
    }
    list_replace(ev, list, out);
    return value_none(ev);
}

static Value *list_clear(Evaluator *ev, Value *self, const Arguments *arguments) {
    (void)arguments;
    list_replace(ev, (ListValue *)self, value_list(ev));
    return value_none(ev);
}

static Value *list_copy(Evaluator *ev, Value *self, const Arguments *arguments) {
    (void)arguments;
    ListValue *out = list_without(ev, (ListValue *)self, -1);
    out->level = (short)ev->loop_unknown;
    out->open = ((ListValue *)self)->open;
    return &out->head;
}

static Value *list_index(Evaluator *ev, Value *self, const Arguments *arguments) {
    const ListValue *list = (ListValue *)self;
    for (int i = 0; arguments->count && i < list->count; i++)
        if (value_equals(ev, list->items[i], arguments->items[0])) return value_integer(ev, i);
    if (list->open || (arguments->count && value_is_unknown(arguments->items[0])))
        return unknown_result(ev, arguments->site, ev->builtins.kinds[VALUE_INTEGER]);
    return evaluator_raise_id(ev, EXCEPTION_VALUE, arguments->site, "%.*s is not in list",
                              SLICE_ARGS(value_repr(ev, arguments->items[0])));
}

static Value *list_count(Evaluator *ev, Value *self, const Arguments *arguments) {
    const ListValue *list = (ListValue *)self;
    int64_t count = 0;
    for (int i = 0; arguments->count && i < list->count; i++)
        count += value_equals(ev, list->items[i], arguments->items[0]);
    return value_integer(ev, count);
}

static Value *list_reverse(Evaluator *ev, Value *self, const Arguments *arguments) {
    (void)arguments;
    ListValue *list = (ListValue *)self, *out = value_list(ev);
    out->level = 32767;
    for (int i = list->count - 1; i >= 0; i--) list_append(ev, out, list->items[i]);
    list_replace(ev, list, out);
    return value_none(ev);
}

/* Merge sort: stable, as Python's. Returns false where the order is unknown or an error is pending. */
bool value_sort(Evaluator *ev, ListValue *list, Value *key, bool reverse, const Node *site) {
    int count = list->count;
    Value **keys = ARENA_ARRAY(ev->arena, Value *, count), **items = ARENA_ARRAY(ev->arena, Value *, count);
    for (int i = 0; i < count; i++) {
        items[i] = list->items[i];
        keys[i] = key && !value_is_none(key) ? value_call_with(ev, key, &items[i], 1, site) : items[i];
        if (!keys[i]) return false;
        keys[i] = value_resolve(keys[i]);
        if (value_is_unknown(keys[i])) return false;
    }
    Value **other_keys = ARENA_ARRAY(ev->arena, Value *, count), **other_items = ARENA_ARRAY(ev->arena, Value *, count);
    for (int width = 1; width < count; width *= 2) {
        for (int start = 0; start < count; start += 2 * width) {
            int middle = start + width < count ? start + width : count,
                end = middle + width < count ? middle + width : count;
            for (int a = start, b = middle, out = start; out < end; out++) {
                bool left = b >= end;
                if (a < middle && b < end) {
                    bool comparable = true;
                    int order = value_order(ev, keys[a], keys[b], &comparable);
                    if (!comparable) {
                        if (!ev->error.pending)
                            evaluator_raise_id(ev, EXCEPTION_TYPE, site,
                                               "'<' not supported between instances of '%s' and '%s'",
                                               type_label(keys[b]), type_label(keys[a]));
                        return false;
                    }
                    left = reverse ? order >= 0 : order <= 0;
                }
                other_keys[out] = left ? keys[a] : keys[b];
                other_items[out] = left ? items[a++] : items[b++];
            }
        }
        Value **spare = keys;
        keys = other_keys, other_keys = spare;
        spare = items;
        items = other_items, other_items = spare;
    }
    evaluator_touch(ev, list, sizeof *list);
    list->items = items;
    list->capacity = count;
    return true;
}

static Value *list_sort(Evaluator *ev, Value *self, const Arguments *arguments) {
    Value *key = NULL, *reverse = NULL;
    if (!arguments_bind(ev, arguments, "sort", "| * key reverse", &key, &reverse)) return NULL;
    value_sort(ev, (ListValue *)self, key, reverse && value_truth(ev, reverse, arguments->site) == TRUTH_TRUE,
               arguments->site);
    return ev->error.pending ? NULL : value_none(ev);
}

static Value *list_create(Evaluator *ev, Class *cls, const Arguments *arguments) {
    (void)cls;
    ListValue *list = value_list(ev);
    if (!arguments->count) return &list->head;
    Value *items = value_iterate(ev, arguments->items[0], arguments->site);
    if (!items) return NULL;
    if (value_is_unknown(items)) {
        UnknownValue *unknown = (UnknownValue *)items;
        UnknownValue *made =
            (UnknownValue *)value_unknown(ev, unknown->text, unknown->node, &ev->builtins.kinds[VALUE_LIST]->head);
        made->element = unknown->element;
        made->origin = unknown->origin;
        made->origin_type = unknown->origin_type;
        return &made->head;
    }
    for (int i = 0; i < ((ListValue *)items)->count; i++) list_append(ev, list, ((ListValue *)items)->items[i]);
    list->open = ((ListValue *)items)->open;
    return &list->head;
}

static Value *tuple_create(Evaluator *ev, Class *cls, const Arguments *arguments) {
    Value *list = list_create(ev, cls, arguments);
    if (!list || value_is_unknown(list)) return list;
    Value *tuple = value_tuple(ev, ((ListValue *)list)->items, ((ListValue *)list)->count);
    ((ListValue *)tuple)->open = ((ListValue *)list)->open;
    return tuple;
}

/* ---- dicts ---- */

Value *dict_get_item(Evaluator *ev, Value *self, Value *key, const Node *site) {
    DictValue *dict = (DictValue *)self;
    Value *found = dict_get(ev, dict, key);
    if (found) return found;
    if (value_is_unknown(key)) return unknown_choose_item(ev, dict, key, site);
    if (dict->default_factory && !value_is_none(dict->default_factory)) {
        Value *made = value_call_with(ev, dict->default_factory, NULL, 0, site);
        if (made) dict_set(ev, dict, key, made, NULL);
        return made;
    }
    if (dict->open) return unknown_result(ev, site, NULL);
    for (int i = 0; i < dict->count; i++)
        if (value_is_unknown(value_resolve(dict->entries[i].key))) return dict->entries[i].value;
    evaluator_raise_id(ev, EXCEPTION_KEY, site, "%.*s", SLICE_ARGS(value_repr(ev, key)));
    error_doubt(ev, NULL);
    return NULL;
}

bool dict_set_item(Evaluator *ev, Value *self, Value *key, Value *value, const Node *site) {
    dict_set(ev, (DictValue *)self, key, value, site);
    return true;
}

static Value *dict_method_get(Evaluator *ev, Value *self, const Arguments *arguments) {
    Value *key = NULL, *fallback = NULL;
    if (!arguments_bind(ev, arguments, "get", "key | default", &key, &fallback)) return NULL;
    DictValue *dict = (DictValue *)self;
    Value *found = dict_get(ev, dict, key);
    if (found) return found;
    if (dict->open) return unknown_result(ev, arguments->site, NULL);
    if (!fallback) fallback = value_none(ev);
    if (!value_is_unknown(key) || !dict->count) return fallback;
    if (!evaluator_symbolic(ev) || dict->count > 12) return unknown_result(ev, arguments->site, NULL);
    int taken = evaluator_decide(ev, arguments->site, dict->count + 1);
    if (taken == dict->count) return fallback;
    return dict->entries[taken].value;
}

static ListValue *dict_list(Evaluator *ev, const DictValue *dict, int what) {
    ListValue *list = value_list(ev);
    list->level = 32767;
    for (int i = 0; i < dict->count; i++) {
        Value *pair[2] = {dict->entries[i].key, dict->entries[i].value};
        list_append(ev, list, what == 0 ? pair[0] : what == 1 ? pair[1] : value_tuple(ev, pair, 2));
    }
    list->open = dict->open;
    return list;
}

static Value *dict_view(Evaluator *ev, Value *self, int what, const Node *site) {
    DictValue *dict = (DictValue *)self;
    if (!dict->open || dict->count) return &dict_list(ev, dict, what)->head;
    UnknownValue *made = (UnknownValue *)value_unknown_at(ev, site);
    if (what == 2) {
        Value *pair[2] = {value_unknown(ev, SLICE("key"), site, NULL), value_unknown(ev, SLICE("value"), site, NULL)};
        made->element = value_tuple(ev, pair, 2);
    }
    return &made->head;
}

static Value *dict_keys(Evaluator *ev, Value *self, const Arguments *a) { return dict_view(ev, self, 0, a->site); }
static Value *dict_values(Evaluator *ev, Value *self, const Arguments *a) { return dict_view(ev, self, 1, a->site); }
static Value *dict_items(Evaluator *ev, Value *self, const Arguments *a) { return dict_view(ev, self, 2, a->site); }

Value *dict_iterate(Evaluator *ev, Value *self, const Node *site) {
    Value *list = dict_view(ev, self, 0, site);
    if (value_is(self, VALUE_SET) && value_is(list, VALUE_LIST))
        value_set_order(ev, ((ListValue *)list)->items, ((ListValue *)list)->count);
    return list;
}

static void dict_delete(Evaluator *ev, DictValue *dict, int at) {
    evaluator_touch(ev, dict, sizeof *dict);
    DictEntry *entries = ARENA_ARRAY(ev->arena, DictEntry, dict->count);
    for (int i = 0, out = 0; i < dict->count; i++)
        if (i != at) entries[out++] = dict->entries[i];
    dict->entries = entries;
    dict->capacity = dict->count--;
}

static int dict_find(Evaluator *ev, const DictValue *dict, Value *key) {
    for (int i = 0; i < dict->count; i++)
        if (value_equals(ev, dict->entries[i].key, key)) return i;
    return -1;
}

static Value *dict_pop(Evaluator *ev, Value *self, const Arguments *arguments) {
    Value *key = NULL, *fallback = NULL;
    if (!arguments_bind(ev, arguments, "pop", "key | default", &key, &fallback)) return NULL;
    DictValue *dict = (DictValue *)self;
    int at = dict_find(ev, dict, key);
    if (at >= 0) {
        Value *value = dict->entries[at].value;
        dict_delete(ev, dict, at);
        return value;
    }
    if (dict->open || value_is_unknown(key)) return unknown_result(ev, arguments->site, NULL);
    if (fallback) return fallback;
    return evaluator_raise_id(ev, EXCEPTION_KEY, arguments->site, "%.*s", SLICE_ARGS(value_repr(ev, key)));
}

static Value *dict_setdefault(Evaluator *ev, Value *self, const Arguments *arguments) {
    Value *key = NULL, *fallback = NULL;
    if (!arguments_bind(ev, arguments, "setdefault", "key | default", &key, &fallback)) return NULL;
    Value *found = dict_get(ev, (DictValue *)self, key);
    if (found) return found;
    if (!fallback) fallback = value_none(ev);
    dict_set(ev, (DictValue *)self, key, fallback, arguments->site);
    return fallback;
}

/* From a mapping or pairs, then keywords. */
static bool dict_fill(Evaluator *ev, DictValue *dict, const Arguments *arguments) {
    for (int i = 0; i < arguments->count; i++) {
        Value *from = value_resolve(arguments->items[i]);
        if (value_is(from, VALUE_DICT)) {
            const DictValue *other = (DictValue *)from;
            if (other->open) {
                evaluator_touch(ev, dict, sizeof *dict);
                dict->open = true;
            }
            for (int j = 0; j < other->count; j++)
                dict_set(ev, dict, other->entries[j].key, other->entries[j].value, other->entries[j].node);
            continue;
        }
        Value *pairs = value_iterate(ev, from, arguments->site);
        if (!pairs) return false;
        if (value_is_unknown(pairs)) {
            evaluator_touch(ev, dict, sizeof *dict);
            dict->open = true;
            continue;
        }
        for (int j = 0; j < ((ListValue *)pairs)->count; j++) {
            Value *pair = value_iterate(ev, ((ListValue *)pairs)->items[j], arguments->site);
            if (!pair) return false;
            if (value_is_unknown(pair) || ((ListValue *)pair)->count != 2) dict->open = true;
            else dict_set(ev, dict, ((ListValue *)pair)->items[0], ((ListValue *)pair)->items[1], NULL);
        }
    }
    for (int i = 0; i < arguments->keyword_count; i++)
        dict_set(ev, dict, value_atom(ev, arguments->keywords[i].name), arguments->keywords[i].value,
                 arguments->keywords[i].node);
    if (arguments->unknown_keywords) dict->open = true;
    return true;
}

static Value *dict_update(Evaluator *ev, Value *self, const Arguments *arguments) {
    return dict_fill(ev, (DictValue *)self, arguments) ? value_none(ev) : NULL;
}

static Value *dict_copy(Evaluator *ev, Value *self, const Arguments *arguments) {
    (void)arguments;
    DictValue *made = value_is(self, VALUE_SET) ? value_set(ev) : value_dict(ev);
    const DictValue *dict = (DictValue *)self;
    made->open = dict->open;
    for (int i = 0; i < dict->count; i++)
        dict_set(ev, made, dict->entries[i].key, dict->entries[i].value, dict->entries[i].node);
    return &made->head;
}

static Value *dict_clear(Evaluator *ev, Value *self, const Arguments *arguments) {
    (void)arguments;
    DictValue *dict = (DictValue *)self;
    evaluator_touch(ev, dict, sizeof *dict);
    dict->entries = NULL;
    dict->count = dict->capacity = 0;
    return value_none(ev);
}

static Value *dict_popitem(Evaluator *ev, Value *self, const Arguments *arguments) {
    DictValue *dict = (DictValue *)self;
    if (!dict->count) return evaluator_raise_id(ev, EXCEPTION_KEY, arguments->site, "'popitem(): dictionary is empty'");
    DictEntry last = dict->entries[dict->count - 1];
    dict_delete(ev, dict, dict->count - 1);
    return value_tuple(ev, (Value *[]){last.key, last.value}, 2);
}

static Value *dict_create(Evaluator *ev, Class *cls, const Arguments *arguments) {
    (void)cls;
    DictValue *dict = value_dict(ev);
    return dict_fill(ev, dict, arguments) ? &dict->head : NULL;
}

static Value *dict_fromkeys(Evaluator *ev, Value *self, const Arguments *arguments) {
    (void)self;
    Value *keys = NULL, *value = NULL;
    if (!arguments_bind(ev, arguments, "fromkeys", "iterable | value", &keys, &value)) return NULL;
    Value *items = value_iterate(ev, keys, arguments->site);
    if (!items) return NULL;
    DictValue *dict = value_dict(ev);
    if (value_is_unknown(items)) dict->open = true;
    else
        for (int i = 0; i < ((ListValue *)items)->count; i++)
            dict_set(ev, dict, ((ListValue *)items)->items[i], value ? value : value_none(ev), NULL);
    return &dict->head;
}

Value *dict_contains(Evaluator *ev, Value *self, Value *item, const Node *site) {
    const DictValue *dict = (DictValue *)self;
    if (dict_get(ev, dict, item)) return value_bool(ev, true);
    if (value_is_unknown(item)) {
        if (!dict->count && !dict->open) return value_bool(ev, false);
        return unknown_contains(ev, dict->open ? value_unknown_at(ev, site) : &dict_list(ev, dict, 0)->head, item,
                                false, site);
    }
    if (dict->open) return unknown_result(ev, site, ev->builtins.kinds[VALUE_BOOL]);
    return value_bool(ev, false);
}

/* ---- sets ---- */

static Value *set_create(Evaluator *ev, Class *cls, const Arguments *arguments) {
    DictValue *set = value_set(ev);
    if (arguments->count) {
        Value *items = value_iterate(ev, arguments->items[0], arguments->site);
        if (!items) return NULL;
        if (value_is_unknown(items)) return list_create(ev, cls, arguments);
        for (int i = 0; i < ((ListValue *)items)->count; i++)
            dict_set(ev, set, ((ListValue *)items)->items[i], value_none(ev), NULL);
        set->open = ((ListValue *)items)->open;
    }
    if (cls == ev->builtins.frozenset) set->head.cls = cls;
    return &set->head;
}

static Value *set_add(Evaluator *ev, Value *self, const Arguments *arguments) {
    if (arguments->count == 1) dict_set(ev, (DictValue *)self, arguments->items[0], value_none(ev), NULL);
    return value_none(ev);
}

static Value *set_update(Evaluator *ev, Value *self, const Arguments *arguments) {
    DictValue *set = (DictValue *)self;
    for (int i = 0; i < arguments->count; i++) {
        Value *items = value_iterate(ev, arguments->items[i], arguments->site);
        if (!items) return NULL;
        if (value_is_unknown(items)) {
            evaluator_touch(ev, set, sizeof *set);
            set->open = true;
            continue;
        }
        for (int j = 0; j < ((ListValue *)items)->count; j++)
            dict_set(ev, set, ((ListValue *)items)->items[j], value_none(ev), NULL);
    }
    return value_none(ev);
}

static Value *set_discard(Evaluator *ev, Value *self, const Arguments *arguments) {
    int at = arguments->count ? dict_find(ev, (DictValue *)self, arguments->items[0]) : -1;
    if (at >= 0) dict_delete(ev, (DictValue *)self, at);
    return value_none(ev);
}

static Value *set_combine(Evaluator *ev, Value *self, Value *other, Operator op, const Node *site) {
    Value *items = value_iterate(ev, other, site);
    if (!items) return NULL;
    if (value_is_unknown(items)) return unknown_result(ev, site, NULL);
    DictValue *out = value_set(ev), *right = value_set(ev);
    const DictValue *left = (DictValue *)self;
    for (int i = 0; i < ((ListValue *)items)->count; i++)
        dict_set(ev, right, ((ListValue *)items)->items[i], value_none(ev), NULL);
    for (int i = 0; i < left->count; i++) {
        bool in_right = dict_find(ev, right, left->entries[i].key) >= 0;
        if (op == OP_BitOr || (op == OP_BitAnd) == in_right)
            dict_set(ev, out, left->entries[i].key, value_none(ev), NULL);
    }
    if (op == OP_BitOr || op == OP_BitXor)
        for (int i = 0; i < right->count; i++)
            if (dict_find(ev, left, right->entries[i].key) < 0)
                dict_set(ev, out, right->entries[i].key, value_none(ev), NULL);
    out->open = left->open || ((ListValue *)items)->open;
    return &out->head;
}

static Value *set_operation(Evaluator *ev, Value *self, const Arguments *arguments, Operator op) {
    for (int i = 0; self && i < arguments->count && value_is(self, VALUE_SET); i++)
        self = set_combine(ev, self, arguments->items[i], op, arguments->site);
    return self;
}

static Value *set_union(Evaluator *ev, Value *self, const Arguments *a) { return set_operation(ev, self, a, OP_BitOr); }
static Value *set_intersection(Evaluator *ev, Value *self, const Arguments *a) {
    return set_operation(ev, self, a, OP_BitAnd);
}
static Value *set_difference(Evaluator *ev, Value *self, const Arguments *a) {
    return set_operation(ev, self, a, OP_Sub);
}

static Value *set_issubset(Evaluator *ev, Value *self, const Arguments *arguments) {
    Value *rest = set_difference(ev, self, arguments);
    if (!rest || value_is_unknown(rest)) return rest;
    return value_bool(ev, ((DictValue *)rest)->count == 0);
}

/* ---- operators of all of them ---- */

Value *builtin_binary(Evaluator *ev, Operator op, Value *left, Value *right, const Node *site) {
    if (op == OP_Add && left->type->kind == right->type->kind) {
        if (value_is(left, VALUE_STRING) || value_is(left, VALUE_BYTES)) {
            Slice text = slice_join(ev->arena, value_text(left), value_text(right));
            return value_is(left, VALUE_STRING) ? value_string(ev, text) : value_bytes(ev, text);
        }
        if (value_is(left, VALUE_LIST) || value_is(left, VALUE_TUPLE)) {
            ListValue *out = value_list(ev), *sides[2] = {(ListValue *)left, (ListValue *)right};
            for (int i = 0; i < 2; i++)
                for (int j = 0; j < sides[i]->count; j++) list_append(ev, out, sides[i]->items[j]);
            out->open = sides[0]->open || sides[1]->open;
            if (value_is(left, VALUE_LIST)) return &out->head;
            Value *tuple = value_tuple(ev, out->items, out->count);
            ((ListValue *)tuple)->open = out->open;
            return tuple;
        }
    }
    int64_t times;
    if (op == OP_Mult && value_as_integer(left, &times)) {
        Value *spare = left;
        left = right;
        right = spare;
    }
    if (op == OP_Mult && value_as_integer(right, &times) && times < 100000) {
        if (value_is(left, VALUE_STRING)) {
            Buffer out;
            buffer_init(&out, ev->arena);
            for (int64_t i = 0; i < times && out.length < 10000000; i++) buffer_slice(&out, value_text(left));
            return value_string(ev, buffer_view(&out));
        }
        if (value_is(left, VALUE_LIST) || value_is(left, VALUE_TUPLE)) {
            ListValue *out = value_list(ev);
            for (int64_t i = 0; i < times; i++)
                for (int j = 0; j < ((ListValue *)left)->count; j++)
                    list_append(ev, out, ((ListValue *)left)->items[j]);
            return value_is(left, VALUE_LIST) ? &out->head : value_tuple(ev, out->items, out->count);
        }
    }
    if (value_is(left, VALUE_SET) && value_is(right, VALUE_SET) &&
        (op == OP_BitOr || op == OP_BitAnd || op == OP_Sub || op == OP_BitXor))
        return set_combine(ev, left, right, op, site);
    if (op == OP_BitOr && value_is(left, VALUE_DICT) && value_is(right, VALUE_DICT)) {
        Value *items[2] = {left, right};
        Arguments both = {.items = items, .count = 2, .site = site};
        return dict_create(ev, NULL, &both);
    }
    bool types = value_is(left, VALUE_CLASS) || value_is(left, VALUE_NONE);
    if (op == OP_BitOr && types &&
        (value_is(right, VALUE_CLASS) || value_is(right, VALUE_NONE) || value_is(right, VALUE_STRING)))
        return value_union(ev, left, right);
    return NULL;
}

Value *container_length(Evaluator *ev, Value *self, const Node *site) {
    if (value_is(self, VALUE_STRING)) return value_integer(ev, (int64_t)text_characters(value_text(self)));
    if (value_is(self, VALUE_BYTES)) return value_integer(ev, (int64_t)value_text(self).length);
    bool list = value_is(self, VALUE_LIST) || value_is(self, VALUE_TUPLE);
    if (list ? ((ListValue *)self)->open : ((DictValue *)self)->open)
        return unknown_result(ev, site, ev->builtins.kinds[VALUE_INTEGER]);
    return value_integer(ev, list ? ((ListValue *)self)->count : ((DictValue *)self)->count);
}

Truth container_truth(Evaluator *ev, Value *self, const Node *site) {
    (void)ev;
    (void)site;
    if (value_is(self, VALUE_STRING) || value_is(self, VALUE_BYTES))
        return value_text(self).length ? TRUTH_TRUE : TRUTH_FALSE;
    bool list = value_is(self, VALUE_LIST) || value_is(self, VALUE_TUPLE);
    int count = list ? ((ListValue *)self)->count : ((DictValue *)self)->count;
    if (count) return TRUTH_TRUE;
    return (list ? ((ListValue *)self)->open : ((DictValue *)self)->open) ? TRUTH_UNKNOWN : TRUTH_FALSE;
}

#define METHOD(type, name)                                                                                             \
    { #name, type##_##name, NATIVE_METHOD, NULL }
static const NativeMethod list_methods[] = {{"append", list_method_append, NATIVE_METHOD, NULL},
                                            METHOD(list, extend),
                                            METHOD(list, pop),
                                            METHOD(list, remove),
                                            METHOD(list, insert),
                                            METHOD(list, clear),
                                            METHOD(list, copy),
                                            METHOD(list, index),
                                            METHOD(list, count),
                                            METHOD(list, reverse),
                                            METHOD(list, sort),
                                            {0}};
static const NativeMethod tuple_methods[] = {METHOD(list, index), METHOD(list, count), {0}};
static const NativeMethod dict_methods[] = {{"get", dict_method_get, NATIVE_METHOD, NULL},
                                            METHOD(dict, keys),
                                            METHOD(dict, values),
                                            METHOD(dict, items),
                                            METHOD(dict, pop),
                                            METHOD(dict, setdefault),
                                            METHOD(dict, update),
                                            METHOD(dict, copy),
                                            METHOD(dict, clear),
                                            METHOD(dict, popitem),
                                            {"fromkeys", dict_fromkeys, NATIVE_STATICMETHOD, NULL},
                                            {0}};
static const NativeMethod set_methods[] = {METHOD(set, add),
                                           METHOD(set, update),
                                           METHOD(set, discard),
                                           {"remove", set_discard, NATIVE_METHOD, NULL},
                                           METHOD(set, union),
                                           METHOD(set, intersection),
                                           METHOD(set, difference),
                                           METHOD(set, issubset),
                                           {"copy", dict_copy, NATIVE_METHOD, NULL},
                                           {"clear", dict_clear, NATIVE_METHOD, NULL},
                                           {0}};
#undef METHOD

void containers_setup(Evaluator *ev) {
    builtin_define_class(ev, "list", builtin_types[VALUE_LIST], list_methods, list_create);
    builtin_define_class(ev, "tuple", builtin_types[VALUE_TUPLE], tuple_methods, tuple_create);
    builtin_define_class(ev, "dict", builtin_types[VALUE_DICT], dict_methods, dict_create);
    Class *set = builtin_define_class(ev, "set", builtin_types[VALUE_SET], set_methods, set_create);
    ev->builtins.frozenset = builtin_define_class(ev, "frozenset", builtin_types[VALUE_SET], set_methods, set_create);
    ev->builtins.kinds[VALUE_SET] = set;
}
