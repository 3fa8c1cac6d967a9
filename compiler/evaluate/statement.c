/*
 * Statements. Input: a node. Output: how control goes on. Invariant: FLOW_RAISE means that an error is pending.
 * A mistake that no `except` around it would catch is reported at its place; what the statement was to assign
 * becomes unknown, and the next statement follows, so that one mistake hides nothing else.
 */
#include "compiler/evaluate/internal.h"

enum { WHILE_ROUNDS = 10000 };

/* ---- recovering ---- */

static bool error_will_be_caught(Evaluator *ev) {
    ErrorState error = ev->error;
    bool caught = false;
    for (TryFrame *try = ev->tries; try && !caught; try = try->outer) {
        if (try->everything) caught = true;
        for (int i = 0; try->handlers && i < try->handlers->count && !caught; i++) {
            const NodeExceptHandler *handler = NODE_AS(ExceptHandler, try->handlers->items[i]);
            if (!handler->type) {
                caught = true;
                break;
            }
            Frame *frame = ev->frame;
            ev->frame = try->frame;
            ev->error = (ErrorState){0};
            Value *classes = evaluate(ev, handler->type);
            ev->frame = frame;
            ev->error = error;
            caught = classes && error_matches(ev, value_resolve(classes));
        }
    }
    ev->error = error;
    return caught;
}

/* A module whose body raises is of no use to anyone: what it needs (a package, a setting) is there where it runs. */
static bool body_stays(const Evaluator *ev) {
    return ev->frame && ev->frame->scope->kind == SCOPE_MODULE && (ev->loading || ev->path.lasting);
}

/* True: the error has been reported and evaluation goes on behind it. */
static bool recover(Evaluator *ev) {
    if (!ev->error.pending) return !ev->host.has_rows; /* what gave nothing and raised nothing is not known */
    if (ev->interactive || ev->host.has_rows || ev->limit_reported) return false;
    if (ev->error.explicit_raise && body_stays(ev) && !error_will_be_caught(ev)) {
        evaluator_clear_error(ev);
        return true;
    }
    if (ev->error.explicit_raise || ev->error.infeasible) return false;
    if (ev->error.exception == ev->builtins.exceptions[EXCEPTION_LIMIT] && ev->steps > ev->step_limit) return false;
    if (error_will_be_caught(ev)) return false;
    evaluator_report_error(ev);
    return true;
}

/* The value, or an unknown where its error was reported. */
Value *evaluate_or_unknown(Evaluator *ev, const Node *node) {
    Value *value = evaluate(ev, node);
    if (value) return value;
    return recover(ev) ? value_unknown_at(ev, node) : NULL;
}

/* ---- assignment ---- */

static bool scope_declared(const Atom *names, int count, Atom name) {
    for (int i = 0; i < count; i++)
        if (names[i] == name) return true;
    return false;
}

void scope_assign(Evaluator *ev, Scope *scope, Atom name, Value *value) {
    if (scope->kind == SCOPE_FUNCTION || scope->kind == SCOPE_COMPREHENSION) {
        if (scope_declared(scope->globals, scope->global_count, name)) {
            namespace_set(ev, &scope->module->names, name, value);
            return;
        }
        if (scope_declared(scope->nonlocals, scope->nonlocal_count, name)) {
            for (Scope *outer = scope->parent; outer && outer->kind != SCOPE_MODULE; outer = outer->parent)
                if (atom_map_get(outer->names, name)) {
                    namespace_set(ev, outer->names, name, value);
                    return;
                }
        }
        if (scope->kind == SCOPE_FUNCTION && !ev->loop_unknown) {
            atom_map_set(&scope->own, name, value);
            return;
        }
    }
    namespace_set(ev, scope->names, name, value);
}

static bool assign_sequence(Evaluator *ev, const Nodes *targets, Value *value, const Node *site) {
    Value *items = value_iterate(ev, value, site);
    if (!items) return false;
    if (value_is_unknown(items) || ((ListValue *)items)->open) {
        for (int i = 0; i < targets->count; i++) {
            const Node *target = targets->items[i];
            if (target->kind == NODE_Starred) target = NODE_AS(Starred, target)->value;
            Value *item;
            if (!value_is_unknown(items) && i < ((ListValue *)items)->count) item = ((ListValue *)items)->items[i];
            else if (value_is_unknown(items) && ((UnknownValue *)items)->element)
                item = ((UnknownValue *)items)->element;
            else item = value_unknown(ev, evaluator_node_text(ev, target), target, NULL);
            if (!assign_target(ev, target, item)) return false;
        }
        return true;
    }
    ListValue *list = (ListValue *)items;
    int star = -1, fixed = targets->count;
    for (int i = 0; i < targets->count; i++)
        if (targets->items[i]->kind == NODE_Starred) star = i, fixed = targets->count - 1;
    if (list->count < fixed || (star < 0 && list->count > fixed)) {
        if (list->count < fixed)
            return evaluator_raise_id(ev, EXCEPTION_VALUE, site, "not enough values to unpack (expected %d, got %d)",
                                      fixed, list->count) != NULL;
        return evaluator_raise_id(ev, EXCEPTION_VALUE, site, "too many values to unpack (expected %d)", fixed) != NULL;
    }
    int at = 0;
    for (int i = 0; i < targets->count; i++) {
        if (i == star) {
            ListValue *rest = value_list(ev);
            for (int j = 0; j < list->count - fixed; j++) list_append(ev, rest, list->items[at++]);
            if (!assign_target(ev, NODE_AS(Starred, targets->items[i])->value, &rest->head)) return false;
        } else if (!assign_target(ev, targets->items[i], list->items[at++])) return false;
    }
    return true;
}

bool assign_target(Evaluator *ev, const Node *target, Value *value) {
    switch (target->kind) {
    case NODE_Name: {
        Scope *scope = ev->frame->scope;
        scope_assign(ev, scope, NODE_AS(Name, target)->id, embedded_renamed(ev, value_resolve(value), target));
        return true;
    }
    case NODE_Attribute: {
        const NodeAttribute *attribute = NODE_AS(Attribute, target);
        Value *owner = evaluate(ev, attribute->value);
        return owner && value_set_attribute(ev, owner, attribute->attr, value, target);
    }
    case NODE_Subscript: {
        const NodeSubscript *subscript = NODE_AS(Subscript, target);
        Value *owner = evaluate(ev, subscript->value);
        Value *key = owner ? evaluate(ev, subscript->slice) : NULL;
        return key && value_set_item(ev, owner, key, value, target);
    }
    case NODE_Tuple: return assign_sequence(ev, &NODE_AS(Tuple, target)->elts, value, target);
    case NODE_List: return assign_sequence(ev, &NODE_AS(List, target)->elts, value, target);
    case NODE_Starred: return assign_target(ev, NODE_AS(Starred, target)->value, value);
    default: return evaluator_raise_id(ev, EXCEPTION_TYPE, target, "can't assign to this") != NULL;
    }
}

static Flow flow_of(bool done) { return done ? FLOW_NEXT : FLOW_RAISE; }

static Flow execute_assign(Evaluator *ev, const NodeAssign *node) {
    Value *value = evaluate_or_unknown(ev, node->value);
    if (!value) return FLOW_RAISE;
    for (int i = 0; i < node->targets.count; i++) {
        if (!assign_target(ev, node->targets.items[i], value)) return FLOW_RAISE;
        if (node->targets.items[i]->kind == NODE_Name)
            trace_note_assign(ev, ev->frame->scope, NODE_AS(Name, node->targets.items[i])->id, value, node->value);
    }
    return FLOW_NEXT;
}

static Flow execute_annotated(Evaluator *ev, const NodeAnnAssign *node) {
    if (!node->value) return FLOW_NEXT;
    Value *value = evaluate_or_unknown(ev, node->value);
    if (!value) return FLOW_RAISE;
    /* what an unknown is, its annotation may say: user: User = request.user */
    if (value_is_unknown(value) && !((UnknownValue *)value)->known_class && !((UnknownValue *)value)->element &&
        ev->frame->scope->kind != SCOPE_CLASS) {
        Value *annotation = evaluate_annotation(ev, node->annotation);
        if (annotation) {
            Value *typed = value_from_annotation(ev, annotation, ((UnknownValue *)value)->text, node->value);
            if (typed) value = typed;
        }
    }
    if (!assign_target(ev, node->target, value)) return FLOW_RAISE;
    if (node->target->kind == NODE_Name)
        trace_note_assign(ev, ev->frame->scope, NODE_AS(Name, node->target)->id, value, node->value);
    return FLOW_NEXT;
}

static Flow execute_augmented(Evaluator *ev, const NodeAugAssign *node) {
    Value *left = evaluate(ev, node->target);
    Value *right = left ? evaluate(ev, node->value) : NULL;
    if (!right) return FLOW_RAISE;
    left = value_resolve(left);
    right = value_resolve(right);
    if (value_is(left, VALUE_LIST) && node->op == OP_Add) {
        Value *items = value_iterate(ev, right, node->value);
        if (!items) return FLOW_RAISE;
        if (value_is_unknown(items)) {
            evaluator_touch(ev, left, sizeof(ListValue));
            ((ListValue *)left)->open = true;
            Value *element = ((UnknownValue *)items)->element;
            if (element) list_append(ev, (ListValue *)left, element);
        } else
            for (int i = 0; i < ((ListValue *)items)->count; i++)
                list_append(ev, (ListValue *)left, ((ListValue *)items)->items[i]);
        return flow_of(assign_target(ev, node->target, left));
    }
    Value *result = value_binary(ev, (Operator)node->op, left, right, &node->node);
    return flow_of(result && assign_target(ev, node->target, result));
}

static void assign_unknown(Evaluator *ev, const Node *target) {
    if (!assign_target(ev, target, value_unknown(ev, evaluator_node_text(ev, target), target, NULL)))
        evaluator_clear_error(ev);
}

static bool delete_target(Evaluator *ev, const Node *target) {
    switch (target->kind) {
    case NODE_Name: return namespace_remove(ev, ev->frame->scope->names, NODE_AS(Name, target)->id) || true;
    case NODE_Subscript: {
        const NodeSubscript *subscript = NODE_AS(Subscript, target);
        Value *owner = evaluate(ev, subscript->value);
        Value *key = owner ? evaluate(ev, subscript->slice) : NULL;
        if (!key) return false;
        owner = value_resolve(owner);
        if (value_is(owner, VALUE_DICT) || value_is(owner, VALUE_LIST))
            return value_call_method(ev, owner, "pop", &key, 1, target) != NULL;
        return true;
    }
    case NODE_Tuple:
        for (int i = 0; i < NODE_AS(Tuple, target)->elts.count; i++)
            if (!delete_target(ev, NODE_AS(Tuple, target)->elts.items[i])) return false;
        return true;
    case NODE_Attribute: {
        Value *owner = evaluate(ev, NODE_AS(Attribute, target)->value);
        if (!owner) return false;
        owner = value_resolve(owner);
        if (owner->type->has_attributes)
            namespace_remove(ev, &((Instance *)owner)->attributes, NODE_AS(Attribute, target)->attr);
        return true;
    }
    default: return true;
    }
}

static Flow execute_delete(Evaluator *ev, const NodeDelete *node) {
    for (int i = 0; i < node->targets.count; i++)
        if (!delete_target(ev, node->targets.items[i])) return FLOW_RAISE;
    return FLOW_NEXT;
}

/* ---- branches ---- */

static bool condition(Evaluator *ev, const Node *test, bool *holds) {
    Value *value = evaluate_or_unknown(ev, test);
    if (!value) return false;
    Truth truth = value_truth(ev, value, test);
    if (truth == TRUTH_ERROR) {
        if (!recover(ev)) return false;
        truth = TRUTH_UNKNOWN;
        value = value_unknown_at(ev, test);
    }
    *holds = truth == TRUTH_UNKNOWN ? evaluator_decide_truth(ev, value, test) : truth == TRUTH_TRUE;
    return !ev->error.pending;
}

static Flow execute_if(Evaluator *ev, const NodeIf *node) {
    bool holds;
    if (!condition(ev, node->test, &holds)) return FLOW_RAISE;
    return execute_body(ev, holds ? &node->body : &node->orelse);
}

static Flow execute_while(Evaluator *ev, const NodeWhile *node) {
    for (int round = 0; round < WHILE_ROUNDS; round++) {
        int decisions = ev->decision_total;
        bool holds;
        if (!condition(ev, node->test, &holds)) return FLOW_RAISE;
        if (!holds) return execute_body(ev, &node->orelse);
        Flow flow = execute_body(ev, &node->body);
        if (flow == FLOW_BREAK) return FLOW_NEXT;
        if (flow == FLOW_RETURN || flow == FLOW_RAISE) return flow;
        /* what decided this round would decide every further one */
        if (evaluator_symbolic(ev) && ev->decision_total != decisions) return FLOW_NEXT;
    }
    return FLOW_NEXT;
}

/* Whether what comes after a loop over unknown rows depends on there being any: the body leaves the function, or
 * changes a variable that was bound before. */
static bool body_matters(Evaluator *ev, const Nodes *body);

static bool target_is_bound(Evaluator *ev, const Node *target) {
    return target->kind == NODE_Name && atom_map_get(ev->frame->scope->names, NODE_AS(Name, target)->id);
}

static bool statement_matters(Evaluator *ev, const Node *node) {
    switch (node->kind) {
    case NODE_Return:
    case NODE_Raise: return true;
    case NODE_AugAssign: return target_is_bound(ev, NODE_AS(AugAssign, node)->target);
    case NODE_Assign: {
        const NodeAssign *assign = NODE_AS(Assign, node);
        for (int i = 0; i < assign->targets.count; i++)
            if (target_is_bound(ev, assign->targets.items[i])) return true;
        return false;
    }
    case NODE_If: return body_matters(ev, &NODE_AS(If, node)->body) || body_matters(ev, &NODE_AS(If, node)->orelse);
    case NODE_With: return body_matters(ev, &NODE_AS(With, node)->body);
    case NODE_AsyncWith: return body_matters(ev, &NODE_AS(AsyncWith, node)->body);
    case NODE_Try: return body_matters(ev, &NODE_AS(Try, node)->body);
    case NODE_For: return body_matters(ev, &NODE_AS(For, node)->body);
    case NODE_AsyncFor: return body_matters(ev, &NODE_AS(AsyncFor, node)->body);
    default: return false;
    }
}

static bool body_matters(Evaluator *ev, const Nodes *body) {
    for (int i = 0; i < body->count; i++)
        if (statement_matters(ev, body->items[i])) return true;
    return false;
}

static Flow loop_round(Evaluator *ev, const NodeFor *node, Value *item) {
    if (!assign_target(ev, node->target, item)) return FLOW_RAISE;
    Flow flow = execute_body(ev, &node->body);
    return flow == FLOW_CONTINUE ? FLOW_NEXT : flow;
}

/* qs.filter(…).order_by(…) begins with qs */
static bool chain_begins_with(const Node *node, Atom name) {
    if (node->kind != NODE_Call) return false;
    while (node->kind == NODE_Call || node->kind == NODE_Attribute)
        node = node->kind == NODE_Call ? NODE_AS(Call, node)->func : NODE_AS(Attribute, node)->value;
    return node->kind == NODE_Name && NODE_AS(Name, node)->id == name;
}

/* A loop that joins conditions (`q |= …`, `qs = qs.filter(…)`) shows how with its second round. */
static bool body_joins(Evaluator *ev, const Nodes *body) {
    for (int i = 0; i < body->count; i++) {
        if (body->items[i]->kind == NODE_Assign) {
            const NodeAssign *chained = NODE_AS(Assign, body->items[i]);
            if (chained->targets.count == 1 && target_is_bound(ev, chained->targets.items[0]) &&
                chain_begins_with(chained->value, NODE_AS(Name, chained->targets.items[0])->id))
                return true;
        }
        if (body->items[i]->kind != NODE_AugAssign) continue;
        const NodeAugAssign *assign = NODE_AS(AugAssign, body->items[i]);
        if ((assign->op == OP_BitOr || assign->op == OP_BitAnd) && target_is_bound(ev, assign->target)) return true;
    }
    return false;
}

static Flow execute_for_unknown(Evaluator *ev, const NodeFor *node, UnknownValue *items) {
    int rounds = 1;
    if (ev->host.has_rows) {
        evaluator_refuse_unknown(ev, items->text, evaluator_span(ev, node->iter));
        return FLOW_RAISE;
    }
    if (evaluator_symbolic(ev) && (node->orelse.count || body_matters(ev, &node->body))) {
        int taken = evaluator_decide(ev, &node->node, body_joins(ev, &node->body) ? 3 : 2);
        if (taken == 1) return execute_body(ev, &node->orelse);
        if (taken == 2) rounds = 2;
    }
    ev->loop_unknown++;
    Flow flow = FLOW_NEXT;
    for (int i = 0; i < rounds && flow == FLOW_NEXT; i++)
        flow = loop_round(ev, node, unknown_element(ev, items, node->target));
    ev->loop_unknown--;
    if (flow == FLOW_BREAK) return FLOW_NEXT;
    return flow == FLOW_NEXT ? execute_body(ev, &node->orelse) : flow;
}

static Flow execute_for(Evaluator *ev, const NodeFor *node) {
    Value *iterable = evaluate_or_unknown(ev, node->iter);
    if (!iterable) return FLOW_RAISE;
    Value *items = value_iterate(ev, iterable, node->iter);
    if (!items) {
        if (!recover(ev)) return FLOW_RAISE;
        items = value_unknown_at(ev, node->iter);
    }
    if (value_is_unknown(items)) return execute_for_unknown(ev, node, (UnknownValue *)items);
    ListValue *list = (ListValue *)items;
    for (int i = 0; i < list->count; i++) {
        if (!evaluator_step(ev, &node->node)) return FLOW_RAISE;
        Flow flow = loop_round(ev, node, list->items[i]);
        if (flow == FLOW_BREAK) return FLOW_NEXT;
        if (flow != FLOW_NEXT) return flow;
    }
    return execute_body(ev, &node->orelse);
}

/* ---- definitions ---- */

static Value *decorate(Evaluator *ev, const Nodes *decorators, Value *made) {
    for (int i = decorators->count - 1; i >= 0 && made; i--) {
        Value *decorator = evaluate(ev, decorators->items[i]);
        if (!decorator) {
            if (!recover(ev)) return NULL;
            continue;
        }
        Value *decorated = function_decorate(ev, decorator, made, decorators->items[i]);
        if (!decorated && !recover(ev)) return NULL;
        if (decorated) made = decorated;
    }
    return made;
}

static Flow execute_function(Evaluator *ev, const Node *node, Atom name, const Nodes *decorators) {
    Value *made = function_new(ev, node, name);
    if (!made) return FLOW_RAISE;
    Scope *scope = ev->frame->scope;
    if (scope->kind == SCOPE_MODULE || scope->kind == SCOPE_CLASS) entry_note(ev, (FunctionValue *)made);
    made = decorate(ev, decorators, made);
    if (!made) return FLOW_RAISE;
    scope_assign(ev, scope, name, made);
    return FLOW_NEXT;
}

static Flow execute_class(Evaluator *ev, const NodeClassDef *node) {
    Class *cls = class_from_statement(ev, node);
    if (!cls) {
        bool recovered = recover(ev);
        if (recovered)
            scope_assign(ev, ev->frame->scope, node->name, value_unknown(ev, node->name->text, &node->node, NULL));
        return recovered ? FLOW_NEXT : FLOW_RAISE;
    }
    entry_note_class(ev, cls);
    Value *made = decorate(ev, &node->decorator_list, &cls->head);
    if (!made) return FLOW_RAISE;
    scope_assign(ev, ev->frame->scope, node->name, made);
    return FLOW_NEXT;
}

/* ---- the rest ---- */

static Flow execute_raise(Evaluator *ev, const NodeRaise *node) {
    if (!node->exc) {
        for (Frame *frame = ev->frame; frame; frame = frame->caller)
            if (frame->handling) {
                evaluator_raise_value(ev, frame->handling, &node->node);
                return FLOW_RAISE;
            }
        evaluator_raise_id(ev, EXCEPTION_RUNTIME, &node->node, "No active exception to reraise");
        return FLOW_RAISE;
    }
    Value *value = evaluate(ev, node->exc);
    if (value) evaluator_raise_value(ev, value_resolve(value), &node->node);
    return FLOW_RAISE;
}

static Flow execute_assert(Evaluator *ev, const NodeAssert *node) {
    Value *value = evaluate(ev, node->test);
    if (!value) return FLOW_RAISE;
    Truth truth = value_truth(ev, value, node->test);
    if (truth == TRUTH_ERROR) return FLOW_RAISE;
    if (truth == TRUTH_FALSE) {
        evaluator_raise_value(ev, &ev->builtins.exceptions[EXCEPTION_ASSERTION]->head, &node->node);
        return FLOW_RAISE;
    }
    return FLOW_NEXT;
}

static Flow execute_return(Evaluator *ev, const NodeReturn *node) {
    Value *value = node->value ? evaluate_or_unknown(ev, node->value) : value_none(ev);
    if (!value) return FLOW_RAISE;
    ev->frame->returned = value;
    ev->frame->return_site = node->value ? node->value : &node->node;
    return FLOW_RETURN;
}

static Flow execute_expression(Evaluator *ev, const NodeExpr *node) {
    Value *value = evaluate(ev, node->value);
    if (!value) return FLOW_RAISE;
    if (ev->host.has_rows || ev->frame->scope->kind == SCOPE_CLASS) return FLOW_NEXT;
    value = value_resolve(value);
    if (value_is(value, VALUE_NATIVE) || value_is(value, VALUE_INSTANCE)) execute_lazy(ev, value, node->value, true);
    return ev->error.pending ? FLOW_RAISE : FLOW_NEXT;
}

static void scope_declare(Evaluator *ev, Scope *scope, const Atoms *names, bool global) {
    Atom **items = global ? &scope->globals : &scope->nonlocals;
    int *count = global ? &scope->global_count : &scope->nonlocal_count;
    Atom *joined = arena_allocate(ev->arena, sizeof(Atom) * (size_t)(*count + names->count));
    if (*count) memcpy(joined, *items, sizeof(Atom) * (size_t)*count);
    if (names->count) memcpy(joined + *count, names->items, sizeof(Atom) * (size_t)names->count);
    *items = joined;
    *count += names->count;
}

static Flow execute_kind(Evaluator *ev, const Node *node) {
    switch (node->kind) {
    case NODE_Expr: return execute_expression(ev, NODE_AS(Expr, node));
    case NODE_Assign: return execute_assign(ev, NODE_AS(Assign, node));
    case NODE_AnnAssign: return execute_annotated(ev, NODE_AS(AnnAssign, node));
    case NODE_AugAssign: return execute_augmented(ev, NODE_AS(AugAssign, node));
    case NODE_Return: return execute_return(ev, NODE_AS(Return, node));
    case NODE_If: return execute_if(ev, NODE_AS(If, node));
    case NODE_For:
    case NODE_AsyncFor: return execute_for(ev, (const NodeFor *)node); /* the same fields */
    case NODE_While: return execute_while(ev, NODE_AS(While, node));
    case NODE_With:
    case NODE_AsyncWith: return execute_with(ev, (const NodeWith *)node);
    case NODE_Try:
    case NODE_TryStar: return execute_try(ev, (const NodeTry *)node);
    case NODE_Match: return execute_match(ev, NODE_AS(Match, node));
    case NODE_FunctionDef:
        return execute_function(ev, node, NODE_AS(FunctionDef, node)->name,
                                &NODE_AS(FunctionDef, node)->decorator_list);
    case NODE_AsyncFunctionDef:
        return execute_function(ev, node, NODE_AS(AsyncFunctionDef, node)->name,
                                &NODE_AS(AsyncFunctionDef, node)->decorator_list);
    case NODE_ClassDef: return execute_class(ev, NODE_AS(ClassDef, node));
    case NODE_Import: return execute_import(ev, NODE_AS(Import, node));
    case NODE_ImportFrom: return execute_import_from(ev, NODE_AS(ImportFrom, node));
    case NODE_Raise: return execute_raise(ev, NODE_AS(Raise, node));
    case NODE_Assert: return execute_assert(ev, NODE_AS(Assert, node));
    case NODE_Delete: return execute_delete(ev, NODE_AS(Delete, node));
    case NODE_Global: scope_declare(ev, ev->frame->scope, &NODE_AS(Global, node)->names, true); return FLOW_NEXT;
    case NODE_Nonlocal: scope_declare(ev, ev->frame->scope, &NODE_AS(Nonlocal, node)->names, false); return FLOW_NEXT;
    case NODE_TypeAlias: {
        const NodeTypeAlias *alias = NODE_AS(TypeAlias, node);
        Value *value = evaluate_annotation(ev, alias->value);
        return flow_of(value && assign_target(ev, alias->name, value));
    }
    case NODE_Break: return FLOW_BREAK;
    case NODE_Continue: return FLOW_CONTINUE;
    case NODE_Unreadable: return execute_body(ev, &NODE_AS(Unreadable, node)->body);
    default: return FLOW_NEXT;
    }
}

/* What a statement assigns is unknown where the statement has failed. */
static void statement_forget(Evaluator *ev, const Node *node) {
    if (node->kind == NODE_Assign) {
        for (int i = 0; i < NODE_AS(Assign, node)->targets.count; i++)
            assign_unknown(ev, NODE_AS(Assign, node)->targets.items[i]);
    } else if (node->kind == NODE_AnnAssign) assign_unknown(ev, NODE_AS(AnnAssign, node)->target);
    else if (node->kind == NODE_AugAssign) assign_unknown(ev, NODE_AS(AugAssign, node)->target);
}

Flow execute_body(Evaluator *ev, const Nodes *body) {
    for (int i = 0; i < body->count; i++) {
        const Node *node = body->items[i];
        Flow flow = evaluator_step(ev, node) ? execute_kind(ev, node) : FLOW_RAISE;
        if (flow == FLOW_RAISE && recover(ev)) {
            statement_forget(ev, node);
            flow = FLOW_NEXT;
        }
        if (flow == FLOW_NEXT && ev->tries && ev->tries->decided && try_fires(ev, false)) flow = FLOW_RAISE;
        if (flow != FLOW_NEXT) return flow;
    }
    return FLOW_NEXT;
}
