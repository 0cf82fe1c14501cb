/*
 * TLS under the library's connections: tickets by which sessions are resumed,
 * and one record for a short answer.
 */
#include "http/http_inside.h"

#include "base/crypto.h"

#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>

enum { PUSH_MS = 5 }; /* until a full socket is tried again */
enum { TICKET_KEY = 64 };

/* GnuTLS makes a new key for tickets from this one every few hours, by the
 * time, so that all who have it make the same. */
int
tls_ticket_key(struct http *http, struct slice secret)
{
	gnutls_datum_t *key = &http->ticket_key;
	static const char *const halves[] = {"tls ticket 1", "tls ticket 2"};

	if (gnutls_session_ticket_key_generate(key) < 0)
		return ERR_CONFIG;
	if (!secret.len)
		return 0;
	if (key->size != TICKET_KEY)
		return ERR_CONFIG;
	for (size_t i = 0; i < 2; i++)
		crypto_hmac_sha256(secret, slice_str(halves[i]),
			key->data + i * TICKET_KEY / 2);
	return 0;
}

void
tls_no_delay(int fd)
{
	const int yes = 1;

	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof(yes));
}

void
tls_begin(struct conn *c)
{
	const union MHD_ConnectionInfo *info;

	if (!c->http->certs)
		return;
	info = MHD_get_connection_info(
		c->mhd, MHD_CONNECTION_INFO_GNUTLS_SESSION);
	if (!info || !info->tls_session)
		return;
	c->tls = info->tls_session;
	gnutls_session_set_ptr(c->tls, c);
	shake_begin(c);
	(void)gnutls_session_ticket_enable_server(c->tls, &c->http->ticket_key);
}

/*
 * The library sends an answer's head and body by two calls, which are two
 * records, two system calls and two readings at the client.  GnuTLS collects
 * them; they leave when the exchange is done.  What a full socket does not
 * take is tried again, and the connection's next answer waits for it, as it
 * would for the library.
 */
void
tls_hold(struct conn *c)
{
	if (c->tls)
		gnutls_record_cork(c->tls);
}

static void
on_push(struct timer *timer)
{
	struct http *http = container_of(timer, struct http, push);
	struct list *next;

	for (struct list *at = http->stuck.next; at != &http->stuck;
		at = next) {
		struct conn *c = container_of(at, struct conn, stuck);

		next = at->next;
		tls_flush(c);
		if (!conn_is_stuck(c) && c->x && c->x->suspended &&
			c->x->response)
			exchange_wake(c->x);
	}
}

void
tls_flush(struct conn *c)
{
	int r = c->tls ? gnutls_record_uncork(c->tls, 0) : 0;

	/* The library has the socket corked, and believes that it has pushed
	 * the answer out; this is how it does so. */
	if (r > 0)
		tls_no_delay(c->fd);
	if (r != GNUTLS_E_AGAIN && r != GNUTLS_E_INTERRUPTED) {
		list_del(&c->stuck); /* a client that left is the library's */
		return;
	}
	if (!conn_is_stuck(c))
		list_add(&c->http->stuck, &c->stuck);
	if (!timer_is_set(&c->http->push))
		timer_set(&c->http->push, c->http->loop, PUSH_MS, on_push);
}
