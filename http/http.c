/*
 * libmicrohttpd inside our loop.  The library keeps an epoll of its own; that
 * epoll's descriptor is polled here, and when it is readable, when an answer
 * woke a connection, or when the library's clock says so, the library runs
 * once.  Nobody else may call it, and never from inside one of its callbacks.
 *
 * Strictness is in http_check.c, time limits in http_conn.c, the way of one
 * request in http_exchange.c.
 */
#include "http/http_inside.h"

#include "base/clock.h"
#include "base/mem.h"
#include "base/sock.h"
#include "base/text.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

enum { IDLE_RUNS = 64, REST_MS = 5 };

static void
on_again(uv_idle_t *again)
{
	struct http *http = again->data;

	(void)uv_idle_stop(again);
	http_spin_soon(http);
}

bool
http_has_more(const struct http *http)
{
	MHD_UNSIGNED_LONG_LONG ms;

	return MHD_get_timeout(http->daemon, &ms) == MHD_YES && ms == 0;
}

static void
on_rest(struct timer *rest)
{
	http_spin_soon(container_of(rest, struct http, rest));
}

/* What clients have taken of answers that the library sends by itself. */
static uint64_t
passed(const struct http *http)
{
	uint64_t sum = 0, one;

	list_for_each (at, &http->conns) {
		const struct conn *c = container_of(at, struct conn, on);

		if (c->phase == CONN_SEND && sock_acked(c->fd, &one) == 0)
			sum += one;
	}
	return sum;
}

static bool
runs_for_nothing(struct http *http, unsigned acts)
{
	uint64_t now;

	if (http->acts != acts) {
		/* others act, too: one look is enough to know it again */
		http->idle_runs = http->idle_runs < IDLE_RUNS ? 0 : IDLE_RUNS;
		return false;
	}
	if (++http->idle_runs < IDLE_RUNS)
		return false;
	http->idle_runs = IDLE_RUNS;
	now = passed(http);
	if (now == http->passed)
		return true;
	http->passed = now;
	return false;
}

/*
 * The library wants to run again without being called by its epoll.  It has no
 * time limits: ours are per connection (http_conn.c).
 *
 * It may want that for nothing: 0.9.75 runs a connection without end whose
 * buffer is full of the beginning of something (a chunk's extension, say), so
 * that a single client would keep a core busy until his time is over.  Many
 * runs in which nothing is called or sent are a sign of it; from then on, and
 * until something is, it runs again after a rest.
 */
static void
wind(struct http *http, unsigned acts)
{
	if (list_empty(&http->turns) && !http_has_more(http)) {
		http->idle_runs = 0;
	} else if (list_empty(&http->turns) && runs_for_nothing(http, acts)) {
		timer_set(&http->rest, http->loop, REST_MS, on_rest);
	} else {
		(void)uv_idle_start(http->again, on_again);
	}
	upgrades_push(http);
}

static void
spin(struct http *http)
{
	unsigned acts = http->acts;

	http->runs++;
	http->turn = clock_mono();
	(void)MHD_run(http->daemon);
	turns_take(http);
	conns_wind(http);
	wind(http, acts);
}

static void
on_spin(struct defer *defer)
{
	spin(container_of(defer, struct http, spin));
}

void
http_spin_soon(struct http *http)
{
	if (!http->ending)
		loop_defer(http->loop, &http->spin);
}

static void
on_ready(struct fdpoll *poll, int events)
{
	struct http *http = container_of(poll, struct http, poll);

	(void)events;
	defer_clear(&http->spin);
	spin(http);
}

/* The library's own words: a refusal has a status, the rest is the noise of
 * clients that leave. */
static void on_log(void *cls, const char *fm, va_list ap) _printf_(2, 0);

static void
on_log(void *cls, const char *fm, va_list ap)
{
	struct http *http = cls;

	if (!strstr(fm, "HTTP response code is %u") || !http->ops.on_refused)
		return;
	http->ops.on_refused(http, (int)va_arg(ap, unsigned), "library", "");
}

/* %XX is ours to decode (target.c). */
static size_t
on_unescape(void *cls, struct MHD_Connection *mhd, char *s)
{
	(void)cls, (void)mhd;
	return strlen(s);
}

/* TLS 1.2 and 1.3; of 1.2 what has forward secrecy and authenticates what it
 * encrypts (RFC 9325, 4.2).  Of groups first the one that nearly everybody
 * sends a key for in his first hello: to want another costs a round trip and a
 * second hello.  Of ciphers first those whose hash the processor helps with. */
static const char tls_priorities[] =
	"NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2:"
	"-KX-ALL:+ECDHE-ECDSA:+ECDHE-RSA:"
	"-GROUP-ALL:+GROUP-X25519:+GROUP-SECP256R1:+GROUP-SECP384R1:"
	"-CIPHER-ALL:+AES-128-GCM:+AES-256-GCM:+CHACHA20-POLY1305:"
	"-MAC-ALL:+AEAD:%SERVER_PRECEDENCE";

enum { MEMORY_LEAST = 4096 };

/* TLS has 13 KiB of its own for a connection that does nothing: a quarter less
 * of ours keeps both together under 20. */
static size_t
connection_memory(const struct http *http)
{
	size_t all = http->conf.connection_memory;

	return http->certs ? max(all - all / 4, (size_t)MEMORY_LEAST) : all;
}

static int
daemon_start(struct http *http, struct fault *why)
{
	const struct http_conf *conf = &http->conf;
	_close_ int fd = fcntl(conf->fd, F_DUPFD_CLOEXEC, 0);
	struct MHD_OptionItem options[] = {
		/* ours to accept from when a PROXY header comes first */
		{conf->proxy_protocol ? MHD_OPTION_SIGPIPE_HANDLED_BY_APP
				      : MHD_OPTION_LISTEN_SOCKET,
			fd, NULL},
		{MHD_OPTION_SIGPIPE_HANDLED_BY_APP, 1, NULL},
		{MHD_OPTION_HTTPS_CERT_CALLBACK2, 0,
			(void *)(uintptr_t)cert_show},
		{MHD_OPTION_HTTPS_PRIORITIES, 0,
			(void *)(uintptr_t)tls_priorities},
		{MHD_OPTION_END, 0, NULL},
	};
	unsigned flags = MHD_USE_EPOLL | MHD_USE_ERROR_LOG |
			 MHD_ALLOW_SUSPEND_RESUME | MHD_ALLOW_UPGRADE |
			 MHD_USE_TURBO | (http->certs ? MHD_USE_TLS : 0) |
			 (conf->proxy_protocol ? MHD_USE_NO_LISTEN_SOCKET : 0);

	if (fd < 0)
		return fault_set(why, -errno, "the listening socket is gone");
	(void)fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
	if (http->certs) /* inherited by what is accepted from it */
		tls_no_delay(fd);
	else
		options[2].option = MHD_OPTION_END;
	http->daemon = MHD_start_daemon(flags, 0, NULL, NULL, exchange_go, http,
		MHD_OPTION_EXTERNAL_LOGGER, on_log, http,
		MHD_OPTION_CONNECTION_LIMIT, conf->connections,
		MHD_OPTION_CONNECTION_MEMORY_LIMIT, connection_memory(http),
		MHD_OPTION_URI_LOG_CALLBACK, exchange_begin, http,
		MHD_OPTION_UNESCAPE_CALLBACK, on_unescape, http,
		MHD_OPTION_NOTIFY_COMPLETED, exchange_done, http,
		MHD_OPTION_NOTIFY_CONNECTION, conn_notify, http,
		MHD_OPTION_ARRAY, options, MHD_OPTION_END);
	if (!http->daemon)
		return fault_set(why, ERR_CONFIG,
			"libmicrohttpd does not start on this socket");
	if (conf->proxy_protocol)
		return proxy_open(http, take_fd(fd));
	(void)take_fd(fd);
	return 0;
}

static int
poll_start(struct http *http)
{
	const union MHD_DaemonInfo *info =
		MHD_get_daemon_info(http->daemon, MHD_DAEMON_INFO_EPOLL_FD);

	if (!info)
		return -ENOTSUP;
	http->again = mem_new(uv_idle_t);
	(void)uv_idle_init(&http->loop->uv, http->again);
	http->again->data = http;
	return fdpoll_open(
		&http->poll, http->loop, info->epoll_fd, UV_READABLE, on_ready);
}

int
http_new(struct http **ret, struct loop *loop, const struct http_conf *conf,
	const struct http_ops *ops, struct fault *why)
{
	_cleanup_(http_freep) struct http *http = mem_new(struct http);
	int r;

	http->loop = loop;
	http->conf = *conf;
	http->conf.tls_cert = http->conf.tls_key = NULL;
	http->conf.ticket_secret = SLICE("");
	http->ops = *ops;
	list_init(&http->conns);
	list_init(&http->moved);
	list_init(&http->lingers);
	list_init(&http->stuck);
	list_init(&http->upgrades);
	list_init(&http->turns);
	defer_init(&http->spin, on_spin);
	text_random_hex(http->id_prefix, 12);
	if (conf->tls_cert) {
		r = http_certs_new(&http->certs,
			&(struct http_cert){
				.cert = conf->tls_cert, .key = conf->tls_key},
			1, why);
		if (r < 0)
			return r;
		r = tls_ticket_key(http, conf->ticket_secret);
		if (r < 0)
			return fault_set(why, r, "no TLS ticket key");
		r = shakes_new(http);
		if (r < 0)
			return fault_set(why, r, "TLS cannot be polled");
	}
	r = daemon_start(http, why);
	if (r < 0)
		return r;
	r = poll_start(http);
	if (r < 0)
		return fault_set(why, r, "the server cannot be polled");
	*ret = take(http);
	return 0;
}

static void
on_closed(uv_handle_t *handle)
{
	(void)mem_free(handle);
}

/* The library insists that nobody sleeps when it stops. */
static void
daemon_stop(struct http *http)
{
	upgrades_leave(http);
	list_for_each (at, &http->conns) {
		struct conn *c = container_of(at, struct conn, on);

		if ((c->x && c->x->suspended) || c->shake == SHAKE_ASLEEP)
			MHD_resume_connection(c->mhd);
		shake_end(c);
	}
	MHD_stop_daemon(http->daemon);
}

struct http *
http_free(struct http *http)
{
	if (!http)
		return NULL;
	http->ending = true;
	proxy_close(http);
	defer_clear(&http->spin);
	timer_clear(&http->tick);
	timer_clear(&http->rest);
	fdpoll_close(&http->poll);
	if (http->again) {
		(void)uv_idle_stop(http->again);
		uv_close((uv_handle_t *)http->again, on_closed);
	}
	if (http->daemon)
		daemon_stop(http);
	shakes_free(http);
	lingers_stop(http);
	timer_clear(&http->push);
	exchanges_free(http);
	forms_free(http);
	http->certs = http_certs_free(http->certs);
	if (http->ticket_key.data)
		mem_wipe(http->ticket_key.data, http->ticket_key.size);
	gnutls_free(http->ticket_key.data);
	return mem_free(http);
}

void *
http_owner(const struct http *http)
{
	return http->ops.owner;
}

int
http_set_certificates(struct http *http, const struct http_cert *certs,
	size_t count, struct fault *why)
{
	struct certs *fresh;
	int r;

	if (!http->certs)
		return fault_set(why, -EINVAL, "this listener is not TLS");
	r = http_certs_new(&fresh, certs, count, why);
	if (r < 0)
		return r;
	(void)http_certs_free(http->certs);
	http->certs = fresh;
	return 0;
}

void
http_set_limits(struct http *http, uint64_t head_ms, uint64_t body_ms)
{
	http->conf.head_ms = head_ms;
	http->conf.body_ms = body_ms;
}

void
http_drain(struct http *http)
{
	int fd;

	if (http->draining)
		return;
	http->draining = true;
	fd = http->proxy ? -1 : MHD_quiesce_daemon(http->daemon);
	if (fd >= 0)
		(void)close(fd);
	proxy_close(http);
	conns_drain(http);
}

unsigned
http_busy(const struct http *http)
{
	return http->busy;
}

uint64_t
http_runs(const struct http *http)
{
	return http->runs;
}

unsigned
http_connections(const struct http *http)
{
	return http->connections + http->upgraded;
}
