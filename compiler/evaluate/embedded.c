/*
 * Python text inside the library: native modules whose contents are more easily said in Python. Input: a module that is
 * being set up, and text; output: the module's names.
 *
 * Invariants: the tree lasts as long as the evaluator; its nodes belong to no source of the program, so places in it
 * are never shown.
 */
#include "compiler/evaluate/internal.h"

enum { EMBEDDED_SOURCE = 0xffff }; /* no source has this number: evaluator_span gives an empty span */

Value *embedded_renamed(Evaluator *ev, Value *value, const Node *target) {
    if (!value_is_unknown(value)) return value;
    const UnknownValue *unknown = (const UnknownValue *)value;
    if (!unknown->node || unknown->node->source != EMBEDDED_SOURCE || target->source == EMBEDDED_SOURCE) return value;
    UnknownValue *copy = ARENA_NEW(ev->arena, UnknownValue);
    *copy = *unknown;
    copy->text = evaluator_node_text(ev, target);
    copy->node = target;
    return &copy->head;
}

bool module_run_text(Evaluator *ev, ModuleValue *module, Slice name, Slice text) {
    Source *source = source_from_text(&ev->lasting, slice_copy(&ev->lasting, name), text);
    source->number = EMBEDDED_SOURCE;
    ParseOptions options = {.nesting_limit = ev->limits.nesting};
    NodeModule *tree = parse_module(&ev->lasting, ev->atoms, source, -1, &options, &ev->load_diagnostics);
    Scope *scope = scope_new(ev, SCOPE_MODULE, NULL, module);
    scope->names = &module->names;
    namespace_set(ev, &module->names, ev->names.name, value_atom(ev, module->name));
    Frame frame = {.scope = scope, .caller = ev->frame};
    TryFrame *tries = ev->tries;
    const Node *entry = ev->entry_node;
    int depth = ev->depth;
    ev->frame = &frame;
    ev->tries = NULL;
    ev->entry_node = NULL;
    Flow flow = execute_body(ev, &tree->body);
    ev->frame = frame.caller;
    ev->tries = tries;
    ev->entry_node = entry;
    ev->depth = depth;
    return flow != FLOW_RAISE;
}
