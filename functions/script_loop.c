/*
 * A worker's turns: what has come, what is due, what was answered; then, before
 * it sleeps, onIdle and everything that was written.  A worker that waits for
 * nothing but its socket blocks in one read, so a call costs a read and a
 * write.
 */
#include "functions/script_inside.h"

#include "base/clock.h"

#include <errno.h>
#include <poll.h>

/* Turns, then a worker is no cold start any more. */
enum { STAYS = 200 };

static void
run(struct script *s)
{
	script_begin(s);
	script_timers_run(s);
	script_fetches_run(s);
	script_begin(s);
	script_call(s, ENTRY_ON_IDLE, 0, NULL);
	script_flush(s);
}

static bool
is_quiet(const struct script *s)
{
	return s->timers.len == 0 && !script_fetches_busy(s);
}

static void
wait_for(struct script *s, int fd, int ms)
{
	struct pollfd p = {fd, POLLIN, 0};

	if (script_fetches_busy(s))
		script_fetches_wait(s, fd, ms);
	else
		(void)poll(&p, 1, ms);
}

bool
script_settle(struct script *s, int ms)
{
	int64_t end = clock_mono() + ms * CLOCK_MS;

	for (;;) {
		int64_t left;
		int next;

		run(s);
		if (is_quiet(s))
			return true;
		left = (end - clock_mono()) / CLOCK_MS;
		next = script_timers_left(&s->timers);
		/* It would be of no use to wait for one that is too late. */
		if (left <= 0 || (next > left && !script_fetches_busy(s)))
			return false;
		wait_for(s, -1, next < 0 ? (int)left : min(next, (int)left));
	}
}

static bool
is_done(const struct script *s)
{
	return s->draining && !s->nrunning && list_empty(&s->queue);
}

int
script_loop(struct script *s)
{
	for (;;) {
		int left, r;

		run(s);
		if (is_done(s))
			return 0;
		/* The end of an invocation may have let the next begin. */
		if (script_may_begin(s))
			continue;
		left = script_timers_left(&s->timers);
		if (!is_quiet(s))
			wait_for(s, s->fd, left);
		if (++s->turns == STAYS)
			script_settle_in();
		r = script_read(s, is_quiet(s));
		if (r <= 0)
			return r;
	}
}
