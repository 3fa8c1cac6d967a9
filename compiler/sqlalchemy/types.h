/*
 * SQLAlchemy's types: what an Integer(), String(50), ARRAY(Integer) or TypeDecorator stands for.
 * A type is immutable once made; with_variant copies. Its Python class may be the program's own
 * (TypeDecorator, UserDefinedType, or a plain subclass of a known one): `kind` is that of the nearest known class.
 */
#ifndef ORMC_SQLALCHEMY_TYPES_H
#define ORMC_SQLALCHEMY_TYPES_H

#include "compiler/evaluate/native.h"
#include "compiler/query/dialect.h"

typedef enum TypeKind {
#define T(name, python, base, affinity) TYPE_##name,
#include "compiler/sqlalchemy/types.def"
#undef T
    TYPE_KIND_COUNT
} TypeKind;

typedef struct SaType SaType;
typedef struct TypeVariant {
    Slice dialect;
    SaType *type;
} TypeVariant;

struct SaType {
    Instance head;
    TypeKind kind;
    TypeKind affinity;
    int64_t length, precision, scale; /* -1: not given; fsp and day/second precisions stand in `precision` */
    Slice collation, charset;
    bool timezone, unsigned_number, zerofill, national, binary, varying, as_uuid_off, none_as_null, ascii, unicode,
        native_uuid_off, native_off, evaluates_none;
    bool decimal_off; /* asdecimal */
    Slice name;       /* Enum, DOMAIN: name of the type */
    Slice schema;
    Slice fields;         /* PostgreSQL INTERVAL(fields=…) */
    Slice *labels;        /* Enum: what is stored */
    Value **label_values; /* Enum of a Python enum class: its members, in step with labels */
    int label_count, label_capacity;
    bool native_enum, create_constraint, create_type_off;
    Slice constraint_name; /* CHECK of Enum and Boolean */
    SaType *item;          /* ARRAY's item type; what a JSON or range access gives; DOMAIN's and TypeDecorator's impl */
    int dimensions;        /* ARRAY, 0: any */
    bool zero_indexes, as_tuple;
    SaType **items; /* TupleType */
    int item_count;
    TypeVariant *variants;
    int variant_count;
    Value *value; /* the instance's Python view of a TypeDecorator or UserDefinedType (for its own methods) */
};

/* Common types, one object each. */
SaType *type_of_kind(Evaluator *ev, TypeKind kind);
SaType *type_new(Evaluator *ev, TypeKind kind);
SaType *type_copy(Evaluator *ev, const SaType *type);
/* A type class or instance; None and NULL give NullType. NULL: raised. */
SaType *type_from_value(Evaluator *ev, Value *value, const Node *site);
bool type_is_value(Evaluator *ev, Value *value);
/* What SQLAlchemy infers for a Python literal. */
SaType *type_of_literal(Evaluator *ev, Value *value);
/* The type that an annotation `Mapped[x]`'s class name stands for (int, str, datetime.date, …), NULL: none. */
SaType *type_of_python_class(Evaluator *ev, const Class *cls);
/* What stands for the type on this dialect: with_variant and TypeDecorator.impl followed. */
const SaType *decorator_type(Evaluator *ev, const SaType *type, const Dialect *dialect); /* below a TypeDecorator */
Value *dialect_value(Evaluator *ev, const Dialect *dialect);
const SaType *type_on_dialect(Evaluator *ev, const SaType *type, const Dialect *dialect);
bool type_is(const SaType *type, TypeKind kind); /* is of the kind or derives from it */
/* The name in DDL and CAST: "VARCHAR(50)". False: raised (CompileError). */
bool type_write(Evaluator *ev, Buffer *out, const SaType *type, const Dialect *dialect, const Node *site);
/* As it is sent to a database. */
SqlType type_sql(Evaluator *ev, const SaType *type);
/* A known Python value as this type's bind processor hands it to the driver; unknown values become names. */
bool type_bind(Evaluator *ev, const SaType *type, Value *value, const Dialect *dialect, Param *out, const Node *site);
void types_define(Evaluator *ev, ModuleValue *module); /* sqlalchemy.types */
void types_define_dialect(Evaluator *ev, ModuleValue *module, DialectId dialect);

/* JSON.NULL: the JSON document null, where None is SQL's NULL. */
extern const Type sa_json_null_type;

/* postgresql.Range(lower, upper), as PostgreSQL writes it. */
typedef struct RangeValue {
    Instance head;
    Slice text;
} RangeValue;
extern const Type sa_range_type;

#endif
