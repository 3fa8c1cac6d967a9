/*
 * Expressions. Input: a node. Output: its value, or NULL with an error pending. One function a node kind, and one
 * switch. Invariant: an unknown operand gives an unknown whose text is the source of the whole expression.
 */
#include "compiler/evaluate/internal.h"

enum { EXPRESSION_DEPTH = 1500 };

/* ---- names ---- */

/* What is written in passing, on a command line or in the fences of a text, needs no imports. */
static bool has_free_names(const Evaluator *ev, const ModuleValue *module) {
    return module == ev->text_module || (module->source && module->source->block_count);
}

Value *scope_lookup(Evaluator *ev, Scope *scope, Atom name) {
    const ModuleValue *module = scope->module;
    for (; scope; scope = scope->parent) {
        Value *found = atom_map_get(scope->names, name);
        if (found) return found;
    }
    Value *found = module ? atom_map_get(&module->names, name) : NULL;
    if (!found && module && has_free_names(ev, module)) found = atom_map_get(&ev->free_names, name);
    return found ? found : atom_map_get(&ev->builtins.module->names, name);
}

Value *module_lookup(Evaluator *ev, ModuleValue *module, Atom name) {
    Value *found = atom_map_get(&module->names, name);
    return found ? found : atom_map_get(&ev->builtins.module->names, name);
}

/* `engine = None` at module level, and `global engine` in a function that sets it later: an entry point finds it set.
 */
static bool global_is_set_later(Evaluator *ev, Atom name) {
    const Scope *scope = ev->frame->scope;
    if (!ev->entry_node || !scope->module->source) return false;
    for (; scope && scope->kind != SCOPE_MODULE; scope = scope->parent)
        if (atom_map_get(scope->names, name)) return false;
    Slice text = scope ? scope->module->source->text : (Slice){"", 0};
    for (size_t at = 0; at + 7 + name->text.length <= text.length; at++) {
        at += slice_find(slice_sub(text, at, text.length), 'g');
        if (slice_starts_with(slice_sub(text, at, text.length), "global ") &&
            slice_equals(slice_sub(text, at + 7, at + 7 + name->text.length), name->text))
            return true;
    }
    return false;
}

static Value *evaluate_name(Evaluator *ev, const NodeName *node) {
    Value *value = scope_lookup(ev, ev->frame->scope, node->id);
    if (value && value_is_none(value) && global_is_set_later(ev, node->id))
        return value_unknown(ev, node->id->text, &node->node, NULL);
    if (value) {
        trace_note_load(ev, ev->frame->scope, node->id);
        return value_resolve(value);
    }
    value = evaluator_given_value(ev, node->id);
    if (value) return value;
    ModuleValue *module = ev->frame->scope->module;
    value = unknown_free_name(ev, node->id, NULL, &node->node);
    if (value_is_unknown(value) && !((UnknownValue *)value)->origin_type)
        ((UnknownValue *)value)->origin_type = &undefined_origin;
    if (module && !module->native) namespace_set(ev, &module->names, node->id, value);
    return value;
}

/* ---- literals ---- */

static Value *evaluate_constant(Evaluator *ev, const NodeConstant *node) {
    const Constant *constant = &node->value;
    switch (constant->kind) {
    case CONSTANT_NONE: return value_none(ev);
    case CONSTANT_TRUE: return value_bool(ev, true);
    case CONSTANT_FALSE: return value_bool(ev, false);
    case CONSTANT_ELLIPSIS: return ev->builtins.ellipsis;
    case CONSTANT_INTEGER:
        return constant->big ? value_big_integer(ev, constant->text) : value_integer(ev, constant->integer);
    case CONSTANT_FLOAT: {
        FloatValue *value = (FloatValue *)value_float(ev, constant->number);
        value->text = constant->text;
        return &value->head;
    }
    case CONSTANT_IMAGINARY: return value_unknown_at(ev, &node->node);
    case CONSTANT_STRING: return value_string(ev, constant->text);
    case CONSTANT_BYTES: return value_bytes(ev, constant->text);
    }
    return value_none(ev);
}

/* Appends the values of `nodes` to `out`, stars expanded. An unknown star makes the list open. */
static bool evaluate_items(Evaluator *ev, const Nodes *nodes, ListValue *out) {
    for (int i = 0; i < nodes->count; i++) {
        const Node *node = nodes->items[i];
        bool starred = node->kind == NODE_Starred;
        Value *value = evaluate(ev, starred ? NODE_AS(Starred, node)->value : node);
        if (!value) return false;
        if (!starred) {
            list_append(ev, out, value);
            continue;
        }
        Value *items = value_iterate(ev, value, node);
        if (!items) return false;
        if (value_is_unknown(items)) {
            out->open = true;
            Value *element = ((UnknownValue *)items)->element;
            if (element) list_append(ev, out, element);
            continue;
        }
        const ListValue *list = (const ListValue *)items;
        out->open = out->open || list->open;
        for (int j = 0; j < list->count; j++) list_append(ev, out, list->items[j]);
    }
    return true;
}

static Value *evaluate_list(Evaluator *ev, const Nodes *nodes, bool tuple) {
    ListValue *list = value_list(ev);
    if (!evaluate_items(ev, nodes, list)) return NULL;
    if (!tuple) return &list->head;
    Value *made = value_tuple(ev, list->items, list->count);
    ((ListValue *)made)->open = list->open;
    return made;
}

static Value *evaluate_set(Evaluator *ev, const NodeSet *node) {
    ListValue *list = value_list(ev);
    if (!evaluate_items(ev, &node->elts, list)) return NULL;
    DictValue *set = value_set(ev);
    set->open = list->open;
    for (int i = 0; i < list->count; i++) dict_set(ev, set, list->items[i], value_none(ev), NULL);
    return &set->head;
}

static bool dict_merge(Evaluator *ev, DictValue *out, Value *value, const Node *site) {
    value = value_resolve(value);
    if (value_is(value, VALUE_DICT)) {
        const DictValue *from = (const DictValue *)value;
        out->open = out->open || from->open;
        for (int i = 0; i < from->count; i++)
            dict_set(ev, out, from->entries[i].key, from->entries[i].value, from->entries[i].node);
        return true;
    }
    if (value_is_unknown(value)) {
        out->open = true;
        return true;
    }
    Value *made = value_call_with(ev, &ev->builtins.kinds[VALUE_DICT]->head, &value, 1, site);
    return made && dict_merge(ev, out, made, site);
}

static Value *evaluate_dict(Evaluator *ev, const NodeDict *node) {
    DictValue *dict = value_dict(ev);
    for (int i = 0; i < node->values.count; i++) {
        const Node *key_node = node->keys.items[i];
        Value *key = key_node ? evaluate(ev, key_node) : NULL;
        if (key_node && !key) return NULL;
        Value *value = evaluate(ev, node->values.items[i]);
        if (!value) return NULL;
        if (key) dict_set(ev, dict, key, value, key_node);
        else if (!dict_merge(ev, dict, value, node->values.items[i])) return NULL;
    }
    return &dict->head;
}

/* ---- f-strings ---- */

/*
 * The text of an f-string as far as it is known, and the one that it has where parameters have their defaults:
 * `f"{field}__{op}"` in `def find(field="price", op="lt")` is "price__lt".
 */
typedef struct FormatText {
    Buffer known, usual;
    bool unknown;
    bool unusual; /* something unknown has no default */
} FormatText;

static void format_put(FormatText *text, Slice piece) {
    buffer_slice(&text->known, piece);
    buffer_slice(&text->usual, piece);
}

static bool format_piece(Evaluator *ev, const Node *node, FormatText *out) {
    if (node->kind == NODE_Constant) {
        format_put(out, NODE_AS(Constant, node)->value.text);
        return true;
    }
    if (node->kind != NODE_FormattedValue) return true;
    const NodeFormattedValue *piece = NODE_AS(FormattedValue, node);
    Value *value = evaluate(ev, piece->value);
    if (!value) return false;
    value = value_resolve(value);
    Value *spec = NULL;
    if (piece->format_spec) {
        spec = evaluate(ev, piece->format_spec);
        if (!spec) return false;
    }
    if (value_is_unknown(value) || (spec && !value_is(spec, VALUE_STRING))) {
        const Value *usual = value_is_unknown(value) ? ((UnknownValue *)value)->fallback : NULL;
        out->unknown = true;
        if (usual && !spec && value_is(usual, VALUE_STRING)) buffer_slice(&out->usual, value_text(usual));
        else out->unusual = true;
        return true;
    }
    Value *text;
    if (piece->conversion == 'r' || piece->conversion == 'a') text = value_string(ev, value_repr(ev, value));
    else if (piece->conversion == 's') text = value_str(ev, value, node);
    else text = value_format(ev, value, spec ? value_text(spec) : SLICE(""), node);
    if (!text) return false;
    if (value_is_unknown(text)) out->unknown = out->unusual = true;
    else format_put(out, value_text(text));
    return true;
}

static Value *evaluate_joined(Evaluator *ev, const NodeJoinedStr *node) {
    FormatText text = {0};
    buffer_init(&text.known, ev->arena);
    buffer_init(&text.usual, ev->arena);
    for (int i = 0; i < node->values.count; i++)
        if (!format_piece(ev, node->values.items[i], &text)) return NULL;
    if (!text.unknown) return value_string(ev, buffer_view(&text.known));
    UnknownValue *made = (UnknownValue *)unknown_result(ev, &node->node, ev->builtins.kinds[VALUE_STRING]);
    const Node *last = node->values.items[node->values.count - 1];
    /* f"attributes__{key}": a key below a known field; where a name must stand, the variable's own name does */
    if (!text.unusual) {
        made->fallback = value_string(ev, buffer_view(&text.usual));
    } else if (text.known.length > 2 && slice_ends_with(buffer_view(&text.known), "__") &&
               last->kind == NODE_FormattedValue && NODE_AS(FormattedValue, last)->value->kind == NODE_Name) {
        buffer_slice(&text.known, NODE_AS(Name, NODE_AS(FormattedValue, last)->value)->id->text);
        made->fallback = value_string(ev, buffer_view(&text.known));
    }
    return &made->head;
}

/* ---- operators ---- */

/* A value that only stands for data: of two such, `a or b` can stay one unknown. */
static bool value_is_scalar(const Value *value) {
    if (value_is_unknown(value))
        return !((const UnknownValue *)value)->present && !((const UnknownValue *)value)->element;
    return value_is_any(value, KIND(NONE) | KIND(BOOL) | KIND(INTEGER) | KIND(FLOAT) | KIND(STRING) | KIND(DATE) |
                                   KIND(DATETIME) | KIND(DECIMAL) | KIND(UUID));
}

static Value *evaluate_bool(Evaluator *ev, const NodeBoolOp *node) {
    bool is_or = node->op == BOOL_Or;
    Value *value = NULL;
    for (int i = 0; i < node->values.count; i++) {
        Value *next = evaluate(ev, node->values.items[i]);
        if (!next) return NULL;
        if (value) {
            if (is_or && value_is_scalar(value) && value_is_scalar(next) && i + 1 == node->values.count)
                return unknown_result(ev, &node->node, unknown_class(value));
            if (evaluator_decide_truth(ev, value, node->values.items[i - 1]) == is_or) return value_resolve(value);
            if (ev->error.pending) return NULL;
            value = NULL;
        }
        if (i + 1 == node->values.count) return next;
        Truth truth = value_truth(ev, next, node->values.items[i]);
        if (truth == TRUTH_ERROR) return NULL;
        if (truth == TRUTH_UNKNOWN) {
            value = next;
            if (is_or && value_is_scalar(next)) continue;
            bool holds = evaluator_decide_truth(ev, next, node->values.items[i]);
            if (ev->error.pending) return NULL;
            if (holds == is_or) return value_resolve(next);
            value = NULL;
        } else if ((truth == TRUTH_TRUE) == is_or) return next;
    }
    return value;
}

static Value *evaluate_compare(Evaluator *ev, const NodeCompare *node) {
    Value *left = evaluate(ev, node->left);
    if (!left) return NULL;
    for (int i = 0; i < node->comparators.count; i++) {
        Value *right = evaluate(ev, node->comparators.items[i]);
        if (!right) return NULL;
        Value *result = value_compare(ev, (CompareOperator)node->ops.items[i], left, right, &node->node);
        if (!result || i + 1 == node->comparators.count) return result;
        Truth truth = value_truth(ev, result, &node->node);
        if (truth == TRUTH_ERROR) return NULL;
        if (truth == TRUTH_FALSE || (truth == TRUTH_UNKNOWN && !evaluator_decide_truth(ev, result, &node->node)))
            return ev->error.pending ? NULL : truth == TRUTH_FALSE ? result : value_bool(ev, false);
        left = right;
    }
    return left;
}

static Value *evaluate_unary(Evaluator *ev, const NodeUnaryOp *node) {
    Value *operand = evaluate(ev, node->operand);
    if (!operand) return NULL;
    if (node->op != UNARY_Not) return value_unary(ev, (UnaryOperator)node->op, operand, &node->node);
    Truth truth = value_truth(ev, operand, &node->node);
    if (truth == TRUTH_ERROR) return NULL;
    if (truth == TRUTH_UNKNOWN) {
        if (!evaluator_symbolic(ev)) return unknown_result(ev, &node->node, ev->builtins.kinds[VALUE_BOOL]);
        return value_bool(ev, !evaluator_decide_truth(ev, operand, node->operand));
    }
    return value_bool(ev, truth == TRUTH_FALSE);
}

static Value *evaluate_conditional(Evaluator *ev, const NodeIfExp *node) {
    Value *test = evaluate(ev, node->test);
    if (!test) return NULL;
    Truth truth = value_truth(ev, test, node->test);
    if (truth == TRUTH_ERROR) return NULL;
    if (truth == TRUTH_UNKNOWN) truth = evaluator_decide_truth(ev, test, node->test) ? TRUTH_TRUE : TRUTH_FALSE;
    if (ev->error.pending) return NULL;
    return evaluate(ev, truth == TRUTH_TRUE ? node->body : node->orelse);
}

static Value *evaluate_binary(Evaluator *ev, const NodeBinOp *node) {
    Value *left = evaluate(ev, node->left);
    Value *right = left ? evaluate(ev, node->right) : NULL;
    return right ? value_binary(ev, (Operator)node->op, left, right, &node->node) : NULL;
}

/* ---- calls ---- */

static bool arguments_add_keywords(Evaluator *ev, Value *value, const Nodekeyword *keyword, Arguments *out,
                                   int *capacity) {
    value = value_resolve(value);
    if (!value_is(value, VALUE_DICT)) {
        DictValue *merged = value_dict(ev);
        if (!dict_merge(ev, merged, value, &keyword->node)) return false;
        value = &merged->head;
    }
    const DictValue *dict = (const DictValue *)value;
    if (dict->open) {
        out->unknown_keywords = true;
        if (!out->unknown_node) out->unknown_node = keyword->value;
    }
    for (int i = 0; i < dict->count; i++) {
        Value *key = value_resolve(dict->entries[i].key);
        if (value_is_unknown(key)) {
            Value *fallback = ((UnknownValue *)key)->fallback;
            if (fallback && value_is(fallback, VALUE_STRING)) key = fallback;
            else {
                out->unknown_keywords = true;
                out->unknown_node = keyword->value;
                continue;
            }
        }
        if (!value_is(key, VALUE_STRING)) {
            evaluator_raise_id(ev, EXCEPTION_TYPE, keyword->value, "keywords must be strings");
            return false;
        }
        const Node *node = dict->entries[i].node;
        ARENA_PUSH(ev->arena, out->keywords, out->keyword_count, *capacity) =
            (Keyword){value_as_atom(ev, key), dict->entries[i].value, node ? node : &keyword->node};
    }
    return true;
}

static bool arguments_add_star(Evaluator *ev, const Node *node, Arguments *out, int *capacity, int *node_capacity) {
    Value *value = evaluate(ev, NODE_AS(Starred, node)->value);
    Value *items = value ? value_iterate(ev, value, node) : NULL;
    if (!items) return false;
    if (value_is_unknown(items)) {
        out->unknown_items = true;
        if (!out->unknown_node) out->unknown_node = node;
        Value *element = ((UnknownValue *)items)->element;
        if (!element) return true;
        int nodes = out->count;
        ARENA_PUSH(ev->arena, out->nodes, nodes, *node_capacity) = node;
        ARENA_PUSH(ev->arena, out->items, out->count, *capacity) = element;
        return true;
    }
    const ListValue *list = (const ListValue *)items;
    if (list->open) {
        out->unknown_items = true;
        if (!out->unknown_node) out->unknown_node = node;
    }
    for (int i = 0; i < list->count; i++) {
        int nodes = out->count;
        ARENA_PUSH(ev->arena, out->nodes, nodes, *node_capacity) = node;
        ARENA_PUSH(ev->arena, out->items, out->count, *capacity) = list->items[i];
    }
    return true;
}

static bool arguments_evaluate(Evaluator *ev, const NodeCall *call, Arguments *out) {
    *out = (Arguments){.site = &call->node};
    int capacity = call->args.count, node_capacity = call->args.count, keyword_capacity = call->keywords.count;
    if (capacity) {
        out->items = arena_allocate(ev->arena, sizeof *out->items * (size_t)capacity);
        out->nodes = arena_allocate(ev->arena, sizeof *out->nodes * (size_t)capacity);
    }
    if (keyword_capacity) out->keywords = arena_allocate(ev->arena, sizeof *out->keywords * (size_t)keyword_capacity);
    for (int i = 0; i < call->args.count; i++) {
        const Node *node = call->args.items[i];
        if (node->kind == NODE_Starred) {
            if (!arguments_add_star(ev, node, out, &capacity, &node_capacity)) return false;
            continue;
        }
        Value *value = evaluate(ev, node);
        if (!value) return false;
        int nodes = out->count;
        ARENA_PUSH(ev->arena, out->nodes, nodes, node_capacity) = node;
        ARENA_PUSH(ev->arena, out->items, out->count, capacity) = value;
    }
    for (int i = 0; i < call->keywords.count; i++) {
        const Nodekeyword *keyword = NODE_AS(keyword, call->keywords.items[i]);
        Value *value = evaluate(ev, keyword->value);
        if (!value) return false;
        if (keyword->arg) {
            for (int j = 0; j < out->keyword_count; j++)
                if (out->keywords[j].name == keyword->arg)
                    return evaluator_raise_id(ev, EXCEPTION_TYPE, &keyword->node,
                                              "got multiple values for keyword argument '%.*s'",
                                              SLICE_ARGS(keyword->arg->text)) != NULL;
            ARENA_PUSH(ev->arena, out->keywords, out->keyword_count, keyword_capacity) =
                (Keyword){keyword->arg, value, &keyword->node};
        } else if (!arguments_add_keywords(ev, value, keyword, out, &keyword_capacity)) return false;
    }
    return true;
}

/* super() without arguments: the class that holds the running function, and its first parameter. */
static Value *evaluate_super(Evaluator *ev, const Node *site) {
    for (Scope *scope = ev->frame->scope; scope; scope = scope->parent) {
        if (!scope->function || !scope->function->owner) continue;
        const Nodearguments *parameters = function_parameters(scope->function);
        const Nodes *first = parameters->posonlyargs.count ? &parameters->posonlyargs : &parameters->args;
        Value *self = first->count ? atom_map_get(&scope->own, NODE_AS(arg, first->items[0])->arg) : NULL;
        if (self) return value_super(ev, scope->function->owner, value_resolve(self));
    }
    return evaluator_raise_id(ev, EXCEPTION_RUNTIME, site, "super(): no arguments");
}

/* A call has failed: mistakes in what it was called on, and in its arguments, were made before it. */
static Value *settle_call(Evaluator *ev, Value *callee, const Arguments *arguments) {
    ErrorState error = ev->error;
    if (!error.pending || error.infeasible || error.explicit_raise) return NULL;
    ev->error = (ErrorState){0};
    Value *self = value_is(callee, VALUE_METHOD)            ? ((MethodValue *)callee)->self
                  : value_is(callee, VALUE_NATIVE_FUNCTION) ? ((NativeFunctionValue *)callee)->self
                                                            : NULL;
    bool fine = !self || value_settle(ev, value_resolve(self));
    for (int i = 0; fine && i < arguments->count; i++) fine = value_settle(ev, value_resolve(arguments->items[i]));
    for (int i = 0; fine && i < arguments->keyword_count; i++)
        fine = value_settle(ev, value_resolve(arguments->keywords[i].value));
    if (fine) ev->error = error;
    return NULL;
}

static Value *evaluate_call(Evaluator *ev, const NodeCall *node) {
    Value *callee = evaluate(ev, node->func);
    if (!callee) return NULL;
    if (!node->args.count && value_is(callee, VALUE_CLASS) && ((Class *)callee)->name->text.length == 5 &&
        (Class *)callee == ev->builtins.super_)
        return evaluate_super(ev, &node->node);
    Arguments arguments;
    Value *result = arguments_evaluate(ev, node, &arguments) ? value_call(ev, callee, &arguments) : NULL;
    return result || !ev->error.pending ? result : settle_call(ev, callee, &arguments);
}

static Value *evaluate_attribute(Evaluator *ev, const NodeAttribute *node) {
    Value *owner = evaluate(ev, node->value);
    return owner ? value_get_attribute(ev, owner, node->attr, &node->node) : NULL;
}

static Value *evaluate_optional(Evaluator *ev, const Node *node) { return node ? evaluate(ev, node) : NULL; }

static Value *evaluate_slice(Evaluator *ev, const NodeSlice *node) {
    Value *lower = evaluate_optional(ev, node->lower), *upper = evaluate_optional(ev, node->upper),
          *step = evaluate_optional(ev, node->step);
    return ev->error.pending ? NULL : value_slice(ev, lower, upper, step);
}

static Value *evaluate_subscript(Evaluator *ev, const NodeSubscript *node) {
    Value *owner = evaluate(ev, node->value);
    Value *key = owner ? evaluate(ev, node->slice) : NULL;
    return key ? value_get_item(ev, owner, key, &node->node) : NULL;
}

/* ---- the rest ---- */

static Value *evaluate_await(Evaluator *ev, const NodeAwait *node) {
    Value *value = evaluate(ev, node->value);
    if (!value) return NULL;
    value = value_resolve(value);
    return value->type->await ? value->type->await(ev, value, &node->node) : value;
}

static Value *yield_value(Evaluator *ev, Value *value) {
    Frame *frame = ev->frame;
    if (frame->target) {
        YieldTarget *target = frame->target;
        ev->frame = target->frame;
        target->used = true;
        Flow flow = target->yielded(ev, target, value);
        ev->frame = frame;
        target->flow = flow;
        return flow == FLOW_RAISE ? NULL : value_none(ev);
    }
    if (frame->yields) list_append(ev, frame->yields, value);
    return value_none(ev);
}

static Value *evaluate_yield(Evaluator *ev, const NodeYield *node) {
    Value *value = node->value ? evaluate(ev, node->value) : value_none(ev);
    return value ? yield_value(ev, value) : NULL;
}

static Value *evaluate_yield_from(Evaluator *ev, const NodeYieldFrom *node) {
    Value *value = evaluate(ev, node->value);
    Value *items = value ? value_iterate(ev, value, &node->node) : NULL;
    if (!items) return NULL;
    if (value_is_unknown(items)) {
        Value *element = unknown_element(ev, (UnknownValue *)items, &node->node);
        if (ev->frame->yields) ev->frame->yields->open = true;
        return yield_value(ev, element);
    }
    for (int i = 0; i < ((ListValue *)items)->count; i++)
        if (!yield_value(ev, ((ListValue *)items)->items[i])) return NULL;
    return value_none(ev);
}

static Value *evaluate_named(Evaluator *ev, const NodeNamedExpr *node) {
    Value *value = evaluate(ev, node->value);
    if (!value || !assign_target(ev, node->target, value)) return NULL;
    return value;
}

static Value *evaluate_kind(Evaluator *ev, const Node *node) {
    switch (node->kind) {
    case NODE_Name: return evaluate_name(ev, NODE_AS(Name, node));
    case NODE_Constant: return evaluate_constant(ev, NODE_AS(Constant, node));
    case NODE_Attribute: return evaluate_attribute(ev, NODE_AS(Attribute, node));
    case NODE_Call: return evaluate_call(ev, NODE_AS(Call, node));
    case NODE_BoolOp: return evaluate_bool(ev, NODE_AS(BoolOp, node));
    case NODE_NamedExpr: return evaluate_named(ev, NODE_AS(NamedExpr, node));
    case NODE_BinOp: return evaluate_binary(ev, NODE_AS(BinOp, node));
    case NODE_UnaryOp: return evaluate_unary(ev, NODE_AS(UnaryOp, node));
    case NODE_Lambda: return function_new(ev, node, atom_intern_text(ev->atoms, "<lambda>"));
    case NODE_IfExp: return evaluate_conditional(ev, NODE_AS(IfExp, node));
    case NODE_Dict: return evaluate_dict(ev, NODE_AS(Dict, node));
    case NODE_Set: return evaluate_set(ev, NODE_AS(Set, node));
    case NODE_ListComp:
    case NODE_SetComp:
    case NODE_DictComp:
    case NODE_GeneratorExp: return evaluate_comprehension(ev, node);
    case NODE_Await: return evaluate_await(ev, NODE_AS(Await, node));
    case NODE_Yield: return evaluate_yield(ev, NODE_AS(Yield, node));
    case NODE_YieldFrom: return evaluate_yield_from(ev, NODE_AS(YieldFrom, node));
    case NODE_Compare: return evaluate_compare(ev, NODE_AS(Compare, node));
    case NODE_JoinedStr: return evaluate_joined(ev, NODE_AS(JoinedStr, node));
    case NODE_Subscript: return evaluate_subscript(ev, NODE_AS(Subscript, node));
    case NODE_List: return evaluate_list(ev, &NODE_AS(List, node)->elts, false);
    case NODE_Tuple: return evaluate_list(ev, &NODE_AS(Tuple, node)->elts, true);
    case NODE_Slice: return evaluate_slice(ev, NODE_AS(Slice, node));
    case NODE_Starred: return evaluator_raise_id(ev, EXCEPTION_TYPE, node, "can't use starred expression here");
    default: return value_unknown_at(ev, node); /* t-strings and what is no expression */
    }
}

Value *evaluate(Evaluator *ev, const Node *node) {
    if (ev->expression_depth >= EXPRESSION_DEPTH)
        return evaluator_raise_id(ev, EXCEPTION_LIMIT, node, "expressions and calls are nested too deep");
    ev->expression_depth++;
    Value *value = evaluator_step(ev, node) ? evaluate_kind(ev, node) : NULL;
    ev->expression_depth--;
    return value;
}

/* ---- text that is evaluated ---- */

static Value *unresolved_as_unknown(Evaluator *ev, Value *value, const Node *node) {
    if (value) return value;
    evaluator_clear_error(ev);
    return value_unknown_at(ev, node);
}

/* An annotation; in string form it is read first. What can't be evaluated is unknown. */
Value *evaluate_annotation(Evaluator *ev, const Node *node) {
    if (node->kind == NODE_Constant && NODE_AS(Constant, node)->value.kind == CONSTANT_STRING) {
        Slice text = NODE_AS(Constant, node)->value.text;
        return unresolved_as_unknown(ev, evaluate_text(ev, text, node, ev->frame->scope), node);
    }
    return unresolved_as_unknown(ev, evaluate(ev, node), node);
}

/* Reads `text` as one expression; its nodes have their places in a source of their own. */
Value *evaluate_text(Evaluator *ev, Slice text, const Node *site, Scope *scope) {
    if (text.length > 4096) return value_unknown_at(ev, site);
    Source *source = source_from_text(ev->arena, SLICE("<string>"), slice_copy(ev->arena, text));
    evaluator_register_source(ev, source);
    DiagnosticList ignored;
    diagnostics_init(&ignored, ev->arena);
    NodeModule *module = parse_module(ev->arena, ev->atoms, source, -1, NULL, &ignored);
    if (ignored.error_count || module->body.count != 1 || module->body.items[0]->kind != NODE_Expr)
        return value_unknown(ev, text, site, NULL);
    Frame frame = {.scope = scope, .caller = ev->frame};
    ev->frame = &frame;
    Value *value = evaluate(ev, NODE_AS(Expr, module->body.items[0])->value);
    ev->frame = frame.caller;
    return value;
}

Value *evaluator_evaluate_text(Evaluator *ev, Slice text, ModuleValue *module, const Node *site) {
    Scope *scope = scope_new(ev, SCOPE_MODULE, NULL, module);
    scope->names = &module->names;
    return evaluate_text(ev, text, site, scope);
}
