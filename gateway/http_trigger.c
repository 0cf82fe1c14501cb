/*
 * A request for a path that is none of ours: which function has it, the call,
 * the answer.  Who calls is optional unless the trigger says `auth`: a valid
 * access token makes the user known to the function, and whatever else stands
 * in Authorization is the function's own business.
 */
#include "gateway/http_trigger.h"

#include "functions/crew.h"
#include "functions/http_path.h"
#include "gateway/container.h"
#include "gateway/declared_request.h"
#include "gateway/endpoint.h"
#include "gateway/function_log.h"
#include "gateway/function_socket.h"
#include "gateway/proxy_words.h"
#include "gateway/request.h"
#include "routes/http_paths.h"

#include <string.h>

struct trigger_act {
	struct request *r;
	struct fn_call call;
	struct buf event;
	struct slice length; /* of a body that the route changed; none: as it
				came */
};

static const struct route routes[] = {
	[false] = {.path = "",
		.endpoint = endpoint_http_trigger,
		.know = KNOW_MAYBE,
		.who = WHO_ANY,
		.listeners = LISTENER_OPEN,
		.style = STYLE_REST,
		.body = BODY_EVENT},
	[true] = {.path = "",
		.endpoint = endpoint_http_trigger,
		.know = KNOW_HEADER,
		.who = WHO_USER,
		.listeners = LISTENER_OPEN,
		.style = STYLE_REST,
		.body = BODY_EVENT},
};

static void
say_allow(struct request *r, unsigned methods)
{
	char text[64];
	size_t len = 0;

	for (unsigned i = 0; i < HTTP_METHODS; i++)
		if (methods >> i & 1)
			len += (size_t)snprintf(text + len, sizeof(text) - len,
				"%s%s", len ? ", " : "", http_method_name(i));
	exchange_add_header(r->x, "Allow", text);
}

/* The path of the request's target, as received. */
static struct slice
received_path(const struct request *r)
{
	struct slice rest = exchange_target(r->x), raw;
	const char *at;

	/* First of all: "http://host?x=/path" asks for "/". */
	(void)slice_split(&rest, '?', &raw);
	if (raw.len && raw.ptr[0] != '/') {
		/* Absolute form: behind scheme and authority. */
		at = memmem(raw.ptr, raw.len, "://", 3);
		if (!at)
			return raw;
		at += 3;
		raw = slice_of(at, raw.len - (size_t)(at - raw.ptr));
		at = memchr(raw.ptr, '/', raw.len);
		raw = at ? slice_of(at, raw.len - (size_t)(at - raw.ptr))
			 : SLICE("/");
	}
	return raw;
}

static struct slice
received_query(const struct request *r)
{
	struct slice raw = exchange_target(r->x), path;

	if (slice_split(&raw, '?', &path) && raw.ptr)
		return raw;
	return (struct slice){NULL, 0};
}

int
http_trigger_route(struct request *r)
{
	const struct http_path *p;
	struct slice rest;
	unsigned allowed;
	int e;

	if (!(r->on->kind & LISTENER_OPEN) || !r->gateway->paths)
		return ERR_NOT_FOUND;
	e = container_route(r);
	if (e != ERR_NOT_FOUND)
		return e;
	e = http_paths_find(r->gateway->paths, slice_str(exchange_path(r->x)),
		slice_str(exchange_method(r->x)), &p, &allowed);
	if (e == ERR_METHOD)
		say_allow(r, allowed);
	if (e < 0)
		return e;
	/* What ends inside of an escape has no such segment. */
	rest = http_path_rest(received_path(r), strlen(p->path));
	if (!rest.ptr)
		return ERR_NOT_FOUND;
	r->route = &routes[p->auth];
	r->function = arena_str(request_arena(r), slice_str(p->function));
	r->param = slice_str(arena_str(request_arena(r), rest));
	return 0;
}

static void
tell_author(const struct trigger_act *act, const char *what)
{
	const struct request *r = act->r;

	if (!r->gateway->log)
		return;
	function_log_write(r->gateway->log,
		&(struct function_line){.function = r->function,
			.request_id = exchange_id(r->x),
			.version = act->call.version,
			.level = 3,
			.text = slice_str(what)});
}

static void
answer(struct trigger_act *act)
{
	struct request *r = act->r;
	struct job *job = &act->call.job;
	struct http_answer *a = arena_new(request_arena(r), struct http_answer);
	int e = http_answer_parse(
		a, request_arena(r), act->call.result, &job->why);

	if (e < 0) {
		r->gateway->count->calls_failed++;
		tell_author(act, fault_text(&job->why, e));
		request_finish(r, e, &job->why);
		return;
	}
	for (size_t i = 0; i < a->count; i++)
		exchange_add_any_header(
			r->x, a->headers[i].name, a->headers[i].value);
	r->typed = true;
	(void)request_reply(r, a->status, a->body);
	request_finish(r, 0, NULL);
}

static void
on_result(struct job *job)
{
	struct fn_call *call = container_of(job, struct fn_call, job);
	struct trigger_act *act = container_of(call, struct trigger_act, call);

	if (job->err == 0) {
		answer(act);
		return;
	}
	act->r->gateway->count->calls_failed++;
	act->r->retry_ms = call->retry_ms;
	request_finish(act->r, job->err, &job->why);
}

static void
on_end(struct request *r)
{
	struct trigger_act *act = r->act;

	buf_done(&act->event);
}

/* Headers on their way into an event. */
struct telling {
	struct request *r;
	void (*fn)(void *owner, struct slice name, struct slice value);
	void *owner;
	struct slice length;
};

/* The key that opened the route is no business of what is behind it, which may
 * write what it is called with into its log. */
static bool
is_key(const struct request *r, struct slice name)
{
	return r->declared && declared_auth_is_key(r->declared->auth) &&
	       (slice_is_nocase(name, "authorization") ||
		       slice_is_nocase(name, "x-api-key"));
}

static void
tell_came(void *owner, struct slice name, struct slice value)
{
	const struct telling *t = owner;

	if (is_key(t->r, name) || proxy_words_has(name))
		return;
	if (t->length.len && slice_is_nocase(name, "content-length"))
		value = t->length;
	t->fn(t->owner, name, value);
}

static void
tell_put(void *owner, struct slice name, struct slice value)
{
	const struct telling *t = owner;

	t->fn(t->owner, name, value);
}

static void
each_header(const void *request,
	void (*fn)(void *owner, struct slice name, struct slice value),
	void *owner)
{
	const struct trigger_act *act = request;
	struct request *r = act->r;
	struct telling t = {r, fn, owner, act->length};

	if (r->declared)
		declared_each_header(r, tell_came, tell_put, &t);
	else
		exchange_each_header(r->x, tell_came, &t);
	proxy_words_each(r, fn, owner);
}

/* The request as its declared route wants the function to see it. */
static int
declare_event(struct http_event *event, struct request *r)
{
	event->path = declared_function_path(r);
	event->query = declared_query(r);
	event->captures = r->captures;
	return declared_body(r, &event->body);
}

static int
build_event(struct trigger_act *act)
{
	struct request *r = act->r;
	const struct conf *conf = r->gateway->conf;
	struct http_event event = {
		.method = exchange_method(r->x),
		.path = r->param,
		.whole = received_path(r),
		.query = received_query(r),
		.body = exchange_body(r->x),
		.request_id = exchange_id(r->x),
		.env = conf->server_env,
		.appid = conf->wechat_appid,
		.client_ip = exchange_peer(r->x),
		.each_header = each_header,
		.request = act,
	};
	int e = 0;

	buf_init(&act->event, (size_t)conf->functions_event_size);
	r->end = on_end;
	if (r->declared)
		e = declare_event(&event, r);
	if (e < 0)
		return e;
	/* What parses the body in the function believes its length. */
	if (event.body.len != exchange_body(r->x).len)
		act->length = slice_str(
			arena_printf(request_arena(r), "%zu", event.body.len));
	e = http_event_build(&act->event, request_arena(r), &event);
	if (e < 0)
		return fault_set(&r->why, e,
			"the request as an event of a function is larger than "
			"functions.event_size");
	return exchange_hold(r->x, act->event.len);
}

int
endpoint_http_trigger(struct request *r)
{
	struct trigger_act *act =
		arena_new(request_arena(r), struct trigger_act);
	int e;

	act->r = r;
	r->act = act;
	e = build_event(act);
	if (e < 0)
		return e;
	if (function_socket_is_meant(r)) {
		struct buf event _buf_ = act->event;

		r->end = NULL;
		return function_socket_open(r, buf_all(&event));
	}
	act->call = (struct fn_call){
		.function = r->function,
		.caller = &r->caller,
		.request_id = exchange_id(r->x),
		.client_ip = exchange_peer(r->x),
		.source = "wx_http",
		.event = buf_all(&act->event),
		.trigger = "http",
		.traceparent = request_traceparent(r),
		.header = request_header,
		.header_owner = r,
	};
	job_init(&act->call.job, on_result);
	r->gateway->count->calls++;
	crew_call(r->gateway->crews, &act->call);
	if (r->declared && r->declared->timeout_ms)
		job_within(&act->call.job, r->declared->timeout_ms);
	return request_wait(r, &act->call.job);
}
