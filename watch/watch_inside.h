#pragma once

/*
 * Inside of the watch engine: what its files share.
 *
 *   watch.c         the engine, its subscribers and how they find their query
 *   watch_want.c    what one of them asks, copied
 *   watch_sql.c     that as statements; its identity
 *   watch_hint.c    what a document must have to fit, and whom it may concern
 *   watch_stream.c  the change stream as commits, for the collections watched
 *   watch_one.c     one query's life
 *   watch_ask.c     what it asks of the database, and what comes of it
 *   watch_apply.c   a commit, or a result asked anew, as changes of a result
 *   watch_tell.c    changes made up, kept, told
 *   watch_left.c    between engines: whose numbers mean something else now
 */

#include "base/arena.h"
#include "base/timer.h"
#include "db/changes.h"
#include "documents/doc_sql.h"
#include "watch/watch.h"
#include "watch/watch_set.h"
#include "watch/watch_snapshot.h"

enum {
	WATCH_FIELDS = 8,         /* of a collection that queries look at */
	WATCH_HINTS = 4,          /* of a query */
	WATCH_SEEN = 1 << 16,     /* commits that are remembered */
	WATCH_HISTORY_TOP = 1000, /* changes of a query */
	WATCH_HISTORY_BYTES = 1 << 20,
	WATCH_COMMIT_TOP = 64 << 20,  /* bytes; larger: results asked anew */
	WATCH_PENDING_TOP = 64 << 20, /* then the stream has to wait */
	WATCH_SAID = 256,             /* lives, lately */
	WATCH_BATCH_ROWS = 1000,
	WATCH_BATCH_BYTES = 8 << 20,
};

struct watch_want {
	struct arena arena;
	struct doc_request req;
	json_t *query, *order, *custom;
	bool bounded; /* has a limit of its own */
	bool ordered; /* by something that an update may change */
	unsigned refs;
};

/* A changed document of one commit: its last version there. */
struct watch_row {
	enum change_kind kind;
	struct slice key, doc;
	bool is_over; /* a later row of the commit is about it, too */
	/* members of the document that queries look at, once found */
	struct slice field[WATCH_FIELDS];
	bool found[WATCH_FIELDS];
};

/* What a transaction did to one collection. */
struct watch_commit {
	struct arena arena;
	struct watches *w;
	unsigned refs;
	uint32_t xid;
	size_t bytes;
	bool anew; /* not all of it is known: ask */
	struct watch_row *rows;
	size_t count, room;
};

struct watch_coll {
	struct list on; /* the engine's */
	struct watches *w;
	char *name, *table;  /* as clients say it; in the database, unquoted */
	struct list queries; /* struct watch_one */
	struct list loose;   /* those that any document may concern */
	struct list busy;    /* those that look at every commit */
	struct watch_index index;    /* of all but the loose */
	struct watch_commit *commit; /* under way */
	bool redefined;              /* by it */
	int64_t version;             /* then */
	int64_t same; /* the version that all its queries are of, or -1 */
	char *field[WATCH_FIELDS]; /* quoted, as in a document's text */
	struct catalog_ask look;   /* has it changed? */
};

/* Changes that led to one seq, one allocation with their texts. */
struct watch_event {
	struct list on; /* the query's history */
	uint64_t seq, batch;
	size_t bytes, count;
	struct watch_change changes[];
};

enum watch_state {
	WATCH_WAITING, /* for the stream */
	WATCH_ASKING,  /* its result */
	WATCH_RESTING, /* before it is asked again */
	WATCH_LIVE,
	WATCH_JUDGING, /* asked which changed documents fit */
};

/* A commit that a query has not looked at yet. */
struct watch_pending {
	struct list on;
	struct watch_commit *commit;
};

/* A row that is being judged. */
struct watch_judged {
	struct watch_commit *commit;
	struct watch_row *row;
	bool fits;
};

/* What a document must have to fit: this text in this field of the
 * collection's, JSON as the database writes it. */
struct watch_hint {
	int field;
	struct slice text;
};

/* Does a document fit? */
enum watch_fit { WATCH_FITS_NOT, WATCH_FITS_MAYBE, WATCH_FITS };

struct watch_one {
	struct list on, dirty;   /* collection's; engine's, to be looked at */
	struct list busy, loose; /* collection's */
	struct list idle;        /* the engine's, of those nobody follows */
	struct watches *w;
	struct watch_coll *coll;
	struct watch_want *want;
	struct catalog_ask names; /* holds what it was made for */
	char *identity;
	size_t identity_len;
	enum watch_state state;
	struct ask ask;
	struct timer timer; /* after the last has left */
	struct timer rest;  /* before it is asked again */
	struct timer late;  /* no first result for so long */
	uint64_t rest_ms;
	uint64_t asked; /* commits told by then, and the newest of them */
	uint32_t asked_newest;
	bool known;     /* there is a result */
	bool complete;  /* and no document that fits is outside of it */
	bool ask_again; /* what is asked just now is of an older stream */
	bool hides_openid;
	char *key; /* what a document must have, too; or NULL */
	struct watch_hint hint[WATCH_HINTS];
	unsigned hints;
	bool exact;                /* what has all of that fits */
	struct watch_entry wanted; /* in the collection's index */
	uint64_t looked;           /* the engine's look that it had a part in */
	struct watch_set set;
	uint64_t seq, epoch, number;
	struct list history; /* struct watch_event, oldest first */
	size_t history_count, history_bytes, counted;
	struct list pending; /* struct watch_pending */
	struct watch_judged *judged;
	size_t judged_count, judged_room;
	size_t batch;            /* pending ones that are being judged */
	struct list subs, fresh; /* struct watch_join; those that wait for the
				    result */
};

struct watch_join {
	struct watch_sub *sub;
	struct watches *w;
	struct list on; /* the query's, or the engine's that look for theirs */
	struct watch_one *one;
	struct watch_want *want;
	struct catalog_ask names;
	struct defer soon;
	unsigned tries;
	bool resumes;
	uint64_t epoch, seq;
	int err;
	struct fault why;
};

/* A commit that was told, and the how manieth it was. */
struct watch_seen {
	uint32_t xid;
	uint64_t number;
};

struct watches {
	struct loop *loop;
	struct watches_conf conf;
	char *url, *env, *schema;
	struct docs docs; /* with limits of our own */
	struct arena scratch;
	struct changes *changes; /* NULL: nobody watches */
	bool streams, paused;
	uint64_t ticks;
	uint64_t quiet; /* ticks without a query */
	uint64_t away;  /* ticks without a stream */
	struct fault trouble;
	struct list colls, joins, dirty;
	struct list idle; /* who was left first is first */
	size_t queries, subs, bytes, pending_bytes;
	uint64_t evaluations, told, number;
	uint64_t batch, batches; /* told just now; given out */
	struct timer tick;
	struct defer pump;
	struct list saying;        /* that lives were left */
	uint64_t said[WATCH_SAID]; /* those told last */
	size_t said_count;
	struct watch_seen
		*seen;    /* by the last bits of a transaction's number */
	uint64_t commits; /* since the stream began */
	uint64_t look;    /* commits of collections, looked at */
	uint32_t newest;
	bool inside;        /* a commit is being told */
	struct timer start; /* what cannot be done where it is found */
	uint32_t xid;       /* under way */
};

/* watch_want.c */
int watch_want_new(struct watch_want **ret, const struct watches *w,
	const struct watch_query *query, struct fault *why) _must_check_;
struct watch_want *watch_want_free(struct watch_want *want);

/* watch_sql.c: each builds in w->scratch, which the caller clears. */
/* Two with the same bytes have the same result, whoever asks. */
int watch_sql_identity(struct watches *w, const struct watch_want *want,
	const struct coll_info *info, struct buf *to,
	struct fault *why) _must_check_;
/* Rows (k, d, i, s, p): the result; then the snapshot in s, and in p whether
 * the table is published. */
int watch_sql_result(struct watches *w, const struct watch_want *want,
	const struct coll_info *info, struct sql *s,
	struct fault *why) _must_check_;
/* `rows`: [["key", {document}], …]; the answer: places, from 1, of those that
 * fit. */
int watch_sql_judge(struct watches *w, const struct watch_want *want,
	const struct coll_info *info, struct slice rows, struct sql *s,
	struct fault *why) _must_check_;
/* The condition that is asked, and what the caller may. */
int watch_sql_parts(struct watches *w, const struct watch_want *want,
	const struct coll_info *info, struct sql *s, const struct query **where,
	const struct query **allowed) _must_check_;

/* watch_hint.c */
/* Fills what a document must have. */
void watch_hint_make(struct watch_one *one, const struct coll_info *info);
void watch_hint_free(struct watch_one *one);
/* For all rows but deletions, which never fit. */
enum watch_fit watch_hint_judge(
	const struct watch_one *one, struct watch_row *row);
/* Every query that this row may concern looks at its commit, and some that it
 * does not; once a look (watches.look). */
void watch_hint_offer(
	struct watch_coll *coll, struct watch_commit *c, struct watch_row *row);
void watch_hint_look(struct watch_one *one, struct watch_commit *c);

/* watch_stream.c */
extern const struct changes_ops watch_stream_ops;
/* It is watched from the middle of a commit on, maybe. */
void watch_stream_enter(struct watch_coll *coll);
void watch_commit_unref(struct watch_commit *c);
/* Had a commit that this snapshot did not see been told before it was asked? */
bool watch_stream_overtook(
	const struct watch_one *one, const struct watch_snapshot *s);

/* watch_one.c */
struct watch_one *watch_one_new(struct watch_coll *coll,
	struct watch_join *first, const struct buf *identity);
/* The stream is there, or is there again. */
void watch_one_start(struct watch_one *one);
/* Looks at it in this turn. */
void watch_one_touch(struct watch_one *one);
void watch_one_commit(struct watch_one *one, struct watch_commit *c);
/* From now on it looks at every commit. */
void watch_one_busy(struct watch_one *one);
void watch_one_pump(struct watch_one *one);
/* One that is only kept for who comes back gives way to those that are watched.
 * False: there is none. */
bool watch_one_make_room(struct watches *w);
/* The last subscriber left, or a first one came. */
void watch_one_linger(struct watch_one *one);
/* All subscribers end with `err`, and it is gone. */
void watch_one_end(struct watch_one *one, int err, const struct fault *why);
/* All subscribers look for their query again, and it is gone. */
void watch_one_scatter(struct watch_one *one);
void watch_one_free(struct watch_one *one);

/* watch_ask.c: what a query asks of the database. */
void watch_ask_result(struct watch_one *one);
/* Which documents of the commits at the head of its pending ones fit.  False:
 * none need be asked about; one->batch of them can be applied. */
bool watch_ask_judge(struct watch_one *one);
void watch_ask_drop_pending(struct watch_one *one);

/* watch_apply.c */
enum watch_applied { APPLIED, APPLIED_NOT }; /* NOT: ask the result anew */
enum watch_applied watch_apply(struct watch_one *one, struct watch_commit *c);
/* `fresh` in place of the result, which is told.  `touched`: by key, what
 * commits that it holds did: "i", "u", "d". */
void watch_replace(struct watch_one *one, struct watch_set *fresh,
	const struct watch_set *touched);

/* watch_tell.c */
struct watch_draft {
	struct buf text;
	struct watch_draft_change {
		enum watch_data data;
		enum watch_queue queue;
		size_t at[4], len[4]; /* id, doc, updated, removed */
	} * list;
	size_t count, room;
};
void watch_draft_init(struct watch_draft *d);
void watch_draft_done(struct watch_draft *d);
void watch_draft_add(struct watch_draft *d, enum watch_data data,
	enum watch_queue queue, struct slice id, struct slice doc,
	struct slice updated, struct slice removed);
/* A next seq, when there is anything in it. */
void watch_tell(struct watch_one *one, struct watch_draft *d);
/* Those that wait: the result, or what they missed. */
void watch_tell_fresh(struct watch_one *one);
void watch_forget_history(struct watch_one *one);
/* What the query holds, in the engine's sum. */
void watch_count_bytes(struct watch_one *one);

/* watch_left.c: a client that named this life was told the whole result here.
 */
void watch_left_say(struct watches *w, uint64_t epoch);
/* Another engine said so. */
void watch_left_hear(struct watches *w, struct slice text);
void watch_left_done(struct watches *w);

/* watch.c */
void watch_join_end(struct watch_join *j, int err, const struct fault *why);
void watch_join_look(struct watch_join *j);
void watch_coll_drop(struct watch_coll *coll); /* when it has no query */
/* Only queries of this version of its definition stay. */
void watch_coll_define(struct watch_coll *coll, int64_t version);
