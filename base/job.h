#pragma once

/*
 * Completion: the one shape of everything that takes time (a query, a fetch, a
 * function call).  The caller embeds a job, sets `done`, starts the work, and
 * finds itself back by container_of.  Every job has a deadline; destroying its
 * owner cancels it.
 *
 *   caller                         provider
 *   job_init(&x->job, on_done)
 *   thing_ask(thing, &x->ask)      job_begin(job, loop, ms, drop)
 *                                  … job_finish(job, 0 or error)
 *   on_done(job)   once, on the loop that started it, never inside *_ask
 *
 * A provider that fails at once still answers through job_fail_soon, so the
 * caller has one path.  job_cancel: done will not be called.
 */

#include "base/err.h"
#include "base/loop.h"
#include "base/timer.h"
#include "base/util.h"

struct job;
typedef void job_fn(struct job *job);

struct job {
	job_fn *done;
	job_fn *drop; /* provider's: forget it, it is not waited for any more */
	struct loop *loop;
	struct timer deadline;
	struct defer soon;
	int err; /* 0 or why not; valid in done */
	bool busy;
	struct fault why;
};

/* Caller's side. */
void job_init(struct job *job, job_fn *done);
/* Idle jobs are fine too. */
void job_cancel(struct job *job);
/* The provider's deadline is too late: this one, from now.  Only for a job that
 * was just started; what will fail at the end of this turn does so. */
void job_within(struct job *job, uint64_t ms);

/* Provider's side.  Past the deadline drop(job) is called, then done with
 * ERR_TIMEOUT (unless drop set another err).  ms == 0: no deadline of its own,
 * allowed only where the provider has one inside. */
void job_begin(struct job *job, struct loop *loop, uint64_t ms, job_fn *drop);
/* Calls done at once. */
void job_finish(struct job *job, int err);
/* Calls done at the end of this turn; for trouble found inside *_ask. */
void job_fail_soon(struct job *job, struct loop *loop, int err);
