/*
 * API keys, for `mpcloud apikeys`: GET /ops/api-keys, POST /ops/api-keys
 * {name, routes, expires} (ms; the answer has the key, once), POST
 * /ops/api-keys/revoke {key}.
 */
#include "auth/api_key.h"
#include "base/mem.h"
#include "base/val.h"
#include "gateway/endpoint.h"
#include "gateway/request.h"

enum { LIST_TOP = 1 << 20, ROUTE_TOP = 128 };

static const int64_t EXPIRES_TOP = 253402300799000; /* year 9999 */

struct key_act {
	struct request *r;
	struct api_key_ask ask;
};

static void
on_end(struct request *r)
{
	struct key_act *a = r->act;

	api_key_done(&a->ask);
}

static struct key_act *
act_new(struct request *r, job_fn *done)
{
	struct key_act *a = arena_new(request_arena(r), struct key_act);

	a->r = r;
	r->act = a;
	r->end = on_end;
	job_init(&a->ask.job, done);
	return a;
}

static struct key_act *
act_of(struct job *job)
{
	return container_of(container_of(job, struct api_key_ask, job),
		struct key_act, ask);
}

static void
put_number(
	struct buf *b, const char *name, const struct ask *ask, int i, int col)
{
	if (ask_is_null(ask, i, col))
		return;
	buf_printf(b, ",\"%s\":", name);
	buf_slice(b, ask_value(ask, i, col));
}

static void
put_routes(struct buf *b, struct slice routes)
{
	struct slice one;
	bool more = false;

	buf_str(b, ",\"routes\":[");
	while (slice_split(&routes, ' ', &one)) {
		if (more)
			buf_char(b, ',');
		buf_json(b, one);
		more = true;
	}
	buf_char(b, ']');
}

static void
put_row(struct buf *b, const struct ask *ask, int i)
{
	buf_str(b, i ? ",{\"id\":" : "{\"id\":");
	buf_json(b, ask_value(ask, i, 0));
	buf_str(b, ",\"name\":");
	buf_json(b, ask_value(ask, i, 1));
	put_routes(b, ask_value(ask, i, 2));
	put_number(b, "createdAt", ask, i, 3);
	put_number(b, "expiresAt", ask, i, 4);
	put_number(b, "revokedAt", ask, i, 5);
	buf_char(b, '}');
}

static int
answer(struct key_act *a, const struct buf *b)
{
	if (buf_check(b) < 0)
		return ERR_ANSWER_BIG;
	return request_reply(a->r, 200,
		slice_of(arena_str(request_arena(a->r), buf_all(b)), b->len));
}

static void
on_list(struct job *job)
{
	struct key_act *a = act_of(job);
	struct buf b _buf_;
	int e = job->err;

	buf_init(&b, LIST_TOP);
	buf_str(&b, "{\"keys\":[");
	for (int i = 0; e == 0 && i < ask_rows(&a->ask.ask); i++)
		put_row(&b, &a->ask.ask, i);
	buf_str(&b, "]}");
	if (e == 0)
		e = answer(a, &b);
	request_finish(a->r, e, &job->why);
}

static void
on_added(struct job *job)
{
	struct key_act *a = act_of(job);
	struct buf b _buf_;
	int e = job->err;

	buf_init(&b, LIST_TOP);
	buf_printf(
		&b, "{\"id\":\"%s\",\"key\":\"%s\"}", a->ask.id, a->ask.text);
	if (e == 0)
		e = answer(a, &b);
	if (b.ptr)
		mem_wipe(b.ptr, b.len);
	request_finish(a->r, e, &job->why);
}

static void
on_revoked(struct job *job)
{
	struct key_act *a = act_of(job);

	if (job->err == 0)
		(void)request_reply(a->r, 200,
			a->ask.changed ? SLICE("{\"changed\":true}")
				       : SLICE("{\"changed\":false}"));
	request_finish(a->r, job->err, &job->why);
}

int
endpoint_ops_api_keys(struct request *r)
{
	struct key_act *a = act_new(r, on_list);

	api_key_list(&a->ask, r->gateway->api_keys);
	return request_wait(r, &a->ask.job);
}

static int
read_routes(struct request *r, struct slice **ret, size_t *count)
{
	const json_t *list = json_object_get(r->json, "routes"), *v;
	size_t i;

	*count = json_array_size(list);
	if (*count > API_KEY_ROUTES || (list && !json_is_array(list)))
		return fault_set(&r->why, ERR_PARAM,
			"routes: must be an array of %d names at the most",
			API_KEY_ROUTES);
	*ret = arena_get(request_arena(r), (*count + 1) * sizeof(**ret));
	json_array_foreach (list, i, v) {
		(*ret)[i] =
			slice_of(json_string_value(v), json_string_length(v));
		if (!json_is_string(v) || (*ret)[i].len > ROUTE_TOP)
			return fault_set(&r->why, ERR_PARAM,
				"routes: must be names of declared routes");
	}
	return 0;
}

int
endpoint_ops_api_key_add(struct request *r)
{
	struct api_key_spec spec = {0};
	struct slice *routes = NULL;
	struct key_act *a;
	int e = request_json(r);

	if (e == 0)
		e = val_str(r->json, "name", API_KEY_NAME, &spec.name, &r->why);
	if (e == 0)
		e = val_int_or(r->json, "expires", 0, EXPIRES_TOP, 0,
			&spec.expires_ms, &r->why);
	if (e == 0)
		e = read_routes(r, &routes, &spec.route_count);
	if (e < 0)
		return e;
	spec.routes = routes;
	a = act_new(r, on_added);
	api_key_add(&a->ask, r->gateway->api_keys, &spec);
	return request_wait(r, &a->ask.job);
}

int
endpoint_ops_api_key_revoke(struct request *r)
{
	struct key_act *a;
	struct slice key;
	int e = request_json(r);

	if (e == 0)
		e = val_str(r->json, "key", API_KEY_NAME, &key, &r->why);
	if (e < 0)
		return e;
	a = act_new(r, on_revoked);
	api_key_revoke(&a->ask, r->gateway->api_keys, key);
	return request_wait(r, &a->ask.job);
}
