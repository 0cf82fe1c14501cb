/*
 * An idle connection says nothing when the other side is gone.  So LISTEN,
 * which may be said any number of times, is said again every half minute: an
 * answer that does not come is a lost connection as for any other statement
 * (pg.c).
 */
#include "db/listen.h"

#include "base/mem.h"
#include "base/timer.h"
#include "db/dsn.h"
#include "db/flight.h"
#include "db/pg.h"

enum { TIMEOUT_MS = 10000, AGAIN_MS = 30000 };

struct listen {
	struct pg pg;
	struct dsn *dsn;
	struct timer again;
	char *sql;
	listen_fn *fn;
	void *owner;
};

static void
say(struct listen *l)
{
	struct flight *f;

	if (l->pg.state != PG_UP)
		return;
	f = flight_new(NULL, slice_str(l->sql), true, NULL, 0);
	if (pg_send(&l->pg, f) < 0) {
		(void)flight_free(f);
		pg_lost(&l->pg, "LISTEN could not be sent");
		return;
	}
	pg_flush(&l->pg);
}

static void
on_again(struct timer *timer)
{
	struct listen *l = container_of(timer, struct listen, again);

	timer_set(&l->again, l->pg.loop, AGAIN_MS, on_again);
	say(l);
}

static void
on_up(struct pg *pg)
{
	struct listen *l = container_of(pg, struct listen, pg);

	timer_set(&l->again, pg->loop, 0, on_again);
}

/* From here on nothing is missed: what came before must be looked for. */
static void
on_landed(struct pg *pg, struct flight *flight)
{
	struct listen *l = container_of(pg, struct listen, pg);

	(void)flight_free(flight);
	l->fn(l->owner, NULL);
}

static void
on_down(struct pg *pg, struct list *flights)
{
	struct flight *f;

	timer_clear(&container_of(pg, struct listen, pg)->again);
	while ((f = list_first(flights, struct flight, on))) {
		list_del(&f->on);
		(void)flight_free(f);
	}
}

static void
on_notified(struct pg *pg, const char *payload)
{
	struct listen *l = container_of(pg, struct listen, pg);

	l->fn(l->owner, payload);
}

static const struct pg_ops ops = {
	.up = on_up,
	.landed = on_landed,
	.down = on_down,
	.notified = on_notified,
};

int
listen_new(struct listen **ret, struct loop *loop, const char *url,
	const char *channel, listen_fn *fn, void *owner, struct fault *why)
{
	struct listen *l = mem_new(struct listen);
	int r = dsn_parse(&l->dsn, url, TIMEOUT_MS, why);

	if (r < 0) {
		(void)mem_free(l);
		return r;
	}
	l->sql = str_printf("LISTEN %s", channel);
	l->fn = fn;
	l->owner = owner;
	pg_init(&l->pg, loop, l->dsn, TIMEOUT_MS, &ops);
	pg_start(&l->pg);
	*ret = l;
	return 0;
}

struct listen *
listen_free(struct listen *l)
{
	if (!l)
		return NULL;
	pg_stop(&l->pg);
	timer_clear(&l->again);
	l->dsn = dsn_free(l->dsn);
	(void)mem_free(l->sql);
	return mem_free(l);
}
