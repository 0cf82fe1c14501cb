/*
 * What is counted and said about calls: counters by kind of end, histograms,
 * and the lines START, END and REPORT as SCF writes them.
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

static void
what_happens_is_counted_by_kind(void **state)
{
	struct worker *w = &keeper[0].worker[0];
	struct call *c;

	(void)state;
	clock_set(CLOCK_S);
	deploy(&keeper[0]);
	c = call_start();
	until(w->ngot == 1);
	clock_set(clock_mono() + 20 * CLOCK_MS); /* its start */
	stream_send(&w->stream, PROTO_READY, 0, SLICE(""));
	turns(3);
	clock_set(clock_mono() + 10 * CLOCK_MS); /* itself */
	answer(w, 0, "1");
	until(c->done);
	c = call_start();
	until(w->ngot == 2);
	stream_send(&w->stream, PROTO_ERROR, w->got[1].id,
		SLICE("{\"message\":\"no\"}"));
	until(c->done);
	c = call_start();
	until(w->ngot == 3);
	answer(w, 2, "{");
	until(c->done);
	c = call_start();
	until(w->ngot == 4);
	job_cancel(&c->call.job);
	answer(w, 3, "1");
	until(count_of("idle") == 1);
	c = call_start();
	until(w->ngot == 5);
	worker_end(&keeper[0], w, SIGKILL, GONE_MEMORY);
	until(c->done);
	assert_int_equal(count_of("calls"), 5);
	assert_int_equal(count_of("failed"), 3);
	assert_int_equal(stat_of("ended", "ok"), 1);
	assert_int_equal(stat_of("ended", "execute_fail"), 1);
	assert_int_equal(stat_of("ended", "bad_answer"), 1);
	assert_int_equal(stat_of("ended", "left"), 1);
	assert_int_equal(stat_of("ended", "memory"), 1);
	assert_int_equal(stat_of("took", "count"), 5);
	assert_int_equal(stat_of("took", "sumUs"), 10000);
	assert_int_equal(stat_of("wait", "sumUs"), 20000);
	assert_int_equal(stat_of("cold", "count"), 1);
	assert_int_equal(stat_of("cold", "sumUs"), 20000);
	/* 10 ms lies in the bucket that ends at 5·2^11 us. */
	assert_int_equal(stat_of("took", "p99Us"), 10240);
}

static void
a_histogram_finds_what_was_put_in(void **state)
{
	struct crew_hist h = {0};

	(void)state;
	assert_int_equal(crew_hist_at(&h, 50), 0);
	for (int64_t us = 1; us <= 1000; us++)
		crew_hist_add(&h, us * 1000);
	assert_int_equal(crew_hist_count(&h), 1000);
	assert_int_equal(h.sum_us, 500500);
	/* A quarter too high at the most, never too low. */
	assert_in_range(crew_hist_at(&h, 50), 500, 625);
	assert_in_range(crew_hist_at(&h, 99), 990, 1238);
	for (unsigned n = 1; n < STATS_BUCKETS; n++)
		assert_true(crew_stats_edge(n) > crew_stats_edge(n - 1));
	crew_hist_add(&h, INT64_MAX);
	crew_hist_add(&h, -5);
	assert_int_equal(crew_hist_count(&h), 1002);
}

static void
gateways_counters_add_up(void **state)
{
	struct crew_stats one = {.calls = 7, .failed = 2, .memory_top = 5},
			  sum = {0};
	_json_ json_t *v = NULL;

	(void)state;
	one.ended[ENDED_TIMEOUT] = 2;
	for (int64_t ns = 500; ns < 100 * CLOCK_S; ns *= 3)
		crew_hist_add(&one.took, ns);
	v = crew_stats_build(&one);
	crew_stats_take(&sum, v);
	assert_memory_equal(&sum, &one, sizeof(one));
	crew_stats_take(&sum, v);
	assert_int_equal(sum.calls, 14);
	assert_int_equal(sum.ended[ENDED_TIMEOUT], 4);
	assert_int_equal(
		crew_hist_count(&sum.took), 2 * crew_hist_count(&one.took));
	assert_int_equal(sum.memory_top, 5);
}

static void
a_call_is_reported_as_scf_does(void **state)
{
	struct worker *w = &keeper[0].worker[0];
	_buf_ struct buf b;
	struct call *c;

	(void)state;
	clock_set(CLOCK_S);
	deploy(&keeper[0]);
	c = call_start();
	until(w->ngot == 1);
	clock_set(clock_mono() + 1417 * CLOCK_MS);
	stream_send(&w->stream, PROTO_READY, 0, SLICE(""));
	until(f.nsaid == 2);
	buf_init(&b, 16);
	put_u64(&b, 28416 * 1024);
	channel_send(&keeper[0].channel, HOST_MEMORY, w->number, buf_all(&b),
		NULL, 0);
	until(stat_of(NULL, "memory") == 28416 * 1024);
	clock_set(clock_mono() + 12 * CLOCK_MS + 340000);
	answer(w, 0, "1");
	until(c->done);
	assert_int_equal(f.nsaid, 4);
	assert_string_equal(f.said[0].text, "START RequestId: r1");
	assert_string_equal(f.said[1].text,
		"Init Report RequestId: r1 Coldstart: 1417ms Memory: 64MB");
	assert_string_equal(f.said[2].text, "END RequestId: r1");
	assert_string_equal(f.said[3].text,
		"Report RequestId: r1 Duration:12.34ms Billed Duration:13ms "
		"Memory:64MB MemUsage:27.75MB Queue:1417ms");
	assert_int_equal(f.said[3].version, 1);
	assert_int_equal(said(LINE_INIT, 0) == &f.said[1], 1);
}

static void
beyond_the_rate_only_calls_that_say_something_are_reported(void **state)
{
	struct worker *w;
	struct call *c;
	unsigned before;

	(void)state;
	crews_set_report_rate(f.crews, 3);
	deploy(&keeper[0]);
	w = warm_up(); /* cold: one of the three */
	before = f.nsaid;
	for (unsigned i = 0; i < 10; i++) {
		c = call_start();
		until(w->ngot == i + 1);
		answer(w, i, "1");
		until(c->done);
	}
	assert_int_equal(f.nsaid - before, 2 * 3);
	c = call_start();
	until(w->ngot == 11);
	stream_send(&w->stream, PROTO_ERROR, w->got[10].id,
		SLICE("{\"message\":\"no\"}"));
	until(c->done);
	assert_int_equal(f.nsaid - before, 2 * 3 + 2);
	assert_non_null(strstr(
		f.said[f.nsaid - 1].text, "Code:FUNCTIONS_EXECUTE_FAIL"));
	/* The eight others in one line. */
	until(f.nsaid - before == 2 * 3 + 3);
	assert_string_equal(f.said[f.nsaid - 1].text,
		"8 calls were not reported here: they were more than 3 a "
		"second (functions.report_rate)");
}

#define T(name) cmocka_unit_test_setup_teardown(name, fake_setup, fake_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(what_happens_is_counted_by_kind),
		T(a_histogram_finds_what_was_put_in),
		T(gateways_counters_add_up),
		T(a_call_is_reported_as_scf_does),
		T(beyond_the_rate_only_calls_that_say_something_are_reported),
	};

	(void)signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
