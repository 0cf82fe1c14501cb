/*
 * The server, its script, and the client's side; see http_driver.h.
 */
#include "tests/unit/http_driver.h"

#include "base/mem.h"
#include "base/sock.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

/* ---- the server ---- */

void
hang_up(struct peer *p)
{
	(void)uv_poll_stop(&p->poll);
	(void)close(p->fd);
	p->fd = -1;
}

/* The next piece of what it has to say. */
static void
say(struct peer *p)
{
	const struct line *l = p->line;
	size_t n = l->answer ? strlen(l->answer) - p->at : 0;

	if (l->piece)
		n = min(n, l->piece);
	if (n)
		assert_int_equal(write(p->fd, l->answer + p->at, n), n);
	p->at += n;
	if (l->answer && l->answer[p->at])
		return;
	p->line = NULL;
	if (l->close)
		hang_up(p);
}

/* A request that is whole goes from `in` to `seen`. */
static bool
has_request(struct peer *p)
{
	const char *end = p->in.len ? strstr(p->in.ptr, "\r\n\r\n") : NULL;
	const char *length = end ? strstr(p->in.ptr, "Content-Length: ") : NULL;
	size_t want;

	if (!end)
		return false;
	want = (size_t)(end + 4 - p->in.ptr);
	if (length)
		want += strtoul(length + 16, NULL, 10);
	if (strstr(p->in.ptr, "chunked\r\n")) {
		end = strstr(end, "\r\n0\r\n\r\n");
		if (!end)
			return false;
		want = (size_t)(end + 7 - p->in.ptr);
	}
	if (p->in.len < want)
		return false;
	buf_add(&p->server->seen, p->in.ptr, want);
	buf_drop(&p->in, want);
	return true;
}

static void
answer(struct peer *p)
{
	struct server *s = p->server;

	while (p->fd >= 0 && !s->mute && !p->line && has_request(p)) {
		p->line = &s->script[min(s->asked, s->lines - 1)];
		p->at = 0;
		s->asked++;
		say(p);
	}
}

/* A turn of the loop, and a piece of each answer. */
void
turn(struct fixture *f)
{
	loop_turn(&f->loop, false);
	for (size_t i = 0; i < f->server.connections; i++)
		if (f->server.peers[i].line)
			say(&f->server.peers[i]);
}

static void
hear(struct peer *p)
{
	char room[65536];
	ssize_t n = read(p->fd, room, sizeof(room));

	if (n < 0 && errno == EAGAIN)
		return;
	if (n <= 0) {
		hang_up(p);
		return;
	}
	buf_add(&p->in, room, (size_t)n);
	answer(p);
}

static void
on_peer(uv_poll_t *poll, int status, int events)
{
	(void)status, (void)events;
	hear(container_of(poll, struct peer, poll));
}

void
serve(struct fixture *f)
{
	for (size_t i = 0; i < f->server.connections; i++)
		if (f->server.peers[i].fd >= 0)
			hear(&f->server.peers[i]);
}

static void
on_connection(uv_poll_t *poll, int status, int events)
{
	struct server *s = container_of(poll, struct server, poll);
	struct peer *p = &s->peers[s->connections];

	(void)status, (void)events;
	p->server = s;
	p->fd = accept4(s->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	assert_true(p->fd >= 0);
	assert_true(s->connections++ < CONNECTIONS);
	buf_init(&p->in, SEEN_TOP);
	assert_int_equal(uv_poll_init_socket(&s->loop->uv, &p->poll, p->fd), 0);
	assert_int_equal(uv_poll_start(&p->poll, UV_READABLE, on_peer), 0);
}

void
play(struct fixture *f, const struct line *script, size_t lines)
{
	f->server.script = script;
	f->server.lines = lines;
}

/* ---- the client ---- */

static void
on_done(struct job *job)
{
	struct ask *a = container_of(job, struct ask, fetch.job);

	a->done++;
	a->err = job->err;
	(void)snprintf(a->why, sizeof(a->why), "%s", job->why.text);
}

static void
on_head(struct fetch *fetch)
{
	container_of(fetch, struct ask, fetch)->heads++;
}

static int
on_data(struct fetch *fetch, struct slice data)
{
	struct ask *a = container_of(fetch, struct ask, fetch);

	if (a->full)
		return FETCH_WAIT;
	buf_slice(&a->got, data);
	return 0;
}

static ssize_t
on_read(struct fetch *fetch, char *to, size_t room)
{
	struct ask *a = container_of(fetch, struct ask, fetch);
	size_t n = min(min(room, a->piece), strlen(a->body) - a->body_at);

	if (a->waits) {
		a->waits--;
		fetch_go_on(fetch);
		return FETCH_READ_WAIT;
	}
	memcpy(to, a->body + a->body_at, n);
	a->body_at += n;
	return (ssize_t)n;
}

static const struct fetch_stream stream = {on_head, on_data, on_read};

static void
put_host(void *owner, struct buf *to)
{
	(void)owner;
	buf_str(to, "Host: h\r\n");
}

struct ask *
begin(struct fixture *f, size_t i, struct http_ask how)
{
	struct ask *a = &f->asks[i];

	if (a->got.ceiling) {
		fetch_done(&a->fetch);
		buf_done(&a->got);
	}
	a->done = a->heads = 0;
	a->err = 0;
	buf_init(&a->got, SEEN_TOP);
	job_init(&a->fetch.job, on_done);
	how.put_headers = put_host;
	how.stream = &stream;
	if (!how.target.len)
		how.target = SLICE("/a?b");
	http_client_ask(f->client, &a->fetch, &how);
	assert_int_equal(a->done, 0);
	return a;
}

void
finish(struct fixture *f, const struct ask *a)
{
	while (!a->done)
		turn(f);
	assert_int_equal(a->done, 1);
}

struct ask *
get(struct fixture *f, size_t i)
{
	struct ask *a = begin(f, i, (struct http_ask){.method = "GET"});

	finish(f, a);
	return a;
}

void
assert_got(const struct ask *a, int status, const char *body)
{
	assert_string_equal(a->why, "");
	assert_int_equal(a->err, 0);
	assert_int_equal(a->fetch.status, status);
	assert_int_equal(a->heads, 1);
	assert_string_equal(a->got.ptr ? a->got.ptr : "", body);
}

void
open_client(struct fixture *f, unsigned connections)
{
	char address[64];
	struct fault why;

	f->client = http_client_free(f->client);
	assert_int_equal(sock_name(f->server.fd, address, sizeof(address)), 0);
	assert_int_equal(http_client_new(&f->client, &f->loop,
				 &(struct http_client_conf){
					 .authority = slice_str(address),
					 .connections = connections,
					 .connect_ms = 5000},
				 &why),
		0);
}

int
http_driver_up(void **state)
{
	struct fixture *f = mem_new(struct fixture);
	struct server *s = &f->server;
	struct fault why;

	if (loop_init(&f->loop) < 0)
		return -1;
	s->loop = &f->loop;
	buf_init(&s->seen, SEEN_TOP);
	if (sock_listen("127.0.0.1:0", 16, &s->fd, &why) < 0 ||
		uv_poll_init_socket(&f->loop.uv, &s->poll, s->fd) < 0 ||
		uv_poll_start(&s->poll, UV_READABLE, on_connection) < 0)
		return -1;
	open_client(f, 4);
	*state = f;
	return 0;
}

int
http_driver_down(void **state)
{
	struct fixture *f = *state;

	for (size_t i = 0; i < ASKS; i++)
		if (f->asks[i].got.ceiling) {
			fetch_done(&f->asks[i].fetch);
			buf_done(&f->asks[i].got);
		}
	f->client = http_client_free(f->client);
	loop_done(&f->loop);
	for (size_t i = 0; i < f->server.connections; i++) {
		if (f->server.peers[i].fd >= 0)
			(void)close(f->server.peers[i].fd);
		buf_done(&f->server.peers[i].in);
	}
	(void)close(f->server.fd);
	buf_done(&f->server.seen);
	(void)mem_free(f);
	return 0;
}
