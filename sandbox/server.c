/*
 * The sandbox's HTTP side: a request finds its row in route.def, is counted,
 * meets the fault that waits for it, and is answered, at once or late.
 * Endpoints only fill an answer; what a fault does to it is done here.
 */

#include "pay.h"
#include "pusher.h"
#include "sandbox.h"
#include "v2.h"

#include "base/mem.h"
#include "base/timer.h"

#include <assert.h>

/* Answers: a day's bill is the largest. */
enum {
	ANSWER_TOP = 64 * 1024 * 1024,
	BODY_TOP = 64 * 1024,
	UPLOAD_TOP = 12 * 1024 * 1024
};

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

static bool
method_fits(const struct route *r, const char *method)
{
	return strcmp(r->method, "ANY") == 0 || strcmp(r->method, method) == 0;
}

/* {} in a row's path is one segment, not empty; {*} is all the rest. */
static bool
path_fits(const char *row, const char *path)
{
	while (*row && *path) {
		if (strncmp(row, "{*}", 3) == 0)
			return true;
		if (strncmp(row, "{}", 2) == 0) {
			size_t n = strcspn(path, "/");

			if (n == 0)
				return false;
			row += 2;
			path += n;
		} else if (*row++ != *path++) {
			return false;
		}
	}
	return !*row && !*path;
}

/* With the method when there is one, else the first with the path. */
static const struct route *
route_find(const char *method, const char *path)
{
	const struct route *found = NULL;

	for (size_t i = 0; i < array_size(routes); i++) {
		if (!path_fits(routes[i].path, path))
			continue;
		if (method_fits(&routes[i], method))
			return &routes[i];
		if (!found)
			found = &routes[i];
	}
	return found;
}

/* Rows with one path are counted together. */
static void
route_count(struct sandbox *s, const struct route *route)
{
	for (size_t i = 0; i < array_size(routes); i++)
		if (strcmp(routes[i].path, route->path) == 0) {
			s->counts[i]++;
			return;
		}
}

struct slice
path_between(const struct exchange *x, const char *head, const char *tail)
{
	struct slice path = slice_str(exchange_path(x));
	size_t h = strlen(head), t = strlen(tail);

	if (path.len <= h + t)
		return SLICE("");
	return slice_of(path.ptr + h, path.len - h - t);
}

/* The server has too much to do, in the words of each family. */
static void
refuse_busy(struct answer *a, enum family family, enum fault_kind trouble)
{
	bool often =
		trouble == FAULT_HTTP429 || trouble == FAULT_HTTP429_EXECUTED;

	buf_clear(&a->body);
	a->sign = false;
	a->status = often ? 429 : 200;
	if (family == FAMILY_PAY && often)
		answer_pay_error(a, 429, "FREQUENCY_LIMITED", "频率超限");
	else if (family == FAMILY_PAY)
		answer_pay_error(a, 500, "SYSTEM_ERROR", "系统错误");
	else if (family == FAMILY_V2)
		v2_fail(a, often ? "频率限制" : "SYSTEMERROR");
	else if (often)
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

	if (v->trouble == FAULT_DROP || v->trouble == FAULT_DROP_BEFORE) {
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

void
answer_later(struct sandbox *s, struct exchange *x, struct answer *a,
	struct later *later, void (*gone)(struct later *later))
{
	*later = (struct later){.s = s, .x = x, .answer = a, .gone = gone};
	a->later = later;
}

void
later_send(struct later *later)
{
	later->answer->later = NULL;
	send_answer(later->s, exchange_data(later->x));
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
	if (v->route && (v->trouble == FAULT_BUSY_EXECUTED ||
				v->trouble == FAULT_HTTP429_EXECUTED))
		refuse_busy(a, v->route->family, v->trouble);
}

static void
on_request(struct http *http, struct exchange *x)
{
	struct visit *v = mem_new(struct visit);
	struct sandbox *s = http_owner(http);
	unsigned delay_ms = 0;

	v->x = x;
	v->route = route_find(exchange_method(x), exchange_path(x));
	v->answer.status = 200;
	v->answer.type = "application/json; charset=utf-8";
	buf_init(&v->answer.body, ANSWER_TOP);
	exchange_set_data(x, v);
	if (v->route)
		route_count(s, v->route);
	v->trouble = faults_take(&s->faults, exchange_path(x),
		v->route ? v->route->path : NULL, &delay_ms);
	visit_run(s, v);
	if (v->answer.later)
		return;
	if (v->trouble == FAULT_DELAY)
		timer_set(&v->late, &s->loop, delay_ms, on_late);
	else
		send_answer(s, v);
}

static void
on_head(struct http *http, struct exchange *x)
{
	bool uploads = slice_starts(slice_str(exchange_path(x)), "/cgi-bin/") ||
		       slice_starts(slice_str(exchange_path(x)), "/wxa/") ||
		       slice_starts(slice_str(exchange_path(x)), "/cv/");

	(void)http;
	exchange_set_body_top(x, uploads ? UPLOAD_TOP : BODY_TOP);
}

static void
on_end(struct http *http, struct exchange *x, bool sent)
{
	struct visit *v = exchange_data(x);

	(void)http, (void)sent;
	if (!v)
		return;
	if (v->answer.later)
		v->answer.later->gone(v->answer.later);
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
	pusher_stop(s);
	faults_clear(&s->faults, SLICE(""));
}
