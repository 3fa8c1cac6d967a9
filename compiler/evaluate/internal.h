/*
 * What the files of this folder share: the Evaluator itself, frames and scopes, and the entry of each
 * part. Nothing outside compiler/evaluate/ includes it.
 */
#ifndef ORMC_EVALUATE_INTERNAL_H
#define ORMC_EVALUATE_INTERNAL_H

#include "compiler/evaluate/branch.h"
#include "compiler/evaluate/evaluator.h"
#include "compiler/evaluate/pairs.h"

/* X(member, Python's name): names that the evaluator itself asks for. */
#define EVALUATOR_NAMES(X)                                                                                             \
    X(init, "__init__")                                                                                                \
    X(new_, "__new__")                                                                                                 \
    X(name, "__name__")                                                                                                \
    X(qualname, "__qualname__")                                                                                        \
    X(module, "__module__")                                                                                            \
    X(doc, "__doc__")                                                                                                  \
    X(dict, "__dict__")                                                                                                \
    X(class_, "__class__")                                                                                             \
    X(mro, "__mro__")                                                                                                  \
    X(bases, "__bases__")                                                                                              \
    X(file, "__file__")                                                                                                \
    X(all, "__all__")                                                                                                  \
    X(call, "__call__")                                                                                                \
    X(getattr, "__getattr__")                                                                                          \
    X(getitem, "__getitem__")                                                                                          \
    X(setitem, "__setitem__")                                                                                          \
    X(class_getitem, "__class_getitem__")                                                                              \
    X(init_subclass, "__init_subclass__")                                                                              \
    X(set_name, "__set_name__")                                                                                        \
    X(iter, "__iter__")                                                                                                \
    X(next, "__next__")                                                                                                \
    X(len, "__len__")                                                                                                  \
    X(bool_, "__bool__")                                                                                               \
    X(str, "__str__")                                                                                                  \
    X(repr, "__repr__")                                                                                                \
    X(get, "__get__")                                                                                                  \
    X(set, "__set__")                                                                                                  \
    X(enter, "__enter__")                                                                                              \
    X(exit, "__exit__")                                                                                                \
    X(aenter, "__aenter__")                                                                                            \
    X(aexit, "__aexit__")                                                                                              \
    X(aiter, "__aiter__")                                                                                              \
    X(post_init, "__post_init__")                                                                                      \
    X(args, "args")                                                                                                    \
    X(self, "self")
typedef struct Names {
#define X(member, text) Atom member;
    EVALUATOR_NAMES(X)
#undef X
} Names;

/* Classes of the builtin types, by ValueKind, and the exceptions by ExceptionId. */
typedef struct Builtins {
    Class *object, *type;
    Class *kinds[VALUE_NATIVE + 1];
    Class *exceptions[EXCEPTION_COUNT];
    Class *frozenset, *alias, *union_, *super_;
    Value *none, *true_, *false_, *ellipsis, *not_implemented;
    Value *utc;
    Value *small[260]; /* integers from -3 on */
    ModuleValue *module;
} Builtins;

typedef enum ScopeKind { SCOPE_MODULE, SCOPE_CLASS, SCOPE_FUNCTION, SCOPE_COMPREHENSION } ScopeKind;
typedef struct Scope {
    ScopeKind kind;
    AtomMap *names; /* own, or the module's */
    AtomMap own;
    struct Scope *parent; /* where a name is looked up next */
    ModuleValue *module;
    FunctionValue *function;
    Atom *globals, *nonlocals; /* declared in this function */
    int global_count, nonlocal_count;
} Scope;

typedef enum Flow { FLOW_NEXT, FLOW_BREAK, FLOW_CONTINUE, FLOW_RETURN, FLOW_RAISE } Flow;

/* What happens at a `yield`: the item is collected, or the body of the `with` or `for` that drives the generator runs.
 */
typedef struct YieldTarget {
    Flow (*yielded)(Evaluator *ev, struct YieldTarget *target, Value *value);
    void *data;
    struct Frame *frame; /* the consumer's */
    Flow flow;           /* how the consumer's body ended */
    bool used;
} YieldTarget;

typedef struct Frame {
    Scope *scope;
    FunctionValue *function; /* NULL: module or class body */
    struct Frame *caller;
    Value *returned;
    const Node *return_site;
    ListValue *yields;
    YieldTarget *target;
    int decisions;   /* met on this path before the call */
    Value *handling; /* the exception that the handler being run has caught */
} Frame;

/* An enclosing `try` with handlers (or a `with suppress`): asked whether an error will be caught. */
typedef struct TryFrame {
    const Nodes *handlers;
    Frame *frame;
    struct TryFrame *outer;
    int execution_start; /* executions before the body */
    int decided;         /* which handler this path enters: 0 none, else its number from 1 */
    bool everything;     /* suppresses whatever comes */
} TryFrame;

typedef struct ErrorState {
    bool pending;
    bool explicit_raise; /* by a raise statement of the program */
    bool infeasible;     /* this path can't happen: nothing to report */
    Class *exception;
    Value *instance;
    Slice message, help;
    Span span;
} ErrorState;

typedef struct JournalEntry {
    void *memory;
    void *old;
    size_t size;
} JournalEntry;

typedef struct Decision {
    const Node *site;
    int alternatives, taken;
} Decision;

/* A fact about an unknown that a decision of this path has settled: `unknown op value` is `outcome`. */
typedef struct Fact {
    const Value *unknown;
    Value *other;
    int op;
    bool outcome;
} Fact;

typedef struct PathState {
    bool exploring;
    bool lasting; /* a module's body, for those that import it: what it leaves stays */
    Decision *items;
    int count, capacity;
    const int *forced;
    int forced_count;
    Fact *facts;
    int fact_count, fact_capacity;
} PathState;

typedef struct ProgramSource {
    Source *source;
    SourceRole role;
    Slice label;
    Slice *parts; /* path components without the suffix: "shop", "models" */
    int part_count;
    bool is_package;
    NodeModule *tree;
    ModuleValue *module;             /* NULL until it is imported */
    bool decides, executes;          /* its own body, when it ran */
    int top;                         /* leading parts that stand above its package */
    struct ProgramSource *same_part; /* another file whose dotted name ends with the same part */
} ProgramSource;

typedef struct FamilyState {
    const NativeFamily *family;
    void *state;
} FamilyState;

/* A name that a module in the middle of its import (a circle) did not have yet: filled in when the module ends. */
typedef struct LateImport {
    const ModuleValue *module;
    Atom name;
    UnknownValue *unknown;
    struct LateImport *next;
} LateImport;

typedef struct NamedValue {
    Slice name;
    Value *value;
} NamedValue;

/* A variable's value that may be a query nobody executes. */
typedef struct PendingValue {
    Atom name;
    Value *value;
    const Node *site;
} PendingValue;

/* Classes of a module by their names without case and underscores. */
typedef struct ClassNames {
    SliceMap classes;
    int seen; /* names of the module that are in it */
} ClassNames;

/* A function or class that a program source defines. */
typedef struct EntryPoint {
    FunctionValue *function; /* or */
    Class *cls;
    ModuleValue *module;
} EntryPoint;

struct Evaluator {
    bool inlined;    /* statements carry their literals too */
    bool referenced; /* a schema has the tables that the models refer to */
    Arena lasting, scratch;
    Arena keep;   /* what outlives a path: diagnostics, book-keeping of the compile */
    Arena *arena; /* the current one of lasting and scratch */
    /* One table for all: native modules are set up at their first import, when the text has been read already. */
    AtomTable atom_table, *atoms;
    Names names;
    Builtins builtins;
    EvaluatorLimits limits;

    FamilyState *families;
    int family_count;
    AtomMap native_modules; /* name -> NativeModuleEntry */
    AtomMap native_loaded;  /* name -> ModuleValue; never undone */
    AtomMap packages;       /* name -> ModuleValue of packages that only hold known modules */
    AtomMap free_names;     /* what stands without import in -e and batch */
    bool free_names_ready;
    ModuleValue *text_module; /* of -e and batch: the free names stand in it */

    ProgramSource **programs;
    int program_count, program_capacity;
    int programs_indexed; /* how many of them the next two tell about */
    AtomMap programs_by_part;
    bool changes_path;      /* some file changes sys.path */
    const Source **sources; /* by Source.number */
    int source_count, source_capacity;
    int lasting_source_count;
    const Source **lasting_sources; /* the arrays as loading left them: a compile grows copies in scratch memory */
    NamedValue *lasting_settings;
    LateImport *late_imports;
    ModuleValue **imported;
    int imported_count, imported_capacity;

    NamedValue *settings;
    int setting_count, setting_capacity, lasting_setting_count;
    AtomMap set_names;                   /* --set */
    AtomMap asked_names, asked_settings; /* bool: whether anything has asked for what was set */

    const struct Dialect *dialect, *load_dialect;
    EvaluatorHost host;
    Slice engine_dialect;

    Frame *frame;
    TryFrame *tries;
    const void *native_data;
    ErrorState error;
    int depth;                 /* calls of user functions under way */
    int expression_depth;      /* of C recursion */
    int loop_unknown;          /* nesting of loops over unknown rows */
    int64_t steps, step_limit; /* of the entry point that is explored */
    bool steps_given;          /* the limit is the caller's: it does not grow with the text */
    size_t program_size;       /* bytes of all program sources */
    bool limit_reported, limit_quiet;
    bool interactive; /* stop at the first error */
    bool loading;

    bool journaling;
    JournalEntry *journal;
    int journal_count, journal_capacity;
    PathState path;
    int decision_total; /* decisions met on this path, also unexplored ones */

    Execution **canonical; /* number -> the execution that is reported for it */
    int execution_count, execution_capacity;
    Execution *trace_first;
    int trace_count;  /* grows with each execution that is reported, or reported better */
    int trace_within; /* of these, those of modules that the module under way imported */

    PairMap called;        /* (definition, class) of functions that other code of the program calls */
    PairMap covered;       /* (definition, 0): … that a module body calls, with arguments that are known therefore */
    PendingValue *pending; /* what variables hold that nobody has read yet */
    int pending_count, pending_capacity;
    Execution **buckets; /* reported executions by place */
    int bucket_count;    /* a power of two; 0: none yet */
    Execution *path_anchor, *trace_tail;
    int path_number;
    bool recording_lazy, trace_ready; /* `trace` is of all executions so far */
    Trace trace;
    const Node *entry_node; /* the function that is evaluated as an entry point */
    const Class *entry_class;
    const Node *return_site;
    EntryPoint *entries;
    int entry_count, entry_capacity;
    PairMap entry_bases;     /* (class, 0): another class among the entries derives from it */
    PairMap entry_places;    /* (definition, 0) -> its number in `entries` from 0 */
    PairMap idle_runs;       /* (definition, 0) -> how many classes' methods of it have executed nothing */
    ClassNames *class_names; /* of modules, as variables would be called */
    int class_names_count, class_names_capacity;
    PairMap class_names_of; /* (module, 0) -> its number there */

    DiagnosticList load_diagnostics, diagnostics;
    DiagnosticList *reporting;
};

/* ---- evaluator.c, branch.c ---- */
Slice evaluator_node_text(Evaluator *ev, const Node *node);
void evaluator_register_source(Evaluator *ev, Source *source);
Atom evaluator_atom(Evaluator *ev, const char *text);
/* What --set gives a name; NULL: nothing. */
Value *evaluator_given_value(Evaluator *ev, Atom name);
void evaluator_begin_steps(Evaluator *ev, size_t text_size);
bool evaluator_step(Evaluator *ev, const Node *site); /* counts; false: a limit was reached, raised */
bool evaluator_symbolic(const Evaluator *ev);         /* paths are being explored */

/* ---- journal ---- */
void namespace_set(Evaluator *ev, AtomMap *map, Atom key, void *value);
bool namespace_remove(Evaluator *ev, AtomMap *map, Atom key);

/* ---- error.c ---- */
void errors_setup(Evaluator *ev);
void evaluator_raise_value(Evaluator *ev, Value *exception, const Node *site);
/* A plain Python mistake on a path that decisions led to: the program may know why this path can't be; not reported. */
void error_doubt(Evaluator *ev, const Value *culprit);
bool error_matches(Evaluator *ev, Value *classes);

/* ---- class.c, class_statement.c ---- */
Value *class_get_attribute(Evaluator *ev, Class *cls, Atom name, const Node *site); /* NULL: none, or raised */
Value *class_call(Evaluator *ev, Class *cls, const Arguments *arguments);
Value *class_bind(Evaluator *ev, Value *attribute, Value *self, Class *cls, const Node *site);
Value *super_get_attribute(Evaluator *ev, Value *super, Atom name, const Node *site);
Value *value_super(Evaluator *ev, Class *start, Value *self);
Class *class_from_statement(Evaluator *ev, const NodeClassDef *node);
Value *value_unknown_instance(Evaluator *ev, Class *cls, Slice text, const Node *node);
bool class_is_user(const Class *cls);
bool class_is_plain(const Class *cls); /* a program's class that no native module has a say in */
extern const Type open_instance_type;

/* ---- function.c ---- */
Value *function_new(Evaluator *ev, const Node *node, Atom name);
Value *function_call(Evaluator *ev, FunctionValue *function, Value *self, const Arguments *arguments);
Value *function_run(Evaluator *ev, FunctionValue *function, Scope *scope, YieldTarget *target, const Node *site);
Scope *function_entry_scope(Evaluator *ev, FunctionValue *function, Value *self);
const Nodearguments *function_parameters(const FunctionValue *function);
Value *function_decorate(Evaluator *ev, Value *decorator, Value *decorated, const Node *site);
Scope *scope_new(Evaluator *ev, ScopeKind kind, Scope *parent, ModuleValue *module);
Flow generator_run(Evaluator *ev, Value *generator_context, YieldTarget *target, const Node *site);
bool value_is_generator_context(const Value *value);
Value *value_generator_context(Evaluator *ev, Value *function, Value *self, const Arguments *arguments);

/* ---- expression.c, comprehension.c ---- */
Value *evaluate(Evaluator *ev, const Node *node);
Value *scope_lookup(Evaluator *ev, Scope *scope, Atom name);
Value *evaluate_comprehension(Evaluator *ev, const Node *node);
Value *evaluate_annotation(Evaluator *ev, const Node *node);
Value *evaluate_text(Evaluator *ev, Slice text, const Node *site, Scope *scope);

/* ---- statement.c, embedded.c, protect.c, standard.c, match.c, import.c ---- */
Flow execute_body(Evaluator *ev, const Nodes *body);
bool assign_target(Evaluator *ev, const Node *target, Value *value);
/* An unknown that text inside the library has named is called as the program's own target. */
Value *embedded_renamed(Evaluator *ev, Value *value, const Node *target);
void scope_assign(Evaluator *ev, Scope *scope, Atom name, Value *value);
Value *evaluate_or_unknown(Evaluator *ev, const Node *node);
bool try_fires(Evaluator *ev, bool ended);
bool value_is_suppress(const Value *value);
Flow execute_match(Evaluator *ev, const NodeMatch *node);
Flow execute_try(Evaluator *ev, const NodeTry *node);
Flow execute_with(Evaluator *ev, const NodeWith *node);
Flow execute_import(Evaluator *ev, const NodeImport *node);
Flow execute_import_from(Evaluator *ev, const NodeImportFrom *node);

/* ---- operators.c, containers, strings, numbers ---- */
Value *builtin_binary(Evaluator *ev, Operator op, Value *left, Value *right, const Node *site);
int value_order(Evaluator *ev, Value *left, Value *right, bool *comparable); /* < 0, 0, > 0 */
Value *value_format(Evaluator *ev, Value *value, Slice spec, const Node *site);
Value *string_percent(Evaluator *ev, Value *format, Value *arguments, const Node *site);
Value *sequence_index(Evaluator *ev, Value *self, Value *key, const Node *site);
bool value_sort(Evaluator *ev, ListValue *list, Value *key, bool reverse, const Node *site);
size_t text_characters(Slice text);
size_t text_offset(Slice text, size_t character);
const char *type_label(const Value *value);
extern const Type *const builtin_types[VALUE_NATIVE + 1];
void repr_text(Buffer *out, Slice text, bool bytes);

void trace_flush_pending(Evaluator *ev);
void execute_escaping(Evaluator *ev, Value *value, const Node *site, int depth);

/* ---- unknown.c, operations.c ---- */
/* The place of a wrong attribute: its name, behind the dot. */
Span attribute_span(Evaluator *ev, const Node *site);
extern const Type undefined_origin; /* of a name that nothing binds */
extern const Type reported_origin;  /* of one that a diagnostic tells of */
extern const Type import_origin;    /* of a name from a module that is not known */

/* The origin of an unknown that a comparison gave: what deciding it settles. */
typedef struct Comparison {
    CompareOperator op;
    Value *left, *right;
} Comparison;
extern const Type comparison_origin;
void unknown_set_attribute(Evaluator *ev, UnknownValue *self, Atom name, Value *value);
Value *unknown_get_attribute(Evaluator *ev, UnknownValue *self, Atom name, const Node *site);
Value *unknown_call(Evaluator *ev, Value *callee, const Arguments *arguments);
Value *unknown_get_item(Evaluator *ev, UnknownValue *self, Value *key, const Node *site);
Value *unknown_element(Evaluator *ev, UnknownValue *self, const Node *site);
Value *unknown_iterate(Evaluator *ev, UnknownValue *self, const Node *site);
Value *unknown_free_name(Evaluator *ev, Atom name, const Node *within, const Node *site);
Value *unknown_result(Evaluator *ev, const Node *site, Class *known);
Value *unknown_binary(Evaluator *ev, Operator op, Value *left, Value *right, const Node *site);
Value *unknown_compare(Evaluator *ev, CompareOperator op, Value *left, Value *right, const Node *site);
Value *unknown_contains(Evaluator *ev, Value *container, Value *item, bool negated, const Node *site);
Value *unknown_choose_item(Evaluator *ev, DictValue *dict, Value *key, const Node *site);
Value *value_alias(Evaluator *ev, Value *origin, Value *arguments);
Value *value_union(Evaluator *ev, Value *left, Value *right);
Class *unknown_class(const Value *value); /* NULL: not known */

/* ---- python_attributes.c ---- */
bool python_has_attribute(Slice cls, Slice name);

/* ---- program.c ---- */
void program_split_name(Evaluator *ev, ProgramSource *program);
Slice program_label(const ProgramSource *program);
Slice program_module_name(Evaluator *ev, const ProgramSource *program);
ProgramSource *program_find(Evaluator *ev, Slice dotted, const ProgramSource *from); /* NULL: no file of the program */
ProgramSource *program_find_relative(Evaluator *ev, const ProgramSource *from, int level, Slice name);

/* ---- import.c, evaluator.c ---- */
ModuleValue *program_import(Evaluator *ev, ProgramSource *program);
void imports_complete(Evaluator *ev, const ModuleValue *module); /* its body has ended */
/* Sets up the native modules that the statements import, before anything is journaled. */
void imports_preload(Evaluator *ev, const Nodes *body);
ProgramSource *program_of_module(Evaluator *ev, const ModuleValue *module);

/* ---- unresolved.c ---- */
/* A running program can't go on without this value: raises. */
void evaluator_refuse_unknown(Evaluator *ev, Slice text, Span span);
/* The module has no such name, or not yet: says so where that is certain (false: it isn't). `site` is the attribute, or
 * the alias of an import, which calls the module `imported_as`. */
bool module_report_missing(Evaluator *ev, const ModuleValue *module, Slice imported_as, Atom name, const Node *site);

/* ---- trace.c, class.c ---- */
void trace_begin_path(Evaluator *ev);
bool execute_lazy(Evaluator *ev, Value *value, const Node *site, bool lazy);
void trace_note_call(Evaluator *ev, const FunctionValue *function, const Value *self);
bool trace_is_covered(const Evaluator *ev, const Node *definition);
/* A variable is read: what it holds is no forgotten query. */
/* Whether native code may take `self` for an instance of the class that the method belongs to. */
bool native_accepts(const NativeFunctionValue *function, const Value *self);
void trace_note_load(Evaluator *ev, Scope *scope, Atom name);
void trace_note_assign(Evaluator *ev, Scope *scope, Atom name, Value *value, const Node *site);

/* ---- entries.c: functions and methods as entry points ---- */
void entry_note(Evaluator *ev, FunctionValue *function);
void entry_note_class(Evaluator *ev, Class *cls);
void entries_run(Evaluator *ev, ProgramSource *program);

/* ---- builtins ---- */
void builtins_setup(Evaluator *ev);
void strings_setup(Evaluator *ev);
void containers_setup(Evaluator *ev);
void numbers_setup(Evaluator *ev);
void datetimes_setup(Evaluator *ev);
void decimals_setup(Evaluator *ev);
ModuleValue *module_new(Evaluator *ev, Slice name);
extern const NativeModule standard_modules[];
void class_define_methods(Evaluator *ev, Class *cls, const NativeMethod *methods);
Class *builtin_define_class(Evaluator *ev, const char *name, const Type *type, const NativeMethod *methods,
                            Value *(*create)(Evaluator *, Class *, const Arguments *));

#endif
