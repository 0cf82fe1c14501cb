/*
 * Shared memory → Prometheus' text
 * exposition format 0.0.4, in which all samples of a metric stand together.
 */
#include "base/util.h"
#include "gateway/metric.h"

#include <stdio.h>
#include <string.h>

/* What the rows' labels begin with says what they count. */
static const struct kind {
	const char *label, *metric, *answers, *times;
} kinds[] = {
	{"route=", "http_requests", "Requests by route and class of status.",
		"Time from a request's arrival to its answer's end."},
	{"host=", "outgoing_requests",
		"Requests that this server made, by server asked; 5xx also "
		"when no answer came.",
		"Time of the requests that this server made."},
	{"line=", "database_statements", "Statements by kind; 5xx failed.",
		"Time of statements, in whole milliseconds."},
};

struct page {
	struct buf *to;
	struct shm *shm;
	const unsigned *index;
	size_t count;
	const struct kind *kind;
};

typedef void row_fn(struct buf *to, const char *metric, unsigned gateway,
	const struct series *s);

static bool
is_of(const struct series *s, const struct kind *kind)
{
	return s->len &&
	       strncmp(s->label, kind->label, strlen(kind->label)) == 0;
}

static void
each_row(const struct page *p, row_fn *fn)
{
	for (size_t i = 0; i < p->count; i++) {
		const struct series_table *t = shm_series(p->shm, p->index[i]);

		for (size_t k = 0; k < SERIES_ROWS; k++)
			if (is_of(&t->row[k], p->kind))
				fn(p->to, p->kind->metric, p->index[i],
					&t->row[k]);
	}
}

static void
row_answers(struct buf *to, const char *metric, unsigned gateway,
	const struct series *s)
{
	for (int i = 0; i < SERIES_CLASSES; i++)
		if (s->answers[i])
			buf_printf(to,
				"mpcloud_%s_total{%s,class=\"%dxx\",gateway="
				"\"%u\"} %llu\n",
				metric, s->label, i + 1, gateway,
				(unsigned long long)s->answers[i]);
}

static void
row_times(struct buf *to, const char *metric, unsigned gateway,
	const struct series *s)
{
	unsigned long long n = 0;

	for (int i = 0; i < SERIES_EDGES; i++) {
		n += s->below[i];
		buf_printf(to,
			"mpcloud_%s_seconds_bucket{%s,gateway=\"%u\",le=\"%g\"}"
			" %llu\n",
			metric, s->label, gateway,
			(double)series_edges[i] / 1e6, n);
	}
	n += s->below[SERIES_EDGES];
	buf_printf(to,
		"mpcloud_%s_seconds_bucket{%s,gateway=\"%u\",le=\"+Inf\"} "
		"%llu\n",
		metric, s->label, gateway, n);
	buf_printf(to, "mpcloud_%s_seconds_sum{%s,gateway=\"%u\"} %.6f\n",
		metric, s->label, gateway, (double)s->sum_us / 1e6);
	buf_printf(to, "mpcloud_%s_seconds_count{%s,gateway=\"%u\"} %llu\n",
		metric, s->label, gateway, n);
}

static void
head_put(struct buf *to, const char *name, const char *suffix, const char *type,
	const char *help)
{
	buf_printf(to, "# HELP mpcloud_%s%s %s\n# TYPE mpcloud_%s%s %s\n", name,
		suffix, help, name, suffix, type);
}

/* Counters of struct shm_gateway that have no metric of their own elsewhere. */
static const struct {
	const char *name, *help;
	size_t at;
} counters[] = {
	{"logins_total", "Logins of all kinds.",
		offsetof(struct shm_gateway, logins)},
	{"orders_total", "Orders placed.",
		offsetof(struct shm_gateway, orders)},
	{"limited_total", "Requests refused by a rate limit.",
		offsetof(struct shm_gateway, limited)},
	{"shed_total", "Requests refused because too much was under way.",
		offsetof(struct shm_gateway, shed)},
	{"circuit_refused_total", "Requests refused by an open circuit.",
		offsetof(struct shm_gateway, circuit)},
	{"replayed_total", "Answers repeated for an Idempotency-Key.",
		offsetof(struct shm_gateway, replayed)},
	{"limits_counted_here_total",
		"Limits counted on this machine because Valkey did not answer.",
		offsetof(struct shm_gateway, counted_here)},
	{"files_hot_total", "Downloads answered without asking the database.",
		offsetof(struct shm_gateway, hot)},
};

static void
counters_put(const struct page *p)
{
	for (size_t k = 0; k < array_size(counters); k++) {
		head_put(p->to, counters[k].name, "", "counter",
			counters[k].help);
		for (size_t i = 0; i < p->count; i++) {
			const char *base =
				(const char *)shm_gateway(p->shm, p->index[i]);
			uint64_t n;

			memcpy(&n, base + counters[k].at, sizeof(n));
			buf_printf(p->to, "mpcloud_%s{gateway=\"%u\"} %llu\n",
				counters[k].name, p->index[i],
				(unsigned long long)n);
		}
	}
}

void
metric_page(
	struct buf *to, struct shm *shm, const unsigned *index, size_t count)
{
	struct page p = {to, shm, index, count, NULL};

	for (size_t i = 0; i < array_size(kinds); i++) {
		p.kind = &kinds[i];
		head_put(to, p.kind->metric, "_total", "counter",
			p.kind->answers);
		each_row(&p, row_answers);
		head_put(to, p.kind->metric, "_seconds", "histogram",
			p.kind->times);
		each_row(&p, row_times);
	}
	counters_put(&p);
}
