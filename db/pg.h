#pragma once

/*
 * One PostgreSQL connection on the loop, in pipeline mode: it opens by itself,
 * opens again with back-off when it breaks, sends flights, and gives each back
 * with its result.
 */

#include "base/fdpoll.h"
#include "base/list.h"
#include "base/resolve.h"
#include "base/timer.h"
#include "db/stmt.h"

/* An answer of more bytes costs its connection. */
enum { PG_ANSWER_TOP = 128 << 20 };

struct pg;
struct dsn;
struct flight;
struct pg_conn;

/* Handed down by the pool. */
struct pg_ops {
	/* It stands: flights may be sent. */
	void (*up)(struct pg *pg);
	/* The flight has its result; it is the pool's now. */
	void (*landed)(struct pg *pg, struct flight *flight);
	/* The connection broke or could not be opened; these flights have no
	 * answer, oldest first. */
	void (*down)(struct pg *pg, struct list *flights);
	/* A NOTIFY came; NULL: nobody listens. */
	void (*notified)(struct pg *pg, const char *payload);
};

/* Of a host: libpq tries them in turn. */
enum { PG_ADDRESSES = 4 };

enum pg_state {
	PG_RESTING,    /* waits `rest_ms`, then opens; timer */
	PG_RESOLVING,  /* uv_getaddrinfo is asked; timer */
	PG_CONNECTING, /* libpq shakes hands; timer */
	PG_UP,         /* flights may be sent; timer watches for silence */
	PG_CLOSED,
};

struct pg {
	struct loop *loop;
	const struct dsn *dsn;
	const struct pg_ops *ops;
	enum pg_state state;
	struct timer timer;
	uint64_t silence_ms; /* no result for so long: broken */
	uint64_t rest_ms;
	struct pg_conn *conn;
	struct fdpoll poll;
	struct resolve resolve;
	struct pg_cancel *cancel; /* under way */
	uint64_t cancelled_at;    /* when one was done last; loop ms, or 0 */
	struct stmts stmts;
	struct list flying; /* struct flight, in the order sent */
	struct list held;   /* before those: answered, but not committed yet */
	unsigned in_flight;
	unsigned batch;        /* flights since the last Sync */
	bool batch_writes;     /* they are writes */
	bool commit_failed;    /* of the batch that is held */
	uint64_t landed, seen; /* for the watch on silence */
	uint64_t head_at;      /* the oldest flight's turn began; loop ms */
	uint64_t counted;      /* `landed` when `heard` began */
	size_t heard;          /* bytes of the answer that is on its way */
};

void pg_init(struct pg *pg, struct loop *loop, const struct dsn *dsn,
	uint64_t timeout_ms, const struct pg_ops *ops);
/* Starts to open; ops->up will say when. */
void pg_start(struct pg *pg);
/* Flights on it go back through ops->down. */
void pg_stop(struct pg *pg);

/* Takes the flight, unless it fails: then the connection is broken, call
 * pg_lost.  Reads share a Sync until pg_flush, writes that may, too; other
 * writes have their own. */
int pg_send(struct pg *pg, struct flight *flight) _must_check_;
/* The oldest flight and for how long it has been its turn; NULL when none. */
struct flight *pg_head(const struct pg *pg, uint64_t *ret_ms);
/* Everything sent so far goes out in one write. */
void pg_flush(struct pg *pg);
/* Give up this connection and open another after the back-off. */
void pg_lost(struct pg *pg, const char *why);
/* The statement is not what we thought: prepare it anew next time. */
void pg_forget(struct pg *pg, uint64_t stmt);

/* Ask the server to stop what runs (pg_cancel.c).  It comes late or hits the
 * statement behind it, or is not even sent (false). */
bool pg_cancel(struct pg *pg);
/* An answer "cancelled" may be due to pg_cancel. */
bool pg_may_be_cancelled(const struct pg *pg);

/* pg_cancel.c, for pg_open.c */
void pg_forget_cancel(struct pg *pg);
/* pg_open.c, for pg.c */
void pg_open(struct pg *pg);
void pg_close(struct pg *pg);
/* Call pg_on_ready when the socket can be read (or written, too). */
int pg_wait(struct pg *pg, bool write) _must_check_;
/* pg.c, for pg_open.c */
/* All that is out, oldest first: the connection is over. */
void pg_gather(struct pg *pg, struct list *flights);
void pg_on_up(struct pg *pg);
void pg_on_ready(struct pg *pg);
