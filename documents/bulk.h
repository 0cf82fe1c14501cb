#pragma once

/*
 * Many documents in and out.  In: a batch of lines of Extended JSON becomes one
 * statement, which also notes that this part of the file is done; done twice it
 * changes nothing.  Out: pages in the order of the keys, each beginning where
 * the one before ended.
 */

#include "db/pool.h"
#include "documents/coll.h"
#include "documents/ejson.h"

enum bulk_mode {
	BULK_INSERT,  /* an _id that is there already is refused */
	BULK_UPSERT,  /* … gets the fields given, keeps its others */
	BULK_REPLACE, /* … becomes the document given */
	BULK_SKIP,    /* … stays as it is */
};
int bulk_mode_parse(
	struct slice word, enum bulk_mode *ret, struct fault *why) _must_check_;

enum {
	BULK_LINES_TOP = 10000,    /* of one batch */
	BULK_BYTES_TOP = 64 << 20, /* of its text */
	BULK_VALUES_TOP = 2 << 20, /* of one document */
	BULK_IMPORT_TOP = 64,      /* bytes of an import's id */
};

/* A batch as it is given to PostgreSQL. */
struct bulk_batch {
	struct buf keys; /* text[] */
	struct buf docs; /* a stored document a line */
	size_t count;
	/* [{"at": line from 0, "why": …}, …] of what cannot be stored; when
	 * there is one, nothing is written */
	struct buf refused;
	size_t refused_count;
	/* Line of the first _id that is in the batch already; 0: none is.  An
	 * insert refuses them all. */
	size_t again;
};

void bulk_batch_init(struct bulk_batch *b);
void bulk_batch_done(struct bulk_batch *b);
/* `lines` as lines end with "\n"; empty ones count and mean nothing.  Needs
 * nothing of the loop: runs on any thread.  id_us: what made _ids begin with,
 * one more for each line. */
void bulk_read(struct bulk_batch *b, enum bulk_mode mode, struct slice lines,
	int64_t id_us, int64_t now_ms);
/* Adds to what is refused. */
void bulk_refuse(struct bulk_batch *b, size_t at, const char *why);

/* Which bytes of which import a batch is. */
struct bulk_part {
	struct slice import;
	int64_t first, last;
	struct slice digest; /* of the bytes, for who goes on */
};

/* One statement of a bulk_*: job_init(&op->job, …) first.  op->ask's result is
 * there while done runs. */
struct bulk_op {
	struct job job;
	struct ask ask;
	/* bulk_write */
	bool repeated;   /* it was done before */
	int64_t written; /* inserted or changed */
};

/* Column 0: {"startedAt": ms, "parts": [[first, last, documents, digest], …]},
 * the parts done.  anew: forget what was done before. */
void bulk_begin(struct pool *pool, struct bulk_op *op, const struct coll *coll,
	struct slice import, struct slice source, bool anew);
void bulk_write(struct pool *pool, struct bulk_op *op, const struct coll *coll,
	enum bulk_mode mode, const struct bulk_batch *b,
	const struct bulk_part *part);
/* Which lines have an _id that exists: a row each, its line in column 0. */
void bulk_find(struct pool *pool, struct bulk_op *op, const struct coll *coll,
	const struct bulk_batch *b);
/* Everything is in: what was noted of these goes.  imports: text[]. */
void bulk_end(struct pool *pool, struct bulk_op *op, struct slice imports);

/* Column 0: [{"name", "documents" (about), "permission", "rules", "showOpenid",
 * "indexes"}, …] of an environment. */
void bulk_definitions(struct pool *pool, struct bulk_op *op, const char *env);
/* Rows for bulk_put_row: after which key, how many, and about how many bytes
 * of text at the most. */
void bulk_page(struct pool *pool, struct bulk_op *op, const struct coll *coll,
	struct slice after, int64_t top, int64_t bytes);
/* Row `row` of a page as a line, "\n" and all; *key gets its key. */
void bulk_put_row(struct buf *to, const struct bulk_op *op, int row,
	enum ejson_form form, struct slice *key);
