/*
 * Emitter: the state of one query_emit() and the functions that write its parts. Internal to compiler/emit/.
 * Text goes into one growing buffer; a parameter leaves its placeholder there and a slot that says where, so that the
 * inlined text can be cut together afterwards without walking the tree again.
 */
#ifndef ORMC_EMIT_EMITTER_H
#define ORMC_EMIT_EMITTER_H

#include "compiler/query/dialect.h"

/* A placeholder in the text: from `start`, `length` bytes, for params[param]. */
typedef struct Slot {
    size_t start, length;
    int param;
} Slot;

/* A parameter that a template brought in, by the arguments of its expression and the place of the hole. */
typedef struct OwnParam {
    const ExprList *args;
    const char *hole;
    const Param *param;
} OwnParam;

typedef struct Emitter {
    Arena *arena;
    const Dialect *dialect;
    EmitStyle style;
    DiagnosticList *diagnostics;
    Buffer sql;
    Param *params;
    int param_count, param_capacity;
    Slot *slots;
    int slot_count, slot_capacity;
    /* numbered placeholders: which Param object has which number; open addressing, grown with params */
    const Param **seen_keys;
    int *seen_numbers;
    int seen_capacity;
    OwnParam *own;
    int own_count, own_capacity;
    int depth;
    bool failed;
    /* SQLite: a registered function of Django's was written, one that plain SQL replaces was met, all are Django's own
     */
    bool saw_registered, saw_replaced, write_registered;
} Emitter;

/* names.c */
void emit_name(Emitter *e, Slice name, NameQuoting quoting);
void emit_identifier(Emitter *e, Slice name); /* by the style's rule */
void emit_relation_alias_name(Emitter *e, const Relation *relation);
void emit_relation_name(Emitter *e, const Relation *relation);
void emit_relation_reference(Emitter *e, const Relation *relation);
void emit_column(Emitter *e, const Expr *column);

/* expression.c */
/* One level deeper, to be left by e->depth--; false, with a diagnostic, where that is too deep or the text too long. */
bool emit_enter(Emitter *e, Span span);
void emit_expr(Emitter *e, const Expr *expr);
void emit_list(Emitter *e, const ExprList *list, int from, const char *separator);
/* emit.c */
void emit_param(Emitter *e, const Param *param);
/* call.c */
void emit_call(Emitter *e, const Expr *expr);
void emit_window(Emitter *e, const Window *window);
void emit_cast(Emitter *e, const Expr *expr);
void emit_extract(Emitter *e, const Expr *expr);
void emit_order(Emitter *e, const Expr *expr);

/* select.c */
void emit_query(Emitter *e, const Query *query);
void emit_ctes(Emitter *e, const Query *query);
void emit_relation(Emitter *e, const Relation *relation, Slice hint);
void emit_from(Emitter *e, const From *from);
void emit_from_list(Emitter *e, const Query *query);
void emit_order_by(Emitter *e, const Query *query);
void emit_limit(Emitter *e, const Query *query);
void emit_items(Emitter *e, const SelectItem *items, int count);
void emit_rows(Emitter *e, const ExprList *rows, int count);

/* write.c */
void emit_insert(Emitter *e, const Query *query);
void emit_update(Emitter *e, const Query *query);
void emit_delete(Emitter *e, const Query *query);

/* emit.c */
/* Adds the diagnostic and marks the emission as failed. */
void emit_refuse(Emitter *e, Span span, const char *message);

static inline void emit_text(Emitter *e, const char *text) { buffer_text(&e->sql, text); }
#define EMIT(e, literal) buffer_append(&(e)->sql, (literal), sizeof(literal) - 1)

static inline bool emit_is_django(const Emitter *e) { return e->style == STYLE_DJANGO; }

#endif
