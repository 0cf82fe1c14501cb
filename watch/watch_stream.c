/*
 * The change stream, commit by commit, for the collections that are watched.
 * A commit is shared by the queries that have to look at it.
 *
 * A document that one transaction changed several times has one change: the
 * last.  What is too large to be kept says only that results must be asked
 * anew.
 */
#include "base/crypto.h"
#include "base/mem.h"
#include "base/sip.h"
#include "watch/watch_inside.h"

static struct watch_coll *
coll_of(struct watches *w, struct slice table)
{
	list_for_each (at, &w->colls) {
		struct watch_coll *c = container_of(at, struct watch_coll, on);

		if (slice_is(table, c->table))
			return c;
	}
	return NULL;
}

/* PostgreSQL waits when we are behind. */
static void
hold_back(struct watches *w)
{
	bool on = w->paused ? w->pending_bytes > WATCH_PENDING_TOP / 2
			    : w->pending_bytes > WATCH_PENDING_TOP;

	if (on == w->paused || !w->changes)
		return;
	w->paused = on;
	changes_pause(w->changes, on);
}

void
watch_commit_unref(struct watch_commit *c)
{
	if (!c || --c->refs)
		return;
	c->w->pending_bytes -= c->bytes;
	hold_back(c->w);
	arena_done(&c->arena);
	(void)mem_free(c->rows);
	(void)mem_free(c);
}

static struct watch_commit *
commit_of(struct watch_coll *coll)
{
	struct watch_commit *c = coll->commit;

	if (c)
		return c;
	c = coll->commit = mem_new(struct watch_commit);
	arena_init(&c->arena, 2 * (size_t)WATCH_COMMIT_TOP);
	c->w = coll->w;
	c->xid = coll->w->xid;
	c->refs = 1;
	return c;
}

static void
drop_rows(struct watch_commit *c)
{
	c->anew = true;
	c->count = 0;
	c->w->pending_bytes -= c->bytes;
	c->bytes = 0;
	arena_clear(&c->arena, 2 * (size_t)WATCH_COMMIT_TOP);
}

void
watch_stream_enter(struct watch_coll *coll)
{
	if (coll->w->inside)
		drop_rows(commit_of(coll));
}

static struct slice
keep(struct watch_commit *c, struct slice s)
{
	return slice_of(arena_str(&c->arena, s), s.len);
}

static void
add_row(struct watch_commit *c, enum change_kind kind, struct slice key,
	struct slice doc)
{
	size_t bytes = sizeof(struct watch_row) + key.len + doc.len;
	struct watch_row *row;

	if (c->anew)
		return;
	if (c->bytes + bytes > WATCH_COMMIT_TOP) {
		drop_rows(c);
		return;
	}
	if (c->count == c->room) {
		c->room = max(c->room * 2, (size_t)4);
		c->rows = mem_resize(c->rows, c->room * sizeof(c->rows[0]));
	}
	row = &c->rows[c->count++];
	*row = (struct watch_row){.kind = kind, .key = keep(c, key)};
	if (doc.ptr)
		row->doc = keep(c, doc);
	c->bytes += bytes;
	c->w->pending_bytes += bytes;
}

static void
on_change(void *owner, const struct change *change)
{
	struct watches *w = owner;
	struct watch_coll *coll = coll_of(w, change->table);
	struct watch_commit *c;

	if (!coll)
		return;
	if (change->kind == CHANGE_UPDATE && !change->doc.ptr &&
		!change->old_id.ptr)
		return; /* it stayed as it was */
	c = commit_of(coll);
	if (change->kind == CHANGE_TRUNCATE ||
		(change->old_id.ptr && !change->doc.ptr)) {
		drop_rows(c);
		return;
	}
	if (change->old_id.ptr)
		add_row(c, CHANGE_DELETE, change->old_id,
			(struct slice){NULL, 0});
	add_row(c, change->kind, change->id, change->doc);
}

/* The last row of each document counts. */
static void
settle(struct watch_commit *c)
{
	_free_ char *room = NULL;
	uint64_t secret[2];
	size_t places = 16, *place;

	if (c->count < 2)
		return;
	while (places < c->count * 2)
		places *= 2;
	crypto_random(secret, sizeof(secret));
	room = mem_alloc(places * sizeof(*place));
	place = (size_t *)(void *)room; /* number of a row, from 1 */
	for (size_t i = c->count; i-- > 0;) {
		struct watch_row *row = &c->rows[i], *last;
		size_t at = sip_hash(secret, row->key.ptr, row->key.len);

		for (at &= places - 1; place[at]; at = (at + 1) & (places - 1))
			if (slice_eq(c->rows[place[at] - 1].key, row->key))
				break;
		if (!place[at]) {
			place[at] = i + 1;
			continue;
		}
		row->is_over = true;
		last = &c->rows[place[at] - 1];
		if (row->kind == CHANGE_INSERT && last->kind == CHANGE_UPDATE)
			last->kind = CHANGE_INSERT;
	}
}

/* Its permission, rules, its very existence are others from this commit on: no
 * document of it, nor of any later one, is told by those that were. */
static void
on_define(void *owner, struct slice name, int64_t version)
{
	const struct watches *w = owner;

	list_for_each (at, &w->colls) {
		struct watch_coll *c = container_of(at, struct watch_coll, on);

		if (!slice_is(name, c->name))
			continue;
		c->redefined = true;
		c->version = version;
	}
}

static void
on_message(void *owner, struct slice text)
{
	watch_left_hear(owner, text);
}

static void
forget_commits(struct watches *w)
{
	list_for_each (at, &w->colls) {
		struct watch_coll *c = container_of(at, struct watch_coll, on);

		c->redefined = false;
		watch_commit_unref(take(c->commit));
	}
}

static void
on_begin(void *owner, uint32_t xid, uint64_t lsn)
{
	struct watches *w = owner;

	(void)lsn;
	w->xid = xid;
	w->inside = true;
	forget_commits(w);
}

/* To all that may have to look at it. */
static void
hand_out(struct watch_coll *coll, struct watch_commit *c)
{
	coll->w->look++;
	list_for_each (on, &coll->busy)
		watch_hint_look(container_of(on, struct watch_one, busy), c);
	list_for_each (on, &coll->loose)
		watch_hint_look(container_of(on, struct watch_one, loose), c);
	if (c->anew)
		list_for_each (on, &coll->queries)
			watch_hint_look(
				container_of(on, struct watch_one, on), c);
	for (size_t i = 0; i < c->count; i++)
		if (!c->rows[i].is_over)
			watch_hint_offer(coll, c, &c->rows[i]);
}

static void
on_commit(void *owner, uint64_t lsn)
{
	struct watches *w = owner;

	(void)lsn;
	w->inside = false;
	w->seen[w->xid % WATCH_SEEN] =
		(struct watch_seen){w->xid, ++w->commits};
	if (w->commits == 1 || (int32_t)(w->xid - w->newest) > 0)
		w->newest = w->xid;
	list_for_each (at, &w->colls) {
		struct watch_coll *coll =
			container_of(at, struct watch_coll, on);
		struct watch_commit *c = take(coll->commit);

		if (coll->redefined)
			watch_coll_define(coll, coll->version);
		coll->redefined = false;
		if (!c)
			continue;
		settle(c);
		hand_out(coll, c);
		watch_commit_unref(c);
	}
	hold_back(w);
}

static void
on_start(void *owner)
{
	struct watches *w = owner;

	forget_commits(w);
	w->streams = true;
	w->paused = false;
	w->away = 0;
	w->inside = false;
	w->commits = 0;
	w->trouble = (struct fault){0};
	memset(w->seen, 0, WATCH_SEEN * sizeof(w->seen[0]));
	list_for_each (at, &w->colls) {
		struct watch_coll *coll =
			container_of(at, struct watch_coll, on);

		list_for_each (one, &coll->queries)
			watch_one_start(
				container_of(one, struct watch_one, on));
	}
}

/* What nobody can wait for ends those that have no result yet; others may have
 * better luck in a while. */
static void
on_trouble(void *owner, const struct fault *why)
{
	struct watches *w = owner;

	w->streams = false;
	w->trouble = *why;
	if (why->code == ERR_WATCH_STREAM)
		timer_set(&w->start, w->loop, 0, w->start.fn);
}

const struct changes_ops watch_stream_ops = {
	.on_begin = on_begin,
	.on_change = on_change,
	.on_commit = on_commit,
	.on_define = on_define,
	.on_message = on_message,
	.on_start = on_start,
	.on_trouble = on_trouble,
};

bool
watch_stream_overtook(
	const struct watch_one *one, const struct watch_snapshot *s)
{
	const struct watches *w = one->w;

	if (one->asked == 0)
		return false;
	if ((int32_t)(one->asked_newest - (uint32_t)s->high) >= 0)
		return true;
	for (size_t i = 0; i < s->count; i++) {
		uint32_t xid = (uint32_t)s->under_way[i];
		const struct watch_seen *seen = &w->seen[xid % WATCH_SEEN];

		if (seen->number && seen->xid == xid &&
			seen->number <= one->asked)
			return true;
	}
	return false;
}
