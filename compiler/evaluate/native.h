/*
 * What a native module (Django, SQLAlchemy, datetime, …) uses to enter the evaluator: names,
 * classes, argument reading, exceptions, and the recording of executed queries.
 */
#ifndef ORMC_EVALUATE_NATIVE_H
#define ORMC_EVALUATE_NATIVE_H

#include "compiler/evaluate/value.h"
#include "compiler/query/statement.h"

/* ---- modules ---- */

typedef struct NativeModule {
    const char *name;                                  /* dotted: "django.db.models" */
    void (*setup)(Evaluator *ev, ModuleValue *module); /* run at first import */
} NativeModule;

/*
 * A family of native modules with common state. `free_names` lists modules whose names stand without
 * import in -e and batch. The tables end with a NULL name.
 */
typedef struct NativeFamily {
    const char *name; /* "django" */
    /* Its queries are sent by who reads them (querysets), not by a call. So a running program that builds one and ends
     * without reading it still has its rows shown. */
    bool is_lazy;
    const NativeModule *modules;
    const NativeModule *more_modules; /* a second table, may be NULL */
    const char *const *free_names;
    void *(*create_state)(Evaluator *ev); /* once an evaluator; see evaluator_state */
    /* After all model files are read: resolve lazy relations and the like. */
    bool (*models_loaded)(Evaluator *ev);
    /* A free-standing value that ends the text (batch's last expression, an unused queryset): execute it if it is a
     * query of this family. Returns false when it isn't one. */
    bool (*execute_value)(Evaluator *ev, Value *value, const Node *site);
    /*
     * A name that nothing binds (or a parameter without annotation) is used as `name.method(…)`: what it must be (an
     * AsyncSession where `execute` is awaited). Called once for each such method; NULL: no idea.
     */
    Value *(*guess_name)(Evaluator *ev, Atom name, Slice method, bool awaited, const Node *site);
    /* What an unknown turns out to be when this attribute of it is read (a free `session` whose `execute` is called);
     * NULL: nothing of this family. */
    Value *(*adopt_unknown)(Evaluator *ev, const UnknownValue *unknown, Atom attribute, const Node *site);
    /* DDL of all models of this family that the given sources define. */
    bool (*emit_schema)(Evaluator *ev, StatementList *out);
    /* These models as dicts, lists, strings, numbers, bools and None, for tools; NULL: the family has no such form. */
    ListValue *(*describe_models)(Evaluator *ev);
} NativeFamily;

void *evaluator_state(Evaluator *ev, const NativeFamily *family);
ModuleValue *evaluator_import(Evaluator *ev, const char *dotted_name); /* NULL: not known */
/*
 * The syntax of the given file `name`.py in the directory that holds the module's file or, where that is `folder` or
 * below it, in the one that holds `folder`; it is not run. NULL: no such file.
 */
const struct NodeModule *module_tree_beside(Evaluator *ev, const ModuleValue *module, const char *folder,
                                            const char *name);
void module_define(Evaluator *ev, ModuleValue *module, const char *name, Value *value);
void module_define_function(Evaluator *ev, ModuleValue *module, const char *name, NativeCall call);
/* All public names of another module. */
void module_define_all(Evaluator *ev, ModuleValue *module, ModuleValue *from);

/*
 * Evaluates Python text in the module: for native modules that are more easily said in Python. `name` stands in
 * diagnostics. Text and name live as long as the evaluator. False: it could not be evaluated.
 */
bool module_run_text(Evaluator *ev, ModuleValue *module, Slice name, Slice text);

/* ---- classes ---- */

typedef enum NativeMethodKind {
    NATIVE_METHOD,
    NATIVE_CLASSMETHOD,
    NATIVE_STATICMETHOD,
    NATIVE_PROPERTY
} NativeMethodKind;
typedef struct NativeMethod {
    const char *name; /* NULL ends a table */
    NativeCall call;  /* a property gets empty arguments */
    NativeMethodKind kind;
    void *data; /* evaluator_native_data() while the call runs */
} NativeMethod;
typedef struct NativeClass {
    const char *name;
    const Type *instance_type;   /* NULL: the base's */
    const NativeMethod *methods; /* may be NULL */
    Value *(*create)(Evaluator *ev, Class *cls, const Arguments *arguments);
    bool (*subclassed)(Evaluator *ev, Class *cls, const Arguments *class_keywords);
    Value *(*class_attribute)(Evaluator *ev, Class *cls, Atom name, const Node *site);
    Value *(*unknown_instance)(Evaluator *ev, Class *cls, Slice text, const Node *node);
    Value *(*unknown_of)(Evaluator *ev, Class *cls, Value *argument, Slice text, const Node *node);
} NativeClass;
/* Defines the class in the module. `base` NULL: object. */
Class *module_define_class(Evaluator *ev, ModuleValue *module, const NativeClass *spec, Class *base);
/* As a class statement would make it: for automatic through models and the like. */
Class *class_new(Evaluator *ev, Atom name, Atom module, Class *const *bases, int base_count);
Class *module_define_exception(Evaluator *ev, ModuleValue *module, const char *name, Class *base, DiagnosticCode code);
/*
 * Annotations of the class body, in order: `name: annotation [= value]`. Evaluating one gives its value (classes,
 * generic aliases); a name that is not bound yet (a forward reference) gives an unknown with that text.
 */
int class_annotation_count(const Class *cls);
Atom class_annotation_name(const Class *cls, int index);
const Node *class_annotation_node(const Class *cls, int index);
Value *class_annotation_evaluate(Evaluator *ev, const Class *cls, int index);
/* list[int]: origin list, arguments one or a tuple. X | Y, Optional[X]: the members. False where it is something else.
 */
bool value_alias_parts(const Value *value, Value **origin, Value **arguments);
bool value_union_parts(const Value *value, Value ***items, int *count);
/* A name as code of this module would look it up; NULL: not bound. */
Value *module_lookup(Evaluator *ev, ModuleValue *module, Atom name);
/* Members of an enum class, in order of definition, aliases left out. False: no enum class. */
bool class_is_enum(const Class *cls);
int enum_member_count(const Class *cls);
Value *enum_member(const Class *cls, int index);
Atom enum_member_name(const Value *member);
Value *enum_member_value(const Value *member);
bool value_is_enum_member(const Value *value);
/* Memory for an instance of `size` bytes that starts with Instance (or Value), zeroed, its head set. */
void *instance_allocate(Evaluator *ev, Class *cls, size_t size);
/* `data` of the NativeFunctionValue or NativeMethod that is being called. */
void *evaluator_native_data(Evaluator *ev);

/* ---- arguments ---- */

/*
 * Binds arguments to parameters by a format: names separated by spaces; "|" before the first that may be left out; "*"
 * before the first keyword-only; "*name"/"**name" take the rest (a tuple / a dict). One Value** per name; a missing
 * optional stays as it was (initialise with NULL). Raises TypeError as Python words it. Example: arguments_bind(ev, a,
 * "annotate", "to | on_delete * related_name", &to, &on_delete, &related_name)
 */
bool arguments_bind(Evaluator *ev, const Arguments *arguments, const char *function, const char *format, ...);
Value *arguments_keyword(const Arguments *arguments, Atom name); /* NULL: not given */
const Node *arguments_keyword_node(const Arguments *arguments, Atom name);
Span evaluator_span(Evaluator *ev, const Node *node);
/* Where a mistake in this expression stands: of a chain of calls the last one, of `rows[5]` the brackets. */
Span evaluator_mistake_span(Evaluator *ev, const Node *node);
/* The span of the keyword's name alone (`nam` in `filter(nam=1)`). */
Span evaluator_keyword_span(Evaluator *ev, const Keyword *keyword);

/* ---- exceptions ---- */

typedef enum ExceptionId {
    EXCEPTION_BASE,
    EXCEPTION_EXCEPTION,
    EXCEPTION_TYPE,
    EXCEPTION_VALUE,
    EXCEPTION_KEY,
    EXCEPTION_INDEX,
    EXCEPTION_ATTRIBUTE,
    EXCEPTION_NAME,
    EXCEPTION_IMPORT,
    EXCEPTION_ASSERTION,
    EXCEPTION_NOT_IMPLEMENTED,
    EXCEPTION_RUNTIME,
    EXCEPTION_RECURSION,
    EXCEPTION_OVERFLOW,
    EXCEPTION_ZERO_DIVISION,
    EXCEPTION_STOP_ITERATION,
    EXCEPTION_DATABASE,    /* the host's database has refused a statement */
    EXCEPTION_INTEGRITY,   /* … because of a constraint */
    EXCEPTION_OPERATIONAL, /* … which SQLite alone says of all other reasons */
    EXCEPTION_UNSUPPORTED, /* not Python's: ormc can't do this yet; no `except` catches it */
    EXCEPTION_LIMIT,       /* a limit of the evaluator */
    EXCEPTION_COUNT
} ExceptionId;
Class *evaluator_exception(Evaluator *ev, ExceptionId id);
/* From now on what is raised as `id` is caught as `cls` too: a family's own name for what a database refuses. */
void evaluator_exception_join(Evaluator *ev, ExceptionId id, Class *cls);
/* Raises; always returns NULL, so `return evaluator_raise(…)` works where a value is returned. An error pending already
 * is kept. */
void *evaluator_raise(Evaluator *ev, Class *exception, Span span, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
void *evaluator_raise_id(Evaluator *ev, ExceptionId id, const Node *node, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
/* Raises what follows from a mistake that was reported: it ends the statement and is not reported again. */
void *evaluator_raise_known(Evaluator *ev, const Node *node);
/* Adds "did you mean …" or other help to the pending error. */
void evaluator_raise_help(Evaluator *ev, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* The same, with the nearest to `name` among words separated by spaces, where one is near. */
void evaluator_raise_near(Evaluator *ev, Slice name, const char *words);
bool evaluator_error_pending(const Evaluator *ev);
/* Forgets the pending error and returns its exception class (NULL: none was pending). */
Class *evaluator_clear_error(Evaluator *ev);
/* An error that ends nothing: evaluation goes on. */
Diagnostic *evaluator_refuse(Evaluator *ev, DiagnosticCode code, Span span, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
Diagnostic *evaluator_warn(Evaluator *ev, DiagnosticCode code, Span span, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/*
 * An unknown stands where a model or a statement should, so that a query is lost: says so where the expression begins
 * with a name that nothing binds, or that comes from a module that was not given. False: nothing was to be said.
 */
/* The pending error as a diagnostic: what comes after it goes on. */
void evaluator_report_error(Evaluator *ev);
bool evaluator_report_unresolved(Evaluator *ev, const Value *unknown, const Node *site);

/* An error stands inside of this node, a class say: what it defines is not whole. */
bool evaluator_has_error_in(Evaluator *ev, const Node *node);
/* "an annotation that is not known here is left out", or the mistake that made it unknown (then NULL). The
 * warning may get a help line. A running program sends nothing that lacks a part: there an error is pending then. */
Diagnostic *evaluator_warn_left_out(Evaluator *ev, const Value *unknown, Span span, const char *what);
/* "keywords that are not known here are left out": the same of what `*given` and `**given` may bring. */
void evaluator_warn_open(Evaluator *ev, const Arguments *arguments, const char *what);
/* "a statement whose text is not known here is left out": the whole of it. */
void evaluator_leave_out(Evaluator *ev, const Node *site, const char *what);

/* Anything of the pending error that `raise` in Python code gave, or the instance that `except … as e` sees. */
Value *evaluator_error_value(Evaluator *ev);

/* ---- decisions (see branch.h) ---- */

/*
 * Which of `alternatives` (0 …) holds on the path that is being evaluated. 0 is the ordinary one; the others are
 * visited by evaluating the whole entry point again. Use it where the outcome of a query changes what happens next
 * (get_or_create: created or not). Outside symbolic evaluation always 0.
 */
int evaluator_decide(Evaluator *ev, const Node *site, int alternatives);

/* ---- surroundings ---- */

/* Classes of the builtin types, for value_is_instance and known_class: "str", "int", "datetime", "Decimal", "UUID", …
 */
Class *evaluator_builtin_class(Evaluator *ev, ValueKind kind);
Class *evaluator_object_class(Evaluator *ev);
/* The function whose body is being evaluated: NULL at module level. */
const FunctionValue *evaluator_function(const Evaluator *ev);
Arena *evaluator_arena(Evaluator *ev); /* of this compile; values made while models load live as long as the models */
AtomTable *evaluator_atoms(Evaluator *ev);
const struct Dialect *evaluator_dialect(Evaluator *ev);
/* Statement.inlined is wanted: EmitOptions.inline_literals. */
bool evaluator_inlines(const Evaluator *ev);
/* A schema begins with the tables of the family's own models that the program's refer to. */
bool evaluator_wants_referenced(const Evaluator *ev);
/* A setting given by --setting or by the project's settings module; NULL: not set. */
Value *evaluator_setting(Evaluator *ev, const char *name);
/* A setting that is a Python expression (datetime.timezone.utc), evaluated with the standard modules in reach. NULL:
 * not set, or no expression. */
Value *evaluator_setting_evaluated(Evaluator *ev, const char *name);
/* True while the rows of executed queries are really there (`ormc run`). */
/* execute_value is called for a value that the program only builds, or hands to code that is not known. */
bool evaluator_is_lazy(const Evaluator *ev);
bool evaluator_has_rows(const Evaluator *ev);

/* Evaluates one expression with the names of `module` in reach (a relationship's primaryjoin given as a string). */
Value *evaluator_evaluate_text(Evaluator *ev, Slice text, ModuleValue *module, const Node *site);

/* JSON text as Python values; NULL: it is none. */
Value *json_read_value(Evaluator *ev, Slice text);
/* False: something in it is unknown or no JSON. */
bool json_write_value(Evaluator *ev, Buffer *out, Value *value);

/* ---- executed queries ---- */

/*
 * Records one executed query: the statements that the ORM sends for it, in order, and gives them to the host.
 * The result is the rows of the statements where the host really runs them, NULL (no error pending) where rows are
 * unknown. `site` is the place that is reported, `source` the text that stands for the query (the whole chain).
 */
typedef struct ExecutionResult {
    struct RowSet *sets; /* one a statement */
    int count;
} ExecutionResult;
typedef struct RowSet {
    Slice *columns;
    int column_count;
    Value ***rows; /* rows[i][j]; Python values, as the driver gives them */
    int row_count;
    int64_t affected;
    int64_t last_insert_id;
} RowSet;
ExecutionResult *evaluator_execute(Evaluator *ev, const StatementList *statements, const Node *site);
/* The number that the next recorded execution gets: a later statement refers to its rows with it. */
int evaluator_execution_count(const Evaluator *ev);

#endif
