/*
 * functions.enqueue, and functions.invokeFunction with async: true (or, as
 * Tencent's SCF says it, InvocationType: "Event"): a call that nobody waits
 * for. Beside function_name, request_data and qualifier: runAt or delay,
 * retries, key.
 */
#include "gateway/call.h"

#include "gateway/call_queue.h"
#include "gateway/gateway.h"
#include "gateway/queue_ask.h"
#include "gateway/reply.h"

enum { WORD_TOP = 1024, ANSWER_ROOM = 1024 };

bool
call_queue_is_meant(const struct call *c)
{
	static const char *const names[] = {"InvocationType", "invocationType"};

	if (json_is_true(json_object_get(c->body, "async")))
		return true;
	for (size_t i = 0; i < array_size(names); i++) {
		const char *s =
			json_string_value(json_object_get(c->body, names[i]));

		if (s && slice_is_nocase(slice_str(s), "Event"))
			return true;
	}
	return false;
}

/* response_data is where SDKs find what a function returned. */
static int
answer(struct call *c)
{
	const struct queue_put *put = &c->op.put;
	char own[256], data[ANSWER_ROOM];
	struct slice quoted;
	struct reply r;

	(void)snprintf(own, sizeof(own),
		"\"id\":\"%s\",\"requestId\":\"%s\",\"existed\":%s", put->id,
		put->request_id, put->existed ? "true" : "false");
	(void)snprintf(data, sizeof(data), "{%s}", own);
	quoted = slice_str(data);
	r = reply_room(c->arena, strlen(own) + reply_quoted(quoted) + 32);
	if (!r.ptr)
		return ERR_ANSWER_BIG;
	reply_str(&r, "{\"response_data\":");
	reply_quote(&r, quoted);
	reply_str(&r, ",");
	reply_str(&r, own);
	reply_str(&r, "}");
	return call_answer(c, reply_done(&r));
}

static void
on_put(struct job *job)
{
	struct call *c = container_of(
		container_of(job, struct ask, job), struct call, op.put.ask);

	if (job->err < 0)
		call_end(c, job->err, &job->why);
	else
		call_end(c, answer(c), NULL);
}

/* runAt and delay: a number or a text. */
static int
read_time(struct call *c, const char *key, int64_t *ret,
	int (*read)(struct slice text, int64_t *to, struct fault *why))
{
	const json_t *v = json_object_get(c->body, key);
	char number[32];

	if (!v || json_is_null(v))
		return 0;
	if (json_is_integer(v))
		(void)snprintf(number, sizeof(number), "%lld",
			(long long)json_integer_value(v));
	else if (!json_is_string(v))
		return fault_set(&c->job.why, ERR_PARAM,
			"%s: a number or a text is needed", key);
	return read(
		slice_str(json_is_integer(v) ? number : json_string_value(v)),
		ret, &c->job.why);
}

static int
read_put(struct call *c, struct queue_put *put)
{
	struct slice name, qualifier = SLICE(""), key = SLICE("");
	int64_t retries = -1;
	int e = call_fn_event(c, &put->event);

	if (e == 0)
		e = val_str(c->body, "function_name", 64, &name, &c->job.why);
	if (e == 0)
		e = val_str_or(c->body, "qualifier", 64, qualifier, &qualifier,
			&c->job.why);
	if (e == 0)
		e = val_str_or(
			c->body, "key", WORD_TOP, key, &key, &c->job.why);
	if (e == 0)
		e = val_int_or(
			c->body, "retries", 0, 100, -1, &retries, &c->job.why);
	if (e == 0)
		e = read_time(c, "delay", &put->run_at, queue_ask_delay);
	if (e == 0)
		e = read_time(c, "runAt", &put->run_at, queue_ask_time);
	/* the keys of timers' runs: nobody takes one's place */
	if (e == 0 && slice_starts(key, "timer/"))
		e = fault_set(&c->job.why, ERR_PARAM,
			"key: \"timer/\" is the beginning of timers' own keys");
	if (e < 0)
		return e;
	put->function = arena_str(c->arena, name);
	put->qualifier = arena_str(c->arena, qualifier);
	put->key = arena_str(c->arena, key);
	put->retries = (int)retries;
	put->source = c->source;
	return 0;
}

int
call_queue_put(struct call *c)
{
	struct queue_put *put = &c->op.put;
	int e;

	*put = (struct queue_put){.retries = -1};
	e = read_put(c, put);
	if (e == 0)
		e = queue_ask(
			put, c->gateway, c->caller, c->arena, &c->job.why);
	if (e < 0)
		return e;
	job_init(&put->ask.job, on_put);
	call_wait(c, &put->ask.job);
	queue_put_async(c->gateway->queue, put);
	return 0;
}
