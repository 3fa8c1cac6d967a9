/*
 * The conditions of a query, split by what they may refer to: WHERE before grouping, HAVING after it, and filters on
 * window functions, which need a query around this one. What is connected by OR (or by a negated AND) stays together.
 */
#include "compiler/django/compile.h"

typedef struct Parts {
    DjExpr *where, *having, *qualify;
} Parts;

static void part_add(Evaluator *ev, DjExpr **part, const DjExpr *like, DjExpr *child) {
    if (!child) return;
    if (!*part) *part = dj_where(ev, like->as.node.connector, like->as.node.negated);
    DjExpr *node = *part;
    DjExpr **items = ARENA_ARRAY(evaluator_arena(ev), DjExpr *, node->count + 1);
    if (node->count) memcpy(items, node->args, sizeof *items * (size_t)node->count);
    items[node->count++] = child;
    node->args = items;
    node->flags |= child->flags & DJ_INHERITED_FLAGS;
}

bool dj_split_where(Evaluator *ev, DjExpr *where, bool negated, bool must_group_by, DjExpr **where_part,
                    DjExpr **having_part, DjExpr **qualify_part) {
    *where_part = *having_part = *qualify_part = NULL;
    if (!(where->flags & (DJ_HAS_AGGREGATE | DJ_HAS_OVER))) {
        *where_part = where;
        return true;
    }
    bool in_negated = negated != where->as.node.negated;
    DjConnector connector = where->as.node.connector;
    bool together = connector == DJ_XOR || (in_negated ? connector == DJ_AND : connector == DJ_OR);
    if (together && where->flags & DJ_HAS_AGGREGATE && !(where->flags & DJ_HAS_OVER)) {
        *having_part = where;
        return true;
    }
    Parts parts = {0};
    for (int i = 0; i < where->count; i++) {
        DjExpr *child = where->args[i];
        if (child->kind == DJ_WHERE) {
            DjExpr *w, *h, *q;
            if (!dj_split_where(ev, child, in_negated, must_group_by, &w, &h, &q)) return false;
            part_add(ev, &parts.where, where, w);
            part_add(ev, &parts.having, where, h);
            part_add(ev, &parts.qualify, where, q);
        } else if (child->flags & DJ_HAS_OVER) {
            part_add(ev, &parts.qualify, where, child);
        } else {
            part_add(ev, child->flags & DJ_HAS_AGGREGATE ? &parts.having : &parts.where, where, child);
        }
    }
    if (together && parts.qualify) {
        if (parts.where && must_group_by)
            return evaluator_raise_id(ev, EXCEPTION_NOT_IMPLEMENTED, where->site,
                                      "Heterogeneous disjunctive predicates against window functions are not "
                                      "implemented when performing conditional aggregation.") != NULL;
        *qualify_part = where;
        return true;
    }
    *where_part = parts.where;
    *having_part = parts.having;
    *qualify_part = parts.qualify;
    return true;
}
