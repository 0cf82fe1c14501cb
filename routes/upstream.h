#pragma once

/*
 * Programs behind us that speak HTTP: routes with an upstream.  Connections are
 * kept, a request goes to the next server that is well, is tried again on
 * another one only when that cannot do harm (a safe or idempotent method, or
 * nothing was sent), and a server that fails is left alone for a while and then
 * asked for its health.  Bodies pass through in pieces, both ways.
 */

#include "base/err.h"

#include <jansson.h>

struct upstream;
struct loop;

/* One member of "upstreams" in routes.json.  `trusted`: it may name sockets of
 * this machine, whose permissions are the gateway's: the daemon's own among
 * them.  Nobody is asked before the first request. */
int upstream_new(struct upstream **ret, struct loop *loop, const char *name,
	const json_t *spec, bool trusted, struct fault *why) _must_check_;
struct upstream *upstream_ref(struct upstream *u);
struct upstream *upstream_unref(struct upstream *u);
const char *upstream_name(const struct upstream *u);
