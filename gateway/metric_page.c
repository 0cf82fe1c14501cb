/*
 * Shared memory and what gateways say of themselves → Prometheus' text
 * exposition format 0.0.4, in which all samples of a metric stand together.
 */
#include "base/event.h"
#include "base/mem.h"
#include "base/paths.h"
#include "base/util.h"
#include "base/val.h"
#include "db/pool.h"
#include "gateway/gateway.h"
#include "gateway/metric.h"

#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

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
head_put(struct buf *to, const char *name, const char *suffix,
	const char *type, const char *help)
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
};

static void
counters_put(const struct page *p)
{
	for (size_t k = 0; k < array_size(counters); k++) {
		head_put(p->to, counters[k].name, "", "counter",
			counters[k].help);
		for (size_t i = 0; i < p->count; i++) {
			const char *base = (const char *)shm_gateway(
				p->shm, p->index[i]);
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

/* --- what only the gateway itself knows --- */

static json_t *
events(void)
{
	json_t *all = json_object();

	for (int i = 0; i < EVENT_COUNT_; i++)
		if (event_count((enum event_name)i))
			(void)json_object_set_new(all,
				event_wire((enum event_name)i),
				json_integer((json_int_t)event_count(
					(enum event_name)i)));
	return all;
}

/* Resident pages that are ours alone: statm's second and third numbers. */
static json_int_t
memory(void)
{
	_free_ char *text = NULL;
	unsigned long size, resident, shared;
	size_t len;

	if (file_read("/proc/self/statm", 256, &text, &len, NULL) < 0 ||
		sscanf(text, "%lu %lu %lu", &size, &resident, &shared) != 3)
		return 0;
	return (json_int_t)(resident - shared) * sysconf(_SC_PAGESIZE);
}

json_t *
metric_own(const struct gateway *g)
{
	json_int_t busy = 0, connections = 0;

	for (size_t i = 0; i < g->listener_count; i++) {
		busy += http_busy(g->listeners[i].http);
		connections += http_connections(g->listeners[i].http);
	}
	return json_pack("{s:I,s:I,s:b,s:I,s:o}", "busy", busy, "connections",
		connections, "database", pool_is_up(g->pool), "memory",
		memory(), "events", events());
}

static const struct {
	const char *member, *name, *help;
} gauges[] = {
	{"busy", "requests_under_way", "Requests that are not answered yet."},
	{"connections", "connections", "Clients' connections."},
	{"database", "database_up", "1: the database can be reached."},
	{"memory", "memory_bytes", "Memory that is the gateway's alone."},
};

static json_int_t
value_of(const json_t *own, const char *member)
{
	const json_t *v = json_object_get(own, member);

	return json_is_boolean(v) ? json_is_true(v) : json_integer_value(v);
}

static void
events_put(struct buf *to, const json_t *gateways)
{
	json_t *g, *n;
	const char *name;
	size_t i;

	head_put(to, "events_total", "", "counter",
		"Events in the log since the gateway was started.");
	json_array_foreach (gateways, i, g) {
		json_t *own = json_object_get(g, "own");

		json_object_foreach (json_object_get(own, "events"), name, n)
			buf_printf(to,
				"mpcloud_events_total{event=\"%s\",gateway="
				"\"%lld\"} %lld\n",
				name,
				(long long)json_integer_value(
					json_object_get(g, "gateway")),
				(long long)json_integer_value(n));
	}
}

void
metric_own_put(struct buf *to, const json_t *gateways)
{
	json_t *g;
	size_t i;

	for (size_t k = 0; k < array_size(gauges); k++) {
		head_put(to, gauges[k].name, "", "gauge", gauges[k].help);
		json_array_foreach (gateways, i, g)
			buf_printf(to, "mpcloud_%s{gateway=\"%lld\"} %lld\n",
				gauges[k].name,
				(long long)json_integer_value(
					json_object_get(g, "gateway")),
				(long long)value_of(json_object_get(g, "own"),
					gauges[k].member));
	}
	events_put(to, gateways);
}
