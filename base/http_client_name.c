/*
 * A name's addresses, which are asked for again after a minute.  libuv asks in
 * a thread.
 */
#include "base/http_client_inside.h"

#include "base/mem.h"

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
on_known(uv_getaddrinfo_t *ask, int status, struct addrinfo *all)
{
	struct lookup *l = container_of(ask, struct lookup, ask);
	struct http_client *h = l->client;

	(void)mem_free(l);
	if (h) {
		h->lookup = NULL;
		if (status == 0)
			take_addresses(h, all);
		if (status == 0 && h->addresses)
			client_serve(h);
		else
			fail_all(h, status ? status : UV_EAI_NONAME);
	}
	uv_freeaddrinfo(all);
}

void
client_look_up(struct http_client *h)
{
	const struct addrinfo hints = {
		.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV};
	struct lookup *l;
	int r;

	if (h->lookup || client_knows(h))
		return;
	l = mem_new(struct lookup);
	l->client = h;
	r = uv_getaddrinfo(
		&h->loop->uv, &l->ask, on_known, h->host, h->port, &hints);
	if (r < 0) {
		(void)mem_free(l);
		fail_all(h, r);
		return;
	}
	h->lookup = l;
}
