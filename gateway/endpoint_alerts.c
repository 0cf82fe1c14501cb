/*
 * What `mpcloud alerts` shows, and a notice that tries the webhook.
 */
#include "base/clock.h"
#include "base/fetch.h"
#include "db/pool.h"
#include "gateway/alert_notice.h"
#include "gateway/endpoint.h"
#include "gateway/request.h"

enum { BODY_TOP = 16384, ANSWER_TOP = 4096, SEND_MS = 10000 };

struct alerts_act {
	struct request *r;
	struct ask ask;
	struct fetch fetch;
};

static void
on_list(struct job *job)
{
	struct ask *ask = container_of(job, struct ask, job);
	struct alerts_act *act = container_of(ask, struct alerts_act, ask);

	if (job->err == 0)
		(void)request_reply(act->r, 200, ask_value(ask, 0, 0));
	request_finish(act->r, job->err, &job->why);
}

int
endpoint_ops_alerts(struct request *r)
{
	struct alerts_act *act = arena_new(request_arena(r), struct alerts_act);

	act->r = r;
	act->ask.is_read = true;
	job_init(&act->ask.job, on_list);
	pool_ask(r->gateway->pool, &act->ask,
		"SELECT jsonb_build_object('alerts', mpcloud.alerts_list($1),"
		" 'now', $2::bigint)",
		(struct slice[]){slice_str(r->gateway->conf->server_env),
			slice_str(arena_printf(request_arena(r), "%lld",
				(long long)clock_now_ms()))},
		2);
	return request_wait(r, &act->ask.job);
}

static void
on_sent(struct job *job)
{
	struct fetch *fetch = container_of(job, struct fetch, job);
	struct alerts_act *act = container_of(fetch, struct alerts_act, fetch);
	int err = job->err;

	if (err < 0)
		(void)fault_prefix(&job->why, err, "alerts.webhook: ");
	else if (fetch->status / 100 != 2)
		err = fault_set(&job->why, ERR_UPSTREAM,
			"alerts.webhook answered %ld", fetch->status);
	else
		(void)request_reply(act->r, 200, SLICE("{\"sent\":true}"));
	request_finish(act->r, err, &job->why);
}

static void
on_end(struct request *r)
{
	struct alerts_act *act = r->act;

	fetch_done(&act->fetch);
}

static void
send_test(struct alerts_act *act, const struct conf *conf)
{
	static const char *const headers[] = {
		"Content-Type: application/json", NULL};
	_buf_ struct buf body;

	buf_init(&body, BODY_TOP);
	alert_notice_put(&body, conf->alerts_format,
		&(struct alert_notice){
			.name = SLICE("test"),
			.node = SLICE(""),
			.severity = SLICE("info"),
			.text = SLICE(
				"a test from mpcloud alerts test: nothing "
				"is wrong"),
			.started_ms = clock_now_ms(),
		});
	fetch_start(act->r->gateway->fetcher, &act->fetch,
		&(struct fetch_ask){.method = "POST",
			.url = conf->alerts_webhook,
			.headers = headers,
			.body = buf_all(&body),
			.timeout_ms = SEND_MS,
			.answer_top = ANSWER_TOP});
}

int
endpoint_ops_alerts_test(struct request *r)
{
	const struct conf *conf = r->gateway->conf;
	struct alerts_act *act;

	if (!*conf->alerts_webhook)
		return fault_set(&r->why, ERR_PARAM,
			"no webhook is configured: set alerts.webhook in "
			"mpcloud.conf and reload");
	act = arena_new(request_arena(r), struct alerts_act);
	act->r = r;
	r->act = act;
	r->end = on_end;
	job_init(&act->fetch.job, on_sent);
	send_test(act, conf);
	return request_wait(r, &act->fetch.job);
}
