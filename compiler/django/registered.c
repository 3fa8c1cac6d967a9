/*
 * Lookups, transforms and functions of the program's own.
 *
 *     class NotEqual(Lookup):
 *         lookup_name = "ne"
 *         def as_sql(self, compiler, connection):
 *             lhs, lhs_params = self.process_lhs(compiler, connection)
 *             rhs, rhs_params = self.process_rhs(compiler, connection)
 *             return f"{lhs} <> {rhs}", lhs_params + rhs_params
 *     Field.register_lookup(NotEqual)                 filter(name__ne="x")  →  "name" <> $1
 *
 * The method is evaluated with a compiler that gives, in the place of SQL, a mark for each part that it compiled
 * (\x01 number \x02); the text that comes back is cut at the marks, and the parts, with their parameters, stand there
 * again.
 */
#include "compiler/django/registered.h"

#include "compiler/django/column_type.h"
#include "compiler/django/django.h"
#include "compiler/django/function.h"
#include "compiler/django/lookup_compile.h"
#include "compiler/django/model_build.h"
#include "compiler/django/query.h"
#include "compiler/django/query_state.h"

/* ---- the registry ---- */

typedef struct Registered {
    const Class *field_class; /* or of a transform */
    Class *cls;               /* of the lookup or transform */
    const DjLookup *lookup;   /* NULL: a transform */
    struct Registered *next;
} Registered;

static bool is_transform(Evaluator *ev, const Class *cls) { return class_is_subclass(cls, dj_state(ev)->func_class); }

/* A method that the program's part of a class has. */
static bool program_defines(Evaluator *ev, const Class *cls, const char *method) {
    Atom name = atom_lookup(evaluator_atoms(ev), slice_from(method));
    for (int i = 0; name && i < cls->mro_count && cls->mro[i]->node; i++)
        if (atom_map_get(&cls->mro[i]->names, name)) return true;
    return false;
}

static const char *vendor_method(const Dialect *dialect) {
    return dialect->id == DIALECT_POSTGRESQL ? "as_postgresql"
           : dialect->id == DIALECT_SQLITE   ? "as_sqlite"
                                             : "as_mysql";
}

/* The method that writes it; NULL: Django's own. */
static const char *program_writer(Evaluator *ev, const Class *cls) {
    if (!cls || !cls->node) return NULL;
    const char *vendor = vendor_method(evaluator_dialect(ev));
    if (program_defines(ev, cls, vendor)) return vendor;
    return program_defines(ev, cls, "as_sql") ? "as_sql" : NULL;
}

static Slice own_name(Evaluator *ev, const Class *cls) {
    Value *name = class_find(cls, atom_intern_text(evaluator_atoms(ev), "lookup_name"));
    if (name && value_is(name, VALUE_STRING)) return value_text(name);
    const DjFunction *function = is_transform(ev, cls) ? dj_function_of_class(ev, cls) : NULL;
    return function && strcmp(function->transform, "NULL") != 0 ? slice_from(function->transform) : (Slice){0};
}

static DjOutcome compile_registered(DjCompiler *compiler, DjExpr *lookup, Expr **out);

/* Its own lookup, which is known again by its class; a class that changes nothing is the one it derives from. */
const DjLookup *dj_program_lookup(Evaluator *ev, Class *cls) {
    const DjLookup *base = dj_lookup_of_class(ev, cls);
    bool writes = program_defines(ev, cls, "as_sql") || program_defines(ev, cls, "process_rhs") ||
                  program_defines(ev, cls, "process_lhs") || program_defines(ev, cls, "as_postgresql") ||
                  program_defines(ev, cls, "as_sqlite") || program_defines(ev, cls, "as_mysql");
    if (!writes) return base;
    for (int i = 0; i < dj_state(ev)->registered.count; i++)
        for (const Registered *entry = dj_state(ev)->registered.entries[i].value; entry; entry = entry->next)
            if (entry->cls == cls && entry->lookup) return entry->lookup;
    DjProgramLookup *made = ARENA_NEW(evaluator_arena(ev), DjProgramLookup);
    DjLookup *lookup = &made->lookup;
    Slice name = own_name(ev, cls);
    *made = (DjProgramLookup){.cls = cls, .base = base};
    *lookup =
        base ? *base : (DjLookup){.flags = DJL_PREPARE | DJL_NONE_ALLOWED, .op = OPERATOR_EQ, .expr_op = OPERATOR_EQ};
    lookup->name = slice_terminated(evaluator_arena(ev), name.length ? name : cls->name->text);
    lookup->compile = compile_registered;
    lookup->flags |= DJL_PROGRAM;
    Value *prepared = class_find(cls, atom_intern_text(evaluator_atoms(ev), "prepare_rhs"));
    if (prepared && value_is(prepared, VALUE_BOOL) && !value_is_true(prepared)) lookup->flags &= ~(unsigned)DJL_PREPARE;
    return lookup;
}

static const DjProgramLookup *program_of(const DjLookup *lookup) {
    return lookup->flags & DJL_PROGRAM ? (const DjProgramLookup *)(const void *)lookup : NULL;
}

static bool dj_register_lookup(Evaluator *ev, const Class *field_class, Value *lookup, Value *name) {
    if (!value_is(lookup, VALUE_CLASS)) return true;
    Class *cls = (Class *)lookup;
    bool transform = is_transform(ev, cls);
    if (!transform && !class_is_subclass(cls, dj_state(ev)->lookup_class)) return true;
    Slice called = name && value_is(name, VALUE_STRING) ? value_text(name) : own_name(ev, cls);
    if (!called.length) return true;
    Registered *entry = ARENA_NEW(evaluator_arena(ev), Registered);
    *entry = (Registered){.field_class = field_class, .cls = cls};
    if (!transform && !(entry->lookup = dj_program_lookup(ev, cls))) return true;
    DjQueryState *state = dj_state(ev);
    AtomMap map = atom_map_copy(&state->registered, evaluator_arena(ev));
    Atom key = atom_intern(evaluator_atoms(ev), called);
    entry->next = atom_map_get(&map, key);
    atom_map_set(&map, key, entry);
    evaluator_touch(ev, &state->registered, sizeof state->registered);
    state->registered = map;
    return true;
}

Value *dj_method_register_lookup(Evaluator *ev, Value *self, const Arguments *arguments) {
    Value *lookup = NULL, *name = NULL;
    if (!arguments_bind(ev, arguments, "register_lookup", "lookup | lookup_name", &lookup, &name)) return NULL;
    const Class *cls = value_is(self, VALUE_CLASS) ? (const Class *)self : self->cls;
    return dj_register_lookup(ev, cls, lookup, name) ? lookup : NULL;
}

/* The entry of the class itself, or of the nearest base; of one class the last that was registered. */
static const Registered *find_of_class(Evaluator *ev, const Class *cls, Slice name) {
    Atom key = atom_lookup(evaluator_atoms(ev), name);
    const Registered *first = key ? atom_map_get(&dj_state(ev)->registered, key) : NULL;
    for (int i = 0; first && i < cls->mro_count; i++)
        for (const Registered *entry = first; entry; entry = entry->next)
            if (entry->field_class == cls->mro[i]) return entry;
    return NULL;
}

static const Registered *find(Evaluator *ev, const DjField *field, Slice name) {
    return find_of_class(ev, field->head.head.cls, name);
}

/* A transform's own entry, else that of what it gives. */
static const Registered *find_of_side(Evaluator *ev, const DjExpr *lhs, const DjField *field, Slice name) {
    if (!dj_state(ev)->registered.count) return NULL;
    const Class *cls = lhs->instance.head.cls;
    const Registered *own = lhs->kind == DJ_FUNC && cls ? find_of_class(ev, cls, name) : NULL;
    return own ? own : field ? find(ev, field, name) : NULL;
}

const DjLookup *dj_registered_lookup(Evaluator *ev, const DjExpr *lhs, const DjField *field, Slice name) {
    const Registered *entry = find_of_side(ev, lhs, field, name);
    return entry ? entry->lookup : NULL;
}

DjExpr *dj_registered_transform(Evaluator *ev, DjExpr *lhs, const DjField *field, Slice name, const Node *site) {
    const Registered *entry = find_of_side(ev, lhs, field, name);
    if (!entry || entry->lookup) return NULL;
    Value *inner = (Value *)lhs, *made = value_call_with(ev, (Value *)entry->cls, &inner, 1, site);
    if (!made || !value_is_expr(made)) return NULL;
    DjExpr *expr = value_expr(made);
    if (expr->kind == DJ_FUNC && !expr->as.func.unit.length) expr->as.func.unit = name;
    expr->site = site;
    expr->flags |= (lhs->flags & DJ_INHERITED_FLAGS) | DJ_RESOLVED;
    return expr;
}

/* ---- transforms of both sides ---- */

static bool is_bilateral(Evaluator *ev, const DjExpr *expr) {
    if (expr->kind != DJ_FUNC) return false;
    if (expr->as.func.spec->flags & DJF_BILATERAL) return true;
    const Class *cls = expr->instance.head.cls;
    Atom name = atom_lookup(evaluator_atoms(ev), SLICE("bilateral"));
    Value *own = name && cls && cls->node ? class_find(cls, name) : NULL;
    return own && value_is(own, VALUE_BOOL) && value_is_true(own);
}

static bool has_bilateral(Evaluator *ev, const DjExpr *lhs) {
    for (; lhs && lhs->kind == DJ_FUNC; lhs = lhs->count == 1 ? lhs->args[0] : NULL)
        if (is_bilateral(ev, lhs)) return true;
    return false;
}

/* The same transforms, the inner ones first. */
static DjExpr *transformed(Evaluator *ev, DjExpr *lhs, DjExpr *value) {
    if (lhs->kind != DJ_FUNC || lhs->count != 1) return value;
    value = transformed(ev, lhs->args[0], value);
    if (!value || !is_bilateral(ev, lhs)) return value;
    DjExpr *made = dj_copy(ev, lhs);
    made->args[0] = value;
    return made;
}

bool dj_apply_bilateral(Evaluator *ev, DjExpr *lookup) {
    DjExpr *lhs = lookup->args[0], *right = lookup->args[1];
    if (!has_bilateral(ev, lhs) || strcmp(lookup->as.lookup.spec->name, "isnull") == 0) return true;
    if (right && right->kind == DJ_QUERY)
        return evaluator_raise_id(ev, EXCEPTION_NOT_IMPLEMENTED, lookup->site,
                                  "Bilateral transformations on nested querysets are not implemented.") != NULL;
    DjField *field = dj_output_field(ev, lhs, false);
    evaluator_clear_error(ev);
    Value *rhs = lookup->as.lookup.rhs, **items = &rhs;
    bool several = !right && lookup->as.lookup.spec->flags & DJL_LIST && value_items(rhs, &items) >= 0;
    int count = several ? value_items(rhs, &items) : 1;
    if (right && right->kind == DJ_LIST) return true;
    DjExpr **made = ARENA_ARRAY(evaluator_arena(ev), DjExpr *, count + 1);
    for (int i = 0; i < count; i++) {
        DjExpr *value = right                     ? right
                        : value_is_expr(items[i]) ? value_expr(items[i])
                                                  : dj_value(ev, items[i], field, lookup->site);
        made[i] = transformed(ev, lhs, value);
        made[i]->flags |= DJ_RESOLVED;
    }
    lookup->args[1] = several ? dj_list(ev, made, count) : made[0];
    lookup->args[1]->flags |= DJ_RESOLVED;
    lookup->as.lookup.rhs = NULL;
    return true;
}

void dj_registered_suggest(Evaluator *ev, const DjField *field, DjCloseMatches *close) {
    const AtomMap *map = &dj_state(ev)->registered;
    for (int i = 0; i < map->count; i++)
        if (find(ev, field, map->entries[i].key->text)) close_offer(close, map->entries[i].key->text);
}

/* ---- SQL that Python writes ---- */

/* What the program's methods get as `compiler`. */
typedef struct SqlCompiler {
    Value head;
    DjCompiler *compiler;
    ExprList parts;
} SqlCompiler;

static Value *as_part(Evaluator *ev, SqlCompiler *writer, Expr *part) {
    expr_list_push(evaluator_arena(ev), &writer->parts, part);
    Value *pair[2] = {value_string(ev, slice_format(evaluator_arena(ev), "\x01%d\x02", writer->parts.count - 1)),
                      (Value *)value_list(ev)};
    return value_tuple(ev, pair, 2);
}

/* A condition that can't match, or always does, is an exception to Python. */
static Value *as_result(Evaluator *ev, SqlCompiler *writer, DjOutcome outcome, Expr *part, const Node *site) {
    if (outcome == DJ_SQL) return as_part(ev, writer, part);
    if (outcome == DJ_ERROR) return NULL;
    return evaluator_raise(ev,
                           outcome == DJ_EMPTY ? django_state(ev)->empty_result_set : django_state(ev)->full_result_set,
                           evaluator_mistake_span(ev, site), "the condition is decided");
}

static const Type sql_compiler_type;

static SqlCompiler *writer_of(const Arguments *arguments) {
    Value *value = arguments->count ? arguments->items[0] : NULL;
    return value && value->type == &sql_compiler_type ? (SqlCompiler *)value : NULL;
}

static Value *refuse_writer(Evaluator *ev, const Node *site) {
    return evaluator_raise_id(ev, EXCEPTION_UNSUPPORTED, site, "SQL that is written outside of a query's own compiler");
}

static Value *compiler_compile(Evaluator *ev, Value *self, const Arguments *arguments) {
    SqlCompiler *writer = (SqlCompiler *)self;
    Value *node = NULL;
    Expr *part = NULL;
    if (!arguments_bind(ev, arguments, "compile", "node", &node)) return NULL;
    if (!value_is_expr(node)) return refuse_writer(ev, arguments->site);
    DjOutcome outcome = dj_compile(writer->compiler, value_expr(node), &part);
    return as_result(ev, writer, outcome, part, arguments->site);
}

static Value *compiler_quote(Evaluator *ev, Value *self, const Arguments *arguments) {
    (void)self;
    Value *name = arguments->count ? arguments->items[0] : NULL;
    if (!name || !value_is(name, VALUE_STRING)) return value_unknown_at(ev, arguments->site);
    return value_string(ev, name_quote(ev, value_text(name)));
}

static Value *compiler_attribute(Evaluator *ev, Value *self, Atom name, const Node *site) {
    (void)site;
    if (slice_equals_text(name->text, "connection")) return django_connection(ev);
    NativeCall call = slice_equals_text(name->text, "compile")                   ? compiler_compile
                      : slice_equals_text(name->text, "quote_name_unless_alias") ? compiler_quote
                                                                                 : NULL;
    if (!call) return NULL;
    Value *function = value_native_function(ev, "compile", call, NULL);
    ((NativeFunctionValue *)function)->self = self;
    return function;
}

static const Type sql_compiler_type = {
    .name = "SQLCompiler", .kind = VALUE_NATIVE, .get_attribute = compiler_attribute};

/* The text with its marks and %s holes as a tree. */
static DjOutcome read_text(DjCompiler *compiler, const SqlCompiler *writer, Slice sql, Value *params, const Node *site,
                           Expr **out) {
    Arena *arena = evaluator_arena(compiler->ev);
    Expr *raw = expr_new(arena, EXPR_RAW, SQL_UNKNOWN);
    Slice *texts = ARENA_ARRAY(arena, Slice, sql.length + 2);
    Value **items = NULL;
    int given = params ? value_items(params, &items) : 0, used = 0, cuts = 0;
    Buffer text;
    buffer_init(&text, arena);
    for (size_t i = 0; i < sql.length; i++) {
        Expr *part = NULL;
        if (sql.start[i] == '\x01') {
            int at = 0;
            for (i++; i < sql.length && sql.start[i] >= '0' && sql.start[i] <= '9' && at < 100000; i++)
                at = at * 10 + (sql.start[i] - '0');
            if (at < writer->parts.count) part = writer->parts.items[at];
        } else if (sql.start[i] == '%' && i + 1 < sql.length && sql.start[i + 1] == 's' && used < given) {
            DjOutcome outcome = dj_compile_value(compiler, items[used++], NULL, site, &part);
            if (outcome != DJ_SQL) return outcome;
            i++;
        } else {
            i += sql.start[i] == '%' && i + 1 < sql.length && sql.start[i + 1] == '%';
            buffer_put(&text, sql.start[i]);
        }
        if (!part) continue;
        texts[cuts++] = slice_copy(arena, buffer_view(&text));
        text.length = 0;
        expr_list_push(arena, &raw->args, part);
    }
    texts[cuts] = buffer_view(&text);
    raw->as.raw.texts = texts;
    *out = cuts == 1 && !texts[0].length && !texts[1].length ? raw->args.items[0] : raw;
    return DJ_SQL;
}

static DjOutcome call_writer(DjCompiler *compiler, DjExpr *expr, const char *method, Expr **out) {
    Evaluator *ev = compiler->ev;
    SqlCompiler *writer = ARENA_NEW(evaluator_arena(ev), SqlCompiler);
    writer->head = (Value){&sql_compiler_type, evaluator_object_class(ev)};
    writer->compiler = compiler;
    Value *items[2] = {(Value *)writer, django_connection(ev)};
    Value *pair = value_call_method(ev, (Value *)expr, method, items, 2, expr->site), **parts;
    if (!pair) {
        Class *error = evaluator_error_value(ev) ? evaluator_error_value(ev)->cls : NULL;
        bool empty = error == django_state(ev)->empty_result_set, full = error == django_state(ev)->full_result_set;
        if (empty || full) evaluator_clear_error(ev);
        return empty ? DJ_EMPTY : full ? DJ_FULL : DJ_ERROR;
    }
    if (value_items(value_resolve(pair), &parts) < 2 || !value_is(value_resolve(parts[0]), VALUE_STRING)) {
        evaluator_raise_id(ev, EXCEPTION_UNSUPPORTED, expr->site, "%s() gives SQL that is not known here", method);
        return DJ_ERROR;
    }
    return read_text(compiler, writer, value_text(value_resolve(parts[0])), value_resolve(parts[1]), expr->site, out);
}

bool dj_compile_program(DjCompiler *compiler, DjExpr *expr, Expr **out, DjOutcome *outcome) {
    const char *method = program_writer(compiler->ev, expr->instance.head.cls);
    if (!method) return false;
    *outcome = call_writer(compiler, expr, method, out);
    return true;
}

/* The lookup as an object of the class that was registered. */
static DjOutcome compile_registered(DjCompiler *compiler, DjExpr *lookup, Expr **out) {
    DjExpr *object = dj_copy(compiler->ev, lookup);
    object->instance.head.cls = program_of(lookup->as.lookup.spec)->cls;
    const char *method = program_writer(compiler->ev, object->instance.head.cls);
    return call_writer(compiler, object, method ? method : "as_sql", out);
}

/* ---- what those methods call ---- */

/* The same expression as Django's own class writes it. */
static DjExpr *as_native(Evaluator *ev, DjExpr *expr) {
    DjExpr *copy = dj_copy(ev, expr);
    const Class *cls = expr->instance.head.cls;
    for (int i = 0; cls && i < cls->mro_count; i++)
        if (!cls->mro[i]->node) {
            copy->instance.head.cls = cls->mro[i];
            break;
        }
    return copy;
}

Value *dj_method_as_sql(Evaluator *ev, Value *self, const Arguments *arguments) {
    SqlCompiler *writer = writer_of(arguments);
    if (!writer) return refuse_writer(ev, arguments->site);
    DjExpr *expr = as_native(ev, value_expr(self));
    Expr *part = NULL;
    DjOutcome outcome;
    if (expr->kind == DJ_LOOKUP) {
        const DjProgramLookup *own = program_of(expr->as.lookup.spec);
        const DjLookup *base = own ? own->base : expr->as.lookup.spec;
        if (!base) return evaluator_raise_id(ev, EXCEPTION_NOT_IMPLEMENTED, arguments->site, "as_sql() is not written");
        expr->as.lookup.spec = base;
        outcome = base->compile(writer->compiler, expr, &part);
    } else {
        if (expr->kind == DJ_FUNC) dj_function_options(ev, expr, arguments->keywords, arguments->keyword_count);
        outcome = dj_compile(writer->compiler, expr, &part);
    }
    return as_result(ev, writer, outcome, part, arguments->site);
}

Value *dj_method_process_lhs(Evaluator *ev, Value *self, const Arguments *arguments) {
    SqlCompiler *writer = writer_of(arguments);
    if (!writer) return refuse_writer(ev, arguments->site);
    Expr *part = NULL;
    DjOutcome outcome = dj_lookup_left(writer->compiler, value_expr(self), &part);
    return as_result(ev, writer, outcome, part, arguments->site);
}

Value *dj_method_process_rhs(Evaluator *ev, Value *self, const Arguments *arguments) {
    SqlCompiler *writer = writer_of(arguments);
    if (!writer) return refuse_writer(ev, arguments->site);
    Expr *part = NULL;
    DjOutcome outcome = dj_lookup_value(writer->compiler, value_expr(self), &part);
    return as_result(ev, writer, outcome, part, arguments->site);
}
