/*
 * Functions and aggregates of django.contrib.postgres: what the calls mean and how PostgreSQL writes them.
 *
 *     SearchRank(SearchVector("body", weight="A"), SearchQuery("cats", config="english"))
 *     ts_rank(setweight(to_tsvector(COALESCE("body", '')), 'A'), plainto_tsquery('english'::regconfig, 'cats'))
 */
#include "compiler/django/django.h"
#include "compiler/django/expression_classes.h"
#include "compiler/django/function_compile.h"
#include "compiler/django/function_table.h"
#include "compiler/django/query.h"
#include "compiler/django/query_state.h"
#include "compiler/django/queryset.h"
#include "compiler/django/type_lookups.h"
#include "compiler/django/types_query.h"

static void push_source(Evaluator *ev, DjExpr *expr, DjExpr *source) {
    DjExpr **items = ARENA_ARRAY(evaluator_arena(ev), DjExpr *, expr->count + 1);
    if (expr->count) memcpy(items, expr->args, sizeof *items * (size_t)expr->count);
    items[expr->count++] = source;
    expr->args = items;
}

static DjExpr *text_or_expression(Evaluator *ev, Value *value, const Node *site) {
    return dj_parse(ev, value, false, site);
}

/* A function of this file by its class name, with sources made already. */
static DjExpr *make(Evaluator *ev, const char *name, DjExpr *source, const Node *site) {
    return dj_function_new(ev, dj_function_find(name), &source, source ? 1 : 0, site);
}

/* ---- aggregates ---- */

/* The arguments that every aggregate has are left to construct_aggregate. */
static bool rest_of_aggregate(Evaluator *ev, DjExpr *expr, const Arguments *arguments, const char *const *own,
                              DjExpr *const *sources, int count) {
    Arguments rest = {.site = arguments->site};
    rest.keywords = ARENA_ARRAY(evaluator_arena(ev), Keyword, arguments->keyword_count + 1);
    for (int i = 0; i < arguments->keyword_count; i++) {
        bool mine = false;
        for (const char *const *name = own; *name; name++)
            mine |= slice_equals_text(arguments->keywords[i].name->text, *name);
        if (!mine) rest.keywords[rest.keyword_count++] = arguments->keywords[i];
    }
    for (int i = 0; i < count; i++) push_source(ev, expr, sources[i]);
    return construct_aggregate(ev, expr, &rest);
}

static Value *keyword_value(const Arguments *arguments, const char *name) {
    for (int i = 0; i < arguments->keyword_count; i++)
        if (slice_equals_text(arguments->keywords[i].name->text, name)) return arguments->keywords[i].value;
    return NULL;
}

static bool construct_string_agg(Evaluator *ev, DjExpr *expr, const Arguments *arguments) {
    static const char *const own[] = {"expression", "delimiter", NULL};
    Value *inner = arguments->count ? arguments->items[0] : keyword_value(arguments, "expression");
    Value *delimiter = arguments->count > 1 ? arguments->items[1] : keyword_value(arguments, "delimiter");
    if (!inner || !delimiter)
        return evaluator_raise_id(ev, EXCEPTION_TYPE, arguments->site,
                                  "StringAgg.__init__() missing 1 required positional argument: 'delimiter'") != NULL;
    DjExpr *sources[2] = {dj_parse(ev, inner, true, dj_argument_site(arguments, inner)),
                          text_or_expression(ev, delimiter, arguments->site)};
    return rest_of_aggregate(ev, expr, arguments, own, sources, 2);
}

static bool construct_statistic(Evaluator *ev, DjExpr *expr, const Arguments *arguments) {
    static const char *const own[] = {"x", "y", "sample", NULL};
    Value *y = arguments->count ? arguments->items[0] : keyword_value(arguments, "y");
    Value *x = arguments->count > 1 ? arguments->items[1] : keyword_value(arguments, "x");
    Value *sample = keyword_value(arguments, "sample");
    if (!x || !y || value_is_none(x) || value_is_none(y))
        return evaluator_raise_id(ev, EXCEPTION_VALUE, arguments->site, "Both y and x must be provided.") != NULL;
    if (sample && value_is_true(sample)) expr->as.func.function = SLICE("COVAR_SAMP");
    DjExpr *sources[2] = {dj_parse(ev, y, true, dj_argument_site(arguments, y)),
                          dj_parse(ev, x, true, dj_argument_site(arguments, x))};
    return rest_of_aggregate(ev, expr, arguments, own, sources, 2);
}

/* ---- plain writing ---- */

static DjOutcome compile_items(DjCompiler *compiler, DjExpr *expr, ExprList *out) {
    for (int i = 0; i < expr->count; i++) {
        Expr *item;
        DjOutcome outcome = dj_compile_or_value(compiler, expr->args[i], &item);
        if (outcome != DJ_SQL) return outcome;
        expr_list_push(compiler_arena(compiler), out, item);
    }
    return DJ_SQL;
}

/* `unit`: the name that the arguments chose. */
static Slice written_name(const DjExpr *expr) {
    if (expr->as.func.unit.length) return expr->as.func.unit;
    return expr->as.func.function.start ? expr->as.func.function : slice_from(expr->as.func.spec->sql);
}

static DjOutcome compile_named(DjCompiler *compiler, DjExpr *expr, Expr **out) {
    *out = expr_call(compiler_arena(compiler), written_name(expr), SQL_UNKNOWN, 0);
    return compile_items(compiler, expr, &(*out)->args);
}

static DjOutcome compile_bare_name(DjCompiler *compiler, DjExpr *expr, Expr **out) {
    *out = expr_raw(compiler_arena(compiler), written_name(expr));
    return DJ_SQL;
}

/* Sources joined by a fixed text. */
static DjOutcome compile_joined(DjCompiler *compiler, DjExpr *const *sources, int count, Slice before, Slice joiner,
                                Slice after, Expr **out) {
    Arena *arena = compiler_arena(compiler);
    Expr *raw = expr_new(arena, EXPR_RAW, SQL_UNKNOWN);
    raw->as.raw.texts = ARENA_ARRAY(arena, Slice, count + 1);
    for (int i = 0; i < count; i++) {
        Expr *item;
        DjOutcome outcome = dj_compile_or_value(compiler, sources[i], &item);
        if (outcome != DJ_SQL) return outcome;
        expr_list_push(arena, &raw->args, item);
        raw->as.raw.texts[i] = i ? joiner : before;
    }
    raw->as.raw.texts[count] = after;
    *out = raw;
    return DJ_SQL;
}

static DjOutcome compile_distance(DjCompiler *compiler, DjExpr *expr, Expr **out) {
    return compile_joined(compiler, expr->args, expr->count, SLICE("("), slice_from(expr->as.func.spec->sql),
                          SLICE(")"), out);
}

/* ---- trigrams ---- */

static bool construct_trigram(Evaluator *ev, DjExpr *expr, const Arguments *arguments) {
    Value *inner = NULL, *text = NULL;
    if (!arguments_bind(ev, arguments, expr->as.func.spec->name, "expression string", &inner, &text)) return false;
    push_source(ev, expr, dj_parse(ev, inner, true, dj_argument_site(arguments, inner)));
    push_source(ev, expr, text_or_expression(ev, text, arguments->site));
    return true;
}

static bool construct_trigram_word(Evaluator *ev, DjExpr *expr, const Arguments *arguments) {
    Value *inner = NULL, *text = NULL;
    if (!arguments_bind(ev, arguments, expr->as.func.spec->name, "string expression", &text, &inner)) return false;
    push_source(ev, expr, text_or_expression(ev, text, arguments->site));
    push_source(ev, expr, dj_parse(ev, inner, true, dj_argument_site(arguments, inner)));
    return true;
}

/* ---- ARRAY(SELECT …) ---- */

static bool construct_array_subquery(Evaluator *ev, DjExpr *expr, const Arguments *arguments) {
    Value *queryset = NULL, *field = NULL;
    if (!arguments_bind(ev, arguments, "ArraySubquery", "queryset | output_field", &queryset, &field)) return false;
    if (!value_is_queryset(queryset))
        return evaluator_raise_id(ev, EXCEPTION_UNSUPPORTED, arguments->site, "a subquery that is not known here") !=
               NULL;
    push_source(ev, expr, dj_parse(ev, queryset, false, arguments->site));
    return true;
}

static DjOutcome compile_array_subquery(DjCompiler *compiler, DjExpr *expr, Expr **out) {
    return compile_joined(compiler, expr->args, 1, SLICE("ARRAY"), SLICE(""), SLICE(""), out);
}

/* ---- full text search ---- */

static bool construct_search_config(Evaluator *ev, DjExpr *expr, const Arguments *arguments) {
    Value *config = NULL;
    if (!arguments_bind(ev, arguments, "SearchConfig", "config", &config)) return false;
    push_source(ev, expr, text_or_expression(ev, config, arguments->site));
    return true;
}

static DjOutcome compile_search_config(DjCompiler *compiler, DjExpr *expr, Expr **out) {
    return compile_joined(compiler, expr->args, 1, SLICE(""), SLICE(""), SLICE("::regconfig"), out);
}

static bool is_function(const DjExpr *expr, const char *name) {
    return expr->kind == DJ_FUNC && strcmp(expr->as.func.spec->name, name) == 0;
}

/* config= as an expression: a name, an F(), a SearchConfig. NULL: none. */
static DjExpr *search_config(Evaluator *ev, Value *config, const Node *site) {
    if (!config || value_is_none(config)) return NULL;
    DjExpr *given = text_or_expression(ev, config, site);
    return is_function(given, "SearchConfig") ? given : make(ev, "SearchConfig", given, site);
}

/* Sources: the texts, then the configuration and the weight; options say which of the two are there. */
static bool construct_search_vector(Evaluator *ev, DjExpr *expr, const Arguments *arguments) {
    Value *config = keyword_value(arguments, "config"), *weight = keyword_value(arguments, "weight");
    dj_function_sources(ev, expr, arguments->items, arguments->count, arguments->nodes);
    DjExpr *configured = search_config(ev, config, arguments->site);
    if (configured) push_source(ev, expr, configured);
    if (configured) expr->as.func.option[0] = (Value *)configured;
    if (weight && !value_is_none(weight)) {
        push_source(ev, expr, text_or_expression(ev, weight, arguments->site));
        expr->as.func.option[1] = weight;
    }
    return true;
}

static DjExpr *coalesced_text(DjCompiler *compiler, DjExpr *source) {
    Evaluator *ev = compiler->ev;
    DjField *field = dj_output_field(ev, source, false);
    evaluator_clear_error(ev);
    bool text = field && (field_kind_is(field->kind, FIELD_CHAR) || field_kind_is(field->kind, FIELD_TEXT));
    if (!text) source = dj_cast(ev, source, dj_plain_field(ev, FIELD_TEXT));
    DjExpr *args[2] = {source, dj_value(ev, value_string(ev, SLICE("")), NULL, source->site)};
    DjExpr *coalesce = dj_function_new(ev, dj_function_find("Coalesce"), args, 2, source->site);
    coalesce->flags |= DJ_RESOLVED;
    return coalesce;
}

static DjOutcome compile_search_vector(DjCompiler *compiler, DjExpr *expr, Expr **out) {
    Arena *arena = compiler_arena(compiler);
    int count = expr->count;
    DjExpr *weight = expr->as.func.option[1] ? expr->args[--count] : NULL;
    DjExpr *config = expr->as.func.option[0] ? expr->args[--count] : NULL;
    DjExpr **texts = ARENA_ARRAY(arena, DjExpr *, count + 1);
    for (int i = 0; i < count; i++) texts[i] = coalesced_text(compiler, expr->args[i]);
    Expr *call = expr_call(arena, written_name(expr), SQL_UNKNOWN, 0), *joined, *item;
    DjOutcome outcome = config ? dj_compile(compiler, config, &item) : DJ_SQL;
    if (config && outcome == DJ_SQL) expr_list_push(arena, &call->args, item);
    if (outcome == DJ_SQL)
        outcome = compile_joined(compiler, texts, count, SLICE(""), SLICE(" || ' ' || "), SLICE(""), &joined);
    if (outcome != DJ_SQL) return outcome;
    expr_list_push(arena, &call->args, joined);
    *out = call;
    if (!weight) return DJ_SQL;
    outcome = dj_compile(compiler, weight, &item);
    if (outcome != DJ_SQL) return outcome;
    if (item->kind == EXPR_PARAM) item->as.param->type = SQL_UNKNOWN; /* a "char", which no text becomes by itself */
    *out = expr_call(arena, SLICE("setweight"), SQL_UNKNOWN, 2, call, item);
    return DJ_SQL;
}

static bool construct_search_query(Evaluator *ev, DjExpr *expr, const Arguments *arguments) {
    static const char *const types[][2] = {{"plain", "plainto_tsquery"},
                                           {"phrase", "phraseto_tsquery"},
                                           {"raw", "to_tsquery"},
                                           {"websearch", "websearch_to_tsquery"}};
    Value *value = NULL, *field = NULL, *config = NULL, *invert = NULL, *type = NULL;
    if (!arguments_bind(ev, arguments, "SearchQuery", "value | output_field * config invert search_type", &value,
                        &field, &config, &invert, &type))
        return false;
    Slice wanted = type && value_is(type, VALUE_STRING) ? value_text(type) : SLICE("plain");
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        if (slice_equals_text(wanted, types[i][0])) expr->as.func.unit = slice_from(types[i][1]);
    if (!expr->as.func.unit.length)
        return evaluator_raise_id(ev, EXCEPTION_VALUE, arguments->site, "Unknown search_type argument '%.*s'.",
                                  SLICE_ARGS(wanted)) != NULL;
    DjExpr *configured = search_config(ev, config, arguments->site);
    if (configured) push_source(ev, expr, configured);
    push_source(ev, expr, text_or_expression(ev, value, arguments->site));
    if (invert && value_is_true(invert)) expr->as.func.option[0] = invert;
    return true;
}

static DjOutcome compile_search_query(DjCompiler *compiler, DjExpr *expr, Expr **out) {
    DjOutcome outcome = compile_named(compiler, expr, out);
    if (outcome != DJ_SQL || !expr->as.func.option[0]) return outcome;
    Arena *arena = compiler_arena(compiler);
    Expr *inverted = expr_new(arena, EXPR_RAW, SQL_UNKNOWN);
    inverted->as.raw.texts = ARENA_ARRAY(arena, Slice, 2);
    inverted->as.raw.texts[0] = SLICE("!!(");
    inverted->as.raw.texts[1] = SLICE(")");
    expr_list_push(arena, &inverted->args, *out);
    *out = inverted;
    return DJ_SQL;
}

static DjExpr *as_vector(Evaluator *ev, Value *value, const Node *site) {
    if (value_is_expr(value)) return value_expr(value);
    return make(ev, "SearchVector", dj_parse(ev, value, true, site), site);
}

static DjExpr *as_query(Evaluator *ev, Value *value, const Node *site) {
    if (value_is_expr(value)) return value_expr(value);
    DjExpr *query = make(ev, "SearchQuery", dj_parse(ev, value, false, site), site);
    query->as.func.unit = SLICE("plainto_tsquery");
    return query;
}

static bool construct_search_rank(Evaluator *ev, DjExpr *expr, const Arguments *arguments) {
    Value *vector = NULL, *query = NULL, *weights = NULL, *normalization = NULL, *cover = NULL;
    if (!arguments_bind(ev, arguments, "SearchRank", "vector query | weights normalization cover_density", &vector,
                        &query, &weights, &normalization, &cover))
        return false;
    if (weights && !value_is_none(weights)) {
        push_source(ev, expr, text_or_expression(ev, weights, arguments->site));
        expr->as.func.option[0] = weights;
    }
    push_source(ev, expr, as_vector(ev, vector, arguments->site));
    push_source(ev, expr, as_query(ev, query, arguments->site));
    if (normalization && !value_is_none(normalization))
        push_source(ev, expr, text_or_expression(ev, normalization, arguments->site));
    if (cover && value_is_true(cover)) expr->as.func.unit = SLICE("ts_rank_cd");
    return true;
}

static DjOutcome compile_search_rank(DjCompiler *compiler, DjExpr *expr, Expr **out) {
    DjOutcome outcome = compile_named(compiler, expr, out);
    if (outcome != DJ_SQL || !expr->as.func.option[0]) return outcome;
    Arena *arena = compiler_arena(compiler);
    Expr *weights = expr_new(arena, EXPR_RAW, SQL_UNKNOWN);
    weights->as.raw.texts = ARENA_ARRAY(arena, Slice, 2);
    weights->as.raw.texts[0] = SLICE("(");
    weights->as.raw.texts[1] = SLICE(")::float4[]");
    expr_list_push(arena, &weights->args, (*out)->args.items[0]);
    (*out)->args.items[0] = weights;
    return DJ_SQL;
}

/* The options of ts_headline as one text: StartSel='<b>', MaxWords=5 */
static bool headline_options(Evaluator *ev, Value *const *values, Buffer *out) {
    static const char *const names[] = {"StartSel",  "StopSel",      "MaxWords",     "MinWords",
                                        "ShortWord", "HighlightAll", "MaxFragments", "FragmentDelimiter"};
    for (int i = 0; i < 8; i++) {
        if (!values[i] || value_is_none(values[i])) continue;
        buffer_format(out, "%s%s=", out->length ? ", " : "", names[i]);
        if (value_is(values[i], VALUE_STRING)) {
            Slice text = value_text(values[i]);
            buffer_put(out, '\'');
            for (size_t c = 0; c < text.length; c++) {
                if (text.start[c] == '\'') buffer_put(out, '\'');
                buffer_put(out, text.start[c]);
            }
            buffer_put(out, '\'');
        } else if (value_is(values[i], VALUE_BOOL)) {
            buffer_text(out, value_is_true(values[i]) ? "true" : "false");
        } else {
            buffer_slice(out, value_repr(ev, values[i]));
        }
    }
    return out->length > 0;
}

static bool construct_search_headline(Evaluator *ev, DjExpr *expr, const Arguments *arguments) {
    Value *inner = NULL, *query = NULL, *config = NULL, *v[8] = {NULL};
    if (!arguments_bind(ev, arguments, "SearchHeadline",
                        "expression query * | config start_sel stop_sel max_words min_words short_word highlight_all "
                        "max_fragments fragment_delimiter",
                        &inner, &query, &config, &v[0], &v[1], &v[2], &v[3], &v[4], &v[5], &v[6], &v[7]))
        return false;
    DjExpr *configured = search_config(ev, config, arguments->site);
    if (configured) push_source(ev, expr, configured);
    push_source(ev, expr, dj_parse(ev, inner, true, dj_argument_site(arguments, inner)));
    push_source(ev, expr, as_query(ev, query, arguments->site));
    Buffer options;
    buffer_init(&options, evaluator_arena(ev));
    if (headline_options(ev, v, &options))
        push_source(ev, expr, dj_value(ev, value_string(ev, buffer_view(&options)), NULL, arguments->site));
    return true;
}

/* ---- types ---- */

static DjField *decide_array(Evaluator *ev, DjExpr *expr, bool required) {
    (void)required;
    DjField *item = expr->count ? dj_output_field(ev, expr->args[0], false) : NULL;
    if (!item) return NULL;
    DjField *array = field_new(ev, FIELD_ARRAY);
    array->base_field = item;
    array->sql_type = SQL_ARRAY;
    return array;
}

static DjField *decide_search(Evaluator *ev, DjExpr *expr, bool required) {
    (void)required;
    bool vector = strcmp(expr->as.func.spec->name, "SearchVector") == 0;
    return field_new(ev, vector ? FIELD_SEARCH_VECTOR : FIELD_SEARCH_QUERY);
}

static const DjFunction postgres_functions[] = {
#define FN(cls, text, least, most, out, bits, read, write)                                                             \
    {.name = #cls,                                                                                                     \
     .transform = "NULL",                                                                                              \
     .sql = text,                                                                                                      \
     .min_args = least,                                                                                                \
     .max_args = most,                                                                                                 \
     .output = out,                                                                                                    \
     .flags = (bits) | DJF_POSTGRESQL,                                                                                 \
     .construct = read,                                                                                                \
     .compile = write,                                                                                                 \
     .decide = (out) != DJO_CUSTOM                      ? NULL                                                         \
               : (bits)&DJF_AGGREGATE || #cls[0] == 'A' ? decide_array                                                 \
                                                        : decide_search},
#include "compiler/django/postgres_functions.def"
#undef FN
};

const DjFunction *dj_postgres_function(const char *name) {
    for (size_t i = 0; i < sizeof postgres_functions / sizeof *postgres_functions; i++)
        if (strcmp(postgres_functions[i].name, name) == 0) return &postgres_functions[i];
    return NULL;
}

/* Which module has which; all of them define all: names are told apart by the import. */
void dj_postgres_define(Evaluator *ev, ModuleValue *module) {
    dj_state(ev)->postgres = true;
    dj_postgres_transforms_define(ev, module);
    for (size_t i = 0; i < sizeof postgres_functions / sizeof *postgres_functions; i++)
        dj_function_class(ev, module, &postgres_functions[i],
                          postgres_functions[i].flags & DJF_AGGREGATE ? dj_state(ev)->aggregate_class
                                                                      : dj_state(ev)->func_class);
}

/* ---- combining vectors and queries ---- */

static bool is_search(const DjExpr *expr, const char *name, FieldKind kind) {
    return is_function(expr, name) ||
           (expr->kind == DJ_COMBINED && expr->output_field && expr->output_field->kind == kind);
}

DjExpr *dj_combine_search(Evaluator *ev, Operator op, Value *left, Value *right, const Node *site) {
    if (!value_is_expr(left) || !value_is_expr(right)) return NULL;
    DjExpr *a = value_expr(left), *b = value_expr(right);
    bool vectors =
        is_search(a, "SearchVector", FIELD_SEARCH_VECTOR) && is_search(b, "SearchVector", FIELD_SEARCH_VECTOR);
    bool queries = is_search(a, "SearchQuery", FIELD_SEARCH_QUERY) && is_search(b, "SearchQuery", FIELD_SEARCH_QUERY);
    Slice connector;
    if (vectors && op == OP_Add) connector = SLICE("||");
    else if (queries && (op == OP_BitAnd || op == OP_BitOr)) connector = op == OP_BitAnd ? SLICE("&&") : SLICE("||");
    else return NULL;
    DjExpr *combined = dj_combined(ev, connector, a, b, site);
    combined->output_field = field_new(ev, vectors ? FIELD_SEARCH_VECTOR : FIELD_SEARCH_QUERY);
    combined->output_decided = true;
    return combined;
}

DjExpr *dj_invert_search(Evaluator *ev, DjExpr *expr) {
    if (!is_function(expr, "SearchQuery")) return NULL;
    DjExpr *copy = dj_copy(ev, expr);
    copy->as.func.option[0] = expr->as.func.option[0] ? NULL : value_bool(ev, true);
    return copy;
}
