/*
 * Keys for documents that are made.  Ids of ours begin with the time, so that
 * the order of keys is the order of insertion.
 */
#include "base/clock.h"
#include "base/text.h"
#include "documents/doc_work.h"

#include <inttypes.h>
#include <stdio.h>

enum { ID_LEN = 32 };

/* Time first, so that ids sort as they were made; then chance. */
static void
make_id(char ret[ID_LEN + 1])
{
	static int64_t last;
	char chance[2 * 10 + 1];
	int64_t us = clock_now() / 1000;

	last = us = us > last ? us : last + 1;
	text_random_hex(chance, 10);
	(void)snprintf(ret, ID_LEN + 1, "%08" PRIx64 "%05" PRIx64 "%.19s",
		us / 1000000 & 0xffffffff, us % 1000000, chance);
}

const char *
doc_copy_key(struct doc_op *op, struct slice key)
{
	char *p = arena_try(op->arena, key.len + 1);

	if (p && key.len)
		memcpy(p, key.ptr, key.len);
	return p;
}

static int
give_id(struct doc_op *op, struct doc_build *b, const json_t *given,
	const char **ret)
{
	char made[ID_LEN + 1];
	struct slice key;
	int r = 0;

	if (given) {
		r = value_key(&key, given, b->arena, b->now_ms, b->why);
	} else {
		make_id(made);
		key = slice_str(made);
	}
	if (r < 0)
		return r;
	*ret = doc_copy_key(op, key);
	return *ret ? 0 : ERR_TOO_BIG;
}

int
doc_give_ids(struct doc_op *op, struct doc_build *b)
{
	const json_t *docs = b->req->data;
	struct doc_work *w = doc_work_of(op);
	json_t *doc;
	size_t i;

	if (!json_is_array(docs))
		return fault_set(&op->job.why, ERR_DB_PARAM,
			"what is inserted must be a list of documents");
	w->id_count = json_array_size(docs);
	w->ids = arena_try(op->arena, (w->id_count + 1) * sizeof(w->ids[0]));
	if (!w->ids)
		return ERR_TOO_BIG;
	json_array_foreach (docs, i, doc) {
		int r = give_id(op, b, json_object_get(doc, "_id"), &w->ids[i]);

		if (r < 0)
			return r;
	}
	return 0;
}

/* The _id of a document that an upsert may make: the request's or a new
 * one. */
int
doc_give_upsert_id(struct doc_op *op, struct doc_build *b)
{
	struct doc_work *w = doc_work_of(op);

	w->ids = arena_try(op->arena, sizeof(w->ids[0]));
	if (!w->ids)
		return ERR_TOO_BIG;
	return give_id(op, b, doc_upsert_id(b->req), &w->ids[0]);
}
