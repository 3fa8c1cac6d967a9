/*
 * What all statements share: prefixes and suffixes, hints, CTEs added to them, options, parameters.
 *
 * Input: calls from the evaluated program. Output: a copy of the statement with one thing more.
 * Example: select(t).with_hint(t, "USE INDEX (x)", "mysql").prefix_with("SQL_NO_CACHE").
 */
#include "compiler/sqlalchemy/face.h"
#include "compiler/sqlalchemy/orm.h"

/* ---- prefixes, suffixes, hints ---- */

void parts_push(Evaluator *ev, TextParts *parts, TextPart part) {
    TextPart *items = ARENA_ARRAY(evaluator_arena(ev), TextPart, parts->count + 1);
    for (int i = 0; i < parts->count; i++) items[i] = parts->items[i];
    items[parts->count] = part;
    parts->items = items;
    parts->capacity = ++parts->count;
}

static Value *executable_copy(Evaluator *ev, Value *self) {
    Element *copy = element_copy(ev, (Element *)self);
    copy->original = NULL;
    if (element_is_select(copy)) copy->id = sa_next_id(ev);
    return &copy->head.head;
}

Value *executable_texts(Evaluator *ev, Value *self, const Arguments *a) {
    bool suffix = evaluator_native_data(ev) != NULL;
    Value *dialect = NULL;
    for (int i = 0; i < a->keyword_count; i++) dialect = a->keywords[i].value;
    Value *copy = executable_copy(ev, self);
    Executable *head = EXECUTABLE(copy);
    for (int i = 0; i < a->count; i++) {
        TextPart part = {0};
        if (dialect && value_is(dialect, VALUE_STRING)) part.dialect = value_text(dialect);
        if (value_is(a->items[i], VALUE_STRING)) part.element = element_text(ev, value_text(a->items[i]), a->site);
        else part.element = element_coerce(ev, a->items[i], COERCE_EXPRESSION, a->site);
        if (!part.element) return NULL;
        parts_push(ev, suffix ? &head->suffixes : &head->prefixes, part);
    }
    return copy;
}

Value *executable_hint(Evaluator *ev, Value *self, const Arguments *a) {
    Value *selectable = NULL, *text = NULL, *dialect = NULL;
    bool dml = ((Element *)self)->kind >= EL_INSERT;
    if (!arguments_bind(ev, a, "with_hint", dml ? "text | selectable dialect_name" : "selectable text | dialect_name",
                        dml ? &text : &selectable, dml ? &selectable : &text, &dialect))
        return NULL;
    Value *copy = executable_copy(ev, self);
    TextPart part = {.text = value_is(text, VALUE_STRING) ? value_text(text) : (Slice){"", 0}};
    if (dialect && value_is(dialect, VALUE_STRING)) part.dialect = value_text(dialect);
    if (selectable && !value_is_none(selectable)) {
        part.element = element_of(ev, selectable);
        if (part.element && part.element->kind == EL_ENTITY)
            part.element = orm_entity_selectable(ev, part.element->entity);
    } else if (dml) {
        part.element = DML((Element *)self)->table;
    }
    if (evaluator_error_pending(ev)) return NULL;
    parts_push(ev, &EXECUTABLE(copy)->hints, part);
    return copy;
}

Value *executable_statement_hint(Evaluator *ev, Value *self, const Arguments *a) {
    Value *text = NULL, *dialect = NULL;
    if (!arguments_bind(ev, a, "with_statement_hint", "text | dialect_name", &text, &dialect)) return NULL;
    Value *copy = executable_copy(ev, self);
    TextPart part = {.text = value_is(text, VALUE_STRING) ? value_text(text) : (Slice){"", 0}};
    if (dialect && value_is(dialect, VALUE_STRING)) part.dialect = value_text(dialect);
    parts_push(ev, &EXECUTABLE(copy)->statement_hints, part);
    return copy;
}

Value *executable_add_cte(Evaluator *ev, Value *self, const Arguments *a) {
    Value *copy = executable_copy(ev, self);
    bool nest = false;
    for (int i = 0; i < a->keyword_count; i++) nest |= value_is_true(a->keywords[i].value);
    for (int i = 0; i < a->count; i++) {
        if (!value_is_element(a->items[i])) continue;
        Element *cte = (Element *)a->items[i];
        if (nest) {
            cte = element_copy(ev, cte);
            FROM(cte)->nesting = true;
        }
        EXECUTABLE(copy)->ctes = element_list_copy(ev, &EXECUTABLE(copy)->ctes);
        element_list_push(ev, &EXECUTABLE(copy)->ctes, cte);
    }
    return copy;
}

Value *executable_options(Evaluator *ev, Value *self, const Arguments *a) {
    if (!orm_options_check(ev, a)) return NULL;
    Value *copy = executable_copy(ev, self);
    Executable *head = EXECUTABLE(copy);
    Value **all = ARENA_ARRAY(evaluator_arena(ev), Value *, head->option_count + a->count + 1);
    for (int i = 0; i < head->option_count; i++) all[i] = head->options[i];
    for (int i = 0; i < a->count; i++) all[head->option_count++] = a->items[i];
    head->options = all;
    head->option_capacity = head->option_count;
    return copy;
}

Value *executable_execution_options(Evaluator *ev, Value *self, const Arguments *a) {
    Value *copy = executable_copy(ev, self);
    DictValue *dict = value_dict(ev);
    const DictValue *old = (const DictValue *)EXECUTABLE(copy)->execution_options;
    for (int i = 0; old && i < old->count; i++) dict_set(ev, dict, old->entries[i].key, old->entries[i].value, NULL);
    for (int i = 0; i < a->keyword_count; i++)
        dict_set(ev, dict, value_atom(ev, a->keywords[i].name), a->keywords[i].value, a->keywords[i].node);
    EXECUTABLE(copy)->execution_options = &dict->head;
    return copy;
}

Value *executable_dialect_options(Evaluator *ev, Value *self, const Arguments *a) {
    Value *copy = executable_copy(ev, self);
    DictValue *dict = value_dict(ev);
    const DictValue *old = EXECUTABLE(copy)->dialect_options;
    for (int i = 0; old && i < old->count; i++) dict_set(ev, dict, old->entries[i].key, old->entries[i].value, NULL);
    for (int i = 0; i < a->keyword_count; i++)
        dict_set(ev, dict, value_atom(ev, a->keywords[i].name), a->keywords[i].value, a->keywords[i].node);
    EXECUTABLE(copy)->dialect_options = dict;
    return copy;
}

Value *executable_params(Evaluator *ev, Value *self, const Arguments *a) {
    return element_value(element_with_params(ev, (Element *)self, a));
}
