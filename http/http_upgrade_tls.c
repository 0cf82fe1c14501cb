/*
 * The clear text of a TLS connection that became something else.
 *
 *   user ─ pair ─ pump ─ GnuTLS ─ the client's socket
 *
 * The library has the same between its own ends, but passes four bytes at a
 * time (0.9.75: the answer's head has taken all of the connection's memory, and
 * what is left is an emergency buffer).  So its end stays empty, and we
 * call GnuTLS ourselves.  It still asks the session for bytes at each event of
 * the socket: it is told that there are none, and what GnuTLS has deciphered is
 * always taken whole before the library has its turn.
 */
#include "http/http_inside.h"

#include "base/mem.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
	RECORD = 16 * 1024, /* the largest: none is left in part */
	TURNS_TOP = 16      /* records a call, each way */
};

struct pump {
	struct conn *conn;
	struct fdpoll net, pair;
	int fd; /* our end of the pair */
	void (*sent)(void *owner);
	void *owner;
	struct buf in, out; /* what the pair, the client did not take */
	size_t in_at;
	bool inside;    /* it is we who call GnuTLS */
	bool net_over;  /* the client says no more */
	bool told;      /* and the user has heard so */
	bool pair_over; /* the user says no more */
	bool bye;       /* and the client has heard so, or never will */
};

static ssize_t
on_push(gnutls_transport_ptr_t ptr, const void *data, size_t len)
{
	const struct pump *p = ptr;

	return send(p->conn->fd, data, len, MSG_NOSIGNAL);
}

static ssize_t
on_pull(gnutls_transport_ptr_t ptr, void *to, size_t room)
{
	const struct pump *p = ptr;

	if (p->inside)
		return recv(p->conn->fd, to, room, 0);
	errno = EAGAIN;
	return -1;
}

/* The library has a last word, to nobody. */
static ssize_t
push_nowhere(gnutls_transport_ptr_t ptr, const void *data, size_t len)
{
	(void)ptr, (void)data;
	return (ssize_t)len;
}

static ssize_t
pull_nothing(gnutls_transport_ptr_t ptr, void *to, size_t room)
{
	(void)ptr, (void)to, (void)room;
	return 0;
}

/* --- from the client ------------------------------------------------------ */

/* To the user; what does not fit waits in `in`. */
static void
give(struct pump *p, struct slice data)
{
	while (data.len) {
		ssize_t n = send(p->fd, data.ptr, data.len, MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN) {
			buf_slice(&p->in, data);
			return;
		}
		if (n < 0) /* he has closed it, and hears no more */
			return;
		data = slice_of(data.ptr + n, data.len - (size_t)n);
	}
}

static void
give_rest(struct pump *p)
{
	struct buf rest = p->in;

	if (!p->in.len)
		return;
	buf_init(&p->in, RECORD);
	give(p, buf_all(&rest));
	buf_done(&rest);
}

static bool
is_again(ssize_t n)
{
	return n == GNUTLS_E_AGAIN || n == GNUTLS_E_INTERRUPTED;
}

static void
from_client(struct pump *p)
{
	char room[RECORD];

	give_rest(p);
	for (int i = 0; i < TURNS_TOP && !p->net_over && !p->in.len; i++) {
		ssize_t n =
			gnutls_record_recv(p->conn->tls, room, sizeof(room));

		if (is_again(n))
			break;
		if (n > 0)
			give(p, slice_of(room, (size_t)n));
		else if (n == 0 || gnutls_error_is_fatal((int)n))
			p->net_over = true;
	}
	if (p->net_over && !p->in.len && !p->told) {
		p->told = true;
		(void)shutdown(p->fd, SHUT_WR);
	}
}

/* --- to the client -------------------------------------------------------- */

/* False: the socket is full. */
static bool
send_record(struct pump *p)
{
	ssize_t n = gnutls_record_send(p->conn->tls, p->out.ptr, p->out.len);

	if (is_again(n))
		return false;
	if (n > 0)
		buf_drop(&p->out, (size_t)n);
	else if (n < 0 && gnutls_error_is_fatal((int)n))
		p->pair_over = p->bye = true;
	return true;
}

static bool
say_bye(struct pump *p)
{
	p->bye = !is_again(gnutls_bye(p->conn->tls, GNUTLS_SHUT_WR));
	return p->bye;
}

/* False: nothing more for now. */
static bool
take_record(struct pump *p)
{
	char *to = buf_reserve(&p->out, RECORD);
	ssize_t n = to ? recv(p->fd, to, RECORD, 0) : 0;

	if (n > 0)
		buf_grown(&p->out, (size_t)n);
	else if (n == 0 || (errno != EAGAIN && errno != EINTR))
		p->pair_over = true;
	else
		return false;
	return true;
}

static void
to_client(struct pump *p)
{
	bool more = true;

	for (int i = 0; i < 2 * TURNS_TOP && more && !p->bye; i++) {
		if (p->out.len)
			more = send_record(p);
		else if (p->pair_over)
			more = say_bye(p);
		else
			more = take_record(p);
	}
	if (!p->out.len) /* an idle connection keeps no memory */
		buf_done(&p->out);
}

/* --- both ----------------------------------------------------------------- */

static void
run(struct pump *p)
{
	p->inside = true;
	from_client(p);
	to_client(p);
	p->inside = false;
	(void)fdpoll_set(&p->net,
		(p->net_over || p->in.len ? 0 : UV_READABLE) |
			(!p->bye && (p->out.len || p->pair_over) ? UV_WRITABLE
								 : 0));
	(void)fdpoll_set(
		&p->pair, (p->pair_over || p->out.len ? 0 : UV_READABLE) |
				  (p->in.len ? UV_WRITABLE : 0));
	if (p->bye && p->sent)
		p->sent(p->owner);
}

/* An error, too, is found by reading and writing. */
static void
on_net(struct fdpoll *poll, int events)
{
	(void)events;
	run(container_of(poll, struct pump, net));
}

static void
on_pair(struct fdpoll *poll, int events)
{
	(void)events;
	run(container_of(poll, struct pump, pair));
}

struct pump *
pump_new(struct conn *c, int *ret)
{
	struct pump *p;
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0,
		    pair) < 0)
		return NULL;
	p = mem_new(struct pump);
	p->conn = c;
	p->fd = pair[0];
	*ret = pair[1];
	buf_init(&p->in, RECORD);
	buf_init(&p->out, RECORD);
	if (fdpoll_open(&p->net, c->http->loop, c->fd, 0, on_net) < 0 ||
		fdpoll_open(&p->pair, c->http->loop, p->fd, 0, on_pair) < 0)
		abort(); /* a descriptor that cannot be polled: ours */
	tls_no_delay(c->fd);
	gnutls_transport_set_ptr(c->tls, p);
	gnutls_transport_set_push_function(c->tls, on_push);
	gnutls_transport_set_pull_function(c->tls, on_pull);
	run(p);
	return p;
}

void
pump_end(struct pump *p, void (*sent)(void *owner), void *owner)
{
	p->sent = sent;
	p->owner = owner;
	run(p);
}

struct pump *
pump_free(struct pump *p)
{
	if (!p)
		return NULL;
	gnutls_transport_set_ptr(p->conn->tls, NULL);
	gnutls_transport_set_push_function(p->conn->tls, push_nowhere);
	gnutls_transport_set_pull_function(p->conn->tls, pull_nothing);
	fdpoll_close(&p->net);
	fdpoll_close(&p->pair);
	(void)close(p->fd);
	buf_done(&p->in);
	buf_done(&p->out);
	free(p);
	return NULL;
}
