/*
 * A client that asks for a WebSocket, and a server that gives it one: the
 * request ends, and its two connections become a tunnel.  No other protocol is
 * passed on: h2c would be a way for requests that no route has seen.
 *
 * The server's 101 is believed when it holds the key's answer (RFC 6455, 4.1):
 * who can make a server answer 101 to something else has no tunnel to it.
 */
#include "gateway/declared_request.h"
#include "gateway/request.h"
#include "gateway/tunnel.h"
#include "gateway/upstream_pass.h"
#include "gateway/ws_handshake.h"
#include "http/ws.h"

#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

struct passage {
	struct tunnel *tunnel;
	struct passage **at; /* where its request keeps it, until it began */
	struct gateway *gateway;
	struct declared_table *table; /* our upstream is in it */
	struct declared_table *seen;  /* the last that was found well */
	const struct declared_route *route;
	struct server *server; /* since it began */
	struct fetch *fetch;   /* until then */
};

bool
passage_is_asked(const struct request *r, const struct upstream *u)
{
	struct fault why;

	return u->is_plain && exchange_length(r->x) == 0 &&
	       ws_check(r, &why) == 0;
}

static void
on_ended(void *owner)
{
	struct passage *g = owner;

	if (g->at)
		*g->at = NULL;
	else
		g->server->tunnels--;
	(void)declared_unref(g->seen);
	(void)declared_unref(g->table);
	free(g);
}

static bool
has_server(const struct upstream *u, const struct server *s)
{
	for (size_t i = 0; i < u->count; i++)
		if (!strcmp(u->server[i].base, s->base) &&
			!strcmp(u->server[i].path, s->path))
			return true;
	return false;
}

/* Is the way that was taken still one? */
static bool
is_way(const struct passage *g, const struct declared_route *d)
{
	const struct declared_route *was = g->route;

	return d->target == DECLARED_UPSTREAM && d->auth == was->auth &&
	       strcmp(d->name, was->name) == 0 &&
	       has_server(d->upstream, g->server);
}

static bool
may_go_on(void *owner)
{
	struct passage *g = owner;
	struct declared_table *now = g->gateway->declared;

	if (now == g->seen || !now)
		return now != NULL;
	for (size_t i = 0; i < declared_count(now); i++) {
		if (!is_way(g, declared_at(now, i)))
			continue;
		(void)declared_unref(g->seen);
		g->seen = declared_ref(now);
		return true;
	}
	return false;
}

int
passage_new(struct passage **ret, struct request *r)
{
	struct passage *g = mem_new(struct passage);
	const struct tunnel_conf conf = {
		.idle_ms = (uint64_t)r->declared->upstream->idle_ms,
		.may = may_go_on,
		.ended = on_ended,
		.owner = g};
	int e = tunnel_new(&g->tunnel, r->gateway, &r->caller, &conf, &r->why);

	if (e < 0) {
		free(g);
		return e;
	}
	g->at = ret;
	g->gateway = r->gateway;
	g->route = r->declared;
	g->table = declared_ref(r->declared_in);
	g->seen = declared_ref(r->declared_in);
	*ret = g;
	return 0;
}

void
passage_drop(struct passage *g)
{
	if (g)
		(void)tunnel_free(g->tunnel);
}

int
passage_check(const struct request *r, const struct fetch *fetch)
{
	char accept[WS_ACCEPT];

	ws_accept_key(exchange_header(r->x, "Sec-WebSocket-Key"), accept);
	return slice_is(fetch_header(fetch, "Sec-WebSocket-Accept"), accept)
		       ? 0
		       : ERR_BEHIND;
}

static void
on_upgrade(void *owner, struct upgrade *up, int fd, struct slice early)
{
	struct passage *g = owner;
	struct fetch *fetch = g->fetch;
	int server = fetch->switched;

	fetch->switched = 0;
	*g->at = NULL;
	g->at = NULL;
	g->server->tunnels++;
	tunnel_begin(g->tunnel, up, fd, early, server, buf_all(&fetch->body));
}

void
passage_begin(struct passage *g, struct request *r, struct server *s,
	struct fetch *fetch)
{
	g->server = s;
	g->fetch = fetch;
	(void)declared_headers(r, 101);
	exchange_add_header(r->x, "Upgrade", "websocket");
	exchange_upgrade(r->x, on_upgrade, g);
}
