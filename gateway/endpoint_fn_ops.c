/*
 * GET /ops/functions and /ops/metrics: what is counted about functions, of all
 * gateways of this machine.  The operator's socket is theirs together and
 * anyone of them may be the one that is asked, so it asks the others (as a call
 * that is carried to them, forward.h) and leaves out those that do not answer.
 */
#include "base/clock.h"
#include "base/crypto.h"
#include "base/val.h"
#include "functions/crew.h"
#include "gateway/call.h"
#include "gateway/endpoint.h"
#include "gateway/fn_metrics.h"
#include "gateway/forward.h"
#include "gateway/metric.h"
#include "gateway/pay_metrics.h"
#include "gateway/request.h"

enum { STATS_TOP = 64 << 20, PATIENCE_MS = 3000 };

#define ALIVE_NS (10 * CLOCK_S)

struct gather;

struct other {
	struct forward_ask ask;
	struct call call;
	struct gather *gather;
	unsigned index;
	bool waited_for;
};

struct gather {
	struct job job;
	struct request *request;
	struct other *others;
	unsigned count, waiting;
	json_t *call;     /* the body they are asked with */
	json_t *gateways; /* what is there so far */
	json_t *missing;
	void (*answer)(struct gather *g);
};

static json_t *
own_stats(const struct gateway *g)
{
	return json_pack("{s:i, s:o, s:o}", "gateway", (int)g->index,
		"functions", crews_status(g->crews, true), "own",
		metric_own(g));
}

int
call_fn_stats(struct call *c)
{
	_json_ json_t *stats = own_stats(c->gateway);
	struct buf b _buf_;

	buf_init(&b, STATS_TOP);
	val_put(&b, stats);
	if (buf_check(&b) < 0)
		return ERR_ANSWER_BIG;
	c->answer = slice_of(arena_str(c->arena, buf_all(&b)), b.len);
	call_end_soon(c);
	return 0;
}

static void
gather_forget(struct gather *g)
{
	for (unsigned i = 0; i < g->count; i++)
		if (take(g->others[i].waited_for)) {
			job_cancel(&g->others[i].ask.job);
			(void)json_array_append_new(
				g->missing, json_integer(g->others[i].index));
		}
}

/* Late, or the operator has left: what is there is the answer. */
static void
on_drop(struct job *job)
{
	gather_forget(container_of(job, struct gather, job));
	job->err = 0;
}

static void
on_other(struct job *job)
{
	struct other *o = container_of(
		container_of(job, struct forward_ask, job), struct other, ask);
	struct gather *g = o->gather;
	json_t *v = NULL;

	o->waited_for = false;
	if (job->err == 0 && val_parse(&v, o->ask.answer, NULL) == 0)
		(void)json_array_append_new(g->gateways, v);
	else
		(void)json_array_append_new(g->missing, json_integer(o->index));
	if (--g->waiting == 0)
		job_finish(&g->job, 0);
}

static void
ask(struct gather *g, struct other *o, unsigned index)
{
	struct request *r = g->request;

	o->gather = g;
	o->index = index;
	o->waited_for = true;
	o->call = (struct call){.gateway = r->gateway,
		.arena = request_arena(r),
		.caller = &r->caller,
		.request_id = exchange_id(r->x),
		.client_ip = "",
		.source = "",
		.body = g->call};
	g->waiting++;
	job_init(&o->ask.job, on_other);
	forward_call(r->gateway->forward, &o->ask, &o->call, index);
}

static bool
is_alive(const struct gateway *g, unsigned index)
{
	int64_t beat = shm_gateway(g->shm, index)->beat;

	return index != g->index && beat && clock_mono() - beat < ALIVE_NS;
}

static void
on_gathered(struct job *job)
{
	struct gather *g = container_of(job, struct gather, job);

	g->answer(g);
}

static void
on_end(struct request *r)
{
	struct gather *g = r->act;

	json_decref(g->call);
	json_decref(g->gateways);
	json_decref(g->missing);
}

static int
gather(struct request *r, void (*answer)(struct gather *g))
{
	struct gather *g = arena_new(request_arena(r), struct gather);
	unsigned n = 0;

	g->request = r;
	g->answer = answer;
	g->call = json_pack("{s:s}", "action", "mpc.functionStats");
	g->gateways = json_array();
	g->missing = json_array();
	r->act = g;
	r->end = on_end;
	(void)json_array_append_new(g->gateways, own_stats(r->gateway));
	for (unsigned i = 0; i < SHM_GATEWAYS; i++)
		n += is_alive(r->gateway, i);
	job_init(&g->job, on_gathered);
	if (n == 0) {
		job_fail_soon(&g->job, r->gateway->loop, 0);
		return request_wait(r, &g->job);
	}
	g->others = arena_get(request_arena(r), n * sizeof(g->others[0]));
	job_begin(&g->job, r->gateway->loop, PATIENCE_MS, on_drop);
	for (unsigned i = 0; i < SHM_GATEWAYS && g->count < n; i++)
		if (is_alive(r->gateway, i))
			ask(g, &g->others[g->count++], i);
	return request_wait(r, &g->job);
}

static void
answer_bytes(struct gather *g, const struct buf *b)
{
	struct request *r = g->request;
	int e = buf_check(b) < 0 ? ERR_ANSWER_BIG : 0;

	if (e == 0)
		(void)request_reply(r, 200,
			slice_of(arena_str(request_arena(r), buf_all(b)),
				b->len));
	request_finish(r, e, NULL);
}

static void
answer_json(struct gather *g)
{
	_json_ json_t *all = json_pack(
		"{s:O, s:O}", "gateways", g->gateways, "missing", g->missing);
	struct buf b _buf_;

	buf_init(&b, STATS_TOP);
	val_put(&b, all);
	answer_bytes(g, &b);
}

int
endpoint_ops_functions(struct request *r)
{
	return gather(r, answer_json);
}

static void
put_gateway(struct buf *b, unsigned index, const struct shm_gateway *n)
{
	const struct {
		const char *how;
		uint64_t count;
	} rows[] = {{"2xx", n->answered_2xx}, {"4xx", n->answered_4xx},
		{"5xx", n->answered_5xx}, {"refused", n->refused}};

	for (size_t i = 0; i < array_size(rows); i++)
		buf_printf(b,
			"mpcloud_http_answers_total{gateway=\"%u\",class="
			"\"%s\"} %llu\n",
			index, rows[i].how, (unsigned long long)rows[i].count);
}

static void
answer_metrics(struct gather *g)
{
	const struct gateway *gw = g->request->gateway;
	struct buf b _buf_;

	unsigned alive[SHM_GATEWAYS];
	size_t count = 0;

	buf_init(&b, STATS_TOP);
	for (unsigned i = 0; i < SHM_GATEWAYS; i++)
		if (i == gw->index || is_alive(gw, i))
			alive[count++] = i;
	buf_str(&b, "# HELP mpcloud_http_answers_total Answers to requests by "
		    "class of status; refused before they were requests.\n"
		    "# TYPE mpcloud_http_answers_total counter\n");
	for (size_t i = 0; i < count; i++)
		put_gateway(&b, alive[i], shm_gateway(gw->shm, alive[i]));
	pay_metrics_put(&b, gw->shm, alive, count);
	fn_metrics_put(&b, g->gateways);
	metric_page(&b, gw->shm, alive, count);
	metric_own_put(&b, g->gateways);
	g->request->typed = true;
	exchange_add_any_header(g->request->x, SLICE("Content-Type"),
		SLICE("text/plain; version=0.0.4; charset=utf-8"));
	answer_bytes(g, &b);
}

int
endpoint_ops_metrics(struct request *r)
{
	return gather(r, answer_metrics);
}

static bool
has_token(const struct request *r, const char *token)
{
	static const char scheme[] = "Bearer ";
	struct slice s = exchange_header(r->x, "Authorization");

	return slice_starts(s, scheme) &&
	       crypto_eq(slice_trim(slice_of(s.ptr + sizeof(scheme) - 1,
				 s.len - (sizeof(scheme) - 1))),
		       slice_str(token));
}

/* For Prometheus.  The other gateways are asked as the operator asks. */
int
endpoint_metrics(struct request *r)
{
	const char *token = r->gateway->metrics_token;

	if (r->on->kind == LISTENER_METRICS && token && !has_token(r, token))
		return fault_set(&r->why, ERR_NO_LOGIN,
			"metrics.token_file's token is needed "
			"(Authorization: Bearer TOKEN)");
	r->caller.role = CALLER_ADMIN;
	return gather(r, answer_metrics);
}
