/*
 * A claimed row: the call, and how it ended, which is written until it stands
 * there or the row turns out to be another's by now (its lease ran out while
 * the database was away).
 */
#include "trigger/queue_inside.h"

#include "base/clock.h"
#include "base/event.h"
#include "base/mem.h"
#include "base/text.h"
#include "base/val.h"
#include "trigger/queue_fate.h"

#include <stdio.h>
#include <string.h>

enum { AGAIN_MS = 300, RETURN_MS = 250, MISSING_TOP_MS = 30000 };

/* As long as such calls are tried again when they fail. */
static const int64_t PATIENT_MISSING_MS = 2 * 86400000LL;

static void end_write(struct run *run);

void
run_free(struct run *run)
{
	job_cancel(&run->call.job);
	job_cancel(&run->ask.job);
	timer_clear(&run->again);
	list_del(&run->on);
	run->queue->running--;
	(void)mem_free(run->event);
	(void)mem_free(run);
}

static void
on_again(struct timer *timer)
{
	end_write(container_of(timer, struct run, again));
}

static void
on_written(struct job *job)
{
	struct run *run = container_of(
		container_of(job, struct ask, job), struct run, ask);
	struct queue *queue = run->queue;

	if (job->err < 0) {
		timer_set(&run->again, queue->loop, AGAIN_MS, on_again);
		return;
	}
	check_answered(run);
	if (!slice_is(ask_value(&run->ask, 0, 0), "t"))
		event(EVENT_QUEUE_LATE, "id", EVENT_INT(run->id), "function",
			run->call.function, NULL);
	else if (run_is_check(run) && !run->returned)
		check_written(run);
	run_free(run);
	queue_look(queue);
}

static void
return_write(struct run *run)
{
	struct number id, claim, at, missing;

	pool_ask(run->queue->conf.pool, &run->ask,
		"SELECT mpcloud.queue_return($1::bigint, $2::bigint, $3::text, "
		"$4::bigint, $5::bigint)",
		(struct slice[]){number_of(&id, run->id),
			number_of(&claim, run->claim),
			run->error[0] ? slice_str(run->error)
				      : slice_of(NULL, 0),
			number_of(&at, run->run_at),
			run->missing_ms ? number_of(&missing, run->missing_ms)
					: slice_of(NULL, 0)},
		5);
}

static void
end_write(struct run *run)
{
	struct number id, claim, version, at, now;

	run->ask = (struct ask){.shares = true};
	job_init(&run->ask.job, on_written);
	if (run->returned) {
		return_write(run);
		return;
	}
	if (run_is_check(run)) {
		check_write(run);
		return;
	}
	pool_ask(run->queue->conf.pool, &run->ask,
		"SELECT mpcloud.queue_end($1::bigint, $2::bigint, $3::text, "
		"$4::integer, $5::text, $6::text, $7::bigint, $8::bigint)",
		(struct slice[]){number_of(&id, run->id),
			number_of(&claim, run->claim), slice_str(run->outcome),
			number_of(&version, run->version),
			run->error[0] ? slice_str(run->error)
				      : slice_of(NULL, 0),
			slice_str(run->next), number_of(&at, run->run_at),
			number_of(&now, clock_now_ms())},
		8);
}

static void
run_end(struct run *run, const char *outcome, const char *next, int64_t run_at)
{
	run->state = RUN_ENDING;
	run->outcome = outcome;
	run->next = next;
	run->run_at = run_at;
	end_write(run);
}

/* Soon again, by whoever has room. */
static void
run_return(struct run *run, int64_t after_ms)
{
	run->state = RUN_ENDING;
	run->returned = true;
	run->run_at = clock_now_ms() + after_ms;
	end_write(run);
}

static void
run_dead(struct run *run)
{
	if (!run_is_check(run)) /* which has an event of its own */
		event(EVENT_QUEUE_DEAD, "id", EVENT_INT(run->id), "function",
			run->call.function, "error", run->error, NULL);
	run_end(run, "failed", "dead", 0);
}

static bool
is_cloudpay(const struct run *run)
{
	return strcmp(run->call.trigger, "cloudpay") == 0;
}

/* Whoever waits for it has paid, or sees his upload and nobody else does. */
static bool
is_patient(const struct run *run)
{
	return is_cloudpay(run) || strcmp(run->call.trigger, "pay") == 0 ||
	       run_is_check(run);
}

static void
run_missing(struct run *run)
{
	int64_t now = clock_now_ms();
	int64_t since = run->missing_at ? run->missing_at : now;
	int64_t waited = now - since, top = run->queue->conf.missing_ms;

	if (waited >= (is_patient(run) ? max(top, PATIENT_MISSING_MS) : top)) {
		run_dead(run);
		return;
	}
	run->missing_ms = now;
	run_return(run, min(1000 + waited / 4, (int64_t)MISSING_TOP_MS));
}

/* What a function threw comes as JSON, {"errorMessage", "errorType"}; whoever
 * reads the list wants the sentence. */
static char *
sentence_of(const char *text)
{
	static const char begin[] = "{\"errorMessage\":\"";
	_json_ json_t *v = NULL;
	const char *message, *type;

	if (val_parse(&v, slice_str(text), NULL) < 0) /* or cut off */
		return str_dup(slice_starts(slice_str(text), begin)
				       ? text + sizeof(begin) - 1
				       : text);
	message = json_string_value(json_object_get(v, "errorMessage"));
	type = json_string_value(json_object_get(v, "errorType"));
	if (!message)
		return str_dup(text);
	return str_printf(
		"%s%s%s", type ? type : "", type ? ": " : "", message);
}

void
run_keep_error(struct run *run, const char *said)
{
	_free_ char *text = sentence_of(said);
	size_t len = min(strlen(text), sizeof(run->error) - 1);

	while (len && ((unsigned char)text[len] & 0xc0) == 0x80)
		len--; /* not inside a character */
	memcpy(run->error, text, len);
	run->error[len] = '\0';
}

/* CloudBase's protocol for payments: a function that does not answer
 * {errcode: 0} has not taken the news in, and hears it again. */
static int
judge_cloudpay(struct run *run)
{
	struct slice said = run->call.result;
	_json_ json_t *v = NULL;
	const json_t *code;

	if (val_parse(&v, said, NULL) < 0)
		v = NULL;
	code = json_object_get(v, "errcode");
	if (json_is_integer(code) && json_integer_value(code) == 0)
		return 0;
	(void)fault_set(&run->call.job.why, ERR_FN_BAD_ANSWER,
		"a payment's function answers {errcode: 0, errmsg: \"\"} when "
		"it is done; this one answered %.*s",
		(int)min(said.len, (size_t)200), said.len ? said.ptr : "");
	return ERR_FN_BAD_ANSWER;
}

static int
judge(struct run *run)
{
	if (is_cloudpay(run))
		return judge_cloudpay(run);
	return run_is_check(run) ? check_judge(run) : 0;
}

static void
on_called(struct job *job)
{
	struct run *run = container_of(
		container_of(job, struct fn_call, job), struct run, call);
	int err = job->err == 0 ? judge(run) : job->err;

	run->version = run->call.version;
	if (err < 0)
		run_keep_error(run, fault_text(&job->why, err));
	switch (fate_of(err, run->failed, run->retries)) {
	case FATE_DONE:
		if (run->verdict == CHECK_WAIT)
			run_return(run, run->wait_ms);
		else
			run_end(run, "done", "done", 0);
		break;
	case FATE_RETRY:
		run_end(run, "failed", "waiting",
			clock_now_ms() +
				fate_delay_ms(run->failed + 1, queue_dice()));
		break;
	case FATE_DEAD:
		run_dead(run);
		break;
	case FATE_RETURN:
		run_return(run, err == ERR_SHUTDOWN
					? 0
					: max((int64_t)run->call.retry_ms,
						  (int64_t)RETURN_MS) +
						  queue_dice() % RETURN_MS);
		break;
	case FATE_MISSING:
		run_missing(run);
		break;
	}
}

void
run_give_back(struct run *run)
{
	if (run->state != RUN_CALLING)
		return;
	job_cancel(&run->call.job);
	run_keep_error(run, "the server was stopped while it ran");
	run_end(run, "lost", "waiting", clock_now_ms());
}

/* The columns of queue_claim. */
enum column {
	COL_ID,
	COL_KIND,
	COL_FUNCTION,
	COL_QUALIFIER,
	COL_EVENT,
	COL_CALLER,
	COL_DEPTH,
	COL_REQUEST_ID,
	COL_ATTEMPT,
	COL_FAILED,
	COL_RETRIES,
	COL_CREATED,
	COL_MISSING,
};

static const char *
keep(char **at, struct slice s)
{
	char *to = *at;

	if (s.len)
		memcpy(to, s.ptr, s.len);
	to[s.len] = '\0';
	*at += s.len + 1;
	return to;
}

static struct slice
member(const json_t *caller, const char *name)
{
	const char *s = json_string_value(json_object_get(caller, name));

	return slice_str(s ? s : "");
}

/* A document's event has no time yet: that of its taking up is the first that
 * anybody knows. */
static void
event_put(struct buf *to, struct slice text, const struct ask *ask, int row)
{
	buf_init(to, text.len + 128);
	if (slice_is(ask_value(ask, row, COL_KIND), "document") &&
		slice_starts(text, "{\"")) {
		buf_str(to, "{\"time\":\"");
		text_time(to, ask_int(ask, row, COL_CREATED) * CLOCK_MS);
		buf_str(to, "\",");
		text = slice_of(text.ptr + 1, text.len - 1);
	}
	buf_slice(to, text);
}

static struct run *
run_new(struct queue *queue, const struct ask *ask, int row)
{
	static const enum column texts[] = {
		COL_KIND, COL_FUNCTION, COL_QUALIFIER, COL_REQUEST_ID};
	struct slice json = ask_value(ask, row, COL_CALLER);
	_json_ json_t *who = NULL;
	size_t size = sizeof(struct run) + json.len + 16;
	const char *text[array_size(texts)];
	struct run *run;
	struct buf event;
	char *at;

	if (val_parse(&who, json, NULL) < 0)
		who = json_object();
	for (size_t i = 0; i < array_size(texts); i++)
		size += ask_value(ask, row, texts[i]).len + 1;
	run = mem_alloc(size);
	at = run->text;
	for (size_t i = 0; i < array_size(texts); i++)
		text[i] = keep(&at, ask_value(ask, row, texts[i]));
	run->caller = (struct caller){
		.uid = keep(&at, member(who, "uid")),
		.appid = keep(&at, member(who, "appid")),
		.openid = keep(&at, member(who, "openid")),
		.unionid = keep(&at, member(who, "unionid")),
		.kind = keep(&at, member(who, "kind")),
		.custom_id = keep(&at, member(who, "customId")),
		.depth = (unsigned)ask_int(ask, row, COL_DEPTH),
	};
	run->caller.role = *run->caller.uid ? CALLER_USER : CALLER_NOBODY;
	event_put(&event, ask_value(ask, row, COL_EVENT), ask, row);
	run->event = event.ptr;
	run->call = (struct fn_call){
		.trigger = text[0],
		.function = text[1],
		.qualifier = text[2],
		.request_id = text[3],
		.caller = &run->caller,
		.client_ip = "",
		.source = keep(&at, member(who, "source")),
		.event = buf_all(&event),
	};
	list_add(&queue->runs, &run->on);
	queue->running++;
	run->queue = queue;
	return run;
}

void
run_start(struct queue *queue, const struct ask *ask, int row, int64_t claim)
{
	struct run *run = run_new(queue, ask, row);

	run->id = ask_int(ask, row, COL_ID);
	run->claim = claim;
	run->attempt = (unsigned)ask_int(ask, row, COL_ATTEMPT);
	run->failed = (unsigned)ask_int(ask, row, COL_FAILED);
	run->retries = ask_is_null(ask, row, COL_RETRIES)
			       ? queue_retries(queue, run->call.function)
			       : (unsigned)ask_int(ask, row, COL_RETRIES);
	run->created_at = ask_int(ask, row, COL_CREATED);
	if (!ask_is_null(ask, row, COL_MISSING))
		run->missing_at = ask_int(ask, row, COL_MISSING);
	job_init(&run->ask.job, on_written);
	job_init(&run->call.job, on_called);
	if (run->caller.depth > queue->conf.depth_top) {
		(void)snprintf(run->error, sizeof(run->error),
			"%u document triggers, one after the other, led here "
			"(functions.trigger_depth is %u): does the function "
			"change what sets it off?",
			run->caller.depth, queue->conf.depth_top);
		run_dead(run);
		return;
	}
	crew_call(queue->conf.crews, &run->call);
}
