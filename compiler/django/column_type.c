/*
 * Types of columns by dialect. Input: a field; output: the text that CREATE TABLE or a cast has for it.
 *
 * Invariant: a foreign key has the type of the field it points to, without what makes that one automatic.
 *
 * Example: ForeignKey to a BigAutoField: "bigint"; CharField(max_length=20): "varchar(20)".
 */
#include "compiler/django/column_type.h"
#include "compiler/django/model_build.h"

typedef struct ColumnType {
    const char *texts[3]; /* PostgreSQL, SQLite, MySQL */
} ColumnType;

static const ColumnType column_types[FIELD_KIND_COUNT] = {
#define COLUMN(kind, postgresql, sqlite, mysql) [FIELD_##kind] = {{postgresql, sqlite, mysql}},
#include "compiler/django/column_types.def"
#undef COLUMN
};

/* ---- connection ---- */

static Value *connection_get_attribute(Evaluator *ev, Value *self, Atom name, const Node *site) {
    (void)self;
    const Dialect *dialect = evaluator_dialect(ev);
    if (slice_equals_text(name->text, "vendor"))
        return value_string(ev, slice_from(dialect->is_mysql ? "mysql" : dialect->name));
    if (slice_equals_text(name->text, "mysql_is_mariadb")) return value_bool(ev, dialect->id == DIALECT_MARIADB);
    if (slice_equals_text(name->text, "alias")) return value_string(ev, SLICE("default"));
    UnknownValue *owner = (UnknownValue *)value_unknown(ev, SLICE("connection"), site, NULL);
    return value_unknown_attribute(ev, owner, name, site);
}

static const Type connection_type = {
    .name = "DatabaseWrapper", .kind = VALUE_NATIVE, .get_attribute = connection_get_attribute};

Value *django_connection(Evaluator *ev) {
    Value *connection = arena_allocate_zeroed(evaluator_arena(ev), sizeof *connection);
    *connection = (Value){&connection_type, evaluator_object_class(ev)};
    return connection;
}

/* ---- types ---- */

static void write_number(Buffer *out, int number) {
    if (number < 0) {
        buffer_text(out, "None");
    } else {
        buffer_format(out, "%d", number);
    }
}

static Slice fill_template(Evaluator *ev, const char *text, const DjField *field) {
    Buffer out;
    if (!strchr(text, '{')) return slice_from(text);
    buffer_init(&out, evaluator_arena(ev));
    for (; *text; text++) {
        if (*text != '{') {
            buffer_put(&out, *text);
            continue;
        }
        char hole = text[1];
        write_number(&out, hole == 'n' ? field->max_length : hole == 'd' ? field->max_digits : field->decimal_places);
        text += 2;
    }
    return buffer_view(&out);
}

static Slice type_of_kind(Evaluator *ev, const DjField *field, FieldKind kind) {
    const Dialect *dialect = evaluator_dialect(ev);
    int at = dialect->id == DIALECT_POSTGRESQL ? 0 : dialect->id == DIALECT_SQLITE ? 1 : 2;
    const char *text = column_types[kind].texts[at];
    if (!text) return (Slice){"", 0};
    bool varchar = strcmp(text, "varchar({n})") == 0;
    if (varchar && field->max_length < 0 && !dialect->is_mysql) return SLICE("varchar");
    if (kind == FIELD_UUID && dialect->has_native_uuid) return SLICE("uuid");
    return fill_template(ev, text, field);
}

/* What a foreign key to this field has: no AUTO_INCREMENT, no UNSIGNED but on MySQL. */
static Slice related_type(Evaluator *ev, DjField *target) {
    bool mysql = evaluator_dialect(ev)->is_mysql;
    switch ((int)target->internal) {
    case FIELD_AUTO: return type_of_kind(ev, target, FIELD_INTEGER);
    case FIELD_BIG_AUTO: return type_of_kind(ev, target, FIELD_BIG_INTEGER);
    case FIELD_SMALL_AUTO: return type_of_kind(ev, target, FIELD_SMALL_INTEGER);
    case FIELD_POSITIVE_INTEGER:
    case FIELD_POSITIVE_BIG_INTEGER:
    case FIELD_POSITIVE_SMALL_INTEGER:
        if (mysql) break;
        return type_of_kind(ev, target,
                            target->internal == FIELD_POSITIVE_BIG_INTEGER ? FIELD_BIG_INTEGER : FIELD_INTEGER);
    default: break;
    }
    return field_column_type(ev, target);
}

static Slice overridden_type(Evaluator *ev, DjField *field, Value *own) {
    Value *items[2] = {(Value *)field, django_connection(ev)};
    Value *answer = value_call_with(ev, own, items, 2, NULL);
    if (!answer) evaluator_clear_error(ev);
    return value_text_or_empty(answer);
}

Slice field_column_type(Evaluator *ev, DjField *field) {
    Value *own = field_override(ev, field, "db_type");
    if (own) {
        Slice type = overridden_type(ev, field, own);
        if (type.length) return type;
    }
    if (field_kind_is(field->kind, FIELD_FOREIGN_KEY)) {
        DjField *target = field_target(ev, field);
        return target ? related_type(ev, target) : SLICE("integer");
    }
    if (field->kind == FIELD_GENERATED) return field_column_type(ev, field->output_field);
    if (field->internal == FIELD_ARRAY && field->base_field) {
        Slice item = field_column_type(ev, field->base_field);
        if (field->array_size >= 0)
            return slice_format(evaluator_arena(ev), "%.*s[%d]", SLICE_ARGS(item), field->array_size);
        return slice_format(evaluator_arena(ev), "%.*s[]", SLICE_ARGS(item));
    }
    return type_of_kind(ev, field, field->internal);
}

static Slice mysql_cast_type(Evaluator *ev, DjField *field) {
    switch ((int)field->internal) {
    case FIELD_AUTO:
    case FIELD_BIG_AUTO:
    case FIELD_SMALL_AUTO:
    case FIELD_INTEGER:
    case FIELD_BIG_INTEGER:
    case FIELD_SMALL_INTEGER:
    case FIELD_DURATION: return SLICE("signed integer");
    case FIELD_POSITIVE_INTEGER:
    case FIELD_POSITIVE_BIG_INTEGER:
    case FIELD_POSITIVE_SMALL_INTEGER: return SLICE("unsigned integer");
    case FIELD_TEXT: return SLICE("char");
    case FIELD_CHAR: return fill_template(ev, "char({n})", field);
    case FIELD_DECIMAL: return fill_template(ev, "decimal({d}, {p})", field);
    default: return field_column_type(ev, field);
    }
}

Slice field_cast_type(Evaluator *ev, DjField *field) {
    const Dialect *dialect = evaluator_dialect(ev);
    if (field_kind_is(field->kind, FIELD_FOREIGN_KEY) || field->kind == FIELD_GENERATED) {
        DjField *target = field->rel ? field_final_target(ev, field) : field->output_field;
        return target ? field_cast_type(ev, target) : SLICE("integer");
    }
    if (field->internal == FIELD_ARRAY && field->base_field) {
        Slice item = field_cast_type(ev, field->base_field);
        if (field->array_size >= 0)
            return slice_format(evaluator_arena(ev), "%.*s[%d]", SLICE_ARGS(item), field->array_size);
        return slice_format(evaluator_arena(ev), "%.*s[]", SLICE_ARGS(item));
    }
    if (field->internal == FIELD_CHAR && field->max_length < 0)
        return dialect->is_mysql ? SLICE("char") : dialect->id == DIALECT_SQLITE ? SLICE("text") : SLICE("varchar");
    if (dialect->id == DIALECT_SQLITE && (field->internal == FIELD_DATE || field->internal == FIELD_DATETIME))
        return SLICE("TEXT");
    return dialect->is_mysql ? mysql_cast_type(ev, field) : field_column_type(ev, field);
}

bool field_has_placeholder(const DjField *field) {
    return field->internal == FIELD_ARRAY || field_kind_is(field->internal, FIELD_RANGE);
}

Slice field_column_check(Evaluator *ev, DjField *field) {
    Arena *arena = evaluator_arena(ev);
    if (field->kind == FIELD_GENERATED) return (Slice){"", 0};
    if (!field->column) return (Slice){"", 0};
    Slice column = name_quote(ev, field->column->text);
    switch ((int)field->internal) {
    case FIELD_POSITIVE_INTEGER:
    case FIELD_POSITIVE_BIG_INTEGER:
    case FIELD_POSITIVE_SMALL_INTEGER: return slice_format(arena, "%.*s >= 0", SLICE_ARGS(column));
    case FIELD_JSON:
        if (evaluator_dialect(ev)->id != DIALECT_SQLITE) break;
        return slice_format(arena, "(JSON_VALID(%.*s) OR %.*s IS NULL)", SLICE_ARGS(column), SLICE_ARGS(column));
    default: break;
    }
    return (Slice){"", 0};
}

Slice name_quote(Evaluator *ev, Slice name) {
    char quote = evaluator_dialect(ev)->quote;
    if (name.length > 1 && name.start[0] == quote && name.start[name.length - 1] == quote) return name;
    return slice_format(evaluator_arena(ev), "%c%.*s%c", quote, SLICE_ARGS(name), quote);
}
