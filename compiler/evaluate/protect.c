/*
 * try and with. Where the outcome of a query decides whether an exception comes (`except DoesNotExist`),
 * symbolic evaluation visits each handler on a path of its own: the body runs until its first executed query, then
 * the handler's exception is raised. Real exceptions go the way they go in Python.
 */
#include "compiler/evaluate/internal.h"

/* ---- try ---- */

static Value *handler_classes(Evaluator *ev, const NodeExceptHandler *handler) {
    if (!handler->type) return &ev->builtins.exceptions[EXCEPTION_BASE]->head;
    ErrorState error = ev->error;
    ev->error = (ErrorState){0};
    Value *classes = evaluate(ev, handler->type);
    ev->error = error;
    return classes ? value_resolve(classes) : NULL;
}

/* The exception that the handler chosen for this path waits for; raised once the body has executed a query (or ended).
 */
bool try_fires(Evaluator *ev, bool ended) {
    TryFrame *try = ev->tries;
    if (try->frame != ev->frame || !try->decided) return false;
    if (!ended && ev->execution_count == try->execution_start) return false;
    const NodeExceptHandler *handler = NODE_AS(ExceptHandler, try->handlers->items[try->decided - 1]);
    Value *classes = handler_classes(ev, handler);
    if (classes && value_is(classes, VALUE_TUPLE) && ((ListValue *)classes)->count)
        classes = ((ListValue *)classes)->items[0];
    Class *exception =
        classes && value_is(classes, VALUE_CLASS) ? (Class *)classes : ev->builtins.exceptions[EXCEPTION_EXCEPTION];
    const Node *site = handler->type ? handler->type : &handler->node;
    if (exception == ev->builtins.exceptions[EXCEPTION_BASE]) exception = ev->builtins.exceptions[EXCEPTION_EXCEPTION];
    ev->error =
        (ErrorState){.pending = true, .explicit_raise = true, .exception = exception, .span = evaluator_span(ev, site)};
    try->everything = false;
    return true;
}

static Flow run_handler(Evaluator *ev, const NodeExceptHandler *handler) {
    Value *caught = evaluator_error_value(ev);
    bool infeasible = ev->error.infeasible;
    if (infeasible) return FLOW_RAISE;
    evaluator_clear_error(ev);
    Value *before = ev->frame->handling;
    ev->frame->handling = caught;
    if (handler->name) scope_assign(ev, ev->frame->scope, handler->name, caught);
    Flow flow = execute_body(ev, &handler->body);
    ev->frame->handling = before;
    return flow;
}

static Flow handle_error(Evaluator *ev, const NodeTry *node, int decided) {
    if (decided && ev->error.explicit_raise && !ev->error.instance)
        return run_handler(ev, NODE_AS(ExceptHandler, node->handlers.items[decided - 1]));
    for (int i = 0; i < node->handlers.count; i++) {
        const NodeExceptHandler *handler = NODE_AS(ExceptHandler, node->handlers.items[i]);
        Value *classes = handler_classes(ev, handler);
        if (classes && error_matches(ev, classes)) return run_handler(ev, handler);
    }
    return FLOW_RAISE;
}

static bool body_only_imports(const Nodes *body) {
    for (int i = 0; i < body->count; i++)
        if (body->items[i]->kind != NODE_Import && body->items[i]->kind != NODE_ImportFrom) return false;
    return true;
}

static Flow execute_protected(Evaluator *ev, const NodeTry *node) {
    TryFrame try = {.handlers = &node->handlers, .frame = ev->frame, .outer = ev->tries};
    try.execution_start = ev->execution_count;
    if (evaluator_symbolic(ev) && node->handlers.count && !body_only_imports(&node->body))
        try.decided = evaluator_decide(ev, &node->node, 1 + node->handlers.count);
    int decided = try.decided;
    ev->tries = &try;
    Flow flow = execute_body(ev, &node->body);
    if (flow != FLOW_RAISE && decided && try_fires(ev, true)) flow = FLOW_RAISE;
    ev->tries = try.outer;
    if (flow == FLOW_RAISE) return handle_error(ev, node, decided);
    return flow == FLOW_NEXT ? execute_body(ev, &node->orelse) : flow;
}

Flow execute_try(Evaluator *ev, const NodeTry *node) {
    Flow flow = execute_protected(ev, node);
    if (!node->finalbody.count) return flow;
    ErrorState error = ev->error;
    Value *returned = ev->frame->returned;
    ev->error = (ErrorState){0};
    Flow last = execute_body(ev, &node->finalbody);
    if (last != FLOW_NEXT) return last;
    ev->error = error;
    ev->frame->returned = returned;
    return flow;
}

/* ---- with ---- */

static Flow with_items(Evaluator *ev, const NodeWith *node, int index);

typedef struct WithBody {
    const NodeWith *node;
    int index;
    bool failed;
} WithBody;

/* The with-body runs where the generator yields. */
static Flow with_yielded(Evaluator *ev, YieldTarget *target, Value *value) {
    WithBody *body = target->data;
    const Nodewithitem *item = NODE_AS(withitem, body->node->items.items[body->index]);
    if (item->optional_vars && !assign_target(ev, item->optional_vars, value)) return FLOW_RAISE;
    return with_items(ev, body->node, body->index + 1);
}

static Flow with_generator(Evaluator *ev, const NodeWith *node, int index, Value *context) {
    WithBody body = {node, index, false};
    YieldTarget target = {.yielded = with_yielded, .data = &body, .frame = ev->frame, .flow = FLOW_NEXT};
    Flow flow = generator_run(ev, context, &target, NODE_AS(withitem, node->items.items[index])->context_expr);
    if (flow == FLOW_RAISE) return FLOW_RAISE;
    if (!target.used) return with_items(ev, node, index + 1);
    return target.flow == FLOW_RAISE ? FLOW_NEXT : target.flow;
}

static Value *with_enter(Evaluator *ev, Value *context, const Node *site) {
    if (context->type->enter) return context->type->enter(ev, context, site);
    if (value_is_unknown(context) || value_is(context, VALUE_NATIVE)) return context;
    Value *enter = class_find(context->cls, ev->names.enter);
    if (!enter) enter = class_find(context->cls, ev->names.aenter);
    if (!enter) return context;
    return value_call_with(ev, enter, &context, 1, site);
}

static bool with_leave(Evaluator *ev, Value *context, Flow *flow, const Node *site) {
    bool failed = *flow == FLOW_RAISE;
    ErrorState error = ev->error;
    Value *thrown = failed ? evaluator_error_value(ev) : NULL;
    ev->error = (ErrorState){0};
    bool swallow = false;
    if (context->type->leave) {
        if (!context->type->leave(ev, context, failed, site)) return false;
    } else if (!value_is_unknown(context)) {
        Value *leave = class_find(context->cls, ev->names.exit);
        if (!leave) leave = class_find(context->cls, ev->names.aexit);
        if (leave) {
            Value *none = value_none(ev);
            Value *items[4] = {context, failed ? &error.exception->head : none, failed ? thrown : none, none};
            Value *result = value_call_with(ev, leave, items, 4, site);
            if (!result) return false;
            swallow = failed && value_truth(ev, result, site) == TRUTH_TRUE;
        }
    }
    if (failed && !swallow) ev->error = error;
    if (swallow) *flow = FLOW_NEXT;
    return true;
}

static Flow with_items(Evaluator *ev, const NodeWith *node, int index) {
    if (index == node->items.count) return execute_body(ev, &node->body);
    const Nodewithitem *item = NODE_AS(withitem, node->items.items[index]);
    Value *context = evaluate_or_unknown(ev, item->context_expr);
    if (!context) return FLOW_RAISE;
    context = value_resolve(context);
    if (value_is_generator_context(context)) return with_generator(ev, node, index, context);
    Value *entered = with_enter(ev, context, item->context_expr);
    if (!entered) return FLOW_RAISE;
    if (item->optional_vars && !assign_target(ev, item->optional_vars, entered)) return FLOW_RAISE;
    TryFrame suppress = {.frame = ev->frame, .outer = ev->tries, .everything = value_is_suppress(context)};
    if (suppress.everything) ev->tries = &suppress;
    Flow flow = with_items(ev, node, index + 1);
    if (suppress.everything) {
        ev->tries = suppress.outer;
        if (flow == FLOW_RAISE && !ev->error.infeasible) {
            evaluator_clear_error(ev);
            flow = FLOW_NEXT;
        }
    }
    Value *returned = ev->frame->returned;
    if (!with_leave(ev, context, &flow, item->context_expr)) return FLOW_RAISE;
    ev->frame->returned = returned;
    return flow;
}

Flow execute_with(Evaluator *ev, const NodeWith *node) { return with_items(ev, node, 0); }
