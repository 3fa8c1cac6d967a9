/*
 * Rows as Python values. A row that is not known is "some Author" with its place among the statements; a known one
 * becomes an instance (with the objects that select_related read), a dict or a tuple, each cell as its field reads it.
 *
 *     Book.objects.select_related("author")   row [1, "Dune", 7, 7, "Frank"]   <Book 1> that holds <Author 7>
 */
#include "compiler/django/rows.h"

#include "compiler/django/django.h"
#include "compiler/django/field_prepare.h"
#include "compiler/django/raw.h"

static Arena *arena_of(Evaluator *ev) { return evaluator_arena(ev); }

/* ---- rows that are not known ---- */

Value *dj_unknown_column(Evaluator *ev, const Node *site, const DjOrigin *row, Slice column) {
    UnknownValue *unknown = (UnknownValue *)value_unknown_at(ev, site);
    DjOrigin *origin = ARENA_NEW(arena_of(ev), DjOrigin);
    *origin = *row;
    origin->column = column;
    unknown->origin = origin;
    unknown->origin_type = &django_origin_type;
    return (Value *)unknown;
}

static bool joined_is_optional(const DjQuery *query, const DjJoinedRow *joined) {
    for (; joined; joined = joined->parent < 0 ? NULL : &query->joined[joined->parent])
        if (!joined->via.field || joined->via.field->null) return true;
    return false;
}

void dj_set_joined_rows(DjQuery *query, DjInstance *row) {
    Evaluator *ev = query->ev;
    DjInstance **objects = ARENA_ARRAY(arena_of(ev), DjInstance *, query->joined_count + 1);
    for (int i = 0; i < query->joined_count; i++) {
        const DjJoinedRow *joined = &query->joined[i];
        DjInstance *owner = joined->parent < 0 ? row : objects[joined->parent];
        Slice name = joined->name ? joined->name->text : SLICE("");
        Slice text = slice_format(arena_of(ev), "%.*s.%.*s", SLICE_ARGS(owner->text), SLICE_ARGS(name));
        objects[i] = instance_unknown(ev, joined->model, text, row->node, row->origin);
        if (!joined->name) continue;
        Value *value = (Value *)objects[i];
        if (joined_is_optional(query, joined)) value = value_optional(ev, value, text, row->node);
        instance_set_related(ev, owner, joined->name, value);
        if (joined->via.rel) instance_set_related(ev, objects[i], joined->via.rel->field->name, (Value *)owner);
    }
}

/* Fields that defer() and only() left out. */
static void note_deferred(DjQuery *query, DjInstance *row) {
    if (!query->deferred) return;
    row->deferred_known = true;
    for (int i = 0; i < row->model->concrete_fields.count; i++) {
        DjField *field = row->model->concrete_fields.items[i];
        bool read = false;
        for (int c = query->row_extra; c < query->row_extra + query->row_columns && c < query->row.count; c++)
            read |= query->row.items[c]->kind == DJ_COL && query->row.items[c]->as.col.target == field;
        if (!read) atom_map_set(&row->deferred, field->attname, row);
    }
}

/* Names of a row's columns, as attributes. */
static const Atom *row_names(Evaluator *ev, const Slice *names, int count) {
    Atom *atoms = ARENA_ARRAY(arena_of(ev), Atom, count + 1);
    for (int i = 0; i < count; i++) atoms[i] = atom_intern(evaluator_atoms(ev), names[i]);
    return atoms;
}

Value *dj_unknown_row(Evaluator *ev, DjQuerySet *queryset, DjQuery *query, const Node *site, DjOrigin *origin) {
    if (queryset->rows == DJ_ROWS_MODEL) {
        DjInstance *row = instance_unknown(ev, queryset->model, span_text(evaluator_span(ev, site)), site, origin);
        if (query) {
            dj_set_joined_rows(query, row);
            note_deferred(query, row);
        }
        if (queryset->hint_field) instance_set_related(ev, row, queryset->hint_field->name, queryset->hint_instance);
        return (Value *)row;
    }
    int count = queryset->field_count;
    if (queryset->rows == DJ_ROWS_FLAT || queryset->rows == DJ_ROWS_DATE)
        return dj_unknown_column(ev, site, origin, count ? queryset->fields[0] : SLICE("id"));
    if ((queryset->rows == DJ_ROWS_TUPLE || queryset->rows == DJ_ROWS_NAMED) && count) {
        Value **items = ARENA_ARRAY(arena_of(ev), Value *, count);
        for (int i = 0; i < count; i++) items[i] = dj_unknown_column(ev, site, origin, queryset->fields[i]);
        if (queryset->rows == DJ_ROWS_TUPLE) return value_tuple(ev, items, count);
        return value_named_tuple(ev, SLICE("Row"), row_names(ev, queryset->fields, count), items, count);
    }
    if (queryset->rows == DJ_ROWS_DICT && count) {
        DictValue *dict = value_dict(ev);
        for (int i = 0; i < count; i++)
            dict_set(ev, dict, value_string(ev, queryset->fields[i]),
                     dj_unknown_column(ev, site, origin, queryset->fields[i]), site);
        dict->open = true;
        return (Value *)dict;
    }
    return value_unknown_at(ev, site);
}

/* ---- cells ---- */

/* Datetimes are stored without their zone, which is UTC then. */
static Value *aware(Evaluator *ev, Value *cell) {
    if (!django_use_tz(ev) || ((DateTimeValue *)cell)->zone) return cell;
    DateTimeValue parts = *(DateTimeValue *)cell;
    parts.zone = value_zone(ev, SLICE("UTC"));
    return value_datetime(ev, &parts);
}

/* A column's own digits: 12.5 of a field with two places is 12.50. */
static Value *with_places(Evaluator *ev, Value *cell, int places) {
    Buffer unit;
    buffer_init(&unit, arena_of(ev));
    buffer_text(&unit, places ? "0." : "1");
    for (int i = 1; i <= places; i++) buffer_put(&unit, i == places ? '1' : '0');
    Value *argument = value_decimal(ev, buffer_view(&unit));
    Value *value = value_call_method(ev, cell, "quantize", &argument, 1, NULL);
    if (value && value_is(value, VALUE_DECIMAL)) return value;
    evaluator_clear_error(ev);
    return cell;
}

/* A cell as the expression's field gives it to Python. */
static Value *dj_from_database(Evaluator *ev, DjExpr *expr, Value *cell, const Node *site) {
    (void)site;
    if (value_is_none(cell) || !expr) return cell;
    DjField *field = expr->kind == DJ_COL ? expr->as.col.target : dj_output_field(ev, expr, false);
    evaluator_clear_error(ev);
    if (!field) return cell;
    if (field->rel && field_final_target(ev, field)) field = field_final_target(ev, field);
    if (value_is(cell, VALUE_DATETIME)) return aware(ev, cell);
    if (field->internal == FIELD_JSON && value_is(cell, VALUE_STRING)) {
        Value *read = json_read_value(ev, value_text(cell));
        return read ? read : cell;
    }
    if (field->internal == FIELD_BOOLEAN && value_is(cell, VALUE_INTEGER))
        return value_bool(ev, ((IntegerValue *)cell)->number != 0);
    if (value_is(cell, VALUE_DECIMAL) && expr->kind == DJ_COL && field->decimal_places >= 0)
        return with_places(ev, cell, field->decimal_places);
    return cell;
}

/* ---- known rows ---- */

static Value *cell_at(Evaluator *ev, const DjQuery *query, const RowSet *set, Value **row, int column,
                      const Node *site) {
    if (column >= set->column_count) return value_none(ev);
    return dj_from_database(ev, query && column < query->row.count ? query->row.items[column] : NULL, row[column],
                            site);
}

/* The object whose columns start at `first`; NULL: its key is NULL, there is none. */
static DjInstance *object_of_row(Evaluator *ev, DjModel *model, const DjQuery *query, const RowSet *set, Value **row,
                                 int first, int count, DjInstance *parent, const Node *site) {
    model_prepare(ev, model);
    Value **values = ARENA_ARRAY(arena_of(ev), Value *, model->concrete_fields.count + 1);
    DjField **keys;
    int key_count = model_pk_fields(ev, model, &keys);
    for (int i = 0; i < model->concrete_fields.count; i++) {
        DjField *field = model->concrete_fields.items[i];
        for (int c = first; c < first + count && c < query->row.count && !values[i]; c++)
            if (query->row.items[c]->kind == DJ_COL && query->row.items[c]->as.col.target == field)
                values[i] = cell_at(ev, query, set, row, c, site);
        if (!values[i] && parent) values[i] = instance_get((Value *)parent, field->attname);
        for (int k = 0; k < key_count; k++)
            if (keys[k] == field && values[i] && value_is_none(values[i])) return NULL;
    }
    return instance_from_row(ev, model, values);
}

static void set_joined_objects(Evaluator *ev, const DjQuery *query, const RowSet *set, Value **row, DjInstance *object,
                               const Node *site) {
    DjInstance **objects = ARENA_ARRAY(arena_of(ev), DjInstance *, query->joined_count + 1);
    for (int i = 0; i < query->joined_count; i++) {
        const DjJoinedRow *joined = &query->joined[i];
        DjInstance *owner = joined->parent < 0 ? object : objects[joined->parent];
        if (!owner) continue;
        objects[i] = object_of_row(ev, joined->model, query, set, row,
                                   joined->first + query->row_extra + query->row_columns + query->row_annotations,
                                   joined->count, joined->via.rel ? owner : NULL, site);
        if (!joined->name) continue;
        instance_set_related(ev, owner, joined->name, objects[i] ? (Value *)objects[i] : value_none(ev));
        if (joined->via.rel && objects[i])
            instance_set_related(ev, objects[i], joined->via.rel->field->name, (Value *)owner);
    }
}

static Slice translated(Evaluator *ev, const DjRaw *raw, Slice column) {
    Value *name = raw->translations ? dict_get(ev, raw->translations, value_string(ev, column)) : NULL;
    return name && value_is(name, VALUE_STRING) ? value_text(name) : column;
}

/* raw(): columns go by their names, others become attributes. */
static Value *raw_model_row(Evaluator *ev, const DjQuerySet *queryset, const RowSet *set, Value **row) {
    DjModel *model = queryset->model;
    model_prepare(ev, model);
    Slice *columns = ARENA_ARRAY(arena_of(ev), Slice, set->column_count + 1);
    for (int c = 0; c < set->column_count; c++) columns[c] = translated(ev, queryset->raw, set->columns[c]);
    Value **values = ARENA_ARRAY(arena_of(ev), Value *, model->concrete_fields.count + 1);
    for (int i = 0; i < model->concrete_fields.count; i++)
        for (int c = 0; c < set->column_count && !values[i]; c++)
            if (slice_equals(columns[c], model->concrete_fields.items[i]->column->text)) values[i] = row[c];
    DjInstance *instance = instance_from_row(ev, model, values);
    for (int c = 0; c < set->column_count; c++) {
        Atom name = atom_intern(evaluator_atoms(ev), columns[c]);
        DjFound found = model_find_field(ev, model, name);
        if (!found.field && !found.rel) instance_set(ev, (Value *)instance, name, row[c]);
    }
    return (Value *)instance;
}

static Value *model_row(Evaluator *ev, DjQuerySet *queryset, const DjQuery *query, const RowSet *set, Value **row,
                        const Node *site) {
    if (!query) return raw_model_row(ev, queryset, set, row);
    DjInstance *object =
        object_of_row(ev, queryset->model, query, set, row, query->row_extra, query->row_columns, NULL, site);
    if (!object) return value_none(ev);
    int after = query->row_extra + query->row_columns;
    for (int c = 0; c < after + query->row_annotations && c < set->column_count; c++) {
        if (c == query->row_extra) c = after;
        if (c >= after + query->row_annotations || c >= set->column_count) break;
        instance_set(ev, (Value *)object, atom_intern(evaluator_atoms(ev), set->columns[c]),
                     cell_at(ev, query, set, row, c, site));
    }
    set_joined_objects(ev, query, set, row, object, site);
    if (queryset->hint_field) instance_set_related(ev, object, queryset->hint_field->name, queryset->hint_instance);
    return (Value *)object;
}

static Value *known_row(Evaluator *ev, DjQuerySet *queryset, const DjQuery *query, const RowSet *set, Value **row,
                        const Node *site) {
    if (queryset->rows == DJ_ROWS_MODEL) return model_row(ev, queryset, query, set, row, site);
    Value **cells = ARENA_ARRAY(arena_of(ev), Value *, set->column_count + 1);
    for (int i = 0; i < set->column_count; i++) cells[i] = cell_at(ev, query, set, row, i, site);
    if (queryset->rows == DJ_ROWS_FLAT || queryset->rows == DJ_ROWS_DATE)
        return set->column_count ? cells[0] : value_none(ev);
    if (queryset->rows == DJ_ROWS_NAMED)
        return value_named_tuple(ev, SLICE("Row"), row_names(ev, set->columns, set->column_count), cells,
                                 set->column_count);
    if (queryset->rows != DJ_ROWS_DICT) return value_tuple(ev, cells, set->column_count);
    DictValue *dict = value_dict(ev);
    for (int i = 0; i < set->column_count; i++) dict_set(ev, dict, value_string(ev, set->columns[i]), cells[i], NULL);
    return (Value *)dict;
}

ListValue *dj_known_rows(Evaluator *ev, DjQuerySet *queryset, DjQuery *query, const RowSet *set, const Node *site) {
    ListValue *list = value_list(ev);
    for (int i = 0; i < set->row_count; i++)
        list_append(ev, list, known_row(ev, queryset, query, set, set->rows[i], site));
    return list;
}
