/* Parts of PostgreSQL's executor: the functions of libpq that it calls, and values on their way there and back. */
#ifndef ORMC_POSTGRESQL_PARTS_H
#define ORMC_POSTGRESQL_PARTS_H

#include "backends/executor/executor.h"

#include <libpq-fe.h>

#define PQ_FUNCTIONS(X)                                                                                                \
    X(PQconninfo)                                                                                                      \
    X(PQconninfoFree)                                                                                                  \
    X(PQconnectStartParams)                                                                                            \
    X(PQconnectPoll)                                                                                                   \
    X(PQfinish)                                                                                                        \
    X(PQstatus)                                                                                                        \
    X(PQsocket)                                                                                                        \
    X(PQerrorMessage)                                                                                                  \
    X(PQparameterStatus)                                                                                               \
    X(PQtransactionStatus)                                                                                             \
    X(PQsetnonblocking)                                                                                                \
    X(PQenterPipelineMode)                                                                                             \
    X(PQpipelineSync)                                                                                                  \
    X(PQsendQueryParams)                                                                                               \
    X(PQsendPrepare)                                                                                                   \
    X(PQsendQueryPrepared)                                                                                             \
    X(PQsendDescribePrepared)                                                                                          \
    X(PQsetSingleRowMode)                                                                                              \
    X(PQconsumeInput)                                                                                                  \
    X(PQisBusy)                                                                                                        \
    X(PQflush)                                                                                                         \
    X(PQgetResult)                                                                                                     \
    X(PQresultStatus)                                                                                                  \
    X(PQresultErrorField)                                                                                              \
    X(PQresultErrorMessage)                                                                                            \
    X(PQclear)                                                                                                         \
    X(PQnfields)                                                                                                       \
    X(PQntuples)                                                                                                       \
    X(PQfname)                                                                                                         \
    X(PQftype)                                                                                                         \
    X(PQfformat)                                                                                                       \
    X(PQgetvalue)                                                                                                      \
    X(PQgetlength)                                                                                                     \
    X(PQgetisnull)                                                                                                     \
    X(PQcmdStatus)                                                                                                     \
    X(PQcmdTuples)                                                                                                     \
    X(PQnotifies)                                                                                                      \
    X(PQfreemem)                                                                                                       \
    X(PQgetCancel)                                                                                                     \
    X(PQcancel)                                                                                                        \
    X(PQfreeCancel)                                                                                                    \
    X(PQsetNoticeReceiver)

LIBRARY_TABLE(Pq, PQ_FUNCTIONS)

typedef struct PgParam {
    Oid type; /* 0: the server finds out, as it does for a literal in the text */
    const char *text;
    size_t length;
    int format; /* 1: binary */
} PgParam;

/* 0: the server finds out. */
Oid pg_param_type(const OrmcValue *value, bool certain);
/* `certain`: texts and nulls get the type text, because the server could not find out. False: no memory. */
bool pg_param(Store *store, const OrmcValue *value, bool certain, PgParam *param);
bool pg_accepts(const OrmcValue *value, const char **why);

typedef struct PgMessage {
    Oid *types;
    const char **texts;
    int *lengths, *formats;
    int count;
    size_t size; /* of all texts; not sent where it is over PG_MESSAGE_MOST */
} PgMessage;

enum { PG_MESSAGE_MOST = 1073741824 - 65536 }; /* the server ends a connection that sends a longer one */

/* Of all parameters, in the memory of the request. False: no memory. */
bool pg_message(OrmcRequest *request, bool certain, PgMessage *message);
/* The key of the cache: the text, then the types. NULL: no memory. */
const char *pg_key(OrmcRequest *request, const PgMessage *message, size_t *length, uint64_t *hash);
/* DDL and the like is not worth keeping. */
bool pg_is_kept(const char *sql);
/* Some parameter's type is the server's to find out, which may fail. */
bool pg_has_open_params(const OrmcRequest *request);
/* A prepared statement's error: Parse would have refused it, had it been wrong then, so what it names has changed
 * since. Or what the type of an open parameter was found out to be no longer is it, so that its text can't be read
 * (22P02). */
bool pg_is_stale(const char *state, bool open);
/* It has run: the server's word for it ("INSERT 0 5"), and how many rows it was about ("5"). */
void pg_done(OrmcRequest *request, const char *tag, const char *count);

/* ---- types without a fixed number */

/* Numbers that the server gives to nothing. */
enum { PG_HSTORE = 1, PG_HSTORE_ARRAY = 2 };

typedef struct PgTypeName {
    Oid oid, settled;
} PgTypeName;

typedef struct PgTypes {
    PgTypeName *items;
    size_t count, capacity;
    bool known; /* asked for */
} PgTypes;

/* The second sets the styles in which dates and intervals are read, too. */
extern const char pg_types_query[], pg_types_and_styles_query[];
bool pg_types_are_asked(const char *sql);
/* From the rows of the query. False: no memory. */
bool pg_types_read(PgTypes *types, Store *store, const OrmcResult *result);
Oid pg_types_find(const PgTypes *types, Oid oid);
/* The statement may have made types. */
bool pg_types_may_change(const char *sql);

/* A type as cells are read by it. */
static inline Oid pg_types_settle(const PgTypes *types, Oid oid) {
    enum { FIRST_FREE = 16384 };
    return oid < FIRST_FREE ? oid : pg_types_find(types, oid);
}

/* Columns of a result, kept with a prepared statement, whose columns stay the same: PostgreSQL refuses to run it when
 * they no longer are. */
typedef struct PgColumns {
    size_t count, size;  /* size: of the block */
    ResultColumn *block; /* the columns, then their types and names; NULL: not known yet */
    bool binary;         /* all can be read in binary form */
    bool zoned;          /* … while the session is in UTC */
} PgColumns;

/* Where they are not known. False: no memory. */
bool pg_columns_read(const Pq *pq, const PgTypes *types, const PGresult *result, PgColumns *columns);
/* Into the memory of a result. False: no memory. */
bool pg_columns_copy(const PgColumns *columns, Store *store, ResultColumn **target);
void pg_columns_free(PgColumns *columns);

/* A host of the connection string, as it is named there. */
typedef struct PgHost {
    const char *name, *port;
} PgHost;

/* Empty where no name has to be looked up. */
typedef struct PgHosts {
    PgHost *items;
    size_t count;
    bool with_ports; /* else they are libpq's to find, and a host may have one address only */
} PgHosts;

/* What the library's functions and the URL give, for all connections of a pool. */
typedef struct PgLibrary {
    Pq pq;
    PgHosts hosts;
    PgTypes types;
} PgLibrary;

/* Lists for libpq that belong together, separated by commas. */
typedef struct PgRoute {
    char *hosts, *addresses, *ports;
    size_t count;
} PgRoute;

/* False: no memory. */
bool pg_hosts_read(const Pq *pq, Store *store, const char *url, PgHosts *hosts);
bool pg_route_add(PgRoute *route, const PgHost *host, const char *address);
void pg_route_free(PgRoute *route);

OrmcType pg_type(Oid oid);
/* Every cell of such a column can be read from its binary form (`utc`: the session's zone is UTC). */
bool pg_type_reads_binary(Oid oid, bool utc);
/* False: no memory. */
bool pg_cell(Store *store, OrmcValue *cell, Oid oid, int format, const char *bytes, size_t length);

#endif
