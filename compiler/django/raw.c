/*
 * raw(): the program's own text and its values.
 *
 *     Author.objects.raw("SELECT * FROM author WHERE age > %s", [n])      SELECT * FROM author WHERE age > $1
 */
#include "compiler/django/raw.h"

#include "compiler/django/compile.h"
#include "compiler/django/django.h"
#include "compiler/django/fetch.h"
#include "compiler/django/function_compile.h"
#include "compiler/django/model_build.h"

/* Values in the order of the holes: of a list as they stand, of a dict by the names in "%(name)s", which become "%s".
 */
bool dj_read_raw_values(Evaluator *ev, DjRaw *raw, Value *params, const Node *site) {
    Value **items = NULL;
    if (!params || value_is_none(params)) return true;
    if (value_is(params, VALUE_DICT)) {
        const DictValue *dict = (const DictValue *)params;
        Buffer text;
        buffer_init(&text, evaluator_arena(ev));
        int capacity = 0;
        for (size_t i = 0; i < raw->sql.length; i++) {
            Slice rest = slice_sub(raw->sql, i, raw->sql.length);
            size_t end = slice_find(rest, ')');
            bool hole = slice_starts_with(rest, "%(") && end + 1 < rest.length && rest.start[end + 1] == 's';
            if (!hole) {
                buffer_put(&text, raw->sql.start[i]);
                continue;
            }
            Slice name = slice_sub(rest, 2, end);
            Value *value = dict_get(ev, dict, value_string(ev, name));
            if (!value)
                return evaluator_raise_id(ev, EXCEPTION_KEY, site, "%.*s",
                                          SLICE_ARGS(value_repr(ev, value_string(ev, name)))) != NULL;
            ARENA_PUSH(evaluator_arena(ev), raw->params, raw->count, capacity) = value;
            buffer_text(&text, "%s");
            i += end + 1;
        }
        raw->sql = buffer_view(&text);
        return true;
    }
    int count = value_items(params, &items);
    raw->params = items;
    raw->count = count < 0 ? 0 : count;
    return true;
}

Value *dj_method_raw(Evaluator *ev, Value *self, const Arguments *arguments) {
    Value *sql = NULL, *params = NULL, *translations = NULL, *using_alias = NULL;
    if (!arguments_bind(ev, arguments, "raw", "raw_query | params translations using", &sql, &params, &translations,
                        &using_alias))
        return NULL;
    if (!value_is(sql, VALUE_STRING))
        return evaluator_raise_id(ev, EXCEPTION_UNSUPPORTED, arguments->site, "raw() with text that is not known here");
    DjQuerySet *raw = dj_queryset_new(ev, NULL, value_as_queryset(self)->model, arguments->site);
    raw->raw = ARENA_NEW(evaluator_arena(ev), DjRaw);
    raw->raw->sql = value_text(sql);
    if (translations && value_is(translations, VALUE_DICT)) raw->raw->translations = (DictValue *)translations;
    return dj_read_raw_values(ev, raw->raw, params, arguments->site) ? (Value *)raw : NULL;
}

DjOutcome dj_raw_statement(Evaluator *ev, DjQuerySet *queryset, const Node *site, StatementList *out) {
    DjCompiler compiler = {.ev = ev, .dialect = evaluator_dialect(ev)};
    Query *tree = query_new(evaluator_arena(ev), QUERY_RAW);
    const DjRaw *raw = queryset->raw;
    DjOutcome outcome = dj_compile_raw(&compiler, raw->sql, raw->params, raw->count, site, &tree->raw);
    if (outcome != DJ_SQL) return outcome;
    return dj_emit(ev, tree, STATEMENT_SELECT, site, out) ? DJ_SQL : DJ_ERROR;
}
