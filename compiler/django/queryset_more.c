/*
 * Methods of QuerySet that are made of others: dates(), explain(); and extra(), raw().
 */
#include "compiler/django/django.h"
#include "compiler/django/fetch.h"
#include "compiler/django/queryset.h"

static Value *call(Evaluator *ev, Value *self, const char *method, const Arguments *arguments) {
    Value *bound = value_get_attribute(ev, self, atom_intern_text(evaluator_atoms(ev), method), arguments->site);
    return bound ? value_call(ev, bound, arguments) : NULL;
}

static Value *call_with_text(Evaluator *ev, Value *self, const char *method, Slice text, const Keyword *keyword,
                             const Node *site) {
    Value *items[1] = {value_string(ev, text)};
    const Node *nodes[1] = {site};
    Keyword keywords[1];
    Arguments arguments = {.items = items, .nodes = nodes, .count = 1, .site = site};
    if (keyword) {
        keywords[0] = *keyword;
        arguments.keywords = keywords;
        arguments.keyword_count = 1;
    }
    return call(ev, self, method, &arguments);
}

Value *dj_dates_queryset(Evaluator *ev, Value *self, const Arguments *annotations, const char *alias, bool descending) {
    const Node *site = annotations->site;
    Keyword flat = {atom_intern_text(evaluator_atoms(ev), "flat"), value_bool(ev, true), site};
    Keyword not_null = {atom_intern_text(evaluator_atoms(ev), "plain_field__isnull"), value_bool(ev, false), site};
    Arguments none = {.site = site}, filter = {.site = site, .keywords = &not_null, .keyword_count = 1};
    Value *queryset = call(ev, self, "annotate", annotations);
    if (queryset) queryset = call_with_text(ev, queryset, "values_list", slice_from(alias), &flat, site);
    if (queryset) queryset = call(ev, queryset, "distinct", &none);
    if (queryset) queryset = call(ev, queryset, "filter", &filter);
    if (!queryset) return NULL;
    Slice order = slice_format(evaluator_arena(ev), "%s%s", descending ? "-" : "", alias);
    return call_with_text(ev, queryset, "order_by", order, NULL, site);
}

/* ---- explain ---- */

static bool refuse_explain(Evaluator *ev, const Keyword *keyword, const char *what) {
    return evaluator_raise(ev, evaluator_exception(ev, EXCEPTION_VALUE), evaluator_keyword_span(ev, keyword),
                           "%s: %.*s", what, SLICE_ARGS(keyword->name->text)) != NULL;
}

static Slice upper(Evaluator *ev, Slice text) {
    Slice copy = slice_copy(evaluator_arena(ev), text);
    char *bytes = (char *)(uintptr_t)copy.start;
    for (size_t i = 0; i < copy.length; i++)
        if (bytes[i] >= 'a' && bytes[i] <= 'z') bytes[i] = (char)(bytes[i] - 32);
    return copy;
}

static bool explain_format_known(const Dialect *dialect, Slice format) {
    static const char *const postgresql[] = {"JSON", "TEXT", "XML", "YAML"};
    static const char *const mysql[] = {"JSON", "TEXT", "TRADITIONAL", "TREE"};
    if (dialect->id == DIALECT_SQLITE) return false;
    const char *const *names = dialect->is_mysql ? mysql : postgresql;
    int count = dialect->id == DIALECT_MARIADB ? 3 : 4;
    for (int i = 0; i < count; i++)
        if (slice_equals_text(format, names[i])) return dialect->id != DIALECT_MARIADB || i == 0 || i == 2 || i == 1;
    return false;
}

static bool explain_option_known(Slice name) {
    static const char *const options[] = {"ANALYZE",   "BUFFERS", "COSTS",  "GENERIC_PLAN", "MEMORY", "SETTINGS",
                                          "SERIALIZE", "SUMMARY", "TIMING", "VERBOSE",      "WAL"};
    for (size_t i = 0; i < sizeof options / sizeof *options; i++)
        if (slice_equals_text(name, options[i])) return true;
    return false;
}

bool dj_explain_prefix(Evaluator *ev, const Arguments *arguments, Slice *prefix) {
    const Dialect *dialect = evaluator_dialect(ev);
    Buffer options;
    buffer_init(&options, evaluator_arena(ev));
    Value *format = arguments->count ? arguments->items[0] : NULL;
    bool analyze = false;
    for (int i = 0; i < arguments->keyword_count; i++) {
        const Keyword *keyword = &arguments->keywords[i];
        if (slice_equals_text(keyword->name->text, "format")) {
            format = keyword->value;
            continue;
        }
        if (dialect->id == DIALECT_SQLITE) return refuse_explain(ev, keyword, "Unknown options");
        analyze |= slice_equals_text(keyword->name->text, "analyze") && value_is_true(keyword->value);
        if (!dialect->is_mysql && !explain_option_known(upper(ev, keyword->name->text)))
            return refuse_explain(ev, keyword, "Unknown options");
        if (!dialect->is_mysql)
            buffer_format(&options, "%s%.*s %s", options.length ? ", " : "", SLICE_ARGS(upper(ev, keyword->name->text)),
                          value_is_true(keyword->value) ? "true" : "false");
        else if (!slice_equals_text(keyword->name->text, "analyze"))
            return refuse_explain(ev, keyword, "Unknown options");
    }
    Slice name = {0};
    if (format && value_is(format, VALUE_STRING)) {
        name = value_text(format);
        if (!explain_format_known(dialect, upper(ev, name)))
            return evaluator_raise_id(ev, EXCEPTION_VALUE, arguments->site, "%.*s is not a recognized format.",
                                      SLICE_ARGS(upper(ev, name))) != NULL;
        if (dialect->is_mysql && slice_equals_text(upper(ev, name), "TEXT")) name = SLICE("TRADITIONAL");
    }
    if (dialect->id == DIALECT_SQLITE) {
        *prefix = SLICE("EXPLAIN QUERY PLAN");
        return true;
    }
    if (dialect->is_mysql) {
        bool maria = dialect->id == DIALECT_MARIADB;
        if (!name.length && !analyze) *prefix = SLICE("EXPLAIN");
        else if (analyze && maria)
            *prefix = name.length ? slice_format(evaluator_arena(ev), "ANALYZE FORMAT=%.*s", SLICE_ARGS(name))
                                  : SLICE("ANALYZE");
        else
            *prefix = slice_format(evaluator_arena(ev), "EXPLAIN%s%s%.*s", analyze ? " ANALYZE" : "",
                                   name.length ? " FORMAT=" : "", SLICE_ARGS(name));
        return true;
    }
    if (name.length) buffer_format(&options, "%sFORMAT %.*s", options.length ? ", " : "", SLICE_ARGS(name));
    *prefix = options.length ? slice_format(evaluator_arena(ev), "EXPLAIN (%.*s)", (int)options.length, options.data)
                             : SLICE("EXPLAIN");
    return true;
}

bool dj_constraint_is_unique(Evaluator *ev, Value *constraint, DjField *field) {
    Atom fields = atom_intern_text(evaluator_atoms(ev), "fields"),
         condition = atom_intern_text(evaluator_atoms(ev), "condition");
    Value *names = value_find_attribute(ev, constraint, fields, NULL),
          *only_if = value_find_attribute(ev, constraint, condition, NULL);
    evaluator_clear_error(ev);
    if (!names || (only_if && !value_is_none(only_if)) ||
        !(value_is(names, VALUE_TUPLE) || value_is(names, VALUE_LIST)))
        return false;
    const ListValue *list = (const ListValue *)names;
    return list->count == 1 && value_is(list->items[0], VALUE_STRING) &&
           slice_equals(value_text(list->items[0]), field->name->text);
}

/* ---- extra ---- */

static int list_items(Value *value, Value ***items) {
    if (!value || value_is_none(value)) return 0;
    if (!value_is(value, VALUE_LIST) && !value_is(value, VALUE_TUPLE)) return 0;
    *items = ((ListValue *)value)->items;
    return ((ListValue *)value)->count;
}

static int text_items(Evaluator *ev, Value *value, Slice **texts) {
    Value **items = NULL;
    int count = list_items(value, &items), kept = 0;
    *texts = ARENA_ARRAY(evaluator_arena(ev), Slice, count + 1);
    for (int i = 0; i < count; i++)
        if (value_is(items[i], VALUE_STRING)) (*texts)[kept++] = value_text(items[i]);
    return kept;
}

/* %s holes that are no %%s. */
static int count_holes(Slice sql) {
    int holes = 0;
    for (size_t i = 0; i + 1 < sql.length; i++) {
        if (sql.start[i] != '%') continue;
        if (sql.start[i + 1] == 's') holes++;
        i++;
    }
    return holes;
}

static bool extra_select(Evaluator *ev, DjExtraArguments *extra, Value *select, Value *params, const Node *site) {
    if (!select || !value_is(select, VALUE_DICT)) return true;
    const DictValue *dict = (const DictValue *)select;
    Value **values = NULL;
    int given = list_items(params, &values), used = 0;
    extra->select = ARENA_ARRAY(evaluator_arena(ev), DjExtra, dict->count + 1);
    for (int i = 0; i < dict->count; i++) {
        Value *text = value_str(ev, dict->entries[i].value, site);
        if (!text || !value_is(text, VALUE_STRING) || !value_is(dict->entries[i].key, VALUE_STRING))
            return !evaluator_error_pending(ev);
        DjExtra *item = &extra->select[extra->select_count++];
        item->name = value_text(dict->entries[i].key);
        item->sql = value_text(text);
        item->count = count_holes(item->sql);
        if (used + item->count > given) item->count = given - used;
        item->params = values ? values + used : NULL;
        used += item->count;
    }
    return true;
}

Value *dj_method_extra(Evaluator *ev, Value *self, const Arguments *arguments) {
    Value *select = NULL, *where = NULL, *params = NULL, *tables = NULL, *order_by = NULL, *select_params = NULL;
    DjQuerySet *queryset = value_as_queryset(self);
    if (!dj_refuse_combined(ev, queryset, "extra", arguments->site)) return NULL;
    if (queryset->sliced)
        return evaluator_raise_id(ev, EXCEPTION_TYPE, arguments->site,
                                  "Cannot change a query once a slice has been taken.");
    if (!arguments_bind(ev, arguments, "extra", "| select where params tables order_by select_params", &select, &where,
                        &params, &tables, &order_by, &select_params))
        return NULL;
    DjOp *op;
    DjQuerySet *next = dj_queryset_push(ev, queryset, DJ_OP_EXTRA, arguments->site, &op);
    op->extra = ARENA_NEW(evaluator_arena(ev), DjExtraArguments);
    op->spans = ARENA_ARRAY(evaluator_arena(ev), Span, 1);
    op->spans[0] = evaluator_span(ev, arguments->site);
    if (!extra_select(ev, op->extra, select, select_params, arguments->site)) return NULL;
    op->extra->where_count = text_items(ev, where, &op->extra->where);
    op->extra->param_count = list_items(params, &op->extra->params);
    op->extra->table_count = text_items(ev, tables, &op->extra->tables);
    Slice *names;
    op->extra->order_count = text_items(ev, order_by, &names);
    op->extra->order_by = ARENA_ARRAY(evaluator_arena(ev), DjOrdering, op->extra->order_count + 1);
    for (int i = 0; i < op->extra->order_count; i++)
        op->extra->order_by[i] = (DjOrdering){.name = names[i], .span = op->spans[0]};
    return (Value *)next;
}
