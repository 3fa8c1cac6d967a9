/*
 * Comprehensions and generator expressions, evaluated at once. Input: the node. Output: a list, set or dict; over
 * an unknown iterable an unknown whose `element` is what one round gives:
 *     [b.id for b in books]   books unknown: unknown "[b.id for b in books]", element `b.id`
 * A condition that is unknown keeps the item, and makes the result open.
 */
#include "compiler/evaluate/internal.h"

#include <assert.h>

typedef struct Comprehension {
    const Nodes *generators;
    const Node *element, *value; /* value: of a dict */
    const Node *node;
    ListValue *list;
    DictValue *dict;
    bool unknown;
} Comprehension;

static bool comprehension_step(Evaluator *ev, Comprehension *c, int depth);

/* There may be more in it than is known. */
static void comprehension_open(Comprehension *c) {
    assert(c->list || c->dict);
    if (c->list) c->list->open = true;
    else c->dict->open = true;
}

static bool comprehension_add(Evaluator *ev, Comprehension *c) {
    Value *item = evaluate(ev, c->element);
    if (!item) return false;
    if (c->list) {
        list_append(ev, c->list, item);
        return true;
    }
    Value *value = c->value ? evaluate(ev, c->value) : value_none(ev);
    if (!value) return false;
    dict_set(ev, c->dict, item, value, NULL);
    return true;
}

/* 1: all conditions hold, 0: one does not, -1: raised. */
static int comprehension_conditions(Evaluator *ev, Comprehension *c, const Nodecomprehension *generator) {
    for (int i = 0; i < generator->ifs.count; i++) {
        bool exploring = ev->path.exploring;
        ev->path.exploring = false;
        Value *test = evaluate(ev, generator->ifs.items[i]);
        Truth truth = test ? value_truth(ev, test, generator->ifs.items[i]) : TRUTH_ERROR;
        ev->path.exploring = exploring;
        if (truth == TRUTH_ERROR) return -1;
        if (truth == TRUTH_FALSE) return 0;
        if (truth == TRUTH_UNKNOWN) comprehension_open(c);
    }
    return 1;
}

static bool comprehension_item(Evaluator *ev, Comprehension *c, int depth, Value *item) {
    const Nodecomprehension *generator = NODE_AS(comprehension, c->generators->items[depth]);
    if (!assign_target(ev, generator->target, item)) return false;
    int holds = comprehension_conditions(ev, c, generator);
    return holds < 0 ? false : !holds || comprehension_step(ev, c, depth + 1);
}

static bool comprehension_step(Evaluator *ev, Comprehension *c, int depth) {
    if (depth == c->generators->count) return comprehension_add(ev, c);
    const Nodecomprehension *generator = NODE_AS(comprehension, c->generators->items[depth]);
    Value *iterable = evaluate(ev, generator->iter);
    Value *items = iterable ? value_iterate(ev, iterable, generator->iter) : NULL;
    if (!items) return false;
    if (value_is_unknown(items)) {
        c->unknown = true;
        return comprehension_item(ev, c, depth, unknown_element(ev, (UnknownValue *)items, generator->target));
    }
    const ListValue *list = (const ListValue *)items;
    if (list->open) comprehension_open(c);
    for (int i = 0; i < list->count; i++)
        if (!comprehension_item(ev, c, depth, list->items[i])) return false;
    return true;
}

static Value *comprehension_result(Evaluator *ev, Comprehension *c) {
    if (!c->unknown) return c->list ? &c->list->head : &c->dict->head;
    if (c->list) {
        Value *element = c->list->count ? c->list->items[0] : NULL;
        return value_unknown_of(ev, element, c->node);
    }
    comprehension_open(c);
    return &c->dict->head;
}

Value *evaluate_comprehension(Evaluator *ev, const Node *node) {
    Comprehension c = {.node = node};
    if (node->kind == NODE_DictComp) {
        c.generators = &NODE_AS(DictComp, node)->generators;
        c.element = NODE_AS(DictComp, node)->key;
        c.value = NODE_AS(DictComp, node)->value;
        c.dict = value_dict(ev);
    } else if (node->kind == NODE_SetComp) {
        c.generators = &NODE_AS(SetComp, node)->generators;
        c.element = NODE_AS(SetComp, node)->elt;
        c.dict = value_set(ev);
    } else if (node->kind == NODE_ListComp) {
        c.generators = &NODE_AS(ListComp, node)->generators;
        c.element = NODE_AS(ListComp, node)->elt;
        c.list = value_list(ev);
    } else {
        c.generators = &NODE_AS(GeneratorExp, node)->generators;
        c.element = NODE_AS(GeneratorExp, node)->elt;
        c.list = value_list(ev);
    }
    Scope *outer = ev->frame->scope;
    ev->frame->scope = scope_new(ev, SCOPE_COMPREHENSION, outer, outer->module);
    bool done = comprehension_step(ev, &c, 0);
    ev->frame->scope = outer;
    return done ? comprehension_result(ev, &c) : NULL;
}
