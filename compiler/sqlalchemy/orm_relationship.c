/*
 * relationship(): from its arguments to a join condition.
 *
 * Input: relationship(…) of a class body and its annotation. Output, once all classes are there: target, secondary
 * table, join conditions, direction, and the column pairs that loaders and the unit of work copy along.
 * Invariants: join conditions are over the tables' own columns, without annotations; `remote` holds the columns of the
 * far side; each pair goes local -> remote (`pairs`) or source -> foreign key (`sync`).
 * Example: User.posts -> users.id = posts.author_id, ONE_TO_MANY, remote posts.author_id.
 */
#include "compiler/sqlalchemy/session.h"

const Type orm_relationship_type = {.name = "Relationship", .kind = VALUE_NATIVE, .has_attributes = true};

static LazyKind lazy_of(Value *value) {
    static const struct {
        const char *name;
        LazyKind kind;
    } names[] = {{"select", LAZY_SELECT},        {"joined", LAZY_JOINED},       {"selectin", LAZY_SELECTIN},
                 {"subquery", LAZY_SUBQUERY},    {"immediate", LAZY_IMMEDIATE}, {"raise", LAZY_RAISE},
                 {"raise_on_sql", LAZY_RAISE},   {"noload", LAZY_NOLOAD},       {"dynamic", LAZY_DYNAMIC},
                 {"write_only", LAZY_WRITE_ONLY}};
    if (value_is(value, VALUE_BOOL)) return value_is_true(value) ? LAZY_SELECT : LAZY_JOINED;
    if (value_is_none(value)) return LAZY_NOLOAD;
    for (size_t i = 0; value_is(value, VALUE_STRING) && i < sizeof names / sizeof *names; i++)
        if (slice_equals_text(value_text(value), names[i].name)) return names[i].kind;
    return LAZY_SELECT;
}

static void relationship_read_cascade(Relationship *relationship, Slice text) {
    relationship->cascade_save_update = relationship->cascade_merge = false;
    while (text.length) {
        size_t comma = slice_find(text, ',');
        Slice word = slice_sub(text, 0, comma);
        text = comma < text.length ? slice_sub(text, comma + 1, text.length) : (Slice){0};
        while (word.length && *word.start == ' ') word = slice_sub(word, 1, word.length);
        while (word.length && word.start[word.length - 1] == ' ') word = slice_sub(word, 0, word.length - 1);
        bool all = slice_equals_text(word, "all");
        if (all || slice_equals_text(word, "save-update")) relationship->cascade_save_update = true;
        if (all || slice_equals_text(word, "merge")) relationship->cascade_merge = true;
        if (all || slice_equals_text(word, "delete")) relationship->cascade_delete = true;
        if (slice_equals_text(word, "delete-orphan")) relationship->cascade_delete_orphan = true;
    }
}

/* Every keyword that relationship() takes. */
static const char relationship_keywords[] =
    "argument secondary uselist collection_class primaryjoin secondaryjoin back_populates order_by backref overlaps "
    "post_update cascade viewonly init repr default default_factory compare kw_only hash lazy passive_deletes "
    "passive_updates active_history enable_typechecks foreign_keys remote_side join_depth comparator_factory "
    "single_parent innerjoin distinct_target_key load_on_pending query_class info omit_join sync_backref "
    "dataclass_metadata";

static bool word_among(Slice name, const char *words) {
    for (size_t length; *words; words += length + strspn(words + length, " ")) {
        length = strcspn(words, " ");
        if (slice_equals(name, (Slice){words, length})) return true;
    }
    return false;
}

static bool relationship_check_keywords(Evaluator *ev, const Arguments *arguments) {
    for (int i = 0; i < arguments->keyword_count; i++) {
        const Keyword *keyword = &arguments->keywords[i];
        if (word_among(keyword->name->text, relationship_keywords)) continue;
        evaluator_raise(ev, evaluator_exception(ev, EXCEPTION_TYPE), evaluator_keyword_span(ev, keyword),
                        "RelationshipProperty.__init__() got an unexpected keyword argument '%.*s'",
                        SLICE_ARGS(keyword->name->text));
        evaluator_raise_near(ev, keyword->name->text, relationship_keywords);
        return false;
    }
    return true;
}

Relationship *relationship_new(Evaluator *ev, const Arguments *arguments) {
    if (!relationship_check_keywords(ev, arguments)) return NULL;
    Relationship *made = instance_allocate(ev, orm_state(ev)->relationship, sizeof *made);
    made->uselist = -1;
    made->init = true;
    made->node = arguments->site;
    made->cascade_save_update = made->cascade_merge = true;
    if (arguments->count > 0) made->argument = arguments->items[0];
    if (arguments->count > 1) made->secondary_given = arguments->items[1];
    for (int i = 0; i < arguments->keyword_count; i++) {
        Slice name = arguments->keywords[i].name->text;
        Value *value = arguments->keywords[i].value;
        bool truth = value_is(value, VALUE_BOOL) && value_is_true(value);
        bool none = value_is_none(value);
        if (slice_equals_text(name, "argument")) made->argument = value;
        else if (slice_equals_text(name, "secondary")) made->secondary_given = none ? NULL : value;
        else if (slice_equals_text(name, "primaryjoin")) made->primaryjoin_given = none ? NULL : value;
        else if (slice_equals_text(name, "secondaryjoin")) made->secondaryjoin_given = none ? NULL : value;
        else if (slice_equals_text(name, "foreign_keys")) made->foreign_keys_given = none ? NULL : value;
        else if (slice_equals_text(name, "remote_side")) made->remote_side_given = none ? NULL : value;
        else if (slice_equals_text(name, "order_by"))
            made->order_by_given = value_is(value, VALUE_BOOL) || none ? NULL : value;
        else if (slice_equals_text(name, "backref")) made->backref = none ? NULL : value;
        else if (slice_equals_text(name, "back_populates"))
            made->back_populates = value_is(value, VALUE_STRING) ? value_as_atom(ev, value) : NULL;
        else if (slice_equals_text(name, "uselist")) made->uselist = none ? -1 : truth;
        else if (slice_equals_text(name, "viewonly")) made->viewonly = truth;
        else if (slice_equals_text(name, "innerjoin")) made->innerjoin = value_is(value, VALUE_STRING) ? 2 : truth;
        else if (slice_equals_text(name, "post_update")) made->post_update = truth;
        else if (slice_equals_text(name, "init")) made->init = truth;
        else if (slice_equals_text(name, "lazy")) made->lazy = lazy_of(value);
        else if (slice_equals_text(name, "passive_deletes")) {
            made->passive_deletes = truth;
            made->passive_deletes_all = value_is(value, VALUE_STRING);
        } else if (slice_equals_text(name, "join_depth")) {
            int64_t depth = 0;
            if (value_as_integer(value, &depth)) made->join_depth = depth > INT16_MAX ? INT16_MAX : (int)depth;
        } else if (slice_equals_text(name, "cascade") && value_is(value, VALUE_STRING)) {
            relationship_read_cascade(made, value_text(value));
        }
    }
    if (made->viewonly) made->cascade_save_update = made->cascade_merge = false;
    return made;
}

/* ---- arguments that may be strings or callables ---- */

static Value *resolve_name(Evaluator *ev, Class *cls, Atom name) {
    Registry *registry = cls ? registry_of_class(ev, cls) : NULL;
    Value *found = registry ? atom_map_get(&registry->classes, name) : NULL;
    if (found) return found;
    Element *table = registry ? metadata_find(registry->metadata, name->text) : NULL;
    if (table) return (Value *)table;
    static const char *const modules[] = {"sqlalchemy", "sqlalchemy.orm"};
    for (int i = 0; i < 2; i++) {
        ModuleValue *native = evaluator_import(ev, modules[i]);
        found = native ? atom_map_get(&native->names, name) : NULL;
        if (found) return found;
    }
    return cls && cls->defined_in ? atom_map_get(&cls->defined_in->names, name) : NULL;
}

static bool is_word_byte(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || (c & 0x80);
}

/* Every name in the text that a registry, its tables or SQLAlchemy know. */
static void define_words(Evaluator *ev, Slice text, Class *cls, AtomMap *names) {
    for (size_t i = 0; i < text.length;) {
        size_t start = i;
        while (i < text.length && is_word_byte(text.start[i])) i++;
        if (i == start) {
            i++;
            continue;
        }
        if (start && text.start[start - 1] == '.') continue;
        Atom name = atom_intern(evaluator_atoms(ev), slice_sub(text, start, i));
        Value *value = resolve_name(ev, cls, name);
        if (value) atom_map_set(names, name, value);
    }
}

static Value *orm_evaluate_text(Evaluator *ev, Slice text, Class *cls, const Node *site) {
    ModuleValue *module = ARENA_NEW(evaluator_arena(ev), ModuleValue);
    *module = *evaluator_import(ev, "sqlalchemy.orm");
    atom_map_init(&module->names, evaluator_arena(ev));
    define_words(ev, text, cls, &module->names);
    return evaluator_evaluate_text(ev, text, module, site);
}

static Value *relationship_resolve(Evaluator *ev, Relationship *relationship, Value *value) {
    Class *cls = relationship->parent->cls;
    if (value_is(value, VALUE_STRING)) {
        Element *table = metadata_find(relationship->parent->registry->metadata, value_text(value));
        return table ? (Value *)table : orm_evaluate_text(ev, value_text(value), cls, relationship->node);
    }
    if (value_is(value, VALUE_FUNCTION) || value_is(value, VALUE_METHOD) || value_is(value, VALUE_NATIVE_FUNCTION))
        return value_call_with(ev, value, NULL, 0, relationship->node);
    return value;
}

/* What remote() and foreign() give: the column, marked. */
Element *column_marked(Evaluator *ev, Element *column, Value *remote) {
    Element *copy = element_copy(ev, column);
    copy->original = column;
    atom_map_init(&copy->head.attributes, evaluator_arena(ev));
    instance_set(ev, (Value *)copy, orm_atom(ev, "_orm_mark"), remote);
    return copy;
}

static Element *strip_annotation(Evaluator *ev, Element *element, void *data) {
    (void)data;
    if (element->kind != EL_COLUMN) return NULL;
    Value *mark = instance_get((Value *)element, orm_atom(ev, "_orm_mark"));
    Element *plain = element;
    while (plain->original && (plain->entity || plain != element || mark)) {
        if (!plain->entity && instance_get((Value *)plain, orm_atom(ev, "_orm_mark")) == NULL) break;
        plain = plain->original;
    }
    if (plain == element) return NULL;
    return mark ? column_marked(ev, plain, mark) : plain;
}

static Element *relationship_plain(Evaluator *ev, Value *value, const Node *site) {
    if (value->type == &orm_mapped_column_type) return ((MappedColumn *)value)->column;
    Element *element = element_coerce(ev, value, COERCE_EXPRESSION, site);
    return element ? element_rewrite(ev, element, strip_annotation, NULL) : NULL;
}

static bool relationship_list(Evaluator *ev, Relationship *relationship, Value *given, ElementList *out) {
    Value *value = given ? relationship_resolve(ev, relationship, given) : NULL;
    if (!given) return true;
    if (!value) return false;
    bool many = value_is(value, VALUE_LIST) || value_is(value, VALUE_TUPLE);
    ListValue *list = (ListValue *)value;
    for (int i = 0; i < (many ? list->count : 1); i++) {
        Value *item = many ? list->items[i] : value;
        if (value_is(item, VALUE_STRING)) item = relationship_resolve(ev, relationship, item);
        Element *element = item ? relationship_plain(ev, item, relationship->node) : NULL;
        if (!element) return false;
        element_list_push(ev, out, element);
    }
    return true;
}

/* ---- target ---- */

static bool is_collection(const TypeExpr *expr) {
    static const char *const names[] = {"list",
                                        "List",
                                        "set",
                                        "Set",
                                        "Sequence",
                                        "Collection",
                                        "MutableSequence",
                                        "MutableSet",
                                        "Iterable",
                                        "dict",
                                        "Dict",
                                        "Mapping",
                                        "MutableMapping",
                                        "KeyFuncDict",
                                        "MappedCollection",
                                        "deque",
                                        "InstrumentedList",
                                        "InstrumentedSet",
                                        "OrderingList",
                                        "frozenset"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (type_expr_is(expr, names[i])) return true;
    return false;
}

static Value *relationship_annotated_target(Evaluator *ev, Relationship *relationship) {
    bool optional = false;
    TypeExpr *expr = relationship->annotation;
    expr = expr ? type_expr_strip_none(evaluator_arena(ev), expr, &optional) : NULL;
    if (!expr) return NULL;
    bool lists = expr->count && (is_collection(expr) || expr->kind == TYPE_EXPR_NAME);
    if (relationship->uselist < 0)
        relationship->uselist = lists || relationship->lazy == LAZY_DYNAMIC || relationship->lazy == LAZY_WRITE_ONLY;
    while (expr->count && expr->kind == TYPE_EXPR_NAME) expr = expr->args[expr->count - 1];
    if (relationship->argument) return NULL;
    Class *cls = relationship->defined_on ? relationship->defined_on : relationship->parent->cls;
    Value *found = annotation_value(ev, cls, expr);
    if (!found || !value_is(found, VALUE_CLASS) || !mapper_of_class((Class *)found))
        found = atom_map_get(&relationship->parent->registry->classes, atom_intern(evaluator_atoms(ev), expr->last));
    return found;
}

static bool relationship_find_target(Evaluator *ev, Relationship *relationship) {
    Value *value = relationship_annotated_target(ev, relationship);
    if (!value && relationship->argument) {
        value = relationship->argument;
        if (value_is(value, VALUE_STRING)) {
            Slice name = value_text(value);
            size_t dot = name.length;
            while (dot && name.start[dot - 1] != '.') dot--;
            Atom last = atom_intern(evaluator_atoms(ev), slice_sub(name, dot, name.length));
            Value *found = atom_map_get(&relationship->parent->registry->classes, last);
            value = found ? found : relationship_resolve(ev, relationship, value);
        } else if (!value_is(value, VALUE_CLASS) && !entity_of_value(ev, value)) {
            value = relationship_resolve(ev, relationship, value);
        }
    }
    Entity *entity = value ? entity_of_value(ev, value) : NULL;
    if (!entity) {
        if (evaluator_error_pending(ev)) return false;
        Slice what = relationship->annotation ? relationship->annotation->text
                     : relationship->argument ? value_repr(ev, relationship->argument)
                                              : SLICE("?");
        sa_raise(ev, SA_INVALID_REQUEST_ERROR, relationship->node,
                 "When initializing mapper %s, expression %.*s failed to locate a name. If this is a class name, "
                 "consider adding this relationship() to the class after both dependent classes have been defined.",
                 relationship->parent->cls->name->text.start, SLICE_ARGS(what));
        return false;
    }
    relationship->target = entity->mapper;
    relationship->target_entity = entity;
    return true;
}

/* ---- join condition from foreign keys ---- */

typedef struct KeyJoin {
    Constraint *constraints[8];
    ElementList criteria[8];
    int count;
} KeyJoin;

static void key_join_scan(Evaluator *ev, KeyJoin *join, Element *from, Element *to, const ElementList *consider) {
    const ElementList *columns = from_columns(ev, from);
    for (int i = 0; i < columns->count; i++) {
        SchemaColumn *schema = columns->items[i]->kind == EL_COLUMN ? COLUMN(columns->items[i])->schema : NULL;
        for (int j = 0; schema && j < schema->foreign_key_count; j++) {
            ForeignKey *key = schema->foreign_keys[j];
            if (consider->count && !list_has(consider, key->column)) continue;
            Element *target = foreign_key_target(ev, key);
            if (!target) {
                evaluator_clear_error(ev);
                continue;
            }
            Element *referent = list_has(from_columns(ev, to), target) ? target : from_corresponding(ev, to, target);
            if (!referent) continue;
            int at = 0;
            while (at < join->count && join->constraints[at] != key->constraint) at++;
            if (at == 8) continue;
            if (at == join->count) join->constraints[join->count++] = key->constraint;
            element_list_push(ev, &join->criteria[at],
                              element_operate(ev, SA_EQ, referent, (Value *)columns->items[i], false, NULL));
        }
    }
}

static Element *key_join(Evaluator *ev, Relationship *relationship, Element *a, Element *b, Element *subset,
                         const ElementList *consider) {
    KeyJoin join = {0};
    Element *lefts[2] = {subset && subset != a ? subset : NULL, a};
    for (int i = 0; i < 2 && !join.count; i++) {
        if (!lefts[i]) continue;
        key_join_scan(ev, &join, b, lefts[i], consider);
        if (lefts[i] != b) key_join_scan(ev, &join, lefts[i], b, consider);
    }
    if (!join.count)
        return sa_raise(ev, SA_NO_FOREIGN_KEYS_ERROR, relationship->node,
                        "Could not determine join condition between parent/child tables on relationship %s.%s - there "
                        "are no foreign keys linking these tables.  Ensure that referencing columns are associated "
                        "with a ForeignKey or ForeignKeyConstraint, or specify a 'primaryjoin' expression.",
                        relationship->parent->cls->name->text.start, relationship->property->key->text.start);
    if (join.count > 1)
        return sa_raise(ev, SA_AMBIGUOUS_FOREIGN_KEYS_ERROR, relationship->node,
                        "Could not determine join condition between parent/child tables on relationship %s.%s - there "
                        "are multiple foreign key paths linking the tables.  Specify the 'foreign_keys' argument, "
                        "providing a list of those columns which should be counted as containing a foreign key "
                        "reference to the parent table.",
                        relationship->parent->cls->name->text.start, relationship->property->key->text.start);
    return element_and(ev, join.criteria[0].items, join.criteria[0].count);
}

static bool relationship_find_joins(Evaluator *ev, Relationship *relationship, const ElementList *consider) {
    Mapper *parent = relationship->parent, *target = relationship->target;
    const Node *site = relationship->node;
    if (relationship->secondary_given) {
        Value *value = relationship_resolve(ev, relationship, relationship->secondary_given);
        if (!value) return false;
        relationship->secondary = element_coerce(ev, value, COERCE_FROM, site);
        if (!relationship->secondary) return false;
    }
    if (relationship->primaryjoin_given) {
        Value *value = relationship_resolve(ev, relationship, relationship->primaryjoin_given);
        relationship->primaryjoin = value ? relationship_plain(ev, value, site) : NULL;
        if (!relationship->primaryjoin) return false;
    }
    if (relationship->secondaryjoin_given) {
        Value *value = relationship_resolve(ev, relationship, relationship->secondaryjoin_given);
        relationship->secondaryjoin = value ? relationship_plain(ev, value, site) : NULL;
        if (!relationship->secondaryjoin) return false;
    }
    Element *far = relationship->secondary ? relationship->secondary : target->persist_selectable;
    if (relationship->secondary && !relationship->secondaryjoin) {
        relationship->secondaryjoin =
            key_join(ev, relationship, target->persist_selectable, far, target->local_table, consider);
        if (!relationship->secondaryjoin) return false;
    }
    if (!relationship->primaryjoin)
        relationship->primaryjoin =
            key_join(ev, relationship, parent->persist_selectable, far, parent->local_table, consider);
    return relationship->primaryjoin != NULL;
}

/* ---- roles of the columns ---- */

typedef struct PairScan {
    Evaluator *ev;
    Relationship *relationship;
    bool secondary;
    int pass; /* 0: foreign columns, 1: remote columns of self-referential joins, 2: pairs */
} PairScan;

static bool references(Evaluator *ev, const Element *column, const Element *other) {
    SchemaColumn *schema = COLUMN((Element *)column)->schema;
    for (int i = 0; schema && i < schema->foreign_key_count; i++) {
        Element *target = foreign_key_target(ev, schema->foreign_keys[i]);
        if (!target) evaluator_clear_error(ev);
        else if (element_same(target, other)) return true;
    }
    return false;
}

static void push_once(Evaluator *ev, ElementList *list, Element *element) {
    if (!list_has(list, element)) element_list_push(ev, list, element);
}

static void push_pair(Evaluator *ev, ColumnPairs *pairs, Element *from, Element *to) {
    for (int i = 0; i < pairs->count; i++)
        if (element_same(pairs->items[i].from, from) && element_same(pairs->items[i].to, to)) return;
    ARENA_PUSH(evaluator_arena(ev), pairs->items, pairs->count, pairs->capacity) = (ColumnPair){from, to};
}

static void scan_pair(Element *element, void *data) {
    PairScan *scan = data;
    Relationship *relationship = scan->relationship;
    Evaluator *ev = scan->ev;
    if (element->kind != EL_BINARY || element->count < 2) return;
    Element *left = element->children[0], *right = element->children[1];
    if (left->kind != EL_COLUMN || right->kind != EL_COLUMN) return;
    if (scan->pass == 0) {
        if (references(ev, right, left)) push_once(ev, &relationship->foreign, right);
        else if (references(ev, left, right)) push_once(ev, &relationship->foreign, left);
        return;
    }
    if (OPERATOR(element)->op.id != SA_EQ) return;
    bool left_foreign = list_has(&relationship->foreign, left), right_foreign = list_has(&relationship->foreign, right);
    if (scan->pass == 1) {
        if (right_foreign && !left_foreign) push_once(ev, &relationship->remote, right);
        else if (left_foreign) push_once(ev, &relationship->remote, left);
        return;
    }
    bool left_remote = list_has(&relationship->remote, left), right_remote = list_has(&relationship->remote, right);
    if (!scan->secondary) {
        if (right_remote && !left_remote) push_pair(ev, &relationship->pairs, left, right);
        else if (left_remote && !right_remote) push_pair(ev, &relationship->pairs, right, left);
    }
    ColumnPairs *sync = scan->secondary ? &relationship->secondary_pairs : &relationship->sync;
    if (right_foreign && !left_foreign) push_pair(ev, sync, left, right);
    else if (left_foreign && !right_foreign) push_pair(ev, sync, right, left);
}

static void relationship_scan(Evaluator *ev, Relationship *relationship, int pass) {
    PairScan scan = {ev, relationship, false, pass};
    element_visit(relationship->primaryjoin, scan_pair, &scan);
    scan.secondary = true;
    if (relationship->secondaryjoin) element_visit(relationship->secondaryjoin, scan_pair, &scan);
}

static bool mapper_has_column(const Mapper *mapper, const Element *column, Evaluator *ev) {
    for (int i = 0; i < mapper->tables.count; i++)
        if (list_has(from_columns(ev, mapper->tables.items[i]), column)) return true;
    return false;
}

typedef struct RemoteScan {
    Evaluator *ev;
    Relationship *relationship;
} RemoteScan;

static void scan_remote(Element *element, void *data) {
    RemoteScan *scan = data;
    Relationship *relationship = scan->relationship;
    if (element->kind != EL_COLUMN) return;
    if (relationship->secondary) {
        if (list_has(from_columns(scan->ev, relationship->secondary), element))
            push_once(scan->ev, &relationship->remote, element);
        return;
    }
    Element *parent_local = relationship->parent->local_table, *target_local = relationship->target->local_table;
    if (!mapper_has_column(relationship->target, element, scan->ev)) return;
    if (!list_has(from_columns(scan->ev, parent_local), element) ||
        list_has(from_columns(scan->ev, target_local), element))
        push_once(scan->ev, &relationship->remote, element);
}

/* remote() and foreign() marks in a written-out primaryjoin */
static Element *take_marks(Evaluator *ev, Element *element, void *data) {
    Relationship *relationship = data;
    if (element->kind != EL_COLUMN) return NULL;
    Value *mark = instance_get((Value *)element, orm_atom(ev, "_orm_mark"));
    if (!mark || !element->original) return NULL;
    Element *column = element->original;
    push_once(ev, value_is_true(mark) ? &relationship->remote : &relationship->foreign, column);
    return column;
}

static void relationship_find_direction(Evaluator *ev, Relationship *relationship) {
    if (relationship->secondaryjoin) {
        relationship->direction = MANY_TO_MANY;
        return;
    }
    bool on_target = false, on_parent = false, remote_foreign = false;
    for (int i = 0; i < relationship->foreign.count; i++) {
        Element *column = relationship->foreign.items[i];
        on_target |= mapper_has_column(relationship->target, column, ev);
        on_parent |= mapper_has_column(relationship->parent, column, ev);
        remote_foreign |= list_has(&relationship->remote, column);
    }
    if (on_target && on_parent) relationship->direction = remote_foreign ? ONE_TO_MANY : MANY_TO_ONE;
    else relationship->direction = on_target ? ONE_TO_MANY : MANY_TO_ONE;
}

static bool relationship_find_roles(Evaluator *ev, Relationship *relationship, const ElementList *foreign) {
    relationship->primaryjoin = element_rewrite(ev, relationship->primaryjoin, take_marks, relationship);
    if (relationship->secondaryjoin)
        relationship->secondaryjoin = element_rewrite(ev, relationship->secondaryjoin, take_marks, relationship);
    for (int i = 0; i < foreign->count; i++) push_once(ev, &relationship->foreign, foreign->items[i]);
    if (!relationship->foreign.count) relationship_scan(ev, relationship, 0);
    if (!relationship_list(ev, relationship, relationship->remote_side_given, &relationship->remote)) return false;
    if (!relationship->remote.count) {
        bool selfref =
            !relationship->secondary && relationship->parent->local_table == relationship->target->local_table;
        RemoteScan scan = {ev, relationship};
        if (selfref) relationship_scan(ev, relationship, 1);
        else element_visit(relationship->primaryjoin, scan_remote, &scan);
    } else if (relationship->secondary) {
        RemoteScan scan = {ev, relationship};
        element_visit(relationship->primaryjoin, scan_remote, &scan);
    }
    relationship_scan(ev, relationship, 2);
    relationship_find_direction(ev, relationship);
    if (relationship->uselist < 0) relationship->uselist = relationship->direction != MANY_TO_ONE;
    return true;
}

/* ---- the other side ---- */

static bool relationship_add_backref(Evaluator *ev, Relationship *relationship) {
    Value *name = relationship->backref, *options = NULL;
    if (value_is(name, VALUE_TUPLE) && ((ListValue *)name)->count == 2) {
        options = ((ListValue *)name)->items[1];
        name = ((ListValue *)name)->items[0];
    }
    if (!value_is(name, VALUE_STRING)) return true;
    Atom key = value_as_atom(ev, name);
    Arguments arguments = {.site = relationship->node};
    arguments.keywords = ARENA_ARRAY(evaluator_arena(ev), Keyword, options ? ((DictValue *)options)->count : 1);
    for (int i = 0; options && i < ((DictValue *)options)->count; i++) {
        DictEntry *entry = &((DictValue *)options)->entries[i];
        arguments.keywords[arguments.keyword_count++] =
            (Keyword){value_as_atom(ev, entry->key), entry->value, relationship->node};
    }
    Relationship *back = relationship_new(ev, &arguments);
    if (!back) return false;
    back->argument = &relationship->parent->cls->head;
    back->secondary_given = relationship->secondary_given;
    if (relationship->secondary) {
        if (!back->primaryjoin_given) back->primaryjoin_given = (Value *)relationship->secondaryjoin;
        if (!back->secondaryjoin_given) back->secondaryjoin_given = (Value *)relationship->primaryjoin;
    } else if (!back->primaryjoin_given) {
        back->primaryjoin_given = (Value *)relationship->primaryjoin;
    }
    if (!back->foreign_keys_given) {
        ListValue *list = value_list(ev);
        for (int i = 0; i < relationship->foreign.count; i++)
            list_append(ev, list, (Value *)relationship->foreign.items[i]);
        back->foreign_keys_given = &list->head;
    }
    if (!back->remote_side_given && !relationship->secondary &&
        relationship->parent->local_table == relationship->target->local_table) {
        ListValue *list = value_list(ev);
        for (int i = 0; i < relationship->pairs.count; i++)
            list_append(ev, list, (Value *)relationship->pairs.items[i].from);
        back->remote_side_given = &list->head;
    }
    back->back_populates = relationship->property->key;
    if (relationship->viewonly) back->viewonly = true;
    relationship->back_populates = key;
    if (!mapper_add_property(ev, relationship->target, key, &back->head.head, relationship->node)) return false;
    mapper_instrument(ev, relationship->target);
    return relationship_configure(ev, back);
}

bool relationship_configure(Evaluator *ev, Relationship *relationship) {
    if (relationship->configured || relationship->configuring) return true;
    evaluator_touch(ev, relationship, sizeof *relationship); /* what fails on loading is configured by a later text */
    relationship->configuring = true;
    ElementList foreign = {0};
    bool good = relationship_find_target(ev, relationship) &&
                relationship_list(ev, relationship, relationship->foreign_keys_given, &foreign) &&
                relationship_find_joins(ev, relationship, &foreign) &&
                relationship_find_roles(ev, relationship, &foreign) &&
                relationship_list(ev, relationship, relationship->order_by_given, &relationship->order_by);
    relationship->configuring = false;
    if (!good) return false;
    relationship->configured = true;
    if (relationship->backref && !relationship_add_backref(ev, relationship)) return false;
    if (relationship->back_populates) {
        Property *other = mapper_property(relationship->target, relationship->back_populates);
        if (!other || other->kind != PROPERTY_RELATIONSHIP) {
            sa_raise(ev, SA_INVALID_REQUEST_ERROR, relationship->node,
                     "Mapper 'Mapper[%s(%.*s)]' has no property '%s'.  If this property was indicated from other "
                     "mappers or configure events, ensure registry.configure() has been called.",
                     relationship->target->cls->name->text.start,
                     SLICE_ARGS(relationship->target->local_table->name.text),
                     relationship->back_populates->text.start);
            return false;
        }
        relationship->reverse = other->relationship;
        if (!other->relationship->reverse) {
            evaluator_touch(ev, &other->relationship->reverse, sizeof other->relationship->reverse);
            other->relationship->reverse = relationship;
        }
    }
    return true;
}

/* Properties assigned to a class after its statement: User.posts = relationship(…). */
static bool mapper_take_late_names(Evaluator *ev, Mapper *mapper) {
    AtomMap *names = &mapper->cls->names;
    for (int i = mapper->seen_names; i < names->count; i++) {
        Value *value = names->entries[i].value;
        Atom key = names->entries[i].key;
        if (!key || (value->type != &orm_mapped_column_type && value->type != &orm_relationship_type)) continue;
        MappedColumn *mapped = value->type == &orm_mapped_column_type ? (MappedColumn *)value : NULL;
        if (mapped && mapped->column && !mapped->columns.count) {
            if (!mapped->column->name.text.length)
                mapped->column->name = COLUMN(mapped->column)->key = name_from(key->text);
            if (!table_add_item(ev, mapper->local_table, (Value *)mapped->column, mapper->cls->node)) return false;
        }
        if (!mapper_add_property(ev, mapper, key, value, mapper->cls->node)) return false;
        if (!value_set_attribute(ev, &mapper->cls->head, key, orm_descriptor(ev, key), mapper->cls->node)) return false;
    }
    evaluator_touch(ev, &mapper->seen_names, sizeof mapper->seen_names);
    mapper->seen_names = names->count;
    return true;
}

bool mappers_configure(Evaluator *ev) {
    OrmState *state = orm_state(ev);
    for (int i = 0; i < state->mapper_count; i++)
        if (state->mappers[i]->seen_names != state->mappers[i]->cls->names.count &&
            !mapper_take_late_names(ev, state->mappers[i]))
            return false;
    if (!state->unconfigured) return true;
    evaluator_touch(ev, &state->unconfigured, sizeof state->unconfigured);
    state->unconfigured = false;
    for (int i = 0; i < state->mapper_count; i++) {
        Mapper *mapper = state->mappers[i];
        if (!mapper_configure_polymorphic(ev, mapper)) return false;
        for (int j = 0; j < mapper->properties.count; j++) {
            Property *property = mapper->properties.entries[j].value;
            if (!mapper->properties.entries[j].key || property->kind != PROPERTY_RELATIONSHIP) continue;
            if (!relationship_configure(ev, property->relationship)) {
                state->unconfigured = true;
                return false;
            }
        }
    }
    return true;
}

/* ---- joining ---- */

typedef struct JoinAdapt {
    Relationship *relationship;
    Element *left, *right, *secondary;
    bool far;            /* secondaryjoin: what is not the secondary's belongs to the right side */
    bool secondary_from; /* criteria of any(): FROM clauses that name the secondary mean its alias */
} JoinAdapt;

static Element *adapt_to(Evaluator *ev, Element *selectable, Element *column) {
    if (list_has(from_columns(ev, selectable), column)) return NULL;
    Element *found = from_corresponding(ev, selectable, column);
    return found == column ? NULL : found;
}

static Element *adapt_join_column(Evaluator *ev, Element *element, void *data) {
    JoinAdapt *adapt = data;
    if (element->kind != EL_COLUMN) return NULL;
    Relationship *relationship = adapt->relationship;
    if (relationship->secondary && list_has(from_columns(ev, relationship->secondary), element))
        return adapt->secondary == relationship->secondary ? NULL : from_corresponding(ev, adapt->secondary, element);
    bool right = adapt->far || (!relationship->secondary && list_has(&relationship->remote, element));
    return adapt_to(ev, right ? adapt->right : adapt->left, element);
}

/* What stands for a column of a criterion under the aliases of the join: the target's, else its secondary's, else the
 * source's. The element itself: it is the target's own already. */
static Element *adapt_criterion(Evaluator *ev, Element *element, void *data) {
    JoinAdapt *adapt = data;
    if (element->settled) return element;
    if (element->kind == EL_SUBQUERY || element->kind == EL_CTE || element->kind == EL_JOIN)
        return element; /* what these are made of is theirs */
    if (element == adapt->relationship->secondary && adapt->secondary_from) return adapt->secondary;
    if (element->kind != EL_COLUMN || (element->entity && element->entity->is_alias)) return NULL;
    Element *plain = element->original && element->entity ? element->original : element;
    Element *chain[3] = {adapt->right, adapt->secondary, adapt->relationship->secondary ? NULL : adapt->left};
    for (int i = 0; i < 3; i++) {
        Element *found = chain[i] ? from_embedded(ev, chain[i], plain) : NULL;
        if (found) return element_same(found, plain) ? element : found;
    }
    return NULL;
}

Element *relationship_adapt_criterion(Evaluator *ev, Relationship *relationship, const Entity *left,
                                      const Entity *right, Element *secondary, Element *criterion) {
    JoinAdapt adapt = {relationship, left->selectable, right->selectable, secondary, false, true};
    return element_rewrite(ev, criterion, adapt_criterion, &adapt);
}

bool relationship_join(Evaluator *ev, Relationship *relationship, Entity *left, Entity *right, bool alias_secondary,
                       const ElementList *criteria, JoinTargets *out) {
    if (!relationship_configure(ev, relationship)) return false;
    JoinAdapt adapt = {relationship, left->selectable, right->selectable, relationship->secondary, false, false};
    if (relationship->secondary && alias_secondary)
        adapt.secondary = element_alias(ev, relationship->secondary, (Name){0});
    out->secondary = adapt.secondary;
    out->primary = element_rewrite(ev, relationship->primaryjoin, adapt_join_column, &adapt);
    adapt.far = true;
    out->secondary_on = relationship->secondaryjoin
                            ? element_rewrite(ev, relationship->secondaryjoin, adapt_join_column, &adapt)
                            : NULL;
    ElementList all = {0};
    element_list_push(ev, &all, out->secondary_on ? out->secondary_on : out->primary);
    Element *single = mapper_single_criterion(ev, right->mapper);
    if (single) element_list_push(ev, &all, element_rewrite(ev, single, adapt_criterion, &adapt));
    for (int i = 0; criteria && i < criteria->count; i++)
        element_list_push(ev, &all, element_rewrite(ev, criteria->items[i], adapt_criterion, &adapt));
    if (all.count > 1) {
        Element *both = element_and(ev, all.items, all.count);
        if (out->secondary_on) out->secondary_on = both;
        else out->primary = both;
    }
    return true;
}
