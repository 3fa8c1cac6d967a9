/*
 * Constraints and indexes: what they are made with, and how they join their table.
 *
 * Input: calls from the evaluated program. Output: Constraint and Index values, in the order in which they joined.
 * Invariant: columns named by text wait for the table; columns given as objects may bring their own table along.
 * Example: UniqueConstraint("a", "b", name="uq") is attached when Table("t", m, …, uq) is made.
 */
#include "compiler/sqlalchemy/schema_items.h"

/* ---- constraints ---- */

Constraint *value_as_constraint(Evaluator *ev, Value *value) {
    const SaState *state = sa_state(ev);
    for (int i = 0; i < 5; i++)
        if (state->constraints[i] && value_is_instance(value, state->constraints[i])) return (Constraint *)value;
    return NULL;
}

Index *value_as_index(Evaluator *ev, Value *value) {
    return value_is_instance(value, sa_state(ev)->index) ? (Index *)value : NULL;
}

ForeignKey *value_as_foreign_key(Evaluator *ev, Value *value) {
    return value_is_instance(value, sa_state(ev)->foreign_key) ? (ForeignKey *)value : NULL;
}

Constraint *schema_constraint_new(Evaluator *ev, Class *cls, ConstraintKind kind, const Node *node) {
    Constraint *constraint = instance_allocate(ev, cls, sizeof *constraint);
    constraint->kind = kind;
    constraint->node = node;
    constraint->order = sa_next_id(ev);
    return constraint;
}

/* Columns by name wait for the table; columns by object may already have one. */
static void schema_constraint_columns(Evaluator *ev, Constraint *constraint, Value *const *items, int count) {
    constraint->pending = ARENA_ARRAY(evaluator_arena(ev), Value *, count + 1);
    for (int i = 0; i < count; i++) constraint->pending[constraint->pending_count++] = items[i];
}

static bool constraint_keyword(Evaluator *ev, Constraint *constraint, const Keyword *keyword) {
    Slice name = keyword->name->text;
    Slice on_delete = {"", 0}, on_update = {"", 0};
    if (schema_option_is_dialect(name)) return schema_option_keep(ev, &constraint->dialect_options, keyword), true;
    if (slice_equals_text(name, "info") || slice_equals_text(name, "comment")) return true;
    if (constraint->kind == CONSTRAINT_FOREIGN_KEY &&
        (slice_equals_text(name, "columns") || slice_equals_text(name, "refcolumns")))
        return true;
    (void)on_delete, (void)on_update;
    return schema_key_option(ev, keyword, &constraint->on_delete, &constraint->on_update, &constraint->initially,
                             &constraint->match, &constraint->has_deferrable, &constraint->deferrable,
                             &constraint->use_alter, &constraint->name);
}

static ConstraintKind constraint_kind(Evaluator *ev, const Class *cls) {
    const SaState *state = sa_state(ev);
    for (int i = 0; i < 5; i++)
        if (state->constraints[i] && class_is_subclass(cls, state->constraints[i])) return (ConstraintKind)i;
    return CONSTRAINT_CHECK;
}

static bool check_read(Evaluator *ev, Constraint *constraint, const Arguments *a) {
    if (!a->count) return true;
    constraint->check = element_coerce(ev, a->items[0], COERCE_DDL_EXPRESSION, a->site);
    return constraint->check != NULL;
}

static bool references_read(Evaluator *ev, Constraint *constraint, const Arguments *a) {
    Value *own_given =
        a->count > 0 ? a->items[0] : arguments_keyword(a, atom_intern_text(evaluator_atoms(ev), "columns"));
    Value *other_given =
        a->count > 1 ? a->items[1] : arguments_keyword(a, atom_intern_text(evaluator_atoms(ev), "refcolumns"));
    if (!own_given || !other_given) return true;
    Value *columns = value_iterate(ev, own_given, a->site),
          *targets = columns ? value_iterate(ev, other_given, a->site) : NULL;
    if (!targets || value_is_unknown(columns) || value_is_unknown(targets)) return false;
    const ListValue *own = (const ListValue *)columns, *other = (const ListValue *)targets;
    if (own->count != other->count) {
        sa_raise(ev, SA_ARGUMENT_ERROR, a->site,
                 "ForeignKeyConstraint number of constrained columns must match the number of "
                 "referenced columns.");
        return false;
    }
    schema_constraint_columns(ev, constraint, own->items, own->count);
    constraint->elements = ARENA_ARRAY(evaluator_arena(ev), ForeignKey *, other->count + 1);
    constraint->reference_count = other->count;
    for (int i = 0; i < other->count; i++) {
        ForeignKey *key = instance_allocate(ev, sa_state(ev)->foreign_key, sizeof *key);
        key->target = other->items[i];
        key->constraint = constraint;
        key->node = a->site;
        constraint->elements[i] = key;
    }
    return true;
}

/* ExcludeConstraint((column, "="), …, using="gist", where=…). */
static bool exclude_read(Evaluator *ev, Constraint *constraint, const Arguments *a) {
    constraint->exclude_operators = ARENA_ARRAY(evaluator_arena(ev), Slice, a->count + 1);
    Value **columns = ARENA_ARRAY(evaluator_arena(ev), Value *, a->count + 1);
    for (int i = 0; i < a->count; i++) {
        const ListValue *pair = (const ListValue *)a->items[i];
        if (!value_is(a->items[i], VALUE_TUPLE) || pair->count != 2 || !value_is(pair->items[1], VALUE_STRING))
            return false;
        columns[i] = pair->items[0];
        constraint->exclude_operators[i] = value_text(pair->items[1]);
    }
    schema_constraint_columns(ev, constraint, columns, a->count);
    constraint->using = SLICE("gist");
    return true;
}

/* The one table of all of its columns, where they are given as objects; NULL: none yet. */
static Element *constraint_owner(Evaluator *ev, const Constraint *constraint) {
    Element *owner = NULL;
    ElementList froms = {0};
    if (constraint->kind == CONSTRAINT_CHECK && constraint->check) {
        element_froms(ev, constraint->check, &froms);
        owner = froms.count == 1 ? froms.items[0] : NULL;
    }
    for (int i = 0; i < constraint->pending_count; i++) {
        Element *column = value_is_element(constraint->pending[i]) ? (Element *)constraint->pending[i] : NULL;
        Element *table = column && column->kind == EL_COLUMN ? COLUMN(column)->table : NULL;
        if (!table || (owner && owner != table)) return NULL;
        owner = table;
    }
    return owner && owner->kind == EL_TABLE && FROM(owner)->table ? owner : NULL;
}

Value *schema_constraint_create(Evaluator *ev, Class *cls, const Arguments *a) {
    Constraint *constraint = schema_constraint_new(ev, cls, constraint_kind(ev, cls), a->site);
    bool ok = true;
    switch (constraint->kind) {
    case CONSTRAINT_CHECK: ok = check_read(ev, constraint, a); break;
    case CONSTRAINT_FOREIGN_KEY: ok = references_read(ev, constraint, a); break;
    case CONSTRAINT_EXCLUDE: ok = exclude_read(ev, constraint, a); break;
    case CONSTRAINT_PRIMARY_KEY:
    case CONSTRAINT_UNIQUE: schema_constraint_columns(ev, constraint, a->items, a->count); break;
    }
    if (!ok) return NULL;
    for (int i = 0; i < a->keyword_count; i++) {
        Slice name = a->keywords[i].name->text;
        if (constraint->kind == CONSTRAINT_EXCLUDE && slice_equals_text(name, "using")) {
            schema_text(a->keywords[i].value, &constraint->using);
        } else if (constraint->kind == CONSTRAINT_EXCLUDE && slice_equals_text(name, "where")) {
            constraint->where = element_coerce(ev, a->keywords[i].value, COERCE_DDL_EXPRESSION, a->site);
        } else if (constraint->kind == CONSTRAINT_EXCLUDE && slice_equals_text(name, "ops")) {
            schema_option_keep(ev, &constraint->dialect_options, &a->keywords[i]);
        } else if (constraint->kind == CONSTRAINT_CHECK && slice_equals_text(name, "sqltext")) {
            constraint->check = element_coerce(ev, a->keywords[i].value, COERCE_DDL_EXPRESSION, a->site);
        } else if (!constraint_keyword(ev, constraint, &a->keywords[i])) {
            return evaluator_raise_id(ev, EXCEPTION_TYPE, a->site, "%.*s() got an unexpected keyword argument '%.*s'",
                                      SLICE_ARGS(cls->name->text), SLICE_ARGS(name));
        }
    }
    if (evaluator_error_pending(ev)) return NULL;
    /* of columns that belong to a table already, it belongs to that table too */
    Element *table = constraint_owner(ev, constraint);
    if (table && !table_add_item(ev, table, &constraint->head.head, a->site)) return NULL;
    return &constraint->head.head;
}

static bool attach_columns(Evaluator *ev, Element *table, Value **pending, int count, ElementList *out,
                           const Node *site) {
    for (int i = 0; i < count; i++) {
        Element *column;
        if (value_is(pending[i], VALUE_STRING)) {
            column = from_column(ev, table, value_text(pending[i]));
            if (!column) {
                sa_raise(ev, SA_ARGUMENT_ERROR, site,
                         "Can't create constraint on table '%.*s': no column named '%.*s' is present.",
                         SLICE_ARGS(table->name.text), SLICE_ARGS(value_text(pending[i])));
                evaluator_clear_error(ev);
                evaluator_raise_id(ev, EXCEPTION_KEY, site, "'%.*s'", SLICE_ARGS(value_text(pending[i])));
                return false;
            }
        } else if (!(column = element_coerce(ev, pending[i], COERCE_DDL_EXPRESSION, site))) {
            return false;
        }
        element_list_push(ev, out, column);
    }
    return true;
}

void schema_push_constraint(Evaluator *ev, Table *table, Constraint *constraint) {
    ARENA_PUSH(evaluator_arena(ev), table->constraints, table->constraint_count, table->constraint_capacity) =
        constraint;
}

bool schema_add_constraint(Evaluator *ev, Element *element, Constraint *constraint) {
    Table *table = FROM(element)->table;
    constraint->table = element;
    constraint->columns = (ElementList){0};
    if (!attach_columns(ev, element, constraint->pending, constraint->pending_count, &constraint->columns,
                        constraint->node))
        return false;
    if (constraint->kind == CONSTRAINT_PRIMARY_KEY) {
        Constraint *old = table->primary_key;
        if (!constraint->columns.count) constraint->columns = old->columns;
        for (int i = 0; i < constraint->columns.count; i++) {
            SchemaColumn *schema = COLUMN(constraint->columns.items[i])->schema;
            schema->primary_key = COLUMN(constraint->columns.items[i])->primary_key = true;
            if (!schema->nullable_given) schema->nullable = false;
        }
        table->primary_key = constraint;
        for (int i = 0; i < table->constraint_count; i++)
            if (table->constraints[i] == old) table->constraints[i] = constraint;
        return true;
    }
    for (int i = 0; i < constraint->reference_count && constraint->kind == CONSTRAINT_FOREIGN_KEY; i++) {
        SchemaColumn *schema = COLUMN(constraint->columns.items[i])->schema;
        constraint->elements[i]->column = constraint->columns.items[i];
        ARENA_PUSH(evaluator_arena(ev), schema->foreign_keys, schema->foreign_key_count, schema->foreign_key_capacity) =
            constraint->elements[i];
    }
    schema_push_constraint(ev, table, constraint);
    return true;
}

/* ---- Index ---- */

Value *schema_index_create(Evaluator *ev, Class *cls, const Arguments *a) {
    Index *index = instance_allocate(ev, cls, sizeof *index);
    index->node = a->site;
    index->anonymous_name = !a->count || !value_is(a->items[0], VALUE_STRING);
    if (!index->anonymous_name) index->name = name_from_value(ev, a->items[0]);
    index->pending = ARENA_ARRAY(evaluator_arena(ev), Value *, a->count + 1);
    for (int i = 1; i < a->count; i++) index->pending[index->pending_count++] = a->items[i];
    for (int i = 0; i < a->keyword_count; i++) {
        Slice name = a->keywords[i].name->text;
        if (slice_equals_text(name, "unique")) index->unique = schema_truth(a->keywords[i].value);
        else if (schema_option_is_dialect(name)) schema_option_keep(ev, &index->dialect_options, &a->keywords[i]);
        else if (!slice_equals_text(name, "info") && !slice_equals_text(name, "quote") && !slice_starts_with(name, "_"))
            return evaluator_raise_id(ev, EXCEPTION_TYPE, a->site, "Index() got an unexpected keyword argument '%.*s'",
                                      SLICE_ARGS(name));
    }
    /* expressions of columns that belong to a table already name it */
    ElementList froms = {0};
    for (int i = 0; i < index->pending_count; i++) {
        Element *element = value_is(index->pending[i], VALUE_STRING) ? NULL : element_of(ev, index->pending[i]);
        if (element) element_list_push(ev, &index->expressions, element), element_froms(ev, element, &froms);
    }
    if (evaluator_error_pending(ev)) return NULL;
    Value *given = arguments_keyword(a, atom_intern_text(evaluator_atoms(ev), "_table"));
    Element *table = given ? element_of(ev, given) : NULL;
    if (table && table->kind == EL_TABLE && FROM(table)->table)
        return table_add_item(ev, table, &index->head.head, a->site) ? &index->head.head : NULL;
    if (froms.count && froms.items[0]->kind == EL_TABLE && FROM(froms.items[0])->table)
        return table_add_item(ev, froms.items[0], &index->head.head, a->site) ? &index->head.head : NULL;
    return &index->head.head;
}

bool schema_add_index(Evaluator *ev, Element *element, Index *index) {
    Table *table = FROM(element)->table;
    if (index->table == element) return true;
    index->table = element;
    index->expressions = (ElementList){0};
    if (!attach_columns(ev, element, index->pending, index->pending_count, &index->expressions, index->node))
        return false;
    evaluator_touch(ev, table, sizeof *table);
    ARENA_PUSH(evaluator_arena(ev), table->indexes, table->index_count, table->index_capacity) = index;
    return true;
}
