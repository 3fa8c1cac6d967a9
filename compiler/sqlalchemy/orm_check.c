/*
 * What every database refuses though SQLAlchemy compiles it: an aggregate of the enclosing query inside of its WHERE.
 *
 * Input: a plain select that is about to be sent. Output: an error at the place, with what to write instead.
 * Invariant: only automatic correlation is looked at; what .correlate() says is the program's own wish.
 * Example: select(Book).where(Book.price > select(func.avg(Book.price)).where(Book.author_id == Author.id)
 * .scalar_subquery()): the subquery's books is correlated away, and avg(books.price) belongs to the outer WHERE.
 */
#include "compiler/sqlalchemy/orm_load.h"

typedef struct AggregateCheck {
    Evaluator *ev;
    ElementList outer;
    const Element *found; /* the aggregate */
} AggregateCheck;

static bool in_froms(const ElementList *froms, const Element *from) {
    for (int i = 0; i < froms->count; i++)
        if (froms->items[i] == from) return true;
    return false;
}

static bool is_aggregate(const Element *element) {
    static const char *const names[] = {"avg", "sum", "min", "max", "count"};
    for (size_t i = 0; element->kind == EL_FUNCTION && i < sizeof names / sizeof *names; i++)
        if (slice_equals_text(element->name.text, names[i])) return true;
    return false;
}

static void check_subquery(AggregateCheck *check, const Select *inner) {
    Evaluator *ev = check->ev;
    if (inner->correlate_set || inner->correlate_except_set || inner->from.count) return;
    ElementList froms = {0};
    for (int i = 0; i < inner->columns.count; i++) element_froms(ev, inner->columns.items[i], &froms);
    for (int i = 0; i < inner->where.count; i++) element_froms(ev, inner->where.items[i], &froms);
    bool keeps_one = false;
    for (int i = 0; i < froms.count; i++) keeps_one |= !in_froms(&check->outer, froms.items[i]);
    if (!keeps_one) return;
    for (int i = 0; i < inner->columns.count; i++) {
        const Element *column = inner->columns.items[i];
        ElementList own = {0};
        element_froms(ev, inner->columns.items[i], &own);
        bool all_outer = own.count > 0;
        for (int j = 0; j < own.count; j++) all_outer &= in_froms(&check->outer, own.items[j]);
        if (all_outer && is_aggregate(column)) check->found = column;
    }
}

static void visit_subquery(Element *element, void *data) {
    if (element->kind != EL_SCALAR_SELECT || !element->count) return;
    Element *inner = element->children[0];
    while (inner->kind == EL_SELECT_GROUPING) inner = inner->children[0];
    if (inner->kind == EL_SELECT) check_subquery(data, SELECT(inner));
}

bool select_check_aggregates(Evaluator *ev, const Select *select, const Node *site) {
    AggregateCheck check = {.ev = ev};
    for (int i = 0; i < select->columns.count; i++) element_froms(ev, select->columns.items[i], &check.outer);
    for (int i = 0; i < select->from.count; i++) element_froms(ev, select->from.items[i], &check.outer);
    for (int i = 0; i < select->where.count; i++) element_visit(select->where.items[i], visit_subquery, &check);
    if (!check.found) return true;
    Slice name = check.found->name.text;
    sa_raise(
        ev, SA_COMPILE_ERROR, check.found->node ? check.found->node : site,
        "misuse of aggregate: %.*s() in the subquery is computed over the enclosing query's own FROM, which automatic "
        "correlation took out of the subquery; every database refuses that in WHERE",
        SLICE_ARGS(name));
    evaluator_raise_help(ev, "select from an aliased() entity inside of the subquery, or say what to correlate with "
                             ".correlate(…)");
    return false;
}
