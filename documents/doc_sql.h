#pragma once

/*
 * The one statement that each verb of doc.h becomes.
 */

#include "documents/access.h"
#include "documents/coll.h"
#include "documents/doc.h"
#include "documents/query.h"
#include "documents/sql.h"

/* A request on its way into SQL. */
struct doc_build {
	const struct docs *docs;
	const struct doc_request *req;
	const struct catalog_ask *names; /* all collections of the request */
	const struct coll_info *info;    /* that of req->collection */
	struct coll coll;                /* its names */
	struct query *where;             /* what the caller asks */
	struct query *allowed; /* what he may; QUERY_ALL for an admin.  Of a
				  DOC_INSERT it speaks of the new document */
	struct query *made;    /* of an upsert: the same of the document that it
				  may make (ACCESS_CREATE); else NULL */
	struct sql *sql;
	struct arena *arena; /* for as long as the statement is built */
	int64_t now_ms;
	struct fault *why;
	const char **ids; /* keys: DOC_INSERT, and ids[0] of an upsert */
	bool without_id;  /* the projection leaves _id out */
	bool with_key;    /* DOC_FIND: column _id too, named i */
	bool loose;       /* _id and doc are columns of something else than the
			     collection's table: it has no indexes */
};

/* doc_read.c */
int doc_sql_find(struct doc_build *b) _must_check_;
int doc_sql_count(struct doc_build *b) _must_check_;
/* The condition, and what the permission adds to it: b->where, b->allowed. */
int doc_prepare_where(struct doc_build *b, enum access_act act) _must_check_;
/* doc_write.c */
int doc_sql_insert(struct doc_build *b) _must_check_;
int doc_sql_update(struct doc_build *b) _must_check_;
int doc_sql_remove(struct doc_build *b) _must_check_;
/* doc_upsert.c: the _id that an upsert's document must have, or NULL. */
const json_t *doc_upsert_id(const struct doc_request *req);
/* aggregate.c */
int doc_sql_aggregate(struct doc_build *b) _must_check_;

/* " WHERE ": the statement is of today (doc_sql_fresh), what is allowed, what
 * is asked; over the columns _id and doc of the collection's table.  A part of
 * the condition that can raise an error is kept away from documents that the
 * caller may not see: then it is "_id IN (SELECT … OFFSET 0 …)". */
void doc_sql_where(struct doc_build *b);
/* "(SELECT mpcloud.fresh(…))", true or an error: for a caller who is not an
 * admin, in every statement.  For another collection give its info. */
void doc_sql_fresh(struct doc_build *b, const struct coll_info *info);
