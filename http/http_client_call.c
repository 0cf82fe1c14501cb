/*
 * One request out, one answer in.
 *
 * Whatever ends a request is the last thing that its function does: the struct
 * call may be somebody else's by then.  Those functions say whether it goes on.
 */
#include "http/http_client_inside.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

enum {
	HEAD_OUT_TOP = 4 * 1024 * 1024,
	HEAD_USUAL = 1024, /* so that it does not grow in steps */
	PIECE = 32 * 1024,
	CHUNK_HEAD = 6, /* "8000\r\n" */
	INTERIM_TOP = 16,
	READS_TOP = 4 /* in a row, before others have their turn */
};

/* --- the request --------------------------------------------------------- */

static void
put_framing(struct buf *to, const struct http_ask *ask)
{
	if (ask->length < 0) {
		buf_str(to, "Transfer-Encoding: chunked\r\n");
		return;
	}
	if (!ask->length && !ask->body.len &&
		strcmp(ask->method, "POST") != 0 &&
		strcmp(ask->method, "PUT") != 0)
		return;
	buf_str(to, "Content-Length: ");
	buf_i64(to, ask->length ? ask->length : (int64_t)ask->body.len);
	buf_str(to, "\r\n");
}

void
call_begin(struct call *c, const struct http_ask *ask)
{
	struct buf *out = &c->out;

	out->ceiling = HEAD_OUT_TOP + ask->body.len;
	buf_clear(out);
	(void)buf_reserve(out, HEAD_USUAL);
	buf_str(out, ask->method);
	buf_char(out, ' ');
	buf_slice(out, ask->target);
	buf_str(out, " HTTP/1.1\r\n");
	ask->put_headers(ask->owner, out);
	put_framing(out, ask);
	buf_str(out, "\r\n");
	buf_slice(out, ask->body);
	c->out_at = 0;
	c->left = ask->length;
	c->chunked = ask->length < 0;
	c->told = ask->length == 0;
	c->once = ask->once;
	c->upgrade = ask->upgrade;
	c->is_head = strcmp(ask->method, "HEAD") == 0;
	c->read = c->deaf = c->waits = c->fresh = false;
	c->phase = CALL_HEAD;
	c->seen = 0;
	c->interim = 0;
	c->chunk = (struct http_chunk){0};
}

/* The next piece of a body that is read: 1; 0: none now; or an error. */
static int
call_fill(struct call *c)
{
	size_t frame = c->chunked ? CHUNK_HEAD : 0;
	size_t room = c->chunked ? PIECE : (size_t)min(c->left, PIECE);
	struct buf *out = &c->out;
	char head[24], *to;
	ssize_t n;

	if (c->told)
		return 0;
	if (c->read) { /* else it holds what may be sent again */
		buf_clear(out);
		c->out_at = 0;
	}
	to = buf_reserve(out, room + CHUNK_HEAD + 2);
	if (!to)
		return ERR_TOO_BIG;
	n = c->fetch->stream->read(c->fetch, to + frame, room);
	if (n == FETCH_READ_WAIT)
		return 0;
	if (n < 0 || (size_t)n > room || (n == 0 && !c->chunked))
		return ERR_UPSTREAM;
	c->read = true;
	if (n == 0) {
		c->told = true;
		buf_str(out, "0\r\n\r\n");
		return 1;
	}
	if (c->chunked) {
		(void)snprintf(head, sizeof(head), "%04zx\r\n", (size_t)n);
		memcpy(to, head, CHUNK_HEAD);
	} else {
		c->left -= n;
		c->told = c->left == 0;
	}
	buf_grown(out, frame + (size_t)n);
	if (c->chunked)
		buf_str(out, "\r\n");
	return 1;
}

static bool
is_sent(const struct call *c)
{
	return c->told && c->out_at == c->out.len;
}

static void
call_listen(struct call *c)
{
	bool blocked = c->out_at < c->out.len && !c->deaf;

	wire_listen(c->wire,
		(c->waits ? 0 : UV_READABLE) | (blocked ? UV_WRITABLE : 0));
}

/* On a new connection, if that can do no harm. */
static bool
call_again(struct call *c)
{
	struct wire *w = c->wire;

	if (!w->kept || w->heard || c->read || (c->fetch->sent && c->once))
		return false;
	wire_close(w);
	c->out_at = 0;
	c->deaf = false;
	c->fresh = true;
	(void)client_place(c);
	return true;
}

/* The answer is whole.  What is left of the request is sent, too, when the
 * server seems to want it. */
static bool
call_over(struct call *c)
{
	c->phase = CALL_OVER;
	if (is_sent(c) || c->deaf || c->head.status >= 400) {
		call_done(c);
		return false;
	}
	call_listen(c);
	return true;
}

/* The server takes no more; it may have said why. */
static bool
call_cut(struct call *c)
{
	if (call_again(c))
		return false;
	c->deaf = true;
	if (c->phase == CALL_OVER)
		return call_over(c);
	call_listen(c);
	return true;
}

bool
call_send(struct call *c)
{
	for (;;) {
		ssize_t n;

		if (c->deaf)
			return true;
		if (c->out_at == c->out.len) {
			int r = call_fill(c);

			if (r < 0) {
				(void)fault_set(&c->fetch->job.why, r,
					"the request's body ended early");
				call_fail(c, r);
				return false;
			}
			if (r == 0)
				break;
		}
		n = send(c->wire->fd, c->out.ptr + c->out_at,
			c->out.len - c->out_at, MSG_NOSIGNAL);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN)
			break;
		if (n < 0)
			return call_cut(c);
		c->fetch->sent = true;
		c->out_at += (size_t)n;
	}
	if (c->phase == CALL_OVER && is_sent(c))
		return call_over(c);
	call_listen(c);
	return true;
}

/* --- the answer ---------------------------------------------------------- */

static int
eat_head(struct call *c, struct slice *in)
{
	struct fetch *fetch = c->fetch;
	struct fault *why = &fetch->job.why;
	ssize_t n = http_head_read(&c->head, *in, &c->seen, c->is_head, why);

	if (n <= 0)
		return n < 0 ? (int)n : EAT_MORE;
	c->seen = 0;
	if (c->head.status == 101 && !(c->upgrade && is_sent(c)))
		return fault_set(
			why, ERR_UPSTREAM, "it switches protocols unasked");
	if (c->head.status < 200 && c->head.status != 101) {
		in->ptr += n;
		in->len -= (size_t)n;
		if (++c->interim > INTERIM_TOP)
			return fault_set(why, ERR_UPSTREAM,
				"its answer does not come after %d interim "
				"ones",
				INTERIM_TOP);
		return EAT_ON;
	}
	fetch->status = c->head.status;
	fetch->length = c->head.length;
	buf_add(&fetch->headers, in->ptr, (size_t)n);
	in->ptr += n;
	in->len -= (size_t)n;
	c->body_left = (uint64_t)max(c->head.length, 0);
	c->phase = c->head.body == HTTP_BODY_NONE ? CALL_OVER : CALL_BODY;
	fetch->headed = true;
	fetch->stream->on_head(fetch);
	return EAT_ON;
}

static int
eat_chunk(struct call *c, struct slice *in)
{
	struct fetch *fetch = c->fetch;
	struct http_chunk was = c->chunk;
	struct slice rest = *in, data;
	int r = http_chunk_next(&c->chunk, &rest, &data, &fetch->job.why);

	if (r < 0)
		return r;
	if (data.len) {
		int e = fetch->stream->on_data(fetch, data);

		if (e == FETCH_WAIT)
			c->chunk = was;
		if (e)
			return e == FETCH_WAIT ? EAT_WAIT : e;
	}
	*in = rest;
	if (r == 1)
		c->phase = CALL_OVER;
	return EAT_ON;
}

static int
eat_body(struct call *c, struct slice *in)
{
	struct fetch *fetch = c->fetch;
	struct slice data = *in;
	int e;

	if (!in->len)
		return EAT_MORE;
	if (c->head.body == HTTP_BODY_CHUNKED)
		return eat_chunk(c, in);
	if (c->head.body == HTTP_BODY_LENGTH)
		data.len = (size_t)min(c->body_left, data.len);
	data.len = min(data.len, (size_t)READ_TOP);
	e = fetch->stream->on_data(fetch, data);
	if (e)
		return e == FETCH_WAIT ? EAT_WAIT : e;
	in->ptr += data.len;
	in->len -= data.len;
	if (c->head.body == HTTP_BODY_LENGTH) {
		c->body_left -= data.len;
		if (!c->body_left)
			c->phase = CALL_OVER;
	}
	return EAT_ON;
}

/* What has come, as far as it goes. */
static int
eat(struct call *c, struct slice *in)
{
	int r = EAT_ON;

	while (r == EAT_ON && c->phase != CALL_OVER)
		r = c->phase == CALL_HEAD ? eat_head(c, in) : eat_body(c, in);
	return r;
}

/* Bytes came, or the caller wants those that wait. */
static bool
call_take(struct call *c, struct slice data)
{
	struct wire *w = c->wire;
	struct slice in = data;
	int r;

	if (w->in.len) {
		buf_slice(&w->in, data);
		in = buf_all(&w->in);
		r = eat(c, &in);
		buf_drop(&w->in, w->in.len - in.len);
	} else {
		r = eat(c, &in);
		buf_slice(&w->in, in);
	}
	if (r >= 0 && buf_check(&w->in) < 0)
		r = ERR_ANSWER_BIG;
	if (r < 0) {
		call_fail(c, r);
		return false;
	}
	if (c->phase == CALL_OVER)
		return call_over(c);
	c->waits = r == EAT_WAIT;
	return true;
}

/* The connection has ended. */
static void
call_ended(struct call *c, int err)
{
	struct fault *why = &c->fetch->job.why;

	c->deaf = true;
	if (c->phase == CALL_OVER || (c->phase == CALL_BODY && !err &&
					     c->head.body == HTTP_BODY_CLOSE)) {
		(void)call_over(c);
		return;
	}
	if (call_again(c))
		return;
	(void)fault_set(why, ERR_UPSTREAM, "%s%s%s",
		c->wire->heard ? "its answer broke off"
			       : "it closed the connection without an answer",
		err ? ": " : "", err ? strerror(err) : "");
	call_fail(c, ERR_UPSTREAM);
}

void
call_receive(struct call *c)
{
	struct wire *w = c->wire;
	char *room = c->client->room;

	for (int i = 0; i < READS_TOP && !c->waits; i++) {
		ssize_t n = recv(w->fd, room, READ_TOP, 0);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN)
			break;
		if (n <= 0) {
			call_ended(c, n < 0 ? errno : 0);
			return;
		}
		w->heard = true;
		if (!call_take(c, slice_of(room, (size_t)n)))
			return;
		if (n < READ_TOP)
			break;
	}
	call_listen(c);
}

void
call_resume(struct call *c)
{
	if (!c->wire || c->wire->connecting)
		return;
	if (c->waits) {
		c->waits = false;
		if (!call_take(c, SLICE("")))
			return;
		call_listen(c);
	}
	if (!c->told)
		(void)call_send(c);
}
