/*
 * Several live versions of a function: who answers, and that no call is lost
 * while that changes.
 */
#include "tests/unit/crew_fake.h"

#include <signal.h>

static void
deploy_version(struct keeper *k, unsigned version)
{
	f.settings.version = version;
	deploy(k);
}

static struct call *
call_as(const char *qualifier)
{
	struct call *c = call_prepare();

	c->call.qualifier = qualifier;
	crew_call(f.crews, &c->call);
	return c;
}

static size_t
crews_left(void)
{
	_json_ json_t *all = crews_status(f.crews, false);

	return json_array_size(all);
}

static void
without_a_release_the_version_added_last_answers(void **state)
{
	struct call *c;

	(void)state;
	deploy_version(&keeper[0], 7);
	deploy_version(&keeper[1], 8);
	c = call_start();
	until(keeper[1].worker[0].ngot == 1);
	answer(&keeper[1].worker[0], 0, "8");
	until(c->done);
	assert_int_equal(c->call.version, 8);
	c = call_as("7");
	until(keeper[0].worker[0].ngot == 1);
	assert_int_equal(c->call.version, 7);
}

static void
a_release_says_who_answers_whatever_came_last(void **state)
{
	struct call *c;

	(void)state;
	deploy_version(&keeper[0], 7);
	deploy_version(&keeper[1], 8);
	release("{\"name\":\"hello\",\"stable\":7,\"aliases\":{\"next\":8}}");
	c = call_start();
	until(keeper[0].worker[0].ngot == 1);
	assert_int_equal(c->call.version, 7);
	c = call_as("next");
	until(keeper[1].worker[0].ngot == 1);
	assert_int_equal(c->call.version, 8);
	c = call_as("$LATEST");
	assert_int_equal(c->call.version, 7);
}

static void
an_unknown_qualifier_is_told_what_there_is(void **state)
{
	struct call *c;

	(void)state;
	deploy_version(&keeper[0], 7);
	release("{\"name\":\"hello\",\"stable\":7,\"aliases\":{\"prod\":7}}");
	c = call_as("beta");
	until(c->done);
	assert_int_equal(c->call.job.err, ERR_FN_NOT_FOUND);
	assert_string_equal(c->call.job.why.text,
		"function hello has no live version or alias \"beta\"; there "
		"are 7, "
		"prod (7)");
	assert_int_equal(c->call.version, 0);
}

static void
the_gray_version_gets_its_openids_and_its_header(void **state)
{
	struct caller other = fake_caller;
	struct call *c;

	(void)state;
	other.openid = "somebody else";
	deploy_version(&keeper[0], 7);
	deploy_version(&keeper[1], 8);
	release("{\"name\":\"hello\",\"stable\":7,\"gray\":{\"version\":8,"
		"\"percent\":0,\"openids\":[\"o\\\"1\"],"
		"\"header\":\"x-try: yes\"}}");
	c = call_start();
	assert_int_equal(c->call.version, 8);
	c = call_prepare();
	c->call.caller = &other;
	crew_call(f.crews, &c->call);
	assert_int_equal(c->call.version, 7);
	c = call_prepare();
	c->call.caller = &other;
	c->call.header = fake_header;
	crew_call(f.crews, &c->call);
	assert_int_equal(c->call.version, 8);
	job_cancel(&c->call.job); /* its caller's memory ends here */
	job_cancel(&f.call[1].call.job);
}

static void
nested_calls_of_nobody_known_carry_their_route_key(void **state)
{
	struct worker *w = &keeper[0].worker[0];
	struct caller nobody = fake_caller;
	struct call *c;

	(void)state;
	nobody.openid = "";
	clock_set(CLOCK_S);
	deploy_version(&keeper[0], 1);
	c = call_start(); /* an openid is key enough */
	until(w->ngot == 1);
	assert_null(strstr(w->got[0].context, "routeKey"));
	answer(w, 0, "1");
	until(c->done);
	c = call_prepare();
	c->call.caller = &nobody;
	crew_call(f.crews, &c->call);
	until(w->ngot == 2);
	assert_non_null(strstr(w->got[1].context, ",\"routeKey\":\""));
	answer(w, 1, "1");
	until(c->done);
	c = call_prepare();
	c->call.caller = &nobody;
	c->call.route_key = "as I was told";
	crew_call(f.crews, &c->call);
	until(w->ngot == 3);
	assert_non_null(
		strstr(w->got[2].context, ",\"routeKey\":\"as I was told\""));
	answer(w, 2, "1");
	until(c->done);
}

static void
a_version_named_before_its_host_is_there_makes_calls_wait(void **state)
{
	struct call *a, *b;

	(void)state;
	release("{\"name\":\"hello\",\"stable\":3}");
	a = call_start();
	turns(5);
	assert_int_equal(a->done, 0);
	deploy_version(&keeper[0], 3);
	until(keeper[0].worker[0].ngot == 1);
	answer(&keeper[0].worker[0], 0, "1");
	until(a->done);
	assert_int_equal(a->call.job.err, 0);
	/* The same again changes nothing. */
	release("{\"name\":\"hello\",\"stable\":3}");
	b = call_start();
	until(keeper[0].worker[0].ngot == 2);
	answer(&keeper[0].worker[0], 1, "2");
	until(b->done);
	assert_int_equal(keeper[0].spawns, 1);
	assert_int_equal(crews_left(), 1);
}

static void
a_version_on_trial_that_goes_again_leaves_nothing(void **state)
{
	struct call *c;

	(void)state;
	deploy_version(&keeper[0], 7);
	release("{\"name\":\"hello\",\"stable\":7}");
	deploy_version(&keeper[1], 8);
	assert_int_equal(crews_left(), 2);
	host_dies(&keeper[1]);
	until(crews_left() == 1);
	c = call_start();
	assert_int_equal(c->call.version, 7);
	/* The stable one's host may die: its calls wait for the next. */
	host_dies(&keeper[0]);
	turns(10);
	assert_int_equal(c->done, 0);
	assert_int_equal(crews_left(), 1);
}

enum { SWITCHES = 32, CALLS_EACH = 40 };

static struct keeper hosts[SWITCHES];

/* Some calls come every turn, workers answer what they have, and in the midst
 * of it another version becomes the stable one, again and again: every call is
 * answered, by a version that was live. */
static void
no_call_is_lost_while_versions_change_under_load(void **state)
{
	/* The supervisor starts the host of what is not live yet. */
	static const struct {
		unsigned start;
		const char *json;
	} steps[] = {
		{1, "{\"name\":\"hello\",\"stable\":1}"},
		{2, "{\"name\":\"hello\",\"stable\":2}"},
		{1, "{\"name\":\"hello\",\"stable\":1,\"gray\":"
		    "{\"version\":2,\"percent\":50}}"},
		{0, "{\"name\":\"hello\",\"stable\":2,\"aliases\":"
		    "{\"old\":1}}"},
	};
	unsigned by[3] = {0};

	(void)state;
	f.settings.workers = 2;
	f.answers = true;
	for (unsigned n = 0; n < SWITCHES; n++) {
		for (int i = 0; i < CALLS_EACH; i++) {
			if (i == CALLS_EACH / 2 || n == 0) {
				if (steps[n % 4].start)
					deploy_version(
						&hosts[n], steps[n % 4].start);
				release(steps[n % 4].json);
			}
			(void)call_start();
			if (i % 3 == 0)
				turns(1);
			if (n == 0)
				break;
		}
		for (unsigned i = 0; i < f.ncalls; i++) {
			const struct call *c = &f.call[i];

			until(c->done);
			assert_int_equal(c->call.job.err, 0);
			assert_in_range(c->call.version, 1, 2);
			by[c->call.version]++;
		}
		f.ncalls = 0;
		f.norder = 0;
		memset(f.call, 0, sizeof(f.call));
	}
	assert_int_equal(by[1] + by[2], 1 + (SWITCHES - 1) * CALLS_EACH);
	assert_true(by[1] > 0 && by[2] > 0);
	f.crews = crews_free(f.crews);
	for (unsigned n = 0; n < SWITCHES; n++)
		host_dies(&hosts[n]);
}

static void
a_gray_version_that_fails_is_reported_once(void **state)
{
	struct worker *w = &keeper[1].worker[0];
	struct call *c;

	(void)state;
	deploy_version(&keeper[0], 7);
	deploy_version(&keeper[1], 8);
	release("{\"name\":\"hello\",\"stable\":7,\"gray\":{\"version\":8,"
		"\"percent\":100},\"guard\":{\"errors\":20,\"calls\":10}}");
	for (unsigned i = 0; i < 12; i++) {
		c = call_start();
		until(w->ngot == i + 1);
		/* The first three of ten fail: 30 %. */
		if (i < 3)
			stream_send(&w->stream, PROTO_ERROR, w->got[i].id,
				SLICE("{\"message\":\"no\"}"));
		else
			answer(w, i, "1");
		until(c->done);
		assert_int_equal(f.troubles, i < 2 ? 0 : 1);
	}
	assert_int_equal(f.trouble_version, 8);
	assert_string_equal(f.trouble,
		"version 8 is taken back: 3 of its last 10 calls failed, 20 % "
		"may");
}

static void
a_slow_gray_version_is_reported(void **state)
{
	struct worker *w = &keeper[1].worker[0];
	struct call *c;

	(void)state;
	clock_set(CLOCK_S);
	deploy_version(&keeper[0], 7);
	deploy_version(&keeper[1], 8);
	release("{\"name\":\"hello\",\"stable\":7,\"gray\":{\"version\":8,"
		"\"percent\":100},\"guard\":{\"latency_ms\":50,\"calls\":4}}");
	for (unsigned i = 0; i < 8; i++) {
		c = call_start();
		until(w->ngot == i + 1);
		/* Every second one takes 60 ms, then all do. */
		if (i % 2 == 0 || i > 4)
			clock_set(clock_mono() + 60 * CLOCK_MS);
		answer(w, i, "1");
		until(c->done);
		assert_int_equal(f.troubles, i < 5 ? 0 : 1);
	}
	assert_string_equal(f.trouble,
		"version 8 is taken back: 3 of its last 4 calls took longer "
		"than 50 ms");
}

#define T(name) cmocka_unit_test_setup_teardown(name, fake_setup, fake_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(without_a_release_the_version_added_last_answers),
		T(a_release_says_who_answers_whatever_came_last),
		T(an_unknown_qualifier_is_told_what_there_is),
		T(the_gray_version_gets_its_openids_and_its_header),
		T(nested_calls_of_nobody_known_carry_their_route_key),
		T(a_version_named_before_its_host_is_there_makes_calls_wait),
		T(a_version_on_trial_that_goes_again_leaves_nothing),
		T(no_call_is_lost_while_versions_change_under_load),
		T(a_gray_version_that_fails_is_reported_once),
		T(a_slow_gray_version_is_reported),
	};

	(void)signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
