/*
 * A server on http/http.h that says what it saw, for raw-socket tests and
 * measurements.
 *
 *   httpd [--tls CERT KEY]… [--ocsp FILE] [--idle MS] [--head MS] [--body MS]
 *         [--top BYTES] [--memory BYTES] [--connections N] [--unix PATH]
 *         [--proxy 1] [--file PATH] [--secret TEXT] [--trust LIST]
 *
 * The first line of output is the port.  SIGHUP reads the certificates
 * again and answers what waits, SIGTERM drains and ends; what is upgraded
 * does not hold it up.  Every path answers what was seen, but those of
 * httpd_more.c and:
 *   /small    a constant
 *   /wait     answered when somebody asks for /go
 *   /refuse   403 from on_head
 *   /stats    counters, not counted itself
 */
#include "tests/lib/httpd.h"
#include "base/clock.h"
#include "base/mem.h"
#include "base/timer.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/buf.h"
#include "http/trust.h"

static const char *const shown[] = {"host", "content-length",
	"transfer-encoding", "content-type", "x-a", "x-b", "cookie"};

static struct server {
	struct loop loop;
	struct http *http;
	struct http_conf conf;
	const char *cert_path[8], *key_path[8], *ocsp_path;
	size_t ncerts;
	const char *unix_path, *file, *secret;
	struct trust *trust;
	size_t top;
	struct exchange *waiting[64];
	unsigned nwaiting;
	unsigned requests, ended, sent, refused;
	int last_refused;
	uv_signal_t hup, term;
	struct timer watch;
} server = {.top = 1024 * 1024};

static void
add_text(struct buf *b, const char *key, struct slice value)
{
	buf_printf(b, "\"%s\":", key);
	if (value.ptr)
		buf_json(b, value);
	else
		buf_str(b, "null");
}

static void
say(struct exchange *x, struct buf *b)
{
	exchange_answer(x, 200, "application/json", buf_all(b));
}

static void
show_stats(struct exchange *x)
{
	_buf_ struct buf b;

	buf_init(&b, 65536);
	buf_printf(&b,
		"{\"runs\":%llu,\"requests\":%u,\"ended\":%u,\"sent\":%u,"
		"\"refused\":%u,"
		"\"lastRefused\":%d,\"busy\":%u,\"connections\":%u,"
		"\"waiting\":%u%s}",
		(unsigned long long)http_runs(server.http), server.requests,
		server.ended, server.sent, server.refused, server.last_refused,
		http_busy(server.http), http_connections(server.http),
		server.nwaiting, more_stats());
	say(x, &b);
}

static void
show(struct exchange *x)
{
	_buf_ struct buf b;

	buf_init(&b, 1024 * 1024);
	buf_char(&b, '{');
	add_text(&b, "method", slice_str(exchange_method(x)));
	buf_char(&b, ',');
	add_text(&b, "path", slice_str(exchange_path(x)));
	buf_char(&b, ',');
	add_text(&b, "target", exchange_target(x));
	buf_char(&b, ',');
	add_text(&b, "q", exchange_query(x, "q"));
	buf_char(&b, ',');
	add_text(&b, "peer", slice_str(exchange_peer(x)));
	buf_printf(&b, ",\"tls\":%s,\"bodyLength\":%zu,\"count\":%u,",
		exchange_is_tls(x) ? "true" : "false", exchange_body(x).len,
		server.requests);
	add_text(&b, "id", slice_str(exchange_id(x)));
	buf_str(&b, ",\"headers\":{");
	for (size_t i = 0; i < array_size(shown); i++) {
		if (i)
			buf_char(&b, ',');
		add_text(&b, shown[i], exchange_header(x, shown[i]));
	}
	buf_str(&b, "},");
	add_text(&b, "body",
		slice_of(exchange_body(x).ptr,
			min(exchange_body(x).len, (size_t)200)));
	buf_char(&b, '}');
	exchange_add_header(x, "X-Count", "one");
	say(x, &b);
}

static bool
path_is(const struct exchange *x, const char *path)
{
	return strcmp(exchange_path(x), path) == 0;
}

static void
on_head(struct http *http, struct exchange *x)
{
	(void)http;
	trust_apply(server.trust, x);
	if (more_head(&server.loop, x))
		return;
	exchange_set_body_top(x, server.top);
	if (path_is(x, "/refuse"))
		exchange_answer(x, 403, "text/plain", SLICE("no"));
}

static void
let_go(void)
{
	while (server.nwaiting)
		exchange_answer(server.waiting[--server.nwaiting], 200,
			"text/plain", SLICE("went"));
}

static void
on_request(struct http *http, struct exchange *x)
{
	(void)http;
	if (path_is(x, "/stats")) {
		show_stats(x);
		return;
	}
	server.requests++;
	if (more_request(&server.loop, x, server.file))
		return;
	if (path_is(x, "/small")) {
		exchange_answer(
			x, 200, "application/json", SLICE("{\"hello\":1}"));
		return;
	}
	if (path_is(x, "/wait") && server.nwaiting < 64) {
		server.waiting[server.nwaiting++] = x;
		return;
	}
	if (path_is(x, "/go"))
		let_go();
	show(x);
}

static void
on_end(struct http *http, struct exchange *x, bool sent)
{
	(void)http;
	if (path_is(x, "/stats"))
		return;
	more_end(x, sent);
	server.ended++;
	server.sent += sent;
	for (unsigned i = 0; i < server.nwaiting; i++)
		if (server.waiting[i] == x)
			server.waiting[i] = server.waiting[--server.nwaiting];
}

static void
on_refused(struct http *http, int status, const char *what, const char *peer)
{
	(void)http, (void)what, (void)peer;
	server.refused++;
	server.last_refused = status;
}

static struct slice
read_bytes(const char *path)
{
	char *text = mem_alloc(65536);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, text, 65535);

	if (n < 0) {
		perror(path);
		exit(1);
	}
	(void)close(fd);
	return slice_of(text, (size_t)n);
}

static char *
read_all(const char *path)
{
	return (char *)(uintptr_t)read_bytes(path).ptr;
}

static int
set_certificates(struct fault *why)
{
	struct http_cert certs[8] = {0};
	int r;

	for (size_t i = 0; i < server.ncerts; i++) {
		certs[i].cert = read_all(server.cert_path[i]);
		certs[i].key = read_all(server.key_path[i]);
	}
	if (server.ocsp_path)
		certs[0].ocsp = read_bytes(server.ocsp_path);
	r = http_set_certificates(server.http, certs, server.ncerts, why);
	for (size_t i = 0; i < server.ncerts; i++) {
		(void)mem_free((char *)(uintptr_t)certs[i].cert);
		(void)mem_free((char *)(uintptr_t)certs[i].key);
	}
	(void)mem_free((char *)(uintptr_t)certs[0].ocsp.ptr);
	return r;
}

static void
new_certificate(void)
{
	struct fault why = {0};
	int r = set_certificates(&why);

	(void)printf("certificate: %s\n", r < 0 ? fault_text(&why, r) : "new");
	(void)fflush(stdout);
}

static void
on_hup(uv_signal_t *handle, int number)
{
	(void)handle, (void)number;
	if (server.ncerts)
		new_certificate();
	let_go();
}

static void
on_watch(struct timer *t)
{
	if (http_connections(server.http) == 0)
		loop_stop(&server.loop);
	else
		timer_set(t, &server.loop, 10, on_watch);
}

static void
on_term(uv_signal_t *handle, int number)
{
	(void)handle, (void)number;
	http_drain(server.http);
	(void)puts("draining");
	(void)fflush(stdout);
	timer_set(&server.watch, &server.loop, 10, on_watch);
}

static int
listen_tcp(void)
{
	struct sockaddr_in in = {.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(in);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || bind(fd, (struct sockaddr *)&in, len) < 0 ||
		listen(fd, 1024) < 0 ||
		getsockname(fd, (struct sockaddr *)&in, &len) < 0) {
		perror("listen");
		exit(1);
	}
	(void)printf("%d\n", ntohs(in.sin_port));
	(void)fflush(stdout);
	return fd;
}

static int
listen_unix(const char *path)
{
	struct sockaddr_un un = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	(void)snprintf(un.sun_path, sizeof(un.sun_path), "%s", path);
	if (fd < 0 || bind(fd, (struct sockaddr *)&un, sizeof(un)) < 0 ||
		listen(fd, 1024) < 0) {
		perror("listen");
		exit(1);
	}
	(void)puts("0");
	(void)fflush(stdout);
	return fd;
}

static void
options(int argc, char **argv)
{
	struct http_conf *c = &server.conf;

	*c = (struct http_conf){.connections = 1000,
		.connection_memory = 8192,
		.idle_ms = 60000,
		.head_ms = 10000,
		.body_ms = 30000,
		.arena_top = 1024 * 1024};
	for (int i = 1; i + 1 < argc; i += 2) {
		uint64_t n = strtoull(argv[i + 1], NULL, 10);

		if (strcmp(argv[i], "--idle") == 0)
			c->idle_ms = n;
		else if (strcmp(argv[i], "--head") == 0)
			c->head_ms = n;
		else if (strcmp(argv[i], "--body") == 0)
			c->body_ms = n;
		else if (strcmp(argv[i], "--top") == 0)
			server.top = n;
		else if (strcmp(argv[i], "--memory") == 0)
			c->connection_memory = n;
		else if (strcmp(argv[i], "--connections") == 0)
			c->connections = (unsigned)n;
		else if (strcmp(argv[i], "--unix") == 0)
			server.unix_path = argv[i + 1];
		else if (strcmp(argv[i], "--file") == 0)
			server.file = argv[i + 1];
		else if (strcmp(argv[i], "--trust") == 0 &&
			 trust_new(&server.trust, argv[i + 1],
				 "x-forwarded-for", NULL) < 0)
			exit(1);
		else if (strcmp(argv[i], "--ocsp") == 0)
			server.ocsp_path = argv[i + 1];
		else if (strcmp(argv[i], "--secret") == 0)
			server.secret = argv[i + 1];
		else if (strcmp(argv[i], "--proxy") == 0)
			c->proxy_protocol = n != 0;
		else if (strcmp(argv[i], "--tls") == 0 && i + 2 < argc &&
			 server.ncerts < array_size(server.cert_path)) {
			server.cert_path[server.ncerts] = argv[i + 1];
			server.key_path[server.ncerts++] = argv[++i + 1];
		}
	}
}

static const struct http_ops ops = {.on_head = on_head,
	.on_request = on_request,
	.on_end = on_end,
	.on_refused = on_refused};

int
main(int argc, char **argv)
{
	_free_ char *cert = NULL, *key = NULL;
	struct fault why = {0};
	int r;

	options(argc, argv);
	(void)signal(SIGPIPE, SIG_IGN);
	if (loop_init(&server.loop) < 0)
		return 1;
	server.conf.is_unix = server.unix_path != NULL;
	server.conf.fd =
		server.unix_path ? listen_unix(server.unix_path) : listen_tcp();
	if (server.ncerts) {
		server.conf.tls_cert = cert = read_all(server.cert_path[0]);
		server.conf.tls_key = key = read_all(server.key_path[0]);
		server.conf.ticket_secret = slice_str(server.secret);
	}
	r = http_new(&server.http, &server.loop, &server.conf, &ops, &why);
	if (r == 0 && (server.ncerts > 1 || server.ocsp_path))
		r = set_certificates(&why);
	if (r < 0) {
		(void)fprintf(stderr, "%s\n", fault_text(&why, r));
		return 1;
	}
	(void)uv_signal_init(&server.loop.uv, &server.hup);
	(void)uv_signal_start(&server.hup, on_hup, SIGHUP);
	(void)uv_signal_init(&server.loop.uv, &server.term);
	(void)uv_signal_start(&server.term, on_term, SIGTERM);
	loop_run(&server.loop);
	server.http = http_free(server.http);
	server.trust = trust_free(server.trust);
	loop_done(&server.loop);
	(void)close(server.conf.fd);
	return 0;
}
