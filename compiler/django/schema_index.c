/*
 * Indexes, unique constraints, checks and exclusions of a model as DDL.
 *
 * Invariant: what can't stand in CREATE TABLE goes to editor->deferred; what the dialect has no words for is left out,
 * as Django leaves it out.
 *
 * Example: UniqueConstraint(fields=["a"], condition=Q(b=None), name="u") → CREATE UNIQUE INDEX "u" ON … WHERE "b" IS
 * NULL
 */
#include "compiler/django/schema_internal.h"

static Arena *editor_arena(const SchemaEditor *editor) { return evaluator_arena(editor->ev); }

static bool editor_is_postgresql(const SchemaEditor *editor) { return editor->dialect->id == DIALECT_POSTGRESQL; }

/* ---- parts ---- */

static int columns_of(SchemaEditor *editor, DjModel *model, const Atom *names, int count, Slice **columns) {
    int kept = 0;
    *columns = ARENA_ARRAY(editor_arena(editor), Slice, count + 1);
    for (int i = 0; i < count; i++) {
        DjField *field = model_field(editor->ev, model, names[i]);
        if (field && field->column) (*columns)[kept++] = field->column->text;
    }
    return kept;
}

static Slice part_condition(SchemaEditor *editor, DjModel *model, Value *condition) {
    if (!condition || editor->dialect->is_mysql) return (Slice){"", 0};
    Slice text = schema_condition(editor, model, condition);
    return slice_format(editor_arena(editor), " WHERE %.*s", SLICE_ARGS(text));
}

static Slice part_include(SchemaEditor *editor, DjModel *model, const DjConstraint *constraint) {
    Slice *columns;
    if (!constraint->include_count || !editor_is_postgresql(editor)) return (Slice){"", 0};
    int count = columns_of(editor, model, constraint->include, constraint->include_count, &columns);
    Slice list = schema_column_list(editor, columns, count);
    return slice_format(editor_arena(editor), " INCLUDE (%.*s)", SLICE_ARGS(list));
}

static Slice part_tablespace(SchemaEditor *editor, const DjModel *model, Slice own, const DjField *field) {
    Slice space = own.length ? own : field && field->db_tablespace.length ? field->db_tablespace : model->db_tablespace;
    if (!space.length || !editor_is_postgresql(editor)) return (Slice){"", 0};
    Slice name = schema_quote(editor, space);
    return slice_format(editor_arena(editor), " TABLESPACE %.*s", SLICE_ARGS(name));
}

static Slice part_deferrable(const DjConstraint *constraint) {
    switch (constraint->deferrable) {
    case DEFERRABLE_NO: break;
    case DEFERRABLE_DEFERRED: return SLICE(" DEFERRABLE INITIALLY DEFERRED");
    case DEFERRABLE_IMMEDIATE: return SLICE(" DEFERRABLE INITIALLY IMMEDIATE");
    }
    return (Slice){"", 0};
}

static Slice part_columns(SchemaEditor *editor, DjModel *model, const DjConstraint *constraint) {
    Buffer out;
    buffer_init(&out, editor_arena(editor));
    for (int i = 0; i < constraint->field_count; i++) {
        DjField *field = model_field(editor->ev, model, constraint->fields[i]);
        if (!field || !field->column) continue;
        if (out.length) buffer_text(&out, ", ");
        buffer_slice(&out, schema_quote(editor, field->column->text));
        if (i < constraint->opclass_count && constraint->opclasses[i].length && editor_is_postgresql(editor))
            buffer_format(&out, " %.*s", SLICE_ARGS(constraint->opclasses[i]));
        if (constraint->descending[i]) buffer_text(&out, " DESC");
    }
    for (int i = 0; i < constraint->expression_count; i++) {
        if (out.length) buffer_text(&out, ", ");
        buffer_slice(&out, schema_index_expression(editor, model, constraint->expressions[i]));
    }
    return buffer_view(&out);
}

/* WITH (fillfactor = 70) */
static Slice part_storage(SchemaEditor *editor, const DjConstraint *index) {
    if (!index->storage || !editor_is_postgresql(editor)) return (Slice){"", 0};
    Buffer out;
    buffer_init(&out, editor_arena(editor));
    for (int i = 0; i < index->storage->count; i++) {
        Value *key = index->storage->entries[i].key, *value = index->storage->entries[i].value;
        if (!key) continue;
        buffer_text(&out, out.length ? ", " : " WITH (");
        Slice name = value_text_or_empty(key);
        if (slice_equals_text(name, "deduplicate_items") || value->type->kind == VALUE_BOOL) {
            bool word = slice_equals_text(name, "fastupdate") || slice_equals_text(name, "deduplicate_items") ||
                        slice_equals_text(name, "autosummarize");
            const char *text = value_is_true(value) ? (word ? "on" : "true") : (word ? "off" : "false");
            buffer_format(&out, "%.*s = %s", SLICE_ARGS(name), text);
        } else {
            Slice shown = value_text_or_empty(value_str(editor->ev, value, NULL));
            buffer_format(&out, "%.*s = %.*s", SLICE_ARGS(name), SLICE_ARGS(shown));
        }
    }
    if (out.length) buffer_put(&out, ')');
    return buffer_view(&out);
}

/* ---- indexes ---- */

static void index_of_field(SchemaEditor *editor, DjModel *model, DjField *field, const char *suffix,
                           const char *opclass) {
    Slice column = field->column->text;
    Slice name = schema_index_name(editor, model->db_table->text, &column, 1, slice_from(suffix));
    Slice table = schema_quote(editor, model->db_table->text), quoted = schema_quote(editor, name);
    Slice space = part_tablespace(editor, model, (Slice){"", 0}, field), target = schema_quote(editor, column);
    texts_push(editor, &editor->deferred,
               slice_format(editor_arena(editor), "CREATE INDEX %.*s ON %.*s (%.*s%s%s)%.*s", SLICE_ARGS(quoted),
                            SLICE_ARGS(table), SLICE_ARGS(target), *opclass ? " " : "", opclass, SLICE_ARGS(space)));
}

static bool field_is_indexed(SchemaEditor *editor, DjField *field, Slice type) {
    if (!field->db_index || field->unique || field->primary_key) return false;
    if (!editor->dialect->is_mysql) return true;
    if (field->internal == FIELD_FOREIGN_KEY && field->rel && field->rel->db_constraint) return false;
    return !slice_equals_text(type, "longtext") && !slice_equals_text(type, "longblob") &&
           !slice_equals_text(type, "json");
}

static void field_indexes(SchemaEditor *editor, DjModel *model, DjField *field) {
    if (!field->column) return;
    Slice type = field_column_type(editor->ev, field);
    if (field_is_indexed(editor, field, type)) index_of_field(editor, model, field, "", "");
    bool like = field->db_index || field->unique || field->primary_key;
    if (!editor_is_postgresql(editor) || !like || slice_find(type, '[') < type.length) return;
    if (slice_starts_with(type, "varchar")) index_of_field(editor, model, field, "_like", "varchar_pattern_ops");
    if (slice_starts_with(type, "text")) index_of_field(editor, model, field, "_like", "text_pattern_ops");
}

static void index_of_meta(SchemaEditor *editor, DjModel *model, const DjConstraint *index) {
    if (index->expression_count && editor->dialect->id == DIALECT_MARIADB) return;
    Slice table = schema_quote(editor, model->db_table->text), name = schema_quote(editor, index->name);
    Slice columns = part_columns(editor, model, index), include = part_include(editor, model, index);
    Slice storage = part_storage(editor, index), condition = part_condition(editor, model, index->condition);
    DjField *single = index->field_count == 1 ? model_field(editor->ev, model, index->fields[0]) : NULL;
    Slice space = part_tablespace(editor, model, index->db_tablespace, single);
    bool method = index->method && editor_is_postgresql(editor);
    texts_push(editor, &editor->deferred,
               slice_format(editor_arena(editor), "CREATE INDEX %.*s ON %.*s%s%s (%.*s)%.*s%.*s%.*s%.*s",
                            SLICE_ARGS(name), SLICE_ARGS(table), method ? " USING " : "", method ? index->method : "",
                            SLICE_ARGS(columns), SLICE_ARGS(include), SLICE_ARGS(storage), SLICE_ARGS(space),
                            SLICE_ARGS(condition)));
}

void schema_model_indexes(SchemaEditor *editor, DjModel *model) {
    for (int i = 0; i < model->local_fields.count; i++) field_indexes(editor, model, model->local_fields.items[i]);
    for (int i = 0; i < model->index_count; i++) {
        DjConstraint *index = value_as_constraint(model->indexes[i]);
        if (index) index_of_meta(editor, model, index);
    }
}

/* ---- unique ---- */

void schema_unique_together(SchemaEditor *editor, DjModel *model) {
    for (int i = 0; i < model->unique_together_count; i++) {
        Slice *columns;
        int count =
            columns_of(editor, model, model->unique_together[i].names, model->unique_together[i].count, &columns);
        Slice name = schema_index_name(editor, model->db_table->text, columns, count, SLICE("_uniq"));
        Slice quoted = schema_quote(editor, name), table = schema_quote(editor, model->db_table->text);
        Slice list = schema_column_list(editor, columns, count);
        bool sqlite = editor->dialect->id == DIALECT_SQLITE;
        texts_push(editor, &editor->deferred,
                   sqlite ? slice_format(editor_arena(editor), "CREATE UNIQUE INDEX %.*s ON %.*s (%.*s)",
                                         SLICE_ARGS(quoted), SLICE_ARGS(table), SLICE_ARGS(list))
                          : slice_format(editor_arena(editor), "ALTER TABLE %.*s ADD CONSTRAINT %.*s UNIQUE (%.*s)",
                                         SLICE_ARGS(table), SLICE_ARGS(quoted), SLICE_ARGS(list)));
    }
}

static bool unique_is_supported(const SchemaEditor *editor, const DjConstraint *unique) {
    bool postgresql = editor_is_postgresql(editor);
    if (unique->condition && editor->dialect->is_mysql) return false;
    if (unique->deferrable != DEFERRABLE_NO && !postgresql) return false;
    if (unique->include_count && !postgresql) return false;
    if (unique->expression_count && editor->dialect->id == DIALECT_MARIADB) return false;
    return !unique->nulls_distinct_given || postgresql;
}

static Slice unique_index(SchemaEditor *editor, DjModel *model, const DjConstraint *unique) {
    Slice table = schema_quote(editor, model->db_table->text), name = schema_quote(editor, unique->name);
    Slice columns = part_columns(editor, model, unique), include = part_include(editor, model, unique);
    Slice condition = part_condition(editor, model, unique->condition);
    const char *nulls = !unique->nulls_distinct_given ? ""
                        : unique->nulls_distinct      ? " NULLS DISTINCT"
                                                      : " NULLS NOT DISTINCT";
    return slice_format(editor_arena(editor), "CREATE UNIQUE INDEX %.*s ON %.*s (%.*s)%.*s%s%.*s", SLICE_ARGS(name),
                        SLICE_ARGS(table), SLICE_ARGS(columns), SLICE_ARGS(include), nulls, SLICE_ARGS(condition));
}

static Slice constraint_unique(SchemaEditor *editor, DjModel *model, DjConstraint *unique, bool deferred) {
    if (!unique_is_supported(editor, unique)) return (Slice){"", 0};
    bool index = unique->condition || unique->include_count || unique->opclass_count || unique->expression_count;
    if (index || (unique->nulls_distinct_given && !deferred)) {
        bool plain = !index && unique->nulls_distinct_given;
        if (!plain) {
            texts_push(editor, &editor->deferred, unique_index(editor, model, unique));
            return (Slice){"", 0};
        }
    }
    Slice columns = part_columns(editor, model, unique), name = schema_quote(editor, unique->name);
    Slice table = schema_quote(editor, model->db_table->text), deferrable = part_deferrable(unique);
    const char *nulls = !unique->nulls_distinct_given ? ""
                        : unique->nulls_distinct      ? " NULLS DISTINCT"
                                                      : " NULLS NOT DISTINCT";
    if (!deferred && !unique->nulls_distinct_given)
        return slice_format(editor_arena(editor), "CONSTRAINT %.*s UNIQUE (%.*s)%.*s", SLICE_ARGS(name),
                            SLICE_ARGS(columns), SLICE_ARGS(deferrable));
    bool sqlite = editor->dialect->id == DIALECT_SQLITE;
    texts_push(editor, &editor->deferred,
               sqlite ? unique_index(editor, model, unique)
                      : slice_format(editor_arena(editor), "ALTER TABLE %.*s ADD CONSTRAINT %.*s UNIQUE%s (%.*s)%.*s",
                                     SLICE_ARGS(table), SLICE_ARGS(name), nulls, SLICE_ARGS(columns),
                                     SLICE_ARGS(deferrable)));
    return (Slice){"", 0};
}

/* ---- checks and exclusions ---- */

static Slice exclusion_text(SchemaEditor *editor, DjModel *model, const DjConstraint *exclude) {
    Buffer list;
    buffer_init(&list, editor_arena(editor));
    for (int i = 0; i < exclude->expression_count; i++) {
        Value **pair;
        if (value_items(exclude->expressions[i], &pair) != 2) continue;
        if (list.length) buffer_text(&list, ", ");
        Slice item = schema_index_expression(editor, model, pair[0]), operator_text = value_text_or_empty(pair[1]);
        buffer_format(&list, "%.*s WITH %.*s", SLICE_ARGS(item), SLICE_ARGS(operator_text));
    }
    Slice items = buffer_view(&list), include = part_include(editor, model, exclude), where = {"", 0};
    if (exclude->condition) {
        Slice text = schema_condition(editor, model, exclude->condition);
        where = slice_format(editor_arena(editor), " WHERE (%.*s)", SLICE_ARGS(text));
    }
    Slice name = schema_quote(editor, exclude->name), deferrable = part_deferrable(exclude);
    return slice_format(editor_arena(editor), "CONSTRAINT %.*s EXCLUDE USING %.*s (%.*s)%.*s%.*s%.*s", SLICE_ARGS(name),
                        SLICE_ARGS(exclude->index_type), SLICE_ARGS(items), SLICE_ARGS(include), SLICE_ARGS(where),
                        SLICE_ARGS(deferrable));
}

static Slice constraint_text(SchemaEditor *editor, DjModel *model, DjConstraint *constraint) {
    if (constraint->kind == CONSTRAINT_EXCLUDE)
        return editor_is_postgresql(editor) ? exclusion_text(editor, model, constraint) : (Slice){"", 0};
    Slice check = schema_condition(editor, model, constraint->condition), name = schema_quote(editor, constraint->name);
    if (!check.length) return check;
    return slice_format(editor_arena(editor), "CONSTRAINT %.*s CHECK (%.*s)", SLICE_ARGS(name), SLICE_ARGS(check));
}

Slice schema_constraint_inline(SchemaEditor *editor, DjModel *model, DjConstraint *constraint) {
    if (constraint->kind == CONSTRAINT_UNIQUE) return constraint_unique(editor, model, constraint, false);
    return constraint_text(editor, model, constraint);
}

void schema_constraint_deferred(SchemaEditor *editor, DjModel *model, DjConstraint *constraint) {
    if (constraint->kind == CONSTRAINT_UNIQUE) {
        constraint_unique(editor, model, constraint, true);
        return;
    }
    Slice text = constraint_text(editor, model, constraint), table = schema_quote(editor, model->db_table->text);
    if (text.length)
        texts_push(
            editor, &editor->deferred,
            slice_format(editor_arena(editor), "ALTER TABLE %.*s ADD %.*s", SLICE_ARGS(table), SLICE_ARGS(text)));
}
