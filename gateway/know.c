/*
 * Who asks: the step between a request and everything that depends on it.
 *
 * A route says where its callers show themselves; the operator's socket is a
 * proof by itself.
 */
#include "gateway/know.h"

#include "auth/session.h"
#include "base/clock.h"
#include "base/val.h"
#include "functions/crew.h"
#include "gateway/known.h"
#include "gateway/request.h"

enum { TOKEN_TOP = 8192, STRANGER_TOP = 64 * 1024 };

/* `value` as of the Authorization header. */
static int
know_token(struct request *r, struct slice value)
{
	struct gateway *g = r->gateway;
	struct arena *arena = request_arena(r);
	int e;

	if (value.len &&
		known_find(g->known, value, admit_now(&r->admit) / CLOCK_S,
			arena, &r->caller))
		return 0;
	e = auth_know(g->auth, value, arena, &r->caller, &r->why);
	if (e < 0 || r->caller.role != CALLER_USER)
		return e;
	r->caller.rate_key = admit_user_key(g->cells, &r->caller);
	known_keep(g->known, value, &r->caller);
	return 0;
}

static struct slice
authorization(const struct request *r)
{
	return exchange_header(r->x, "Authorization");
}

/* The body's access_token; {"", 0} without one. */
static int
token_of_body(struct request *r, struct slice *ret)
{
	struct slice raw;

	*ret = slice_of("", 0);
	/* What is wrong with the body is said when it is built. */
	if (val_find_raw(exchange_body(r->x), "access_token", &raw) < 0 ||
		slice_is(raw, "null"))
		return 0;
	if (raw.ptr[0] != '"' || raw.len > TOKEN_TOP)
		return fault_set(&r->why, ERR_PARAM,
			"access_token: must be a string of %d bytes at most",
			TOKEN_TOP);
	*ret = slice_of(raw.ptr + 1, raw.len - 2);
	return 0;
}

/* js-sdk 1.x and 2.x put the bare token into the body.  A body costs far more
 * to build than to look through, so a stranger's stays unbuilt. */
static int
know_body(struct request *r)
{
	struct slice token;
	int e;

	if (authorization(r).len)
		return know_token(r, authorization(r));
	e = token_of_body(r, &token);
	if (e < 0)
		return e;
	if (!token.len)
		return exchange_body(r->x).len > STRANGER_TOP ? ERR_NO_LOGIN
							      : 0;
	return know_token(r, slice_str(arena_printf(request_arena(r),
				     "Bearer %.*s", SLICE_ARG(token))));
}

/* The token is that of an invocation which may end before we do. */
static int
know_session(struct request *r)
{
	struct arena *arena = request_arena(r);
	const char *function, *request_id;
	const struct caller *caller;
	struct slice token;
	int e;

	e = request_json(r);
	if (e < 0)
		return e;
	e = val_str_or(r->json, "sessionToken", TOKEN_TOP, slice_of("", 0),
		&token, &r->why);
	if (e < 0)
		return e;
	if (!crews_find_session(
		    r->gateway->crews, token, &caller, &function, &request_id))
		return fault_set(&r->why, ERR_NO_LOGIN,
			"sessionToken is not that of a running invocation");
	r->caller = (struct caller){
		.role = CALLER_FUNCTION,
		.uid = arena_str(arena, slice_str(caller->uid)),
		.appid = arena_str(arena, slice_str(caller->appid)),
		.openid = arena_str(arena, slice_str(caller->openid)),
		.unionid = arena_str(arena, slice_str(caller->unionid)),
		.kind = arena_str(arena, slice_str(caller->kind)),
		.custom_id = arena_str(arena, slice_str(caller->custom_id)),
		.sid = caller->sid,
		.expires_s = caller->expires_s,
		/* Else what a document set off would run for ever. */
		.depth = caller->depth,
	};
	r->function = arena_str(arena, slice_str(function));
	return 0;
}

static const struct caller nobody = {.role = CALLER_NOBODY,
	.uid = "",
	.appid = "",
	.openid = "",
	.unionid = "",
	.kind = "",
	.custom_id = ""};

int
know_header(struct request *r)
{
	return know_token(r, authorization(r));
}

/* What is no valid token of ours is somebody else's business. */
int
know_maybe(struct request *r)
{
	struct caller before = r->caller;

	if (know_token(r, authorization(r)) < 0) {
		r->caller = before;
		r->why = (struct fault){0};
	}
	return 0;
}

/* Who has a signed link needs no token; the endpoint checks it.  SDKs of
 * CloudBase put a copy of it where a token would stand. */
static int
know_link(struct request *r)
{
	if (exchange_query(r->x, "sign").ptr)
		return 0;
	return know_token(r, authorization(r));
}

int
know_caller(struct request *r)
{
	r->caller = nobody;
	r->caller.appid = r->gateway->conf->wechat_appid;
	if (r->on->kind == LISTENER_OPS) {
		r->caller.role = CALLER_ADMIN;
		return 0;
	}
	if (r->declared && r->route->know != KNOW_NOT)
		return know_declared(r);
	switch (r->route->know) {
	case KNOW_HEADER:
		return know_token(r, authorization(r));
	case KNOW_MAYBE:
		return know_maybe(r);
	case KNOW_LINK:
		return know_link(r);
	case KNOW_BODY:
		return r->whole ? know_body(r) : STEP_WAIT;
	case KNOW_SESSION:
		return r->whole ? know_session(r) : STEP_WAIT;
	case KNOW_NOT:
	case KNOW_PROBE:
	default:
		return 0;
	}
}
