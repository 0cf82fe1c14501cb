/*
 * A request is counted in a few nanoseconds: the row of its route (and action)
 * is remembered by where the two stand in their tables, which never move.  A
 * declared route's row is looked for by its name, since a reload frees routes.
 */
#include "gateway/metric.h"

#include "gateway/request.h"
#include "routes/declared.h"

#include <stdio.h>
#include <string.h>

enum { KNOWN = 256 };

static struct {
	const struct route *route;
	const char *action;
	struct series *series;
} known[KNOWN];

static const char *
method_of(unsigned methods)
{
	switch (methods) {
	case METHOD_GET:
		return "GET";
	case METHOD_POST:
		return "POST";
	case METHOD_PATCH:
		return "PATCH";
	case METHOD_DELETE:
		return "DELETE";
	default:
		return "ANY";
	}
}

static bool
is_built_in(const struct route *route)
{
	return route >= route_table && route < route_table + route_count;
}

static struct series *
series_made(const struct request *r, struct series_table *table)
{
	char label[SERIES_LABEL];

	(void)snprintf(label, sizeof(label), "route=\"%s %s\"%s%s%s",
		method_of(r->route->method), r->route->path,
		r->action ? ",action=\"" : "", r->action ? r->action : "",
		r->action ? "\"" : "");
	return series_find(table, slice_str(label));
}

static struct series *
series_known(const struct request *r, struct series_table *table)
{
	uintptr_t hash = (uintptr_t)r->route / sizeof(*r->route) +
			 (uintptr_t)r->action / sizeof(void *);
	size_t at = hash % KNOWN;

	if (known[at].route != r->route || known[at].action != r->action) {
		known[at].series = series_made(r, table);
		known[at].route = r->route;
		known[at].action = r->action;
	}
	return known[at].series;
}

/* Names of declared routes and of functions hold nothing that needs an escape
 * (declared.h, fn_name_is_valid). */
static struct series *
series_named(struct series_table *table, const char *kind, const char *name)
{
	char label[SERIES_LABEL];

	(void)snprintf(label, sizeof(label), "route=\"%s %s\"", kind, name);
	return series_find(table, slice_str(label));
}

void
metric_request(const struct request *r, int status, int64_t ns)
{
	struct series_table *table =
		shm_series(r->gateway->shm, r->gateway->index);
	struct series *s;

	if (r->declared)
		s = series_named(table, "declared", r->declared->name);
	else if (!r->route)
		s = series_named(table, "none", "");
	else if (is_built_in(r->route))
		s = series_known(r, table);
	else
		s = series_named(
			table, "function", r->function ? r->function : "");
	series_add(s, status, ns);
}
