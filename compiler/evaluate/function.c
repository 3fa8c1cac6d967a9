/*
 * Functions of the program: made by def and lambda, called with Python's binding of arguments, and
 * generators. Input: a function and its arguments. Output: what it returns; a generator gives the list of what it
 * yields, except where a `with` drives it (contextmanager): then the with-body runs at the yield.
 * Invariant: a call leaves ev->frame as it found it.
 */
#include "compiler/evaluate/internal.h"

/* Calls of one function within each other: where unknown values decide how deep, and where known ones do. */
enum { SYMBOLIC_RECURSION = 2, KNOWN_RECURSION = 50 };

Scope *scope_new(Evaluator *ev, ScopeKind kind, Scope *parent, ModuleValue *module) {
    Scope *scope = ARENA_NEW(ev->arena, Scope);
    scope->kind = kind;
    scope->parent = parent;
    scope->module = module;
    atom_map_init(&scope->own, ev->arena);
    scope->names = &scope->own;
    return scope;
}

const Nodearguments *function_parameters(const FunctionValue *function) {
    const Node *node = function->node;
    const Node *args = node->kind == NODE_FunctionDef        ? NODE_AS(FunctionDef, node)->args
                       : node->kind == NODE_AsyncFunctionDef ? NODE_AS(AsyncFunctionDef, node)->args
                                                             : NODE_AS(Lambda, node)->args;
    return NODE_AS(arguments, args);
}

static const Nodes *function_body(const FunctionValue *function) {
    return function->node->kind == NODE_FunctionDef ? &NODE_AS(FunctionDef, function->node)->body
                                                    : &NODE_AS(AsyncFunctionDef, function->node)->body;
}

/* ---- does a body yield? ---- */

static bool nodes_yield(const Nodes *nodes);

static bool expression_yields(const Node *node) {
    if (!node) return false;
    switch (node->kind) {
    case NODE_Yield:
    case NODE_YieldFrom: return true;
    case NODE_Await: return expression_yields(NODE_AS(Await, node)->value);
    case NODE_NamedExpr: return expression_yields(NODE_AS(NamedExpr, node)->value);
    case NODE_Call: {
        const NodeCall *call = NODE_AS(Call, node);
        for (int i = 0; i < call->args.count; i++)
            if (expression_yields(call->args.items[i])) return true;
        return false;
    }
    default: return false;
    }
}

static bool statement_yields(const Node *node) {
    switch (node->kind) {
    case NODE_Expr: return expression_yields(NODE_AS(Expr, node)->value);
    case NODE_Assign: return expression_yields(NODE_AS(Assign, node)->value);
    case NODE_AnnAssign: return expression_yields(NODE_AS(AnnAssign, node)->value);
    case NODE_AugAssign: return expression_yields(NODE_AS(AugAssign, node)->value);
    case NODE_Return: return expression_yields(NODE_AS(Return, node)->value);
    case NODE_For: return nodes_yield(&NODE_AS(For, node)->body) || nodes_yield(&NODE_AS(For, node)->orelse);
    case NODE_AsyncFor:
        return nodes_yield(&NODE_AS(AsyncFor, node)->body) || nodes_yield(&NODE_AS(AsyncFor, node)->orelse);
    case NODE_While: return nodes_yield(&NODE_AS(While, node)->body) || nodes_yield(&NODE_AS(While, node)->orelse);
    case NODE_If: return nodes_yield(&NODE_AS(If, node)->body) || nodes_yield(&NODE_AS(If, node)->orelse);
    case NODE_With: return nodes_yield(&NODE_AS(With, node)->body);
    case NODE_AsyncWith: return nodes_yield(&NODE_AS(AsyncWith, node)->body);
    case NODE_Try: {
        const NodeTry *try = NODE_AS(Try, node);
        for (int i = 0; i < try->handlers.count; i++)
            if (nodes_yield(&NODE_AS(ExceptHandler, try->handlers.items[i])->body)) return true;
        return nodes_yield(&try->body) || nodes_yield(&try->orelse) || nodes_yield(&try->finalbody);
    }
    case NODE_Match: {
        const NodeMatch *match = NODE_AS(Match, node);
        for (int i = 0; i < match->cases.count; i++)
            if (nodes_yield(&NODE_AS(match_case, match->cases.items[i])->body)) return true;
        return false;
    }
    default: return false;
    }
}

static bool nodes_yield(const Nodes *nodes) {
    for (int i = 0; i < nodes->count; i++)
        if (statement_yields(nodes->items[i])) return true;
    return false;
}

/* ---- making ---- */

Value *function_new(Evaluator *ev, const Node *node, Atom name) {
    FunctionValue *function = ARENA_NEW(ev->arena, FunctionValue);
    function->head = (Value){builtin_types[VALUE_FUNCTION], ev->builtins.kinds[VALUE_FUNCTION]};
    function->node = node;
    function->name = name;
    Scope *scope = ev->frame->scope;
    function->module = scope->module;
    while (scope->kind == SCOPE_CLASS && scope->parent) scope = scope->parent;
    function->scope = scope;
    function->is_async = node->kind == NODE_AsyncFunctionDef;
    function->is_generator = node->kind != NODE_Lambda && nodes_yield(function_body(function));
    const Nodearguments *parameters = function_parameters(function);
    function->defaults = ARENA_ARRAY(ev->arena, Value *, parameters->defaults.count);
    for (int i = 0; i < parameters->defaults.count; i++) {
        function->defaults[i] = evaluate(ev, parameters->defaults.items[i]);
        if (!function->defaults[i]) return NULL;
    }
    function->kw_defaults = ARENA_ARRAY(ev->arena, Value *, parameters->kwonlyargs.count);
    for (int i = 0; i < parameters->kw_defaults.count; i++) {
        if (!parameters->kw_defaults.items[i]) continue;
        function->kw_defaults[i] = evaluate(ev, parameters->kw_defaults.items[i]);
        if (!function->kw_defaults[i]) return NULL;
    }
    return &function->head;
}

/* ---- binding ---- */

typedef struct Binding {
    Evaluator *ev;
    FunctionValue *function;
    const Nodearguments *parameters;
    Scope *scope;
    const Arguments *arguments;
} Binding;

static const Nodearg *binding_positional(const Binding *b, int index) {
    int only = b->parameters->posonlyargs.count;
    return NODE_AS(arg,
                   index < only ? b->parameters->posonlyargs.items[index] : b->parameters->args.items[index - only]);
}

static void binding_set(Binding *b, const Nodearg *parameter, Value *value) {
    atom_map_set(&b->scope->own, parameter->arg, value);
}

static bool binding_items(Binding *b, Value *self) {
    const Arguments *given = b->arguments;
    int positional = b->parameters->posonlyargs.count + b->parameters->args.count, at = 0;
    if (self) {
        if (positional) binding_set(b, binding_positional(b, at++), self);
        else if (b->parameters->vararg) at = 0;
    }
    int taken = 0;
    for (; taken < given->count && at < positional; taken++)
        binding_set(b, binding_positional(b, at++), given->items[taken]);
    if (b->parameters->vararg) {
        ListValue *rest = value_list(b->ev);
        if (self && !positional) list_append(b->ev, rest, self);
        for (; taken < given->count; taken++) list_append(b->ev, rest, given->items[taken]);
        Value *tuple = value_tuple(b->ev, rest->items, rest->count);
        ((ListValue *)tuple)->open = given->unknown_items;
        binding_set(b, NODE_AS(arg, b->parameters->vararg), tuple);
    } else if (taken < given->count) {
        evaluator_raise_id(b->ev, EXCEPTION_TYPE, given->nodes ? given->nodes[taken] : given->site,
                           "%.*s() takes %d positional argument%s but %d %s given", SLICE_ARGS(b->function->name->text),
                           positional, positional == 1 ? "" : "s", given->count + (self != NULL),
                           given->count + (self != NULL) == 1 ? "was" : "were");
        return false;
    }
    return true;
}

static const Nodearg *binding_find(const Binding *b, Atom name) {
    for (int i = 0; i < b->parameters->args.count; i++)
        if (NODE_AS(arg, b->parameters->args.items[i])->arg == name) return NODE_AS(arg, b->parameters->args.items[i]);
    for (int i = 0; i < b->parameters->kwonlyargs.count; i++)
        if (NODE_AS(arg, b->parameters->kwonlyargs.items[i])->arg == name)
            return NODE_AS(arg, b->parameters->kwonlyargs.items[i]);
    return NULL;
}

static bool binding_keywords(Binding *b) {
    const Arguments *given = b->arguments;
    DictValue *rest = b->parameters->kwarg ? value_dict(b->ev) : NULL;
    for (int i = 0; i < given->keyword_count; i++) {
        const Keyword *keyword = &given->keywords[i];
        const Nodearg *parameter = binding_find(b, keyword->name);
        if (parameter) {
            if (atom_map_get(&b->scope->own, parameter->arg)) {
                evaluator_raise_id(b->ev, EXCEPTION_TYPE, keyword->node,
                                   "%.*s() got multiple values for argument '%.*s'",
                                   SLICE_ARGS(b->function->name->text), SLICE_ARGS(keyword->name->text));
                return false;
            }
            binding_set(b, parameter, keyword->value);
        } else if (rest) dict_set(b->ev, rest, value_atom(b->ev, keyword->name), keyword->value, keyword->node);
        else {
            evaluator_raise(b->ev, b->ev->builtins.exceptions[EXCEPTION_TYPE], evaluator_keyword_span(b->ev, keyword),
                            "%.*s() got an unexpected keyword argument '%.*s'", SLICE_ARGS(b->function->name->text),
                            SLICE_ARGS(keyword->name->text));
            return false;
        }
    }
    if (rest) {
        rest->open = given->unknown_keywords;
        binding_set(b, NODE_AS(arg, b->parameters->kwarg), &rest->head);
    }
    return true;
}

static bool binding_missing(Binding *b, const Nodearg *parameter) {
    if (b->arguments->unknown_items || b->arguments->unknown_keywords) {
        binding_set(b, parameter, value_unknown(b->ev, parameter->arg->text, &parameter->node, NULL));
        return true;
    }
    evaluator_raise_id(b->ev, EXCEPTION_TYPE, b->arguments->site, "%.*s() missing 1 required argument: '%.*s'",
                       SLICE_ARGS(b->function->name->text), SLICE_ARGS(parameter->arg->text));
    return false;
}

static bool binding_defaults(Binding *b) {
    int positional = b->parameters->posonlyargs.count + b->parameters->args.count;
    int first = positional - b->parameters->defaults.count;
    for (int i = 0; i < positional; i++) {
        const Nodearg *parameter = binding_positional(b, i);
        if (atom_map_get(&b->scope->own, parameter->arg)) continue;
        if (i >= first) binding_set(b, parameter, b->function->defaults[i - first]);
        else if (!binding_missing(b, parameter)) return false;
    }
    for (int i = 0; i < b->parameters->kwonlyargs.count; i++) {
        const Nodearg *parameter = NODE_AS(arg, b->parameters->kwonlyargs.items[i]);
        if (atom_map_get(&b->scope->own, parameter->arg)) continue;
        if (b->function->kw_defaults[i]) binding_set(b, parameter, b->function->kw_defaults[i]);
        else if (!binding_missing(b, parameter)) return false;
    }
    return true;
}

static Scope *function_scope(Evaluator *ev, FunctionValue *function, Value *self, const Arguments *arguments) {
    Scope *scope = scope_new(ev, SCOPE_FUNCTION, function->scope, function->module);
    scope->function = function;
    Binding binding = {ev, function, function_parameters(function), scope, arguments};
    if (!binding_items(&binding, self) || !binding_keywords(&binding) || !binding_defaults(&binding)) return NULL;
    return scope;
}

/* ---- running ---- */

Value *function_run(Evaluator *ev, FunctionValue *function, Scope *scope, YieldTarget *target, const Node *site) {
    Frame frame = {
        .scope = scope, .function = function, .caller = ev->frame, .target = target, .decisions = ev->decision_total};
    if (ev->depth >= ev->limits.call_depth)
        return evaluator_raise_id(ev, EXCEPTION_LIMIT, site, "calls are nested more than %d deep",
                                  ev->limits.call_depth);
    ev->frame = &frame;
    ev->depth++;
    if (function->is_generator && !target) frame.yields = value_list(ev);
    Flow flow = FLOW_NEXT;
    if (function->node->kind == NODE_Lambda) {
        frame.returned = evaluate(ev, NODE_AS(Lambda, function->node)->body);
        if (!frame.returned) flow = FLOW_RAISE;
    } else flow = execute_body(ev, function_body(function));
    ev->depth--;
    ev->frame = frame.caller;
    ev->return_site = frame.return_site;
    if (flow == FLOW_RAISE) return NULL;
    if (frame.yields) return &frame.yields->head;
    return frame.returned ? frame.returned : value_none(ev);
}

static bool value_is_plain(const Value *value) {
    return value_is_any(value, KIND(BOOL) | KIND(INTEGER) | KIND(FLOAT) | KIND(STRING) | KIND(LIST) | KIND(TUPLE) |
                                   KIND(DICT) | KIND(SET) | KIND(DECIMAL));
}

/* A recursion that known values end: no decision since the call before, and a known argument that is another now. */
static bool recursion_proceeds(const Evaluator *ev, const Frame *before, const Scope *scope) {
    if (before->decisions != ev->decision_total) return false;
    const Scope *outer = before->scope;
    while (outer->kind == SCOPE_COMPREHENSION) outer = outer->parent;
    for (int i = 0; i < scope->own.count; i++) {
        const Value *now = value_resolve(scope->own.entries[i].value);
        const Value *then = atom_map_get(&outer->own, scope->own.entries[i].key);
        if (then && now != value_resolve((Value *)then) && value_is_plain(now)) return true;
    }
    return false;
}

/* A recursion that only unknown values would end is cut. */
static bool recursion_is_cut(const Evaluator *ev, const FunctionValue *function, const Scope *scope) {
    int active = 0;
    bool proceeds = true;
    for (const Frame *frame = ev->frame; frame; frame = frame->caller) {
        if (!frame->function || frame->function->node != function->node) continue;
        if (!active) proceeds = recursion_proceeds(ev, frame, scope);
        active++;
    }
    return active >= (proceeds ? KNOWN_RECURSION : SYMBOLIC_RECURSION);
}

Value *function_call(Evaluator *ev, FunctionValue *function, Value *self, const Arguments *arguments) {
    Scope *scope = function_scope(ev, function, self, arguments);
    if (!scope && function->changed && !ev->host.has_rows) {
        evaluator_clear_error(ev);
        return unknown_result(ev, arguments->site, NULL);
    }
    if (!scope) return NULL;
    trace_note_call(ev, function, self);
    if (evaluator_symbolic(ev) && recursion_is_cut(ev, function, scope))
        return unknown_result(ev, arguments->site, NULL);
    return function_run(ev, function, scope, NULL, arguments->site);
}

/* ---- entry points: parameters unknown ---- */

/* "order_line" and "OrderLine" meet as "orderline". */
static Slice name_plain(Evaluator *ev, Slice name, bool of_class) {
    Buffer out;
    buffer_init(&out, &ev->keep);
    for (size_t i = 0; i < name.length; i++) {
        if (of_class) buffer_put(&out, char_lower(name.start[i]));
        else if (name.start[i] != '_') buffer_put(&out, name.start[i]);
    }
    return buffer_view(&out);
}

/* Read as far as the module has come; of two that are called alike the first. */
static ClassNames *class_names_of(Evaluator *ev, const ModuleValue *module) {
    const Pair *known = pair_find(&ev->class_names_of, module, 0);
    int number = known ? known->value : ev->class_names_count;
    if (!known) {
        ARENA_PUSH(&ev->keep, ev->class_names, ev->class_names_count, ev->class_names_capacity) = (ClassNames){0};
        pair_place(&ev->class_names_of, &ev->keep, module, 0)->value = number;
    }
    ClassNames *names = &ev->class_names[number];
    if (names->seen > module->names.count) *names = (ClassNames){0};
    for (; names->seen < module->names.count; names->seen++) {
        Value *value = module->names.entries[names->seen].value;
        if (!module->names.entries[names->seen].key || !value_is(value, VALUE_CLASS)) continue;
        Class *cls = (Class *)value;
        if (!class_is_user(cls) || !cls->unknown_instance) continue;
        Slice plain = name_plain(ev, cls->name->text, true);
        if (!slice_map_get(&names->classes, plain)) slice_map_add(&names->classes, &ev->keep, plain, cls);
    }
    return names;
}

static Class *class_named_like(Evaluator *ev, const ModuleValue *module, Slice plain) {
    return module ? slice_map_get(&class_names_of(ev, module)->classes, plain) : NULL;
}

/* A parameter without annotation that is called as a mapped class is (`project`): an instance of it. */
static Value *entry_by_name(Evaluator *ev, const FunctionValue *function, const Nodearg *parameter) {
    Slice plain = name_plain(ev, parameter->arg->text, false);
    Class *cls = class_named_like(ev, function->module, plain);
    for (int i = 0; !cls && i < ev->imported_count; i++) cls = class_named_like(ev, ev->imported[i], plain);
    return cls ? value_unknown_instance(ev, cls, parameter->arg->text, &parameter->node) : NULL;
}

static Value *entry_value(Evaluator *ev, FunctionValue *function, const Nodearg *parameter, Value *fallback) {
    Value *given = evaluator_given_value(ev, parameter->arg);
    if (given) return given;
    Slice text = parameter->arg->text;
    Value *made = NULL;
    if (parameter->annotation) {
        Frame frame = {.scope = function->scope, .caller = ev->frame};
        ev->frame = &frame;
        Value *annotation = evaluate_annotation(ev, parameter->annotation);
        ev->frame = frame.caller;
        if (!annotation) evaluator_clear_error(ev);
        else made = value_from_annotation(ev, annotation, text, &parameter->node);
    }
    if (!made && !parameter->annotation) made = entry_by_name(ev, function, parameter);
    if (!made) made = unknown_free_name(ev, parameter->arg, function->node, &parameter->node);
    if (value_is_unknown(made)) {
        UnknownValue *unknown = (UnknownValue *)made;
        if (fallback && value_is_none(fallback) && !unknown->present)
            return value_optional(ev, made, text, &parameter->node);
        if (fallback && !unknown->present) {
            unknown->fallback = fallback;
            if (!unknown->known_class && !value_is(fallback, VALUE_NATIVE)) unknown->known_class = &fallback->cls->head;
        }
    } else if (fallback && value_is_none(fallback)) return value_optional(ev, made, text, &parameter->node);
    return made;
}

Scope *function_entry_scope(Evaluator *ev, FunctionValue *function, Value *self) {
    const Nodearguments *parameters = function_parameters(function);
    Scope *scope = scope_new(ev, SCOPE_FUNCTION, function->scope, function->module);
    scope->function = function;
    Arguments none = {.site = function->node};
    Binding b = {ev, function, parameters, scope, &none};
    int positional = parameters->posonlyargs.count + parameters->args.count;
    int first = positional - parameters->defaults.count;
    for (int i = 0; i < positional; i++) {
        const Nodearg *parameter = binding_positional(&b, i);
        if (!i && self) binding_set(&b, parameter, self);
        else
            binding_set(&b, parameter,
                        entry_value(ev, function, parameter, i >= first ? function->defaults[i - first] : NULL));
    }
    for (int i = 0; i < parameters->kwonlyargs.count; i++) {
        const Nodearg *parameter = NODE_AS(arg, parameters->kwonlyargs.items[i]);
        binding_set(&b, parameter, entry_value(ev, function, parameter, function->kw_defaults[i]));
    }
    if (parameters->vararg) {
        Value *tuple = value_tuple(ev, NULL, 0);
        ((ListValue *)tuple)->open = true;
        binding_set(&b, NODE_AS(arg, parameters->vararg), tuple);
    }
    if (parameters->kwarg) {
        DictValue *rest = value_dict(ev);
        rest->open = true;
        binding_set(&b, NODE_AS(arg, parameters->kwarg), &rest->head);
    }
    return scope;
}

/* ---- contextmanager ---- */

typedef struct GeneratorContext {
    Value head;
    Value *function; /* of the program */
    Value *self;
    const Arguments *arguments; /* NULL: the decorated function itself, not called yet */
} GeneratorContext;

static const Type generator_context_type;

Value *value_generator_context(Evaluator *ev, Value *function, Value *self, const Arguments *arguments) {
    GeneratorContext *value = ARENA_NEW(ev->arena, GeneratorContext);
    value->head = (Value){&generator_context_type, ev->builtins.object};
    value->function = function;
    value->self = self;
    if (arguments) {
        Arguments *copy = arena_allocate(ev->arena, sizeof *copy);
        *copy = *arguments;
        value->arguments = copy;
    }
    return &value->head;
}

bool value_is_generator_context(const Value *value) {
    return value->type == &generator_context_type && ((const GeneratorContext *)value)->arguments;
}

static Value *generator_context_call(Evaluator *ev, Value *self, const Arguments *arguments) {
    const GeneratorContext *context = (const GeneratorContext *)self;
    if (context->arguments)
        return arguments->count == 1 ? arguments->items[0] : unknown_result(ev, arguments->site, NULL);
    return value_generator_context(ev, context->function, context->self, arguments);
}

static Value *generator_context_bound(Evaluator *ev, Value *self, Value *instance, Class *cls, const Node *site) {
    (void)cls;
    (void)site;
    const GeneratorContext *context = (const GeneratorContext *)self;
    return instance ? value_generator_context(ev, context->function, instance, context->arguments) : self;
}

static const Type generator_context_type = {.name = "generator context manager",
                                            .kind = VALUE_NATIVE,
                                            .call = generator_context_call,
                                            .get_bound = generator_context_bound};

/* Runs the decorated generator; `target` gets what it yields. */
Flow generator_run(Evaluator *ev, Value *generator_context, YieldTarget *target, const Node *site) {
    const GeneratorContext *context = (const GeneratorContext *)generator_context;
    if (!value_is(context->function, VALUE_FUNCTION)) return FLOW_NEXT;
    FunctionValue *function = (FunctionValue *)context->function;
    Scope *scope = function_scope(ev, function, context->self, context->arguments);
    if (!scope) return FLOW_RAISE;
    trace_note_call(ev, function, context->self);
    return function_run(ev, function, scope, target, site) ? FLOW_NEXT : FLOW_RAISE;
}

/* ---- decorators ---- */

/* A decorator that is not known mostly leaves what it decorates as it is; whether it does is not known. */
static Value *decorated_unchanged(Value *decorated) {
    Value *inner = decorated;
    if (value_is(inner, VALUE_CLASSMETHOD) || value_is(inner, VALUE_STATICMETHOD))
        inner = ((WrapperValue *)inner)->function;
    if (value_is(inner, VALUE_FUNCTION)) ((FunctionValue *)inner)->changed = true;
    if (value_is(inner, VALUE_CLASS) && class_is_plain((const Class *)inner)) ((Class *)inner)->open = true;
    return decorated;
}

Value *function_decorate(Evaluator *ev, Value *decorator, Value *decorated, const Node *site) {
    decorator = value_resolve(decorator);
    if (value_is_unknown(decorator)) return decorated_unchanged(decorated);
    Value *result = value_call_with(ev, decorator, &decorated, 1, site);
    return result && value_is_unknown(result) ? decorated_unchanged(decorated) : result;
}
