/*
 * What functions ask about their user's data and session_key: mpc.openData,
 * mpc.checkUserData, mpc.checkSession, mpc.resetSessionKey.  A session_key
 * itself is told to nobody.
 */
#include "auth/app.h"
#include "gateway/call.h"
#include "gateway/gateway.h"
#include "gateway/open_data.h"
#include "wechat/session_check.h"

struct opendata_op {
	struct call *call;
	struct open_data open;
	struct session_check check;
	struct session_check_home home;
	bool resets;
	struct fault why;
};

static int
answer(struct call *c, const json_t *v)
{
	struct buf b _buf_;

	buf_init(&b, OPENDATA_TOP);
	val_put(&b, v);
	return buf_check(&b) < 0 ? ERR_ANSWER_BIG : call_answer(c, buf_all(&b));
}

static void
on_open(struct job *job)
{
	struct open_data *open = container_of(job, struct open_data, job);
	struct opendata_op *op = container_of(open, struct opendata_op, open);
	struct call *c = op->call;
	int e = job->err;

	/* with rawData and signature alone there is nothing to open */
	if (e == 0)
		e = open->data ? answer(c, open->data)
			       : call_answer(c, SLICE("{}"));
	open_data_done(open);
	call_end(c, e, &job->why);
}

/* A signature that does not fit is what was asked, no error. */
static void
on_checked(struct job *job)
{
	struct open_data *open = container_of(job, struct open_data, job);
	struct opendata_op *op = container_of(open, struct opendata_op, open);
	struct call *c = op->call;
	int e = job->err;

	if (e == 0 || e == ERR_OPEN_DATA_SIGNATURE)
		e = call_answer(c, e == 0 ? SLICE("{\"valid\":true}")
					  : SLICE("{\"valid\":false}"));
	open_data_done(open);
	call_end(c, e, &job->why);
}

static struct opendata_op *
op_new(struct call *c)
{
	struct opendata_op *op = arena_new(c->arena, struct opendata_op);

	op->call = c;
	return op;
}

/* The members stand in the body itself, or in its `data`. */
static int
start(struct call *c, job_fn *done, bool signature)
{
	const json_t *from = NULL;
	struct opendata_op *op;
	struct opendata_ask ask;
	int e = call_value(c, "data", &from);

	if (e == 0)
		e = open_data_read(json_is_object(from) ? from : c->body, &ask,
			&c->job.why);
	if (e < 0)
		return e;
	if (signature) {
		ask.encrypted = ask.iv = slice_of(NULL, 0);
		if (!ask.raw.ptr || !ask.signature.ptr)
			return fault_set(&c->job.why, ERR_PARAM,
				"rawData, signature: both are needed, as the "
				"page got them");
	}
	op = op_new(c);
	job_init(&op->open.job, done);
	call_wait(c, &op->open.job);
	open_data_start(&op->open, c->gateway, c->caller, &ask);
	return 0;
}

int
call_opendata(struct call *c)
{
	return start(c, on_open, false);
}

int
call_opendata_check(struct call *c)
{
	return start(c, on_checked, true);
}

static void
on_session(struct job *job)
{
	struct session_check *check =
		container_of(job, struct session_check, job);
	struct opendata_op *op = container_of(check, struct opendata_op, check);
	struct call *c = op->call;
	int e = job->err;

	op->why = job->why;
	if (e == 0 && op->resets)
		e = call_answer(c, SLICE("{\"reset\":true}"));
	else if (e == 0)
		e = call_answer(c, check->valid ? SLICE("{\"valid\":true}")
						: SLICE("{\"valid\":false}"));
	call_end(c, e, &op->why);
}

static void
session_rest(struct call *c)
{
	struct opendata_op *op = c->op.own;

	session_check_done(&op->check);
}

static int
session(struct call *c, bool resets)
{
	struct gateway *g = c->gateway;
	struct app *app = apps_find(
		g->apps, slice_str(c->caller->appid ? c->caller->appid : ""));
	struct opendata_op *op;

	if (!c->caller->openid || !c->caller->openid[0])
		return ERR_OPEN_DATA_NO_KEY;
	if (!app)
		return fault_set(&c->job.why, ERR_UPSTREAM_CONFIG,
			"[wechat]: the user's mini program is not configured "
			"here any more");
	op = op_new(c);
	op->resets = resets;
	c->op.own = op;
	c->rest = session_rest;
	op->home = (struct session_check_home){.loop = g->loop,
		.pool = g->pool,
		.seal = g->seal,
		.fetcher = g->fetcher,
		.tokens = g->tokens};
	job_init(&op->check.job, on_session);
	call_wait(c, &op->check.job);
	(resets ? session_check_reset : session_check_start)(
		&op->check, &op->home, app, c->caller->openid);
	return 0;
}

int
call_session_check(struct call *c)
{
	return session(c, false);
}

int
call_session_reset(struct call *c)
{
	return session(c, true);
}
