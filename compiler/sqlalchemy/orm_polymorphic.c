/*
 * The further statements that load what subclasses add: selectin_polymorphic() and polymorphic_load="selectin".
 *
 * Input: the plan of an entity with subclasses, and the instances that were made of its rows. Output: one statement for
 * each subclass that is asked for, which fills the columns that the first one has not read. Invariants: with rows only
 * subclasses that occur are asked for, in the order in which they come; without rows all, in the order they are named.
 * Example: selectin_polymorphic(Employee, [Manager]) -> SELECT manager.id …, manager.title … FROM employee JOIN manager
 * ON … WHERE employee.id IN (…) ORDER BY employee.id.
 */
#include "compiler/sqlalchemy/orm_load.h"

static void plan_add(Loading *loading, EntityPlan *plan, PolymorphicLoad load) {
    int capacity = plan->load_capacity;
    ARENA_PUSH(evaluator_arena(loading->ev), plan->loads, plan->load_count, capacity) = load;
    plan->load_capacity = capacity;
}

static bool step_names(const LoadStep *step, const Mapper *mapper) {
    for (int i = 0; i < step->mapper_count; i++)
        if (step->mappers[i] == mapper) return true;
    return false;
}

/* A subclass that is named, and the classes between it and the entity's that are not. */
static void plan_named(Loading *loading, EntityPlan *plan, const LoadStep *step, Mapper *mapper) {
    for (Mapper *up = mapper; up && up != plan->mapper; up = up->inherits)
        if (up == mapper || !step_names(step, up))
            plan_add(loading, plan, (PolymorphicLoad){up, up->inherits, mapper, false});
}

void polymorphic_plan(Loading *loading, EntityPlan *plan) {
    if (plan->loads_known) return;
    plan->loads_known = true;
    if (plan->only || loading->refresh || plan->entity->poly_count || !plan->mapper->sub_count) return;
    const LoadStep *step = options_polymorphic(loading->options, plan);
    for (int i = 0; step && i < step->mapper_count; i++)
        if (step->mappers[i] != plan->mapper && mapper_is_a(step->mappers[i], plan->mapper))
            plan_named(loading, plan, step, step->mappers[i]);
    if (step) return;
    Mapper **all = NULL;
    int count = 0, capacity = 0;
    mapper_self_and_subs(loading->ev, plan->mapper, &all, &count, &capacity);
    for (int i = 1; i < count; i++)
        if (all[i]->load_selectin) plan_add(loading, plan, (PolymorphicLoad){all[i], plan->mapper, all[i], true});
}

bool polymorphic_applies(const EntityPlan *plan, const PolymorphicLoad *load, const OrmInstance *instance, bool real) {
    if (!real) return true;
    if (!mapper_is_a(instance->mapper, load->applies)) return false;
    for (int i = 0; i < plan->load_count && load->nearest; i++) {
        Mapper *other = plan->loads[i].mapper;
        if (other != load->mapper && mapper_is_a(other, load->mapper) && mapper_is_a(instance->mapper, other))
            return false;
    }
    return true;
}

/* The key, the discriminator, and what the class has and the one above has not. */
static ListValue *names_to_load(Evaluator *ev, const PolymorphicLoad *load) {
    ListValue *names = value_list(ev);
    const AtomMap *properties = &load->mapper->properties;
    for (int i = 0; i < properties->count; i++) {
        Property *property = properties->entries[i].value;
        if (!properties->entries[i].key || property->kind != PROPERTY_COLUMN) continue;
        bool wanted = !mapper_property(load->above, property->key) && !property->deferred;
        for (int j = 0; j < property->columns.count; j++)
            wanted |= property->columns.items[j] == load->mapper->polymorphic_on ||
                      list_has(&load->mapper->primary_key, property->columns.items[j]);
        if (wanted) list_append(ev, names, value_atom(ev, property->key));
    }
    return names;
}

bool polymorphic_run(Loading *loading, const PostLoad *post) {
    Evaluator *ev = loading->ev;
    Mapper *mapper = post->load->mapper;
    const ElementList *key = &mapper->primary_key;
    Value *values = parent_values(loading, post->parents, post->plan->mapper, key);
    if (!values) return false;
    Select *select = select_new(ev);
    select->head.label_style = LABEL_TABLENAME_PLUS_COL;
    select_add_column(ev, select, entity_element(ev, mapper_entity(ev, mapper)));
    Element *left = key->items[0];
    if (key->count > 1) left = element_with_children(ev, EL_TUPLE, type_of_kind(ev, TYPE_NULL), key->items, key->count);
    Element *in = element_in(ev, left, values, false, loading->site);
    if (!in) return false;
    select_add_where(ev, select, in);
    for (int i = 0; i < key->count; i++) element_list_push(ev, &select->head.order_by, key->items[i]);
    EntityPlan start = {.path = post->plan->path, .depth = post->plan->depth, .only = names_to_load(ev, post->load)};
    RowPlan plan = {0};
    return loading_run(loading, &select->head.head.base, &start, &plan, result_new(ev, loading->site));
}
