/*
 * Lowering of column expressions: one case a kind of element.
 *
 * Input: an element and the flags of its place. Output: an Expr, NULL where the dialect can't say it (raised).
 * Invariants: parentheses come from GROUPING elements; nothing is simplified here. One bind is one Param, so that a
 * repeated expression repeats its number.
 * Example: LABEL foo (a + 1) in ORDER BY, when the columns clause has it, is the name foo.
 */
#include "compiler/sqlalchemy/lower.h"

enum { LOWER_DEPTH = 500 };

void lowering_init(Lowering *lo, Evaluator *ev) {
    *lo = (Lowering){.ev = ev, .arena = evaluator_arena(ev), .dialect = evaluator_dialect(ev)};
}

/* ---- fixed text with holes ---- */

Expr *lower_text_expr(Lowering *lo, Slice text) {
    Expr *raw = expr_new(lo->arena, EXPR_RAW, SQL_UNKNOWN);
    raw->as.raw.texts = ARENA_ARRAY(lo->arena, Slice, 1);
    raw->as.raw.texts[0] = text;
    return raw;
}

static void raw_hole(Lowering *lo, Expr *raw, Slice *pieces, Buffer *text, Expr *hole) {
    pieces[raw->args.count] = slice_copy(lo->arena, buffer_view(text));
    text->length = 0;
    expr_list_push(lo->arena, &raw->args, hole);
}

Expr *lower_format(Lowering *lo, const char *format, ...) {
    Expr *raw = expr_new(lo->arena, EXPR_RAW, SQL_UNKNOWN);
    Slice *pieces = ARENA_ARRAY(lo->arena, Slice, strlen(format) + 1);
    Buffer text;
    buffer_init(&text, lo->arena);
    va_list arguments;
    va_start(arguments, format);
    for (const char *at = format; *at; at++) {
        if (*at != '%') {
            buffer_put(&text, *at);
            continue;
        }
        at++;
        if (*at == 'e') raw_hole(lo, raw, pieces, &text, va_arg(arguments, Expr *));
        else if (*at == 's') buffer_text(&text, va_arg(arguments, const char *));
        else if (*at == 'S') buffer_slice(&text, va_arg(arguments, Slice));
        else buffer_put(&text, *at);
    }
    va_end(arguments);
    pieces[raw->args.count] = slice_copy(lo->arena, buffer_view(&text));
    raw->as.raw.texts = pieces;
    return raw;
}

bool lower_list(Lowering *lo, Element *const *items, int count, Flags flags, ExprList *out) {
    for (int i = 0; i < count; i++) {
        Expr *expr = lower_expr(lo, items[i], flags);
        if (!expr) return false;
        expr_list_push(lo->arena, out, expr);
    }
    return true;
}

static Expr *lower_joined(Lowering *lo, Element *const *items, int count, Flags flags) {
    Expr *list = expr_new(lo->arena, EXPR_LIST, SQL_UNKNOWN);
    return lower_list(lo, items, count, flags, &list->args) ? list : NULL;
}

/* ---- literals and binds ---- */

static Expr *lower_literal(Lowering *lo, Value *value, const SaType *type, const Node *site) {
    Param param = {0};
    if (!type_bind(lo->ev, type, value, lo->dialect, &param, site)) return NULL;
    if (param.source != PARAM_KNOWN) {
        Param *kept = ARENA_NEW(lo->arena, Param);
        *kept = param;
        return expr_param(lo->arena, kept);
    }
    Expr *literal = expr_new(lo->arena, param.value.kind == LITERAL_NULL ? EXPR_NULL : EXPR_LITERAL, param.type);
    literal->as.literal = param.value;
    return literal;
}

Expr *lower_string_literal(Lowering *lo, Slice text) {
    Expr *literal = expr_new(lo->arena, EXPR_LITERAL, SQL_TEXT);
    literal->as.literal = (Literal){.kind = LITERAL_TEXT, .text = text};
    return literal;
}

static Expr *bind_value(Lowering *lo, Value *value, const SaType *type, bool literal, const Node *site) {
    if (literal) return lower_literal(lo, value, type, site);
    Param *param = ARENA_NEW(lo->arena, Param);
    if (!type_bind(lo->ev, type, value, lo->dialect, param, site)) return NULL;
    return expr_param(lo->arena, param);
}

static Expr *empty_set(Lowering *lo, const BindElement *bind) {
    int width = bind->base.type->kind == TYPE_TUPLE ? bind->base.type->item_count : 1;
    bool sqlite = lo_is(lo, DIALECT_SQLITE);
    Buffer list;
    buffer_init(&list, lo->arena);
    for (int i = 0; i < width; i++) buffer_format(&list, "%s%s", i ? ", " : "", sqlite ? "1" : "NULL");
    Slice items = buffer_view(&list);
    if (sqlite) return lower_format(lo, "(SELECT %S FROM (SELECT %S) WHERE 1!=1)", items, items);
    const char *rest = bind->expand_op == SA_NOT_IN ? ") OR (1 = 1" : ") AND (1 != 1";
    if (width > 1) return lower_format(lo, "((%S)%s)", items, rest);
    return lower_format(lo, "(%S%s)", items, rest);
}

static bool is_row(const Value *value) { return value_is(value, VALUE_TUPLE) || value_is(value, VALUE_LIST); }

static Expr *expand_row(Lowering *lo, const BindElement *bind, const ListValue *row, bool literal) {
    Expr *tuple = expr_new(lo->arena, EXPR_TUPLE, SQL_UNKNOWN);
    const SaType *type = bind->base.type;
    for (int i = 0; i < row->count; i++) {
        const SaType *item = i < type->item_count ? type->items[i] : type_of_literal(lo->ev, row->items[i]);
        Expr *cell = bind_value(lo, row->items[i], item, literal, bind->base.node);
        if (!cell) return NULL;
        expr_list_push(lo->arena, &tuple->args, cell);
    }
    return tuple;
}

/* A bind that stands for a list: one placeholder a value. */
static Expr *lower_expanding(Lowering *lo, const BindElement *bind, bool literal) {
    Value *value = bind->value;
    if (!value || value_is_unknown(value) || !is_row(value)) {
        Param *param = ARENA_NEW(lo->arena, Param);
        if (value && !type_bind(lo->ev, bind->base.type, value, lo->dialect, param, bind->base.node)) return NULL;
        if (!value)
            param->source = PARAM_NAMED, param->name = bind->base.name.text,
            param->type = type_sql(lo->ev, bind->base.type);
        if (param->source == PARAM_NAMED) param->expand = true;
        return lower_format(lo, "(%e)", expr_param(lo->arena, param));
    }
    const ListValue *list = (const ListValue *)value;
    if (!list->count) return empty_set(lo, bind);
    bool rows = bind->base.type->kind == TYPE_TUPLE || (bind->base.type->kind == TYPE_NULL && is_row(list->items[0]));
    Expr *all = expr_new(lo->arena, EXPR_LIST, SQL_UNKNOWN);
    for (int i = 0; i < list->count; i++) {
        Expr *item = rows && is_row(list->items[i])
                         ? expand_row(lo, bind, (const ListValue *)list->items[i], literal)
                         : bind_value(lo, list->items[i], bind->base.type, literal, bind->base.node);
        if (!item) return NULL;
        expr_list_push(lo->arena, &all->args, item);
    }
    return lower_format(lo, rows && lo_is(lo, DIALECT_SQLITE) ? "(VALUES %e)" : "(%e)", all);
}

static Slice bind_key(Lowering *lo, const BindElement *bind) {
    if (bind->unique) return slice_format(lo->arena, "\1%u", bind->base.id);
    return bind->base.name.text;
}

/* PostgreSQL's typed binds carry the collation of their type. */
static void bind_collation(Lowering *lo, const SaType *type, Param *param) {
    if (!lo_is(lo, DIALECT_POSTGRESQL) || type->affinity != TYPE_STRING || !type->collation.length || type->length > 0)
        return;
    param->cast = slice_format(lo->arena, "::VARCHAR COLLATE \"%.*s\"", SLICE_ARGS(type->collation));
}

Expr *lower_bind(Lowering *lo, Element *element, Flags flags) {
    const BindElement *bind = BIND(element);
    const SaType *type = element->type;
    if (type->kind == TYPE_NULL && flags.upsert_type) type = flags.upsert_type->type;
    bool literal = flags.literal_binds || bind->literal_execute;
    if (!flags.literal_binds && bind->unique) lower_name(lo, element->name);
    if (bind->expanding) return lower_expanding(lo, bind, literal);
    if (literal && bind->value) return lower_literal(lo, bind->value, type, element->node);
    Slice key = bind_key(lo, bind);
    Expr *seen = slice_map_get(&lo->binds, key);
    if (seen) return seen;
    Param *param = ARENA_NEW(lo->arena, Param);
    if (bind->value) {
        if (!type_bind(lo->ev, type, bind->value, lo->dialect, param, element->node)) return NULL;
    } else {
        param->source = PARAM_NAMED;
        param->name = name_plain(lo->ev, element->name);
        param->type = type_sql(lo->ev, type);
    }
    bind_collation(lo, type, param);
    Expr *made = expr_param(lo->arena, param);
    slice_map_add(&lo->binds, lo->arena, key, made);
    return made;
}

/* ---- columns ---- */

static bool table_is_named(const Element *table) { return table->kind != EL_JOIN && table->kind != EL_FROM_GROUPING; }

static Expr *lower_column(Lowering *lo, Element *element, Flags flags) {
    const ColumnElement *column = COLUMN(element);
    if (!element->name.text.length)
        return sa_raise(lo->ev, SA_COMPILE_ERROR, element->node,
                        "Cannot compile Column object until its 'name' is assigned.");
    Element *table = column->table;
    bool qualified = table && table_is_named(table) && !flags.no_table && !column->is_whole_row;
    if (qualified && table->kind == EL_VALUES && !table->name.text.length) qualified = false;
    Slice name = lower_name(lo, element->name);
    Relation *relation = NULL;
    if (qualified && !(relation = lower_relation(lo, table))) return NULL;
    if (column->is_literal) {
        if (!qualified) return lower_text_expr(lo, element->name.text);
        Expr *whole = expr_column(lo->arena, relation, element->name.text, SQL_UNKNOWN);
        whole->as.column.quoting = QUOTING_NEVER;
        return whole;
    }
    Expr *made = expr_column(lo->arena, relation, name, type_sql(lo->ev, element->type));
    made->as.column.bare = !relation;
    made->as.column.quoting = name_quoting(element->name);
    return made;
}

static Slice quoted_text(Lowering *lo, Name name) {
    Buffer out;
    buffer_init(&out, lo->arena);
    sa_write_name(&out, lo->dialect, name);
    return buffer_view(&out);
}

/* ---- labels in ORDER BY and the like ---- */

static Element *modified_label(Element *element) {
    while (element->kind == EL_UNARY && OPERATOR(element)->modifier.id != SA_NONE) element = element->children[0];
    return element->kind == EL_LABEL ? element : NULL;
}

static bool selected_label(Lowering *lo, const Element *label) {
    if (!lo->level || !lo->level->statement) return false;
    if (lo->level->statement->kind != EL_SELECT) {
        ElementList first = {0};
        select_columns(lo->ev, lo->level->statement, &first);
        for (int i = 0; i < first.count; i++)
            if (first.items[i]->kind == EL_LABEL && name_equals(first.items[i]->name, label->name)) return true;
        return false;
    }
    ElementList columns = {0};
    select_columns(lo->ev, lo->level->statement, &columns);
    const Element *found = NULL;
    for (int i = 0; i < columns.count; i++) {
        Name key;
        if (columns.items[i]->kind == EL_TEXT) continue;
        if (!column_table_label(lo->ev, columns.items[i], &key) && !column_proxy_key(lo->ev, columns.items[i], &key))
            continue;
        if (name_equals(key, label->name)) found = columns.items[i];
    }
    return found && column_shares_lineage(found, label);
}

static Expr *lower_label_reference(Lowering *lo, Element *element, Flags flags) {
    Element *label = modified_label(element->children[0]);
    if (label && selected_label(lo, label)) flags.label_as_label = label;
    return lower_expr(lo, element->children[0], flags);
}

static bool key_is(Lowering *lo, const Element *column, Slice text) {
    Name key = {0};
    if (column->kind == EL_TEXT || column->kind == EL_TEXT_LABEL_REFERENCE) return false;
    bool has = column_table_label(lo->ev, column, &key) || column_proxy_key(lo->ev, column, &key);
    return has && slice_equals(key.text, text);
}

/* order_by("name"): a selected column's label or name, else a column of FROM. */
static Element *find_by_name(Lowering *lo, Slice text) {
    const Level *level = lo->level;
    Element *found = NULL;
    ElementList columns = {0};
    select_columns(lo->ev, level->statement, &columns);
    bool compound = level->statement->kind != EL_SELECT;
    for (int i = 0; i < columns.count; i++) {
        Name key = {0};
        bool match = compound ? column_proxy_key(lo->ev, columns.items[i], &key) && slice_equals(key.text, text)
                              : key_is(lo, columns.items[i], text);
        if (match) found = columns.items[i];
    }
    if (found || compound || !level->state) return found;
    for (int i = 0; i < level->state->froms.count; i++) {
        Element *from = level->state->froms.items[i];
        if (!element_is_from(from)) continue;
        const ElementList *of_from = from_columns(lo->ev, from);
        for (int k = 0; k < of_from->count; k++)
            if (slice_equals(COLUMN(of_from->items[k])->key.text, text)) found = of_from->items[k];
    }
    return found;
}

static Expr *lower_text_label(Lowering *lo, Element *element, Flags flags) {
    Slice text = element->name.text;
    if (!lo->level || !lo->level->statement) return lower_text_expr(lo, text);
    Element *found = find_by_name(lo, text);
    if (!found)
        return sa_raise(
            lo->ev, SA_COMPILE_ERROR, element->node,
            "Can't resolve label reference for ORDER BY / GROUP BY / DISTINCT etc. Textual SQL expression '%.*s' "
            "should be explicitly declared as text('%.*s')",
            SLICE_ARGS(text), SLICE_ARGS(text));
    if (lo->level->statement->kind != EL_SELECT && found->kind != EL_LABEL) {
        Name key = {0};
        column_proxy_key(lo->ev, found, &key);
        Expr *name =
            expr_column(lo->arena, NULL, lower_name(lo, found->kind == EL_COLUMN ? found->name : key), SQL_UNKNOWN);
        name->as.column.bare = true;
        return name;
    }
    flags.label_as_label = found;
    return lower_expr(lo, found, flags);
}

static Expr *lower_label(Lowering *lo, Element *element, Flags flags) {
    if (flags.label_as_label == element) {
        Expr *name = expr_column(lo->arena, NULL, lower_name(lo, element->name), type_sql(lo->ev, element->type));
        name->as.column.bare = true;
        name->as.column.quoting = name_quoting(element->name);
        return name;
    }
    Element *inner = element_group(lo->ev, element->children[0], SA_AS);
    bool written = flags.columns_clause && !flags.label_clause;
    Slice name = written ? lower_name(lo, element->name) : (Slice){"", 0};
    flags.columns_clause = false;
    Expr *made = lower_expr(lo, inner, flags);
    if (!made || !written) return made;
    return lower_format(lo, "%e AS %S", made, quoted_text(lo, (Name){.text = name, .quote = element->name.quote}));
}

/* ---- text() ---- */

static bool is_word(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || (c & 0x80);
}

static Expr *text_bind(Lowering *lo, const TextElement *text, Slice name, Flags flags) {
    for (int i = text->binds.count - 1; i >= 0; i--)
        if (slice_equals(text->binds.items[i]->name.text, name)) return lower_bind(lo, text->binds.items[i], flags);
    Element *bind = element_bind(lo->ev, name, NULL, NULL);
    bind->node = text->base.node;
    return lower_bind(lo, bind, flags);
}

/* ":name" is a bind unless it follows a colon, a word or a backslash, or a colon follows it. */
static Expr *lower_text(Lowering *lo, Element *element, Flags flags) {
    const TextElement *text = (const TextElement *)element;
    Slice source = text->text;
    Expr *raw = expr_new(lo->arena, EXPR_RAW, SQL_UNKNOWN);
    Slice *pieces = ARENA_ARRAY(lo->arena, Slice, source.length + 1);
    Buffer piece;
    buffer_init(&piece, lo->arena);
    for (size_t i = 0; i < source.length; i++) {
        char c = source.start[i], before = i ? source.start[i - 1] : ' ';
        if (c == '\\' && i + 1 < source.length && source.start[i + 1] == ':') {
            size_t end = i + 2;
            while (end < source.length && is_word(source.start[end])) end++;
            if (end >= source.length || source.start[end] != ':') {
                buffer_slice(&piece, slice_sub(source, i + 1, end));
                i = end - 1;
                continue;
            }
        }
        size_t end = i + 1;
        while (end < source.length && is_word(source.start[end])) end++;
        bool bind = c == ':' && end > i + 1 && before != ':' && before != '\\' && !is_word(before) &&
                    (end >= source.length || source.start[end] != ':');
        if (!bind) {
            buffer_put(&piece, c);
            continue;
        }
        Expr *hole = text_bind(lo, text, slice_sub(source, i + 1, end), flags);
        if (!hole) return NULL;
        raw_hole(lo, raw, pieces, &piece, hole);
        i = end - 1;
    }
    pieces[raw->args.count] = slice_copy(lo->arena, buffer_view(&piece));
    raw->as.raw.texts = pieces;
    return raw;
}

/* ---- constructs ---- */

static Expr *lower_case(Lowering *lo, Element *element, Flags flags) {
    const CaseElement *given = (const CaseElement *)element;
    Expr *made = expr_new(lo->arena, EXPR_CASE, type_sql(lo->ev, element->type));
    made->as.cased.has_operand = given->has_value;
    made->as.cased.has_else = given->has_else;
    return lower_list(lo, element->children, element->count, flags, &made->args) ? made : NULL;
}

/* Whether MySQL's CAST has a target for the type; the cast is left out otherwise. */
static bool mysql_casts(Lowering *lo, const SaType *type) {
    Buffer name;
    buffer_init(&name, lo->arena);
    return type_write_mysql_cast(lo->ev, &name, type, lo->dialect, NULL) && name.length;
}

static Expr *lower_cast(Lowering *lo, Element *element, Flags flags) {
    Buffer name;
    buffer_init(&name, lo->arena);
    if (slice_equals_text(element->name.text, "TRY_CAST"))
        return sa_raise(lo->ev, SA_UNSUPPORTED_COMPILATION_ERROR, element->node, "this dialect has no TRY_CAST");
    if (lo_mysql(lo)) {
        if (!type_write_mysql_cast(lo->ev, &name, element->type, lo->dialect, element->node)) return NULL;
        if (!name.length && !type_write(lo->ev, &name, element->type, lo->dialect, element->node)) return NULL;
        if (!mysql_casts(lo, element->type))
            return lower_expr(lo, element_group_op(lo->ev, element->children[0], op_of(SA_NONE)), flags);
    } else if (!type_write(lo->ev, &name, element->type, lo->dialect, element->node)) {
        return NULL;
    }
    Expr *inner = lower_expr(lo, element->children[0], flags);
    if (!inner) return NULL;
    Slice type = buffer_view(&name), collate = {"", 0};
    for (size_t i = 0; i + 9 <= type.length; i++)
        if (memcmp(type.start + i, " COLLATE ", 9) == 0) {
            collate = slice_sub(type, i, type.length);
            type = slice_sub(type, 0, i);
            break;
        }
    Expr *made = lower_format(lo, "CAST(%e AS %S)%S", inner, type, collate);
    made->type = type_sql(lo->ev, element->type);
    return made;
}

static Expr *lower_extract(Lowering *lo, Element *element, Flags flags) {
    static const char *const sqlite[][2] = {{"month", "%m"},
                                            {"day", "%d"},
                                            {"year", "%Y"},
                                            {"second", "%S"},
                                            {"hour", "%H"},
                                            {"doy", "%j"},
                                            {"minute", "%M"},
                                            {"epoch", "%s"},
                                            {"dow", "%w"},
                                            {"week", "%W"},
                                            {"quarter", "quarter"},
                                            {"milliseconds", "milliseconds"},
                                            {"microseconds", "microseconds"},
                                            {"timezone_hour", "timezone_hour"},
                                            {"timezone_minute", "timezone_minute"}};
    Slice field = ((const ExtractElement *)element)->field;
    Expr *inner = lower_expr(lo, element->children[0], flags);
    if (!inner) return NULL;
    if (!lo_is(lo, DIALECT_SQLITE)) {
        if (lo_mysql(lo) && slice_equals_text(field, "milliseconds")) field = SLICE("millisecond");
        return lower_format(lo, "EXTRACT(%S FROM %e)", field, inner);
    }
    for (size_t i = 0; i < sizeof sqlite / sizeof *sqlite; i++)
        if (slice_equals_text(field, sqlite[i][0]))
            return lower_format(lo, "CAST(STRFTIME('%s', %e) AS INTEGER)", sqlite[i][1], inner);
    return sa_raise(lo->ev, SA_COMPILE_ERROR, element->node, "%.*s is not a valid extract argument.",
                    SLICE_ARGS(field));
}

static Expr *unsupported(Lowering *lo, const Element *element) {
    return sa_raise(lo->ev, SA_UNSUPPORTED_COMPILATION_ERROR, element->node,
                    "Compiler for dialect %s can't render element of type %.*s", lo->dialect->name,
                    SLICE_ARGS(element->head.head.cls->name->text));
}

static Expr *lower_array(Lowering *lo, Element *element, Flags flags) {
    if (!lo_is(lo, DIALECT_POSTGRESQL)) return unsupported(lo, element);
    if (!element->count && element->type->item && element->type->item->kind != TYPE_NULL) {
        Buffer name;
        buffer_init(&name, lo->arena);
        if (!type_write(lo->ev, &name, element->type, lo->dialect, element->node)) return NULL;
        return lower_format(lo, "ARRAY[]::%S", buffer_view(&name));
    }
    Expr *array = expr_new(lo->arena, EXPR_ARRAY, SQL_ARRAY);
    return lower_list(lo, element->children, element->count, flags, &array->args) ? array : NULL;
}

static Expr *lower_slice(Lowering *lo, Element *element, Flags flags) {
    if (!lo_is(lo, DIALECT_POSTGRESQL)) return unsupported(lo, element);
    Expr *from = lower_expr(lo, element->children[0], flags);
    Expr *to = from ? lower_expr(lo, element->children[1], flags) : NULL;
    return to ? lower_format(lo, "%e:%e", from, to) : NULL;
}

static Expr *lower_aggregate_order(Lowering *lo, Element *element, Flags flags) {
    if (!lo_is(lo, DIALECT_POSTGRESQL)) return unsupported(lo, element);
    Expr *target = lower_expr(lo, element->children[0], flags);
    Expr *order = target ? lower_joined(lo, element->children + 1, element->count - 1, flags) : NULL;
    return order ? lower_format(lo, "%e ORDER BY %e", target, order) : NULL;
}

static Expr *lower_scalar_select(Lowering *lo, Element *element, Flags flags) {
    (void)flags;
    Element *inner = element->children[0];
    while (inner->kind == EL_SELECT_GROUPING) inner = inner->children[0];
    if (inner->kind == EL_VALUES) {
        Query *rows = query_new(lo->arena, QUERY_VALUES);
        if (!lower_value_rows(lo, inner, rows)) return NULL;
        return expr_subquery(lo->arena, rows, SQL_UNKNOWN);
    }
    Query *query = lower_statement(lo, inner, false, false);
    return query ? expr_subquery(lo->arena, query, type_sql(lo->ev, element->type)) : NULL;
}

static Expr *lower_sequence(Lowering *lo, Element *element) {
    const Sequence *sequence = ((const SequenceElement *)element)->sequence;
    Slice name = quoted_text(lo, sequence->name);
    if (sequence->schema.text.length)
        name = slice_format(lo->arena, "%.*s.%.*s", SLICE_ARGS(quoted_text(lo, sequence->schema)), SLICE_ARGS(name));
    if (lo_is(lo, DIALECT_POSTGRESQL)) return lower_format(lo, "nextval(%e)", lower_string_literal(lo, name));
    if (lo_is(lo, DIALECT_MARIADB) || lo_mysql(lo)) return lower_format(lo, "nextval(%S)", name);
    return evaluator_raise_id(lo->ev, EXCEPTION_NOT_IMPLEMENTED, element->node,
                              "Dialect '%s' does not support sequence increments.", lo->dialect->name);
}

static Expr *lower_function_column(Lowering *lo, Element *element, Flags flags) {
    Expr *function = lower_expr(lo, element->children[0], flags);
    return function ? lower_format(lo, "(%e).%S", function, quoted_text(lo, element->name)) : NULL;
}

static Expr *lower_group(Lowering *lo, Element *element, Flags flags) {
    Element *inner = element->children[0];
    Expr *expr = lower_expr(lo, inner, flags);
    return expr ? expr_group(lo->arena, expr) : NULL;
}

static Expr *lower_filter(Lowering *lo, Element *element, Flags flags) {
    Expr *function = lower_expr(lo, element->children[0], flags);
    Expr *criterion = function ? lower_expr(lo, element->children[1], flags) : NULL;
    return criterion ? lower_format(lo, "%e FILTER (WHERE %e)", function, criterion) : NULL;
}

static Expr *lower_within_group(Lowering *lo, Element *element, Flags flags) {
    Expr *function = lower_expr(lo, element->children[0], flags);
    Expr *order = function ? lower_joined(lo, element->children + 1, element->count - 1, flags) : NULL;
    return order ? lower_format(lo, "%e WITHIN GROUP (ORDER BY %e)", function, order) : NULL;
}

static Expr *lower_tuple(Lowering *lo, Element *element, Flags flags) {
    Expr *tuple = expr_new(lo->arena, EXPR_TUPLE, SQL_UNKNOWN);
    return lower_list(lo, element->children, element->count, flags, &tuple->args) ? tuple : NULL;
}

static Expr *lower_collation(Lowering *lo, Element *element) {
    Name name = element->name;
    return lower_text_expr(lo, quoted_text(lo, name));
}

/* FROM clauses where an expression may stand: a table's whole row, the name of an alias. */
static Expr *lower_from_name(Lowering *lo, Element *element) {
    Relation *relation = lower_relation(lo, element);
    if (!relation) return NULL;
    Expr *name = expr_column(lo->arena, NULL, relation->alias.length ? relation->alias : relation->name, SQL_UNKNOWN);
    name->as.column.bare = true;
    return name;
}

static Expr *lower_nested_select(Lowering *lo, Element *element, Flags flags) {
    return lower_scalar_select(lo, element->kind == EL_SCALAR_SELECT ? element : element_scalar_select(lo->ev, element),
                               flags);
}

static Expr *lower_boolean(Lowering *lo, bool value) {
    Expr *made = expr_new(lo->arena, EXPR_BOOLEAN, SQL_BOOLEAN);
    made->as.number = value;
    return made;
}

static Expr *lower_kind(Lowering *lo, Element *element, Flags flags) {
    switch (element->kind) {
    case EL_COLUMN: return lower_column(lo, element, flags);
    case EL_BIND: return lower_bind(lo, element, flags);
    case EL_NULL: return expr_new(lo->arena, EXPR_NULL, SQL_UNKNOWN);
    case EL_TRUE:
    case EL_FALSE: return lower_boolean(lo, element->kind == EL_TRUE);
    case EL_TEXT: return lower_text(lo, element, flags);
    case EL_LABEL: return lower_label(lo, element, flags);
    case EL_UNARY:
    case EL_COLLECTION_AGGREGATE:
    case EL_AS_BOOLEAN: return lower_unary(lo, element, flags);
    case EL_BINARY:
    case EL_MATCH: return lower_binary(lo, element, flags);
    case EL_OPERATOR_LIST: return lower_operator_list(lo, element, flags);
    case EL_CLAUSE_LIST: return lower_joined(lo, element->children, element->count, flags);
    case EL_TUPLE: return lower_tuple(lo, element, flags);
    case EL_GROUPING: return lower_group(lo, element, flags);
    case EL_FUNCTION: return lower_function(lo, element, flags);
    case EL_CASE: return lower_case(lo, element, flags);
    case EL_CAST: return lower_cast(lo, element, flags);
    case EL_TYPE_COERCE: return lower_expr(lo, element->children[0], flags);
    case EL_EXTRACT: return lower_extract(lo, element, flags);
    case EL_OVER: return lower_over(lo, element, flags);
    case EL_WITHIN_GROUP: return lower_within_group(lo, element, flags);
    case EL_FUNCTION_FILTER: return lower_filter(lo, element, flags);
    case EL_SLICE: return lower_slice(lo, element, flags);
    case EL_COLLATION: return lower_collation(lo, element);
    case EL_ARRAY: return lower_array(lo, element, flags);
    case EL_AGGREGATE_ORDER_BY: return lower_aggregate_order(lo, element, flags);
    case EL_SCALAR_SELECT:
    case EL_SELECT:
    case EL_COMPOUND:
    case EL_TEXTUAL_SELECT:
    case EL_SELECT_GROUPING: return lower_nested_select(lo, element, flags);
    case EL_SEQUENCE: return lower_sequence(lo, element);
    case EL_FUNCTION_COLUMN: return lower_function_column(lo, element, flags);
    case EL_LABEL_REFERENCE: return lower_label_reference(lo, element, flags);
    case EL_TEXT_LABEL_REFERENCE: return lower_text_label(lo, element, flags);
    case EL_TABLE:
    case EL_ALIAS:
    case EL_SUBQUERY:
    case EL_CTE:
    case EL_LATERAL:
    case EL_TABLESAMPLE:
    case EL_TABLE_VALUED:
    case EL_VALUES:
    case EL_JOIN:
    case EL_FROM_GROUPING: return lower_from_name(lo, element);
    case EL_ENTITY:
    case EL_ORM:
    case EL_INSERT:
    case EL_UPDATE:
    case EL_DELETE:
    case EL_DDL: return unsupported(lo, element);
    case ELEMENT_KIND_COUNT: break;
    }
    return NULL;
}

Expr *lower_expr(Lowering *lo, Element *element, Flags flags) {
    if (lo->depth > LOWER_DEPTH)
        return evaluator_raise_id(lo->ev, EXCEPTION_LIMIT, element->node, "the expression is nested too deeply");
    lo->depth++;
    Expr *made = lower_kind(lo, element, flags);
    lo->depth--;
    if (made && element->node && !made->span.source) made->span = evaluator_span(lo->ev, element->node);
    return made;
}
