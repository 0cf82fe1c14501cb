/*
 * One connection, one buffer: a request is complete when its head and the
 * Content-Length are there.  Connections are kept, as WeChat's are.
 */
#include "tests/unit/fake_wechat.h"

#include "base/mem.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct connection {
	struct list on;
	uv_tcp_t tcp;
	struct fake *fake;
	struct buf in;
	bool closing;
};

struct reply {
	uv_write_t write;
	struct buf text;
	struct connection *close; /* after it */
};

static void
must(bool ok)
{
	if (!ok)
		abort();
}

static void
on_closed(uv_handle_t *handle)
{
	struct connection *c = container_of(handle, struct connection, tcp);

	buf_done(&c->in);
	free(c);
}

static void
connection_close(struct connection *c)
{
	if (c->closing)
		return;
	c->closing = true;
	list_del(&c->on);
	uv_close((uv_handle_t *)&c->tcp, on_closed);
}

static void
on_written(uv_write_t *write, int status)
{
	struct reply *r = container_of(write, struct reply, write);

	(void)status;
	if (r->close)
		connection_close(r->close);
	buf_done(&r->text);
	free(r);
}

static void
reply_send(struct connection *c, struct reply *r)
{
	uv_buf_t bytes;

	if (c->fake->mode == FAKE_CUT) {
		r->text.len /= 2;
		r->close = c;
	}
	bytes = uv_buf_init(r->text.ptr, (unsigned)r->text.len);
	must(uv_write(&r->write, (uv_stream_t *)&c->tcp, &bytes, 1,
		     on_written) == 0);
}

static void
request_take(struct connection *c, const struct fake_request *request)
{
	struct fake *f = c->fake;
	struct reply *r = mem_new(struct reply);

	f->requests++;
	buf_init(&r->text, 1024 * 1024);
	f->answer(f, request, &r->text);
	must(r->text.len > 0);
	if (f->mode == FAKE_ANSWER || f->mode == FAKE_CUT) {
		reply_send(c, r);
		return;
	}
	if (f->mode == FAKE_CLOSE)
		connection_close(c);
	buf_done(&r->text);
	free(r);
}

struct slice
fake_header(const struct fake_request *r, const char *name)
{
	struct slice rest = r->head, line, key;

	while (slice_split(&rest, '\n', &line)) {
		if (slice_split(&line, ':', &key) &&
			slice_is_nocase(key, name)) {
			if (line.len && line.ptr[line.len - 1] == '\r')
				line.len--;
			return slice_trim(line);
		}
	}
	return slice_of("", 0);
}

struct slice
fake_param(const struct fake_request *r, const char *name)
{
	struct slice rest = r->target, part, key;

	(void)slice_split(&rest, '?', &part);
	while (slice_split(&rest, '&', &part))
		if (slice_split(&part, '=', &key) && slice_is(key, name))
			return part;
	return slice_of("", 0);
}

static bool
request_cut(struct connection *c)
{
	char *end =
		c->in.len ? memmem(c->in.ptr, c->in.len, "\r\n\r\n", 4) : NULL;
	struct fake_request r = {0};
	struct slice line;
	uint64_t len = 0;
	size_t head;

	if (!end)
		return false;
	head = (size_t)(end - c->in.ptr) + 4;
	r.head = slice_of(c->in.ptr, head);
	line = r.head;
	must(slice_split(&line, ' ', &r.method));
	must(slice_split(&line, ' ', &r.target));
	if (fake_header(&r, "Content-Length").len)
		must(slice_to_u64(fake_header(&r, "Content-Length"), 1 << 20,
			     &len) == 0);
	if (c->in.len < head + len)
		return false;
	r.body = slice_of(c->in.ptr + head, len);
	request_take(c, &r);
	if (!c->closing)
		buf_drop(&c->in, head + len);
	return !c->closing;
}

static void
on_alloc(uv_handle_t *handle, size_t size, uv_buf_t *ret)
{
	struct connection *c = container_of(handle, struct connection, tcp);

	(void)size;
	*ret = uv_buf_init(buf_reserve(&c->in, 65536), 65536);
}

static void
on_read(uv_stream_t *stream, ssize_t len, const uv_buf_t *bytes)
{
	struct connection *c = container_of(stream, struct connection, tcp);

	(void)bytes;
	if (len < 0) {
		connection_close(c);
		return;
	}
	buf_grown(&c->in, (size_t)len);
	while (request_cut(c))
		;
}

static void
on_connection(uv_stream_t *stream, int status)
{
	struct fake *f = container_of(stream, struct fake, listener);
	struct connection *c = mem_new(struct connection);

	must(status == 0);
	c->fake = f;
	buf_init(&c->in, 4 * 1024 * 1024);
	list_add(&f->connections, &c->on);
	must(uv_tcp_init(&f->loop->uv, &c->tcp) == 0);
	must(uv_accept(stream, (uv_stream_t *)&c->tcp) == 0);
	must(uv_read_start((uv_stream_t *)&c->tcp, on_alloc, on_read) == 0);
}

void
fake_start(struct fake *f, struct loop *loop,
	void (*answer)(
		struct fake *, const struct fake_request *, struct buf *))
{
	struct sockaddr_in at = {.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int len = sizeof(at);

	memset(f, 0, sizeof(*f));
	f->loop = loop;
	f->answer = answer;
	list_init(&f->connections);
	must(uv_tcp_init(&loop->uv, &f->listener) == 0);
	must(uv_tcp_bind(&f->listener, (struct sockaddr *)&at, 0) == 0);
	must(uv_listen((uv_stream_t *)&f->listener, 64, on_connection) == 0);
	must(uv_tcp_getsockname(&f->listener, (struct sockaddr *)&at, &len) ==
		0);
	(void)snprintf(f->base, sizeof(f->base), "http://127.0.0.1:%d",
		ntohs(at.sin_port));
}

void
fake_stop(struct fake *f)
{
	struct connection *c;

	while ((c = list_first(&f->connections, struct connection, on)))
		connection_close(c);
	if (!uv_is_closing((uv_handle_t *)&f->listener))
		uv_close((uv_handle_t *)&f->listener, NULL);
	loop_turn(f->loop, false);
}

void
fake_say(struct buf *to, int status, const char *headers, struct slice body)
{
	buf_printf(to,
		"HTTP/1.1 %d x\r\nContent-Type: text/plain\r\n%s"
		"Content-Length: %zu\r\n\r\n",
		status, headers, body.len);
	buf_slice(to, body);
}
