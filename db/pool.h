#pragma once

/*
 * PostgreSQL on the loop: a few connections in pipeline mode, shared by all
 * requests.  Asks of one turn go out in one write per connection.  Statements
 * are prepared per connection and text.  A connection that breaks is opened
 * again with back-off; asks that were not sent yet wait for it up to their
 * deadline, those in flight fail with ERR_DB_DOWN (reads are asked again).
 */

#include "base/job.h"
#include "base/slice.h"

struct pool;

struct pool_conf {
	const char *url; /* libpq connection string */
	unsigned connections;
	/* For writes, beside those; 0: they stand among the reads. */
	unsigned writers;
	/* More of them, opened when needed: so many for statements that take
	 * long, and as many for those that wait for a lock.  0: none, all wait
	 * behind each other. */
	unsigned slow;
	uint64_t timeout_ms;  /* an ask's deadline */
	unsigned waiting_top; /* asks that may wait; more: ERR_BUSY */
};

int pool_new(struct pool **ret, struct loop *loop, const struct pool_conf *conf,
	struct fault *why) _must_check_;
struct pool *pool_free(struct pool *pool);
DEFINE_CLEANUP(struct pool *, pool_free)
bool pool_is_up(const struct pool *pool);
struct series_table;
/* Counts statements and their times (`line="read"`, "write"); NULL: no more. */
void pool_count(struct pool *pool, struct series_table *series);
struct loop *pool_loop(const struct pool *pool) _returns_value_;

enum { ASK_PARAMS = 512 };

/* One statement.  Parameters are text-format without NUL bytes; { NULL, 0 } is
 * NULL, anything of length 0 with a pointer is the empty text.  They are copied
 * before pool_ask returns.  A write that fails with ERR_DB_DOWN or ERR_TIMEOUT
 * may or may not have happened. */
struct ask {
	struct job job;
	/* answer, valid in done until it returns; NULL after an error */
	struct pg_result *result;
	bool is_read; /* set before pool_ask: may be asked again */
	/* set before: a write that may stand with others under one commit; it
	 * then may be done, undone and done again before it is answered */
	bool shares;
	uint64_t row; /* set before: a write of one row, by pool_row; else 0 */
	/* set before: writes of different rows that all change one more beside
	 * (a count, say) take the same connection, so that they share commits
	 * instead of waiting for each other's; 0: the row's */
	uint64_t home;
	char sqlstate[6]; /* when job.err is a database error */
	void *inside[8];
};

/* job_init(&ask->job, …) first.  `sql` must be a string that lives as long as
 * the process; it is prepared once per connection. */
void pool_ask(struct pool *pool, struct ask *ask, const char *sql,
	const struct slice *params, int count);
/* The same with a text that is copied: one of few shapes made at run time. */
void pool_ask_shape(struct pool *pool, struct ask *ask, struct slice sql,
	const struct slice *params, int count);
/* Not prepared; for DDL and what is asked rarely.  The text is copied. */
void pool_ask_once(struct pool *pool, struct ask *ask, const char *sql,
	const struct slice *params, int count);

/* A name for the row of `table` with this key: for ask.row. */
uint64_t pool_row(struct slice table, struct slice key);

/* A boolean as a parameter. */
static inline struct slice
ask_flag(bool on)
{
	return on ? SLICE("t") : SLICE("f");
}

int ask_rows(const struct ask *ask);
int ask_columns(const struct ask *ask);
struct slice ask_value(const struct ask *ask, int row, int col);
bool ask_is_null(const struct ask *ask, int row, int col);
int64_t ask_int(const struct ask *ask, int row, int col);
/* Rows changed by INSERT, UPDATE, DELETE. */
int64_t ask_changed(const struct ask *ask);
