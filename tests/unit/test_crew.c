/*
 * Crews against a keeper and workers played by the test, all in one loop over
 * real socket pairs.
 */
#include "base/mem.h"
#include "base/sock.h"
#include "functions/crew.h"
#include "functions/proto.h"
#include "tests/unit/test.h"

#include "base/channel.h"
#include "base/stream.h"

#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

enum { WORKERS = 16, INVOKES = 64, CALLS = 64 };

struct invoke {
	uint32_t id;
	char event[64], context[1024];
};

struct worker {
	struct stream stream;
	uint32_t number;
	struct invoke got[INVOKES];
	unsigned ngot, drains, replies;
	uint32_t last_reply;
	char reply[256];
	bool alive, killed;
};

struct call {
	struct fn_call call;
	char event[64], result[256];
	int done;
};

static struct keeper {
	struct channel channel;
	struct worker worker[WORKERS];
	unsigned spawns, started;
	bool refuses, silent;
} keeper[2];

static struct fixture {
	struct loop loop;
	struct crews *crews;
	struct fn_settings settings;
	struct call call[CALLS];
	unsigned ncalls;
	int order[CALLS], norder;
	struct host_call *asked;
	int asks, drops;
	char asked_body[256], asked_openid[64], line[256], line_id[64];
	int lines, line_level;
	struct timer pulse;
} f;

static const struct caller caller = {.role = CALLER_USER,
	.uid = "u1",
	.appid = "wx1",
	.openid = "o\"1",
	.unionid = "",
	.sid = 7};

/* So that a turn never sleeps long. */
static void
on_pulse(struct timer *t)
{
	timer_set(t, &f.loop, 2, on_pulse);
}

#define until(condition) \
	do { \
		for (int turns_ = 0; !(condition); turns_++) { \
			if (turns_ > 4000) \
				fail_msg("never: %s", #condition); \
			loop_turn(&f.loop, true); \
		} \
	} while (0)

static void
turns(int n)
{
	while (n--)
		loop_turn(&f.loop, false);
}

/* --- workers ----------------------------------------------------------- */

static void
on_worker_frame(struct stream *s, const struct frame *fr)
{
	struct worker *w = container_of(s, struct worker, stream);
	struct getter g = getter_of(fr->body);
	struct invoke *i = &w->got[w->ngot];
	struct slice context;

	if (fr->type == PROTO_DRAIN)
		w->drains++;
	if (fr->type == PROTO_REPLY) {
		w->replies++;
		w->last_reply = fr->id;
		(void)snprintf(w->reply, sizeof(w->reply), "%.*s",
			SLICE_ARG(fr->body));
	}
	if (fr->type != PROTO_INVOKE)
		return;
	assert_true(w->ngot < INVOKES);
	assert_true(get_u32(&g) > 0);
	context = get_bytes(&g);
	i->id = fr->id;
	(void)snprintf(
		i->context, sizeof(i->context), "%.*s", SLICE_ARG(context));
	(void)snprintf(i->event, sizeof(i->event), "%.*s", SLICE_ARG(g.left));
	assert_false(g.bad);
	w->ngot++;
}

static void
on_worker_gone(struct stream *s, int err)
{
	(void)s, (void)err;
}

static const struct stream_ops worker_ops = {
	.on_frame = on_worker_frame, .on_gone = on_worker_gone};

static void
worker_start(struct keeper *k, uint32_t number)
{
	struct worker *w = &k->worker[k->started++];
	char pid[4] = {1};
	int pair[2];

	assert_true(k->started <= WORKERS);
	memset(w, 0, sizeof(*w));
	assert_int_equal(sock_pair(SOCK_STREAM, pair), 0);
	assert_int_equal(stream_open(&w->stream, &f.loop, pair[0], &worker_ops,
				 1 << 20, 1 << 20),
		0);
	w->number = number;
	w->alive = true;
	channel_send(&k->channel, HOST_WORKER, number, slice_of(pid, 4),
		&pair[1], 1);
	(void)close(pair[1]);
}

static void
worker_end(struct keeper *k, struct worker *w, int status, uint8_t reason)
{
	_buf_ struct buf b;

	buf_init(&b, 64);
	put_u32(&b, (uint32_t)status);
	put_u8(&b, reason);
	stream_close(&w->stream);
	w->alive = false;
	channel_send(&k->channel, HOST_GONE, w->number, buf_all(&b), NULL, 0);
}

static void
answer(struct worker *w, unsigned i, const char *json)
{
	stream_send(&w->stream, PROTO_RESULT, w->got[i].id, slice_str(json));
}

/* --- keeper ------------------------------------------------------------ */

static void
on_keeper_frame(struct channel *c, const struct frame *fr, int *fds, int nfds)
{
	struct keeper *k = container_of(c, struct keeper, channel);

	(void)fds, (void)nfds;
	if (fr->type == HOST_SPAWN) {
		k->spawns++;
		if (k->refuses)
			channel_send(c, HOST_NO_WORKER, fr->id,
				SLICE("no memory left"), NULL, 0);
		else if (!k->silent)
			worker_start(k, fr->id);
	}
	for (unsigned i = 0; fr->type == HOST_KILL && i < k->started; i++)
		if (k->worker[i].number == fr->id && k->worker[i].alive) {
			k->worker[i].killed = true;
			worker_end(k, &k->worker[i], SIGKILL, GONE_KILLED);
		}
}

static void
on_keeper_gone(struct channel *c, int err)
{
	(void)c, (void)err;
}

static const struct channel_ops keeper_ops = {
	.on_frame = on_keeper_frame, .on_gone = on_keeper_gone};

static void
deploy(struct keeper *k)
{
	struct fault why = {0};
	int pair[2];

	assert_int_equal(sock_pair(SOCK_SEQPACKET, pair), 0);
	assert_int_equal(
		channel_open(&k->channel, &f.loop, pair[0], &keeper_ops), 0);
	assert_int_equal(crews_add(f.crews, &f.settings, pair[1], &why), 0);
}

static void
host_dies(struct keeper *k)
{
	for (unsigned i = 0; i < k->started; i++)
		stream_close(&k->worker[i].stream);
	channel_close(&k->channel);
}

/* --- gateway ----------------------------------------------------------- */

static void
on_call(struct crews *crews, struct host_call *call)
{
	(void)crews;
	f.asks++;
	f.asked = call;
	assert_int_equal(call->caller->role, CALLER_FUNCTION);
	(void)snprintf(f.asked_body, sizeof(f.asked_body), "%.*s",
		SLICE_ARG(call->body));
	(void)snprintf(f.asked_openid, sizeof(f.asked_openid), "%s",
		call->caller->openid);
}

static void
on_line(struct crews *crews, const char *function, const char *id, int level,
	struct slice text)
{
	(void)crews;
	assert_string_equal(function, "hello");
	f.lines++;
	f.line_level = level;
	(void)snprintf(f.line, sizeof(f.line), "%.*s", SLICE_ARG(text));
	(void)snprintf(f.line_id, sizeof(f.line_id), "%s", id);
}

static const struct crews_ops ops = {.on_call = on_call, .on_line = on_line};

static void
on_done(struct job *job)
{
	struct fn_call *fc = container_of(job, struct fn_call, job);
	struct call *c = container_of(fc, struct call, call);

	c->done++;
	f.order[f.norder++] = (int)(c - f.call);
	(void)snprintf(
		c->result, sizeof(c->result), "%.*s", SLICE_ARG(fc->result));
}

static struct call *
call_start(void)
{
	struct call *c = &f.call[f.ncalls];

	(void)snprintf(c->event, sizeof(c->event), "{\"n\":%u}", f.ncalls++);
	job_init(&c->call.job, on_done);
	c->call.function = "hello";
	c->call.caller = &caller;
	c->call.request_id = "r1";
	c->call.client_ip = "10.0.0.1";
	c->call.source = "wx_client";
	c->call.event = slice_str(c->event);
	crew_call(f.crews, &c->call);
	assert_int_equal(c->done, 0); /* never inside */
	return c;
}

static int
setup(void **state)
{
	static const struct crews_conf conf = {.event_top = 4096,
		.result_top = 4096,
		.env = "test",
		.appid = "wx0"};

	(void)state;
	memset(&f, 0, sizeof(f));
	memset(keeper, 0, sizeof(keeper));
	assert_int_equal(loop_init(&f.loop), 0);
	assert_int_equal(crews_new(&f.crews, &f.loop, &conf, &ops), 0);
	f.settings = (struct fn_settings){.name = "hello",
		.version = 1,
		.timeout_ms = 5000,
		.memory = 64 << 20,
		.workers = 1,
		.concurrency = 1,
		.queue = 100,
		.idle_ms = 60000};
	timer_set(&f.pulse, &f.loop, 1, on_pulse);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	for (unsigned i = 0; i < f.ncalls; i++)
		job_cancel(&f.call[i].call.job);
	f.crews = crews_free(f.crews);
	for (int k = 0; k < 2; k++)
		host_dies(&keeper[k]);
	timer_clear(&f.pulse);
	loop_done(&f.loop);
	return 0;
}

/* One answered call, so that calls count as short. */
static struct worker *
warm_up(void)
{
	struct worker *w = &keeper[0].worker[0];
	struct call *c = call_start();

	until(w->ngot == 1);
	answer(w, 0, "0");
	until(c->done);
	/* The first took as long as the test's turns: make it known fast. */
	for (unsigned i = 1; i < 40; i++) {
		c = call_start();
		until(w->ngot == i + 1);
		answer(w, i, "0");
		until(c->done);
	}
	w->ngot = 0;
	f.norder = 0;
	f.ncalls = 0;
	memset(f.call, 0, sizeof(f.call));
	return w;
}

/* --- tests ------------------------------------------------------------- */

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
a_call_that_never_got_a_worker_times_out_too(void **state)
{
	struct call *c;

	(void)state;
	f.settings.timeout_ms = 20;
	keeper[0].silent = true;
	deploy(&keeper[0]);
	c = call_start();
	until(c->done);
	assert_int_equal(c->call.job.err, ERR_FN_TIMEOUT);
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
		_json_ json_t *all = crews_status(f.crews);

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
	crews_del(f.crews, "hello", 9); /* another version: nothing */
	turns(5);
	assert_int_equal(b->done, 0);
	crews_del(f.crews, "hello", 1);
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
		struct call *c = call_start();

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
	c->call.caller = &caller;
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

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

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
		T(a_result_written_before_the_end_counts),
		T(a_call_past_its_deadline_is_answered_and_its_worker_killed),
		T(a_call_that_never_got_a_worker_times_out_too),
		T(a_full_queue_answers_at_once),
		T(a_new_version_takes_the_calls_and_the_old_one_finishes),
		T(a_deleted_function_answers_no_more),
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
		T(a_cancelled_call_is_forgotten_and_its_worker_goes_on),
		T(a_cancelled_call_still_has_its_deadline),
		T(several_calls_run_in_one_worker_when_the_function_allows),
		T(an_overrun_beside_others_lets_them_finish),
		T(output_is_told_with_the_request_it_belongs_to),
		T(an_event_past_its_ceiling_is_refused),
		T(draining_waits_for_what_runs),
	};

	(void)signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
