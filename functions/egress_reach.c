/*
 * The far side: a name becomes addresses in libuv's pool of threads, each
 * address is checked, and those that are allowed are connected to one after the
 * other. What was checked is what is connected to: nobody asks DNS a second
 * time.
 */
#include "functions/egress_reach.h"

#include "base/mem.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

enum { CONNECT_NEXT_MS = 3000 /* when there is another address to try */ };

struct egress_lookup {
	uv_getaddrinfo_t request;
	struct egress *egress;
	struct egress_tunnel *tunnel; /* NULL: it has gone */
};

static const struct egress_address no_address;

void
egress_reach_forget(struct egress_tunnel *t)
{
	fdpoll_close(&t->connecting);
	if (t->lookup)
		t->lookup->tunnel = NULL;
}

static void
on_connect(struct fdpoll *poll, int events)
{
	struct egress_tunnel *t =
		container_of(poll, struct egress_tunnel, connecting);
	socklen_t len = sizeof(int);
	int err = 0;

	(void)events;
	if (getsockopt(t->remote, SOL_SOCKET, SO_ERROR, &err, &len) < 0)
		err = errno;
	if (err)
		egress_reach_next(t, -err);
	else
		egress_tunnel_connected(t);
}

static int
connect_one(struct egress_tunnel *t, const struct egress_address *a)
{
	struct sockaddr_storage to;
	socklen_t len = egress_address_to(a, t->port, &to);

	t->remote = socket(to.ss_family,
		SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, IPPROTO_TCP);
	if (t->remote < 0)
		return -errno;
	if (connect(t->remote, (struct sockaddr *)&to, len) < 0 &&
		errno != EINPROGRESS)
		return -errno;
	return fdpoll_open(&t->connecting, &t->egress->loop, t->remote,
		UV_WRITABLE, on_connect);
}

/* The last one failed with `err`. */
void
egress_reach_next(struct egress_tunnel *t, int err)
{
	while (++t->to_at < t->to_len) {
		fdpoll_close(&t->connecting);
		fd_closep(&t->remote);
		err = connect_one(t, &t->to[t->to_at]);
		if (err < 0)
			continue;
		if (t->to_at + 1 < t->to_len)
			timer_set(&t->timer, &t->egress->loop, CONNECT_NEXT_MS,
				t->timer.fn);
		else
			egress_tunnel_move(t, EGRESS_CONNECTING);
		return;
	}
	/* "No such host" is what a name alone can be. */
	if (*t->name && err == -EHOSTUNREACH)
		err = -ENETUNREACH;
	t->to_at = t->to_len - 1;
	egress_tunnel_finish(t, egress_socks_reply_of(err), &t->to[t->to_at]);
}

void
egress_reach_all(struct egress_tunnel *t)
{
	egress_tunnel_move(t, EGRESS_CONNECTING);
	t->to_at = UINT32_MAX; /* before the first */
	egress_reach_next(t, -ENETUNREACH);
}

/* Looking up */

static enum egress_reply
reply_of_lookup(int err)
{
	switch (err) {
	case UV_EAI_NONAME:
	case UV_EAI_NODATA:
	case UV_EAI_ADDRFAMILY:
		return EGRESS_NO_HOST;
	default:
		return EGRESS_FAILED;
	}
}

/* Every address is looked at; those that are allowed stay. */
static int
take_addresses(struct egress_tunnel *t, const struct addrinfo *list,
	struct egress_address *refused, struct fault *why)
{
	bool any = false;

	for (; list && t->to_len < EGRESS_ADDRESSES; list = list->ai_next) {
		struct egress_address a = egress_address_from(list->ai_addr);
		struct fault one = {0};

		if (a.len == 0)
			continue;
		any = true;
		if (egress_rules_address(t->egress->rules, t->name, &a, t->port,
			    &one) == 0) {
			t->to[t->to_len++] = a;
		} else if (!why->code) {
			*why = one;
			*refused = a;
		}
	}
	return t->to_len > 0 ? 0 : any ? ERR_DENIED : ERR_NOT_FOUND;
}

static void
resolved(struct egress_tunnel *t)
{
	for (unsigned i = 0; i < t->to_len; i++) {
		if (t->family && t->family != (t->to[i].len == 4 ? 4 : 6))
			continue;
		egress_learn(t->egress, t->name, &t->to[i]);
		egress_tunnel_finish(t, EGRESS_OK, &t->to[i]);
		return;
	}
	egress_tunnel_finish(t, EGRESS_NO_HOST, &no_address);
}

static void
looked_up(struct egress_tunnel *t, const struct addrinfo *list)
{
	struct egress_address refused = {0};
	struct fault why = {0};
	int r = take_addresses(t, list, &refused, &why);

	if (r == ERR_DENIED) {
		egress_tunnel_refuse(t, &why, &refused);
	} else if (r < 0) {
		egress_tunnel_finish(t, EGRESS_NO_HOST, &no_address);
	} else if (t->command == EGRESS_RESOLVE) {
		resolved(t);
	} else {
		egress_reach_all(t);
	}
}

static void
on_lookup(uv_getaddrinfo_t *request, int status, struct addrinfo *list)
{
	struct egress_lookup *lookup =
		container_of(request, struct egress_lookup, request);
	struct egress_tunnel *t = lookup->tunnel;

	lookup->egress->lookups--;
	free(lookup);
	if (t) {
		t->lookup = NULL;
		if (status < 0)
			egress_tunnel_finish(
				t, reply_of_lookup(status), &no_address);
		else
			looked_up(t, list);
	}
	uv_freeaddrinfo(list);
}

void
egress_reach_name(struct egress_tunnel *t)
{
	static const struct addrinfo hints = {
		.ai_socktype = SOCK_STREAM, .ai_flags = AI_ADDRCONFIG};
	struct egress *e = t->egress;

	if (e->lookups >= EGRESS_LOOKUPS) {
		egress_note(e, "network: too many names are being looked up "
			       "at once: wait for some of them");
		egress_tunnel_finish(t, EGRESS_FAILED, &no_address);
		return;
	}
	egress_tunnel_move(t, EGRESS_LOOKING);
	t->lookup = mem_new(struct egress_lookup);
	t->lookup->egress = e;
	t->lookup->tunnel = t;
	e->lookups++;
	if (uv_getaddrinfo(&e->loop.uv, &t->lookup->request, on_lookup, t->name,
		    NULL, &hints) < 0) {
		e->lookups--;
		free(take(t->lookup));
		egress_tunnel_finish(t, EGRESS_FAILED, &no_address);
	}
}
