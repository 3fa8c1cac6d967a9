/*
 * The models as plain Python values: what `Model._meta`, its fields and its relations hold, for `--dump models`.
 *
 * Input: the models that the given files define, automatic through models too. Output: a list of dicts, one a model.
 *
 * Invariant: names are those of Django's own attributes where it has one; types of columns are the dialect's.
 *
 * Example: class Book(author = ForeignKey(Author)) gives {"label": "shop.Book", "table": "shop_book", "fields":
 * [{"name": "id", …}, {"name": "author", "column": "author_id", "relation": {"to": "shop.Author", …}, …}], …}
 */
#include "compiler/django/column_type.h"
#include "compiler/django/constraints.h"
#include "compiler/django/manager.h"
#include "compiler/django/model_build.h"
#include "compiler/django/schema.h"

typedef struct Describer {
    Evaluator *ev;
    DictValue *dict;
} Describer;

static void describe_value(Describer *describer, const char *name, Value *value) {
    Value *key = value_string(describer->ev, slice_from(name));
    dict_set(describer->ev, describer->dict, key, value ? value : value_none(describer->ev), NULL);
}

static void describe_text(Describer *describer, const char *name, Slice text) {
    describe_value(describer, name, text.length ? value_string(describer->ev, text) : NULL);
}

static void describe_atom(Describer *describer, const char *name, Atom atom) {
    describe_value(describer, name, atom ? value_atom(describer->ev, atom) : NULL);
}

static void describe_flag(Describer *describer, const char *name, bool flag) {
    describe_value(describer, name, value_bool(describer->ev, flag));
}

static void describe_number(Describer *describer, const char *name, int number) {
    describe_value(describer, name, number < 0 ? NULL : value_integer(describer->ev, number));
}

static Value *atoms_list(Evaluator *ev, const Atom *atoms, int count) {
    ListValue *list = value_list(ev);
    for (int i = 0; i < count; i++) list_append(ev, list, atoms[i] ? value_atom(ev, atoms[i]) : value_none(ev));
    return (Value *)list;
}

/* Strings as they are, expressions as repr() shows them. */
static Value *expressions_list(Evaluator *ev, Value **items, int count) {
    ListValue *list = value_list(ev);
    for (int i = 0; i < count; i++)
        list_append(ev, list, value_is_text(items[i]) ? items[i] : value_string(ev, value_repr(ev, items[i])));
    return (Value *)list;
}

static Value *model_label(Evaluator *ev, const DjModel *model) {
    return model ? value_string(ev, model->label) : value_none(ev);
}

/* ---- fields ---- */

static const char *on_delete_name(OnDelete action) {
    switch (action) {
    case ON_DELETE_CASCADE: return "CASCADE";
    case ON_DELETE_PROTECT: return "PROTECT";
    case ON_DELETE_RESTRICT: return "RESTRICT";
    case ON_DELETE_SET_NULL: return "SET_NULL";
    case ON_DELETE_SET_DEFAULT: return "SET_DEFAULT";
    case ON_DELETE_SET: return "SET";
    case ON_DELETE_DO_NOTHING: return "DO_NOTHING";
    case ON_DELETE_CUSTOM: return "custom";
    }
    return "custom";
}

static Value *fields_columns(Evaluator *ev, const Fields *fields) {
    ListValue *list = value_list(ev);
    for (int i = 0; i < fields->count; i++)
        list_append(ev, list, fields->items[i] ? value_atom(ev, fields->items[i]->name) : value_none(ev));
    return (Value *)list;
}

static Value *relation_describe(Evaluator *ev, DjField *field) {
    Describer describer = {ev, value_dict(ev)};
    DjRel *rel = field->rel;
    field_resolve(ev, field);
    describe_value(&describer, "to", model_label(ev, rel->model));
    describe_atom(&describer, "query_name", rel->name);
    describe_atom(&describer, "accessor", rel->accessor);
    describe_atom(&describer, "related_name", rel->related_name);
    describe_flag(&describer, "hidden", rel->hidden);
    if (field->many_to_many) {
        describe_value(&describer, "through", model_label(ev, rel->through));
        describe_flag(&describer, "symmetrical", rel->symmetrical);
        describe_atom(&describer, "through_field", field->m2m_field ? field->m2m_field->name : NULL);
        describe_atom(&describer, "through_reverse_field",
                      field->m2m_reverse_field ? field->m2m_reverse_field->name : NULL);
    } else if (!field->private_only) {
        describe_value(&describer, "from_fields", fields_columns(ev, &field->local_fields));
        describe_value(&describer, "to_fields", fields_columns(ev, &field->foreign_fields));
        describe_text(&describer, "on_delete", slice_from(on_delete_name(rel->on_delete)));
        describe_flag(&describer, "parent_link", rel->parent_link);
        describe_flag(&describer, "db_constraint", rel->db_constraint);
    }
    return (Value *)describer.dict;
}

static Value *field_describe(Evaluator *ev, DjField *field) {
    Describer describer = {ev, value_dict(ev)};
    describe_atom(&describer, "name", field->name);
    describe_text(&describer, "class", field->head.head.cls->name->text);
    describe_value(&describer, "model", model_label(ev, field->model));
    describe_atom(&describer, "attname", field->attname);
    describe_atom(&describer, "column", field->column);
    describe_text(&describer, "type", field->column ? field_column_type(ev, field) : (Slice){"", 0});
    describe_flag(&describer, "null", field->null);
    describe_flag(&describer, "blank", field->blank);
    describe_flag(&describer, "primary_key", field->primary_key);
    describe_flag(&describer, "unique", field->unique || field->primary_key);
    describe_flag(&describer, "db_index", field->db_index);
    describe_flag(&describer, "editable", field->editable);
    describe_flag(&describer, "auto_created", field->auto_created);
    describe_number(&describer, "max_length", field->max_length);
    describe_number(&describer, "max_digits", field->max_digits);
    describe_number(&describer, "decimal_places", field->decimal_places);
    describe_flag(&describer, "has_default", field->default_value != NULL);
    describe_flag(&describer, "has_db_default", field->db_default != NULL);
    describe_flag(&describer, "has_choices", field->choices != NULL);
    describe_text(&describer, "collation", field->db_collation);
    describe_text(&describer, "comment", field->db_comment);
    if (field->base_field) describe_text(&describer, "base_field", field->base_field->head.head.cls->name->text);
    if (field->output_field) describe_text(&describer, "output_field", field->output_field->head.head.cls->name->text);
    if (field->key_count) describe_value(&describer, "key", atoms_list(ev, field->key_names, field->key_count));
    if (field->rel) describe_value(&describer, "relation", relation_describe(ev, field));
    return (Value *)describer.dict;
}

static Value *fields_describe(Evaluator *ev, const Fields *first, const Fields *second, const Fields *third) {
    const Fields *all[3] = {first, second, third};
    ListValue *list = value_list(ev);
    for (int l = 0; l < 3; l++)
        for (int i = 0; i < all[l]->count; i++) list_append(ev, list, field_describe(ev, all[l]->items[i]));
    return (Value *)list;
}

static Value *related_describe(Evaluator *ev, DjModel *model) {
    ListValue *list = value_list(ev);
    for (int i = 0; i < model->related.count; i++) {
        const DjRel *rel = model->related.items[i];
        Describer describer = {ev, value_dict(ev)};
        describe_atom(&describer, "name", rel->name);
        describe_atom(&describer, "accessor", rel->accessor);
        describe_value(&describer, "model", model_label(ev, rel->field->model));
        describe_atom(&describer, "field", rel->field->name);
        describe_flag(&describer, "hidden", rel->hidden);
        describe_flag(&describer, "multiple", rel->multiple);
        list_append(ev, list, (Value *)describer.dict);
    }
    return (Value *)list;
}

/* ---- options ---- */

static Value *constraints_describe(Evaluator *ev, Value **items, int count) {
    ListValue *list = value_list(ev);
    for (int i = 0; i < count; i++) {
        const DjConstraint *constraint = value_as_constraint(items[i]);
        if (!constraint) continue;
        Describer describer = {ev, value_dict(ev)};
        describe_text(&describer, "name", constraint->name);
        describe_text(&describer, "class", constraint->head.head.cls->name->text);
        describe_value(&describer, "fields", atoms_list(ev, constraint->fields, constraint->field_count));
        describe_value(&describer, "include", atoms_list(ev, constraint->include, constraint->include_count));
        describe_flag(&describer, "condition", constraint->condition != NULL);
        describe_number(&describer, "expressions", constraint->expression_count);
        list_append(ev, list, (Value *)describer.dict);
    }
    return (Value *)list;
}

static Value *together_describe(Evaluator *ev, const DjModel *model) {
    ListValue *list = value_list(ev);
    for (int i = 0; i < model->unique_together_count; i++)
        list_append(ev, list, atoms_list(ev, model->unique_together[i].names, model->unique_together[i].count));
    return (Value *)list;
}

static Value *managers_describe(Evaluator *ev, const DjModel *model) {
    ListValue *list = value_list(ev);
    for (int i = 0; i < model->manager_count; i++) {
        const DjManager *manager = (const DjManager *)model->managers[i].manager;
        Describer describer = {ev, value_dict(ev)};
        describe_atom(&describer, "name", model->managers[i].name);
        describe_text(&describer, "class", manager->instance.head.cls->name->text);
        list_append(ev, list, (Value *)describer.dict);
    }
    return (Value *)list;
}

static Atom manager_name(Value *manager) { return manager ? ((const DjManager *)manager)->name : NULL; }

static Value *bases_describe(Evaluator *ev, const DjModel *model) {
    ListValue *list = value_list(ev);
    for (int i = 0; i < model->base_count; i++) list_append(ev, list, model_label(ev, model->bases[i]));
    return (Value *)list;
}

static Value *parents_describe(Evaluator *ev, const DjModel *model) {
    DictValue *dict = value_dict(ev);
    for (int i = 0; i < model->parent_count; i++) {
        const DjField *link = model->parents[i].link;
        dict_set(ev, dict, model_label(ev, model->parents[i].model), link ? value_atom(ev, link->name) : value_none(ev),
                 NULL);
    }
    return (Value *)dict;
}

static void options_describe(Describer *describer, DjModel *model) {
    Evaluator *ev = describer->ev;
    ListValue *latest = value_list(ev);
    for (int i = 0; i < model->get_latest_by_count; i++)
        list_append(ev, latest, value_string(ev, model->get_latest_by[i]));
    describe_value(describer, "ordering", expressions_list(ev, model->ordering, model->ordering_count));
    describe_value(describer, "get_latest_by", (Value *)latest);
    describe_atom(describer, "order_with_respect_to",
                  model->order_with_respect_to ? model->order_with_respect_to->name : NULL);
    describe_value(describer, "unique_together", together_describe(ev, model));
    describe_value(describer, "indexes", constraints_describe(ev, model->indexes, model->index_count));
    describe_value(describer, "constraints", constraints_describe(ev, model->constraints, model->constraint_count));
    describe_value(describer, "managers", managers_describe(ev, model));
    describe_atom(describer, "default_manager", manager_name(model->default_manager));
    describe_atom(describer, "base_manager", manager_name(model->base_manager));
    describe_text(describer, "verbose_name", model->verbose_name);
    describe_text(describer, "comment", model->db_table_comment);
    describe_text(describer, "tablespace", model->db_tablespace);
}

static Value *model_describe(Evaluator *ev, DjModel *model) {
    Describer describer = {ev, value_dict(ev)};
    model_prepare(ev, model);
    describe_text(&describer, "label", model->label);
    describe_atom(&describer, "table", model->db_table);
    describe_flag(&describer, "proxy", model->proxy);
    describe_flag(&describer, "managed", model->managed);
    describe_flag(&describer, "swapped", model->swapped);
    describe_flag(&describer, "auto_created", model->auto_created);
    describe_value(&describer, "bases", bases_describe(ev, model));
    describe_value(&describer, "parents", parents_describe(ev, model));
    describe_atom(&describer, "pk", model->pk ? model->pk->name : NULL);
    describe_value(&describer, "fields",
                   fields_describe(ev, &model->fields, &model->many_to_many, &model->private_fields));
    describe_value(&describer, "related", related_describe(ev, model));
    options_describe(&describer, model);
    return (Value *)describer.dict;
}

ListValue *django_describe_models(Evaluator *ev) {
    ListValue *list = value_list(ev);
    const Models *models = django_models(ev);
    for (int i = 0; i < models->count; i++)
        if (!models->items[i]->abstract) list_append(ev, list, model_describe(ev, models->items[i]));
    return list;
}
