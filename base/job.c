/*
 * Completion with a deadline; see job.h.
 */
#include "base/job.h"

#include <assert.h>

void
job_init(struct job *job, job_fn *done)
{
	*job = (struct job){.done = done};
	list_init(&job->soon.on);
}

static void
job_rest(struct job *job)
{
	timer_clear(&job->deadline);
	defer_clear(&job->soon);
	job->busy = false;
	job->drop = NULL;
}

void
job_cancel(struct job *job)
{
	job_fn *drop = job->drop;

	if (!job->busy)
		return;
	job_rest(job);
	if (drop)
		drop(job);
}

static void
on_deadline(struct timer *timer)
{
	struct job *job = container_of(timer, struct job, deadline);
	job_fn *drop = job->drop;

	job->err = ERR_TIMEOUT;
	job_rest(job);
	if (drop)
		drop(job);
	job->done(job);
}

void
job_begin(struct job *job, struct loop *loop, uint64_t ms, job_fn *drop)
{
	assert(job->done && !job->busy);
	job->busy = true;
	job->loop = loop;
	job->drop = drop;
	job->err = 0;
	job->why.text[0] = '\0';
	if (ms)
		timer_set(&job->deadline, loop, ms, on_deadline);
}

void
job_within(struct job *job, uint64_t ms)
{
	if (job->busy && timer_is_set(&job->deadline))
		timer_set(&job->deadline, job->loop, ms, on_deadline);
}

void
job_finish(struct job *job, int err)
{
	assert(job->busy);
	job_rest(job);
	job->err = err;
	job->done(job);
}

static void
on_soon(struct defer *soon)
{
	struct job *job = container_of(soon, struct job, soon);

	job_finish(job, job->err);
}

void
job_fail_soon(struct job *job, struct loop *loop, int err)
{
	if (!job->busy)
		job_begin(job, loop, 0, NULL);
	timer_clear(&job->deadline);
	job->drop = NULL;
	job->err = err;
	defer_init(&job->soon, on_soon);
	loop_defer(loop, &job->soon);
}
