/*
 * The operator's socket: tokens without WeChat, status.  The command line
 * program is its client; the socket's mode is the permission.
 */
#include "base/val.h"
#include "db/pool.h"
#include "functions/crew.h"
#include "gateway/endpoint.h"
#include "gateway/login_act.h"
#include "gateway/request.h"

enum { OPENID_TOP = 128, STATUS_TOP = 16 << 20 };

int
endpoint_ops_token(struct request *r)
{
	struct login_act *act;
	struct slice openid;
	int e = request_json(r);

	if (e < 0)
		return e;
	e = val_str(r->json, "openid", OPENID_TOP, &openid, &r->why);
	if (e < 0)
		return e;
	if (!openid.len)
		return fault_set(&r->why, ERR_PARAM, "openid: is needed");
	act = login_act_new(r);
	e = login_act_from(act);
	if (e < 0)
		return e;
	login_issue(r->gateway->auth, &act->login, openid);
	return request_wait(r, &act->login.job);
}

static json_t *
counts(const struct shm_gateway *n)
{
	return json_pack("{s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I}",
		"requests", (json_int_t)n->requests, "answered2xx",
		(json_int_t)n->answered_2xx, "answered4xx",
		(json_int_t)n->answered_4xx, "answered5xx",
		(json_int_t)n->answered_5xx, "limited", (json_int_t)n->limited,
		"refused", (json_int_t)n->refused, "logins",
		(json_int_t)n->logins, "orders", (json_int_t)n->orders, "calls",
		(json_int_t)n->calls, "callsFailed",
		(json_int_t)n->calls_failed, "coldStarts",
		(json_int_t)n->cold_starts);
}

int
endpoint_ops_status(struct request *r)
{
	const struct gateway *g = r->gateway;
	json_int_t busy = 0, connections = 0;
	_json_ json_t *status = NULL;
	struct buf b _buf_;

	buf_init(&b, STATUS_TOP);
	for (size_t i = 0; i < g->listener_count; i++) {
		busy += http_busy(g->listeners[i].http);
		connections += http_connections(g->listeners[i].http);
	}
	status = json_pack("{s:i,s:b,s:{s:b},s:{s:I,s:I,s:o},s:o}", "gateway",
		(int)g->index, "draining", g->draining, "database", "up",
		pool_is_up(g->pool), "http", "busy", busy, "connections",
		connections, "counts", counts(g->count), "functions",
		crews_status(g->crews, false));
	if (!status)
		return -ENOMEM;
	val_put(&b, status);
	return request_reply(r, 200,
		slice_of(arena_str(request_arena(r), buf_all(&b)), b.len));
}
