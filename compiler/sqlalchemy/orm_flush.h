/*
 * The unit of work of one flush: shared by orm_flush.c (what has to be written, in which order) and orm_persist.c (the
 * INSERT, UPDATE and DELETE statements).
 */
#ifndef ORMC_SQLALCHEMY_ORM_FLUSH_H
#define ORMC_SQLALCHEMY_ORM_FLUSH_H

#include "compiler/sqlalchemy/orm_load.h"

/* `to`'s foreign key columns are to be filled from `from`'s key; `from` NULL: set to NULL. */
typedef struct SyncItem {
    OrmInstance *from, *to;
    Relationship *relationship;
} SyncItem;

typedef struct LinkItem { /* a row of a secondary table */
    OrmInstance *parent, *child;
    Relationship *relationship;
    bool remove;
} LinkItem;

typedef enum FlushNodeKind { FLUSH_DELETE, FLUSH_POST_UPDATE, FLUSH_PROCESS, FLUSH_SAVE } FlushNodeKind;
typedef struct FlushNode {
    FlushNodeKind kind;
    Mapper *mapper; /* base mapper of SAVE, DELETE and POST_UPDATE */
    Relationship *relationship;
    bool is_delete, done;
    Slice key;
} FlushNode;

typedef struct FlushEdge {
    int before, after;
} FlushEdge;

typedef struct Flush {
    Evaluator *ev;
    Arena *arena;
    Session *session;
    Loading loading;
    OrmInstance **saves, **deletes;
    int save_count, save_capacity, delete_count, delete_capacity;
    SyncItem *syncs;
    int sync_count, sync_capacity;
    LinkItem *links;
    int link_count, link_capacity;
    FlushNode *nodes;
    int node_count, node_capacity;
    FlushEdge *edges;
    int edge_count, edge_capacity;
} Flush;

bool flush_save(Flush *flush, Mapper *base);
bool flush_delete(Flush *flush, Mapper *base);
/* The foreign keys of relationships with post_update: of what is saved, or of what is about to be deleted. */
bool flush_post_update(Flush *flush, Mapper *base, bool is_delete);
bool flush_links(Flush *flush, Relationship *relationship, bool is_delete);

#endif
