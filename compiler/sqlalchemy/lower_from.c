/*
 * Lowering of FROM clauses and common table expressions.
 *
 * Input: tables, aliases, joins, subqueries, CTEs. Output: Relations (one object a FROM clause, whoever refers to it)
 * and From trees.
 * Invariants: a relation's name is fixed when it is first referred to, which may be before its body is lowered. A CTE
 * stands in the WITH of the outermost statement unless it nests.
 * Example: users.alias() in a column first, in FROM later: both mean the Relation users_1.
 */
#include "compiler/sqlalchemy/lower.h"

/* ---- relations ---- */

static Element *alias_base(Element *from) {
    while (from->kind == EL_ALIAS && from->children[0]->kind == EL_ALIAS) from = from->children[0];
    return from->kind == EL_ALIAS ? from->children[0] : from;
}

static void name_table(Lowering *lo, Relation *relation, Element *table) {
    const FromElement *from = FROM(table);
    relation->name = lower_name(lo, table->name);
    relation->name_quoting = name_quoting(table->name);
    relation->schema = from->schema.text;
    relation->schema_quoting = name_quoting(from->schema);
}

static void name_alias(Lowering *lo, Relation *relation, Element *alias) {
    relation->alias = lower_name(lo, alias->name);
    relation->alias_quoting = name_quoting(alias->name);
}

/* A plain name that a table of another schema in the same FROM has too: SQLAlchemy gives it an alias. */
static void name_ambiguous(Lowering *lo, Relation *relation, const Element *table) {
    if (relation->schema.length || !lo->level || !lo->level->state) return;
    ElementList froms = {0};
    for (int i = 0; i < lo->level->state->froms.count; i++)
        element_froms(lo->ev, lo->level->state->froms.items[i], &froms);
    for (int i = 0; i < froms.count; i++) {
        const Element *other = froms.items[i];
        if (other->kind != EL_TABLE || other == table || !FROM(other)->schema.text.length) continue;
        if (!slice_equals(other->name.text, table->name.text)) continue;
        Name anonymous = {.text = slice_format(lo->arena, "\1%.*s %.*s\2", SLICE_ARGS(table->name.text),
                                               SLICE_ARGS(table->name.text)),
                          .truncatable = true};
        relation->alias = lower_name(lo, anonymous);
        return;
    }
}

static Relation *relation_make(Lowering *lo, Element *from) {
    Relation *relation = ARENA_NEW(lo->arena, Relation);
    switch ((int)from->kind) {
    case EL_TABLE:
        relation->kind = RELATION_TABLE;
        name_table(lo, relation, from);
        name_ambiguous(lo, relation, from);
        return relation;
    case EL_ALIAS: {
        Element *base = alias_base(from);
        if (base->kind == EL_TABLE) {
            relation->kind = RELATION_TABLE;
            name_table(lo, relation, base);
        } else if (base->kind == EL_CTE) {
            relation->kind = RELATION_CTE; /* its name waits until the CTE is written */
            relation->name_quoting = name_quoting(base->name);
        } else {
            relation->kind = base->kind == EL_VALUES ? RELATION_VALUES : RELATION_RAW;
        }
        name_alias(lo, relation, from);
        return relation;
    }
    case EL_CTE:
        relation->kind = RELATION_CTE;
        relation->name = lower_name(lo, from->name);
        relation->name_quoting = name_quoting(from->name);
        return relation;
    case EL_TABLE_VALUED: relation->kind = RELATION_FUNCTION; break;
    case EL_VALUES: relation->kind = RELATION_VALUES; break;
    case EL_LATERAL:
        relation->kind = from->children[0]->kind == EL_FUNCTION ? RELATION_FUNCTION : RELATION_SUBQUERY;
        break;
    default: relation->kind = RELATION_SUBQUERY; break;
    }
    if (from->name.text.length) name_alias(lo, relation, from);
    return relation;
}

/* The CTE that an alias of a CTE grew into, while that one is being written. */
static Element *grown_alias(Lowering *lo, const Element *from) {
    for (CteEntry *entry = lo->ctes; entry; entry = entry->next) {
        Element *restated = FROM(entry->cte)->restates;
        if (restated && restated->kind == EL_ALIAS && element_same(restated, from)) return entry->cte;
    }
    return NULL;
}

Relation *lower_relation(Lowering *lo, Element *from) {
    Element *grown = from->kind == EL_ALIAS ? grown_alias(lo, from) : NULL;
    if (grown) from = grown;
    for (int i = 0; i < lo->relation_count; i++)
        if (element_same(lo->relations[i].from, from)) return lo->relations[i].relation;
    Relation *relation = relation_make(lo, from);
    ARENA_PUSH(lo->arena, lo->relations, lo->relation_count, lo->relation_capacity) = (RelationEntry){from, relation};
    return relation;
}

/* ---- bodies ---- */

static Atom atom_of(Lowering *lo, Slice text) { return atom_intern(evaluator_atoms(lo->ev), text); }

static From *from_raw(Lowering *lo, Expr *expression) {
    Relation *relation = ARENA_NEW(lo->arena, Relation);
    relation->kind = RELATION_RAW;
    relation->expression = expression;
    return from_relation(lo->arena, relation);
}

From *from_nothing(Lowering *lo) { return from_raw(lo, lower_text_expr(lo, SLICE(""))); }

static Slice written(Lowering *lo, Slice name, NameQuote quote) {
    Buffer out;
    buffer_init(&out, lo->arena);
    sa_write_name(&out, lo->dialect, (Name){.text = name, .quote = quote});
    return buffer_view(&out);
}

static From *lower_subquery(Lowering *lo, Element *from, bool lateral) {
    Relation *relation = lower_relation(lo, from);
    Element *inner = from->children[0];
    while (inner->kind == EL_SELECT_GROUPING || inner->kind == EL_SUBQUERY) inner = inner->children[0];
    Query *query = lower_statement(lo, inner, true, lateral);
    if (!query) return NULL;
    relation->query = query;
    relation->lateral = lateral;
    return from_relation(lo->arena, relation);
}

static bool derived_columns(Lowering *lo, Element *from, Relation *relation) {
    const FromElement *valued = FROM(from);
    if (!valued->derived) return true;
    relation->column_names = ARENA_ARRAY(lo->arena, Atom, valued->columns.count + 1);
    relation->column_count = 0;
    for (int i = 0; i < valued->columns.count; i++) {
        Element *column = valued->columns.items[i];
        relation->column_names[relation->column_count++] = atom_of(lo, lower_name(lo, column->name));
    }
    return true;
}

/* alias(a INTEGER, b VARCHAR): types can't stand in a list of names. */
static From *typed_columns(Lowering *lo, Element *from, Expr *function, const Relation *relation) {
    const FromElement *valued = FROM(from);
    Buffer list;
    buffer_init(&list, lo->arena);
    for (int i = 0; i < valued->columns.count; i++) {
        Element *column = valued->columns.items[i];
        if (i) buffer_text(&list, ", ");
        sa_write_name(&list, lo->dialect, column->name);
        buffer_put(&list, ' ');
        if (!type_write(lo->ev, &list, column->type, lo->dialect, column->node)) return NULL;
    }
    return from_raw(lo, lower_format(lo, "%s%e AS %S(%S)", relation->lateral ? "LATERAL " : "", function,
                                     written(lo, relation->alias, NAME_AT_NEED), buffer_view(&list)));
}

static From *lower_valued(Lowering *lo, Element *from) {
    Relation *relation = lower_relation(lo, from);
    relation->lateral = FROM(from)->lateral || from->kind == EL_LATERAL;
    Expr *function = lower_expr(lo, from->children[0], (Flags){0});
    if (!function) return NULL;
    relation->expression = function;
    if (FROM(from)->derived && FROM(from)->derived_types) return typed_columns(lo, from, function, relation);
    if (!derived_columns(lo, from, relation)) return NULL;
    return from_relation(lo->arena, relation);
}

bool lower_value_rows(Lowering *lo, Element *element, Query *query) {
    const FromElement *values = FROM(element);
    for (int i = 0; i < values->ctes.count; i++) {
        Relation *added;
        if (!lower_cte(lo, values->ctes.items[i], false, &added)) return false;
    }
    int width = values->row_width > 0 ? values->row_width : 1;
    query->row_count = values->row_items.count / width;
    query->rows = ARENA_ARRAY(lo->arena, ExprList, query->row_count + 1);
    Flags flags = {.literal_binds = values->literal_binds};
    for (int i = 0; i < query->row_count; i++)
        if (!lower_list(lo, values->row_items.items + (ptrdiff_t)i * width, width, flags, &query->rows[i]))
            return false;
    return true;
}

static From *lower_values(Lowering *lo, Element *from) {
    Relation *relation = lower_relation(lo, from);
    Element *base = from->kind == EL_VALUES ? from : alias_base(from);
    Query *query = query_new(lo->arena, QUERY_VALUES);
    if (!lower_value_rows(lo, base, query)) return NULL;
    relation->query = query;
    relation->lateral = FROM(from)->lateral;
    if (relation->alias.length) {
        const ElementList *columns = from_columns(lo->ev, base);
        relation->column_names = ARENA_ARRAY(lo->arena, Atom, columns->count + 1);
        relation->column_count = 0;
        for (int i = 0; i < columns->count; i++)
            relation->column_names[relation->column_count++] = atom_of(lo, lower_name(lo, columns->items[i]->name));
    }
    return from_relation(lo->arena, relation);
}

static From *lower_tablesample(Lowering *lo, Element *from) {
    const FromElement *sample = FROM(from);
    Relation *relation = lower_relation(lo, from);
    Element *base = from->children[0];
    Relation named = {.kind = RELATION_TABLE};
    name_table(lo, &named, base);
    Slice table = written(lo, named.name, base->name.quote);
    if (named.schema.length)
        table = slice_format(lo->arena, "%.*s.%.*s", SLICE_ARGS(written(lo, named.schema, NAME_AT_NEED)),
                             SLICE_ARGS(table));
    Expr *method = lower_expr(lo, sample->sampling, (Flags){0});
    if (!method) return NULL;
    Expr *made = lower_format(lo, "%S AS %S TABLESAMPLE %e", table, written(lo, relation->alias, NAME_AT_NEED), method);
    if (sample->seed) {
        Expr *seed = lower_expr(lo, sample->seed, (Flags){0});
        if (!seed) return NULL;
        made = lower_format(lo, "%e REPEATABLE (%e)", made, seed);
    }
    return from_raw(lo, made);
}

/* ---- hints ---- */

static bool dialect_matches(const Lowering *lo, Slice dialect) {
    return !dialect.length || slice_equals_text(dialect, "*") || slice_equals_text(dialect, lo->dialect->name);
}

static Slice hint_text(Lowering *lo, Slice text, Slice name) {
    Buffer out;
    buffer_init(&out, lo->arena);
    for (size_t i = 0; i < text.length; i++) {
        if (text.length - i >= 8 && memcmp(text.start + i, "%(name)s", 8) == 0) {
            buffer_slice(&out, name);
            i += 7;
        } else {
            buffer_put(&out, text.start[i]);
        }
    }
    return buffer_view(&out);
}

/* The hint of a FROM clause. False: the dialect refuses it. */
static bool lower_hint(Lowering *lo, Element *from, const TextParts *hints, From *out) {
    for (int i = 0; hints && i < hints->count; i++) {
        const TextPart *hint = &hints->items[i];
        if (!hint->element || !element_same(hint->element, from) || !dialect_matches(lo, hint->dialect)) continue;
        const Relation *relation = lower_relation(lo, from);
        Slice text = hint_text(lo, hint->text,
                               written(lo, relation->alias.length ? relation->alias : relation->name, NAME_AT_NEED));
        if (lo_mysql(lo)) out->hint = text;
        if (!lo_is(lo, DIALECT_POSTGRESQL)) continue;
        if (!slice_equals_ignoring_case(text, "only")) {
            sa_raise(lo->ev, SA_COMPILE_ERROR, from->node, "Unrecognized hint: '%.*s'", SLICE_ARGS(text));
            return false;
        }
        out->prefix = SLICE("ONLY");
    }
    return true;
}

/* ---- the tree ---- */

static From *lower_join(Lowering *lo, Element *join, const TextParts *hints) {
    From *left = lower_from(lo, join->children[0], hints);
    From *right = left ? lower_from(lo, join->children[1], hints) : NULL;
    if (!right) return NULL;
    if (!join->children[2]) {
        Element *on = join_condition(lo->ev, join->children[0], join->children[1], NULL, join->node);
        if (!on) return NULL;
        join->children[2] = on;
    }
    Expr *on = lower_expr(lo, join->children[2], (Flags){0});
    if (!on) return NULL;
    JoinKind kind = FROM(join)->full ? JOIN_FULL : FROM(join)->outer ? JOIN_LEFT : JOIN_INNER;
    return from_join(lo->arena, left, right, kind, on);
}

static From *lower_named(Lowering *lo, Element *from, const TextParts *hints) {
    Relation *relation = lower_relation(lo, from);
    From *made = from_relation(lo->arena, relation);
    return lower_hint(lo, from, hints, made) ? made : NULL;
}

static From *lower_alias(Lowering *lo, Element *from, const TextParts *hints) {
    Element *base = alias_base(from);
    if (grown_alias(lo, from)) return from_relation(lo->arena, lower_relation(lo, from));
    if (base->kind == EL_VALUES) return lower_values(lo, from);
    if (base->kind == EL_CTE) {
        Relation *alias = lower_relation(lo, from), *whole;
        if (!lower_cte(lo, base, true, &whole)) return NULL;
        alias->name = whole->name;
    } else if (base->kind == EL_FUNCTION || base->kind == EL_TABLE_VALUED) {
        Relation *relation = lower_relation(lo, from);
        relation->kind = RELATION_FUNCTION;
        relation->expression = lower_expr(lo, base->kind == EL_FUNCTION ? base : base->children[0], (Flags){0});
        return relation->expression ? from_relation(lo->arena, relation) : NULL;
    } else if (base->kind == EL_SUBQUERY || base->kind == EL_LATERAL) {
        Relation *relation = lower_relation(lo, from);
        Query *query = lower_statement(lo, base->children[0], true, base->kind == EL_LATERAL);
        if (!query) return NULL;
        relation->kind = RELATION_SUBQUERY;
        relation->query = query;
        relation->lateral = base->kind == EL_LATERAL;
        return from_relation(lo->arena, relation);
    }
    return lower_named(lo, from, hints);
}

From *lower_from(Lowering *lo, Element *from, const TextParts *hints) {
    switch ((int)from->kind) {
    case EL_TABLE: return lower_named(lo, from, hints);
    case EL_ALIAS: return lower_alias(lo, from, hints);
    case EL_SUBQUERY: return lower_subquery(lo, from, false);
    case EL_LATERAL:
        if (from->children[0]->kind == EL_FUNCTION || from->children[0]->kind == EL_TABLE_VALUED)
            return lower_valued(lo, from);
        return lower_subquery(lo, from, true);
    case EL_CTE: {
        Relation *relation;
        return lower_cte(lo, from, true, &relation) ? from_relation(lo->arena, relation) : NULL;
    }
    case EL_TABLE_VALUED: return lower_valued(lo, from);
    case EL_VALUES: return lower_values(lo, from);
    case EL_TABLESAMPLE: return lower_tablesample(lo, from);
    case EL_JOIN: return lower_join(lo, from, hints);
    case EL_FROM_GROUPING: {
        From *inner = lower_from(lo, from->children[0], hints);
        if (inner) inner->grouped = true;
        return inner;
    }
    default: {
        Expr *text = lower_expr(lo, from, (Flags){0});
        return text ? from_raw(lo, text) : NULL;
    }
    }
}

/* ---- WITH ---- */

static Element *cte_reference(Element *cte) {
    while (cte->kind == EL_CTE && FROM(cte)->restates) cte = FROM(cte)->restates;
    return cte;
}

static bool cte_column_names(Lowering *lo, Element *cte, Relation *relation) {
    Element *inner = cte->children[0];
    bool values = inner->kind == EL_VALUES;
    if (!FROM(cte)->recursive && !values) return true;
    ElementList columns = {0};
    PlusNames names = {0};
    select_columns(lo->ev, inner, &columns);
    LabelStyle style = inner->kind == EL_SELECT ? SELECTABLE(inner)->label_style : LABEL_DISAMBIGUATE_ONLY;
    columns_plus_names(lo->ev, &columns, style, true, &names);
    relation->column_names = ARENA_ARRAY(lo->arena, Atom, names.count + 1);
    relation->column_count = 0;
    for (int i = 0; i < names.count; i++) {
        if (names.items[i].repeated) continue;
        Name name = names.items[i].has_fallback ? names.items[i].fallback : names.items[i].key;
        relation->column_names[relation->column_count++] = atom_of(lo, lower_name(lo, name));
    }
    return true;
}

static CteEntry *cte_find(Lowering *lo, Slice name, int level) {
    for (CteEntry *entry = lo->ctes; entry; entry = entry->next)
        if (entry->level == level && slice_equals(entry->name, name)) return entry;
    return NULL;
}

static void cte_remove(Lowering *lo, const CteEntry *gone) {
    for (CteEntry **at = &lo->ctes; *at; at = &(*at)->next)
        if (*at == gone) {
            *at = gone->next;
            return;
        }
}

static bool cte_lower_body(Lowering *lo, CteEntry *entry, Relation *relation) {
    Element *cte = entry->cte, *inner = cte->children[0];
    if (!cte_column_names(lo, cte, relation)) return false;
    const Element *outer_cte = lo->visiting_cte;
    lo->visiting_cte = cte;
    while (inner->kind == EL_SELECT_GROUPING) inner = inner->children[0];
    Query *query;
    if (inner->kind == EL_VALUES) {
        query = query_new(lo->arena, QUERY_VALUES);
        if (!lower_value_rows(lo, inner, query)) return false;
    } else {
        query = lower_statement(lo, inner, true, false);
    }
    lo->visiting_cte = outer_cte;
    if (!query) return false;
    CommonTable *table = ARENA_NEW(lo->arena, CommonTable);
    table->relation = relation;
    table->query = query;
    table->recursive = FROM(cte)->recursive;
    table->nesting = entry->nesting;
    table->materialized = lower_prefixes(lo, &FROM(cte)->prefixes);
    table->suffix = lower_prefixes(lo, &FROM(cte)->suffixes);
    /* those that it needs were finished first: it moves behind them */
    cte_remove(lo, entry);
    CteEntry **last = &lo->ctes;
    while (*last) last = &(*last)->next;
    entry->next = NULL;
    entry->table = table;
    *last = entry;
    return true;
}

static int stack_depth(const Lowering *lo) { return lo->level ? lo->level->depth : 0; }

bool lower_cte(Lowering *lo, Element *cte, bool as_from, Relation **out) {
    (void)as_from;
    Slice name = lower_name(lo, cte->name);
    bool nesting = FROM(cte)->nesting;
    CteEntry *existing = NULL;
    for (CteEntry *entry = lo->ctes; entry && !existing; entry = entry->next)
        if (cte_reference(entry->cte) == cte_reference(cte) || element_same(entry->cte, cte)) existing = entry;
    int level = nesting ? stack_depth(lo) : 1;
    if (!existing) existing = cte_find(lo, name, level);
    *out = lower_relation(lo, cte);
    if (existing) {
        bool same = element_same(existing->cte, cte) || FROM(existing->cte)->restates == cte;
        if (same) return true;
        if (FROM(cte)->restates == existing->cte) {
            cte_remove(lo, existing);
        } else {
            sa_raise(lo->ev, SA_COMPILE_ERROR, cte->node, "Multiple, unrelated CTEs found with the same name: '%.*s'",
                     SLICE_ARGS(name));
            return false;
        }
    }
    CteEntry *entry = ARENA_NEW(lo->arena, CteEntry);
    *entry = (CteEntry){.cte = cte, .name = name, .level = level, .nesting = nesting, .next = lo->ctes};
    lo->ctes = entry;
    return cte_lower_body(lo, entry, *out);
}

/* Moves what belongs here into the query's WITH: at the top all, deeper only those that nest at this depth. */
void lower_ctes_into(Lowering *lo, Query *query, bool top, bool following) {
    int depth = stack_depth(lo);
    CteEntry *entry = lo->ctes;
    while (entry) {
        CteEntry *next = entry->next;
        bool here = entry->table &&
                    (top || (entry->nesting && (entry->level == depth || (following && entry->level == depth + 1))));
        if (here) {
            ARENA_PUSH(lo->arena, query->ctes, query->cte_count, query->cte_capacity) = *entry->table;
            cte_remove(lo, entry);
        }
        entry = next;
    }
}
