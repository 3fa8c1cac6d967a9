/*
 * Exceptions. Input: evaluator_raise from native code and `raise` in programs. Output: the pending
 * error, which an `except` takes or evaluator_report_error turns into a diagnostic.
 * Invariant: the first error pending is kept; whoever gets NULL or false from a generic operation passes it on.
 */
#include "compiler/evaluate/internal.h"

/* X(id, name, base, code): base -1 is BaseException's own (object). */
static const struct {
    const char *name;
    int base;
    int code;
} exception_facts[EXCEPTION_COUNT] = {
    [EXCEPTION_BASE] = {"BaseException", -1, CODE_VALUE_ERROR},
    [EXCEPTION_EXCEPTION] = {"Exception", EXCEPTION_BASE, CODE_VALUE_ERROR},
    [EXCEPTION_TYPE] = {"TypeError", EXCEPTION_EXCEPTION, CODE_TYPE_ERROR},
    [EXCEPTION_VALUE] = {"ValueError", EXCEPTION_EXCEPTION, CODE_VALUE_ERROR},
    [EXCEPTION_KEY] = {"KeyError", EXCEPTION_EXCEPTION, CODE_VALUE_ERROR},
    [EXCEPTION_INDEX] = {"IndexError", EXCEPTION_EXCEPTION, CODE_VALUE_ERROR},
    [EXCEPTION_ATTRIBUTE] = {"AttributeError", EXCEPTION_EXCEPTION, CODE_TYPE_ERROR},
    [EXCEPTION_NAME] = {"NameError", EXCEPTION_EXCEPTION, CODE_UNKNOWN_MODEL},
    [EXCEPTION_IMPORT] = {"ImportError", EXCEPTION_EXCEPTION, CODE_VALUE_ERROR},
    [EXCEPTION_ASSERTION] = {"AssertionError", EXCEPTION_EXCEPTION, CODE_VALUE_ERROR},
    [EXCEPTION_NOT_IMPLEMENTED] = {"NotImplementedError", EXCEPTION_EXCEPTION, CODE_NOT_SUPPORTED},
    [EXCEPTION_RUNTIME] = {"RuntimeError", EXCEPTION_EXCEPTION, CODE_VALUE_ERROR},
    [EXCEPTION_RECURSION] = {"RecursionError", EXCEPTION_EXCEPTION, CODE_VALUE_ERROR},
    [EXCEPTION_OVERFLOW] = {"OverflowError", EXCEPTION_EXCEPTION, CODE_VALUE_ERROR},
    [EXCEPTION_ZERO_DIVISION] = {"ZeroDivisionError", EXCEPTION_EXCEPTION, CODE_VALUE_ERROR},
    [EXCEPTION_STOP_ITERATION] = {"StopIteration", EXCEPTION_EXCEPTION, CODE_VALUE_ERROR},
    [EXCEPTION_DATABASE] = {"DatabaseError", EXCEPTION_EXCEPTION, CODE_DATABASE_ERROR},
    [EXCEPTION_INTEGRITY] = {"IntegrityError", EXCEPTION_DATABASE, CODE_DATABASE_ERROR},
    [EXCEPTION_OPERATIONAL] = {"OperationalError", EXCEPTION_DATABASE, CODE_DATABASE_ERROR},
    [EXCEPTION_UNSUPPORTED] = {"Unsupported", -1, CODE_UNSUPPORTED},
    [EXCEPTION_LIMIT] = {"Limit", -1, CODE_LIMIT},
};

/* Further names of builtins, so that programs can name them: name, base. */
static const struct {
    const char *name;
    int base;
} further_exceptions[] = {
    {"LookupError", EXCEPTION_EXCEPTION},
    {"ArithmeticError", EXCEPTION_EXCEPTION},
    {"OSError", EXCEPTION_EXCEPTION},
    {"IOError", EXCEPTION_EXCEPTION},
    {"PermissionError", EXCEPTION_EXCEPTION},
    {"FileNotFoundError", EXCEPTION_EXCEPTION},
    {"TimeoutError", EXCEPTION_EXCEPTION},
    {"ConnectionError", EXCEPTION_EXCEPTION},
    {"UnicodeDecodeError", EXCEPTION_VALUE},
    {"UnicodeError", EXCEPTION_VALUE},
    {"ModuleNotFoundError", EXCEPTION_IMPORT},
    {"KeyboardInterrupt", EXCEPTION_BASE},
    {"SystemExit", EXCEPTION_BASE},
    {"StopAsyncIteration", EXCEPTION_EXCEPTION},
    {"Warning", EXCEPTION_EXCEPTION},
    {"UserWarning", EXCEPTION_EXCEPTION},
    {"DeprecationWarning", EXCEPTION_EXCEPTION},
};

static Value *exception_create(Evaluator *ev, Class *cls, const Arguments *arguments) {
    Instance *instance = instance_allocate(ev, cls, sizeof(Instance));
    atom_map_set(&instance->attributes, ev->names.args, value_tuple(ev, arguments->items, arguments->count));
    return &instance->head;
}

static Value *exception_text(Evaluator *ev, Value *self, const Arguments *arguments) {
    Value *args = instance_get(self, ev->names.args);
    if (!args || !value_is(args, VALUE_TUPLE) || !((ListValue *)args)->count) return value_string(ev, SLICE(""));
    ListValue *list = (ListValue *)args;
    return value_str(ev, list->count == 1 ? list->items[0] : args, arguments->site);
}

static const NativeMethod exception_methods[] = {{"__str__", exception_text, NATIVE_METHOD, NULL}, {0}};

void errors_setup(Evaluator *ev) {
    ModuleValue *builtins = ev->builtins.module;
    for (int i = 0; i < EXCEPTION_COUNT; i++) {
        int base = exception_facts[i].base;
        Class *made = module_define_exception(ev, builtins, exception_facts[i].name,
                                              base < 0 ? ev->builtins.object : ev->builtins.exceptions[base],
                                              (DiagnosticCode)exception_facts[i].code);
        made->create = exception_create;
        ev->builtins.exceptions[i] = made;
        if (base < 0) class_define_methods(ev, made, exception_methods);
    }
    for (size_t i = 0; i < sizeof further_exceptions / sizeof *further_exceptions; i++) {
        Class *base = ev->builtins.exceptions[further_exceptions[i].base];
        module_define_exception(ev, builtins, further_exceptions[i].name, base, (DiagnosticCode)base->code);
    }
}

Class *module_define_exception(Evaluator *ev, ModuleValue *module, const char *name, Class *base, DiagnosticCode code) {
    if (!base) base = ev->builtins.exceptions[EXCEPTION_EXCEPTION];
    Class *cls = class_new(ev, evaluator_atom(ev, name), module->name, &base, 1);
    cls->code = code;
    cls->defined_in = module;
    module_define(ev, module, name, &cls->head);
    return cls;
}

Class *evaluator_exception(Evaluator *ev, ExceptionId id) { return ev->builtins.exceptions[id]; }

void evaluator_exception_join(Evaluator *ev, ExceptionId id, Class *cls) {
    Class *bases[2] = {cls, ev->builtins.exceptions[id]};
    Class *made = class_new(ev, cls->name, cls->module, bases, 2);
    made->code = bases[1]->code;
    evaluator_touch(ev, &ev->builtins.exceptions[id], sizeof ev->builtins.exceptions[id]);
    ev->builtins.exceptions[id] = made;
}

static void *raise_list(Evaluator *ev, Class *exception, Span span, const char *format, va_list arguments) {
    if (ev->error.pending) return NULL;
    ev->error = (ErrorState){.pending = true, .exception = exception, .span = span};
    ev->error.message = slice_format_list(ev->arena, format, arguments);
    return NULL;
}

void *evaluator_raise(Evaluator *ev, Class *exception, Span span, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    raise_list(ev, exception, span, format, arguments);
    va_end(arguments);
    return NULL;
}

Span evaluator_mistake_span(Evaluator *ev, const Node *node) {
    if (node && node->kind == NODE_Await) node = NODE_AS(Await, node)->value;
    Span span = evaluator_span(ev, node);
    if (!node || !span.source) return span;
    if (node->kind == NODE_Call && NODE_AS(Call, node)->func->kind == NODE_Attribute)
        span.start = (uint32_t)NODE_AS(Attribute, NODE_AS(Call, node)->func)->attr_start;
    if (node->kind == NODE_Subscript) {
        uint32_t at = NODE_AS(Subscript, node)->slice->start;
        while (at > span.start && span.source->text.start[at] != '[') at--;
        span.start = at;
    }
    return span;
}

void *evaluator_raise_id(Evaluator *ev, ExceptionId id, const Node *node, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    raise_list(ev, ev->builtins.exceptions[id], evaluator_mistake_span(ev, node), format, arguments);
    va_end(arguments);
    return NULL;
}

void *evaluator_raise_known(Evaluator *ev, const Node *node) {
    evaluator_raise_id(ev, EXCEPTION_NAME, node, "a name is not known");
    ev->error.infeasible = true;
    return NULL;
}

void evaluator_raise_help(Evaluator *ev, const char *format, ...) {
    if (!ev->error.pending) return;
    va_list arguments;
    va_start(arguments, format);
    ev->error.help = slice_format_list(ev->arena, format, arguments);
    va_end(arguments);
}

void evaluator_raise_near(Evaluator *ev, Slice name, const char *words) {
    Suggestion near = suggestion_start(name);
    for (size_t length; *words; words += length + strspn(words + length, " ")) {
        length = strcspn(words, " ");
        suggestion_offer(&near, (Slice){words, length});
    }
    if (suggestion_found(&near)) evaluator_raise_help(ev, "did you mean '%.*s'?", SLICE_ARGS(near.best));
}

bool evaluator_error_pending(const Evaluator *ev) { return ev->error.pending; }

Class *evaluator_clear_error(Evaluator *ev) {
    Class *exception = ev->error.pending ? ev->error.exception : NULL;
    ev->error = (ErrorState){0};
    return exception;
}

Value *evaluator_error_value(Evaluator *ev) {
    ErrorState *error = &ev->error;
    if (!error->pending) return NULL;
    if (!error->instance) {
        Instance *instance = instance_allocate(ev, error->exception, sizeof(Instance));
        Value *text = value_string(ev, error->message);
        instance_set(ev, &instance->head, ev->names.args, value_tuple(ev, &text, 1));
        error->instance = &instance->head;
    }
    return error->instance;
}

/* `raise X` or `raise X(…)`. */
void evaluator_raise_value(Evaluator *ev, Value *exception, const Node *site) {
    if (ev->error.pending) return;
    if (value_is(exception, VALUE_CLASS)) {
        exception = value_call_with(ev, exception, NULL, 0, site);
        if (!exception) return;
    }
    if (!value_is_instance(exception, ev->builtins.exceptions[EXCEPTION_BASE])) {
        if (value_is_unknown(exception)) {
            ev->error = (ErrorState){.pending = true,
                                     .explicit_raise = true,
                                     .exception = ev->builtins.exceptions[EXCEPTION_EXCEPTION],
                                     .message = ((UnknownValue *)exception)->text,
                                     .span = evaluator_span(ev, site)};
            return;
        }
        evaluator_raise_id(ev, EXCEPTION_TYPE, site, "exceptions must derive from BaseException");
        return;
    }
    Value *text = value_str(ev, exception, site);
    Slice message = text && value_is(text, VALUE_STRING) ? value_text(text) : exception->cls->name->text;
    ev->error = (ErrorState){.pending = true,
                             .explicit_raise = true,
                             .exception = exception->cls,
                             .instance = exception,
                             .message = message,
                             .span = evaluator_span(ev, site)};
}

static bool error_is(const Evaluator *ev, const Value *cls) {
    if (!value_is(cls, VALUE_CLASS)) return false;
    const Class *wanted = (const Class *)cls;
    if (class_is_subclass(ev->error.exception, wanted)) return true;
    /* LookupError stands above KeyError and IndexError, OverflowError's parent is ArithmeticError: by name, for they
     * carry no code of their own */
    if (slice_equals_text(wanted->name->text, "LookupError"))
        return class_is_subclass(ev->error.exception, ev->builtins.exceptions[EXCEPTION_KEY]) ||
               class_is_subclass(ev->error.exception, ev->builtins.exceptions[EXCEPTION_INDEX]);
    if (slice_equals_text(wanted->name->text, "ArithmeticError"))
        return class_is_subclass(ev->error.exception, ev->builtins.exceptions[EXCEPTION_OVERFLOW]) ||
               class_is_subclass(ev->error.exception, ev->builtins.exceptions[EXCEPTION_ZERO_DIVISION]);
    return false;
}

bool error_matches(Evaluator *ev, Value *classes) {
    if (!value_is(classes, VALUE_TUPLE)) return error_is(ev, classes);
    const ListValue *list = (const ListValue *)classes;
    for (int i = 0; i < list->count; i++)
        if (error_is(ev, list->items[i])) return true;
    return false;
}

void error_doubt(Evaluator *ev, const Value *culprit) {
    if (!ev->path.count || !ev->error.pending) return;
    if (culprit && (value_is(culprit, VALUE_NATIVE) || value_is(culprit, VALUE_CLASS))) return;
    ev->error.infeasible = true;
}

static bool list_has_error_in(const DiagnosticList *list, Span span) {
    for (int i = diagnostics_from(list, span.source, span.start); i < list->count; i++) {
        const Diagnostic *known = &list->items[list->by_place[i]];
        if (known->span.source != span.source || known->span.start > span.end) return false;
        if (known->severity == SEVERITY_ERROR && known->span.end <= span.end &&
            (known->code == CODE_SYNTAX_ERROR || known->span.start > span.start || known->span.end < span.end))
            return true;
    }
    return false;
}

bool evaluator_has_error_in(Evaluator *ev, const Node *node) {
    Span span = evaluator_span(ev, node);
    return list_has_error_in(&ev->load_diagnostics, span) || list_has_error_in(&ev->diagnostics, span);
}

/* Turns the pending error into a diagnostic, unless it tells of no mistake: that of a whole class follows from that of
 * an attribute in it. */
void evaluator_report_error(Evaluator *ev) {
    ErrorState error = ev->error;
    ev->error = (ErrorState){0};
    if (!error.pending || error.infeasible || list_has_error_in(ev->reporting, error.span)) return;
    if (list_has_error_in(&ev->diagnostics, error.span) || list_has_error_in(&ev->load_diagnostics, error.span)) return;
    if (error.explicit_raise && (evaluator_symbolic(ev) || ev->loading)) return;
    int code = error.exception->code < 0 ? CODE_VALUE_ERROR : error.exception->code;
    Diagnostic *added = diagnostics_add(ev->reporting, (DiagnosticCode)code, SEVERITY_ERROR, error.span, "%.*s",
                                        SLICE_ARGS(error.message));
    if (error.help.length) added->help = slice_copy(ev->reporting->arena, error.help);
}

Diagnostic *evaluator_refuse(Evaluator *ev, DiagnosticCode code, Span span, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    Slice text = slice_format_list(ev->arena, format, arguments);
    va_end(arguments);
    return diagnostics_add(ev->reporting, code, SEVERITY_ERROR, span, "%.*s", SLICE_ARGS(text));
}

Diagnostic *evaluator_warn(Evaluator *ev, DiagnosticCode code, Span span, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    Slice text = slice_format_list(ev->arena, format, arguments);
    va_end(arguments);
    return diagnostics_add(ev->reporting, code, SEVERITY_WARNING, span, "%.*s", SLICE_ARGS(text));
}
