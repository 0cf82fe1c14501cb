/*
 * Each subscriber of another gateway is one of the engine's here.  The engine
 * tells all subscribers of a query one after the other; of a change the first
 * of a connection is written down and the others are passed over, for the
 * other end hands it to all of them.
 */
#include "watch/watch_serve.h"

#include "base/crypto.h"
#include "base/event.h"
#include "base/fdpoll.h"
#include "base/mem.h"
#include "base/sock.h"
#include "base/stream.h"
#include "watch/watch_wire.h"

#include <sys/socket.h>
#include <unistd.h>

enum { BUCKETS = 1024, CONNECTIONS_TOP = 256, BEGIN_TOP = 16 << 20 };

struct watch_serve {
	struct loop *loop;
	struct watches *engine;
	char *secret;
	size_t secret_len;
	struct fdpoll poll;
	int fd;
	struct list conns;
	unsigned count;
};

struct conn {
	struct list on;
	struct watch_serve *serve;
	struct stream stream;
	uint8_t nonce[WATCH_NONCE];
	bool is_known;               /* it has proved that it is one of us */
	uint64_t result;             /* batch of the last WATCH_F_RESULT */
	struct list queries;         /* struct followed */
	struct list bucket[BUCKETS]; /* struct served */
};

/* A query that somebody there follows. */
struct followed {
	struct list on;
	uint64_t number, seq; /* told last */
	unsigned refs;
};

struct served {
	struct list on; /* a bucket's */
	struct watch_sub sub;
	struct conn *conn;
	struct followed *followed; /* NULL: it has no result yet */
	uint32_t id;
};

static struct served *
served_of(struct watch_sub *s)
{
	return container_of(s, struct served, sub);
}

static struct followed *
find_followed(struct conn *c, uint64_t number)
{
	list_for_each (at, &c->queries) {
		struct followed *f = container_of(at, struct followed, on);

		if (f->number == number) {
			/* a run of answers is about the same */
			list_del(&f->on);
			list_add_first(&c->queries, &f->on);
			return f;
		}
	}
	return NULL;
}

static void
leave(struct served *s)
{
	struct followed *f = take(s->followed);

	if (!f || --f->refs)
		return;
	list_del(&f->on);
	(void)mem_free(f);
}

/* It knows the query's result at `seq` now. */
static void
enter(struct served *s, uint64_t seq)
{
	struct conn *c = s->conn;
	uint64_t number = watch_number(&s->sub);
	struct followed *f;

	leave(s);
	f = find_followed(c, number);
	if (!f) {
		f = mem_new(struct followed);
		f->number = number;
		list_add_first(&c->queries, &f->on);
	}
	f->seq = max(f->seq, seq);
	f->refs++;
	s->followed = f;
}

static void
put_head(struct served *s, uint64_t seq)
{
	const struct watch_head h = {
		watch_number(&s->sub), watch_epoch(&s->sub), seq};

	watch_put_head(stream_out(&s->conn->stream), &h);
}

static void
on_result(struct watch_sub *sub, uint64_t seq,
	const struct watch_change *changes, size_t count)
{
	struct served *s = served_of(sub);
	struct conn *c = s->conn;
	uint64_t batch = watches_batch(c->serve->engine);
	bool again = c->result == batch;
	struct buf *out = stream_out(&c->stream);
	size_t mark =
		frame_begin(out, again ? WATCH_F_SAME : WATCH_F_RESULT, s->id);

	c->result = batch;
	enter(s, seq);
	put_head(s, seq);
	if (!again)
		watch_put_changes(out, changes, count);
	frame_end(out, mark);
}

static void
on_change(struct watch_sub *sub, uint64_t seq,
	const struct watch_change *changes, size_t count)
{
	struct served *s = served_of(sub);
	struct buf *out;
	size_t mark;

	if (s->followed && s->followed->seq >= seq)
		return;
	if (s->followed)
		s->followed->seq = seq;
	out = stream_out(&s->conn->stream);
	mark = frame_begin(
		out, s->followed ? WATCH_F_CHANGE : WATCH_F_MISSED, s->id);
	put_head(s, seq);
	watch_put_changes(out, changes, count);
	frame_end(out, mark);
}

static void
on_resumed(struct watch_sub *sub, uint64_t seq)
{
	struct served *s = served_of(sub);
	struct buf *out = stream_out(&s->conn->stream);
	size_t mark = frame_begin(out, WATCH_F_RESUMED, s->id);

	enter(s, seq);
	put_head(s, seq);
	frame_end(out, mark);
}

static void
served_free(struct served *s)
{
	watch_stop(&s->sub);
	leave(s);
	list_del(&s->on);
	(void)mem_free(s);
}

static void
on_end(struct watch_sub *sub, int err, const struct fault *why)
{
	struct served *s = served_of(sub);
	struct buf *out = stream_out(&s->conn->stream);
	size_t mark = frame_begin(out, WATCH_F_END, s->id);

	put_u32(out, (uint32_t)-err);
	put_bytes(out, slice_str(why->text));
	frame_end(out, mark);
	served_free(s);
}

static const struct watch_ops served_ops = {
	.on_result = on_result,
	.on_change = on_change,
	.on_resumed = on_resumed,
	.on_end = on_end,
};

static struct served *
find(struct conn *c, uint32_t id)
{
	struct list *bucket = &c->bucket[id % BUCKETS];

	list_for_each (at, bucket) {
		struct served *s = container_of(at, struct served, on);

		if (s->id == id)
			return s;
	}
	return NULL;
}

static int
on_start(struct conn *c, const struct frame *f)
{
	struct getter g = getter_of(f->body);
	struct watch_begin b = {0};
	_json_ json_t *custom = NULL;
	struct arena arena;
	struct served *s;
	int r;

	if (find(c, f->id))
		return ERR_FORMAT;
	arena_init(&arena, BEGIN_TOP);
	r = watch_get_begin(&g, &b, &arena, &custom);
	if (r == 0) {
		s = mem_new(struct served);
		s->sub.ops = &served_ops;
		s->conn = c;
		s->id = f->id;
		list_add(&c->bucket[f->id % BUCKETS], &s->on);
		if (b.resumes)
			watch_resume(c->serve->engine, &s->sub, &b.query,
				b.epoch, b.seq);
		else
			watch_start(c->serve->engine, &s->sub, &b.query);
	}
	arena_done(&arena);
	return r;
}

static void
conn_free(struct conn *c)
{
	for (size_t i = 0; i < BUCKETS; i++)
		while (!list_empty(&c->bucket[i]))
			served_free(container_of(
				c->bucket[i].next, struct served, on));
	stream_close(&c->stream);
	list_del(&c->on);
	c->serve->count--;
	(void)mem_free(c);
}

static int
on_hello(struct conn *c, struct slice proof)
{
	const struct watch_serve *s = c->serve;
	uint8_t want[SHA256_LEN];

	watch_prove(slice_of(s->secret, s->secret_len),
		slice_of((const char *)c->nonce, sizeof(c->nonce)), want);
	c->is_known =
		crypto_eq(proof, slice_of((const char *)want, sizeof(want)));
	return c->is_known ? 0 : ERR_DENIED;
}

static int
take_frame(struct conn *c, const struct frame *f)
{
	struct served *s;

	if (!c->is_known)
		return f->type == WATCH_F_HELLO ? on_hello(c, f->body)
						: ERR_DENIED;
	switch (f->type) {
	case WATCH_F_START:
		return on_start(c, f);
	case WATCH_F_STOP:
		s = find(c, f->id);
		if (s)
			served_free(s);
		return 0;
	default:
		return ERR_FORMAT;
	}
}

static void
on_frame(struct stream *stream, const struct frame *f)
{
	struct conn *c = container_of(stream, struct conn, stream);
	int r = take_frame(c, f);

	if (r == 0)
		return;
	event(EVENT_INTERNAL, "text", "a gateway's watch connection", "error",
		err_text(r), NULL);
	conn_free(c);
}

static void
on_gone(struct stream *stream, int err)
{
	(void)err;
	conn_free(container_of(stream, struct conn, stream));
}

static const struct stream_ops conn_ops = {on_frame, on_gone};

static void
greet(struct watch_serve *s, int fd)
{
	struct conn *c = mem_new(struct conn);

	c->serve = s;
	list_init(&c->on);
	list_init(&c->queries);
	for (size_t i = 0; i < BUCKETS; i++)
		list_init(&c->bucket[i]);
	if (stream_open(&c->stream, s->loop, fd, &conn_ops, WATCH_FRAME_TOP,
		    WATCH_OUT_TOP) < 0) {
		(void)close(fd);
		(void)mem_free(c);
		return;
	}
	list_add(&s->conns, &c->on);
	s->count++;
	crypto_random(c->nonce, sizeof(c->nonce));
	stream_send(&c->stream, WATCH_F_NONCE, 0,
		slice_of((const char *)c->nonce, sizeof(c->nonce)));
}

static void
on_poll(struct fdpoll *poll, int events)
{
	struct watch_serve *s = container_of(poll, struct watch_serve, poll);
	uid_t uid = (uid_t)-1;
	int fd;

	(void)events;
	fd = accept4(s->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (fd < 0)
		return;
	if (s->count < CONNECTIONS_TOP && sock_peer_uid(fd, &uid) == 0 &&
		uid == geteuid())
		greet(s, fd);
	else
		(void)close(fd);
}

int
watch_serve_new(struct watch_serve **ret, struct loop *loop,
	struct watches *engine, struct slice secret, int fd)
{
	struct watch_serve *s = mem_new(struct watch_serve);
	int r;

	s->loop = loop;
	s->engine = engine;
	s->secret = mem_dup(secret.ptr, secret.len);
	s->secret_len = secret.len;
	s->fd = fd;
	list_init(&s->conns);
	r = fdpoll_open(&s->poll, loop, fd, UV_READABLE, on_poll);
	if (r < 0) {
		(void)watch_serve_free(s);
		return r;
	}
	*ret = s;
	return 0;
}

struct watch_serve *
watch_serve_free(struct watch_serve *s)
{
	if (!s)
		return NULL;
	while (!list_empty(&s->conns))
		conn_free(container_of(s->conns.next, struct conn, on));
	fdpoll_close(&s->poll);
	(void)close(s->fd);
	mem_wipe(s->secret, s->secret_len);
	(void)mem_free(s->secret);
	return mem_free(s);
}
