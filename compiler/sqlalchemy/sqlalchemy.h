/*
 * SQLAlchemy as a family of native modules: its state in one evaluator, its exceptions, and the tables of modules.
 */
#ifndef ORMC_SQLALCHEMY_SQLALCHEMY_H
#define ORMC_SQLALCHEMY_SQLALCHEMY_H

#include "compiler/sqlalchemy/table.h"

extern const NativeFamily sqlalchemy_family;

typedef enum SaError {
    SA_ARGUMENT_ERROR,
    SA_INVALID_REQUEST_ERROR,
    SA_COMPILE_ERROR,
    SA_UNSUPPORTED_COMPILATION_ERROR,
    SA_NO_FOREIGN_KEYS_ERROR,
    SA_AMBIGUOUS_FOREIGN_KEYS_ERROR,
    SA_NO_REFERENCED_TABLE_ERROR,
    SA_NO_REFERENCED_COLUMN_ERROR,
    SA_NO_SUCH_COLUMN_ERROR,
    SA_STATEMENT_ERROR,
    SA_UNBOUND_EXECUTION_ERROR,
    SA_MISSING_GREENLET,
    SA_NO_RESULT_FOUND,
    SA_MULTIPLE_RESULTS_FOUND,
    SA_SQLALCHEMY_ERROR,
    SA_ERROR_COUNT
} SaError;

typedef struct SaState {
    Class *errors[SA_ERROR_COUNT];
    Class *element_classes[ELEMENT_KIND_COUNT]; /* Python classes of elements by kind */
    Class *clause_element;                      /* base of them all */
    Class *column_class, *table_class, *type_classes[TYPE_KIND_COUNT];
    SaType *types[TYPE_KIND_COUNT]; /* one plain type a kind, made at first use */
    Class *quoted_name, *metadata, *foreign_key, *constraints[5], *index, *sequence, *computed, *identity;
    Class *column_collection;
    Class *type_engine;
    bool ready; /* the names of the module sqlalchemy are defined */
    uint32_t next_id;
    MetaData **metadatas;
    int metadata_count, metadata_capacity;
    Element *null_element, *true_element, *false_element;
    DialectId flavour; /* of the insert() being built */
    void *orm;         /* the ORM half's own state */
} SaState;

SaState *sa_state(Evaluator *ev);
/* Always returns NULL. */
void *sa_raise(Evaluator *ev, SaError error, const Node *node, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

#endif
