/*
 * What gateway 0 says.  Those who follow one query are a group: a change comes
 * once and is handed to all of it.
 */
#include "base/mem.h"
#include "watch/watch_relay_inside.h"

static struct relayed *
relayed_in(struct list *in)
{
	return container_of(in, struct relayed, in);
}

void
relayed_leave(struct relayed *d)
{
	struct relay_group *g = take(d->group);

	list_del(&d->in);
	if (!g || g->busy || !list_empty(&g->all))
		return;
	list_del(&g->on);
	(void)mem_free(g);
}

static struct relay_group *
group_of(struct watch_relay *r, uint64_t number)
{
	struct relay_group *g;

	list_for_each (at, &r->groups) {
		g = container_of(at, struct relay_group, on);
		if (g->number != number)
			continue;
		list_del(&g->on);
		list_add_first(&r->groups, &g->on);
		return g;
	}
	g = mem_new(struct relay_group);
	g->number = number;
	list_init(&g->all);
	list_add_first(&r->groups, &g->on);
	return g;
}

/* It knows the result at this head. */
static void
enter(struct relayed *d, const struct watch_head *h)
{
	struct relay_group *g = group_of(d->relay, h->number);

	if (d->group != g) {
		relayed_leave(d);
		d->group = g;
		list_add(&g->all, &d->in);
	}
	d->head = *h;
	d->is_known = true;
}

struct relayed *
relay_find(struct watch_relay *r, uint32_t id)
{
	struct list *bucket = &r->bucket[id % RELAY_BUCKETS];

	list_for_each (at, bucket) {
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
	for (size_t i = 0; i < RELAY_BUCKETS; i++)
		list_for_each (at, &r->bucket[i]) {
			struct relayed *d =
				container_of(at, struct relayed, on);

			relayed_leave(
				d); /* numbers are of the connection's life */
			if (list_empty(&d->soon.on))
				relayed_send(d);
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
tell_group(struct relay_group *g, uint64_t seq,
	const struct watch_change *changes, size_t count)
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
	struct relay_group *group;
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

int
relay_take(struct watch_relay *r, const struct frame *f)
{
	struct getter g = getter_of(f->body);
	struct relayed *d = relay_find(r, f->id);

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
