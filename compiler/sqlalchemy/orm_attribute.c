/*
 * Relationships as attributes of classes: User.posts.any(…), .has(…), .contains(x), == x, .of_type(…), .and_(…), and
 * relationships standing alone as a criterion.
 *
 * Input: an AttributeValue and Python values. Output: Core expressions (EXISTS, comparisons of foreign keys).
 * Invariant: the inner SELECT of any() and has() names its FROM clauses and correlates everything else.
 * Example: User.posts.any(Post.id == 1) -> EXISTS (SELECT 1 FROM posts WHERE users.id = posts.author_id AND …).
 */
#include "compiler/sqlalchemy/face.h"
#include "compiler/sqlalchemy/session.h"

/* ---- parts of a relationship's condition as values of an instance ---- */

typedef struct BindSide {
    Relationship *relationship;
    Value *instance; /* NULL: comparison with None */
    Entity *entity;
    bool reverse; /* the remote columns become values */
    bool failed;
    const Node *site;
} BindSide;

/* The value of a column's attribute on an instance (or unknown instance). */
Value *instance_column_value(Evaluator *ev, Value *instance, Mapper *mapper, Element *column, const Node *site) {
    Property *property = mapper_property_of(mapper, column);
    if (!property) return value_none(ev);
    OrmInstance *known = value_as_instance(instance);
    bool pending =
        known && !known->partial && known->status != INSTANCE_PERSISTENT && known->status != INSTANCE_DETACHED;
    if (pending && !instance_get(instance, property->key))
        return sa_raise(
            ev, SA_INVALID_REQUEST_ERROR, site,
            "Can't resolve value for column %.*s.%.*s on object %.*s; no value has been set for this column",
            SLICE_ARGS(COLUMN(column)->table->name.text), SLICE_ARGS(column->name.text),
            SLICE_ARGS(value_repr(ev, instance)));
    return value_get_attribute(ev, instance, property->key, site);
}

static Element *bind_column(Evaluator *ev, Element *element, void *data) {
    BindSide *side = data;
    if (element->kind != EL_COLUMN) return NULL;
    Relationship *relationship = side->relationship;
    bool secondary = relationship->secondary && list_has(from_columns(ev, relationship->secondary), element);
    bool remote = list_has(&relationship->remote, element);
    if (secondary) return NULL;
    if (relationship->secondary || remote == side->reverse) {
        Mapper *mapper = side->reverse ? relationship->target : relationship->parent;
        Value *value =
            side->instance ? instance_column_value(ev, side->instance, mapper, element, side->site) : value_none(ev);
        if (!value) {
            side->failed = true;
            return element;
        }
        return element_bind(ev, (Slice){0}, value, element->type);
    }
    if (!side->entity) return NULL;
    Element *adapted = entity_adapt(ev, side->entity, element);
    return adapted == element ? NULL : adapted;
}

/* Binds the columns of one side; the other side is adapted to `entity` (may be NULL). */
Element *relationship_lazy_clause(Evaluator *ev, Relationship *relationship, Value *instance, Entity *entity,
                                  bool reverse, const Node *site) {
    BindSide side = {relationship, instance, entity, reverse, false, site};
    Element *primary = relationship->primaryjoin;
    if (!relationship->secondaryjoin || !reverse) primary = element_rewrite(ev, primary, bind_column, &side);
    else if (entity) primary = entity_adapt(ev, entity, primary);
    if (side.failed) return NULL;
    if (!relationship->secondaryjoin) return primary;
    Element *secondary = relationship->secondaryjoin;
    if (reverse) secondary = element_rewrite(ev, secondary, bind_column, &side);
    if (side.failed) return NULL;
    Element *both[2] = {primary, secondary};
    return element_and(ev, both, 2);
}

static Element *nulls_for_columns(Evaluator *ev, AttributeValue *attribute) {
    Relationship *relationship = attribute->property->relationship;
    ElementList criteria = {0};
    for (int i = 0; i < relationship->pairs.count; i++) {
        Element *local = entity_adapt(ev, attribute->entity, relationship->pairs.items[i].from);
        Element *is_null = element_operate(ev, SA_EQ, local, value_none(ev), false, NULL);
        element_list_push(ev, &criteria, is_null);
    }
    return element_and(ev, criteria.items, criteria.count);
}

/* ---- EXISTS ---- */

static bool keyword_criteria(Evaluator *ev, AttributeValue *attribute, const Arguments *arguments, Entity *entity,
                             ElementList *out) {
    for (int i = 0; i < arguments->keyword_count; i++) {
        Keyword *keyword = &arguments->keywords[i];
        Element *column = orm_entity_attribute(ev, entity, keyword->name, keyword->node);
        if (!column) {
            if (!evaluator_error_pending(ev))
                evaluator_raise_id(ev, EXCEPTION_ATTRIBUTE, keyword->node, "type object '%s' has no attribute '%s'",
                                   attribute->property->relationship->target->cls->name->text.start,
                                   keyword->name->text.start);
            return false;
        }
        Element *criterion = element_operate(ev, SA_EQ, column, keyword->value, false, keyword->node);
        if (!criterion) return false;
        element_list_push(ev, out, criterion);
    }
    return true;
}

/* Only what joins an EXISTS with what surrounds it follows the aliases of further relationships. A conjunction melts
 * into the one around it, where its parts are as open as that is. */
static Element *element_settled(Evaluator *ev, Element *criterion) {
    if (criterion->kind == EL_OPERATOR_LIST && OPERATOR(criterion)->boolean_list &&
        OPERATOR(criterion)->op.id == SA_AND)
        return criterion;
    Element *copy = element_copy(ev, criterion);
    copy->settled = true;
    return copy;
}

Element *attribute_exists(Evaluator *ev, AttributeValue *attribute, Value *criterion, const Arguments *arguments) {
    Relationship *relationship = attribute->property->relationship;
    if (relationship == NULL || !relationship_configure(ev, relationship)) return NULL;
    Entity *target = attribute->of_type ? attribute->of_type : relationship->target_entity;
    bool selfref = relationship->parent->base == relationship->target->base;
    Entity *right = target;
    if (selfref && !target->is_alias && (attribute->of_type || !attribute->entity->is_alias))
        right = entity_alias(ev, target->mapper, NULL, (Slice){0}, false);
    bool aliased = attribute->entity->is_alias || right->is_alias || attribute->of_type;
    JoinTargets join;
    if (!relationship_join(ev, relationship, attribute->entity, right, aliased, NULL, &join)) return NULL;
    ElementList where = {0};
    element_list_push(ev, &where, join.primary);
    if (join.secondary_on) element_list_push(ev, &where, join.secondary_on);
    ElementList own = {0};
    if (!keyword_criteria(ev, attribute, arguments, target, &own)) return NULL;
    ElementList criteria = {0};
    if (criterion && !value_is_none(criterion)) {
        Element *element = element_coerce(ev, criterion, COERCE_WHERE, arguments->site);
        if (!element) return NULL;
        element_list_push(ev, &criteria, element);
    }
    for (int i = 0; i < own.count; i++) element_list_push(ev, &criteria, own.items[i]);
    for (int i = 0; i < criteria.count; i++) {
        Element *element = criteria.items[i];
        if (aliased && !target->is_alias)
            element = relationship_adapt_criterion(ev, relationship, attribute->entity, right, join.secondary, element);
        element_list_push(ev, &where, criteria.count > 1 ? element : element_settled(ev, element));
    }
    Select *select = select_new(ev);
    select_add_column(ev, select, element_literal_column(ev, SLICE("1"), type_of_kind(ev, TYPE_INTEGER)));
    select_add_where(ev, select, element_and(ev, where.items, where.count));
    element_list_push(ev, &select->from, right->selectable);
    element_list_push(ev, &select->correlate_except, right->selectable);
    if (join.secondary) {
        element_list_push(ev, &select->from, join.secondary);
        element_list_push(ev, &select->correlate_except, join.secondary);
    }
    select->correlate_except_set = true;
    select->auto_correlate = false;
    return element_exists(ev, &select->head.head.base);
}

static Value *attribute_any(Evaluator *ev, Value *self, const Arguments *arguments) {
    AttributeValue *attribute = (AttributeValue *)self;
    if (attribute->property->kind != PROPERTY_RELATIONSHIP) return value_unknown_at(ev, arguments->site);
    bool has = evaluator_native_data(ev) != NULL;
    Relationship *relationship = attribute->property->relationship;
    if (!mappers_configure(ev)) return NULL;
    if (has && relationship->uselist)
        return sa_raise(ev, SA_INVALID_REQUEST_ERROR, arguments->site,
                        "'has()' not implemented for collections. Use any().");
    if (!has && !relationship->uselist)
        return sa_raise(ev, SA_INVALID_REQUEST_ERROR, arguments->site,
                        "'any()' not implemented for scalar attributes. Use has().");
    Value *criterion = arguments->count ? arguments->items[0] : NULL;
    Arguments rest = *arguments;
    Keyword *keywords = ARENA_ARRAY(evaluator_arena(ev), Keyword, arguments->keyword_count + 1);
    rest.keyword_count = 0;
    for (int i = 0; i < arguments->keyword_count; i++) {
        if (slice_equals_text(arguments->keywords[i].name->text, "criterion")) criterion = arguments->keywords[i].value;
        else keywords[rest.keyword_count++] = arguments->keywords[i];
    }
    rest.keywords = keywords;
    return (Value *)attribute_exists(ev, attribute, criterion, &rest);
}

static Value *attribute_of_type(Evaluator *ev, Value *self, const Arguments *arguments) {
    AttributeValue *copy = ARENA_NEW(evaluator_arena(ev), AttributeValue);
    *copy = *(AttributeValue *)self;
    if (!arguments->count || !mappers_configure(ev)) return NULL;
    copy->of_type = entity_of_value(ev, arguments->items[0]);
    if (!copy->of_type)
        return sa_raise(ev, SA_ARGUMENT_ERROR, arguments->site, "of_type() expects a mapped class or alias");
    return &copy->head.head;
}

static Value *attribute_and(Evaluator *ev, Value *self, const Arguments *arguments) {
    AttributeValue *copy = ARENA_NEW(evaluator_arena(ev), AttributeValue);
    *copy = *(AttributeValue *)self;
    copy->criteria = (ElementList){0};
    for (int i = 0; i < ((AttributeValue *)self)->criteria.count; i++)
        element_list_push(ev, &copy->criteria, ((AttributeValue *)self)->criteria.items[i]);
    for (int i = 0; i < arguments->count; i++) {
        Element *element = element_coerce(ev, arguments->items[i], COERCE_WHERE, arguments->nodes[i]);
        if (!element) return NULL;
        element_list_push(ev, &copy->criteria, element);
    }
    return &copy->head.head;
}

/* A comparison names the secondary table by an alias of its own. */
static Element *alias_secondary(Evaluator *ev, Relationship *relationship, Element *clause) {
    if (!clause || !relationship->secondary) return clause;
    return element_adapt(ev, clause, element_alias(ev, relationship->secondary, (Name){0}));
}

static Value *attribute_contains(Evaluator *ev, Value *self, const Arguments *arguments) {
    AttributeValue *attribute = (AttributeValue *)self;
    if (!arguments->count || !mappers_configure(ev)) return NULL;
    Relationship *relationship = attribute->property->relationship;
    if (!relationship->uselist)
        return sa_raise(ev, SA_INVALID_REQUEST_ERROR, arguments->site,
                        "'contains' not implemented for scalar attributes.  Use ==");
    Element *clause =
        relationship_lazy_clause(ev, relationship, arguments->items[0], attribute->entity, true, arguments->site);
    return (Value *)alias_secondary(ev, relationship, clause);
}

/* ---- == and != ---- */

static Element *attribute_not_equal(Evaluator *ev, AttributeValue *attribute, Value *other, const Node *site) {
    Relationship *relationship = attribute->property->relationship;
    Arguments none = {.site = site};
    if (relationship->direction != MANY_TO_ONE || !relationship_uses_get(relationship)) {
        ElementList where = {0};
        for (int i = 0; i < relationship->target->primary_key.count; i++) {
            Element *key = relationship->target->primary_key.items[i];
            Value *value = instance_column_value(ev, other, relationship->target, key, site);
            if (!value) return NULL;
            element_list_push(ev, &where, element_operate(ev, SA_EQ, key, value, false, site));
        }
        Element *exists = attribute_exists(ev, attribute, (Value *)element_and(ev, where.items, where.count), &none);
        return exists ? element_not(ev, exists) : NULL;
    }
    ElementList all = {0};
    for (int i = 0; i < relationship->pairs.count; i++) {
        Element *local = entity_adapt(ev, attribute->entity, relationship->pairs.items[i].from);
        Value *value = instance_column_value(ev, other, relationship->target, relationship->pairs.items[i].to, site);
        if (!value) return NULL;
        Element *bound = element_bind(ev, (Slice){0}, value, local->type);
        Element *either[2] = {element_operate(ev, SA_NE, local, (Value *)bound, false, site),
                              element_operate(ev, SA_EQ, local, value_none(ev), false, site)};
        if (!either[0] || !either[1]) return NULL;
        element_list_push(ev, &all, element_or(ev, either, 2));
    }
    return element_and(ev, all.items, all.count);
}

/* The n-th part of a composite: what __composite_values__() says, else the dataclass's n-th field. */
Value *composite_part(Evaluator *ev, const Property *property, Value *value, int n, const Node *site) {
    if (value_is_none(value)) return value;
    Value *parts = value_find_attribute(ev, value, orm_atom(ev, "__composite_values__"), site);
    if (parts) parts = value_call_with(ev, parts, NULL, 0, site);
    if (evaluator_error_pending(ev)) return NULL;
    if (parts && value_is(parts, VALUE_TUPLE) && n < ((ListValue *)parts)->count) return ((ListValue *)parts)->items[n];
    if (property->composite && n < class_annotation_count(property->composite))
        return value_get_attribute(ev, value, class_annotation_name(property->composite, n), site);
    return value_none(ev);
}

static Element *composite_compare(Evaluator *ev, CompareOperator op, AttributeValue *attribute, Value *other,
                                  const Node *site) {
    Property *property = attribute->property;
    ElementList all = {0};
    SaOperator operator= op == COMPARE_NotEq ? SA_NE
    : op == COMPARE_Lt                       ? SA_LT
    : op == COMPARE_LtE                      ? SA_LE
    : op == COMPARE_Gt                       ? SA_GT
    : op == COMPARE_GtE                      ? SA_GE
                                             : SA_EQ;
    for (int i = 0; i < property->composite_count; i++) {
        Property *part = mapper_property(attribute->entity->mapper, property->composite_keys[i]);
        Element *column = part ? entity_column(ev, attribute->entity, part) : NULL;
        Value *value = composite_part(ev, property, other, i, site);
        Element *item = column && value ? element_operate(ev, operator, column, value, false, site) : NULL;
        if (!item) return NULL;
        element_list_push(ev, &all, item);
    }
    return element_and(ev, all.items, all.count);
}

static Value *attribute_compare(Evaluator *ev, CompareOperator op, Value *self, Value *other, bool reflected,
                                const Node *site) {
    (void)reflected;
    AttributeValue *attribute = (AttributeValue *)self;
    bool relationship_given = attribute->property->kind == PROPERTY_RELATIONSHIP;
    if (relationship_given && (op == COMPARE_Lt || op == COMPARE_LtE || op == COMPARE_Gt || op == COMPARE_GtE))
        return sa_raise_not_implemented(ev, site, "comparison");
    if (!mappers_configure(ev)) return NULL;
    if (attribute->property->kind == PROPERTY_COMPOSITE)
        return (Value *)composite_compare(ev, op, attribute, other, site);
    if (op != COMPARE_Eq && op != COMPARE_NotEq) return NULL;
    Relationship *relationship = attribute->property->relationship;
    Arguments none = {.site = site};
    bool equal = op == COMPARE_Eq;
    if (value_is_none(other)) {
        if (relationship->direction == MANY_TO_ONE) {
            Element *is_null = nulls_for_columns(ev, attribute);
            return (Value *)(equal ? is_null : element_not(ev, is_null));
        }
        Element *exists = attribute_exists(ev, attribute, NULL, &none);
        return (Value *)(exists && equal ? element_not(ev, exists) : exists);
    }
    if (relationship->uselist)
        return sa_raise(
            ev, SA_INVALID_REQUEST_ERROR, site,
            "Can't compare a collection to an object or collection; use contains() to test for membership.");
    if (!equal) return (Value *)attribute_not_equal(ev, attribute, other, site);
    return (Value *)relationship_lazy_clause(ev, relationship, other, attribute->entity, true, site);
}

/* What only columns can do. */
static Value *attribute_refuse(Evaluator *ev, Value *self, const Arguments *arguments) {
    (void)self;
    const char *name = evaluator_native_data(ev);
    return sa_raise_not_implemented(ev, arguments->site, name);
}

static Value *attribute_binary(Evaluator *ev, Operator op, Value *self, Value *other, bool reflected,
                               const Node *site) {
    (void)op;
    (void)other;
    if (reflected || ((AttributeValue *)self)->property->kind == PROPERTY_COMPOSITE) return NULL;
    return sa_raise_not_implemented(ev, site, "operator");
}

/* ---- as an expression ---- */

/* A composite's columns, or a relationship kept for the lowering of its select. */
static Element *attribute_element(Evaluator *ev, AttributeValue *attribute) {
    OrmElement *made = (OrmElement *)element_new(ev, EL_ORM, NULL);
    made->value = &attribute->head.head;
    if (attribute->property->kind == PROPERTY_COMPOSITE) {
        Property *property = attribute->property;
        made->base.children = ARENA_ARRAY(evaluator_arena(ev), Element *, property->composite_count + 1);
        for (int i = 0; i < property->composite_count; i++) {
            Property *part = mapper_property(attribute->entity->mapper, property->composite_keys[i]);
            if (part) made->base.children[made->base.count++] = entity_column(ev, attribute->entity, part);
        }
    }
    return &made->base;
}

static Element *attribute_criterion(Evaluator *ev, AttributeValue *attribute, const Node *site) {
    (void)site;
    if (!mappers_configure(ev)) return NULL;
    if (attribute->property->kind == PROPERTY_COMPOSITE) return attribute_element(ev, attribute);
    Relationship *relationship = attribute->property->relationship;
    Entity *right = attribute->of_type ? attribute->of_type : relationship->target_entity;
    JoinTargets join;
    if (!relationship_join(ev, relationship, attribute->entity, right, true, &attribute->criteria, &join)) return NULL;
    if (!join.secondary_on) return join.primary;
    Element *both[2] = {join.primary, join.secondary_on};
    return element_and(ev, both, 2);
}

Element *orm_coerce_expression(Evaluator *ev, Value *value, const Node *site) {
    AttributeValue *attribute = value_as_attribute(value);
    if (attribute) return attribute_criterion(ev, attribute, site);
    if (value->type == &orm_mapped_column_type) {
        MappedColumn *mapped = (MappedColumn *)value;
        return mapped->column ? mapped->column : mapped->columns.count ? mapped->columns.items[0] : NULL;
    }
    if (value->type == &orm_bundle_type) return bundle_element(ev, (BundleValue *)value);
    if (value->type == &orm_query_type) return query_as_select(ev, value);
    Entity *entity = orm_entity(ev, value);
    return entity ? entity_element(ev, entity) : NULL;
}

static Value *attribute_get_attribute(Evaluator *ev, Value *self, Atom name, const Node *site) {
    AttributeValue *attribute = (AttributeValue *)self;
    Slice text = name->text;
    if (slice_equals_text(text, "key")) return value_atom(ev, attribute->property->key);
    if (slice_equals_text(text, "class_")) return &attribute->entity->mapper->cls->head;
    if (slice_equals_text(text, "parent")) return orm_mapper_value(ev, attribute->entity->mapper);
    if (slice_equals_text(text, "property") || slice_equals_text(text, "prop")) return self;
    if (slice_equals_text(text, "mapper") && attribute->property->relationship)
        return orm_mapper_value(ev, attribute->property->relationship->target);
    if (slice_equals_text(text, "entity") && attribute->property->relationship)
        return entity_value(ev, attribute->property->relationship->target_entity);
    if (attribute->property->kind == PROPERTY_COMPOSITE) return NULL;
    (void)site;
    return NULL;
}

static void attribute_describe(Evaluator *ev, Value *self, Buffer *out) {
    (void)ev;
    AttributeValue *attribute = (AttributeValue *)self;
    buffer_format(out, "%.*s.%s", SLICE_ARGS(attribute->entity->name), attribute->property->key->text.start);
}

const Type orm_attribute_type = {.name = "InstrumentedAttribute",
                                 .kind = VALUE_NATIVE,
                                 .get_attribute = attribute_get_attribute,
                                 .compare = attribute_compare,
                                 .binary = attribute_binary,
                                 .describe = attribute_describe,
                                 .has_attributes = true};

static const NativeMethod attribute_methods[] = {
    {"any", attribute_any, NATIVE_METHOD, NULL},
    {"has", attribute_any, NATIVE_METHOD, "has"},
    {"contains", attribute_contains, NATIVE_METHOD, NULL},
    {"of_type", attribute_of_type, NATIVE_METHOD, NULL},
    {"and_", attribute_and, NATIVE_METHOD, NULL},
#define REFUSED(name) {name, attribute_refuse, NATIVE_METHOD, name},
    REFUSED("is_") REFUSED("is_not") REFUSED("isnot") REFUSED("in_") REFUSED("not_in") REFUSED("notin_") REFUSED("like")
        REFUSED("ilike") REFUSED("not_like") REFUSED("not_ilike") REFUSED("startswith") REFUSED("endswith")
            REFUSED("between") REFUSED("is_distinct_from") REFUSED("is_not_distinct_from") REFUSED("desc")
                REFUSED("asc") REFUSED("nulls_first") REFUSED("nulls_last") REFUSED("distinct") REFUSED("collate")
                    REFUSED("match")
#undef REFUSED
                        {0},
};

/* ---- with_parent, remote(), foreign() ---- */

static Value *call_with_parent(Evaluator *ev, Value *self, const Arguments *arguments) {
    (void)self;
    Value *instance = NULL, *prop = NULL, *from = NULL;
    if (!arguments_bind(ev, arguments, "with_parent", "instance prop | from_entity", &instance, &prop, &from) ||
        !mappers_configure(ev))
        return NULL;
    AttributeValue *attribute = value_as_attribute(prop);
    if (!attribute) return sa_raise(ev, SA_ARGUMENT_ERROR, arguments->site, "with_parent() expects a relationship");
    Relationship *relationship = attribute->property->relationship;
    Element *clause = relationship_lazy_clause(ev, relationship, instance, attribute->of_type, false, arguments->site);
    return (Value *)alias_secondary(ev, relationship, clause);
}

static Value *call_mark(Evaluator *ev, Value *self, const Arguments *arguments) {
    (void)self;
    if (!arguments->count) return NULL;
    Value *given = arguments->items[0];
    Element *column = given->type == &orm_mapped_column_type
                          ? ((MappedColumn *)given)->column
                          : element_coerce(ev, given, COERCE_EXPRESSION, arguments->site);
    if (!column) return NULL;
    return (Value *)column_marked(ev, column, value_bool(ev, evaluator_native_data(ev) == NULL));
}

void attributes_define(Evaluator *ev, ModuleValue *module) {
    NativeClass attribute = {
        .name = "InstrumentedAttribute", .instance_type = &orm_attribute_type, .methods = attribute_methods};
    orm_state(ev)->attribute = module_define_class(ev, module, &attribute, NULL);
    module_define(ev, module, "QueryableAttribute", &orm_state(ev)->attribute->head);
    module_define_function(ev, module, "with_parent", call_with_parent);
    module_define_function(ev, module, "remote", call_mark);
    module_define(ev, module, "foreign", value_native_function(ev, "foreign", call_mark, "foreign"));
}
