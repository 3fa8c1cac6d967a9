/*
 * Types as SQL names: in CREATE TABLE and in CAST.
 *
 * Input: a type and a dialect. Output: "VARCHAR(50)", or a CompileError where the dialect has no such type.
 * Invariants: variants and decorators are followed first; a name in capitals in Python is written as it is, a generic
 * type by the dialect's own name for it.
 * Example: DateTime(timezone=True) is TIMESTAMP WITH TIME ZONE on PostgreSQL, DATETIME elsewhere.
 */
#include "compiler/sqlalchemy/lower.h"

typedef struct TypeWriter {
    Evaluator *ev;
    Buffer *out;
    const Dialect *dialect;
    const Node *site;
} TypeWriter;

static bool is_postgresql(const TypeWriter *w) { return w->dialect->id == DIALECT_POSTGRESQL; }

static bool write_refused(const TypeWriter *w, const SaType *type) {
    sa_raise(w->ev, SA_UNSUPPORTED_COMPILATION_ERROR, w->site, "Compiler can't render element of type %.*s",
             SLICE_ARGS(type->head.head.cls->name->text));
    return false;
}

static bool write_number(const TypeWriter *w, const SaType *type, const char *name, bool with_scale) {
    buffer_text(w->out, name);
    if (type->precision >= 0 && with_scale && type->scale >= 0)
        buffer_format(w->out, "(%lld, %lld)", (long long)type->precision, (long long)type->scale);
    else if (type->precision >= 0) buffer_format(w->out, "(%lld)", (long long)type->precision);
    if (type->unsigned_number && w->dialect->is_mysql) buffer_text(w->out, " UNSIGNED");
    if (type->zerofill && w->dialect->is_mysql) buffer_text(w->out, " ZEROFILL");
    return true;
}

/* DOUBLE and REAL of MySQL take both numbers or none. */
static bool write_mysql_double(const TypeWriter *w, const SaType *type, const char *name) {
    SaType plain = *type;
    if (plain.precision < 0 || plain.scale < 0) plain.precision = plain.scale = -1;
    return write_number(w, &plain, name, true);
}

static bool write_integer(const TypeWriter *w, const SaType *type, const char *name) {
    buffer_text(w->out, name);
    if (w->dialect->is_mysql && type->length >= 0) buffer_format(w->out, "(%lld)", (long long)type->length);
    if (type->unsigned_number && w->dialect->is_mysql) buffer_text(w->out, " UNSIGNED");
    if (type->zerofill && w->dialect->is_mysql) buffer_text(w->out, " ZEROFILL");
    return true;
}

static bool write_mysql_string(const TypeWriter *w, const SaType *type, const char *name, bool national) {
    if (national || type->national) buffer_text(w->out, "NATIONAL ");
    buffer_text(w->out, name);
    if (type->length >= 0 && strstr(name, "INYTEXT") == NULL && strstr(name, "MTEXT") == NULL &&
        strstr(name, "GTEXT") == NULL)
        buffer_format(w->out, "(%lld)", (long long)type->length);
    if (!national && !type->national) {
        if (type->charset.length) buffer_format(w->out, " CHARACTER SET %.*s", SLICE_ARGS(type->charset));
        else if (type->ascii) buffer_text(w->out, " ASCII");
        else if (type->unicode) buffer_text(w->out, " UNICODE");
    }
    if (type->collation.length) buffer_format(w->out, " COLLATE %.*s", SLICE_ARGS(type->collation));
    else if (type->binary) buffer_text(w->out, " BINARY");
    return true;
}

static bool write_string(const TypeWriter *w, const SaType *type, const char *name) {
    if (w->dialect->is_mysql) {
        bool national = type_is(type, TYPE_SQL_NVARCHAR) || type_is(type, TYPE_SQL_NCHAR);
        const char *plain = strcmp(name, "NVARCHAR") == 0 ? "VARCHAR" : strcmp(name, "NCHAR") == 0 ? "CHAR" : name;
        if (strcmp(plain, "VARCHAR") == 0 && type->length < 0) {
            sa_raise(w->ev, SA_COMPILE_ERROR, w->site, "%s requires a length on dialect %s", name, w->dialect->name);
            return false;
        }
        return write_mysql_string(w, type, plain, national);
    }
    buffer_text(w->out, name);
    if (type->length > 0) buffer_format(w->out, "(%lld)", (long long)type->length);
    if (type->collation.length) {
        buffer_text(w->out, " COLLATE ");
        buffer_format(w->out, "\"%.*s\"", SLICE_ARGS(type->collation));
    }
    return true;
}

static bool write_timestamp(const TypeWriter *w, const SaType *type, const char *name) {
    buffer_text(w->out, name);
    bool own_precision = type_is(type, TYPE_PG_TIMESTAMP) || type_is(type, TYPE_PG_TIME) ||
                         type->kind == TYPE_MY_TIME || type->kind == TYPE_MY_DATETIME ||
                         type->kind == TYPE_MY_TIMESTAMP;
    if (own_precision && type->precision >= (w->dialect->is_mysql ? 1 : 0))
        buffer_format(w->out, "(%lld)", (long long)type->precision);
    if (is_postgresql(w)) buffer_text(w->out, type->timezone ? " WITH TIME ZONE" : " WITHOUT TIME ZONE");
    return true;
}

/* The longest label counts in characters. */
static int64_t enum_length(const SaType *type) {
    int64_t longest = 0;
    for (int i = 0; i < type->label_count; i++) {
        int64_t characters = 0;
        for (size_t k = 0; k < type->labels[i].length; k++) characters += (type->labels[i].start[k] & 0xC0) != 0x80;
        if (characters > longest) longest = characters;
    }
    return type->length > longest ? type->length : longest;
}

static void write_labels(const TypeWriter *w, const SaType *type, const char *name) {
    buffer_format(w->out, "%s(", name);
    for (int i = 0; i < type->label_count; i++) {
        buffer_text(w->out, i ? ",'" : "'");
        for (size_t k = 0; k < type->labels[i].length; k++) {
            char c = type->labels[i].start[k];
            if (c == '\'') buffer_put(w->out, '\'');
            if (c == '\\') buffer_put(w->out, '\\');
            buffer_put(w->out, c);
        }
        buffer_put(w->out, '\'');
    }
    buffer_put(w->out, ')');
}

static bool write_enum(const TypeWriter *w, const SaType *type) {
    if (w->dialect->is_mysql && (type->native_enum || type->kind == TYPE_MY_ENUM)) {
        write_labels(w, type, "ENUM");
        if (type->charset.length) buffer_format(w->out, " CHARACTER SET %.*s", SLICE_ARGS(type->charset));
        if (type->collation.length) buffer_format(w->out, " COLLATE %.*s", SLICE_ARGS(type->collation));
        return true;
    }
    if (is_postgresql(w) && type->native_enum) {
        if (!type->name.length) {
            sa_raise(w->ev, SA_COMPILE_ERROR, w->site, "PostgreSQL ENUM type requires a name.");
            return false;
        }
        if (type->schema.length) {
            sa_write_name(w->out, w->dialect, name_from(type->schema));
            buffer_put(w->out, '.');
        }
        sa_write_name(w->out, w->dialect, name_from(type->name));
        return true;
    }
    SaType plain = *type;
    plain.length = enum_length(type);
    return write_string(w, &plain, "VARCHAR");
}

static bool type_write_inner(const TypeWriter *w, const SaType *type);

/* More than any database has; a program that asks for a billion gets a diagnostic. */
enum { ARRAY_DIMENSIONS = 64 };

static bool write_array(const TypeWriter *w, const SaType *type) {
    if (!is_postgresql(w)) return write_refused(w, type);
    if (!type->item) return write_refused(w, type);
    if (type->dimensions > ARRAY_DIMENSIONS) {
        evaluator_raise_id(w->ev, EXCEPTION_LIMIT, w->site, "an array of more than %d dimensions", ARRAY_DIMENSIONS);
        return false;
    }
    size_t start = w->out->length;
    if (!type_write_inner(w, type_on_dialect(w->ev, type->item, w->dialect))) return false;
    Slice made = slice_copy(evaluator_arena(w->ev), slice_sub(buffer_view(w->out), start, w->out->length));
    size_t collate = made.length;
    for (size_t i = 0; i + 9 <= made.length; i++)
        if (memcmp(made.start + i, " COLLATE ", 9) == 0) collate = i;
    w->out->length = start;
    buffer_append(w->out, made.start, collate);
    for (int i = 0; i < (type->dimensions > 0 ? type->dimensions : 1); i++) buffer_text(w->out, "[]");
    buffer_append(w->out, made.start + collate, made.length - collate);
    return true;
}

static bool write_interval(const TypeWriter *w, const SaType *type) {
    bool native = is_postgresql(w) && (!type->native_off || type->kind == TYPE_PG_INTERVAL);
    if (!native) {
        SaType plain = *type;
        plain.timezone = false;
        return write_timestamp(w, &plain, is_postgresql(w) ? "TIMESTAMP" : "DATETIME");
    }
    buffer_text(w->out, "INTERVAL");
    if (type->fields.length) buffer_format(w->out, " %.*s", SLICE_ARGS(type->fields));
    if (type->precision >= 0) buffer_format(w->out, " (%lld)", (long long)type->precision);
    return true;
}

static bool write_binary(const TypeWriter *w, const SaType *type) {
    TypeKind kind = type->kind;
    if (kind == TYPE_SQL_BINARY || kind == TYPE_SQL_VARBINARY) {
        buffer_text(w->out, kind == TYPE_SQL_BINARY ? "BINARY" : "VARBINARY");
        if (type->length >= 0) buffer_format(w->out, "(%lld)", (long long)type->length);
        return true;
    }
    if (is_postgresql(w) && kind != TYPE_SQL_BLOB) return buffer_text(w->out, "BYTEA"), true;
    if (kind == TYPE_MY_TINYBLOB) return buffer_text(w->out, "TINYBLOB"), true;
    if (kind == TYPE_MY_MEDIUMBLOB) return buffer_text(w->out, "MEDIUMBLOB"), true;
    if (kind == TYPE_MY_LONGBLOB) return buffer_text(w->out, "LONGBLOB"), true;
    if (kind == TYPE_PG_BYTEA) return buffer_text(w->out, "BYTEA"), true;
    buffer_text(w->out, "BLOB");
    if (w->dialect->is_mysql && type->length >= 0) buffer_format(w->out, "(%lld)", (long long)type->length);
    return true;
}

static bool write_bit(const TypeWriter *w, const SaType *type) {
    buffer_text(w->out, type->varying ? "BIT VARYING" : "BIT");
    if (type->length >= 0) buffer_format(w->out, "(%lld)", (long long)type->length);
    return true;
}

static bool write_uuid(const TypeWriter *w, const SaType *type) {
    bool native = w->dialect->has_native_uuid || w->dialect->id == DIALECT_MARIADB;
    if (type->kind == TYPE_SQL_UUID || (native && !type->native_uuid_off)) return buffer_text(w->out, "UUID"), true;
    return buffer_text(w->out, "CHAR(32)"), true;
}

/* get_col_spec() of the program's own type. */
static bool write_user_defined(const TypeWriter *w, const SaType *type) {
    Value *self = (Value *)(uintptr_t)&type->head.head;
    Atom name = atom_intern_text(evaluator_atoms(w->ev), "get_col_spec");
    Value *method = value_find_attribute(w->ev, self, name, w->site);
    Arguments none = {.site = w->site};
    Value *text = method ? value_call(w->ev, method, &none) : NULL;
    if (evaluator_error_pending(w->ev)) return false;
    if (!text || !value_is(text, VALUE_STRING)) return write_refused(w, type);
    buffer_slice(w->out, value_text(text));
    return true;
}

static bool write_float(const TypeWriter *w, const SaType *type) {
    TypeKind kind = type->kind;
    if (type_is(type, TYPE_SQL_DOUBLE_PRECISION)) return buffer_text(w->out, "DOUBLE PRECISION"), true;
    if (type_is(type, TYPE_DOUBLE)) {
        if (w->dialect->is_mysql) return write_mysql_double(w, type, "DOUBLE");
        return buffer_text(w->out, is_postgresql(w) && kind == TYPE_DOUBLE ? "DOUBLE PRECISION" : "DOUBLE"), true;
    }
    if (type_is(type, TYPE_SQL_REAL))
        return w->dialect->is_mysql ? write_mysql_double(w, type, "REAL") : (buffer_text(w->out, "REAL"), true);
    if (is_postgresql(w) && type->precision > 0) {
        buffer_format(w->out, "FLOAT(%lld)", (long long)type->precision);
        return true;
    }
    if (w->dialect->is_mysql) return write_number(w, type, "FLOAT", type_is(type, TYPE_MY_FLOAT));
    return buffer_text(w->out, "FLOAT"), true;
}

static bool write_integer_kind(const TypeWriter *w, const SaType *type) {
    if (type->kind == TYPE_MY_TINYINT) return write_integer(w, type, "TINYINT");
    if (type->kind == TYPE_MY_MEDIUMINT) return write_integer(w, type, "MEDIUMINT");
    if (type_is(type, TYPE_SMALL_INTEGER)) return write_integer(w, type, "SMALLINT");
    if (type_is(type, TYPE_BIG_INTEGER)) return write_integer(w, type, "BIGINT");
    return write_integer(w, type, "INTEGER");
}

static bool write_text_kind(const TypeWriter *w, const SaType *type) {
    bool own = type_is(type, TYPE_PG_CITEXT) || type->kind == TYPE_PG_TSVECTOR || type->kind == TYPE_PG_TSQUERY;
    if (own && !is_postgresql(w)) return write_refused(w, type);
    static const struct {
        TypeKind kind;
        const char *name;
    } rows[] = {{TYPE_MY_TINYTEXT, "TINYTEXT"},  {TYPE_MY_MEDIUMTEXT, "MEDIUMTEXT"},
                {TYPE_MY_LONGTEXT, "LONGTEXT"},  {TYPE_PG_CITEXT, "CITEXT"},
                {TYPE_SQL_CLOB, "CLOB"},         {TYPE_TEXT, "TEXT"},
                {TYPE_SQL_NVARCHAR, "NVARCHAR"}, {TYPE_SQL_NCHAR, "NCHAR"},
                {TYPE_SQL_CHAR, "CHAR"},         {TYPE_PG_TSVECTOR, "TSVECTOR"},
                {TYPE_PG_TSQUERY, "TSQUERY"}};
    if (type_is(type, TYPE_ENUM)) return write_enum(w, type);
    if (type->kind == TYPE_MY_SET) return write_labels(w, type, "SET"), true;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (type_is(type, rows[i].kind)) return write_string(w, type, rows[i].name);
    return write_string(w, type, "VARCHAR");
}

static bool type_write_inner(const TypeWriter *w, const SaType *type) {
    if (type->kind == TYPE_DECORATOR && type->item)
        return type_write_inner(w, type_on_dialect(w->ev, type, w->dialect));
    if (type->kind == TYPE_USER_DEFINED) return write_user_defined(w, type);
    if (type->kind == TYPE_PG_DOMAIN) return sa_write_name(w->out, w->dialect, name_from(type->name)), true;
    switch ((int)type->affinity) {
    case TYPE_STRING: return write_text_kind(w, type);
    case TYPE_INTEGER: return write_integer_kind(w, type);
    case TYPE_NUMERIC:
        if (type_is(type, TYPE_FLOAT)) return write_float(w, type);
        return write_number(w, type, type_is(type, TYPE_SQL_DECIMAL) ? "DECIMAL" : "NUMERIC", true);
    case TYPE_DATETIME: {
        bool timestamp = type_is(type, TYPE_SQL_TIMESTAMP) || (is_postgresql(w) && !type_is(type, TYPE_SQL_DATETIME));
        if (is_postgresql(w) && type_is(type, TYPE_SQL_DATETIME)) return buffer_text(w->out, "DATETIME"), true;
        return write_timestamp(w, type, timestamp ? "TIMESTAMP" : "DATETIME");
    }
    case TYPE_DATE: return buffer_text(w->out, "DATE"), true;
    case TYPE_TIME: return write_timestamp(w, type, "TIME");
    case TYPE_LARGE_BINARY: return write_binary(w, type);
    case TYPE_BOOLEAN: return buffer_text(w->out, w->dialect->is_mysql ? "BOOL" : "BOOLEAN"), true;
    case TYPE_INTERVAL: return write_interval(w, type);
    case TYPE_JSON:
        if (type->kind == TYPE_PG_JSONB && !is_postgresql(w)) return write_refused(w, type);
        return buffer_text(w->out, type->kind == TYPE_PG_JSONB ? "JSONB" : "JSON"), true;
    case TYPE_ARRAY: return write_array(w, type);
    case TYPE_UUID: return write_uuid(w, type);
    case TYPE_BIT: return write_bit(w, type);
    case TYPE_NULL: return write_refused(w, type);
    default: break;
    }
    bool postgresql = type->kind >= TYPE_PG_ARRAY && type->kind <= TYPE_PG_TSTZMULTIRANGE;
    bool mysql = type->kind >= TYPE_MY_INTEGER && type->kind <= TYPE_MY_INET6;
    if ((postgresql && !is_postgresql(w)) || (mysql && !w->dialect->is_mysql)) return write_refused(w, type);
    buffer_slice(w->out, type->head.head.cls->name->text);
    if (type->kind == TYPE_MY_YEAR && type->length >= 0) buffer_format(w->out, "(%lld)", (long long)type->length);
    return true;
}

bool type_write(Evaluator *ev, Buffer *out, const SaType *type, const Dialect *dialect, const Node *site) {
    TypeWriter w = {ev, out, dialect, site};
    return type_write_inner(&w, type_on_dialect(ev, type, dialect));
}

/* MySQL's CAST knows a few targets only. Nothing written: it has none for this type, and the cast is left out. */
bool type_write_mysql_cast(Evaluator *ev, Buffer *out, const SaType *given, const Dialect *dialect, const Node *site) {
    TypeWriter w = {ev, out, dialect, site};
    const SaType *type = type_on_dialect(ev, given, dialect);
    if (type_is(type, TYPE_INTEGER)) {
        buffer_text(out, type->unsigned_number ? "UNSIGNED INTEGER" : "SIGNED INTEGER");
        return true;
    }
    if (type_is(type, TYPE_SQL_TIMESTAMP)) return buffer_text(out, "DATETIME"), true;
    if (type->affinity == TYPE_DATETIME || type->affinity == TYPE_DATE || type->affinity == TYPE_TIME)
        return type_write_inner(&w, type);
    if (type->affinity == TYPE_STRING && !type_is(type, TYPE_MY_ENUM) && type->kind != TYPE_MY_SET) {
        SaType plain = *type;
        plain.kind = TYPE_SQL_CHAR;
        plain.national = plain.binary = false;
        if (type_is(type, TYPE_ENUM) && type->native_enum) return true;
        return write_mysql_string(&w, &plain, "CHAR",
                                  type_is(type, TYPE_SQL_NCHAR) || type_is(type, TYPE_SQL_NVARCHAR));
    }
    if (type->affinity == TYPE_LARGE_BINARY) return buffer_text(out, "BINARY"), true;
    if (type->affinity == TYPE_JSON) return buffer_text(out, "JSON"), true;
    if (type->affinity == TYPE_NUMERIC) {
        if (type->kind == TYPE_SQL_REAL) return buffer_text(out, "FLOAT"), true;
        if (type_is(type, TYPE_FLOAT)) return type_write_inner(&w, type);
        return write_number(&w, type, "DECIMAL", true);
    }
    return true;
}
