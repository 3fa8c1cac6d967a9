/*
 * func.name(…): SQL functions, those that SQLAlchemy knows with their types, and what may follow a call: over, filter,
 * within_group, table-valued aliases.
 *
 * Input: the chain of names after `func` and the arguments. Output: FUNCTION elements and what is built on them.
 * Invariants: an unknown name is passed through with NullType; a known one is matched without regard to case and
 * written as SQLAlchemy writes it.
 * Example: func.count() is count(*) of type Integer; func.pkg.f(1) is pkg.f(1).
 */
#include "compiler/sqlalchemy/face.h"

typedef enum FunctionShape {
    SHAPE_PLAIN,
    SHAPE_ANSI,
    SHAPE_TYPE_OF_ARGUMENT,
    SHAPE_ARRAY,
    SHAPE_COUNT,
    SHAPE_ORDERED
} FunctionShape;
typedef struct KnownFunction {
    const char *name, *written;
    FunctionShape shape;
    TypeKind type;
} KnownFunction;
static const KnownFunction known_functions[] = {
    {"coalesce", "coalesce", SHAPE_TYPE_OF_ARGUMENT, TYPE_NULL},
    {"max", "max", SHAPE_TYPE_OF_ARGUMENT, TYPE_NULL},
    {"min", "min", SHAPE_TYPE_OF_ARGUMENT, TYPE_NULL},
    {"sum", "sum", SHAPE_TYPE_OF_ARGUMENT, TYPE_NULL},
    {"now", "now", SHAPE_PLAIN, TYPE_DATETIME},
    {"concat", "concat", SHAPE_PLAIN, TYPE_STRING},
    {"char_length", "char_length", SHAPE_PLAIN, TYPE_INTEGER},
    {"random", "random", SHAPE_PLAIN, TYPE_NULL},
    {"count", "count", SHAPE_COUNT, TYPE_INTEGER},
    {"current_date", "CURRENT_DATE", SHAPE_ANSI, TYPE_DATE},
    {"current_time", "CURRENT_TIME", SHAPE_ANSI, TYPE_TIME},
    {"current_timestamp", "CURRENT_TIMESTAMP", SHAPE_ANSI, TYPE_DATETIME},
    {"current_user", "CURRENT_USER", SHAPE_ANSI, TYPE_STRING},
    {"localtime", "LOCALTIME", SHAPE_ANSI, TYPE_DATETIME},
    {"localtimestamp", "LOCALTIMESTAMP", SHAPE_ANSI, TYPE_DATETIME},
    {"session_user", "SESSION_USER", SHAPE_ANSI, TYPE_STRING},
    {"sysdate", "sysdate", SHAPE_ANSI, TYPE_DATETIME},
    {"user", "USER", SHAPE_ANSI, TYPE_STRING},
    {"array_agg", "array_agg", SHAPE_ARRAY, TYPE_ARRAY},
    {"mode", "mode", SHAPE_ORDERED, TYPE_NULL},
    {"percentile_cont", "percentile_cont", SHAPE_ORDERED, TYPE_NULL},
    {"percentile_disc", "percentile_disc", SHAPE_ORDERED, TYPE_NULL},
    {"rank", "rank", SHAPE_PLAIN, TYPE_INTEGER},
    {"dense_rank", "dense_rank", SHAPE_PLAIN, TYPE_INTEGER},
    {"percent_rank", "percent_rank", SHAPE_PLAIN, TYPE_NUMERIC},
    {"cume_dist", "cume_dist", SHAPE_PLAIN, TYPE_NUMERIC},
    {"cube", "CUBE", SHAPE_PLAIN, TYPE_NULL},
    {"rollup", "ROLLUP", SHAPE_PLAIN, TYPE_NULL},
    {"grouping_sets", "GROUPING SETS", SHAPE_PLAIN, TYPE_NULL},
    {"aggregate_strings", "aggregate_strings", SHAPE_PLAIN, TYPE_STRING},
};
/* Those of sqlalchemy.dialects.postgresql; known once it is imported. */
static const KnownFunction text_search_functions[] = {
    {"to_tsvector", "to_tsvector", SHAPE_PLAIN, TYPE_PG_TSVECTOR},
    {"to_tsquery", "to_tsquery", SHAPE_PLAIN, TYPE_PG_TSQUERY},
    {"plainto_tsquery", "plainto_tsquery", SHAPE_PLAIN, TYPE_PG_TSQUERY},
    {"phraseto_tsquery", "phraseto_tsquery", SHAPE_PLAIN, TYPE_PG_TSQUERY},
    {"websearch_to_tsquery", "websearch_to_tsquery", SHAPE_PLAIN, TYPE_PG_TSQUERY},
    {"ts_headline", "ts_headline", SHAPE_PLAIN, TYPE_TEXT},
};

static const KnownFunction *function_known(Slice name) {
    for (size_t i = 0; i < sizeof known_functions / sizeof *known_functions; i++)
        if (slice_equals_ignoring_case(name, known_functions[i].name)) return &known_functions[i];
    for (size_t i = 0; i < sizeof text_search_functions / sizeof *text_search_functions; i++)
        if (slice_equals_ignoring_case(name, text_search_functions[i].name)) return &text_search_functions[i];
    return NULL;
}

static SaType *type_of_arguments(Evaluator *ev, const Element *function) {
    for (int i = 0; i < function->count; i++)
        if (function->children[i]->type->kind != TYPE_NULL) return function->children[i]->type;
    return type_of_kind(ev, TYPE_NULL);
}

static void function_apply_known(Evaluator *ev, Element *function, const KnownFunction *known) {
    FunctionElement *f = FUNCTION(function);
    f->generic = true;
    f->base.name = name_from(slice_from(known->name));
    f->written = slice_from(known->written);
    if (known->shape == SHAPE_ANSI && !function->count) f->no_parentheses = true;
    if (known->shape == SHAPE_TYPE_OF_ARGUMENT) function->type = type_of_arguments(ev, function);
    if (known->type != TYPE_NULL) function->type = type_of_kind(ev, known->type);
    if (known->shape == SHAPE_COUNT && !function->count) {
        Element *star = element_literal_column(ev, SLICE("*"), NULL);
        function->children = ARENA_ARRAY(evaluator_arena(ev), Element *, 1);
        function->children[function->count++] = star;
    }
    if (known->shape == SHAPE_ARRAY) {
        SaType *type = type_new(ev, TYPE_ARRAY);
        SaType *item = type_of_arguments(ev, function);
        if (type_is(item, TYPE_ARRAY)) {
            *type = *item;
        } else {
            type->item = item;
        }
        function->type = type;
    }
}

Element *element_call(Evaluator *ev, Name name, Value *const *arguments, int count, Value *type, const Node *site) {
    ElementList parts = {0};
    for (int i = 0; i < count; i++) {
        Element *part = element_coerce(ev, arguments[i], COERCE_EXPRESSION, site);
        if (!part) return NULL;
        /* a literal's bind is named after the function, and counts with its labels */
        if (part->kind == EL_BIND && !value_is_element(arguments[i]))
            part->name = name_anonymous(ev, part->id, name.text);
        element_list_push(ev, &parts, part);
    }
    Element *function = element_function(ev, name.text, NULL, parts.items, parts.count);
    function->name = name;
    function->node = site;
    const KnownFunction *known = name.quote == NAME_AT_NEED ? function_known(name.text) : NULL;
    if (known) function_apply_known(ev, function, known);
    if (type && !value_is_none(type) && !(function->type = type_from_value(ev, type, site))) return NULL;
    return function;
}

/* ---- func.a.b ---- */

typedef struct FunctionGenerator {
    Instance head;
    Name *names;
    int count;
} FunctionGenerator;

static Value *generator_extend(Evaluator *ev, const FunctionGenerator *from, Name name);

static Value *generator_get_attribute(Evaluator *ev, Value *self, Atom name, const Node *site) {
    (void)site;
    Slice text = name->text;
    if (slice_starts_with(text, "__")) return NULL;
    if (text.length > 1 && text.start[text.length - 1] == '_') text.length--;
    return generator_extend(ev, (FunctionGenerator *)self, name_from(text));
}

static Value *generator_call(Evaluator *ev, Value *self, const Arguments *a) {
    const FunctionGenerator *generator = (FunctionGenerator *)self;
    if (!generator->count) return evaluator_raise_id(ev, EXCEPTION_TYPE, a->site, "func is not callable");
    Value *type = NULL;
    for (int i = 0; i < a->keyword_count; i++)
        if (slice_equals_text(a->keywords[i].name->text, "type_")) type = a->keywords[i].value;
    if (a->count == 1 && generator->count == 1 && slice_equals_text(generator->names[0].text, "next_value")) {
        Value *sequence = a->items[0];
        return value_call_method(ev, sequence, "next_value", NULL, 0, a->site);
    }
    Slice last = generator->names[generator->count - 1].text;
    if (generator->count == 1 &&
        (slice_equals_ignoring_case(last, "cast") || slice_equals_ignoring_case(last, "extract"))) {
        Value *special =
            atom_map_get(&evaluator_import(ev, "sqlalchemy")->names, atom_intern(evaluator_atoms(ev), last));
        if (special) return value_call(ev, special, a);
    }
    Element *function = element_call(ev, generator->names[generator->count - 1], a->items, a->count, type, a->site);
    if (!function) return NULL;
    if (generator->count > 1) {
        FunctionElement *f = FUNCTION(function);
        f->packages = generator->names;
        f->package_count = generator->count - 1;
        if (f->generic) {
            f->generic = f->no_parentheses = false;
            f->written = (Slice){"", 0};
            function->name = generator->names[generator->count - 1];
            if (!type) function->type = type_of_kind(ev, TYPE_NULL);
        }
    }
    return element_value(function);
}

static const Type generator_type = {
    .name = "_FunctionGenerator",
    .kind = VALUE_NATIVE,
    .get_attribute = generator_get_attribute,
    .call = generator_call,
    .has_attributes = true,
};

static Value *generator_extend(Evaluator *ev, const FunctionGenerator *from, Name name) {
    FunctionGenerator *made = instance_allocate(ev, from->head.head.cls, sizeof *made);
    made->names = ARENA_ARRAY(evaluator_arena(ev), Name, from->count + 1);
    for (int i = 0; i < from->count; i++) made->names[i] = from->names[i];
    made->names[from->count] = name;
    made->count = from->count + 1;
    return &made->head.head;
}

void functions_define(Evaluator *ev, ModuleValue *module) {
    static const NativeClass spec = {.name = "_FunctionGenerator", .instance_type = &generator_type};
    Class *cls = module_define_class(ev, module, &spec, NULL);
    FunctionGenerator *func = instance_allocate(ev, cls, sizeof *func);
    module_define(ev, module, "func", &func->head.head);
    module_define(ev, module, "modifier", &func->head.head);
}

/* ---- OVER ---- */

static bool clause_elements(Evaluator *ev, Value *value, ElementList *out, CoerceRole role, const Node *site) {
    if (!value || value_is_none(value)) return true;
    if (!value_is_element(value) && (value_is(value, VALUE_LIST) || value_is(value, VALUE_TUPLE))) {
        const ListValue *list = (const ListValue *)value;
        for (int i = 0; i < list->count; i++)
            if (!clause_elements(ev, list->items[i], out, role, site)) return false;
        return true;
    }
    Element *element = element_coerce(ev, value, role, site);
    if (!element) return false;
    if (element->kind == EL_CLAUSE_LIST) {
        for (int i = 0; i < element->count; i++) element_list_push(ev, out, element->children[i]);
        return true;
    }
    element_list_push(ev, out, element_group(ev, element, SA_COMMA));
    return true;
}

static bool frame_bound(Evaluator *ev, Value *value, FrameBound *out, const Node *site) {
    if (value_is_none(value)) {
        out->unbounded = true;
        return true;
    }
    int64_t number = 0;
    if (!value_as_integer(value, &number)) {
        sa_raise(ev, SA_ARGUMENT_ERROR, site, "Integer or None expected for range value");
        return false;
    }
    out->current = number == 0;
    out->following = number > 0;
    out->number = number < 0 ? -number : number;
    out->bind = element_bind_typed(ev, value_integer(ev, out->number), type_of_kind(ev, TYPE_INTEGER), site);
    return true;
}

static bool frame_read(Evaluator *ev, Value *value, const char *word, OverElement *over, const Node *site) {
    if (!value || value_is_none(value)) return true;
    if (over->frame.length) {
        sa_raise(ev, SA_ARGUMENT_ERROR, site, "only one of 'rows', 'range_', or 'groups' may be provided");
        return false;
    }
    if (!value_is(value, VALUE_TUPLE) || ((const ListValue *)value)->count != 2) {
        sa_raise(ev, SA_ARGUMENT_ERROR, site, "2-tuple expected for range/rows");
        return false;
    }
    const ListValue *pair = (const ListValue *)value;
    over->frame = slice_from(word);
    return frame_bound(ev, pair->items[0], &over->from, site) && frame_bound(ev, pair->items[1], &over->to, site);
}

Element *function_over(Evaluator *ev, Element *function, const Arguments *arguments, int skip) {
    Arguments a = *arguments;
    a.count -= skip;
    if (a.items) a.items += skip;
    if (a.nodes) a.nodes += skip;
    Value *partition = NULL, *order = NULL, *rows = NULL, *range = NULL, *groups = NULL;
    if (!arguments_bind(ev, &a, "over", "| partition_by order_by rows range_ groups", &partition, &order, &rows, &range,
                        &groups))
        return NULL;
    ElementList parts = {0};
    element_list_push(ev, &parts, function);
    if (!clause_elements(ev, partition, &parts, COERCE_ORDER_BY, a.site)) return NULL;
    int partitions = parts.count - 1;
    if (!clause_elements(ev, order, &parts, COERCE_ORDER_BY, a.site)) return NULL;
    OverElement *over = (OverElement *)element_with_children(ev, EL_OVER, function->type, parts.items, parts.count);
    over->partition_count = partitions;
    over->order_count = parts.count - 1 - partitions;
    over->base.node = a.site;
    if (!frame_read(ev, range, "RANGE", over, a.site) || !frame_read(ev, rows, "ROWS", over, a.site) ||
        !frame_read(ev, groups, "GROUPS", over, a.site))
        return NULL;
    return &over->base;
}

Element *function_within_group(Evaluator *ev, Element *function, Value *const *order_by, int count, const Node *site) {
    ElementList parts = {0};
    element_list_push(ev, &parts, function);
    for (int i = 0; i < count; i++)
        if (!clause_elements(ev, order_by[i], &parts, COERCE_ORDER_BY, site)) return NULL;
    SaType *type = function->type;
    const KnownFunction *known = function_known(function->name.text);
    if (known && known->shape == SHAPE_ORDERED && parts.count > 1) type = parts.items[1]->type;
    Element *made = element_with_children(ev, EL_WITHIN_GROUP, type, parts.items, parts.count);
    made->node = site;
    return made;
}

Element *function_filter(Evaluator *ev, Element *function, Value *const *criteria, int count, const Node *site) {
    ElementList parts = {0};
    for (int i = 0; i < count; i++) {
        Element *criterion = element_coerce(ev, criteria[i], COERCE_WHERE, site);
        if (!criterion) return NULL;
        element_list_push(ev, &parts, criterion);
    }
    Element *inner = function;
    if (function->kind == EL_FUNCTION_FILTER) {
        ElementList all = {0};
        element_list_push(ev, &all, function->children[1]);
        for (int i = 0; i < parts.count; i++) element_list_push(ev, &all, parts.items[i]);
        parts = all;
        inner = function->children[0];
    }
    if (!parts.count) return function;
    Element *children[2] = {inner, parts.count > 1 ? element_and(ev, parts.items, parts.count) : parts.items[0]};
    Element *made = element_with_children(ev, EL_FUNCTION_FILTER, function->type, children, 2);
    made->node = site;
    return made;
}

static Value *method_over(Evaluator *ev, Value *self, const Arguments *a) {
    return element_value(function_over(ev, (Element *)self, a, 0));
}

static Value *method_within_group(Evaluator *ev, Value *self, const Arguments *a) {
    return element_value(function_within_group(ev, (Element *)self, a->items, a->count, a->site));
}

static Value *method_filter(Evaluator *ev, Value *self, const Arguments *a) {
    return element_value(function_filter(ev, (Element *)self, a->items, a->count, a->site));
}

/* ---- functions as FROM clauses ---- */

static Element *function_alias(Evaluator *ev, Element *function, Value *name) {
    Name given = name && value_is(name, VALUE_STRING) ? name_from_value(ev, name) : (Name){0};
    Element *alias = element_from_of_kind(ev, EL_TABLE_VALUED, function, given);
    if (!given.text.length) alias->name = name_anonymous(ev, alias->id, SLICE("anon"));
    alias->type = function->type;
    return alias;
}

static Value *method_alias(Evaluator *ev, Value *self, const Arguments *a) {
    Value *name = NULL, *implicit = NULL;
    if (!arguments_bind(ev, a, "alias", "| name joins_implicitly", &name, &implicit)) return NULL;
    Element *alias = function_alias(ev, (Element *)self, name);
    FROM(alias)->columns_ready = true;
    Element *column = element_column(ev, alias->name, alias->type, alias);
    COLUMN(column)->is_whole_row = true;
    element_list_push(ev, &FROM(alias)->columns, column);
    FROM(alias)->table_valued_column = true;
    return element_value(alias);
}

static Element *valued_column(Evaluator *ev, Value *value, Element *alias, const Node *site) {
    Element *element = element_of(ev, value);
    if (element && element->kind == EL_COLUMN) {
        Element *column = element_column(ev, element->name, element->type, alias);
        COLUMN(column)->key = COLUMN(element)->key;
        return column;
    }
    if (!value_is(value, VALUE_STRING))
        return sa_raise(ev, SA_ARGUMENT_ERROR, site, "Column expression expected, got %.*s.",
                        SLICE_ARGS(value_repr(ev, value)));
    return element_column(ev, name_from_value(ev, value), NULL, alias);
}

static Value *method_table_valued(Evaluator *ev, Value *self, const Arguments *a) {
    Value *columns = NULL, *ordinality = NULL, *implicit = NULL, *name = NULL;
    if (!arguments_bind(ev, a, "table_valued", "| *expr with_ordinality joins_implicitly name", &columns, &ordinality,
                        &implicit, &name))
        return NULL;
    Element *function = element_copy(ev, (Element *)self);
    Element *alias = function_alias(ev, function, name);
    FROM(alias)->columns_ready = true;
    for (int i = 0; i < a->count; i++) {
        Element *column = valued_column(ev, a->items[i], alias, a->site);
        if (!column) return NULL;
        element_list_push(ev, &FROM(alias)->columns, column);
    }
    if (ordinality && !value_is_none(ordinality)) {
        Element *column = valued_column(ev, ordinality, alias, a->site);
        if (!column) return NULL;
        column->type = type_of_kind(ev, TYPE_INTEGER);
        element_list_push(ev, &FROM(alias)->columns, column);
        FUNCTION(function)->with_ordinality = true;
    }
    return element_value(alias);
}

static Value *method_column_valued(Evaluator *ev, Value *self, const Arguments *a) {
    Value *alias = method_alias(ev, self, a);
    return alias ? element_value(FROM((Element *)alias)->columns.items[0]) : NULL;
}

static Value *method_scalar_table_valued(Evaluator *ev, Value *self, const Arguments *a) {
    Value *name = NULL, *type = NULL;
    if (!arguments_bind(ev, a, "scalar_table_valued", "name | type_", &name, &type)) return NULL;
    Element *function = (Element *)self;
    SaType *given = type && !value_is_none(type) ? type_from_value(ev, type, a->site) : NULL;
    if (evaluator_error_pending(ev)) return NULL;
    Element *made = element_with_children(ev, EL_FUNCTION_COLUMN, given, &function, 1);
    made->name = name_from_value(ev, name);
    return element_value(made);
}

static Value *method_as_comparison(Evaluator *ev, Value *self, const Arguments *a) {
    Value *left = NULL, *right = NULL;
    int64_t sides[2] = {1, 2};
    if (!arguments_bind(ev, a, "as_comparison", "left_index right_index", &left, &right)) return NULL;
    value_as_integer(left, &sides[0]);
    value_as_integer(right, &sides[1]);
    Element *copy = element_copy(ev, (Element *)self);
    FUNCTION(copy)->as_comparison = true;
    FUNCTION(copy)->left_index = (int)sides[0] - 1;
    FUNCTION(copy)->right_index = (int)sides[1] - 1;
    copy->type = type_of_kind(ev, TYPE_BOOLEAN);
    return element_value(copy);
}

static Value *method_select(Evaluator *ev, Value *self, const Arguments *a) {
    (void)a;
    Select *select = select_new(ev);
    select_add_column(ev, select, (Element *)self);
    return element_value(&select->head.head.base);
}

const NativeMethod function_methods[] = {
    {"over", method_over, NATIVE_METHOD, NULL},
    {"within_group", method_within_group, NATIVE_METHOD, NULL},
    {"filter", method_filter, NATIVE_METHOD, NULL},
    {"alias", method_alias, NATIVE_METHOD, NULL},
    {"table_valued", method_table_valued, NATIVE_METHOD, NULL},
    {"column_valued", method_column_valued, NATIVE_METHOD, NULL},
    {"scalar_table_valued", method_scalar_table_valued, NATIVE_METHOD, NULL},
    {"as_comparison", method_as_comparison, NATIVE_METHOD, NULL},
    {"select", method_select, NATIVE_METHOD, NULL},
    {NULL, NULL, NATIVE_METHOD, NULL},
};
