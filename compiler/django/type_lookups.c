/*
 * Lookups and transforms that only some types have. A type's own file answers for its field kinds; what no file
 * answers for is left to the lookups that every field has.
 */
#include "compiler/django/django.h"
#include "compiler/django/function_table.h"
#include "compiler/django/lookup.h"
#include "compiler/django/type_lookups.h"
#include "compiler/django/types_query.h"

const DjLookup *dj_lookup_of_type(Evaluator *ev, DjExpr *lhs, Slice name) {
    if (slice_equals_text(name, "postgres operator")) return dj_postgres_operator();
    DjField *field = dj_output_field(ev, lhs, false);
    evaluator_clear_error(ev);
    const DjLookup *found = dj_year_lookup(ev, lhs, name);
    if (!found && field) found = dj_json_lookup(ev, lhs, field, name);
    if (!found && field) found = dj_uuid_lookup(ev, field, name);
    if (!found && field) found = dj_postgres_lookup(ev, lhs, field, name);
    return found;
}

DjExpr *dj_transform_of_type(Evaluator *ev, DjExpr *lhs, DjField *field, Slice name, const Node *site) {
    if (field_kind_is(field->kind, FIELD_JSON)) return dj_json_transform(ev, lhs, name, site);
    return dj_postgres_transform(ev, lhs, field, name, site);
}
