/*
 * What `mpcloud route` and `mpcloud deploy` ask on the operator's socket: the
 * routes in force, a project's new ones, whether a file is right, and which
 * route answers a request.
 *
 * A deploy is answered when every gateway of this machine answers by the new
 * routes, so that who deployed finds them there.
 */
#include "base/buf.h"
#include "base/clock.h"
#include "base/mem.h"
#include "base/timer.h"
#include "base/val.h"
#include "db/pool.h"
#include "gateway/endpoint.h"
#include "gateway/project_routes.h"
#include "gateway/request.h"
#include "http/target.h"
#include "routes/declared.h"
#include "routes/http_paths.h"

#include <string.h>

enum { FILE_TOP = 8 * 1024 * 1024, URL_TOP = 8192, LOOK_MS = 2 };

/* Gateways that have not said anything for so long are not waited for; nor is
 * any for longer than this. */
static const int64_t SILENT_NS = 3 * CLOCK_S, WAIT_NS = 5 * CLOCK_S;

static int
reply_json(struct request *r, json_t *v)
{
	struct buf b _buf_ = {0};
	char *room;
	int e;

	buf_init(&b, FILE_TOP);
	val_put(&b, v);
	json_decref(v);
	e = buf_check(&b);
	room = e == 0 ? arena_try(request_arena(r), b.len) : NULL;
	if (!room)
		return ERR_TOO_BIG;
	memcpy(room, b.ptr, b.len);
	return request_reply(r, 200, slice_of(room, b.len));
}

int
endpoint_ops_routes(struct request *r)
{
	return reply_json(
		r, json_pack("{s:I, s:o}", "version",
			   (json_int_t)r->gateway->count->routes - 1, "routes",
			   declared_list(r->gateway->declared)));
}

/* --- a project's new routes --- */

struct set_act {
	struct request *r;
	struct ask ask;
	struct timer look;
	int64_t version, until;
};

/* Gateways of this machine that still answer by older routes. */
static unsigned
behind(const struct set_act *act)
{
	int64_t now = clock_mono();
	unsigned n = 0;

	for (unsigned i = 0; i < SHM_GATEWAYS; i++) {
		const struct shm_gateway *g =
			shm_gateway(act->r->gateway->shm, i);

		n += g->beat > now - SILENT_NS && g->routes &&
		     g->routes < act->version + 1;
	}
	return n;
}

static void
look(struct timer *t)
{
	struct set_act *act = container_of(t, struct set_act, look);
	struct request *r = act->r;
	unsigned left = behind(act);

	if (left && clock_mono() < act->until) {
		timer_set(&act->look, r->gateway->loop, LOOK_MS, look);
		return;
	}
	request_finish(r,
		reply_json(r,
			json_pack("{s:I, s:i}", "version",
				(json_int_t)act->version, "behind", (int)left)),
		NULL);
}

static void
on_set(struct job *job)
{
	struct ask *ask = container_of(job, struct ask, job);
	struct set_act *act = container_of(ask, struct set_act, ask);

	if (job->err < 0) {
		request_finish(act->r, job->err, &job->why);
		return;
	}
	act->r->job = NULL;
	act->version = ask_int(ask, 0, 0);
	act->until = clock_mono() + WAIT_NS;
	project_routes_look(act->r->gateway->project_routes);
	timer_set(&act->look, act->r->gateway->loop, LOOK_MS, look);
}

static void
set_end(struct request *r)
{
	struct set_act *act = r->act;

	timer_clear(&act->look);
}

static int
set(struct request *r, const json_t *file, const json_t *sites)
{
	struct set_act *act = arena_new(request_arena(r), struct set_act);
	struct buf text _buf_ = {0}, where _buf_ = {0};
	char at[24];

	buf_init(&text, FILE_TOP);
	buf_init(&where, FILE_TOP);
	val_put(&text, file);
	val_put(&where, sites);
	if (buf_check(&text) < 0 || buf_check(&where) < 0)
		return ERR_TOO_BIG;
	act->r = r;
	r->act = act;
	r->end = set_end;
	(void)snprintf(at, sizeof(at), "%lld", (long long)clock_now_ms());
	job_init(&act->ask.job, on_set);
	pool_ask(r->gateway->pool, &act->ask,
		"SELECT mpcloud.routes_set($1::text, $2::text, $3::text, "
		"$4::bigint)",
		(struct slice[]){slice_str(r->gateway->conf->server_env),
			buf_all(&text), buf_all(&where), slice_str(at)},
		4);
	return request_wait(r, &act->ask.job);
}

int
endpoint_ops_routes_set(struct request *r)
{
	json_t *file, *sites;
	int e = request_json(r);

	if (e == 0)
		e = val_obj(r->json, "file", &file, &r->why);
	if (e == 0)
		e = val_obj(r->json, "sites", &sites, &r->why);
	if (e == 0)
		e = project_routes_check(
			r->gateway->project_routes, file, sites, &r->why);
	if (e == ERR_CONFIG) /* whose file it is sent it */
		e = ERR_PARAM;
	if (e < 0)
		return e;
	if (json_is_true(json_object_get(r->json, "check")))
		return request_reply(r, 200, SLICE("{\"checked\":true}"));
	return set(r, file, sites);
}

int
endpoint_ops_routes_check(struct request *r)
{
	struct declared_table *table = NULL;
	struct declared_source source = {
		.name = "routes.json", .check_only = true};
	struct slice name = {NULL, 0};
	json_t *file;
	int e = request_json(r);

	if (e == 0)
		e = val_obj(r->json, "file", &file, &r->why);
	if (e == 0)
		e = val_str_or(r->json, "name", 256, SLICE("routes.json"),
			&name, &r->why);
	if (e < 0)
		return e;
	source.file = file;
	source.name = arena_str(request_arena(r), name);
	e = declared_table_new(&table, &source, 1, r->gateway->loop, &r->why);
	if (e < 0)
		return e;
	e = reply_json(r, json_pack("{s:o}", "routes", declared_list(table)));
	(void)declared_unref(table);
	return e;
}

/* --- which route answers --- */

/* The request that is asked about. */
struct question {
	json_t *headers;
	struct slice method, host, path;
};

static struct slice
its_header(const void *request, const char *name)
{
	const struct question *q = request;
	const char *key;
	json_t *v;

	json_object_foreach (q->headers, key, v)
		if (slice_is_nocase(slice_str(key), name))
			return slice_of(
				json_string_value(v), json_string_length(v));
	return (struct slice){NULL, 0};
}

static int
read_question(struct request *r, struct question *q)
{
	struct target target;
	struct slice url;
	int e = request_json(r);

	if (e == 0)
		e = val_str(r->json, "url", URL_TOP, &url, &r->why);
	if (e == 0)
		e = val_str(r->json, "method", 32, &q->method, &r->why);
	if (e == 0)
		e = target_parse(&target, request_arena(r), url, &r->why);
	if (e < 0)
		return e;
	q->headers = json_object_get(r->json, "headers");
	q->path = slice_str(target.path);
	q->host = target.authority;
	if (!q->host.ptr)
		q->host = its_header(q, "Host");
	return 0;
}

static void
put_captures(json_t *v, const struct declared_captures *c)
{
	json_t *all = json_object();

	for (size_t i = 0; c && i < c->count; i++) {
		_free_ char *name =
			str_ndup(c->list[i].name.ptr, c->list[i].name.len);

		(void)json_object_set_new(all, name,
			json_stringn(c->list[i].value.ptr ? c->list[i].value.ptr
							  : "",
				c->list[i].value.len));
	}
	(void)json_object_set_new(v, "captures", all);
}

static bool
test_built_in(struct request *r, const struct question *q, json_t *v)
{
	struct route_ask ask = {.listener = LISTENER_TCP,
		.method = arena_str(request_arena(r), q->method),
		.path = arena_str(request_arena(r), q->path)};
	int e = route_find(&ask);

	if (e == ERR_NOT_FOUND)
		return false;
	(void)json_object_set_new(v, "kind", json_string("built-in"));
	if (e == 0)
		(void)json_object_set_new(
			v, "pattern", json_string(ask.route->path));
	else
		(void)json_object_set_new(
			v, "allowed", json_string(route_allow(ask.allowed)));
	return true;
}

static bool
test_declared(struct request *r, const struct question *q, json_t *v)
{
	struct declared_ask ask = {.host = q->host,
		.path = q->path,
		.method = q->method,
		.header = its_header,
		.request = q,
		.arena = request_arena(r)};
	const struct declared_table *t = r->gateway->declared;
	int e = declared_find(t, &ask);

	if (e == ERR_BAD_REQUEST)
		(void)json_object_set_new(
			v, "kind", json_string(ask.evaded ? "evades" : "dots"));
	if (ask.evaded)
		(void)json_object_set_new(
			v, "evaded", json_string(ask.evaded->name));
	(void)json_object_set_new(v, "candidates", declared_explain(t, &ask));
	(void)json_object_set_new(
		v, "others", json_integer((json_int_t)declared_count(t)));
	if (e == 0) {
		(void)json_object_set_new(v, "kind", json_string("declared"));
		put_captures(v, ask.captures);
	} else if (e == ERR_METHOD) {
		(void)json_object_set_new(v, "kind", json_string("method"));
	}
	return e != ERR_NOT_FOUND;
}

static bool
test_trigger(struct request *r, const struct question *q, json_t *v)
{
	const struct http_path *p;
	unsigned allowed;
	int e = http_paths_find(
		r->gateway->paths, q->path, q->method, &p, &allowed);

	if (e == ERR_NOT_FOUND)
		return false;
	(void)json_object_set_new(
		v, "kind", json_string(e == 0 ? "trigger" : "trigger-method"));
	if (e == 0) {
		(void)json_object_set_new(
			v, "function", json_string(p->function));
		(void)json_object_set_new(v, "pattern", json_string(p->path));
	}
	return true;
}

int
endpoint_ops_routes_test(struct request *r)
{
	struct question q = {0};
	json_t *v;
	int e = read_question(r, &q);

	if (e < 0)
		return e;
	v = json_pack("{s:o, s:o, s:o}", "method",
		json_stringn(q.method.ptr, q.method.len), "path",
		json_stringn(q.path.ptr, q.path.len), "host",
		json_stringn(q.host.ptr ? q.host.ptr : "", q.host.len));
	if (!v)
		return fault_set(&r->why, ERR_PARAM, "url: not UTF-8 text");
	if (!test_built_in(r, &q, v) && !test_declared(r, &q, v) &&
		!test_trigger(r, &q, v))
		(void)json_object_set_new(v, "kind", json_string("none"));
	return reply_json(r, v);
}
