/*
 * Servers are asked for their health from the first request on, each once in an
 * interval; any answer from 200 to 399 is well.
 */
#include "routes/upstream_server.h"

#include "base/mem.h"

#include <string.h>

static void
on_checked(struct job *job)
{
	struct fetch *f = container_of(job, struct fetch, job);
	struct server *s = container_of(f, struct server, check);
	bool well = job->err == 0 && f->status >= 200 && f->status < 400;

	fetch_done(f);
	if (well && s->sick)
		server_told(s, true);
	s->sick = !well;
}

static void
check(struct server *s)
{
	struct upstream *u = s->of;
	_free_ char *url = NULL;

	if (s->check.job.busy)
		return;
	url = str_printf("%s%s%s", s->socket ? "http://localhost" : s->base,
		s->path, u->health_path);
	job_init(&s->check.job, on_checked);
	fetch_start(u->fetcher, &s->check,
		&(struct fetch_ask){.method = "GET",
			.url = url,
			.unix_path = s->socket,
			.timeout_ms = (uint64_t)u->health_timeout_ms});
}

static void
on_time(struct timer *timer)
{
	struct upstream *u = container_of(timer, struct upstream, timer);

	for (size_t i = 0; i < u->count; i++)
		check(&u->server[i]);
	timer_set(&u->timer, u->loop, (uint64_t)u->health_ms, on_time);
}

void
health_begin(struct upstream *u)
{
	if (u->health_path && !timer_is_set(&u->timer))
		on_time(&u->timer);
}

void
health_end(struct upstream *u)
{
	timer_clear(&u->timer);
	for (size_t i = 0; i < u->count; i++)
		if (u->server[i].check.job.busy)
			fetch_done(&u->server[i].check);
}
