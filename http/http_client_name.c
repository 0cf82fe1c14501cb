/*
 * A name's addresses, which are asked for again after a minute.
 */
#include "http/http_client_inside.h"

#include <netdb.h>

enum { KNOWN_MS = 60 * 1000 };

bool
client_knows(const struct http_client *h)
{
	return h->addresses &&
	       (!h->is_name || uv_now(&h->loop->uv) < h->known_until);
}

static void
take_addresses(struct http_client *h, const struct addrinfo *all)
{
	h->addresses = 0;
	for (; all && h->addresses < ADDRESSES; all = all->ai_next) {
		struct address *a = &h->address[h->addresses];

		if (all->ai_addrlen > sizeof(a->at))
			continue;
		memcpy(&a->at, all->ai_addr, all->ai_addrlen);
		a->len = all->ai_addrlen;
		h->addresses++;
	}
	h->known_until = uv_now(&h->loop->uv) + KNOWN_MS;
}

/* Those who wait for it; one that waits for a place among the connections
 * would not find a server either. */
static void
fail_all(struct http_client *h, int status)
{
	struct call *c;

	while ((c = list_first(&h->waiting, struct call, on))) {
		(void)fault_set(&c->fetch->job.why, ERR_UPSTREAM,
			"the address of \"%.100s\" is not known: %s", h->host,
			uv_strerror(status));
		call_fail(c, ERR_UPSTREAM);
	}
}

static void
on_known(struct resolve *ask, int status, const struct addrinfo *all)
{
	struct http_client *h = container_of(ask, struct http_client, resolve);

	if (status == 0)
		take_addresses(h, all);
	if (status == 0 && h->addresses)
		client_serve(h);
	else
		fail_all(h, status ? status : UV_EAI_NONAME);
}

void
client_look_up(struct http_client *h)
{
	int r;

	if (h->resolve.inside || client_knows(h))
		return;
	h->resolve.on_done = on_known;
	r = resolve_start(&h->resolve, h->loop, h->host, h->port);
	if (r < 0)
		fail_all(h, r);
}
