/*
 * Certificates.  The library asks for one at each handshake, so a new one
 * needs no restart; a connection holds the one it was shown, because a
 * handshake may end after the certificate was replaced.
 */
#include "gateway/http_inside.h"

#include "base/mem.h"

#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>

enum { PUSH_MS = 5 }; /* until a full socket is tried again */

static gnutls_datum_t
datum_of(const char *text)
{
	return (gnutls_datum_t){
		(unsigned char *)(uintptr_t)text, (unsigned)strlen(text)};
}

/* Do certificate and key belong together? */
static int
pair_check(const struct cert *c, struct fault *why)
{
	unsigned char a[64], b[64];
	size_t na = sizeof(a), nb = sizeof(b);
	gnutls_pubkey_t own = NULL;
	int r;

	r = gnutls_pubkey_init(&own);
	if (r >= 0)
		r = gnutls_pubkey_import_privkey(own, c->key, 0, 0);
	if (r >= 0)
		r = gnutls_pubkey_get_key_id(own, 0, a, &na);
	if (r >= 0)
		r = gnutls_pubkey_get_key_id(c->list[0].pubkey, 0, b, &nb);
	gnutls_pubkey_deinit(own);
	if (r >= 0 && na == nb && memcmp(a, b, na) == 0)
		return 0;
	return fault_set(
		why, ERR_CONFIG, "the TLS key is not that of the certificate");
}

static int
cert_load(struct cert *c, const char *cert, const char *key, struct fault *why)
{
	gnutls_datum_t text = datum_of(cert);
	unsigned n = array_size(c->list);
	int r;

	r = gnutls_pcert_list_import_x509_raw(c->list, &n, &text,
		GNUTLS_X509_FMT_PEM, GNUTLS_X509_CRT_LIST_FAIL_IF_UNSORTED);
	if (r < 0)
		return fault_set(why, ERR_CONFIG,
			"the TLS certificate cannot be read: %s",
			gnutls_strerror(r));
	c->count = n;
	text = datum_of(key);
	r = gnutls_privkey_init(&c->key);
	if (r >= 0)
		r = gnutls_privkey_import_x509_raw(
			c->key, &text, GNUTLS_X509_FMT_PEM, NULL, 0);
	if (r < 0)
		return fault_set(why, ERR_CONFIG,
			"the TLS key cannot be read: %s", gnutls_strerror(r));
	return pair_check(c, why);
}

int
cert_new(
	struct cert **ret, const char *cert, const char *key, struct fault *why)
{
	struct cert *c = mem_new(struct cert);
	int r;

	c->refs = 1;
	r = cert_load(c, cert, key, why);
	if (r < 0) {
		(void)cert_unref(c);
		return r;
	}
	*ret = c;
	return 0;
}

struct cert *
cert_ref(struct cert *c)
{
	c->refs++;
	return c;
}

struct cert *
cert_unref(struct cert *c)
{
	if (!c || --c->refs)
		return NULL;
	for (unsigned i = 0; i < c->count; i++)
		gnutls_pcert_deinit(&c->list[i]);
	if (c->key)
		gnutls_privkey_deinit(c->key);
	return mem_free(c);
}

int
tls_certificate(gnutls_session_t session, const gnutls_datum_t *cas, int ncas,
	const gnutls_pk_algorithm_t *algos, int nalgos, gnutls_pcert_st **ret,
	unsigned *ret_len, gnutls_privkey_t *ret_key)
{
	struct conn *c = gnutls_session_get_ptr(session);

	(void)cas, (void)ncas, (void)algos, (void)nalgos;
	if (!c->cert)
		c->cert = cert_ref(c->http->cert);
	*ret = c->cert->list;
	*ret_len = c->cert->count;
	*ret_key = c->cert->key;
	return 0;
}

void
tls_begin(struct conn *c)
{
	const union MHD_ConnectionInfo *info;

	if (!c->http->cert)
		return;
	info = MHD_get_connection_info(
		c->mhd, MHD_CONNECTION_INFO_GNUTLS_SESSION);
	if (!info || !info->tls_session)
		return;
	c->tls = info->tls_session;
	gnutls_session_set_ptr(c->tls, c);
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
	const int yes = 1;
	int r = c->tls ? gnutls_record_uncork(c->tls, 0) : 0;

	/* The library has the socket corked, and believes that it has pushed
	 * the answer out; this is how it does so. */
	if (r > 0)
		(void)setsockopt(
			c->fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof(yes));
	if (r != GNUTLS_E_AGAIN && r != GNUTLS_E_INTERRUPTED) {
		list_del(&c->stuck); /* a client that left is the library's */
		return;
	}
	if (!conn_is_stuck(c))
		list_add(&c->http->stuck, &c->stuck);
	if (!timer_is_set(&c->http->push))
		timer_set(&c->http->push, c->http->loop, PUSH_MS, on_push);
}
