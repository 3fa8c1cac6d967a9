/*
 * Type annotations of mapped classes: `Mapped[Optional[int]]`, `list["Post"]`, `Annotated[str, mapped_column(…)]`.
 *
 * Input: the text of an annotation (as written, or the content of a string). Output: a small tree of type expressions,
 * independent of the evaluator; names are looked up only when a mapper asks what they stand for.
 * Example: `Mapped[List["Post"]]` -> NAME Mapped [ NAME List [ NAME Post ] ].
 */
#ifndef ORMC_SQLALCHEMY_ORM_ANNOTATION_H
#define ORMC_SQLALCHEMY_ORM_ANNOTATION_H

#include "compiler/evaluate/native.h"

typedef enum TypeExprKind {
    TYPE_EXPR_NAME,
    TYPE_EXPR_UNION,
    TYPE_EXPR_NONE,
    TYPE_EXPR_LITERAL,
    TYPE_EXPR_OTHER
} TypeExprKind;

typedef struct TypeExpr {
    TypeExprKind kind;
    Slice name;             /* NAME: dotted, as written; LITERAL: the text of the constant; OTHER: the text */
    Slice last;             /* NAME: after the last dot */
    Slice text;             /* the whole */
    bool quoted;            /* stood in quotes */
    struct TypeExpr **args; /* of NAME[…]; the members of a UNION */
    int count;
} TypeExpr;

/* NULL: can't be read. */
TypeExpr *type_expr_parse(Arena *arena, Slice text);
bool type_expr_is(const TypeExpr *expr, const char *last_name);
/* Without Optional and None; `optional` is set where they were there. */
TypeExpr *type_expr_strip_none(Arena *arena, TypeExpr *expr, bool *optional);

#endif
