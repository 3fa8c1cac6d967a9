/*
 * Text lookups of UUIDs. A database without the type stores their 32 digits: the dashes of the value are taken out by
 * the database.
 *
 *     key__startswith="8400-e2"   SQLite      "key" LIKE REPLACE(… (REPLACE(?, ?, ?)) …) || '%'      '8400-e2', '-', ''
 *                                 PostgreSQL  "key"::text LIKE $1
 */
#include "compiler/django/django.h"
#include "compiler/django/lookup_compile.h"
#include "compiler/django/query.h"
#include "compiler/django/query_state.h"
#include "compiler/django/type_lookups.h"

/* The lookup with Replace(value, "-", "") on its right side; itself where the database knows UUIDs. */
static DjExpr *without_dashes(DjCompiler *compiler, DjExpr *lookup) {
    if (compiler->dialect->has_native_uuid) return lookup;
    Evaluator *ev = compiler->ev;
    DjField *text = dj_plain_field(ev, FIELD_CHAR);
    DjExpr *args[3] = {lookup->args[1], dj_value(ev, value_string(ev, SLICE("-")), text, lookup->site),
                       dj_value(ev, value_string(ev, SLICE("")), text, lookup->site)};
    if (!args[0]) args[0] = dj_value(ev, lookup->as.lookup.rhs, NULL, lookup->site);
    DjExpr *replace = dj_function_new(ev, dj_function_find("Replace"), args, 3, lookup->site);
    replace->output_field = text;
    replace->output_decided = true;
    DjExpr *copy = dj_copy(ev, lookup);
    copy->args[1] = replace;
    return copy;
}

static DjOutcome compile_pattern(DjCompiler *compiler, DjExpr *lookup, Expr **out) {
    return lookup_compile_pattern(compiler, without_dashes(compiler, lookup), out);
}

static DjOutcome compile_iexact(DjCompiler *compiler, DjExpr *lookup, Expr **out) {
    return lookup_compile_iexact(compiler, without_dashes(compiler, lookup), out);
}

const DjLookup *dj_uuid_lookup(Evaluator *ev, DjField *field, Slice name) {
    static const DjLookup lookups[] = {
        {"iexact", OPERATOR_IEXACT, OPERATOR_IEXACT, 0, compile_iexact, NULL},
        {"contains", OPERATOR_CONTAINS, OPERATOR_CONTAINS_EXPR, DJL_PATTERN, compile_pattern, NULL},
        {"icontains", OPERATOR_ICONTAINS, OPERATOR_ICONTAINS_EXPR, DJL_PATTERN, compile_pattern, NULL},
        {"startswith", OPERATOR_STARTSWITH, OPERATOR_STARTSWITH_EXPR, DJL_PATTERN, compile_pattern, NULL},
        {"istartswith", OPERATOR_ISTARTSWITH, OPERATOR_ISTARTSWITH_EXPR, DJL_PATTERN, compile_pattern, NULL},
        {"endswith", OPERATOR_ENDSWITH, OPERATOR_ENDSWITH_EXPR, DJL_PATTERN, compile_pattern, NULL},
        {"iendswith", OPERATOR_IENDSWITH, OPERATOR_IENDSWITH_EXPR, DJL_PATTERN, compile_pattern, NULL},
    };
    (void)ev;
    for (size_t i = 0; field_kind_is(field->kind, FIELD_UUID) && i < sizeof lookups / sizeof *lookups; i++)
        if (slice_equals_text(name, lookups[i].name)) return &lookups[i];
    return NULL;
}
