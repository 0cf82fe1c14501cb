/*
 * Calls and crews: who gets a worker when, what a version, a deadline and an
 * end do to calls.
 */
#include "tests/unit/crew_fake.h"

#include <signal.h>
#include <unistd.h>

static void
a_call_starts_a_worker_and_gets_its_result(void **state)
{
	struct worker *w = &keeper[0].worker[0];
	struct call *c;

	(void)state;
	deploy(&keeper[0]);
	c = call_start();
	until(w->ngot == 1);
	assert_string_equal(w->got[0].event, "{\"n\":0}");
	assert_non_null(strstr(w->got[0].context, "\"function\":\"hello\""));
	assert_non_null(strstr(w->got[0].context, "\"openid\":\"o\\\"1\""));
	assert_non_null(strstr(w->got[0].context, "\"requestId\":\"r1\""));
	assert_non_null(strstr(w->got[0].context, "\"memoryMb\":64"));
	assert_non_null(strstr(w->got[0].context, "\"env\":\"test\""));
	answer(w, 0, "{\"a\":1}");
	until(c->done);
	assert_int_equal(c->call.job.err, 0);
	assert_string_equal(c->result, "{\"a\":1}");
	assert_int_equal(keeper[0].spawns, 1);
}

static void
a_function_nobody_deployed_is_not_found(void **state)
{
	struct call *c;

	(void)state;
	c = call_start();
	until(c->done);
	assert_int_equal(c->call.job.err, ERR_FN_NOT_FOUND);
}

static void
a_call_of_unknown_length_is_alone_in_its_worker(void **state)
{
	struct worker *w = &keeper[0].worker[0];
	struct call *a, *b;

	(void)state;
	deploy(&keeper[0]);
	a = call_start();
	b = call_start();
	until(w->ngot == 1);
	turns(20);
	assert_int_equal(w->ngot, 1);
	answer(w, 0, "1");
	until(a->done && w->ngot == 2);
	answer(w, 1, "2");
	until(b->done);
	assert_string_equal(a->result, "1");
	assert_string_equal(b->result, "2");
	assert_int_equal(keeper[0].spawns, 1);
}

static void
short_calls_stand_behind_each_other_and_are_answered_in_order(void **state)
{
	struct worker *w;

	(void)state;
	deploy(&keeper[0]);
	w = warm_up();
	for (int i = 0; i < 4; i++)
		(void)call_start();
	until(w->ngot == 4);
	for (unsigned i = 0; i < 4; i++)
		answer(w, i, "0");
	until(f.norder == 4);
	for (int i = 0; i < 4; i++)
		assert_int_equal(f.order[i], i);
}

static void
calls_that_wait_are_given_further_workers(void **state)
{
	(void)state;
	f.settings.workers = 3;
	deploy(&keeper[0]);
	for (int i = 0; i < 5; i++)
		(void)call_start();
	until(keeper[0].started == 3);
	until(keeper[0].worker[0].ngot == 1 && keeper[0].worker[1].ngot == 1 &&
		keeper[0].worker[2].ngot == 1);
	turns(20);
	assert_int_equal(keeper[0].spawns, 3);
}

static void
calls_behind_one_whose_worker_died_are_given_to_another(void **state)
{
	struct worker *w;
	struct call *c[3];

	(void)state;
	deploy(&keeper[0]);
	w = warm_up();
	for (int i = 0; i < 3; i++)
		c[i] = call_start();
	until(w->ngot == 3);
	worker_end(&keeper[0], w, 3 << 8, GONE_ITSELF);
	until(c[0]->done);
	assert_int_equal(c[0]->call.job.err, ERR_FN_CRASHED);
	assert_string_equal(c[0]->call.job.why.text,
		"the function's process exited with code 3");
	w = &keeper[0].worker[1];
	until(w->ngot == 2);
	assert_string_equal(w->got[0].event, "{\"n\":1}");
	assert_string_equal(w->got[1].event, "{\"n\":2}");
	answer(w, 0, "1");
	answer(w, 1, "2");
	until(c[1]->done && c[2]->done);
	assert_int_equal(c[1]->call.job.err, 0);
	assert_string_equal(c[2]->result, "2");
}

static void
a_worker_that_says_it_leaves_loses_no_call(void **state)
{
	struct worker *w;
	struct call *c[3];

	(void)state;
	deploy(&keeper[0]);
	w = warm_up();
	for (int i = 0; i < 2; i++)
		c[i] = call_start();
	until(w->ngot == 2);
	stream_send(&w->stream, PROTO_LEAVING, 0, SLICE(""));
	answer(w, 0, "0");
	until(c[0]->done);
	c[2] = call_start(); /* while it is still there */
	turns(20);
	assert_int_equal(w->ngot, 2);
	worker_end(&keeper[0], w, 1 << 8, GONE_ITSELF);
	w = &keeper[0].worker[1];
	until(w->ngot == 2);
	answer(w, 0, "1");
	answer(w, 1, "2");
	until(c[1]->done && c[2]->done);
	assert_int_equal(c[0]->call.job.err, 0);
	assert_int_equal(c[1]->call.job.err, 0);
	assert_int_equal(c[2]->call.job.err, 0);
}

static void
a_result_written_before_the_end_counts(void **state)
{
	struct worker *w = &keeper[0].worker[0];
	struct call *c;
	_buf_ struct buf b;

	(void)state;
	deploy(&keeper[0]);
	c = call_start();
	until(w->ngot == 1);
	buf_init(&b, 64);
	put_u32(&b, 0);
	put_u8(&b, GONE_ITSELF);
	/* GONE is on its way before the result is. */
	channel_send(
		&keeper[0].channel, HOST_GONE, w->number, buf_all(&b), NULL, 0);
	turns(3);
	answer(w, 0, "7");
	until(c->done);
	assert_int_equal(c->call.job.err, 0);
	assert_string_equal(c->result, "7");
	stream_close(&w->stream);
	c = call_start();
	until(keeper[0].worker[1].ngot == 1);
}

static void
a_call_past_its_deadline_is_answered_and_its_worker_killed(void **state)
{
	struct worker *w;
	struct call *a, *b;

	(void)state;
	f.settings.timeout_ms = 100;
	deploy(&keeper[0]);
	w = warm_up();
	a = call_start();
	b = call_start();
	until(w->ngot == 2);
	/* The second call is younger than its worker's death. */
	b->call.deadline_at += 60000;
	timer_clear(&b->call.job.deadline);
	until(a->done);
	assert_int_equal(a->call.job.err, ERR_FN_TIMEOUT);
	assert_string_equal(a->call.job.why.text,
		"Invoking task timed out after 0.1 seconds");
	until(w->killed);
	until(keeper[0].worker[1].ngot == 1);
	assert_string_equal(keeper[0].worker[1].got[0].event, "{\"n\":1}");
	answer(&keeper[0].worker[1], 0, "1");
	until(b->done);
	assert_int_equal(b->call.job.err, 0);
}

static void
a_call_that_never_got_a_worker_is_told_to_come_again(void **state)
{
	struct call *c;

	(void)state;
	f.settings.timeout_ms = 20;
	keeper[0].silent = true;
	deploy(&keeper[0]);
	c = call_start();
	until(c->done);
	assert_int_equal(c->call.job.err, ERR_BUSY);
	assert_string_equal(c->call.job.why.text,
		"no worker of function hello was free within 0.02 s");
	assert_true(c->call.retry_ms > 0);
}

static void
a_full_queue_answers_at_once(void **state)
{
	struct worker *w = &keeper[0].worker[0];
	struct call *c[4];

	(void)state;
	f.settings.queue = 2;
	deploy(&keeper[0]);
	c[0] = call_start();
	until(w->ngot == 1);
	for (int i = 1; i < 4; i++)
		c[i] = call_start();
	until(c[3]->done);
	assert_int_equal(c[3]->call.job.err, ERR_BUSY);
	assert_int_equal(c[1]->done + c[2]->done, 0);
}

static void
a_new_version_takes_the_calls_and_the_old_one_finishes(void **state)
{
	struct worker *old = &keeper[0].worker[0];
	struct worker *new = &keeper[1].worker[0];
	struct call *a, *b, *c;

	(void)state;
	deploy(&keeper[0]);
	a = call_start();
	b = call_start(); /* waits */
	until(old->ngot == 1);
	f.settings.version = 2;
	deploy(&keeper[1]);
	release("{\"name\":\"hello\",\"stable\":2}");
	c = call_start();
	until(new->ngot == 1);
	assert_string_equal(new->got[0].event, "{\"n\":1}");
	assert_non_null(strstr(new->got[0].context, "\"version\":2"));
	answer(old, 0, "1");
	until(a->done && old->drains == 1);
	answer(new, 0, "2");
	until(b->done && new->ngot == 2);
	answer(new, 1, "2");
	until(c->done);
	worker_end(&keeper[0], old, 0, GONE_ITSELF);
	turns(20);
	{
		_json_ json_t *all = crews_status(f.crews, false);

		assert_int_equal(json_array_size(all), 1);
		assert_int_equal(json_integer_value(json_object_get(
					 json_array_get(all, 0), "version")),
			2);
	}
}

static void
a_deleted_function_answers_no_more(void **state)
{
	struct worker *w = &keeper[0].worker[0];
	struct call *a, *b, *c;

	(void)state;
	deploy(&keeper[0]);
	a = call_start();
	b = call_start();
	until(w->ngot == 1);
	crews_del(f.crews, "other");
	turns(5);
	assert_int_equal(b->done, 0);
	crews_del(f.crews, "hello");
	until(b->done);
	assert_int_equal(b->call.job.err, ERR_FN_NOT_FOUND);
	c = call_start();
	until(c->done);
	assert_int_equal(c->call.job.err, ERR_FN_NOT_FOUND);
	answer(w, 0, "1");
	until(a->done);
	assert_int_equal(a->call.job.err, 0);
}

static void
a_cancelled_call_is_forgotten_and_its_worker_goes_on(void **state)
{
	struct worker *w = &keeper[0].worker[0];
	struct call *a, *b;

	(void)state;
	deploy(&keeper[0]);
	a = call_start();
	b = call_start();
	until(w->ngot == 1);
	job_cancel(&a->call.job);
	turns(5);
	answer(w, 0, "1");
	until(w->ngot == 2);
	answer(w, 1, "2");
	until(b->done);
	assert_int_equal(a->done, 0);
	assert_int_equal(keeper[0].started, 1);
	a = call_start();
	b = call_start();
	job_cancel(&b->call.job); /* while it waits */
	until(w->ngot == 3);
	answer(w, 2, "3");
	until(a->done);
	turns(5);
	assert_int_equal(w->ngot, 3);
}

static void
a_cancelled_call_still_has_its_deadline(void **state)
{
	struct worker *w = &keeper[0].worker[0];
	struct call *c;

	(void)state;
	f.settings.timeout_ms = 30;
	deploy(&keeper[0]);
	c = call_start();
	until(w->ngot == 1);
	job_cancel(&c->call.job);
	until(w->killed);
	assert_int_equal(c->done, 0);
}

static void
several_calls_run_in_one_worker_when_the_function_allows(void **state)
{
	struct worker *w = &keeper[0].worker[0];
	struct call *c[4];

	(void)state;
	f.settings.concurrency = 3;
	f.settings.workers = 1;
	deploy(&keeper[0]);
	for (int i = 0; i < 4; i++)
		c[i] = call_start();
	until(w->ngot == 3);
	turns(10);
	assert_int_equal(w->ngot, 3);
	answer(w, 2, "3");
	until(c[2]->done && w->ngot == 4);
	answer(w, 0, "1");
	until(c[0]->done);
	worker_end(&keeper[0], w, SIGSEGV, GONE_ITSELF);
	until(c[1]->done && c[3]->done);
	assert_int_equal(c[1]->call.job.err, ERR_FN_CRASHED);
	assert_int_equal(c[3]->call.job.err, ERR_FN_CRASHED);
	assert_int_equal(keeper[0].started, 1);
}

static void
an_overrun_beside_others_lets_them_finish(void **state)
{
	struct worker *w = &keeper[0].worker[0];
	struct call *a, *b;

	(void)state;
	f.settings.concurrency = 2;
	f.settings.timeout_ms = 40;
	deploy(&keeper[0]);
	a = call_start();
	until(w->ngot == 1);
	b = call_start();
	until(w->ngot == 2);
	timer_clear(&b->call.job.deadline); /* b has more time */
	until(a->done);
	assert_int_equal(a->call.job.err, ERR_FN_TIMEOUT);
	turns(20);
	assert_false(w->killed);
	answer(w, 1, "2");
	until(b->done);
	assert_int_equal(b->call.job.err, 0);
	until(w->killed);
}

static void
an_event_past_its_ceiling_is_refused(void **state)
{
	struct call *c = &f.call[0];
	char big[5000];

	(void)state;
	deploy(&keeper[0]);
	memset(big, ' ', sizeof(big));
	job_init(&c->call.job, on_done);
	c->call.function = "hello";
	c->call.caller = &fake_caller;
	c->call.event = slice_of(big, sizeof(big));
	f.ncalls = 1;
	crew_call(f.crews, &c->call);
	until(c->done);
	assert_int_equal(c->call.job.err, ERR_TOO_BIG);
}

static void
draining_waits_for_what_runs(void **state)
{
	struct worker *w = &keeper[0].worker[0];
	struct call *c;

	(void)state;
	deploy(&keeper[0]);
	assert_true(crews_drain(f.crews));
	c = call_start();
	until(w->ngot == 1);
	assert_false(crews_drain(f.crews));
	answer(w, 0, "1");
	until(c->done);
	assert_true(crews_drain(f.crews));
}

#define T(name) cmocka_unit_test_setup_teardown(name, fake_setup, fake_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(a_call_starts_a_worker_and_gets_its_result),
		T(a_function_nobody_deployed_is_not_found),
		T(a_call_of_unknown_length_is_alone_in_its_worker),
		T(short_calls_stand_behind_each_other_and_are_answered_in_order),
		T(calls_that_wait_are_given_further_workers),
		T(calls_behind_one_whose_worker_died_are_given_to_another),
		T(a_worker_that_says_it_leaves_loses_no_call),
		T(a_result_written_before_the_end_counts),
		T(a_call_past_its_deadline_is_answered_and_its_worker_killed),
		T(a_call_that_never_got_a_worker_is_told_to_come_again),
		T(a_full_queue_answers_at_once),
		T(a_new_version_takes_the_calls_and_the_old_one_finishes),
		T(a_deleted_function_answers_no_more),
		T(a_cancelled_call_is_forgotten_and_its_worker_goes_on),
		T(a_cancelled_call_still_has_its_deadline),
		T(several_calls_run_in_one_worker_when_the_function_allows),
		T(an_overrun_beside_others_lets_them_finish),
		T(an_event_past_its_ceiling_is_refused),
		T(draining_waits_for_what_runs),
	};

	(void)signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
