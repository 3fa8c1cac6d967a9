/*
 * How native functions read their arguments. Input: the Arguments of a call and a format of names. Output: one Value a
 * name, or a TypeError worded as Python's. See arguments_bind in native.h for the format.
 */
#include "compiler/evaluate/internal.h"

enum { PARAMETERS_MOST = 48 };

typedef struct Parameter {
    Slice name;
    Value **out;
    bool optional, keyword_only;
    int rest; /* 1: *name, 2: **name */
    bool given;
} Parameter;

static int parameters_read(const char *format, va_list out, Parameter *parameters) {
    int count = 0;
    bool optional = false, keyword_only = false;
    for (const char *at = format; *at;) {
        while (*at == ' ' || *at == ',') at++;
        if (!*at) break;
        size_t length = strcspn(at, " ,");
        if (length == 1 && *at == '|') optional = true;
        else if (length == 1 && *at == '*') keyword_only = true;
        else if (count < PARAMETERS_MOST) {
            int stars = (at[0] == '*') + (at[0] == '*' && at[1] == '*');
            parameters[count++] = (Parameter){.name = {at + stars, length - (size_t)stars},
                                              .out = va_arg(out, Value **),
                                              .optional = optional,
                                              .keyword_only = keyword_only,
                                              .rest = stars};
            if (stars == 1) keyword_only = true;
        }
        at += length;
    }
    return count;
}

static bool bind_items(Evaluator *ev, const Arguments *arguments, const char *function, Parameter *parameters,
                       int count) {
    int at = 0, allowed = 0;
    for (int i = 0; i < count; i++) allowed += !parameters[i].rest && !parameters[i].keyword_only;
    for (int i = 0; i < arguments->count; i++) {
        while (at < count && (parameters[at].keyword_only || parameters[at].rest == 2)) at++;
        if (at == count) {
            evaluator_raise_id(ev, EXCEPTION_TYPE, arguments->nodes ? arguments->nodes[i] : arguments->site,
                               "%s() takes %d positional argument%s but %d %s given", function, allowed,
                               allowed == 1 ? "" : "s", arguments->count, arguments->count == 1 ? "was" : "were");
            return false;
        }
        if (parameters[at].rest == 1) {
            *parameters[at].out = value_tuple(ev, arguments->items + i, arguments->count - i);
            ((ListValue *)*parameters[at].out)->open = arguments->unknown_items;
            parameters[at].given = true;
            return true;
        }
        if (parameters[at].out) *parameters[at].out = arguments->items[i];
        parameters[at++].given = true;
    }
    return true;
}

static bool bind_keyword(Evaluator *ev, const Keyword *keyword, const char *function, Parameter *parameters,
                         int count) {
    Parameter *rest = NULL;
    for (int i = 0; i < count; i++) {
        Parameter *parameter = &parameters[i];
        if (parameter->rest == 2) rest = parameter;
        if (parameter->rest) continue;
        if (!slice_equals(parameter->name, keyword->name->text)) continue;
        if (parameter->given) {
            evaluator_raise(ev, evaluator_exception(ev, EXCEPTION_TYPE), evaluator_keyword_span(ev, keyword),
                            "%s() got multiple values for argument '%.*s'", function, SLICE_ARGS(parameter->name));
            return false;
        }
        if (parameter->out) *parameter->out = keyword->value;
        return parameter->given = true;
    }
    if (rest) {
        if (!rest->given) *rest->out = &value_dict(ev)->head;
        rest->given = true;
        dict_set(ev, (DictValue *)*rest->out, value_atom(ev, keyword->name), keyword->value, keyword->node);
        return true;
    }
    evaluator_raise(ev, evaluator_exception(ev, EXCEPTION_TYPE), evaluator_keyword_span(ev, keyword),
                    "%s() got an unexpected keyword argument '%.*s'", function, SLICE_ARGS(keyword->name->text));
    Suggestion near = suggestion_start(keyword->name->text);
    for (int i = 0; i < count; i++)
        if (!parameters[i].rest) suggestion_offer(&near, parameters[i].name);
    if (suggestion_found(&near)) evaluator_raise_help(ev, "did you mean '%.*s'?", SLICE_ARGS(near.best));
    return false;
}

static bool bind_missing(Evaluator *ev, const Arguments *arguments, const char *function, Parameter *parameters,
                         int count) {
    for (int i = 0; i < count; i++) {
        Parameter *parameter = &parameters[i];
        if (parameter->rest == 1 && !parameter->given) {
            *parameter->out = value_tuple(ev, NULL, 0);
            ((ListValue *)*parameter->out)->open = arguments->unknown_items;
        } else if (parameter->rest == 2) {
            if (!parameter->given) *parameter->out = &value_dict(ev)->head;
            ((DictValue *)*parameter->out)->open = arguments->unknown_keywords;
        } else if (!parameter->given && !parameter->optional) {
            if (arguments->unknown_items || arguments->unknown_keywords) {
                if (parameter->out) *parameter->out = value_unknown(ev, parameter->name, arguments->site, NULL);
                continue;
            }
            evaluator_raise_id(ev, EXCEPTION_TYPE, arguments->site, "%s() missing 1 required %s argument: '%.*s'",
                               function, parameter->keyword_only ? "keyword-only" : "positional",
                               SLICE_ARGS(parameter->name));
            return false;
        }
    }
    return true;
}

bool arguments_bind(Evaluator *ev, const Arguments *arguments, const char *function, const char *format, ...) {
    Parameter parameters[PARAMETERS_MOST];
    va_list out;
    va_start(out, format);
    int count = parameters_read(format, out, parameters);
    va_end(out);
    if (!bind_items(ev, arguments, function, parameters, count)) return false;
    for (int i = 0; i < arguments->keyword_count; i++)
        if (!bind_keyword(ev, &arguments->keywords[i], function, parameters, count)) return false;
    return bind_missing(ev, arguments, function, parameters, count);
}

Value *arguments_keyword(const Arguments *arguments, Atom name) {
    for (int i = 0; i < arguments->keyword_count; i++)
        if (arguments->keywords[i].name == name) return arguments->keywords[i].value;
    return NULL;
}

const Node *arguments_keyword_node(const Arguments *arguments, Atom name) {
    for (int i = 0; i < arguments->keyword_count; i++)
        if (arguments->keywords[i].name == name) return arguments->keywords[i].node;
    return NULL;
}

Span evaluator_keyword_span(Evaluator *ev, const Keyword *keyword) {
    Span span = evaluator_span(ev, keyword->node);
    if (keyword->node && keyword->node->kind == NODE_keyword && keyword->name)
        span.end = span.start + (uint32_t)keyword->name->text.length;
    return span;
}
