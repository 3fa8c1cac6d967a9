/*
 * The family: state, exceptions, the Python classes of elements, and the table of modules.
 *
 * Every public name of Core is defined once in sqlalchemy; the submodules (sqlalchemy.sql, sqlalchemy.types, …) offer
 * the same objects under the paths that programs import them from.
 */
#include "compiler/sqlalchemy/lower.h"

SaState *sa_state(Evaluator *ev) { return evaluator_state(ev, &sqlalchemy_family); }

/* ---- exceptions ---- */

typedef struct ErrorRow {
    const char *name;
    SaError base;
    DiagnosticCode code;
} ErrorRow;
static const ErrorRow error_rows[SA_ERROR_COUNT] = {
    [SA_SQLALCHEMY_ERROR] = {"SQLAlchemyError", SA_ERROR_COUNT, CODE_INVALID_REQUEST},
    [SA_ARGUMENT_ERROR] = {"ArgumentError", SA_SQLALCHEMY_ERROR, CODE_ARGUMENT_ERROR},
    [SA_INVALID_REQUEST_ERROR] = {"InvalidRequestError", SA_SQLALCHEMY_ERROR, CODE_INVALID_REQUEST},
    [SA_COMPILE_ERROR] = {"CompileError", SA_SQLALCHEMY_ERROR, CODE_NOT_SUPPORTED},
    [SA_UNSUPPORTED_COMPILATION_ERROR] = {"UnsupportedCompilationError", SA_COMPILE_ERROR, CODE_NOT_SUPPORTED},
    [SA_NO_FOREIGN_KEYS_ERROR] = {"NoForeignKeysError", SA_ARGUMENT_ERROR, CODE_ARGUMENT_ERROR},
    [SA_AMBIGUOUS_FOREIGN_KEYS_ERROR] = {"AmbiguousForeignKeysError", SA_ARGUMENT_ERROR, CODE_ARGUMENT_ERROR},
    [SA_NO_REFERENCED_TABLE_ERROR] = {"NoReferencedTableError", SA_INVALID_REQUEST_ERROR, CODE_INVALID_REQUEST},
    [SA_NO_REFERENCED_COLUMN_ERROR] = {"NoReferencedColumnError", SA_INVALID_REQUEST_ERROR, CODE_INVALID_REQUEST},
    [SA_NO_SUCH_COLUMN_ERROR] = {"NoSuchColumnError", SA_INVALID_REQUEST_ERROR, CODE_INVALID_REQUEST},
    [SA_STATEMENT_ERROR] = {"StatementError", SA_SQLALCHEMY_ERROR, CODE_INVALID_REQUEST},
    [SA_UNBOUND_EXECUTION_ERROR] = {"UnboundExecutionError", SA_INVALID_REQUEST_ERROR, CODE_INVALID_REQUEST},
    [SA_MISSING_GREENLET] = {"MissingGreenlet", SA_INVALID_REQUEST_ERROR, CODE_INVALID_REQUEST},
    [SA_NO_RESULT_FOUND] = {"NoResultFound", SA_INVALID_REQUEST_ERROR, CODE_DOES_NOT_EXIST},
    [SA_MULTIPLE_RESULTS_FOUND] = {"MultipleResultsFound", SA_INVALID_REQUEST_ERROR, CODE_INVALID_REQUEST},
};

void *sa_raise(Evaluator *ev, SaError error, const Node *node, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    Slice text = slice_format_list(evaluator_arena(ev), format, arguments);
    va_end(arguments);
    Span span = {0};
    if (node) span = evaluator_mistake_span(ev, node);
    return evaluator_raise(ev, sa_state(ev)->errors[error], span, "%.*s", SLICE_ARGS(text));
}

static Class *error_class(Evaluator *ev, ModuleValue *module, SaError error) {
    SaState *state = sa_state(ev);
    if (state->errors[error]) return state->errors[error];
    const ErrorRow *row = &error_rows[error];
    Class *base =
        row->base == SA_ERROR_COUNT ? evaluator_exception(ev, EXCEPTION_EXCEPTION) : error_class(ev, module, row->base);
    state->errors[error] = module_define_exception(ev, module, row->name, base, row->code);
    return state->errors[error];
}

/* What no rule of ormc raises: programs name it, and what the database itself refuses is caught by it. */
static const struct {
    const char *name;
    const char *base;
    ExceptionId id; /* what the host raises is one of these; EXCEPTION_COUNT: nothing is */
} further_errors[] = {
    {"DBAPIError", "StatementError", EXCEPTION_COUNT},
    {"InterfaceError", "DBAPIError", EXCEPTION_COUNT},
    {"DatabaseError", "DBAPIError", EXCEPTION_DATABASE},
    {"IntegrityError", "DatabaseError", EXCEPTION_INTEGRITY},
    {"OperationalError", "DatabaseError", EXCEPTION_OPERATIONAL},
    {"ProgrammingError", "DatabaseError", EXCEPTION_COUNT},
    {"DataError", "DatabaseError", EXCEPTION_COUNT},
    {"InternalError", "DatabaseError", EXCEPTION_COUNT},
    {"NotSupportedError", "DatabaseError", EXCEPTION_COUNT},
    {"TimeoutError", "SQLAlchemyError", EXCEPTION_COUNT},
    {"DisconnectionError", "SQLAlchemyError", EXCEPTION_COUNT},
    {"CircularDependencyError", "SQLAlchemyError", EXCEPTION_COUNT},
    {"ResourceClosedError", "InvalidRequestError", EXCEPTION_COUNT},
    {"PendingRollbackError", "InvalidRequestError", EXCEPTION_COUNT},
    {"NoSuchTableError", "InvalidRequestError", EXCEPTION_COUNT},
    {"NoInspectionAvailable", "InvalidRequestError", EXCEPTION_COUNT},
    {"ObjectNotExecutableError", "ArgumentError", EXCEPTION_COUNT},
    {"NoSuchModuleError", "ArgumentError", EXCEPTION_COUNT},
    {"DontWrapMixin", "SQLAlchemyError", EXCEPTION_COUNT},
};

static void database_errors_define(Evaluator *ev, ModuleValue *module) {
    for (size_t i = 0; i < sizeof further_errors / sizeof *further_errors; i++) {
        Value *base = atom_map_get(&module->names, atom_intern_text(evaluator_atoms(ev), further_errors[i].base));
        Class *made = module_define_exception(ev, module, further_errors[i].name, (Class *)base, CODE_DATABASE_ERROR);
        if (further_errors[i].id != EXCEPTION_COUNT) evaluator_exception_join(ev, further_errors[i].id, made);
    }
}

static void errors_define(Evaluator *ev, ModuleValue *module) {
    for (int i = 0; i < SA_ERROR_COUNT; i++) {
        Class *cls = error_class(ev, module, (SaError)i);
        module_define(ev, module, error_rows[i].name, &cls->head);
    }
    database_errors_define(ev, module);
    static const char *const warnings[] = {"SAWarning", "SADeprecationWarning", "MovedIn20Warning",
                                           "RemovedIn20Warning"};
    for (size_t i = 0; i < sizeof warnings / sizeof *warnings; i++)
        module_define_exception(ev, module, warnings[i], evaluator_exception(ev, EXCEPTION_EXCEPTION),
                                CODE_VALUE_ERROR);
}

/* ---- classes of elements ---- */

typedef struct ClassRow {
    ElementKind kind;
    const char *name;
    const NativeMethod *methods;
    ElementKind base; /* ELEMENT_KIND_COUNT: see `column` */
    bool column, from;
} ClassRow;
static const ClassRow class_rows[] = {
    {EL_COLUMN, "ColumnClause", NULL, ELEMENT_KIND_COUNT, true, false},
    {EL_BIND, "BindParameter", NULL, ELEMENT_KIND_COUNT, true, false},
    {EL_NULL, "Null", NULL, ELEMENT_KIND_COUNT, true, false},
    {EL_TRUE, "True_", NULL, ELEMENT_KIND_COUNT, true, false},
    {EL_FALSE, "False_", NULL, ELEMENT_KIND_COUNT, true, false},
    {EL_TEXT, "TextClause", text_methods, ELEMENT_KIND_COUNT, true, false},
    {EL_LABEL, "Label", NULL, ELEMENT_KIND_COUNT, true, false},
    {EL_UNARY, "UnaryExpression", exists_methods, ELEMENT_KIND_COUNT, true, false},
    {EL_AS_BOOLEAN, "AsBoolean", NULL, EL_UNARY, true, false},
    {EL_COLLECTION_AGGREGATE, "CollectionAggregate", NULL, EL_UNARY, true, false},
    {EL_BINARY, "BinaryExpression", NULL, ELEMENT_KIND_COUNT, true, false},
    {EL_OPERATOR_LIST, "BooleanClauseList", NULL, ELEMENT_KIND_COUNT, true, false},
    {EL_CLAUSE_LIST, "ClauseList", NULL, ELEMENT_KIND_COUNT, true, false},
    {EL_TUPLE, "Tuple", NULL, EL_CLAUSE_LIST, true, false},
    {EL_GROUPING, "Grouping", NULL, ELEMENT_KIND_COUNT, true, false},
    {EL_FUNCTION, "Function", function_methods, ELEMENT_KIND_COUNT, true, false},
    {EL_CASE, "Case", NULL, ELEMENT_KIND_COUNT, true, false},
    {EL_CAST, "Cast", NULL, ELEMENT_KIND_COUNT, true, false},
    {EL_TYPE_COERCE, "TypeCoerce", NULL, ELEMENT_KIND_COUNT, true, false},
    {EL_EXTRACT, "Extract", NULL, ELEMENT_KIND_COUNT, true, false},
    {EL_OVER, "Over", NULL, ELEMENT_KIND_COUNT, true, false},
    {EL_WITHIN_GROUP, "WithinGroup", function_methods, ELEMENT_KIND_COUNT, true, false},
    {EL_FUNCTION_FILTER, "FunctionFilter", function_methods, ELEMENT_KIND_COUNT, true, false},
    {EL_SLICE, "Slice", NULL, ELEMENT_KIND_COUNT, true, false},
    {EL_COLLATION, "CollationClause", NULL, ELEMENT_KIND_COUNT, true, false},
    {EL_ARRAY, "array", NULL, ELEMENT_KIND_COUNT, true, false},
    {EL_AGGREGATE_ORDER_BY, "aggregate_order_by", NULL, ELEMENT_KIND_COUNT, true, false},
    {EL_SCALAR_SELECT, "ScalarSelect", scalar_select_methods, ELEMENT_KIND_COUNT, true, false},
    {EL_SEQUENCE, "next_value", NULL, ELEMENT_KIND_COUNT, true, false},
    {EL_FUNCTION_COLUMN, "ScalarFunctionColumn", NULL, ELEMENT_KIND_COUNT, true, false},
    {EL_LABEL_REFERENCE, "_label_reference", NULL, ELEMENT_KIND_COUNT, true, false},
    {EL_TEXT_LABEL_REFERENCE, "_textual_label_reference", NULL, ELEMENT_KIND_COUNT, true, false},
    {EL_MATCH, "match", match_methods, EL_BINARY, true, false},
    {EL_ENTITY, "Mapper", NULL, ELEMENT_KIND_COUNT, false, false},
    {EL_ORM, "OrmExpression", NULL, ELEMENT_KIND_COUNT, false, false},
    {EL_TABLE, "TableClause", NULL, ELEMENT_KIND_COUNT, false, true},
    {EL_ALIAS, "Alias", NULL, ELEMENT_KIND_COUNT, false, true},
    {EL_SUBQUERY, "Subquery", NULL, ELEMENT_KIND_COUNT, false, true},
    {EL_CTE, "CTE", cte_methods, ELEMENT_KIND_COUNT, false, true},
    {EL_LATERAL, "Lateral", NULL, ELEMENT_KIND_COUNT, false, true},
    {EL_TABLESAMPLE, "TableSample", NULL, ELEMENT_KIND_COUNT, false, true},
    {EL_TABLE_VALUED, "TableValuedAlias", table_valued_methods, ELEMENT_KIND_COUNT, false, true},
    {EL_VALUES, "Values", values_methods, ELEMENT_KIND_COUNT, false, true},
    {EL_JOIN, "Join", NULL, ELEMENT_KIND_COUNT, false, true},
    {EL_FROM_GROUPING, "FromGrouping", NULL, ELEMENT_KIND_COUNT, false, true},
    {EL_SELECT, "Select", select_methods, ELEMENT_KIND_COUNT, false, false},
    {EL_COMPOUND, "CompoundSelect", compound_methods, ELEMENT_KIND_COUNT, false, false},
    {EL_TEXTUAL_SELECT, "TextualSelect", textual_select_methods, ELEMENT_KIND_COUNT, false, false},
    {EL_SELECT_GROUPING, "SelectStatementGrouping", compound_methods, ELEMENT_KIND_COUNT, false, false},
    {EL_INSERT, "Insert", insert_methods, ELEMENT_KIND_COUNT, false, false},
    {EL_UPDATE, "Update", update_methods, ELEMENT_KIND_COUNT, false, false},
    {EL_DELETE, "Delete", delete_methods, ELEMENT_KIND_COUNT, false, false},
    {EL_DDL, "ExecutableDDLElement", ddl_methods, ELEMENT_KIND_COUNT, false, false},
};

static Class *class_named(Evaluator *ev, ModuleValue *module, const char *name, const NativeMethod *methods,
                          Class *base) {
    NativeClass spec = {.name = name, .instance_type = &sa_element_type, .methods = methods};
    return module_define_class(ev, module, &spec, base);
}

static void classes_define(Evaluator *ev, ModuleValue *module) {
    SaState *state = sa_state(ev);
    state->clause_element = class_named(ev, module, "ClauseElement", NULL, NULL);
    Class *column = class_named(ev, module, "ColumnElement", column_methods, state->clause_element);
    Class *from = class_named(ev, module, "FromClause", from_methods, state->clause_element);
    Class *executable = class_named(ev, module, "Executable", NULL, state->clause_element);
    for (size_t i = 0; i < sizeof class_rows / sizeof *class_rows; i++) {
        const ClassRow *row = &class_rows[i];
        Class *base = row->base != ELEMENT_KIND_COUNT ? state->element_classes[row->base]
                      : row->column                   ? column
                      : row->from                     ? from
                                                      : executable;
        state->element_classes[row->kind] = class_named(ev, module, row->name, row->methods, base);
    }
    Class *textual =
        class_named(ev, module, "_BoundTextualSelect", textual_methods, state->element_classes[EL_TEXTUAL_SELECT]);
    state->element_classes[EL_TEXTUAL_SELECT] = textual;
    state->column_class = class_named(ev, module, "Column", NULL, state->element_classes[EL_COLUMN]);
    state->table_class = class_named(ev, module, "Table", table_methods, state->element_classes[EL_TABLE]);
    /* classes that other modules export, or none does */
    static const char *const elsewhere[] = {"array",      "aggregate_order_by", "match",
                                            "next_value", "_label_reference",   "_textual_label_reference",
                                            "Mapper",     "OrmExpression",      "_BoundTextualSelect"};
    for (size_t i = 0; i < sizeof elsewhere / sizeof *elsewhere; i++)
        atom_map_remove(&module->names, atom_intern_text(evaluator_atoms(ev), elsewhere[i]));
    module_define(ev, module, "ColumnOperators", &column->head);
    module_define(ev, module, "SQLColumnExpression", &column->head);
    module_define(ev, module, "ColumnExpressionArgument", &column->head);
    module_define(ev, module, "Selectable", &from->head);
    module_define(ev, module, "FunctionElement", &state->element_classes[EL_FUNCTION]->head);
    module_define(ev, module, "GenericFunction", &state->element_classes[EL_FUNCTION]->head);
    module_define(ev, module, "Exists", &state->element_classes[EL_UNARY]->head);
    state->null_element = element_new(ev, EL_NULL, NULL);
    state->true_element = element_new(ev, EL_TRUE, type_of_kind(ev, TYPE_BOOLEAN));
    state->false_element = element_new(ev, EL_FALSE, type_of_kind(ev, TYPE_BOOLEAN));
}

/* ---- quoted_name ---- */

static Value *quoted_name_create(Evaluator *ev, Class *cls, const Arguments *a) {
    Value *text = NULL, *quote = NULL;
    if (!arguments_bind(ev, a, "quoted_name", "value | quote", &text, &quote)) return NULL;
    if (!value_is(text, VALUE_STRING)) return text;
    Value *plain = value_string(ev, value_text(text));
    QuotedNameValue *name = ARENA_NEW(evaluator_arena(ev), QuotedNameValue);
    name->head = *(StringValue *)plain;
    name->head.head.cls = cls;
    name->quote =
        quote && value_is(quote, VALUE_BOOL) ? (value_is_true(quote) ? NAME_QUOTED : NAME_PLAIN) : NAME_AT_NEED;
    return &name->head.head;
}

static void quoted_name_define(Evaluator *ev, ModuleValue *module) {
    NativeClass spec = {.name = "quoted_name", .create = quoted_name_create};
    Class *text = evaluator_builtin_class(ev, VALUE_STRING);
    spec.instance_type = text->instance_type;
    sa_state(ev)->quoted_name = module_define_class(ev, module, &spec, text);
}

/* ---- modules ---- */

static void define_module(Evaluator *ev, ModuleValue *module, const char *name, const char *dotted) {
    ModuleValue *inner = evaluator_import(ev, dotted);
    if (inner) module_define(ev, module, name, &inner->head);
}

static void core_setup(Evaluator *ev, ModuleValue *module) {
    SaState *state = sa_state(ev);
    if (state->ready) return;
    state->ready = true;
    errors_define(ev, module);
    types_define(ev, module);
    classes_define(ev, module);
    quoted_name_define(ev, module);
    collection_define(ev, module);
    constructors_define(ev, module);
    functions_define(ev, module);
    froms_define(ev, module);
    selects_define(ev, module);
    dml_define(ev, module, DIALECT_COUNT);
    schema_define(ev, module);
    ddl_define(ev, module);
    define_module(ev, module, "util", "sqlalchemy.util");
    module_define(ev, module, "__version__", value_string(ev, SLICE("2.0.58")));
}

static ModuleValue *core(Evaluator *ev) { return evaluator_import(ev, "sqlalchemy"); }

static void core_copy(Evaluator *ev, ModuleValue *module) {
    ModuleValue *from = core(ev);
    if (from && from != module) module_define_all(ev, module, from);
}

static void sql_setup(Evaluator *ev, ModuleValue *module) {
    core_copy(ev, module);
    define_module(ev, module, "operators", "sqlalchemy.sql.operators");
    define_module(ev, module, "sqltypes", "sqlalchemy.types");
    define_module(ev, module, "functions", "sqlalchemy.sql.functions");
    define_module(ev, module, "expression", "sqlalchemy.sql.expression");
    define_module(ev, module, "schema", "sqlalchemy.schema");
}

static void operators_setup(Evaluator *ev, ModuleValue *module) {
    operators_define(ev, module);
    Class *column =
        (Class *)(void *)atom_map_get(&core(ev)->names, atom_intern_text(evaluator_atoms(ev), "ColumnOperators"));
    if (column) module_define(ev, module, "ColumnOperators", &column->head);
}

static void functions_setup(Evaluator *ev, ModuleValue *module) {
    core_copy(ev, module);
    static const char *const names[] = {"count",
                                        "max",
                                        "min",
                                        "sum",
                                        "now",
                                        "coalesce",
                                        "concat",
                                        "random",
                                        "rank",
                                        "array_agg",
                                        "current_timestamp",
                                        "current_date",
                                        "char_length",
                                        "mode",
                                        "cube",
                                        "rollup",
                                        "lower",
                                        "percentile_cont",
                                        "user",
                                        "localtime",
                                        "sysdate",
                                        "aggregate_strings"};
    Value *func = atom_map_get(&core(ev)->names, atom_intern_text(evaluator_atoms(ev), "func"));
    for (size_t i = 0; func && i < sizeof names / sizeof *names; i++) {
        Value *made = value_get_attribute(ev, func, atom_intern_text(evaluator_atoms(ev), names[i]), NULL);
        if (made) module_define(ev, module, names[i], made);
    }
}

static void postgresql_setup(Evaluator *ev, ModuleValue *module) {
    core(ev);
    types_define_dialect(ev, module, DIALECT_POSTGRESQL);
    dml_define(ev, module, DIALECT_POSTGRESQL);
    postgresql_define(ev, module);
}

static void mysql_setup(Evaluator *ev, ModuleValue *module) {
    core(ev);
    types_define_dialect(ev, module, DIALECT_MYSQL);
    dml_define(ev, module, DIALECT_MYSQL);
    mysql_define(ev, module);
    if (!slice_ends_with(module->name->text, ".base"))
        define_module(ev, module, "base", "sqlalchemy.dialects.mysql.base");
}

static void sqlite_setup(Evaluator *ev, ModuleValue *module) {
    core(ev);
    types_define_dialect(ev, module, DIALECT_SQLITE);
    dml_define(ev, module, DIALECT_SQLITE);
}

static void util_setup(Evaluator *ev, ModuleValue *module) {
    module_define(ev, module, "OrderedDict", &evaluator_builtin_class(ev, VALUE_DICT)->head);
    module_define(ev, module, "immutabledict", &evaluator_builtin_class(ev, VALUE_DICT)->head);
    module_define(ev, module, "OrderedSet", &evaluator_builtin_class(ev, VALUE_LIST)->head);
}

static void dialects_setup(Evaluator *ev, ModuleValue *module) {
    define_module(ev, module, "postgresql", "sqlalchemy.dialects.postgresql");
    define_module(ev, module, "mysql", "sqlalchemy.dialects.mysql");
    define_module(ev, module, "sqlite", "sqlalchemy.dialects.sqlite");
    define_module(ev, module, "mariadb", "sqlalchemy.dialects.mariadb");
}

#define CORE_MODULES                                                                                                   \
    {"sqlalchemy", core_setup}, {"sqlalchemy.sql", sql_setup}, {"sqlalchemy.sql.expression", core_copy},               \
        {"sqlalchemy.sql.functions", functions_setup}, {"sqlalchemy.sql.operators", operators_setup},                  \
        {"sqlalchemy.sql.schema", core_copy}, {"sqlalchemy.sql.selectable", core_copy},                                \
        {"sqlalchemy.sql.elements", core_copy}, {"sqlalchemy.sql.sqltypes", core_copy},                                \
        {"sqlalchemy.sql.dml", core_copy}, {"sqlalchemy.sql.base", core_copy}, {"sqlalchemy.sql.ddl", core_copy},      \
        {"sqlalchemy.sql.type_api", core_copy}, {"sqlalchemy.types", core_copy}, {"sqlalchemy.schema", core_copy},     \
        {"sqlalchemy.exc", core_copy}, {"sqlalchemy.engine", core_copy}, {"sqlalchemy.engine.base", core_copy},        \
        {"sqlalchemy.engine.url", core_copy}, {"sqlalchemy.engine.result", core_copy}, {"sqlalchemy.pool", core_copy}, \
        {"sqlalchemy.dialects", dialects_setup}, {"sqlalchemy.dialects.postgresql", postgresql_setup},                 \
        {"sqlalchemy.dialects.postgresql.base", postgresql_setup}, {"sqlalchemy.dialects.mysql", mysql_setup},         \
        {"sqlalchemy.dialects.mariadb", mysql_setup}, {"sqlalchemy.dialects.sqlite", sqlite_setup},                    \
        {"sqlalchemy.dialects.mysql.base", mysql_setup}, {"sqlalchemy.dialects.mysql.types", mysql_setup},             \
        {"sqlalchemy.dialects.mysql.dml", mysql_setup}, {"sqlalchemy.dialects.mysql.json", mysql_setup},               \
        {"sqlalchemy.dialects.sqlite.base", sqlite_setup}, {"sqlalchemy.dialects.sqlite.json", sqlite_setup},          \
        {"sqlalchemy.dialects.sqlite.dml", sqlite_setup}, {"sqlalchemy.dialects.postgresql.json", postgresql_setup},   \
        {"sqlalchemy.dialects.postgresql.array", postgresql_setup},                                                    \
        {"sqlalchemy.dialects.postgresql.ranges", postgresql_setup},                                                   \
        {"sqlalchemy.dialects.postgresql.hstore", postgresql_setup},                                                   \
        {"sqlalchemy.dialects.postgresql.ext", postgresql_setup},                                                      \
        {"sqlalchemy.dialects.postgresql.types", postgresql_setup},                                                    \
        {"sqlalchemy.dialects.postgresql.named_types", postgresql_setup},                                              \
        {"sqlalchemy.dialects.postgresql.dml", postgresql_setup}, {                                                    \
        "sqlalchemy.util", util_setup                                                                                  \
    }

/* ---- the family ---- */

static void *create_state(Evaluator *ev) {
    SaState *state = ARENA_NEW(evaluator_arena(ev), SaState);
    state->orm = orm_create_state(ev);
    return state;
}

static bool models_loaded(Evaluator *ev) { return orm_models_loaded(ev); }

bool element_emit(Evaluator *ev, Element *element, StatementList *out) {
    StatementKind kind = STATEMENT_SELECT;
    if (element->kind == EL_DDL) return ddl_element_emit(ev, element, out);
    Query *query = element_lower(ev, element, &kind);
    if (!query) return false;
    DiagnosticList problems;
    diagnostics_init(&problems, evaluator_arena(ev));
    EmitOptions options = {.style = STYLE_SQLALCHEMY, .inline_literals = evaluator_inlines(ev)};
    Statement statement = {0};
    if (!query_emit(evaluator_arena(ev), evaluator_dialect(ev), &options, query, kind, &problems, &statement)) {
        for (int i = 0; i < problems.count; i++)
            if (problems.items[i].severity == SEVERITY_ERROR)
                return sa_raise(ev, SA_COMPILE_ERROR, element->node, "%.*s", SLICE_ARGS(problems.items[i].message)),
                       false;
        return sa_raise(ev, SA_COMPILE_ERROR, element->node, "the statement can't be written"), false;
    }
    ARENA_PUSH(evaluator_arena(ev), out->items, out->count, out->capacity) = statement;
    return true;
}

/* Executes a Core statement on a connection or session: records it. */
static bool sa_execute_element(Evaluator *ev, Element *element, const Node *site) {
    StatementList *list = ARENA_NEW(evaluator_arena(ev), StatementList);
    if (!element_emit(ev, element, list)) return false;
    evaluator_execute(ev, list, site ? site : element->node);
    return !evaluator_error_pending(ev);
}

/* Of what a program only makes, statements are queries: a column, a table or a condition is a part of some. */
static bool element_is_sent(const Element *element) {
    static const char *const words[] = {"select", "insert", "update", "delete", "with", "values"};
    if (element->kind != EL_TEXT) return element_is_statement(element) || element->kind == EL_DDL;
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (text_begins(((const TextElement *)element)->text, words[i])) return true;
    return false;
}

static bool execute_value(Evaluator *ev, Value *value, const Node *site) {
    if (value_is_element(value)) {
        if (!evaluator_is_lazy(ev) || element_is_sent((const Element *)value))
            sa_execute_element(ev, (Element *)value, site);
        return true;
    }
    if (orm_execute_value(ev, value, site)) return true;
    if (evaluator_error_pending(ev)) return true;
    Element *element = value_is(value, VALUE_NATIVE) ? element_of(ev, value) : NULL;
    if (!element || (evaluator_is_lazy(ev) && !element_is_sent(element))) return evaluator_error_pending(ev);
    sa_execute_element(ev, element, site);
    return true;
}

static bool emit_schema(Evaluator *ev, StatementList *out) {
    const SaState *state = sa_state(ev);
    for (int i = 0; i < state->metadata_count; i++)
        if (!metadata_emit(ev, state->metadatas[i], NULL, out)) return false;
    return true;
}

static const NativeModule core_modules[] = {CORE_MODULES, {NULL, NULL}};
static const char *const free_names[] = {"sqlalchemy", "sqlalchemy.orm", NULL};

const NativeFamily sqlalchemy_family = {
    .name = "sqlalchemy",
    .modules = core_modules,
    .more_modules = orm_modules,
    .free_names = free_names,
    .create_state = create_state,
    .models_loaded = models_loaded,
    .execute_value = execute_value,
    .adopt_unknown = orm_adopt_unknown,
    .guess_name = orm_guess_name,
    .emit_schema = emit_schema,
};
