/*
 * Lookups as they are made: from names and a left side to a DJ_LOOKUP expression, with the value checked and, for
 * relations, brought to the column's own terms (author=<Author 3> → author_id = 3).
 */
#include "compiler/django/lookup.h"

#include "compiler/django/django.h"
#include "compiler/django/field_prepare.h"
#include "compiler/django/function.h"
#include "compiler/django/instance.h"
#include "compiler/django/lookup_compile.h"
#include "compiler/django/query.h"
#include "compiler/django/query_state.h"
#include "compiler/django/registered.h"
#include "compiler/django/tuple_lookups.h"
#include "compiler/django/type_lookups.h"

/* The hops of the relation that a column stands for; 0: it is no relation. */
static DjFound column_relation(const DjExpr *lhs) {
    if (lhs->kind == DJ_COL) return lhs->as.col.relation;
    if (lhs->kind == DJ_COL_PAIRS) return lhs->as.pairs.relation;
    return (DjFound){0};
}

bool dj_is_relation(const DjExpr *lhs) {
    DjFound found = column_relation(lhs);
    return found.rel || (found.field && found.field->is_relation);
}

DjField *dj_lookup_field(Evaluator *ev, DjExpr *lhs) {
    DjFound found = column_relation(lhs);
    if (found.rel || (found.field && found.field->is_relation)) {
        DjPath *hops;
        int count = found_path(ev, found, &hops);
        if (count) {
            DjField *target = hops[count - 1].targets[hops[count - 1].target_count - 1];
            return target->rel ? field_final_target(ev, target) : target;
        }
    }
    DjField *field = dj_output_field(ev, lhs, false);
    return field && field->rel && !field->private_only ? field_final_target(ev, field) : field;
}

/* The column of an instance that a relation compares with, following foreign keys that are primary keys. */
static Value *instance_column(Evaluator *ev, DjInstance *instance, DjField *source, const Node *site) {
    while (source->rel && instance->model && !class_is_subclass(instance->model->cls, source->model->cls)) {
        DjField *target = field_target(ev, source);
        if (!target || target == source) break;
        source = target;
    }
    /* Restaurant.objects.filter(place=restaurant): what has another model's key is meant by its own */
    if (instance->model && !model_field(ev, instance->model, source->attname)) return instance_pk(ev, instance, site);
    return instance_field_value(ev, instance, source, site);
}

static Value *normalise_one(Evaluator *ev, const DjPath *hop, Value *value, const Node *site) {
    DjInstance *instance = value_as_model_instance(value);
    if (!instance) return value;
    if (!instance->unknown) {
        Value *pk = instance_pk(ev, instance, site);
        if (!pk) return NULL;
        if (value_is_none(pk))
            return evaluator_raise_id(ev, EXCEPTION_VALUE, site,
                                      "Model instances passed to related filters must be saved.");
    }
    if (hop->targets[0]->kind == FIELD_COMPOSITE_KEY) return instance_pk(ev, instance, site);
    if (hop->target_count == 1) return instance_column(ev, instance, hop->targets[0], site);
    Value *items[8];
    for (int i = 0; i < hop->target_count; i++)
        if (!(items[i] = instance_column(ev, instance, hop->targets[i], site))) return NULL;
    return value_tuple(ev, items, hop->target_count);
}

/* The value of a related lookup: the column of an instance, prepared instances of lists. NULL: an error is pending. */
static Value *dj_normalise_related(Evaluator *ev, DjExpr *lhs, Value *value, bool is_list, const Node *site) {
    DjFound found = column_relation(lhs);
    if (!found.rel && !(found.field && found.field->is_relation)) {
        DjInstance *instance = lhs->kind == DJ_COL_PAIRS ? value_as_model_instance(value) : NULL;
        return instance ? instance_pk(ev, instance, site) : value;
    }
    DjPath *hops;
    int count = found_path(ev, found, &hops);
    if (!count) return value;
    bool several = value_is(value, VALUE_LIST) || value_is(value, VALUE_TUPLE);
    if (!several || !(is_list || hops[count - 1].target_count == 1))
        return normalise_one(ev, &hops[count - 1], value, site);
    ListValue *list = (ListValue *)value;
    Value **items = ARENA_ARRAY(evaluator_arena(ev), Value *, list->count + 1);
    for (int i = 0; i < list->count; i++)
        if (!(items[i] = normalise_one(ev, &hops[count - 1], list->items[i], site))) return NULL;
    return value_tuple(ev, items, list->count);
}

/* ---- the lookups that every field has ---- */

static const DjLookup common_lookups[] = {
#define LOOKUP(name, op, expr_op, flags, compile, prepare)                                                             \
    {#name, OPERATOR_##op, OPERATOR_##expr_op, flags, compile, prepare},
#include "compiler/django/lookups.def"
#undef LOOKUP
};
enum { COMMON_LOOKUPS = sizeof common_lookups / sizeof *common_lookups };

static const DjLookup *find_common(Slice name) {
    for (int i = 0; i < COMMON_LOOKUPS; i++)
        if (slice_equals_text(name, common_lookups[i].name)) return &common_lookups[i];
    return NULL;
}

/* Relations have these only. */
static bool relation_allows(Slice name) {
    static const char *const allowed[] = {"exact", "in", "gt", "gte", "lt", "lte", "isnull"};
    for (size_t i = 0; i < sizeof allowed / sizeof *allowed; i++)
        if (slice_equals_text(name, allowed[i])) return true;
    return false;
}

const DjLookup *dj_lookup_find(Evaluator *ev, DjExpr *lhs, Slice name) {
    bool plain = !dj_is_relation(lhs) && lhs->kind != DJ_COL_PAIRS;
    DjField *field = plain && dj_state(ev)->registered.count ? dj_output_field(ev, lhs, false) : NULL;
    const DjLookup *own = field ? dj_registered_lookup(ev, lhs, field, name) : NULL;
    if (own) return own;
    if (!plain) return relation_allows(name) ? find_common(name) : NULL;
    const DjLookup *typed = dj_lookup_of_type(ev, lhs, name);
    if (typed || dj_transform_hides_lookup(ev, lhs, name)) return typed;
    return find_common(name);
}

/* What Django calls the field of a left side: a reverse relation is a field of its own kind. */
static const char *field_class_name(const DjExpr *lhs, const DjField *field) {
    const DjRel *rel = column_relation(lhs).rel;
    if (!rel) return field->head.head.cls->name->text.start;
    if (rel->field->kind == FIELD_FOREIGN_OBJECT) return "ForeignObjectRel";
    if (rel->field->kind == FIELD_GENERIC_RELATION) return "GenericRel";
    return rel->one_to_one ? "OneToOneRel" : rel->many_to_many ? "ManyToManyRel" : "ManyToOneRel";
}

/* Help for a name that is neither lookup nor transform: the lookups meant, or after a relation a field of its model. */
static void help_unsupported(Evaluator *ev, const DjExpr *lhs, Slice name, const DjCloseMatches *close) {
    Suggestion nearest = suggestion_start(name);
    for (int i = 0; i < close->count; i++) suggestion_offer(&nearest, close->best[i].name);
    DjFound relation = column_relation(lhs);
    if (dj_is_relation(lhs)) {
        DjModel *model = relation.rel ? relation.rel->field->model : field_related_model(ev, relation.field);
        Atom *names = NULL;
        int count = model ? model_field_names_for_error(ev, model, &names) : 0;
        for (int i = 0; i < count; i++) suggestion_offer(&nearest, names[i]->text);
    }
    if (!suggestion_found(&nearest)) {
        if (close->count) evaluator_raise_help(ev, "did you mean '%.*s'?", SLICE_ARGS(close->best[0].name));
        return;
    }
    Buffer help;
    buffer_init(&help, evaluator_arena(ev));
    buffer_format(&help, "did you mean '%.*s'", SLICE_ARGS(nearest.best));
    for (int i = 0; i < close->count; i++) {
        Suggestion as_near = {.wanted = name, .distance = nearest.distance + 1};
        suggestion_offer(&as_near, close->best[i].name);
        if (suggestion_found(&as_near) && !slice_equals(close->best[i].name, nearest.best))
            buffer_format(&help, " or '%.*s'", SLICE_ARGS(close->best[i].name));
    }
    evaluator_raise_help(ev, "%.*s?", (int)help.length, help.data);
}

/* A value that the field does not take is refused when the lookup is made; it is prepared for good when it is written.
 */
static bool check_value(Evaluator *ev, DjExpr *lookup) {
    const DjLookup *spec = lookup->as.lookup.spec;
    bool common = spec >= common_lookups && spec < common_lookups + COMMON_LOOKUPS;
    Value *rhs = lookup->args[1] ? NULL : lookup->as.lookup.rhs;
    if (!common || !(spec->flags & DJL_PREPARE) || !rhs || lookup->args[0]->kind == DJ_COL_PAIRS) return true;
    DjField *field = dj_lookup_field(ev, lookup->args[0]);
    if (evaluator_error_pending(ev)) evaluator_clear_error(ev);
    if (!field) return true;
    Value **items = &rhs;
    int count = 1;
    if (spec->flags & DJL_LIST && (value_is(rhs, VALUE_LIST) || value_is(rhs, VALUE_TUPLE))) {
        items = ((ListValue *)rhs)->items;
        count = ((ListValue *)rhs)->count;
    }
    for (int i = 0; i < count; i++) {
        bool ready = value_is_none(items[i]) || value_is_expr(items[i]) || value_is_unknown(items[i]);
        if (!ready && !field_get_prep_value(ev, field, items[i], lookup->site)) return false;
    }
    return true;
}

DjExpr *dj_lookup_new(Evaluator *ev, const DjLookup *spec, DjExpr *lhs, Value *rhs, const Node *site) {
    DjExpr *lookup = dj_expr_new(ev, DJ_LOOKUP, site, 2);
    lookup->as.lookup.spec = spec;
    lookup->args[0] = lhs;
    lookup->flags = (lhs->flags & DJ_INHERITED_FLAGS) | DJ_RESOLVED;
    if (lhs->kind == DJ_COL_PAIRS && !dj_is_relation(lhs) && !dj_check_tuple_value(ev, spec, lhs, rhs, site))
        return NULL;
    if (value_is_expr(rhs)) {
        lookup->args[1] = value_expr(rhs);
        lookup->flags |= value_expr(rhs)->flags & DJ_INHERITED_FLAGS;
    } else if (!(lookup->as.lookup.rhs = dj_normalise_related(ev, lhs, rhs, (spec->flags & DJL_LIST) != 0, site))) {
        return NULL;
    }
    if (spec->prepare && !spec->prepare(ev, lookup)) return NULL;
    if (lhs->kind == DJ_FUNC && !dj_apply_bilateral(ev, lookup)) return NULL;
    return check_value(ev, lookup) ? lookup : NULL;
}

DjExpr *dj_try_transform(Evaluator *ev, DjExpr *lhs, Slice name, Slice whole, Span span) {
    DjExpr *transformed = dj_transform_apply(ev, lhs, name, lhs->site);
    if (transformed || evaluator_error_pending(ev)) return transformed;
    DjField *field = dj_output_field(ev, lhs, true);
    if (!field) return NULL;
    DjCloseMatches close = {.wanted = name};
    for (int i = 0; i < COMMON_LOOKUPS; i++)
        if (!dj_is_relation(lhs) || relation_allows(slice_from(common_lookups[i].name)))
            close_offer(&close, slice_from(common_lookups[i].name));
    dj_transform_suggest(field, &close);
    if (!dj_is_relation(lhs)) dj_registered_suggest(ev, field, &close);
    Buffer meant;
    buffer_init(&meant, evaluator_arena(ev));
    buffer_text(&meant, close.count ? ", perhaps you meant " : ".");
    for (int i = 0; i < close.count; i++)
        buffer_format(&meant, "%s%.*s%s", i ? " or " : "", SLICE_ARGS(close.best[i].name),
                      i + 1 == close.count ? "?" : "");
    evaluator_raise(ev, django_state(ev)->field_error, span,
                    "Unsupported lookup '%.*s' for %s or join on the field not permitted%.*s", SLICE_ARGS(whole),
                    field_class_name(lhs, field), (int)meant.length, meant.data);
    help_unsupported(ev, lhs, name, &close);
    return NULL;
}

static DjExpr *none_as_isnull(DjQuery *query, DjExpr *lhs, Slice name, const Node *site, Span span) {
    if (slice_equals_text(name, "in") || slice_equals_text(name, "range"))
        return evaluator_raise(query->ev, evaluator_exception(query->ev, EXCEPTION_TYPE), span,
                               "'NoneType' object is not iterable");
    if (!slice_equals_text(name, "exact") && !slice_equals_text(name, "iexact"))
        return evaluator_raise(query->ev, evaluator_exception(query->ev, EXCEPTION_VALUE), span,
                               "Cannot use None as a query value");
    return dj_lookup_new(query->ev, dj_lookup_find(query->ev, lhs, SLICE("isnull")), lhs, value_bool(query->ev, true),
                         site);
}

DjExpr *dj_build_lookup(DjQuery *query, const Slice *names, int count, DjExpr *lhs, Value *rhs, Span span,
                        const Node *site) {
    Evaluator *ev = query->ev;
    Slice name = count ? names[count - 1] : SLICE("exact");
    for (int i = 0; i + 1 < count; i++) {
        Slice whole = {names[i].start, (size_t)(names[count - 1].start + names[count - 1].length - names[i].start)};
        if (!(lhs = dj_try_transform(ev, lhs, names[i], whole, span))) return NULL;
    }
    /* sources of different types have no lookups */
    if (!dj_output_field(ev, lhs, false) && evaluator_error_pending(ev)) return NULL;
    const DjLookup *spec = dj_lookup_find(ev, lhs, name);
    if (!spec) {
        if (evaluator_error_pending(ev) || !(lhs = dj_try_transform(ev, lhs, name, name, span))) return NULL;
        name = SLICE("exact");
        if (!(spec = dj_lookup_find(ev, lhs, name)))
            return evaluator_raise(ev, django_state(ev)->field_error, span, "Related Field got invalid lookup: %.*s",
                                   SLICE_ARGS(name));
    }
    DjExpr *lookup = dj_lookup_new(ev, spec, lhs, rhs, site);
    if (!lookup) return NULL;
    lookup->as.lookup.span = span;
    Value *value = lookup->args[1] ? NULL : lookup->as.lookup.rhs;
    if (value && value_is_none(value) && !(spec->flags & DJL_NONE_ALLOWED))
        return none_as_isnull(query, lhs, name, site, span);
    return lookup;
}

/* ---- preparation of values ---- */

bool lookup_prepare_isnull(Evaluator *ev, DjExpr *lookup) {
    Value *rhs = lookup->args[1] ? NULL : lookup->as.lookup.rhs;
    if (rhs && (value_is(rhs, VALUE_BOOL) || value_is_unknown(rhs))) return true;
    return evaluator_raise_id(ev, EXCEPTION_VALUE, lookup->site,
                              "The QuerySet value for an isnull lookup must be True or False.") != NULL;
}

static void select_primary_key(DjQuery *query) {
    query->related_all = false;
    query->related = NULL;
    query->select = (DjExprs){0};
    query->default_columns = false;
    query->has_selected = false;
    query->selected_count = 0;
    if (query->annotation_count) dj_mask_annotations(query, NULL, 0);
    query->extra_masked = true;
    for (int i = 0; i < query->extra_count; i++) query->extra[i].selected = false;
    Slice pk = SLICE("pk");
    dj_add_fields(query, &pk, NULL, 1, true);
}

/* How many columns the rows of a queryset have to a lookup. */
static int selected_fields(const DjQuery *query) {
    DjField **keys;
    int key_count = model_pk_fields(query->ev, query->model, &keys);
    if (!query->has_selected) return key_count;
    int count = 0;
    for (int i = 0; i < query->selected_count; i++)
        count += slice_equals_text(query->selected[i].name, "pk") ? key_count : 1;
    return count;
}

static bool check_selected_fields(const DjExpr *lookup, const DjQuery *query, const char *which) {
    int wanted = lookup->args[0]->kind == DJ_COL_PAIRS ? lookup->args[0]->count : 1, given = selected_fields(query);
    if (wanted == given) return true;
    return evaluator_raise_id(query->ev, EXCEPTION_VALUE, lookup->site,
                              "The QuerySet value for %s lookup must have %d selected fields (received %d)", which,
                              wanted, given) != NULL;
}

bool lookup_prepare_exact(Evaluator *ev, DjExpr *lookup) {
    DjExpr *right = lookup->args[1];
    if (!right || right->kind != DJ_QUERY) return true;
    DjQuery *query = right->as.subquery.query;
    bool limit_one = query->sliced_high && query->high - query->low == 1;
    if (!limit_one)
        return evaluator_raise_id(ev, EXCEPTION_VALUE, lookup->site,
                                  "The QuerySet value for an exact lookup must be limited to one result using "
                                  "slicing.") != NULL;
    if (!check_selected_fields(lookup, query, "the exact")) return false;
    if (!query->has_selected) select_primary_key(query);
    return !evaluator_error_pending(ev);
}

/* A relation of several columns takes all that it points to. */
static bool select_pair_sources(DjExpr *lhs, DjQuery *query) {
    DjFound relation = lhs->as.pairs.relation;
    const DjModel *model = relation.rel                            ? relation.rel->field->model
                           : relation.field && relation.field->rel ? relation.field->rel->model
                                                                   : NULL;
    if (query->has_selected || model != query->model) return false;
    Slice names[DJ_MAX_NAMES];
    int count = lhs->count < DJ_MAX_NAMES ? lhs->count : DJ_MAX_NAMES;
    for (int i = 0; i < count; i++) names[i] = lhs->args[i]->output_field->name->text;
    dj_set_values(query, names, NULL, count);
    return true;
}

/* fk_to_a_unique_column__in=queryset selects that column, not the primary key. */
static bool select_target(DjExpr *lhs, DjQuery *query) {
    if (lhs->kind == DJ_COL_PAIRS && dj_is_relation(lhs)) return select_pair_sources(lhs, query);
    DjPath *hops;
    int count =
        lhs->kind == DJ_COL && lhs->as.col.relation.rel ? found_path(query->ev, lhs->as.col.relation, &hops) : 0;
    /* the other side of a relation compares with the column that its path ends in */
    if (count && hops[count - 1].targets[0]->primary_key) return false;
    DjField *fk = lhs->kind == DJ_COL ? lhs->as.col.target : NULL;
    DjField *target = fk && fk->rel ? field_target(query->ev, fk) : NULL;
    if (!dj_is_relation(lhs) || query->has_selected || !target || target->primary_key) return false;
    bool own_key = fk->primary_key && fk->model == query->model;
    Slice name = own_key ? fk->name->text : target->name->text;
    dj_set_values(query, &name, NULL, 1);
    return true;
}

bool lookup_prepare_in(Evaluator *ev, DjExpr *lookup) {
    DjExpr *right = lookup->args[1];
    if (!right) return lookup_prepare_list(ev, lookup);
    if (right->kind != DJ_QUERY) return true;
    DjQuery *query = right->as.subquery.query;
    bool selected = select_target(lookup->args[0], query);
    if (!check_selected_fields(lookup, query, "the 'in'")) return false;
    dj_clear_ordering(query, false, true);
    if (!selected && !query->has_selected) select_primary_key(query);
    return !evaluator_error_pending(ev);
}

/* Expressions among the values: the list is an expression itself, its strings values of the left side's type. */
static bool list_as_expression(Evaluator *ev, DjExpr *lookup, const ListValue *list) {
    bool any = false;
    for (int i = 0; i < list->count; i++) any |= value_is_expr(list->items[i]);
    if (!any) return false;
    DjExpr **items = ARENA_ARRAY(evaluator_arena(ev), DjExpr *, list->count + 1);
    DjField *field = dj_lookup_field(ev, lookup->args[0]);
    for (int i = 0; i < list->count; i++) {
        bool given = value_is_expr(list->items[i]);
        items[i] = given ? value_expr(list->items[i]) : dj_value(ev, list->items[i], field, lookup->site);
        if (!given) items[i]->as.value.prepared = true;
    }
    lookup->args[1] = dj_list(ev, items, list->count);
    lookup->args[1]->flags |= DJ_RESOLVED;
    lookup->flags |= lookup->args[1]->flags & DJ_INHERITED_FLAGS;
    lookup->as.lookup.rhs = NULL;
    return true;
}

bool lookup_prepare_list(Evaluator *ev, DjExpr *lookup) {
    if (lookup->args[1]) return true;
    Value *rhs = lookup->as.lookup.rhs;
    if ((value_is(rhs, VALUE_LIST) || value_is(rhs, VALUE_TUPLE)) && lookup->args[0]->kind != DJ_COL_PAIRS &&
        list_as_expression(ev, lookup, (const ListValue *)rhs))
        return true;
    if (value_is_unknown(rhs) || value_is(rhs, VALUE_LIST) || value_is(rhs, VALUE_TUPLE)) return true;
    if (value_is_none(rhs)) return true;
    Value *items = value_iterate(ev, rhs, lookup->site);
    if (!items) return false;
    if (!(items = dj_normalise_related(ev, lookup->args[0], items, true, lookup->site))) return false;
    lookup->as.lookup.rhs = items;
    return true;
}
