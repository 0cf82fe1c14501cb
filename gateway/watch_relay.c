/*
 * Gateway 0 has the engine; the others have a connection to it, one subscriber
 * there for each here, and groups of those that follow the same query, so that
 * a change comes once and is handed to all of its group.
 *
 * When the connection is lost everybody is asked for again, from where he
 * stands: if gateway 0 is the same, what was missed is told as changes; if it
 * was started again, the result is told.
 */
#include "gateway/watch_relay.h"

#include "base/list.h"
#include "base/mem.h"
#include "base/stream.h"
#include "base/timer.h"
#include "gateway/watch_serve.h"
#include "gateway/watch_wire.h"

#include <errno.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { REST_LEAST_MS = 20, REST_MOST_MS = 1000, BUCKETS = 1024 };

struct watch_relay {
	struct loop *loop;
	/* in gateway 0 */
	struct watches *engine;
	struct watch_serve *serve;
	/* elsewhere */
	char *path, *secret;
	size_t secret_len;
	struct stream stream;
	bool is_up; /* connected and greeted */
	struct timer rest, away;
	uint64_t rest_ms;
	struct list bucket[BUCKETS]; /* struct relayed, by id */
	struct list groups;          /* struct group */
	uint32_t last_id;
	size_t count;
	uint64_t batch, changes;
	/* the last result, for those who are told the same */
	char *result;
	size_t result_len;
};

/* Who follow one query. */
struct group {
	struct list on;
	uint64_t number;
	struct list all; /* struct relayed */
	bool busy;       /* it is being told: not to be freed */
};

struct relayed {
	struct list on;  /* a bucket's */
	struct list in;  /* its group's */
	struct group *group;
	struct watch_sub *sub;
	struct watch_relay *relay;
	uint32_t id;
	bool is_known; /* its result was told; at epoch, seq */
	bool quiet;    /* it did not ask itself to resume */
	struct buf begin; /* the body of its START */
	struct watch_head head;
	struct defer soon;
};

static struct relayed *
relayed_in(struct list *in)
{
	return container_of(in, struct relayed, in);
}

static void
leave(struct relayed *d)
{
	struct group *g = take(d->group);

	list_del(&d->in);
	if (!g || g->busy || !list_empty(&g->all))
		return;
	list_del(&g->on);
	(void)mem_free(g);
}

static struct group *
group_of(struct watch_relay *r, uint64_t number)
{
	struct group *g;

	list_for_each(at, &r->groups) {
		g = container_of(at, struct group, on);
		if (g->number != number)
			continue;
		list_del(&g->on);
		list_add_first(&r->groups, &g->on);
		return g;
	}
	g = mem_new(struct group);
	g->number = number;
	list_init(&g->all);
	list_add_first(&r->groups, &g->on);
	return g;
}

/* It knows the result at this head. */
static void
enter(struct relayed *d, const struct watch_head *h)
{
	struct group *g = group_of(d->relay, h->number);

	if (d->group != g) {
		leave(d);
		d->group = g;
		list_add(&g->all, &d->in);
	}
	d->head = *h;
	d->is_known = true;
}

static void
relayed_free(struct relayed *d)
{
	leave(d);
	list_del(&d->on);
	defer_clear(&d->soon);
	buf_done(&d->begin);
	d->relay->count--;
	d->sub->inside = NULL;
	d->sub->relay = NULL;
	(void)mem_free(d);
}

static void
relayed_end(struct relayed *d, int err, const struct fault *why)
{
	struct watch_sub *sub = d->sub;

	relayed_free(d);
	sub->ops->on_end(sub, err, why);
}

/* Where it stands is said before its query: the first words of a START. */
static void
send_start(struct relayed *d)
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
	for (size_t i = 0; i < BUCKETS; i++)
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

static struct relayed *
find(struct watch_relay *r, uint32_t id)
{
	struct list *bucket = &r->bucket[id % BUCKETS];

	list_for_each(at, bucket) {
		struct relayed *d = container_of(at, struct relayed, on);

		if (d->id == id)
			return d;
	}
	return NULL;
}

static int
on_nonce(struct watch_relay *r, struct slice nonce)
{
	uint8_t proof[32];

	if (nonce.len != WATCH_NONCE || r->is_up)
		return ERR_FORMAT;
	watch_prove(slice_of(r->secret, r->secret_len), nonce, proof);
	stream_send(&r->stream, WATCH_F_HELLO, 0,
		slice_of((const char *)proof, sizeof(proof)));
	r->is_up = true;
	for (size_t i = 0; i < BUCKETS; i++)
		list_for_each(at, &r->bucket[i]) {
			struct relayed *d =
				container_of(at, struct relayed, on);

			leave(d); /* numbers are of the connection's life */
			if (list_empty(&d->soon.on))
				send_start(d);
		}
	return 0;
}

static int
tell_result(struct relayed *d, const struct watch_head *h, struct slice body)
{
	_free_ char *room = NULL;
	struct getter g = getter_of(body);
	struct watch_change *changes = NULL;
	size_t count = 0;
	int e = watch_get_changes(&g, &changes, &count);

	if (e < 0)
		return e;
	room = (char *)changes;
	d->quiet = false;
	enter(d, h);
	d->sub->ops->on_result(d->sub, h->seq, changes, count);
	return 0;
}

static int
on_result(struct watch_relay *r, struct relayed *d, struct getter *g)
{
	const struct watch_head h = watch_get_head(g);

	r->batch++;
	(void)mem_free(r->result);
	r->result = mem_dup(g->left.ptr, g->left.len);
	r->result_len = g->left.len;
	return d ? tell_result(d, &h, g->left) : 0;
}

static int
on_same(struct watch_relay *r, struct relayed *d, struct getter *g)
{
	const struct watch_head h = watch_get_head(g);

	if (!r->result)
		return ERR_FORMAT;
	return d ? tell_result(d, &h, slice_of(r->result, r->result_len)) : 0;
}

static int
on_resumed(struct relayed *d, struct getter *g)
{
	const struct watch_head h = watch_get_head(g);
	bool quiet;

	if (!d)
		return 0;
	quiet = d->quiet;
	d->quiet = false;
	enter(d, &h);
	if (!quiet)
		d->sub->ops->on_resumed(d->sub, h.seq);
	return 0;
}

static int
on_missed(struct watch_relay *r, struct relayed *d, struct getter *g)
{
	const struct watch_head h = watch_get_head(g);
	struct watch_change *changes = NULL;
	_free_ char *room = NULL;
	size_t count = 0;
	int e = watch_get_changes(g, &changes, &count);

	if (e < 0)
		return e;
	room = (char *)changes;
	if (!d)
		return 0;
	r->batch++;
	d->head.seq = h.seq;
	d->head.epoch = h.epoch;
	d->sub->ops->on_change(d->sub, h.seq, changes, count);
	return 0;
}

/* Each is put back before it is called: it may stop, and so may others. */
static void
tell_group(struct group *g, uint64_t seq, const struct watch_change *changes,
	size_t count)
{
	struct list todo = LIST_INIT(todo);

	while (!list_empty(&g->all)) {
		struct list *in = g->all.next;

		list_del(in);
		list_add(&todo, in);
	}
	while (!list_empty(&todo)) {
		struct relayed *d = relayed_in(todo.next);

		list_del(&d->in);
		list_add(&g->all, &d->in);
		if (d->head.seq + 1 != seq)
			continue;
		d->head.seq = seq;
		d->sub->ops->on_change(d->sub, seq, changes, count);
	}
}

static int
on_change(struct watch_relay *r, struct getter *g)
{
	const struct watch_head h = watch_get_head(g);
	struct watch_change *changes = NULL;
	_free_ char *room = NULL;
	struct group *group;
	size_t count = 0;
	int e = watch_get_changes(g, &changes, &count);

	if (e < 0)
		return e;
	room = (char *)changes;
	r->batch++;
	r->changes++;
	group = group_of(r, h.number);
	group->busy = true;
	tell_group(group, h.seq, changes, count);
	group->busy = false;
	if (list_empty(&group->all)) {
		list_del(&group->on);
		(void)mem_free(group);
	}
	return 0;
}

static int
on_end(struct relayed *d, struct getter *g)
{
	struct fault why = {0};
	int err = -(int)get_u32(g);
	struct slice words = get_bytes(g);

	if (get_end(g) < 0)
		return ERR_FORMAT;
	if (!d)
		return 0;
	(void)fault_set(&why, err, "%.*s", SLICE_ARG(words));
	relayed_end(d, err, &why);
	return 0;
}

static int
take_frame(struct watch_relay *r, const struct frame *f)
{
	struct getter g = getter_of(f->body);
	struct relayed *d = find(r, f->id);

	switch (f->type) {
	case WATCH_F_NONCE:
		return on_nonce(r, f->body);
	case WATCH_F_RESULT:
		return on_result(r, d, &g);
	case WATCH_F_SAME:
		return on_same(r, d, &g);
	case WATCH_F_RESUMED:
		return on_resumed(d, &g);
	case WATCH_F_MISSED:
		return on_missed(r, d, &g);
	case WATCH_F_CHANGE:
		return on_change(r, &g);
	case WATCH_F_END:
		return on_end(d, &g);
	default:
		return ERR_FORMAT;
	}
}

static void
on_frame(struct stream *stream, const struct frame *f)
{
	struct watch_relay *r =
		container_of(stream, struct watch_relay, stream);

	if (take_frame(r, f) < 0) {
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
	int fd = socket(
		AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

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

static void
open_it(struct watch_relay *r)
{
	int fd = connect_to(r->path);

	if (fd >= 0 && stream_open(&r->stream, r->loop, fd, &relay_ops,
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
	for (size_t i = 0; i < BUCKETS; i++)
		list_init(&r->bucket[i]);
	if (conf->index == 0) {
		e = watches_new(&r->engine, loop, &conf->engine, why);
		if (e == 0 && conf->fd >= 0)
			e = watch_serve_new(&r->serve, loop, r->engine,
				conf->secret, conf->fd);
	} else {
		r->path = str_dup(conf->path);
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
	for (size_t i = 0; i < BUCKETS; i++)
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
		send_start(d);
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
	while (!d->id || find(r, d->id))
		d->id = ++r->last_id;
	list_init(&d->in);
	list_add(&r->bucket[d->id % BUCKETS], &d->on);
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
	list_for_each(at, &r->groups)
		n.queries++;
	return n;
}
