/*
 * The options of field constructors: CharField(max_length=100, null=True). Input: a keyword, or the place of a
 * positional argument, and its value; output: a member of the DjField or of its DjRel.
 *
 * Invariants: every keyword of Django's constructors has one row, whatever class it belongs to, since a class has few
 * of its own and a program's subclass passes on what it likes. What changes no SQL is accepted and not kept.
 *
 * Example: ForeignKey(Author, CASCADE, related_name="books") sets rel->target, rel->on_delete, rel->related_name.
 */
#include "compiler/django/model_build.h"

/* How a value is kept. */
typedef enum OptionKind {
    OPTION_FLAG,
    OPTION_NUMBER, /* -1: none */
    OPTION_TEXT,
    OPTION_NAME,
    OPTION_VALUE,       /* as given */
    OPTION_UNLESS_NONE, /* as given; None is the same as nothing: NULL */
    OPTION_FIELD,
    OPTION_OWN_RULE,
    OPTION_IGNORED
} OptionKind;

typedef struct FieldOption {
    const char *name;
    OptionKind kind;
    bool of_relation; /* a member of DjRel */
    size_t offset;
    void (*set)(Evaluator *ev, DjField *field, Value *value);
} FieldOption;

/* ---- options with a rule of their own ---- */

static Atom atom_or_null(Evaluator *ev, Value *value) { return value_is_text(value) ? value_as_atom(ev, value) : NULL; }

static Atom *atoms_of(Evaluator *ev, Value *value, int *count) {
    Value **items;
    int n = value_items(value, &items);
    if (n < 0) n = 0;
    Atom *atoms = ARENA_ARRAY(evaluator_arena(ev), Atom, n + 1);
    for (int i = 0; i < n; i++) atoms[i] = atom_or_null(ev, items[i]);
    *count = n;
    return atoms;
}

static void set_verbose_name(Evaluator *ev, DjField *field, Value *value) {
    (void)ev;
    field->verbose_name = value_text_or_empty(value);
    field->verbose_name_value = value_is_none(value) ? NULL : value;
}

static void set_unique(Evaluator *ev, DjField *field, Value *value) {
    field->unique = value_truthy(ev, value) || field->kind == FIELD_ONE_TO_ONE;
}

static void set_blank(Evaluator *ev, DjField *field, Value *value) {
    field->blank = value_truthy(ev, value) || (field_kind_info(field->kind)->flags & FIELD_FLAG_AUTO);
}

static void set_db_column(Evaluator *ev, DjField *field, Value *value) {
    (void)ev;
    field->db_column = value_text_or_empty(value);
    field->has_db_column = field->db_column.length > 0;
}

static void set_on_delete(Evaluator *ev, DjField *field, Value *value) {
    (void)ev;
    field->rel->on_delete_value = value;
    field->rel->on_delete = on_delete_of_value(value);
}

static void set_through_fields(Evaluator *ev, DjField *field, Value *value) {
    int count;
    Atom *atoms = atoms_of(ev, value, &count);
    for (int i = 0; i < 2 && count >= 2; i++) field->rel->through_fields[i] = atoms[i];
}

static void set_from_fields(Evaluator *ev, DjField *field, Value *value) {
    field->from_field_names = atoms_of(ev, value, &field->from_field_count);
}

static void set_to_fields(Evaluator *ev, DjField *field, Value *value) {
    int count;
    field->to_field_names = atoms_of(ev, value, &count);
}

/* ---- the table ---- */

#define OWN(name, kind, member)                                                                                        \
    { #name, OPTION_##kind, false, offsetof(DjField, member), NULL }
#define REL(name, kind, member)                                                                                        \
    { #name, OPTION_##kind, true, offsetof(DjRel, member), NULL }
#define RULE(name)                                                                                                     \
    { #name, OPTION_OWN_RULE, false, 0, set_##name }
#define REL_RULE(name)                                                                                                 \
    { #name, OPTION_OWN_RULE, true, 0, set_##name }
#define IGNORED(name)                                                                                                  \
    { #name, OPTION_IGNORED, false, 0, NULL }

static const FieldOption field_options[] = {
    RULE(verbose_name),
    OWN(name, NAME, name),
    OWN(primary_key, FLAG, primary_key),
    OWN(max_length, NUMBER, max_length),
    RULE(unique),
    RULE(blank),
    OWN(null, FLAG, null),
    OWN(db_index, FLAG, db_index),
    OWN(default, VALUE, default_value),
    OWN(editable, FLAG, editable),
    OWN(serialize, FLAG, serialize),
    OWN(choices, UNLESS_NONE, choices),
    OWN(help_text, TEXT, help_text),
    RULE(db_column),
    OWN(db_tablespace, TEXT, db_tablespace),
    OWN(auto_created, FLAG, auto_created),
    OWN(db_comment, TEXT, db_comment),
    OWN(db_default, VALUE, db_default),
    OWN(db_collation, TEXT, db_collation),
    OWN(auto_now, FLAG, auto_now),
    OWN(auto_now_add, FLAG, auto_now_add),
    OWN(max_digits, NUMBER, max_digits),
    OWN(decimal_places, NUMBER, decimal_places),
    OWN(encoder, UNLESS_NONE, encoder),
    OWN(decoder, UNLESS_NONE, decoder),
    IGNORED(protocol),
    OWN(base_field, FIELD, base_field),
    OWN(size, NUMBER, array_size),
    OWN(expression, VALUE, expression),
    OWN(output_field, FIELD, output_field),
    OWN(db_persist, FLAG, db_persist),
    REL(to, VALUE, target),
    REL_RULE(on_delete),
    REL(related_name, NAME, related_name),
    REL(related_query_name, NAME, related_query_name),
    REL(limit_choices_to, UNLESS_NONE, limit_choices_to),
    REL(parent_link, FLAG, parent_link),
    REL(to_field, NAME, field_name),
    REL(db_constraint, FLAG, db_constraint),
    REL(symmetrical, FLAG, symmetrical),
    REL(through, UNLESS_NONE, through_ref),
    REL_RULE(through_fields),
    OWN(db_table, TEXT, db_table),
    REL_RULE(from_fields),
    REL_RULE(to_fields),
    OWN(ct_field, NAME, ct_field),
    OWN(fk_field, NAME, fk_field),
    OWN(content_type_field, NAME, ct_field),
    OWN(object_id_field, NAME, fk_field),
    OWN(for_concrete_model, FLAG, for_concrete_model),
    IGNORED(rel),
    IGNORED(unique_for_date),
    IGNORED(unique_for_month),
    IGNORED(unique_for_year),
    IGNORED(validators),
    IGNORED(error_messages),
    IGNORED(upload_to),
    IGNORED(storage),
    IGNORED(width_field),
    IGNORED(height_field),
    IGNORED(path),
    IGNORED(match),
    IGNORED(recursive),
    IGNORED(allow_files),
    IGNORED(allow_folders),
    IGNORED(allow_unicode),
    IGNORED(unpack_ipv4),
    IGNORED(verify_exists),
    IGNORED(swappable),
    OWN(default_bounds, TEXT, default_bounds),
};

#undef OWN
#undef REL
#undef RULE
#undef REL_RULE
#undef IGNORED

static int number_or_none(Value *value) {
    int64_t number;
    return value_as_integer(value, &number) && number >= 0 && number < INT32_MAX ? (int)number : -1;
}

bool field_set_option(Evaluator *ev, DjField *field, Slice name, Value *value) {
    const FieldOption *option = NULL;
    for (size_t i = 0; i < sizeof field_options / sizeof *field_options && !option; i++)
        if (slice_equals_text(name, field_options[i].name)) option = &field_options[i];
    if (!option) return false;
    if (option->of_relation && !field->rel) return true;
    void *member = (option->of_relation ? (char *)field->rel : (char *)field) + option->offset;
    switch (option->kind) {
    case OPTION_FLAG: *(bool *)member = value_truthy(ev, value); break;
    case OPTION_NUMBER: *(int *)member = number_or_none(value); break;
    case OPTION_TEXT: *(Slice *)member = value_text_or_empty(value); break;
    case OPTION_NAME: *(Atom *)member = atom_or_null(ev, value); break;
    case OPTION_VALUE: *(Value **)member = value; break;
    case OPTION_UNLESS_NONE: *(Value **)member = value_is_none(value) ? NULL : value; break;
    case OPTION_FIELD: *(DjField **)member = value_as_field(value); break;
    case OPTION_OWN_RULE: option->set(ev, field, value); break;
    case OPTION_IGNORED: break;
    }
    return true;
}

void field_option_suggest(Evaluator *ev, Slice name) {
    Suggestion near = suggestion_start(name);
    for (size_t i = 0; i < sizeof field_options / sizeof *field_options; i++)
        suggestion_offer(&near, slice_from(field_options[i].name));
    if (suggestion_found(&near)) evaluator_raise_help(ev, "did you mean '%.*s'?", SLICE_ARGS(near.best));
}

const char *field_positional(FieldKind kind) {
    static const char common[] = "verbose_name name primary_key max_length unique blank null db_index rel default "
                                 "editable serialize unique_for_date unique_for_month unique_for_year choices "
                                 "help_text db_column db_tablespace auto_created validators error_messages "
                                 "db_comment db_default";
    if (field_kind_is(kind, FIELD_GENERIC_RELATION))
        return "to object_id_field content_type_field for_concrete_model related_query_name limit_choices_to";
    if (field_kind_is(kind, FIELD_ONE_TO_ONE)) return "to on_delete to_field";
    if (field_kind_is(kind, FIELD_FOREIGN_KEY))
        return "to on_delete related_name related_query_name limit_choices_to parent_link to_field db_constraint";
    switch ((int)kind) {
    case FIELD_DATE:
    case FIELD_DATETIME:
    case FIELD_TIME: return "verbose_name name auto_now auto_now_add";
    case FIELD_DECIMAL: return "verbose_name name max_digits decimal_places";
    case FIELD_FILE_PATH: return "verbose_name name path match recursive allow_files allow_folders";
    case FIELD_FILE: return "verbose_name name upload_to storage";
    case FIELD_IMAGE: return "verbose_name name width_field height_field";
    case FIELD_GENERIC_IP_ADDRESS: return "verbose_name name protocol unpack_ipv4";
    case FIELD_JSON: return "verbose_name name encoder decoder";
    case FIELD_URL: return "verbose_name name";
    case FIELD_UUID: return "verbose_name";
    case FIELD_ARRAY: return "base_field size";
    case FIELD_FOREIGN_OBJECT:
        return "to on_delete from_fields to_fields rel related_name related_query_name limit_choices_to parent_link "
               "swappable";
    case FIELD_MANY_TO_MANY:
        return "to related_name related_query_name limit_choices_to symmetrical through through_fields db_constraint "
               "db_table swappable";
    case FIELD_GENERIC_FOREIGN_KEY: return "ct_field fk_field for_concrete_model";
    default: return common;
    }
}
