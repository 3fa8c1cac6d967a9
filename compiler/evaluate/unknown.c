/*
 * Unknown values: what attribute access, calls, items, iteration and operators give on them, and how annotations
 * type them. Invariants: the text of an unknown is Python source that stands for it; reading the same
 * attribute twice gives the same unknown, so that one decision settles both.
 */
#include "compiler/evaluate/internal.h"

const Type comparison_origin = {.name = "comparison", .kind = VALUE_NATIVE};
/* The origin of an unknown attribute is its owner, so that a call of it knows whose method it is. */
static const Type attribute_origin = {.name = "attribute", .kind = VALUE_NATIVE};

enum { CHOICES_MOST = 12, TEXT_MOST = 200 };

Class *unknown_class(const Value *value) {
    const Value *known = ((const UnknownValue *)value)->known_class;
    return known && value_is(known, VALUE_CLASS) ? (Class *)known : NULL;
}

Value *value_unknown(Evaluator *ev, Slice text, const Node *node, Value *known_class) {
    UnknownValue *value = ARENA_NEW(ev->arena, UnknownValue);
    value->head = (Value){builtin_types[VALUE_UNKNOWN], ev->builtins.kinds[VALUE_UNKNOWN]};
    value->text = text;
    value->node = node;
    value->known_class = known_class;
    return &value->head;
}

Value *value_unknown_at(Evaluator *ev, const Node *node) {
    return value_unknown(ev, evaluator_node_text(ev, node), node, NULL);
}

Value *unknown_result(Evaluator *ev, const Node *site, Class *known) {
    return value_unknown(ev, evaluator_node_text(ev, site), site, known ? &known->head : NULL);
}

Value *value_optional(Evaluator *ev, Value *present, Slice text, const Node *node) {
    UnknownValue *value = (UnknownValue *)value_unknown(ev, text, node, NULL);
    value->present = present;
    value->known_class = value_is_unknown(present) ? ((UnknownValue *)present)->known_class : &present->cls->head;
    return &value->head;
}

Value *value_unknown_of(Evaluator *ev, Value *element, const Node *node) {
    UnknownValue *value = (UnknownValue *)value_unknown_at(ev, node);
    value->element = element;
    value->known_class = &ev->builtins.kinds[VALUE_LIST]->head;
    return &value->head;
}

/* ---- attributes ---- */

/* What methods and attributes of builtin types give: owner, name, kind of the result. */
static const struct {
    ValueKind owner;
    const char *name;
    ValueKind result;
} known_results[] = {
    {VALUE_STRING, "strip", VALUE_STRING},
    {VALUE_STRING, "lstrip", VALUE_STRING},
    {VALUE_STRING, "rstrip", VALUE_STRING},
    {VALUE_STRING, "lower", VALUE_STRING},
    {VALUE_STRING, "upper", VALUE_STRING},
    {VALUE_STRING, "title", VALUE_STRING},
    {VALUE_STRING, "capitalize", VALUE_STRING},
    {VALUE_STRING, "replace", VALUE_STRING},
    {VALUE_STRING, "format", VALUE_STRING},
    {VALUE_STRING, "join", VALUE_STRING},
    {VALUE_STRING, "split", VALUE_LIST},
    {VALUE_STRING, "splitlines", VALUE_LIST},
    {VALUE_STRING, "startswith", VALUE_BOOL},
    {VALUE_STRING, "endswith", VALUE_BOOL},
    {VALUE_STRING, "isdigit", VALUE_BOOL},
    {VALUE_DATETIME, "date", VALUE_DATE},
    {VALUE_DATETIME, "time", VALUE_TIME},
    {VALUE_DATETIME, "replace", VALUE_DATETIME},
    {VALUE_DATETIME, "astimezone", VALUE_DATETIME},
    {VALUE_DATE, "replace", VALUE_DATE},
    {VALUE_DATETIME, "isoformat", VALUE_STRING},
    {VALUE_DATE, "isoformat", VALUE_STRING},
    {VALUE_DATETIME, "year", VALUE_INTEGER},
    {VALUE_DATE, "year", VALUE_INTEGER},
    {VALUE_DATETIME, "month", VALUE_INTEGER},
    {VALUE_DATE, "month", VALUE_INTEGER},
    {VALUE_DATETIME, "day", VALUE_INTEGER},
    {VALUE_DATE, "day", VALUE_INTEGER},
    {VALUE_DECIMAL, "quantize", VALUE_DECIMAL},
    {VALUE_TIMEDELTA, "total_seconds", VALUE_FLOAT},
};

static Class *known_result(Evaluator *ev, const Class *owner, Slice name) {
    if (!owner) return NULL;
    for (size_t i = 0; i < sizeof known_results / sizeof *known_results; i++)
        if (ev->builtins.kinds[known_results[i].owner] == owner && slice_equals_text(name, known_results[i].name))
            return ev->builtins.kinds[known_results[i].result];
    return NULL;
}

Value *value_unknown_attribute(Evaluator *ev, const UnknownValue *owner, Atom name, const Node *node) {
    Slice text = owner->text.length > TEXT_MOST
                     ? evaluator_node_text(ev, node)
                     : slice_format(ev->arena, "%.*s.%.*s", SLICE_ARGS(owner->text), SLICE_ARGS(name->text));
    return value_unknown(ev, text, node, NULL);
}

static AtomMap *unknown_attributes(Evaluator *ev, UnknownValue *self) {
    if (!self->attributes) {
        evaluator_touch(ev, &self->attributes, sizeof self->attributes);
        self->attributes = ARENA_NEW(ev->arena, AtomMap);
        atom_map_init(self->attributes, ev->arena);
    }
    return self->attributes;
}

static Value *unknown_adopted(Evaluator *ev, UnknownValue *self, Atom name, const Node *site) {
    if (self->origin && self->origin_type != &attribute_origin && self->origin_type != &import_origin) return NULL;
    for (int i = 0; i < ev->family_count; i++) {
        const NativeFamily *family = ev->families[i].family;
        Value *adopted = family->adopt_unknown ? family->adopt_unknown(ev, self, name, site) : NULL;
        if (!adopted) continue;
        evaluator_touch(ev, &self->resolved, sizeof self->resolved);
        self->resolved = adopted;
        return adopted;
    }
    return NULL;
}

Value *unknown_get_attribute(Evaluator *ev, UnknownValue *self, Atom name, const Node *site) {
    AtomMap *attributes = unknown_attributes(ev, self);
    Value *found = atom_map_get(attributes, name);
    if (found) return value_resolve(found);
    Value *adopted = unknown_adopted(ev, self, name, site);
    if (adopted) return value_get_attribute(ev, adopted, name, site);
    Class *known = unknown_class(&self->head);
    /* methods of a program's class, or of a native one, run with the unknown as self where they are the program's own
     */
    Value *method = known && class_is_user(known) ? class_find(known, name) : NULL;
    if (method) return class_bind(ev, method, &self->head, known, site);
    UnknownValue *made = (UnknownValue *)value_unknown_attribute(ev, self, name, site);
    made->origin = self;
    made->origin_type = &attribute_origin;
    Class *result = known_result(ev, known, name->text);
    if (result) made->known_class = &result->head;
    namespace_set(ev, attributes, name, made);
    return &made->head;
}

void unknown_set_attribute(Evaluator *ev, UnknownValue *self, Atom name, Value *value) {
    namespace_set(ev, unknown_attributes(ev, self), name, value);
}

/* ---- calls ---- */

static Value *unknown_pair(Evaluator *ev, const Node *site) {
    Value *items[2] = {value_unknown(ev, SLICE("key"), site, NULL), value_unknown(ev, SLICE("value"), site, NULL)};
    return value_tuple(ev, items, 2);
}

Value *unknown_call(Evaluator *ev, Value *callee, const Arguments *arguments) {
    UnknownValue *self = (UnknownValue *)callee;
    for (int i = 0; i < arguments->count; i++)
        execute_escaping(ev, arguments->items[i], arguments->nodes ? arguments->nodes[i] : arguments->site, 0);
    for (int i = 0; i < arguments->keyword_count; i++)
        execute_escaping(ev, arguments->keywords[i].value, arguments->keywords[i].node, 0);
    if (ev->error.pending) return NULL;
    UnknownValue *made = (UnknownValue *)value_unknown_at(ev, arguments->site);
    if (self->origin_type != &attribute_origin) return &made->head;
    const UnknownValue *owner = self->origin;
    size_t dot = self->text.length;
    while (dot && self->text.start[dot - 1] != '.') dot--;
    Slice name = slice_sub(self->text, dot, self->text.length);
    made->known_class = self->known_class;
    if (slice_equals_text(name, "items")) made->element = unknown_pair(ev, arguments->site);
    if (owner->element && slice_equals_text(name, "pop")) return owner->element;
    if (owner->element && slice_equals_text(name, "copy")) made->element = owner->element;
    if (slice_equals_text(name, "append") && owner->element) return value_none(ev);
    return &made->head;
}

/* ---- items and iteration ---- */

Value *unknown_get_item(Evaluator *ev, UnknownValue *self, Value *key, const Node *site) {
    if (self->element) {
        if (!value_is(key, VALUE_SLICE)) return self->element;
        return value_unknown_of(ev, self->element, site);
    }
    return unknown_result(ev, site, value_is(key, VALUE_SLICE) ? unknown_class(&self->head) : NULL);
}

Value *unknown_iterate(Evaluator *ev, UnknownValue *self, const Node *site) {
    (void)ev;
    (void)site;
    return &self->head;
}

/* One item: the element where it is known, else an unknown that is called as the loop calls it. */
Value *unknown_element(Evaluator *ev, UnknownValue *self, const Node *target) {
    if (self->element) return value_resolve(self->element);
    Slice text = target->kind == NODE_Name ? NODE_AS(Name, target)->id->text : evaluator_node_text(ev, target);
    return value_unknown(ev, text, target, NULL);
}

/* `FILTERS[key]`: one path an entry. NULL without an error: nothing fits. */
Value *unknown_choose_item(Evaluator *ev, DictValue *dict, Value *key, const Node *site) {
    UnknownValue *unknown = (UnknownValue *)key;
    if (!dict->count || dict->count > CHOICES_MOST || dict->open || !evaluator_symbolic(ev))
        return unknown_result(ev, site, NULL);
    int taken = evaluator_decide(ev, site, dict->count);
    evaluator_touch(ev, &unknown->resolved, sizeof unknown->resolved);
    unknown->resolved = dict->entries[taken].key;
    return dict->entries[taken].value;
}

/* ---- operators ---- */

Value *unknown_binary(Evaluator *ev, Operator op, Value *left, Value *right, const Node *site) {
    UnknownValue *unknown = (UnknownValue *)(value_is_unknown(left) ? left : right);
    Value *other = &unknown->head == left ? right : left;
    Class *known = value_is_unknown(left) ? unknown_class(left) : left->cls;
    if (!known) known = value_is_unknown(right) ? unknown_class(right) : right->cls;
    if (op == OP_Sub && value_is(other, VALUE_TIMEDELTA)) known = unknown_class(&unknown->head);
    UnknownValue *made = (UnknownValue *)unknown_result(ev, site, known);
    if (unknown->element) made->element = unknown->element;
    return &made->head;
}

static Value *unknown_comparison(Evaluator *ev, CompareOperator op, Value *left, Value *right, const Node *site) {
    UnknownValue *made = (UnknownValue *)unknown_result(ev, site, ev->builtins.kinds[VALUE_BOOL]);
    Comparison *comparison = ARENA_NEW(ev->arena, Comparison);
    *comparison = (Comparison){op, left, right};
    made->origin = comparison;
    made->origin_type = &comparison_origin;
    return &made->head;
}

Value *unknown_compare(Evaluator *ev, CompareOperator op, Value *left, Value *right, const Node *site) {
    if (value_is_unknown(right) && !value_is_unknown(left) && (op == COMPARE_Eq || op == COMPARE_NotEq))
        return unknown_comparison(ev, op, right, left, site);
    if (value_is_unknown(left) && value_is_none(right) &&
        (op == COMPARE_Is || op == COMPARE_IsNot || op == COMPARE_Eq || op == COMPARE_NotEq)) {
        UnknownValue *unknown = (UnknownValue *)left;
        bool wants_none = op == COMPARE_Is || op == COMPARE_Eq;
        if (unknown->present && evaluator_symbolic(ev)) {
            bool there = evaluator_decide_truth(ev, left, site);
            return value_bool(ev, there != wants_none);
        }
    }
    return unknown_comparison(ev, op, left, right, site);
}

Value *unknown_contains(Evaluator *ev, Value *container, Value *item, bool negated, const Node *site) {
    CompareOperator op = negated ? COMPARE_NotIn : COMPARE_In;
    if (value_is_unknown(container) || !value_is_unknown(item))
        return unknown_comparison(ev, op, item, container, site);
    Value *items = value_iterate(ev, container, site);
    if (!items) return NULL;
    return unknown_comparison(ev, op, item, items, site);
}

/* ---- generic aliases and unions ---- */

typedef struct AliasValue {
    Value head;
    Value *origin, *arguments;
} AliasValue;
typedef struct UnionValue {
    Value head;
    Value **items;
    int count;
} UnionValue;

static Value *alias_call(Evaluator *ev, Value *self, const Arguments *arguments) {
    return value_call(ev, ((AliasValue *)self)->origin, arguments);
}

static Value *alias_get_attribute(Evaluator *ev, Value *self, Atom name, const Node *site) {
    return value_find_attribute(ev, ((AliasValue *)self)->origin, name, site);
}

static Value *alias_get_item(Evaluator *ev, Value *self, Value *key, const Node *site) {
    (void)key;
    (void)site;
    (void)ev;
    return self;
}

static Value *type_or(Evaluator *ev, Operator op, Value *self, Value *other, bool reflected, const Node *site) {
    (void)site;
    if (op != OP_BitOr) return NULL;
    return reflected ? value_union(ev, other, self) : value_union(ev, self, other);
}

static void alias_describe(Evaluator *ev, Value *self, Buffer *out) {
    buffer_slice(out, value_repr(ev, ((AliasValue *)self)->origin));
}

static const Type alias_type = {.name = "generic alias",
                                .kind = VALUE_NATIVE,
                                .call = alias_call,
                                .get_attribute = alias_get_attribute,
                                .get_item = alias_get_item,
                                .binary = type_or,
                                .describe = alias_describe};
static const Type union_type = {.name = "union", .kind = VALUE_NATIVE, .binary = type_or};

Value *value_alias(Evaluator *ev, Value *origin, Value *arguments) {
    AliasValue *value = ARENA_NEW(ev->arena, AliasValue);
    value->head = (Value){&alias_type, ev->builtins.object};
    value->origin = origin;
    value->arguments = arguments;
    return &value->head;
}

bool value_alias_parts(const Value *value, Value **origin, Value **arguments) {
    if (value->type != &alias_type) return false;
    if (origin) *origin = ((const AliasValue *)value)->origin;
    if (arguments) *arguments = ((const AliasValue *)value)->arguments;
    return true;
}

bool value_union_parts(const Value *value, Value ***items, int *count) {
    if (value->type != &union_type) return false;
    *items = ((const UnionValue *)value)->items;
    *count = ((const UnionValue *)value)->count;
    return true;
}

Value *value_union(Evaluator *ev, Value *left, Value *right) {
    UnionValue *value = ARENA_NEW(ev->arena, UnionValue);
    value->head = (Value){&union_type, ev->builtins.object};
    Value *sides[2] = {left, right};
    int capacity = 0;
    for (int i = 0; i < 2; i++) {
        Value **items = &sides[i];
        int count = 1;
        value_union_parts(sides[i], &items, &count);
        for (int j = 0; j < count; j++) ARENA_PUSH(ev->arena, value->items, value->count, capacity) = items[j];
    }
    return &value->head;
}

/* ---- annotations ---- */

static bool alias_is(const Value *origin, const char *name) {
    if (value_is(origin, VALUE_CLASS)) return slice_equals_text(((const Class *)origin)->name->text, name);
    if (value_is(origin, VALUE_NATIVE_FUNCTION)) return strcmp(((const NativeFunctionValue *)origin)->name, name) == 0;
    return false;
}

static Value *from_alias(Evaluator *ev, const AliasValue *alias, Slice text, const Node *node) {
    Value *origin = value_resolve(alias->origin), *argument = value_resolve(alias->arguments);
    Value *first = argument;
    if (value_is(argument, VALUE_TUPLE) && ((ListValue *)argument)->count)
        first = value_resolve(((ListValue *)argument)->items[0]);
    if (alias_is(origin, "Annotated") || alias_is(origin, "Final") || alias_is(origin, "ClassVar") ||
        alias_is(origin, "Required"))
        return value_from_annotation(ev, first, text, node);
    if (alias_is(origin, "type") || alias_is(origin, "Type"))
        return value_is(first, VALUE_CLASS) ? first : value_unknown(ev, text, node, NULL);
    if (alias_is(origin, "Literal")) {
        UnknownValue *made = (UnknownValue *)value_unknown(ev, text, node, NULL);
        made->fallback = first;
        if (!value_is(first, VALUE_NATIVE) && !value_is_none(first)) made->known_class = &first->cls->head;
        return &made->head;
    }
    static const char *const sequences[] = {"list",           "List",       "set",           "Set",
                                            "frozenset",      "tuple",      "Tuple",         "Sequence",
                                            "Iterable",       "Collection", "Iterator",      "AsyncIterator",
                                            "FrozenSet",      "Generator",  "AsyncIterable", "AsyncGenerator",
                                            "MutableSequence"};
    for (size_t i = 0; i < sizeof sequences / sizeof *sequences; i++) {
        if (!alias_is(origin, sequences[i])) continue;
        UnknownValue *made = (UnknownValue *)value_unknown(ev, text, node, &ev->builtins.kinds[VALUE_LIST]->head);
        if (value_is(first, VALUE_STRING)) return &made->head;
        made->element = value_from_annotation(ev, first, text, node);
        /* a list of plain scalars stays one parameter; its items have no text of their own */
        if (made->element && value_is_unknown(made->element) && !((UnknownValue *)made->element)->element)
            made->element = NULL;
        if (value_is(first, VALUE_NATIVE) && made->element && value_is_unknown(made->element)) made->element = NULL;
        return &made->head;
    }
    if (value_is(origin, VALUE_CLASS) && ((Class *)origin)->unknown_of)
        return ((Class *)origin)->unknown_of(ev, (Class *)origin, first, text, node);
    return value_from_annotation(ev, origin, text, node);
}

/* `Author | Book`: one path for each of the program's classes; of builtin types the first stands for all. */
static Value *from_union(Evaluator *ev, const UnionValue *members, Slice text, const Node *node) {
    Value *present = NULL, *objects[CHOICES_MOST] = {NULL};
    bool none = false;
    int object_count = 0;
    for (int i = 0; i < members->count; i++) {
        Value *member = value_resolve(members->items[i]);
        bool object = value_is(member, VALUE_CLASS) && class_is_user((Class *)member);
        if (value_is_none(member)) none = true;
        else if (object && object_count < CHOICES_MOST) objects[object_count++] = member;
        else if (!present) present = value_from_annotation(ev, member, text, node);
    }
    if (object_count) {
        int taken = evaluator_symbolic(ev) ? evaluator_decide(ev, node, object_count) : 0;
        present = value_from_annotation(ev, objects[taken], text, node);
    }
    if (!present) present = value_unknown(ev, text, node, NULL);
    return none ? value_optional(ev, present, text, node) : present;
}

Value *value_from_annotation(Evaluator *ev, Value *annotation, Slice text, const Node *node) {
    annotation = value_resolve(annotation);
    if (annotation->type == &alias_type) return from_alias(ev, (AliasValue *)annotation, text, node);
    if (annotation->type == &union_type) return from_union(ev, (UnionValue *)annotation, text, node);
    if (value_is(annotation, VALUE_STRING) && ev->frame) {
        Value *read = evaluate_text(ev, value_text(annotation), node, ev->frame->scope);
        if (!read) evaluator_clear_error(ev);
        else if (!value_is(read, VALUE_STRING)) return value_from_annotation(ev, read, text, node);
    }
    if (!value_is(annotation, VALUE_CLASS) || annotation == &ev->builtins.object->head)
        return value_unknown(ev, text, node, NULL);
    Class *cls = (Class *)annotation;
    return value_unknown_instance(ev, cls, text, node);
}

/* ---- free names ---- */

/* Asks the families what `name` must be, by how the text uses it. */
static Value *guess_by_use(Evaluator *ev, Atom name, Slice text, const Node *site) {
    size_t length = name->text.length;
    for (size_t at = 0; at + length + 1 < text.length;) {
        const char *found = memchr(text.start + at, name->text.start[0], text.length - at);
        if (!found) return NULL;
        at = (size_t)(found - text.start) + 1;
        size_t start = at - 1;
        if (start + length + 1 >= text.length || memcmp(found, name->text.start, length) != 0 || found[length] != '.')
            continue;
        char before = start ? text.start[start - 1] : ' ';
        if (before == '.' || before == '_' || (before >= '0' && before <= '9') || (before >= 'A' && before <= 'Z') ||
            (before >= 'a' && before <= 'z'))
            continue;
        size_t method = start + length + 1, end = method;
        while (end < text.length && (text.start[end] == '_' || (text.start[end] >= 'a' && text.start[end] <= 'z')))
            end++;
        bool awaited = start >= 6 && memcmp(text.start + start - 6, "await ", 6) == 0;
        for (int i = 0; i < ev->family_count; i++) {
            if (!ev->families[i].family->guess_name) continue;
            Value *made = ev->families[i].family->guess_name(ev, name, slice_sub(text, method, end), awaited, site);
            if (made) return made;
        }
    }
    return NULL;
}

Value *unknown_free_name(Evaluator *ev, Atom name, const Node *within, const Node *site) {
    Span span = evaluator_span(ev, within ? within : site);
    Slice text = {"", 0};
    if (span.source) text = within ? span_text(span) : span.source->text;
    Value *guessed = name->text.length > 1 || ev->text_module ? guess_by_use(ev, name, text, site) : NULL;
    return guessed ? guessed : value_unknown(ev, name->text, site, NULL);
}
