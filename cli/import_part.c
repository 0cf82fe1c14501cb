/*
 * Parts: documents and the bytes of the file that they are.
 */
#include "base/mem.h"
#include "cli/import.h"

#include <zlib.h>

enum { PART_TOP = 80 << 20 };

struct import_part *
import_part_new(void)
{
	struct import_part *p = mem_new(struct import_part);

	buf_init(&p->body, PART_TOP);
	buf_init(&p->raw, PART_TOP);
	return p;
}

struct import_part *
import_part_free(struct import_part *p)
{
	if (!p)
		return NULL;
	buf_done(&p->body);
	buf_done(&p->raw);
	(void)mem_free(p->lines);
	return mem_free(p);
}

void
import_part_add(struct import_part *p, const struct import_line *line)
{
	if (p->count == p->room) {
		p->room = max(2 * p->room, (size_t)64);
		p->lines = mem_resize(p->lines, p->room * sizeof(p->lines[0]));
	}
	p->lines[p->count++] = *line;
}

static struct slice
piece(const struct buf *b, size_t from, size_t to)
{
	return slice_of(b->ptr ? b->ptr + from : "", to - from);
}

static size_t
line_end(const struct import_part *p, size_t at)
{
	return at + 1 < p->count ? p->lines[at + 1].from : p->body.len;
}

static size_t
raw_end(const struct import_part *p, size_t at)
{
	return at + 1 < p->count ? p->lines[at + 1].raw : p->raw.len;
}

struct slice
import_part_line(const struct import_part *p, size_t at)
{
	size_t end = line_end(p, at);

	return piece(&p->body, p->lines[at].from, end - (end > 0));
}

struct slice
import_part_raw(const struct import_part *p, size_t at)
{
	return piece(&p->raw, p->lines[at].raw, raw_end(p, at));
}

static void
cut(struct buf *b, size_t from, size_t to)
{
	if (from == to)
		return;
	memmove(b->ptr + from, b->ptr + to, b->len - to);
	b->len -= to - from;
}

void
import_part_del(struct import_part *p, size_t at)
{
	size_t from = p->lines[at].from, to = line_end(p, at);
	size_t raw = p->lines[at].raw, raw_to = raw_end(p, at);

	cut(&p->body, from, to);
	cut(&p->raw, raw, raw_to);
	for (size_t i = at + 1; i < p->count; i++) {
		p->lines[i - 1] = p->lines[i];
		p->lines[i - 1].from -= to - from;
		p->lines[i - 1].raw -= raw_to - raw;
	}
	p->count--;
}

/* CRC-32 is linear: from those of A and of AB comes that of B. */
static uint32_t
sum_of_rest(uint32_t all, uint32_t head, int64_t rest)
{
	return all ^ (uint32_t)crc32_combine(head, 0, rest);
}

struct import_part *
import_part_split(struct import_part *p, size_t at)
{
	struct import_part *q = import_part_new();
	const struct import_line *last = &p->lines[at - 1];
	size_t from = p->lines[at].from, raw = p->lines[at].raw;

	q->first = last->end;
	q->last = p->last;
	q->number = p->lines[at].number;
	q->sum = sum_of_rest(p->sum, last->sum, p->last - last->end);
	buf_slice(&q->body, piece(&p->body, from, p->body.len));
	buf_slice(&q->raw, piece(&p->raw, raw, p->raw.len));
	for (size_t i = at; i < p->count; i++) {
		struct import_line line = p->lines[i];

		line.from -= from;
		line.raw -= raw;
		line.sum =
			sum_of_rest(line.sum, last->sum, line.end - last->end);
		import_part_add(q, &line);
	}
	p->last = last->end;
	p->sum = last->sum;
	p->count = at;
	p->body.len = from;
	p->raw.len = raw;
	return q;
}
