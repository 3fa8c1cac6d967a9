/*
 * Schema metadata: MetaData, Table, Column, constraints, indexes, sequences. A Table is an EL_TABLE element whose
 * `table` points here; a Column is an EL_COLUMN element whose `schema` points here.
 */
#ifndef ORMC_SQLALCHEMY_TABLE_H
#define ORMC_SQLALCHEMY_TABLE_H

#include "compiler/sqlalchemy/select.h"

typedef struct MetaData {
    Instance head;
    ElementList tables; /* in order of definition */
    ElementList sequences;
    ElementList untyped; /* columns that take their type from a column of a table still to come */
    Name schema;
    DictValue *naming; /* naming_convention, NULL: SQLAlchemy's default (ix only) */
    bool from_source;  /* made while model files were read */
} MetaData;

typedef enum ConstraintKind {
    CONSTRAINT_PRIMARY_KEY,
    CONSTRAINT_FOREIGN_KEY,
    CONSTRAINT_UNIQUE,
    CONSTRAINT_CHECK,
    CONSTRAINT_EXCLUDE
} ConstraintKind;

typedef struct Constraint {
    Instance head;
    ConstraintKind kind;
    uint32_t order; /* of creation: they are written in it */
    Name name;      /* empty: none */
    Element *table;
    ElementList columns;
    Value **pending; /* columns given by name, until the table is there; NULL entries: columns[i] is set */
    int pending_count;
    Element *check;  /* CHECK, text or expression */
    bool type_bound; /* CHECK that Boolean or Enum made */
    Slice on_delete, on_update, deferrable_text, initially, match;
    bool has_deferrable, deferrable, use_alter, implicit; /* implicit: made by Column(unique=True), primary_key=True */
    Slice *references; /* FOREIGN KEY: "table.column" in step with columns; empty where `targets` stands */
    Element **targets; /* the columns referred to, once resolved */
    int reference_count;
    struct ForeignKey **elements;
    Value *info;
    DictValue *dialect_options; /* "postgresql_include" … */
    /* EXCLUDE */
    Slice *exclude_operators;
    Slice using;
    Element *where;
    const Node *node;
} Constraint;

typedef struct ForeignKey {
    Instance head;
    Element *column; /* that it stands on */
    Value *target;   /* "table.column", or a Column */
    Constraint *constraint;
    Name name;
    Slice on_delete, on_update, initially, match;
    bool has_deferrable, deferrable, use_alter;
    const Node *node;
} ForeignKey;

typedef struct Index {
    Instance head;
    Name name;
    bool anonymous_name; /* Index(None, …) or Column(index=True): by naming convention */
    bool unique;
    Element *table;
    ElementList expressions;
    Value **pending;
    int pending_count;
    DictValue *dialect_options;
    const Node *node;
} Index;

typedef struct Sequence {
    Instance head;
    Element *element; /* EL_SEQUENCE */
    Name name, schema;
    Value *start, *increment, *minvalue, *maxvalue, *cache;
    bool nominvalue, nomaxvalue, cycle, optional;
    MetaData *metadata;
} Sequence;

typedef struct Computed {
    Instance head;
    Element *expression;
    int persisted; /* -1: not said */
} Computed;

typedef struct Identity {
    Instance head;
    bool always, on_null;
    Value *start, *increment, *minvalue, *maxvalue, *cache;
    bool nominvalue, nomaxvalue, cycle;
} Identity;

typedef struct SchemaColumn {
    Element *element; /* the column of the table itself */
    bool primary_key, nullable, nullable_given, unique, index, system;
    int autoincrement;    /* 1: True, 0: False, -1: "auto", -2: "ignore_fk" */
    Value *default_value; /* Python-side: literal, callable, SQL expression or Sequence; NULL: none */
    Value *onupdate;
    Value *server_default; /* str, text(), FetchedValue …; NULL: none */
    Computed *computed;
    Identity *identity;
    Sequence *sequence;
    ForeignKey **foreign_keys;
    int foreign_key_count, foreign_key_capacity;
    Slice comment;
    bool has_comment;
    DictValue *dialect_options;
    Value *info;
    Value **pending_items; /* constraints given to Column(…), until it has a table */
    int pending_count;
    bool deferred_type; /* no type given: taken from the column its foreign key refers to */
    const Node *node;
    void *orm; /* of the ORM half */
} SchemaColumn;

typedef struct Table {
    Element *element; /* EL_TABLE */
    MetaData *metadata;
    Constraint *primary_key;
    Constraint **constraints; /* in order of definition, the primary key first */
    int constraint_count, constraint_capacity;
    Index **indexes;
    int index_count, index_capacity;
    TextParts prefixes;
    Slice comment;
    bool has_comment;
    DictValue *dialect_options;
    Value *info;
    bool implicit_returning_off;
    const Source *source; /* file that defines it */
    const Node *node;
} Table;

MetaData *metadata_new(Evaluator *ev);
/* Full name "schema.name" as MetaData.tables has it; NULL: none. */
Element *metadata_find(const MetaData *metadata, Slice key);
bool table_add_item(Evaluator *ev, Element *table, Value *item, const Node *site);
/* Column's own copy (mixins, abstract bases): another element with the same options. */
Element *column_copy(Evaluator *ev, Element *column);
/* Column(…) from its arguments; `skip_name`: mapped_column's rules (no positional name needed). */
Element *column_from_arguments(Evaluator *ev, const Arguments *arguments, const char *function);
/* The column a foreign key refers to; NULL: raised (NoReferencedTableError, NoReferencedColumnError). */
Element *foreign_key_target(Evaluator *ev, ForeignKey *key);
Element *table_autoincrement_column(Evaluator *ev, const Table *table);
bool value_is_metadata(Evaluator *ev, const Value *value);
Constraint *value_as_constraint(Evaluator *ev, Value *value); /* NULL: isn't one */
Index *value_as_index(Evaluator *ev, Value *value);
ForeignKey *value_as_foreign_key(Evaluator *ev, Value *value);
/* DDL of the metadata's tables in dependency order. */
bool metadata_emit(Evaluator *ev, MetaData *metadata, const ElementList *only, StatementList *out);
/* ddl_exists.c: those of the tables that the host's database doesn't have; NULL: raised. */
const ElementList *tables_missing(Evaluator *ev, const ElementList *tables, const Node *site);

#endif
