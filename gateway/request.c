/*
 * The one function that moves a request, and its steps.
 *
 * http.c gives us the head, then the whole request.  Everything that can be
 * refused from the head is decided there; the refusal itself is held back
 * until a short body has come, so that the connection can go on, and given at
 * once for a long one, which closes it.
 */
#include "gateway/request.h"

#include "base/clock.h"
#include "base/event.h"
#include "base/val.h"
#include "documents/bulk.h"
#include "functions/proto.h"
#include "gateway/answer_code.h"
#include "gateway/declared_request.h"
#include "gateway/guard.h"
#include "gateway/http_trigger.h"
#include "gateway/idempotency.h"
#include "gateway/know.h"
#include "gateway/limit.h"
#include "gateway/metric.h"
#include "gateway/reply.h"
#include "gateway/request_form.h"
#include "gateway/web_origin.h"
#include "http/trust.h"

#include <string.h>

/* A body that is read to its end although it is refused. */
enum { BODY_BEARABLE = 64 * 1024, BODY_SMALL_TOP = 64 * 1024 };

static size_t
body_top(const struct request *r)
{
	const struct conf *conf = r->gateway->conf;

	if (r->declared && r->declared->body_top)
		return r->declared->body_top;
	switch (r->route->body) {
	case BODY_SMALL:
		return BODY_SMALL_TOP;
	case BODY_PLAIN:
		return (size_t)conf->limits_body;
	case BODY_EVENT:
		return (size_t)conf->functions_event_size;
	case BODY_CALL:
		return PROTO_CALL_TOP;
	case BODY_BULK:
		return BULK_BYTES_TOP;
	case BODY_STREAM: /* its sink has a ceiling of its own */
	case BODY_NONE:
	default:
		return 0;
	}
}

static int
step_route(struct request *r)
{
	struct route_ask ask = {
		.listener = r->on->kind,
		.method = exchange_method(r->x),
		.path = exchange_path(r->x),
	};
	int e = route_find(&ask);

	if (e != ERR_NOT_FOUND && web_origin_preflight(r)) {
		e = 0;
	} else if (e == 0) {
		r->route = ask.route;
		r->param = ask.param;
		if (r->on->kind & LISTENER_OPEN)
			e = web_origin_check(r);
	} else if (e == ERR_NOT_FOUND) {
		e = declared_route_request(r);
		if (e == ERR_NOT_FOUND)
			e = http_trigger_route(r);
	} else {
		r->allowed = ask.allowed;
	}
	if (e < 0)
		return e;
	if (r->route->body != BODY_STREAM)
		exchange_set_body_top(r->x, body_top(r));
	return 0;
}

static bool
is_limited(const struct request *r)
{
	return r->on->kind & LISTENER_OPEN && r->route->know != KNOW_PROBE;
}

static int
step_admit(struct request *r)
{
	struct gateway *g = r->gateway;
	int e;

	if (!is_limited(r))
		return 0;
	e = guard_head(r);
	if (e == 0)
		e = admit_ip_kept(&r->admit, g->cells, g->ip_rule,
			exchange_peer(r->x), exchange_peer_word(r->x));
	return e < 0 ? e : limit_head(r);
}

static int
step_allow(struct request *r)
{
	struct gateway *g = r->gateway;
	int e = who_check(r->route->who, &r->caller);

	if (e < 0)
		return e;
	if (!is_limited(r))
		return 0;
	e = guard_caller(r);
	if (e == 0)
		e = admit_user(&r->admit, g->cells, g->user_rule, &r->caller);
	return e < 0 ? e : limit_caller(r);
}

static int
step_act(struct request *r)
{
	int e;

	if (!r->whole && r->route->body != BODY_STREAM)
		return STEP_WAIT;
	e = guard_act(r);
	return e < 0 ? e : r->route->endpoint(r);
}

static bool
body_is_bearable(const struct request *r)
{
	struct slice length = exchange_header(r->x, "Content-Length");
	uint64_t n = 0;

	if (exchange_header(r->x, "Transfer-Encoding").len)
		return false;
	return !length.len || slice_to_u64(length, BODY_BEARABLE, &n) == 0;
}

/* SDKs of the cloud calls read errors from a 200; what HTTP itself refuses
 * (no such path, too many, too large) keeps its status. */
static bool
is_call_error(const struct request *r)
{
	return r->route && r->route->style == STYLE_CALL &&
	       r->err != ERR_LIMITED && r->err != ERR_TOO_BIG &&
	       r->err != ERR_SHED;
}

static void
add_retry_after(struct request *r, int status)
{
	unsigned s = (unsigned)((r->retry_ms + 999ULL) / 1000);

	if (!s)
		s = (unsigned)reply_retry_s(status);
	if (s)
		exchange_add_header(r->x, "Retry-After",
			arena_printf(request_arena(r), "%u", s));
}

static int
answer_error(struct request *r)
{
	const char *id = exchange_id(r->x);
	const struct err_info *info = err_info(r->err);

	if (info->code == ERR_INTERNAL)
		event(EVENT_INTERNAL, "requestId", id, "error",
			err_text(r->err), "text", r->why.text, NULL);
	if (r->err == ERR_LIMITED)
		r->gateway->count->limited++;
	if (r->allowed)
		exchange_add_header(r->x, "Allow", route_allow(r->allowed));
	if (r->route && r->route->style == STYLE_AUTH)
		r->answer =
			reply_error_auth(request_arena(r), r->err, &r->why, id);
	else
		r->answer = reply_error(request_arena(r), r->err, &r->why, id);
	if (is_call_error(r))
		return 200;
	if (info->status == 401)
		exchange_add_header(r->x, "WWW-Authenticate", "Bearer");
	add_retry_after(r, info->status);
	return info->status;
}

/* What route.def's paths answer, on the network.  (Functions at paths of their
 * own say it themselves.) */
static void
finish_built_in(struct request *r)
{
	size_t least = (size_t)r->gateway->conf->server_compress;

	if (!(r->on->kind & LISTENER_OPEN) || (r->route && !*r->route->path))
		return;
	web_origin_say(r);
	if (least && r->answer.len >= least && !r->send && r->route &&
		r->route->style != STYLE_AUTH && r->route->know != KNOW_NOT)
		answer_code(r, least);
}

static int
step_answer(struct request *r)
{
	int status;

	/* An answer to be kept for an Idempotency-Key is kept first. */
	if (r->once && idempotency_keep(r) == STEP_WAIT)
		return STEP_WAIT;
	status = r->status;
	if (r->err < 0) {
		/* What is left for a sink is http.c's to throw away. */
		if (!r->whole && !r->on_whole && body_is_bearable(r)) {
			exchange_set_body_top(r->x, BODY_BEARABLE);
			return STEP_WAIT;
		}
		status = answer_error(r);
	}
	admit_say(&r->admit, r->x);
	timeline_say(r);
	if (!r->declared)
		finish_built_in(r);
	else if (r->err < 0 || !r->send)
		status = declared_answer(r, status);
	if (r->err == 0 && r->send) {
		r->send(r);
		return 0;
	}
	exchange_answer(r->x, status,
		r->typed && r->err == 0 ? NULL : REPLY_JSON, r->answer);
	return 0;
}

static int (*const steps[])(struct request *r) = {
#define X(step, function, text) [step] = function,
#include "gateway/request.def"
#undef X
};

static void
request_advance(struct request *r)
{
	int64_t now = 0; /* the loop's clock stands still in here */

	while (r->step < STEP_DONE) {
		/* The last step ends the exchange, and us with it. */
		bool last = r->step == STEP_ANSWER;
		int e;

		if (!now || r->timeline.exact)
			now = timeline_now(r);
		timeline_enter(&r->timeline, (int)r->step, now);
		e = steps[r->step](r);

		if (e == STEP_WAIT)
			return;
		if (last)
			return;
		if (e < 0) {
			r->err = e;
			r->step = STEP_ANSWER;
		} else {
			r->step++;
		}
	}
}

struct slice
request_header(const void *request, const char *name)
{
	return exchange_header(((const struct request *)request)->x, name);
}

const char *
request_traceparent(const struct request *r)
{
	return trace_parent(&r->trace, exchange_arena(r->x), exchange_id(r->x));
}

int
request_json(struct request *r)
{
	size_t values = VAL_REQUEST_TOP;
	int e;

	if (r->json)
		return 0;
	if (request_form_is(r))
		return request_form_parse(r);
	e = val_parse_some(&r->json, exchange_body(r->x), &values, &r->why);
	if (e < 0)
		return e;
	if (!json_is_object(r->json))
		return fault_set(
			&r->why, ERR_PARAM, "the body must be a JSON object");
	return exchange_hold(
		r->x, (VAL_REQUEST_TOP - values) * (size_t)VAL_WEIGHT);
}

int
request_reply(struct request *r, int status, struct slice json)
{
	r->status = status;
	r->answer = json;
	return 0;
}

int
request_wait(struct request *r, struct job *job)
{
	r->job = job;
	return STEP_WAIT;
}

int
request_hold(struct request *r, struct job *job)
{
	r->waits = true;
	return request_wait(r, job);
}

void
request_go_on(struct request *r, int err, const struct fault *why)
{
	if (err < 0) {
		request_finish(r, err, why);
		return;
	}
	r->job = NULL;
	r->waits = false;
	r->step++;
	request_advance(r);
	if (!r->waits)
		exchange_go_on(r->x);
}

void
request_again(struct request *r)
{
	r->job = NULL;
	r->waits = false;
	request_advance(r);
}

void
request_finish(struct request *r, int err, const struct fault *why)
{
	r->job = NULL;
	r->waits = false;
	r->err = err;
	if (err < 0 && why)
		r->why = *why;
	r->step = STEP_ANSWER;
	request_advance(r);
	exchange_go_on(r->x);
}

static void
on_head(struct http *http, struct exchange *x)
{
	struct request *r = arena_new(exchange_arena(x), struct request);

	r->x = x;
	r->on = http_owner(http);
	r->gateway = r->on->gateway;
	r->gateway->count->requests++;
	exchange_set_data(x, r);
	trust_apply(r->gateway->trust, x);
	trace_parse(&r->trace, exchange_header(x, "traceparent"));
	timeline_begin(r);
	request_advance(r);
	if (r->waits) /* nothing of the body before it may come */
		exchange_pause(x);
}

static void
on_request(struct http *http, struct exchange *x)
{
	struct request *r = exchange_data(x);

	(void)http;
	r->whole = true;
	if (r->on_whole && r->step == STEP_ACT)
		r->on_whole(r);
	else if (!r->waits)
		request_advance(r);
}

static void
request_count(const struct request *r, int status)
{
	struct shm_gateway *n = r->gateway->count;

	if (status >= 500)
		n->answered_5xx++;
	else if (status >= 400)
		n->answered_4xx++;
	else
		n->answered_2xx++;
}

enum { CLIENT_LEFT = 499 };

static void
write_line(const struct request *r, int status, int64_t ns)
{
	access_write(
		&r->gateway->access, &(struct access_line){
					     .request_id = exchange_id(r->x),
					     .method = exchange_method(r->x),
					     .path = exchange_path(r->x),
					     .ip = exchange_peer(r->x),
					     .uid = r->caller.uid,
					     .function = r->function,
					     .action = r->action,
					     .trace = r->trace.id,
					     .status = status,
					     .bytes = exchange_sent(r->x),
					     .ns = ns,
				     });
}

static void
on_end(struct http *http, struct exchange *x, bool sent)
{
	struct request *r = exchange_data(x);
	int status = exchange_status(x);
	int64_t ns = clock_mono() - exchange_started(x);

	(void)http;
	(void)sent;
	if (!r)
		return;
	if (r->job)
		job_cancel(r->job);
	if (r->end)
		r->end(r);
	if (r->limits)
		limit_end(r);
	if (r->guarded)
		guard_end(r, status);
	if (r->once)
		idempotency_end(r);
	json_decref(r->json);
	json_decref(r->kept);
	if (!status)
		status = CLIENT_LEFT;
	request_count(r, status);
	metric_request(r, status, ns);
	timeline_end(r, status, ns);
	if (r->gateway->access.on)
		write_line(r, status, ns);
	/* the last: names that were told above lie in it */
	r->declared_in = declared_unref(r->declared_in);
}

static void
on_refused(struct http *http, int status, const char *what, const char *peer)
{
	struct listener *on = http_owner(http);

	on->gateway->count->refused++;
	event(EVENT_REFUSED, "status", EVENT_INT(status), "what", what, "ip",
		peer, NULL);
}

void
request_ops(struct http_ops *ret, struct listener *on)
{
	*ret = (struct http_ops){
		.on_head = on_head,
		.on_request = on_request,
		.on_end = on_end,
		.on_refused = on_refused,
		.owner = on,
	};
}
