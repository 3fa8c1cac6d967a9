/* The default templates, the look-up, and the names of ids. See templates.h. */
#include "compiler/query/templates.h"

static const char *const function_defaults[] = {
    [FUNCTION_NONE] = "!this function has no meaning",
#define F(name, text) [FUNCTION_##name] = text,
#include "compiler/query/function_ids.def"
#undef F
};

static const char *const operator_defaults[] = {
#define O(name, text) [OPERATOR_##name] = text,
#include "compiler/query/operator_ids.def"
#undef O
};

static const char *const function_names[] = {
    [FUNCTION_NONE] = "NONE",
#define F(name, text) [FUNCTION_##name] = #name,
#include "compiler/query/function_ids.def"
#undef F
};

static const char *const operator_names[] = {
#define O(name, text) [OPERATOR_##name] = #name,
#include "compiler/query/operator_ids.def"
#undef O
};

const char *template_of_function(const Dialect *dialect, FunctionId id) {
    const char *own = dialect->function_templates[id];
    return own ? own : function_defaults[id];
}

const char *template_of_operator(const Dialect *dialect, OperatorId id) {
    const char *own = dialect->operator_templates[id];
    return own ? own : operator_defaults[id];
}

const char *function_name(FunctionId id) { return function_names[id]; }
const char *operator_name(OperatorId id) { return operator_names[id]; }
