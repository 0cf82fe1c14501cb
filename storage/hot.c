/*
 * What is kept of files, by path, the last used first.  An entry is never
 * changed but replaced: only the stamp under which it holds is renewed.
 *
 * Descriptors of files that were removed would keep their room on the disk
 * taken, so they are looked through every few seconds.
 */
#include "storage/hot.h"

#include "base/clock.h"
#include "base/mem.h"
#include "base/timer.h"

#include <string.h>

enum { BUCKETS = 4096 };

struct entry {
	struct list on;  /* hot->entries, the last used first */
	struct list in;  /* its bucket */
	struct list fds; /* hot->fds, as `on`, if it has one */
	struct hot_stamp stamp;
	struct hot_file *file;
	size_t held; /* bytes */
};

struct hot {
	struct loop *loop;
	struct hot_conf conf;
	struct timer trim;
	struct list entries, fds, bucket[BUCKETS];
	struct hot_count count;
};

struct hot *
hot_new(struct loop *loop)
{
	struct hot *h = mem_new(struct hot);

	h->loop = loop;
	list_init(&h->entries);
	list_init(&h->fds);
	for (size_t i = 0; i < BUCKETS; i++)
		list_init(&h->bucket[i]);
	return h;
}

/* ---- entries ---- */

static void
entry_free(struct hot *h, struct entry *e)
{
	list_del(&e->on);
	list_del(&e->in);
	if (!list_empty(&e->fds))
		h->count.fds--;
	list_del(&e->fds);
	h->count.files--;
	h->count.bytes -= e->held;
	(void)hot_file_unref(e->file);
	(void)mem_free(e);
}

static void
clear(struct hot *h)
{
	struct entry *e;

	while ((e = list_first(&h->entries, struct entry, on)))
		entry_free(h, e);
}

struct hot *
hot_free(struct hot *h)
{
	if (!h)
		return NULL;
	timer_clear(&h->trim);
	clear(h);
	return mem_free(h);
}

static bool
is_off(const struct hot *h)
{
	return !h->conf.marks || h->conf.memory <= 0 || h->conf.age_ms <= 0;
}

static void
make_room(struct hot *h)
{
	struct entry *e;

	while (h->count.fds > HOT_FDS_TOP)
		entry_free(h, list_last(&h->fds, struct entry, fds));
	while (h->count.bytes > (size_t)h->conf.memory &&
		(e = list_last(&h->entries, struct entry, on)))
		entry_free(h, e);
}

void
hot_configure(struct hot *h, const struct hot_conf *conf)
{
	h->conf = *conf;
	if (is_off(h))
		clear(h);
	else
		make_room(h);
}

static struct entry *
entry_find(const struct hot *h, uint64_t hash, const char *path, size_t len)
{
	const struct list *bucket = &h->bucket[hash / MARK_CELLS % BUCKETS];

	list_for_each (at, bucket) {
		struct entry *e = container_of(at, struct entry, in);

		if (e->stamp.hash == hash &&
			slice_eq(slice_str(e->file->info.path),
				slice_of(path, len)))
			return e;
	}
	return NULL;
}

static void
entry_used(struct hot *h, struct entry *e)
{
	list_del(&e->on);
	list_add_first(&h->entries, &e->on);
	if (!list_empty(&e->fds)) {
		list_del(&e->fds);
		list_add_first(&h->fds, &e->fds);
	}
}

/* ---- changes ---- */

void
hot_change_begin(struct hot *h, struct slice path)
{
	mark_name_begin(h->conf.marks, path, clock_mono());
}

void
hot_change_end(struct hot *h, struct slice path)
{
	mark_name_end(h->conf.marks, path);
}

void
hot_change_all_begin(struct hot *h)
{
	if (h->conf.marks)
		mark_begin(&h->conf.marks->all, clock_mono());
}

void
hot_change_all_end(struct hot *h)
{
	if (h->conf.marks)
		mark_end(&h->conf.marks->all);
}

void
hot_changed_all(struct hot *h)
{
	if (h->conf.marks)
		mark_bump(&h->conf.marks->all);
}

/* ---- reading ---- */

void
hot_stamp(struct hot *h, struct slice path, struct hot_stamp *ret)
{
	struct mark_table *t = h->conf.marks;

	*ret = (struct hot_stamp){.at = clock_mono()};
	if (is_off(h))
		return;
	ret->hash = mark_hash(t, path);
	ret->good = mark_stamp(&t->all, ret->at, &ret->all);
	ret->good &= mark_stamp(mark_of(t, ret->hash), ret->at, &ret->one);
}

static bool
holds(const struct hot *h, const struct hot_stamp *s, int64_t now)
{
	struct mark_table *t = h->conf.marks;

	return now - s->at < h->conf.age_ms * CLOCK_MS &&
	       mark_holds(mark_of(t, s->hash), s->one) &&
	       mark_holds(&t->all, s->all);
}

struct hot_file *
hot_find(struct hot *h, struct slice path, int64_t rules)
{
	struct entry *e;

	if (is_off(h) || list_empty(&h->entries))
		return NULL;
	e = entry_find(h, mark_hash(h->conf.marks, path), path.ptr, path.len);
	if (!e || e->stamp.rules != rules || !holds(h, &e->stamp, clock_mono()))
		return NULL;
	entry_used(h, e);
	return e->file;
}

struct hot_file *
hot_again(struct hot *h, const struct hot_stamp *stamp,
	const struct file_info *info)
{
	struct entry *e;

	if (is_off(h) || !stamp->good)
		return NULL;
	e = entry_find(h, stamp->hash, info->path, strlen(info->path));
	if (!e || !hot_file_is(e->file, info))
		return NULL;
	e->stamp = *stamp;
	entry_used(h, e);
	return e->file;
}

/* ---- keeping ---- */

static void
on_trim(struct timer *timer)
{
	struct hot *h = container_of(timer, struct hot, trim);
	int64_t now = clock_mono();
	struct list *at = h->fds.next;

	while (at != &h->fds) {
		struct entry *e = container_of(at, struct entry, fds);

		at = at->next;
		if (!holds(h, &e->stamp, now - HOT_TRIM_MS * CLOCK_MS) ||
			is_off(h))
			entry_free(h, e);
	}
	if (!list_empty(&h->fds))
		timer_set(&h->trim, h->loop, HOT_TRIM_MS, on_trim);
}

static void
entry_new(struct hot *h, const struct hot_stamp *stamp, struct hot_file *file)
{
	struct entry *e = mem_new(struct entry);

	e->stamp = *stamp;
	e->file = file;
	e->held = file->size + sizeof(*e);
	list_init(&e->fds);
	list_add_first(&h->entries, &e->on);
	list_add(&h->bucket[stamp->hash / MARK_CELLS % BUCKETS], &e->in);
	h->count.files++;
	h->count.bytes += e->held;
	if (file->fd >= 0) {
		list_add_first(&h->fds, &e->fds);
		h->count.fds++;
		if (!timer_is_set(&h->trim))
			timer_set(&h->trim, h->loop, HOT_TRIM_MS, on_trim);
	}
	make_room(h);
}

void
hot_keep(struct hot *h, const struct hot_stamp *stamp,
	const struct file_info *info, int fd, bool lasting)
{
	bool small = info->size <= HOT_FILE_TOP;
	struct hot_file *file;
	struct entry *old;

	if (is_off(h) || !stamp->good || (!small && !lasting))
		return;
	old = entry_find(h, stamp->hash, info->path, strlen(info->path));
	if (old)
		entry_free(h, old);
	file = hot_file_new(info, fd, small);
	if (file)
		entry_new(h, stamp, file);
}

struct hot_count
hot_count(const struct hot *h)
{
	return h->count;
}
