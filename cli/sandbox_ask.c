/*
 * A loop of its own for one request: base/fetch knows no other way, and the
 * commands that ask are over after it.
 */
#include "cli/sandbox_ask.h"

#include "base/fetch.h"
#include "base/mem.h"

enum { BODY_TOP = 64 * 1024, ANSWER_TOP = 64 * 1024 * 1024, WAIT_MS = 10000 };

struct question {
	struct fetch fetch;
	struct loop *loop;
};

static void
on_answer(struct job *job)
{
	struct question *q = container_of(job, struct question, fetch.job);

	loop_stop(q->loop);
}

/* A refusal has {"error": "…"}. */
static int
answer_read(const struct fetch *f, json_t **ret, struct fault *why)
{
	_json_ json_t *all = NULL;
	const char *error;
	int r = val_parse(&all, buf_all(&f->body), why);

	if (r < 0)
		return fault_set(why, r, "it is no WeChat sandbox");
	error = json_string_value(json_object_get(all, "error"));
	if (error)
		return fault_set(why, ERR_PARAM, "%s", error);
	if (f->status != 200)
		return fault_set(why, ERR_PARAM, "it answered with status %ld",
			f->status);
	*ret = take(all);
	return 0;
}

static int
question_run(struct loop *loop, struct fetcher *fetcher,
	const struct fetch_ask *ask, json_t **ret, struct fault *why)
{
	struct question q = {.loop = loop};
	int r;

	job_init(&q.fetch.job, on_answer);
	fetch_start(fetcher, &q.fetch, ask);
	loop_run(loop);
	r = q.fetch.job.err;
	if (r < 0)
		(void)fault_set(why, r, "%s", fault_text(&q.fetch.job.why, r));
	else
		r = answer_read(&q.fetch, ret, why);
	fetch_done(&q.fetch);
	return r;
}

int
sandbox_ask(const char *base, const char *path, json_t *body, json_t **ret,
	struct fault *why)
{
	_free_ char *url = str_printf("%s%s", base, path);
	struct fetch_ask ask = {
		.method = body ? "POST" : "GET",
		.url = url,
		.timeout_ms = WAIT_MS,
		.answer_top = ANSWER_TOP,
	};
	_buf_ struct buf text;
	struct fetcher *fetcher = NULL;
	struct loop loop;
	int r;

	buf_init(&text, BODY_TOP);
	if (body)
		val_put(&text, body);
	json_decref(body);
	ask.body = buf_all(&text);
	r = loop_init(&loop);
	if (r < 0)
		return fault_set(why, r, "no event loop");
	r = fetcher_new(&fetcher, &loop);
	if (r == 0)
		r = question_run(&loop, fetcher, &ask, ret, why);
	(void)fetcher_free(fetcher);
	loop_done(&loop);
	return r;
}
