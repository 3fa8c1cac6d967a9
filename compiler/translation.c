/*
 * A translation: what the evaluator has found, as the public structs.
 *
 * In: the trace of executed queries and the diagnostics. Out: OrmcQuery, OrmcStatement, OrmcParam and
 * OrmcDiagnostic views in the context's scratch arena; texts are shared with the evaluator's memory,
 * which the same translation keeps alive. Example: a statement of the third execution that takes `id`
 * from the rows of the first one's second statement gets {query 0, statement 1, column "id"}.
 */
#include "compiler/context.h"

Trace translation_trace(const OrmcTranslation *translation) {
    if (translation->is_schema) return (Trace){(Execution **)translation->schema_items, 1};
    return evaluator_trace(translation->context->evaluator);
}

static bool statement_is_transaction(const Statement *statement) {
    switch (statement->kind) {
    case STATEMENT_BEGIN:
    case STATEMENT_COMMIT:
    case STATEMENT_ROLLBACK:
    case STATEMENT_SAVEPOINT:
    case STATEMENT_RELEASE: return true;
    case STATEMENT_SELECT:
    case STATEMENT_INSERT:
    case STATEMENT_UPDATE:
    case STATEMENT_DELETE:
    case STATEMENT_EXPLAIN:
    case STATEMENT_DDL:
    case STATEMENT_EXPRESSION:
    case STATEMENT_KIND_COUNT: return false;
    }
    return false;
}

bool translation_shows(const OrmcTranslation *translation, const Statement *statement) {
    return !translation->leave_transactions || !statement_is_transaction(statement);
}

int translation_position(const OrmcTranslation *translation, int execution, int index, bool flat) {
    Trace trace = translation_trace(translation);
    int position = 0;
    for (int i = flat ? 0 : execution; i <= execution && i < trace.count; i++) {
        const StatementList *statements = &trace.items[i]->statements;
        int end = i == execution && index < statements->count ? index : statements->count;
        for (int j = 0; j < end; j++) position += translation_shows(translation, &statements->items[j]);
    }
    return position;
}

/* ---- views ---- */

static OrmcValue value_view(Arena *arena, const Literal *literal, SqlType type, SqlType item_type) {
    OrmcValue value = {.type = (OrmcType)type};
    switch (literal->kind) {
    case LITERAL_NULL: value.is_null = true; return value;
    case LITERAL_BOOL:
    case LITERAL_INTEGER:
        value.integer = literal->integer;
        if (type == SQL_UNKNOWN) value.type = literal->kind == LITERAL_BOOL ? ORMC_TYPE_BOOLEAN : ORMC_TYPE_BIGINT;
        return value;
    case LITERAL_FLOAT:
        value.type = ORMC_TYPE_FLOAT;
        value.number = literal->number;
        return value;
    case LITERAL_TEXT:
    case LITERAL_BYTES:
        value.text = slice_terminated(arena, literal->text);
        value.length = literal->text.length;
        if (type == SQL_FLOAT || type == SQL_BOOLEAN) value.type = ORMC_TYPE_TEXT;
        return value;
    case LITERAL_MAP:
    case LITERAL_ARRAY: {
        bool map = literal->kind == LITERAL_MAP;
        SqlType inner = map ? SQL_TEXT : item_type;
        OrmcValue *items = ARENA_ARRAY(arena, OrmcValue, literal->count + 1);
        for (int i = 0; i < literal->count; i++) items[i] = value_view(arena, &literal->items[i], inner, inner);
        value.type = map ? ORMC_TYPE_MAP : ORMC_TYPE_ARRAY;
        value.items = items;
        value.length = (size_t)literal->count;
        return value;
    }
    }
    return value;
}

static void param_view(Arena *arena, const OrmcTranslation *translation, int execution, const Param *param,
                       OrmcParam *view) {
    *view =
        (OrmcParam){.source = (OrmcParamSource)param->source, .type = (OrmcType)param->type, .expand = param->expand};
    view->query = -1;
    switch (param->source) {
    case PARAM_KNOWN: view->value = value_view(arena, &param->value, param->type, param->item_type); return;
    case PARAM_NAMED: view->name = text_from_slice(slice_copy(arena, param->name)); return;
    case PARAM_FROM_ROWS: {
        int other = param->execution < 0 ? execution : param->execution;
        view->column = text_from_slice(param->column);
        if (other != execution) view->query = other;
        view->statement = translation_position(translation, other, param->statement, false);
        return;
    }
    }
}

static void statement_view(Arena *arena, const OrmcTranslation *translation, int execution, const Statement *statement,
                           OrmcStatement *view) {
    OrmcParam *params = ARENA_ARRAY(arena, OrmcParam, statement->param_count + 1);
    OrmcText *names = ARENA_ARRAY(arena, OrmcText, statement->column_count + 1);
    OrmcType *types = ARENA_ARRAY(arena, OrmcType, statement->column_count + 1);
    for (int i = 0; i < statement->param_count; i++)
        param_view(arena, translation, execution, &statement->params[i], &params[i]);
    for (int i = 0; i < statement->column_count; i++) {
        names[i] = text_from_slice(statement->columns[i].name);
        types[i] = (OrmcType)statement->columns[i].type;
    }
    *view = (OrmcStatement){.kind = (OrmcStatementKind)statement->kind,
                            .sql = {slice_terminated(arena, statement->sql), statement->sql.length},
                            .params = params,
                            .param_count = statement->param_count,
                            .column_names = names,
                            .column_types = types,
                            .column_count = statement->column_count};
    if (statement->inlined.length)
        view->inlined = (OrmcText){slice_terminated(arena, statement->inlined), statement->inlined.length};
}

void translation_view_query(const OrmcTranslation *translation, int number, const Execution *execution,
                            OrmcQuery *view) {
    Arena *arena = &translation->context->scratch;
    OrmcStatement *statements = ARENA_ARRAY(arena, OrmcStatement, execution->statements.count + 1);
    int count = 0;
    for (int i = 0; i < execution->statements.count; i++) {
        const Statement *statement = &execution->statements.items[i];
        if (translation_shows(translation, statement))
            statement_view(arena, translation, number, statement, &statements[count++]);
    }
    *view = (OrmcQuery){.dialect = translation->dialect->name, .statements = statements, .statement_count = count};
    view->source = (OrmcText){slice_terminated(arena, execution->source), execution->source.length};
    if (execution->function) view->function = text_from_slice(execution->function->text);
    if (!execution->span.source) return;
    Position position = source_position(execution->span.source, execution->span.start);
    view->file = text_from_slice(execution->span.source->name);
    view->line = position.line;
    view->column = position.column;
}

static void diagnostic_view(Arena *arena, const Diagnostic *diagnostic, OrmcDiagnostic *view) {
    *view = (OrmcDiagnostic){.code = diagnostic_code_text(diagnostic->code),
                             .is_warning = diagnostic->severity == SEVERITY_WARNING,
                             .message = {slice_terminated(arena, diagnostic->message), diagnostic->message.length},
                             .help = {slice_terminated(arena, diagnostic->help), diagnostic->help.length}};
    if (!diagnostic->span.source) return;
    Position start = source_position(diagnostic->span.source, diagnostic->span.start);
    Position end = source_position(diagnostic->span.source, diagnostic->span.end);
    view->file = text_from_slice(diagnostic->span.source->name);
    view->line = start.line;
    view->column = start.column;
    view->end_line = end.line;
    view->end_column = end.column;
}

void translation_view_diagnostics(OrmcTranslation *translation) {
    Arena *arena = &translation->context->scratch;
    int count = translation->diagnostics.count;
    translation->diagnostic_views = ARENA_ARRAY(arena, OrmcDiagnostic, count + 1);
    for (int i = 0; i < count; i++)
        diagnostic_view(arena, &translation->diagnostics.items[i], &translation->diagnostic_views[i]);
}

void translation_build(OrmcContext *context) {
    OrmcTranslation *translation = &context->translation;
    Arena *arena = &context->scratch;
    diagnostics_init(&translation->diagnostics, arena);
    const DiagnosticList *lists[] = {evaluator_load_diagnostics(context->evaluator),
                                     evaluator_diagnostics(context->evaluator)};
    for (int i = 0; i < 2; i++)
        for (int j = 0; j < lists[i]->count; j++) diagnostics_take(&translation->diagnostics, &lists[i]->items[j]);
    translation_view_diagnostics(translation);
    Trace trace = translation_trace(translation);
    translation->queries = ARENA_ARRAY(arena, OrmcQuery, trace.count + 1);
    for (int i = 0; i < trace.count; i++)
        translation_view_query(translation, i, trace.items[i], &translation->queries[i]);
}

/* ---- public ---- */

int ormc_translation_query_count(const OrmcTranslation *translation) {
    return translation->queries ? translation_trace(translation).count : 0;
}

const OrmcQuery *ormc_translation_query(const OrmcTranslation *translation, int index) {
    return index >= 0 && index < ormc_translation_query_count(translation) ? &translation->queries[index] : NULL;
}

int ormc_translation_diagnostic_count(const OrmcTranslation *translation) { return translation->diagnostics.count; }

const OrmcDiagnostic *ormc_translation_diagnostic(const OrmcTranslation *translation, int index) {
    return index >= 0 && index < translation->diagnostics.count ? &translation->diagnostic_views[index] : NULL;
}
