/*
 * GET and POST /v1/wechat/push[/{appid}]: message push.  A message is taken in
 * and put into the queue in one statement, and answered "success" after its
 * commit and before any function runs: WeChat waits five seconds and asks three
 * times, a function may take a minute.
 *
 * No token, no rate limit: the signature says who it is.
 */
#include "auth/app.h"
#include "base/clock.h"
#include "base/event.h"
#include "gateway/endpoint.h"
#include "gateway/request.h"
#include "trigger/queue.h"
#include "wechat/push.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

enum { EVENTS_TOP = 4096, EVENT_TOP = 4 * PUSH_BODY_TOP, NAME_SHOWN = 64 };

struct push_act {
	struct request *r;
	struct app *app;
	struct ask ask;
	char type[NAME_SHOWN], event[NAME_SHOWN]; /* for the log */
};

/* Anybody may be refused as often as he likes, but not fill the log: of one
 * address as many lines are written as it might send requests elsewhere. */
static int
refuse(struct request *r, const struct app *app, int err)
{
	struct gateway *g = r->gateway;
	struct admit lines = {0};

	if (admit_ip(&lines, g->cells, g->ip_rule, exchange_peer(r->x)) < 0)
		return err;
	event(EVENT_PUSH_BAD, "appid", app ? app->appid : NULL, "ip",
		exchange_peer(r->x), "requestId", exchange_id(r->x), "why",
		fault_text(&r->why, err), NULL);
	return err;
}

static int
answer_text(struct request *r, struct slice text)
{
	r->typed = true;
	exchange_add_header(r->x, "Content-Type", "text/plain; charset=utf-8");
	return request_reply(r, 200, text);
}

/* The app of the path, or [wechat]; its token says whether push is on. */
static int
app_of(struct request *r, struct app **ret)
{
	struct app *app = apps_find(r->gateway->apps, r->param);

	if (!app)
		return fault_set(&r->why, ERR_NOT_FOUND,
			"%.*s: no [wechat] section has this appid",
			(int)min(r->param.len, (size_t)NAME_SHOWN),
			r->param.ptr);
	if (!*app->push_token)
		return fault_set(&r->why, ERR_NOT_FOUND,
			"message push is off: wechat.push_token_file is not "
			"set");
	*ret = app;
	return 0;
}

static struct push_ask
ask_of(const struct request *r)
{
	return (struct push_ask){
		.signature = exchange_query(r->x, "signature"),
		.timestamp = exchange_query(r->x, "timestamp"),
		.nonce = exchange_query(r->x, "nonce"),
		.msg_signature = exchange_query(r->x, "msg_signature"),
		.body = exchange_body(r->x),
	};
}

static struct push_home
home_of(const struct app *app)
{
	return (struct push_home){
		.appid = app->appid,
		.token = app->push_token,
		.key = app->push_key,
	};
}

int
endpoint_push_check(struct request *r)
{
	struct push_ask ask = ask_of(r);
	struct slice echo = exchange_query(r->x, "echostr");
	struct push_home home;
	struct app *app = NULL;
	int e = app_of(r, &app);

	if (e < 0)
		return refuse(r, NULL, e);
	assert(app);
	home = home_of(app);
	e = push_check(&home, &ask, &r->why);
	if (e == 0)
		e = push_fresh(&ask, clock_now_s(), &r->why);
	if (e < 0)
		return refuse(r, app, e);
	event(EVENT_PUSH_CHECKED, "appid", app->appid, NULL);
	return answer_text(r, echo);
}

/* ---- a message ---- */

static void
on_taken(struct job *job)
{
	struct ask *ask = container_of(job, struct ask, job);
	struct push_act *act = container_of(ask, struct push_act, ask);
	struct request *r = act->r;
	const char *appid = act->app->appid;

	if (job->err < 0) {
		event(EVENT_PUSH_ERROR, "appid", appid, "msgType", act->type,
			"event", act->event, "error",
			fault_text(&job->why, job->err), NULL);
		request_finish(r, job->err, &job->why);
		return;
	}
	if (ask_is_null(ask, 0, 0)) {
		event(EVENT_PUSH_AGAIN, "appid", appid, "msgType", act->type,
			"event", act->event, NULL);
	} else {
		event(EVENT_PUSH, "appid", appid, "msgType", act->type, "event",
			act->event, "functions", EVENT_INT(ask_int(ask, 0, 0)),
			NULL);
		if (ask_int(ask, 0, 0) > 0)
			queue_wake(r->gateway->queue);
	}
	(void)answer_text(r, SLICE("success"));
	request_finish(r, 0, NULL);
}

static void
act_end(struct request *r)
{
	struct push_act *act = r->act;

	act->app = app_unref(act->app);
}

/* For the log: what is no plain name is left out. */
static void
show(char ret[NAME_SHOWN], const json_t *msg, const char *name)
{
	const char *text = json_string_value(json_object_get(msg, name));

	if (text &&
		strspn(text,
			"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
			"0123456789_.-") == strlen(text))
		(void)snprintf(ret, NAME_SHOWN, "%s", text);
}

/* One statement: with what is there already it writes nothing. */
static int
take_in(struct push_act *act, const json_t *msg)
{
	struct request *r = act->r;
	char name[PUSH_NAME_TOP], now[24];
	_json_ json_t *events = push_events(msg);
	_buf_ struct buf names, text;
	struct slice params[7];

	buf_init(&names, EVENTS_TOP);
	buf_init(&text, EVENT_TOP);
	val_put(&names, events);
	val_put(&text, msg);
	if (buf_check(&names) < 0 || buf_check(&text) < 0)
		return ERR_TOO_BIG;
	push_name(msg, name);
	(void)snprintf(now, sizeof(now), "%lld", (long long)clock_now_ms());
	params[0] = slice_str(r->gateway->conf->server_env);
	params[1] = slice_str(act->app->appid);
	params[2] = slice_str(name);
	params[3] = buf_all(&names);
	params[4] = buf_all(&text);
	params[5] = push_sender(msg);
	params[6] = slice_str(now);
	show(act->type, msg, "MsgType");
	show(act->event, msg, "Event");
	act->ask.shares = true; /* done twice it is done once */
	job_init(&act->ask.job, on_taken);
	pool_ask(r->gateway->pool, &act->ask,
		"SELECT mpcloud.push_take($1, $2, $3, $4::jsonb, $5, $6,"
		" $7::bigint)",
		params, array_size(params));
	return request_wait(r, &act->ask.job);
}

int
endpoint_push(struct request *r)
{
	struct push_ask ask = ask_of(r);
	struct push_home home;
	struct push_act *act;
	struct app *app = NULL;
	_json_ json_t *msg = NULL;
	int e = app_of(r, &app);

	if (e < 0)
		return refuse(r, NULL, e);
	assert(app);
	home = home_of(app);
	e = push_open(&home, &ask, &msg, &r->why);
	if (e == 0)
		e = push_fresh(&ask, clock_now_s(), &r->why);
	if (e < 0)
		return refuse(r, app, e);
	act = arena_new(request_arena(r), struct push_act);
	act->r = r;
	act->app = app_ref(app);
	r->act = act;
	r->end = act_end;
	return take_in(act, msg);
}
