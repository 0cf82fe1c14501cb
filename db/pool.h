#pragma once

/*
 * PostgreSQL on the loop: a few connections in pipeline mode, shared by all
 * requests.  Asks of one turn go out in one write per connection.  Statements
 * are prepared per connection and text.  A connection that breaks is opened
 * again with back-off; asks that were not sent yet wait for it up to their
 * deadline, those in flight fail with ERR_DB_DOWN (reads are asked again once).
 */

#include "base/job.h"
#include "base/slice.h"

struct pool;

struct pool_conf {
	const char *url;       /* libpq connection string */
	unsigned connections;
	uint64_t timeout_ms;   /* an ask's deadline */
	unsigned waiting_top;  /* asks that may wait; more: ERR_BUSY */
};

int pool_new(struct pool **ret, struct loop *loop, const struct pool_conf *conf,
	struct fault *why) _must_check_;
struct pool *pool_free(struct pool *pool);
DEFINE_CLEANUP(struct pool *, pool_free)
bool pool_is_up(const struct pool *pool);

enum { ASK_PARAMS = 16 };

/* One statement.  Parameters are text-format; { NULL, 0 } is NULL.  They are
 * copied or sent before pool_ask returns. */
struct ask {
	struct job job;
	/* answer, valid in done until it returns */
	struct pg_result *result;
	bool is_read; /* set before pool_ask: may be asked again */
	char sqlstate[6]; /* when job.err is a database error */
	void *inside[8];
};

/* job_init(&ask->job, …) first.  `sql` must be a string that lives as long as
 * the process or is interned by the caller (it names the prepared statement);
 * see ask_once for others. */
void pool_ask(struct pool *pool, struct ask *ask, const char *sql,
	const struct slice *params, int count);
/* Not prepared; for DDL and migrations. */
void pool_ask_once(struct pool *pool, struct ask *ask, const char *sql,
	const struct slice *params, int count);

int ask_rows(const struct ask *ask);
struct slice ask_value(const struct ask *ask, int row, int col);
bool ask_is_null(const struct ask *ask, int row, int col);
int64_t ask_int(const struct ask *ask, int row, int col);
/* Rows changed by INSERT, UPDATE, DELETE. */
int64_t ask_changed(const struct ask *ask);
