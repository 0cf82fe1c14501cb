/*
 * The worker's socket: frames in become calls of main.js, what it says becomes
 * frames.  Frames leave at the end of a turn in one write, a log line at once
 * (it survives a crash one line later).  With one invocation at a time its
 * answer is written before the next begins: the gateway may then give those
 * that have not begun to another worker.
 */
#include "functions/script_inside.h"

#include "base/err.h"
#include "base/mem.h"
#include "functions/proto.h"
#include "functions/worker.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
	CHUNK = 64 * 1024,
	KEEP = 1024 * 1024, /* a larger buffer is not kept */
	OUT_TURN = 1024 * 1024,
	CONTEXT_TOP = 1024 * 1024,
	/* three bytes a unit are reserved before they are counted */
	OUT_TOP = OUT_TURN + 4 * WORKER_FRAME_TOP
};

/* An invocation that has not begun. */
struct waiting {
	struct list on;
	uint32_t id;
	size_t len;
	char body[];
};

void
script_frames_init(struct script *s, int fd)
{
	s->fd = fd;
	buf_init(&s->in, FRAME_HEAD + WORKER_FRAME_TOP + 2 * CHUNK);
	buf_init(&s->out, OUT_TOP);
	buf_init(&s->context, CONTEXT_TOP);
	s->running = mem_array(s->concurrency, uint32_t);
	/* READY says that the engine runs and allocates in this process. */
	script_call(s, ENTRY_ON_IDLE, 0, NULL);
	frame_put(&s->out, PROTO_READY, 0, SLICE(""));
	script_flush(s);
}

static void
shrink(struct buf *b)
{
	size_t ceiling = b->ceiling;

	if (b->len > 0 || b->room <= KEEP)
		return;
	buf_done(b);
	buf_init(b, ceiling);
}

void
script_flush(struct script *s)
{
	size_t at = 0;

	if (s->out.len == 0)
		return;
	while (at < s->out.len) {
		ssize_t n = send(
			s->fd, s->out.ptr + at, s->out.len - at, MSG_NOSIGNAL);

		if (n >= 0)
			at += (size_t)n;
		else if (errno != EINTR)
			_exit(EXIT_SUCCESS); /* the gateway has gone */
	}
	buf_clear(&s->out);
	shrink(&s->out);
}

static struct buf *
out_begin(struct script *s)
{
	if (s->out.len > OUT_TURN)
		script_flush(s);
	return &s->out;
}

/* Frames in */

static int
begin(struct script *s, uint32_t id, struct slice body)
{
	struct getter g = getter_of(body);
	uint32_t ms = get_u32(&g);
	struct slice context = get_bytes(&g), event = get_rest(&g);
	JSValueRef v[4];
	int r = get_end(&g);

	if (r < 0)
		return r;
	s->running[s->nrunning++] = id;
	if (!s->context.len)
		buf_slice(&s->context, context);
	v[0] = js_number(s->js, id);
	v[1] = js_text(s->js, context);
	v[2] = js_text(s->js, event.len ? event : SLICE("{}"));
	v[3] = js_number(s->js, ms);
	script_call(s, ENTRY_INVOKE, array_size(v), v);
	return 0;
}

static int
take_invoke(struct script *s, const struct frame *f)
{
	struct waiting *w;

	if (s->nrunning < s->concurrency && list_empty(&s->queue))
		return begin(s, f->id, f->body);
	w = mem_alloc(sizeof(*w) + f->body.len);
	w->id = f->id;
	w->len = f->body.len;
	memcpy(w->body, f->body.ptr, f->body.len);
	list_add(&s->queue, &w->on);
	return 0;
}

bool
script_may_begin(const struct script *s)
{
	return s->nrunning < s->concurrency && !list_empty(&s->queue);
}

void
script_begin(struct script *s)
{
	while (script_may_begin(s)) {
		struct waiting *w = list_first(&s->queue, struct waiting, on);
		int r = begin(s, w->id, slice_of(w->body, w->len));

		list_del(&w->on);
		free(w);
		if (r < 0)
			_exit(EXIT_FAILURE);
	}
}

static int
take_frame(struct script *s, const struct frame *f)
{
	JSValueRef v[2];

	switch (f->type) {
	case PROTO_INVOKE:
		return take_invoke(s, f);
	case PROTO_REPLY:
		v[0] = js_number(s->js, f->id);
		v[1] = js_text(s->js, f->body);
		script_call(s, ENTRY_ON_REPLY, array_size(v), v);
		return 0;
	case PROTO_DRAIN:
		s->draining = true;
		return 0;
	default:
		return ERR_FORMAT;
	}
}

/* Nothing of ours reads the socket while JavaScript runs, so a body stays where
 * it is for as long as its frame is being dealt with. */
static int
take_all(struct script *s)
{
	struct slice left = buf_all(&s->in);
	struct frame f;
	int r;

	while ((r = frame_cut(&left, WORKER_FRAME_TOP, &f)) == 1) {
		r = take_frame(s, &f);
		if (r < 0)
			return r;
	}
	buf_drop(&s->in, s->in.len - left.len);
	shrink(&s->in);
	return r < 0 ? r : 1;
}

int
script_read(struct script *s, bool wait)
{
	char *at = buf_reserve(&s->in, CHUNK);
	ssize_t n;

	if (!at)
		return ERR_TOO_BIG;
	do
		n = recv(s->fd, at, CHUNK, wait ? 0 : MSG_DONTWAIT);
	while (n < 0 && errno == EINTR);
	if (n < 0 && errno == EAGAIN)
		return 1;
	if (n <= 0)
		return n < 0 ? -errno : 0;
	buf_grown(&s->in, (size_t)n);
	return take_all(s);
}

/* Frames out */

/* A whole frame of text; false: larger than `top`, and nothing is written. */
static bool
put_text(struct script *s, uint8_t type, uint32_t id, JSValueRef text,
	size_t top)
{
	struct buf *out = out_begin(s);
	size_t before = out->len, mark = frame_begin(out, type, id);

	if (js_utf8(s->js, text, out) && out->len - mark <= top) {
		frame_end(out, mark);
		return true;
	}
	out->len = before;
	out->full = false;
	return false;
}

/* Its place among those that run; nrunning: it is none of them. */
static size_t
find_running(const struct script *s, uint32_t id)
{
	size_t i = 0;

	while (i < s->nrunning && s->running[i] != id)
		i++;
	return i;
}

static void
finish(struct script *s, size_t i)
{
	s->running[i] = s->running[--s->nrunning];
	if (s->concurrency == 1)
		script_flush(s);
}

static JSValueRef
host_fail(struct script *s, const JSValueRef *v, JSValueRef *exc)
{
	uint32_t id = js_u32(s->js, v[0]);
	size_t i = find_running(s, id);

	(void)exc;
	if (i == s->nrunning)
		return JSValueMakeUndefined(s->js);
	if (!put_text(s, PROTO_ERROR, id, v[1], WORKER_RESULT_TOP))
		frame_put(out_begin(s), PROTO_ERROR, id,
			SLICE("{\"code\":\"FUNCTIONS_EXECUTE_FAIL\","
			      "\"message\":\"the error is larger than 16 "
			      "MiB\"}"));
	finish(s, i);
	return JSValueMakeUndefined(s->js);
}

static JSValueRef
host_result(struct script *s, const JSValueRef *v, JSValueRef *exc)
{
	uint32_t id = js_u32(s->js, v[0]);
	size_t i = find_running(s, id);

	if (i == s->nrunning)
		return JSValueMakeUndefined(s->js);
	if (!put_text(s, PROTO_RESULT, id, v[1], WORKER_RESULT_TOP))
		return js_throw(s->js, exc, "ERR_OUT_OF_RANGE",
			"the return value is larger than 16 MiB");
	finish(s, i);
	return JSValueMakeUndefined(s->js);
}

/* Not cut inside a character. */
static size_t
cut(struct slice s, size_t top)
{
	if (s.len <= top)
		return s.len;
	while (top > 0 && ((unsigned char)s.ptr[top] & 0xc0) == 0x80)
		top--;
	return top;
}

static void
print(unsigned level, struct slice text)
{
	(void)fprintf(level >= 2 ? stderr : stdout, "%.*s\n", SLICE_ARG(text));
	(void)fflush(level >= 2 ? stderr : stdout);
}

static JSValueRef
host_log(struct script *s, const JSValueRef *v, JSValueRef *exc)
{
	unsigned level = min(js_u32(s->js, v[1]), 3u);
	struct buf text _buf_ = {0};
	size_t mark;

	buf_init(&text, 3 * KEEP);
	if (!js_utf8(s->js, v[2], &text))
		return js_throw(s->js, exc, NULL, "a line is too long");
	if (s->fd < 0) { /* nobody to send frames to: the keeper reads these */
		if (!s->warming)
			print(level, buf_all(&text));
		return JSValueMakeUndefined(s->js);
	}
	mark = frame_begin(out_begin(s), PROTO_LOG, js_u32(s->js, v[0]));
	put_u8(&s->out, (uint8_t)level);
	buf_add(&s->out, text.ptr, cut(buf_all(&text), PROTO_LOG_TOP - 1));
	frame_end(&s->out, mark);
	script_flush(s);
	return JSValueMakeUndefined(s->js);
}

static JSValueRef
host_call(struct script *s, const JSValueRef *v, JSValueRef *exc)
{
	struct buf *out = out_begin(s);
	size_t before = out->len, mark;

	if (s->warming) {
		s->asked = js_u32(s->js, v[0]);
		return JSValueMakeUndefined(s->js);
	}
	if (s->fd < 0)
		return js_throw(s->js, exc, NULL,
			"mpcloud: only while the function runs");
	mark = frame_begin(out, PROTO_CALL, js_u32(s->js, v[0]));
	put_u32(out, js_u32(s->js, v[1]));
	if (js_utf8(s->js, v[2], out) && out->len - mark <= PROTO_CALL_TOP) {
		frame_end(out, mark);
		return JSValueMakeUndefined(s->js);
	}
	out->len = before;
	out->full = false;
	return js_throw(s->js, exc, "ERR_OUT_OF_RANGE",
		"a call of the cloud is larger than 17 MiB");
}

/* Said before the answer of what runs: the gateway then sends no more, and what
 * has not begun goes to others. */
static JSValueRef
host_leaving(struct script *s, const JSValueRef *v, JSValueRef *exc)
{
	(void)v;
	(void)exc;
	if (s->fd >= 0)
		frame_put(out_begin(s), PROTO_LEAVING, 0, SLICE(""));
	return JSValueMakeUndefined(s->js);
}

static JSValueRef
host_exit(struct script *s, const JSValueRef *v, JSValueRef *exc)
{
	(void)exc;
	if (s->fd >= 0)
		script_flush(s);
	(void)fflush(NULL);
	_exit((int)js_u32(s->js, v[0]) & 0xff);
}

const struct script_host_row script_host_frames[] = {
	{"result", 2, host_result},
	{"fail", 2, host_fail},
	{"log", 3, host_log},
	{"call", 3, host_call},
	{"leaving", 0, host_leaving},
	{"exit", 1, host_exit},
	{NULL, 0, NULL},
};
