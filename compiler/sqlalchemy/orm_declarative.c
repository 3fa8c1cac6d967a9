/*
 * Declarative mapping: from a class statement to a Table and a Mapper.
 *
 * Input: a class whose body holds mapped_column(), Column, relationship(), annotations `Mapped[…]`, mixins,
 * declared_attr and the dunder settings. Output: its Table in the registry's MetaData and its Mapper.
 * Invariants: the class's own columns come first, then those of mixins in the order of the mro; columns of a mixin
 * are copied for each class; each mapped attribute's name in the class holds a descriptor (orm_entity.c).
 * Example: class User(Base): __tablename__ = "users"; id: Mapped[int] = mapped_column(primary_key=True)
 */
#include "compiler/sqlalchemy/session.h"

typedef struct DeclaredColumn {
    Element *column;
    int order;
} DeclaredColumn;

typedef struct Scan {
    Evaluator *ev;
    Class *cls;
    Registry *registry;
    MapperSpec spec;
    DeclaredColumn *columns;
    int column_count, column_capacity;
    AtomMap seen;
    Atom *init_order;
    int init_count, init_capacity;
    AtomMap init_defaults;
    bool unmapped_allowed; /* SQLModel, __allow_unmapped__: annotations without Mapped[] count */
} Scan;

static bool is_dunder(Atom name) {
    return name->text.length > 4 && slice_starts_with(name->text, "__") && slice_ends_with(name->text, "__");
}

static Value *class_own_value(const Class *cls, const char *name, Evaluator *ev) {
    return atom_map_get(&cls->names, orm_atom(ev, name));
}

/* A setting of the class body (`__tablename__` …): its own, or of a base that is not mapped itself. */
static Value *scan_setting(Scan *scan, const char *name) {
    Evaluator *ev = scan->ev;
    for (int i = 0; i < scan->cls->mro_count; i++) {
        Class *base = scan->cls->mro[i];
        if (i && mapper_of_class(base)) continue;
        Value *value = class_own_value(base, name, ev);
        if (!value) continue;
        if (value->type == &orm_declared_attr_type) return declared_attr_call(ev, value, scan->cls);
        if (value_is(value, VALUE_FUNCTION) || value_is(value, VALUE_CLASSMETHOD)) {
            Value *bound = value_get_attribute(ev, &scan->cls->head, orm_atom(ev, name), scan->cls->node);
            if (!bound) return NULL;
            return value_is(bound, VALUE_METHOD) ? value_call_with(ev, bound, NULL, 0, scan->cls->node) : bound;
        }
        return value;
    }
    return NULL;
}

/* ---- one attribute ---- */

static bool is_mapped_container(const TypeExpr *expr) {
    return type_expr_is(expr, "Mapped") || type_expr_is(expr, "DynamicMapped") || type_expr_is(expr, "WriteOnlyMapped");
}

/* The mapped_column() that an Annotated[…] brings. */
static MappedColumn *alias_mapped_column(Value *value, int depth) {
    Value *arguments = NULL;
    if (!value || depth > 4 || !value_alias_parts(value, NULL, &arguments) || !arguments) return NULL;
    if (arguments->type == &orm_mapped_column_type) return (MappedColumn *)arguments;
    if (!value_is(arguments, VALUE_TUPLE)) return NULL;
    ListValue *items = (ListValue *)arguments;
    for (int i = 0; i < items->count; i++) {
        if (items->items[i]->type == &orm_mapped_column_type) return (MappedColumn *)items->items[i];
        MappedColumn *inner = alias_mapped_column(items->items[i], depth + 1);
        if (inner) return inner;
    }
    return NULL;
}

static TypeExpr *alias_annotation(Scan *scan, Value *value) {
    if (!value) return NULL;
    Slice text = value_repr(scan->ev, value);
    return type_expr_parse(evaluator_arena(scan->ev), text);
}

/* What the program wrote in mapped_column() over what its Annotated[] type brings. */
static void mapped_merge(Evaluator *ev, MappedColumn *mapped, const MappedColumn *brought) {
    Element *column = column_copy(ev, brought->column);
    SchemaColumn *to = COLUMN(column)->schema;
    const SchemaColumn *from = COLUMN(mapped->column)->schema;
    if (mapped->typed) column->type = mapped->column->type;
    if (mapped->column->name.text.length) {
        column->name = mapped->column->name;
        COLUMN(column)->key = COLUMN(mapped->column)->key;
    }
    to->primary_key |= from->primary_key;
    COLUMN(column)->primary_key |= from->primary_key;
    if (from->nullable_given) to->nullable = from->nullable, to->nullable_given = true;
    if (from->default_value) to->default_value = from->default_value;
    if (from->server_default) to->server_default = from->server_default;
    if (from->onupdate) to->onupdate = from->onupdate;
    to->unique |= from->unique;
    to->index |= from->index;
    if (from->pending_count) {
        Value **items = ARENA_ARRAY(evaluator_arena(ev), Value *, to->pending_count + from->pending_count);
        for (int i = 0; i < to->pending_count; i++) items[i] = to->pending_items[i];
        for (int i = 0; i < from->pending_count; i++) items[to->pending_count + i] = from->pending_items[i];
        to->pending_items = items;
        to->pending_count += from->pending_count;
    }
    mapped->typed = mapped->typed || brought->typed;
    mapped->column = column;
    if (!mapped->sort_order) mapped->sort_order = brought->sort_order;
}

static bool scan_type_column(Scan *scan, MappedColumn *mapped, TypeExpr *expr, const Node *node) {
    Evaluator *ev = scan->ev;
    bool optional = false;
    TypeExpr *inner = type_expr_strip_none(evaluator_arena(ev), expr, &optional);
    Value *alias = inner && inner->count == 0 ? annotation_value(ev, scan->cls, inner) : NULL;
    if (alias && value_is(alias, VALUE_CLASS)) alias = NULL;
    MappedColumn *brought = alias_mapped_column(alias, 0);
    if (!brought && type_expr_is(inner, "Annotated")) {
        for (int i = 0; i < class_annotation_count(scan->cls); i++) {
            if (class_annotation_node(scan->cls, i) != node) continue;
            Value *whole = class_annotation_evaluate(ev, scan->cls, i);
            if (!whole) evaluator_clear_error(ev);
            brought = alias_mapped_column(whole, 0);
        }
    }
    if (brought) mapped_merge(ev, mapped, brought);
    if (alias) {
        TypeExpr *text = alias_annotation(scan, alias);
        if (type_expr_is(text, "Annotated") && text->count) text = text->args[0];
        type_expr_strip_none(evaluator_arena(ev), text, &optional);
    }
    SchemaColumn *schema = COLUMN(mapped->column)->schema;
    if (!schema->nullable_given && !schema->primary_key) schema->nullable = optional;
    if (mapped->typed) return true;
    SaType *type = annotation_type(ev, scan->cls, scan->registry, inner);
    if (evaluator_error_pending(ev)) return false;
    if (type) {
        if (!schema->deferred_type || !schema->pending_count || true) mapped->column->type = type;
        schema->deferred_type = false;
        return true;
    }
    if (schema->pending_count || schema->foreign_key_count || !inner) return true;
    sa_raise(ev, SA_ARGUMENT_ERROR, node ? node : scan->cls->node,
             "Could not locate SQLAlchemy Core type for Python type '%.*s' inside the annotation",
             SLICE_ARGS(inner->text));
    return false;
}

static void scan_add_column(Scan *scan, Element *column, int order) {
    Arena *arena = evaluator_arena(scan->ev);
    ARENA_PUSH(arena, scan->columns, scan->column_count, scan->column_capacity) = (DeclaredColumn){column, order};
    element_list_push(scan->ev, &scan->spec.declared, column);
}

static bool scan_mapped_column(Scan *scan, Atom key, MappedColumn *mapped, TypeExpr *expr, const Node *node) {
    Evaluator *ev = scan->ev;
    if (!mapped->column) { /* column_property, synonym, composite … */
        atom_map_set(&scan->spec.properties, key, mapped);
        return true;
    }
    if (expr && !scan_type_column(scan, mapped, expr, node)) return false;
    Element *column = mapped->column;
    if (!column->name.text.length) {
        column->name = name_from(key->text);
        COLUMN(column)->key = column->name;
    } else if (!COLUMN(column)->key.text.length) {
        COLUMN(column)->key = column->name;
    }
    if (mapped->use_existing && scan->spec.inherits) {
        Element *existing = from_column(ev, scan->spec.inherits->local_table, COLUMN(column)->key.text);
        if (existing && !scan->spec.table) {
            element_list_push(ev, &scan->spec.declared, existing);
            return true;
        }
    }
    scan_add_column(scan, column, mapped->sort_order);
    if (!slice_equals(COLUMN(column)->key.text, key->text) || mapped->deferred)
        atom_map_set(&scan->spec.properties, key, mapped);
    return true;
}

static MappedColumn *mapped_of_column(Evaluator *ev, Element *column) {
    MappedColumn *mapped = instance_allocate(ev, orm_state(ev)->mapped_column, sizeof *mapped);
    mapped->column = column;
    mapped->typed = true;
    return mapped;
}

static MappedColumn *mapped_copy(Evaluator *ev, const MappedColumn *mapped) {
    MappedColumn *copy = ARENA_NEW(evaluator_arena(ev), MappedColumn);
    *copy = *mapped;
    if (copy->column) copy->column = column_copy(ev, copy->column);
    return copy;
}

static bool scan_composite(Scan *scan, MappedColumn *mapped, TypeExpr *expr) {
    Evaluator *ev = scan->ev;
    if (!mapped->composite_class && expr) {
        bool optional = false;
        Value *value = annotation_value(ev, scan->cls, type_expr_strip_none(evaluator_arena(ev), expr, &optional));
        if (value && value_is(value, VALUE_CLASS)) mapped->composite_class = (Class *)value;
    }
    int fields = mapped->composite_class ? class_annotation_count(mapped->composite_class) : 0;
    for (int i = 0; i < mapped->composite_count; i++) {
        Value *item = mapped->composite_items[i];
        if (value_is(item, VALUE_STRING)) {
            mapped->composite_keys[i] = value_as_atom(ev, item);
            continue;
        }
        Element *column = item->type == &orm_mapped_column_type ? ((MappedColumn *)item)->column : element_of(ev, item);
        if (!column) continue;
        bool known = list_has(&scan->spec.declared, column);
        if (!known && i < fields && item->type == &orm_mapped_column_type) {
            const Node *node = class_annotation_node(mapped->composite_class, i);
            TypeExpr *field = type_expr_parse(evaluator_arena(ev), span_text(evaluator_span(ev, node)));
            if (!scan_type_column(scan, (MappedColumn *)item, field, node)) return false;
        }
        if (!known) scan_add_column(scan, column, 0);
        mapped->composite_keys[i] = atom_intern(evaluator_atoms(ev), column->name.text);
    }
    return true;
}

static void scan_init_field(Scan *scan, Atom key, Value *value) {
    MappedColumn *mapped = value && value->type == &orm_mapped_column_type ? (MappedColumn *)value : NULL;
    if (mapped && mapped->dataclass_init && value_is(mapped->dataclass_init, VALUE_BOOL) &&
        !value_is_true(mapped->dataclass_init))
        return;
    if (value && value->type == &orm_relationship_type && !((Relationship *)value)->init) return;
    ARENA_PUSH(evaluator_arena(scan->ev), scan->init_order, scan->init_count, scan->init_capacity) = key;
    if (mapped && mapped->dataclass_default) atom_map_set(&scan->init_defaults, key, mapped->dataclass_default);
}

/* A value that is mapped: column, relationship, SQL expression. */
static bool scan_value(Scan *scan, Class *base, Atom key, Value *value, TypeExpr *expr, const Node *annotation) {
    Evaluator *ev = scan->ev;
    bool mixin = base != scan->cls;
    Element *element = value_is_element(value) ? element_of(ev, value) : NULL;
    if (value->type == &orm_mapped_column_type) {
        MappedColumn *mapped = (MappedColumn *)value;
        Element *inner = mapped->columns.count == 1 ? mapped->columns.items[0] : NULL;
        bool own = inner && inner->kind == EL_COLUMN && COLUMN(inner)->schema && !COLUMN(inner)->table;
        if (own && !mapped->column) { /* deferred(Column(…)), column_property(Column(…)) */
            mapped->column = inner;
            mapped->typed = true;
            mapped->is_expression = false;
        }
        scan_init_field(scan, key, value);
        if (mapped->kind == PROPERTY_COMPOSITE && !scan_composite(scan, mapped, expr)) return false;
        return scan_mapped_column(scan, key, mapped, expr, annotation);
    }
    if (value->type == &orm_relationship_type) {
        Relationship *relationship = (Relationship *)value;
        if (relationship->parent || mixin) {
            Relationship *copy = ARENA_NEW(evaluator_arena(ev), Relationship);
            *copy = *relationship;
            copy->parent = NULL;
            relationship = copy;
        }
        relationship->annotation = expr;
        relationship->defined_on = base;
        scan_init_field(scan, key, value);
        atom_map_set(&scan->spec.properties, key, relationship);
    } else if (element && element_is_column(element)) {
        atom_map_set(&scan->spec.properties, key, element);
    }
    return true;
}

static bool scan_attribute(Scan *scan, Class *base, Atom key, Value *value, const Node *annotation) {
    Evaluator *ev = scan->ev;
    if (is_dunder(key) || atom_map_get(&scan->seen, key)) return true;
    atom_map_set(&scan->seen, key, scan);
    bool mixin = base != scan->cls;
    if (mixin && scan->spec.inherits && mapper_property(scan->spec.inherits, key)) return true;
    if (value && value->type == &orm_declared_attr_type) {
        annotation = declared_attr_annotation(value);
        value = declared_attr_call(ev, value, scan->cls);
        if (!value) return false;
        mixin = false;
    }
    TypeExpr *expr = NULL;
    if (annotation) {
        expr = type_expr_parse(evaluator_arena(ev), span_text(evaluator_span(ev, annotation)));
        bool mapped = is_mapped_container(expr);
        if (!mapped && type_expr_is(expr, "ClassVar")) return true;
        if (mapped) {
            TypeExpr *container = expr;
            expr = expr->count ? expr->args[0] : NULL;
            if (value && value->type == &orm_relationship_type) {
                if (type_expr_is(container, "DynamicMapped")) ((Relationship *)value)->lazy = LAZY_DYNAMIC;
                if (type_expr_is(container, "WriteOnlyMapped")) ((Relationship *)value)->lazy = LAZY_WRITE_ONLY;
            }
        } else if (!scan->unmapped_allowed) {
            expr = NULL;
            if (!value) return true;
        }
    }
    if (value && value->type == &orm_field_type) value = field_as_mapped(ev, value, expr);
    if (!value && expr) {
        static const Arguments none = {0};
        Arguments empty = none;
        empty.site = annotation;
        value = (Value *)mapped_column_new(ev, &empty, "mapped_column");
    }
    if (!value) return !evaluator_error_pending(ev);
    Element *element = value_is_element(value) ? element_of(ev, value) : NULL;
    if (element && element->kind == EL_COLUMN && COLUMN(element)->schema)
        value = (Value *)mapped_of_column(ev, mixin ? column_copy(ev, element) : element);
    else if (value->type == &orm_mapped_column_type && mixin) value = (Value *)mapped_copy(ev, (MappedColumn *)value);
    if (scan->unmapped_allowed && expr && !element && value->type != &orm_mapped_column_type &&
        value->type != &orm_relationship_type)
        value = field_from_default(ev, value, expr);
    return scan_value(scan, base, key, value, expr, annotation);
}

static const Node *statement_name(Evaluator *ev, const Node *statement, Atom *name, const Node **annotation) {
    (void)ev;
    *name = NULL;
    *annotation = NULL;
    if (statement->kind == NODE_AnnAssign) {
        const NodeAnnAssign *item = NODE_AS(AnnAssign, (Node *)statement);
        if (item->target->kind == NODE_Name) {
            *name = NODE_AS(Name, item->target)->id;
            *annotation = item->annotation;
        }
    } else if (statement->kind == NODE_Assign) {
        const NodeAssign *item = NODE_AS(Assign, (Node *)statement);
        if (item->targets.items[0]->kind == NODE_Name) *name = NODE_AS(Name, item->targets.items[0])->id;
    } else if (statement->kind == NODE_FunctionDef) {
        *name = NODE_AS(FunctionDef, (Node *)statement)->name;
    }
    return statement;
}

static bool scan_body(Scan *scan, Class *base) {
    const NodeClassDef *node = base->node ? NODE_AS(ClassDef, (Node *)base->node) : NULL;
    for (int i = 0; node && i < node->body.count; i++) {
        Atom name;
        const Node *annotation;
        statement_name(scan->ev, node->body.items[i], &name, &annotation);
        Value *value = name ? atom_map_get(&base->names, name) : NULL;
        if (name && (value || annotation) && !scan_attribute(scan, base, name, value, annotation)) return false;
    }
    for (int i = 0; i < base->names.count; i++) {
        Atom name = base->names.entries[i].key;
        if (name && !scan_attribute(scan, base, name, base->names.entries[i].value, NULL)) return false;
    }
    return true;
}

/* ---- the table ---- */

static Element *scan_make_table(Scan *scan, Value *table_name, Value *table_args) {
    Evaluator *ev = scan->ev;
    Arena *arena = evaluator_arena(ev);
    ListValue *extra = table_args && value_is(table_args, VALUE_TUPLE) ? (ListValue *)table_args : NULL;
    DictValue *options = table_args && value_is(table_args, VALUE_DICT) ? (DictValue *)table_args : NULL;
    int extra_count = extra ? extra->count : 0;
    if (extra_count && value_is(extra->items[extra_count - 1], VALUE_DICT))
        options = (DictValue *)extra->items[--extra_count];
    Arguments arguments = {.site = scan->cls->node};
    arguments.items = ARENA_ARRAY(arena, Value *, scan->column_count + extra_count + 2);
    arguments.items[arguments.count++] = table_name;
    arguments.items[arguments.count++] = &scan->registry->metadata->head.head;
    Value *own_metadata = class_find(scan->cls, orm_atom(ev, "metadata"));
    if (own_metadata && value_is_metadata(ev, own_metadata)) arguments.items[1] = own_metadata;
    int lowest = 0, highest = 0;
    for (int i = 0; i < scan->column_count; i++) {
        if (scan->columns[i].order < lowest) lowest = scan->columns[i].order;
        if (scan->columns[i].order > highest) highest = scan->columns[i].order;
    }
    for (int i = 0, order = lowest; order <= highest && i <= scan->column_count; i++) {
        if (i == scan->column_count) {
            int next = highest + 1;
            for (int j = 0; j < scan->column_count; j++)
                if (scan->columns[j].order > order && scan->columns[j].order < next) next = scan->columns[j].order;
            order = next;
            i = -1;
        } else if (scan->columns[i].order == order) {
            arguments.items[arguments.count++] = (Value *)scan->columns[i].column;
        }
    }
    for (int i = 0; i < extra_count; i++) arguments.items[arguments.count++] = extra->items[i];
    arguments.nodes = ARENA_ARRAY(arena, const Node *, arguments.count);
    for (int i = 0; i < arguments.count; i++) arguments.nodes[i] = scan->cls->node;
    arguments.keywords = ARENA_ARRAY(arena, Keyword, options ? options->count + 1 : 1);
    for (int i = 0; options && i < options->count; i++)
        if (value_is(options->entries[i].key, VALUE_STRING))
            arguments.keywords[arguments.keyword_count++] =
                (Keyword){value_as_atom(ev, options->entries[i].key), options->entries[i].value, scan->cls->node};
    Value *made = value_call(ev, &sa_state(ev)->table_class->head, &arguments);
    return made ? element_of(ev, made) : NULL;
}

static bool scan_table(Scan *scan, Element *given) {
    Evaluator *ev = scan->ev;
    Value *explicit = given ? NULL : scan_setting(scan, "__table__");
    Value *name = given || explicit ? NULL : scan_setting(scan, "__tablename__");
    if (evaluator_error_pending(ev)) return false;
    if (given || explicit) {
        scan->spec.table = given ? given : element_of(ev, explicit);
        return scan->spec.table != NULL;
    }
    if (name && !value_is_none(name) && value_is(name, VALUE_STRING)) {
        Value *table_args = scan_setting(scan, "__table_args__");
        if (evaluator_error_pending(ev)) return false;
        scan->spec.table = scan_make_table(scan, name, table_args);
        return scan->spec.table != NULL;
    }
    if (!scan->spec.inherits) {
        sa_raise(ev, SA_INVALID_REQUEST_ERROR, scan->cls->node,
                 "Class %s does not have a __table__ or __tablename__ specified and does not inherit from an existing "
                 "table-mapped class.",
                 scan->cls->name->text.start);
        return false;
    }
    for (int i = 0; i < scan->column_count; i++) {
        Element *column = scan->columns[i].column;
        if (from_column(ev, scan->spec.inherits->local_table, COLUMN(column)->key.text) == column) continue;
        if (!table_add_item(ev, scan->spec.inherits->local_table, (Value *)column, scan->cls->node)) return false;
    }
    return true;
}

/* Puts descriptors into the class, so that attributes of mixins and bases are hidden by the mapped ones. */
void mapper_instrument(Evaluator *ev, Mapper *mapper) {
    for (int i = 0; i < mapper->properties.count; i++) {
        Atom key = mapper->properties.entries[i].key;
        if (key) value_set_attribute(ev, &mapper->cls->head, key, orm_descriptor(ev, key), mapper->cls->node);
    }
}

bool declarative_map(Evaluator *ev, Class *cls, Registry *registry, Element *table, bool unmapped_allowed) {
    Scan scan = {.ev = ev, .cls = cls, .registry = registry, .unmapped_allowed = unmapped_allowed};
    scan.spec.cls = cls;
    scan.spec.registry = registry;
    scan.spec.site = cls->node;
    atom_map_init(&scan.seen, evaluator_arena(ev));
    atom_map_init(&scan.spec.properties, evaluator_arena(ev));
    atom_map_init(&scan.init_defaults, evaluator_arena(ev));
    for (int i = 1; i < cls->mro_count && !scan.spec.inherits; i++) scan.spec.inherits = mapper_of_class(cls->mro[i]);
    Value *allow = class_find(cls, orm_atom(ev, "__allow_unmapped__"));
    if (allow && value_is_true(allow)) scan.unmapped_allowed = true;
    for (int n = 0; n < cls->mro_count; n++) { /* SQLModel: fields of bases come first */
        int i = unmapped_allowed ? cls->mro_count - 1 - n : n;
        Class *base = cls->mro[i];
        if (i && (mapper_of_class(base) || !base->node)) continue;
        if (!scan_body(&scan, base)) return false;
    }
    Value *arguments = scan_setting(&scan, "__mapper_args__");
    if (evaluator_error_pending(ev)) return false;
    if (arguments && value_is(arguments, VALUE_DICT)) scan.spec.arguments = (DictValue *)arguments;
    if (!scan_table(&scan, table)) return false;
    Mapper *mapper = mapper_new(ev, &scan.spec);
    if (!mapper) return false;
    mapper->init_order = scan.init_order;
    mapper->init_count = scan.init_count;
    mapper->init_defaults = scan.init_defaults;
    mapper->is_dataclass = orm_state(ev)->as_dataclass && class_is_subclass(cls, orm_state(ev)->as_dataclass);
    orm_adopt_class(ev, cls);
    mapper_instrument(ev, mapper);
    if (!value_set_attribute(ev, &cls->head, orm_atom(ev, "__table__"), (Value *)mapper->local_table, cls->node))
        return false;
    if (!value_set_attribute(ev, &cls->head, orm_atom(ev, "__mapper__"), orm_mapper_value(ev, mapper), cls->node))
        return false;
    mapper->seen_names = cls->names.count;
    return true;
}
