/*
 * Making, copying and walking elements.
 *
 * Input: parts that are coerced already. Output: elements of one kind each; nothing here raises.
 * Invariants: a copy keeps `id` (the identity of anonymous names) and points to what it was copied from; children
 * arrays are never shared between two elements that may change.
 * Example: element_rewrite(users.id = 5, users → users_1) gives users_1.id = 5 and leaves the original alone.
 */
#include "compiler/sqlalchemy/sqlalchemy.h"

static size_t element_size(ElementKind kind) {
    switch (kind) {
    case EL_COLUMN: return sizeof(ColumnElement);
    case EL_BIND: return sizeof(BindElement);
    case EL_TEXT: return sizeof(TextElement);
    case EL_UNARY:
    case EL_AS_BOOLEAN:
    case EL_COLLECTION_AGGREGATE:
    case EL_BINARY:
    case EL_OPERATOR_LIST:
    case EL_CLAUSE_LIST:
    case EL_TUPLE:
    case EL_MATCH: return sizeof(OperatorElement);
    case EL_FUNCTION: return sizeof(FunctionElement);
    case EL_CASE: return sizeof(CaseElement);
    case EL_OVER: return sizeof(OverElement);
    case EL_EXTRACT: return sizeof(ExtractElement);
    case EL_ORM: return sizeof(OrmElement);
    case EL_SEQUENCE: return sizeof(SequenceElement);
    case EL_NULL:
    case EL_TRUE:
    case EL_FALSE:
    case EL_LABEL:
    case EL_GROUPING:
    case EL_CAST:
    case EL_TYPE_COERCE:
    case EL_WITHIN_GROUP:
    case EL_FUNCTION_FILTER:
    case EL_SLICE:
    case EL_COLLATION:
    case EL_ARRAY:
    case EL_AGGREGATE_ORDER_BY:
    case EL_SCALAR_SELECT:
    case EL_FUNCTION_COLUMN:
    case EL_LABEL_REFERENCE:
    case EL_TEXT_LABEL_REFERENCE:
    case EL_ENTITY: return sizeof(Element);
    case EL_TABLE:
    case EL_ALIAS:
    case EL_SUBQUERY:
    case EL_CTE:
    case EL_LATERAL:
    case EL_TABLESAMPLE:
    case EL_TABLE_VALUED:
    case EL_VALUES:
    case EL_JOIN:
    case EL_FROM_GROUPING: return sizeof(FromElement);
    case EL_SELECT: return sizeof(Select);
    case EL_COMPOUND: return sizeof(Compound);
    case EL_TEXTUAL_SELECT: return sizeof(TextualSelect);
    case EL_SELECT_GROUPING: return sizeof(Selectable);
    case EL_INSERT:
    case EL_UPDATE:
    case EL_DELETE: return sizeof(Dml);
    case EL_DDL: return sizeof(DdlElement);
    case ELEMENT_KIND_COUNT: break;
    }
    return sizeof(Element);
}

uint32_t sa_next_id(Evaluator *ev) {
    SaState *state = sa_state(ev);
    evaluator_touch(ev, &state->next_id, sizeof state->next_id);
    return ++state->next_id;
}

Element *element_new(Evaluator *ev, ElementKind kind, SaType *type) {
    SaState *state = sa_state(ev);
    Element *element = instance_allocate(ev, state->element_classes[kind], element_size(kind));
    element->kind = kind;
    element->id = sa_next_id(ev);
    element->type = type ? type : type_of_kind(ev, TYPE_NULL);
    return element;
}

Element *element_copy(Evaluator *ev, const Element *element) {
    size_t size = element_size(element->kind);
    Element *copy = arena_allocate(evaluator_arena(ev), size);
    memcpy(copy, element, size);
    atom_map_init(&copy->head.attributes, evaluator_arena(ev));
    if (element->count) {
        copy->children = ARENA_ARRAY(evaluator_arena(ev), Element *, element->count);
        memcpy(copy->children, element->children, sizeof(Element *) * (size_t)element->count);
    }
    copy->original = (Element *)(uintptr_t)element;
    return copy;
}

Element *element_with_children(Evaluator *ev, ElementKind kind, SaType *type, Element *const *children, int count) {
    Element *element = element_new(ev, kind, type);
    element->count = count;
    element->children = ARENA_ARRAY(evaluator_arena(ev), Element *, count ? count : 1);
    for (int i = 0; i < count; i++) element->children[i] = children[i];
    return element;
}

void element_list_push(Evaluator *ev, ElementList *list, Element *element) {
    ARENA_PUSH(evaluator_arena(ev), list->items, list->count, list->capacity) = element;
}

/* A list that may be pushed to without touching the one it was copied from. */
ElementList element_list_copy(Evaluator *ev, const ElementList *list) {
    ElementList copy = {0};
    for (int i = 0; i < list->count; i++) element_list_push(ev, &copy, list->items[i]);
    return copy;
}

/* ---- names ---- */

Name name_from(Slice text) { return (Name){.text = text}; }

Name name_from_value(Evaluator *ev, Value *value) {
    Name name = {.text = value_text(value)};
    if (value->cls == sa_state(ev)->quoted_name) name.quote = ((const QuotedNameValue *)value)->quote;
    return name;
}

/* What would disturb the templates that SQLAlchemy keeps anonymous names in becomes one underscore. */
Slice anonymous_seed(Arena *arena, Slice seed) {
    Buffer out;
    buffer_init(&out, arena);
    for (size_t i = 0; i < seed.length; i++) {
        char c = seed.start[i];
        bool odd = c == '%' || c == '(' || c == ')' || c == ' ' || c == '$', again = odd && i && out.length;
        if (again) {
            char before = seed.start[i - 1];
            again = before == '%' || before == '(' || before == ')' || before == ' ' || before == '$';
        }
        if (!again) buffer_put(&out, odd ? '_' : c);
    }
    return buffer_view(&out);
}

Name name_anonymous(Evaluator *ev, uint32_t id, Slice base) {
    base = anonymous_seed(evaluator_arena(ev), base);
    return (Name){.text = slice_format(evaluator_arena(ev), "\1%u %.*s\2", id, SLICE_ARGS(base)), .truncatable = true};
}

bool name_is_anonymous(Name name) { return slice_find(name.text, '\1') < name.text.length; }

/* What the name reads as without its number: for messages and keys. */
Slice name_plain(Evaluator *ev, Name name) {
    if (!name_is_anonymous(name)) return name.text;
    Buffer out;
    buffer_init(&out, evaluator_arena(ev));
    for (size_t i = 0; i < name.text.length; i++) {
        char c = name.text.start[i];
        if (c == '\1') {
            while (i < name.text.length && name.text.start[i] != ' ') i++;
        } else if (c != '\2') {
            buffer_put(&out, c);
        }
    }
    return buffer_view(&out);
}

bool name_equals(Name a, Name b) { return slice_equals(a.text, b.text); }

/* ---- leaves ---- */

Element *element_column(Evaluator *ev, Name name, SaType *type, Element *table) {
    ColumnElement *column = COLUMN(element_new(ev, EL_COLUMN, type));
    column->base.name = name;
    column->key = name;
    column->table = table;
    return &column->base;
}

Element *element_literal_column(Evaluator *ev, Slice text, SaType *type) {
    Element *column = element_column(ev, name_from(text), type, NULL);
    COLUMN(column)->is_literal = true;
    return column;
}

Element *element_bind(Evaluator *ev, Slice key, Value *value, SaType *type) {
    BindElement *bind = BIND(element_new(ev, EL_BIND, type));
    bind->value = value;
    bind->unique = key.length == 0;
    bind->expand_op = SA_NONE;
    bind->base.name = key.length ? name_from(key) : name_anonymous(ev, bind->base.id, SLICE("param"));
    return &bind->base;
}

Element *element_label(Evaluator *ev, Element *inner, Name name) {
    while (inner->kind == EL_LABEL) inner = inner->children[0];
    Element *label = element_with_children(ev, EL_LABEL, inner->type, &inner, 1);
    if (name.text.length) {
        label->name = name;
    } else {
        bool named = inner->kind == EL_COLUMN || inner->kind == EL_FUNCTION;
        label->name =
            name_anonymous(ev, label->id, named && inner->name.text.length ? inner->name.text : SLICE("anon"));
    }
    label->node = inner->node;
    return label;
}

Element *element_function(Evaluator *ev, Slice name, SaType *type, Element *const *arguments, int count) {
    Element *function = element_with_children(ev, EL_FUNCTION, type, arguments, count);
    function->name = name_from(name);
    for (int i = 0; i < count; i++) function->children[i] = element_group(ev, arguments[i], SA_COMMA);
    return function;
}

Element *element_scalar_select(Evaluator *ev, Element *select) {
    ElementList columns = {0};
    select_columns(ev, select, &columns);
    SaType *type = columns.count ? columns.items[0]->type : NULL;
    if (select->kind == EL_SELECT && SELECTABLE(select)->label_style != LABEL_NONE) { /* its columns need no names */
        select = element_copy(ev, select);
        SELECTABLE(select)->label_style = LABEL_NONE;
    }
    Element *scalar = element_with_children(ev, EL_SCALAR_SELECT, type, &select, 1);
    scalar->node = select->node;
    return scalar;
}

Element *element_exists(Evaluator *ev, Element *select) {
    Element *scalar = select->kind == EL_SCALAR_SELECT ? select : element_scalar_select(ev, select);
    OperatorElement *exists = OPERATOR(element_with_children(ev, EL_UNARY, type_of_kind(ev, TYPE_BOOLEAN), &scalar, 1));
    exists->op.id = SA_EXISTS;
    exists->base.node = select->node;
    return &exists->base;
}

/* ---- FROM clauses ---- */

static Element *from_new(Evaluator *ev, ElementKind kind, Element *inner, Name name) {
    Element *from = element_with_children(ev, kind, NULL, &inner, 1);
    if (name.text.length) {
        from->name = name;
    } else {
        Slice base = SLICE("anon");
        if (element_is_from(inner) && inner->kind != EL_JOIN && inner->kind != EL_CTE &&
            inner->kind != EL_FROM_GROUPING && inner->name.text.length && !name_is_anonymous(inner->name))
            base = inner->name.text;
        from->name = name_anonymous(ev, from->id, base);
    }
    from->node = inner->node;
    return from;
}

Element *element_alias(Evaluator *ev, Element *from, Name name) {
    if (element_is_select(from)) return element_subquery(ev, from, name);
    if (from->kind == EL_JOIN) {
        Select *select = select_new(ev);
        select_add_column(ev, select, from->children[0]);
        select_add_column(ev, select, from->children[1]);
        element_list_push(ev, &select->from, from);
        select->head.label_style = LABEL_TABLENAME_PLUS_COL;
        select->correlate_set = true;
        return element_subquery(ev, &select->head.head.base, name);
    }
    return from_new(ev, EL_ALIAS, from, name);
}

Element *element_subquery(Evaluator *ev, Element *select, Name name) { return from_new(ev, EL_SUBQUERY, select, name); }

Element *element_from_of_kind(Evaluator *ev, ElementKind kind, Element *inner, Name name) {
    return from_new(ev, kind, inner, name);
}

Element *element_join(Evaluator *ev, Element *left, Element *right, Element *on, bool outer, bool full) {
    if (right->kind == EL_JOIN) right = element_with_children(ev, EL_FROM_GROUPING, NULL, &right, 1);
    Element *parts[3] = {left, right, on ? element_group(ev, on, SA_ASBOOL) : NULL};
    Element *join = element_with_children(ev, EL_JOIN, NULL, parts, 3);
    FROM(join)->outer = outer;
    FROM(join)->full = full;
    join->node = right->node;
    return join;
}

bool element_same(const Element *a, const Element *b) {
    for (const Element *x = a; x; x = x->original)
        for (const Element *y = b; y; y = y->original)
            if (x == y) return true;
    return false;
}

/* ---- walking ---- */

void element_visit(Element *element, void (*visit)(Element *element, void *data), void *data) {
    if (!element) return;
    visit(element, data);
    for (int i = 0; i < element->count; i++) element_visit(element->children[i], visit, data);
}

static bool list_rewrite(Evaluator *ev, ElementList *list, ElementReplace replace, void *data) {
    ElementList out = {0};
    bool changed = false;
    for (int i = 0; i < list->count; i++) {
        Element *item = element_rewrite(ev, list->items[i], replace, data);
        changed |= item != list->items[i];
        element_list_push(ev, &out, item);
    }
    if (changed) *list = out;
    return changed;
}

static bool slot_rewrite(Evaluator *ev, Element **slot, ElementReplace replace, void *data) {
    if (!*slot) return false;
    Element *item = element_rewrite(ev, *slot, replace, data);
    bool changed = item != *slot;
    *slot = item;
    return changed;
}

static bool joins_rewrite(Evaluator *ev, Select *select, ElementReplace replace, void *data) {
    bool changed = false;
    SetupJoin *joins = ARENA_ARRAY(evaluator_arena(ev), SetupJoin, select->join_count ? select->join_count : 1);
    for (int i = 0; i < select->join_count; i++) {
        joins[i] = select->joins[i];
        changed |= slot_rewrite(ev, &joins[i].target, replace, data);
        changed |= slot_rewrite(ev, &joins[i].on, replace, data);
        changed |= slot_rewrite(ev, &joins[i].from, replace, data);
    }
    if (changed) select->joins = joins, select->join_capacity = select->join_count;
    return changed;
}

static bool selectable_rewrite(Evaluator *ev, Selectable *head, ElementReplace replace, void *data) {
    bool changed = list_rewrite(ev, &head->order_by, replace, data);
    changed |= list_rewrite(ev, &head->group_by, replace, data);
    changed |= slot_rewrite(ev, &head->limit, replace, data);
    changed |= slot_rewrite(ev, &head->offset, replace, data);
    changed |= slot_rewrite(ev, &head->fetch, replace, data);
    return changed;
}

static Element *statement_rewrite(Evaluator *ev, Element *element, ElementReplace replace, void *data) {
    Element *copy = element_copy(ev, element);
    bool changed = false;
    if (element->kind == EL_SELECT) {
        Select *select = SELECT(copy);
        changed |= list_rewrite(ev, &select->columns, replace, data);
        changed |= list_rewrite(ev, &select->from, replace, data);
        changed |= list_rewrite(ev, &select->where, replace, data);
        changed |= list_rewrite(ev, &select->having, replace, data);
        changed |= list_rewrite(ev, &select->distinct_on, replace, data);
        changed |= list_rewrite(ev, &select->correlate, replace, data);
        changed |= list_rewrite(ev, &select->correlate_except, replace, data);
        changed |= joins_rewrite(ev, select, replace, data);
        changed |= selectable_rewrite(ev, &select->head, replace, data);
    } else if (element->kind == EL_COMPOUND) {
        changed |= list_rewrite(ev, &((Compound *)copy)->parts, replace, data);
        changed |= selectable_rewrite(ev, SELECTABLE(copy), replace, data);
    } else if (element->kind == EL_INSERT || element->kind == EL_UPDATE || element->kind == EL_DELETE) {
        changed |= list_rewrite(ev, &DML(copy)->where, replace, data);
        changed |= list_rewrite(ev, &DML(copy)->returning, replace, data);
    } else {
        for (int i = 0; i < copy->count; i++) changed |= slot_rewrite(ev, &copy->children[i], replace, data);
    }
    return changed ? copy : element;
}

Element *element_rewrite(Evaluator *ev, Element *element, ElementReplace replace, void *data) {
    Element *other = replace(ev, element, data);
    if (other) return other;
    if (element_is_statement(element)) return statement_rewrite(ev, element, replace, data);
    Element *copy = NULL;
    for (int i = 0; i < element->count; i++) {
        if (!element->children[i]) continue;
        Element *child = element_rewrite(ev, element->children[i], replace, data);
        if (child == element->children[i]) continue;
        if (!copy) copy = element_copy(ev, element);
        copy->children[i] = child;
    }
    if (copy && element_is_from(copy)) FROM(copy)->columns_ready = false, FROM(copy)->columns = (ElementList){0};
    return copy ? copy : element;
}
