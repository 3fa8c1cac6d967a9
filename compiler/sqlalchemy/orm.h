/*
 * The border between the two halves of SQLAlchemy: what the Core half (tables, expressions, select, DDL) calls of the
 * ORM half (mappers, entities, loaders, sessions).
 *
 * Input: values that Core's functions were given and can't read themselves (`select(User)`, `insert(User)`,
 * `join(User.posts)`). Output: plain Core elements and statements.
 * Invariants: a mapped attribute (`User.id`) IS a Core column element whose `entity` and `entity_key` are set; every
 * copy of an element keeps both. Core never looks inside an Entity. A Select holds what it was given (`raw_columns`,
 * `joins`, options) until it is lowered: then `orm_lower_select` turns a select that mentions entities into one that
 * does not, for the outermost statement and for every subquery, and the rest of lowering is Core's alone.
 * Example: select(User).join(User.posts) --orm_lower_select--> SELECT over columns users.id, users.name with the FROM
 * element `users JOIN posts ON users.id = posts.user_id`.
 */
#ifndef ORMC_SQLALCHEMY_ORM_H
#define ORMC_SQLALCHEMY_ORM_H

#include "compiler/evaluate/native.h"

struct Select;
struct Element;

/* A mapped class, or an alias of one (aliased(), with_polymorphic()). Identity is pointer identity. */
typedef struct Entity Entity;

/* The entity that a value stands for: a mapped class, an aliased class; NULL: none (no error). */
Entity *orm_entity(Evaluator *ev, Value *value);
/* The FROM element of an entity: table, join of tables (joined inheritance), alias. */
struct Element *orm_entity_selectable(Evaluator *ev, Entity *entity);
/* The table that INSERT, UPDATE and DELETE of this entity write to. */
struct Element *orm_entity_table(Evaluator *ev, Entity *entity);
/* What UPDATE and DELETE of this entity are limited to (single-table inheritance); NULL: nothing. */
struct Element *orm_entity_criterion(Evaluator *ev, Entity *entity);
/* The columns that stand for the entity in `.subquery().c`, `.union()`, `.cte()`: one a mapped column. Keys are the
 * attribute names. Pushes into a list of elements; false: raised. */
bool orm_entity_columns(Evaluator *ev, Entity *entity, struct Element ***columns, Atom **keys, int *count);
/* What RETURNING of the entity gives: the attributes that load; `own`: as far as the entity's own table has them. */
bool orm_entity_returned(Evaluator *ev, Entity *entity, bool own, struct Element ***columns, Atom **keys, int *count);
/* A mapped attribute by name, for filter_by(name=…), values(name=…), values({User.name: …}); NULL without an error:
 * there is none. */
struct Element *orm_entity_attribute(Evaluator *ev, Entity *entity, Atom name, const Node *site);
/* A value that stands where an expression may stand but is no Core element: a relationship used as a criterion
 * (`where(Item.keywords)`), a Bundle, a hybrid. NULL without an error: not an ORM thing. */
struct Element *orm_coerce_expression(Evaluator *ev, Value *value, const Node *site);
/* True when lowering must go through orm_lower_select: an entity among columns, FROMs, joins, or annotated columns. */
bool orm_select_is_orm(Evaluator *ev, const struct Select *select);
/* A Core select without entities; NULL: raised. `nested`: it is a subquery, whose eager loads are left out. */
struct Select *orm_lower_select(Evaluator *ev, struct Select *select, bool nested);
/* Is it an instance of a mapped class, which stands for no SQL expression? */
bool orm_is_instance(const Value *value);
/* Is it an option that nested selects follow too: with_loader_criteria()? */
bool orm_option_is_criteria(const Value *option);

/* a.join(b, User.posts) and joins of mapped classes; NULL without an error: nothing of the ORM's takes part. */
struct Element *orm_join_elements(Evaluator *ev, struct Element *left, Value *right, Value *on, bool outer, bool full,
                                  const Node *site);
/* The ENTITY that a relationship attribute leads to (join(User.posts)); NULL without an error: no relationship. */
struct Element *orm_join_target(Evaluator *ev, Value *value);
/* The ENTITY of the first mapped attribute in a column expression; NULL: none. */
struct Element *orm_column_entity(Evaluator *ev, struct Element *column);
/* What options() gets: strings, columns and attributes are refused. */
bool orm_options_check(Evaluator *ev, const Arguments *arguments);

/* A value that an earlier statement's rows hold: fills the parameter. False: it comes from elsewhere. */
bool orm_row_param(Evaluator *ev, const UnknownValue *unknown, Param *out);

/* The family's hooks, passed on: state of this half, and the end of loading. */
void *orm_create_state(Evaluator *ev);
bool orm_models_loaded(Evaluator *ev);
/* Executes a query value that stands alone (Query); false: not a value of this half. Plain statements are Core's. */
bool orm_execute_value(Evaluator *ev, Value *value, const Node *site);

/* A free name, parameter or attribute that is used as a session: the family's adopt_unknown. */
Value *orm_adopt_unknown(Evaluator *ev, const UnknownValue *unknown, Atom attribute, const Node *site);

/* The family's guess_name. */
Value *orm_guess_name(Evaluator *ev, Atom name, Slice method, bool awaited, const Node *site);

/* sqlalchemy.orm, sqlalchemy.ext.* and the session modules; ended by a NULL name. */
extern const NativeModule orm_modules[];

#endif
