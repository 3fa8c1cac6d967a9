/*
 * A run's host: the evaluator's executed queries go out as OrmcQuery, rows come back as Python values.
 *
 * In: an Execution whose parameters are all known. Out: one RowSet a statement, in the evaluator's
 * arena. A statement that the database refuses raises, and ends a program that does not catch it. Example: the cell
 * {integer 7} of a column becomes the int 7, text '2024-05-17' of type date a datetime.date.
 */
#include "compiler/context.h"

static Value *value_from_text(Evaluator *ev, const char *module, const char *class_name, const char *text,
                              size_t length) {
    Value *argument = value_string(ev, slice_copy(evaluator_arena(ev), (Slice){text, length}));
    ModuleValue *home = evaluator_import(ev, module);
    Value *cls = home ? atom_map_get(&home->names, atom_intern_text(evaluator_atoms(ev), class_name)) : NULL;
    if (!cls) return argument;
    Value *made = strcmp(class_name, "UUID") == 0 ? value_call_with(ev, cls, &argument, 1, NULL)
                                                  : value_call_method(ev, cls, "fromisoformat", &argument, 1, NULL);
    if (made) return made;
    evaluator_clear_error(ev);
    return argument;
}

static Value *value_from_cell(Evaluator *ev, const OrmcValue *cell) {
    if (cell->is_null) return value_none(ev);
    Arena *arena = evaluator_arena(ev);
    Slice text = {cell->text, cell->length};
    switch (cell->type) {
    case ORMC_TYPE_BOOLEAN: return value_bool(ev, cell->integer != 0);
    case ORMC_TYPE_INTEGER:
    case ORMC_TYPE_BIGINT:
        return cell->text ? value_big_integer(ev, slice_copy(arena, text)) : value_integer(ev, cell->integer);
    case ORMC_TYPE_FLOAT: return value_float(ev, cell->number);
    case ORMC_TYPE_DECIMAL: return value_decimal(ev, slice_copy(arena, text));
    case ORMC_TYPE_INTERVAL: return value_timedelta(ev, cell->integer);
    case ORMC_TYPE_BYTES: return value_bytes(ev, slice_copy(arena, text));
    case ORMC_TYPE_DATE: return value_from_text(ev, "datetime", "date", cell->text, cell->length);
    case ORMC_TYPE_TIME: return value_from_text(ev, "datetime", "time", cell->text, cell->length);
    case ORMC_TYPE_DATETIME: return value_from_text(ev, "datetime", "datetime", cell->text, cell->length);
    case ORMC_TYPE_UUID: return value_from_text(ev, "uuid", "UUID", cell->text, cell->length);
    case ORMC_TYPE_ARRAY: {
        ListValue *list = value_list(ev);
        for (size_t i = 0; i < cell->length; i++) list_append(ev, list, value_from_cell(ev, &cell->items[i]));
        return (Value *)list;
    }
    case ORMC_TYPE_MAP: {
        DictValue *dict = value_dict(ev);
        for (size_t i = 0; i + 1 < cell->length; i += 2)
            dict_set(ev, dict, value_from_cell(ev, &cell->items[i]), value_from_cell(ev, &cell->items[i + 1]), NULL);
        return (Value *)dict;
    }
    case ORMC_TYPE_JSON:
    case ORMC_TYPE_TEXT:
    case ORMC_TYPE_UNKNOWN: return value_string(ev, slice_copy(arena, text));
    }
    return value_none(ev);
}

static void rows_read(Evaluator *ev, const OrmcRows *rows, RowSet *set) {
    Arena *arena = evaluator_arena(ev);
    *set = (RowSet){.column_count = rows->column_count,
                    .row_count = rows->row_count,
                    .affected = rows->affected,
                    .last_insert_id = rows->inserted_id};
    set->columns = ARENA_ARRAY(arena, Slice, rows->column_count + 1);
    for (int i = 0; i < rows->column_count; i++)
        set->columns[i] = slice_copy(arena, (Slice){rows->columns[i].data, rows->columns[i].length});
    set->rows = ARENA_ARRAY(arena, Value **, rows->row_count + 1);
    for (int i = 0; i < rows->row_count; i++) {
        set->rows[i] = ARENA_ARRAY(arena, Value *, rows->column_count + 1);
        for (int j = 0; j < rows->column_count; j++) set->rows[i][j] = value_from_cell(ev, &rows->rows[i][j]);
    }
}

/* A parameter that no value has come for; NULL: all have theirs. */
static const OrmcParam *statement_unknown(const OrmcStatement *statement) {
    for (int i = 0; i < statement->param_count; i++)
        if (statement->params[i].source != ORMC_PARAM_KNOWN) return &statement->params[i];
    return NULL;
}

ExecutionResult *host_execute(void *user, Evaluator *ev, const Execution *execution) {
    OrmcContext *context = user;
    Arena *arena = evaluator_arena(ev);
    OrmcQuery query;
    translation_view_query(&context->translation, execution->number, execution, &query);
    ExecutionResult *result = ARENA_NEW(arena, ExecutionResult);
    result->sets = ARENA_ARRAY(arena, RowSet, execution->statements.count + 1);
    for (int i = 0, shown = 0; i < execution->statements.count; i++, result->count++) {
        if (!translation_shows(&context->translation, &execution->statements.items[i])) continue;
        const OrmcParam *unknown = statement_unknown(&query.statements[shown]);
        if (unknown)
            return evaluator_raise(ev, evaluator_exception(ev, EXCEPTION_VALUE), execution->span,
                                   "the value of '%.*s' is not known; give it with --set", (int)unknown->name.length,
                                   unknown->name.length ? unknown->name.data : "");
        OrmcRows rows = {0};
        const char *message = "the database refused the statement";
        if (!context->host->execute(context->host->user, &query, shown++, &rows, &message)) {
            context->host_failed = true;
            const OrmcHost *host = context->host;
            bool knows = host->size >= offsetof(OrmcHost, broke_constraint) + sizeof host->broke_constraint;
            bool constraint = knows && host->broke_constraint && host->broke_constraint(host->user);
            bool sqlite = evaluator_dialect(ev)->id == DIALECT_SQLITE;
            ExceptionId refusal = constraint ? EXCEPTION_INTEGRITY
                                  : sqlite   ? EXCEPTION_OPERATIONAL
                                             : EXCEPTION_DATABASE;
            return evaluator_raise(ev, evaluator_exception(ev, refusal), execution->span, "%s", message);
        }
        rows_read(ev, &rows, &result->sets[i]);
    }
    return result;
}

void host_write(void *user, Slice text) {
    OrmcContext *context = user;
    if (context->host->write) context->host->write(context->host->user, text_from_slice(text));
}
