#pragma once

/*
 * Between the files that write documents: doc_write.c, doc_update.c and
 * doc_upsert.c.
 */

#include "documents/doc_sql.h"
#include "documents/update.h"

/* What a change means: the new document as an expression over the old one. */
struct doc_change {
	struct update *update; /* of req->merge, else `whole` */
	struct buf whole;      /* the document that replaces */
	struct slice id;       /* the key that it says, or len 0 */
	/* of an upsert, the document that is made */
	struct update *made;
	struct buf start; /* what it begins with, or all of it */
};

/* ERR_DB_DENIED when a user writes _openid into a document. */
int doc_check_member(struct doc_build *b, const json_t *doc) _must_check_;
/* The condition under which a document "n" (k, d) may be made. */
void doc_sql_may_make(struct doc_build *b, const struct query *allowed);

/* "WITH held AS (…)": the documents that a transaction's verb means, locked. */
void doc_sql_lock(struct doc_build *b, bool multi);
/* " WHERE " the documents that the verb means: all that fit, or one. */
void doc_sql_which(struct doc_build *b, bool multi);

/* doc_update.c: "UPDATE … SET doc = …  WHERE …" */
void doc_sql_change(struct doc_build *b, const struct doc_change *c);
/* The new document, over `doc` ("doc") with the key `id`. */
void doc_sql_new(struct doc_build *b, const struct doc_change *c,
	const char *doc, const char *id);
/* "id, document" as an answer's row has them; NULL for an id that the document
 * holds itself. */
void doc_sql_row(struct doc_build *b, const char *id, const char *doc);
bool doc_change_is_multi(const struct doc_build *b);

/* doc_upsert.c */
int doc_upsert_parse(struct doc_change *c, struct doc_build *b) _must_check_;
void doc_sql_upsert(struct doc_build *b, const struct doc_change *c);
