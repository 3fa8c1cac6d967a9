/*
 * Lowering of operators: how each dialect of SQLAlchemy writes `left op right`.
 *
 * Input: BINARY, UNARY, AS_BOOLEAN and OPERATOR_LIST elements. Output: expressions.
 * Invariants: comparisons that all dialects share are BINARY nodes by meaning; what is spelled by a dialect is text
 * with holes. An operator with eager grouping puts parentheses around itself inside another operator.
 * Example: data -> 'a' ->> 'b' = 'x' is ((data -> 'a') ->> 'b') = 'x' on PostgreSQL.
 */
#include "compiler/sqlalchemy/lower.h"

typedef struct Sides {
    Expr *left, *right;
} Sides;

static bool lower_sides(Lowering *lo, Element *element, Flags flags, Sides *out) {
    out->left = lower_expr(lo, element->children[0], flags);
    out->right = out->left ? lower_expr(lo, element->children[1], flags) : NULL;
    return out->right != NULL;
}

/* ---- generic ---- */

static bool comparison_id(const char *spelling, OperatorId *id) {
    static const struct {
        const char *spelling;
        OperatorId id;
    } rows[] = {
        {" < ", OPERATOR_LT}, {" <= ", OPERATOR_LE}, {" > ", OPERATOR_GT}, {" >= ", OPERATOR_GE}, {" = ", OPERATOR_EQ}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (strcmp(spelling, rows[i].spelling) == 0) {
            *id = rows[i].id;
            return true;
        }
    return false;
}

static Expr *lower_generic_binary(Lowering *lo, Element *element, const char *spelling, Flags flags) {
    Flags inner = flags;
    inner.in_operator = true;
    inner.eager_grouping = false;
    Sides sides;
    if (!lower_sides(lo, element, inner, &sides)) return NULL;
    OperatorId id;
    Expr *made = comparison_id(spelling, &id) ? expr_binary(lo->arena, id, sides.left, sides.right, SQL_BOOLEAN)
                                              : lower_format(lo, "%e%s%e", sides.left, spelling, sides.right);
    return flags.in_operator && flags.eager_grouping ? expr_group(lo->arena, made) : made;
}

static Expr *lower_custom(Lowering *lo, Element *element, Flags flags) {
    const CustomOp *op = OPERATOR(element)->op.custom;
    Flags own = flags;
    own.eager_grouping = op->eager_grouping;
    return lower_generic_binary(
        lo, element, slice_terminated(lo->arena, slice_format(lo->arena, " %.*s ", SLICE_ARGS(op->text))), own);
}

/* ---- LIKE ---- */

static Expr *with_escape(Lowering *lo, Expr *made, const OperatorElement *op) {
    if (!op->has_escape) return made;
    if (lo_is(lo, DIALECT_POSTGRESQL) && slice_equals_text(op->escape_text, "\\"))
        return lower_format(lo, "%e ESCAPE '\\\\'", made);
    return lower_format(lo, "%e ESCAPE %e", made, lower_string_literal(lo, op->escape_text));
}

static Expr *folded(Lowering *lo, Expr *operand) { return lower_format(lo, "lower(%e)", operand); }

/* '%' || x || '%' around the right operand: one concatenation with it where it is one itself. */
static Expr *pattern_around(Lowering *lo, Element *right, bool before, bool after, Flags flags) {
    Evaluator *ev = lo->ev;
    SaType *string = type_of_kind(ev, TYPE_STRING);
    Element *percent = element_literal_column(ev, SLICE("'%'"), string);
    Op concat = op_of(SA_CONCAT), none = op_of(SA_NONE);
    if (before) right = element_for_op(ev, percent, right, concat, none, string);
    if (after) right = element_for_op(ev, right, percent, concat, none, string);
    return lower_expr(lo, right, flags);
}

/* The same around what is written already. */
static Expr *pattern(Lowering *lo, Expr *right, bool before, bool after) {
    if (lo_mysql(lo)) {
        if (before && after) return lower_format(lo, "concat('%%', %e, '%%')", right);
        return before ? lower_format(lo, "concat('%%', %e)", right) : lower_format(lo, "concat(%e, '%%')", right);
    }
    if (before && after) return lower_format(lo, "'%%' || %e || '%%'", right);
    return before ? lower_format(lo, "'%%' || %e", right) : lower_format(lo, "%e || '%%'", right);
}

typedef struct LikeRow {
    SaOperator op;
    bool negated, before, after, fold;
} LikeRow;
static const LikeRow like_rows[] = {
    {SA_CONTAINS, false, true, true, false},    {SA_NOT_CONTAINS, true, true, true, false},
    {SA_STARTSWITH, false, false, true, false}, {SA_NOT_STARTSWITH, true, false, true, false},
    {SA_ENDSWITH, false, true, false, false},   {SA_NOT_ENDSWITH, true, true, false, false},
    {SA_ICONTAINS, false, true, true, true},    {SA_NOT_ICONTAINS, true, true, true, true},
    {SA_ISTARTSWITH, false, false, true, true}, {SA_NOT_ISTARTSWITH, true, false, true, true},
    {SA_IENDSWITH, false, true, false, true},   {SA_NOT_IENDSWITH, true, true, false, true},
    {SA_LIKE, false, false, false, false},      {SA_NOT_LIKE, true, false, false, false},
    {SA_ILIKE, false, false, false, true},      {SA_NOT_ILIKE, true, false, false, true},
};

static Expr *lower_like(Lowering *lo, Element *element, const LikeRow *row, Flags flags) {
    Sides sides;
    if (!lower_sides(lo, element, flags, &sides)) return NULL;
    bool native = row->fold && lo_is(lo, DIALECT_POSTGRESQL);
    if (row->fold && !native) sides.left = folded(lo, sides.left), sides.right = folded(lo, sides.right);
    Element *given = element->children[1];
    while (given->kind == EL_GROUPING) given = given->children[0];
    bool joins = (given->kind == EL_OPERATOR_LIST || given->kind == EL_BINARY) && OPERATOR(given)->op.id == SA_CONCAT;
    if (row->before || row->after)
        sides.right = joins && !row->fold ? pattern_around(lo, given, row->before, row->after, flags)
                                          : pattern(lo, sides.right, row->before, row->after);
    if (!sides.right) return NULL;
    const char *word = native ? (row->negated ? " NOT ILIKE " : " ILIKE ") : row->negated ? " NOT LIKE " : " LIKE ";
    return with_escape(lo, lower_format(lo, "%e%s%e", sides.left, word, sides.right), OPERATOR(element));
}

/* ---- regular expressions, MATCH ---- */

static Expr *regexp_refused(Lowering *lo, const Element *element, bool replace) {
    return sa_raise(lo->ev, SA_COMPILE_ERROR, element->node, "%s dialect does not support regular expression%s",
                    lo->dialect->name, replace ? " replacements" : "s");
}

static Expr *lower_regexp(Lowering *lo, Element *element, bool negated, Flags flags) {
    const OperatorElement *op = OPERATOR(element);
    if (lo_is(lo, DIALECT_SQLITE))
        return lower_generic_binary(lo, element, negated ? " NOT REGEXP " : " REGEXP ", flags);
    if (!op->has_flags) {
        if (lo_mysql(lo)) return lower_generic_binary(lo, element, negated ? " NOT REGEXP " : " REGEXP ", flags);
        return lower_generic_binary(lo, element, negated ? " !~ " : " ~ ", flags);
    }
    if (!lo_mysql(lo) && slice_equals_text(op->flags, "i"))
        return lower_generic_binary(lo, element, negated ? " !~* " : " ~* ", flags);
    Sides sides;
    if (!lower_sides(lo, element, flags, &sides)) return NULL;
    Expr *given = lower_string_literal(lo, op->flags);
    if (lo_is(lo, DIALECT_MARIADB)) {
        return lower_format(lo, "%e%s REGEXP CONCAT('(?', %e, ')', %e)", sides.left, negated ? " NOT" : "", given,
                            sides.right);
    }
    if (lo_mysql(lo))
        return lower_format(lo, "%sREGEXP_LIKE(%e, %e, %e)", negated ? "NOT " : "", sides.left, sides.right, given);
    return lower_format(lo, "%e %s CONCAT('(?', %e, ')', %e)", sides.left, negated ? "!~" : "~", given, sides.right);
}

static Expr *lower_regexp_replace(Lowering *lo, Element *element, Flags flags) {
    if (lo_is(lo, DIALECT_SQLITE)) return regexp_refused(lo, element, true);
    Sides sides;
    if (!lower_sides(lo, element, flags, &sides)) return NULL;
    const OperatorElement *op = OPERATOR(element);
    if (!op->has_flags) return lower_format(lo, "REGEXP_REPLACE(%e, %e)", sides.left, sides.right);
    Expr *given = lower_string_literal(lo, op->flags);
    if (lo_is(lo, DIALECT_MARIADB) && element->children[1]->count == 2) {
        Expr *parts[2] = {lower_expr(lo, element->children[1]->children[0], flags),
                          lower_expr(lo, element->children[1]->children[1], flags)};
        if (!parts[0] || !parts[1]) return NULL;
        return lower_format(lo, "REGEXP_REPLACE(%e, CONCAT('(?', %e, ')', %e), %e)", sides.left, given, parts[0],
                            parts[1]);
    }
    return lower_format(lo, "REGEXP_REPLACE(%e, %e, %e)", sides.left, sides.right, given);
}

static Expr *lower_mysql_match(Lowering *lo, Element *element, Flags flags) {
    static const bool valid[8] = {true, true, true, false, true, false, true, false};
    static const char *const words[] = {" IN BOOLEAN MODE", " IN NATURAL LANGUAGE MODE", " WITH QUERY EXPANSION"};
    int modes = OPERATOR(element)->match_modes;
    if (!valid[modes])
        return sa_raise(
            lo->ev, SA_COMPILE_ERROR, element->node,
            "Invalid MySQL match flags: in_boolean_mode=%s, in_natural_language_mode=%s, with_query_expansion=%s",
            modes & 1 ? "True" : "False", modes & 2 ? "True" : "False", modes & 4 ? "True" : "False");
    Sides sides;
    if (!lower_sides(lo, element, flags, &sides)) return NULL;
    return lower_format(lo, "MATCH (%e) AGAINST (%e%s%s%s)", sides.left, sides.right, modes & 1 ? words[0] : "",
                        modes & 2 ? words[1] : "", modes & 4 ? words[2] : "");
}

static Expr *lower_match(Lowering *lo, Element *element, bool negated, Flags flags) {
    Expr *made;
    const OperatorElement *op = OPERATOR(element);
    if (lo_mysql(lo)) {
        made = lower_mysql_match(lo, element, flags);
    } else if (element->kind == EL_MATCH) {
        return sa_raise(lo->ev, SA_UNSUPPORTED_COMPILATION_ERROR, element->node, "match() is MySQL's own");
    } else if (lo_is(lo, DIALECT_POSTGRESQL)) {
        Sides sides;
        if (!lower_sides(lo, element, flags, &sides)) return NULL;
        made = op->has_flags ? lower_format(lo, "%e @@ plainto_tsquery(%e, %e)", sides.left,
                                            lower_string_literal(lo, op->flags), sides.right)
                             : lower_format(lo, "%e @@ plainto_tsquery(%e)", sides.left, sides.right);
    } else {
        made = lower_generic_binary(lo, element, " MATCH ", flags);
    }
    return made && negated ? lower_format(lo, "NOT %e", made) : made;
}

/* ---- JSON and arrays ---- */

static Expr *mysql_json(Lowering *lo, Element *element, Flags flags) {
    Sides s;
    if (!lower_sides(lo, element, flags, &s)) return NULL;
    const SaType *type = element->type;
    if (type->affinity == TYPE_JSON) return lower_format(lo, "JSON_EXTRACT(%e, %e)", s.left, s.right);
    Expr *head = lower_format(lo, "CASE JSON_EXTRACT(%e, %e) WHEN 'null' THEN NULL", s.left, s.right), *rest;
    if (!lower_sides(lo, element, flags, &s)) return NULL;
    if (type->affinity == TYPE_INTEGER) {
        rest = lower_format(lo, "ELSE CAST(JSON_EXTRACT(%e, %e) AS SIGNED INTEGER)", s.left, s.right);
    } else if (type->affinity == TYPE_NUMERIC && type->scale >= 0 && type->precision >= 0) {
        Slice size = slice_format(lo->arena, "%lld, %lld", (long long)type->precision, (long long)type->scale);
        rest = lower_format(lo, "ELSE CAST(JSON_EXTRACT(%e, %e) AS DECIMAL(%S))", s.left, s.right, size);
    } else if (type->affinity == TYPE_NUMERIC) {
        rest = lower_format(lo, "ELSE JSON_EXTRACT(%e, %e)+0.0000000000000000000000", s.left, s.right);
    } else if (type->affinity == TYPE_BOOLEAN) {
        rest = lower_format(lo, "WHEN true THEN true ELSE false");
    } else if (type->affinity == TYPE_STRING) {
        rest = lower_format(lo, "ELSE JSON_UNQUOTE(JSON_EXTRACT(%e, %e))", s.left, s.right);
    } else {
        rest = lower_format(lo, "ELSE JSON_EXTRACT(%e, %e)", s.left, s.right);
    }
    return lower_format(lo, "%e %e END", head, rest);
}

static Expr *lower_json(Lowering *lo, Element *element, bool path, Flags flags) {
    bool is_json = element->type->affinity == TYPE_JSON;
    if (lo_mysql(lo)) return mysql_json(lo, element, flags);
    if (lo_is(lo, DIALECT_SQLITE)) {
        Sides s;
        if (!lower_sides(lo, element, flags, &s)) return NULL;
        return is_json ? lower_format(lo, "JSON_QUOTE(JSON_EXTRACT(%e, %e))", s.left, s.right)
                       : lower_format(lo, "JSON_EXTRACT(%e, %e)", s.left, s.right);
    }
    if (!flags.cast_applied && !is_json) {
        Flags cast = flags;
        cast.cast_applied = true;
        return lower_expr(lo, element_cast_to(lo->ev, element, element->type), cast);
    }
    Flags inner = flags;
    bool text = flags.cast_applied;
    inner.cast_applied = false;
    inner.eager_grouping = true;
    Element *left = element->children[0];
    if (!path && !text && type_is(left->type, TYPE_PG_JSONB)) {
        Expr *base = lower_expr(lo, left, flags), *key = base ? lower_expr(lo, element->children[1], flags) : NULL;
        if (!key) return NULL;
        if (left->kind == EL_FUNCTION || left->kind == EL_CAST) base = expr_group(lo->arena, base);
        return lower_format(lo, "%e[%e]", base, key);
    }
    if (path) return lower_generic_binary(lo, element, text ? " #>> " : " #> ", inner);
    return lower_generic_binary(lo, element, text ? " ->> " : " -> ", inner);
}

static Expr *operator_unsupported(Lowering *lo, const Element *element) {
    return sa_raise(lo->ev, SA_UNSUPPORTED_COMPILATION_ERROR, element->node,
                    "Compiler for dialect %s can't render the operator '%s'", lo->dialect->name,
                    operator_rows[OPERATOR(element)->op.id].python);
}

static Expr *lower_getitem(Lowering *lo, Element *element, Flags flags) {
    if (!lo_is(lo, DIALECT_POSTGRESQL)) return operator_unsupported(lo, element);
    Sides s;
    return lower_sides(lo, element, flags, &s) ? lower_format(lo, "%e[%e]", s.left, s.right) : NULL;
}

/* ---- arithmetic ---- */

static Expr *lower_truediv(Lowering *lo, Element *element, Flags flags) {
    Element *right = element->children[1];
    if (lo_is(lo, DIALECT_POSTGRESQL)) {
        SaType *type = right->type->affinity == TYPE_NUMERIC ? right->type : type_of_kind(lo->ev, TYPE_NUMERIC);
        right = element_cast_to(lo->ev, right, type);
    }
    Expr *a = lower_expr(lo, element->children[0], flags), *b = a ? lower_expr(lo, right, flags) : NULL;
    if (!b) return NULL;
    return lower_format(lo, lo_is(lo, DIALECT_SQLITE) ? "%e / (%e + 0.0)" : "%e / %e", a, b);
}

static Expr *lower_floordiv(Lowering *lo, Element *element, Flags flags) {
    Sides s;
    if (!lower_sides(lo, element, flags, &s)) return NULL;
    bool integers =
        element->children[0]->type->affinity == TYPE_INTEGER && element->children[1]->type->affinity == TYPE_INTEGER;
    return lower_format(lo, integers && !lo_mysql(lo) ? "%e / %e" : "FLOOR(%e / %e)", s.left, s.right);
}

static Expr *lower_xor(Lowering *lo, Element *element, Flags flags) {
    if (lo_is(lo, DIALECT_POSTGRESQL)) return lower_generic_binary(lo, element, " # ", flags);
    if (lo_mysql(lo)) return lower_generic_binary(lo, element, " ^ ", flags);
    Flags eager = flags;
    eager.eager_grouping = true;
    eager.in_operator = false;
    Expr * or = lower_generic_binary(lo, element, " | ", eager),
           *and = or ? lower_generic_binary(lo, element, " & ", eager) : NULL;
    if (!and) return NULL;
    return flags.in_operator ? lower_format(lo, "((%e) - (%e))", or, and) : lower_format(lo, "(%e - %e)", or, and);
}

static Expr *lower_distinct_from(Lowering *lo, Element *element, bool negated, Flags flags) {
    Sides s;
    if (lo_mysql(lo)) {
        if (!lower_sides(lo, element, flags, &s)) return NULL;
        return lower_format(lo, negated ? "%e <=> %e" : "NOT (%e <=> %e)", s.left, s.right);
    }
    if (lo_is(lo, DIALECT_SQLITE)) {
        if (!lower_sides(lo, element, (Flags){0}, &s)) return NULL;
        return lower_format(lo, negated ? "%e IS %e" : "%e IS NOT %e", s.left, s.right);
    }
    return lower_generic_binary(lo, element, operator_rows[OPERATOR(element)->op.id].spelling, flags);
}

static Expr *lower_between(Lowering *lo, Element *element, bool negated, Flags flags) {
    bool symmetric = OPERATOR(element)->symmetric;
    const char *word = negated ? (symmetric ? " NOT BETWEEN SYMMETRIC " : " NOT BETWEEN ")
                               : (symmetric ? " BETWEEN SYMMETRIC " : " BETWEEN ");
    return lower_generic_binary(lo, element, word, flags);
}

static Expr *lower_concat(Lowering *lo, Element *element, Flags flags) {
    if (!lo_mysql(lo)) return lower_generic_binary(lo, element, " || ", flags);
    Sides s;
    return lower_sides(lo, element, flags, &s) ? lower_format(lo, "concat(%e, %e)", s.left, s.right) : NULL;
}

Expr *lower_binary(Lowering *lo, Element *element, Flags flags) {
    SaOperator op = OPERATOR(element)->op.id;
    flags.eager_grouping = false;
    for (size_t i = 0; i < sizeof like_rows / sizeof *like_rows; i++)
        if (like_rows[i].op == op) return lower_like(lo, element, &like_rows[i], flags);
    switch ((int)op) {
    case SA_CUSTOM: return lower_custom(lo, element, flags);
    case SA_NOT_IN: {
        Expr *made = lower_generic_binary(lo, element, " NOT IN ", flags);
        return made ? expr_group(lo->arena, made) : NULL;
    }
    case SA_TRUEDIV: return lower_truediv(lo, element, flags);
    case SA_FLOORDIV: return lower_floordiv(lo, element, flags);
    case SA_BIT_XOR: return lower_xor(lo, element, flags);
    case SA_CONCAT: return lower_concat(lo, element, flags);
    case SA_DISTINCT_FROM: return lower_distinct_from(lo, element, false, flags);
    case SA_NOT_DISTINCT_FROM: return lower_distinct_from(lo, element, true, flags);
    case SA_BETWEEN: return lower_between(lo, element, false, flags);
    case SA_NOT_BETWEEN: return lower_between(lo, element, true, flags);
    case SA_MATCH: return lower_match(lo, element, false, flags);
    case SA_NOT_MATCH: return lower_match(lo, element, true, flags);
    case SA_REGEXP_MATCH: return lower_regexp(lo, element, false, flags);
    case SA_NOT_REGEXP_MATCH: return lower_regexp(lo, element, true, flags);
    case SA_REGEXP_REPLACE: return lower_regexp_replace(lo, element, flags);
    case SA_JSON_GETITEM: return lower_json(lo, element, false, flags);
    case SA_JSON_PATH_GETITEM: return lower_json(lo, element, true, flags);
    case SA_GETITEM: return lower_getitem(lo, element, flags);
    default: return lower_generic_binary(lo, element, operator_rows[op].spelling, flags);
    }
}

/* ---- lists of one operator ---- */

Expr *lower_operator_list(Lowering *lo, Element *element, Flags flags) {
    SaOperator op = OPERATOR(element)->op.id;
    flags.eager_grouping = false;
    ExprList parts = {0};
    if (op == SA_CONCAT && lo_mysql(lo)) {
        Expr *call = expr_call(lo->arena, SLICE("concat"), SQL_TEXT, 0);
        return lower_list(lo, element->children, element->count, flags, &call->args) ? call : NULL;
    }
    flags.in_operator = true;
    if (!lower_list(lo, element->children, element->count, flags, &parts)) return NULL;
    if (op == SA_AND || op == SA_OR || op == SA_COMMA) {
        ExprKind kind = op == SA_AND ? EXPR_AND : op == SA_OR ? EXPR_OR : EXPR_LIST;
        Expr *made = expr_new(lo->arena, kind, SQL_BOOLEAN);
        made->args = parts;
        return made;
    }
    Expr *made = expr_new(lo->arena, EXPR_RAW, type_sql(lo->ev, element->type));
    Slice spelling = slice_from(operator_rows[op].spelling);
    made->args = parts;
    made->as.raw.texts = ARENA_ARRAY(lo->arena, Slice, parts.count + 1);
    for (int i = 1; i < parts.count; i++) made->as.raw.texts[i] = spelling;
    return made;
}

/* ---- unary ---- */

static Expr *lower_truth(Lowering *lo, Element *element, bool truth, Flags flags) {
    Expr *inner = lower_expr(lo, element->children[0], flags);
    if (!inner) return NULL;
    if (element_is_implicitly_boolean(element) || lo_is(lo, DIALECT_POSTGRESQL))
        return truth ? inner : lower_format(lo, "NOT %e", inner);
    return lower_format(lo, truth ? "%e = 1" : "%e = 0", inner);
}

static Expr *lower_exists(Lowering *lo, Element *element) {
    Element *inner = element->children[0];
    while (inner->kind == EL_SCALAR_SELECT || inner->kind == EL_SELECT_GROUPING || inner->kind == EL_GROUPING)
        inner = inner->children[0];
    Query *query = lower_statement(lo, inner, false, false);
    if (!query) return NULL;
    Expr *exists = expr_new(lo->arena, EXPR_EXISTS, SQL_BOOLEAN);
    exists->as.query.query = query;
    return exists;
}

Expr *lower_unary(Lowering *lo, Element *element, Flags flags) {
    const OperatorElement *unary = OPERATOR(element);
    if (unary->op.id == SA_IS_TRUE) return lower_truth(lo, element, true, flags);
    if (unary->op.id == SA_IS_FALSE) return lower_truth(lo, element, false, flags);
    if (unary->op.id == SA_EXISTS) return lower_exists(lo, element);
    Expr *inner = lower_expr(lo, element->children[0], flags);
    if (!inner) return NULL;
    if (unary->modifier.id != SA_NONE)
        return lower_format(lo, "%e%s", inner, operator_rows[unary->modifier.id].spelling);
    if (unary->op.id == SA_INV) return expr_not(lo->arena, inner);
    return lower_format(lo, "%s%e", operator_rows[unary->op.id].spelling, inner);
}
