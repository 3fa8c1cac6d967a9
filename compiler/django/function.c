/*
 * Functions as Python sees them: their classes, what a call's arguments become, and which of them are transforms of
 * which field. The facts stand in functions.def, special constructors in function_construct.c.
 */
#include "compiler/django/function.h"

#include "compiler/django/django.h"
#include "compiler/django/function_table.h"
#include "compiler/django/query_state.h"
#include "compiler/django/registered.h"

static const DjFunction functions[] = {
#define FN(cls, lookup, number, least, most, out, bits, read, write)                                                   \
    FN_CHECKED(cls, lookup, number, least, most, out, bits, read, NULL, write)
#define FN_CHECKED(cls, lookup, number, least, most, out, bits, read, check, write)                                    \
    {.name = #cls,                                                                                                     \
     .transform = #lookup,                                                                                             \
     .id = FUNCTION_##number,                                                                                          \
     .min_args = least,                                                                                                \
     .max_args = most,                                                                                                 \
     .output = out,                                                                                                    \
     .flags = bits,                                                                                                    \
     .construct = read,                                                                                                \
     .resolved = check,                                                                                                \
     .compile = write},
#include "compiler/django/functions.def"
#undef FN_CHECKED
#undef FN
};
enum { FUNCTION_TOTAL = sizeof functions / sizeof *functions };

/* Func() itself and classes of the program that derive from it. */
static const DjFunction custom_function = {
    .name = "Func", .transform = "NULL", .max_args = -1, .output = DJO_SOURCE, .compile = compile_custom};
static const DjFunction custom_aggregate = {.name = "Aggregate",
                                            .transform = "NULL",
                                            .max_args = -1,
                                            .output = DJO_SOURCE,
                                            .flags = DJF_AGGREGATE | DJF_DISTINCT | DJF_WINDOW_COMPATIBLE,
                                            .construct = construct_aggregate,
                                            .compile = compile_aggregate};

const DjFunction *dj_function_find(const char *name) {
    for (int i = 0; i < FUNCTION_TOTAL; i++)
        if (strcmp(functions[i].name, name) == 0) return &functions[i];
    const DjFunction *postgres = dj_postgres_function(name);
    if (postgres) return postgres;
    return strcmp(name, "Aggregate") == 0 ? &custom_aggregate : &custom_function;
}

static const NativeKind function_native = {"DjFunction"};

const DjFunction *dj_function_of_class(Evaluator *ev, const Class *cls) {
    (void)ev;
    for (int i = 0; i < cls->mro_count; i++)
        if (class_native(cls->mro[i], &function_native)) return class_native(cls->mro[i], &function_native);
    return NULL;
}

DjExpr *dj_function_new(Evaluator *ev, const DjFunction *spec, DjExpr *const *args, int count, const Node *site) {
    DjExpr *expr = dj_expr_new(ev, DJ_FUNC, site, count);
    Class *cls = atom_map_get(&dj_state(ev)->function_classes, atom_intern_text(evaluator_atoms(ev), spec->name));
    if (cls) expr->instance.head.cls = cls;
    expr->as.func.spec = spec;
    for (int i = 0; i < count; i++) expr->args[i] = args[i];
    for (int i = 0; i < count; i++) expr->flags |= args[i]->flags & DJ_INHERITED_FLAGS;
    return expr;
}

DjExpr *dj_cast(Evaluator *ev, DjExpr *inner, DjField *to) {
    DjExpr *cast = dj_function_new(ev, dj_function_find("Cast"), &inner, 1, inner->site);
    cast->output_field = to;
    cast->output_decided = true;
    return cast;
}

/* ---- construction ---- */

static Slice class_text(Evaluator *ev, const DjExpr *expr, const char *name) {
    Value *value = class_find(expr->instance.head.cls, atom_intern_text(evaluator_atoms(ev), name));
    return value && value_is(value, VALUE_STRING) ? value_text(value) : (Slice){0};
}

/* Keywords that every function takes; others are its own. */
static bool read_common_keyword(DjExpr *expr, const Keyword *keyword) {
    Slice name = keyword->name->text;
    if (slice_equals_text(name, "output_field")) {
        DjField *field = value_as_field(keyword->value);
        if (field) {
            expr->output_field = field;
            expr->output_decided = true;
        }
        return true;
    }
    Slice *texts[] = {&expr->as.func.function, &expr->as.func.template, &expr->as.func.joiner};
    static const char *const names[] = {"function", "template", "arg_joiner"};
    for (size_t i = 0; i < 3; i++)
        if (slice_equals_text(name, names[i])) {
            if (value_is(keyword->value, VALUE_STRING)) *texts[i] = value_text(keyword->value);
            return true;
        }
    return false;
}

/* What the template may name further: Func("x", level=3). */
static void read_extra(Evaluator *ev, DjExpr *expr, const Keyword *keywords, int count) {
    Keyword *all = ARENA_ARRAY(evaluator_arena(ev), Keyword, expr->as.func.extra_count + count + 1);
    int used = 0;
    for (int i = 0; i < count; i++) all[used++] = keywords[i];
    for (int i = 0; i < expr->as.func.extra_count; i++) all[used++] = expr->as.func.extra[i];
    expr->as.func.extra = all;
    expr->as.func.extra_count = used;
}

void dj_function_options(Evaluator *ev, DjExpr *expr, const Keyword *keywords, int count) {
    for (int i = 0; i < count; i++)
        if (!read_common_keyword(expr, &keywords[i])) read_extra(ev, expr, &keywords[i], 1);
}

bool dj_function_sources(Evaluator *ev, DjExpr *expr, Value *const *values, int count, const Node *const *nodes) {
    expr->count = count;
    expr->args = ARENA_ARRAY(evaluator_arena(ev), DjExpr *, count + 1);
    for (int i = 0; i < count; i++) expr->args[i] = dj_parse(ev, values[i], true, nodes ? nodes[i] : expr->site);
    return true;
}

static bool dj_function_construct(Evaluator *ev, DjExpr *expr, const DjFunction *spec, const Arguments *arguments) {
    expr->kind = DJ_FUNC;
    expr->site = arguments->site;
    expr->as.func.spec = spec;
    expr->as.func.function = class_text(ev, expr, "function");
    expr->as.func.template = class_text(ev, expr, "template");
    expr->as.func.joiner = class_text(ev, expr, "arg_joiner");
    Value *field = class_find(expr->instance.head.cls, atom_intern_text(evaluator_atoms(ev), "output_field"));
    if (field && value_as_field(field)) {
        expr->output_field = value_as_field(field);
        expr->output_decided = true;
    }
    Arguments own = *arguments;
    own.keywords = ARENA_ARRAY(evaluator_arena(ev), Keyword, arguments->keyword_count + 1);
    own.keyword_count = 0;
    for (int i = 0; i < arguments->keyword_count; i++)
        if (!read_common_keyword(expr, &arguments->keywords[i]))
            own.keywords[own.keyword_count++] = arguments->keywords[i];
    if (spec->construct) return spec->construct(ev, expr, &own);
    read_extra(ev, expr, own.keywords, own.keyword_count);
    if (own.count < spec->min_args || (spec->max_args >= 0 && own.count > spec->max_args)) {
        if (spec->max_args < 0)
            return evaluator_raise_id(ev, EXCEPTION_VALUE, arguments->site, "%s must take at least two expressions",
                                      spec->name) != NULL;
        return evaluator_raise_id(ev, EXCEPTION_TYPE, arguments->site, "'%s' takes exactly %d argument%s (%d given)",
                                  expr->instance.head.cls->name->text.start, spec->max_args,
                                  spec->max_args == 1 ? "" : "s", own.count) != NULL;
    }
    return dj_function_sources(ev, expr, own.items, own.count, own.nodes);
}

static Value *function_create(Evaluator *ev, Class *cls, const Arguments *arguments) {
    DjExpr *expr = instance_allocate(ev, cls, sizeof(DjExpr));
    expr->kind = DJ_FUNC;
    expr->site = arguments->site;
    expr->as.func.spec = dj_function_of_class(ev, cls);
    return (Value *)expr;
}

static Value *function_init(Evaluator *ev, Value *self, const Arguments *arguments) {
    DjExpr *expr = value_expr(self);
    const DjFunction *spec = dj_function_of_class(ev, self->cls);
    return dj_function_construct(ev, expr, spec ? spec : &custom_function, arguments) ? value_none(ev) : NULL;
}

static const NativeMethod function_methods[] = {{"__init__", function_init, NATIVE_METHOD, NULL},
                                                {NULL, NULL, NATIVE_METHOD, NULL}};
static const NativeMethod transform_methods[] = {
    {"__init__", function_init, NATIVE_METHOD, NULL},
    {"register_lookup", dj_method_register_lookup, NATIVE_CLASSMETHOD, NULL},
    {NULL, NULL, NATIVE_METHOD, NULL}};

Class *dj_function_class(Evaluator *ev, ModuleValue *module, const DjFunction *spec, Class *base) {
    Atom name = atom_intern_text(evaluator_atoms(ev), spec->name);
    Class *known = atom_map_get(&dj_state(ev)->function_classes, name);
    if (known) {
        module_define(ev, module, spec->name, (Value *)known);
        return known;
    }
    NativeClass definition = {
        .name = spec->name, .instance_type = &dj_expr_type, .methods = function_methods, .create = function_create};
    Class *cls = module_define_class(ev, module, &definition, base);
    class_set_native(cls, &function_native, spec);
    atom_map_set(&dj_state(ev)->function_classes, name, cls);
    return cls;
}

void dj_functions_define(Evaluator *ev, ModuleValue *module, bool aggregates, bool others) {
    DjQueryState *state = dj_state(ev);
    for (int i = 0; i < FUNCTION_TOTAL; i++) {
        bool aggregate = (functions[i].flags & DJF_AGGREGATE) != 0;
        if (!(aggregate ? aggregates : others)) continue;
        dj_function_class(ev, module, &functions[i],
                          aggregate                                ? state->aggregate_class
                          : strcmp(functions[i].transform, "NULL") ? state->transform_class
                                                                   : state->func_class);
    }
}

void dj_function_bases_define(Evaluator *ev, ModuleValue *module, Class *expression) {
    DjQueryState *state = dj_state(ev);
    state->func_class = dj_function_class(ev, module, &custom_function, expression);
    state->aggregate_class = dj_function_class(ev, module, &custom_aggregate, state->func_class);
    NativeClass transform = {
        .name = "Transform", .instance_type = &dj_expr_type, .methods = transform_methods, .create = function_create};
    state->transform_class = module_define_class(ev, module, &transform, state->func_class);
    class_set_native(state->transform_class, &function_native, &custom_function);
}

/* ---- transforms ---- */

/* Parts of dates and times are transforms of their fields without any registration. */
static bool is_builtin_transform(const DjField *field, const DjFunction *spec) {
    static const char *const date_parts[] = {"year",         "month", "day",      "week_day",
                                             "iso_week_day", "week",  "iso_year", "quarter"};
    static const char *const time_parts[] = {"hour", "minute", "second"};
    bool date = field_kind_is(field->kind, FIELD_DATE), datetime = field_kind_is(field->kind, FIELD_DATETIME);
    bool time = field_kind_is(field->kind, FIELD_TIME);
    for (size_t i = 0; date && i < sizeof date_parts / sizeof *date_parts; i++)
        if (strcmp(spec->transform, date_parts[i]) == 0) return true;
    for (size_t i = 0; (datetime || time) && i < sizeof time_parts / sizeof *time_parts; i++)
        if (strcmp(spec->transform, time_parts[i]) == 0) return true;
    return datetime && (strcmp(spec->transform, "date") == 0 || strcmp(spec->transform, "time") == 0);
}

static const DjFunction *transform_find(const DjField *field, Slice name) {
    for (int i = 0; i < FUNCTION_TOTAL; i++) {
        const DjFunction *spec = &functions[i];
        if (!slice_equals_text(name, spec->transform)) continue;
        if (is_builtin_transform(field, spec)) return spec;
    }
    return NULL;
}

void dj_transform_suggest(DjField *field, DjCloseMatches *close) {
    for (int i = 0; i < FUNCTION_TOTAL; i++)
        if (is_builtin_transform(field, &functions[i])) close_offer(close, slice_from(functions[i].transform));
}

DjExpr *dj_transform_apply(Evaluator *ev, DjExpr *lhs, Slice name, const Node *site) {
    DjField *field = dj_output_field(ev, lhs, true);
    if (!field || lhs->kind == DJ_COL_PAIRS ||
        (lhs->kind == DJ_COL && (lhs->as.col.relation.field || lhs->as.col.relation.rel)))
        return NULL;
    DjExpr *typed = dj_transform_of_type(ev, lhs, field, name, site);
    if (typed || evaluator_error_pending(ev)) return typed;
    DjExpr *own = dj_registered_transform(ev, lhs, field, name, site);
    if (own || evaluator_error_pending(ev)) return own;
    const DjFunction *spec = transform_find(field, name);
    if (!spec) return NULL;
    DjExpr *expr = dj_function_new(ev, spec, &lhs, 1, site);
    expr->as.func.unit = name;
    expr->flags |= DJ_RESOLVED;
    return expr;
}
