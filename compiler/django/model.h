/*
 * Django models as the compiler knows them: what `Model._meta` and the field objects hold.
 *
 * A model is made when a class statement subclasses django.db.models.Model; its relations are resolved as soon as
 * both ends exist, and `model_prepare` (called by every accessor below that needs it) computes what Django caches in
 * `_meta` lazily: inherited fields, reverse relations, names. A DjField is a Python value itself (`models.CharField()`
 * evaluates to one); an abstract base's fields are copied into each child.
 *
 * Example: for `class Book(models.Model): author = ForeignKey(Author, CASCADE, related_name="books")` model Book has
 * fields id, author (attname and column author_id); Author has the reverse relation with query name and accessor
 * `books`.
 *
 * Atoms compare by ==; the atom table is evaluator_atoms(ev).
 */
#ifndef ORMC_DJANGO_MODEL_H
#define ORMC_DJANGO_MODEL_H

#include "compiler/evaluate/native.h"
#include "compiler/query/dialect.h"

typedef struct DjModel DjModel;
typedef struct DjField DjField;
typedef struct DjRel DjRel;

typedef enum FieldKind {
    FIELD_OBJECT,
#define FIELD(kind, class, base, internal, sql_type, home, flags) FIELD_##kind,
#include "compiler/django/fields.def"
#undef FIELD
    FIELD_KIND_COUNT
} FieldKind;

/* AUTO: the database makes the key; TEXT: empty strings are values; NO_COLUMN: none of its own in the table */
enum { FIELD_FLAG_AUTO = 1, FIELD_FLAG_TEXT = 2, FIELD_FLAG_RELATION = 4, FIELD_FLAG_NO_COLUMN = 8 };

typedef struct FieldKindInfo {
    const char *class_name; /* "CharField" */
    FieldKind base;
    FieldKind internal;
    SqlType sql_type;
    unsigned flags;
} FieldKindInfo;
const FieldKindInfo *field_kind_info(FieldKind kind);
/* `kind` or one of its bases is `base`: FIELD_DATETIME is a FIELD_DATE as in Python. */
bool field_kind_is(FieldKind kind, FieldKind base);

typedef enum OnDelete {
    ON_DELETE_CASCADE,
    ON_DELETE_PROTECT,
    ON_DELETE_RESTRICT,
    ON_DELETE_SET_NULL,
    ON_DELETE_SET_DEFAULT,
    ON_DELETE_SET,
    ON_DELETE_DO_NOTHING,
    ON_DELETE_CUSTOM /* a callable of the program */
} OnDelete;

typedef struct Fields {
    DjField **items;
    int count, capacity;
} Fields;
typedef struct Rels {
    DjRel **items;
    int count, capacity;
} Rels;
typedef struct Models {
    DjModel **items;
    int count, capacity;
} Models;

struct DjField {
    Instance head;      /* head.head.cls: the Python class, perhaps the program's own subclass */
    FieldKind kind;     /* the nearest class of Django itself */
    FieldKind internal; /* what get_internal_type() answers (an override in a custom class counts) */
    SqlType sql_type;   /* of values of this column; relations: of their target field */
    DjModel *model;     /* that declares it (an abstract base's field: the concrete child) */
    Atom name, attname; /* "author", "author_id" */
    Atom column;        /* NULL: no column (m2m, generic, composite) */
    int creation;       /* Django's creation_counter */
    bool null, blank, unique, primary_key, db_index, editable, auto_created, serialize;
    bool concrete;    /* has a column */
    bool is_relation; /* FK, O2O, M2M, ForeignObject, generic */
    bool many_to_one, one_to_one, many_to_many, one_to_many;
    bool private_only; /* GenericForeignKey, GenericRelation: in _meta.private_fields */
    bool auto_now, auto_now_add;
    int max_length;                 /* -1: none */
    Slice default_bounds;           /* of a range given as a pair; empty: "[)" */
    int max_digits, decimal_places; /* -1: none */
    Value *choices;                 /* as given, NULL: none */
    Value *default_value;           /* as given (may be callable); NULL: none */
    Value *db_default;              /* value or expression; NULL: none */
    Slice db_column;                /* as given; empty: none */
    Slice db_collation, db_comment, db_tablespace;
    Slice verbose_name, help_text;
    Value *verbose_name_value;
    bool has_db_column;
    DjField *base_field;      /* ArrayField; range fields: the field of their bounds */
    int array_size;           /* -1: none */
    Value *encoder, *decoder; /* JSONField; NULL: none */
    Value *expression;        /* GeneratedField */
    DjField *output_field;
    bool db_persist;
    Atom *key_names; /* CompositePrimaryKey: names of its fields */
    int key_count;
    Atom ct_field, fk_field; /* GenericForeignKey: content type and object id; GenericRelation: those of the target */
    bool for_concrete_model;
    DjRel *rel; /* relations: Django's remote_field */
    bool swappable;
    Atom *from_field_names, *to_field_names; /* ForeignObject: as given ("self" and NULL resolved late) */
    int from_field_count;
    Fields local_fields, foreign_fields; /* pairs lhs/rhs of a FK-like field; valid after field_resolve */
    Slice db_table;                      /* ManyToManyField: as given, else empty */
    /* ManyToManyField, after field_resolve: columns and fields of the through model */
    DjField *m2m_field;         /* through's FK to this model (m2m_field_name) */
    DjField *m2m_reverse_field; /* through's FK to the other (m2m_reverse_field_name) */
    bool contributed;           /* belongs to a model */
    bool of_parent;             /* GenericRelation: a copy of a parent's with a table */
    bool resolved;
    Value **validators;
};

/* Django's ForeignObjectRel: the far side of a relation, and the reverse relation of the model it points to. */
struct DjRel {
    Value head;                            /* a Python value too: Author._meta.get_field("book") */
    DjField *field;                        /* the forward field */
    DjModel *model;                        /* that is pointed to and has the accessor; NULL while not resolved */
    Value *target;                         /* as given: a class, "app.Model", "self" */
    Atom name;                             /* in queries: related_query_name */
    Atom accessor;                         /* attribute of instances ("book_set"); NULL: none (hidden) */
    Atom related_name, related_query_name; /* as given; NULL: none */
    bool hidden, multiple, symmetrical, parent_link, db_constraint;
    bool one_to_one, one_to_many, many_to_many;
    Atom field_name; /* to_field; NULL: the primary key */
    OnDelete on_delete;
    Value *on_delete_value;  /* as given; for ON_DELETE_SET the argument of SET(…) */
    Value *limit_choices_to; /* NULL: none */
    DjModel *through;        /* many-to-many, after resolution */
    Value *through_ref;      /* as given */
    Atom through_fields[2];  /* NULL: not given */
};

/* A manager by its name in the class body. */
typedef struct DjManagerEntry {
    Atom name;
    Value *manager; /* bound to this model */
    int creation;
    bool inherited;
    int depth;
} DjManagerEntry;

struct DjModel {
    Class *cls;
    Atom name;   /* "Book" */
    Slice label; /* "app.Book" */
    Slice label_lower;
    Atom model_name; /* "book" */
    Atom app_label;
    Atom db_table;
    bool abstract, proxy, managed, swapped, auto_created, building;
    unsigned generation;       /* of the state when the computed members were filled */
    Slice swappable;           /* "AUTH_USER_MODEL" or empty */
    bool from_source;          /* defined by the given model files (part of `ormc schema`), not a contrib model */
    int sequence;              /* order of registration */
    DjModel *concrete;         /* of a proxy: the model whose table it uses; else itself */
    DjField *auto_created_for; /* automatic through model: the ManyToManyField */
    DjField *pk;               /* CompositePrimaryKey where it is one; see model_pk_fields */
    Fields local_fields, local_many_to_many, private_fields; /* declared here (and by abstract bases) */
    /* Parents with tables: Django's _meta.parents, in its order. link NULL: a proxy's parent. */
    struct DjParent {
        DjModel *model;
        DjField *link; /* the OneToOneField parent_link in this model (or inherited), NULL for proxies */
    } * parents;
    int parent_count;
    DjModel **bases; /* direct bases that are models, abstract ones too */
    int base_count;
    /* computed by model_prepare */
    Fields fields;          /* _meta.fields: forward, parents' first, no m2m; GenericForeignKey not in it */
    Fields concrete_fields; /* those with a column: the columns of SELECT, in order */
    Fields local_concrete_fields;
    Fields many_to_many; /* _meta.many_to_many, inherited ones too */
    Fields all_private;  /* GenericForeignKey, GenericRelation, own and of parents */
    Rels own_related;    /* reverse relations of this very model, hidden ones too */
    Rels related;        /* all reverse relations, hidden ones too: what parents have first, then own */
    AtomMap by_name;     /* names → struct DjFound: fields, reverse relations, attnames */
    Value **ordering;    /* strings and expressions; Meta.ordering (inherited from abstract bases) */
    int ordering_count;
    Slice *get_latest_by;
    int get_latest_by_count;
    DjField *order_with_respect_to;
    Value **indexes, **constraints; /* instances of Index, UniqueConstraint, CheckConstraint, … */
    int index_count, constraint_count;
    struct DjTogether {
        Atom *names;
        int count;
    } * unique_together;
    int unique_together_count;
    Atom default_related_name, default_manager_name, base_manager_name;
    Slice db_tablespace, db_table_comment, verbose_name, verbose_name_plural;
    Slice required_db_vendor;
    bool select_on_save;
    Atom order_with_respect_to_name;
    DjManagerEntry *managers; /* in Django's order: default first where default_manager_name does not say otherwise */
    int manager_count;
    Value *default_manager, *base_manager; /* bound managers (values of the query half's manager type) */
    Class *does_not_exist, *multiple_objects_returned;
};

/* What a name stands for in a query. Both NULL: nothing. */
typedef struct DjFound {
    DjField *field;
    DjRel *rel;
} DjFound;

/* ---- classes and models ---- */

/* The model of a class; NULL when the class is no (concrete or abstract) model. */
extern const NativeKind model_native;
DjModel *django_model_of_class(const Class *cls);
/* The model of a class value or of an instance; NULL else. */
DjModel *django_model_of_value(const Value *value);
/* "app.Model" or "Model" (then in `app_label`); NULL: none. */
DjModel *django_model_by_label(Evaluator *ev, Slice label, Atom app_label);
/* All registered models in order of registration, automatic through models too. */
const Models *django_models(Evaluator *ev);
/* Completes relations that could be resolved meanwhile and fills the computed members; cheap when nothing changed. */
void model_prepare(Evaluator *ev, DjModel *model);
/* `model` is `other`, or a proxy of it or it of `model`, or inherits from it with tables or proxies. */
bool model_is_subclass(const DjModel *model, const DjModel *other);

/* ---- names ---- */

/* _meta.get_field(name): fields by name or attname, then reverse relations by query name. "pk" is not handled here. */
DjFound model_find_field(Evaluator *ev, DjModel *model, Atom name);
/* A field of the model by name (forward only, by name or attname); NULL: none. */
DjField *model_field(Evaluator *ev, DjModel *model, Atom name);
/* The names that FieldError's "Choices are:" lists (names and attnames of forward fields, reverse relations that are
 * not hidden), unsorted; the caller adds annotations and sorts by code point. Count is returned. */
int model_field_names_for_error(Evaluator *ev, DjModel *model, Atom **names);
/* Reverse relations as _meta.related_objects shows them: no hidden ones but hidden many-to-manys' … left out. */
int model_related_objects(Evaluator *ev, DjModel *model, bool include_hidden, DjRel ***rels);
/* Fields of the primary key: one, or those of a CompositePrimaryKey. */
int model_pk_fields(Evaluator *ev, DjModel *model, DjField ***fields);
/* Meta.ordering; 0: none. */
int model_get_ordering(Evaluator *ev, DjModel *model, Value ***items);
/* Chain of models from `model` up to `ancestor` (exclusive `model`, inclusive `ancestor`); 0: not an ancestor. */
int model_base_chain(Evaluator *ev, DjModel *model, DjModel *ancestor, DjModel ***chain);
/* The parent_link field that leads from `model` towards `ancestor` (Django's get_ancestor_link). */
DjField *model_ancestor_link(Evaluator *ev, DjModel *model, DjModel *ancestor);

/* ---- relations ---- */

/* One hop of a path, as Django's PathInfo. join.field: forward join through that field; join.rel: reverse through
 * join.rel->field. */
typedef struct DjPath {
    DjModel *from, *to;
    DjField *targets[8]; /* target_fields: what the last hop's value compares with */
    int target_count;
    DjFound join;
    bool m2m;    /* multi-valued */
    bool direct; /* the column may be taken from this side (trimming) */
} DjPath;
/* Hops of a relation, from whichever side it was found. 0: the target model is unknown. */
int found_path(Evaluator *ev, DjFound found, DjPath **path);
/* Hops from `model` to an ancestor whose field was named (multi-table inheritance). */
int model_path_to_parent(Evaluator *ev, DjModel *model, DjModel *parent, DjPath **path);
/* Column pairs of a join: left columns are of the table that is joined from. */
int found_join_fields(Evaluator *ev, DjFound join, DjField ***left, DjField ***right);
/* A GenericRelation's further condition: `content_type` column of the target equals the content type of `model`.
 * `field` is NULL where there is none. `reverse`: the join runs from the generic model to the owner. */
typedef struct DjRestriction {
    DjField *field; /* content type FK on the generic side */
    DjModel *model; /* whose content type is compared */
} DjRestriction;
DjRestriction found_restriction(Evaluator *ev, DjFound join);
/* The model at the other end; NULL while not known. */
DjModel *field_related_model(Evaluator *ev, DjField *field);
/* The field a foreign key's value is of (to_field or pk), through chains of one level; NULL: not resolved. */
DjField *field_target(Evaluator *ev, DjField *field);
/* Follows targets until a field that is no foreign key: decides types and adaptation. */
DjField *field_final_target(Evaluator *ev, DjField *field);
bool field_resolve(Evaluator *ev, DjField *field);

/* ---- managers: provided by the query half ---- */

/* An instance of Manager or of a subclass. */
bool value_is_manager(const Value *value);
/* Django's creation_counter: the order in which managers were made. */
int manager_creation(const Value *manager);
/* A copy of a class body's manager for one model. */
Value *manager_bind(Evaluator *ev, Value *manager, DjModel *model, Atom name);
/* A plain Manager for a model: `objects` where none is declared, _base_manager. */
Value *manager_new(Evaluator *ev, DjModel *model, Atom name);
/* The manager behind `author.books`, `book.tags`, `post.comments` (reverse foreign keys, many-to-many both ways,
 * generic relations); `instance` is a DjInstance. */
Value *manager_related(Evaluator *ev, Value *instance, DjFound relation, const Node *site);

/* ---- custom fields ---- */

/* The program's own override of a method (get_prep_value, get_db_prep_value, db_type, from_db_value, …) in the field's
 * class; NULL: Django's own is in force. */
Value *field_override(Evaluator *ev, const DjField *field, const char *method);
/* repr-like label "app.Model.field" for messages. */
Slice field_label(Evaluator *ev, const DjField *field);
/* A field without model, for output_field: kind's defaults. */
DjField *field_new(Evaluator *ev, FieldKind kind);
extern const Type django_field_type, django_rel_type;
static inline DjField *value_as_field(Value *value) {
    return value && value->type == &django_field_type ? (DjField *)value : NULL;
}

#endif
