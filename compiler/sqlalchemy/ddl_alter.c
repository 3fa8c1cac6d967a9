/*
 * DDL that changes or drops: DropTable, DropIndex, AddConstraint, DropConstraint, and schemas and sequences.
 *
 * Input: a DdlElement whose target is a table, index, constraint, sequence or the name of a schema. Output: the
 * statement's text in the Writer. Invariant: a dialect that can't say it gets the text that SQLAlchemy's compiler
 * gives. Example: DropIndex(index, if_exists=True) -> DROP INDEX IF EXISTS ix ON users on MySQL.
 */
#include "compiler/sqlalchemy/ddl.h"

static void put_if_exists(Writer *w, const DdlElement *ddl) {
    if (ddl->if_exists) ddl_put(w, "IF EXISTS ");
}

static bool drop_index(Writer *w, const DdlElement *ddl, const Index *index) {
    if (!index->table) {
        sa_raise(w->ev, SA_COMPILE_ERROR, ddl->base.node, "Index '%.*s' is not associated with any table.",
                 SLICE_ARGS(index->name.text));
        return false;
    }
    ddl_put(w, "DROP INDEX ");
    if (ddl_is_postgresql(w) && ddl_option_is_true(w, index->dialect_options, "postgresql_concurrently"))
        ddl_put(w, "CONCURRENTLY ");
    put_if_exists(w, ddl);
    Name schema = FROM(index->table)->schema;
    if (schema.text.length && !w->dialect->is_mysql) {
        ddl_put_name(w, schema);
        ddl_put(w, ".");
    }
    ddl_put_name(w, ddl_index_name(w, index));
    if (w->dialect->is_mysql) ddl_put(w, " ON "), ddl_put_table(w, index->table, true);
    return true;
}

static bool add_constraint(Writer *w, const Constraint *constraint) {
    ddl_put(w, "ALTER TABLE ");
    ddl_put_table(w, constraint->table, true);
    ddl_put(w, " ADD ");
    return ddl_put_constraint(w, constraint);
}

static const char *drop_words(const Writer *w, ConstraintKind kind) {
    if (!w->dialect->is_mysql) return "CONSTRAINT ";
    switch (kind) {
    case CONSTRAINT_PRIMARY_KEY: return "PRIMARY KEY ";
    case CONSTRAINT_FOREIGN_KEY: return "FOREIGN KEY ";
    case CONSTRAINT_UNIQUE: return "INDEX ";
    case CONSTRAINT_CHECK: return w->dialect->id == DIALECT_MARIADB ? "CONSTRAINT " : "CHECK ";
    case CONSTRAINT_EXCLUDE: return "CONSTRAINT ";
    }
    return "CONSTRAINT ";
}

static bool drop_constraint(Writer *w, const DdlElement *ddl, const Constraint *constraint) {
    bool nameless = w->dialect->is_mysql && constraint->kind == CONSTRAINT_PRIMARY_KEY;
    Name name = ddl_constraint_name(w, constraint);
    if (!nameless && !name.text.length) {
        sa_raise(w->ev, SA_COMPILE_ERROR, ddl->base.node, "Can't emit DROP CONSTRAINT for constraint; it has no name");
        return false;
    }
    ddl_put(w, "ALTER TABLE ");
    ddl_put_table(w, constraint->table, true);
    ddl_put(w, " DROP ");
    ddl_put(w, drop_words(w, constraint->kind));
    if (!w->dialect->is_mysql) put_if_exists(w, ddl);
    if (!nameless) ddl_put_name(w, name);
    if (ddl->cascade && !w->dialect->is_mysql) ddl_put(w, " CASCADE");
    return true;
}

static void put_schema(Writer *w, const DdlElement *ddl, bool create) {
    ddl_put(w, create ? "CREATE SCHEMA " : "DROP SCHEMA ");
    if (create && ddl->if_not_exists) ddl_put(w, "IF NOT EXISTS ");
    if (!create) put_if_exists(w, ddl);
    ddl_put_name(w, name_from_value(w->ev, ddl->target));
    if (!create && ddl->cascade) ddl_put(w, " CASCADE");
}

static void put_sequence(Writer *w, const DdlElement *ddl, const Sequence *sequence, bool create) {
    ddl_put(w, create ? "CREATE SEQUENCE " : "DROP SEQUENCE ");
    if (create && ddl->if_not_exists) ddl_put(w, "IF NOT EXISTS ");
    if (!create) put_if_exists(w, ddl);
    if (sequence->schema.text.length) ddl_put_name(w, sequence->schema), ddl_put(w, ".");
    ddl_put_name(w, sequence->name);
    if (!create) return;
    const Value *values[5] = {sequence->increment, sequence->start, sequence->minvalue, sequence->maxvalue,
                              sequence->cache};
    size_t before = w->out.length;
    ddl_put(w, " ");
    ddl_put_sequence_options(w, values, sequence->nominvalue, sequence->nomaxvalue, sequence->cycle);
    if (w->out.length == before + 1) w->out.length = before;
}

static const Sequence *value_as_sequence(Writer *w, Value *value) {
    if (value_is_instance(value, sa_state(w->ev)->sequence)) return (const Sequence *)value;
    Element *element = value_is_element(value) ? (Element *)value : NULL;
    return element && element->kind == EL_SEQUENCE ? ((const SequenceElement *)element)->sequence : NULL;
}

bool ddl_put_change(Writer *w, const DdlElement *ddl, const Element *target, bool *known) {
    Slice name = ddl->base.name.text;
    const Constraint *constraint = value_as_constraint(w->ev, ddl->target);
    const Index *index = value_as_index(w->ev, ddl->target);
    const Sequence *sequence = value_as_sequence(w, ddl->target);
    bool create = slice_starts_with(name, "Create");
    *known = true;
    if (slice_equals_text(name, "DropTable") && target && target->kind == EL_TABLE) {
        ddl_put(w, "DROP TABLE ");
        put_if_exists(w, ddl);
        ddl_put_table(w, target, true);
        return true;
    }
    if (slice_equals_text(name, "DropIndex") && index) return drop_index(w, ddl, index);
    if (slice_equals_text(name, "AddConstraint") && constraint && constraint->table)
        return add_constraint(w, constraint);
    if (slice_equals_text(name, "DropConstraint") && constraint && constraint->table)
        return drop_constraint(w, ddl, constraint);
    if ((slice_equals_text(name, "CreateSchema") || slice_equals_text(name, "DropSchema")) &&
        value_is(ddl->target, VALUE_STRING)) {
        put_schema(w, ddl, create);
        return true;
    }
    if ((slice_equals_text(name, "CreateSequence") || slice_equals_text(name, "DropSequence")) && sequence) {
        put_sequence(w, ddl, sequence, create);
        return true;
    }
    *known = false;
    return false;
}
