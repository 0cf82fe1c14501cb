/*
 * JSON of counters → Prometheus' text exposition format 0.0.4: all samples of a
 * metric stand together, so each metric goes through all functions once.
 */
#include "gateway/fn_metrics.h"

#include "base/util.h"

#include <inttypes.h>
#include <string.h>

struct sample {
	struct buf *to;
	json_int_t gateway;
	const json_t *function; /* a member of crews_status */
};

static json_int_t
number(const json_t *v, const char *key)
{
	return json_integer_value(json_object_get(v, key));
}

/* Names have no character that would need an escape (fn_name_is_valid). */
static void
labels_put(const struct sample *s, const char *metric, const char *more)
{
	buf_printf(s->to,
		"mpcloud_function_%s{function=\"%s\",version=\"%lld\","
		"gateway=\"%lld\"%s}",
		metric, json_string_value(json_object_get(s->function, "name")),
		(long long)number(s->function, "version"),
		(long long)s->gateway, more);
}

static void
value_put(const struct sample *s, const char *metric, const char *label,
	const char *value, json_int_t n)
{
	char more[64] = "";

	if (label)
		(void)snprintf(more, sizeof(more), ",%s=\"%s\"", label, value);
	labels_put(s, metric, more);
	buf_printf(s->to, " %lld\n", (long long)n);
}

static void
put_calls(const struct sample *s)
{
	json_t *ended = json_object_get(s->function, "ended"), *n;
	const char *code;

	json_object_foreach (ended, code, n)
		value_put(
			s, "calls_total", "code", code, json_integer_value(n));
}

static void
put_workers(const struct sample *s)
{
	static const char *const states[] = {
		"starting", "idle", "busy", "leaving"};

	for (size_t i = 0; i < array_size(states); i++)
		value_put(s, "workers", "state", states[i],
			number(s->function, states[i]));
}

static void
put_waiting(const struct sample *s)
{
	value_put(s, "waiting", NULL, NULL, number(s->function, "waiting"));
}

static void
put_starts(const struct sample *s)
{
	value_put(s, "worker_starts_total", NULL, NULL,
		number(s->function, "starts"));
}

static void
put_memory(const struct sample *s)
{
	value_put(s, "memory_bytes", NULL, NULL,
		number(s->function, "memoryTop"));
}

/* How many were below `edge` microseconds. */
static json_int_t
count_below(const json_t *buckets, json_int_t edge)
{
	json_int_t n = 0;
	json_t *one;
	size_t i;

	json_array_foreach (buckets, i, one)
		if (json_integer_value(json_array_get(one, 0)) <= edge)
			n += json_integer_value(json_array_get(one, 1));
	return n;
}

/* Every fourth power of two is an edge of the histogram's own, too. */
static void
put_hist(const struct sample *s, const char *key, const char *metric)
{
	const json_t *h = json_object_get(s->function, key);
	const json_t *buckets = json_object_get(h, "buckets");
	char name[64], le[32];

	(void)snprintf(name, sizeof(name), "%s_seconds_bucket", metric);
	for (int bit = 6; bit <= 28; bit += 2) {
		(void)snprintf(le, sizeof(le), "%g", (double)(1 << bit) / 1e6);
		value_put(s, name, "le", le, count_below(buckets, 1 << bit));
	}
	value_put(s, name, "le", "+Inf", number(h, "count"));
	(void)snprintf(name, sizeof(name), "%s_seconds_sum", metric);
	labels_put(s, name, "");
	buf_printf(s->to, " %.6f\n", (double)number(h, "sumUs") / 1e6);
	(void)snprintf(name, sizeof(name), "%s_seconds_count", metric);
	value_put(s, name, NULL, NULL, number(h, "count"));
}

static void
put_took(const struct sample *s)
{
	put_hist(s, "took", "duration");
}

static void
put_wait(const struct sample *s)
{
	put_hist(s, "wait", "queue");
}

static void
put_cold(const struct sample *s)
{
	put_hist(s, "cold", "cold_start");
}

static const struct metric {
	const char *name, *type, *help;
	void (*put)(const struct sample *s);
} metrics[] = {
	{"calls_total", "counter", "Calls by how they ended.", put_calls},
	{"duration_seconds", "histogram", "Time of a call in its worker.",
		put_took},
	{"queue_seconds", "histogram", "Time a call waited for a worker.",
		put_wait},
	{"cold_start_seconds", "histogram",
		"Start of a worker that a call waited for.", put_cold},
	{"workers", "gauge", "Workers by state.", put_workers},
	{"waiting", "gauge", "Calls that wait for a worker.", put_waiting},
	{"worker_starts_total", "counter", "Workers started.", put_starts},
	{"memory_bytes", "gauge", "Most memory of any worker so far.",
		put_memory},
};

static void
metric_put(struct buf *to, const struct metric *m, const json_t *gateways)
{
	json_t *g, *function;
	size_t i, k;

	buf_printf(to,
		"# HELP mpcloud_function_%s %s\n# TYPE mpcloud_function_%s "
		"%s\n",
		m->name, m->help, m->name, m->type);
	json_array_foreach (gateways, i, g)
		json_array_foreach (
			json_object_get(g, "functions"), k, function)
			m->put(&(struct sample){.to = to,
				.gateway = number(g, "gateway"),
				.function = function});
}

void
fn_metrics_put(struct buf *to, const json_t *gateways)
{
	for (size_t i = 0; i < array_size(metrics); i++)
		metric_put(to, &metrics[i], gateways);
}
