/*
 * Writing DDL: what ddl.c (tables, indexes) uses of ddl_parts.c (columns, constraints, names).
 */
#ifndef ORMC_SQLALCHEMY_DDL_H
#define ORMC_SQLALCHEMY_DDL_H

#include "compiler/sqlalchemy/lower.h"

typedef struct Writer {
    Evaluator *ev;
    const Dialect *dialect;
    Buffer out;
    const Node *site;
} Writer;

static inline bool ddl_is_postgresql(const Writer *w) { return w->dialect->id == DIALECT_POSTGRESQL; }
static inline bool ddl_is_sqlite(const Writer *w) { return w->dialect->id == DIALECT_SQLITE; }

void ddl_writer_init(Writer *w, Evaluator *ev, const Node *site);
void ddl_put(Writer *w, const char *text);
void ddl_put_name(Writer *w, Name name);
void ddl_put_table(Writer *w, const Element *table, bool with_schema);
void ddl_put_literal(Writer *w, Slice text);
/* The column's own type, or that of the column it refers to; an error may be pending. */
const SaType *ddl_column_type(Evaluator *ev, Element *column);
/* What an Enum stores, as literals. */
void ddl_put_labels(Writer *w, const SaType *type);
bool ddl_put_expression(Writer *w, Element *element); /* with literals, columns without their table */
Value *ddl_option(const Writer *w, const DictValue *options, const char *name); /* NULL: not given, or None */
bool ddl_option_is_true(const Writer *w, const DictValue *options, const char *name);
void ddl_put_value(Writer *w, Value *value);
bool ddl_put_column(Writer *w, Element *column);
bool ddl_put_column_checks(Writer *w, const Element *column);
Name ddl_index_name(Writer *w, const Index *index);
void ddl_put_include(Writer *w, const DictValue *options, const Element *table);
bool ddl_constraint_is_written(Writer *w, const Constraint *constraint);
bool ddl_put_constraint(Writer *w, const Constraint *constraint);
Name ddl_constraint_name(Writer *w, const Constraint *constraint); /* empty: none */
/* INCREMENT BY, START WITH, MINVALUE, MAXVALUE, CACHE: NULL where they are not given. */
void ddl_put_sequence_options(Writer *w, const Value *const values[5], bool nomin, bool nomax, bool cycle);

/* ddl_exists.c: asks PostgreSQL for a type. False: raised. */
bool ddl_ask_type(Evaluator *ev, Slice name, const Node *site, bool *exists);

/* ddl_alter.c: what changes or drops. `known` false: of another kind, or not of such a target. */
bool ddl_put_change(Writer *w, const DdlElement *ddl, const Element *target, bool *known);

#endif
