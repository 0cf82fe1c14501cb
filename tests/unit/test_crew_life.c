/*
 * The life of workers and of the calls that wait for them: how many there are,
 * when they go, who is refused, and what is counted and said about it.
 */
#include "functions/crew_stats.h"
#include "tests/unit/crew_fake.h"

#include <signal.h>

static int
count_of(const char *key)
{
	_json_ json_t *all = crews_status(f.crews, false);

	return (int)json_integer_value(
		json_object_get(json_array_get(all, 0), key));
}

static json_t *
stats(void)
{
	json_t *all = crews_status(f.crews, true);
	json_t *one = json_incref(json_array_get(all, 0));

	json_decref(all);
	return one;
}

static int64_t
stat_of(const char *group, const char *key)
{
	_json_ json_t *one = stats();

	return json_integer_value(json_object_get(
		group ? json_object_get(one, group) : one, key));
}

static const struct fake_line *
said(enum crew_line_kind kind, unsigned n)
{
	for (unsigned i = 0; i < f.nsaid; i++)
		if (f.said[i].kind == kind && n-- == 0)
			return &f.said[i];
	return NULL;
}

static unsigned
said_count(enum crew_line_kind kind)
{
	unsigned n = 0;

	while (said(kind, n))
		n++;
	return n;
}

/* --- how many there are ------------------------------------------------------
 */

static void
the_least_workers_are_there_before_any_call(void **state)
{
	(void)state;
	f.settings.workers = 4;
	f.settings.min_workers = 2;
	deploy(&keeper[0]);
	until(keeper[0].started == 2);
	turns(10);
	assert_int_equal(keeper[0].spawns, 2);
	/* One that dies is replaced. */
	worker_end(&keeper[0], &keeper[0].worker[0], 0, GONE_ITSELF);
	until(keeper[0].started == 3);
	assert_int_equal(count_of("idle"), 1);
	until(count_of("idle") == 2);
}

static void
idle_workers_go_but_for_the_least(void **state)
{
	struct call *c[3];

	(void)state;
	f.settings.workers = 3;
	f.settings.min_workers = 1;
	f.settings.idle_ms = 10;
	deploy(&keeper[0]);
	for (int i = 0; i < 3; i++)
		c[i] = call_start();
	until(keeper[0].worker[0].ngot + keeper[0].worker[1].ngot +
			keeper[0].worker[2].ngot ==
		3);
	for (int i = 0; i < 3; i++)
		answer(&keeper[0].worker[i], 0, "1");
	until(c[0]->done && c[1]->done && c[2]->done);
	until(count_of("idle") == 1);
	for (int i = 0; i < 3; i++)
		if (keeper[0].worker[i].drains && keeper[0].worker[i].alive)
			worker_end(&keeper[0], &keeper[0].worker[i], 0,
				GONE_ITSELF);
	until(count_of("leaving") == 0);
	turns(20);
	assert_int_equal(count_of("idle"), 1);
	assert_int_equal(keeper[0].spawns, 3);
}

static void
all_workers_go_when_none_is_to_be_kept(void **state)
{
	struct worker *w = &keeper[0].worker[0];
	struct call *c;

	(void)state;
	f.settings.idle_ms = 5;
	deploy(&keeper[0]);
	c = call_start();
	until(w->ngot == 1);
	answer(w, 0, "1");
	until(c->done && w->drains == 1);
	worker_end(&keeper[0], w, 0, GONE_ITSELF);
	until(count_of("leaving") == 0);
	assert_int_equal(count_of("idle") + count_of("starting"), 0);
	turns(20);
	assert_int_equal(keeper[0].spawns, 1);
}

static void
a_worker_leaves_after_its_calls_and_another_has_taken_its_place(void **state)
{
	struct worker *w = keeper[0].worker;
	struct call *c[5];

	(void)state;
	f.settings.calls = 2;
	clock_set(CLOCK_S);
	deploy(&keeper[0]);
	for (int i = 0; i < 5; i++)
		c[i] = call_start();
	until(w[0].ngot == 1);
	clock_set(2 * CLOCK_S); /* long ones */
	answer(&w[0], 0, "0");
	/* With its last call the next one is asked for, beyond `workers`. */
	until(w[0].ngot == 2 && keeper[0].started == 2);
	until(w[1].ngot == 1);
	assert_int_equal(w[0].drains, 0);
	answer(&w[0], 1, "1");
	until(c[1]->done && w[0].drains == 1);
	worker_end(&keeper[0], &w[0], 0, GONE_ITSELF);
	clock_set(3 * CLOCK_S);
	answer(&w[1], 0, "2");
	until(w[1].ngot == 2);
	answer(&w[1], 1, "3");
	until(w[2].ngot == 1);
	answer(&w[2], 0, "4");
	until(c[4]->done);
	for (int i = 0; i < 5; i++) {
		assert_int_equal(c[i]->call.job.err, 0);
		assert_int_equal(c[i]->result[0], '0' + i);
	}
	turns(10);
	assert_int_equal(keeper[0].spawns, 3);
}

static void
short_calls_do_not_pass_a_workers_number_of_calls(void **state)
{
	struct worker *w;

	(void)state;
	f.settings.calls = 4;
	deploy(&keeper[0]);
	w = warm_up(); /* one of the four */
	for (int i = 0; i < 6; i++)
		(void)call_start();
	until(w->ngot == 3 && keeper[0].worker[1].ngot == 3);
	for (unsigned i = 0; i < 3; i++) {
		answer(w, i, "0");
		answer(&keeper[0].worker[1], i, "0");
	}
	until(f.norder == 6 && w->drains == 1);
}

/* --- who may wait ------------------------------------------------------------
 */

static void
without_a_queue_what_finds_no_worker_is_limited(void **state)
{
	struct worker *w = keeper[0].worker;
	struct call *c[3];

	(void)state;
	f.settings.workers = 2;
	f.settings.queue = 0;
	clock_set(CLOCK_S);
	deploy(&keeper[0]);
	for (int i = 0; i < 3; i++)
		c[i] = call_start();
	until(c[2]->done);
	assert_int_equal(c[2]->call.job.err, ERR_LIMITED);
	assert_string_equal(c[2]->call.job.why.text,
		"function hello runs at the most 2 calls at once and lets none "
		"wait: come again in 1 s");
	until(w[0].ngot == 1 && w[1].ngot == 1);
	clock_set(2 * CLOCK_S);
	answer(&w[0], 0, "1");
	until(c[0]->done || c[1]->done);
	c[2] = call_start();
	until(w[0].ngot == 2);
	assert_int_equal(stat_of("ended", "shed"), 1);
}

static void
a_worker_that_takes_several_has_room_without_a_queue(void **state)
{
	struct worker *w = &keeper[0].worker[0];
	struct call *c;

	(void)state;
	f.settings.concurrency = 3;
	f.settings.queue = 0;
	deploy(&keeper[0]);
	for (unsigned i = 0; i < 3; i++) {
		(void)call_start();
		until(w->ngot == i + 1);
	}
	c = call_start();
	until(c->done);
	assert_int_equal(c->call.job.err, ERR_LIMITED);
	answer(w, 1, "1");
	until(f.norder == 2);
	(void)call_start();
	until(w->ngot == 4);
}

static void
a_call_that_waits_too_long_is_told_to_come_again(void **state)
{
	struct worker *w = &keeper[0].worker[0];
	struct call *a, *b;

	(void)state;
	f.settings.queue_ms = 30;
	deploy(&keeper[0]);
	a = call_start();
	until(w->ngot == 1);
	b = call_start();
	until(b->done);
	assert_int_equal(b->call.job.err, ERR_BUSY);
	assert_true(b->call.retry_ms > 0);
	assert_string_equal(b->call.job.why.text,
		"no worker of function hello was free within 0.03 s");
	/* The one that runs has its own time. */
	turns(20);
	assert_int_equal(a->done, 0);
	answer(w, 0, "1");
	until(a->done);
	assert_int_equal(a->call.job.err, 0);
}

static void
a_call_has_its_whole_timeout_from_its_beginning(void **state)
{
	struct worker *w = &keeper[0].worker[0];
	struct call *a, *b;
	uint64_t began;

	(void)state;
	f.settings.timeout_ms = 200;
	deploy(&keeper[0]);
	a = call_start();
	until(w->ngot == 1);
	b = call_start();
	began = uv_now(&f.loop.uv);
	until(uv_now(&f.loop.uv) > began + 100);
	answer(w, 0, "1");
	until(a->done && w->ngot == 2);
	assert_true(b->call.deadline_at >= uv_now(&f.loop.uv) + 150);
}

/* One call each 100 ms, by the clock: 3 s are 30 calls. */
static void
what_would_wait_in_vain_is_refused_at_once(void **state)
{
	struct worker *w = &keeper[0].worker[0];
	struct call *c;

	(void)state;
	clock_set(CLOCK_S);
	f.settings.timeout_ms = 3000;
	deploy(&keeper[0]);
	for (int i = 0; i < 40; i++)
		(void)call_start();
	for (unsigned i = 0; i < 12; i++) {
		until(w->ngot == i + 1);
		clock_set(clock_mono() + 100 * CLOCK_MS);
		answer(w, i, "1");
	}
	until(f.norder == 12);
	until(count_of("waiting") == 27);
	/* Up to thirty wait three seconds at the most. */
	for (int i = 0; i < 3; i++) {
		c = call_start();
		turns(2);
		assert_int_equal(c->done, 0);
	}
	c = call_start();
	until(c->done);
	assert_int_equal(c->call.job.err, ERR_BUSY);
	assert_int_equal(c->call.retry_ms, 3100);
	assert_string_equal(c->call.job.why.text,
		"function hello is busy: a call would wait 4 s for a worker "
		"and may wait 3 s");
}

/* --- crashes
 * ------------------------------------------------------------------ */

static struct call *
crash_once(unsigned i)
{
	struct worker *w = &keeper[0].worker[i];
	struct call *c = call_start();

	until(w->ngot == 1);
	worker_end(&keeper[0], w, SIGSEGV, GONE_ITSELF);
	until(c->done);
	assert_int_equal(c->call.job.err, ERR_FN_CRASHED);
	return c;
}

static void
a_function_that_keeps_crashing_rests_longer_each_time(void **state)
{
	static const uint32_t rest[] = {250, 500, 1000, 2000};
	struct call *c;
	unsigned i;

	(void)state;
	clock_set(CLOCK_S);
	deploy(&keeper[0]);
	for (i = 0; i < 5; i++)
		(void)crash_once(i);
	for (size_t n = 0; n < array_size(rest); n++) {
		c = call_start();
		until(c->done);
		assert_int_equal(c->call.job.err, ERR_FN_CRASHING);
		assert_int_equal(c->call.retry_ms, rest[n]);
		assert_int_equal(keeper[0].spawns, i);
		clock_set(clock_mono() + rest[n] * CLOCK_MS);
		(void)crash_once(i++);
	}
	assert_int_equal(said_count(LINE_STATE), 1);
	assert_string_equal(said(LINE_STATE, 0)->text,
		"function hello keeps crashing: the function's process was "
		"killed by signal 11 (Segmentation fault); next try in 0.3 s");
}

static void
one_answer_makes_it_well_again(void **state)
{
	struct worker *w = &keeper[0].worker[5];
	struct call *c;

	(void)state;
	clock_set(CLOCK_S);
	deploy(&keeper[0]);
	for (unsigned i = 0; i < 5; i++)
		(void)crash_once(i);
	{
		_json_ json_t *one = stats();

		assert_non_null(json_object_get(one, "trouble"));
	}
	clock_set(clock_mono() + CLOCK_S);
	c = call_start();
	until(w->ngot == 1);
	answer(w, 0, "1");
	until(c->done);
	assert_int_equal(c->call.job.err, 0);
	assert_int_equal(said_count(LINE_STATE), 2);
	assert_string_equal(
		said(LINE_STATE, 1)->text, "the function answers again");
	worker_end(&keeper[0], w, SIGSEGV, GONE_ITSELF);
	until(count_of("idle") == 0);
	/* And may crash a few times again before it rests. */
	for (unsigned i = 6; i < 9; i++)
		(void)crash_once(i);
	assert_int_equal(said_count(LINE_STATE), 2);
}

/* Node's: the call is answered, the process does not go on. */
static void
uncaught_errors_that_end_the_process_are_crashes(void **state)
{
	struct call *c;

	(void)state;
	clock_set(CLOCK_S);
	deploy(&keeper[0]);
	for (unsigned i = 0; i < 5; i++) {
		struct worker *w = &keeper[0].worker[i];

		c = call_start();
		until(w->ngot == 1);
		stream_send(&w->stream, PROTO_LEAVING, 0, SLICE(""));
		stream_send(&w->stream, PROTO_ERROR, w->got[0].id,
			SLICE("{\"message\":\"uncaught\"}"));
		until(c->done);
		assert_int_equal(c->call.job.err, ERR_FN_FAILED);
		worker_end(&keeper[0], w, 1 << 8, GONE_ITSELF);
		until(count_of("leaving") == 0);
	}
	c = call_start();
	until(c->done);
	assert_int_equal(c->call.job.err, ERR_FN_CRASHING);
}

static void
crashes_that_are_far_apart_do_not_count_together(void **state)
{
	(void)state;
	clock_set(CLOCK_S);
	deploy(&keeper[0]);
	for (unsigned i = 0; i < 10; i++) {
		(void)crash_once(i);
		clock_set(clock_mono() + 61 * CLOCK_S);
	}
	assert_int_equal(said_count(LINE_STATE), 0);
}

static void
the_least_workers_are_not_started_without_end_when_they_crash(void **state)
{
	(void)state;
	clock_set(CLOCK_S);
	f.settings.min_workers = 1;
	deploy(&keeper[0]);
	for (unsigned i = 0; i < 5; i++) {
		until(keeper[0].started == i + 1);
		until(count_of("idle") == 1);
		worker_end(
			&keeper[0], &keeper[0].worker[i], 1 << 8, GONE_ITSELF);
		until(count_of("idle") == 0);
	}
	turns(50);
	assert_int_equal(keeper[0].spawns, 5);
	clock_set(clock_mono() + CLOCK_S);
	until(keeper[0].spawns == 6);
}

#define T(name) cmocka_unit_test_setup_teardown(name, fake_setup, fake_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(the_least_workers_are_there_before_any_call),
		T(idle_workers_go_but_for_the_least),
		T(all_workers_go_when_none_is_to_be_kept),
		T(a_worker_leaves_after_its_calls_and_another_has_taken_its_place),
		T(short_calls_do_not_pass_a_workers_number_of_calls),
		T(without_a_queue_what_finds_no_worker_is_limited),
		T(a_worker_that_takes_several_has_room_without_a_queue),
		T(a_call_that_waits_too_long_is_told_to_come_again),
		T(a_call_has_its_whole_timeout_from_its_beginning),
		T(what_would_wait_in_vain_is_refused_at_once),
		T(a_function_that_keeps_crashing_rests_longer_each_time),
		T(one_answer_makes_it_well_again),
		T(uncaught_errors_that_end_the_process_are_crashes),
		T(crashes_that_are_far_apart_do_not_count_together),
		T(the_least_workers_are_not_started_without_end_when_they_crash),
	};

	(void)signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
