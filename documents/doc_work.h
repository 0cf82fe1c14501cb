#pragma once

/*
 * Inside of doc.c: one call from its request to its answer.
 */

#include "documents/doc_sql.h"

/* What must outlive doc_run; in the caller's arena. */
struct doc_work {
	struct doc_request req;
	bool without_id;
	bool on_replica; /* where it was sent */
	bool on_primary; /* a replica failed */
	unsigned tries;
	const char **ids; /* keys */
	size_t id_count;
	int64_t began; /* clock_mono */
};

static inline struct doc_work *
doc_work_of(const struct doc_op *op)
{
	return op->inside[0];
}

/* doc_ids.c: keys for new documents, theirs or made. */
int doc_give_ids(struct doc_op *op, struct doc_build *b) _must_check_;
/* The key of a document that an upsert may make: the condition's or a new
 * one. */
int doc_give_upsert_id(struct doc_op *op, struct doc_build *b) _must_check_;
/* In the caller's arena; NULL when it is full. */
const char *doc_copy_key(struct doc_op *op, struct slice key);

/* doc_answer.c: from rows to what the caller reads. */
int doc_answer(struct doc_op *op) _must_check_;
/* The sentence for an error. */
void doc_tell(struct doc_op *op, int err);
