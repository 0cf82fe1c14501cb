/*
 * The question is an allocation of its own, because getaddrinfo(3) cannot be
 * interrupted: whoever asked may be gone when the thread comes back.
 */
#include "base/resolve.h"

#include "base/mem.h"

#include <netdb.h>

struct resolving {
	uv_getaddrinfo_t ask;
	struct resolve *r; /* NULL: nobody waits */
};

static void
on_answer(uv_getaddrinfo_t *ask, int status, struct addrinfo *all)
{
	struct resolving *q = container_of(ask, struct resolving, ask);
	struct resolve *r = q->r;

	(void)mem_free(q);
	if (r) {
		r->inside = NULL;
		r->on_done(r, status, all);
	}
	uv_freeaddrinfo(all);
}

int
resolve_start(struct resolve *r, struct loop *loop, const char *host,
	const char *port)
{
	const struct addrinfo hints = {.ai_socktype = SOCK_STREAM,
		.ai_flags = port ? AI_NUMERICSERV : 0};
	struct resolving *q = mem_new(struct resolving);
	int e = uv_getaddrinfo(
		&loop->uv, &q->ask, on_answer, host, port, &hints);

	if (e < 0) {
		(void)mem_free(q);
		return e;
	}
	q->r = r;
	r->inside = q;
	return 0;
}

void
resolve_cancel(struct resolve *r)
{
	struct resolving *q = take(r->inside);

	if (!q)
		return;
	q->r = NULL;
	(void)uv_cancel((uv_req_t *)&q->ask);
}

unsigned
resolve_text(struct buf *to, const struct addrinfo *all, unsigned top)
{
	char text[64];
	unsigned count = 0;

	for (; all && count < top; all = all->ai_next) {
		if (getnameinfo(all->ai_addr, all->ai_addrlen, text,
			    sizeof(text), NULL, 0, NI_NUMERICHOST) != 0)
			continue;
		if (count++)
			buf_char(to, ',');
		buf_str(to, text);
	}
	return count;
}
