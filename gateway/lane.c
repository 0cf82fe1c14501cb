/*
 * Two connections, because the command line keeps two batches in flight: while
 * PostgreSQL writes one, the next is being read.
 */
#include "gateway/lane.h"

#include "base/mem.h"
#include "base/timer.h"
#include "db/pool.h"

enum {
	CONNECTIONS = 2,
	TIMEOUT_MS = 120 * 1000, /* a batch beside many indexes */
	WAITING_TOP = 64,
	QUIET_MS = 60 * 1000,
};

struct lane {
	struct pool *pool;
	struct timer quiet;
	unsigned users;
};

static void
on_quiet(struct timer *timer)
{
	struct lane *lane = container_of(timer, struct lane, quiet);

	if (!lane->users)
		lane->pool = pool_free(lane->pool);
}

static int
open_pool(struct lane *lane, struct gateway *g, struct fault *why)
{
	const struct pool_conf conf = {
		.url = g->conf->database_url,
		.connections = CONNECTIONS,
		.timeout_ms = TIMEOUT_MS,
		.waiting_top = WAITING_TOP,
	};

	return lane->pool ? 0 : pool_new(&lane->pool, g->loop, &conf, why);
}

int
lane_take(struct gateway *g, struct pool **ret, struct fault *why)
{
	int r;

	if (!g->lane)
		g->lane = mem_new(struct lane);
	r = open_pool(g->lane, g, why);
	if (r < 0)
		return r;
	timer_clear(&g->lane->quiet);
	g->lane->users++;
	*ret = g->lane->pool;
	return 0;
}

void
lane_put(struct gateway *g)
{
	if (--g->lane->users == 0)
		timer_set(&g->lane->quiet, g->loop, QUIET_MS, on_quiet);
}

struct lane *
lane_free(struct lane *lane)
{
	if (!lane)
		return NULL;
	timer_clear(&lane->quiet);
	(void)pool_free(lane->pool);
	return mem_free(lane);
}
