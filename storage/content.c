/*
 * Two buffers: one that fills while the other is with a thread.  They change
 * places when the thread comes back.  A small file waits for its end and is
 * then opened, written, summed and synced by one work.
 */
#include "storage/content.h"

#include "base/crypto.h"
#include "base/mem.h"
#include "base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

enum {
	WORTH = 256 * 1024,      /* bytes that are worth a work */
	HOLD = 1024 * 1024,      /* a writer waits when so much does */
	HOLD_TIGHT = 128 * 1024, /* the same while all together hold much */
	PIECE_TOP = 64 << 20,
};

static const size_t TIGHT = 64 << 20;

struct content {
	struct place *place;
	content_fn *step;
	void *owner;
	struct place_work work;
	struct buf hold, busy;
	struct digest *md5, *sha256;
	struct content_sums sums;
	char tmp[PLACE_PATH];
	int fd;
	int64_t taken;
	int err, ran;         /* ran: of the thread */
	bool working, waited; /* for step */
	bool ending, last;    /* asked for; with the thread */
	bool whole, dropped, kept;
	bool is_part;
	/* of content_join */
	char (*join)[CONTENT_NAME + 1];
	size_t joins, joined;
	int join_fd;
	int64_t read; /* in the thread */
};

struct content *
content_new(struct place *p, content_fn *step, void *owner)
{
	struct content *c = mem_new(struct content);

	c->place = place_ref(p);
	c->step = step;
	c->owner = owner;
	c->fd = c->join_fd = -1;
	list_init(&c->work.on);
	buf_init(&c->hold, PIECE_TOP);
	buf_init(&c->busy, PIECE_TOP);
	c->md5 = digest_new("md5");
	c->sha256 = digest_new("sha256");
	place_name(c->sums.name);
	return c;
}

static void
content_free(struct content *c)
{
	if (c->fd >= 0)
		(void)close(c->fd);
	if (c->join_fd >= 0)
		(void)close(c->join_fd);
	(void)mem_free(c->join);
	place_wait_more(c->place, -(int64_t)(c->hold.len + c->busy.len));
	buf_done(&c->hold);
	buf_done(&c->busy);
	(void)digest_free(c->md5);
	(void)digest_free(c->sha256);
	place_unref(c->place);
	(void)mem_free(c);
}

/* In a thread. */
static int
write_all(struct content *c)
{
	struct slice left = buf_all(&c->busy);

	if (c->fd < 0)
		c->fd = place_tmp(c->place, c->tmp);
	if (c->fd < 0)
		return c->fd;
	if (left.len) {
		int r = place_has_room(c->place, (int64_t)left.len);

		if (r < 0)
			return r;
	}
	while (left.len) {
		ssize_t n = write(c->fd, left.ptr, left.len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return place_error(errno);
		left = slice_of(left.ptr + n, left.len - (size_t)n);
	}
	return 0;
}

/* In a thread. */
static void
hex(char *ret, struct digest *d)
{
	uint8_t sum[DIGEST_TOP];

	text_hex_string(ret, sum, digest_end(d, sum));
}

/* In a thread: the next piece of the parts, or the end of them. */
static int
read_piece(struct content *c)
{
	buf_clear(&c->busy);
	while (c->joined < c->joins && c->busy.len < HOLD) {
		char path[PLACE_PATH];
		char *to = buf_reserve(&c->busy, WORTH);
		ssize_t n;

		(void)snprintf(
			path, sizeof(path), "uploads/%s", c->join[c->joined]);
		if (c->join_fd < 0)
			c->join_fd = openat(place_dir(c->place), path,
				O_RDONLY | O_CLOEXEC);
		n = c->join_fd < 0 || !to ? -1 : read(c->join_fd, to, WORTH);
		if (n < 0)
			return -errno;
		buf_grown(&c->busy, (size_t)n);
		c->read += n;
		if (n > 0)
			continue;
		(void)close(c->join_fd);
		c->join_fd = -1;
		c->joined++;
	}
	c->last = c->joined == c->joins;
	return 0;
}

static void
on_run(struct place_work *w)
{
	struct content *c = container_of(w, struct content, work);
	int r = c->join ? read_piece(c) : 0;

	if (r == 0)
		r = write_all(c);

	if (r == 0) {
		digest_add(c->md5, buf_all(&c->busy));
		digest_add(c->sha256, buf_all(&c->busy));
	}
	if (r == 0 && c->last) {
		hex(c->sums.md5, c->md5);
		hex(c->sums.sha256, c->sha256);
		r = (c->is_part ? place_keep_part : place_keep)(
			c->place, c->fd, c->tmp, c->sums.name);
		c->whole = r == 0;
	}
	c->ran = r;
}

static void
on_run_drop(struct place_work *w)
{
	struct content *c = container_of(w, struct content, work);

	char path[PLACE_PATH];

	(void)snprintf(path, sizeof(path), "uploads/%s", c->sums.name);
	if (c->whole && c->is_part)
		(void)unlinkat(place_dir(c->place), path, 0);
	else if (c->whole)
		c->ran = place_remove(c->place, c->sums.name);
	else if (c->tmp[0])
		(void)unlinkat(place_dir(c->place), c->tmp, 0);
}

static void
on_dropped(struct place_work *w)
{
	content_free(container_of(w, struct content, work));
}

static void
forget(struct content *c)
{
	if (c->working)
		return;
	if (!c->kept && (c->whole || c->tmp[0])) {
		c->working = true;
		place_do(c->place, &c->work, on_run_drop, on_dropped);
		return;
	}
	content_free(c);
}

static void start(struct content *c);

static void
on_done(struct place_work *w)
{
	struct content *c = container_of(w, struct content, work);
	bool tell;

	c->working = false;
	c->err = c->ran;
	if (c->join)
		c->taken = c->sums.size = c->read;
	else
		place_wait_more(c->place, -(int64_t)c->busy.len);
	buf_clear(&c->busy);
	if (c->dropped) {
		forget(c);
		return;
	}
	tell = c->waited || c->last || c->err < 0;
	c->waited = false;
	if (c->err == 0 && !c->last && (c->ending || c->hold.len >= WORTH))
		start(c);
	if (tell)
		c->step(c, c->owner);
}

static void
start(struct content *c)
{
	struct buf full = c->hold;

	c->hold = c->busy;
	c->busy = full;
	c->last = c->ending && !c->join;
	c->working = true;
	place_do(c->place, &c->work, on_run, on_done);
}

void
content_set_part(struct content *c)
{
	c->is_part = true;
}

void
content_join(struct content *c, const char *const *parts, size_t count)
{
	c->join = mem_alloc_array(count + 1, sizeof(c->join[0]));
	c->joins = count;
	for (size_t i = 0; i < count; i++)
		(void)snprintf(c->join[i], sizeof(c->join[0]), "%s", parts[i]);
}

int
content_add(struct content *c, struct slice data)
{
	size_t top = place_waiting(c->place) > TIGHT ? HOLD_TIGHT : HOLD;

	if (c->err < 0)
		return c->err;
	if (c->working && c->hold.len && c->hold.len + data.len > top) {
		c->waited = true;
		return CONTENT_WAIT;
	}
	buf_slice(&c->hold, data);
	if (buf_check(&c->hold) < 0)
		return ERR_TOO_BIG;
	place_wait_more(c->place, (int64_t)data.len);
	c->taken += (int64_t)data.len;
	if (!c->working && c->hold.len >= WORTH)
		start(c);
	return 0;
}

int
content_end(struct content *c)
{
	if (c->err < 0)
		return c->err;
	c->ending = true;
	c->sums.size = c->taken;
	if (!c->working)
		start(c);
	return 0;
}

bool
content_is_whole(const struct content *c)
{
	return c->whole;
}

int
content_error(const struct content *c)
{
	return c->err;
}

int64_t
content_size(const struct content *c)
{
	return c->taken;
}

const struct content_sums *
content_sums(const struct content *c)
{
	return &c->sums;
}

void
content_keep(struct content *c)
{
	c->dropped = c->kept = true;
	forget(c);
}

void
content_drop(struct content *c)
{
	c->dropped = true;
	forget(c);
}
