/* What the files that make DDL share. */
#ifndef ORMC_DJANGO_SCHEMA_INTERNAL_H
#define ORMC_DJANGO_SCHEMA_INTERNAL_H

#include "compiler/django/column_type.h"
#include "compiler/django/constraints.h"
#include "compiler/django/model_build.h"

typedef struct Texts {
    Slice *items;
    int count, capacity;
} Texts;

typedef struct SchemaEditor {
    Evaluator *ev;
    const Dialect *dialect;
    StatementList *out;
    Texts deferred; /* indexes, unique and foreign keys: after all tables */
} SchemaEditor;

static inline void texts_push(SchemaEditor *editor, Texts *texts, Slice text) {
    ARENA_PUSH(evaluator_arena(editor->ev), texts->items, texts->count, texts->capacity) = text;
}

/* schema_names.c */
/* Django's _create_index_name: table, columns, digest and suffix, within the dialect's limit. */
Slice schema_index_name(SchemaEditor *editor, Slice table, const Slice *columns, int count, Slice suffix);
Slice schema_quote(SchemaEditor *editor, Slice name);
Slice schema_column_list(SchemaEditor *editor, const Slice *columns, int count);
Slice schema_literal(SchemaEditor *editor, Slice text); /* a string in quotes */

/* schema_expression.c; empty text: an error is pending or noted */
/* A condition (Q) over the model's own columns. */
Slice schema_condition(SchemaEditor *editor, DjModel *model, Value *condition);
/* An expression over the model's own columns; *has_params: it would be sent with parameters. */
Slice schema_expression(SchemaEditor *editor, DjModel *model, Value *expression, DjField *output, bool *has_params);
/* One item of an index: an expression, perhaps ordered, collated or with an operator class. */
Slice schema_index_expression(SchemaEditor *editor, DjModel *model, Value *expression);
bool value_is_plain_default(const Value *value); /* no expression but Value(…) */

/* schema_check.c: false: a diagnostic has said why this model's table is not written */
bool schema_model_is_whole(SchemaEditor *editor, DjModel *model);

/* schema_index.c */
void schema_model_indexes(SchemaEditor *editor, DjModel *model);
void schema_unique_together(SchemaEditor *editor, DjModel *model);
/* A constraint as part of CREATE TABLE; empty: it became a statement of its own, or the dialect has no such thing. */
Slice schema_constraint_inline(SchemaEditor *editor, DjModel *model, DjConstraint *constraint);
void schema_constraint_deferred(SchemaEditor *editor, DjModel *model, DjConstraint *constraint);

#endif
