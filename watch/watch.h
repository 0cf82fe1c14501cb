#pragma once

/*
 * Queries whose results are followed (watch()).  One engine a machine, in
 * gateway 0 (watch/watch_relay.h brings the others to it): each distinct
 * query, with the rule that holds for its caller, is evaluated once per commit
 * of the change stream, however many watch it.
 *
 * The result of a query has a version, `seq`, that begins at a random number
 * below 2^50 and rises by one with each commit that changed it.  The life of a
 * query in an engine has a name, `epoch`; the last changes of a query are kept,
 * also for a while after nobody watches, so that a client that comes back hears
 * what it missed.  After a longer time, or from another engine, it is told the
 * whole result anew.
 */

#include "base/list.h"
#include "documents/doc.h"

enum {
	WATCH_DOCS_TOP = 5000, /* documents of a result, as in CloudBase */
};

struct watches;

struct watches_conf {
	const char *url; /* of the change stream */
	const char *env;
	const struct docs *docs;
	size_t queries_top; /* distinct ones; more: ERR_BUSY */
	size_t memory_top;  /* bytes of results and histories together */
	uint64_t linger_ms; /* histories are kept after the last left */
};

int watches_new(struct watches **ret, struct loop *loop,
	const struct watches_conf *conf, struct fault *why) _must_check_;
struct watches *watches_free(struct watches *w);
DEFINE_CLEANUP(struct watches *, watches_free)

struct watch_query {
	struct slice collection;
	struct slice query; /* EJSON object; empty: all */
	struct slice order; /* [{field, direction}] or {field: ±1}; or empty */
	int64_t limit;      /* < 0: none */
	struct doc_scope scope;
};

/* CloudBase's words; see the table in watch_change.def. */
enum watch_data {
	WATCH_INIT,
	WATCH_UPDATE,
	WATCH_REPLACE,
	WATCH_ADD,
	WATCH_REMOVE,
	WATCH_LIMIT
};
enum watch_queue {
	WATCH_QUEUE_INIT,
	WATCH_ENQUEUE,
	WATCH_DEQUEUE,
	WATCH_QUEUE_UPDATE
};

struct watch_change {
	enum watch_data data;
	enum watch_queue queue;
	struct slice id;      /* JSON of _id */
	struct slice doc;     /* JSON, as clients read documents; or empty */
	struct slice updated; /* {"a.b": value} of WATCH_UPDATE, or empty */
	struct slice removed; /* ["x"], or empty */
};

/* A sub may be stopped, and others started or stopped, inside of these. */
struct watch_sub;
struct watch_ops {
	/* The whole result at `seq` (INIT changes, none when it is empty);
	 * first, and again when the subscriber's state is not known any more:
	 * then `seq` and the epoch are any. */
	void (*on_result)(struct watch_sub *s, uint64_t seq,
		const struct watch_change *changes, size_t count);
	/* What led from seq - 1 to seq. */
	void (*on_change)(struct watch_sub *s, uint64_t seq,
		const struct watch_change *changes, size_t count);
	/* After a resume: nothing was missed, or all was told just now. */
	void (*on_resumed)(struct watch_sub *s, uint64_t seq);
	/* It is over, as if stopped: denied, too many documents, dropped
	 * collection, no change stream. */
	void (*on_end)(struct watch_sub *s, int err, const struct fault *why);
};

/* Embedded in its owner. */
struct watch_relay;
struct watch_sub {
	const struct watch_ops *ops;
	void *inside;              /* the engine's, or the relay's */
	struct watch_relay *relay; /* watch/watch_relay.h's, or NULL */
};

/* The engine's callbacks come later, never inside of these.  `query` is copied.
 */
void watch_start(struct watches *w, struct watch_sub *s,
	const struct watch_query *query);
/* Goes on from `seq` of `epoch`: on_change for each that was missed, then
 * on_resumed, without anything between them; or on_result when they are not
 * known any more, or the epoch is another.  In the same life that result gives
 * it a new epoch: who counts on from there does not mean its seq any more. */
void watch_resume(struct watches *w, struct watch_sub *s,
	const struct watch_query *query, uint64_t epoch, uint64_t seq);
/* Idle ones are fine, too. */
void watch_stop(struct watch_sub *s);
/* Of the life of its query; inside of on_result and on_resumed. */
uint64_t watch_epoch(const struct watch_sub *s);
/* Names the query that it shares with others; inside of its callbacks. */
uint64_t watch_number(const struct watch_sub *s);
/* Inside of on_result and on_change: what is told just now has this number, the
 * same for all who are told it. */
uint64_t watches_batch(const struct watches *w);
/* What a reload may change; strings stay those of watches_new. */
void watches_configure(struct watches *w, const struct watches_conf *conf);
/* For metrics: distinct queries, subscribers, evaluations so far. */
struct watches_count {
	size_t queries, subs;
	uint64_t evaluations, changes;
};
struct watches_count watches_count(const struct watches *w);
