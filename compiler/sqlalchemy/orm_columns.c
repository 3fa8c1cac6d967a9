/*
 * mapped_column(), column_property(), deferred(), synonym(), composite(), and what an annotation makes of a column.
 *
 * Input: the calls of a class body and the annotation of the attribute. Output: MappedColumn values that
 * orm_declarative.c turns into columns of a table and properties of a mapper.
 * Invariants: keywords that are the ORM's own never reach Column; what the program says (type, nullable, name) wins
 * over the annotation.
 * Example: `name: Mapped[Optional[str]] = mapped_column(index=True)` -> Column(String, nullable, index).
 */
#include "compiler/sqlalchemy/mapper.h"

static Value *mapped_column_attribute(Evaluator *ev, Value *self, Atom name, const Node *site) {
    MappedColumn *mapped = (MappedColumn *)self;
    Element *column = mapped->column ? mapped->column : mapped->columns.count ? mapped->columns.items[0] : NULL;
    return column ? value_find_attribute(ev, (Value *)column, name, site) : NULL;
}

static Value *mapped_column_compare(Evaluator *ev, CompareOperator op, Value *self, Value *other, bool reflected,
                                    const Node *site) {
    MappedColumn *mapped = (MappedColumn *)self;
    if (!mapped->column) return NULL;
    Value *column = (Value *)mapped->column;
    return reflected ? value_compare(ev, op, other, column, site) : value_compare(ev, op, column, other, site);
}

static Value *mapped_column_binary(Evaluator *ev, Operator op, Value *self, Value *other, bool reflected,
                                   const Node *site) {
    MappedColumn *mapped = (MappedColumn *)self;
    if (!mapped->column) return NULL;
    Value *column = (Value *)mapped->column;
    return reflected ? value_binary(ev, op, other, column, site) : value_binary(ev, op, column, other, site);
}

const Type orm_mapped_column_type = {.name = "MappedColumn",
                                     .kind = VALUE_NATIVE,
                                     .get_attribute = mapped_column_attribute,
                                     .compare = mapped_column_compare,
                                     .binary = mapped_column_binary,
                                     .has_attributes = true};

static MappedColumn *mapped_new(Evaluator *ev, PropertyKind kind) {
    MappedColumn *mapped = instance_allocate(ev, orm_state(ev)->mapped_column, sizeof *mapped);
    mapped->kind = kind;
    return mapped;
}

static bool truth_argument(const Arguments *arguments, Evaluator *ev, const char *name) {
    Value *value = arguments_keyword(arguments, orm_atom(ev, name));
    return value && value_is(value, VALUE_BOOL) && value_is_true(value);
}

static Atom name_argument(const Arguments *arguments, Evaluator *ev, const char *name) {
    Value *value = arguments_keyword(arguments, orm_atom(ev, name));
    return value && value_is(value, VALUE_STRING) ? value_as_atom(ev, value) : NULL;
}

/* Reads the keywords that the ORM itself understands and leaves the rest for Column. */
static Arguments mapped_column_keywords(Evaluator *ev, MappedColumn *mapped, const Arguments *given) {
    static const char *const own[] = {"deferred",
                                      "deferred_group",
                                      "deferred_raiseload",
                                      "use_existing_column",
                                      "active_history",
                                      "sort_order",
                                      "init",
                                      "repr",
                                      "default_factory",
                                      "kw_only",
                                      "compare",
                                      "hash",
                                      "insert_default",
                                      "default",
                                      "dataclass_metadata"};
    Arguments rest = *given;
    rest.keywords = ARENA_ARRAY(evaluator_arena(ev), Keyword, given->keyword_count + 1);
    rest.keyword_count = 0;
    for (int i = 0; i < given->keyword_count; i++) {
        bool is_own = false;
        for (size_t j = 0; j < sizeof own / sizeof *own; j++)
            if (slice_equals_text(given->keywords[i].name->text, own[j])) is_own = true;
        if (!is_own) rest.keywords[rest.keyword_count++] = given->keywords[i];
    }
    mapped->group = name_argument(given, ev, "deferred_group");
    mapped->raise_on_load = truth_argument(given, ev, "deferred_raiseload");
    mapped->deferred = truth_argument(given, ev, "deferred") || mapped->group || mapped->raise_on_load;
    mapped->use_existing = truth_argument(given, ev, "use_existing_column");
    mapped->kw_only = truth_argument(given, ev, "kw_only");
    mapped->dataclass_init = arguments_keyword(given, orm_atom(ev, "init"));
    mapped->default_factory = arguments_keyword(given, orm_atom(ev, "default_factory"));
    mapped->dataclass_default = arguments_keyword(given, orm_atom(ev, "default"));
    Value *order = arguments_keyword(given, orm_atom(ev, "sort_order"));
    int64_t number = 0;
    if (order && value_as_integer(order, &number)) mapped->sort_order = (int)number;
    Value *insert_default = arguments_keyword(given, orm_atom(ev, "insert_default"));
    Value *column_default = insert_default ? insert_default : mapped->dataclass_default;
    if (column_default)
        rest.keywords[rest.keyword_count++] = (Keyword){orm_atom(ev, "default"), column_default, given->site};
    return rest;
}

MappedColumn *mapped_column_new(Evaluator *ev, const Arguments *arguments, const char *function) {
    MappedColumn *mapped = mapped_new(ev, PROPERTY_COLUMN);
    Arguments rest = mapped_column_keywords(ev, mapped, arguments);
    mapped->column = column_from_arguments(ev, &rest, function);
    if (!mapped->column) return NULL;
    mapped->typed = mapped->column->type && mapped->column->type->kind != TYPE_NULL;
    return mapped;
}

static Value *call_mapped_column(Evaluator *ev, Value *self, const Arguments *arguments) {
    (void)self;
    return (Value *)mapped_column_new(ev, arguments, "mapped_column");
}

static Value *call_column_property(Evaluator *ev, Value *self, const Arguments *arguments) {
    (void)self;
    MappedColumn *mapped = mapped_new(ev, PROPERTY_COLUMN);
    for (int i = 0; i < arguments->count; i++) {
        Value *item = arguments->items[i];
        Element *element = item->type == &orm_mapped_column_type
                               ? ((MappedColumn *)item)->column
                               : element_coerce(ev, item, COERCE_EXPRESSION, arguments->nodes[i]);
        if (!element) return NULL;
        if (element->kind == EL_SELECT) element = element_scalar_select(ev, element);
        element_list_push(ev, &mapped->columns, element);
    }
    mapped->is_expression = !mapped->columns.count || mapped->columns.items[0]->kind != EL_COLUMN ||
                            (COLUMN(mapped->columns.items[0])->table && !COLUMN(mapped->columns.items[0])->schema);
    mapped->group = name_argument(arguments, ev, "group");
    mapped->raise_on_load = truth_argument(arguments, ev, "raiseload");
    mapped->deferred = truth_argument(arguments, ev, "deferred") || mapped->group != NULL;
    return &mapped->head.head;
}

static Value *call_deferred(Evaluator *ev, Value *self, const Arguments *arguments) {
    MappedColumn *mapped = (MappedColumn *)call_column_property(ev, self, arguments);
    if (mapped) mapped->deferred = true;
    return (Value *)mapped;
}

static Value *call_query_expression(Evaluator *ev, Value *self, const Arguments *arguments) {
    (void)self;
    (void)arguments;
    MappedColumn *mapped = mapped_new(ev, PROPERTY_COLUMN);
    element_list_push(ev, &mapped->columns, sa_state(ev)->null_element);
    mapped->is_expression = mapped->query_expression = true;
    return &mapped->head.head;
}

static Value *call_synonym(Evaluator *ev, Value *self, const Arguments *arguments) {
    (void)self;
    Value *name = NULL;
    if (!arguments_bind(ev, arguments, "synonym",
                        "name | map_column descriptor comparator_factory init repr default default_factory compare "
                        "kw_only hash info doc",
                        &name, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL))
        return NULL;
    MappedColumn *mapped = mapped_new(ev, PROPERTY_SYNONYM);
    if (value_is(name, VALUE_STRING)) mapped->target = value_as_atom(ev, name);
    return &mapped->head.head;
}

static Value *call_composite(Evaluator *ev, Value *self, const Arguments *arguments) {
    (void)self;
    MappedColumn *mapped = mapped_new(ev, PROPERTY_COMPOSITE);
    int first = 0;
    if (arguments->count &&
        (value_is(arguments->items[0], VALUE_CLASS) || value_is(arguments->items[0], VALUE_FUNCTION) ||
         value_is(arguments->items[0], VALUE_METHOD))) {
        if (value_is(arguments->items[0], VALUE_CLASS)) mapped->composite_class = (Class *)arguments->items[0];
        first = 1;
    }
    mapped->composite_count = arguments->count - first;
    mapped->composite_items = arguments->items + first;
    mapped->composite_keys = ARENA_ARRAY(evaluator_arena(ev), Atom, mapped->composite_count + 1);
    mapped->deferred = truth_argument(arguments, ev, "deferred");
    return &mapped->head.head;
}

/* ---- types from annotations ---- */

static Value *namespace_value(Evaluator *ev, Class *cls, Slice dotted) {
    size_t dot = slice_find(dotted, '.');
    Atom first = atom_intern(evaluator_atoms(ev), slice_sub(dotted, 0, dot));
    Value *value = NULL;
    if (cls->defined_in) value = atom_map_get(&cls->defined_in->names, first);
    if (!value && cls->name == first) value = &cls->head;
    if (!value) {
        ModuleValue *builtins = evaluator_import(ev, "builtins");
        if (builtins) value = atom_map_get(&builtins->names, first);
    }
    if (!value) {
        Registry *registry = registry_of_class(ev, cls);
        value = registry ? atom_map_get(&registry->classes, first) : NULL;
    }
    while (value && dot < dotted.length) {
        dotted = slice_sub(dotted, dot + 1, dotted.length);
        dot = slice_find(dotted, '.');
        Atom part = atom_intern(evaluator_atoms(ev), slice_sub(dotted, 0, dot));
        value = value_find_attribute(ev, value, part, cls->node);
        if (evaluator_error_pending(ev)) evaluator_clear_error(ev);
    }
    return value;
}

Value *annotation_value(Evaluator *ev, Class *cls, const TypeExpr *expr) {
    return expr && expr->kind == TYPE_EXPR_NAME ? namespace_value(ev, cls, expr->name) : NULL;
}

static SaType *enum_type(Evaluator *ev, Value *const *items, int count, bool native, const Node *site) {
    Keyword keyword = {orm_atom(ev, "native_enum"), value_bool(ev, native), site};
    const Node **nodes = ARENA_ARRAY(evaluator_arena(ev), const Node *, count + 1);
    for (int i = 0; i < count; i++) nodes[i] = site;
    Arguments arguments = {.items = (Value **)items, .nodes = nodes, .count = count, .site = site};
    if (!native) {
        arguments.keywords = &keyword;
        arguments.keyword_count = 1;
    }
    Value *made = value_call(ev, &sa_state(ev)->type_classes[TYPE_ENUM]->head, &arguments);
    return made && type_is_value(ev, made) ? (SaType *)made : NULL;
}

static SaType *literal_type(Evaluator *ev, const TypeExpr *expr, const Node *site) {
    Value **items = ARENA_ARRAY(evaluator_arena(ev), Value *, expr->count + 1);
    int count = 0;
    for (int i = 0; i < expr->count; i++) {
        const TypeExpr *item = expr->args[i];
        if (item->kind != TYPE_EXPR_NONE)
            items[count++] = value_string(ev, item->quoted && item->name.length ? item->name : item->text);
    }
    return enum_type(ev, items, count, false, site);
}

static bool is_enum_class(const Class *cls) {
    for (int i = 0; i < cls->mro_count; i++)
        if (slice_equals_text(cls->mro[i]->name->text, "Enum") && cls != cls->mro[i]) return true;
    return false;
}

static SaType *type_from_map(Evaluator *ev, Registry *registry, Value *key, const Node *site) {
    if (!registry || !registry->type_map || !key) return NULL;
    for (int i = 0; i < registry->type_map->count; i++) {
        DictEntry *entry = &registry->type_map->entries[i];
        if (entry->key == key) return type_from_value(ev, entry->value, site);
    }
    return NULL;
}

static SaType *type_of_class_value(Evaluator *ev, Registry *registry, Value *value, const Node *site) {
    SaType *mapped = type_from_map(ev, registry, value, site);
    if (mapped || evaluator_error_pending(ev)) return mapped;
    if (!value || !value_is(value, VALUE_CLASS)) return NULL;
    Class *cls = (Class *)value;
    if (is_enum_class(cls)) return enum_type(ev, &value, 1, true, site);
    for (int i = 0; i < cls->mro_count; i++) {
        mapped = type_from_map(ev, registry, &cls->mro[i]->head, site);
        if (!mapped) mapped = type_of_python_class(ev, cls->mro[i]);
        if (mapped) return mapped;
    }
    return NULL;
}

/* `Annotated[str, 50]` and the like written as an alias: the type map may name it, else its first part counts. */
static SaType *type_of_alias(Evaluator *ev, Class *cls, Registry *registry, Value *value) {
    SaType *mapped = type_from_map(ev, registry, value, cls->node);
    if (mapped || evaluator_error_pending(ev)) return mapped;
    Value *origin = NULL, *arguments = NULL;
    if (!value_alias_parts(value, &origin, &arguments)) return NULL;
    if (arguments && value_is(arguments, VALUE_TUPLE) && ((ListValue *)arguments)->count) {
        Value *first = ((ListValue *)arguments)->items[0];
        SaType *type = type_of_class_value(ev, registry, first, cls->node);
        return type ? type : type_of_alias(ev, cls, registry, first);
    }
    return origin ? type_of_class_value(ev, registry, origin, cls->node) : NULL;
}

SaType *annotation_type(Evaluator *ev, Class *cls, Registry *registry, TypeExpr *expr) {
    if (!expr) return NULL;
    bool optional = false;
    expr = type_expr_strip_none(evaluator_arena(ev), expr, &optional);
    if (!expr || expr->kind != TYPE_EXPR_NAME) return NULL;
    if (type_expr_is(expr, "Literal")) return literal_type(ev, expr, cls->node);
    Value *value = annotation_value(ev, cls, expr);
    if (type_expr_is(expr, "Annotated") && expr->count) {
        for (int i = 0; registry && registry->type_map && i < registry->type_map->count; i++) {
            Slice text = value_repr(ev, registry->type_map->entries[i].key);
            if (slice_equals(text, expr->text))
                return type_from_value(ev, registry->type_map->entries[i].value, cls->node);
        }
        return annotation_type(ev, cls, registry, expr->args[0]);
    }
    if (!value) return NULL;
    SaType *type = type_of_class_value(ev, registry, value, cls->node);
    if (type || evaluator_error_pending(ev)) return type;
    if (type_expr_is(expr, "dict") || type_expr_is(expr, "Dict") || type_expr_is(expr, "list")) {
        for (int i = 0; registry && registry->type_map && i < registry->type_map->count; i++) {
            Value *origin = NULL;
            DictEntry *entry = &registry->type_map->entries[i];
            bool alias = value_alias_parts(entry->key, &origin, NULL);
            if (alias && origin == value) return type_from_value(ev, entry->value, cls->node);
        }
    }
    return type_of_alias(ev, cls, registry, value);
}

void columns_define(Evaluator *ev, ModuleValue *module) {
    NativeClass mapped = {.name = "MappedColumn", .instance_type = &orm_mapped_column_type};
    orm_state(ev)->mapped_column = module_define_class(ev, module, &mapped, NULL);
    module_define_function(ev, module, "mapped_column", call_mapped_column);
    module_define_function(ev, module, "column_property", call_column_property);
    module_define_function(ev, module, "deferred", call_deferred);
    module_define_function(ev, module, "query_expression", call_query_expression);
    module_define_function(ev, module, "synonym", call_synonym);
    module_define_function(ev, module, "composite", call_composite);
}
