/*
 * polymorphic_union(): the UNION ALL that concrete table inheritance loads from.
 *
 * Input: a dict from identities to tables, the name of the column that tells them apart. Output: an alias of the union.
 * Invariants: each part has all columns of all tables, in the order in which they first appear; one that a table lacks
 * is NULL, cast to the column's type unless cast_nulls is False.
 * Example: polymorphic_union({"a": t1, "b": t2}, "type", "p") -> (SELECT t1.x, CAST(NULL AS INTEGER) AS y, 'a' AS type
 * …
 */
#include "compiler/sqlalchemy/face.h"
#include "compiler/sqlalchemy/session.h"

typedef struct UnionPlan {
    Element **tables;
    int table_count;
    ElementList columns; /* one of each key */
    bool cast_nulls;
} UnionPlan;

static void plan_columns(Evaluator *ev, UnionPlan *plan, Element *table) {
    const ElementList *columns = from_columns(ev, table);
    for (int i = 0; i < columns->count; i++) {
        bool known = false;
        for (int j = 0; j < plan->columns.count && !known; j++)
            known = slice_equals(COLUMN(plan->columns.items[j])->key.text, COLUMN(columns->items[i])->key.text);
        if (!known) element_list_push(ev, &plan->columns, columns->items[i]);
    }
}

static Element *plan_column(Evaluator *ev, const UnionPlan *plan, Element *table, const Element *wanted) {
    Name key = COLUMN((Element *)(uintptr_t)wanted)->key;
    Element *own = from_column(ev, table, key.text);
    if (own) return own;
    Element *null = sa_state(ev)->null_element;
    ElementKind kind = plan->cast_nulls ? EL_CAST : EL_TYPE_COERCE;
    return element_label(ev, element_with_children(ev, kind, wanted->type, &null, 1), key);
}

/* The identity as it is written into the statement: 'a', 3. */
static Slice identity_text(Evaluator *ev, Value *identity) {
    if (!value_is(identity, VALUE_STRING)) return value_repr(ev, identity);
    Slice text = value_text(identity);
    Buffer out;
    buffer_init(&out, evaluator_arena(ev));
    buffer_put(&out, '\'');
    for (size_t i = 0; i < text.length; i++) {
        if (text.start[i] == '\'') buffer_put(&out, '\'');
        buffer_put(&out, text.start[i]);
    }
    buffer_put(&out, '\'');
    return buffer_view(&out);
}

static Value *plan_part(Evaluator *ev, const UnionPlan *plan, Element *table, Value *identity, Value *type_name) {
    Select *select = select_new(ev);
    for (int i = 0; i < plan->columns.count; i++)
        select_add_column(ev, select, plan_column(ev, plan, table, plan->columns.items[i]));
    if (type_name && value_is(type_name, VALUE_STRING)) {
        Element *literal = element_literal_column(ev, identity_text(ev, identity), NULL);
        select_add_column(ev, select, element_label(ev, literal, name_from_value(ev, type_name)));
    }
    element_list_push(ev, &select->from, table);
    return &select->head.head.base.head.head;
}

static Value *call_polymorphic_union(Evaluator *ev, Value *self, const Arguments *a) {
    (void)self;
    Value *map = NULL, *type_name = NULL, *alias = NULL, *cast_nulls = NULL;
    if (!arguments_bind(ev, a, "polymorphic_union", "table_map typecolname | aliasname cast_nulls", &map, &type_name,
                        &alias, &cast_nulls))
        return NULL;
    if (!value_is(map, VALUE_DICT)) return value_unknown_at(ev, a->site);
    const DictValue *dict = (const DictValue *)map;
    UnionPlan plan = {.cast_nulls = !cast_nulls || value_is_true(cast_nulls)};
    plan.tables = ARENA_ARRAY(evaluator_arena(ev), Element *, dict->count + 1);
    for (int i = 0; i < dict->count; i++) {
        Element *table = element_coerce(ev, dict->entries[i].value, COERCE_FROM, a->site);
        if (!table) return NULL;
        plan.tables[plan.table_count++] = table;
        plan_columns(ev, &plan, table);
    }
    Value **parts = ARENA_ARRAY(evaluator_arena(ev), Value *, plan.table_count + 1);
    for (int i = 0; i < plan.table_count; i++)
        parts[i] = plan_part(ev, &plan, plan.tables[i], dict->entries[i].key, type_name);
    Value *union_all = module_lookup(ev, evaluator_import(ev, "sqlalchemy"), orm_atom(ev, "union_all"));
    Value *made = value_call_with(ev, union_all, parts, plan.table_count, a->site);
    if (!made || !value_is_element(made)) return made;
    Name name = name_from(SLICE("p_union"));
    if (alias) name = value_is_none(alias) ? (Name){0} : name_from_value(ev, alias);
    return (Value *)element_subquery(ev, (Element *)made, name);
}

void union_define(Evaluator *ev, ModuleValue *module) {
    module_define_function(ev, module, "polymorphic_union", call_polymorphic_union);
}
