/*
 * class statements. Input: the ClassDef node. Output: the class, its namespace filled by its body, its
 * functions told whose they are, the hooks of its bases run.
 */
#include "compiler/evaluate/internal.h"

typedef struct ClassBases {
    Class *items[32];
    int count;
    bool open;
} ClassBases;

static bool class_add_base(Evaluator *ev, ClassBases *bases, Value *value, const Node *node) {
    value = value_resolve(value);
    Value *origin;
    if (value_alias_parts(value, &origin, NULL)) value = origin;
    if (value_is(value, VALUE_CLASS)) {
        Class *cls = (Class *)value;
        for (int i = 0; i < bases->count; i++)
            if (bases->items[i] == cls) return true;
        if (cls != ev->builtins.object && bases->count < 32) bases->items[bases->count++] = cls;
        return true;
    }
    if (value_is_unknown(value) || value_is(value, VALUE_NATIVE_FUNCTION) || value_is(value, VALUE_FUNCTION) ||
        value_is(value, VALUE_NATIVE)) {
        bases->open = bases->open || value_is_unknown(value) || value_is(value, VALUE_NATIVE);
        if (value_is_unknown(value) && ((UnknownValue *)value)->origin_type == &undefined_origin)
            evaluator_report_unresolved(ev, value, node);
        return true;
    }
    evaluator_raise_id(ev, EXCEPTION_TYPE, node, "a class can't be derived from %s", type_label(value));
    return false;
}

static bool class_evaluate_bases(Evaluator *ev, const NodeClassDef *node, ClassBases *bases) {
    for (int i = 0; i < node->bases.count; i++) {
        const Node *base = node->bases.items[i];
        bool starred = base->kind == NODE_Starred;
        Value *value = evaluate(ev, starred ? NODE_AS(Starred, base)->value : base);
        if (!value) return false;
        if (starred) {
            Value *items = value_iterate(ev, value, base);
            if (!items) return false;
            if (value_is_unknown(items)) bases->open = true;
            else
                for (int j = 0; j < ((ListValue *)items)->count; j++)
                    if (!class_add_base(ev, bases, ((ListValue *)items)->items[j], base)) return false;
        } else if (!class_add_base(ev, bases, value, base)) return false;
    }
    return true;
}

static bool class_evaluate_keywords(Evaluator *ev, const NodeClassDef *node, Arguments *out) {
    out->site = &node->node;
    out->keywords = ARENA_ARRAY(ev->arena, Keyword, node->keywords.count);
    for (int i = 0; i < node->keywords.count; i++) {
        const Nodekeyword *keyword = NODE_AS(keyword, node->keywords.items[i]);
        Value *value = evaluate(ev, keyword->value);
        if (!value) return false;
        if (!keyword->arg) continue;
        out->keywords[out->keyword_count++] = (Keyword){keyword->arg, value, &keyword->node};
    }
    return true;
}

/* Functions of a class body learn their class, for super(), also inside property() and the like. */
static void class_own(Class *cls, Value *value, int depth) {
    if (depth > 4) return;
    if (value_is(value, VALUE_FUNCTION)) {
        FunctionValue *function = (FunctionValue *)value;
        if (!function->owner) function->owner = cls;
    } else if (value_is(value, VALUE_CLASSMETHOD) || value_is(value, VALUE_STATICMETHOD)) {
        class_own(cls, ((WrapperValue *)value)->function, depth + 1);
    } else if (value_is(value, VALUE_PROPERTY)) {
        PropertyValue *property = (PropertyValue *)value;
        if (property->getter) class_own(cls, property->getter, depth + 1);
        if (property->setter) class_own(cls, property->setter, depth + 1);
    }
}

/* These are class methods without saying so. */
static void class_wrap_implicit(Evaluator *ev, Class *cls, Atom name) {
    Value *function = atom_map_get(&cls->names, name);
    if (!function || !value_is(function, VALUE_FUNCTION)) return;
    WrapperValue *wrapper = ARENA_NEW(ev->arena, WrapperValue);
    wrapper->head = (Value){builtin_types[VALUE_CLASSMETHOD], ev->builtins.kinds[VALUE_CLASSMETHOD]};
    wrapper->function = function;
    namespace_set(ev, &cls->names, name, &wrapper->head);
}

static bool class_run_hooks(Evaluator *ev, Class *cls, const Arguments *keywords) {
    for (int i = 0; i < cls->names.count; i++) {
        Value *value = cls->names.entries[i].value;
        if (!value_is(value, VALUE_INSTANCE) || !class_is_user(value->cls)) continue;
        Value *set_name = class_find(value->cls, ev->names.set_name);
        if (!set_name) continue;
        Value *items[3] = {value, &cls->head, value_atom(ev, cls->names.entries[i].key)};
        if (!value_call_with(ev, set_name, items, 3, keywords->site)) return false;
    }
    for (int i = 1; i < cls->mro_count; i++) {
        Value *hook = atom_map_get(&cls->mro[i]->names, ev->names.init_subclass);
        if (!hook) continue;
        if (value_is(hook, VALUE_CLASSMETHOD)) hook = ((WrapperValue *)hook)->function;
        if (value_is(hook, VALUE_FUNCTION) && !function_call(ev, (FunctionValue *)hook, &cls->head, keywords))
            return false;
        break;
    }
    return !cls->subclassed || cls->subclassed(ev, cls, keywords);
}

Class *class_from_statement(Evaluator *ev, const NodeClassDef *node) {
    ClassBases bases = {0};
    Arguments keywords = {0};
    if (!class_evaluate_bases(ev, node, &bases) || !class_evaluate_keywords(ev, node, &keywords)) return NULL;
    Scope *outer = ev->frame->scope;
    Class *cls = class_new(ev, node->name, outer->module->name, bases.items, bases.count);
    if (ev->error.pending) return NULL;
    cls->node = &node->node;
    cls->defined_in = outer->module;
    cls->open = cls->open || bases.open;
    Scope *scope = scope_new(ev, SCOPE_CLASS, outer, outer->module);
    scope->names = &cls->names;
    Frame frame = *ev->frame;
    frame.scope = scope;
    frame.caller = ev->frame;
    ev->frame = &frame;
    Flow flow = execute_body(ev, &node->body);
    ev->frame = frame.caller;
    if (flow == FLOW_RAISE) return NULL;
    for (int i = 0; i < cls->names.count; i++) class_own(cls, cls->names.entries[i].value, 0);
    class_wrap_implicit(ev, cls, ev->names.init_subclass);
    class_wrap_implicit(ev, cls, ev->names.class_getitem);
    return class_run_hooks(ev, cls, &keywords) ? cls : NULL;
}

/* ---- annotations of the body ---- */

static const NodeAnnAssign *annotation_at(const Class *cls, int index, int *count) {
    const NodeClassDef *node = cls->node ? NODE_AS(ClassDef, cls->node) : NULL;
    int seen = 0;
    for (int i = 0; node && i < node->body.count; i++) {
        if (node->body.items[i]->kind != NODE_AnnAssign) continue;
        const NodeAnnAssign *item = NODE_AS(AnnAssign, node->body.items[i]);
        if (item->target->kind != NODE_Name) continue;
        if (seen++ == index) return item;
    }
    if (count) *count = seen;
    return NULL;
}

int class_annotation_count(const Class *cls) {
    int count = 0;
    annotation_at(cls, -1, &count);
    return count;
}

Atom class_annotation_name(const Class *cls, int index) {
    return NODE_AS(Name, annotation_at(cls, index, NULL)->target)->id;
}

const Node *class_annotation_node(const Class *cls, int index) { return annotation_at(cls, index, NULL)->annotation; }

Value *class_annotation_evaluate(Evaluator *ev, const Class *cls, int index) {
    const Node *node = class_annotation_node(cls, index);
    ModuleValue *module = cls->defined_in;
    if (!module) return value_unknown_at(ev, node);
    Scope *outer = scope_new(ev, SCOPE_MODULE, NULL, module);
    outer->names = &module->names;
    Scope *scope = scope_new(ev, SCOPE_CLASS, outer, module);
    scope->names = (AtomMap *)&cls->names;
    Frame frame = {.scope = scope, .caller = ev->frame};
    ev->frame = &frame;
    Value *value = evaluate_annotation(ev, node);
    ev->frame = frame.caller;
    return value;
}
