/*
 * Requests and their results: made from a command, filled by a driver, answered once.
 *
 * A request is one block: the struct, then room for the texts and rows of a small statement, so that a point SELECT
 * allocates nothing when a spare request of the pool is used again.
 */
#include "backends/executor/executor.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { REQUEST_BLOCK = 2048, REQUEST_SPARES = 4096 };

void queue_push(RequestQueue *queue, OrmcRequest *request) {
    request->next = NULL;
    request->previous = queue->last;
    request->queue = queue;
    if (queue->last) queue->last->next = request;
    else queue->first = request;
    queue->last = request;
    queue->count++;
}

void queue_push_front(RequestQueue *queue, OrmcRequest *request) {
    request->next = queue->first;
    request->previous = NULL;
    request->queue = queue;
    if (queue->first) queue->first->previous = request;
    else queue->last = request;
    queue->first = request;
    queue->count++;
}

void queue_remove(OrmcRequest *request) {
    RequestQueue *queue = request->queue;
    if (!queue) return;
    if (request->previous) request->previous->next = request->next;
    else queue->first = request->next;
    if (request->next) request->next->previous = request->previous;
    else queue->last = request->previous;
    queue->count--;
    request->next = request->previous = NULL;
    request->queue = NULL;
}

OrmcRequest *queue_pop(RequestQueue *queue) {
    OrmcRequest *request = queue->first;
    if (request) queue_remove(request);
    return request;
}

static void request_init(OrmcRequest *request, OrmcPool *pool) {
    *request = (OrmcRequest){.pool = pool, .result.affected = -1};
    store_init(&request->result.store, request + 1, REQUEST_BLOCK - sizeof *request);
}

OrmcRequest *request_create(OrmcPool *pool) {
    static_assert(sizeof(OrmcRequest) <= REQUEST_BLOCK / 2, "a small statement fits behind its request");
    OrmcRequest *request = pool->spare;
    if (request) {
        pool->spare = request->next;
        pool->spare_count--;
    } else if (!(request = malloc(REQUEST_BLOCK))) {
        return NULL;
    }
    request_init(request, pool);
    return request;
}

void request_recycle(OrmcRequest *request) {
    OrmcPool *pool = request->pool;
    if (request->prepared) ormc_prepared_free(request->prepared);
    request->prepared = NULL;
    if (request->result.kept) return;
    store_release(&request->result.store);
    if (pool->spare_count >= REQUEST_SPARES) {
        free(request);
        return;
    }
    request->next = pool->spare;
    pool->spare = request;
    pool->spare_count++;
}

OrmcResult *ormc_result_keep(OrmcResult *result) {
    result->kept = true;
    return result;
}

void ormc_result_free(OrmcResult *result) {
    if (!result) return;
    store_release(&result->store);
    free(result);
}

/* ---- from a command */

/* An ORM may hand an integer where a decimal is meant, or a text where an interval is: the value says what it is. */
static OrmcType value_kind(const OrmcValue *value) {
    switch (value->type) {
    case ORMC_TYPE_DECIMAL:
    case ORMC_TYPE_TEXT:
    case ORMC_TYPE_DATE:
    case ORMC_TYPE_TIME:
    case ORMC_TYPE_DATETIME:
    case ORMC_TYPE_UUID:
    case ORMC_TYPE_JSON:
    case ORMC_TYPE_UNKNOWN: return value->text ? value->type : ORMC_TYPE_BIGINT;
    case ORMC_TYPE_INTERVAL: return value->text ? ORMC_TYPE_UNKNOWN : value->type;
    case ORMC_TYPE_BOOLEAN:
    case ORMC_TYPE_INTEGER:
    case ORMC_TYPE_BIGINT:
    case ORMC_TYPE_FLOAT:
    case ORMC_TYPE_BYTES:
    case ORMC_TYPE_MAP:
    case ORMC_TYPE_ARRAY: break;
    }
    return value->type;
}

static bool values_copy(Store *store, OrmcValue **target, const OrmcValue *values, size_t count, unsigned depth) {
    if (!count) return true;
    if (depth > 16) return false;
    OrmcValue *copies = store_allocate(store, count * sizeof *copies);
    if (!copies) return false;
    for (size_t i = 0; i < count; i++) {
        const OrmcValue *value = &values[i];
        copies[i] = *value;
        if (value->is_null) continue;
        copies[i].type = value_kind(value);
        if ((value->type == ORMC_TYPE_INTEGER || value->type == ORMC_TYPE_BIGINT) && value->text) {
            value_shrink(&copies[i]);
            if (!copies[i].text) continue;
        }
        if (value->type == ORMC_TYPE_ARRAY || value->type == ORMC_TYPE_MAP) {
            OrmcValue *items = NULL;
            if (!values_copy(store, &items, value->items, value->length, depth + 1)) return false;
            copies[i].items = items;
        } else if (value->text) {
            copies[i].text = store_copy(store, value->text, value->length);
            copies[i].length = value->length;
            if (!copies[i].text) return false;
        }
    }
    *target = copies;
    return true;
}

bool request_fill(OrmcRequest *request, const OrmcCommand *given) {
    OrmcCommand command = {0};
    memcpy(&command, given, given->size && given->size < sizeof command ? given->size : sizeof command);
    Store *store = &request->result.store;
    if (command.prepared) {
        request->prepared = command.prepared;
        request->prepared->references++;
        request->sql = command.prepared->sql;
        request->sql_length = command.prepared->sql_length;
        request->sql_hash = command.prepared->hash;
    } else {
        request->sql_length = command.sql_length || !command.sql ? command.sql_length : strlen(command.sql);
        request->sql = store_copy(store, command.sql, request->sql_length);
        if (!request->sql) return false;
        request->sql_hash = sql_hash(request->sql, request->sql_length);
    }
    if (!values_copy(store, &request->params, command.params, command.param_count, 0)) return false;
    request->param_count = command.param_count;
    if (command.column_type_count) {
        size_t size = command.column_type_count * sizeof *command.column_types;
        request->column_types = store_allocate(store, size);
        if (!request->column_types) return false;
        memcpy(request->column_types, command.column_types, size);
        request->column_type_count = command.column_type_count;
    }
    unsigned timeout = command.timeout_ms ? command.timeout_ms : request->pool->options.statement_timeout_ms;
    uint64_t now = pool_now(request->pool);
    if (timeout) request->deadline = now + timeout;
    request->wait_deadline = now + request->pool->options.wait_timeout_ms;
    request->read_only = command.read_only;
    request->prepare_only = command.prepare_only;
    request->on_row = command.on_row;
    request->on_done = command.on_done;
    request->user = request->row_user = command.user;
    return true;
}

OrmcPrepared *ormc_pool_prepare(OrmcPool *pool, const char *sql) {
    (void)pool;
    size_t length = strlen(sql);
    OrmcPrepared *prepared = malloc(sizeof *prepared + length + 1);
    if (!prepared) return NULL;
    *prepared = (OrmcPrepared){.references = 1, .sql_length = length, .hash = sql_hash(sql, length)};
    memcpy(prepared->sql, sql, length + 1);
    return prepared;
}

void ormc_prepared_free(OrmcPrepared *prepared) {
    if (prepared && --prepared->references == 0) free(prepared);
}

/* ---- filled by a driver */

void request_fail(OrmcRequest *request, OrmcError error, const char *format, ...) {
    OrmcResult *result = &request->result;
    if (result->error != ORMC_ERROR_NONE) return; /* the first error is the one that explains */
    result->error = error;
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(NULL, 0, format, arguments);
    va_end(arguments);
    if (length < 0) return;
    char *message = store_allocate(&result->store, (size_t)length + 1);
    if (!message) return;
    va_start(arguments, format);
    vsnprintf(message, (size_t)length + 1, format, arguments);
    va_end(arguments);
    result->message = message;
}

void request_state(OrmcRequest *request, const char *state) {
    if (!state) return;
    snprintf(request->result.state, sizeof request->result.state, "%.5s", state);
}

void request_out_of_memory(OrmcRequest *request) { request_fail(request, ORMC_ERROR_MEMORY, "out of memory"); }

void request_notice(OrmcRequest *request, const char *text) {
    OrmcResult *result = &request->result;
    Notice *notice = store_allocate(&result->store, sizeof *notice);
    if (!notice) return;
    *notice = (Notice){.text = store_copy(&result->store, text, strlen(text))};
    if (!notice->text) return;
    if (result->last_notice) result->last_notice->next = notice;
    else result->notices = notice;
    result->last_notice = notice;
}

bool request_columns(OrmcRequest *request, size_t count) {
    OrmcResult *result = &request->result;
    result->columns = count ? store_allocate(&result->store, count * sizeof *result->columns) : NULL;
    if (count && !result->columns) {
        request_out_of_memory(request);
        return false;
    }
    for (size_t i = 0; i < count; i++) result->columns[i] = (ResultColumn){.name = "", .type = ORMC_TYPE_UNKNOWN};
    result->column_count = count;
    request->described = true;
    return true;
}

OrmcValue *request_row(OrmcRequest *request) {
    OrmcResult *result = &request->result;
    if (request->on_row) request->row_mark = store_mark(&result->store);
    OrmcValue *cells = store_allocate(&result->store, result->column_count * sizeof *cells);
    if (!cells) request_out_of_memory(request);
    return cells;
}

static bool request_collect(OrmcRequest *request, OrmcValue *cells) {
    OrmcResult *result = &request->result;
    if (result->row_count == result->row_capacity) {
        size_t capacity = result->row_capacity ? result->row_capacity * 2 : 4;
        OrmcValue **rows = store_allocate(&result->store, capacity * sizeof *rows);
        if (!rows) {
            request_out_of_memory(request);
            return false;
        }
        if (result->row_count) memcpy(rows, result->rows, result->row_count * sizeof *rows);
        result->rows = rows;
        result->row_capacity = capacity;
    }
    result->rows[result->row_count++] = cells;
    if (result->store.total <= request->pool->options.max_result_bytes) return true;
    request_fail(request, ORMC_ERROR_LIMIT, "the result is larger than %zu bytes: read it with a row callback",
                 request->pool->options.max_result_bytes);
    return false;
}

/* Gives the row callback a row that is not in the request's memory. False: no more rows are
 * wanted; the request is failed, or paused. */
static bool request_row_deliver(OrmcRequest *request, const OrmcValue *cells) {
    count_up(&request->pool->counters.rows);
    request->pool->loop->delivered++;
    switch (request->on_row(request->row_user, request, &request->result, cells)) {
    case ORMC_FLOW_CONTINUE: break;
    case ORMC_FLOW_PAUSE: request->paused = true; break;
    case ORMC_FLOW_STOP:
        request_fail(request, ORMC_ERROR_CANCELLED, "the row callback wanted no more rows");
        return false;
    }
    return !request->paused;
}

bool request_row_done(OrmcRequest *request, OrmcValue *cells) {
    OrmcResult *result = &request->result;
    size_t known =
        request->column_type_count < result->column_count ? request->column_type_count : result->column_count;
    for (size_t i = 0; i < known; i++) value_convert(&result->store, &cells[i], request->column_types[i]);
    if (!request->on_row) return request_collect(request, cells);
    bool more = request_row_deliver(request, cells);
    /* an error message of this callback lies behind the mark: it stays, the row with it */
    if (result->error == ORMC_ERROR_NONE) store_reset_to(&result->store, request->row_mark);
    return more;
}

void request_reset_result(OrmcRequest *request) {
    OrmcResult *result = &request->result;
    result->columns = NULL;
    result->rows = NULL;
    result->column_count = result->row_count = result->row_capacity = 0;
    result->error = ORMC_ERROR_NONE;
    result->message = NULL;
    result->notices = result->last_notice = NULL;
    result->affected = -1;
    result->state[0] = '\0';
    request->described = false;
}

/* ---- read by the caller */

OrmcError ormc_result_error(const OrmcResult *result) { return result->error; }
const char *ormc_result_message(const OrmcResult *result) { return result->message ? result->message : ""; }
const char *ormc_result_state(const OrmcResult *result) { return result->state; }
int ormc_result_native_code(const OrmcResult *result) { return result->native_code; }
size_t ormc_result_column_count(const OrmcResult *result) { return result->column_count; }
size_t ormc_result_row_count(const OrmcResult *result) { return result->row_count; }
int64_t ormc_result_affected(const OrmcResult *result) { return result->affected; }
int64_t ormc_result_inserted_id(const OrmcResult *result) { return result->inserted_id; }

const char *ormc_result_column_name(const OrmcResult *result, size_t column) {
    return column < result->column_count ? result->columns[column].name : NULL;
}

OrmcType ormc_result_column_type(const OrmcResult *result, size_t column) {
    return column < result->column_count ? result->columns[column].type : ORMC_TYPE_UNKNOWN;
}

const OrmcValue *ormc_result_row(const OrmcResult *result, size_t row) {
    return row < result->row_count ? result->rows[row] : NULL;
}

const char *ormc_result_notice(const OrmcResult *result, size_t index) {
    const Notice *notice = result->notices;
    while (notice && index--) notice = notice->next;
    return notice ? notice->text : NULL;
}
