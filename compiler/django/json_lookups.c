/*
 * JSON: keys and paths as transforms, and the lookups of JSON values. Each database reads a path in its own way, so the
 * chain of keys is collected here and written at once.
 *
 *     data__a__0="x"    PostgreSQL  ("data" #> $1) = $2::jsonb                        ["a", "0"], '"x"'
 *                       SQLite      (CASE … END) = JSON_EXTRACT(?, '$')               '$."a"[0]'
 *                       MariaDB     JSON_UNQUOTE(JSON_EXTRACT("data", ?)) = JSON_EXTRACT(?, '$')
 */
#include "compiler/django/django.h"
#include "compiler/django/field_prepare.h"
#include "compiler/django/function_table.h"
#include "compiler/django/lookup_compile.h"
#include "compiler/django/query.h"
#include "compiler/django/query_state.h"
#include "compiler/django/type_lookups.h"

static Arena *arena_of(DjCompiler *compiler) { return evaluator_arena(compiler->ev); }

/* ---- transforms ---- */

static DjOutcome compile_key(DjCompiler *compiler, DjExpr *expr, Expr **out);
static bool construct_key(Evaluator *ev, DjExpr *expr, const Arguments *arguments);

static const DjFunction key_transform = {.name = "KeyTransform",
                                         .transform = "NULL",
                                         .min_args = 2,
                                         .max_args = 2,
                                         .output = DJO_FIRST,
                                         .construct = construct_key,
                                         .compile = compile_key};
static const DjFunction key_text_transform = {.name = "KeyTextTransform",
                                              .transform = "NULL",
                                              .min_args = 2,
                                              .max_args = 2,
                                              .output = DJO_TEXT,
                                              .construct = construct_key,
                                              .compile = compile_key};

static bool is_key(const DjExpr *expr) {
    return expr->kind == DJ_FUNC && (expr->as.func.spec == &key_transform || expr->as.func.spec == &key_text_transform);
}

static DjExpr *key_of(Evaluator *ev, const DjFunction *spec, DjExpr *lhs, Slice key, const Node *site) {
    DjExpr *made = dj_function_new(ev, spec, &lhs, 1, site);
    made->as.func.unit = key;
    made->flags |= lhs->flags & DJ_RESOLVED;
    return made;
}

DjExpr *dj_json_transform(Evaluator *ev, DjExpr *lhs, Slice name, const Node *site) {
    return key_of(ev, &key_transform, lhs, name, site);
}

/* KeyTransform("key", "field") */
static bool construct_key(Evaluator *ev, DjExpr *expr, const Arguments *arguments) {
    if (arguments->count != 2)
        return evaluator_raise_id(ev, EXCEPTION_TYPE, arguments->site, "%s takes a key and an expression",
                                  expr->as.func.spec->name) != NULL;
    Value *key = value_str(ev, arguments->items[0], arguments->site);
    if (!key) return false;
    expr->as.func.unit = value_is(key, VALUE_STRING) ? value_text(key) : (Slice){"", 0};
    return dj_function_sources(ev, expr, arguments->items + 1, 1, arguments->nodes ? arguments->nodes + 1 : NULL);
}

/* KT("field__key__other") */
static Value *kt_call(Evaluator *ev, Value *self, const Arguments *arguments) {
    (void)self;
    Value *path = NULL;
    if (!arguments_bind(ev, arguments, "KT", "lookup", &path)) return NULL;
    Slice rest = value_is(path, VALUE_STRING) ? value_text(path) : (Slice){"", 0};
    DjExpr *expr = NULL;
    while (true) {
        size_t end = 0;
        while (end < rest.length && !(rest.start[end] == '_' && end + 1 < rest.length && rest.start[end + 1] == '_'))
            end++;
        Slice name = slice_sub(rest, 0, end);
        expr = expr ? key_of(ev, &key_text_transform, expr, name, arguments->site) : dj_f(ev, name, arguments->site);
        if (end == rest.length) break;
        rest = slice_sub(rest, end + 2, rest.length);
    }
    if (expr->kind == DJ_F)
        return evaluator_raise_id(ev, EXCEPTION_VALUE, arguments->site, "Lookup must contain key or index transforms.");
    return (Value *)expr;
}

void dj_json_define(Evaluator *ev, ModuleValue *module) {
    dj_function_class(ev, module, &key_transform, dj_state(ev)->transform_class);
    dj_function_class(ev, module, &key_text_transform, dj_state(ev)->transform_class);
    module_define_function(ev, module, "KT", kt_call);
}

/* ---- paths ---- */

typedef struct KeyPath {
    Slice keys[64];
    int count;
    DjExpr *source; /* what the path starts at */
} KeyPath;

static bool key_path(DjCompiler *compiler, DjExpr *expr, KeyPath *out) {
    int count = 0;
    DjExpr *at = expr;
    for (; is_key(at); at = at->args[0]) count++;
    if (count > 64) {
        evaluator_raise_id(compiler->ev, EXCEPTION_VALUE, expr->site, "a JSON path of more than 64 keys");
        return false;
    }
    out->source = at;
    out->count = count;
    for (at = expr; is_key(at); at = at->args[0]) out->keys[--count] = at->as.func.unit;
    return true;
}

/* As Python's int() takes it. */
static bool key_is_number(Slice key, int64_t *number) {
    size_t at = key.length && (key.start[0] == '-' || key.start[0] == '+') ? 1 : 0;
    if (at == key.length || key.length > 18) return false;
    *number = 0;
    for (; at < key.length; at++) {
        if (key.start[at] < '0' || key.start[at] > '9') return false;
        *number = *number * 10 + (key.start[at] - '0');
    }
    if (key.start[0] == '-') *number = -*number;
    return true;
}

static bool path_append(DjCompiler *compiler, Buffer *path, Slice key, bool numbers, const Node *site) {
    int64_t number;
    if (numbers && key_is_number(key, &number)) {
        buffer_format(path, "[%lld]", (long long)number);
        return true;
    }
    Slice quoted;
    if (!value_dump_json(compiler->ev, value_string(compiler->ev, key), NULL, site, &quoted)) return false;
    buffer_put(path, '.');
    buffer_slice(path, quoted);
    return true;
}

static Expr *text_param(DjCompiler *compiler, Slice text, SqlType type, const Node *site) {
    Param *param = ARENA_NEW(arena_of(compiler), Param);
    param->type = type;
    param->value = (Literal){.kind = LITERAL_TEXT, .text = slice_copy(arena_of(compiler), text)};
    if (site) param->span = evaluator_span(compiler->ev, site);
    return expr_param(arena_of(compiler), param);
}

/* '$."a"[0]' as a parameter; `last` may be empty: a key that is never an index. */
static Expr *path_param(DjCompiler *compiler, const KeyPath *path, const Slice *more, int more_count, bool last_is_key,
                        const Node *site) {
    Buffer text;
    buffer_init(&text, arena_of(compiler));
    buffer_put(&text, '$');
    for (int i = 0; i < path->count; i++)
        if (!path_append(compiler, &text, path->keys[i], true, site)) return NULL;
    for (int i = 0; i < more_count; i++)
        if (!path_append(compiler, &text, more[i], !(last_is_key && i + 1 == more_count), site)) return NULL;
    return text_param(compiler, buffer_view(&text), SQL_TEXT, site);
}

static Expr *text_array(DjCompiler *compiler, const Slice *items, int count) {
    Arena *arena = arena_of(compiler);
    Param *param = ARENA_NEW(arena, Param);
    param->type = SQL_ARRAY;
    param->item_type = SQL_TEXT;
    param->value = (Literal){.kind = LITERAL_ARRAY, .items = ARENA_ARRAY(arena, Literal, count + 1), .count = count};
    for (int i = 0; i < count; i++) param->value.items[i] = (Literal){.kind = LITERAL_TEXT, .text = items[i]};
    return expr_param(arena, param);
}

/* PostgreSQL: one key or index, or a path as an array of texts. */
static DjOutcome compile_key_postgresql(DjCompiler *compiler, DjExpr *expr, const KeyPath *path, Expr *source,
                                        Expr **out) {
    Arena *arena = arena_of(compiler);
    bool text = expr->as.func.spec == &key_text_transform;
    SqlType type = text ? SQL_TEXT : SQL_JSON;
    if (path->count > 1) {
        *out = expr_function(arena, text ? FUNCTION_JSON_PATH_TEXT : FUNCTION_JSON_PATH, type, 2, source,
                             text_array(compiler, path->keys, path->count));
        return DJ_SQL;
    }
    int64_t number;
    Expr *key;
    if (key_is_number(path->keys[0], &number)) {
        DjOutcome outcome = dj_compile_value(compiler, value_integer(compiler->ev, number), NULL, expr->site, &key);
        if (outcome != DJ_SQL) return outcome;
    } else {
        key = text_param(compiler, path->keys[0], SQL_TEXT, expr->site);
    }
    *out = expr_function(arena, text ? FUNCTION_JSON_KEY_TEXT : FUNCTION_JSON_KEY, type, 2, source, key);
    return DJ_SQL;
}

static DjOutcome compile_key(DjCompiler *compiler, DjExpr *expr, Expr **out) {
    KeyPath path;
    Expr *source;
    if (!key_path(compiler, expr, &path)) return DJ_ERROR;
    DjOutcome outcome = dj_compile(compiler, path.source, &source);
    if (outcome != DJ_SQL) return outcome;
    if (compiler->dialect->id == DIALECT_POSTGRESQL) return compile_key_postgresql(compiler, expr, &path, source, out);
    Expr *param = path_param(compiler, &path, NULL, 0, false, expr->site);
    if (!param) return DJ_ERROR;
    bool text = expr->as.func.spec == &key_text_transform;
    *out = expr_function(arena_of(compiler), text ? FUNCTION_JSON_KEY_TEXT : FUNCTION_JSON_KEY,
                         text ? SQL_TEXT : SQL_JSON, 2, source, param);
    return DJ_SQL;
}

/* ---- values to compare with ---- */

/* null, true and false come out of SQLite's JSON_TYPE as texts: they are compared as such. */
static bool is_datatype(const Expr *param) {
    if (param->kind != EXPR_PARAM || param->as.param->source != PARAM_KNOWN) return false;
    Slice text = param->as.param->value.text;
    return slice_equals_text(text, "null") || slice_equals_text(text, "true") || slice_equals_text(text, "false");
}

static DjOutcome json_value(DjCompiler *compiler, DjExpr *lookup, Value *value, Expr **out) {
    if (value_is_none(value)) {
        *out = text_param(compiler, SLICE("null"), SQL_JSON, lookup->site);
        return DJ_SQL;
    }
    return dj_compile_value(compiler, value, dj_lookup_field(compiler->ev, lookup->args[0]), lookup->site, out);
}

static Expr *wrapped(DjCompiler *compiler, FunctionId id, Expr *value) {
    return expr_function(arena_of(compiler), id, SQL_JSON, 1, value);
}

static DjOutcome compile_exact(DjCompiler *compiler, DjExpr *lookup, Expr **out) {
    Expr *left, *right;
    DjOutcome outcome = dj_lookup_left(compiler, lookup, &left);
    if (outcome != DJ_SQL) return outcome;
    outcome = lookup->args[1] ? dj_lookup_right(compiler, lookup->args[1], &right)
                              : json_value(compiler, lookup, lookup->as.lookup.rhs, &right);
    if (outcome != DJ_SQL) return outcome;
    if (right->kind == EXPR_NULL) right = text_param(compiler, SLICE("null"), SQL_JSON, lookup->site);
    if (right->kind == EXPR_PARAM && right->as.param->source == PARAM_KNOWN &&
        right->as.param->value.kind == LITERAL_NULL)
        right = text_param(compiler, SLICE("null"), SQL_JSON, lookup->site);
    bool sqlite = compiler->dialect->id == DIALECT_SQLITE && is_key(lookup->args[0]) && !is_datatype(right);
    if (right->kind == EXPR_PARAM && (sqlite || compiler->dialect->is_mysql))
        right = wrapped(compiler, FUNCTION_JSON_VALUE, right);
    *out = expr_binary(arena_of(compiler), OPERATOR_EQ, left, right, SQL_BOOLEAN);
    (*out)->span = lookup->as.lookup.span;
    return DJ_SQL;
}

static DjOutcome compile_in_item(DjCompiler *compiler, DjExpr *lookup, Value *item, Expr **out) {
    if (value_is_expr(item)) {
        DjOutcome outcome = dj_compile(compiler, value_expr(item), out);
        if (outcome == DJ_SQL && compiler->dialect->id == DIALECT_MARIADB)
            *out = wrapped(compiler, FUNCTION_JSON_UNQUOTE, *out);
        return outcome;
    }
    DjOutcome outcome = json_value(compiler, lookup, item, out);
    if (outcome != DJ_SQL || compiler->dialect->id == DIALECT_POSTGRESQL) return outcome;
    if (compiler->dialect->is_mysql || !is_datatype(*out)) *out = wrapped(compiler, FUNCTION_JSON_UNQUOTED_VALUE, *out);
    return DJ_SQL;
}

/* A list that holds expressions: all of it is compiled already. */
static DjOutcome compile_key_in_list(DjCompiler *compiler, DjExpr *lookup, Expr **out) {
    DjOutcome outcome = lookup_compile_in(compiler, lookup, out);
    if (outcome != DJ_SQL || compiler->dialect->id != DIALECT_MARIADB) return outcome;
    for (int i = 1; i < (*out)->args.count; i++)
        (*out)->args.items[i] = wrapped(compiler, FUNCTION_JSON_UNQUOTE, (*out)->args.items[i]);
    return DJ_SQL;
}

static DjOutcome compile_key_in(DjCompiler *compiler, DjExpr *lookup, Expr **out) {
    if (lookup->args[1] && lookup->args[1]->kind == DJ_LIST) return compile_key_in_list(compiler, lookup, out);
    Value *rhs = lookup->args[1] ? NULL : lookup->as.lookup.rhs;
    if (!rhs || !(value_is(rhs, VALUE_LIST) || value_is(rhs, VALUE_TUPLE)))
        return lookup_compile_in(compiler, lookup, out);
    Arena *arena = arena_of(compiler);
    Expr *left;
    DjOutcome outcome = dj_lookup_left(compiler, lookup, &left);
    if (outcome != DJ_SQL) return outcome;
    Expr *in = expr_new(arena, EXPR_IN, SQL_BOOLEAN);
    expr_list_push(arena, &in->args, left);
    in->span = lookup->as.lookup.span;
    const ListValue *list = (const ListValue *)rhs;
    for (int i = 0; i < list->count; i++) {
        if (value_is_none(list->items[i])) continue;
        Expr *item;
        outcome = compile_in_item(compiler, lookup, list->items[i], &item);
        if (outcome != DJ_SQL) return outcome;
        bool known = false;
        for (int j = 1; j < in->args.count && !known; j++) known = expr_equals(in->args.items[j], item);
        if (!known) expr_list_push(arena, &in->args, item);
    }
    *out = in;
    return in->args.count > 1 ? DJ_SQL : DJ_EMPTY;
}

static DjOutcome compile_key_isnull(DjCompiler *compiler, DjExpr *lookup, Expr **out) {
    if (compiler->dialect->id != DIALECT_SQLITE) return lookup_compile_isnull(compiler, lookup, out);
    KeyPath path;
    Expr *source;
    if (!key_path(compiler, lookup->args[0], &path)) return DJ_ERROR;
    DjOutcome outcome = dj_compile(compiler, path.source, &source);
    Expr *param = outcome == DJ_SQL ? path_param(compiler, &path, NULL, 0, false, lookup->site) : NULL;
    if (!param) return outcome == DJ_SQL ? DJ_ERROR : outcome;
    Expr *type = expr_function(arena_of(compiler), FUNCTION_JSON_TYPE, SQL_TEXT, 2, source, param);
    OperatorId op = value_is_true(lookup->as.lookup.rhs) ? OPERATOR_IS_NULL : OPERATOR_IS_NOT_NULL;
    *out = expr_unary(arena_of(compiler), op, type, SQL_BOOLEAN);
    return DJ_SQL;
}

/* lt … gte: where JSON is no type of its own the value is compared as it is. */
static DjOutcome compile_key_compare(DjCompiler *compiler, DjExpr *lookup, Expr **out) {
    if (lookup->args[1] || compiler->dialect->id == DIALECT_POSTGRESQL)
        return lookup_compile_compare(compiler, lookup, out);
    Expr *left, *right;
    DjOutcome outcome = dj_lookup_left(compiler, lookup, &left);
    if (outcome == DJ_SQL) outcome = dj_compile_value(compiler, lookup->as.lookup.rhs, NULL, lookup->site, &right);
    return outcome == DJ_SQL ? lookup_compile_with(compiler, lookup, lookup->as.lookup.spec->op, left, right, out)
                             : outcome;
}

/* ---- text lookups: of a key as text ---- */

/* The key is changed in its place: what is repeated stays one expression, with one parameter. */
static DjExpr *with_text_key(Evaluator *ev, DjExpr *lookup) {
    DjExpr *key = lookup->args[0];
    if (!is_key(key) || key->as.func.spec == &key_text_transform) return lookup;
    evaluator_touch(ev, &lookup->args[0], sizeof lookup->args[0]);
    lookup->args[0] = key_of(ev, &key_text_transform, key->args[0], key->as.func.unit, key->site);
    return lookup;
}

static DjOutcome compile_text(DjCompiler *compiler, DjExpr *lookup, Expr **out) {
    return lookup_compile_pattern(compiler, with_text_key(compiler->ev, lookup), out);
}

static DjOutcome compile_text_regex(DjCompiler *compiler, DjExpr *lookup, Expr **out) {
    return lookup_compile_plain(compiler, with_text_key(compiler->ev, lookup), out);
}

static DjOutcome compile_text_iexact(DjCompiler *compiler, DjExpr *lookup, Expr **out) {
    DjExpr *text = with_text_key(compiler->ev, lookup);
    Expr *left, *right;
    DjOutcome outcome = dj_lookup_left(compiler, text, &left);
    if (outcome != DJ_SQL) return outcome;
    Value *value = text->as.lookup.rhs;
    if (!text->args[1] && compiler->dialect->id != DIALECT_POSTGRESQL && !value_is_unknown(value))
        value = dj_like_pattern(compiler->ev, value, "", "", text->site);
    outcome = text->args[1] ? dj_lookup_right(compiler, text->args[1], &right)
              : value       ? dj_compile_value(compiler, value, NULL, text->site, &right)
                            : DJ_ERROR;
    return outcome == DJ_SQL ? lookup_compile_with(compiler, text, OPERATOR_JSON_IEXACT, left, right, out) : outcome;
}

DjExpr *dj_json_lookup_grouped(Evaluator *ev, DjExpr *lookup) {
    const DjLookup *spec = lookup->as.lookup.spec;
    bool text = spec && (spec->compile == compile_text || spec->compile == compile_text_regex ||
                         spec->compile == compile_text_iexact);
    return text ? with_text_key(ev, lookup) : lookup;
}

/* ---- contains, has_key ---- */

static DjOutcome compile_contains(DjCompiler *compiler, DjExpr *lookup, Expr **out) {
    const DjLookup *spec = lookup->as.lookup.spec;
    if (compiler->dialect->id == DIALECT_SQLITE) {
        evaluator_raise(compiler->ev, django_state(compiler->ev)->not_supported_error, lookup->as.lookup.span,
                        "%s lookup is not supported on this database backend.", spec->name);
        return DJ_ERROR;
    }
    Expr *left, *right;
    DjOutcome outcome = dj_compile(compiler, lookup->args[0], &left);
    if (outcome != DJ_SQL) return outcome;
    outcome = lookup->args[1] ? dj_lookup_right(compiler, lookup->args[1], &right)
                              : json_value(compiler, lookup, lookup->as.lookup.rhs, &right);
    if (outcome != DJ_SQL) return outcome;
    FunctionId id = spec->op == OPERATOR_CONTAINS_VALUE ? FUNCTION_JSON_CONTAINS : FUNCTION_JSON_CONTAINED_BY;
    *out = expr_function(arena_of(compiler), id, SQL_BOOLEAN, 2, left, right);
    return DJ_SQL;
}

/* The keys asked for: texts, or a path given as F("data__a__b"). */
static DjOutcome compile_has_path(DjCompiler *compiler, DjExpr *lookup, Expr *source, const KeyPath *left,
                                  const Slice *keys, int count, Expr **out) {
    Expr *param = path_param(compiler, left, keys, count, true, lookup->site);
    if (!param) return DJ_ERROR;
    *out = expr_function(arena_of(compiler), FUNCTION_JSON_HAS_PATH, SQL_BOOLEAN, 2, source, param);
    return DJ_SQL;
}

static DjOutcome compile_has_key_postgresql(DjCompiler *compiler, DjExpr *lookup, const Slice *keys, int count,
                                            Expr **out) {
    OperatorId op = lookup->as.lookup.spec->op;
    DjExpr *lhs = lookup->args[0];
    bool path = lookup->args[1] != NULL;
    for (int i = 0; path && i + 1 < count; i++) lhs = key_of(compiler->ev, &key_transform, lhs, keys[i], lookup->site);
    Expr *left;
    DjOutcome outcome = dj_compile(compiler, lhs, &left);
    if (outcome != DJ_SQL) return outcome;
    Expr *right = op == OPERATOR_HAS_KEY ? text_param(compiler, keys[count - 1], SQL_TEXT, lookup->site)
                                         : text_array(compiler, keys, count);
    *out = expr_binary(arena_of(compiler), op, left, right, SQL_BOOLEAN);
    return DJ_SQL;
}

/* The right side as texts. NULL: an error is pending, or it is not known. */
static const Slice *wanted_keys(DjCompiler *compiler, DjExpr *lookup, KeyPath *path, int *count) {
    if (lookup->args[1]) {
        if (!is_key(lookup->args[1]) || !key_path(compiler, lookup->args[1], path)) return NULL;
        *count = path->count;
        return path->keys;
    }
    Value *const one[1] = {lookup->as.lookup.rhs};
    Value *const *items = one;
    *count = 1;
    if (value_is(one[0], VALUE_LIST) || value_is(one[0], VALUE_TUPLE)) {
        items = ((const ListValue *)one[0])->items;
        *count = ((const ListValue *)one[0])->count;
    }
    Slice *keys = ARENA_ARRAY(arena_of(compiler), Slice, *count + 1);
    for (int i = 0; i < *count; i++) {
        Value *text = value_str(compiler->ev, items[i], lookup->site);
        if (!text) return NULL;
        keys[i] = value_is(text, VALUE_STRING) ? value_text(text) : (Slice){"", 0};
    }
    return keys;
}

static DjOutcome compile_has_key(DjCompiler *compiler, DjExpr *lookup, Expr **out) {
    KeyPath right, left;
    int count = 0;
    const Slice *keys = wanted_keys(compiler, lookup, &right, &count);
    if (!keys || !count || !key_path(compiler, lookup->args[0], &left)) {
        if (!evaluator_error_pending(compiler->ev))
            evaluator_raise_id(compiler->ev, EXCEPTION_UNSUPPORTED, lookup->site, "a key that is not known here");
        return DJ_ERROR;
    }
    if (compiler->dialect->id == DIALECT_POSTGRESQL)
        return compile_has_key_postgresql(compiler, lookup, keys, count, out);
    Expr *source;
    DjOutcome outcome = dj_compile(compiler, left.source, &source);
    if (outcome != DJ_SQL) return outcome;
    OperatorId op = lookup->as.lookup.spec->op;
    if (op == OPERATOR_HAS_KEY) return compile_has_path(compiler, lookup, source, &left, keys, count, out);
    Arena *arena = arena_of(compiler);
    Expr *all = expr_new(arena, op == OPERATOR_HAS_KEYS ? EXPR_AND : EXPR_OR, SQL_BOOLEAN);
    for (int i = 0; i < count && outcome == DJ_SQL; i++) {
        Expr *one;
        outcome = compile_has_path(compiler, lookup, source, &left, &keys[i], 1, &one);
        if (outcome == DJ_SQL) expr_list_push(arena, &all->args, one);
    }
    *out = expr_group(arena, all);
    return outcome;
}

/* ---- the tables ---- */

static const DjLookup *find(const DjLookup *rows, size_t count, Slice name) {
    for (size_t i = 0; i < count; i++)
        if (slice_equals_text(name, rows[i].name)) return &rows[i];
    return NULL;
}

const DjLookup *dj_json_lookup(Evaluator *ev, DjExpr *lhs, DjField *field, Slice name) {
    static const DjLookup of_keys[] = {
        {"exact", OPERATOR_EQ, OPERATOR_EQ, DJL_PREPARE | DJL_NONE_ALLOWED, compile_exact, lookup_prepare_exact},
        {"in", OPERATOR_EQ, OPERATOR_EQ, DJL_PREPARE | DJL_LIST, compile_key_in, lookup_prepare_in},
        {"isnull", OPERATOR_IS_NULL, OPERATOR_IS_NULL, DJL_NONE_ALLOWED, compile_key_isnull, lookup_prepare_isnull},
        {"lt", OPERATOR_LT, OPERATOR_LT, DJL_PREPARE, compile_key_compare, NULL},
        {"lte", OPERATOR_LE, OPERATOR_LE, DJL_PREPARE, compile_key_compare, NULL},
        {"gt", OPERATOR_GT, OPERATOR_GT, DJL_PREPARE, compile_key_compare, NULL},
        {"gte", OPERATOR_GE, OPERATOR_GE, DJL_PREPARE, compile_key_compare, NULL},
        {"iexact", OPERATOR_JSON_IEXACT, OPERATOR_JSON_IEXACT, 0, compile_text_iexact, NULL},
        {"icontains", OPERATOR_JSON_ICONTAINS, OPERATOR_ICONTAINS_EXPR, DJL_PATTERN, compile_text, NULL},
        {"startswith", OPERATOR_STARTSWITH, OPERATOR_STARTSWITH_EXPR, DJL_PATTERN, compile_text, NULL},
        {"istartswith", OPERATOR_JSON_ISTARTSWITH, OPERATOR_ISTARTSWITH_EXPR, DJL_PATTERN, compile_text, NULL},
        {"endswith", OPERATOR_ENDSWITH, OPERATOR_ENDSWITH_EXPR, DJL_PATTERN, compile_text, NULL},
        {"iendswith", OPERATOR_JSON_IENDSWITH, OPERATOR_IENDSWITH_EXPR, DJL_PATTERN, compile_text, NULL},
        {"regex", OPERATOR_REGEX, OPERATOR_REGEX, 0, compile_text_regex, NULL},
        {"iregex", OPERATOR_JSON_IREGEX, OPERATOR_JSON_IREGEX, 0, compile_text_regex, NULL},
    };
    static const DjLookup of_values[] = {
        {"exact", OPERATOR_EQ, OPERATOR_EQ, DJL_PREPARE | DJL_NONE_ALLOWED, compile_exact, lookup_prepare_exact},
        {"contains", OPERATOR_CONTAINS_VALUE, OPERATOR_CONTAINS_VALUE, 0, compile_contains, NULL},
        {"contained_by", OPERATOR_CONTAINED_BY, OPERATOR_CONTAINED_BY, 0, compile_contains, NULL},
        {"has_key", OPERATOR_HAS_KEY, OPERATOR_HAS_KEY, 0, compile_has_key, NULL},
        {"has_keys", OPERATOR_HAS_KEYS, OPERATOR_HAS_KEYS, DJL_LIST, compile_has_key, NULL},
        {"has_any_keys", OPERATOR_HAS_ANY_KEYS, OPERATOR_HAS_ANY_KEYS, DJL_LIST, compile_has_key, NULL},
        {"icontains", OPERATOR_JSON_ICONTAINS, OPERATOR_ICONTAINS_EXPR, DJL_PATTERN, compile_text, NULL},
    };
    (void)ev;
    const DjLookup *found = is_key(lhs) ? find(of_keys, sizeof of_keys / sizeof *of_keys, name) : NULL;
    if (!found && field_kind_is(field->kind, FIELD_JSON))
        found = find(of_values, sizeof of_values / sizeof *of_values, name);
    return found;
}
