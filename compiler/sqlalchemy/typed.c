/*
 * Operators that only expressions of certain types have: JSON paths, array and range operators, hstore, regular
 * expressions, full text search.
 *
 * Input: an expression, the method's name, its arguments. Output: a binary expression or function of the right result
 * type; NULL without an error where another meaning of the method applies.
 * Invariants: a custom operator's precedence is that of indexing for access and of equality for tests.
 * Example: data["a"]["b"].astext == "x" is (data -> 'a' -> 'b' as text: ->>) = 'x' with eager parentheses.
 */
#include "compiler/sqlalchemy/face.h"

#define INDEXING 15
#define EQUALITY 5

typedef struct TypedOperator {
    const char *method;
    TypeKind affinity;
    CustomOp op;
} TypedOperator;

#define OPERATOR_TEXT(literal)                                                                                         \
    { (literal), sizeof(literal) - 1 }
/* text, precedence, comparison, self precedent, eager grouping */
#define TEST(text)                                                                                                     \
    { OPERATOR_TEXT(text), EQUALITY, true, true, true, NULL, NULL }
#define PLAIN(text)                                                                                                    \
    { OPERATOR_TEXT(text), EQUALITY, true, false, false, NULL, NULL }
#define ACCESS(text)                                                                                                   \
    { OPERATOR_TEXT(text), INDEXING, false, true, true, NULL, NULL }
static const TypedOperator typed_operators[] = {
    {"contains", TYPE_ARRAY, TEST("@>")},
    {"contains", TYPE_JSON, TEST("@>")},
    {"contains", TYPE_HSTORE, TEST("@>")},
    {"contains", TYPE_RANGE, TEST("@>")},
    {"contained_by", TYPE_ARRAY, TEST("<@")},
    {"contained_by", TYPE_JSON, TEST("<@")},
    {"contained_by", TYPE_HSTORE, TEST("<@")},
    {"contained_by", TYPE_RANGE, TEST("<@")},
    {"overlap", TYPE_ARRAY, PLAIN("&&")},
    {"overlaps", TYPE_RANGE, PLAIN("&&")},
    {"has_key", TYPE_JSON, TEST("?")},
    {"has_key", TYPE_HSTORE, TEST("?")},
    {"has_all", TYPE_JSON, TEST("?&")},
    {"has_all", TYPE_HSTORE, TEST("?&")},
    {"has_any", TYPE_JSON, TEST("?|")},
    {"has_any", TYPE_HSTORE, TEST("?|")},
    {"delete_path", TYPE_JSON, ACCESS("#-")},
    {"path_exists", TYPE_JSON, TEST("@?")},
    {"path_match", TYPE_JSON, TEST("@@")},
    {"adjacent_to", TYPE_RANGE, PLAIN("-|-")},
    {"strictly_left_of", TYPE_RANGE, PLAIN("<<")},
    {"strictly_right_of", TYPE_RANGE, PLAIN(">>")},
    {"not_extend_right_of", TYPE_RANGE, PLAIN("&<")},
    {"not_extend_left_of", TYPE_RANGE, PLAIN("&>")},
    {"__lshift__", TYPE_RANGE, PLAIN("<<")},
    {"__rshift__", TYPE_RANGE, PLAIN(">>")},
    {"__lshift__", TYPE_INET, PLAIN("<<")},
    {"__rshift__", TYPE_INET, PLAIN(">>")},
    {"->>", TYPE_JSON, ACCESS("->>")},
    {"#>>", TYPE_JSON, ACCESS("#>>")},
    {"->", TYPE_HSTORE, ACCESS("->")},
};

static const CustomOp *typed_operator(const char *method, const SaType *type) {
    if (type->kind == TYPE_ARRAY) return NULL; /* these are PostgreSQL's */
    for (size_t i = 0; i < sizeof typed_operators / sizeof *typed_operators; i++)
        if (strcmp(typed_operators[i].method, method) == 0 && typed_operators[i].affinity == type->affinity)
            return &typed_operators[i].op;
    return NULL;
}

static Op custom(const CustomOp *op) { return (Op){.id = SA_CUSTOM, .custom = op}; }

Element *element_shift(Evaluator *ev, Element *left, bool to_left, Value *right, const Node *site) {
    const CustomOp *op = typed_operator(to_left ? "__lshift__" : "__rshift__", left->type);
    if (!op) return NULL;
    return element_operate_op(ev, custom(op), left, right, false, type_of_kind(ev, TYPE_BOOLEAN), site);
}

/* ---- indexing ---- */

static Element *json_index(Evaluator *ev, Element *element, Value *key, const Node *site) {
    bool path = value_is(key, VALUE_LIST) || value_is(key, VALUE_TUPLE);
    Op op = op_of(path ? SA_JSON_PATH_GETITEM : SA_JSON_GETITEM);
    SaType *key_type = type_of_kind(ev, path ? TYPE_JSON_PATH : TYPE_JSON_INDEX);
    Element *index = element_coerce_operand(ev, element, op, key, key_type, site);
    return index ? element_for_op(ev, element, index, op, op_of(SA_NONE), element->type) : NULL;
}

static Value *shifted(Evaluator *ev, Value *value, bool shift, const Node *site) {
    if (!value || value_is_none(value) || !shift) return value;
    return value_binary(ev, OP_Add, value, value_integer(ev, 1), site);
}

static Element *slice_bound(Evaluator *ev, Value *value, const Node *site) {
    if (!value || value_is_none(value)) return sa_state(ev)->null_element;
    Element *element = element_of(ev, value);
    return element ? element : element_bind_typed(ev, value, type_of_kind(ev, TYPE_INTEGER), site);
}

static Element *array_slice(Evaluator *ev, Element *element, const SliceValue *slice, const Node *site) {
    bool shift = element->type->zero_indexes;
    Value *lower = shifted(ev, slice->lower, shift, site), *upper = shifted(ev, slice->upper, shift, site);
    if (evaluator_error_pending(ev)) return NULL;
    Element *parts[2] = {slice_bound(ev, lower, site), slice_bound(ev, upper, site)};
    Element *range = element_with_children(ev, EL_SLICE, NULL, parts, 2);
    return element_for_op(ev, element, range, op_of(SA_GETITEM), op_of(SA_NONE), element->type);
}

static Element *array_index(Evaluator *ev, Element *element, Value *key, const Node *site) {
    if (value_is(key, VALUE_SLICE)) return array_slice(ev, element, (const SliceValue *)key, site);
    if (value_is(key, VALUE_INTEGER)) key = shifted(ev, key, element->type->zero_indexes, site);
    SaType *type = element->type->item ? element->type->item : type_of_kind(ev, TYPE_NULL);
    if (element->type->dimensions > 1) {
        type = type_copy(ev, element->type);
        type->dimensions--;
    }
    Op op = op_of(SA_GETITEM);
    SaType *integer = type_of_kind(ev, TYPE_INTEGER);
    Element *index = element_coerce_operand(ev, element, op, key, value_is(key, VALUE_INTEGER) ? integer : NULL, site);
    return index ? element_for_op(ev, element, index, op, op_of(SA_NONE), type) : NULL;
}

void *sa_raise_not_implemented(Evaluator *ev, const Node *site, const char *operator_name) {
    return evaluator_raise_id(ev, EXCEPTION_NOT_IMPLEMENTED, site, "Operator '%s' is not supported on this expression",
                              operator_name);
}

Element *element_index(Evaluator *ev, Element *element, Value *key, const Node *site) {
    if (!key) return NULL;
    if (element->type->affinity == TYPE_JSON) return json_index(ev, element, key, site);
    if (element->type->affinity == TYPE_ARRAY) return array_index(ev, element, key, site);
    if (element->type->affinity == TYPE_HSTORE) {
        const CustomOp *op = typed_operator("->", element->type);
        return element_operate_op(ev, custom(op), element, key, false, type_of_kind(ev, TYPE_TEXT), site);
    }
    return sa_raise_not_implemented(ev, site, "getitem");
}

Element *element_as_text(Evaluator *ev, Element *element, const Node *site) {
    (void)site;
    bool path = element->kind == EL_BINARY && OPERATOR(element)->op.id == SA_JSON_PATH_GETITEM;
    if (element->kind != EL_BINARY || (!path && OPERATOR(element)->op.id != SA_JSON_GETITEM)) return NULL;
    const CustomOp *op = typed_operator(path ? "#>>" : "->>", element->type);
    return element_for_op(ev, element->children[0], element->children[1], custom(op), op_of(SA_NONE),
                          type_of_kind(ev, TYPE_TEXT));
}

/* ---- methods by type ---- */

/* The path as an array of text, whatever it was given as. */
static Element *delete_path(Evaluator *ev, Element *element, Op op, Value *path, const Node *site) {
    SaType *type = type_copy(ev, type_of_kind(ev, TYPE_PG_ARRAY));
    type->item = type_of_kind(ev, TYPE_SQL_TEXT);
    Element *array = element_of(ev, path);
    if (!array) {
        Element *like = element_with_children(ev, EL_ARRAY, type, NULL, 0);
        array = element_bind_compared(ev, like, op, path, NULL, site);
    }
    if (!array) return NULL;
    return element_for_op(ev, element, element_cast_to(ev, array, type), op, op_of(SA_NONE), element->type);
}

static Element *typed_operate(Evaluator *ev, Element *element, const char *method, const Arguments *a) {
    Value *other = NULL, *rest = NULL, *keywords = NULL;
    const CustomOp *op = typed_operator(method, element->type);
    if (!op) return sa_raise_not_implemented(ev, a->site, method);
    if (!arguments_bind(ev, a, method, "other *rest **keywords", &other, &rest, &keywords)) return NULL;
    SaType *result = op->comparison ? type_of_kind(ev, TYPE_BOOLEAN) : element->type;
    Op made = custom(op);
    SaType *forced = NULL;
    if (element->type->affinity == TYPE_JSON && op->comparison && (op->text.start[0] == '?')) {
        forced = type_of_kind(ev, TYPE_TEXT);
        if (op->text.length > 1) {
            forced = type_copy(ev, type_of_kind(ev, TYPE_ARRAY));
            forced->item = type_of_kind(ev, TYPE_TEXT);
        }
    }
    if (element->type->affinity == TYPE_HSTORE && op->text.start[0] == '?') forced = type_of_kind(ev, TYPE_TEXT);
    if (strcmp(method, "delete_path") == 0) return delete_path(ev, element, made, other, a->site);
    Element *right = element_coerce_operand(ev, element, made, other, forced, a->site);
    return right ? element_for_op(ev, element, right, made, op_of(SA_NONE), result) : NULL;
}

Element *element_type_contains(Evaluator *ev, Element *element, const Arguments *a) {
    TypeKind affinity = element->type->affinity;
    if (affinity == TYPE_JSON && !type_is(element->type, TYPE_PG_JSONB)) return NULL;
    if (affinity != TYPE_ARRAY && affinity != TYPE_JSON && affinity != TYPE_HSTORE && affinity != TYPE_RANGE)
        return NULL;
    if (element->type->kind == TYPE_ARRAY)
        return evaluator_raise_id(ev, EXCEPTION_NOT_IMPLEMENTED, a->site,
                                  "ARRAY.contains() not implemented for the base ARRAY type; please use the "
                                  "dialect-specific ARRAY type");
    return typed_operate(ev, element, "contains", a);
}

static Element *json_as(Evaluator *ev, Element *element, const char *method, const Arguments *a) {
    if (element->kind != EL_BINARY ||
        (OPERATOR(element)->op.id != SA_JSON_GETITEM && OPERATOR(element)->op.id != SA_JSON_PATH_GETITEM))
        return sa_raise(ev, SA_INVALID_REQUEST_ERROR, a->site,
                        "The JSON cast operator JSON.%s() only works with a JSON index expression e.g. col['q'].%s()",
                        method, method);
    SaType *type = element->type;
    if (strcmp(method, "as_string") == 0) type = type_of_kind(ev, TYPE_UNICODE);
    if (strcmp(method, "as_integer") == 0) type = type_of_kind(ev, TYPE_INTEGER);
    if (strcmp(method, "as_float") == 0) type = type_of_kind(ev, TYPE_FLOAT);
    if (strcmp(method, "as_boolean") == 0) type = type_of_kind(ev, TYPE_BOOLEAN);
    if (strcmp(method, "as_numeric") == 0) {
        Value *precision = NULL, *scale = NULL, *decimal = NULL;
        if (!arguments_bind(ev, a, method, "precision scale | asdecimal", &precision, &scale, &decimal)) return NULL;
        type = type_new(ev, TYPE_NUMERIC);
        value_as_integer(precision, &type->precision);
        value_as_integer(scale, &type->scale);
    }
    Element *copy = element_copy(ev, element);
    copy->type = type;
    copy->original = NULL;
    return copy;
}

/* R(method, function, result): hstore's methods that are functions of the server. */
typedef struct HstoreFunction {
    const char *method, *function;
    TypeKind result;
} HstoreFunction;
static const HstoreFunction hstore_functions[] = {
    {"keys", "akeys", TYPE_ARRAY},
    {"vals", "avals", TYPE_ARRAY},
    {"defined", "defined", TYPE_BOOLEAN},
    {"delete", "delete", TYPE_HSTORE},
    {"slice", "slice", TYPE_HSTORE},
    {"array", "hstore_to_array", TYPE_ARRAY},
    {"matrix", "hstore_to_matrix", TYPE_ARRAY},
};

static Element *hstore_call(Evaluator *ev, Element *element, const char *method, const Arguments *a) {
    for (size_t i = 0; i < sizeof hstore_functions / sizeof *hstore_functions; i++) {
        const HstoreFunction *row = &hstore_functions[i];
        if (strcmp(row->method, method) != 0) continue;
        Element *parts[2] = {element, NULL};
        int count = 1;
        if (a->count) {
            parts[count++] = element_coerce_operand(ev, element, op_of(SA_COMMA), a->items[0], NULL, a->site);
            if (!parts[1]) return NULL;
        }
        SaType *type = row->result == TYPE_HSTORE ? element->type : type_of_kind(ev, row->result);
        return element_function(ev, slice_from(row->function), type, parts, count);
    }
    return NULL;
}

Element *element_type_operator(Evaluator *ev, Element *element, const char *method, const Arguments *a) {
    if (strncmp(method, "as_", 3) == 0 && element->type->affinity == TYPE_JSON) return json_as(ev, element, method, a);
    if (element->type->affinity == TYPE_HSTORE) {
        Element *call = hstore_call(ev, element, method, a);
        if (call || evaluator_error_pending(ev)) return call;
    }
    if (element->type->affinity == TYPE_RANGE) {
        SaOperator arithmetic = strcmp(method, "union") == 0          ? SA_ADD
                                : strcmp(method, "intersection") == 0 ? SA_MUL
                                : strcmp(method, "difference") == 0   ? SA_SUB
                                                                      : SA_NONE;
        if (arithmetic != SA_NONE && a->count == 1)
            return element_operate(ev, arithmetic, element, a->items[0], false, a->site);
    }
    if (!typed_operator(method, element->type))
        return evaluator_raise_id(ev, EXCEPTION_ATTRIBUTE, a->site,
                                  "Neither '%s' object nor 'Comparator' object has an attribute '%s'",
                                  element->head.head.cls->name->text.start, method);
    return typed_operate(ev, element, method, a);
}

Element *element_array_any(Evaluator *ev, Element *element, SaOperator aggregate, const Arguments *a) {
    Value *other = NULL, *operator_given = NULL;
    const char *name = aggregate == SA_ANY ? "any" : "all";
    if (element->type->affinity != TYPE_ARRAY)
        return evaluator_raise_id(ev, EXCEPTION_ATTRIBUTE, a->site,
                                  "Neither '%s' object nor 'Comparator' object has an attribute '%s'",
                                  element->head.head.cls->name->text.start, name);
    if (!arguments_bind(ev, a, name, "other | operator", &other, &operator_given)) return NULL;
    SaOperator op = SA_EQ;
    if (operator_given && !value_is_none(operator_given)) value_as_operator(operator_given, &op);
    Element *left = element_coerce_operand(ev, element, op_of(op), other, element->type->item, a->site);
    if (!left) return NULL;
    Element *right = element_collection_aggregate(ev, element, aggregate);
    return element_binary_op(ev, left, right, op_of(op), op_of(SA_NONE), NULL);
}

/* ---- full text and regular expressions ---- */

static void match_flag(const Arguments *a, const char *name, int *flag) {
    for (int i = 0; i < a->keyword_count; i++)
        if (slice_equals_text(a->keywords[i].name->text, name)) *flag = value_is_true(a->keywords[i].value) ? 1 : 0;
}

Element *element_match(Evaluator *ev, Element *element, const Arguments *a) {
    Value *other = NULL, *rest = NULL, *keywords = NULL;
    if (!arguments_bind(ev, a, "match", "other *rest **keywords", &other, &rest, &keywords)) return NULL;
    Element *right = element_coerce_operand(ev, element, op_of(SA_MATCH), other, NULL, a->site);
    if (!right) return NULL;
    Element *made =
        element_binary_op(ev, element, right, op_of(SA_MATCH), op_of(SA_NOT_MATCH), type_of_kind(ev, TYPE_MATCH));
    OperatorElement *match = OPERATOR(made);
    int modes[3] = {1, 0, 0};
    match_flag(a, "mysql_boolean_mode", &modes[0]);
    match_flag(a, "mysql_natural_language", &modes[1]);
    match_flag(a, "mysql_query_expansion", &modes[2]);
    match->match_modes = modes[0] | modes[1] << 1 | modes[2] << 2;
    for (int i = 0; i < a->keyword_count; i++)
        if (slice_equals_text(a->keywords[i].name->text, "postgresql_regconfig") &&
            value_is(a->keywords[i].value, VALUE_STRING)) {
            match->flags = value_text(a->keywords[i].value);
            match->has_flags = true;
        }
    return made;
}

Element *element_regexp(Evaluator *ev, Element *element, Value *pattern, Value *replacement, Value *flags,
                        const Node *site) {
    Op comma = op_of(SA_COMMA);
    Element *right = element_coerce_operand(ev, element, comma, pattern, NULL, site);
    if (!right) return NULL;
    Element *made;
    if (replacement) {
        Element *parts[2] = {right, element_coerce_operand(ev, element, comma, replacement, NULL, site)};
        if (!parts[1]) return NULL;
        right = element_operator_list(ev, comma, parts, 2, false, NULL);
        made = element_binary_op(ev, element, right, op_of(SA_REGEXP_REPLACE), op_of(SA_NONE), NULL);
    } else {
        made = element_binary_op(ev, element, right, op_of(SA_REGEXP_MATCH), op_of(SA_NOT_REGEXP_MATCH), NULL);
    }
    if (flags && value_is(flags, VALUE_STRING)) {
        OPERATOR(made)->flags = value_text(flags);
        OPERATOR(made)->has_flags = true;
    }
    return made;
}
