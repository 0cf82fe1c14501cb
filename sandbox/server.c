/*
 * The sandbox's HTTP side: a request finds its row in route.def, is counted,
 * meets the fault that waits for it, and is answered, at once or late.
 * Endpoints only fill an answer; what a fault does to it is done here.
 */

#include "pay.h"
#include "sandbox.h"

#include "base/mem.h"
#include "base/timer.h"

#include <assert.h>

enum { ANSWER_TOP = 64 * 1024, BODY_TOP = 64 * 1024 };

static const struct route {
	const char *method, *path;
	enum family family;
	endpoint_fn *fn;
} routes[] = {
#define X(method, path, family, fn) {method, path, family, fn},
#include "route.def"
#undef X
};

/* A request under way. */
struct visit {
	struct timer late;
	struct exchange *x;
	const struct route *route; /* NULL: nothing answers here */
	struct answer answer;
	enum fault_kind trouble;
};

static const struct route *
route_find(const char *path)
{
	for (size_t i = 0; i < array_size(routes); i++)
		if (strcmp(routes[i].path, path) == 0)
			return &routes[i];
	return NULL;
}

static bool
method_fits(const struct route *r, const char *method)
{
	return strcmp(r->method, "ANY") == 0 || strcmp(r->method, method) == 0;
}

/* The server has too much to do, in the words of each family. */
static void
refuse_busy(struct answer *a, enum family family, enum fault_kind trouble)
{
	if (trouble == FAULT_HTTP429)
		a->status = 429;
	if (family == FAMILY_PAY && trouble == FAULT_HTTP429)
		answer_pay_error(a, 429, "FREQUENCY_LIMITED", "频率超限");
	else if (family == FAMILY_PAY)
		answer_pay_error(a, 500, "SYSTEM_ERROR", "系统错误");
	else if (trouble == FAULT_HTTP429)
		answer_errcode(a, 45011, "api minute-quota reach limit");
	else
		answer_errcode(a, -1, "system error");
}

static void
refuse_path(struct answer *a)
{
	a->status = 404;
	answer_errcode(a, 40066, "invalid url");
}

static void
send_answer(struct sandbox *s, struct visit *v)
{
	_free_ char *id = str_printf("%s-0", exchange_id(v->x));
	struct answer *a = &v->answer;

	if (v->trouble == FAULT_DROP) {
		exchange_drop(v->x);
		return;
	}
	if (buf_check(&a->body) < 0) {
		buf_clear(&a->body);
		a->status = 500;
	}
	if (v->route && v->route->family == FAMILY_PAY)
		exchange_add_header(v->x, "Request-ID", id);
	if (a->sign)
		pay_sign(s, v->x, a, v->trouble);
	exchange_answer(v->x, a->status, a->type, buf_all(&a->body));
}

static struct sandbox *
sandbox_of(struct loop *loop)
{
	return container_of(loop, struct sandbox, loop);
}

static void
on_late(struct timer *timer)
{
	struct visit *v = container_of(timer, struct visit, late);

	send_answer(sandbox_of(timer->loop), v);
}

static void
visit_run(struct sandbox *s, struct visit *v)
{
	struct answer *a = &v->answer;

	if (!v->route || !method_fits(v->route, exchange_method(v->x)))
		refuse_path(a);
	else if (!fault_is_executed(v->trouble))
		refuse_busy(a, v->route->family, v->trouble);
	else
		v->route->fn(s, v->x, a);
}

static void
on_request(struct http *http, struct exchange *x)
{
	struct visit *v = mem_new(struct visit);
	struct sandbox *s = http_owner(http);
	unsigned delay_ms = 0;

	v->x = x;
	v->route = route_find(exchange_path(x));
	v->answer.status = 200;
	v->answer.type = "application/json; charset=utf-8";
	buf_init(&v->answer.body, ANSWER_TOP);
	exchange_set_data(x, v);
	if (v->route)
		s->counts[v->route - routes]++;
	v->trouble = faults_take(&s->faults, exchange_path(x), &delay_ms);
	visit_run(s, v);
	if (v->trouble == FAULT_DELAY)
		timer_set(&v->late, &s->loop, delay_ms, on_late);
	else
		send_answer(s, v);
}

static void
on_head(struct http *http, struct exchange *x)
{
	(void)http;
	exchange_set_body_top(x, BODY_TOP);
}

static void
on_end(struct http *http, struct exchange *x, bool sent)
{
	struct visit *v = exchange_data(x);

	(void)http, (void)sent;
	if (!v)
		return;
	timer_clear(&v->late);
	buf_done(&v->answer.body);
	mem_free(v);
}

int
server_start(struct sandbox *s, int fd, struct fault *why)
{
	const struct http_conf conf = {
		.fd = fd,
		.connections = 1024,
		.connection_memory = 32 * 1024,
		.idle_ms = 60000,
		.head_ms = 10000,
		.body_ms = 30000,
		.arena_top = 256 * 1024,
	};
	const struct http_ops ops = {
		.on_head = on_head,
		.on_request = on_request,
		.on_end = on_end,
		.owner = s,
	};

	static_assert(array_size(routes) <= array_size(s->counts),
		"a count for each route");
	return http_new(&s->http, &s->loop, &conf, &ops, why);
}

void
server_stop(struct sandbox *s)
{
	s->http = http_free(s->http);
	faults_clear(&s->faults, SLICE(""));
}
