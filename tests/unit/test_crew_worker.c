/*
 * What workers say and how they end, seen by crews.
 */
#include "tests/unit/crew_fake.h"

#include <signal.h>
#include <unistd.h>

static void
a_worker_that_sends_garbage_is_killed(void **state)
{
	static const struct {
		uint8_t type;
		uint32_t id;
		const char *body;
	} bad[] = {{99, 1, ""}, {PROTO_RESULT, 77777, "1"},
		{PROTO_INVOKE, 1, ""}, {PROTO_ERROR, 77777, "{}"},
		{PROTO_CALL, 1, "abc"}, {PROTO_LOG, 0, ""},
		{PROTO_LOG, 0, "\x09x"}, {PROTO_READY, 0, "x"}};

	(void)state;
	f.settings.workers = 1;
	deploy(&keeper[0]);
	for (size_t i = 0; i < array_size(bad); i++) {
		struct worker *w = &keeper[0].worker[i];
		struct call *c;

		clock_set((int64_t)(i + 1) * 100 * CLOCK_S); /* no crash loop */
		c = call_start();
		until(w->ngot == 1);
		stream_send(&w->stream, bad[i].type, bad[i].id,
			slice_str(bad[i].body));
		until(c->done);
		assert_true(w->killed);
		assert_int_equal(c->call.job.err, ERR_FN_CRASHED);
		assert_non_null(strstr(c->call.job.why.text, "not a message"));
	}
}

static void
bytes_that_are_no_frame_get_the_worker_killed(void **state)
{
	struct worker *w = &keeper[0].worker[0];
	struct call *c;
	struct buf *out;

	(void)state;
	deploy(&keeper[0]);
	c = call_start();
	until(w->ngot == 1);
	out = stream_out(&w->stream);
	buf_str(out, "\xff\xff\xff\xff and so on and on");
	until(c->done);
	assert_true(w->killed);
	assert_int_equal(c->call.job.err, ERR_FN_CRASHED);
}

static void
a_result_that_is_no_json_is_not_handed_on(void **state)
{
	struct worker *w = &keeper[0].worker[0];
	static const char *const bad[] = {"", "{", "undefined", "1 2"};

	(void)state;
	deploy(&keeper[0]);
	for (unsigned i = 0; i < array_size(bad); i++) {
		struct call *c = call_start();

		until(w->ngot == i + 1);
		answer(w, i, bad[i]);
		until(c->done);
		assert_int_equal(c->call.job.err, ERR_FN_BAD_ANSWER);
		assert_string_equal(c->result, "");
	}
}

static void
a_result_past_its_ceiling_is_not_handed_on(void **state)
{
	struct worker *w = &keeper[0].worker[0];
	char big[6000];
	struct call *c;

	(void)state;
	memset(big, '1', sizeof(big));
	big[sizeof(big) - 1] = '\0';
	deploy(&keeper[0]);
	c = call_start();
	until(w->ngot == 1);
	answer(w, 0, big);
	until(c->done);
	assert_int_equal(c->call.job.err, ERR_ANSWER_BIG);
}

static void
an_error_of_the_author_reaches_him(void **state)
{
	struct worker *w = &keeper[0].worker[0];
	struct call *c;

	(void)state;
	deploy(&keeper[0]);
	c = call_start();
	until(w->ngot == 1);
	stream_send(&w->stream, PROTO_ERROR, w->got[0].id,
		SLICE("{\"code\":\"FUNCTIONS_EXECUTE_FAIL\","
		      "\"message\":\"no %s luck\",\"stack\":\"at x\"}"));
	until(c->done);
	assert_int_equal(c->call.job.err, ERR_FN_FAILED);
	assert_string_equal(c->call.job.why.text, "no %s luck");
	assert_string_equal(f.line, "at x");
	assert_string_equal(f.line_id, "r1");
	assert_int_equal(f.line_level, 3);
	assert_true(w->alive);
}

static void
the_cause_of_a_death_is_said(void **state)
{
	static const struct {
		int status;
		uint8_t reason;
		int err;
		const char *text;
	} deaths[] = {
		{SIGSEGV, GONE_ITSELF, ERR_FN_CRASHED,
			"the function's process was killed by signal 11 "
			"(Segmentation fault)"},
		{0, GONE_ITSELF, ERR_FN_CRASHED,
			"the function's process exited with code 0"},
		{SIGKILL, GONE_MEMORY, ERR_FN_MEMORY,
			"the function used more than its 64 MiB of memory"},
	};

	(void)state;
	deploy(&keeper[0]);
	for (size_t i = 0; i < array_size(deaths); i++) {
		struct worker *w = &keeper[0].worker[i];
		struct call *c = call_start();

		until(w->ngot == 1);
		worker_end(&keeper[0], w, deaths[i].status, deaths[i].reason);
		until(c->done);
		assert_int_equal(c->call.job.err, deaths[i].err);
		assert_string_equal(c->call.job.why.text, deaths[i].text);
	}
}

static void
token_of(const struct worker *w, unsigned i, char *to)
{
	const char *at = strstr(w->got[i].context, "\"sessionToken\":\"");

	assert_non_null(at);
	(void)snprintf(to, 64, "%.48s", at + 16);
	assert_int_equal(strlen(to), 48);
}

static void
a_session_token_is_good_only_during_its_invocation(void **state)
{
	struct worker *w = &keeper[0].worker[0];
	const char *function, *id;
	const struct caller *who;
	char token[64], other[64];
	struct call *c;

	(void)state;
	deploy(&keeper[0]);
	c = call_start();
	until(w->ngot == 1);
	token_of(w, 0, token);
	assert_true(crews_find_session(
		f.crews, slice_str(token), &who, &function, &id));
	assert_int_equal(who->role, CALLER_FUNCTION);
	assert_string_equal(who->openid, "o\"1");
	assert_string_equal(function, "hello");
	assert_string_equal(id, "r1");
	(void)snprintf(other, sizeof(other), "%s", token);
	other[47] ^= 1;
	assert_false(crews_find_session(
		f.crews, slice_str(other), &who, &function, &id));
	assert_false(
		crews_find_session(f.crews, SLICE(""), &who, &function, &id));
	answer(w, 0, "1");
	until(c->done);
	assert_false(crews_find_session(
		f.crews, slice_str(token), &who, &function, &id));
	c = call_start();
	until(w->ngot == 2);
	token_of(w, 1, other);
	assert_string_not_equal(token, other);
	worker_end(&keeper[0], w, 0, GONE_ITSELF);
	until(c->done);
	assert_false(crews_find_session(
		f.crews, slice_str(other), &who, &function, &id));
}

static void
ask(struct worker *w, uint32_t number, uint32_t invocation, const char *json)
{
	_buf_ struct buf b;

	buf_init(&b, 4096);
	put_u32(&b, invocation);
	buf_str(&b, json);
	stream_send(&w->stream, PROTO_CALL, number, buf_all(&b));
}

static void
a_cloud_request_is_answered_as_its_invocations_caller(void **state)
{
	struct worker *w = &keeper[0].worker[0];
	struct call *c;

	(void)state;
	deploy(&keeper[0]);
	c = call_start();
	until(w->ngot == 1);
	ask(w, 41, w->got[0].id, "{\"action\":\"x\"}");
	until(f.asks == 1);
	assert_string_equal(f.asked_body, "{\"action\":\"x\"}");
	assert_string_equal(f.asked_openid, "o\"1");
	/* The invocation ends first; its request is still answered. */
	answer(w, 0, "1");
	until(c->done);
	assert_string_equal(f.asked->caller->openid, "o\"1");
	host_call_reply(f.asked, SLICE("{\"ok\":1}"));
	until(w->replies == 1);
	assert_int_equal(w->last_reply, 41);
	assert_string_equal(w->reply, "{\"ok\":1}");
	/* But nothing new in its name. */
	ask(w, 42, w->got[0].id, "{}");
	until(w->replies == 2);
	assert_int_equal(w->last_reply, 42);
	assert_non_null(strstr(w->reply, "ACTION_FORBIDDEN"));
	assert_int_equal(f.asks, 1);
}

static void
on_host_drop(struct host_call *call, void *owner)
{
	assert_ptr_equal(call, f.asked);
	assert_ptr_equal(owner, &f);
	f.drops++;
}

static void
a_worker_that_left_gets_no_reply(void **state)
{
	struct worker *w = &keeper[0].worker[0];
	struct host_call *silent;
	struct call *c;

	(void)state;
	deploy(&keeper[0]);
	c = call_start();
	until(w->ngot == 1);
	ask(w, 1, w->got[0].id, "{}");
	until(f.asks == 1);
	silent = f.asked; /* whose owner did not ask to be told */
	ask(w, 2, w->got[0].id, "{}");
	until(f.asks == 2);
	host_call_on_drop(f.asked, on_host_drop, &f);
	worker_end(&keeper[0], w, 0, GONE_ITSELF);
	until(c->done);
	assert_int_equal(f.drops, 1);
	assert_string_equal(silent->caller->openid, "o\"1");
	host_call_reply(silent, SLICE("{}"));
}

static void
a_dead_host_fails_what_runs_and_keeps_what_waits(void **state)
{
	struct worker *w = &keeper[0].worker[0];
	struct call *a, *b;

	(void)state;
	deploy(&keeper[0]);
	a = call_start();
	b = call_start();
	until(w->ngot == 1);
	host_dies(&keeper[0]);
	until(a->done);
	assert_int_equal(a->call.job.err, ERR_FN_CRASHED);
	assert_string_equal(a->call.job.why.text, "the function host restarts");
	turns(20);
	assert_int_equal(b->done, 0);
	deploy(&keeper[1]);
	w = &keeper[1].worker[0];
	until(w->ngot == 1);
	answer(w, 0, "2");
	until(b->done);
	assert_int_equal(b->call.job.err, 0);
}

static void
calls_are_told_when_workers_cannot_be_started(void **state)
{
	struct call *a, *b;

	(void)state;
	keeper[0].refuses = true;
	deploy(&keeper[0]);
	a = call_start();
	until(a->done);
	assert_int_equal(a->call.job.err, ERR_FN_CRASHED);
	assert_non_null(strstr(a->call.job.why.text, "no memory left"));
	assert_int_equal(keeper[0].spawns, 3);
	b = call_start(); /* not one more attempt before its time */
	until(b->done);
	assert_non_null(strstr(b->call.job.why.text, "no memory left"));
	assert_int_equal(keeper[0].spawns, 3);
}

static void
an_idle_worker_is_sent_home(void **state)
{
	struct worker *w = &keeper[0].worker[0];
	struct call *c;

	(void)state;
	f.settings.idle_ms = 10;
	deploy(&keeper[0]);
	c = call_start();
	until(w->ngot == 1);
	answer(w, 0, "1");
	until(c->done);
	until(w->drains == 1);
	until(w->killed); /* it did not go by itself */
	c = call_start();
	until(keeper[0].worker[1].ngot == 1);
}

static void
output_is_told_with_the_request_it_belongs_to(void **state)
{
	struct worker *w = &keeper[0].worker[0];
	_buf_ struct buf b;
	struct call *c;

	(void)state;
	deploy(&keeper[0]);
	channel_send(
		&keeper[0].channel, HOST_LINE, 0, SLICE("\1loading"), NULL, 0);
	until(f.lines == 1);
	assert_string_equal(f.line, "loading");
	assert_string_equal(f.line_id, "");
	c = call_start();
	until(w->ngot == 1);
	buf_init(&b, 64);
	put_u8(&b, 2);
	buf_str(&b, "careful\n");
	stream_send(&w->stream, PROTO_LOG, w->got[0].id, buf_all(&b));
	until(f.lines == 2);
	assert_string_equal(f.line, "careful");
	assert_string_equal(f.line_id, "r1");
	assert_int_equal(f.line_level, 2);
	answer(w, 0, "1");
	until(c->done);
	channel_send(&keeper[0].channel, HOST_LINE, w->number, SLICE("\2late"),
		NULL, 0);
	until(f.lines == 3);
	assert_string_equal(f.line_id, "r1");
	assert_int_equal(f.line_level, 3);
}

#define T(name) cmocka_unit_test_setup_teardown(name, fake_setup, fake_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(a_worker_that_sends_garbage_is_killed),
		T(bytes_that_are_no_frame_get_the_worker_killed),
		T(a_result_that_is_no_json_is_not_handed_on),
		T(a_result_past_its_ceiling_is_not_handed_on),
		T(an_error_of_the_author_reaches_him),
		T(the_cause_of_a_death_is_said),
		T(a_session_token_is_good_only_during_its_invocation),
		T(a_cloud_request_is_answered_as_its_invocations_caller),
		T(a_worker_that_left_gets_no_reply),
		T(a_dead_host_fails_what_runs_and_keeps_what_waits),
		T(calls_are_told_when_workers_cannot_be_started),
		T(an_idle_worker_is_sent_home),
		T(output_is_told_with_the_request_it_belongs_to),
	};

	(void)signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
