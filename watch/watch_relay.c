/*
 * Gateway 0 has the engine; the others have a connection to it, one subscriber
 * there for each here, and groups of those that follow the same query, so that
 * a change comes once and is handed to all of its group.
 *
 * When the connection is lost everybody is asked for again, from where he
 * stands: if gateway 0 is the same, what was missed is told as changes; if it
 * was started again, the result is told.
 */
#include "watch/watch_relay.h"

#include "base/mem.h"
#include "base/sock.h"
#include "watch/watch_relay_inside.h"
#include "watch/watch_serve.h"

#include <errno.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { REST_LEAST_MS = 20, REST_MOST_MS = 1000 };

void
relayed_free(struct relayed *d)
{
	relayed_leave(d);
	list_del(&d->on);
	defer_clear(&d->soon);
	buf_done(&d->begin);
	d->relay->count--;
	d->sub->inside = NULL;
	d->sub->relay = NULL;
	(void)mem_free(d);
}

void
relayed_end(struct relayed *d, int err, const struct fault *why)
{
	struct watch_sub *sub = d->sub;

	relayed_free(d);
	sub->ops->on_end(sub, err, why);
}

/* Where it stands is said before its query: the first words of a START. */
void
relayed_send(struct relayed *d)
{
	struct watch_relay *r = d->relay;
	_buf_ struct buf body;

	buf_init(&body, WATCH_FRAME_TOP);
	if (d->is_known) {
		put_u8(&body, true);
		put_u64(&body, d->head.epoch);
		put_u64(&body, d->head.seq);
		buf_add(&body, d->begin.ptr + body.len,
			d->begin.len - body.len);
		d->quiet = true;
	} else {
		buf_slice(&body, buf_all(&d->begin));
	}
	stream_send(&r->stream, WATCH_F_START, d->id, buf_all(&body));
}

static void open_it(struct watch_relay *r);

static void
on_rested(struct timer *timer)
{
	open_it(container_of(timer, struct watch_relay, rest));
}

static void
end_all(struct watch_relay *r)
{
	struct fault why = {0};

	(void)fault_set(&why, ERR_WATCH_STREAM,
		"the gateway that follows the database is away: try again");
	for (size_t i = 0; i < RELAY_BUCKETS; i++)
		while (!list_empty(&r->bucket[i]))
			relayed_end(container_of(r->bucket[i].next,
					    struct relayed, on),
				ERR_WATCH_STREAM, &why);
}

static void
on_away(struct timer *timer)
{
	end_all(container_of(timer, struct watch_relay, away));
}

static void
rest(struct watch_relay *r)
{
	r->is_up = false;
	stream_close(&r->stream);
	r->rest_ms = min(max(r->rest_ms * 2, (uint64_t)REST_LEAST_MS),
		(uint64_t)REST_MOST_MS);
	timer_set(&r->rest, r->loop, r->rest_ms, on_rested);
	if (!timer_is_set(&r->away))
		timer_set(&r->away, r->loop, RELAY_AWAY_MS, on_away);
}

static void
on_frame(struct stream *stream, const struct frame *f)
{
	struct watch_relay *r =
		container_of(stream, struct watch_relay, stream);

	if (relay_take(r, f) < 0) {
		rest(r);
	} else if (f->type != WATCH_F_NONCE) {
		r->rest_ms = 0; /* they believe us */
		timer_clear(&r->away);
	}
}

static void
on_gone(struct stream *stream, int err)
{
	(void)err;
	rest(container_of(stream, struct watch_relay, stream));
}

static const struct stream_ops relay_ops = {on_frame, on_gone};

/* Never waits: a socket whose queue is full is tried again. */
static int
connect_to(const char *path)
{
	struct sockaddr_un to = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -errno;
	if (strlen(path) >= sizeof(to.sun_path)) {
		(void)close(fd);
		return -ENAMETOOLONG;
	}
	(void)strcpy(to.sun_path, path);
	if (connect(fd, (const struct sockaddr *)&to, sizeof(to)) < 0) {
		int e = -errno;

		(void)close(fd);
		return e;
	}
	return fd;
}

static bool
is_ours(const struct watch_relay *r, int fd)
{
	pid_t holder;

	return sock_peer_pid(fd, &holder) == 0 && holder == r->holder;
}

static void
open_it(struct watch_relay *r)
{
	int fd = connect_to(r->path);

	if (fd >= 0 && is_ours(r, fd) &&
		stream_open(&r->stream, r->loop, fd, &relay_ops,
			WATCH_FRAME_TOP, WATCH_OUT_TOP) == 0)
		return;
	if (fd >= 0)
		(void)close(fd);
	rest(r);
}

int
watch_relay_new(struct watch_relay **ret, struct loop *loop,
	const struct watch_relay_conf *conf, struct fault *why)
{
	_cleanup_(watch_relay_freep) struct watch_relay *r =
		mem_new(struct watch_relay);
	int e = 0;

	r->loop = loop;
	r->stream.fd = -1;
	list_init(&r->groups);
	for (size_t i = 0; i < RELAY_BUCKETS; i++)
		list_init(&r->bucket[i]);
	if (conf->index == 0) {
		e = watches_new(&r->engine, loop, &conf->engine, why);
		if (e == 0 && conf->fd >= 0)
			e = watch_serve_new(&r->serve, loop, r->engine,
				conf->secret, conf->fd);
	} else {
		r->path = str_dup(conf->path);
		r->holder = conf->holder;
		r->secret = mem_dup(conf->secret.ptr, conf->secret.len);
		r->secret_len = conf->secret.len;
	}
	if (e == 0)
		*ret = take(r);
	return e;
}

struct watch_relay *
watch_relay_free(struct watch_relay *r)
{
	if (!r)
		return NULL;
	for (size_t i = 0; i < RELAY_BUCKETS; i++)
		while (!list_empty(&r->bucket[i]))
			relayed_free(container_of(
				r->bucket[i].next, struct relayed, on));
	if (stream_is_open(&r->stream))
		stream_close(&r->stream);
	timer_clear(&r->rest);
	timer_clear(&r->away);
	r->serve = watch_serve_free(r->serve);
	r->engine = watches_free(r->engine);
	if (r->secret)
		mem_wipe(r->secret, r->secret_len);
	(void)mem_free(r->secret);
	(void)mem_free(r->path);
	(void)mem_free(r->result);
	return mem_free(r);
}

void
watch_relay_configure(struct watch_relay *r, const struct watches_conf *engine)
{
	if (r->engine)
		watches_configure(r->engine, engine);
}

/* The first subscriber brings the connection. */
static void
on_soon(struct defer *defer)
{
	struct relayed *d = container_of(defer, struct relayed, soon);
	struct watch_relay *r = d->relay;
	const struct fault why = {ERR_TOO_BIG, "the query is too large"};

	if (buf_check(&d->begin) < 0)
		relayed_end(d, ERR_TOO_BIG, &why);
	else if (r->is_up)
		relayed_send(d);
	else if (!stream_is_open(&r->stream) && !timer_is_set(&r->rest))
		open_it(r);
}

static void
join(struct watch_relay *r, struct watch_sub *s, const struct watch_begin *b)
{
	struct relayed *d = mem_new(struct relayed);

	d->sub = s;
	d->relay = r;
	s->inside = d;
	s->relay = r;
	while (!d->id || relay_find(r, d->id))
		d->id = ++r->last_id;
	list_init(&d->in);
	list_add(&r->bucket[d->id % RELAY_BUCKETS], &d->on);
	buf_init(&d->begin, 8 << 20);
	watch_put_begin(&d->begin, b);
	defer_init(&d->soon, on_soon);
	r->count++;
	loop_defer(r->loop, &d->soon);
}

void
watch_relay_start(struct watch_relay *r, struct watch_sub *s,
	const struct watch_query *query)
{
	s->relay = NULL;
	if (r->engine)
		watch_start(r->engine, s, query);
	else
		join(r, s, &(struct watch_begin){.query = *query});
}

void
watch_relay_resume(struct watch_relay *r, struct watch_sub *s,
	const struct watch_query *query, uint64_t epoch, uint64_t seq)
{
	s->relay = NULL;
	if (r->engine)
		watch_resume(r->engine, s, query, epoch, seq);
	else
		join(r, s, &(struct watch_begin){*query, true, epoch, seq});
}

void
watch_relay_stop(struct watch_sub *s)
{
	struct relayed *d = s->inside;
	struct watch_relay *r = s->relay;

	if (!r) {
		watch_stop(s);
		return;
	}
	if (r->is_up && list_empty(&d->soon.on))
		stream_send(&r->stream, WATCH_F_STOP, d->id, SLICE(""));
	relayed_free(d);
}

uint64_t
watch_relay_epoch(const struct watch_sub *s)
{
	const struct relayed *d = s->inside;

	if (!s->relay)
		return watch_epoch(s);
	return d->head.epoch;
}

uint64_t
watch_relay_batch(const struct watch_relay *r)
{
	return r->engine ? watches_batch(r->engine) : r->batch;
}

struct watches_count
watch_relay_count(const struct watch_relay *r)
{
	struct watches_count n = {.subs = r->count, .changes = r->changes};

	if (r->engine)
		return watches_count(r->engine);
	list_for_each (at, &r->groups)
		n.queries++;
	return n;
}
