/*
 * Jobs, timers and deferred work on a real loop.
 */
#include "base/job.h"
#include "tests/unit/test.h"

struct fixture {
	struct loop loop;
	struct job job;
	int done, dropped;
};

static void
on_done(struct job *job)
{
	container_of(job, struct fixture, job)->done++;
}

static void
on_drop(struct job *job)
{
	container_of(job, struct fixture, job)->dropped++;
}

static void
setup(struct fixture *f)
{
	memset(f, 0, sizeof(*f));
	assert_int_equal(loop_init(&f->loop), 0);
	job_init(&f->job, on_done);
}

static void
a_job_past_its_deadline_is_dropped_and_answered_once(void **state)
{
	struct fixture f;

	(void)state;
	setup(&f);
	job_begin(&f.job, &f.loop, 1, on_drop);
	loop_run(&f.loop);
	assert_int_equal(f.done, 1);
	assert_int_equal(f.dropped, 1);
	assert_int_equal(f.job.err, ERR_TIMEOUT);
	loop_done(&f.loop);
}

static void
a_cancelled_job_is_never_answered(void **state)
{
	struct fixture f;

	(void)state;
	setup(&f);
	job_begin(&f.job, &f.loop, 1, on_drop);
	job_cancel(&f.job);
	loop_run(&f.loop);
	assert_int_equal(f.done, 0);
	assert_int_equal(f.dropped, 1);
	loop_done(&f.loop);
}

static void
trouble_found_at_the_start_is_answered_later(void **state)
{
	struct fixture f;

	(void)state;
	setup(&f);
	job_fail_soon(&f.job, &f.loop, ERR_BUSY);
	assert_int_equal(f.done, 0);
	loop_turn(&f.loop, false);
	assert_int_equal(f.done, 1);
	assert_int_equal(f.job.err, ERR_BUSY);
	loop_done(&f.loop);
}

static void
who_asks_may_want_the_answer_sooner(void **state)
{
	struct fixture f;

	(void)state;
	setup(&f);
	job_begin(&f.job, &f.loop, 3600000, on_drop);
	job_within(&f.job, 1);
	loop_run(&f.loop);
	assert_int_equal(f.done, 1);
	assert_int_equal(f.job.err, ERR_TIMEOUT);
	job_init(&f.job, on_done);
	job_fail_soon(&f.job, &f.loop, ERR_BUSY);
	job_within(&f.job, 1);
	loop_run(&f.loop);
	assert_int_equal(f.done, 2);
	assert_int_equal(f.job.err, ERR_BUSY);
	loop_done(&f.loop);
}

static int order[64], order_len;

struct numbered {
	struct timer timer;
	int n;
};

static void
on_numbered(struct timer *t)
{
	order[order_len++] = container_of(t, struct numbered, timer)->n;
}

static void
timers_fire_in_order_and_cleared_ones_not(void **state)
{
	static struct numbered t[40];
	struct loop loop;

	(void)state;
	order_len = 0;
	assert_int_equal(loop_init(&loop), 0);
	for (int i = 0; i < 40; i++) {
		t[i].n = (i * 7) % 40;
		timer_set(
			&t[i].timer, &loop, (uint64_t)t[i].n + 1, on_numbered);
	}
	for (int i = 0; i < 40; i++)
		if (t[i].n % 2)
			timer_clear(&t[i].timer);
	loop_run(&loop);
	assert_int_equal(order_len, 20);
	for (int i = 0; i < 20; i++)
		assert_int_equal(order[i], i * 2);
	loop_done(&loop);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			a_job_past_its_deadline_is_dropped_and_answered_once),
		cmocka_unit_test(a_cancelled_job_is_never_answered),
		cmocka_unit_test(trouble_found_at_the_start_is_answered_later),
		cmocka_unit_test(who_asks_may_want_the_answer_sooner),
		cmocka_unit_test(timers_fire_in_order_and_cleared_ones_not),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
