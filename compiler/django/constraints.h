/* Indexes and constraints of Meta: what Index(…), UniqueConstraint(…), CheckConstraint(…) and their kin were given. */
#ifndef ORMC_DJANGO_CONSTRAINTS_H
#define ORMC_DJANGO_CONSTRAINTS_H

#include "compiler/django/model.h"

typedef enum ConstraintKind {
    CONSTRAINT_INDEX,
    CONSTRAINT_UNIQUE,
    CONSTRAINT_CHECK,
    CONSTRAINT_EXCLUDE
} ConstraintKind;
typedef enum Deferrable { DEFERRABLE_NO, DEFERRABLE_DEFERRED, DEFERRABLE_IMMEDIATE } Deferrable;

typedef struct DjConstraint {
    Instance head;
    ConstraintKind kind;
    Slice name;
    const char *method; /* of PostgreSQL's indexes: "gin"; NULL: none said */
    const char *suffix; /* of generated index names */
    Atom *fields;
    bool *descending; /* parallel to fields */
    int field_count;
    Value **expressions; /* exclusion: pairs (expression, operator) */
    int expression_count;
    Value *condition; /* Q or NULL; the check itself of a CheckConstraint */
    Slice *opclasses;
    int opclass_count;
    Atom *include;
    int include_count;
    Deferrable deferrable;
    bool nulls_distinct_given, nulls_distinct;
    Slice db_tablespace;
    Slice index_type;   /* exclusion */
    DictValue *storage; /* WITH (…): keyword arguments of PostgreSQL's index classes */
    const Node *site;
} DjConstraint;

extern const Type django_constraint_type;
static inline DjConstraint *value_as_constraint(Value *value) {
    return value && value->type == &django_constraint_type ? (DjConstraint *)value : NULL;
}
/* GinIndex, BTreeIndex, ExclusionConstraint, … of django.contrib.postgres */
void postgres_indexes_define(Evaluator *ev, ModuleValue *module);
void postgres_constraints_define(Evaluator *ev, ModuleValue *module);

#endif
