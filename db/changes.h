#pragma once

/*
 * What is committed, as PostgreSQL's own change stream tells it: logical
 * decoding with pgoutput through a temporary slot on a replication connection.
 * Nothing is written to the database for it but a publication; the slot goes
 * with the connection.  Needs wal_level = logical and a user that may
 * REPLICATE.
 */

#include "base/err.h"
#include "base/loop.h"
#include "base/slice.h"

struct changes;

#define CHANGES_PREFIX "mpcloud.watch"

enum change_kind {
	CHANGE_INSERT,
	CHANGE_UPDATE,
	CHANGE_DELETE,
	CHANGE_TRUNCATE
};

/* One row; strings are valid until the function returns. */
struct change {
	enum change_kind kind;
	struct slice schema, table;
	struct slice id, old_id; /* the key; old_id when an update moved it */
	struct slice doc;        /* the new document as stored; {NULL,0}: it did
				    not change, or none */
};

struct changes_ops {
	/* Commits come one after the other, in commit order. */
	void (*on_begin)(void *owner, uint32_t xid, uint64_t lsn);
	void (*on_change)(void *owner, const struct change *c);
	void (*on_commit)(void *owner, uint64_t lsn);
	/* Between the two: from this commit on collection `name` of the schema
	 * is what `version` says (documents/catalog.h); 0: it is gone.  May be
	 * NULL. */
	void (*on_define)(void *owner, struct slice name, int64_t version);
	/* What somebody said in between, to all who follow: a logical message
	 * of CHANGES_PREFIX.  May be NULL. */
	void (*on_message)(void *owner, struct slice text);
	/* The stream begins (or begins anew after a loss): what was committed
	 * before is not told. */
	void (*on_start)(void *owner);
	/* It cannot be had; tried again with back-off. */
	void (*on_trouble)(void *owner, const struct fault *why);
	void *owner;
};

/* `schema`: whose tables. */
int changes_new(struct changes **ret, struct loop *loop, const char *url,
	const char *schema, const struct changes_ops *ops,
	struct fault *why) _must_check_;
struct changes *changes_free(struct changes *c);
DEFINE_CLEANUP(struct changes *, changes_free)
/* Nothing more is read until it is taken up again; PostgreSQL waits, and what
 * is told already by the bytes in memory may still come. */
void changes_pause(struct changes *c, bool on);
/* From the beginning: another connection, on_start when it streams.  For a
 * table that has turned out not to be published.  Not inside its callbacks. */
void changes_again(struct changes *c);
