/*
 * Connections of the admin socket, on libuv's pipes.  A connection's commands
 * are carried out one after the other; while one runs nothing more is read, so
 * a connection holds one line and one answer at the most.
 */
#include "src/admin_server.h"

#include "base/event.h"
#include "base/mem.h"
#include "base/sock.h"
#include "src/admin_call.h"
#include "src/supervisor.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
	CONNECTIONS_TOP = 32,
	BACKLOG = 16,
	READ_SIZE = 4096,
	ANSWER_TOP = 16 * 1024 * 1024,
	IDLE_MS = 60000,
};

struct admin_server {
	uv_pipe_t pipe;
	struct supervisor *sup;
	struct list conns;
	unsigned count;
	char *path;
};

struct conn {
	uv_pipe_t pipe;
	struct list on; /* server's conns */
	struct admin_server *server;
	struct admin_call call;
	struct timer idle;
	struct buf in;
	bool busy, closing, last; /* last: close once the answer is written */
	char room[READ_SIZE];
};

struct answer {
	uv_write_t write;
	struct conn *conn;
	struct buf text;
};

static void next_line(struct conn *c);

static void
on_closed(uv_handle_t *handle)
{
	struct conn *c = container_of(handle, struct conn, pipe);

	buf_done(&c->in);
	free(c);
}

static void
conn_close(struct conn *c)
{
	if (c->closing)
		return;
	c->closing = true;
	timer_clear(&c->idle);
	admin_call_done(&c->call);
	list_del(&c->on);
	c->server->count--;
	uv_close((uv_handle_t *)&c->pipe, on_closed);
}

static void
on_idle(struct timer *t)
{
	conn_close(container_of(t, struct conn, idle));
}

static void
on_written(uv_write_t *write, int status)
{
	struct answer *a = container_of(write, struct answer, write);
	struct conn *c = a->conn;

	buf_done(&a->text);
	free(a);
	if (c->closing)
		return;
	if (status < 0 || c->last)
		conn_close(c);
	else
		next_line(c);
}

static void
on_answer(struct admin_call *call, json_t *v)
{
	struct conn *c = container_of(call, struct conn, call);
	struct answer *a = mem_new(struct answer);
	uv_buf_t out;

	a->conn = c;
	buf_init(&a->text, ANSWER_TOP);
	val_put(&a->text, v);
	buf_char(&a->text, '\n');
	json_decref(v);
	c->busy = false;
	out = uv_buf_init(a->text.ptr, (unsigned)a->text.len);
	if (uv_write(&a->write, (uv_stream_t *)&c->pipe, &out, 1, on_written) <
		0) {
		buf_done(&a->text);
		free(a);
		conn_close(c);
	}
}

static void
on_room(uv_handle_t *handle, size_t size, uv_buf_t *ret)
{
	struct conn *c = container_of(handle, struct conn, pipe);

	(void)size;
	*ret = uv_buf_init(c->room, sizeof(c->room));
}

static void
on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *room)
{
	struct conn *c = container_of(stream, struct conn, pipe);

	if (n < 0) {
		conn_close(c);
		return;
	}
	buf_add(&c->in, room->base, (size_t)n);
	next_line(c);
}

static void
refuse(struct conn *c, int err, const struct fault *why)
{
	on_answer(&c->call, admin_error(err, why, NULL));
}

/* Nothing more is read until the answer is written. */
static void
hold(struct conn *c)
{
	c->busy = true;
	timer_clear(&c->idle);
	(void)uv_read_stop((uv_stream_t *)&c->pipe);
}

static void
carry_out(struct conn *c, struct slice line)
{
	struct admin_ask ask;
	struct fault why = {0};
	int r = admin_parse(&ask, line, &why);

	hold(c);
	if (r < 0)
		refuse(c, r, &why);
	else
		admin_call_start(&c->call, &ask);
}

static void
next_line(struct conn *c)
{
	struct slice all = buf_all(&c->in);
	const char *end = memchr(all.ptr, '\n', all.len);

	if (c->busy || c->closing)
		return;
	if (end) {
		_free_ char *line = str_ndup(all.ptr, (size_t)(end - all.ptr));
		size_t len = (size_t)(end - all.ptr);

		buf_drop(&c->in, len + 1);
		carry_out(c, slice_of(line, len));
	} else if (c->in.full || c->in.len > ADMIN_LINE_TOP) {
		struct fault why = {0};
		int r = fault_set(&why, ERR_TOO_BIG,
			"a line is %d bytes at most", (int)ADMIN_LINE_TOP);

		c->last = true;
		hold(c);
		refuse(c, r, &why);
	} else {
		timer_set(&c->idle, &c->server->sup->loop, IDLE_MS, on_idle);
		(void)uv_read_start((uv_stream_t *)&c->pipe, on_room, on_read);
	}
}

static bool
is_operator(struct conn *c)
{
	uv_os_fd_t fd;
	uid_t uid;

	if (uv_fileno((uv_handle_t *)&c->pipe, &fd) < 0 ||
		sock_peer_uid(fd, &uid) < 0)
		return false;
	return uid == 0 || uid == geteuid();
}

static void
on_connection(uv_stream_t *stream, int status)
{
	struct admin_server *as =
		container_of(stream, struct admin_server, pipe);
	struct conn *c;

	if (status < 0)
		return;
	c = mem_new(struct conn);
	c->server = as;
	buf_init(&c->in, ADMIN_LINE_TOP + READ_SIZE);
	admin_call_init(&c->call, as->sup, on_answer);
	list_add(&as->conns, &c->on);
	as->count++;
	(void)uv_pipe_init(&as->sup->loop.uv, &c->pipe, 0);
	if (uv_accept(stream, (uv_stream_t *)&c->pipe) < 0 ||
		as->count > CONNECTIONS_TOP || !is_operator(c))
		conn_close(c);
	else
		next_line(c);
}

int
admin_server_open(
	struct admin_server **ret, struct supervisor *sup, struct fault *why)
{
	_free_ char *path = str_printf("%s/admin.sock", sup->run_dir);
	struct admin_server *as;
	int fd, r = sock_listen_unix(
			path, 0600, (uid_t)-1, (gid_t)-1, &fd, why);

	if (r < 0)
		return r;
	as = mem_new(struct admin_server);
	as->sup = sup;
	as->path = take(path);
	list_init(&as->conns);
	(void)uv_pipe_init(&sup->loop.uv, &as->pipe, 0);
	r = uv_pipe_open(&as->pipe, fd);
	if (r == 0)
		r = uv_listen((uv_stream_t *)&as->pipe, BACKLOG, on_connection);
	*ret = as; /* closed by the caller in either case */
	return r < 0 ? fault_set(why, r, "%s: %s", as->path, uv_strerror(r))
		     : 0;
}

static void
on_server_closed(uv_handle_t *handle)
{
	free(container_of(handle, struct admin_server, pipe));
}

struct admin_server *
admin_server_close(struct admin_server *as)
{
	list_for_each_safe (at, &as->conns)
		conn_close(container_of(at, struct conn, on));
	(void)unlink(as->path);
	as->path = mem_free(as->path);
	uv_close((uv_handle_t *)&as->pipe, on_server_closed);
	return NULL;
}
