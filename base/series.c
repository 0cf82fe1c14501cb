/*
 * The rows are an open-addressed table: a label is looked for from the place
 * its hash names.  Only the owner adds rows, and a row's length is written
 * last, so a reader sees a whole label or none.
 */
#include "base/series.h"

#include <stdatomic.h>
#include <string.h>

const uint32_t series_edges[SERIES_EDGES] = {500, 1000, 2500, 5000, 10000,
	25000, 50000, 100000, 250000, 500000, 1000000, 2500000, 5000000,
	10000000};

/* FNV-1a: labels are of our own making. */
static uint32_t
hash_of(struct slice s)
{
	uint32_t h = 2166136261u;

	for (size_t i = 0; i < s.len; i++)
		h = (h ^ (unsigned char)s.ptr[i]) * 16777619u;
	return h;
}

static bool
is_of(const struct series *s, struct slice label)
{
	return s->len == label.len && !memcmp(s->label, label.ptr, label.len);
}

static struct series *
row_claim(struct series *s, struct slice label)
{
	memcpy(s->label, label.ptr, label.len);
	s->label[label.len] = '\0';
	atomic_store(&s->len, (uint32_t)label.len);
	return s;
}

struct series *
series_find(struct series_table *t, struct slice label)
{
	uint32_t at;

	label.len = min(label.len, (size_t)SERIES_LABEL - 1);
	at = hash_of(label) % (SERIES_ROWS - 1);
	for (uint32_t i = 0; i < SERIES_ROWS - 1; i++) {
		struct series *s = &t->row[1 + (at + i) % (SERIES_ROWS - 1)];

		if (!s->len)
			return row_claim(s, label);
		if (is_of(s, label))
			return s;
	}
	if (!t->row[0].len)
		(void)row_claim(&t->row[0], SLICE("route=\"(other)\""));
	return &t->row[0];
}

void
series_add(struct series *s, int status, int64_t ns)
{
	uint64_t us = ns > 0 ? (uint64_t)ns / 1000 : 0;
	unsigned class = (unsigned)status / 100 - 1, i = 0;

	s->answers[min(class, (unsigned)SERIES_CLASSES - 1)]++;
	s->sum_us += us;
	while (i < SERIES_EDGES && us > series_edges[i])
		i++;
	s->below[i]++;
}
