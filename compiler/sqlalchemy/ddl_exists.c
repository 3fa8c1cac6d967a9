/*
 * Which tables and types there are: what create_all() asks before it creates.
 *
 * Input: tables of metadata. Output: those that the host's database doesn't have. Invariant: one question a table, in
 * the words of SQLAlchemy's inspection but for MySQL, which is asked without an error for an answer.
 * Example: users on SQLite -> PRAGMA main.table_info("users"); no row: it isn't there.
 */
#include "compiler/sqlalchemy/ddl.h"

static void put_question(Writer *w, Name schema, Name name) {
    if (ddl_is_sqlite(w)) {
        ddl_put(w, "PRAGMA ");
        if (schema.text.length) ddl_put_name(w, schema);
        else ddl_put(w, "main");
        ddl_put(w, ".table_info(");
        name.quote = NAME_QUOTED;
        ddl_put_name(w, name);
        ddl_put(w, ")");
        return;
    }
    if (ddl_is_postgresql(w)) {
        ddl_put(w,
                "SELECT pg_catalog.pg_class.relname FROM pg_catalog.pg_class JOIN pg_catalog.pg_namespace ON "
                "pg_catalog.pg_namespace.oid = pg_catalog.pg_class.relnamespace WHERE pg_catalog.pg_class.relname = ");
        ddl_put_literal(w, name.text);
        ddl_put(w, " AND pg_catalog.pg_class.relkind = ANY (ARRAY['r', 'p', 'f', 'v', 'm']) AND ");
        if (!schema.text.length)
            ddl_put(w, "pg_catalog.pg_table_is_visible(pg_catalog.pg_class.oid) AND "
                       "pg_catalog.pg_namespace.nspname != 'pg_catalog'");
        else ddl_put(w, "pg_catalog.pg_namespace.nspname = ");
    } else {
        ddl_put(w, "SELECT table_name FROM information_schema.tables WHERE table_name = ");
        ddl_put_literal(w, name.text);
        ddl_put(w, " AND table_schema = ");
        if (!schema.text.length) ddl_put(w, "DATABASE()");
    }
    if (schema.text.length) ddl_put_literal(w, schema.text);
}

/* Sends what the writer holds; -1: raised, else the number of rows. */
static int rows_of(Writer *w) {
    Arena *arena = evaluator_arena(w->ev);
    Statement statement = {.kind = STATEMENT_SELECT, .sql = slice_copy(arena, buffer_view(&w->out))};
    StatementList list = {0};
    ARENA_PUSH(arena, list.items, list.count, list.capacity) = statement;
    const ExecutionResult *result = evaluator_execute(w->ev, &list, w->site);
    return result && result->count ? result->sets[0].row_count : -1;
}

bool ddl_ask_type(Evaluator *ev, Slice name, const Node *site, bool *exists) {
    Writer w;
    ddl_writer_init(&w, ev, site);
    ddl_put(&w, "SELECT pg_catalog.pg_type.typname FROM pg_catalog.pg_type WHERE pg_catalog.pg_type.typname = ");
    ddl_put_literal(&w, name);
    ddl_put(&w, " AND pg_catalog.pg_type_is_visible(pg_catalog.pg_type.oid)");
    int rows = rows_of(&w);
    *exists = rows > 0;
    return rows >= 0;
}

const ElementList *tables_missing(Evaluator *ev, const ElementList *tables, const Node *site) {
    ElementList *missing = ARENA_NEW(evaluator_arena(ev), ElementList);
    for (int i = 0; i < tables->count; i++) {
        Writer w;
        ddl_writer_init(&w, ev, site);
        put_question(&w, FROM(tables->items[i])->schema, tables->items[i]->name);
        int rows = rows_of(&w);
        if (rows < 0) return NULL;
        if (!rows) element_list_push(ev, missing, tables->items[i]);
    }
    return missing;
}
