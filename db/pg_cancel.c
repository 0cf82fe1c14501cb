/*
 * Stopping a statement that runs.  libpq's cancel request opens a connection of
 * its own and blocks, so it happens on libuv's thread pool.  It names the
 * server's process, not the statement: by the time it arrives another one may
 * be running there, and whoever asks for a cancel must be able to bear that.
 */
#include "base/mem.h"
#include "db/pg.h"

#include <libpq-fe.h>

/* The pool has four threads, which others need, too. */
enum { AT_ONCE = 2 };

struct pg_cancel {
	uv_work_t work;
	PGcancel *handle;
	struct pg *pg; /* NULL: the connection is gone */
};

static _Thread_local unsigned under_way;

static void
on_work(uv_work_t *work)
{
	struct pg_cancel *c = container_of(work, struct pg_cancel, work);
	char ignored[256];

	(void)PQcancel(c->handle, ignored, sizeof(ignored));
}

static void
on_worked(uv_work_t *work, int status)
{
	struct pg_cancel *c = container_of(work, struct pg_cancel, work);

	(void)status;
	under_way--;
	if (c->pg) {
		c->pg->cancel = NULL;
		c->pg->cancelled_at = uv_now(&c->pg->loop->uv);
	}
	PQfreeCancel(c->handle);
	(void)mem_free(c);
}

bool
pg_cancel(struct pg *pg)
{
	struct pg_cancel *c;
	PGcancel *handle;

	if (pg->cancel)
		return true;
	if (pg->state != PG_UP || under_way == AT_ONCE)
		return false;
	handle = PQgetCancel(pg->conn);
	if (!handle)
		return false;
	c = mem_new(struct pg_cancel);
	c->handle = handle;
	if (uv_queue_work(&pg->loop->uv, &c->work, on_work, on_worked) < 0) {
		PQfreeCancel(handle);
		(void)mem_free(c);
		return false;
	}
	under_way++;
	c->pg = pg;
	pg->cancel = c;
	return true;
}

bool
pg_may_be_cancelled(const struct pg *pg)
{
	enum { LATE_MS = 1000 };

	return pg->cancel ||
	       (pg->cancelled_at &&
		       uv_now(&pg->loop->uv) - pg->cancelled_at < LATE_MS);
}

void
pg_forget_cancel(struct pg *pg)
{
	if (pg->cancel)
		take(pg->cancel)->pg = NULL;
	pg->cancelled_at = 0;
}
