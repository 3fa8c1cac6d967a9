/* What the files that make INSERT, UPDATE and DELETE share. */
#ifndef ORMC_DJANGO_WRITE_INTERNAL_H
#define ORMC_DJANGO_WRITE_INTERNAL_H

#include "compiler/django/model_build.h"
#include "compiler/django/query.h"
#include "compiler/django/write.h"

/* ---- parts of statements (write_tree.c) ---- */

Relation *write_table(Evaluator *ev, DjModel *model);
Expr *write_column(Evaluator *ev, Relation *table, const DjField *field);
/* A condition on one column; a value that is not known for a list gives an expanding parameter. NULL: raised. */
Expr *write_equals(Evaluator *ev, Relation *table, DjField *field, Value *value, const Node *site);
Expr *write_in(Evaluator *ev, Relation *table, DjField *field, Value *const *values, int count, const Node *site);
/* A lookup by the rules of filter(): "pk__in", "owner__in"; alone, whatever was looked up before. NULL: raised. */
Expr *write_lookup(Evaluator *ev, Relation *table, Slice name, Value *value, const Node *site);
Expr *write_and(Evaluator *ev, Expr *left, Expr *right); /* in parentheses where both are there */
/* The value of a column: a parameter, NULL or DEFAULT, or what the program's expression compiles to. `table` is that of
 * an UPDATE, NULL in an INSERT. NULL: raised. */
Expr *write_value(Evaluator *ev, DjModel *model, DjField *field, Value *value, Relation *table, const Node *site);
/* An expression in the place of the field's own placeholder: arrays and ranges on PostgreSQL get their type. */
Expr *write_placed(Evaluator *ev, DjField *field, Expr *value);
/* Emits and executes one statement. *result NULL: the rows are unknown. */
bool write_send(Evaluator *ev, Query *tree, StatementKind kind, const Node *site, ExecutionResult **result);

typedef struct WriteRows {
    DjModel *model;
    Fields fields;
    Value ***values; /* values[row][field] */
    int count;
    Fields returning;
    OnConflict *on_conflict;
} WriteRows;
/* INSERT of these rows. */
bool write_insert(Evaluator *ev, const WriteRows *rows, const Node *site, ExecutionResult **result);
bool write_update(Evaluator *ev, DjModel *model, const Fields *fields, Value *const *values, Expr *where,
                  Relation *table, const Node *site, ExecutionResult **result);
bool write_delete(Evaluator *ev, Expr *where, Relation *table, const Node *site, ExecutionResult **result);
/* Columns that an INSERT hands back: automatic keys, generated columns, database defaults. */
Fields write_returning(Evaluator *ev, DjModel *model);

/* ---- instances (write_save.c) ---- */

/* The value to save, after the field's pre_save (auto_now and the like). NULL: raised. */
Value *write_field_value(Evaluator *ev, DjInstance *instance, DjField *field, bool add, const Node *site);
/* Puts what an INSERT handed back into the instance; `row` of `execution`, statement 0. */
void write_store_returned(Evaluator *ev, DjInstance *instance, const Fields *returning, const ExecutionResult *result,
                          int row, int execution, const Node *site);
/* Copies keys of related objects that were saved meanwhile; false: one was not saved (raised). */
bool write_check_related(Evaluator *ev, DjInstance *instance, const char *operation, const Node *site);
/* A primary key from the field's default, where none is set. */
bool write_default_key(Evaluator *ev, DjInstance *instance, DjModel *model, const Node *site);
/* The field is (part of) the model's primary key. */
bool field_is_key(Evaluator *ev, DjModel *model, const DjField *field);
bool instance_has_key(Evaluator *ev, DjInstance *instance, DjModel *model, const Node *site);
typedef struct SaveOptions {
    bool force_insert, force_update;
    Value *force_classes; /* force_insert=(Base, …): whose tables are inserted into; NULL: none given */
    bool has_update_fields;
    Atom *update_fields;
    int update_count;
    const Node *site;
} SaveOptions;

/* ---- deleting (write_delete.c) ---- */

/* Deletes the rows of a query (a list, or an unknown) with everything that depends on them; what delete() gives. */
Value *rows_delete(Evaluator *ev, DjModel *model, Value *rows, const Node *site);

/* ---- write_delete_send.c ---- */
/* What delete() gives, (rows, {label: rows}), by the result of the one DELETE. */
Value *deleted_at_once(Evaluator *ev, const DjModel *model, const ExecutionResult *result, const Node *site);

/* ---- write_delete.c ---- */
/* Nothing depends on the model's rows: DELETE … WHERE is enough. */
bool model_deletes_at_once(Evaluator *ev, DjModel *model);

/* ---- write_tree.c ---- */
/* key IN (…); tuples for composite keys. */
Expr *keys_condition(Evaluator *ev, DjModel *model, Relation *table, Value *const *instances, int count,
                     const Node *site);

/* bulk_create and bulk_update (write_bulk.c) */
Value *queryset_bulk_create(Evaluator *ev, Value *self, const Arguments *arguments);
Value *queryset_bulk_update(Evaluator *ev, Value *self, const Arguments *arguments);
/* An unknown value of one row as the list of it over all rows. */
/* write_misc.c */
/* Keeps the id of a model's content type: it is looked up once. */
void content_type_remember(Evaluator *ev, Slice label, Value *id);
Value *unknown_as_list(Evaluator *ev, Value *value);
/* Takes what is in `taken` out of the list; false: nothing is left. */
bool list_without(Evaluator *ev, ListValue *list, Value *taken);

/* owner.method(name=value, …) */
Value *call_with_keywords(Evaluator *ev, Value *owner, const char *method, Keyword *keywords, int count,
                          const Node *site);

/* owner.method(item, name=value, …) */
Value *call_with_both(Evaluator *ev, Value *owner, const char *method, Value *item, Keyword *keywords, int count,
                      const Node *site);

/* ---- transactions (transaction.c) ---- */

/* Begins a block: BEGIN at the outermost, SAVEPOINT inside where `savepoint`. */
void transaction_enter(Evaluator *ev, bool savepoint, const Node *site);
void transaction_leave(Evaluator *ev, bool savepoint, bool failed, const Node *site);

#endif
