/* Compiling a query: what compile.c, select.c, order_by.c, group_by.c and compile_expression.c share. */
#ifndef ORMC_DJANGO_COMPILE_H
#define ORMC_DJANGO_COMPILE_H

#include "compiler/django/query.h"

/* One entry of ORDER BY. */
typedef struct DjOrder {
    DjExpr *expr;  /* ORDER_BY, resolved */
    Expr *sql;     /* EXPR_ORDER, or a list: NULLS FIRST/LAST emulated, a composite primary key */
    Expr *operand; /* `sql` without directions */
    bool is_ref;   /* refers to the select list */
} DjOrder;
typedef struct DjOrders {
    DjOrder *items;
    int count, capacity;
} DjOrders;

static inline Arena *compiler_arena(const DjCompiler *compiler) { return evaluator_arena(compiler->ev); }

/* select.c: fills compiler->select. */
DjOutcome dj_compile_select(DjCompiler *compiler, bool with_col_aliases);
/* order_by.c */
DjOutcome dj_compile_order_by(DjCompiler *compiler, DjOrders *out);
/* group_by.c; `extra`: what ORDER BY adds to a DISTINCT select list. */
DjOutcome dj_compile_group_by(DjCompiler *compiler, const DjOrders *order_by, const DjSelectColumn *extra,
                              int extra_count, ExprList *out);
/* combine.c: UNION and the like; qualify.c: filters on window functions. */
DjOutcome dj_compile_combined(DjCompiler *compiler, Query **out);
DjOutcome dj_compile_qualify(DjCompiler *compiler, DjOrders *order_by, Query **out);
/* The tables of FOR UPDATE OF (relations_query.c). */
bool dj_lock_relations(DjCompiler *compiler, Lock *lock);
/* Tree to text, appended to `out`; a refusal is raised. */
bool dj_emit(Evaluator *ev, Query *tree, StatementKind kind, const Node *site, StatementList *out);
/* related.c: the columns of select_related. */
bool dj_select_related(DjCompiler *compiler, DjExprs *columns);
/* Default columns of a model from a join, inherited ones from the parents' tables; deferred ones left out. */
bool dj_default_columns(DjQuery *query, DjModel *model, DjJoin *start, const DjNames *mask, bool mask_is_only,
                        DjModel *from_parent, DjExprs *columns);
/* defer() and only(): the entry of a field, and whether the field is fetched. */
const DjNames *dj_mask_of(const DjNames *mask, const DjField *field);
bool dj_mask_allows(Evaluator *ev, const DjNames *mask, bool is_only, DjModel *model, DjField *field);
/* ORDER BY of a UNION and the like: refers to a select item, or adds one to every part. NULL: an error is pending. */
DjExpr *dj_combined_order(DjCompiler *compiler, DjExpr *original, DjExpr *resolved);
/* Splits a where tree: WHERE, HAVING, QUALIFY; each may be NULL. false: an error is pending. */
bool dj_split_where(Evaluator *ev, DjExpr *where, bool negated, bool must_group_by, DjExpr **where_part,
                    DjExpr **having_part, DjExpr **qualify_part);
/* select.c: whether the expression's type is known, as what is selected or grouped by must be; else an error is
 * pending. */
bool dj_has_type(DjCompiler *compiler, DjExpr *expr);
/* order_by.c: whether two operands of ORDER BY are the same text. */
bool dj_same_sql(const Expr *a, const Expr *b);

#endif
