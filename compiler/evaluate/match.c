/*
 * match statements. Input: the node. Output: the body of the first case that fits is run; where a pattern can't be
 * decided, a path for each outcome. Names are bound as patterns succeed.
 */
#include "compiler/evaluate/internal.h"

typedef enum Fit { FIT_NO, FIT_YES, FIT_UNKNOWN, FIT_ERROR } Fit;

static Fit pattern_fits(Evaluator *ev, const Node *pattern, Value *subject);

static Fit fit_of(Truth truth) {
    switch (truth) {
    case TRUTH_FALSE: return FIT_NO;
    case TRUTH_TRUE: return FIT_YES;
    case TRUTH_UNKNOWN: return FIT_UNKNOWN;
    case TRUTH_ERROR: return FIT_ERROR;
    }
    return FIT_ERROR;
}

/* Decided here, so that the fact is settled for the subject. */
static Fit fit_equal(Evaluator *ev, Value *subject, Value *value, const Node *site) {
    Value *result = value_compare(ev, COMPARE_Eq, subject, value, site);
    if (!result) return FIT_ERROR;
    Truth truth = value_truth(ev, result, site);
    if (truth == TRUTH_UNKNOWN && ev->host.has_rows) return FIT_UNKNOWN;
    if (truth == TRUTH_UNKNOWN) return evaluator_decide_truth(ev, result, site) ? FIT_YES : FIT_NO;
    return fit_of(truth);
}

static Fit fit_singleton(Evaluator *ev, const Constant *constant, Value *subject, const Node *site) {
    Value *value = constant->kind == CONSTANT_NONE ? value_none(ev) : value_bool(ev, constant->kind == CONSTANT_TRUE);
    Value *result = value_compare(ev, COMPARE_Is, subject, value, site);
    if (!result) return FIT_ERROR;
    Truth truth = value_truth(ev, result, site);
    if (truth == TRUTH_UNKNOWN && ev->host.has_rows) return FIT_UNKNOWN;
    if (truth == TRUTH_UNKNOWN) return evaluator_decide_truth(ev, result, site) ? FIT_YES : FIT_NO;
    return fit_of(truth);
}

/* What is known to be a str, a number or an object of a class is no sequence and no mapping. */
static bool can_be(const Evaluator *ev, const Value *unknown, ValueKind kind) {
    const Class *known = unknown_class(unknown);
    if (!known || known == ev->builtins.object || class_is_user(known) || known->open) return true;
    if (class_is_subclass(known, ev->builtins.kinds[kind])) return true;
    return kind == VALUE_LIST && class_is_subclass(known, ev->builtins.kinds[VALUE_TUPLE]);
}

static Fit fit_sequence(Evaluator *ev, const Nodes *patterns, Value *subject) {
    subject = value_resolve(subject);
    if (value_is_unknown(subject)) {
        if (!can_be(ev, subject, VALUE_LIST)) return FIT_NO;
        for (int i = 0; i < patterns->count; i++)
            if (patterns->items[i]->kind == NODE_MatchAs || patterns->items[i]->kind == NODE_MatchStar)
                pattern_fits(ev, patterns->items[i], value_unknown_at(ev, patterns->items[i]));
        return FIT_UNKNOWN;
    }
    if (!value_is(subject, VALUE_LIST) && !value_is(subject, VALUE_TUPLE)) return FIT_NO;
    const ListValue *list = (const ListValue *)subject;
    int star = -1;
    for (int i = 0; i < patterns->count; i++)
        if (patterns->items[i]->kind == NODE_MatchStar) star = i;
    int fixed = patterns->count - (star >= 0);
    if (list->count < fixed || (star < 0 && list->count != fixed)) return FIT_NO;
    Fit result = FIT_YES;
    for (int i = 0, at = 0; i < patterns->count; i++) {
        Fit fit = FIT_YES;
        if (i == star) {
            int taken = list->count - fixed;
            ListValue *rest = value_list(ev);
            for (int j = 0; j < taken; j++) list_append(ev, rest, list->items[at + j]);
            Atom name = NODE_AS(MatchStar, patterns->items[i])->name;
            if (name) scope_assign(ev, ev->frame->scope, name, &rest->head);
            at += taken;
        } else fit = pattern_fits(ev, patterns->items[i], list->items[at++]);
        if (fit == FIT_NO || fit == FIT_ERROR) return fit;
        if (fit == FIT_UNKNOWN) result = fit;
    }
    return result;
}

static Value *mapping_item(Evaluator *ev, UnknownValue *subject, Value *key, const Node *node) {
    Value *made = unknown_get_item(ev, subject, key, node);
    if (value_is_unknown(made) && made != subject->element)
        ((UnknownValue *)made)->text =
            slice_format(ev->arena, "%.*s[%.*s]", SLICE_ARGS(subject->text), SLICE_ARGS(evaluator_node_text(ev, node)));
    return made;
}

static Fit fit_mapping(Evaluator *ev, const NodeMatchMapping *pattern, Value *subject) {
    subject = value_resolve(subject);
    bool unknown = value_is_unknown(subject);
    if (unknown ? !can_be(ev, subject, VALUE_DICT) : !value_is(subject, VALUE_DICT)) return FIT_NO;
    Fit result = unknown ? FIT_UNKNOWN : FIT_YES;
    for (int i = 0; i < pattern->keys.count; i++) {
        Value *key = evaluate(ev, pattern->keys.items[i]);
        if (!key) return FIT_ERROR;
        Value *value = unknown ? mapping_item(ev, (UnknownValue *)subject, key, pattern->keys.items[i])
                               : dict_get(ev, (DictValue *)subject, key);
        if (!value) return FIT_NO;
        Fit fit = pattern_fits(ev, pattern->patterns.items[i], value);
        if (fit == FIT_NO || fit == FIT_ERROR) return fit;
        if (fit == FIT_UNKNOWN) result = fit;
    }
    if (pattern->rest) scope_assign(ev, ev->frame->scope, pattern->rest, &value_dict(ev)->head);
    return result;
}

static Fit fit_class(Evaluator *ev, const NodeMatchClass *pattern, Value *subject) {
    Value *cls = evaluate(ev, pattern->cls);
    if (!cls) return FIT_ERROR;
    cls = value_resolve(cls);
    subject = value_resolve(subject);
    Fit result = FIT_YES;
    if (!value_is(cls, VALUE_CLASS) || value_is_unknown(subject)) result = FIT_UNKNOWN;
    else if (!value_is_instance(subject, (Class *)cls)) return FIT_NO;
    const Class *known = value_is_unknown(subject) ? unknown_class(subject) : NULL;
    if (known && value_is(cls, VALUE_CLASS) && class_is_subclass(known, (Class *)cls)) result = FIT_YES;
    if (result == FIT_UNKNOWN && ev->host.has_rows) return result;
    if (result == FIT_UNKNOWN && value_is_unknown(subject) && value_is(cls, VALUE_CLASS)) {
        if (!evaluator_decide_truth(ev, value_unknown_at(ev, &pattern->node), &pattern->node)) return FIT_NO;
        subject = value_unknown_instance(ev, (Class *)cls, ((UnknownValue *)subject)->text, &pattern->node);
        if (!subject) return FIT_ERROR;
        result = FIT_YES;
    }
    for (int i = 0; i < pattern->kwd_attrs.count; i++) {
        Value *value = value_get_attribute(ev, subject, pattern->kwd_attrs.items[i], &pattern->node);
        if (!value) return FIT_ERROR;
        Fit fit = pattern_fits(ev, pattern->kwd_patterns.items[i], value);
        if (fit == FIT_NO || fit == FIT_ERROR) return fit;
        if (fit == FIT_UNKNOWN) result = fit;
    }
    if (pattern->patterns.count == 1) return pattern_fits(ev, pattern->patterns.items[0], subject);
    return result;
}

static Fit pattern_fits(Evaluator *ev, const Node *pattern, Value *subject) {
    switch (pattern->kind) {
    case NODE_MatchValue: {
        Value *value = evaluate(ev, NODE_AS(MatchValue, pattern)->value);
        return value ? fit_equal(ev, subject, value, pattern) : FIT_ERROR;
    }
    case NODE_MatchSingleton: return fit_singleton(ev, &NODE_AS(MatchSingleton, pattern)->value, subject, pattern);
    case NODE_MatchSequence: return fit_sequence(ev, &NODE_AS(MatchSequence, pattern)->patterns, subject);
    case NODE_MatchMapping: return fit_mapping(ev, NODE_AS(MatchMapping, pattern), subject);
    case NODE_MatchClass: return fit_class(ev, NODE_AS(MatchClass, pattern), subject);
    case NODE_MatchAs: {
        const NodeMatchAs *as = NODE_AS(MatchAs, pattern);
        Fit fit = as->pattern ? pattern_fits(ev, as->pattern, subject) : FIT_YES;
        if (as->name && fit != FIT_NO && fit != FIT_ERROR)
            scope_assign(ev, ev->frame->scope, as->name, value_resolve(subject));
        return fit;
    }
    case NODE_MatchOr: {
        const Nodes *patterns = &NODE_AS(MatchOr, pattern)->patterns;
        Fit result = FIT_NO;
        for (int i = 0; i < patterns->count; i++) {
            Fit fit = pattern_fits(ev, patterns->items[i], subject);
            if (fit == FIT_YES || fit == FIT_ERROR) return fit;
            if (fit == FIT_UNKNOWN) result = fit;
        }
        return result;
    }
    default: return FIT_UNKNOWN;
    }
}

Flow execute_match(Evaluator *ev, const NodeMatch *node) {
    Value *subject = evaluate_or_unknown(ev, node->subject);
    if (!subject) return FLOW_RAISE;
    for (int i = 0; i < node->cases.count; i++) {
        const Nodematch_case *item = NODE_AS(match_case, node->cases.items[i]);
        Fit fit = pattern_fits(ev, item->pattern, subject);
        if (fit == FIT_ERROR) return FLOW_RAISE;
        if (fit == FIT_UNKNOWN && ev->host.has_rows) {
            evaluator_refuse_unknown(ev, evaluator_node_text(ev, node->subject), evaluator_span(ev, node->subject));
            return FLOW_RAISE;
        }
        if (fit == FIT_UNKNOWN) fit = evaluator_decide(ev, item->pattern, 2) == 0 ? FIT_YES : FIT_NO;
        if (fit == FIT_NO) continue;
        if (item->guard) {
            Value *guard = evaluate(ev, item->guard);
            if (!guard) return FLOW_RAISE;
            bool holds = evaluator_decide_truth(ev, guard, item->guard);
            if (ev->error.pending) return FLOW_RAISE;
            if (!holds) continue;
        }
        return execute_body(ev, &item->body);
    }
    return FLOW_NEXT;
}
