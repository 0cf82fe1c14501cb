/*
 * A service is a function that gets the request as an HTTP trigger's event.
 * Users may call every function anyway (POST /v1/functions/NAME), so this opens
 * nothing, and it asks for a login as that does.
 *
 * A browser cannot set headers when it opens a WebSocket: the token may stand
 * among the subprotocols there.
 */
#include "gateway/container.h"

#include "auth/session.h"
#include "functions/settings.h"
#include "gateway/endpoint.h"
#include "gateway/fn_door.h"
#include "gateway/request.h"
#include "gateway/web_origin.h"
#include "gateway/ws_handshake.h"
#include "http/ws.h"

static const struct route row = {
	/* Not empty: it lets pages of server.web_origins read its answers. */
	.path = "/v1/cloudrun/{service}/{path*}",
	.endpoint = endpoint_container,
	.know = KNOW_MAYBE, /* and then again, in the endpoint */
	.who = WHO_ANY,
	.listeners = LISTENER_OPEN,
	.style = STYLE_REST,
	.body = BODY_EVENT,
};

/* "/v1/cloudrun/SERVICE/PATH" → the two; the path is "/" when there is none. */
static bool
split(struct slice path, struct slice *service, struct slice *rest)
{
	static const char *const prefixes[] = {
		"/v1/cloudrun/", "/v1/containers/"};

	for (size_t i = 0; i < array_size(prefixes); i++) {
		size_t len = strlen(prefixes[i]);
		const char *slash;

		if (!slice_starts(path, prefixes[i]))
			continue;
		path = slice_of(path.ptr + len, path.len - len);
		slash = memchr(path.ptr, '/', path.len);
		*service = path;
		*rest = SLICE("/");
		if (slash) {
			service->len = (size_t)(slash - path.ptr);
			*rest = slice_of(slash, path.len - service->len);
		}
		return true;
	}
	return false;
}

int
container_route(struct request *r)
{
	struct slice service, rest;
	struct slice target = exchange_target(r->x), path;

	if (!(r->on->kind & LISTENER_OPEN) ||
		!slice_split(&target, '?', &path) || !path.len ||
		path.ptr[0] != '/')
		return ERR_NOT_FOUND;
	if (!split(path, &service, &rest)) {
		service = exchange_header(r->x, "X-WX-Service");
		rest = path;
	}
	if (!fn_name_is_valid(service))
		return ERR_NOT_FOUND;
	/* A page of another origin asks before it calls. */
	if (web_origin_preflight(r))
		return 0;
	r->route = &row;
	r->function = arena_str(request_arena(r), service);
	r->param = slice_str(arena_str(request_arena(r), rest));
	return web_origin_check(r);
}

/* What KNOW_MAYBE passed over in silence is said here. */
static int
know(struct request *r)
{
	struct slice token = exchange_header(r->x, "Authorization");
	struct ws_offer offer = ws_offered(r);

	if (r->caller.role != CALLER_NOBODY)
		return 0;
	if (!token.len && offer.token.len)
		token = slice_str(arena_printf(request_arena(r), "Bearer %.*s",
			SLICE_ARG(offer.token)));
	if (!token.len)
		return ERR_NO_LOGIN;
	return auth_know(
		r->gateway->auth, token, request_arena(r), &r->caller, &r->why);
}

int
endpoint_container(struct request *r)
{
	int e = know(r);

	if (e == 0)
		e = who_check(WHO_USER | WHO_ADMIN, &r->caller);
	if (e == 0)
		e = fn_door_check(r->gateway, &r->caller, r->function, &r->why);
	return e < 0 ? e : endpoint_http_trigger(r);
}
