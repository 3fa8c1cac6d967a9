/*
 * Whether a model can have a table: what `ormc schema` says of models that are not whole. Input: a model; output: a
 * diagnostic, and whether its table is written.
 *
 * Invariants: a table that lacks a column or an index is not written at all; a relation to a model that no file
 * defines is, with a guessed type and a warning, for a project may be given in parts.
 */
#include "compiler/django/schema_internal.h"

/* What the class body assigns to the name, in this class or one above it; NULL: no such text. */
static const Node *assigned_in(const Class *cls, Atom name) {
    for (int i = 0; i < cls->mro_count; i++) {
        if (!cls->mro[i]->node) continue;
        const Nodes *body = &NODE_AS(ClassDef, cls->mro[i]->node)->body;
        for (int j = 0; j < body->count; j++) {
            if (body->items[j]->kind != NODE_Assign) continue;
            const NodeAssign *assign = NODE_AS(Assign, body->items[j]);
            const Node *target = assign->targets.items[0];
            if (target->kind == NODE_Name && NODE_AS(Name, target)->id == name) return assign->value;
        }
    }
    return NULL;
}

/* `ForeignKey("Missing", …)`: its first argument. */
static const Node *relation_node(const DjModel *model, const DjField *field) {
    const Node *node = assigned_in(model->cls, field->name);
    if (!node || node->kind != NODE_Call) return node ? node : model->cls->node;
    const NodeCall *call = NODE_AS(Call, node);
    return call->args.count ? call->args.items[0] : node;
}

static Slice model_nearest(Evaluator *ev, Slice wanted) {
    Suggestion near = suggestion_start(slice_sub(wanted, slice_find(wanted, '.') % wanted.length, wanted.length));
    const Models *models = django_models(ev);
    for (int i = 0; i < models->count; i++) suggestion_offer(&near, models->items[i]->name->text);
    return near.best;
}

static void warn_unresolved(SchemaEditor *editor, const DjModel *model, DjField *field) {
    Evaluator *ev = editor->ev;
    const Value *target = field->rel->model ? field->rel->through_ref : field->rel->target;
    if (!target || !value_is(target, VALUE_STRING) || !value_text(target).length) return;
    Slice name = value_text(target);
    Diagnostic *warning = evaluator_warn(ev, CODE_UNKNOWN_MODEL, evaluator_span(ev, relation_node(model, field)),
                                         "the model '%.*s' is not known: %s", SLICE_ARGS(name),
                                         field->many_to_many ? "the table between is left out"
                                                             : "the column refers to nothing, its type is a guess");
    Slice near = model_nearest(ev, name);
    if (near.length) warning->help = slice_format(evaluator_arena(ev), "did you mean '%.*s'?", SLICE_ARGS(near));
    else warning->help = SLICE("give the file that defines it with -m");
}

static bool refuse_name(SchemaEditor *editor, DjModel *model, Atom name, const Node *node) {
    if (model_field(editor->ev, model, name)) return false;
    evaluator_refuse(editor->ev, CODE_FIELD_ERROR, evaluator_span(editor->ev, node), "%.*s has no field named '%.*s'",
                     SLICE_ARGS(model->name->text), SLICE_ARGS(name->text));
    return true;
}

static bool refuse_names(SchemaEditor *editor, DjModel *model, Value *const *items, int count) {
    bool refused = false;
    for (int i = 0; i < count; i++) {
        const DjConstraint *constraint = value_as_constraint(items[i]);
        for (int j = 0; constraint && j < constraint->field_count && !refused; j++)
            refused = refuse_name(editor, model, constraint->fields[j], constraint->site);
    }
    return refused;
}

bool schema_model_is_whole(SchemaEditor *editor, DjModel *model) {
    Evaluator *ev = editor->ev;
    if (model->cls->node && evaluator_has_error_in(ev, model->cls->node)) return false;
    const Fields *lists[] = {&model->local_fields, &model->local_many_to_many};
    for (int k = 0; k < 2; k++)
        for (int i = 0; i < lists[k]->count; i++) {
            DjField *field = lists[k]->items[i];
            if (field->rel && !field_resolve(ev, field)) warn_unresolved(editor, model, field);
        }
    bool refused = refuse_names(editor, model, model->indexes, model->index_count) ||
                   refuse_names(editor, model, model->constraints, model->constraint_count);
    for (int i = 0; i < model->unique_together_count; i++)
        for (int j = 0; j < model->unique_together[i].count && !refused; j++)
            refused = refuse_name(editor, model, model->unique_together[i].names[j], model->cls->node);
    return !refused;
}
