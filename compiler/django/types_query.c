/*
 * Lookups as expressions (GreaterThan(F("a"), 5)), shortcuts (get_object_or_404), and the hooks of types that bring
 * lookups and transforms of their own.
 */
#include "compiler/django/types_query.h"

#include "compiler/django/django.h"
#include "compiler/django/function_table.h"
#include "compiler/django/lookup.h"
#include "compiler/django/manager.h"
#include "compiler/django/query_state.h"
#include "compiler/django/registered.h"

/* ---- lookups as expressions ---- */

typedef struct LookupClass {
    const char *name, *lookup;
} LookupClass;
static const LookupClass lookup_classes[] = {
    {"Exact", "exact"},
    {"IExact", "iexact"},
    {"GreaterThan", "gt"},
    {"GreaterThanOrEqual", "gte"},
    {"LessThan", "lt"},
    {"LessThanOrEqual", "lte"},
    {"In", "in"},
    {"Contains", "contains"},
    {"IContains", "icontains"},
    {"StartsWith", "startswith"},
    {"IStartsWith", "istartswith"},
    {"EndsWith", "endswith"},
    {"IEndsWith", "iendswith"},
    {"Range", "range"},
    {"IsNull", "isnull"},
    {"Regex", "regex"},
    {"IRegex", "iregex"},
    {"PostgresOperatorLookup", "postgres operator"},
};

static const NativeKind lookup_native = {"LookupClass"};

static const LookupClass *lookup_class_row(const Class *cls) {
    for (int i = 0; i < cls->mro_count; i++)
        if (class_native(cls->mro[i], &lookup_native)) return class_native(cls->mro[i], &lookup_native);
    return NULL;
}

const DjLookup *dj_lookup_of_class(Evaluator *ev, const Class *cls) {
    const LookupClass *row = lookup_class_row(cls);
    return row ? dj_lookup_find(ev, dj_f(ev, SLICE("x"), NULL), slice_from(row->lookup)) : NULL;
}

static Value *lookup_create(Evaluator *ev, Class *cls, const Arguments *arguments) {
    DjExpr *expr = instance_allocate(ev, cls, sizeof(DjExpr));
    expr->kind = DJ_LOOKUP;
    expr->site = arguments->site;
    return (Value *)expr;
}

/* Does the type of an expression hang on a name that is not resolved yet? Then it has none so far. */
static bool has_open_type(const DjExpr *expr) {
    if (expr->output_field) return false;
    switch ((int)expr->kind) {
    case DJ_F:
    case DJ_OUTER_REF: return true;
    case DJ_FUNC:
        if (expr->as.func.spec->output >= DJO_BOOLEAN && expr->as.func.spec->output <= DJO_ARRAY) return false;
        break;
    case DJ_WHEN: return has_open_type(expr->args[1]);
    case DJ_COMBINED:
    case DJ_CASE:
    case DJ_ORDER_BY:
    case DJ_LIST:
    case DJ_WINDOW: break;
    default: return false;
    }
    for (int i = 0; i < expr->count; i++)
        if (expr->args[i] && has_open_type(expr->args[i])) return true;
    return false;
}

/* Without a type on the left no field prepares a single value: it stands as Value(…). */
static bool is_left_as_given(const DjExpr *lookup) {
    unsigned flags = lookup->as.lookup.spec->flags;
    return flags & DJL_PREPARE && !(flags & DJL_LIST) && has_open_type(lookup->args[0]);
}

static Value *lookup_init(Evaluator *ev, Value *self, const Arguments *arguments) {
    DjExpr *expr = value_expr(self);
    Value *lhs = NULL, *rhs = NULL;
    if (!arguments_bind(ev, arguments, "Lookup", "lhs rhs", &lhs, &rhs)) return NULL;
    expr->args = ARENA_ARRAY(evaluator_arena(ev), DjExpr *, 2);
    expr->count = 2;
    expr->args[0] = dj_parse(ev, lhs, false, arguments->site);
    expr->as.lookup.spec = dj_lookup_of_class(ev, self->cls); /* the class that was named, not one for the left side */
    if (self->cls->node) {
        const DjLookup *own = dj_program_lookup(ev, (Class *)(uintptr_t)self->cls);
        if (own && (own->flags & DJL_PROGRAM || !expr->as.lookup.spec)) expr->as.lookup.spec = own;
    }
    if (!expr->as.lookup.spec)
        return evaluator_raise_id(ev, EXCEPTION_UNSUPPORTED, arguments->site, "a lookup class that is not known here");
    if (value_is_expr(rhs) || value_is_queryset(rhs)) expr->args[1] = dj_parse(ev, rhs, false, arguments->site);
    else if (is_left_as_given(expr)) expr->args[1] = dj_value(ev, rhs, NULL, arguments->site);
    else expr->as.lookup.rhs = rhs;
    expr->as.lookup.span = evaluator_span(ev, arguments->site);
    return value_none(ev);
}

void dj_lookup_classes_define(Evaluator *ev, ModuleValue *module) {
    static const NativeMethod methods[] = {{"__init__", lookup_init, NATIVE_METHOD, NULL},
                                           {"process_lhs", dj_method_process_lhs, NATIVE_METHOD, NULL},
                                           {"process_rhs", dj_method_process_rhs, NATIVE_METHOD, NULL},
                                           {NULL, NULL, NATIVE_METHOD, NULL}};
    NativeClass base = {.name = "Lookup", .instance_type = &dj_expr_type, .methods = methods, .create = lookup_create};
    dj_state(ev)->lookup_class = module_define_class(ev, module, &base, dj_state(ev)->expression_class);
    for (size_t i = 0; i < sizeof lookup_classes / sizeof *lookup_classes; i++) {
        NativeClass spec = {.name = lookup_classes[i].name, .instance_type = &dj_expr_type, .create = lookup_create};
        Class *cls = module_define_class(ev, module, &spec, dj_state(ev)->lookup_class);
        class_set_native(cls, &lookup_native, &lookup_classes[i]);
    }
}

/* ---- shortcuts ---- */

/* A model class, a manager or a queryset as a queryset; NULL without an error: none of them. */
static Value *as_queryset(Evaluator *ev, Value *value, const Node *site) {
    if (value_is_queryset(value)) return value;
    if (value_is_manager(value)) return dj_manager_queryset(ev, value, site);
    DjModel *model = value_is(value, VALUE_CLASS) ? django_model_of_class((Class *)value) : NULL;
    return model && model->default_manager ? dj_manager_queryset(ev, model->default_manager, site) : NULL;
}

static Value *shortcut(Evaluator *ev, const Arguments *arguments, const char *method) {
    if (!arguments->count)
        return evaluator_raise_id(ev, EXCEPTION_TYPE, arguments->site,
                                  "missing 1 required positional argument: 'klass'");
    Value *queryset = as_queryset(ev, arguments->items[0], arguments->site);
    if (!queryset)
        return evaluator_error_pending(ev) || value_is_unknown(arguments->items[0])
                   ? value_unknown_at(ev, arguments->site)
                   : evaluator_raise_id(ev, EXCEPTION_VALUE, arguments->site,
                                        "First argument to get_object_or_404() must be a Model, Manager, or QuerySet.");
    Arguments rest = *arguments;
    rest.items++;
    rest.count--;
    if (rest.nodes) rest.nodes++;
    Value *bound = value_get_attribute(ev, queryset, atom_intern_text(evaluator_atoms(ev), method), arguments->site);
    return bound ? value_call(ev, bound, &rest) : NULL;
}

static Value *get_object_or_404(Evaluator *ev, Value *self, const Arguments *arguments) {
    (void)self;
    return shortcut(ev, arguments, "get");
}

static Value *get_list_or_404(Evaluator *ev, Value *self, const Arguments *arguments) {
    (void)self;
    Value *queryset = shortcut(ev, arguments, "filter");
    return queryset && value_is_queryset(queryset) ? value_iterate(ev, queryset, arguments->site) : queryset;
}

void dj_shortcuts_define(Evaluator *ev, ModuleValue *module) {
    module_define_function(ev, module, "get_object_or_404", get_object_or_404);
    module_define_function(ev, module, "aget_object_or_404", get_object_or_404);
    module_define_function(ev, module, "get_list_or_404", get_list_or_404);
    module_define_function(ev, module, "aget_list_or_404", get_list_or_404);
}
