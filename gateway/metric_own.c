/*
 * What a gateway alone knows of itself: told as JSON to the gateway that is
 * asked, which writes all of them as Prometheus' text.
 */
#include "base/event.h"
#include "base/mem.h"
#include "base/paths.h"
#include "base/util.h"
#include "base/val.h"
#include "base/valkey.h"
#include "db/pool.h"
#include "gateway/gateway.h"
#include "gateway/guard.h"
#include "gateway/metric.h"
#include "routes/breaker.h"
#include "watch/watch_relay.h"

#include <stdio.h>
#include <unistd.h>

static void
head_put(struct buf *to, const char *name, const char *type, const char *help)
{
	buf_printf(to, "# HELP mpcloud_%s %s\n# TYPE mpcloud_%s %s\n", name,
		help, name, type);
}

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

/* {name: state} of those that are not closed. */
static json_t *
circuits(const struct gateway *g)
{
	const struct breakers *all = g->guard ? guard_breakers(g->guard) : NULL;
	json_t *open = json_object();

	for (size_t i = 0; all && i < breakers_count(all); i++) {
		const struct breaker *b = breakers_at(all, i);

		if (breaker_state(b) != BREAKER_CLOSED)
			(void)json_object_set_new(open, breaker_name(b),
				json_integer(breaker_state(b)));
	}
	return open;
}

static json_t *
watch(const struct gateway *g)
{
	struct watches_count n;

	if (!g->watch)
		return NULL;
	n = watch_relay_count(g->watch);
	return json_pack("{s:I,s:I,s:I,s:I}", "watch_queries",
		(json_int_t)n.queries, "watchers", (json_int_t)n.subs,
		"watch_evaluations_total", (json_int_t)n.evaluations,
		"watch_changes_total", (json_int_t)n.changes);
}

static json_t *
valkey(const struct gateway *g)
{
	struct valkey_count n;

	if (!g->valkey)
		return NULL;
	n = valkey_count(g->valkey);
	return json_pack("{s:I,s:I,s:I}", "valkey_asked_total",
		(json_int_t)n.asked, "valkey_late_total", (json_int_t)n.late,
		"valkey_lost_total", (json_int_t)n.lost);
}

json_t *
metric_own(const struct gateway *g)
{
	json_int_t busy = 0, connections = 0;

	for (size_t i = 0; i < g->listener_count; i++) {
		busy += http_busy(g->listeners[i].http);
		connections += http_connections(g->listeners[i].http);
	}
	return json_pack("{s:I,s:I,s:b,s:I,s:o,s:o,s:i,s:o*,s:o*}", "busy",
		busy, "connections", connections, "database",
		pool_is_up(g->pool), "memory", memory(), "events", events(),
		"circuits", circuits(g), "shedding",
		g->guard ? (int)guard_level(g->guard) : 0, "watch", watch(g),
		"valkey", valkey(g));
}

static const struct {
	const char *member, *name, *help;
} gauges[] = {
	{"busy", "requests_under_way", "Requests that are not answered yet."},
	{"connections", "connections", "Clients' connections."},
	{"database", "database_up", "1: the database can be reached."},
	{"memory", "memory_bytes", "Memory that is the gateway's alone."},
	{"shedding", "shedding_level",
		"0: no request is refused for its low priority; 16: most are."},
};

/* Members of a part of `own` that not every gateway has. */
static const struct {
	const char *part, *name, *type, *help;
} parts[] = {
	{"watch", "watch_queries", "gauge", "Distinct queries watched."},
	{"watch", "watchers", "gauge", "Watches of clients."},
	{"watch", "watch_evaluations_total", "counter",
		"Times a watched query was evaluated."},
	{"watch", "watch_changes_total", "counter",
		"Changes of documents that the change stream told."},
	{"valkey", "valkey_asked_total", "counter", "Limits asked of Valkey."},
	{"valkey", "valkey_late_total", "counter",
		"Of those, answered too late."},
	{"valkey", "valkey_lost_total", "counter",
		"Of those, without a connection."},
};

static json_int_t
value_of(const json_t *own, const char *member)
{
	const json_t *v = json_object_get(own, member);

	return json_is_boolean(v) ? json_is_true(v) : json_integer_value(v);
}

static json_int_t
gateway_of(const json_t *g)
{
	return json_integer_value(json_object_get(g, "gateway"));
}

static void
parts_put(struct buf *to, const json_t *gateways)
{
	json_t *g, *v;
	size_t i;

	for (size_t k = 0; k < array_size(parts); k++) {
		head_put(to, parts[k].name, parts[k].type, parts[k].help);
		json_array_foreach (gateways, i, g) {
			v = json_object_get(
				json_object_get(json_object_get(g, "own"),
					parts[k].part),
				parts[k].name);
			if (v)
				buf_printf(to,
					"mpcloud_%s{gateway=\"%lld\"} %lld\n",
					parts[k].name, (long long)gateway_of(g),
					(long long)json_integer_value(v));
		}
	}
}

/* Names of functions, and of routes as declared.h has them: no escapes. */
static void
circuits_put(struct buf *to, const json_t *gateways)
{
	json_t *g, *v;
	const char *name;
	size_t i;

	head_put(to, "circuit_state", "gauge",
		"Circuits that are not closed: 1 open, 2 half-open.");
	json_array_foreach (gateways, i, g)
		json_object_foreach (
			json_object_get(json_object_get(g, "own"), "circuits"),
			name, v)
			buf_printf(to,
				"mpcloud_circuit_state{circuit=\"%s\","
				"gateway=\"%lld\"} %lld\n",
				name, (long long)gateway_of(g),
				(long long)json_integer_value(v));
}

static void
events_put(struct buf *to, const json_t *gateways)
{
	json_t *g, *n;
	const char *name;
	size_t i;

	head_put(to, "events_total", "counter",
		"Events in the log since the gateway was started.");
	json_array_foreach (gateways, i, g) {
		json_t *own = json_object_get(g, "own");

		json_object_foreach (json_object_get(own, "events"), name, n)
			buf_printf(to,
				"mpcloud_events_total{event=\"%s\",gateway="
				"\"%lld\"} %lld\n",
				name, (long long)gateway_of(g),
				(long long)json_integer_value(n));
	}
}

void
metric_own_put(struct buf *to, const json_t *gateways)
{
	json_t *g;
	size_t i;

	for (size_t k = 0; k < array_size(gauges); k++) {
		head_put(to, gauges[k].name, "gauge", gauges[k].help);
		json_array_foreach (gateways, i, g)
			buf_printf(to, "mpcloud_%s{gateway=\"%lld\"} %lld\n",
				gauges[k].name, (long long)gateway_of(g),
				(long long)value_of(json_object_get(g, "own"),
					gauges[k].member));
	}
	parts_put(to, gateways);
	circuits_put(to, gateways);
	events_put(to, gateways);
}
